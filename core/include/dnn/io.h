/* io.h - tensors, weights and checkpoints in files: safetensors.
 *
 * Every file may be hostile: all of it is validated before anything is built, memory stays in proportion to the file, and a failed
 * load changes nothing. Writing is atomic: the old file stays until the new one is on disk. Messages name path, byte and rule. */
#ifndef DNN_IO_H
#define DNN_IO_H
#include "dnn/data.h"
#include "dnn/optim.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_file dnn_file;

typedef struct dnn_file_entry_info { /* texts live until dnn_file_close */
    const char *name;
    const char *dtype_name; /* as the file says: "F32", "F8_E4M3" */
    dnn_dtype dtype;        /* 0 = libdnn has none such */
    dnn_shape shape;
    uint64_t bytes;
} dnn_file_entry_info;

/* Opens and validates. *out is the caller's, dnn_file_close. Fails: DNN_E_IO, DNN_E_FORMAT, DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_file_open(const char *path, dnn_file **out);
DNN_API void dnn_file_close(dnn_file *file);
DNN_API int64_t dnn_file_count(const dnn_file *file);
DNN_API bool dnn_file_entry(const dnn_file *file, int64_t index, dnn_file_entry_info *out);
/* Metadata of the file, by order; false past the last. */
DNN_API bool dnn_file_metadata(const dnn_file *file, int64_t index, const char **key, const char **value);
/* Reads all data and holds it against the checksums that the file carries; DNN_OK if it has none. Fails: DNN_E_FORMAT names the
 * tensor; DNN_E_IO, DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_file_verify(dnn_file *file);
/* The tensor of that name on the device cpu, a new one of the scope; NULL and a waiting error. Its checksum is held against its
 * data, if the file has one. */
DNN_API dnn_tensor *dnn_file_tensor(dnn_file *file, const char *name);

typedef struct dnn_named_tensor {
    const char *name;
    dnn_tensor *tensor;
} dnn_named_tensor;
typedef struct dnn_named_text {
    const char *key, *value;
} dnn_named_text;
/* Writes n tensors and n_meta metadata texts; equal content gives equal bytes. Names: UTF-8, 1 to 1024 bytes, unique. */
DNN_API DNN_CHECKED dnn_status dnn_save_tensors(const char *path, const dnn_named_tensor *tensors, int64_t n,
                                                const dnn_named_text *metadata, int64_t n_meta);

/* Parameters and buffers of a module under their dotted paths. Loading is strict: missing, unexpected and misshapen names are
 * listed together in one error, and the module is as it was. Dtypes are cast between floating dtypes. */
typedef struct dnn_load_args {
    dnn_module *module;
    const char *path;
    bool partial;       /* load what fits; *n_loaded says how many did */
    int64_t *n_loaded;  /* NULL, or how many tensors were set */
    const char *prefix; /* dropped from the names in the file where they have it */
} dnn_load_args;
#define dnn_load_weights(module_, ...) dnn_load_weights_with((dnn_load_args){.module = (module_), .path = __VA_ARGS__})
DNN_API DNN_CHECKED dnn_status dnn_load_weights_with(dnn_load_args args);
DNN_API DNN_CHECKED dnn_status dnn_save_weights(dnn_module *module, const char *path);

/* ---- checkpoints: all of a training run in one safetensors file ----
 *
 * A run that was saved and loaded goes on as if it had not stopped, bit for bit. The file has the module's tensors under their dotted
 * paths, so that dnn_load_weights and any other reader get the weights, and further tensors under names that begin with "dnn.":
 *
 *     dnn.optim.<o>.<slot>.<param>   as the parameter     state: momentum_buffer, exp_avg, ...
 *     dnn.optim.<o>.step             I64 [parameters]     steps taken
 *     dnn.optim.<o>.hyper            F64 [1, fields]      lr, momentum, ...; the names stand in the metadata
 *     dnn.sched.<o>                  F64 [k]              kept for schedules, of which there are none yet; "dnn.sched" in the metadata too
 *     dnn.rng.default                I64 [3]              seed, stream, offset of the generator
 *     dnn.loader.<l>                 I64 [6]              epoch, next batch, seed, stream (-1: no shuffling), size of the set, batch size
 *     dnn.train, dnn.train.best      I64 [3], F64 [1]     step, epoch, step of the best; its metric
 *     dnn.train.numbers              F64 [n_numbers]      the program's own
 *
 * Metadata: "dnn.checkpoint" = "1", "dnn.library", "dnn.optim" and "dnn.dataset" and "dnn.backend" (JSON), "dnn.seed", and checksums:
 * "dnn.crc32c" has eight hex digits for each tensor in the order of their data, "dnn.crc32c.header" those of the header with these
 * digits as zeros, so that every flipped bit is found. Names under "dnn." that a reader does not know are passed over. Equal state
 * gives equal bytes: no clock, path, host or number of threads is in the file. */
enum { DNN_RUN_MAX = 4 };
typedef struct dnn_run { /* what a training run is made of; all borrowed */
    dnn_module *module;
    dnn_optimizer *optimizer[DNN_RUN_MAX]; /* of parameters of the module; NULL ends the list, here and below */
    dnn_loader *loader[DNN_RUN_MAX];
    int64_t step, epoch; /* as the program counts them; step names the file */
    int64_t best_step;
    double best;    /* metric of the best step */
    double *number; /* more numbers that are to come back bit for bit: running means, ... */
    int64_t n_numbers;
    const dnn_named_text *metadata; /* texts to be saved as well: "dnn.program", "dnn.args", "dnn.model", "dnn.metrics", ... */
    int64_t n_metadata;
    bool anyway; /* loading: take it up with another data set, batch size or seed of a loader too; that loader begins its epoch anew */
} dnn_run;

/* Writes folder/ckpt-00001200.safetensors (of step 1200), and then removes all but the newest two up to that step, and what killed
 * writers left behind. One process at a time writes to a folder. A checkpoint is never overwritten: if there is one of that step
 * with the same state nothing is written, with another one it is an error; a damaged one is replaced.
 * Fails   DNN_E_INVALID (also: a parameter of an optimizer is not in the module), DNN_E_IO, DNN_E_NOMEM: what was there is there. */
DNN_API DNN_CHECKED dnn_status dnn_save_checkpoint(const dnn_run *run, const char *folder);
/* The same into a file of any name, which is replaced as a whole or not at all: "best.safetensors". */
DNN_API DNN_CHECKED dnn_status dnn_write_checkpoint(const dnn_run *run, const char *path);
/* The newest checkpoint of the folder that is whole: its path, at most bytes with the final 0. Those passed over are told, newest
 * first, with the reason: passed_over may be NULL. Fails: DNN_E_IO (none; the folder cannot be read), DNN_E_INVALID (no room for the
 * path), DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_find_checkpoint(const char *folder, char *path, size_t bytes,
                                                   void (*passed_over)(void *ctx, const char *why), void *ctx);
/* Sets module, optimizers, loaders and the generator as they were, and the run's own numbers. All of the file is validated, and all
 * that is needed is read and checked, before anything is changed; only a copy to a device, of a parameter that has other views, can
 * fail later. Optimizers get the learning rate of the file, loaders its seed. Batches that a loader gave out end here.
 * Fails   DNN_E_FORMAT: damaged (the tensor is named), no checkpoint, of a newer version; DNN_E_INVALID: another module, optimizer,
 *         data set or batch size (both sides are named); DNN_E_IO, DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_load_checkpoint(dnn_run *run, const char *path);

#ifdef __cplusplus
}
#endif
#endif
