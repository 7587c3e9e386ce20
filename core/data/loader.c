/* loader.c - batches of a data set: order, worker threads that prepare ahead, hand-over in order.
 * Batch b is made of the same samples by the same operators whoever prepares it, so the number of
 * workers changes nothing but time. Every wait has a limit. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include "data.h"

enum state {
    EMPTY,
    TAKEN,
    READY
}; /* of a slot: nobody's; a worker prepares it; to be handed over */

struct slot {
    enum state state;
    dnn_status status;
    dnn_tensor *field[DNN_FIELD_MAX]; /* references of the slot's */
    int64_t size;
    char text[sizeof dnn__self.text]; /* of a failure */
};

struct dnn_loader {
    dnn_dataset *set;
    int64_t batch_size, samples, batches; /* samples of an epoch that are used */
    bool shuffle;
    uint64_t seed;
    double timeout;
    dnn__device *device;
    int64_t *order;                   /* of the epoch; NULL: as they lie */
    int64_t epoch, next_out, next_in; /* next batch to hand over, and to be taken by a worker */
    dnn_tensor *given[DNN_FIELD_MAX]; /* what the program has of the last batch */

    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t *worker;
    int n_workers, n_slots, busy; /* busy: workers that prepare a batch right now */
    struct slot *slot;
    bool stop;
};

/* ---- one batch ---- */

static int64_t size_of(const dnn_loader *l, int64_t batch)
{
    int64_t left = l->samples - batch * l->batch_size;

    return left < l->batch_size ? left : l->batch_size;
}

/* Without an order the indices are counted out, some at a time. */
static dnn_status get_in_order(const dnn_loader *l, int64_t first, int64_t n, dnn_tensor **field)
{
    int64_t few[1024] = {0}, *index = n <= 1024 ? few : dnn__calloc((size_t)n, sizeof *index);
    dnn_status st;

    if (index == NULL) {
        return dnn__nomem("loader", (size_t)n * sizeof *index);
    }
    for (int64_t i = 0; i < n; i++) {
        index[i] = first + i;
    }
    st = dnn_dataset_get(l->set, index, n, field);
    if (index != few) {
        dnn__free(index);
    }
    return st;
}

static dnn_status prepare(const dnn_loader *l, int64_t batch, dnn_tensor **field)
{
    int64_t first = batch * l->batch_size, n = size_of(l, batch);
    dnn_status st = DNN_OK;

    memset(field, 0, sizeof(dnn_tensor *) * DNN_FIELD_MAX);
    DNN_NO_GRAD
    {
        dnn_tensor *made[DNN_FIELD_MAX] = {NULL};

        st = l->order != NULL ? dnn_dataset_get(l->set, l->order + first, n, made)
                              : get_in_order(l, first, n, made);
        for (int i = 0; i < l->set->n_fields && st == DNN_OK; i++) {
            field[i] = dnn_retain(made[i]);
        }
    }
    return st;
}

static void drop_fields(dnn_tensor **field)
{
    for (int i = 0; i < DNN_FIELD_MAX; i++) {
        dnn_release(field[i]);
        field[i] = NULL;
    }
}

/* ---- order ---- */

/* Epoch e draws from counter e * 2^40 of the loader's stream, so that no two epochs meet. */
static dnn_status begin_epoch(dnn_loader *l, int64_t epoch)
{
    l->epoch = epoch;
    l->next_out = l->next_in = 0;
    if (!l->shuffle) {
        return DNN_OK;
    }
    return dnn__permutation(l->seed, DNN__STREAM_LOADER, (uint64_t)epoch << 40, l->set->size,
                            l->order);
}

/* ---- workers ---- */

static bool may_take(const dnn_loader *l)
{
    return l->next_in < l->batches && l->next_in - l->next_out < l->n_slots &&
           l->slot[l->next_in % l->n_slots].state == EMPTY;
}

