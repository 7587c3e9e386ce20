/* reshape.c - the same elements with other dims: the row view. dnn_reshape copies where x allows no
 * view. */
#include "ops_impl.h"
#include "rules.h"

/* Sets the one size of -1 so that dim[0..ndim) has `count` elements, and checks the others. */
static dnn_status resolve_sizes(const char *op, const dnn_tensor *x, int64_t count,
                                dnn_shape *shape)
{
    int64_t known = 1, at = -1;

    if (shape->ndim < 0 || shape->ndim > DNN_MAX_DIMS) {
        return dnn__fail(DNN_E_INVALID, "%s: the shape has rank %lld, must be 0 to %d", op,
                         (long long)shape->ndim, DNN_MAX_DIMS);
    }
    for (int d = 0; d < (int)shape->ndim; d++) {
        int64_t size = shape->dim[d];

        if (size < -1 || (size == -1 && at >= 0)) {
            return dnn__fail(DNN_E_INVALID,
                             "%s: size %lld of dim %d in %s: sizes are >= 0, and one may be -1", op,
                             (long long)size, d, dnn__shape_text((int)shape->ndim, shape->dim));
        }
        if (size == -1) {
            at = d;
        } else if (__builtin_mul_overflow(known, size, &known)) {
            return dnn__fail(DNN_E_INVALID, "%s: %s has more elements than the %lld of %s", op,
                             dnn__shape_text((int)shape->ndim, shape->dim), (long long)count,
                             dnn__dims_text(x));
        }
    }
    if (at >= 0 && known == 0) {
        return dnn__fail(DNN_E_INVALID, "%s: the -1 in %s is ambiguous beside a size of 0", op,
                         dnn__shape_text((int)shape->ndim, shape->dim));
    }
    if (at >= 0 && count % known == 0) {
        shape->dim[at] = count / known;
        known = count;
    }
    if (known != count) {
        return dnn__fail(DNN_E_INVALID, "%s: x is %s with %lld elements, which do not fill %s", op,
                         dnn__dims_text(x), (long long)count,
                         dnn__shape_text((int)shape->ndim, shape->dim));
    }
    return dnn__check_shape(op, x->dtype, shape->ndim, shape->dim, NULL);
}

/* x with dims of the same number of elements. Where that needs a copy and may_copy is false, it
 * fails. */
static dnn_tensor *view_as_dims(const char *op, dnn_tensor *x, const dnn_shape *shape,
                                bool may_copy)
{
    int64_t stride[DNN_MAX_DIMS];
    int ndim = (int)shape->ndim;
    dnn_tensor *dense, *y;

    if (dnn__view_strides(x->ndim, x->dim, x->stride, ndim, shape->dim, stride)) {
        return dnn__call_view(DNN_OP_view, x, ndim, shape->dim, stride, x->offset, NULL);
    }
    if (!may_copy) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "%s: the strides of x %s allow no view as %s: use dnn_reshape",
                                   op, dnn__dims_text(x), dnn__shape_text(ndim, shape->dim)));
    }
    dense = dnn_clone(x);
    if (dense == NULL) {
        return NULL;
    }
    dnn__dense_strides(ndim, shape->dim, stride);
    y = dnn__call_view(DNN_OP_view, dense, ndim, shape->dim, stride, dense->offset, NULL);
    dnn_release(dense);
    return y;
}

static dnn_tensor *reshape(const char *op, dnn_tensor *x, dnn_shape shape, bool may_copy)
{
    dnn_status st;

    if (!dnn__ready(op, x)) {
        return NULL;
    }
    st = resolve_sizes(op, x, dnn__numel(x), &shape);
    return st == DNN_OK ? view_as_dims(op, x, &shape, may_copy) : dnn__null(st);
}

dnn_tensor *dnn_reshape(dnn_tensor *x, dnn_shape shape)
{
    return reshape("reshape", x, shape, true);
}

dnn_tensor *dnn_view_to(dnn_tensor *x, dnn_shape shape)
{
    return reshape("view_to", x, shape, false);
}

dnn_tensor *dnn_view_as(dnn_tensor *x, dnn_tensor *other)
{
    return dnn__ready("view_as", other) ? reshape("view_as", x, dnn_shape_of(other), false) : NULL;
}

