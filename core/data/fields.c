/* fields.c - the list of fields that a function of the program changes. */
#include <string.h>
#include "fields.h"

dnn_status dnn__list_set(dnn__list *l, dnn_tensor *const *item, int64_t n)
{
    dnn_tensor **old = l->more, **grown;
    size_t bytes;

    if (n > DNN__FEW_FIELDS && n > l->capacity) {
        grown = dnn__size_mul((size_t)n, sizeof *grown, &bytes) ? dnn__alloc(bytes) : NULL;
        if (grown == NULL) {
            return dnn__nomem("fields", (size_t)n * sizeof *grown);
        }
        memcpy(grown, item, bytes);
        l->more = grown;
        l->capacity = n;
        dnn__free(old);
    } else if (n > 0) {
        memmove(dnn__list_items(l), item, (size_t)n * sizeof *item);
    }
    l->n = n;
    return DNN_OK;
}

void dnn__list_free(dnn__list *l)
{
    dnn__free(l->more);
    *l = (dnn__list){.n = 0};
}

dnn_status dnn__list_take(dnn__list *l, dnn_tensor *const *item, int64_t n)
{
    DNN_TRY(dnn__list_set(l, item, n));
    for (int64_t k = 0; k < n; k++) {
        dnn_retain(item[k]);
    }
    return DNN_OK;
}

void dnn__list_release(dnn__list *l)
{
    for (int64_t k = 0; k < l->n; k++) {
        dnn_release(dnn__list_items(l)[k]);
    }
    l->n = 0;
}

dnn_fields dnn__list_fields(dnn__list *l, int64_t index)
{
    return (dnn_fields){
        .field = dnn__list_items(l), .n_fields = l->n, .index = index, .dnn_list = l};
}

dnn_status dnn_fields_set(dnn_fields *fields, dnn_tensor_list list)
{
    dnn__list *l;

    DNN_TRY(dnn__take());
    if (fields == NULL || list.n < 1 || list.item == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_fields_set: %s",
                         fields == NULL ? "fields is NULL" : "the list is empty");
    }
    DNN_TRY(dnn__check_alive_list("dnn_fields_set", "list", list.item, list.n));
    for (int64_t k = 0; k < list.n; k++) {
        if (list.item[k] == NULL) {
            return dnn__fail(DNN_E_INVALID, "dnn_fields_set: field %s of %s is NULL",
                             dnn__number_text(k), dnn__number_text(list.n));
        }
    }
    l = fields->dnn_list;
    if (l == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_fields_set: fields is not what libdnn passed to the "
                                        "function");
    }
    DNN_TRY(dnn__list_set(l, list.item, list.n));
    *fields = dnn__list_fields(l, fields->index);
    return DNN_OK;
}

dnn_status dnn__sample_check(const dnn_fields *fields)
{
    DNN_TRY(dnn__take());
    if (fields->n_fields < 1) {
        return dnn__fail(DNN_E_INVALID, "it left no field");
    }
    for (int64_t k = 0; k < fields->n_fields; k++) {
        if (fields->field[k] == NULL) {
            return dnn__fail(DNN_E_INVALID, "it left field %s NULL, and no error is pending",
                             dnn__number_text(k));
        }
        DNN_TRY(dnn__check_alive("data set", "a field of the function", fields->field[k]));
    }
    return DNN_OK;
}
