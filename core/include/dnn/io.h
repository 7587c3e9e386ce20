/* io.h - tensors, weights and checkpoints in files of the format safetensors.
 *
 * Reading  Every file may be hostile: all of it is validated before anything is built, memory stays
 *          in proportion to the file, and a failed load changes nothing.
 * Writing  Atomic: the old file stays until the new one is on disk.
 * Errors   A function that returns a dnn_status takes the pending error first. Messages name the
 *          path, the byte and the rule. DNN_E_IO: the operating system refused; DNN_E_FORMAT: the
 *          file breaks a rule; DNN_E_INVALID: an argument is wrong or NULL; DNN_E_NOMEM.
 * Threads: one thread at a time may use a dnn_file, or a dnn_run and what it names. Any thread may
 * save tensors that nobody changes meanwhile; one thread at a time loads into a module, or writes
 * into a folder of checkpoints. Callbacks run in the thread of the call. */
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
 * A run names the objects and numbers that training changes. One that is saved and loaded continues
 * as if it had not stopped, bit for bit:
 *     dnn_run *run = dnn_run_new();
 *     DNN_TRY(dnn_run_add(run, "", net));
 *     DNN_TRY(dnn_run_add(run, "sgd", optimizer));
 *     DNN_TRY(dnn_run_add(run, "train", loader));
 *     DNN_TRY(dnn_run_add(run, "step", &step));
 *
 * The file has the tensors of the modules under their dotted paths, behind the name of the module
 * and a dot unless that is "". So dnn_load_weights and any other reader get the weights. More
 * tensors have names that begin with "dnn.":
 *
 *     dnn.optim.<name>.<state>.<param>  as the parameter  momentum_buffer, exp_avg, ...
 *     dnn.optim.<name>.step.<param>     I64 [2]           steps taken by it, its group
 *     dnn.optim.<name>.steps            I64 [1]           steps that succeeded
 *     dnn.optim.<name>.hyper            F64 [groups, settings]  lr, ...; names in the metadata
 *     dnn.loader.<name>                 I64 [6]           epoch, next batch, seed, sampler (-1: the
 *                                                         order of the set), size of the set (0: it
 *                                                         has no length), batch size
 *     dnn.rng.<name>                    I64 [3]           seed, stream, offset; "default" is the
 *                                                         default generator, which is always saved
 *     dnn.number.<name>                 F64 or I64 [n]    numbers of the program
 *
 * <param> is the path of the parameter in the file. Metadata: "dnn.checkpoint" = "2",
 * "dnn.library", "dnn.seed"; "dnn.optim", "dnn.dataset" and "dnn.backend" in JSON; and checksums
 * (CRC-32C) that find every flipped bit: "dnn.crc32c" has eight hex digits for each tensor in the
 * order of the data, "dnn.crc32c.header" those of the header with these digits set to zero. A
 * reader ignores other names under "dnn.". Equal state gives equal bytes, in whatever order the run
 * was built: the file holds no clock, path, host name or number of threads.
 *
 * Errors  A run that is NULL gives the pending error, or DNN_E_INVALID. */

/* Makes an empty run, an object of the scope.
 * Fails   NULL and a pending error: DNN_E_NOMEM. */
DNN_API dnn_run *dnn_run_new(void);
/* Add what the run saves and restores. The run retains objects. Numbers stay where they are: they
 * are read at each save and written by each load, and must live as long as the run is used. name: 1
 * to 63 of [A-Za-z0-9_-], unique among those of its kind; "" too for a module. dnn_run_add takes
 * any of them.
 * Fails   DNN_E_INVALID: an argument is NULL; the name breaks the rule; a module "dnn", whose names
 *         belong to libdnn; a generator "default"; n < 1; DNN_E_NOMEM. The run is unchanged. */
DNN_API DNN_CHECKED dnn_status dnn_run_add_module(dnn_run *run, const char *name,
                                                  dnn_module *module);
DNN_API DNN_CHECKED dnn_status dnn_run_add_optimizer(dnn_run *run, const char *name,
                                                     dnn_optimizer *optimizer);
DNN_API DNN_CHECKED dnn_status dnn_run_add_loader(dnn_run *run, const char *name,
                                                  dnn_loader *loader);
DNN_API DNN_CHECKED dnn_status dnn_run_add_generator(dnn_run *run, const char *name,
                                                     dnn_generator *generator);
DNN_API DNN_CHECKED dnn_status dnn_run_add_number(dnn_run *run, const char *name, double *number);
DNN_API DNN_CHECKED dnn_status dnn_run_add_count(dnn_run *run, const char *name, int64_t *count);
DNN_API DNN_CHECKED dnn_status dnn_run_add_numbers(dnn_run *run, const char *name, double *numbers,
                                                   int64_t n);
#ifndef __cplusplus
/* x as it is declared: an array, of which a pointer would name the first number, does not compile.
 */
/* clang-format off */
#define dnn_run_add(run, name, x)                        \
    _Generic((__typeof__(x) *)0,                         \
        dnn_module **: dnn_run_add_module,               \
        dnn_module *const *: dnn_run_add_module,         \
        dnn_optimizer **: dnn_run_add_optimizer,         \
        dnn_optimizer *const *: dnn_run_add_optimizer,   \
        dnn_loader **: dnn_run_add_loader,               \
        dnn_loader *const *: dnn_run_add_loader,         \
        dnn_generator **: dnn_run_add_generator,         \
        dnn_generator *const *: dnn_run_add_generator,   \
        double **: dnn_run_add_number,                   \
        double *const *: dnn_run_add_number,             \
        int64_t **: dnn_run_add_count,                   \
        int64_t *const *: dnn_run_add_count)(run, name, x)
