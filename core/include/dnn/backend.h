/* backend.h - starting and stopping the library, plugins and why they were or were not chosen, memory, threads, seeds.
 *
 * Threads: starting, stopping and the dnn_set_ calls but dnn_set_threads are for one thread while no other uses the library. */
#ifndef DNN_BACKEND_H
#define DNN_BACKEND_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- start and stop ---- */
/* Loads plugins as the environment says (DNN_BACKEND, DNN_PLUGIN_PATH, DNN_PLUGINS, DNN_DISABLE, DNN_FALLBACK, DNN_SYNC,
 * DNN_THREADS, DNN_PREFER, DNN_MATH, DNN_DETERMINISTIC, DNN_TUNE; docs/backends.md). Optional: the first call that needs a device starts the library too, but here the error of a
 * backend that was named and cannot be used comes early. Once started it does nothing.
 * `backend` replaces the value of DNN_BACKEND; NULL = the environment's.
 * Fails   DNN_E_DEVICE with the path, the loader's words and a hint; DNN_E_NOMEM. A failed start can be tried again. */
DNN_API DNN_CHECKED dnn_status dnn_init(const char *backend);

/* Waits for all devices, closes this thread's root scope, calls the plugins' fini, returns all memory. Logs what was counted:
 * fallback calls and bytes, tensors still alive. Tensors that are still retained stay valid to release, nothing else.
 * The library can be started again. */
DNN_API void dnn_shutdown(void);

DNN_API const char *dnn_version(void); /* "0.1.0" */

/* ---- memory ---- */
/* All memory of the library comes from here (device memory from the device). alloc returns memory aligned to `align` (a
 * power of two), or NULL; free(ctx, NULL) is allowed. Both may be called from any thread. */
typedef struct dnn_allocator {
    void *ctx;
    void *(*alloc)(void *ctx, size_t bytes, size_t align);
    void (*free)(void *ctx, void *memory);
} dnn_allocator;
/* NULL = the system's. Only while nothing is allocated: before the start or after dnn_shutdown, else DNN_E_INVALID. */
DNN_API DNN_CHECKED dnn_status dnn_set_allocator(const dnn_allocator *allocator);

typedef struct dnn_memory {
    int64_t live_bytes, peak_bytes;     /* in tensors now, and at most so far */
    int64_t cached_bytes;               /* held for reuse, not in use */
    int64_t requests, system_requests;  /* blocks asked for, and those that the cache could not serve */
    int64_t cap_bytes;                  /* 0 = none */
} dnn_memory;
DNN_API DNN_CHECKED dnn_status dnn_memory_stats(const char *device, dnn_memory *out);
/* Allocations beyond it fail with DNN_E_NOMEM; 0 = no cap. */
DNN_API DNN_CHECKED dnn_status dnn_set_memory_cap(const char *device, int64_t bytes);
/* Gives cached blocks back to the system. device NULL = all. */
DNN_API DNN_CHECKED dnn_status dnn_empty_cache(const char *device);

/* ---- threads, seeds, log ---- */
/* 1..256; default DNN_THREADS, else the CPUs this process may use. From any thread, also while others run operators: a call that
 * runs keeps the number it was planned for. Not from inside a kernel. */
DNN_API DNN_CHECKED dnn_status dnn_set_threads(int n);
DNN_API int dnn_threads(void);
/* Sets the generator that creation, dropout and initialisation draw from. Default seed 0. */
DNN_API void dnn_manual_seed(uint64_t seed);
DNN_API uint64_t dnn_seed(void);

enum { DNN_LOG_DEBUG = 0, DNN_LOG_INFO = 1, DNN_LOG_WARN = 2, DNN_LOG_ERROR = 3 };
/* Where messages go. NULL: those of level WARN and above go to standard error. May be called from any thread. */
DNN_API void dnn_set_log(void (*log)(void *ctx, int level, const char *text), void *ctx);

/* ---- what the choice among kernels may look at ----
 * Each has a variable that is read when the library starts; what the program sets stands in its place. */
/* Pins kernels to the front of their operators' candidates: "conv2d=onednn,relu=acme.acme_relu", OPERATOR=PLUGIN or
 * OPERATOR=PLUGIN.KERNEL, first come first asked. A pinned kernel may still decline, and then the order goes on as without it.
 * Takes the place of the pins in force (DNN_PREFER); NULL or "" = none. Starts the library; shutdown forgets the pins.
 * Fails   DNN_E_INVALID for a word that names no operator, no plugin in use or no kernel of it: the message lists those near it,
 * and the pins stay as they were; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_prefer(const char *pins);
DNN_API const char *dnn_preferred(void); /* the text in force, "" if none; lives until the next dnn_prefer or dnn_shutdown */

/* The precision that products of f32 operands may have: as f32 (DNN_MATH=strict, the default), inputs rounded to tf32, or to
 * bf16 (which allows tf32 as well). It only permits: no kernel must. Stays over dnn_shutdown. Read back before the library has
 * started it is what the program has set, else the default.
 * Fails   DNN_E_INVALID for another number. */
enum { DNN_MATH_STRICT = 0, DNN_MATH_TF32 = 1, DNN_MATH_BF16 = 2 };
DNN_API DNN_CHECKED dnn_status dnn_set_math(int math);
DNN_API int dnn_math(void);

