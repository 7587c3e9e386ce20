/* loader.c - batches of a data set: order, worker threads that prepare ahead, hand-over in order.
 * Batch b is made of the same samples by the same operators whoever prepares it, so the number of
 * workers changes nothing but time. A worker that is stuck in the data set never holds the program
 * up for longer than the loader's timeout. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include "data_impl.h"

enum { MOST_WORKERS = 256, MOST_PREFETCH = 4096, EPOCHS = 1 << 24 };

enum state {
    EMPTY,
    TAKEN,
    READY
}; /* of a slot: nobody's; a worker prepares it; to be handed over */

struct slot {
    enum state state;
    dnn_status status;
    dnn_tensor *field[DNN_FIELD_MAX]; /* references of the slot's */
    char text[sizeof dnn__self.text]; /* of a failure: messages belong to threads */
};

struct worker {
    dnn_loader *loader;
    pthread_t thread;
    int64_t *index; /* of batch_size numbers, where there is no order */
};

/* set, sizes, timeout and device stay as they are made. order and seed change only while no worker
 * prepares a batch. `given` and `epoch` are the program's thread's. The rest is under the lock. */
struct dnn_loader {
    dnn_dataset *set;
    int64_t batch_size, samples, batches; /* of an epoch, without what drop_last leaves out */
    int64_t wanted;                       /* the batch size that was asked for */
    uint64_t seed;
    double timeout;
    dnn__device *device;
    int64_t *order; /* of the epoch; NULL: as the samples lie */
    int64_t
        *index; /* room for the workers' lists, and for the program's thread where there are none */
    int64_t epoch;
    dnn_tensor *given[DNN_FIELD_MAX]; /* what the program has of the last batch */

    pthread_mutex_t lock;
    pthread_cond_t work, done; /* told to workers, and by them */
    int64_t next_out, next_in; /* next batch to hand over, and to be taken by a worker */
    bool again;                /* batch next_out failed, and is to be taken once more */
    bool pending;              /* the epoch is not begun: rests for what failed */
    bool stop, abandoned;      /* abandoned: the last worker frees the loader */
    struct worker *worker;
    int n_workers, alive, busy; /* started; not ended yet; preparing a batch */
    int64_t n_slots;
    struct slot *slot; /* batch b is in slot b % n_slots */
};

/* ---- one batch ---- */

static int64_t size_of(const dnn_loader *l, int64_t batch)
{
    int64_t left = l->samples - batch * l->batch_size;

    return left < l->batch_size ? left : l->batch_size;
}

/* The indices of a batch; `list` has room for them. */
static const int64_t *indices_of(const dnn_loader *l, int64_t batch, int64_t *list)
{
    int64_t first = batch * l->batch_size, n = size_of(l, batch);

    if (l->order != NULL) {
        return l->order + first;
    }
    for (int64_t i = 0; i < n; i++) {
        list[i] = first + i;
    }
    return list;
}

/* The fields of a batch, as references of the caller's; all NULL on failure. */
static dnn_status prepare(const dnn_loader *l, int64_t batch, int64_t *list, dnn_tensor **field)
{
    dnn_status st = DNN_OK;

    memset(field, 0, sizeof *field * DNN_FIELD_MAX);
    DNN_SCOPE
    {
        dnn_tensor *made[DNN_FIELD_MAX] = {NULL};

        st = dnn_dataset_get(l->set, indices_of(l, batch, list), size_of(l, batch), made);
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

/* ---- waiting ---- */

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

/* Waits until a worker tells something; false when the limit has passed. Held: the lock. */
static bool wait_until(dnn_loader *l, const struct timespec *limit)
{
    return pthread_cond_timedwait(&l->done, &l->lock, limit) != ETIMEDOUT;
}

static dnn_status stuck(const dnn_loader *l, const char *function)
{
    return dnn__fail(DNN_E_IO,
                     "%s: batch %s of %s is not there after %g s; the data set %s is stuck",
                     function, dnn__number_text(l->next_out), dnn__number_text(l->batches),
                     l->timeout, dnn__dataset_called(l->set));
}

/* ---- workers; the lock is held, but for prepare ---- */

static bool may_take(const dnn_loader *l)
{
    return l->again || (l->next_in < l->batches && l->next_in - l->next_out < l->n_slots);
}

static int64_t take(dnn_loader *l)
{
    if (l->again) {
        l->again = false;
        return l->next_out;
    }
    return l->next_in++;
}

static void work_on(dnn_loader *l, int64_t *list)
{
    int64_t batch = take(l);
    struct slot *slot = &l->slot[batch % l->n_slots];
    dnn_tensor *field[DNN_FIELD_MAX];
    dnn_status status;

    slot->state = TAKEN;
    l->busy++;
    pthread_mutex_unlock(&l->lock);
    status = prepare(l, batch, list, field);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    memcpy(slot->field, field, sizeof field);
    slot->status = status;
    if (status != DNN_OK) {
        memcpy(slot->text, dnn__self.text, sizeof slot->text);
    }
    slot->state = READY;
    pthread_cond_broadcast(&l->done);
}

static void destroy(dnn_loader *l);

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    dnn_loader *l = w->loader;
    bool last;

    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        if (may_take(l)) {
            work_on(l, w->index);
        } else {
            pthread_cond_wait(&l->work, &l->lock);
        }
    }
    last = --l->alive == 0 && l->abandoned;
    pthread_cond_broadcast(&l->done);
    pthread_mutex_unlock(&l->lock);
    if (last) {
        destroy(l);
    }
    return NULL;
}

