/* test_conv.c - tests conv2d: values, options, gradients, empty dimensions, refusals. */
#include "unit.h"

TestSuite(conv, .init = unit_init, .fini = unit_fini, .timeout = 60);

static dnn_tensor *plane(void)
{
    return F64(S(1, 1, 3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9);
}

static dnn_tensor *kernel(void)
{
    return F64(S(1, 1, 2, 2), 1, 0, 0, 1);
}

Test(conv, values_and_options)
{
    dnn_tensor *x = plane(), *w = kernel();

    EXPECT(dnn_conv2d(x, w, NULL), DNN_T_F64, S(1, 1, 2, 2), 6, 8, 12, 14);
    EXPECT(dnn_conv2d(x, w, F64(S(1), 100)), DNN_T_F64, S(1, 1, 2, 2), 106, 108, 112, 114);
    EXPECT(dnn_conv2d(x, w, NULL, .stride = 2), DNN_T_F64, S(1, 1, 1, 1), 6);
    EXPECT(dnn_conv2d(x, w, NULL, .dilation = 2), DNN_T_F64, S(1, 1, 1, 1), 10);
    EXPECT(dnn_conv2d(x, w, NULL, .padding = 1, .stride = 3), DNN_T_F64, S(1, 1, 2, 2), 1, 0, 0, 9);
    EXPECT(dnn_conv2d(x, w, NULL, .pad_top = 1), DNN_T_F64, S(1, 1, 3, 2), 2, 3, 6, 8, 12, 14);
    EXPECT(dnn_conv2d(x, w, NULL, .same = true), DNN_T_F64, S(1, 1, 3, 3), 6, 8, 3, 12, 14, 6, 7, 8,
           9);
    EXPECT(dnn_conv2d(dnn_select(x, 0, 0), w, NULL), DNN_T_F64, S(1, 2, 2), 6, 8, 12, 14);
}

Test(conv, groups_split_the_channels)
{
    dnn_tensor *x = F64(S(1, 2, 1, 2), 1, 2, 3, 4), *w = F64(S(2, 1, 1, 1), 10, 100);

    EXPECT(dnn_conv2d(x, w, NULL, .groups = 2), DNN_T_F64, S(1, 2, 1, 2), 10, 20, 300, 400);
}

Test(conv, empty_sides)
{
    EXPECT_EMPTY(dnn_conv2d(dnn_zeros(S(0, 1, 3, 3)), dnn_zeros(S(2, 1, 2, 2)), NULL), DNN_T_F32,
                 S(0, 2, 2, 2));
    EXPECT(dnn_conv2d(dnn_zeros(S(1, 0, 2, 2)), dnn_zeros(S(1, 0, 2, 2)), F32(S(1), 7)), DNN_T_F32,
           S(1, 1, 1, 1), 7);
}

Test(conv, what_does_not_fit_is_refused)
{
    dnn_tensor *x = dnn_ones(S(1, 4, 3, 3)), *w = dnn_ones(S(6, 4, 2, 2));

    EXPECT_FAIL_KEEPS(x, dnn_conv2d(x, dnn_ones(S(6, 3, 2, 2)), NULL), "conv2d", "4", "[6,3,2,2]");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .stride = -1), "conv2d", "stride", "-1");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .dilation = -2), "conv2d", "dilation", "-2");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .padding = -1), "conv2d", "padding", "-1");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .groups = 3), "conv2d", "3", "4");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .groups = -1), "conv2d", "groups", "-1");
    EXPECT_FAIL(dnn_conv2d(x, dnn_ones(S(6, 4, 5, 2)), NULL), "conv2d", "5", "3");
    EXPECT_FAIL(dnn_conv2d(x, dnn_ones(S(6, 4, 0, 2)), NULL), "conv2d", "0");
    EXPECT_FAIL(dnn_conv2d(x, dnn_ones(S(0, 4, 2, 2)), NULL), "conv2d", "0");
    EXPECT_FAIL(dnn_conv2d(x, w, dnn_ones(S(5))), "conv2d", "bias", "[5]", "6");
    EXPECT_FAIL(dnn_conv2d(dnn_ones(S(3, 3)), w, NULL), "conv2d", "[3,3]");
    EXPECT_FAIL(dnn_conv2d(x, dnn_ones(S(6, 4, 2)), NULL), "conv2d", "[6,4,2]");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .dilation = INT32_MAX), "conv2d");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .padding = INT32_MAX, .pad_top = INT32_MAX), "conv2d",
                "32 bits");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .same = true, .stride = 2), "conv2d", "same", "2");
    EXPECT_FAIL(dnn_conv2d(x, w, NULL, .same = true, .padding = 1), "conv2d", "same");
    EXPECT_FAIL(dnn_conv2d(x, dnn_to(w, .dtype = DNN_T_F64), NULL), "conv2d", "f32", "f64");
    EXPECT_FAIL(dnn_conv2d(dnn_to(x, .dtype = DNN_T_I64), dnn_to(w, .dtype = DNN_T_I64), NULL),
                "conv2d", "i64");
    EXPECT_FAIL(dnn_conv2d(NULL, w, NULL), "conv2d", "NULL");
    EXPECT_FAIL(dnn_conv2d(x, NULL, NULL), "conv2d", "NULL");
}

