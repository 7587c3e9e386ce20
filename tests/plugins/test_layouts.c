/* test_layouts.c - private layouts under the core: who converts what and when, that padding stays
 * zero under any chain of operators, and that a plugin that says something false about its layout
 * is passed over with a sentence.
 *
 *     test_layouts FOLDER-OF-TEST-PLUGINS */
#include <pthread.h>
#include <stdatomic.h>
#include "laid_out.h"

static int64_t reorders(void)
{
    dnn_counters c;

    dnn_get_counters(&c);
    return c.reorders;
}

/* Are the lanes beyond the channels zero? */
static bool padding_is_zero(const dnn_tensor *t)
{
    const float *data = t->storage->data;
    int64_t blocks = (t->dim[1] + 7) / 8, plane = t->dim[2] * t->dim[3];

    for (int64_t i = 0; i < t->dim[0] * plane; i++) {
        const float *last = data + ((i / plane * blocks + blocks - 1) * plane + i % plane) * 8;

        for (int64_t lane = t->dim[1] - (blocks - 1) * 8; lane < 8; lane++) {
            if (last[lane] != 0) {
                return false;
            }
        }
    }
    return true;
}

/* x as the blocked plugin would have it: the identity as a 1x1 convolution. */
static dnn_tensor *into_blocks(dnn_tensor *x)
{
    int64_t channels = dnn_size(x, 1);

    return dnn_conv2d(x,
                      dnn_reshape(dnn_eye(channels, .m = channels, .dtype = DNN_T_F32),
                                  DNN_SHAPE(channels, channels, 1, 1)),
                      NULL);
}

static dnn_tensor *randoms(int64_t n, int64_t channels, int64_t rows, int64_t columns)
{
    return dnn_randn(DNN_SHAPE(n, channels, rows, columns));
}

/* ---- who converts ---- */

static void conversions(void)
{
    dnn_tensor *x = randoms(2, 5, 3, 4), *p = into_blocks(x), *flat, *twin;
    int64_t before;
    uint64_t version;

    check(is_private(p) && padding_is_zero(p), "a convolution writes blocks");
    check(dnn_is_contiguous(p) && dnn_stride(p, 1) == 12,
          "its strides are those that it will have");
    twin = dnn_detach(p);
    check(is_private(twin) && twin->storage == p->storage,
          "a handle on the whole of it is no view");
    before = reorders();
    version = p->version->count;
    flat = dnn_flatten(p, 1, -1);
    check(!is_private(p) && flat->storage == p->storage && reorders() == before + 1,
          "a flatten makes the storage strided once, and is a view");
    check(p->version->count == version, "which is no change of its elements");
    check(same(p, x) && same(twin, x), "all handles read the same elements");
    dnn_transpose(p, 0, 1);
    check(reorders() == before + 1, "once");
}

static void host_access(void)
{
    dnn_tensor *x = randoms(1, 3, 2, 2), *p = into_blocks(x), *q = into_blocks(x);
    float ours[12], theirs[12];
    void *data;
    double item;

    check(dnn_read(p, ours, sizeof ours) == DNN_OK &&
              dnn_read(x, theirs, sizeof theirs) == DNN_OK &&
              memcmp(ours, theirs, sizeof ours) == 0 && !is_private(p),
          "dnn_read converts");
    check(is_private(q) && dnn_map(q, DNN_MAP_READ, &data) == DNN_OK &&
              memcmp(data, theirs, sizeof theirs) == 0 && dnn_unmap(q) == DNN_OK,
          "dnn_map converts");
    q = into_blocks(x);
    check(dnn_write(q, ours, sizeof ours) == DNN_OK && same(q, x), "dnn_write converts");
    q = into_blocks(dnn_slice(x, 3, 0, 1, 1));
    check(dnn_contiguous(q) == q && !is_private(q), "dnn_contiguous converts");
    q = into_blocks(dnn_ones(DNN_SHAPE(1, 1, 1, 1)));
    check(read_value(q, &item) == DNN_OK && item == 1, "dnn_value converts");
    q = into_blocks(x);
    check(same(dnn_clone(q), x) && is_private(q), "a clone is strided, its source stays");
}

