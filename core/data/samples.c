/* samples.c - samples on their way from a source to a batch: a list for each sample, or stacked,
 * and the memory of the lists. */
#include <string.h>
#include "samples.h"

void *dnn__scratch(const char *what, int64_t count, size_t element)
{
    dnn__storage *memory;
    dnn_tensor *owner;
    size_t bytes;
    dnn_status st;

    if (!dnn__size_mul((size_t)count, element, &bytes)) {
        return dnn__null(dnn__nomem(what, SIZE_MAX));
    }
    st = dnn__storage_new(dnn__cpu(), bytes > 0 ? bytes : 1, what, &memory);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    owner = dnn__tensor_over(what, DNN_T_U8, 0, NULL, NULL, 0, memory, NULL);
    dnn__storage_release(memory);
    return owner != NULL ? memory->data : NULL;
}

dnn_status dnn__fields_check(dnn_tensor *const *field, int64_t n, int64_t index)
{
    for (int64_t k = 0; k < n; k++) {
        if (field[k] == NULL) {
            return dnn__fail(DNN_E_INVALID,
                             "data set: the function left field %s of sample %s NULL",
                             dnn__number_text(k), dnn__number_text(index));
        }
        DNN_TRY(dnn__check_alive("data set", "a field of the function", field[k]));
    }
    return DNN_OK;
}

/* ---- from a batch to lists ---- */

/* Makes lists that share the memory `item`, of n_fields elements each. */
static void make_lists(dnn_tensor_list *list, dnn_tensor **item, int64_t n, int64_t n_fields)
{
    for (int64_t i = 0; i < n; i++) {
        list[i] = (dnn_tensor_list){.n = n_fields, .item = item + i * n_fields};
    }
}

dnn_status dnn__samples_split(dnn__samples *s, int64_t n)
{
    int64_t n_fields = s->batch.n;
    dnn_tensor_list *list;
    dnn_tensor **item;

    if (s->sample != NULL) {
        return DNN_OK;
    }
    list = dnn__scratch("data set", n, sizeof *list);
    item = dnn__scratch("data set", n * n_fields, sizeof *item);
    if (list == NULL || item == NULL) {
        return dnn__take();
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < n_fields; k++) {
            item[i * n_fields + k] = dnn_select(s->batch.item[k], 0, i);
            if (item[i * n_fields + k] == NULL) {
                return dnn__take();
            }
        }
    }
    make_lists(list, item, n, n_fields);
    s->sample = list;
    s->batch = (dnn_tensor_list){.n = 0};
    return DNN_OK;
}

/* ---- from lists to a batch ---- */

bool dnn__alike(const dnn_tensor *a, const dnn_tensor *b, bool batch)
{
    int first = batch ? 1 : 0;

    return a->dtype == b->dtype && a->ndim == b->ndim && dnn__device_of(a) == dnn__device_of(b) &&
           (a->ndim <= first || memcmp(a->dim + first, b->dim + first,
                                       sizeof(int64_t) * (size_t)(a->ndim - first)) == 0);
}

static dnn_status check_alike(int64_t k, const int64_t *index, int64_t i, const dnn_tensor *first,
                              const dnn_tensor *t)
{
    if (dnn__alike(first, t, false)) {
        return DNN_OK;
    }
    return dnn__fail(
        DNN_E_INVALID,
        "data set: field %s of sample %s is %s %s on %s, of sample %s it is %s %s on %s: they "
        "cannot be stacked; pass .collate to dnn_loader, or use a map that crops or pads",
        dnn__number_text(k), dnn__number_text(index[0]), dnn_dtype_name(first->dtype),
        dnn__shape_text(first->ndim, first->dim), dnn__dev(dnn__device_of(first))->name,
        dnn__number_text(index[i]), dnn_dtype_name(t->dtype), dnn__shape_text(t->ndim, t->dim),
        dnn__dev(dnn__device_of(t))->name);
}

/* Copies bytes: dnn_stack would plan an operator of n inputs. */
static dnn_status stack_on_cpu(dnn_tensor *const *sample, int64_t n, dnn_tensor **out)
{
    int64_t dim[1 + DNN_MAX_DIMS] = {n};
    size_t bytes = (size_t)dnn__numel(sample[0]) * dnn__item_size(sample[0]->dtype);

    memcpy(dim + 1, sample[0]->dim, sizeof(int64_t) * (size_t)sample[0]->ndim);
    DNN_TRY(dnn__check_shape("data set", sample[0]->dtype, sample[0]->ndim + 1, dim, NULL));
    *out = dnn__tensor_new("data set", sample[0]->dtype, sample[0]->ndim + 1, dim, dnn__cpu());
    for (int64_t i = 0; i < n && *out != NULL; i++) {
        DNN_SCOPE();
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

dnn_status dnn__stack(dnn_tensor *const *sample, int64_t n, dnn_tensor **out)
{
    if (dnn__dev(dnn__device_of(sample[0]))->api == NULL) {
        return stack_on_cpu(sample, n, out);
    }
    *out = dnn_stack((dnn_tensor_list){.n = n, .item = sample}, 0);
    return *out != NULL ? DNN_OK : dnn__take();
}

static dnn_status stack_field(int64_t k, const int64_t *index, int64_t n,
                              const dnn_tensor_list *sample, dnn_tensor **one, dnn_tensor **out)
{
    for (int64_t i = 0; i < n; i++) {
        one[i] = sample[i].item[k];
        DNN_TRY(check_alike(k, index, i, one[0], one[i]));
    }
    return dnn__stack(one, n, out);
}

dnn_status dnn__samples_stack(dnn__samples *s, const int64_t *index, int64_t n)
{
    dnn_tensor **one, **field;
    int64_t n_fields;

    if (s->sample == NULL) {
        return DNN_OK;
    }
    n_fields = s->sample[0].n;
    for (int64_t i = 1; i < n; i++) {
        if (s->sample[i].n != n_fields) {
            return dnn__fail(DNN_E_INVALID,
                             "data set: sample %s has %s fields, sample %s has %s: they cannot be "
                             "stacked; pass .collate to dnn_loader",
                             dnn__number_text(index[0]), dnn__number_text(n_fields),
                             dnn__number_text(index[i]), dnn__number_text(s->sample[i].n));
        }
    }
    one = dnn__scratch("data set", n, sizeof *one);
    field = dnn__scratch("data set", n_fields, sizeof *field);
    if (one == NULL || field == NULL) {
        return dnn__take();
    }
    for (int64_t k = 0; k < n_fields; k++) {
        DNN_TRY(stack_field(k, index, n, s->sample, one, &field[k]));
    }
    *s = (dnn__samples){.batch = {.n = n_fields, .item = field}};
    return DNN_OK;
}

void dnn__copy_rows(dnn_tensor *to, const int64_t *to_row, const dnn_tensor *from,
                    const int64_t *from_row, int64_t n)
{
    size_t item = dnn__item_size(to->dtype),
           row = (size_t)dnn__numel_of(to->ndim - 1, to->dim + 1) * item;
    const char *source;
    char *target;

    if (row == 0 || n == 0) {
        return;
    }
    source = (const char *)from->storage->data + (size_t)from->offset * item;
    target = (char *)to->storage->data + (size_t)to->offset * item;
    for (int64_t i = 0; i < n; i++) {
        size_t to_i = (size_t)(to_row != NULL ? to_row[i] : i),
               from_i = (size_t)(from_row != NULL ? from_row[i] : i);

        memcpy(target + to_i * row, source + from_i * row, row);
    }
}
