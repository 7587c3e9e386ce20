/* test_elementwise.c - tests elementwise operators: values, dtypes, broadcasting, gradients at the
 * edges, in-place calls, refusals. */
#include "unit.h"
#include "call.h"

TestSuite(elementwise, .init = unit_init, .fini = unit_fini, .timeout = 60);

Test(elementwise, arithmetic_broadcasts)
{
    dnn_tensor *a = F32(S(2, 1), 1, 2), *b = F32(S(3), 10, 20, 30);

    EXPECT(dnn_add(a, b), DNN_T_F32, S(2, 3), 11, 21, 31, 12, 22, 32);
    EXPECT(dnn_sub(b, a), DNN_T_F32, S(2, 3), 9, 19, 29, 8, 18, 28);
    EXPECT(dnn_mul(a, b), DNN_T_F32, S(2, 3), 10, 20, 30, 20, 40, 60);
    EXPECT(dnn_div(b, a), DNN_T_F32, S(2, 3), 10, 20, 30, 5, 10, 15);
    EXPECT_EMPTY(dnn_add(dnn_zeros(S(0, 3)), b), DNN_T_F32, S(0, 3));
}

Test(elementwise, shapes_that_do_not_broadcast_are_refused)
{
    dnn_tensor *a = F32(S(2), 1, 2), *b = F32(S(3), 1, 2, 3);

    EXPECT_FAIL_KEEPS(a, dnn_add(a, b), "add", "[2]", "[3]");
    EXPECT_FAIL(dnn_mul(dnn_zeros(S(0)), b), "mul", "[0]", "[3]");
    EXPECT_FAIL(dnn_add(a, NULL), "add: b is NULL");
    EXPECT_FAIL(dnn_add(NULL, a), "add: a is NULL");
    EXPECT_FAIL(dnn_add(dnn_expand(a, S(1 << 30, 1, 1, 2)), dnn_expand(a, S(1 << 30, 1 << 20, 2))),
                "add");
}

Test(elementwise, dtypes_meet_as_in_pytorch)
{
    dnn_tensor *i = T(DNN_T_I32, S(2), 1, 2), *u = T(DNN_T_U8, S(2), 200, 100),
               *flag = BOOL(S(2), 1, 0);

    EXPECT(dnn_add(i, F32(S(2), 0.5, 0.5)), DNN_T_F32, S(2), 1.5, 2.5);
    EXPECT(dnn_add(i, dnn_scalar(7, .dtype = DNN_T_I64)), DNN_T_I32, S(2), 8, 9);
    EXPECT(dnn_add(u, u), DNN_T_U8, S(2), 144, 200);
    EXPECT(dnn_add(flag, flag), DNN_T_BOOL, S(2), 1, 0);
    EXPECT(dnn_mul(flag, i), DNN_T_I32, S(2), 1, 0);
    EXPECT(dnn_div(i, i), DNN_T_F32, S(2), 1, 1);
    EXPECT(dnn_exp(T(DNN_T_I64, S(1), 0)), DNN_T_F32, S(1), 1);
    EXPECT_FAIL(dnn_sub(flag, flag), "sub", "bool");
    EXPECT_FAIL(dnn_neg(flag), "neg", "bool");
}

Test(elementwise, a_number_takes_the_tensors_dtype)
{
    dnn_tensor *x = I64(S(2), 3, 4), *y = F32(S(2), 3, 4);

    EXPECT(dnn_add(x, 2), DNN_T_I64, S(2), 5, 6);
    EXPECT(dnn_sub(y, 0.5), DNN_T_F32, S(2), 2.5, 3.5);
    EXPECT(dnn_rsub(y, 1), DNN_T_F32, S(2), -2, -3);
    EXPECT(dnn_mul(y, 2), DNN_T_F32, S(2), 6, 8);
    EXPECT(dnn_div(x, 2), DNN_T_F32, S(2), 1.5, 2);
    EXPECT(dnn_pow(x, 2), DNN_T_I64, S(2), 9, 16);
    EXPECT(dnn_gt(x, 3), DNN_T_BOOL, S(2), 0, 1);
    EXPECT(dnn_eq(y, 3), DNN_T_BOOL, S(2), 1, 0);
    EXPECT_FAIL_KEEPS(x, dnn_add(x, 0.5), "add", "0.5", "i64", "cast");
    EXPECT_FAIL(dnn_gt(x, 0.5), "gt", "0.5", "cast");
    EXPECT_FAIL(dnn_pow(x, -1), "pow", "-1", "i64");
    EXPECT_FAIL(dnn_add(NULL, 1), "add", "NULL");
}

