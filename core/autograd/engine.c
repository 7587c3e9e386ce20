/* engine.c - backward: visits the nodes of a graph by falling creation number, then adds the
 * gradients to all leaves, or after a failure to none. It computes by calling operators only. */
#include "nan_check.h"
#include "autograd_impl.h"
#include "call.h"
#include "dispatch_state.h"
#include "ops_impl.h"

/* ---- accumulators: the gradient of a leaf during the walk ---- */

/* *sum += g. *sum is a reference, or NULL for zero. */
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

dnn__accumulator *dnn__accumulator_of(const dnn__walk *w, const dnn__leaf *leaf)
{
    return leaf->accumulator != NULL && leaf->accumulator->walk == w ? leaf->accumulator : NULL;
}

/* Returns the leaf's accumulator in this walk, and creates it if there is none. A backward that a
 * hook runs is a walk inside a walk; it has accumulators of its own. */
static dnn_status open_accumulator(dnn__walk *w, dnn__leaf *leaf, dnn__accumulator **out)
{
    dnn__accumulator *s = dnn__accumulator_of(w, leaf);

    if (s == NULL) {
        s = dnn__slab_alloc(sizeof *s);
        if (s == NULL) {
            return dnn__nomem("backward", sizeof *s);
        }
        *s = (dnn__accumulator){
            .leaf = leaf, .walk = w, .next = w->accumulators, .outer = leaf->accumulator};
        atomic_fetch_add_explicit(&leaf->history.refs, 1, memory_order_relaxed);
        w->accumulators = leaf->accumulator = s;
    }
    *out = s;
    return DNN_OK;
}

static dnn_status accumulate_in(dnn__walk *w, dnn__leaf *leaf, dnn_tensor *g)
{
    dnn__accumulator *s = NULL;

    DNN_TRY(open_accumulator(w, leaf, &s));
    return accumulate(&s->grad, g);
}

/* ---- hooks ---- */

/* Counts the edges to each leaf that has hooks. Its gradient is final when the walk has passed all
 * of them. */
static dnn_status count_edges(dnn__walk *w, dnn__node *from)
{
    dnn__node_list list = {NULL, 0, 0};
    dnn_status st = dnn__reach(from, &list);

    for (int64_t k = 0; k < list.n && st == DNN_OK; k++) {
        for (int i = 0; i < list.node[k]->n_in && st == DNN_OK; i++) {
            dnn__leaf *leaf = list.node[k]->edge[i].leaf;
            dnn__accumulator *s = NULL;

            if (leaf != NULL && leaf->hooks != NULL) {
                st = open_accumulator(w, leaf, &s);
            }
            if (s != NULL) {
                s->pending++;
            }
        }
    }
    dnn__free(list.node);
    return st;
}

/* Runs the hooks of a leaf whose gradient is final, once. */
static dnn_status finish_leaf(dnn__accumulator *s)
{
    char name[128];
    dnn__text text = dnn__text_to(name, sizeof name);

    if (s->final || s->grad == NULL || s->leaf->hooks == NULL) {
        return DNN_OK;
    }
    s->final = true;
    dnn__put(&text, "the leaf ");
    dnn__put_shape(&text, s->leaf->desc.ndim, s->leaf->desc.dim);
    return dnn__hooks_run(&s->leaf->hooks, 0, name, &s->grad);
}

static dnn_status finish_leaves_of(const dnn__walk *w, const dnn__node *node)
{
    for (int i = 0; i < node->n_in; i++) {
        dnn__accumulator *s =
            node->edge[i].leaf != NULL ? dnn__accumulator_of(w, node->edge[i].leaf) : NULL;

        if (s != NULL && s->pending > 0 && --s->pending == 0) {
            DNN_TRY(finish_leaf(s));
        }
    }
    return DNN_OK;
}

/* Runs the hooks that finish_leaves_of has not run: the count of a leaf does not reach 0 if the
 * walk did not visit a node that uses it. */
static dnn_status finish_leaves(const dnn__walk *w)
{
    for (dnn__accumulator *s = w->accumulators; s != NULL; s = s->next) {
        DNN_TRY(finish_leaf(s));
    }
    return DNN_OK;
}

static bool wants(const dnn__walk *w, const dnn__leaf *leaf)
{
    return !w->pruned || leaf->wanted;
}

/* Runs the hooks on the outputs of a node. Their gradients are final, because the walk has visited
 * all nodes that use them. */
