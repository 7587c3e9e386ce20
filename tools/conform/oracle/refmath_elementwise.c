/* refmath_elementwise.c - the elementwise operators of the oracle: one expression per row. Operands
 * have the dims of the result. It shares no code with a kernel. */
#include "refmath.h"
#include <math.h>
#include <stddef.h>

static const double root_half = 0.70710678118654752440;      /* sqrt(1/2) */
static const double root_2_over_pi = 0.79788456080286535588; /* sqrt(2/pi) */

/* ---- one input ---- */

/* Rows for floating numbers; x is the element, the attributes are in c->attr. */
#define UNARY(name, expression)                      \
    void ref_##name(const ref_call *c)               \
    {                                                \
        for (int64_t k = 0; k < c->out[0]->n; k++) { \
            double x = c->in[0]->f[k];               \
                                                     \
            c->out[0]->f[k] = (expression);          \
        }                                            \
    }

/* Rows for all numbers; n is the integer element, and the result wraps. */
#define UNARY_NUMBER(name, expression, integer)          \
    void ref_##name(const ref_call *c)                   \
    {                                                    \
        ref_array *y = c->out[0];                        \
                                                         \
        for (int64_t k = 0; k < y->n; k++) {             \
            if (y->f != NULL) {                          \
                double x = c->in[0]->f[k];               \
                                                         \
                y->f[k] = (expression);                  \
            } else {                                     \
                int64_t n = c->in[0]->i[k];              \
                                                         \
                y->i[k] = ref_wrap(y->dtype, (integer)); \
            }                                            \
        }                                                \
    }

static int64_t negated(int64_t n)
{
    return (int64_t)(0 - (uint64_t)n);
}

static int64_t product(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x))
                  : exp(x) / (1 + exp(x)); /* a NaN takes this branch and stays NaN */
}

static double gelu(double x, bool by_tanh)
{
    if (by_tanh)
        return 0.5 * x * (1 + tanh(root_2_over_pi * (x + 0.044715 * x * x * x)));
    return 0.5 * x * erfc(-x * root_half); /* 1 + erf(z) = erfc(-z), which does not cancel */
}

static double gelu_slope(double x, bool by_tanh)
{
    double t, inner;

    if (!by_tanh)
        return 0.5 * erfc(-x * root_half) + x * exp(-0.5 * x * x) * 0.5 * root_2_over_pi;
    t = tanh(root_2_over_pi * (x + 0.044715 * x * x * x));
    inner = root_2_over_pi * (1 + 3 * 0.044715 * x * x);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner;
}

#define ALPHA (((const dnn_attr_alpha *)c->attr)->alpha)
#define BETA (((const dnn_attr_softplus *)c->attr)->beta)
#define THRESHOLD (((const dnn_attr_softplus *)c->attr)->threshold)
#define BY_TANH (((const dnn_attr_gelu *)c->attr)->tanh != 0)

UNARY_NUMBER(neg, -x, negated(n))
UNARY_NUMBER(abs, fabs(x), n < 0 ? negated(n) : n)
UNARY_NUMBER(sign, x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0, n > 0 ? 1 : n < 0 ? -1 : 0)
UNARY_NUMBER(square, x *x, product(n, n))
UNARY_NUMBER(relu, x < 0 ? 0 : x, n < 0 ? 0 : n)
UNARY(floor, floor(x))
UNARY(ceil, ceil(x))
UNARY(round, rint(x))
UNARY(trunc, trunc(x))
UNARY(reciprocal, 1 / x)
UNARY(sqrt, sqrt(x))
UNARY(rsqrt, 1 / sqrt(x))
UNARY(exp, exp(x))
UNARY(exp2, exp2(x))
UNARY(expm1, expm1(x))
UNARY(log, log(x))
UNARY(log2, log2(x))
UNARY(log10, log10(x))
UNARY(log1p, log1p(x))
UNARY(sin, sin(x))
UNARY(cos, cos(x))
UNARY(tan, tan(x))
UNARY(asin, asin(x))
UNARY(acos, acos(x))
UNARY(atan, atan(x))
UNARY(sinh, sinh(x))
UNARY(cosh, cosh(x))
UNARY(tanh, tanh(x))
UNARY(erf, erf(x))
UNARY(erfc, erfc(x))
UNARY(softsign, x / (1 + fabs(x)))
UNARY(sigmoid, sigmoid(x))
UNARY(silu, x *sigmoid(x))
UNARY(gelu, gelu(x, BY_TANH))
UNARY(leaky_relu, x > 0 ? x : x * ALPHA)
UNARY(elu, x > 0 ? x : ALPHA * expm1(x))
UNARY(softplus, BETA *x > THRESHOLD ? x : log1p(exp(BETA * x)) / BETA)

