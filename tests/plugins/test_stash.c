/* test_stash.c - what a forward kernel keeps always finds its reader, or is not kept; and rows that
 * nobody has a kernel for are decomposed.
 *
 *     test_stash FOLDER-OF-TEST-PLUGINS */
#include "laid_out.h"

/* ---- stashes ---- */

static dnn_tensor *silu_gradient(dnn_tensor *at, bool twice)
{
    dnn_tensor *x = dnn_requires_grad_(dnn_clone(at), true);
    dnn_tensor *loss = dnn_sum(dnn_silu(x));

    if (twice) {
        if (dnn_backward_with((dnn_backward_args){.of = loss, .retain_graph = true}) != DNN_OK ||
            dnn_set_grad(x, NULL) != DNN_OK) {
            return NULL;
        }
    }
    return dnn_backward(loss) == DNN_OK ? dnn_grad(x) : NULL;
}

static bool close_to(dnn_tensor *a, dnn_tensor *b)
{
    double worst = 1;

    return a != NULL && b != NULL &&
           read_value(dnn_amax(dnn_abs(dnn_sub(a, b))), &worst) == DNN_OK && worst < 1e-6;
}

static void stashes(void)
{
    static const struct {
        const char *id, *says;
        bool serves;
    } keeper[] = {
        {"keeper_none", "silu keeper_none keeper_silu: yes", true},
        {"keeper_declines",
         "that no backward kernel of its plugin would read: silu_bwd: no kernel for f32 on cpu "
         "(keeper_silu_bwd "
         "of keeper_declines: not today",
         false},
        {"keeper_other_size", "reads a stash of 88 bytes, the forward kernel kept 24", false},
        {"keeper_no_reader", "that no backward kernel of its plugin would read", false},
        {"keeper_absurd", "a stash of more bytes than there can be", false},
    };
    char file[100];

    for (size_t i = 0; i < sizeof keeper / sizeof keeper[0]; i++) {
        snprintf(file, sizeof file, "keeper/dnn_%s.so", keeper[i].id);
        if (!start(file, keeper[i].id)) {
            continue;
        }
        {
            DNN_SCOPE();
            dnn_tensor *x = dnn_arange(.start = -3, .end = 3, .dtype = DNN_T_F32),
                       *s = dnn_sigmoid(x), *expected;
            dnn_tensor *wide = dnn_arange(.start = -3, .end = 3, .step = 0.5, .dtype = DNN_T_F32);

            expected = dnn_mul(s, dnn_add(dnn_mul(x, dnn_add(dnn_neg(s), 1)), 1));
            said[0] = 0;
            dnn_explain(keep, NULL);
            check(close_to(silu_gradient(x, false), expected), "the gradient");
            dnn_explain(NULL, NULL);
            if (!check(strstr(said, keeper[i].says) != NULL, keeper[i].says)) {
                printf("  it says: %s", said);
            }
            check((strstr(said, "keeper_silu_bwd: yes") != NULL) == keeper[i].serves, keeper[i].id);
            check(close_to(silu_gradient(x, true), expected), "a stash is read twice");
            check(close_to(silu_gradient(dnn_slice(wide, 0, 0, 12, 2), false), expected),
                  "from a strided operand");
            check(dnn_silu(x) != NULL, "without a gradient there is no stash");
        }
        stop(keeper[i].id);
    }
}

/* A plugin is taken out of dispatch between forward and backward: the stash has no reader, and that
 * is said. */
static void orphan(void)
{
    if (!start("keeper/dnn_keeper_none.so", "keeper_none")) {
        return;
    }
    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_requires_grad_(dnn_ones(DNN_SHAPE(6)), true),
                   *loss = dnn_sum(dnn_silu(x));

        check(dnn_plugin_disable("keeper_none") == DNN_OK,
              "a plugin is disabled between forward and backward");
        check(dnn_backward(loss) == DNN_E_DEVICE &&
                  strstr(dnn_error_message(), "its plugin is disabled") != NULL &&
                  strstr(dnn_error_message(), "for its own plugin") != NULL,
              dnn_error_message());
        check(dnn_grad(x) == NULL, "no gradient came of it");
        check(close_to(silu_gradient(dnn_detach(x), false), silu_gradient(dnn_detach(x), false)),
              "forward again");
    }
    stop("orphan");
}

/* ---- decompositions ---- */

