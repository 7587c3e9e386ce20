/* scope.h - what scopes own: an intrusive list, so that any kind of object can be owned. Private.
 */
#ifndef DNN__SCOPE_H
#define DNN__SCOPE_H
#include "base.h"
#include "dnn/autograd.h"

/* A member of every object that a scope can own. scope is NULL while no scope owns the object. */
typedef struct dnn__owned {
    struct dnn__owned *prev, *next;
    dnn_scope *scope;
    void (*release)(struct dnn__owned *owned); /* drops the scope's reference */
} dnn__owned;

/* Registers the end of the thread, which closes its root scope. Call it before the first
 * dnn__scope_add. */
dnn_status dnn__thread_register(void);
/* Puts o into the innermost scope, which takes over the caller's reference. */
void dnn__scope_add(dnn__owned *o);
/* Takes o out of its scope, if it is in one; the reference is the caller's then. */
void dnn__scope_remove(dnn__owned *o);
/* Moves o from the innermost scope to the enclosing one; does nothing if it is not in the
 * innermost. */
void dnn__scope_keep(dnn__owned *o);
/* Releases all that the root scope of this thread owns. */
void dnn__close_root(void);

#endif
