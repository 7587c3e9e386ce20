/* loader.c - a data loader (torch.utils.data.DataLoader): the public functions, the batches, the
 * epochs, and the state that a checkpoint keeps. Batch b has the same samples, computed by the same
 * operators, in whichever thread: the number of workers changes only the time. */
#include <string.h>
#include "loader.h"
#include "loader_object.h"
#include "order.h"
#include "runtime.h"
#include "sampler.h"
#include "worker_pool.h"

enum { MAX_WORKERS = 256, MAX_PREFETCH = 4096 };

/* ---- epochs ---- */

/* The end of an epoch of a set without a length is known once it was read. */
static void forget_end(dnn_loader *l)
{
    if (l->samples < 0) {
        l->batches = DNN__UNKNOWN;
    }
}

/* Stops reading the current epoch and begins another one. After a failure that epoch is pending:
 * the next call for a batch begins it. */
static dnn_status begin_epoch(dnn_loader *l, int64_t epoch, const char *function)
{
    dnn_status st;

    pthread_mutex_lock(&l->lock);
    l->epoch = epoch;
    l->pending = true;
    st = dnn__workers_pause(l, function);
    if (st == DNN_OK) {
        st = dnn__order_fill(l, l->seed, epoch, l->order);
    }
    if (st == DNN_OK) {
        forget_end(l);
        l->pending = false;
        l->next_to_return = l->next_to_read = 0;
        pthread_cond_broadcast(&l->work);
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}

/* ---- batches ---- */

/* Moves the fields to the loader's device. Runs in the program's thread. */
static dnn_status move_fields(const dnn_loader *l, dnn__list *fields)
{
    for (int64_t i = 0; i < fields->n; i++) {
        dnn_tensor **field = &dnn__list_items(fields)[i], *moved;

        if (dnn__device_of(*field) == l->device) {
            continue;
        }
        DNN_SCOPE();
        DNN_NO_GRAD();
        moved = dnn_retain(dnn_to(*field, .device = dnn__dev(l->device)->name));
        if (moved == NULL) {
            return dnn__take();
        }
        dnn_release(*field);
        *field = moved;
    }
    return DNN_OK;
}

/* The batch was counted as returned. */
static void fill_batch(dnn_loader *l, int64_t size, dnn_batch *batch)
{
    dnn_tensor **field = dnn__list_items(&l->given);

    batch->field = field;
    batch->n_fields = l->given.n;
    batch->input = field[0];
    batch->target = l->given.n > 1 ? field[1] : NULL;
    batch->size = size;
    batch->index = l->next_to_return - 1;
}

/* Reads into l->given, which is empty. *size is 0 at the end of a set without a length. */
static dnn_status next_batch(dnn_loader *l, int64_t *size)
{
    const dnn__place place = {l->seed, l->epoch, l->next_to_return};
    bool answered = true;
    dnn_status st = l->n_workers > 0 ? dnn__workers_fetch(l, &l->given, size, &answered)
                                     : dnn__batch_read(l, place, l->index, &l->given, size);

    if (st == DNN_OK) {
        st = move_fields(l, &l->given);
    }
    if (st != DNN_OK) {
        dnn__list_release(&l->given);
    }
    pthread_mutex_lock(&l->lock);
    if (st != DNN_OK) {
        l->retry = answered; /* a worker that has not answered still reads the batch */
    } else if (*size > 0) {
        l->next_to_return++;
    }
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return st;
}

/* Sets *more if there is a batch. */
static dnn_status next(dnn_loader *l, dnn_batch *batch, bool *more)
{
    int64_t size = 0;

    *more = false;
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_loader_next: this process was forked from one that uses libdnn; exec first");
    }
    dnn__list_release(&l->given);
    if (l->pending) {
        DNN_TRY(begin_epoch(l, l->epoch, "dnn_loader_next"));
    }
    if (l->samples < 0 || l->next_to_return < l->batches) {
        DNN_TRY(next_batch(l, &size));
    }
    if (size == 0) {
        return begin_epoch(l, l->epoch + 1, "dnn_loader_next");
    }
    fill_batch(l, size, batch);
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
    if (dnn__pending() != DNN_OK) {
        return false;
    }
    if (loader == NULL || batch == NULL) {
        dnn__null(dnn__fail(DNN_E_INVALID, "dnn_loader_next: %s is NULL",
                            loader == NULL ? "loader" : "batch"));
        return false;
    }
    if (!dnn__alive("dnn_loader_next", "loader", loader)) {
        return false;
    }
    st = next(loader, batch, &more);
    if (st != DNN_OK) {
        dnn__null(st);
    }
    return more;
}

