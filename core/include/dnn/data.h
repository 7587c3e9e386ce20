/* data.h - data sets, transforms, samplers, and the loader that makes batches of them.
 *
 * A data set gives samples by index. A sample is a list of fields (image, label), which are tensors
 * on the device cpu. Samples come from files that a reader plugin understands, from tensors in
 * memory, or from a function; subset, split, concat, map and normalize are sets over another set.
 * Samples of a set may have different shapes: they must be equal where they are stacked to a batch.
 *
 * Owner   Sets, transforms, samplers and loaders are objects of the scope (object.h). A set retains
 *         the sets and transforms under it, a loader its set and sampler:
 *         dnn_loader(dnn_dataset_map(dnn_dataset_open(...), ...)) leaks nothing. release(ctx) of a
 *         function of the program is called once at the end, or before a failed call returns.
 * Errors  A function that makes an object or a list returns NULL (an empty list) and leaves a
 *         pending error. One that returns a dnn_status takes the pending error first. In a forked
 *         child reading samples and the loader fail with DNN_E_INVALID.
 * Random  Random numbers that a function or a transform draws for a sample from the current
 *         generator, dnn_rand without a generator for instance, depend on the seed and the epoch of
 *         the loader, and on the index of the sample in the loader's set, alone: the same batches
 *         for any number of workers, and in a run that is resumed. The order of the functions on
 *         one sample is fixed. dnn_dataset_get and dnn_dataset_sample use epoch 0 and the seed of
 *         the default generator (dnn_get_seed).
 * Threads: sets, transforms and samplers do not change once they are made. Several threads may read
 * samples, retain and release at once, and make sets over one set. One thread at a time may use a
 * loader. Functions of the program run in the thread that reads, several at once, without a lock,
 * and without recording. dnn_dataset_open may load a reader: not beside dnn_backend_at. */
#ifndef DNN_DATA_H
#define DNN_DATA_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- data sets ---- */

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
 * each (torch.utils.data.TensorDataset). The set retains them and does not copy (a tensor that is
 * not contiguous is copied once): do not change them while a loader uses the set.
 * Fails   NULL, DNN_E_INVALID: no field, a field that is NULL, of rank 0, on another device or of
 *         another first size; DNN_E_NOMEM. */
DNN_API dnn_dataset *dnn_dataset_tensors(dnn_tensor *const *fields, int64_t n_fields);
/* Makes a set whose samples a function computes (Dataset.__getitem__). get stores the fields of
 * sample `index`, new tensors of the innermost scope, in field[0..n_fields). It fails by a status
 * or by a pending error.
 * Fails   NULL, DNN_E_INVALID: get is NULL, size < 0, n_fields < 1; DNN_E_NOMEM. */
DNN_API dnn_dataset *dnn_dataset_function(int64_t size, int64_t n_fields,
                                          dnn_status (*get)(void *ctx, int64_t index,
                                                            dnn_tensor **field),
                                          void (*release)(void *ctx), void *ctx);
/* Makes a set without a length (torch.utils.data.IterableDataset). begin(ctx, epoch) goes to the
 * first sample of an epoch. next stores the fields of the next sample in field[0..n_fields), new
 * tensors of the innermost scope, or sets *end behind the last one. After a failure of next, the
 * next call is for the same sample. Maps and transforms work over such a set; subset, split, concat
 * and dnn_dataset_get, which need indices, fail. The index of a sample is its number in the epoch.
 * One loader at a time may read the set; another one fails.
 * Threads: one thread at a time calls begin and next: the first worker of the loader, or the thread
 * of dnn_loader_next.
 * Fails   NULL, DNN_E_INVALID: begin or next is NULL, n_fields < 1; DNN_E_NOMEM. */
DNN_API dnn_dataset *
dnn_dataset_iterable(int64_t n_fields, dnn_status (*begin)(void *ctx, int64_t epoch),
                     dnn_status (*next)(void *ctx, dnn_tensor **field, bool *end),
                     void (*release)(void *ctx), void *ctx);
/* Makes a set of the samples index[0..n) of another set, in that order; the numbers are copied. An
 * index may occur several times. Fails with DNN_E_INVALID on an index out of range, or a set
 * without a length. */
