/* test_index.c - tests indexing by text, joining, and assignment into new tensors. */
#include "unit.h"
#include "call.h"

TestSuite(index, .init = unit_init, .fini = unit_fini, .timeout = 60);

static dnn_tensor *grid(void)
{
    return dnn_reshape(dnn_arange(.end = 12, .dtype = DNN_T_I64), S(3, 4));
}

Test(index, text_reads_like_the_original)
{
    dnn_tensor *x = grid();

    EXPECT(dnn_index(x, "1:3, 2"), DNN_T_I64, S(2), 6, 10);
    EXPECT(dnn_index(x, "-1"), DNN_T_I64, S(4), 8, 9, 10, 11);
    EXPECT(dnn_index(x, "..., 0"), DNN_T_I64, S(3), 0, 4, 8);
    EXPECT(dnn_index(x, "0, ::2"), DNN_T_I64, S(2), 0, 2);
    EXPECT(dnn_index(x, " :2 , -2: "), DNN_T_I64, S(2, 2), 2, 3, 6, 7);
    EXPECT(dnn_index(x, "0, 0:-1"), DNN_T_I64, S(3), 0, 1, 2);
    EXPECT(dnn_index(x, "2, 3"), DNN_T_I64, DNN_SCALAR, 11);
    cr_assert_eq(dnn_ndim(dnn_index(x, "None, ..., None")), 4);
    EXPECT(dnn_index(x, "0, None, 1:2"), DNN_T_I64, S(1, 1), 1);
    cr_assert_eq(dnn_numel(dnn_index(x, "...")), 12);
}

Test(index, a_bad_text_is_refused_with_its_column)
{
    dnn_tensor *x = grid();

    EXPECT_FAIL_KEEPS(x, dnn_index(x, "1:3; 2"), "index", "column 4");
    EXPECT_FAIL(dnn_index(x, "%s", ""), "index", "column 1");
    EXPECT_FAIL(dnn_index(x, "1,"), "index", "column 3");
    EXPECT_FAIL(dnn_index(x, "1, 2, 3"), "index", "column");
    EXPECT_FAIL(dnn_index(x, "..., ..."), "index", "column", "second");
    EXPECT_FAIL(dnn_index(x, "1, 2, 3, ..."), "index", "column");
    EXPECT_FAIL(dnn_index(x, "a"), "index", "column 1");
    EXPECT_FAIL(dnn_index(x, "-"), "index", "column", "sign");
    EXPECT_FAIL(dnn_index(x, "99999999999999999999"), "index", "column", "64 bits");
    EXPECT_FAIL(dnn_index(x, "3"), "select", "3");
    EXPECT_FAIL(dnn_index(x, "::-1"), "slice", "-1", "flip");
    EXPECT_FAIL(dnn_index(x, NULL), "index", "NULL");
    EXPECT_FAIL(dnn_index(NULL, "1"), "index", "NULL");
    EXPECT_FAIL(dnn_index(x, "None,None,None,None,None,None,None"), "unsqueeze", "8");
}

Test(index, assignment_goes_through_the_view)
{
    dnn_tensor *x = grid();

    cr_assert_not_null(dnn_fill_(dnn_index(x, ":, 1"), 0));
    cr_assert_not_null(dnn_copy_(dnn_index(x, "0"), I64(S(4), 9, 8, 7, 6)));
    EXPECT(x, DNN_T_I64, S(3, 4), 9, 8, 7, 6, 4, 0, 6, 7, 8, 0, 10, 11);
}

Test(index, assignment_to_a_view_on_the_tape_is_refused)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y = dnn_mul(x, 2);

    EXPECT_FAIL_KEEPS(y, dnn_fill_(dnn_index(y, "0:1"), 0), "fill", "slice_scatter");
}

Test(index, cat_and_stack_join)
{
    dnn_tensor *a = F32(S(1, 2), 1, 2), *b = F32(S(2, 2), 3, 4, 5, 6), *nothing = dnn_zeros(S(0));
    dnn_tensor *rows[] = {a, nothing, b}, *same[] = {F32(S(2), 1, 2), F32(S(2), 3, 4)},
               *mixed[] = {I64(S(1), 1), F32(S(1), 2.5)};

    EXPECT(dnn_cat((dnn_tensor_list){.n = 3, .item = rows}, 0), DNN_T_F32, S(3, 2), 1, 2, 3, 4, 5,
           6);
    EXPECT(dnn_cat((dnn_tensor_list){.n = 2, .item = mixed}, 0), DNN_T_F32, S(2), 1, 2.5);
    EXPECT(dnn_stack((dnn_tensor_list){.n = 2, .item = same}, 0), DNN_T_F32, S(2, 2), 1, 2, 3, 4);
    EXPECT(dnn_stack((dnn_tensor_list){.n = 2, .item = same}, -1), DNN_T_F32, S(2, 2), 1, 3, 2, 4);
    EXPECT_EMPTY(dnn_cat((dnn_tensor_list){.n = 1, .item = &nothing}, 0), DNN_T_F32, S(0));
}

Test(index, cat_takes_more_operands_than_fit_on_the_stack)
{
    dnn_tensor *x[17];
    double want[17];

    for (int i = 0; i < 17; i++) {
        x[i] = dnn_full(S(1), i);
        want[i] = i;
    }
    unit_expect(dnn_cat((dnn_tensor_list){.n = 17, .item = x}, 0), "cat of 17", __LINE__, DNN_T_F32,
                S(17), want, 17);
}

