/* test_loader.c - tests the loader: the same batches for any number of workers, the order of each
 * epoch, failures, waits that end. */
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>
#include "unit.h"

TestSuite(loader, .init = unit_init, .fini = unit_fini, .timeout = 60);

enum { SAMPLES = 23 };

/* Sample i: input [2] of 10 i and 10 i + 1, target i. */
static dnn_dataset *counted(int64_t n)
{
    dnn_tensor *field[2] = {
        dnn_reshape(dnn_add(dnn_mul(dnn_unsqueeze(dnn_arange(.end = (double)n), 1), 10),
                            dnn_arange(.end = 2)),
                    S(n, 2)),
        dnn_arange(.end = (double)n, .dtype = DNN_T_I64)};
    dnn_dataset *set = dnn_dataset_tensors(field, 2);

    cr_assert_not_null(set, "%s", dnn_error_message());
    return set;
}

/* The targets of an epoch in order; checks that inputs belong to them. */
static int64_t epoch_of(dnn_loader *loader, int64_t *out)
{
    dnn_batch batch;
    int64_t n = 0;

    while (dnn_loader_next(loader, &batch)) {
        double input[2 * SAMPLES], target[SAMPLES];

        cr_assert_eq(dnn_to_list(batch.input, input, 2 * batch.size), DNN_OK, "%s",
                     dnn_error_message());
        cr_assert_eq(dnn_to_list(batch.target, target, batch.size), DNN_OK, "%s",
                     dnn_error_message());
        for (int64_t i = 0; i < batch.size; i++) {
            cr_assert_eq(input[2 * i], 10 * target[i]);
            cr_assert_eq(input[2 * i + 1], 10 * target[i] + 1);
            out[n++] = (int64_t)target[i];
        }
    }
    cr_assert_eq(dnn_take_error(), DNN_OK, "%s", dnn_error_message());
    return n;
}

Test(loader, batches_are_the_same_for_any_number_of_workers)
{
    dnn_dataset *set = counted(SAMPLES);
    int64_t first[2][SAMPLES];

    for (int shuffle = 0; shuffle < 2; shuffle++) {
        for (int workers = 0; workers < 4; workers++) {
            dnn_loader *loader =
                dnn_loader(set, .batch_size = 4, .shuffle = shuffle, .workers = workers, .seed = 3);

            cr_assert_not_null(loader, "%s", dnn_error_message());
            cr_expect_eq(dnn_loader_batches(loader), 6);
            for (int epoch = 0; epoch < 2; epoch++) {
                int64_t order[SAMPLES];

                cr_assert_eq(epoch_of(loader, order), SAMPLES);
                if (workers == 0) {
                    memcpy(first[epoch], order, sizeof order);
                }
                cr_assert_eq(memcmp(first[epoch], order, sizeof order), 0, "%d workers, epoch %d",
                             workers, epoch);
            }
            dnn_release(loader);
        }
        cr_expect_eq(memcmp(first[0], first[1], sizeof first[0]) != 0, shuffle == 1,
                     "epochs differ if and only if shuffled");
    }
    dnn_release(set);
}

