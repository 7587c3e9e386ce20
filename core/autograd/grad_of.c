/* grad_of.c - gradients of a tensor with respect to given inputs (torch.autograd.grad): a walk that
 * runs only the nodes between them, and does not touch .grad. Programs call it. */
#include "autograd_impl.h"
#include "call.h"
#include "dispatch_state.h"
#include "ops_impl.h"

struct target {      /* an input of grad_of */
    dnn__leaf *leaf; /* that of the input; for a non-leaf a temporary one, which a hook fills */
    dnn__node *node; /* of a non-leaf; else NULL */
    int64_t hook;
    bool was_wanted, was_reached; /* by an outer grad_of */
};

struct search {
    dnn__walk walk;
    dnn_grad_of_args args;
    struct target *target;
    int64_t n; /* targets that are open */
    dnn__node_list list;
    uint8_t *mark; /* [list.n] marks before this call, which an outer grad_of needs */
};

/* ---- targets ---- */

static dnn_status open_target(struct target *target, const dnn_tensor *t)
{
    dnn__hook *hook;

    if (t->node == NULL) {
        target->leaf = t->leaf;
        atomic_fetch_add_explicit(&t->leaf->history.refs, 1, memory_order_relaxed);
    } else {
        target->leaf = dnn__leaf_new(t);
        hook = target->leaf != NULL ? dnn__hook_new(&t->node->hooks, t->node_out) : NULL;
        if (hook == NULL) {
            dnn__leaf_release(target->leaf);
            return dnn__nomem("grad_of", sizeof *hook);
        }
        hook->keep = target->leaf;
        atomic_fetch_add_explicit(&target->leaf->history.refs, 1, memory_order_relaxed);
        target->hook = hook->id;
        target->node = t->node;
        atomic_fetch_add_explicit(&t->node->history.refs, 1, memory_order_relaxed);
    }
    target->was_wanted = target->leaf->wanted;
    target->was_reached = target->leaf->reached;
    target->leaf->wanted = true;
    target->leaf->reached = false;
    return DNN_OK;
}

/* Closes the last target first: an input may be in the list twice, and was_wanted and was_reached
 * of the first have the values from before the call. */
static void close_targets(struct search *s)
{
    while (s->n > 0) {
        struct target *target = &s->target[--s->n];

        target->leaf->wanted = target->was_wanted;
        target->leaf->reached = target->was_reached;
        if (target->node != NULL) {
            dnn__hook_drop(&target->node->hooks, target->hook);
            dnn__node_release(target->node);
        }
        dnn__leaf_release(target->leaf);
    }
}

/* ---- the nodes between `of` and the inputs ---- */

/* Returns the mark of a node whose operands have theirs. */
static uint8_t mark_of(const dnn__node *node)
{
    uint8_t mark = 0;

    for (int i = 0; i < node->n_in; i++) {
        const dnn__edge *e = &node->edge[i];

        if (e->leaf != NULL && e->leaf->wanted) {
            e->leaf->reached = true;
            mark |= DNN__NEEDED;
        } else if (e->node != NULL && e->node->mark != 0) {
            mark |= DNN__NEEDED;
        }
    }
    for (const dnn__hook *h = node->hooks; h != NULL; h = h->next) {
        if (h->keep != NULL && h->keep->wanted) {
            h->keep->reached = true;
            mark |= DNN__CAPTURED;
        }
    }
    return mark;
}

static dnn_status mark_nodes(struct search *s)
{
    dnn_tensor *of = s->args.of;

    if (of->node == NULL) {
        of->leaf->reached = true;
        return DNN_OK;
    }
    DNN_TRY(dnn__reach(of->node, &s->list));
    s->mark = dnn__alloc((size_t)s->list.n);
    if (s->mark == NULL) {
        return dnn__nomem("grad_of", (size_t)s->list.n);
    }
    /* Backwards through the list: a node comes after the nodes of its operands. */
    for (int64_t k = s->list.n - 1; k >= 0; k--) {
        s->mark[k] = s->list.node[k]->mark;
        s->list.node[k]->mark = mark_of(s->list.node[k]);
    }
    return DNN_OK;
}

static void restore_marks(struct search *s)
{
    for (int64_t k = 0; s->mark != NULL && k < s->list.n; k++) {
        s->list.node[k]->mark = s->mark[k];
    }
    dnn__free(s->mark);
    dnn__free(s->list.node);
}

/* ---- results ---- */

static dnn_status check_used(const struct search *s)
{
    for (int64_t i = 0; i < s->n && !s->args.allow_unused; i++) {
        const dnn_tensor *t = s->args.inputs.item[i];

        if (!s->target[i].leaf->reached) {
            return dnn__fail(DNN_E_INVALID,
                             "grad_of: the tensor %s does not depend on input %s %s (.allow_unused "
                             "gives NULL for its gradient)",
                             dnn__shape_text(s->args.of->ndim, s->args.of->dim),
                             dnn__member_text(s->args.inputs, i), dnn__shape_text(t->ndim, t->dim));
        }
    }
    return DNN_OK;
}

