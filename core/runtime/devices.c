/* devices.c - the public functions of devices: memory statistics, caps, synchronization, the
 * default device. They start the library if a device must be found by name. */
#include <string.h>
#include "device_impl.h"
#include "runtime.h"

dnn_status dnn__device_for(const char *name, dnn__device **out)
{
    DNN_TRY(dnn__start());
    return dnn__device_named(name, out);
}

/* NULL means cpu. Only the name of another device starts the library. */
static dnn_status device_of_call(const char *name, dnn__device **out)
{
    if (!name || strcmp(name, "cpu") == 0) {
        *out = dnn__cpu();
        return DNN_OK;
    }
    return dnn__device_for(name, out);
}

static int64_t live_of(dnn__device *device)
{
    int64_t live;

    pthread_mutex_lock(&device->lock);
    live = device->live;
    pthread_mutex_unlock(&device->lock);
    return live;
}

static dnn_status add_live(dnn__device *device, void *sum)
{
    *(int64_t *)sum += live_of(device);
    return DNN_OK;
}

int64_t dnn_live_bytes(const char *device)
{
    dnn__device *one = device ? dnn__device_find(device) : NULL;
    int64_t sum = 0;

    if (device) {
        return one ? live_of(one) : 0;
    }
    (void)dnn__each_device(add_live, &sum);
    return sum;
}

dnn_status dnn_get_memory(const char *device, dnn_memory *out)
{
    dnn__device *d = NULL;

    DNN_TRY(dnn__require(out, "dnn_get_memory", "out"));
    DNN_TRY(device_of_call(device, &d));
    pthread_mutex_lock(&d->lock);
    *out = (dnn_memory){.live_bytes = d->live,
                        .peak_bytes = d->peak,
                        .cached_bytes = d->cached_bytes,
                        .requests = d->requests,
                        .system_requests = d->system_requests,
                        .cap_bytes = d->cap};
    pthread_mutex_unlock(&d->lock);
    return DNN_OK;
}

dnn_status dnn_set_memory_cap(const char *device, int64_t bytes)
{
    dnn__device *d = NULL;

    if (bytes < 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_set_memory_cap: %lld bytes, must be 0 (none) or more",
                         (long long)bytes);
    }
    DNN_TRY(device_of_call(device, &d));
    dnn__caching_set_cap(d, bytes, true);
    return DNN_OK;
}

static dnn_status empty_cache(dnn__device *device, void *unused)
{
    (void)unused;
    dnn__caching_flush(device);
    return DNN_OK;
}

dnn_status dnn_empty_cache(const char *device)
{
    dnn__device *d = NULL;

    if (!device) {
        return dnn__each_device(empty_cache, NULL);
    }
    DNN_TRY(device_of_call(device, &d));
    return empty_cache(d, NULL);
}

const char *dnn_default_device(void)
{
    dnn__device *device = NULL;
    dnn_status status = dnn__device_for(NULL, &device);

    return status == DNN_OK ? device->pub.name : dnn__null(status);
}

static dnn_status synchronize(dnn__device *device, void *unused)
{
    (void)unused;
    return dnn__device_sync(device);
}

dnn_status dnn_synchronize(const char *device)
{
    dnn__device *d = NULL;

    if (!device) {
        return dnn__each_device(synchronize, NULL);
    }
    DNN_TRY(device_of_call(device, &d));
    return dnn__device_sync(d);
}
