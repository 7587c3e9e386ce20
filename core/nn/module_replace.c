/* module_replace.c - dnn_module_replace: puts another module in the place of a child. */
#include "nn_impl.h"

static bool is_other_module(void *ctx, const dnn__path *path, dnn_module *module)
{
    (void)path;
    return module != ctx;
}

static dnn_status check_replacement(dnn_module *module, const char *path, dnn_module *child,
                                    struct dnn_slot **slot)
{
    *slot = dnn__module_slot_at(module, path);
    if (*slot == NULL || (*slot)->child == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_replace: the %s has no child \"%.80s\"",
                         module->dnn_type->name, path);
    }
    if (child->dnn_parent != NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_replace: the %s has a parent already",
                         child->dnn_type->name);
    }
    if (!dnn__each_module(child, is_other_module, module)) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_module_replace: the %s is or contains the %s, which would be inside "
                         "itself",
                         child->dnn_type->name, module->dnn_type->name);
    }
    return DNN_OK;
}

dnn_module *dnn_module_replace(dnn_module *module, const char *path, dnn_module *child)
{
    struct dnn_slot *slot = NULL;
    dnn_module *old;

    if (!dnn__ready("dnn_module_replace", module) || !dnn__ready("dnn_module_replace", path) ||
        !dnn__ready("dnn_module_replace", child) ||
        !dnn__ok(check_replacement(module, path, child, &slot))) {
        return NULL;
    }
    old = slot->child;
    slot->child = dnn_retain(child);
    child->dnn_parent = old->dnn_parent;
    dnn_module_train(child, old->dnn_training);
    old->dnn_parent = NULL;
    dnn_release(old);
    return child;
}
