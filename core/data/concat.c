/* concat.c - a data set that concatenates others. A batch calls each part once, for all samples
 * that come from it, and copies the rows to their positions. */
#include <string.h>
#include "dataset.h"

struct concat {
    dnn_dataset set;
    int n_parts;
    dnn_dataset *part[];
};

/* Finds for each sample its part, and its index in the part. */
static void locate(const struct concat *c, const int64_t *index, int64_t n, int64_t *part,
                   int64_t *at)
{
    for (int64_t i = 0; i < n; i++) {
        part[i] = 0;
        at[i] = index[i];
        while (at[i] >= c->part[part[i]]->size) {
            at[i] -= c->part[part[i]++]->size;
        }
    }
}

/* Collects the samples of the batch that come from the same part as sample `first`: their indices
 * in the part, and their rows in the batch. Sets their part[] to -1, which marks them as done.
 * Returns their number. */
static int64_t select_part(int64_t *part, const int64_t *at, int64_t first, int64_t n,
                           int64_t *within, int64_t *row)
{
    int64_t k = part[first], count = 0;

    for (int64_t i = first; i < n; i++) {
        if (part[i] == k) {
            within[count] = at[i];
            row[count++] = i;
            part[i] = -1;
        }
    }
    return count;
}

static dnn_status check_same(int64_t k, int field, const dnn_tensor *out, const dnn_tensor *samples)
{
    if (samples->dtype != out->dtype) {
        return dnn__fail(
            DNN_E_INVALID, "data set: field %d of concatenated set %s is %s, of another set %s",
            field, dnn__number_text(k), dnn_dtype_name(samples->dtype), dnn_dtype_name(out->dtype));
    }
    if (samples->ndim != out->ndim ||
        memcmp(samples->dim + 1, out->dim + 1, sizeof(int64_t) * (size_t)(out->ndim - 1)) != 0) {
        return dnn__fail(
            DNN_E_INVALID,
            "data set: field %d of concatenated set %s has samples %s, of another set %s", field,
            dnn__number_text(k), dnn__shape_text(samples->ndim - 1, samples->dim + 1),
            dnn__shape_text(out->ndim - 1, out->dim + 1));
    }
    return DNN_OK;
}

/* Copies samples of part k to their rows of a field of the batch. Creates the field for the first
 * part. */
static dnn_status put_field(int64_t k, int f, dnn_tensor *samples, const int64_t *row, int64_t n,
                            dnn_tensor **out)
{
    int64_t dim[DNN_MAX_DIMS];

    samples = dnn_contiguous(samples);
    if (samples == NULL) {
        return dnn__take();
    }
    if (dnn__dev(dnn__device_of(samples))->api != NULL) {
        return dnn__fail(DNN_E_INVALID,
                         "data set: field %d of concatenated set %s is on %s; samples are on cpu",
                         f, dnn__number_text(k), dnn__dev(dnn__device_of(samples))->name);
    }
    if (*out == NULL) {
        memcpy(dim, samples->dim, sizeof(int64_t) * (size_t)samples->ndim);
        dim[0] = n;
        *out = dnn__tensor_new("data set", samples->dtype, samples->ndim, dim, dnn__cpu());
        if (*out == NULL) {
            return dnn__take();
        }
    }
    DNN_TRY(check_same(k, f, *out, samples));
    dnn__copy_rows(*out, row, samples, NULL, samples->dim[0]);
    return DNN_OK;
}

enum { LISTS = 4 }; /* gather needs so many lists of n numbers */

