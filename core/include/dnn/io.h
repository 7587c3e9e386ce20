/* io.h - tensors, weights and checkpoints in files of the format safetensors.
 *
 * Reading  Every file may be hostile: all of it is validated before anything is built, memory stays
 *          in proportion to the file, and a failed load changes nothing.
 * Writing  Atomic: the old file stays until the new one is on disk.
 * Errors   A function that returns a dnn_status takes the pending error first. Messages name the
 *          path, the byte and the rule. DNN_E_IO: the operating system refused; DNN_E_FORMAT: the
 *          file breaks a rule; DNN_E_INVALID: an argument is wrong or NULL; DNN_E_NOMEM.
 * Threads: one thread at a time may use a dnn_file, or the objects of a dnn_run. */
#ifndef DNN_IO_H
#define DNN_IO_H
#include "dnn/data.h"
#include "dnn/optim.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_file_entry_info { /* texts are valid as long as the file */
    const char *name;
    const char *dtype_name; /* as in the file: "F32", "F8_E4M3" */
    dnn_dtype dtype;        /* 0 = libdnn has no such dtype */
    dnn_shape shape;
    uint64_t bytes;
} dnn_file_entry_info;

/* Opens a file and validates its header. The file is an object of the scope; dnn_release closes it.
 * Checksums of data are checked when the data is read.
 * Fails   NULL and a pending error: DNN_E_IO, DNN_E_FORMAT, DNN_E_NOMEM. */
DNN_API dnn_file *dnn_file_open(const char *path);
DNN_API int64_t dnn_file_count(const dnn_file *file); /* tensors in the file; 0 for NULL */
/* Describes a tensor of the file; false past the last. */
DNN_API bool dnn_file_entry(const dnn_file *file, int64_t index, dnn_file_entry_info *out);
/* Stores a pair of the file's metadata; false past the last. Valid as long as the
 * file. */
DNN_API bool dnn_file_metadata(const dnn_file *file, int64_t index, const char **key,
                               const char **value);
/* Reads all data and compares it with the checksums of the file, if it has any.
 * Fails   DNN_E_FORMAT: the data differs (the tensor is named); DNN_E_IO; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_file_verify(dnn_file *file);
/* Reads the tensor of that name: a new tensor of the scope on the device cpu. Its checksum is
 * checked if the file has one.
 * Fails   NULL and a pending error: DNN_E_INVALID: no such name; DNN_E_FORMAT: libdnn has no such
 *         dtype, or the data is damaged; DNN_E_IO; DNN_E_NOMEM. */
DNN_API dnn_tensor *dnn_file_tensor(dnn_file *file, const char *name);

typedef struct dnn_named_text {
    const char *key, *value;
} dnn_named_text;
/* Writes n tensors, of any device and strides, and n_meta metadata texts. Equal content gives equal
 * bytes. Names and keys: UTF-8, 1 to 1024 bytes, unique. Texts: at most 1 MiB.
 * Fails   DNN_E_INVALID: a name or text that breaks these rules; DNN_E_IO; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_save_tensors(const char *path, const dnn_named_tensor *tensors,
                                                int64_t n, const dnn_named_text *metadata,
                                                int64_t n_meta);

/* Reads all tensors of a file (torch.load): new tensors on the device cpu, which belong to the
 * scope, as do their names and the list, in the order of the names. dnn_module_load_state(net,
 * dnn_load_tensors("net.safetensors"), .partial = true) Fails   n is 0 and item NULL, and an error
 * is pending: path is NULL; as dnn_file_open and dnn_file_tensor. */
DNN_API dnn_state dnn_load_tensors(const char *path);

typedef struct dnn_load_args {
    dnn_module *module;
    const char *path;
    DNN_BY_NAME;
    bool partial;       /* load what fits and ignore the rest (strict=False) */
    int64_t *n_loaded;  /* if not NULL, receives the number of loaded tensors, on success */
    const char *prefix; /* removed from the names in the file that begin with it; NULL = none */
} dnn_load_args;
/* Load and save the parameters and buffers of a module under their dotted paths (load_state_dict,
 * state_dict). Values are cast between floating dtypes and copied to the module's device. Names in
 * the file that begin with "dnn." are ignored.
 * Fails   DNN_E_INVALID: missing, unexpected and misshapen names, all listed in one message (unless
 *         .partial); a tensor is mapped; DNN_E_FORMAT, DNN_E_IO, DNN_E_NOMEM. The module is
 *         unchanged. */
#define dnn_load_weights(...) DNN_CAT(dnn_load_weights_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_load_weights_missing_(module, path)
#define dnn_load_weights_given_(module_, ...) \
    dnn_load_weights_with(DNN_ARGS(dnn_load_args, .module = module_, .path = __VA_ARGS__))
DNN_API DNN_CHECKED dnn_status dnn_load_weights_with(dnn_load_args args);
DNN_API DNN_CHECKED dnn_status dnn_save_weights(dnn_module *module, const char *path);

