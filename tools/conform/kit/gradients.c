/* gradients.c - the phase that checks gradients: the plugin runs under the library's tape, and
 * cpu_blas computes the operators that the plugin lacks. A child of the kit calls it. */
#include "kit.h"
#include "plugin.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

typedef struct gradients {
    kit_child *child;
    const char *id; /* the plugin */
    int row;
    uint32_t dtype;
    bool stash_told;
    int64_t failed; /* failures that the harness does not count */
} gradients;

static void on_event(void *ctx, const char *kind, const char *text)
{
    const gradients *g = ctx;

    if (strcmp(kind, "FAIL") == 0)
        kit_sendf(g->child, KIT_FAIL, g->row, g->dtype, "%s", text);
}

/* Reports a forward kernel that was not selected because of its stash: training would silently use
 * another plugin. */
static void on_answer(void *ctx, const char *op, const char *plugin, const char *kernel,
                      const char *answer)
{
    gradients *g = ctx;

    if (plugin == NULL || strcmp(plugin, g->id) != 0 || strstr(answer, "stash") == NULL ||
        g->stash_told)
        return;
    g->stash_told = true;
    g->failed++;
    kit_sendf(g->child, KIT_FAIL, g->row, g->dtype,
              "kernel %s of %s is passed over in training: %s", kernel, op, answer);
}

/* Returns whether the plugin has a kernel for the operator or for a row of its gradient. */
static bool takes_part(const dnn_plugin *table, const dnn__op *op, uint32_t dtype)
{
    size_t length = strlen(op->name);

    for (int i = 0; table->kernels[i] != NULL; i++) {
        const dnn_kernel *k = table->kernels[i];
        bool own = strcmp(k->op, op->name) == 0;
        bool gradient =
            strncmp(k->op, op->name, length) == 0 && strncmp(k->op + length, "_bwd", 4) == 0;
        bool pair = op->backward >= 0 && strcmp(k->op, dnn__ops[op->backward].name) == 0;

        if ((own || gradient || pair) && (k->dtypes == 0 || (k->dtypes & dtype) != 0))
            return true;
    }
    return false;
}

static bool has_kernel(const char *op, uint32_t dtype)
{
    char kind[64];
    dnn_candidate first;

    snprintf(kind, sizeof kind, "%s", dnn_default_device());
    kind[strcspn(kind, ":")] = 0;
    return dnn_candidate_at(op, kind, dtype, 0, &first);
}

/* Returns whether kernels exist for the operator, its backward row, and the operators of the loss.
 */
static bool is_served(const dnn__op *op, uint32_t dtype)
{
    return has_kernel(op->name, dtype) && has_kernel("mul", dtype) && has_kernel("sum", dtype) &&
           (op->backward < 0 || has_kernel(dnn__ops[op->backward].name, dtype));
}

static void check_row(gradients *g, const dnn__op *op)
{
    conf_options options = {.modes = CONF_GRAD,
                            .pattern = op->name,
                            .dtypes = g->dtype,
                            .ctx = g,
                            .event = on_event,
                            .asked = on_answer};
    kit_record r = {.kind = KIT_COUNT, .row = g->row, .dtype = g->dtype};
    conf_totals totals;

    kit_doing(g->child, g->row, g->dtype, "the gradient of %s in %s", op->name,
              dnn_dtype_name(g->dtype));
    totals = conf_run(&options);
    r.count[0] = totals.passed + totals.failed;
    r.count[1] = totals.failed + g->failed;
    if (r.count[0] > 0)
        kit_send(g->child, &r);
}

static void name_row(const gradients *g, const dnn__op *op)
{
    kit_record r = {.kind = KIT_KERNEL, .row = g->row};

    snprintf(r.text, sizeof r.text, "gradient of %s", op->name);
    snprintf(r.op, sizeof r.op, "%s", op->name);
    snprintf(r.device, sizeof r.device, "%s", dnn_default_device());
    kit_send(g->child, &r);
}

static void check_rows(kit_child *child, const dnn_plugin *table)
{
    int from = child->from >= KIT_GRADIENTS ? child->from - KIT_GRADIENTS : 0;

    for (int o = from; o < DNN__N_OPS; o++) {
        const dnn__op *op = &dnn__ops[o];
        gradients g = {.child = child, .id = table->id, .row = KIT_GRADIENTS + o};
        bool named = false;

        if (op->gradient == NULL || !kit_selected(child, op->name))
            continue;
        for (int d = 0; d < DNN__N_DTYPES; d++) {
            g.dtype = 1u << d;
            /* Random words differ between dtypes, so such rows are checked only in f64. */
            if ((DNN__FLOATS & child->options->dtypes & g.dtype) == 0 ||
                ((op->traits & DNN__RANDOM) != 0 && g.dtype != DNN_T_F64) ||
                !takes_part(table, op, g.dtype) || !is_served(op, g.dtype))
                continue;
            if (!named)
                name_row(&g, op);
            named = true;
            check_row(&g, op);
        }
    }
}

void kit_phase_grad(kit_child *child)
{
    const dnn_plugin *table = kit_open(child);
    long long tensors;

    if (table == NULL || table->kernels == NULL)
        return;
    kit_doing(child, -1, 0, "libdnn loads it");
    setenv("DNN_PLUGINS", child->options->file, 1);
    if (dnn_init(table->id) != DNN_OK) {
        kit_sendf(child, KIT_FAIL, -1, 0, "libdnn %s refuses it: %s", dnn_version(),
                  dnn_error_message());
        return;
    }
    if (!has_kernel("mul", DNN_T_F32) || !has_kernel("sum", DNN_T_F32))
        kit_sendf(
            child, KIT_SKIP, -1, 0,
            "gradients: they need mul and sum for the loss, which this plugin does not have, and "
            "the base cpu_blas was not found (DNN_PLUGIN_PATH names its folder)");
    check_rows(child, table);
    kit_doing(child, -1, 0, "shutdown after gradients");
    tensors = (long long)dnn_live_tensors();
    if (tensors != 0)
        kit_sendf(child, KIT_FAIL, -1, 0, "%lld tensors are alive after the gradients", tensors);
    dnn_shutdown();
}
