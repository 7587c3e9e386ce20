// line - line.c in C++17. Functions with named arguments are C macros. C++ fills their struct of
// arguments and calls the function with the suffix _with.
#include <dnn/dnn.h>
#include <cmath>
#include <cstdio>
#include <memory>

namespace
{
struct free_module {
    void operator()(dnn_module *m) const
    {
        dnn_release(m);
    }
};
struct free_optimizer {
    void operator()(dnn_optimizer *o) const
    {
        dnn_release(o);
    }
};

dnn_status step(dnn_module *net, dnn_optimizer *optimizer, dnn_tensor *x, dnn_tensor *y)
{
    { DNN_SCOPE();
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

dnn_status run(double *weight, double *bias)
{
    dnn_nn_linear_args linear = {};
    dnn_optim_sgd_args sgd = {};

    linear.in = linear.out = 1;
    std::unique_ptr<dnn_module, free_module> net(dnn_nn_linear_with(linear));
    sgd.parameters = dnn_parameters(net.get());
    sgd.lr = 0.1;
    sgd.momentum = 0.9;
    std::unique_ptr<dnn_optimizer, free_optimizer> optimizer(dnn_optim_sgd_with(sgd));
    dnn_tensor *x = dnn_reshape(dnn_linspace(-1, 1, 64), dnn_shape{2, {64, 1}});
    dnn_tensor *y = dnn_add(dnn_mul(x, 2), 1);

    for (int i = 0; i < 200; i++)
        DNN_TRY(step(net.get(), optimizer.get(), x, y));
    DNN_TRY(dnn_item(dnn_module_tensor(net.get(), "weight"), weight));
    return dnn_item(dnn_module_tensor(net.get(), "bias"), bias);
}
} // namespace

int main()
{
    double weight = 0, bias = 0;

    if (run(&weight, &bias) != DNN_OK) {
        std::fprintf(stderr, "line: %s\n", dnn_error_message());
        return 1;
    }
    std::printf("y = %.3f x + %.3f\n", weight, bias);
    dnn_shutdown();
    return std::fabs(weight - 2) < 1e-3 && std::fabs(bias - 1) < 1e-3 ? 0 : 1;
}
