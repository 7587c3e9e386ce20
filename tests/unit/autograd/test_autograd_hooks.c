/* test_autograd_hooks.c - tests hooks of leaves and results, retained gradients and dnn_grad_of:
 * order, when a gradient is final, replacement, errors that commit nothing. */
#include "call.h"
#include "unit.h"

TestSuite(autograd_hooks, .init = unit_init, .fini = unit_fini, .timeout = 60);

/* ---- a hook that notes its calls ---- */

static struct {
    char order[64];
    double value[64];
    int n, freed;
} note;

static void begin(void)
{
    memset(&note, 0, sizeof note);
}

typedef struct named { /* context of a hook */
    char name;
    double scale; /* 0: leaves the gradient as it is */
} named;

static dnn_status look(void *ctx, dnn_tensor **grad)
{
    const named *self = ctx;
    double first[16];

    cr_assert_lt(note.n, 63);
    DNN_TRY(dnn_to_list(*grad, first, dnn_numel(*grad)));
    note.order[note.n] = self->name;
    note.value[note.n++] = first[0];
    if (self->scale != 0) {
        *grad = dnn_mul(*grad, self->scale);
    }
    return DNN_OK;
}

static void count_free(void *ctx)
{
    (void)ctx;
    note.freed++;
}

static int64_t add_hook(dnn_tensor *t, dnn_hook_fn fn, void *ctx)
{
    int64_t id = 0;

    cr_assert_eq(dnn_hook_add(t, fn, ctx, NULL, &id), DNN_OK, "%s", dnn_error_message());
    cr_assert_gt(id, 0);
    return id;
}

Test(autograd_hooks, a_leaf_hook_sees_the_sum_of_all_uses_and_not_what_was_there)
{
    dnn_tensor *x = LEAF(S(2), 1, 2);
    named a = {'a', 0}, b = {'b', 10}, c = {'c', 0};

    begin();
    unit_backward(dnn_mul(x, 100));
    add_hook(x, look, &a);
    add_hook(x, look, &b);
    add_hook(x, look, &c);
    unit_backward(dnn_add(dnn_mul(x, 3), dnn_mul(dnn_mul(x, 2), 2)));
    cr_expect_str_eq(note.order, "abc");
    cr_expect_float_eq(note.value[0], 7, 0);
    cr_expect_float_eq(note.value[2], 70, 0);
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 170, 170);
}

Test(autograd_hooks, a_leaf_hook_runs_as_soon_as_the_gradient_is_final)
{
    dnn_tensor *w1 = LEAF(S(1), 2), *w2 = LEAF(S(1), 3), *x = F64(S(1), 5), *h, *y;
    named first = {'1', 0}, second = {'2', 0}, middle = {'h', 0};

    begin();
    h = dnn_mul(x, w1);
    y = dnn_mul(dnn_mul(h, w2), w2);
    add_hook(w1, look, &first);
    add_hook(w2, look, &second);
    add_hook(h, look, &middle);
    unit_backward(y);
    cr_expect_str_eq(note.order, "2h1"); /* w2 before the walk went on to h */
    cr_expect_float_eq(note.value[0], 2 * 5 * 2 * 3, 0);
    cr_expect_float_eq(note.value[1], 9, 0);
    cr_expect_float_eq(note.value[2], 45, 0);
}

Test(autograd_hooks, a_gradient_that_is_final_only_at_the_end_is_seen_all_the_same)
{
    dnn_tensor *x = LEAF(S(1), 2), *other = LEAF(S(1), 2);
    named a = {'a', 0}, b = {'b', 0};

    begin();
    add_hook(x, look, &a);
    add_hook(other, look, &b);
    /* sign hands nothing on: the edge of the square behind it is never passed. */
    unit_backward(dnn_add(dnn_sign(dnn_mul(dnn_square(x), other)), x));
    cr_expect_str_eq(note.order, "a");
    EXPECT(dnn_grad(x), DNN_T_F64, S(1), 1);
    cr_expect_null(dnn_grad(other));
}

Test(autograd_hooks, a_hook_of_a_result_changes_what_goes_on)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *h = dnn_mul(x, 2), *y = dnn_add(h, h);
    named a = {'a', 0.5};

    begin();
    add_hook(h, look, &a);
    unit_backward(y);
    cr_expect_float_eq(note.value[0], 2, 0);
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 2, 2);
}

