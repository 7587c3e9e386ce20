/* device_impl.h - the members of a device, and the functions that the files of this layer share.
 * Private to core/device and runtime/devices.c. */
#ifndef DNN__DEVICE_IMPL_H
#define DNN__DEVICE_IMPL_H
#include <pthread.h>
#include "memory.h"
#include "plugin_call.h"

/* Block sizes are multiples of 64 bytes up to 512, then eight classes for each power of two, so at
 * most an eighth of a block is unused. */
enum {
    SMALL_STEP = 64,
    SMALL = 512,
    SMALL_CLASSES = SMALL / SMALL_STEP,
    CLASSES = SMALL_CLASSES + 8 * 54
};
enum { ALIGN = 256, HUGE_PAGE = 2 << 20, PAGE = 4096 };
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

struct dnn__device {
    struct dnn__device_public pub; /* first: memory.h reads it */
    dnn_device table; /* a copy of the plugin's; members that the plugin does not know are zero */
    pthread_mutex_t lock;          /* protects the members from cached to closed */
    dnn__storage *cached[CLASSES]; /* free blocks, as storages without a reference */
    int64_t live, peak, cached_bytes, requests, system_requests, cap;
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
dnn__storage *dnn__caching_remove_all(dnn__device *device);
void dnn__caching_free_list(dnn__device *device, dnn__storage *list);
void dnn__caching_flush(dnn__device *device);

#endif
