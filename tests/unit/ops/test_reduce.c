/* test_reduce.c - tests sums, means, maxima and minima, their indices, sums to a shape, and
 * comparison of whole tensors. */
#include "unit.h"
#include "call.h"

TestSuite(reduce, .init = unit_init, .fini = unit_fini, .timeout = 60);

static dnn_tensor *six(void)
{
    return F32(S(2, 3), 1, 5, 3, 4, 2, 6);
}

Test(reduce, sums_and_means_over_axes)
{
    dnn_tensor *x = six();

    EXPECT(dnn_sum(x), DNN_T_F32, DNN_SCALAR, 21);
    EXPECT(dnn_sum(x, .dims = DNN_DIMS(0)), DNN_T_F32, S(3), 5, 7, 9);
    EXPECT(dnn_sum(x, .dims = DNN_DIMS(-1), .keepdim = true), DNN_T_F32, S(2, 1), 9, 12);
    EXPECT(dnn_mean(x, .dims = DNN_DIMS(1)), DNN_T_F32, S(2), 3, 4);
    EXPECT(dnn_sum(BOOL(S(3), 1, 0, 1)), DNN_T_I64, DNN_SCALAR, 2);
    EXPECT(dnn_sum(T(DNN_T_U8, S(2), 255, 255)), DNN_T_I64, DNN_SCALAR, 510);
    EXPECT(dnn_sum(dnn_scalar(4), .dims = DNN_DIMS(0)), DNN_T_F32, DNN_SCALAR, 4);
    EXPECT(dnn_sum(dnn_zeros(S(0, 2)), .dims = DNN_DIMS(0)), DNN_T_F32, S(2), 0, 0);
    EXPECT(dnn_mean(dnn_zeros(S(0))), DNN_T_F32, DNN_SCALAR, NAN);
    EXPECT_EMPTY(dnn_sum(dnn_zeros(S(0, 2)), .dims = DNN_DIMS(1)), DNN_T_F32, S(0));
}

Test(reduce, axes_that_are_wrong_are_refused)
{
    dnn_tensor *x = six();

    EXPECT_FAIL_KEEPS(x, dnn_sum(x, .dims = DNN_DIMS(2)), "sum", "2");
    EXPECT_FAIL(dnn_sum(x, .dims = DNN_DIMS(0, -2)), "sum", "twice");
    EXPECT_FAIL(dnn_sum(x, .dims = {.n = 9}), "sum", "9");
    EXPECT_FAIL(dnn_mean(I64(S(2), 1, 2)), "mean", "i64", "dnn_to");
    EXPECT_FAIL(dnn_sum(NULL), "sum", "NULL");
}

Test(reduce, largest_and_smallest)
{
    dnn_tensor *x = six(), *places = NULL;

    EXPECT(dnn_amax(x, .dims = DNN_DIMS(0)), DNN_T_F32, S(3), 4, 5, 6);
    EXPECT(dnn_amin(x, .dims = DNN_DIMS(1), .keepdim = true), DNN_T_F32, S(2, 1), 1, 2);
    EXPECT(dnn_max(x), DNN_T_F32, DNN_SCALAR, 6);
    EXPECT(dnn_min(F32(S(3), 1, NAN, 0)), DNN_T_F32, DNN_SCALAR, NAN);
    EXPECT(dnn_max_dim(x, 1, .indices = &places), DNN_T_F32, S(2), 5, 6);
    EXPECT(places, DNN_T_I64, S(2), 1, 2);
    EXPECT(dnn_min_dim(x, 0, .indices = &places, .keepdim = true), DNN_T_F32, S(1, 3), 1, 2, 3);
    EXPECT(places, DNN_T_I64, S(1, 3), 0, 1, 0);
    EXPECT(dnn_max_dim(dnn_scalar(3), 0), DNN_T_F32, DNN_SCALAR, 3);
    EXPECT(dnn_argmax(x, -1), DNN_T_I64, S(2), 1, 2);
    EXPECT(dnn_argmin(x, DNN_ALL), DNN_T_I64, DNN_SCALAR, 0);
    EXPECT(dnn_argmax(x, DNN_ALL, .keepdim = true), DNN_T_I64, S(1, 1), 5);
    EXPECT(dnn_argmax(F32(S(4), 1, NAN, 3, NAN), 0), DNN_T_I64, DNN_SCALAR, 1);
    EXPECT(dnn_argmax(F32(S(3), 2, 2, 1), 0), DNN_T_I64, DNN_SCALAR, 0);
}

Test(reduce, nothing_has_no_largest)
{
    dnn_tensor *x = dnn_zeros(S(0, 2));

    EXPECT_FAIL(dnn_amax(x), "amax", "dim 0", "[0,2]");
    EXPECT_FAIL(dnn_max_dim(x, 0), "max_dim", "[0,2]");
    EXPECT_FAIL(dnn_argmax(x, 0), "argmax", "[0,2]");
    EXPECT_FAIL(dnn_argmin(x, DNN_ALL), "argmin");
    EXPECT_FAIL(dnn_argmax(six(), 2), "argmax", "2");
    EXPECT_FAIL(dnn_min_dim(six(), -3), "min_dim", "-3");
    EXPECT_FAIL(dnn_argmax(NULL, 0), "argmax", "NULL");
    EXPECT_EMPTY(dnn_amax(x, .dims = DNN_DIMS(1)), DNN_T_F32, S(0));
}

