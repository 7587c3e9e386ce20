/* dnn_plugin.h - the plugin ABI of libdnn, version 1: all that a kernel plugin needs.
 *
 * Standalone: it includes no other header of ours, and a plugin links to nothing of libdnn. A plugin is a shared
 * object that exports one function, dnn_plugin_v1(), which returns one constant table. What the plugin needs of the
 * host it gets as a table of functions (dnn_host). docs/plugins.md walks through the smallest plugin.
 *
 * Growth: members are only ever appended, and a zero in a member always means "as before it existed". Every struct
 * begins with its size, so that either side may be the older one. */
#ifndef DNN_PLUGIN_H
#define DNN_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Members added in ABI 1.n are visible if DNN_PLUGIN_TARGET >= n. Raising it shuts out no host. */
#ifndef DNN_PLUGIN_TARGET
#define DNN_PLUGIN_TARGET 0
#endif

/* Repeated word for word in dnn_plugin.h, dnn_reader.h and dnn/status.h; a test compares the copies. */
#ifndef DNN_ABI_COMMON
#define DNN_ABI_COMMON 1
#define DNN_EXPORT __attribute__((visibility("default")))
/* DNN_FITS: does the struct reach as far as member m. DNN_HAS: is m there and not zero. */
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
    DNN_MEM_PINNED = 4  /* host memory that the device can copy asynchronously */
};

/* One operand of a call. The core's; valid during run() only: a device that works later copies what it needs. */
typedef struct dnn_view {
    uint32_t size;
    uint32_t dtype; /* exactly one DNN_T_ bit */
    int32_t ndim;
    uint32_t mem;          /* DNN_MEM_ bits: dereference data only if the bit for where you run is set */
    int32_t ordinal;       /* which device of the kernel's device kind */
    uint32_t layout;       /* 0: strided; else an id from host->layout("family/description"): of a family of the kernel's
                            * plugin, or any that all operands of a FLAT kernel share. Others are shown strides */
    const int64_t *dim;    /* always the logical shape; never NULL */
    const int64_t *stride; /* in elements; NULL if and only if layout != 0 */
    void *data;            /* the first element; NULL in plan(), and where nbytes is 0 */
    uint64_t nbytes;       /* physical bytes behind data */
} dnn_view;

typedef struct dnn_host dnn_host;

enum { /* dnn_call.mode: a bit only permits, so ignoring one is never wrong */
    DNN_M_GRAD = 1,         /* a backward call will follow: a stash is of use */
    DNN_M_TF32 = 2,         /* f32 products may round their inputs to tf32 */
    DNN_M_BF16 = 4,         /* f32 products may round their inputs to bf16 */
    DNN_M_DETERMINISTIC = 8 /* only kernels with DNN_K_DETERMINISTIC are asked */
};

/* One call of a kernel. Inputs that broadcast arrive expanded: stride 0 along the stretched axes. A call whose outputs
 * are all empty is not made; an input may be empty (data NULL), as for a product with K = 0. */
typedef struct dnn_call {
    uint32_t size, n_in, n_out, mode;
    const dnn_view *const *in;  /* arrays of pointers, so that dnn_view can grow; NULL = optional input left out */
    const dnn_view *const *out; /* allocated by the core; NULL = output not requested */
    const void *attr;           /* the operator's attribute struct of dnn_ops.h; NULL only where it has none */
    void *state;                /* what plan() stored */
    void *workspace;            /* plan()'s workspace_bytes, 256-byte aligned, memory of the device; NULL in plan() */
    void *stash;                /* forward -> backward private bytes, 256-byte aligned; read-only in backward */
    void *stream;               /* the native stream; NULL on a synchronous device */
    uint64_t rng_seed, rng_stream, rng_offset; /* Philox4x32-10: key and counter (see dnn_ops.h, random numbers) */
    const dnn_host *host;
} dnn_call;

