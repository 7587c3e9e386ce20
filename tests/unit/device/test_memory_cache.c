/* test_memory_cache.c - the bound of the host cache, and the splitting and merging of its large
 * blocks. */
#include "device_impl.h"
#include "unit.h"

enum { MIB = 1 << 20, FLOATS_OF_MIB = MIB / 4 };

TestSuite(memory_cache, .init = unit_init, .fini = unit_fini);

static dnn_memory memory(void)
{
    dnn_memory now = {0};

    cr_assert_eq(dnn_get_memory("cpu", &now), DNN_OK);
    return now;
}

static void expect_bounded(const char *when)
{
    dnn_memory now = memory();
    int64_t most = now.peak_bytes + now.peak_bytes / 4;

    most = most > 64 * MIB ? most : 64 * MIB;

    cr_assert_leq(now.cached_bytes, most, "%s: %lld bytes cached, peak %lld", when,
                  (long long)now.cached_bytes, (long long)now.peak_bytes);
}

static dnn__storage *make(uint64_t bytes)
{
    dnn__storage *s = NULL;

    cr_assert_eq(dnn__storage_new(dnn__cpu(), bytes, "test", &s), DNN_OK, "%s",
                 dnn_error_message());
    return s;
}

Test(memory_cache, a_growing_tensor_leaves_not_much_more_than_its_peak)
{
    for (double elements = 1000; elements < 24.75e6; elements *= 1.02) {
        {
            DNN_SCOPE();
            cr_assert_not_null(dnn_empty(DNN_SHAPE((int64_t)elements)));
        }
        expect_bounded("growing");
    }
    cr_expect_geq(memory().cached_bytes, 90 * MIB); /* the last block is there for the next */
}

static void step(dnn_tensor *weight, int64_t height, int64_t width)
{
    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_rand(DNN_SHAPE(4, 3, height, width));

        cr_assert_eq(dnn_backward(dnn_mean(dnn_relu(dnn_conv2d(x, weight, NULL, .padding = 1)))),
                     DNN_OK, "%s", dnn_error_message());
        cr_assert_eq(dnn_set_grad(weight, NULL), DNN_OK);
    }
}

Test(memory_cache, images_of_random_size_leave_not_much_more_than_their_peak)
{
    dnn_tensor *weight = dnn_rand(DNN_SHAPE(16, 3, 3, 3), .requires_grad = true);
    unsigned random = 1;

    for (int i = 0; i < 40; i++) {
        random = random * 1103515245u + 12345u;
        step(weight, 32 + (random >> 16) % 320, 32 + (random >> 8) % 320);
        expect_bounded("random images");
    }
}

Test(memory_cache, a_steady_step_asks_the_system_for_nothing)
{
    dnn_tensor *weight = dnn_rand(DNN_SHAPE(16, 3, 3, 3), .requires_grad = true);
    int64_t before;

    for (int i = 0; i < 3; i++) {
        step(weight, 640, 480);
    }
    cr_assert_gt(memory().peak_bytes, 64 * MIB); /* the bound follows the peak */
    before = memory().system_requests;
    for (int i = 0; i < 5; i++) {
        step(weight, 640, 480);
    }
    cr_expect_eq(memory().system_requests, before);
}

Test(memory_cache, the_bound_follows_the_peak_down)
{
    dnn__storage_release(make(128 * MIB));
    cr_expect_eq(memory().cached_bytes, 128 * MIB);
    for (int i = 0; i < 2 * WINDOW + 2; i++) {
        dnn__storage_release(make(64));
    }
    cr_expect_leq(memory().cached_bytes, 64 * MIB);
}

Test(memory_cache, a_large_block_is_split_and_merged_again)
{
    dnn__storage *whole = make(8 * MIB), *part[4];
    char *data = whole->data;
    int64_t before;

    dnn__storage_release(whole);
    before = memory().system_requests;
    for (int i = 0; i < 4; i++) {
        part[i] = make(2 * MIB);
        cr_expect_eq((char *)part[i]->data, data + i * 2 * MIB);
        memset(part[i]->data, i, 2 * MIB);
    }
    cr_expect_eq(memory().live_bytes, 8 * MIB);
    cr_expect_eq(memory().cached_bytes, 0);
    dnn__storage_release(part[1]);
    dnn__storage_release(part[3]);
    dnn__storage_release(part[2]); /* merges with both neighbours */
    cr_expect_eq(memory().cached_bytes, 6 * MIB);
    part[1] = make(6 * MIB);
    cr_expect_eq((char *)part[1]->data, data + 2 * MIB);
    dnn__storage_release(part[0]);
    dnn__storage_release(part[1]);
    whole = make(8 * MIB);
    cr_expect_eq((char *)whole->data, data);
    cr_expect_eq(memory().system_requests, before);
    dnn__storage_release(whole);
}

Test(memory_cache, the_smallest_block_that_fits_is_taken)
{
    dnn__storage *a = make(6 * MIB), *b = make(3 * MIB), *c;
    void *data = b->data;

    dnn__storage_release(a);
    dnn__storage_release(b);
    c = make(2 * MIB);
    cr_expect_eq(c->data, data);
    dnn__storage_release(c);
}

Test(memory_cache, a_small_request_does_not_hold_a_block_many_times_its_size)
{
    dnn__storage *s;

    dnn__storage_release(make(32 * MIB));
    s = make(2 * MIB);
    cr_assert_eq(dnn_empty_cache("cpu"), DNN_OK);
    cr_expect_eq(memory().cached_bytes, 0);
    dnn__storage_release(s);
}

Test(memory_cache, parts_of_blocks_in_use_count_toward_the_cap)
{
    dnn__storage *s, *t = NULL;

    dnn__storage_release(make(8 * MIB));
    s = make(2 * MIB);
    cr_assert_eq(dnn_set_memory_cap("cpu", 12 * MIB), DNN_OK);
    cr_expect_eq(memory().cached_bytes, 6 * MIB);
    cr_expect_eq(dnn__storage_new(dnn__cpu(), 9 * MIB, "add", &t), DNN_E_NOMEM);
    t = make(6 * MIB);
    cr_expect_eq(memory().cached_bytes, 0);
    dnn__storage_release(t);
    dnn__storage_release(s);
    t = make(9 * MIB);
    dnn__storage_release(t);
    cr_assert_eq(dnn_set_memory_cap("cpu", 0), DNN_OK);
}

Test(memory_cache, parts_that_outlive_the_shutdown_free_their_block)
{
    dnn__storage *a, *b;

    dnn__storage_release(make(8 * MIB));
    a = make(2 * MIB);
    b = make(2 * MIB);
    dnn_shutdown();
    dnn__storage_release(a);
    dnn__storage_release(b);
    cr_expect_eq(memory().cached_bytes, 0);
    cr_expect_eq(memory().live_bytes, 0);
}
