/* dispatch.c - the one path from an operator to a kernel: check, promote, infer, plan, make
 * outputs, run, record. Every operator calls it. The plan says which kernel runs (plan_cache.c,
 * select.c). It computes nothing itself. */
#include <stdio.h>
#include <string.h>
#include "autotune.h"
#include "counters.h"
#include "decompose.h"
#include "dispatch.h"
#include "dispatch_state.h"
#include "host_fallback.h"
#include "inplace.h"
#include "marshal.h"
#include "nan_check.h"
#include "operand_views.h"
#include "plan_cache.h"
#include "plan_key.h"
#include "preferences.h"
#include "profile.h"
#include "reenter.h"
#include "stash.h"
#include "tape.h"
#include "type_promotion.h"

/* ---- frames: the arrays of a call, on the stack for ordinary calls ---- */

enum { SMALL = DNN__FEW_OPERANDS };

struct small_frame {
    dnn_tensor *tensor[SMALL], *made[SMALL];
    dnn_view view[SMALL];
    const dnn_view *pointer[SMALL];
    int64_t stride[SMALL][DNN_MAX_DIMS];
    uint64_t key[16 + SMALL * (1 + 2 * DNN_MAX_DIMS)];
};

static dnn_status frame_open(dnn__frame *f, const dnn__request *rq, struct small_frame *small)
{
    const dnn__op *op = &dnn__ops[rq->op];
    int n = rq->n_in + rq->n_out;

    f->op = op;
    f->request = rq;
    f->attr = rq->attr;
    f->n_in = rq->n_in;
    f->n_out = rq->n_out;
    f->want = rq->want;
    f->memory = f->stash = NULL;
    f->inplace = f->plain = f->given = f->any_layout = f->laid_out = false;
    f->pair = DNN__UNLIKELY(dnn__dispatch_self.pair != NULL) ? dnn__stash_pair_for(op) : NULL;
    if (DNN__LIKELY(n <= SMALL)) {
        f->in = small->tensor;
        f->out = small->tensor + rq->n_in;
        f->made = small->made;
        f->view = small->view;
        f->pointer = small->pointer;
        f->stride = small->stride;
        f->key = small->key;
    } else {
        /* From the caching allocator of the CPU, so that a step over hundreds of parameters
         * makes no system call. */
        size_t count = (size_t)n,
               key_bytes = (size_t)dnn__key_room(n, op->attr_bytes) * sizeof(uint64_t);
        size_t bytes = count * (sizeof *f->in + sizeof *f->made + sizeof *f->view +
                                sizeof *f->pointer + sizeof *f->stride) +
                       key_bytes;
        char *at;

        DNN_TRY(dnn__storage_new(dnn__cpu(), bytes, op->name, &f->memory));
        at = f->memory->data;
        f->view = (void *)at;
        f->stride = (void *)(at += count * sizeof *f->view);
        f->key = (void *)(at += count * sizeof *f->stride);
        f->in = (void *)(at += key_bytes);
        f->out = f->in + rq->n_in;
        f->made = f->in + count;
        f->pointer = (void *)(f->made + count);
    }
    for (int i = 0; i < rq->n_in; i++) {
        f->in[i] = rq->in[i];
    }
    for (int i = 0; i < rq->n_out; i++) {
        f->out[i] = rq->out[i];
    }
    return DNN_OK;
}

/* ---- checks ---- */

