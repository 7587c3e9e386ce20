/* loader.h - the state of a loader that a checkpoint keeps, and a seek that core/io can prepare and
 * then commit without failure. core/io calls it. Private. */
#ifndef DNN__LOADER_H
#define DNN__LOADER_H
#include "base.h"
#include "dnn/data.h"

typedef struct dnn__loader_state {
    int64_t epoch, batch; /* of the next batch */
    uint64_t seed;
    int64_t stream;     /* the number of the sampler; -1: the order of the set */
    int64_t size;       /* of the data set */
    int64_t batch_size; /* as the program requested it */
} dnn__loader_state;
dnn__loader_state dnn__loader_get(dnn_loader *loader);
dnn_dataset *dnn__loader_dataset(const dnn_loader *loader);

/* A seek in two parts: dnn__loader_seek_prepare does all that can fail. */
typedef struct dnn__loader_seek {
    dnn_loader *loader;
    int64_t epoch, batch;
    uint64_t seed;
    int64_t *order; /* owned; NULL: the loader does not shuffle */
} dnn__loader_seek;
/* Pauses the workers and makes the order of that epoch; does not move the loader. After success
 * call dnn__loader_seek_commit or dnn__loader_seek_cancel. */
dnn_status dnn__loader_seek_prepare(dnn_loader *loader, const char *function, int64_t epoch,
                                    int64_t batch, uint64_t seed, dnn__loader_seek *out);
void dnn__loader_seek_commit(dnn__loader_seek *seek);
void dnn__loader_seek_cancel(dnn__loader_seek *seek); /* a zeroed seek is allowed */

#endif
