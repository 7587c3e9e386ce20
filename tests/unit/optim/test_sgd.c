/* test_sgd.c - tests SGD against its formula, worked out by hand, and its refusals. */
#include "unit.h"

TestSuite(sgd, .init = unit_init, .fini = unit_fini, .timeout = 60);

/* One step of p from the gradient g. */
static void step(dnn_optimizer *optimizer, dnn_tensor *p, double g)
{
    cr_assert_eq(dnn_set_grad(p, dnn_full(dnn_shape_of(p), g, .dtype = dnn_dtype_of(p))), DNN_OK,
                 "%s", dnn_error_message());
    cr_assert_eq(dnn_step(optimizer), DNN_OK, "%s", dnn_error_message());
}

/* The formula of optim.h for one number. */
static double by_hand(double p, const double *g, int n, dnn_optim_sgd_args a)
{
    double b = 0;

    for (int i = 0; i < n; i++) {
        double d = (a.maximize ? -g[i] : g[i]) + a.weight_decay * p;

        if (a.momentum > 0) {
            b = i == 0 ? d : a.momentum * b + (1 - a.dampening) * d;
            d = a.nesterov ? d + a.momentum * b : b;
        }
        p -= a.lr * d;
    }
    return p;
}

Test(sgd, steps_follow_the_formula)
{
    static const double g[] = {0.5, -2, 3, 0.25};
    const dnn_optim_sgd_args all[] = {
        {.lr = 0.1},
        {.lr = 0.1, .momentum = 0.9},
        {.lr = 0.1, .momentum = 0.9, .dampening = 0.3},
        {.lr = 0.1, .momentum = 0.9, .nesterov = true},
        {.lr = 0.1, .weight_decay = 0.01},
        {.lr = 0.1, .momentum = 0.5, .weight_decay = 0.2, .nesterov = true},
        {.lr = 0.1, .momentum = 0.5, .maximize = true}};

    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        dnn_tensor *p = LEAF(S(3), 1, 1, 1);
        dnn_optim_sgd_args a = all[k];
        dnn_optimizer *optimizer;
        double want = by_hand(1, g, 4, a);

        a.parameters = DNN_TENSORS(p);
        optimizer = dnn_optim_sgd_with(a);
        cr_assert_not_null(optimizer, "%s", dnn_error_message());
        for (int i = 0; i < 4; i++) {
            step(optimizer, p, g[i]);
        }
        EXPECT(p, DNN_T_F64, S(3), want, want, want);
        cr_expect_eq(dnn_optim_steps(optimizer), 4);
        dnn_release(optimizer);
    }
}

/* Two steps worked out on paper from p = 1, lr = 0.5 and the gradients 2, then 4. */
Test(sgd, two_steps_are_those_worked_out_on_paper)
{
    static const struct {
        dnn_optim_sgd_args args;
        double first, second;
    } row[] = {
        {{.lr = 0.5}, 0, -2},
        {{.lr = 0.5, .momentum = 0.5}, 0, -2.5},
        {{.lr = 0.5, .momentum = 0.5, .dampening = 0.25}, 0, -2},
        {{.lr = 0.5, .momentum = 0.5, .nesterov = true}, -0.5, -3.75},
        {{.lr = 0.5, .weight_decay = 0.5}, -0.25, -2.1875},
        {{.lr = 0.5, .maximize = true}, 2, 4},
        {{.lr = 0.5, .weight_decay = 0.5, .maximize = true}, 1.75, 3.3125},
    };

    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        dnn_tensor *p = LEAF(S(2), 1, 1);
        dnn_optim_sgd_args a = row[k].args;
        dnn_optimizer *optimizer;

        a.parameters = DNN_TENSORS(p);
        optimizer = dnn_optim_sgd_with(a);
        cr_assert_not_null(optimizer, "row %zu: %s", k, dnn_error_message());
        step(optimizer, p, 2);
        EXPECT(p, DNN_T_F64, S(2), row[k].first, row[k].first);
        step(optimizer, p, 4);
        EXPECT(p, DNN_T_F64, S(2), row[k].second, row[k].second);
        cr_expect_eq(dnn_optim_state(optimizer, 0, "momentum_buffer") != NULL, a.momentum > 0,
                     "row %zu", k);
        dnn_release(optimizer);
    }
}

