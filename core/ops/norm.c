/* norm.c - normalisation along an axis: softmax and its logarithm, with their
 * decompositions and gradients. */
#include "ops_impl.h"
#include "rules.h"

dnn_status dnn__softmax_shape(dnn__sig *sig)
{
    const dnn_attr_dim *attr = sig->attr;
    const dnn_tensor *x = sig->in[0];

    if (attr->dim < 0 || attr->dim >= x->ndim) {
        return dnn__fail(DNN_E_INVALID, "%s: dim %d of x %s with rank %d", sig->op->name, attr->dim,
                         dnn__dims_text(x), x->ndim);
    }
    return dnn__same_shape(sig);
}

/* dy and y do not broadcast: the kernel walks them side by side. */
dnn_status dnn__softmax_bwd_shape(dnn__sig *sig)
{
    const dnn_tensor *dy = sig->in[0], *y = sig->in[1];

    if (!dnn__same_dims(dy->ndim, dy->dim, y->ndim, y->dim)) {
        return dnn__fail(DNN_E_INVALID, "%s: dy is %s, y is %s: must be equal", sig->op->name,
                         dnn__dims_text(dy), dnn__dims_text(y));
    }
    return dnn__softmax_shape(sig);
}

static dnn_tensor *soft(dnn__op_id op, dnn_tensor *given, int dim)
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

dnn_tensor *dnn_softmax(dnn_tensor *x, int dim)
{
    return soft(DNN_OP_softmax, x, dim);
}

dnn_tensor *dnn_log_softmax(dnn_tensor *x, int dim)
{
    return soft(DNN_OP_log_softmax, x, dim);
}

/* ---- decompositions and gradients ---- */

static int axis(const dnn__decomposition *p)
{
    return ((const dnn_attr_dim *)p->attr)->dim;
}

static dnn_tensor *along(const dnn__decomposition *p, dnn_tensor *x)
{
    return dnn_sum(x, .dims = DNN_DIMS(axis(p)), .keepdim = true);
}

/* x less its maximum along the axis, so that exp cannot overflow. */
static dnn_tensor *shifted(const dnn__decomposition *p)
{
    return dnn_sub(p->in[0], dnn_amax(p->in[0], .dims = DNN_DIMS(axis(p)), .keepdim = true));
}
void dnn__softmax_decompose(dnn__decomposition *p)
{
    dnn_tensor *e = dnn_exp(shifted(p));

    p->out[0] = dnn_div(e, along(p, e));
}

/* dx = y (dy - sum(dy y)) */
void dnn__softmax_bwd_decompose(dnn__decomposition *p)
{
    dnn_tensor *dy = p->in[0], *y = p->in[1];

    p->out[0] = dnn_mul(y, dnn_sub(dy, along(p, dnn_mul(dy, y))));
}

void dnn__softmax_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->out[0]};

    g->din[0] = dnn__gradient_row(DNN_OP_softmax_bwd, in, 2, g->attr);
}

void dnn__log_softmax_decompose(dnn__decomposition *p)
{
    dnn_tensor *s = shifted(p);

    p->out[0] = dnn_sub(s, dnn_log(along(p, dnn_exp(s))));
}

/* dx = dy - exp(y) sum(dy) */
void dnn__log_softmax_bwd_decompose(dnn__decomposition *p)
{
    dnn_tensor *dy = p->in[0], *y = p->in[1];

    p->out[0] = dnn_sub(dy, dnn_mul(dnn_exp(y), along(p, dy)));
}

void dnn__log_softmax_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->out[0]};

    g->din[0] = dnn__gradient_row(DNN_OP_log_softmax_bwd, in, 2, g->attr);
}