/* Operand i (outputs follow the inputs) is on another device than the first operand. */
__attribute__((cold, noinline)) static dnn_status two_devices(const dnn__frame *f, int i,
                                                              const dnn_tensor *t)
{
    int first = 0;

    while (first < f->n_in && f->in[first] == NULL) {
        first++;
    }
    if (first >= f->n_in) { /* two outputs */
        return dnn__fail(DNN_E_INVALID, "%s: %s is on %s, another output is not", f->op->name,
                         dnn__result_name(f->op, i - f->n_in).text,
                         dnn__dev(dnn__device_of(t))->name);
    }
    return dnn__fail(
        DNN_E_INVALID,
        "%s: operands are on two devices: %s on %s, and %s on %s (dnn_to "
        "moves one)",
        f->op->name, dnn__input_name(f->op, first).text,
        dnn__dev(dnn__device_of(f->in[first]))->name,
        (i < f->n_in ? dnn__input_name(f->op, i) : dnn__result_name(f->op, i - f->n_in)).text,
        dnn__dev(dnn__device_of(t))->name);
}

static inline dnn_status check_operand(dnn__frame *f, int i, const dnn_tensor *t,
                                       dnn__device **device)
{
    f->any_layout = f->any_layout || dnn__layout_of(t->storage) != 0;
    if (*device == NULL) {
        *device = dnn__device_of(t);
    } else if (*device != dnn__device_of(t)) {
        return two_devices(f, i, t);
    }
    return DNN_OK;
}

static dnn_status check_operands(dnn__frame *f)
{
    dnn__device *device = NULL;

    if (f->op->n_in >= 0 && f->n_in != f->op->n_in) {
        return dnn__fail(DNN_E_INTERNAL, "%s: %d inputs, not %d", f->op->name, f->n_in,
                         f->op->n_in);
    }
    for (int i = 0; i < f->n_in; i++) {
        if (f->in[i] != NULL) {
            DNN_TRY(check_operand(f, i, f->in[i], &device));
        } else if (f->op->n_in >= 0 && (f->op->optional >> i & 1) == 0) {
            return dnn__fail(DNN_E_INVALID, "%s: %s is NULL", f->op->name,
                             dnn__input_name(f->op, i).text);
        }
    }
    for (int i = 0; i < f->n_out; i++) {
        if (f->out[i] != NULL) {
            f->given = true;
            DNN_TRY(check_operand(f, f->n_in + i, f->out[i], &device));
        }
    }
    if (device == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: no operand", f->op->name);
    }
    f->device = device;
    return DNN_OK;
}

/* ---- shapes ---- */

static bool any_tracked(const dnn__frame *f)
{
    for (int i = 0; i < f->n_in; i++) {
        if (f->in[i] != NULL && dnn__tracked(f->in[i])) {
            return true;
        }
    }
    return false;
}

static dnn_status infer(dnn__frame *f)
{
    dnn__sig sig = {f->op, f->attr, f->n_in, f->n_out, f->in, f->desc, f->out};
    bool mutates = (f->op->traits & DNN__MUTATES) != 0;

    for (int i = 0; i < f->n_out && i < DNN__RESULTS; i++) {
        f->direct[i] = false;
        if (f->out[i] != NULL) {
            f->desc[i].dtype = f->out[i]->dtype;
            f->desc[i].ndim = f->out[i]->ndim;
            memcpy(f->desc[i].dim, f->out[i]->dim, sizeof f->desc[i].dim);
        }
    }
    DNN_TRY(f->op->shape(&sig));
    f->recording = (f->op->traits & (DNN__MUTATES | DNN__MOVES_LAYOUT)) == 0 &&
                   dnn_grad_enabled() && (f->desc[0].dtype & DNN__FLOATS) != 0 && any_tracked(f);
    f->mode = dnn__mode() | (f->recording ? DNN_M_GRAD : 0);
    if (mutates) {
        for (int i = 0; i < f->n_out; i++) {
            if (f->out[i] != NULL) {
                DNN_TRY(dnn__check_inplace(f->op->name, f->out[i], false));
            }
            if (i < DNN__RESULTS) {
                f->direct[i] = true;
            }
        }
        return DNN_OK;
    }
    for (int i = 0; i < f->n_out; i++) {
        if (f->out[i] != NULL) {
            DNN_TRY(dnn__check_destination(f, i));
        }
    }
    return DNN_OK;
}

