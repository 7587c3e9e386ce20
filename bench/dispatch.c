/* dispatch.c - time of a call in nanoseconds: add of two one-element tensors, without and with
 * gradient. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "dnn/dnn.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Returns the seconds for n adds, with a scope for each hundred, like a step of a program. */
static double run(dnn_tensor *a, dnn_tensor *b, int n)
{
    double began = now();

    for (int i = 0; i < n; i += 100) {
        DNN_SCOPE();
        for (int k = 0; k < 100; k++) {
            dnn_add(a, b);
        }
    }
    return now() - began;
}

static double best(dnn_tensor *a, dnn_tensor *b)
{
    enum { N = 200000, TRIES = 7 };
    double least = 1e9;

    run(a, b, N / 10);
    for (int i = 0; i < TRIES; i++) {
        double seconds = run(a, b, N);

        least = seconds < least ? seconds : least;
    }
    return least / N * 1e9;
}

int main(int argc, char **argv)
{
    dnn_tensor *a = dnn_ones(DNN_SHAPE(1)), *b = dnn_ones(DNN_SHAPE(1));
    dnn_tensor *leaf = dnn_ones(DNN_SHAPE(1), .requires_grad = true);

    if (argc > 1) {
        bool help = strcmp(argv[1], "--help") == 0;

        fprintf(help ? stdout : stderr, "usage: bench_dispatch\n");
        return help ? 0 : 2;
    }
    printf("{\"bench\": \"dispatch\", \"add_ns\": %.1f, ", best(a, b));
    printf("\"add_grad_ns\": %.1f}\n", best(leaf, b));
    if (dnn_take_error() != DNN_OK) {
        fprintf(stderr, "dispatch: %s\n", dnn_error_message());
        return 1;
    }
    dnn_shutdown();
    return 0;
}
