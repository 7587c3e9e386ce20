/* test_autograd_function.c - tests custom functions: values, saved tensors, several operands,
 * contexts, second gradients, errors in either half. */
#include "call.h"
#include "unit.h"

TestSuite(autograd_function, .init = unit_init, .fini = unit_fini, .timeout = 60);

#define FORWARD(name) \
    static dnn_status name(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
#define BACKWARD(name) \
    static dnn_status name(dnn_function_call *call, dnn_tensor *const *dout, dnn_tensor **din)

/* ---- exp: saves its output ---- */

FORWARD(exp_forward)
{
    cr_expect(!dnn_grad_enabled());
    out[0] = dnn_exp(in[0]);
    return dnn_function_save(call, out[0]);
}

BACKWARD(exp_backward)
{
    din[0] = dnn_mul(dout[0], dnn_function_saved(call, 0));
    return DNN_OK;
}

static const dnn_function my_exp = {
    .name = "my_exp", .forward = exp_forward, .backward = exp_backward};

Test(autograd_function, one_output_by_the_idiom_of_operators)
{
    dnn_tensor *x = LEAF(S(2), 0, 1), *y = dnn_apply(&my_exp, NULL, DNN_TENSORS(x));

    EXPECT(y, DNN_T_F64, S(2), 1, exp(1));
    cr_expect(dnn_requires_grad(y) && !dnn_is_leaf(y));
    unit_backward(dnn_mul(y, 2));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 2, 2 * exp(1));
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "my_exp", "has been freed");
}

Test(autograd_function, a_graph_with_a_function_may_be_retained)
{
    dnn_tensor *x = LEAF(S(1), 0), *y = dnn_apply(&my_exp, NULL, DNN_TENSORS(x));

    cr_assert_eq(dnn_backward(y, .retain_graph = true), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_backward(y), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, S(1), 2);
}

Test(autograd_function, its_gradient_can_be_differentiated)
{
    dnn_tensor *x = LEAF(S(2), 0.5, -1), *y = dnn_apply(&my_exp, NULL, DNN_TENSORS(x)), *g;

    cr_assert_eq(dnn_backward(dnn_sum(dnn_square(y)), .create_graph = true), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 2 * exp(1), 2 * exp(-2));
    g = dnn_retain(dnn_grad(x));
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    cr_assert_eq(dnn_backward(dnn_sum(g), .create_graph = true), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 4 * exp(1), 4 * exp(-2));
    dnn_release(g);
    g = dnn_retain(dnn_grad(x));
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
    cr_assert_eq(dnn_backward(dnn_sum(g)), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 8 * exp(1), 8 * exp(-2));
    dnn_release(g);
}

Test(autograd_function, nothing_is_recorded_where_nobody_wants_a_gradient)
{
    dnn_tensor *x = LEAF(S(1), 0), *y;

    cr_expect(!dnn_requires_grad(dnn_apply(&my_exp, NULL, DNN_TENSORS(F64(S(1), 0)))));
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        y = dnn_apply(&my_exp, NULL, DNN_TENSORS(x));
        cr_expect(!dnn_requires_grad(y));
    }
}

Test(autograd_function, a_saved_output_that_was_changed_is_an_error)
{
    dnn_tensor *x = LEAF(S(1), 0), *y = dnn_apply(&my_exp, NULL, DNN_TENSORS(x));

    cr_assert_not_null(dnn_mul_(y, 3), "%s", dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_backward(y), "my_exp", "saved tensor 0", "in place", "version");
    cr_expect_null(dnn_grad(x));
}

/* ---- swish: the example of docs/autograd.md ---- */

FORWARD(swish_forward)
{
    out[0] = dnn_mul(in[0], dnn_sigmoid(in[0]));
    return dnn_function_save(call, in[0]);
}

BACKWARD(swish_backward)
{
    dnn_tensor *x = dnn_function_saved(call, 0), *s = dnn_sigmoid(x);

    din[0] = dnn_mul(dout[0], dnn_mul(s, dnn_add(dnn_mul(x, dnn_rsub(s, 1)), 1)));
    return DNN_OK;
}