static int64_t out_numel(const dnn__frame *f, int i)
{
    if (f->out[i] != NULL) {
        return dnn__numel(f->out[i]);
    }
    return dnn__is_wanted(f, i) ? dnn__numel_of(f->desc[i].ndim, f->desc[i].dim) : 0;
}

static bool outputs_are_empty(const dnn__frame *f)
{
    for (int i = 0; i < f->n_out; i++) {
        if (out_numel(f, i) > 0) {
            return false;
        }
    }
    return true;
}

/* ---- running ---- */

static dnn_status kernel_failed(const dnn__frame *f, const dnn__plan *plan, dnn_status status)
{
    const char *text = dnn__plugin_text()[0] != 0 ? dnn__after_name(dnn__plugin_text(), f->op->name)
                                                  : "no reason given";

    if (status > 0) {
        return dnn__fail(DNN_E_INTERNAL,
                         "%s: kernel %s of %s accepted the call and then declined it: %s",
                         f->op->name, plan->kernel->table.name, plan->kernel->plugin->id, text);
    }
    return dnn__fail(status, "%s: %s (kernel %s of %s)", f->op->name, text,
                     plan->kernel->table.name, plan->kernel->plugin->id);
}

static dnn_status run_kernel(dnn__frame *f, dnn__plan *plan, const dnn__rng *rng)
{
    dnn__storage *workspace = NULL;
    bool alone = (plan->kernel->table.flags & DNN_K_REENTRANT) == 0;
    int outer = dnn__self.call_threads;
    dnn_status status;
    dnn_call call = {.size = sizeof call,
                     .n_in = (uint32_t)f->n_in,
                     .n_out = (uint32_t)f->n_out,
                     .mode = f->mode,
                     .in = f->pointer,
                     .out = f->pointer + f->n_in,
                     .attr = f->attr,
                     .state = plan->state,
                     .stream = dnn__dev(f->device)->stream,
                     .rng_seed = rng->seed,
                     .rng_stream = rng->stream,
                     .rng_offset = rng->offset,
                     .host = &dnn__host};

    if (f->pair != NULL) {
        call.stash = f->pair->stash->data;
    } else if (plan->stash > 0) {
        DNN_TRY(dnn__workspace(f->device, plan->stash, f->op->name, &f->stash));
        f->stash->bytes = plan->stash; /* the backward kernel must name this size */
        call.stash = f->stash->data;
        f->stash_plugin = plan->kernel->plugin;
    }
    if (plan->workspace > 0) {
        DNN_TRY(dnn__workspace(f->device, plan->workspace, f->op->name, &workspace));
        call.workspace = workspace->data;
    }
    dnn__plugin_text_clear();
    if (alone) {
        pthread_mutex_lock(&plan->lock);
    }
    dnn__plugin_self.kernel = plan->kernel->table.name;
    dnn__self.call_threads = plan->threads;
    if (DNN__LIKELY(dnn__plugin_enter())) {
        status = plan->kernel->table.run(&call);
        dnn__plugin_leave();
    } else {
        status = dnn__host.fail(DNN_E_INVALID, "the process is ending");
    }
    dnn__self.call_threads = outer;
    dnn__plugin_self.kernel = NULL;
    if (alone) {
        pthread_mutex_unlock(&plan->lock);
    }
    dnn__storage_release(workspace);
    dnn__count_here(DNN__COUNT_CALLS, 1);
    if (status != DNN_OK) {
        return kernel_failed(f, plan, status);
    }
    return call.stream != NULL ? dnn__device_enqueued(f->device, f->op->name) : DNN_OK;
}

static dnn__rng numbers_for(const dnn__frame *f)
{
    uint64_t words = f->desc[0].dtype == DNN_T_F64 ? 2 : 1;

    if (f->request->rng != NULL) {
        return *f->request->rng;
    }
    if ((f->op->traits & DNN__RANDOM) == 0) {
        return (dnn__rng){0, 0, 0};
    }
    return dnn__rng_take(words * (uint64_t)out_numel(f, 0));
}

