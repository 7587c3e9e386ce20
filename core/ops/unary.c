/* unary.c - functions of one operand: decompositions and gradient rules. elementwise.c has the
 * calls of plain rows. */
#include "ops_impl.h"
#include "rules.h"

/* ---- gradients: dy times a slope ---- */

/* dx = dy slope. The slope is written in x or in y: the row keeps one of them. */
#define DEFINE_SLOPE_OF_X(name, slope)            \
    void dnn__##name##_backward(dnn__grad *g)     \
    {                                             \
        dnn_tensor *x = g->in[0];                 \
                                                  \
        g->din[0] = dnn_mul(g->dout[0], (slope)); \
    }
#define DEFINE_SLOPE_OF_Y(name, slope)            \
    void dnn__##name##_backward(dnn__grad *g)     \
    {                                             \
        dnn_tensor *y = g->out[0];                \
                                                  \
        g->din[0] = dnn_mul(g->dout[0], (slope)); \
    }

static const double ln_2 = 0.69314718055994530942, ln_10 = 2.30258509299404568402,
                    sqrt_pi = 1.77245385090551602730;

/* 1 - x^2 */
static dnn_tensor *one_minus_square(dnn_tensor *x)
{
    return dnn_rsub(dnn_square(x), 1.0);
}

/* exp(-x^2) 2/sqrt(pi) */
static dnn_tensor *erf_slope(dnn_tensor *x)
{
    return dnn_mul(dnn_exp(dnn_neg(dnn_square(x))), 2.0 / sqrt_pi);
}

DEFINE_SLOPE_OF_X(abs, dnn_sign(x)) /* 0 at 0 */
DEFINE_SLOPE_OF_X(sin, dnn_cos(x))
DEFINE_SLOPE_OF_X(cos, dnn_neg(dnn_sin(x)))
DEFINE_SLOPE_OF_X(asin, dnn_rsqrt(one_minus_square(x)))
DEFINE_SLOPE_OF_X(acos, dnn_neg(dnn_rsqrt(one_minus_square(x))))
DEFINE_SLOPE_OF_X(sinh, dnn_cosh(x))
DEFINE_SLOPE_OF_X(cosh, dnn_sinh(x))
DEFINE_SLOPE_OF_X(erf, erf_slope(x))
DEFINE_SLOPE_OF_X(erfc, dnn_neg(erf_slope(x)))
DEFINE_SLOPE_OF_Y(reciprocal, dnn_neg(dnn_square(y)))
DEFINE_SLOPE_OF_Y(rsqrt, dnn_mul(dnn_mul(dnn_square(y), y), -0.5))
DEFINE_SLOPE_OF_Y(exp, y)
DEFINE_SLOPE_OF_Y(exp2, dnn_mul(y, ln_2))
DEFINE_SLOPE_OF_Y(expm1, dnn_add(y, 1.0))
DEFINE_SLOPE_OF_Y(tan, dnn_add(dnn_square(y), 1.0))
DEFINE_SLOPE_OF_Y(tanh, one_minus_square(y))
DEFINE_SLOPE_OF_Y(sigmoid, dnn_mul(y, dnn_rsub(y, 1.0)))

/* ---- gradients that are no product with a slope ---- */

void dnn__neg_backward(dnn__grad *g)
{
    g->din[0] = dnn_neg(g->dout[0]);
}

/* dy/(2y): infinite at 0, as in PyTorch. */
void dnn__sqrt_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_mul(g->out[0], 2.0));
}

void dnn__log_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], g->in[0]);
}

void dnn__log2_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_mul(g->in[0], ln_2));
}

void dnn__log10_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_mul(g->in[0], ln_10));
}

void dnn__log1p_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_add(g->in[0], 1.0));
}

void dnn__atan_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_add(dnn_square(g->in[0]), 1.0));
}

/* ---- rows with a decomposition, which is written in x ---- */

#define DEFINE_DECOMPOSITION(name, expression)          \
    void dnn__##name##_decompose(dnn__decomposition *d) \
    {                                                   \
        dnn_tensor *x = d->in[0];                       \
                                                        \
        d->out[0] = (expression);                       \
    }

DEFINE_DECOMPOSITION(square, dnn_mul(x, x))
DEFINE_SLOPE_OF_X(square, dnn_mul(x, 2.0))

DEFINE_DECOMPOSITION(softsign, dnn_div(x, dnn_add(dnn_abs(x), 1.0)))
DEFINE_SLOPE_OF_X(softsign, dnn_square(dnn_reciprocal(dnn_add(dnn_abs(x), 1.0))))
