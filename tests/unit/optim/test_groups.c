/* test_groups.c - tests parameter groups and settings: SGD with two groups against a loop in double
 * precision, the number of kernel calls, dnn_optim_set and dnn_optim_get, and their refusals. */
#include "unit.h"

TestSuite(groups, .init = unit_init, .fini = unit_fini, .timeout = 60);

static void set_grad(dnn_tensor *p, double g)
{
    cr_assert_eq(dnn_set_grad(p, dnn_full(dnn_shape_of(p), g, .dtype = dnn_dtype_of(p))), DNN_OK,
                 "%s", dnn_error_message());
}

static void step(dnn_optimizer *optimizer)
{
    cr_assert_eq(dnn_step(optimizer), DNN_OK, "%s", dnn_error_message());
}

static void set(dnn_optimizer *optimizer, int64_t group, const char *name, double value)
{
    cr_assert_eq(dnn_optim_set(optimizer, group, name, value), DNN_OK, "%s", dnn_error_message());
}

static int64_t add(dnn_optimizer *optimizer, dnn_tensor_list parameters)
{
    int64_t group = -7;

    cr_assert_eq(dnn_optim_add_group(optimizer, parameters, &group), DNN_OK, "%s",
                 dnn_error_message());
    return group;
}

/* The number of kernels that a step runs. */
static int64_t kernels_of_step(dnn_optimizer *optimizer)
{
    dnn_counters before, after;

    dnn_get_counters(&before);
    step(optimizer);
    dnn_get_counters(&after);
    return after.calls - before.calls;
}

/* ---- numbers ---- */

struct settings {
    double lr, momentum, dampening, weight_decay, nesterov, maximize;
};

struct number {
    double p, b;
    int n;
};

static void by_hand(struct number *x, double g, struct settings s)
{
    g = (s.maximize != 0 ? -g : g) + s.weight_decay * x->p;
    if (s.momentum != 0) {
        x->b = x->n++ == 0 ? g : s.momentum * x->b + (1 - s.dampening) * g;
        g = s.nesterov != 0 ? g + s.momentum * x->b : x->b;
    }
    x->p -= s.lr * g;
}

/* Three groups. The settings of one change while it trains. */
Test(groups, each_has_its_own_settings)
{
    struct settings want[3] = {{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01},
                               {.lr = 0.5, .momentum = 0.9, .weight_decay = 0.3},
                               {.lr = 0.1, .momentum = 0.5, .nesterov = 1}};
    struct number x[3] = {{.p = 1}, {.p = -2}, {.p = 3}};
    dnn_tensor *p[3] = {LEAF(S(2), 1, 1), LEAF(S(1), -2), LEAF(S(2, 1), 3, 3)};
    dnn_optimizer *optimizer =
        dnn_optim_sgd(DNN_TENSORS(p[0]), 0.1, .momentum = 0.9, .weight_decay = 0.01);

    cr_assert_eq(add(optimizer, DNN_TENSORS(p[1])), 1);
    cr_assert_eq(add(optimizer, DNN_TENSORS(p[2])), 2);
    set(optimizer, 1, "lr", 0.5);
    set(optimizer, 1, "weight_decay", 0.3);
    set(optimizer, 2, "weight_decay", 0);
    set(optimizer, 2, "momentum", 0.5);
    set(optimizer, 2, "nesterov", 1);
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k < 3; k++) {
            double g = cos(i + 2 * k);

            set_grad(p[k], g);
            by_hand(&x[k], g, want[k]);
        }
        step(optimizer);
        EXPECT(dnn_detach(p[0]), DNN_T_F64, S(2), x[0].p, x[0].p);
        EXPECT(dnn_detach(p[1]), DNN_T_F64, S(1), x[1].p);
        EXPECT(dnn_detach(p[2]), DNN_T_F64, S(2, 1), x[2].p, x[2].p);
        if (i == 3) {
            set(optimizer, 1, "lr", want[1].lr = 0.05);
            set(optimizer, 1, "momentum", want[1].momentum = 0.3);
        }
        if (i == 5) {
            set(optimizer, DNN_ALL_GROUPS, "lr", want[0].lr = want[1].lr = want[2].lr = 0.02);
        }
    }
}

Test(groups, a_group_may_come_after_steps)
{
    dnn_tensor *p = LEAF(S(1), 1), *q = LEAF(S(1), 1);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p), 0.5, .momentum = 0.5);

    set_grad(p, 1);
    step(optimizer);
    add(optimizer, DNN_TENSORS(q));
    set_grad(q, 1);
    step(optimizer); /* the second of p, the first of q */
    EXPECT(dnn_detach(p), DNN_T_F64, S(1), 1 - 0.5 - 0.5 * 1.5);
    EXPECT(dnn_detach(q), DNN_T_F64, S(1), 0.5);
    EXPECT(dnn_optim_state(optimizer, 0, "momentum_buffer"), DNN_T_F64, S(1), 1.5);
    EXPECT(dnn_optim_state(optimizer, 1, "momentum_buffer"), DNN_T_F64, S(1), 1);
    cr_expect_eq(dnn_optim_parameter_steps(optimizer, 0), 2);
    cr_expect_eq(dnn_optim_parameter_steps(optimizer, 1), 1);
    cr_expect_eq(dnn_optim_parameter(optimizer, 1), q);
}

