/* backend.h - lifecycle of the library, plugins, selection of kernels, memory, threads, seeds.
 *
 * Errors  dnn_init, dnn_get_memory, dnn_set_prefer, dnn_plugin_disable, dnn_op_find and
 * dnn_explain_op take the pending error first.
 * Threads: dnn_init, dnn_shutdown, dnn_plugin_disable, dnn_set_allocator, dnn_set_log,
 * dnn_set_prefer, dnn_set_math, dnn_set_deterministic and dnn_set_tune are for one thread while no
 * other uses the library. Any thread may call every other function, several at once, while none of
 * those runs. But dnn_backend_at and dnn_backend_skipped are for one thread at a time, while no
 * other calls dnn_dataset_open, which finds the readers. dnn_explain is for the calling thread's
 * own calls. */
#ifndef DNN_BACKEND_H
#define DNN_BACKEND_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- lifecycle ---- */
/* Starts the library and loads plugins as the environment says: DNN_BACKEND, DNN_PLUGIN_PATH,
 * DNN_PLUGINS, DNN_DISABLE, DNN_FALLBACK, DNN_SYNC, DNN_THREADS, DNN_PREFER, DNN_MATH,
 * DNN_DETERMINISTIC, DNN_TUNE, DNN_MEMORY_CAP (docs/backends.md). `backend` replaces the value of
 * DNN_BACKEND; NULL = the environment's. The call is optional: the first call that needs a device
 * starts the library too. Calling it reports early that a named backend cannot be used. While the
 * library runs it does nothing if `backend` is NULL, empty, or the list in use.
 * Fails   DNN_E_DEVICE: the message has the path, the text of the dynamic loader and a hint;
 *         DNN_E_NOMEM; DNN_E_INVALID: in a forked child, from init() or fini() of a plugin, or the
 *         library runs with another list. A failed start can be tried again. */
DNN_API DNN_CHECKED dnn_status dnn_init(const char *backend);

/* Waits for all devices, closes the root scope of this thread, ends the plugins and frees all
 * memory. Logs fallback calls with their bytes, the tensors that are still alive, and the pending
 * error, which nobody took and which it clears. Afterwards, tensors that are still retained may
 * only be released. The library can be started again. Does nothing from inside a kernel and in a
 * forked child. */
DNN_API void dnn_shutdown(void);

DNN_API const char *dnn_version(void); /* "0.1.0" */

/* ---- memory ---- */
/* All host memory of the library comes from this allocator; device memory comes from the device.
 * alloc returns `bytes` bytes aligned to `align` (a power of two), or NULL; free(ctx, NULL) is
 * allowed.
 * Threads: any thread calls both, several at once. They must not call libdnn. */
typedef struct dnn_allocator {
    void *ctx;
    void *(*alloc)(void *ctx, size_t bytes, size_t align);
    void (*free)(void *ctx, void *memory);
} dnn_allocator;
/* Sets the allocator, which is copied; NULL = the system's. Fails with DNN_E_INVALID while anything
 * is allocated: call it before the start or after dnn_shutdown. */
DNN_API DNN_CHECKED dnn_status dnn_set_allocator(const dnn_allocator *allocator);

typedef struct dnn_memory {
    int64_t live_bytes, peak_bytes; /* of tensors and workspaces: now, and the maximum so far */
    int64_t cached_bytes; /* held by the caching allocator for reuse, not in use; see below */
    int64_t requests, system_requests; /* blocks requested; those that the cache did not have */
    int64_t cap_bytes;                 /* 0 = none */
} dnn_memory;
/* Stores the memory statistics of a device; NULL = "cpu". Fails with DNN_E_DEVICE if there is no
 * such device. The cached bytes stay below 5/4 of the highest live bytes of the last 65,536 to
 * 131,072 requests, or below 64 MiB if that is more; parts of blocks in use are exempt. On a device
 * with a stream the cache shrinks to that bound with the next system request. */
DNN_API DNN_CHECKED dnn_status dnn_get_memory(const char *device, dnn_memory *out);
/* Caps the bytes of a device (NULL = "cpu") that are live or cached; 0 = no cap. A cap > 0 also
 * empties the cache. Allocations beyond it fail with DNN_E_NOMEM. DNN_MEMORY_CAP sets the cap of
 * "cpu" at start; this call overrides it.
 * Fails   DNN_E_INVALID: bytes < 0; DNN_E_DEVICE: no such device. */
DNN_API DNN_CHECKED dnn_status dnn_set_memory_cap(const char *device, int64_t bytes);
/* Returns the cached blocks of a device to the system; NULL = all devices
 * (torch.cuda.empty_cache). */
