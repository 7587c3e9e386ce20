/* test_loss.c - tests losses: values, reductions, ignored and smoothed classes, gradients,
 * refusals. */
#include "unit.h"

TestSuite(loss, .init = unit_init, .fini = unit_fini, .timeout = 60);

static dnn_tensor *logp(void)
{
    return F64(S(2, 3), -1, -2, -3, -4, -5, -6);
}

Test(loss, nll_loss_and_its_reductions)
{
    dnn_tensor *x = logp(), *t = I64(S(2), 0, 2), *w = F64(S(3), 1, 2, 3);

    EXPECT(dnn_nll_loss(x, t), DNN_T_F64, DNN_SCALAR, 3.5);
    EXPECT(dnn_nll_loss(x, t, .reduction = DNN_REDUCTION_SUM), DNN_T_F64, DNN_SCALAR, 7);
    EXPECT(dnn_nll_loss(x, t, .reduction = DNN_REDUCTION_NONE), DNN_T_F64, S(2), 1, 6);
    EXPECT(dnn_nll_loss(x, t, .weight = w), DNN_T_F64, DNN_SCALAR, 19.0 / 4);
    EXPECT(dnn_nll_loss(x, t, .ignore_index = 2), DNN_T_F64, DNN_SCALAR, 1);
    EXPECT(dnn_nll_loss(x, t, .ignore_zero = true), DNN_T_F64, DNN_SCALAR, 6);
    EXPECT(dnn_nll_loss(x, I64(S(2), -100, 1)), DNN_T_F64, DNN_SCALAR, 5);
    EXPECT(dnn_nll_loss(x, I64(S(2), -100, -100)), DNN_T_F64, DNN_SCALAR, NAN);
    EXPECT(dnn_nll_loss(x, I64(S(2), -100, -100), .reduction = DNN_REDUCTION_SUM), DNN_T_F64,
           DNN_SCALAR, 0);
    EXPECT(dnn_nll_loss(x, T(DNN_T_U8, S(2), 0, 2)), DNN_T_F64, DNN_SCALAR, 3.5);
    EXPECT(dnn_nll_loss(x, T(DNN_T_I32, S(2), 0, 2)), DNN_T_F64, DNN_SCALAR, 3.5);
    EXPECT(dnn_nll_loss(F64(S(3), -1, -2, -3), dnn_scalar(1, .dtype = DNN_T_I64)), DNN_T_F64,
           DNN_SCALAR, 2);
    EXPECT(dnn_nll_loss(F64(S(1, 2, 2), -1, -2, -3, -4), I64(S(1, 2), 0, 1),
                        .reduction = DNN_REDUCTION_NONE),
           DNN_T_F64, S(1, 2), 1, 4);
}

Test(loss, an_empty_batch_has_no_mean)
{
    dnn_tensor *x = dnn_zeros(S(0, 3)), *t = dnn_zeros(S(0), .dtype = DNN_T_I64);

    EXPECT(dnn_nll_loss(x, t), DNN_T_F32, DNN_SCALAR, NAN);
    EXPECT(dnn_cross_entropy(x, t, .reduction = DNN_REDUCTION_SUM), DNN_T_F32, DNN_SCALAR, 0);
    EXPECT_EMPTY(dnn_cross_entropy(x, t, .reduction = DNN_REDUCTION_NONE), DNN_T_F32, S(0));
    EXPECT(dnn_mse_loss(dnn_zeros(S(0)), dnn_zeros(S(0))), DNN_T_F32, DNN_SCALAR, NAN);
}

Test(loss, cross_entropy_is_nll_of_log_softmax)
{
    dnn_tensor *x = F64(S(2, 2), 0, log(3), 0, 0), *t = I64(S(2), 1, 0);
    double first = -log(0.75), second = log(2);

    EXPECT(dnn_cross_entropy(x, t), DNN_T_F64, DNN_SCALAR, (first + second) / 2);
    EXPECT(dnn_cross_entropy(x, t, .reduction = DNN_REDUCTION_NONE), DNN_T_F64, S(2), first,
           second);
    EXPECT(dnn_cross_entropy(x, t, .reduction = DNN_REDUCTION_NONE, .label_smoothing = 0.5),
           DNN_T_F64, S(2), 0.5 * first + 0.25 * (first - log(0.25)), second);
    EXPECT(dnn_cross_entropy(F64(S(2), 0, log(3)), dnn_scalar(1, .dtype = DNN_T_I64),
                             .reduction = DNN_REDUCTION_NONE),
           DNN_T_F64, DNN_SCALAR, first);
}

