/* softmax.c - a softmax classifier: three clouds of points, split into a training and a test
 * set. */
#include <dnn/dnn.h>
#include <stdio.h>

enum { POINTS = 600, TEST = 120, EPOCHS = 5 };

static dnn_status train(dnn_module *net, dnn_optimizer *optimizer, dnn_loader *loader)
{
    dnn_batch batch;

    while (dnn_loader_next(loader, &batch)) {
        DNN_SCOPE();
        dnn_tensor *loss = dnn_cross_entropy(dnn_forward(net, batch.input), batch.target);

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
    }
    return dnn_take_error();
}

/* Returns the share of samples whose largest logit is that of the target; NaN on failure. */
static double accuracy(dnn_module *net, dnn_loader *loader)
{
    DNN_NO_GRAD();
    dnn_batch batch;
    double right = 0;

    while (dnn_loader_next(loader, &batch)) {
        DNN_SCOPE();
        dnn_tensor *guess = dnn_argmax(dnn_forward(net, batch.input), 1);

        right += dnn_value(dnn_sum(dnn_eq(guess, batch.target)));
    }
    return right / (double)dnn_loader_samples(loader);
}

static dnn_status run(void)
{
    DNN_SCOPE();
    dnn_tensor *label = dnn_remainder(dnn_arange(.end = POINTS, .dtype = DNN_T_I64), 3);
    dnn_tensor *angle = dnn_mul(dnn_to(label, .dtype = DNN_T_F32), 2.0944); /* a third of a turn */
    dnn_tensor *center = dnn_stack(DNN_TENSORS(dnn_cos(angle), dnn_sin(angle)), 1);
    dnn_tensor *x = dnn_add(center, dnn_mul(dnn_randn(DNN_SHAPE(POINTS, 2)), 0.2));
    dnn_dataset *all = dnn_dataset_tensors((dnn_tensor *[]){x, label}, 2), *part[2];

    DNN_TRY(dnn_dataset_random_split(all, (int64_t[]){POINTS - TEST, TEST}, 2, 1, part));
    dnn_module *net = dnn_nn_linear(2, 3);
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.5);
    dnn_loader *loader = dnn_loader(part[0], .batch_size = 32, .shuffle = true);

    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        DNN_TRY(train(net, optimizer, loader));
    }
    double test = accuracy(net, dnn_loader(part[1], .batch_size = 60));

    printf("test accuracy %.3f\n", test);
    DNN_TRY(dnn_take_error());
    return test > 0.95 ? DNN_OK : dnn_fail(DNN_E_INVALID, "the accuracy is %.3f", test);
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "softmax: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
