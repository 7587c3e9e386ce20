/* autograd.c - the tape: nodes recorded by dispatch, and backward, which walks them by falling
 * creation number. Gradient rules live with their operators (core/ops). Nothing is computed here
 * but by operators. */
#include <string.h>
#include "op.h"

/* What the tape keeps of an operand: always its desc; its place and version if the row keeps it.
 * Never a handle: a kept output would be a cycle. */
struct saved {
    dnn__desc desc;
    bool kept, overwritten; /* overwritten: the operator itself changed it in place */
    int64_t offset, stride[DNN_MAX_DIMS];
    dnn__storage *storage;
    dnn__version *version;
    uint64_t seen;
};

struct edge { /* where an input came from; both NULL: it wants no gradient */
    dnn__node *node;
    dnn__leaf *leaf;
    uint32_t out;
};

struct dnn__node {
    _Atomic int32_t refs;
    const dnn__op *op;
    uint64_t number;
    int32_t n_in, n_out;
    size_t bytes;
    bool spent, queued;
    dnn__device *device;
    dnn__rng rng;
    dnn__node *next_dead;
    struct edge *edge;      /* [n_in] */
    struct saved *in, *out; /* [n_in], [n_out] */
    dnn_tensor **dout;      /* [n_out]: gradients that have arrived */
    void *attr;
};

bool dnn_grad_enabled(void)
{
    return dnn__self.no_grad == 0;
}

/* ---- recording ---- */

static void describe(dnn__desc *desc, const dnn_tensor *t)
{
    if (t == NULL) {
        desc->ndim = -1;
        desc->dtype = 0;
        return;
    }
    desc->dtype = t->dtype;
    desc->ndim = t->ndim;
    for (int i = 0; i < t->ndim; i++) {
        desc->dim[i] = t->dim[i];
    }
}

static void save(struct saved *s, const dnn_tensor *t, bool keep)
{
    describe(&s->desc, t);
    s->kept = keep && t != NULL;
    s->overwritten = false;
    if (!s->kept) {
        return;
    }
    s->offset = t->offset;
    for (int i = 0; i < t->ndim; i++) {
        s->stride[i] = t->stride[i];
    }
    s->storage = t->storage;
    s->version = t->version;
    s->seen = atomic_load_explicit(&t->version->count, memory_order_relaxed);
    dnn__storage_retain(s->storage);
    atomic_fetch_add_explicit(&s->version->refs, 1, memory_order_relaxed);
}

static void drop(struct saved *s)
{
    if (s->kept) {
        dnn__storage_release(s->storage);
        dnn__version_release(s->version);
        s->kept = false;
    }
}

static void lead_to(struct edge *e, const dnn_tensor *t)
{
    e->node = t != NULL ? t->node : NULL;
    e->leaf = t != NULL && t->node == NULL ? t->leaf : NULL;
    e->out = t != NULL ? t->node_out : 0;
    if (e->node != NULL) {
        atomic_fetch_add_explicit(&e->node->refs, 1, memory_order_relaxed);
    }
    if (e->leaf != NULL) {
        atomic_fetch_add_explicit(&e->leaf->refs, 1, memory_order_relaxed);
    }
}

static bool shares(const dnn_tensor *a, dnn_tensor *const *list, int n)
{
    for (int i = 0; i < n; i++) {
        if (list[i] != NULL && list[i]->version == a->version) {
            return true;
        }
    }
    return false;
}

dnn__node *dnn__node_new(const dnn__op *op, int n_in, int n_out)
{
    static _Atomic uint64_t numbers;
    size_t in = (size_t)n_in, out = (size_t)n_out;
    size_t bytes = sizeof(dnn__node) + in * (sizeof(struct edge) + sizeof(struct saved)) +
                   out * (sizeof(struct saved) + sizeof(dnn_tensor *)) + op->attr_bytes;
    dnn__node *node = dnn__slab_alloc(bytes);

    if (node == NULL) {
        return NULL;
    }
    atomic_init(&node->refs, 1);
    node->op = op;
    node->number = atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed);
    node->n_in = n_in;
    node->n_out = n_out;
    node->bytes = bytes;
    node->spent = node->queued = false;
    node->in = (struct saved *)(void *)(node + 1);
    node->out = node->in + n_in;
    node->edge = (struct edge *)(void *)(node->out + n_out);
    node->dout = (dnn_tensor **)(void *)(node->edge + n_in);
    node->attr = node->dout + n_out;
    return node;
}

