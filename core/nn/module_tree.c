/* module_tree.c - the tree of modules: walks over tensors and modules, look-up by name and path,
 * the list and the number of parameters. module.c, module_to.c and core/inspect call it. */
#include "nn_impl.h"
#include <string.h>

/* ---- walks ---- */

void dnn__put_path(dnn__text *text, const dnn__path *path)
{
    if (path == NULL) {
        return;
    }
    if (path->up != NULL) {
        dnn__put_path(text, path->up);
        dnn__put(text, ".");
    }
    dnn__put(text, "%s", path->name);
}

static bool walk_tensors(const dnn_module *module, const dnn__path *up, int kinds,
                         dnn__tensor_visit visit, void *ctx)
{
    for (int kind = DNN__PARAMETERS; kind <= DNN__BUFFERS; kind <<= 1) {
        for (int64_t i = 0; i < module->dnn_n_slots; i++) {
            const struct dnn_slot *slot = &module->dnn_slots[i];
            dnn__path here = {.up = up, .name = slot->name};

            if (slot->kind == kind && (kinds & kind) != 0 && !visit(ctx, &here, slot->tensor)) {
                return false;
            }
        }
    }
    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        const struct dnn_slot *slot = &module->dnn_slots[i];
        dnn__path here = {.up = up, .name = slot->name};

        if (slot->child != NULL && !walk_tensors(slot->child, &here, kinds, visit, ctx)) {
            return false;
        }
    }
    return true;
}

bool dnn__each_tensor(const dnn_module *module, int kinds, dnn__tensor_visit visit, void *ctx)
{
    return walk_tensors(module, NULL, kinds, visit, ctx);
}

static bool walk_modules(dnn_module *module, const dnn__path *path, dnn__module_visit visit,
                         void *ctx)
{
    if (!visit(ctx, path, module)) {
        return false;
    }
    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        dnn__path here = {.up = path, .name = module->dnn_slots[i].name};

        if (module->dnn_slots[i].child != NULL &&
            !walk_modules(module->dnn_slots[i].child, &here, visit, ctx)) {
            return false;
        }
    }
    return true;
}

bool dnn__each_module(dnn_module *module, dnn__module_visit visit, void *ctx)
{
    return walk_modules(module, NULL, visit, ctx);
}

/* ---- lists ---- */

static bool count_tensor(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    (void)path;
    (void)tensor;
    ((dnn__tensors *)ctx)->n++;
    return true;
}

/* A parameter that two modules share is in the list once, because an optimizer must update it once.
 */
static bool append_new(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    dnn__tensors *list = ctx;

    (void)path;
    for (int64_t i = 0; i < list->n; i++) {
        if (list->item[i] == tensor) {
            return true;
        }
    }
    list->item[list->n++] = tensor;
    return true;
}

dnn_status dnn__module_tensors(const char *call, const dnn_module *module, int kinds,
                               dnn__tensors *out)
{
    dnn__tensors list = {0};
    size_t bytes;

    dnn__each_tensor(module, kinds, count_tensor, &list);
    if (!dnn__size_mul((size_t)list.n, sizeof(dnn_tensor *), &bytes)) {
        return dnn__nomem(call, SIZE_MAX);
    }
    list.item = dnn__alloc(bytes);
    if (list.item == NULL) {
        return dnn__nomem(call, bytes);
    }
    list.n = 0;
    dnn__each_tensor(module, kinds, append_new, &list);
    *out = list;
    return DNN_OK;
}

dnn_tensor_list dnn_parameters(dnn_module *module)
{
    dnn_tensor_list none = {.n = 0};
    dnn__tensors list = {0};
    dnn_tensor **out;
    dnn_status st;

    if (!dnn__ready("dnn_parameters", module)) {
        return none;
    }
    st = dnn__module_tensors("dnn_parameters", module, DNN__PARAMETERS, &list);
    if (st != DNN_OK) {
        dnn__null(st);
        return none;
    }
    out = dnn__scope_array(list.n);
    if (out != NULL && list.n > 0) {
        memcpy(out, list.item, (size_t)list.n * sizeof *out);
    }
    dnn__free(list.item);
    return out != NULL ? (dnn_tensor_list){.n = list.n, .item = out} : none;
}

