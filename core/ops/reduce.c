/* reduce.c - reductions over axes: sums, means, largest and smallest, their places; sums down to a
 * shape. Call, shape rule and gradient. */
#include "ops_impl.h"
#include "rules.h"

/* ---- shape rules ---- */

/* The dims of x without (keepdim: with size 1 at) the axes of the mask. */
static void reduced_dims(const dnn_tensor *x, uint32_t mask, uint32_t keepdim, dnn__desc *out)
{
    out->dtype = x->dtype;
    out->ndim = 0;
    for (int d = 0; d < x->ndim; d++) {
        if ((mask >> d & 1) == 0) {
            out->dim[out->ndim++] = x->dim[d];
        } else if (keepdim != 0) {
            out->dim[out->ndim++] = 1;
        }
    }
}

dnn_status dnn__reduce_shape(dnn__sig *sig)
{
    const dnn_attr_reduce *attr = sig->attr;

    reduced_dims(sig->in[0], attr->dims, attr->keepdim, &sig->out[0]);
    return DNN_OK;
}

/* Integers and bool sum to i64. */
dnn_status dnn__sum_shape(dnn__sig *sig)
{
    DNN_TRY(dnn__reduce_shape(sig));
    if (!dnn__is_float(sig->in[0]->dtype)) {
        sig->out[0].dtype = DNN_T_I64;
    }
    return DNN_OK;
}

/* For results that nothing has none of: an axis of size 0 may not be reduced. */
dnn_status dnn__reduce_some_shape(dnn__sig *sig)
{
    const dnn_attr_reduce *attr = sig->attr;
    const dnn_tensor *x = sig->in[0];

    for (int d = 0; d < x->ndim; d++) {
        if ((attr->dims >> d & 1) != 0 && x->dim[d] == 0) {
            return dnn__fail(
                DNN_E_INVALID,
                "%s: dim %d of x %s has 0 elements: nothing has no largest or smallest",
                sig->op->name, d, dnn__dims_text(x));
        }
    }
    return dnn__reduce_shape(sig);
}

static dnn_status one_axis(dnn__sig *sig, dnn__desc *out)
{
    const dnn_attr_reduce_dim *attr = sig->attr;
    const dnn_tensor *x = sig->in[0];

    if (attr->dim < 0 || attr->dim >= x->ndim) {
        return dnn__fail(DNN_E_INVALID, "%s: dim %d of x %s with rank %d", sig->op->name, attr->dim,
                         dnn__dims_text(x), x->ndim);
    }
    if (x->dim[attr->dim] == 0) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: dim %d of x %s has 0 elements: nothing has no largest or smallest",
                         sig->op->name, attr->dim, dnn__dims_text(x));
    }
    reduced_dims(x, 1u << attr->dim, attr->keepdim, out);
    return DNN_OK;
}

dnn_status dnn__reduce_dim_shape(dnn__sig *sig)
{
    DNN_TRY(one_axis(sig, &sig->out[0]));
    sig->out[1] = sig->out[0];
    sig->out[1].dtype = DNN_T_I64;
    return DNN_OK;
}

dnn_status dnn__arg_shape(dnn__sig *sig)
{
    DNN_TRY(one_axis(sig, &sig->out[0]));
    sig->out[0].dtype = DNN_T_I64;
    return DNN_OK;
}

/* The destination has the dims of the forward input; dy and indices have size 1 along the axis. */
dnn_status dnn__max_dim_bwd_shape(dnn__sig *sig)
{
    const dnn_attr_dim *attr = sig->attr;
    const dnn_tensor *dy = sig->in[0], *indices = sig->in[1];
    const dnn__desc *dx = &sig->out[0];
    bool fits = sig->given[0] != NULL && indices->dtype == DNN_T_I64 && dx->dtype == dy->dtype &&
                dx->ndim == dy->ndim && attr->dim >= 0 && attr->dim < dx->ndim &&
                dnn__same_dims(dy->ndim, dy->dim, indices->ndim, indices->dim);

    for (int d = 0; fits && d < dx->ndim; d++) {
        fits = dy->dim[d] == (d == attr->dim ? 1 : dx->dim[d]);
    }
    if (!fits) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: dy %s and indices %s %s do not belong to dim %d of the target",
                         sig->op->name, dnn__dims_text(dy), dnn_dtype_name(indices->dtype),
                         dnn__dims_text(indices), attr->dim);
    }
    return DNN_OK;
}

/* ---- over any axes ---- */