static const dnn_function swish = {
    .name = "swish", .forward = swish_forward, .backward = swish_backward};

Test(autograd_function, the_example_of_the_page_is_silu)
{
    dnn_tensor *x = LEAF(S(3), -2, 0.5, 3), *mine, *silu, *a = NULL, *b = NULL;
    double want[3];

    mine = dnn_apply(&swish, NULL, DNN_TENSORS(x));
    silu = dnn_silu(x);
    for (int order = 0; order < 4; order++) {
        cr_assert_eq(dnn_to_list(silu, want, 3), DNN_OK, "%s", dnn_error_message());
        EXPECT(mine, DNN_T_F64, S(3), want[0], want[1], want[2]);
        cr_assert_eq(dnn_grad_of(dnn_sum(mine), DNN_TENSORS(x), &a, .create_graph = true), DNN_OK);
        cr_assert_eq(dnn_grad_of(dnn_sum(silu), DNN_TENSORS(x), &b, .create_graph = true), DNN_OK);
        mine = a;
        silu = b;
    }
}

/* ---- quotient and rest: two inputs, three outputs, one without a gradient, a context ---- */

typedef struct factor {
    double by;
    int *freed;
} factor;

static void free_factor(void *ctx)
{
    (*((factor *)ctx)->freed)++;
    free(ctx);
}

static factor *new_factor(double by, int *freed)
{
    factor *f = malloc(sizeof *f);

    cr_assert_not_null(f);
    *f = (factor){by, freed};
    return f;
}

/* out = by a b, a + b, a > b (as f64), and the places as i64 */
FORWARD(mix_forward)
{
    const factor *f = call->ctx;

    cr_expect_eq(call->n_in, 2);
    cr_expect_eq(call->n_out, 4);
    out[0] = dnn_mul(dnn_mul(in[0], in[1]), f->by);
    out[1] = dnn_add(in[0], in[1]);
    out[2] = dnn_to(dnn_gt(in[0], in[1]), .dtype = DNN_T_F64);
    out[3] = dnn_to(out[2], .dtype = DNN_T_I64);
    DNN_TRY(dnn_function_save(call, in[0]));
    DNN_TRY(dnn_function_save(call, in[1]));
    return dnn_function_no_gradient(call, 2);
}

BACKWARD(mix_backward)
{
    const factor *f = call->ctx;
    dnn_tensor *dy = dnn_mul(dout[0], f->by);

    cr_expect_null(dout[2]);
    cr_expect_null(dout[3]);
    if (call->wants[0]) {
        din[0] = dnn_add(dnn_mul(dy, dnn_function_saved(call, 1)), dout[1]);
    }
    if (call->wants[1]) {
        din[1] = dnn_add(dnn_mul(dy, dnn_function_saved(call, 0)), dout[1]);
    }
    return DNN_OK;
}

static const dnn_function mix = {
    .name = "mix", .forward = mix_forward, .backward = mix_backward, .free_ctx = free_factor};

Test(autograd_function, several_inputs_and_outputs)
{
    dnn_tensor *a = LEAF(S(2), 1, 2), *b = LEAF(S(2), 5, -6), *y[4];
    int freed = 0;

    {
        DNN_SCOPE();
        cr_assert_eq(dnn_function_apply(&mix, new_factor(10, &freed), DNN_TENSORS(a, b), y, 4),
                     DNN_OK, "%s", dnn_error_message());
        EXPECT(y[0], DNN_T_F64, S(2), 50, -120);
        EXPECT(y[2], DNN_T_F64, S(2), 0, 1);
        EXPECT(y[3], DNN_T_I64, S(2), 0, 1);
        cr_expect(dnn_requires_grad(y[1]));
        cr_expect(!dnn_requires_grad(y[2]));
        cr_expect(!dnn_requires_grad(y[3]));
        unit_backward(dnn_add(y[0], dnn_mul(y[1], 3)));
        cr_expect_eq(freed, 0, "the graph lives");
    }
    cr_expect_eq(freed, 1);
    EXPECT(dnn_grad(a), DNN_T_F64, S(2), 53, -57);
    EXPECT(dnn_grad(b), DNN_T_F64, S(2), 13, 23);
}