Test(autograd_hooks, removed_hooks_are_not_called_and_contexts_are_freed)
{
    dnn_tensor *x = LEAF(S(1), 1), *y;
    named a = {'a', 0}, b = {'b', 0};
    int64_t id = 0, second = 0;

    begin();
    {
        DNN_SCOPE();
        y = dnn_mul(x, 2);
        cr_assert_eq(dnn_hook_add(x, look, &a, count_free, &id), DNN_OK);
        cr_assert_gt(id, 0);
        cr_assert_eq(dnn_hook_add(x, look, &b, count_free, &second), DNN_OK);
        cr_assert_gt(second, id);
        cr_assert_eq(dnn_hook_add(y, look, &a, count_free, &second), DNN_OK);
        cr_assert_gt(second, id);
        cr_expect_eq(dnn_hook_remove(x, id), DNN_OK);
        cr_expect_eq(note.freed, 1);
        EXPECT_STATUS_FAIL(dnn_hook_remove(x, id), "no hook", "[1]");
        unit_backward(y);
        cr_expect_str_eq(note.order, "ab");
    }
    cr_expect_eq(note.freed, 2, "the graph went");
    cr_assert_not_null(dnn_requires_grad_(x, false));
    cr_expect_eq(note.freed, 3, "the leaf went");
}

static dnn_status remove_itself(void *ctx, dnn_tensor **grad)
{
    int64_t *id = ctx;

    (void)grad;
    note.n++;
    return dnn_hook_remove((dnn_tensor *)(uintptr_t)id[1], id[0]);
}

Test(autograd_hooks, a_hook_may_remove_itself)
{
    dnn_tensor *x = LEAF(S(1), 1);
    int64_t id[2] = {0, (int64_t)(uintptr_t)x};
    named b = {'b', 0};

    begin();
    id[0] = add_hook(x, remove_itself, id);
    add_hook(x, look, &b);
    unit_backward(dnn_mul(x, 2));
    unit_backward(dnn_mul(x, 2));
    cr_expect_eq(note.n, 3, "%d", note.n);
}

/* ---- errors ---- */

static dnn_status spoil(void *ctx, dnn_tensor **grad)
{
    switch (*(const char *)ctx) {
    case 's':
        return dnn_fail(DNN_E_DEVICE, "rank %d does not answer", 3);
    case 'w':
        *grad = dnn_add(*grad, F64(S(3), 1, 2, 3));
        return DNN_OK;
    case 'n':
        *grad = NULL;
        return DNN_OK;
    case 'd':
        *grad = dnn_to(*grad, .dtype = DNN_T_F32);
        return DNN_OK;
    default:
        return dnn_mul_(*grad, 2) != NULL ? DNN_OK : dnn_take_error();
    }
}

static void expect_spoiled(const char *how, bool of_leaf, const char *a, const char *b)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *z = LEAF(S(2), 3, 4), *y = dnn_mul(x, z);
    dnn_status st;

    unit_backward(dnn_mul(x, 3));
    add_hook(of_leaf ? x : y, spoil, (void *)(uintptr_t)how);
    st = dnn_backward_from(dnn_mul(y, 2), F64(S(2), 1, 1));
    cr_assert_neq(st, DNN_OK, "%s", how);
    cr_expect_not_null(strstr(dnn_error_message(), "hook of"), "%s", dnn_error_message());
    cr_expect_not_null(strstr(dnn_error_message(), a), "%s", dnn_error_message());
    cr_expect_not_null(strstr(dnn_error_message(), b), "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 3, 3);
    cr_expect_null(dnn_grad(z), "%s: a failed backward left a gradient", how);
}

static dnn_status add_again(void *ctx, dnn_tensor **grad)
{
    (void)grad;
    note.n++;
    cr_assert_lt(note.n, 60, "a hook that was added in a hook runs at once");
    return dnn_hook_add(ctx, add_again, ctx, NULL, NULL);
}

