/* data.h - data sets, and the loader that makes batches of them.
 *
 * A data set gives samples by index. A sample has 1 to 8 fields (image, label), which are tensors
 * on the device cpu. Samples come from files that a reader plugin understands, from tensors in
 * memory, or from a function; subset, split, concat, map and normalize are sets over another set.
 *
 * Owner   Sets and loaders are objects of the scope (object.h). A set retains the sets under it, a
 *         loader its set: dnn_loader(dnn_dataset_normalize(dnn_dataset_open(...), ...)) leaks
 *         nothing.
 * Errors  A function that makes a set or a loader returns NULL and leaves a pending error. One that
 *         returns a dnn_status takes the pending error first. In a forked child dnn_dataset_get and
 *         the loader fail with DNN_E_INVALID.
 * Threads: a data set does not change once it is made. Several threads may call dnn_dataset_get,
 * retain and release at once. One thread at a time may use a loader. */
#ifndef DNN_DATA_H
#define DNN_DATA_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

#define DNN_FIELD_MAX 8
typedef struct dnn_batch {
    dnn_tensor *input, *target;       /* the first and second field; target is NULL if there is one
                                       * field */
    dnn_tensor *field[DNN_FIELD_MAX]; /* [size, ...] each */
    int n_fields;
    int64_t size;  /* samples in the batch */
    int64_t index; /* number of the batch in its epoch, from 0 */
} dnn_batch;

typedef struct dnn_dataset_args {
    const char *path; /* file or folder */
    DNN_BY_NAME;
    const char *split;   /* "train", "test", or NULL: all samples, or the split that the file is
                          * named after */
    const char *reader;  /* id of a reader plugin; NULL = the reader with the highest bid */
    const char *options; /* for the reader: "records=any,label=coarse" */
    uint64_t max_bytes;  /* cap on memory and on decompressed bytes; 0 = 1 GiB */
} dnn_dataset_args;
/* Opens a file or folder with a reader plugin: dnn_dataset_open("data/mnist", .split = "train").
 * Fails   NULL; the message names the file, what was found and what was expected. DNN_E_IO:
 *         missing, or neither a file nor a folder; DNN_E_FORMAT: corrupt, or no reader bids (those
 *         asked are named), or two bid alike; DNN_E_DEVICE: no reader has that id; DNN_E_INVALID:
 *         path is NULL or empty, an unknown option; DNN_E_NOMEM. */
#define dnn_dataset_open(...)  \
    DNN_NEEDS_ONE(__VA_ARGS__) \
    dnn_dataset_open_with(DNN_ARGS(dnn_dataset_args, .path = __VA_ARGS__))
DNN_API dnn_dataset *dnn_dataset_open_with(dnn_dataset_args args);
/* Makes a set of tensors [samples, ...] on cpu with equal first sizes; sample i is element i of
 * each. The set retains them and does not copy (a tensor that is not contiguous is copied once): do
 * not change them while a loader uses the set.
 * Fails   NULL, DNN_E_INVALID: not 1 to 8 fields, a field that is NULL, of rank 0, on another
 *         device or of another first size; DNN_E_NOMEM. */
DNN_API dnn_dataset *dnn_dataset_tensors(dnn_tensor *const *fields, int n_fields);
/* Makes a set whose samples a function computes. get stores the fields of sample `index`, new
 * tensors of the innermost scope, in field[]. It fails by a status or by a pending error. Within a
 * batch, a field has one dtype and one shape. release(ctx) is called once at the end, or before a
 * failed call returns.
 * Threads: several threads may call get at once; the thread that releases the last reference calls
 * release. */
DNN_API dnn_dataset *dnn_dataset_function(int64_t size, int n_fields,
                                          dnn_status (*get)(void *ctx, int64_t index,
                                                            dnn_tensor **field),
                                          void (*release)(void *ctx), void *ctx);
/* Makes a set of the samples index[0..n) of another set, in that order; the numbers are copied. An
 * index may occur several times. Fails with DNN_E_INVALID on an index out of range. */
DNN_API dnn_dataset *dnn_dataset_subset(dnn_dataset *set, const int64_t *index, int64_t n);
/* Stores n disjoint subsets of the given sizes in out[], drawn by a Philox permutation of the seed
 * (torch.utils.data.random_split). The sizes must sum to the size of the set. On failure there is
 * none.
 * Fails   DNN_E_INVALID: other sums, n < 1; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_dataset_random_split(dnn_dataset *set, const int64_t *sizes,
                                                        int n, uint64_t seed, dnn_dataset **out);
/* Makes one set of n >= 1 sets, one after the other. They have equally many fields, with equal
 * dtypes and shapes (checked when samples are read). A description (text, name, digest, labels)
 * that all sets share is kept; any other becomes NULL. */
DNN_API dnn_dataset *dnn_dataset_concat(dnn_dataset *const *sets, int n);
/* Makes a set that applies fn to field number `field`. fn gets n samples at once, [n, ...], and
 * returns a tensor whose first size is n, so operators transform a whole batch. It runs without
 * recording. release(ctx) as in dnn_dataset_function.
 * Threads: the loader's workers call fn, several at once. Random numbers that fn draws from the
 * default generator therefore depend on the number of workers. */
