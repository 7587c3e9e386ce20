/* run.c - a run: a list of named objects and numbers, and texts. checkpoint.c saves it,
 * checkpoint_load.c restores it. */
#include <string.h>
#include "run.h"

static const char *const word[DNN__RUN_KINDS] = {[DNN__RUN_MODULE] = "module",
                                                 [DNN__RUN_OPTIMIZER] = "optimizer",
                                                 [DNN__RUN_LOADER] = "loader",
                                                 [DNN__RUN_GENERATOR] = "generator",
                                                 [DNN__RUN_NUMBER] = "number"};

const char *dnn__run_word(dnn__run_kind kind)
{
    return word[kind];
}

/* ---- making ---- */

static void destroy(dnn_object *object)
{
    dnn_run *run = (dnn_run *)(void *)object;

    for (int64_t i = 0; i < run->n; i++) {
        if (run->item[i].kind != DNN__RUN_NUMBER) {
            dnn_release(run->item[i].at);
        }
    }
    for (int64_t i = 0; i < run->n_texts; i++) {
        dnn__free((char *)(uintptr_t)run->text[i].key);
        dnn__free((char *)(uintptr_t)run->text[i].value);
    }
    dnn__free(run->item);
    dnn__free(run->text);
    dnn__object_free(run, sizeof *run);
}

dnn_run *dnn_run_new(void)
{
    static const dnn__kind kind = {.name = "run", .destroy = destroy};

    return dnn__pending() == DNN_OK ? dnn__object_zeroed(&kind, sizeof(dnn_run), "dnn_run_new")
                                    : NULL;
}

