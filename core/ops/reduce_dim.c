/* reduce_dim.c - reductions along one axis: max_dim and min_dim with their indices, argmax, argmin.
 */
#include "reduce_impl.h"
#include "rules.h"

/* y has the dims of x without (with keepdim: with size 1 at) the axis. */
static dnn_status reduced_along(dnn__sig *sig, dnn__desc *out)
{
    const dnn_attr_reduce_dim *attr = sig->attr;
    const dnn_tensor *x = sig->in[0];

    if (attr->dim < 0 || attr->dim >= x->ndim) {
        return dnn__fail(DNN_E_INVALID, "%s: dim %d of x %s must be 0 to %d", sig->op->name,
                         attr->dim, dnn__dims_text(x), x->ndim - 1);
    }
    if (x->dim[attr->dim] == 0) {
        return dnn__fail(DNN_E_INVALID, "%s: dim %d of x %s has 0 elements: must be >= 1",
                         sig->op->name, attr->dim, dnn__dims_text(x));
    }
    dnn__reduced_dims(x, 1u << attr->dim, attr->keepdim, out);
    return DNN_OK;
}

/* ---- max_dim, min_dim ---- */

static dnn_tensor *extreme_dim(dnn__op_id op, const dnn_max_dim_args *args)
{
    dnn_attr_reduce_dim attr = {.size = sizeof attr};
    dnn_tensor *out[2] = {NULL};
    bool keep_indices;
    int axis = 0;
    dnn_tensor *x = dnn__axis_of(dnn__ops[op].name, args->x, args->dim, &axis);

    if (x == NULL) {
        return NULL;
    }
    attr.dim = axis;
    attr.keepdim = args->keepdim && args->x->ndim > 0;
    keep_indices = args->indices != NULL || dnn__recording(x);
    dnn__call_results(op, &x, 1, &attr, DNN__RESULT(0) | (keep_indices ? DNN__RESULT(1) : 0), out);
    dnn__drop(x, args->x);
    if (out[0] != NULL && args->indices != NULL) {
        *args->indices = out[1];
    } else {
        dnn_release(out[1]);
    }
    return out[0];
}

dnn_tensor *dnn_max_dim_with(dnn_max_dim_args args)
{
    return extreme_dim(DNN_OP_max_dim, &args);
}

dnn_tensor *dnn_min_dim_with(dnn_max_dim_args args)
{
    return extreme_dim(DNN_OP_min_dim, &args);
}

dnn_status dnn__reduce_dim_shape(dnn__sig *sig)
{
    DNN_TRY(reduced_along(sig, &sig->out[0]));
    sig->out[1] = sig->out[0];
    sig->out[1].dtype = DNN_T_I64;
    return DNN_OK;
}

/* dx is dy at the index, else 0. */
void dnn__max_dim_backward(dnn__grad *g)
{
    const dnn_attr_reduce_dim *attr = g->attr;
    const dnn_attr_dim along = {.size = sizeof along, .dim = attr->dim};
    const dnn__desc *x = &g->in_desc[0];
    dnn_tensor *in[] = {dnn__with_axes(g->dout[0], x, 1u << attr->dim),
                        dnn__with_axes(g->out[1], x, 1u << attr->dim)};
    dnn_tensor *dx = dnn__empty_desc("max_dim_bwd", x, g->device);

    g->din[0] = dnn__call_to(DNN_OP_max_dim_bwd, dx, in, 2, &along);
}

/* (dy, indices) -> dx: the destination has the dims of x; dy and indices have size 1 along the
 * axis.
 */
dnn_status dnn__max_dim_bwd_shape(dnn__sig *sig)
{
    const dnn_attr_dim *attr = sig->attr;
    const dnn_tensor *dy = sig->in[0], *indices = sig->in[1];
    const dnn__desc *dx = &sig->out[0];
    bool fits;

    DNN_TRY(dnn__check_destination_of(sig)); /* sets *dx */
    fits = indices->dtype == DNN_T_I64 && dx->ndim == dy->ndim && attr->dim >= 0 &&
           attr->dim < dx->ndim && dnn__same_dims(dy->ndim, dy->dim, indices->ndim, indices->dim);
    for (int d = 0; fits && d < dx->ndim; d++) {
        fits = dy->dim[d] == (d == attr->dim ? 1 : dx->dim[d]);
    }
    if (!fits) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: dy is %s, indices are %s %s, the destination is %s: dy and indices "
                         "(i64) must have its shape, with size 1 in dim %d",
                         sig->op->name, dnn__dims_text(dy), dnn_dtype_name(indices->dtype),
                         dnn__dims_text(indices), dnn__shape_text(dx->ndim, dx->dim), attr->dim);
    }
    return DNN_OK;
}

/* With r the gradient of dx: dy gets r at its index. The row with dy = 1 marks the indices. */
void dnn__max_dim_bwd_backward(dnn__grad *g)
{
    const dnn_attr_dim *attr = g->attr;
    dnn_tensor *r = g->dout[0], *ones = dnn__empty_desc("max_dim_bwd", &g->in_desc[0], g->device);
    dnn_tensor *in[] = {dnn_fill_(ones, 1.0), g->in[1]};
    dnn_tensor *mark = dnn__call_to(DNN_OP_max_dim_bwd, dnn_empty_like(r), in, 2, attr);

    g->din[0] = dnn_sum(dnn_masked_fill(r, dnn_eq(mark, 0.0), 0.0), .dims = DNN_DIMS(attr->dim),
                        .keepdim = true);
}

/* ---- argmax, argmin ---- */

/* dim = DNN_ALL: the index counts the elements of the flattened x. */
static dnn_tensor *arg_of_all(dnn__op_id op, const dnn_argmax_args *args)
{
    const dnn_attr_reduce_dim attr = {.size = sizeof attr};
    dnn_shape ones = {.ndim = 0, .dim = {1, 1, 1, 1, 1, 1, 1, 1}};
    dnn_tensor *flat, *index, *shaped;

    if (!dnn__ready(dnn__ops[op].name, args->x)) {
        return NULL;
    }
    flat = dnn_reshape(args->x, DNN_SHAPE(dnn__numel(args->x)));
    index = dnn__call(op, &flat, 1, &attr);
    dnn_release(flat);
    if (index == NULL || !args->keepdim) {
        return index;
    }
    ones.ndim = args->x->ndim;
    shaped = dnn_reshape(index, ones);
    dnn_release(index);
    return shaped;
}

static dnn_tensor *arg_along(dnn__op_id op, const dnn_argmax_args *args)
{
    dnn_attr_reduce_dim attr = {.size = sizeof attr};
    int axis = 0;
    dnn_tensor *x, *index;

    if (args->dim == DNN_ALL) {
        return arg_of_all(op, args);
    }
    x = dnn__axis_of(dnn__ops[op].name, args->x, args->dim, &axis);
    if (x == NULL) {
        return NULL;
    }
    attr.dim = axis;
    attr.keepdim = args->keepdim && args->x->ndim > 0;
    index = dnn__call(op, &x, 1, &attr);
    dnn__drop(x, args->x);
    return index;
}

dnn_tensor *dnn_argmax_with(dnn_argmax_args args)
{
    return arg_along(DNN_OP_argmax, &args);
}

dnn_tensor *dnn_argmin_with(dnn_argmax_args args)
{
    return arg_along(DNN_OP_argmin, &args);
}

dnn_status dnn__arg_shape(dnn__sig *sig)
{
    DNN_TRY(reduced_along(sig, &sig->out[0]));
    sig->out[0].dtype = DNN_T_I64;
    return DNN_OK;
}
