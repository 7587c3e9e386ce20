/* apply_rule.c - calls the gradient rule of one node: sets up the arrays of the rule, makes tensors
 * from the saved operands, and reports failures. engine.c calls it. */
#include "autograd_impl.h"
#include "dispatch_state.h"

static dnn_status check_node(const dnn__node *node)
{
    if (node->freed) {
        return dnn__fail(DNN_E_INVALID,
                         "backward of %s: the graph has been freed: run forward again, or pass "
                         ".retain_graph to the first backward",
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

static bool wants(const dnn__edge *e, bool pruned)
{
    if (e->node != NULL) {
        return !pruned || e->node->mark != 0;
    }
    return e->leaf != NULL && (!pruned || e->leaf->wanted);
}

dnn_status dnn__rule_open(dnn__rule *r, const dnn__node *node, bool pruned)
{
    size_t in = (size_t)node->n_in, out = (size_t)node->n_out;

    DNN_TRY(check_node(node));
    r->memory = NULL;
    r->in = r->few_tensor;
    r->desc = r->few_desc;
    r->wants = r->few_wants;
    if (in > DNN__FEW || out > DNN__FEW) {
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
        r->wants[i] = wants(&node->edge[i], pruned);
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

static dnn_status unwrap_all(dnn__rule *r, dnn__node *node, bool create)
{
    dnn__edge self = {node, NULL, 0};

    for (int i = 0; i < node->n_in; i++) {
        DNN_TRY(dnn__unwrap(node, &node->in[i], "input", i, &node->edge[i], create, &r->in[i]));
    }
    for (int i = 0; i < node->n_out; i++) {
        self.out = (uint32_t)i;
        DNN_TRY(dnn__unwrap(node, &node->out[i], "output", i, &self,
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
                "backward of %s: its %s was overwritten by its own result in place, and the "
                "gradient needs it; use the form without _",
                node->op->name, dnn__input_name(node->op, i).text);
        }
    }
    return status;
}

/* Under create_graph a row may name a second rule, so no rule asks whether it is recorded itself.
 */
static void call_gradient(const dnn__op *op, dnn__grad *grad, bool create)
{
    (create && op->gradient_twice != NULL ? op->gradient_twice : op->gradient)(grad);
}

/* While the rule runs, dispatch gives the stash to the backward kernels of the plugin that keeps
 * it. */
static void call_rule(dnn__rule *r, const dnn__node *node, bool create)
{
    dnn__stash_pair pair = {
        .forward = node->op, .plugin = node->stash_plugin, .stash = node->stash};
    const dnn__stash_pair *before = dnn__dispatch_self.pair;

    dnn__dispatch_self.pair = NULL;
    if (node->stash != NULL) {
        pair.bytes = node->stash->bytes;
        dnn__dispatch_self.pair = &pair;
    }
    call_gradient(node->op, &r->grad, create);
    dnn__dispatch_self.pair = before;
}

dnn_status dnn__rule_run(dnn__rule *r, dnn__node *node, bool create)
{
    DNN_TRY(unwrap_all(r, node, create));
    call_rule(r, node, create);
    return dnn__pending() != DNN_OK ? rule_failed(node, dnn__take()) : DNN_OK;
}