Test(groups, one_kernel_call_for_each_group_and_dtype)
{
    dnn_tensor *p[6];
    dnn_optimizer *optimizer;

    for (int i = 0; i < 6; i++) {
        p[i] = i % 3 == 2 ? dnn_requires_grad_(F32(S(2), 1, 2), true) : LEAF(S(2), 1, 2);
        set_grad(p[i], 1);
    }
    optimizer = dnn_optim_sgd(DNN_TENSORS(p[0], p[1]), 0.1, .momentum = 0.9);
    cr_expect_eq(kernels_of_step(optimizer), 1);
    cr_expect_eq(kernels_of_step(optimizer), 1);
    set(optimizer, add(optimizer, DNN_TENSORS(p[2], p[3], p[4], p[5])), "lr", 0.2);
    cr_expect_eq(kernels_of_step(optimizer), 3); /* group 1 has f32 and f64 */
    cr_expect_eq(kernels_of_step(optimizer), 3);
}

Test(groups, groups_with_equal_settings_share_kernel_calls)
{
    dnn_tensor *p[5];
    dnn_optimizer *optimizer;

    for (int i = 0; i < 5; i++) {
        p[i] = LEAF(S(1), 1);
        set_grad(p[i], 1);
    }
    optimizer = dnn_optim_sgd(DNN_TENSORS(p[0]), 0.5);
    for (int i = 1; i < 5; i++) {
        add(optimizer, DNN_TENSORS(p[i]));
    }
    cr_expect_eq(kernels_of_step(optimizer), 1);
    set(optimizer, 1, "lr", 0.25);
    set(optimizer, 3, "lr", 0.25);
    cr_expect_eq(kernels_of_step(optimizer), 2);
    set(optimizer, 0, "weight_decay", 1); /* group 2 is now the first with the old settings */
    cr_expect_eq(kernels_of_step(optimizer), 3);
    EXPECT(dnn_detach(p[0]), DNN_T_F64, S(1), -0.5); /* 1, 0.5, 0, -0.5 */
    EXPECT(dnn_detach(p[1]), DNN_T_F64, S(1), 0);
    EXPECT(dnn_detach(p[2]), DNN_T_F64, S(1), -0.5);
    EXPECT(dnn_detach(p[3]), DNN_T_F64, S(1), 0);
    EXPECT(dnn_detach(p[4]), DNN_T_F64, S(1), -0.5);
    set(optimizer, DNN_ALL_GROUPS, "lr", 0);
    set(optimizer, DNN_ALL_GROUPS, "weight_decay", 0);
    cr_expect_eq(kernels_of_step(optimizer), 1);
}

/* ---- calls ---- */

Test(groups, a_group_starts_with_the_settings_of_group_0)
{
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(LEAF(S(1), 1), LEAF(S(1), 1)), 0.1,
                                             .momentum = 0.9, .dampening = -2, .maximize = true);

    set(optimizer, 0, "lr", 0.25);
    add(optimizer, DNN_TENSORS(LEAF(S(1), 1)));
    cr_expect_eq(dnn_optim_get(optimizer, 1, "lr"), 0.25);
    cr_expect_eq(dnn_optim_get(optimizer, 1, "momentum"), 0.9);
    cr_expect_eq(dnn_optim_get(optimizer, 1, "dampening"), -2);
    cr_expect_eq(dnn_optim_get(optimizer, 1, "nesterov"), 0);
    cr_expect_eq(dnn_optim_get(optimizer, 1, "maximize"), 1);
    cr_expect_eq(dnn_optim_group_count(optimizer), 2);
    cr_expect_eq(dnn_optim_group_of(optimizer, 1), 0);
    cr_expect_eq(dnn_optim_group_of(optimizer, 2), 1);
    cr_expect_eq(dnn_optim_parameter_count(optimizer), 3);
    cr_assert_eq(dnn_optim_add_group(optimizer, DNN_TENSORS(LEAF(S(1), 1)), NULL), DNN_OK);
    cr_expect_eq(dnn_optim_group_count(optimizer), 3);
    cr_expect_eq(dnn_optim_parameter_count(NULL), 0);
    cr_expect_eq(dnn_optim_group_count(NULL), 0);
    cr_expect_eq(dnn_optim_group_of(optimizer, 9), 0);
    cr_expect_eq(dnn_optim_parameter_steps(optimizer, 9), 0);
}

