/* index.c - copy with conversion between all pairs of dtypes, cat, slice_scatter. Called through
 * the kernel table; iterate.c loops over strides. f16 and bf16 are converted with integer
 * operations, because not every compiler has the types. */
#include "loops.h"
#include <string.h>

/* ---- f16 and bf16 ---- */

static inline uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float f32_of_bf16(uint16_t h)
{
    return float_of((uint32_t)h << 16);
}

static inline float f32_of_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;

    if (exponent == 31)
        return float_of(sign | 0x7f800000 | mantissa << 13);
    if (exponent == 0) { /* subnormal: a multiple of 2^-24 */
        float x = (float)mantissa * 0x1p-24f;

        return sign ? -x : x;
    }
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

static inline uint16_t bf16_of_f32(float x)
{
    uint32_t bits = bits_of(x);

    if (x != x)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Rounds to nearest even. The bounds are the bits of 65520 (rounds to infinity), 2^-14 (the
 * smallest normal) and 2^-25. */
static inline uint16_t f16_of_f32(float x)
{
    uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, a = bits & 0x7fffffff, m, shift, rest,
             half;

    if (a > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (a >= 0x477ff000)
        return (uint16_t)(sign | 0x7c00);
    if (a >= 0x38800000) {
        a -= 112u << 23;
        return (uint16_t)(sign | (a + 0xfff + (a >> 13 & 1)) >> 13);
    }
    if (a <= 0x33000000)
        return (uint16_t)sign;
    m = (a & 0x7fffff) | 0x800000;
    shift = 126 - (a >> 23);
    rest = m & ((1u << shift) - 1);
    half = 1u << (shift - 1);
    m >>= shift;
    return (uint16_t)(sign | (m + (rest > half || (rest == half && (m & 1)))));
}

/* Rounds to odd. A second rounding to fewer bits then gives the same result as a single rounding.
 */
static inline float odd_of_f64(double x)
{
    float near = (float)x;
    uint32_t bits = bits_of(near);
    double wide = near;

    if (wide == x || x != x || (bits & 1))
        return near;
    return float_of((wide < 0 ? -wide : wide) > (x < 0 ? -x : x) ? bits - 1 : bits + 1);
}

/* ORs the low 11 bits into bit 11: the result is exact in f64 and is never a false tie in the
 * second rounding. */
static inline float odd_of_i64(int64_t x)
{
    int64_t low = x & 0x7ff;

    if (x > -(INT64_C(1) << 53) && x < INT64_C(1) << 53)
        return odd_of_f64((double)x);
    return odd_of_f64((double)((x - low) | (low ? 0x800 : 0)));
}

static inline float odd_of_f32(float x)
{
    return x;
}

/* ---- conversions ---- */

/* Rounds toward zero; NaN gives 0; a value out of range gives the nearest bound. TOP is max + 1,
 * which is exact in f64. */
#define DEFINE_SATURATION(word, T, LEAST, MOST, TOP)                                          \
    static inline T word##_of_real(double x)                                                  \
    {                                                                                         \
        return (T)(x != x ? 0 : x >= (TOP) ? (MOST) : x <= (double)(LEAST) ? (LEAST) : (T)x); \
    }                                                                                         \
    static inline T word##_of_int(int64_t x)                                                  \
    {                                                                                         \
        return (T)(x > (MOST) ? (MOST) : x < (LEAST) ? (LEAST) : x);                          \
    }
DEFINE_SATURATION(i8, int8_t, INT8_MIN, INT8_MAX, 0x1p7)
DEFINE_SATURATION(u8, uint8_t, 0, UINT8_MAX, 0x1p8)
DEFINE_SATURATION(i32, int32_t, INT32_MIN, INT32_MAX, 0x1p31)

static inline int64_t i64_of_real(double x)
{
    return x != x ? 0 : x >= 0x1p63 ? INT64_MAX : x <= -0x1p63 ? INT64_MIN : (int64_t)x;
}

static inline int64_t i64_of_int(int64_t x)
{
    return x;
}

/* Conversions between stored bits and value; v is float, double or an integer. */
#define VALUE(a) (a)
#define INTEGER(word, v) \
    _Generic((v), float : word##_of_real, double : word##_of_real, default : word##_of_int)(v)
#define ODD(v) _Generic((v), float : odd_of_f32, double : odd_of_f64, default : odd_of_i64)(v)
#define TO_F32(v) (float)(v)
#define TO_F64(v) (double)(v)
#define TO_F16(v) f16_of_f32(ODD(v))
#define TO_BF16(v) bf16_of_f32(ODD(v))
#define TO_I8(v) INTEGER(i8, v)
#define TO_U8(v) INTEGER(u8, v)
#define TO_I32(v) INTEGER(i32, v)
#define TO_I64(v) INTEGER(i64, v)
#define TO_BOOL(v) ((v) != 0)

/* Defines all loops from one dtype, stored as T. Its own entry in the table is empty, because that
 * is a plain copy. */
#define DEFINE_CONVERSIONS(word, T, LOAD)                    \
    CPU_UNARY(word##_to_f32, T, float, TO_F32(LOAD(a)))      \
    CPU_UNARY(word##_to_f64, T, double, TO_F64(LOAD(a)))     \
    CPU_UNARY(word##_to_f16, T, uint16_t, TO_F16(LOAD(a)))   \
    CPU_UNARY(word##_to_bf16, T, uint16_t, TO_BF16(LOAD(a))) \
    CPU_UNARY(word##_to_i8, T, int8_t, TO_I8(LOAD(a)))       \
    CPU_UNARY(word##_to_u8, T, uint8_t, TO_U8(LOAD(a)))      \
    CPU_UNARY(word##_to_i32, T, int32_t, TO_I32(LOAD(a)))    \
    CPU_UNARY(word##_to_i64, T, int64_t, TO_I64(LOAD(a)))    \
    CPU_UNARY(word##_to_bool, T, uint8_t, TO_BOOL(LOAD(a)))
DEFINE_CONVERSIONS(f32, float, VALUE)
DEFINE_CONVERSIONS(f64, double, VALUE)
DEFINE_CONVERSIONS(f16, uint16_t, f32_of_f16)
DEFINE_CONVERSIONS(bf16, uint16_t, f32_of_bf16)
DEFINE_CONVERSIONS(i8, int8_t, VALUE)
DEFINE_CONVERSIONS(u8, uint8_t, VALUE)
DEFINE_CONVERSIONS(i32, int32_t, VALUE)
DEFINE_CONVERSIONS(i64, int64_t, VALUE)

#define CONVERSIONS_FROM(word)                                                                   \
    {                                                                                            \
        word##_to_f32, word##_to_f64, word##_to_f16, word##_to_bf16, word##_to_i8, word##_to_u8, \
            word##_to_i32, word##_to_i64, word##_to_bool                                         \
    }

/* Indexed by the dtype of the source, then of the result. A bool is read as a byte. */
static cpu_loop *const conversion[CPU_DTYPES][CPU_DTYPES] = {
    [CPU_F32] = CONVERSIONS_FROM(f32), [CPU_F64] = CONVERSIONS_FROM(f64),
    [CPU_F16] = CONVERSIONS_FROM(f16), [CPU_BF16] = CONVERSIONS_FROM(bf16),
    [CPU_I8] = CONVERSIONS_FROM(i8),   [CPU_U8] = CONVERSIONS_FROM(u8),
    [CPU_I32] = CONVERSIONS_FROM(i32), [CPU_I64] = CONVERSIONS_FROM(i64),
    [CPU_BOOL] = CONVERSIONS_FROM(u8),
};

static dnn_status run_copy(const dnn_call *c)
{
    const dnn_view *in = c->in[0], *out = c->out[0];
    bool same = in->dtype == out->dtype;

    cpu_pointwise(
        c, same ? cpu_move_loop(cpu_item_size(in)) : conversion[cpu_type(in)][cpu_type(out)], NULL);
    return DNN_OK;
}

/* ---- cat and slice_scatter ---- */

/* Copies all of `in` to the elements of `out` at start, start + step, ... along dim. */
static void move_into(const dnn_host *host, const dnn_view *out, int dim, int64_t start,
                      int64_t step, const dnn_view *in)
{
    int64_t stride[DNN_DIM_MAX];
    cpu_operand operand[2];

    if (cpu_count(in) == 0)
        return;
    for (int d = 0; d < in->ndim; d++)
        stride[d] = d == dim && in->dim[d] > 1 ? out->stride[d] * step : out->stride[d];
    operand[0] = cpu_operand_of(out);
    operand[0].data += start * out->stride[dim] * operand[0].item;
    operand[0].stride = stride;
    operand[1] = cpu_operand_of(in);
    cpu_walk(host, in->dim, in->ndim, operand, 2, cpu_move_loop(operand[0].item), NULL);
}

static dnn_status run_cat(const dnn_call *c)
{
    const dnn_attr_dim *a = c->attr;
    int64_t start = 0;

    for (uint32_t i = 0; i < c->n_in; i++) {
        if (c->in[i]->ndim !=
            c->out[0]->ndim) /* a tensor of shape [0], which cat accepts beside any rank */
            continue;
        move_into(c->host, c->out[0], a->dim, start, 1, c->in[i]);
        start += c->in[i]->dim[a->dim];
    }
    return DNN_OK;
}

static dnn_status run_slice_scatter(const dnn_call *c)
{
    const dnn_attr_slice *a = c->attr;
    const dnn_view *out = c->out[0];

    if (out->data != c->in[0]->data)
        move_into(c->host, out, a->dim, 0, 1, c->in[0]);
    move_into(c->host, out, a->dim, a->start, a->step, c->in[1]);
    return DNN_OK;
}

/* ---- the family ---- */

CPU_FAMILY(index) = {
    CPU_KERNEL(copy, "strided", CPU_POINTWISE & ~(uint32_t)DNN_K_INPLACE, CPU_T_ANY),
    CPU_KERNEL(cat, "strided", CPU_POINTWISE & ~(uint32_t)DNN_K_INPLACE, CPU_T_ANY),
    CPU_KERNEL(slice_scatter, "strided", CPU_POINTWISE, CPU_T_ANY),
    NULL,
};
