/* caching_allocator.c - the memory blocks of a device, in size classes. A free list links the
 * storages themselves, so freeing never allocates. Tensors and dispatch get their storages here. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "device_impl.h"
#include "poison.h"

/* ---- blocks ---- */

static unsigned class_of(uint64_t bytes)
{
    uint64_t last = bytes - 1;
    unsigned power;

    if (bytes <= SMALL) {
        return (unsigned)(last / SMALL_STEP);
    }
    power = 63u - (unsigned)__builtin_clzll(last);
    return SMALL_CLASSES + 8 * (power - 9) + (unsigned)(last >> (power - 3)) - 8;
}

static uint64_t class_bytes(unsigned class)
{
    unsigned power;

    if (class < SMALL_CLASSES) {
        return ((uint64_t) class + 1) * SMALL_STEP;
    }
    power = (class - SMALL_CLASSES) / 8 + 9;
    return ((uint64_t)(class - SMALL_CLASSES) % 8 + 9) << (power - 3);
}

static void *host_block(uint64_t bytes)
{
    void *block;

    if (bytes < HUGE_PAGE) {
        return dnn__alloc_aligned((size_t)bytes, bytes >= ALIGN ? ALIGN : SMALL_STEP);
    }
    block = dnn__alloc_aligned((size_t)bytes, HUGE_PAGE);
    /* Only a hint: huge pages give fewer page faults and TLB misses. */
    if (block) {
        (void)madvise(block, (size_t)bytes & ~(size_t)(PAGE - 1), MADV_HUGEPAGE);
    }
    return block;
}

/* Returns NULL on failure; the plugin's text is in dnn__plugin_text(). */
static void *raw_alloc(const dnn__device *device, uint64_t bytes)
{
    const dnn_device *api = device->pub.api;
    void *block = NULL;

    dnn__device_clear_text();
    if (!api) {
        return host_block(bytes);
    }
    if (api->alloc(device->pub.ordinal, bytes, DNN_MEM_DEVICE, &block) != DNN_OK) {
        return NULL;
    }
    return block;
}

static void raw_free(const dnn__device *device, void *block, uint64_t bytes)
{
    if (!device->pub.api) {
        UNPOISON(block, bytes);
        dnn__free(block);
    } else {
        device->pub.api->free(device->pub.ordinal, block, DNN_MEM_DEVICE);
    }
}

/* Removes all cached blocks from the cache and returns them as a list; the lock is held. */
dnn__storage *dnn__caching_remove_all(dnn__device *device)
{
    dnn__storage *all = NULL, *s;

    for (int class = 0; class < CLASSES && device->cached_bytes > 0; class ++) {
        while ((s = device->cached[class]) != NULL) {
            device->cached[class] = s->next;
            device->cached_bytes -= (int64_t)s->capacity;
            s->next = all;
            all = s;
        }
    }
    return all;
}

void dnn__caching_free_list(dnn__device *device, dnn__storage *list)
{
    dnn__storage *s;

    while ((s = list) != NULL) {
        list = s->next;
        raw_free(device, s->data, s->capacity);
        dnn__slab_free(s, sizeof *s);
    }
}

/* Frees the cached blocks. Waits for the stream first, because enqueued work may still use them. */
void dnn__caching_flush(dnn__device *device)
{
    dnn__storage *list;

    pthread_mutex_lock(&device->lock);
    list = dnn__caching_remove_all(device);
    pthread_mutex_unlock(&device->lock);
    if (list && device->pub.stream) {
        /* The device stores an error of this wait and reports it at the next one. */
        (void)dnn__device_sync(device);
    }
    dnn__caching_free_list(device, list);
}

/* The lock is held. */
static inline void update_peak(dnn__device *device)
{
    if (device->live > device->peak) {
        device->peak = device->live;
    }
}

static dnn_status no_memory(dnn__device *device, uint64_t bytes, const char *what)
{
    int64_t live, cached, cap;

    pthread_mutex_lock(&device->lock);
    live = device->live;
    cached = device->cached_bytes;
    cap = device->cap;
    pthread_mutex_unlock(&device->lock);
    return dnn__fail(
        DNN_E_NOMEM, "%s: %s bytes on %s: out of memory (%s live, %s cached, cap %s%s%s)", what,
        dnn__number_text(bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes), device->pub.name,
        dnn__number_text(live), dnn__number_text(cached), cap > 0 ? dnn__number_text(cap) : "none",
        dnn__plugin_text()[0] ? "; " : "", dnn__plugin_text());
}

/* Counts `capacity` as live before the block exists, so that several threads together stay below
 * the cap. */
