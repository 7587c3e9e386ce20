/* test_draws.c - tests the random numbers of samples: they depend on seed, epoch and index alone.
 */
#include <stdio.h>
#include <unistd.h>
#include "folder.h"

TestSuite(draws, .init = unit_init, .fini = unit_fini, .timeout = 60);

enum { SAMPLES = 21, PIXELS = 16, MOST_VALUES = SAMPLES * (PIXELS + 2) };

/* Field 0: an image of its index and noise of its own; field 1: its index. */
static dnn_status noisy(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    field[0] = dnn_add(dnn_rand(S(1, 6, 6)), (double)index);
    field[1] = dnn_full(DNN_SCALAR, (double)index);
    return DNN_OK;
}

/* Adds a field with two random numbers. */
static dnn_status add_noise(void *ctx, dnn_fields *s)
{
    (void)ctx;
    return dnn_fields_set(s, DNN_TENSORS(s->field[0], s->field[1], dnn_randn(S(2))));
}

static dnn_tensor *jitter(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_add(x, dnn_rand(S(1)));
}

static dnn_dataset *augmented(void)
{
    dnn_transform *image = dnn_compose(DNN_TRANSFORMS(dnn_transform_random_crop(4, .padding = 1),
                                                      dnn_transform_random_horizontal_flip(0.5)));
    dnn_dataset *set = dnn_dataset_map(dnn_dataset_function(SAMPLES, 2, noisy, NULL, NULL), image);

    return dnn_dataset_map(set, dnn_transform_function(add_noise, NULL, NULL));
}

static int64_t put(dnn_tensor *t, double *out)
{
    cr_assert_eq(dnn_to_list(t, out, dnn_numel(t)), DNN_OK, "%s", dnn_error_message());
    return dnn_numel(t);
}

/* All numbers of the images and the noise of an epoch from batch `first` on. */
static int64_t epoch_of(dnn_loader *loader, int64_t epoch, int64_t first, double *out)
{
    dnn_batch batch;
    int64_t n = 0;

    cr_assert_not_null(loader, "%s", dnn_error_message());
    cr_assert_eq(dnn_loader_seek(loader, epoch, first), DNN_OK, "%s", dnn_error_message());
    while (dnn_loader_next(loader, &batch)) {
        n += put(batch.input, out + n);
        n += put(batch.field[2], out + n);
    }
    cr_assert_eq(dnn_take_error(), DNN_OK, "%s", dnn_error_message());
    return n;
}

