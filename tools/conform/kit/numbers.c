/* numbers.c - runs a case on a kernel directly, with guarded memory and known bytes wherever the
 * kernel must not read, and compares the results with the harness's tolerance. value.c supplies the
 * trials. */
#include "abi_struct.h"
#include "plugin_call.h"
#include "kit.h"
#include <stdio.h>
#include <string.h>

bool kit_accepts(kit_check *check, kit_call *call)
{
    dnn_status status = kit_call_plan(call);

    if (status == DNN_OK)
        return true;
    if (status != DNN_DECLINED) {
        conf_fail(&check->h, call->c, "plan fails with %d: %s", (int)status, kit_said());
    } else if (dnn__plugin_text()[0] == 0) {
        conf_fail(&check->h, call->c, "plan declines without a sentence");
    } else {
        if (check->declined == 0)
            snprintf(check->declined_text, sizeof check->declined_text, "%s", kit_said());
        check->declined++;
        check->reads_stash = check->reads_stash || call->reads_stash;
    }
    return false;
}

/* Checks the effects of run other than its results. */
static void check_traces(kit_check *check, kit_call *call)
{
    char text[256];
    int64_t allocs = kit_count.allocs_in_run;

    if (allocs > 0)
        conf_fail(&check->h, call->c, "run asks host->alloc for memory (%lld calls)",
                  (long long)allocs);
    if (kit_call_padding(call, text, sizeof text) != NULL)
        conf_fail(&check->h, call->c, "%s", text);
    if (kit_call_strayed(call, text, sizeof text) != NULL)
        conf_fail(&check->h, call->c, "%s", text);
}

static void judge_outputs(kit_check *check, const kit_call *call, const ref_array *in, bool each)
{
    const conf_case *c = call->c;
    ref_array want[REF_MAX_OUT] = {0};

    if (!conf_reference(&check->h, c, in, want))
        conf_fail(&check->h, c, "no memory for the reference");
    for (int j = 0; j < c->n_out; j++) {
        ref_array got = {0};

        if (want[j].dtype != 0 && kit_call_read(call, j, &got))
            conf_judge(&check->h, c, j, &want[j], &got, each);
        ref_array_free(&got);
        ref_array_free(&want[j]);
    }
}

/* Returns false if the kernel declined. */
static bool run_once(kit_check *check, const conf_case *c, const ref_array *in,
                     const kit_setup *setup, bool each)
{
    static kit_call call; /* too large for the stack, which the plugin may need */
    bool accepted = false;
    dnn_status status;

    if (!kit_call_open(&call, check->k, c, in, setup)) {
        conf_fail(&check->h, c, "no memory for the operands");
    } else if ((accepted = kit_accepts(check, &call))) {
        kit_watch(&call);
        status = kit_call_memory(&call) ? kit_call_run(&call) : DNN_E_NOMEM;
        kit_watch(NULL);
        if (status != DNN_OK) {
            conf_fail(&check->h, c, "run fails with %d after plan accepted: %s", (int)status,
                      kit_said());
        } else {
            judge_outputs(check, &call, in, each);
            check_traces(check, &call);
        }
    }
    kit_call_close(&call);
    return accepted;
}

static bool outputs_are_empty(const conf_case *c)
{
    for (int j = 0; j < c->n_out; j++) {
        if (c->out[j].dtype != 0 && ref_count((int)c->out[j].shape.ndim, c->out[j].shape.dim) > 0)
            return false;
    }
    return true;
}

/* ---- reads of unwritten memory ---- */

/* Returns whether the case passes, without changing the row's counts. */
static bool passes(kit_check *check, const conf_case *c, const ref_array *in,
                   const kit_setup *setup, bool each)
{
    conf_row before = check->h.row;
    char *captured = check->captured, ignored[1024];
    bool good;

    check->captured = ignored;
    run_once(check, c, in, setup, each);
    good = check->h.row.failed == before.failed;
    check->h.row = before;
    check->captured = captured;
    return good;
}

/* Names the memory that a failed trial read although it was never written; NULL: that was not the
 * cause. */
static const char *read_unwritten(kit_check *check, const conf_case *c, const ref_array *in,
                                  const kit_setup *setup, bool each)
{
    static const char *const name[] = {"the outputs", "the bytes beside the inputs",
                                       "the workspace"};
    kit_setup calm = *setup;

    calm.poison_out = calm.poison_beside = calm.poison_workspace = 0;
    if (!passes(check, c, in, &calm, each))
        return NULL;
    for (int i = 0; i < 3; i++) {
        kit_setup one = calm;

        *(i == 0   ? &one.poison_out
          : i == 1 ? &one.poison_beside
                   : &one.poison_workspace) = setup->poison_out;
        if (!passes(check, c, in, &one, each))
            return name[i];
    }
    return NULL;
}

