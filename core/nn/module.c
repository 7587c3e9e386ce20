/* module.c - the tree of modules: registration, walks, look-up by path, moves between devices and
 * dtypes, freeing. Layers and programs build on it; core/io and core/optim walk it. It knows no
 * layer, and it never touches a file. */
#include "nn_impl.h"
#include "call.h"
#include "ops_impl.h"
#include <string.h>

_Thread_local const dnn__observer *dnn__forward_observer;

dnn_module *dnn_module_new(const dnn_module_type *type)
{
    dnn_module *module;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    if (type == NULL || type->name == NULL) {
        return dnn__null(
            dnn__fail(DNN_E_INVALID, "dnn_module_new: the type, or its name, is NULL"));
    }
    if (type->bytes < sizeof(dnn_module)) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "dnn_module_new: %s has %zu bytes, a dnn_module alone has %zu",
                                   type->name, type->bytes, sizeof(dnn_module)));
    }
    module = dnn__calloc(1, type->bytes);
    if (module == NULL) {
        return dnn__null(dnn__nomem(type->name, type->bytes));
    }
    module->dnn_type = type;
    module->dnn_training = true;
    return module;
}

/* Recursive, as every walk here: how deep a tree is, the program decides, never an input. */
static void free_tree(dnn_module *module)
{
    if (module->dnn_type->free != NULL) {
        module->dnn_type->free(module);
    }
    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        struct dnn_slot *slot = &module->dnn_slots[i];

        if (slot->child != NULL) {
            free_tree(slot->child);
        }
        dnn_release(slot->tensor);
        dnn__free(slot->name);
    }
    dnn__free(module->dnn_slots);
    dnn__free(module->dnn_list);
    dnn__free(module);
}

void dnn_module_free(dnn_module *module)
{
    if (module != NULL && !module->dnn_owned) {
        free_tree(module);
    }
}

/* ---- registration ---- */

static struct dnn_slot *find_slot(const dnn_module *module, const char *name, size_t length)
{
    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        struct dnn_slot *slot = &module->dnn_slots[i];

        if (strlen(slot->name) == length && memcmp(slot->name, name, length) == 0) {
            return slot;
        }
    }
    return NULL;
}

static dnn_status check_name(const char *call, const dnn_module *module, const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    size_t length;

    if (name == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: name is NULL", call);
    }
    length = strlen(name);
    if (length == 0 || length > 255 || strspn(name, letters) != length) {
        return dnn__fail(DNN_E_INVALID, "%s: the name \"%.64s\" is not 1 to 255 of [A-Za-z0-9_]",
                         call, name);
    }
    if (strncmp(name, "dnn", 3) == 0) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: the name \"%s\" begins with \"dnn\", which checkpoints keep for themselves", call,
            name);
    }
    if (find_slot(module, name, length) != NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: %s has a \"%s\" already", call, module->dnn_type->name,
                         name);
    }
    return DNN_OK;
}

/* Room for one more slot and its name; nothing has changed when it fails, and nothing can fail
 * after it. */
static dnn_status prepare_slot(const char *call, dnn_module *module, const char *name, char **copy)
{
    void *slots = module->dnn_slots;

    DNN_TRY(check_name(call, module, name));
    DNN_TRY(dnn__reserve(&slots, &module->dnn_cap_slots, module->dnn_n_slots + 1,
                         sizeof(struct dnn_slot), call));
    module->dnn_slots = slots;
    *copy = dnn__strdup(name);
    return *copy == NULL ? dnn__nomem(call, strlen(name) + 1) : DNN_OK;
}

static bool is_not_it(void *ctx, const dnn__path *path, dnn_module *module)
{
    (void)path;
    return module != ctx;
}

static dnn_status add_child(dnn_module *parent, const char *name, dnn_module *child)
{
    char *copy = NULL;

    DNN_TRY(prepare_slot("dnn_module_add", parent, name, &copy));
    parent->dnn_slots[parent->dnn_n_slots++] =
        (struct dnn_slot){.name = copy, .kind = DNN__CHILD, .child = child};
    child->dnn_owned = true;
    return DNN_OK;
}