/* Signals are for the program's threads. */
static dnn_status start_workers(dnn_loader *l, int n)
{
    sigset_t all, before;
    int error = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&l->lock);
    while (l->n_workers < n && error == 0) {
        struct worker *w = &l->worker[l->n_workers];

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
        return dnn__fail(DNN_E_NOMEM, "dnn_loader_new: the system gave %d of %d worker threads: %s",
                         l->n_workers, n, strerror(error));
    }
    return DNN_OK;
}

/* Ends the workers. False: one is stuck in the data set; the last of them frees the loader when it
 * comes back, if it does. */
static bool stop_workers(dnn_loader *l)
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
    pthread_mutex_unlock(&l->lock); /* an abandoned loader may be gone from here on */
    for (int i = 0; in_time && i < l->n_workers; i++) {
        pthread_join(l->worker[i].thread, NULL);
    }
    return in_time;
}

/* ---- epochs ---- */

/* What was prepared ahead goes; no worker prepares anything when this returns well, nor takes
 * anything before an epoch begins. Held: the lock. */
static dnn_status rest(dnn_loader *l, const char *function)
{
    struct timespec limit = in_seconds(l->timeout);

    l->next_in = l->batches;
    l->again = false;
    while (l->busy > 0) {
        if (!wait_until(l, &limit) && l->busy > 0) {
            return stuck(l, function);
        }
    }
    for (int64_t i = 0; i < l->n_slots; i++) {
        drop_fields(l->slot[i].field);
        l->slot[i].state = EMPTY;
    }
    return DNN_OK;
}

/* Epoch e draws from block e * 2^40 of the loader's stream on, so that no two epochs meet. */
static dnn_status permute(const dnn_loader *l, uint64_t seed, int64_t epoch, int64_t *order)
{
    if (order == NULL) {
        return DNN_OK;
    }
    return dnn__permutation(seed, DNN__STREAM_LOADER, (uint64_t)epoch << 40, l->set->size, order);
}

/* Rests the workers and begins an epoch. After a failure it is pending: the next call for a batch
 * begins it. */
