// use.cc - calls the public functions in every form that they have in C++, and runs them.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <dnn/dnn.h>
#include <dnn/print.h>

static int faults;

static void expect(int line, bool holds)
{
    if (!holds) {
        std::printf("use.cc:%d: does not hold; the message is \"%s\"\n", line, dnn_error_message());
        faults++;
    }
}
#define EXPECT(condition) expect(__LINE__, condition)

static void fails(int line, const dnn_tensor *t, const char *message)
{
    bool as_said = t == nullptr && dnn_pending() == DNN_E_INVALID &&
                   std::strcmp(dnn_error_message(), message) == 0;

    expect(line, as_said && dnn_take_error() == DNN_E_INVALID);
}
#define FAILS(t, message) fails(__LINE__, t, message)

// Options as a struct; lists() names them.
static dnn_tensor *filled(double value)
{
    dnn_full_args args = dnn_full_args();

    args.shape = DNN_SHAPE(1);
    args.value = value;
    return dnn_full_with(args);
}

static void binary()
{
    DNN_SCOPE();
    dnn_tensor *x = filled(6), *y = filled(4);
    dnn_alpha_args alpha = dnn_alpha_args();

    alpha.alpha = 2;
    EXPECT(dnn_value(dnn_add(x, 2)) == 8);
    EXPECT(dnn_value(dnn_add(x, 2.5f)) == 8.5);
    EXPECT(dnn_value(dnn_add(x, static_cast<int64_t>(3))) == 9);
    EXPECT(dnn_value(dnn_add(x, y)) == 10);
    EXPECT(dnn_value(dnn_add(x, y, alpha)) == 14);
    EXPECT(dnn_value(dnn_sub(dnn_mul(x, 2), dnn_div(y, 4.0))) == 11);
    EXPECT(dnn_value(dnn_pow(x, 2)) == 36 && dnn_value(dnn_pow(x, y)) == 1296);
    EXPECT(dnn_value(dnn_floor_divide(x, 4)) == 1 && dnn_value(dnn_remainder(x, y)) == 2);
    EXPECT(dnn_value(dnn_fmod(x, 4)) == 2 && dnn_value(dnn_maximum(x, y)) == 6);
    EXPECT(dnn_value(dnn_minimum(x, 1)) == 1 && dnn_value(dnn_add_(dnn_clone(x), 1)) == 7);
    FAILS(dnn_add(x, nullptr), "add: b is NULL");
    FAILS(dnn_mul(x, nullptr), "mul: b is NULL");
}

static void comparisons()
{
    DNN_SCOPE();
    dnn_tensor *x = filled(3), *y = filled(4);

    EXPECT(dnn_value(dnn_eq(x, 3)) == 1 && dnn_value(dnn_eq(x, y)) == 0);
    EXPECT(dnn_value(dnn_ne(x, 3)) == 0 && dnn_value(dnn_ne(x, y)) == 1);
    EXPECT(dnn_value(dnn_lt(x, 3)) == 0 && dnn_value(dnn_lt(x, y)) == 1);
    EXPECT(dnn_value(dnn_le(x, 3)) == 1 && dnn_value(dnn_le(x, y)) == 1);
    EXPECT(dnn_value(dnn_gt(x, 2)) == 1 && dnn_value(dnn_gt(x, y)) == 0);
    EXPECT(dnn_value(dnn_ge(x, 3.5)) == 0 && dnn_value(dnn_ge(x, y)) == 0);
    EXPECT(dnn_value(dnn_logical_and(x, 0)) == 0 && dnn_value(dnn_logical_or(x, y)) == 1);
    EXPECT(dnn_value(dnn_clamp(x, 0, 2)) == 2 && dnn_value(dnn_clamp(x, 3.5f, 9.0)) == 3.5);
    EXPECT(dnn_value(dnn_clamp(x, y, y)) == 4 && dnn_value(dnn_clamp(x, y, nullptr)) == 4);
    EXPECT(dnn_value(dnn_clamp(x, nullptr, y)) == 3);
    EXPECT(dnn_value(dnn_clamp_(dnn_clone(x), 0, 1)) == 1);
}

