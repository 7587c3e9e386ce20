/* test_results.c - rows of up to eight results (next_rows.c) on every path: made and left out,
 * destinations, gradients, a stash, a decomposition, the host in the place of a device, autotune,
 * anomaly mode, explain.
 *
 *     test_results FOLDER-OF-TEST-PLUGINS */
#include "../plugins/laid_out.h"
#include "call.h"
#include "counters.h"

enum { N = DNN__RESULTS, ALL = (1 << N) - 1 };

static dnn_tensor *sample(void)
{
    return dnn_from_data(((float[]){-2, -0.5f, 1, 3}), DNN_SHAPE(4));
}

/* What result k of eight must be. */
static dnn_tensor *expected(dnn_tensor *x, int k)
{
    return k < N - 1 ? dnn_mul(x, k + 1) : dnn_mul(x, x);
}

static bool eight(dnn_tensor *x, uint32_t want, dnn_tensor **out)
{
    return dnn__call_results(DNN_OP_eight, &x, 1, NULL, want, out);
}

/* The results that are wanted are right, the others NULL. */
static void check_eight(dnn_tensor *x, uint32_t want, const char *what)
{
    dnn_tensor *out[N] = {NULL};

    check(eight(x, want, out), what);
    for (int k = 0; k < N; k++) {
        check((want >> k & 1) != 0 ? same(out[k], expected(x, k)) : out[k] == NULL, what);
    }
}

static void makes_what_is_wanted(void)
{
    DNN_SCOPE();
    dnn_tensor *x = sample();

    check_eight(x, ALL, "all results");
    for (int k = 0; k < N; k++) {
        check_eight(x, DNN__RESULT(k), "one result");
        check_eight(x, ALL & ~DNN__RESULT(k), "all but one");
    }
    check_eight(dnn_zeros(DNN_SHAPE(0)), ALL, "no elements");
}

static void writes_destinations(void)
{
    DNN_SCOPE();
    dnn_tensor *x = sample(), *wide = dnn_zeros(DNN_SHAPE(4), .dtype = DNN_T_F64);
    dnn_tensor *steps = dnn_slice(dnn_zeros(DNN_SHAPE(8)), 0, 0, 8, 2);
    dnn_tensor *out[N] = {[2] = dnn_zeros(DNN_SHAPE(4)), [5] = wide, [6] = steps};
    dnn_tensor *x3 = dnn_mul(x, 3), *square = dnn_mul(x, x);

    check(eight(x, DNN__RESULT(0) | DNN__RESULT(7), out), "destinations");
    check(same(out[0], x) && same(out[2], x3) && same(out[7], square), "made and given");
    check(out[5] == wide && same(dnn_to(wide, .dtype = DNN_T_F32), expected(x, 5)),
          "a destination of another dtype");
    check(out[6] == steps && same(steps, expected(x, 6)), "a destination with gaps");
    check(out[1] == NULL && out[3] == NULL && out[4] == NULL, "left out");

    memset(out, 0, sizeof out);
    out[7] = x; /* its elements are read until the last result is written */
    check(eight(x, DNN__RESULT(3), out) && same(x, square), "an input as the last result");
    out[6] = dnn_zeros(DNN_SHAPE(5));
    check(!eight(x, 0, out) && dnn_take_error() == DNN_E_INVALID, "a destination of other dims");
}

/* d/dx of the sum of the results in the mask. */
static dnn_tensor *slope(dnn_tensor *x, uint32_t mask)
{
    dnn_tensor *dx = dnn_zeros_like(x);

    for (int k = 0; k < N; k++) {
        if ((mask >> k & 1) != 0) {
            dx = k < N - 1 ? dnn_add(dx, k + 1) : dnn_add(dx, dnn_mul(x, 2));
        }
    }
    return dx;
}

static void check_gradient(uint32_t mask, const char *what)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_requires_grad_(sample(), true), *out[N] = {NULL}, *sum = NULL;

    check(eight(x, ALL, out), what);
    for (int k = 0; k < N; k++) {
        if ((mask >> k & 1) != 0) {
            sum = sum == NULL ? out[k] : dnn_add(sum, out[k]);
        }
    }
    check(dnn_backward(dnn_sum(sum)) == DNN_OK, what);
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        check(same(dnn_grad(x), slope(x, mask)), what);
    }
}

static void gradients(const char *what)
{
    check_gradient(ALL, what);
    for (int k = 0; k < N; k++) {
        check_gradient(DNN__RESULT(k), what);
    }
    check_gradient(DNN__RESULT(0) | DNN__RESULT(3) | DNN__RESULT(7), what);
}

static void keeps_a_stash(void)
{
    said[0] = 0;
    dnn_explain(keep, NULL);
    gradients("gradients by the stash");
    dnn_explain(NULL, NULL);
    check(strstr(said, "eight_bwd results eight_bwd: yes") != NULL, "the stash is read");
}

static void is_timed(void)
{
    dnn_set_tune(true);
    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_arange(.end = 1000, .dtype = DNN_T_F32),
                   *out[N] = {[1] = dnn_zeros_like(x)};

        said[0] = 0;
        dnn_explain(keep, NULL);
        check(eight(x, ALL & ~DNN__RESULT(1), out), "autotune");
        dnn_explain(NULL, NULL);
        for (int k = 0; k < N; k++) {
            check(same(out[k], expected(x, k)), "autotune");
        }
        check(strstr(said, "tuned: ") != NULL, "both kernels were timed");
    }
    dnn_set_tune(false);
}

