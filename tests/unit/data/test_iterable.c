/* test_iterable.c - tests sets without a length: their batches, ends, positions, failures; and
 * collate. */
#include <stdatomic.h>
#include "cursor.h"
#include "unit.h"

TestSuite(iterable, .init = unit_init, .fini = unit_fini, .timeout = 60);

/* Sample i of epoch e is 100 e + i and its label i. */
struct counter {
    int64_t at, end, epoch;
    int64_t bad; /* the sample that fails once */
    int begun, read, released;
};

static dnn_status begin(void *ctx, int64_t epoch)
{
    struct counter *c = ctx;

    c->at = 0;
    c->epoch = epoch;
    c->begun++;
    return DNN_OK;
}

static dnn_status next(void *ctx, dnn_tensor **field, bool *end)
{
    struct counter *c = ctx;

    if (c->at >= c->end) {
        *end = true;
        return DNN_OK;
    }
    if (c->at == c->bad) {
        c->bad = -1;
        return dnn_fail(DNN_E_IO, "the line is down");
    }
    field[0] = dnn_full(S(1), (double)(100 * c->epoch + c->at));
    field[1] = dnn_full_i64(c->at, (dnn_create_args){.shape = DNN_SCALAR});
    c->at++;
    c->read++;
    return DNN_OK;
}

static void note_release(void *ctx)
{
    ((struct counter *)ctx)->released++;
}

static dnn_dataset *stream(struct counter *c)
{
    dnn_dataset *set = dnn_dataset_iterable(2, begin, next, note_release, c);

    cr_assert_not_null(set, "%s", dnn_error_message());
    return set;
}

/* The next batch has n samples from `first` on. */
static void expect_batch(dnn_loader *loader, double first, int64_t n, int64_t index)
{
    double got[16];
    dnn_batch batch;

    cr_assert(dnn_loader_next(loader, &batch), "batch %lld: %s", (long long)index,
              dnn_error_message());
    cr_assert_eq(batch.index, index);
    cr_assert_eq(batch.size, n, "batch %lld has %lld", (long long)index, (long long)batch.size);
    cr_assert_eq(dnn_to_list(batch.input, got, n), DNN_OK);
    for (int64_t i = 0; i < n; i++) {
        cr_assert_eq(got[i], first + (double)i, "batch %lld: %g", (long long)index, got[i]);
    }
}

