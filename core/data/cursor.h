/* cursor.h - reading a set without a length in order; iterable.c has it. worker_pool.c calls it.
 * Private to core/data. */
#ifndef DNN__CURSOR_H
#define DNN__CURSOR_H
#include "dataset.h"

/* Where a loader is in an iterable set, and the samples of the batch that it reads: a batch that
 * failed is read again without the loss of a sample. One thread at a time uses it. */
typedef struct dnn__cursor {
    dnn_dataset *source; /* the iterable set; the loader retains a set over it */
    int64_t epoch;       /* -1: not begun */
    uint64_t seed;       /* that the epoch began with */
    int64_t first, n;    /* keeps the samples number first to first + n - 1 of the epoch; the source
                          * is behind them */
    bool ended;          /* the source has no more */
    dnn_tensor_list *sample; /* [batch_size] lists of references */
    dnn_tensor **field;      /* [batch_size * n_fields], the memory of the lists */
    int64_t *index;          /* [batch_size], first, first + 1, ... */
} dnn__cursor;
/* For a set without a length. */
dnn_status dnn__cursor_init(dnn__cursor *cursor, dnn_dataset *set, int64_t batch_size);
/* Releases what it keeps, and lets another loader read the set. A zeroed cursor is allowed. */
void dnn__cursor_free(dnn__cursor *cursor);
/* Keeps up to n samples from number `first` of an epoch on: cursor->n is their number, less at the
 * end of the epoch. Goes back by beginning the epoch, and forward by reading. */
dnn_status dnn__cursor_read(dnn__cursor *cursor, uint64_t seed, int64_t epoch, int64_t first,
                            int64_t n);

#endif