dnn_status dnn_loader_rewind(dnn_loader *loader, int64_t epoch)
{
    DNN_TRY(dnn__require(loader, "dnn_loader_rewind", "loader"));
    DNN_TRY(dnn__order_check_epoch(loader, "dnn_loader_rewind", epoch));
    dnn__list_release(&loader->given);
    return begin_epoch(loader, epoch, "dnn_loader_rewind");
}

int64_t dnn_loader_batches(const dnn_loader *loader)
{
    if (!dnn__usable(loader)) {
        return 0;
    }
    return loader->samples < 0 ? -1 : loader->batches;
}

int64_t dnn_loader_samples(const dnn_loader *loader)
{
    return dnn__usable(loader) ? loader->samples : 0;
}

/* ---- the state that a checkpoint keeps ---- */

/* Returns NULL and sets *st on failure. */
static void *new_array(int64_t count, size_t element, dnn_status *st)
{
    void *array = dnn__calloc((size_t)count, element);

    if (array == NULL) {
        *st = dnn__nomem("loader", (size_t)count * element);
    }
    return array;
}

dnn_dataset *dnn__loader_dataset(const dnn_loader *loader)
{
    return loader->set;
}

dnn__loader_state dnn__loader_get(dnn_loader *l)
{
    dnn__loader_state state = {.seed = l->seed,
                               .stream = l->sampler != NULL ? l->sampler->type->stream : -1,
                               .size = l->samples < 0 ? 0 : l->set->size,
                               .batch_size = l->requested,
                               .epoch = l->epoch};

    pthread_mutex_lock(&l->lock);
    state.batch = l->pending ? 0 : l->next_to_return;
    pthread_mutex_unlock(&l->lock);
    return state;
}

dnn_status dnn__loader_seek_prepare(dnn_loader *l, const char *function, int64_t epoch,
                                    int64_t batch, uint64_t seed, dnn__loader_seek *out)
{
    dnn__loader_seek seek = {.loader = l, .epoch = epoch, .batch = batch, .seed = seed};
    int64_t next_to_read, most;
    bool retry;
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__order_check_epoch(l, function, epoch));
    most = l->samples < 0 ? DNN__UNKNOWN / l->batch_size : l->batches;
    if (batch < 0 || batch > most) {
        return dnn__fail(DNN_E_INVALID, "%s: batch is %s, must be 0 to %s", function,
                         dnn__number_text(batch), dnn__number_text(most));
    }
    if (l->order != NULL) {
        seek.order = new_array(l->sampler->size, sizeof *seek.order, &st);
        DNN_TRY(st);
        st = dnn__order_fill(l, seed, epoch, seek.order);
    }
    if (st == DNN_OK) {
        pthread_mutex_lock(&l->lock);
        next_to_read = l->next_to_read;
        retry = l->retry;
        st = dnn__workers_pause(l, function);
        if (st != DNN_OK) { /* a failed pause keeps the batches in the slots: go on with them */
            l->next_to_read = next_to_read;
            l->retry = retry;
            pthread_cond_broadcast(&l->work);
        }
        pthread_mutex_unlock(&l->lock);
    }
    if (st != DNN_OK) {
        dnn__free(seek.order);
        return st;
    }
    *out = seek;
    return DNN_OK;
}

