/* source.c - data sets of samples that the program has: tensors in memory, and a function that
 * computes one sample. reader.c reads files. */
#include <stdio.h>
#include <string.h>
#include "dataset.h"
#include "draws.h"

/* ---- tensors in memory ---- */

struct tensors {
    dnn_dataset set;
    dnn_tensor *field[]; /* dense, on cpu */
};

static dnn_status copy_samples(const dnn_tensor *from, const int64_t *index, int64_t n,
                               dnn_tensor **out)
{
    int64_t dim[DNN_MAX_DIMS];

    memcpy(dim, from->dim, sizeof(int64_t) * (size_t)from->ndim);
    dim[0] = n;
    *out = dnn__tensor_new("data set", from->dtype, from->ndim, dim, dnn__cpu());
    if (*out == NULL) {
        return dnn__take();
    }
    dnn__copy_rows(*out, NULL, from, index, n);
    return DNN_OK;
}

static dnn_status get_tensors(dnn_dataset *set, const dnn__request *r, dnn__samples *out)
{
    struct tensors *t = (struct tensors *)set;
    dnn_tensor **field = dnn__scratch("data set", set->n_fields, sizeof *field);

    if (field == NULL) {
        return dnn__take();
    }
    for (int64_t i = 0; i < set->n_fields; i++) {
        DNN_TRY(copy_samples(t->field[i], r->index, r->n, &field[i]));
    }
    out->batch = (dnn_tensor_list){.n = set->n_fields, .item = field};
    return DNN_OK;
}

static void close_tensors(dnn_dataset *set)
{
    struct tensors *t = (struct tensors *)set;

    for (int64_t i = 0; i < set->n_fields; i++) {
        dnn_release(t->field[i]);
    }
}

static const dnn__dataset_type tensors_type = {.get = get_tensors, .close = close_tensors};

static dnn_status check_tensor(dnn_tensor *const *fields, int64_t i)
{
    const dnn_tensor *first = fields[0], *t = fields[i];

    if (t == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_tensors: field %s is NULL",
                         dnn__number_text(i));
    }
    if (dnn__dev(dnn__device_of(t))->api != NULL) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_tensors: field %s is on %s; samples are on cpu (dnn_to)",
                         dnn__number_text(i), dnn__dev(dnn__device_of(t))->name);
    }
    if (t->ndim < 1) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_dataset_tensors: field %s has rank 0, must have 1 or more: [samples, ...]",
            dnn__number_text(i));
    }
    if (t->dim[0] != first->dim[0]) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_dataset_tensors: field 0 is %s, field %s is %s: the first sizes differ",
            dnn__shape_text(first->ndim, first->dim), dnn__number_text(i),
            dnn__shape_text(t->ndim, t->dim));
    }
    return DNN_OK;
}

static dnn_status check_tensors(dnn_tensor *const *fields, int64_t n)
{
    if (fields == NULL || n < 1) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_tensors: %s fields, must be 1 or more%s",
                         dnn__number_text(n), fields == NULL ? "; fields is NULL" : "");
    }
    DNN_TRY(dnn__check_alive_list("dnn_dataset_tensors", "fields", fields, n));
    for (int64_t i = 0; i < n; i++) {
        DNN_TRY(check_tensor(fields, i));
    }
    return DNN_OK;
}

dnn_dataset *dnn_dataset_tensors(dnn_tensor *const *fields, int64_t n_fields)
{
    struct tensors *t;
    size_t bytes;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    st = check_tensors(fields, n_fields);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    bytes = sizeof *t + (size_t)n_fields * sizeof t->field[0]; /* the list exists: no overflow */
    t = dnn__dataset_new(bytes, &tensors_type, fields[0]->dim[0], n_fields, NULL);
    for (int64_t i = 0; t != NULL && i < n_fields; i++) {
        {
            DNN_SCOPE();
            DNN_NO_GRAD();
            t->field[i] = dnn_retain(dnn_contiguous(fields[i]));
        }
        if (t->field[i] == NULL) {
            dnn_release(&t->set);
            return NULL;
        }
    }
    return t != NULL ? &t->set : NULL;
}