/* Counts elements without a list of parameters. A shared parameter counts once: at the first path
 * that leads to it. */
struct first {
    const dnn_tensor *tensor; /* to search for */
    const dnn_module *root;
    int64_t index; /* of the path in the walk */
    int64_t elements;
};

static bool is_not_first(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    struct first *first = ctx;

    (void)path;
    if (tensor == first->tensor) {
        return false;
    }
    first->index++;
    return true;
}

static bool add_elements(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    struct first *sum = ctx;
    struct first search = {.tensor = tensor};

    (void)path;
    dnn__each_tensor(sum->root, DNN__PARAMETERS, is_not_first, &search);
    if (search.index == sum->index) {
        sum->elements += dnn__numel(tensor);
    }
    sum->index++;
    return true;
}

int64_t dnn_module_parameter_count(const dnn_module *module)
{
    struct first sum = {.root = module};

    if (dnn__usable(module)) {
        dnn__each_tensor(module, DNN__PARAMETERS, add_elements, &sum);
    }
    return sum.elements;
}

/* ---- look-up ---- */

struct dnn_slot *dnn__module_slot(const dnn_module *module, const char *name, size_t length)
{
    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        struct dnn_slot *slot = &module->dnn_slots[i];

        if (strlen(slot->name) == length && memcmp(slot->name, name, length) == 0) {
            return slot;
        }
    }
    return NULL;
}

struct at {       /* the search for a tensor by its index */
    int64_t left; /* tensors before it */
    dnn_tensor *found;
    dnn__text text; /* its path */
};

static bool is_not_at(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    struct at *at = ctx;

    if (at->left-- > 0) {
        return true;
    }
    at->found = tensor;
    dnn__put_path(&at->text, path);
    return false;
}

dnn_tensor *dnn__module_tensor_at(const dnn_module *module, int kinds, int64_t index, char *name,
                                  size_t bytes)
{
    struct at at = {.left = index, .text = dnn__text_to(name, name == NULL ? 0 : bytes)};

    if (dnn__usable(module) && index >= 0) {
        dnn__each_tensor(module, kinds, is_not_at, &at);
    }
    return at.found;
}

struct dnn_slot *dnn__module_slot_at(const dnn_module *module, const char *path)
{
    while (module != NULL && path != NULL) {
        const char *end = strchrnul(path, '.');
        struct dnn_slot *slot = dnn__module_slot(module, path, (size_t)(end - path));

        if (slot == NULL || *end == 0) {
            return slot;
        }
        module = slot->child;
        path = end + 1;
    }
    return NULL;
}

dnn_tensor *dnn_module_tensor(const dnn_module *module, const char *path)
{
    struct dnn_slot *slot = dnn__usable(module) ? dnn__module_slot_at(module, path) : NULL;

    return slot == NULL ? NULL : slot->tensor;
}

dnn_module *dnn_module_child(const dnn_module *module, const char *path)
{
    struct dnn_slot *slot = dnn__usable(module) ? dnn__module_slot_at(module, path) : NULL;

    return slot == NULL ? NULL : slot->child;
}

/* ---- visits by the program ---- */

struct visit {
    dnn_module_fn fn;
    void *ctx;
    dnn_status status;
};

static bool call_visitor(void *ctx, const dnn__path *path, dnn_module *module)
{
    struct visit *v = ctx;
    char name[1024];
    dnn__text text = dnn__text_to(name, sizeof name);
    bool before = dnn__callback_begin();

    dnn__put_path(&text, path);
    v->status = dnn__callback_end(before, v->fn(v->ctx, module, name), "dnn_module_apply",
                                  name[0] != 0 ? name : module->dnn_type->name);
    return v->status == DNN_OK;
}

dnn_status dnn_module_apply(dnn_module *module, dnn_module_fn fn, void *ctx)
{
    struct visit v = {.fn = fn, .ctx = ctx};

    DNN_TRY(dnn__require(module, "dnn_module_apply", "module"));
    if (fn == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_apply: fn is NULL");
    }
    dnn__each_module(module, call_visitor, &v);
    return v.status;
}