Test(elementwise, rests_and_integer_division)
{
    dnn_tensor *a = I64(S(4), 7, -7, 7, -7), *b = I64(S(4), 3, 3, -3, -3);

    EXPECT(dnn_floor_divide(a, b), DNN_T_I64, S(4), 2, -3, -3, 2);
    EXPECT(dnn_remainder(a, b), DNN_T_I64, S(4), 1, 2, -2, -1);
    EXPECT(dnn_fmod(a, b), DNN_T_I64, S(4), 1, -1, 1, -1);
    EXPECT(dnn_remainder(F32(S(1), 1), F32(S(1), 0)), DNN_T_F32, S(1), NAN);
    EXPECT_FAIL_KEEPS(a, dnn_floor_divide(a, I64(S(4), 1, 1, 0, 1)), "floor_divide");
    EXPECT_FAIL(dnn_remainder(a, I64(S(1), 0)), "remainder");
    EXPECT(dnn_atan2(F64(S(1), 1), F64(S(1), -1)), DNN_T_F64, S(1), atan2(1, -1));
}

Test(elementwise, nan_wins_in_maximum_and_loses_in_fmax)
{
    dnn_tensor *a = F32(S(3), NAN, 1, 2), *b = F32(S(3), 1, NAN, 3);

    EXPECT(dnn_maximum(a, b), DNN_T_F32, S(3), NAN, NAN, 3);
    EXPECT(dnn_minimum(a, b), DNN_T_F32, S(3), NAN, NAN, 2);
    EXPECT(dnn_fmax(a, b), DNN_T_F32, S(3), 1, 1, 3);
    EXPECT(dnn_fmin(a, b), DNN_T_F32, S(3), 1, 1, 2);
}

Test(elementwise, comparisons_go_by_value)
{
    dnn_tensor *a = F32(S(3), -0.0, NAN, 2), *b = F32(S(3), 0, NAN, 1);

    EXPECT(dnn_eq(a, b), DNN_T_BOOL, S(3), 1, 0, 0);
    EXPECT(dnn_ne(a, b), DNN_T_BOOL, S(3), 0, 1, 1);
    EXPECT(dnn_lt(a, b), DNN_T_BOOL, S(3), 0, 0, 0);
    EXPECT(dnn_le(a, b), DNN_T_BOOL, S(3), 1, 0, 0);
    EXPECT(dnn_gt(a, b), DNN_T_BOOL, S(3), 0, 0, 1);
    EXPECT(dnn_ge(a, b), DNN_T_BOOL, S(3), 1, 0, 1);
    EXPECT(dnn_isnan(a), DNN_T_BOOL, S(3), 0, 1, 0);
    EXPECT(dnn_isinf(F32(S(2), -INFINITY, 1)), DNN_T_BOOL, S(2), 1, 0);
    EXPECT(dnn_isfinite(a), DNN_T_BOOL, S(3), 1, 0, 1);
    EXPECT(dnn_isnan(I64(S(1), 1)), DNN_T_BOOL, S(1), 0);
    EXPECT(dnn_logical_not(a), DNN_T_BOOL, S(3), 1, 0, 0);
    EXPECT(dnn_logical_and(a, b), DNN_T_BOOL, S(3), 0, 1, 1);
    EXPECT(dnn_logical_or(a, b), DNN_T_BOOL, S(3), 0, 1, 1);
    EXPECT(dnn_logical_xor(F32(S(2), 1, 1), F32(S(2), 0, 2)), DNN_T_BOOL, S(2), 1, 0);
}

