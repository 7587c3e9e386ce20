/* map.c - a data set that applies a function to one field, a batch at a time; and normalize, which
 * is a map. The function runs in the thread that reads the batch. */
#include <math.h>
#include "dataset.h"

struct map {
    dnn_dataset set;
    int field;
    dnn_tensor *(*fn)(void *ctx, dnn_tensor *x);
    void (*release)(void *ctx);
    void *ctx;
};

static dnn_status check_result(const dnn_tensor *y, int64_t n)
{
    dnn_status st = dnn__take();

    if (st != DNN_OK) {
        return st;
    }
    if (y == NULL) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_map: the function returned NULL, and no error is pending");
    }
    if (y->ndim < 1 || y->dim[0] != n) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_map: the function was given %s samples and returned %s",
                         dnn__number_text(n), dnn__shape_text(y->ndim, y->dim));
    }
    return DNN_OK;
}

static dnn_status get_map(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    struct map *m = (struct map *)set;
    dnn_tensor *y = NULL;

    DNN_TRY(set->base->type->get(set->base, index, n, field));
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        y = dnn_keep(m->fn(m->ctx, field[m->field]));
    }
    DNN_TRY(check_result(y, n));
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

static dnn_status check_map(const dnn_dataset *set, int field, bool has_function)
{
    if (!has_function) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_map: fn is NULL");
    }
    if (field < 0 || field >= set->n_fields) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_map: field %d does not exist: the set has %d fields", field,
                         set->n_fields);
    }
    return DNN_OK;
}

static struct map *new_map(dnn_dataset *set, int field, bool has_function)
{
    dnn_status st;

    if (!dnn__dataset_ready("dnn_dataset_map", set)) {
        return NULL;
    }
    st = check_map(set, field, has_function);
    return st == DNN_OK
               ? dnn__dataset_new(sizeof(struct map), &map_type, set->size, set->n_fields, set)
               : dnn__null(st);
}

dnn_dataset *dnn_dataset_map(dnn_dataset *set, int field,
                             dnn_tensor *(*fn)(void *ctx, dnn_tensor *x),
                             void (*release)(void *ctx), void *ctx)
{
    struct map *m = new_map(set, field, fn != NULL);

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

/* ---- normalize: ToTensor and Normalize of torchvision, a batch at a time ---- */

enum { MOST_CHANNELS = 16 };

struct normalize {
    int channels; /* 0: no mean and std */
    double mean[MOST_CHANNELS], std[MOST_CHANNELS];
};

/* Returns [C,1,1] of f32 on cpu, which broadcasts over [n,C,H,W]. */
static dnn_tensor *per_channel(const double *value, int channels)
{
    return dnn_to(
        dnn_from_data(value, DNN_SHAPE(channels, 1, 1), .dtype = DNN_T_F64, .device = "cpu"),
        .dtype = DNN_T_F32);
}

/* y = (x/255 - mean) / std. The operations and their order are those of torchvision, each rounded
 * to f32, so that the results have the same bits. A factor of 1/255, or mean and std in one
 * multiplication, would round differently. */
static dnn_tensor *normalize(void *ctx, dnn_tensor *x)
{
    const struct normalize *n = ctx;
    dnn_tensor *y;

    if (n->channels > 0 && (x->ndim != 4 || (x->dim[1] != n->channels && n->channels != 1))) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "dnn_dataset_normalize: mean and std of %d channels, images %s instead of [n,%d,H,W]",
            n->channels, dnn__shape_text(x->ndim, x->dim), n->channels));
    }
    y = dnn_to(x, .dtype = DNN_T_F32);
    if (y == x) {
        y = dnn_clone(x);
    }
    y = dnn_div_(y, dnn_from_data(&(float){255}, DNN_SCALAR, .device = "cpu"));
    if (n->channels > 0) {
        y = dnn_div_(dnn_sub_(y, per_channel(n->mean, n->channels)),
                     per_channel(n->std, n->channels));
    }
    return y;
}

static dnn_status check_moments(const double *mean, const double *std, int n)
{
    if ((mean == NULL) != (std == NULL)) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_normalize: %s is NULL, %s is not; both or none",
                         mean == NULL ? "mean" : "std", mean == NULL ? "std" : "mean");
    }
    if (mean != NULL && (n < 1 || n > MOST_CHANNELS)) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_normalize: n_channels is %d, must be 1 to %d",
                         n, MOST_CHANNELS);
    }
    for (int i = 0; mean != NULL && i < n; i++) {
        if (!isfinite((float)mean[i])) {
            return dnn__fail(
                DNN_E_INVALID,
                "dnn_dataset_normalize: mean of channel %d is %s in f32, must be finite", i,
                dnn__float_text((double)(float)mean[i]));
        }
        if (!((float)std[i] > 0) || !isfinite((float)std[i])) {
            return dnn__fail(
                DNN_E_INVALID,
                "dnn_dataset_normalize: std of channel %d is %s in f32, must be finite and above 0",
                i, dnn__float_text((double)(float)std[i]));
        }
    }
    return DNN_OK;
}

dnn_dataset *dnn_dataset_normalize(dnn_dataset *set, int field, const double *mean,
                                   const double *std, int n_channels)
{
    struct normalize *n;
    dnn_status st;

    if (!dnn__dataset_ready("dnn_dataset_normalize", set)) {
        return NULL;
    }
    st = check_moments(mean, std, n_channels);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    n = dnn__calloc(1, sizeof *n);
    if (n == NULL) {
        return dnn__null(dnn__nomem("dnn_dataset_normalize", sizeof *n));
    }
    n->channels = mean != NULL ? n_channels : 0;
    for (int i = 0; i < n->channels; i++) {
        n->mean[i] = mean[i];
        n->std[i] = std[i];
    }
    return dnn_dataset_map(set, field, normalize, dnn__free, n);
}
