/* dnn_plugin.h - the plugin ABI of libdnn, version 1: all that a kernel plugin needs.
 *
 * Standalone: it includes no other header of libdnn, and a plugin links to nothing of libdnn. A
 * plugin is a shared object that exports one function, dnn_plugin_v1(), which returns one constant
 * table (dnn_plugin). The host passes its own functions to the plugin as a table (dnn_host).
 * docs/plugins.md walks through the smallest plugin. dnn_ops.h defines the operators.
 *
 * Growth      Members are only ever appended, and zero in a member always means "as before the
 *             member existed". Every struct begins with its size, so either side may be older.
 * Tags        [required]           NULL or 0 makes the host refuse the whole plugin.
 *             [optional: default]  may be NULL or 0; the text says what the host does then.
 *             [reserved]           version 1.0 of the host never reads or calls it.
 * Units       Sizes are bytes, strides are elements, times are nanoseconds. Text is UTF-8.
 * Ownership   Tables of the plugin are static: the host copies them and keeps the pointers in them
 *             until it is shut down. Views, calls and the arrays in them belong to the host and are
 *             valid during the callback only.
 * Errors      A callback returns DNN_OK or `return host->fail(status, "text ...")`. A positive
 *             status is a refusal and legal from init() and plan() only.
 *
 * Threads     "Any thread" means any thread of the program and any worker of a data loader, several
 *             at the same time unless the callback says otherwise. Pool threads run only the
 *             function that was given to host->parallel_for.
 * Locks       These locks of the host can be held while a callback runs. Each callback names its
 *             own.
 *               start lock    while the library starts or shuts down; one thread at a time.
 *               plan lock     one for each plan; taken around run() of kernels without
 *                             DNN_K_REENTRANT.
 *               stream lock   one for each device ordinal; taken around every use of its stream and
 *                             of its pinned buffers.
 *               layout lock   shared by the calls that have an operand in a private layout; each
 *                             holds it from before its plan() until after its run(). A conversion
 *                             to strides holds a mutex of its own instead, around the reorder
 *                             kernel.
 *             Any callback can be called under the layout lock, but not those of start and
 *             shutdown.
 * Call back   A callback may call the functions of dnn_host, as far as they allow it, and nothing
 *             else of libdnn: the locks above are not recursive. An operator that plan() or run()
 *             calls fails with DNN_E_INVALID. */
#ifndef DNN_PLUGIN_H
#define DNN_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Members added in ABI 1.n are visible if DNN_PLUGIN_TARGET >= n. A plugin with a higher target
 * still runs in every host of ABI 1. */
#ifndef DNN_PLUGIN_TARGET
#define DNN_PLUGIN_TARGET 0
#endif

/* Repeated word for word in dnn_plugin.h, dnn_reader.h and dnn/status.h; a test compares them. */
#ifndef DNN_ABI_COMMON
#define DNN_ABI_COMMON 1
#define DNN_EXPORT __attribute__((visibility("default")))
/* DNN_FITS: the size of the struct includes member m. DNN_HAS: it does, and m is not zero. */
#define DNN_FITS(p, m) ((p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m))
#define DNN_HAS(p, m) (DNN_FITS(p, m) && (p)->m)
typedef int32_t dnn_status;
enum {
    DNN_OK = 0,
    DNN_DECLINED = 1,    /* init() and plan() only: "not me, ask the next one"; not an error */
    DNN_E_INVALID = -1,  /* an argument is wrong */
    DNN_E_NOMEM = -2,    /* no memory, on the host or on a device */
    DNN_E_DEVICE = -3,   /* a backend or device is missing, refused, or failed */
    DNN_E_INTERNAL = -4, /* a fault of libdnn or of a plugin */
    DNN_E_IO = -5,       /* the operating system refused to read or write */
    DNN_E_FORMAT = -6    /* a file breaks its format's rules */
};
enum { /* one bit per element type: a tensor has one, a kernel's list has several */
       DNN_T_F32 = 1 << 0,
       DNN_T_F64 = 1 << 1,
       DNN_T_F16 = 1 << 2,
       DNN_T_BF16 = 1 << 3,
       DNN_T_I8 = 1 << 4,
       DNN_T_U8 = 1 << 5,
       DNN_T_I32 = 1 << 6,
       DNN_T_I64 = 1 << 7,
       DNN_T_BOOL = 1 << 8 /* one byte, 0 or 1 */
};
#endif

