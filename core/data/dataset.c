/* dataset.c - data sets as counted objects: facts, checked access, and those that stand over
 * others: subset, split, concatenation, map. Sources are in source.c. Nothing here locks: sets do
 * not change once they are made. */
#include <stdlib.h>
#include <string.h>
#include "data.h"

void *dnn__dataset_new(size_t bytes, const dnn__dataset_type *type, int64_t size, int n_fields,
                       dnn_dataset *base)
{
    dnn_dataset *set = dnn__calloc(1, bytes);

    if (set == NULL) {
        return dnn__null(dnn__nomem("data set", bytes));
    }
    atomic_init(&set->refs, 1);
    set->type = type;
    set->size = size;
    set->n_fields = n_fields;
    set->base = dnn_dataset_retain(base);
    return set;
}

bool dnn__dataset_ready(const char *function, const dnn_dataset *set)
{
    if (dnn__waiting() != DNN_OK) {
        return false;
    }
    if (set == NULL) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: the data set is NULL", function));
        return false;
    }
    return true;
}

dnn_dataset *dnn_dataset_retain(dnn_dataset *set)
{
    if (set != NULL) {
        atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    }
    return set;
}

void dnn_dataset_release(dnn_dataset *set)
{
    while (set != NULL && atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1) {
        dnn_dataset *base = set->base;

        if (set->type->close != NULL) {
            set->type->close(set);
        }
        dnn__free(set);
        set = base; /* the reference that it held */
    }
}

/* ---- facts ---- */

int64_t dnn_dataset_size(const dnn_dataset *set)
{
    return set != NULL ? set->size : 0;
}

int dnn_dataset_fields(const dnn_dataset *set)
{
    return set != NULL ? set->n_fields : 0;
}

/* The source that tells the facts. */
static const dnn_dataset *source_of(const dnn_dataset *set)
{
    while (set != NULL && set->base != NULL) {
        set = set->base;
    }
    return set;
}

const char *dnn_dataset_text(const dnn_dataset *set)
{
    return set != NULL ? source_of(set)->text : NULL;
}

const char *dnn_dataset_name(const dnn_dataset *set)
{
    return set != NULL ? source_of(set)->name : NULL;
}

const char *dnn_dataset_digest(const dnn_dataset *set)
{
    return set != NULL ? source_of(set)->digest : NULL;
}

const char *const *dnn_dataset_labels(const dnn_dataset *set)
{
    return set != NULL ? source_of(set)->labels : NULL;
}

/* ---- access ---- */

static dnn_status check_indices(const char *function, const dnn_dataset *set, const int64_t *index,
                                int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= set->size) {
            return dnn__fail(DNN_E_INVALID, "%s: index %s at place %s is outside [0, %s)", function,
                             dnn__number_text(index[i]), dnn__number_text(i),
                             dnn__number_text(set->size));
        }
    }
    return DNN_OK;
}

dnn_status dnn_dataset_get(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    DNN_TRY(dnn__require(set, "dnn_dataset_get", "set"));
    DNN_TRY(dnn__require(index, "dnn_dataset_get", "index"));
    DNN_TRY(dnn__require(field, "dnn_dataset_get", "field"));
    if (n < 1) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_get: n is %s, which is no number of samples",
                         dnn__number_text(n));
    }
    DNN_TRY(check_indices("dnn_dataset_get", set, index, n));
    return set->type->get(set, index, n, field);
}

/* ---- subset ---- */

struct subset {
    dnn_dataset set;
    int64_t index[];
};

/* Index lists of ordinary batches are made on the stack. */
enum { FEW = 512 };

static dnn_status get_subset(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    struct subset *s = (struct subset *)set;
    int64_t few[FEW] = {0}, *mapped = n <= FEW ? few : dnn__calloc((size_t)n, sizeof *mapped);
    dnn_status st;

    if (mapped == NULL) {
        return dnn__nomem("subset", (size_t)n * sizeof *mapped);
    }
    for (int64_t i = 0; i < n; i++) {
        mapped[i] = s->index[index[i]];
    }
    st = set->base->type->get(set->base, mapped, n, field);
    if (mapped != few) {
        dnn__free(mapped);
    }
    return st;
}

static const dnn__dataset_type subset_type = {.get = get_subset};

dnn_dataset *dnn_dataset_subset(dnn_dataset *set, const int64_t *index, int64_t n)
{
    struct subset *s;
    size_t bytes;
    dnn_status st;

    if (!dnn__dataset_ready("dnn_dataset_subset", set)) {
        return NULL;
    }
    if (n < 0 || (index == NULL && n > 0)) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_dataset_subset: n is %s, index is %s",
                                   dnn__number_text(n), index == NULL ? "NULL" : "there"));
    }
    st = check_indices("dnn_dataset_subset", set, index, n);
    if (st == DNN_OK &&
        (!dnn__mul((size_t)n, sizeof *index, &bytes) || !dnn__add(bytes, sizeof *s, &bytes))) {
        st = dnn__fail(DNN_E_INVALID, "dnn_dataset_subset: %s indices are more than there can be",
                       dnn__number_text(n));
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    s = dnn__dataset_new(bytes, &subset_type, n, set->n_fields, set);
    if (s == NULL) {
        return NULL;
    }
    if (n > 0) {
        memcpy(s->index, index, (size_t)n * sizeof *index);
    }
    return &s->set;
}

