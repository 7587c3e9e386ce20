/* value.c - the modes that compare results with the oracle: in every layout, and with special
 * values in every lane. The harness passes each case of a row to the emit functions.
 * harness->runner decides whether a case goes through the library or directly to a kernel. */
#include "harness.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- cases through the library ---- */

/* A call with all its tensors. */
typedef struct trial {
    const ref_array *in;
    ref_array base[REF_MAX_IN], want[REF_MAX_OUT];
    dnn_tensor *base_tensor[REF_MAX_IN], *tensor[REF_MAX_IN], *out[REF_MAX_OUT];
} trial;

static void trial_free(trial *t)
{
    for (int i = 0; i < REF_MAX_IN; i++)
        ref_array_free(&t->base[i]);
    for (int j = 0; j < REF_MAX_OUT; j++)
        ref_array_free(&t->want[j]);
}

/* Checks that the inputs still hold the same bits, with the gaps of their storages. */
static void check_inputs(harness *h, const conf_case *c, trial *t)
{
    for (int i = 0; i < c->n_in; i++) {
        ref_array now = {0};
        const ref_array *was = &t->base[i];

        if (c->in[i].dtype == 0 || conf_is_alias(c, i))
            continue;
        if (!ref_array_new(&now, was->dtype, was->ndim, was->dim) ||
            conf_read(t->base_tensor[i], &now) != DNN_OK) {
            conf_fail(h, c, "input %d cannot be read back: %s", i, dnn_error_message());
        } else {
            for (int64_t k = 0; k < was->n; k++) {
                if (was->f != NULL
                        ? memcmp(&was->f[k], &now.f[k], sizeof(double)) != 0 && !isnan(was->f[k])
                        : was->i[k] != now.i[k]) {
                    conf_fail(h, c, "input %d was changed at element %lld", i, (long long)k);
                    break;
                }
            }
        }
        ref_array_free(&now);
    }
}

/* Makes tensors of the operands, runs the row and compares the outputs. */
static void run_trial(harness *h, const conf_case *c, trial *t, enum conf_layout layout, int only,
                      bool each)
{
    dnn_status st;

    {
        DNN_SCOPE();
        for (int i = 0; i < c->n_in; i++) {
            enum conf_layout own;

            if (c->in[i].dtype == 0)
                continue;
            own = conf_layout_of(c, t->in, i, layout, only);
            if (conf_base(&t->base[i], &t->in[i], own))
                t->base_tensor[i] = conf_tensor(&t->base[i]);
            t->tensor[i] = conf_view(t->base_tensor[i], &t->in[i], own);
            if (t->tensor[i] == NULL)
                conf_fail(h, c, "input %d cannot be made: %s", i, dnn_error_message());
        }
        if (conf_destinations(c, t->tensor, t->out) && dnn_take_error() == DNN_OK) {
            if (!c->destination && c->n_out > 0 && c->out[0].dtype != 0)
                conf_poison(&c->out[0]);
            st = conf_call(h, c, t->tensor, t->out);
            if (st != DNN_OK) {
                conf_fail(h, c, "%s", dnn_error_message());
            } else if (!conf_reference(h, c, t->in, t->want)) {
                conf_fail(h, c, "no memory for the reference");
            } else {
                for (int j = 0; j < c->n_out; j++) {
                    if (c->out[j].dtype != 0)
                        conf_compare(h, c, j, &t->want[j], t->out[j], each);
                }
                check_inputs(h, c, t);
            }
        }
    }
}

void conf_run_library(harness *h, const conf_case *c, const ref_array *in, enum conf_layout layout,
                      int only, bool each)
{
    trial t = {.in = in};

    run_trial(h, c, &t, layout, only, each);
    trial_free(&t);
}

/* ---- every layout ---- */

static void free_all(ref_array *in)
{
    for (int i = 0; i < REF_MAX_IN; i++)
        ref_array_free(&in[i]);
}

static void fresh_trial(harness *h, const conf_case *c, enum conf_layout layout, int only)
{
    ref_array in[REF_MAX_IN] = {0};
    bool good = true, applied = layout == CONF_DENSE;
    char note[64];

    for (int i = 0; i < c->n_in; i++) {
        if (c->in[i].dtype == 0)
            continue;
        good = good && conf_fill(&in[i], &c->in[i], only < 0 || only == i ? layout : CONF_DENSE,
                                 &h->random);
        applied = applied || conf_layout_of(c, in, i, layout, only) == layout;
    }
    snprintf(note, sizeof note, only < 0 ? "%s" : "%s input %d", conf_layout_names[layout], only);
    h->note = note;
    if (!good)
        conf_fail(h, c, "no memory for the operands");
    else if (applied)
        h->runner(h, c, in, layout, only, false);
    h->note = "";
    free_all(in);
}

