/* data.h - data sets and the loader that makes batches of them.
 *
 * A data set is an indexable thing that gives samples of one or more fields (image, label) as tensors on the device cpu. Sources
 * are files that a reader plugin understands, tensors in memory, and functions; subset, split and map stand over another set.
 * Data sets are counted: a set over another keeps it. Threads: dnn_dataset_get may be called by several threads at once. */
#ifndef DNN_DATA_H
#define DNN_DATA_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

#define DNN_FIELD_MAX 8
typedef struct dnn_dataset dnn_dataset;
typedef struct dnn_loader dnn_loader;

typedef struct dnn_batch {
    dnn_tensor *input, *target; /* the first and second field; target NULL if there is one field */
    dnn_tensor *field[DNN_FIELD_MAX];
    int n_fields;
    int64_t size;  /* samples in it */
    int64_t index; /* which batch of the epoch, from 0 */
} dnn_batch;

typedef struct dnn_dataset_args {
    const char *path;    /* file or folder */
    const char *split;   /* "train", "test", or NULL */
    const char *reader;  /* id of a reader plugin; NULL = the highest bid */
    const char *options; /* for the reader: "records=any,label=coarse" */
    uint64_t max_bytes;  /* cap on memory; 0 = 1 GiB */
} dnn_dataset_args;
/* Opens a file or folder by a reader plugin: dnn_dataset_open("data/mnist", .split = "train").
 * NULL and a waiting error that names the file, what was found and what was expected: DNN_E_IO (missing), DNN_E_FORMAT (corrupt; or
 * no reader bids, and the readers asked are named), DNN_E_NOMEM. Owner: the caller, dnn_dataset_release. */
#define dnn_dataset_open(...) dnn_dataset_open_with((dnn_dataset_args){.path = __VA_ARGS__})
DNN_API dnn_dataset *dnn_dataset_open_with(dnn_dataset_args args);
/* Tensors on cpu with one first dimension; sample i is element i of each. They are kept, not copied (one that is not contiguous is
 * copied once): while a loader runs over them they are not to be changed. */
DNN_API dnn_dataset *dnn_dataset_tensors(dnn_tensor *const *fields, int n_fields);
/* Samples made by a function: get writes the fields of sample `index`, new tensors of the innermost scope, to field[]; it may be
 * called from several threads. DNN_OK or its error; an error that it leaves waiting is its error too. A field has one dtype and shape
 * for all samples of a batch. release(ctx) is called once, at the end, by the thread that lets go last (also if the call fails). */
DNN_API dnn_dataset *dnn_dataset_function(int64_t size, int n_fields,
                                          dnn_status (*get)(void *ctx, int64_t index, dnn_tensor **field),
                                          void (*release)(void *ctx), void *ctx);
/* The samples index[0..n) of a set, in that order. */
DNN_API dnn_dataset *dnn_dataset_subset(dnn_dataset *set, const int64_t *index, int64_t n);
/* Disjoint parts of the given sizes, drawn by a Philox permutation of the seed; the sizes must sum to the set's. All or none. */
DNN_API DNN_CHECKED dnn_status dnn_dataset_random_split(dnn_dataset *set, const int64_t *sizes, int n, uint64_t seed,
                                                        dnn_dataset **out);
/* One set behind the other, equal in number, dtype and shape of fields. Facts: those that all sets share, else NULL. */
DNN_API dnn_dataset *dnn_dataset_concat(dnn_dataset *const *sets, int n);
/* A set whose field number `field` went through fn. fn sees n samples at once, [n, ...], and returns as many; so a transform made
 * of operators works on whole batches. It runs on loader threads, under no gradient; numbers that it draws from the default generator
 * depend on the number of workers then. release(ctx) as above. */
DNN_API dnn_dataset *dnn_dataset_map(dnn_dataset *set, int field, dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                                     void (*release)(void *ctx), void *ctx);
/* Images u8 [n,C,H,W] to f32 in [0,1], then (x - mean[c])/std[c]: the bits of torchvision's ToTensor and Normalize. mean and std of
 * n_channels numbers (C, or 1 for all; at most 16), or both NULL to leave that out. */