Test(loss, gradients_go_to_the_input)
{
    dnn_tensor *x = LEAF(S(2, 2), 0, log(3), 0, 0), *t = I64(S(2), 1, 0), *row = LEAF(S(2), 0, 0);

    unit_backward(dnn_cross_entropy(x, t));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 0.125, -0.125, -0.25, 0.25);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_nll_loss(x, t, .reduction = DNN_REDUCTION_SUM));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 0, -1, -1, 0);
    unit_backward(
        dnn_cross_entropy(row, dnn_scalar(0, .dtype = DNN_T_I64), .reduction = DNN_REDUCTION_NONE));
    EXPECT(dnn_grad(row), DNN_T_F64, S(2), -0.5, 0.5);
}

Test(loss, labels_out_of_range_are_named_with_row_and_value)
{
    dnn_tensor *x = logp(), *t = I64(S(2), 0, 3);

    EXPECT_FAIL_KEEPS(x, dnn_nll_loss(x, t), "nll_loss", "1", "3");
    EXPECT_FAIL_KEEPS(t, dnn_cross_entropy(x, t), "cross_entropy", "1", "3");
    EXPECT_FAIL(dnn_cross_entropy(x, I64(S(2), -1, 0)), "cross_entropy", "0", "-1");
}

Test(loss, what_does_not_fit_is_refused)
{
    dnn_tensor *x = logp(), *t = I64(S(2), 0, 2);

    EXPECT_FAIL_KEEPS(x, dnn_cross_entropy(x, I64(S(3), 0, 1, 2)), "cross_entropy", "[2,3]", "[3]");
    EXPECT_FAIL(dnn_cross_entropy(x, F64(S(2), 0, 1)), "cross_entropy", "target", "f64");
    EXPECT_FAIL(dnn_cross_entropy(I64(S(1, 1), 1), I64(S(1), 0)), "cross_entropy", "i64");
    EXPECT_FAIL(dnn_nll_loss(x, t, .weight = F64(S(2), 1, 1)), "nll_loss", "weight", "[2]", "3");
    EXPECT_FAIL(dnn_nll_loss(x, t, .weight = F32(S(3), 1, 1, 1)), "nll_loss", "f64", "f32");
    EXPECT_FAIL(dnn_nll_loss(x, t, .reduction = 3), "nll_loss", "3");
    EXPECT_FAIL(dnn_nll_loss(x, t, .ignore_zero = true, .ignore_index = 2), "nll_loss", "2");
    EXPECT_FAIL(dnn_cross_entropy(x, t, .label_smoothing = 1.5), "cross_entropy", "1.5");
    EXPECT_FAIL(dnn_cross_entropy(x, t, .label_smoothing = NAN), "cross_entropy", "nan");
    EXPECT_FAIL(dnn_nll_loss(F64(S(3), 1, 2, 3), I64(S(1), 1)), "nll_loss", "[3]", "[1]");
    EXPECT_FAIL(dnn_nll_loss(dnn_scalar(1), dnn_scalar(0, .dtype = DNN_T_I64)), "nll_loss", "[N,C");
    EXPECT_FAIL(dnn_cross_entropy(x, NULL), "cross_entropy", "NULL");
    EXPECT_FAIL(dnn_cross_entropy(NULL, t), "cross_entropy", "NULL");
}

Test(loss, squared_and_absolute_error)
{
    dnn_tensor *a = LEAF(S(2), 1, 4), *b = F64(S(2), 3, 4);

    EXPECT(dnn_mse_loss(a, b), DNN_T_F64, DNN_SCALAR, 2);
    EXPECT(dnn_mse_loss(a, b, .reduction = DNN_REDUCTION_NONE), DNN_T_F64, S(2), 4, 0);
    EXPECT(dnn_l1_loss(a, b, .reduction = DNN_REDUCTION_SUM), DNN_T_F64, DNN_SCALAR, 2);
    unit_backward(dnn_mse_loss(a, b));
    EXPECT(dnn_grad(a), DNN_T_F64, S(2), -2, 0);
    cr_assert_eq(dnn_set_grad(a, NULL), DNN_OK);
    unit_backward(dnn_l1_loss(a, b));
    EXPECT(dnn_grad(a), DNN_T_F64, S(2), -0.5, 0);
    EXPECT_FAIL_KEEPS(a, dnn_mse_loss(a, F64(S(2, 1), 1, 2)), "mse_loss", "[2]", "[2,1]");
    EXPECT_FAIL(dnn_mse_loss(a, F32(S(2), 1, 2)), "mse_loss", "f64", "f32");
    EXPECT_FAIL(dnn_l1_loss(I64(S(1), 1), I64(S(1), 1)), "l1_loss", "i64");
    EXPECT_FAIL(dnn_l1_loss(a, NULL), "l1_loss", "NULL");
    EXPECT_FAIL(dnn_mse_loss(a, b, .reduction = -1), "mse_loss", "-1");
}
