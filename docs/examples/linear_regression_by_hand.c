/* linear_regression_by_hand.c - linear regression with tensors only: the loss and the step of
 * gradient descent are written out. */
#include <dnn/dnn.h>
#include <math.h>
#include <stdio.h>

enum { POINTS = 200, STEPS = 100 };

static dnn_status run(void)
{
    DNN_SCOPE();
    const double rate = 0.1;
    dnn_tensor *truth = dnn_values(DNN_T_F32, DNN_SHAPE(2, 1), 2, -3.4);
    dnn_tensor *x = dnn_randn(DNN_SHAPE(POINTS, 2));
    dnn_tensor *noise = dnn_mul(dnn_randn(DNN_SHAPE(POINTS, 1)), 0.01);
    dnn_tensor *y = dnn_add(dnn_add(dnn_matmul(x, truth), 4.2), noise);
    dnn_tensor *w = dnn_zeros(DNN_SHAPE(2, 1), .requires_grad = true);
    dnn_tensor *b = dnn_zeros(DNN_SHAPE(1), .requires_grad = true);

    for (int step = 0; step < STEPS; step++) {
        DNN_SCOPE();
        dnn_tensor *error = dnn_sub(dnn_add(dnn_matmul(x, w), b), y);

        DNN_TRY(dnn_backward(dnn_mean(dnn_square(error))));
        DNN_NO_GRAD(); /* until the end of the iteration */
        dnn_sub_(w, dnn_mul(dnn_grad(w), rate));
        dnn_sub_(b, dnn_mul(dnn_grad(b), rate));
        DNN_TRY(dnn_set_grad(w, NULL));
        DNN_TRY(dnn_set_grad(b, NULL));
    }
    double w0 = dnn_value(dnn_index(w, "0")), w1 = dnn_value(dnn_index(w, "1"));

    printf("w = %.2f, %.2f; b = %.2f\n", w0, w1, dnn_value(b));
    if (fabs(w0 - 2) > 0.05 || fabs(w1 + 3.4) > 0.05 || fabs(dnn_value(b) - 4.2) > 0.05) {
        return dnn_fail(DNN_E_INVALID, "w or b is far from the truth");
    }
    return dnn_take_error();
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "linear_regression_by_hand: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
