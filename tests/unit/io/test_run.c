/* test_run.c - tests runs of several modules, optimizers, loaders and generators: a GAN is resumed
 * bit for bit. */
#include "folder.h"
#include "loader.h"

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

TestSuite(run, .init = init, .fini = fini, .timeout = 120);

enum { SAMPLES = 10, BATCH = 4, STEPS = 7 };

/* Two networks with an optimizer each, one loader, a generator of the noise, three numbers. */
struct gan {
    dnn_module *g, *d;
    dnn_optimizer *of_g, *of_d;
    dnn_loader *loader;
    dnn_generator *noise;
    int64_t step;
    double mean, losses[2];
    dnn_run *run;
};

static dnn_dataset *points(void)
{
    return dnn_dataset_tensors(
        (dnn_tensor *const[]){dnn_reshape(dnn_linspace(-1, 1, SAMPLES), S(SAMPLES, 1))}, 1);
}

static dnn_module *net_of(int64_t in)
{
    return dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(in, 4), dnn_nn_leaky_relu(0.2),
                                         dnn_nn_dropout(0.25), dnn_nn_linear(4, 1)));
}

static void add_names(struct gan *t)
{
    t->run = dnn_run_new();
    cr_assert_eq(dnn_run_add(t->run, "generator", t->g), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "critic", t->d), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "generator", t->of_g), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "critic", t->of_d), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "points", t->loader), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "noise", t->noise), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "step", &t->step), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "mean", &t->mean), DNN_OK);
    cr_assert_eq(dnn_run_add_numbers(t->run, "losses", t->losses, 2), DNN_OK, "%s",
                 dnn_error_message());
}

static void begin(struct gan *t, uint64_t seed, int workers)
{
    dnn_manual_seed(seed);
    *t = (struct gan){.g = net_of(2), .d = net_of(1)};
    t->of_g = dnn_optim_sgd(dnn_parameters(t->g), 0.05, .momentum = 0.9);
    t->of_d = dnn_optim_sgd(dnn_parameters(t->d), 0.1);
    t->loader = dnn_loader(points(), .batch_size = BATCH, .shuffle = true, .seed = seed,
                           .workers = workers);
    t->noise = dnn_generator_new(seed + 1);
    add_names(t);
}

static dnn_tensor *softplus_mean(dnn_tensor *z)
{
    return dnn_mean(dnn_softplus(z, 1, 20));
}

static dnn_status update(dnn_optimizer *optimizer, dnn_tensor *loss, double *value)
{
    DNN_TRY(dnn_zero_grad(optimizer));
    DNN_TRY(dnn_backward(loss));
    DNN_TRY(dnn_step(optimizer));
    *value = dnn_value(loss);
    return dnn_take_error();
}

static dnn_status step(struct gan *t)
{
    DNN_SCOPE();
    dnn_tensor *fake;
    dnn_batch batch;

    if (!dnn_loader_next(t->loader, &batch) && !dnn_loader_next(t->loader, &batch)) {
        return dnn_take_error();
    }
    fake = dnn_forward(t->g, dnn_randn(S(batch.size, 2), .generator = t->noise));
    DNN_TRY(update(t->of_d,
                   dnn_add(softplus_mean(dnn_neg(dnn_forward(t->d, batch.input))),
                           softplus_mean(dnn_forward(t->d, dnn_detach(fake)))),
                   &t->losses[0]));
    DNN_TRY(update(t->of_g, softplus_mean(dnn_neg(dnn_forward(t->d, fake))), &t->losses[1]));
    t->mean = 0.9 * t->mean + 0.1 * dnn_value(dnn_mean(fake));
    t->step++;
    return dnn_take_error();
}

static void train(struct gan *t, int64_t last)
{
    while (t->step < last) {
        cr_assert_eq(step(t), DNN_OK, "%s", dnn_error_message());
    }
}

static void save(dnn_run *run, const char *name)
{
    cr_assert_eq(dnn_write_checkpoint(run, in_folder(name)), DNN_OK, "%s", dnn_error_message());
}

