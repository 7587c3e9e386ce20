/* thread.c - makes the block of a thread. thread_end.c frees it. */
#include <pthread.h>
#include <stdlib.h>
#include "thread.h"

dnn__thread_block dnn__no_block;
DNN__THREAD_LOCAL dnn__thread dnn__self = {.block = &dnn__no_block};
void (*dnn__thread_ends)(void *block);

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static int key_error;

static void make_key(void)
{
    key_error = pthread_key_create(&key, dnn__thread_ends);
}

/* Links the records of the scopes, and those of the generators. */
static void link_records(dnn__thread_block *block)
{
    dnn__scope *outer = &block->root;

    outer->where = "the root scope of its thread";
    for (int i = 0; i < DNN__FIRST_SCOPES; i++) {
        outer->inner = &block->first[i];
        block->first[i].outer = outer;
        outer = &block->first[i];
    }
    for (int i = 1; i < DNN__FIRST_DRAWINGS; i++) {
        block->first_drawing[i - 1].inner = &block->first_drawing[i];
    }
}

dnn__thread_block *dnn__thread_make(void)
{
    dnn__thread_block *block;

    pthread_once(&key_once, make_key);
    block = key_error == 0 ? calloc(1, sizeof *block) : NULL;
    if (block == NULL || pthread_setspecific(key, block) != 0) {
        free(block);
        return NULL;
    }
    link_records(block);
    dnn__self.block = block;
    dnn__self.scope = &block->root;
    return block;
}
