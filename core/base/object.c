/* object.c - counted objects: makes them, counts their references and frees them. */
#include <string.h>
#include "object.h"
#include "scope.h"

static _Atomic int64_t live_objects;

int64_t dnn_live_objects(void)
{
    return atomic_load(&live_objects);
}

void *dnn__object_new(const dnn__kind *kind, size_t bytes, const char *what)
{
    dnn_object *object = NULL;
    dnn_status status = dnn__thread_register();

    if (status == DNN_OK) {
        object = dnn__slab_alloc(bytes);
        status = object == NULL ? dnn__nomem(what, bytes) : DNN_OK;
    }
    if (status != DNN_OK) {
        return dnn__null(status);
    }
    if (DNN__UNLIKELY(dnn__check_handles)) {
        dnn__freed_forget(object);
    }
    object->dnn_kind = kind;
    object->dnn_refs = 1;
    dnn__scope_add(object);
    atomic_fetch_add_explicit(&live_objects, 1, memory_order_relaxed);
    return object;
}

void *dnn__object_zeroed(const dnn__kind *kind, size_t bytes, const char *what)
{
    char *object = dnn__object_new(kind, bytes, what);

    if (object != NULL) {
        memset(object + sizeof(dnn_object), 0, bytes - sizeof(dnn_object));
    }
    return object;
}

/* ---- plain memory ---- */

struct block {
    dnn_object object;
    size_t bytes;
    _Alignas(16) char data[];
};

static void destroy_block(dnn_object *object)
{
    dnn__object_free(object, ((struct block *)(void *)object)->bytes);
}

static void *new_block(const dnn__kind *kind, size_t bytes)
{
    struct block *block = NULL;
    size_t whole;

    if (dnn__size_add(bytes, sizeof *block, &whole)) {
        block = dnn__object_new(kind, whole, kind->name);
    } else {
        dnn__null(dnn__nomem(kind->name, bytes));
    }
    if (block == NULL) {
        return NULL;
    }
    block->bytes = whole;
    return block->data;
}

char *dnn__scope_text(size_t bytes)
{
    static const dnn__kind kind = {.name = "text", .destroy = destroy_block};

    return new_block(&kind, bytes);
}

void *dnn__scope_array(int64_t n)
{
    static const dnn__kind kind = {.name = "list", .destroy = destroy_block};
    size_t bytes;

    return dnn__size_mul((size_t)n, sizeof(void *), &bytes)
               ? new_block(&kind, bytes)
               : dnn__null(dnn__nomem(kind.name, SIZE_MAX));
}

void dnn__object_free(void *object, size_t bytes)
{
    atomic_fetch_sub_explicit(&live_objects, 1, memory_order_relaxed);
    if (DNN__UNLIKELY(dnn__check_handles)) {
        dnn__freed_add(object, bytes);
    } else {
        dnn__slab_free(object, bytes);
    }
}

void dnn__object_unscope(dnn_object *object)
{
    dnn__scope_remove(object);
}

void dnn__object_adopt(dnn_object *object)
{
    dnn__scope_add(object);
}

dnn_object *(dnn_retain)(dnn_object *object)
{
    if (object == NULL || !dnn__alive("dnn_retain", "x", object)) {
        return object;
    }
    __atomic_fetch_add(&object->dnn_refs, 1, __ATOMIC_RELAXED);
    return object;
}

void(dnn_release)(dnn_object *object)
{
    if (object == NULL || !dnn__alive("dnn_release", "x", object)) {
        return;
    }
    if (__atomic_fetch_sub(&object->dnn_refs, 1, __ATOMIC_ACQ_REL) == 1) {
        dnn__scope_remove(object); /* released before its scope ended */
        object->dnn_kind->destroy(object);
    }
}

dnn_object *(dnn_keep)(dnn_object *object)
{
    if (object != NULL && dnn__alive("dnn_keep", "x", object)) {
        dnn__scope_keep(object);
    }
    return object;
}
