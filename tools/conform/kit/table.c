/* table.c - the phases that check a plugin as a whole: its file, its symbols, its table, init and
 * fini, and the result of loading it with the library. */
#include "abi_struct.h"
#include "plugin_call.h"
#include "kit.h"
#include "plugin_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void send_fact(const kit_child *child, const char *name, double value)
{
    kit_record r = {.kind = KIT_FACT, .row = -1, .us = {value}};

    snprintf(r.text, sizeof r.text, "%s", name);
    kit_send(child, &r);
}

/* ---- the table ---- */

static void send_table(const kit_child *child, const dnn_plugin *table)
{
    kit_record r = {.kind = KIT_TABLE, .row = -1};
    int n = 0;

    while (table->kernels != NULL && table->kernels[n] != NULL)
        n++;
    r.count[0] = n;
    snprintf(r.op, sizeof r.op, "%s", table->id);
    snprintf(r.device, sizeof r.device, "%s", table->device != NULL ? table->device->kind : "");
    snprintf(r.text, sizeof r.text, "%s %s%s%s", table->id,
             table->version != NULL ? table->version : "(no version)",
             table->build != NULL ? ", " : "", table->build != NULL ? table->build : "");
    kit_send(child, &r);
}

static void send_kernels(const kit_child *child, const dnn_plugin *table)
{
    for (int i = 0; table->kernels != NULL && table->kernels[i] != NULL; i++) {
        const dnn_kernel *k = table->kernels[i];
        kit_record r = {.kind = KIT_KERNEL, .row = i, .dtype = k->dtypes};

        snprintf(r.text, sizeof r.text, "%s", k->name != NULL ? k->name : "?");
        snprintf(r.op, sizeof r.op, "%s", k->op != NULL ? k->op : "?");
        snprintf(r.device, sizeof r.device, "%s", k->device != NULL ? k->device : "?");
        kit_send(child, &r);
    }
}

/* Checks for contradictory flags. */
static void check_flags(const kit_child *child, int row, const dnn_kernel *k)
{
    const dnn__op *op = k->op != NULL ? dnn__op_named(k->op) : NULL;

    if (op == NULL)
        return;
    if ((k->flags & DNN_K_FLAT) != 0 && (op->traits & (DNN__ELEMENTWISE | DNN__MUTATES)) == 0)
        kit_sendf(child, KIT_FAIL, row, 0, "it says FLAT, and %s is not elementwise", op->name);
    if ((k->flags & DNN_K_INPLACE) != 0 && op->n_in == 0)
        kit_sendf(child, KIT_FAIL, row, 0, "it says INPLACE, and %s has no input", op->name);
    if ((k->flags & DNN_K_STRIDED) == 0 && op->id == DNN_OP_copy)
        kit_sendf(child, KIT_FAIL, row, 0,
                  "it does not say STRIDED, and a kernel of copy must take any strides: the core "
                  "packs with it");
    if ((k->flags & ~(uint32_t)(DNN__MUST_UNDERSTAND | DNN_K_REENTRANT | DNN_K_DETERMINISTIC |
                                DNN_K_CAPTURABLE)) != 0)
        kit_sendf(child, KIT_WARN, row, 0,
                  "it has hint flags that this libdnn does not know (0x%x)",
                  k->flags & ~(uint32_t)(DNN__MUST_UNDERSTAND | DNN_K_REENTRANT |
                                         DNN_K_DETERMINISTIC | DNN_K_CAPTURABLE));
    if (k->dtypes != 0 && (k->dtypes & ~op->accepts) != 0)
        kit_sendf(child, KIT_WARN, row, 0, "it lists dtypes that %s does not take (0x%x)", op->name,
                  k->dtypes & ~op->accepts);
}

