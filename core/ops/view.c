/* view.c - views: the same storage with other strides, without a kernel: order of axes, expand,
 * slices. Views are recorded like operators. */
#include "ops_impl.h"
#include "rules.h"

/* ---- order of axes ---- */

static dnn_tensor *permute(dnn_tensor *x, const uint8_t *order)
{
    dnn_attr_permute attr = {.size = sizeof attr};
    int64_t dim[DNN_MAX_DIMS], stride[DNN_MAX_DIMS];

    for (int d = 0; d < x->ndim; d++) {
        attr.order[d] = order[d];
        dim[d] = x->dim[order[d]];
        stride[d] = x->stride[order[d]];
    }
    return dnn__call_view(DNN_OP_permute, x, x->ndim, dim, stride, x->offset, &attr);
}

static void set_identity(uint8_t *order)
{
    for (int d = 0; d < DNN_MAX_DIMS; d++) {
        order[d] = (uint8_t)d;
    }
}

dnn_tensor *dnn_transpose(dnn_tensor *x, int a, int b)
{
    uint8_t order[DNN_MAX_DIMS];
    int i = 0, j = 0;
    dnn_status st;

    if (!dnn__ready("transpose", x)) {
        return NULL;
    }
    st = dnn__axis("transpose", a, x->ndim, &i);
    if (st == DNN_OK) {
        st = dnn__axis("transpose", b, x->ndim, &j);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    set_identity(order);
    order[i] = (uint8_t)j;
    order[j] = (uint8_t)i;
    return permute(x, order);
}

dnn_tensor *dnn_permute(dnn_tensor *x, dnn_dims order)
{
    uint8_t at[DNN_MAX_DIMS];
    uint32_t mask = 0;
    int axis = 0;
    dnn_status st;

    if (!dnn__ready("permute", x)) {
        return NULL;
    }
    if (order.n != x->ndim) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "permute: order has %d dims, x %s has %d",
                                   order.n, dnn__dims_text(x), x->ndim));
    }
    st = x->ndim > 0 ? dnn__axes_mask("permute", &order, x->ndim, &mask) : DNN_OK;
    for (int d = 0; st == DNN_OK && d < x->ndim; d++) {
        st = dnn__axis("permute", order.dim[d], x->ndim, &axis);
        at[d] = (uint8_t)axis;
    }
    return st == DNN_OK ? permute(x, at) : dnn__null(st);
}

dnn_tensor *dnn_movedim(dnn_tensor *x, int from, int to)
{
    uint8_t order[DNN_MAX_DIMS];
    int i = 0, j = 0;
    dnn_status st;

    if (!dnn__ready("movedim", x)) {
        return NULL;
    }
    st = dnn__axis("movedim", from, x->ndim, &i);
    if (st == DNN_OK) {
        st = dnn__axis("movedim", to, x->ndim, &j);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    set_identity(order);
    for (int d = i; d < j; d++) {
        order[d] = (uint8_t)(d + 1);
    }
    for (int d = i; d > j; d--) {
        order[d] = (uint8_t)(d - 1);
    }
    order[j] = (uint8_t)i;
    return permute(x, order);
}

dnn_tensor *dnn_t(dnn_tensor *x)
{
    if (!dnn__ready("t", x)) {
        return NULL;
    }
    if (x->ndim > 2) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "t: x %s has rank %d, more than 2: use dnn_transpose",
                                   dnn__dims_text(x), x->ndim));
    }
    return dnn_transpose(x, 0, -1);
}

/* dx is dy with its axes in the order of x. */
void dnn__permute_backward(dnn__grad *g)
{
    const dnn_attr_permute *attr = g->attr;
    dnn_dims back = {.n = g->in_desc[0].ndim};

    for (int d = 0; d < back.n; d++) {
        back.dim[attr->order[d]] = d;
    }
    g->din[0] = dnn_permute(g->dout[0], back);
}

/* ---- expand ---- */

/* Replaces -1 in shape by the size of x; sizes other than 1 do not change. */
static dnn_status resolve_expand(const dnn_tensor *x, dnn_shape *shape)
{
    dnn_shape asked = *shape;
    int64_t lead;

    if (shape->ndim < x->ndim || shape->ndim > DNN_MAX_DIMS) {
        return dnn__fail(DNN_E_INVALID,
                         "expand: the shape has rank %lld, x is %s: must be %d to %d",
                         (long long)shape->ndim, dnn__dims_text(x), x->ndim, DNN_MAX_DIMS);
    }
    lead = shape->ndim - x->ndim;
    for (int d = 0; d < (int)shape->ndim; d++) {
        int64_t old = d < lead ? 1 : x->dim[d - lead];

        if (shape->dim[d] == -1 && d >= lead) {
            shape->dim[d] = old;
        }
        if (shape->dim[d] < 0 || (old != 1 && shape->dim[d] != old)) {
            return dnn__fail(DNN_E_INVALID,
                             "expand: x %s does not expand to %s: size %lld to %lld in dim %d",
                             dnn__dims_text(x), dnn__shape_text((int)asked.ndim, asked.dim),
                             (long long)old, (long long)asked.dim[d], d);
        }
    }
    return dnn__check_shape("expand", x->dtype, shape->ndim, shape->dim, NULL);
}

