/* elementwise.c - operators of one input, the activations, and their gradients. Called through the
 * kernel table; iterate.c loops over strides. Each result element depends on one element of each
 * input. */
#include "loops.h"
#include <math.h>
#include <tgmath.h>

/* ---- one input, no attributes ---- */

/* X(operator, expression in a, of type T). The functions are type-generic: f32 is computed in f32.
 */
#define FLOAT_OPS(X)               \
    X(floor, floor(a))             \
    X(ceil, ceil(a))               \
    X(round, rint(a))              \
    X(trunc, trunc(a))             \
    X(reciprocal, 1 / a)           \
    X(sqrt, sqrt(a))               \
    X(rsqrt, 1 / sqrt(a))          \
    X(exp, exp(a))                 \
    X(exp2, exp2(a))               \
    X(expm1, expm1(a))             \
    X(log, log(a))                 \
    X(log2, log2(a))               \
    X(log10, log10(a))             \
    X(log1p, log1p(a))             \
    X(sin, sin(a))                 \
    X(cos, cos(a))                 \
    X(tan, tan(a))                 \
    X(asin, asin(a))               \
    X(acos, acos(a))               \
    X(atan, atan(a))               \
    X(sinh, sinh(a))               \
    X(cosh, cosh(a))               \
    X(tanh, tanh(a))               \
    X(erf, erf(a))                 \
    X(erfc, erfc(a))               \
    X(softsign, a / (1 + fabs(a))) \
    X(sigmoid, SIGMOID(a))         \
    X(silu, a *SIGMOID(a))

/* X(operator, floats, signed integers, u8). */
#define NUMBER_OPS(X)                                                     \
    X(neg, -a, 0 - CPU_WIDE(a), 0 - CPU_WIDE(a))                          \
    X(abs, fabs(a), a < 0 ? 0 - CPU_WIDE(a) : CPU_WIDE(a), a)             \
    X(sign, (a > 0) - (a < 0), (a > 0) - (a < 0), a > 0)                  \
    X(square, a *a, CPU_WIDE(a) * CPU_WIDE(a), CPU_WIDE(a) * CPU_WIDE(a)) \
    X(relu, a < 0 ? 0 : a, a < 0 ? 0 : a, a)

static inline float sigmoid_of_f32(float x)
{
    float e = expf(-fabsf(x)); /* at most 1, so it cannot overflow */

    return (x >= 0 ? 1 : e) / (1 + e);
}

static inline double sigmoid_of_f64(double x)
{
    double e = exp(-fabs(x));

    return (x >= 0 ? 1 : e) / (1 + e);
}

#define SIGMOID(x) _Generic((x), float : sigmoid_of_f32, double : sigmoid_of_f64)(x)