static void operators(void)
{
    dnn_tensor *x = randoms(2, 5, 3, 4), *p = into_blocks(x), *y = randoms(2, 5, 3, 4), *q;
    dnn_tensor *channel = dnn_randn(DNN_SHAPE(5, 1, 1));

    q = dnn_add(p, into_blocks(y));
    check(is_private(q) && padding_is_zero(q) && same(q, dnn_add(x, y)),
          "add of two in blocks gives blocks");
    q = dnn_add(p, y);
    check(!is_private(q) && is_private(p) && same(q, dnn_add(x, y)),
          "add of blocks and strides gives strides");
    q = dnn_mul(p, channel);
    check(!is_private(q) && same(q, dnn_mul(x, channel)),
          "blocks times one number for each channel");
    q = dnn_mul(dnn_mean(p, .dims = DNN_DIMS(2, 3), .keepdim = true), p);
    check(same(q, dnn_mul(dnn_mean(x, .dims = DNN_DIMS(2, 3), .keepdim = true), x)),
          "a stretched operand beside one in blocks");
    q = into_blocks(channel = dnn_reshape(channel, DNN_SHAPE(1, 5, 1, 1)));
    check(is_private(q) && same(dnn_add(q, x), dnn_add(channel, x)),
          "an operand in blocks that is stretched");
    q = dnn_reciprocal(p);
    check(!is_private(q) && same(q, dnn_reciprocal(x)),
          "FLAT does not run over padding that would not stay zero");
    q = dnn_exp(p);
    check(!is_private(q) && same(q, dnn_exp(x)), "a kernel that knows no blocks gets strides");
    q = dnn_cat(DNN_TENSORS(p, p), 1);
    check(same(q, dnn_cat(DNN_TENSORS(x, x), 1)), "cat of blocks");
    q = dnn_where(dnn_gt(p, y), p, y);
    check(same(q, dnn_maximum(x, y)), "comparison and choice of blocks");
    q = dnn_to(p, .dtype = DNN_T_F64);
    check(same(dnn_to(q, .dtype = DNN_T_F32), x), "a cast of blocks");
    check(same(dnn_softmax(p, 1), dnn_softmax(x, 1)), "softmax of blocks");
}

static void in_place(void)
{
    dnn_tensor *x = randoms(2, 5, 3, 4), *p = into_blocks(x), *q = into_blocks(x), *alias;

    dnn_add_(p, q);
    check(is_private(p) && padding_is_zero(p) && same(p, dnn_add(x, x)), "in place over blocks");
    p = into_blocks(x);
    alias = dnn_detach(p);
    dnn_exp_(p);
    check(same(p, dnn_exp(x)) && same(alias, p),
          "in place by a kernel that knows no blocks: every handle sees it");
    p = into_blocks(x);
    dnn_add_(p, x);
    check(same(p, dnn_add(x, x)), "in place with a strided operand");
    p = into_blocks(x);
    dnn_fill_(p, 3);
    check(same(p, dnn_full_like(x, 3)), "fill of blocks");
    p = into_blocks(x);
    alias = dnn_detach(p);
    dnn_copy_(p, dnn_neg(x));
    check(same(alias, dnn_neg(x)), "copy into blocks");
    p = dnn_zeros(dnn_shape_of(x));
    dnn_copy_(p, into_blocks(x));
    check(same(p, x), "copy of blocks");
}

static void steps(void)
{
    dnn_tensor *x = randoms(2, 5, 3, 4), *g = randoms(2, 5, 3, 4), *p = into_blocks(x),
               *q = into_blocks(x);
    dnn_optimizer *sgd;

    dnn_requires_grad_(p, true);
    dnn_requires_grad_(q, true);
    check(is_private(p) && is_private(q), "leaves may lie in blocks");
    sgd = dnn_optim_sgd(DNN_TENSORS(p, q), 0.5, .momentum = 0.9);
    for (int i = 0; i < 3; i++) {
        check(dnn_set_grad(p, into_blocks(g)) == DNN_OK &&
                  dnn_set_grad(q, into_blocks(g)) == DNN_OK && dnn_step(sgd) == DNN_OK,
              "a step over blocks");
    }
    check(same(p, q), "two equal parameters stay equal");
    dnn_release(sgd);
    p = into_blocks(x);
    dnn_requires_grad_(p, true);
    sgd = dnn_optim_sgd(DNN_TENSORS(p), 0.5);
    check(dnn_set_grad(p, into_blocks(g)) == DNN_OK && dnn_step(sgd) == DNN_OK && is_private(p) &&
              padding_is_zero(p),
          "a step where all operands lie in blocks leaves them there");
    check(dnn_set_grad(p, g) == DNN_OK && dnn_step(sgd) == DNN_OK && !is_private(p),
          "a step with a strided gradient makes the parameter strided");
    check(same(dnn_detach(p), dnn_sub(dnn_sub(x, dnn_mul(g, 0.5)), dnn_mul(g, 0.5))),
          "to the same numbers");
    dnn_release(sgd);
}

