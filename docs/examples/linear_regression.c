/* linear_regression.c - the same regression with a module, a data set, a loader and an
 * optimizer. */
#include <dnn/dnn.h>
#include <stdio.h>

enum { POINTS = 256, EPOCHS = 5 };

static dnn_status run(void)
{
    DNN_SCOPE();
    dnn_tensor *truth = dnn_values(DNN_T_F32, DNN_SHAPE(2, 1), 2, -3.4);
    dnn_tensor *x = dnn_randn(DNN_SHAPE(POINTS, 2));
    dnn_tensor *y = dnn_add(dnn_matmul(x, truth), 4.2);
    dnn_dataset *set = dnn_dataset_tensors((dnn_tensor *[]){x, y}, 2);
    dnn_loader *loader = dnn_loader(set, .batch_size = 16, .shuffle = true);
    dnn_module *net = dnn_nn_linear(2, 1);
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.1);
    dnn_batch batch;
    double last = 0;

    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        while (dnn_loader_next(loader, &batch)) {
            DNN_SCOPE();
            dnn_tensor *loss = dnn_mse_loss(dnn_forward(net, batch.input), batch.target);

            DNN_TRY(dnn_zero_grad(optimizer));
            DNN_TRY(dnn_backward(loss));
            DNN_TRY(dnn_step(optimizer));
            last = dnn_value(loss);
        }
        DNN_TRY(dnn_take_error()); /* the loop ends at the end of the epoch or on an error */
        printf("epoch %d: loss %.6f\n", epoch + 1, last);
    }
    DNN_TRY(dnn_print(dnn_module_tensor(net, "weight")));
    return last < 1e-4 ? DNN_OK : dnn_fail(DNN_E_INVALID, "the loss is %.3g", last);
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "linear_regression: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
