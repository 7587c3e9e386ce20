/* scope.c - the scopes of a thread: lists of objects that are released when a scope ends, and
 * whether the thread records operators. Closing one also ends what began inside (generator.c). The
 * records of scopes lie in the thread's block. Nothing locks. */
#include <stdlib.h>
#include "object.h"

bool dnn_grad_enabled(void)
{
    return !dnn__self.no_grad;
}

/* ---- records ---- */

void dnn__scopes_free(dnn__thread_block *block)
{
    dnn__scope *added = block->first[DNN__FIRST_SCOPES - 1].inner;

    while (added != NULL) {
        dnn__scope *inner = added->inner;

        free(added);
        added = inner;
    }
}

/* Returns the record inside `outer`; NULL if there is no memory. A record is used again. */
static dnn__scope *record_in(dnn__scope *outer)
{
    if (outer->inner == NULL) {
        outer->inner = calloc(1, sizeof *outer->inner);
        if (outer->inner != NULL) {
            outer->inner->outer = outer;
        }
    }
    return outer->inner;
}

/* ---- opening and closing ---- */

static void release_all(dnn__scope *scope)
{
    const char *outer = dnn__self.closing;

    dnn__self.closing = scope->where != NULL ? scope->where : "opened by hand";
    while (scope->first != NULL) {
        dnn_object *o = scope->first;

        dnn__object_unscope(o);
        dnn_release(o);
    }
    dnn__self.closing = outer;
}

static void close_innermost(void)
{
    dnn__scope *scope = dnn__self.scope;

    release_all(scope);
    dnn__drawings_end(dnn__self.block, scope->serial);
    scope->serial = 0;
    dnn__self.no_grad = scope->no_grad;
    dnn__self.scope = scope->outer;
}

dnn_scope dnn_scope_begin(const char *where)
{
    dnn__thread_block *block = dnn__thread_own();
    dnn__scope *scope = block != NULL ? record_in(dnn__self.scope) : NULL;

    if (scope == NULL) {
        dnn__null(dnn__nomem("scope", sizeof *scope));
        return (dnn_scope){0};
    }
    scope->where = where;
    scope->serial = ++block->serial;
    scope->no_grad = dnn__self.no_grad;
    dnn__self.scope = scope;
    return (dnn_scope){scope->serial};
}

void dnn_scope_end(dnn_scope *scope)
{
    dnn__scope *s = dnn__self.scope;

    if (scope == NULL || scope->dnn_serial == 0) {
        return;
    }
    while (s != NULL && s->serial != scope->dnn_serial) {
        s = s->outer;
    }
    if (s == NULL) {
        return; /* it is not open in this thread */
    }
    while (dnn__self.scope != s->outer) {
        close_innermost();
    }
}

void dnn__close_root(void)
{
    if (dnn__self.scope == NULL) {
        return;
    }
    while (dnn__self.scope->outer != NULL) {
        close_innermost();
    }
    release_all(dnn__self.scope);
    dnn__drawings_end(dnn__self.block, 0);
    dnn__self.no_grad = false;
}

/* ---- recording ---- */

static dnn_grad_mode set_no_grad(bool no_grad)
{
    dnn_grad_mode mode = {dnn__self.no_grad};

    dnn__self.no_grad = no_grad;
    return mode;
}

dnn_grad_mode dnn_no_grad_begin(void)
{
    return set_no_grad(true);
}

dnn_grad_mode dnn_enable_grad_begin(void)
{
    return set_no_grad(false);
}

void dnn_grad_mode_end(dnn_grad_mode *mode)
{
    if (mode != NULL) {
        dnn__self.no_grad = mode->dnn_before != 0;
    }
}
