/* test_phantom.c - the three networks train 20 steps on a device whose memory the host cannot touch
 * and whose work runs late, to cpu_blas's losses; and the ladder: the operator that phantom lacks
 * is an error there, and under phantom,cpu_blas a counted, announced fallback. Needs
 * DNN_PLUGIN_PATH with the folders of cpu_blas and of phantom. */
#include <stdio.h>
#include <string.h>
#include "nets.h"

enum { STEPS = 20 };

static int passed, failed;

static void check(bool ok, const char *what)
{
    printf("%s: %s\n", ok ? "ok" : "FAILED", what);
    passed += ok;
    failed += !ok;
}

static dnn_module *cifar_new(void)
{
    return dnn_nn_sequential(DNN_MODULES(
        dnn_nn_conv2d(3, 6, 5), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2),
        dnn_nn_conv2d(6, 16, 5), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2), dnn_nn_flatten(),
        dnn_nn_linear(400, 120), dnn_nn_relu(), dnn_nn_dropout(0.1), dnn_nn_linear(120, 10)));
}

/* 20 losses of a network on a backend, data through the loader. */
static dnn_status train(const char *model, double *loss)
{
    bool cifar = strcmp(model, "cifar") == 0;
    int64_t n = STEPS * 8;
    dnn_tensor *data[2];
    dnn_module *net = cifar ? cifar_new() : strcmp(model, "mlp") == 0 ? mlp_new(0) : lenet_new(0);
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.01, .momentum = 0.9);
    dnn_dataset *set;
    dnn_loader *loader;
    dnn_batch batch;
    dnn_status st = DNN_OK;
    int i = 0;

    data[0] = dnn_to(cifar ? formula(1, DNN_SHAPE(n, 3, 32, 32), -1, 2, DNN_T_F32)
                           : formula(1, DNN_SHAPE(n, 1, 28, 28), -1, 2, DNN_T_F32),
                     .device = "cpu");
    data[1] = dnn_to(labels(2, n), .device = "cpu");
    set = dnn_dataset_tensors(data, 2);
    loader = dnn_loader(set, .batch_size = 8, .shuffle = true, .workers = 1);
    while (st == DNN_OK && i < STEPS && dnn_loader_next(loader, &batch)) {
        DNN_SCOPE();
        dnn_tensor *l = dnn_cross_entropy(dnn_forward(net, batch.input), batch.target);

        st = dnn_zero_grad(optimizer);
        st = st == DNN_OK ? dnn_backward(l) : st;
        st = st == DNN_OK ? dnn_step(optimizer) : st;
        st = st == DNN_OK ? read_value(l, &loss[i++]) : st;
    }
    dnn_release(loader);
    dnn_release(set);
    dnn_release(optimizer);
    dnn_release(net);
    return st == DNN_OK ? dnn_take_error() : st;
}

static bool losses_of(const char *backend, const char *model, double *loss)
{
    dnn_status st = dnn_init(backend);

    if (st == DNN_OK) {
        dnn_manual_seed(5);
        {
            DNN_SCOPE();
            st = train(model, loss);
        }
    }
    if (st != DNN_OK) {
        printf("%s on %s: %s\n", model, backend, dnn_error_message());
    }
    dnn_shutdown();
    if (dnn_live_tensors() != 0 || dnn_live_bytes(NULL) != 0) {
        printf("%s on %s: %lld tensors, %lld bytes left alive\n", model, backend,
               (long long)dnn_live_tensors(), (long long)dnn_live_bytes(NULL));
        return false;
    }
    return st == DNN_OK;
}

static void compare(const char *model)
{
    double ours[STEPS] = {0}, theirs[STEPS] = {0}, worst = 0;
    char what[200];
    bool ok = losses_of("cpu_blas", model, theirs) && losses_of("phantom", model, ours);

    for (int i = 0; i < STEPS; i++) {
        double error = fabs(ours[i] - theirs[i]) / fabs(theirs[i]);

        worst = error > worst || error != error ? error : worst;
    }
    snprintf(what, sizeof what,
             "%s: 20 losses on phantom equal cpu_blas's (last %.6f, worst relative error %.3g)",
             model, ours[STEPS - 1], worst);
    check(ok && worst <= 1e-6, what);
}

