/* test_sampler.c - tests samplers: their orders, what they refuse, and loaders over them. */
#include "unit.h"

TestSuite(sampler, .init = unit_init, .fini = unit_fini, .timeout = 60);

enum { MOST = 4000 };

/* Sample i is i. */
static dnn_dataset *numbers(int64_t n)
{
    dnn_tensor *x = dnn_arange(.end = (double)n);

    return dnn_dataset_tensors(&x, 1);
}

/* The samples of an epoch, in order; returns their number. */
static int64_t epoch_of(dnn_loader *loader, int64_t epoch, int64_t *out)
{
    dnn_batch batch;
    int64_t n = 0;

    cr_assert_not_null(loader, "%s", dnn_error_message());
    cr_assert_eq(dnn_loader_rewind(loader, epoch), DNN_OK, "%s", dnn_error_message());
    while (dnn_loader_next(loader, &batch)) {
        double value[MOST];

        cr_assert_eq(dnn_to_list(batch.input, value, batch.size), DNN_OK);
        for (int64_t i = 0; i < batch.size; i++) {
            out[n++] = (int64_t)value[i];
        }
    }
    cr_assert_eq(dnn_take_error(), DNN_OK, "%s", dnn_error_message());
    return n;
}

static int64_t order_of(dnn_dataset *set, dnn_sampler *sampler, uint64_t seed, int64_t epoch,
                        int64_t *out)
{
    DNN_SCOPE();
    dnn_loader *loader = dnn_loader(set, .batch_size = 7, .sampler = sampler, .seed = seed);

    cr_assert_not_null(loader, "%s", dnn_error_message());
    cr_assert_eq(dnn_loader_samples(loader), dnn_sampler_size(sampler));
    return epoch_of(loader, epoch, out);
}

static bool same(const int64_t *a, const int64_t *b, int64_t n)
{
    return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

Test(sampler, sequential_and_random)
{
    dnn_dataset *set = numbers(10);
    dnn_loader *shuffled = dnn_loader(set, .batch_size = 7, .shuffle = true, .seed = 5);
    int64_t a[MOST], b[MOST];

    cr_expect_eq(order_of(set, dnn_sampler_sequential(set), 0, 0, a), 10);
    for (int64_t i = 0; i < 10; i++) {
        cr_expect_eq(a[i], i);
    }
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        cr_expect_eq(order_of(set, dnn_sampler_random(set), 5, epoch, a), 10);
        cr_expect_eq(epoch_of(shuffled, epoch, b), 10);
        cr_expect(same(a, b, 10), "the order of .shuffle");
    }
    cr_expect_eq(order_of(set, dnn_sampler_random(set), 6, 2, a), 10);
    cr_expect(!same(a, b, 10), "another seed");
}

Test(sampler, random_of_another_number)
{
    dnn_dataset *set = numbers(10);
    int64_t a[MOST], seen[10] = {0}, whole[MOST];

    cr_expect_eq(order_of(set, dnn_sampler_random(set, .num_samples = 25), 0, 0, a), 25);
    for (int64_t i = 0; i < 25; i++) {
        seen[a[i]]++;
    }
    for (int i = 0; i < 10; i++) {
        cr_expect(seen[i] == 2 || seen[i] == 3, "%d is drawn %lld times", i, (long long)seen[i]);
    }
    cr_expect(!same(a, a + 10, 10), "the permutations differ");
    cr_expect_eq(order_of(set, dnn_sampler_random(set), 0, 0, whole), 10);
    cr_expect_eq(order_of(set, dnn_sampler_random(set, .num_samples = 4), 0, 0, a), 4);
    cr_expect(same(a, whole, 4));
}

Test(sampler, random_with_replacement)
{
    dnn_dataset *set = numbers(10);
    dnn_sampler *sampler = dnn_sampler_random(set, .replacement = true, .num_samples = MOST);
    int64_t a[MOST], b[MOST], seen[10] = {0};

    cr_expect_eq(order_of(set, sampler, 1, 0, a), MOST);
    for (int64_t i = 0; i < MOST; i++) {
        seen[a[i]]++;
    }
    for (int i = 0; i < 10; i++) { /* 400 +- 19 */
        cr_expect(seen[i] > 300 && seen[i] < 500, "%d: %lld", i, (long long)seen[i]);
    }
    cr_expect_eq(order_of(set, sampler, 1, 0, b), MOST);
    cr_expect(same(a, b, MOST), "reproducible");
    cr_expect_eq(order_of(set, sampler, 1, 1, b), MOST);
    cr_expect(!same(a, b, MOST), "epochs differ");
}

