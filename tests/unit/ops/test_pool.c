/* test_pool.c - tests pooling: values, options, indices, gradients, refusals. */
#include "unit.h"
#include "call.h"

TestSuite(pool, .init = unit_init, .fini = unit_fini, .timeout = 60);

static dnn_tensor *plane(void)
{
    return F64(S(1, 1, 3, 3), 1, 2, 3, 4, 9, 6, 7, 8, 5);
}

Test(pool, the_largest_of_each_window)
{
    dnn_tensor *x = plane(), *places = NULL;

    EXPECT(dnn_max_pool2d(x, .kernel = 2), DNN_T_F64, S(1, 1, 1, 1), 9);
    EXPECT(dnn_max_pool2d(x, .kernel = 2, .stride = 1, .indices = &places), DNN_T_F64,
           S(1, 1, 2, 2), 9, 9, 9, 9);
    EXPECT(places, DNN_T_I64, S(1, 1, 2, 2), 4, 4, 4, 4);
    EXPECT(dnn_max_pool2d(x, .kernel = 2, .ceil_mode = true), DNN_T_F64, S(1, 1, 2, 2), 9, 6, 8, 5);
    EXPECT(dnn_max_pool2d(x, .kernel = 2, .padding = 1), DNN_T_F64, S(1, 1, 2, 2), 1, 3, 7, 9);
    EXPECT(dnn_max_pool2d(x, .kernel = 2, .dilation = 2, .stride = 1), DNN_T_F64, S(1, 1, 1, 1), 7);
    EXPECT(dnn_max_pool2d(dnn_select(x, 0, 0), .kernel_h = 1, .kernel_w = 3, .indices = &places),
           DNN_T_F64, S(1, 3, 1), 3, 9, 8);
    EXPECT(places, DNN_T_I64, S(1, 3, 1), 2, 4, 7);
    EXPECT_EMPTY(dnn_max_pool2d(dnn_zeros(S(0, 1, 4, 4)), .kernel = 2), DNN_T_F32, S(0, 1, 2, 2));
}

Test(pool, the_mean_of_each_window)
{
    dnn_tensor *x = plane();

    EXPECT(dnn_avg_pool2d(x, .kernel = 2), DNN_T_F64, S(1, 1, 1, 1), 4);
    EXPECT(dnn_avg_pool2d(x, .kernel = 2, .padding = 1), DNN_T_F64, S(1, 1, 2, 2), 0.25, 1.25, 2.75,
           7);
    EXPECT(dnn_avg_pool2d(x, .kernel = 2, .padding = 1, .exclude_pad = true), DNN_T_F64,
           S(1, 1, 2, 2), 1, 2.5, 5.5, 7);
    EXPECT(dnn_avg_pool2d(x, .kernel = 2, .divisor = 1), DNN_T_F64, S(1, 1, 1, 1), 16);
    EXPECT(dnn_adaptive_avg_pool2d(x, 1, 1), DNN_T_F64, S(1, 1, 1, 1), 5);
    EXPECT(dnn_adaptive_avg_pool2d(x, 2, 1), DNN_T_F64, S(1, 1, 2, 1), 25.0 / 6, 6.5);
    EXPECT_EMPTY(dnn_adaptive_avg_pool2d(x, 0, 2), DNN_T_F64, S(1, 1, 0, 2));
    EXPECT(dnn_adaptive_avg_pool2d(dnn_select(x, 0, 0), 1, 3), DNN_T_F64, S(1, 1, 3), 4, 19.0 / 3,
           14.0 / 3);
}

Test(pool, adaptive_max_gives_places)
{
    dnn_tensor *x = plane(), *places = NULL;

    EXPECT(dnn_adaptive_max_pool2d(x, 2, 2, &places), DNN_T_F64, S(1, 1, 2, 2), 9, 9, 9, 9);
    EXPECT(places, DNN_T_I64, S(1, 1, 2, 2), 4, 4, 4, 4);
    EXPECT(dnn_adaptive_max_pool2d(dnn_select(x, 0, 0), 1, 1, NULL), DNN_T_F64, S(1, 1, 1), 9);
}

Test(pool, what_does_not_fit_is_refused)
{
    dnn_tensor *x = plane(), *thin = dnn_zeros(S(1, 1, 2, 2)), *places = x;

    EXPECT_FAIL_KEEPS(x, dnn_max_pool2d(x), "max_pool2d", "kernel 0");
    EXPECT_FAIL(dnn_max_pool2d(x, .kernel = 2, .stride = -1), "max_pool2d", "stride -1");
    EXPECT_FAIL(dnn_max_pool2d(x, .kernel = 2, .dilation = -1), "max_pool2d", "dilation -1");
    EXPECT_FAIL(dnn_max_pool2d(x, .kernel = 2, .padding = 2), "max_pool2d", "padding 2", "1");
    EXPECT_FAIL(dnn_max_pool2d(x, .kernel = 2, .padding = -1), "max_pool2d", "-1");
    EXPECT_FAIL(dnn_max_pool2d(x, .kernel = 4, .indices = &places), "max_pool2d", "4", "3");
    cr_assert_eq(places, x, "a failed call left its places alone");
    EXPECT_FAIL(dnn_max_pool2d(x, .kernel = INT32_MAX, .dilation = INT32_MAX), "max_pool2d", "3");
    EXPECT_FAIL(dnn_max_pool2d(thin, .kernel = 2, .padding = 1, .dilation = 3), "max_pool2d",
                "outside");
    EXPECT_FAIL(dnn_max_pool2d(dnn_zeros(S(1, 1, 0, 3)), .kernel = 1), "max_pool2d", "height 0");
    EXPECT_FAIL(dnn_max_pool2d(dnn_zeros(S(3, 3)), .kernel = 2), "max_pool2d", "[3,3]");
    EXPECT_FAIL(dnn_max_pool2d(I64(S(1, 1, 1, 1), 1), .kernel = 1), "max_pool2d", "i64");
    EXPECT_FAIL(dnn_max_pool2d(NULL, .kernel = 1), "max_pool2d", "NULL");
    EXPECT_FAIL(dnn_avg_pool2d(x, .kernel = 2, .padding = INT64_MAX), "avg_pool2d", "padding");
    EXPECT_FAIL(dnn_avg_pool2d(x, .kernel = 2, .divisor = -1), "avg_pool2d", "-1");
    EXPECT_FAIL(dnn_adaptive_avg_pool2d(x, -1, 1), "adaptive_avg_pool2d", "-1");
    EXPECT_FAIL(dnn_adaptive_max_pool2d(x, INT64_MAX, 2, NULL), "adaptive_max_pool2d");
    EXPECT_FAIL(dnn_adaptive_max_pool2d(dnn_zeros(S(1, 1, 0, 1)), 1, 1, NULL),
                "adaptive_max_pool2d", "[1,1,0,1]");
    EXPECT_FAIL(dnn_adaptive_max_pool2d(NULL, 1, 1, NULL), "adaptive_max_pool2d", "NULL");
}

