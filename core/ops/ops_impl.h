/* ops_impl.h - small functions that the families of core/ops share: numbers as operands,
 * destinations, descriptions, gradients. Private; core/ops and the engine of autograd include it.
 */
#ifndef DNN__OPS_H
#define DNN__OPS_H
#include <math.h>
#include "call.h"
#include "runtime.h"

/* The description of x: its dtype and dims. */
static inline dnn__desc dnn__desc_like(const dnn_tensor *x)
{
    dnn__desc desc = {.dtype = x->dtype, .ndim = x->ndim};

    for (int d = 0; d < x->ndim; d++) {
        desc.dim[d] = x->dim[d];
    }
    return desc;
}

/* Sets the dims of desc to those of x and leaves its dtype. For shape rules. */
static inline void dnn__take_dims(dnn__desc *desc, const dnn_tensor *x)
{
    desc->ndim = x->ndim;
    for (int d = 0; d < x->ndim; d++) {
        desc->dim[d] = x->dim[d];
    }
}

static inline bool dnn__same_dims(int an, const int64_t *a, int bn, const int64_t *b)
{
    bool same = an == bn;

    for (int d = 0; same && d < an; d++) {
        same = a[d] == b[d];
    }
    return same;
}

static inline const char *dnn__dims_text(const dnn_tensor *x)
{
    return dnn__shape_text(x->ndim, x->dim);
}

static inline bool dnn__is_float(dnn_dtype dtype)
{
    return (dtype & DNN__FLOATS) != 0;
}

/* true: an operator on x is recorded now. Then a call also makes results that only the gradient
 * reads.
 */
static inline bool dnn__recording(const dnn_tensor *x)
{
    return dnn__tracked(x) && dnn_grad_enabled();
}

/* An option of one axis, else of both, else the default; zero means not given. */
static inline int64_t dnn__first_set(int64_t specific, int64_t common, int64_t otherwise)
{
    return specific != 0 ? specific : common != 0 ? common : otherwise;
}

/* Stores an option in an attribute of 32 bits. Fails if it does not fit. */
dnn_status dnn__fits_int32(const char *op, const char *option, int64_t value, int32_t *out);

/* An index along an axis, which counts from the end if it is negative, clamped to 0 .. size. */
static inline int64_t dnn__clamp_index(int64_t index, int64_t size)
{
    if (index < 0) {
        index += size;
    }
    return index < 0 ? 0 : index > size ? size : index;
}

/* x as [1] if it has rank 0, for rows that need an axis; else x itself. */
dnn_tensor *dnn__at_least_1d(dnn_tensor *x);

/* For operators along one axis: x with at least one axis, and the axis that `dim` names. The caller
 * calls dnn__drop on the result. NULL: an error is pending. */
dnn_tensor *dnn__axis_of(const char *op, dnn_tensor *x, int dim, int *axis);

/* The axis of x that `dim` names. Rank 0 has no axis and is an error. */
dnn_status dnn__real_axis(const char *op, const dnn_tensor *x, int dim, int *axis);

/* Releases t, unless it is `given` itself. */
void dnn__drop(dnn_tensor *t, dnn_tensor *given);

/* Checks a number that is an operand beside a tensor of the dtype: beside an integer tensor it is
 * integral and in range. */
dnn_status dnn__check_number(const char *op, double value, dnn_dtype dtype);

/* The number as an operand of rank 0 and of x's dtype and device. The caller releases it after the
 * call. NULL: an error is pending. */
dnn_tensor *dnn__number(const char *op, double value, const dnn_tensor *x);

/* Calls of a row without attributes. Names that end in _ write into the first operand. */
static inline dnn_tensor *dnn__unary(dnn__op_id op, dnn_tensor *x)
{
    return dnn__call(op, &x, 1, NULL);
}

static inline dnn_tensor *dnn__unary_(dnn__op_id op, dnn_tensor *x)
{
    return dnn__call_to(op, x, &x, 1, NULL);
}

static inline dnn_tensor *dnn__binary(dnn__op_id op, dnn_tensor *a, dnn_tensor *b)
{
    dnn_tensor *in[] = {a, b};

    return dnn__call(op, in, 2, NULL);
}

static inline dnn_tensor *dnn__binary_(dnn__op_id op, dnn_tensor *a, dnn_tensor *b)
{
    dnn_tensor *in[] = {a, b};

    return dnn__call_to(op, a, in, 2, NULL);
}

static inline dnn_tensor *dnn__ternary(dnn__op_id op, dnn_tensor *a, dnn_tensor *b, dnn_tensor *c)
{
    dnn_tensor *in[] = {a, b, c};

    return dnn__call(op, in, 3, NULL);
}

/* a op number, or number op a if `first`. */
dnn_tensor *dnn__binary_number(dnn__op_id op, dnn_tensor *a, double number, bool first);
dnn_tensor *dnn__binary_number_(dnn__op_id op, dnn_tensor *a, double number);

/* Gradient rules: sets the gradient of input i to dx, summed over the axes that the input was
 * broadcast along. */
void dnn__give(dnn__grad *g, int i, dnn_tensor *dx);

/* Gradient rules: calls a row that has a decomposition and no gradient. Under create_graph it calls
 * the decomposition instead, which is recorded. */
dnn_tensor *dnn__gradient_row(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr);

/* For shape rules of rows whose destination determines the dims: it must not be NULL and must have
 * the dtype of the first operand. */
dnn_status dnn__check_destination_of(const dnn__sig *sig);

/* New destinations, for rows whose inputs do not determine the dims of the result. */
dnn_tensor *dnn__empty_desc(const char *op, const dnn__desc *desc, dnn__device *device);
dnn_tensor *dnn__zeros_desc(const char *op, const dnn__desc *desc, dnn__device *device);

/* A new tensor of args, whose elements are not set. Its dtype is `otherwise` if args has none.
 * NULL: an error is pending. */
dnn_tensor *dnn__make_empty(const char *op, const dnn_create_args *args, dnn_dtype otherwise);

/* dnn__or_release, and makes the filled tensor a leaf if requires_grad is set. */
dnn_tensor *dnn__finish(dnn_tensor *fresh, dnn_tensor *filled, bool requires_grad);

/* Fills a destination with a number that its dtype holds. Does not release the destination. NULL:
 * an error is pending. */
dnn_tensor *dnn__fill_with(dnn_tensor *destination, double value);

/* Returns filled, which is fresh or NULL after a failure; after a failure it releases fresh. */
dnn_tensor *dnn__or_release(dnn_tensor *fresh, dnn_tensor *filled);

/* The view of n elements of x along dim from start (0 .. size) by step >= 1, recorded as slice. The
 * caller has checked the numbers. */
dnn_tensor *dnn__slice_view(dnn_tensor *x, int dim, int64_t start, int64_t step, int64_t n);

/* x summed over the axes along which desc broadcasts to x; x itself if there are none. */
dnn_tensor *dnn__sum_to_desc(dnn_tensor *x, const dnn__desc *desc);

#endif