static dnn_tensor *reduce(dnn__op_id op, const dnn_reduce_args *args)
{
    dnn_attr_reduce attr = {.size = sizeof attr, .keepdim = args->keepdim};
    dnn_status st;

    if (!dnn__ready(dnn__ops[op].name, args->x)) {
        return NULL;
    }
    st = dnn__axes_mask(dnn__ops[op].name, &args->dims, args->x->ndim, &attr.dims);
    if (args->x->ndim == 0) { /* a named dim 0 of rank 0 is legal, and no axis */
        attr.dims = 0;
    }
    return st == DNN_OK ? dnn__call(op, &args->x, 1, &attr) : dnn__null(st);
}

dnn_tensor *dnn_sum_with(dnn_reduce_args args)
{
    return reduce(DNN_OP_sum, &args);
}

dnn_tensor *dnn_mean_with(dnn_reduce_args args)
{
    return reduce(DNN_OP_mean, &args);
}

dnn_tensor *dnn_amax_with(dnn_reduce_args args)
{
    return reduce(DNN_OP_amax, &args);
}

dnn_tensor *dnn_amin_with(dnn_reduce_args args)
{
    return reduce(DNN_OP_amin, &args);
}

dnn_tensor *dnn_max(dnn_tensor *x)
{
    return dnn_amax(x);
}

dnn_tensor *dnn_min(dnn_tensor *x)
{
    return dnn_amin(x);
}

/* The tensor of a result without its axes, with size 1 in their place: so that it broadcasts
 * against x. */
static dnn_tensor *with_axes(dnn_tensor *t, const dnn__desc *x, uint32_t mask)
{
    dnn_shape shape = {x->ndim, {0}};

    for (int d = 0; d < x->ndim; d++) {
        shape.dim[d] = (mask >> d & 1) != 0 ? 1 : x->dim[d];
    }
    return dnn_reshape(t, shape);
}

/* Each element of x had slope 1. */
void dnn__sum_backward(dnn__grad *g)
{
    const dnn_attr_reduce *attr = g->attr;

    g->din[0] =
        dnn_expand(with_axes(g->dout[0], &g->in_desc[0], attr->dims), dnn__shape(&g->in_desc[0]));
}

void dnn__mean_decompose(dnn__decomposition *p)
{
    dnn_tensor *sum = dnn__call(DNN_OP_sum, p->in, 1, p->attr);

    p->out[0] = sum == NULL
                    ? NULL
                    : dnn_div_scalar(sum, (double)dnn__numel(p->in[0]) / (double)dnn__numel(sum));
}

/* Each element of x had slope 1/n, n the elements behind one mean. */
void dnn__mean_backward(dnn__grad *g)
{
    const dnn_attr_reduce *attr = g->attr;
    const dnn__desc *x = &g->in_desc[0];
    double n = 1.0;
    dnn_tensor *dy;

    for (int d = 0; d < x->ndim; d++) {
        n *= (attr->dims >> d & 1) != 0 ? (double)x->dim[d] : 1.0;
    }
    dy = dnn_div_scalar(g->dout[0], n);
    g->din[0] = dnn_expand(with_axes(dy, x, attr->dims), dnn__shape(x));
}

/* Elements equal to the result share its gradient equally: dx = dy m/sum(m), m = (x == y). NaN
 * equals nothing: 0/0. */
void dnn__amax_backward(dnn__grad *g)
{
    const dnn_attr_reduce *attr = g->attr;
    const dnn__desc *x = &g->in_desc[0];
    dnn_tensor *y = with_axes(g->out[0], x, attr->dims), *dy = with_axes(g->dout[0], x, attr->dims);
    dnn_tensor *m = dnn_cast(dnn_eq(g->in[0], y), x->dtype);
    const dnn_attr_reduce keep = {.size = sizeof keep, .keepdim = 1, .dims = attr->dims};

    g->din[0] = dnn_mul(m, dnn_div(dy, dnn__call(DNN_OP_sum, &m, 1, &keep)));
}

/* ---- along one axis ---- */

static dnn_tensor *extreme_dim(dnn__op_id op, const dnn_reduce_dim_args *args)
{
    dnn_attr_reduce_dim attr = {.size = sizeof attr};
    dnn_tensor *out[2] = {NULL};
    bool keep_places, rank_0 = args->x != NULL && args->x->ndim == 0;
    int axis = 0;
    dnn_tensor *x = dnn__axis_of(dnn__ops[op].name, args->x, args->dim, &axis);

    if (x == NULL) {
        return NULL;
    }
    attr.dim = axis;
    attr.keepdim = args->keepdim && !rank_0;
    keep_places = args->indices != NULL || dnn__recording(x);
    dnn__call_results(op, &x, 1, &attr, DNN__RESULT(0) | (keep_places ? DNN__RESULT(1) : 0), out);
    dnn__drop(x, args->x);
    if (out[0] != NULL && args->indices != NULL) {
        *args->indices = out[1];
    } else {
        dnn_release(out[1]);
    }
    return out[0];
}

dnn_tensor *dnn_max_dim_with(dnn_reduce_dim_args args)
{
    return extreme_dim(DNN_OP_max_dim, &args);
}

