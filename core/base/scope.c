/* scope.c - the scopes of a thread: lists of objects that are released when a scope ends. A scope
 * knows only how to release an object. DNN_NO_GRAD is a scope too and restores its depth here.
 * Nothing allocates or locks. */
#include <pthread.h>
#include "scope.h"

bool dnn_grad_enabled(void)
{
    return dnn__self.no_grad == 0;
}

static pthread_key_t thread_key;
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;
static int thread_key_error;

/* Closes the root scope of a thread that exits. Other thread-exit destructors may have run, so this
 * touches only memory. */
static void thread_ends(void *unused)
{
    (void)unused;
    dnn__close_root();
}

static void make_thread_key(void)
{
    thread_key_error = pthread_key_create(&thread_key, thread_ends);
}

dnn_status dnn__thread_register(void)
{
    if (DNN__LIKELY(dnn__self.registered)) {
        return DNN_OK;
    }
    pthread_once(&thread_key_once, make_thread_key);
    if (thread_key_error != 0 || pthread_setspecific(thread_key, &dnn__self) != 0) {
        return dnn__fail(DNN_E_NOMEM, "this thread cannot be registered: out of thread keys");
    }
    dnn__self.registered = true;
    return DNN_OK;
}

static dnn_scope *innermost(void)
{
    if (DNN__UNLIKELY(dnn__self.scope == NULL)) {
        dnn__self.scope = &dnn__self.root;
    }
    return dnn__self.scope;
}

static void open_scope(dnn_scope *scope, int no_grad)
{
    scope->dnn_parent = innermost();
    scope->dnn_first = NULL;
    scope->dnn_flags = no_grad;
    dnn__self.scope = scope;
    dnn__self.no_grad += no_grad;
}

void dnn_scope_begin(dnn_scope *scope)
{
    if (scope != NULL) {
        open_scope(scope, 0);
    }
}

void dnn_no_grad_begin(dnn_scope *scope)
{
    if (scope != NULL) {
        open_scope(scope, 1);
    }
}

void dnn_enable_grad_begin(dnn_scope *scope)
{
    if (scope != NULL) {
        open_scope(scope, -dnn__self.no_grad); /* closing it subtracts the depth again */
    }
}

static void unlink_owned(dnn__owned *o)
{
    if (o->prev != NULL) {
        o->prev->next = o->next;
    } else {
        o->scope->dnn_first = o->next;
    }
    if (o->next != NULL) {
        o->next->prev = o->prev;
    }
    o->scope = NULL;
    o->prev = o->next = NULL;
}

static void release_all(dnn_scope *scope)
{
    while (scope->dnn_first != NULL) {
        dnn__owned *o = scope->dnn_first;

        unlink_owned(o);
        o->release(o);
    }
}

static void close_innermost(void)
{
    dnn_scope *scope = dnn__self.scope;

    release_all(scope);
    dnn__self.no_grad -= scope->dnn_flags;
    dnn__self.scope = scope->dnn_parent;
}

void dnn_scope_end(dnn_scope *scope)
{
    dnn_scope *s = innermost();

    while (s != scope && s != &dnn__self.root) {
        s = s->dnn_parent;
    }
    if (s != scope || scope == &dnn__self.root) {
        return; /* scope is not an open scope of this thread */
    }
    do {
        s = dnn__self.scope;
        close_innermost();
    } while (s != scope);
}

void dnn__close_root(void)
{
    while (innermost() != &dnn__self.root) {
        close_innermost();
    }
    release_all(&dnn__self.root);
}

static void link_owned(dnn_scope *scope, dnn__owned *o)
{
    o->scope = scope;
    o->prev = NULL;
    o->next = scope->dnn_first;
    if (o->next != NULL) {
        o->next->prev = o;
    }
    scope->dnn_first = o;
}

void dnn__scope_add(dnn__owned *o)
{
    link_owned(innermost(), o);
}

void dnn__scope_remove(dnn__owned *o)
{
    if (o->scope != NULL) {
        unlink_owned(o);
    }
}

void dnn__scope_keep(dnn__owned *o)
{
    dnn_scope *scope = innermost();

    if (o->scope == scope && scope->dnn_parent != NULL) {
        unlink_owned(o);
        link_owned(scope->dnn_parent, o);
    }
}
