/* binary.c - operators of two operands: arithmetic, powers, the larger and the smaller, remainders,
 * angles. Gradient rules, and the calls that do more than name a row (elementwise.c has the
 * others).
 */
#include "ops_impl.h"
#include "rules.h"

dnn_tensor *dnn_rsub(dnn_tensor *a, double b)
{
    return dnn__binary_number(DNN_OP_sub, a, b, true);
}

dnn_tensor *dnn_add_scalar_(dnn_tensor *a, double b)
{
    return dnn__binary_number_(DNN_OP_add, a, b);
}

dnn_tensor *dnn_mul_scalar_(dnn_tensor *a, double b)
{
    return dnn__binary_number_(DNN_OP_mul, a, b);
}

/* ---- gradients of arithmetic ---- */

void dnn__add_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        dnn__give(g, 1, g->dout[0]);
    }
}

void dnn__sub_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_neg(g->dout[0]));
    }
}

void dnn__mul_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, dnn_mul(g->dout[0], g->in[1]));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_mul(g->dout[0], g->in[0]));
    }
}

/* y = a/b: da = dy/b, db = -dy (a/b)/b. */
void dnn__div_backward(dnn__grad *g)
{
    dnn_tensor *a = g->in[0], *b = g->in[1], *dy = g->dout[0];

    if (g->wants[0]) {
        dnn__give(g, 0, dnn_div(dy, b));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_neg(dnn_mul(dy, dnn_div(dnn_div(a, b), b))));
    }
}

/* ---- pow ---- */

/* A negative power of an integer tensor has no integer value; a tensor of exponents is defined by
 * the row. */
dnn_tensor *dnn_pow_scalar(dnn_tensor *a, double b)
{
    if (!dnn__ready("pow", a)) {
        return NULL;
    }
    if (!dnn__is_float(a->dtype) && b < 0.0) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "pow: exponent %g of a tensor of %s must be >= 0: cast the tensor first",
            b, dnn_dtype_name(a->dtype)));
    }
    return dnn__binary_number(DNN_OP_pow, a, b, false);
}

/* da = dy e a^(e-1), and 0 where e = 0. There e counts as 1, so that 0^-1 is nowhere computed: its
 * slope would be NaN.
 */
static dnn_tensor *pow_base(dnn_tensor *dy, dnn_tensor *a, dnn_tensor *e)
{
    dnn_tensor *flat = dnn_eq_scalar(e, 0.0);
    dnn_tensor *less = dnn_sub_scalar(dnn_masked_fill(e, flat, 1.0), 1.0);

    return dnn_masked_fill(dnn_mul(dy, dnn_mul(e, dnn_pow(a, less))), flat, 0.0);
}

/* de = dy y log(a), and 0 where a = 0 and e >= 0: log(1) = 0 stands in those places. */
void dnn__pow_bwd_exponent_decompose(dnn__decomposition *p)
{
    dnn_tensor *dy = p->in[0], *a = p->in[1], *y = p->in[2], *e = p->in[3];
    dnn_tensor *flat = dnn_logical_and(dnn_eq_scalar(a, 0.0), dnn_ge_scalar(e, 0.0));

    p->out[0] = dnn_mul(dy, dnn_mul(y, dnn_log(dnn_masked_fill(a, flat, 1.0))));
}

void dnn__pow_backward(dnn__grad *g)
{
    dnn_tensor *a = g->in[0], *e = g->in[1], *dy = g->dout[0], *in[] = {dy, a, g->out[0], e};

    if (g->wants[0]) {
        dnn__give(g, 0, pow_base(dy, a, e));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn__gradient_row(DNN_OP_pow_bwd_exponent, in, 4, NULL));
    }
}

/* ---- the larger and the smaller of two ---- */

static dnn_tensor *share(dnn_tensor *dy, dnn_tensor *mine, dnn_tensor *other)
{
    return dnn__ternary(DNN_OP_maximum_bwd, dy, mine, other);
}

/* The row is linear in dy, so the gradient of the gradient is the row itself; the rest has no
 * slope.
 */
void dnn__maximum_bwd_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, share(g->dout[0], g->in[1], g->in[2]));
    }
}

void dnn__maximum_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, share(g->dout[0], g->in[0], g->in[1]));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, share(g->dout[0], g->in[1], g->in[0]));
    }
}

/* min(a, b) = -max(-a, -b). */
void dnn__minimum_backward(dnn__grad *g)
{
    dnn_tensor *a = dnn_neg(g->in[0]), *b = dnn_neg(g->in[1]);

    if (g->wants[0]) {
        dnn__give(g, 0, share(g->dout[0], a, b));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, share(g->dout[0], b, a));
    }
}

/* The whole gradient goes to the argument that was taken: to a where `first` holds, or where b is
 * NaN. */
static void give_one(dnn__grad *g, dnn_tensor *first)
{
    dnn_tensor *to_a = dnn_logical_or(first, dnn_isnan(g->in[1]));

    if (g->wants[0]) {
        dnn__give(g, 0, dnn_masked_fill(g->dout[0], dnn_logical_not(to_a), 0.0));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_masked_fill(g->dout[0], to_a, 0.0));
    }
}

void dnn__fmax_backward(dnn__grad *g)
{
    give_one(g, dnn_ge(g->in[0], g->in[1]));
}

void dnn__fmin_backward(dnn__grad *g)
{
    give_one(g, dnn_le(g->in[0], g->in[1]));
}

/* ---- quotients with a remainder, and angles ---- */

/* remainder: a - floor(a/b) b; floor has no slope. */
void dnn__remainder_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_neg(dnn_mul(g->dout[0], dnn_floor_divide(g->in[0], g->in[1]))));
    }
}

/* fmod: a - trunc(a/b) b. */
void dnn__fmod_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_neg(dnn_mul(g->dout[0], dnn_trunc(dnn_div(g->in[0], g->in[1])))));
    }
}

/* atan2(a, b): da = dy b/(a^2 + b^2), db = -dy a/(a^2 + b^2). */
void dnn__atan2_backward(dnn__grad *g)
{
    dnn_tensor *a = g->in[0], *b = g->in[1];
    dnn_tensor *scaled = dnn_div(g->dout[0], dnn_add(dnn_square(a), dnn_square(b)));

    if (g->wants[0]) {
        dnn__give(g, 0, dnn_mul(scaled, b));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_neg(dnn_mul(scaled, a)));
    }
}
