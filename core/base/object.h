/* object.h - counted objects that scopes own: what every kind of object does the same way. Private;
 * programs see dnn/object.h. */
#ifndef DNN__OBJECT_H
#define DNN__OBJECT_H
#include "freed.h"

typedef struct dnn__kind {
    const char *name; /* "tensor": for messages */
    /* Frees an object without references: all that it owns, then itself with dnn__object_free. */
    void (*destroy)(dnn_object *object);
} dnn__kind;

/* Returns `bytes` bytes, not zeroed but for the head, which the innermost scope owns with one
 * reference. NULL and a pending error, which `what` begins, if there is no memory. */
void *dnn__object_new(const dnn__kind *kind, size_t bytes, const char *what);
/* The same, zeroed. */
void *dnn__object_zeroed(const dnn__kind *kind, size_t bytes, const char *what);
/* Return memory that the innermost scope owns: a text of `bytes` bytes with the final 0, and an
 * array of n pointers. Not zeroed. NULL and a pending error if there is no memory. */
char *dnn__scope_text(size_t bytes);
void *dnn__scope_array(int64_t n);
/* Moves such an array to the scope around the innermost one, and returns it. dnn_keep takes objects
 * alone: an array has its head before it. */
void *dnn__keep_array(void *array);
/* Returns DNN_E_INVALID, with a message, if the array `item`, which may be one of dnn__scope_array,
 * or one of the n objects in it was freed: "argument[2]". */
dnn_status dnn__check_list(const char *function, const char *argument, const void *item, int64_t n);
static inline dnn_status dnn__check_alive_list(const char *function, const char *argument,
                                               const void *item, int64_t n)
{
    return DNN__LIKELY(!dnn__check_handles) ? DNN_OK : dnn__check_list(function, argument, item, n);
}
/* Frees the memory of an object that dnn__object_new has made. */
void dnn__object_free(void *object, size_t bytes);
/* Removes an object from its scope, if it is in one. The caller then owns the scope's reference. */
void dnn__object_unscope(dnn_object *object);
/* Gives the caller's reference to the innermost scope. The thread has a block. */
void dnn__object_adopt(dnn_object *object);

#endif
