/* own_optimizer.c - a kind of optimizer of the program: Adam (Kingma and Ba 2015), as torch.optim
 * has it. Two groups of parameters with their own learning rates. */
#include <dnn/dnn.h>
#include <math.h>
#include <stdio.h>

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, SETTINGS };

static const dnn_optim_setting adam_settings[SETTINGS] = {
    [LR] = {.name = "lr", .value = 1e-3},
    [BETA1] = {.name = "beta1", .value = 0.9, .high = 1, .below = true},
    [BETA2] = {.name = "beta2", .value = 0.999, .high = 1, .below = true},
    [EPS] = {.name = "eps", .value = 1e-8},
    [WEIGHT_DECAY] = {.name = "weight_decay"},
};
static const char *const adam_states[] = {"exp_avg", "exp_avg_sq"};

/* For each parameter p with gradient g, in its step number t:
 *     g += weight_decay p;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
 *     p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 * It changes nothing itself: the base copies what dnn_optim_assign notes if the whole step has
 * succeeded. */
static dnn_status adam_step(dnn_optimizer *self)
{
    for (int64_t i = 0; i < dnn_optim_parameter_count(self); i++) {
        int64_t group = dnn_optim_group_of(self, i);
        double beta1 = dnn_optim_get(self, group, "beta1"),
               beta2 = dnn_optim_get(self, group, "beta2");
        double t = (double)dnn_optim_parameter_steps(self, i) + 1;
        double size = dnn_optim_get(self, group, "lr") / (1 - pow(beta1, t));
        dnn_tensor *p = dnn_optim_parameter(self, i), *g = dnn_grad(p), *m, *v, *m1, *v1, *root;

        if (g == NULL) { /* as PyTorch: passed over */
            continue;
        }
        m = dnn_optim_make_state(self, i, "exp_avg");
        v = dnn_optim_make_state(self, i, "exp_avg_sq");
        g = dnn_add(g, p, .alpha = dnn_optim_get(self, group, "weight_decay"));
        m1 = dnn_add(dnn_mul(m, beta1), g, .alpha = 1 - beta1);
        v1 = dnn_add(dnn_mul(v, beta2), dnn_square(g), .alpha = 1 - beta2);
        root = dnn_div(dnn_sqrt(v1), sqrt(1 - pow(beta2, t)));
        root = dnn_add(root, dnn_optim_get(self, group, "eps"));
        DNN_TRY(dnn_optim_assign(self, m, m1));
        DNN_TRY(dnn_optim_assign(self, v, v1));
        DNN_TRY(dnn_optim_assign(self, p, dnn_sub(p, dnn_div(m1, root), .alpha = size)));
    }
    return DNN_OK;
}

static const dnn_optimizer_type adam_type = {
    .size = sizeof(dnn_optimizer_type),
    .name = "adam",
    .bytes = sizeof(dnn_optimizer), /* it needs no memory of its own */
    .setting = adam_settings,
    .n_settings = SETTINGS,
    .state = adam_states,
    .n_states = 2,
    .step = adam_step,
};

static dnn_status run(void)
{
    DNN_SCOPE();
    dnn_module *body = dnn_nn_linear(2, 16), *head = dnn_nn_linear(16, 1);
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(body, dnn_nn_tanh(), head));
    dnn_optimizer *optimizer = dnn_optim_new(&adam_type, dnn_parameters(body), NULL);
    double last = 1;
    int64_t group;

    DNN_TRY(dnn_optim_set(optimizer, DNN_ALL_GROUPS, "lr", 0.02));
    DNN_TRY(dnn_optim_add_group(optimizer, dnn_parameters(head), &group));
    DNN_TRY(dnn_optim_set(optimizer, group, "lr", 0.05));
    for (int step = 0; step < 400; step++) {
        DNN_SCOPE();
        dnn_tensor *x = dnn_rand(DNN_SHAPE(64, 2));
        dnn_tensor *product = dnn_mul(dnn_select(x, 1, 0), dnn_select(x, 1, 1)); /* to be learnt */
        dnn_tensor *loss = dnn_mse_loss(dnn_forward(net, x), dnn_unsqueeze(product, 1));

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
        last = 0.9 * last + 0.1 * dnn_value(loss);
    }
    printf("loss %.5f; the variance of the target is %.5f\n", last, 1 / 9.0 - 1 / 16.0);
    return last < 0.005 ? DNN_OK : dnn_fail(DNN_E_INVALID, "the loss is %.3g", last);
}

int main(void)
{
    dnn_status status = run();

    if (status != DNN_OK) {
        fprintf(stderr, "own_optimizer: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
