/* module.c - a module (torch.nn.Module): creation, registration of parameters, buffers and
 * children, training mode, zero_grad. Layers and programs build on it. It knows no layer
 * and no file. */
#include "nn_impl.h"
#include "call.h"
#include "ops_impl.h"
#include "tape.h"
#include <string.h>

/* Recursive, as all walks of the tree: the program alone, no file or other input, decides the depth
 * of a tree. */
static void destroy_module(dnn_object *object)
{
    dnn_module *module = (dnn_module *)(void *)object;

    void (*free_members)(dnn_module *) = DNN__TYPE(module, free);

    dnn__module_hooks_drop(module);
    if (free_members != NULL) {
        free_members(module);
    }
    for (int64_t i = 0; i < module->dnn_n_slots; i++) {
        struct dnn_slot *slot = &module->dnn_slots[i];

        if (slot->child != NULL) {
            slot->child->dnn_parent = NULL;
        }
        dnn_release(slot->child);
        dnn_release(slot->tensor);
        dnn__free(slot->name);
    }
    dnn__free(module->dnn_slots);
    dnn__object_free(module, module->dnn_type->bytes);
}

static const dnn__kind module_kind = {.name = "module", .destroy = destroy_module};

/* A type of a newer libdnn is longer. Its further members must be zero: what they ask for would not
 * happen. The bound keeps a size that is no size from being followed. */
static dnn_status check_size(const dnn_module_type *type)
{
    enum { MOST = 4096 };
    const size_t least = offsetof(dnn_module_type, forward);
    const char *bytes = (const char *)type;

    if (type->size == 0 && type->name != NULL) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_module_new: the type %.64s has size 0, a dnn_module_type has %zu: "
                         "begin it with .size = sizeof(dnn_module_type)",
                         type->name, sizeof *type);
    }
    if (type->size < least || type->size > MOST || type->size % _Alignof(dnn_module_type) != 0) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_module_new: type->size is %zu, a dnn_module_type has %zu: begin it "
                         "with .size = sizeof(dnn_module_type)",
                         type->size, sizeof *type);
    }
    for (size_t i = sizeof *type; i < type->size; i++) {
        if (bytes[i] != 0) {
            return dnn__fail(DNN_E_INVALID,
                             "dnn_module_new: the type %.64s has size %zu and sets a member behind "
                             "the %zu bytes that this libdnn knows",
                             type->name, type->size, sizeof *type);
        }
    }
    return DNN_OK;
}

static dnn_status check_type(const dnn_module_type *type)
{
    if (type == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_new: type is NULL");
    }
    DNN_TRY(check_size(type));
    if (type->name == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_new: type->name is NULL");
    }
    if (type->bytes < sizeof(dnn_module)) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_module_new: %s has %zu bytes, a dnn_module alone has %zu", type->name,
                         type->bytes, sizeof(dnn_module));
    }
    return dnn__check_settings(type);
}

dnn_module *dnn_module_new(const dnn_module_type *type)
{
    dnn_module *module;

    if (dnn__pending() != DNN_OK || !dnn__ok(check_type(type))) {
        return NULL;
    }
    module = dnn__object_zeroed(&module_kind, type->bytes, type->name);
    if (module == NULL) {
        return NULL;
    }
    module->dnn_type = type;
    module->dnn_training = true;
    return module;
}

/* ---- registration ---- */

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
            "%s: the name \"%s\" begins with \"dnn\", which is reserved for checkpoints", call,
            name);
    }
    if (dnn__module_slot(module, name, length) != NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: %s has a \"%s\" already", call, module->dnn_type->name,
                         name);
    }
    return DNN_OK;
}

/* Allocates one more slot and its name. A failure changes nothing; after success the registration
 * cannot fail. */
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

static bool is_other(void *ctx, const dnn__path *path, dnn_module *module)
{
    (void)path;
    return module != ctx;
}

static dnn_status add_child(dnn_module *parent, const char *name, dnn_module *child)
{
    char *copy = NULL;

    if (child->dnn_parent != NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_add: the %s \"%.64s\" has a parent already",
                         child->dnn_type->name, name == NULL ? "" : name);
    }
    if (!dnn__each_module(child, is_other, parent)) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_module_add: the %s \"%.64s\" is or contains the parent %s, which would "
            "be inside itself",
            child->dnn_type->name, name == NULL ? "" : name, parent->dnn_type->name);
    }
    DNN_TRY(prepare_slot("dnn_module_add", parent, name, &copy));
    parent->dnn_slots[parent->dnn_n_slots++] =
        (struct dnn_slot){.name = copy, .kind = DNN__CHILD, .child = dnn_retain(child)};
    child->dnn_parent = parent;
    return DNN_OK;
}

dnn_module *dnn_module_add(dnn_module *parent, const char *name, dnn_module *child)
{
    dnn_status st;

    if (!dnn__ready("dnn_module_add", parent) || !dnn__ready("dnn_module_add", child)) {
        return NULL;
    }
    st = add_child(parent, name, child);
    return st == DNN_OK ? child : dnn__null(st);
}

/* Tensors of a module are contiguous, because files, optimizers and transfers treat them as one
 * block of bytes. */
static dnn_status check_value(const char *call, const char *name, const dnn_tensor *value)
{
    if (value == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: the value of \"%.64s\" is NULL", call,
                         name == NULL ? "" : name);
    }
    DNN_TRY(dnn__check_alive(call, "value", value));
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

    if (!dnn__ready(call, module)) {
        return NULL;
    }
    DNN_TRY_TO(st, failed, check_value(call, name, value));
    DNN_TRY_TO(st, failed, prepare_slot(call, module, name, &copy));
    if (kind == DNN__PARAMETERS && dnn_requires_grad_(value, true) == NULL) {
        dnn__free(copy);
        return NULL;
    }
    module->dnn_slots[module->dnn_n_slots++] =
        (struct dnn_slot){.name = copy, .kind = kind, .tensor = dnn_retain(value)};
    value->is_parameter = value->is_parameter || kind == DNN__PARAMETERS;
    return value;
failed:
    return dnn__null(st);
}

dnn_tensor *dnn_module_add_parameter(dnn_module *module, const char *name, dnn_tensor *value)
{
    return register_tensor("dnn_module_add_parameter", module, name, value, DNN__PARAMETERS);
}

dnn_tensor *dnn_module_add_buffer(dnn_module *module, const char *name, dnn_tensor *value)
{
    return register_tensor("dnn_module_add_buffer", module, name, value, DNN__BUFFERS);
}

/* ---- training mode and gradients ---- */

static bool set_training(void *ctx, const dnn__path *path, dnn_module *module)
{
    (void)path;
    module->dnn_training = *(const bool *)ctx;
    return true;
}

void dnn_module_train(dnn_module *module, bool training)
{
    if (dnn__usable(module)) {
        dnn__each_module(module, set_training, &training);
    }
}

bool dnn_module_training(const dnn_module *module)
{
    return dnn__usable(module) && module->dnn_training;
}

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
    if (dnn__usable(module)) {
        dnn__each_tensor(module, DNN__PARAMETERS, drop_grad, NULL);
    }
}
