/* device.c - devices by name, their caching allocators, storages, versions, and moves of plain bytes between memories. Tensors,
 * dispatch and the plugin host call it. It knows no operator: what a kernel enqueues it learns by name only. */
#include "memory.h"
#include "plugin_host.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(memory, bytes) ASAN_POISON_MEMORY_REGION(memory, bytes)
#define UNPOISON(memory, bytes) ASAN_UNPOISON_MEMORY_REGION(memory, bytes)
#else
#define POISON(memory, bytes) ((void)(memory), (void)(bytes))
#define UNPOISON(memory, bytes) ((void)(memory), (void)(bytes))
#endif

/* Blocks come in classes: multiples of 64 bytes up to 512, then eight to each power of two, so at most an eighth is lost. */
enum { SMALL_STEP = 64, SMALL = 512, SMALL_CLASSES = SMALL / SMALL_STEP, CLASSES = SMALL_CLASSES + 8 * 54 };
enum { ALIGN = 256, HUGE_PAGE = 2 << 20, PAGE = 4096 };
enum { RECENT = 8, STAGES = 8, STAGE_LEAST = 64 << 10, STAGE_MOST = 4 << 20, MAX_ORDINALS = 64 };

struct stage { /* host memory that the device copies from or to by itself */
    void *data;
    uint64_t bytes;
    void *event; /* after the last copy; NULL: never used */
    bool busy;   /* that copy may still run */
};

struct dnn__device {
    struct dnn__device_public pub; /* first: memory.h reads it */
    pthread_mutex_t lock;          /* of the cache and its numbers */
    dnn__storage *cached[CLASSES]; /* free blocks, as storages without an owner */
    int64_t live, peak, cached_bytes, requests, system_requests, cap;
    int64_t storages; /* that live; when none is left a device that was shut down may go */
    bool closed;      /* shut down: what comes back is not kept */
    pthread_mutex_t stream_lock; /* of all below */
    atomic_bool stream_made;
    struct stage stage[STAGES];
    dnn_status late; /* the error that sticks */
    char late_text[512];
    _Atomic(const char *) recent[RECENT]; /* operators enqueued last, a ring; no lock */
    _Atomic uint32_t n_recent;
};

struct kind {
    const dnn_device *api;
    char name[32];
    int32_t count;
    dnn__device **device;
};

static dnn__device cpu = {
    .pub = {.name = "cpu", .mem = DNN_MEM_HOST},
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .stream_lock = PTHREAD_MUTEX_INITIALIZER,
};
static dnn__device *const cpu_alone[] = {&cpu};

/* Kinds behind cpu. They change at start and shutdown only, which run alone. */
static struct kind kinds[DNN__MAX_KINDS];
static _Atomic int32_t n_kinds = 1;
static _Atomic(dnn__device *) default_device = &cpu;
static bool sync_always; /* DNN_SYNC */

dnn__device *dnn__cpu(void)
{
    return &cpu;
}

/* The devices of a kind. */
static dnn__device *const *devices_of(int32_t kind, int32_t *count)
{
    *count = kind == 0 ? 1 : kinds[kind].count;
    return kind == 0 ? cpu_alone : kinds[kind].device;
}

/* ---- what a plugin answers ---- */

/* Text of a plugin's failure, or a word for its status. */
static const char *plugin_words(dnn_status status)
{
    return dnn__self.plugin_text[0] ? dnn__self.plugin_text : dnn_status_name(status);
}

/* A plugin's status as ours: the message names the device and the call. Every call is preceded by forget(). */
static dnn_status answer(const dnn__device *device, const char *call, dnn_status status)
{
    if (DNN__LIKELY(status == DNN_OK)) {
        return DNN_OK;
    }
    return dnn__fail(status > 0 ? DNN_E_DEVICE : status, "%s: %s: %s", device->pub.name, call, plugin_words(status));
}

static void forget(void)
{
    dnn__self.plugin_text[0] = 0;
}

static bool has_streams(const dnn_device *api)
{
    return DNN_HAS(api, stream_new);
}

/* ---- late errors ---- */

/* Operators enqueued last, the newest first. */
static void put_recent(dnn__device *device, dnn__text *text)
{
    uint32_t n = atomic_load_explicit(&device->n_recent, memory_order_relaxed);

    for (uint32_t i = 0; i < RECENT && i < n; i++) {
        const char *op = atomic_load_explicit(&device->recent[(n - 1 - i) % RECENT], memory_order_relaxed);

        dnn__put(text, "%s%s", i ? ", " : "; enqueued last: ", op ? op : "?");
    }
}

