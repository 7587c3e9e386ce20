/* zoo.c - training steps of the three networks on data in memory: samples per second, and the
 * system resources that a steady step uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "../tests/zoo/nets.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static dnn_module *cifar_new(void)
{
    return dnn_nn_sequential(
        DNN_MODULES(dnn_nn_conv2d(3, 6, 5), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2),
                    dnn_nn_conv2d(6, 16, 5), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2),
                    dnn_nn_flatten(), dnn_nn_linear(400, 120), dnn_nn_relu(),
                    dnn_nn_linear(120, 84), dnn_nn_relu(), dnn_nn_linear(84, 10)));
}

static dnn_status steps(dnn_module *net, dnn_optimizer *optimizer, dnn_tensor *x, dnn_tensor *y,
                        int n)
{
    double loss;

    for (int i = 0; i < n; i++) {
        DNN_SCOPE();
        dnn_tensor *l = dnn_cross_entropy(dnn_forward(net, x), y);

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(l));
        DNN_TRY(dnn_step(optimizer));
        DNN_TRY(read_value(l, &loss));
    }
    return DNN_OK;
}

static void measure(const char *model, dnn_module *net, dnn_optimizer *optimizer, dnn_tensor *x,
                    dnn_tensor *y, int n)
{
    dnn_memory before = {0}, after = {0};
    dnn_counters c0, c1;
    struct rusage usage;
    double began, seconds;
    dnn_status st = steps(net, optimizer, x, y, n / 5 + 5);

    st = st == DNN_OK ? dnn_get_memory("cpu", &before) : st;
    dnn_get_counters(&c0);
    began = now();
    st = st == DNN_OK ? steps(net, optimizer, x, y, n) : st;
    seconds = now() - began;
    dnn_get_counters(&c1);
    st = st == DNN_OK ? dnn_get_memory("cpu", &after) : st;
    getrusage(RUSAGE_SELF, &usage);
    if (st != DNN_OK) {
        fprintf(stderr, "zoo %s: %s\n", model, dnn_error_message());
        return;
    }
    printf("{\"bench\": \"zoo\", \"model\": \"%s\", \"threads\": %d, \"steps\": %d, "
           "\"samples_per_second\": %.0f, "
           "\"ms_per_step\": %.4f, \"calls_per_step\": %.1f, \"system_requests_per_step\": %.3f, "
           "\"plan_misses_per_step\": %.3f, "
           "\"copies_per_step\": %.1f, \"peak_rss_mb\": %.1f}\n",
           model, dnn_get_threads(), n, (double)dnn_size(x, 0) * n / seconds, seconds / n * 1e3,
           (double)(c1.calls - c0.calls) / n,
           (double)(after.system_requests - before.system_requests) / n,
           (double)(c1.plan_misses - c0.plan_misses) / n, (double)(c1.copies - c0.copies) / n,
           (double)usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    const char *model = argc > 1 ? argv[1] : "lenet";
    int n = argc > 2 ? atoi(argv[2]) : 200;
    bool cifar = strcmp(model, "cifar") == 0;

    if (strcmp(model, "--help") == 0) {
        printf("usage: bench_zoo [mlp|lenet|cifar] [STEPS]\n");
        return 0;
    }
    if (n < 1 || (!cifar && strcmp(model, "mlp") != 0 && strcmp(model, "lenet") != 0)) {
        fprintf(stderr, "usage: bench_zoo [mlp|lenet|cifar] [STEPS]\n");
        return 2;
    }
    {
        DNN_SCOPE();
        dnn_tensor *x =
            cifar ? dnn_randn(DNN_SHAPE(4, 3, 32, 32)) : dnn_randn(DNN_SHAPE(64, 1, 28, 28));
        dnn_tensor *y = labels(1, dnn_size(x, 0));
        dnn_module *net = cifar                       ? cifar_new()
                          : strcmp(model, "mlp") == 0 ? mlp_new(0)
                                                      : lenet_new(0);
        dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.01, .momentum = 0.9);

        measure(model, net, optimizer, x, y, n);
        dnn_release(optimizer);
        dnn_release(net);
    }
    dnn_shutdown();
    return 0;
}
