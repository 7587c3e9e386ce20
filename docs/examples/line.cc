// line - line.c in C++17. Macros that name options need C++20: C++17 fills the struct of options and
// calls the function with the suffix _with. What C selects with _Generic is overloaded.
#include <dnn/dnn.h>
#include <cmath>
#include <cstdio>

namespace
{
dnn_status train(dnn_module *net, dnn_optimizer *optimizer)
{
    dnn_linspace_args points = {};

    points.start = -1;
    points.end = 1;
    points.n = 64;
    dnn_tensor *x = dnn_reshape(dnn_linspace_with(points), DNN_SHAPE(64, 1));
    dnn_tensor *y = dnn_add(dnn_mul(x, 2), 1);

    for (int step = 0; step < 200; step++) {
        DNN_SCOPE();
        dnn_loss_args loss = {};
        dnn_backward_args backward = {};

        loss.input = dnn_forward(net, x);
        loss.target = y;
        backward.of = dnn_mse_loss_with(loss);
        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward_with(backward));
        DNN_TRY(dnn_step(optimizer));
    }
    return DNN_OK;
}
} // namespace

int main()
{
    dnn_nn_linear_args sizes = {};
    dnn_optim_sgd_args sgd = {};

    sizes.in = sizes.out = 1;
    dnn_module *net = dnn_nn_linear_with(sizes);

    sgd.parameters = dnn_parameters(net);
    sgd.lr = 0.1;
    sgd.momentum = 0.9;
    dnn_optimizer *optimizer = dnn_optim_sgd_with(sgd);
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
