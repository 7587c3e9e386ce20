/* test_handles.c - checked handles: every function that gets a freed object says so, with the
 * argument, the kind of the object, and how it was freed. Run with DNN_CHECK_HANDLES=1. */
#include "folder.h"
#include "call.h"

TestSuite(handles, .init = unit_init, .fini = unit_fini, .timeout = 120);

#define BY_SCOPE "was freed when its scope closed (" __FILE__ ":"

/* expr, a value, leaves a pending DNN_E_INVALID that has each of the texts. */
#define TOLD(expr, ...)                                             \
    do {                                                            \
        (void)(expr);                                               \
        unit_expect_fail(true, dnn_take_error(), #expr, __LINE__,   \
                         (const char *const[]){__VA_ARGS__, NULL}); \
    } while (0)
/* expr, a status, is DNN_E_INVALID. */
#define REFUSED(expr, ...) EXPECT_STATUS_FAIL(expr, __VA_ARGS__)

static dnn_tensor *live(void)
{
    return dnn_ones(S(2, 2));
}

static dnn_tensor *leaf(void)
{
    return dnn_ones(S(2, 2), .requires_grad = true);
}

static dnn_tensor *dead(void)
{
    DNN_SCOPE();
    return live();
}

static dnn_module *dead_module(void)
{
    DNN_SCOPE();
    return dnn_nn_linear(2, 2);
}

/* The tensors live, the list does not. */
static dnn_tensor_list dead_list(void)
{
    dnn_module *module = dnn_nn_linear(2, 2);
    DNN_SCOPE();
    return dnn_parameters(module);
}

static dnn_state dead_state(void)
{
    dnn_module *module = dnn_nn_linear(2, 2);
    DNN_SCOPE();
    return dnn_module_state(module);
}

static dnn_dataset *live_set(void)
{
    return dnn_dataset_tensors((dnn_tensor *const[]){live()}, 1);
}

static dnn_dataset *dead_set(void)
{
    DNN_SCOPE();
    return live_set();
}

static dnn_loader *dead_loader(void)
{
    DNN_SCOPE();
    return dnn_loader(live_set());
}

static dnn_transform *live_transform(void)
{
    return dnn_transform_to_tensor(DNN_IMAGE_CHW);
}

static dnn_transform *dead_transform(void)
{
    DNN_SCOPE();
    return live_transform();
}

static dnn_sampler *dead_sampler(void)
{
    DNN_SCOPE();
    return dnn_sampler_sequential(live_set());
}

static dnn_generator *dead_generator(void)
{
    DNN_SCOPE();
    return dnn_generator_new(1);
}

static dnn_optimizer *dead_optimizer(void)
{
    DNN_SCOPE();
    return dnn_optim_sgd(DNN_TENSORS(leaf()), 0.1);
}

/* ---- how it was freed ---- */

Test(handles, are_checked)
{
    cr_assert(dnn__check_handles, "DNN_CHECK_HANDLES is not 1");
}

Test(handles, the_place_of_the_scope)
{
    char place[64];
    dnn_tensor *t;

    snprintf(place, sizeof place, "(%s:%d)", __FILE__, __LINE__ + 3);
    {
        /* clang-format off */
        DNN_SCOPE();
        /* clang-format on */
        t = live();
    }
    TOLD(dnn_add(live(), t), "add: b, a tensor, ", BY_SCOPE, place, "dnn_keep or dnn_retain");
    TOLD(dnn_add(t, live()), "add: a, a tensor, ", place);
}

Test(handles, a_scope_by_hand)
{
    dnn_scope scope = dnn_scope_begin("train.lua:7"), none = dnn_scope_begin(NULL);
    dnn_tensor *t = live();

    dnn_scope_end(&none);
    TOLD(dnn_neg(t), "a tensor, was freed when its scope closed (opened by hand)");
    t = live();
    dnn_scope_end(&scope);
    TOLD(dnn_neg(t), "a tensor, was freed when its scope closed (train.lua:7)");
}

Test(handles, by_release)
{
    dnn_tensor *t = live();
    dnn_module *module = dnn_nn_linear(2, 2);

    dnn_release(t);
    TOLD(dnn_neg(t), "neg: ", "a tensor, was released and freed");
    dnn_release(module);
    TOLD(dnn_forward(module, live()), "dnn_forward: module, a module, was released and freed");
}