static dnn_status run_node_hooks(dnn__walk *w, dnn__node *node)
{
    for (int j = 0; j < node->n_out; j++) {
        if (node->dout[j] != NULL) {
            DNN_TRY(dnn__hooks_run(&node->hooks, (uint32_t)j, node->op->name, &node->dout[j]));
        }
    }
    for (const dnn__hook *h = node->hooks; h != NULL; h = h->next) {
        if (h->keep != NULL && wants(w, h->keep) && node->dout[h->out] != NULL) {
            DNN_TRY(accumulate_in(w, h->keep, node->dout[h->out]));
        }
    }
    return DNN_OK;
}

/* ---- one node ---- */

/* Adds the gradient of input i to the leaf, or to the output of the node, that the edge leads to.
 */
static dnn_status pass_gradient(dnn__walk *w, const dnn__node *node, const dnn__rule *r, int i)
{
    const dnn__edge *e = &node->edge[i];
    dnn_tensor *g = r->din[i];

    if (!r->wants[i] || g == NULL) {
        return DNN_OK;
    }
    /* The gradient of an in-place operator has the dtype of its destination; an input may have a
     * wider one. */
    if (g->dtype != node->in[i].desc.dtype && (g->dtype & DNN__FLOATS) != 0 &&
        (node->in[i].desc.dtype & DNN__FLOATS) != 0) {
        g = dnn_to(g, .dtype = node->in[i].desc.dtype);
        if (g == NULL) {
            return dnn__take();
        }
    }
    if (!dnn__same_desc(&node->in[i].desc, g)) {
        return dnn__fail(DNN_E_INTERNAL, "backward of %s: %s is %s of %s, its gradient %s of %s",
                         node->op->name, dnn__input_name(node->op, i).text,
                         dnn__shape_text(node->in[i].desc.ndim, node->in[i].desc.dim),
                         dnn_dtype_name(node->in[i].desc.dtype), dnn__shape_text(g->ndim, g->dim),
                         dnn_dtype_name(g->dtype));
    }
    if (e->leaf != NULL) {
        return accumulate_in(w, e->leaf, g);
    }
    DNN_TRY(dnn__queue_push(&w->queue, e->node));
    return accumulate(&e->node->dout[e->out], g);
}

static dnn_status run_rule(dnn__walk *w, dnn__node *node, dnn__rule *r)
{
    DNN_TRY(dnn__rule_run(r, node, w->create));
    for (int i = 0; i < node->n_in; i++) {
        DNN_TRY(pass_gradient(w, node, r, i));
    }
    return DNN_OK;
}

static dnn_status apply_rule(dnn__walk *w, dnn__node *node)
{
    dnn__rule r;
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__rule_open(&r, node, w->pruned));
    {
        DNN_SCOPE();
        st = run_rule(w, node, &r);
    }
    dnn__free(r.memory);
    if (st != DNN_OK && dnn__nan_check_on()) {
        return dnn__nan_check_backward(node, st);
    }
    return st != DNN_OK ? st : finish_leaves_of(w, node);
}

/* Visits one node: runs its hooks and its gradient rule, then frees its saved operands. */
static dnn_status visit(dnn__walk *w, dnn__node *node)
{
    bool runs = !w->pruned || (node->mark & DNN__NEEDED) != 0;
    dnn_status st = node->hooks != NULL ? run_node_hooks(w, node) : DNN_OK;

    if (st == DNN_OK && runs) {
        st = apply_rule(w, node);
    }
    for (int i = 0; i < node->n_out; i++) {
        dnn_release(node->dout[i]);
        node->dout[i] = NULL;
    }
    if ((!w->retain && runs) || st != DNN_OK) {
        dnn__node_forget(node);
        node->freed = true;
    }
    return st;
}

/* ---- the walk ---- */

static dnn_status walk_graph(dnn__walk *w, dnn_tensor *of, dnn_tensor *seed)
{
    if (of->node == NULL) {
        return wants(w, of->leaf) ? accumulate_in(w, of->leaf, seed) : DNN_OK;
    }
    if (atomic_load_explicit(&dnn__leaf_hooks, memory_order_relaxed) > 0) {
        DNN_TRY(count_edges(w, of->node));
    }
    DNN_TRY(dnn__queue_push(&w->queue, of->node));
    DNN_TRY(accumulate(&of->node->dout[of->node_out], seed));
    while (w->queue.n > 0) {
        DNN_TRY(visit(w, dnn__queue_pop(&w->queue)));
    }
    return DNN_OK;
}

/* After a failure: frees the saved operands and gradients of the nodes that are still in the queue.
 */
static void free_queued(dnn__walk *w)
{
    for (int64_t i = 0; i < w->queue.n; i++) {
        dnn__node *node = w->queue.heap[i];

        node->freed = true;
        dnn__node_forget(node);
        for (int k = 0; k < node->n_out; k++) {
            dnn_release(node->dout[k]);
            node->dout[k] = NULL;
        }
    }
    w->queue.n = 0;
}

