/* test_forward.c - tests calls of modules: several inputs and outputs, what fails and with which
 * words, hooks. */
#include "unit.h"

TestSuite(forward, .init = unit_init, .fini = unit_fini, .timeout = 60);

/* ---- types ---- */

/* (x, h) to (x + h, x - h) and fewer; what a test wants to fail is in `mode`. */
typedef enum fault { WORKS, FAILS, FAILS_SILENTLY, LEAVES_NULL, OPERATOR_FAILS, POSITIVE } fault;
typedef struct cell {
    dnn_module base;
    fault mode;
    int calls;
} cell;

static dnn_status cell_forward(dnn_module *self, dnn_tensor_list in, dnn_tensor **out,
                               int64_t n_out)
{
    cell *c = (cell *)self;
    dnn_tensor *h = in.n > 1 ? in.item[1] : dnn_zeros_like(in.item[0]);

    c->calls++;
    out[0] = dnn_add(in.item[0], h);
    if (n_out > 1 && c->mode != LEAVES_NULL) {
        out[1] = dnn_sub(in.item[0], h);
    }
    if (c->mode == OPERATOR_FAILS) {
        dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3)));
    }
    return c->mode == FAILS            ? dnn_fail(DNN_E_FORMAT, "the state is old")
           : c->mode == FAILS_SILENTLY ? DNN_E_NOMEM
           : c->mode == POSITIVE       ? dnn_fail(7, "seven")
                                       : DNN_OK;
}

static dnn_tensor *double_it(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    return dnn_mul(x, 2);
}

/* Fails without a pending error: by dnn_fail, by the status of a call, or by nothing. */
static dnn_tensor *refuse(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    (void)x;
    dnn_fail(DNN_E_FORMAT, "rows must be sorted");
    return NULL;
}

static dnn_tensor *refuse_silently(dnn_module *self, dnn_tensor *x)
{
    (void)self;
    (void)x;
    return NULL;
}

static dnn_tensor *call_cell(dnn_module *self, dnn_tensor *x)
{
    dnn_tensor *out[2];

    return dnn_forward_n(dnn_module_child(self, "cell"), DNN_TENSORS(x, x), out, 2) == DNN_OK
               ? out[1]
               : NULL;
}

#define TYPE(variable, name_, ...)            \
    static const dnn_module_type variable = { \
        .size = sizeof(dnn_module_type), .name = name_, .bytes = sizeof(cell), __VA_ARGS__}
TYPE(cell_type, "Cell", .forward_n = cell_forward, .n_in = 2, .n_out = 2);
TYPE(any_type, "Any", .forward_n = cell_forward);
TYPE(both_type, "Both", .forward = double_it, .forward_n = cell_forward, .n_in = 2);
TYPE(list_type, "List", .n_in = 1);
TYPE(refuse_type, "Refuse", .forward = refuse);
TYPE(silent_type, "Silent", .forward = refuse_silently);
TYPE(net_type, "Net", .forward = call_cell);

static dnn_module *make(const dnn_module_type *type)
{
    dnn_module *module = dnn_module_new(type);

    cr_assert_not_null(module, "%s", dnn_error_message());
    return module;
}

/* "Net" around a cell, in the mode. */
static dnn_module *net_of(fault mode)
{
    dnn_module *net = make(&net_type), *inner = make(&cell_type);

    ((cell *)inner)->mode = mode;
    cr_assert_not_null(dnn_module_add(net, "cell", inner), "%s", dnn_error_message());
    return net;
}

static dnn_tensor *x1(void)
{
    return F32(S(1), 1);
}

static dnn_tensor *x5(void)
{
    return F32(S(1), 5);
}

/* ---- several inputs and outputs ---- */

