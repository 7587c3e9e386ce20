/* graph_text.c - writes the graph of a tensor as text: a tree of operators, or Graphviz DOT. It
 * fills the caller's buffer and prints nothing. */
#include <string.h>
#include "inspect_impl.h"
#include "pointer_map.h"
#include "tape.h"
#include "dnn/nn.h"

enum { STEP = 2, DEEPEST = 40 }; /* blanks for a level; deeper levels are not indented further */

struct frame { /* of the depth-first walk */
    dnn__node *node;
    int next; /* index of the next input */
};

struct drawing {
    dnn__text out;
    dnn_tensor_list names;  /* the parameters whose names the leaves get */
    dnn__pointer_map place; /* of a leaf in that list */
    dnn__node_list list;    /* by falling number */
    int32_t *uses;          /* [list.n]: edges to the node */
    int32_t *label;         /* [list.n]: the label "#1" of a node with several uses; 0: none yet */
    int32_t labels;
    struct frame *stack;
    int64_t depth, stack_room;
    dnn__leaf **leaf; /* DOT: the leaves drawn so far */
    int64_t leaves, leaf_room;
};

/* ---- parts of both forms ---- */

static void put_leaf_name(struct drawing *d, const dnn__leaf *leaf)
{
    int64_t i = d->names.n > 0 ? dnn__pointer_map_find(&d->place, leaf) : -1;

    dnn__put(&d->out, "%s", i >= 0 ? d->names.name[i] : "leaf");
}

/* Writes "[64,10]", and the dtype if it is not f32. */
static void put_desc(struct drawing *d, const dnn__desc *desc)
{
    dnn__put_shape(&d->out, desc->ndim, desc->dim);
    if (desc->dtype != DNN_T_F32) {
        dnn__put(&d->out, " %s", dnn_dtype_name(desc->dtype));
    }
}

/* Writes the name; replaces the characters that would end a string of DOT. */
static void put_name(struct drawing *d, const char *name)
{
    for (; *name != 0; name++) {
        dnn__put(&d->out, "%c", *name == '"' || *name == '\\' || *name == '\n' ? '\'' : *name);
    }
}

static const dnn__desc *first_output(const dnn__node *node)
{
    int j = 0;

    while (j < node->n_out - 1 && node->out[j].desc.ndim < 0) {
        j++;
    }
    return &node->out[j].desc;
}