DNN_API dnn_dataset *dnn_dataset_subset(dnn_dataset *set, const int64_t *index, int64_t n);
/* Stores n disjoint subsets of the given sizes in out[], drawn by a Philox permutation of the seed
 * (torch.utils.data.random_split). The sizes must sum to the size of the set. On failure there is
 * none.
 * Fails   DNN_E_INVALID: other sums, n < 1, a set without a length; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_dataset_random_split(dnn_dataset *set, const int64_t *sizes,
                                                        int n, uint64_t seed, dnn_dataset **out);
/* Makes one set of n >= 1 sets, one after the other. They have equally many fields (where
 * their number is known), and lengths. A description (text, name, digest, labels)
 * that all sets share is kept; any other becomes NULL. */
DNN_API dnn_dataset *dnn_dataset_concat(dnn_dataset *const *sets, int n);
/* Makes a set that applies a transform, which the set retains, to each sample (the `transform` of
 * torchvision's data sets). The transform sees all fields of one sample, without a batch dimension,
 * and may change shapes, dtypes and the number of fields. */
DNN_API dnn_dataset *dnn_dataset_map(dnn_dataset *set, dnn_transform *transform);
/* Makes a set that applies fn to field number `field` of many samples at once: fn gets [n, ...] and
 * returns a tensor whose first size is n. So one operator serves a whole batch: faster than
 * dnn_dataset_map, but the samples must have equal shapes, and how many come at once is not fixed.
 * Random numbers that fn draws depend on seed, epoch and the index of the first sample.
 * Fails   NULL, DNN_E_INVALID: fn is NULL, the set has no such field; DNN_E_NOMEM. */
DNN_API dnn_dataset *dnn_dataset_map_batch(dnn_dataset *set, int64_t field,
                                           dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                                           void (*release)(void *ctx), void *ctx);
/* Makes a set that applies torchvision's ToTensor and Normalize to images [C,H,W], many at once,
 * with the same bits: u8 becomes f32 and is divided by 255; floating images keep dtype and values,
 * they are not divided. Then it computes (x - mean[c]) / std[c]. mean and std have n_channels
 * numbers (C, or 1 for all channels; at most 16); both NULL skips the second step.
 * Fails   NULL, DNN_E_INVALID: one of mean and std NULL, n_channels not 1 to 16, mean not finite,
 *         std not finite and > 0; reading fails if the images have another rank, C, or a dtype that
 *         is neither u8 nor floating. */
DNN_API dnn_dataset *dnn_dataset_normalize(dnn_dataset *set, int64_t field, const double *mean,
                                           const double *std, int64_t n_channels);

/* Samples; 0 for NULL, -1 for a set without a length. */
DNN_API int64_t dnn_dataset_size(const dnn_dataset *set);
/* Fields of a sample; 0 for NULL, -1 where a transform decides. */
DNN_API int64_t dnn_dataset_fields(const dnn_dataset *set);
/* Descriptions from the reader; a set over another set has the other's. NULL if unknown. Valid as
 * long as the set. */
DNN_API const char *dnn_dataset_text(const dnn_dataset *set);   /* a description for people */
DNN_API const char *dnn_dataset_name(const dnn_dataset *set);   /* "fashion-mnist" */
DNN_API const char *dnn_dataset_digest(const dnn_dataset *set); /* SHA-256 of the samples */
/* Class names, NULL-terminated, of the first field that has any. */
DNN_API const char *const *dnn_dataset_labels(const dnn_dataset *set);
/* Reads the samples index[0..n) and stacks them: each field becomes [n, ...], a new tensor of the
 * scope, as the list.
 * Fails   an empty list, DNN_E_INVALID: n < 1, an index out of range, samples of unequal shapes, a
 *         set without a length; the status of the source; DNN_E_NOMEM. */
DNN_API dnn_tensor_list dnn_dataset_get(dnn_dataset *set, const int64_t *index, int64_t n);
/* Reads one sample: its fields, without a batch dimension (set[index] in torch). Fails as
 * dnn_dataset_get. */
DNN_API dnn_tensor_list dnn_dataset_sample(dnn_dataset *set, int64_t index);

/* ---- transforms (torchvision.transforms) ---- */

/* The fields that a function of the program reads and changes: it replaces field[i], or all of them
 * by dnn_fields_set. */
typedef struct dnn_fields {
    dnn_tensor **field; /* [n_fields]; the array is libdnn's */
    int64_t n_fields;
    int64_t index;  /* of the sample in the loader's set; -1: dnn_transform_apply, or a batch */
    void *dnn_list; /* private */
} dnn_fields;
/* Replaces all fields: dnn_fields_set(sample, DNN_TENSORS(image, mask, label)). Copies the list,
 * not the tensors.
 * Fails   DNN_E_INVALID: fields is NULL, the list is empty or has a NULL; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_fields_set(dnn_fields *fields, dnn_tensor_list list);

/* Makes a transform of a function, which sees one sample. It replaces fields and does not change
 * their tensors in place, which may be needed again: a batch that failed is read once more. It
 * fails by a status or by a pending error.
 * Fails   NULL, DNN_E_INVALID: fn is NULL; DNN_E_NOMEM. */
