/* elementwise.c - operators that work place by place, with broadcasting: arithmetic, comparisons,
 * functions, activations, where and clamp. Each is one call of dispatch; below it stands its
 * gradient rule, written in public operators. */
#include "ops_impl.h"
#include "rules.h"

/* ---- shape rules ---- */

/* The result has the first operand's dtype and the dims to which all operands broadcast. */
dnn_status dnn__elementwise_shape(dnn__sig *sig)
{
    dnn__desc *out = &sig->out[0];

    out->dtype = sig->in[0]->dtype;
    dnn__take_dims(out, sig->in[0]);
    for (int i = 1; i < sig->n_in; i++) {
        const dnn_tensor *x = sig->in[i];

        if (x != NULL) {
            DNN_TRY(dnn__broadcast(sig->op->name, out->ndim, out->dim, x->ndim, x->dim, &out->ndim,
                                   out->dim));
        }
    }
    return dnn__check_shape(sig->op->name, out->dtype, out->ndim, out->dim, NULL);
}

dnn_status dnn__compare_shape(dnn__sig *sig)
{
    DNN_TRY(dnn__elementwise_shape(sig));
    sig->out[0].dtype = DNN_T_BOOL;
    return DNN_OK;
}

dnn_status dnn__same_shape(dnn__sig *sig)
{
    sig->out[0].dtype = sig->in[0]->dtype;
    dnn__take_dims(&sig->out[0], sig->in[0]);
    return DNN_OK;
}

dnn_status dnn__bool_shape(dnn__sig *sig)
{
    sig->out[0].dtype = DNN_T_BOOL;
    dnn__take_dims(&sig->out[0], sig->in[0]);
    return DNN_OK;
}

dnn_status dnn__where_shape(dnn__sig *sig)
{
    if (sig->in[0]->dtype != DNN_T_BOOL) {
        return dnn__fail(DNN_E_INVALID, "%s: the condition is %s, not bool", sig->op->name,
                         dnn_dtype_name(sig->in[0]->dtype));
    }
    if (sig->in[1]->dtype != sig->in[2]->dtype) {
        return dnn__fail(DNN_E_INVALID, "%s: dtypes differ: a is %s, b is %s", sig->op->name,
                         dnn_dtype_name(sig->in[1]->dtype), dnn_dtype_name(sig->in[2]->dtype));
    }
    DNN_TRY(dnn__elementwise_shape(sig));
    sig->out[0].dtype = sig->in[1]->dtype;
    return DNN_OK;
}

/* ---- calls ---- */

static dnn_tensor *apply1(dnn__op_id op, dnn_tensor *x)
{
    return dnn__apply(op, &x, 1, NULL);
}

static dnn_tensor *apply2(dnn__op_id op, dnn_tensor *a, dnn_tensor *b)
{
    dnn_tensor *in[] = {a, b};

    return dnn__apply(op, in, 2, NULL);
}

static dnn_tensor *apply3(dnn__op_id op, dnn_tensor *a, dnn_tensor *b, dnn_tensor *c)
{
    dnn_tensor *in[] = {a, b, c};

    return dnn__apply(op, in, 3, NULL);
}

/* a op number; the other order where `first` says so. */
static dnn_tensor *apply_number(dnn__op_id op, dnn_tensor *a, double number, bool first)
{
    dnn_tensor *operand, *y;

    if (!dnn__ready(dnn__ops[op].name, a)) {
        return NULL;
    }
    operand = dnn__number(dnn__ops[op].name, number, a);
    if (operand == NULL) {
        return NULL;
    }
    y = first ? apply2(op, operand, a) : apply2(op, a, operand);
    dnn_release(operand);
    return y;
}

static dnn_tensor *apply1_(dnn__op_id op, dnn_tensor *x)
{
    return dnn__apply_to(op, x, &x, 1, NULL);
}

static dnn_tensor *apply2_(dnn__op_id op, dnn_tensor *a, dnn_tensor *b)
{
    dnn_tensor *in[] = {a, b};

    return dnn__apply_to(op, a, in, 2, NULL);
}

