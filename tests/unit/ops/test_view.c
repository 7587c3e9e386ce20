/* test_view.c - tests views: shapes, shared storage, gradients, lifetimes, refusals. */
#include "unit.h"

TestSuite(view, .init = unit_init, .fini = unit_fini, .timeout = 60);

static dnn_tensor *six(void)
{
    return F32(S(2, 3), 0, 1, 2, 3, 4, 5);
}

Test(view, reshape_shares_where_it_can_and_copies_where_it_must)
{
    dnn_tensor *x = six(), *y = dnn_reshape(x, S(3, -1)), *z = dnn_reshape(dnn_t(x), S(6));

    EXPECT(y, DNN_T_F32, S(3, 2), 0, 1, 2, 3, 4, 5);
    EXPECT(z, DNN_T_F32, S(6), 0, 3, 1, 4, 2, 5);
    cr_assert_not_null(dnn_fill_(dnn_select(dnn_select(x, 0, 0), 0, 0), 9));
    EXPECT(y, DNN_T_F32, S(3, 2), 9, 1, 2, 3, 4, 5);
    EXPECT(z, DNN_T_F32, S(6), 0, 3, 1, 4, 2, 5);
    EXPECT(dnn_reshape(F32(S(1), 4), DNN_SCALAR), DNN_T_F32, DNN_SCALAR, 4);
    EXPECT_EMPTY(dnn_reshape(dnn_zeros(S(0, 3)), S(3, 0)), DNN_T_F32, S(3, 0));
    EXPECT_EMPTY(dnn_reshape(dnn_zeros(S(0, 3)), S(-1, 3)), DNN_T_F32, S(0, 3));
}

Test(view, reshape_refuses_what_does_not_fit)
{
    dnn_tensor *x = six();

    EXPECT_FAIL_KEEPS(x, dnn_reshape(x, S(4, 2)), "reshape", "[2,3]", "[4,2]", "6");
    EXPECT_FAIL(dnn_reshape(x, S(-1, 4)), "reshape", "[2,3]");
    EXPECT_FAIL(dnn_reshape(x, S(-1, -1)), "reshape", "-1");
    EXPECT_FAIL(dnn_reshape(x, S(-2, -3)), "reshape", "-2");
    EXPECT_FAIL(dnn_reshape(dnn_zeros(S(0, 3)), S(-1, 0)), "reshape", "ambiguous");
    EXPECT_FAIL(dnn_reshape(x, S(INT64_MAX, INT64_MAX)), "reshape");
    EXPECT_FAIL(dnn_reshape(x, (dnn_shape){.ndim = 9, .dim = {1}}), "reshape", "9");
    EXPECT_FAIL(dnn_reshape(NULL, S(1)), "reshape", "NULL");
    EXPECT_FAIL(dnn_view_to(dnn_t(x), S(6)), "view_to", "reshape");
    EXPECT(dnn_view_as(x, dnn_zeros(S(6))), DNN_T_F32, S(6), 0, 1, 2, 3, 4, 5);
    EXPECT_FAIL(dnn_view_as(x, NULL), "view_as", "NULL");
}

Test(view, flatten_and_unflatten)
{
    dnn_tensor *x = dnn_reshape(dnn_arange(.end = 24), S(2, 3, 4));

    cr_assert_eq(dnn_size(dnn_flatten(x, 1, -1), 1), 12);
    cr_assert_eq(dnn_ndim(dnn_flatten(x, 0, 1)), 2);
    EXPECT(dnn_flatten(dnn_scalar(3), 0, -1), DNN_T_F32, S(1), 3);
    EXPECT_FAIL(dnn_flatten(x, 2, 1), "flatten", "2", "1");
    EXPECT_FAIL(dnn_flatten(x, 0, 3), "flatten", "3");
    cr_assert_eq(dnn_size(dnn_unflatten(x, -1, S(2, -1)), 3), 2);
    EXPECT_FAIL(dnn_unflatten(x, 1, S(2, 2)), "unflatten", "[2,2]");
    EXPECT_FAIL(dnn_unflatten(x, 5, S(1)), "unflatten", "5");
    EXPECT_FAIL(dnn_unflatten(x, 0, S(2, 1, 1, 1, 1, 1, 1)), "unflatten", "8");
}

