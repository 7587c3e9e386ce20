/* adopt.c - copies a plugin's table into ours after checking sizes, tails, the id, layouts and the
 * device. kernels.c does the same for kernels. loader.c calls both while the library starts. */
#include <string.h>
#include "abi_struct.h"
#include "plugin_impl.h"

/* Sizes of v1.0. A struct that is smaller is not one of ours. */
enum { PLUGIN_V1_0 = 80, DEVICE_V1_0 = 128 };
enum { MAX_FAMILIES = 64 }; /* private layouts of one plugin */

/* ---- the plugin ---- */

static dnn_status check_plugin(const char *path, const char *expected_id, const dnn_plugin *p)
{
    if (p == NULL) {
        return dnn__fail(DNN_E_DEVICE, "%s: dnn_plugin_v1 returned no table", path);
    }
    if (p->size < PLUGIN_V1_0 || p->size > DNN__SIZE_MAX) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: the plugin's table says %u bytes; libdnn %s knows %zu and accepts %d to %d", path,
            p->size, dnn_version(), sizeof *p, PLUGIN_V1_0, DNN__SIZE_MAX);
    }
    if (p->min_host_minor > dnn__host.abi_minor) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: the plugin needs a libdnn with ABI 1.%u; this is libdnn %s with ABI 1.%u", path,
            p->min_host_minor, dnn_version(), dnn__host.abi_minor);
    }
    if (!dnn__tail_is_zero(p, p->size, sizeof *p)) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the plugin's table uses ABI fields this host does not know; it needs "
                         "a newer libdnn than %s",
                         path, dnn_version());
    }
    if (!dnn__valid_id(p->id)) {
        return dnn__fail(DNN_E_DEVICE, "%s: the plugin's id is not 1 to 31 of [a-z0-9_]", path);
    }
    if (expected_id != NULL && strcmp(expected_id, p->id) != 0) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the plugin calls itself %s; the file of that id is dnn_%s.so", path,
                         p->id, p->id);
    }
    return DNN_OK;
}

static dnn_status check_device(const char *path, const dnn_device *d)
{
    int streams;

    if (d->size < DEVICE_V1_0 || d->size > DNN__SIZE_MAX) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: the device's table says %u bytes; libdnn %s knows %zu and accepts %d to %d", path,
            d->size, dnn_version(), sizeof *d, DEVICE_V1_0, DNN__SIZE_MAX);
    }
    if (!dnn__tail_is_zero(d, d->size, sizeof *d)) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the device's table uses ABI fields this host does not know; it needs "
                         "a newer libdnn than %s",
                         path, dnn_version());
    }
    if ((d->flags & DNN__MUST_UNDERSTAND) != 0) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: the device has flags (0x%x) that libdnn %s does not know and must understand",
            path, d->flags & DNN__MUST_UNDERSTAND, dnn_version());
    }
    if (!dnn__valid_id(d->kind) || strcmp(d->kind, "cpu") == 0) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: the device's kind is not 1 to 31 of [a-z0-9_], or is cpu, which is built in",
            path);
    }
    if (d->count == NULL || d->mem_info == NULL || d->alloc == NULL || d->free == NULL ||
        d->copy == NULL || d->fill == NULL) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the device %s lacks one of count, mem_info, alloc, free, copy, fill",
                         path, d->kind);
    }
    streams = (d->stream_new != NULL) + (d->stream_del != NULL) + (d->stream_sync != NULL) +
              (d->event_record != NULL) + (d->event_wait != NULL) + (d->event_done != NULL) +
              (d->event_del != NULL);
    if (streams != 0 && streams != 7) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the device %s has %d of the 7 functions of streams: all or none",
                         path, d->kind, streams);
    }
    return DNN_OK;
}

/* A plugin with a layout family must have reorder kernels to and from it, or tensors could not
 * leave the layout. negotiate.c checks that they support a dtype and size when a plan asks for the
 * layout. */
static dnn_status check_layouts(const char *path, const dnn_plugin *p)
{
    for (int i = 0; p->layouts != NULL && p->layouts[i] != NULL; i++) {
        bool reorder = false;

        if (i == MAX_FAMILIES || !dnn__valid_id(p->layouts[i])) {
            return dnn__fail(DNN_E_DEVICE,
                             "%s: layout family %d is not 1 to 31 of [a-z0-9_], or there are more "
                             "than %d",
                             path, i, MAX_FAMILIES);
        }
        for (int k = 0; p->kernels != NULL && p->kernels[k] != NULL && !reorder; k++) {
            reorder = p->kernels[k]->size >= DNN__KERNEL_V1_0 && p->kernels[k]->op != NULL &&
                      strcmp(p->kernels[k]->op, "reorder") == 0;
        }
        if (!reorder) {
            return dnn__fail(DNN_E_DEVICE,
                             "%s: the plugin owns the layout family %s but brings no reorder "
                             "kernel from and to it",
                             path, p->layouts[i]);
        }
    }
    return DNN_OK;
}

dnn_status dnn__adopt_plugin(const char *path, const char *expected_id, const dnn_plugin *theirs,
                             dnn__plugin **out)
{
    dnn__plugin *plugin;

    DNN_TRY(check_plugin(path, expected_id, theirs));
    if (theirs->device != NULL) {
        DNN_TRY(check_device(path, theirs->device));
    }
    DNN_TRY(check_layouts(path, theirs));
    plugin = dnn__calloc(1, sizeof *plugin);
    if (plugin == NULL) {
        return dnn__nomem("plugin", sizeof *plugin);
    }
    dnn__adopt(&plugin->table, sizeof plugin->table, theirs, theirs->size);
    memcpy(plugin->id, theirs->id, strlen(theirs->id));
    plugin->kind = -1;
    *out = plugin;
    return DNN_OK;
}