DNN_API dnn_dataset *dnn_dataset_map(dnn_dataset *set, int field,
                                     dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                                     void (*release)(void *ctx), void *ctx);
/* Makes a set that converts u8 images [n,C,H,W] to f32 in [0,1] and then computes (x -
 * mean[c])/std[c]: the bits of torchvision's ToTensor and Normalize. mean and std have n_channels
 * numbers (C, or 1 for all channels; at most 16); both NULL skips the second step.
 * Fails   NULL, DNN_E_INVALID: one of mean and std NULL, n_channels not 1 to 16, mean not finite,
 *         std not finite and > 0; reading fails if the images have another rank or C. */
DNN_API dnn_dataset *dnn_dataset_normalize(dnn_dataset *set, int field, const double *mean,
                                           const double *std, int n_channels);

DNN_API int64_t dnn_dataset_size(const dnn_dataset *set); /* samples; 0 for NULL */
DNN_API int dnn_dataset_fields(const dnn_dataset *set);   /* fields; 0 for NULL */
/* Descriptions from the reader; a set over another set has the other's. NULL if unknown. Valid as
 * long as the set. */
DNN_API const char *dnn_dataset_text(const dnn_dataset *set);   /* a description for people */
DNN_API const char *dnn_dataset_name(const dnn_dataset *set);   /* "fashion-mnist" */
DNN_API const char *dnn_dataset_digest(const dnn_dataset *set); /* SHA-256 of the samples */
/* Class names, NULL-terminated, of the first field that has any. */
DNN_API const char *const *dnn_dataset_labels(const dnn_dataset *set);
/* Reads the samples index[0..n) and stacks them: field[i] becomes [n, ...], a new tensor of the
 * scope, for each field of the set. field is unchanged on failure.
 * Fails   DNN_E_INVALID: n < 1, an index out of range, samples of unequal shapes; the status of the
 *         source; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_dataset_get(dnn_dataset *set, const int64_t *index, int64_t n,
                                               dnn_tensor **field);

typedef struct dnn_loader_args {
    dnn_dataset *set; /* retained */
    DNN_BY_NAME;
    int64_t batch_size; /* 0 = 1 */
    bool shuffle;       /* each epoch in the order of a Philox permutation of (seed, epoch) */
    bool drop_last;     /* drop a last batch that is smaller */
    int64_t workers;    /* threads that prepare batches, 0 to 256; 0 = in the calling thread */
    int64_t prefetch;   /* batches prepared ahead per worker, up to 4096; 0 = 2 */
    uint64_t seed;      /* for the shuffling */
    const char *device; /* device of the batches; NULL = the default device */
    double timeout;     /* seconds to wait for a worker, up to 1e6; 0 = 60. Unused without
                         * workers */
} dnn_loader_args;
/* Makes a loader: dnn_loader(set, .batch_size = 64, .shuffle = true, .workers = 2). The batches
 * are the same for any number of workers. An empty set gives no batch. Freeing the loader stops the
 * workers; if one is stuck in the data set for the timeout, a warning is logged, and that worker
 * frees the loader when it returns. In a forked child nothing is freed.
 * Fails   NULL, DNN_E_INVALID: set is NULL, a number out of its range; DNN_E_DEVICE;
 *         DNN_E_NOMEM. */
#define dnn_loader(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_loader_with(DNN_ARGS(dnn_loader_args, .set = __VA_ARGS__))
DNN_API dnn_loader *dnn_loader_with(dnn_loader_args args);
/* Stores the next batch of the epoch in *batch and returns true. Returns false at the end of the
 * epoch (the next call begins the next epoch) and on failure: then an error is pending, and the
 * next call tries the same batch again, unless dnn_loader_rewind is called. *batch is zeroed when
 * the result is false. The loader owns the tensors of the batch until the next call: retain those
 * that you keep (dnn_retain).
 * Fails   the status of the data set; DNN_E_IO: no batch within the timeout; DNN_E_INVALID: a NULL
 *         argument; DNN_E_DEVICE; DNN_E_NOMEM. */
DNN_API bool dnn_loader_next(dnn_loader *loader, dnn_batch *batch);
DNN_API int64_t dnn_loader_batches(const dnn_loader *loader); /* per epoch; 0 for NULL */
DNN_API int64_t dnn_loader_samples(const dnn_loader *loader); /* per epoch; 0 for NULL */
/* Makes the first batch of an epoch, 0 to 2^24 - 1, the next one.
 * Fails   as dnn_loader_seek. */
DNN_API DNN_CHECKED dnn_status dnn_loader_rewind(dnn_loader *loader, int64_t epoch);

/* Stores the epoch and the number of the batch that comes next (dnn_loader_batches at the end of an
 * epoch).
 * Fails   DNN_E_INVALID: a NULL argument. */
DNN_API DNN_CHECKED dnn_status dnn_loader_position(dnn_loader *loader, int64_t *epoch,
                                                   int64_t *batch);
/* Makes that batch the next one. batch: 0 to dnn_loader_batches, which is the end of the epoch. The
 * tensors of the last batch are released. On failure the position is unchanged.
 * Fails   DNN_E_INVALID: epoch or batch out of range; DNN_E_IO: a worker is stuck in the data set;
 *         DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_loader_seek(dnn_loader *loader, int64_t epoch, int64_t batch);

#ifdef __cplusplus
}
#endif
#endif
