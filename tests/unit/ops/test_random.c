/* test_random.c - tests random fills and dropout: seeds, ranges, statistics, the gradient,
 * refusals. */
#include "unit.h"

TestSuite(random, .init = unit_init, .fini = unit_fini, .timeout = 60);

static double mean_of(dnn_tensor *t)
{
    double mean = NAN;

    cr_assert_eq(read_value(dnn_mean(dnn_to(t, .dtype = DNN_T_F64)), &mean), DNN_OK, "%s",
                 dnn_error_message());
    return mean;
}

Test(random, the_same_seed_gives_the_same_numbers)
{
    dnn_tensor *a, *b, *c;
    bool same = false;

    dnn_manual_seed(7);
    a = dnn_rand(S(100));
    b = dnn_rand(S(100));
    dnn_manual_seed(7);
    c = dnn_rand(S(100));
    cr_assert(dnn_equal(a, c, &same) == DNN_OK && same);
    cr_assert(dnn_equal(a, b, &same) == DNN_OK && !same);
}

Test(random, numbers_have_their_range_and_mean)
{
    dnn_tensor *u = dnn_uniform_(dnn_empty(S(100000)), -1, 3),
               *n = dnn_normal_(dnn_empty(S(100000)), 2, 0.5);
    dnn_tensor *b = dnn_bernoulli_(dnn_empty(S(100000)), 0.25),
               *flags = dnn_bernoulli_(dnn_empty(S(100), .dtype = DNN_T_BOOL), 1);
    double low = 0, high = 0;

    cr_assert(read_value(dnn_min(u), &low) == DNN_OK && read_value(dnn_max(u), &high) == DNN_OK);
    cr_assert(low >= -1 && high < 3 && low < -0.99 && high > 2.99);
    cr_assert_float_eq(mean_of(u), 1, 0.02);
    cr_assert_float_eq(mean_of(n), 2, 0.02);
    cr_assert_float_eq(mean_of(dnn_square(dnn_sub(n, 2))), 0.25, 0.01);
    cr_assert_float_eq(mean_of(b), 0.25, 0.01);
    cr_assert_eq(mean_of(flags), 1);
    cr_assert_eq(mean_of(dnn_bernoulli_(dnn_empty(S(10)), 0)), 0);
    EXPECT_EMPTY(dnn_rand(S(0)), DNN_T_F32, S(0));
}

Test(random, numbers_out_of_range_are_refused)
{
    dnn_tensor *x = F32(S(2), 1, 2), *i = I64(S(2), 1, 2);

    EXPECT_FAIL_KEEPS(x, dnn_uniform_(x, 2, 1), "uniform", "2", "1");
    EXPECT_FAIL(dnn_uniform_(x, 0, INFINITY), "uniform", "inf");
    EXPECT_FAIL_KEEPS(i, dnn_uniform_(i, 0, 1), "uniform", "i64");
    EXPECT_FAIL(dnn_normal_(x, 0, -1), "normal", "-1");
    EXPECT_FAIL(dnn_normal_(NULL, 0, 1), "normal", "NULL");
    EXPECT_FAIL(dnn_bernoulli_(x, 1.5), "bernoulli", "1.5");
    EXPECT_FAIL(dnn_bernoulli_(x, NAN), "bernoulli", "nan");
    EXPECT_FAIL(dnn_bernoulli_(i, 0.5), "bernoulli", "i64");
}

Test(random, dropout_scales_what_it_keeps)
{
    dnn_tensor *x = dnn_ones(S(10000)), *y = dnn_dropout(x, 0.2), *values;

    cr_assert_float_eq(mean_of(y), 1, 0.02);
    values = dnn_logical_or(dnn_eq(y, 0), dnn_eq(y, 1.25));
    cr_assert_eq(mean_of(values), 1);
    cr_assert_eq(dnn_dropout(x, 0), x);
    EXPECT(dnn_dropout(F32(S(2), 3, INFINITY), 1), DNN_T_F32, S(2), 0, NAN);
}

Test(random, dropout_drops_the_same_places_backward)
{
    dnn_tensor *x = unit_leaf(dnn_ones(S(200), .dtype = DNN_T_F64)), *y = dnn_dropout(x, 0.5);
    bool same = false;

    unit_backward(y);
    cr_assert(dnn_equal(dnn_grad(x), dnn_detach(y), &same) == DNN_OK && same);
}

Test(random, dropout_refuses)
{
    dnn_tensor *x = F32(S(2), 1, 2);

    EXPECT_FAIL_KEEPS(x, dnn_dropout(x, -0.1), "dropout", "-0.1");
    EXPECT_FAIL(dnn_dropout(x, 1.1), "dropout", "1.1");
    EXPECT_FAIL(dnn_dropout(I64(S(1), 1), 0), "dropout", "i64");
    EXPECT_FAIL(dnn_dropout(NULL, 0.5), "dropout", "NULL");
}
