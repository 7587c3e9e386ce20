/* scope.h - the lists of objects that scopes own. Private to core/base. */
#ifndef DNN__SCOPE_H
#define DNN__SCOPE_H
#include "base.h"

/* Adds an object to the innermost scope of the thread, which has a block. */
void dnn__scope_add(dnn_object *object);
/* Removes an object from its scope, if it is in one. */
void dnn__scope_remove(dnn_object *object);
/* Moves an object from the innermost scope to the one around it. Does nothing if the object is not
 * in the innermost scope, or if that is the root. */
void dnn__scope_keep(dnn_object *object);
/* The place of the scope that is closing in this thread, for messages; NULL: none is. */
const char *dnn__closing_scope(void);

#endif
