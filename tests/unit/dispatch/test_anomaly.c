/* test_anomaly.c - tests anomaly mode: it names the operator, forward, backward and in custom
 * functions; it accepts values that are no anomaly; it changes nothing else. */
#include "call.h"
#include "unit.h"

static void anomaly_init(void)
{
    unit_init();
    dnn_set_anomaly(true);
}

static void anomaly_fini(void)
{
    dnn_set_anomaly(false);
    unit_fini();
}

TestSuite(anomaly, .init = anomaly_init, .fini = anomaly_fini, .timeout = 60);

Test(anomaly, an_operator_that_makes_a_nan_is_named)
{
    dnn_tensor *x = F64(S(2, 2), 1, 4, -1, -9);

    EXPECT_FAIL(dnn_sqrt(x), "sqrt: anomaly", "output 0 [2,2] f64", "2 NaN", "first at [1,0]",
                "inputs are finite", "inputs: [2,2] f64");
    EXPECT(dnn_sqrt(F64(S(1), 4)), DNN_T_F64, S(1), 2);
}

Test(anomaly, an_operator_that_makes_an_infinity_is_named)
{
    EXPECT_FAIL(dnn_div(F32(S(2), 1, 1), F32(S(2), 1, 0)), "div: anomaly", "1 infinities",
                "first at [1]", "[2] f32, [2] f32");
    EXPECT_FAIL(dnn_to(F64(S(1), 1e300), .dtype = DNN_T_F32), "copy: anomaly", "infinities");
}

Test(anomaly, what_held_a_nan_before_is_told_apart)
{
    dnn_tensor *data = F64(S(3), 1, NAN, 3), *w = F64(S(3), 1, 1, 1);

    EXPECT_FAIL(dnn_mul(w, data), "mul: anomaly", "1 NaN", "; b holds NaN already");
    EXPECT_FAIL(dnn_sub(F64(S(1), INFINITY), F64(S(1), INFINITY)), "sub: anomaly",
                "; a holds an infinity");
}

Test(anomaly, what_is_no_anomaly)
{
    dnn_tensor *x = F64(S(3), 1, NAN, -INFINITY), *mask = BOOL(S(3), 0, 1, 0);

    EXPECT(dnn_clone(x), DNN_T_F64, S(3), 1, NAN, -INFINITY);
    EXPECT(dnn_isnan(x), DNN_T_BOOL, S(3), 0, 1, 0);
    EXPECT(dnn_masked_fill(x, mask, 0), DNN_T_F64, S(3), 1, 0, -INFINITY);
    EXPECT(dnn_full(S(1), NAN, .dtype = DNN_T_F64), DNN_T_F64, S(1), NAN);
    EXPECT(dnn_softmax(dnn_masked_fill(F64(S(3), 1, 2, 1), mask, -INFINITY), 0), DNN_T_F64, S(3),
           0.5, 0, 0.5);
    EXPECT(dnn_add(F64(S(1), INFINITY), F64(S(1), 1)), DNN_T_F64, S(1), INFINITY);
    EXPECT(dnn_mul(I64(S(1), 3), I64(S(1), 2)), DNN_T_I64, S(1), 6);
    EXPECT_EMPTY(dnn_sqrt(dnn_zeros(S(0, 2))), DNN_T_F32, S(0, 2));
}

Test(anomaly, an_operator_in_place_leaves_the_tape_in_order)
{
    dnn_tensor *x = F64(S(2), 1, 0), *y = dnn_mul(LEAF(S(2), 1, 1), x);

    EXPECT_FAIL(dnn_div_(x, F64(S(2), 1, 0)), "div: anomaly", "first at [1]");
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "mul", "in place");
}

Test(anomaly, backward_names_the_operator_and_whose_gradient_it_was)
{
    dnn_tensor *x = LEAF(S(2, 2), 1, 4, 0, 9), *y;

    unit_backward(dnn_mul(x, 3));
    y = dnn_sum(dnn_sqrt(x));
    EXPECT_STATUS_FAIL(dnn_backward(y), "div: anomaly", "first at [1,0]", "in the backward of sqrt",
                       "which made [2,2] f64 of [2,2] f64");
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 3, 3, 3, 3);
    dnn_set_anomaly(false);
    unit_backward(dnn_sum(dnn_sqrt(x)));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 3.5, 3.25, INFINITY, 3 + 1.0 / 6);
}

Test(anomaly, a_net_that_is_finite_trains_as_ever)
{
    dnn_tensor *w = LEAF(S(2), 1, 2);
    dnn_optimizer *sgd = dnn_optim_sgd(DNN_TENSORS(w), 0.1, .momentum = 0.9);

    cr_expect(dnn_get_anomaly());
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(dnn_backward(dnn_sum(dnn_square(w))), DNN_OK, "%s", dnn_error_message());
        cr_assert_eq(dnn_step(sgd), DNN_OK, "%s", dnn_error_message());
        cr_assert_eq(dnn_zero_grad(sgd), DNN_OK);
    }
    EXPECT(w, DNN_T_F64, S(2), 0.46, 0.92);
    dnn_release(sgd);
}

/* ---- functions of the program ---- */

static dnn_status log_forward(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    double x = 0, y;

    (void)call;
    DNN_TRY(read_value(in[0], &x));
    y = log(x);
    out[0] = dnn_from_data(&y, DNN_SCALAR, .dtype = DNN_T_F64);
    return DNN_OK;
}

static dnn_status nan_backward(dnn_function_call *call, dnn_tensor *const *dout, dnn_tensor **din)
{
    double bad = NAN;

    (void)call;
    (void)dout;
    din[0] = dnn_from_data(&bad, DNN_SCALAR, .dtype = DNN_T_F64);
    return DNN_OK;
}

static const dnn_function my_log = {
    .name = "my_log", .forward = log_forward, .backward = nan_backward};

Test(anomaly, functions_of_the_program_are_named)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 1), *y = dnn_apply(&my_log, NULL, DNN_TENSORS(x));

    EXPECT_FAIL(dnn_apply(&my_log, NULL, DNN_TENSORS(F64(DNN_SCALAR, 0))), "my_log: anomaly",
                "infinities", "inputs: [] f64");
    EXPECT_STATUS_FAIL(dnn_backward(y), "my_log: anomaly", "NaN", "in the backward of my_log");
    cr_expect_null(dnn_grad(x));
}

/* ---- the environment ---- */

Test(anomaly_environment, it_is_on_or_off_or_an_error, .init = NULL)
{
    setenv("DNN_PLUGIN_PATH", DNN_TEST_PLUGIN_DIR, 0);
    setenv("DNN_ANOMALY", "yes", 1);
    EXPECT_STATUS_FAIL(dnn_init(NULL), "DNN_ANOMALY", "yes", "0 or 1");
    setenv("DNN_ANOMALY", "1", 1);
    unit_init();
    cr_expect(dnn_get_anomaly());
    EXPECT_FAIL(dnn_sqrt(F64(S(1), -1)), "sqrt: anomaly");
    unit_fini();
}