/* Runs the case with one setup, and reports a failure with its cause. */
static bool trial(kit_check *check, const conf_case *c, const ref_array *in, const kit_setup *setup,
                  bool each)
{
    int64_t failed = check->h.row.failed;
    char text[1024] = "", line[1024];
    dnn__text what = dnn__text_to(line, sizeof line);
    const char *memory;
    bool accepted;

    conf_describe(&check->h, c, &what);
    kit_doing(check->child, check->row, check->h.sink.dtype, "%s", line);
    check->captured = text;
    check->captured_bytes = sizeof text;
    accepted = run_once(check, c, in, setup, each);
    check->captured = NULL;
    if (check->h.row.failed == failed)
        return accepted;
    memory = read_unwritten(check, c, in, setup, each);
    if (memory != NULL)
        kit_sendf(check->child, KIT_FAIL, check->row, check->h.sink.dtype,
                  "%s; it reads %s, which nobody wrote: with zeros there the result is right", text,
                  memory);
    else
        kit_sendf(check->child, KIT_FAIL, check->row, check->h.sink.dtype, "%s%s", text,
                  setup->grown ? " (with structs as long as a newer host's)" : "");
    return false;
}

/* ---- the setups of a case ---- */

static void trials(kit_check *check, const conf_case *c, const ref_array *in, kit_setup setup,
                   bool each)
{
    if (!kit_allowed(check->k, c, in, &setup))
        return;
    check->cases++;
    setup.poison_out = setup.poison_beside = setup.poison_workspace = 0xff;
    if (!trial(check, c, in, &setup, each) || each)
        return;
    setup.poison_out = setup.poison_beside = setup.poison_workspace = 0x3c;
    setup.grown = setup.at_start = true;
    trial(check, c, in, &setup, each);
}

/* Strides that do not fit in 32 bits, once for each dtype. */
static void far_apart(kit_check *check, const conf_case *c, const ref_array *in)
{
    kit_setup setup = {.only = -1, .far = true};
    const char *note = check->h.note;

    if (check->far_tried || c->n_in == 0 || !kit_allowed(check->k, c, in, &setup))
        return;
    check->far_tried = true;
    check->h.note = "rows of input 0 more than 2^31 elements apart";
    trials(check, c, in, setup, true);
    check->h.note = note;
}

/* With a backward following, a forward kernel may keep a stash. */
static void before_backward(kit_check *check, const conf_case *c, const ref_array *in)
{
    kit_setup setup = {.only = -1, .mode = DNN_M_GRAD};
    const char *note = check->h.note;

    check->h.note = "with a backward to follow";
    if (dnn__ops[check->h.op].backward >= 0)
        trials(check, c, in, setup, false);
    check->h.note = note;
}

/* Inputs in a private layout of the plugin: the first input, and all that can be. */
static void offered(kit_check *check, const conf_case *c, const ref_array *in)
{
    const char *note = check->h.note;
    uint32_t layout, dtype;
    char text[96];

    for (int l = 0; kit_layout_at(l, &layout, &dtype); l++) {
        for (int only = -1; only < 1 && dtype == check->h.sink.dtype; only++) {
            kit_setup setup = {.only = -1, .offer = layout, .offer_only = only};

            snprintf(text, sizeof text, only < 0 ? "inputs in %s" : "input 0 in %s",
                     kit_host.layout_name(layout));
            check->h.note = text;
            trials(check, c, in, setup, false);
        }
    }
    check->h.note = note;
}

void kit_run_direct(harness *h, const conf_case *c, const ref_array *in, enum conf_layout layout,
                    int only, bool each)
{
    kit_check *check = (kit_check *)h;
    kit_setup setup = {.layout = layout, .only = only};
    const char *note = h->note;
    char text[96];

    if (c->call != NULL || outputs_are_empty(c))
        return;
    trials(check, c, in, setup, each);
    if (each || only >= 0)
        return;
    if (layout == CONF_DENSE) {
        far_apart(check, c, in);
        before_backward(check, c, in);
        offered(check, c, in);
    }
    for (int l = CONF_TRANSPOSED; l <= CONF_SLICED; l++) {
        if (layout != CONF_DENSE && l != (int)layout)
            continue;
        setup.out_layout = (enum conf_layout)l;
        snprintf(text, sizeof text, "%s, output %s", note, conf_layout_names[l]);
        h->note = text;
        trials(check, c, in, setup, each);
        h->note = note;
    }
}