/* ---- functions ---- */

struct function {
    dnn_dataset set;
    dnn_status (*get)(void *ctx, int64_t index, dnn_tensor **field);
    void (*release)(void *ctx);
    void *ctx;
};

/* Calls the function once. Returns its error, also if the function left it pending; no error is
 * pending afterwards. */
static dnn_status call(struct function *f, int64_t index, dnn_tensor **field)
{
    bool before = dnn__callback_begin();
    dnn_status st = f->get(f->ctx, index, field), pending;
    char name[64] = "";

    if (st != DNN_OK || dnn__pending() != DNN_OK) {
        snprintf(name, sizeof name, "the data set, sample %s", dnn__number_text(index));
    }
    pending = dnn__callback_end(before, st, "function", name);
    return st == DNN_OK ? pending : st < 0 ? st : DNN_E_INVALID;
}

/* The fields of the sample move to the enclosing scope; the inner scope releases everything else
 * that the function created. */
static dnn_status get_one(struct function *f, const dnn__request *r, int64_t i, dnn_tensor **field)
{
    dnn_generator_guard draws;
    dnn_status st;

    DNN_SCOPE();
    memset(field, 0, sizeof *field * (size_t)f->set.n_fields);
    DNN_TRY(dnn__draws_begin(&draws, r, i, f->set.depth));
    st = call(f, r->index[i], field);
    dnn_generator_end(&draws);
    DNN_TRY(st);
    DNN_TRY(dnn__fields_check(field, f->set.n_fields, r->index[i]));
    for (int64_t k = 0; k < f->set.n_fields; k++) {
        dnn_keep(field[k]);
    }
    return DNN_OK;
}

static dnn_status get_function(dnn_dataset *set, const dnn__request *r, dnn__samples *out)
{
    dnn_tensor_list *sample = dnn__scratch("data set", r->n, sizeof *sample);
    dnn_tensor **field = NULL;
    int64_t all;

    if (__builtin_mul_overflow(r->n, set->n_fields, &all)) {
        return dnn__nomem("data set", SIZE_MAX);
    }
    field = dnn__scratch("data set", all, sizeof *field);
    if (sample == NULL || field == NULL) {
        return dnn__take();
    }
    for (int64_t i = 0; i < r->n; i++, field += set->n_fields) {
        DNN_TRY(get_one((struct function *)set, r, i, field));
        sample[i] = (dnn_tensor_list){.n = set->n_fields, .item = field};
    }
    out->sample = sample;
    return DNN_OK;
}

static void close_function(dnn_dataset *set)
{
    struct function *f = (struct function *)set;

    if (f->release != NULL) {
        f->release(f->ctx);
    }
}

static const dnn__dataset_type function_type = {.get = get_function, .close = close_function};

static dnn_status check_function(int64_t size, int64_t n_fields, bool has_function)
{
    if (!has_function) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_function: get is NULL");
    }
    if (size < 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_function: size is %s, must be 0 or more",
                         dnn__number_text(size));
    }
    if (n_fields < 1) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_function: n_fields is %s, must be 1 or more",
                         dnn__number_text(n_fields));
    }
    return DNN_OK;
}

static struct function *new_function(int64_t size, int64_t n_fields, bool has_function)
{
    dnn_status st = dnn__pending();

    if (st == DNN_OK) {
        st = check_function(size, n_fields, has_function);
    }
    return st == DNN_OK
               ? dnn__dataset_new(sizeof(struct function), &function_type, size, n_fields, NULL)
               : dnn__null(st);
}

dnn_dataset *dnn_dataset_function(int64_t size, int64_t n_fields,
                                  dnn_status (*get)(void *ctx, int64_t index, dnn_tensor **field),
                                  void (*release)(void *ctx), void *ctx)
{
    struct function *f = new_function(size, n_fields, get != NULL);

    if (f == NULL) {
        if (release != NULL) {
            release(ctx);
        }
        return NULL;
    }
    f->get = get;
    f->release = release;
    f->ctx = ctx;
    return &f->set;
}
