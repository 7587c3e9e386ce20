/* node.c - nodes of the tape. Dispatch records an operator and its operands in a node. Releasing
 * the last reference frees the node and the graph that only it reaches. Gradient rules are in
 * core/ops; the engine (core/autograd) visits the nodes. */
#include <string.h>
#include "tape.h"

/* ---- recording ---- */

static void set_edge(dnn__edge *e, const dnn_tensor *t)
{
    e->node = t != NULL ? t->node : NULL;
    e->leaf = t != NULL && t->node == NULL ? t->leaf : NULL;
    e->out = t != NULL ? t->node_out : 0;
    dnn__edge_retain(e);
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

static void destroy_node(dnn__history *history);

static const dnn__history_type node_type = {.destroy = destroy_node};

dnn__node *dnn__node_new(const dnn__op *op, int n_in, int n_out)
{
    static _Atomic uint64_t numbers;
    size_t in = (size_t)n_in, out = (size_t)n_out;
    size_t bytes = sizeof(dnn__node) + in * (sizeof(dnn__edge) + sizeof(dnn__saved)) +
                   out * (sizeof(dnn__saved) + sizeof(dnn_tensor *)) + op->attr_bytes;
    dnn__node *node = dnn__slab_alloc(bytes);

    if (node == NULL) {
        return NULL;
    }
    atomic_init(&node->history.refs, 1);
    node->history.type = &node_type;
    node->op = op;
    node->number = atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed);
    node->n_in = n_in;
    node->n_out = n_out;
    node->bytes = bytes;
    node->freed = false;
    node->stash = NULL;
    node->mark = 0;
    node->hooks = NULL;
    node->in = (dnn__saved *)(void *)(node + 1);
    node->out = node->in + n_in;
    node->edge = (dnn__edge *)(void *)(node->out + n_out);
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

void dnn__node_stash(dnn__node *node, dnn__storage *stash, const struct dnn__plugin *stash_plugin)
{
    node->stash = stash;
    node->stash_plugin = stash_plugin;
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

        dnn__save(&node->in[i], in[i], keep);
        set_edge(&node->edge[i], in[i]);
        node->in[i].overwritten = keep && in[i] != NULL && !view && shares(in[i], out, n_out);
        if (in[i] != NULL && node->device == NULL) {
            node->device = dnn__device_of(in[i]);
        }
    }
    for (int i = 0; i < n_out; i++) {
        dnn__save(&node->out[i], out[i], i < 16 && (op->keep & DNN__OUT(i)) != 0);
        node->dout[i] = NULL;
        if (out[i] == NULL || (out[i]->dtype & DNN__FLOATS) == 0) {
            continue;
        }
        if (out[i]->node !=
            NULL) { /* changed in place: the new node's edge leads to the old node */
            if (out[i]->leaf != NULL) {
                dnn__hooks_move_kept(out[i]->node, node, out[i]->leaf, (uint32_t)i);
            }
            dnn__node_release(out[i]->node);
        }
        atomic_fetch_add_explicit(&node->history.refs, 1, memory_order_relaxed);
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

/* ---- release ---- */

void dnn__node_forget(dnn__node *node)
{
    for (int i = 0; i < node->n_in; i++) {
        dnn__saved_drop(&node->in[i]);
    }
    for (int i = 0; i < node->n_out; i++) {
        dnn__saved_drop(&node->out[i]);
    }
    if (node->op->forget != NULL) {
        node->op->forget(node);
    }
    if (node->stash != NULL) {
        dnn__storage_release(node->stash);
        node->stash = NULL;
    }
}

/* A graph may have a million nodes. Nodes to free are put in a list, because recursion would
 * overflow the stack. */
static void destroy_node(dnn__history *history)
{
    dnn__node *node = (dnn__node *)(void *)history, *dead = NULL;

    node->next_dead = NULL;
    dead = node;
    while (dead != NULL) {
        node = dead;
        dead = node->next_dead;
        dnn__node_forget(node);
        if (node->hooks != NULL) {
            dnn__hooks_drop(&node->hooks, false);
        }
        for (int i = 0; i < node->n_out; i++) {
            dnn_release(node->dout[i]);
        }
        for (int i = 0; i < node->n_in; i++) {
            dnn__node *from = node->edge[i].node;

            if (node->edge[i].leaf != NULL) {
                dnn__leaf_release(node->edge[i].leaf);
            }
            if (from != NULL &&
                atomic_fetch_sub_explicit(&from->history.refs, 1, memory_order_acq_rel) == 1) {
                from->next_dead = dead;
                dead = from;
            }
        }
        if (node->op->end != NULL) {
            node->op->end(node);
        }
        dnn__slab_free(node, node->bytes);
    }
}

void dnn__node_release(dnn__node *node)
{
    dnn__history_release(node != NULL ? &node->history : NULL);
}