DNN_API DNN_CHECKED dnn_status dnn_empty_cache(const char *device);

/* ---- threads, seeds, log ---- */
/* Sets the number of threads of the pool, 1 to 256, the calling thread included. Default:
 * DNN_THREADS, else the CPUs that this process may use (affinity mask, CPU quota of the cgroup).
 * Any thread may call it, also while others run operators: a running call keeps the number that it
 * was planned for.
 * Fails   DNN_E_INVALID: out of range, or from inside a parallel_for of a kernel (the rest of a
 *         kernel must not call it either); DNN_E_DEVICE: in a forked child. */
DNN_API DNN_CHECKED dnn_status dnn_set_threads(int n);
DNN_API int dnn_get_threads(void);
/* Seeds the default generator, from which creation, dropout and initialisation draw outside of a
 * DNN_GENERATOR (torch.manual_seed). The seed at the start is 0. */
DNN_API void dnn_manual_seed(uint64_t seed);
DNN_API uint64_t dnn_get_seed(void);

/* Makes a generator (torch.Generator().manual_seed(seed)), an object of the scope. It gives the
 * numbers that the default generator gives after dnn_manual_seed(seed). DNN_GENERATOR(g) lets
 * random operators draw from it, .generator = g one creator. A backward draws nothing: the gradient
 * of dropout takes the numbers of the forward call. Hooks and custom functions draw from the
 * generator of the thread that calls dnn_backward, transforms and data sets from one of the sample
 * (data.h).
 * Fails   NULL and a pending error: DNN_E_NOMEM.
 * Threads: several threads may draw from a generator at once: no two get the same numbers. */
DNN_API dnn_generator *dnn_generator_new(uint64_t seed);
/* All of a generator: numbers are a function of seed, stream and position. stream is 0 in a new
 * one; offset counts blocks of four 32-bit words that were drawn. */
typedef struct dnn_generator_state {
    uint64_t seed, stream, offset;
} dnn_generator_state;
/* Stores and sets the state of a generator; NULL means the default generator. A generator that is
 * set to an earlier state repeats its numbers.
 * Fails   DNN_E_INVALID: the generator was freed, out is NULL. */
DNN_API DNN_CHECKED dnn_status dnn_get_generator_state(const dnn_generator *generator,
                                                       dnn_generator_state *out);
DNN_API DNN_CHECKED dnn_status dnn_set_generator_state(dnn_generator *generator,
                                                       dnn_generator_state state);

typedef enum dnn_log_level {
    DNN_LOG_DEBUG = 0,
    DNN_LOG_INFO = 1,
    DNN_LOG_WARN = 2,
    DNN_LOG_ERROR = 3
} dnn_log_level;
/* Sets the function that gets log messages, of all levels. NULL: messages of level WARN and above
 * go to standard error.
 * Threads: any thread may call log, several at once. It may be called while the library starts or
 * stops, and then must not call libdnn. */
DNN_API void dnn_set_log(void (*log)(void *ctx, dnn_log_level level, const char *text), void *ctx);

/* ---- preferences: how kernels are selected ----
 * Each has an environment variable, which is read when the library starts. A value that the program
 * sets has priority over it. */
/* Pins kernels: they are asked before the other candidates of their operator. pins is a list
 * "conv2d=onednn,relu=acme.acme_relu" of OPERATOR=PLUGIN or OPERATOR=PLUGIN.KERNEL, in the order in
 * which they are asked. A pinned kernel may still decline; the usual order follows. The list
 * replaces the current one (DNN_PREFER); NULL or "" = none. Starts the library, and drops all
 * cached plans. dnn_shutdown forgets the pins.
 * Fails   DNN_E_INVALID: a word names no operator, no plugin in use or no kernel of it (the message
 *         lists similar names); the pins stay as they were; DNN_E_NOMEM; as dnn_init. */
DNN_API DNN_CHECKED dnn_status dnn_set_prefer(const char *pins);
/* Returns the current pins, "" if none. Valid until the next dnn_set_prefer or dnn_shutdown. */
DNN_API const char *dnn_get_prefer(void);

/* Sets how far products of f32 operands may round their inputs: not at all (DNN_MATH=strict, the
 * default), to tf32, or to bf16 (which allows tf32 too). A permission, not a request: kernels may
 * ignore it. Survives dnn_shutdown. Before the library has started dnn_get_math returns what the
 * program has set, else the default.
 * Fails   DNN_E_INVALID: another number. */
typedef enum dnn_math { DNN_MATH_STRICT = 0, DNN_MATH_TF32 = 1, DNN_MATH_BF16 = 2 } dnn_math;
DNN_API DNN_CHECKED dnn_status dnn_set_math(dnn_math math);
DNN_API dnn_math dnn_get_math(void);

