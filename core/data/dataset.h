/* dataset.h - the object behind every data set, the samples that sets pass to each other, and the
 * functions that the kinds share. Each kind (tensors, function, iterable, reader, map, subset,
 * concat) is a file of core/data that fills a dnn__dataset_type. core/io reads facts through the
 * public functions. Private to core/data. */
#ifndef DNN__DATASET_H
#define DNN__DATASET_H
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

/* ---- random numbers of samples: draws.c ---- */

/* Makes the generator of sample number i of the request the current one of this thread, from begin
 * to end. depth tells the functions that work on one sample apart. The pairs may be nested. */
typedef struct dnn__draws {
    int unused;
} dnn__draws;
void dnn__draws_begin(dnn__draws *draws, const dnn__request *request, int64_t i, int depth);
void dnn__draws_end(dnn__draws *draws);

/* ---- samples.c, source.c ---- */

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

/* ---- lists of fields: fields.c ---- */

/* A list of fields that grows; a zeroed one is empty. */
enum { DNN__FEW_FIELDS = 8 };
typedef struct dnn__list {
    int64_t n, capacity; /* of more */
    dnn_tensor **more;   /* NULL: they are in few */
    dnn_tensor *few[DNN__FEW_FIELDS];
} dnn__list;
static inline dnn_tensor **dnn__list_items(dnn__list *list)
{
    return list->more != NULL ? list->more : list->few;
}
/* Copies n pointers, which may be those of the list itself. */
dnn_status dnn__list_set(dnn__list *list, dnn_tensor *const *item, int64_t n);
void dnn__list_free(dnn__list *list); /* the memory, not the tensors */
/* Copies n pointers and retains the tensors: the list owns the references. */
dnn_status dnn__list_take(dnn__list *list, dnn_tensor *const *item, int64_t n);
void dnn__list_release(dnn__list *list); /* the references of a list that owns them */

/* ---- iterable.c: sets without a length ---- */

/* Where a loader is in an iterable set, and the samples of the batch that it reads: a batch that
 * failed is read again without the loss of a sample. One thread at a time uses it. */
typedef struct dnn__cursor {
    dnn_dataset *source; /* the iterable set; the loader retains a set over it */
    int64_t epoch;       /* -1: not begun */
    int64_t first, n;    /* keeps the samples number first to first + n - 1 of the epoch; the source
                          * is behind them */
    bool ended;          /* the source has no more */
    dnn_tensor_list *sample; /* [batch_size] lists of references */
    dnn_tensor **field;      /* [batch_size * n_fields], the memory of the lists */
    int64_t *index;          /* [batch_size], first, first + 1, ... */
} dnn__cursor;
/* For a set without a length. */
dnn_status dnn__cursor_init(dnn__cursor *cursor, dnn_dataset *set, int64_t batch_size);
/* Releases what it keeps, and lets another loader read the set. A zeroed cursor is allowed. */
void dnn__cursor_free(dnn__cursor *cursor);
/* Keeps up to n samples from number `first` of an epoch on: cursor->n is their number, less at the
 * end of the epoch. Goes back by beginning the epoch, and forward by reading. */
dnn_status dnn__cursor_read(dnn__cursor *cursor, uint64_t seed, int64_t epoch, int64_t first,
                            int64_t n);

#endif