/* What the host offers. The core's, for the life of the process. Test newer members with DNN_HAS(host, member). */
struct dnn_host {
    uint32_t size, abi_minor;
    /* Keeps the text in a buffer of the calling thread and returns the status: return host->fail(DNN_DECLINED, ...). */
    dnn_status (*fail)(dnn_status status, const char *fmt, ...);
    /* To the program's log callback. A plugin never prints. Levels: 0 debug, 1 info, 2 warning, 3 error. */
    void (*log)(int level, const char *fmt, ...);
    /* Host memory for init() and plan(), not for run(); NULL on failure. free(NULL) is allowed. */
    void *(*alloc)(size_t bytes, size_t align);
    void (*free)(void *memory);
    /* The one thread pool. fn gets each interval [k*grain, min(n, (k+1)*grain)) exactly once: the cut depends on sizes
     * only, so begin/grain indexes a partial result; worker, in [0, threads()), indexes scratch in the workspace. A nested
     * call, or one while another thread holds the pool, runs inline with the same cuts. fn leaves errors in arg. */
    int (*threads)(void);
    void (*parallel_for)(int64_t n, int64_t grain, void (*fn)(void *arg, int64_t begin, int64_t end, int worker),
                         void *arg);
    /* Interns a private layout: the same text is the same encoding and the same id; 0 on failure. */
    uint32_t (*layout)(const char *family_slash_description);
    const char *(*layout_name)(uint32_t id);
    const void *(*extension)(const char *id); /* optional features by name; NULL if unknown. v1.0 defines none */
};

/* What a plan() asks for. The core prepares it zeroed; write newer members only if DNN_FITS(plan, member). */
typedef struct dnn_plan {
    uint32_t size, _pad;
    uint64_t workspace_bytes;
    uint64_t stash_bytes; /* forward: what I keep for my plugin's backward kernels, given under DNN_M_GRAD. Backward: what I
                           * read of it; must be equal. If they decline, the forward kernel is passed over */
    void *state;          /* the plugin's; freed by unplan() */
    uint32_t *in_layout;  /* [n_in] of the core, zeroed: what I want, 0 = strides; the core reorders. Not of FLAT kernels */
    uint32_t *out_layout; /* [n_out] of the core, zeroed: what I will write, padding zero */
    uint64_t *out_bytes;  /* [n_out] of the core, zeroed: physical size of outputs with a private layout; equal to what the
                           * family's reorder says. Of reorder, whose layouts are in the views, out_bytes[0] alone is read */
} dnn_plan;

/* Without any flag a kernel gets strided, contiguous, 64-byte aligned operands whose outputs overlap nothing, one call
 * at a time on one plan. Each flag relaxes one thing; the core pays for what is not relaxed with a copy.
 * Bits 0-15 must be understood: a host that does not know one skips the kernel. Bits 16-31 are hints. */
enum {
    DNN_K_STRIDED = 1 << 0,        /* takes any strides, 0 for broadcast inputs included */
    DNN_K_UNALIGNED = 1 << 1,      /* takes data aligned to the element only */
    DNN_K_INPLACE = 1 << 2,        /* out[0] may be in[0] */
    DNN_K_FLAT = 1 << 3,           /* elementwise over nbytes: takes any layout that all operands share, if zeros stay zeros */
    DNN_K_REENTRANT = 1 << 16,     /* several threads at once on one plan */
    DNN_K_DETERMINISTIC = 1 << 17, /* same inputs, same bits, on any number of threads */
    DNN_K_CAPTURABLE = 1 << 18     /* same launches for the same plan, no host read of device data */
};
enum { DNN_PRI_PLAIN = 0, DNN_PRI_PORTABLE = 100, DNN_PRI_VENDOR = 200, DNN_PRI_SPECIAL = 300 };

/* One kernel: an operator for some dtypes on one kind of device. The plugin's, static. */
typedef struct dnn_kernel {
    uint32_t size, flags;
    const char *op;      /* operator of dnn_ops.h: "relu", "conv2d", "conv2d_bwd_weight" ... */
    const char *device;  /* "cpu", "cuda": where the operands live, not who I am */
    const char *name;    /* unique in the plugin; what explain prints */
    uint32_t op_version; /* schema version implemented; 0 means 1 */
    uint32_t dtypes;     /* DNN_T_ bits of the primary operand (dnn_ops.h says which it is); 0 = any */
    int32_t priority;    /* DNN_PRI_; any number between is fine */
    uint32_t attr_bytes; /* sizeof the attribute struct I understand; 0 = as of v1.0 */
    /* Optional. Decline with a sentence (return host->fail(DNN_DECLINED, ...)), or state needs. data, workspace, stash
     * and stream are NULL and the random numbers 0: the answer may depend on nothing else in the call. */
    dnn_status (*plan)(const dnn_call *, dnn_plan *);
    dnn_status (*run)(const dnn_call *); /* required: compute, or enqueue on the stream and return */
    void (*unplan)(void *state);         /* optional: frees plan->state, once no call can use it any more */
} dnn_kernel;

