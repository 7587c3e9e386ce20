/* choose.c - the ladder: asks the candidates for a call in their order and makes the plan of the
 * first that accepts. Called on a miss of the plan cache. It allocates the plan, never operands. */
#include <string.h>
#include "plan.h"

/* What the candidates said, for the message of rung 4 and for dnn_explain. */
struct answers {
    char buffer[600];
    dnn__text text;
    int asked;
};

static void answer(struct answers *a, const dnn__frame *f, const dnn__kernel *k, const char *says)
{
    a->asked++;
    dnn__put(&a->text, "%s%s of %s: %s", a->text.length > 0 ? "; " : "", k->table.name,
             k->plugin->id, says);
    if (dnn__self.explain != NULL) {
        dnn__self.explain(dnn__self.explain_ctx, f->op->name, k->plugin->id, k->table.name, says);
    }
}

/* ---- how the operands are shown to a kernel: packed where it takes no strides or no bad alignment
 * ---- */

static bool lies_well(const dnn_tensor *t)
{
    uint64_t address =
        (uint64_t)(uintptr_t)t->storage->data + (uint64_t)t->offset * dnn__item_size(t->dtype);

    return t->storage->data == NULL || address % 64 == 0;
}

static bool must_pack(const dnn__kernel *k, const dnn_view *v, const dnn_tensor *t)
{
    if ((k->table.flags & DNN_K_STRIDED) == 0 && !dnn__is_dense(v->ndim, v->dim, v->stride)) {
        return true;
    }
    return (k->table.flags & DNN_K_UNALIGNED) == 0 && t != NULL && !lies_well(t);
}

/* A plan with its arrays in one block: the key, then a byte for each operand. */
static dnn_status new_plan(const dnn__frame *f, dnn__plan **out)
{
    int n = f->n_in + f->n_out;
    size_t key_bytes = (size_t)dnn__key_room(n, f->op->attr_bytes) * sizeof(uint64_t);
    size_t bytes = sizeof(dnn__plan) + key_bytes + (size_t)n;
    dnn__plan *plan = dnn__alloc(bytes);

    if (plan == NULL) {
        return dnn__nomem("plan", bytes);
    }
    memset(plan, 0, bytes);
    atomic_init(&plan->refs, 1);
    plan->device = f->device;
    plan->key = (uint64_t *)(void *)(plan + 1);
    plan->pack = (uint8_t *)plan->key + key_bytes;
    pthread_mutex_init(&plan->lock, NULL);
    atomic_fetch_add_explicit(&dnn__count.plans, 1, memory_order_relaxed);
    *out = plan;
    return DNN_OK;
}

static void mark_packed(const dnn__frame *f, const dnn__kernel *k, dnn__plan *plan)
{
    plan->packs = false;
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        const dnn_tensor *t = i < f->n_in ? f->in[i] : f->out[i - f->n_in];
        bool made = i >= f->n_in && i - f->n_in < 2 && !f->direct[i - f->n_in];

        plan->pack[i] = f->pointer[i] != NULL && must_pack(k, f->pointer[i], made ? NULL : t);
        plan->packs = plan->packs || plan->pack[i] != 0;
    }
}

/* In place and not fit for it: a temporary takes the result. */
static void mark_temporary(const dnn__frame *f, const dnn__kernel *k, dnn__plan *plan)
{
    if (f->inplace && (k->table.flags & DNN_K_INPLACE) == 0 &&
        (f->op->traits & DNN__MUTATES) == 0) {
        plan->pack[f->n_in] = 1;
        plan->packs = true;
    }
}

/* ---- asking one candidate ---- */

