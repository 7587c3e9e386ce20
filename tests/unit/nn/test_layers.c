/* test_layers.c - tests every layer of nn.h against the operator that it calls, its initial values,
 * the initialisers, and invalid arguments. */
#include "nn_impl.h"
#include "unit.h"

static void init(void)
{
    unit_init();
    dnn_manual_seed(11);
}

TestSuite(layers, .init = init, .fini = unit_fini, .timeout = 60);

/* Shape, dtype and every bit of two tensors. */
#define SAME(got, want) expect_same((got), (want), #got, __LINE__)
static void expect_same(dnn_tensor *got, dnn_tensor *want, const char *what, int line)
{
    unsigned char a[8 * UNIT_MOST], b[8 * UNIT_MOST];
    size_t n;

    cr_assert(got != NULL && want != NULL, "line %d: %s: %s", line, what, dnn_error_message());
    cr_assert_eq(dnn_dtype_of(got), dnn_dtype_of(want), "line %d: %s", line, what);
    cr_assert_eq(dnn_ndim(got), dnn_ndim(want), "line %d: %s", line, what);
    for (int d = 0; d < dnn_ndim(got); d++) {
        cr_assert_eq(dnn_size(got, d), dnn_size(want, d), "line %d: %s: dim %d", line, what, d);
    }
    n = unit_snapshot(got, a);
    cr_assert_eq(unit_snapshot(want, b), n);
    cr_expect_eq(memcmp(a, b, n), 0, "line %d: %s: other values", line, what);
}

/* The layer's result on x, and the layer is freed. */
static dnn_tensor *run_once(dnn_module *layer, dnn_tensor *x)
{
    dnn_tensor *y;

    cr_assert_not_null(layer, "%s", dnn_error_message());
    y = dnn_forward(layer, x);
    cr_assert_not_null(y, "%s", dnn_error_message());
    dnn_release(layer);
    return y;
}

static dnn_tensor *weight(dnn_module *layer)
{
    return dnn_module_tensor(layer, "weight");
}

static dnn_tensor *bias(dnn_module *layer)
{
    return dnn_module_tensor(layer, "bias");
}

/* ---- values ---- */

Test(layers, linear)
{
    dnn_module *with = dnn_nn_linear(3, 2), *without = dnn_nn_linear(3, 2, .no_bias = true),
               *wide = dnn_nn_linear(3, 2, .dtype = DNN_T_F64);
    dnn_tensor *x = dnn_randn(S(4, 3)), *deep = dnn_randn(S(2, 5, 3)), *flat = dnn_randn(S(3));

    SAME(dnn_forward(with, x), dnn_linear(x, weight(with), bias(with)));
    SAME(dnn_forward(with, deep), dnn_linear(deep, weight(with), bias(with)));
    SAME(dnn_forward(with, flat), dnn_linear(flat, weight(with), bias(with)));
    SAME(dnn_forward(without, x), dnn_linear(x, weight(without), NULL));
    cr_expect_null(bias(without));
    cr_expect_eq(dnn_module_parameter_count(with), 8);
    cr_expect_eq(dnn_module_parameter_count(without), 6);
    cr_expect(dnn_dtype_of(weight(wide)) == DNN_T_F64 && dnn_dtype_of(bias(wide)) == DNN_T_F64);
    EXPECT_EMPTY(dnn_forward(with, dnn_zeros(S(0, 3))), DNN_T_F32, S(0, 2));
    cr_assert_not_null(dnn_init_constant(weight(with), 2));
    cr_assert_not_null(dnn_init_constant(bias(with), 1));
    EXPECT(dnn_forward(with, F32(S(1, 3), 1, 2, 3)), DNN_T_F32, S(1, 2), 13, 13);
    dnn_release(with);
    dnn_release(without);
    dnn_release(wide);
}

Test(layers, linear_of_size_0)
{
    dnn_module *none = dnn_nn_linear(0, 2), *out = dnn_nn_linear(2, 0);

    cr_assert(none != NULL && out != NULL, "%s", dnn_error_message());
    EXPECT(bias(none), DNN_T_F32, S(2), 0, 0);
    EXPECT(dnn_forward(none, dnn_zeros(S(1, 0))), DNN_T_F32, S(1, 2), 0, 0);
    EXPECT_EMPTY(dnn_forward(out, dnn_zeros(S(3, 2))), DNN_T_F32, S(3, 0));
    dnn_release(none);
    dnn_release(out);
}

