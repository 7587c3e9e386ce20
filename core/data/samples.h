/* samples.h - the samples that data sets pass to each other. Private to core/data. */
#ifndef DNN__SAMPLES_H
#define DNN__SAMPLES_H
#include "tensor_impl.h"
#include "dnn/data.h"
#include "dnn/ops.h"

/* The samples that a set is asked for. */
typedef struct dnn__request {
    const int64_t *index; /* [n], of this set */
    /* [n], of the set that the caller reads: with seed and epoch, the address of the random numbers
     * of a sample. */
    const int64_t *id;
    int64_t n;
    uint64_t seed;
    int64_t epoch;
    const dnn_tensor_list *read; /* [n], the samples of the iterable set below; else NULL */
} dnn__request;

/* The answer, in one of two forms: stacked, as sources make it that read a batch at once, or one
 * list for each sample. dnn__samples_stack and dnn__samples_split change the form. */
typedef struct dnn__samples {
    dnn_tensor_list batch;   /* stacked: fields [n, ...] */
    dnn_tensor_list *sample; /* [n] lists of fields; NULL if the samples are stacked */
} dnn__samples;

/* Checks the n fields that a function made for sample `index`. */
dnn_status dnn__fields_check(dnn_tensor *const *field, int64_t n, int64_t index);

/* Returns count elements of memory of the innermost scope, not zeroed; NULL and a pending error if
 * there is none. It comes from the caching allocator of cpu, so that a loop over batches allocates
 * nothing from the system. */
void *dnn__scratch(const char *what, int64_t count, size_t element);
/* Makes `samples` one list for each of the n samples: views of a stacked batch. */
dnn_status dnn__samples_split(dnn__samples *samples, int64_t n);
/* Stacks the samples. index[n] names them in messages. */
dnn_status dnn__samples_stack(dnn__samples *samples, const int64_t *index, int64_t n);
/* Stacks n tensors of one dtype, device and shape; *out is [n, ...]. */
dnn_status dnn__stack(dnn_tensor *const *sample, int64_t n, dnn_tensor **out);
/* True if both have one dtype, device and shape; the first size is not compared if `batch`. */
bool dnn__alike(const dnn_tensor *a, const dnn_tensor *b, bool batch);
/* Copies row from_row[i] of `from` to row to_row[i] of `to`, for i in [0, n); a list that is NULL
 * stands for 0..n-1. Both tensors are dense, on cpu, and have rows of one size. */
void dnn__copy_rows(dnn_tensor *to, const int64_t *to_row, const dnn_tensor *from,
                    const int64_t *from_row, int64_t n);

#endif
