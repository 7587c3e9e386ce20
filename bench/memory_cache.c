/* memory_cache.c - the bytes that the host cache keeps after workloads whose sizes never repeat:
 * one tensor that grows, and training on images of random size. */
#include <stdio.h>
#include <stdlib.h>
#include "dnn/dnn.h"

static dnn_status tell(const char *what)
{
    dnn_memory memory;

    DNN_TRY(dnn_get_memory("cpu", &memory));
    printf("{\"bench\": \"memory_cache\", \"case\": \"%s\", \"peak_mb\": %.1f, "
           "\"cached_mb\": %.1f, \"requests\": %lld, \"system_requests\": %lld}\n",
           what, (double)memory.peak_bytes / 1e6, (double)memory.cached_bytes / 1e6,
           (long long)memory.requests, (long long)memory.system_requests);
    return DNN_OK;
}

/* One tensor at a time, each 2 % larger, from 4 KB to 99 MB. */
static dnn_status growing(void)
{
    for (double elements = 1000; elements < 24.75e6; elements *= 1.02) {
        {
            DNN_SCOPE();
            dnn_zeros(DNN_SHAPE((int64_t)elements));
            DNN_TRY(dnn_take_error());
        }
    }
    return tell("growing tensor");
}

static dnn_status step(dnn_module *net, dnn_optimizer *optimizer, int64_t height, int64_t width)
{
    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_randn(DNN_SHAPE(4, 3, height, width));

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(dnn_mean(dnn_square(dnn_forward(net, x)))));
        DNN_TRY(dnn_step(optimizer));
    }
    return DNN_OK;
}

static dnn_status random_images(int steps)
{
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(
        dnn_nn_conv2d(3, 16, 3, .padding = 1), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2),
        dnn_nn_conv2d(16, 32, 3, .padding = 1), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2)));
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.01, .momentum = 0.9);
    dnn_status status = dnn_take_error();

    srand(1);
    for (int i = 0; i < steps && status == DNN_OK; i++) {
        status = step(net, optimizer, 32 + rand() % 200, 32 + rand() % 200);
    }
    if (status == DNN_OK) {
        status = tell("images of random size");
    }
    dnn_release(optimizer);
    dnn_release(net);
    return status;
}

int main(int argc, char **argv)
{
    dnn_status status = growing();

    dnn_shutdown();
    if (status == DNN_OK) {
        status = random_images(argc > 1 ? atoi(argv[1]) : 100);
    }
    if (status != DNN_OK) {
        fprintf(stderr, "memory_cache: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
