/* test_creation.c - tests new tensors, casts, copies and fills: values, options, refusals. */
#include "unit.h"

TestSuite(creation, .init = unit_init, .fini = unit_fini, .timeout = 60);

Test(creation, fills_have_their_value_dtype_and_shape)
{
    EXPECT(dnn_zeros(S(2, 2)), DNN_T_F32, S(2, 2), 0, 0, 0, 0);
    EXPECT(dnn_ones(S(3), .dtype = DNN_T_I64), DNN_T_I64, S(3), 1, 1, 1);
    EXPECT(dnn_full(S(2), 2.5, .dtype = DNN_T_F64), DNN_T_F64, S(2), 2.5, 2.5);
    EXPECT(dnn_full(S(2), 1, .dtype = DNN_T_BOOL), DNN_T_BOOL, S(2), 1, 1);
    EXPECT(dnn_full(DNN_SCALAR, NAN), DNN_T_F32, DNN_SCALAR, NAN);
    EXPECT(dnn_scalar(-7, .dtype = DNN_T_I32), DNN_T_I32, DNN_SCALAR, -7);
    EXPECT_EMPTY(dnn_zeros(S(0, 3)), DNN_T_F32, S(0, 3));
    EXPECT_EMPTY(dnn_empty(S(2, 0), .dtype = DNN_T_U8), DNN_T_U8, S(2, 0));
}

Test(creation, full_i64_is_exact_beyond_2_53)
{
    const int64_t value = (INT64_C(1) << 53) + 1;
    int64_t got = 0;

    cr_assert_eq(read_value_i64(dnn_full_i64(value, (dnn_create_args){.shape = DNN_SCALAR}), &got),
                 DNN_OK);
    cr_assert_eq(got, value);
    EXPECT_FAIL(dnn_full_i64(300, (dnn_create_args){.shape = S(1), .dtype = DNN_T_U8}), "full_i64",
                "300", "u8");
}

Test(creation, like_takes_shape_dtype_and_device_of_the_other)
{
    dnn_tensor *x = T(DNN_T_I32, S(2), 4, 5);

    EXPECT(dnn_zeros_like(x), DNN_T_I32, S(2), 0, 0);
    EXPECT(dnn_ones_like(x, .dtype = DNN_T_F64), DNN_T_F64, S(2), 1, 1);
    EXPECT(dnn_full_like(x, 9), DNN_T_I32, S(2), 9, 9);
    cr_assert_str_eq(dnn_device_of(dnn_empty_like(x)), dnn_device_of(x));
    cr_assert_eq(dnn_dtype_of(dnn_rand_like(x, .dtype = DNN_T_F32)), DNN_T_F32);
    cr_assert_eq(dnn_numel(dnn_randn_like(x, .dtype = DNN_T_F32)), 2);
    EXPECT_FAIL(dnn_zeros_like(NULL), "zeros_like", "NULL");
}

Test(creation, bad_shapes_dtypes_and_devices_are_refused)
{
    EXPECT_FAIL(dnn_zeros(S(2, -1)), "zeros", "-1");
    EXPECT_FAIL(dnn_zeros(S(INT64_MAX, 2)), "zeros");
    EXPECT_FAIL(dnn_empty(S(INT64_C(1) << 40, INT64_C(1) << 40)), "empty");
    EXPECT_FAIL(dnn_empty_with((dnn_create_args){.shape = {.ndim = 9, .dim = {1}}}), "empty", "9",
                "8");
    EXPECT_FAIL(dnn_empty_with((dnn_create_args){.shape = {.ndim = -1, .dim = {1}}}), "empty",
                "-1");
    EXPECT_FAIL(dnn_zeros(S(2), .dtype = 3), "zeros", "3");
    EXPECT_FAIL(dnn_full(S(2), 0.5, .dtype = DNN_T_I64), "full", "0.5", "i64", "cast");
    EXPECT_FAIL(dnn_full(S(2), 256, .dtype = DNN_T_U8), "full", "256", "u8");
    EXPECT_FAIL(dnn_rand(S(2), .dtype = DNN_T_I64), "i64");
    EXPECT_FAIL(dnn_scalar(0.5, .dtype = DNN_T_I64), "scalar", "0.5");
    cr_assert_null(dnn_zeros(S(2), .device = "nosuch"));
    cr_assert_eq(dnn_take_error(), DNN_E_DEVICE);
}