#define TEST(name, expression)                       \
    void ref_##name(const ref_call *c)               \
    {                                                \
        for (int64_t k = 0; k < c->out[0]->n; k++) { \
            double x = ref_get(c->in[0], k);         \
                                                     \
            c->out[0]->i[k] = (expression);          \
        }                                            \
    }

TEST(isnan, isnan(x) != 0)
TEST(isinf, isinf(x) != 0)
TEST(isfinite, isfinite(x) != 0)
TEST(logical_not, x == 0)

/* ---- gradients that have rows: dy first ---- */

#define BACKWARD(name, expression)                          \
    void ref_##name(const ref_call *c)                      \
    {                                                       \
        for (int64_t k = 0; k < c->out[0]->n; k++) {        \
            double dy = c->in[0]->f[k], x = c->in[1]->f[k]; \
                                                            \
            c->out[0]->f[k] = (expression);                 \
        }                                                   \
    }

BACKWARD(relu_bwd, x > 0 || isnan(x) ? dy : 0)
BACKWARD(silu_bwd, dy *sigmoid(x) * (1 + x * sigmoid(-x)))
BACKWARD(gelu_bwd, dy *gelu_slope(x, BY_TANH))
BACKWARD(leaky_relu_bwd, x > 0 ? dy : dy * ALPHA)
BACKWARD(elu_bwd, x > 0 ? dy : dy * ALPHA * exp(x))
BACKWARD(softplus_bwd, BETA *x > THRESHOLD ? dy : dy * sigmoid(BETA * x))

void ref_pow_bwd_exponent(const ref_call *c)
{
    for (int64_t k = 0; k < c->out[0]->n; k++) {
        double dy = c->in[0]->f[k], x = c->in[1]->f[k], y = c->in[2]->f[k], e = c->in[3]->f[k];

        c->out[0]->f[k] = x == 0 && e >= 0 ? 0 : dy * y * log(x);
    }
}

void ref_maximum_bwd(const ref_call *c)
{
    for (int64_t k = 0; k < c->out[0]->n; k++) {
        double dy = c->in[0]->f[k], a = c->in[1]->f[k], b = c->in[2]->f[k];

        c->out[0]->f[k] = a > b || isnan(a) ? dy : a == b ? dy / 2 : 0;
    }
}

void ref_clamp_bwd(const ref_call *c)
{
    for (int64_t k = 0; k < c->out[0]->n; k++) {
        double x = c->in[1]->f[k];
        bool inside = !isnan(x);

        if (c->in[2] != NULL)
            inside = inside && c->in[2]->f[k] <= x;
        if (c->in[3] != NULL)
            inside = inside && x <= c->in[3]->f[k];
        c->out[0]->f[k] = inside ? c->in[0]->f[k] : 0;
    }
}

/* ---- two inputs ---- */

#define BINARY(name, expression)                           \
    void ref_##name(const ref_call *c)                     \
    {                                                      \
        for (int64_t k = 0; k < c->out[0]->n; k++) {       \
            double a = c->in[0]->f[k], b = c->in[1]->f[k]; \
                                                           \
            c->out[0]->f[k] = (expression);                \
        }                                                  \
    }

#define BINARY_NUMBER(name, expression, integer)                \
    void ref_##name(const ref_call *c)                          \
    {                                                           \
        ref_array *y = c->out[0];                               \
                                                                \
        for (int64_t k = 0; k < y->n; k++) {                    \
            if (y->f != NULL) {                                 \
                double a = c->in[0]->f[k], b = c->in[1]->f[k];  \
                                                                \
                y->f[k] = (expression);                         \
            } else {                                            \
                int64_t m = c->in[0]->i[k], n = c->in[1]->i[k]; \
                                                                \
                y->i[k] = ref_wrap(y->dtype, (integer));        \
            }                                                   \
        }                                                       \
    }

static int64_t integer_power(int64_t base, int64_t exponent)
{
    int64_t result = 1;

    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = product(result, base);
        base = product(base, base);
    }
    return result;
}