/* Stream_lock is held. The first late error stays: what follows it is its consequence. */
static dnn_status report_late(dnn__device *device)
{
    return dnn__fail(device->late, "%s", device->late_text);
}

static dnn_status stick(dnn__device *device, const char *call, dnn_status status)
{
    dnn__text text;

    if (device->late == DNN_OK) {
        text = dnn__text_to(device->late_text, sizeof device->late_text);
        dnn__put(&text, "%s: %s: %s", device->pub.name, call, plugin_words(status));
        put_recent(device, &text);
        device->late = status > 0 ? DNN_E_DEVICE : status;
    }
    return report_late(device);
}

/* Waits for the stream; stream_lock is held. */
static dnn_status wait_locked(dnn__device *device)
{
    dnn_status status;

    if (device->late != DNN_OK) {
        return report_late(device);
    }
    if (!device->pub.stream) {
        return DNN_OK;
    }
    forget();
    status = device->pub.api->stream_sync(device->pub.ordinal, device->pub.stream);
    if (status != DNN_OK) {
        return stick(device, "waiting for the device", status);
    }
    for (int i = 0; i < STAGES; i++) {
        device->stage[i].busy = false;
    }
    return DNN_OK;
}

dnn_status dnn__device_sync(dnn__device *device)
{
    dnn_status status;

    if (!device->pub.api) {
        return DNN_OK;
    }
    pthread_mutex_lock(&device->stream_lock);
    status = wait_locked(device);
    pthread_mutex_unlock(&device->stream_lock);
    return status;
}

dnn_status dnn__device_enqueued(dnn__device *device, const char *op)
{
    uint32_t n;

    if (!device->pub.stream) {
        return DNN_OK;
    }
    n = atomic_fetch_add_explicit(&device->n_recent, 1, memory_order_relaxed);
    atomic_store_explicit(&device->recent[n % RECENT], op, memory_order_relaxed);
    return DNN__UNLIKELY(sync_always) ? dnn__device_sync(device) : DNN_OK;
}

/* Makes the stream at the first use of an ordinal. */
static dnn_status ready(dnn__device *device)
{
    dnn_status status = DNN_OK;

    if (!device->pub.api || atomic_load_explicit(&device->stream_made, memory_order_acquire)) {
        return DNN_OK;
    }
    pthread_mutex_lock(&device->stream_lock);
    if (!atomic_load_explicit(&device->stream_made, memory_order_relaxed) && has_streams(device->pub.api)) {
        forget();
        status = answer(device, "stream_new", device->pub.api->stream_new(device->pub.ordinal, &device->pub.stream));
    }
    atomic_store_explicit(&device->stream_made, status == DNN_OK, memory_order_release);
    pthread_mutex_unlock(&device->stream_lock);
    return status;
}

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
        return ((uint64_t)class + 1) * SMALL_STEP;
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
    if (block) { /* a hint only: fewer page faults and TLB misses */
        (void)madvise(block, (size_t)bytes & ~(size_t)(PAGE - 1), MADV_HUGEPAGE);
    }
    return block;
}

/* NULL on failure; the plugin's words are in plugin_text. */
static void *raw_alloc(const dnn__device *device, uint64_t bytes)
{
    const dnn_device *api = device->pub.api;
    void *block = NULL;

    forget();
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

/* Takes all cached blocks out of the cache, as a list; the lock is held. */
static dnn__storage *take_cached(dnn__device *device)
{
    dnn__storage *all = NULL, *s;

    for (int class = 0; class < CLASSES && device->cached_bytes > 0; class++) {
        while ((s = device->cached[class]) != NULL) {
            device->cached[class] = s->next;
            device->cached_bytes -= (int64_t)s->capacity;
            s->next = all;
            all = s;
        }
    }
    return all;
}

static void free_list(dnn__device *device, dnn__storage *list)
{
    dnn__storage *s;

    while ((s = list) != NULL) {
        list = s->next;
        raw_free(device, s->data, s->capacity);
        dnn__slab_free(s, sizeof *s);
    }
}

/* Gives cached blocks back; what still runs on them is waited for. */
static void flush(dnn__device *device)
{
    dnn__storage *list;

    pthread_mutex_lock(&device->lock);
    list = take_cached(device);
    pthread_mutex_unlock(&device->lock);
    if (list && device->pub.stream) {
        /* An error here is kept by the device and told at the next wait. */
        (void)dnn__device_sync(device);
    }
    free_list(device, list);
}

/* The lock is held. */
static inline void note_peak(dnn__device *device)
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
    return dnn__fail(DNN_E_NOMEM, "%s: %s bytes on %s: out of memory (%s live, %s cached, cap %s%s%s)", what,
                     dnn__number_text(bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes), device->pub.name,
                     dnn__number_text(live), dnn__number_text(cached), cap > 0 ? dnn__number_text(cap) : "none",
                     dnn__self.plugin_text[0] ? "; " : "", dnn__self.plugin_text);
}