static dnn_tensor *apply_number_(dnn__op_id op, dnn_tensor *a, double number)
{
    dnn_tensor *operand, *y;

    if (!dnn__ready(dnn__ops[op].name, a)) {
        return NULL;
    }
    operand = dnn__number(dnn__ops[op].name, number, a);
    if (operand == NULL) {
        return NULL;
    }
    y = apply2_(op, a, operand);
    dnn_release(operand);
    return y;
}

/* ---- operators of one shape: public name, row ---- */

#define DEFINE_UNARY(name)                \
    dnn_tensor *dnn_##name(dnn_tensor *x) \
    {                                     \
        return apply1(DNN_OP_##name, x);  \
    }
#define DEFINE_UNARY_IN_PLACE(name)          \
    dnn_tensor *dnn_##name##_(dnn_tensor *x) \
    {                                        \
        return apply1_(DNN_OP_##name, x);    \
    }
#define DEFINE_BINARY(name)                              \
    dnn_tensor *dnn_##name(dnn_tensor *a, dnn_tensor *b) \
    {                                                    \
        return apply2(DNN_OP_##name, a, b);              \
    }
#define DEFINE_BINARY_IN_PLACE(name)                        \
    dnn_tensor *dnn_##name##_(dnn_tensor *a, dnn_tensor *b) \
    {                                                       \
        return apply2_(DNN_OP_##name, a, b);                \
    }
#define DEFINE_SCALAR(name)                                  \
    dnn_tensor *dnn_##name##_scalar(dnn_tensor *a, double b) \
    {                                                        \
        return apply_number(DNN_OP_##name, a, b, false);     \
    }

/* Every plain line of a family of the table has a public function. */
#define DNN_OP(...)
#define UNARY_FLOAT(name, ...) DEFINE_UNARY(name)
#define UNARY_NUMBER(name, ...) DEFINE_UNARY(name)
#define UNARY_FLOAT_STEP(name, ...) DEFINE_UNARY(name)
#define UNARY_NUMBER_STEP(name, ...) DEFINE_UNARY(name)
#define TEST(name, ...) DEFINE_UNARY(name)
#define BINARY_FLOAT(name, ...) DEFINE_BINARY(name)
#define BINARY_NUMBER(name, ...) DEFINE_BINARY(name)
#define BINARY_ANY(name, ...) DEFINE_BINARY(name)
#define COMPARE(name, ...) DEFINE_BINARY(name)
#include "families/unary.def"
#include "families/binary.def"
#include "families/compare.def"
#undef DNN_OP
#undef UNARY_FLOAT
#undef UNARY_NUMBER
#undef UNARY_FLOAT_STEP
#undef UNARY_NUMBER_STEP
#undef TEST
#undef BINARY_FLOAT
#undef BINARY_NUMBER
#undef BINARY_ANY
#undef COMPARE
DEFINE_SCALAR(add)
DEFINE_SCALAR(sub)
DEFINE_SCALAR(mul)
DEFINE_SCALAR(div)
DEFINE_SCALAR(eq)
DEFINE_SCALAR(ne)
DEFINE_SCALAR(lt)
DEFINE_SCALAR(le)
DEFINE_SCALAR(gt)
DEFINE_SCALAR(ge)
DEFINE_BINARY_IN_PLACE(add)
DEFINE_BINARY_IN_PLACE(sub)
DEFINE_BINARY_IN_PLACE(mul)
DEFINE_BINARY_IN_PLACE(div)

/* Rows that are no plain line of their family stand here by name. */
DEFINE_UNARY(square)
DEFINE_UNARY(softsign)
DEFINE_UNARY(relu)
DEFINE_UNARY(silu)
DEFINE_UNARY(logical_not)
DEFINE_BINARY(floor_divide)
DEFINE_UNARY_IN_PLACE(neg)
DEFINE_UNARY_IN_PLACE(relu)
DEFINE_UNARY_IN_PLACE(sigmoid)
DEFINE_UNARY_IN_PLACE(tanh)
DEFINE_UNARY_IN_PLACE(exp)
DEFINE_UNARY_IN_PLACE(sqrt)

dnn_tensor *dnn_rsub(dnn_tensor *a, double b)
{
    return apply_number(DNN_OP_sub, a, b, true);
}

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
    return apply_number(DNN_OP_pow, a, b, false);
}

dnn_tensor *dnn_add_scalar_(dnn_tensor *a, double b)
{
    return apply_number_(DNN_OP_add, a, b);
}

dnn_tensor *dnn_mul_scalar_(dnn_tensor *a, double b)
{
    return apply_number_(DNN_OP_mul, a, b);
}

/* x - trunc(x): the second term has no slope, so the gradient is 1. */
dnn_tensor *dnn_frac(dnn_tensor *x)
{
    dnn_tensor *whole, *y;

    if (!dnn__ready("frac", x)) {
        return NULL;
    }
    whole = dnn_trunc(x);
    y = dnn_sub(x, whole);
    dnn_release(whole);
    return y;
}

/* ---- activations with options ---- */

dnn_tensor *dnn_leaky_relu_with(dnn_activation_args args)
{
    const dnn_attr_alpha attr = {.size = sizeof attr, .alpha = dnn__option(args.slope, 0.01)};

    return dnn__apply(DNN_OP_leaky_relu, &args.x, 1, &attr);
}

dnn_tensor *dnn_elu_with(dnn_activation_args args)
{
    const dnn_attr_alpha attr = {.size = sizeof attr, .alpha = dnn__option(args.alpha, 1.0)};

    return dnn__apply(DNN_OP_elu, &args.x, 1, &attr);
}

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

dnn_tensor *dnn_gelu_with(dnn_activation_args args)
{
    const dnn_attr_gelu attr = {.size = sizeof attr, .tanh = args.tanh};

    return dnn__apply(DNN_OP_gelu, &args.x, 1, &attr);
}

/* ---- clamp, where ---- */

dnn_tensor *dnn_clamp(dnn_tensor *x, dnn_tensor *low, dnn_tensor *high)
{
    if (!dnn__ready("clamp", x)) {
        return NULL;
    }
    if (low == NULL && high == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "clamp: low and high are both NULL"));
    }
    return apply3(DNN_OP_clamp, x, low, high);
}

dnn_tensor *dnn_clamp_scalar(dnn_tensor *x, double low, double high)
{
    bool has_low = low != -INFINITY, has_high = high != INFINITY;
    dnn_tensor *least, *most, *y;

    if (!dnn__ready("clamp", x)) {
        return NULL;
    }
    if (!has_low && !has_high) {
        return dnn_clone(x);
    }
    least = has_low ? dnn__number("clamp", low, x) : NULL;
    most = has_high ? dnn__number("clamp", high, x) : NULL;
    y = dnn__waiting() == DNN_OK ? apply3(DNN_OP_clamp, x, least, most) : NULL;
    dnn_release(least);
    dnn_release(most);
    return y;
}

/* The row wants a and b of one dtype, but its condition bool: so the promotion is made here. */
dnn_tensor *dnn_where(dnn_tensor *condition, dnn_tensor *a, dnn_tensor *b)
{
    dnn_dtype meet;
    dnn_tensor *x, *y, *z;

    if (!dnn__ready("where", condition) || !dnn__ready("where", a) || !dnn__ready("where", b)) {
        return NULL;
    }
    meet = dnn__promote(a->dtype, a->ndim == 0, b->dtype, b->ndim == 0);
    x = dnn_cast(a, meet);
    y = dnn_cast(b, meet);
    z = dnn__waiting() == DNN_OK ? apply3(DNN_OP_where, condition, x, y) : NULL;
    if (x != a) {
        dnn_release(x);
    }
    if (y != b) {
        dnn_release(y);
    }
    return z;
}

dnn_tensor *dnn_masked_fill(dnn_tensor *x, dnn_tensor *mask, double value)
{
    dnn_tensor *number, *y;

    if (!dnn__ready("masked_fill", x) || !dnn__ready("masked_fill", mask)) {
        return NULL;
    }
    number = dnn__number("masked_fill", value, x);
    if (number == NULL) {
        return NULL;
    }
    y = apply3(DNN_OP_where, mask, number, x);
    dnn_release(number);
    return y;
}

/* ---- gradients: helpers ---- */

/* Leaves dy, summed back over stretched axes, as the gradient of input i. */
static void give(dnn__grad *g, int i, dnn_tensor *dx)
{
    g->din[i] = dnn__sum_to_desc(dx, &g->in_desc[i]);
}

/* Zero everywhere: what is left NULL is zero. */
void dnn__zero_backward(dnn__grad *g)
{
    (void)g;
}

/* ---- gradients of arithmetic ---- */

void dnn__add_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        give(g, 1, g->dout[0]);
    }
}

