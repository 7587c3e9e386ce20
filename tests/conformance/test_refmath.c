/* test_refmath.c - tests the oracle itself: Philox against the known answers of Random123, and
 * operators against numbers that were worked out by hand. */
#include "refmath.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static int passed, failed;

static void check(bool good, const char *what)
{
    passed += good;
    failed += !good;
    if (!good)
        printf("FAIL %s\n", what);
}

/* Lines "philox4x32 10" of Random123's kat_vectors. */
static void philox_gives_the_known_answers(void)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t out[4];

        ref_philox(known[i].counter, known[i].key, out);
        check(memcmp(out, known[i].out, sizeof out) == 0, "Philox4x32-10, known answer");
    }
}

static void rounding_is_to_nearest_even(void)
{
    check(ref_rounded(DNN_T_F16, 65520) == INFINITY && ref_rounded(DNN_T_F16, 65519) == 65504,
          "f16 at its top");
    check(ref_rounded(DNN_T_F16, 2049) == 2048 && ref_rounded(DNN_T_F16, 2051) == 2052,
          "f16 ties to even");
    check(ref_rounded(DNN_T_F16, 0x1p-25) == 0 && ref_rounded(DNN_T_F16, 0x1.8p-25) == 0x1p-24,
          "f16 at its bottom");
    check(ref_rounded(DNN_T_BF16, 257) == 256 && ref_rounded(DNN_T_BF16, 259) == 260,
          "bf16 ties to even");
    check(isinf(ref_rounded(DNN_T_F32, 1e300)) && isnan(ref_rounded(DNN_T_F16, NAN)),
          "infinity and NaN stay");
    check(ref_wrap(DNN_T_I8, 128) == -128 && ref_wrap(DNN_T_U8, -1) == 255, "integers wrap");
}

static void run(ref_fn *row, const ref_array *a, const ref_array *b, ref_array *y, const void *attr)
{
    ref_call c = {.n_in = b != NULL ? 2 : 1, .n_out = 1, .in = {a, b}, .out = {y}, .attr = attr};

    row(&c);
}

static void rows_give_what_hands_give(void)
{
    double x4[] = {1, 2, 3, 4}, w4[] = {1, 0, 0, 1}, y[4], logits[] = {0, log(3.0)};
    ref_array a = {DNN_T_F64, 2, {2, 2}, 4, x4, NULL}, b = {DNN_T_F64, 2, {2, 2}, 4, w4, NULL};
    ref_array out = {DNN_T_F64, 2, {2, 2}, 4, y, NULL}, z = {DNN_T_F64, 1, {2}, 2, logits, NULL};
    ref_array two = {DNN_T_F64, 1, {2}, 2, y, NULL},
              image = {DNN_T_F64, 4, {1, 1, 2, 2}, 4, x4, NULL};
    ref_array kernel = {DNN_T_F64, 4, {1, 1, 2, 2}, 4, w4, NULL},
              one = {DNN_T_F64, 4, {1, 1, 1, 1}, 1, y, NULL};
    dnn_attr_reduce rows = {.size = sizeof rows, .dims = 2};
    dnn_attr_dim first = {.size = sizeof first};
    dnn_attr_conv2d plain = {sizeof plain, 1, 1, 0, 0, 0, 0, 1, 1, 1};

    run(ref_matmul, &a, &b, &out, NULL);
    check(y[0] == 1 && y[1] == 2 && y[2] == 3 && y[3] == 4, "matmul by the unit matrix");
    run(ref_sum, &a, NULL, &two, &rows);
    check(y[0] == 3 && y[1] == 7, "sum of rows");
    run(ref_softmax, &z, NULL, &two, &first);
    check(fabs(y[0] - 0.25) < 1e-15 && fabs(y[1] - 0.75) < 1e-15, "softmax of 0 and log 3");
    run(ref_conv2d, &image, &kernel, &one, &plain);
    check(y[0] == 5, "convolution with the diagonal");
    run(ref_remainder, &a, &b, &out, NULL);
    check(y[0] == 0 && isnan(y[1]), "remainder by one and by nothing");
}

int main(void)
{
    philox_gives_the_known_answers();
    rounding_is_to_nearest_even();
    rows_give_what_hands_give();
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