static void expect_end(dnn_loader *loader)
{
    dnn_batch batch;

    cr_assert(!dnn_loader_next(loader, &batch));
    cr_assert_eq(dnn_take_error(), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(batch.size, 0);
}

Test(iterable, epochs_end_and_begin_again)
{
    for (int workers = 0; workers < 4; workers++) {
        struct counter c = {.end = 10, .bad = -1};
        DNN_SCOPE(); /* releases the set before c goes */
        dnn_dataset *set = stream(&c);
        dnn_loader *loader = dnn_loader(set, .batch_size = 4, .workers = workers);

        cr_expect_eq(dnn_dataset_size(set), -1);
        cr_expect_eq(dnn_dataset_fields(set), 2);
        cr_expect_eq(dnn_loader_batches(loader), -1);
        cr_expect_eq(dnn_loader_samples(loader), -1);
        for (int epoch = 0; epoch < 3; epoch++) {
            expect_batch(loader, 100 * epoch, 4, 0);
            expect_batch(loader, 100 * epoch + 4, 4, 1);
            expect_batch(loader, 100 * epoch + 8, 2, 2);
            expect_end(loader);
        }
        dnn_release(loader);
        dnn_release(set);
        cr_expect_eq(c.released, 1);
    }
}

Test(iterable, ends_on_a_whole_batch_and_empty)
{
    for (int workers = 0; workers < 2; workers++) {
        struct counter c = {.end = 8, .bad = -1}, none = {.end = 0, .bad = -1};
        DNN_SCOPE(); /* releases the set before c goes */
        dnn_loader *loader = dnn_loader(stream(&c), .batch_size = 4, .workers = workers);
        dnn_loader *empty = dnn_loader(stream(&none), .batch_size = 4, .workers = workers);

        for (int epoch = 0; epoch < 2; epoch++) {
            expect_batch(loader, 100 * epoch, 4, 0);
            expect_batch(loader, 100 * epoch + 4, 4, 1);
            expect_end(loader);
            expect_end(empty);
        }
        dnn_release(loader);
        dnn_release(empty);
    }
}

/* begin and next draw from the seed, so samples of another seed are other samples. */
Test(iterable, another_seed_begins_again)
{
    struct counter c = {.end = 10, .bad = -1};
    DNN_SCOPE(); /* releases the set before c goes */
    dnn__cursor cursor;
    dnn_dataset *set = stream(&c);

    cr_assert_eq(dnn__cursor_init(&cursor, set, 4), DNN_OK);
    cr_assert_eq(dnn__cursor_read(&cursor, 1, 0, 0, 2), DNN_OK);
    cr_assert_eq(dnn__cursor_read(&cursor, 1, 0, 2, 2), DNN_OK);
    cr_expect_eq(c.begun, 1);
    cr_assert_eq(dnn__cursor_read(&cursor, 7, 0, 4, 2), DNN_OK);
    cr_expect_eq(c.begun, 2);
    cr_expect_eq(cursor.first, 4);
    dnn__cursor_free(&cursor);
}

Test(iterable, fields_of_the_program_are_refused)
{
    dnn_tensor *x = dnn_ones(S(1));
    dnn_fields fields = {.field = &x, .n_fields = 1};

    cr_expect_eq(dnn_fields_set(&fields, DNN_TENSORS(x)), DNN_E_INVALID);
}

Test(iterable, drop_last)
{
    for (int workers = 0; workers < 2; workers++) {
        struct counter c = {.end = 10, .bad = -1};
        DNN_SCOPE(); /* releases the set before c goes */
        dnn_loader *loader =
            dnn_loader(stream(&c), .batch_size = 4, .workers = workers, .drop_last = true);

        for (int epoch = 0; epoch < 2; epoch++) {
            expect_batch(loader, 100 * epoch, 4, 0);
            expect_batch(loader, 100 * epoch + 4, 4, 1);
            expect_end(loader);
        }
        dnn_release(loader);
    }
}

Test(iterable, a_failure_loses_no_sample)
{
    for (int workers = 0; workers < 3; workers++) {
        struct counter c = {.end = 10, .bad = 6};
        DNN_SCOPE(); /* releases the set before c goes */
        dnn_loader *loader = dnn_loader(stream(&c), .batch_size = 4, .workers = workers);
        dnn_batch batch;

        expect_batch(loader, 0, 4, 0);
        cr_assert(!dnn_loader_next(loader, &batch));
        cr_assert_eq(dnn_take_error(), DNN_E_IO, "%s", dnn_error_message());
        cr_expect_not_null(strstr(dnn_error_message(), "sample 6: the line is down"), "%s",
                           dnn_error_message());
        expect_batch(loader, 4, 4, 1);
        expect_batch(loader, 8, 2, 2);
        expect_end(loader);
        cr_expect_eq(c.begun, workers == 0 ? 1 : c.begun);
        cr_expect_eq(workers == 0 ? c.read : 10, 10);
        dnn_release(loader);
    }
}

static dnn_tensor *fails_once(void *ctx, dnn_tensor *x)
{
    return atomic_fetch_sub((atomic_int *)ctx, 1) == 6 ? dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3)))
                                                       : dnn_mul(x, 1);
}

Test(iterable, a_transform_that_fails_gets_the_same_samples_again)
{
    for (int workers = 0; workers < 2; workers++) {
        struct counter c = {.end = 10, .bad = -1};
        DNN_SCOPE(); /* releases the set before c goes */
        atomic_int left = 12;
        dnn_dataset *set =
            dnn_dataset_map(stream(&c), dnn_transform_lambda(fails_once, NULL, &left));
        dnn_loader *loader = dnn_loader(set, .batch_size = 4, .workers = workers);
        dnn_batch batch;

        expect_batch(loader, 0, 4, 0);
        cr_assert(!dnn_loader_next(loader, &batch));
        cr_assert_eq(dnn_take_error(), DNN_E_INVALID);
        cr_expect_not_null(strstr(dnn_error_message(), "sample 6: Lambda: "), "%s",
                           dnn_error_message());
        expect_batch(loader, 4, 4, 1);
        expect_batch(loader, 8, 2, 2);
        expect_end(loader);
        dnn_release(loader);
    }
}