static double remainder_of(double a, double b)
{
    double m = fmod(a, b);

    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

static double floor_quotient(double a, double b)
{
    double m, q;

    if (b == 0)
        return a / b;
    m = fmod(a, b);
    q = (a - m) / b;
    if (m != 0 && (m < 0) != (b < 0))
        q -= 1;
    return rint(q); /* q is whole except for rounding; NaN stays NaN */
}

static int64_t integer_fmod(int64_t m, int64_t n)
{
    return n == -1 ? 0 : m % n;
}

static int64_t integer_remainder(int64_t m, int64_t n)
{
    int64_t r = integer_fmod(m, n);

    return r != 0 && (r < 0) != (n < 0) ? r + n : r;
}

static int64_t integer_floor_quotient(int64_t m, int64_t n)
{
    if (n == -1)
        return negated(m);
    return m / n - (m % n != 0 && (m < 0) != (n < 0) ? 1 : 0);
}

static double nan_max(double a, double b)
{
    return isnan(a) ? a : isnan(b) ? b : a > b ? a : b;
}

static double nan_min(double a, double b)
{
    return isnan(a) ? a : isnan(b) ? b : a < b ? a : b;
}

BINARY_NUMBER(add, a + b, y->dtype == DNN_T_BOOL ? (m | n) : (int64_t)((uint64_t)m + (uint64_t)n))
BINARY_NUMBER(sub, a - b, (int64_t)((uint64_t)m - (uint64_t)n))
BINARY_NUMBER(mul, a *b, product(m, n))
BINARY(div, a / b)
BINARY_NUMBER(pow, pow(a, b), integer_power(m, n))
BINARY_NUMBER(maximum, nan_max(a, b), m > n ? m : n)
BINARY_NUMBER(minimum, nan_min(a, b), m < n ? m : n)
BINARY_NUMBER(fmax, fmax(a, b), m > n ? m : n)
BINARY_NUMBER(fmin, fmin(a, b), m < n ? m : n)
BINARY(atan2, atan2(a, b))
BINARY_NUMBER(remainder, remainder_of(a, b), integer_remainder(m, n))
BINARY_NUMBER(fmod, fmod(a, b), integer_fmod(m, n))
BINARY_NUMBER(floor_divide, floor_quotient(a, b), integer_floor_quotient(m, n))

/* Integers are compared as integers, because i64 has more digits than double. */
#define COMPARE(name, operation)                                                      \
    void ref_##name(const ref_call *c)                                                \
    {                                                                                 \
        const ref_array *a = c->in[0], *b = c->in[1];                                 \
                                                                                      \
        for (int64_t k = 0; k < c->out[0]->n; k++)                                    \
            c->out[0]->i[k] =                                                         \
                a->f != NULL ? a->f[k] operation b->f[k] : a->i[k] operation b->i[k]; \
    }

COMPARE(eq, ==)
COMPARE(ne, !=)
COMPARE(lt, <)
COMPARE(le, <=)
COMPARE(gt, >)
COMPARE(ge, >=)

#define LOGIC(name, operation)                                                                  \
    void ref_##name(const ref_call *c)                                                          \
    {                                                                                           \
        for (int64_t k = 0; k < c->out[0]->n; k++)                                              \
            c->out[0]->i[k] = (ref_get(c->in[0], k) != 0) operation(ref_get(c->in[1], k) != 0); \
    }

LOGIC(logical_and, &&)
LOGIC(logical_or, ||)
LOGIC(logical_xor, !=)

/* ---- three inputs ---- */

void ref_where(const ref_call *c)
{
    for (int64_t k = 0; k < c->out[0]->n; k++)
        ref_move(c->out[0], k, c->in[0]->i[k] != 0 ? c->in[1] : c->in[2], k);
}

static double clamp(double x, const ref_array *low, const ref_array *high, int64_t k)
{
    if (low != NULL)
        x = isnan(low->f[k]) || isnan(x) ? NAN : x < low->f[k] ? low->f[k] : x;
    if (high != NULL)
        x = isnan(high->f[k]) || isnan(x) ? NAN : x > high->f[k] ? high->f[k] : x;
    return x;
}

void ref_clamp(const ref_call *c)
{
    const ref_array *x = c->in[0], *low = c->in[1], *high = c->in[2];
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++) {
        if (y->f != NULL) {
            y->f[k] = clamp(x->f[k], low, high, k);
            continue;
        }
        y->i[k] = x->i[k];
        if (low != NULL && y->i[k] < low->i[k])
            y->i[k] = low->i[k];
        if (high != NULL && y->i[k] > high->i[k])
            y->i[k] = high->i[k];
    }
}
