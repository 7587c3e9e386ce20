/* test_load_state.c - tests that a state is loaded into a module: which states fit, which do not,
 * tensors that share memory with the module, and that a failed load changes nothing. */
#include "unit.h"

static void init(void)
{
    unit_init();
    dnn_manual_seed(5);
}

TestSuite(load_state, .init = init, .fini = unit_fini, .timeout = 60);

static dnn_module *small_net(void)
{
    dnn_module *net =
        dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(2, 3), dnn_nn_tanh(), dnn_nn_linear(3, 1)));

    cr_assert_not_null(net, "%s", dnn_error_message());
    return net;
}

/* The states have equal numbers. */
static bool same(dnn_state a, dnn_state b)
{
    bool equal = a.n == b.n;

    for (int64_t i = 0; equal && i < a.n; i++) {
        cr_assert_eq(dnn_allclose(a.item[i].tensor, b.item[i].tensor, 0, 0, &equal), DNN_OK, "%s",
                     dnn_error_message());
    }
    return equal;
}

/* A copy that stays as it is. */
static dnn_state frozen(const dnn_module *module)
{
    dnn_state state = dnn_module_state(module);
    dnn_named_tensor *item = (dnn_named_tensor *)(uintptr_t)state.item;

    for (int64_t i = 0; i < state.n; i++) {
        item[i].tensor = dnn_clone(dnn_detach(item[i].tensor));
    }
    return state;
}

/* ---- what fits ---- */

