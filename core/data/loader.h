/* loader.h - the data loader's struct and the functions that its files share. Used by core/data
 * alone. Private.
 *
 * The program's thread is the one thread that calls the loader; the workers are the loader's own
 * threads.
 *
 * Who owns what:
 *   - The loader owns set (a reference), order, index, worker, slot and the tensors in given.
 *   - A slot owns the references in its fields from DNN__SLOT_READY on; dnn__workers_fetch hands
 *     them to the program's thread.
 *   - A worker owns the references of the batch that it reads, until it puts them into the slot.
 *   - If a worker does not stop in time, the loader is abandoned: the last worker that ends owns
 *     it then and frees it.
 *
 * Who may read and write what:
 *   - Constant once the workers run: set, batch_size, samples, batches, wanted, timeout, device,
 *     n_slots, and the pointers index, worker and slot. Each worker writes its own part of index.
 *   - order, seed: the program's thread changes them under `lock` while no worker reads a batch
 *     (busy is 0, and dnn__workers_rest keeps workers from taking another one). Workers read order
 *     without the lock.
 *   - given: the program's thread alone.
 *   - epoch, pending, next_out: the program's thread alone writes them, under `lock`; so it may
 *     read them without. Workers read next_out under `lock`.
 *   - `lock` protects the rest: next_in, again, stop, abandoned, alive, busy, n_workers and each
 *     slot.
 * Workers wait on `work`, the program's thread on `done`. */
#ifndef DNN__LOADER_H
#define DNN__LOADER_H
#include <pthread.h>
#include "data_impl.h"

enum dnn__slot_state {
    DNN__SLOT_EMPTY, /* free */
    DNN__SLOT_TAKEN, /* a worker reads the batch */
    DNN__SLOT_READY  /* the batch, or its error, is there */
};

struct dnn__slot {
    enum dnn__slot_state state;
    dnn_status status;
    dnn_tensor *field[DNN_FIELD_MAX];
    dnn__message message; /* of the error; each thread has its own, so the slot carries it over */
};

struct dnn__worker {
    dnn_loader *loader;
    pthread_t thread;
    int64_t *index; /* [batch_size] where order is NULL; a part of the loader's index */
};

struct dnn_loader {
    dnn_dataset *set;
    int64_t batch_size, samples,
        batches; /* samples and batches of an epoch, without the rest that drop_last leaves out */
    int64_t wanted; /* the batch size that the program asked for */
    uint64_t seed;
    double timeout;
    dnn__device *device;
    int64_t *order; /* the permutation of the epoch; NULL: samples come in the order of the set */
    int64_t *index; /* batch_size indices for each worker, or for the program's thread if there is
                       no worker */
    int64_t epoch;
    dnn_tensor *given[DNN_FIELD_MAX]; /* the fields of the batch that the program has */

    pthread_mutex_t lock;
    pthread_cond_t work, done;
    int64_t next_out, next_in; /* the next batch for the program; the next batch for a worker */
    bool again;                /* batch next_out failed: a worker takes it once more */
    bool pending;              /* the epoch has not begun, because beginning it failed */
    bool stop, abandoned;
    struct dnn__worker *worker;
    int n_workers, alive, busy; /* workers started; not ended yet; reading a batch */
    int64_t n_slots;
    struct dnn__slot *slot; /* batch b is in slot b % n_slots */
};

/* ---- sampler.c ---- */
int64_t dnn__sampler_size(const dnn_loader *loader, int64_t batch); /* samples in the batch */
/* The indices of a batch: a part of order, or `list`, which has room for them. */
const int64_t *dnn__sampler_indices(const dnn_loader *loader, int64_t batch, int64_t *list);
/* Writes the permutation of an epoch into order; does nothing if order is NULL. */
dnn_status dnn__sampler_permute(const dnn_loader *loader, uint64_t seed, int64_t epoch,
                                int64_t *order);
/* Checks the arguments of a call that goes to an epoch. */
dnn_status dnn__sampler_check(const dnn_loader *loader, const char *function, int64_t epoch);

/* ---- worker_pool.c ---- */
/* Reads a batch into field[DNN_FIELD_MAX], as references that the caller owns; all are NULL on
 * failure. */
dnn_status dnn__batch_read(const dnn_loader *loader, int64_t batch, int64_t *list,
                           dnn_tensor **field);
void dnn__batch_drop(dnn_tensor **field);

void dnn__workers_init(dnn_loader *loader); /* the lock and the conditions */
dnn_status dnn__workers_start(dnn_loader *loader, int n);
/* Stops the workers. Returns false if one is stuck in the data set: the loader is abandoned then,
 * and the caller must not use it. */
bool dnn__workers_stop(dnn_loader *loader);
/* Drops the batches that were read ahead. After success no worker reads a batch, nor takes one
 * before an epoch begins. The caller holds the lock. */
dnn_status dnn__workers_rest(dnn_loader *loader, const char *function);
/* The workers continue at next_out; they read again the batches that dnn__workers_rest dropped. The
 * caller holds the lock. */
void dnn__workers_wake(dnn_loader *loader);
/* Takes the next batch from its slot; the caller owns the references then. Sets *came if a worker
 * has answered, with a batch or with an error. */
dnn_status dnn__workers_fetch(dnn_loader *loader, dnn_tensor **field, bool *came);
/* Frees the loader. No worker runs any more, or the caller is the last one. */
void dnn__loader_destroy(dnn_loader *loader);

#endif