static void work_on(dnn_loader *l)
{
    int64_t batch = l->next_in++;
    struct slot *slot = &l->slot[batch % l->n_slots];
    dnn_tensor *field[DNN_FIELD_MAX];
    dnn_status status;

    slot->state = TAKEN;
    l->busy++;
    pthread_mutex_unlock(&l->lock);
    status = prepare(l, batch, field);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    memcpy(slot->field, field, sizeof field);
    slot->size = size_of(l, batch);
    slot->status = status;
    if (status != DNN_OK) {
        memcpy(slot->text, dnn__self.text, sizeof slot->text);
    }
    slot->state = READY;
    pthread_cond_broadcast(&l->done);
}

static void *worker_main(void *arg)
{
    dnn_loader *l = arg;

    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        if (may_take(l)) {
            work_on(l);
        } else {
            pthread_cond_wait(&l->work, &l->lock);
        }
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static dnn_status start_workers(dnn_loader *l, int n)
{
    for (int i = 0; i < n; i++) {
        int error = pthread_create(&l->worker[i], NULL, worker_main, l);

        if (error != 0) {
            return dnn__fail(DNN_E_NOMEM, "dnn_loader_new: worker thread %d of %d: %s", i + 1, n,
                             strerror(error));
        }
        l->n_workers++;
    }
    return DNN_OK;
}

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

/* Ends the workers. False: one is stuck in the data set; it is left alone, and so is all that it
 * may still touch. */
static bool stop_workers(dnn_loader *l)
{
    struct timespec limit = in_seconds(l->timeout);
    bool stuck = false;

    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    while (l->busy > 0 && !stuck) {
        stuck = pthread_cond_timedwait(&l->done, &l->lock, &limit) == ETIMEDOUT && l->busy > 0;
    }
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_workers; i++) {
        if (stuck) {
            pthread_detach(l->worker[i]);
        } else {
            pthread_join(l->worker[i], NULL);
        }
    }
    return !stuck;
}

/* Waits for the slot of the next batch; held: the lock. */
static dnn_status wait_for(dnn_loader *l, struct slot *slot)
{
    struct timespec limit = in_seconds(l->timeout);

    while (slot->state != READY) {
        if (pthread_cond_timedwait(&l->done, &l->lock, &limit) == ETIMEDOUT &&
            slot->state != READY) {
            return dnn__fail(
                DNN_E_IO,
                "dnn_loader_next: batch %s of %s is not there after %g s; the data set %s is stuck",
                dnn__number_text(l->next_out), dnn__number_text(l->batches), l->timeout,
                dnn_dataset_text(l->set) != NULL ? dnn_dataset_text(l->set) : "of the program");
        }
    }
    return DNN_OK;
}