static void lists()
{
    DNN_SCOPE();
    dnn_tensor *x = dnn_values(DNN_T_F32, DNN_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    dnn_reduce_args args = dnn_reduce_args();

    args.x = x;
    args.dims = DNN_DIMS(0, -1);
    EXPECT(dnn_value(dnn_sum_with(args)) == 21);
    EXPECT(dnn_size(dnn_cat(DNN_TENSORS(x, x), 0), 0) == 4);
    EXPECT(dnn_ndim(dnn_reshape(filled(1), DNN_SCALAR)) == 0);
    dnn_shape shape = dnn_shape_of(dnn_sum(x, .dims = DNN_DIMS(0), .keepdim = true));

    EXPECT(shape.ndim == 2 && shape.dim[0] == 1 && shape.dim[1] == 3);
    EXPECT(dnn_value(dnn_sum(x)) == 21 && dnn_value(dnn_sum((x))) == 21);
    EXPECT(dnn_numel(dnn_arange(.start = 1, .end = 4, .dtype = DNN_T_I64)) == 3);
    EXPECT(dnn_dtype_of(dnn_to(x, .dtype = DNN_T_F64, .device = "cpu")) == DNN_T_F64);
    EXPECT(dnn_value(dnn_full(DNN_SHAPE(1), 5, .dtype = DNN_T_F64)) == 5);
}

static bool even(int64_t n)
{
    DNN_SCOPE();

    if (n < 0) {
        goto end;
    }
    return dnn_value(dnn_remainder(filled(static_cast<double>(n)), 2)) == 0;
end:
    return false;
}

static dnn_tensor *kept()
{
    DNN_SCOPE();
    DNN_RETURN(dnn_add(filled(1), 1));
}

static void scopes()
{
    int64_t before = dnn_live_objects();

    for (int i = 0; i < 10; i++) {
        DNN_SCOPE();
        dnn_tensor *x = filled(i);

        if (i < 3) {
            continue;
        }
        EXPECT(dnn_value(x) == i);
        if (i == 5) {
            break;
        }
    }
    DNN_SCOPED
    {
        EXPECT(dnn_value(filled(3)) == 3);
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

static void generators()
{
    dnn_generator *g = dnn_keep(dnn_generator_new(1));
    dnn_generator_state state = dnn_generator_state();

    {
        DNN_GENERATOR(g);
        dnn_uniform_(filled(0), 0, 1);
    }
    EXPECT(dnn_get_generator_state(g, &state) == DNN_OK && state.offset == 1);
    EXPECT(dnn_set_generator_state(g, state) == DNN_OK);
    dnn_release(dnn_retain(g));
    dnn_release(g);
}

static void runs()
{
    dnn_run *run = dnn_keep(dnn_run_new());
    double number = 0;
    int64_t count = 0;

    EXPECT(dnn_run_add(run, "noise", dnn_generator_new(1)) == DNN_OK);
    EXPECT(dnn_run_add(run, "number", &number) == DNN_OK);
    EXPECT(dnn_run_add(run, "count", &count) == DNN_OK);
    EXPECT(dnn_run_add(run, "net", dnn_nn_sequential(DNN_MODULES(dnn_nn_relu()))) == DNN_OK);
    EXPECT(dnn_run_add(run, "none", static_cast<dnn_optimizer *>(nullptr)) == DNN_E_INVALID);
    EXPECT(dnn_run_add(run, "none", static_cast<dnn_loader *>(nullptr)) == DNN_E_INVALID);
    EXPECT(dnn_load_checkpoint(run, "no such file") == DNN_E_IO);
    EXPECT(dnn_find_checkpoint("no such folder") == nullptr && dnn_take_error() == DNN_E_IO);
    dnn_release(run);
}

static void objects()
{
    DNN_SCOPED
    {
        dnn_tensor *x = dnn_requires_grad_(dnn_keep(filled(1)), true);
        dnn_module *net = dnn_keep(dnn_nn_sequential(DNN_MODULES(dnn_nn_flatten(), dnn_nn_relu())));
        dnn_dataset *set = dnn_keep(dnn_dataset_tensors(&x, 1));
        dnn_loader_args loader_args = dnn_loader_args();
        dnn_optim_sgd_args sgd_args = dnn_optim_sgd_args();

        loader_args.set = set;
        sgd_args.parameters.n = 1;
        sgd_args.parameters.item = &x;
        sgd_args.lr = 0.1;
        dnn_loader *loader = dnn_keep(dnn_loader_with(loader_args));
        dnn_optimizer *sgd = dnn_keep(dnn_optim_sgd_with(sgd_args));
        dnn_file *file = dnn_keep(static_cast<dnn_file *>(nullptr));
        dnn_object *head = dnn_object_of(x);

        dnn_release(dnn_retain(x));
        dnn_release(dnn_retain(net));
        dnn_release(dnn_retain(sgd));
        dnn_release(dnn_retain(set));
        dnn_release(dnn_retain(loader));
        dnn_release(dnn_retain(file));
        dnn_release(dnn_retain(head));
        EXPECT(dnn_loader_batches(loader) == 1 && dnn_optim_get(sgd, 0, "lr") == 0.1);
    }
    EXPECT(dnn_pending() == DNN_OK);
}

/* A kind of optimizer: a struct that begins with dnn_optimizer. */
struct counting {
    dnn_optimizer base;
    int64_t calls;
};

static dnn_status count_step(dnn_optimizer *self)
{
    reinterpret_cast<counting *>(self)->calls++;
    for (int64_t i = 0; i < dnn_optim_parameter_count(self); i++) {
        dnn_tensor *p = dnn_optim_parameter(self, i), *sum = dnn_optim_make_state(self, i, "sum");

        DNN_TRY(dnn_optim_assign(self, sum, dnn_add(sum, dnn_grad(p))));
        DNN_TRY(dnn_optim_assign(self, p, dnn_sub(p, dnn_optim_get(self, 0, "lr"))));
    }
    return DNN_OK;
}

static void optimizers()
{
    DNN_SCOPED
    {
        static const char *const states[] = {"sum"};
        dnn_optim_setting lr = dnn_optim_setting();
        dnn_optimizer_type type = dnn_optimizer_type();
        dnn_tensor *p = dnn_requires_grad_(filled(1), true),
                   *q = dnn_requires_grad_(filled(2), true);
        const double value[] = {0.5};
        int64_t group = 0;

        lr.name = "lr";
        lr.required = true;
        type.size = sizeof(dnn_optimizer_type);
        type.name = "counting";
        type.bytes = sizeof(counting);
        type.setting = &lr;
        type.n_settings = 1;
        type.state = states;
        type.n_states = 1;
        type.step = count_step;
        dnn_optimizer *o = dnn_optim_new(&type, DNN_TENSORS(p), value);

        EXPECT(o != nullptr && dnn_optim_add_group(o, DNN_TENSORS(q), &group) == DNN_OK);
        EXPECT(dnn_optim_set(o, DNN_ALL_GROUPS, "lr", 0.25) == DNN_OK);
        EXPECT(dnn_backward(dnn_sum(dnn_add(p, q))) == DNN_OK && dnn_step(o) == DNN_OK);
        EXPECT(reinterpret_cast<counting *>(o)->calls == 1 && dnn_optim_steps(o) == 1);
        dnn_release(o);
    }
    EXPECT(dnn_pending() == DNN_OK);
}

/* ---- a module of the program ---- */

struct cell {
    dnn_module base;
    int64_t width;
    double scale;
    bool causal;
};

static dnn_status cell_forward(dnn_module *self, dnn_tensor_list in, dnn_tensor **out,
                               int64_t n_out)
{
    const cell *c = reinterpret_cast<const cell *>(self);

    out[0] = dnn_mul(in.item[0], c->scale);
    for (int64_t i = 1; i < n_out; i++) {
        out[i] = dnn_add(out[i - 1], in.item[in.n - 1]);
    }
    return dnn_take_error();
}

static dnn_status double_output(void *ctx, dnn_module *, dnn_tensor_list in, dnn_tensor **out,
                                int64_t n_out)
{
    ++*static_cast<int *>(ctx);
    out[n_out - 1] = dnn_add(out[n_out - 1], in.item[0]);
    return DNN_OK;
}

static const dnn_setting cell_settings[] = {DNN_SETTING("width", cell, width),
                                            DNN_SETTING("scale", cell, scale),
                                            DNN_SETTING("causal", cell, causal),
                                            {}};

static dnn_module_type cell_type()
{
    dnn_module_type type = dnn_module_type();

    type.size = sizeof type;
    type.name = "Cell";
    type.bytes = sizeof(cell);
    type.forward_n = cell_forward;
    type.settings = cell_settings;
    return type;
}

static void modules()
{
    static const dnn_module_type type = cell_type();
    dnn_tensor *x = filled(2), *h = filled(3), *out[2];
    cell *c = reinterpret_cast<cell *>(dnn_module_new(&type));
    dnn_module *a = dnn_nn_adaptive_avg_pool2d(1, 2), *b = dnn_nn_flatten();
    dnn_load_state_args load = dnn_load_state_args();
    int64_t id = 0;
    int calls = 0;

    c->width = 4;
    c->scale = 10;
    EXPECT(dnn_value(dnn_forward(&c->base, x)) == 20);
    EXPECT(dnn_value(dnn_forward(&c->base, dnn_forward(&c->base, x, h), h, x)) == 200);
    EXPECT(dnn_value(dnn_forward_list(&c->base, DNN_TENSORS(h, x))) == 30);
    EXPECT(dnn_forward_n(&c->base, DNN_TENSORS(x, h), out, 2) == DNN_OK);
    EXPECT(dnn_value(out[0]) == 20 && dnn_value(out[1]) == 23);
    EXPECT(dnn_module_add_forward_hook(&c->base, double_output, &calls, nullptr, &id) == DNN_OK);
    EXPECT(dnn_value(dnn_forward(&c->base, x, h)) == 22 && calls == 1);
    EXPECT(dnn_module_remove_hook(&c->base, id) == DNN_OK);
    EXPECT(dnn_module_summary(&c->base, x, h) != nullptr);
    EXPECT(dnn_module_summary(&c->base, nullptr) != nullptr);
    EXPECT(dnn_module_setting(&c->base, "width") == 4 && dnn_module_setting(a, "output_w") == 2);
    EXPECT(std::strcmp(dnn_module_format(&c->base), "Cell(width=4, scale=10.0, causal=False)") ==
           0);
    load.module = b;
    load.state = dnn_module_state(b);
    EXPECT(dnn_module_load_state_with(load) == DNN_OK);
#if __cplusplus >= 202002L
    EXPECT(dnn_module_load_state(b, dnn_module_state(b), .partial = true) == DNN_OK);
#endif
    EXPECT(dnn_module_load_state(b, dnn_module_state(b)) == DNN_OK);
}

static void data()
{
    DNN_SCOPE();
    const double weight[2] = {1, 3};
    dnn_tensor *x = filled(1);
    dnn_dataset *set = dnn_dataset_tensors(&x, 1);
    dnn_transform *flip = dnn_transform_random_horizontal_flip(0.5);
    dnn_transform *all = dnn_compose(
        DNN_TRANSFORMS(dnn_transform_to_tensor(DNN_IMAGE_CHW), flip, dnn_compose({})));
    dnn_sampler_weighted_args weighted = dnn_sampler_weighted_args();

    EXPECT(all == nullptr && dnn_take_error() == DNN_E_INVALID);
    all = dnn_compose(DNN_TRANSFORMS(dnn_transform_to_tensor(DNN_IMAGE_CHW), flip));
    weighted.weight = weight;
    weighted.n = 2;
    weighted.num_samples = 8;
    dnn_sampler *sampler = dnn_sampler_weighted_with(weighted);
    dnn_release(dnn_retain(flip));
    dnn_release(dnn_retain(sampler));
    EXPECT(dnn_keep(all) == all && dnn_sampler_size(sampler) == 8);
    EXPECT(dnn_dataset_fields(dnn_dataset_map(set, all)) == -1);
}

int main()
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