enum {
    DNN_MEM_HOST = 1,   /* the CPU may dereference data */
    DNN_MEM_DEVICE = 2, /* kernels of the device may dereference data */
    DNN_MEM_PINNED = 4  /* page-locked host memory: the device copies it asynchronously */
};

/* One operand of a call. Belongs to the host; valid during the callback only: a device that works
 * later copies what it needs. */
typedef struct dnn_view {
    uint32_t size;
    uint32_t dtype;        /* exactly one DNN_T_ bit */
    int32_t ndim;          /* 0 to 8 */
    uint32_t mem;          /* DNN_MEM_ bits: dereference data only if the bit for where you run is
                            * set */
    int32_t ordinal;       /* which device of the kernel's device kind */
    uint32_t layout;       /* 0: strided. Else an id of host->layout("family/description"): a family
                            * of the kernel's own plugin or, for a FLAT kernel, the layout that all
                            * operands share. Every other kernel sees strides */
    const int64_t *dim;    /* always the logical shape; never NULL */
    const int64_t *stride; /* in elements; NULL if and only if layout != 0 */
    void *data;            /* the first element; NULL in plan(), and where nbytes is 0 */
    uint64_t nbytes;       /* physical bytes from data on */
} dnn_view;

typedef struct dnn_host dnn_host;

enum {                 /* dnn_call.mode: each bit is a permission; a kernel may ignore it */
       DNN_M_GRAD = 1, /* the call is recorded for backward: a stash is useful */
       DNN_M_TF32 = 2, /* f32 products may round their inputs to tf32 */
       DNN_M_BF16 = 4, /* f32 products may round their inputs to bf16; TF32 is set as well */
       DNN_M_DETERMINISTIC = 8 /* only kernels with DNN_K_DETERMINISTIC are asked */
};

/* One call of a kernel. Inputs that broadcast arrive expanded: stride 0 along the stretched axes.
 * The host makes no call whose outputs are all empty. An input may be empty (data NULL), as for a
 * product with K = 0. */
typedef struct dnn_call {
    uint32_t size, n_in, n_out, mode;
    const dnn_view *const *in;  /* [n_in] pointers, so that dnn_view can grow; NULL = an optional
                                 * input that was left out */
    const dnn_view *const *out; /* [n_out], allocated by the host; NULL = output not requested */
    const void *attr;           /* the operator's attribute struct of dnn_ops.h, every default
                                 * resolved; NULL only if the operator has none */
    void *state;                /* plan->state of this plan; NULL in plan() */
    void *workspace;            /* plan->workspace_bytes of device memory, 256-byte aligned,
                                 * contents undefined; NULL in plan() */
    void *stash;                /* forward: plan->stash_bytes to write; backward: the same bytes, to
                                 * read only, perhaps more than once. 256-byte aligned. NULL in
                                 * plan(), and in a forward call that is not recorded */
    void *stream;               /* the native stream; NULL in plan() and on a synchronous device */
    uint64_t rng_seed, rng_stream, rng_offset; /* Philox4x32-10 key and counter (dnn_ops.h, random
                                                * numbers); 0 in plan() */
    const dnn_host *host;
} dnn_call;

/* The functions of the host. The table lives as long as the process, and every host of ABI 1 has
 * all members below. Test members added later with DNN_HAS(host, member). */
