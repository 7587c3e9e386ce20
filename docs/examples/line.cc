// line - line.c in C++17: the same calls; what C selects with _Generic is overloaded.
#include <dnn/dnn.h>
#include <cmath>
#include <cstdio>

namespace
{
dnn_status train(dnn_module *net, dnn_optimizer *optimizer)
{
    dnn_tensor *x = dnn_reshape(dnn_linspace(-1, 1, 64), DNN_SHAPE(64, 1));
    dnn_tensor *y = dnn_add(dnn_mul(x, 2), 1);

    for (int step = 0; step < 200; step++) {
        DNN_SCOPE();
        dnn_tensor *loss = dnn_mse_loss(dnn_forward(net, x), y);

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
    }
    return DNN_OK;
}
} // namespace

int main()
{
    dnn_module *net = dnn_nn_linear(1, 1);
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.1, .momentum = 0.9);
    dnn_status status = train(net, optimizer);
    double weight = dnn_value(dnn_module_tensor(net, "weight"));
    double bias = dnn_value(dnn_module_tensor(net, "bias"));

    if (status != DNN_OK || dnn_take_error() != DNN_OK) {
        std::fprintf(stderr, "line: %s\n", dnn_error_message());
        return 1;
    }
    std::printf("y = %.3f x + %.3f\n", weight, bias);
    dnn_shutdown();
    return std::fabs(weight - 2) < 1e-3 && std::fabs(bias - 1) < 1e-3 ? 0 : 1;
}