Test(forward, several_inputs_and_outputs)
{
    dnn_module *m = make(&cell_type);
    dnn_tensor *out[2];

    cr_assert_eq(dnn_forward_n(m, DNN_TENSORS(x5(), x1()), out, 2), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(out[0], DNN_T_F32, S(1), 6);
    EXPECT(out[1], DNN_T_F32, S(1), 4);
}

Test(forward, each_kind_of_call_reaches_each_kind_of_type)
{
    dnn_module *any = make(&any_type), *both = make(&both_type), *relu = dnn_nn_relu();
    dnn_tensor *out[2];

    EXPECT(dnn_forward(any, x5()), DNN_T_F32, S(1), 5);
    EXPECT(dnn_forward(any, x5(), x1()), DNN_T_F32, S(1), 6);
    EXPECT(dnn_forward_list(any, DNN_TENSORS(x5(), x1())), DNN_T_F32, S(1), 6);
    EXPECT(dnn_forward(both, x5()), DNN_T_F32, S(1), 10);
    EXPECT(dnn_forward(both, x5(), x1()), DNN_T_F32, S(1), 6);
    cr_assert_eq(dnn_forward_n(both, DNN_TENSORS(x5()), out, 1), DNN_OK);
    EXPECT(out[0], DNN_T_F32, S(1), 10);
    cr_assert_eq(dnn_forward_n(relu, DNN_TENSORS(x5()), out, 1), DNN_OK);
    EXPECT(out[0], DNN_T_F32, S(1), 5);
    EXPECT(dnn_forward(relu, dnn_forward(any, dnn_forward(relu, x5()), dnn_forward(relu, x1()))),
           DNN_T_F32, S(1), 6);
}

Test(forward, gradients_go_through)
{
    dnn_module *m = make(&cell_type);
    dnn_tensor *x = LEAF(S(1), 5), *h = LEAF(S(1), 1), *out[2];

    cr_assert_eq(dnn_forward_n(m, DNN_TENSORS(x, h), out, 2), DNN_OK, "%s", dnn_error_message());
    unit_backward(dnn_mul(out[0], out[1])); /* x^2 - h^2 */
    EXPECT(dnn_grad(x), DNN_T_F64, S(1), 10);
    EXPECT(dnn_grad(h), DNN_T_F64, S(1), -2);
}

/* ---- what fails ---- */

#define EXPECT_ALL_NULL(out) cr_expect((out)[0] == NULL && (out)[1] == NULL)

Test(forward, wrong_numbers_are_told_with_both_numbers)
{
    dnn_module *m = make(&cell_type), *both = make(&both_type), *list = make(&list_type);
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(dnn_nn_relu(), m));
    dnn_tensor *out[2] = {x1(), x1()};

    EXPECT_FAIL(dnn_forward(net, x1()), "Sequential.1 (Cell): it takes 2 inputs, not 1");
    EXPECT_FAIL(dnn_forward(m, x1(), x1(), x1()), "Cell): it takes 2 inputs, not 3");
    EXPECT_FAIL(dnn_forward(m, x1(), x1()), "Cell): it gives 2 outputs, not 1");
    EXPECT_FAIL(dnn_forward(both, x1(), x1(), x1()), "Both: it takes 2 inputs, not 3");
    EXPECT_FAIL(dnn_forward(dnn_nn_relu(), x1(), x1()), "ReLU: it takes 1 input, not 2");
    EXPECT_STATUS_FAIL(dnn_forward_n(dnn_nn_relu(), DNN_TENSORS(x1()), out, 2),
                       "ReLU: it gives 1 output, not 2");
    EXPECT_ALL_NULL(out);
    EXPECT_FAIL(dnn_forward(list, x1()), "the type List has neither forward nor forward_n");
    EXPECT_STATUS_FAIL(dnn_forward_n(list, DNN_TENSORS(x1()), out, 1),
                       "the type List has neither forward nor forward_n");
    cr_expect_eq(((cell *)m)->calls, 0);
}