struct dnn_host {
    uint32_t size, abi_minor;
    /* Formats an error text for the status that the callback is about to return, and returns that
     * status: return host->fail(DNN_DECLINED, "groups=%d", groups).
     * Any thread; no lock. The text (511 bytes at most) is kept for the calling thread; the host
     * clears it before each callback that returns a status. Text set on a pool thread is lost. */
    dnn_status (*fail)(dnn_status status, const char *fmt, ...);
    /* Sends a line to the program's log callback, or to standard error from level 2 on. A plugin
     * never prints. Levels: 0 debug, 1 info, 2 warning, 3 error.
     * Any thread; takes no lock. The callback of the program runs in the calling thread before this
     * returns. */
    void (*log)(int level, const char *fmt, ...);
    /* Host memory, aligned to `align` (a power of two); NULL on failure. free(NULL) is allowed. The
     * plugin owns the memory.
     * Any thread. Not from run(): ask for a workspace there. */
    void *(*alloc)(size_t bytes, size_t align);
    void (*free)(void *memory);
    /* How many workers parallel_for uses for this call, 1 or more. plan() and run() of one plan get
     * the same number: size per-worker scratch in the workspace by it. Any thread, no lock. */
    int (*threads)(void);
    /* Runs fn over [0, n) on the one thread pool of the process; returns when all of it is done.
     * fn gets each interval [k*grain, min(n, (k+1)*grain)) exactly once. The intervals depend on n
     * and grain only, so begin/grain indexes a partial result. worker is in [0, threads()) and
     * indexes scratch: no two calls of fn with one worker overlap in time. fn stores errors in arg.
     * Any thread. fn runs on the calling thread and on pool threads, several at once. A nested
     * call, or a call while another thread uses the pool, runs all intervals on the calling thread
     * as worker 0: give a nested call scratch of its own. */
    void (*parallel_for)(int64_t n, int64_t grain,
                         void (*fn)(void *arg, int64_t begin, int64_t end, int worker), void *arg);
    /* The id of a private layout; 0 on failure (no '/' in the text, no memory, 4096 layouts exist).
     * The same text gives the same id until dnn_shutdown forgets all ids: intern again in each
     * init() or plan(). Any thread; takes a short lock of its own. */
    uint32_t (*layout)(const char *family_slash_description);
    /* The text of an id, valid until dnn_shutdown; NULL if unknown. Threads as layout. */
    const char *(*layout_name)(uint32_t id);
    /* A feature of the host by name; NULL if unknown. Version 1.0 defines none. Any thread, no
     * lock. */
    const void *(*extension)(const char *id);
};

/* The answer of plan(). The host prepares it zeroed: zero is the default of each member. Write a
 * member that was added later only if DNN_FITS(plan, member). The arrays belong to the host. */
typedef struct dnn_plan {
    uint32_t size, _pad;
    uint64_t workspace_bytes; /* scratch for each run(); 0 = none */
    uint64_t stash_bytes;     /* forward: how many bytes the kernel keeps for its plugin's backward
                               * kernels; allocated under DNN_M_GRAD only. Backward: how many bytes
                               * of the stash the kernel reads; must equal what forward kept. If the
                               * backward kernels of the plugin decline, the host skips the forward
                               * kernel. 0 = none */
    void *state;              /* the plugin's own data, for run(); unplan() frees it. NULL = none */
    uint32_t *in_layout;  /* [n_in], 0 = strides: the layout in which the kernel reads each input;
                           * the host reorders into it. Not read for FLAT kernels */
    uint32_t *out_layout; /* [n_out], 0 = strides: the layout that the kernel writes, with zeros
                           * in its padding. Not read for FLAT kernels */
    uint64_t *out_bytes;  /* [n_out]: physical bytes of an output in a private layout; must equal
                           * out_bytes[0] of the family's reorder kernel. For the operator reorder,
                           * whose layouts are in the views, only out_bytes[0] is read */
} dnn_plan;

/* Flags of a kernel. Without flags a kernel gets contiguous, 64-byte aligned operands whose outputs
 * overlap nothing, and one call at a time on one plan. Each flag relaxes one of these; without
 * the flag the host copies or locks.
 * A host must understand bits 0-15: one that does not know a set bit skips the kernel. Bits 16-31
 * are hints that a host may ignore. */
enum {
    DNN_K_STRIDED = 1 << 0,        /* accepts any strides, including 0 of broadcast inputs */
    DNN_K_UNALIGNED = 1 << 1,      /* accepts data that is aligned to its element only */
    DNN_K_INPLACE = 1 << 2,        /* out[0] may be in[0] */
    DNN_K_FLAT = 1 << 3,           /* works elementwise over nbytes: accepts equal dense strides of
                                    * any order, and a private layout that all operands share if the
                                    * operator maps zeros to zeros */
    DNN_K_REENTRANT = 1 << 16,     /* run() may be called by several threads at once on one plan */
    DNN_K_DETERMINISTIC = 1 << 17, /* same inputs give the same bits on any number of threads,
                                    * always or whenever the call has DNN_M_DETERMINISTIC */
    DNN_K_CAPTURABLE = 1 << 18     /* same launches for the same plan, no host read of device data.
                                    * [reserved] */
};
enum { DNN_PRI_PLAIN = 0, DNN_PRI_PORTABLE = 100, DNN_PRI_VENDOR = 200, DNN_PRI_SPECIAL = 300 };