static void expect_same_file(const char *a, const char *b)
{
    size_t na, nb;
    unsigned char *x = read_whole(in_folder(a), &na), *y = read_whole(in_folder(b), &nb);

    cr_expect(na == nb && memcmp(x, y, na) == 0, "%s and %s differ", a, b);
    free(x);
    free(y);
}

Test(run, a_gan_is_resumed_bit_for_bit)
{
    struct gan t;

    for (int workers = 0; workers <= 2; workers += 2) {
        DNN_SCOPE();
        begin(&t, 3, workers);
        train(&t, STEPS);
        save(t.run, "whole");
        for (int64_t k = 0; k <= STEPS; k++) {
            DNN_SCOPE();
            begin(&t, 3, workers);
            train(&t, k);
            save(t.run, "part");
            begin(&t, 50, workers);
            train(&t, 1);
            cr_assert_eq(dnn_load_checkpoint(t.run, in_folder("part")), DNN_OK, "%s",
                         dnn_error_message());
            cr_expect_eq(t.step, k);
            train(&t, STEPS);
            save(t.run, "resumed");
            expect_same_file("whole", "resumed");
        }
    }
}

Test(run, the_order_of_the_names_does_not_matter)
{
    struct gan t;
    dnn_run *run = dnn_run_new();

    begin(&t, 3, 0);
    train(&t, 1);
    save(t.run, "a");
    cr_assert_eq(dnn_run_add_numbers(run, "losses", t.losses, 2), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "noise", t.noise), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "critic", t.of_d), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "mean", &t.mean), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "generator", t.of_g), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "step", &t.step), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "generator", t.g), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "points", t.loader), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "critic", t.d), DNN_OK);
    save(run, "b");
    expect_same_file("a", "b");
}

/* `run` refuses the file, with the text, and the GAN writes the same as before. */
static void expect_refused(struct gan *t, dnn_run *run, const char *name, const char *text)
{
    save(t->run, "before");
    EXPECT_STATUS_FAIL(dnn_load_checkpoint(run, in_folder(name)), in_folder(name), text);
    save(t->run, "after");
    expect_same_file("before", "after");
}

Test(run, what_only_one_of_file_and_run_has_is_named)
{
    struct gan a, b;
    dnn_run *run = dnn_run_new();
    dnn_optimizer *all;

    begin(&a, 3, 0);
    train(&a, 1);
    save(a.run, "a");
    begin(&b, 4, 0);
    train(&b, 2);

    cr_assert_eq(dnn_run_add(run, "generator", b.g), DNN_OK);
    expect_refused(&b, run, "a", "unexpected critic.0.bias");
    cr_assert_eq(dnn_run_add(run, "critic", b.d), DNN_OK);
    expect_refused(&b, run, "a", "\" is in the file, not in the run");
    cr_assert_eq(dnn_run_add(run, "critic", b.of_d), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "generator", b.of_g), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "points", b.loader), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "step", &b.step), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "mean", &b.mean), DNN_OK);
    cr_assert_eq(dnn_run_add_numbers(run, "losses", b.losses, 2), DNN_OK);
    expect_refused(&b, run, "a", "generator \"noise\" is in the file, not in the run");
    cr_assert_eq(dnn_run_add(run, "noise", b.noise), DNN_OK);
    all = dnn_optim_sgd(dnn_parameters(b.d), 0.1);
    cr_assert_eq(dnn_run_add(run, "third", all), DNN_OK);
    expect_refused(&b, run, "a", "optimizer \"third\" is in the run, not in the file");
    add_names(&b);
    cr_assert_eq(dnn_run_add(b.run, "third", dnn_nn_linear(1, 1)), DNN_OK);
    expect_refused(&b, b.run, "a", "missing third.weight");
}

