/* thread_counts.c - the sums of the numbers that each thread counts for itself. */
#include <pthread.h>
#include "thread_counts.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static dnn__thread_counts *all;                          /* of the threads that have a block */
/* What threads counted that ended or have no block. */
static _Atomic int64_t elsewhere[DNN__COUNTS];

static int64_t read(const dnn__thread_counts *counts, int what)
{
    return atomic_load_explicit(&counts->n[what], memory_order_acquire);
}

void dnn__thread_counts_begin(dnn__thread_counts *counts)
{
    pthread_mutex_lock(&lock);
    counts->next = all;
    if (all != NULL) {
        all->prev = counts;
    }
    all = counts;
    pthread_mutex_unlock(&lock);
}

void dnn__thread_counts_end(dnn__thread_counts *counts)
{
    pthread_mutex_lock(&lock);
    for (int what = 0; what < DNN__COUNTS; what++) {
        dnn__count_elsewhere(what, read(counts, what));
    }
    if (counts->prev != NULL) {
        counts->prev->next = counts->next;
    } else {
        all = counts->next;
    }
    if (counts->next != NULL) {
        counts->next->prev = counts->prev;
    }
    pthread_mutex_unlock(&lock);
}

void dnn__count_elsewhere(dnn__counted what, int64_t by)
{
    atomic_fetch_add_explicit(&elsewhere[what], by, memory_order_relaxed);
}

int64_t dnn__count_sum(dnn__counted what)
{
    int64_t sum;

    pthread_mutex_lock(&lock);
    sum = atomic_load_explicit(&elsewhere[what], memory_order_relaxed);
    for (const dnn__thread_counts *counts = all; counts != NULL; counts = counts->next) {
        sum += read(counts, what);
    }
    pthread_mutex_unlock(&lock);
    return sum;
}

void dnn__count_clear(dnn__counted what)
{
    dnn__count_elsewhere(what, -dnn__count_sum(what));
}

/* ---- forks ---- */

/* Another thread of the parent may have held the lock. The list is whole between any two stores. */
static void child_begins(void)
{
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

__attribute__((constructor)) static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, child_begins);
}
