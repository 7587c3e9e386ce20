/* process_end.c - the end of a process whose threads still compute. exit() runs the destructors of
 * the libraries that plugins use, such as OpenBLAS's, which frees its buffers. So an exit handler,
 * which runs before them, waits for the threads that are in a plugin and lets no other enter. */
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "plugin_call.h"

enum { PATIENCE_MS = 10000 };
static atomic_bool ending;

/* A thread stores its count and then loads `ending`; the handler stores `ending` and then loads the
 * counts. One of the two sees the other's store only if no processor moves its load before its
 * store. Threads enter often and a process ends once, so the handler alone pays for the order:
 * membarrier(2) makes each running thread of the process execute a barrier. */
static void order_all_threads(void)
{
    const struct timespec longer_than_a_store = {.tv_nsec = 1000000};

    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
        (void)nanosleep(&longer_than_a_store, NULL); /* an old kernel, or a sandbox */
    }
}

bool dnn__plugin_enter(void)
{
    dnn__count_here(DNN__COUNT_IN_PLUGINS, 1);
    atomic_signal_fence(memory_order_seq_cst); /* for the compiler */
    if (DNN__UNLIKELY(atomic_load_explicit(&ending, memory_order_relaxed))) {
        dnn__plugin_leave();
        return false;
    }
    return true;
}

void dnn__plugin_leave(void)
{
    dnn__count_here(DNN__COUNT_IN_PLUGINS, -1);
}

dnn_status dnn__plugin_enter_or_fail(const char *what)
{
    return dnn__plugin_enter() ? DNN_OK
                               : dnn__fail(DNN_E_INVALID, "%s: the process is ending", what);
}

static bool others_are_inside(void)
{
    int64_t own =
        atomic_load_explicit(&dnn__self.block->counts.n[DNN__COUNT_IN_PLUGINS],
                             memory_order_relaxed); /* a callback of a kernel calls exit */

    return dnn__count_sum(DNN__COUNT_IN_PLUGINS) > own;
}

static void wait_for_threads(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    atomic_store(&ending, true);
    order_all_threads();
    if (atomic_load(&dnn__forked)) {
        return; /* the other threads are in the parent process */
    }
    for (int i = 0; i < PATIENCE_MS && others_are_inside(); i++) {
        (void)nanosleep(&pause, NULL);
    }
}

/* Before main, because a program may call exit while another thread starts the library. Where
 * membarrier is not to be had, order_all_threads waits instead. */
__attribute__((constructor)) static void watch_for_the_end(void)
{
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    (void)atexit(wait_for_threads);
}
