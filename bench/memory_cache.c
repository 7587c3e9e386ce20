/* memory_cache.c - the bytes that the host cache and the process keep after workloads whose sizes
 * never repeat: one tensor that grows, and training on images of random size.
 *
 *     bench_memory_cache growing
 *     bench_memory_cache images [STEPS]
 *
 * One workload for each process, because the peak of the resident set does not go down again.
 * torch_memory.py runs the same two in PyTorch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dnn/dnn.h"

/* Returns a line of /proc/self/status in MB: "VmRSS:" is the resident set, "VmHWM:" its peak.
 * 0 if there is none. */
static double resident_mb(const char *key)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            kib = strtol(line + strlen(key), NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)kib * 1024 / 1e6;
}

/* before: the resident set at the start of the workload, in MB. Kept is what it has more at the
 * end, emptied what it still has more after dnn_empty_cache. */
static dnn_status tell(const char *what, double before)
{
    double peak = resident_mb("VmHWM:"), kept = resident_mb("VmRSS:") - before;
    dnn_memory memory;

    DNN_TRY(dnn_get_memory("cpu", &memory));
    DNN_TRY(dnn_empty_cache("cpu"));
    printf("{\"bench\": \"memory_cache\", \"case\": \"%s\", \"peak_mb\": %.1f, "
           "\"cached_mb\": %.1f, \"requests\": %lld, \"system_requests\": %lld, "
           "\"rss_before_mb\": %.1f, \"rss_peak_mb\": %.1f, \"rss_kept_mb\": %.1f, "
           "\"rss_emptied_mb\": %.1f}\n",
           what, (double)memory.peak_bytes / 1e6, (double)memory.cached_bytes / 1e6,
           (long long)memory.requests, (long long)memory.system_requests, before, peak, kept,
           resident_mb("VmRSS:") - before);
    return DNN_OK;
}

/* One tensor at a time, each 2 % larger, from 4 KB to 99 MB. */
static dnn_status growing(void)
{
    double before = resident_mb("VmRSS:");

    for (double elements = 1000; elements < 24.75e6; elements *= 1.02) {
        DNN_SCOPE();
        dnn_zeros(DNN_SHAPE((int64_t)elements));
        DNN_TRY(dnn_take_error());
    }
    return tell("growing tensor", before);
}

static dnn_status step(dnn_module *net, dnn_optimizer *optimizer, int64_t height, int64_t width)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_randn(DNN_SHAPE(4, 3, height, width));

    DNN_TRY(dnn_zero_grad(optimizer));
    DNN_TRY(dnn_backward(dnn_mean(dnn_square(dnn_forward(net, x)))));
    return dnn_step(optimizer);
}

static dnn_status random_images(int steps)
{
    DNN_SCOPE();
    double before = resident_mb("VmRSS:");
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(
        dnn_nn_conv2d(3, 16, 3, .padding = 1), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2),
        dnn_nn_conv2d(16, 32, 3, .padding = 1), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2)));
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.01, .momentum = 0.9);

    srand(1);
    for (int i = 0; i < steps; i++) {
        int height = 32 + rand() % 200, width = 32 + rand() % 200;

        DNN_TRY(step(net, optimizer, height, width));
    }
    return tell("images of random size", before);
}

static dnn_status run(int argc, char **argv)
{
    DNN_TRY(dnn_init(NULL)); /* so that the plugins count as before the workload */
    if (argc > 1 && strcmp(argv[1], "growing") == 0) {
        return growing();
    }
    if (argc > 1 && strcmp(argv[1], "images") == 0) {
        return random_images(argc > 2 ? atoi(argv[2]) : 100);
    }
    return dnn_fail(DNN_E_INVALID, "usage: bench_memory_cache growing | images [STEPS]");
}

int main(int argc, char **argv)
{
    dnn_status status = run(argc, argv);

    if (status != DNN_OK) {
        fprintf(stderr, "memory_cache: %s\n", dnn_error_message());
    }
    dnn_shutdown();
    return status == DNN_OK ? 0 : 1;
}
