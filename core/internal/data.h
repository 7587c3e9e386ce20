/* data.h - what data sets are inside: a counted object with a few functions, and batches of fields. Private. */
#ifndef DNN__DATA_H
#define DNN__DATA_H
#include "plugin_host.h"
#include "dnn/data.h"

/* Samples of a kind of set. get fills field[0..n_fields) with new tensors of the innermost scope, [n, ...] each; indices are in range. */
typedef struct dnn__dataset_type {
    dnn_status (*get)(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field);
    void (*close)(dnn_dataset *set); /* what the set owns besides `base`; may be NULL */
} dnn__dataset_type;

struct dnn_dataset {
    _Atomic int32_t refs;
    const dnn__dataset_type *type;
    int64_t size;
    int n_fields;
    dnn_dataset *base; /* the set that it stands over, which tells the facts; NULL for sources */
    const char *text, *name, *digest; /* of a source */
    const char *const *labels;
};

/* A zeroed set of `bytes` bytes that begins with dnn_dataset. NULL and a waiting error. */
void *dnn__dataset_new(size_t bytes, const dnn__dataset_type *type, int64_t size, int n_fields, dnn_dataset *base);
/* "function: set is NULL" and the like, for constructors; true: go on. */
bool dnn__dataset_ready(const char *function, const dnn_dataset *set);

#endif
