/* thread.c - makes and frees the block of a thread, and says at the end of a thread and of the
 * process which error nobody took. */
#include <pthread.h>
#include <stdlib.h>
#include "base.h"

dnn__thread_block dnn__no_block;
DNN__THREAD_LOCAL dnn__thread dnn__self = {.block = &dnn__no_block};

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static int key_error;

/* Other destructors of the thread may run later and use the library again. The thread then makes
 * another block, and pthreads calls this function again. */
static void thread_ends(void *block_)
{
    dnn__thread_block *block = block_;

    dnn__close_root();
    dnn__tell_untaken();
    dnn__self.scope = NULL;
    dnn__self.block = &dnn__no_block;
    dnn__slab_thread_ends(&block->slab);
    dnn__scopes_free(block);
    free(block);
}

static void make_key(void)
{
    key_error = pthread_key_create(&key, thread_ends);
}

dnn__thread_block *dnn__thread_own(void)
{
    dnn__thread_block *block;

    if (DNN__LIKELY(dnn__self.scope != NULL)) {
        return dnn__self.block;
    }
    pthread_once(&key_once, make_key);
    block = key_error == 0 ? calloc(1, sizeof *block) : NULL;
    if (block == NULL || pthread_setspecific(key, block) != 0) {
        free(block);
        return NULL;
    }
    dnn__scopes_init(block);
    dnn__self.block = block;
    dnn__self.scope = &block->root;
    return block;
}

dnn_status dnn__thread_register(void)
{
    return dnn__thread_own() != NULL
               ? DNN_OK
               : dnn__fail(DNN_E_NOMEM, "this thread cannot be registered: out of memory");
}

/* A program that ends without dnn_shutdown: the thread that calls exit is told. The other
 * destructors of a process may have run, so the program's log callback is not called. */
__attribute__((destructor)) static void process_ends(void)
{
    if (!atomic_load(&dnn__forked)) {
        dnn_set_log(NULL, NULL);
        dnn__tell_untaken();
    }
}
