/* use.c - calls the public functions in every form that they have in C, and runs them. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <dnn/dnn.h>
#include <dnn/print.h>

static int faults;

static void expect(int line, bool holds)
{
    if (!holds) {
        printf("use.c:%d: does not hold; the message is \"%s\"\n", line, dnn_error_message());
        faults++;
    }
}
#define EXPECT(condition) expect(__LINE__, condition)

static void fails(int line, const dnn_tensor *t, const char *message)
{
    bool as_said =
        t == NULL && dnn_pending() == DNN_E_INVALID && strcmp(dnn_error_message(), message) == 0;

    expect(line, as_said && dnn_take_error() == DNN_E_INVALID);
}
#define FAILS(t, message) fails(__LINE__, t, message)

/* Numbers: every type of C; a tensor; none. */
static void binary(void)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_full(DNN_SHAPE(1), 6), *y = dnn_full(DNN_SHAPE(1), 4);

    EXPECT(dnn_value(dnn_add(x, 2)) == 8);
    EXPECT(dnn_value(dnn_add(x, 2.5f)) == 8.5);
    EXPECT(dnn_value(dnn_add(x, (int64_t)3)) == 9);
    EXPECT(dnn_value(dnn_add(x, y)) == 10);
    EXPECT(dnn_value(dnn_add(x, y, .alpha = 2)) == 14);
    EXPECT(dnn_value(dnn_sub(x, 1, .alpha = 2)) == 4);
    EXPECT(dnn_value(dnn_sub(dnn_mul(x, 2), dnn_div(y, 4.0))) == 11);
    EXPECT(dnn_value(dnn_pow(x, 2)) == 36 && dnn_value(dnn_pow(x, y)) == 1296);
    EXPECT(dnn_value(dnn_floor_divide(x, 4)) == 1 && dnn_value(dnn_remainder(x, y)) == 2);
    EXPECT(dnn_value(dnn_fmod(x, 4)) == 2 && dnn_value(dnn_maximum(x, y)) == 6);
    EXPECT(dnn_value(dnn_minimum(x, 1)) == 1 && dnn_value(dnn_add_(dnn_clone(x), 1)) == 7);
    FAILS(dnn_add(x, NULL), "add: b is NULL");
    FAILS(dnn_mul(x, NULL), "mul: b is NULL");
    FAILS(dnn_add(x, NULL, .alpha = 2), "add: b is NULL");
}

static void comparisons(void)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_full(DNN_SHAPE(1), 3), *y = dnn_full(DNN_SHAPE(1), 4);

    EXPECT(dnn_value(dnn_eq(x, 3)) == 1 && dnn_value(dnn_eq(x, y)) == 0);
    EXPECT(dnn_value(dnn_ne(x, 3)) == 0 && dnn_value(dnn_ne(x, y)) == 1);
    EXPECT(dnn_value(dnn_lt(x, 3)) == 0 && dnn_value(dnn_lt(x, y)) == 1);
    EXPECT(dnn_value(dnn_le(x, 3)) == 1 && dnn_value(dnn_le(x, y)) == 1);
    EXPECT(dnn_value(dnn_gt(x, 2)) == 1 && dnn_value(dnn_gt(x, y)) == 0);
    EXPECT(dnn_value(dnn_ge(x, 3.5)) == 0 && dnn_value(dnn_ge(x, y)) == 0);
    EXPECT(dnn_value(dnn_logical_and(x, 0)) == 0 && dnn_value(dnn_logical_or(x, y)) == 1);
    EXPECT(dnn_value(dnn_clamp(x, 0, 2)) == 2 && dnn_value(dnn_clamp(x, 3.5f, INFINITY)) == 3.5);
    EXPECT(dnn_value(dnn_clamp(x, y, y)) == 4 && dnn_value(dnn_clamp(x, y, NULL)) == 4);
    EXPECT(dnn_value(dnn_clamp(x, NULL, y)) == 3);
    EXPECT(dnn_value(dnn_clamp_(dnn_clone(x), 0, 1)) == 1);
}

static void lists(void)
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_values(DNN_T_F32, DNN_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    dnn_shape shape = dnn_shape_of(dnn_sum(x, .dims = DNN_DIMS(0), .keepdim = true));

    EXPECT(shape.ndim == 2 && shape.dim[0] == 1 && shape.dim[1] == 3);
    EXPECT(dnn_value(dnn_sum(x)) == 21 && dnn_value(dnn_sum((x))) == 21);
    EXPECT(dnn_value(dnn_sum(x, .dims = DNN_DIMS(0, -1))) == 21);
    EXPECT(dnn_size(dnn_cat(DNN_TENSORS(x, x), 0), 0) == 4);
    EXPECT(dnn_ndim(dnn_zeros(DNN_SCALAR)) == 0);
    EXPECT(dnn_numel(dnn_arange(.start = 1, .end = 4, .dtype = DNN_T_I64)) == 3);
    EXPECT(dnn_dtype_of(dnn_to(x, .dtype = DNN_T_F64, .device = "cpu")) == DNN_T_F64);
    EXPECT(dnn_size(dnn_eye(2, .m = 3), 1) == 3);
}

