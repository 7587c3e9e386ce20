/* wide_and_deep.c - a module of the program with two branches: a linear one, and one with hidden
 * layers. */
#include <dnn/dnn.h>
#include <stdio.h>

typedef struct wide_deep {
    dnn_module base; /* first */
    dnn_module *wide, *deep, *out;
} wide_deep;

static dnn_tensor *wide_deep_forward(dnn_module *self, dnn_tensor *x) /* [N,2] -> [N,1] */
{
    wide_deep *net = (wide_deep *)self;
    dnn_tensor *wide = dnn_forward(net->wide, x), *deep = dnn_forward(net->deep, x);

    return dnn_forward(net->out, dnn_cat(DNN_TENSORS(wide, deep), 1));
}

static const dnn_module_type wide_deep_type = {.size = sizeof(dnn_module_type),
                                               .name = "WideDeep",
                                               .bytes = sizeof(wide_deep),
                                               .forward = wide_deep_forward};

static dnn_module *wide_deep_new(int64_t hidden)
{
    DNN_SCOPE();
    wide_deep *net = (wide_deep *)dnn_module_new(&wide_deep_type);

    if (net == NULL) {
        return NULL;
    }
    net->wide = dnn_module_add(&net->base, "wide", dnn_nn_linear(2, 4));
    net->deep = dnn_module_add(
        &net->base, "deep",
        dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(2, hidden), dnn_nn_tanh(),
                                      dnn_nn_linear(hidden, hidden), dnn_nn_tanh())));
    net->out = dnn_module_add(&net->base, "out", dnn_nn_linear(4 + hidden, 1));
    DNN_RETURN(&net->base); /* the children go where it goes */
}

static dnn_status run(void)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_sub(dnn_mul(dnn_rand(DNN_SHAPE(256, 2)), 2), 1);
    dnn_tensor *a = dnn_index(x, ":, :1"), *b = dnn_index(x, ":, 1:");
    dnn_tensor *y = dnn_add(dnn_sin(dnn_mul(a, 3)), dnn_mul(b, 2));
    dnn_module *net = wide_deep_new(16);
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.1, .momentum = 0.9);
    double last = 0;

    for (int step = 0; step < 400; step++) {
        DNN_SCOPE();
        dnn_tensor *loss = dnn_mse_loss(dnn_forward(net, x), y);

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
        last = dnn_value(loss);
    }
    printf("loss %.5f with %d parameters\n", last, (int)dnn_module_parameter_count(net));
    return last < 0.02 ? DNN_OK : dnn_fail(DNN_E_INVALID, "the loss is %.3g", last);
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "wide_and_deep: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