dnn_tensor *dnn_flatten(dnn_tensor *x, int first, int last)
{
    dnn_shape shape = {.ndim = 0};
    int from = 0, to = 0;
    dnn_status st;

    if (!dnn__ready("flatten", x)) {
        return NULL;
    }
    st = dnn__axis("flatten", first, x->ndim, &from);
    if (st == DNN_OK) {
        st = dnn__axis("flatten", last, x->ndim, &to);
    }
    if (st == DNN_OK && from > to) {
        st = dnn__fail(DNN_E_INVALID, "flatten: first dim %d comes after last dim %d in x %s",
                       first, last, dnn__dims_text(x));
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    for (int d = 0; d < from; d++) {
        shape.dim[shape.ndim++] = x->dim[d];
    }
    shape.dim[shape.ndim] = 1;
    for (int d = from; d <= to && d < x->ndim; d++) {
        shape.dim[shape.ndim] *= x->dim[d];
    }
    shape.ndim++;
    for (int d = to + 1; d < x->ndim; d++) {
        shape.dim[shape.ndim++] = x->dim[d];
    }
    return view_as_dims("flatten", x, &shape, true);
}

dnn_tensor *dnn_unflatten(dnn_tensor *x, int dim, dnn_shape sizes)
{
    dnn_shape shape = {.ndim = 0};
    int at = 0;
    dnn_status st;

    if (!dnn__ready("unflatten", x)) {
        return NULL;
    }
    st = dnn__axis("unflatten", dim, x->ndim, &at);
    if (st == DNN_OK) {
        st = resolve_sizes("unflatten", x, x->ndim > 0 ? x->dim[at] : 1, &sizes);
    }
    if (st == DNN_OK && sizes.ndim + x->ndim - 1 > DNN_MAX_DIMS) {
        st = dnn__fail(
            DNN_E_INVALID,
            "unflatten: x %s with %lld sizes for one dim has rank %lld, must be at most %d",
            dnn__dims_text(x), (long long)sizes.ndim, (long long)sizes.ndim + x->ndim - 1,
            DNN_MAX_DIMS);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    for (int d = 0; d < at; d++) {
        shape.dim[shape.ndim++] = x->dim[d];
    }
    for (int d = 0; d < (int)sizes.ndim; d++) {
        shape.dim[shape.ndim++] = sizes.dim[d];
    }
    for (int d = at + 1; d < x->ndim; d++) {
        shape.dim[shape.ndim++] = x->dim[d];
    }
    st = dnn__check_shape("unflatten", x->dtype, shape.ndim, shape.dim, NULL);
    return st == DNN_OK ? view_as_dims("unflatten", x, &shape, true) : dnn__null(st);
}

dnn_tensor *dnn_squeeze(dnn_tensor *x, dnn_dims dims)
{
    int64_t dim[DNN_MAX_DIMS], stride[DNN_MAX_DIMS];
    uint32_t mask = 0;
    int n = 0;
    dnn_status st;

    if (!dnn__ready("squeeze", x)) {
        return NULL;
    }
    st = dnn__axes_mask("squeeze", &dims, x->ndim, &mask);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    for (int d = 0; d < x->ndim; d++) {
        if ((mask >> d & 1) != 0 && x->dim[d] == 1) {
            continue;
        }
        dim[n] = x->dim[d];
        stride[n++] = x->stride[d];
    }
    return dnn__call_view(DNN_OP_view, x, n, dim, stride, x->offset, NULL);
}

dnn_tensor *dnn_unsqueeze(dnn_tensor *x, int dim)
{
    int64_t dims[DNN_MAX_DIMS], stride[DNN_MAX_DIMS];
    int at = 0;
    dnn_status st = DNN_OK;

    if (!dnn__ready("unsqueeze", x)) {
        return NULL;
    }
    if (x->ndim == DNN_MAX_DIMS) {
        st = dnn__fail(DNN_E_INVALID, "unsqueeze: x %s has rank %d, must be less",
                       dnn__dims_text(x), DNN_MAX_DIMS);
    } else {
        st = dnn__axis("unsqueeze", dim, x->ndim + 1, &at);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    for (int d = 0; d <= x->ndim; d++) {
        dims[d] = d == at ? 1 : x->dim[d < at ? d : d - 1];
        stride[d] = d == at ? 1 : x->stride[d < at ? d : d - 1];
    }
    return dnn__call_view(DNN_OP_view, x, x->ndim + 1, dims, stride, x->offset, NULL);
}

/* dx is dy with the dims of x. */
void dnn__view_backward(dnn__grad *g)
{
    g->din[0] = dnn_reshape(g->dout[0], dnn__shape(&g->in_desc[0]));
}
