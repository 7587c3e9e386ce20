/* source.c - data sets of samples that the program has: tensors in memory, and a function that
 * computes one sample. reader.c reads files. */
#include <stdio.h>
#include <string.h>
#include "dataset.h"

/* ---- tensors in memory ---- */

struct tensors {
    dnn_dataset set;
    dnn_tensor *field[DNN_FIELD_MAX]; /* dense, on cpu */
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

static dnn_status get_tensors(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    struct tensors *t = (struct tensors *)set;

    for (int i = 0; i < set->n_fields; i++) {
        DNN_TRY(copy_samples(t->field[i], index, n, &field[i]));
    }
    return DNN_OK;
}

static void close_tensors(dnn_dataset *set)
{
    struct tensors *t = (struct tensors *)set;

    for (int i = 0; i < set->n_fields; i++) {
        dnn_release(t->field[i]);
    }
}

static const dnn__dataset_type tensors_type = {.get = get_tensors, .close = close_tensors};

static dnn_status check_tensor(dnn_tensor *const *fields, int i)
{
    const dnn_tensor *first = fields[0], *t = fields[i];

    if (t == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_tensors: field %d is NULL", i);
    }
    if (dnn__dev(dnn__device_of(t))->api != NULL) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_tensors: field %d is on %s; samples are on cpu (dnn_to)", i,
                         dnn__dev(dnn__device_of(t))->name);
    }
    if (t->ndim < 1) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_dataset_tensors: field %d has rank 0, must have 1 or more: [samples, ...]", i);
    }
    if (t->dim[0] != first->dim[0]) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_dataset_tensors: field 0 is %s, field %d is %s: the first sizes differ",
            dnn__shape_text(first->ndim, first->dim), i, dnn__shape_text(t->ndim, t->dim));
    }
    return DNN_OK;
}

static dnn_status check_tensors(dnn_tensor *const *fields, int n)
{
    if (fields == NULL || n < 1 || n > DNN_FIELD_MAX) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_tensors: %d fields, must be 1 to %d%s", n,
                         DNN_FIELD_MAX, fields == NULL ? "; fields is NULL" : "");
    }
    DNN_TRY(dnn__check_alive_list("dnn_dataset_tensors", "fields", fields, n));
    for (int i = 0; i < n; i++) {
        DNN_TRY(check_tensor(fields, i));
    }
    return DNN_OK;
}

