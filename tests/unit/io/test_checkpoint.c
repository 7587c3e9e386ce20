/* test_checkpoint.c - tests checkpoints: a run is saved and resumed, bad files are refused, and a
 * refused file changes nothing. */
#include "nn_impl.h"
#include "folder.h"
#include "loader.h"
#include "safetensors_write.h"

static void init(void)
{
    unit_init();
    folder_make();
    dnn_manual_seed(7);
}

static void fini(void)
{
    folder_drop();
    unit_fini();
}

TestSuite(checkpoint, .init = init, .fini = fini, .timeout = 240);

enum { SAMPLES = 10, BATCH = 4, IN = 3, OUT = 2 };

/* A net with dropout, momentum SGD and a loader that shuffles. */
struct training {
    dnn_module *net;
    dnn_optimizer *optimizer;
    dnn_dataset *set;
    dnn_loader *loader;
    dnn_run *run;
    double mean, best;
    int64_t step, epoch, best_step;
    double more[2]; /* of some tests */
};

/* The run of a training, with another module, optimizer or loader if they are changed. */
static void make_run(struct training *t, bool with_optimizer)
{
    dnn_release(t->run);
    t->run = dnn_run_new();
    cr_assert_eq(dnn_run_add(t->run, "", t->net), DNN_OK, "%s", dnn_error_message());
    if (with_optimizer) {
        cr_assert_eq(dnn_run_add(t->run, "sgd", t->optimizer), DNN_OK);
    }
    cr_assert_eq(dnn_run_add(t->run, "train", t->loader), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "mean", &t->mean), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "best", &t->best), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "step", &t->step), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "epoch", &t->epoch), DNN_OK);
    cr_assert_eq(dnn_run_add(t->run, "best_step", &t->best_step), DNN_OK);
}

static void training_begin(struct training *t, int64_t samples, int64_t batch, double momentum)
{
    dnn_tensor *fields[2] = {dnn_rand(S(samples, IN)), dnn_rand(S(samples, OUT))};

    *t = (struct training){0};
    t->net = dnn_nn_sequential(
        DNN_MODULES(dnn_nn_linear(IN, 4), dnn_nn_dropout(0.5), dnn_nn_linear(4, OUT)));
    t->optimizer = dnn_optim_sgd(dnn_parameters(t->net), 0.1, .momentum = momentum);
    t->set = dnn_dataset_tensors(fields, 2);
    t->loader = dnn_loader(t->set, .batch_size = batch, .shuffle = true, .seed = 3);
    cr_assert_not_null(t->loader, "%s", dnn_error_message());
    make_run(t, true);
}

static void training_end(struct training *t)
{
    dnn_release(t->run);
    dnn_release(t->loader);
    dnn_release(t->set);
    dnn_release(t->optimizer);
    dnn_release(t->net);
}

