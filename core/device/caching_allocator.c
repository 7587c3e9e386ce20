/* caching_allocator.c - the memory blocks of a device: size classes for the small ones, whose free
 * list links the storages themselves, large_blocks.c for the others. Freeing never allocates.
 * Tensors and dispatch get their storages here. */
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

    if (bytes < LARGE) {
        return dnn__alloc_aligned((size_t)bytes, bytes >= ALIGN ? ALIGN : SMALL_STEP);
    }
    block = dnn__alloc_pages((size_t)bytes, bytes < HUGE_PAGE ? LARGE_STEP : HUGE_PAGE);
    /* Only a hint: huge pages give fewer page faults and TLB misses. */
    if (block && bytes >= HUGE_PAGE) {
        (void)madvise(block, (size_t)bytes, MADV_HUGEPAGE);
    }
    return block;
}

static void free_host_block(void *block, uint64_t bytes)
{
    UNPOISON(block, bytes);
    if (bytes < LARGE) {
        dnn__free(block);
    } else {
        dnn__free_pages(block, (size_t)bytes);
    }
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
        free_host_block(block, bytes);
    } else {
        device->pub.api->free(device->pub.ordinal, block, DNN_MEM_DEVICE);
    }
}

/* ---- what leaves the cache ---- */

static bool remove_small(dnn__device *device, struct leavers *out)
{
    dnn__storage *s;

    for (int class = CLASSES - 1; class >= 0; class --) {
        s = device->cached[class];
        if (s) {
            device->cached[class] = s->next;
            device->cached_bytes -= (int64_t)s->capacity;
            s->next = out->small;
            out->small = s;
            return true;
        }
    }
    return false;
}

static bool remove_large(dnn__device *device, struct leavers *out)
{
    dnn__block *b = dnn__large_remove_oldest(device);

    if (b) {
        b->link[IN_BIN].next = out->large;
        out->large = b;
    }
    return b != NULL;
}

struct leavers dnn__caching_remove_all(dnn__device *device)
{
    struct leavers all = {0};

    while (remove_large(device, &all) ||
           (device->cached_bytes > device->large_cached && remove_small(device, &all))) {
    }
    return all;
}

static int64_t most_cached(const dnn__device *device)
{
    int64_t peak =
        device->window_peak > device->earlier_peak ? device->window_peak : device->earlier_peak;

    return peak + peak / 4 > CACHE_LEAST ? peak + peak / 4 : CACHE_LEAST;
}

/* Removes blocks until the cache is within its bound, from the kind that holds more of it; the
 * large block that came last goes last. The lock is held. */
static struct leavers remove_surplus(dnn__device *device)
{
    struct leavers surplus = {0};
    int64_t most = most_cached(device);

    while (device->cached_bytes > most) {
        bool large_first = device->whole.first != device->whole.last &&
                           device->large_cached >= device->cached_bytes - device->large_cached;

        if (!(large_first && remove_large(device, &surplus)) && !remove_small(device, &surplus) &&
            !remove_large(device, &surplus)) {
            break; /* the rest are parts of blocks in use */
        }
    }
    return surplus;
}

void dnn__caching_free(dnn__device *device, struct leavers leavers)
{
    dnn__storage *s;
    dnn__block *b;

    while ((s = leavers.small) != NULL) {
        leavers.small = s->next;
        raw_free(device, s->data, s->capacity);
        dnn__slab_free(s, sizeof *s);
    }
    while ((b = leavers.large) != NULL) {
        leavers.large = b->link[IN_BIN].next;
        raw_free(device, b->data, b->bytes);
        dnn__slab_free(b, sizeof *b);
    }
}

/* Frees what left the cache. Waits for the stream first, because enqueued work may still use it. */
static void free_after_wait(dnn__device *device, struct leavers leavers)
{
    if ((leavers.small || leavers.large) && device->pub.stream) {
        /* The device stores an error of this wait and reports it at the next one. */
        (void)dnn__device_sync(device);
    }
    dnn__caching_free(device, leavers);
}

void dnn__caching_flush(dnn__device *device)
{
    struct leavers all;

    pthread_mutex_lock(&device->lock);
    all = dnn__caching_remove_all(device);
    pthread_mutex_unlock(&device->lock);
    free_after_wait(device, all);
}

void dnn__caching_set_cap(dnn__device *device, int64_t bytes, bool by_program)
{
    pthread_mutex_lock(&device->lock);
    device->cap = bytes;
    device->cap_by_program = by_program;
    pthread_mutex_unlock(&device->lock);
    if (bytes > 0) { /* cached blocks count toward the cap */
        dnn__caching_flush(device);
    }
}

static void trim(dnn__device *device)
{
    struct leavers surplus;

    pthread_mutex_lock(&device->lock);
    surplus = remove_surplus(device);
    pthread_mutex_unlock(&device->lock);
    free_after_wait(device, surplus);
}

/* ---- counts ---- */

/* The lock is held. */
static inline void update_peak(dnn__device *device)
{
    if (device->live > device->peak) {
        device->peak = device->live;
    }
    if (device->live > device->window_peak) {
        device->window_peak = device->live;
    }
}