Test(sampler, weighted)
{
    const double weight[5] = {0, 1, 3, 0, 4};
    dnn_dataset *set = numbers(5);
    int64_t a[MOST], seen[5] = {0}, first[5] = {0};

    cr_expect_eq(order_of(set, dnn_sampler_weighted(weight, 5, MOST), 2, 0, a), MOST);
    for (int64_t i = 0; i < MOST; i++) {
        seen[a[i]]++;
    }
    cr_expect_eq(seen[0] + seen[3], 0);
    for (int i = 0; i < 5; i++) { /* of 8, within 5 deviations of at most 32 */
        cr_expect_lt(fabs((double)seen[i] - weight[i] / 8 * MOST), 160, "%d: %lld", i,
                     (long long)seen[i]);
    }
    for (int64_t epoch = 0; epoch < 400; epoch++) {
        dnn_sampler *without = dnn_sampler_weighted(weight, 5, 3, .no_replacement = true);
        int all = 0;

        cr_expect_eq(order_of(set, without, 2, epoch, a), 3);
        for (int i = 0; i < 3; i++) {
            all |= 1 << a[i];
        }
        cr_expect_eq(all, 1 << 1 | 1 << 2 | 1 << 4);
        first[a[0]]++;
        dnn_release(without);
    }
    cr_expect(first[4] > 150 && first[2] > 100 && first[1] > 25, "%lld %lld %lld",
              (long long)first[4], (long long)first[2], (long long)first[1]);
}

/* As torch.utils.data.DistributedSampler: padded with its beginning, or cut. */
Test(sampler, distributed)
{
    dnn_dataset *set = numbers(10);
    int64_t part[4][MOST], n, seen[10] = {0}, whole[MOST];

    for (int64_t rank = 0; rank < 4; rank++) {
        n = order_of(set, dnn_sampler_distributed(set, 4, rank, .no_shuffle = true), 0, 0,
                     part[rank]);
        cr_expect_eq(n, 3);
        for (int64_t i = 0; i < n; i++) {
            cr_expect_eq(part[rank][i], (rank + 4 * i) % 10);
        }
        n = order_of(set,
                     dnn_sampler_distributed(set, 4, rank, .no_shuffle = true, .drop_last = true),
                     0, 0, part[rank]);
        cr_expect_eq(n, 2);
        n = order_of(set, dnn_sampler_distributed(set, 4, rank), 3, 2, part[rank]);
        cr_expect_eq(n, 3);
        for (int64_t i = 0; i < n; i++) {
            seen[part[rank][i]]++;
        }
    }
    cr_expect_eq(order_of(set, dnn_sampler_random(set), 3, 2, whole), 10);
    for (int i = 0; i < 10; i++) {
        cr_expect_eq(seen[i], i == whole[0] || i == whole[1] ? 2 : 1, "%d: %lld", i,
                     (long long)seen[i]);
    }
    cr_expect_eq(order_of(numbers(1), dnn_sampler_distributed(numbers(1), 4, 3), 0, 0, part[0]), 1);
}

Test(sampler, subset_random)
{
    const int64_t index[4] = {8, 1, 5, 1};
    dnn_dataset *set = numbers(10);
    int64_t a[MOST], sum = 0;

    cr_expect_eq(order_of(set, dnn_sampler_subset_random(index, 4), 0, 0, a), 4);
    for (int i = 0; i < 4; i++) {
        sum += a[i];
    }
    cr_expect_eq(sum, 15);
    cr_expect_eq(order_of(set, dnn_sampler_subset_random(NULL, 0), 0, 0, a), 0);
}

struct rotation {
    int released;
    int64_t fail_at;
};

static dnn_status rotate(void *ctx, uint64_t seed, int64_t epoch, int64_t *index)
{
    struct rotation *r = ctx;

    if (epoch == r->fail_at) {
        return dnn_fail(DNN_E_IO, "no order today");
    }
    for (int64_t i = 0; i < 6; i++) {
        index[i] = (i + (int64_t)seed + epoch) % 10;
    }
    return DNN_OK;
}

static void note_release(void *ctx)
{
    ((struct rotation *)ctx)->released++;
}

