/* transfer.c - copies bytes between memories. A copy to a device is staged, a copy to the host
 * waits, and a copy between two devices goes through the host. Called by dispatch, tensors and the
 * host fallback. */
#include <string.h>
#include "device_impl.h"

/* ---- staging buffers ---- */

/* Sets *is_free if the last copy of the buffer is done. stream_lock is held. */
static dnn_status staging_check(dnn__device *device, struct staging *staging, bool *is_free)
{
    int32_t done = 1;
    dnn_status status;

    if (staging->busy) {
        dnn__device_clear_text();
        status = device->pub.api->event_done(device->pub.ordinal, staging->event, &done);
        if (status != DNN_OK) {
            return dnn__device_set_late(device, "event_done", status);
        }
        staging->busy = done == 0;
    }
    *is_free = !staging->busy;
    return DNN_OK;
}

/* Enlarges a free buffer to at least `bytes`. */
static dnn_status staging_grow(dnn__device *device, struct staging *staging, uint64_t bytes)
{
    const dnn_device *api = device->pub.api;
    uint64_t room = STAGING_LEAST;

    while (room < bytes) {
        room *= 2;
    }
    if (staging->bytes >= bytes) {
        return DNN_OK;
    }
    if (staging->data) {
        api->free(device->pub.ordinal, staging->data, DNN_MEM_HOST | DNN_MEM_PINNED);
        staging->data = NULL;
        staging->bytes = 0;
    }
    dnn__device_clear_text();
    DNN_TRY(dnn__device_check(
        device, "alloc of pinned memory",
        api->alloc(device->pub.ordinal, room, DNN_MEM_HOST | DNN_MEM_PINNED, &staging->data)));
    staging->bytes = room;
    return DNN_OK;
}

/* Returns a free buffer of at least `bytes`: one that is large enough, else any free one, which
 * grows. Waits for the device if none is free. */
static dnn_status staging_acquire(dnn__device *device, uint64_t bytes, struct staging **out)
{
    struct staging *found = NULL;
    bool is_free = false;

    for (int i = 0; i < STAGING_BUFFERS && !(found && found->bytes >= bytes); i++) {
        struct staging *staging = &device->staging[i];

        DNN_TRY(staging_check(device, staging, &is_free));
        if (is_free && (!found || staging->bytes >= bytes)) {
            found = staging;
        }
    }
    if (!found) {
        DNN_TRY(dnn__device_wait(device));
        found = &device->staging[0];
    }
    DNN_TRY(staging_grow(device, found, bytes));
    *out = found;
    return DNN_OK;
}

static uint64_t part_bytes(uint64_t bytes)
{
    return bytes < STAGING_MOST ? bytes : STAGING_MOST;
}

static dnn_status copy_call(dnn__device *device, void *dst, uint32_t dst_mem, const void *src,
                            uint32_t src_mem, uint64_t bytes)
{
    dnn__device_clear_text();
    return dnn__device_check(device, "copy",
                             device->pub.api->copy(device->pub.ordinal, device->pub.stream, dst,
                                                   dst_mem, src, src_mem, bytes));
}

/* Writes in parts, each through pinned memory; stream_lock is held. */
static dnn_status write_staged(dnn__device *device, char *dst, const char *host, uint64_t bytes)
{
    struct staging *staging;
    dnn_status status;
    uint64_t part;

    for (; bytes > 0; bytes -= part, dst += part, host += part) {
        part = part_bytes(bytes);
        DNN_TRY(staging_acquire(device, part, &staging));
        memcpy(staging->data, host, (size_t)part);
        DNN_TRY(copy_call(device, dst, DNN_MEM_DEVICE, staging->data, DNN_MEM_HOST | DNN_MEM_PINNED,
                          part));
        dnn__device_clear_text();
        status =
            device->pub.api->event_record(device->pub.ordinal, device->pub.stream, &staging->event);
        staging->busy = true;
        if (status != DNN_OK) {
            return dnn__device_set_late(device, "event_record", status);
        }
    }
    return DNN_OK;
}