Test(loader, shuffling_gives_every_sample_once)
{
    dnn_dataset *set = counted(SAMPLES);
    dnn_loader *loader = dnn_loader(set, .batch_size = 5, .shuffle = true, .workers = 2);
    int64_t order[SAMPLES], again[SAMPLES];
    int seen[SAMPLES] = {0};

    cr_assert_eq(epoch_of(loader, order), SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
        cr_expect_eq(seen[order[i]]++, 0);
    }
    cr_expect_eq(dnn_loader_rewind(loader, 0), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(epoch_of(loader, again), SAMPLES);
    cr_expect_eq(memcmp(order, again, sizeof order), 0, "rewinding repeats the epoch");
    dnn_release(loader);
    dnn_release(set);
}

Test(loader, drop_last_leaves_the_smaller_batch_out)
{
    dnn_dataset *set = counted(SAMPLES);
    dnn_loader *loader = dnn_loader(set, .batch_size = 4, .drop_last = true);
    int64_t order[SAMPLES];

    cr_expect_eq(dnn_loader_batches(loader), 5);
    cr_expect_eq(dnn_loader_samples(loader), 20);
    cr_expect_eq(epoch_of(loader, order), 20);
    dnn_release(loader);
    dnn_release(set);
}

Test(loader, a_batch_may_be_larger_than_the_set)
{
    dnn_dataset *set = counted(SAMPLES);
    int64_t order[SAMPLES];

    for (int drop = 0; drop < 2; drop++) {
        dnn_loader *loader = dnn_loader(set, .batch_size = INT64_MAX, .shuffle = true, .workers = 1,
                                        .drop_last = drop);

        cr_assert_not_null(loader, "%s", dnn_error_message());
        cr_expect_eq(dnn_loader_batches(loader), drop ? 0 : 1);
        cr_expect_eq(epoch_of(loader, order), drop ? 0 : SAMPLES);
        dnn_release(loader);
    }
    dnn_release(set);
}

Test(loader, an_empty_set_has_no_batch)
{
    dnn_dataset *set = counted(0);
    dnn_loader *loader = dnn_loader(set, .batch_size = 4, .shuffle = true, .workers = 1);
    int64_t order[1];

    cr_assert_not_null(loader, "%s", dnn_error_message());
    cr_expect_eq(epoch_of(loader, order), 0);
    dnn_release(loader);
    dnn_release(set);
}

static dnn_status fails_at_seven(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    if (index == 7) {
        field[0] = dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3)));
        return dnn_take_error();
    }
    field[0] = dnn_full(S(1), (double)index);
    return DNN_OK;
}

Test(loader, a_failing_sample_is_the_callers_error_at_its_batch)
{
    for (int workers = 0; workers < 4; workers++) {
        dnn_dataset *set = dnn_dataset_function(20, 1, fails_at_seven, NULL, NULL);
        dnn_loader *loader = dnn_loader(set, .batch_size = 3, .workers = workers);
        dnn_batch batch;
        int batches = 0;

        while (dnn_loader_next(loader, &batch)) {
            batches++;
        }
        cr_expect_eq(batches, 2, "%d workers: %d batches", workers, batches);
        cr_expect_eq(dnn_take_error(), DNN_E_INVALID);
        cr_expect_not_null(strstr(dnn_error_message(), "[2] and [3]"), "%d workers: %s", workers,
                           dnn_error_message());
        dnn_release(loader);
        dnn_release(set);
    }
}

static dnn_status sleeps(void *ctx, int64_t index, dnn_tensor **field)
{
    struct timespec t = {0, 600 * 1000 * 1000};

    (void)ctx;
    nanosleep(&t, NULL);
    field[0] = dnn_full(S(1), (double)index);
    return DNN_OK;
}

Test(loader, a_stuck_worker_is_an_error_and_not_a_hang)
{
    dnn_dataset *set = dnn_dataset_function(4, 1, sleeps, NULL, NULL);
    dnn_loader *loader = dnn_loader(set, .batch_size = 1, .workers = 1, .timeout = 0.1);
    dnn_batch batch;

    cr_expect(!dnn_loader_next(loader, &batch));
    cr_expect_eq(dnn_take_error(), DNN_E_IO);
    cr_expect_not_null(strstr(dnn_error_message(), "stuck"), "%s", dnn_error_message());
    usleep(1500 * 1000); /* it wakes, so that freeing finds it at rest and nothing is left behind */
    dnn_release(loader);
    dnn_release(set);
}

static atomic_int awake;

static dnn_status sleeps_long(void *ctx, int64_t index, dnn_tensor **field)
{
    struct timespec t = {3, 0};

    (void)ctx;
    nanosleep(&t, NULL);
    field[0] = dnn_full(S(1), (double)index);
    return DNN_OK;
}