Test(reduce, sums_to_a_shape)
{
    dnn_tensor *x = six();

    EXPECT(dnn_sum_to(x, S(3)), DNN_T_F32, S(3), 5, 7, 9);
    EXPECT(dnn_sum_to(x, S(2, 1)), DNN_T_F32, S(2, 1), 9, 12);
    EXPECT(dnn_sum_to(x, DNN_SCALAR), DNN_T_F32, DNN_SCALAR, 21);
    cr_assert_eq(dnn_sum_to(x, S(2, 3)), x);
    EXPECT_FAIL(dnn_sum_to(x, S(2)), "sum_to", "[2]", "[2,3]");
    EXPECT_FAIL(dnn_sum_to(x, S(1, 2, 3)), "sum_to", "[2,3]");
}

Test(reduce, gradients_go_where_the_result_came_from)
{
    dnn_tensor *x = LEAF(S(2, 2), 1, 3, 3, 2);

    unit_backward(dnn_mul(dnn_sum(x, .dims = DNN_DIMS(0)), F64(S(2), 5, 7)));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 5, 7, 5, 7);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_mean(x));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 0.25, 0.25, 0.25, 0.25);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_max(x));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 0, 0.5, 0.5, 0);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_max_dim(x, 1));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 0, 1, 1, 0);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_min_dim(x, 0, .keepdim = true));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 1, 0, 0, 1);
}

Test(reduce, whole_tensors_compare)
{
    dnn_tensor *x = six(), *y = dnn_clone(x), *n = F32(S(1), NAN), *big = F32(S(2), INFINITY, 1);
    bool same = false;

    cr_assert(dnn_equal(x, y, &same) == DNN_OK && same);
    cr_assert(dnn_equal(x, dnn_add(y, 1), &same) == DNN_OK && !same);
    cr_assert(dnn_equal(x, dnn_flatten(y, 0, -1), &same) == DNN_OK && !same);
    cr_assert(dnn_equal(n, n, &same) == DNN_OK && !same);
    cr_assert(dnn_equal(dnn_zeros(S(0)), dnn_zeros(S(0)), &same) == DNN_OK && same);
    cr_assert(dnn_allclose(x, dnn_add(y, 1e-6), 1e-5, 1e-8, &same) == DNN_OK && same);
    cr_assert(dnn_allclose(x, dnn_add(y, 1e-3), 1e-5, 1e-8, &same) == DNN_OK && !same);
    cr_assert(dnn_allclose(x, dnn_add(y, 1e-6), 0, 0, &same) == DNN_OK && !same);
    cr_assert(dnn_allclose(big, big, 1e-5, 1e-8, &same) == DNN_OK && same);
    cr_assert(dnn_allclose(F32(S(2), 5, 1), big, 1e-5, 1e-8, &same) == DNN_OK && !same);
    EXPECT_STATUS_FAIL(dnn_equal(NULL, x, &same), "dnn_equal", "NULL");
    EXPECT_STATUS_FAIL(dnn_equal(x, y, NULL), "dnn_equal", "out");
    EXPECT_STATUS_FAIL(dnn_allclose(x, y, -1, 0, &same), "dnn_allclose", "-1");
}

/* Found by op_args: the rank was subtracted before it was checked. */
Test(reduce, sum_to_the_lowest_rank_there_is_is_refused)
{
    EXPECT_FAIL(dnn_sum_to(F32(S(2), 1, 2), (dnn_shape){.ndim = INT64_MIN}), "sum_to",
                "rank -9223372036854775808");
}

/* Found by op_args: a wrong index was called a fault of the library. */
Test(reduce, a_place_outside_its_row_is_an_argument_that_is_wrong)
{
    dnn_attr_dim attr = {.size = sizeof attr, .dim = 0};
    dnn_tensor *in[] = {F32(S(1), 1), I64(S(1), 3)}, *dx = F32(S(3), 7, 8, 9);

    EXPECT_FAIL_KEEPS(dx, dnn__call_to(DNN_OP_max_dim_bwd, dx, in, 2, &attr), "max_dim_bwd",
                      "index 3", "[0,3)");
}

/* Found by op_args: rounding up the number of results overflowed. */
Test(reduce, more_results_than_memory_holds_are_refused)
{
    dnn_tensor *x = dnn_expand(dnn_zeros(S(1, 1), .dtype = DNN_T_BOOL), S(INT64_MAX, 1));

    cr_expect_null(dnn_amax(x, .dims = DNN_DIMS(1)));
    cr_expect_neq(dnn_take_error(), DNN_OK); /* no workspace, or no memory, is that large */
}
