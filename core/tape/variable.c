/* variable.c - the public functions of a tensor as a variable of autograd: requires_grad, detach,
 * grad. */
#include "tape.h"

dnn_tensor *dnn_requires_grad_(dnn_tensor *t, bool wants)
{
    if (!dnn__ready("requires_grad_", t)) {
        return NULL;
    }
    if (t->node != NULL) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "requires_grad_: the tensor %s is not a leaf: it is the result of %s (dnn_detach "
            "makes a leaf of it)",
            dnn__shape_text(t->ndim, t->dim), t->node->op->name));
    }
    if (wants && (t->dtype & DNN__FLOATS) == 0) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "requires_grad_: the tensor is %s: only f32 f64 f16 bf16 have gradients",
            dnn_dtype_name(t->dtype)));
    }
    if (!wants && t->leaf != NULL) {
        dnn__leaf_drop(t);
    } else if (wants && t->leaf == NULL) {
        t->leaf = dnn__leaf_new(t);
        if (t->leaf == NULL) {
            return dnn__null(dnn__nomem("requires_grad_", sizeof *t->leaf));
        }
    }
    return t;
}

dnn_tensor *dnn_detach(dnn_tensor *t)
{
    dnn_tensor *alias;

    if (!dnn__ready("detach", t)) {
        return NULL;
    }
    alias = dnn__tensor_alias(t, t->ndim, t->dim, t->stride, t->offset);
    if (alias != NULL) {
        alias->is_view = true;
    }
    return alias;
}

dnn_tensor *dnn_grad(const dnn_tensor *t)
{
    return dnn__usable(t) && t->leaf != NULL ? t->leaf->grad : NULL;
}

dnn_status dnn_set_grad(dnn_tensor *t, dnn_tensor *g)
{
    dnn_tensor *old;

    DNN_TRY(dnn__require(t, "dnn_set_grad", "t"));
    DNN_TRY(dnn__check_alive("dnn_set_grad", "g", g));
    if (t->leaf == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_set_grad: t is not a leaf that requires a gradient");
    }
    if (g != NULL &&
        (!dnn__same_desc(&t->leaf->desc, g) || dnn__device_of(g) != dnn__device_of(t))) {
        return dnn__fail(
            DNN_E_INVALID, "dnn_set_grad: t is %s of %s on %s, the gradient %s of %s on %s",
            dnn__shape_text(t->ndim, t->dim), dnn_dtype_name(t->dtype), dnn_device_of(t),
            dnn__shape_text(g->ndim, g->dim), dnn_dtype_name(g->dtype), dnn_device_of(g));
    }
    if (g != NULL && g->storage == t->storage) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_set_grad: the gradient lies in the memory of t itself; clone it");
    }
    old = t->leaf->grad;
    t->leaf->grad = dnn_retain(g);
    dnn_release(old);
    return DNN_OK;
}