/* One convolution layer: its weight's shape, and the operator with the same options. */
#define CONV(layer_, x_, shape_, ...)                                                           \
    do {                                                                                        \
        dnn_module *conv = (layer_);                                                            \
        dnn_shape want = (shape_), got;                                                         \
        cr_assert_not_null(conv, "%s", dnn_error_message());                                    \
        got = dnn_shape_of(weight(conv));                                                       \
        cr_expect(got.ndim == 4 && memcmp(got.dim, want.dim, sizeof(int64_t) * 4) == 0);        \
        SAME(dnn_forward(conv, (x_)), dnn_conv2d((x_), weight(conv), bias(conv), __VA_ARGS__)); \
        dnn_release(conv);                                                                      \
    } while (0)

Test(layers, conv2d)
{
    dnn_tensor *x = dnn_randn(S(2, 4, 6, 5)), *single = dnn_randn(S(4, 6, 5));

    CONV(dnn_nn_conv2d(4, 2, 3), x, S(2, 4, 3, 3), .stride = 1);
    CONV(dnn_nn_conv2d(4, 2, 3), single, S(2, 4, 3, 3), .stride = 1);
    CONV(dnn_nn_conv2d(4, 2, 3, .no_bias = true), x, S(2, 4, 3, 3), .stride = 1);
    CONV(dnn_nn_conv2d(4, 2, 3, .stride = 2, .padding = 1), x, S(2, 4, 3, 3), .stride = 2,
         .padding = 1);
    CONV(dnn_nn_conv2d(4, 2, 0, .kernel_h = 2, .kernel_w = 3), x, S(2, 4, 2, 3), .stride = 1);
    CONV(dnn_nn_conv2d(4, 2, 3, .kernel_w = 1, .stride_h = 2, .padding_h = 1), x, S(2, 4, 3, 1),
         .stride_h = 2, .padding_h = 1);
    CONV(dnn_nn_conv2d(4, 2, 2, .dilation = 2), x, S(2, 4, 2, 2), .dilation = 2);
    CONV(dnn_nn_conv2d(4, 2, 2, .groups = 2), x, S(2, 2, 2, 2), .groups = 2);
    CONV(dnn_nn_conv2d(4, 8, 3, .groups = 4), x, S(8, 1, 3, 3), .groups = 4);
    CONV(dnn_nn_conv2d(4, 2, 3, .same = true), x, S(2, 4, 3, 3), .same = true);
    CONV(dnn_nn_conv2d(4, 1, 3, .dtype = DNN_T_F64), dnn_to(x, .dtype = DNN_T_F64), S(1, 4, 3, 3),
         .stride = 1);
}

Test(layers, pooling)
{
    dnn_tensor *x = dnn_randn(S(1, 2, 6, 5));

    SAME(run_once(dnn_nn_max_pool2d(.kernel = 2), x), dnn_max_pool2d(x, .kernel = 2));
    SAME(run_once(dnn_nn_max_pool2d(.kernel = 3, .stride = 1, .padding = 1), x),
         dnn_max_pool2d(x, .kernel = 3, .stride = 1, .padding = 1));
    SAME(run_once(dnn_nn_max_pool2d(.kernel_h = 2, .kernel_w = 1, .stride_w = 2), x),
         dnn_max_pool2d(x, .kernel_h = 2, .kernel_w = 1, .stride_w = 2));
    SAME(run_once(dnn_nn_max_pool2d(.kernel = 2, .dilation = 2, .stride = 1), x),
         dnn_max_pool2d(x, .kernel = 2, .dilation = 2, .stride = 1));
    SAME(run_once(dnn_nn_max_pool2d(.kernel = 2, .ceil_mode = true), x),
         dnn_max_pool2d(x, .kernel = 2, .ceil_mode = true));
    SAME(run_once(dnn_nn_avg_pool2d(.kernel = 2), x), dnn_avg_pool2d(x, .kernel = 2));
    SAME(
        run_once(dnn_nn_avg_pool2d(.kernel = 3, .stride = 2, .padding = 1, .exclude_pad = true), x),
        dnn_avg_pool2d(x, .kernel = 3, .stride = 2, .padding = 1, .exclude_pad = true));
    SAME(run_once(dnn_nn_avg_pool2d(.kernel = 2, .divisor = 3), x),
         dnn_avg_pool2d(x, .kernel = 2, .divisor = 3));
    SAME(run_once(dnn_nn_adaptive_avg_pool2d(2, 3), x), dnn_adaptive_avg_pool2d(x, 2, 3));
    SAME(run_once(dnn_nn_adaptive_max_pool2d(4, 1), x), dnn_adaptive_max_pool2d(x, 4, 1, NULL));
    EXPECT(run_once(dnn_nn_max_pool2d(.kernel = 2), F32(S(1, 2, 2), 1, 4, 3, 2)), DNN_T_F32,
           S(1, 1, 1), 4);
    EXPECT(run_once(dnn_nn_avg_pool2d(.kernel = 2), F32(S(1, 2, 2), 1, 4, 3, 2)), DNN_T_F32,
           S(1, 1, 1), 2.5);
}

