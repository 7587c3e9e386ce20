/* select.c - the ladder KERNEL, DECOMPOSED, HOST_FALLBACK: asks the candidates for a call in
 * order and makes the plan of the first that accepts. The plan cache calls it on a miss.
 * Allocates plans, never elements. */
#include <string.h>
#include "autotune.h"
#include "candidate.h"
#include "decompose.h"
#include "dispatch_state.h"
#include "preferences.h"
#include "select.h"

/* The answers of the candidates, for the error if none accepts, and for dnn_explain. */
struct answers {
    char buffer[600];
    dnn__text text;
    int asked;
};

static void answer(struct answers *a, const dnn__frame *f, const dnn__kernel *k, const char *says)
{
    char pinned[700];

    if (k->pin != 0) {
        dnn__text text = dnn__text_to(pinned, sizeof pinned);

        dnn__put(&text, "pinned: %s", says);
        says = pinned;
    }
    a->asked++;
    dnn__put(&a->text, "%s%s of %s: %s", a->text.length > 0 ? "; " : "", k->table.name,
             k->plugin->id, says);
    if (dnn__dispatch_self.explain != NULL) {
        dnn__dispatch_self.explain(dnn__dispatch_self.explain_ctx, f->op->name, k->plugin->id,
                                   k->table.name, says);
    }
}

/* ---- the ladder ---- */

static dnn_dtype primary_dtype(const dnn__frame *f)
{
    if (f->op->primary < f->n_in && f->in[f->op->primary] != NULL) {
        return f->in[f->op->primary]->dtype;
    }
    return dnn__is_direct(f, 0) ? f->out[0]->dtype : f->desc[0].dtype;
}

static void put_operand_plan(dnn__text *text, const dnn__frame *f, const dnn__plan *plan, int i)
{
    const dnn__operand_plan *p = &plan->operand[i];

    if (p->how == DNN__PACKED) {
        if (i < f->n_in) {
            dnn__put(text, "; %s is copied to be dense", dnn__input_name(f->op, i).text);
        } else {
            dnn__put(text, "; %s goes by way of a copy", dnn__result_name(f->op, i - f->n_in).text);
        }
    } else if (p->how == DNN__REORDERED) {
        dnn__put(text, "; %s is reordered from %s to %s", dnn__input_name(f->op, i).text,
                 dnn__layout_name(f->view[i].layout), dnn__layout_name(p->layout));
    } else if (p->how == DNN__PRIVATE) {
        dnn__put(text, "; %s is written as %s", dnn__result_name(f->op, i - f->n_in).text,
                 dnn__layout_name(p->layout));
    }
}

static const char *yes_text(const dnn__frame *f, const dnn__plan *plan, const char *note,
                            char *buffer, size_t bytes)
{
    dnn__text text = dnn__text_to(buffer, bytes);

    dnn__put(&text, "yes");
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        put_operand_plan(&text, f, plan, i);
    }
    dnn__put(&text, "%s", note);
    return buffer;
}

/* Asks each candidate on a device kind. DNN_DECLINED if none accepts. */
static dnn_status ask_kind(dnn__frame *f, int32_t kind, dnn__plan *plan, struct answers *answers)
{
    dnn__candidates candidates = dnn__candidates_of((dnn__op_id)f->op->id, kind, primary_dtype(f));
    char yes[400], note[80];
    dnn__kernel *fastest = dnn__autotuned(f, kind, candidates, note, sizeof note);

    for (int32_t i = fastest != NULL ? -1 : 0; i < candidates.n; i++) {
        dnn__kernel *k = i < 0 ? fastest : candidates.kernel[i];
        const char *says = "";
        dnn_status status;

        if (i >= 0 && k == fastest) {
            continue; /* it declined */
        }
        status = dnn__ask(f, k, plan, &says);

        if (status == DNN_OK) {
            plan->kernel = k;
            answer(answers, f, k, yes_text(f, plan, i < 0 ? note : "", yes, sizeof yes));
            return DNN_OK;
        }
        if (status < 0) {
            return status;
        }
        answer(answers, f, k, says);
    }
    return DNN_DECLINED;
}

