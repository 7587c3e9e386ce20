/* forward_hook.c - hooks of modules (torch.nn.Module.register_forward_hook,
 * register_forward_pre_hook): the list of a module, and running it. forward.c calls it for modules
 * that have hooks. */
#include "nn_impl.h"

typedef struct dnn_module_hook {
    struct dnn_module_hook *next;
    int64_t id; /* rises along the list */
    dnn_forward_pre_hook_fn before;
    dnn_forward_hook_fn after;
    void *ctx;
    void (*free_ctx)(void *ctx);
    int running;     /* calls of the function that have not returned */
    bool is_removed; /* while it runs */
} hook;

/* ---- the list ---- */

static void free_hook(hook *h)
{
    if (h->free_ctx != NULL) {
        h->free_ctx(h->ctx);
    }
    dnn__slab_free(h, sizeof *h);
}

/* Takes the hook off the list, then frees it: free_ctx may look at the list. */
static void drop(hook **link)
{
    hook *h = *link;

    *link = h->next;
    free_hook(h);
}

static hook **find(dnn_module *module, int64_t id)
{
    hook **link = &module->dnn_hooks;

    while (*link != NULL && (*link)->id != id) {
        link = &(*link)->next;
    }
    return link;
}

void dnn__module_hooks_drop(dnn_module *module)
{
    while (module->dnn_hooks != NULL) {
        drop(&module->dnn_hooks);
    }
}

static dnn_status add(const char *call, dnn_module *module, const hook *values, int64_t *id)
{
    static _Atomic int64_t numbers;
    hook **end, *made;

    DNN_TRY(dnn__require(module, call, "module"));
    if (values->before == NULL && values->after == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: fn is NULL", call);
    }
    made = dnn__slab_alloc(sizeof *made);
    if (made == NULL) {
        return dnn__nomem(call, sizeof *made);
    }
    *made = *values;
    made->id = 1 + atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed);
    for (end = &module->dnn_hooks; *end != NULL; end = &(*end)->next) {
    }
    *end = made;
    if (id != NULL) {
        *id = made->id;
    }
    return DNN_OK;
}

static dnn_status add_or_free(const char *call, dnn_module *module, const hook *values, int64_t *id)
{
    dnn_status st = add(call, module, values, id);

    if (st != DNN_OK && values->free_ctx != NULL) {
        values->free_ctx(values->ctx);
    }
    return st;
}

dnn_status dnn_module_add_forward_hook(dnn_module *module, dnn_forward_hook_fn fn, void *ctx,
                                       void (*free_ctx)(void *ctx), int64_t *id)
{
    return add_or_free("dnn_module_add_forward_hook", module,
                       &(hook){.after = fn, .ctx = ctx, .free_ctx = free_ctx}, id);
}

dnn_status dnn_module_add_forward_pre_hook(dnn_module *module, dnn_forward_pre_hook_fn fn,
                                           void *ctx, void (*free_ctx)(void *ctx), int64_t *id)
{
    return add_or_free("dnn_module_add_forward_pre_hook", module,
                       &(hook){.before = fn, .ctx = ctx, .free_ctx = free_ctx}, id);
}

dnn_status dnn_module_remove_hook(dnn_module *module, int64_t id)
{
    hook **link;

    DNN_TRY(dnn__require(module, "dnn_module_remove_hook", "module"));
    link = find(module, id);
    if (*link == NULL || (*link)->is_removed) {
        return dnn__fail(DNN_E_INVALID, "dnn_module_remove_hook: the %s has no hook %lld",
                         module->dnn_type->name, (long long)id);
    }
    if ((*link)->running > 0) {
        (*link)->is_removed = true; /* done frees it */
    } else {
        drop(link);
    }
    return DNN_OK;
}

/* ---- running ---- */

/* A hook that was removed while it ran is freed behind its last running call. */
static void done(dnn_module *module, hook *h)
{
    if (--h->running == 0 && h->is_removed) {
        drop(find(module, h->id));
    }
}

/* Returns the first hook of the kind with a number above `id` and up to `last`. A search by number,
 * because hooks may remove themselves and each other, and add others. */
static hook *next_hook(const dnn_module *module, bool before, int64_t id, int64_t last)
{
    hook *h = module->dnn_hooks;

    while (h != NULL && (h->id <= id || h->is_removed || (h->before != NULL) != before)) {
        h = h->next;
    }
    return h != NULL && h->id <= last ? h : NULL;
}

int64_t dnn__last_hook(const dnn_module *module)
{
    const hook *h = module->dnn_hooks;

    while (h != NULL && h->next != NULL) {
        h = h->next;
    }
    return h != NULL ? h->id : 0;
}

bool dnn__pre_hooks_run(dnn_module *module, int64_t last, dnn_tensor **in, int64_t n_in)
{
    bool ok = true;

    for (hook *h = next_hook(module, true, 0, last); h != NULL && ok;) {
        int64_t id = h->id;
        bool before = dnn__callback_begin();

        h->running++;
        ok = dnn__callback_left(before, h->before(h->ctx, module, in, n_in), "forward pre-hook");
        done(module, h);
        h = next_hook(module, true, id, last);
    }
    return ok;
}

bool dnn__hooks_after_run(dnn_module *module, int64_t last, dnn_tensor_list in, dnn_tensor **out,
                          int64_t n_out)
{
    bool ok = true;

    for (hook *h = next_hook(module, false, 0, last); h != NULL && ok;) {
        int64_t id = h->id;
        bool before = dnn__callback_begin();

        h->running++;
        ok = dnn__callback_left(before, h->after(h->ctx, module, in, out, n_out), "forward hook");
        done(module, h);
        h = next_hook(module, false, id, last);
    }
    return ok;
}
