/* device.c - devices by name: cpu, and the ordinals of the kinds that plugins bring. Adds them and
 * shuts them down. It knows no operator. */
#include <stdlib.h>
#include <string.h>
#include "device_impl.h"
#include "abi_struct.h"

struct kind {
    const dnn_device *api;
    char name[32];
    int32_t count;
    dnn__device **device;
};

static dnn__device *const cpu_alone[] = {&dnn__cpu_device};

/* The kinds after cpu. They change only at start and shutdown, when no other thread uses the
 * library. */
static struct kind kinds[DNN__MAX_KINDS];
static _Atomic int32_t n_kinds = 1;
static _Atomic(dnn__device *) default_device = &dnn__cpu_device;

/* Returns the devices of a kind. */
static dnn__device *const *devices_of(int32_t kind, int32_t *count)
{
    *count = kind == 0 ? 1 : kinds[kind].count;
    return kind == 0 ? cpu_alone : kinds[kind].device;
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
        dnn__adopt(&device->table, sizeof device->table, api, api->size);
        device->pub.api = &device->table;
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
            dnn__device_free(kind->device[i]);
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
                         dnn__kind_named(api->kind) >= 0 ? "another plugin brings it"
                                                         : "the name has more than 31 bytes");
    }
    if (at == DNN__MAX_KINDS) {
        return dnn__fail(DNN_E_INVALID, "device kind \"%s\": there are %d already", api->kind, at);
    }
    dnn__device_clear_text();
    status = api->count(&n);
    if (status != DNN_OK || n < 0) {
        return dnn__fail(status < 0 ? status : DNN_E_DEVICE, "%s: count: %s", api->kind,
                         status == DNN_OK ? "negative" : dnn__device_error_text(status));
    }
    n = n < MAX_ORDINALS ? n : MAX_ORDINALS;
    kinds[at] = (struct kind){
        .api = api, .count = n, .device = dnn__calloc((size_t)n, sizeof(dnn__device *))};
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
    dnn__sync_always = sync && strcmp(sync, "1") == 0;
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

dnn__device *dnn__device_find(const char *name)
{
    int32_t n = atomic_load_explicit(&n_kinds, memory_order_acquire), count;

    if (strcmp(name, "cpu") == 0) {
        return &dnn__cpu_device;
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
            dnn__put(&text, " (%s has a plugin, but this machine has no such device)",
                     kinds[kind].name);
        }
    }
    return dnn__fail(DNN_E_DEVICE, "device \"%.64s\": there is none of that name; there are: %s",
                     name, list);
}

dnn_status dnn__device_named(const char *name, dnn__device **out)
{
    dnn__device *device;

    device =
        name ? dnn__device_find(name) : atomic_load_explicit(&default_device, memory_order_acquire);
    if (!device) {
        return not_found(name);
    }
    if (device != &dnn__cpu_device) {
        DNN_TRY(dnn__device_ready(device));
    }
    *out = device;
    return DNN_OK;
}

dnn_status dnn__each_device(dnn_status (*fn)(dnn__device *device, void *ctx), void *ctx)
{
    int32_t n = atomic_load_explicit(&n_kinds, memory_order_acquire), count;

    for (int32_t kind = 0; kind < n; kind++) {
        dnn__device *const *device = devices_of(kind, &count);

        for (int32_t i = 0; i < count; i++) {
            DNN_TRY(fn(device[i], ctx));
        }
    }
    return DNN_OK;
}

uint64_t dnn__device_total_bytes(const dnn__device *device)
{
    const dnn_device *api = device->pub.api;
    uint64_t free_bytes = 0, total = 0;

    if (api == NULL) {
        return 0;
    }
    dnn__device_clear_text();
    return api->mem_info(device->pub.ordinal, &free_bytes, &total) == DNN_OK ? total : 0;
}

/* ---- shutdown ---- */

static void staging_free(dnn__device *device)
{
    const dnn_device *api = device->pub.api;

    for (int i = 0; i < STAGING_BUFFERS; i++) {
        struct staging *staging = &device->staging[i];

        if (staging->event) {
            api->event_del(device->pub.ordinal, staging->event);
        }
        if (staging->data) {
            api->free(device->pub.ordinal, staging->data, DNN_MEM_HOST | DNN_MEM_PINNED);
        }
        *staging = (struct staging){0};
    }
}

/* Returns true if no storage of the device is alive. */
static bool device_close(dnn__device *device)
{
    struct leavers list;
    bool idle;

    if (dnn__device_sync(device) != DNN_OK) {
        dnn__log(DNN_LOG_ERROR, "shutdown: %s", device->late_text);
        /* Work that still runs must not use memory after it is freed. */
        if (device->pub.stream) {
            (void)device->pub.api->stream_sync(device->pub.ordinal, device->pub.stream);
        }
    }
    pthread_mutex_lock(&device->lock);
    list = dnn__caching_remove_all(device);
    device->closed = true;
    device->peak = device->requests = device->system_requests = device->cap = 0;
    device->window_peak = device->earlier_peak = 0;
    device->cap_by_program = false;
    idle = device->storages == 0;
    pthread_mutex_unlock(&device->lock);
    dnn__caching_free(device, list);
    if (device->pub.api) {
        staging_free(device);
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

    atomic_store_explicit(&default_device, &dnn__cpu_device, memory_order_release);
    for (int32_t kind = 1; kind < n; kind++) {
        for (int32_t i = 0; i < kinds[kind].count; i++) {
            if (!device_close(kinds[kind].device[i])) {
                /* The release of its last storage frees it. */
                kinds[kind].device[i] = NULL;
            }
        }
        kind_free(&kinds[kind]);
    }
    atomic_store_explicit(&n_kinds, 1, memory_order_release);
    (void)device_close(&dnn__cpu_device);
}