static bool reserve(dnn__device *device, uint64_t capacity, bool *must_flush)
{
    int64_t bytes = (int64_t)capacity;
    bool fits;

    pthread_mutex_lock(&device->lock);
    fits = device->cap == 0 || (bytes <= device->cap && device->live <= device->cap - bytes);
    *must_flush =
        fits && device->cap > 0 && device->live + device->cached_bytes > device->cap - bytes;
    if (fits) {
        device->closed = false;
        device->system_requests++;
        device->live += bytes;
        device->storages++;
    }
    pthread_mutex_unlock(&device->lock);
    return fits;
}

static void unreserve(dnn__device *device, uint64_t capacity)
{
    pthread_mutex_lock(&device->lock);
    device->live -= (int64_t)capacity;
    device->storages--;
    pthread_mutex_unlock(&device->lock);
}

/* Makes a storage with a new block. Returns NULL and sets *status on failure. */
static dnn__storage *new_block(dnn__device *device, uint64_t bytes, uint64_t capacity,
                               const char *what, dnn_status *status)
{
    dnn__storage *s;
    bool must_flush;

    *status = dnn__device_ready(device);
    if (*status != DNN_OK) {
        return NULL;
    }
    dnn__device_clear_text();
    if (!reserve(device, capacity, &must_flush)) {
        *status = no_memory(device, bytes, what);
        return NULL;
    }
    if (must_flush) {
        dnn__caching_flush(device);
    }
    s = dnn__slab_alloc(sizeof *s);
    if (s) {
        s->data = raw_alloc(device, capacity);
        if (!s->data) {
            dnn__caching_flush(device);
            s->data = raw_alloc(device, capacity);
        }
    }
    if (!s || !s->data) {
        if (s) {
            dnn__slab_free(s, sizeof *s);
        }
        unreserve(device, capacity);
        *status = no_memory(device, bytes, what);
        return NULL;
    }
    s->device = device;
    s->capacity = capacity;
    s->mem = device->pub.mem;
    pthread_mutex_lock(&device->lock);
    update_peak(device); /* only now: a failed allocation is not part of the peak */
    pthread_mutex_unlock(&device->lock);
    return s;
}

dnn_status dnn__storage_new(dnn__device *device, uint64_t bytes, const char *what,
                            dnn__storage **out)
{
    uint64_t need = device->pub.api && bytes < SMALL ? SMALL : bytes, capacity;
    dnn__storage *s;
    dnn_status status;
    unsigned class;

    if (DNN__UNLIKELY(bytes == 0)) {
        return dnn__storage_of_memory(device, NULL, 0, what, out);
    }
    if (DNN__UNLIKELY(need > (uint64_t)INT64_MAX / 2)) {
        dnn__device_clear_text();
        return no_memory(device, bytes, what);
    }
    class = class_of(need);
    capacity = class_bytes(class);
    pthread_mutex_lock(&device->lock);
    device->requests++;
    s = device->cached[class];
    if (DNN__LIKELY(s && (device->cap == 0 || device->live + (int64_t)capacity <= device->cap))) {
        device->cached[class] = s->next;
        device->cached_bytes -= (int64_t)capacity;
        device->live += (int64_t)capacity;
        device->storages++;
        update_peak(device);
        pthread_mutex_unlock(&device->lock);
    } else {
        pthread_mutex_unlock(&device->lock);
        s = new_block(device, bytes, capacity, what, &status);
        if (!s) {
            return status;
        }
    }
    dnn__storage_own(s, bytes);
    if (!device->pub.api) {
        POISON(s->data, capacity);
        UNPOISON(s->data, bytes);
    }
    *out = s;
    return DNN_OK;
}

/* Releases a storage that outlived dnn_shutdown. A plugin's fini has already freed the memory of
 * its device. */
static void release_closed(dnn__storage *s)
{
    if (s->device == dnn__cpu()) {
        raw_free(s->device, s->data, s->capacity);
    }
    dnn__storage_end(s);
}

void dnn__storage_release(dnn__storage *s)
{
    dnn__device *device;
    unsigned class;

    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (DNN__UNLIKELY(s->capacity == 0)) {
        dnn__storage_end(s);
        return;
    }
    device = s->device;
    class = class_of(s->capacity);
    if (!device->pub.api) {
        POISON(s->data, s->capacity);
    }
    pthread_mutex_lock(&device->lock);
    device->live -= (int64_t)s->capacity;
    if (DNN__UNLIKELY(device->closed)) {
        pthread_mutex_unlock(&device->lock);
        release_closed(s);
        return;
    }
    device->storages--;
    device->cached_bytes += (int64_t)s->capacity;
    s->next = device->cached[class];
    device->cached[class] = s;
    pthread_mutex_unlock(&device->lock);
}

dnn_status dnn__workspace(dnn__device *device, uint64_t bytes, const char *op, dnn__storage **out)
{
    return dnn__storage_new(device, bytes && bytes < ALIGN ? ALIGN : bytes, op, out);
}
