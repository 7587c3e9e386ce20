/* loader_object.c - initializes and frees the loader object. loader.c calls it, and the last worker
 * of an abandoned loader. */
#include <time.h>
#include "loader_object.h"

void dnn__loader_init(dnn_loader *l)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void dnn__loader_destroy(dnn_loader *l)
{
    for (int64_t i = 0; i < l->n_slots && l->slot != NULL; i++) {
        dnn__list_release(&l->slot[i].fields);
        dnn__list_free(&l->slot[i].fields);
    }
    dnn__list_release(&l->given);
    dnn__list_free(&l->given);
    dnn__cursor_free(&l->cursor);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->done);
    pthread_mutex_destroy(&l->lock);
    dnn_release(l->set);
    dnn_release(l->sampler);
    dnn__free(l->slot);
    dnn__free(l->worker);
    dnn__free(l->order);
    dnn__free(l->index);
    dnn__object_free(l, sizeof *l);
}
