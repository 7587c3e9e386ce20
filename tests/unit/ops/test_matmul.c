/* test_matmul.c - tests products of matrices, vectors and batches, and linear. */
#include "unit.h"

TestSuite(matmul, .init = unit_init, .fini = unit_fini, .timeout = 60);

Test(matmul, ranks_follow_pytorch)
{
    dnn_tensor *a = F32(S(2, 3), 1, 2, 3, 4, 5, 6), *b = F32(S(3, 2), 1, 0, 0, 1, 1, 1),
               *v = F32(S(3), 1, 1, 1);
    dnn_tensor *batch = dnn_reshape(dnn_arange(.end = 12), S(2, 2, 3));

    EXPECT(dnn_matmul(a, b), DNN_T_F32, S(2, 2), 4, 5, 10, 11);
    EXPECT(dnn_mm(dnn_t(b), dnn_t(a)), DNN_T_F32, S(2, 2), 4, 10, 5, 11);
    EXPECT(dnn_matmul(a, v), DNN_T_F32, S(2), 6, 15);
    EXPECT(dnn_matmul(v, b), DNN_T_F32, S(2), 2, 2);
    EXPECT(dnn_dot(v, v), DNN_T_F32, DNN_SCALAR, 3);
    EXPECT(dnn_matmul(batch, v), DNN_T_F32, S(2, 2), 3, 12, 21, 30);
    EXPECT(dnn_matmul(batch, b), DNN_T_F32, S(2, 2, 2), 2, 3, 8, 9, 14, 15, 20, 21);
    EXPECT(dnn_matmul(a, dnn_transpose(batch, 1, 2)), DNN_T_F32, S(2, 2, 2), 8, 26, 17, 62, 44, 62,
           107, 152);
    cr_assert_eq(dnn_ndim(dnn_matmul(dnn_unsqueeze(batch, 1), dnn_expand(b, S(4, 3, 2)))), 4);
    EXPECT(dnn_bmm(dnn_expand(a, S(1, 2, 3)), dnn_expand(b, S(1, 3, 2))), DNN_T_F32, S(1, 2, 2), 4,
           5, 10, 11);
    EXPECT(dnn_addmm(F32(S(2), 1, 2), a, b), DNN_T_F32, S(2, 2), 5, 7, 11, 13);
}

Test(matmul, empty_sides)
{
    EXPECT(dnn_matmul(dnn_zeros(S(2, 0)), dnn_zeros(S(0, 2))), DNN_T_F32, S(2, 2), 0, 0, 0, 0);
    EXPECT_EMPTY(dnn_matmul(dnn_zeros(S(0, 3)), dnn_zeros(S(3, 2))), DNN_T_F32, S(0, 2));
    EXPECT_EMPTY(dnn_matmul(dnn_zeros(S(0, 2, 3)), dnn_zeros(S(3, 2))), DNN_T_F32, S(0, 2, 2));
}

Test(matmul, what_does_not_fit_is_refused)
{
    dnn_tensor *a = dnn_ones(S(3, 4)), *b = dnn_ones(S(5, 6));

    EXPECT_FAIL_KEEPS(a, dnn_matmul(a, b), "matmul", "[3,4]", "[5,6]", "4", "5");
    EXPECT_FAIL(dnn_matmul(dnn_scalar(1), a), "matmul", "rank 0");
    EXPECT_FAIL(dnn_matmul(dnn_ones(S(2, 3, 4)), dnn_ones(S(3, 4, 5))), "matmul", "2", "3");
    EXPECT_FAIL(dnn_matmul(a, dnn_ones(S(4, 2), .dtype = DNN_T_F64)), "matmul", "f32", "f64");
    EXPECT_FAIL(dnn_matmul(I64(S(1, 1), 1), I64(S(1, 1), 1)), "matmul", "i64");
    EXPECT_FAIL(dnn_matmul(a, NULL), "matmul", "NULL");
    EXPECT_FAIL(dnn_mm(a, dnn_ones(S(4))), "mm", "[4]", "2");
    EXPECT_FAIL(dnn_dot(a, a), "dot", "[3,4]");
    EXPECT_FAIL(dnn_bmm(dnn_ones(S(2, 1, 1)), dnn_ones(S(3, 1, 1))), "bmm", "2", "3");
    EXPECT_FAIL(dnn_addmm(dnn_ones(S(7)), a, dnn_ones(S(4, 2))), "add", "[7]", "[3,2]");
}