Test(groups, a_wrong_group_is_refused)
{
    dnn_tensor *p = LEAF(S(2), 1, 2), *q = LEAF(S(1), 1);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(p), 0.1);
    dnn_tensor_list none = {.n = 0};
    int64_t group = -7;

    EXPECT_STATUS_FAIL(dnn_optim_add_group(NULL, DNN_TENSORS(q), &group), "optimizer is NULL");
    EXPECT_STATUS_FAIL(dnn_optim_add_group(optimizer, none, &group), "sgd", "empty");
    EXPECT_STATUS_FAIL(dnn_optim_add_group(optimizer, DNN_TENSORS(q, NULL), &group), "NULL");
    EXPECT_STATUS_FAIL(dnn_optim_add_group(optimizer, DNN_TENSORS(dnn_square(q)), &group), "leaf");
    EXPECT_STATUS_FAIL(dnn_optim_add_group(optimizer, DNN_TENSORS(q, p), &group), "parameter 2 [2]",
                       "parameter 0 again");
    EXPECT_STATUS_FAIL(dnn_optim_add_group(optimizer, DNN_TENSORS(q, q), &group), "parameter 2 [1]",
                       "parameter 1 again");
    cr_expect_eq(group, -7);
    cr_expect_eq(dnn_optim_group_count(optimizer), 1);
    cr_expect_eq(dnn_optim_parameter_count(optimizer), 1);
    set_grad(p, 1);
    step(optimizer);
    EXPECT(dnn_detach(p), DNN_T_F64, S(2), 0.9, 1.9);
}

Test(groups, a_wrong_setting_is_refused_and_changes_nothing)
{
    static const char all[] = "lr, momentum, dampening, weight_decay, nesterov, maximize";
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(LEAF(S(1), 1)), 0.1, .momentum = 0.9);

    add(optimizer, DNN_TENSORS(LEAF(S(1), 1)));
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 0, "learning_rate", 1), "sgd has no setting",
                       "\"learning_rate\"", all);
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 0, NULL, 1), "name is NULL");
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 2, "lr", 1), "group 2", "has 2");
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, -2, "lr", 1), "group -2");
    EXPECT_STATUS_FAIL(dnn_optim_set(NULL, 0, "lr", 1), "optimizer is NULL");
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 1, "lr", -1), "lr is -1", ">= 0");
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 1, "lr", (double)INFINITY), "lr is inf", "finite");
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 1, "lr", (double)NAN), "lr is nan");
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 1, "dampening", -(double)INFINITY),
                       "dampening is -inf", "a finite number");
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 1, "nesterov", 0.5), "nesterov is 0.5", "0 or 1");
    set(optimizer, 1, "momentum", 0);
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, DNN_ALL_GROUPS, "nesterov", 1), "sgd",
                       "nesterov needs momentum"); /* of group 1: group 0 keeps its own */
    cr_expect_eq(dnn_optim_get(optimizer, 0, "nesterov"), 0);
    set(optimizer, 0, "nesterov", 1);
    EXPECT_STATUS_FAIL(dnn_optim_set(optimizer, 0, "momentum", 0), "nesterov needs momentum");
    cr_expect_eq(dnn_optim_get(optimizer, 0, "momentum"), 0.9);
    cr_expect_eq(dnn_optim_get(optimizer, 1, "lr"), 0.1);

#define GET_FAILS(o, group, name, ...)                     \
    cr_expect(isnan(dnn_optim_get((o), (group), (name)))); \
    EXPECT_STATUS_FAIL(dnn_take_error(), __VA_ARGS__)
    GET_FAILS(optimizer, 0, "learning_rate", "dnn_optim_get", "sgd", all);
    GET_FAILS(optimizer, 2, "lr", "group 2", "has 2");
    GET_FAILS(optimizer, DNN_ALL_GROUPS, "lr", "DNN_ALL_GROUPS is not one group");
    GET_FAILS(optimizer, 0, NULL, "name is NULL");
    GET_FAILS(NULL, 0, "lr", "optimizer is NULL");
}

/* ---- many parameters ---- */

Test(groups, a_hundred_thousand_parameters_are_checked_in_one_pass)
{
    enum { MANY = 100 * 1000 };
    dnn_tensor **p = malloc(MANY * sizeof *p);
    dnn_optimizer *optimizer;

    for (int i = 0; i < MANY; i++) {
        p[i] = dnn_empty(S(1), .requires_grad = true);
    }
    optimizer = dnn_optim_sgd(((dnn_tensor_list){.n = MANY - 1, .item = p}), 0.1);
    cr_assert_not_null(optimizer, "%s", dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_optim_add_group(optimizer, DNN_TENSORS(p[MANY - 1], p[MANY - 2]), NULL),
                       "is parameter 99,998 again");
    free(p);
}
