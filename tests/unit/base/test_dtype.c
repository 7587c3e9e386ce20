/* test_dtype.c - tests names, promotion and conversion of single values (dtype.c). */
#include <criterion/criterion.h>
#include <math.h>
#include "base.h"

Test(dtype, names)
{
    for (int i = 0; i < DNN__N_DTYPES; i++) {
        dnn_dtype d = (dnn_dtype)1 << i;

        cr_expect_eq(dnn_dtype_named(dnn_dtype_name(d)), d);
        cr_expect_eq(dnn_dtype_size(d), dnn__item_size(d));
    }
    cr_expect_str_eq(dnn_dtype_name(0), "?");
    cr_expect_str_eq(dnn_dtype_name(DNN_T_F32 | DNN_T_F64), "?");
    cr_expect_str_eq(dnn_dtype_name(1u << 9), "?");
    cr_expect_eq(dnn_dtype_size(0), 0);
    cr_expect_eq(dnn_dtype_named("f33"), 0);
    cr_expect_eq(dnn_dtype_named(NULL), 0);
}

static void meets(dnn_dtype a, bool as, dnn_dtype b, bool bs, dnn_dtype want)
{
    cr_expect_eq(dnn__promote(a, as, b, bs), want, "%s with %s", dnn_dtype_name(a),
                 dnn_dtype_name(b));
    cr_expect_eq(dnn__promote(b, bs, a, as), want, "%s with %s", dnn_dtype_name(b),
                 dnn_dtype_name(a));
}

Test(dtype, promotion)
{
    meets(DNN_T_F32, false, DNN_T_F64, false, DNN_T_F64);
    meets(DNN_T_F16, false, DNN_T_BF16, false, DNN_T_F32);
    meets(DNN_T_F16, false, DNN_T_F16, false, DNN_T_F16);
    meets(DNN_T_F16, false, DNN_T_F64, false, DNN_T_F64);
    meets(DNN_T_U8, false, DNN_T_I8, false, DNN_T_I32);
    meets(DNN_T_U8, false, DNN_T_I64, false, DNN_T_I64);
    meets(DNN_T_I64, false, DNN_T_F16, false, DNN_T_F16);
    meets(DNN_T_BOOL, false, DNN_T_U8, false, DNN_T_U8);
    meets(DNN_T_F32, false, DNN_T_F64, true, DNN_T_F32);
    meets(DNN_T_I8, false, DNN_T_I64, true, DNN_T_I8);
    meets(DNN_T_I8, false, DNN_T_F64, true, DNN_T_F64);
    meets(DNN_T_F32, true, DNN_T_F64, true, DNN_T_F64);
    meets(DNN_T_BOOL, true, DNN_T_F32, false, DNN_T_F32);
}

static double trip(dnn_dtype d, double value)
{
    unsigned char element[8];

    dnn__store_double(d, element, value);
    return dnn__load_double(d, element);
}

Test(dtype, casts_saturate)
{
    cr_expect_eq(trip(DNN_T_I8, 127.9), 127);
    cr_expect_eq(trip(DNN_T_I8, -1e30), -128);
    cr_expect_eq(trip(DNN_T_U8, -3.0), 0);
    cr_expect_eq(trip(DNN_T_U8, 300.0), 255);
    cr_expect_eq(trip(DNN_T_I32, -2.9), -2);
    cr_expect_eq(trip(DNN_T_I64, HUGE_VAL), 0x1p63);
    cr_expect_eq(trip(DNN_T_I64, -HUGE_VAL), -0x1p63);
    cr_expect_eq(trip(DNN_T_I64, (double)NAN), 0);
    cr_expect_eq(trip(DNN_T_BOOL, (double)NAN), 1);
    cr_expect_eq(trip(DNN_T_BOOL, -0.0), 0);
    cr_expect_eq(trip(DNN_T_BOOL, 0.25), 1);
}

/* Every 16-bit pattern comes back as itself; halfway cases go to even. */
static void all_patterns(dnn_dtype d)
{
    for (uint32_t bits = 0; bits < 65536; bits++) {
        uint16_t in = (uint16_t)bits, out;
        double value = dnn__load_double(d, &in);

        dnn__store_double(d, &out, value);
        if (!isnan(value)) {
            cr_assert_eq(in, out, "%04x came back as %04x", in, out);
        } else {
            cr_assert(isnan(dnn__load_double(d, &out)));
        }
    }
}

Test(dtype, sixteen_bits)
{
    all_patterns(DNN_T_F16);
    all_patterns(DNN_T_BF16);
    cr_expect_eq(trip(DNN_T_F16, 1.0), 1.0);
    cr_expect_eq(trip(DNN_T_F16, 65504.0), 65504.0);
    cr_expect_eq(trip(DNN_T_F16, 65519.99), 65504.0);
    cr_expect_eq(trip(DNN_T_F16, 65520.0), HUGE_VAL);
    cr_expect_eq(trip(DNN_T_F16, -1e10), -HUGE_VAL);
    cr_expect_eq(trip(DNN_T_F16, 1.0 + 0x1p-11), 1.0);
    cr_expect_eq(trip(DNN_T_F16, 1.0 + 0x3p-11), 1.0 + 0x1p-9);
    cr_expect_eq(trip(DNN_T_F16, 1.0 + 0x1p-11 + 0x1p-40), 1.0 + 0x1p-10);
    cr_expect_eq(trip(DNN_T_F16, 0x1p-24), 0x1p-24);
    cr_expect_eq(trip(DNN_T_F16, 0x1p-25), 0.0);
    cr_expect_eq(trip(DNN_T_F16, 0x1.8p-25), 0x1p-24);
    cr_expect_eq(trip(DNN_T_F16, 0x1.ffffp-15), 0x1p-14);
    cr_expect_eq(trip(DNN_T_BF16, 3.0e38), 0x1.c4p127);
    cr_expect_eq(trip(DNN_T_BF16, 0x1p128), HUGE_VAL);
    cr_expect_eq(trip(DNN_T_BF16, 0x1p-133), 0x1p-133);
    cr_expect_eq(trip(DNN_T_BF16, 1e-300), 0.0);
    cr_expect(signbit(trip(DNN_T_BF16, -1e-300)));
}

Test(dtype, exact_integers)
{
    float half = 2.5f;
    double big = 0x1p63, edge = -0x1p63;
    int64_t most = INT64_MAX;
    bool exact;

    cr_expect_eq(dnn__load_i64(DNN_T_F32, &half, &exact), 2);
    cr_expect_not(exact);
    cr_expect_eq(dnn__load_i64(DNN_T_F64, &big, &exact), INT64_MAX);
    cr_expect_not(exact);
    cr_expect_eq(dnn__load_i64(DNN_T_F64, &edge, &exact), INT64_MIN);
    cr_expect(exact);
    cr_expect_eq(dnn__load_i64(DNN_T_I64, &most, &exact), INT64_MAX);
    cr_expect(exact);
    cr_expect(dnn__fits(DNN_T_F16, 0.3));
    cr_expect(dnn__fits(DNN_T_U8, 255.0));
    cr_expect_not(dnn__fits(DNN_T_U8, 256.0));
    cr_expect_not(dnn__fits(DNN_T_U8, -1.0));
    cr_expect_not(dnn__fits(DNN_T_I32, 0.5));
    cr_expect_not(dnn__fits(DNN_T_I64, 0x1p63));
    cr_expect_not(dnn__fits(DNN_T_I64, (double)NAN));
    cr_expect_not(dnn__fits(DNN_T_BOOL, 2.0));
}
