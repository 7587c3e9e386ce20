/* stream.c - the stream of a device: makes it at first use, waits for it, and stores its late
 * error. Called by device.c, caching_allocator.c and transfer.c. It owns no memory. */
#include <string.h>
#include "device_impl.h"

bool dnn__sync_always;

/* ---- results of plugin calls ---- */

/* Returns the text of a plugin's failure, or the name of its status. */
const char *dnn__device_error_text(dnn_status status)
{
    return dnn__plugin_text()[0] ? dnn__plugin_text() : dnn_status_name(status);
}

/* Turns a plugin's status into one of ours; the message names the device and the function. Call
 * dnn__device_clear_text() before the plugin's function. */
dnn_status dnn__device_check(const dnn__device *device, const char *call, dnn_status status)
{
    if (DNN__LIKELY(status == DNN_OK)) {
        return DNN_OK;
    }
    return dnn__fail(status > 0 ? DNN_E_DEVICE : status, "%s: %s: %s", device->pub.name, call,
                     dnn__after_name(dnn__device_error_text(status), device->pub.name));
}

/* ---- late errors ---- */

/* Appends the operators enqueued last, the newest first. */
static void put_recent(dnn__device *device, dnn__text *text)
{
    uint32_t n = atomic_load_explicit(&device->n_recent, memory_order_relaxed);

    for (uint32_t i = 0; i < RECENT && i < n; i++) {
        const char *op =
            atomic_load_explicit(&device->recent[(n - 1 - i) % RECENT], memory_order_relaxed);

        dnn__put(text, "%s%s", i ? ", " : "; enqueued last: ", op ? op : "?");
    }
}

/* stream_lock is held. Only the first late error is stored: later ones are its consequence. */
dnn_status dnn__device_late_error(dnn__device *device)
{
    return dnn__fail(device->late, "%s", device->late_text);
}

dnn_status dnn__device_set_late(dnn__device *device, const char *call, dnn_status status)
{
    dnn__text text;

    if (device->late == DNN_OK) {
        text = dnn__text_to(device->late_text, sizeof device->late_text);
        dnn__put(&text, "%s: %s: %s", device->pub.name, call,
                 dnn__after_name(dnn__device_error_text(status), device->pub.name));
        put_recent(device, &text);
        device->late = status > 0 ? DNN_E_DEVICE : status;
    }
    return dnn__device_late_error(device);
}

/* Waits for the stream; stream_lock is held. */
dnn_status dnn__device_wait(dnn__device *device)
{
    dnn_status status;

    if (device->late != DNN_OK) {
        return dnn__device_late_error(device);
    }
    if (!device->pub.stream) {
        return DNN_OK;
    }
    dnn__device_clear_text();
    status = device->pub.api->stream_sync(device->pub.ordinal, device->pub.stream);
    if (status != DNN_OK) {
        return dnn__device_set_late(device, "waiting for the device", status);
    }
    for (int i = 0; i < STAGING_BUFFERS; i++) {
        device->staging[i].busy = false;
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
    status = dnn__device_wait(device);
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
    return DNN__UNLIKELY(dnn__sync_always) ? dnn__device_sync(device) : DNN_OK;
}

/* Makes the stream at the first use of a device. */
dnn_status dnn__device_ready(dnn__device *device)
{
    dnn_status status = DNN_OK;

    if (!device->pub.api || atomic_load_explicit(&device->stream_made, memory_order_acquire)) {
        return DNN_OK;
    }
    pthread_mutex_lock(&device->stream_lock);
    if (!atomic_load_explicit(&device->stream_made, memory_order_relaxed) &&
        has_streams(device->pub.api)) {
        dnn__device_clear_text();
        status = dnn__device_check(
            device, "stream_new",
            device->pub.api->stream_new(device->pub.ordinal, &device->pub.stream));
    }
    atomic_store_explicit(&device->stream_made, status == DNN_OK, memory_order_release);
    pthread_mutex_unlock(&device->stream_lock);
    return status;
}