static char logged[2000];

static void keep_log(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    if (level >= DNN_LOG_WARN) {
        snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%s\n", text);
    }
}

/* The text names the device between the elements and the dtype, as PyTorch's device='cuda:0'. */
static void print_device(void)
{
    char text[200] = "", want[200];
    dnn_tensor *x = dnn_requires_grad_(dnn_ones(DNN_SHAPE(2), .dtype = DNN_T_F64), true);

    snprintf(want, sizeof want, "tensor([1., 1.], device='%s', dtype=f64, requires_grad=True)",
             dnn_default_device());
    check(copy_text(dnn_tensor_format(x), text, sizeof text) == (int64_t)strlen(want) &&
              strcmp(text, want) == 0,
          text);
}

static void ladder(void)
{
    dnn_counters counters;
    double value = 0;

    if (dnn_init("phantom") != DNN_OK) {
        check(false, dnn_error_message());
        return;
    }
    {
        DNN_SCOPE();
        check(strcmp(dnn_default_device(), "cpu") != 0, "the default device is phantom's");
        check(dnn_erf(dnn_ones(DNN_SHAPE(3))) == NULL && dnn_take_error() == DNN_E_DEVICE,
              "erf on phantom is an error");
        check(strstr(dnn_error_message(), "cpu_blas") != NULL, dnn_error_message());
        print_device();
    }
    dnn_shutdown();
    dnn_set_log(keep_log, NULL);
    if (dnn_init("phantom,cpu_blas") != DNN_OK) {
        check(false, dnn_error_message());
        return;
    }
    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_full(DNN_SHAPE(2, 3), 0.5, .requires_grad = true);
        dnn_status st = dnn_backward(dnn_sum(dnn_erf(x)));

        check(st == DNN_OK &&
                  read_value(dnn_select(dnn_select(dnn_grad(x), 0, 1), 0, 2), &value) == DNN_OK &&
                  fabs(value - 2 / sqrt(acos(-1)) * exp(-0.25)) < 1e-6,
              "erf and its gradient under phantom,cpu_blas");
        dnn_erf(x);
    }
    dnn_get_counters(&counters);
    check(counters.fallback_calls == 2 && counters.fallback_bytes > 0,
          "both fallbacks are counted");
    check(strstr(logged, "erf") != NULL && strstr(logged, "bytes") != NULL, logged);
    dnn_shutdown();
    dnn_set_log(NULL, NULL);
}

/* ---- groups of parameters on two devices ---- */

static dnn_status set_grad(dnn_tensor *p, double g)
{
    return dnn_set_grad(p, dnn_full(dnn_shape_of(p), g, .device = dnn_device_of(p)));
}

static bool is_near(dnn_tensor *p, double want)
{
    double value = 0;

    return read_value(dnn_select(dnn_detach(p), 0, 0), &value) == DNN_OK &&
           fabs(value - want) < 1e-6;
}