dnn_dataset *dnn_dataset_tensors(dnn_tensor *const *fields, int n_fields)
{
    struct tensors *t;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    st = check_tensors(fields, n_fields);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    t = dnn__dataset_new(sizeof *t, &tensors_type, fields[0]->dim[0], n_fields, NULL);
    for (int i = 0; t != NULL && i < n_fields; i++) {
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
static dnn_status call_in_scope(struct function *f, int64_t index, dnn_tensor **field)
{
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        st = call(f, index, field);
        for (int k = 0; k < f->set.n_fields && st == DNN_OK; k++) {
            if (field[k] == NULL) {
                st = dnn__fail(DNN_E_INVALID,
                               "data set: the function left field %d of sample %s NULL", k,
                               dnn__number_text(index));
            } else {
                st = dnn__check_alive("data set", "a field of the function", field[k]);
            }
            if (st == DNN_OK) {
                dnn_keep(field[k]);
            }
        }
    }
    return st;
}

static dnn_status check_alike(int k, const int64_t *index, int64_t i, const dnn_tensor *first,
                              const dnn_tensor *t)
{
    if (t->dtype == first->dtype && t->ndim == first->ndim &&
        dnn__device_of(t) == dnn__device_of(first) &&
        memcmp(t->dim, first->dim, sizeof(int64_t) * (size_t)t->ndim) == 0) {
        return DNN_OK;
    }
    return dnn__fail(
        DNN_E_INVALID,
        "data set: field %d of sample %s is %s %s on %s, of sample %s it is %s %s on %s", k,
        dnn__number_text(index[0]), dnn_dtype_name(first->dtype),
        dnn__shape_text(first->ndim, first->dim), dnn__dev(dnn__device_of(first))->name,
        dnn__number_text(index[i]), dnn_dtype_name(t->dtype), dnn__shape_text(t->ndim, t->dim),
        dnn__dev(dnn__device_of(t))->name);
}

/* Stacks one field of n equal-shaped samples on cpu by copying bytes: dnn_stack would plan an
 * operator of n inputs. */
static dnn_status stack_on_cpu(dnn_tensor **sample, int64_t n, dnn_tensor **out)
{
    int64_t dim[1 + DNN_MAX_DIMS] = {n};
    size_t bytes = (size_t)dnn__numel(sample[0]) * dnn__item_size(sample[0]->dtype);

    memcpy(dim + 1, sample[0]->dim, sizeof(int64_t) * (size_t)sample[0]->ndim);
    *out = dnn__tensor_new("data set", sample[0]->dtype, sample[0]->ndim + 1, dim, dnn__cpu());
    for (int64_t i = 0; i < n && *out != NULL; i++) {
        dnn_tensor *t = dnn_contiguous(sample[i]);

        if (t == NULL) {
            return dnn__take();
        }
        if (bytes > 0) {
            memcpy((char *)(*out)->storage->data + (size_t)i * bytes,
                   (const char *)t->storage->data + (size_t)t->offset * dnn__item_size(t->dtype),
                   bytes);
        }
    }
    return *out != NULL ? DNN_OK : dnn__take();
}

static dnn_status stack(int k, const int64_t *index, int64_t n, dnn_tensor **sample,
                        dnn_tensor **out)
{
    for (int64_t i = 1; i < n; i++) {
        DNN_TRY(check_alike(k, index, i, sample[0], sample[i]));
    }
    if (dnn__dev(dnn__device_of(sample[0]))->api == NULL) {
        return stack_on_cpu(sample, n, out);
    }
    *out = dnn_stack((dnn_tensor_list){.n = n, .item = sample}, 0);
    return *out != NULL ? DNN_OK : dnn__take();
}

/* Computes the samples, then stacks each field. samples has room for n_fields * n tensors. */
static dnn_status collect(struct function *f, const int64_t *index, int64_t n, dnn_tensor **samples,
                          dnn_tensor **field)
{
    for (int64_t i = 0; i < n; i++) {
        dnn_tensor *one[DNN_FIELD_MAX] = {NULL};

        DNN_TRY(call_in_scope(f, index[i], one));
        for (int k = 0; k < f->set.n_fields; k++) {
            samples[(int64_t)k * n + i] = one[k];
        }
    }
    for (int k = 0; k < f->set.n_fields; k++) {
        DNN_TRY(stack(k, index, n, samples + (int64_t)k * n, &field[k]));
    }
    return DNN_OK;
}

static dnn_status get_function(dnn_dataset *set, const int64_t *index, int64_t n,
                               dnn_tensor **field)
{
    dnn__storage *scratch;
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__scratch("data set", n, (size_t)set->n_fields * sizeof(dnn_tensor *), &scratch));
    {
        DNN_SCOPE();
        st = collect((struct function *)set, index, n, scratch->data, field);
        for (int k = 0; k < set->n_fields && st == DNN_OK; k++) {
            dnn_keep(field[k]);
        }
    }
    dnn__storage_release(scratch);
    return st;
}

static void close_function(dnn_dataset *set)
{
    struct function *f = (struct function *)set;

    if (f->release != NULL) {
        f->release(f->ctx);
    }
}

static const dnn__dataset_type function_type = {.get = get_function, .close = close_function};

static dnn_status check_function(int64_t size, int n_fields, bool has_function)
{
    if (!has_function) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_function: get is NULL");
    }
    if (size < 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_function: size is %s, must be 0 or more",
                         dnn__number_text(size));
    }
    if (n_fields < 1 || n_fields > DNN_FIELD_MAX) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_function: n_fields is %d, must be 1 to %d",
                         n_fields, DNN_FIELD_MAX);
    }
    return DNN_OK;
}

static struct function *new_function(int64_t size, int n_fields, bool has_function)
{
    dnn_status st = dnn__pending();

    if (st == DNN_OK) {
        st = check_function(size, n_fields, has_function);
    }
    return st == DNN_OK
               ? dnn__dataset_new(sizeof(struct function), &function_type, size, n_fields, NULL)
               : dnn__null(st);
}

dnn_dataset *dnn_dataset_function(int64_t size, int n_fields,
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
