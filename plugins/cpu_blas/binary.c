/* binary.c - arithmetic of two inputs, clamp, and gradients with more inputs. Called through the
 * kernel table. Integer division checks for a divisor of 0 before it writes anything. */
#include "loops.h"
#include <math.h>
#include <tgmath.h>

/* ---- all numbers ---- */

/* X(operator, expression of floats, expression of integers). Integers wrap, because the expression
 * is of unsigned type. */
#define NUMBER_OPS(X)                                  \
    X(add, a + b, CPU_WIDE(a) + CPU_WIDE(b))           \
    X(sub, a - b, CPU_WIDE(a) - CPU_WIDE(b))           \
    X(mul, a *b, CPU_WIDE(a) * CPU_WIDE(b))            \
    X(pow, pow(a, b), POWER(a, b))                     \
    X(maximum, a > b || a != a ? a : b, a > b ? a : b) \
    X(minimum, a < b || a != a ? a : b, a < b ? a : b) \
    X(fmax, a >= b || b != b ? a : b, a > b ? a : b)   \
    X(fmin, a <= b || b != b ? a : b, a < b ? a : b)   \
    X(remainder, REMAINDER(a, b), REMAINDER(a, b))     \
    X(fmod, fmod(a, b), FMOD(a, b))                    \
    X(floor_divide, FLOOR_DIVIDE(a, b), FLOOR_DIVIDE(a, b))

#define FLOAT_OPS(X) \
    X(div, a / b)    \
    X(atan2, atan2(a, b))

/* base^exponent by squaring, with wrap. A negative exponent gives 1 for base 1, 1 or -1 for base
 * -1, and 0 for all others. */
static inline uint64_t power_of(int64_t base, int64_t exponent)
{
    uint64_t square = (uint64_t)base, power = 1;

    if (exponent < 0)
        return base == 1 || (base == -1 && exponent % 2 == 0) ? 1 : base == -1 ? UINT64_MAX : 0;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            power *= square;
        square *= square;
    }
    return power;
}

/* Integer division; b is not 0. min / -1 overflows and traps, so b = -1 is computed without a
 * division. */
static inline int64_t fmod_of_int(int64_t a, int64_t b)
{
    return b == -1 ? 0 : a % b;
}