Test(creation, a_huge_request_says_so_and_the_process_lives_on)
{
    cr_assert_null(dnn_empty(S(INT64_C(1) << 45, 1 << 10)));
    cr_assert_eq(dnn_take_error(), DNN_E_NOMEM, "%s", dnn_error_message());
    EXPECT(dnn_ones(S(1)), DNN_T_F32, S(1), 1);
}

Test(creation, only_floats_may_require_gradients)
{
    cr_assert(dnn_requires_grad(dnn_zeros(S(2), .requires_grad = true)));
    EXPECT_FAIL(dnn_zeros(S(2), .dtype = DNN_T_I64, .requires_grad = true), "zeros", "i64",
                "gradient");
    EXPECT_FAIL(dnn_requires_grad_(I64(S(1), 1), true), "i64");
}

Test(creation, an_error_that_waits_makes_operators_return_null)
{
    cr_assert_null(dnn_zeros(S(-1)));
    cr_assert_null(dnn_ones(S(1)));
    cr_assert_eq(dnn_take_error(), DNN_E_INVALID);
    cr_assert_not_null(strstr(dnn_error_message(), "zeros"));
    cr_assert_not_null(dnn_ones(S(1)));
}

Test(creation, data_is_copied_and_checked)
{
    float values[4] = {1, 2, 3, 4};
    uint8_t truth[2] = {1, 2};
    dnn_tensor *t = dnn_from_data(values, S(2, 2));

    values[0] = 9;
    EXPECT(t, DNN_T_F32, S(2, 2), 1, 2, 3, 4);
    EXPECT_FAIL(dnn_from_data(NULL, S(2)), "from_data", "NULL");
    EXPECT_FAIL(dnn_from_data(truth, S(2), .dtype = DNN_T_BOOL), "from_data", "element 1", "2");
    EXPECT_EMPTY(dnn_from_data(NULL, S(0)), DNN_T_F32, S(0));
}

static void count_release(void *ctx)
{
    *(int *)ctx += 1;
}

Test(creation, a_buffer_is_shared_and_released_once)
{
    static double values[4] = {1, 2, 3, 4};
    int released = 0;

    {
        DNN_SCOPE();
        dnn_tensor *t = dnn_from_buffer(values, S(2, 2), DNN_T_F64, count_release, &released);
        dnn_tensor *row = dnn_select(t, 0, 1);

        values[3] = 8;
        EXPECT(row, DNN_T_F64, S(2), 3, 8);
        cr_assert_not_null(dnn_zero_(row));
        cr_assert_eq(values[2], 0.0);
        cr_assert_eq(released, 0);
    }
    cr_assert_eq(released, 1);
    EXPECT_FAIL(dnn_from_buffer((char *)values + 1, S(2), DNN_T_F64, count_release, &released),
                "from_buffer", "aligned");
    cr_assert_eq(released, 2);
    EXPECT_FAIL(dnn_from_buffer(NULL, S(2), DNN_T_F64, NULL, NULL), "from_buffer", "NULL");
}

Test(creation, ranges_count_as_pytorch_counts)
{
    EXPECT(dnn_arange(.end = 5, .dtype = DNN_T_I64), DNN_T_I64, S(5), 0, 1, 2, 3, 4);
    EXPECT(dnn_arange(.start = 1, .end = 0, .step = -0.25), DNN_T_F32, S(4), 1, 0.75, 0.5, 0.25);
    cr_assert_eq(dnn_numel(dnn_arange(.end = 4.1, .step = 0.1)), 41);
    EXPECT_EMPTY(dnn_arange(.start = 3, .end = 3, .dtype = DNN_T_I64), DNN_T_I64, S(0));
    EXPECT(dnn_arange(.end = 2, .step = 0), DNN_T_F32, S(2), 0, 1);
    EXPECT_FAIL(dnn_arange(.end = 5, .step = -1), "arange", "-1", "5");
    EXPECT_FAIL(dnn_arange(.end = 5, .step = 0.5, .dtype = DNN_T_I64), "arange", "0.5", "i64");
    EXPECT_FAIL(dnn_arange(.end = 300, .dtype = DNN_T_U8), "arange", "299", "u8");
    EXPECT_FAIL(dnn_arange(.end = INFINITY), "arange", "inf");
    EXPECT_FAIL(dnn_arange(.end = 2, .dtype = DNN_T_BOOL), "arange", "bool");
    EXPECT(dnn_linspace(0, 1, 5), DNN_T_F32, S(5), 0, 0.25, 0.5, 0.75, 1);
    EXPECT(dnn_linspace(3, 9, 1, .dtype = DNN_T_F64), DNN_T_F64, S(1), 3);
    EXPECT_EMPTY(dnn_linspace(0, 1, 0), DNN_T_F32, S(0));
    EXPECT_FAIL(dnn_linspace(0, 1, -2), "linspace", "-2");
    EXPECT_FAIL(dnn_linspace(0, 1, 2, .dtype = DNN_T_I64), "linspace", "i64");
    EXPECT(dnn_logspace(0, 3, 4), DNN_T_F32, S(4), 1, 10, 100, 1000);
    EXPECT_FAIL(dnn_logspace(0, 1, 2, .dtype = DNN_T_I64), "logspace", "i64");
    EXPECT(dnn_eye(2, .m = 3, .dtype = DNN_T_I64), DNN_T_I64, S(2, 3), 1, 0, 0, 0, 1, 0);
    EXPECT_FAIL(dnn_eye(-1, .m = 3), "eye", "-1");
}