Test(autograd_hooks, a_hook_that_a_hook_adds_runs_from_the_next_backward_on)
{
    dnn_tensor *x = dnn_ones(DNN_SHAPE(2), .requires_grad = true);

    begin();
    cr_assert_eq(dnn_hook_add(x, add_again, x, NULL, NULL), DNN_OK);
    cr_assert_eq(dnn_backward(dnn_sum(x)), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(note.n, 1);
    cr_assert_eq(dnn_backward(dnn_sum(x)), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(note.n, 3);
}

Test(autograd_hooks, an_error_of_a_hook_fails_the_backward_and_commits_nothing)
{
    for (int leaf = 0; leaf < 2; leaf++) {
        const char *name = leaf ? "the leaf [2]" : "mul";

        expect_spoiled("s", leaf, name, "rank 3 does not answer");
        expect_spoiled("w", leaf, name, "[3]");
        expect_spoiled("n", leaf, name, "NULL");
        expect_spoiled("d", leaf, "f64", "f32");
        expect_spoiled("in place", leaf, name, "in place");
    }
}

Test(autograd_hooks, hooks_want_a_tensor_on_the_tape)
{
    dnn_tensor *x = F64(S(2), 1, 2);

    begin();
    EXPECT_STATUS_FAIL(dnn_hook_add(x, look, NULL, count_free, NULL), "dnn_hook_add",
                       "not on the tape");
    EXPECT_STATUS_FAIL(dnn_hook_add(NULL, look, NULL, NULL, NULL), "t is NULL");
    EXPECT_STATUS_FAIL(dnn_hook_add(LEAF(S(1), 1), NULL, NULL, count_free, NULL), "fn is NULL");
    EXPECT_STATUS_FAIL(dnn_hook_remove(x, 1), "no hook");
    EXPECT_STATUS_FAIL(dnn_retain_grad(x), "dnn_retain_grad", "not on the tape");
    cr_expect_eq(note.freed, 2);
}

/* ---- a backward inside a backward ---- */

/* A function that computes its middle again in backward, by a backward inside the backward. */
static dnn_status again_forward(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    cr_expect(!dnn_grad_enabled());
    out[0] = dnn_mul(in[0], (dnn_tensor *)call->ctx);
    return dnn_function_save(call, in[0]);
}

static dnn_status again_backward(dnn_function_call *call, dnn_tensor *const *dout, dnn_tensor **din)
{
    dnn_tensor *x = dnn_detach(dnn_function_saved(call, 0)), *y;

    {
        DNN_SCOPE();
        DNN_ENABLE_GRAD();
        y = dnn_mul(dnn_requires_grad_(x, true), (dnn_tensor *)call->ctx);
        DNN_TRY(dnn_backward_from(y, dout[0]));
    }
    din[0] = dnn_grad(x);
    return DNN_OK;
}

Test(autograd_hooks, a_backward_inside_a_backward_has_its_own_sums)
{
    static const dnn_function again = {
        .name = "again", .forward = again_forward, .backward = again_backward, .once = true};
    dnn_tensor *x = LEAF(S(2), 1, 2), *w = LEAF(S(2), 5, 6), *y;
    named seen = {'x', 0};

    begin();
    add_hook(x, look, &seen);
    y = dnn_add(dnn_mul(x, w), dnn_apply(&again, w, DNN_TENSORS(x)));
    unit_backward(y);
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 10, 12);
    EXPECT(dnn_grad(w), DNN_T_F64, S(2), 2, 4);
    cr_expect_str_eq(note.order, "x");
}

/* ---- gradients of results ---- */

Test(autograd_hooks, the_gradient_of_a_result_is_kept_on_demand)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *h = dnn_mul(x, 2), *y = dnn_square(h);

    cr_expect_null(dnn_grad(h));
    cr_assert_eq(dnn_retain_grad(h), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_retain_grad(h), DNN_OK);
    cr_assert_eq(dnn_retain_grad(x), DNN_OK, "a leaf");
    cr_assert_eq(dnn_backward_from(y, dnn_ones_like(y), .retain_graph = true), DNN_OK);
    EXPECT(dnn_grad(h), DNN_T_F64, S(2), 4, 8);
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 8, 16);
    unit_backward(y);
    EXPECT(dnn_grad(h), DNN_T_F64, S(2), 8, 16);
    cr_assert_eq(dnn_set_grad(h, NULL), DNN_OK);
    cr_expect_null(dnn_grad(h));
    cr_expect(!dnn_is_leaf(h));
}

