/* inplace.c - destinations: checks whether a tensor may be changed in place and whether it
 * overlaps an operand, and decides whether the kernel writes it directly or a temporary is
 * copied over it. The rules are those of ops.h. */
#include <stdlib.h>
#include "frame.h"
#include "inplace.h"
#include "tape.h"

dnn_status dnn__check_inplace(const char *op, const dnn_tensor *t, bool recorded)
{
    if (!dnn__is_injective(t->ndim, t->dim, t->stride)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: the destination %s overlaps itself (it is expanded); clone it first",
                         op, dnn__shape_text(t->ndim, t->dim));
    }
    if (!dnn_grad_enabled()) {
        return DNN_OK;
    }
    if (t->leaf != NULL && t->node == NULL) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: the destination is a leaf that wants a gradient: change it under DNN_NO_GRAD", op);
    }
    if (t->node == NULL && !recorded) {
        return DNN_OK;
    }
    if (t->is_view) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: the destination is a view of a tensor on the tape; use dnn_slice_scatter", op);
    }
    if (atomic_load_explicit(&t->storage->handles, memory_order_relaxed) > 1) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: the destination is on the tape and %d other views of it live; dnn_clone it first",
            op, atomic_load(&t->storage->handles) - 1);
    }
    return DNN_OK;
}

void dnn__written(dnn_tensor *t)
{
    atomic_fetch_add_explicit(&t->version->count, 1, memory_order_relaxed);
    if (t->node != NULL && dnn_grad_enabled()) {
        dnn__node_release(t->node);
        t->node = NULL;
        if (t->leaf != NULL) {
            dnn__leaf_drop(t);
        }
    }
}

/* First and last element of a view, from the start of the storage. */
static void view_range(int64_t offset, int ndim, const int64_t *dim, const int64_t *stride,
                       int64_t *first, int64_t *last)
{
    *first = *last = offset;
    for (int i = 0; i < ndim; i++) {
        *(stride[i] < 0 ? first : last) += (dim[i] - 1) * stride[i];
    }
}

static int64_t common_stride(int64_t g, int ndim, const int64_t *dim, const int64_t *stride)
{
    for (int i = 0; i < ndim; i++) {
        int64_t a = dim[i] > 1 ? llabs(stride[i]) : 0;

        while (a != 0) {
            int64_t r = g % a;

            g = a;
            a = r;
        }
    }
    return g;
}

enum overlap { APART, SAME, PARTLY };

static enum overlap compare_ranges(const dnn_tensor *a, const dnn_tensor *b)
{
    int64_t a_first, a_last, b_first, b_last, g;
    bool same = a->ndim == b->ndim && a->offset == b->offset && a->dtype == b->dtype;

    if (a->storage != b->storage || dnn__numel(a) == 0 || dnn__numel(b) == 0) {
        return APART;
    }
    for (int i = 0; same && i < a->ndim; i++) {
        same = a->dim[i] == b->dim[i] && (a->dim[i] == 1 || a->stride[i] == b->stride[i]);
    }
    if (same) {
        return SAME;
    }
    view_range(a->offset, a->ndim, a->dim, a->stride, &a_first, &a_last);
    view_range(b->offset, b->ndim, b->dim, b->stride, &b_first, &b_last);
    if (a_last < b_first || b_last < a_first) {
        return APART;
    }
    /* Columns of one matrix interleave without overlap: their distance is no multiple of any
     * step. */
    g = common_stride(common_stride(0, a->ndim, a->dim, a->stride), b->ndim, b->dim, b->stride);
    return g > 1 && (a->offset - b->offset) % g != 0 ? APART : PARTLY;
}

/* Decides whether the kernel writes destination i directly, or a temporary is copied over it. */
static dnn_status check_overlap(dnn__frame *f, int i)
{
    const dnn_tensor *t = f->out[i];

    f->direct[i] = t->dtype == f->desc[i].dtype;
    for (int k = 0; k < f->n_in; k++) {
        enum overlap o = f->in[k] != NULL ? compare_ranges(t, f->in[k]) : APART;

        if (o == PARTLY) {
            return dnn__fail(DNN_E_INVALID,
                             "%s: the destination %s partly overlaps %s %s; clone one", f->op->name,
                             dnn__shape_text(t->ndim, t->dim), dnn__input_name(f->op, k).text,
                             dnn__shape_text(f->in[k]->ndim, f->in[k]->dim));
        }
        if (o == SAME && k == 0 && i == 0) {
            f->inplace = true;
        } else if (o == SAME) {
            f->direct[i] = false;
        }
    }
    f->inplace = f->inplace && f->direct[0];
    return DNN_OK;
}

static int dtype_class(dnn_dtype d)
{
    return d == DNN_T_BOOL ? 0 : (d & DNN__INTS) != 0 ? 1 : 2;
}

dnn_status dnn__check_destination(dnn__frame *f, int i)
{
    const dnn_tensor *t = f->out[i];
    const dnn__desc *d = &f->desc[i];
    bool same = t->ndim == d->ndim;

    for (int k = 0; same && k < t->ndim; k++) {
        same = t->dim[k] == d->dim[k];
    }
    if (!same) {
        return dnn__fail(DNN_E_INVALID, "%s: the result is %s, the destination %s", f->op->name,
                         dnn__shape_text(d->ndim, d->dim), dnn__shape_text(t->ndim, t->dim));
    }
    if (dtype_class(t->dtype) < dtype_class(d->dtype)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: the result is %s, which a destination of %s cannot hold", f->op->name,
                         dnn_dtype_name(d->dtype), dnn_dtype_name(t->dtype));
    }
    DNN_TRY(dnn__check_inplace(f->op->name, t, f->recording));
    return check_overlap(f, i);
}
