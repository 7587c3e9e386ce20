/* large_blocks.c - the blocks of 1 MiB and more of a device. A block of the system is split for a
 * smaller request, and a part that is released merges with its idle neighbours, so that tensors of
 * changing sizes share memory. caching_allocator.c calls it with the device's lock held. */
#include "device_impl.h"

/* A system block serves only requests of at least a quarter of its size. Otherwise one small tensor
 * that lives long would keep a block of any size from the system. */
enum { MOST_SHARES = 4 };

static unsigned bin_of(uint64_t bytes)
{
    unsigned power = 63u - (unsigned)__builtin_clzll(bytes);

    return power < 20 ? 0 : 1 + 8 * (power - 20) + (unsigned)(bytes >> (power - 3)) - 8;
}

static void insert_last(struct block_list *list, dnn__block *b, int which)
{
    b->link[which].next = NULL;
    b->link[which].prev = list->last;
    *(list->last ? &list->last->link[which].next : &list->first) = b;
    list->last = b;
}

static void remove_from(struct block_list *list, dnn__block *b, int which)
{
    dnn__block *prev = b->link[which].prev, *next = b->link[which].next;

    *(prev ? &prev->link[which].next : &list->first) = next;
    *(next ? &next->link[which].prev : &list->last) = prev;
}

static bool is_whole(const dnn__block *b)
{
    return b->bytes == b->system_bytes;
}

static void make_idle(dnn__device *device, dnn__block *b)
{
    b->idle = true;
    insert_last(&device->bin[bin_of(b->bytes)], b, IN_BIN);
    if (is_whole(b)) {
        insert_last(&device->whole, b, IN_WHOLE);
    }
    device->large_cached += (int64_t)b->bytes;
    device->cached_bytes += (int64_t)b->bytes;
}

static void make_busy(dnn__device *device, dnn__block *b)
{
    b->idle = false;
    remove_from(&device->bin[bin_of(b->bytes)], b, IN_BIN);
    if (is_whole(b)) {
        remove_from(&device->whole, b, IN_WHOLE);
    }
    device->large_cached -= (int64_t)b->bytes;
    device->cached_bytes -= (int64_t)b->bytes;
}

dnn__block *dnn__large_new(void *data, uint64_t bytes)
{
    dnn__block *b = dnn__slab_alloc(sizeof *b);

    if (b) {
        *b = (dnn__block){.data = data, .bytes = bytes, .system_bytes = bytes};
    }
    return b;
}

/* Returns the smallest idle block that serves the request, or NULL. */
static dnn__block *best_fit(const dnn__device *device, uint64_t bytes)
{
    unsigned last = bin_of(bytes < UINT64_MAX / MOST_SHARES ? bytes * MOST_SHARES : bytes);
    dnn__block *best = NULL;

    for (unsigned bin = bin_of(bytes); bin <= last && !best; bin++) {
        for (dnn__block *b = device->bin[bin].first; b; b = b->link[IN_BIN].next) {
            if (b->bytes >= bytes && b->system_bytes / MOST_SHARES <= bytes &&
                (!best || b->bytes < best->bytes)) {
                best = b;
                if (best->bytes == bytes) {
                    return best;
                }
            }
        }
    }
    return best;
}

/* Splits a busy block after `bytes`. Without memory for the second part it stays as it is. */
static void split(dnn__device *device, dnn__block *b, uint64_t bytes)
{
    dnn__block *rest = dnn__large_new((char *)b->data + bytes, b->bytes - bytes);

    if (!rest) {
        return;
    }
    rest->system_bytes = b->system_bytes;
    rest->before = b;
    rest->after = b->after;
    if (b->after) {
        b->after->before = rest;
    }
    b->after = rest;
    b->bytes = bytes;
    make_idle(device, rest);
}

dnn__block *dnn__large_take(dnn__device *device, uint64_t bytes)
{
    dnn__block *b = best_fit(device, bytes);

    if (b) {
        make_busy(device, b);
        if (b->bytes > bytes) {
            split(device, b, bytes);
        }
    }
    return b;
}

/* Appends the block after b, which is idle or about to be, to b. */
static void absorb_next(dnn__block *b)
{
    dnn__block *next = b->after;

    b->bytes += next->bytes;
    b->after = next->after;
    if (b->after) {
        b->after->before = b;
    }
    dnn__slab_free(next, sizeof *next);
}

dnn__block *dnn__large_release(dnn__device *device, dnn__block *b)
{
    if (b->after && b->after->idle) {
        make_busy(device, b->after);
        absorb_next(b);
    }
    if (b->before && b->before->idle) {
        b = b->before;
        make_busy(device, b);
        absorb_next(b);
    }
    if (device->closed && is_whole(b)) {
        return b;
    }
    make_idle(device, b);
    return NULL;
}

dnn__block *dnn__large_remove_oldest(dnn__device *device)
{
    dnn__block *b = device->whole.first;

    if (b) {
        make_busy(device, b);
    }
    return b;
}
