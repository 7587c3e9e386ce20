/* saved.c - saved operands of a node (PyTorch's SavedVariable): the description, and for operands
 * that the gradient rule reads the storage, strides and version, so that a later in-place change is
 * detected. */
#include <string.h>
#include "tape.h"

void dnn__save(dnn__saved *s, const dnn_tensor *t, bool keep)
{
    dnn__describe(&s->desc, t);
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

void dnn__saved_drop(dnn__saved *s)
{
    if (s->kept) {
        dnn__storage_release(s->storage);
        dnn__version_release(s->version);
        s->kept = false;
    }
}

void dnn__edge_retain(const dnn__edge *e)
{
    if (e->node != NULL) {
        atomic_fetch_add_explicit(&e->node->history.refs, 1, memory_order_relaxed);
    }
    if (e->leaf != NULL) {
        atomic_fetch_add_explicit(&e->leaf->history.refs, 1, memory_order_relaxed);
    }
}

static dnn_status fail_changed(const dnn__node *node, const dnn__saved *s, const char *role, int i,
                               uint64_t now)
{
    bool named = strcmp(role, "input") == 0 && node->op->names != NULL;
    dnn__operand_text name = dnn__input_name(node->op, i);

    return dnn__fail(
        DNN_E_INVALID,
        "backward of %s: its %s %d%s%s%s %s was changed in place after it was saved (version "
        "%llu, now %llu); clone it before the change",
        node->op->name, role, i, named ? " (" : "", named ? name.text : "", named ? ")" : "",
        dnn__shape_text(s->desc.ndim, s->desc.dim), (unsigned long long)s->seen,
        (unsigned long long)now);
}

dnn_status dnn__unwrap(const dnn__node *node, const dnn__saved *s, const char *role, int i,
                       const dnn__edge *from, bool create_graph, dnn_tensor **out)
{
    uint64_t now;
    dnn_tensor *t;

    *out = NULL;
    if (!s->kept || s->overwritten) {
        return DNN_OK;
    }
    now = atomic_load_explicit(&s->version->count, memory_order_relaxed);
    if (now != s->seen) {
        return fail_changed(node, s, role, i, now);
    }
    t = dnn__tensor_over(node->op->name, s->desc.dtype, s->desc.ndim, s->desc.dim, s->stride,
                         s->offset, s->storage, s->version);
    if (t == NULL) {
        return dnn__take();
    }
    if (create_graph && (from->node != NULL || from->leaf != NULL)) {
        dnn__edge_retain(from);
        t->node = from->node;
        t->leaf = from->leaf;
        t->node_out = from->out;
        t->is_view = t->lent = true; /* a second handle of a tensor that the program has */
    }
    *out = t;
    return DNN_OK;
}