void dnn__sub_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        give(g, 1, dnn_neg(g->dout[0]));
    }
}

void dnn__mul_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        give(g, 0, dnn_mul(g->dout[0], g->in[1]));
    }
    if (g->wants[1]) {
        give(g, 1, dnn_mul(g->dout[0], g->in[0]));
    }
}

/* y = a/b: da = dy/b, db = -dy (a/b)/b. */
void dnn__div_backward(dnn__grad *g)
{
    dnn_tensor *a = g->in[0], *b = g->in[1], *dy = g->dout[0];

    if (g->wants[0]) {
        give(g, 0, dnn_div(dy, b));
    }
    if (g->wants[1]) {
        give(g, 1, dnn_neg(dnn_mul(dy, dnn_div(dnn_div(a, b), b))));
    }
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

/* de = dy y log(a), and 0 where a = 0 and e >= 0. The row has no gradient of its own: what is to be
 * differentiated again is composed, with log(1) = 0 in those places. */
static dnn_tensor *pow_exponent(dnn_tensor *dy, dnn_tensor *a, dnn_tensor *y, dnn_tensor *e)
{
    dnn_tensor *in[] = {dy, a, y, e};
    dnn_tensor *flat;

    if (!dnn_grad_enabled()) {
        return dnn__apply(DNN_OP_pow_bwd_exponent, in, 4, NULL);
    }
    flat = dnn_logical_and(dnn_eq_scalar(a, 0.0), dnn_ge_scalar(e, 0.0));
    return dnn_mul(dy, dnn_mul(y, dnn_log(dnn_masked_fill(a, flat, 1.0))));
}

void dnn__pow_backward(dnn__grad *g)
{
    dnn_tensor *a = g->in[0], *e = g->in[1], *dy = g->dout[0];

    if (g->wants[0]) {
        give(g, 0, pow_base(dy, a, e));
    }
    if (g->wants[1]) {
        give(g, 1, pow_exponent(dy, a, g->out[0], e));
    }
}

/* ---- gradients of the larger and the smaller ---- */

static dnn_tensor *share(dnn_tensor *dy, dnn_tensor *mine, dnn_tensor *other)
{
    return apply3(DNN_OP_maximum_bwd, dy, mine, other);
}

/* The row is linear in dy, so the gradient of the gradient is the row itself; the rest has no
 * slope.
 */
void dnn__maximum_bwd_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        give(g, 0, share(g->dout[0], g->in[1], g->in[2]));
    }
}