Test(elementwise, functions_have_their_values)
{
    dnn_tensor *x = F64(S(2), -0.5, 0.75), *p = F64(S(2), 0.25, 4);

    EXPECT(dnn_neg(x), DNN_T_F64, S(2), 0.5, -0.75);
    EXPECT(dnn_abs(x), DNN_T_F64, S(2), 0.5, 0.75);
    EXPECT(dnn_sign(F64(S(3), -2, 0, NAN)), DNN_T_F64, S(3), -1, 0, 0);
    EXPECT(dnn_square(x), DNN_T_F64, S(2), 0.25, 0.5625);
    EXPECT(dnn_floor(x), DNN_T_F64, S(2), -1, 0);
    EXPECT(dnn_ceil(x), DNN_T_F64, S(2), 0, 1);
    EXPECT(dnn_round(F64(S(4), 0.5, 1.5, 2.5, -0.5)), DNN_T_F64, S(4), 0, 2, 2, 0);
    EXPECT(dnn_trunc(F64(S(2), -1.5, 1.5)), DNN_T_F64, S(2), -1, 1);
    EXPECT(dnn_frac(F64(S(2), -1.25, 1.5)), DNN_T_F64, S(2), -0.25, 0.5);
    EXPECT(dnn_reciprocal(p), DNN_T_F64, S(2), 4, 0.25);
    EXPECT(dnn_sqrt(p), DNN_T_F64, S(2), 0.5, 2);
    EXPECT(dnn_rsqrt(p), DNN_T_F64, S(2), 2, 0.5);
    EXPECT(dnn_exp(x), DNN_T_F64, S(2), exp(-0.5), exp(0.75));
    EXPECT(dnn_exp2(x), DNN_T_F64, S(2), exp2(-0.5), exp2(0.75));
    EXPECT(dnn_expm1(x), DNN_T_F64, S(2), expm1(-0.5), expm1(0.75));
    EXPECT(dnn_log(p), DNN_T_F64, S(2), log(0.25), log(4));
    EXPECT(dnn_log2(p), DNN_T_F64, S(2), -2, 2);
    EXPECT(dnn_log10(p), DNN_T_F64, S(2), log10(0.25), log10(4));
    EXPECT(dnn_log1p(x), DNN_T_F64, S(2), log1p(-0.5), log1p(0.75));
    EXPECT(dnn_sin(x), DNN_T_F64, S(2), sin(-0.5), sin(0.75));
    EXPECT(dnn_cos(x), DNN_T_F64, S(2), cos(-0.5), cos(0.75));
    EXPECT(dnn_tan(x), DNN_T_F64, S(2), tan(-0.5), tan(0.75));
    EXPECT(dnn_asin(x), DNN_T_F64, S(2), asin(-0.5), asin(0.75));
    EXPECT(dnn_acos(x), DNN_T_F64, S(2), acos(-0.5), acos(0.75));
    EXPECT(dnn_atan(x), DNN_T_F64, S(2), atan(-0.5), atan(0.75));
    EXPECT(dnn_sinh(x), DNN_T_F64, S(2), sinh(-0.5), sinh(0.75));
    EXPECT(dnn_cosh(x), DNN_T_F64, S(2), cosh(-0.5), cosh(0.75));
    EXPECT(dnn_tanh(x), DNN_T_F64, S(2), tanh(-0.5), tanh(0.75));
    EXPECT(dnn_erf(x), DNN_T_F64, S(2), erf(-0.5), erf(0.75));
    EXPECT(dnn_erfc(x), DNN_T_F64, S(2), erfc(-0.5), erfc(0.75));
    EXPECT(dnn_relu(F64(S(3), -1, 2, NAN)), DNN_T_F64, S(3), 0, 2, NAN);
    EXPECT(dnn_sigmoid(F64(S(3), 0, -1000, 1000)), DNN_T_F64, S(3), 0.5, 0, 1);
    EXPECT(dnn_silu(F64(S(2), 0, 1)), DNN_T_F64, S(2), 0, 1 / (1 + exp(-1)));
}

Test(elementwise, activations_resolve_their_options)
{
    dnn_tensor *x = F64(S(2), -1, 2);

    EXPECT(dnn_leaky_relu(x, 0.01), DNN_T_F64, S(2), -0.01, 2);
    EXPECT(dnn_leaky_relu(x, 0), DNN_T_F64, S(2), 0, 2);
    EXPECT(dnn_leaky_relu(x, 0.5), DNN_T_F64, S(2), -0.5, 2);
    EXPECT(dnn_elu(x, 1), DNN_T_F64, S(2), expm1(-1), 2);
    EXPECT(dnn_softplus(x, 1, 20), DNN_T_F64, S(2), log1p(exp(-1)), log1p(exp(2)));
    EXPECT(dnn_softplus(x, 2, 3), DNN_T_F64, S(2), log1p(exp(-2)) / 2, 2);
    EXPECT_FAIL(dnn_softplus(x, 0, 20), "softplus", "0");
    EXPECT(dnn_gelu(x), DNN_T_F64, S(2), -0.5 * (1 + erf(-1 / sqrt(2))), 1 + erf(2 / sqrt(2)));
    EXPECT(dnn_gelu(x, .tanh = true), DNN_T_F64, S(2),
           -0.5 * (1 + tanh(sqrt(2 / M_PI) * -1.044715)),
           1 + tanh(sqrt(2 / M_PI) * (2 + 0.044715 * 8)));
    EXPECT_FAIL(dnn_gelu(NULL), "gelu", "NULL");
}

