/* line.c - fits y = 2x + 1 to 64 points with one linear layer and 200 steps of SGD, and prints the
 * result.
 *
 *     cc -std=c11 line.c $(pkg-config --cflags --libs dnn) -lm -o line */
#include <dnn/dnn.h>
#include <math.h>
#include <stdio.h>

enum { POINTS = 64, STEPS = 200 };

static dnn_status train(dnn_module *net, dnn_optimizer *optimizer)
{
    dnn_tensor *x = dnn_reshape(dnn_linspace(-1, 1, POINTS), DNN_SHAPE(POINTS, 1));
    dnn_tensor *y = dnn_add(dnn_mul(x, 2), 1);

    for (int step = 0; step < STEPS; step++) {
        DNN_SCOPE();
        dnn_tensor *loss = dnn_mse_loss(dnn_forward(net, x), y);

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
    }
    return DNN_OK;
}

int main(void)
{
    dnn_module *net = dnn_nn_linear(1, 1);
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.1, .momentum = 0.9);
    dnn_status status = train(net, optimizer);
    double weight = dnn_value(dnn_module_tensor(net, "weight"));
    double bias = dnn_value(dnn_module_tensor(net, "bias"));

    if (status != DNN_OK || dnn_take_error() != DNN_OK) {
        fprintf(stderr, "line: %s\n", dnn_error_message());
        return 1;
    }
    printf("y = %.3f x + %.3f\n", weight, bias);
    dnn_shutdown();
    return fabs(weight - 2) < 1e-3 && fabs(bias - 1) < 1e-3 ? 0 : 1;
}
