/* thread_counts.h - numbers that each thread counts for itself, and their sums. Hot paths count, so
 * counting takes no locked instruction and no cache line of another thread. Private. */
#ifndef DNN__THREAD_COUNTS_H
#define DNN__THREAD_COUNTS_H
#include <stdatomic.h>
#include <stdint.h>

typedef enum dnn__counted {
    DNN__COUNT_SLAB,       /* objects of slab.c that are in use */
    DNN__COUNT_OBJECTS,    /* objects that are alive */
    DNN__COUNT_TENSORS,    /* tensors that are alive */
    DNN__COUNT_IN_PLUGINS, /* threads that are in the code of a plugin */
    DNN__COUNT_CALLS,      /* kernels that ran since the start */
    DNN__COUNTS
} dnn__counted;

typedef struct dnn__thread_counts { /* a part of the block of a thread */
    _Atomic int64_t n[DNN__COUNTS]; /* only the thread writes; one may be negative */
    struct dnn__thread_counts *prev, *next;
} dnn__thread_counts;

/* Adds the counts of a new block to the sums. */
void dnn__thread_counts_begin(dnn__thread_counts *counts);
/* Keeps the numbers of a block that ends. */
void dnn__thread_counts_end(dnn__thread_counts *counts);
/* Counts for a thread without a block. */
void dnn__count_elsewhere(dnn__counted what, int64_t by);

/* Returns the sum over all threads. */
int64_t dnn__count_sum(dnn__counted what);
/* Makes the sum 0. */
void dnn__count_clear(dnn__counted what);

#endif
