/* dispatch.c - the one road from an operator to a kernel: check, promote, infer, plan, make
 * outputs, run, record. Every operator passes here; which kernel runs is the plan's business
 * (plan_cache.c, choose.c). Nothing is computed here. */
#include <string.h>
#include "plan.h"

dnn__counts dnn__count;

/* ---- frames: the arrays of a call, on the stack for ordinary calls ---- */

enum { SMALL = 8 }; /* operands */

struct small_frame {
    dnn_tensor *tensor[SMALL];
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
    f->memory = NULL;
    f->inplace = false;
    if (DNN__LIKELY(n <= SMALL)) {
        f->in = small->tensor;
        f->out = small->tensor + rq->n_in;
        f->view = small->view;
        f->pointer = small->pointer;
        f->stride = small->stride;
        f->key = small->key;
    } else {
        /* From the cache of the cpu, so that a step over hundreds of parameters asks nothing of the
         * system. */
        size_t count = (size_t)n,
               key_bytes = (size_t)dnn__key_room(n, op->attr_bytes) * sizeof(uint64_t);
        size_t bytes =
            count * (sizeof *f->in + sizeof *f->view + sizeof *f->pointer + sizeof *f->stride) +
            key_bytes;
        char *at;

        DNN_TRY(dnn__storage_new(dnn__cpu(), bytes, op->name, &f->memory));
        at = f->memory->data;
        f->view = (void *)at;
        f->stride = (void *)(at += count * sizeof *f->view);
        f->key = (void *)(at += count * sizeof *f->stride);
        f->in = (void *)(at += key_bytes);
        f->out = f->in + rq->n_in;
        f->pointer = (void *)(at + count * sizeof *f->in);
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

static dnn_status check_operand(const dnn__frame *f, const char *role, int i, const dnn_tensor *t,
                                dnn__device **device)
{
    if (*device == NULL) {
        *device = dnn__device_of(t);
    } else if (*device != dnn__device_of(t)) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: operands are on two devices: %s, and %s %d on %s (dnn_to_device moves one)",
            f->op->name, dnn__dev(*device)->name, role, i, dnn__dev(dnn__device_of(t))->name);
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
            DNN_TRY(check_operand(f, "input", i, f->in[i], &device));
        } else if (f->op->n_in >= 0 && (f->op->optional >> i & 1) == 0) {
            return dnn__fail(DNN_E_INVALID, "%s: input %d is NULL", f->op->name, i);
        }
    }
    for (int i = 0; i < f->n_out; i++) {
        if (f->out[i] != NULL) {
            DNN_TRY(check_operand(f, "output", i, f->out[i], &device));
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

    for (int i = 0; i < f->n_out && i < 2; i++) {
        f->direct[i] = false;
        if (f->out[i] != NULL) {
            f->desc[i].dtype = f->out[i]->dtype;
            f->desc[i].ndim = f->out[i]->ndim;
            memcpy(f->desc[i].dim, f->out[i]->dim, sizeof f->desc[i].dim);
        }
    }
    DNN_TRY(f->op->shape(&sig));
    f->recording =
        !mutates && dnn_grad_enabled() && (f->desc[0].dtype & DNN__FLOATS) != 0 && any_tracked(f);
    f->mode = f->recording ? DNN_M_GRAD : 0;
    if (mutates) {
        for (int i = 0; i < f->n_out; i++) {
            if (f->out[i] != NULL) {
                DNN_TRY(dnn__check_target(f->op->name, f->out[i], false));
            }
            if (i < 2) {
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

static bool is_direct(const dnn__frame *f, int i)
{
    return f->out[i] != NULL && (i >= 2 || f->direct[i]);
}

static int64_t out_numel(const dnn__frame *f, int i)
{
    if (f->out[i] != NULL) {
        return dnn__numel(f->out[i]);
    }
    return (f->want >> i & 1) != 0 ? dnn__numel_of(f->desc[i].ndim, f->desc[i].dim) : 0;
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

/* ---- views ---- */

static uint64_t view_bytes(const dnn_view *v, const dnn__storage *s, int64_t offset)
{
    uint64_t item = dnn__item_size(v->dtype);
    int64_t n = dnn__numel_of(v->ndim, v->dim);

    if (n == 0) {
        return 0;
    }
    if (s == NULL || dnn__is_dense(v->ndim, v->dim, v->stride)) {
        return (uint64_t)n * item;
    }
    return s->bytes - (uint64_t)offset * item;
}

static void set_view(const dnn__frame *f, dnn_view *v, dnn_dtype dtype, int ndim,
                     const int64_t *dim, const int64_t *stride)
{
    v->size = sizeof *v;
    v->dtype = dtype;
    v->ndim = ndim;
    v->mem = dnn__dev(f->device)->mem;
    v->ordinal = dnn__dev(f->device)->ordinal;
    v->layout = 0;
    v->dim = dim;
    v->stride = stride;
    v->data = NULL;
}

static void view_input(dnn__frame *f, int i)
{
    const dnn_tensor *t = f->in[i];
    dnn_view *v = &f->view[i];

    if ((f->op->traits & DNN__ELEMENTWISE) != 0 && f->n_in + f->n_out <= SMALL) {
        const dnn__desc *d = &f->desc[0];

        if (t->ndim == d->ndim && memcmp(t->dim, d->dim, sizeof(int64_t) * (size_t)d->ndim) == 0) {
            set_view(f, v, t->dtype, t->ndim, t->dim, t->stride);
        } else {
            dnn__expand_strides(t->ndim, t->dim, t->stride, d->ndim, d->dim, f->stride[i]);
            set_view(f, v, t->dtype, d->ndim, d->dim, f->stride[i]);
        }
    } else {
        set_view(f, v, t->dtype, t->ndim, t->dim, t->stride);
    }
    v->nbytes = view_bytes(v, t->storage, t->offset);
    f->pointer[i] = v;
}

static void view_output(dnn__frame *f, int i)
{
    int slot = f->n_in + i;
    dnn_view *v = &f->view[slot];

    f->pointer[slot] = NULL;
    if (is_direct(f, i)) {
        const dnn_tensor *t = f->out[i];

        set_view(f, v, t->dtype, t->ndim, t->dim, t->stride);
        v->nbytes = view_bytes(v, t->storage, t->offset);
        f->pointer[slot] = v;
    } else if (f->out[i] != NULL || (f->want >> i & 1) != 0) {
        const dnn__desc *d = &f->desc[i];

        dnn__dense_strides(d->ndim, d->dim, f->stride[slot]);
        set_view(f, v, d->dtype, d->ndim, d->dim, f->stride[slot]);
        v->nbytes = view_bytes(v, NULL, 0);
        f->pointer[slot] = v;
    }
}

static void make_views(dnn__frame *f)
{
    for (int i = 0; i < f->n_in; i++) {
        if (f->in[i] != NULL) {
            view_input(f, i);
        } else {
            f->pointer[i] = NULL;
        }
    }
    for (int i = 0; i < f->n_out; i++) {
        view_output(f, i);
    }
}

static void point_at(dnn_view *v, const dnn_tensor *t)
{
    v->data = v->nbytes > 0
                  ? (char *)t->storage->data + (uint64_t)t->offset * dnn__item_size(t->dtype)
                  : NULL;
}

/* ---- running ---- */

/* A dense copy of a view, for a kernel that takes nothing else. */
static dnn_status pack(dnn__frame *f, int i, dnn_tensor **out)
{
    dnn_view *v = &f->view[i];
    dnn_tensor *seen = dnn__tensor_alias(f->in[i], v->ndim, v->dim, v->stride, f->in[i]->offset);
    dnn_tensor *dense =
        seen != NULL ? dnn__tensor_new(f->op->name, v->dtype, v->ndim, v->dim, f->device) : NULL;

    if (dense == NULL || dnn__apply_to(DNN_OP_copy, dense, &seen, 1, NULL) == NULL) {
        return dnn__take();
    }
    dnn_release(seen);
    v->stride = dense->stride;
    v->nbytes = view_bytes(v, NULL, 0);
    atomic_fetch_add_explicit(&dnn__count.copies, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&dnn__count.copy_bytes, (int64_t)v->nbytes, memory_order_relaxed);
    *out = dense;
    return DNN_OK;
}

/* Where the kernel writes output i: the destination itself, a new tensor, or a temporary that is
 * copied over the destination. */
static dnn_status make_output(dnn__frame *f, const dnn__plan *plan, int i, dnn_tensor **out)
{
    int slot = f->n_in + i;
    dnn_view *v = &f->view[slot];

    *out = NULL;
    if (f->pointer[slot] == NULL) {
        return DNN_OK;
    }
    if (is_direct(f, i) && (plan == NULL || plan->pack[slot] == 0)) {
        *out = f->out[i];
    } else {
        *out = dnn__tensor_new(f->op->name, v->dtype, v->ndim, v->dim, f->device);
        if (*out == NULL) {
            return dnn__take();
        }
        v->stride = (*out)->stride;
        v->nbytes = view_bytes(v, NULL, 0);
    }
    point_at(v, *out);
    return DNN_OK;
}

static dnn_status prepare(dnn__frame *f, dnn__plan *plan, dnn_tensor **made)
{
    for (int i = 0; i < f->n_in; i++) {
        dnn_tensor *t = f->in[i];

        if (t == NULL) {
            continue;
        }
        if (plan->packs && plan->pack[i] != 0) {
            DNN_TRY(pack(f, i, &t));
        }
        point_at(&f->view[i], t);
    }
    for (int i = 0; i < f->n_out; i++) {
        DNN_TRY(make_output(f, plan, i, &made[i]));
    }
    return DNN_OK;
}

static dnn_status kernel_failed(const dnn__frame *f, const dnn__plan *plan, dnn_status status)
{
    const char *text = dnn__self.plugin_text[0] != 0 ? dnn__self.plugin_text : "no reason given";

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

    if (plan->workspace > 0) {
        DNN_TRY(dnn__workspace(f->device, plan->workspace, f->op->name, &workspace));
        call.workspace = workspace->data;
    }
    dnn__self.plugin_text[0] = 0;
    if (alone) {
        pthread_mutex_lock(&plan->lock);
    }
    status = plan->kernel->table.run(&call);
    if (alone) {
        pthread_mutex_unlock(&plan->lock);
    }
    dnn__storage_release(workspace);
    atomic_fetch_add_explicit(&dnn__count.calls, 1, memory_order_relaxed);
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

/* Copies a temporary over its destination; no tape sees it. */
static dnn_status land(dnn__frame *f, int i, dnn_tensor *made)
{
    dnn_status st = DNN_OK;

    DNN_NO_GRAD
    {
        if (dnn__apply_to(DNN_OP_copy, f->out[i], &made, 1, NULL) == NULL) {
            st = dnn__take();
        }
    }
    return st;
}

/* Plan, make outputs, run. What was made stands in made[]; the scope of the call owns it. */
static dnn_status execute(dnn__frame *f, dnn_tensor **made, dnn__rng *rng)
{
    dnn__plan *plan = NULL;
    dnn_status st;

    make_views(f);
    if (outputs_are_empty(f)) {
        for (int i = 0; i < f->n_out; i++) {
            DNN_TRY(make_output(f, NULL, i, &made[i]));
        }
        return DNN_OK;
    }
    DNN_TRY(dnn__plan_find(f, &plan));
    if (f->request->plan_only) {
        dnn__plan_release(plan);
        return DNN_OK;
    }
    *rng = numbers_for(f);
    DNN_TRY_TO(done, prepare(f, plan, made));
    DNN_TRY_TO(done, plan->on_host ? dnn__run_on_host(f, made, rng) : run_kernel(f, plan, rng));
    for (int i = 0; i < f->n_out; i++) {
        if (made[i] != NULL && f->out[i] != NULL && made[i] != f->out[i]) {
            DNN_TRY_TO(done, land(f, i, made[i]));
            made[i] = f->out[i];
        }
    }
done:
    dnn__plan_release(plan);
    return st;
}

/* The tape's node is made before anything is written: a change in place that cannot be recorded is
 * not made. */
static dnn_status make_node(const dnn__frame *f, dnn__node **out)
{
    if (!f->recording) {
        return DNN_OK;
    }
    *out = dnn__node_new(f->op, f->n_in, f->n_out);
    return *out != NULL ? DNN_OK : dnn__nomem(f->op->name, sizeof f->view[0]);
}

/* Destinations were written and what is new leaves the call's scope; then the tape. */
static void finish(dnn__frame *f, dnn_tensor **made, dnn__node *node, const dnn__rng *rng)
{
    bool mutates = (f->op->traits & DNN__MUTATES) != 0;

    for (int i = 0; i < f->n_out; i++) {
        if (f->out[i] == NULL) {
            continue;
        }
        if (mutates || !f->recording) { /* what is not recorded has no history any more */
            dnn__written(f->out[i]);
        } else {
            atomic_fetch_add_explicit(&f->out[i]->version->count, 1, memory_order_relaxed);
        }
    }
    if (node != NULL) {
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
    dnn_tensor *few[SMALL], **made = few;
    dnn__node *node = NULL;
    dnn__rng rng = {0, 0, 0};
    dnn_scope scope;
    dnn_status st;

    DNN_TRY(dnn__start());
    if (DNN__UNLIKELY(atomic_load_explicit(&dnn__forked, memory_order_relaxed))) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: this process was forked from one that uses libdnn; exec first",
                         dnn__ops[request->op].name);
    }
    DNN_TRY(frame_open(&f, request, &small));
    dnn_scope_begin(&scope);
    if (f.memory != NULL) {
        made =
            (dnn_tensor **)(void *)
                f.stride; /* of a large frame nothing is expanded, and outputs are destinations */
    }
    DNN_TRY_TO(done, check_operands(&f));
    DNN_TRY_TO(done, dnn__settle_dtypes(&f));
    DNN_TRY_TO(done, infer(&f));
    DNN_TRY_TO(done, make_node(&f, &node));
    DNN_TRY_TO(done, execute(&f, made, &rng));
    if (!request->plan_only) {
        finish(&f, made, node, &rng);
        node = NULL;
    }
done:
    dnn__node_drop(node);
    dnn_scope_end(&scope);
    dnn__storage_release(f.memory);
    return st;
}

void dnn_counters_read(dnn_counters *out)
{
    if (out != NULL) {
        *out = (dnn_counters){.calls = atomic_load(&dnn__count.calls),
                              .plan_misses = atomic_load(&dnn__count.plan_misses),
                              .plans = atomic_load(&dnn__count.plans),
                              .copies = atomic_load(&dnn__count.copies),
                              .copy_bytes = atomic_load(&dnn__count.copy_bytes),
                              .fallback_calls = atomic_load(&dnn__count.fallback_calls),
                              .fallback_bytes = atomic_load(&dnn__count.fallback_bytes)};
    }
}