DNN_API dnn_dataset *dnn_dataset_normalize(dnn_dataset *set, int field, const double *mean, const double *std,
                                           int n_channels);

DNN_API dnn_dataset *dnn_dataset_retain(dnn_dataset *set);
DNN_API void dnn_dataset_release(dnn_dataset *set); /* NULL is allowed */
DNN_API int64_t dnn_dataset_size(const dnn_dataset *set);
DNN_API int dnn_dataset_fields(const dnn_dataset *set);
/* Facts told by the reader, handed through by sets over it; NULL where unknown. They live as long as the set. */
DNN_API const char *dnn_dataset_text(const dnn_dataset *set);   /* for people */
DNN_API const char *dnn_dataset_name(const dnn_dataset *set);   /* "fashion-mnist" */
DNN_API const char *dnn_dataset_digest(const dnn_dataset *set); /* SHA-256 */
/* Class names, NULL-terminated, of the first field that has any. */
DNN_API const char *const *dnn_dataset_labels(const dnn_dataset *set);
/* Samples index[0..n) stacked: field[i] is [n, ...]; of the innermost scope. Fails: n below 1, an index out of range, samples of
 * unequal shapes, a forked child, and what the source says; field is untouched then. */
DNN_API DNN_CHECKED dnn_status dnn_dataset_get(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field);

typedef struct dnn_loader_args {
    dnn_dataset *set;   /* kept */
    int64_t batch_size; /* 0 = 1 */
    bool shuffle;       /* a Philox permutation of (seed, epoch) */
    bool drop_last;     /* no smaller batch at the end */
    int workers;        /* threads that prepare batches; 0 = in the calling thread */
    int prefetch;       /* batches ready per worker; 0 = 2 */
    uint64_t seed;      /* of the shuffling */
    const char *device; /* where batches go; NULL = the default device */
    double timeout;     /* seconds to wait for a worker before the error; 0 = 60. Without workers nothing waits */
} dnn_loader_args;
/* Makes batches of a set: dnn_loader_new(set, .batch_size = 64, .shuffle = true, .workers = 2). The batches are the same for any
 * number of workers. An empty set gives no batch. NULL and a waiting error on failure. Owner: the caller, dnn_loader_free. */
#define dnn_loader_new(...) dnn_loader_new_with((dnn_loader_args){.set = __VA_ARGS__})
DNN_API dnn_loader *dnn_loader_new_with(dnn_loader_args args);
/* Stops the workers; NULL is allowed. One that is stuck in the set for the loader's timeout is left behind with a warning: what the
 * loader holds is freed by that thread, once it comes back. A forked child frees nothing. */
DNN_API void dnn_loader_free(dnn_loader *loader);
/* The next batch of the epoch; false at its end (the next call begins the next epoch), and when it fails: then the error waits in
 * the thread, and the next call tries the same batch again (dnn_loader_rewind gives it up). *batch is zeroed where the result is
 * false. The batch's tensors belong to the loader until the next call; dnn_retain what is to stay. */
DNN_API bool dnn_loader_next(dnn_loader *loader, dnn_batch *batch);
DNN_API int64_t dnn_loader_batches(const dnn_loader *loader); /* of an epoch */
DNN_API int64_t dnn_loader_samples(const dnn_loader *loader); /* of an epoch */
/* The next batch is the first of that epoch, 0 to 2^24 - 1. A failure waits in the thread. */
DNN_API void dnn_loader_rewind(dnn_loader *loader, int64_t epoch);

/* Where the loader stands: the epoch, and the number of the batch that comes next (dnn_loader_batches at the end of an epoch). */
DNN_API DNN_CHECKED dnn_status dnn_loader_position(dnn_loader *loader, int64_t *epoch, int64_t *batch);
/* The next batch is that one. batch: 0 to dnn_loader_batches, which is the end of the epoch. A failure leaves the loader where it
 * stood: DNN_E_INVALID, DNN_E_NOMEM, DNN_E_IO (a worker is stuck in the data set). */
DNN_API DNN_CHECKED dnn_status dnn_loader_seek(dnn_loader *loader, int64_t epoch, int64_t batch);

#ifdef __cplusplus
}
#endif
#endif