Test(iterable, positions_are_told_and_found_again)
{
    for (int workers = 0; workers < 2; workers++) {
        struct counter c = {.end = 10, .bad = -1};
        DNN_SCOPE(); /* releases the set before c goes */
        dnn_loader *loader = dnn_loader(stream(&c), .batch_size = 4, .workers = workers);
        int64_t epoch = -1, batch = -1;

        expect_batch(loader, 0, 4, 0);
        expect_batch(loader, 4, 4, 1);
        cr_assert_eq(dnn_loader_position(loader, &epoch, &batch), DNN_OK);
        cr_expect(epoch == 0 && batch == 2);
        cr_assert_eq(dnn_loader_seek(loader, 0, 1), DNN_OK, "%s", dnn_error_message());
        expect_batch(loader, 4, 4, 1);
        cr_assert_eq(dnn_loader_seek(loader, 5, 2), DNN_OK, "%s", dnn_error_message());
        expect_batch(loader, 508, 2, 2);
        expect_end(loader);
        expect_batch(loader, 600, 4, 0);
        cr_assert_eq(dnn_loader_seek(loader, 7, 3), DNN_OK, "%s", dnn_error_message());
        expect_end(loader);
        expect_batch(loader, 800, 4, 0);
        cr_assert_eq(dnn_loader_seek(loader, 7, 99), DNN_OK, "behind the last batch");
        expect_end(loader);
        cr_assert_eq(dnn_loader_rewind(loader, 2), DNN_OK, "%s", dnn_error_message());
        expect_batch(loader, 200, 4, 0);
        cr_expect_eq(dnn_loader_seek(loader, 0, -1), DNN_E_INVALID);
        cr_expect_eq(dnn_loader_seek(loader, 0, INT64_MAX), DNN_E_INVALID);
        expect_batch(loader, 204, 4, 1);
        dnn_release(loader);
    }
}

static dnn_tensor *negate(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_neg(x);
}

Test(iterable, maps_work_and_indices_do_not)
{
    struct counter c = {.end = 3, .bad = -1};
    DNN_SCOPE(); /* releases the set before c goes */
    dnn_dataset *set = stream(&c), *mapped;
    dnn_batch batch;
    dnn_loader *loader;
    const int64_t zero = 0;
    dnn_dataset *part[1];

    mapped = dnn_dataset_map(dnn_dataset_map_batch(set, 0, negate, NULL, NULL),
                             dnn_transform_field(1, dnn_transform_lambda(negate, NULL, NULL)));
    loader = dnn_loader(mapped, .batch_size = 2);
    cr_assert(dnn_loader_next(loader, &batch), "%s", dnn_error_message());
    EXPECT(batch.input, DNN_T_F32, S(2, 1), 0, -1);
    EXPECT(batch.target, DNN_T_I64, S(2), 0, -1);
    EXPECT_FAIL(dnn_loader(set, .shuffle = true), "shuffle", "without a length");
    EXPECT_FAIL(dnn_loader(set, .sampler = dnn_sampler_subset_random(&zero, 1)), "sampler",
                "without a length");
    EXPECT_FAIL(dnn_sampler_random(set), "no length");
    EXPECT_FAIL(dnn_dataset_subset(set, &zero, 1), "no length");
    EXPECT_FAIL(dnn_dataset_concat(&mapped, 1), "no length");
    EXPECT_STATUS_FAIL(dnn_dataset_random_split(set, &zero, 1, 0, part), "no length");
    EXPECT_LIST_FAIL(dnn_dataset_get(mapped, &zero, 1), "no length");
    EXPECT_LIST_FAIL(dnn_dataset_sample(mapped, 0), "no length");
    EXPECT_FAIL(dnn_dataset_iterable(0, begin, next, NULL, NULL), "n_fields is 0");
    EXPECT_FAIL(dnn_dataset_iterable(1, NULL, next, NULL, NULL), "begin is NULL");
    EXPECT_FAIL(dnn_dataset_iterable(1, begin, NULL, NULL, NULL), "next is NULL");
}

Test(iterable, one_loader_at_a_time)
{
    struct counter c = {.end = 4, .bad = -1};
    DNN_SCOPE(); /* releases the set before c goes */
    dnn_dataset *set = stream(&c);
    dnn_loader *a = dnn_loader(set, .batch_size = 2), *b = dnn_loader(set, .batch_size = 4);
    dnn_batch batch;

    expect_batch(a, 0, 2, 0);
    cr_expect(!dnn_loader_next(b, &batch));
    cr_expect_eq(dnn_take_error(), DNN_E_INVALID);
    cr_expect_not_null(strstr(dnn_error_message(), "another loader"), "%s", dnn_error_message());
    expect_batch(a, 2, 2, 1);
    expect_end(a);
    expect_batch(b, 0, 4, 0);
    dnn_release(b);
    expect_batch(a, 100, 2, 0);
}

