/* binary.c - operators of two operands: arithmetic, powers, maximum and minimum, remainders, atan2.
 * elementwise.c has the calls of plain rows. */
#include "ops_impl.h"
#include "rules.h"

dnn_tensor *dnn_rsub(dnn_tensor *a, double b)
{
    return dnn__binary_number(DNN_OP_sub, a, b, true);
}

/* ---- a + alpha b ---- */

dnn_tensor *dnn_add_tensor_with(dnn_tensor *a, dnn_tensor *b, dnn_alpha_args args)
{
    DNN_SCOPE();

    if (b == NULL) {
        return dnn_add_tensor(a, b); /* names b */
    }
    return dnn_keep(dnn_add_tensor(a, dnn_mul_number(b, args.alpha)));
}

dnn_tensor *dnn_sub_tensor_with(dnn_tensor *a, dnn_tensor *b, dnn_alpha_args args)
{
    DNN_SCOPE();

    if (b == NULL) {
        return dnn_sub_tensor(a, b); /* names b */
    }
    return dnn_keep(dnn_sub_tensor(a, dnn_mul_number(b, args.alpha)));
}

dnn_tensor *dnn_add_number_with(dnn_tensor *a, double b, dnn_alpha_args args)
{
    return dnn_add_number(a, args.alpha * b);
}

dnn_tensor *dnn_sub_number_with(dnn_tensor *a, double b, dnn_alpha_args args)
{
    return dnn_sub_number(a, args.alpha * b);
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

/* A negative power of an integer is no integer. The row defines the result for a
 * tensor of exponents. */
static bool exponent_ready(dnn_tensor *a, double b)
{
    if (!dnn__ready("pow", a)) {
        return false;
    }
    if (!dnn__is_float(a->dtype) && b < 0.0) {
        dnn__null(dnn__fail(
            DNN_E_INVALID,
            "pow: the exponent b is %s, a is %s: b must be >= 0 for integers: cast a first",
            dnn__float_text(b), dnn_dtype_name(a->dtype)));
        return false;
    }
    return true;
}

dnn_tensor *dnn_pow_number(dnn_tensor *a, double b)
{
    return exponent_ready(a, b) ? dnn__binary_number(DNN_OP_pow, a, b, false) : NULL;
}

dnn_tensor *dnn_pow_number_(dnn_tensor *a, double b)
{
    return exponent_ready(a, b) ? dnn__binary_number_(DNN_OP_pow, a, b) : NULL;
}

/* da = dy e a^(e-1), and 0 where e = 0. A 1 replaces e = 0, because 0^-1 would have slope NaN. */
static dnn_tensor *pow_base(dnn_tensor *dy, dnn_tensor *a, dnn_tensor *e)
{
    dnn_tensor *zero_slope = dnn_eq(e, 0.0);
    dnn_tensor *e_minus_1 = dnn_sub(dnn_masked_fill(e, zero_slope, 1.0), 1.0);

    return dnn_masked_fill(dnn_mul(dy, dnn_mul(e, dnn_pow(a, e_minus_1))), zero_slope, 0.0);
}

/* de = dy y log(a), and 0 where a = 0 and e >= 0: a 1 replaces a there, log(1) = 0. */
void dnn__pow_bwd_exponent_decompose(dnn__decomposition *p)
{
    dnn_tensor *dy = p->in[0], *a = p->in[1], *y = p->in[2], *e = p->in[3];
    dnn_tensor *zero_slope = dnn_logical_and(dnn_eq(a, 0.0), dnn_ge(e, 0.0));

    p->out[0] = dnn_mul(dy, dnn_mul(y, dnn_log(dnn_masked_fill(a, zero_slope, 1.0))));
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

/* ---- maximum, minimum, fmax, fmin ---- */

/* The gradient of the maximum of a and b to a. */
static dnn_tensor *maximum_bwd(dnn_tensor *dy, dnn_tensor *a, dnn_tensor *b)
{
    return dnn__ternary(DNN_OP_maximum_bwd, dy, a, b);
}

/* The row is linear in dy and has slope 0 in a and b, so it is its own gradient. */
void dnn__maximum_bwd_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, maximum_bwd(g->dout[0], g->in[1], g->in[2]));
    }
}

void dnn__maximum_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, maximum_bwd(g->dout[0], g->in[0], g->in[1]));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, maximum_bwd(g->dout[0], g->in[1], g->in[0]));
    }
}

/* min(a, b) = -max(-a, -b), so the gradient is that of the maximum of -a and -b. */
void dnn__minimum_backward(dnn__grad *g)
{
    dnn_tensor *a = dnn_neg(g->in[0]), *b = dnn_neg(g->in[1]);

    if (g->wants[0]) {
        dnn__give(g, 0, maximum_bwd(g->dout[0], a, b));
    }
    if (g->wants[1]) {
        dnn__give(g, 1, maximum_bwd(g->dout[0], b, a));
    }
}

/* dy goes to the operand that is the result: to a where `first` holds or b is NaN, else to b. */
static void backward_to_one(dnn__grad *g, dnn_tensor *first)
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
    backward_to_one(g, dnn_ge(g->in[0], g->in[1]));
}

void dnn__fmin_backward(dnn__grad *g)
{
    backward_to_one(g, dnn_le(g->in[0], g->in[1]));
}

/* ---- floor_divide, remainder, fmod, atan2 ---- */

/* y = a - floor(a/b) b, and floor has slope 0. */
void dnn__remainder_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_neg(dnn_mul(g->dout[0], dnn_floor_divide(g->in[0], g->in[1]))));
    }
}

/* y = a - trunc(a/b) b, and trunc has slope 0. */
void dnn__fmod_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        dnn__give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_neg(dnn_mul(g->dout[0], dnn_trunc(dnn_div(g->in[0], g->in[1])))));
    }
}

/* y = atan2(a, b): da = dy b/(a^2 + b^2), db = -dy a/(a^2 + b^2). */
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