/* clang-format on */
#endif
/* Sets a text of the metadata, which dnn_file_metadata reads and a load ignores: "dnn.program",
 * "dnn.args". Both are copied; a text of that key is replaced.
 * Fails   DNN_E_INVALID: an argument is NULL; a key that libdnn writes; DNN_E_NOMEM. A key or text
 *         that breaks the rules of dnn_save_tensors fails when it is saved. */
DNN_API DNN_CHECKED dnn_status dnn_run_set_text(dnn_run *run, const char *key, const char *text);

/* Writes folder/ckpt-00001200.safetensors (for step 1200). Then removes all checkpoints up to that
 * step but the newest two, and temporary files of processes that no longer exist. Only one process
 * at a time may write to a folder. A checkpoint is never overwritten: if the file exists with the
 * same state, nothing is written; with another state it is an error; a damaged one is replaced.
 * Fails   DNN_E_INVALID: step < 0, a parameter of an optimizer is in no module of the run, two
 *         tensors have one name, another checkpoint of that step; DNN_E_IO; DNN_E_NOMEM. The files
 *         in the folder are unchanged. */
DNN_API DNN_CHECKED dnn_status dnn_save_checkpoint(dnn_run *run, const char *folder, int64_t step);
/* Writes the same into a file of any name, which is replaced as a whole or not at all:
 * "best.safetensors". */
DNN_API DNN_CHECKED dnn_status dnn_write_checkpoint(dnn_run *run, const char *path);

/* Gets the reason why a checkpoint is passed over; the text is valid during the call. */
typedef void (*dnn_passed_over_fn)(void *ctx, const char *why);
typedef struct dnn_find_checkpoint_args {
    const char *folder;
    DNN_BY_NAME;
    dnn_passed_over_fn passed_over; /* called for each newer one that is rejected, the newest
                                     * first, by the thread of the call; NULL = none */
    void *ctx;
} dnn_find_checkpoint_args;
/* Returns the path of the newest undamaged checkpoint of the folder: a text of the scope. NULL,
 * without an error, if the folder has none yet. So a program that begins or continues writes
 *     const char *path = dnn_find_checkpoint(folder);
 *     DNN_TRY(path != NULL ? dnn_load_checkpoint(run, path) : dnn_take_error());
 * Fails   NULL and a pending error: DNN_E_IO: the folder is missing or cannot be read, or it has
 *         checkpoints and none can be used; DNN_E_INVALID; DNN_E_NOMEM. */
#define dnn_find_checkpoint(...) \
    DNN_NEEDS_ONE(__VA_ARGS__)   \
    dnn_find_checkpoint_with(DNN_ARGS(dnn_find_checkpoint_args, .folder = __VA_ARGS__))
DNN_API const char *dnn_find_checkpoint_with(dnn_find_checkpoint_args args);

typedef struct dnn_load_checkpoint_args {
    dnn_run *run;
    const char *path;
    DNN_BY_NAME;
    bool anyway; /* accept another data set, batch size or seed of a loader; that loader begins its
                  * epoch again */
} dnn_load_checkpoint_args;
/* Restores all that the run names, and the default generator. Everything is read and validated
 * before anything is changed; only the copy to a device, of a parameter that has other views, can
 * fail later. Optimizers get the settings of the file, loaders its seed. The current batches of the
 * loaders are released. Dtypes must be equal: nothing is cast.
 * Fails   DNN_E_FORMAT: damaged (the tensor is named), not a checkpoint, of another version;
 *         DNN_E_INVALID: the run has something that the file lacks, or the other way round; another
 *         module, optimizer, data set or batch size (both sides are named); DNN_E_IO;
 *         DNN_E_NOMEM. */
#define dnn_load_checkpoint(...) DNN_CAT(dnn_load_checkpoint_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_load_checkpoint_missing_(run, path)
#define dnn_load_checkpoint_given_(run_, ...) \
    dnn_load_checkpoint_with(DNN_ARGS(dnn_load_checkpoint_args, .run = run_, .path = __VA_ARGS__))
DNN_API DNN_CHECKED dnn_status dnn_load_checkpoint_with(dnn_load_checkpoint_args args);

#ifdef __cplusplus
}

#define DNN_RUN_ADD_(type, function)                                                  \
    inline DNN_CHECKED dnn_status dnn_run_add(dnn_run *run, const char *name, type x) \
    {                                                                                 \
        return function(run, name, x);                                                \
    }
DNN_RUN_ADD_(dnn_module *, dnn_run_add_module)
DNN_RUN_ADD_(dnn_optimizer *, dnn_run_add_optimizer)
DNN_RUN_ADD_(dnn_loader *, dnn_run_add_loader)
DNN_RUN_ADD_(dnn_generator *, dnn_run_add_generator)
DNN_RUN_ADD_(double *, dnn_run_add_number)
DNN_RUN_ADD_(int64_t *, dnn_run_add_count)
#endif
#endif