/* ---- collate ---- */

/* Sequence i: [i + 1, 2] of i, and a scalar. */
static dnn_status sequence(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    field[0] = dnn_full(S(index + 1, 2), (double)(index + 1));
    field[1] = dnn_full(DNN_SCALAR, (double)index);
    return DNN_OK;
}

Test(iterable, pad_makes_sequences_equal)
{
    static double minus = -1;
    dnn_dataset *set = dnn_dataset_function(4, 2, sequence, NULL, NULL);

    for (int workers = 0; workers < 3; workers++) {
        dnn_loader *zeros =
            dnn_loader(set, .batch_size = 2, .workers = workers, .collate = dnn_collate_pad);
        dnn_loader *other = dnn_loader(set, .batch_size = 2, .workers = workers,
                                       .collate = dnn_collate_pad, .collate_ctx = &minus);
        dnn_batch batch;

        cr_assert(dnn_loader_next(zeros, &batch), "%s", dnn_error_message());
        EXPECT(batch.input, DNN_T_F32, S(2, 2, 2), 1, 1, 0, 0, 2, 2, 2, 2);
        EXPECT(batch.target, DNN_T_F32, S(2), 0, 1);
        cr_expect_eq(batch.size, 2);
        cr_assert(dnn_loader_next(other, &batch), "%s", dnn_error_message());
        EXPECT(batch.input, DNN_T_F32, S(2, 2, 2), 1, 1, -1, -1, 2, 2, 2, 2);
        dnn_release(zeros);
        dnn_release(other);
    }
}

/* All sequences, one after the other, and where each begins. */
static dnn_status pack(void *ctx, const dnn_tensor_list *sample, int64_t n, dnn_fields *batch)
{
    dnn_tensor *all[8];
    double offset[8] = {0};

    if (*(int *)ctx == 1) {
        return DNN_OK;
    }
    for (int64_t i = 0; i < n; i++) {
        all[i] = sample[i].item[0];
        offset[i + 1] = offset[i] + (double)dnn_size(all[i], 0);
    }
    return dnn_fields_set(batch, DNN_TENSORS(dnn_cat((dnn_tensor_list){.n = n, .item = all}, 0),
                                             dnn_from_data(offset, S(n), .dtype = DNN_T_F64)));
}

Test(iterable, collate_of_the_program)
{
    int way = 0;
    dnn_dataset *set = dnn_dataset_function(4, 2, sequence, NULL, NULL);
    dnn_loader *loader = dnn_loader(set, .batch_size = 3, .collate = pack, .collate_ctx = &way);
    dnn_batch batch;

    cr_assert(dnn_loader_next(loader, &batch), "%s", dnn_error_message());
    cr_expect_eq(dnn_size(batch.input, 0), 6);
    cr_expect_eq(batch.size, 3);
    EXPECT(batch.target, DNN_T_F64, S(3), 0, 1, 3);
    way = 1;
    cr_assert(!dnn_loader_next(loader, &batch));
    cr_expect_eq(dnn_take_error(), DNN_E_INVALID);
    cr_expect_not_null(strstr(dnn_error_message(), "collate: it left no field"), "%s",
                       dnn_error_message());
    way = 0;
    cr_assert(dnn_loader_next(loader, &batch), "%s", dnn_error_message());
    EXPECT(batch.input, DNN_T_F32, S(4, 2), 4, 4, 4, 4, 4, 4, 4, 4);
    EXPECT_STATUS_FAIL(dnn_collate_pad(NULL, NULL, 1, NULL), "dnn_collate_pad");
}

Test(iterable, unequal_samples_say_what_to_do)
{
    dnn_loader *loader =
        dnn_loader(dnn_dataset_function(4, 2, sequence, NULL, NULL), .batch_size = 2);
    dnn_batch batch;

    cr_assert(!dnn_loader_next(loader, &batch));
    cr_expect_eq(dnn_take_error(), DNN_E_INVALID);
    cr_expect_not_null(strstr(dnn_error_message(),
                              "field 0 of sample 0 is f32 [1,2] on cpu, of sample 1 it is f32 "
                              "[2,2] on cpu"),
                       "%s", dnn_error_message());
    cr_expect_not_null(strstr(dnn_error_message(), ".collate"), "%s", dnn_error_message());
}
