/* test_plan_cache.c - the plan cache under 10,000 random shapes: how many plans it keeps, how often
 * each is unplanned, what memory it holds; then the same by eight threads at once, whose plans push
 * each other out while they run.
 *
 * usage: test_plan_cache PLANNER.so    (DNN_BACKEND=planner,cpu_blas) */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../support/read_value.h"
#include "dnn/dnn.h"
#include "../doubles/planner/planner.h"

enum { SHAPES = 10000, MAX_PLANS = 2048, THREADS = 8, CALLS = 4000, ROUNDS = 3 };

static long passed, failed, blocks;

static void check(bool right, const char *what, long long got)
{
    if (right) {
        passed++;
        return;
    }
    failed++;
    printf("FAIL %s: %lld (%s)\n", what, got, dnn_error_message());
}

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    void *p = NULL;

    (void)ctx;
    if (posix_memalign(&p, align < sizeof p ? sizeof p : align, bytes) != 0) {
        return NULL;
    }
    __atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
    return p;
}

static void counted_free(void *ctx, void *p)
{
    (void)ctx;
    if (p != NULL) {
        __atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
    }
    free(p);
}

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    return z ^ (z >> 27);
}

/* -x of a shape that nothing but its number decides. */
static bool negate(int number)
{
    bool right = false;

    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_full(DNN_SHAPE(1 + number % 100, 1 + number / 100), 2);
        double least, largest;

        x = dnn_neg(x);
        right = read_value(dnn_min(x), &least) == DNN_OK &&
                read_value(dnn_max(x), &largest) == DNN_OK && least == -2 && largest == -2;
    }
    return right;
}

static void shuffle(int *number, uint64_t seed)
{
    for (int i = 0; i < SHAPES; i++) {
        number[i] = i;
    }
    for (int i = SHAPES - 1; i > 0; i--) {
        int k = (int)(draw(&seed) % (uint64_t)(i + 1)), n = number[i];

        number[i] = number[k];
        number[k] = n;
    }
}

static void random_shapes(planner_read_fn read)
{
    static int number[SHAPES];
    planner_counts p;
    dnn_counters c;
    long half = 0;
    int64_t most = 0;

    shuffle(number, 1);
    for (int i = 0; i < SHAPES; i++) {
        if (!negate(number[i])) {
            check(false, "a result is wrong, shape", number[i]);
            return;
        }
        dnn_get_counters(&c);
        most = c.plans > most ? c.plans : most;
        if (i + 1 == SHAPES / 2) {
            check(dnn_empty_cache(NULL) == DNN_OK, "empty_cache", 0);
            half = __atomic_load_n(&blocks, __ATOMIC_RELAXED);
        }
    }
    read(&p);
    check(most <= MAX_PLANS, "plans kept, more than 2048", most);
    check(p.planned == SHAPES, "plans made for 10,000 shapes", p.planned);
    check(p.unplanned >= SHAPES - MAX_PLANS, "plans given up", p.unplanned);
    check(dnn_empty_cache(NULL) == DNN_OK, "empty_cache", 0);
    check(__atomic_load_n(&blocks, __ATOMIC_RELAXED) <= half, "blocks grew after the first half by",
          __atomic_load_n(&blocks, __ATOMIC_RELAXED) - half);
    for (int i = 0; i < 100; i++) { /* the latest are still there */
        check(negate(number[SHAPES - 1 - i]), "a result is wrong", i);
    }
    check((read(&p), p.planned) == SHAPES, "plans made after the latest shapes came again",
          p.planned);
    printf("random shapes: %d plans made, %lld kept at most, %d given up\n", p.planned,
           (long long)most, p.unplanned);
}

static void *many_shapes(void *seed_)
{
    uint64_t seed = (uint64_t)(uintptr_t)seed_;
    intptr_t wrong = 0;

    for (int i = 0; i < CALLS; i++) {
        wrong += !negate((int)(draw(&seed) % 3000)); /* more than are kept */
    }
    return (void *)wrong;
}

static void threads_at_once(planner_read_fn read)
{
    pthread_t thread[THREADS];
    planner_counts p;
    void *wrong;

    for (int i = 0; i < THREADS; i++) {
        check(pthread_create(&thread[i], NULL, many_shapes, (void *)(intptr_t)(i + 7)) == 0,
              "thread", i);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], &wrong);
        check(wrong == NULL, "wrong results in a thread", (intptr_t)wrong);
    }
    read(&p);
    printf("%d threads: %d plans made, %d given up\n", THREADS, p.planned, p.unplanned);
}

int main(int argc, char **argv)
{
    dnn_allocator allocator = {NULL, counted_alloc, counted_free};
    planner_read_fn read;
    planner_counts p;
    void *symbol = argc > 1 ? dlsym(dlopen(argv[1], RTLD_NOW), "planner_read") : NULL;

    if (symbol == NULL) {
        fprintf(stderr, "usage: test_plan_cache PLANNER.so\n");
        return 2;
    }
    memcpy(&read, &symbol, sizeof read);
    for (int round = 0; round < ROUNDS; round++) { /* the library starts again */
        if (dnn_set_allocator(&allocator) != DNN_OK || dnn_init("planner,cpu_blas") != DNN_OK) {
            fprintf(stderr, "test_plan_cache: %s\n", dnn_error_message());
            return 1;
        }
        if (round == 0) {
            random_shapes(read);
        }
        threads_at_once(read);
        if (round == ROUNDS - 1) {
            check(dnn_plugin_disable("planner") == DNN_OK, "disable", 0);
        }
        read(&p);
        dnn_shutdown();
        check(round < ROUNDS - 1 || p.planned == p.unplanned, "plans left after disable",
              p.planned - p.unplanned);
        read(&p);
        check(p.planned > 0 && p.planned == p.unplanned, "plans left after the shutdown",
              p.planned - p.unplanned);
        check(p.twice == 0, "unplanned twice", p.twice);
        check(p.dead_runs == 0, "calls on a plan that was given up", p.dead_runs);
        check(p.freed_running == 0, "plans given up under a running call", p.freed_running);
        check(blocks == 0, "blocks alive", blocks);
    }
    printf("%ld passed, %ld failed\n", passed, failed);
    return failed != 0;
}