/* FLAT over strides: operands that fill memory in the same order need no copy; others do. */
static void same_strides(void)
{
    dnn_tensor *a = dnn_transpose(dnn_randn(DNN_SHAPE(6, 5)), 0, 1);
    dnn_tensor *b = dnn_transpose(dnn_randn(DNN_SHAPE(6, 5)), 0, 1);
    dnn_tensor *sum = dnn_contiguous(dnn_add(a, b));
    dnn_counters before, after;

    dnn_get_counters(&before);
    dnn_add_(a, b);
    dnn_get_counters(&after);
    check(after.copies == before.copies && same(a, sum),
          "in place over equal transposed strides: no copy");
    dnn_add_(a, dnn_contiguous(b));
    dnn_get_counters(&after);
    check(after.copies > before.copies && same(a, dnn_add(sum, b)),
          "strides that differ cost a copy");
}

/* ---- 10,000 operators over blocks in a row, and as many others between them ---- */

enum { CHAIN = 21000, LIVE = 4, KEEPS_ZEROS = 4 /* the last operator of apply() that does */ };

static uint32_t below(uint32_t n)
{
    static uint32_t state = 7;

    state = state * 1664525u + 1013904223u;
    return (state >> 16) % n;
}

static void put(dnn_tensor **slot, dnn_tensor *t)
{
    dnn_retain(t);
    dnn_release(*slot);
    *slot = t;
}

/* The same operator on the tensors in blocks and on strided twins. */
static dnn_tensor *apply(int which, dnn_tensor *a, dnn_tensor *b)
{
    switch (which) {
    case 0:
        return dnn_add(a, b);
    case 1:
        return dnn_sub(a, b);
    case 2:
        return dnn_mul(a, b);
    case 3:
        return dnn_neg(a);
    case 4:
        return dnn_relu(a);
    case 5:
        return dnn_add_(dnn_clone(a), b);
    case 6:
        return dnn_reciprocal(dnn_add(dnn_abs(a), 1));
    case 7:
        return dnn_div(a, dnn_add(dnn_square(b), 1));
    case 8:
        return dnn_tanh(a);
    default:
        return dnn_mul(a, 0.5);
    }
}

struct tally {
    int64_t in_blocks, dirty, wrong;
};

/* One operator on two of the tensors and on their strided twins. What left the blocks goes back
 * into them. */
static void link(dnn_tensor **ours, dnn_tensor **twin, struct tally *t)
{
    uint32_t a = below(LIVE), b = below(LIVE), which = below(10);
    dnn_tensor *y = apply((int)which, ours[a], ours[b]), *z = apply((int)which, twin[a], twin[b]);

    if (which <= KEEPS_ZEROS) {
        t->wrong += !is_private(y);
        t->in_blocks += is_private(y);
    }
    y = is_private(y) ? y : into_blocks(y);
    t->dirty += !is_private(y) || !padding_is_zero(y);
    put(&ours[b], y);
    put(&twin[b], z);
}

/* Products of products end at infinity: the twins are compared, and both start again below 1. */
static void compare(dnn_tensor **ours, dnn_tensor **twin, struct tally *t)
{
    for (int k = 0; k < LIVE; k++) {
        DNN_SCOPE();
        dnn_tensor *z = dnn_tanh(twin[k]);

        t->wrong += !same(dnn_tanh(ours[k]), z);
        put(&ours[k], into_blocks(z));
        put(&twin[k], z);
    }
}

static void chain(void)
{
    dnn_tensor *ours[LIVE] = {NULL}, *twin[LIVE] = {NULL};
    struct tally t = {0, 0, 0};

    for (int i = 0; i < LIVE; i++) {
        put(&twin[i], randoms(2, 5, 3, 4));
        put(&ours[i], into_blocks(twin[i]));
    }
    for (int i = 0; i < CHAIN; i++) {
        {
            DNN_SCOPE();
            link(ours, twin, &t);
        }
        if (i % 8 == 7) {
            compare(ours, twin, &t);
        }
    }
    check(t.wrong == 0,
          "operators that keep zeros stay in blocks; all give the numbers of their strided twins");
    check(t.dirty == 0 && t.in_blocks >= 10000,
          "padding is zero after each of 10,000 operators over blocks");
    printf("chain: %d operators, %lld of them over blocks, %lld dirty, %lld wrong\n", CHAIN,
           (long long)t.in_blocks, (long long)t.dirty, (long long)t.wrong);
    for (int i = 0; i < LIVE; i++) {
        put(&ours[i], NULL);
        put(&twin[i], NULL);
    }
}

