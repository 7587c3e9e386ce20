/* plugin_adopt.c - a plugin's tables into ours: sizes, tails, names and flags are checked, what is
 * not understood is skipped or refused with a sentence, and the candidate lists of dispatch are
 * built. Called while the library starts; nothing of it is half-done. */
#include <stdlib.h>
#include <string.h>
#include "plugin_impl.h"

enum { KNOWN_FLAGS = DNN_K_STRIDED | DNN_K_UNALIGNED | DNN_K_INPLACE | DNN_K_FLAT };

/* v1.0 sizes: below them a struct is not ours. */
enum { MAX_FAMILIES = 64 }; /* of private layouts, in one plugin */
enum { PLUGIN_V1_0 = 80, KERNEL_V1_0 = 72, DEVICE_V1_0 = 128 };

enum { MAX_KERNELS = 1 << 14, MAX_NAME = 127 }; /* of one plugin */

bool dnn__valid_id(const char *id)
{
    size_t n = id != NULL ? strnlen(id, 32) : 0;

    for (size_t i = 0; i < n; i++) {
        if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= '0' && id[i] <= '9') || id[i] == '_')) {
            return false;
        }
    }
    return n >= 1 && n <= 31;
}

bool dnn__tail_is_zero(const void *theirs, uint32_t size, size_t known)
{
    const unsigned char *bytes = theirs;

    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

void dnn__adopt(void *ours, size_t known, const void *theirs, uint32_t size)
{
    memset(ours, 0, known);
    memcpy(ours, theirs, size < known ? size : known);
    memcpy(ours, &known, sizeof(uint32_t));
}

/* ---- the plugin ---- */

static dnn_status check_plugin(const char *path, const char *expected_id, const dnn_plugin *p)
{
    if (p == NULL) {
        return dnn__fail(DNN_E_DEVICE, "%s: dnn_plugin_v1 returned no table", path);
    }
    if (p->size < PLUGIN_V1_0 || p->size > DNN__SIZE_MAX) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: the plugin's table says %u bytes; libdnn %s knows %zu and takes %d to %d", path,
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
            "%s: the device's table says %u bytes; libdnn %s knows %zu and takes %d to %d", path,
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

/* A family without a way there and back would lock tensors in. Whether the kernels go both ways,
 * for each dtype and size, shows when a plan asks for a layout (negotiate.c). */
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
            reorder = p->kernels[k]->size >= KERNEL_V1_0 && p->kernels[k]->op != NULL &&
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

/* ---- kernels ---- */

static dnn__kernel **kernels;
static int64_t n_kernels, cap_kernels;

/* Why a kernel cannot serve here; NULL: it can. A broken table (no run, no name) refuses the whole
 * plugin instead. */
static const char *why_skipped(const dnn__plugin *plugin, const dnn_kernel *k, const dnn__op **op,
                               char *text, size_t bytes)
{
    dnn__text out = dnn__text_to(text, bytes);

    *op = dnn__op_named(k->op);
    if (*op == NULL) {
        dnn__put(&out, "this libdnn has no operator %s", k->op);
        return text;
    }
    if (k->op_version > (*op)->version) {
        dnn__put(&out, "it implements version %u of %s; this libdnn has version %u", k->op_version,
                 k->op, (*op)->version);
        return text;
    }
    if (!dnn__tail_is_zero(k, k->size, sizeof *k)) {
        return "it uses ABI fields this host does not know";
    }
    if ((k->flags & DNN__MUST_UNDERSTAND & ~(uint32_t)KNOWN_FLAGS) != 0) {
        dnn__put(&out, "it has flags this host does not know (0x%x) and must understand",
                 k->flags & DNN__MUST_UNDERSTAND & ~(uint32_t)KNOWN_FLAGS);
        return text;
    }
    if (k->dtypes != 0 && (k->dtypes & DNN__ALL_DTYPES) == 0) {
        dnn__put(&out, "it serves no dtype that this host knows (0x%x)", k->dtypes);
        return text;
    }
    if (dnn__disabled(plugin->id, k->op)) {
        return "DNN_DISABLE drops it";
    }
    return NULL;
}

/* What people read in a line of a list: 1 to 127 printable characters of ASCII. */
static bool valid_name(const char *name)
{
    size_t n = strnlen(name, MAX_NAME + 1);

    for (size_t i = 0; i < n; i++) {
        if (name[i] < '!' || name[i] > '~') {
            return false;
        }
    }
    return n >= 1 && n <= MAX_NAME;
}

static dnn_status check_kernel(const dnn__plugin *plugin, int i, const dnn_kernel *k)
{
    const char *names[] = {k->name, k->op, k->device};

    if (k->size < KERNEL_V1_0 || k->size > DNN__SIZE_MAX) {
        return dnn__fail(DNN_E_DEVICE, "kernel %d of %s says %u bytes; %d to %d are taken", i,
                         plugin->id, k->size, KERNEL_V1_0, DNN__SIZE_MAX);
    }
    if (k->op == NULL || k->device == NULL || k->name == NULL || k->run == NULL) {
        return dnn__fail(DNN_E_DEVICE, "kernel %d of %s (%s) lacks its %s", i, plugin->id,
                         k->name != NULL && valid_name(k->name) ? k->name : "no name",
                         k->op == NULL       ? "op"
                         : k->device == NULL ? "device"
                         : k->name == NULL   ? "name"
                                             : "run");
    }
    for (int n = 0; n < 3; n++) {
        if (!valid_name(names[n])) {
            return dnn__fail(DNN_E_DEVICE,
                             "the %s of kernel %d of %s is not 1 to %d printable characters",
                             n == 0   ? "name"
                             : n == 1 ? "op"
                                      : "device",
                             i, plugin->id, MAX_NAME);
        }
    }
    return DNN_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static dnn_status check_unique_names(const dnn__plugin *plugin, int n)
{
    const char **name = n > 1 ? dnn__calloc((size_t)n, sizeof *name) : NULL;
    dnn_status st = DNN_OK;

    if (n > 1 && name == NULL) {
        return dnn__nomem("plugin", (size_t)n * sizeof *name);
    }
    for (int i = 0; i < n && name != NULL; i++) {
        name[i] = plugin->table.kernels[i]->name;
    }
    if (name != NULL) {
        qsort(name, (size_t)n, sizeof *name, compare_names);
    }
    for (int i = 1; i < n && name != NULL && st == DNN_OK; i++) {
        if (strcmp(name[i - 1], name[i]) == 0) {
            st = dnn__fail(DNN_E_DEVICE, "two kernels of %s are called %s", plugin->id, name[i]);
        }
    }
    dnn__free(name);
    return st;
}

/* The whole list, before anything of it is adopted. */
static dnn_status check_kernels(const dnn__plugin *plugin)
{
    int n = 0;

    for (; plugin->table.kernels != NULL && plugin->table.kernels[n] != NULL; n++) {
        if (n == MAX_KERNELS) {
            return dnn__fail(DNN_E_DEVICE,
                             "%s lists more than %d kernels, or no NULL ends the list", plugin->id,
                             MAX_KERNELS);
        }
        DNN_TRY(check_kernel(plugin, n, plugin->table.kernels[n]));
    }
    return check_unique_names(plugin, n);
}

static dnn_status note_skipped(dnn__looked *looked, const char *kernel, const char *reason)
{
    dnn__skipped *s;

    DNN_TRY(dnn__reserve((void **)&looked->skipped, &looked->cap_skipped, looked->n_skipped + 1,
                         sizeof *s, "plugin"));
    s = &looked->skipped[looked->n_skipped];
    s->kernel = dnn__strdup(kernel);
    s->reason = dnn__strdup(reason);
    looked->n_skipped++;
    return s->kernel != NULL && s->reason != NULL ? DNN_OK : dnn__nomem("plugin", strlen(reason));
}

static dnn_status adopt_kernel(dnn__plugin *plugin, const dnn_kernel *k, const dnn__op *op)
{
    dnn__kernel *ours;

    DNN_TRY(
        dnn__reserve((void **)&kernels, &cap_kernels, n_kernels + 1, sizeof *kernels, "plugin"));
    ours = dnn__calloc(1, sizeof *ours);
    if (ours == NULL) {
        return dnn__nomem("plugin", sizeof *ours);
    }
    dnn__adopt(&ours->table, sizeof ours->table, k, k->size);
    if (ours->table.attr_bytes == 0) {
        ours->table.attr_bytes = op->attr_v1_0;
    }
    ours->plugin = plugin;
    ours->op = op;
    ours->kind = -1;
    kernels[n_kernels++] = ours;
    return DNN_OK;
}

dnn_status dnn__adopt_kernels(dnn__plugin *plugin, dnn__looked *looked)
{
    char text[256];

    DNN_TRY(check_kernels(plugin));
    for (int i = 0; plugin->table.kernels != NULL && plugin->table.kernels[i] != NULL; i++) {
        const dnn_kernel *k = plugin->table.kernels[i];
        const dnn__op *op;
        const char *reason;

        reason = why_skipped(plugin, k, &op, text, sizeof text);
        if (reason != NULL) {
            DNN_TRY(note_skipped(looked, k->name, reason));
            continue;
        }
        DNN_TRY(adopt_kernel(plugin, k, op));
        looked->n_kernels++;
    }
    return DNN_OK;
}

void dnn__kernels_forget(const dnn__plugin *plugin)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < n_kernels; i++) {
        if (kernels[i]->plugin == plugin) {
            dnn__free(kernels[i]);
        } else {
            kernels[kept++] = kernels[i];
        }
    }
    n_kernels = kept;
}

dnn__kernel *dnn__kernel_at(int64_t index)
{
    return index >= 0 && index < n_kernels ? kernels[index] : NULL;
}

/* ---- candidates ---- */

/* lists[(op * kinds + kind) * dtypes + dtype]: a run of `order`. */
static dnn__candidates *lists;
static dnn__kernel **order;
static int32_t n_kinds;

static int compare_kernels(const void *pa, const void *pb)
{
    const dnn__kernel *a = *(dnn__kernel *const *)pa, *b = *(dnn__kernel *const *)pb;
    int c;

    if (a->pin != b->pin) {
        return a->pin != 0 && (b->pin == 0 || a->pin < b->pin) ? -1 : 1;
    }
    if (a->plugin->place != b->plugin->place) {
        return a->plugin->place < b->plugin->place ? -1 : 1;
    }
    if (a->table.priority != b->table.priority) {
        return a->table.priority > b->table.priority ? -1 : 1;
    }
    c = strcmp(a->plugin->id, b->plugin->id);
    return c != 0 ? c : strcmp(a->table.name, b->table.name);
}

static bool serves(const dnn__kernel *k, int op, int32_t kind, int dtype)
{
    return k->op->id == op && k->kind == kind &&
           (k->table.dtypes == 0 || (k->table.dtypes >> dtype & 1) != 0);
}

/* Fills one list from kernels that are in order already, at *at of `order`. */
static void fill_list(dnn__candidates *list, int op, int32_t kind, int dtype, size_t *at)
{
    list->kernel = order != NULL ? order + *at : NULL;
    list->n = 0;
    for (int64_t i = 0; i < n_kernels; i++) {
        if (serves(kernels[i], op, kind, dtype)) {
            order[(*at)++] = kernels[i];
            list->n++;
        }
    }
}

void dnn__candidates_sort(void)
{
    size_t at = 0;

    if (n_kernels > 0) {
        qsort(kernels, (size_t)n_kernels, sizeof *kernels, compare_kernels);
    }
    for (int op = 0; op < DNN__N_OPS; op++) {
        for (int32_t kind = 0; kind < n_kinds; kind++) {
            for (int dtype = 0; dtype < DNN__N_DTYPES; dtype++) {
                fill_list(&lists[((size_t)op * (size_t)n_kinds + (size_t)kind) * DNN__N_DTYPES +
                                 (size_t)dtype],
                          op, kind, dtype, &at);
            }
        }
    }
}

dnn_status dnn__candidates_build(void)
{
    size_t n_lists;
    int32_t most = 0;

    for (int64_t i = 0; i < n_kernels; i++) {
        kernels[i]->kind = dnn__kind_named(kernels[i]->table.device);
        most = kernels[i]->kind > most ? kernels[i]->kind : most;
    }
    n_kinds = most + 1;
    n_lists = (size_t)DNN__N_OPS * (size_t)n_kinds * DNN__N_DTYPES;
    lists = dnn__calloc(n_lists, sizeof *lists);
    order = dnn__calloc((size_t)n_kernels * DNN__N_DTYPES + 1, sizeof *order);
    if (lists == NULL || order == NULL) {
        return dnn__nomem("candidates", n_lists * sizeof *lists);
    }
    dnn__candidates_sort();
    return DNN_OK;
}

dnn__candidates dnn__candidates_of(dnn__op_id op, int32_t kind, dnn_dtype dtype)
{
    if (lists == NULL || kind < 0 || kind >= n_kinds || !dnn__dtype_ok(dtype)) {
        return (dnn__candidates){0, NULL};
    }
    return lists[((size_t)op * (size_t)n_kinds + (size_t)kind) * DNN__N_DTYPES +
                 (size_t)dnn__dtype_index(dtype)];
}

dnn__kernel *const *dnn__all_kernels(int64_t *n)
{
    *n = n_kernels;
    return kernels;
}

void dnn__candidates_drop(void)
{
    for (int64_t i = 0; i < n_kernels; i++) {
        dnn__free(kernels[i]);
    }
    dnn__free(kernels);
    dnn__free(lists);
    dnn__free(order);
    kernels = NULL;
    lists = NULL;
    order = NULL;
    n_kernels = cap_kernels = 0;
    n_kinds = 0;
}