/* ---- random split ---- */

static dnn_status check_sizes(const dnn_dataset *set, const int64_t *sizes, int n)
{
    int64_t total = 0;

    if (n < 1) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_random_split: %d parts", n);
    }
    for (int i = 0; i < n; i++) {
        if (sizes[i] < 0 || __builtin_add_overflow(total, sizes[i], &total)) {
            return dnn__fail(DNN_E_INVALID, "dnn_dataset_random_split: part %d has %s samples", i,
                             dnn__number_text(sizes[i]));
        }
    }
    if (total != set->size) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_random_split: the parts have %s samples together, the set %s",
                         dnn__number_text(total), dnn__number_text(set->size));
    }
    return DNN_OK;
}

static dnn_status make_parts(dnn_dataset *set, const int64_t *order, const int64_t *sizes, int n,
                             dnn_dataset **out)
{
    for (int i = 0; i < n; i++) {
        out[i] = dnn_dataset_subset(set, order, sizes[i]);
        if (out[i] == NULL) {
            while (--i >= 0) {
                dnn_dataset_release(out[i]);
            }
            return dnn__take();
        }
        order += sizes[i];
    }
    return DNN_OK;
}

dnn_status dnn_dataset_random_split(dnn_dataset *set, const int64_t *sizes, int n, uint64_t seed,
                                    dnn_dataset **out)
{
    int64_t *order;
    dnn_status st;

    DNN_TRY(dnn__require(set, "dnn_dataset_random_split", "set"));
    DNN_TRY(dnn__require(sizes, "dnn_dataset_random_split", "sizes"));
    DNN_TRY(dnn__require(out, "dnn_dataset_random_split", "out"));
    DNN_TRY(check_sizes(set, sizes, n));
    order = dnn__calloc((size_t)set->size, sizeof *order);
    if (order == NULL) {
        return dnn__nomem("dnn_dataset_random_split", (size_t)set->size * sizeof *order);
    }
    st = dnn__permutation(seed, DNN__STREAM_SPLIT, 0, set->size, order);
    if (st == DNN_OK) {
        st = make_parts(set, order, sizes, n, out);
    }
    dnn__free(order);
    return st;
}

/* ---- concatenation ---- */

struct concat {
    dnn_dataset set;
    int n_sets;
    dnn_dataset *part[];
};

/* Sample after sample, since neighbours may come from different parts; then stacked. */
static dnn_status get_concat(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    struct concat *c = (struct concat *)set;
    size_t each = (size_t)n * sizeof(dnn_tensor *);
    dnn_tensor **samples = dnn__calloc((size_t)set->n_fields, each);
    dnn_status st = samples != NULL ? DNN_OK : dnn__nomem("data set", each);

    for (int64_t i = 0; i < n && st == DNN_OK; i++) {
        dnn_tensor *one[DNN_FIELD_MAX];
        int64_t at = index[i];
        int k = 0;

        while (at >= c->part[k]->size) {
            at -= c->part[k++]->size;
        }
        st = c->part[k]->type->get(c->part[k], &at, 1, one);
        for (int f = 0; f < set->n_fields && st == DNN_OK; f++) {
            samples[(int64_t)f * n + i] = one[f];
        }
    }
    for (int f = 0; f < set->n_fields && st == DNN_OK; f++) {
        field[f] = dnn_cat(samples + (int64_t)f * n, n, 0);
        st = field[f] != NULL ? DNN_OK : dnn__take();
    }
    dnn__free(samples);
    return st;
}

static void close_concat(dnn_dataset *set)
{
    struct concat *c = (struct concat *)set;

    for (int i = 0; i < c->n_sets; i++) {
        dnn_dataset_release(c->part[i]);
    }
}

static const dnn__dataset_type concat_type = {.get = get_concat, .close = close_concat};

dnn_dataset *dnn_dataset_concat(dnn_dataset *const *sets, int n)
{
    struct concat *c;
    int64_t size = 0;

    if (n < 1 || sets == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_dataset_concat: %d sets", n));
    }
    for (int i = 0; i < n; i++) {
        if (!dnn__dataset_ready("dnn_dataset_concat", sets[i])) {
            return NULL;
        }
        if (sets[i]->n_fields != sets[0]->n_fields) {
            return dnn__null(dnn__fail(DNN_E_INVALID,
                                       "dnn_dataset_concat: set 0 has %d fields, set %d has %d",
                                       sets[0]->n_fields, i, sets[i]->n_fields));
        }
        if (__builtin_add_overflow(size, sets[i]->size, &size)) {
            return dnn__null(
                dnn__fail(DNN_E_INVALID, "dnn_dataset_concat: more samples than can be counted"));
        }
    }
    c = dnn__dataset_new(sizeof *c + (size_t)n * sizeof c->part[0], &concat_type, size,
                         sets[0]->n_fields, NULL);
    if (c == NULL) {
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        c->part[i] = dnn_dataset_retain(sets[i]);
    }
    c->n_sets = n;
    return &c->set;
}

