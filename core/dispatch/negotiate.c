/* negotiate.c - agrees with one kernel on a plan: how it sees each operand, the layouts,
 * workspace and stash that its plan() asks for, and how each operand is marshalled. Moves no
 * elements. candidate.c calls it. */
#include <string.h>
#include "negotiate.h"
#include "operand_views.h"
#include "relayout.h"
#include "stash.h"

/* ---- how the kernel sees operands ---- */

static const dnn_tensor *operand(const dnn__frame *f, int i)
{
    return i < f->n_in ? f->in[i] : f->out[i - f->n_in];
}

static bool is_made(const dnn__frame *f, int i)
{
    return i >= f->n_in && !dnn__is_direct(f, i - f->n_in);
}

static bool lies_well(const dnn_tensor *t)
{
    uint64_t address =
        (uint64_t)(uintptr_t)t->storage->data + (uint64_t)t->offset * dnn__item_size(t->dtype);

    return t->storage->data == NULL || address % 64 == 0;
}

/* Rule (a) of FLAT: one run of elements in every operand, in the same order. A new result is
 * row-major. */
static bool same_dense_strides(const dnn__frame *f)
{
    const dnn_view *first = f->pointer[0];

    if ((f->op->traits & DNN__ELEMENTWISE) == 0 || first == NULL || first->layout != 0) {
        return false;
    }
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        const dnn_view *v = f->pointer[i];

        if (v == NULL) {
            continue;
        }
        for (int d = 0; d < v->ndim; d++) {
            if (v->layout != 0 || (v->dim[d] > 1 && v->stride[d] != first->stride[d])) {
                return false;
            }
        }
    }
    return dnn__is_run(first->ndim, first->dim, first->stride);
}

static bool must_pack(const dnn__frame *f, const dnn__kernel *k, int i)
{
    const dnn_view *v = f->pointer[i];
    uint32_t flags = f->plain ? 0 : k->table.flags;
    const dnn_tensor *t = is_made(f, i) ? NULL : operand(f, i);

    if ((flags & DNN_K_STRIDED) == 0 && !dnn__is_dense(v->ndim, v->dim, v->stride) &&
        !((flags & DNN_K_FLAT) != 0 && same_dense_strides(f))) {
        return true;
    }
    return (flags & DNN_K_UNALIGNED) == 0 && t != NULL && !lies_well(t);
}

/* A kernel of the host for a call of a device: it is asked only whether it would serve the call
 * on host copies; that call then has a plan of its own. */
static bool is_elsewhere(const dnn__frame *f, const dnn__kernel *k)
{
    return k->kind != dnn__dev(f->device)->kind;
}

static bool runs_flat(const dnn__frame *f, const dnn__kernel *k)
{
    return f->flat != 0 && !f->plain && (k->table.flags & DNN_K_FLAT) != 0;
}

/* Only a kernel that negotiates, of the plugin that owns a private layout, sees it; others would
 * find no strides. */
static bool shows_layout(const dnn__frame *f, const dnn__kernel *k, int i)
{
    const dnn_view *v = f->pointer[i];
    bool negotiates = k->table.plan != NULL && (k->table.flags & DNN_K_FLAT) == 0;

    return !f->plain && !is_elsewhere(f, k) &&
           (runs_flat(f, k) || (f->op->traits & DNN__MOVES_LAYOUT) != 0 ||
            (negotiates && dnn__owns_layout(k->plugin, v->layout)));
}

static void plan_operand(const dnn__frame *f, const dnn__kernel *k, dnn__plan *plan, int i)
{
    dnn__operand_plan *p = &plan->operand[i];

    *p = (dnn__operand_plan){DNN__UNCHANGED, 0, 0};
    if (f->pointer[i] == NULL) {
        return;
    }
    if (f->pointer[i]->layout == 0) {
        p->how = must_pack(f, k, i) ? DNN__PACKED : DNN__UNCHANGED;
    } else if (!shows_layout(f, k, i)) {
        p->how = i < f->n_in ? DNN__REORDERED : DNN__PACKED;
    }
}

/* Results: a temporary takes an in-place result if the kernel cannot work in place; a new result
 * of a FLAT kernel has the layout of the operands. */
static void plan_results(const dnn__frame *f, const dnn__kernel *k, dnn__plan *plan)
{
    if (f->inplace && (k->table.flags & DNN_K_INPLACE) == 0 &&
        (f->op->traits & DNN__MUTATES) == 0) {
        plan->operand[f->n_in].how = DNN__PACKED;
    }
    for (int i = 0; runs_flat(f, k) && i < f->n_out; i++) {
        if (f->pointer[f->n_in + i] != NULL && is_made(f, f->n_in + i)) {
            plan->operand[f->n_in + i] =
                (dnn__operand_plan){DNN__PRIVATE, f->flat, f->in[0]->storage->bytes};
        }
    }
}