/* The operands of a row of any number are never packed or reordered one by one. If no kernel
 * runs over their private layout: makes them strided and asks again. */
static dnn_status find_plan(dnn__frame *f, dnn__plan **plan)
{
    dnn_status status = dnn__plan_find(f, plan);

    if (status != DNN_E_DEVICE || !f->laid_out || f->op->n_out >= 0) {
        return status;
    }
    dnn__operand_views_close(f);
    DNN_TRY(dnn__all_strided(f));
    DNN_TRY(dnn__operand_views_open(f));
    return dnn__plan_find(f, plan);
}

static dnn_status carry_out(dnn__frame *f, dnn__plan *plan, dnn_tensor **made, const dnn__rng *rng)
{
    DNN_TRY(dnn__marshal(f, plan, made));
    return plan->on_host ? dnn__run_on_host(f, made, rng) : run_kernel(f, plan, rng);
}

static dnn_status carry_out_profiled(dnn__frame *f, dnn__plan *plan, dnn_tensor **made,
                                     const dnn__rng *rng)
{
    int64_t begin;

    dnn__profile_begin(f->device, &begin);
    DNN_TRY(carry_out(f, plan, made, rng));
    if (!plan->on_host) { /* the nested call on the host counts itself */
        dnn__profile_end(f, plan, begin);
    }
    return DNN_OK;
}

static dnn_status run_plan(dnn__frame *f, dnn__plan *plan, dnn_tensor **made, dnn__rng *rng)
{
    if (DNN__UNLIKELY(dnn__dry_run > 0)) {
        if (f->pair != NULL && f->pair->readers != NULL && plan->stash > 0) {
            ++*f->pair->readers;
        }
        return plan->on_host && dnn__dispatch_self.no_host_fallback > 0
                   ? dnn__fail(DNN_E_DEVICE, "%s: only the host has a kernel", f->op->name)
                   : dnn__make_results(f, plan, made);
    }
    if (DNN__UNLIKELY(plan->kernel == NULL)) {
        dnn__operand_views_close(f);
        return dnn__run_decomposition(f, made);
    }
    *rng = numbers_for(f);
    return dnn__profiles() ? carry_out_profiled(f, plan, made, rng) : carry_out(f, plan, made, rng);
}

/* Opens the views, finds the plan, makes the results, runs. The scope of the call owns made[]. */
static dnn_status execute(dnn__frame *f, dnn_tensor **made, dnn__rng *rng)
{
    dnn__plan *plan = NULL;
    dnn_status st;

    DNN_TRY(dnn__operand_views_open(f));
    if (outputs_are_empty(f)) {
        st = dnn__make_results(f, NULL, made);
        goto done;
    }
    DNN_TRY_TO(st, done, find_plan(f, &plan));
    if (f->request->plan_only) {
        if (f->request->bytes != NULL) {
            *f->request->bytes = plan->operand[f->n_in].bytes;
        }
        goto done;
    }
    DNN_TRY_TO(st, done, run_plan(f, plan, made, rng));
    if (f->given) {
        dnn__operand_views_close(f);
        st = dnn__write_back(f, made);
    }
done:
    dnn__operand_views_close(f);
    dnn__plan_release(plan);
    return st;
}

/* Does anomaly mode check the call? It leaves out rows that only fill a tensor. */
static bool is_watched(const dnn__frame *f)
{
    bool fills = (f->op->traits & DNN__MUTATES) != 0 && f->op->n_out == 1;
    bool moves = (f->op->traits & DNN__MOVES_LAYOUT) != 0;

    return !fills && !moves && !f->request->plan_only && dnn__dry_run == 0;
}