/* One kernel: an operator for some dtypes on one kind of device. Static data of the plugin.
 * Required and optional members alternate, so each is tagged. */
typedef struct dnn_kernel {
    uint32_t size, flags; /* size [required]: sizeof(dnn_kernel), set by DNN_KERNEL(). flags
                           * [optional: 0 = no DNN_K_ flag: the host copies and locks] */
    const char *op;       /* [required] operator of dnn_ops.h: "relu", "conv2d_bwd_weight". A kernel
                           * for an operator that the host does not know is skipped */
    const char *device;   /* [required] device of the operands: "cpu", or the kind that this or
                           * another plugin brings. Never asked if no plugin brings it */
    const char *name;     /* [required] unique in the plugin, 1 to 127 printable characters; explain
                           * prints it */
    uint32_t op_version;  /* [optional: 0 = 1] schema version that the kernel implements */
    uint32_t dtypes;      /* [optional: 0 = any] DNN_T_ bits of the primary operand (dnn_ops.h) */
    int32_t priority;     /* [optional: 0 = DNN_PRI_PLAIN] DNN_PRI_ or any number between. Counts
                           * after pins (dnn_set_prefer) and the order of DNN_BACKEND; the higher is
                           * asked first */
    uint32_t attr_bytes;  /* [optional: 0 = the struct of v1.0, or none if the operator had none]
                           * size of the attribute struct that the kernel understands. The
                           * kernel gets no call whose attributes have a nonzero byte after it */

    /* [optional: NULL accepts every call that flags, dtypes and attr_bytes allow, without
     * workspace, stash, state or private layout. Kernels of reorder to a private layout need it.]
     *
     * Accepts the call and writes its requirements to the dnn_plan, or declines with a sentence
     * (return host->fail(DNN_DECLINED, ...)). Any negative status fails the operator. data,
     * workspace, stash and stream are NULL and the random numbers 0. The answer must depend only
     * on the rest of the call and on host->threads(), because the host caches it under an exact
     * key.
     * A plan that was accepted may never run: the host also plans calls that it does not make, to
     * test stashes, for DNN_TUNE, and with views of another device's memory for the fallback to
     * the host.
     * Threads: any thread; several may plan the same call at once, and both plans can stay in use.
     * Locks: perhaps the layout lock; the plan has no lock yet.
     * Calls back: all of dnn_host. */
    dnn_status (*plan)(const dnn_call *, dnn_plan *);

    /* [required] Computes the outputs, or enqueues the work on call->stream and returns. Checks
     * data (labels, indices) before it writes anything. Allocates nothing. Does not return
     * DNN_DECLINED.
     * Threads: any thread. Calls on one plan come one at a time, or several at once with
     * DNN_K_REENTRANT. Different plans of one kernel run at once in either case, and two plans can
     * serve equal calls: static data of the plugin needs protection of its own.
     * Locks: the plan lock without DNN_K_REENTRANT; perhaps the layout lock. Never the stream lock:
     * copy() and event_record() on the same stream may be called by another thread meanwhile.
     * Calls back: fail, log, threads, parallel_for, layout, layout_name. */
    dnn_status (*run)(const dnn_call *);

    /* [optional: NULL frees nothing] Frees plan->state. Called once for each state that is not
     * NULL, also if plan() declined or failed and left one, or if the host rejects the plan. No
     * run() uses the state any more: on a device with streams the host waits for the stream first.
     * Threads: any thread, whenever a plan leaves the cache; several at once for different states.
     * Locks: no plan or stream lock; the start lock in dnn_shutdown; perhaps the layout lock.
     * Calls back: fail, log, free. */
    void (*unplan)(void *state);
} dnn_kernel;

/* Memory and streams of a device kind, for a plugin that brings one. Static data of the plugin. The
 * host caches blocks, so alloc() and free() are called rarely. At most 15 kinds and 64 ordinals of
 * a kind are used. ord is in [0, count). A failure of stream_sync, event_record or event_done is a
 * late error: the host stores it, and every later copy or wait on the ordinal returns it.
 * Calls back, from all members: fail and log. No callback of the device may call an operator. */