static dnn_status step(struct training *t)
{
    dnn_batch batch;

    if (!dnn_loader_next(t->loader, &batch) && !dnn_loader_next(t->loader, &batch)) {
        return dnn_take_error();
    }
    {
        DNN_SCOPE();
        dnn_tensor *loss = dnn_mse_loss(dnn_forward(t->net, batch.input), batch.target);
        double value;

        DNN_TRY(dnn_zero_grad(t->optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(t->optimizer));
        DNN_TRY(read_value(loss, &value));
        t->mean = 0.9 * t->mean + 0.1 * value;
    }
    t->step++;
    return DNN_OK;
}

static void steps(struct training *t, int n)
{
    for (int i = 0; i < n; i++) {
        cr_assert_eq(step(t), DNN_OK, "%s", dnn_error_message());
    }
}

/* All that a load could change, as bytes: weights, momentum, generator, place of the loader,
 * numbers. */
static size_t state_of(struct training *t, unsigned char *bytes, size_t room)
{
    dnn__rng rng = dnn__rng_state(NULL);
    dnn__loader_state place = dnn__loader_get(t->loader);
    double lr = dnn_optim_get(t->optimizer, 0, "lr");
    int64_t n = dnn_optim_steps(t->optimizer);
    dnn_tensor *p;
    size_t at = 0;

    for (int64_t i = 0; (p = dnn__module_tensor_at(t->net, DNN__PARAMETERS, i, NULL, 0)) != NULL;
         i++) {
        dnn_tensor *both[2] = {p, dnn_optim_state(t->optimizer, i, "momentum_buffer")};

        for (int k = 0; k < 2; k++) {
            size_t size = (size_t)dnn_numel(both[k]) * 4;

            cr_assert(at + size + 200 <= room);
            if (size > 0) {
                cr_assert_eq(dnn_read(both[k], bytes + at, size), DNN_OK);
            }
            at += size;
        }
    }
    memcpy(bytes + at, &rng, sizeof rng);
    memcpy(bytes + at + 24, &place, sizeof place);
    memcpy(bytes + at + 72, &lr, 8);
    memcpy(bytes + at + 80, &n, 8);
    memcpy(bytes + at + 88, &t->mean, 8);
    memcpy(bytes + at + 96, &t->step, 8);
    return at + 104;
}

static void save(struct training *t, const char *name)
{
    cr_assert_eq(dnn_write_checkpoint(t->run, in_folder(name)), DNN_OK, "%s", dnn_error_message());
}

static void expect_same_file(const char *a, const char *b)
{
    size_t na, nb;
    unsigned char *x = read_whole(in_folder(a), &na), *y = read_whole(in_folder(b), &nb);

    cr_expect_eq(na, nb);
    cr_expect(na == nb && memcmp(x, y, na) == 0, "%s and %s differ", a, b);
    free(x);
    free(y);
}

Test(checkpoint, all_of_a_run_comes_back)
{
    unsigned char before[4096], after[4096];
    struct training a, b;
    size_t n;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    training_begin(&b, SAMPLES, BATCH, 0.5);
    steps(&a, 4); /* in the second epoch */
    a.epoch = 1;
    a.best = 0.25;
    a.best_step = 2;
    n = state_of(&a, before, sizeof before);
    save(&a, "a");
    steps(&b, 2);
    dnn_manual_seed(99);
    cr_assert_eq(dnn_load_checkpoint(b.run, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(state_of(&b, after, sizeof after), n);
    cr_expect_eq(memcmp(before, after, n), 0);
    cr_expect_eq(b.step, 4);
    cr_expect_eq(b.epoch, 1);
    cr_expect_eq(b.best, 0.25);
    cr_expect_eq(b.best_step, 2);
    save(&b, "b");
    expect_same_file("a", "b");
    training_end(&a);
    training_end(&b);
}

Test(checkpoint, a_run_before_its_first_step_has_no_momentum_yet)
{
    struct training a, b;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    training_begin(&b, SAMPLES, BATCH, 0.9);
    save(&a, "a");
    steps(&b, 1);
    cr_assert_eq(dnn_load_checkpoint(b.run, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    cr_expect_null(dnn_optim_state(b.optimizer, 0, "momentum_buffer"));
    cr_expect_eq(dnn_optim_steps(b.optimizer), 0);
    save(&b, "b");
    expect_same_file("a", "b");
    training_end(&a);
    training_end(&b);
}

Test(checkpoint, any_reader_gets_the_weights)
{
    struct training a, b;
    unsigned char x[4096], y[4096];
    const char *key, *value;
    dnn_file *file = NULL;
    bool found = false;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    training_begin(&b, SAMPLES, BATCH, 0);
    cr_assert_eq(dnn_run_set_text(a.run, "dnn.program", "another"), DNN_OK);
    cr_assert_eq(dnn_run_set_text(a.run, "dnn.program", "test"), DNN_OK);
    EXPECT_STATUS_FAIL(dnn_run_set_text(a.run, "dnn.optim", ""), "libdnn writes", "dnn.optim");
    EXPECT_STATUS_FAIL(dnn_run_set_text(a.run, "dnn.x", NULL), "text is NULL");
    save(&a, "a");
    cr_assert_eq(dnn_load_weights(b.net, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    state_of(&a, x, sizeof x);
    state_of(&b, y, sizeof y);
    cr_expect_eq(memcmp(x, y, 4 * (IN * 4 + 4)), 0);
    cr_assert_eq(open_file(in_folder("a"), &file), DNN_OK);
    for (int64_t i = 0; dnn_file_metadata(file, i, &key, &value); i++) {
        found = found || (strcmp(key, "dnn.program") == 0 && strcmp(value, "test") == 0);
    }
    cr_expect(found);
    cr_expect_eq(dnn_file_verify(file), DNN_OK);
    dnn_release(file);
    training_end(&a);
    training_end(&b);
}

/* The run b refuses the file, with the texts, and is as it was. */
static void expect_refused(struct training *b, const char *name, dnn_status status,
                           const char *text)
{
    unsigned char before[4096], after[4096];
    size_t n = state_of(b, before, sizeof before);
    dnn_status got = dnn_load_checkpoint(b->run, in_folder(name));

    expect_status(got, status, text, name);
    cr_expect_eq(strncmp(dnn_error_message(), in_folder(name), strlen(in_folder(name))), 0,
                 "no path: %s", dnn_error_message());
    cr_expect_eq(state_of(b, after, sizeof after), n);
    cr_expect_eq(memcmp(before, after, n), 0, "%s changed something", name);
}

Test(checkpoint, another_run_is_refused_with_both_numbers)
{
    struct training a, b;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    steps(&a, 1);
    save(&a, "a");

    training_begin(&b, 7, BATCH, 0.9);
    steps(&b, 1);
    expect_refused(&b, "a", DNN_E_INVALID, "size of the data set is 10 in the file, 7 here");
    training_end(&b);

    training_begin(&b, SAMPLES, 5, 0.9);
    steps(&b, 1);
    expect_refused(&b, "a", DNN_E_INVALID, "batch size is 4 in the file, 5 here");
    cr_assert_eq(dnn_load_checkpoint(b.run, in_folder("a"), .anyway = true), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect_eq(dnn__loader_get(b.loader).batch, 0);
    cr_expect_eq(b.step, 1);
    training_end(&b);

    training_begin(&b, SAMPLES, BATCH, 0.9);
    dnn_release(b.loader);
    b.loader = dnn_loader(b.set, .batch_size = BATCH, .shuffle = true, .seed = 4);
    make_run(&b, true);
    cr_assert_eq(dnn_load_checkpoint(b.run, in_folder("a"), .anyway = true), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect_eq(dnn__loader_get(b.loader).seed, 4);
    cr_expect_eq(dnn__loader_get(b.loader).batch, 0);
    cr_assert_eq(dnn_load_checkpoint(b.run, in_folder("a")), DNN_OK, "%s", dnn_error_message());
    cr_expect_eq(dnn__loader_get(b.loader).seed, 3);
    cr_expect_eq(dnn__loader_get(b.loader).batch, 1);
    training_end(&b);

    training_begin(&b, SAMPLES, BATCH, 0.9);
    steps(&b, 1);
    make_run(&b, false);
    expect_refused(&b, "a", DNN_E_INVALID, "optimizer \"sgd\" is in the file, not in the run");
    make_run(&b, true);
    cr_assert_eq(dnn_run_add(b.run, "more", &b.more[0]), DNN_OK);
    expect_refused(&b, "a", DNN_E_INVALID, "number \"more\" is in the run, not in the file");
    save(&b, "b");
    make_run(&b, true);
    expect_refused(&b, "b", DNN_E_INVALID, "number \"more\" is in the file, not in the run");
    cr_assert_eq(dnn_run_add_numbers(b.run, "more", b.more, 2), DNN_OK);
    expect_refused(&b, "b", DNN_E_INVALID, "dnn.number.more is F64 [1], not f64 [2]");
    training_end(&b);
    training_end(&a);
}

Test(checkpoint, another_net_is_refused)
{
    struct training a, b;
    dnn_module *other = dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(IN, 5)));

    training_begin(&a, SAMPLES, BATCH, 0.9);
    save(&a, "a");
    training_begin(&b, SAMPLES, BATCH, 0.9);
    b.run = dnn_run_new();
    cr_assert_eq(dnn_run_add(b.run, "", other), DNN_OK);
    expect_refused(&b, "a", DNN_E_INVALID, "misshapen 0.weight: [4,3] in the file, [5,3]");
    make_run(&b, true);
    cr_assert_eq(dnn_module_to(b.net, .dtype = DNN_T_F64), DNN_OK);
    expect_status(dnn_load_checkpoint(b.run, in_folder("a")), DNN_E_INVALID, "of another dtype",
                  "f64");
    dnn_release(other);
    training_end(&b);
    training_end(&a);
}

Test(checkpoint, wrong_arguments)
{
    dnn_run *run = dnn_run_new();
    struct training a;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    expect_status(dnn_save_checkpoint(NULL, "x", 0), DNN_E_INVALID, "run", "NULL");
    expect_status(dnn_save_checkpoint(a.run, NULL, 0), DNN_E_INVALID, "folder", "NULL");
    expect_status(dnn_load_checkpoint(a.run, NULL), DNN_E_INVALID, "path", "NULL");
    expect_status(dnn_save_checkpoint(a.run, in_folder("none"), 0), DNN_E_IO, "No such file",
                  "folder");
    expect_refused(&a, "nothing", DNN_E_IO, "No such file");
    expect_status(dnn_save_checkpoint(a.run, folder_path, -1), DNN_E_INVALID, "step is -1", "step");
    cr_assert_eq(dnn_run_add(run, "", dnn_nn_linear(IN, 4)), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "sgd", a.optimizer), DNN_OK);
    expect_status(dnn_save_checkpoint(run, folder_path, 0), DNN_E_INVALID,
                  "parameter 0.weight of optimizer \"sgd\" (sgd) is in no module of the run",
                  "foreign optimizer");
    training_end(&a);
}

Test(checkpoint, names_are_checked)
{
    char longest[65] = "";
    dnn_run *run = dnn_run_new();
    dnn_module *net = dnn_nn_linear(1, 1);
    dnn_generator *g = dnn_generator_new(1);
    int64_t count = 0;

    memset(longest, 'x', 63);
    cr_assert_eq(dnn_run_add(run, longest, &count), DNN_OK);
    EXPECT_STATUS_FAIL(dnn_run_add(run, longest, &count), "number \"xxx", "is in the run already");
    longest[63] = 'x';
    EXPECT_STATUS_FAIL(dnn_run_add(run, longest, &count), "dnn_run_add_count: the name \"xxx");
    EXPECT_STATUS_FAIL(dnn_run_add(run, "a.b", net), "the name \"a.b\" is not");
    EXPECT_STATUS_FAIL(dnn_run_add(run, "", g), "dnn_run_add_generator: the name \"\" is not");
    EXPECT_STATUS_FAIL(dnn_run_add(run, NULL, net), "name is NULL");
    EXPECT_STATUS_FAIL(dnn_run_add(run, "a", (dnn_module *)NULL), "module is NULL");
    EXPECT_STATUS_FAIL(dnn_run_add(NULL, "a", net), "run is NULL");
    EXPECT_STATUS_FAIL(dnn_run_add(run, "dnn", net), "libdnn uses the name \"dnn\"");
    EXPECT_STATUS_FAIL(dnn_run_add(run, "default", g), "libdnn uses the name \"default\"");
    EXPECT_STATUS_FAIL(dnn_run_add_numbers(run, "a", (double[1]){0}, 0), "n is 0");
    cr_expect_eq(dnn_run_add(run, "default", &count), DNN_OK); /* names are of a kind */
    cr_expect_eq(dnn_run_add(run, "default", net), DNN_OK);
}

/* A child of the module "" and another module would have one name in the file. */
Test(checkpoint, two_tensors_of_one_name_are_refused)
{
    dnn_run *run = dnn_run_new();
    dnn_module *net = dnn_nn_sequential(DNN_MODULES(dnn_nn_linear(1, 1)));

    cr_assert_eq(dnn_run_add(run, "", net), DNN_OK);
    cr_assert_eq(dnn_run_add(run, "0", dnn_nn_linear(1, 1)), DNN_OK);
    EXPECT_STATUS_FAIL(dnn_write_checkpoint(run, in_folder("a")), in_folder("a"), "0.bias");
    cr_expect_neq(access(in_folder("a"), F_OK), 0);
}

/* ---- damage ---- */

Test(checkpoint, cut_at_any_byte)
{
    struct training a, b;
    size_t bytes;
    unsigned char *whole;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    training_begin(&b, SAMPLES, BATCH, 0.9);
    steps(&a, 2);
    steps(&b, 1);
    save(&a, "a");
    whole = read_whole(in_folder("a"), &bytes);
    for (size_t n = 0; n < bytes; n++) {
        write_whole(in_folder("cut"), whole, n);
        expect_refused(&b, "cut", DNN_E_FORMAT, "cut");
    }
    free(whole);
    training_end(&a);
    training_end(&b);
}

/* Under the sanitizer each byte, its bits in turn: the rest is for the release build. */
#ifdef __SANITIZE_ADDRESS__
enum { BIT_STEP = 7 };
#else
enum { BIT_STEP = 1 };
#endif

Test(checkpoint, any_bit_flipped)
{
    struct training a, b;
    size_t bytes;
    unsigned char *whole;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    training_begin(&b, SAMPLES, BATCH, 0.9);
    steps(&a, 2);
    steps(&b, 1);
    save(&a, "a");
    whole = read_whole(in_folder("a"), &bytes);
    for (size_t bit = 0; bit < 8 * bytes; bit += BIT_STEP) {
        whole[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_whole(in_folder("flipped"), whole, bytes);
        expect_refused(&b, "flipped", DNN_E_FORMAT, "flipped");
        whole[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    free(whole);
    training_end(&a);
    training_end(&b);
}

Test(checkpoint, the_damaged_tensor_is_named)
{
    struct training a;
    size_t bytes;
    unsigned char *whole;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    steps(&a, 1);
    save(&a, "a");
    whole = read_whole(in_folder("a"), &bytes);
    whole[bytes - 1] ^= 1; /* the last of the smallest item size, by name */
    write_whole(in_folder("a"), whole, bytes);
    expect_refused(&a, "a", DNN_E_FORMAT, "\"dnn.optim.sgd.momentum_buffer.2.weight\"");
    free(whole);
    training_end(&a);
}

/* A copy of the file "a" with one metadata text changed, or left out (NULL), and sealed again. */
static void forge(const char *name, const char *key, const char *value, const char *drop)
{
    dnn_named_tensor list[64];
    dnn_named_text texts[32];
    dnn_file_entry_info info;
    dnn_file *file = NULL;
    int64_t n = 0, n_texts = 0;

    cr_assert_eq(open_file(in_folder("a"), &file), DNN_OK);
    for (int64_t i = 0; dnn_file_entry(file, i, &info); i++) {
        if (drop == NULL || strcmp(info.name, drop) != 0) {
            list[n++] = (dnn_named_tensor){info.name, dnn_file_tensor(file, info.name)};
        }
    }
    list[n++] = (dnn_named_tensor){"dnn.sched.sgd", dnn_ones(S(2))}; /* of a later day */
    for (int64_t i = 0; dnn_file_metadata(file, i, &texts[n_texts].key, &texts[n_texts].value);
         i++) {
        if (strncmp(texts[n_texts].key, "dnn.crc32c", 10) == 0) {
            continue;
        }
        if (key != NULL && strcmp(texts[n_texts].key, key) == 0) {
            texts[n_texts].value = value;
            n_texts -= value == NULL;
        }
        n_texts++;
    }
    cr_assert_eq(dnn__save_with_checksums(in_folder(name), list, n, texts, n_texts, false), DNN_OK,
                 "%s", dnn_error_message());
    dnn_release(file);
}

Test(checkpoint, versions_and_unknown_names)
{
    struct training a;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    steps(&a, 1);
    save(&a, "a");
    forge("later", NULL, NULL, NULL);
    cr_expect_eq(dnn_load_checkpoint(a.run, in_folder("later")), DNN_OK, "%s", dnn_error_message());
    forge("b", "dnn.checkpoint", "1", NULL);
    expect_refused(&a, "b", DNN_E_FORMAT, "a checkpoint of version 1; this libdnn reads version 2");
    forge("b", "dnn.checkpoint", NULL, NULL);
    expect_refused(&a, "b", DNN_E_FORMAT, "no dnn.checkpoint");
    forge("b", "dnn.optim", "[]", NULL);
    expect_refused(&a, "b", DNN_E_INVALID, "dnn.optim is [] in the file");
    forge("b", "dnn.dataset", "[]", NULL);
    expect_refused(&a, "b", DNN_E_INVALID, "dnn.dataset is [] in the file");
    forge("b", NULL, NULL, "dnn.rng.default");
    expect_refused(&a, "b", DNN_E_INVALID, "it has no dnn.rng.default");
    forge("b", NULL, NULL, "dnn.optim.sgd.hyper");
    expect_refused(&a, "b", DNN_E_INVALID, "optimizer \"sgd\" is in the run, not in the file");
    forge("b", NULL, NULL, "dnn.optim.sgd.step.2.bias");
    expect_refused(&a, "b", DNN_E_INVALID, "it has no dnn.optim.sgd.step.2.bias");
    forge("b", NULL, NULL, "dnn.loader.train");
    expect_refused(&a, "b", DNN_E_INVALID, "loader \"train\" is in the run, not in the file");
    forge("b", NULL, NULL, "0.weight");
    expect_refused(&a, "b", DNN_E_INVALID, "missing 0.weight");
    cr_assert_eq(dnn_save_weights(a.net, in_folder("b")), DNN_OK);
    expect_refused(&a, "b", DNN_E_FORMAT, "weights alone are loaded by dnn_load_weights");
    training_end(&a);
}

/* ---- the folder ---- */

static void save_step(struct training *t, int64_t number)
{
    t->step = number;
    cr_assert_eq(dnn_save_checkpoint(t->run, folder_path, number), DNN_OK, "%s",
                 dnn_error_message());
}

static bool is_there(const char *name)
{
    return access(in_folder(name), F_OK) == 0;
}

Test(checkpoint, the_newest_two_are_kept)
{
    struct training a;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    save_step(&a, 9);
    save_step(&a, 10);
    write_whole(in_folder("ckpt-7.safetensors"), "not ours", 8);
    write_whole(in_folder(".best.safetensors.tmp-999999999-0"), "left", 4);
    write_whole(in_folder(".best.safetensors.tmp-1-0"), "of a process that lives", 4);
    save_step(&a, 11);
    cr_expect_not(is_there("ckpt-00000009.safetensors"));
    cr_expect(is_there("ckpt-00000010.safetensors"));
    cr_expect(is_there("ckpt-00000011.safetensors"));
    cr_expect(is_there("ckpt-7.safetensors"));
    cr_expect_not(is_there(".best.safetensors.tmp-999999999-0"));
    cr_expect(is_there(".best.safetensors.tmp-1-0"));
    save_step(&a, 123456789012);
    cr_expect(is_there("ckpt-123456789012.safetensors"));
    cr_expect_eq(folder_count(), 4);
    save_step(&a, 5); /* newer ones are nobody's to remove */
    cr_expect_eq(folder_count(), 5);
    training_end(&a);
}

Test(checkpoint, none_is_overwritten_but_a_damaged_one)
{
    struct training a;
    size_t bytes;
    unsigned char *whole;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    save_step(&a, 3);
    save_step(&a, 3); /* the same state: nothing to do */
    a.mean = 5;
    expect_status(dnn_save_checkpoint(a.run, folder_path, 3), DNN_E_INVALID,
                  "holds another state; it is not overwritten", "step 3 again");
    whole = read_whole(in_folder("ckpt-00000003.safetensors"), &bytes);
    whole[bytes - 1] ^= 1;
    write_whole(in_folder("ckpt-00000003.safetensors"), whole, bytes);
    free(whole);
    save_step(&a, 3);
    a.mean = 0;
    cr_assert_eq(dnn_load_checkpoint(a.run, in_folder("ckpt-00000003.safetensors")), DNN_OK);
    cr_expect_eq(a.mean, 5);
    training_end(&a);
}

static void count_line(void *ctx, const char *why)
{
    char *text = ctx;

    snprintf(text + strlen(text), 2000 - strlen(text), "%s\n", why);
}

Test(checkpoint, the_newest_that_is_whole_is_found)
{
    char over[2000] = "";
    struct training a;

    training_begin(&a, SAMPLES, BATCH, 0.9);
    cr_expect_null(dnn_find_checkpoint(folder_path, .passed_over = count_line, .ctx = over));
    cr_expect_eq(dnn_take_error(), DNN_OK, "an empty folder is no error");
    cr_expect_null(dnn_find_checkpoint(in_folder("none")));
    expect_status(dnn_take_error(), DNN_E_IO, "No such file", "no folder");
    EXPECT_FAIL(dnn_find_checkpoint(NULL), "folder is NULL");
    save_step(&a, 1);
    save_step(&a, 2);
    cr_expect_str_eq(dnn_find_checkpoint(folder_path, .passed_over = count_line, .ctx = over),
                     in_folder("ckpt-00000002.safetensors"));
    cr_expect_str_empty(over);
    write_whole(in_folder("ckpt-00000002.safetensors"), "torn", 4);
    cr_expect_str_eq(dnn_find_checkpoint(folder_path, .passed_over = count_line, .ctx = over),
                     in_folder("ckpt-00000001.safetensors"));
    cr_expect_not_null(strstr(over, "ckpt-00000002.safetensors: this is a text"));
    cr_assert_eq(dnn_save_weights(a.net, in_folder("ckpt-00000001.safetensors")), DNN_OK);
    cr_expect_null(dnn_find_checkpoint(folder_path));
    expect_status(dnn_take_error(), DNN_E_IO, "none of the 2 checkpoints can be used",
                  "all damaged");
    training_end(&a);
}
