/* leaf.c - leaves, which hold the gradients of tensors that require one, and the hook lists of
 * leaves and nodes. The engine (core/autograd) runs the hooks. */
#include <string.h>
#include "tape.h"

_Atomic int64_t dnn__leaf_hooks;

void dnn__leaf_release(dnn__leaf *leaf)
{
    dnn__history_release(leaf != NULL ? &leaf->history : NULL);
}

dnn__hook *dnn__hook_new(dnn__hook **list, uint32_t out)
{
    static _Atomic int64_t numbers;
    dnn__hook *hook = dnn__slab_alloc(sizeof *hook);

    if (hook == NULL) {
        return NULL;
    }
    *hook = (dnn__hook){.id = 1 + atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed),
                        .out = out};
    while (*list != NULL) {
        list = &(*list)->next;
    }
    *list = hook;
    return hook;
}

void dnn__hook_drop_at(dnn__hook **link)
{
    dnn__hook *hook = *link;

    *link = hook->next;
    if (hook->free_ctx != NULL) {
        hook->free_ctx(hook->ctx);
    }
    dnn__leaf_release(hook->keep);
    dnn__slab_free(hook, sizeof *hook);
}

void dnn__hook_drop(dnn__hook **list, int64_t id)
{
    for (; *list != NULL; list = &(*list)->next) {
        if ((*list)->id == id) {
            dnn__hook_drop_at(list);
            return;
        }
    }
}

void dnn__hooks_drop(dnn__hook **list, bool leaf)
{
    while (*list != NULL) {
        dnn__hook_drop_at(list);
        if (leaf) {
            atomic_fetch_sub_explicit(&dnn__leaf_hooks, 1, memory_order_relaxed);
        }
    }
}

void dnn__hooks_move_kept(dnn__node *from, dnn__node *to, const dnn__leaf *leaf, uint32_t out)
{
    dnn__hook **link = &from->hooks, *hook;

    while (*link != NULL && (*link)->keep != leaf) {
        link = &(*link)->next;
    }
    hook = *link;
    if (hook != NULL) {
        *link = hook->next;
        hook->next = to->hooks;
        hook->out = out;
        to->hooks = hook;
    }
}

/* ---- leaves ---- */

static void destroy_leaf(dnn__history *history)
{
    dnn__leaf *leaf = (dnn__leaf *)(void *)history;

    dnn__hooks_drop(&leaf->hooks, true);
    dnn_release(leaf->grad);
    dnn__slab_free(leaf, sizeof *leaf);
}

static void orphan_leaf(dnn__history *history)
{
    dnn__leaf *leaf = (dnn__leaf *)(void *)history;
    dnn_tensor *grad = leaf->grad;

    leaf->grad = NULL;
    dnn_release(grad);
}

dnn__leaf *dnn__leaf_new(const dnn_tensor *t)
{
    static const dnn__history_type leaf_type = {destroy_leaf, orphan_leaf};
    dnn__leaf *leaf = dnn__slab_alloc(sizeof *leaf);

    if (leaf != NULL) {
        memset(leaf, 0, sizeof *leaf);
        atomic_init(&leaf->history.refs, 1);
        leaf->history.type = &leaf_type;
        dnn__describe(&leaf->desc, t);
    }
    return leaf;
}