Test(view, squeeze_and_unsqueeze)
{
    dnn_tensor *x = dnn_zeros(S(1, 2, 1));

    cr_assert_eq(dnn_ndim(dnn_squeeze(x, (dnn_dims){.n = 0})), 1);
    cr_assert_eq(dnn_ndim(dnn_squeeze(x, DNN_DIMS(0))), 2);
    cr_assert_eq(dnn_ndim(dnn_squeeze(x, DNN_DIMS(1))), 3);
    EXPECT_FAIL(dnn_squeeze(x, DNN_DIMS(3)), "squeeze", "3");
    cr_assert_eq(dnn_size(dnn_unsqueeze(x, -1), 3), 1);
    EXPECT_FAIL(dnn_unsqueeze(x, 5), "unsqueeze", "5");
    EXPECT_FAIL(dnn_unsqueeze(dnn_zeros(S(1, 1, 1, 1, 1, 1, 1, 1)), 0), "unsqueeze", "8");
}

Test(view, axes_change_places)
{
    dnn_tensor *x = six(), *y = dnn_reshape(dnn_arange(.end = 24), S(2, 3, 4));

    EXPECT(dnn_transpose(x, 0, -1), DNN_T_F32, S(3, 2), 0, 3, 1, 4, 2, 5);
    EXPECT(dnn_t(F32(S(2), 1, 2)), DNN_T_F32, S(2), 1, 2);
    cr_assert_eq(dnn_size(dnn_permute(y, DNN_DIMS(2, 0, 1)), 0), 4);
    cr_assert_eq(dnn_size(dnn_movedim(y, 0, -1), 2), 2);
    cr_assert_eq(dnn_size(dnn_movedim(y, 2, 0), 0), 4);
    EXPECT_FAIL(dnn_transpose(x, 0, 2), "transpose", "2");
    EXPECT_FAIL(dnn_permute(y, DNN_DIMS(0, 1)), "permute", "2", "3");
    EXPECT_FAIL(dnn_permute(y, DNN_DIMS(0, 1, 1)), "permute", "1");
    EXPECT_FAIL(dnn_movedim(y, 3, 0), "movedim", "3");
    EXPECT_FAIL(dnn_t(y), "t:", "3");
}

Test(view, expand_stretches_ones_only)
{
    dnn_tensor *x = F32(S(2, 1), 1, 2);

    EXPECT(dnn_expand(x, S(2, 2, 3)), DNN_T_F32, S(2, 2, 3), 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2);
    EXPECT(dnn_expand(x, S(-1, 2)), DNN_T_F32, S(2, 2), 1, 1, 2, 2);
    EXPECT_EMPTY(dnn_expand(x, S(2, 0)), DNN_T_F32, S(2, 0));
    EXPECT_FAIL(dnn_expand(x, S(3, 1)), "expand", "[2,1]", "[3,1]");
    EXPECT_FAIL(dnn_expand(x, S(2)), "expand", "[2,1]");
    EXPECT_FAIL(dnn_expand(x, S(-1, 2, 1)), "expand", "-1");
    EXPECT_FAIL(dnn_expand(x, S(INT64_MAX, 2, 1)), "expand");
}