Test(handles, released_twice_retained_or_kept_after_it_was_freed)
{
    dnn_tensor *t = live();

    dnn_release(t);
    TOLD(dnn_release(t), "dnn_release: x, a tensor, was released and freed");
    TOLD(dnn_retain(t), "dnn_retain: x, a tensor, was released and freed");
    TOLD(dnn_keep(t), "dnn_keep: x, a tensor, was released and freed");
    TOLD(dnn_keep(dead_module()), "dnn_keep: x, a module, ", BY_SCOPE);
    TOLD(dnn_release(dead_set()), "dnn_release: x, a data set, ", BY_SCOPE);
}

Test(handles, after_shutdown)
{
    dnn_tensor *t = live();
    dnn_module *module = dnn_nn_linear(2, 2);
    dnn_dataset *set = live_set();

    dnn_shutdown();
    TOLD(dnn_neg(t), "a tensor, was freed when its scope closed (the root scope");
    TOLD(dnn_parameters(module), "module, a module, was freed when");
    TOLD(dnn_dataset_size(set), "set, a data set, was freed when");
    TOLD(dnn_release(t), "a tensor, was freed when");
}

/* ---- every operator of the table ---- */

static void expect_row(const dnn__op *op, int n_in, int freed, bool is_result)
{
    dnn_tensor *in[8], *out[DNN__RESULTS] = {NULL};
    dnn__request request = {.op = (dnn__op_id)op->id,
                            .n_in = n_in,
                            .n_out = op->n_out > 0 ? op->n_out : 0,
                            .in = in,
                            .out = out,
                            .want = 1};
    char name[64];

    for (int i = 0; i < n_in; i++) {
        in[i] = live();
    }
    *(is_result ? &out[freed] : &in[freed]) = dead();
    snprintf(name, sizeof name, "%s: %s, a tensor, ", op->name,
             (is_result ? dnn__result_name(op, freed) : dnn__input_name(op, freed)).text);
    unit_expect_fail(true, dnn__call_request(&request), op->name, __LINE__,
                     (const char *const[]){name, BY_SCOPE, NULL});
}

Test(handles, every_operand_of_every_operator)
{
    for (int id = 0; id < DNN__N_OPS; id++) {
        const dnn__op *op = &dnn__ops[id];
        int n_in = op->n_in >= 0 ? op->n_in : 5;

        for (int i = 0; i < n_in; i++) {
            DNN_SCOPE();
            expect_row(op, n_in, i, false);
        }
        for (int i = 0; i < op->n_out; i++) {
            DNN_SCOPE();
            expect_row(op, n_in, i, true);
        }
    }
}

/* ---- public operators, which look at operands before the call ---- */