Test(forward, wrong_arguments)
{
    dnn_module *m = make(&cell_type), *any = make(&any_type);
    dnn_tensor_list none = {.n = 0}, bad = {.n = 2};
    dnn_tensor *out[2] = {x1(), x1()};

    EXPECT_FAIL(dnn_forward(m, x1(), NULL), "Cell: ", "gives 2 outputs");
    EXPECT_FAIL(dnn_forward(any, x1(), NULL), "Any: input 1 is NULL (of 2)");
    EXPECT_FAIL(dnn_forward(dnn_nn_relu(), NULL), "ReLU: x is NULL");
    EXPECT_STATUS_FAIL(dnn_forward_n(m, DNN_TENSORS(NULL, x1()), out, 2), "Cell: input 0 is NULL");
    EXPECT_ALL_NULL(out);
    EXPECT_STATUS_FAIL(dnn_forward_n(NULL, DNN_TENSORS(x1()), out, 2), "module is NULL");
    EXPECT_STATUS_FAIL(dnn_forward_n(m, DNN_TENSORS(x1()), NULL, 2), "out is NULL");
    EXPECT_STATUS_FAIL(dnn_forward_n(m, DNN_TENSORS(x1()), out, 0), "n_out 0");
    EXPECT_STATUS_FAIL(dnn_forward_n(m, DNN_TENSORS(x1()), out, -1), "n_out -1");
    EXPECT_STATUS_FAIL(dnn_forward_n(m, bad, out, 2), "in.item is NULL and in.n 2");
    EXPECT_STATUS_FAIL(dnn_forward_n(m, none, out, 2), "Cell: it takes 2 inputs, not 0");
    EXPECT_FAIL(dnn_forward_list(m, bad), "in.item is NULL");
    EXPECT_FAIL(dnn_forward_list(NULL, none), "module is NULL");
}

Test(forward, a_pending_error_stays_the_first)
{
    dnn_module *m = make(&cell_type);
    dnn_tensor *x = x1(), *out[2] = {x, x};

    EXPECT_FAIL(dnn_forward(m, dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3))), x), "add", "[2]");
    dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3)));
    EXPECT_STATUS_FAIL(dnn_forward_n(m, DNN_TENSORS(x, x), out, 2), "add", "[2]");
    EXPECT_ALL_NULL(out);
    cr_expect_eq(dnn_pending(), DNN_OK, "dnn_forward_n took it");
    cr_expect_eq(((cell *)m)->calls, 0);
}

static void expect_failure(fault mode, dnn_status want, const char *text)
{
    dnn_module *net = net_of(mode);
    dnn_tensor *out[2] = {x1(), x1()};
    dnn_status st = dnn_forward_n(dnn_module_child(net, "cell"), DNN_TENSORS(x1(), x1()), out, 2);

    cr_expect_eq(st, want, "%s: %s", dnn_status_name(st), dnn_error_message());
    cr_expect_not_null(strstr(dnn_error_message(), text), "%s", dnn_error_message());
    EXPECT_ALL_NULL(out);
    /* A forward that returns NULL after a failed call has its status and its text. */
    cr_expect_null(dnn_forward(net, x1()));
    st = dnn_take_error();
    cr_expect_eq(st, want, "%s: %s", dnn_status_name(st), dnn_error_message());
    cr_expect_not_null(strstr(dnn_error_message(), text), "%s", dnn_error_message());
}

Test(forward, failures_name_the_place_once)
{
    expect_failure(FAILS, DNN_E_FORMAT, "Net.cell (Cell): the state is old");
    expect_failure(FAILS_SILENTLY, DNN_E_NOMEM,
                   "Net.cell (Cell): it failed with DNN_E_NOMEM and left no message");
    expect_failure(LEAVES_NULL, DNN_E_INVALID, "Net.cell (Cell): output 1 is NULL (of 2)");
    expect_failure(OPERATOR_FAILS, DNN_E_INVALID, "Net.cell (Cell): add: ");
    expect_failure(POSITIVE, DNN_E_INVALID, "Net.cell (Cell): seven");
    cr_expect_null(dnn_forward(net_of(FAILS), x1()));
    cr_expect_str_eq(dnn_error_message(), "Net.cell (Cell): the state is old");
    cr_expect_eq(dnn_take_error(), DNN_E_FORMAT);
}

Test(forward, null_without_an_error_is_an_error)
{
    cr_expect_null(dnn_forward(make(&refuse_type), x1()));
    cr_expect_str_eq(dnn_error_message(), "Refuse: rows must be sorted");
    cr_expect_eq(dnn_take_error(), DNN_E_FORMAT);
    dnn_fail(DNN_E_IO, "an older message");
    EXPECT_FAIL(dnn_forward(make(&silent_type), x1()),
                "Silent: it failed with DNN_E_INVALID and left no message");
}