Test(elementwise, clamp_and_where)
{
    dnn_tensor *x = F64(S(4), -2, 0, 2, NAN), *m = BOOL(S(4), 1, 0, 1, 0);

    EXPECT(dnn_clamp(x, -1, 1), DNN_T_F64, S(4), -1, 0, 1, NAN);
    EXPECT(dnn_clamp(x, -INFINITY, 1), DNN_T_F64, S(4), -2, 0, 1, NAN);
    EXPECT(dnn_clamp(x, -INFINITY, INFINITY), DNN_T_F64, S(4), -2, 0, 2, NAN);
    EXPECT(dnn_clamp(x, dnn_scalar(1, .dtype = DNN_T_F64), dnn_scalar(-1, .dtype = DNN_T_F64)),
           DNN_T_F64, S(4), -1, -1, -1, NAN);
    EXPECT_FAIL(dnn_clamp(x, NULL, NULL), "clamp", "NULL");
    EXPECT_FAIL(dnn_clamp(I64(S(1), 1), 0.5, 2), "clamp", "0.5");
    EXPECT(dnn_where(m, x, dnn_scalar(7, .dtype = DNN_T_F64)), DNN_T_F64, S(4), -2, 7, 2, 7);
    EXPECT(dnn_where(m, I64(S(1), 1), F32(S(1), 0.5)), DNN_T_F32, S(4), 1, 0.5, 1, 0.5);
    EXPECT_FAIL_KEEPS(x, dnn_where(x, x, x), "where", "f64", "bool");
    EXPECT_FAIL(dnn_where(m, x, F64(S(3), 1, 2, 3)), "where", "[4]", "[3]");
    EXPECT_FAIL(dnn_where(m, NULL, x), "where", "NULL");
    EXPECT(dnn_masked_fill(x, m, 5), DNN_T_F64, S(4), 5, 0, 5, NAN);
    EXPECT_FAIL(dnn_masked_fill(x, x, 5), "bool");
}

Test(elementwise, in_place_writes_the_target)
{
    dnn_tensor *x = F32(S(2), 1, 4), *i = I64(S(2), 1, 2);

    cr_assert_eq(dnn_add_(x, F32(S(1), 1)), x);
    cr_assert_eq(dnn_sub_(x, F32(S(2), 1, 1)), x);
    cr_assert_eq(dnn_mul_(x, x), x);
    cr_assert_eq(dnn_div_(x, F32(S(2), 1, 4)), x);
    cr_assert_eq(dnn_add_(x, 3), x);
    cr_assert_eq(dnn_mul_(x, 4), x);
    EXPECT(x, DNN_T_F32, S(2), 16, 28);
    cr_assert_eq(dnn_sqrt_(x), x);
    EXPECT(x, DNN_T_F32, S(2), 4, sqrt(28));
    EXPECT_FAIL_KEEPS(i, dnn_add_(i, x), "add", "i64", "f32");
    EXPECT_FAIL_KEEPS(x, dnn_add_(x, dnn_zeros(S(3, 2))), "add", "[3,2]", "[2]");
    EXPECT_FAIL_KEEPS(i, dnn_exp_(i), "exp", "i64");
    EXPECT_FAIL_KEEPS(i, dnn_add_(i, 0.5), "add", "0.5");
}

Test(elementwise, a_target_that_partly_overlaps_an_operand_is_refused)
{
    dnn_tensor *b = dnn_reshape(dnn_arange(.end = 34), S(2, 17));

    EXPECT_FAIL_KEEPS(b, dnn_sub_(b, dnn_slice(b, 1, 0, 1, 1)), "sub", "overlaps", "clone");
}

Test(elementwise, gradients_are_summed_over_stretched_axes)
{
    dnn_tensor *a = LEAF(S(2, 1), 2, 3), *b = LEAF(S(3), 4, 5, 6);

    unit_backward(dnn_mul(a, b));
    EXPECT(dnn_grad(a), DNN_T_F64, S(2, 1), 15, 15);
    EXPECT(dnn_grad(b), DNN_T_F64, S(3), 5, 5, 5);
    unit_backward(dnn_div(a, b));
    EXPECT(dnn_grad(b), DNN_T_F64, S(3), 5 - 5.0 / 16, 5 - 5.0 / 25, 5 - 5.0 / 36);
}

Test(elementwise, gradients_at_the_edges_are_pytorchs)
{
    dnn_tensor *x = LEAF(S(3), -1, 0, NAN), *z = LEAF(S(1), 0);

    unit_backward(dnn_abs(x));
    EXPECT(dnn_grad(x), DNN_T_F64, S(3), -1, 0, 0);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_relu(x));
    EXPECT(dnn_grad(x), DNN_T_F64, S(3), 0, 0, 1);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_clamp(x, -1, 5));
    EXPECT(dnn_grad(x), DNN_T_F64, S(3), 1, 1, 0);
    unit_backward(dnn_sqrt(z));
    EXPECT(dnn_grad(z), DNN_T_F64, S(1), INFINITY);
}

