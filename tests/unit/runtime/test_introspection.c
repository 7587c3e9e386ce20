/* test_introspection.c - queries of the operator table and of candidates. The queries of the table
 * answer before the library has started; only the tests of candidates call unit_init. */
#include "unit.h"

TestSuite(introspection);

Test(introspection, each_row_has_a_name_a_formula_and_a_rule)
{
    dnn_op_info op, found;
    int n = 0;

    for (; dnn_op_at(n, &op); n++) {
        cr_assert_gt(strlen(op.formula), 0, "%s", op.name);
        cr_assert_gt(strlen(op.dtype_rule), 0, "%s", op.name);
        cr_assert_neq(op.dtypes, 0, "%s", op.name);
        cr_assert_eq(dnn_op_find(op.name, &found), DNN_OK, "%s", dnn_error_message());
        cr_assert_str_eq(found.name, op.name);
    }
    cr_assert_eq(n, dnn_op_count());
    cr_assert_not(dnn_op_at(-1, &op));
    cr_assert_not(dnn_op_at(0, NULL));
}

Test(introspection, conv2d_is_described)
{
    dnn_op_info op;

    cr_assert_eq(dnn_op_find("conv2d", &op), DNN_OK);
    cr_expect_eq(op.min_inputs, 2);
    cr_expect_eq(op.max_inputs, 3);
    cr_expect_eq(op.n_outputs, 1);
    cr_expect(op.differentiable && !op.view && !op.decomposes);
    cr_expect_str_eq(op.dtype_rule, "equal");
    cr_expect_eq(op.dtypes, DNN_T_F32 | DNN_T_F64 | DNN_T_F16 | DNN_T_BF16);
    cr_expect_str_eq(op.backward[0], "conv2d_bwd_input");
    cr_expect_str_eq(op.backward[1], "conv2d_bwd_weight");
}

Test(introspection, a_row_without_gradient_rows_or_with_a_decomposition_says_so)
{
    dnn_op_info op;

    cr_assert_eq(dnn_op_find("softsign", &op), DNN_OK);
    cr_expect(op.differentiable && op.decomposes);
    cr_expect_null(op.backward[0]);
    cr_expect_null(op.backward[1]);
    cr_assert_eq(dnn_op_find("argmax", &op), DNN_OK);
    cr_expect_not(op.differentiable);
    cr_assert_eq(dnn_op_find("slice", &op), DNN_OK);
    cr_expect(op.view);
}

Test(introspection, a_wrong_name_is_an_error_that_lists_near_ones)
{
    dnn_op_info op = {.name = "kept"};

    EXPECT_STATUS_FAIL(dnn_op_find("convv2d", &op), "no operator is called convv2d", "conv2d");
    EXPECT_STATUS_FAIL(dnn_op_find("zzzzzz", &op), "no operator is called zzzzzz", "dnn ops");
    EXPECT_STATUS_FAIL(dnn_op_find(NULL, &op), "name");
    EXPECT_STATUS_FAIL(dnn_op_find("relu", NULL), "out");
    cr_expect_str_eq(op.name, "kept");
}

Test(introspection, inputs_have_names_and_dtypes)
{
    const dnn_dtype floats = DNN_T_F32 | DNN_T_F64 | DNN_T_F16 | DNN_T_BF16;
    dnn_op_input in;
    dnn_op_result result;

    cr_assert(dnn_op_input_at("conv2d", 2, &in));
    cr_expect_str_eq(in.name, "bias");
    cr_expect(in.optional && !in.repeats);
    cr_expect_eq(in.dtypes, floats);
    cr_expect(dnn_op_result_at("max_pool2d", 1, &result));
    cr_expect_str_eq(result.name, "indices");
    cr_expect_not(result.repeats);
    cr_expect(dnn_op_result_at("conv2d", 0, &result));
    cr_expect_str_eq(result.name, "output 0");
    cr_expect_not(dnn_op_result_at("conv2d", 1, &result));
    cr_expect(dnn_op_result_at("sgd_step", 1, &result));
    cr_expect(result.repeats);
    cr_expect_not(dnn_op_result_at("sgd_step", 2, &result));
    cr_expect_not(dnn_op_result_at("max_pool2d", -1, &result));
    cr_expect_not(dnn_op_result_at("max_pool2d", 0, NULL));
    cr_expect_not(dnn_op_result_at(NULL, 0, &result));
    cr_expect_not(dnn_op_input_at("conv2d", 3, &in));
    cr_expect_not(dnn_op_input_at("conv2d", -1, &in));
    cr_expect_not(dnn_op_input_at("no_such", 0, &in));
    cr_expect_not(dnn_op_input_at(NULL, 0, &in));
    cr_expect_not(dnn_op_input_at("conv2d", 0, NULL));
    cr_expect_str_eq(in.name, "bias");
    cr_assert(dnn_op_input_at("cat", 0, &in));
    cr_expect_str_eq(in.name, "tensors");
    cr_expect(in.repeats);
    cr_assert(dnn_op_input_at("where", 0, &in));
    cr_expect_eq(in.dtypes, 0, "condition is not the primary operand");
    cr_assert(dnn_op_input_at("where", 1, &in));
    cr_expect_neq(in.dtypes, 0);
}

