/* activation.c - activations: relu, leaky_relu, silu, gelu, elu, softplus. relu_bwd and
 * leaky_relu_bwd are linear in dy and have slope 0 in the tensor that they keep, so each is its own
 * gradient. The other gradient rows have a decomposition and no gradient. */
#include "ops_impl.h"
#include "rules.h"

/* ---- gradient rows ---- */

/* The row of dy and the tensor that the forward row kept. */
static dnn_tensor *linear_row(dnn__op_id op, dnn_tensor *dy, dnn_tensor *kept, const void *attr)
{
    dnn_tensor *in[] = {dy, kept};

    return dnn__call(op, in, 2, attr);
}

static void linear_row_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, linear_row((dnn__op_id)g->op->id, g->dout[0], g->in[1], g->attr));
    }
}

/* dx by the row of dy and x, which has a decomposition and no gradient. */
static dnn_tensor *decomposed_row(dnn__op_id op, const dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->in[0]};

    return dnn__gradient_row(op, in, 2, g->attr);
}

/* ---- relu ---- */

void dnn__relu_backward(dnn__grad *g)
{
    g->din[0] = linear_row(DNN_OP_relu_bwd, g->dout[0], g->out[0], NULL);
}

void dnn__relu_bwd_decompose(dnn__decomposition *p)
{
    dnn_tensor *dy = p->in[0], *y = p->in[1];

    p->out[0] = dnn_where(dnn_le(y, 0.0), dnn_zeros_like(dy), dy);
}

void dnn__relu_bwd_backward(dnn__grad *g)
{
    linear_row_backward(g);
}

/* ---- leaky_relu ---- */

dnn_tensor *dnn_leaky_relu(dnn_tensor *x, double slope)
{
    const dnn_attr_alpha attr = {.size = sizeof attr, .alpha = slope};

    return dnn__call(DNN_OP_leaky_relu, &x, 1, &attr);
}

dnn_tensor *dnn_leaky_relu_(dnn_tensor *x, double slope)
{
    const dnn_attr_alpha attr = {.size = sizeof attr, .alpha = slope};

    return dnn__call_to(DNN_OP_leaky_relu, x, &x, 1, &attr);
}

void dnn__leaky_relu_backward(dnn__grad *g)
{
    g->din[0] = linear_row(DNN_OP_leaky_relu_bwd, g->dout[0], g->in[0], g->attr);
}

void dnn__leaky_relu_bwd_backward(dnn__grad *g)
{
    linear_row_backward(g);
}

/* ---- silu ---- */

void dnn__silu_decompose(dnn__decomposition *p)
{
    p->out[0] = dnn_mul(p->in[0], dnn_sigmoid(p->in[0]));
}

/* dy s (1 + x (1-s)), s = sigmoid(x) */
void dnn__silu_bwd_decompose(dnn__decomposition *p)
{
    dnn_tensor *dy = p->in[0], *x = p->in[1], *s = dnn_sigmoid(x);

    p->out[0] = dnn_mul(dy, dnn_mul(s, dnn_add(dnn_mul(x, dnn_rsub(s, 1.0)), 1.0)));
}

void dnn__silu_backward(dnn__grad *g)
{
    g->din[0] = decomposed_row(DNN_OP_silu_bwd, g);
}

/* ---- gelu ---- */

dnn_tensor *dnn_gelu_with(dnn_gelu_args args)
{
    const dnn_attr_gelu attr = {.size = sizeof attr, .tanh = args.tanh};

    return dnn__call(DNN_OP_gelu, &args.x, 1, &attr);
}

void dnn__gelu_decompose(dnn__decomposition *p)
{
    const dnn_attr_gelu *attr = p->attr;
    dnn_tensor *x = p->in[0], *gate;

    if (attr->tanh != 0) {
        dnn_tensor *cubic = dnn_mul(dnn_mul(dnn_square(x), x), 0.044715);

        gate = dnn_tanh(dnn_mul(dnn_add(x, cubic), sqrt(2.0 / acos(-1.0))));
    } else {
        gate = dnn_erf(dnn_mul(x, sqrt(0.5)));
    }
    p->out[0] = dnn_mul(dnn_mul(x, 0.5), dnn_add(gate, 1.0));
}