void conf_emit_value(conf_sink *sink, const conf_case *c)
{
    harness *h = (harness *)sink;

    for (int l = 0; l < CONF_LAYOUTS; l++) {
        fresh_trial(h, c, (enum conf_layout)l, -1);
        if (l == CONF_DENSE || c->n_in < 2)
            continue;
        for (int i = 0; i < c->n_in && i < 5; i++)
            fresh_trial(h, c, (enum conf_layout)l, i);
    }
}

/* ---- special values ---- */

enum { SPECIALS = 8 };

static double special(uint32_t dtype, int which)
{
    double tiny = dtype == DNN_T_F64 ? 0x1p-1060 : dtype == DNN_T_F16 ? 0x1p-22 : 0x1p-131;
    double huge = dtype == DNN_T_F64    ? DBL_MAX
                  : dtype == DNN_T_F16  ? 65504
                  : dtype == DNN_T_BF16 ? 0x1.fep127
                                        : FLT_MAX;
    const double values[SPECIALS] = {NAN, INFINITY, -INFINITY, -0.0, tiny, -tiny, huge, -huge};

    return values[which];
}

static bool set_special(const conf_case *c, ref_array *a, int input, int64_t k, int which)
{
    const conf_operand *o = &c->in[input];

    if (a->f != NULL) {
        if (which >= 6 &&
            (c->judge == CONF_SUM ||
             c->tame)) /* such values overflow depending on the order of a sum or product */
            return false;
        a->f[k] = special(a->dtype, which);
        return true;
    }
    if (which > 3 || a->dtype == DNN_T_BOOL || (which == 3 && o->low >= 1) ||
        (which == 2 && a->dtype == DNN_T_U8) ||
        (which == 0 && o->low >= 1 && ref_int_min(a->dtype) == 0))
        return false;
    a->i[k] = which == 0   ? ref_int_min(a->dtype)
              : which == 1 ? ref_int_max(a->dtype)
              : which == 2 ? -1
                           : 0;
    return true;
}

static bool fill_all(harness *h, const conf_case *c, ref_array *in)
{
    bool good = true;

    for (int i = 0; i < c->n_in; i++) {
        if (c->in[i].dtype != 0)
            good = good && conf_fill(&in[i], &c->in[i], CONF_DENSE, &h->random);
    }
    return good;
}

static void special_at(harness *h, const conf_case *c, int input, int64_t place, int which)
{
    ref_array in[REF_MAX_IN] = {0};
    char note[64];

    snprintf(note, sizeof note, "special %d in input %d at %lld", which, input, (long long)place);
    h->note = note;
    if (!fill_all(h, c, in))
        conf_fail(h, c, "no memory for the operands");
    else if (set_special(c, &in[input], input, place, which))
        h->runner(h, c, in, CONF_DENSE, -1, true);
    h->note = "";
    free_all(in);
}

/* Combines every special value of one operand with every one of the next. */
static void special_grid(harness *h, const conf_case *c)
{
    ref_array in[REF_MAX_IN] = {0};

    h->note = "special pairs";
    if (fill_all(h, c, in)) {
        for (int i = 0; i < c->n_in; i++) {
            int64_t every = i % 2 == 0 ? 1 : SPECIALS;

            for (int64_t k = 0; in[i].dtype != 0 && !c->in[i].plain && k < in[i].n; k++)
                set_special(c, &in[i], i, k, (int)(k / every % SPECIALS));
        }
        h->runner(h, c, in, CONF_DENSE, -1, true);
    }
    h->note = "";
    free_all(in);
}

void conf_emit_special(conf_sink *sink, const conf_case *c)
{
    harness *h = (harness *)sink;

    for (int i = 0; i < c->n_in; i++) {
        int64_t n = ref_count((int)c->in[i].shape.ndim, c->in[i].shape.dim);
        int64_t place[4] = {0, n / 2, n - 1, n / 8 * 8};

        if (c->in[i].dtype == 0 || c->in[i].plain || c->in[i].ordinary || n == 0 ||
            c->in[i].dtype == DNN_T_BOOL)
            continue;
        for (int p = 0; p < 4; p++) {
            if (place[p] >= n || (p > 0 && place[p] == place[p - 1]))
                continue;
            for (int which = 0; which < SPECIALS; which++)
                special_at(h, c, i, place[p], which);
        }
    }
    if (c->n_in >= 2 && !c->tame && (conf_traits(h) & DNN__ELEMENTWISE) != 0 &&
        c->out[0].shape.dim[0] >= SPECIALS * SPECIALS)
        special_grid(h, c);
}
