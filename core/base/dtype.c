/* dtype.c - the element types: names, sizes, promotion, and conversion of single elements with the
 * rules of the operator copy. Kernels convert whole tensors. */
#include "base.h"
#include <string.h>

const uint8_t dnn__dtype_bytes[DNN__N_DTYPES] = {4, 8, 2, 2, 1, 1, 4, 8, 1};

static const char *const names[DNN__N_DTYPES] = {"f32", "f64", "f16", "bf16", "i8",
                                                 "u8",  "i32", "i64", "bool"};

const char *dnn_dtype_name(dnn_dtype dtype)
{
    return dnn__dtype_ok(dtype) ? names[dnn__dtype_index(dtype)] : "?";
}

size_t dnn_dtype_size(dnn_dtype dtype)
{
    return dnn__dtype_ok(dtype) ? dnn__item_size(dtype) : 0;
}

dnn_dtype dnn_dtype_named(const char *name)
{
    for (int i = 0; name && i < DNN__N_DTYPES; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (dnn_dtype)1 << i;
        }
    }
    return 0;
}

/* The order of classes is bool < integer < floating. */
static int class_of(dnn_dtype d)
{
    return d & DNN__FLOATS ? 2 : d & DNN__INTS ? 1 : 0;
}

/* Promotes two different dtypes of one class. */
static dnn_dtype promote_in_class(dnn_dtype a, dnn_dtype b)
{
    dnn_dtype both = a | b;

    if (both & DNN__FLOATS) {
        return both & DNN_T_F64 ? DNN_T_F64 : DNN_T_F32;
    }
    return both & DNN_T_I64 ? DNN_T_I64 : DNN_T_I32;
}

dnn_dtype dnn__promote(dnn_dtype a, bool a_scalar, dnn_dtype b, bool b_scalar)
{
    int ca = class_of(a), cb = class_of(b);

    if (ca != cb) {
        return ca > cb ? a : b;
    }
    if (a_scalar != b_scalar) {
        return a_scalar ? b : a;
    }
    return a == b ? a : promote_in_class(a, b);
}

/* ---- 16-bit floating numbers ---- */

enum {
    F16_FRACTION = 10,
    F16_BIAS = 15,
    BF16_FRACTION = 7,
    BF16_BIAS = 127,
    F64_FRACTION = 52,
    F64_BIAS = 1023
};

/* Rounds value to `fraction` bits with exponent bias `bias`, ties to even. A value that is too
 * large gives infinity. */
static uint16_t narrow(double value, int fraction, int bias)
{
    const uint32_t infinity = (uint32_t)(2 * bias + 1) << fraction;
    uint64_t bits, digits, rest, half, kept;
    uint32_t sign, result;
    int exponent, shift = F64_FRACTION - fraction, lowest = 1 - bias;

    memcpy(&bits, &value, sizeof bits);
    sign = (uint32_t)(bits >> 63) << 15;
    exponent = (int)(bits >> F64_FRACTION & 0x7ff) - F64_BIAS;
    digits = bits & ((UINT64_C(1) << F64_FRACTION) - 1);
    if (exponent > F64_BIAS) {
        return (uint16_t)(sign | infinity | (digits ? 1u << (fraction - 1) : 0u));
    }
    digits |= UINT64_C(1) << F64_FRACTION;
    if (exponent < lowest) {
        shift += lowest - exponent;
        exponent = lowest - 1;
    }
    if (shift > F64_FRACTION + 1) { /* less than half of the smallest subnormal */
        return (uint16_t)sign;
    }
    kept = digits >> shift;
    rest = digits & ((UINT64_C(1) << shift) - 1);
    half = UINT64_C(1) << (shift - 1);
    kept += rest > half || (rest == half && (kept & 1)) ? 1 : 0;
    /* Adding `kept` also adds its leading 1 to the exponent, and a carry from rounding. */
    result = (uint32_t)kept;
    result += exponent >= lowest ? (uint32_t)(exponent - lowest) << fraction : 0u;
    return (uint16_t)(sign | (result < infinity ? result : infinity));
}