/* ---- checkpoints: a whole training run in one safetensors file ----
 *
 * A run that is saved and loaded continues as if it had not stopped, bit for bit. The file has the
 * tensors of the module under their dotted paths, so dnn_load_weights and any other reader get the
 * weights, and more tensors under names that begin with "dnn.":
 *
 *     dnn.optim.<o>.<slot>.<param>  as the parameter  state: momentum_buffer, exp_avg, ...
 *     dnn.optim.<o>.step            I64 [parameters]  steps of each parameter
 *     dnn.optim.<o>.steps           I64 [1]           steps of the optimizer
 *     dnn.optim.<o>.hyper           F64 [groups, fields]  lr, momentum, ...; names in the metadata
 *     dnn.sched.<o>                 F64 [k]           reserved for schedules, as "dnn.sched" in
 *                                                     the metadata
 *     dnn.rng.default               I64 [3]           default generator: seed, stream, offset
 *     dnn.loader.<l>                I64 [6]           epoch, next batch, seed, stream (-1: no
 *                                                     shuffling), size of the set, batch size
 *     dnn.train                     I64 [3]           step, epoch, best step
 *     dnn.train.best                F64 [1]           metric of the best step
 *     dnn.train.numbers             F64 [n_numbers]   numbers of the program
 *
 * Metadata: "dnn.checkpoint" = "1", "dnn.library", "dnn.seed"; "dnn.optim", "dnn.dataset" and
 * "dnn.backend" in JSON; and checksums (CRC-32C) that find every flipped bit: "dnn.crc32c" has
 * eight hex digits for each tensor in the order of the data, "dnn.crc32c.header" those of the
 * header with these digits set to zero. A reader ignores names under "dnn." that it does not know.
 * Equal state gives equal bytes: the file holds no clock, path, host name or number of threads. */
enum { DNN_RUN_MAX = 4 };
typedef struct dnn_run { /* the objects of a training run; the caller owns all of them */
    dnn_module *module;
    dnn_optimizer *optimizer[DNN_RUN_MAX]; /* of parameters of the module; NULL ends the list, also
                                            * of the loaders */
    dnn_loader *loader[DNN_RUN_MAX];
    int64_t step, epoch; /* as the program counts them; step names the file */
    int64_t best_step;
    double best;    /* metric of the best step */
    double *number; /* [n_numbers] more numbers to save and restore bit for bit: running means,
                     * ... */
    int64_t n_numbers;
    const dnn_named_text *metadata; /* [n_metadata] texts to save: "dnn.program", "dnn.args",
                                     * "dnn.model", "dnn.metrics", ... */
    int64_t n_metadata;
    bool anyway; /* when loading: accept another data set, batch size or seed of a loader; that
                  * loader begins its epoch again */
} dnn_run;

/* Writes folder/ckpt-00001200.safetensors (for step 1200). Then removes all checkpoints up to that
 * step but the newest two, and temporary files of processes that no longer exist. Only one process
 * at a time may write to a folder. A checkpoint is never overwritten: if the file exists with the
 * same state, nothing is written; with another state it is an error; a damaged one is replaced.
 * Fails   DNN_E_INVALID: step < 0, a parameter of an optimizer is not in the module, another
 *         checkpoint of that step; DNN_E_IO; DNN_E_NOMEM. The files in the folder are
 *         unchanged. */
DNN_API DNN_CHECKED dnn_status dnn_save_checkpoint(const dnn_run *run, const char *folder);
/* Writes the same into a file of any name, which is replaced as a whole or not at all:
 * "best.safetensors". */
DNN_API DNN_CHECKED dnn_status dnn_write_checkpoint(const dnn_run *run, const char *path);
/* Writes the path of the newest undamaged checkpoint of the folder into path: at most `bytes` bytes
 * with the final 0; "" on failure. Calls passed_over, which may be NULL, with the reason for each
 * newer one that it rejects, the newest first.
 * Fails   DNN_E_IO: there is none, or the folder cannot be read; DNN_E_INVALID: no room for the
 *         path; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_find_checkpoint(const char *folder, char *path, size_t bytes,
                                                   void (*passed_over)(void *ctx, const char *why),
                                                   void *ctx);
/* Restores the module, optimizers, loaders, the default generator, and step, epoch, best and
 * numbers of the run. Everything is read and validated before anything is changed; only the copy to
 * a device, of a parameter that has other views, can fail later. Optimizers get the learning rate
 * of the file, loaders its seed. The current batches of the loaders are released. Dtypes
 * must be equal: nothing is cast.
 * Fails   DNN_E_FORMAT: damaged (the tensor is named), not a checkpoint, of a newer version;
 *         DNN_E_INVALID: another module, optimizer, data set or batch size (both sides are named);
 *         DNN_E_IO; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_load_checkpoint(dnn_run *run, const char *path);

#ifdef __cplusplus
}
#endif
#endif