Test(autograd_function, an_output_that_nobody_used_has_a_gradient_of_zeros)
{
    dnn_tensor *a = LEAF(S(2), 1, 2), *b = F64(S(2), 5, -6), *y[4];
    int freed = 0;

    {
        DNN_SCOPE();
        cr_assert_eq(dnn_function_apply(&mix, new_factor(10, &freed), DNN_TENSORS(a, b), y, 4),
                     DNN_OK, "%s", dnn_error_message());
        unit_backward(y[1]);
    }
    EXPECT(dnn_grad(a), DNN_T_F64, S(2), 1, 1);
    cr_expect_eq(freed, 1);
}

Test(autograd_function, second_gradients_of_several_operands)
{
    dnn_tensor *a = LEAF(S(1), 2), *b = LEAF(S(1), 3), *y[4], *g;
    int freed = 0;

    {
        DNN_SCOPE();
        cr_assert_eq(dnn_function_apply(&mix, new_factor(1, &freed), DNN_TENSORS(a, b), y, 4),
                     DNN_OK, "%s", dnn_error_message());
        cr_assert_eq(dnn_backward(dnn_square(y[0]), .create_graph = true), DNN_OK, "%s",
                     dnn_error_message()); /* a^2 b^2: da = 2 a b^2 */
        EXPECT(dnn_grad(a), DNN_T_F64, S(1), 36);
        g = dnn_retain(dnn_grad(a));
        cr_assert_eq(dnn_set_grad(a, NULL), DNN_OK);
        cr_assert_eq(dnn_set_grad(b, NULL), DNN_OK);
        cr_assert_eq(dnn_backward(g), DNN_OK, "%s", dnn_error_message());
        EXPECT(dnn_grad(a), DNN_T_F64, S(1), 18); /* 2 b^2 */
        EXPECT(dnn_grad(b), DNN_T_F64, S(1), 24); /* 4 a b */
        dnn_release(g);
    }
    cr_expect_eq(freed, 1);
}

Test(autograd_function, the_context_is_freed_whatever_happens)
{
    int freed = 0;
    dnn_tensor *y[4] = {(dnn_tensor *)1, (dnn_tensor *)1}, *a = F64(S(2), 1, 2);

    EXPECT_STATUS_FAIL(dnn_function_apply(&mix, new_factor(1, &freed), DNN_TENSORS(a, NULL), y, 4),
                       "mix", "input 1", "NULL");
    cr_expect_null(y[0]);
    cr_expect_null(y[3]);
    cr_expect_eq(freed, 1);
    EXPECT_STATUS_FAIL(dnn_function_apply(&mix, new_factor(1, &freed), DNN_TENSORS(a, a), y, 0),
                       "mix", "0 outputs");
    cr_expect_eq(freed, 2);
    EXPECT_STATUS_FAIL(
        dnn_function_apply(&mix, new_factor(1, &freed), DNN_TENSORS(a, F64(S(3), 1, 2, 3)), y, 4),
        "forward of mix", "[2]", "[3]");
    cr_expect_eq(freed, 3);
    cr_assert_eq(dnn_function_apply(&mix, new_factor(1, &freed), DNN_TENSORS(a, a), y, 4), DNN_OK);
    cr_expect_eq(freed, 4, "nothing was recorded");
    cr_expect_null(dnn_add(F64(S(2), 1, 2), F64(S(3), 1, 2, 3)));
    EXPECT_STATUS_FAIL(dnn_function_apply(&mix, new_factor(1, &freed), DNN_TENSORS(a, a), y, 4),
                       "add", "[2]", "[3]");
    cr_expect_eq(freed, 5);
}

/* ---- identities: inputs as outputs ---- */

FORWARD(twice_forward)
{
    (void)call;
    out[0] = out[1] = in[0];
    return DNN_OK;
}

BACKWARD(twice_backward)
{
    (void)call;
    din[0] = dnn_add(dout[0], dout[1]);
    return DNN_OK;
}

static const dnn_function twice = {
    .name = "twice", .forward = twice_forward, .backward = twice_backward};

