/* test_names.c - tests the names of parameters in messages of optimizers and of gradient functions,
 * and the warning of a step that finds no gradient. */
#include "unit.h"

TestSuite(names, .init = unit_init, .fini = unit_fini, .timeout = 60);

/* fc1: Linear 2 -> 3, act, fc2: Linear 3 -> 1 */
static dnn_module *named_net(void)
{
    static const dnn_module_type type = {
        .size = sizeof(dnn_module_type), .name = "Net", .bytes = sizeof(dnn_module)};
    dnn_module *net = dnn_module_new(&type);

    dnn_module_add(net, "fc1", dnn_nn_linear(2, 3));
    dnn_module_add(net, "fc2", dnn_nn_linear(3, 1));
    return net;
}

Test(names, dnn_parameters_names_them)
{
    static const char *const want[] = {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"};
    dnn_module *net = named_net();
    dnn_tensor_list list = dnn_parameters(net), own = dnn_parameters(dnn_nn_identity());

    cr_assert_eq(list.n, 4);
    for (int i = 0; i < 4; i++) {
        cr_expect_str_eq(list.name[i], want[i]);
        cr_expect_eq(dnn_module_tensor(net, list.name[i]), list.item[i]);
    }
    cr_expect_eq(own.n, 0);
    cr_expect_null(DNN_TENSORS(list.item[0]).name);
}

Test(names, a_shared_parameter_has_the_name_of_its_first_place)
{
    dnn_module *net = named_net();
    dnn_tensor *w = dnn_module_tensor(net, "fc1.weight");
    dnn_tensor_list list;

    dnn_module_add_parameter(dnn_module_child(net, "fc2"), "tied", w);
    list = dnn_parameters(net);
    cr_assert_eq(list.n, 4);
    cr_expect_str_eq(list.name[0], "fc1.weight");
    cr_expect_str_eq(list.name[3], "fc2.bias");
    cr_expect_eq(dnn_module_parameter_count(net), 6 + 3 + 3 + 1);
}

Test(names, an_optimizer_copies_them)
{
    dnn_module *net = named_net();
    dnn_optimizer *sgd;
    dnn_tensor *other = LEAF(S(2), 1, 2);

    {
        DNN_SCOPE(); /* the list leaves with it */
        sgd = dnn_optim_sgd(dnn_parameters(net), 0.1);
        dnn_keep(sgd);
    }
    cr_expect_str_eq(dnn_optim_parameter_name(sgd, 2), "fc2.weight");
    cr_assert_eq(dnn_optim_add_group(sgd, DNN_TENSORS(other), NULL), DNN_OK);
    cr_expect_null(dnn_optim_parameter_name(sgd, 4));
    cr_expect_str_eq(dnn_optim_parameter_name(sgd, 3), "fc2.bias");
    EXPECT_FAIL(dnn_optim_parameter_name(sgd, 5), "parameter 5", "has 5");
    EXPECT_FAIL(dnn_optim_parameter_name(NULL, 0), "optimizer is NULL");
    EXPECT_STATUS_FAIL(dnn_optim_add_group(sgd, dnn_parameters(net), NULL),
                       "parameter fc1.weight [3,2] is parameter fc1.weight again");
    EXPECT_STATUS_FAIL(dnn_optim_add_group(sgd, DNN_TENSORS(other), NULL),
                       "parameter 5 [2] is parameter 4 again");
}

Test(names, messages_of_an_optimizer_name_the_parameter)
{
    dnn_module *net = named_net();
    dnn_tensor_list list = dnn_parameters(net);
    dnn_tensor *item[] = {list.item[0], NULL, list.item[2], list.item[3]};
    dnn_optimizer *sgd = dnn_optim_sgd(dnn_parameters(net), 0.1, .momentum = 0.9);

    list.item = item;
    EXPECT_FAIL(dnn_optim_sgd(list, 0.1), "sgd: parameter fc1.bias of 4 is NULL");
    item[1] = dnn_square(item[0]);
    EXPECT_FAIL(dnn_optim_sgd(list, 0.1), "sgd: parameter fc1.bias [3,2] is not a floating leaf");
    unit_backward(dnn_sum(dnn_forward(dnn_module_child(net, "fc1"), dnn_ones(S(1, 2)))));
    cr_assert_eq(dnn_step(sgd), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_module_to(net, .dtype = DNN_T_F64), DNN_OK);
    EXPECT_STATUS_FAIL(dnn_step(sgd), "sgd: parameter fc1.weight is f64 [3,2] on cpu",
                       "its momentum_buffer f32 [3,2] on cpu");
}

Test(names, grad_of_names_its_inputs)
{
    dnn_module *net = named_net();
    dnn_tensor *loss = dnn_sum(dnn_forward(dnn_module_child(net, "fc1"), dnn_ones(S(1, 2))));
    dnn_tensor *grad[4];
    dnn_tensor_list list = dnn_parameters(net);

    EXPECT_STATUS_FAIL(dnn_grad_of(loss, list, grad), "does not depend on input fc2.weight [1,3]");
    cr_assert_not_null(dnn_requires_grad_(list.item[3], false));
    EXPECT_STATUS_FAIL(dnn_grad_of(loss, list, grad), "input fc2.bias [1] is not on the tape");
}

static dnn_status change_input(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    (void)call;
    out[0] = dnn_clone(in[0]);
    dnn_zero_(in[1]);
    return DNN_OK;
}

Test(names, a_custom_function_names_its_inputs)
{
    static const dnn_function changes = {.name = "changes", .forward = change_input};
    dnn_module *net = named_net();
    dnn_tensor_list list = dnn_parameters(net);
    dnn_tensor *item[] = {list.item[0], NULL, list.item[2], list.item[3]};

    EXPECT_FAIL(dnn_apply(&changes, NULL, list), "changed input fc1.bias in place");
    list.item = item;
    EXPECT_FAIL(dnn_apply(&changes, NULL, list), "changes: input fc1.bias is NULL");
}

/* ---- a step without a gradient ---- */

static char logged[1000];
static int warnings;

static void keep_log(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    if (level >= DNN_LOG_WARN) {
        snprintf(logged, sizeof logged, "%s", text);
        warnings++;
    }
}

Test(names, a_step_without_any_gradient_warns_once)
{
    dnn_module *net = named_net();
    dnn_optimizer *sgd = dnn_optim_sgd(dnn_parameters(net), 0.1),
                  *other = dnn_optim_sgd(DNN_TENSORS(LEAF(S(1), 1)), 0.1);

    dnn_set_log(keep_log, NULL);
    cr_assert_eq(dnn_step(sgd), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_step(sgd), DNN_OK);
    cr_expect_eq(warnings, 1);
    cr_expect_not_null(strstr(logged, "sgd: no gradient: backward has not reached any of its 4 "
                                      "parameters (first: fc1.weight)"),
                       "%s", logged);
    cr_assert_eq(dnn_step(other), DNN_OK);
    cr_expect_eq(warnings, 2);
    cr_expect_not_null(strstr(logged, "any of its 1 parameters (first: 0)"), "%s", logged);
    dnn_set_log(NULL, NULL);
}

Test(names, a_step_with_one_gradient_does_not_warn)
{
    dnn_module *net = named_net();
    dnn_optimizer *sgd = dnn_optim_sgd(dnn_parameters(net), 0.1);

    dnn_set_log(keep_log, NULL);
    unit_backward(dnn_sum(dnn_module_tensor(net, "fc2.bias")));
    cr_assert_eq(dnn_step(sgd), DNN_OK);
    cr_expect_eq(warnings, 0);
    dnn_set_log(NULL, NULL);
}

/* ---- many parameters ---- */

Test(names, a_hundred_thousand_parameters_are_listed_in_one_pass)
{
    enum { BRANCH = 300 };
    static const dnn_module_type type = {
        .size = sizeof(dnn_module_type), .name = "Wide", .bytes = sizeof(dnn_module)};
    dnn_module *net = dnn_module_new(&type);
    dnn_tensor_list list;
    dnn_tensor *loss = NULL, **grad;
    char name[16];

    for (int i = 0; i < BRANCH; i++) {
        dnn_module *child = dnn_module_new(&type);

        snprintf(name, sizeof name, "b%d", i);
        dnn_module_add(net, name, child);
        for (int k = 0; k < BRANCH; k++) {
            snprintf(name, sizeof name, "p%d", k);
            dnn_module_add_parameter(child, name, dnn_empty(S(1)));
        }
    }
    list = dnn_parameters(net);
    cr_assert_eq(list.n, BRANCH * BRANCH);
    cr_expect_str_eq(list.name[list.n - 1], "b299.p299");
    cr_expect_eq(dnn_module_parameter_count(net), BRANCH * BRANCH);
    grad = malloc((size_t)list.n * sizeof *grad);
    loss = dnn_sum(list.item[7]);
    cr_expect_eq(dnn_grad_of(loss, list, grad, .allow_unused = true), DNN_OK);
    cr_expect_not_null(grad[7]);
    cr_expect_null(grad[8]);
    free(grad);
}
