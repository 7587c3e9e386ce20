/* data_impl.h - what data sets are inside: a counted object with a few functions. Used by core/data
 * alone. Private. */
#ifndef DNN__DATA_H
#define DNN__DATA_H
#include "plugin.h"
#include "tensor_impl.h"
#include "runtime.h"
#include "dnn/data.h"

/* A kind of set. get fills field[0..n_fields) with tensors [n, ...] of the innermost scope; the
 * indices are in range and n is 1 or more. It is called under no gradient, by several threads at
 * once, and leaves no error pending: it returns it. */
typedef struct dnn__dataset_type {
    dnn_status (*get)(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field);
    void (*close)(dnn_dataset *set); /* what the set owns besides `base`; may be NULL */
} dnn__dataset_type;

struct dnn_dataset {
    _Atomic int32_t refs;
    const dnn__dataset_type *type;
    int64_t size;
    int n_fields;
    dnn_dataset *base; /* the set that it stands over, which tells the facts; NULL for sources and
                          concatenations */
    const char *text, *name, *digest; /* where base is NULL */
    const char *const *labels;
};

/* A zeroed set of `bytes` bytes that begins with dnn_dataset. NULL and a pending error. */
void *dnn__dataset_new(size_t bytes, const dnn__dataset_type *type, int64_t size, int n_fields,
                       dnn_dataset *base);
/* For constructors: false, and the error is pending, if an error is pending or set is NULL. */
bool dnn__dataset_ready(const char *function, const dnn_dataset *set);
/* Are all indices of the set? */
dnn_status dnn__dataset_has(const char *function, const dnn_dataset *set, const int64_t *index,
                            int64_t n);
/* How messages call the set: by its text, else its name, else "of the program". */
const char *dnn__dataset_called(const dnn_dataset *set);

/* ---- loader.c: its state, as checkpoints keep it ---- */
typedef struct dnn__loader_state {
    int64_t epoch, batch; /* the next one */
    uint64_t seed;
    int64_t stream;           /* of the permutations; -1: samples come as they lie */
    int64_t size, batch_size; /* of the set; as it was asked for */
} dnn__loader_state;
dnn__loader_state dnn__loader_get(dnn_loader *loader);
dnn_dataset *dnn__loader_set(const dnn_loader *loader);
/* A move to another place, in two parts: what can fail, then what cannot. */
typedef struct dnn__loader_seek {
    dnn_loader *loader;
    int64_t epoch, batch;
    uint64_t seed;
    int64_t *order; /* owned; NULL: the loader has none */
} dnn__loader_seek;
/* Rests the workers and makes the order of that epoch; the loader stands where it stood. Followed
 * by one of the other two. */
dnn_status dnn__loader_prepare(dnn_loader *loader, const char *function, int64_t epoch,
                               int64_t batch, uint64_t seed, dnn__loader_seek *out);
void dnn__loader_commit(dnn__loader_seek *move);
void dnn__loader_cancel(dnn__loader_seek *move); /* a zeroed one is allowed */

/* Memory of one get: count elements, not set. It comes from the cache of cpu, so that a loop over
 * batches asks the system for nothing. Owner: the caller, dnn__storage_release. */
dnn_status dnn__scratch(const char *what, int64_t count, size_t element, dnn__storage **out);
/* Row from_row[i] of `from` becomes row to_row[i] of `to`, for i in [0, n); a list that is NULL
 * says i. Both are dense, on cpu, and have rows of one size. */
void dnn__copy_rows(dnn_tensor *to, const int64_t *to_row, const dnn_tensor *from,
                    const int64_t *from_row, int64_t n);

#endif