void dnn__maximum_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        give(g, 0, share(g->dout[0], g->in[0], g->in[1]));
    }
    if (g->wants[1]) {
        give(g, 1, share(g->dout[0], g->in[1], g->in[0]));
    }
}

/* min(a, b) = -max(-a, -b). */
void dnn__minimum_backward(dnn__grad *g)
{
    dnn_tensor *a = dnn_neg(g->in[0]), *b = dnn_neg(g->in[1]);

    if (g->wants[0]) {
        give(g, 0, share(g->dout[0], a, b));
    }
    if (g->wants[1]) {
        give(g, 1, share(g->dout[0], b, a));
    }
}

/* The whole gradient goes to the argument that was taken: to a where `first` holds, or where b is
 * NaN. */
static void give_one(dnn__grad *g, dnn_tensor *first)
{
    dnn_tensor *to_a = dnn_logical_or(first, dnn_isnan(g->in[1]));

    if (g->wants[0]) {
        give(g, 0, dnn_masked_fill(g->dout[0], dnn_logical_not(to_a), 0.0));
    }
    if (g->wants[1]) {
        give(g, 1, dnn_masked_fill(g->dout[0], to_a, 0.0));
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

/* ---- gradients of quotients with a rest, and of angles ---- */

/* remainder: a - floor(a/b) b; floor has no slope. */
void dnn__remainder_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        give(g, 1, dnn_neg(dnn_mul(g->dout[0], dnn_floor_divide(g->in[0], g->in[1]))));
    }
}