/* DNN_DETERMINISTIC: only kernels that promise the same bits for the same inputs on any number of threads are asked, and nothing
 * is chosen by time. Stays over dnn_shutdown. */
DNN_API void dnn_set_deterministic(bool on);
DNN_API bool dnn_deterministic(void);

/* DNN_TUNE: when a plan is made, every kernel that accepts the call is timed on its operands, with scratch for results, and the
 * fastest is chosen, whatever its plugin or priority. Not for pinned operators, for those that change their operands (optimizer
 * steps), under dnn_set_deterministic, or where memory lacks: there the order stands. Another kernel may give other bits. What was
 * timed is kept in a file for this machine and these builds. Stays over dnn_shutdown. Makes plans anew. */
DNN_API void dnn_set_tune(bool on);
DNN_API bool dnn_tune(void);
/* The file: DNN_TUNE_FILE, or dnn/tune-<machine> in XDG_CACHE_HOME or ~/.cache; "" where none can be. Lives until dnn_shutdown. */
DNN_API const char *dnn_tune_file(void);

/* ---- devices ---- */
/* Where new tensors go unless an option says otherwise: "cpu", or the first plugin's device in the order of DNN_BACKEND. */
DNN_API const char *dnn_default_device(void);
/* Waits until everything enqueued on the device is done; a late error of a kernel comes out here. NULL = all devices. */
DNN_API DNN_CHECKED dnn_status dnn_synchronize(const char *device);

/* ---- what was looked at, and what was chosen ---- */
typedef struct dnn_backend_info { /* texts live until dnn_shutdown */
    const char *path;    /* the file */
    const char *id, *version, *build; /* NULL if it was not loaded */
    const char *reason;  /* NULL if it is in use, else why not, as a sentence */
    const char *device;  /* device kind that it brings, or NULL */
    int n_kernels, n_skipped; /* kernels adopted, and skipped for ABI or schema reasons */
    bool reader;
} dnn_backend_info;
/* Each plugin file looked at, in the order of looking; returns false past the last. */
DNN_API bool dnn_backend_at(int index, dnn_backend_info *out);
/* A skipped kernel of the backend: its name and why. */
DNN_API bool dnn_backend_skipped(int index, int skipped, const char **kernel, const char **reason);
/* The directories searched, in order; NULL past the last. */
DNN_API const char *dnn_plugin_directory(int index);
/* Takes the plugin out of dispatch: drains its plans and calls its fini. Only while no other thread runs an operator. */
DNN_API DNN_CHECKED dnn_status dnn_plugin_disable(const char *id);

typedef struct dnn_op_info {
    const char *name;
    int min_inputs, max_inputs, n_outputs; /* max_inputs -1: any number */
    bool differentiable, view;             /* view: no kernel is needed */
} dnn_op_info;
DNN_API int dnn_op_count(void);
DNN_API bool dnn_op_at(int index, dnn_op_info *out);
/* The candidates for an operator, device kind and dtype, in the order in which they are asked; false past the last. */
DNN_API bool dnn_candidate_at(const char *op, const char *device, dnn_dtype dtype, int rank, const char **plugin,
                              const char **kernel, int *priority);

/* While it is set, every new plan of this thread reports each candidate asked, in order, with its answer: "yes" or the sentence
 * of its no, and the copies that the choice costs. Plans are made anew while it is set. NULL ends it. */
typedef void (*dnn_explain_fn)(void *ctx, const char *op, const char *plugin, const char *kernel, const char *answer);
DNN_API void dnn_explain(dnn_explain_fn fn, void *ctx);

/* Calls an operator of the table by its name (dnn_ops.h) on zeros of the default device, and reports as dnn_explain does.
 * Fails   DNN_E_INVALID: no such operator or attribute, wrong operands; and what the call itself fails with. */
typedef struct dnn_operand {
    dnn_shape shape;
    dnn_dtype dtype; /* 0 = f32 */
    bool left_out;
} dnn_operand;
typedef struct dnn_explain_args {
    const char *op;
    const dnn_operand *in;
    int n_in;
    const dnn_operand *out;        /* the result's shape, for operators whose inputs do not determine it; else NULL */
    const char *const *attributes; /* "stride=2", ..., NULL at the end; or NULL */
    bool grad;                     /* the gradient as well */
    dnn_explain_fn fn;
    void *ctx;
} dnn_explain_args;
DNN_API DNN_CHECKED dnn_status dnn_explain_op(dnn_explain_args args);

typedef struct dnn_counters { /* since the start */
    int64_t calls, plan_misses, plans; /* kernels run, plans made, plans cached now */
    int64_t copies, copy_bytes;        /* operands made contiguous or aligned for a kernel */
    int64_t reorders, reorder_bytes;   /* operands brought into, or out of, a plugin's private layout, and bytes written for it */
    int64_t fallback_calls, fallback_bytes; /* calls that ran on the host for a device tensor, and bytes moved for it */
} dnn_counters;
DNN_API void dnn_counters_read(dnn_counters *out);

#ifdef __cplusplus
}
#endif
#endif