static double widen(uint16_t bits, int fraction, int bias)
{
    uint32_t exponent = (uint32_t)(bits & 0x7fff) >> fraction,
             digits = bits & ((1u << fraction) - 1u);
    uint64_t sign = (uint64_t)(bits >> 15) << 63, result;
    double value;

    if (exponent == 0) {
        value = (double)digits * (fraction == F16_FRACTION ? 0x1p-24 : 0x1p-133);
        return sign ? -value : value;
    }
    result = exponent == (uint32_t)(2 * bias + 1)
                 ? 0x7ff
                 : (uint64_t)(exponent + F64_BIAS) - (uint64_t)bias;
    result = sign | result << F64_FRACTION | (uint64_t)digits << (F64_FRACTION - fraction);
    memcpy(&value, &result, sizeof value);
    return value;
}

/* ---- one element ---- */

typedef union any_element {
    float f32;
    double f64;
    uint16_t f16;
    int8_t i8;
    uint8_t u8;
    int32_t i32;
    int64_t i64;
} any_element;

static any_element load(dnn_dtype d, const void *element)
{
    any_element e = {.i64 = 0};

    memcpy(&e, element, dnn__item_size(d));
    return e;
}

static int64_t integer_of(dnn_dtype d, const any_element *e)
{
    switch (d) {
    case DNN_T_I8:
        return e->i8;
    case DNN_T_U8:
        return e->u8;
    case DNN_T_I32:
        return e->i32;
    case DNN_T_I64:
        return e->i64;
    default:
        return e->u8 != 0;
    }
}

double dnn__load_double(dnn_dtype d, const void *element)
{
    any_element e = load(d, element);

    switch (d) {
    case DNN_T_F32:
        return (double)e.f32;
    case DNN_T_F64:
        return e.f64;
    case DNN_T_F16:
        return widen(e.f16, F16_FRACTION, F16_BIAS);
    case DNN_T_BF16:
        return widen(e.f16, BF16_FRACTION, BF16_BIAS);
    default:
        return (double)integer_of(d, &e);
    }
}

/* Rounds toward zero and clamps to lo..hi; NaN gives 0. hi + 1 is exact in double, or rounds to a
 * number above hi. */
static int64_t saturate(double value, int64_t lo, int64_t hi)
{
    if (!(value == value)) {
        return 0;
    }
    if (value <= (double)lo) {
        return lo;
    }
    return value >= (double)hi ? hi : (int64_t)value;
}

int64_t dnn__load_i64(dnn_dtype d, const void *element, bool *exact)
{
    any_element e;
    double value;
    int64_t result;

    if (!(d & DNN__FLOATS)) {
        e = load(d, element);
        *exact = true;
        return integer_of(d, &e);
    }
    value = dnn__load_double(d, element);
    result = saturate(value, INT64_MIN, INT64_MAX);
    *exact = (double)result == value && value < 0x1p63;
    return result;
}

void dnn__store_double(dnn_dtype d, void *element, double value)
{
    any_element e = {.i64 = 0};

    switch (d) {
    case DNN_T_F32:
        e.f32 = (float)value;
        break;
    case DNN_T_F64:
        e.f64 = value;
        break;
    case DNN_T_F16:
        e.f16 = narrow(value, F16_FRACTION, F16_BIAS);
        break;
    case DNN_T_BF16:
        e.f16 = narrow(value, BF16_FRACTION, BF16_BIAS);
        break;
    case DNN_T_I8:
        e.i8 = (int8_t)saturate(value, INT8_MIN, INT8_MAX);
        break;
    case DNN_T_U8:
        e.u8 = (uint8_t)saturate(value, 0, UINT8_MAX);
        break;
    case DNN_T_I32:
        e.i32 = (int32_t)saturate(value, INT32_MIN, INT32_MAX);
        break;
    case DNN_T_I64:
        e.i64 = saturate(value, INT64_MIN, INT64_MAX);
        break;
    default:
        e.u8 = value == 0.0 ? 0 : 1;
        break;
    }
    memcpy(element, &e, dnn__item_size(d));
}

bool dnn__fits(dnn_dtype d, double value)
{
    unsigned char element[8];

    if (d & DNN__FLOATS) {
        return true;
    }
    dnn__store_double(d, element, value);
    /* 2^63 saturates to INT64_MAX, which reads back as 2^63. */
    return dnn__load_double(d, element) == value && value < 0x1p63;
}