/* y = x P(x) has slope P + x P', with P the normal distribution or (1 + tanh(k (x + c x^3)))/2. */
static dnn_tensor *gelu_slope(dnn_tensor *x, bool by_tanh)
{
    const double k = 0.79788456080286535588, c = 0.044715, root_half = 0.70710678118654752440;
    dnn_tensor *square = dnn_square(x), *p, *slope;

    if (by_tanh) {
        dnn_tensor *u = dnn_mul(x, dnn_add(dnn_mul(square, c), 1.0));
        dnn_tensor *t = dnn_tanh(dnn_mul(u, k));

        p = dnn_mul(dnn_add(t, 1.0), 0.5);
        slope = dnn_mul(dnn_rsub(dnn_square(t), 1.0),
                        dnn_mul(dnn_add(dnn_mul(square, 3 * c), 1.0), k / 2));
    } else {
        p = dnn_mul(dnn_erfc(dnn_mul(x, -root_half)), 0.5);
        slope = dnn_mul(dnn_exp(dnn_mul(square, -0.5)), k / 2);
    }
    return dnn_add(p, dnn_mul(x, slope));
}

void dnn__gelu_bwd_decompose(dnn__decomposition *p)
{
    const dnn_attr_gelu *attr = p->attr;

    p->out[0] = dnn_mul(p->in[0], gelu_slope(p->in[1], attr->tanh != 0));
}

void dnn__gelu_backward(dnn__grad *g)
{
    g->din[0] = decomposed_row(DNN_OP_gelu_bwd, g);
}

/* ---- elu ---- */

dnn_tensor *dnn_elu(dnn_tensor *x, double alpha)
{
    const dnn_attr_alpha attr = {.size = sizeof attr, .alpha = alpha};

    return dnn__call(DNN_OP_elu, &x, 1, &attr);
}

/* dy where x > 0, else dy alpha exp(x). The clamp keeps exp(x) finite where it is not used. */
void dnn__elu_bwd_decompose(dnn__decomposition *p)
{
    const dnn_attr_alpha *attr = p->attr;
    dnn_tensor *dy = p->in[0], *x = p->in[1];
    dnn_tensor *low = dnn_exp(dnn_clamp(x, -INFINITY, 0.0));

    p->out[0] = dnn_where(dnn_gt(x, 0.0), dy, dnn_mul(dy, dnn_mul(low, attr->alpha)));
}

void dnn__elu_backward(dnn__grad *g)
{
    g->din[0] = decomposed_row(DNN_OP_elu_bwd, g);
}

/* ---- softplus ---- */

dnn_tensor *dnn_softplus(dnn_tensor *x, double beta, double threshold)
{
    const dnn_attr_softplus attr = {.size = sizeof attr, .beta = beta, .threshold = threshold};

    if (dnn__pending() == DNN_OK && attr.beta == 0.0) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "softplus: beta is %s, must not be 0: the result is divided by it",
            dnn__float_text(attr.beta)));
    }
    return dnn__call(DNN_OP_softplus, &x, 1, &attr);
}

/* dy where beta x > threshold, else dy sigmoid(beta x) */
void dnn__softplus_bwd_decompose(dnn__decomposition *p)
{
    const dnn_attr_softplus *attr = p->attr;
    dnn_tensor *dy = p->in[0], *scaled = dnn_mul(p->in[1], attr->beta);

    p->out[0] = dnn_where(dnn_gt(scaled, attr->threshold), dy, dnn_mul(dy, dnn_sigmoid(scaled)));
}

void dnn__softplus_backward(dnn__grad *g)
{
    g->din[0] = decomposed_row(DNN_OP_softplus_bwd, g);
}
