/* backward.c - backward: walks the tape by falling creation number and leaves gradients in the
 * leaves, all of them or none. Nothing is computed here but by operators. */
#include "tape.h"

struct walk {
    dnn__queue queue;
    dnn__leaf *leaves; /* that have something staged */
    bool retain, create;
};

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

/* Hands what the rule left for input i to where the input came from. */
static dnn_status deliver(struct walk *w, const dnn__node *node, const dnn__rule *r, int i)
{
    const dnn__edge *e = &node->edge[i];
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
    if (!dnn__same_desc(&node->in[i].desc, g)) {
        return dnn__fail(
            DNN_E_INTERNAL, "backward of %s: input %d is %s of %s, its gradient %s of %s",
            node->op->name, i, dnn__shape_text(node->in[i].desc.ndim, node->in[i].desc.dim),
            dnn_dtype_name(node->in[i].desc.dtype), dnn__shape_text(g->ndim, g->dim),
            dnn_dtype_name(g->dtype));
    }
    if (e->leaf != NULL) {
        return stage(w, e->leaf, g);
    }
    DNN_TRY(dnn__queue_push(&w->queue, e->node));
    return accumulate(&e->node->dout[e->out], g);
}

static dnn_status run_rule(struct walk *w, dnn__node *node, dnn__rule *r)
{
    DNN_TRY(dnn__rule_run(r, node, w->create));
    for (int i = 0; i < node->n_in; i++) {
        DNN_TRY(deliver(w, node, r, i));
    }
    return DNN_OK;
}

static dnn_status apply_rule(struct walk *w, dnn__node *node)
{
    dnn__rule r;
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__rule_open(&r, node));
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
        dnn__node_forget(node);
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
    for (int64_t i = 0; i < w->queue.n; i++) {
        dnn__node *node = w->queue.heap[i];

        node->spent = true;
        dnn__node_forget(node);
        for (int k = 0; k < node->n_out; k++) {
            dnn_release(node->dout[k]);
            node->dout[k] = NULL;
        }
    }
    w->queue.n = 0;
}

static dnn_status walk_graph(struct walk *w, dnn_tensor *of, dnn_tensor *seed)
{
    if (of->node == NULL) {
        return stage(w, of->leaf, seed);
    }
    DNN_TRY(dnn__queue_push(&w->queue, of->node));
    DNN_TRY(accumulate(&of->node->dout[of->node_out], seed));
    while (w->queue.n > 0) {
        DNN_TRY(step(w, dnn__queue_pop(&w->queue)));
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
    dnn__describe(&desc, a->of);
    if (a->seed != NULL &&
        (!dnn__same_desc(&desc, a->seed) || dnn__device_of(a->seed) != dnn__device_of(a->of))) {
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
    dnn__free(w.queue.heap);
    return st;
}