Test(index, joins_that_do_not_fit_are_refused)
{
    dnn_tensor *a = dnn_zeros(S(1, 2)), *b = dnn_zeros(S(2, 3)), *scalar = dnn_scalar(1);
    dnn_tensor *bad[] = {a, b}, *hole[] = {a, NULL}, *ranks[] = {a, dnn_zeros(S(2))};

    EXPECT_FAIL(dnn_cat((dnn_tensor_list){.n = 2, .item = bad}, 0), "cat", "[1,2]", "[2,3]",
                "dim 0");
    EXPECT_FAIL(dnn_cat((dnn_tensor_list){.n = 2, .item = ranks}, 0), "cat", "[2]", "[1,2]");
    EXPECT_FAIL(dnn_cat((dnn_tensor_list){.n = 0, .item = bad}, 0), "cat", "0");
    EXPECT_FAIL(dnn_cat((dnn_tensor_list){.n = 2, .item = NULL}, 0), "cat", "NULL");
    EXPECT_FAIL(dnn_cat((dnn_tensor_list){.n = 2, .item = hole}, 0), "cat", "tensors[1] of 2",
                "NULL");
    EXPECT_FAIL(dnn_cat((dnn_tensor_list){.n = 1, .item = &a}, 2), "cat", "2");
    EXPECT_FAIL(dnn_cat((dnn_tensor_list){.n = 1, .item = &scalar}, 0), "cat", "rank 0");
    EXPECT_FAIL(dnn_cat((dnn_tensor_list){.n = INT64_MAX, .item = &a}, 0), "cat");
    EXPECT_FAIL(dnn_stack((dnn_tensor_list){.n = 2, .item = bad}, 0), "stack", "[2,3]", "[1,2]");
}

Test(index, each_operand_of_cat_gets_its_piece_of_the_gradient)
{
    dnn_tensor *a = LEAF(S(1), 1), *b = LEAF(S(2), 2, 3), *in[] = {a, b};

    unit_backward(dnn_mul(dnn_cat((dnn_tensor_list){.n = 2, .item = in}, 0), F64(S(3), 5, 6, 7)));
    EXPECT(dnn_grad(a), DNN_T_F64, S(1), 5);
    EXPECT(dnn_grad(b), DNN_T_F64, S(2), 6, 7);
}

Test(index, scatters_write_into_a_new_tensor)
{
    dnn_tensor *x = LEAF(S(4), 1, 2, 3, 4), *src = LEAF(S(2), 8, 9),
               *y = dnn_slice_scatter(x, src, 0, 0, 4, 2);

    EXPECT(y, DNN_T_F64, S(4), 8, 2, 9, 4);
    unit_backward(dnn_mul(y, F64(S(4), 1, 2, 3, 4)));
    EXPECT(dnn_grad(x), DNN_T_F64, S(4), 0, 2, 0, 4);
    EXPECT(dnn_grad(src), DNN_T_F64, S(2), 1, 3);
    EXPECT(dnn_select_scatter(F32(S(2, 2), 1, 2, 3, 4), F32(S(2), 8, 9), 1, -1), DNN_T_F32, S(2, 2),
           1, 8, 3, 9);
    EXPECT_FAIL_KEEPS(x, dnn_slice_scatter(x, src, 0, 0, 4, 1), "slice_scatter", "[2]", "4");
    EXPECT_FAIL(dnn_slice_scatter(x, src, 1, 0, 4, 2), "slice_scatter", "1");
    EXPECT_FAIL(dnn_slice_scatter(x, src, 0, 0, 4, 0), "slice_scatter", "0");
    EXPECT_FAIL(dnn_slice_scatter(x, NULL, 0, 0, 4, 2), "slice_scatter", "NULL");
    EXPECT_FAIL(dnn_select_scatter(x, dnn_scalar(1, .dtype = DNN_T_F64), 0, 4), "select_scatter",
                "4");
    EXPECT_FAIL(dnn_select_scatter(x, src, 0, 0), "select_scatter", "rank");
}

/* Found by op_args: cat counted a size that a [0] does not have, and wrote past the result. */
Test(index, cat_along_a_dim_that_a_0_does_not_have)
{
    dnn_tensor *in[] = {NULL, F32(S(1, 1, 2), 1, 2), F32(S(1, 1, 1), 3)};

    dnn_release(dnn_ones(S(50, 60, 70))); /* a handle to be used again */
    in[0] = dnn_zeros(S(0));
    EXPECT(dnn_cat((dnn_tensor_list){.n = 3, .item = in}, 2), DNN_T_F32, S(1, 1, 3), 1, 2, 3);
}

/* Found by op_args: a step that is never taken was multiplied. */
Test(index, the_step_of_one_element_is_never_taken)
{
    dnn_attr_slice attr = {.size = sizeof attr, .start = 1, .step = INT64_MAX};
    dnn_tensor *in[] = {F32(S(2, 2), 1, 2, 3, 4), F32(S(1, 2), 8, 9)};

    EXPECT(dnn__call(DNN_OP_slice_scatter, in, 2, &attr), DNN_T_F32, S(2, 2), 1, 2, 8, 9);
}
