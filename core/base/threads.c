/* threads.c - the one thread pool: parallel_for for kernels and for the core. The division into
 * pieces depends on sizes only, so that results do not depend on the number of threads. A caller
 * waits only for its own pieces. */
#include "base.h"
#include "cgroup.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 256, SPIN_NS = 30000, PAUSES = 16 };

typedef void (*piece_fn)(void *arg, int64_t begin, int64_t end, int worker);

struct job {
    piece_fn fn;
    void *arg;
    int64_t n, grain, pieces;
    int width; /* only workers below it take part: the caller has scratch for no more */
};

/* Protocol of a job. A worker takes part from its CAS that raises the count in `state` until it
 * lowers the count again. The caller clears OPEN and waits for the count only, so a worker that
 * wakes late delays nobody and never reads the numbers of another job. */
enum { OPEN = 1u << 30, CALLER_SLEEPS = 1u << 29, TAKING_PART = CALLER_SLEEPS - 1 };

static struct job job; /* written only while state is 0 */
static _Atomic int64_t next_piece __attribute__((aligned(64)));
/* OPEN, CALLER_SLEEPS and the count of workers; also a futex */
static _Atomic uint32_t state __attribute__((aligned(64)));
/* Rises with each job; also a futex. */
static _Atomic uint32_t epoch __attribute__((aligned(64)));
/* Workers that sleep on the futex `epoch`, or are about to. */
static _Atomic uint32_t sleepers __attribute__((aligned(64)));
static atomic_flag taken __attribute__((aligned(64))) = ATOMIC_FLAG_INIT;
static atomic_bool stopping;

static pthread_t worker_thread[MOST_THREADS];
static _Atomic int threads; /* with the caller; 0: the pool is not started */
static _Atomic int wanted;  /* set by dnn_set_threads; 0: never called */
/* False if there are more threads than CPUs: a thread that spins would keep another from running.
 */
static atomic_bool may_spin;

atomic_bool dnn__forked;

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static inline void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Spins for a short time until (*word & mask) is `value`, or until it is not if `equal` is false.
 * Returns the last word read. */
static uint32_t spin(_Atomic uint32_t *word, uint32_t mask, uint32_t value, bool equal)
{
    uint32_t seen = atomic_load_explicit(word, memory_order_acquire);
    int64_t end;

    if (((seen & mask) == value) == equal ||
        !atomic_load_explicit(&may_spin, memory_order_relaxed)) {
        return seen;
    }
    end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < PAUSES; i++) {
            pause_cpu();
            seen = atomic_load_explicit(word, memory_order_acquire);
            if (((seen & mask) == value) == equal) {
                return seen;
            }
        }
    } while (now_ns() < end);
    return seen;
}

/* ---- workers ---- */

static void run_piece(const struct job *j, int64_t piece, int worker)
{
    int64_t begin = piece * j->grain;
    int64_t end = j->n - begin < j->grain ? j->n : begin + j->grain;

    j->fn(j->arg, begin, end, worker);
}

static void run_pieces(int worker)
{
    int64_t piece;

    while ((piece = atomic_fetch_add_explicit(&next_piece, 1, memory_order_relaxed)) < job.pieces) {
        run_piece(&job, piece, worker);
    }
}

