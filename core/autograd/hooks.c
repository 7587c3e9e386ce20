/* hooks.c - hooks on gradients (torch.Tensor.register_hook) and retained gradients (retain_grad):
 * the public functions, and dnn__hooks_run, which engine.c calls when a gradient is final. */
#include "autograd_impl.h"

static dnn__hook **list_of(const dnn_tensor *t)
{
    return t->node != NULL ? &t->node->hooks : t->leaf != NULL ? &t->leaf->hooks : NULL;
}

/* ---- running ---- */

/* Returns the first hook on output `out` with a number above `id`. A search by number, because
 * hooks may remove themselves and each other. */
static dnn__hook *next_hook(dnn__hook *hook, uint32_t out, int64_t id)
{
    while (hook != NULL && (hook->fn == NULL || hook->out != out || hook->id <= id)) {
        hook = hook->next;
    }
    return hook;
}

static dnn_status check_result(const char *name, const dnn_tensor *old, const dnn_tensor *g)
{
    dnn__desc want;

    if (g == NULL) {
        return dnn__fail(DNN_E_INVALID, "hook of %s: it left NULL for a gradient", name);
    }
    DNN_TRY(dnn__check_alive(name, "the gradient of a hook", g));
    dnn__describe(&want, old);
    if (!dnn__same_desc(&want, g) || dnn__device_of(g) != dnn__device_of(old)) {
        return dnn__fail(DNN_E_INVALID,
                         "hook of %s: the gradient is %s of %s on %s, the new one %s of %s on %s",
                         name, dnn__shape_text(old->ndim, old->dim), dnn_dtype_name(old->dtype),
                         dnn_device_of(old), dnn__shape_text(g->ndim, g->dim),
                         dnn_dtype_name(g->dtype), dnn_device_of(g));
    }
    return DNN_OK;
}

static dnn_status run(const dnn__hook *hook, const char *name, dnn_tensor **grad)
{
    dnn_tensor *old = *grad, *g = old;
    uint64_t seen = atomic_load_explicit(&old->version->count, memory_order_relaxed);
    bool before = dnn__callback_begin();
    dnn_status st = hook->fn(hook->ctx, &g);

    DNN_TRY(dnn__callback_end(before, st, "hook", name));
    if (atomic_load_explicit(&old->version->count, memory_order_relaxed) != seen) {
        return dnn__fail(DNN_E_INVALID,
                         "hook of %s: it changed the gradient in place, which others read too; set "
                         "*grad to a new tensor",
                         name);
    }
    DNN_TRY(check_result(name, old, g));
    if (g != old) {
        *grad = dnn_retain(g);
        dnn_release(old);
    }
    return DNN_OK;
}

static int64_t newest_id(const dnn__hook *hook)
{
    int64_t id = 0;

    for (; hook != NULL; hook = hook->next) {
        id = hook->id > id ? hook->id : id;
    }
    return id;
}

/* A hook that a hook adds runs from the next time on: one that adds itself again would run for
 * ever. */
dnn_status dnn__hooks_run(dnn__hook *const *list, uint32_t out, const char *name, dnn_tensor **grad)
{
    int64_t id = 0, last = newest_id(*list);
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        for (dnn__hook *hook = next_hook(*list, out, id);
             hook != NULL && hook->id <= last && st == DNN_OK; hook = next_hook(*list, out, id)) {
            id = hook->id;
            st = run(hook, name, grad);
        }
    }
    return st;
}

/* ---- public functions ---- */

static dnn_status check_add(const dnn_tensor *t, dnn_hook_fn fn)
{
    DNN_TRY(dnn__require(t, "dnn_hook_add", "t"));
    DNN_TRY(fn != NULL ? DNN_OK : dnn__fail(DNN_E_INVALID, "dnn_hook_add: fn is NULL"));
    if (list_of(t) == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_hook_add: t %s is not on the tape: it has no gradient",
                         dnn__shape_text(t->ndim, t->dim));
    }
    return DNN_OK;
}

dnn_status dnn_hook_add(dnn_tensor *t, dnn_hook_fn fn, void *ctx, void (*free_ctx)(void *ctx),
                        int64_t *id)
{
    dnn_status st = check_add(t, fn);
    dnn__hook *hook = st == DNN_OK ? dnn__hook_new(list_of(t), t->node_out) : NULL;

    if (hook == NULL) {
        if (free_ctx != NULL) {
            free_ctx(ctx);
        }
        return st != DNN_OK ? st : dnn__nomem("dnn_hook_add", sizeof *hook);
    }
    hook->fn = fn;
    hook->ctx = ctx;
    hook->free_ctx = free_ctx;
    if (t->node == NULL) {
        hook->out = 0;
        atomic_fetch_add_explicit(&dnn__leaf_hooks, 1, memory_order_relaxed);
    }
    if (id != NULL) {
        *id = hook->id;
    }
    return DNN_OK;
}

dnn_status dnn_hook_remove(dnn_tensor *t, int64_t id)
{
    dnn__hook **place;

    DNN_TRY(dnn__require(t, "dnn_hook_remove", "t"));
    place = list_of(t);
    while (place != NULL && *place != NULL && ((*place)->id != id || (*place)->fn == NULL)) {
        place = &(*place)->next;
    }
    if (place == NULL || *place == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_hook_remove: t %s has no hook %lld",
                         dnn__shape_text(t->ndim, t->dim), (long long)id);
    }
    if (t->node == NULL) {
        atomic_fetch_sub_explicit(&dnn__leaf_hooks, 1, memory_order_relaxed);
    }
    dnn__hook_drop_at(place);
    return DNN_OK;
}

dnn_status dnn_retain_grad(dnn_tensor *t)
{
    dnn__hook *hook;

    DNN_TRY(dnn__require(t, "dnn_retain_grad", "t"));
    if (t->leaf != NULL) { /* a leaf, or a non-leaf after dnn_retain_grad */
        return DNN_OK;
    }
    if (t->node == NULL) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_retain_grad: t %s is not on the tape: it has no gradient",
                         dnn__shape_text(t->ndim, t->dim));
    }
    hook = dnn__hook_new(&t->node->hooks, t->node_out);
    t->leaf = hook != NULL ? dnn__leaf_new(t) : NULL;
    if (t->leaf == NULL) {
        if (hook != NULL) {
            dnn__hook_drop(&t->node->hooks, hook->id);
        }
        return dnn__nomem("dnn_retain_grad", sizeof *hook);
    }
    hook->keep = t->leaf;
    atomic_fetch_add_explicit(&t->leaf->history.refs, 1, memory_order_relaxed);
    return DNN_OK;
}