DNN_API dnn_transform *dnn_transform_function(dnn_status (*fn)(void *ctx, dnn_fields *sample),
                                              void (*release)(void *ctx), void *ctx);
/* Lambda: the same of a function of one tensor, which it applies to field 0. */
DNN_API dnn_transform *dnn_transform_lambda(dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                                            void (*release)(void *ctx), void *ctx);
/* Applies a transform to field number `field`: the transform gets a sample of that field alone,
 * and leaves one field. */
DNN_API dnn_transform *dnn_transform_field(int64_t field, dnn_transform *transform);
/* Compose: dnn_compose(DNN_TRANSFORMS(a, b, c)) applies a, then b, then c, and retains them. A
 * failure names the transform: "transform 2 of 3 (RandomCrop): ...". */
typedef struct dnn_transform_list {
    DNN_BY_NAME;
    int64_t n;
    dnn_transform *const *item;
} dnn_transform_list;
#ifndef __cplusplus
#define DNN_TRANSFORMS(...)                                                                 \
    ((dnn_transform_list){                                                                  \
        .n = (int64_t)(sizeof((dnn_transform *[]){__VA_ARGS__}) / sizeof(dnn_transform *)), \
        .item = (dnn_transform *[]){__VA_ARGS__}})
#endif
DNN_API dnn_transform *dnn_compose(dnn_transform_list list);

/* The transforms of images work on field 0 of the sample, an image [...,C,H,W] of any dtype;
 * leading dims may be a batch, whose images are cropped and flipped alike. Fails   NULL,
 * DNN_E_INVALID: a number out of its range; DNN_E_NOMEM. Applying them fails with DNN_E_INVALID on
 * another rank, size or dtype. */
typedef enum dnn_image_layout { DNN_IMAGE_CHW = 0, DNN_IMAGE_HWC = 1 } dnn_image_layout;
/* ToTensor: u8 becomes f32 and is divided by 255; other dtypes keep their values. The images of our
 * readers are [C,H,W] (DNN_IMAGE_CHW). DNN_IMAGE_HWC permutes [...,H,W,C] to [...,C,H,W] first, as
 * torchvision does with a PIL image or an array of numpy. */
DNN_API dnn_transform *dnn_transform_to_tensor(dnn_image_layout layout);
/* Normalize: (x - mean[c]) / std[c] of a floating image. mean and std have n_channels numbers, C or
 * 1; the ranges are those of dnn_dataset_normalize. */
DNN_API dnn_transform *dnn_transform_normalize(const double *mean, const double *std,
                                               int64_t n_channels);
typedef struct dnn_crop_args {
    int64_t size; /* height and width */
    DNN_BY_NAME;
    int64_t size_h, size_w; /* 0 = size */
    int64_t padding;        /* zeros on every side, before the crop */
} dnn_crop_args;
/* CenterCrop: an image that is smaller is padded with zeros. RandomCrop: each place is equally
 * likely; an image that is smaller, with its padding, is an error. dnn_transform_center_crop(224),
 * dnn_transform_random_crop(32, .padding = 4). center_crop takes no padding. */
#define dnn_transform_center_crop(...) \
    DNN_NEEDS_ONE(__VA_ARGS__)         \
    dnn_transform_center_crop_with(DNN_ARGS(dnn_crop_args, .size = __VA_ARGS__))
#define dnn_transform_random_crop(...) \
    DNN_NEEDS_ONE(__VA_ARGS__)         \
    dnn_transform_random_crop_with(DNN_ARGS(dnn_crop_args, .size = __VA_ARGS__))
DNN_API dnn_transform *dnn_transform_center_crop_with(dnn_crop_args args);
DNN_API dnn_transform *dnn_transform_random_crop_with(dnn_crop_args args);
/* RandomHorizontalFlip with probability p, 0 to 1. */
DNN_API dnn_transform *dnn_transform_random_horizontal_flip(double p);

/* Apply a transform by hand: to one tensor, as the only field of a sample, and to the fields of a
 * sample. Random numbers come from the generator of the caller.
 * Fails   NULL, or an empty list; DNN_E_INVALID: a NULL operand; from dnn_transform_apply also if
 *         the transform leaves another number of fields; the error of the transform. */