static bool any_detour(const dnn__frame *f, const dnn__plan *plan)
{
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        if (plan->operand[i].how != DNN__UNCHANGED) {
            return true;
        }
    }
    return false;
}

/* Two rows whose operands cannot be packed or reordered freely. */
static dnn_status check_detours(const dnn__frame *f, const dnn__plan *plan, const char **says)
{
    if (f->op->id == DNN_OP_copy) {
        for (int i = 0; i < f->n_in + f->n_out; i++) {
            if (plan->operand[i].how == DNN__PACKED) {
                return dnn__decline(says,
                                    "a kernel of copy must take strides and any alignment: others "
                                    "are packed with it");
            }
        }
    }
    if (f->op->n_out < 0 && any_detour(f, plan)) { /* a copy would separate outputs from inputs */
        return dnn__decline(says, "an operand is not contiguous, and this kernel takes no strides");
    }
    return DNN_OK;
}

/* ---- the call of plan() ---- */

enum { FEW = DNN__FEW_OPERANDS };

struct proposal { /* arrays of the core for dnn_plan */
    dnn_plan plan;
    dnn_view *view, few_view[FEW];
    const dnn_view **pointer, *few_pointer[FEW];
    int64_t (*stride)[DNN_MAX_DIMS], few_stride[FEW][DNN_MAX_DIMS];
    uint32_t few_layout[FEW];
    uint64_t few_bytes[FEW];
    dnn__storage *memory;
};

static dnn_status proposal_open(struct proposal *p, const dnn__frame *f)
{
    size_t n = (size_t)(f->n_in + f->n_out);
    size_t each = sizeof *p->view + sizeof *p->pointer + sizeof *p->stride + sizeof *p->few_layout +
                  sizeof *p->few_bytes;

    p->memory = NULL;
    p->view = p->few_view;
    p->pointer = p->few_pointer;
    p->stride = p->few_stride;
    p->plan =
        (dnn_plan){.size = sizeof(dnn_plan), .in_layout = p->few_layout, .out_bytes = p->few_bytes};
    if (n > FEW) {
        DNN_TRY(dnn__storage_new(dnn__cpu(), each * n, f->op->name, &p->memory));
        p->view = p->memory->data;
        p->stride = (void *)(p->view + n);
        p->pointer = (void *)(p->stride + n);
        p->plan.out_bytes = (void *)(p->pointer + n);
        p->plan.in_layout = (void *)(p->plan.out_bytes + n);
    }
    p->plan.out_layout = p->plan.in_layout + f->n_in;
    memset(p->plan.in_layout, 0, sizeof(uint32_t) * n);
    memset(p->plan.out_bytes, 0, sizeof(uint64_t) * n);
    return DNN_OK;
}

static void show(struct proposal *p, const dnn__frame *f, const dnn__operand_plan *how, int i)
{
    dnn_view *v = &p->view[i];

    p->pointer[i] = NULL;
    if (f->pointer[i] == NULL) {
        return;
    }
    *v = *f->pointer[i];
    v->data = NULL;
    if (how->how == DNN__PRIVATE) {
        v->layout = how->layout;
        v->stride = NULL;
        v->nbytes = how->bytes;
    } else if (how->how != DNN__UNCHANGED) {
        dnn__dense_strides(v->ndim, v->dim, p->stride[i]);
        v->layout = 0;
        v->stride = p->stride[i];
        v->nbytes = (uint64_t)dnn__numel_of(v->ndim, v->dim) * dnn__item_size(v->dtype);
    }
    p->pointer[i] = v;
}

static dnn_status call_plan(dnn__frame *f, dnn__kernel *k, struct proposal *p, const char **says)
{
    dnn_call call = {.size = sizeof call,
                     .n_in = (uint32_t)f->n_in,
                     .n_out = (uint32_t)f->n_out,
                     .mode = f->mode,
                     .in = p->pointer,
                     .out = p->pointer + f->n_in,
                     .attr = f->attr,
                     .host = &dnn__host};
    dnn_status status;

    DNN_TRY(dnn__plugin_enter_or_fail(f->op->name));
    dnn__plugin_text_clear();
    dnn__plugin_self.kernel = k->table.name;
    status = k->table.plan(&call, &p->plan);
    dnn__plugin_self.kernel = NULL;
    dnn__plugin_leave();
    *says = dnn__plugin_text()[0] != 0 ? dnn__after_name(dnn__plugin_text(), f->op->name)
                                       : "declined without a reason";
    if (status < 0) {
        return dnn__fail(status, "%s: %s (plan of kernel %s of %s)", f->op->name, *says,
                         k->table.name, k->plugin->id);
    }
    return status > DNN_DECLINED ? dnn__decline(says, "its plan returned a code that is none")
                                 : status;
}