/* ---- readers on other threads while one converts ---- */

struct reader {
    dnn_tensor *p, *x;
    int round;
    bool ok;
};

static void *read_side(void *arg)
{
    struct reader *r = arg;

    {
        DNN_SCOPE();
        dnn_tensor *y = r->round % 2 == 0 ? dnn_relu(r->p) : dnn_neg(r->p);

        r->ok = same(y, r->round % 2 == 0 ? dnn_relu(r->x) : dnn_neg(r->x));
    }
    return NULL;
}

static void threads(void)
{
    bool ok = true;

    for (int round = 0; round < 200; round++) {
        DNN_SCOPE();
        dnn_tensor *x = randoms(4, 5, 8, 8), *p = into_blocks(x);
        struct reader r[3];
        pthread_t thread[3];

        for (int i = 0; i < 3; i++) {
            r[i] = (struct reader){p, x, round + i, false};
            ok = ok && pthread_create(&thread[i], NULL, read_side, &r[i]) == 0;
        }
        ok = ok && same(dnn_flatten(p, 1, -1), dnn_flatten(x, 1, -1));
        for (int i = 0; i < 3; i++) {
            pthread_join(thread[i], NULL);
            ok = ok && r[i].ok;
        }
    }
    check(ok, "three threads read a tensor while one makes it strided");
}

/* One who makes a tensor strided is not kept waiting by those who never stop to read others. */
static atomic_bool enough;

static void *read_on(void *arg)
{
    while (!atomic_load(&enough)) {
        DNN_SCOPE();
        dnn_relu(arg);
    }
    return NULL;
}

static void no_starving(void)
{
    enum { READERS = 4 };
    pthread_t thread[READERS];
    int started = 0;
    bool ok = true;

    atomic_store(&enough, false);
    for (int i = 0; i < READERS; i++) {
        ok = ok &&
             pthread_create(&thread[i], NULL, read_on, into_blocks(randoms(8, 5, 16, 16))) == 0;
        started += ok;
    }
    for (int i = 0; i < 50; i++) {
        DNN_SCOPE();
        dnn_tensor *p = into_blocks(randoms(1, 5, 2, 2));

        ok = ok && dnn_flatten(p, 1, -1) != NULL && !is_private(p);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < started; i++) {
        pthread_join(thread[i], NULL);
    }
    check(ok, "fifty tensors are made strided beside four threads that read");
}

/* A target that is a slice, timed: the twin that takes the trial's result is as wide as the slice.
 */
static void tuned_slices(void)
{
    char file[4200];
    dnn_tensor *base = dnn_ones(DNN_SHAPE(1000, 20)), *s = dnn_slice(base, 0, 0, 1000, 100);
    double sum = 0;

    snprintf(file, sizeof file, "%s/layouts.tune", folder);
    setenv("DNN_TUNE_FILE", file, 1);
    dnn_set_tune(true);
    check(dnn_add_(s, s) == s, "in place over a slice, with kernels in competition");
    dnn_set_tune(false);
    check(read_value(dnn_sum(base), &sum) == DNN_OK && sum == 20000 + 200, "each place once");
}

/* Out of dispatch, and yet its layout can be read. */
static void disabled(void)
{
    dnn_tensor *x = randoms(2, 5, 3, 4), *p = into_blocks(x);

    check(is_private(p) && dnn_plugin_disable("blocked") == DNN_OK,
          "the owner of a layout is disabled");
    check(same(dnn_exp(p), dnn_exp(x)) && same(p, x), "its tensors are still read");
    check(!is_private(into_blocks(x)), "and it makes no more of them");
}

/* ---- gradients through blocks ---- */