/* ---- another dtype than the parameters ---- */

Test(forward, another_dtype_names_the_place_and_both_dtypes)
{
    dnn_module *net = dnn_nn_sequential(
        DNN_MODULES(dnn_nn_conv2d(1, 2, 3), dnn_nn_flatten(), dnn_nn_linear(8, 2)));

    EXPECT_FAIL(dnn_forward(net, dnn_zeros(S(1, 1, 4, 4), .dtype = DNN_T_F64)),
                "Sequential.0 (Conv2d): conv2d: ", "x is f64", "w is f32", "dnn_to");
    EXPECT_FAIL(dnn_forward(dnn_module_child(net, "2"), dnn_zeros(S(1, 8), .dtype = DNN_T_F16)),
                "Sequential.2 (Linear): linear: ", "x is f16", "w is f32", "dnn_to");
    EXPECT_FAIL(dnn_forward(dnn_module_child(net, "2"), dnn_zeros(S(1, 8), .dtype = DNN_T_I64)),
                "Sequential.2 (Linear): linear: ", "i64");
}

/* ---- hooks ---- */

typedef struct watch { /* the context of hooks */
    char log[128];
    int freed;
    int64_t id, other;
} watch;

static void free_watch(void *ctx)
{
    ((watch *)ctx)->freed++;
}

static dnn_status add_ten(void *ctx, dnn_module *module, dnn_tensor **in, int64_t n_in)
{
    (void)module;
    (void)n_in;
    strcat(((watch *)ctx)->log, "p");
    in[0] = dnn_add(in[0], 10);
    return DNN_OK;
}

static dnn_status negate(void *ctx, dnn_module *module, dnn_tensor_list in, dnn_tensor **out,
                         int64_t n_out)
{
    char text[32];

    (void)module;
    snprintf(text, sizeof text, "h%d%d:%g", (int)in.n, (int)n_out, dnn_value(in.item[0]));
    strcat(((watch *)ctx)->log, text);
    for (int64_t i = 0; i < n_out; i++) {
        out[i] = dnn_neg(out[i]);
    }
    return DNN_OK;
}

Test(forward, hooks_see_inputs_and_replace_inputs_and_outputs)
{
    watch w = {.log = ""};
    dnn_module *m = make(&cell_type), *relu = dnn_nn_relu();
    dnn_tensor *x = LEAF(S(1), 5), *out[2];
    dnn_tensor *const given[2] = {x, F64(S(1), 1)};

    cr_assert_eq(dnn_module_add_forward_hook(m, negate, &w, free_watch, &w.id), DNN_OK);
    cr_assert_eq(dnn_module_add_forward_pre_hook(m, add_ten, &w, NULL, NULL), DNN_OK);
    cr_assert_eq(dnn_forward_n(m, (dnn_tensor_list){.n = 2, .item = given}, out, 2), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(out[0], DNN_T_F64, S(1), -16);
    EXPECT(out[1], DNN_T_F64, S(1), -14);
    cr_expect_str_eq(w.log, "ph22:15");
    cr_expect_eq(given[0], x, "the list of the caller");
    unit_backward(out[0]);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1), -1);
    cr_assert_eq(dnn_module_remove_hook(m, w.id), DNN_OK);
    cr_expect_eq(w.freed, 1);
    EXPECT_STATUS_FAIL(dnn_module_remove_hook(m, w.id), "Cell has no hook");
    cr_assert_eq(dnn_forward_n(m, DNN_TENSORS(x5(), x1()), out, 2), DNN_OK);
    EXPECT(out[0], DNN_T_F32, S(1), 16);
    w.log[0] = 0;
    cr_assert_eq(dnn_module_add_forward_hook(relu, negate, &w, NULL, NULL), DNN_OK);
    EXPECT(dnn_forward(dnn_nn_sequential(DNN_MODULES(relu)), x5()), DNN_T_F32, S(1), -5);
    cr_expect_str_eq(w.log, "h11:5");
}

