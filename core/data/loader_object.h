/* loader_object.h - the loader object: its struct, the owner of each member, and the lock that
 * protects it. loader_object.c initializes and frees it; order.c, worker_pool.c and loader.c work
 * on it. Private to core/data.
 *
 * One thread of the program calls the loader; the workers are the loader's own threads.
 *
 * Ownership:
 *   - The loader owns set and sampler (references), order, index, worker, slot, the cursor and the
 *     tensors in given.
 *   - A slot owns the references in its fields. While it is DNN__SLOT_READING, one worker alone
 *     uses its fields and size; dnn__workers_fetch passes the fields to the program's thread.
 *   - If a worker does not stop in time, the loader is abandoned: the last worker that ends owns
 *     the loader and frees it.
 *
 * Threads:
 *   - Constant while workers run: set, sampler, batch_size, samples, requested, timeout, device,
 *     collate, drop_last, n_slots, n_workers, and the pointers index, worker and slot. batches too,
 *     if the set has a length. Each worker writes its own part of index.
 *   - cursor: the one worker uses it while it reads a batch, else the program's thread.
 *   - order, seed: the program's thread changes them under `lock` while no worker reads a batch
 *     (busy is 0, and dnn__workers_pause keeps workers from starting another one). Workers read
 *     order without the lock.
 *   - given: only the program's thread uses it.
 *   - epoch, pending, next_to_return: only the program's thread writes them, under `lock`; so it
 * may read them without the lock. Workers read next_to_return under `lock`.
 *   - `lock` protects the rest: batches of a set without a length, next_to_read, retry, stop,
 * abandoned, alive, busy and each slot. Workers wait for `work`, the program's thread for `done`.
 */
#ifndef DNN__LOADER_OBJECT_H
#define DNN__LOADER_OBJECT_H
#include <pthread.h>
#include "cursor.h"
#include "fields.h"

#define DNN__UNKNOWN (INT64_MAX / 2) /* room for batch + slots */

enum dnn__slot_state {
    DNN__SLOT_EMPTY,   /* no batch */
    DNN__SLOT_READING, /* a worker reads the batch */
    DNN__SLOT_READY    /* holds the batch, or its error, or the end of the epoch: size 0 */
};

struct dnn__slot {
    enum dnn__slot_state state;
    dnn_status status;
    dnn__list fields;     /* references */
    int64_t size;         /* samples */
    dnn__message message; /* of the error: messages are per thread, so the slot carries it from the
                           * worker to the program's thread */
};

struct dnn__worker {
    dnn_loader *loader;
    pthread_t thread;
    int64_t *index; /* [batch_size], a part of the loader's index; NULL if the loader has none */
};

struct dnn_loader {
    dnn_object object;
    dnn_dataset *set;
    dnn_sampler *sampler; /* NULL: samples come in the order of the set */
    dnn_collate collate;  /* NULL: stack */
    void *collate_ctx;
    bool drop_last;
    int64_t batch_size; /* at most the samples of an epoch */
    int64_t requested;  /* the batch size that the program requested */
    /* Of an epoch, without the samples that drop_last drops. Of a set without a length: samples is
     * -1, batches DNN__UNKNOWN until the end of the epoch was read. */
    int64_t samples, batches;
    dnn__cursor cursor; /* zeroed if the set has a length */
    uint64_t seed;
    double timeout; /* seconds */
    dnn__device *device;
    int64_t *order; /* of the sampler, for the epoch; NULL if there is none */
    int64_t *index; /* batch_size indices for each worker, or for the program's thread if there is
                     * no worker; NULL if there is an order, or the set has no length */
    int64_t epoch;
    dnn__list given; /* references to the fields of the batch that the program uses now */

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

#endif