static dnn_status begin_epoch(dnn_loader *l, int64_t epoch, const char *function)
{
    dnn_status st;

    pthread_mutex_lock(&l->lock);
    l->epoch = epoch;
    l->pending = true;
    st = rest(l, function);
    if (st == DNN_OK) {
        st = permute(l, l->seed, epoch, l->order);
    }
    if (st == DNN_OK) {
        l->pending = false;
        l->next_out = l->next_in = 0;
        pthread_cond_broadcast(&l->work);
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}

/* ---- the program's side ---- */

/* The next batch from its slot, whose references are the caller's then. *came: a worker has
 * answered, well or not. */
static dnn_status fetch(dnn_loader *l, dnn_tensor **field, bool *came)
{
    struct timespec limit = in_seconds(l->timeout);
    struct slot *slot = &l->slot[l->next_out % l->n_slots];
    dnn_status st;

    pthread_mutex_lock(&l->lock);
    while (slot->state != READY && (wait_until(l, &limit) || slot->state == READY)) {
    }
    *came = slot->state == READY;
    st = *came ? slot->status : stuck(l, "dnn_loader_next");
    if (*came) {
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

/* To the loader's device, by the program's thread. */
static dnn_status move_fields(const dnn_loader *l, dnn_tensor **field)
{
    dnn_status st = DNN_OK;

    for (int i = 0; i < l->set->n_fields && st == DNN_OK; i++) {
        if (dnn__device_of(field[i]) == l->device) {
            continue;
        }
        DNN_NO_GRAD
        {
            dnn_tensor *moved = dnn_retain(dnn_to_device(field[i], dnn__dev(l->device)->name));

            st = moved != NULL ? DNN_OK : dnn__take();
            if (st == DNN_OK) {
                dnn_release(field[i]);
                field[i] = moved;
            }
        }
    }
    return st;
}

static void hand_over(dnn_loader *l, dnn_tensor **field, dnn_batch *batch)
{
    int n = l->set->n_fields;

    memcpy(l->given, field, sizeof l->given);
    memcpy(batch->field, field, sizeof batch->field);
    batch->input = field[0];
    batch->target = n > 1 ? field[1] : NULL;
    batch->n_fields = n;
    batch->size = size_of(l, l->next_out);
    batch->index = l->next_out;
}

static dnn_status next_batch(dnn_loader *l, dnn_batch *batch)
{
    dnn_tensor *field[DNN_FIELD_MAX] = {NULL};
    bool came = true;
    dnn_status st =
        l->n_workers > 0 ? fetch(l, field, &came) : prepare(l, l->next_out, l->index, field);

    if (st == DNN_OK) {
        st = move_fields(l, field);
    }
    if (st == DNN_OK) {
        hand_over(l, field, batch);
    } else {
        drop_fields(field);
    }
    pthread_mutex_lock(&l->lock);
    if (st == DNN_OK) {
        l->next_out++;
    } else {
        l->again = came;
    }
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return st;
}

/* *more: there is a batch. */
static dnn_status next(dnn_loader *l, dnn_batch *batch, bool *more)
{
    *more = false;
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_loader_next: this process was forked from one that uses libdnn; exec first");
    }
    drop_fields(l->given);
    if (l->pending) {
        DNN_TRY(begin_epoch(l, l->epoch, "dnn_loader_next"));
    }
    if (l->next_out >= l->batches) {
        return begin_epoch(l, l->epoch + 1, "dnn_loader_next");
    }
    DNN_TRY(next_batch(l, batch));
    *more = true;
    return DNN_OK;
}

bool dnn_loader_next(dnn_loader *loader, dnn_batch *batch)
{
    dnn_status st;
    bool more;

    if (batch != NULL) {
        memset(batch, 0, sizeof *batch);
    }
    if (dnn__waiting() != DNN_OK) {
        return false;
    }
    if (loader == NULL || batch == NULL) {
        dnn__null(dnn__fail(DNN_E_INVALID, "dnn_loader_next: %s is NULL",
                            loader == NULL ? "loader" : "batch"));
        return false;
    }
    st = next(loader, batch, &more);
    if (st != DNN_OK) {
        dnn__null(st);
    }
    return more;
}

static dnn_status check_epoch(const dnn_loader *l, const char *function, int64_t epoch)
{
    if (l == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: loader is NULL", function);
    }
    if (epoch < 0 || epoch >= EPOCHS) {
        return dnn__fail(DNN_E_INVALID, "%s: epoch is %s, must be 0 to %s", function,
                         dnn__number_text(epoch), dnn__number_text(EPOCHS - 1));
    }
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: this process was forked from one that uses libdnn; exec first",
                         function);
    }
    return DNN_OK;
}

