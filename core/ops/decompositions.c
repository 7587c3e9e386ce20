/* parts.c - decompositions: rows of the table in terms of smaller operators, for a device on which
 * nobody has a kernel for them (rung 2 of the ladder). Formulas as in dnn_ops.h. They run below the
 * tape. */
#include <math.h>
#include "ops_impl.h"
#include "rules.h"

void dnn__square_parts(dnn__parts *p)
{
    p->out[0] = dnn_mul(p->in[0], p->in[0]);
}

void dnn__softsign_parts(dnn__parts *p)
{
    p->out[0] = dnn_div(p->in[0], dnn_add_scalar(dnn_abs(p->in[0]), 1.0));
}

void dnn__silu_parts(dnn__parts *p)
{
    p->out[0] = dnn_mul(p->in[0], dnn_sigmoid(p->in[0]));
}

void dnn__gelu_parts(dnn__parts *p)
{
    const dnn_attr_gelu *attr = p->attr;
    dnn_tensor *x = p->in[0], *gate;

    if (attr->tanh != 0) {
        dnn_tensor *cubic = dnn_mul_scalar(dnn_mul(dnn_square(x), x), 0.044715);

        gate = dnn_tanh(dnn_mul_scalar(dnn_add(x, cubic), sqrt(2.0 / acos(-1.0))));
    } else {
        gate = dnn_erf(dnn_mul_scalar(x, sqrt(0.5)));
    }
    p->out[0] = dnn_mul(dnn_mul_scalar(x, 0.5), dnn_add_scalar(gate, 1.0));
}

void dnn__relu_bwd_parts(dnn__parts *p)
{
    dnn_tensor *dy = p->in[0], *y = p->in[1];

    p->out[0] = dnn_where(dnn_le_scalar(y, 0.0), dnn_zeros_like(dy), dy);
}

void dnn__mean_parts(dnn__parts *p)
{
    dnn_tensor *sum = dnn__apply(DNN_OP_sum, p->in, 1, p->attr);

    p->out[0] = sum == NULL
                    ? NULL
                    : dnn_div_scalar(sum, (double)dnn__numel(p->in[0]) / (double)dnn__numel(sum));
}

void dnn__linear_parts(dnn__parts *p)
{
    dnn_tensor *y = dnn_matmul(p->in[0], dnn_transpose(p->in[1], 0, 1));

    p->out[0] = p->in[2] != NULL ? dnn_add(y, p->in[2]) : y;
}

static int axis(const dnn__parts *p)
{
    return ((const dnn_attr_dim *)p->attr)->dim;
}

static dnn_tensor *along(const dnn__parts *p, dnn_tensor *x)
{
    return dnn_sum(x, .dims = DNN_DIMS(axis(p)), .keepdim = true);
}

/* x less its maximum along the axis, so that exp cannot overflow. */
static dnn_tensor *shifted(const dnn__parts *p)
{
    return dnn_sub(p->in[0], dnn_amax(p->in[0], .dims = DNN_DIMS(axis(p)), .keepdim = true));
}

void dnn__softmax_parts(dnn__parts *p)
{
    dnn_tensor *e = dnn_exp(shifted(p));

    p->out[0] = dnn_div(e, along(p, e));
}

void dnn__log_softmax_parts(dnn__parts *p)
{
    dnn_tensor *s = shifted(p);

    p->out[0] = dnn_sub(s, dnn_log(along(p, dnn_exp(s))));
}

void dnn__softmax_bwd_parts(dnn__parts *p)
{
    dnn_tensor *dy = p->in[0], *y = p->in[1];

    p->out[0] = dnn_mul(y, dnn_sub(dy, along(p, dnn_mul(dy, y))));
}

void dnn__log_softmax_bwd_parts(dnn__parts *p)
{
    dnn_tensor *dy = p->in[0], *y = p->in[1];

    p->out[0] = dnn_sub(dy, dnn_mul(dnn_exp(y), along(p, dy)));
}
