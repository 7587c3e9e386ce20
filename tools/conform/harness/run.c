/* run.c - iterates over the operator table, then over the operators without a row: modes x rows x
 * dtypes that a loaded plugin has kernels for. Programs call conf_run; the modes are in value.c,
 * grad.c and promises.c. */
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
    return DNN__N_OPS + conf_n_composites;
}

const char *conf_name(int index)
{
    if (index < 0 || index >= conf_count())
        return NULL;
    return index < DNN__N_OPS ? dnn__ops[index].name : conf_composites[index - DNN__N_OPS].name;
}

/* Returns whether a kernel exists for the row and dtype on the default device. Views need none. */
static bool is_served(dnn__op_id op, dnn_dtype dtype)
{
    char kind[64];
    dnn_candidate first;

    if ((dnn__ops[op].traits & DNN__IS_VIEW) != 0)
        return true;
    snprintf(kind, sizeof kind, "%s", dnn_default_device());
    kind[strcspn(kind, ":")] = 0;
    return dnn_candidate_at(dnn__ops[op].name, kind, dtype, 0, &first);
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
    if (strcmp(op, conf_op_name(h)) == 0 && strncmp(answer, "yes", 3) == 0 &&
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

/* The dtypes that are checked: what the options ask; in gradients f64 alone if they ask nothing. */
static uint32_t asked_dtypes(const harness *h, const mode *m)
{
    uint32_t asked = h->options->dtypes;

    return m->dtypes & (asked != 0            ? asked
                        : m->bit == CONF_GRAD ? (uint32_t)DNN_T_F64
                                              : (uint32_t)DNN__ALL_DTYPES);
}

static void begin_row(harness *h, const mode *m, int index)
{
    h->mode_name = m->name;
    h->note = "";
    h->served[0] = 0;
    h->row = (conf_row){.mode = m->name, .op = conf_op_name(h), .served = h->served};
    h->random = UINT64_C(0x5bd1e995) * ((uint64_t)index + 1);
}

static void begin_dtype(harness *h, const mode *m, int dtype)
{
    h->sink = (conf_sink){.mode = m->bit, .dtype = 1u << dtype, .emit = emit_watched};
}

static void end_row(harness *h)
{
    h->totals.passed += h->row.passed;
    h->totals.failed += h->row.failed;
    h->totals.skipped += h->row.skipped;
    if (h->options->row != NULL)
        h->options->row(h->options->ctx, &h->row);
}

static void run_row(harness *h, const mode *m)
{
    uint32_t dtypes = dnn__ops[h->op].accepts & asked_dtypes(h, m), served = 0;

    begin_row(h, m, h->op);
    for (int d = 0; d < DNN__N_DTYPES; d++) {
        if ((dtypes >> d & 1) == 0 || !is_served(h->op, 1u << d))
            continue;
        served |= 1u << d;
        begin_dtype(h, m, d);
        conf_cases[h->op](&h->sink);
    }
    if (served == 0)
        conf_skip(h, "%s %s: no loaded plugin has a kernel on %s", m->name, h->row.op,
                  dnn_default_device());
    end_row(h);
}

static void run_composite(harness *h, const mode *m, int index)
{
    uint32_t dtypes = (DNN_T_F32 | DNN_T_F64) & asked_dtypes(h, m);

    h->composite = &conf_composites[index];
    begin_row(h, m, DNN__N_OPS + index);
    for (int d = 0; d < DNN__N_DTYPES; d++) {
        if ((dtypes >> d & 1) != 0) {
            begin_dtype(h, m, d);
            conf_composite_cases(&h->sink, h->composite);
        }
    }
    end_row(h);
    h->composite = NULL;
}

static bool selected(const conf_options *options, const char *name)
{
    return options->pattern == NULL || fnmatch(options->pattern, name, 0) == 0;
}

conf_totals conf_run(const conf_options *options)
{
    harness h = {.options = options, .runner = conf_run_library};
    int wanted = options->modes != 0 ? options->modes : CONF_ALL;

    for (size_t m = 0; m < DNN__COUNT(modes); m++) {
        if ((wanted & modes[m].bit) == 0)
            continue;
        for (int op = 0; op < DNN__N_OPS; op++) {
            if (!selected(options, dnn__ops[op].name) ||
                (modes[m].bit == CONF_GRAD && dnn__ops[op].gradient == NULL))
                continue;
            h.op = (dnn__op_id)op;
            run_row(&h, &modes[m]);
        }
        /* The promises are those of kernels. */
        for (int i = 0; i < conf_n_composites && modes[m].bit != CONF_PROMISES; i++) {
            if (selected(options, conf_composites[i].name))
                run_composite(&h, &modes[m], i);
        }
    }
    return h.totals;
}