dnn_module *dnn_module_add(dnn_module *parent, const char *name, dnn_module *child)
{
    dnn_status st = dnn__waiting();

    if (child == NULL) {
        return st != DNN_OK ? NULL
                            : dnn__null(dnn__fail(DNN_E_INVALID, "dnn_module_add: child is NULL"));
    }
    if (st == DNN_OK && child->dnn_owned) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "dnn_module_add: the %s \"%.64s\" has a parent already",
                                   child->dnn_type->name, name == NULL ? "" : name));
    }
    if (parent != NULL && !dnn__each_module(child, is_not_it, parent)) {
        return st != DNN_OK
                   ? NULL
                   : dnn__null(dnn__fail(DNN_E_INVALID,
                                         "dnn_module_add: a module would be inside itself"));
    }
    if (st == DNN_OK) {
        st = parent == NULL ? dnn__fail(DNN_E_INVALID, "dnn_module_add: parent is NULL")
                            : add_child(parent, name, child);
        if (st == DNN_OK) {
            return child;
        }
        dnn__null(st);
    }
    dnn_module_free(child);
    return NULL;
}

/* Dense: files, optimizers and moves treat a module's tensor as one block of bytes. */
static dnn_status check_value(const char *call, const char *name, const dnn_tensor *value)
{
    if (value == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: the value of \"%.64s\" is NULL", call,
                         name == NULL ? "" : name);
    }
    if (!dnn__dense(value)) {
        return dnn__fail(DNN_E_INVALID, "%s: \"%.64s\" %s is not contiguous: use dnn_contiguous",
                         call, name == NULL ? "" : name, dnn__shape_text(value->ndim, value->dim));
    }
    if (value->node != NULL) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: \"%.64s\" is the result of a recorded operator: use dnn_detach", call,
                         name == NULL ? "" : name);
    }
    return DNN_OK;
}

static dnn_tensor *register_tensor(const char *call, dnn_module *module, const char *name,
                                   dnn_tensor *value, int kind)
{
    char *copy = NULL;
    dnn_status st = DNN_OK;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    if (module == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: module is NULL", call));
    }
    DNN_TRY_TO(failed, check_value(call, name, value));
    DNN_TRY_TO(failed, prepare_slot(call, module, name, &copy));
    if (kind == DNN_PARAMETERS && dnn_requires_grad_(value, true) == NULL) {
        dnn__free(copy);
        return NULL;
    }
    module->dnn_slots[module->dnn_n_slots++] =
        (struct dnn_slot){.name = copy, .kind = kind, .tensor = dnn_retain(value)};
    return value;
failed:
    return dnn__null(st);
}

dnn_tensor *dnn_module_parameter(dnn_module *module, const char *name, dnn_tensor *value)
{
    return register_tensor("dnn_module_parameter", module, name, value, DNN_PARAMETERS);
}

dnn_tensor *dnn_module_buffer(dnn_module *module, const char *name, dnn_tensor *value)
{
    return register_tensor("dnn_module_buffer", module, name, value, DNN_BUFFERS);
}

/* ---- running ---- */

dnn_tensor *dnn_forward(dnn_module *module, dnn_tensor *x)
{
    dnn_tensor *out;

    if (module == NULL) {
        return dnn__waiting() != DNN_OK
                   ? NULL
                   : dnn__null(dnn__fail(DNN_E_INVALID, "dnn_forward: module is NULL"));
    }
    if (!dnn__ready(module->dnn_type->name, x)) {
        return NULL;
    }
    if (module->dnn_type->forward == NULL) {
        return dnn__null(
            dnn__fail(DNN_E_INVALID, "dnn_forward: %s has no forward", module->dnn_type->name));
    }
    out = module->dnn_type->forward(module, x);
    if (out != NULL && dnn__forward_observer != NULL) {
        dnn__forward_observer->seen(dnn__forward_observer->ctx, module, out);
    }
    return out;
}

static bool set_training(void *ctx, const dnn__path *path, dnn_module *module)
{
    (void)path;
    module->dnn_training = *(const bool *)ctx;
    return true;
}

void dnn_module_train(dnn_module *module, bool training)
{
    if (module != NULL) {
        dnn__each_module(module, set_training, &training);
    }
}