/* Group 0 has a parameter of phantom and one of the host, group 1 one of phantom. */
static dnn_status step_groups(void)
{
    dnn_tensor *w = dnn_full(DNN_SHAPE(3), 1, .requires_grad = true),
               *h = dnn_full(DNN_SHAPE(2), 1, .device = "cpu", .requires_grad = true),
               *b = dnn_full(DNN_SHAPE(2), 1, .requires_grad = true);
    dnn_optimizer *optimizer = dnn_optim_sgd(DNN_TENSORS(w, h), 0.1, .momentum = 0.5);
    dnn_counters before, after;
    double p[2] = {1, 1}, v[2] = {0, 0};

    DNN_TRY(dnn_optim_add_group(optimizer, DNN_TENSORS(b), NULL));
    DNN_TRY(dnn_optim_set(optimizer, 1, "lr", 0.5));
    DNN_TRY(dnn_optim_set(optimizer, 1, "weight_decay", 0.1));
    for (int i = 0; i < 4; i++) {
        double g = 1 - 0.7 * i;

        DNN_TRY(dnn_optim_set(optimizer, 1, "momentum", 0.2 * i));
        DNN_TRY(set_grad(w, g));
        DNN_TRY(set_grad(h, g));
        DNN_TRY(set_grad(b, g));
        v[0] = i == 0 ? g : 0.5 * v[0] + g;
        p[0] -= 0.1 * v[0];
        v[1] = i < 2 ? g + 0.1 * p[1] : 0.2 * i * v[1] + g + 0.1 * p[1];
        p[1] -= 0.5 * v[1];
        dnn_get_counters(&before);
        DNN_TRY(dnn_step(optimizer));
        dnn_get_counters(&after);
        check(after.calls - before.calls == 3, "a kernel for each group and device");
        check(is_near(w, p[0]) && is_near(h, p[0]) && is_near(b, p[1]), "groups on two devices");
    }
    return dnn_take_error();
}

/* One parameter, which is on more devices in turn than there are parameters. */
static dnn_status move_about(void)
{
    dnn_module *net = dnn_nn_linear(1, 1, .no_bias = true);
    dnn_tensor *w = dnn_module_tensor(net, "weight");
    dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.5);

    dnn_init_constant(w, 4);
    for (int i = 0; i < 4; i++) {
        DNN_TRY(dnn_module_to(net, .device = i % 2 == 0 ? "cpu" : dnn_default_device()));
        DNN_TRY(set_grad(w, 1));
        DNN_TRY(dnn_step(optimizer));
    }
    check(is_near(dnn_flatten(w, 0, -1), 2), "an optimizer follows its parameter to other devices");
    return dnn_take_error();
}

static void groups(void)
{
    dnn_status st = dnn_init("phantom,cpu_blas");

    if (st == DNN_OK) {
        DNN_SCOPE();
        st = step_groups();
        st = st == DNN_OK ? move_about() : st;
    }
    check(st == DNN_OK, st == DNN_OK ? "groups" : dnn_error_message());
    dnn_shutdown();
}

/* ---- modules whose parameters are on the device ---- */

static dnn_status cell_forward(dnn_module *self, dnn_tensor_list in, dnn_tensor **out,
                               int64_t n_out)
{
    out[0] = dnn_forward(dnn_module_child(self, "input"), in.item[0]);
    out[0] = dnn_add(out[0], in.item[1]);
    for (int64_t i = 1; i < n_out; i++) {
        out[i] = dnn_mul(out[0], 2);
    }
    return dnn_take_error();
}

static const dnn_module_type cell_type = {.size = sizeof(dnn_module_type),
                                          .name = "Cell",
                                          .bytes = sizeof(dnn_module),
                                          .forward_n = cell_forward,
                                          .n_in = 2};

static dnn_status add_one(void *ctx, dnn_module *module, dnn_tensor **in, int64_t n_in)
{
    (void)ctx;
    (void)module;
    in[n_in - 1] = dnn_add(in[n_in - 1], 1);
    return DNN_OK;
}

static dnn_status negate_outputs(void *ctx, dnn_module *module, dnn_tensor_list in,
                                 dnn_tensor **out, int64_t n_out)
{
    (void)module;
    (void)in;
    for (int64_t i = 0; i < n_out; i++) {
        out[i] = dnn_mul(out[i], -1);
    }
    ++*(int *)ctx;
    return DNN_OK;
}

static dnn_module *new_cell(double weight)
{
    dnn_module *cell = dnn_module_new(&cell_type);
    dnn_module *input = dnn_module_add(cell, "input", dnn_nn_linear(1, 1));

    dnn_init_constant(dnn_module_tensor(input, "weight"), weight);
    dnn_init_constant(dnn_module_tensor(input, "bias"), 0);
    return cell;
}