Test(autograd_hooks, a_kept_gradient_follows_a_change_in_place_and_a_hook_does_not)
{
    dnn_tensor *x = LEAF(S(1), 1), *h = dnn_mul(x, 2);
    named old = {'o', 0};

    begin();
    cr_assert_eq(dnn_retain_grad(h), DNN_OK);
    add_hook(h, look, &old);
    cr_assert_not_null(dnn_mul_(h, 5), "%s", dnn_error_message());
    unit_backward(dnn_mul(h, 3));
    EXPECT(dnn_grad(h), DNN_T_F64, S(1), 3);
    cr_expect_float_eq(note.value[0], 15, 0);
    EXPECT(dnn_grad(x), DNN_T_F64, S(1), 30);
    h = dnn_mul(x, 2);
    cr_assert_eq(dnn_retain_grad(h), DNN_OK);
    cr_assert_not_null(dnn_copy_(h, F64(S(1), 1)), "%s", dnn_error_message());
    cr_expect(!dnn_requires_grad(h), "overwritten: it has no history");
}

Test(autograd_hooks, a_result_with_a_kept_gradient_is_no_parameter)
{
    dnn_tensor *h = dnn_mul(LEAF(S(1), 1), 2);

    cr_assert_eq(dnn_retain_grad(h), DNN_OK);
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(h), 0.1), "parameter 0", "leaf");
}

/* ---- grad_of ---- */

Test(autograd_hooks, grad_of_gives_gradients_and_touches_no_leaf)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *w = LEAF(S(2), 5, 6), *h = dnn_mul(x, w), *g[3];
    dnn_tensor *y = dnn_sum(dnn_square(h));

    unit_backward(dnn_mul(x, 3));
    cr_assert_eq(dnn_grad_of(y, DNN_TENSORS(h, x, h), g, .retain_graph = true), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(g[0], DNN_T_F64, S(2), 10, 24);
    EXPECT(g[1], DNN_T_F64, S(2), 50, 144);
    EXPECT(g[2], DNN_T_F64, S(2), 10, 24);
    cr_expect(g[0] != g[2]);
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 3, 3);
    cr_expect_null(dnn_grad(w));
    cr_assert_eq(dnn_grad_of(y, DNN_TENSORS(y), g, .retain_graph = true), DNN_OK);
    EXPECT(g[0], DNN_T_F64, DNN_SCALAR, 1);
    cr_assert_eq(dnn_grad_of(x, DNN_TENSORS(x), g, .seed = F64(S(2), 7, 8)), DNN_OK);
    EXPECT(g[0], DNN_T_F64, S(2), 7, 8);
    cr_assert_eq(dnn_backward(y), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_grad(x), DNN_T_F64, S(2), 53, 147);
}

Test(autograd_hooks, grad_of_runs_only_what_lies_between)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *w = F64(S(2), 5, 6), *h = dnn_mul(x, w), *g = NULL;
    dnn_tensor *y = dnn_sum(dnn_square(h));

    cr_assert_not_null(dnn_fill_(w, 0)); /* the product cannot be passed any more */
    cr_assert_eq(dnn_grad_of(y, DNN_TENSORS(h), &g), DNN_OK, "%s", dnn_error_message());
    EXPECT(g, DNN_T_F64, S(2), 10, 24);
    EXPECT_STATUS_FAIL(dnn_grad_of(y, DNN_TENSORS(h), &g), "has been freed");
    cr_expect_null(g);
    EXPECT_STATUS_FAIL(dnn_grad_of(dnn_sum(h), DNN_TENSORS(x), &g), "mul", "in place");
}

Test(autograd_hooks, grad_of_can_be_differentiated)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 2), *y = dnn_mul(dnn_square(x), x), *g = NULL;

    for (int i = 0; i < 3; i++) { /* 3 x^2, 6 x, 6 */
        cr_assert_eq(dnn_grad_of(y, DNN_TENSORS(x), &g, .create_graph = true), DNN_OK, "%s",
                     dnn_error_message());
        EXPECT(g, DNN_T_F64, DNN_SCALAR, i == 0 ? 12 : i == 1 ? 12 : 6);
        y = g;
    }
}

