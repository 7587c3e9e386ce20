/* map.c - data sets that change the samples of another: by a transform, sample by sample, or by a
 * function of many samples at once, as normalize. All of it runs in the thread that reads. */
#include "dataset.h"
#include "draws.h"
#include "transform.h"

/* Makes a set over `base` with functions of its own. */
static void *new_map(const char *function, size_t bytes, const dnn__dataset_type *type,
                     int64_t n_fields, dnn_dataset *base)
{
    dnn_dataset *set;

    if (base->depth >= DNN__MOST_DEPTH) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: more than %d maps over each other", function,
                                   DNN__MOST_DEPTH));
    }
    set = dnn__dataset_new(bytes, type, base->size, n_fields, base);
    if (set != NULL) {
        set->depth = base->depth + 1;
    }
    return set;
}

/* ---- map ---- */

struct map {
    dnn_dataset set;
    dnn_transform *transform; /* a reference */
};

/* Applies the transform to the fields in the list. What else it makes is released. */
static dnn_status transform_one(struct map *m, const dnn__request *r, int64_t i, dnn__list *list)
{
    dnn_fields sample = dnn__list_fields(list, r->id[i]);
    dnn_generator_guard draws;
    dnn_status st;

    DNN_SCOPE();
    DNN_TRY(dnn__draws_begin(&draws, r, i, m->set.depth));
    st = dnn__transform_call(m->transform, &sample);
    dnn_generator_end(&draws);
    if (st != DNN_OK) {
        return dnn__fail(st, "data set, sample %s: %s", dnn__number_text(r->id[i]),
                         dnn__message_text());
    }
    for (int64_t k = 0; k < list->n; k++) {
        dnn_keep(sample.field[k]);
    }
    return DNN_OK;
}

static dnn_status transform_all(struct map *m, const dnn__request *r, dnn__samples *samples,
                                dnn__list *list)
{
    dnn_tensor_list *sample = dnn__scratch("data set", r->n, sizeof *sample);
    dnn_tensor **item = NULL;
    int64_t room = 0;

    if (sample == NULL) {
        return dnn__take();
    }
    for (int64_t i = 0; i < r->n; i++) {
        DNN_TRY(dnn__list_set(list, samples->sample[i].item, samples->sample[i].n));
        DNN_TRY(transform_one(m, r, i, list));
        if (room < list->n) { /* for the first sample: room for all, as they mostly are alike */
            room = (r->n - i) * list->n;
            item = dnn__scratch("data set", room, sizeof *item);
            if (item == NULL) {
                return dnn__take();
            }
        }
        for (int64_t k = 0; k < list->n; k++) {
            item[k] = dnn__list_items(list)[k];
        }
        sample[i] = (dnn_tensor_list){.n = list->n, .item = item};
        item += list->n;
        room -= list->n;
    }
    samples->sample = sample;
    return DNN_OK;
}

static dnn_status get_map(dnn_dataset *set, const dnn__request *r, dnn__samples *out)
{
    dnn__list list = {.n = 0};
    dnn_status st;

    DNN_TRY(set->base->type->get(set->base, r, out));
    DNN_TRY(dnn__samples_split(out, r->n));
    st = transform_all((struct map *)set, r, out, &list);
    dnn__list_free(&list);
    return st;
}

static void close_map(dnn_dataset *set)
{
    dnn_release(((struct map *)set)->transform);
}

dnn_dataset *dnn_dataset_map(dnn_dataset *set, dnn_transform *transform)
{
    static const dnn__dataset_type type = {.get = get_map, .close = close_map};
    struct map *m;

    if (!dnn__dataset_ready("dnn_dataset_map", set) ||
        !dnn__transform_ready("dnn_dataset_map", transform)) {
        return NULL;
    }
    m = new_map("dnn_dataset_map", sizeof *m, &type, -1, set);
    if (m == NULL) {
        return NULL;
    }
    m->transform = dnn_retain(transform);
    return &m->set;
}

/* ---- map_batch ---- */

struct map_batch {
    dnn_dataset set;
    int64_t field;
    dnn_tensor *(*fn)(void *ctx, dnn_tensor *x);
    void (*release)(void *ctx);
    void *ctx;
};

static dnn_status check_result(const dnn_tensor *y, int64_t n)
{
    if (y == NULL) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_dataset_map_batch: the function returned NULL, and no error is pending");
    }
    if (y->ndim < 1 || y->dim[0] != n) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_map_batch: the function was given %s samples and returned %s",
                         dnn__number_text(n), dnn__shape_text(y->ndim, y->dim));
    }
    return DNN_OK;
}