/* The networks have other parameters than the file's, in equal number and shape. */
Test(run, an_optimizer_of_other_parameters_is_refused)
{
    dnn_module *a = dnn_nn_linear(1, 1), *b = dnn_nn_linear(1, 1);
    dnn_run *of_a = dnn_run_new(), *of_b = dnn_run_new();

    cr_assert_eq(dnn_run_add(of_a, "a", a), DNN_OK);
    cr_assert_eq(dnn_run_add(of_a, "b", b), DNN_OK);
    cr_assert_eq(dnn_run_add(of_a, "sgd", dnn_optim_sgd(dnn_parameters(a), 0.1)), DNN_OK);
    cr_assert_eq(dnn_run_add(of_b, "a", a), DNN_OK);
    cr_assert_eq(dnn_run_add(of_b, "b", b), DNN_OK);
    cr_assert_eq(dnn_run_add(of_b, "sgd", dnn_optim_sgd(dnn_parameters(b), 0.1)), DNN_OK);
    save(of_a, "a");
    EXPECT_STATUS_FAIL(dnn_load_checkpoint(of_b, in_folder("a")),
                       "it has no dnn.optim.sgd.step.b.weight");
}

static dnn_tensor *loss_of(dnn_module *a, dnn_module *b)
{
    return dnn_mean(dnn_square(dnn_forward(b, dnn_forward(a, dnn_ones(S(2, 1))))));
}

Test(run, an_optimizer_of_two_modules)
{
    dnn_module *a = dnn_nn_linear(1, 3), *b = dnn_nn_linear(3, 1);
    dnn_optimizer *both = dnn_optim_sgd(dnn_parameters(a), 0.1, .momentum = 0.9);
    dnn_run *run = dnn_run_new();
    double value;

    cr_assert_eq(dnn_optim_add_group(both, dnn_parameters(b), NULL), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "encoder", a), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "both", both), DNN_OK);
    EXPECT_STATUS_FAIL(dnn_write_checkpoint(run, in_folder("a")),
                       "parameter weight of optimizer \"both\" (sgd) is in no module of the run");
    cr_assert_eq(dnn_run_add(run, "decoder", b), DNN_OK);
    cr_assert_eq(update(both, loss_of(a, b), &value), DNN_OK, "%s", dnn_error_message());
    save(run, "a");
    cr_assert_eq(update(both, loss_of(a, b), &value), DNN_OK);
    save(run, "b");
    cr_assert_eq(dnn_load_checkpoint(run, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(update(both, loss_of(a, b), &value), DNN_OK);
    save(run, "c");
    expect_same_file("b", "c");
}

/* The run retains what it names. */
Test(run, outlives_the_scopes_of_its_objects)
{
    const int64_t before = dnn_live_objects();
    dnn_run *run = dnn_run_new();

    {
        DNN_SCOPE();
        dnn_module *net = dnn_nn_linear(1, 1);

        cr_assert_eq(dnn_run_add(run, "net", net), DNN_OK);
        cr_assert_eq(dnn_run_add(run, "sgd", dnn_optim_sgd(dnn_parameters(net), 0.1)), DNN_OK);
        cr_assert_eq(dnn_run_add(run, "points", dnn_loader(points())), DNN_OK);
        cr_assert_eq(dnn_run_add(run, "noise", dnn_generator_new(1)), DNN_OK);
    }
    save(run, "a");
    cr_expect_eq(dnn_load_checkpoint(run, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    dnn_release(run);
    cr_expect_eq(dnn_live_objects(), before);
}

Test(run, weights_of_a_named_module_are_read_with_its_prefix)
{
    struct gan a, b;
    bool same = false;

    begin(&a, 3, 0);
    save(a.run, "a");
    begin(&b, 4, 0);
    cr_assert_eq(dnn_load_weights(b.d, in_folder("a"), .prefix = "critic.", .partial = true),
                 DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(
        dnn_equal(dnn_module_tensor(a.d, "0.weight"), dnn_module_tensor(b.d, "0.weight"), &same),
        DNN_OK);
    cr_expect(same);
}