/* DNN_DETERMINISTIC: only kernels with the flag DNN_K_DETERMINISTIC are asked, so the same inputs
 * give the same bits on any number of threads, and no kernel is selected by timing. Survives
 * dnn_shutdown. */
DNN_API void dnn_set_deterministic(bool on);
DNN_API bool dnn_get_deterministic(void);

/* DNN_TUNE: selects kernels by timing. When a plan is made, every kernel that accepts the call runs
 * on its operands, with scratch memory for the results, and the fastest is selected, whatever its
 * plugin or priority; another kernel may give other bits. The usual order holds for pinned
 * operators, for operators that change their operands (optimizer steps), under
 * dnn_set_deterministic, and when memory is short. Timings are kept in a file for this machine and
 * these builds. Survives dnn_shutdown. Setting it drops all cached plans. */
DNN_API void dnn_set_tune(bool on);
DNN_API bool dnn_get_tune(void);
/* Returns the path of that file: DNN_TUNE_FILE, or dnn/tune-<machine> in XDG_CACHE_HOME or
 * ~/.cache; "" if there is no such folder. Valid until dnn_shutdown. */
DNN_API const char *dnn_get_tune_file(void);

/* ---- devices ---- */
/* Returns the device of new tensors that name none: "cpu", or ordinal 0 of the first plugin with a
 * device, in the order of DNN_BACKEND (without it, by the priority of their kernels). Starts the
 * library. NULL and a pending error if that fails. */
DNN_API const char *dnn_default_device(void);
/* Waits until all work that was enqueued on a device is done; NULL = all devices
 * (torch.cuda.synchronize).
 * Fails   DNN_E_DEVICE or the kernel's status: a late error, which every later copy or wait on the
 *         device returns too. */
DNN_API DNN_CHECKED dnn_status dnn_synchronize(const char *device);

/* ---- inventory of plugins, and what was selected ---- */
typedef struct dnn_backend_info {     /* texts are valid until dnn_shutdown */
    const char *path;                 /* the file */
    const char *id, *version, *build; /* NULL if it was not loaded */
    const char *reason;               /* NULL if it is in use, else the reason, a sentence */
    const char *device;               /* the device kind that it brings, or NULL */
    int n_kernels, n_skipped; /* kernels in use; kernels skipped for reasons of ABI or schema */
    bool reader;              /* a reader plugin (dnn_reader.h) */
} dnn_backend_info;
/* Describes each plugin file that the library found, in the order of the search: kernel plugins,
 * then readers, which are loaded when they are first asked for. Returns false past the last. */
DNN_API bool dnn_backend_at(int index, dnn_backend_info *out);
/* Stores name and reason of a skipped kernel of that file; false past the last. */
DNN_API bool dnn_backend_skipped(int index, int skipped, const char **kernel, const char **reason);
/* The directories that are searched, in order; NULL past the last. */
DNN_API const char *dnn_plugin_directory(int index);
/* Disables a plugin: drops its plans and calls its fini. A plugin that owns private layouts
 * keeps its reorder kernels until dnn_shutdown, which calls its fini, so that its tensors can still
 * be read. Call it only while no other thread runs an operator.
 * Fails   DNN_E_INVALID: id is NULL, no plugin in use has it, the plugin brings a device (leave it
 *         out of DNN_BACKEND instead), or from inside a kernel. */
DNN_API DNN_CHECKED dnn_status dnn_plugin_disable(const char *id);

/* ---- the table of operators, and who serves each ----
 * Operators are the rows of the table, by the names of dnn_ops.h. The queries of the table read
 * constants: they do not start the library, any thread may call them at any time, and their texts
 * belong to the library and stay valid until the process ends. */
typedef struct dnn_op_info {
    const char *name;
    int min_inputs, max_inputs, n_outputs; /* max_inputs and n_outputs -1: any number */
    bool differentiable, view;             /* view: needs no kernel */
    const char *formula;                   /* one line; "a" and "x" are the names of inputs */
    const char *dtype_rule;  /* dtypes of the inputs before the kernel: "equal", "promoted" ... */
    uint32_t dtypes;         /* DNN_T_ bits of the inputs after that rule; under the rule "as they
                              * are" of the primary operand only (dnn_ops.h) */
    bool decomposes;         /* has a decomposition, for devices where no kernel accepts it */
    const char *backward[2]; /* the operators that its gradient calls and that may read its stash;
                              * NULL: none. A gradient without them is written in other operators */
} dnn_op_info;
DNN_API int dnn_op_count(void);
/* Describes operator `index`, counted from 0. False past the last; *out stays as it was. */
DNN_API bool dnn_op_at(int index, dnn_op_info *out);
/* Describes the operator of that name.
 * Fails   DNN_E_INVALID: name or out is NULL; no operator has the name: the message lists similar
 *         names, or says that "dnn ops" lists all. */
