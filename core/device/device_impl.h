/* device_impl.h - the members of a device, and the functions that the files of this layer share.
 * Private to core/device, runtime/devices.c and runtime/memory_cap.c. */
#ifndef DNN__DEVICE_IMPL_H
#define DNN__DEVICE_IMPL_H
#include <pthread.h>
#include "memory.h"
#include "plugin_call.h"

/* Block sizes below LARGE are multiples of 64 bytes up to 512, then eight classes for each power of
 * two, so at most an eighth of a block is unused. From LARGE on they are multiples of LARGE_STEP,
 * and blocks are split and merged. */
enum {
    SMALL_STEP = 64,
    SMALL = 512,
    SMALL_CLASSES = SMALL / SMALL_STEP,
    LARGE = 1 << 20,
    LARGE_STEP = LARGE / 16,
    CLASSES = SMALL_CLASSES + 8 * (20 - 9),
    BINS = 1 + 8 * (64 - 20) /* bin 0: less than LARGE; eight for each power of two */
};
/* The cached bytes of a device stay below 5/4 of its recent live peak, or below CACHE_LEAST if that
 * is more. Then a step that repeats finds all its blocks: it never needs more than its peak and
 * what fragmentation takes, for which the quarter is. Blocks of sizes that came once do not pile
 * up. Recent: the last one to two windows of requests, many times the requests of a training step.
 */
enum { CACHE_LEAST = 64 << 20, WINDOW = 1 << 16 };
enum { ALIGN = 256, HUGE_PAGE = 2 << 20 };
enum {
    RECENT = 8,
    STAGING_BUFFERS = 8,
    STAGING_LEAST = 64 << 10,
    STAGING_MOST = 4 << 20,
    MAX_ORDINALS = 64
};

/* A buffer of pinned host memory, from which the device copies asynchronously. */
struct staging {
    void *data;
    uint64_t bytes;
    void *event; /* recorded after the last copy; NULL: never used */
    bool busy;   /* the last copy may still run */
};

/* The lists of a device that an idle block is in: device->bin; device->whole, if it is not split.
 */
enum { IN_BIN, IN_WHOLE };
struct block_link {
    dnn__block *prev, *next;
};
struct block_list {
    dnn__block *first, *last;
};

/* A block of LARGE bytes or more, or a part of one that the system gave. */
struct dnn__block {
    void *data;
    uint64_t bytes, system_bytes; /* of this part; of the whole that the system gave */
    dnn__block *before, *after;   /* its neighbours in that whole */
    struct block_link link[2];    /* by IN_ */
    bool idle;
};

/* Blocks that left the cache, to be returned to the system after the lock is released. */
struct leavers {
    dnn__storage *small;
    dnn__block *large; /* linked by link[IN_BIN].next */
};

struct dnn__device {
    struct dnn__device_public pub; /* first: memory.h reads it */
    dnn_device table; /* a copy of the plugin's; members that the plugin does not know are zero */
    pthread_mutex_t lock;          /* protects the members from cached to closed */
    dnn__storage *cached[CLASSES]; /* free blocks, as storages without a reference */
    struct block_list bin[BINS];   /* idle large blocks and parts by size */
    struct block_list whole;       /* idle large blocks that are not split; the oldest first */
    int64_t live, peak, cached_bytes, requests, system_requests, cap;
    int64_t large_cached;              /* the part of cached_bytes that is in `bin` */
    int64_t window_peak, earlier_peak; /* of live: in this window of requests, in the one before */
    bool cap_by_program;               /* dnn_set_memory_cap overrides DNN_MEMORY_CAP */
    int64_t storages;            /* live storages. The last one frees a device that was shut down */
    bool closed;                 /* shut down: a block that is released is not cached */
    pthread_mutex_t stream_lock; /* protects all members below */
    atomic_bool stream_made;
    struct staging staging[STAGING_BUFFERS];
    dnn_status late; /* the first late error: every later call returns it */
    char late_text[512];
    _Atomic(const char *) recent[RECENT]; /* ring of the operators enqueued last; atomic, no lock */
    _Atomic uint32_t n_recent;
};

extern bool dnn__sync_always; /* DNN_SYNC */
extern dnn__device dnn__cpu_device;

/* ---- device.c ---- */
/* Finds a device by name; a kind alone means its ordinal 0. Returns NULL if there is none. */
dnn__device *dnn__device_find(const char *name);
/* Calls fn for each device, cpu first, and returns the first failure. */
dnn_status dnn__each_device(dnn_status (*fn)(dnn__device *device, void *ctx), void *ctx);

/* ---- stream.c ---- */
const char *dnn__device_error_text(dnn_status status);
dnn_status dnn__device_check(const dnn__device *device, const char *call, dnn_status status);
dnn_status dnn__device_late_error(dnn__device *device);
dnn_status dnn__device_set_late(dnn__device *device, const char *call, dnn_status status);
dnn_status dnn__device_wait(dnn__device *device); /* stream_lock is held */
dnn_status dnn__device_ready(dnn__device *device);
/* Call it before each call of a plugin's function, so that the text read afterwards is from this
 * call. */
static inline void dnn__device_clear_text(void)
{
    dnn__plugin_text_clear();
}
static inline bool has_streams(const dnn_device *api)
{
    return DNN_HAS(api, stream_new);
}

/* ---- storage.c ---- */
/* Sets up a storage for a new owner: one reference, no handle, strided layout. */
static inline void dnn__storage_own(dnn__storage *s, uint64_t bytes)
{
    atomic_store_explicit(&s->refs, 1, memory_order_relaxed);
    atomic_store_explicit(&s->handles, 0, memory_order_relaxed);
    s->bytes = bytes;
    atomic_store_explicit(&s->layout, 0, memory_order_relaxed);
    s->release = NULL;
    s->release_ctx = NULL;
    s->next = NULL;
}
/* Makes a storage without an allocated block: an empty one, or one on memory of the program. */
dnn_status dnn__storage_of_memory(dnn__device *device, void *data, uint64_t bytes, const char *what,
                                  dnn__storage **out);
/* Frees a storage that does not go to a free list. */
void dnn__storage_end(dnn__storage *s);
void dnn__device_free(dnn__device *device);

/* ---- caching_allocator.c ---- */
/* Removes all idle blocks from the cache, but parts of a block in use; the lock is held. */
struct leavers dnn__caching_remove_all(dnn__device *device);
void dnn__caching_free(dnn__device *device, struct leavers leavers);
void dnn__caching_flush(dnn__device *device);
/* 0: no cap. by_program: DNN_MEMORY_CAP does not override it. */
void dnn__caching_set_cap(dnn__device *device, int64_t bytes, bool by_program);

/* ---- large_blocks.c; the device's lock is held ---- */
/* Makes the description of a new busy block. Needs no lock. NULL: no memory. */
dnn__block *dnn__large_new(void *data, uint64_t bytes);
/* Takes an idle block or a part of one from the cache. NULL: none fits. */
dnn__block *dnn__large_take(dnn__device *device, uint64_t bytes);
/* Puts a block into the cache and merges it with its idle neighbours. If the device is closed and
 * the whole system block is idle, returns it instead: the caller frees it. */
dnn__block *dnn__large_release(dnn__device *device, dnn__block *b);
/* Removes the block that has been idle and not split for the longest time. NULL: there is none. */
dnn__block *dnn__large_remove_oldest(dnn__device *device);

#endif