/* ---- the answer of plan() ---- */

static void describe(const dnn_view *v, dnn__desc *desc)
{
    desc->dtype = v->dtype;
    desc->ndim = v->ndim;
    memcpy(desc->dim, v->dim, sizeof *v->dim * (size_t)v->ndim);
}

static dnn_status check_owned(const dnn__kernel *k, uint32_t layout, const char **says)
{
    return dnn__owns_layout(k->plugin, layout)
               ? DNN_OK
               : dnn__decline(
                     says, "it asks for the layout %s, of a family that its plugin does not list",
                     dnn__layout_name(layout));
}

/* Declines for want of a reorder, with the error of its dispatch as the reason. */
static dnn_status no_way(dnn_status status, uint32_t from, uint32_t to, const char **says)
{
    return status == DNN_E_NOMEM
               ? status
               : dnn__decline(says, "no kernel reorders from %s to %s: %.300s",
                              dnn__layout_name(from), dnn__layout_name(to), dnn__message_text());
}

static dnn_status want_input(const dnn__frame *f, const dnn__kernel *k, dnn__plan *plan,
                             const struct proposal *p, int i, const char **says)
{
    dnn__operand_plan *how = &plan->operand[i];
    uint32_t want = p->plan.in_layout[i], have = p->view[i].layout;
    dnn__desc desc;
    dnn_status status;

    if (want == have) {
        return DNN_OK;
    }
    *how = (dnn__operand_plan){DNN__REORDERED, want, 0};
    if (want == 0) {
        return DNN_OK;
    }
    DNN_TRY(check_owned(k, want, says));
    if (p->view[i].ndim != f->in[i]->ndim ||
        memcmp(p->view[i].dim, f->in[i]->dim, sizeof(int64_t) * (size_t)f->in[i]->ndim) != 0) {
        return dnn__decline(says, "it asks for the layout %s of %s, which is stretched",
                            dnn__layout_name(want), dnn__input_name(f->op, i).text);
    }
    describe(&p->view[i], &desc);
    status = dnn__can_reorder(&desc, f->device, 0, f->pointer[i]->nbytes, want, NULL);
    return status == DNN_OK ? DNN_OK : no_way(status, 0, want, says);
}

/* A result in a private layout: a reorder back to strides must exist, and the reorder must give
 * the same size. */
static dnn_status give_output(const dnn__frame *f, const dnn__kernel *k, dnn__plan *plan,
                              const struct proposal *p, int i, const char **says)
{
    int slot = f->n_in + i;
    uint32_t gives = p->plan.out_layout[i];
    uint64_t bytes = p->plan.out_bytes[i], known = 0, dense;
    dnn__desc desc;
    dnn_status status;

    DNN_TRY(check_owned(k, gives, says));
    if ((f->op->traits & DNN__MUTATES) != 0) {
        return dnn__decline(says, "it asks to write %s over an operand", dnn__layout_name(gives));
    }
    describe(&p->view[slot], &desc);
    dense = (uint64_t)dnn__numel_of(desc.ndim, desc.dim) * dnn__item_size(desc.dtype);
    status = dnn__can_reorder(&desc, f->device, 0, dense, gives, &known);
    if (status != DNN_OK) {
        return no_way(status, 0, gives, says);
    }
    if (bytes != known) {
        return dnn__decline(says, "its plan says %llu bytes for %s in %s, the reorder to it %llu",
                            (unsigned long long)bytes, dnn__result_name(f->op, i).text,
                            dnn__layout_name(gives), (unsigned long long)known);
    }
    status = dnn__can_reorder(&desc, f->device, gives, bytes, 0, NULL);
    if (status != DNN_OK) {
        return no_way(status, gives, 0, says);
    }
    if (f->pointer[slot]->layout != gives || plan->operand[slot].how != DNN__UNCHANGED) {
        plan->operand[slot] = (dnn__operand_plan){DNN__PRIVATE, gives, bytes};
    }
    return DNN_OK;
}

/* The row reorder: both layouts are given; the kernel's plan says how large the result is. */
static dnn_status accept_reorder(const dnn__frame *f, dnn__plan *plan, const struct proposal *p,
                                 const char **says)
{
    uint64_t bytes = p->plan.out_bytes[0];
    uint32_t to = f->request->layout;

    if (to == 0 && bytes != 0 && bytes != p->view[1].nbytes) {
        return dnn__decline(says, "its plan says %llu bytes for a strided result of %llu",
                            (unsigned long long)bytes, (unsigned long long)p->view[1].nbytes);
    }
    if (to != 0 && (bytes == 0 || bytes > (uint64_t)INT64_MAX / 2)) {
        return dnn__decline(says, "its plan says %llu bytes for a result in %s",
                            (unsigned long long)bytes, dnn__layout_name(to));
    }
    if (to != 0) {
        plan->operand[1] = (dnn__operand_plan){DNN__PRIVATE, to, bytes};
    }
    return DNN_OK;
}

