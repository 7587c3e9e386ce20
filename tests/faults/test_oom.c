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
    dnn_optimizer *optimizer; /* SGD with two groups: the convolution's weight, and its bias */
    dnn_optimizer *own;       /* a kind of the program, for the linear layer */
    dnn_dataset *set, *brighter;
    dnn_loader *loader;
    dnn_generator *generator;
    double loss;
} parts;

/* ---- a kind of optimizer of the program: momentum ---- */

static dnn_status own_step(dnn_optimizer *self)
{
    for (int64_t i = 0; i < dnn_optim_parameter_count(self); i++) {
        dnn_tensor *p = dnn_optim_parameter(self, i), *sum = dnn_optim_make_state(self, i, "sum");
        dnn_tensor *next = dnn_add(dnn_mul(sum, 0.9), dnn_grad(p));

        DNN_TRY(dnn_optim_assign(self, sum, next));
        DNN_TRY(dnn_optim_assign(self, p, dnn_sub(p, next, .alpha = dnn_optim_get(self, 0, "lr"))));
    }
    return DNN_OK;
}

static const dnn_optim_setting own_settings[] = {{.name = "lr", .value = 0.1}};
static const char *const own_states[] = {"sum"};
static const dnn_optimizer_type own_type = {.size = sizeof(dnn_optimizer_type),
                                            .name = "own",
                                            .bytes = sizeof(dnn_optimizer),
                                            .setting = own_settings,
                                            .n_settings = 1,
                                            .state = own_states,
                                            .n_states = 1,
                                            .step = own_step};

static long changed; /* steps that failed and changed something */

/* The elements of the parameters, with the memory as it should be. */
static dnn_status look(const dnn_optimizer *optimizer, float *out, int64_t room)
{
    dnn_status st = DNN_OK;
    long fail_at = memory.fail_at, asked = memory.asked;

    memory.fail_at = 0;
    for (int64_t i = 0; i < dnn_optim_parameter_count(optimizer) && st == DNN_OK; i++) {
        dnn_tensor *p = dnn_optim_parameter(optimizer, i);
        int64_t n = dnn_numel(p);

        st = n <= room ? dnn_read(p, out, (size_t)n * sizeof *out) : DNN_E_INTERNAL;
        out += n;
        room -= n;
    }
    memory.asked = asked;
    memory.fail_at = fail_at;
    return st;
}

/* A step that fails for want of memory leaves parameters, states and counts as they were. */
static dnn_status step(dnn_optimizer *optimizer, const char *state)
{
    static float before[1000], after[1000];
    int64_t steps = dnn_optim_steps(optimizer);
    bool has_state = dnn_optim_state(optimizer, 0, state) != NULL;
    dnn_status st;

    memset(before, 0, sizeof before);
    memset(after, 0, sizeof after);
    DNN_TRY(look(optimizer, before, 1000));
    st = dnn_step(optimizer);
    if (st != DNN_OK) {
        bool same = look(optimizer, after, 1000) == DNN_OK &&
                    memcmp(before, after, sizeof before) == 0 &&
                    dnn_optim_steps(optimizer) == steps &&
                    (dnn_optim_state(optimizer, 0, state) != NULL) == has_state;

        changed += !same;
    }
    return st;
}

static dnn_tensor *brighten(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_add(dnn_mul(x, 0.5), 0.25);
}

static dnn_status see_outputs(void *ctx, dnn_module *module, dnn_tensor_list in, dnn_tensor **out,
                              int64_t n_out)
{
    (void)ctx;
    (void)module;
    for (int64_t i = 0; i < n_out; i++) {
        out[i] = dnn_add(out[i], dnn_mul(in.item[0], 0));
    }
    return DNN_OK;
}

/* A copy of the network by its state, by the file, and a summary; a hook that comes and goes. */
static dnn_status copy_state(parts *p, const char *weights)
{
    DNN_SCOPE();
    dnn_module *relu = dnn_module_child(p->net, "1");
    dnn_module *copy = dnn_nn_sequential(DNN_MODULES(dnn_nn_conv2d(3, 4, 3, .padding = 1)));
    dnn_module *whole = dnn_nn_linear(64, CLASSES);
    int64_t id;

    DNN_TRY(dnn_module_load_state(copy, dnn_module_state(p->net), .partial = true));
    DNN_TRY(
        dnn_module_load_state(whole, dnn_load_tensors(weights), .prefix = "5.", .partial = true));
    DNN_TRY(dnn_module_add_forward_hook(relu, see_outputs, NULL, NULL, &id));
    (void)dnn_module_summary(p->net, dnn_zeros(DNN_SHAPE(1, 3, 8, 8)));
    dnn_status st = dnn_take_error();
    if (dnn_module_remove_hook(relu, id) != DNN_OK) {
        return DNN_E_INTERNAL;
    }
    return st;
}

static dnn_status add_label(void *ctx, dnn_fields *sample)
{
    (void)ctx;
    return dnn_fields_set(
        sample, DNN_TENSORS(sample->field[0], sample->field[1], dnn_neg(sample->field[1])));
}