dnn_tensor *dnn_expand(dnn_tensor *x, dnn_shape shape)
{
    int64_t stride[DNN_MAX_DIMS];
    dnn_status st;

    if (!dnn__ready("expand", x)) {
        return NULL;
    }
    st = resolve_expand(x, &shape);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    dnn__expand_strides(x->ndim, x->dim, x->stride, (int)shape.ndim, shape.dim, stride);
    return dnn__call_view(DNN_OP_expand, x, (int)shape.ndim, shape.dim, stride, x->offset, NULL);
}

/* dx is the sum of dy over the copies of each element. */
void dnn__expand_backward(dnn__grad *g)
{
    g->din[0] = dnn__sum_to_desc(g->dout[0], &g->in_desc[0]);
}

/* ---- slices ---- */

dnn_tensor *dnn_slice(dnn_tensor *x, int dim, int64_t start, int64_t stop, int64_t step)
{
    int64_t from, to;
    int at = 0;
    dnn_status st;

    if (!dnn__ready("slice", x)) {
        return NULL;
    }
    st = dnn__real_axis("slice", x, dim, &at);
    if (st == DNN_OK && step < 1) {
        st = dnn__fail(
            DNN_E_INVALID,
            "slice: step is %lld, must be >= 1: a reversed order needs a flip, not a view",
            (long long)step);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    from = dnn__clamp_index(start, x->dim[at]);
    to = dnn__clamp_index(stop, x->dim[at]);
    return dnn__slice_view(x, at, from, step, to > from ? (to - from - 1) / step + 1 : 0);
}

dnn_tensor *dnn_narrow(dnn_tensor *x, int dim, int64_t start, int64_t length)
{
    int64_t from = start;
    int at = 0;
    dnn_status st;

    if (!dnn__ready("narrow", x)) {
        return NULL;
    }
    st = dnn__real_axis("narrow", x, dim, &at);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (from < 0) {
        from += x->dim[at];
    }
    if (from < 0 || from > x->dim[at] || length < 0 || length > x->dim[at] - from) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "narrow: start is %lld, length is %lld, x %s has %lld elements in dim %d",
            (long long)start, (long long)length, dnn__dims_text(x), (long long)x->dim[at], at));
    }
    return dnn__slice_view(x, at, from, 1, length);
}

dnn_tensor *dnn_select(dnn_tensor *x, int dim, int64_t index)
{
    dnn_tensor *slice, *y;
    int64_t position = index;
    int at = 0;
    dnn_status st;

    if (!dnn__ready("select", x)) {
        return NULL;
    }
    st = dnn__real_axis("select", x, dim, &at);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (position < 0) {
        position += x->dim[at];
    }
    if (position < 0 || position >= x->dim[at]) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "select: index is %lld, x %s has %lld elements in dim %d",
                                   (long long)index, dnn__dims_text(x), (long long)x->dim[at], at));
    }
    slice = dnn__slice_view(x, at, position, 1, 1);
    y = slice == NULL ? NULL : dnn_squeeze(slice, DNN_DIMS(at));
    dnn_release(slice);
    return y;
}

/* dx is dy in the slice and 0 elsewhere. */
void dnn__slice_backward(dnn__grad *g)
{
    dnn_tensor *zeros = dnn__zeros_desc("slice", &g->in_desc[0], g->device);
    dnn_tensor *in[] = {zeros, g->dout[0]};

    g->din[0] = dnn__call(DNN_OP_slice_scatter, in, 2, g->attr);
}

/* ---- views in place: the handle itself changes ---- */

/* Gives x the sizes and strides of a view of it. */
static dnn_tensor *become(dnn_tensor *x, dnn_tensor *view)
{
    if (view == NULL) {
        return NULL;
    }
    x->ndim = view->ndim;
    x->offset = view->offset;
    for (int d = 0; d < view->ndim; d++) {
        x->dim[d] = view->dim[d];
        x->stride[d] = view->stride[d];
    }
    return x;
}

static bool may_become(const char *op, dnn_tensor *x)
{
    if (!dnn__ready(op, x)) {
        return false;
    }
    if (dnn__tracked(x) || x->mapped != NULL) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: x %s is %s: use the form without _", op,
                            dnn__dims_text(x), x->mapped != NULL ? "mapped" : "on the tape"));
        return false;
    }
    return true;
}

dnn_tensor *dnn_t_(dnn_tensor *x)
{
    DNN_SCOPE();

    return may_become("t_", x) ? become(x, dnn_t(x)) : NULL;
}

dnn_tensor *dnn_transpose_(dnn_tensor *x, int a, int b)
{
    DNN_SCOPE();

    return may_become("transpose_", x) ? become(x, dnn_transpose(x, a, b)) : NULL;
}

dnn_tensor *dnn_unsqueeze_(dnn_tensor *x, int dim)
{
    DNN_SCOPE();

    return may_become("unsqueeze_", x) ? become(x, dnn_unsqueeze(x, dim)) : NULL;
}

dnn_tensor *dnn_squeeze_(dnn_tensor *x, dnn_dims dims)
{
    DNN_SCOPE();

    return may_become("squeeze_", x) ? become(x, dnn_squeeze(x, dims)) : NULL;
}