static bool even(int64_t n)
{
    DNN_SCOPE();
    dnn_tensor *rest = dnn_remainder(dnn_scalar((double)n), 2);

    if (n < 0) {
        goto end;
    }
    return dnn_value(rest) == 0;
end:
    return false;
}

static dnn_tensor *kept(void)
{
    DNN_SCOPE();
    DNN_RETURN(dnn_add(dnn_ones(DNN_SHAPE(1)), 1));
}

/* Scopes end by break, continue, return and goto. */
static void scopes(void)
{
    int64_t before = dnn_live_objects();

    for (int i = 0; i < 10; i++) {
        DNN_SCOPE();
        dnn_tensor *x = dnn_ones(DNN_SHAPE(3));

        if (i < 3) {
            continue;
        }
        EXPECT(dnn_numel(x) == 3);
        if (i == 5) {
            break;
        }
    }
    DNN_SCOPED
    {
        EXPECT(dnn_numel(dnn_ones(DNN_SHAPE(3))) == 3);
    }
    EXPECT(even(4) && !even(3) && !even(-1));
    EXPECT(dnn_live_objects() == before);
    DNN_SCOPED
    {
        DNN_NO_GRAD();
        EXPECT(!dnn_grad_enabled() && dnn_value(kept()) == 2);
    }
    EXPECT(dnn_grad_enabled() && dnn_live_objects() == before);
}

static dnn_tensor *negated(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_neg(x);
}

/* Transforms and samplers: options by name, lists. */
static void data(void)
{
    DNN_SCOPE();
    const double half[1] = {0.5}, weight[2] = {1, 3};
    dnn_tensor *x = dnn_ones(DNN_SHAPE(2, 1, 6, 6));
    dnn_dataset *set = dnn_dataset_tensors(&x, 1);
    dnn_transform *crop = dnn_transform_random_crop(4, .padding = 1);
    dnn_transform *all = dnn_compose(DNN_TRANSFORMS(
        dnn_transform_to_tensor(DNN_IMAGE_CHW), crop, dnn_transform_normalize(half, half, 1),
        dnn_transform_random_horizontal_flip(0.5), dnn_transform_center_crop(2, .size_w = 3),
        dnn_transform_field(0, dnn_transform_lambda(negated, NULL, NULL))));
    dnn_sampler *sampler = dnn_sampler_weighted(weight, 2, 8, .no_replacement = false);
    dnn_batch batch;

    EXPECT(dnn_size(dnn_transform_apply(crop, dnn_zeros(DNN_SHAPE(1, 6, 6))), 1) == 4);
    EXPECT(dnn_transform_apply_list(all, DNN_TENSORS(dnn_ones(DNN_SHAPE(1, 6, 6)), x)).n == 2);
    EXPECT(dnn_sampler_size(dnn_sampler_random(set, .replacement = true, .num_samples = 5)) == 5);
    EXPECT(dnn_sampler_size(dnn_sampler_distributed(set, 4, 3, .drop_last = false)) == 1);
    EXPECT(dnn_loader_next(dnn_loader(dnn_dataset_map(set, all), .batch_size = 8,
                                      .sampler = sampler, .collate = dnn_collate_pad),
                           &batch));
    EXPECT(batch.size == 8 && batch.n_fields == 1 && dnn_size(batch.field[0], 3) == 3);
    dnn_release(dnn_retain(crop));
    dnn_release(dnn_retain(sampler));
}

static void generators(void)
{
    dnn_generator *g = dnn_keep(dnn_generator_new(1));
    dnn_generator_state state = {0};

    {
        DNN_GENERATOR(g);
        dnn_rand(DNN_SHAPE(4));
    }
    dnn_rand(DNN_SHAPE(2), .dtype = DNN_T_F64, .generator = g);
    dnn_randn_like(dnn_ones(DNN_SHAPE(2)), .requires_grad = true, .generator = g);
    EXPECT(dnn_get_generator_state(g, &state) == DNN_OK);
    EXPECT(state.seed == 1 && state.stream == 0 && state.offset == 3);
    EXPECT(dnn_set_generator_state(g, state) == DNN_OK);
    dnn_release(g);
}