Test(layers, activations)
{
    dnn_tensor *x = F32(S(2, 4), -3, -1, -0.5, 0, 0.25, 1, 2, 30);

    SAME(run_once(dnn_nn_relu(), x), dnn_relu(x));
    SAME(run_once(dnn_nn_sigmoid(), x), dnn_sigmoid(x));
    SAME(run_once(dnn_nn_tanh(), x), dnn_tanh(x));
    SAME(run_once(dnn_nn_silu(), x), dnn_silu(x));
    SAME(run_once(dnn_nn_gelu(false), x), dnn_gelu(x, .tanh = false));
    SAME(run_once(dnn_nn_gelu(true), x), dnn_gelu(x, .tanh = true));
    SAME(run_once(dnn_nn_leaky_relu(0.1), x), dnn_leaky_relu(x, 0.1));
    SAME(run_once(dnn_nn_elu(0.5), x), dnn_elu(x, 0.5));
    SAME(run_once(dnn_nn_softplus(2, 10), x), dnn_softplus(x, 2, 10));
    SAME(run_once(dnn_nn_softmax(1), x), dnn_softmax(x, 1));
    SAME(run_once(dnn_nn_softmax(-2), x), dnn_softmax(x, 0));
    SAME(run_once(dnn_nn_log_softmax(1), x), dnn_log_softmax(x, 1));
}

Test(layers, a_setting_of_0_is_a_0_and_no_default)
{
    dnn_tensor *x = F32(S(3), -2, 0, 3);

    EXPECT(run_once(dnn_nn_leaky_relu(0), x), DNN_T_F32, S(3), 0, 0, 3);
    EXPECT(run_once(dnn_nn_elu(0), x), DNN_T_F32, S(3), 0, 0, 3);
    EXPECT(run_once(dnn_nn_softplus(1, 0), x), DNN_T_F32, S(3), log1p(exp(-2)), log(2), 3);
}

Test(layers, flatten_identity_and_sequential)
{
    dnn_tensor *x = dnn_randn(S(2, 3, 4));
    dnn_module *first = dnn_nn_linear(4, 2),
               *net = dnn_nn_sequential(DNN_MODULES(first, dnn_nn_relu(), dnn_nn_flatten()));

    EXPECT_EMPTY(run_once(dnn_nn_flatten(), dnn_zeros(S(0, 2, 3))), DNN_T_F32, S(0, 6));
    SAME(run_once(dnn_nn_flatten(), x), dnn_reshape(x, S(2, 12)));
    cr_expect_eq(run_once(dnn_nn_identity(), x), x);
    SAME(dnn_forward(net, x),
         dnn_flatten(dnn_relu(dnn_linear(x, weight(first), bias(first))), 1, -1));
    dnn_release(net);
}

Test(layers, a_sequential_of_nothing_is_the_identity)
{
    dnn_module *net = dnn_nn_sequential((dnn_module_list){.n = 0});
    dnn_tensor *x = F32(S(1), 1);

    cr_assert_not_null(net, "%s", dnn_error_message());
    cr_expect_eq(dnn_forward(net, x), x);
    dnn_release(net);
}

/* ---- dropout ---- */

Test(layers, dropout_in_training_and_in_evaluation)
{
    enum { N = 10000 };
    dnn_module *layer = dnn_nn_dropout(0.25);
    dnn_tensor *x = dnn_ones(S(N)), *y = dnn_forward(layer, x);
    double *value = malloc(N * sizeof *value);
    int kept = 0;

    cr_assert_not_null(value);
    cr_assert_eq(dnn_to_list(y, value, N), DNN_OK, "%s", dnn_error_message());
    for (int i = 0; i < N; i++) {
        cr_assert(value[i] == 0 || fabs(value[i] - 1 / 0.75) < 1e-6, "%g", value[i]);
        kept += value[i] != 0;
    }
    cr_expect(kept > 7250 && kept < 7750, "%d of 10000 were kept",
              kept); /* 5.7 standard deviations */
    dnn_module_eval(layer);
    cr_expect_eq(dnn_forward(layer, x), x);
    free(value);
    dnn_release(layer);
}

