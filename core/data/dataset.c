/* dataset.c - data sets as counted objects: their facts, checked access, and functions that the
 * kinds of sets share. The other files of this folder have the kinds. It takes no lock: a set does
 * not change after its creation. */
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

void *dnn__dataset_new(size_t bytes, const dnn__dataset_type *type, int64_t size, int64_t n_fields,
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
    set->depth = base != NULL ? base->depth : 0;
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

dnn_status dnn__dataset_check_length(const char *function, const dnn_dataset *set)
{
    return set->size >= 0 ? DNN_OK
                          : dnn__fail(DNN_E_INVALID,
                                      "%s: the set has no length: its samples have no indices, "
                                      "and a loader reads them in order",
                                      function);
}

/* ---- facts ---- */

int64_t dnn_dataset_size(const dnn_dataset *set)
{
    return dnn__usable(set) ? set->size : 0;
}

int64_t dnn_dataset_fields(const dnn_dataset *set)
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

dnn_status dnn__dataset_read(dnn_dataset *set, const dnn__request *request,
                             dnn_status (*take)(void *ctx, const dnn__request *request,
                                                dnn__samples *samples),
                             void *ctx)
{
    dnn__samples samples = {.sample = NULL};
    dnn_status st;

    DNN_SCOPE();
    DNN_NO_GRAD();
    DNN_TRY(dnn__take()); /* the scope could not be opened */
    st = set->type->get(set, request, &samples);
    return st == DNN_OK ? take(ctx, request, &samples) : st;
}

/* Hands the fields to the scope around that of dnn__dataset_read. */
static void keep_all(dnn_tensor_list from, dnn_tensor **out)
{
    for (int64_t k = 0; k < from.n; k++) {
        out[k] = dnn_keep(from.item[k]);
    }
}

static dnn_status keep_list(dnn_tensor_list from, dnn_tensor_list *out)
{
    dnn_tensor **item = dnn__keep_array(dnn__scope_array(from.n));

    if (item == NULL) {
        return dnn__take();
    }
    keep_all(from, item);
    *out = (dnn_tensor_list){.n = from.n, .item = item};
    return DNN_OK;
}

static dnn_status take_batch(void *out, const dnn__request *r, dnn__samples *samples)
{
    DNN_TRY(dnn__samples_stack(samples, r->index, r->n));
    return keep_list(samples->batch, out);
}

static dnn_status take_one(void *out, const dnn__request *r, dnn__samples *samples)
{
    DNN_TRY(dnn__samples_split(samples, r->n));
    return keep_list(samples->sample[0], out);
}

static dnn_status check_read(const char *function, const dnn_dataset *set, const int64_t *index,
                             int64_t n)
{
    if (index == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: index is NULL", function);
    }
    if (n < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: n is %s, must be 1 or more", function,
                         dnn__number_text(n));
    }
    DNN_TRY(dnn__dataset_check_length(function, set));
    DNN_TRY(dnn__dataset_check_indices(function, set, index, n));
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: this process was forked from one that uses libdnn; exec first",
                         function);
    }
    return DNN_OK;
}

static dnn_tensor_list read_list(const char *function, dnn_dataset *set, const int64_t *index,
                                 int64_t n,
                                 dnn_status (*take)(void *, const dnn__request *, dnn__samples *))
{
    dnn_tensor_list list = {.n = 0};
    dnn_status st;

    if (!dnn__operand_ready(function, "set", set)) {
        return list;
    }
    st = check_read(function, set, index, n);
    if (st == DNN_OK) {
        const dnn__request request = {.index = index, .id = index, .n = n, .seed = dnn_get_seed()};

        st = dnn__dataset_read(set, &request, take, &list);
    }
    (void)dnn__ok(st);
    return list;
}

dnn_tensor_list dnn_dataset_get(dnn_dataset *set, const int64_t *index, int64_t n)
{
    return read_list("dnn_dataset_get", set, index, n, take_batch);
}

dnn_tensor_list dnn_dataset_sample(dnn_dataset *set, int64_t index)
{
    return read_list("dnn_dataset_sample", set, &index, 1, take_one);
}
