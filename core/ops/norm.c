/* norm.c - normalisation along an axis: softmax and its logarithm, with their rules. Programs and
 * losses call it. */
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
    y = dnn__apply(op, &x, 1, &attr);
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

/* ---- gradients: rows, and composed where they are to be differentiated again ---- */

static dnn_tensor *sum_along(const dnn__grad *g, dnn_tensor *x)
{
    const dnn_attr_dim *attr = g->attr;

    return dnn_sum(x, .dims = DNN_DIMS(attr->dim), .keepdim = true);
}

/* dx = y (dy - sum(dy y)) */
void dnn__softmax_backward(dnn__grad *g)
{
    dnn_tensor *dy = g->dout[0], *y = g->out[0], *in[] = {dy, y};

    g->din[0] = dnn_grad_enabled() ? dnn_mul(y, dnn_sub(dy, sum_along(g, dnn_mul(dy, y))))
                                   : dnn__apply(DNN_OP_softmax_bwd, in, 2, g->attr);
}

/* dx = dy - exp(y) sum(dy) */
void dnn__log_softmax_backward(dnn__grad *g)
{
    dnn_tensor *dy = g->dout[0], *y = g->out[0], *in[] = {dy, y};

    g->din[0] = dnn_grad_enabled() ? dnn_sub(dy, dnn_mul(dnn_exp(y), sum_along(g, dy)))
                                   : dnn__apply(DNN_OP_log_softmax_bwd, in, 2, g->attr);
}
