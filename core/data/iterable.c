/* iterable.c - data sets without a length: a function gives the next sample. A loader reads one in
 * order, through a cursor, which keeps the samples of a batch until the batch is done. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "cursor.h"
#include "draws.h"

struct iterable {
    dnn_dataset set;
    dnn_status (*begin)(void *ctx, int64_t epoch);
    dnn_status (*next)(void *ctx, dnn_tensor **field, bool *end);
    void (*release)(void *ctx);
    void *ctx;
    pthread_mutex_t lock;      /* protects reader */
    const dnn__cursor *reader; /* the cursor in the middle of an epoch; NULL: none */
};

/* The samples of the request are those that the cursor keeps. */
static dnn_status get_iterable(dnn_dataset *set, const dnn__request *r, dnn__samples *out)
{
    (void)set;
    out->sample = dnn__scratch("data set", r->n, sizeof *out->sample);
    if (out->sample == NULL) {
        return dnn__take();
    }
    memcpy(out->sample, r->read, (size_t)r->n * sizeof *out->sample);
    return DNN_OK;
}

static void close_iterable(dnn_dataset *set)
{
    struct iterable *it = (struct iterable *)set;

    pthread_mutex_destroy(&it->lock);
    if (it->release != NULL) {
        it->release(it->ctx);
    }
}

static struct iterable *new_iterable(int64_t n_fields, bool has_begin, bool has_next)
{
    static const dnn__dataset_type type = {.get = get_iterable, .close = close_iterable};

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (!has_begin || !has_next) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_dataset_iterable: %s is NULL",
                                   has_begin ? "next" : "begin"));
    }
    if (n_fields < 1) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "dnn_dataset_iterable: n_fields is %s, must be 1 or more",
                                   dnn__number_text(n_fields)));
    }
    return dnn__dataset_new(sizeof(struct iterable), &type, -1, n_fields, NULL);
}

dnn_dataset *dnn_dataset_iterable(int64_t n_fields, dnn_status (*begin)(void *ctx, int64_t epoch),
                                  dnn_status (*next)(void *ctx, dnn_tensor **field, bool *end),
                                  void (*release)(void *ctx), void *ctx)
{
    struct iterable *it = new_iterable(n_fields, begin != NULL, next != NULL);

    if (it == NULL) {
        if (release != NULL) {
            release(ctx);
        }
        return NULL;
    }
    it->begin = begin;
    it->next = next;
    it->release = release;
    it->ctx = ctx;
    pthread_mutex_init(&it->lock, NULL);
    return &it->set;
}

/* ---- the cursor ---- */

static struct iterable *source_of(const dnn__cursor *c)
{
    return (struct iterable *)c->source;
}

dnn_status dnn__cursor_init(dnn__cursor *c, dnn_dataset *set, int64_t batch_size)
{
    int64_t all;
    size_t bytes;

    while (set->base != NULL) {
        set = set->base;
    }
    *c = (dnn__cursor){.source = set, .epoch = -1};
    if (__builtin_mul_overflow(batch_size, set->n_fields, &all) ||
        !dnn__size_mul((size_t)all, sizeof *c->field, &bytes)) {
        return dnn__nomem("dnn_loader", SIZE_MAX);
    }
    c->field = dnn__alloc(bytes);
    c->sample = dnn__calloc((size_t)batch_size, sizeof *c->sample);
    c->index = dnn__calloc((size_t)batch_size, sizeof *c->index);
    if (c->field == NULL || c->sample == NULL || c->index == NULL) {
        return dnn__nomem("dnn_loader", bytes);
    }
    for (int64_t i = 0; i < batch_size; i++) {
        c->sample[i] = (dnn_tensor_list){.n = set->n_fields, .item = c->field + i * set->n_fields};
    }
    return DNN_OK;
}

/* Lets another cursor read the source. */
static void leave(dnn__cursor *c)
{
    struct iterable *it = source_of(c);

    pthread_mutex_lock(&it->lock);
    if (it->reader == c) {
        it->reader = NULL;
    }
    pthread_mutex_unlock(&it->lock);
}

