/* process_end.c - the end of a process whose threads still compute. exit() runs the destructors of
 * the libraries that kernels use, such as OpenBLAS's, which frees its buffers. So an exit handler,
 * which runs before them, waits for the kernels that run and lets no other begin. */
#include <stdlib.h>
#include <time.h>
#include "dispatch_state.h"
#include "process_end.h"

/* Kernels that run, in counters on cache lines of their own, so that threads do not contend. */
enum { COUNTERS = 64, PATIENCE_MS = 10000 };
static struct {
    _Alignas(64) _Atomic int64_t n;
} running[COUNTERS];
static atomic_bool ending;

static _Atomic int64_t *counter(void)
{
    return &running[((uintptr_t)&dnn__dispatch_self >> 12) % COUNTERS].n;
}

bool dnn__kernel_begins(void)
{
    /* seq_cst: either this thread sees `ending`, or the handler sees this count. */
    atomic_fetch_add(counter(), 1);
    if (DNN__UNLIKELY(atomic_load(&ending))) {
        atomic_fetch_sub(counter(), 1);
        return false;
    }
    dnn__dispatch_self.kernels++;
    return true;
}

void dnn__kernel_ends(void)
{
    dnn__dispatch_self.kernels--;
    atomic_fetch_sub_explicit(counter(), 1, memory_order_release);
}

static bool others_run(void)
{
    int64_t n = 0;

    for (int i = 0; i < COUNTERS; i++) {
        n += atomic_load(&running[i].n);
    }
    return n > dnn__dispatch_self.kernels; /* a callback of a kernel may call exit */
}

static void wait_for_kernels(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    atomic_store(&ending, true);
    if (atomic_load(&dnn__forked)) {
        return; /* the threads that ran kernels are in the parent process */
    }
    for (int i = 0; i < PATIENCE_MS && others_run(); i++) {
        (void)nanosleep(&pause, NULL);
    }
}

void dnn__process_end_watch(void)
{
    static atomic_flag watched = ATOMIC_FLAG_INIT;

    if (!atomic_flag_test_and_set(&watched) && atexit(wait_for_kernels) != 0) {
        atomic_flag_clear(&watched); /* the next start tries again */
    }
}