/* A row of a fixed number of inputs names each, in few enough letters. */
Test(introspection, each_input_of_each_row_has_a_name)
{
    dnn_op_info op;
    dnn_op_input in;

    for (int i = 0; dnn_op_at(i, &op); i++) {
        int n = 0, required = 0;

        for (; dnn_op_input_at(op.name, n, &in); n++) {
            required += !in.optional;
            cr_assert(strlen(in.name) > 0 && strlen(in.name) < sizeof in.name - 1, "%s", op.name);
        }
        if (op.max_inputs >= 0) {
            cr_assert_eq(n, op.max_inputs, "%s", op.name);
            cr_assert_eq(required, op.min_inputs, "%s", op.name);
        }
    }
}

Test(introspection, attributes_are_those_of_the_struct)
{
    dnn_op_attribute a;

    cr_assert(dnn_op_attribute_at("conv2d", 0, &a));
    cr_expect_str_eq(a.name, "stride_h");
    cr_expect_str_eq(a.type, "i32");
    cr_expect_eq(a.value, 1);
    cr_assert(dnn_op_attribute_at("conv2d_bwd_weight", 8, &a));
    cr_expect_str_eq(a.name, "groups");
    cr_expect_not(dnn_op_attribute_at("conv2d", 9, &a));
    cr_assert(dnn_op_attribute_at("nll_loss", 1, &a));
    cr_expect_str_eq(a.type, "i64");
    cr_expect_eq(a.value, -100);
    cr_expect_not(dnn_op_attribute_at("relu", 0, &a));
    cr_expect_not(dnn_op_attribute_at("conv2d", -1, &a));
    cr_expect_not(dnn_op_attribute_at("no_such", 0, &a));
    cr_expect_not(dnn_op_attribute_at("conv2d", 0, NULL));
}

Test(introspection, candidates_come_in_order, .init = unit_init, .fini = unit_fini)
{
    dnn_candidate c;

    cr_assert(dnn_candidate_at("conv2d", "cpu", DNN_T_F32, 0, &c));
    cr_expect_str_eq(c.plugin, "cpu_blas");
    cr_expect_str_eq(c.kernel, "conv2d_im2col");
    cr_expect_eq(c.priority, 100);
    cr_expect_neq(c.flags, 0);
    cr_expect_not(c.pinned);
    cr_expect_not(dnn_candidate_at("conv2d", "cpu", DNN_T_BF16, 0, &c));
    cr_expect_not(dnn_candidate_at("conv2d", "cpu", DNN_T_F32, 99, &c));
    cr_expect_not(dnn_candidate_at("conv2d", "no_device", DNN_T_F32, 0, &c));
    cr_expect_not(dnn_candidate_at("conv2d", "cpu", DNN_T_F32, -1, &c));
    cr_expect_not(dnn_candidate_at("conv2d", "cpu", DNN_T_F32, 0, NULL));
    cr_assert_eq(dnn_set_prefer("conv2d=cpu_blas"), DNN_OK);
    cr_assert(dnn_candidate_at("conv2d", NULL, DNN_T_F32, 0, &c));
    cr_expect(c.pinned);
}
