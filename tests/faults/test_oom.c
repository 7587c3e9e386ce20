/* test_oom.c - a program that trains (convolution, dropout, a loader with workers), saves, loads
 * and frees weights and a checkpoint, with its n-th request for memory failing, for every n until
 * it runs through: once with one failure, once with failure for ever after. After each failure the
 * status is DNN_E_NOMEM, the operands are as before, nothing is alive but what was, and the same
 * program then succeeds and comes to the same loss.
 *
 * usage: test_oom FOLDER [STEP]    every STEP-th request; FOLDER is emptied. Prints "sites= modes=
 * crash= leak= changed=", as reliability R1 asks */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../support/read_value.h"
#include "dnn/dnn.h"
#include "failing_memory.h"
#include "folder.h"

/* ---- the program ---- */

enum { N = 6, BATCH = 3, IN = 3 * 8 * 8, CLASSES = 4 };

typedef struct input {
    float image[N * IN];
    int64_t target[N];
} input;

typedef struct parts { /* what the program makes and frees */
    dnn_module *net;
    dnn_optimizer *optimizer;
    dnn_dataset *set, *brighter;
    dnn_loader *loader;
    dnn_generator *generator;
    double loss;
} parts;

static dnn_tensor *brighten(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_add(dnn_mul(x, 0.5), 0.25);
}

static dnn_status build(parts *p, const input *in)
{
    dnn_tensor *field[] = {
        dnn_from_data(in->image, DNN_SHAPE(N, 3, 8, 8), .device = "cpu"),
        dnn_from_data(in->target, DNN_SHAPE(N), .dtype = DNN_T_I64, .device = "cpu")};

    p->net = dnn_nn_sequential(DNN_MODULES(dnn_nn_conv2d(3, 4, 3, .padding = 1), dnn_nn_relu(),
                                           dnn_nn_max_pool2d(.kernel = 2), dnn_nn_flatten(),
                                           dnn_nn_dropout(0.25), dnn_nn_linear(64, CLASSES)));
    p->optimizer = dnn_optim_sgd(dnn_parameters(p->net), 0.1, .momentum = 0.9);
    p->generator = dnn_generator_new(5);
    p->set = dnn_dataset_tensors(field, 2);
    p->brighter = dnn_dataset_map(p->set, 0, brighten, NULL, NULL);
    p->loader = dnn_loader(p->brighter, .batch_size = BATCH, .shuffle = true, .workers = 2);
    return dnn_take_error();
}