static dnn_status gather(const struct concat *c, const int64_t *index, int64_t n, int64_t *list,
                         dnn_tensor **field)
{
    int64_t *part = list, *at = list + n, *within = at + n, *row = within + n;

    locate(c, index, n, part, at);
    for (int64_t first = 0; first < n; first++) {
        dnn_tensor *some[DNN_FIELD_MAX] = {NULL};
        int64_t k = part[first], count;

        if (k < 0) {
            continue;
        }
        count = select_part(part, at, first, n, within, row);
        if (count == n) {
            return c->part[k]->type->get(c->part[k], within, n, field);
        }
        DNN_TRY(c->part[k]->type->get(c->part[k], within, count, some));
        for (int f = 0; f < c->set.n_fields; f++) {
            DNN_TRY(put_field(k, f, some[f], row, n, &field[f]));
        }
    }
    return DNN_OK;
}

static dnn_status get_concat(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    dnn__storage *scratch;
    dnn_status st;

    DNN_TRY(dnn__scratch("data set", n, LISTS * sizeof *index, &scratch));
    memset(field, 0, sizeof *field * (size_t)set->n_fields);
    st = gather((const struct concat *)set, index, n, scratch->data, field);
    dnn__storage_release(scratch);
    return st;
}

static void close_concat(dnn_dataset *set)
{
    struct concat *c = (struct concat *)set;

    for (int i = 0; i < c->n_parts; i++) {
        dnn_release(c->part[i]);
    }
}

static const dnn__dataset_type concat_type = {.get = get_concat, .close = close_concat};

static dnn_status check_parts(dnn_dataset *const *sets, int n, int64_t *size)
{
    if (n < 1 || sets == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_concat: %d sets, must be 1 or more%s", n,
                         sets == NULL ? "; sets is NULL" : "");
    }
    DNN_TRY(dnn__check_alive_list("dnn_dataset_concat", "sets", sets, n));
    *size = 0;
    for (int i = 0; i < n; i++) {
        if (sets[i] == NULL) {
            return dnn__fail(DNN_E_INVALID, "dnn_dataset_concat: set %d of %d is NULL", i, n);
        }
        if (sets[i]->n_fields != sets[0]->n_fields) {
            return dnn__fail(DNN_E_INVALID,
                             "dnn_dataset_concat: set 0 has %d fields, set %d has %d",
                             sets[0]->n_fields, i, sets[i]->n_fields);
        }
        if (__builtin_add_overflow(*size, sets[i]->size, size)) {
            return dnn__fail(DNN_E_INVALID,
                             "dnn_dataset_concat: the first %d sets have more than 2^63 samples",
                             i + 1);
        }
    }
    return DNN_OK;
}

/* ---- facts: those that are equal in all parts ---- */

static bool same_labels(const char *const *a, const char *const *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return *a == NULL && *b == NULL;
}

static const char *common(const char *first, const char *other)
{
    return first != NULL && other != NULL && strcmp(first, other) == 0 ? first : NULL;
}

static void take_facts(struct concat *c)
{
    c->set.text = dnn_dataset_text(c->part[0]);
    c->set.name = dnn_dataset_name(c->part[0]);
    c->set.digest = dnn_dataset_digest(c->part[0]);
    c->set.labels = dnn_dataset_labels(c->part[0]);
    for (int i = 1; i < c->n_parts; i++) {
        c->set.text = common(c->set.text, dnn_dataset_text(c->part[i]));
        c->set.name = common(c->set.name, dnn_dataset_name(c->part[i]));
        c->set.digest = common(c->set.digest, dnn_dataset_digest(c->part[i]));
        c->set.labels =
            same_labels(c->set.labels, dnn_dataset_labels(c->part[i])) ? c->set.labels : NULL;
    }
}

dnn_dataset *dnn_dataset_concat(dnn_dataset *const *sets, int n)
{
    struct concat *c;
    int64_t size = 0;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    st = check_parts(sets, n, &size);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    c = dnn__dataset_new(sizeof *c + (size_t)n * sizeof c->part[0], &concat_type, size,
                         sets[0]->n_fields, NULL);
    if (c == NULL) {
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        c->part[i] = dnn_retain(sets[i]);
    }
    c->n_parts = n;
    take_facts(c);
    return &c->set;
}
