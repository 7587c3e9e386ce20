/* worker_pool.c - the worker threads of a loader: they read batches ahead into slots, and the
 * program's thread fetches the batches from the slots in order. A worker that does not return from
 * the data set never blocks the program for longer than the loader's timeout. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include "collate.h"
#include "loader_object.h"
#include "order.h"
#include "worker_pool.h"

/* ---- one batch ---- */

struct destination {
    const dnn_loader *loader;
    dnn__list *fields;
};

static dnn_status take_fields(void *ctx, const dnn__request *request, dnn__samples *samples)
{
    struct destination *to = ctx;

    return dnn__collate(to->loader->collate, to->loader->collate_ctx, request, samples, to->fields);
}

/* Sets the samples of the request; n is 0 at the end of a set without a length. */
static dnn_status read_cursor(dnn_loader *l, int64_t batch, dnn__request *request)
{
    dnn__cursor *c = &l->cursor;

    DNN_TRY(
        dnn__cursor_read(c, request->seed, request->epoch, batch * l->batch_size, l->batch_size));
    request->index = c->index;
    request->read = c->sample;
    request->n = l->drop_last && c->n < l->batch_size ? 0 : c->n;
    return DNN_OK;
}

dnn_status dnn__batch_read(dnn_loader *l, dnn__place place, int64_t *list, dnn__list *fields,
                           int64_t *size)
{
    dnn__request request = {.seed = place.seed, .epoch = place.epoch};
    struct destination to = {l, fields};

    *size = 0;
    if (l->set->size < 0) {
        DNN_TRY(read_cursor(l, place.batch, &request));
    } else {
        request.index = dnn__order_indices(l, place.batch, list);
        request.n = dnn__order_size(l, place.batch);
    }
    request.id = request.index;
    if (request.n > 0) {
        DNN_TRY(dnn__dataset_read(l->set, &request, take_fields, &to));
    }
    *size = request.n;
    return DNN_OK;
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
                     "%s: batch %s%s%s did not arrive within %s s; the data set %s is stuck",
                     function, dnn__number_text(l->next_to_return), l->samples < 0 ? "" : " of ",
                     l->samples < 0 ? "" : dnn__number_text(l->batches),
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
    const dnn__place place = {l->seed, l->epoch, claim_batch(l)};
    struct dnn__slot *slot = &l->slot[place.batch % l->n_slots];
    dnn_status status;

    slot->state = DNN__SLOT_READING;
    l->busy++;
    pthread_mutex_unlock(&l->lock);
    status = dnn__batch_read(l, place, list, &slot->fields, &slot->size);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    slot->status = status;
    if (status != DNN_OK) {
        slot->message = dnn__message_save();
    } else if (slot->size == 0) {
        l->batches = place.batch; /* of a set without a length: the epoch ends */
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
        w->index = l->index != NULL ? l->index + l->n_workers * l->batch_size : NULL;
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
        dnn__list_release(&l->slot[i].fields);
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

static void swap(dnn__list *a, dnn__list *b)
{
    dnn__list other = *a;

    *a = *b;
    *b = other;
}

dnn_status dnn__workers_fetch(dnn_loader *l, dnn__list *fields, int64_t *size, bool *answered)
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
        swap(fields, &slot->fields);
        *size = slot->size;
        slot->state = DNN__SLOT_EMPTY;
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}