Test(forward, hooks_are_freed_once)
{
    watch w = {.log = ""};
    dnn_module *m = dnn_nn_relu();

    cr_assert_eq(dnn_module_add_forward_hook(m, negate, &w, free_watch, NULL), DNN_OK);
    cr_assert_eq(dnn_module_add_forward_pre_hook(m, add_ten, &w, free_watch, NULL), DNN_OK);
    dnn_release(m);
    cr_expect_eq(w.freed, 2);
    EXPECT_STATUS_FAIL(dnn_module_add_forward_hook(NULL, negate, &w, free_watch, NULL),
                       "dnn_module_add_forward_hook: module is NULL");
    EXPECT_STATUS_FAIL(dnn_module_add_forward_hook(dnn_nn_relu(), NULL, &w, free_watch, NULL),
                       "dnn_module_add_forward_hook: fn is NULL");
    EXPECT_STATUS_FAIL(dnn_module_add_forward_pre_hook(dnn_nn_relu(), NULL, &w, free_watch, NULL),
                       "dnn_module_add_forward_pre_hook: fn is NULL");
    cr_expect_eq(w.freed, 5);
    EXPECT_STATUS_FAIL(dnn_module_remove_hook(NULL, 1), "module is NULL");
}

static dnn_status remove_both(void *ctx, dnn_module *module, dnn_tensor_list in, dnn_tensor **out,
                              int64_t n_out)
{
    watch *w = ctx;

    (void)in;
    (void)out;
    (void)n_out;
    strcat(w->log, "r");
    DNN_TRY(dnn_module_remove_hook(module, w->id));
    DNN_TRY(dnn_module_remove_hook(module, w->other));
    cr_expect_eq(w->freed, 1, "a hook keeps its context until it returns");
    return dnn_module_remove_hook(module, w->id) == DNN_E_INVALID
               ? DNN_OK
               : dnn_fail(DNN_E_INVALID, "removed twice");
}

static dnn_status add_itself(void *ctx, dnn_module *module, dnn_tensor_list in, dnn_tensor **out,
                             int64_t n_out)
{
    (void)in;
    (void)out;
    (void)n_out;
    strcat(((watch *)ctx)->log, "a");
    return dnn_module_add_forward_hook(module, add_itself, ctx, free_watch, NULL);
}

static dnn_status release_module(void *ctx, dnn_module *module, dnn_tensor **in, int64_t n_in)
{
    (void)in;
    (void)n_in;
    strcat(((watch *)ctx)->log, "x");
    dnn_release(module);
    return DNN_OK;
}

Test(forward, hooks_change_the_list_of_hooks)
{
    watch w = {.log = ""};
    dnn_module *m = dnn_nn_relu();

    cr_assert_eq(dnn_module_add_forward_hook(m, remove_both, &w, free_watch, &w.id), DNN_OK);
    cr_assert_eq(dnn_module_add_forward_hook(m, negate, &w, free_watch, &w.other), DNN_OK);
    EXPECT(dnn_forward(m, x5()), DNN_T_F32, S(1), 5);
    cr_expect_str_eq(w.log, "r");
    cr_expect_eq(w.freed, 2);
    w = (watch){.log = ""};
    cr_assert_eq(dnn_module_add_forward_hook(m, add_itself, &w, free_watch, NULL), DNN_OK);
    EXPECT(dnn_forward(m, x5()), DNN_T_F32, S(1), 5);
    cr_expect_str_eq(w.log, "a", "what is added runs from the next call on");
    EXPECT(dnn_forward(m, x5()), DNN_T_F32, S(1), 5);
    cr_expect_str_eq(w.log, "aaa");
    cr_assert_eq(dnn_module_add_forward_pre_hook(m, release_module, &w, free_watch, NULL), DNN_OK);
    EXPECT(dnn_forward(m, x5()), DNN_T_F32, S(1), 5);
    cr_expect_eq(w.freed, 9, "1 + 1 + 2 + 4 hooks that add themselves, and the last: %d", w.freed);
}