static dnn_status build(parts *p, const input *in)
{
    static const double weight[N] = {1, 2, 1, 2, 1, 2};
    dnn_transform *transform;
    dnn_sampler *sampler;
    dnn_tensor *field[] = {
        dnn_from_data(in->image, DNN_SHAPE(N, 3, 8, 8), .device = "cpu"),
        dnn_from_data(in->target, DNN_SHAPE(N), .dtype = DNN_T_I64, .device = "cpu")};

    p->net = dnn_nn_sequential(DNN_MODULES(dnn_nn_conv2d(3, 4, 3, .padding = 1), dnn_nn_relu(),
                                           dnn_nn_max_pool2d(.kernel = 2), dnn_nn_flatten(),
                                           dnn_nn_dropout(0.25), dnn_nn_linear(64, CLASSES)));
    p->optimizer =
        dnn_optim_sgd(DNN_TENSORS(dnn_module_tensor(p->net, "0.weight")), 0.1, .momentum = 0.9);
    DNN_TRY(
        dnn_optim_add_group(p->optimizer, DNN_TENSORS(dnn_module_tensor(p->net, "0.bias")), NULL));
    DNN_TRY(dnn_optim_set(p->optimizer, 1, "lr", 0.05));
    p->own = dnn_optim_new(&own_type, dnn_parameters(dnn_module_child(p->net, "5")), NULL);
    p->generator = dnn_generator_new(5);
    p->set = dnn_dataset_tensors(field, 2);
    transform = dnn_compose(DNN_TRANSFORMS(
        dnn_transform_to_tensor(DNN_IMAGE_CHW), dnn_transform_random_crop(8, .padding = 1),
        dnn_transform_random_horizontal_flip(0.5),
        dnn_transform_field(0, dnn_transform_lambda(brighten, NULL, NULL)),
        dnn_transform_function(add_label, NULL, NULL)));
    p->brighter =
        dnn_dataset_map(dnn_dataset_map_batch(p->set, 0, brighten, NULL, NULL), transform);
    sampler = dnn_sampler_weighted(weight, N, N, .no_replacement = true);
    p->loader = dnn_loader(p->brighter, .batch_size = BATCH, .sampler = sampler, .workers = 2);
    return dnn_take_error();
}

static dnn_status begin(void *ctx, int64_t epoch)
{
    *(int64_t *)ctx = epoch;
    return DNN_OK;
}

/* Sequences of 1, 2 and 3 numbers. */
static dnn_status next(void *ctx, dnn_tensor **field, bool *end)
{
    int64_t *length = ctx;

    *end = *length == 3;
    field[0] = *end ? NULL : dnn_ones(DNN_SHAPE(*length + 1));
    *length += !*end && field[0] != NULL;
    return DNN_OK;
}

/* A set without a length, padded. */
static dnn_status read_stream(void)
{
    int64_t length = 0;
    double sum = 0;
    dnn_batch batch;

    {
        DNN_SCOPE();
        dnn_loader *loader = dnn_loader(dnn_dataset_iterable(1, begin, next, NULL, &length),
                                        .batch_size = 3, .workers = 1, .collate = dnn_collate_pad);

        while (dnn_loader_next(loader, &batch)) {
            sum += dnn_value(dnn_sum(batch.input));
        }
    }
    DNN_TRY(dnn_take_error());
    return sum == 6 ? DNN_OK : dnn_fail(DNN_E_INVALID, "the sum is %d", (int)sum);
}

static dnn_status epoch(parts *p)
{
    dnn_batch batch;

    while (dnn_loader_next(p->loader, &batch)) {
        DNN_SCOPE();
        DNN_GENERATOR(p->generator);
        dnn_tensor *loss = dnn_cross_entropy(dnn_forward(p->net, batch.input), batch.target);

        DNN_TRY(dnn_zero_grad(p->optimizer));
        DNN_TRY(dnn_zero_grad(p->own));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(step(p->optimizer, "momentum_buffer"));
        DNN_TRY(step(p->own, "sum"));
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
    DNN_TRY(dnn_run_add(run, "own", p->own));
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
    DNN_TRY(copy_state(p, weights));
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
            st = read_stream();
        }
        if (st == DNN_OK) {
            st = train_save_load(&p, folder);
        }
        dnn_release(p.generator);
        dnn_release(p.loader);
        dnn_release(p.brighter);
        dnn_release(p.set);
        dnn_release(p.own);
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
    changed = 0;
    once = fail_each(&in, false, argv[1], 1, step);
    ever = fail_each(&in, true, argv[1], 1, step);
    folder_empty(argv[1]);
    result.changed += changed;
    printf("one failure: %ld requests; failure for ever: %ld requests; every %ld tried\n", once,
           ever, step);
    printf("sites=%ld modes=2 crash=%ld leak=%ld changed=%ld wrong_status=%ld retry_failed=%ld\n",
           result.sites, result.crash, result.leak, result.changed, result.wrong, result.retry);
    failed = result.leak + result.changed + result.wrong + result.retry;
    printf("%ld passed, %ld failed\n", result.sites, failed);
    return failed != 0;
}