static void gradients(void)
{
    dnn_tensor *x = randoms(2, 5, 9, 9), *w = randoms(7, 5, 3, 3), *plain = NULL, *ours = NULL;

    for (int i = 0; i < 2; i++) {
        dnn_tensor *leaf = dnn_requires_grad_(dnn_clone(i == 0 ? x : into_blocks(x)), true);
        dnn_tensor *weight = dnn_requires_grad_(dnn_clone(w), true);
        dnn_tensor *y = dnn_relu(dnn_conv2d(leaf, weight, NULL, .padding = 1));

        y = dnn_max_pool2d(y, .kernel = 2);
        check(dnn_backward(dnn_sum(dnn_mul(y, y))) == DNN_OK, "backward through blocks");
        if (i == 0) {
            plain = dnn_grad(weight);
        } else {
            ours = dnn_grad(weight);
        }
    }
    check(same(plain, ours), "the same gradient twice");
}

/* ---- DNN_PROFILE ---- */

static char logged[8000];

static void keep_log(void *ctx, dnn_log_level level, const char *text)
{
    size_t n = strlen(logged);

    (void)ctx;
    (void)level;
    snprintf(logged + n, sizeof logged - n, "%s\n", text);
}

static void profile(void)
{
    setenv("DNN_PROFILE", "1", 1);
    dnn_set_log(keep_log, NULL);
    if (start("blocked/dnn_blocked.so", "blocked")) {
        {
            DNN_SCOPE();
            dnn_tensor *x = randoms(2, 5, 3, 4), *p = into_blocks(x);

            check(dnn_add(p, p) != NULL && dnn_add(p, x) != NULL, "profiled");
        }
        stop("profile");
        check(strstr(logged, "2 calls") != NULL &&
                  strstr(logged, "add: blocked_add of blocked; 1 reorders; 480 bytes") != NULL,
              logged);
        check(strstr(logged, "reorder: blocked_reorder of blocked") != NULL,
              "the reorder has a line");
    }
    dnn_set_log(NULL, NULL);
    setenv("DNN_PROFILE", "maybe", 1);
    check(dnn_init("cpu_blas") == DNN_E_DEVICE &&
              strstr(dnn_error_message(), "DNN_PROFILE=maybe: not one of 0, 1") != NULL,
          dnn_error_message());
    unsetenv("DNN_PROFILE");
}

/* ---- lies about layouts ---- */

static void liars(void)
{
    static const struct {
        const char *id, *says;
        bool serves;
    } liar[] = {
        {"liar_none", "yes; output 0 is written as liar_none/twice", true},
        {"liar_plan",
         "its plan says 24 bytes for output 0 in liar_plan/twice, the reorder to it 48", false},
        {"liar_strided", "its plan says 88 bytes for a strided result of 24", false},
        {"liar_one_way", "no kernel reorders from liar_one_way/twice to strided", false},
        {"liar_zero", "its plan says 0 bytes for a result in liar_zero/twice", false},
        {"liar_foreign",
         "it asks for the layout somebody/else, of a family that its plugin does not list", false},
        {"liar_unknown",
         "it asks for the layout unknown, of a family that its plugin does not list", false},
        {"liar_workspace", "it asks for a workspace of more bytes than there can be", false},
    };
    char file[100];

    for (size_t i = 0; i < sizeof liar / sizeof liar[0]; i++) {
        snprintf(file, sizeof file, "liar/dnn_%s.so", liar[i].id);
        if (!start(file, liar[i].id)) {
            continue;
        }
        {
            DNN_SCOPE();
            dnn_tensor *x = dnn_ones(DNN_SHAPE(2, 3)), *y;
            double value = 0;

            said[0] = 0;
            dnn_explain(keep, NULL);
            y = dnn_exp(x);
            dnn_explain(NULL, NULL);
            if (!check(strstr(said, liar[i].says) != NULL, liar[i].says)) {
                printf("  it says: %s", said);
            }
            check(is_private(y) == liar[i].serves, liar[i].id);
            check(!is_private(dnn_exp_(dnn_clone(x))), "a tensor that was strided stays so");
            check(read_value(dnn_sum(y), &value) == DNN_OK && fabs(value - 6 * exp(1)) < 1e-5,
                  "another kernel, or this one, gives the numbers");
        }
        stop(liar[i].id);
    }
}

/* In parts, an intermediate result is private, and the next operator stretches it: when the parts
 * are tried, and when they run. */
