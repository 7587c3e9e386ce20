/* logistic.c - logistic regression: which side of a line a point lies on. */
#include <dnn/dnn.h>
#include <stdio.h>

enum { POINTS = 400, STEPS = 200 };

/* The mean of -y log p - (1 - y) log(1 - p) with p = sigmoid(z), without overflow
 * (torch.nn.functional.binary_cross_entropy_with_logits). */
static dnn_tensor *bce_with_logits(dnn_tensor *z, dnn_tensor *y)
{
    return dnn_mean(dnn_sub(dnn_softplus(z, 1, 20), dnn_mul(y, z)));
}

static dnn_status run(void)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_randn(DNN_SHAPE(POINTS, 2));
    dnn_tensor *side = dnn_gt(dnn_sum(x, .dims = DNN_DIMS(1), .keepdim = true), 0.5);
    dnn_tensor *y = dnn_to(side, .dtype = DNN_T_F32);
    dnn_module *net = dnn_nn_linear(2, 1);
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 1, .momentum = 0.9);

    for (int step = 0; step < STEPS; step++) {
        DNN_SCOPE();
        dnn_tensor *loss = bce_with_logits(dnn_forward(net, x), y);

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
        if (step % 50 == 49) {
            printf("step %3d: loss %.4f\n", step + 1, dnn_value(loss));
        }
    }
    DNN_NO_GRAD();
    dnn_tensor *right = dnn_eq(dnn_gt(dnn_forward(net, x), 0), side);
    double accuracy = dnn_value(dnn_mean(dnn_to(right, .dtype = DNN_T_F32)));

    DNN_TRY(dnn_take_error());
    printf("accuracy %.3f\n", accuracy);
    return accuracy > 0.97 ? DNN_OK : dnn_fail(DNN_E_INVALID, "the accuracy is %.3f", accuracy);
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "logistic: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
