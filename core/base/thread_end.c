/* thread_end.c - the end of a thread and of the process: closes scopes, frees the block of the
 * thread, and says which error nobody took. */
#include <stdlib.h>
#include "base.h"

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
    dnn__drawings_free(block);
    free(block);
}

/* Not static: a program that links the archive names it, so that the linker takes this file. */
__attribute__((constructor)) void dnn__process_begins(void);
void dnn__process_begins(void)
{
    dnn__thread_ends = thread_ends;
}

/* A program that ends without dnn_shutdown: the thread that calls exit is told. Destructors of the
 * program may have run, so its log callback is not called. */
__attribute__((destructor)) static void process_ends(void)
{
    if (!atomic_load(&dnn__forked)) {
        dnn_set_log(NULL, NULL);
        dnn__tell_untaken();
    }
}