/* FNV-1a over the contents of the table, without texts. */
static uint64_t digest(const dnn_plugin *table)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    const unsigned char *byte = (const void *)table;

    for (uint32_t i = 0; i < table->size; i++)
        h = (h ^ byte[i]) * UINT64_C(0x100000001b3);
    for (int k = 0; table->kernels != NULL && table->kernels[k] != NULL; k++) {
        byte = (const void *)table->kernels[k];
        for (uint32_t i = 0; i < table->kernels[k]->size; i++)
            h = (h ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

/* ---- init and fini ---- */

static bool start_plugin(const kit_child *child, const dnn_plugin *table, const char *when)
{
    dnn_status status;
    double began = now_us();

    kit_doing(child, -1, 0, "init%s", when);
    kit_said_forget();
    status = table->init != NULL ? table->init(&kit_host) : DNN_OK;
    if (when[0] == 0)
        send_fact(child, "init_us", now_us() - began);
    if (status == DNN_DECLINED && dnn__plugin_text()[0] == 0)
        kit_sendf(child, KIT_FAIL, -1, 0, "init declines without a sentence");
    else if (status != DNN_OK)
        kit_sendf(child, KIT_FAIL, -1, 0, "init%s %s: %s", when,
                  status == DNN_DECLINED ? "declines, so nothing can be checked here" : "fails",
                  kit_said());
    return status == DNN_OK;
}

static void stop_plugin(const kit_child *child, const dnn_plugin *table)
{
    kit_doing(child, -1, 0, "fini");
    if (table->fini != NULL)
        table->fini();
}

static void check_start(const kit_child *child, const dnn_plugin *table)
{
    int64_t live = kit_count.live;
    uint64_t before = digest(table);

    for (int i = 0; i < 2; i++) {
        if (!start_plugin(child, table, i == 0 ? "" : " after fini")) {
            kit_sendf(child, KIT_STOP, -1, 0, "no init");
            return;
        }
        stop_plugin(child, table);
    }
    if (kit_count.live != live)
        kit_sendf(child, KIT_FAIL, -1, 0,
                  "after init and fini, twice, %lld blocks of host->alloc "
                  "are not freed",
                  (long long)(kit_count.live - live));
    if (digest(table) != before)
        kit_sendf(child, KIT_FAIL, -1, 0, "its table is not constant: init or fini changed it");
}

void kit_phase_table(kit_child *child)
{
    const dnn_plugin *table;
    double began = now_us();

    kit_check_symbols(child);
    kit_process_note(child);
    table = kit_open(child);
    if (table == NULL)
        return;
    send_fact(child, "open_us", now_us() - began);
    send_table(child, table);
    send_kernels(child, table);
    for (int i = 0; table->kernels != NULL && table->kernels[i] != NULL; i++)
        check_flags(child, i, table->kernels[i]);
    check_start(child, table);
    kit_process_check(child, -1);
}

/* ---- loading by the library ---- */

static int row_of(const dnn_plugin *table, const char *kernel)
{
    for (int i = 0; table != NULL && table->kernels[i] != NULL; i++) {
        if (table->kernels[i]->name != NULL && strcmp(table->kernels[i]->name, kernel) == 0)
            return i;
    }
    return -1;
}

static const dnn_plugin *table_in_use(const char *id)
{
    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        if (strcmp(dnn__plugins[i]->id, id) == 0)
            return &dnn__plugins[i]->table;
    }
    return NULL;
}

/* A kernel that libdnn skips is never used. For an operator of another version that may be
 * intended. */
static void report_skipped(const kit_child *child, int backend, const dnn_plugin *table)
{
    const char *kernel, *reason;

    for (int i = 0; dnn_backend_skipped(backend, i, &kernel, &reason); i++) {
        int row = row_of(table, kernel);
        bool meant = row >= 0 && dnn__op_named(table->kernels[row]->op) == NULL;

        kit_sendf(child, meant ? KIT_WARN : KIT_FAIL, row, 0, "libdnn %s skips it: %s",
                  dnn_version(), reason);
    }
}

/* Returns the reason that `dnn backends` shows for the file, without the words about the
 * environment around it. */
static const char *why_refused(const char *path)
{
    dnn_backend_info info;

    for (int i = 0; dnn_backend_at(i, &info); i++) {
        if (info.reason != NULL && strcmp(info.path, path) == 0)
            return info.reason;
    }
    return dnn_error_message();
}

void kit_phase_adopt(kit_child *child)
{
    const dnn_plugin *table = kit_open(child);
    dnn_backend_info info;
    dnn_status status;

    if (table == NULL)
        return;
    kit_process_note(child);
    kit_doing(child, -1, 0, "libdnn loads it");
    setenv("DNN_PLUGINS", child->options->file, 1);
    status = dnn_init(table->id);
    if (status != DNN_OK) {
        kit_sendf(child, KIT_FAIL, -1, 0, "libdnn %s refuses it: %s", dnn_version(),
                  why_refused(child->options->file));
        kit_sendf(child, KIT_STOP, -1, 0, "refused");
        return;
    }
    unsetenv("DNN_PLUGINS");
    for (int i = 0; dnn_backend_at(i, &info); i++) {
        if (info.id != NULL && strcmp(info.id, table->id) == 0)
            report_skipped(child, i, table_in_use(table->id));
    }
    dnn_shutdown();
    kit_process_check(child, -1);
}
