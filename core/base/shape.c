/* shape.c - arithmetic on shapes and strides: checks, broadcasting, views. Shape rules, dispatch
 * and tensors call it. It does not touch elements and does not allocate. */
#include "base.h"

static int64_t at_least_one(int64_t size)
{
    return size > 0 ? size : 1;
}

dnn_status dnn__check_shape(const char *what, dnn_dtype dtype, int64_t ndim, const int64_t *dim,
                            size_t *bytes)
{
    int64_t room, total;

    if (!dnn__dtype_ok(dtype)) {
        return dnn__fail(DNN_E_INVALID, "%s: %u is not a dtype", what, dtype);
    }
    if (ndim < 0 || ndim > DNN_MAX_DIMS) {
        return dnn__fail(DNN_E_INVALID, "%s: rank %lld, must be 0 to %d", what, (long long)ndim,
                         DNN_MAX_DIMS);
    }
    /* A size of 0 counts as 1 here: a stride is the product of the sizes of the later dims and must
     * not overflow either. */
    room = (int64_t)dnn__item_size(dtype);
    total = room;
    for (int i = 0; i < (int)ndim; i++) {
        if (dim[i] < 0) {
            return dnn__fail(DNN_E_INVALID, "%s: size %lld of dim %d in %s is negative", what,
                             (long long)dim[i], i, dnn__shape_text((int)ndim, dim));
        }
        if (__builtin_mul_overflow(room, at_least_one(dim[i]), &room)) {
            return dnn__fail(DNN_E_INVALID, "%s: %s of %s is more than %lld bytes", what,
                             dnn__shape_text((int)ndim, dim), dnn_dtype_name(dtype),
                             (long long)INT64_MAX);
        }
        total = dim[i] == 0 ? 0 : total * dim[i];
    }
    if (bytes) {
        *bytes = (size_t)total;
    }
    return DNN_OK;
}

int64_t dnn__numel_of(int ndim, const int64_t *dim)
{
    int64_t n = 1;

    for (int i = 0; i < ndim; i++) {
        n *= dim[i];
    }
    return n;
}

void dnn__dense_strides(int ndim, const int64_t *dim, int64_t *stride)
{
    int64_t step = 1;

    for (int i = ndim - 1; i >= 0; i--) {
        stride[i] = step;
        step *= at_least_one(dim[i]);
    }
}

bool dnn__is_dense(int ndim, const int64_t *dim, const int64_t *stride)
{
    int64_t step = 1;
    bool dense = true;

    for (int i = ndim - 1; i >= 0; i--) {
        if (dim[i] == 0) {
            return true;
        }
        if (dim[i] != 1) {
            dense = dense && stride[i] == step;
            step *= dim[i];
        }
    }
    return dense;
}

dnn_status dnn__axis(const char *op, int dim, int ndim, int *out)
{
    int rank = ndim > 0 ? ndim : 1;

    if (dim < -rank || dim >= rank) {
        return dnn__fail(DNN_E_INVALID, "%s: dim %d of a tensor of rank %d, must be %d to %d", op,
                         dim, ndim, -rank, rank - 1);
    }
    *out = dim < 0 ? dim + rank : dim;
    return DNN_OK;
}

dnn_status dnn__axes_mask(const char *op, const dnn_dims *dims, int ndim, uint32_t *mask)
{
    uint32_t bits = 0;
    int axis = 0;

    if (dims->n < 0 || dims->n > DNN_MAX_DIMS) {
        return dnn__fail(DNN_E_INVALID, "%s: %d dims named, must be 0 to %d", op, dims->n,
                         DNN_MAX_DIMS);
    }
    for (int i = 0; i < dims->n; i++) {
        DNN_TRY(dnn__axis(op, dims->dim[i], ndim, &axis));
        if (bits & (1u << axis)) {
            return dnn__fail(DNN_E_INVALID, "%s: dim %d is named twice", op, axis);
        }
        bits |= 1u << axis;
    }
    *mask = dims->n == 0 ? (1u << ndim) - 1u : bits;
    return DNN_OK;
}

dnn_status dnn__broadcast(const char *op, int an, const int64_t *a, int bn, const int64_t *b,
                          int32_t *out_n, int64_t *out)
{
    int64_t result[DNN_MAX_DIMS];
    int n = an > bn ? an : bn;

    for (int i = 0; i < n; i++) {
        int64_t x = i >= n - an ? a[i - (n - an)] : 1;
        int64_t y = i >= n - bn ? b[i - (n - bn)] : 1;

        if (x != y && x != 1 && y != 1) {
            return dnn__fail(
                DNN_E_INVALID, "%s: shapes %s and %s do not broadcast: %lld against %lld in dim %d",
                op, dnn__shape_text(an, a), dnn__shape_text(bn, b), (long long)x, (long long)y, i);
        }
        result[i] = x == 1 ? y : x;
    }
    /* Written last, because out may be a or b. */
    for (int i = 0; i < n; i++) {
        out[i] = result[i];
    }
    *out_n = n;
    return DNN_OK;
}