#define DEFINE_FLOAT_OP(op, EXPRESSION)             \
    CPU_UNARY(op##_f32, float, float, EXPRESSION)   \
    CPU_UNARY(op##_f64, double, double, EXPRESSION) \
    CPU_RUN(op, 0, CPU_LOOPS_F(op))
FLOAT_OPS(DEFINE_FLOAT_OP)

#define DEFINE_NUMBER_OP(op, FLOAT, SIGNED, UNSIGNED) \
    CPU_UNARY(op##_f32, float, float, FLOAT)          \
    CPU_UNARY(op##_f64, double, double, FLOAT)        \
    CPU_UNARY(op##_i8, int8_t, int8_t, SIGNED)        \
    CPU_UNARY(op##_i32, int32_t, int32_t, SIGNED)     \
    CPU_UNARY(op##_i64, int64_t, int64_t, SIGNED)     \
    CPU_UNARY(op##_u8, uint8_t, uint8_t, UNSIGNED)    \
    CPU_RUN(op, 0, CPU_LOOPS_N(op))
NUMBER_OPS(DEFINE_NUMBER_OP)

/* ---- with attributes ----
 * The attributes are rounded to the dtype once; they are k[0] and k[1] in the expressions. */

#define SQRT1_2 0.70710678118654752440   /* sqrt(1/2) */
#define RSQRT_2PI 0.39894228040143267794 /* 1/sqrt(2 pi): the height of the normal density */
#define SQRT2_PI 0.79788456080286535588  /* sqrt(2/pi), of gelu's tanh form */
#define CUBIC 0.044715                   /* of gelu's tanh form */

#define DEFINE_NORMAL(word, T)                                                              \
    static inline T gelu_##word(T x)                                                        \
    {                                                                                       \
        return x / 2 * erfc(-x * (T)SQRT1_2); /* 1 + erf(z) would cancel */                 \
    }                                                                                       \
    static inline T gelu_slope_##word(T x)                                                  \
    {                                                                                       \
        T density = (T)RSQRT_2PI * exp(-x * x / 2);                                         \
                                                                                            \
        return erfc(-x * (T)SQRT1_2) / 2 + x * density;                                     \
    }                                                                                       \
    static inline T gelu_tanh_##word(T x)                                                   \
    {                                                                                       \
        return x / 2 * (1 + tanh((T)SQRT2_PI * (x + (T)CUBIC * x * x * x)));                \
    }                                                                                       \
    static inline T gelu_tanh_slope_##word(T x)                                             \
    {                                                                                       \
        T t = tanh((T)SQRT2_PI * (x + (T)CUBIC * x * x * x));                               \
        T inner = (T)SQRT2_PI * (1 + 3 * (T)CUBIC * x * x);                                 \
                                                                                            \
        /* If t is 1, the slope of tanh is 0 whatever `inner` overflows to. At infinity the \
         * result is NaN. */                                                                \
        return (1 + t) / 2 + (t * t < 1 || isinf(x) ? x / 2 * (1 - t * t) * inner : t * 0); \
    }                                                                                       \
    static inline T silu_slope_##word(T x)                                                  \
    {                                                                                       \
        T s = SIGMOID(x);                                                                   \
                                                                                            \
        return s * (1 + x * (1 - s));                                                       \
    }                                                                                       \
    CPU_UNARY(gelu_erf_loop_##word, T, T, gelu_##word(a))                                   \
    CPU_UNARY(gelu_tanh_loop_##word, T, T, gelu_tanh_##word(a))                             \
    CPU_UNARY(leaky_relu_##word, T, T, a > 0 ? a : a * k[0])                                \
    CPU_UNARY(elu_##word, T, T, a > 0 ? a : k[0] * expm1(a))                                \
    CPU_UNARY(softplus_##word, T, T, a *k[0] > k[1] ? a : log1p(exp(a * k[0])) / k[0])      \
    CPU_BINARY(gelu_bwd_erf_loop_##word, T, T, a *gelu_slope_##word(b))                     \
    CPU_BINARY(gelu_bwd_tanh_loop_##word, T, T, a *gelu_tanh_slope_##word(b))               \
    CPU_BINARY(silu_bwd_##word, T, T, a *silu_slope_##word(b))                              \
    CPU_BINARY(relu_bwd_##word, T, T, b > 0 || b != b ? a : 0)                              \
    CPU_BINARY(leaky_relu_bwd_##word, T, T, b > 0 ? a : a * k[0])                           \
    CPU_BINARY(elu_bwd_##word, T, T, b > 0 ? a : a * k[0] * exp(b))                         \
    CPU_BINARY(softplus_bwd_##word, T, T, b *k[0] > k[1] ? a : a * SIGMOID(b * k[0]))
DEFINE_NORMAL(f32, float)
DEFINE_NORMAL(f64, double)

CPU_RUN(relu_bwd, 0, CPU_LOOPS_F(relu_bwd))
CPU_RUN(silu_bwd, 0, CPU_LOOPS_F(silu_bwd))

/* Runs the loop for the dtype of the call, with two attributes rounded to that dtype. */
static dnn_status run_with(const dnn_call *c, cpu_loop *f32, cpu_loop *f64, double first,
                           double second)
{
    const float single[2] = {(float)first, (float)second};
    const double pair[2] = {first, second};
    bool is_f32 = c->in[0]->dtype == DNN_T_F32;

    cpu_pointwise(c, is_f32 ? f32 : f64, is_f32 ? (const void *)single : (const void *)pair);
    return DNN_OK;
}

static dnn_status run_gelu(const dnn_call *c)
{
    const dnn_attr_gelu *a = c->attr;

    return a->tanh ? run_with(c, gelu_tanh_loop_f32, gelu_tanh_loop_f64, 0, 0)
                   : run_with(c, gelu_erf_loop_f32, gelu_erf_loop_f64, 0, 0);
}

static dnn_status run_gelu_bwd(const dnn_call *c)
{
    const dnn_attr_gelu *a = c->attr;

    return a->tanh ? run_with(c, gelu_bwd_tanh_loop_f32, gelu_bwd_tanh_loop_f64, 0, 0)
                   : run_with(c, gelu_bwd_erf_loop_f32, gelu_bwd_erf_loop_f64, 0, 0);
}

#define DEFINE_ALPHA_RUN(op)                                 \
    static dnn_status run_##op(const dnn_call *c)            \
    {                                                        \
        const dnn_attr_alpha *a = c->attr;                   \
                                                             \
        return run_with(c, op##_f32, op##_f64, a->alpha, 0); \
    }
DEFINE_ALPHA_RUN(leaky_relu)
DEFINE_ALPHA_RUN(leaky_relu_bwd)
DEFINE_ALPHA_RUN(elu)
DEFINE_ALPHA_RUN(elu_bwd)

#define DEFINE_SOFTPLUS_RUN(op)                                        \
    static dnn_status run_##op(const dnn_call *c)                      \
    {                                                                  \
        const dnn_attr_softplus *a = c->attr;                          \
                                                                       \
        return run_with(c, op##_f32, op##_f64, a->beta, a->threshold); \
    }
DEFINE_SOFTPLUS_RUN(softplus)
DEFINE_SOFTPLUS_RUN(softplus_bwd)

/* ---- the family ---- */

#define FLOAT_ROW(op, EXPRESSION) CPU_ROW(op, CPU_T_FLOAT),
#define NUMBER_ROW(op, FLOAT, SIGNED, UNSIGNED) CPU_ROW(op, CPU_T_NUMBER),

CPU_FAMILY(elementwise) = {
    FLOAT_OPS(FLOAT_ROW) NUMBER_OPS(NUMBER_ROW) CPU_ROW(gelu, CPU_T_FLOAT),
    CPU_ROW(leaky_relu, CPU_T_FLOAT),
    CPU_ROW(elu, CPU_T_FLOAT),
    CPU_ROW(softplus, CPU_T_FLOAT),
    CPU_ROW(relu_bwd, CPU_T_FLOAT),
    CPU_ROW(silu_bwd, CPU_T_FLOAT),
    CPU_ROW(gelu_bwd, CPU_T_FLOAT),
    CPU_ROW(leaky_relu_bwd, CPU_T_FLOAT),
    CPU_ROW(elu_bwd, CPU_T_FLOAT),
    CPU_ROW(softplus_bwd, CPU_T_FLOAT),
    NULL,
};
