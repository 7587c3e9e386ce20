/* loader_object.h - the loader object: its struct, the owner of each member, and the lock that
 * protects it. loader_object.c initializes and frees it; sampler.c, worker_pool.c and loader.c work
 * on it. Private to core/data.
 *
 * One thread of the program calls the loader; the workers are the loader's own threads.
 *
 * Ownership:
 *   - The loader owns set (a reference), order, index, worker, slot and the tensors in given.
 *   - A slot owns the references in its fields while it is DNN__SLOT_READY; dnn__workers_fetch
 *     passes them to the program's thread.
 *   - A worker owns the references of the batch that it reads until it stores them in the slot.
 *   - If a worker does not stop in time, the loader is abandoned: the last worker that ends owns
 *     the loader and frees it.
 *
 * Threads:
 *   - Constant while workers run: set, batch_size, samples, batches, requested, timeout, device,
 *     n_slots, n_workers, and the pointers index, worker and slot. Each worker writes its own part
 * of index.
 *   - order, seed: the program's thread changes them under `lock` while no worker reads a batch
 *     (busy is 0, and dnn__workers_pause keeps workers from starting another one). Workers read
 *     order without the lock.
 *   - given: only the program's thread uses it.
 *   - epoch, pending, next_to_return: only the program's thread writes them, under `lock`; so it
 * may read them without the lock. Workers read next_to_return under `lock`.
 *   - `lock` protects the rest: next_to_read, retry, stop, abandoned, alive, busy and each slot.
 * Workers wait for `work`, the program's thread for `done`. */
#ifndef DNN__LOADER_OBJECT_H
#define DNN__LOADER_OBJECT_H
#include <pthread.h>
#include "dataset.h"

enum dnn__slot_state {
    DNN__SLOT_EMPTY,   /* no batch */
    DNN__SLOT_READING, /* a worker reads the batch */
    DNN__SLOT_READY    /* holds the batch, or its error */
};

struct dnn__slot {
    enum dnn__slot_state state;
    dnn_status status;
    dnn_tensor *field[DNN_FIELD_MAX];
    dnn__message message; /* of the error: messages are per thread, so the slot carries it from the
                           * worker to the program's thread */
};

struct dnn__worker {
    dnn_loader *loader;
    pthread_t thread;
    int64_t
        *index; /* [batch_size], a part of the loader's index; NULL if the loader has an order */
};

struct dnn_loader {
    dnn_object object;
    dnn_dataset *set;
    int64_t batch_size;       /* at most the size of the set */
    int64_t requested;        /* the batch size that the program requested */
    int64_t samples, batches; /* of an epoch, without the samples that drop_last drops */
    uint64_t seed;
    double timeout; /* seconds */
    dnn__device *device;
    int64_t *order; /* the permutation of the epoch; NULL: samples come in the order of the set */
    int64_t *index; /* batch_size indices for each worker, or for the program's thread if there is
                     * no worker; NULL if there is an order */
    int64_t epoch;
    dnn_tensor *given[DNN_FIELD_MAX]; /* the fields of the batch that the program uses now */

    pthread_mutex_t lock;
    pthread_cond_t work, done;
    int64_t next_to_return,
        next_to_read; /* the next batch for the program; the next batch for a worker */
    bool retry;       /* batch next_to_return failed: a worker reads it once more */
    bool pending;     /* begin_epoch failed, so the next call for a batch repeats it */
    bool stop, abandoned;
    struct dnn__worker *worker;
    int n_workers, alive, busy; /* workers: started; not ended yet; reading a batch */
    int64_t n_slots;
    struct dnn__slot *slot; /* batch b is in slot b % n_slots */
};

void dnn__loader_init(dnn_loader *loader); /* the lock and the conditions of a zeroed loader */
/* Frees the loader. The caller is the only thread that uses it. */
void dnn__loader_destroy(dnn_loader *loader);
/* Releases the tensors of field[DNN_FIELD_MAX] and sets them to NULL. */
void dnn__fields_release(dnn_tensor **field);

#endif
