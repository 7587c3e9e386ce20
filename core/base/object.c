/* object.c - counted objects: makes them, counts their references and frees them. */
#include <string.h>
#include "object.h"

/* ---- the list of objects of a scope ---- */

static void link_to(dnn__scope *scope, dnn_object *o)
{
    o->dnn_scope = scope;
    o->dnn_prev = NULL;
    o->dnn_next = scope->first;
    if (o->dnn_next != NULL) {
        o->dnn_next->dnn_prev = o;
    }
    scope->first = o;
}

void dnn__object_adopt(dnn_object *o)
{
    link_to(dnn__self.scope, o);
}

void dnn__object_unscope(dnn_object *o)
{
    if (o->dnn_scope == NULL) {
        return;
    }
    if (o->dnn_prev != NULL) {
        o->dnn_prev->dnn_next = o->dnn_next;
    } else {
        o->dnn_scope->first = o->dnn_next;
    }
    if (o->dnn_next != NULL) {
        o->dnn_next->dnn_prev = o->dnn_prev;
    }
    o->dnn_scope = NULL;
}

/* ---- making and freeing ---- */

int64_t dnn_live_objects(void)
{
    return dnn__count_sum(DNN__COUNT_OBJECTS);
}

void *dnn__object_new(const dnn__kind *kind, size_t bytes, const char *what)
{
    dnn_object *object = dnn__thread_own() != NULL ? dnn__slab_alloc(bytes) : NULL;

    if (object == NULL) {
        return dnn__null(dnn__nomem(what, bytes));
    }
    if (DNN__UNLIKELY(dnn__check_handles)) {
        dnn__freed_forget(object);
    }
    object->dnn_kind = kind;
    object->dnn_refs = 1;
    dnn__object_adopt(object);
    dnn__count_here(DNN__COUNT_OBJECTS, 1);
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

static dnn_object *head_of(const void *data)
{
    return (dnn_object *)((uintptr_t)data - offsetof(struct block, data));
}

/* An array of the program has no head: the look-up finds nothing and reads no memory. */
dnn_status dnn__check_list(const char *function, const char *argument, const void *item, int64_t n)
{
    const void *const *object = item;
    char name[64];

    if (item == NULL) {
        return DNN_OK;
    }
    DNN_TRY(dnn__freed_fail(function, argument, head_of(item)));
    for (int64_t i = 0; i < n; i++) {
        dnn__text text = dnn__text_to(name, sizeof name);

        dnn__put(&text, "%s[%lld]", argument, (long long)i);
        DNN_TRY(dnn__freed_fail(function, name, object[i]));
    }
    return DNN_OK;
}

void dnn__object_free(void *object, size_t bytes)
{
    dnn__count_here(DNN__COUNT_OBJECTS, -1);
    if (DNN__UNLIKELY(dnn__check_handles)) {
        dnn__freed_add(object, bytes, ((dnn_object *)object)->dnn_kind->name);
    } else {
        dnn__slab_free(object, bytes);
    }
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
        dnn__object_unscope(object); /* released before its scope ended */
        object->dnn_kind->destroy(object);
    }
}

/* Moves an object out of the innermost scope, if it is there and that is not the root. */
static void keep(dnn_object *o)
{
    dnn__scope *scope = dnn__self.scope;

    if (o->dnn_scope != NULL && o->dnn_scope == scope && scope->outer != NULL) {
        dnn__object_unscope(o);
        link_to(scope->outer, o);
    }
}

dnn_object *(dnn_keep)(dnn_object *object)
{
    if (object != NULL && dnn__alive("dnn_keep", "x", object)) {
        keep(object);
    }
    return object;
}

void *dnn__keep_array(void *array)
{
    if (array != NULL) {
        keep(head_of(array));
    }
    return array;
}