void dnn__node_drop(dnn__node *node)
{
    if (node != NULL) {
        dnn__slab_free(node, node->bytes);
    }
}

void dnn__node_record(dnn__node *node, dnn_tensor *const *in, dnn_tensor *const *out,
                      const void *attr, const dnn__rng *rng)
{
    const dnn__op *op = node->op;
    int n_in = node->n_in, n_out = node->n_out;
    bool view = (op->traits & DNN__IS_VIEW) != 0;

    node->device = NULL;
    node->rng = *rng;
    if (op->attr_bytes > 0) {
        memcpy(node->attr, attr, op->attr_bytes);
    }
    for (int i = 0; i < n_in; i++) {
        bool keep = i < 16 && (op->keep & DNN__IN(i)) != 0;

        save(&node->in[i], in[i], keep);
        lead_to(&node->edge[i], in[i]);
        node->in[i].overwritten = keep && in[i] != NULL && !view && shares(in[i], out, n_out);
        if (in[i] != NULL && node->device == NULL) {
            node->device = dnn__device_of(in[i]);
        }
    }
    for (int i = 0; i < n_out; i++) {
        save(&node->out[i], out[i], i < 16 && (op->keep & DNN__OUT(i)) != 0);
        node->dout[i] = NULL;
        if (out[i] == NULL || (out[i]->dtype & DNN__FLOATS) == 0) {
            continue;
        }
        if (out[i]->node != NULL) {
            dnn__node_release(
                out[i]->node); /* changed in place: its history is behind the new node's edge */
        }
        atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
        out[i]->node = node;
        out[i]->node_out = (uint32_t)i;
    }
    dnn__node_release(node);
}

dnn_status dnn__record(const dnn__op *op, dnn_tensor *const *in, int n_in, dnn_tensor *const *out,
                       int n_out, const void *attr, const dnn__rng *rng)
{
    dnn__node *node = dnn__node_new(op, n_in, n_out);

    if (node == NULL) {
        return dnn__nomem(op->name, sizeof *node);
    }
    dnn__node_record(node, in, out, attr, rng);
    return DNN_OK;
}

/* ---- letting go ---- */

static void node_drop_saved(dnn__node *node)
{
    for (int i = 0; i < node->n_in; i++) {
        drop(&node->in[i]);
    }
    for (int i = 0; i < node->n_out; i++) {
        drop(&node->out[i]);
    }
}

/* A graph may be a million nodes long: those that die wait in a list, not on the stack. */
void dnn__node_release(dnn__node *node)
{
    dnn__node *dead = NULL;

    if (node == NULL || atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    node->next_dead = NULL;
    dead = node;
    while (dead != NULL) {
        node = dead;
        dead = node->next_dead;
        node_drop_saved(node);
        for (int i = 0; i < node->n_out; i++) {
            dnn_release(node->dout[i]);
        }
        for (int i = 0; i < node->n_in; i++) {
            dnn__node *from = node->edge[i].node;

            dnn__leaf_release(node->edge[i].leaf);
            if (from != NULL &&
                atomic_fetch_sub_explicit(&from->refs, 1, memory_order_acq_rel) == 1) {
                from->next_dead = dead;
                dead = from;
            }
        }
        dnn__slab_free(node, node->bytes);
    }
}

void dnn__leaf_release(dnn__leaf *leaf)
{
    if (leaf != NULL && atomic_fetch_sub_explicit(&leaf->refs, 1, memory_order_acq_rel) == 1) {
        dnn_release(leaf->grad);
        dnn_release(leaf->staged);
        dnn__slab_free(leaf, sizeof *leaf);
    }
}

/* ---- leaves ---- */

dnn_tensor *dnn_requires_grad_(dnn_tensor *t, bool wants)
{
    if (!dnn__ready("requires_grad_", t)) {
        return NULL;
    }
    if (t->node != NULL) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "requires_grad_: the tensor %s is not a leaf: it is the result of %s (dnn_detach "
            "makes a leaf of it)",
            dnn__shape_text(t->ndim, t->dim), t->node->op->name));
    }
    if (wants && (t->dtype & DNN__FLOATS) == 0) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "requires_grad_: the tensor is %s: only f32 f64 f16 bf16 have gradients",
            dnn_dtype_name(t->dtype)));
    }
    if (!wants && t->leaf != NULL) {
        dnn_tensor *grad = t->leaf->grad;

        t->leaf->grad = NULL;
        dnn_release(grad);
        dnn__leaf_release(t->leaf);
        t->leaf = NULL;
    } else if (wants && t->leaf == NULL) {
        dnn__leaf *leaf = dnn__slab_alloc(sizeof *leaf);

        if (leaf == NULL) {
            return dnn__null(dnn__nomem("requires_grad_", sizeof *leaf));
        }
        memset(leaf, 0, sizeof *leaf);
        atomic_init(&leaf->refs, 1);
        describe(&leaf->desc, t);
        t->leaf = leaf;
    }
    return t;
}