static void runs(void)
{
    dnn_run *run = dnn_keep(dnn_run_new());
    dnn_module *net = dnn_nn_linear(1, 1);
    const char *found;
    double number = 0, numbers[2] = {0};
    int64_t count = 0;

    EXPECT(dnn_run_add(run, "", net) == DNN_OK);
    EXPECT(dnn_run_add(run, "sgd", dnn_optim_sgd(dnn_parameters(net), 0.1)) == DNN_OK);
    EXPECT(dnn_run_add(run, "noise", dnn_generator_new(1)) == DNN_OK);
    EXPECT(dnn_run_add(run, "number", &number) == DNN_OK);
    EXPECT(dnn_run_add(run, "count", &count) == DNN_OK);
    EXPECT(dnn_run_add_numbers(run, "numbers", numbers, 2) == DNN_OK);
    EXPECT(dnn_run_set_text(run, "key", "text") == DNN_OK);
    EXPECT(dnn_run_add(run, "none", (dnn_loader *)NULL) == DNN_E_INVALID);
    EXPECT(dnn_save_checkpoint(run, "no such folder", 1) == DNN_E_IO);
    EXPECT(dnn_write_checkpoint(run, "no such folder/file") == DNN_E_IO);
    EXPECT(dnn_load_checkpoint(run, "no such file", .anyway = true) == DNN_E_IO);
    found = dnn_find_checkpoint("no such folder", .passed_over = NULL, .ctx = NULL);
    EXPECT(found == NULL && dnn_take_error() == DNN_E_IO);
    dnn_release(dnn_retain(run));
    dnn_release(run);
}

/* Every kind of object is kept, retained and released by its own pointer. */
static void objects(void)
{
    int64_t before = dnn_live_objects();

    DNN_SCOPED
    {
        dnn_tensor *x = dnn_keep(dnn_ones(DNN_SHAPE(4, 2), .requires_grad = true));
        dnn_module *net = dnn_keep(dnn_nn_sequential(
            DNN_MODULES(dnn_nn_linear(2, 3, .no_bias = true), dnn_nn_relu(), dnn_nn_linear(3, 1))));
        dnn_optimizer *sgd = dnn_keep(dnn_optim_sgd(dnn_parameters(net), 0.1, .momentum = 0.9));
        dnn_dataset *set = dnn_keep(dnn_dataset_tensors(&x, 1));
        dnn_loader *loader = dnn_keep(dnn_loader(set, .batch_size = 2));
        dnn_file *file = dnn_keep((dnn_file *)NULL);
        dnn_object *head = (dnn_object *)(void *)x;

        dnn_release(dnn_retain(x));
        dnn_release(dnn_retain(net));
        dnn_release(dnn_retain(sgd));
        dnn_release(dnn_retain(set));
        dnn_release(dnn_retain(loader));
        dnn_release(dnn_retain(file));
        dnn_release(dnn_retain(head));
        dnn_release(dnn_retain((void *)x));
        EXPECT(dnn_loader_batches(loader) == 2 && dnn_optim_get(sgd, 0, "lr") == 0.1);
        EXPECT(dnn_backward(dnn_sum(dnn_forward(net, x)), .retain_graph = true) == DNN_OK);
        EXPECT(dnn_grad(x) != NULL && dnn_step(sgd) == DNN_OK);
    }
    EXPECT(dnn_pending() == DNN_OK && dnn_live_objects() >= before);
}

/* A kind of optimizer: signs of the gradients. */
static dnn_status sign_step(dnn_optimizer *self)
{
    for (int64_t i = 0; i < dnn_optim_parameter_count(self); i++) {
        dnn_tensor *p = dnn_optim_parameter(self, i), *last = dnn_optim_make_state(self, i, "last");
        double lr = dnn_optim_get(self, dnn_optim_group_of(self, i), "lr");

        DNN_TRY(dnn_optim_assign(self, last, dnn_grad(p)));
        DNN_TRY(dnn_optim_assign(self, p, dnn_sub(p, dnn_sign(dnn_grad(p)), .alpha = lr)));
    }
    return DNN_OK;
}

static const dnn_optim_setting sign_settings[] = {{.name = "lr", .value = 0.5},
                                                  {.name = "slow", .flag = true}};
static const char *const sign_states[] = {"last"};
static const dnn_optimizer_type sign_type = {.size = sizeof(dnn_optimizer_type),
                                             .name = "sign",
                                             .bytes = sizeof(dnn_optimizer),
                                             .setting = sign_settings,
                                             .n_settings = 2,
                                             .state = sign_states,
                                             .n_states = 1,
                                             .step = sign_step};

