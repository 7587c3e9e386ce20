/* weights.c - writes the parameters and buffers of a module to a file under their dotted paths, and
 * makes a file a source of nn/load_state.c, which loads them. */
#include <string.h>
#include "weights.h"
#include "safetensors_file.h"

enum { NAME = 1100 };

/* ---- saving ---- */

dnn_status dnn__named_add(dnn__named_list *list, const char *path, const char *name,
                          dnn_tensor *tensor)
{
    char *copy;

    DNN_TRY(
        dnn__reserve((void **)&list->item, &list->capacity, list->n + 1, sizeof *list->item, path));
    copy = dnn__strdup(name);
    if (copy == NULL) {
        return dnn__nomem(path, strlen(name));
    }
    list->item[list->n++] = (dnn_named_tensor){copy, tensor};
    return DNN_OK;
}

struct naming {
    dnn__named_list *list;
    const char *path, *prefix;
    dnn_status status;
};

static bool add_named(void *ctx, const dnn__path *at, dnn_tensor *tensor)
{
    struct naming *n = ctx;
    char name[NAME];
    dnn__text text = dnn__text_to(name, sizeof name);

    dnn__put(&text, "%s%s", n->prefix, *n->prefix != 0 ? "." : "");
    dnn__put_path(&text, at);
    n->status = dnn__named_add(n->list, n->path, name, tensor);
    return n->status == DNN_OK;
}

dnn_status dnn__named_add_weights(dnn__named_list *list, const char *path, const char *prefix,
                                  dnn_module *module)
{
    struct naming n = {list, path, prefix, DNN_OK};

    dnn__each_tensor(module, DNN__PARAMETERS | DNN__BUFFERS, add_named, &n);
    return n.status;
}

void dnn__named_free(dnn__named_list *list)
{
    for (int64_t i = 0; i < list->n; i++) {
        dnn__free((char *)(uintptr_t)list->item[i].name);
    }
    dnn__free(list->item);
    *list = (dnn__named_list){0};
}

dnn_status dnn_save_weights(dnn_module *module, const char *path)
{
    /* Other readers refuse a file without it. Names and layouts are those of PyTorch. */
    static const dnn_named_text format = {"format", "pt"};
    dnn__named_list list = {0};
    dnn_status st;

    DNN_TRY(dnn__require(module, "dnn_save_weights", "module"));
    DNN_TRY(dnn__require(path, "dnn_save_weights", "path"));
    st = dnn__named_add_weights(&list, path, "", module);
    if (st == DNN_OK) {
        st = dnn_save_tensors(path, list.item, list.n, &format, 1);
    }
    dnn__named_free(&list);
    return st;
}

/* ---- loading ---- */

static bool file_entry(void *ctx, int64_t index, dnn__source_entry *out)
{
    dnn_file_entry_info info;

    if (!dnn_file_entry(ctx, index, &info)) {
        return false;
    }
    *out = (dnn__source_entry){
        .name = info.name, .dtype_name = info.dtype_name, .dtype = info.dtype, .shape = info.shape};
    return true;
}

static int64_t file_find(void *ctx, const char *name)
{
    return dnn__file_find(ctx, name);
}

static dnn_tensor *file_tensor(void *ctx, int64_t index)
{
    dnn_file_entry_info info;

    return dnn_file_entry(ctx, index, &info) ? dnn_file_tensor(ctx, info.name) : NULL;
}

dnn__tensor_source dnn__file_source(dnn_file *file)
{
    return (dnn__tensor_source){
        .word = "file", .ctx = file, .entry = file_entry, .find = file_find, .tensor = file_tensor};
}

static dnn_status load_file(dnn__state_load *l, dnn_file *file, int64_t *n_loaded)
{
    const dnn__tensor_source source = dnn__file_source(file);

    l->source = &source;
    DNN_TRY(dnn__state_load_prepare(l));
    DNN_TRY(dnn__state_load_commit(l));
    if (n_loaded != NULL) {
        *n_loaded = l->n_loaded;
    }
    return DNN_OK;
}

dnn_status dnn_load_weights_with(dnn_load_args args)
{
    dnn__state_load l = {.what = args.path, .partial = args.partial, .prefix = args.prefix};
    dnn__named_list list = {0};
    dnn_file *file;
    dnn_status st;

    DNN_TRY(dnn__require(args.module, "dnn_load_weights", "module"));
    DNN_TRY(dnn__require(args.path, "dnn_load_weights", "path"));
    file = dnn_file_open(args.path);
    if (file == NULL) {
        return dnn__take();
    }
    st = dnn__named_add_weights(&list, args.path, "", args.module);
    if (st == DNN_OK) {
        l.target = list.item;
        l.n_targets = list.n;
        st = load_file(&l, file, args.n_loaded);
    }
    dnn__state_load_free(&l);
    dnn__named_free(&list);
    dnn_release(file);
    return st;
}

/* ---- a file as a state ---- */

static size_t bytes_of_names(const dnn_file *file)
{
    dnn_file_entry_info info;
    size_t bytes = 0; /* at most those of the header, which is in memory */

    for (int64_t i = 0; dnn_file_entry(file, i, &info); i++) {
        bytes += strlen(info.name) + 1;
    }
    return bytes;
}

/* Reads the tensors of the file into item[]. false: an error is pending, and the inner scope has
 * released those that were read. */
static bool read_tensors(dnn_file *file, dnn_named_tensor *item)
{
    char *name = (char *)(item + dnn_file_count(file));
    dnn_file_entry_info info;
    bool ok = true;

    {
        DNN_SCOPE();
        for (int64_t i = 0; ok && dnn_file_entry(file, i, &info); i++) {
            item[i].tensor = dnn_file_tensor(file, info.name);
            item[i].name = strcpy(name, info.name);
            name += strlen(info.name) + 1;
            ok = item[i].tensor != NULL;
        }
        for (int64_t i = 0; ok && i < dnn_file_count(file); i++) {
            dnn_keep(item[i].tensor);
        }
    }
    return ok;
}

dnn_state dnn_load_tensors(const char *path)
{
    dnn_state state = {.n = 0};
    dnn_named_tensor *item = NULL;
    dnn_file *file = dnn__ready("dnn_load_tensors", path) ? dnn_file_open(path) : NULL;

    if (file != NULL) {
        item = dnn__state_items("dnn_load_tensors", dnn_file_count(file), bytes_of_names(file));
    }
    if (item != NULL && read_tensors(file, item)) {
        state = (dnn_state){.n = dnn_file_count(file), .item = item};
    }
    dnn_release(file);
    return state;
}
