/* kernels.c - the kernels of all plugins. It checks and adopts them, lists those that cannot be
 * used with the reason, and keeps the candidate lists of dispatch. loader.c and preferences.c call
 * it while the library starts. */
#include <stdlib.h>
#include <string.h>
#include "abi_struct.h"
#include "plugin_impl.h"

enum { KNOWN_FLAGS = DNN_K_STRIDED | DNN_K_UNALIGNED | DNN_K_INPLACE | DNN_K_FLAT };
enum { MAX_KERNELS = 1 << 14, MAX_NAME = 127 }; /* of one plugin; of a kernel's name */

static dnn__kernel **kernels;
static int64_t n_kernels, cap_kernels;

/* Returns why a kernel cannot be used here, or NULL if it can. A kernel without a run function or a
 * name is not skipped: its whole plugin is refused. */
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

/* Names appear in lists, one a line: 1 to 127 printable ASCII characters. */
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

    if (k->size < DNN__KERNEL_V1_0 || k->size > DNN__SIZE_MAX) {
        return dnn__fail(DNN_E_DEVICE, "kernel %d of %s says %u bytes; %d to %d are accepted", i,
                         plugin->id, k->size, DNN__KERNEL_V1_0, DNN__SIZE_MAX);
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

/* Checks all kernels before any of them is adopted. */
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

static dnn_status note_skipped(dnn__inventory_entry *entry, const char *kernel, const char *reason)
{
    dnn__skipped *s;

    DNN_TRY(dnn__reserve((void **)&entry->skipped, &entry->cap_skipped, entry->n_skipped + 1,
                         sizeof *s, "plugin"));
    s = &entry->skipped[entry->n_skipped];
    s->kernel = dnn__strdup(kernel);
    s->reason = dnn__strdup(reason);
    entry->n_skipped++;
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

dnn_status dnn__adopt_kernels(dnn__plugin *plugin, dnn__inventory_entry *entry)
{
    char text[256];

    DNN_TRY(check_kernels(plugin));
    for (int i = 0; plugin->table.kernels != NULL && plugin->table.kernels[i] != NULL; i++) {
        const dnn_kernel *k = plugin->table.kernels[i];
        const dnn__op *op;
        const char *reason;

        reason = why_skipped(plugin, k, &op, text, sizeof text);
        if (reason != NULL) {
            DNN_TRY(note_skipped(entry, k->name, reason));
            continue;
        }
        DNN_TRY(adopt_kernel(plugin, k, op));
        entry->n_kernels++;
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

/* lists[(op * kinds + kind) * dtypes + dtype] is a range of `order`. */
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
    if (a->plugin->position != b->plugin->position) {
        return a->plugin->position < b->plugin->position ? -1 : 1;
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

/* Fills one list from kernels that are sorted already; *at is its end in `order`. */
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