dnn_tensor *dnn_detach(dnn_tensor *t)
{
    dnn_tensor *alias;

    if (!dnn__ready("detach", t)) {
        return NULL;
    }
    alias = dnn__tensor_alias(t, t->ndim, t->dim, t->stride, t->offset);
    if (alias != NULL) {
        alias->is_view = true;
    }
    return alias;
}

dnn_tensor *dnn_grad(const dnn_tensor *t)
{
    return t != NULL && t->leaf != NULL ? t->leaf->grad : NULL;
}

static bool same_desc(const dnn__desc *a, const dnn_tensor *t)
{
    return a->dtype == t->dtype && a->ndim == t->ndim &&
           memcmp(a->dim, t->dim, sizeof(int64_t) * (size_t)t->ndim) == 0;
}

dnn_status dnn_set_grad(dnn_tensor *t, dnn_tensor *g)
{
    dnn_tensor *old;

    DNN_TRY(dnn__require(t, "dnn_set_grad", "t"));
    if (t->leaf == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_set_grad: t is not a leaf that wants a gradient");
    }
    if (g != NULL && (!same_desc(&t->leaf->desc, g) || dnn__device_of(g) != dnn__device_of(t))) {
        return dnn__fail(
            DNN_E_INVALID, "dnn_set_grad: t is %s of %s on %s, the gradient %s of %s on %s",
            dnn__shape_text(t->ndim, t->dim), dnn_dtype_name(t->dtype), dnn_device_of(t),
            dnn__shape_text(g->ndim, g->dim), dnn_dtype_name(g->dtype), dnn_device_of(g));
    }
    if (g != NULL && g->storage == t->storage) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_set_grad: the gradient lies in the memory of t itself; clone it");
    }
    old = t->leaf->grad;
    t->leaf->grad = dnn_retain(g);
    dnn_release(old);
    return DNN_OK;
}

/* ---- backward ---- */

struct walk {
    dnn__node **heap; /* by number, the highest first */
    int64_t n, capacity;
    dnn__leaf *leaves; /* that have something staged */
    bool retain, create;
};

static void swap_nodes(dnn__node **a, dnn__node **b)
{
    dnn__node *t = *a;

    *a = *b;
    *b = t;
}

static dnn_status push(struct walk *w, dnn__node *node)
{
    int64_t i = w->n;

    if (node->queued) {
        return DNN_OK;
    }
    DNN_TRY(dnn__reserve((void **)&w->heap, &w->capacity, w->n + 1, sizeof *w->heap, "backward"));
    node->queued = true;
    w->heap[w->n++] = node;
    while (i > 0 && w->heap[(i - 1) / 2]->number < w->heap[i]->number) {
        swap_nodes(&w->heap[(i - 1) / 2], &w->heap[i]);
        i = (i - 1) / 2;
    }
    return DNN_OK;
}

static dnn__node *pop(struct walk *w)
{
    dnn__node *top = w->heap[0];
    int64_t i = 0;

    w->heap[0] = w->heap[--w->n];
    for (;;) {
        int64_t big = i, left = 2 * i + 1;

        for (int64_t k = left; k < left + 2 && k < w->n; k++) {
            if (w->heap[k]->number > w->heap[big]->number) {
                big = k;
            }
        }
        if (big == i) {
            break;
        }
        swap_nodes(&w->heap[i], &w->heap[big]);
        i = big;
    }
    top->queued = false;
    return top;
}

/* *sum += g, where *sum holds a reference of ours or is NULL. */
static dnn_status accumulate(dnn_tensor **sum, dnn_tensor *g)
{
    dnn_tensor *total;

    if (*sum == NULL) {
        *sum = dnn_retain(g);
        return DNN_OK;
    }
    total = dnn_add(*sum, g);
    if (total == NULL) {
        return dnn__take();
    }
    dnn_retain(total);
    dnn_release(*sum);
    *sum = total;
    return DNN_OK;
}