/* The next batch's fields, whose references are the caller's then. */
static dnn_status fetch(dnn_loader *l, dnn_tensor **field)
{
    struct slot *slot;
    dnn_status st;

    if (l->n_workers == 0) {
        return prepare(l, l->next_out, field);
    }
    pthread_mutex_lock(&l->lock);
    slot = &l->slot[l->next_out % l->n_slots];
    pthread_cond_broadcast(&l->work);
    st = wait_for(l, slot);
    if (st == DNN_OK) {
        st = slot->status;
        if (st != DNN_OK) {
            memcpy(dnn__self.text, slot->text, sizeof slot->text);
        }
        memcpy(field, slot->field, sizeof slot->field);
        memset(slot->field, 0, sizeof slot->field);
        slot->state = EMPTY;
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}

/* ---- the program's side ---- */

/* What was prepared ahead goes; the workers rest when this returns. */
static dnn_status discard(dnn_loader *l)
{
    struct timespec limit = in_seconds(l->timeout);

    if (l->n_workers == 0) {
        return DNN_OK;
    }
    l->next_in = l->batches; /* nothing more is taken */
    while (l->busy > 0) {
        if (pthread_cond_timedwait(&l->done, &l->lock, &limit) == ETIMEDOUT && l->busy > 0) {
            return dnn__fail(DNN_E_IO, "dnn_loader: a worker is stuck for %g s", l->timeout);
        }
    }
    for (int i = 0; i < l->n_slots; i++) {
        drop_fields(l->slot[i].field);
        l->slot[i].state = EMPTY;
    }
    return DNN_OK;
}

/* Rests the workers and begins an epoch. */
static dnn_status restart(dnn_loader *l, int64_t epoch)
{
    dnn_status st;

    pthread_mutex_lock(&l->lock);
    st = discard(l);
    if (st == DNN_OK) {
        st = begin_epoch(l, epoch);
    }
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return st;
}

static dnn_status hand_over(dnn_loader *l, dnn_tensor **field, dnn_batch *batch)
{
    dnn_status st = DNN_OK;

    for (int i = 0; i < l->set->n_fields && st == DNN_OK; i++) {
        if (dnn__device_of(field[i]) == l->device) {
            continue;
        }
        DNN_NO_GRAD
        {
            dnn_tensor *moved = dnn_to_device(field[i], dnn__dev(l->device)->name);

            st = moved != NULL ? DNN_OK : dnn__take();
            if (st == DNN_OK) {
                dnn_retain(moved);
                dnn_release(field[i]);
                field[i] = moved;
            }
        }
    }
    if (st != DNN_OK) {
        drop_fields(field);
        return st;
    }
    memcpy(l->given, field, sizeof l->given);
    memset(batch, 0, sizeof *batch);
    memcpy(batch->field, field, sizeof batch->field);
    batch->input = field[0];
    batch->target = l->set->n_fields > 1 ? field[1] : NULL;
    batch->n_fields = l->set->n_fields;
    batch->size = size_of(l, l->next_out);
    batch->index = l->next_out;
    return DNN_OK;
}

static dnn_status next(dnn_loader *l, dnn_batch *batch)
{
    dnn_tensor *field[DNN_FIELD_MAX] = {NULL};
    dnn_status st;

    if (atomic_load(&dnn__forked)) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_loader_next: this process was forked from one that uses libdnn; exec first");
    }
    DNN_TRY(fetch(l, field));
    st = hand_over(l, field, batch);
    if (st == DNN_OK) {
        pthread_mutex_lock(&l->lock);
        l->next_out++;
        pthread_cond_broadcast(&l->work);
        pthread_mutex_unlock(&l->lock);
    }
    return st;
}

bool dnn_loader_next(dnn_loader *loader, dnn_batch *batch)
{
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return false;
    }
    if (loader == NULL || batch == NULL) {
        dnn__null(dnn__fail(DNN_E_INVALID, "dnn_loader_next: %s is NULL",
                            loader == NULL ? "loader" : "batch"));
        return false;
    }
    drop_fields(loader->given);
    if (loader->next_out >= loader->batches) {
        st = restart(loader, loader->epoch + 1);
        if (st != DNN_OK) {
            dnn__null(st);
        }
        return false;
    }
    st = next(loader, batch);
    if (st != DNN_OK) {
        dnn__null(st);
        return false;
    }
    return true;
}

void dnn_loader_rewind(dnn_loader *loader, int64_t epoch)
{
    dnn_status st;

    if (loader == NULL || dnn__waiting() != DNN_OK) {
        return;
    }
    drop_fields(loader->given);
    if (epoch < 0) {
        dnn__null(dnn__fail(DNN_E_INVALID, "dnn_loader_rewind: epoch %s", dnn__number_text(epoch)));
        return;
    }
    st = restart(loader, epoch);
    if (st != DNN_OK) {
        dnn__null(st);
    }
}

int64_t dnn_loader_batches(const dnn_loader *loader)
{
    return loader != NULL ? loader->batches : 0;
}

int64_t dnn_loader_samples(const dnn_loader *loader)
{
    return loader != NULL ? loader->samples : 0;
}

