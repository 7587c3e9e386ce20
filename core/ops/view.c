/* view.c - views: the same storage under other dims and strides, without a kernel. Reshape copies
 * where no strides will do. Programs and gradient rules call it; every view is recorded, so that
 * its gradient is the mirrored view. */
#include "ops_impl.h"
#include "rules.h"

dnn_tensor *dnn__at_least_1d(dnn_tensor *x)
{
    return x != NULL && x->ndim == 0 ? dnn_unsqueeze(x, 0) : x;
}

/* ---- reshape ---- */

/* Sets the one size of -1 so that dim[0..ndim) has `count` elements, and checks the others. */
static dnn_status settle_sizes(const char *op, const dnn_tensor *x, int64_t count, dnn_shape *shape)
{
    int64_t known = 1, at = -1;

    if (shape->ndim < 0 || shape->ndim > DNN_MAX_DIMS) {
        return dnn__fail(DNN_E_INVALID, "%s: rank %lld is not 0 to %d", op, (long long)shape->ndim,
                         DNN_MAX_DIMS);
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

/* x under dims that hold the same number of elements. may_copy: else a layout that needs a copy is
 * an error. */
static dnn_tensor *view_as_dims(const char *op, dnn_tensor *x, const dnn_shape *shape,
                                bool may_copy)
{
    int64_t stride[DNN_MAX_DIMS];
    int ndim = (int)shape->ndim;
    dnn_tensor *dense, *y;

    if (dnn__view_strides(x->ndim, x->dim, x->stride, ndim, shape->dim, stride)) {
        return dnn__apply_view(DNN_OP_view, x, ndim, shape->dim, stride, x->offset, NULL);
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
    y = dnn__apply_view(DNN_OP_view, dense, ndim, shape->dim, stride, dense->offset, NULL);
    dnn_release(dense);
    return y;
}

static dnn_tensor *reshape(const char *op, dnn_tensor *x, dnn_shape shape, bool may_copy)
{
    dnn_status st;

    if (!dnn__ready(op, x)) {
        return NULL;
    }
    st = settle_sizes(op, x, dnn__numel(x), &shape);
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
    dnn_shape shape = {0, {0}};
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
        st = dnn__fail(DNN_E_INVALID, "flatten: dim %d comes behind dim %d in x %s", first, last,
                       dnn__dims_text(x));
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
    dnn_shape shape = {0, {0}};
    int at = 0;
    dnn_status st;

    if (!dnn__ready("unflatten", x)) {
        return NULL;
    }
    st = dnn__axis("unflatten", dim, x->ndim, &at);
    if (st == DNN_OK) {
        st = settle_sizes("unflatten", x, x->ndim > 0 ? x->dim[at] : 1, &sizes);
    }
    if (st == DNN_OK && sizes.ndim + x->ndim - 1 > DNN_MAX_DIMS) {
        st = dnn__fail(DNN_E_INVALID, "unflatten: rank %d with %lld axes for one: more than %d",
                       x->ndim, (long long)sizes.ndim, DNN_MAX_DIMS);
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
    return dnn__apply_view(DNN_OP_view, x, n, dim, stride, x->offset, NULL);
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
        st = dnn__fail(DNN_E_INVALID, "unsqueeze: x %s has rank %d already", dnn__dims_text(x),
                       DNN_MAX_DIMS);
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
    return dnn__apply_view(DNN_OP_view, x, x->ndim + 1, dims, stride, x->offset, NULL);
}

/* view: dx is dy under the dims of x. */
void dnn__view_backward(dnn__grad *g)
{
    g->din[0] = dnn_reshape(g->dout[0], dnn__shape(&g->in_desc[0]));
}

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
    return dnn__apply_view(DNN_OP_permute, x, x->ndim, dim, stride, x->offset, &attr);
}

static void identity(uint8_t *order)
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
    identity(order);
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
        return dnn__null(dnn__fail(DNN_E_INVALID, "permute: %d dims are named, x %s has %d",
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
    identity(order);
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

/* permute: dx is dy with the axes put back. */
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

/* The dims that `shape` means for x: -1 keeps a size, and only sizes of 1 change. */
static dnn_status settle_expand(const dnn_tensor *x, dnn_shape *shape)
{
    dnn_shape asked = *shape;
    int64_t lead;

    if (shape->ndim < x->ndim || shape->ndim > DNN_MAX_DIMS) {
        return dnn__fail(DNN_E_INVALID, "expand: rank %lld for x %s, must be %d to %d",
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
                             "expand: x %s does not stretch to %s: size %lld to %lld in dim %d",
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
    st = settle_expand(x, &shape);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    dnn__expand_strides(x->ndim, x->dim, x->stride, (int)shape.ndim, shape.dim, stride);
    return dnn__apply_view(DNN_OP_expand, x, (int)shape.ndim, shape.dim, stride, x->offset, NULL);
}

/* expand: each element of x gets the sum over its copies. */
void dnn__expand_backward(dnn__grad *g)
{
    g->din[0] = dnn__sum_to_desc(g->dout[0], &g->in_desc[0]);
}

/* ---- slices ---- */

dnn_tensor *dnn__slice_view(dnn_tensor *x, int dim, int64_t start, int64_t step, int64_t n)
{
    /* With fewer than two elements the step moves nothing, and a huge one must not reach the
     * stride. */
    const dnn_attr_slice attr = {
        .size = sizeof attr, .dim = dim, .start = start, .step = n > 1 ? step : 1};
    int64_t dims[DNN_MAX_DIMS], stride[DNN_MAX_DIMS];

    for (int d = 0; d < x->ndim; d++) {
        dims[d] = d == dim ? n : x->dim[d];
        stride[d] = d == dim ? x->stride[d] * attr.step : x->stride[d];
    }
    return dnn__apply_view(DNN_OP_slice, x, x->ndim, dims, stride,
                           n > 0 ? x->offset + start * x->stride[dim] : x->offset, &attr);
}

/* The axis of x that `dim` names; rank 0 has none. */
static dnn_status real_axis(const char *op, const dnn_tensor *x, int dim, int *axis)
{
    if (x->ndim == 0) {
        return dnn__fail(DNN_E_INVALID, "%s: dim %d of x with rank 0, which has no dims", op, dim);
    }
    return dnn__axis(op, dim, x->ndim, axis);
}

dnn_tensor *dnn_slice(dnn_tensor *x, int dim, int64_t start, int64_t stop, int64_t step)
{
    int64_t from, to;
    int at = 0;
    dnn_status st;

    if (!dnn__ready("slice", x)) {
        return NULL;
    }
    st = real_axis("slice", x, dim, &at);
    if (st == DNN_OK && step < 1) {
        st = dnn__fail(DNN_E_INVALID,
                       "slice: step %lld is less than 1: a reversed order needs a flip, not a view",
                       (long long)step);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    from = dnn__clamp_place(start, x->dim[at]);
    to = dnn__clamp_place(stop, x->dim[at]);
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
    st = real_axis("narrow", x, dim, &at);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (from < 0) {
        from += x->dim[at];
    }
    if (from < 0 || from > x->dim[at] || length < 0 || length > x->dim[at] - from) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "narrow: %lld elements from %lld on of dim %d, which has %lld",
                                   (long long)length, (long long)start, at, (long long)x->dim[at]));
    }
    return dnn__slice_view(x, at, from, 1, length);
}

dnn_tensor *dnn_select(dnn_tensor *x, int dim, int64_t index)
{
    dnn_tensor *slice, *y;
    int64_t place = index;
    int at = 0;
    dnn_status st;

    if (!dnn__ready("select", x)) {
        return NULL;
    }
    st = real_axis("select", x, dim, &at);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (place < 0) {
        place += x->dim[at];
    }
    if (place < 0 || place >= x->dim[at]) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "select: index %lld of dim %d, which has %lld elements",
                                   (long long)index, at, (long long)x->dim[at]));
    }
    slice = dnn__slice_view(x, at, place, 1, 1);
    y = slice == NULL ? NULL : dnn_squeeze(slice, (dnn_dims){1, {at}});
    dnn_release(slice);
    return y;
}

/* slice: dx is dy in the places of the slice and 0 elsewhere. */
void dnn__slice_backward(dnn__grad *g)
{
    dnn_tensor *zeros = dnn__zeros_desc("slice", &g->in_desc[0], g->device);
    dnn_tensor *in[] = {zeros, g->dout[0]};

    g->din[0] = dnn__apply(DNN_OP_slice_scatter, in, 2, g->attr);
}

/* ---- pieces ---- */

/* The number of pieces of `size` (0 < size) along the axis; an axis of size 0 is one empty piece.
 */
static int64_t count_pieces(const dnn_tensor *x, int axis, int64_t size)
{
    return x->dim[axis] > 0 ? (x->dim[axis] - 1) / size + 1 : 1;
}

static dnn_status check_room(const char *op, const dnn_tensor *x, int64_t count, dnn_tensor **out,
                             int64_t n)
{
    if (count > n || (out == NULL && count > 0)) {
        return dnn__fail(DNN_E_INVALID, "%s: x %s gives %lld pieces, out has room for %lld", op,
                         dnn__dims_text(x), (long long)count, (long long)(out == NULL ? 0 : n));
    }
    return DNN_OK;
}

/* What was made before a failure goes again. */
static int64_t drop_pieces(dnn_tensor **out, int64_t made)
{
    for (int64_t i = 0; i < made; i++) {
        dnn_release(out[i]);
        out[i] = NULL;
    }
    return dnn__take();
}

static int64_t split(const char *op, dnn_tensor *x, int64_t size, int axis, dnn_tensor **out,
                     int64_t n)
{
    int64_t count = count_pieces(x, axis, size);

    DNN_TRY(check_room(op, x, count, out, n));
    for (int64_t i = 0; i < count; i++) {
        int64_t start = i * size, rest = x->dim[axis] - start;

        out[i] = dnn__slice_view(x, axis, start, 1, rest < size ? rest : size);
        if (out[i] == NULL) {
            return drop_pieces(out, i);
        }
    }
    return count;
}

int64_t dnn_split(dnn_tensor *x, int64_t size, int dim, dnn_tensor **out, int64_t n)
{
    int axis = 0;

    DNN_TRY(dnn__require(x, "dnn_split", "x"));
    DNN_TRY(real_axis("split", x, dim, &axis));
    if (size < 1) {
        return dnn__fail(DNN_E_INVALID,
                         "split: pieces of %lld along dim %d with %lld elements: size must be >= 1",
                         (long long)size, axis, (long long)x->dim[axis]);
    }
    return split("split", x, size, axis, out, n);
}

int64_t dnn_chunk(dnn_tensor *x, int64_t chunks, int dim, dnn_tensor **out, int64_t n)
{
    int axis = 0;

    DNN_TRY(dnn__require(x, "dnn_chunk", "x"));
    DNN_TRY(real_axis("chunk", x, dim, &axis));
    if (chunks < 1) {
        return dnn__fail(DNN_E_INVALID,
                         "chunk: %lld chunks of dim %d with %lld elements: must be >= 1",
                         (long long)chunks, axis, (long long)x->dim[axis]);
    }
    return split("chunk", x, x->dim[axis] > 0 ? (x->dim[axis] - 1) / chunks + 1 : 1, axis, out, n);
}

int64_t dnn_unbind(dnn_tensor *x, int dim, dnn_tensor **out, int64_t n)
{
    int axis = 0;

    DNN_TRY(dnn__require(x, "dnn_unbind", "x"));
    DNN_TRY(real_axis("unbind", x, dim, &axis));
    DNN_TRY(check_room("unbind", x, x->dim[axis], out, n));
    for (int64_t i = 0; i < x->dim[axis]; i++) {
        out[i] = dnn_select(x, axis, i);
        if (out[i] == NULL) {
            return drop_pieces(out, i);
        }
    }
    return x->dim[axis];
}
