/* leaf.c - leaves: tensors that want a gradient, and the gradient that backward left there. */
#include <string.h>
#include "tape.h"

bool dnn__same_desc(const dnn__desc *a, const dnn_tensor *t)
{
    return a->dtype == t->dtype && a->ndim == t->ndim &&
           memcmp(a->dim, t->dim, sizeof(int64_t) * (size_t)t->ndim) == 0;
}

void dnn__leaf_release(dnn__leaf *leaf)
{
    if (leaf != NULL && atomic_fetch_sub_explicit(&leaf->refs, 1, memory_order_acq_rel) == 1) {
        dnn__hooks_drop(&leaf->hooks, true);
        dnn_release(leaf->grad);
        dnn__slab_free(leaf, sizeof *leaf);
    }
}

/* The gradient is reached by the handle alone. Dropped here it cannot keep its own graph, and so
 * this leaf, alive. */
void dnn__leaf_drop(dnn_tensor *t)
{
    dnn__leaf *leaf = t->leaf;
    dnn_tensor *grad = t->lent ? NULL : leaf->grad;

    if (!t->lent) {
        leaf->grad = NULL;
    }
    t->leaf = NULL;
    dnn_release(grad);
    dnn__leaf_release(leaf);
}

dnn__leaf *dnn__leaf_new(const dnn_tensor *t)
{
    dnn__leaf *leaf = dnn__slab_alloc(sizeof *leaf);

    if (leaf != NULL) {
        memset(leaf, 0, sizeof *leaf);
        atomic_init(&leaf->refs, 1);
        dnn__describe(&leaf->desc, t);
    }
    return leaf;
}

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
    return t != NULL && t->leaf != NULL ? t->leaf->grad : NULL;
}

dnn_status dnn_set_grad(dnn_tensor *t, dnn_tensor *g)
{
    dnn_tensor *old;

    DNN_TRY(dnn__require(t, "dnn_set_grad", "t"));
    if (t->leaf == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_set_grad: t is not a leaf that wants a gradient");
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
