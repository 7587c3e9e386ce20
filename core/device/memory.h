/* memory.h - devices, their caching allocators, storages, versions. Private.
 *
 * A device is "cpu" (built in: host memory, synchronous) or an ordinal of a kind that a plugin
 * brings. The core caches freed blocks for later tensors, within a bound that follows the live
 * bytes (device_impl.h). Each device has one stream, so a block is reused at once: work enqueued
 * earlier on it ends before later work begins. Only host access must wait. */
#ifndef DNN__MEMORY_H
#define DNN__MEMORY_H
#include "base.h"
#include "dnn_plugin.h"

typedef struct dnn__device dnn__device; /* defined in device_impl.h */
typedef struct dnn__block dnn__block;   /* defined in device_impl.h */

typedef struct dnn__storage {
    _Atomic int32_t refs;
    _Atomic int32_t handles; /* live tensor handles that view it */
    dnn__device *device;
    void *data;               /* NULL if bytes is 0 */
    uint64_t bytes, capacity; /* requested; of the block */
    dnn__block *block;        /* of large storages (large_blocks.c); else NULL */
    uint32_t mem;             /* DNN_MEM_ bits */
    /* 0: strided; else a private layout of dense tensors (layout.c). */
    _Atomic uint32_t layout;
    void (*release)(void *ctx); /* for a buffer of the program; else NULL */
    void *release_ctx;
    struct dnn__storage *next; /* in a free list of the cache */
} dnn__storage;

/* One for each base tensor; views share it. Counts the in-place writes. */
typedef struct dnn__version {
    _Atomic int32_t refs;
    _Atomic uint64_t count;
} dnn__version;

/* The first members of dnn__device, which other layers read. */
struct dnn__device_public {
    char name[48]; /* "cpu", "cuda:1" */
    int32_t kind;  /* index of the kind: 0 = cpu */
    int32_t ordinal;
    const dnn_device *api; /* NULL for cpu */
    void *stream;          /* NULL: synchronous */
    uint32_t mem;          /* DNN_MEM_ bits of its default memory */
};
static inline const struct dnn__device_public *dnn__dev(const dnn__device *device)
{
    return (const struct dnn__device_public *)(const void *)device;
}

enum { DNN__MAX_KINDS = 16 };
dnn__device *dnn__cpu(void);
/* Finds a device by name. NULL: the default device; "cuda": its ordinal 0. Fails with DNN_E_DEVICE
 * and a list of the devices. */
dnn_status dnn__device_named(const char *name, dnn__device **out);
/* Adds a device for each ordinal of a kind that a plugin brings. Streams are made at first use.
 * Called by loader.c. */
dnn_status dnn__device_add_kind(const dnn_device *api, int32_t *kind, int32_t *count);
int32_t dnn__kind_named(const char *kind); /* -1 if no plugin brings it */
const char *dnn__kind_name(int32_t kind);
void dnn__device_set_default(int32_t kind); /* to ordinal 0 of the kind */
/* Waits for the devices, frees their caches, deletes their streams and removes all kinds but cpu.
 */
void dnn__device_shutdown(void);

/* Depth of dry runs in this thread. In a dry run dispatch plans a call and makes results without
 * elements, but runs no kernel (stash.c, decompose.c). */
extern DNN__THREAD_LOCAL int dnn__dry_run;

/* Allocates a storage of at least `bytes`. `what` begins the message of a failure. bytes 0: data is
 * NULL. The caller owns it (refs 1). */
dnn_status dnn__storage_new(dnn__device *device, uint64_t bytes, const char *what,
                            dnn__storage **out);
/* Makes a storage whose data is NULL whatever `bytes` says, for dry runs (stash.c). */
dnn_status dnn__storage_bare(dnn__device *device, uint64_t bytes, const char *what,
                             dnn__storage **out);
dnn_status dnn__storage_borrow(void *data, uint64_t bytes, void (*release)(void *), void *ctx,
                               dnn__storage **out);
static inline void dnn__storage_retain(dnn__storage *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}
void dnn__storage_release(dnn__storage *s); /* accepts NULL; the block goes to the cache */
/* Swaps block, size and layout of two storages. References and handles stay. Both must be on one
 * device and neither a buffer of the program. */
void dnn__storage_exchange(dnn__storage *a, dnn__storage *b);
static inline uint32_t dnn__layout_of(const dnn__storage *s)
{
    return atomic_load_explicit(&s->layout, memory_order_acquire);
}

dnn__version *dnn__version_new(void); /* NULL if there is no memory */
void dnn__version_release(dnn__version *v);

/* Copies bytes between storages of any devices, in stream order. After a write the host memory may
 * be changed at once (the bytes were staged). After a read the bytes are in host memory. */
dnn_status dnn__storage_read(dnn__storage *s, uint64_t offset, void *host, uint64_t bytes);
dnn_status dnn__storage_write(dnn__storage *s, uint64_t offset, const void *host, uint64_t bytes);
dnn_status dnn__storage_copy(dnn__storage *dst, uint64_t dst_offset, dnn__storage *src,
                             uint64_t src_offset, uint64_t bytes);
/* Waits for the device. Returns its late error, if any, with the names of the operators enqueued
 * last. Every later call returns the same error. */
dnn_status dnn__device_sync(dnn__device *device);
/* Notes the operator's name for late errors. Waits for the device if DNN_SYNC is set. */
dnn_status dnn__device_enqueued(dnn__device *device, const char *op);
/* Returns the size of the device's memory; 0 for cpu, or if the plugin's mem_info fails. */
uint64_t dnn__device_total_bytes(const dnn__device *device);
/* Allocates scratch memory of a call, used in stream order: 256-byte aligned, at least `bytes`. */
dnn_status dnn__workspace(dnn__device *device, uint64_t bytes, const char *op, dnn__storage **out);

#endif