static void optimizers(void)
{
    DNN_SCOPE();
    dnn_tensor *p = dnn_ones(DNN_SHAPE(2), .requires_grad = true),
               *q = dnn_ones(DNN_SHAPE(1), .requires_grad = true);
    dnn_optimizer *o = dnn_optim_new(&sign_type, DNN_TENSORS(p), NULL);
    int64_t group = 0;

    EXPECT(dnn_optim_add_group(o, DNN_TENSORS(q), &group) == DNN_OK && group == 1);
    EXPECT(dnn_optim_set(o, group, "lr", 0.25) == DNN_OK && dnn_optim_get(o, 0, "lr") == 0.5);
    EXPECT(dnn_optim_set(o, DNN_ALL_GROUPS, "slow", true) == DNN_OK);
    EXPECT(dnn_backward(dnn_add(dnn_sum(p), dnn_sum(q))) == DNN_OK && dnn_step(o) == DNN_OK);
    EXPECT(dnn_value(dnn_sum(p)) == 1 && dnn_value(q) == 0.75);
    EXPECT(dnn_optim_steps(o) == 1 && dnn_optim_parameter_steps(o, 1) == 1);
    EXPECT(dnn_optim_group_count(o) == 2 && dnn_optim_parameter_name(o, 1) == NULL);
    EXPECT(dnn_value(dnn_optim_state(o, 1, "last")) == 1);
}

/* ---- a module of the program ---- */

typedef struct cell {
    dnn_module base;
    int64_t width;
    double scale;
    bool causal;
} cell;

static dnn_status cell_forward(dnn_module *self, dnn_tensor_list in, dnn_tensor **out,
                               int64_t n_out)
{
    const cell *c = (const cell *)self;

    out[0] = dnn_mul(in.item[0], c->scale);
    for (int64_t i = 1; i < n_out; i++) {
        out[i] = dnn_add(out[i - 1], in.item[in.n - 1]);
    }
    return dnn_take_error();
}

static dnn_status double_output(void *ctx, dnn_module *module, dnn_tensor_list in, dnn_tensor **out,
                                int64_t n_out)
{
    ++*(int *)ctx;
    (void)module;
    out[n_out - 1] = dnn_add(out[n_out - 1], in.item[0]);
    return DNN_OK;
}

static dnn_status pass(void *ctx, dnn_module *module, dnn_tensor **in, int64_t n_in)
{
    (void)module;
    (void)in;
    *(int *)ctx += (int)n_in;
    return DNN_OK;
}

static const dnn_setting cell_settings[] = {DNN_SETTING("width", cell, width),
                                            DNN_SETTING("scale", cell, scale),
                                            DNN_SETTING("causal", cell, causal),
                                            {0}};
static const dnn_module_type cell_type = {.size = sizeof(dnn_module_type),
                                          .name = "Cell",
                                          .bytes = sizeof(cell),
                                          .forward_n = cell_forward,
                                          .settings = cell_settings};

static void modules(void)
{
    dnn_tensor *x = dnn_full(DNN_SHAPE(1), 2), *h = dnn_full(DNN_SHAPE(1), 3), *out[2];
    cell *c = (cell *)dnn_module_new(&cell_type);
    dnn_module *a = dnn_nn_linear(2, 1), *b = dnn_nn_linear(2, 1);
    int64_t id = 0, n = 0;
    int calls = 0;

    c->width = 4;
    c->scale = 10;
    EXPECT(dnn_value(dnn_forward(&c->base, x)) == 20);
    EXPECT(dnn_value(dnn_forward(&c->base, dnn_forward(&c->base, x, h), h, x)) == 200);
    EXPECT(dnn_value(dnn_forward_list(&c->base, DNN_TENSORS(h, x))) == 30);
    EXPECT(dnn_forward_n(&c->base, DNN_TENSORS(x, h), out, 2) == DNN_OK);
    EXPECT(dnn_value(out[0]) == 20 && dnn_value(out[1]) == 23);
    EXPECT(dnn_module_add_forward_hook(&c->base, double_output, &calls, NULL, &id) == DNN_OK);
    EXPECT(dnn_module_add_forward_pre_hook(&c->base, pass, &calls, NULL, NULL) == DNN_OK);
    EXPECT(dnn_value(dnn_forward(&c->base, x, h)) == 22 && calls == 3);
    EXPECT(dnn_module_remove_hook(&c->base, id) == DNN_OK);
    EXPECT(dnn_module_summary(&c->base, x, h) != NULL && dnn_module_summary(a, NULL) != NULL);
    EXPECT(dnn_module_setting(&c->base, "width") == 4 && dnn_module_setting(a, "bias") == 1);
    EXPECT(strcmp(dnn_module_format(&c->base), "Cell(width=4, scale=10.0, causal=False)") == 0);
    EXPECT(dnn_module_load_state(b, dnn_module_state(a)) == DNN_OK);
    EXPECT(dnn_module_load_state(b, dnn_module_state(a), .partial = true, .n_loaded = &n) ==
               DNN_OK &&
           n == 2);
}

int main(void)
{
    binary();
    comparisons();
    lists();
    scopes();
    generators();
    runs();
    objects();
    optimizers();
    modules();
    data();
    EXPECT(dnn_take_error() == DNN_OK);
    dnn_shutdown();
    return faults != 0;
}