Test(layers, dropout_of_0_and_of_1)
{
    dnn_tensor *x = F32(S(3), 1, 2, 3);

    EXPECT(run_once(dnn_nn_dropout(0), x), DNN_T_F32, S(3), 1, 2, 3);
    EXPECT(run_once(dnn_nn_dropout(1), x), DNN_T_F32, S(3), 0, 0, 0);
}

Test(layers, a_seed_gives_the_same_dropout)
{
    dnn_tensor *x = dnn_ones(S(100)), *y;

    dnn_manual_seed(5);
    y = run_once(dnn_nn_dropout(0.5), x);
    dnn_manual_seed(5);
    SAME(run_once(dnn_nn_dropout(0.5), x), y);
}

/* ---- initial values ---- */

struct statistics {
    double low, high, mean, deviation;
};

static struct statistics statistics_of(dnn_tensor *t)
{
    struct statistics s = {.low = INFINITY, .high = -INFINITY};
    int64_t n = dnn_numel(t);
    double *value = malloc((size_t)n * sizeof *value), squares = 0;

    cr_assert(value != NULL && t != NULL);
    cr_assert_eq(dnn_to_list(t, value, n), DNN_OK, "%s", dnn_error_message());
    for (int64_t i = 0; i < n; i++) {
        s.low = fmin(s.low, value[i]);
        s.high = fmax(s.high, value[i]);
        s.mean += value[i] / (double)n;
        squares += value[i] * value[i] / (double)n;
    }
    s.deviation = sqrt(squares - s.mean * s.mean);
    free(value);
    return s;
}

/* Uniform in +-bound: inside, near both ends, and of the right mean and deviation. n is 10000 or
 * more. */
static void expect_uniform(dnn_tensor *t, double bound, const char *what)
{
    struct statistics s = statistics_of(t);

    cr_expect(s.low >= -bound * (1 + 1e-6) && s.high <= bound * (1 + 1e-6),
              "%s: from %g to %g, bound %g", what, s.low, s.high, bound);
    cr_expect(s.low < -0.99 * bound && s.high > 0.99 * bound, "%s: from %g to %g, bound %g", what,
              s.low, s.high, bound);
    cr_expect(fabs(s.mean) < 0.03 * bound, "%s: mean %g", what, s.mean);
    cr_expect(fabs(s.deviation - bound / sqrt(3)) < 0.02 * bound, "%s: deviation %g", what,
              s.deviation);
}

static void expect_normal(dnn_tensor *t, double mean, double deviation, const char *what)
{
    struct statistics s = statistics_of(t);

    cr_expect(fabs(s.mean - mean) < 0.05 * deviation, "%s: mean %g, not %g", what, s.mean, mean);
    cr_expect(fabs(s.deviation - deviation) < 0.04 * deviation, "%s: deviation %g, not %g", what,
              s.deviation, deviation);
    cr_expect(s.high - mean > 3 * deviation && mean - s.low > 3 * deviation, "%s: from %g to %g",
              what, s.low, s.high);
}

Test(layers, default_values_are_uniform_in_the_root_of_the_fan)
{
    dnn_module *linear = dnn_nn_linear(100, 10000),
               *conv = dnn_nn_conv2d(16, 10000, 5, .kernel_w = 3, .groups = 8);

    cr_assert(linear != NULL && conv != NULL, "%s", dnn_error_message());
    expect_uniform(weight(linear), 1 / sqrt(100), "weight of linear");
    expect_uniform(bias(linear), 1 / sqrt(100), "bias of linear");
    expect_uniform(weight(conv), 1 / sqrt(2 * 5 * 3), "weight of conv");
    expect_uniform(bias(conv), 1 / sqrt(2 * 5 * 3), "bias of conv");
    cr_expect(dnn_requires_grad(weight(linear)) && dnn_is_leaf(weight(linear)) &&
              dnn_requires_grad(bias(conv)));
    dnn_release(linear);
    dnn_release(conv);
}