static dnn_status stage(struct walk *w, dnn__leaf *leaf, dnn_tensor *g)
{
    if (leaf->staged == NULL) {
        atomic_fetch_add_explicit(&leaf->refs, 1, memory_order_relaxed);
        leaf->next_staged = w->leaves;
        w->leaves = leaf;
    }
    return accumulate(&leaf->staged, g);
}

/* A kept operand as a tensor again; under create_graph it leads where it came from. */
static dnn_status unwrap(const dnn__node *node, const struct saved *s, const char *role, int i,
                         const struct edge *from, bool create, dnn_tensor **out)
{
    uint64_t now;
    dnn_tensor *t;

    *out = NULL;
    if (!s->kept || s->overwritten) {
        return DNN_OK;
    }
    now = atomic_load_explicit(&s->version->count, memory_order_relaxed);
    if (now != s->seen) {
        return dnn__fail(
            DNN_E_INVALID,
            "backward of %s: its %s %d %s was changed in place after it was kept (version %llu, "
            "now %llu); clone it before the change",
            node->op->name, role, i, dnn__shape_text(s->desc.ndim, s->desc.dim),
            (unsigned long long)s->seen, (unsigned long long)now);
    }
    t = dnn__tensor_over(node->op->name, s->desc.dtype, s->desc.ndim, s->desc.dim, s->stride,
                         s->offset, s->storage, s->version);
    if (t == NULL) {
        return dnn__take();
    }
    if (create && (from->node != NULL || from->leaf != NULL)) {
        struct edge e = *from;

        if (e.node != NULL) {
            atomic_fetch_add_explicit(&e.node->refs, 1, memory_order_relaxed);
        } else {
            atomic_fetch_add_explicit(&e.leaf->refs, 1, memory_order_relaxed);
        }
        t->node = e.node;
        t->leaf = e.leaf;
        t->node_out = e.out;
        t->is_view = true; /* another handle of what the program has */
    }
    *out = t;
    return DNN_OK;
}

enum { FEW = 8 };

struct rule { /* the arrays of a call of a gradient rule */
    dnn__grad grad;
    dnn_tensor *few_tensor[4 * FEW];
    dnn__desc few_desc[FEW];
    bool few_wants[FEW];
    dnn_tensor **in, **out, **din;
    dnn__desc *desc;
    bool *wants;
    void *memory;
};

static dnn_status rule_open(struct rule *r, const dnn__node *node)
{
    size_t in = (size_t)node->n_in, out = (size_t)node->n_out;

    r->memory = NULL;
    r->in = r->few_tensor;
    r->desc = r->few_desc;
    r->wants = r->few_wants;
    if (in > FEW || out > FEW) {
        size_t bytes =
            (2 * in + out) * sizeof(dnn_tensor *) + in * (sizeof(dnn__desc) + sizeof(bool));

        r->memory = dnn__alloc(bytes);
        if (r->memory == NULL) {
            return dnn__nomem(node->op->name, bytes);
        }
        r->desc = r->memory;
        r->in = (dnn_tensor **)(void *)(r->desc + in);
        r->wants = (bool *)(r->in + 2 * in + out);
    }
    r->din = r->in + in;
    r->out = r->din + in;
    for (int i = 0; i < node->n_in; i++) {
        r->desc[i] = node->in[i].desc;
        r->wants[i] = node->edge[i].node != NULL || node->edge[i].leaf != NULL;
        r->din[i] = NULL;
    }
    r->grad = (dnn__grad){.op = node->op,
                          .attr = node->op->attr_bytes > 0 ? node->attr : NULL,
                          .n_in = node->n_in,
                          .n_out = node->n_out,
                          .in = r->in,
                          .out = r->out,
                          .in_desc = r->desc,
                          .dout = node->dout,
                          .wants = r->wants,
                          .din = r->din,
                          .device = node->device,
                          .rng = node->rng};
    return DNN_OK;
}

static dnn_status unwrap_all(struct rule *r, dnn__node *node, bool create)
{
    struct edge self = {node, NULL, 0};

    for (int i = 0; i < node->n_in; i++) {
        DNN_TRY(unwrap(node, &node->in[i], "input", i, &node->edge[i], create, &r->in[i]));
    }
    for (int i = 0; i < node->n_out; i++) {
        self.out = (uint32_t)i;
        DNN_TRY(unwrap(node, &node->out[i], "output", i, &self,
                       create && (node->out[i].desc.dtype & DNN__FLOATS) != 0, &r->out[i]));
    }
    return DNN_OK;
}