/* Returns whether the plugin has a kernel of the operator for the dtype. */
static bool serves(const dnn__frame *f, const dnn__plugin *plugin, dnn_dtype dtype)
{
    dnn__candidates c = dnn__candidates_of((dnn__op_id)f->op->id, dnn__dev(f->device)->kind, dtype);

    for (int32_t i = 0; i < c.n; i++) {
        if (c.kernel[i]->plugin == plugin) {
            return true;
        }
    }
    return false;
}

enum { MOST_SERVERS = 4 };

/* Appends each plugin with kernels of the operator and their dtypes: "cpu_blas takes f32 f64; acme
 * takes f32". Returns how many plugins. */
static int put_servers(const dnn__frame *f, dnn__text *text)
{
    const dnn__plugin *seen[MOST_SERVERS];
    int n = 0;

    for (int d = 0; d < DNN__N_DTYPES; d++) {
        dnn__candidates c =
            dnn__candidates_of((dnn__op_id)f->op->id, dnn__dev(f->device)->kind, 1u << d);

        for (int32_t i = 0; i < c.n && n < MOST_SERVERS; i++) {
            int k = 0;

            while (k < n && seen[k] != c.kernel[i]->plugin) {
                k++;
            }
            if (k < n) {
                continue;
            }
            seen[n++] = c.kernel[i]->plugin;
            dnn__put(text, "%s%s takes", n > 1 ? "; " : "", seen[n - 1]->id);
            for (int e = d; e < DNN__N_DTYPES; e++) {
                if (serves(f, seen[n - 1], 1u << e)) {
                    dnn__put(text, " %s", dnn_dtype_name(1u << e));
                }
            }
        }
    }
    return n;
}

/* The error where no kernel accepts the call. hint: a sentence with a blank in front, or "". */
static dnn_status nobody(const dnn__frame *f, const struct answers *answers, const char *hint)
{
    char where[500], servers[300];
    dnn__text text = dnn__text_to(where, sizeof where),
              list = dnn__text_to(servers, sizeof servers);
    const char *dtype = dnn_dtype_name(primary_dtype(f));

    dnn__put_search(&text, f->op->name);
    if (answers->asked == 0 && put_servers(f, &list) > 0) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: no kernel takes %s on %s; %s: cast the operands%s%s%s%s%s",
                         f->op->name, dtype, dnn__dev(f->device)->name, servers,
                         answers->text.length > 0 ? " (" : "", answers->buffer,
                         answers->text.length > 0 ? ")" : "", hint, where);
    }
    return dnn__fail(DNN_E_DEVICE, "%s: no kernel for %s on %s (%s)%s%s", f->op->name, dtype,
                     dnn__dev(f->device)->name,
                     answers->text.length > 0 ? answers->buffer : "no plugin has one", hint, where);
}

/* The bytes that HOST_FALLBACK moves in one call. */
static int64_t bytes_moved(const dnn__frame *f)
{
    int64_t bytes = 0;

    for (int i = 0; i < f->n_in + f->n_out; i++) {
        bytes += f->pointer[i] != NULL ? (int64_t)f->pointer[i]->nbytes : 0;
    }
    return bytes;
}

/* All operands stay as they are, except results that the host could not write: those are packed. */
static void pass_by_host(const dnn__frame *f, dnn__plan *plan)
{
    memset(plan->operand, 0, sizeof *plan->operand * (size_t)(f->n_in + f->n_out));
    plan->detours = false;
    for (int i = f->n_in; i < f->n_in + f->n_out; i++) {
        if (f->pointer[i] != NULL && f->pointer[i]->layout != 0) {
            plan->operand[i].how = DNN__PACKED;
            plan->detours = true;
        }
    }
}