static dnn_status read_staged(dnn__device *device, char *host, const char *src, uint64_t bytes)
{
    struct staging *staging;
    uint64_t part;

    for (; bytes > 0; bytes -= part, src += part, host += part) {
        part = part_bytes(bytes);
        DNN_TRY(staging_acquire(device, part, &staging));
        DNN_TRY(copy_call(device, staging->data, DNN_MEM_HOST | DNN_MEM_PINNED, src, DNN_MEM_DEVICE,
                          part));
        DNN_TRY(dnn__device_wait(device));
        memcpy(host, staging->data, (size_t)part);
    }
    return DNN_OK;
}

static dnn_status check_range(const dnn__storage *s, uint64_t offset, uint64_t bytes)
{
    if (offset > s->bytes || bytes > s->bytes - offset) {
        return dnn__fail(DNN_E_INTERNAL,
                         "storage: bytes %llu to %llu of a storage of %llu bytes on %s",
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
    if (s->data == NULL) { /* a dry run */
        memset(host, 0, (size_t)bytes);
        return DNN_OK;
    }
    src = (char *)s->data + offset;
    if (!device->pub.api) {
        memcpy(host, src, (size_t)bytes);
        return DNN_OK;
    }
    pthread_mutex_lock(&device->stream_lock);
    if (device->late != DNN_OK) {
        status = dnn__device_late_error(device);
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
    if (bytes == 0 || s->data == NULL) { /* data NULL: a dry run */
        return DNN_OK;
    }
    dst = (char *)s->data + offset;
    if (!device->pub.api) {
        memcpy(dst, host, (size_t)bytes);
        return DNN_OK;
    }
    pthread_mutex_lock(&device->stream_lock);
    if (device->late != DNN_OK) {
        status = dnn__device_late_error(device);
    } else if (device->pub.stream) {
        status = write_staged(device, dst, host, bytes);
    } else {
        status = copy_call(device, dst, DNN_MEM_DEVICE, host, DNN_MEM_HOST, bytes);
    }
    pthread_mutex_unlock(&device->stream_lock);
    return status;
}

/* Copies between devices that cannot access each other, in parts through host memory. */
static dnn_status copy_by_host(dnn__storage *dst, uint64_t dst_offset, dnn__storage *src,
                               uint64_t src_offset, uint64_t bytes)
{
    uint64_t part = part_bytes(bytes);
    void *host = dnn__alloc((size_t)part);
    dnn_status st = DNN_OK;

    if (!host) {
        return dnn__nomem("copy between devices", (size_t)part);
    }
    for (uint64_t at = 0; at < bytes; at += part) {
        part = part_bytes(bytes - at);
        DNN_TRY_TO(st, done, dnn__storage_read(src, src_offset + at, host, part));
        DNN_TRY_TO(st, done, dnn__storage_write(dst, dst_offset + at, host, part));
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
    status = device->late != DNN_OK
                 ? dnn__device_late_error(device)
                 : copy_call(device, dst, DNN_MEM_DEVICE, src, DNN_MEM_DEVICE, bytes);
    pthread_mutex_unlock(&device->stream_lock);
    return status;
}

dnn_status dnn__storage_copy(dnn__storage *dst, uint64_t dst_offset, dnn__storage *src,
                             uint64_t src_offset, uint64_t bytes)
{
    DNN_TRY(check_range(dst, dst_offset, bytes));
    DNN_TRY(check_range(src, src_offset, bytes));
    if (bytes == 0) {
        return DNN_OK;
    }
    if (dst->device == src->device) {
        return copy_inside(dst->device, (char *)dst->data + dst_offset,
                           (const char *)src->data + src_offset, bytes);
    }
    if (src->device == dnn__cpu()) {
        return dnn__storage_write(dst, dst_offset, (const char *)src->data + src_offset, bytes);
    }
    if (dst->device == dnn__cpu()) {
        return dnn__storage_read(src, src_offset, (char *)dst->data + dst_offset, bytes);
    }
    return copy_by_host(dst, dst_offset, src, src_offset, bytes);
}