/* Counts `capacity` as live before it is there, so that threads together keep to the cap. */
static bool reserve(dnn__device *device, uint64_t capacity, bool *must_flush)
{
    int64_t bytes = (int64_t)capacity;
    bool fits;

    pthread_mutex_lock(&device->lock);
    fits = device->cap == 0 || (bytes <= device->cap && device->live <= device->cap - bytes);
    *must_flush = fits && device->cap > 0 && device->live + device->cached_bytes > device->cap - bytes;
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

/* A storage that the cache could not serve; NULL and *status on failure. */
static dnn__storage *new_block(dnn__device *device, uint64_t bytes, uint64_t capacity, const char *what,
                               dnn_status *status)
{
    dnn__storage *s;
    bool must_flush;

    *status = ready(device);
    if (*status != DNN_OK) {
        return NULL;
    }
    forget();
    if (!reserve(device, capacity, &must_flush)) {
        *status = no_memory(device, bytes, what);
        return NULL;
    }
    if (must_flush) {
        flush(device);
    }
    s = dnn__slab_alloc(sizeof *s);
    if (s) {
        s->data = raw_alloc(device, capacity);
        if (!s->data) {
            flush(device);
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
    note_peak(device); /* not before: what failed was never there */
    pthread_mutex_unlock(&device->lock);
    return s;
}

static inline void own(dnn__storage *s, uint64_t bytes)
{
    atomic_store_explicit(&s->refs, 1, memory_order_relaxed);
    atomic_store_explicit(&s->handles, 0, memory_order_relaxed);
    s->bytes = bytes;
    s->layout = 0;
    s->release = NULL;
    s->release_ctx = NULL;
    s->next = NULL;
}

/* A storage without a block: an empty one, or one of the program's memory. */
static dnn_status new_bare(dnn__device *device, void *data, uint64_t bytes, const char *what, dnn__storage **out)
{
    dnn__storage *s = dnn__slab_alloc(sizeof *s);

    if (!s) {
        return dnn__nomem(what, sizeof *s);
    }
    own(s, bytes);
    s->device = device;
    s->data = data;
    s->capacity = 0;
    s->mem = device->pub.mem;
    pthread_mutex_lock(&device->lock);
    device->storages++;
    pthread_mutex_unlock(&device->lock);
    *out = s;
    return DNN_OK;
}

dnn_status dnn__storage_new(dnn__device *device, uint64_t bytes, const char *what, dnn__storage **out)
{
    uint64_t need = device->pub.api && bytes < SMALL ? SMALL : bytes, capacity;
    dnn__storage *s;
    dnn_status status;
    unsigned class;

    if (DNN__UNLIKELY(bytes == 0)) {
        return new_bare(device, NULL, 0, what, out);
    }
    if (DNN__UNLIKELY(need > (uint64_t)INT64_MAX / 2)) {
        forget();
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
        note_peak(device);
        pthread_mutex_unlock(&device->lock);
    } else {
        pthread_mutex_unlock(&device->lock);
        s = new_block(device, bytes, capacity, what, &status);
        if (!s) {
            return status;
        }
    }
    own(s, bytes);
    if (!device->pub.api) {
        POISON(s->data, capacity);
        UNPOISON(s->data, bytes);
    }
    *out = s;
    return DNN_OK;
}

dnn_status dnn__storage_borrow(void *data, uint64_t bytes, void (*release)(void *), void *ctx, dnn__storage **out)
{
    dnn__storage *s = NULL;
    dnn_status status = new_bare(&cpu, bytes ? data : NULL, bytes, "buffer", &s);

    if (status != DNN_OK) {
        if (release) {
            release(ctx);
        }
        return status;
    }
    s->release = release;
    s->release_ctx = ctx;
    *out = s;
    return DNN_OK;
}

static void device_free(dnn__device *device)
{
    pthread_mutex_destroy(&device->lock);
    pthread_mutex_destroy(&device->stream_lock);
    dnn__free(device);
}

/* The end of a storage that does not go to the cache. */
__attribute__((noinline)) static void release_bare(dnn__storage *s)
{
    dnn__device *device = s->device;
    bool last;

    if (s->release) {
        s->release(s->release_ctx);
    }
    dnn__slab_free(s, sizeof *s);
    pthread_mutex_lock(&device->lock);
    last = --device->storages == 0 && device->closed && device != &cpu;
    pthread_mutex_unlock(&device->lock);
    if (last) {
        device_free(device);
    }
}

/* A block that outlived dnn_shutdown. The memory of a plugin's device went with its fini. */
static void release_closed(dnn__storage *s)
{
    if (s->device == &cpu) {
        raw_free(s->device, s->data, s->capacity);
    }
    release_bare(s);
}

void dnn__storage_release(dnn__storage *s)
{
    dnn__device *device;
    unsigned class;

    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (DNN__UNLIKELY(s->capacity == 0)) {
        release_bare(s);
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

dnn__version *dnn__version_new(void)
{
    dnn__version *v = dnn__slab_alloc(sizeof *v);

    if (v) {
        atomic_store_explicit(&v->refs, 1, memory_order_relaxed);
        atomic_store_explicit(&v->count, 0, memory_order_relaxed);
    }
    return v;
}

void dnn__version_release(dnn__version *v)
{
    if (v && atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) == 1) {
        dnn__slab_free(v, sizeof *v);
    }
}

/* ---- moves of bytes ---- */

/* Is this buffer free? Stream_lock is held. */
static dnn_status stage_free(dnn__device *device, struct stage *stage, bool *is_free)
{
    int32_t done = 1;
    dnn_status status;

    if (stage->busy) {
        forget();
        status = device->pub.api->event_done(device->pub.ordinal, stage->event, &done);
        if (status != DNN_OK) {
            return stick(device, "event_done", status);
        }
        stage->busy = done == 0;
    }
    *is_free = !stage->busy;
    return DNN_OK;
}

/* Gives the buffer at least `bytes`; it is free. */
static dnn_status stage_grow(dnn__device *device, struct stage *stage, uint64_t bytes)
{
    const dnn_device *api = device->pub.api;
    uint64_t room = STAGE_LEAST;

    while (room < bytes) {
        room *= 2;
    }
    if (stage->bytes >= bytes) {
        return DNN_OK;
    }
    if (stage->data) {
        api->free(device->pub.ordinal, stage->data, DNN_MEM_HOST | DNN_MEM_PINNED);
        stage->data = NULL;
        stage->bytes = 0;
    }
    forget();
    DNN_TRY(answer(device, "alloc of pinned memory",
                   api->alloc(device->pub.ordinal, room, DNN_MEM_HOST | DNN_MEM_PINNED, &stage->data)));
    stage->bytes = room;
    return DNN_OK;
}

/* A free buffer of at least `bytes`: a fitting one first, then any, else the wait for all of them. */
static dnn_status stage_take(dnn__device *device, uint64_t bytes, struct stage **out)
{
    struct stage *found = NULL;
    bool is_free = false;

    for (int i = 0; i < STAGES && !(found && found->bytes >= bytes); i++) {
        struct stage *stage = &device->stage[i];

        DNN_TRY(stage_free(device, stage, &is_free));
        if (is_free && (!found || stage->bytes >= bytes)) {
            found = stage;
        }
    }
    if (!found) {
        DNN_TRY(wait_locked(device));
        found = &device->stage[0];
    }
    DNN_TRY(stage_grow(device, found, bytes));
    *out = found;
    return DNN_OK;
}

static uint64_t part_of(uint64_t bytes)
{
    return bytes < STAGE_MOST ? bytes : STAGE_MOST;
}

static dnn_status copy_call(dnn__device *device, void *dst, uint32_t dst_mem, const void *src, uint32_t src_mem,
                            uint64_t bytes)
{
    forget();
    return answer(device, "copy", device->pub.api->copy(device->pub.ordinal, device->pub.stream, dst, dst_mem, src,
                                                        src_mem, bytes));
}

/* Through pinned memory, part by part; stream_lock is held. */
static dnn_status write_staged(dnn__device *device, char *dst, const char *host, uint64_t bytes)
{
    struct stage *stage;
    dnn_status status;
    uint64_t part;

    for (; bytes > 0; bytes -= part, dst += part, host += part) {
        part = part_of(bytes);
        DNN_TRY(stage_take(device, part, &stage));
        memcpy(stage->data, host, (size_t)part);
        DNN_TRY(copy_call(device, dst, DNN_MEM_DEVICE, stage->data, DNN_MEM_HOST | DNN_MEM_PINNED, part));
        forget();
        status = device->pub.api->event_record(device->pub.ordinal, device->pub.stream, &stage->event);
        stage->busy = true;
        if (status != DNN_OK) {
            return stick(device, "event_record", status);
        }
    }
    return DNN_OK;
}

static dnn_status read_staged(dnn__device *device, char *host, const char *src, uint64_t bytes)
{
    struct stage *stage;
    uint64_t part;

    for (; bytes > 0; bytes -= part, src += part, host += part) {
        part = part_of(bytes);
        DNN_TRY(stage_take(device, part, &stage));
        DNN_TRY(copy_call(device, stage->data, DNN_MEM_HOST | DNN_MEM_PINNED, src, DNN_MEM_DEVICE, part));
        DNN_TRY(wait_locked(device));
        memcpy(host, stage->data, (size_t)part);
    }
    return DNN_OK;
}

static dnn_status check_range(const dnn__storage *s, uint64_t offset, uint64_t bytes)
{
    if (offset > s->bytes || bytes > s->bytes - offset) {
        return dnn__fail(DNN_E_INTERNAL, "storage: bytes %llu to %llu of a storage of %llu bytes on %s",
                         (unsigned long long)offset, (unsigned long long)(offset + bytes),
                         (unsigned long long)s->bytes, s->device->pub.name);
    }
    return DNN_OK;
}

dnn_status dnn__storage_read(dnn__storage *s, uint64_t offset, void *host, uint64_t bytes)
{
    dnn__device *device = s->device;
    dnn_status status;
    char *src;

    DNN_TRY(check_range(s, offset, bytes));
    if (bytes == 0) {
        return DNN_OK;
    }
    src = (char *)s->data + offset;
    if (!device->pub.api) {
        memcpy(host, src, (size_t)bytes);
        return DNN_OK;
    }
    pthread_mutex_lock(&device->stream_lock);
    if (device->late != DNN_OK) {
        status = report_late(device);
    } else if (device->pub.stream) {
        status = read_staged(device, host, src, bytes);
    } else {
        status = copy_call(device, host, DNN_MEM_HOST, src, DNN_MEM_DEVICE, bytes);
    }
    pthread_mutex_unlock(&device->stream_lock);
    return status;
}

dnn_status dnn__storage_write(dnn__storage *s, uint64_t offset, const void *host, uint64_t bytes)
{
    dnn__device *device = s->device;
    dnn_status status;
    char *dst;

    DNN_TRY(check_range(s, offset, bytes));
    if (bytes == 0) {
        return DNN_OK;
    }
    dst = (char *)s->data + offset;
    if (!device->pub.api) {
        memcpy(dst, host, (size_t)bytes);
        return DNN_OK;
    }
    pthread_mutex_lock(&device->stream_lock);
    if (device->late != DNN_OK) {
        status = report_late(device);
    } else if (device->pub.stream) {
        status = write_staged(device, dst, host, bytes);
    } else {
        status = copy_call(device, dst, DNN_MEM_DEVICE, host, DNN_MEM_HOST, bytes);
    }
    pthread_mutex_unlock(&device->stream_lock);
    return status;
}

/* Between devices that cannot reach each other, part by part through host memory. */
static dnn_status copy_by_host(dnn__storage *dst, uint64_t dst_offset, dnn__storage *src, uint64_t src_offset,
                               uint64_t bytes)
{
    uint64_t part = part_of(bytes);
    void *host = dnn__alloc((size_t)part);
    dnn_status st = DNN_OK;

    if (!host) {
        return dnn__nomem("copy between devices", (size_t)part);
    }
    for (uint64_t at = 0; at < bytes; at += part) {
        part = part_of(bytes - at);
        DNN_TRY_TO(done, dnn__storage_read(src, src_offset + at, host, part));
        DNN_TRY_TO(done, dnn__storage_write(dst, dst_offset + at, host, part));
    }
done:
    dnn__free(host);
    return st;
}

static dnn_status copy_inside(dnn__device *device, char *dst, const char *src, uint64_t bytes)
{
    dnn_status status;

    if (!device->pub.api) {
        memmove(dst, src, (size_t)bytes);
        return DNN_OK;
    }
    pthread_mutex_lock(&device->stream_lock);
    status = device->late != DNN_OK ? report_late(device)
                                    : copy_call(device, dst, DNN_MEM_DEVICE, src, DNN_MEM_DEVICE, bytes);
    pthread_mutex_unlock(&device->stream_lock);
    return status;
}

dnn_status dnn__storage_copy(dnn__storage *dst, uint64_t dst_offset, dnn__storage *src, uint64_t src_offset,
                             uint64_t bytes)
{
    DNN_TRY(check_range(dst, dst_offset, bytes));
    DNN_TRY(check_range(src, src_offset, bytes));
    if (bytes == 0) {
        return DNN_OK;
    }
    if (dst->device == src->device) {
        return copy_inside(dst->device, (char *)dst->data + dst_offset, (const char *)src->data + src_offset, bytes);
    }
    if (src->device == &cpu) {
        return dnn__storage_write(dst, dst_offset, (const char *)src->data + src_offset, bytes);
    }
    if (dst->device == &cpu) {
        return dnn__storage_read(src, src_offset, (char *)dst->data + dst_offset, bytes);
    }
    return copy_by_host(dst, dst_offset, src, src_offset, bytes);
}

/* ---- kinds and names ---- */

static dnn__device *device_make(const dnn_device *api, int32_t kind, int32_t ordinal)
{
    dnn__device *device = dnn__calloc(1, sizeof *device);
    dnn__text name;

    if (device) {
        name = dnn__text_to(device->pub.name, sizeof device->pub.name);
        dnn__put(&name, "%s:%d", api->kind, ordinal);
        device->pub.kind = kind;
        device->pub.ordinal = ordinal;
        device->pub.api = api;
        device->pub.mem = DNN_MEM_DEVICE;
        pthread_mutex_init(&device->lock, NULL);
        pthread_mutex_init(&device->stream_lock, NULL);
    }
    return device;
}

static void kind_free(struct kind *kind)
{
    for (int32_t i = 0; i < kind->count; i++) {
        if (kind->device[i]) {
            device_free(kind->device[i]);
        }
    }
    dnn__free(kind->device);
    *kind = (struct kind){0};
}

dnn_status dnn__device_add_kind(const dnn_device *api, int32_t *kind, int32_t *count)
{
    int32_t at = atomic_load_explicit(&n_kinds, memory_order_relaxed), n = 0;
    const char *sync = secure_getenv("DNN_SYNC");
    dnn_status status;

    if (strlen(api->kind) >= sizeof kinds[0].name || dnn__kind_named(api->kind) >= 0) {
        return dnn__fail(DNN_E_INVALID, "device kind \"%.40s\": %s", api->kind,
                         dnn__kind_named(api->kind) >= 0 ? "another plugin brings it" : "the name has more than 31 bytes");
    }
    if (at == DNN__MAX_KINDS) {
        return dnn__fail(DNN_E_INVALID, "device kind \"%s\": there are %d already", api->kind, at);
    }
    forget();
    status = api->count(&n);
    if (status != DNN_OK || n < 0) {
        return dnn__fail(status < 0 ? status : DNN_E_DEVICE, "%s: count: %s", api->kind,
                         status == DNN_OK ? "negative" : plugin_words(status));
    }
    n = n < MAX_ORDINALS ? n : MAX_ORDINALS;
    kinds[at] = (struct kind){.api = api, .count = n, .device = dnn__calloc((size_t)n, sizeof(dnn__device *))};
    memcpy(kinds[at].name, api->kind, strlen(api->kind) + 1);
    if (!kinds[at].device) {
        kinds[at] = (struct kind){0};
        return dnn__nomem(api->kind, (size_t)n * sizeof(dnn__device *));
    }
    for (int32_t i = 0; i < n; i++) {
        kinds[at].device[i] = device_make(api, at, i);
        if (!kinds[at].device[i]) {
            kind_free(&kinds[at]);
            return dnn__nomem(api->kind, sizeof(dnn__device));
        }
    }
    sync_always = sync && strcmp(sync, "1") == 0;
    atomic_store_explicit(&n_kinds, at + 1, memory_order_release);
    *kind = at;
    *count = n;
    return DNN_OK;
}

int32_t dnn__kind_named(const char *kind)
{
    int32_t n = atomic_load_explicit(&n_kinds, memory_order_acquire);

    for (int32_t i = 0; i < n; i++) {
        if (strcmp(dnn__kind_name(i), kind) == 0) {
            return i;
        }
    }
    return -1;
}

const char *dnn__kind_name(int32_t kind)
{
    return kind == 0 ? "cpu" : kinds[kind].name;
}

void dnn__device_set_default(int32_t kind)
{
    int32_t count;
    dnn__device *const *device = devices_of(kind, &count);

    if (count > 0) {
        atomic_store_explicit(&default_device, device[0], memory_order_release);
    }
}

/* By its name among those that are there; NULL if there is none. "kind" is its ordinal 0. */
static dnn__device *find(const char *name)
{
    int32_t n = atomic_load_explicit(&n_kinds, memory_order_acquire), count;

    if (strcmp(name, "cpu") == 0) {
        return &cpu;
    }
    for (int32_t kind = 1; kind < n; kind++) {
        dnn__device *const *device = devices_of(kind, &count);

        if (count > 0 && strcmp(kinds[kind].name, name) == 0) {
            return device[0];
        }
        for (int32_t i = 0; i < count; i++) {
            if (strcmp(device[i]->pub.name, name) == 0) {
                return device[i];
            }
        }
    }
    return NULL;
}

static dnn_status not_found(const char *name)
{
    char list[512];
    dnn__text text = dnn__text_to(list, sizeof list);
    int32_t n = atomic_load_explicit(&n_kinds, memory_order_acquire), count;

    dnn__put(&text, "cpu");
    for (int32_t kind = 1; kind < n; kind++) {
        dnn__device *const *device = devices_of(kind, &count);

        for (int32_t i = 0; i < count; i++) {
            dnn__put(&text, ", %s", device[i]->pub.name);
        }
        if (count == 0) {
            dnn__put(&text, " (%s has a plugin, but this machine has no such device)", kinds[kind].name);
        }
    }
    return dnn__fail(DNN_E_DEVICE, "device \"%.64s\": there is none of that name; there are: %s", name, list);
}

dnn_status dnn__device_named(const char *name, dnn__device **out)
{
    dnn__device *device;

    DNN_TRY(dnn__start());
    device = name ? find(name) : atomic_load_explicit(&default_device, memory_order_acquire);
    if (!device) {
        return not_found(name);
    }
    if (device != &cpu) {
        DNN_TRY(ready(device));
    }
    *out = device;
    return DNN_OK;
}

/* ---- shutdown ---- */

static void stages_free(dnn__device *device)
{
    const dnn_device *api = device->pub.api;

    for (int i = 0; i < STAGES; i++) {
        struct stage *stage = &device->stage[i];

        if (stage->event) {
            api->event_del(device->pub.ordinal, stage->event);
        }
        if (stage->data) {
            api->free(device->pub.ordinal, stage->data, DNN_MEM_HOST | DNN_MEM_PINNED);
        }
        *stage = (struct stage){0};
    }
}

/* True if nothing of it is in use any more. */
static bool device_close(dnn__device *device)
{
    dnn__storage *list;
    bool idle;

    if (dnn__device_sync(device) != DNN_OK) {
        dnn__log(DNN_LOG_ERROR, "shutdown: %s", device->late_text);
        if (device->pub.stream) { /* whatever still runs must not run on memory that is given back */
            (void)device->pub.api->stream_sync(device->pub.ordinal, device->pub.stream);
        }
    }
    pthread_mutex_lock(&device->lock);
    list = take_cached(device);
    device->closed = true;
    device->peak = device->requests = device->system_requests = device->cap = 0;
    idle = device->storages == 0;
    pthread_mutex_unlock(&device->lock);
    free_list(device, list);
    if (device->pub.api) {
        stages_free(device);
        if (device->pub.stream) {
            device->pub.api->stream_del(device->pub.ordinal, device->pub.stream);
            device->pub.stream = NULL;
        }
    }
    return idle;
}

void dnn__device_shutdown(void)
{
    int32_t n = atomic_load_explicit(&n_kinds, memory_order_acquire);

    atomic_store_explicit(&default_device, &cpu, memory_order_release);
    for (int32_t kind = 1; kind < n; kind++) {
        for (int32_t i = 0; i < kinds[kind].count; i++) {
            if (!device_close(kinds[kind].device[i])) {
                /* The last of its storages frees it. */
                kinds[kind].device[i] = NULL;
            }
        }
        kind_free(&kinds[kind]);
    }
    atomic_store_explicit(&n_kinds, 1, memory_order_release);
    (void)device_close(&cpu);
}

/* ---- public ---- */

/* NULL is cpu; only a name of another device starts the library. */
static dnn_status device_of_call(const char *name, dnn__device **out)
{
    if (!name || strcmp(name, "cpu") == 0) {
        *out = &cpu;
        return DNN_OK;
    }
    return dnn__device_named(name, out);
}

static int64_t live_of(dnn__device *device)
{
    int64_t live;

    pthread_mutex_lock(&device->lock);
    live = device->live;
    pthread_mutex_unlock(&device->lock);
    return live;
}

/* What to do with one device, or with all. */
static dnn_status each_device(dnn_status (*fn)(dnn__device *device))
{
    int32_t n = atomic_load_explicit(&n_kinds, memory_order_acquire), count;

    for (int32_t kind = 0; kind < n; kind++) {
        dnn__device *const *device = devices_of(kind, &count);

        for (int32_t i = 0; i < count; i++) {
            DNN_TRY(fn(device[i]));
        }
    }
    return DNN_OK;
}

int64_t dnn_live_bytes(const char *device)
{
    int32_t n = atomic_load_explicit(&n_kinds, memory_order_acquire), count;
    dnn__device *one = device ? find(device) : NULL;
    int64_t sum = 0;

    if (device) {
        return one ? live_of(one) : 0;
    }
    for (int32_t kind = 0; kind < n; kind++) {
        dnn__device *const *of_kind = devices_of(kind, &count);

        for (int32_t i = 0; i < count; i++) {
            sum += live_of(of_kind[i]);
        }
    }
    return sum;
}

dnn_status dnn_memory_stats(const char *device, dnn_memory *out)
{
    dnn__device *d = NULL;

    DNN_TRY(dnn__require(out, "dnn_memory_stats", "out"));
    DNN_TRY(device_of_call(device, &d));
    pthread_mutex_lock(&d->lock);
    *out = (dnn_memory){.live_bytes = d->live, .peak_bytes = d->peak, .cached_bytes = d->cached_bytes,
                        .requests = d->requests, .system_requests = d->system_requests, .cap_bytes = d->cap};
    pthread_mutex_unlock(&d->lock);
    return DNN_OK;
}

dnn_status dnn_set_memory_cap(const char *device, int64_t bytes)
{
    dnn__device *d = NULL;

    if (bytes < 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_set_memory_cap: %lld bytes, must be 0 (none) or more", (long long)bytes);
    }
    DNN_TRY(device_of_call(device, &d));
    pthread_mutex_lock(&d->lock);
    d->cap = bytes;
    pthread_mutex_unlock(&d->lock);
    if (bytes > 0) { /* what is held for reuse counts */
        flush(d);
    }
    return DNN_OK;
}

static dnn_status empty_cache(dnn__device *device)
{
    flush(device);
    return DNN_OK;
}

dnn_status dnn_empty_cache(const char *device)
{
    dnn__device *d = NULL;

    if (!device) {
        return each_device(empty_cache);
    }
    DNN_TRY(device_of_call(device, &d));
    return empty_cache(d);
}

const char *dnn_default_device(void)
{
    dnn__device *device = NULL;
    dnn_status status = dnn__device_named(NULL, &device);

    return status == DNN_OK ? device->pub.name : dnn__null(status);
}

dnn_status dnn_synchronize(const char *device)
{
    dnn__device *d = NULL;

    if (!device) {
        return each_device(dnn__device_sync);
    }
    DNN_TRY(device_of_call(device, &d));
    return dnn__device_sync(d);
}