DNN_API dnn_tensor *dnn_transform_apply(dnn_transform *transform, dnn_tensor *x);
DNN_API dnn_tensor_list dnn_transform_apply_list(dnn_transform *transform, dnn_tensor_list sample);

/* ---- samplers (torch.utils.data) ----
 * A sampler gives an order of indices for the seed of a loader and an epoch. */

/* SequentialSampler: 0, 1, ... */
DNN_API dnn_sampler *dnn_sampler_sequential(const dnn_dataset *set);
typedef struct dnn_sampler_random_args {
    const dnn_dataset *set; /* gives the number of samples; not retained */
    DNN_BY_NAME;
    bool replacement;    /* each index is drawn from all */
    int64_t num_samples; /* 0 = as many as the set has. More, without replacement: one permutation
                          * after the other */
} dnn_sampler_random_args;
/* RandomSampler. Without options it is the order of .shuffle. */
#define dnn_sampler_random(...) \
    DNN_NEEDS_ONE(__VA_ARGS__)  \
    dnn_sampler_random_with(DNN_ARGS(dnn_sampler_random_args, .set = __VA_ARGS__))
DNN_API dnn_sampler *dnn_sampler_random_with(dnn_sampler_random_args args);
/* SubsetRandomSampler: the indices, which are copied, in a random order. */
DNN_API dnn_sampler *dnn_sampler_subset_random(const int64_t *index, int64_t n);
typedef struct dnn_sampler_weighted_args {
    const double *weight; /* [n], for the indices 0 to n-1; copied. They need not sum to 1 */
    int64_t n;
    int64_t num_samples;
    DNN_BY_NAME;
    bool no_replacement; /* no index is drawn twice */
} dnn_sampler_weighted_args;
/* WeightedRandomSampler: dnn_sampler_weighted(weight, n, num_samples). */
#define dnn_sampler_weighted(...) \
    DNN_CAT(dnn_sampler_weighted_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_sampler_weighted_missing_(weight, n, num_samples)
#define dnn_sampler_weighted_given_(weight_, n_, ...)                                         \
    dnn_sampler_weighted_with(DNN_ARGS(dnn_sampler_weighted_args, .weight = weight_, .n = n_, \
                                       .num_samples = __VA_ARGS__))
DNN_API dnn_sampler *dnn_sampler_weighted_with(dnn_sampler_weighted_args args);
typedef struct dnn_sampler_distributed_args {
    const dnn_dataset *set; /* gives the number of samples; not retained */
    int64_t num_replicas;   /* processes */
    int64_t rank;           /* of this one, from 0 */
    DNN_BY_NAME;
    bool no_shuffle;
    bool drop_last; /* drop the last samples so that the parts are equal; else the first ones are
                     * repeated at the end */
} dnn_sampler_distributed_args;
/* DistributedSampler: every num_replicas-th index of one order, from number `rank` on. Loaders of
 * all ranks need the same seed: dnn_sampler_distributed(set, num_replicas, rank). */
#define dnn_sampler_distributed(...) \
    DNN_CAT(dnn_sampler_distributed_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_sampler_distributed_missing_(set, num_replicas, rank)
#define dnn_sampler_distributed_given_(set_, num_replicas_, ...)                     \
    dnn_sampler_distributed_with(DNN_ARGS(dnn_sampler_distributed_args, .set = set_, \
                                          .num_replicas = num_replicas_, .rank = __VA_ARGS__))
DNN_API dnn_sampler *dnn_sampler_distributed_with(dnn_sampler_distributed_args args);
/* A sampler of the program: fn stores num_samples indices in index[], and depends on seed and epoch
 * alone. It runs in the thread that uses the loader. */
DNN_API dnn_sampler *dnn_sampler_function(int64_t num_samples,
                                          dnn_status (*fn)(void *ctx, uint64_t seed, int64_t epoch,
                                                           int64_t *index),
                                          void (*release)(void *ctx), void *ctx);
/* All of them fail with NULL: DNN_E_INVALID: a NULL argument, a set without a length, a number or
 * weight out of its range; DNN_E_NOMEM. */
/* Samples of an epoch; 0 for NULL. */
DNN_API int64_t dnn_sampler_size(const dnn_sampler *sampler);

/* ---- the loader (torch.utils.data.DataLoader) ---- */

typedef struct dnn_batch {
    dnn_tensor *input, *target; /* the first and second field; target is NULL if there is one
                                 * field */
    dnn_tensor *const *field;   /* [n_fields]; each is [size, ...], unless a collate made it */
    int64_t n_fields;
    int64_t size;  /* samples in the batch */
    int64_t index; /* number of the batch in its epoch, from 0 */
} dnn_batch;

/* Makes the fields of a batch of n samples: dnn_fields_set(batch, ...); batch has none before.
 * sample[i] has the fields of one sample, views that it must not change. It fails by a status or
 * by a pending error. */
typedef dnn_status (*dnn_collate)(void *ctx, const dnn_tensor_list *sample, int64_t n,
                                  dnn_fields *batch);
/* A ready one for sequences of different lengths: pads each field behind its end along dim 0 to the
 * longest of the batch, and stacks it (torch.nn.utils.rnn.pad_sequence, batch first). ctx points to
 * a double, the padding value; NULL = 0. Fields of rank 0 are stacked. */
DNN_API dnn_status dnn_collate_pad(void *ctx, const dnn_tensor_list *sample, int64_t n,
                                   dnn_fields *batch);

typedef struct dnn_loader_args {
    dnn_dataset *set; /* retained */
    DNN_BY_NAME;
    int64_t batch_size; /* 0 = 1 */
    bool shuffle;       /* each epoch in the order of a Philox permutation of (seed, epoch) */
    bool drop_last;     /* drop a last batch that is smaller */
    int64_t workers;    /* threads that prepare batches, 0 to 256; 0 = in the calling thread. A set
                         * without a length is read by one */
    int64_t prefetch;   /* batches prepared ahead per worker, up to 4096; 0 = 2 */
    uint64_t seed;      /* for the shuffling, the sampler, and the random numbers of samples */
    const char *device; /* device of the batches; NULL = the default device */
    double timeout;     /* seconds to wait for a worker, up to 1e6; 0 = 60. Unused without
                         * workers */
    dnn_sampler *sampler; /* the order of the samples, instead of .shuffle; retained */
    dnn_collate collate;  /* NULL: each field is stacked */
    void *collate_ctx;
} dnn_loader_args;
/* Makes a loader: dnn_loader(set, .batch_size = 64, .shuffle = true, .workers = 2). The batches
 * are the same for any number of workers. An empty set gives no batch. Freeing the loader stops the
 * workers; if one is stuck in the data set for the timeout, a warning is logged, and that worker
 * frees the loader when it returns. In a forked child nothing is freed.
 * Fails   NULL, DNN_E_INVALID: set is NULL, a number out of its range, a sampler with .shuffle,
 *         either of them over a set without a length, an index of the sampler that is outside the
 *         set; the failure of the sampler; DNN_E_DEVICE; DNN_E_NOMEM. */
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
/* Batches and samples of an epoch; 0 for NULL, -1 for a set without a length. */
DNN_API int64_t dnn_loader_batches(const dnn_loader *loader);
DNN_API int64_t dnn_loader_samples(const dnn_loader *loader);
/* Makes the first batch of an epoch, 0 to 2^24 - 1, the next one.
 * Fails   as dnn_loader_seek. */
DNN_API DNN_CHECKED dnn_status dnn_loader_rewind(dnn_loader *loader, int64_t epoch);

/* Stores the epoch and the number of the batch that comes next (dnn_loader_batches at the end of an
 * epoch).
 * Fails   DNN_E_INVALID: a NULL argument. */
DNN_API DNN_CHECKED dnn_status dnn_loader_position(dnn_loader *loader, int64_t *epoch,
                                                   int64_t *batch);
/* Makes that batch the next one. batch: 0 to dnn_loader_batches, which is the end of the epoch.
 * Over a set without a length, the next call for a batch reads the samples up to it, and a batch
 * behind the last one is the end of the epoch. The tensors of the last batch are released. On
 * failure the position is unchanged. Fails   DNN_E_INVALID: epoch or batch out of range; DNN_E_IO:
 * a worker is stuck in the data set; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_loader_seek(dnn_loader *loader, int64_t epoch, int64_t batch);

#ifdef __cplusplus
}

inline dnn_transform_list dnn_transforms_of(std::initializer_list<dnn_transform *> transforms)
{
    dnn_transform_list list = dnn_transform_list();

    list.n = static_cast<int64_t>(transforms.size());
    list.item = transforms.begin();
    return list;
}
#define DNN_TRANSFORMS(...) (dnn_transforms_of({__VA_ARGS__}))
#endif
#endif