static dnn_status rule_failed(const dnn__node *node, dnn_status status)
{
    if (status != DNN_E_INVALID) {
        return status;
    }
    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i].overwritten) {
            return dnn__fail(
                DNN_E_INVALID,
                "backward of %s: its input %d was overwritten by its own result in place, and the "
                "gradient needs it; use the form without _",
                node->op->name, i);
        }
    }
    return status;
}

/* Hands what the rule left for input i to where the input came from. */
static dnn_status deliver(struct walk *w, const dnn__node *node, const struct rule *r, int i)
{
    const struct edge *e = &node->edge[i];
    dnn_tensor *g = r->din[i];

    if (!r->wants[i] || g == NULL) {
        return DNN_OK;
    }
    /* In place into a narrower target: the gradient arrives in the target's dtype. */
    if (g->dtype != node->in[i].desc.dtype && (g->dtype & DNN__FLOATS) != 0 &&
        (node->in[i].desc.dtype & DNN__FLOATS) != 0) {
        g = dnn_cast(g, node->in[i].desc.dtype);
        if (g == NULL) {
            return dnn__take();
        }
    }
    if (!same_desc(&node->in[i].desc, g)) {
        return dnn__fail(
            DNN_E_INTERNAL, "backward of %s: input %d is %s of %s, its gradient %s of %s",
            node->op->name, i, dnn__shape_text(node->in[i].desc.ndim, node->in[i].desc.dim),
            dnn_dtype_name(node->in[i].desc.dtype), dnn__shape_text(g->ndim, g->dim),
            dnn_dtype_name(g->dtype));
    }
    if (e->leaf != NULL) {
        return stage(w, e->leaf, g);
    }
    DNN_TRY(push(w, e->node));
    return accumulate(&e->node->dout[e->out], g);
}

static dnn_status run_rule(struct walk *w, dnn__node *node, struct rule *r)
{
    DNN_TRY(unwrap_all(r, node, w->create));
    node->op->gradient(&r->grad);
    if (dnn__waiting() != DNN_OK) {
        return rule_failed(node, dnn__take());
    }
    for (int i = 0; i < node->n_in; i++) {
        DNN_TRY(deliver(w, node, r, i));
    }
    return DNN_OK;
}

static dnn_status check_node(const dnn__node *node)
{
    if (node->spent) {
        return dnn__fail(
            DNN_E_INVALID,
            "backward of %s: this graph is spent: backward ran over it before; give it "
            ".retain_graph, or run forward again",
            node->op->name);
    }
    if (node->op->gradient == NULL) {
        return dnn__fail(
            DNN_E_INVALID,
            "backward of %s: it has no gradient of its own: it cannot be differentiated again",
            node->op->name);
    }
    return DNN_OK;
}

static dnn_status apply_rule(struct walk *w, dnn__node *node)
{
    struct rule r;
    dnn_status st = DNN_OK;

    DNN_TRY(check_node(node));
    DNN_TRY(rule_open(&r, node));
    DNN_SCOPE
    {
        st = run_rule(w, node, &r);
    }
    dnn__free(r.memory);
    return st;
}

/* One node: its rule, and then what it kept goes. */
static dnn_status step(struct walk *w, dnn__node *node)
{
    dnn_status st = apply_rule(w, node);

    for (int i = 0; i < node->n_out; i++) {
        dnn_release(node->dout[i]);
        node->dout[i] = NULL;
    }
    if (!w->retain || st != DNN_OK) {
        node_drop_saved(node);
        node->spent = true;
    }
    return st;
}

/* The staged sum as a gradient that nobody else holds, plus the gradient that is there. Changes no
 * leaf. */
static dnn_status settle(dnn__leaf *leaf)
{
    dnn_tensor *g = leaf->staged;
    bool alone = atomic_load_explicit(&g->refs, memory_order_relaxed) == 1 &&
                 atomic_load_explicit(&g->storage->refs, memory_order_relaxed) == 1 &&
                 dnn__dense(g);

    if (leaf->grad != NULL) {
        g = dnn_add(leaf->grad, g);
    } else if (!alone) {
        g = dnn_clone(g);
    } else {
        return DNN_OK;
    }
    if (g == NULL) {
        return dnn__take();
    }
    dnn_retain(g);
    dnn_release(leaf->staged);
    leaf->staged = g;
    return DNN_OK;
}