/* fmod: a - trunc(a/b) b. */
void dnn__fmod_backward(dnn__grad *g)
{
    if (g->wants[0]) {
        give(g, 0, g->dout[0]);
    }
    if (g->wants[1]) {
        give(g, 1, dnn_neg(dnn_mul(g->dout[0], dnn_trunc(dnn_div(g->in[0], g->in[1])))));
    }
}

/* atan2(a, b): da = dy b/(a^2 + b^2), db = -dy a/(a^2 + b^2). */
void dnn__atan2_backward(dnn__grad *g)
{
    dnn_tensor *a = g->in[0], *b = g->in[1];
    dnn_tensor *scaled = dnn_div(g->dout[0], dnn_add(dnn_square(a), dnn_square(b)));

    if (g->wants[0]) {
        give(g, 0, dnn_mul(scaled, b));
    }
    if (g->wants[1]) {
        give(g, 1, dnn_neg(dnn_mul(scaled, a)));
    }
}

/* ---- gradients of choices ---- */

/* The bounds get it where they were taken: high where max(x, low) > high, else low where x < low.
 */
static void clamp_bounds(dnn__grad *g)
{
    dnn_tensor *x = g->in[0], *low = g->in[1], *high = g->in[2], *dy = g->dout[0];
    dnn_tensor *to_low = low != NULL ? dnn_lt(x, low) : NULL;
    dnn_tensor *to_high = high != NULL ? dnn_gt(x, high) : NULL;

    if (low != NULL && high != NULL) {
        dnn_tensor *crossed = dnn_gt(low, high);

        to_low = dnn_logical_and(to_low, dnn_logical_not(crossed));
        to_high = dnn_logical_or(to_high, crossed);
    }
    if (g->wants[1]) {
        give(g, 1, dnn_masked_fill(dy, dnn_logical_not(to_low), 0.0));
    }
    if (g->wants[2]) {
        give(g, 2, dnn_masked_fill(dy, dnn_logical_not(to_high), 0.0));
    }
}

void dnn__clamp_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->in[0], g->in[1], g->in[2]};

    if (g->wants[0]) {
        give(g, 0, dnn__apply(DNN_OP_clamp_bwd, in, 4, NULL));
    }
    if (g->wants[1] || g->wants[2]) {
        clamp_bounds(g);
    }
}

void dnn__clamp_bwd_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->in[1], g->in[2], g->in[3]};

    if (g->wants[0]) {
        give(g, 0, dnn__apply(DNN_OP_clamp_bwd, in, 4, NULL));
    }
}

void dnn__where_backward(dnn__grad *g)
{
    if (g->wants[1]) {
        give(g, 1, dnn_masked_fill(g->dout[0], dnn_logical_not(g->in[0]), 0.0));
    }
    if (g->wants[2]) {
        give(g, 2, dnn_masked_fill(g->dout[0], g->in[0], 0.0));
    }
}

/* ---- gradients of functions of one input ----
 * dx = dy times a slope, written in x or in y, whichever the table's row keeps. */

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
static dnn_tensor *one_less_square(dnn_tensor *x)
{
    return dnn_rsub(dnn_square(x), 1.0);
}

/* exp(-x^2) 2/sqrt(pi) */
static dnn_tensor *bell(dnn_tensor *x)
{
    return dnn_mul_scalar(dnn_exp(dnn_neg(dnn_square(x))), 2.0 / sqrt_pi);
}