/* ---- adding ---- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static bool is_name(dnn__run_kind kind, const char *name)
{
    size_t n = 0;

    while (n < DNN__RUN_NAME && is_name_byte(name[n])) {
        n++;
    }
    return n < DNN__RUN_NAME && name[n] == 0 && (n > 0 || kind == DNN__RUN_MODULE);
}

static int compare(const dnn__run_item *item, dnn__run_kind kind, const char *name, size_t length)
{
    int order = item->kind < kind ? -1 : item->kind > kind;

    if (order == 0) {
        order = strncmp(item->name, name, length);
    }
    return order != 0 ? order : item->name[length] != 0;
}

/* Returns the place of the first item that is not before (kind, name). */
static int64_t place_of(const dnn_run *run, dnn__run_kind kind, const char *name, size_t length)
{
    int64_t low = 0, high = run->n;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (compare(&run->item[middle], kind, name, length) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const dnn__run_item *dnn__run_find(const dnn_run *run, dnn__run_kind kind, const char *name,
                                   size_t length)
{
    int64_t at = length < DNN__RUN_NAME ? place_of(run, kind, name, length) : run->n;

    return at < run->n && compare(&run->item[at], kind, name, length) == 0 ? &run->item[at] : NULL;
}

static dnn_status check_name(const dnn_run *run, const char *function, dnn__run_kind kind,
                             const char *name)
{
    if (name == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: name is NULL", function);
    }
    if (!is_name(kind, name)) {
        return dnn__fail(DNN_E_INVALID, "%s: the name \"%.80s\" is not 1 to 63 of [A-Za-z0-9_-]",
                         function, name);
    }
    if ((kind == DNN__RUN_MODULE && strcmp(name, "dnn") == 0) ||
        (kind == DNN__RUN_GENERATOR && strcmp(name, "default") == 0)) {
        return dnn__fail(DNN_E_INVALID, "%s: libdnn uses the name \"%s\" itself", function, name);
    }
    if (dnn__run_find(run, kind, name, strlen(name)) != NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: %s \"%s\" is in the run already", function, word[kind],
                         name);
    }
    return DNN_OK;
}

static dnn_status add(dnn_run *run, const char *function, const char *name, dnn__run_item item)
{
    int64_t at;

    DNN_TRY(dnn__require(run, function, "run"));
    DNN_TRY(check_name(run, function, item.kind, name));
    DNN_TRY(dnn__require(item.at, function, word[item.kind]));
    DNN_TRY(
        dnn__reserve((void **)&run->item, &run->capacity, run->n + 1, sizeof *run->item, function));
    at = place_of(run, item.kind, name, strlen(name));
    memmove(run->item + at + 1, run->item + at, (size_t)(run->n - at) * sizeof *run->item);
    memcpy(item.name, name, strlen(name) + 1);
    if (item.kind != DNN__RUN_NUMBER) {
        dnn_retain(item.at);
    }
    run->item[at] = item;
    run->n++;
    return DNN_OK;
}

dnn_status dnn_run_add_module(dnn_run *run, const char *name, dnn_module *module)
{
    return add(run, "dnn_run_add_module", name,
               (dnn__run_item){.kind = DNN__RUN_MODULE, .at = module});
}

dnn_status dnn_run_add_optimizer(dnn_run *run, const char *name, dnn_optimizer *optimizer)
{
    return add(run, "dnn_run_add_optimizer", name,
               (dnn__run_item){.kind = DNN__RUN_OPTIMIZER, .at = optimizer});
}

dnn_status dnn_run_add_loader(dnn_run *run, const char *name, dnn_loader *loader)
{
    return add(run, "dnn_run_add_loader", name,
               (dnn__run_item){.kind = DNN__RUN_LOADER, .at = loader});
}

dnn_status dnn_run_add_generator(dnn_run *run, const char *name, dnn_generator *generator)
{
    return add(run, "dnn_run_add_generator", name,
               (dnn__run_item){.kind = DNN__RUN_GENERATOR, .at = generator});
}

dnn_status dnn_run_add_number(dnn_run *run, const char *name, double *number)
{
    return add(run, "dnn_run_add_number", name,
               (dnn__run_item){.kind = DNN__RUN_NUMBER, .at = number, .dtype = DNN_T_F64, .n = 1});
}

dnn_status dnn_run_add_count(dnn_run *run, const char *name, int64_t *count)
{
    return add(run, "dnn_run_add_count", name,
               (dnn__run_item){.kind = DNN__RUN_NUMBER, .at = count, .dtype = DNN_T_I64, .n = 1});
}

dnn_status dnn_run_add_numbers(dnn_run *run, const char *name, double *numbers, int64_t n)
{
    DNN_TRY(dnn__require(run, "dnn_run_add_numbers", "run"));
    if (n < 1) {
        return dnn__fail(DNN_E_INVALID, "dnn_run_add_numbers: n is %s, must be 1 or more",
                         dnn__number_text(n));
    }
    return add(run, "dnn_run_add_numbers", name,
               (dnn__run_item){.kind = DNN__RUN_NUMBER, .at = numbers, .dtype = DNN_T_F64, .n = n});
}

/* ---- texts ---- */

static bool is_of_libdnn(const char *key)
{
    static const char *const ours[] = {"format",    "dnn.checkpoint", "dnn.library", "dnn.seed",
                                       "dnn.optim", "dnn.dataset",    "dnn.backend"};

    for (size_t i = 0; i < DNN__COUNT(ours); i++) {
        if (strcmp(key, ours[i]) == 0) {
            return true;
        }
    }
    return strncmp(key, "dnn.crc32c", 10) == 0;
}

/* Returns the text of that key, or a new one, empty, at the end. NULL: out of memory. */
static dnn_named_text *text_of(dnn_run *run, const char *key)
{
    const char *copy;

    for (int64_t i = 0; i < run->n_texts; i++) {
        if (strcmp(run->text[i].key, key) == 0) {
            return &run->text[i];
        }
    }
    if (dnn__reserve((void **)&run->text, &run->cap_texts, run->n_texts + 1, sizeof *run->text,
                     "dnn_run_set_text") != DNN_OK) {
        return NULL;
    }
    copy = dnn__strdup(key);
    if (copy == NULL) {
        return NULL;
    }
    run->text[run->n_texts] = (dnn_named_text){.key = copy};
    return &run->text[run->n_texts++];
}

dnn_status dnn_run_set_text(dnn_run *run, const char *key, const char *text)
{
    dnn_named_text *to;
    const char *copy;

    DNN_TRY(dnn__require(run, "dnn_run_set_text", "run"));
    DNN_TRY(dnn__require(key, "dnn_run_set_text", "key"));
    DNN_TRY(dnn__require(text, "dnn_run_set_text", "text"));
    if (is_of_libdnn(key)) {
        return dnn__fail(DNN_E_INVALID, "dnn_run_set_text: libdnn writes the key \"%s\" itself",
                         key);
    }
    copy = dnn__strdup(text);
    to = copy != NULL ? text_of(run, key) : NULL;
    if (to == NULL) {
        dnn__free((char *)(uintptr_t)copy);
        return dnn__nomem("dnn_run_set_text", strlen(key) + strlen(text));
    }
    dnn__free((char *)(uintptr_t)to->value);
    to->value = copy;
    return DNN_OK;
}

/* ---- names of tensors ---- */

dnn_status dnn__run_names_make(const dnn_run *run, const char *path, dnn__run_names *out)
{
    *out = (dnn__run_names){0};
    for (int64_t i = 0; i < run->n && run->item[i].kind == DNN__RUN_MODULE; i++) {
        DNN_TRY(dnn__named_add_weights(&out->list, path, run->item[i].name, run->item[i].at));
    }
    DNN_TRY(dnn__pointer_map_new(path, out->list.n, &out->index));
    for (int64_t i = 0; i < out->list.n; i++) {
        dnn__pointer_map_add(&out->index, out->list.item[i].tensor, i);
    }
    return DNN_OK;
}

const char *dnn__run_name(const dnn__run_names *names, const dnn_tensor *tensor)
{
    const int64_t i = dnn__pointer_map_find(&names->index, tensor);

    return i >= 0 ? names->list.item[i].name : NULL;
}

void dnn__run_names_free(dnn__run_names *names)
{
    dnn__named_free(&names->list);
    dnn__pointer_map_free(&names->index);
}