static dnn_status call(struct map_batch *m, const dnn__request *r, dnn_tensor **field)
{
    dnn_generator_guard draws;
    dnn_tensor *y;

    DNN_SCOPE();
    DNN_NO_GRAD();
    DNN_TRY(dnn__draws_begin(&draws, r, 0, m->set.depth));
    y = m->fn(m->ctx, *field);
    dnn_generator_end(&draws);
    DNN_TRY(dnn__take());
    DNN_TRY(dnn__check_alive("dnn_dataset_map_batch", "the result of the function", y));
    *field = dnn_keep(y);
    return check_result(y, r->n);
}

static dnn_status get_map_batch(dnn_dataset *set, const dnn__request *r, dnn__samples *out)
{
    struct map_batch *m = (struct map_batch *)set;
    dnn_tensor **field;

    DNN_TRY(set->base->type->get(set->base, r, out));
    DNN_TRY(dnn__samples_stack(out, r->index, r->n));
    if (m->field >= out->batch.n) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_map_batch: field %s does not exist: the samples have %s "
                         "fields",
                         dnn__number_text(m->field), dnn__number_text(out->batch.n));
    }
    field = dnn__scratch("data set", out->batch.n, sizeof *field);
    if (field == NULL) {
        return dnn__take();
    }
    for (int64_t k = 0; k < out->batch.n; k++) {
        field[k] = out->batch.item[k];
    }
    DNN_TRY(call(m, r, &field[m->field]));
    out->batch.item = field;
    return DNN_OK;
}

static void close_map_batch(dnn_dataset *set)
{
    struct map_batch *m = (struct map_batch *)set;

    if (m->release != NULL) {
        m->release(m->ctx);
    }
}

static struct map_batch *new_map_batch(const char *function, dnn_dataset *set, int64_t field,
                                       bool has_function)
{
    static const dnn__dataset_type type = {.get = get_map_batch, .close = close_map_batch};

    if (!dnn__dataset_ready(function, set)) {
        return NULL;
    }
    if (!has_function) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: fn is NULL", function));
    }
    if (field < 0 || (set->n_fields >= 0 && field >= set->n_fields)) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "%s: field %s does not exist: the set has %s fields", function,
                                   dnn__number_text(field), dnn__number_text(set->n_fields)));
    }
    return new_map(function, sizeof(struct map_batch), &type, set->n_fields, set);
}

static dnn_dataset *map_batch(const char *function, dnn_dataset *set, int64_t field,
                              dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                              void (*release)(void *ctx), void *ctx)
{
    struct map_batch *m = new_map_batch(function, set, field, fn != NULL);

    if (m == NULL) {
        if (release != NULL) {
            release(ctx);
        }
        return NULL;
    }
    m->field = field;
    m->fn = fn;
    m->release = release;
    m->ctx = ctx;
    return &m->set;
}

dnn_dataset *dnn_dataset_map_batch(dnn_dataset *set, int64_t field,
                                   dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                                   void (*release)(void *ctx), void *ctx)
{
    return map_batch("dnn_dataset_map_batch", set, field, fn, release, ctx);
}

/* ---- normalize: ToTensor and Normalize, a batch at a time ---- */

static dnn_tensor *normalize(void *ctx, dnn_tensor *x)
{
    static const char name[] = "dnn_dataset_normalize: ";

    if (x->dtype != DNN_T_U8 && (x->dtype & DNN__FLOATS) == 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%simages are of %s, must be u8 or floating",
                                   name, dnn_dtype_name(x->dtype)));
    }
    if (((const dnn__moments *)ctx)->channels > 0 && x->ndim != 4) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "%smean and std of %d channels, images %s instead of [n,C,H,W]", name,
            ((const dnn__moments *)ctx)->channels, dnn__shape_text(x->ndim, x->dim)));
    }
    return dnn__image_normalize(name, ctx, dnn__image_scale(x), x->dtype == DNN_T_U8);
}

dnn_dataset *dnn_dataset_normalize(dnn_dataset *set, int64_t field, const double *mean,
                                   const double *std, int64_t n_channels)
{
    dnn__moments moments, *copy;
    dnn_status st;

    if (!dnn__dataset_ready("dnn_dataset_normalize", set)) {
        return NULL;
    }
    st = dnn__moments_set(&moments, "dnn_dataset_normalize", mean, std, n_channels);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    copy = dnn__alloc(sizeof *copy);
    if (copy == NULL) {
        return dnn__null(dnn__nomem("dnn_dataset_normalize", sizeof *copy));
    }
    *copy = moments;
    return map_batch("dnn_dataset_normalize", set, field, normalize, dnn__free, copy);
}