static bool same(const double *a, const double *b, int64_t n)
{
    return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

Test(draws, any_number_of_workers_gives_the_same_batches)
{
    static const int workers[] = {0, 1, 3, 8};
    static double want[2][MOST_VALUES], got[MOST_VALUES];
    dnn_dataset *set = augmented();

    for (int k = 0; k < 4; k++) {
        dnn_loader *loader =
            dnn_loader(set, .batch_size = 4, .shuffle = true, .seed = 5, .workers = workers[k]);

        dnn_manual_seed((uint64_t)k); /* the default generator has no part in it */
        for (int epoch = 0; epoch < 2; epoch++) {
            cr_assert_eq(epoch_of(loader, epoch, 0, k == 0 ? want[epoch] : got), MOST_VALUES);
            cr_assert(k == 0 || same(got, want[epoch], MOST_VALUES), "%d workers, epoch %d",
                      workers[k], epoch);
        }
        cr_assert_eq(epoch_of(loader, 1, 2, got), MOST_VALUES - 8 * (PIXELS + 2), "resumed");
        cr_assert(same(got, want[1] + 8 * (PIXELS + 2), MOST_VALUES - 8 * (PIXELS + 2)));
        dnn_release(loader);
    }
}

/* The numbers of sample `index`, whatever the batches are. */
static void sample_of(dnn_dataset *set, int64_t batch_size, uint64_t seed, int64_t epoch,
                      int64_t index, double *out)
{
    DNN_SCOPE();
    dnn_loader *loader = dnn_loader(set, .batch_size = batch_size, .seed = seed);
    dnn_batch batch;

    cr_assert_eq(dnn_loader_seek(loader, epoch, index / batch_size), DNN_OK);
    cr_assert(dnn_loader_next(loader, &batch), "%s", dnn_error_message());
    put(dnn_select(batch.input, 0, index % batch_size), out);
    put(dnn_select(batch.field[2], 0, index % batch_size), out + PIXELS);
}

Test(draws, seed_epoch_and_index_alone)
{
    enum { N = PIXELS + 2 };
    dnn_dataset *set = augmented();
    double a[N], b[N];
    dnn_tensor_list list;

    sample_of(set, 4, 9, 3, 6, a);
    sample_of(set, 1, 9, 3, 6, b);
    cr_expect(same(a, b, N), "the batch has no part in it");
    sample_of(set, 4, 9, 4, 6, b);
    cr_expect(!same(a + PIXELS, b + PIXELS, 2), "another epoch");
    sample_of(set, 4, 8, 3, 6, b);
    cr_expect(!same(a + PIXELS, b + PIXELS, 2), "another seed");
    sample_of(set, 4, 9, 3, 7, b);
    cr_expect(!same(a + PIXELS, b + PIXELS, 2), "another index");
    /* Outside of a loader: epoch 0 and the seed of the default generator. */
    dnn_manual_seed(9);
    sample_of(set, 4, 9, 0, 6, a);
    list = dnn_dataset_sample(set, 6);
    cr_assert_eq(list.n, 3, "%s", dnn_error_message());
    put(list.item[0], b);
    put(list.item[2], b + PIXELS);
    cr_expect(same(a, b, N));
}

Test(draws, functions_over_each_other_have_numbers_of_their_own)
{
    dnn_tensor *zeros = dnn_zeros(S(4, 1));
    dnn_dataset *set = dnn_dataset_tensors(&zeros, 1), *both[2];
    dnn_transform *noise = dnn_transform_lambda(jitter, NULL, NULL);
    double once[2], twice[2];

    set = dnn_dataset_map(set, noise);
    put(unit_get(set, (int64_t[]){0, 1}, 2)[0], once);
    put(unit_get(dnn_dataset_map(set, noise), (int64_t[]){0, 1}, 2)[0], twice);
    cr_expect_neq(once[0], once[1]);
    cr_expect_neq(twice[0], 2 * once[0], "the second function repeats the numbers of the first");
    put(unit_get(dnn_dataset_map_batch(set, 0, jitter, NULL, NULL), (int64_t[]){0, 1}, 2)[0],
        twice);
    cr_expect_neq(twice[0], 2 * once[0]);
    /* Parts of a concatenation: sample 0 of each is another sample. */
    both[0] = both[1] = set;
    put(unit_get(dnn_dataset_concat(both, 2), (int64_t[]){0, 4}, 2)[0], twice);
    cr_expect_eq(twice[0], once[0]);
    cr_expect_neq(twice[1], once[0]);
    /* A subset: the index in the loader's set counts. */
    put(unit_get(dnn_dataset_subset(set, (int64_t[]){3, 2}, 2), (int64_t[]){0, 1}, 2)[0], twice);
    cr_expect(same(once, twice, 2));
}

Test(draws, the_default_generator_is_left_alone)
{
    dnn_dataset *set = augmented();
    double before, after;

    dnn_manual_seed(4);
    before = dnn_value(dnn_rand(S(1)));
    dnn_manual_seed(4);
    cr_assert_gt(dnn_dataset_get(set, (int64_t[]){1, 2}, 2).n, 0, "%s", dnn_error_message());
    after = dnn_value(dnn_rand(S(1)));
    cr_expect_eq(before, after);
}

/* ---- checkpoints ---- */

static dnn_run *run_of(dnn_loader *loader)
{
    dnn_run *run = dnn_run_new();

    cr_assert_eq(dnn_run_add(run, "train", loader), DNN_OK, "%s", dnn_error_message());
    return run;
}

/* Writes where `from` is into a checkpoint, and takes `to` there. */
static void pass_on(dnn_loader *from, dnn_loader *to)
{
    folder_make();
    cr_assert_eq(dnn_write_checkpoint(run_of(from), in_folder("run")), DNN_OK, "%s",
                 dnn_error_message());
    cr_assert_eq(dnn_load_checkpoint(run_of(to), in_folder("run")), DNN_OK, "%s",
                 dnn_error_message());
    folder_drop();
}

static void expect_same_rest(dnn_loader *a, dnn_loader *b)
{
    double x[PIXELS * 4], y[PIXELS * 4];
    dnn_batch p, q;

    for (int k = 0; k < 9; k++) { /* into the next epoch */
        bool more = dnn_loader_next(a, &p);

        cr_assert_eq(dnn_loader_next(b, &q), more, "%s", dnn_error_message());
        cr_assert_eq(p.size, q.size);
        if (more) {
            cr_assert_eq(put(p.input, x), put(q.input, y));
            cr_assert(same(x, y, p.size * PIXELS), "batch %d", k);
        }
    }
}

Test(draws, a_run_that_is_resumed_draws_the_same)
{
    static const double weight[SAMPLES] = {[3] = 1, [5] = 2, [9] = 3, [20] = 1};
    dnn_dataset *set = augmented();
    dnn_sampler *sampler = dnn_sampler_weighted(weight, SAMPLES, 20);

    for (int workers = 0; workers < 3; workers++) {
        dnn_loader *a = dnn_loader(set, .batch_size = 4, .sampler = sampler, .seed = 5);
        dnn_loader *b =
            dnn_loader(set, .batch_size = 4, .sampler = sampler, .seed = 1, .workers = workers);
        dnn_batch batch;

        for (int k = 0; k < 9; k++) {
            dnn_loader_next(a, &batch);
        }
        pass_on(a, b);
        expect_same_rest(a, b);
        dnn_release(a);
        dnn_release(b);
    }
}

/* ---- sets without a length ---- */

static dnn_status begin(void *ctx, int64_t epoch)
{
    (void)epoch;
    *(int *)ctx = 0;
    return DNN_OK;
}

static dnn_status next(void *ctx, dnn_tensor **field, bool *end)
{
    *end = ++*(int *)ctx > SAMPLES;
    field[0] = *end ? NULL : dnn_rand(S(1, 6, 6));
    field[1] = *end ? NULL : dnn_zeros(S(1));
    return DNN_OK;
}

Test(draws, a_set_without_a_length_is_resumed)
{
    for (int workers = 0; workers < 2; workers++) {
        int at[2] = {0};
        dnn_transform *crop = dnn_transform_random_crop(4);
        dnn_loader *a =
            dnn_loader(dnn_dataset_map(dnn_dataset_iterable(2, begin, next, NULL, &at[0]), crop),
                       .batch_size = 4, .seed = 5);
        dnn_loader *b =
            dnn_loader(dnn_dataset_map(dnn_dataset_iterable(2, begin, next, NULL, &at[1]), crop),
                       .batch_size = 4, .workers = workers);
        dnn_batch batch;

        for (int k = 0; k < 10; k++) {
            dnn_loader_next(a, &batch);
        }
        pass_on(a, b);
        expect_same_rest(a, b);
        dnn_release(a);
        dnn_release(b);
    }
}

Test(draws, a_set_without_a_length_repeats_too)
{
    static double want[MOST_VALUES], got[MOST_VALUES];
    int at = 0;

    for (int workers = 0; workers < 3; workers++) {
        dnn_dataset *set =
            dnn_dataset_map(dnn_dataset_map(dnn_dataset_iterable(2, begin, next, NULL, &at),
                                            dnn_transform_random_crop(4)),
                            dnn_transform_function(add_noise, NULL, NULL));
        dnn_loader *loader = dnn_loader(set, .batch_size = 4, .workers = workers);

        cr_assert_eq(epoch_of(loader, 2, 0, workers == 0 ? want : got), MOST_VALUES);
        cr_expect(workers == 0 || same(got, want, MOST_VALUES));
        cr_assert_eq(epoch_of(loader, 2, 3, got), MOST_VALUES - 12 * (PIXELS + 2));
        cr_expect(same(got, want + 12 * (PIXELS + 2), MOST_VALUES - 12 * (PIXELS + 2)));
        dnn_release(loader);
    }
}