/* Sets grads[i] to a reference: the gradient, zeros if none arrived, NULL if `of` does not depend
 * on the input. */
static dnn_status take_grad(struct search *s, int64_t i)
{
    dnn__accumulator *accumulator = dnn__accumulator_of(&s->walk, s->target[i].leaf);
    dnn_tensor *t = s->args.inputs.item[i], *g = accumulator != NULL ? accumulator->grad : NULL;

    if (!s->target[i].leaf->reached) {
        return DNN_OK;
    }
    if (g == NULL) {
        g = dnn_zeros_like(t);
    }
    if (g == NULL) {
        return dnn__take();
    }
    dnn_retain(g);
    s->args.grads[i] = g;
    return DNN_OK;
}

static dnn_status take_grads(struct search *s)
{
    for (int64_t i = 0; i < s->n; i++) {
        DNN_TRY(take_grad(s, i));
    }
    dnn__walk_end(&s->walk); /* releases its references: dnn__make_unshared then copies less */
    for (int64_t i = 0; i < s->n; i++) {
        if (s->args.grads[i] != NULL) {
            DNN_TRY(dnn__make_unshared(&s->args.grads[i], NULL));
        }
    }
    return DNN_OK;
}

static dnn_status run(struct search *s)
{
    dnn_tensor_list in = s->args.inputs;

    s->target = dnn__calloc((size_t)in.n, sizeof *s->target);
    if (s->target == NULL) {
        return dnn__nomem("grad_of", (size_t)in.n * sizeof *s->target);
    }
    for (int64_t i = 0; i < in.n; i++) {
        DNN_TRY(open_target(&s->target[i], in.item[i]));
        s->n++;
    }
    DNN_TRY(mark_nodes(s));
    DNN_TRY(check_used(s));
    if (s->args.of->node == NULL || s->args.of->node->mark != 0) {
        DNN_TRY(dnn__walk_run(&s->walk, s->args.of, s->args.seed));
    }
    return take_grads(s);
}

/* Moves the results to the scope that encloses the call; after a failure releases them. */
static void move_to_scope(const dnn_grad_of_args *a, dnn_status st)
{
    for (int64_t i = 0; i < a->inputs.n; i++) {
        if (st != DNN_OK) {
            dnn_release(a->grads[i]);
            a->grads[i] = NULL;
        } else if (a->grads[i] != NULL) {
            dnn__object_adopt(&a->grads[i]->object);
        }
    }
}

static dnn_status check(const dnn_grad_of_args *a)
{
    for (int64_t i = 0; a->grads != NULL && i < a->inputs.n; i++) {
        a->grads[i] = NULL;
    }
    DNN_TRY(dnn__check_backward("grad_of", a->of, a->seed));
    if (a->inputs.n < 1) {
        return dnn__fail(DNN_E_INVALID, "grad_of: %lld inputs, must be 1 or more",
                         (long long)a->inputs.n);
    }
    if (a->inputs.item == NULL || a->grads == NULL) {
        return dnn__fail(DNN_E_INVALID, "grad_of: %s is NULL",
                         a->grads == NULL ? "grads" : "inputs");
    }
    DNN_TRY(dnn__check_alive_list("grad_of", "inputs", a->inputs.item, a->inputs.n));
    for (int64_t i = 0; i < a->inputs.n; i++) {
        const dnn_tensor *t = a->inputs.item[i];

        if (t == NULL) {
            return dnn__fail(DNN_E_INVALID, "grad_of: input %s of %lld is NULL",
                             dnn__member_text(a->inputs, i), (long long)a->inputs.n);
        }
        if (!dnn__tracked(t)) {
            return dnn__fail(DNN_E_INVALID, "grad_of: input %s %s is not on the tape",
                             dnn__member_text(a->inputs, i), dnn__shape_text(t->ndim, t->dim));
        }
    }
    return DNN_OK;
}

dnn_status dnn_grad_of_with(dnn_grad_of_args args)
{
    struct search s = {.walk = {.retain = args.retain_graph || args.create_graph,
                                .create = args.create_graph,
                                .pruned = true},
                       .args = args};
    dnn_scope scope;
    dnn_status st;

    DNN_TRY(check(&args));
    dnn_retain(args.of);
    scope = dnn_scope_begin(NULL);
    /* The end of the scope turns recording back. */
    (void)(args.create_graph ? dnn_enable_grad_begin() : dnn_no_grad_begin());
    st = run(&s);
    dnn__walk_end(&s.walk);
    restore_marks(&s);
    close_targets(&s);
    dnn__free(s.target);
    dnn_scope_end(&scope);
    move_to_scope(&args, st);
    dnn_release(args.of);
    return st;
}
