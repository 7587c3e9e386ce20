/* graph.c - a graph of many nodes on one-element tensors: nanoseconds of CPU time for each node of
 * the forward pass without and with recording, of the backward pass, and of the release; bytes for
 * each node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "dnn/dnn.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double peak_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss * 1024 : 0;
}

static dnn_tensor *chain(dnn_tensor *x, dnn_tensor *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        x = dnn_add(x, y);
    }
    return x;
}

/* ns[]: forward without recording, forward, backward, release */
static dnn_status measure(dnn_tensor *x, dnn_tensor *y, int64_t n, double *ns)
{
    double began = now();

    DNN_SCOPED
    {
        DNN_NO_GRAD();
        chain(x, y, n);
        ns[0] = now() - began;
    }
    began = now();
    DNN_SCOPED
    {
        dnn_tensor *z = chain(x, y, n);

        ns[1] = now() - began;
        began = now();
        DNN_TRY(dnn_backward(z));
        ns[2] = now() - began;
        began = now();
    }
    ns[3] = now() - began;
    for (int i = 0; i < 4; i++) {
        ns[i] *= 1e9 / (double)n;
    }
    return dnn_take_error();
}

int main(int argc, char **argv)
{
    int64_t n = argc > 1 ? atoll(argv[1]) : 1000000;
    dnn_tensor *x = dnn_ones(DNN_SHAPE(1), .requires_grad = true), *y = dnn_ones(DNN_SHAPE(1));
    double before, ns[4];
    dnn_status status;

    if (n < 1) {
        bool help = argc > 1 && strcmp(argv[1], "--help") == 0;

        fprintf(help ? stdout : stderr, "usage: bench_graph [NODES]\n");
        return help ? 0 : 2;
    }
    chain(x, y, 1);
    before = peak_bytes();
    status = measure(x, y, n, ns);
    if (status != DNN_OK) {
        fprintf(stderr, "graph: %s\n", dnn_error_message());
        return 1;
    }
    printf("{\"bench\": \"graph\", \"nodes\": %lld, \"forward_no_grad_ns\": %.0f, "
           "\"forward_ns\": %.0f, \"backward_ns\": %.0f, \"release_ns\": %.0f, "
           "\"bytes_per_node\": %.0f}\n",
           (long long)n, ns[0], ns[1], ns[2], ns[3], (peak_bytes() - before) / (double)n);
    dnn_shutdown();
    return 0;
}
