/* scope.h - the objects that scopes own: an intrusive list, so that a scope can own any kind of
 * object. Private. */
#ifndef DNN__SCOPE_H
#define DNN__SCOPE_H
#include "base.h"
#include "dnn/autograd.h"

/* Every object that a scope can own has this member. scope is NULL while no scope owns the object.
 */
typedef struct dnn__owned {
    struct dnn__owned *prev, *next;
    dnn_scope *scope;
    void (*release)(struct dnn__owned *owned); /* drops the scope's reference */
} dnn__owned;

/* Arranges that thread exit closes the root scope. Call it before the first dnn__scope_add. */
dnn_status dnn__thread_register(void);
/* Adds o to the innermost scope, which takes over the caller's reference. */
void dnn__scope_add(dnn__owned *o);
/* Removes o from its scope, if it is in one. The caller then owns the reference. */
void dnn__scope_remove(dnn__owned *o);
/* Moves o from the innermost scope to the enclosing one. Does nothing if o is not in the innermost
 * scope. */
void dnn__scope_keep(dnn__owned *o);
/* Releases all objects of this thread's root scope. */
void dnn__close_root(void);

#endif
