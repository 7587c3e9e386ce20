/* kernels.c - the phase that calls every kernel of the plugin directly; it names the memory that a
 * signal came from. The cases are those of the operator's row; the checks are in numbers.c and
 * kernel_promises.c. */
#include "abi_struct.h"
#include "plugin_call.h"
#include "kit.h"
#include "plugin_impl.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

/* ---- faults in guarded memory ---- */

static kit_call *volatile watched;
static kit_note *note;

static char *put(char *at, const char *end, const char *text)
{
    while (*text != 0 && at + 1 < end)
        *at++ = *text++;
    *at = 0;
    return at;
}

static char *put_number(char *at, const char *end, uint64_t n)
{
    char digits[24], *d = digits + sizeof digits;

    *--d = 0;
    do {
        *--d = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return put(at, end, d);
}

/* "it touches byte 8 past output 0 (of 48 bytes)". This runs in a signal handler, where printf is
 * not allowed. */
static bool name_fault(const kit_block *b, const char *address, const char *what, int number)
{
    char *at = note->fault;
    const char *end = at + sizeof note->fault;

    if (b->map == NULL || address < b->map || address >= b->map + b->map_bytes)
        return false;
    if (address < b->at || address >= b->at + b->bytes) {
        bool past = address >= b->at;

        at = put(at, end, "it touches byte ");
        at = put_number(at, end, (uint64_t)(past ? address - (b->at + b->bytes) : b->at - address));
        at = put(at, end, past ? " past " : " before ");
    } else {
        at = put(at, end, "it writes into ");
    }
    at = put(at, end, what);
    if (number >= 0) {
        at = put(at, end, " ");
        at = put_number(at, end, (uint64_t)number);
    }
    at = put(at, end, " (of ");
    at = put_number(at, end, b->bytes);
    put(at, end, " bytes)");
    return true;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const kit_call *call = watched;

    (void)context;
    for (int i = 0; call != NULL && i < call->n; i++) {
        bool input = i < call->c->n_in;

        if (name_fault(&call->block[i], info->si_addr, input ? "input" : "output",
                       input ? i : i - call->c->n_in))
            call = NULL;
    }
    if (call != NULL && !name_fault(&call->workspace, info->si_addr, "the workspace", -1))
        (void)name_fault(&call->stash, info->si_addr, "the stash", -1);
    signal(number, SIG_DFL); /* the instruction faults again and ends the process */
}

static void catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

void kit_watch(kit_call *call)
{
    watched = call;
}

/* ---- one kernel ---- */

static void on_event(void *ctx, const char *kind, const char *text)
{
    kit_check *check = ctx;

    if (check->captured == NULL)
        kit_sendf(check->child, strcmp(kind, "FAIL") == 0 ? KIT_FAIL : KIT_SKIP, check->row,
                  check->h.sink.dtype, "%s", text);
    else if (check->captured[0] == 0)
        snprintf(check->captured, check->captured_bytes, "%s", text);
}

static const struct mode {
    int mode;
    const char *name;
    void (*emit)(conf_sink *sink, const conf_case *c);
} test_modes[] = {{CONF_VALUE, "value", conf_emit_value},
                  {CONF_SPECIAL, "special", conf_emit_special},
                  {CONF_PROMISES, "promises", kit_emit_promises}},
  support_modes[] = {{CONF_VALUE, "support", kit_emit_plan}},
  perf_modes[] = {{CONF_PROMISES, "perf", kit_emit_time}};

static void check_dtype(kit_child *child, const kit_kernel *k, int row, uint32_t dtype,
                        const struct mode *modes, size_t n)
{
    kit_check check = {.child = child, .k = k, .row = row};
    conf_options options = {.ctx = &check, .event = on_event};
    kit_record r = {.kind = KIT_COUNT, .row = row, .dtype = dtype};

    check.h.options = &options;
    check.h.runner = kit_run_direct;
    check.h.op = k->op;
    check.h.note = "";
    check.h.random = UINT64_C(0x5bd1e995) * ((uint64_t)k->op + 1);
    for (size_t m = 0; m < n; m++) {
        check.h.mode_name = modes[m].name;
        check.h.sink = (conf_sink){.mode = modes[m].mode, .dtype = dtype, .emit = modes[m].emit};
        conf_cases[k->op](&check.h.sink);
    }
    r.count[0] = check.cases;
    r.count[1] = check.h.row.failed;
    r.count[2] = check.declined;
    r.reads_stash = check.reads_stash;
    snprintf(r.text, sizeof r.text, "%s", check.declined_text);
    kit_send(child, &r);
}

/* ---- all kernels ---- */

/* Sets the memory and stream for the kernel's device. Sets *why if the kernel cannot be called,
 * else NULL. */
static bool find_device(const dnn_plugin *table, const dnn_kernel *k, kit_device *device, char *why,
                        size_t bytes)
{
    int32_t ordinals = 0;

    if (strcmp(k->device, "cpu") == 0)
        return true;
    if (table->device == NULL || strcmp(table->device->kind, k->device) != 0) {
        snprintf(why, bytes, "its device %s is brought by another plugin: not called", k->device);
        return false;
    }
    if (table->device->count(&ordinals) != DNN_OK || ordinals < 1) {
        snprintf(why, bytes, "there is no %s here: not called", k->device);
        return false;
    }
    device->api = table->device;
    return true;
}

static void check_kernel(kit_child *child, const dnn_plugin *table, const dnn_kernel *k, int row,
                         kit_device device, const struct mode *modes, size_t n)
{
    const dnn__op *op = dnn__op_named(k->op);
    kit_kernel kernel = {.table = k, .plugin = table, .op = (dnn__op_id)op->id, .device = device};
    uint32_t dtypes = (k->dtypes != 0 ? k->dtypes : op->accepts) & op->accepts;

    kit_process_note(child);
    if (op->id == DNN_OP_reorder)
        kit_check_reorder(child, &kernel, row);
    for (int d = 0; d < DNN__N_DTYPES; d++) {
        if ((dtypes & child->options->dtypes & 1u << d) != 0)
            check_dtype(child, &kernel, row, 1u << d, modes, n);
    }
    kit_process_check(child, row);
}

/* Returns whether libdnn adopts the kernel. If not, the phase that adopts has reported it. */
static bool is_adopted(const dnn_kernel *k)
{
    enum { KNOWN = DNN_K_STRIDED | DNN_K_UNALIGNED | DNN_K_INPLACE | DNN_K_FLAT };

    return k->op != NULL && dnn__op_named(k->op) != NULL && k->run != NULL && k->device != NULL &&
           (k->flags & DNN__MUST_UNDERSTAND & ~(uint32_t)KNOWN) == 0 &&
           k->op_version <= dnn__op_named(k->op)->version &&
           dnn__tail_is_zero(k, k->size, sizeof *k);
}

/* Runs first: kernels then get inputs in the layouts that other kernels leave results in. */
static void discover(kit_child *child, const dnn_plugin *table, kit_device device)
{
    char why[200];

    for (int i = 0; table->layouts != NULL && table->kernels[i] != NULL; i++) {
        kit_device own = {0};
        dnn_kernel k;

        if (!is_adopted(table->kernels[i]))
            continue;
        dnn__adopt(&k, sizeof k, table->kernels[i], table->kernels[i]->size);
        if (find_device(table, &k, &own, why, sizeof why)) {
            kit_kernel kernel = {.table = &k,
                                 .plugin = table,
                                 .op = (dnn__op_id)dnn__op_named(k.op)->id,
                                 .device = own.api != NULL ? device : own};

            kit_discover_layouts(child, &kernel, i);
        }
    }
}

static void each_kernel(kit_child *child, const dnn_plugin *table, kit_device device,
                        const struct mode *modes, size_t n)
{
    char why[200];

    for (int i = child->from; table->kernels[i] != NULL; i++) {
        const dnn_kernel *theirs = table->kernels[i];
        kit_device own = {0};
        dnn_kernel k;

        if (!is_adopted(theirs) || !kit_selected(child, theirs->op))
            continue;
        dnn__adopt(&k, sizeof k, theirs, theirs->size);
        kit_doing(child, i, 0, "%s", k.name);
        if (!find_device(table, &k, &own, why, sizeof why)) {
            kit_sendf(child, KIT_SKIP, i, 0, "%s", why);
            continue;
        }
        check_kernel(child, table, &k, i, own.api != NULL ? device : own, modes, n);
    }
}

static bool open_device(kit_child *child, const dnn_plugin *table, kit_device *device)
{
    int32_t ordinals = 0;

    if (table->device == NULL || table->device->count(&ordinals) != DNN_OK || ordinals < 1)
        return true;
    device->api = table->device;
    if (child->from == 0)
        kit_sendf(
            child, KIT_SKIP, -1, 0,
            "pages that fault, and inputs that cannot be written: memory of %s has none, so the "
            "bytes around and in them are compared instead; several threads on one plan: the "
            "kit has one stream",
            table->device->kind);
    if (!DNN_HAS(table->device, stream_new))
        return true;
    if (table->device->stream_new(0, &device->stream) == DNN_OK)
        return true;
    kit_sendf(child, KIT_FAIL, -1, 0, "stream_new fails: %s", kit_said());
    return false;
}

static void run_kernels(kit_child *child, const struct mode *modes, size_t n)
{
    const dnn_plugin *table = kit_open(child);
    kit_device device = {0};

    if (table == NULL || table->kernels == NULL)
        return;
    kit_doing(child, -1, 0, "init");
    if (table->init != NULL && table->init(&kit_host) != DNN_OK)
        return; /* reported by the phase that checks the table */
    note = child->note;
    catch_faults();
    if (open_device(child, table, &device)) {
        discover(child, table, device);
        if (child->from == 0)
            kit_check_families(child, table);
        each_kernel(child, table, device, modes, n);
        kit_check_chains(child, table);
    }
    kit_doing(child, -1, 0, "fini");
    if (device.stream != NULL)
        device.api->stream_del(0, device.stream);
    if (table->fini != NULL)
        table->fini();
}

void kit_phase_kernels(kit_child *child)
{
    run_kernels(child, test_modes, DNN__COUNT(test_modes));
}

void kit_phase_support(kit_child *child)
{
    run_kernels(child, support_modes, DNN__COUNT(support_modes));
}

void kit_phase_perf(kit_child *child)
{
    const dnn_plugin *table = kit_open(child);

    /* There is no comparison if cpu_blas is tested, or a plugin that is loaded already. */
    child->has_base =
        table != NULL && strcmp(table->id, "cpu_blas") != 0 && dnn_init("cpu_blas") == DNN_OK;
    run_kernels(child, perf_modes, DNN__COUNT(perf_modes));
}