Test(layers, a_seed_gives_the_same_weights)
{
    dnn_module *a, *b, *c;
    unsigned char x[8 * UNIT_MOST], y[8 * UNIT_MOST];
    size_t n;

    dnn_manual_seed(42);
    a = dnn_nn_sequential(DNN_MODULES(dnn_nn_conv2d(1, 2, 3), dnn_nn_linear(4, 5)));
    dnn_manual_seed(42);
    b = dnn_nn_sequential(DNN_MODULES(dnn_nn_conv2d(1, 2, 3), dnn_nn_linear(4, 5)));
    c = dnn_nn_sequential(DNN_MODULES(dnn_nn_conv2d(1, 2, 3), dnn_nn_linear(4, 5)));
    for (int64_t i = 0; i < 4; i++) {
        SAME(dnn__module_tensor_at(b, DNN__PARAMETERS, i, NULL, 0),
             dnn__module_tensor_at(a, DNN__PARAMETERS, i, NULL, 0));
        n = unit_snapshot(dnn__module_tensor_at(b, DNN__PARAMETERS, i, NULL, 0), x);
        cr_assert_eq(unit_snapshot(dnn__module_tensor_at(c, DNN__PARAMETERS, i, NULL, 0), y), n);
        cr_expect_neq(memcmp(x, y, n), 0, "parameter %lld is the same without a new seed",
                      (long long)i);
    }
    dnn_release(a);
    dnn_release(b);
    dnn_release(c);
}

/* Fans of [200,30,2]: 60 in, 400 out. */
Test(layers, initialisers_have_their_statistics)
{
    static const dnn_dtype dtypes[] = {DNN_T_F32, DNN_T_F64};

    for (int i = 0; i < 2; i++) {
        dnn_tensor *t = dnn_zeros(S(200, 30, 2), .dtype = dtypes[i]);

        cr_assert_eq(dnn_init_uniform(t, -3, 3), t, "%s", dnn_error_message());
        expect_uniform(t, 3, "uniform");
        cr_assert_eq(dnn_init_normal(t, 5, 2), t);
        expect_normal(t, 5, 2, "normal");
        cr_assert_eq(dnn_init_xavier_uniform(t, 2), t);
        expect_uniform(t, 2 * sqrt(6.0 / 460), "xavier_uniform");
        cr_assert_eq(dnn_init_xavier_normal(t, 1), t);
        expect_normal(t, 0, sqrt(2.0 / 460), "xavier_normal");
        cr_assert_eq(dnn_init_kaiming_uniform(t, 0), t);
        expect_uniform(t, sqrt(6.0 / 60), "kaiming_uniform");
        cr_assert_eq(dnn_init_kaiming_uniform(t, sqrt(5)), t);
        expect_uniform(t, sqrt(1.0 / 60), "kaiming_uniform of the square root of 5");
        cr_assert_eq(dnn_init_kaiming_normal(t, 1), t);
        expect_normal(t, 0, sqrt(1.0 / 60), "kaiming_normal");
    }
}

Test(layers, initialisers_leave_no_trace_on_the_tape)
{
    dnn_tensor *t = dnn_requires_grad_(dnn_zeros(S(2, 2)), true);

    cr_assert_eq(dnn_init_constant(t, 3), t);
    EXPECT(t, DNN_T_F32, S(2, 2), 3, 3, 3, 3);
    cr_assert_eq(dnn_init_kaiming_normal(t, 0), t);
    cr_expect(dnn_is_leaf(t) && dnn_requires_grad(t));
    unit_backward(dnn_mul(t, 2));
    EXPECT(dnn_grad(t), DNN_T_F32, S(2, 2), 2, 2, 2, 2);
}

Test(layers, initialisers_refuse)
{
    dnn_tensor *flat = dnn_zeros(S(3)), *empty = dnn_zeros(S(2, 0));

    EXPECT_FAIL(dnn_init_xavier_uniform(flat, 1), "init_xavier_uniform", "[3]", "rank 2");
    EXPECT_FAIL(dnn_init_xavier_normal(flat, 1), "init_xavier_normal", "[3]");
    EXPECT_FAIL(dnn_init_kaiming_uniform(flat, 0), "init_kaiming_uniform", "[3]");
    EXPECT_FAIL(dnn_init_kaiming_normal(flat, 0), "init_kaiming_normal", "[3]");
    EXPECT_FAIL(dnn_init_kaiming_normal(NULL, 0), "init_kaiming_normal");
    EXPECT_FAIL(dnn_init_uniform(NULL, 0, 1), "uniform");
    EXPECT_FAIL(dnn_init_uniform(flat, 2, 1), "uniform");
    EXPECT_FAIL(dnn_init_normal(flat, 0, -1), "normal", "-1");
    EXPECT_FAIL(dnn_init_normal(I64(S(1), 1), 0, 1), "i64");
    cr_expect_eq(dnn_init_kaiming_uniform(empty, 0), empty, "%s", dnn_error_message());
    cr_expect_eq(dnn_init_xavier_normal(empty, 1), empty, "%s", dnn_error_message());
}