static dnn_status accept_layouts(const dnn__frame *f, const dnn__kernel *k, dnn__plan *plan,
                                 const struct proposal *p, const char **says)
{
    if ((f->op->traits & DNN__MOVES_LAYOUT) != 0) {
        return accept_reorder(f, plan, p, says);
    }
    if ((k->table.flags & DNN_K_FLAT) !=
        0) { /* a FLAT kernel takes the layout that all operands share, and asks for none */
        return DNN_OK;
    }
    for (int i = 0; i < f->n_in; i++) {
        if (f->pointer[i] != NULL) {
            dnn_status status = want_input(f, k, plan, p, i, says);

            if (status != DNN_OK) {
                return status;
            }
        }
    }
    for (int i = 0; i < f->n_out; i++) {
        if (f->pointer[f->n_in + i] != NULL && p->plan.out_layout[i] != 0) {
            dnn_status status = give_output(f, k, plan, p, i, says);

            if (status != DNN_OK) {
                return status;
            }
        }
    }
    return DNN_OK;
}

static bool has_backward(const dnn__op *op)
{
    return op->gradient != NULL && op->backward != DNN_OP_none;
}

/* A forward kernel keeps a stash for the backward rows of its plugin. A backward kernel says in
 * the same member how many bytes of it it reads. */
static dnn_status accept_stash(const dnn__frame *f, dnn__plan *plan, uint64_t bytes,
                               const char **says)
{
    if (bytes == 0) {
        return DNN_OK;
    }
    if (f->pair != NULL) {
        plan->stash = bytes;
        return bytes == f->pair->bytes
                   ? DNN_OK
                   : dnn__decline(says,
                                  "it reads a stash of %llu bytes, the forward kernel kept %llu",
                                  (unsigned long long)bytes, (unsigned long long)f->pair->bytes);
    }
    if (!has_backward(f->op)) {
        return dnn__decline(says, "it asks for a stash of %llu bytes, and there is none: %s",
                            (unsigned long long)bytes,
                            f->op->gradient != NULL
                                ? "the row has no backward row that would read it"
                                : "no forward kernel of its plugin kept one");
    }
    if (bytes > (uint64_t)INT64_MAX / 2) {
        return dnn__decline(says, "it asks for a stash of more bytes than there can be");
    }
    plan->stash = (f->mode & DNN_M_GRAD) != 0 ? bytes : 0;
    return DNN_OK;
}

static dnn_status accept(dnn__frame *f, dnn__kernel *k, dnn__plan *plan, const struct proposal *p,
                         const char **says)
{
    dnn_status status;

    if (p->plan.workspace_bytes > (uint64_t)INT64_MAX / 2) {
        return dnn__decline(says, "it asks for a workspace of more bytes than there can be");
    }
    if (is_elsewhere(f, k)) {
        return DNN_OK;
    }
    status = accept_stash(f, plan, p->plan.stash_bytes, says);
    if (status == DNN_OK) {
        status = accept_layouts(f, k, plan, p, says);
    }
    if (status == DNN_OK && plan->stash > 0 && f->pair == NULL) {
        status = dnn__pair_check(f, k, plan->stash, says);
    }
    return status;
}

static dnn_status propose(dnn__frame *f, dnn__kernel *k, dnn__plan *plan, const char **says)
{
    struct proposal p;
    dnn_status status;

    DNN_TRY(proposal_open(&p, f));
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        show(&p, f, &plan->operand[i], i);
    }
    status = call_plan(f, k, &p, says);
    if (status == DNN_OK) {
        status = accept(f, k, plan, &p, says);
    }
    if (status != DNN_OK && p.plan.state != NULL && k->table.unplan != NULL) {
        k->table.unplan(p.plan.state);
    } else if (status == DNN_OK) {
        plan->state = p.plan.state;
        plan->workspace = p.plan.workspace_bytes;
    }
    dnn__storage_release(p.memory);
    return status;
}

dnn_status dnn__negotiate(dnn__frame *f, dnn__kernel *k, dnn__plan *plan, const char **says)
{
    dnn_status status;

    plan->state = NULL;
    plan->workspace = plan->stash = 0;
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        plan_operand(f, k, plan, i);
    }
    status = check_detours(f, plan, says);
    plan_results(f, k, plan);
    if (status == DNN_OK && k->table.plan != NULL) {
        status = propose(f, k, plan, says);
    } else if (status == DNN_OK && (f->op->traits & DNN__MOVES_LAYOUT) != 0 &&
               f->request->layout != 0) {
        status =
            dnn__decline(says, "a reorder to a private layout must have a plan that says its size");
    }
    plan->detours = any_detour(f, plan);
    return status;
}