/* ---- making and freeing ---- */

static dnn_status check_args(const dnn_loader_args *a)
{
    DNN_TRY(dnn__require(a->set, "dnn_loader_new", "set"));
    if (a->batch_size < 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_loader_new: batch_size is %s, not 1 or more",
                         dnn__number_text(a->batch_size));
    }
    if (a->workers < 0 || a->workers > 256) {
        return dnn__fail(DNN_E_INVALID, "dnn_loader_new: workers is %d, not 0 to 256", a->workers);
    }
    if (a->prefetch < 0 || a->prefetch > 4096) {
        return dnn__fail(DNN_E_INVALID, "dnn_loader_new: prefetch is %d, not 0 to 4096",
                         a->prefetch);
    }
    if (!(a->timeout >= 0) || a->timeout > 1e6) {
        return dnn__fail(DNN_E_INVALID, "dnn_loader_new: timeout is %g, not 0 to 1e6 seconds",
                         a->timeout);
    }
    return DNN_OK;
}

static dnn_status allocate(dnn_loader *l, const dnn_loader_args *a)
{
    l->n_slots = a->workers * (a->prefetch > 0 ? a->prefetch : 2);
    if (a->workers > 0) {
        l->slot = dnn__calloc((size_t)l->n_slots, sizeof *l->slot);
        l->worker = dnn__calloc((size_t)a->workers, sizeof *l->worker);
        if (l->slot == NULL || l->worker == NULL) {
            return dnn__nomem("dnn_loader_new", (size_t)l->n_slots * sizeof *l->slot);
        }
    }
    if (l->shuffle && l->set->size > 0) {
        l->order = dnn__calloc((size_t)l->set->size, sizeof *l->order);
        if (l->order == NULL) {
            return dnn__nomem("dnn_loader_new", (size_t)l->set->size * sizeof *l->order);
        }
    }
    l->shuffle = l->order != NULL;
    return DNN_OK;
}

static dnn_status set_up(dnn_loader *l, const dnn_loader_args *a)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    l->set = dnn_dataset_retain(a->set);
    l->batch_size = a->batch_size > 0 ? a->batch_size : 1;
    l->batches = l->set->size / l->batch_size;
    l->samples = l->batches * l->batch_size;
    if (!a->drop_last && l->samples < l->set->size) {
        l->batches++;
        l->samples = l->set->size;
    }
    l->shuffle = a->shuffle;
    l->seed = a->seed;
    l->timeout = a->timeout > 0 ? a->timeout : 60;
    DNN_TRY(dnn__device_named(a->device, &l->device));
    DNN_TRY(allocate(l, a));
    DNN_TRY(begin_epoch(l, 0));
    return start_workers(l, a->workers);
}

dnn_loader *dnn_loader_new_with(dnn_loader_args args)
{
    dnn_loader *l;
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    st = check_args(&args);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    l = dnn__calloc(1, sizeof *l);
    if (l == NULL) {
        return dnn__null(dnn__nomem("dnn_loader_new", sizeof *l));
    }
    st = set_up(l, &args);
    if (st != DNN_OK) {
        dnn_loader_free(l);
        return dnn__null(st);
    }
    return l;
}

void dnn_loader_free(dnn_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    if (!stop_workers(loader)) {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: a loader's worker is stuck in its data set for %g s; it is left behind",
                 loader->timeout);
        return;
    }
    for (int i = 0; i < loader->n_slots && loader->slot != NULL; i++) {
        drop_fields(loader->slot[i].field);
    }
    drop_fields(loader->given);
    pthread_cond_destroy(&loader->work);
    pthread_cond_destroy(&loader->done);
    pthread_mutex_destroy(&loader->lock);
    dnn_dataset_release(loader->set);
    dnn__free(loader->slot);
    dnn__free(loader->worker);
    dnn__free(loader->order);
    dnn__free(loader);
}