void dnn_loader_rewind(dnn_loader *loader, int64_t epoch)
{
    dnn_status st = dnn__waiting();

    if (st != DNN_OK) {
        return;
    }
    st = check_epoch(loader, "dnn_loader_rewind", epoch);
    if (st == DNN_OK) {
        drop_fields(loader->given);
        st = begin_epoch(loader, epoch, "dnn_loader_rewind");
    }
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

/* NULL: *st says why. */
static void *new_array(int64_t count, size_t element, dnn_status *st)
{
    void *array = dnn__calloc((size_t)count, element);

    if (array == NULL) {
        *st = dnn__nomem("loader", (size_t)count * element);
    }
    return array;
}

/* ---- its place, to be kept and taken up again ---- */

dnn_dataset *dnn__loader_set(const dnn_loader *loader)
{
    return loader->set;
}

dnn__loader_state dnn__loader_get(dnn_loader *l)
{
    dnn__loader_state state = {.seed = l->seed,
                               .stream = l->order != NULL ? DNN__STREAM_LOADER : -1,
                               .size = l->set->size,
                               .batch_size = l->wanted,
                               .epoch = l->epoch};

    pthread_mutex_lock(&l->lock);
    state.batch = l->pending ? 0 : l->next_out;
    pthread_mutex_unlock(&l->lock);
    return state;
}

/* Workers go on where the loader stands; what they had prepared is prepared again. Held: the lock.
 */
static void wake(dnn_loader *l)
{
    if (!l->pending) {
        l->next_in = l->next_out;
        pthread_cond_broadcast(&l->work);
    }
}

dnn_status dnn__loader_prepare(dnn_loader *l, const char *function, int64_t epoch, int64_t batch,
                               uint64_t seed, dnn__loader_move *out)
{
    dnn__loader_move move = {.loader = l, .epoch = epoch, .batch = batch, .seed = seed};
    int64_t next_in;
    bool again;
    dnn_status st = DNN_OK;

    DNN_TRY(check_epoch(l, function, epoch));
    if (batch < 0 || batch > l->batches) {
        return dnn__fail(DNN_E_INVALID, "%s: batch is %s, must be 0 to %s", function,
                         dnn__number_text(batch), dnn__number_text(l->batches));
    }
    if (l->order != NULL) {
        move.order = new_array(l->set->size, sizeof *move.order, &st);
        DNN_TRY(st);
        st = permute(l, seed, epoch, move.order);
    }
    if (st == DNN_OK) {
        pthread_mutex_lock(&l->lock);
        next_in = l->next_in;
        again = l->again;
        st = rest(l, function);
        if (st != DNN_OK) { /* nothing was dropped */
            l->next_in = next_in;
            l->again = again;
            pthread_cond_broadcast(&l->work);
        }
        pthread_mutex_unlock(&l->lock);
    }
    if (st != DNN_OK) {
        dnn__free(move.order);
        return st;
    }
    *out = move;
    return DNN_OK;
}

void dnn__loader_commit(dnn__loader_move *move)
{
    dnn_loader *l = move->loader;

    drop_fields(l->given);
    pthread_mutex_lock(&l->lock);
    if (l->order != NULL) {
        dnn__free(l->order);
        l->order = move->order;
    }
    l->seed = move->seed;
    l->epoch = move->epoch;
    l->next_out = move->batch;
    l->pending = false;
    wake(l);
    pthread_mutex_unlock(&l->lock);
    *move = (dnn__loader_move){0};
}

void dnn__loader_cancel(dnn__loader_move *move)
{
    if (move->loader == NULL) {
        return;
    }
    pthread_mutex_lock(&move->loader->lock);
    wake(move->loader);
    pthread_mutex_unlock(&move->loader->lock);
    dnn__free(move->order);
    *move = (dnn__loader_move){0};
}

dnn_status dnn_loader_position(dnn_loader *loader, int64_t *epoch, int64_t *batch)
{
    dnn__loader_state state;

    DNN_TRY(dnn__require(loader, "dnn_loader_position", "loader"));
    DNN_TRY(dnn__require(epoch, "dnn_loader_position", "epoch"));
    DNN_TRY(dnn__require(batch, "dnn_loader_position", "batch"));
    state = dnn__loader_get(loader);
    *epoch = state.epoch;
    *batch = state.batch;
    return DNN_OK;
}

dnn_status dnn_loader_seek(dnn_loader *loader, int64_t epoch, int64_t batch)
{
    dnn__loader_move move;

    DNN_TRY(dnn__require(loader, "dnn_loader_seek", "loader"));
    DNN_TRY(dnn__loader_prepare(loader, "dnn_loader_seek", epoch, batch, loader->seed, &move));
    dnn__loader_commit(&move);
    return DNN_OK;
}

/* ---- making and freeing ---- */

static dnn_status check_args(const dnn_loader_args *a)
{
    DNN_TRY(dnn__require(a->set, "dnn_loader_new", "set"));
    if (a->batch_size < 0) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_loader_new: batch_size is %s, must be 1 or more, or 0 for 1",
                         dnn__number_text(a->batch_size));
    }
    if (a->workers < 0 || a->workers > MOST_WORKERS) {
        return dnn__fail(DNN_E_INVALID, "dnn_loader_new: workers is %d, must be 0 to %d",
                         a->workers, MOST_WORKERS);
    }
    if (a->prefetch < 0 || a->prefetch > MOST_PREFETCH) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_loader_new: prefetch is %d, must be 1 to %d, or 0 for 2", a->prefetch,
                         MOST_PREFETCH);
    }
    if (!(a->timeout >= 0) || a->timeout > 1e6) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_loader_new: timeout is %g s, must be above 0 and at most 1e6, or 0 for 60",
            a->timeout);
    }
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_loader_new: this process was forked from one that uses libdnn; exec first");
    }
    return DNN_OK;
}

