/* worker_pool.c - the worker threads of a loader: they read batches ahead into slots, and the
 * program's thread fetches the batches from the slots in order. A worker that does not return from
 * the data set never blocks the program for longer than the loader's timeout. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include "loader_object.h"
#include "sampler.h"
#include "worker_pool.h"

/* ---- one batch ---- */

dnn_status dnn__batch_read(const dnn_loader *l, int64_t batch, int64_t *list, dnn_tensor **field)
{
    dnn_status st = DNN_OK;

    memset(field, 0, sizeof *field * DNN_FIELD_MAX);
    {
        DNN_SCOPE();
        dnn_tensor *made[DNN_FIELD_MAX] = {NULL};

        st = dnn_dataset_get(l->set, dnn__sampler_indices(l, batch, list),
                             dnn__sampler_size(l, batch), made);
        for (int i = 0; i < l->set->n_fields && st == DNN_OK; i++) {
            field[i] = dnn_retain(made[i]);
        }
    }
    return st;
}

/* ---- timeouts ---- */

/* Returns the time on the monotonic clock that is `seconds` from now. */
static struct timespec in_seconds(double seconds)
{
    struct timespec t;
    double whole = floor(seconds);

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)whole;
    t.tv_nsec += (long)((seconds - whole) * 1e9);
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

/* Waits for the next signal of a worker. Returns false after the limit. The caller holds the
 * lock. */
static bool wait_until(dnn_loader *l, const struct timespec *limit)
{
    return pthread_cond_timedwait(&l->done, &l->lock, limit) != ETIMEDOUT;
}

static dnn_status timed_out(const dnn_loader *l, const char *function)
{
    return dnn__fail(DNN_E_IO,
                     "%s: batch %s of %s did not arrive within %s s; the data set %s is stuck",
                     function, dnn__number_text(l->next_to_return), dnn__number_text(l->batches),
                     dnn__float_text(l->timeout), dnn__dataset_called(l->set));
}

/* ---- workers: the caller holds the lock; only the read of a batch runs without it ---- */

static bool may_claim(const dnn_loader *l)
{
    return l->retry ||
           (l->next_to_read < l->batches && l->next_to_read - l->next_to_return < l->n_slots);
}

static int64_t claim_batch(dnn_loader *l)
{
    if (l->retry) {
        l->retry = false;
        return l->next_to_return;
    }
    return l->next_to_read++;
}

/* Reads the next batch into its slot. */
static void read_ahead(dnn_loader *l, int64_t *list)
{
    int64_t batch = claim_batch(l);
    struct dnn__slot *slot = &l->slot[batch % l->n_slots];
    dnn_tensor *field[DNN_FIELD_MAX];
    dnn_status status;

    slot->state = DNN__SLOT_READING;
    l->busy++;
    pthread_mutex_unlock(&l->lock);
    status = dnn__batch_read(l, batch, list, field);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    memcpy(slot->field, field, sizeof field);
    slot->status = status;
    if (status != DNN_OK) {
        slot->message = dnn__message_save();
    }
    slot->state = DNN__SLOT_READY;
    pthread_cond_broadcast(&l->done);
}

static void *worker_main(void *arg)
{
    struct dnn__worker *w = arg;
    dnn_loader *l = w->loader;
    bool last;

    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        if (may_claim(l)) {
            read_ahead(l, w->index);
        } else {
            pthread_cond_wait(&l->work, &l->lock);
        }
    }
    last = --l->alive == 0 && l->abandoned;
    pthread_cond_broadcast(&l->done);
    pthread_mutex_unlock(&l->lock);
    if (last) {
        dnn__loader_destroy(l);
    }
    return NULL;
}

/* Workers block all signals, so that signal handlers run in the program's threads only. */
dnn_status dnn__workers_start(dnn_loader *l, int n)
{
    sigset_t all, before;
    int error = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&l->lock);
    while (l->n_workers < n && error == 0) {
        struct dnn__worker *w = &l->worker[l->n_workers];

        w->loader = l;
        w->index = l->order == NULL ? l->index + l->n_workers * l->batch_size : NULL;
        error = pthread_create(&w->thread, NULL, worker_main, w);
        if (error == 0) {
            (void)pthread_setname_np(w->thread, "dnn-loader");
            l->n_workers++;
            l->alive++;
        }
    }
    pthread_mutex_unlock(&l->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        return dnn__fail(DNN_E_NOMEM, "dnn_loader: could create only %d of %d worker threads: %s",
                         l->n_workers, n, strerror(error));
    }
    return DNN_OK;
}

bool dnn__workers_stop(dnn_loader *l)
{
    struct timespec limit = in_seconds(l->timeout);
    bool in_time = true;

    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    while (l->alive > 0 && in_time) {
        in_time = wait_until(l, &limit);
    }
    in_time = l->alive == 0;
    l->abandoned = !in_time;
    for (int i = 0; i < l->n_workers && !in_time; i++) {
        pthread_detach(l->worker[i].thread);
    }
    pthread_mutex_unlock(&l->lock); /* the last worker may now free an abandoned loader */
    for (int i = 0; in_time && i < l->n_workers; i++) {
        pthread_join(l->worker[i].thread, NULL);
    }
    return in_time;
}

/* ---- calls of the program's thread ---- */

dnn_status dnn__workers_pause(dnn_loader *l, const char *function)
{
    struct timespec limit = in_seconds(l->timeout);

    l->next_to_read = l->batches;
    l->retry = false;
    while (l->busy > 0) {
        if (!wait_until(l, &limit) && l->busy > 0) {
            return timed_out(l, function);
        }
    }
    for (int64_t i = 0; i < l->n_slots; i++) {
        dnn__fields_release(l->slot[i].field);
        l->slot[i].state = DNN__SLOT_EMPTY;
    }
    return DNN_OK;
}

void dnn__workers_resume(dnn_loader *l)
{
    if (!l->pending) {
        l->next_to_read = l->next_to_return;
        pthread_cond_broadcast(&l->work);
    }
}

dnn_status dnn__workers_fetch(dnn_loader *l, dnn_tensor **field, bool *answered)
{
    struct timespec limit = in_seconds(l->timeout);
    struct dnn__slot *slot = &l->slot[l->next_to_return % l->n_slots];
    dnn_status st;

    pthread_mutex_lock(&l->lock);
    while (slot->state != DNN__SLOT_READY &&
           (wait_until(l, &limit) || slot->state == DNN__SLOT_READY)) {
    }
    *answered = slot->state == DNN__SLOT_READY;
    st = *answered ? slot->status : timed_out(l, "dnn_loader_next");
    if (*answered) {
        if (st != DNN_OK) {
            dnn__message_restore(&slot->message);
        }
        memcpy(field, slot->field, sizeof slot->field);
        memset(slot->field, 0, sizeof slot->field);
        slot->state = DNN__SLOT_EMPTY;
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}