void dnn__expand_strides(int tn, const int64_t *tdim, const int64_t *tstride, int ndim,
                         const int64_t *dim, int64_t *stride)
{
    int lead = ndim - tn;

    for (int i = ndim - 1; i >= 0; i--) {
        bool stretched = i < lead || tdim[i - lead] != dim[i];

        stride[i] = stretched ? 0 : tstride[i - lead];
    }
}

static bool same_dims(int an, const int64_t *a, int bn, const int64_t *b)
{
    if (an != bn) {
        return false;
    }
    for (int i = 0; i < an; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

/* True if a step of dim `outer` equals `count` steps of stride `base`, so that both merge into one
 * dim. */
static bool continues(int64_t outer_size, int64_t outer_stride, int64_t count, int64_t base)
{
    int64_t end;

    return outer_size == 1 || (!__builtin_mul_overflow(count, base, &end) && outer_stride == end);
}

/* Walks from the innermost dim outwards and merges dims that continue one another. Each merged dim
 * must divide exactly into new dims. */
static bool cut_runs(int ndim, const int64_t *dim, const int64_t *stride, int new_ndim,
                     const int64_t *new_dim, int64_t *new_stride)
{
    int64_t base = ndim > 0 ? stride[ndim - 1] : 1, run = 1, cut = 1;
    int next = new_ndim - 1;

    for (int i = ndim - 1; i >= 0; i--) {
        run *= dim[i];
        if (i > 0 && continues(dim[i - 1], stride[i - 1], run, base)) {
            continue;
        }
        while (next >= 0 && (cut < run || new_dim[next] == 1)) {
            new_stride[next] = cut * base;
            cut *= new_dim[next--];
        }
        if (cut != run) {
            return false;
        }
        if (i > 0) {
            base = stride[i - 1];
            run = cut = 1;
        }
    }
    while (next >= 0) { /* only dims of size 1 are left, or the source has rank 0 */
        new_stride[next--] = 1;
    }
    return true;
}

bool dnn__view_strides(int ndim, const int64_t *dim, const int64_t *stride, int new_ndim,
                       const int64_t *new_dim, int64_t *new_stride)
{
    if (same_dims(ndim, dim, new_ndim, new_dim)) {
        for (int i = 0; i < ndim; i++) {
            new_stride[i] = stride[i];
        }
        return true;
    }
    if (dnn__numel_of(ndim, dim) == 0) {
        dnn__dense_strides(new_ndim, new_dim, new_stride);
        return true;
    }
    return cut_runs(ndim, dim, stride, new_ndim, new_dim, new_stride);
}

/* Sorts the dims of size > 1 by rising stride. Returns their number. */
static int sort_by_stride(int ndim, const int64_t *dim, const int64_t *stride, int *order)
{
    int n = 0;

    for (int i = 0; i < ndim; i++) {
        int at = n;

        if (dim[i] == 1) {
            continue;
        }
        while (at > 0 && stride[order[at - 1]] > stride[i]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
        n++;
    }
    return n;
}

bool dnn__is_injective(int ndim, const int64_t *dim, const int64_t *stride)
{
    int order[DNN_MAX_DIMS], n;
    int64_t extent = 1, step; /* elements spanned by the dims seen so far */

    if (dnn__numel_of(ndim, dim) == 0) {
        return true;
    }
    n = sort_by_stride(ndim, dim, stride, order);
    for (int i = 0; i < n; i++) {
        if (stride[order[i]] < extent ||
            __builtin_mul_overflow(dim[order[i]] - 1, stride[order[i]], &step) ||
            __builtin_add_overflow(extent, step, &extent)) {
            return false;
        }
    }
    return true;
}

uint64_t dnn__extent(int ndim, const int64_t *dim, const int64_t *stride)
{
    uint64_t extent = 1;

    for (int i = 0; i < ndim; i++) {
        if (dim[i] == 0) {
            return 0;
        }
        extent += (uint64_t)(dim[i] - 1) * (uint64_t)stride[i];
    }
    return extent;
}

bool dnn__is_run(int ndim, const int64_t *dim, const int64_t *stride)
{
    return dnn__is_injective(ndim, dim, stride) &&
           dnn__extent(ndim, dim, stride) == (uint64_t)dnn__numel_of(ndim, dim);
}