bool dnn_module_training(const dnn_module *module)
{
    return module != NULL && module->dnn_training;
}

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
    for (int kind = DNN_PARAMETERS; kind <= DNN_BUFFERS; kind <<= 1) {
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

/* ---- lists and look-up ---- */

struct list {
    int64_t n;
    dnn_tensor **item; /* NULL: count only */
};

static bool count_tensor(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    (void)path;
    (void)tensor;
    ((struct list *)ctx)->n++;
    return true;
}

/* A parameter that two modules share is one parameter: stepping it twice would be wrong. */
static bool append_new(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    struct list *list = ctx;

    (void)path;
    for (int64_t i = 0; i < list->n; i++) {
        if (list->item[i] == tensor) {
            return true;
        }
    }
    list->item[list->n++] = tensor;
    return true;
}

/* The tensors of the kinds, each once, in an array for dnn__free. */
static dnn_status list_tensors(const char *call, const dnn_module *module, int kinds,
                               struct list *out)
{
    struct list list = {0};
    size_t bytes;

    dnn__each_tensor(module, kinds, count_tensor, &list);
    if (!dnn__mul((size_t)list.n, sizeof(dnn_tensor *), &bytes)) {
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
    dnn_tensor_list none = {0, NULL};
    struct list list = {0};
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return none;
    }
    st = module == NULL ? dnn__fail(DNN_E_INVALID, "dnn_parameters: module is NULL")
                        : list_tensors("dnn_parameters", module, DNN_PARAMETERS, &list);
    if (st != DNN_OK) {
        dnn__null(st);
        return none;
    }
    /* The list given out before stays valid as long as it still says the same. */
    if (list.n == module->dnn_n_list &&
        (list.n == 0 ||
         memcmp(list.item, module->dnn_list, (size_t)list.n * sizeof(dnn_tensor *)) == 0)) {
        dnn__free(list.item);
    } else {
        dnn__free(module->dnn_list);
        module->dnn_list = list.item;
        module->dnn_n_list = list.n;
    }
    return (dnn_tensor_list){module->dnn_n_list, module->dnn_list};
}

struct at {
    int64_t left;
    dnn_tensor *found;
    dnn__text text;
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

dnn_tensor *dnn_module_tensor_at(const dnn_module *module, int kinds, int64_t index, char *name,
                                 size_t bytes)
{
    struct at at = {.left = index, .text = dnn__text_to(name, name == NULL ? 0 : bytes)};

    if (module != NULL && index >= 0) {
        dnn__each_tensor(module, kinds, is_not_at, &at);
    }
    return at.found;
}

/* The slot that a dotted path names; NULL if there is none. */
static struct dnn_slot *slot_at(const dnn_module *module, const char *path)
{
    while (module != NULL && path != NULL) {
        const char *end = strchrnul(path, '.');
        struct dnn_slot *slot = find_slot(module, path, (size_t)(end - path));

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
    struct dnn_slot *slot = slot_at(module, path);

    return slot == NULL ? NULL : slot->tensor;
}

dnn_module *dnn_module_child(const dnn_module *module, const char *path)
{
    struct dnn_slot *slot = slot_at(module, path);

    return slot == NULL ? NULL : slot->child;
}

/* Of which tensor is this path the first: so a shared parameter counts once without any memory. */
struct first {
    const dnn_tensor *tensor;
    const dnn_module *root;
    int64_t index, elements;
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
    dnn__each_tensor(sum->root, DNN_PARAMETERS, is_not_first, &search);
    if (search.index == sum->index) {
        sum->elements += dnn__numel(tensor);
    }
    sum->index++;
    return true;
}

int64_t dnn_module_parameter_count(const dnn_module *module)
{
    struct first sum = {.root = module};

    if (module != NULL) {
        dnn__each_tensor(module, DNN_PARAMETERS, add_elements, &sum);
    }
    return sum.elements;
}

/* ---- changes of all tensors ---- */

static bool drop_grad(void *ctx, const dnn__path *path, dnn_tensor *tensor)
{
    (void)ctx;
    (void)path;
    if (tensor->leaf != NULL) {
        dnn_tensor *grad = tensor->leaf->grad;

        tensor->leaf->grad = NULL;
        dnn_release(grad);
    }
    return true;
}

void dnn_module_zero_grad(dnn_module *module)
{
    if (module != NULL) {
        dnn__each_tensor(module, DNN_PARAMETERS, drop_grad, NULL);
    }
}

/* t in the dtype (floating tensors only) on the device, as a tensor that shares nothing with t, or
 * NULL in *out where t is that already. A leaf gets a leaf of its own, with the gradient converted
 * likewise. */
static dnn_status convert(dnn_tensor *t, dnn_dtype dtype, dnn__device *device, dnn_tensor **out)
{
    dnn_dtype to = dtype != 0 && (t->dtype & DNN__FLOATS) != 0 ? dtype : t->dtype;
    dnn__device *where = device != NULL ? device : dnn__device_of(t);
    dnn_tensor *made;

    *out = NULL;
    if (to == t->dtype && where == dnn__device_of(t)) {
        return DNN_OK;
    }
    if (t->mapped != NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_to: a tensor %s is mapped: dnn_unmap first",
                         dnn__shape_text(t->ndim, t->dim));
    }
    made = dnn_contiguous(dnn_to_device(dnn_cast(t, to), dnn__dev(where)->name));
    if (made != NULL && t->leaf != NULL) {
        made = dnn_requires_grad_(made, true);
        if (made != NULL && t->leaf->grad != NULL) {
            dnn_tensor *grad = dnn_to_device(dnn_cast(t->leaf->grad, to), dnn__dev(where)->name);

            DNN_TRY(dnn_scope_status());
            DNN_TRY(dnn_set_grad(made, grad));
        }
    }
    DNN_TRY(dnn_scope_status());
    *out = made;
    return DNN_OK;
}

#define SWAP(a, b)              \
    do {                        \
        __typeof__(a) kept = a; \
        a = b;                  \
        b = kept;               \
    } while (0)

/* The handle stays, so optimizers and programs that hold it see the new values; graphs recorded
 * before keep the old storage, version and leaf, all of which leave with `made`. */
static void swap_contents(dnn_tensor *t, dnn_tensor *made)
{
    SWAP(t->dtype, made->dtype);
    SWAP(t->is_view, made->is_view);
    SWAP(t->offset, made->offset);
    for (int i = 0; i < t->ndim; i++) {
        SWAP(t->stride[i], made->stride[i]);
    }
    SWAP(t->storage, made->storage);
    SWAP(t->version, made->version);
    SWAP(t->leaf, made->leaf);
}

static dnn_status convert_all(struct list *list, dnn_tensor **made, dnn_dtype dtype,
                              dnn__device *device)
{
    DNN_NO_GRAD
    {
        for (int64_t i = 0; i < list->n; i++) {
            DNN_TRY(convert(list->item[i], dtype, device, &made[i]));
        }
        for (int64_t i = 0; i < list->n; i++) {
            if (made[i] != NULL) {
                swap_contents(list->item[i], made[i]);
            }
        }
    }
    return DNN_OK;
}

dnn_status dnn_module_to(dnn_module *module, dnn_dtype dtype, const char *device)
{
    struct list list = {0};
    dnn__device *where = NULL;
    dnn_tensor **made = NULL;
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__require(module, "dnn_module_to", "module"));
    if (dtype != 0 && (!dnn__dtype_ok(dtype) || (dtype & DNN__FLOATS) == 0)) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_to: %s is not a floating dtype",
                         dnn_dtype_name(dtype));
    }
    if (device != NULL) {
        DNN_TRY(dnn__device_for(device, &where));
    }
    DNN_TRY(list_tensors("dnn_module_to", module, DNN_PARAMETERS | DNN_BUFFERS, &list));
    made = dnn__calloc((size_t)list.n, sizeof(dnn_tensor *));
    if (made == NULL) {
        DNN_TRY_TO(done, dnn__nomem("dnn_module_to", (size_t)list.n * sizeof(dnn_tensor *)));
    }
    DNN_TRY_TO(done, convert_all(&list, made, dtype, where));
done:
    dnn__free(made);
    dnn__free(list.item);
    return st;
}
