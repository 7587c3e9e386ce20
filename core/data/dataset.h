/* dataset.h - the object behind every data set, and the functions that the kinds share. Each kind
 * (tensors, function, iterable, reader, map, subset, concat) is a file of core/data that fills a
 * dnn__dataset_type. core/io reads facts through the public functions. Private to core/data. */
#ifndef DNN__DATASET_H
#define DNN__DATASET_H
#include "samples.h"

typedef struct dnn__dataset_type {
    /* Fills the zeroed *out. Tensors and lists belong to the innermost scope. The caller has
     * checked that the indices are in range and n >= 1, and has disabled gradients. Several threads
     * call get at once. On failure get returns the error and leaves none pending. */
    dnn_status (*get)(dnn_dataset *set, const dnn__request *request, dnn__samples *out);
    void (*close)(dnn_dataset *set); /* frees everything that the kind owns but `base`; or NULL */
} dnn__dataset_type;

struct dnn_dataset {
    dnn_object object;
    size_t bytes; /* of the struct that begins with dnn_dataset */
    const dnn__dataset_type *type;
    int64_t size;     /* -1: without a length */
    int64_t n_fields; /* -1: a transform decides */
    int depth; /* functions of the program on the way to a sample: each draws random numbers of its
                * own */
    dnn_dataset *base; /* the set that this one wraps: text, name, digest and labels are read from
                        * it. A reference; NULL for sources and concatenations */
    const char *text, *name, *digest; /* used if base is NULL */
    const char *const *labels;
};

/* Returns a zeroed set of `bytes` bytes that begins with dnn_dataset and that the scope owns. NULL
 * and a pending error on failure. */
void *dnn__dataset_new(size_t bytes, const dnn__dataset_type *type, int64_t size, int64_t n_fields,
                       dnn_dataset *base);
/* For constructors: returns false, with an error pending, if an error is pending or set is NULL. */
bool dnn__dataset_ready(const char *function, const dnn_dataset *set);
/* Fails if the set has no length. */
dnn_status dnn__dataset_check_length(const char *function, const dnn_dataset *set);
/* Checks that each index is in [0, size). */
dnn_status dnn__dataset_check_indices(const char *function, const dnn_dataset *set,
                                      const int64_t *index, int64_t n);
/* Returns the name of the set for messages: its text, else its name, else "of the program". */
const char *dnn__dataset_called(const dnn_dataset *set);
/* Reads the samples of a request in a scope of its own, without recording, and then gives the
 * fields to `take`. */
dnn_status dnn__dataset_read(dnn_dataset *set, const dnn__request *request,
                             dnn_status (*take)(void *ctx, const dnn__request *request,
                                                dnn__samples *samples),
                             void *ctx);

#endif
