/* test_loader_faults.c - tests the loader under faults: samples that fail for a while, workers that
 * stall, forked children; counts the system calls of a steady loop. */
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "unit.h"
#include "freed.h"

TestSuite(loader_faults, .init = unit_init, .fini = unit_fini, .timeout = 60);

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pause_for(double s)
{
    struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};

    nanosleep(&t, NULL);
}

struct script {
    int64_t bad;     /* the sample that fails or stalls */
    atomic_int left; /* how often it still does */
    double stall;    /* seconds; 0: it fails */
    bool waits;      /* the failure also leaves an error waiting */
    atomic_int released;
};

static dnn_status play(void *ctx, int64_t index, dnn_tensor **field)
{
    struct script *s = ctx;

    if (index == s->bad && atomic_fetch_sub(&s->left, 1) > 0) {
        if (s->stall > 0) {
            pause_for(s->stall);
        } else {
            field[0] = s->waits ? dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3))) : NULL;
            return DNN_E_IO;
        }
    }
    field[0] = dnn_full(S(1), (double)index);
    return DNN_OK;
}

static void note_release(void *ctx)
{
    atomic_fetch_add(&((struct script *)ctx)->released, 1);
}

static dnn_loader *scripted(struct script *s, int workers, double timeout)
{
    dnn_dataset *set = dnn_dataset_function(12, 1, play, note_release, s);
    dnn_loader *loader = dnn_loader(set, .batch_size = 2, .workers = workers, .timeout = timeout);

    cr_assert_not_null(loader, "%s", dnn_error_message());
    dnn_release(set);
    return loader;
}

/* The next batch is number `want`, of the samples 2 want and 2 want + 1. */
static void expect_batch(dnn_loader *loader, int64_t want)
{
    dnn_batch batch;

    cr_assert(dnn_loader_next(loader, &batch), "batch %lld: %s", (long long)want,
              dnn_error_message());
    cr_assert_eq(batch.index, want);
    EXPECT(batch.input, DNN_T_F32, S(2, 1), 2 * (double)want, 2 * (double)want + 1);
}

static void expect_failure(dnn_loader *loader, dnn_status status, const char *text)
{
    dnn_batch batch;

    cr_assert(!dnn_loader_next(loader, &batch));
    cr_assert_eq(dnn_take_error(), status, "%s", dnn_error_message());
    cr_assert_not_null(strstr(dnn_error_message(), text), "\"%s\" does not say \"%s\"",
                       dnn_error_message(), text);
    cr_expect_null(batch.input);
}

static void expect_end(dnn_loader *loader)
{
    dnn_batch batch;

    cr_assert(!dnn_loader_next(loader, &batch));
    cr_assert_eq(dnn_take_error(), DNN_OK, "%s", dnn_error_message());
}

static void expect_released(struct script *s)
{
    double end = seconds() + 10;

    while (atomic_load(&s->released) == 0 && seconds() < end) {
        pause_for(0.01);
    }
    cr_expect_eq(atomic_load(&s->released), 1);
}

Test(loader_faults, a_batch_that_failed_is_tried_again_and_no_other_suffers)
{
    for (int i = 0; i < 8; i++) {
        struct script s = {.bad = 5, .left = 2, .waits = i >= 4};
        dnn_loader *loader = scripted(&s, i % 4, 5);

        expect_batch(loader, 0);
        expect_batch(loader, 1);
        expect_failure(loader, DNN_E_IO, s.waits ? "[2] and [3]" : "sample 5");
        expect_failure(loader, DNN_E_IO, "sample 5");
        for (int64_t b = 2; b < 6; b++) {
            expect_batch(loader, b);
        }
        expect_end(loader);
        expect_batch(loader, 0);
        dnn_release(loader);
        expect_released(&s);
    }
}

Test(loader_faults, after_a_failure_the_loader_can_be_rewound)
{
    for (int workers = 0; workers < 4; workers++) {
        struct script s = {.bad = 3, .left = 1};
        dnn_loader *loader = scripted(&s, workers, 5);

        expect_batch(loader, 0);
        expect_failure(loader, DNN_E_IO, "sample 3");
        cr_expect_eq(dnn_loader_rewind(loader, 1), DNN_OK, "%s", dnn_error_message());
        for (int64_t b = 0; b < 6; b++) {
            expect_batch(loader, b);
        }
        expect_end(loader);
        dnn_release(loader);
    }
}

Test(loader_faults, a_stall_ends_in_an_error_and_then_goes_on)
{
    struct script s = {.bad = 2, .left = 1, .stall = 0.7};
    dnn_loader *loader = scripted(&s, 1, 0.2);
    double start = seconds();

    expect_batch(loader, 0);
    expect_failure(loader, DNN_E_IO, "batch 1 of 6");
    cr_expect_lt(seconds() - start, 0.6, "%g s", seconds() - start);
    pause_for(0.8);
    for (int64_t b = 1; b < 6; b++) {
        expect_batch(loader, b);
    }
    dnn_release(loader);
    expect_released(&s);
}