/* ---- map ---- */

struct map {
    dnn_dataset set;
    int field;
    dnn_tensor *(*fn)(void *ctx, dnn_tensor *x);
    void (*release)(void *ctx);
    void *ctx;
};

static dnn_status get_map(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    struct map *m = (struct map *)set;
    dnn_tensor *y = NULL;

    DNN_TRY(set->base->type->get(set->base, index, n, field));
    DNN_NO_GRAD
    {
        y = dnn_keep(m->fn(m->ctx, field[m->field]));
    }
    if (y == NULL) {
        dnn_status st = dnn__take();

        return st != DNN_OK ? st
                            : dnn__fail(DNN_E_INVALID,
                                        "dnn_dataset_map: the function returned NULL and no error");
    }
    if (y->ndim < 1 || y->dim[0] != n) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_map: the function was given %s samples and returned %s",
                         dnn__number_text(n), dnn__shape_text(y->ndim, y->dim));
    }
    field[m->field] = y;
    return DNN_OK;
}

static void close_map(dnn_dataset *set)
{
    struct map *m = (struct map *)set;

    if (m->release != NULL) {
        m->release(m->ctx);
    }
}

static const dnn__dataset_type map_type = {.get = get_map, .close = close_map};

static dnn_status check_field(const char *function, const dnn_dataset *set, int field)
{
    if (field < 0 || field >= set->n_fields) {
        return dnn__fail(DNN_E_INVALID, "%s: field %d of a set with %d fields", function, field,
                         set->n_fields);
    }
    return DNN_OK;
}

dnn_dataset *dnn_dataset_map(dnn_dataset *set, int field,
                             dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                             void (*release)(void *ctx), void *ctx)
{
    struct map *m = NULL;

    if (dnn__dataset_ready("dnn_dataset_map", set)) {
        dnn_status st = fn != NULL ? check_field("dnn_dataset_map", set, field)
                                   : dnn__fail(DNN_E_INVALID, "dnn_dataset_map: fn is NULL");

        m = st == DNN_OK ? dnn__dataset_new(sizeof *m, &map_type, set->size, set->n_fields, set)
                         : dnn__null(st);
    }
    if (m == NULL) {
        if (release != NULL) {
            release(ctx); /* once, whether the call succeeds or not */
        }
        return NULL;
    }
    m->field = field;
    m->fn = fn;
    m->release = release;
    m->ctx = ctx;
    return &m->set;
}

/* ---- normalize: ToTensor and Normalize of torchvision, for a batch at once ---- */

struct normalize {
    int channels; /* 0: no mean and std */
    double mean[16], std[16];
};

/* [C,1,1] of f32 on cpu, so that it stretches over [n,C,H,W]. */
static dnn_tensor *per_channel(const double *value, int channels)
{
    return dnn_cast(
        dnn_from_data(value, DNN_SHAPE(channels, 1, 1), .dtype = DNN_T_F64, .device = "cpu"),
        DNN_T_F32);
}

/* The operations of torchvision in their order, in place, so that the bits are its bits. */
static dnn_tensor *normalize(void *ctx, dnn_tensor *x)
{
    const struct normalize *n = ctx;
    dnn_tensor *y = dnn_cast(x, DNN_T_F32),
               *k255 = dnn_from_data(&(float){255}, DNN_SCALAR, .device = "cpu");

    if (y == x) {
        y = dnn_clone(x);
    }
    y = dnn_div_(y, k255);
    if (n->channels > 0) {
        y = dnn_div_(dnn_sub_(y, per_channel(n->mean, n->channels)),
                     per_channel(n->std, n->channels));
    }
    return y;
}

dnn_dataset *dnn_dataset_normalize(dnn_dataset *set, int field, const double *mean,
                                   const double *std, int n_channels)
{
    struct normalize *n;

    if (!dnn__dataset_ready("dnn_dataset_normalize", set)) {
        return NULL;
    }
    if ((mean == NULL) != (std == NULL) || (mean != NULL && (n_channels < 1 || n_channels > 16))) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "dnn_dataset_normalize: mean and std of %d channels; both or none, and 1 to 16",
            n_channels));
    }
    n = dnn__calloc(1, sizeof *n);
    if (n == NULL) {
        return dnn__null(dnn__nomem("dnn_dataset_normalize", sizeof *n));
    }
    n->channels = mean != NULL ? n_channels : 0;
    for (int i = 0; i < n->channels; i++) {
        n->mean[i] = mean[i];
        n->std[i] = std[i];
        if (!(std[i] > 0)) {
            dnn__free(n);
            return dnn__null(dnn__fail(
                DNN_E_INVALID, "dnn_dataset_normalize: std of channel %d is %g, not positive", i,
                std[i]));
        }
    }
    return dnn_dataset_map(set, field, normalize, dnn__free, n);
}
