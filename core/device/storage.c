/* storage.c - storages that no free list serves: empty ones, those without a block, buffers of the
 * program. Also swaps blocks and makes versions. caching_allocator.c makes all other storages. */
#include "device_impl.h"

DNN__THREAD_LOCAL int dnn__dry_run;

/* Makes a storage without an allocated block: an empty one, or one on memory of the program. */
dnn_status dnn__storage_of_memory(dnn__device *device, void *data, uint64_t bytes, const char *what,
                                  dnn__storage **out)
{
    dnn__storage *s = dnn__slab_alloc(sizeof *s);

    if (!s) {
        return dnn__nomem(what, sizeof *s);
    }
    dnn__storage_own(s, bytes);
    s->device = device;
    s->data = data;
    s->capacity = 0;
    s->block = NULL;
    s->mem = device->pub.mem;
    pthread_mutex_lock(&device->lock);
    device->storages++;
    pthread_mutex_unlock(&device->lock);
    *out = s;
    return DNN_OK;
}

dnn_status dnn__storage_bare(dnn__device *device, uint64_t bytes, const char *what,
                             dnn__storage **out)
{
    return dnn__storage_of_memory(device, NULL, bytes, what, out);
}

dnn_status dnn__storage_borrow(void *data, uint64_t bytes, void (*release)(void *), void *ctx,
                               dnn__storage **out)
{
    dnn__storage *s = NULL;
    dnn_status status =
        dnn__storage_of_memory(dnn__cpu(), bytes ? data : NULL, bytes, "buffer", &s);

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

void dnn__device_free(dnn__device *device)
{
    pthread_mutex_destroy(&device->lock);
    pthread_mutex_destroy(&device->stream_lock);
    dnn__free(device);
}

/* Frees a storage that does not go to the cache. */
void dnn__storage_end(dnn__storage *s)
{
    dnn__device *device = s->device;
    bool last;

    if (s->release) {
        s->release(s->release_ctx);
    }
    dnn__slab_free(s, sizeof *s);
    pthread_mutex_lock(&device->lock);
    last = --device->storages == 0 && device->closed && device != dnn__cpu();
    pthread_mutex_unlock(&device->lock);
    if (last) {
        dnn__device_free(device);
    }
}

void dnn__storage_exchange(dnn__storage *a, dnn__storage *b)
{
    void *data = a->data;
    uint64_t bytes = a->bytes, capacity = a->capacity;
    uint32_t mem = a->mem, layout = dnn__layout_of(a);
    dnn__block *block = a->block;

    a->data = b->data;
    a->bytes = b->bytes;
    a->capacity = b->capacity;
    a->block = b->block;
    a->mem = b->mem;
    b->data = data;
    b->bytes = bytes;
    b->capacity = capacity;
    b->block = block;
    b->mem = mem;
    /* Stored last (release): a thread that reads layout 0 then also reads the strided bytes. */
    atomic_store_explicit(&a->layout, dnn__layout_of(b), memory_order_release);
    atomic_store_explicit(&b->layout, layout, memory_order_release);
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