static dnn_status fail_hook(void *ctx, dnn_module *module, dnn_tensor_list in, dnn_tensor **out,
                            int64_t n_out)
{
    const fault *how = ctx;

    (void)module;
    (void)in;
    (void)n_out;
    if (*how == LEAVES_NULL) {
        out[0] = NULL;
    }
    if (*how == OPERATOR_FAILS) {
        dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3)));
    }
    return *how == FAILS            ? dnn_fail(DNN_E_IO, "the disk is full")
           : *how == FAILS_SILENTLY ? DNN_E_DEVICE
                                    : DNN_OK;
}

static dnn_status drop_input(void *ctx, dnn_module *module, dnn_tensor **in, int64_t n_in)
{
    (void)ctx;
    (void)module;
    (void)n_in;
    in[0] = NULL;
    return DNN_OK;
}

Test(forward, a_hook_that_fails_fails_the_call)
{
    static const struct {
        fault mode;
        dnn_status status;
        const char *text;
    } how[] = {{FAILS, DNN_E_IO, "Sequential.0 (ReLU): forward hook: the disk is full"},
               {FAILS_SILENTLY, DNN_E_DEVICE,
                "Sequential.0 (ReLU): forward hook: it failed with DNN_E_DEVICE"},
               {LEAVES_NULL, DNN_E_INVALID, "Sequential.0 (ReLU): forward hook: output is NULL"},
               {OPERATOR_FAILS, DNN_E_INVALID, "Sequential.0 (ReLU): forward hook: add: "}};

    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        dnn_module *relu = dnn_nn_relu(), *net = dnn_nn_sequential(DNN_MODULES(relu));
        fault mode = how[i].mode;
        dnn_status st;

        cr_assert_eq(dnn_module_add_forward_hook(relu, fail_hook, &mode, NULL, NULL), DNN_OK);
        cr_expect_null(dnn_forward(net, x1()));
        st = dnn_take_error();
        cr_expect_eq(st, how[i].status, "%s", dnn_status_name(st));
        cr_expect_not_null(strstr(dnn_error_message(), how[i].text), "%s", dnn_error_message());
        mode = WORKS;
        EXPECT(dnn_forward(net, x1()), DNN_T_F32, S(1), 1);
        cr_assert_eq(dnn_module_add_forward_pre_hook(relu, drop_input, NULL, NULL, NULL), DNN_OK);
        EXPECT_FAIL(dnn_forward(net, x1()), "Sequential.0 (ReLU): forward pre-hook: input is NULL");
    }
}

/* ---- the summary ---- */

Test(forward, the_summary_has_all_outputs_and_the_outputs_of_hooks)
{
    watch w = {.log = ""};
    dnn_module *net = net_of(WORKS), *m = dnn_module_child(net, "cell");
    const char *text;

    text = dnn_module_summary(net, dnn_zeros(S(4, 2)));
    cr_assert_not_null(text, "%s", dnn_error_message());
    cr_expect_not_null(strstr(text, "Cell  [4,2], [4,2]"), "%s", text);
    cr_assert_eq(dnn_module_add_forward_hook(m, negate, &w, NULL, NULL), DNN_OK);
    text = dnn_module_summary(m, x5(), x1());
    cr_assert_not_null(text, "%s", dnn_error_message());
    cr_expect_not_null(strstr(text, "Cell  [1], [1]"), "%s", text);
    cr_expect_str_eq(w.log, "h22:5");
    cr_expect(dnn_module_training(m));
    EXPECT_FAIL(dnn_module_summary(m, x1()), "it takes 2 inputs, not 1");
    EXPECT_FAIL(dnn_module_summary(make(&list_type), x1()), "neither forward nor forward_n");
    text = dnn_module_summary(net, NULL);
    cr_expect_null(strstr(text, "["), "%s", text);
    cr_expect_str_eq(dnn_module_format(make(&list_type)), "List()");
    w.log[0] = 0;
    cr_assert_not_null(dnn_forward(net, x1()));
    cr_expect_str_eq(w.log, "h22:1", "the summary's hooks are gone, the program's is there");
}