static void parts(void)
{
    static const char *const rows[] = {"square",
                                       "softsign",
                                       "silu",
                                       "gelu",
                                       "mean",
                                       "softmax",
                                       "log_softmax",
                                       "softmax_bwd",
                                       "log_softmax_bwd",
                                       "linear",
                                       "relu_bwd",
                                       "silu_bwd",
                                       "gelu_bwd",
                                       "elu_bwd",
                                       "softplus_bwd",
                                       "softmax_cross_entropy_bwd",
                                       "pow_bwd_exponent"};
    dnn_tensor *x, *w, *b;
    char disable[600] = "";

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(disable + strlen(disable), sizeof disable - strlen(disable), "%scpu_blas:%s",
                 i > 0 ? "," : "", rows[i]);
    }
    setenv("DNN_PLUGINS", "", 1);
    for (int round = 0; round < 2; round++) {
        setenv("DNN_DISABLE", round == 0 ? "" : disable, 1);
        check(dnn_init("cpu_blas") == DNN_OK, "start");
        dnn_manual_seed(3);
        {
            DNN_SCOPE();
            dnn_tensor *y[16];
            static float kept[16][64];
            int n = 0;

            x = dnn_requires_grad_(dnn_randn(DNN_SHAPE(4, 6)), true);
            w = dnn_requires_grad_(dnn_randn(DNN_SHAPE(3, 6)), true);
            b = dnn_requires_grad_(dnn_randn(DNN_SHAPE(3)), true);
            y[n++] = dnn_square(x);
            y[n++] = dnn_softsign(x);
            y[n++] = dnn_silu(x);
            y[n++] = dnn_gelu(x);
            y[n++] = dnn_gelu(x, .tanh = true);
            y[n++] = dnn_mean(x);
            y[n++] = dnn_mean(x, .dims = DNN_DIMS(1));
            y[n++] = dnn_softmax(x, 1);
            y[n++] = dnn_log_softmax(x, 0);
            y[n++] = dnn_linear(x, w, b);
            y[n++] = dnn_linear(x, w, NULL);
            y[n++] = dnn_relu(x);
            y[n++] = dnn_elu(x, 0.7);
            y[n++] = dnn_softplus(x, 2.0, 1.0);
            y[n++] = dnn_cross_entropy(x, dnn_argmax(dnn_detach(x), 1), .label_smoothing = 0.1);
            y[n++] = dnn_pow(dnn_full(DNN_SHAPE(4, 6), 0.5), x);
            for (int i = 0; i < n; i++) {
                float now[64];
                dnn_tensor *g;
                size_t bytes = (size_t)dnn_numel(y[i]) * sizeof(float);
                bool ok = y[i] != NULL && dnn_read(y[i], now, bytes) == DNN_OK;

                ok = ok && dnn_set_grad(x, NULL) == DNN_OK &&
                     dnn_backward(dnn_sum(dnn_square(y[i]))) == DNN_OK;
                g = ok ? dnn_grad(x) : NULL;
                ok = ok && dnn_read(g, now + 24, 24 * sizeof(float)) == DNN_OK;
                for (int k = 0; ok && k < 48; k++) {
                    bool set = k >= 24 || k < (int)(bytes / sizeof(float));

                    if (round == 0) {
                        kept[i][k] = now[k];
                    } else if (set) {
                        ok = fabsf(kept[i][k] - now[k]) <= 1e-6f * (1 + fabsf(kept[i][k]));
                    }
                }
                check(ok, ok ? "" : round == 0 ? "whole" : dnn_error_message());
            }
            if (round == 1) {
                said[0] = 0;
                dnn_explain(keep, NULL);
                dnn_silu(x);
                dnn_explain(NULL, NULL);
                check(strstr(said, "silu libdnn decomposition: yes; in smaller operators") !=
                              NULL &&
                          strstr(said, "sigmoid cpu_blas") != NULL,
                      said);
            }
        }
        stop("parts");
    }
    setenv("DNN_DISABLE", "cpu_blas:silu,cpu_blas:sigmoid", 1);
    check(dnn_init("cpu_blas") == DNN_OK, "start");
    {
        DNN_SCOPE();
        check(dnn_silu(dnn_ones(DNN_SHAPE(2))) == NULL && dnn_take_error() == DNN_E_DEVICE &&
                  strstr(dnn_error_message(), "not decomposed either: sigmoid: no kernel") != NULL,
              dnn_error_message());
    }
    stop("a part is missing");
    unsetenv("DNN_DISABLE");
}

int main(int argc, char **argv)
{
    folder = argc > 1 ? argv[1] : ".";
    stashes();
    orphan();
    parts();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