DNN_API DNN_CHECKED dnn_status dnn_op_find(const char *name, dnn_op_info *out);

typedef struct dnn_op_input {
    char name[24];          /* "x", "bias" */
    bool optional, repeats; /* may be NULL; stands for any number of inputs */
    uint32_t dtypes;        /* DNN_T_ bits after the dtype rule; 0: dnn_ops.h says */
} dnn_op_input;
/* Describes input `index` of an operator, counted from 0; a group of inputs that repeats counts
 * once. False past the last, or if there is no such operator; *out stays as it was. */
DNN_API bool dnn_op_input_at(const char *op, int index, dnn_op_input *out);

typedef struct dnn_op_result {
    char name[24]; /* "indices"; "output 0" of an operator with one result */
    bool repeats;  /* stands for any number of results */
} dnn_op_result;
/* Describes result `index` of an operator likewise. */
DNN_API bool dnn_op_result_at(const char *op, int index, dnn_op_result *out);

typedef struct dnn_op_attribute {
    const char *name, *type; /* "stride_h"; "i32", "u32", "i64" or "f64" */
    double value;            /* the default of the public functions */
} dnn_op_attribute;
/* Describes attribute `index` of an operator: a member of its dnn_attr_ struct in dnn_ops.h, in
 * order, without size. dnn_explain_op takes these names. False past the last, or if there is no
 * such operator; *out stays as it was. */
DNN_API bool dnn_op_attribute_at(const char *op, int index, dnn_op_attribute *out);

typedef struct dnn_candidate {   /* texts are valid until dnn_shutdown */
    const char *plugin, *kernel; /* the plugin's id, the kernel's name */
    int priority;
    uint32_t flags; /* DNN_K_ bits (dnn_plugin.h) */
    bool pinned;    /* by dnn_set_prefer or DNN_PREFER */
} dnn_candidate;
/* Describes a candidate kernel for an operator, a device or device kind (NULL = "cpu") and the
 * dtype of the primary operand. rank counts from 0, in the order in which dispatch asks them.
 * Leaves out disabled plugins and kernels that the preferences exclude. Starts the library. False
 * past the last, if there is no such operator, or if the library cannot start; *out stays as it
 * was. */
DNN_API bool dnn_candidate_at(const char *op, const char *device, dnn_dtype dtype, int rank,
                              dnn_candidate *out);

/* While fn is set, every call of an operator in this thread plans anew and reports each candidate
 * that it asks, in order, with its answer: "yes" with the copies that the selection costs, or the
 * reason why it declines. The texts are valid during fn. fn NULL stops the reports. */
typedef void (*dnn_explain_fn)(void *ctx, const char *op, const char *plugin, const char *kernel,
                               const char *answer);
DNN_API void dnn_explain(dnn_explain_fn fn, void *ctx);

/* Calls an operator of the table by its name (dnn_ops.h) on zeros of the default device, and
 * reports as dnn_explain does. Inputs beyond n_in are left out. At most 64.
 * Fails   DNN_E_INVALID: no such operator or attribute, a view, wrong operands; with the error of
 *         the call. */
typedef struct dnn_operand {
    dnn_shape shape;
    dnn_dtype dtype; /* 0 = f32 */
    bool left_out;   /* an optional input that is not given */
} dnn_operand;
typedef struct dnn_explain_args {
    const char *op;
    const dnn_operand *in;
    int n_in;
    const dnn_operand *out;        /* the result's shape, if the inputs do not determine it; else
                                    * NULL */
    const char *const *attributes; /* "stride=2", ..., NULL-terminated; or NULL */
    bool grad;                     /* the gradient as well */
    dnn_explain_fn fn;
    void *ctx;
} dnn_explain_args;
DNN_API DNN_CHECKED dnn_status dnn_explain_op(dnn_explain_args args);

typedef struct dnn_counters {          /* since the library started */
    int64_t calls, plan_misses, plans; /* kernels run; plans made; plans alive now */
    int64_t copies, copy_bytes;        /* operands made contiguous or aligned for a kernel */
    int64_t reorders, reorder_bytes;   /* operands brought into or out of a private layout, and the
                                        * bytes written for it */
    int64_t fallback_calls, fallback_bytes; /* calls that ran on the host for a device tensor, and
                                             * the bytes transferred for them */
} dnn_counters;
DNN_API void dnn_get_counters(dnn_counters *out);

#ifdef __cplusplus
}
#endif
#endif
