/* test_module_text.c - the texts of modules, states and lists of parameters are Python's, byte for
 * byte: prints.def has what PyTorch 2.15 prints. */
#include "inspect_impl.h"
#include "unit.h"

TestSuite(module_text, .init = unit_init, .fini = unit_fini);

enum { TEXT_BYTES = 4096 };

/* ---- modules of the program ---- */

static void describe_width(const dnn_module *self, char *text, size_t bytes)
{
    (void)self;
    snprintf(text, bytes, "width=3");
}

static void describe_lines(const dnn_module *self, char *text, size_t bytes)
{
    (void)self;
    snprintf(text, bytes, "width=3\nheight=4");
}

static void describe_letters(const dnn_module *self, char *text, size_t bytes)
{
    (void)self;
    snprintf(text, bytes, "a\nb");
}

static dnn_tensor *forward(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    return x;
}

#define TYPE(name_, ...)                                                                         \
    {                                                                                            \
        .size = sizeof(dnn_module_type), .name = name_, .bytes = sizeof(dnn_module), __VA_ARGS__ \
    }
static const dnn_module_type list_type = TYPE("ModuleList", .forward = NULL);
static const dnn_module_type block_type = TYPE("Block", .forward = forward);
static const dnn_module_type width_type =
    TYPE("Block", .forward = forward, .describe = describe_width);
static const dnn_module_type lines_type =
    TYPE("Block", .forward = forward, .describe = describe_lines);
static const dnn_module_type letters_type =
    TYPE("Block", .forward = forward, .describe = describe_letters);

static dnn_module *with_children(const dnn_module_type *type, dnn_module_list children)
{
    dnn_module *module = dnn_module_new(type);

    for (int64_t i = 0; i < children.n; i++) {
        char name[24];

        snprintf(name, sizeof name, "%lld", (long long)i);
        cr_assert_not_null(dnn_module_add(module, name, children.item[i]), "%s",
                           dnn_error_message());
    }
    return module;
}

static dnn_module *pair(void)
{
    return dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(2, 2), dnn_nn_relu()));
}

static dnn_module *custom(void)
{
    dnn_module *module = dnn_module_new(&block_type);

    dnn_module_add(module, "conv1", dnn_nn_conv2d(1, 2, 3));
    dnn_module_add(module, "layers",
                   with_children(&list_type, DNN_MODULES(dnn_nn_relu(), dnn_nn_relu())));
    return module;
}

/* ---- the modules of prints.def ---- */

#define NN_linear dnn_nn_linear(3, 4)
#define NN_linear_no_bias dnn_nn_linear(3, 4, .no_bias = true)
#define NN_conv dnn_nn_conv2d(1, 6, 5)
#define NN_conv_padding dnn_nn_conv2d(1, 6, 5, .padding = 2, .stride = 3)
#define NN_conv_all                                                                   \
    dnn_nn_conv2d(4, 8, 3, .kernel_w = 2, .stride = 1, .stride_w = 2, .padding_h = 1, \
                  .dilation = 2, .groups = 2, .no_bias = true)
#define NN_conv_same dnn_nn_conv2d(1, 2, 3, .same = true)
#define NN_max_pool dnn_nn_max_pool2d(.kernel = 2)
#define NN_max_pool_all                                                                         \
    dnn_nn_max_pool2d(.kernel_h = 3, .kernel_w = 2, .stride_h = 2, .stride_w = 1, .padding = 1, \
                      .dilation = 2, .ceil_mode = true)
#define NN_avg_pool dnn_nn_avg_pool2d(.kernel = 2)
#define NN_avg_pool_all dnn_nn_avg_pool2d(.kernel_h = 3, .kernel_w = 2, .stride = 2, .padding_h = 1)
#define NN_adaptive_avg dnn_nn_adaptive_avg_pool2d(2, 3)
#define NN_adaptive_max dnn_nn_adaptive_max_pool2d(1, 1)
#define NN_flatten dnn_nn_flatten()
#define NN_identity dnn_nn_identity()
#define NN_dropout dnn_nn_dropout(0.25)
#define NN_relu dnn_nn_relu()
#define NN_sigmoid dnn_nn_sigmoid()
#define NN_tanh dnn_nn_tanh()
#define NN_silu dnn_nn_silu()
#define NN_gelu dnn_nn_gelu(false)
#define NN_gelu_tanh dnn_nn_gelu(true)
#define NN_leaky_relu dnn_nn_leaky_relu(0.1)
#define NN_elu dnn_nn_elu(0.5)
#define NN_softplus dnn_nn_softplus(1, 20)
#define NN_softplus_all dnn_nn_softplus(0.5, 1e-5)
#define NN_softmax dnn_nn_softmax(1)
#define NN_log_softmax dnn_nn_log_softmax(-1)
#define NN_nested                                                                                  \
    dnn_nn_sequential(                                                                             \
        DNN_MODULES(dnn_nn_linear(2, 2),                                                           \
                    dnn_nn_sequential(DNN_MODULES(dnn_nn_relu(),                                   \
                                                  dnn_nn_sequential(DNN_MODULES(dnn_nn_tanh())))), \
                    dnn_nn_relu()))