void dnn__loader_seek_commit(dnn__loader_seek *seek)
{
    dnn_loader *l = seek->loader;

    dnn__list_release(&l->given);
    pthread_mutex_lock(&l->lock);
    if (l->order != NULL) {
        dnn__free(l->order);
        l->order = seek->order;
    }
    l->seed = seek->seed;
    l->epoch = seek->epoch;
    l->next_to_return = seek->batch;
    l->pending = false;
    forget_end(l);
    dnn__workers_resume(l);
    pthread_mutex_unlock(&l->lock);
    *seek = (dnn__loader_seek){0};
}

void dnn__loader_seek_cancel(dnn__loader_seek *seek)
{
    if (seek->loader == NULL) {
        return;
    }
    pthread_mutex_lock(&seek->loader->lock);
    dnn__workers_resume(seek->loader);
    pthread_mutex_unlock(&seek->loader->lock);
    dnn__free(seek->order);
    *seek = (dnn__loader_seek){0};
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
    dnn__loader_seek seek = {0};

    DNN_TRY(dnn__require(loader, "dnn_loader_seek", "loader"));
    DNN_TRY(dnn__loader_seek_prepare(loader, "dnn_loader_seek", epoch, batch, loader->seed, &seek));
    dnn__loader_seek_commit(&seek);
    return DNN_OK;
}

/* ---- creation and destruction ---- */

static dnn_status check_args(const dnn_loader_args *a)
{
    DNN_TRY(dnn__require(a->set, "dnn_loader", "set"));
    if (a->batch_size < 0) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_loader: batch_size is %s, must be 1 or more, or 0 for 1",
                         dnn__number_text(a->batch_size));
    }
    if (a->workers < 0 || a->workers > MAX_WORKERS) {
        return dnn__fail(DNN_E_INVALID, "dnn_loader: workers is %lld, must be 0 to %d",
                         (long long)a->workers, MAX_WORKERS);
    }
    if (a->prefetch < 0 || a->prefetch > MAX_PREFETCH) {
        return dnn__fail(DNN_E_INVALID, "dnn_loader: prefetch is %lld, must be 1 to %d, or 0 for 2",
                         (long long)a->prefetch, MAX_PREFETCH);
    }
    if (!(a->timeout >= 0) || a->timeout > 1e6) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_loader: timeout is %s s, must be above 0 and at most 1e6, or 0 for 60",
            dnn__float_text(a->timeout));
    }
    if (a->sampler != NULL) {
        DNN_TRY(dnn__check_alive("dnn_loader", "sampler", a->sampler));
    }
    if ((a->sampler != NULL && a->shuffle) ||
        (a->set->size < 0 && (a->sampler != NULL || a->shuffle))) {
        return dnn__fail(DNN_E_INVALID, "dnn_loader: %s with %s: %s",
                         a->sampler != NULL ? "a sampler" : ".shuffle",
                         a->set->size < 0 ? "a set without a length" : ".shuffle",
                         a->set->size < 0 ? "its samples have no indices"
                                          : "the order comes from one of them");
    }
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_loader: this process was forked from one that uses libdnn; exec first");
    }
    return DNN_OK;
}

/* There are at most as many slots as batches in an epoch, and no batch is larger than an epoch. */
static void set_sizes(dnn_loader *l, const dnn_loader_args *a)
{
    int64_t size = l->sampler != NULL ? l->sampler->size : l->set->size,
            wanted = a->batch_size > 0 ? a->batch_size : 1;

    l->requested = wanted;
    l->batch_size = wanted < size || size < 0 ? wanted : size > 0 ? size : 1;
    l->batches = size < 0 ? DNN__UNKNOWN : size / wanted;
    l->samples = size < 0 ? -1 : l->batches * wanted;
    if (size >= 0 && !a->drop_last && l->samples < size) {
        l->batches++;
        l->samples = size;
    }
}