Test(sgd, parameters_without_a_gradient_are_passed_over)
{
    dnn_tensor *p = LEAF(S(2), 1, 2), *q = LEAF(S(2), 3, 4);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p, q), 0.5, .momentum = 0.5);

    step(optimizer, q, 1);
    EXPECT(p, DNN_T_F64, S(2), 1, 2);
    EXPECT(q, DNN_T_F64, S(2), 2.5, 3.5);
    cr_expect_null(dnn_optim_state(optimizer, 0, "momentum_buffer"));
    EXPECT(dnn_optim_state(optimizer, 1, "momentum_buffer"), DNN_T_F64, S(2), 1, 1);
    EXPECT_FAIL(dnn_optim_state(optimizer, 1, "exp_avg"), "sgd", "exp_avg", "momentum_buffer");
    EXPECT_FAIL(dnn_optim_state(optimizer, 2, "momentum_buffer"), "parameter 2", "sgd", "has 2");
    cr_assert_eq(dnn_zero_grad(optimizer), DNN_OK);
    cr_expect_null(dnn_grad(q));
    step(optimizer, p, 2); /* its first step, while q's would have been the second */
    EXPECT(p, DNN_T_F64, S(2), 0, 1);
    EXPECT(q, DNN_T_F64, S(2), 2.5, 3.5);
    dnn_release(optimizer);
}

Test(sgd, dtypes_and_strides_may_differ)
{
    dnn_tensor *p = LEAF(S(2), 1, 2), *q = dnn_requires_grad_(F32(S(2), 1, 2), true);
    dnn_tensor *w =
        dnn_requires_grad_(dnn_detach(dnn_transpose(F64(S(2, 3), 1, 2, 3, 4, 5, 6), 0, 1)), true);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p, q, w), 1, .momentum = 0.9);

    cr_assert(!dnn_is_contiguous(w), "the transposed leaf is what this is about");
    cr_assert_eq(dnn_set_grad(p, F64(S(2), 1, 1)), DNN_OK);
    cr_assert_eq(dnn_set_grad(q, F32(S(2), 2, 2)), DNN_OK);
    cr_assert_eq(dnn_set_grad(w, F64(S(3, 2), 1, 2, 3, 4, 5, 6)), DNN_OK, "%s",
                 dnn_error_message());
    cr_assert_eq(dnn_step(optimizer), DNN_OK, "%s", dnn_error_message());
    EXPECT(p, DNN_T_F64, S(2), 0, 1);
    EXPECT(q, DNN_T_F32, S(2), -1, 0);
    EXPECT(w, DNN_T_F64, S(3, 2), 0, 2, -1, 1, -2, 0);
    dnn_release(optimizer);
}

Test(sgd, the_learning_rate_may_change)
{
    dnn_tensor *p = LEAF(S(1), 1);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p), 0.5);

    step(optimizer, p, 1);
    cr_assert_eq(dnn_optim_set(optimizer, DNN_ALL_GROUPS, "lr", 0.25), DNN_OK);
    cr_expect_eq(dnn_optim_get(optimizer, 0, "lr"), 0.25);
    step(optimizer, p, 1);
    EXPECT(p, DNN_T_F64, S(1), 0.25);
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, DNN_ALL_GROUPS, "lr", -1), "lr", "-1");
    dnn_release(optimizer);
}

Test(sgd, a_graph_from_before_the_step_is_refused)
{
    dnn_tensor *p = LEAF(S(2), 1, 2), *y = dnn_sum(dnn_mul(p, p));
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p), 0.5);

    step(optimizer, p, 1);
    EXPECT_STATUS_FAIL(dnn_backward(y), "mul", "in place");
    dnn_release(optimizer);
}

Test(sgd, a_failed_backward_leaves_the_next_step_nothing_to_do)
{
    dnn_tensor *p = LEAF(S(2), 1, 2), *y = dnn_square(p);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p), 0.5, .momentum = 0.5);

    EXPECT_STATUS_FAIL(dnn_backward(y), "[2]", "seed");
    cr_assert_eq(dnn_step(optimizer), DNN_OK, "%s", dnn_error_message());
    EXPECT(p, DNN_T_F64, S(2), 1, 2);
    cr_expect_null(dnn_optim_state(optimizer, 0, "momentum_buffer"));
    unit_backward(dnn_square(p)); /* the optimizer goes on as if nothing had been */
    cr_assert_eq(dnn_step(optimizer), DNN_OK, "%s", dnn_error_message());
    EXPECT(p, DNN_T_F64, S(2), 0, 0);
    dnn_release(optimizer);
}

