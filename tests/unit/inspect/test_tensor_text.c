/* test_tensor_text.c - the text of a tensor is PyTorch's, byte for byte: prints.def has what
 * PyTorch 2.15 prints. */
#include <locale.h>
#include "inspect_impl.h"
#include "unit.h"

TestSuite(tensor_text, .init = unit_init, .fini = unit_fini);

/* ---- the tensors of prints.def ---- */

enum how { PLAIN, LEAF, PARAMETER, TRANSPOSED, STRIDED, EXPANDED, NEGATED, VIEWED, SUMMED, SPLIT };

struct print {
    const char *line; /* of prints.def, without the text */
    dnn_dtype dtype;
    dnn_shape shape;
    const double *value; /* NULL: whole, or else start + i*step */
    const int64_t *whole;
    double start, step;
    enum how how;
    dnn__text_options options;
    const char *text;
};

/* ISO C promises literals of 4,095 bytes only. */
#pragma GCC diagnostic ignored "-Woverlength-strings"
#define SHAPE(...)                                                                      \
    {                                                                                   \
        .ndim = (int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dim = { \
            __VA_ARGS__                                                                 \
        }                                                                               \
    }
#define SCALAR    \
    {             \
        .ndim = 0 \
    }
#define VALUES(...)           \
    .value = (const double[]) \
    {                         \
        __VA_ARGS__           \
    }
#define WHOLE(...)             \
    .whole = (const int64_t[]) \
    {                          \
        __VA_ARGS__            \
    }
#define RANGE(start_, step_) .start = (start_), .step = (step_)
#define NOTHING .start = 0
#define OPTIONS(precision_, threshold_, edge_, width, mode)                          \
    {                                                                                \
        .precision = (precision_), .threshold = (threshold_), .edge_items = (edge_), \
        .line_width = (width), .sci_mode = DNN_SCI_##mode                            \
    }
#define PRINT(dtype_, shape_, values, how_, options_, text_)          \
    {.line = #dtype_ " " #shape_ " " #values " " #how_ " " #options_, \
     .dtype = DNN_T_##dtype_,                                         \
     .shape = shape_,                                                 \
     values,                                                          \
     .how = how_,                                                     \
     .options = options_,                                             \
     .text = text_},
#define MODULE(...)
#define STATE(...)
#define LIST(...)
#define GRAD_FN(...)
#define DIFFERS(...)
static const struct print prints[] = {
#include "../../golden/prints.def"
};

static dnn_tensor *make(const struct print *print)
{
    int64_t n = 1;
    dnn_tensor *t;
    double *value;

    for (int64_t i = 0; i < print->shape.ndim; i++) {
        n *= print->shape.dim[i];
    }
    if (print->whole != NULL) {
        return dnn_from_data(print->whole, print->shape, .dtype = DNN_T_I64);
    }
    value = calloc((size_t)n + 1, sizeof *value);
    cr_assert_not_null(value);
    for (int64_t i = 0; i < n; i++) {
        value[i] = print->value != NULL ? print->value[i] : print->start + (double)i * print->step;
    }
    t = dnn_to(dnn_from_data(value, print->shape, .dtype = DNN_T_F64), .dtype = print->dtype);
    free(value);
    return t;
}

static dnn_module *holder(void)
{
    static const dnn_module_type type = {
        .size = sizeof(dnn_module_type), .name = "Holder", .bytes = sizeof(dnn_module)};

    return dnn_module_new(&type);
}

/* t of shape [n] as [3,n]. */
static dnn_tensor *expand(dnn_tensor *t)
{
    dnn_shape shape = dnn_shape_of(t);

    shape.dim[1] = shape.dim[0];
    shape.dim[0] = 3;
    shape.ndim = 2;
    return dnn_expand(t, shape);
}

static dnn_tensor *change(dnn_tensor *t, enum how how, dnn_module *module)
{
    switch (how) {
    case LEAF:
        return dnn_requires_grad_(t, true);
    case PARAMETER:
        return dnn_module_add_parameter(module, "weight", t);
    case TRANSPOSED:
        return dnn_transpose(t, 0, 1);
    case STRIDED:
        return dnn_slice(t, 0, 1, INT64_MAX, 2);
    case EXPANDED:
        return expand(t);
    case NEGATED:
        return dnn_neg(dnn_requires_grad_(t, true));
    case VIEWED:
        return dnn_view_to(dnn_requires_grad_(t, true), dnn_shape_of(t));
    case SUMMED:
        return dnn_sum(dnn_requires_grad_(t, true));
    case SPLIT:
        return dnn_slice(dnn_requires_grad_(t, true), 0, 0, 2, 1);
    default:
        return t;
    }
}

enum { TEXT_BYTES = 40000 };

static const char *text_of(dnn_tensor *t, const dnn__text_options *options)
{
    static char text[TEXT_BYTES];
    dnn__text to = dnn__text_to(text, sizeof text);

    cr_assert_eq(dnn__put_tensor(&to, t, options), DNN_OK, "%s", dnn_error_message());
    cr_assert_lt(to.length, sizeof text);
    return text;
}

static void expect_print(const struct print *print)
{
    dnn_module *module = holder();
    dnn_tensor *t = change(make(print), print->how, module);
    const char *text;

    cr_assert_not_null(t, "%.200s: %s", print->line, dnn_error_message());
    text = text_of(t, &print->options);
    cr_expect_str_eq(text, print->text, "%.200s:\n%.2000s\nis not\n%.2000s", print->line, text,
                     print->text);
    dnn_release(module);
}

Test(tensor_text, every_print_is_pytorchs)
{
    for (size_t i = 0; i < DNN__COUNT(prints); i++) {
        {
            DNN_SCOPE();
            expect_print(&prints[i]);
        }
    }
}

/* ---- what prints.def cannot have ---- */

Test(tensor_text, format_has_the_defaults_and_counts_what_it_cuts)
{
    dnn_tensor *t = F32(S(2), 1, 2);
    char text[8];

    cr_expect_str_eq(text_of(t, NULL), "tensor([1., 2.])");
    cr_expect_eq(copy_text(dnn_tensor_format(t), text, sizeof text), 16);
    cr_expect_str_eq(text, "tensor(");
    cr_expect_eq(copy_text(dnn_tensor_format(t), NULL, 0), 16);
    EXPECT_FAIL(dnn_tensor_format(NULL), "dnn_tensor_format", "NULL");
}

Test(tensor_text, a_mapped_tensor_prints_and_stays_mapped)
{
    dnn_tensor *t = F32(S(2), 1, 2);
    void *data;

    cr_assert_eq(dnn_map(t, DNN_MAP_READ | DNN_MAP_WRITE, &data), DNN_OK);
    ((float *)data)[1] = 7;
    cr_expect_str_eq(text_of(t, NULL), "tensor([1., 7.])");
    cr_expect_eq(dnn_unmap(t), DNN_OK, "%s", dnn_error_message());
}

Test(tensor_text, an_option_out_of_its_range_is_an_error)
{
    dnn_tensor *t = F32(S(2), 1, 2);
    dnn__text to = dnn__text_to(NULL, 0);
    dnn__text_options options = dnn__text_defaults;

    options.precision = DNN__MOST_DIGITS + 1;
    EXPECT_STATUS_FAIL(dnn__put_tensor(&to, t, &options), "precision is 101", "0 to 100");
    options.precision = DNN__MOST_DIGITS;
    cr_expect_eq(dnn__put_tensor(&to, t, &options), DNN_OK);
    options.threshold = -1;
    EXPECT_STATUS_FAIL(dnn__put_tensor(&to, t, &options), "threshold -1");
    options = dnn__text_defaults;
    options.edge_items = options.line_width = options.threshold = INT64_MAX;
    cr_expect_eq(dnn__put_tensor(&to, t, &options), DNN_OK);
}

Test(tensor_text, the_longest_numbers_fit)
{
    dnn_tensor *t = F64(S(2), -1.7976931348623157e308, 0.5);
    dnn__text_options options = dnn__text_defaults;

    options.precision = DNN__MOST_DIGITS;
    options.sci_mode = DNN_SCI_OFF;
    cr_expect_eq(strlen(text_of(t, &options)), strlen("tensor([") + 2 * 411 +
                                                   strlen(",\n        ") + strlen("]") +
                                                   strlen(",\n       dtype=f64)"));
}

Test(tensor_text, the_locale_changes_no_number)
{
    dnn_tensor *t = F32(S(2), 1.5, 1e-5);

    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
        cr_skip_test("no locale with a decimal comma is installed");
    }
    cr_expect_str_eq(text_of(t, NULL), "tensor([1.5000e+00, 1.0000e-05])");
    cr_expect_str_eq(text_of(dnn_mul(t, 0), NULL), "tensor([0., 0.])");
}

Test(tensor_text, a_parameter_keeps_its_word_and_a_detached_one_has_none)
{
    dnn_module *module = holder();
    dnn_tensor *t = dnn_module_add_parameter(module, "w", F32(S(1), 1));
    dnn_tensor *buffer = dnn_module_add_buffer(module, "b", F32(S(1), 1));
    dnn__text_options options = dnn__text_defaults;

    cr_assert(t != NULL && buffer != NULL);
    cr_expect_str_eq(text_of(dnn_detach(t), NULL), "tensor([1.])");
    cr_expect_str_eq(text_of(buffer, NULL), "tensor([1.])");
    options.detached = true;
    cr_expect_str_eq(text_of(t, &options), "tensor([1.])");
    cr_assert_eq(dnn_module_to(module, .dtype = DNN_T_F64), DNN_OK, "%s", dnn_error_message());
    cr_expect_str_eq(text_of(t, NULL),
                     "Parameter containing:\ntensor([1.], dtype=f64, requires_grad=True)");
    dnn_release(module);
}
