/* test_null_operands.c - an operand that is NULL is named, as the headers name it. */
#include <criterion/criterion.h>
#include <string.h>
#include "dnn/dnn.h"

#define S DNN_SHAPE

/* The call fails with "op: name is NULL". */
#define EXPECT_NAMED(call, text)                       \
    do {                                               \
        cr_expect_null(call);                          \
        cr_expect_eq(dnn_take_error(), DNN_E_INVALID); \
        cr_expect_str_eq(dnn_error_message(), text);   \
    } while (0)

Test(null_operands, the_message_names_the_operand)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_ones(S(2, 3)), *image = dnn_ones(S(1, 1, 4, 4)), *none = NULL;

    EXPECT_NAMED(dnn_relu(none), "relu: x is NULL");
    EXPECT_NAMED(dnn_add(x, none), "add: b is NULL");
    EXPECT_NAMED(dnn_add(none, x), "add: a is NULL");
    EXPECT_NAMED(dnn_add(none, 1), "add: a is NULL");
    EXPECT_NAMED(dnn_matmul(x, none), "matmul: b is NULL");
    EXPECT_NAMED(dnn_linear(x, none, none), "linear: w is NULL");
    EXPECT_NAMED(dnn_conv2d(none, image, none), "conv2d: x is NULL");
    EXPECT_NAMED(dnn_conv2d(image, none, none), "conv2d: w is NULL");
    EXPECT_NAMED(dnn_max_pool2d(none, .kernel = 2), "max_pool2d: x is NULL");
    EXPECT_NAMED(dnn_sum(none), "sum: x is NULL");
    EXPECT_NAMED(dnn_max_dim(none, 0), "max_dim: x is NULL");
    EXPECT_NAMED(dnn_softmax(none, 0), "softmax: x is NULL");
    EXPECT_NAMED(dnn_cross_entropy(none, x), "cross_entropy: input is NULL");
    EXPECT_NAMED(dnn_cross_entropy(x, none), "cross_entropy: target is NULL");
    EXPECT_NAMED(dnn_mse_loss(x, none), "mse_loss: target is NULL");
    EXPECT_NAMED(dnn_where(none, x, x), "where: condition is NULL");
    EXPECT_NAMED(dnn_masked_fill(x, none, 0), "masked_fill: mask is NULL");
    EXPECT_NAMED(dnn_permute(none, DNN_DIMS(0)), "permute: x is NULL");
    EXPECT_NAMED(dnn_zeros_like(none), "zeros_like: like is NULL");
    EXPECT_NAMED(dnn_detach(none), "detach: t is NULL");
    EXPECT_NAMED(dnn_relu_(none), "relu: x is NULL");
    EXPECT_NAMED(dnn_add_(none, x), "add: a is NULL");
    EXPECT_NAMED(dnn_add_(x, none), "add: b is NULL");
    EXPECT_NAMED(dnn_fill_(none, 1), "fill: target is NULL");
}
