/* freed.h - checked handles: the addresses of objects that were freed. Private. */
#ifndef DNN__FREED_H
#define DNN__FREED_H
#include "base.h"

extern bool dnn__check_handles;
/* Reads DNN_CHECK_HANDLES; dnn_init and the first object call it. */
void dnn__check_handles_start(void);
/* Remembers that an object of that kind was freed, and keeps its memory from being reused for a
 * while. */
void dnn__freed_add(const void *object, size_t bytes, const char *kind);
/* Forgets the address: it is an object again. */
void dnn__freed_forget(const void *object);
/* Frees the memory that is kept. The addresses are still known. */
void dnn__freed_release(void);
/* Returns DNN_E_INVALID, with a message and without a pending error, if `object` is the address of
 * a freed object. NULL is none. */
dnn_status dnn__freed_fail(const char *function, const char *argument, const void *object);
static inline dnn_status dnn__check_alive(const char *function, const char *argument,
                                          const void *object)
{
    return DNN__LIKELY(!dnn__check_handles) ? DNN_OK : dnn__freed_fail(function, argument, object);
}
/* Returns false, with an error pending, if `object` is the address of a freed object. */
static inline bool dnn__alive(const char *function, const char *argument, const void *object)
{
    return DNN__LIKELY(!dnn__check_handles) || dnn__ok(dnn__freed_fail(function, argument, object));
}
/* For queries, which have a value for NULL: true if the object can be used. */
#define dnn__usable(object) ((object) != NULL && dnn__alive(__func__, #object, (object)))

#endif