Test(autograd_hooks, create_graph_records_under_no_grad_too)
{
    dnn_tensor *x = LEAF(DNN_SCALAR, 2), *y = dnn_mul(dnn_square(x), x), *g = NULL;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        cr_assert_eq(dnn_grad_of(y, DNN_TENSORS(x), &g, .create_graph = true), DNN_OK);
        cr_expect(!dnn_grad_enabled());
        cr_expect(dnn_requires_grad(g));
        dnn_keep(g);
    }
    cr_expect(dnn_grad_enabled());
    cr_assert_eq(dnn_grad_of(g, DNN_TENSORS(x), &g), DNN_OK, "%s", dnn_error_message());
    EXPECT(g, DNN_T_F64, DNN_SCALAR, 12);
}

Test(autograd_hooks, grad_of_an_input_that_does_not_count)
{
    dnn_tensor *x = LEAF(S(2), 1, 2), *w = LEAF(S(2), 3, 4), *y = dnn_sum(dnn_square(x)), *g[2];

    EXPECT_STATUS_FAIL(dnn_grad_of(y, DNN_TENSORS(x, w), g), "input 1", "[2]", "allow_unused");
    cr_expect_null(g[0]);
    cr_assert_eq(dnn_grad_of(y, DNN_TENSORS(x, w), g, .allow_unused = true), DNN_OK);
    EXPECT(g[0], DNN_T_F64, S(2), 2, 4);
    cr_expect_null(g[1]);
    cr_assert_eq(dnn_grad_of(dnn_sum(dnn_sign(x)), DNN_TENSORS(x), g), DNN_OK);
    EXPECT(g[0], DNN_T_F64, S(2), 0, 0); /* it counts, and its slope is 0 */
    EXPECT_STATUS_FAIL(dnn_grad_of(y, DNN_TENSORS(F64(S(1), 1)), g), "input 0", "not on the tape");
    EXPECT_STATUS_FAIL(dnn_grad_of(y, DNN_TENSORS(NULL), g), "input 0", "NULL");
    EXPECT_STATUS_FAIL(dnn_grad_of(y, DNN_TENSORS(x), NULL), "grads is NULL");
    EXPECT_STATUS_FAIL(dnn_grad_of(x, DNN_TENSORS(x), g), "grad_of", "seed");
    EXPECT_STATUS_FAIL(dnn_grad_of(NULL, DNN_TENSORS(x), g), "grad_of", "NULL");
}

Test(autograd_hooks, hooks_see_what_grad_of_computes)
{
    dnn_tensor *x = LEAF(S(1), 3), *h = dnn_mul(x, 2), *g[1];
    named a = {'a', 0}, b = {'b', 2};

    begin();
    add_hook(x, look, &a);
    add_hook(h, look, &b);
    cr_assert_eq(dnn_grad_of(dnn_mul(h, 5), DNN_TENSORS(x), g), DNN_OK);
    cr_expect_str_eq(note.order, "ba");
    EXPECT(g[0], DNN_T_F64, S(1), 20);
}

/* A hook that fails after an operator failed: with a text of its own, or without. */
static dnn_status fail_twice(void *ctx, dnn_tensor **grad)
{
    const char *text = ctx;

    (void)grad;
    cr_expect_null(dnn_add(F64(S(2), 1, 2), F64(S(3), 1, 2, 3)));
    return text != NULL ? dnn_fail(DNN_E_DEVICE, "%s", text) : DNN_E_IO;
}

Test(autograd_hooks, the_first_error_of_a_hook_is_returned)
{
    const char *texts[] = {"rank 3 is lost", NULL};

    for (int i = 0; i < 2; i++) {
        dnn_tensor *x = LEAF(S(1), 3);

        add_hook(x, fail_twice, (void *)(uintptr_t)texts[i]);
        EXPECT_STATUS_FAIL(dnn_backward(dnn_sum(x)), "hook of", "do not broadcast");
        cr_expect_eq(dnn_take_error(), DNN_OK, "the error of the operator is pending");
    }
}
