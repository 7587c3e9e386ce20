/* test_own_kind.c - tests kinds of optimizers that a program brings: Adam of the examples against
 * its formula, what a failed step undoes, checkpoints, and the checks of the type. */
#define main own_optimizer_main
#include "../../../docs/examples/own_optimizer.c"
#undef main
#include "folder.h"

static void init(void)
{
    unit_init();
    folder_make();
}

static void fini(void)
{
    folder_drop();
    unit_fini();
}

TestSuite(own_kind, .init = init, .fini = fini, .timeout = 120);

static void set_grad(dnn_tensor *p, double g)
{
    cr_assert_eq(dnn_set_grad(p, dnn_full(dnn_shape_of(p), g, .dtype = dnn_dtype_of(p))), DNN_OK,
                 "%s", dnn_error_message());
}

static void step(dnn_optimizer *optimizer)
{
    cr_assert_eq(dnn_step(optimizer), DNN_OK, "%s", dnn_error_message());
}

/* ---- Adam ---- */

struct number { /* one parameter of one element */
    double p, m, v;
    int t;
};

/* The formula of torch.optim.Adam, one number in double precision. */
static void by_hand(struct number *x, double g, const double *setting)
{
    g += setting[WEIGHT_DECAY] * x->p;
    x->t++;
    x->m = setting[BETA1] * x->m + (1 - setting[BETA1]) * g;
    x->v = setting[BETA2] * x->v + (1 - setting[BETA2]) * g * g;
    x->p -= setting[LR] * (x->m / (1 - pow(setting[BETA1], x->t))) /
            (sqrt(x->v / (1 - pow(setting[BETA2], x->t))) + setting[EPS]);
}

static double gradient(int step, int parameter)
{
    return sin(1.7 * step + parameter) * (1 + parameter);
}

Test(own_kind, adam_follows_its_formula)
{
    static const double settings[][SETTINGS] = {
        {1e-3, 0.9, 0.999, 1e-8, 0}, {0.1, 0.5, 0.9, 1e-4, 0}, {0.02, 0, 0.99, 1e-8, 0.3}};

    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        dnn_tensor *wide = LEAF(S(2), 1, 1),
                   *narrow = dnn_requires_grad_(F32(S(3), 0.5, 0.5, 0.5), true);
        dnn_optimizer *adam = dnn_optim_new(&adam_type, DNN_TENSORS(wide, narrow), settings[k]);
        struct number want[2] = {{.p = 1}, {.p = 0.5}};

        cr_assert_not_null(adam, "%s", dnn_error_message());
        for (int i = 0; i < 20; i++) {
            double got[3];

            set_grad(wide, gradient(i, 0));
            by_hand(&want[0], gradient(i, 0), settings[k]);
            if (i % 3 == 2) { /* this parameter takes part in every third step: it has its own t */
                set_grad(narrow, gradient(i, 1));
                by_hand(&want[1], gradient(i, 1), settings[k]);
            }
            step(adam);
            cr_assert_eq(dnn_zero_grad(adam), DNN_OK);
            EXPECT(dnn_detach(wide), DNN_T_F64, S(2), want[0].p, want[0].p);
            cr_assert_eq(dnn_to_list(narrow, got, 3), DNN_OK);
            cr_expect(fabs(got[2] - want[1].p) < 1e-6, "row %zu, step %d: %.9g, not %.9g", k, i,
                      got[2], want[1].p);
        }
        EXPECT(dnn_optim_state(adam, 0, "exp_avg"), DNN_T_F64, S(2), want[0].m, want[0].m);
        EXPECT(dnn_optim_state(adam, 0, "exp_avg_sq"), DNN_T_F64, S(2), want[0].v, want[0].v);
        cr_expect_eq(dnn_optim_parameter_steps(adam, 0), 20);
        cr_expect_eq(dnn_optim_parameter_steps(adam, 1), 6);
        cr_expect_eq(dnn_optim_steps(adam), 20);
    }
}

/* p = 1 and the gradients 0.5, -2, 3, 0.25: the values of the formula, worked out once. The first
 * step of Adam is lr g / (|g| + eps). */
Test(own_kind, adam_gives_the_numbers_on_paper)
{
    static const double g[] = {0.5, -2, 3, 0.25};
    dnn_tensor *p = LEAF(S(1), 1);
    dnn_optimizer *adam =
        dnn_optim_new(&adam_type, DNN_TENSORS(p), (double[]){0.1, 0.9, 0.999, 1e-8, 0});

    for (int i = 0; i < 4; i++) {
        set_grad(p, g[i]);
        step(adam);
        if (i == 0) {
            EXPECT(dnn_detach(p), DNN_T_F64, S(1), 1 - 0.1 * 0.5 / (0.5 + 1e-8));
        }
    }
    EXPECT(dnn_detach(p), DNN_T_F64, S(1), 0.90077170279552721);
}