Test(elementwise, the_gradient_of_pow_is_zero_where_it_must_be)
{
    dnn_tensor *a = LEAF(S(4), 0, 0, 2, 3), *e = LEAF(S(4), 0, 2, 3, 0);

    unit_backward(dnn_pow(a, e));
    EXPECT(dnn_grad(a), DNN_T_F64, S(4), 0, 0, 12, 0);
    EXPECT(dnn_grad(e), DNN_T_F64, S(4), 0, 0, 8 * log(2), log(3));
}

Test(elementwise, equal_arguments_share_by_halves_in_maximum_only)
{
    dnn_tensor *a = LEAF(S(3), 1, 2, NAN), *b = LEAF(S(3), 1, 3, 1);

    unit_backward(dnn_maximum(a, b));
    EXPECT(dnn_grad(a), DNN_T_F64, S(3), 0.5, 0, 1);
    EXPECT(dnn_grad(b), DNN_T_F64, S(3), 0.5, 1, 0);
    cr_assert(dnn_set_grad(a, NULL) == DNN_OK && dnn_set_grad(b, NULL) == DNN_OK);
    unit_backward(dnn_minimum(a, b));
    EXPECT(dnn_grad(a), DNN_T_F64, S(3), 0.5, 1, 1);
    cr_assert(dnn_set_grad(a, NULL) == DNN_OK && dnn_set_grad(b, NULL) == DNN_OK);
    unit_backward(dnn_fmax(a, b));
    EXPECT(dnn_grad(a), DNN_T_F64, S(3), 1, 0, 0);
    EXPECT(dnn_grad(b), DNN_T_F64, S(3), 0, 1, 1);
}

Test(elementwise, gradients_of_gradients)
{
    dnn_tensor *x = LEAF(S(1), 2), *e = LEAF(S(1), 3), *first;

    cr_assert_eq(dnn_backward(dnn_pow(x, e), .create_graph = true), DNN_OK, "%s",
                 dnn_error_message());
    first = dnn_retain(dnn_grad(x));
    EXPECT(first, DNN_T_F64, S(1), 12);
    EXPECT(dnn_grad(e), DNN_T_F64, S(1), 8 * log(2));
    cr_assert(dnn_set_grad(x, NULL) == DNN_OK && dnn_set_grad(e, NULL) == DNN_OK);
    unit_backward(first);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1), 12);
    EXPECT(dnn_grad(e), DNN_T_F64, S(1), 4 + 12 * log(2));
    dnn_release(first);
}

Test(elementwise, a_saved_operand_that_was_changed_is_an_error)
{
    dnn_tensor *a = LEAF(S(1), 2), *b = F64(S(1), 3), *y = dnn_mul(a, b);

    cr_assert_not_null(dnn_zero_(b));
    cr_assert_eq(dnn_backward(y), DNN_E_INVALID);
    cr_assert_not_null(strstr(dnn_error_message(), "mul"));
    cr_assert_null(dnn_grad(a));
}

/* Found by op_args: the message spoke of "cast", which nobody had called. */
Test(elementwise, an_operand_that_cannot_be_promoted_is_told_by_the_operator)
{
    dnn_tensor *x = dnn_expand(dnn_scalar(1, .dtype = DNN_T_I32), S(1 << 30)), *y;

    cr_assert_eq(dnn_set_memory_cap("cpu", 1 << 20), DNN_OK);
    y = dnn_add(x, dnn_ones(S(1)));
    cr_expect_null(y);
    cr_expect_eq(dnn_take_error(), DNN_E_NOMEM);
    cr_expect(strncmp(dnn_error_message(), "add: a as f32: ", 15) == 0, "%s", dnn_error_message());
    cr_assert_eq(dnn_set_memory_cap("cpu", 0), DNN_OK);
}

/* Found by op_args: the gradient of the gradient had the dims of the result where the row had
 * stretched an operand. */
Test(elementwise, rows_of_gradients_give_stretched_operands_their_sum)
{
    dnn_tensor *dy = LEAF(S(2), 1, 2), *in[] = {dy, F64(S(2, 2), 1, -1, 1, 1)};

    unit_backward(dnn__call(DNN_OP_relu_bwd, in, 2, NULL));
    EXPECT(dnn_grad(dy), DNN_T_F64, S(2), 2, 1);
}
