/* test_threads.c - tests the thread pool (threads.c): it runs every piece once, with any number of
 * threads, nested, under contention, after fork. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base.h"

enum { MOST = 4000 };

struct record {
    _Atomic int hits[MOST];
    _Atomic int bad;
    int64_t n, grain;
    int threads;
};

static void note(void *arg, int64_t begin, int64_t end, int worker)
{
    struct record *r = arg;
    int64_t want = begin + r->grain < r->n ? begin + r->grain : r->n;

    if (begin % r->grain != 0 || end != want || worker < 0 || worker >= r->threads) {
        r->bad++;
    }
    for (int64_t i = begin; i < end; i++) {
        r->hits[i]++;
    }
}

static void expect_each_once(int64_t n, int64_t grain)
{
    struct record *r = calloc(1, sizeof *r);

    r->n = n;
    r->grain = grain < 1 ? 1 : grain;
    r->threads = dnn_get_threads();
    dnn__parallel_for(n, grain, note, r);
    cr_assert_eq(r->bad, 0, "%lld pieces of the wrong cut", (long long)n);
    for (int64_t i = 0; i < MOST; i++) {
        cr_assert_eq(r->hits[i], i < n ? 1 : 0, "%lld of %lld by %lld: %d times", (long long)i,
                     (long long)n, (long long)grain, r->hits[i]);
    }
    free(r);
}

Test(threads, each_piece_once_with_any_number, .timeout = 120)
{
    cr_assert_eq(dnn__pool_start(), DNN_OK);
    for (int t = 1; t <= 16; t++) {
        cr_assert_eq(dnn_set_threads(t), DNN_OK);
        cr_assert_eq(dnn_get_threads(), t);
        for (int round = 0; round < 30; round++) {
            expect_each_once(MOST, 1);
            expect_each_once(MOST, 7);
            expect_each_once(MOST - 1, 1999);
            expect_each_once(5, 5);
            expect_each_once(5, INT64_MAX);
            expect_each_once(3, 0);
            expect_each_once(0, 1);
            expect_each_once(-4, 1);
        }
    }
    dnn__pool_stop();
}

static void inner(void *arg, int64_t begin, int64_t end, int worker)
{
    _Atomic int64_t *sum = arg;

    cr_assert_eq(worker, 0);
    *sum += end - begin;
}

static void outer(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)begin;
    (void)end;
    (void)worker;
    if (dnn_set_threads(2) != DNN_E_INVALID) {
        *(_Atomic int64_t *)arg = -1000000;
    }
    dnn__parallel_for(100, 3, inner, arg);
}

Test(threads, nested_calls_run_inline)
{
    _Atomic int64_t sum = 0;

    cr_assert_eq(dnn_set_threads(4), DNN_OK);
    cr_assert_eq(dnn__pool_start(), DNN_OK);
    dnn__parallel_for(8, 1, outer, &sum);
    cr_expect_eq(sum, 800);
    dnn__pool_stop();
}

static void *user(void *unused)
{
    (void)unused;
    for (int i = 0; i < 300; i++) {
        expect_each_once(97, 5);
    }
    return NULL;
}

Test(threads, several_callers)
{
    pthread_t t[4];

    cr_assert_eq(dnn_set_threads(3), DNN_OK);
    cr_assert_eq(dnn__pool_start(), DNN_OK);
    for (int i = 0; i < 4; i++) {
        pthread_create(&t[i], NULL, user, NULL);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    dnn__pool_stop();
}

Test(threads, wakes_sleepers)
{
    cr_assert_eq(dnn_set_threads(4), DNN_OK);
    cr_assert_eq(dnn__pool_start(), DNN_OK);
    for (int i = 0; i < 200; i++) {
        usleep(300);
        expect_each_once(64, 1);
    }
    dnn__pool_stop();
}

Test(threads, a_forked_child_does_not_hang)
{
    int status = -1;
    pid_t child;

    cr_assert_eq(dnn_set_threads(4), DNN_OK);
    cr_assert_eq(dnn__pool_start(), DNN_OK);
    expect_each_once(64, 1);
    child = fork();
    if (child == 0) {
        struct record r = {.n = 64, .grain = 1, .threads = 1};

        alarm(10);
        dnn__parallel_for(64, 1, note, &r);
        dnn__pool_stop();
        _exit(atomic_load(&dnn__forked) && r.bad == 0 && r.hits[63] == 1 ? 0 : 1);
    }
    cr_assert(child > 0);
    waitpid(child, &status, 0);
    cr_expect_eq(status, 0);
    cr_expect_not(atomic_load(&dnn__forked));
    dnn__pool_stop();
}

static char logged[512];

static void keep_log(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    cr_expect_eq(level, DNN_LOG_WARN);
    strncpy(logged, text, sizeof logged - 1);
}

Test(threads, the_environment_is_checked)
{
    dnn_set_log(keep_log, NULL);
    setenv("DNN_THREADS", "3", 1);
    cr_expect_eq(dnn_get_threads(), 3);
    setenv("DNN_THREADS", "many", 1);
    cr_assert_eq(dnn__pool_start(), DNN_OK);
    cr_expect(strstr(logged, "\"many\"") != NULL, "%s", logged);
    cr_expect_geq(dnn_get_threads(), 1);
    cr_expect_eq(dnn_set_threads(0), DNN_E_INVALID);
    cr_expect_eq(dnn_set_threads(257), DNN_E_INVALID);
    dnn__pool_stop();
}