/* ---- a checkpoint ---- */

static dnn_module *two_layers(uint64_t seed)
{
    dnn_manual_seed(seed);
    return dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(3, 4), dnn_nn_tanh(), dnn_nn_linear(4, 2)));
}

static dnn_optimizer *two_groups(dnn_module *net, double lr)
{
    dnn_optimizer *adam = dnn_optim_new(&adam_type, dnn_parameters(dnn_module_child(net, "0")),
                                        (double[]){lr, 0.9, 0.99, 1e-8, 0});
    int64_t group;

    cr_assert_eq(dnn_optim_add_group(adam, dnn_parameters(dnn_module_child(net, "2")), &group),
                 DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_optim_set(adam, group, "beta1", 0.5), DNN_OK);
    return adam;
}

static void train(dnn_module *net, dnn_optimizer *adam, int steps)
{
    for (int i = 0; i < steps; i++) {
        DNN_SCOPE();
        dnn_tensor *x = dnn_rand(S(5, 3));

        cr_assert_eq(dnn_zero_grad(adam), DNN_OK);
        unit_backward(dnn_mean(dnn_square(dnn_forward(net, x))));
        step(adam);
    }
}

static void expect_same_file(const char *a, const char *b)
{
    size_t na, nb;
    unsigned char *x = read_whole(in_folder(a), &na), *y = read_whole(in_folder(b), &nb);

    cr_expect(na == nb && memcmp(x, y, na) == 0, "%s and %s differ", a, b);
    free(x);
    free(y);
}

static dnn_run *run_of(dnn_module *net, dnn_optimizer *optimizer)
{
    dnn_run *run = dnn_run_new();

    cr_assert_eq(dnn_run_add(run, "", net), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "own", optimizer), DNN_OK);
    return run;
}