Test(view, slices_clamp_their_ends)
{
    dnn_tensor *x = dnn_arange(.end = 6, .dtype = DNN_T_I64);

    EXPECT(dnn_slice(x, 0, 1, 100, 2), DNN_T_I64, S(3), 1, 3, 5);
    EXPECT(dnn_slice(x, 0, -2, INT64_MAX, 1), DNN_T_I64, S(2), 4, 5);
    EXPECT(dnn_slice(x, 0, 0, 6, INT64_MAX), DNN_T_I64, S(1), 0);
    EXPECT_EMPTY(dnn_slice(x, 0, 4, 2, 1), DNN_T_I64, S(0));
    EXPECT_EMPTY(dnn_slice(x, 0, INT64_MIN, -7, 1), DNN_T_I64, S(0));
    EXPECT_FAIL(dnn_slice(x, 0, 0, 6, 0), "slice", "0", "flip");
    EXPECT_FAIL(dnn_slice(x, 1, 0, 6, 1), "slice", "1");
    EXPECT_FAIL(dnn_slice(dnn_scalar(1), 0, 0, 1, 1), "slice", "rank 0");
    EXPECT(dnn_narrow(x, 0, 2, 2), DNN_T_I64, S(2), 2, 3);
    EXPECT_FAIL(dnn_narrow(x, 0, 5, 2), "narrow", "5", "6");
    EXPECT_FAIL(dnn_narrow(x, 0, 0, -1), "narrow", "-1");
    EXPECT_FAIL(dnn_narrow(x, 0, 1, INT64_MAX), "narrow");
    EXPECT(dnn_select(x, 0, -1), DNN_T_I64, DNN_SCALAR, 5);
    EXPECT_FAIL(dnn_select(x, 0, 6), "select", "6");
    EXPECT_FAIL(dnn_select(x, 0, -7), "select", "-7", "6");
}

Test(view, pieces_cover_the_axis)
{
    dnn_tensor *x = dnn_arange(.end = 6, .dtype = DNN_T_I64);
    dnn_tensor_list list = dnn_split(x, 4, 0);

    cr_assert_eq(list.n, 2);
    EXPECT(list.item[1], DNN_T_I64, S(2), 4, 5);
    list = dnn_chunk(x, 4, 0);
    cr_assert_eq(list.n, 3);
    EXPECT(list.item[2], DNN_T_I64, S(2), 4, 5);
    list = dnn_unbind(x, 0);
    cr_assert_eq(list.n, 6);
    EXPECT(list.item[5], DNN_T_I64, DNN_SCALAR, 5);
    cr_assert_eq(dnn_unbind(dnn_zeros(S(0, 2)), 0).n, 0);
    EXPECT_LIST_FAIL(dnn_split(x, 0, 0), "split", "0");
    EXPECT_LIST_FAIL(dnn_chunk(x, 0, 0), "chunk", "0");
    EXPECT_LIST_FAIL(dnn_split(NULL, 1, 0), "split", "NULL");
    EXPECT_LIST_FAIL(dnn_unbind(dnn_scalar(1), 0), "unbind", "rank 0");
}

Test(view, a_view_outlives_its_source_and_its_scope)
{
    dnn_tensor *kept = NULL;

    {
        DNN_SCOPE();
        kept = dnn_keep(dnn_select(six(), 0, 1));
    }
    EXPECT(kept, DNN_T_F32, S(3), 3, 4, 5);
}

Test(view, gradients_are_the_mirrored_views)
{
    dnn_tensor *x = LEAF(S(2, 3), 0, 1, 2, 3, 4, 5), *w = F64(S(3, 2), 1, 2, 3, 4, 5, 6);

    unit_backward(dnn_mul(dnn_t(x), w));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 3), 1, 3, 5, 2, 4, 6);
    unit_backward(dnn_mul(dnn_reshape(x, S(3, 2)), w));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 3), 2, 5, 8, 6, 9, 12);
    unit_backward(dnn_slice(x, 1, 0, 3, 2));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 3), 3, 5, 9, 7, 9, 13);
    unit_backward(dnn_expand(dnn_select(x, 0, 1), S(4, 3)));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 3), 3, 5, 9, 11, 13, 17);
}

/* Found by op_args: the rank was subtracted before it was checked. */
Test(view, expand_to_the_lowest_rank_there_is_is_refused)
{
    EXPECT_FAIL(dnn_expand(six(), (dnn_shape){.ndim = INT64_MIN}), "expand",
                "rank -9223372036854775808");
}

/* Found by op_args: beside a size of 0 the new sizes were checked by themselves, and their strides
 * overflowed. */
Test(view, unflatten_into_sizes_that_no_strides_can_span_is_refused)
{
    EXPECT_FAIL(dnn_unflatten(dnn_zeros(S(0, 7)), 0, S(0, INT64_MAX / 4)), "unflatten",
                "more than");
}