/* forward_n with hooks: h + 1 goes in, minus the outputs come out. */
static void hooked_cell(dnn_module *cell)
{
    dnn_tensor *x = dnn_full(DNN_SHAPE(1, 1), 5), *h = dnn_full(DNN_SHAPE(1, 1), 2), *out[2];
    double a = 0, b = 0;
    int calls = 0;
    int64_t id = 0;
    bool added = dnn_module_add_forward_pre_hook(cell, add_one, NULL, NULL, NULL) == DNN_OK &&
                 dnn_module_add_forward_hook(cell, negate_outputs, &calls, NULL, &id) == DNN_OK;

    check(added && dnn_forward_n(cell, DNN_TENSORS(x, h), out, 2) == DNN_OK &&
              read_value(out[0], &a) == DNN_OK && read_value(out[1], &b) == DNN_OK && a == -18 &&
              b == -36 && calls == 1,
          "forward_n and hooks of a module on phantom");
    check(dnn_module_remove_hook(cell, id) == DNN_OK &&
              read_value(dnn_forward(cell, x, h), &a) == DNN_OK && a == 18,
          "a hook of a module on phantom is removed");
    check(dnn_module_summary(cell, x, h) != NULL, "a summary of a module on phantom");
}

/* A state goes from phantom to cpu and back, into a parameter with a view too. */
static void copied_states(const char *device)
{
    dnn_module *a = new_cell(3), *b = new_cell(7), *host = new_cell(1);
    dnn_tensor *view = dnn_detach(dnn_module_tensor(b, "input.weight"));
    double value = 0;

    check(dnn_module_load_state(b, dnn_module_state(a)) == DNN_OK &&
              read_value(view, &value) == DNN_OK && value == 3,
          "a state is copied on phantom, views see it");
    check(dnn_module_to(host, .device = "cpu") == DNN_OK &&
              dnn_module_load_state(host, dnn_module_state(a)) == DNN_OK &&
              strcmp(dnn_device_of(dnn_module_tensor(host, "input.weight")), "cpu") == 0 &&
              read_value(dnn_module_tensor(host, "input.weight"), &value) == DNN_OK && value == 3,
          "a state of phantom is loaded on cpu");
    dnn_init_constant(dnn_module_tensor(a, "input.weight"), 9);
    check(dnn_module_load_state(a, dnn_module_state(host)) == DNN_OK &&
              strcmp(dnn_device_of(dnn_module_tensor(a, "input.weight")), device) == 0 &&
              read_value(dnn_module_tensor(a, "input.weight"), &value) == DNN_OK && value == 3,
          "a state of cpu is loaded on phantom");
    check(dnn_module_load_state(a, dnn_module_state(a)) == DNN_OK &&
              read_value(dnn_module_tensor(a, "input.weight"), &value) == DNN_OK && value == 3,
          "a module on phantom takes its own state");
}

/* The error names the module's place and both devices. */
static void another_device(dnn_module *cell, const char *device)
{
    dnn_tensor *x = dnn_full(DNN_SHAPE(1, 1), 5, .device = "cpu");
    bool refused = dnn_forward(cell, x, dnn_full(DNN_SHAPE(1, 1), 2)) == NULL &&
                   dnn_take_error() == DNN_E_INVALID;
    const char *said = dnn_error_message();

    check(refused && strstr(said, "Cell.input (Linear): linear: ") == said &&
              strstr(said, "x on cpu") != NULL && strstr(said, "w on ") != NULL &&
              strstr(said, device) != NULL,
          said);
}

static void modules(void)
{
    if (dnn_init("phantom,cpu_blas") != DNN_OK) {
        check(false, dnn_error_message());
        return;
    }
    {
        DNN_SCOPE();
        dnn_module *cell = new_cell(3);

        hooked_cell(cell);
        copied_states(dnn_default_device());
        another_device(new_cell(3), dnn_default_device());
        check(dnn_take_error() == DNN_OK, "no error is left");
    }
    dnn_shutdown();
    check(dnn_live_objects() == 0, "no object is left");
}

int main(void)
{
    modules();
    compare("mlp");
    compare("lenet");
    compare("cifar");
    ladder();
    groups();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
