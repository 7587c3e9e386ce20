/* activation.c - activations: relu, leaky_relu, silu, gelu, elu, softplus. Call and gradient of
 * each. Gradients that are linear in dy and have no slope in what the row keeps are their own
 * gradients. The other gradient rows have no gradient: when a graph is created, smaller operators
 * compute it. */
#include "ops_impl.h"
#include "rules.h"

/* ---- relu, leaky_relu ---- */

static dnn_tensor *fused(dnn__op_id op, dnn_tensor *dy, dnn_tensor *kept, const void *attr)
{
    dnn_tensor *in[] = {dy, kept};

    return dnn__apply(op, in, 2, attr);
}

static void again(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, fused((dnn__op_id)g->op->id, g->dout[0], g->in[1], g->attr));
    }
}

void dnn__relu_backward(dnn__grad *g)
{
    g->din[0] = fused(DNN_OP_relu_bwd, g->dout[0], g->out[0], NULL);
}

void dnn__relu_bwd_backward(dnn__grad *g)
{
    again(g);
}

dnn_tensor *dnn_leaky_relu_with(dnn_activation_args args)
{
    const dnn_attr_alpha attr = {.size = sizeof attr, .alpha = dnn__option(args.slope, 0.01)};

    return dnn__apply(DNN_OP_leaky_relu, &args.x, 1, &attr);
}

void dnn__leaky_relu_backward(dnn__grad *g)
{
    g->din[0] = fused(DNN_OP_leaky_relu_bwd, g->dout[0], g->in[0], g->attr);
}

void dnn__leaky_relu_bwd_backward(dnn__grad *g)
{
    again(g);
}

/* ---- silu ---- */

/* dy s (1 + x (1-s)), s = sigmoid(x) */
static dnn_tensor *silu_composed(dnn_tensor *dy, dnn_tensor *x)
{
    dnn_tensor *s = dnn_sigmoid(x);

    return dnn_mul(dy, dnn_mul(s, dnn_add_scalar(dnn_mul(x, dnn_rsub(s, 1.0)), 1.0)));
}

void dnn__silu_backward(dnn__grad *g)
{
    g->din[0] = dnn_grad_enabled() ? silu_composed(g->dout[0], g->in[0])
                                   : fused(DNN_OP_silu_bwd, g->dout[0], g->in[0], NULL);
}

/* ---- gelu ---- */

dnn_tensor *dnn_gelu_with(dnn_activation_args args)
{
    const dnn_attr_gelu attr = {.size = sizeof attr, .tanh = args.tanh};

    return dnn__apply(DNN_OP_gelu, &args.x, 1, &attr);
}

/* y = x P(x): P + x P', with P the normal distribution or (1 + tanh(k (x + c x^3)))/2. */
static dnn_tensor *gelu_slope(dnn_tensor *x, bool by_tanh)
{
    const double k = 0.79788456080286535588, c = 0.044715, root_half = 0.70710678118654752440;
    dnn_tensor *square = dnn_square(x), *p, *slope;

    if (by_tanh) {
        dnn_tensor *u = dnn_mul(x, dnn_add_scalar(dnn_mul_scalar(square, c), 1.0));
        dnn_tensor *t = dnn_tanh(dnn_mul_scalar(u, k));

        p = dnn_mul_scalar(dnn_add_scalar(t, 1.0), 0.5);
        slope = dnn_mul(dnn_rsub(dnn_square(t), 1.0),
                        dnn_mul_scalar(dnn_add_scalar(dnn_mul_scalar(square, 3 * c), 1.0), k / 2));
    } else {
        p = dnn_mul_scalar(dnn_erfc(dnn_mul_scalar(x, -root_half)), 0.5);
        slope = dnn_mul_scalar(dnn_exp(dnn_mul_scalar(square, -0.5)), k / 2);
    }
    return dnn_add(p, dnn_mul(x, slope));
}

void dnn__gelu_backward(dnn__grad *g)
{
    const dnn_attr_gelu *attr = g->attr;

    g->din[0] = dnn_grad_enabled() ? dnn_mul(g->dout[0], gelu_slope(g->in[0], attr->tanh != 0))
                                   : fused(DNN_OP_gelu_bwd, g->dout[0], g->in[0], attr);
}

/* ---- elu ---- */

dnn_tensor *dnn_elu_with(dnn_activation_args args)
{
    const dnn_attr_alpha attr = {.size = sizeof attr, .alpha = dnn__option(args.alpha, 1.0)};

    return dnn__apply(DNN_OP_elu, &args.x, 1, &attr);
}

/* dy where x > 0, else dy alpha exp(x); exp never sees what it would overflow on. */
static dnn_tensor *elu_composed(dnn_tensor *dy, dnn_tensor *x, double alpha)
{
    dnn_tensor *low = dnn_exp(dnn_clamp_scalar(x, -INFINITY, 0.0));

    return dnn_where(dnn_gt_scalar(x, 0.0), dy, dnn_mul(dy, dnn_mul_scalar(low, alpha)));
}

void dnn__elu_backward(dnn__grad *g)
{
    const dnn_attr_alpha *attr = g->attr;

    g->din[0] = dnn_grad_enabled() ? elu_composed(g->dout[0], g->in[0], attr->alpha)
                                   : fused(DNN_OP_elu_bwd, g->dout[0], g->in[0], attr);
}

/* ---- softplus ---- */

dnn_tensor *dnn_softplus_with(dnn_activation_args args)
{
    const dnn_attr_softplus attr = {.size = sizeof attr,
                                    .beta = dnn__option(args.beta, 1.0),
                                    .threshold = dnn__option(args.threshold, 20.0)};

    if (dnn__waiting() == DNN_OK && attr.beta == 0.0) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "softplus: beta is 0, which divides"));
    }
    return dnn__apply(DNN_OP_softplus, &args.x, 1, &attr);
}

static dnn_tensor *softplus_composed(dnn_tensor *dy, dnn_tensor *x, const dnn_attr_softplus *attr)
{
    dnn_tensor *scaled = dnn_mul_scalar(x, attr->beta);

    return dnn_where(dnn_gt_scalar(scaled, attr->threshold), dy, dnn_mul(dy, dnn_sigmoid(scaled)));
}

void dnn__softplus_backward(dnn__grad *g)
{
    g->din[0] = dnn_grad_enabled() ? softplus_composed(g->dout[0], g->in[0], g->attr)
                                   : fused(DNN_OP_softplus_bwd, g->dout[0], g->in[0], g->attr);
}