dnn_status dnn__walk_run(dnn__walk *w, dnn_tensor *of, dnn_tensor *seed)
{
    dnn_status st = DNN_OK;

    seed = seed != NULL ? seed : dnn_ones_like(of);
    st = seed != NULL ? walk_graph(w, of, seed) : dnn__take();
    if (st == DNN_OK) {
        st = finish_leaves(w);
    }
    if (st != DNN_OK) {
        free_queued(w);
    }
    dnn__free(w->queue.heap);
    return st;
}

void dnn__walk_end(dnn__walk *w)
{
    while (w->accumulators != NULL) {
        dnn__accumulator *s = w->accumulators;

        w->accumulators = s->next;
        s->leaf->accumulator = s->outer;
        dnn_release(s->grad);
        dnn__leaf_release(s->leaf);
        dnn__slab_free(s, sizeof *s);
    }
}

/* ---- backward ---- */

dnn_status dnn__make_unshared(dnn_tensor **g, dnn_tensor *more)
{
    bool alone = __atomic_load_n(&(*g)->object.dnn_refs, __ATOMIC_RELAXED) == 1 &&
                 atomic_load_explicit(&(*g)->storage->refs, memory_order_relaxed) == 1 &&
                 dnn__dense(*g);
    dnn_tensor *own;

    if (more == NULL && alone) {
        return DNN_OK;
    }
    own = more != NULL ? dnn_add(more, *g) : dnn_clone(*g);
    if (own == NULL) {
        return dnn__take();
    }
    dnn_retain(own);
    dnn_release(*g);
    *g = own;
    return DNN_OK;
}

/* Adds the present gradient of each leaf to its sum, and makes the sum unshared. Changes no leaf.
 */
static dnn_status finish_sums(dnn__walk *w)
{
    dnn_status st = DNN_OK;

    for (dnn__accumulator *s = w->accumulators; s != NULL && st == DNN_OK; s = s->next) {
        DNN_SCOPE();
        st = s->grad != NULL ? dnn__make_unshared(&s->grad, s->leaf->grad) : DNN_OK;
    }
    return st;
}

/* Makes each sum the gradient of its leaf. Cannot fail. */
static void commit(dnn__walk *w)
{
    for (dnn__accumulator *s = w->accumulators; s != NULL; s = s->next) {
        if (s->grad != NULL) {
            dnn_tensor *old = s->leaf->grad;

            s->leaf->grad = s->grad;
            s->grad = old; /* dnn__walk_end releases it */
        }
    }
}

dnn_status dnn__check_backward(const char *name, const dnn_tensor *of, const dnn_tensor *seed)
{
    dnn__desc desc;

    DNN_TRY(dnn__require(of, name, "the tensor"));
    DNN_TRY(dnn__check_alive(name, "seed", seed));
    if (!dnn__tracked(of)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: the tensor %s is not on the tape: nothing it was computed from "
                         "requires a gradient",
                         name, dnn__shape_text(of->ndim, of->dim));
    }
    if (seed == NULL && dnn__numel(of) != 1) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: the tensor is %s and has %s elements, not 1; give a seed "
                         "(dnn_backward_from)",
                         name, dnn__shape_text(of->ndim, of->dim),
                         dnn__number_text(dnn__numel(of)));
    }
    dnn__describe(&desc, of);
    if (seed != NULL &&
        (!dnn__same_desc(&desc, seed) || dnn__device_of(seed) != dnn__device_of(of))) {
        return dnn__fail(DNN_E_INVALID, "%s: the tensor is %s of %s on %s, the seed %s of %s on %s",
                         name, dnn__shape_text(of->ndim, of->dim), dnn_dtype_name(of->dtype),
                         dnn_device_of(of), dnn__shape_text(seed->ndim, seed->dim),
                         dnn_dtype_name(seed->dtype), dnn_device_of(seed));
    }
    return DNN_OK;
}

dnn_status dnn_backward_with(dnn_backward_args args)
{
    dnn__walk w = {.retain = args.retain_graph || args.create_graph, .create = args.create_graph};
    dnn_scope scope;
    dnn_status st;

    DNN_TRY(dnn__check_backward("backward", args.of, args.seed));
    dnn_retain(args.of); /* a hook may release it */
    scope = dnn_scope_begin(NULL);
    /* The end of the scope turns recording back. */
    (void)(args.create_graph ? dnn_enable_grad_begin() : dnn_no_grad_begin());
    st = dnn__walk_run(&w, args.of, args.seed);
    if (st == DNN_OK) {
        st = finish_sums(&w);
    }
    if (st == DNN_OK) {
        commit(&w);
    }
    dnn__walk_end(&w);
    dnn_scope_end(&scope);
    dnn_release(args.of);
    return st;
}