#define ONE(name) TOLD(dnn_##name(dead()), "x, a tensor, " BY_SCOPE);
#define TWO(name)                                                                \
    TOLD(dnn_##name##_tensor(dead(), live()), #name ": a, a tensor, " BY_SCOPE); \
    TOLD(dnn_##name##_tensor(live(), dead()), #name ": b, a tensor, " BY_SCOPE); \
    TOLD(dnn_##name##_number(dead(), 2.0), #name ": a, a tensor, " BY_SCOPE);
#define TWO_IN_PLACE(name)                                                         \
    TOLD(dnn_##name##_tensor_(dead(), live()), #name ": ", "a tensor, " BY_SCOPE); \
    TOLD(dnn_##name##_tensor_(live(), dead()), #name ": b, a tensor, " BY_SCOPE);  \
    TOLD(dnn_##name##_number_(dead(), 2.0), #name ": a, a tensor, " BY_SCOPE);
#define IN_PLACE(name) TOLD(dnn_##name##_(dead()), "a tensor, " BY_SCOPE);
#define SAID "a tensor, " BY_SCOPE

Test(handles, elementwise)
{
    /* clang-format off */
    ONE(neg) ONE(abs) ONE(sign) ONE(square) ONE(floor) ONE(round) ONE(frac) ONE(sqrt) ONE(exp)
    ONE(log1p) ONE(tanh) ONE(relu) ONE(softsign) ONE(sigmoid) ONE(silu)
    ONE(logical_not) ONE(isnan) ONE(isfinite)
    TWO(add) TWO(sub) TWO(mul) TWO(div) TWO(pow) TWO(floor_divide) TWO(remainder) TWO(fmod)
    TWO(atan2) TWO(maximum) TWO(fmin) TWO(eq) TWO(lt) TWO(ge) TWO(logical_and) TWO(logical_xor)
    TWO_IN_PLACE(add) TWO_IN_PLACE(sub) TWO_IN_PLACE(mul) TWO_IN_PLACE(div) TWO_IN_PLACE(pow)
    IN_PLACE(neg) IN_PLACE(relu) IN_PLACE(exp) IN_PLACE(zero) IN_PLACE(t)
        /* clang-format on */
        TOLD(dnn_rsub(dead(), 1), SAID);
    TOLD(dnn_add(dead(), live(), .alpha = 2), SAID);
    TOLD(dnn_sub(live(), dead(), .alpha = 2), SAID);
    TOLD(dnn_leaky_relu(dead(), 0.1), SAID);
    TOLD(dnn_leaky_relu_(dead(), 0.1), SAID);
    TOLD(dnn_elu(dead(), 1), SAID);
    TOLD(dnn_softplus(dead(), 1, 20), SAID);
    TOLD(dnn_gelu(dead()), SAID);
    TOLD(dnn_clamp_number(dead(), 0, 1), SAID);
    TOLD(dnn_clamp_number_(dead(), 0, 1), SAID);
    TOLD(dnn_clamp_tensor(dead(), live(), live()), SAID);
    TOLD(dnn_clamp_tensor(live(), dead(), live()), SAID);
    TOLD(dnn_clamp_tensor_(live(), NULL, dead()), SAID);
    TOLD(dnn_where(dead(), live(), live()), SAID);
    TOLD(dnn_where(dnn_eq(live(), 1.0), dead(), live()), SAID);
    TOLD(dnn_where(dnn_eq(live(), 1.0), live(), dead()), SAID);
    TOLD(dnn_masked_fill(dead(), dnn_eq(live(), 1.0), 0), SAID);
    TOLD(dnn_masked_fill(live(), dead(), 0), SAID);
    TOLD(dnn_masked_fill_(live(), dead(), 0), SAID);
}

Test(handles, views_and_copies)
{
    TOLD(dnn_to(dead(), .dtype = DNN_T_F64), SAID);
    TOLD(dnn_clone(dead()), SAID);
    TOLD(dnn_contiguous(dead()), SAID);
    TOLD(dnn_copy_(dead(), live()), SAID);
    TOLD(dnn_copy_(live(), dead()), SAID);
    TOLD(dnn_fill_(dead(), 1), SAID);
    TOLD(dnn_reshape(dead(), S(4)), SAID);
    TOLD(dnn_view_to(dead(), S(4)), SAID);
    TOLD(dnn_view_as(dead(), live()), SAID);
    TOLD(dnn_view_as(live(), dead()), SAID);
    TOLD(dnn_flatten(dead(), 0, -1), SAID);
    TOLD(dnn_unflatten(dead(), 0, S(2, 1)), SAID);
    TOLD(dnn_squeeze(dead(), DNN_DIMS(0)), SAID);
    TOLD(dnn_squeeze_(dead(), DNN_DIMS(0)), SAID);
    TOLD(dnn_unsqueeze(dead(), 0), SAID);
    TOLD(dnn_unsqueeze_(dead(), 0), SAID);
    TOLD(dnn_transpose(dead(), 0, 1), SAID);
    TOLD(dnn_transpose_(dead(), 0, 1), SAID);
    TOLD(dnn_permute(dead(), DNN_DIMS(1, 0)), SAID);
    TOLD(dnn_movedim(dead(), 0, 1), SAID);
    TOLD(dnn_t(dead()), SAID);
    TOLD(dnn_expand(dead(), S(2, 2)), SAID);
    TOLD(dnn_slice(dead(), 0, 0, 1, 1), SAID);
    TOLD(dnn_narrow(dead(), 0, 0, 1), SAID);
    TOLD(dnn_select(dead(), 0, 0), SAID);
    TOLD(dnn_index(dead(), "0"), SAID);
    TOLD(dnn_unbind(dead(), 0), SAID);
    TOLD(dnn_split(dead(), 1, 0), SAID);
    TOLD(dnn_chunk(dead(), 2, 0), SAID);
    TOLD(dnn_cat(DNN_TENSORS(live(), dead()), 0), "cat: tensors[1], " SAID);
    TOLD(dnn_cat(dead_list(), 0), "cat: tensors, a list, " BY_SCOPE);
    TOLD(dnn_stack(DNN_TENSORS(dead(), live()), 0), "stack: tensors[0], " SAID);
    TOLD(dnn_slice_scatter(dead(), live(), 0, 0, 2, 1), SAID);
    TOLD(dnn_slice_scatter(live(), dead(), 0, 0, 2, 1), SAID);
    TOLD(dnn_select_scatter(live(), dead(), 0, 0), SAID);
}

#define GENERATOR "generator, a generator, " BY_SCOPE

Test(handles, generators)
{
    dnn_generator_state state;
    dnn_generator_guard guard;

    TOLD(dnn_rand(S(2), .generator = dead_generator()), "rand: " GENERATOR);
    TOLD(dnn_randn(S(2), .generator = dead_generator()), "randn: " GENERATOR);
    TOLD(dnn_rand_like(live(), .generator = dead_generator()), "rand_like: " GENERATOR);
    TOLD(dnn_randn_like(live(), .generator = dead_generator()), "randn_like: " GENERATOR);
    TOLD(guard = dnn_generator_begin(dead_generator()), "DNN_GENERATOR: " GENERATOR);
    dnn_generator_end(&guard);
    REFUSED(dnn_get_generator_state(dead_generator(), &state), GENERATOR);
    REFUSED(dnn_set_generator_state(dead_generator(), (dnn_generator_state){0}), GENERATOR);
}

static dnn_run *dead_run(void)
{
    DNN_SCOPE();
    return dnn_run_new();
}

#define RUN "run, a run, " BY_SCOPE

Test(handles, runs)
{
    dnn_run *run = dnn_run_new();
    double number = 0;
    int64_t count = 0;

    REFUSED(dnn_run_add(run, "a", dead_module()), "dnn_run_add_module: module, a module, ");
    REFUSED(dnn_run_add(run, "a", dead_optimizer()), "optimizer, an optimizer, " BY_SCOPE);
    REFUSED(dnn_run_add(run, "a", dead_loader()), "loader, a loader, " BY_SCOPE);
    REFUSED(dnn_run_add(run, "a", dead_generator()), GENERATOR);
    REFUSED(dnn_run_add(dead_run(), "a", &number), RUN);
    REFUSED(dnn_run_add(dead_run(), "a", &count), RUN);
    REFUSED(dnn_run_add_numbers(dead_run(), "a", &number, 1), RUN);
    REFUSED(dnn_run_set_text(dead_run(), "key", "text"), RUN);
    REFUSED(dnn_save_checkpoint(dead_run(), "folder", 0), RUN);
    REFUSED(dnn_write_checkpoint(dead_run(), "file"), RUN);
    REFUSED(dnn_load_checkpoint(dead_run(), "file"), RUN);
}

Test(handles, creation)
{
    TOLD(dnn_empty_like(dead()), SAID);
    TOLD(dnn_zeros_like(dead()), SAID);
    TOLD(dnn_full_like(dead(), 2), SAID);
    TOLD(dnn_rand_like(dead()), SAID);
    TOLD(dnn_randn_like(dead()), SAID);
    TOLD(dnn_uniform_(dead(), 0, 1), SAID);
    TOLD(dnn_normal_(dead(), 0, 1), SAID);
    TOLD(dnn_bernoulli_(dead(), 0.5), SAID);
    TOLD(dnn_init_uniform(dead(), 0, 1), SAID);
    TOLD(dnn_init_constant(dead(), 1), SAID);
    TOLD(dnn_init_xavier_normal(dead(), 1), SAID);
    TOLD(dnn_init_kaiming_uniform(dead(), 1), SAID);
}

Test(handles, reductions_products_and_losses)
{
    dnn_tensor *image = dnn_ones(S(1, 1, 4, 4)), *w = dnn_ones(S(1, 1, 3, 3));
    dnn_tensor *classes = dnn_zeros(S(2), .dtype = DNN_T_I64);
    bool equal;

    TOLD(dnn_sum(dead()), SAID);
    TOLD(dnn_mean(dead(), .dims = DNN_DIMS(0)), SAID);
    TOLD(dnn_amax(dead()), SAID);
    TOLD(dnn_max(dead()), SAID);
    TOLD(dnn_min(dead()), SAID);
    TOLD(dnn_sum_to(dead(), S(2)), SAID);
    TOLD(dnn_max_dim(dead(), 0), SAID);
    TOLD(dnn_argmin(dead(), 0), SAID);
    TOLD(dnn_softmax(dead(), 0), SAID);
    TOLD(dnn_log_softmax(dead(), 0), SAID);
    TOLD(dnn_matmul(dead(), live()), SAID);
    TOLD(dnn_matmul(live(), dead()), SAID);
    TOLD(dnn_mm(live(), dead()), SAID);
    TOLD(dnn_bmm(dnn_ones(S(1, 2, 2)), dead()), SAID);
    TOLD(dnn_bmm(dead(), live()), SAID);
    TOLD(dnn_dot(dnn_ones(S(2)), dead()), SAID);
    TOLD(dnn_addmm(dead(), live(), live()), SAID);
    TOLD(dnn_addmm(live(), live(), dead()), SAID);
    TOLD(dnn_linear(dead(), live(), NULL), SAID);
    TOLD(dnn_linear(live(), dead(), NULL), SAID);
    TOLD(dnn_linear(live(), live(), dead()), SAID);
    TOLD(dnn_conv2d(dead(), w, NULL), SAID);
    TOLD(dnn_conv2d(image, dead(), NULL), SAID);
    TOLD(dnn_conv2d(image, w, dead()), SAID);
    TOLD(dnn_max_pool2d(dead(), .kernel = 2), SAID);
    TOLD(dnn_avg_pool2d(dead(), .kernel = 2), SAID);
    TOLD(dnn_adaptive_avg_pool2d(dead(), 1, 1), SAID);
    TOLD(dnn_adaptive_max_pool2d(dead(), 1, 1, NULL), SAID);
    TOLD(dnn_dropout(dead(), 0.5), SAID);
    TOLD(dnn_mse_loss(dead(), live()), SAID);
    TOLD(dnn_l1_loss(live(), dead()), SAID);
    TOLD(dnn_nll_loss(dead(), classes), SAID);
    TOLD(dnn_nll_loss(live(), dead()), SAID);
    TOLD(dnn_cross_entropy(live(), classes, .weight = dead()), SAID);
    REFUSED(dnn_equal(live(), dead(), &equal), SAID);
    REFUSED(dnn_allclose(dead(), live(), 0, 0, &equal), SAID);
}

/* ---- other functions of tensors ---- */

static dnn_status no_hook(void *ctx, dnn_tensor **grad)
{
    (void)ctx;
    (void)grad;
    return DNN_OK;
}

static dnn_status leave_dead(void *ctx, dnn_tensor **grad)
{
    (void)ctx;
    *grad = dead();
    return DNN_OK;
}

static dnn_status dead_output(dnn_function_call *call, dnn_tensor *const *in, dnn_tensor **out)
{
    (void)call;
    (void)in;
    out[0] = dead();
    return DNN_OK;
}

Test(handles, properties)
{
    double value;
    float word[4] = {0};
    void *data;

    TOLD(dnn_ndim(dead()), "dnn_ndim: t, " SAID);
    TOLD(dnn_size(dead(), 0), SAID);
    TOLD(dnn_stride(dead(), 0), SAID);
    TOLD(dnn_numel(dead()), SAID);
    TOLD(dnn_shape_of(dead()), SAID);
    TOLD(dnn_dtype_of(dead()), SAID);
    TOLD(dnn_device_of(dead()), SAID);
    TOLD(dnn_is_contiguous(dead()), SAID);
    TOLD(dnn_requires_grad(dead()), SAID);
    TOLD(dnn_is_leaf(dead()), SAID);
    TOLD(dnn_value(dead()), SAID);
    TOLD(dnn_value_i64(dead()), SAID);
    REFUSED(dnn_read(dead(), word, sizeof word), SAID);
    REFUSED(dnn_write(dead(), word, sizeof word), SAID);
    REFUSED(dnn_to_list(dead(), &value, 1), SAID);
    REFUSED(dnn_map(dead(), DNN_MAP_READ, &data), SAID);
    REFUSED(dnn_unmap(dead()), SAID);
    EXPECT_FAIL(dnn_tensor_format(dead()), SAID);
}

Test(handles, autograd)
{
    dnn_tensor *x = leaf(), *grad = NULL, *out = NULL;
    const dnn_function function = {.name = "Own", .forward = dead_output};

    TOLD(dnn_requires_grad_(dead(), true), SAID);
    TOLD(dnn_detach(dead()), SAID);
    TOLD(dnn_grad(dead()), "dnn_grad: t, " SAID);
    REFUSED(dnn_set_grad(dead(), NULL), SAID);
    REFUSED(dnn_set_grad(x, dead()), "dnn_set_grad: g, " SAID);
    REFUSED(dnn_backward(dead()), SAID);
    REFUSED(dnn_backward_from(dnn_neg(x), dead()), "backward: seed, " SAID);
    REFUSED(dnn_grad_of(dead(), DNN_TENSORS(x), &grad), SAID);
    REFUSED(dnn_grad_of(dnn_sum(x), DNN_TENSORS(dead()), &grad), "grad_of: inputs[0], " SAID);
    REFUSED(dnn_hook_add(dead(), no_hook, NULL, NULL, NULL), SAID);
    REFUSED(dnn_hook_remove(dead(), 1), SAID);
    REFUSED(dnn_retain_grad(dead()), SAID);
    EXPECT_FAIL(dnn_graph_format(dead()), SAID);
    EXPECT_FAIL(dnn_graph_format(dnn_neg(x), .module = dead_module()),
                "dnn_graph_format: module, a module, " BY_SCOPE);
    TOLD(dnn_apply(&function, NULL, DNN_TENSORS(x, dead())), "Own: in[1], " SAID);
    REFUSED(dnn_function_apply(&function, NULL, DNN_TENSORS(x), &out, 1), "Own: ", SAID);
    cr_assert_eq(dnn_hook_add(x, leave_dead, NULL, NULL, NULL), DNN_OK);
    REFUSED(dnn_backward(dnn_sum(x)), "gradient", SAID);
}

/* ---- modules, optimizers, data, files ---- */

#define MODULE "module, a module, " BY_SCOPE

Test(handles, modules)
{
    dnn_module *module = dnn_nn_linear(2, 2);
    dnn_tensor *out[1];
    dnn_named_tensor dead_item = {"weight", dead()};

    TOLD(dnn_module_add(dead_module(), "a", module), "a module, " BY_SCOPE);
    TOLD(dnn_module_add(module, "a", dead_module()), "child, a module, " BY_SCOPE);
    TOLD(dnn_module_add_parameter(dead_module(), "a", live()), "add_parameter: " MODULE);
    TOLD(dnn_module_add_parameter(module, "a", dead()), "value, " SAID);
    TOLD(dnn_module_add_buffer(module, "a", dead()), "dnn_module_add_buffer: value, " SAID);
    TOLD(dnn_forward(dead_module(), live()), MODULE);
    TOLD(dnn_forward(module, dead()), "Linear: forward: x, " SAID);
    TOLD(dnn_forward(dead_module(), live(), live()), MODULE);
    TOLD(dnn_forward(module, live(), dead()), "Linear: it takes 1 input");
    TOLD(dnn_forward_list(module, dead_list()), "dnn_forward: in, a list, " BY_SCOPE);
    REFUSED(dnn_forward_n(dead_module(), DNN_TENSORS(live()), out, 1), MODULE);
    REFUSED(dnn_forward_n(module, DNN_TENSORS(dead()), out, 1), "Linear: forward: x, " SAID);
    REFUSED(dnn_module_add_forward_hook(dead_module(), NULL, NULL, NULL, NULL), MODULE);
    REFUSED(dnn_module_add_forward_pre_hook(dead_module(), NULL, NULL, NULL, NULL), MODULE);
    REFUSED(dnn_module_remove_hook(dead_module(), 1), MODULE);
    TOLD(dnn_module_train(dead_module(), true), "dnn_module_train: " MODULE);
    TOLD(dnn_module_eval(dead_module()), MODULE);
    TOLD(dnn_module_training(dead_module()), MODULE);
    TOLD(dnn_parameters(dead_module()), "dnn_parameters: " MODULE);
    TOLD(dnn_module_state(dead_module()).item, MODULE);
    REFUSED(dnn_module_load_state(dead_module(), dnn_module_state(module)), MODULE);
    REFUSED(dnn_module_load_state(module, dead_state()), "state, a text, " BY_SCOPE);
    REFUSED(dnn_module_load_state(module, (dnn_state){.n = 1, .item = &dead_item}),
            "dnn_module_load_state: weight, " SAID);
    TOLD(dnn_module_tensor(dead_module(), "weight"), "dnn_module_tensor: " MODULE);
    TOLD(dnn_module_child(dead_module(), "0"), MODULE);
    TOLD(dnn_module_parameter_count(dead_module()), MODULE);
    TOLD(dnn_module_zero_grad(dead_module()), MODULE);
    TOLD(dnn_module_setting(dead_module(), "bias"), "dnn_module_setting: " MODULE);
    TOLD(dnn_module_setting_at(dead_module(), 0, NULL, NULL), MODULE);
    REFUSED(dnn_module_to(dead_module(), .dtype = DNN_T_F64), MODULE);
    EXPECT_FAIL(dnn_module_format(dead_module()), "dnn_module_format: " MODULE);
    EXPECT_FAIL(dnn_module_summary(dead_module(), NULL), MODULE);
    EXPECT_FAIL(dnn_module_summary(module, dead()), SAID);
    TOLD(dnn_nn_sequential(DNN_MODULES(module, dead_module())),
         "Sequential: modules[1], a module, " BY_SCOPE);
}

#define OPTIMIZER "optimizer, an optimizer, " BY_SCOPE

Test(handles, optimizers)
{
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(leaf()), 0.1);

    TOLD(dnn_optim_sgd(DNN_TENSORS(leaf(), dead()), 0.1), "parameters[1], " SAID);
    TOLD(dnn_optim_sgd(dead_list(), 0.1), "parameters, a list, " BY_SCOPE);
    REFUSED(dnn_zero_grad(dead_optimizer()), OPTIMIZER);
    REFUSED(dnn_step(dead_optimizer()), OPTIMIZER);
    REFUSED(dnn_optim_add_group(dead_optimizer(), DNN_TENSORS(leaf()), NULL), OPTIMIZER);
    REFUSED(dnn_optim_add_group(optimizer, DNN_TENSORS(leaf(), dead()), NULL),
            "parameters[1], " SAID);
    TOLD(dnn_optim_get(dead_optimizer(), 0, "lr"), "dnn_optim_get: " OPTIMIZER);
    REFUSED(dnn_optim_set(dead_optimizer(), DNN_ALL_GROUPS, "lr", 1), OPTIMIZER);
    TOLD(dnn_optim_group_count(dead_optimizer()), OPTIMIZER);
    TOLD(dnn_optim_group_of(dead_optimizer(), 0), OPTIMIZER);
    TOLD(dnn_optim_parameter_count(dead_optimizer()), OPTIMIZER);
    TOLD(dnn_optim_parameter(dead_optimizer(), 0), OPTIMIZER);
    TOLD(dnn_optim_parameter_name(dead_optimizer(), 0), OPTIMIZER);
    TOLD(dnn_optim_steps(dead_optimizer()), OPTIMIZER);
    TOLD(dnn_optim_parameter_steps(dead_optimizer(), 0), OPTIMIZER);
    TOLD(dnn_optim_make_state(dead_optimizer(), 0, "momentum_buffer"), OPTIMIZER);
    REFUSED(dnn_optim_assign(dead_optimizer(), leaf(), leaf()), OPTIMIZER);
    REFUSED(dnn_optim_assign(optimizer, dead(), leaf()), "target, " SAID);
    REFUSED(dnn_optim_assign(optimizer, leaf(), dead()), "value, " SAID);
    TOLD(dnn_optim_state(dead_optimizer(), 0, "momentum_buffer"), OPTIMIZER);
}

static dnn_tensor *same(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return x;
}

#define SET "a data set, " BY_SCOPE
#define TRANSFORM "a transform, " BY_SCOPE
#define LOADER "loader, a loader, " BY_SCOPE

Test(handles, data)
{
    const int64_t index[1] = {0};
    const double one[1] = {1};
    dnn_dataset *part[1];
    dnn_batch batch;
    int64_t epoch, number;

    TOLD(dnn_dataset_tensors((dnn_tensor *const[]){live(), dead()}, 2), "fields[1], " SAID);
    TOLD(dnn_dataset_subset(dead_set(), index, 1), SET);
    REFUSED(dnn_dataset_random_split(dead_set(), index, 1, 0, part), SET);
    TOLD(dnn_dataset_concat((dnn_dataset *const[]){live_set(), dead_set()}, 2), "sets[1], " SET);
    TOLD(dnn_dataset_map(dead_set(), live_transform()), SET);
    TOLD(dnn_dataset_map(live_set(), dead_transform()), TRANSFORM);
    TOLD(dnn_dataset_map_batch(dead_set(), 0, same, NULL, NULL), SET);
    TOLD(dnn_dataset_normalize(dead_set(), 0, one, one, 1), SET);
    TOLD(dnn_dataset_size(dead_set()), SET);
    TOLD(dnn_dataset_fields(dead_set()), SET);
    TOLD(dnn_dataset_text(dead_set()), SET);
    TOLD(dnn_dataset_name(dead_set()), SET);
    TOLD(dnn_dataset_digest(dead_set()), SET);
    TOLD(dnn_dataset_labels(dead_set()), SET);
    TOLD(dnn_dataset_get(dead_set(), index, 1), SET);
    TOLD(dnn_dataset_sample(dead_set(), 0), SET);
    TOLD(dnn_loader(dead_set()), SET);
    TOLD(dnn_loader(live_set(), .sampler = dead_sampler()), "sampler, a sampler, " BY_SCOPE);
    TOLD(dnn_sampler_sequential(dead_set()), SET);
    TOLD(dnn_sampler_random(dead_set()), SET);
    TOLD(dnn_sampler_distributed(dead_set(), 2, 0), SET);
    TOLD(dnn_sampler_size(dead_sampler()), "a sampler, " BY_SCOPE);
    TOLD(dnn_loader_next(dead_loader(), &batch), "dnn_loader_next: " LOADER);
    TOLD(dnn_loader_batches(dead_loader()), LOADER);
    TOLD(dnn_loader_samples(dead_loader()), LOADER);
    REFUSED(dnn_loader_rewind(dead_loader(), 0), LOADER);
    REFUSED(dnn_loader_position(dead_loader(), &epoch, &number), LOADER);
    REFUSED(dnn_loader_seek(dead_loader(), 0, 0), LOADER);
}

Test(handles, transforms)
{
    TOLD(dnn_transform_field(0, dead_transform()), TRANSFORM);
    TOLD(dnn_compose(DNN_TRANSFORMS(live_transform(), dead_transform())),
         "transforms[1], " TRANSFORM);
    TOLD(dnn_transform_apply(dead_transform(), live()), TRANSFORM);
    TOLD(dnn_transform_apply(live_transform(), dead()), "x, " SAID);
    TOLD(dnn_transform_apply_list(dead_transform(), DNN_TENSORS(live())), TRANSFORM);
    TOLD(dnn_transform_apply_list(live_transform(), DNN_TENSORS(live(), dead())),
         "sample[1], " SAID);
}

static dnn_status get_dead(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    (void)index;
    field[0] = dead();
    return DNN_OK;
}

static dnn_tensor *map_to_dead(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    (void)x;
    return dead();
}

/* What functions of the program hand over. */
Test(handles, samples_that_are_dead)
{
    const int64_t index[1] = {0};

    TOLD(dnn_dataset_get(dnn_dataset_function(1, 1, get_dead, NULL, NULL), index, 1), SAID);
    TOLD(dnn_dataset_get(dnn_dataset_map_batch(live_set(), 0, map_to_dead, NULL, NULL), index, 1),
         SAID);
    TOLD(dnn_dataset_get(dnn_dataset_map(live_set(), dnn_transform_lambda(map_to_dead, NULL, NULL)),
                         index, 1),
         SAID);
}

#define FILE_SAID "file, a file, " BY_SCOPE

static dnn_file *dead_file(const char *path)
{
    DNN_SCOPE();
    return dnn_file_open(path);
}

Test(handles, files)
{
    char path[512];
    dnn_named_tensor dead_one[] = {{"t", dead()}}, live_one[] = {{"t", live()}};
    dnn_run *run = dnn_run_new();
    dnn_file_entry_info info;
    const char *key, *value;

    folder_make();
    snprintf(path, sizeof path, "%s", in_folder("t.safetensors"));
    REFUSED(dnn_save_tensors(path, dead_one, 1, NULL, 0), "dnn_save_tensors: t, " SAID);
    cr_assert_eq(dnn_save_tensors(path, live_one, 1, NULL, 0), DNN_OK, "%s", dnn_error_message());
    TOLD(dnn_file_count(dead_file(path)), "dnn_file_count: " FILE_SAID);
    TOLD(dnn_file_entry(dead_file(path), 0, &info), FILE_SAID);
    TOLD(dnn_file_metadata(dead_file(path), 0, &key, &value), FILE_SAID);
    REFUSED(dnn_file_verify(dead_file(path)), FILE_SAID);
    TOLD(dnn_file_tensor(dead_file(path), "t"), FILE_SAID);
    REFUSED(dnn_load_weights(dead_module(), path), MODULE);
    REFUSED(dnn_save_weights(dead_module(), path), MODULE);
    cr_assert_eq(dnn_run_add(run, "", dnn_nn_linear(2, 2)), DNN_OK);
    cr_assert_eq(dnn_write_checkpoint(run, path), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_load_checkpoint(run, path), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(dnn_take_error(), DNN_OK, "%s", dnn_error_message()); /* released once */
    folder_drop();
}