/* ---- arguments that cannot be ---- */

Test(layers, linear_refuses)
{
    EXPECT_FAIL(dnn_nn_linear(-1, 2), "Linear", "in -1", "out 2");
    EXPECT_FAIL(dnn_nn_linear(2, -3), "Linear", "out -3");
    EXPECT_FAIL(dnn_nn_linear(2, 3, .dtype = DNN_T_I64), "i64");
    cr_expect_null(dnn_nn_linear(INT64_MAX, 2));
    cr_expect_neq(dnn_take_error(), DNN_OK);
}

Test(layers, conv2d_refuses)
{
    EXPECT_FAIL(dnn_nn_conv2d(0, 1, 3), "Conv2d", "in 0");
    EXPECT_FAIL(dnn_nn_conv2d(1, 0, 3), "Conv2d", "out 0");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, 0), "kernel 0 x 0");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, -2), "kernel -2 x -2");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, 3, .stride = -1), "stride -1 x -1");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, 3, .padding_w = -1), "padding 0 x -1");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, 3, .dilation = -1), "dilation -1");
    EXPECT_FAIL(dnn_nn_conv2d(3, 4, 3, .groups = 2), "2 groups", "in 3", "out 4");
    EXPECT_FAIL(dnn_nn_conv2d(4, 3, 3, .groups = 2), "2 groups", "out 3");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, 3, .groups = -1), "-1 groups");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, 3, .same = true, .stride = 2), "same", "2 x 2");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, 3, .same = true, .padding = 1), "same", "1 x 1");
    EXPECT_FAIL(dnn_nn_conv2d(1, 1, 3, .dtype = DNN_T_BOOL), "bool");
    EXPECT_FAIL(dnn_nn_conv2d(INT64_MAX, INT64_MAX, 3), "Conv2d");
}

Test(layers, other_layers_refuse)
{
    EXPECT_FAIL(dnn_nn_dropout(-0.1), "Dropout", "-0.1", "[0,1]");
    EXPECT_FAIL(dnn_nn_dropout(1.5), "1.5");
    EXPECT_FAIL(dnn_nn_dropout(NAN), "nan");
    EXPECT_FAIL(dnn_nn_max_pool2d(.stride = 2), "MaxPool2d", "kernel 0 x 0");
    EXPECT_FAIL(dnn_nn_avg_pool2d(.kernel_h = 2), "AvgPool2d", "kernel 2 x 0");
    EXPECT_FAIL(dnn_nn_adaptive_avg_pool2d(-1, 2), "AdaptiveAvgPool2d", "-1 x 2");
    EXPECT_FAIL(dnn_nn_adaptive_max_pool2d(1, -2), "AdaptiveMaxPool2d", "1 x -2");
}

Test(layers, inputs_that_do_not_fit_are_named)
{
    dnn_module *conv = dnn_nn_conv2d(3, 2, 3), *linear = dnn_nn_linear(3, 2),
               *softmax = dnn_nn_softmax(2), *flatten = dnn_nn_flatten();

    EXPECT_FAIL(dnn_forward(conv, dnn_zeros(S(1, 2, 5, 5))), "conv2d", "2", "3");
    EXPECT_FAIL(dnn_forward(conv, dnn_zeros(S(1, 3, 2, 2))), "conv2d");
    EXPECT_FAIL(dnn_forward(linear, dnn_zeros(S(1, 4))), "linear");
    EXPECT_FAIL(dnn_forward(linear, dnn_zeros(S(1, 3), .dtype = DNN_T_F64)), "f64", "f32");
    EXPECT_FAIL(dnn_forward(softmax, dnn_zeros(S(1, 4))), "softmax", "2");
    EXPECT_FAIL(dnn_forward(flatten, dnn_zeros(S(4))), "flatten");
    dnn_release(conv);
    dnn_release(linear);
    dnn_release(softmax);
    dnn_release(flatten);
}
