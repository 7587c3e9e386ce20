/* dataset.c - data sets as counted objects: their facts, checked access, and functions that the
 * kinds of sets share. The other files of this folder have the kinds. It takes no lock: a set does
 * not change after its creation. */
#include <string.h>
#include "dataset.h"

static void destroy(dnn_object *object)
{
    dnn_dataset *set = (dnn_dataset *)(void *)object;

    if (set->type->close != NULL) {
        set->type->close(set);
    }
    dnn_release(set->base);
    dnn__object_free(set, set->bytes);
}

void *dnn__dataset_new(size_t bytes, const dnn__dataset_type *type, int64_t size, int n_fields,
                       dnn_dataset *base)
{
    static const dnn__kind kind = {.name = "data set", .destroy = destroy};
    dnn_dataset *set = dnn__object_zeroed(&kind, bytes, "data set");

    if (set == NULL) {
        return NULL;
    }
    set->bytes = bytes;
    set->type = type;
    set->size = size;
    set->n_fields = n_fields;
    set->base = dnn_retain(base);
    return set;
}

bool dnn__dataset_ready(const char *function, const dnn_dataset *set)
{
    if (dnn__pending() != DNN_OK) {
        return false;
    }
    if (set == NULL) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: the data set is NULL", function));
        return false;
    }
    return dnn__alive(function, "the data set", set);
}

/* ---- facts ---- */

int64_t dnn_dataset_size(const dnn_dataset *set)
{
    return dnn__usable(set) ? set->size : 0;
}

int dnn_dataset_fields(const dnn_dataset *set)
{
    return dnn__usable(set) ? set->n_fields : 0;
}

/* Returns the set that has the text, name, digest and labels; NULL for NULL. */
static const dnn_dataset *source_of(const dnn_dataset *set)
{
    while (set != NULL && set->base != NULL) {
        set = set->base;
    }
    return set;
}

const char *dnn_dataset_text(const dnn_dataset *set)
{
    return dnn__usable(set) ? source_of(set)->text : NULL;
}

const char *dnn_dataset_name(const dnn_dataset *set)
{
    return dnn__usable(set) ? source_of(set)->name : NULL;
}

const char *dnn_dataset_digest(const dnn_dataset *set)
{
    return dnn__usable(set) ? source_of(set)->digest : NULL;
}

const char *const *dnn_dataset_labels(const dnn_dataset *set)
{
    return dnn__usable(set) ? source_of(set)->labels : NULL;
}

const char *dnn__dataset_called(const dnn_dataset *set)
{
    const char *text = dnn_dataset_text(set), *name = text != NULL ? text : dnn_dataset_name(set);

    return name != NULL ? name : "of the program";
}

/* ---- access ---- */

dnn_status dnn__dataset_check_indices(const char *function, const dnn_dataset *set,
                                      const int64_t *index, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= set->size) {
            return dnn__fail(
                DNN_E_INVALID, "%s: index %s (element %s of the list) is outside [0, %s)", function,
                dnn__number_text(index[i]), dnn__number_text(i), dnn__number_text(set->size));
        }
    }
    return DNN_OK;
}

/* The scope releases all intermediate tensors; only the fields leave it. */
static dnn_status get(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    dnn_tensor *made[DNN_FIELD_MAX] = {NULL};
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        st = set->type->get(set, index, n, made);
        for (int i = 0; i < set->n_fields && st == DNN_OK; i++) {
            dnn_keep(made[i]);
        }
    }
    if (st == DNN_OK) {
        memcpy(field, made, (size_t)set->n_fields * sizeof *made);
    }
    return st;
}

dnn_status dnn_dataset_get(dnn_dataset *set, const int64_t *index, int64_t n, dnn_tensor **field)
{
    DNN_TRY(dnn__require(set, "dnn_dataset_get", "set"));
    DNN_TRY(dnn__require(index, "dnn_dataset_get", "index"));
    DNN_TRY(dnn__require(field, "dnn_dataset_get", "field"));
    if (n < 1) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_get: n is %s, must be 1 or more",
                         dnn__number_text(n));
    }
    DNN_TRY(dnn__dataset_check_indices("dnn_dataset_get", set, index, n));
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_dataset_get: this process was forked from one that uses libdnn; exec first");
    }
    return get(set, index, n, field);
}

/* ---- shared by the kinds ---- */

dnn_status dnn__scratch(const char *what, int64_t count, size_t element, dnn__storage **out)
{
    size_t bytes;

    if (!dnn__size_mul((size_t)count, element, &bytes)) {
        return dnn__nomem(what, SIZE_MAX);
    }
    return dnn__storage_new(dnn__cpu(), bytes, what, out);
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
