/* gan_step.c - two networks and two optimizers: a generator learns to draw numbers around 4, which
 * a discriminator tells from its own. */
#include <dnn/dnn.h>
#include <math.h>
#include <stdio.h>

enum { BATCH = 64, STEPS = 2000 };

/* The mean of -log sigmoid(z), or of -log(1 - sigmoid(z)). */
static dnn_tensor *real_loss(dnn_tensor *z)
{
    return dnn_mean(dnn_softplus(dnn_neg(z), 1, 20));
}

static dnn_tensor *fake_loss(dnn_tensor *z)
{
    return dnn_mean(dnn_softplus(z, 1, 20));
}

static dnn_status run(void)
{
    DNN_SCOPE();
    dnn_module *g = dnn_nn_linear(1, 1);
    dnn_module *d = dnn_nn_sequential(
        DNN_MODULES(dnn_nn_linear(1, 16), dnn_nn_leaky_relu(0.2), dnn_nn_linear(16, 1)));
    dnn_optimizer *g_optimizer = dnn_optim_sgd(dnn_parameters(g), 0.05);
    dnn_optimizer *d_optimizer = dnn_optim_sgd(dnn_parameters(d), 0.05);
    double mean = 0;

    for (int step = 0; step < STEPS; step++) {
        DNN_SCOPE();
        dnn_tensor *real = dnn_add(dnn_mul(dnn_randn(DNN_SHAPE(BATCH, 1)), 0.5), 4);
        dnn_tensor *fake = dnn_forward(g, dnn_randn(DNN_SHAPE(BATCH, 1)));

        DNN_TRY(dnn_zero_grad(d_optimizer));
        DNN_TRY(dnn_backward(
            dnn_add(real_loss(dnn_forward(d, real)), fake_loss(dnn_forward(d, dnn_detach(fake))))));
        DNN_TRY(dnn_step(d_optimizer));

        DNN_TRY(dnn_zero_grad(g_optimizer));
        DNN_TRY(dnn_backward(real_loss(dnn_forward(d, fake))));
        DNN_TRY(dnn_step(g_optimizer));
        mean = 0.98 * mean + 0.02 * dnn_value(dnn_mean(fake));
    }
    printf("the generator draws numbers around %.2f\n", mean);
    return fabs(mean - 4) < 0.7 ? DNN_OK : dnn_fail(DNN_E_INVALID, "the mean is %.2f", mean);
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "gan_step: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
