/* choose.c - the ladder: asks the candidates for a call in their order and makes the plan of the
 * first that accepts. Called on a miss of the plan cache. It allocates the plan, never elements. */
#include <string.h>
#include "preferences.h"
#include "autotune.h"

/* What the candidates said, for the message of rung 4 and for dnn_explain. */
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
    if (dnn__self.explain != NULL) {
        dnn__self.explain(dnn__self.explain_ctx, f->op->name, k->plugin->id, k->table.name, says);
    }
}

/* A plan with its arrays in one block: the key, then a passage for each operand. */
static dnn_status new_plan(const dnn__frame *f, dnn__plan **out)
{
    int n = f->n_in + f->n_out;
    size_t key_bytes = (size_t)dnn__key_room(n, f->op->attr_bytes) * sizeof(uint64_t);
    size_t bytes = sizeof(dnn__plan) + key_bytes + (size_t)n * sizeof(dnn__passage);
    dnn__plan *plan = dnn__alloc(bytes);

    if (plan == NULL) {
        return dnn__nomem("plan", bytes);
    }
    memset(plan, 0, bytes);
    atomic_init(&plan->refs, 1);
    plan->device = f->device;
    plan->threads = dnn__self.call_threads;
    plan->key = (uint64_t *)(void *)(plan + 1);
    plan->passage = (dnn__passage *)(void *)((char *)plan->key + key_bytes);
    pthread_mutex_init(&plan->lock, NULL);
    atomic_fetch_add_explicit(&dnn__count.plans, 1, memory_order_relaxed);
    *out = plan;
    return DNN_OK;
}

/* ---- asking one candidate ---- */

/* Are all attributes zero that the kernel does not know? A kernel of a row that had no attributes
 * in v1.0 knows none. The leading size is no attribute. */