Test(pool, gradients)
{
    dnn_tensor *x = unit_leaf(plane());

    unit_backward(dnn_max_pool2d(x, .kernel = 2, .stride = 1));
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 0, 0, 0, 0, 4, 0, 0, 0, 0);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_avg_pool2d(x, .kernel = 2, .stride = 1));
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 0.25);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_adaptive_avg_pool2d(x, 1, 1));
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 1.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 9,
           1.0 / 9, 1.0 / 9, 1.0 / 9, 1.0 / 9);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_adaptive_max_pool2d(x, 1, 3, NULL));
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 0, 0, 0, 0, 1, 1, 1, 0, 0);
}

Test(pool, averages_can_be_differentiated_again)
{
    dnn_tensor *x = unit_leaf(plane()), *dx;

    cr_assert_eq(
        dnn_backward(dnn_sum(dnn_square(dnn_avg_pool2d(x, .kernel = 2))), .create_graph = true),
        DNN_OK, "%s", dnn_error_message());
    dx = dnn_retain(dnn_grad(x)); /* 2 y/4 = 2 in each of four places */
    EXPECT(dx, DNN_T_F64, S(1, 1, 3, 3), 2, 2, 0, 2, 2, 0, 0, 0, 0);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dx);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 0.5, 0.5, 0, 0.5, 0.5, 0, 0, 0, 0);
    dnn_release(dx);
}

/* dx of sum(y^2), recorded: a new reference. */
static dnn_tensor *recorded_gradient(dnn_tensor *x, dnn_tensor *y)
{
    dnn_tensor *dx;

    cr_assert_eq(dnn_backward(dnn_sum(dnn_square(y)), .create_graph = true), DNN_OK, "%s",
                 dnn_error_message());
    dx = dnn_retain(dnn_grad(x));
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    return dx;
}

Test(pool, maxima_of_disjoint_windows_can_be_differentiated_again)
{
    dnn_tensor *x = unit_leaf(plane()), *dx = recorded_gradient(x, dnn_max_pool2d(x, .kernel = 2));

    EXPECT(dx, DNN_T_F64, S(1, 1, 3, 3), 0, 0, 0, 0, 18, 0, 0, 0, 0);
    unit_backward(dx);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 0, 0, 0, 0, 2, 0, 0, 0, 0);
    dnn_release(dx);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    dx = recorded_gradient(x, dnn_adaptive_max_pool2d(x, 1, 3, NULL));
    EXPECT(dx, DNN_T_F64, S(1, 1, 3, 3), 0, 0, 0, 0, 18, 12, 14, 0, 0);
    unit_backward(dx);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1, 1, 3, 3), 0, 0, 0, 0, 2, 2, 2, 0, 0);
    dnn_release(dx);
}

Test(pool, maxima_of_overlapping_windows_cannot_be_differentiated_again)
{
    dnn_tensor *x = unit_leaf(plane());
    dnn_tensor *dx = recorded_gradient(x, dnn_max_pool2d(x, .kernel = 2, .stride = 1));

    EXPECT(dx, DNN_T_F64, S(1, 1, 3, 3), 0, 0, 0, 0, 72, 0, 0, 0, 0);
    EXPECT_STATUS_FAIL(dnn_backward(dnn_sum(dx)), "max_pool2d_bwd",
                       "cannot be differentiated again");
    dnn_release(dx);
}

/* Found by op_args: the gradient was written before the place was found to be wrong. */
Test(pool, a_place_outside_its_plane_is_refused_before_anything_is_written)
{
    dnn_tensor *dy = F32(S(1, 1, 1, 2), 1, 1), *dx = F32(S(1, 1, 1, 4), 6, 7, 8, 9);
    dnn_tensor *in[] = {dy, T(DNN_T_I32, S(1, 1, 1, 2), 0, 4)};

    EXPECT_FAIL_KEEPS(dx, dnn__call_to(DNN_OP_max_pool2d_bwd, dx, in, 2, NULL),
                      "max_pool2d_bwd: index 4", "place 1", "1 x 4");
    in[1] = T(DNN_T_I32, S(1, 1, 1, 2), 0, -1);
    EXPECT_FAIL_KEEPS(dx, dnn__call_to(DNN_OP_max_pool2d_bwd, dx, in, 2, NULL), "index -1");
}
