/* test_oom - a program that builds a net, takes two steps, saves, loads and frees, with its n-th
 * request for memory failing, for every n until it runs through: once with one failure, once with
 * failure for ever after. After each failure the status is DNN_E_NOMEM, the operands are as before,
 * nothing is alive but what was, and the same program then succeeds.
 *
 * usage: test_oom FOLDER [LIMIT]    prints "sites= modes= crash= leak= changed=", as reliability R1
 * asks */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dnn/dnn.h"

/* ---- an allocator that fails on request ---- */

static struct {
    long asked, fail_at; /* fail_at 0: never */
    bool for_ever;
    long live;
} memory;

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    void *p = NULL;
    long n = __atomic_add_fetch(&memory.asked, 1, __ATOMIC_RELAXED);

    (void)ctx;
    if (memory.fail_at > 0 && (n == memory.fail_at || (memory.for_ever && n > memory.fail_at))) {
        return NULL;
    }
    if (posix_memalign(&p, align < sizeof(void *) ? sizeof(void *) : align, bytes) != 0) {
        return NULL;
    }
    __atomic_add_fetch(&memory.live, 1, __ATOMIC_RELAXED);
    return p;
}

static void counted_free(void *ctx, void *p)
{
    (void)ctx;
    if (p != NULL) {
        __atomic_sub_fetch(&memory.live, 1, __ATOMIC_RELAXED);
    }
    free(p);
}

/* ---- the program ---- */

enum { N = 6, IN = 3 * 8 * 8, CLASSES = 4 };

typedef struct input {
    float image[N * IN];
    int64_t target[N];
} input;

static dnn_module *build(void)
{
    return dnn_nn_sequential(DNN_MODULES(dnn_nn_conv2d(3, 4, 3, .padding = 1), dnn_nn_relu(),
                                         dnn_nn_max_pool2d(.kernel = 2), dnn_nn_flatten(),
                                         dnn_nn_dropout(0.25), dnn_nn_linear(64, CLASSES)));
}

static dnn_status step(dnn_module *net, dnn_optimizer *optimizer, dnn_tensor *x, dnn_tensor *y)
{
    DNN_SCOPE
    {
        dnn_tensor *loss = dnn_cross_entropy(dnn_forward(net, x), y);

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
    }
    return DNN_OK;
}

static dnn_status train_and_save(dnn_module *net, const input *in, const char *path)
{
    dnn_tensor *x = dnn_from_data(in->image, DNN_SHAPE(N, 3, 8, 8));
    dnn_tensor *y = dnn_from_data(in->target, DNN_SHAPE(N), .dtype = DNN_T_I64);
    dnn_optimizer *optimizer = dnn_sgd(dnn_parameters(net), 0.1, .momentum = 0.9);
    dnn_status st = dnn_scope_status();

    for (int i = 0; i < 2 && st == DNN_OK; i++) {
        st = step(net, optimizer, x, y);
    }
    if (st == DNN_OK) {
        st = dnn_save_weights(net, path);
    }
    if (st == DNN_OK) {
        st = dnn_load_weights(net, path);
    }
    dnn_optimizer_free(optimizer);
    return st;
}

static dnn_status program(const input *in, const char *path)
{
    dnn_status st = dnn_init(NULL);

    if (st == DNN_OK) {
        dnn_manual_seed(3);
        DNN_SCOPE
        {
            dnn_module *net = build();

            st = net != NULL ? train_and_save(net, in, path) : dnn_scope_status();
            dnn_module_free(net);
        }
    }
    return st;
}

/* ---- one run with a failure ---- */

static struct {
    long sites, crash, leak, changed, wrong, retry;
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
                        const char *path)
{
    memory.fail_at = 0;
    if (st != DNN_E_NOMEM && st != DNN_OK) {
        printf("request %ld: %s, not DNN_E_NOMEM: %s\n", n, dnn_status_name(st),
               dnn_error_message());
        result.wrong++;
    }
    if (memcmp(before, in, sizeof *in) != 0) {
        result.changed++;
    }
    if (program(in, path) != DNN_OK) { /* in the same process, without a restart */
        printf("request %ld: the retry failed: %s\n", n, dnn_error_message());
        result.retry++;
    }
    dnn_shutdown();
    if (!all_gone("after the failure", n)) {
        result.leak++;
    }
}

/* The number of requests of an undisturbed run. */
static long fail_each(const input *before, bool for_ever, const char *path, long limit)
{
    for (long n = 1; n <= limit; n++) {
        input in = *before;
        dnn_status st;
        bool reached;

        memory.asked = 0;
        memory.for_ever = for_ever;
        memory.fail_at = n;
        st = program(&in, path);
        reached = memory.asked >= n;
        check_after(n, st, before, &in, path);
        if (!reached) {
            return n - 1;
        }
        result.sites++;
    }
    return limit;
}

int main(int argc, char **argv)
{
    static input in;
    char path[4096];
    long limit = argc > 2 ? atol(argv[2]) : 100000;
    dnn_allocator allocator = {NULL, counted_alloc, counted_free};
    long once, ever, failed;

    if (argc < 2 ||
        snprintf(path, sizeof path, "%s/oom.safetensors", argv[1]) >= (int)sizeof path) {
        fprintf(stderr, "usage: test_oom FOLDER [LIMIT]\n");
        return 2;
    }
    for (int i = 0; i < N * IN; i++) {
        in.image[i] = (float)((i * 7) % 11) / 11.0f;
    }
    for (int i = 0; i < N; i++) {
        in.target[i] = i % CLASSES;
    }
    if (dnn_set_allocator(&allocator) != DNN_OK || program(&in, path) != DNN_OK) {
        fprintf(stderr, "test_oom: %s\n", dnn_error_message());
        return 1;
    }
    dnn_shutdown();
    once = fail_each(&in, false, path, limit);
    ever = fail_each(&in, true, path, limit);
    unlink(path);
    printf("one failure: %ld requests; failure for ever: %ld requests\n", once, ever);
    printf("sites=%ld modes=2 crash=%ld leak=%ld changed=%ld wrong_status=%ld retry_failed=%ld\n",
           result.sites, result.crash, result.leak, result.changed, result.wrong, result.retry);
    failed = result.leak + result.changed + result.wrong + result.retry;
    printf("%ld passed, %ld failed\n", result.sites, failed);
    return failed != 0;
}