/* No more slots than an epoch has batches, and no batch larger than the set. */
static void set_sizes(dnn_loader *l, const dnn_loader_args *a)
{
    int64_t size = l->set->size, most = size > 0 ? size : 1,
            wanted = a->batch_size > 0 ? a->batch_size : 1;

    l->wanted = wanted;
    l->batch_size = wanted < most ? wanted : most;
    l->batches = size / wanted;
    l->samples = l->batches * wanted;
    if (!a->drop_last && l->samples < size) {
        l->batches++;
        l->samples = size;
    }
    l->n_slots = (int64_t)a->workers * (a->prefetch > 0 ? a->prefetch : 2);
    if (l->n_slots > l->batches) {
        l->n_slots = l->batches > 0 ? l->batches : 1;
    }
}

static dnn_status allocate(dnn_loader *l, const dnn_loader_args *a)
{
    dnn_status st = DNN_OK;
    int64_t lists;

    if (a->workers > 0) {
        l->slot = new_array(l->n_slots, sizeof *l->slot, &st);
        l->worker = new_array(a->workers, sizeof *l->worker, &st);
    }
    if (a->shuffle && l->set->size > 0) {
        l->order = new_array(l->set->size, sizeof *l->order, &st);
    } else if (__builtin_mul_overflow(l->batch_size, a->workers > 0 ? a->workers : 1, &lists)) {
        st = dnn__nomem("dnn_loader_new", SIZE_MAX);
    } else {
        l->index = new_array(lists, sizeof *l->index, &st);
    }
    return st;
}

static void make_lock(dnn_loader *l)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static dnn_status set_up(dnn_loader *l, const dnn_loader_args *a)
{
    l->seed = a->seed;
    l->timeout = a->timeout > 0 ? a->timeout : 60;
    set_sizes(l, a);
    DNN_TRY(dnn__device_for(a->device, &l->device));
    DNN_TRY(allocate(l, a));
    DNN_TRY(permute(l, l->seed, 0, l->order));
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
    make_lock(l);
    l->set = dnn_dataset_retain(args.set);
    st = set_up(l, &args);
    if (st != DNN_OK) {
        dnn__null(st); /* before anything else can speak */
        dnn_loader_free(l);
        return NULL;
    }
    return l;
}

/* No worker lives any more, or the caller is the last one. */
static void destroy(dnn_loader *l)
{
    for (int64_t i = 0; i < l->n_slots && l->slot != NULL; i++) {
        drop_fields(l->slot[i].field);
    }
    drop_fields(l->given);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->done);
    pthread_mutex_destroy(&l->lock);
    dnn_dataset_release(l->set);
    dnn__free(l->slot);
    dnn__free(l->worker);
    dnn__free(l->order);
    dnn__free(l->index);
    dnn__free(l);
}

void dnn_loader_free(dnn_loader *loader)
{
    double timeout;

    if (loader == NULL || atomic_load(&dnn__forked)) {
        return; /* in a forked child the workers are not there, and the lock may be held for ever */
    }
    timeout = loader->timeout;
    drop_fields(loader->given);
    if (stop_workers(loader)) {
        destroy(loader);
        return;
    }
    dnn__log(DNN_LOG_WARN,
             "libdnn: a loader's worker is stuck in its data set for %g s; it is left behind",
             timeout);
}