Test(sgd, an_error_that_waits_is_the_steps_error)
{
    dnn_tensor *p = LEAF(S(2), 1, 2);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p), 0.5);

    cr_assert_eq(dnn_set_grad(p, F64(S(2), 1, 1)), DNN_OK);
    cr_assert_null(dnn_add(p, F64(S(3), 1, 2, 3)));
    EXPECT_STATUS_FAIL(dnn_step(optimizer), "add", "[2]", "[3]");
    EXPECT(p, DNN_T_F64, S(2), 1, 2);
    cr_expect_eq(dnn_optim_steps(optimizer), 0);
    dnn_release(optimizer);
}

Test(sgd, a_parameter_that_was_frozen_is_passed_over)
{
    dnn_tensor *p = LEAF(S(1), 1), *q = LEAF(S(1), 2);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p, q), 0.5);

    cr_assert_not_null(dnn_requires_grad_(p, false));
    step(optimizer, q, 1);
    cr_assert_eq(dnn_zero_grad(optimizer), DNN_OK, "%s", dnn_error_message());
    cr_expect_null(dnn_grad(q));
    EXPECT(p, DNN_T_F64, S(1), 1);
    EXPECT(q, DNN_T_F64, S(1), 1.5);
    dnn_release(optimizer);
}

Test(sgd, bad_arguments_are_refused)
{
    dnn_tensor *p = LEAF(S(2), 1, 2);
    dnn_tensor_list none = {.n = 0};

    EXPECT_FAIL(dnn_optim_sgd(none, 0.1), "sgd");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(p, NULL), 0.1), "sgd", "1", "NULL");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(dnn_ones(S(2), .dtype = DNN_T_I64)), 0.1), "sgd", "leaf");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(dnn_square(p)), 0.1), "sgd", "parameter 0", "leaf");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(p, p), 0.1), "parameter 1", "parameter 0 again");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(p), (double)NAN), "lr", "nan");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(p), 0.1, .weight_decay = -0.5), "weight_decay", "-0.5");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(p), -0.1), "lr", "-0.1");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(p), 0.1, .momentum = -1), "momentum", "-1");
    EXPECT_FAIL(dnn_optim_sgd(DNN_TENSORS(p), 0.1, .nesterov = true), "nesterov", "momentum");
    EXPECT_FAIL(
        dnn_optim_sgd(DNN_TENSORS(p), 0.1, .momentum = 0.9, .dampening = 0.1, .nesterov = true),
        "nesterov", "dampening");
    EXPECT_STATUS_FAIL(dnn_step(NULL), "NULL");
    EXPECT_STATUS_FAIL(dnn_zero_grad(NULL), "NULL");
    dnn_release(NULL);
}

Test(sgd, a_frozen_parameter_is_passed_over)
{
    dnn_tensor *frozen = F64(S(2), 1, 2), *p = LEAF(S(2), 1, 2);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(frozen, p), 0.5, .momentum = 0.9);

    cr_assert_not_null(optimizer, "%s", dnn_error_message());
    cr_assert_eq(dnn_zero_grad(optimizer), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_backward(dnn_sum(dnn_mul(frozen, p))), DNN_OK);
    cr_assert_eq(dnn_step(optimizer), DNN_OK, "%s", dnn_error_message());
    EXPECT(frozen, DNN_T_F64, S(2), 1, 2);
    EXPECT(dnn_detach(p), DNN_T_F64, S(2), 0.5, 1);
    cr_assert_not_null(dnn_requires_grad_(frozen, true));
    cr_assert_eq(dnn_zero_grad(optimizer), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_backward(dnn_sum(frozen)), DNN_OK);
    cr_assert_eq(dnn_step(optimizer), DNN_OK, "%s", dnn_error_message());
    EXPECT(dnn_detach(frozen), DNN_T_F64, S(2), 0.5, 1.5);
}