/* One worker reads a set without a length. */
static int64_t workers_of(const dnn_loader *l, const dnn_loader_args *a)
{
    return l->set->size < 0 && a->workers > 1 ? 1 : a->workers;
}

static void set_slots(dnn_loader *l, const dnn_loader_args *a)
{
    l->n_slots = workers_of(l, a) * (a->prefetch > 0 ? a->prefetch : 2);
    if (l->n_slots > l->batches) {
        l->n_slots = l->batches > 0 ? l->batches : 1;
    }
}

static dnn_status allocate(dnn_loader *l, const dnn_loader_args *a)
{
    dnn_status st = DNN_OK;
    int64_t workers = workers_of(l, a), lists;

    if (workers > 0) {
        l->slot = new_array(l->n_slots, sizeof *l->slot, &st);
        l->worker = new_array(workers, sizeof *l->worker, &st);
    }
    if (l->set->size < 0) {
        return st == DNN_OK ? dnn__cursor_init(&l->cursor, l->set, l->batch_size) : st;
    }
    if (l->sampler != NULL && l->sampler->size > 0) {
        l->order = new_array(l->sampler->size, sizeof *l->order, &st);
    } else if (__builtin_mul_overflow(l->batch_size, workers > 0 ? workers : 1, &lists)) {
        st = dnn__nomem("dnn_loader", SIZE_MAX);
    } else {
        l->index = new_array(lists, sizeof *l->index, &st);
    }
    return st;
}

/* .shuffle is a random sampler. */
static dnn_status set_sampler(dnn_loader *l, const dnn_loader_args *a)
{
    if (!a->shuffle) {
        l->sampler = dnn_retain(a->sampler);
        return DNN_OK;
    }
    DNN_SCOPE();
    l->sampler = dnn_retain(dnn_sampler_random(l->set));
    return l->sampler != NULL ? DNN_OK : dnn__take();
}

static dnn_status set_up(dnn_loader *l, const dnn_loader_args *a)
{
    l->seed = a->seed;
    l->timeout = a->timeout > 0 ? a->timeout : 60;
    l->drop_last = a->drop_last;
    l->collate = a->collate;
    l->collate_ctx = a->collate_ctx;
    DNN_TRY(set_sampler(l, a));
    set_sizes(l, a);
    set_slots(l, a);
    DNN_TRY(dnn__device_for(a->device, &l->device));
    DNN_TRY(allocate(l, a));
    DNN_TRY(dnn__order_fill(l, l->seed, 0, l->order));
    return dnn__workers_start(l, (int)workers_of(l, a));
}

static void destroy(dnn_object *object)
{
    dnn_loader *loader = (dnn_loader *)(void *)object;
    double timeout = loader->timeout;

    if (atomic_load(&dnn__forked)) {
        return; /* a forked child has no workers, and nobody may ever release the lock */
    }
    dnn__list_release(&loader->given);
    if (dnn__workers_stop(loader)) {
        dnn__loader_destroy(loader);
        return;
    }
    dnn__log(DNN_LOG_WARN,
             "libdnn: loader: a worker is stuck in the data set for %s s; the loader is freed when "
             "it returns",
             dnn__float_text(timeout));
}

dnn_loader *dnn_loader_with(dnn_loader_args args)
{
    static const dnn__kind kind = {.name = "loader", .destroy = destroy};
    dnn_loader *l;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    st = check_args(&args);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    l = dnn__object_zeroed(&kind, sizeof *l, "dnn_loader");
    if (l == NULL) {
        return NULL;
    }
    dnn__loader_init(l);
    l->set = dnn_retain(args.set);
    st = set_up(l, &args);
    if (st != DNN_OK) {
        dnn__null(st); /* before dnn_release: the first error stays pending */
        dnn_release(l);
        return NULL;
    }
    return l;
}