static void note_awake(void *ctx)
{
    (void)ctx;
    atomic_store(&awake, 1);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

Test(loader, freeing_does_not_wait_for_a_stuck_worker)
{
    dnn_dataset *set = dnn_dataset_function(4, 1, sleeps_long, note_awake, NULL);
    dnn_loader *loader = dnn_loader(set, .batch_size = 1, .workers = 1, .timeout = 0.2);
    double start = seconds();
    dnn_batch batch;

    cr_expect(!dnn_loader_next(loader, &batch));
    cr_expect_eq(dnn_take_error(), DNN_E_IO);
    cr_expect_not_null(strstr(dnn_error_message(), "stuck"), "%s", dnn_error_message());
    dnn_release(loader);
    dnn_release(set);
    cr_expect_lt(seconds() - start, 2, "%g s", seconds() - start);
    for (int i = 0; i < 1000 && atomic_load(&awake) == 0; i++) {
        usleep(10 * 1000);
    }
    cr_expect_eq(atomic_load(&awake), 1, "the worker frees the loader when it comes back");
    usleep(50 * 1000); /* the thread ends after it has freed the loader */
}

Test(loader, freeing_in_the_middle_stops_cleanly)
{
    for (int workers = 0; workers < 4; workers++) {
        dnn_dataset *set = counted(SAMPLES);
        dnn_loader *loader =
            dnn_loader(set, .batch_size = 2, .shuffle = true, .workers = workers, .prefetch = 3);
        dnn_batch batch;

        cr_assert(dnn_loader_next(loader, &batch));
        cr_assert(dnn_loader_next(loader, &batch));
        cr_expect_eq(batch.index, 1);
        cr_expect_eq(batch.size, 2);
        dnn_release(loader);
        dnn_release(set);
    }
}

Test(loader, bad_arguments_are_refused)
{
    dnn_dataset *set = counted(4);
    dnn_batch batch;

    EXPECT_FAIL(dnn_loader(NULL), "dnn_loader", "set");
    EXPECT_FAIL(dnn_loader(set, .batch_size = -2), "batch_size", "-2");
    EXPECT_FAIL(dnn_loader(set, .workers = 1000), "workers", "1000", "256");
    EXPECT_FAIL(dnn_loader(set, .prefetch = -1), "prefetch", "-1");
    EXPECT_FAIL(dnn_loader(set, .workers = -1), "workers", "-1", "256");
    EXPECT_FAIL(dnn_loader(set, .timeout = -1), "timeout");
    EXPECT_FAIL(dnn_loader(set, .timeout = (double)NAN), "timeout", "nan");
    cr_expect_null(dnn_loader(set, .device = "abacus"));
    cr_expect_neq(dnn_take_error(), DNN_OK);
    cr_expect_not_null(strstr(dnn_error_message(), "abacus"), "%s", dnn_error_message());
    cr_expect_eq(dnn_loader_batches(NULL), 0);
    cr_expect(!dnn_loader_next(NULL, &batch));
    cr_expect_eq(dnn_take_error(), DNN_E_INVALID);
    dnn_release(NULL);
    dnn_release(set);
}

/* ---- its place ---- */

Test(loader, a_place_is_told_and_found_again)
{
    for (int workers = 0; workers <= 2; workers++) {
        dnn_dataset *set = counted(10);
        dnn_loader *a = dnn_loader(set, .batch_size = 3, .shuffle = true, .workers = workers);
        dnn_loader *b = dnn_loader(set, .batch_size = 3, .shuffle = true, .workers = workers);
        dnn_batch x, y;

        for (int k = 0; k < 9; k++) {
            int64_t epoch = -1, batch = -1;

            cr_assert_eq(dnn_loader_position(a, &epoch, &batch), DNN_OK);
            cr_assert_eq(dnn_loader_seek(b, epoch, batch), DNN_OK, "%s", dnn_error_message());
            cr_expect_eq(epoch, k / 5);
            cr_expect_eq(batch, k % 5);
            cr_expect_eq(dnn_loader_next(a, &x), dnn_loader_next(b, &y));
            if (x.size > 0) {
                double p[6], q[6];

                cr_assert_eq(x.index, y.index);
                cr_assert_eq(dnn_to_list(x.input, p, 2 * x.size), DNN_OK);
                cr_assert_eq(dnn_to_list(y.input, q, 2 * y.size), DNN_OK);
                cr_expect_eq(memcmp(p, q, 2 * sizeof(double) * (size_t)x.size), 0);
            }
        }
        cr_expect_eq(dnn_loader_seek(b, 0, 5), DNN_E_INVALID);
        cr_expect_not_null(strstr(dnn_error_message(), "batch is 5, must be 0 to 4"));
        cr_expect_eq(dnn_loader_seek(b, -1, 0), DNN_E_INVALID);
        cr_expect_eq(dnn_loader_seek(NULL, 0, 0), DNN_E_INVALID);
        cr_expect(dnn_loader_next(b, &y) || dnn_loader_next(b, &y)); /* stands where it stood */
        dnn_release(a);
        dnn_release(b);
        dnn_release(set);
    }
}