Test(autograd_function, an_input_that_is_returned_becomes_another_handle)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y[2];

    cr_assert_eq(dnn_function_apply(&twice, NULL, DNN_TENSORS(x), y, 2), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect(y[0] != x && y[0] != y[1]);
    cr_expect(dnn_is_leaf(x) && !dnn_is_leaf(y[0]));
    unit_backward(dnn_add(y[0], dnn_mul(y[1], 4)));
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 5, 5);
}

/* ---- one whose backward is numbers, not operators ---- */

FORWARD(cube_forward)
{
    out[0] = dnn_mul(dnn_square(in[0]), in[0]);
    return dnn_function_save(call, in[0]);
}

BACKWARD(cube_backward)
{
    double x = 0, dy = 0, dx;

    DNN_TRY(read_value(dnn_function_saved(call, 0), &x));
    DNN_TRY(read_value(dout[0], &dy));
    dx = 3 * x * x * dy;
    din[0] = dnn_from_data(&dx, DNN_SCALAR, .dtype = DNN_T_F64);
    return DNN_OK;
}

static const dnn_function cube = {
    .name = "cube", .forward = cube_forward, .backward = cube_backward};
static const dnn_function cube_once = {
    .name = "cube_once", .forward = cube_forward, .backward = cube_backward, .once = true};

Test(autograd_function, a_gradient_made_without_operators_is_never_detached_in_silence)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 2), *y = dnn_apply(&cube, NULL, DNN_TENSORS(x));

    cr_assert_eq(dnn_backward(y, .retain_graph = true), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 12);
    EXPECT_STATUS_FAIL(dnn_backward(y, .create_graph = true), "cube", "input 0", ".once");
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 12);
}

Test(autograd_function, once_is_an_error_where_it_is_differentiated_again)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 2), *y = dnn_apply(&cube_once, NULL, DNN_TENSORS(x));

    cr_assert_eq(dnn_backward(dnn_square(y), .create_graph = true), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, 192); /* 6 x^5 */
    EXPECT_STATUS_FAIL(dnn_backward(dnn_grad(x)), "cube_once's backward", "again");
    cr_assert_eq(dnn_set_grad(x, NULL), DNN_OK);
}

/* ---- intermediate values ---- */

FORWARD(tanh_forward) /* by way of a saved intermediate value */
{
    dnn_tensor *slope;

    out[0] = dnn_tanh(in[0]);
    slope = dnn_rsub(dnn_square(out[0]), 1);
    return dnn_function_save(call, slope);
}

static const dnn_function my_tanh = {
    .name = "my_tanh", .forward = tanh_forward, .backward = exp_backward};

Test(autograd_function, an_intermediate_value_may_be_saved_for_one_gradient)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 0.5), *y = dnn_apply(&my_tanh, NULL, DNN_TENSORS(x));
    double slope = 1 - tanh(0.5) * tanh(0.5);

    cr_assert_eq(dnn_backward(y, .retain_graph = true), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, DNN_SCALAR, slope);
    EXPECT_STATUS_FAIL(dnn_backward(y, .create_graph = true), "my_tanh", "saved tensor 0",
                       "constant");
}

/* ---- what the two halves do wrong ---- */

FORWARD(bad_forward)
{
    const char *what = call->ctx;

    out[0] = dnn_mul(in[0], 2);
    if (strcmp(what, "status") == 0) {
        return dnn_fail(DNN_E_IO, "the table %s is not there", "sine.bin");
    }
    if (strcmp(what, "silent") == 0) {
        return DNN_E_IO;
    }
    if (strcmp(what, "null") == 0) {
        out[0] = NULL;
    }
    if (strcmp(what, "in place") == 0) {
        out[0] = dnn_add_(in[0], 1);
    }
    if (strcmp(what, "index") == 0) {
        return dnn_function_no_gradient(call, 1);
    }
    if (strcmp(what, "saved") == 0) {
        out[0] = dnn_function_saved(call, 0);
    }
    return DNN_OK;
}