typedef struct dnn_device {
    /* ---- REQUIRED ---- */
    uint32_t size, flags; /* size: sizeof(dnn_device). flags [optional: 0]: v1.0 defines none, and a
                           * set bit of 0-15 makes the host refuse the plugin */
    const char *kind;     /* "cuda": [a-z0-9_], 1 to 31; not "cpu"; one plugin per kind */
    int32_t dlpack_type, _pad; /* [reserved] DLPack device type: kDLCUDA is 2 */

    /* Stores the number of ordinals; 0 is not an error.
     * Threads: the thread that starts the library, once per start, after init(). Locks: start
     * lock. */
    dnn_status (*count)(int32_t *n);
    /* Stores the free and the total bytes of the ordinal. Used to recognise the device under
     * DNN_TUNE; a failure is ignored.
     * Threads: any thread, several at once, also beside all other calls. Locks: perhaps layout. */
    dnn_status (*mem_info)(int32_t ord, uint64_t *free_bytes, uint64_t *total_bytes);
    /* Stores a block of `bytes` (> 0) that is aligned to 256 bytes or more. mem is DNN_MEM_DEVICE,
     * or DNN_MEM_HOST | DNN_MEM_PINNED (asked for only if the device has streams). After a failure
     * for DEVICE the host frees its cached blocks and asks once more.
     * Threads: any thread, several at once for one ordinal. Locks: none for DEVICE, the stream lock
     * for PINNED; perhaps layout. */
    dnn_status (*alloc)(int32_t ord, uint64_t bytes, uint32_t mem, void **out);
    /* Frees a block of alloc(), with the same mem. The host waits for the work that uses the block
     * before it calls. Blocks of tensors that outlive dnn_shutdown are not passed to free():
     * fini() releases them.
     * Threads: any thread, several at once. Locks: none for DEVICE, the stream lock for PINNED;
     * in dnn_shutdown the start lock alone; perhaps layout. */
    void (*free)(int32_t ord, void *p, uint32_t mem);
    /* Copies `bytes` between memories of one ordinal, at least one of them DEVICE. With streams: in
     * stream order, may return before the copy is done, and host memory is always HOST | PINNED.
     * Without streams: stream is NULL, host memory is plain HOST, and the copy is done on return.
     * Threads: any thread; one copy() at a time for one ordinal. run() may enqueue meanwhile.
     * Locks: stream lock; perhaps layout. */
    dnn_status (*copy)(int32_t ord, void *stream, void *dst, uint32_t dst_mem, const void *src,
                       uint32_t src_mem, uint64_t bytes);
    /* Sets `bytes` bytes of device memory, in stream order. Version 1.0 of the host requires it and
     * never calls it; a later host calls it as copy(). */
    dnn_status (*fill)(int32_t ord, void *stream, void *dst, uint8_t byte, uint64_t bytes);

    /* ---- OPTIONAL, all seven or none: with none the device is synchronous, so run() and copy()
     * complete before they return and every stream is NULL ----
     * Threads of all seven: any thread, one at a time for one ordinal; run() may enqueue meanwhile.
     * Locks of all seven: the stream lock, unless the comment says otherwise; perhaps layout. */

    /* Makes the one stream of the ordinal, at its first use and once per start. */
    dnn_status (*stream_new)(int32_t ord, void **stream);
    /* Deletes it, after stream_sync(), after all event_del() and after the cached blocks were
     * freed.
     * Threads: that of dnn_shutdown. Locks: start lock, not the stream lock. */
    void (*stream_del)(int32_t ord, void *stream);
    /* Blocks the calling thread until all enqueued work is done, and returns late errors of
     * kernels. In dnn_shutdown after a late error: called once more under the start lock alone. */
    dnn_status (*stream_sync)(int32_t ord, void *stream);
    /* Records the event behind the work enqueued so far. Creates *event if it is NULL, else reuses
     * it. */
    dnn_status (*event_record)(int32_t ord, void *stream, void **event);
    /* Makes the stream, not the caller, wait for the event. Version 1.0 of the host never calls
     * it. */
    dnn_status (*event_wait)(int32_t ord, void *stream, void *event);
    /* Stores 1 if the event has happened, else 0, without blocking; returns late errors. */
    dnn_status (*event_done)(int32_t ord, void *event, int32_t *done);
    /* Deletes an event. Threads: that of dnn_shutdown. Locks: start lock, not the stream lock. */
    void (*event_del)(int32_t ord, void *event);
} dnn_device;

