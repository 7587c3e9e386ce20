/* test_blocked.c - LeNet trains on a plugin whose activations lie in blocks of channels: to
 * cpu_blas's losses, and without a reorder between its operators. Needs DNN_PLUGIN_PATH with the
 * folders of cpu_blas and of blocked. */
#include <stdio.h>
#include <string.h>
#include "nets.h"

enum { STEPS = 60, WARM = 2, BATCH = 16 };

static int passed, failed;

static void check(bool ok, const char *what)
{
    printf("%s: %s\n", ok ? "ok" : "FAILED", what);
    passed += ok;
    failed += !ok;
}

static dnn_status step(dnn_module *net, dnn_optimizer *optimizer, int i, double *loss)
{
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        dnn_tensor *x =
            formula(100 + (uint64_t)(i % 8), DNN_SHAPE(BATCH, 1, 28, 28), -1, 2, DNN_T_F32);
        dnn_tensor *l =
            dnn_cross_entropy(dnn_forward(net, x), labels(200 + (uint64_t)(i % 8), BATCH));

        st = dnn_zero_grad(optimizer);
        st = st == DNN_OK ? dnn_backward(l) : st;
        st = st == DNN_OK ? dnn_step(optimizer) : st;
        st = st == DNN_OK ? read_value(l, loss) : st;
    }
    return st;
}

/* Losses, and what the steps after the first few cost in reorders and plans. */
static dnn_status train(double *loss, dnn_counters *before, dnn_counters *after)
{
    dnn_module *net = lenet_new(0);
    dnn_optimizer *optimizer =
        dnn_optim_sgd(dnn_parameters(net), 0.05, .momentum = 0.9, .weight_decay = 1e-4);
    dnn_status st = set_weights(net);

    for (int i = 0; i < STEPS && st == DNN_OK; i++) {
        if (i == WARM) {
            dnn_get_counters(before);
        }
        st = step(net, optimizer, i, &loss[i]);
    }
    dnn_get_counters(after);
    dnn_release(optimizer);
    dnn_release(net);
    return st;
}

static bool losses_of(const char *backend, double *loss, dnn_counters *before, dnn_counters *after)
{
    dnn_status st = dnn_init(backend);

    if (st == DNN_OK) {
        DNN_SCOPE();
        st = train(loss, before, after);
    }
    if (st != DNN_OK) {
        printf("%s: %s\n", backend, dnn_error_message());
    }
    dnn_shutdown();
    if (dnn_live_tensors() != 0 || dnn_live_bytes(NULL) != 0) {
        printf("%s: %lld tensors, %lld bytes left alive\n", backend, (long long)dnn_live_tensors(),
               (long long)dnn_live_bytes(NULL));
        return false;
    }
    return st == DNN_OK;
}

static void print_line(void *ctx, const char *op, const char *plugin, const char *kernel,
                       const char *answer)
{
    int *private_lines = ctx;

    if (strcmp(plugin, "blocked") == 0) {
        printf("  %-20s %-26s %s\n", op, kernel, answer);
        *private_lines += strstr(answer, "blocked/nChw8c") != NULL;
    }
}

/* What explain says of a step: the layouts by name. */
static void explain_step(void)
{
    double loss;
    int lines = 0;
    dnn_status st = dnn_init("blocked");

    if (st == DNN_OK) {
        DNN_SCOPE();
        dnn_module *net = lenet_new(0);
        dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.05);

        dnn_explain(print_line, &lines);
        st = step(net, optimizer, 0, &loss);
        dnn_explain(NULL, NULL);
        dnn_release(optimizer);
        dnn_release(net);
    }
    dnn_shutdown();
    check(st == DNN_OK && lines >= 6, "explain names the layouts of a step");
}

int main(void)
{
    double ours[STEPS] = {0}, theirs[STEPS] = {0}, worst = 0;
    dnn_counters before = {0}, after = {0}, none;
    char what[200];
    bool ok =
        losses_of("cpu_blas", theirs, &none, &none) && losses_of("blocked", ours, &before, &after);

    for (int i = 0; i < STEPS; i++) {
        double error = fabs(ours[i] - theirs[i]) / fabs(theirs[i]);

        worst = error > worst || error != error ? error : worst;
    }
    snprintf(
        what, sizeof what,
        "%d losses on blocked equal cpu_blas's (first %.6f, last %.6f, worst relative error %.3g)",
        STEPS, ours[0], ours[STEPS - 1], worst);
    check(ok && worst <= 1e-5, what);
    snprintf(what, sizeof what, "%lld reorders in %d steps after the first %d",
             (long long)(after.reorders - before.reorders), STEPS - WARM, WARM);
    check(ok && after.reorders == before.reorders, what);
    snprintf(what, sizeof what, "%lld plans made in those steps",
             (long long)(after.plan_misses - before.plan_misses));
    check(ok && after.plan_misses == before.plan_misses, what);
    explain_step();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
