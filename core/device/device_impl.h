/* device_impl.h - a device inside, and what the files of this layer share. Private to core/device
 * and runtime/devices.c. */
#ifndef DNN__DEVICE_IMPL_H
#define DNN__DEVICE_IMPL_H
#include <pthread.h>
#include "memory.h"
#include "plugin_call.h"

/* Blocks come in classes: multiples of 64 bytes up to 512, then eight to each power of two, so at
 * most an eighth is lost. */
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

struct staging { /* host memory that the device copies from or to by itself */
    void *data;
    uint64_t bytes;
    void *event; /* after the last copy; NULL: never used */
    bool busy;   /* that copy may still run */
};

struct dnn__device {
    struct dnn__device_public pub; /* first: memory.h reads it */
    dnn_device table;              /* the plugin's, adopted: zero beyond what it brought */
    pthread_mutex_t lock;          /* of the cache and its numbers */
    dnn__storage *cached[CLASSES]; /* free blocks, as storages without an owner */
    int64_t live, peak, cached_bytes, requests, system_requests, cap;
    int64_t storages; /* that live; when none is left a device that was shut down may go */
    bool closed;      /* shut down: what comes back is not kept */
    pthread_mutex_t stream_lock; /* of all below */
    atomic_bool stream_made;
    struct staging staging[STAGING_BUFFERS];
    dnn_status late; /* the error that sticks */
    char late_text[512];
    _Atomic(const char *) recent[RECENT]; /* operators enqueued last, a ring; no lock */
    _Atomic uint32_t n_recent;
};

extern bool dnn__sync_always; /* DNN_SYNC */
extern dnn__device dnn__cpu_device;

/* ---- device.c ---- */
dnn__device *dnn__device_find(const char *name); /* by its name ("kind" is its ordinal 0) among
                                                    those that are there; NULL: none */
/* Calls fn for each device, cpu first, until one fails. */
dnn_status dnn__each_device(dnn_status (*fn)(dnn__device *device, void *ctx), void *ctx);

/* ---- stream.c ---- */
const char *dnn__device_words(dnn_status status);
dnn_status dnn__device_answer(const dnn__device *device, const char *call, dnn_status status);
dnn_status dnn__device_report(dnn__device *device);
dnn_status dnn__device_stick(dnn__device *device, const char *call, dnn_status status);
dnn_status dnn__device_wait(dnn__device *device); /* held: stream_lock */
dnn_status dnn__device_ready(dnn__device *device);
/* Ahead of every call of a plugin: what it says then is its own. */
static inline void dnn__device_forget(void)
{
    dnn__plugin_self.text[0] = 0;
}
static inline bool has_streams(const dnn_device *api)
{
    return DNN_HAS(api, stream_new);
}

/* ---- storage.c ---- */
static inline void
dnn__storage_own(dnn__storage *s,
                 uint64_t bytes) /* a new owner: one reference, no handle, strided */
{
    atomic_store_explicit(&s->refs, 1, memory_order_relaxed);
    atomic_store_explicit(&s->handles, 0, memory_order_relaxed);
    s->bytes = bytes;
    atomic_store_explicit(&s->layout, 0, memory_order_relaxed);
    s->release = NULL;
    s->release_ctx = NULL;
    s->next = NULL;
}
/* A storage without a block: an empty one, or one of the program's memory. */
dnn_status dnn__storage_of_memory(dnn__device *device, void *data, uint64_t bytes, const char *what,
                                  dnn__storage **out);
void dnn__storage_end(
    dnn__storage *s); /* the end of a storage that does not go to the free lists */
void dnn__device_free(dnn__device *device);

/* ---- caching_allocator.c ---- */
dnn__storage *dnn__caching_alloc(dnn__device *device);
void dnn__caching_free(dnn__device *device, dnn__storage *list);
void dnn__caching_flush(dnn__device *device);

#endif