Test(creation, casts_round_toward_zero_and_saturate)
{
    dnn_tensor *x = F64(S(5), -2.7, 2.7, NAN, 1e30, -1e30);

    EXPECT(dnn_to(x, .dtype = DNN_T_I32), DNN_T_I32, S(5), -2, 2, 0, INT32_MAX, INT32_MIN);
    EXPECT(dnn_to(x, .dtype = DNN_T_BOOL), DNN_T_BOOL, S(5), 1, 1, 1, 1, 1);
    cr_assert_eq(dnn_to(x, .dtype = DNN_T_F64), x);
    cr_assert_eq(dnn_to(x, .dtype = 0), x);
    EXPECT_FAIL(dnn_to(x, .dtype = 3), "to: dtype 3");
    EXPECT_FAIL(dnn_to(NULL, .dtype = DNN_T_F32), "to: x is NULL");
}

Test(creation, the_gradient_of_a_cast_is_cast_back)
{
    dnn_tensor *x = LEAF(S(2), 1, 2);

    unit_backward(dnn_mul(dnn_to(x, .dtype = DNN_T_F32), 3));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 3, 3);
}

Test(creation, copies_are_dense_and_their_own)
{
    dnn_tensor *x = F32(S(2, 2), 1, 2, 3, 4), *t = dnn_t(x), *c = dnn_clone(t);

    cr_assert(dnn_is_contiguous(c) && !dnn_is_contiguous(t));
    cr_assert_not_null(dnn_zero_(x));
    EXPECT(c, DNN_T_F32, S(2, 2), 1, 3, 2, 4);
    cr_assert_eq(dnn_contiguous(x), x);
    cr_assert_neq(dnn_contiguous(t), t);
    cr_assert_eq(dnn_to(x, .device = "cpu"), x);
    cr_assert_null(dnn_to(x, .device = "nosuch"));
    cr_assert_eq(dnn_take_error(), DNN_E_DEVICE);
}

Test(creation, assignment_broadcasts_casts_and_refuses)
{
    dnn_tensor *x = F32(S(2, 2), 1, 2, 3, 4), *row = I64(S(2), 7, 8);

    EXPECT(dnn_copy_(x, row), DNN_T_F32, S(2, 2), 7, 8, 7, 8);
    EXPECT_FAIL_KEEPS(x, dnn_copy_(x, dnn_zeros(S(3))), "copy", "[3]", "[2,2]");
    EXPECT(dnn_fill_(dnn_select(x, 1, 0), 0), DNN_T_F32, S(2), 0, 0);
    EXPECT(x, DNN_T_F32, S(2, 2), 0, 8, 0, 8);
    EXPECT_FAIL_KEEPS(row, dnn_fill_(row, 1.5), "fill", "1.5", "i64");
    EXPECT_FAIL_KEEPS(x, dnn_fill_(dnn_expand(dnn_select(x, 0, 0), S(3, 2)), 1), "fill", "clone");
    EXPECT_FAIL(dnn_fill_(NULL, 1), "fill", "NULL");
    EXPECT_FAIL(dnn_copy_(x, NULL), "copy", "NULL");
}

Test(creation, a_leaf_that_wants_a_gradient_is_changed_under_no_grad_only)
{
    dnn_tensor *x = LEAF(S(2), 1, 2);

    EXPECT_FAIL_KEEPS(x, dnn_zero_(x), "fill", "DNN_NO_GRAD");
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        cr_assert_eq(dnn_fill_(x, 5), x);
    }
    EXPECT(x, DNN_T_F64, S(2), 5, 5);
}