static void is_explained(void)
{
    dnn_operand x = {.shape = DNN_SHAPE(4)};

    said[0] = 0;
    check(dnn_explain_op((dnn_explain_args){.op = "eight", .in = &x, .n_in = 1, .fn = keep}) ==
              DNN_OK,
          "explain");
    check(strstr(said, "eight results eight: yes") != NULL, "explain says who serves it");
}

static void tells_the_result_by_name(void)
{
    dnn_set_anomaly(true);
    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_full(DNN_SHAPE(2), 3e19), *out[N] = {NULL};

        check(!eight(x, ALL, out) &&
                  strstr(dnn_error_message(), "eight: anomaly: squared [2] f32 has 2 infinities"),
              dnn_error_message());
        check(dnn_take_error() == DNN_E_INVALID, "anomaly");
    }
    dnn_set_anomaly(false);
}

static void is_decomposed(void)
{
    check(dnn_plugin_disable("results") == DNN_OK, "disable");
    makes_what_is_wanted();
    writes_destinations();
}

/* On a device that has kernels for neither row: eight in smaller operators, three on the host. */
static void on_a_device(void)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_to(sample(), .device = "phantom"), *out[3] = {NULL};
    int64_t before = atomic_load(&dnn__count.fallback_calls);

    check_eight(x, ALL, "decomposed on a device");
    check_eight(x, DNN__RESULT(2) | DNN__RESULT(7), "decomposed on a device");
    check(atomic_load(&dnn__count.fallback_calls) == before, "the device computed it");
    for (uint32_t want = 1; want < 8; want++) {
        memset(out, 0, sizeof out);
        check(dnn__call_results(DNN_OP_three, &x, 1, NULL, want, out), "host fallback");
        check((want & 1) == 0 ? out[0] == NULL : same(out[0], dnn_neg(x)), "y");
        check((want & 2) == 0 ? out[1] == NULL
                              : out[1]->dtype == DNN_T_I32 &&
                                    same(dnn_to(out[1], .dtype = DNN_T_F32),
                                         dnn_to(dnn_gt(x, dnn_zeros_like(x)), .dtype = DNN_T_F32)),
              "positive");
        check((want & 4) == 0 ? out[2] == NULL : same(out[2], dnn_mul(x, 2)), "twice");
    }
    check(atomic_load(&dnn__count.fallback_calls) == before + 7, "the host computed it");
}

/* The FLAT kernel runs over blocks of channels, and each result has the layout of x. */
static void over_a_private_layout(void)
{
    DNN_SCOPE();
    dnn_tensor *image = dnn_randn(DNN_SHAPE(2, 3, 9, 9)), *w = dnn_randn(DNN_SHAPE(8, 3, 3, 3));
    dnn_tensor *x = dnn_conv2d(image, w, NULL), *out[N] = {NULL}, *strided;

    check(is_private(x) && dnn_set_prefer("eight=results.eight_plain") == DNN_OK, "a convolution");
    check(eight(x, ALL & ~DNN__RESULT(4), out), "FLAT");
    for (int k = 0; k < N; k++) {
        check(k == 4 ? out[k] == NULL : is_private(out[k]), "each result has the layout of x");
    }
    strided =
        dnn_contiguous(dnn_permute(dnn_permute(x, DNN_DIMS(1, 0, 2, 3)), DNN_DIMS(1, 0, 2, 3)));
    for (int k = 0; k < N; k++) {
        check(k == 4 || same(out[k], expected(strided, k)), "FLAT");
    }
}

static void has_names(void)
{
    const dnn__op *op = &dnn__ops[DNN_OP_eight];

    check(strcmp(dnn__result_name(op, 0).text, "x1") == 0 &&
              strcmp(dnn__result_name(op, 7).text, "squared") == 0 &&
              strcmp(dnn__result_name(&dnn__ops[DNN_OP_relu], 0).text, "output 0") == 0,
          "names of results");
}

static void run(const char *name, const char *plugin, const char *backend, void (*part)(void))
{
    if (start(plugin, backend)) {
        part();
        stop(name);
    }
}

static void stash_part(void)
{
    keeps_a_stash();
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        printf("usage: test_results FOLDER\n");
        return 2;
    }
    folder = argv[1];
    has_names();
    run("wanted", "dnn_results.so", "cpu_blas", makes_what_is_wanted);
    run("destinations", "dnn_results.so", "cpu_blas", writes_destinations);
    run("stash", "dnn_results.so", "cpu_blas", stash_part);
    run("tuned", "dnn_results.so", "cpu_blas", is_timed);
    run("explained", "dnn_results.so", "cpu_blas", is_explained);
    run("anomaly", "dnn_results.so", "cpu_blas", tells_the_result_by_name);
    run("decomposed", "dnn_results.so", "cpu_blas", is_decomposed);
    run("device", "dnn_results.so", "phantom,cpu_blas", on_a_device);
    run("private layout", "dnn_results.so", "blocked,cpu_blas", over_a_private_layout);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
