/* test_slab.c - tests the small objects of slab.c: they are distinct and aligned, pass from thread
 * to thread, and go back at shutdown. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "base.h"

enum { MANY = 5000 };
static void *kept[MANY];

static size_t size_of(int i)
{
    return (size_t)(i * 37) % 4300 + 1;
}

Test(slab, objects_are_distinct)
{
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            kept[i] = dnn__slab_alloc(size_of(i));
            cr_assert_not_null(kept[i]);
            cr_assert_eq((uintptr_t)kept[i] % 64, 0);
            memset(kept[i], i & 255, size_of(i));
        }
        for (int i = 0; i < MANY; i++) {
            const unsigned char *byte = kept[i];

            cr_assert_eq(byte[0], i & 255);
            cr_assert_eq(byte[size_of(i) - 1], i & 255);
            dnn__slab_free(kept[i], size_of(i));
        }
    }
    dnn__slab_shutdown();
    cr_expect_eq(dnn_set_allocator(NULL), DNN_OK, "%s", dnn_error_message());
}

static void *make(void *unused)
{
    (void)unused;
    for (int i = 0; i < MANY; i++) {
        kept[i] = dnn__slab_alloc(200);
    }
    return NULL;
}

static void *churn(void *seed_)
{
    unsigned seed = (unsigned)(uintptr_t)seed_;
    void *mine[64] = {0};

    for (int i = 0; i < 20000; i++) {
        unsigned at = (seed = seed * 1664525u + 1013904223u) >> 26;

        if (mine[at]) {
            dnn__slab_free(mine[at], 64 + 16 * (size_t)at);
            mine[at] = NULL;
        } else {
            mine[at] = dnn__slab_alloc(64 + 16 * (size_t)at);
            *(unsigned *)mine[at] = at;
        }
    }
    for (size_t at = 0; at < 64; at++) {
        if (mine[at]) {
            dnn__slab_free(mine[at], 64 + 16 * at);
        }
    }
    return NULL;
}

Test(slab, threads_end_and_hand_over)
{
    pthread_t thread, several[4];

    pthread_create(&thread, NULL, make, NULL);
    pthread_join(thread, NULL);
    dnn__slab_shutdown(); /* objects live: nothing happens to them */
    for (int i = 0; i < MANY; i++) {
        memset(kept[i], 1, 200);
        dnn__slab_free(kept[i], 200);
    }
    for (uintptr_t i = 0; i < 4; i++) {
        pthread_create(&several[i], NULL, churn, (void *)(i + 1));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(several[i], NULL);
    }
    dnn__slab_shutdown();
    cr_expect_eq(dnn_set_allocator(NULL), DNN_OK, "%s", dnn_error_message());
}

Test(slab, starts_again_after_shutdown)
{
    for (int i = 0; i < 3; i++) {
        void *a = dnn__slab_alloc(100), *b = dnn__slab_alloc(100);

        cr_assert(a && b && a != b);
        dnn__slab_free(a, 100);
        dnn__slab_free(b, 100);
        dnn__slab_shutdown();
        cr_expect_eq(dnn_set_allocator(NULL), DNN_OK);
    }
}
