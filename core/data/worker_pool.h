/* worker_pool.h - the worker threads of a loader. loader.c calls it. Private to core/data. */
#ifndef DNN__WORKER_POOL_H
#define DNN__WORKER_POOL_H
#include "fields.h"

/* A batch, and the address of its random numbers. */
typedef struct dnn__place {
    uint64_t seed;
    int64_t epoch, batch;
} dnn__place;

/* Reads a batch in the calling thread. Fills the empty list `fields` with references; it is empty
 * on failure. *size is the number of samples, 0 behind the last batch of a set without a length.
 * `list` is as for dnn__order_indices. */
dnn_status dnn__batch_read(dnn_loader *loader, dnn__place place, int64_t *list, dnn__list *fields,
                           int64_t *size);

dnn_status dnn__workers_start(dnn_loader *loader, int n);
/* Stops the workers. Returns false if one does not return from the data set within the timeout:
 * then the loader is abandoned, and the caller must not use it. */
bool dnn__workers_stop(dnn_loader *loader);
/* Drops the batches that were read ahead. After success no worker reads a batch, and none starts
 * one before dnn__workers_resume or a new epoch. The caller holds the lock. */
dnn_status dnn__workers_pause(dnn_loader *loader, const char *function);
/* Workers continue at next_to_return: they read the batches again that dnn__workers_pause dropped.
 * The caller holds the lock. */
void dnn__workers_resume(dnn_loader *loader);
/* Moves the next batch out of its slot into the empty list `fields`, which then owns the
 * references. Sets *answered if a worker returned a batch or an error before the timeout. */
dnn_status dnn__workers_fetch(dnn_loader *loader, dnn__list *fields, int64_t *size, bool *answered);

#endif
