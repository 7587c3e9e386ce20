/* test_norm.c - tests softmax and log_softmax. */
#include "unit.h"
#include "call.h"

TestSuite(norm, .init = unit_init, .fini = unit_fini, .timeout = 60);

Test(norm, softmax_sums_to_one_along_its_axis)
{
    dnn_tensor *x = F64(S(2, 2), 0, log(3), 1000, 1000);

    EXPECT(dnn_softmax(x, 1), DNN_T_F64, S(2, 2), 0.25, 0.75, 0.5, 0.5);
    EXPECT(dnn_log_softmax(x, -1), DNN_T_F64, S(2, 2), log(0.25), log(0.75), log(0.5), log(0.5));
    EXPECT(dnn_softmax(dnn_t(x), 0), DNN_T_F64, S(2, 2), 0.25, 0.5, 0.75, 0.5);
    EXPECT(dnn_softmax(dnn_scalar(7), 0), DNN_T_F32, DNN_SCALAR, 1);
    EXPECT(dnn_softmax(F32(S(2), -INFINITY, -INFINITY), 0), DNN_T_F32, S(2), NAN, NAN);
    EXPECT_EMPTY(dnn_softmax(dnn_zeros(S(0, 3)), 1), DNN_T_F32, S(0, 3));
}

Test(norm, what_has_no_softmax_is_refused)
{
    dnn_tensor *x = F32(S(2), 1, 2);

    EXPECT_FAIL_KEEPS(x, dnn_softmax(x, 1), "softmax", "1");
    EXPECT_FAIL(dnn_softmax(I64(S(2), 1, 2), 0), "softmax", "i64", "dnn_to");
    EXPECT_FAIL(dnn_log_softmax(x, -2), "log_softmax", "-2");
    EXPECT_FAIL(dnn_log_softmax(NULL, 0), "log_softmax", "NULL");
}

Test(norm, gradients)
{
    dnn_tensor *x = LEAF(S(2), 0, log(3)), *w = F64(S(2), 1, 0);

    unit_backward(dnn_mul(dnn_softmax(x, 0), w));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 0.1875, -0.1875);
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    unit_backward(dnn_mul(dnn_log_softmax(x, 0), w));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 0.75, -0.75);
}

/* Found by op_args: dy and y were let through where they only broadcast, and read past their ends.
 */
Test(norm, a_gradient_of_another_shape_is_refused)
{
    dnn_attr_dim attr = {.size = sizeof attr, .dim = 1};
    dnn_tensor *in[] = {F32(S(2, 1), 1, 2), dnn_ones(S(2, 3))};

    EXPECT_FAIL(dnn__call(DNN_OP_softmax_bwd, in, 2, &attr), "softmax_bwd", "[2,1]", "[2,3]");
    EXPECT_FAIL(dnn__call(DNN_OP_log_softmax_bwd, in, 2, &attr), "log_softmax_bwd", "[2,1]",
                "[2,3]");
    in[0] = in[1];
    attr.dim = 2;
    EXPECT_FAIL(dnn__call(DNN_OP_softmax_bwd, in, 2, &attr), "softmax_bwd", "dim 2");
}