/* The table that dnn_plugin_v1() returns: constant, valid for the life of the process. Required and
 * optional members alternate, so each is tagged. */
typedef struct dnn_plugin {
    uint32_t size;           /* [required] sizeof(dnn_plugin); DNN_PLUGIN() sets it */
    uint32_t min_host_minor; /* [optional: 0 = any host] an older host refuses the plugin; set it
                              * only if all of the plugin is useless in an older host */
    const char *id;          /* [required] [a-z0-9_], 1 to 31: the word in DNN_BACKEND; the
                              * installed file is dnn_<id>.so */
    const char *version;     /* [optional: shown as ""] "1.2.0" */
    const char *build;       /* [optional: shown as ""] "OpenBLAS 0.3.21 dynamic-arch" */

    /* [optional: NULL = the plugin can run here] Prepares the plugin. Returns DNN_DECLINED with a
     * reason if it cannot run on this machine; a negative status is an error of the backend. Cheap,
     * and without lasting effect unless it succeeds. Called again after fini() if the library
     * starts again: reset all static data.
     * Threads: the thread that starts the library, alone. Locks: start lock. Calls back: all of
     * dnn_host; the pool runs already. */
    dnn_status (*init)(const dnn_host *);
    /* [optional: NULL does nothing] Undoes init(), and releases all device memory that is left. All
     * plans are freed and all streams deleted. Called once after each init() that succeeded: by
     * dnn_shutdown, by a start that fails later, or by dnn_plugin_disable (a plugin with layouts
     * keeps running until dnn_shutdown, so that its tensors can be read). Never from atexit.
     * Threads: the thread that makes that call, alone. Locks: start lock, none in
     * dnn_plugin_disable.
     * Calls back: log, free, layout_name. */
    void (*fini)(void);

    const dnn_kernel *const *kernels; /* [optional: NULL = none] NULL-terminated, at most 16384; the
                                       * order has no meaning */
    const dnn_device *device;         /* [optional: NULL = brings no device] */
    const char *const *layouts;       /* [optional: NULL = none] families of private layouts that
                                       * the plugin owns, NULL-terminated, at most 64. Needs kernels
                                       * of the operator reorder, to and from each */
    const void *(*extension)(const char *id); /* [optional: NULL] [reserved] features by name */
} dnn_plugin;

typedef const dnn_plugin *(*dnn_plugin_v1_fn)(void);

/* The one exported symbol. Called by the thread that starts the library, under the start lock,
 * before init(), once per start; calls nothing back. DNN_KERNEL and DNN_PLUGIN are C only: from C++
 * fill static structs and define dnn_plugin_v1 by hand (it is declared extern "C" here). */
DNN_EXPORT const dnn_plugin *dnn_plugin_v1(void);
#define DNN_KERNEL(...) (&(const dnn_kernel){.size = sizeof(dnn_kernel), __VA_ARGS__})
#define DNN_PLUGIN(...)                                                             \
    const dnn_plugin *dnn_plugin_v1(void)                                           \
    {                                                                               \
        static const dnn_plugin plugin = {.size = sizeof(dnn_plugin), __VA_ARGS__}; \
        return &plugin;                                                             \
    }

/* Sizes of v1.0 on LP64. A test holds the offset of every member. */
#ifdef __cplusplus
#define DNN_FREEZE(t, bytes) static_assert(sizeof(t) >= (bytes) && sizeof(t) % 8 == 0, #t)
#else
#define DNN_FREEZE(t, bytes) _Static_assert(sizeof(t) >= (bytes) && sizeof(t) % 8 == 0, #t)
#endif
DNN_FREEZE(dnn_view, 56);
DNN_FREEZE(dnn_call, 104);
DNN_FREEZE(dnn_host, 80);
DNN_FREEZE(dnn_plan, 56);
DNN_FREEZE(dnn_kernel, 72);
DNN_FREEZE(dnn_device, 128);
DNN_FREEZE(dnn_plugin, 80);
#ifdef __cplusplus
}
#endif
#endif