static dnn_status fall_back(dnn__frame *f, dnn__plan *plan, struct answers *answers)
{
    int mode = dnn__fallback_mode();
    dnn_status status;

    if (dnn__dispatch_self.no_host_fallback > 0) {
        return nobody(f, answers, "");
    }
    if (mode == DNN__FALLBACK_ERROR) {
        return nobody(
            f, answers,
            ". To let the host compute it, name cpu_blas behind the backend in DNN_BACKEND, or set "
            "DNN_FALLBACK=warn");
    }
    status = ask_kind(f, 0, plan, answers);
    if (status == DNN_DECLINED) {
        return nobody(f, answers, "");
    }
    DNN_TRY(status);
    /* The call on host copies finds its own plan; this plan only says that one exists. */
    if (plan->state != NULL && plan->kernel->table.unplan != NULL) {
        plan->kernel->table.unplan(plan->state);
    }
    plan->state = NULL;
    plan->on_host = true;
    pass_by_host(f, plan);
    if (mode == DNN__FALLBACK_WARN && dnn__dry_run == 0) {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: %s of %s is computed by %s on the host: %s bytes are copied for each "
                 "call (no kernel on %s)",
                 f->op->name, dnn__shape_text(f->view[0].ndim, f->view[0].dim),
                 plan->kernel->plugin->id, dnn__number_text(bytes_moved(f)),
                 dnn__dev(f->device)->name);
    }
    return DNN_OK;
}

/* DECOMPOSED. DNN_DECLINED if the row has no decomposition, or no kernel of the device serves
 * one of its operators. */
static dnn_status ask_decomposition(dnn__frame *f, dnn__plan *plan, struct answers *answers)
{
    const char *says = "";
    dnn_status status = dnn__can_decompose(f, &says);

    if (status == DNN_OK) {
        plan->kernel = NULL;
        plan->detours = false;
        says = "yes; in smaller operators";
    }
    if (f->op->decompose != NULL && dnn__dispatch_self.explain != NULL) {
        dnn__dispatch_self.explain(dnn__dispatch_self.explain_ctx, f->op->name, "libdnn",
                                   "decomposition", says);
    } else if (status == DNN_DECLINED && f->op->decompose != NULL) {
        dnn__put(&answers->text, "%s%s", answers->text.length > 0 ? "; " : "", says);
    }
    return status;
}

/* A backward call whose stash fixes the plugin: its kernels accepted strided, dense operands
 * when the pair was planned. */
static dnn_status ask_plainly(dnn__frame *f, dnn__plan *plan, struct answers *answers)
{
    dnn_status status;

    f->plain = true;
    answers->text = dnn__text_to(answers->buffer, sizeof answers->buffer);
    status = ask_kind(f, dnn__dev(f->device)->kind, plan, answers);
    return status != DNN_DECLINED ? status : nobody(f, answers, "");
}

static dnn_status walk_ladder(dnn__frame *f, dnn__plan *plan)
{
    struct answers answers;
    dnn_status status;

    answers.text = dnn__text_to(answers.buffer, sizeof answers.buffer);
    answers.asked = 0;
    status = ask_kind(f, dnn__dev(f->device)->kind, plan, &answers);
    if (status == DNN_DECLINED && f->pair != NULL) {
        return ask_plainly(f, plan, &answers);
    }
    if (status == DNN_DECLINED) {
        status = ask_decomposition(f, plan, &answers);
    }
    if (status == DNN_DECLINED) {
        status =
            dnn__dev(f->device)->kind != 0 ? fall_back(f, plan, &answers) : nobody(f, &answers, "");
    }
    return status;
}

dnn_status dnn__plan_make(dnn__frame *f, dnn__plan **out)
{
    dnn__plan *plan = NULL;
    dnn_status status;

    DNN_TRY(dnn__plan_new(f, &plan));
    status = walk_ladder(f, plan);
    if (status != DNN_OK) {
        plan->kernel = NULL;
        dnn__plan_release(plan);
        return status;
    }
    *out = plan;
    return DNN_OK;
}
