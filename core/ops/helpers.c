/* helpers.c - functions that the families of operators share (ops_impl.h). They call rows of the
 * table, not public operators. */
#include "ops_impl.h"

dnn_status dnn__fits_int32(const char *op, const char *option, int64_t value, int32_t *out)
{
    if (value < INT32_MIN || value > INT32_MAX) {
        return dnn__fail(DNN_E_INVALID, "%s: %s %lld is beyond 32 bits", op, option,
                         (long long)value);
    }
    *out = (int32_t)value;
    return DNN_OK;
}

/* ---- numbers as operands ---- */

dnn_status dnn__check_number(const char *op, double value, dnn_dtype dtype)
{
    if (dnn__fits(dtype, value)) {
        return DNN_OK;
    }
    return dnn__fail(DNN_E_INVALID, "%s: the number %s is not a value of %s: cast the tensor first",
                     op, dnn__float_text(value), dnn_dtype_name(dtype));
}

dnn_tensor *dnn__number(const char *op, double value, const dnn_tensor *x)
{
    dnn_status st = dnn__check_number(op, value, x->dtype);

    return st == DNN_OK ? dnn__scalar(value, x->dtype, dnn__device_of(x)) : dnn__null(st);
}

/* The number as an operand of a's dtype and device. NULL: an error is pending. */
static dnn_tensor *number_like(dnn__op_id op, dnn_tensor *a, double number)
{
    const char *name = dnn__ops[op].name;

    return dnn__ready(name, a) ? dnn__number(name, number, a) : NULL;
}

dnn_tensor *dnn__binary_number(dnn__op_id op, dnn_tensor *a, double number, bool first)
{
    dnn_tensor *operand = number_like(op, a, number), *y = NULL;

    if (operand != NULL) {
        y = first ? dnn__binary(op, operand, a) : dnn__binary(op, a, operand);
    }
    dnn_release(operand);
    return y;
}

dnn_tensor *dnn__binary_number_(dnn__op_id op, dnn_tensor *a, double number)
{
    dnn_tensor *operand = number_like(op, a, number);
    dnn_tensor *y = operand != NULL ? dnn__binary_(op, a, operand) : NULL;

    dnn_release(operand);
    return y;
}

/* ---- new tensors ---- */

dnn_tensor *dnn__empty_desc(const char *op, const dnn__desc *desc, dnn__device *device)
{
    dnn_tensor *t = dnn__tensor_new(op, desc->dtype, desc->ndim, desc->dim, device);

    if (t != NULL) {
        t->fresh = true;
    }
    return t;
}

dnn_status dnn__check_destination_of(const dnn__sig *sig)
{
    const char *op = sig->op->name;

    if (sig->given[0] == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: the destination is NULL", op);
    }
    if (sig->out[0].dtype != sig->in[0]->dtype) {
        return dnn__fail(DNN_E_INVALID, "%s: %s is %s, the destination is %s: dtypes must be equal",
                         op, dnn__input_name(sig->op, 0).text, dnn_dtype_name(sig->in[0]->dtype),
                         dnn_dtype_name(sig->out[0].dtype));
    }
    return DNN_OK;
}

dnn_tensor *dnn__or_release(dnn_tensor *fresh, dnn_tensor *filled)
{
    if (filled == NULL) {
        dnn_release(fresh);
    }
    return filled;
}

dnn_tensor *dnn__fill_with(dnn_tensor *destination, double value)
{
    dnn_tensor *number = dnn__scalar(value, destination->dtype, dnn__device_of(destination));
    dnn_tensor *filled;

    if (number == NULL) {
        return NULL;
    }
    filled = dnn__call_to(DNN_OP_fill, destination, &number, 1, NULL);
    dnn_release(number);
    return filled;
}

dnn_tensor *dnn__zeros_desc(const char *op, const dnn__desc *desc, dnn__device *device)
{
    dnn_tensor *zeros = dnn__empty_desc(op, desc, device);

    return zeros == NULL ? NULL : dnn__or_release(zeros, dnn__fill_with(zeros, 0.0));
}

/* ---- axes ---- */

dnn_tensor *dnn__at_least_1d(dnn_tensor *x)
{
    static const int64_t one = 1;

    return x != NULL && x->ndim == 0
               ? dnn__call_view(DNN_OP_view, x, 1, &one, &one, x->offset, NULL)
               : x;
}

dnn_status dnn__real_axis(const char *op, const dnn_tensor *x, int dim, int *axis)
{
    if (x->ndim == 0) {
        return dnn__fail(DNN_E_INVALID, "%s: dim is %d, x has rank 0 and no dims", op, dim);
    }
    return dnn__axis(op, dim, x->ndim, axis);
}

dnn_tensor *dnn__axis_of(const char *op, dnn_tensor *x, int dim, int *axis)
{
    dnn_status st;

    if (!dnn__ready(op, x)) {
        return NULL;
    }
    st = dnn__axis(op, dim, x->ndim, axis);
    return st == DNN_OK ? dnn__at_least_1d(x) : dnn__null(st);
}

void dnn__drop(dnn_tensor *t, dnn_tensor *given)
{
    if (t != given) {
        dnn_release(t);
    }
}

dnn_tensor *dnn__slice_view(dnn_tensor *x, int dim, int64_t start, int64_t step, int64_t n)
{
    /* A slice of fewer than two elements does not use its step, which may overflow the stride. */
    const dnn_attr_slice attr = {
        .size = sizeof attr, .dim = dim, .start = start, .step = n > 1 ? step : 1};
    int64_t dims[DNN_MAX_DIMS], stride[DNN_MAX_DIMS];

    for (int d = 0; d < x->ndim; d++) {
        dims[d] = d == dim ? n : x->dim[d];
        stride[d] = d == dim ? x->stride[d] * attr.step : x->stride[d];
    }
    return dnn__call_view(DNN_OP_slice, x, x->ndim, dims, stride,
                          n > 0 ? x->offset + start * x->stride[dim] : x->offset, &attr);
}

/* ---- gradients ---- */

dnn_tensor *dnn__sum_to_desc(dnn_tensor *x, const dnn__desc *desc)
{
    dnn_attr_reduce attr = {.size = sizeof attr, .keepdim = 1};
    int64_t stride[DNN_MAX_DIMS];
    dnn_tensor *sum, *y;
    int lead;

    if (x == NULL || dnn__same_dims(x->ndim, x->dim, desc->ndim, desc->dim)) {
        return x;
    }
    lead = x->ndim - desc->ndim;
    for (int d = 0; d < x->ndim; d++) {
        if (d < lead || (desc->dim[d - lead] == 1 && x->dim[d] != 1)) {
            attr.dims |= 1u << d;
        }
    }
    sum = dnn__call(DNN_OP_sum, &x, 1, &attr);
    if (sum == NULL || lead == 0) {
        return sum;
    }
    dnn__dense_strides(desc->ndim, desc->dim, stride);
    y = dnn__call_view(DNN_OP_view, sum, desc->ndim, desc->dim, stride, sum->offset, NULL);
    dnn_release(sum);
    return y;
}

void dnn__give(dnn__grad *g, int i, dnn_tensor *dx)
{
    g->din[i] = dnn__sum_to_desc(dx, &g->in_desc[i]);
}

dnn_tensor *dnn__gradient_row(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr)
{
    dnn__decomposition parts = {.op = &dnn__ops[op], .attr = attr, .n_in = n_in, .in = in};

    if (!dnn_grad_enabled()) {
        return dnn__call(op, in, n_in, attr);
    }
    parts.op->decompose(&parts);
    return parts.out[0];
}