Test(matmul, gradients_of_products)
{
    dnn_tensor *a = LEAF(S(2, 2), 1, 2, 3, 4), *b = LEAF(S(2, 2), 5, 6, 7, 8),
               *v = LEAF(S(2), 1, 2);

    unit_backward(dnn_matmul(a, b));
    EXPECT(dnn_grad(a), DNN_T_F64, S(2, 2), 11, 15, 11, 15);
    EXPECT(dnn_grad(b), DNN_T_F64, S(2, 2), 4, 4, 6, 6);
    cr_assert_eq(dnn_set_grad(a, NULL), DNN_OK);
    unit_backward(dnn_matmul(a, v));
    EXPECT(dnn_grad(a), DNN_T_F64, S(2, 2), 1, 2, 1, 2);
    EXPECT(dnn_grad(v), DNN_T_F64, S(2), 4, 6);
    cr_assert_eq(dnn_set_grad(b, NULL), DNN_OK);
    unit_backward(dnn_matmul(F64(S(2, 1, 2), 1, 2, 3, 4), dnn_unsqueeze(b, 0)));
    EXPECT(dnn_grad(b), DNN_T_F64, S(2, 2), 4, 4, 6, 6);
}

Test(matmul, linear_is_x_w_transposed_plus_bias)
{
    dnn_tensor *x = LEAF(S(2, 2), 1, 2, 3, 4), *w = LEAF(S(3, 2), 1, 0, 0, 1, 1, 1),
               *bias = LEAF(S(3), 10, 20, 30);

    EXPECT(dnn_linear(x, w, bias), DNN_T_F64, S(2, 3), 11, 22, 33, 13, 24, 37);
    EXPECT(dnn_linear(x, w, NULL), DNN_T_F64, S(2, 3), 1, 2, 3, 3, 4, 7);
    EXPECT(dnn_linear(dnn_select(x, 0, 0), w, bias), DNN_T_F64, S(3), 11, 22, 33);
    EXPECT(dnn_linear(dnn_zeros(S(1, 0)), dnn_zeros(S(2, 0)), F32(S(2), 4, 5)), DNN_T_F32, S(1, 2),
           4, 5);
    EXPECT_EMPTY(dnn_linear(dnn_zeros(S(0, 2)), dnn_zeros(S(3, 2)), NULL), DNN_T_F32, S(0, 3));
    unit_backward(dnn_linear(x, w, bias));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2, 2), 2, 2, 2, 2);
    EXPECT(dnn_grad(w), DNN_T_F64, S(3, 2), 4, 6, 4, 6, 4, 6);
    EXPECT(dnn_grad(bias), DNN_T_F64, S(3), 2, 2, 2);
}

Test(matmul, linear_refuses_what_does_not_fit)
{
    dnn_tensor *x = dnn_ones(S(5, 3)), *w = dnn_ones(S(4, 2)), *good = dnn_ones(S(4, 3));

    EXPECT_FAIL_KEEPS(x, dnn_linear(x, w, NULL), "linear", "[5,3]", "[4,2]");
    EXPECT_FAIL(dnn_linear(x, good, dnn_ones(S(3))), "linear", "[3]", "4");
    EXPECT_FAIL(dnn_linear(x, dnn_ones(S(4, 3), .dtype = DNN_T_F64), NULL), "linear", "f32", "f64");
    EXPECT_FAIL(dnn_linear(dnn_scalar(1), good, NULL), "linear", "[4,3]");
    EXPECT_FAIL(dnn_linear(x, NULL, NULL), "linear", "NULL");
    cr_assert_null(dnn_linear(x, good, dnn_zeros(S(-1))));
    cr_assert_eq(dnn_take_error(), DNN_E_INVALID);
}