#define NN_repeated_sequential \
    dnn_nn_sequential(DNN_MODULES(dnn_nn_relu(), dnn_nn_relu(), dnn_nn_relu()))
#define NN_module_list                                                                       \
    with_children(&list_type,                                                                \
                  DNN_MODULES(dnn_nn_linear(2, 2), dnn_nn_linear(2, 2), dnn_nn_linear(2, 3), \
                              dnn_nn_linear(2, 3), dnn_nn_relu()))
#define NN_module_list_nested with_children(&list_type, DNN_MODULES(pair(), pair(), pair()))
#define NN_module_list_one with_children(&list_type, DNN_MODULES(dnn_nn_relu()))
#define NN_module_list_empty dnn_module_new(&list_type)
#define NN_custom custom()
#define NN_custom_settings with_children(&width_type, DNN_MODULES(dnn_nn_relu()))
#define NN_custom_lines dnn_module_new(&lines_type)
#define NN_custom_lines_children \
    with_children(&lines_type,   \
                  DNN_MODULES(dnn_nn_sequential(DNN_MODULES(dnn_module_new(&letters_type)))))
#define NN_custom_empty dnn_module_new(&block_type)

static void expect_module(const char *name, dnn_module *module, const char *want)
{
    char text[TEXT_BYTES];

    cr_assert_not_null(module, "%s: %s", name, dnn_error_message());
    cr_expect_eq(copy_text(dnn_module_format(module), text, sizeof text), (int64_t)strlen(want),
                 "%s", name);
    cr_expect_str_eq(text, want, "%s:\n%s\nis not\n%s", name, text, want);
    dnn_release(module);
}

#define PRINT(...)
#define GRAD_FN(...)
#define DIFFERS(...)
#define STATE(...)
#define LIST(...)
#define MODULE(name, text) expect_module(#name, NN_##name, text);

Test(module_text, every_module_is_pytorchs)
{
#include "../../golden/prints.def"
}

/* ---- states and lists of parameters ---- */

static dnn_module *small(void)
{
    dnn_module *module = dnn_nn_sequential(
        DNN_MODULES(dnn_nn_linear(3, 2), dnn_nn_relu(), dnn_nn_linear(2, 1, .no_bias = true)));
    dnn_tensor_list list = dnn_parameters(module);

    for (int64_t i = 0; i < list.n; i++) {
        double value[6];

        for (int64_t k = 0; k < 6; k++) {
            value[k] = 0.25 * (double)(k + i);
        }
        {
            DNN_SCOPE();
            DNN_NO_GRAD();
            dnn_copy_(list.item[i],
                      dnn_from_data(value, dnn_shape_of(list.item[i]), .dtype = DNN_T_F64));
        }
    }
    return module;
}

static dnn_module *bare(void)
{
    return with_children(&block_type, DNN_MODULES(dnn_nn_relu()));
}

/* Registers the buffer first: a state has the parameters of a module first. */
static dnn_module *buffers(void)
{
    dnn_module *module = dnn_module_new(&block_type);

    dnn_module_add_buffer(module, "mean", F64(S(2), 0.5, 1.5));
    dnn_module_add_parameter(module, "scale", F32(DNN_SCALAR, 2));
    return module;
}

static void expect_state(const char *name, dnn_module *module, const char *want)
{
    const char *text = dnn_state_format(dnn_module_state(module));

    cr_assert_not_null(text, "%s", dnn_error_message());
    cr_expect_str_eq(text, want, "%s:\n%s\nis not\n%s", name, text, want);
    dnn_release(module);
}

static void expect_list(const char *name, dnn_module *module, const char *want)
{
    const char *text = dnn_tensor_list_format(dnn_parameters(module));

    cr_assert_not_null(text, "%s", dnn_error_message());
    cr_expect_str_eq(text, want, "%s:\n%s\nis not\n%s", name, text, want);
    dnn_release(module);
}

#undef MODULE
#undef STATE
#undef LIST
#define MODULE(...)
#define STATE(name, text) expect_state(#name, name(), text);
#define LIST(name, text) expect_list(#name, name(), text);

Test(module_text, states_and_lists_are_pythons){
#include "../../golden/prints.def"
}

Test(module_text, a_state_fails_as_its_tensors_do)
{
    dnn_module *module = small();
    dnn__text to = dnn__text_to(NULL, 0);
    dnn__text_options options = dnn__text_defaults;

    cr_expect_null(dnn_module_state(NULL).item);
    EXPECT_FAIL(NULL, "module is NULL");
    options.precision = -1;
    EXPECT_STATUS_FAIL(dnn__put_tensors(&to, dnn_parameters(module), &options), "precision is -1");
    dnn_release(module);
}