static int64_t index_of(const struct drawing *d, const dnn__node *node)
{
    int64_t low = 0, high = d->list.n - 1;

    while (low < high) {
        int64_t middle = (low + high) / 2;

        if (d->list.node[middle]->number > node->number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- the tree ---- */

static void indent(struct drawing *d, int64_t level)
{
    dnn__put(&d->out, "%*s", (int)(level < DEEPEST ? level : DEEPEST) * STEP, "");
    if (level > DEEPEST) {
        dnn__put(&d->out, "(%lld) ", (long long)level);
    }
}

/* Writes the line of a node. Returns true if it is the first one: only then the caller writes the
 * node's operands. */
static bool put_node(struct drawing *d, const dnn__node *node, uint32_t out)
{
    int64_t at = index_of(d, node);
    bool seen = d->label[at] != 0;

    if (d->uses[at] > 1 && !seen) {
        d->label[at] = ++d->labels;
    }
    put_name(d, node->op->name);
    dnn__put(&d->out, " ");
    put_desc(d, out == 0 ? first_output(node) : &node->out[out].desc);
    if (out != 0) {
        dnn__put(&d->out, " (output %u)", out);
    }
    if (d->label[at] != 0) {
        dnn__put(&d->out, seen ? " = #%d" : " #%d", d->label[at]);
    }
    dnn__put(&d->out, "\n");
    return !seen;
}

static dnn_status push_node(struct drawing *d, dnn__node *node)
{
    DNN_TRY(dnn__reserve((void **)&d->stack, &d->stack_room, d->depth + 1, sizeof *d->stack,
                         "dnn_graph_format"));
    d->stack[d->depth++] = (struct frame){node, 0};
    return DNN_OK;
}

static void put_leaf(struct drawing *d, const dnn__leaf *leaf)
{
    put_leaf_name(d, leaf);
    dnn__put(&d->out, " ");
    put_desc(d, &leaf->desc);
    dnn__put(&d->out, "\n");
}

static dnn_status put_tree(struct drawing *d, dnn__node *root, uint32_t out)
{
    put_node(d, root, out);
    DNN_TRY(push_node(d, root));
    while (d->depth > 0) {
        struct frame *f = &d->stack[d->depth - 1];
        const dnn__edge *e = f->next < f->node->n_in ? &f->node->edge[f->next] : NULL;

        if (e == NULL) {
            d->depth--;
            continue;
        }
        f->next++;
        if (e->leaf != NULL) {
            indent(d, d->depth);
            put_leaf(d, e->leaf);
        } else if (e->node != NULL) {
            indent(d, d->depth);
            if (put_node(d, e->node, e->out)) {
                DNN_TRY(push_node(d, e->node));
            }
        }
    }
    return DNN_OK;
}

/* ---- DOT ---- */

/* Draws the leaf if it is new. Sets *id to its number. */
static dnn_status draw_leaf(struct drawing *d, dnn__leaf *leaf, int64_t *id)
{
    for (*id = 0; *id < d->leaves; (*id)++) {
        if (d->leaf[*id] == leaf) {
            return DNN_OK;
        }
    }
    DNN_TRY(dnn__reserve((void **)&d->leaf, &d->leaf_room, d->leaves + 1, sizeof(dnn__leaf *),
                         "dnn_graph_format"));
    d->leaf[d->leaves++] = leaf;
    dnn__put(&d->out, "  leaf%lld [label=\"", (long long)*id);
    put_leaf_name(d, leaf);
    dnn__put(&d->out, "\\n");
    put_desc(d, &leaf->desc);
    dnn__put(&d->out, "\", style=filled, fillcolor=lightblue];\n");
    return DNN_OK;
}

static dnn_status draw_edges(struct drawing *d, int64_t at)
{
    const dnn__node *node = d->list.node[at];

    for (int i = 0; i < node->n_in; i++) {
        const dnn__edge *e = &node->edge[i];
        int64_t id = 0;

        if (e->leaf != NULL) {
            DNN_TRY(draw_leaf(d, e->leaf, &id));
            dnn__put(&d->out, "  leaf%lld -> op%lld;\n", (long long)id, (long long)at);
        } else if (e->node != NULL) {
            dnn__put(&d->out, "  op%lld -> op%lld;\n", (long long)index_of(d, e->node),
                     (long long)at);
        }
    }
    return DNN_OK;
}

static dnn_status put_dot(struct drawing *d, const dnn_tensor *of)
{
    int64_t id;

    dnn__put(&d->out, "digraph graph_of {\n  node [shape=box];\n");
    if (of->node == NULL) {
        DNN_TRY(draw_leaf(d, of->leaf, &id));
    }
    for (int64_t k = 0; k < d->list.n; k++) {
        dnn__put(&d->out, "  op%lld [label=\"", (long long)k);
        put_name(d, d->list.node[k]->op->name);
        dnn__put(&d->out, "\\n");
        put_desc(d, first_output(d->list.node[k]));
        dnn__put(&d->out, k == 0 ? "\", style=filled, fillcolor=lightgreen];\n" : "\"];\n");
    }
    for (int64_t k = 0; k < d->list.n; k++) {
        DNN_TRY(draw_edges(d, k));
    }
    dnn__put(&d->out, "}\n");
    return DNN_OK;
}

/* ---- the public function ---- */

static dnn_status count_uses(struct drawing *d)
{
    size_t n = (size_t)d->list.n;

    d->uses = dnn__calloc(2 * n, sizeof *d->uses);
    if (d->uses == NULL) {
        return dnn__nomem("dnn_graph_format", 2 * n * sizeof *d->uses);
    }
    d->label = d->uses + n;
    for (size_t k = 0; k < n; k++) {
        for (int i = 0; i < d->list.node[k]->n_in; i++) {
            const dnn__node *from = d->list.node[k]->edge[i].node;

            if (from != NULL) {
                d->uses[index_of(d, from)]++;
            }
        }
    }
    return DNN_OK;
}

/* Lists the parameters of the module, and where each leaf is in the list. */
static dnn_status list_names(struct drawing *d, const dnn_module *module)
{
    dnn_tensor_list list = dnn_parameters(module);

    DNN_TRY(dnn__take());
    DNN_TRY(dnn__pointer_map_new("dnn_graph_format", list.n, &d->place));
    d->names = list;
    for (int64_t i = 0; i < list.n; i++) {
        if (list.item[i]->leaf != NULL) { /* NULL: it requires no gradient */
            dnn__pointer_map_add(&d->place, list.item[i]->leaf, i);
        }
    }
    return DNN_OK;
}

static dnn_status draw(struct drawing *d, dnn_tensor *of, bool dot)
{
    if (of->node != NULL) {
        DNN_TRY(dnn__reach(of->node, &d->list));
        DNN_TRY(count_uses(d));
    }
    if (dot) {
        return put_dot(d, of);
    }
    if (of->node != NULL) {
        return put_tree(d, of->node, of->node_out);
    }
    put_leaf(d, of->leaf);
    return DNN_OK;
}

static dnn_status write_graph(dnn__text *text, const void *args_)
{
    const dnn_graph_format_args *args = args_;
    struct drawing d = {.out = *text};
    DNN_SCOPE(); /* owns the list of names */
    dnn_status st = dnn__require(args->of, "dnn_graph_format", "the tensor");

    if (st == DNN_OK) {
        st = dnn__check_alive("dnn_graph_format", "module", args->module);
    }
    if (st == DNN_OK && !dnn__tracked(args->of)) {
        st = dnn__fail(DNN_E_INVALID,
                       "dnn_graph_format: the tensor %s is not on the tape: it has no graph",
                       dnn__shape_text(args->of->ndim, args->of->dim));
    }
    if (st == DNN_OK && args->module != NULL) {
        st = list_names(&d, args->module);
    }
    if (st == DNN_OK) {
        st = draw(&d, args->of, args->dot);
    }
    *text = d.out;
    dnn__free(d.list.node);
    dnn__free(d.uses);
    dnn__free(d.stack);
    dnn__free(d.leaf);
    dnn__pointer_map_free(&d.place);
    return st;
}

const char *dnn_graph_format_with(dnn_graph_format_args args)
{
    return dnn__format(write_graph, &args);
}