Test(loader_faults, a_stalled_loader_is_freed_in_time_and_leaves_nothing_when_it_wakes)
{
    for (int workers = 1; workers < 4; workers += 2) {
        struct script s = {.bad = 0, .left = 1, .stall = 1};
        dnn_loader *loader = scripted(&s, workers, 0.2);
        double start = seconds();

        expect_failure(loader, DNN_E_IO, "0.2 s");
        dnn_release(loader);
        cr_expect_lt(seconds() - start, 0.9, "%g s", seconds() - start);
        cr_expect_eq(atomic_load(&s.released), 0, "the function may still be running");
        expect_released(&s);
    }
    pause_for(0.05); /* the thread ends after it has freed the loader */
}

Test(loader_faults, a_rewind_that_waits_in_vain_is_made_up_for)
{
    struct script s = {.bad = 2, .left = 1, .stall = 1};
    dnn_loader *loader = scripted(&s, 1, 0.2);

    expect_batch(loader, 0);
    cr_expect_eq(dnn_loader_rewind(loader, 3), DNN_E_IO);
    expect_failure(loader, DNN_E_IO, "stuck");
    pause_for(1);
    for (int64_t b = 0; b < 6; b++) {
        expect_batch(loader, b);
    }
    dnn_release(loader);
}

Test(loader_faults, epochs_out_of_range)
{
    struct script s = {.bad = -1};
    dnn_loader *loader = scripted(&s, 1, 5);

    cr_expect_eq(dnn_loader_rewind(loader, -1), DNN_E_INVALID);
    cr_expect_eq(dnn_loader_rewind(loader, INT64_C(1) << 24), DNN_E_INVALID);
    cr_expect_not_null(strstr(dnn_error_message(), "16,777,216"), "%s", dnn_error_message());
    cr_expect_eq(dnn_loader_rewind(NULL, 0), DNN_E_INVALID);
    expect_batch(loader, 0);
    dnn_release(loader);
}

static int in_child(dnn_loader *loader, dnn_dataset *set)
{
    dnn_batch batch;
    int64_t index = 0;

    alarm(20);
    if (dnn_loader_next(loader, &batch) || dnn_take_error() == DNN_OK ||
        strstr(dnn_error_message(), "fork") == NULL) {
        return 1;
    }
    if (dnn_dataset_get(set, &index, 1).n != 0 || dnn_take_error() == DNN_OK ||
        dnn_loader(set) != NULL || dnn_take_error() == DNN_OK) {
        return 2;
    }
    if (dnn_loader_rewind(loader, 0) == DNN_OK) {
        return 3;
    }
    dnn_release(loader);
    return 0;
}

Test(loader_faults, a_forked_child_gets_errors_and_does_not_hang)
{
    for (int workers = 0; workers < 3; workers++) {
        struct script s = {.bad = -1};
        dnn_dataset *set = dnn_dataset_function(12, 1, play, note_release, &s);
        dnn_loader *loader = dnn_loader(set, .batch_size = 2, .workers = workers);
        int state = -1;
        pid_t child;

        expect_batch(loader, 0);
        child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            _exit(in_child(loader, set));
        }
        cr_assert_eq(waitpid(child, &state, 0), child);
        cr_expect(WIFEXITED(state) && WEXITSTATUS(state) == 0, "%d workers: state %x", workers,
                  (unsigned)state);
        expect_batch(loader, 1);
        dnn_release(loader);
        dnn_release(set);
    }
}

/* ---- what is asked of the system ---- */

static atomic_long allocations;

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    void *memory = NULL;

    (void)ctx;
    atomic_fetch_add(&allocations, 1);
    return posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align,
                          bytes > 0 ? bytes : 1) == 0
               ? memory
               : NULL;
}

static void counted_free(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static void steady_init(void)
{
    const dnn_allocator counting = {NULL, counted_alloc, counted_free};

    dnn__check_handles = false; /* they keep the memory of freed objects for a while */
    cr_assert_eq(dnn_set_allocator(&counting), DNN_OK, "%s", dnn_error_message());
    unit_init();
}

TestSuite(loader_steady, .init = steady_init, .fini = unit_fini, .timeout = 60);

Test(loader_steady, a_steady_loop_asks_the_system_for_nothing)
{
    struct script s = {.bad = -1};
    dnn_dataset *whole = dnn_dataset_function(9000, 1, play, NULL, &s), *part[3], *set;
    dnn_loader *loader;
    dnn_batch batch;
    long after_warm_up;

    cr_assert_eq(dnn_dataset_random_split(whole, (int64_t[]){4000, 4000, 1000}, 3, 7, part), DNN_OK,
                 "%s", dnn_error_message());
    set = dnn_dataset_concat(part, 2);
    loader = dnn_loader(set, .batch_size = 1600);
    for (int epoch = 0; epoch < 2; epoch++) {
        while (dnn_loader_next(loader, &batch)) {
        }
        cr_assert_eq(dnn_take_error(), DNN_OK, "%s", dnn_error_message());
    }
    after_warm_up = atomic_load(&allocations);
    while (dnn_loader_next(loader, &batch)) {
    }
    cr_expect_eq(atomic_load(&allocations), after_warm_up, "%ld allocations",
                 atomic_load(&allocations) - after_warm_up);
    dnn_release(loader);
    dnn_release(set);
    dnn_release(whole);
    for (int i = 0; i < 3; i++) {
        dnn_release(part[i]);
    }
}