static dnn_status epoch(parts *p)
{
    dnn_batch batch;

    while (dnn_loader_next(p->loader, &batch)) {
        DNN_SCOPE();
        DNN_GENERATOR(p->generator);
        dnn_tensor *loss = dnn_cross_entropy(dnn_forward(p->net, batch.input), batch.target);

        DNN_TRY(dnn_zero_grad(p->optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(p->optimizer));
        DNN_TRY(read_value(loss, &p->loss));
    }
    return dnn_take_error();
}

/* Weights and a checkpoint, out and in again; the epoch behind them is trained twice. */
static dnn_status train_save_load(parts *p, const char *folder)
{
    dnn_run *run = dnn_run_new();
    const char *found;
    char weights[4200];
    int64_t step = 2;

    DNN_TRY(dnn_run_add(run, "net", p->net));
    DNN_TRY(dnn_run_add(run, "sgd", p->optimizer));
    DNN_TRY(dnn_run_add(run, "train", p->loader));
    DNN_TRY(dnn_run_add(run, "noise", p->generator));
    DNN_TRY(dnn_run_add(run, "loss", &p->loss));
    DNN_TRY(dnn_run_add(run, "step", &step));
    DNN_TRY(dnn_run_set_text(run, "dnn.program", "test_oom"));
    DNN_TRY(dnn_run_set_text(run, "dnn.program", "test_oom again"));
    snprintf(weights, sizeof weights, "%s/weights.safetensors", folder);
    DNN_TRY(epoch(p));
    DNN_TRY(dnn_save_weights(p->net, weights));
    DNN_TRY(dnn_load_weights(p->net, weights));
    DNN_TRY(dnn_save_checkpoint(run, folder, step));
    DNN_TRY(epoch(p));
    found = dnn_find_checkpoint(folder);
    DNN_TRY(found != NULL ? dnn_load_checkpoint(run, found) : dnn_take_error());
    return epoch(p);
}

/* *loss is set on success only. */
static dnn_status program(const input *in, const char *folder, double *loss)
{
    dnn_status st = dnn_init(NULL);
    parts p = {0};

    if (st != DNN_OK) {
        return st;
    }
    dnn_manual_seed(3);
    {
        DNN_SCOPE();
        st = build(&p, in);
        if (st == DNN_OK) {
            st = train_save_load(&p, folder);
        }
        dnn_release(p.generator);
        dnn_release(p.loader);
        dnn_release(p.brighter);
        dnn_release(p.set);
        dnn_release(p.optimizer);
        dnn_release(p.net);
    }
    if (st == DNN_OK) {
        *loss = p.loss;
    }
    return st;
}

/* ---- one run with a failure ---- */

static struct {
    long sites, crash, leak, changed, wrong, retry;
    double loss; /* of an undisturbed run */
} result;

static bool all_gone(const char *when, long n)
{
    if (dnn_live_tensors() == 0 && dnn_live_bytes(NULL) == 0 && memory.live == 0) {
        return true;
    }
    printf("%s, request %ld: alive: %lld tensors, %lld bytes, %ld blocks\n", when, n,
           (long long)dnn_live_tensors(), (long long)dnn_live_bytes(NULL), memory.live);
    return false;
}

static void check_after(long n, dnn_status st, const input *before, const input *in,
                        const char *folder)
{
    double loss = 0;

    memory.fail_at = 0;
    if (st != DNN_E_NOMEM && st != DNN_OK) {
        printf("request %ld: %s, not DNN_E_NOMEM: %s\n", n, dnn_status_name(st),
               dnn_error_message());
        result.wrong++;
    }
    if (memcmp(before, in, sizeof *in) != 0) {
        result.changed++;
    }
    if (program(in, folder, &loss) != DNN_OK || loss != result.loss) { /* without a restart */
        printf("request %ld: the retry failed, loss %.9g: %s\n", n, loss, dnn_error_message());
        result.retry++;
    }
    dnn_shutdown();
    if (!all_gone("after the failure", n)) {
        result.leak++;
    }
}

/* How many requests there were to fail: two programs' workers never ask in quite the same order, so
 * the last run is the one that ends before its turn comes. */
static long fail_each(const input *before, bool for_ever, const char *folder, long from, long step)
{
    for (long n = from;; n += step) {
        input in = *before;
        double loss;
        dnn_status st;
        bool reached;

        folder_empty(folder);
        memory.asked = 0;
        memory.for_ever = for_ever;
        memory.fail_at = n;
        st = program(&in, folder, &loss);
        reached = memory.asked >= n;
        check_after(n, st, before, &in, folder);
        if (!reached) {
            return n - 1;
        }
        result.sites++;
    }
}

int main(int argc, char **argv)
{
    static input in;
    long step = argc > 2 ? atol(argv[2]) : 1, once, ever, failed;
    dnn_allocator allocator = {NULL, failing_alloc, failing_free};

    if (argc < 2 || step < 1) {
        fprintf(stderr, "usage: test_oom FOLDER [STEP]\n");
        return 2;
    }
    for (int i = 0; i < N * IN; i++) {
        in.image[i] = (float)((i * 7) % 11) / 11.0f;
    }
    for (int i = 0; i < N; i++) {
        in.target[i] = i % CLASSES;
    }
    folder_empty(argv[1]);
    if (dnn_set_allocator(&allocator) != DNN_OK || program(&in, argv[1], &result.loss) != DNN_OK) {
        fprintf(stderr, "test_oom: %s\n", dnn_error_message());
        return 1;
    }
    dnn_shutdown();
    once = fail_each(&in, false, argv[1], 1, step);
    ever = fail_each(&in, true, argv[1], 1, step);
    folder_empty(argv[1]);
    printf("one failure: %ld requests; failure for ever: %ld requests; every %ld tried\n", once,
           ever, step);
    printf("sites=%ld modes=2 crash=%ld leak=%ld changed=%ld wrong_status=%ld retry_failed=%ld\n",
           result.sites, result.crash, result.leak, result.changed, result.wrong, result.retry);
    failed = result.leak + result.changed + result.wrong + result.retry;
    printf("%ld passed, %ld failed\n", result.sites, failed);
    return failed != 0;
}