DEFINE_SLOPE_OF_X(abs, dnn_sign(x)) /* 0 at 0 */
DEFINE_SLOPE_OF_X(square, dnn_mul_scalar(x, 2.0))
DEFINE_SLOPE_OF_X(sin, dnn_cos(x))
DEFINE_SLOPE_OF_X(cos, dnn_neg(dnn_sin(x)))
DEFINE_SLOPE_OF_X(asin, dnn_rsqrt(one_less_square(x)))
DEFINE_SLOPE_OF_X(acos, dnn_neg(dnn_rsqrt(one_less_square(x))))
DEFINE_SLOPE_OF_X(sinh, dnn_cosh(x))
DEFINE_SLOPE_OF_X(cosh, dnn_sinh(x))
DEFINE_SLOPE_OF_X(softsign, dnn_square(dnn_reciprocal(dnn_add_scalar(dnn_abs(x), 1.0))))
DEFINE_SLOPE_OF_X(erf, bell(x))
DEFINE_SLOPE_OF_X(erfc, dnn_neg(bell(x)))
DEFINE_SLOPE_OF_Y(reciprocal, dnn_neg(dnn_square(y)))
DEFINE_SLOPE_OF_Y(rsqrt, dnn_mul_scalar(dnn_mul(dnn_square(y), y), -0.5))
DEFINE_SLOPE_OF_Y(exp, y)
DEFINE_SLOPE_OF_Y(exp2, dnn_mul_scalar(y, ln_2))
DEFINE_SLOPE_OF_Y(expm1, dnn_add_scalar(y, 1.0))
DEFINE_SLOPE_OF_Y(tan, dnn_add_scalar(dnn_square(y), 1.0))
DEFINE_SLOPE_OF_Y(tanh, one_less_square(y))
DEFINE_SLOPE_OF_Y(sigmoid, dnn_mul(y, dnn_rsub(y, 1.0)))

void dnn__neg_backward(dnn__grad *g)
{
    g->din[0] = dnn_neg(g->dout[0]);
}

/* dy/(2y): infinite at 0, as in PyTorch. */
void dnn__sqrt_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_mul_scalar(g->out[0], 2.0));
}

void dnn__log_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], g->in[0]);
}

void dnn__log2_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_mul_scalar(g->in[0], ln_2));
}

void dnn__log10_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_mul_scalar(g->in[0], ln_10));
}

void dnn__log1p_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_add_scalar(g->in[0], 1.0));
}

void dnn__atan_backward(dnn__grad *g)
{
    g->din[0] = dnn_div(g->dout[0], dnn_add_scalar(dnn_square(g->in[0]), 1.0));
}

/* ---- gradients that are operators ----
 * Those that are linear in dy and have no slope in what is kept are their own gradients. The others
 * have none: what is to be differentiated again is composed. */

static dnn_tensor *fused(dnn__op_id op, dnn_tensor *dy, dnn_tensor *kept, const void *attr)
{
    dnn_tensor *in[] = {dy, kept};

    return dnn__apply(op, in, 2, attr);
}

static void again(dnn__grad *g)
{
    if (g->wants[0]) {
        give(g, 0, fused((dnn__op_id)g->op->id, g->dout[0], g->in[1], g->attr));
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

void dnn__leaky_relu_backward(dnn__grad *g)
{
    g->din[0] = fused(DNN_OP_leaky_relu_bwd, g->dout[0], g->in[0], g->attr);
}

void dnn__leaky_relu_bwd_backward(dnn__grad *g)
{
    again(g);
}

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

/* y = x P(x): P + x P', with P the normal distribution or (1 + tanh(k (x + c x^3)))/2. */
static dnn_tensor *gelu_slope(dnn_tensor *x, bool by_tanh)
{
    const double k = 0.79788456080286535588, c = 0.044715, root_half = 0.70710678118654752440;
    dnn_tensor *square = dnn_square(x), *p, *slope;

    if (by_tanh) {
        dnn_tensor *u = dnn_mul(x, dnn_add_scalar(dnn_mul_scalar(square, c), 1.0));
        dnn_tensor *t = dnn_tanh(dnn_mul_scalar(u, k));

        p = dnn_mul_scalar(dnn_add_scalar(t, 1.0), 0.5);
        slope = dnn_mul(one_less_square(t),
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
