/* run.c - iterates over the operator table: modes x rows x dtypes that a loaded plugin has kernels
 * for. Programs call conf_run; the modes are in value.c, grad.c and promises.c. */
#include "harness.h"
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

void (*const conf_cases[DNN__N_OPS])(conf_sink *s) = {
#define DNN_OP(name, ...) cases_##name,
#include "op_table.def"
#undef DNN_OP
};

typedef struct mode {
    int bit;
    const char *name;
    void (*emit)(conf_sink *sink, const conf_case *c);
    uint32_t dtypes;
} mode;

static const mode modes[] = {
    {CONF_VALUE, "value", conf_emit_value, DNN__ALL_DTYPES},
    {CONF_SPECIAL, "special", conf_emit_special, DNN__ALL_DTYPES},
    {CONF_GRAD, "grad", conf_emit_grad, DNN__FLOATS},
    {CONF_PROMISES, "promises", conf_emit_promises, DNN_T_F32 | DNN_T_F64 | DNN_T_I64 | DNN_T_BOOL},
};

int conf_count(void)
{
    return DNN__N_OPS;
}

const char *conf_name(int index)
{
    return index >= 0 && index < DNN__N_OPS ? dnn__ops[index].name : NULL;
}

/* Returns whether a kernel exists for the row and dtype on the default device. Views need none. */
static bool is_served(dnn__op_id op, dnn_dtype dtype)
{
    char kind[64];
    const char *plugin, *kernel;
    int priority;

    if ((dnn__ops[op].traits & DNN__IS_VIEW) != 0)
        return true;
    snprintf(kind, sizeof kind, "%s", dnn_default_device());
    kind[strcspn(kind, ":")] = 0;
    return dnn_candidate_at(dnn__ops[op].name, kind, dtype, 0, &plugin, &kernel, &priority);
}

/* ---- the kernels that ran ---- */

static void note_served(void *ctx, const char *op, const char *plugin, const char *kernel,
                        const char *answer)
{
    harness *h = ctx;
    char name[128];
    size_t used = strlen(h->served);

    if (h->options->asked != NULL)
        h->options->asked(h->options->ctx, op, plugin, kernel, answer);
    snprintf(name, sizeof name, "%s/%s ", plugin != NULL ? plugin : "?",
             kernel != NULL ? kernel : "?");
    if (strcmp(op, dnn__ops[h->op].name) == 0 && strncmp(answer, "yes", 3) == 0 &&
        strstr(h->served, name) == NULL)
        snprintf(h->served + used, sizeof h->served - used, "%s", name);
}

/* While explain is set, every call is planned again, so only the first case of a dtype is watched.
 */
static void emit_watched(conf_sink *sink, const conf_case *c)
{
    harness *h = (harness *)sink;

    for (size_t m = 0; m < DNN__COUNT(modes); m++) {
        if (modes[m].bit == sink->mode) {
            sink->emit = modes[m].emit;
            dnn_explain(note_served, h);
            modes[m].emit(sink, c);
            dnn_explain(NULL, NULL);
        }
    }
}

/* ---- rows ---- */

static void run_row(harness *h, const mode *m)
{
    uint32_t asked = h->options->dtypes, served = 0,
             dtypes = dnn__ops[h->op].accepts & m->dtypes &
                      (asked != 0            ? asked
                       : m->bit == CONF_GRAD ? (uint32_t)DNN_T_F64
                                             : (uint32_t)DNN__ALL_DTYPES);

    h->mode_name = m->name;
    h->note = "";
    h->served[0] = 0;
    h->row = (conf_row){.mode = m->name, .op = dnn__ops[h->op].name, .served = h->served};
    h->random = UINT64_C(0x5bd1e995) * ((uint64_t)h->op + 1);
    for (int d = 0; d < DNN__N_DTYPES; d++) {
        if ((dtypes >> d & 1) == 0 || !is_served(h->op, 1u << d))
            continue;
        served |= 1u << d;
        h->sink = (conf_sink){.mode = m->bit, .dtype = 1u << d, .emit = emit_watched};
        conf_cases[h->op](&h->sink);
    }
    if (served == 0)
        conf_skip(h, "%s %s: no loaded plugin has a kernel on %s", m->name, h->row.op,
                  dnn_default_device());
    h->totals.passed += h->row.passed;
    h->totals.failed += h->row.failed;
    h->totals.skipped += h->row.skipped;
    if (h->options->row != NULL)
        h->options->row(h->options->ctx, &h->row);
}

conf_totals conf_run(const conf_options *options)
{
    harness h = {.options = options, .runner = conf_run_library};
    int wanted = options->modes != 0 ? options->modes : CONF_ALL;

    for (size_t m = 0; m < DNN__COUNT(modes); m++) {
        for (int op = 0; op < DNN__N_OPS && (wanted & modes[m].bit) != 0; op++) {
            if (options->pattern != NULL && fnmatch(options->pattern, dnn__ops[op].name, 0) != 0)
                continue;
            if (modes[m].bit == CONF_GRAD && dnn__ops[op].gradient == NULL)
                continue;
            h.op = (dnn__op_id)op;
            run_row(&h, &modes[m]);
        }
    }
    return h.totals;
}
