/* reduce.c - reductions over any axes: sum, mean, amax, amin, sum_to. reduce_dim.c reduces along
 * one axis. */
#include "reduce_impl.h"
#include "rules.h"

/* ---- every reduction ---- */

void dnn__reduced_dims(const dnn_tensor *x, uint32_t mask, uint32_t keepdim, dnn__desc *out)
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

dnn_tensor *dnn__with_axes(dnn_tensor *t, const dnn__desc *x, uint32_t mask)
{
    dnn_shape shape = {.ndim = x->ndim};

    for (int d = 0; d < x->ndim; d++) {
        shape.dim[d] = (mask >> d & 1) != 0 ? 1 : x->dim[d];
    }
    return dnn_reshape(t, shape);
}

dnn_status dnn__reduce_shape(dnn__sig *sig)
{
    const dnn_attr_reduce *attr = sig->attr;

    dnn__reduced_dims(sig->in[0], attr->dims, attr->keepdim, &sig->out[0]);
    return DNN_OK;
}

static dnn_tensor *reduce(dnn__op_id op, const dnn_reduce_args *args)
{
    dnn_attr_reduce attr = {.size = sizeof attr, .keepdim = args->keepdim};
    dnn_status st;

    if (!dnn__ready(dnn__ops[op].name, args->x)) {
        return NULL;
    }
    st = dnn__axes_mask(dnn__ops[op].name, &args->dims, args->x->ndim, &attr.dims);
    if (args->x->ndim == 0) { /* PyTorch accepts dim 0 of rank 0, which has no axis */
        attr.dims = 0;
    }
    return st == DNN_OK ? dnn__call(op, &args->x, 1, &attr) : dnn__null(st);
}

/* ---- sum ---- */

dnn_tensor *dnn_sum_with(dnn_reduce_args args)
{
    return reduce(DNN_OP_sum, &args);
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

/* dx = dy for each element of x. */
void dnn__sum_backward(dnn__grad *g)
{
    const dnn_attr_reduce *attr = g->attr;

    g->din[0] = dnn_expand(dnn__with_axes(g->dout[0], &g->in_desc[0], attr->dims),
                           dnn__shape(&g->in_desc[0]));
}

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

/* ---- mean ---- */

dnn_tensor *dnn_mean_with(dnn_reduce_args args)
{
    return reduce(DNN_OP_mean, &args);
}

void dnn__mean_decompose(dnn__decomposition *p)
{
    dnn_tensor *sum = dnn__call(DNN_OP_sum, p->in, 1, p->attr);

    p->out[0] =
        sum == NULL ? NULL : dnn_div(sum, (double)dnn__numel(p->in[0]) / (double)dnn__numel(sum));
}

/* dx = dy/n for each of the n elements of a mean. */
void dnn__mean_backward(dnn__grad *g)
{
    const dnn_attr_reduce *attr = g->attr;
    const dnn__desc *x = &g->in_desc[0];
    double n = 1.0;
    dnn_tensor *dy;

    for (int d = 0; d < x->ndim; d++) {
        n *= (attr->dims >> d & 1) != 0 ? (double)x->dim[d] : 1.0;
    }
    dy = dnn_div(g->dout[0], n);
    g->din[0] = dnn_expand(dnn__with_axes(dy, x, attr->dims), dnn__shape(x));
}

/* ---- amax, amin ---- */

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

/* Zero elements have no maximum, so an axis of size 0 is not reduced. */
dnn_status dnn__reduce_some_shape(dnn__sig *sig)
{
    const dnn_attr_reduce *attr = sig->attr;
    const dnn_tensor *x = sig->in[0];

    for (int d = 0; d < x->ndim; d++) {
        if ((attr->dims >> d & 1) != 0 && x->dim[d] == 0) {
            return dnn__fail(DNN_E_INVALID, "%s: dim %d of x %s has 0 elements: must be >= 1",
                             sig->op->name, d, dnn__dims_text(x));
        }
    }
    return dnn__reduce_shape(sig);
}

/* Elements equal to the result share its gradient equally: dx = dy m/sum(m), m = (x == y). Where y
 * is NaN, m is 0 and dx is 0/0. */
void dnn__amax_backward(dnn__grad *g)
{
    const dnn_attr_reduce *attr = g->attr;
    const dnn__desc *x = &g->in_desc[0];
    dnn_tensor *y = dnn__with_axes(g->out[0], x, attr->dims),
               *dy = dnn__with_axes(g->dout[0], x, attr->dims);
    dnn_tensor *m = dnn_to(dnn_eq(g->in[0], y), .dtype = x->dtype);
    const dnn_attr_reduce keep = {.size = sizeof keep, .keepdim = 1, .dims = attr->dims};

    g->din[0] = dnn_mul(m, dnn_div(dy, dnn__call(DNN_OP_sum, &m, 1, &keep)));
}