static bool join_job(void)
{
    uint32_t s = atomic_load_explicit(&state, memory_order_relaxed);

    while (s & OPEN) {
        if (atomic_compare_exchange_weak_explicit(&state, &s, s + 1, memory_order_acquire,
                                                  memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

static void leave_job(void)
{
    /* The caller sets CALLER_SLEEPS only after it cleared OPEN, so no worker can join after the
     * last one has left. */
    if (atomic_fetch_sub_explicit(&state, 1, memory_order_release) == (CALLER_SLEEPS | 1u)) {
        futex_wake(&state, 1);
    }
}

/* Waits until the epoch differs from `seen`, and returns it. */
static uint32_t wait_for_job(uint32_t seen)
{
    uint32_t now = spin(&epoch, UINT32_MAX, seen, false);

    while (now == seen) {
        /* The caller raises the epoch before it reads `sleepers`. So it either sees this thread and
         * wakes it, or futex_wait sees the new epoch and returns at once. */
        atomic_fetch_add_explicit(&sleepers, 1, memory_order_seq_cst);
        futex_wait(&epoch, seen);
        atomic_fetch_sub_explicit(&sleepers, 1, memory_order_relaxed);
        now = atomic_load_explicit(&epoch, memory_order_acquire);
    }
    return now;
}

static void *work(void *worker_)
{
    int worker = (int)(intptr_t)worker_;
    uint32_t seen = atomic_load_explicit(&epoch, memory_order_acquire);

    dnn__self.in_pool = true;
    while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
        if (join_job()) {
            if (worker < job.width) {
                dnn__self.call_threads = job.width;
                run_pieces(worker);
            }
            leave_job();
        }
        seen = wait_for_job(seen);
    }
    return NULL;
}

/* ---- the caller ---- */

static void wait_for_workers(void)
{
    uint32_t s =
        atomic_fetch_and_explicit(&state, ~(uint32_t)OPEN, memory_order_acquire) & ~(uint32_t)OPEN;

    if (s & TAKING_PART) {
        s = spin(&state, TAKING_PART, 0, true);
    }
    while (s & TAKING_PART) {
        s = atomic_fetch_or_explicit(&state, CALLER_SLEEPS, memory_order_acquire) | CALLER_SLEEPS;
        if (s & TAKING_PART) {
            futex_wait(&state, s);
            s = atomic_load_explicit(&state, memory_order_acquire);
        }
    }
    atomic_store_explicit(&state, 0, memory_order_relaxed);
}

/* Returns false if another thread uses the pool. */
static bool run_shared(const struct job *j)
{
    int64_t helpers = j->pieces - 1;

    if (atomic_flag_test_and_set_explicit(&taken, memory_order_acquire)) {
        return false;
    }
    job = *j;
    atomic_store_explicit(&next_piece, 0, memory_order_relaxed);
    atomic_store_explicit(&state, OPEN, memory_order_release);
    atomic_fetch_add_explicit(&epoch, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&sleepers, memory_order_seq_cst) > 0) {
        futex_wake(&epoch, helpers < MOST_THREADS ? (int)helpers : MOST_THREADS);
    }
    run_pieces(0);
    wait_for_workers();
    atomic_flag_clear_explicit(&taken, memory_order_release);
    return true;
}

void dnn__parallel_for(int64_t n, int64_t grain, piece_fn fn, void *arg)
{
    struct job j = {fn, arg, n, grain < 1 ? 1 : grain, 0, dnn__call_threads()};
    bool nested = dnn__self.in_pool, shared = false;

    if (n <= 0) {
        return;
    }
    j.pieces = (n - 1) / j.grain + 1;
    dnn__self.in_pool = true;
    if (j.pieces > 1 && !nested && atomic_load_explicit(&threads, memory_order_relaxed) > 1 &&
        !atomic_load_explicit(&dnn__forked, memory_order_relaxed)) {
        shared = run_shared(&j);
    }
    for (int64_t piece = 0; !shared && piece < j.pieces; piece++) {
        run_piece(&j, piece, 0);
    }
    dnn__self.in_pool = nested;
}

/* ---- starting, stopping, number of threads ---- */

/* The CPUs of the affinity mask, or of the cgroup's quota if that is less: more threads than the
 * quota would spend its time early and then all wait for the next period. */
static int cpus(void)
{
    int quota = dnn__cgroup_cpus("");
    cpu_set_t set;
    long n;

    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        n = CPU_COUNT(&set);
    } else {
        n = sysconf(_SC_NPROCESSORS_ONLN); /* the machine has more CPUs than cpu_set_t holds */
    }
    n = quota > 0 && quota < n ? quota : n;
    return n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : (int)n;
}

static int default_threads(bool warn)
{
    const char *text = secure_getenv("DNN_THREADS");
    char *end;
    long n;

    if (!text || !*text) {
        return cpus();
    }
    errno = 0;
    n = strtol(text, &end, 10);
    if (errno == 0 && *end == 0 && n >= 1 && n <= MOST_THREADS) {
        return (int)n;
    }
    if (warn) {
        dnn__log(DNN_LOG_WARN, "DNN_THREADS is \"%.64s\", must be 1 to %d: using %d threads", text,
                 MOST_THREADS, cpus());
    }
    return cpus();
}

static int threads_to_start(bool warn)
{
    int n = atomic_load_explicit(&wanted, memory_order_relaxed);

    return n > 0 ? n : default_threads(warn);
}

static void mark_forked(void)
{
    atomic_store_explicit(&dnn__forked, true, memory_order_relaxed);
}

/* n and the result count the calling thread. */
static int start_workers(int n)
{
    sigset_t all, before;
    int made = 1;
    int error = 0;

    /* The workers block all signals: the program's own threads handle them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (made < n && error == 0) {
        error = pthread_create(&worker_thread[made], NULL, work, (void *)(intptr_t)made);
        if (error == 0) {
            (void)pthread_setname_np(worker_thread[made], "dnn-pool");
            made++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        dnn__log(DNN_LOG_WARN, "threads: the system gave %d of %d (error %d): going on with these",
                 made, n, error);
    }
    return made;
}

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER; /* taken by start, stop and resize */

static dnn_status pool_start(void)
{
    static atomic_flag fork_watched = ATOMIC_FLAG_INIT;
    int n;

    if (atomic_load_explicit(&threads, memory_order_acquire) > 0) {
        return DNN_OK;
    }
    if (!atomic_flag_test_and_set(&fork_watched) && pthread_atfork(NULL, NULL, mark_forked) != 0) {
        atomic_flag_clear(&fork_watched);
        return dnn__nomem("threads: watching for fork", 0);
    }
    n = threads_to_start(true);
    atomic_store_explicit(&may_spin, n <= cpus(), memory_order_relaxed);
    atomic_store_explicit(&stopping, false, memory_order_relaxed);
    atomic_store_explicit(&threads, start_workers(n), memory_order_release);
    return DNN_OK;
}

static void pool_stop(void)
{
    int n = atomic_load_explicit(&threads, memory_order_acquire);

    if (n == 0 || atomic_load_explicit(&dnn__forked, memory_order_relaxed)) {
        return; /* fork did not copy the workers */
    }
    while (atomic_flag_test_and_set_explicit(&taken, memory_order_acquire)) {
        sched_yield();
    }
    atomic_store_explicit(&stopping, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&epoch, 1, memory_order_seq_cst);
    futex_wake(&epoch, INT_MAX);
    for (int i = 1; i < n; i++) {
        pthread_join(worker_thread[i], NULL);
    }
    atomic_store_explicit(&threads, 0, memory_order_release);
    atomic_flag_clear_explicit(&taken, memory_order_release);
}

dnn_status dnn__pool_start(void)
{
    dnn_status status;

    pthread_mutex_lock(&pool_lock);
    status = pool_start();
    pthread_mutex_unlock(&pool_lock);
    return status;
}

void dnn__pool_stop(void)
{
    pthread_mutex_lock(&pool_lock);
    pool_stop();
    pthread_mutex_unlock(&pool_lock);
}

int dnn__threads(void)
{
    int n = atomic_load_explicit(&threads, memory_order_relaxed);

    return DNN__LIKELY(n > 0) ? n : threads_to_start(false);
}

int dnn__call_threads(void)
{
    return dnn__self.call_threads > 0 ? dnn__self.call_threads : dnn__threads();
}

int dnn_get_threads(void)
{
    return dnn__threads();
}

dnn_status dnn_set_threads(int n)
{
    dnn_status status = DNN_OK;
    bool running;

    if (n < 1 || n > MOST_THREADS) {
        return dnn__fail(DNN_E_INVALID, "dnn_set_threads: %d threads, must be 1 to %d", n,
                         MOST_THREADS);
    }
    if (dnn__self.in_pool) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_set_threads: %d threads, called from inside a parallel_for", n);
    }
    if (atomic_load_explicit(&dnn__forked, memory_order_relaxed)) {
        return dnn__fail(DNN_E_DEVICE,
                         "dnn_set_threads: %d threads asked for in a forked child, where the "
                         "library cannot run",
                         n);
    }
    pthread_mutex_lock(&pool_lock);
    running = atomic_load_explicit(&threads, memory_order_acquire) > 0;
    if (running) {
        pool_stop();
    }
    atomic_store_explicit(&wanted, n, memory_order_relaxed);
    if (running) {
        status = pool_start();
    }
    pthread_mutex_unlock(&pool_lock);
    return status;
}