Test(load_state, a_model_is_copied)
{
    dnn_module *a = small_net(), *b = small_net();
    dnn_state of_a = frozen(a);
    dnn_tensor *weight = dnn_module_tensor(b, "0.weight");
    int64_t n = -1;

    cr_expect_not(same(dnn_module_state(a), dnn_module_state(b)));
    cr_assert_eq(dnn_module_load_state(b, dnn_module_state(a), .n_loaded = &n), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect_eq(n, 4);
    cr_expect(same(of_a, dnn_module_state(b)));
    cr_expect_eq(dnn_module_tensor(b, "0.weight"), weight);
    cr_expect(dnn_requires_grad(weight) && dnn_is_leaf(weight));
    /* Nothing is shared afterwards. */
    dnn_init_constant(dnn_module_tensor(a, "0.weight"), 9);
    cr_expect(same(of_a, dnn_module_state(b)));
    dnn_init_constant(weight, 8);
    EXPECT(dnn_module_tensor(a, "0.weight"), DNN_T_F32, S(3, 2), 9, 9, 9, 9, 9, 9);
}

Test(load_state, into_the_module_that_it_is_of)
{
    dnn_module *a = small_net();
    dnn_state before = frozen(a);
    int64_t n = -1;

    cr_assert_eq(dnn_module_load_state(a, dnn_module_state(a), .n_loaded = &n), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect_eq(n, 4);
    cr_expect(same(before, dnn_module_state(a)));
}

Test(load_state, tensors_that_share_memory_are_read_first)
{
    static const dnn_module_type type = {
        .size = sizeof(dnn_module_type), .name = "Two", .bytes = sizeof(dnn_module)};
    dnn_module *m = dnn_module_new(&type);
    dnn_tensor *both = F32(S(4), 1, 2, 3, 4);
    dnn_tensor *a = dnn_module_add_buffer(m, "a", dnn_narrow(both, 0, 0, 2)),
               *b = dnn_module_add_buffer(m, "b", dnn_narrow(both, 0, 2, 2));
    dnn_named_tensor swapped[] = {{"a", b}, {"b", a}};

    cr_assert_not_null(b, "%s", dnn_error_message());
    cr_assert_eq(dnn_module_load_state(m, (dnn_state){.n = 2, .item = swapped}), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(both, DNN_T_F32, S(4), 3, 4, 1, 2);
    EXPECT(a, DNN_T_F32, S(2), 3, 4);
    EXPECT(b, DNN_T_F32, S(2), 1, 2);
}

Test(load_state, tied_parameters)
{
    static const dnn_module_type type = {
        .size = sizeof(dnn_module_type), .name = "Tied", .bytes = sizeof(dnn_module)};
    dnn_module *tied = dnn_module_new(&type), *free = dnn_module_new(&type);
    dnn_tensor *w = F32(S(2), 1, 2);

    dnn_module_add_parameter(tied, "encoder", w);
    dnn_module_add_parameter(tied, "decoder", w);
    dnn_module_add_parameter(free, "encoder", F32(S(2), 3, 4));
    dnn_module_add_parameter(free, "decoder", F32(S(2), 5, 6));
    cr_assert_eq(dnn_module_load_state(free, dnn_module_state(tied)), DNN_OK, "%s",
                 dnn_error_message());
    dnn_init_constant(w, 7);
    dnn_init_constant(dnn_module_tensor(free, "encoder"), 8);
    EXPECT(dnn_module_tensor(free, "decoder"), DNN_T_F32, S(2), 1, 2);
    cr_assert_eq(dnn_module_load_state(tied, dnn_module_state(free)), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(w, DNN_T_F32, S(2), 1, 2); /* the last of the two names, as in PyTorch */
}

Test(load_state, values_are_cast_and_views_of_any_strides_taken)
{
    dnn_module *m = dnn_nn_linear(2, 3);
    dnn_tensor *view = dnn_select(dnn_detach(dnn_module_tensor(m, "weight")), 0, 1);
    dnn_named_tensor item[] = {{"weight", dnn_transpose(F64(S(2, 3), 1, 2, 3, 4, 5, 6), 0, 1)},
                               {"bias", dnn_expand(F32(S(1), 7), S(3))}};

    cr_assert_eq(dnn_module_load_state(m, (dnn_state){.n = 2, .item = item}), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT(dnn_module_tensor(m, "weight"), DNN_T_F32, S(3, 2), 1, 4, 2, 5, 3, 6);
    EXPECT(dnn_module_tensor(m, "bias"), DNN_T_F32, S(3), 7, 7, 7);
    EXPECT(view, DNN_T_F32, S(2), 2, 5);
    EXPECT(dnn_forward(m, F32(S(1, 2), 1, 1)), DNN_T_F32, S(1, 3), 12, 14, 16);
}

Test(load_state, an_optimizer_and_a_graph_from_before)
{
    dnn_module *a = dnn_nn_linear(1, 1), *b = dnn_nn_linear(1, 1);
    dnn_optimizer *sgd = dnn_optim_sgd(dnn_parameters(b), 0.5);
    dnn_tensor *y = dnn_forward(b, dnn_ones(S(1, 1), .requires_grad = true));

    dnn_init_constant(dnn_module_tensor(a, "weight"), 3);
    dnn_init_constant(dnn_module_tensor(a, "bias"), 0);
    cr_assert_eq(dnn_module_load_state(b, dnn_module_state(a)), DNN_OK, "%s", dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_backward(y), "in place");
    unit_backward(dnn_forward(b, F32(S(1, 1), 2)));
    cr_assert_eq(dnn_step(sgd), DNN_OK);
    EXPECT(dnn_module_tensor(b, "weight"), DNN_T_F32, S(1, 1), 2);
    EXPECT(dnn_module_tensor(a, "weight"), DNN_T_F32, S(1, 1), 3);
}

Test(load_state, prefixes_and_names_of_checkpoints)
{
    dnn_module *inner = small_net(), *outer = dnn_nn_sequential(DNN_MODULES(inner)),
               *b = small_net();
    dnn_state state = dnn_module_state(outer);
    dnn_named_tensor more[5];

    EXPECT_STATUS_FAIL(dnn_module_load_state(b, state), "missing 0.weight",
                       "unexpected 0.0.weight");
    cr_assert_eq(dnn_module_load_state(b, state, .prefix = "0."), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect(same(dnn_module_state(inner), dnn_module_state(b)));
    memcpy(more, dnn_module_state(b).item, sizeof *more * 4);
    more[4] = (dnn_named_tensor){"dnn.train", F32(S(1), 1)};
    cr_assert_eq(dnn_module_load_state(b, (dnn_state){.n = 5, .item = more}), DNN_OK, "%s",
                 dnn_error_message());
}

/* ---- what does not fit ---- */

Test(load_state, all_that_does_not_fit_is_told_at_once_and_nothing_changes)
{
    dnn_module *net = small_net();
    dnn_state before = frozen(net);
    dnn_named_tensor item[] = {{"0.weight", dnn_ones(S(3, 2))},
                               {"0.bias", dnn_ones(S(5))},
                               {"2.weight", dnn_ones(S(1, 3), .dtype = DNN_T_I64)},
                               {"extra", dnn_ones(S(1))},
                               {"extra", dnn_ones(S(1))}};
    dnn_state misfit = {.n = 5, .item = item};
    int64_t n = -1;

    EXPECT_STATUS_FAIL(dnn_module_load_state(net, misfit, .n_loaded = &n),
                       "dnn_module_load_state: the state does not fit the module",
                       "misshapen 0.bias: [5] in the state, [3] in the module",
                       "of another dtype 2.weight: i64 in the state, f32 in the module",
                       "missing 2.bias", "unexpected extra", "twice extra", ".partial");
    cr_expect_eq(n, -1);
    cr_expect(same(before, dnn_module_state(net)));
    cr_assert_eq(dnn_module_load_state(net, misfit, .partial = true, .n_loaded = &n), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect_eq(n, 1);
    EXPECT(dnn_module_tensor(net, "0.weight"), DNN_T_F32, S(3, 2), 1, 1, 1, 1, 1, 1);
    cr_expect(same((dnn_state){.n = 3, .item = before.item + 1},
                   (dnn_state){.n = 3, .item = dnn_module_state(net).item + 1}));
}

Test(load_state, wrong_arguments)
{
    dnn_module *net = small_net();
    dnn_named_tensor nameless[] = {{NULL, dnn_ones(S(1))}}, empty[] = {{"0.weight", NULL}};
    void *data;

    EXPECT_STATUS_FAIL(dnn_module_load_state(NULL, dnn_module_state(net)), "module is NULL");
    EXPECT_STATUS_FAIL(dnn_module_load_state(net, dnn_module_state(NULL)),
                       "dnn_module_state: module is NULL");
    EXPECT_STATUS_FAIL(dnn_module_load_state(net, (dnn_state){.n = 0}), "missing 0.weight");
    EXPECT_STATUS_FAIL(dnn_module_load_state(net, (dnn_state){.n = 2}), "state.item is NULL");
    EXPECT_STATUS_FAIL(dnn_module_load_state(net, (dnn_state){.n = -1, .item = empty}),
                       "state.n -1");
    EXPECT_STATUS_FAIL(dnn_module_load_state(net, (dnn_state){.n = 1, .item = nameless}),
                       "the name of state.item[0] is NULL");
    EXPECT_STATUS_FAIL(dnn_module_load_state(net, (dnn_state){.n = 1, .item = empty}),
                       "the tensor of state.item[0] is NULL");
    cr_assert_eq(dnn_map(dnn_module_tensor(net, "2.bias"), DNN_MAP_READ, &data), DNN_OK, "%s",
                 dnn_error_message());
    EXPECT_STATUS_FAIL(dnn_module_load_state(net, dnn_module_state(small_net())),
                       "2.bias is mapped", "dnn_unmap");
    cr_assert_eq(dnn_unmap(dnn_module_tensor(net, "2.bias")), DNN_OK);
}
