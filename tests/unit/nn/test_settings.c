/* test_settings.c - tests that the settings of each layer are read, listed, and printed from the
 * table of its type. */
#include "unit.h"

TestSuite(settings, .init = unit_init, .fini = unit_fini, .timeout = 60);

/* ---- layers ---- */

/* The settings of the module, all of them, in order: "a=1 b=2". */
static void expect_settings(const dnn_module *module, const char *want)
{
    char text[512] = "";
    const char *name;
    double value;

    cr_assert_not_null(module, "%s", dnn_error_message());
    for (int64_t i = 0; dnn_module_setting_at(module, i, &name, &value); i++) {
        size_t at = strlen(text);

        snprintf(text + at, sizeof text - at, "%s%s=%g", at > 0 ? " " : "", name, value);
        cr_expect_eq(dnn_module_setting(module, name), value, "%s", name);
    }
    cr_expect_str_eq(text, want);
}

Test(settings, of_every_layer)
{
    expect_settings(dnn_nn_linear(3, 2), "in_features=3 out_features=2 bias=1");
    expect_settings(dnn_nn_linear(3, 2, .no_bias = true), "in_features=3 out_features=2 bias=0");
    expect_settings(dnn_nn_conv2d(4, 8, 3, .kernel_w = 5, .stride = 2, .padding_h = 1, .groups = 2,
                                  .dilation = 3),
                    "in_channels=4 out_channels=8 kernel_h=3 kernel_w=5 stride_h=2 stride_w=2 "
                    "padding_h=1 padding_w=0 dilation=3 groups=2 same=0 bias=1");
    expect_settings(dnn_nn_max_pool2d(.kernel = 3, .stride_w = 2, .padding = 1, .dilation_h = 2,
                                      .ceil_mode = true),
                    "kernel_h=3 kernel_w=3 stride_h=3 stride_w=2 padding_h=1 padding_w=1 "
                    "ceil_mode=1 dilation_h=2 dilation_w=1");
    expect_settings(
        dnn_nn_avg_pool2d(.kernel_h = 2, .kernel_w = 4, .exclude_pad = true, .divisor = 7),
        "kernel_h=2 kernel_w=4 stride_h=2 stride_w=4 padding_h=0 padding_w=0 ceil_mode=0 "
        "exclude_pad=1 divisor=7");
    expect_settings(dnn_nn_adaptive_avg_pool2d(2, 3), "output_h=2 output_w=3");
    expect_settings(dnn_nn_adaptive_max_pool2d(4, 5), "output_h=4 output_w=5");
    expect_settings(dnn_nn_dropout(0.25), "p=0.25");
    expect_settings(dnn_nn_leaky_relu(0.125), "negative_slope=0.125");
    expect_settings(dnn_nn_elu(2), "alpha=2");
    expect_settings(dnn_nn_softplus(2, 20), "beta=2 threshold=20");
    expect_settings(dnn_nn_softmax(-1), "dim=-1");
    expect_settings(dnn_nn_log_softmax(1), "dim=1");
    expect_settings(dnn_nn_gelu(true), "tanh=1");
    expect_settings(dnn_nn_relu(), "");
    expect_settings(dnn_nn_flatten(), "");
    expect_settings(dnn_nn_sequential(DNN_MODULES(dnn_nn_relu())), "");
}

/* The layers compute with what they say. */
Test(settings, are_what_the_pools_compute_with)
{
    dnn_tensor *x = dnn_reshape(dnn_arange(.end = 49), S(1, 1, 7, 7));
    dnn_module *max = dnn_nn_max_pool2d(.kernel_h = 2, .kernel_w = 1, .stride_h = 3, .stride_w = 4,
                                        .dilation_h = 2, .ceil_mode = true),
               *avg = dnn_nn_avg_pool2d(.kernel = 7, .divisor = 6);

    EXPECT(dnn_forward(max, x), DNN_T_F32, S(1, 1, 3, 2), 14, 18, 35, 39, 42, 46);
    EXPECT(dnn_forward(avg, x), DNN_T_F32, S(1, 1, 1, 1), 196);
}

Test(settings, an_unknown_name_lists_the_names)
{
    dnn_module *conv = dnn_nn_conv2d(1, 2, 3);
    const char *name;
    double value;

    cr_expect(isnan(dnn_module_setting(conv, "kernel")));
    EXPECT_FAIL(NULL, "Conv2d has no setting \"kernel\"", "in_channels", "kernel_h, kernel_w",
                "bias");
    cr_expect(isnan(dnn_module_setting(dnn_nn_relu(), "slope")));
    EXPECT_FAIL(NULL, "ReLU has no setting \"slope\"; it has none");
    cr_expect(isnan(dnn_module_setting(NULL, "slope")));
    EXPECT_FAIL(NULL, "dnn_module_setting: module is NULL");
    cr_expect(isnan(dnn_module_setting(conv, NULL)));
    EXPECT_FAIL(NULL, "dnn_module_setting: name is NULL");
    cr_expect_not(dnn_module_setting_at(NULL, 0, &name, &value));
    cr_expect_not(dnn_module_setting_at(conv, -1, &name, &value));
    cr_expect_not(dnn_module_setting_at(conv, 12, &name, &value));
}

/* ---- a layer of the program ---- */

typedef struct window {
    dnn_module base;
    int dim;
    int64_t width;
    double scale;
    bool causal;
} window;

static const dnn_setting window_settings[] = {DNN_SETTING("dim", window, dim),
                                              DNN_SETTING("width", window, width),
                                              DNN_SETTING("scale", window, scale),
                                              DNN_SETTING("causal", window, causal),
                                              {0}};
static const dnn_module_type window_type = {.size = sizeof(dnn_module_type),
                                            .name = "Window",
                                            .bytes = sizeof(window),
                                            .settings = window_settings};

Test(settings, of_the_program_are_printed_too)
{
    window *w = (window *)dnn_module_new(&window_type);

    cr_assert_not_null(w, "%s", dnn_error_message());
    w->dim = -2;
    w->width = INT64_C(1) << 60;
    w->scale = 0.5;
    w->causal = true;
    cr_expect_str_eq(dnn_module_format(&w->base),
                     "Window(dim=-2, width=1152921504606846976, scale=0.5, causal=True)");
    cr_expect_eq(dnn_module_setting(&w->base, "width"), 0x1p60);
    cr_expect_eq(dnn_module_setting(&w->base, "scale"), 0.5);
    cr_expect_eq(dnn_module_setting(&w->base, "dim"), -2);
}

Test(settings, must_lie_in_the_struct)
{
    static const dnn_setting outside[] = {{"far", DNN_SETTING_F64, sizeof(window) - 4}, {0}},
                             beyond[] = {{"far", DNN_SETTING_F64, SIZE_MAX}, {0}},
                             odd[] = {{"odd", (dnn_setting_kind)7, 0}, {0}};
    dnn_module_type type = window_type;

    type.settings = outside;
    EXPECT_FAIL(dnn_module_new(&type), "Window", "\"far\"", "DNN_SETTING");
    type.settings = beyond;
    EXPECT_FAIL(dnn_module_new(&type), "Window", "\"far\"");
    type.settings = odd;
    EXPECT_FAIL(dnn_module_new(&type), "Window", "\"odd\"", "kind 7");
}