static inline int64_t remainder_of_int(int64_t a, int64_t b)
{
    int64_t m = fmod_of_int(a, b);

    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

static inline uint64_t floor_divide_of_int(int64_t a, int64_t b)
{
    if (b == -1)
        return 0 - (uint64_t)a;
    return (uint64_t)(a / b) - (a % b != 0 && (a < 0) != (b < 0));
}

#define DEFINE_DIVISION(word, T)                                                               \
    static inline T remainder_of_##word(T a, T b)                                              \
    {                                                                                          \
        T m = fmod(a, b);                                                                      \
                                                                                               \
        return m != 0 && (m < 0) != (b < 0) ? m + b : m;                                       \
    }                                                                                          \
    /* The quotient is computed from the exact remainder, because a/b can round up to the next \
     * integer. */                                                                             \
    static inline T floor_divide_of_##word(T a, T b)                                           \
    {                                                                                          \
        T m = fmod(a, b), q = (a - m) / b, whole;                                              \
                                                                                               \
        if (b == 0)                                                                            \
            return a / b;                                                                      \
        if (m != 0 && (m < 0) != (b < 0))                                                      \
            q -= 1;                                                                            \
        if (q == 0)                                                                            \
            return copysign((T)0, a / b);                                                      \
        whole = floor(q);                                                                      \
        return q - whole > (T)0.5 ? whole + 1 : whole;                                         \
    }
DEFINE_DIVISION(f32, float)
DEFINE_DIVISION(f64, double)

#define POWER(a, b) power_of(a, b)
#define FMOD(a, b) fmod_of_int(a, b)
#define REMAINDER(a, b)                  \
    _Generic((a), float                  \
             : remainder_of_f32, double  \
             : remainder_of_f64, default \
             : remainder_of_int)(a, b)
#define FLOOR_DIVIDE(a, b)                  \
    _Generic((a), float                     \
             : floor_divide_of_f32, double  \
             : floor_divide_of_f64, default \
             : floor_divide_of_int)(a, b)

#define DEFINE_FLOATS(op, EXPRESSION)              \
    CPU_BINARY(op##_f32, float, float, EXPRESSION) \
    CPU_BINARY(op##_f64, double, double, EXPRESSION)
#define DEFINE_NUMBERS(op, FLOAT, INT)          \
    DEFINE_FLOATS(op, FLOAT)                    \
    CPU_BINARY(op##_i8, int8_t, int8_t, INT)    \
    CPU_BINARY(op##_u8, uint8_t, uint8_t, INT)  \
    CPU_BINARY(op##_i32, int32_t, int32_t, INT) \
    CPU_BINARY(op##_i64, int64_t, int64_t, INT)
NUMBER_OPS(DEFINE_NUMBERS)
FLOAT_OPS(DEFINE_FLOATS)

/* Arithmetic of bool: add is or, mul is and; the core refuses sub. */
CPU_BINARY(add_bool, uint8_t, uint8_t, a | b)
CPU_BINARY(mul_bool, uint8_t, uint8_t, a &b)

CPU_RUN(add, 0, CPU_LOOPS_N(add), [CPU_BOOL] = add_bool)
CPU_RUN(sub, 0, CPU_LOOPS_N(sub))
CPU_RUN(mul, 0, CPU_LOOPS_N(mul), [CPU_BOOL] = mul_bool)
CPU_RUN(div, 0, CPU_LOOPS_F(div))
CPU_RUN(pow, 0, CPU_LOOPS_N(pow))
CPU_RUN(maximum, 0, CPU_LOOPS_N(maximum))
CPU_RUN(minimum, 0, CPU_LOOPS_N(minimum))
CPU_RUN(fmax, 0, CPU_LOOPS_N(fmax))
CPU_RUN(fmin, 0, CPU_LOOPS_N(fmin))
CPU_RUN(atan2, 0, CPU_LOOPS_F(atan2))

/* ---- integer division ---- */

static bool is_zero(const char *p, int64_t item)
{
    return item == 1   ? *p == 0
           : item == 4 ? *(const int32_t *)(const void *)p == 0
                       : *(const int64_t *)(const void *)p == 0;
}

/* Returns the row-major index of the first 0 in v, or -1. An axis of stride 0 is read once. */
static int64_t find_zero(const dnn_view *v)
{
    int64_t at[DNN_DIM_MAX] = {0}, item = cpu_item_size(v), offset = 0;

    if (cpu_count(v) == 0)
        return -1;
    for (;;) {
        int d = v->ndim - 1;

        if (is_zero((const char *)v->data + offset * item, item)) {
            int64_t place = 0;

            for (int i = 0; i < v->ndim; i++)
                place = place * v->dim[i] + at[i];
            return place;
        }
        for (; d >= 0; d--) {
            if (v->stride[d] == 0)
                continue;
            offset += v->stride[d];
            if (++at[d] < v->dim[d])
                break;
            offset -= at[d] * v->stride[d];
            at[d] = 0;
        }
        if (d < 0)
            return -1;
    }
}

static dnn_status divide(const dnn_call *c, const char *op, cpu_loop *loop)
{
    bool is_int = (c->in[0]->dtype & CPU_T_INT) != 0;
    int64_t zero = is_int ? find_zero(c->in[1]) : -1;

    if (zero >= 0)
        return c->host->fail(DNN_E_INVALID, "%s: b is 0 at element %lld", op, (long long)zero);
    cpu_pointwise(c, loop, NULL);
    return DNN_OK;
}

#define DEFINE_DIVIDE_RUN(op)                                        \
    static dnn_status run_##op(const dnn_call *c)                    \
    {                                                                \
        static cpu_loop *const loop[CPU_DTYPES] = {CPU_LOOPS_N(op)}; \
                                                                     \
        return divide(c, #op, loop[cpu_type(c->in[0])]);             \
    }
DEFINE_DIVIDE_RUN(remainder)
DEFINE_DIVIDE_RUN(fmod)
DEFINE_DIVIDE_RUN(floor_divide)

/* ---- clamp, and gradients of three and four inputs ---- */

/* If the bound b is NaN, the result is NaN. If a is NaN, no comparison is true and the result is a.
 */
#define FLOAT_LOW(a, b) ((a) < (b) || (b) != (b) ? (b) : (a))
#define FLOAT_HIGH(a, b) ((a) > (b) || (b) != (b) ? (b) : (a))
#define INT_LOW(a, b) ((a) < (b) ? (b) : (a))
#define INT_HIGH(a, b) ((a) > (b) ? (b) : (a))

#define DEFINE_CLAMP(word, T, LOW, HIGH)            \
    CPU_BINARY(clamp_low_##word, T, T, LOW(a, b))   \
    CPU_BINARY(clamp_high_##word, T, T, HIGH(a, b)) \
    CPU_TERNARY(clamp_both_##word, T, T, HIGH(LOW(a, b), c))
DEFINE_CLAMP(f32, float, FLOAT_LOW, FLOAT_HIGH)
DEFINE_CLAMP(f64, double, FLOAT_LOW, FLOAT_HIGH)
DEFINE_CLAMP(i8, int8_t, INT_LOW, INT_HIGH)
DEFINE_CLAMP(u8, uint8_t, INT_LOW, INT_HIGH)
DEFINE_CLAMP(i32, int32_t, INT_LOW, INT_HIGH)
DEFINE_CLAMP(i64, int64_t, INT_LOW, INT_HIGH)

static dnn_status run_clamp(const dnn_call *c)
{
    static cpu_loop *const low[CPU_DTYPES] = {CPU_LOOPS_N(clamp_low)};
    static cpu_loop *const high[CPU_DTYPES] = {CPU_LOOPS_N(clamp_high)};
    static cpu_loop *const both[CPU_DTYPES] = {CPU_LOOPS_N(clamp_both)};
    unsigned type = cpu_type(c->in[0]);
    cpu_loop *none = cpu_move_loop(cpu_item_size(c->in[0]));

    if (c->in[1])
        cpu_pointwise(c, c->in[2] ? both[type] : low[type], NULL);
    else
        cpu_pointwise(c, c->in[2] ? high[type] : none, NULL);
    return DNN_OK;
}

#define DEFINE_GRADIENTS(word, T)                                                   \
    CPU_TERNARY(maximum_bwd_##word, T, T, b > c || b != b ? a : b == c ? a / 2 : 0) \
    CPU_TERNARY(clamp_bwd_low_##word, T, T, c <= b ? a : 0)                         \
    CPU_TERNARY(clamp_bwd_high_##word, T, T, b <= c ? a : 0)                        \
    CPU_QUATERNARY(clamp_bwd_both_##word, T, c <= b && b <= d ? a : 0)              \
    CPU_QUATERNARY(pow_bwd_exponent_##word, T, b == 0 && d >= 0 ? 0 : a * c * log(b))
DEFINE_GRADIENTS(f32, float)
DEFINE_GRADIENTS(f64, double)

CPU_RUN(maximum_bwd, 0, CPU_LOOPS_F(maximum_bwd))
CPU_RUN(pow_bwd_exponent, 0, CPU_LOOPS_F(pow_bwd_exponent))

static dnn_status run_clamp_bwd(const dnn_call *c)
{
    static cpu_loop *const low[CPU_DTYPES] = {CPU_LOOPS_F(clamp_bwd_low)};
    static cpu_loop *const high[CPU_DTYPES] = {CPU_LOOPS_F(clamp_bwd_high)};
    static cpu_loop *const both[CPU_DTYPES] = {CPU_LOOPS_F(clamp_bwd_both)};
    unsigned type = cpu_type(c->in[0]);
    cpu_loop *none = cpu_move_loop(cpu_item_size(c->in[0]));

    if (c->in[2])
        cpu_pointwise(c, c->in[3] ? both[type] : low[type], NULL);
    else
        cpu_pointwise(c, c->in[3] ? high[type] : none, NULL);
    return DNN_OK;
}

/* ---- the family ---- */

CPU_FAMILY(binary) = {
    CPU_ROW(add, CPU_T_COMPUTED),
    CPU_ROW(sub, CPU_T_NUMBER),
    CPU_ROW(mul, CPU_T_COMPUTED),
    CPU_ROW(div, CPU_T_FLOAT),
    CPU_ROW(pow, CPU_T_NUMBER),
    CPU_ROW(maximum, CPU_T_NUMBER),
    CPU_ROW(minimum, CPU_T_NUMBER),
    CPU_ROW(fmax, CPU_T_NUMBER),
    CPU_ROW(fmin, CPU_T_NUMBER),
    CPU_ROW(atan2, CPU_T_FLOAT),
    CPU_ROW(remainder, CPU_T_NUMBER),
    CPU_ROW(fmod, CPU_T_NUMBER),
    CPU_ROW(floor_divide, CPU_T_NUMBER),
    CPU_ROW(clamp, CPU_T_NUMBER),
    CPU_ROW(clamp_bwd, CPU_T_FLOAT),
    CPU_ROW(maximum_bwd, CPU_T_FLOAT),
    CPU_ROW(pow_bwd_exponent, CPU_T_FLOAT),
    NULL,
};
