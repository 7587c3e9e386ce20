/* dataset.h - the object behind every data set, and the functions that its kinds share. Each kind
 * (tensors, function, reader, map, subset, concat) is a file of core/data that fills a
 * dnn__dataset_type. core/io reads facts through the public functions. Private to core/data. */
#ifndef DNN__DATASET_H
#define DNN__DATASET_H
#include "tensor_impl.h"
#include "dnn/data.h"
#include "dnn/ops.h"

typedef struct dnn__dataset_type {
    /* Fills field[0..n_fields) with tensors [n, ...] of the innermost scope. The caller has checked
     * that the indices are in range and n >= 1, and has disabled gradients. Several threads call
     * get at once. On failure get returns the error and leaves none pending. */
    dnn_status (*get)(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field);
    void (*close)(dnn_dataset *set); /* frees everything that the kind owns but `base`; or NULL */
} dnn__dataset_type;

struct dnn_dataset {
    dnn_object object;
    size_t bytes; /* of the struct that begins with dnn_dataset */
    const dnn__dataset_type *type;
    int64_t size;
    int n_fields;
    dnn_dataset *base; /* the set that this one wraps: text, name, digest and labels are read from
                        * it. A reference; NULL for sources and concatenations */
    const char *text, *name, *digest; /* used if base is NULL */
    const char *const *labels;
};

/* Returns a zeroed set of `bytes` bytes that begins with dnn_dataset and that the scope owns. NULL
 * and a pending error on failure. */
void *dnn__dataset_new(size_t bytes, const dnn__dataset_type *type, int64_t size, int n_fields,
                       dnn_dataset *base);
/* For constructors: returns false, with an error pending, if an error is pending or set is NULL. */
bool dnn__dataset_ready(const char *function, const dnn_dataset *set);
/* Checks that each index is in [0, size). */
dnn_status dnn__dataset_check_indices(const char *function, const dnn_dataset *set,
                                      const int64_t *index, int64_t n);
/* Returns the name of the set for messages: its text, else its name, else "of the program". */
const char *dnn__dataset_called(const dnn_dataset *set);

/* Allocates count elements of memory for one get, not zeroed. It comes from the caching allocator
 * of cpu, so that a loop over batches allocates nothing from the system. The caller releases it
 * with dnn__storage_release. */
dnn_status dnn__scratch(const char *what, int64_t count, size_t element, dnn__storage **out);
/* Copies row from_row[i] of `from` to row to_row[i] of `to`, for i in [0, n); a list that is NULL
 * stands for 0..n-1. Both tensors are dense, on cpu, and have rows of one size. */
void dnn__copy_rows(dnn_tensor *to, const int64_t *to_row, const dnn_tensor *from,
                    const int64_t *from_row, int64_t n);

#endif