Test(conv, gradients)
{
    dnn_tensor *x = unit_leaf(plane()), *w = unit_leaf(kernel()), *bias = LEAF(S(1), 0);

    unit_backward(dnn_conv2d(x, w, bias));
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 1, 1, 0, 1, 2, 1, 0, 1, 1);
    EXPECT(dnn_grad(w), DNN_T_F64, S(1, 1, 2, 2), 12, 16, 24, 28);
    EXPECT(dnn_grad(bias), DNN_T_F64, S(1), 4);
}

Test(conv, gradients_of_gradients_are_convolutions)
{
    dnn_tensor *x = unit_leaf(plane()), *w = unit_leaf(kernel()), *dx, *dw;

    cr_assert_eq(dnn_backward(dnn_sum(dnn_square(dnn_conv2d(x, w, NULL, .stride = 2))),
                              .create_graph = true),
                 DNN_OK, "%s", dnn_error_message());
    /* y = x0 w0 + x1 w1 + x3 w2 + x4 w3 = 6; dw = 2 y x, dx = 2 y w. */
    dw = dnn_retain(dnn_grad(w));
    dx = dnn_retain(dnn_grad(x));
    EXPECT(dw, DNN_T_F64, S(1, 1, 2, 2), 12, 24, 48, 60);
    EXPECT(dx, DNN_T_F64, S(1, 1, 3, 3), 12, 0, 0, 0, 12, 0, 0, 0, 0);
    cr_assert(dnn_set_grad(x, NULL) == DNN_OK && dnn_set_grad(w, NULL) == DNN_OK);
    /* sum(dw) = 2 y (x0 + x1 + x3 + x4) = 24 y: to w 24 x, to x 24 w + 2 y = 24 w + 12. */
    cr_assert_eq(dnn_backward(dnn_sum(dw), .retain_graph = true), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(dnn_grad(w), DNN_T_F64, S(1, 1, 2, 2), 24, 48, 96, 120);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 36, 12, 0, 12, 36, 0, 0, 0, 0);
    cr_assert(dnn_set_grad(x, NULL) == DNN_OK && dnn_set_grad(w, NULL) == DNN_OK);
    /* sum(dx) = 2 y (w0 + w1 + w2 + w3) = 4 y: to w 4 x + 2 y, to x 4 w. */
    cr_assert_eq(dnn_backward(dnn_sum(dx)), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(w), DNN_T_F64, S(1, 1, 2, 2), 16, 20, 28, 32);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 4, 0, 0, 0, 4, 0, 0, 0, 0);
    dnn_release(dw);
    dnn_release(dx);
}