Test(sampler, of_the_program)
{
    struct rotation r = {0, 3};
    dnn_dataset *set = numbers(10), *short_set = numbers(9);
    dnn_sampler *sampler = dnn_sampler_function(6, rotate, note_release, &r);
    dnn_loader *loader = dnn_loader(set, .batch_size = 4, .sampler = sampler, .seed = 2);
    int64_t a[MOST];

    cr_expect_eq(epoch_of(loader, 1, a), 6);
    for (int64_t i = 0; i < 6; i++) {
        cr_expect_eq(a[i], (i + 3) % 10);
    }
    cr_expect_eq(dnn_loader_rewind(loader, 3), DNN_E_IO);
    cr_expect_not_null(strstr(dnn_error_message(), "no order today"), "%s", dnn_error_message());
    cr_expect_eq(epoch_of(loader, 4, a), 6);
    EXPECT_FAIL(dnn_loader(short_set, .sampler = sampler, .seed = 4), "dnn_sampler_function",
                "index 9", "[0, 9)");
    dnn_release(loader);
    dnn_release(sampler);
    cr_expect_eq(r.released, 1);
    EXPECT_FAIL(dnn_sampler_function(6, NULL, note_release, &r), "fn is NULL");
    cr_expect_eq(r.released, 2);
}

Test(sampler, workers_and_positions)
{
    const double weight[6] = {1, 2, 3, 4, 5, 6};
    dnn_dataset *set = numbers(6);
    dnn_sampler *sampler = dnn_sampler_weighted(weight, 6, 20);
    int64_t want[MOST], got[MOST];

    cr_assert_eq(order_of(set, sampler, 0, 1, want), 20);
    for (int workers = 0; workers < 4; workers++) {
        dnn_loader *loader = dnn_loader(set, .batch_size = 3, .sampler = sampler,
                                        .workers = workers, .drop_last = true);
        dnn_batch batch;

        cr_expect_eq(dnn_loader_batches(loader), 6);
        cr_assert_eq(epoch_of(loader, 1, got), 18);
        cr_expect(same(got, want, 18), "%d workers", workers);
        cr_assert_eq(dnn_loader_seek(loader, 1, 4), DNN_OK, "%s", dnn_error_message());
        cr_assert(dnn_loader_next(loader, &batch), "%s", dnn_error_message());
        EXPECT(batch.input, DNN_T_F32, S(3), (double)want[12], (double)want[13], (double)want[14]);
        dnn_release(loader);
    }
}

Test(sampler, bad_arguments_are_refused)
{
    const double weight[2] = {1, -1}, zero[2] = {0, 0}, one[2] = {1, 0};
    dnn_dataset *set = numbers(4);
    dnn_sampler *sampler = dnn_sampler_sequential(set);

    EXPECT_FAIL(dnn_loader(set, .sampler = sampler, .shuffle = true), "sampler", ".shuffle");
    EXPECT_FAIL(dnn_loader(numbers(3), .sampler = sampler), "dnn_sampler_sequential", "index 3");
    EXPECT_FAIL(dnn_sampler_sequential(NULL), "dnn_sampler_sequential", "NULL");
    EXPECT_FAIL(dnn_sampler_random(set, .num_samples = -1), "-1");
    EXPECT_FAIL(dnn_sampler_random(numbers(0), .num_samples = 2), "0 samples");
    EXPECT_FAIL(dnn_sampler_weighted(weight, 2, 1), "weight 1 is -1");
    EXPECT_FAIL(dnn_sampler_weighted(zero, 2, 1), "0 weights are above 0");
    EXPECT_FAIL(dnn_sampler_weighted(one, 2, 2, .no_replacement = true), "1 weights", "2");
    EXPECT_FAIL(dnn_sampler_weighted(NULL, 2, 1), "weight is NULL");
    EXPECT_FAIL(dnn_sampler_distributed(set, 2, 2), "rank is 2 of 2");
    EXPECT_FAIL(dnn_sampler_distributed(set, 0, 0), "rank is 0 of 0");
    EXPECT_FAIL(dnn_sampler_subset_random(NULL, 2), "index is NULL");
    EXPECT_FAIL(dnn_loader(set, .sampler = dnn_sampler_subset_random((int64_t[]){4}, 1)),
                "index 4");
    cr_expect_eq(dnn_sampler_size(NULL), 0);
}
