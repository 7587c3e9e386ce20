/* tensors.c - tensors and gradients: values, operators, broadcasting, views, backward. */
#include <dnn/dnn.h>
#include <stdio.h>

static dnn_status run(void)
{
    DNN_SCOPE();
    double dx[3];
    dnn_tensor *a = dnn_values(DNN_T_F32, DNN_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    dnn_tensor *x = dnn_values(DNN_T_F32, DNN_SHAPE(3), 1, 2, 3);
    dnn_tensor *scaled = dnn_add(dnn_mul(a, 2), x); /* x broadcasts over the rows */
    dnn_tensor *product = dnn_matmul(a, x);         /* [2] = 14, 32 */
    dnn_tensor *corner = dnn_index(a, "-1, 1:");    /* [2] = 5, 6: a view of a */

    DNN_TRY(dnn_print(scaled));
    DNN_TRY(dnn_print(product));
    dnn_zero_(corner);
    if (dnn_value(dnn_sum(product)) != 46 || dnn_value(dnn_sum(a)) != 10) {
        return dnn_fail(DNN_E_INVALID, "the product or the view is wrong");
    }
    dnn_requires_grad_(x, true);
    dnn_tensor *y = dnn_sum(dnn_pow(x, 3));
    DNN_TRY(dnn_backward(y)); /* dy/dx = 3 x^2; reports the errors of all lines above */
    DNN_TRY(dnn_print(dnn_grad(x)));
    DNN_TRY(dnn_to_list(dnn_grad(x), dx, 3));
    return dx[0] == 3 && dx[1] == 12 && dx[2] == 27 ? DNN_OK
                                                    : dnn_fail(DNN_E_INVALID, "dy/dx is wrong");
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "tensors: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