/* Memory and streams of a device kind; only for a plugin that brings one. The plugin's, static. Called rarely: the core
 * owns caching, alignment and lifetime. */
typedef struct dnn_device {
    uint32_t size, flags; /* flags: 0 in v1.0 */
    const char *kind;     /* "cuda" */
    int32_t dlpack_type, _pad;
    dnn_status (*count)(int32_t *n); /* how many ordinals; 0 is not an error */
    dnn_status (*mem_info)(int32_t ord, uint64_t *free_bytes, uint64_t *total_bytes);
    dnn_status (*alloc)(int32_t ord, uint64_t bytes, uint32_t mem, void **out); /* mem: DEVICE, or HOST|PINNED */
    void (*free)(int32_t ord, void *p, uint32_t mem);
    dnn_status (*copy)(int32_t ord, void *stream, void *dst, uint32_t dst_mem, const void *src, uint32_t src_mem,
                       uint64_t bytes);
    dnn_status (*fill)(int32_t ord, void *stream, void *dst, uint8_t byte, uint64_t bytes);
    /* All of the following, or none: none means a synchronous device. */
    dnn_status (*stream_new)(int32_t ord, void **stream);
    void (*stream_del)(int32_t ord, void *stream);
    dnn_status (*stream_sync)(int32_t ord, void *stream);                /* late errors surface here ... */
    dnn_status (*event_record)(int32_t ord, void *stream, void **event); /* makes *event if it is NULL */
    dnn_status (*event_wait)(int32_t ord, void *stream, void *event);    /* the stream waits, not the caller */
    dnn_status (*event_done)(int32_t ord, void *event, int32_t *done);   /* ... and here */
    void (*event_del)(int32_t ord, void *event);
} dnn_device;

/* The table that dnn_plugin_v1() returns: constant, valid for the life of the process. */
typedef struct dnn_plugin {
    uint32_t size;
    uint32_t min_host_minor; /* 0, unless the whole plugin is useless in an older host */
    const char *id;          /* [a-z0-9_], 1 to 31: the word in DNN_BACKEND; the installed file is dnn_<id>.so */
    const char *version;     /* "1.2.0" */
    const char *build;       /* "OpenBLAS 0.3.21 dynamic-arch" */
    /* Optional; called alone, and again after fini() if the library is started again: reset your statics.
     * DNN_DECLINED and a reason means "cannot run here". Cheap, and without lasting effect unless it succeeds. */
    dnn_status (*init)(const dnn_host *);
    void (*fini)(void);               /* optional; from dnn_shutdown() after all plans are drained, never from atexit */
    const dnn_kernel *const *kernels; /* NULL-terminated; their order has no meaning */
    const dnn_device *device;         /* or NULL */
    const char *const *layouts;       /* layout families I own, NULL-terminated; or NULL */
    const void *(*extension)(const char *id);
} dnn_plugin;

typedef const dnn_plugin *(*dnn_plugin_v1_fn)(void);

/* C only; in C++ fill static structs and define dnn_plugin_v1 by hand (it is declared extern "C" here). */
DNN_EXPORT const dnn_plugin *dnn_plugin_v1(void);
#define DNN_KERNEL(...) (&(const dnn_kernel){.size = sizeof(dnn_kernel), __VA_ARGS__})
#define DNN_PLUGIN(...)                                                                  \
    const dnn_plugin *dnn_plugin_v1(void)                                                \
    {                                                                                    \
        static const dnn_plugin plugin = {.size = sizeof(dnn_plugin), __VA_ARGS__};      \
        return &plugin;                                                                  \
    }

/* Sizes of v1.0 on LP64. The golden offsets of every member are a test. */
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
