/* module_tree.c - the tree of modules: walks over tensors and modules, look-up by name and path,
 * the list and the number of parameters. module.c, module_to.c and core/inspect call it. */
#include "nn_impl.h"
#include "pointer_map.h"
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

/* A walk that sees each tensor once, although two modules may share it: an optimizer must update a
 * parameter once. */
struct once {
    dnn__pointer_map seen;
    dnn_tensor **item; /* [n] where the tensors go; NULL: nowhere */
    int64_t n, elements;
    const char **name; /* where their paths go; NULL: nowhere */
    char *text;        /* where the next path goes */
    size_t bytes;      /* of all paths, with their final 0 */
};

static bool see_new(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    struct once *w = ctx;
    dnn__text text = dnn__text_to(w->text, w->name == NULL ? 0 : SIZE_MAX);

    if (dnn__pointer_map_add(&w->seen, tensor, w->n) >= 0) {
        return true;
    }
    dnn__put_path(&text, path);
    if (w->item != NULL) {
        w->item[w->n] = tensor;
    }
    if (w->name != NULL) {
        w->name[w->n] = w->text;
        w->text += text.length + 1;
    }
    w->n++;
    w->bytes += text.length + 1;
    w->elements += dnn__numel(tensor);
    return true;
}

static dnn_status walk_once(const char *call, const dnn_module *module, int kinds, struct once *w)
{
    dnn__tensors all = {0};

    dnn__each_tensor(module, kinds, count_tensor, &all);
    DNN_TRY(dnn__pointer_map_new(call, all.n, &w->seen));
    dnn__each_tensor(module, kinds, see_new, w);
    dnn__pointer_map_free(&w->seen);
    return DNN_OK;
}

dnn_status dnn__module_tensors(const char *call, const dnn_module *module, int kinds,
                               dnn__tensors *out)
{
    dnn__tensors list = {0};
    struct once w = {.n = 0};
    dnn_status st;

    dnn__each_tensor(module, kinds, count_tensor, &list);
    w.item = dnn__calloc((size_t)list.n, sizeof *w.item);
    if (w.item == NULL) {
        return dnn__nomem(call, (size_t)list.n * sizeof *w.item);
    }
    st = walk_once(call, module, kinds, &w);
    if (st != DNN_OK) {
        dnn__free(w.item);
        return st;
    }
    *out = (dnn__tensors){.n = w.n, .item = w.item};
    return DNN_OK;
}

/* One array of the scope: n tensors, n names, and the texts of the names. */
static dnn_status list_parameters(const dnn_module *module, dnn_tensor_list *out)
{
    struct once size = {.n = 0}, fill = {.n = 0};
    void **array;

    DNN_TRY(walk_once("dnn_parameters", module, DNN__PARAMETERS, &size));
    array = dnn__scope_array(2 * size.n + (int64_t)(size.bytes / sizeof(void *)) + 1);
    if (array == NULL) {
        return dnn__take();
    }
    fill.item = (dnn_tensor **)array;
    fill.name = (const char **)(array + size.n);
    fill.text = (char *)(array + 2 * size.n);
    DNN_TRY(walk_once("dnn_parameters", module, DNN__PARAMETERS, &fill));
    *out = (dnn_tensor_list){.n = fill.n, .item = fill.item, .name = fill.name};
    return DNN_OK;
}

dnn_tensor_list dnn_parameters(const dnn_module *module)
{
    dnn_tensor_list list = {.n = 0};

    if (dnn__ready("dnn_parameters", module)) {
        dnn__ok(list_parameters(module, &list));
    }
    return list;
}

int64_t dnn_module_parameter_count(const dnn_module *module)
{
    struct once w = {.n = 0};

    if (dnn__usable(module)) {
        dnn__ok(walk_once("dnn_module_parameter_count", module, DNN__PARAMETERS, &w));
    }
    return w.elements;
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