Test(own_kind, a_run_is_resumed_bit_for_bit)
{
    dnn_module *a = two_layers(1), *b = two_layers(2);
    dnn_optimizer *of_a = two_groups(a, 0.01), *of_b = two_groups(b, 0.5);
    dnn_run *run_a = run_of(a, of_a), *run_b = run_of(b, of_b);

    train(a, of_a, 3);
    cr_assert_eq(dnn_write_checkpoint(run_a, in_folder("half")), DNN_OK, "%s", dnn_error_message());
    train(a, of_a, 3);
    cr_assert_eq(dnn_write_checkpoint(run_a, in_folder("whole")), DNN_OK);
    cr_assert_eq(dnn_load_checkpoint(run_b, in_folder("half")), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(dnn_optim_get(of_b, 0, "lr"), 0.01);
    cr_expect_eq(dnn_optim_get(of_b, 1, "beta1"), 0.5);
    cr_expect_eq(dnn_optim_parameter_steps(of_b, 3), 3);
    train(b, of_b, 3);
    cr_assert_eq(dnn_write_checkpoint(run_b, in_folder("resumed")), DNN_OK);
    expect_same_file("whole", "resumed");
}

Test(own_kind, a_checkpoint_of_other_groups_is_refused)
{
    dnn_module *a = two_layers(1);
    dnn_optimizer *of_a = two_groups(a, 0.01),
                  *one = dnn_optim_new(&adam_type, dnn_parameters(a), NULL);

    cr_assert_eq(dnn_write_checkpoint(run_of(a, of_a), in_folder("a")), DNN_OK);
    EXPECT_STATUS_FAIL(dnn_load_checkpoint(run_of(a, one), in_folder("a")), "\"groups\":[2,2]",
                       "\"groups\":[4]");
    EXPECT_STATUS_FAIL(
        dnn_load_checkpoint(run_of(a, dnn_optim_sgd(dnn_parameters(a), 0.1)), in_folder("a")),
        "adam", "sgd");
}

/* ---- a step that fails ---- */

enum how { RETURNS, LEAVES, IN_THE_COPY, SUCCEEDS };
typedef struct failing {
    dnn_optimizer base;
    enum how how;
    int64_t freed;
} failing;

/* Makes a state, notes new values, and fails as it is told. */
static dnn_status failing_step(dnn_optimizer *self)
{
    const failing *f = (failing *)self;
    dnn_tensor *p = dnn_optim_parameter(self, 0), *sum = dnn_optim_make_state(self, 0, "sum");

    DNN_TRY(dnn_optim_assign(self, sum, dnn_add(sum, dnn_grad(p))));
    DNN_TRY(dnn_optim_assign(self, p, dnn_sub(p, dnn_grad(p))));
    switch (f->how) {
    case RETURNS:
        return dnn_fail(DNN_E_INVALID, "failing: told to fail");
    case LEAVES:
        dnn_add(p, F64(S(5), 1, 2, 3, 4, 5));
        return DNN_OK;
    case IN_THE_COPY:
        return dnn_optim_assign(self, dnn_expand(F64(S(1), 1), S(2)), dnn_grad(p));
    default:
        return DNN_OK;
    }
}

static int64_t freed;
static void count_free(dnn_optimizer *self)
{
    freed += ((failing *)self)->freed;
}

static const char *const failing_states[] = {"other", "sum"};
static const dnn_optimizer_type failing_type = {.size = sizeof(dnn_optimizer_type),
                                                .name = "failing",
                                                .bytes = sizeof(failing),
                                                .state = failing_states,
                                                .n_states = 2,
                                                .step = failing_step,
                                                .free = count_free};

Test(own_kind, a_failed_step_changes_nothing)
{
    dnn_tensor *p = LEAF(S(2), 1, 2);
    failing *f = (failing *)dnn_optim_new(&failing_type, DNN_TENSORS(p), NULL);
    static const char *const said[] = {[RETURNS] = "step of failing: told to fail",
                                       [LEAVES] = "step of failing: add",
                                       [IN_THE_COPY] = "overlaps itself"};

    cr_assert_not_null(f, "%s", dnn_error_message());
    set_grad(p, 1);
    for (f->how = RETURNS; f->how < SUCCEEDS; f->how++) {
        EXPECT_STATUS_FAIL(dnn_step(&f->base), said[f->how]);
        EXPECT(dnn_detach(p), DNN_T_F64, S(2), 1, 2);
        cr_expect_null(dnn_optim_state(&f->base, 0, "sum"));
        cr_expect_eq(dnn_optim_steps(&f->base), 0);
        cr_expect_eq(dnn_optim_parameter_steps(&f->base, 0), 0);
    }
    step(&f->base);
    EXPECT(dnn_detach(p), DNN_T_F64, S(2), 0, 1);
    EXPECT(dnn_optim_state(&f->base, 0, "sum"), DNN_T_F64, S(2), 1, 1);
    cr_expect_null(dnn_optim_state(&f->base, 0, "other"));
    f->how = LEAVES; /* a state from before stays */
    EXPECT_STATUS_FAIL(dnn_step(&f->base), "add");
    EXPECT(dnn_optim_state(&f->base, 0, "sum"), DNN_T_F64, S(2), 1, 1);
    f->freed = 1;
    dnn_release(&f->base);
    cr_expect_eq(freed, 1);
}

/* ---- calls in and outside a step ---- */

static dnn_status misused_step(dnn_optimizer *self)
{
    dnn_tensor *p = dnn_optim_parameter(self, 0);

    EXPECT_STATUS_FAIL(dnn_step(self), "misused", "in a step");
    EXPECT_STATUS_FAIL(dnn_optim_add_group(self, DNN_TENSORS(LEAF(S(1), 1)), NULL), "misused",
                       "in a step");
    EXPECT_STATUS_FAIL(dnn_optim_assign(self, p, F64(S(3), 1, 2, 3)), "f64 [2]", "f64 [3]");
    EXPECT_STATUS_FAIL(dnn_optim_assign(self, p, F32(S(2), 1, 2)), "f64 [2]", "f32 [2]");
    EXPECT_STATUS_FAIL(dnn_optim_assign(self, NULL, p), "target is NULL");
    EXPECT_FAIL(dnn_optim_make_state(self, 0, "summ"), "misused", "\"summ\"", "other, sum");
    EXPECT_FAIL(dnn_optim_make_state(self, 1, "sum"), "parameter 1", "misused");
    cr_expect(!dnn_grad_enabled());
    return DNN_OK;
}

Test(own_kind, calls_of_a_step_are_checked)
{
    dnn_optimizer_type type = failing_type;
    dnn_tensor *p = LEAF(S(2), 1, 2);
    dnn_optimizer *optimizer;

    type.name = "misused";
    type.step = misused_step;
    optimizer = dnn_optim_new(&type, DNN_TENSORS(p), NULL);
    set_grad(p, 1);
    step(optimizer);
    EXPECT_FAIL(dnn_optim_make_state(optimizer, 0, "sum"), "not in a step");
    EXPECT_STATUS_FAIL(dnn_optim_assign(optimizer, p, F64(S(2), 1, 2)), "not in a step");
    EXPECT_FAIL(dnn_optim_parameter(optimizer, -1), "parameter -1", "has 1");
    cr_expect_eq(dnn_optim_parameter(optimizer, 0), p);
    cr_expect_eq(dnn_optim_parameter_count(optimizer), 1);
}

/* ---- the type ---- */

static dnn_status odd_check(const double *value)
{
    return (int)value[0] % 2 == 1 ? DNN_OK : dnn_fail(DNN_E_INVALID, "%d is even", (int)value[0]);
}

Test(own_kind, a_wrong_type_is_refused)
{
    static const char *const states[] = {"a", "b", "a"}, *const step_state[] = {"step"},
                             *const dotted[] = {"a.b"};
    static const dnn_optim_setting twice[] = {{.name = "a"}, {.name = "a"}},
                                   unnamed[] = {{.name = "a"}, {.name = NULL}},
                                   crossed[] = {{.name = "a", .low = 2, .high = 1}},
                                   required[] = {{.name = "size", .required = true}},
                                   one[] = {{.name = "a", .value = 2}};
    struct {
        dnn_optimizer_type type;
        unsigned char more[8];
    } longer = {.type = failing_type};
    dnn_tensor_list p = DNN_TENSORS(LEAF(S(1), 1));
    dnn_optimizer_type t;

#define REFUSED(change, ...) \
    t = failing_type;        \
    change;                  \
    EXPECT_FAIL(dnn_optim_new(&t, p, NULL), __VA_ARGS__)
    EXPECT_FAIL(dnn_optim_new(NULL, p, NULL), "type is NULL");
    REFUSED(t.size = 0, "type->size is 0", "sizeof");
    REFUSED(t.size = sizeof t - 8, "type->size");
    REFUSED(t.name = NULL, "NULL");
    REFUSED(t.name = "my.kind", "my.kind");
    REFUSED(t.bytes = 8, "failing: bytes is 8");
    REFUSED(t.step = NULL, "step is NULL");
    REFUSED(t.n_settings = 1, "settings is NULL");
    REFUSED(t.n_states = -1, "-1 states");
    REFUSED((t.state = states, t.n_states = 3), "0 and 2", "called a");
    REFUSED((t.state = step_state, t.n_states = 1), "step, which the base counts");
    REFUSED((t.state = dotted, t.n_states = 1), "state 0 is a.b");
    REFUSED((t.setting = twice, t.n_settings = 2), "settings 0 and 1", "called a");
    REFUSED((t.setting = unnamed, t.n_settings = 2), "setting 1 is NULL");
    REFUSED((t.setting = crossed, t.n_settings = 1), "bounds of a are 2 and 1");
    REFUSED((t.setting = required, t.n_settings = 1), "failing: size is required");
    REFUSED((t.setting = one, t.n_settings = 1, t.check = odd_check), "failing", "2 is even");
    longer.type.size = sizeof longer;
    cr_expect_not_null(dnn_optim_new(&longer.type, p, NULL), "%s", dnn_error_message());
    longer.more[3] = 1;
    EXPECT_FAIL(dnn_optim_new(&longer.type, p, NULL), "does not have");
    EXPECT_FAIL(dnn_optim_new(&failing_type, DNN_TENSORS(NULL), NULL), "failing", "NULL");
}

Test(own_kind, bounds_are_told_with_both_numbers)
{
    dnn_tensor_list p = DNN_TENSORS(LEAF(S(1), 1));
    double value[SETTINGS] = {0.1, 0.9, 0.999, 1e-8, 0};

    value[BETA2] = 1;
    EXPECT_FAIL(dnn_optim_new(&adam_type, p, value),
                "adam: beta2 is 1, it must be a finite number >= 0 and < 1");
    value[BETA2] = -0.5;
    EXPECT_FAIL(dnn_optim_new(&adam_type, p, value), "beta2 is -0.5", ">= 0 and < 1");
}

/* ---- gradients and states of the wrong kind ---- */

Test(own_kind, states_from_before_a_cast_are_refused)
{
    dnn_module *net = dnn_nn_linear(3, 2);
    dnn_optimizer *adam = dnn_optim_new(&adam_type, dnn_parameters(net), NULL);

    train(net, adam, 1);
    cr_assert_eq(dnn_module_to(net, .dtype = DNN_T_F64), DNN_OK);
    EXPECT_STATUS_FAIL(dnn_step(adam), "adam", "f64 [2,3]", "exp_avg f32 [2,3]",
                       "create a new optimizer");
    cr_expect_eq(dnn_optim_steps(adam), 1);
}

Test(own_kind, the_example_learns)
{
    cr_expect_eq(own_optimizer_main(), 0);
}
