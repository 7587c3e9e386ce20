/* train.h - two steps of a linear layer, by functions that the program looked up or linked. The
 * parameters begin as 0.5, so the losses are numbers that can be computed by hand. */
#ifndef DNN_TEST_TRAIN_H
#define DNN_TEST_TRAIN_H
#include <stdio.h>
#include "dnn/dnn.h"

/* clang-format off */
#define API(X) \
    X(dnn_init) X(dnn_shutdown) X(dnn_scope_begin) X(dnn_scope_end) X(dnn_from_data_with) \
    X(dnn_nn_linear_with) X(dnn_module_tensor) X(dnn_init_constant) X(dnn_parameters) \
    X(dnn_optim_sgd_with) X(dnn_forward) X(dnn_mse_loss_with) X(dnn_backward_with) X(dnn_step) \
    X(dnn_zero_grad) X(dnn_value) X(dnn_take_error) X(dnn_error_message) X(dnn_live_objects)
/* clang-format on */
#define MEMBER(name) __typeof__(name) *name;
typedef struct api {
    API(MEMBER)
} api;

static inline int step(const api *a, dnn_module *layer, dnn_optimizer *optimizer, double *loss)
{
    static const float x[] = {1, 2, 3, 4}, y[] = {1, 2};
    dnn_tensor *input = a->dnn_from_data_with(
        (dnn_data_args){.data = x, .shape = DNN_SHAPE(2, 2), .dtype = DNN_T_F32});
    dnn_tensor *target = a->dnn_from_data_with(
        (dnn_data_args){.data = y, .shape = DNN_SHAPE(2, 1), .dtype = DNN_T_F32});
    dnn_tensor *difference = a->dnn_mse_loss_with(
        (dnn_loss_args){.input = (a->dnn_forward)(layer, input), .target = target});

    *loss = a->dnn_value(difference);
    return a->dnn_backward_with((dnn_backward_args){.of = difference}) != DNN_OK ||
           a->dnn_step(optimizer) != DNN_OK || a->dnn_zero_grad(optimizer) != DNN_OK;
}

/* Prints what differs and returns the number of failures. */
static inline int train(const api *a)
{
    static const double want[2] = {2.5, 1.1698};
    dnn_scope scope = a->dnn_scope_begin("train.h");
    dnn_module *layer = a->dnn_nn_linear_with((dnn_nn_linear_args){.in = 2, .out = 1});
    int failed = 0;

    a->dnn_init_constant(a->dnn_module_tensor(layer, "weight"), 0.5);
    a->dnn_init_constant(a->dnn_module_tensor(layer, "bias"), 0.5);
    dnn_optimizer *optimizer = a->dnn_optim_sgd_with(
        (dnn_optim_sgd_args){.parameters = a->dnn_parameters(layer), .lr = 0.01});

    for (int i = 0; i < 2; i++) {
        double loss = 0;
        int refused = step(a, layer, optimizer, &loss);

        if (refused || !(loss > want[i] - 1e-5 && loss < want[i] + 1e-5)) {
            printf("step %d: the loss is %g, not %g: %s\n", i, loss, want[i],
                   a->dnn_error_message());
            failed++;
        }
    }
    a->dnn_scope_end(&scope);
    return failed;
}

#endif