static dnn_status check_results(dnn__frame *f, dnn_tensor **made, const dnn__nonfinite *held)
{
    dnn_status st =
        dnn__nan_check_after(f->op, f->in, f->n_in, made, f->n_out, f->op->id == DNN_OP_copy, held);

    for (int i = 0; st != DNN_OK && i < f->n_out; i++) {
        if (f->out[i] != NULL) {
            dnn__written(f->out[i]);
        }
    }
    return st;
}

/* Makes the node before anything is written, so that a change in place that cannot be recorded
 * does not happen. */
static dnn_status make_node(const dnn__frame *f, dnn__node **out)
{
    if (!f->recording) {
        return DNN_OK;
    }
    *out = dnn__node_new(f->op, f->n_in, f->n_out);
    return *out != NULL ? DNN_OK : dnn__nomem(f->op->name, sizeof(dnn__node));
}

/* Bumps versions of destinations, records the node, and moves new results out of the call's
 * scope. */
static void finish(dnn__frame *f, dnn_tensor **made, dnn__node *node, const dnn__rng *rng)
{
    bool mutates = (f->op->traits & DNN__MUTATES) != 0;

    for (int i = 0; i < f->n_out; i++) {
        if (f->out[i] == NULL) {
            continue;
        }
        f->out[i]->fresh = false;
        if (mutates || !f->recording) { /* an unrecorded change ends the history of a tensor */
            dnn__written(f->out[i]);
        } else {
            atomic_fetch_add_explicit(&f->out[i]->version->count, 1, memory_order_relaxed);
        }
    }
    if (node != NULL) {
        if (f->stash != NULL) {
            dnn__node_stash(node, f->stash, f->stash_plugin);
            f->stash = NULL;
        }
        dnn__node_record(node, f->in, made, f->attr, rng);
    }
    for (int i = 0; i < f->n_out; i++) {
        if (made[i] != NULL && f->out[i] == NULL) {
            f->request->out[i] = dnn_keep(made[i]);
        }
    }
}

dnn_status dnn__dispatch(const dnn__request *request)
{
    struct small_frame small;
    dnn__frame f;
    dnn_tensor **made;
    dnn__node *node = NULL;
    dnn__rng rng = {0, 0, 0};
    dnn__nonfinite held;
    dnn_scope scope;
    bool watched;
    dnn_status st;

    if (DNN__UNLIKELY(atomic_load_explicit(&dnn__forked, memory_order_relaxed))) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: this process was forked from one that uses libdnn; exec first",
                         dnn__ops[request->op].name);
    }
    if (DNN__UNLIKELY(dnn__plugin_self.kernel != NULL)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: called from inside the kernel %s, which may call "
                         "nothing of libdnn but its host table",
                         dnn__ops[request->op].name, dnn__plugin_self.kernel);
    }
    DNN_TRY(frame_open(&f, request, &small));
    scope = dnn_scope_begin(NULL);
    made = f.made;
    DNN_TRY_TO(st, done, check_operands(&f));
    DNN_TRY_TO(st, done, dnn__promote_types(&f));
    DNN_TRY_TO(st, done, infer(&f));
    DNN_TRY_TO(st, done, make_node(&f, &node));
    watched = dnn__nan_check_on() && is_watched(&f);
    if (DNN__UNLIKELY(watched)) {
        DNN_TRY_TO(st, done, dnn__nan_check_before(f.in, f.n_in, &held));
    }
    DNN_TRY_TO(st, done,
               execute(&f, made, &rng)); /* the only call of execute, so that it is inlined */
    if (DNN__UNLIKELY(watched)) {
        DNN_TRY_TO(st, done, check_results(&f, made, &held));
    }
    if (!request->plan_only) {
        finish(&f, made, node, &rng);
        node = NULL;
    }
done:
    dnn__node_drop(node);
    dnn__storage_release(f.stash);
    dnn_scope_end(&scope);
    dnn__storage_release(f.memory);
    return st;
}

void dnn__dispatch_open(void)
{
    dnn__reenter.dispatch = dnn__dispatch;
    dnn__reenter.carry_out = carry_out;
}