BACKWARD(bad_backward)
{
    const char *what = call->ctx;

    din[0] = dnn_mul(dout[0], 2);
    if (strcmp(what, "backward status") == 0) {
        return dnn_fail(DNN_E_INVALID, "no slope at %d", 7);
    }
    if (strcmp(what, "backward waits") == 0) {
        din[0] = dnn_add(dout[0], F64(S(3), 1, 2, 3));
    }
    if (strcmp(what, "shape") == 0) {
        din[0] = dnn_sum(dout[0]);
    }
    if (strcmp(what, "dtype") == 0) {
        din[0] = dnn_to(dout[0], .dtype = DNN_T_I64);
    }
    if (strcmp(what, "dout") == 0) {
        din[0] = dnn_mul_(dout[0], 2);
    }
    if (strcmp(what, "save") == 0) {
        return dnn_function_save(call, dout[0]);
    }
    if (strcmp(what, "index of saved") == 0) {
        din[0] = dnn_function_saved(call, 5);
    }
    return DNN_OK;
}

static const dnn_function bad = {.name = "bad", .forward = bad_forward, .backward = bad_backward};

#define BAD(what) dnn_apply(&bad, what, DNN_TENSORS(x))

Test(autograd_function, errors_of_forward)
{
    dnn_tensor *x = LEAF(S(2), 1, 2);

    cr_expect_null(BAD("status"));
    cr_expect_eq(dnn_take_error(), DNN_E_IO);
    cr_expect_str_eq(dnn_error_message(), "forward of bad: the table sine.bin is not there");
    cr_expect_null(BAD("silent"));
    cr_expect_eq(dnn_take_error(), DNN_E_IO);
    cr_expect_str_eq(dnn_error_message(), "forward of bad: it returned DNN_E_IO and no message");
    EXPECT_FAIL(BAD("null"), "bad", "output 0", "NULL");
    EXPECT_FAIL(BAD("index"), "bad", "output 1 of 1");
    EXPECT_FAIL(BAD("saved"), "dnn_function_saved", "backward alone");
    EXPECT_FAIL(dnn_apply(NULL, NULL, DNN_TENSORS(x)), "function is NULL");
    EXPECT_FAIL(dnn_apply(&(dnn_function){.name = "empty"}, NULL, DNN_TENSORS(x)), "forward");
    x = F64(S(2), 1, 2);
    EXPECT_FAIL(BAD("in place"), "bad", "input 0", "in place");
}

static void expect_bad(const char *what, const char *a, const char *b)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *y = dnn_apply(&bad, (void *)(uintptr_t)what, DNN_TENSORS(x));

    cr_assert_not_null(y, "%s", dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_backward_from(y, dnn_ones_like(y)), "backward of bad", a, b);
    cr_expect_null(dnn_grad(x), "%s: a failed backward left a gradient", what);
}

Test(autograd_function, errors_of_backward)
{
    expect_bad("backward status", "no slope at 7", "");
    expect_bad("backward waits", "[2]", "[3]");
    expect_bad("shape", "input 0 is [2]", "[]");
    expect_bad("dtype", "f64", "i64");
    expect_bad("dout", "output 0", "in place");
    expect_bad("save", "dnn_function_save", "forward alone");
    expect_bad("index of saved", "saved tensor 5 of 0", "");
}

Test(autograd_function, a_function_without_a_backward_says_so)
{
    static const dnn_function f = {.name = "one_way", .forward = exp_forward};
    dnn_tensor *x = LEAF(S(1), 1);

    EXPECT_STATUS_FAIL(dnn_backward(dnn_apply(&f, NULL, DNN_TENSORS(x))), "one_way",
                       "no gradient of its own");
}

Test(autograd_function, a_gradient_in_another_floating_dtype_is_cast)
{
    dnn_tensor *x = LEAF(S(1), 0), *y;
    static const dnn_function narrow = {
        .name = "narrow", .forward = exp_forward, .backward = exp_backward};

    y = dnn_apply(&narrow, NULL, DNN_TENSORS(dnn_to(x, .dtype = DNN_T_F32)));
    EXPECT(y, DNN_T_F32, S(1), 1);
    unit_backward(y);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1), 1);
}