/* The lock is held. */
static inline void count_request(dnn__device *device)
{
    if (DNN__UNLIKELY((++device->requests & (WINDOW - 1)) == 0)) {
        device->earlier_peak = device->window_peak;
        device->window_peak = device->live;
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

/* Parts of blocks in use stay in the cache when it is flushed. They count toward the cap too. */
static bool within_cap(dnn__device *device)
{
    bool within;

    pthread_mutex_lock(&device->lock);
    within = device->cap == 0 || device->live + device->cached_bytes <= device->cap;
    pthread_mutex_unlock(&device->lock);
    return within;
}

/* Gives the storage a block of the system. */
static bool fill(dnn__device *device, dnn__storage *s, uint64_t capacity)
{
    s->block = NULL;
    s->data = raw_alloc(device, capacity);
    if (!s->data) {
        dnn__caching_flush(device);
        s->data = raw_alloc(device, capacity);
    }
    if (s->data && capacity >= LARGE) {
        s->block = dnn__large_new(s->data, capacity);
        if (!s->block) {
            raw_free(device, s->data, capacity);
            s->data = NULL;
        }
    }
    return s->data != NULL;
}

/* Makes a storage with a new block. Returns NULL and sets *status on failure. */
static dnn__storage *new_block(dnn__device *device, uint64_t bytes, uint64_t capacity,
                               const char *what, dnn_status *status)
{
    dnn__storage *s = NULL;
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
    } else {
        trim(device);
    }
    if (!must_flush || within_cap(device)) {
        s = dnn__slab_alloc(sizeof *s);
    }
    if (!s || !fill(device, s, capacity)) {
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

/* Returns a storage on a block of the cache, or NULL. The lock is held. */
static inline dnn__storage *take_small(dnn__device *device, unsigned class)
{
    dnn__storage *s = device->cached[class];

    if (DNN__LIKELY(s != NULL)) {
        device->cached[class] = s->next;
        device->cached_bytes -= (int64_t)s->capacity;
    }
    return s;
}

static dnn__storage *take_large(dnn__device *device, uint64_t capacity)
{
    dnn__block *block = dnn__large_take(device, capacity);
    dnn__storage *s = block ? dnn__slab_alloc(sizeof *s) : NULL;

    if (s) {
        s->device = device;
        s->data = block->data;
        s->capacity = block->bytes;
        s->block = block;
        s->mem = device->pub.mem;
    } else if (block) {
        (void)dnn__large_release(device, block);
    }
    return s;
}

dnn_status dnn__storage_new(dnn__device *device, uint64_t bytes, const char *what,
                            dnn__storage **out)
{
    uint64_t need = device->pub.api && bytes < SMALL ? SMALL : bytes, capacity;
    dnn__storage *s = NULL;
    dnn_status status;
    unsigned class = 0;

    if (DNN__UNLIKELY(bytes == 0)) {
        return dnn__storage_of_memory(device, NULL, 0, what, out);
    }
    if (DNN__UNLIKELY(need > (uint64_t)INT64_MAX / 2)) {
        dnn__device_clear_text();
        return no_memory(device, bytes, what);
    }
    if (need < LARGE) {
        class = class_of(need);
        capacity = class_bytes(class);
    } else {
        capacity = (need + LARGE_STEP - 1) & ~(uint64_t)(LARGE_STEP - 1);
    }
    pthread_mutex_lock(&device->lock);
    count_request(device);
    if (DNN__LIKELY(device->cap == 0 || device->live + (int64_t)capacity <= device->cap)) {
        s = need < LARGE ? take_small(device, class) : take_large(device, capacity);
    }
    if (DNN__LIKELY(s != NULL)) {
        device->live += (int64_t)s->capacity;
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
        POISON(s->data, s->capacity);
        UNPOISON(s->data, bytes);
    }
    *out = s;
    return DNN_OK;
}

/* Releases a storage that outlived dnn_shutdown. A plugin's fini has already freed the memory of
 * its device. `whole`: the system block of a large storage, if no other storage uses it. */
static void release_closed(dnn__storage *s, dnn__block *whole)
{
    if (s->device == dnn__cpu() && !s->block) {
        raw_free(s->device, s->data, s->capacity);
    }
    if (whole) {
        if (s->device == dnn__cpu()) {
            raw_free(s->device, whole->data, whole->bytes);
        }
        dnn__slab_free(whole, sizeof *whole);
    }
    dnn__storage_end(s);
}

/* The lock is held. Returns true if the storage itself went to the free list. */
static bool put_into_cache(dnn__device *device, dnn__storage *s)
{
    unsigned class;

    if (s->block) {
        (void)dnn__large_release(device, s->block);
        return false;
    }
    class = class_of(s->capacity);
    device->cached_bytes += (int64_t)s->capacity;
    s->next = device->cached[class];
    device->cached[class] = s;
    return true;
}

void dnn__storage_release(dnn__storage *s)
{
    struct leavers surplus = {0};
    dnn__device *device;
    dnn__block *whole;
    bool cached;

    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (DNN__UNLIKELY(s->capacity == 0)) {
        dnn__storage_end(s);
        return;
    }
    device = s->device;
    if (!device->pub.api) {
        POISON(s->data, s->capacity);
    }
    pthread_mutex_lock(&device->lock);
    device->live -= (int64_t)s->capacity;
    if (DNN__UNLIKELY(device->closed)) {
        whole = s->block ? dnn__large_release(device, s->block) : NULL;
        pthread_mutex_unlock(&device->lock);
        release_closed(s, whole);
        return;
    }
    device->storages--;
    cached = put_into_cache(device, s);
    /* On other devices new_block trims: that has to wait for the stream. */
    if (DNN__UNLIKELY(device->cached_bytes > CACHE_LEAST) && !device->pub.api) {
        surplus = remove_surplus(device);
    }
    pthread_mutex_unlock(&device->lock);
    if (!cached) {
        dnn__slab_free(s, sizeof *s);
    }
    if (DNN__UNLIKELY(surplus.small != NULL || surplus.large != NULL)) {
        dnn__caching_free(device, surplus);
    }
}

dnn_status dnn__workspace(dnn__device *device, uint64_t bytes, const char *op, dnn__storage **out)
{
    return dnn__storage_new(device, bytes && bytes < ALIGN ? ALIGN : bytes, op, out);
}