/* Are the attributes beyond what the kernel knows all zero? */
static bool attributes_fit(const dnn__frame *f, const dnn__kernel *k)
{
    const uint8_t *bytes = f->attr;

    for (uint32_t i = k->table.attr_bytes; k->table.attr_bytes > 0 && i < f->op->attr_bytes; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

struct proposal { /* arrays of the core for dnn_plan */
    dnn_plan plan;
    dnn_view view[8];
    const dnn_view *pointer[8];
    int64_t stride[8][DNN_MAX_DIMS];
    uint32_t layout[8];
    uint64_t bytes[8];
};

static bool wants_layouts(const dnn_plan *plan, int n_in, int n_out)
{
    for (int i = 0; i < n_in; i++) {
        if (plan->in_layout[i] != 0) {
            return true;
        }
    }
    for (int i = 0; i < n_out; i++) {
        if (plan->out_layout[i] != 0) {
            return true;
        }
    }
    return false;
}

/* Calls plan() on the operands as the kernel will see them. DNN_DECLINED with *says set, or an
 * error. */
static dnn_status ask_plan(dnn__frame *f, dnn__kernel *k, dnn__plan *plan, const dnn_view **pointer,
                           dnn_plan *p, const char **says)
{
    dnn_call call = {.size = sizeof call,
                     .n_in = (uint32_t)f->n_in,
                     .n_out = (uint32_t)f->n_out,
                     .mode = f->mode,
                     .in = pointer,
                     .out = pointer + f->n_in,
                     .attr = f->attr,
                     .host = &dnn__host};
    dnn_status status;

    dnn__self.plugin_text[0] = 0;
    status = k->table.plan(&call, p);
    *says = dnn__self.plugin_text[0] != 0 ? dnn__self.plugin_text : "declined without a reason";
    if (status < 0) {
        return dnn__fail(status, "%s: %s (plan of kernel %s of %s)", f->op->name, *says,
                         k->table.name, k->plugin->id);
    }
    if (status == DNN_OK && p->stash_bytes > 0) {
        *says = "it asks for a stash, which this version of libdnn does not keep yet";
        status = DNN_DECLINED;
    } else if (status == DNN_OK && wants_layouts(p, f->n_in, f->n_out)) {
        *says = "it asks for a private layout, which this version of libdnn does not keep yet";
        status = DNN_DECLINED;
    } else if (status == DNN_OK && p->workspace_bytes > (uint64_t)INT64_MAX / 2) {
        *says = "it asks for a workspace of more bytes than there can be";
        status = DNN_DECLINED;
    } else if (status > DNN_DECLINED) {
        *says = "its plan returned a code that is none";
        status = DNN_DECLINED;
    }
    if (status != DNN_OK && p->state != NULL && k->table.unplan != NULL) {
        k->table.unplan(p->state);
        return status;
    }
    plan->state = p->state;
    plan->workspace = p->workspace_bytes;
    return status;
}

/* Lays out, for n operands, the arrays that plan() gets, and asks. */
static dnn_status propose(dnn__frame *f, dnn__kernel *k, dnn__plan *plan, const char **says)
{
    struct proposal few, *p = &few;
    dnn__storage *memory = NULL;
    int n = f->n_in + f->n_out;
    size_t each = sizeof(dnn_view) + sizeof(dnn_view *) + sizeof few.stride[0] + sizeof(uint32_t) +
                  sizeof(uint64_t);
    dnn_view *view = few.view;
    const dnn_view **pointer = few.pointer;
    int64_t(*stride)[DNN_MAX_DIMS] = few.stride;
    dnn_status status;

    few.plan =
        (dnn_plan){.size = sizeof(dnn_plan), .in_layout = few.layout, .out_bytes = few.bytes};
    if (n > 8) {
        DNN_TRY(dnn__storage_new(dnn__cpu(), each * (size_t)n, f->op->name, &memory));
        view = memory->data;
        stride = (void *)(view + n);
        pointer = (void *)(stride + n);
        few.plan.out_bytes = (void *)(pointer + n);
        few.plan.in_layout = (void *)(few.plan.out_bytes + n);
    }
    few.plan.out_layout = few.plan.in_layout + f->n_in;
    memset(few.plan.in_layout, 0, sizeof(uint32_t) * (size_t)n);
    memset(few.plan.out_bytes, 0, sizeof(uint64_t) * (size_t)n);
    for (int i = 0; i < n; i++) {
        pointer[i] = NULL;
        if (f->pointer[i] == NULL) {
            continue;
        }
        view[i] = *f->pointer[i];
        view[i].data = NULL;
        if (plan->pack[i] != 0) {
            dnn__dense_strides(view[i].ndim, view[i].dim, stride[i]);
            view[i].stride = stride[i];
            view[i].nbytes =
                (uint64_t)dnn__numel_of(view[i].ndim, view[i].dim) * dnn__item_size(view[i].dtype);
        }
        pointer[i] = &view[i];
    }
    status = ask_plan(f, k, plan, pointer, &p->plan, says);
    dnn__storage_release(memory);
    return status;
}

/* DNN_OK: it accepts. DNN_DECLINED: not it, and *says is why. Negative: an error that ends the
 * search. */
static dnn_status ask(dnn__frame *f, dnn__kernel *k, dnn__plan *plan, const char **says)
{
    plan->state = NULL;
    plan->workspace = 0;
    if (k->plugin->disabled) {
        *says = "its plugin is disabled";
        return DNN_DECLINED;
    }
    if (!attributes_fit(f, k)) {
        *says = "the call uses attributes that this kernel does not know";
        return DNN_DECLINED;
    }
    mark_packed(f, k, plan);
    if (plan->packs && f->op->id == DNN_OP_copy) {
        *says = "a kernel of copy must take strides and any alignment: others are packed with it";
        return DNN_DECLINED;
    }
    if (plan->packs && f->op->n_out < 0) { /* outputs are inputs: a copy of one would part them */
        *says = "an operand is not contiguous, and this kernel takes no strides";
        return DNN_DECLINED;
    }
    mark_temporary(f, k, plan);
    return k->table.plan != NULL ? propose(f, k, plan, says) : DNN_OK;
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

static const char *yes_text(const dnn__frame *f, const dnn__plan *plan, char *buffer, size_t bytes)
{
    dnn__text text = dnn__text_to(buffer, bytes);

    dnn__put(&text, "yes");
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        if (plan->pack[i] != 0) {
            dnn__put(&text,
                     i < f->n_in ? "; input %d is copied to be dense"
                                 : "; output %d goes by way of a copy",
                     i < f->n_in ? i : i - f->n_in);
        }
    }
    return buffer;
}

/* Asks everybody on a device kind. DNN_DECLINED if nobody accepts. */
static dnn_status ask_kind(dnn__frame *f, int32_t kind, dnn__plan *plan, struct answers *answers)
{
    dnn__candidates candidates = dnn__candidates_of((dnn__op_id)f->op->id, kind, primary_dtype(f));
    char yes[200];

    for (int32_t i = 0; i < candidates.n; i++) {
        dnn__kernel *k = candidates.kernel[i];
        const char *says = "";
        dnn_status status = ask(f, k, plan, &says);

        if (status == DNN_OK) {
            plan->kernel = k;
            answer(answers, f, k, yes_text(f, plan, yes, sizeof yes));
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
                     answers->asked > 0 ? answers->buffer : "no plugin has one", hint, where);
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

static dnn_status fall_back(dnn__frame *f, dnn__plan *plan, struct answers *answers)
{
    int mode = dnn__fallback_mode();
    dnn_status status;

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
    plan->packs = false;
    memset(plan->pack, 0, (size_t)(f->n_in + f->n_out));
    if (mode == DNN__FALLBACK_WARN) {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: %s of %s is computed by %s on the host: %s bytes are copied for each "
                 "call (no kernel on %s)",
                 f->op->name, dnn__shape_text(f->view[0].ndim, f->view[0].dim),
                 plan->kernel->plugin->id, dnn__number_text(bytes_moved(f)),
                 dnn__dev(f->device)->name);
    }
    return DNN_OK;
}

dnn_status dnn__plan_make(dnn__frame *f, dnn__plan **out)
{
    struct answers answers;
    dnn__plan *plan = NULL;
    dnn_status status;

    answers.text = dnn__text_to(answers.buffer, sizeof answers.buffer);
    answers.asked = 0;
    DNN_TRY(new_plan(f, &plan));
    status = ask_kind(f, dnn__dev(f->device)->kind, plan, &answers);
    if (status == DNN_DECLINED) {
        status =
            dnn__dev(f->device)->kind != 0 ? fall_back(f, plan, &answers) : nobody(f, &answers, "");
    }
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
