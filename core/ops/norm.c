/* norm.c - normalisation along an axis: softmax and log_softmax. */
#include "ops_impl.h"
#include "rules.h"

/* ---- what both share ---- */

static dnn_tensor *softmax_along(dnn__op_id op, dnn_tensor *given, int dim)
{
    dnn_attr_dim attr = {.size = sizeof attr};
    int axis = 0;
    dnn_tensor *x = dnn__axis_of(dnn__ops[op].name, given, dim, &axis), *y, *shaped;

    if (x == NULL) {
        return NULL;
    }
    attr.dim = axis;
    y = dnn__call(op, &x, 1, &attr);
    if (x == given) {
        return y;
    }
    dnn_release(x);
    shaped = y == NULL ? NULL : dnn_reshape(y, DNN_SCALAR);
    dnn_release(y);
    return shaped;
}

dnn_status dnn__softmax_shape(dnn__sig *sig)
{
    const dnn_attr_dim *attr = sig->attr;
    const dnn_tensor *x = sig->in[0];

    if (attr->dim < 0 || attr->dim >= x->ndim) {
        return dnn__fail(DNN_E_INVALID, "%s: dim %d of x %s must be 0 to %d", sig->op->name,
                         attr->dim, dnn__dims_text(x), x->ndim - 1);
    }
    return dnn__same_shape(sig);
}

/* dy and y do not broadcast: kernels read them along one axis together. */
dnn_status dnn__softmax_bwd_shape(dnn__sig *sig)
{
    const dnn_tensor *dy = sig->in[0], *y = sig->in[1];

    if (!dnn__same_dims(dy->ndim, dy->dim, y->ndim, y->dim)) {
        return dnn__fail(DNN_E_INVALID, "%s: dy is %s, y is %s: shapes must be equal",
                         sig->op->name, dnn__dims_text(dy), dnn__dims_text(y));
    }
    return dnn__softmax_shape(sig);
}

static int axis_of(const dnn__decomposition *p)
{
    return ((const dnn_attr_dim *)p->attr)->dim;
}

static dnn_tensor *sum_along(const dnn__decomposition *p, dnn_tensor *x)
{
    return dnn_sum(x, .dims = DNN_DIMS(axis_of(p)), .keepdim = true);
}

/* x - max(x) along the axis, so that exp does not overflow. */
static dnn_tensor *shifted(const dnn__decomposition *p)
{
    return dnn_sub(p->in[0], dnn_amax(p->in[0], .dims = DNN_DIMS(axis_of(p)), .keepdim = true));
}

/* ---- softmax ---- */

dnn_tensor *dnn_softmax(dnn_tensor *x, int dim)
{
    return softmax_along(DNN_OP_softmax, x, dim);
}

void dnn__softmax_decompose(dnn__decomposition *p)
{
    dnn_tensor *e = dnn_exp(shifted(p));

    p->out[0] = dnn_div(e, sum_along(p, e));
}

void dnn__softmax_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->out[0]};

    g->din[0] = dnn__gradient_row(DNN_OP_softmax_bwd, in, 2, g->attr);
}

/* dx = y (dy - sum(dy y)) */
void dnn__softmax_bwd_decompose(dnn__decomposition *p)
{
    dnn_tensor *dy = p->in[0], *y = p->in[1];

    p->out[0] = dnn_mul(y, dnn_sub(dy, sum_along(p, dnn_mul(dy, y))));
}

/* ---- log_softmax ---- */

dnn_tensor *dnn_log_softmax(dnn_tensor *x, int dim)
{
    return softmax_along(DNN_OP_log_softmax, x, dim);
}

void dnn__log_softmax_decompose(dnn__decomposition *p)
{
    dnn_tensor *s = shifted(p);

    p->out[0] = dnn_sub(s, dnn_log(sum_along(p, dnn_exp(s))));
}

void dnn__log_softmax_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->out[0]};

    g->din[0] = dnn__gradient_row(DNN_OP_log_softmax_bwd, in, 2, g->attr);
}
/* dx = dy - exp(y) sum(dy) */
void dnn__log_softmax_bwd_decompose(dnn__decomposition *p)
{
    dnn_tensor *dy = p->in[0], *y = p->in[1];

    p->out[0] = dnn_sub(dy, dnn_mul(dnn_exp(y), sum_along(p, dy)));
}