static bool attributes_fit(const dnn__frame *f, const dnn__kernel *k)
{
    const uint8_t *bytes = f->attr;
    uint32_t known = k->table.attr_bytes;

    for (uint32_t i = known > sizeof known ? known : sizeof known; i < f->op->attr_bytes; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* DNN_OK: it accepts. DNN_DECLINED: not it, and *says is why. Negative: an error that ends the
 * search. */
static dnn_status ask(dnn__frame *f, dnn__kernel *k, dnn__plan *plan, const char **says)
{
    plan->state = NULL;
    plan->workspace = 0;
    if (k->plugin->disabled && (f->op->traits & DNN__MOVES_LAYOUT) == 0) {
        *says = "its plugin is disabled";
        return DNN_DECLINED;
    }
    if (f->pin != NULL && k->plugin != f->pin->plugin) {
        *says = "the stash that the forward kernel kept is for its own plugin";
        return DNN_DECLINED;
    }
    if (!dnn__mode_allows(f->mode, k)) {
        *says = "it does not promise the same bits each time, which DNN_DETERMINISTIC asks for";
        return DNN_DECLINED;
    }
    if (!attributes_fit(f, k)) {
        *says = "the call uses attributes that this kernel does not know";
        return DNN_DECLINED;
    }
    return dnn__negotiate(f, k, plan, says);
}

/* ---- the ladder ---- */

static dnn_dtype primary_dtype(const dnn__frame *f)
{
    if (f->op->primary < f->n_in && f->in[f->op->primary] != NULL) {
        return f->in[f->op->primary]->dtype;
    }
    return f->out[0] != NULL && (f->n_out > 2 || f->direct[0]) ? f->out[0]->dtype
                                                               : f->desc[0].dtype;
}

static void put_passage(dnn__text *text, const dnn__frame *f, const dnn__plan *plan, int i)
{
    const dnn__passage *p = &plan->passage[i];
    int place = i < f->n_in ? i : i - f->n_in;

    if (p->how == DNN__PACKED) {
        dnn__put(text,
                 i < f->n_in ? "; input %d is copied to be dense"
                             : "; output %d goes by way of a copy",
                 place);
    } else if (p->how == DNN__REORDERED) {
        dnn__put(text, "; input %d is reordered from %s to %s", place,
                 dnn__layout_name(f->view[i].layout), dnn__layout_name(p->layout));
    } else if (p->how == DNN__PRIVATE) {
        dnn__put(text, "; output %d is written as %s", place, dnn__layout_name(p->layout));
    }
}

static const char *yes_text(const dnn__frame *f, const dnn__plan *plan, const char *note,
                            char *buffer, size_t bytes)
{
    dnn__text text = dnn__text_to(buffer, bytes);

    dnn__put(&text, "yes");
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        put_passage(&text, f, plan, i);
    }
    dnn__put(&text, "%s", note);
    return buffer;
}

dnn_status dnn__plan_of(dnn__frame *f, dnn__kernel *k, dnn__plan **out)
{
    const char *says = "";
    dnn__plan *plan = NULL;
    dnn_status status;

    DNN_TRY(new_plan(f, &plan));
    status = ask(f, k, plan, &says);
    if (status != DNN_OK) {
        dnn__plan_release(plan);
        return status;
    }
    plan->kernel = k;
    *out = plan;
    return DNN_OK;
}

/* Asks everybody on a device kind. DNN_DECLINED if nobody accepts. */
static dnn_status ask_kind(dnn__frame *f, int32_t kind, dnn__plan *plan, struct answers *answers)
{
    dnn__candidates candidates = dnn__candidates_of((dnn__op_id)f->op->id, kind, primary_dtype(f));
    char yes[400], note[80];
    dnn__kernel *fastest = dnn__tuned(f, kind, candidates, note, sizeof note);

    for (int32_t i = fastest != NULL ? -1 : 0; i < candidates.n; i++) {
        dnn__kernel *k = i < 0 ? fastest : candidates.kernel[i];
        const char *says = "";
        dnn_status status;

        if (i >= 0 && k == fastest) {
            continue; /* it declined */
        }
        status = ask(f, k, plan, &says);

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

static dnn_status nobody(const dnn__frame *f, const struct answers *answers, const char *hint)
{
    char where[400];
    dnn__text text = dnn__text_to(where, sizeof where);

    dnn__put_search(&text);
    return dnn__fail(DNN_E_DEVICE, "%s: no kernel for %s on %s (%s). %s%s", f->op->name,
                     dnn_dtype_name(primary_dtype(f)), dnn__dev(f->device)->name,
                     answers->text.length > 0 ? answers->buffer : "no plugin has one", hint, where);
}

/* The bytes that rung 3 moves in one call. */
static int64_t bytes_moved(const dnn__frame *f)
{
    int64_t bytes = 0;

    for (int i = 0; i < f->n_in + f->n_out; i++) {
        bytes += f->pointer[i] != NULL ? (int64_t)f->pointer[i]->nbytes : 0;
    }
    return bytes;
}

/* Operands pass as they are, but for results that nobody on the host could write: they are strided
 * first. */
static void pass_by_host(const dnn__frame *f, dnn__plan *plan)
{
    memset(plan->passage, 0, sizeof *plan->passage * (size_t)(f->n_in + f->n_out));
    plan->detours = false;
    for (int i = f->n_in; i < f->n_in + f->n_out; i++) {
        if (f->pointer[i] != NULL && f->pointer[i]->layout != 0) {
            plan->passage[i].how = DNN__PACKED;
            plan->detours = true;
        }
    }
}

static dnn_status fall_back(dnn__frame *f, dnn__plan *plan, struct answers *answers)
{
    int mode = dnn__fallback_mode();
    dnn_status status;

    if (dnn__self.dry_parts > 0) {
        return nobody(f, answers, "");
    }
    if (mode == DNN__FALLBACK_ERROR) {
        return nobody(
            f, answers,
            "To let the host compute it, name cpu_blas behind the backend in DNN_BACKEND, or set "
            "DNN_FALLBACK=warn. ");
    }
    status = ask_kind(f, 0, plan, answers);
    if (status == DNN_DECLINED) {
        return nobody(f, answers, "");
    }
    DNN_TRY(status);
    /* The call on host copies finds its own plan; this one only says that there is a way. */
    if (plan->state != NULL && plan->kernel->table.unplan != NULL) {
        plan->kernel->table.unplan(plan->state);
    }
    plan->state = NULL;
    plan->on_host = true;
    pass_by_host(f, plan);
    if (mode == DNN__FALLBACK_WARN && dnn__self.dry == 0) {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: %s of %s is computed by %s on the host: %s bytes are copied for each "
                 "call (no kernel on %s)",
                 f->op->name, dnn__shape_text(f->view[0].ndim, f->view[0].dim),
                 plan->kernel->plugin->id, dnn__number_text(bytes_moved(f)),
                 dnn__dev(f->device)->name);
    }
    return DNN_OK;
}

/* Rung 2. DNN_DECLINED if the row has no parts, or nobody serves one of them on the device. */
static dnn_status ask_parts(dnn__frame *f, dnn__plan *plan, struct answers *answers)
{
    const char *says = "";
    dnn_status status = dnn__can_decompose(f, &says);

    if (status == DNN_OK) {
        plan->kernel = NULL;
        plan->detours = false;
        says = "yes; in smaller operators";
    }
    if (f->op->decompose != NULL && dnn__self.explain != NULL) {
        dnn__self.explain(dnn__self.explain_ctx, f->op->name, "libdnn", "decomposition", says);
    } else if (status == DNN_DECLINED && f->op->decompose != NULL) {
        dnn__put(&answers->text, "%s; %s", answers->asked > 0 ? "" : "no plugin has one", says);
    }
    return status;
}

/* A backward call whose stash pins it: what its kernels accepted when the pair was planned were
 * strided, dense operands. */
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
    if (status == DNN_DECLINED && f->pin != NULL) {
        return ask_plainly(f, plan, &answers);
    }
    if (status == DNN_DECLINED) {
        status = ask_parts(f, plan, &answers);
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

    DNN_TRY(new_plan(f, &plan));
    status = walk_ladder(f, plan);
    if (status != DNN_OK) {
        plan->kernel = NULL;
        dnn__plan_release(plan);
        return status;
    }
    *out = plan;
    return DNN_OK;
}

void dnn_explain(dnn_explain_fn fn, void *ctx)
{
    dnn__self.explain = fn;
    dnn__self.explain_ctx = ctx;
}