static dnn_status enter(dnn__cursor *c)
{
    struct iterable *it = source_of(c);
    bool mine;

    pthread_mutex_lock(&it->lock);
    mine = it->reader == NULL || it->reader == c;
    if (mine) {
        it->reader = c;
    }
    pthread_mutex_unlock(&it->lock);
    return mine ? DNN_OK
                : dnn__fail(DNN_E_INVALID,
                            "data set: another loader is in the middle of this set without a "
                            "length; one at a time may read it");
}

static void drop(dnn__cursor *c)
{
    for (int64_t i = 0; i < c->n * c->source->n_fields; i++) {
        dnn_release(c->field[i]);
    }
    c->first += c->n;
    c->n = 0;
}

void dnn__cursor_free(dnn__cursor *c)
{
    if (c->source == NULL) {
        return;
    }
    drop(c);
    leave(c);
    dnn__free(c->field);
    dnn__free(c->sample);
    dnn__free(c->index);
}

static dnn_status call_begin(dnn__cursor *c, uint64_t seed, int64_t epoch)
{
    struct iterable *it = source_of(c);
    const dnn__request request = {.id = &(int64_t){0}, .n = 1, .seed = seed, .epoch = epoch};
    dnn_generator_guard draws;
    bool before;
    dnn_status st;

    drop(c);
    c->epoch = -1;
    DNN_TRY(enter(c));
    DNN_SCOPE();
    DNN_NO_GRAD();
    DNN_TRY(dnn__draws_begin(&draws, &request, 0, DNN__DEPTH_BEGIN));
    before = dnn__callback_begin();
    st = it->begin(it->ctx, epoch);
    dnn_generator_end(&draws);
    DNN_TRY(dnn__callback_end(before, st, "begin", "the data set"));
    c->epoch = epoch;
    c->seed = seed;
    c->first = 0;
    c->ended = false;
    return DNN_OK;
}

/* Calls next, and keeps the fields in field[]; sets c->ended if there is no sample. */
static dnn_status call_next(dnn__cursor *c, uint64_t seed, dnn_tensor **field)
{
    struct iterable *it = source_of(c);
    int64_t number = c->first + c->n;
    const dnn__request request = {.id = &number, .n = 1, .seed = seed, .epoch = c->epoch};
    bool before, end = false;
    char name[64] = "";
    dnn_generator_guard draws;
    dnn_status st;

    DNN_SCOPE();
    DNN_NO_GRAD();
    memset(field, 0, sizeof *field * (size_t)it->set.n_fields);
    DNN_TRY(dnn__draws_begin(&draws, &request, 0, it->set.depth));
    before = dnn__callback_begin();
    st = it->next(it->ctx, field, &end);
    dnn_generator_end(&draws);
    if (st != DNN_OK || dnn__pending() != DNN_OK) {
        snprintf(name, sizeof name, "the data set, sample %s", dnn__number_text(number));
    }
    DNN_TRY(dnn__callback_end(before, st, "next", name));
    c->ended = end;
    if (end) {
        leave(c);
        return DNN_OK;
    }
    DNN_TRY(dnn__fields_check(field, it->set.n_fields, number));
    for (int64_t k = 0; k < it->set.n_fields; k++) {
        dnn_retain(field[k]);
    }
    return DNN_OK;
}

/* Reads and drops samples up to number `first`. */
static dnn_status skip(dnn__cursor *c, uint64_t seed, int64_t first)
{
    drop(c);
    while (c->first < first && !c->ended) {
        DNN_TRY(call_next(c, seed, c->field));
        c->n = c->ended ? 0 : 1;
        drop(c);
    }
    return DNN_OK;
}

dnn_status dnn__cursor_read(dnn__cursor *c, uint64_t seed, int64_t epoch, int64_t first, int64_t n)
{
    if (c->epoch != epoch || c->seed != seed || (first != c->first && first < c->first + c->n)) {
        DNN_TRY(call_begin(c, seed, epoch));
    }
    if (first != c->first) {
        DNN_TRY(skip(c, seed, first));
    }
    while (c->n < n && !c->ended) {
        DNN_TRY(call_next(c, seed, c->field + c->n * c->source->n_fields));
        if (!c->ended) {
            c->index[c->n] = first + c->n;
            c->n++;
        }
    }
    return DNN_OK;
}