dnn_tensor *dnn_min_dim_with(dnn_reduce_dim_args args)
{
    return extreme_dim(DNN_OP_min_dim, &args);
}

/* dx is dy at the place that was taken, else 0. */
void dnn__max_dim_backward(dnn__grad *g)
{
    const dnn_attr_reduce_dim *attr = g->attr;
    const dnn_attr_dim along = {.size = sizeof along, .dim = attr->dim};
    const dnn__desc *x = &g->in_desc[0];
    dnn_tensor *in[] = {with_axes(g->dout[0], x, 1u << attr->dim),
                        with_axes(g->out[1], x, 1u << attr->dim)};
    dnn_tensor *dx = dnn__empty_desc("max_dim_bwd", x, g->device);

    g->din[0] = dnn__call_to(DNN_OP_max_dim_bwd, dx, in, 2, &along);
}

/* The gradient of each place that was taken; ones put there and multiplied pick it. */
void dnn__max_dim_bwd_backward(dnn__grad *g)
{
    const dnn_attr_dim *attr = g->attr;
    dnn_tensor *r = g->dout[0], *ones = dnn__empty_desc("max_dim_bwd", &g->in_desc[0], g->device);
    dnn_tensor *in[] = {dnn_fill_(ones, 1.0), g->in[1]};
    dnn_tensor *taken = dnn__call_to(DNN_OP_max_dim_bwd, dnn_empty_like(r), in, 2, attr);

    g->din[0] = dnn_sum(dnn_masked_fill(r, dnn_eq_scalar(taken, 0.0), 0.0),
                        .dims = DNN_DIMS(attr->dim), .keepdim = true);
}

/* argmax over everything is that of the flat tensor; kept axes all have size 1 then. */
static dnn_tensor *extreme_place_of_all(dnn__op_id op, const dnn_reduce_dim_args *args)
{
    const dnn_attr_reduce_dim attr = {.size = sizeof attr};
    dnn_shape ones = {0, {1, 1, 1, 1, 1, 1, 1, 1}};
    dnn_tensor *flat, *place, *shaped;

    if (!dnn__ready(dnn__ops[op].name, args->x)) {
        return NULL;
    }
    flat = dnn_reshape(args->x, DNN_SHAPE(dnn__numel(args->x)));
    place = dnn__call(op, &flat, 1, &attr);
    dnn_release(flat);
    if (place == NULL || !args->keepdim) {
        return place;
    }
    ones.ndim = args->x->ndim;
    shaped = dnn_reshape(place, ones);
    dnn_release(place);
    return shaped;
}

static dnn_tensor *extreme_place(dnn__op_id op, const dnn_reduce_dim_args *args)
{
    dnn_attr_reduce_dim attr = {.size = sizeof attr};
    int axis = 0;
    dnn_tensor *x, *place;

    if (args->dim == DNN_ALL) {
        return extreme_place_of_all(op, args);
    }
    x = dnn__axis_of(dnn__ops[op].name, args->x, args->dim, &axis);
    if (x == NULL) {
        return NULL;
    }
    attr.dim = axis;
    attr.keepdim = args->keepdim && args->x->ndim > 0;
    place = dnn__call(op, &x, 1, &attr);
    dnn__drop(x, args->x);
    return place;
}

dnn_tensor *dnn_argmax_with(dnn_reduce_dim_args args)
{
    return extreme_place(DNN_OP_argmax, &args);
}

dnn_tensor *dnn_argmin_with(dnn_reduce_dim_args args)
{
    return extreme_place(DNN_OP_argmin, &args);
}

/* ---- sums down to a shape ---- */

dnn_tensor *dnn_sum_to(dnn_tensor *x, dnn_shape shape)
{
    dnn__desc desc = {.dtype = DNN_T_F32};
    int64_t lead = 0;
    bool fits;

    if (!dnn__ready("sum_to", x)) {
        return NULL;
    }
    fits = shape.ndim >= 0 && shape.ndim <= x->ndim;
    lead = fits ? x->ndim - shape.ndim : 0;
    for (int d = 0; fits && d < (int)shape.ndim; d++) {
        desc.dim[d] = shape.dim[d];
        fits = shape.dim[d] == 1 || shape.dim[d] == x->dim[lead + d];
    }
    if (!fits) {
        bool rank_ok = shape.ndim >= 0 && shape.ndim <= DNN_MAX_DIMS;

        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "sum_to: %s of rank %lld does not broadcast to x %s",
                                   dnn__shape_text(rank_ok ? (int)shape.ndim : 0, shape.dim),
                                   (long long)shape.ndim, dnn__dims_text(x)));
    }
    desc.ndim = (int)shape.ndim;
    return dnn__sum_to_desc(x, &desc);
}