static void stretched_part(void)
{
    setenv("DNN_DISABLE", "cpu_blas:softmax", 1);
    if (start("liar/dnn_liar_none.so", "liar_none")) {
        {
            DNN_SCOPE();
            dnn_tensor *x = dnn_exp(dnn_randn(DNN_SHAPE(4, 6))), *y;
            double all = 0, row[4] = {0};

            check(is_private(x), "the operand is private");
            y = dnn_softmax(x, 1);
            check(read_value(dnn_sum(y), &all) == DNN_OK && fabs(all - 4) < 1e-5 &&
                      dnn_to_list(dnn_sum(y, .dims = DNN_DIMS(1)), row, 4) == DNN_OK &&
                      fabs(row[3] - 1) < 1e-5,
                  "softmax decomposed, some operands private");
        }
        stop("stretched part");
    }
    unsetenv("DNN_DISABLE");
}

/* Two owners of one family, and a name that is none. */
static void families(void)
{
    char paths[8192];

    snprintf(paths, sizeof paths, "%s/liar/dnn_liar_none.so:%s/liar/dnn_liar_twin.so", folder,
             folder);
    setenv("DNN_PLUGINS", paths, 1);
    check(dnn_init("cpu_blas") == DNN_E_DEVICE &&
              strstr(dnn_error_message(),
                     "dnn_liar_twin.so: it owns the layout family liar_none, as ") != NULL,
          dnn_error_message());
    dnn_shutdown();
    snprintf(paths, sizeof paths, "%s/liar/dnn_liar_odd.so", folder);
    setenv("DNN_PLUGINS", paths, 1);
    check(dnn_init("cpu_blas") == DNN_E_DEVICE &&
              strstr(dnn_error_message(), "layout family 0 is not 1 to 31 of [a-z0-9_]") != NULL,
          dnn_error_message());
    dnn_shutdown();
}

/* All kernels of a plugin agree on a size that nobody has: no memory, and nothing lost. */
static void absurd_layout(void)
{
    if (!start("liar/dnn_liar_absurd.so", "liar_absurd")) {
        return;
    }
    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_ones(DNN_SHAPE(2, 3));

        check(dnn_exp(x) == NULL && dnn_take_error() == DNN_E_NOMEM,
              "2^60 bytes for a layout: no memory");
        check(same(dnn_add(x, x), dnn_full(DNN_SHAPE(2, 3), 2)), "and all goes on");
    }
    stop("absurd layout");
}

static dnn_status view_it(dnn_tensor *t)
{
    return dnn_flatten(t, 1, -1) != NULL ? DNN_OK : dnn_take_error();
}

static dnn_status copy_it(dnn_tensor *t)
{
    return dnn_contiguous(t) != NULL ? DNN_OK : dnn_take_error();
}

static dnn_status read_it(dnn_tensor *t)
{
    float value[2 * 8 * 6 * 6];

    return dnn_read(t, value, sizeof value);
}

static dnn_status map_it(dnn_tensor *t)
{
    void *data;

    DNN_TRY(dnn_map(t, DNN_MAP_READ, &data));
    return dnn_unmap(t);
}

/* A result in a private layout outlives dnn_shutdown: each way to its elements starts the library
 * again. */
static void after_shutdown(void)
{
    dnn_status (*const ways[])(dnn_tensor * t) = {read_it, map_it, view_it, copy_it};

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        dnn_tensor *y;
        dnn_status status;

        if (!start("blocked/dnn_blocked.so", "blocked")) {
            return;
        }
        y = dnn_retain(dnn_conv2d(dnn_rand(DNN_SHAPE(2, 8, 6, 6)), dnn_rand(DNN_SHAPE(8, 8, 3, 3)),
                                  NULL, .padding = 1));
        check(is_private(y), "a convolution makes a private layout");
        dnn_shutdown();
        setenv("DNN_BACKEND", "blocked", 1);
        status = ways[i](y);
        check(status == DNN_OK, status == DNN_OK ? "after shutdown" : dnn_error_message());
        check(!is_private(y), "its elements are strided now");
        unsetenv("DNN_BACKEND");
        dnn_release(y);
        stop("after shutdown");
    }
}

int main(int argc, char **argv)
{
    folder = argc > 1 ? argv[1] : ".";
    if (start("blocked/dnn_blocked.so", "blocked")) {
        dnn_manual_seed(1);
        {
            DNN_SCOPE();
            conversions();
            host_access();
            operators();
            in_place();
            same_strides();
            steps();
            gradients();
            chain();
            threads();
            no_starving();
            tuned_slices();
            disabled();
        }
        stop("blocked");
        unsetenv("DNN_TUNE_FILE");
    }
    after_shutdown();
    liars();
    stretched_part();
    families();
    absurd_layout();
    profile();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