static dnn_status settle_all(struct walk *w)
{
    dnn_status st = DNN_OK;

    for (dnn__leaf *leaf = w->leaves; leaf != NULL && st == DNN_OK; leaf = leaf->next_staged) {
        DNN_SCOPE
        {
            st = settle(leaf);
        }
    }
    return st;
}

/* Makes what is staged the gradient, or throws it away. Cannot fail. */
static void end_leaves(struct walk *w, bool commit)
{
    while (w->leaves != NULL) {
        dnn__leaf *leaf = w->leaves;
        dnn_tensor *gone = commit ? leaf->grad : leaf->staged;

        w->leaves = leaf->next_staged;
        if (commit) {
            leaf->grad = leaf->staged;
        }
        leaf->staged = NULL;
        dnn_release(gone);
        dnn__leaf_release(leaf);
    }
}

/* What a failed walk left in the queue is spent. */
static void abandon(struct walk *w)
{
    for (int64_t i = 0; i < w->n; i++) {
        dnn__node *node = w->heap[i];

        node->queued = false;
        node->spent = true;
        node_drop_saved(node);
        for (int k = 0; k < node->n_out; k++) {
            dnn_release(node->dout[k]);
            node->dout[k] = NULL;
        }
    }
    w->n = 0;
}

static dnn_status walk_graph(struct walk *w, dnn_tensor *of, dnn_tensor *seed)
{
    if (of->node == NULL) {
        return stage(w, of->leaf, seed);
    }
    DNN_TRY(push(w, of->node));
    DNN_TRY(accumulate(&of->node->dout[of->node_out], seed));
    while (w->n > 0) {
        DNN_TRY(step(w, pop(w)));
    }
    return DNN_OK;
}

static dnn_status check_backward(const dnn_backward_args *a)
{
    dnn__desc desc;

    DNN_TRY(dnn__require(a->of, "backward", "the tensor"));
    if (!dnn__tracked(a->of)) {
        return dnn__fail(DNN_E_INVALID,
                         "backward: the tensor %s is not on the tape: nothing it was computed from "
                         "wants a gradient",
                         dnn__shape_text(a->of->ndim, a->of->dim));
    }
    if (a->seed == NULL && dnn__numel(a->of) != 1) {
        return dnn__fail(DNN_E_INVALID,
                         "backward: the tensor is %s and has %s elements, not 1; give a seed "
                         "(dnn_backward_from)",
                         dnn__shape_text(a->of->ndim, a->of->dim),
                         dnn__number_text(dnn__numel(a->of)));
    }
    describe(&desc, a->of);
    if (a->seed != NULL &&
        (!same_desc(&desc, a->seed) || dnn__device_of(a->seed) != dnn__device_of(a->of))) {
        return dnn__fail(DNN_E_INVALID,
                         "backward: the tensor is %s of %s on %s, the seed %s of %s on %s",
                         dnn__shape_text(a->of->ndim, a->of->dim), dnn_dtype_name(a->of->dtype),
                         dnn_device_of(a->of), dnn__shape_text(a->seed->ndim, a->seed->dim),
                         dnn_dtype_name(a->seed->dtype), dnn_device_of(a->seed));
    }
    return DNN_OK;
}

static dnn_status backward(struct walk *w, const dnn_backward_args *a)
{
    dnn_tensor *seed = a->seed != NULL ? a->seed : dnn_ones_like(a->of);

    if (seed == NULL) {
        return dnn__take();
    }
    DNN_TRY(walk_graph(w, a->of, seed));
    return settle_all(w);
}

dnn_status dnn_backward_with(dnn_backward_args args)
{
    struct walk w = {.retain = args.retain_graph || args.create_graph, .create = args.create_graph};
    dnn_scope scope;
    dnn_status st;

    DNN_TRY(check_backward(&args));
    if (args.create_graph) {
        dnn_scope_begin(&scope);
    } else {
        dnn_no_grad_begin(&scope);
    }
    st = backward(&w, &args);
    if (st != DNN_OK) {
        abandon(&w);
    }
    end_leaves(&w, st == DNN_OK);
    dnn_scope_end(&scope);
    dnn__free(w.heap);
    return st;
}
