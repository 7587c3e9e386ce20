/* memory.h - devices, their caching allocators, storages, versions. Private.
 *
 * A device is "cpu" (built in: host memory, synchronous) or an ordinal of a kind that a plugin
 * brings. The core owns caching: freed blocks wait by size class for the next tensor. There is one
 * stream per device, so a block may be reused at once: what still runs on it runs before what
 * comes. Only the host must wait. */
#ifndef DNN__MEMORY_H
#define DNN__MEMORY_H
#include "base.h"
#include "dnn_plugin.h"

typedef struct dnn__device dnn__device; /* device.c knows the cache inside */

typedef struct dnn__storage {
    _Atomic int32_t refs;
    _Atomic int32_t handles; /* live tensor handles: views of it that a program can see */
    dnn__device *device;
    void *data;               /* NULL where bytes is 0 */
    uint64_t bytes, capacity; /* asked for; of the block */
    uint32_t mem;             /* DNN_MEM_ bits */
    _Atomic uint32_t
        layout; /* 0 = strided, else a private layout of dense tensor handles (layout.c) */
    void (*release)(void *ctx); /* of a buffer of the program, else NULL */
    void *release_ctx;
    struct dnn__storage *next; /* in the cache's free list */
} dnn__storage;

typedef struct dnn__version { /* one for each base tensor: counts the writes */
    _Atomic int32_t refs;
    _Atomic uint64_t count;
} dnn__version;

struct dnn__device_public { /* the head of dnn__device: what other files read */
    char name[48];          /* "cpu", "cuda:1" */
    int32_t kind;           /* index of the kind: 0 = cpu */
    int32_t ordinal;
    const dnn_device *api; /* NULL for cpu */
    void *stream;          /* NULL: synchronous */
    uint32_t mem;          /* DNN_MEM_ bits of its ordinary memory */
};
static inline const struct dnn__device_public *dnn__dev(const dnn__device *device)
{
    return (const struct dnn__device_public *)(const void *)device;
}

enum { DNN__MAX_KINDS = 16 };
dnn__device *dnn__cpu(void);
/* By name: NULL is the default device; "cuda" is ordinal 0. Fails: DNN_E_DEVICE lists what there
 * is. */
dnn_status dnn__device_named(const char *name, dnn__device **out);
/* Adds the ordinals of a kind that a plugin brings; streams are made at first use. loader.c calls
 * it. */
dnn_status dnn__device_add_kind(const dnn_device *api, int32_t *kind, int32_t *count);
int32_t dnn__kind_named(const char *kind); /* -1 if nobody brings it */
const char *dnn__kind_name(int32_t kind);
void dnn__device_set_default(int32_t kind); /* its ordinal 0 */
void dnn__device_shutdown(
    void); /* waits, empties caches, deletes streams, forgets all kinds but cpu */

/* Depth of dry runs in this thread: dispatch plans and makes results without elements, and runs
 * nothing (stash.c, decompose.c). */
extern _Thread_local int dnn__dry_run __attribute__((tls_model("initial-exec")));

/* A storage of at least `bytes`; `what` begins the message of a failure. bytes 0: data is NULL.
 * Owner: the caller (refs 1). */
dnn_status dnn__storage_new(dnn__device *device, uint64_t bytes, const char *what,
                            dnn__storage **out);
/* One without a block: data is NULL, whatever bytes says. For dry runs, where nothing is computed
 * (stash.c). */
dnn_status dnn__storage_bare(dnn__device *device, uint64_t bytes, const char *what,
                             dnn__storage **out);
dnn_status dnn__storage_borrow(void *data, uint64_t bytes, void (*release)(void *), void *ctx,
                               dnn__storage **out);
static inline void dnn__storage_retain(dnn__storage *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}
void dnn__storage_release(dnn__storage *s); /* NULL is allowed; the block goes to the cache */
/* Exchanges what the two hold: block, size, layout. Owners and counts stay. Both are of one device,
 * neither is a program's buffer. */
void dnn__storage_exchange(dnn__storage *a, dnn__storage *b);
static inline uint32_t dnn__layout_of(const dnn__storage *s)
{
    return atomic_load_explicit(&s->layout, memory_order_acquire);
}

dnn__version *dnn__version_new(void); /* NULL when there is no memory */
void dnn__version_release(dnn__version *v);

/* Moves of plain bytes between storages of any devices, in stream order; a copy from host memory is
 * taken before the call returns (staged), a copy to the host has arrived when it returns. */
dnn_status dnn__storage_read(dnn__storage *s, uint64_t offset, void *host, uint64_t bytes);
dnn_status dnn__storage_write(dnn__storage *s, uint64_t offset, const void *host, uint64_t bytes);
dnn_status dnn__storage_copy(dnn__storage *dst, uint64_t dst_offset, dnn__storage *src,
                             uint64_t src_offset, uint64_t bytes);
/* Waits for the device. A late error comes out here, with the operators enqueued last, and sticks
 * to the device. */
dnn_status dnn__device_sync(dnn__device *device);
/* The operator's name, for late errors; after it, waits if DNN_SYNC is set. */
dnn_status dnn__device_enqueued(dnn__device *device, const char *op);
/* Scratch of a call in stream order: 256-byte aligned, at least bytes. */
dnn_status dnn__workspace(dnn__device *device, uint64_t bytes, const char *op, dnn__storage **out);

#endif
