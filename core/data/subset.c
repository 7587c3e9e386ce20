/* subset.c - data sets of selected samples of another set: subset and random split. They hold
 * indices and never read a sample. */
#include <string.h>
#include "dataset.h"

struct subset {
    dnn_dataset set;
    int64_t index[];
};

static dnn_status get_subset(dnn_dataset *set, const dnn__request *request, dnn__samples *out)
{
    const struct subset *s = (const struct subset *)set;
    dnn__request below = *request;
    int64_t *index = dnn__scratch("subset", request->n, sizeof *index);

    if (index == NULL) {
        return dnn__take();
    }
    for (int64_t i = 0; i < request->n; i++) {
        index[i] = s->index[request->index[i]];
    }
    below.index = index;
    return set->base->type->get(set->base, &below, out);
}

static const dnn__dataset_type subset_type = {.get = get_subset};

static dnn_status check_subset(const dnn_dataset *set, const int64_t *index, int64_t n,
                               size_t *bytes)
{
    if (n < 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_subset: n is %s, must be 0 or more",
                         dnn__number_text(n));
    }
    if (index == NULL && n > 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_subset: index is NULL and n is %s",
                         dnn__number_text(n));
    }
    if (!dnn__size_mul((size_t)n, sizeof *index, bytes) ||
        !dnn__size_add(*bytes, sizeof(struct subset), bytes)) {
        return dnn__nomem("dnn_dataset_subset", SIZE_MAX);
    }
    DNN_TRY(dnn__dataset_check_length("dnn_dataset_subset", set));
    return dnn__dataset_check_indices("dnn_dataset_subset", set, index, n);
}

dnn_dataset *dnn_dataset_subset(dnn_dataset *set, const int64_t *index, int64_t n)
{
    struct subset *s;
    size_t bytes = 0;
    dnn_status st;

    if (!dnn__dataset_ready("dnn_dataset_subset", set)) {
        return NULL;
    }
    st = check_subset(set, index, n, &bytes);
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

    DNN_TRY(dnn__dataset_check_length("dnn_dataset_random_split", set));
    if (n < 1) {
        return dnn__fail(DNN_E_INVALID, "dnn_dataset_random_split: %d parts, must be 1 or more", n);
    }
    for (int i = 0; i < n; i++) {
        if (sizes[i] < 0 || __builtin_add_overflow(total, sizes[i], &total)) {
            return dnn__fail(DNN_E_INVALID,
                             "dnn_dataset_random_split: sizes[%d] is %s, the set has %s samples", i,
                             dnn__number_text(sizes[i]), dnn__number_text(set->size));
        }
    }
    if (total != set->size) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_dataset_random_split: the sizes add up to %s, the set has %s samples",
                         dnn__number_text(total), dnn__number_text(set->size));
    }
    return DNN_OK;
}

/* All or none: after a failure every out[i] is NULL. */
static dnn_status make_parts(dnn_dataset *set, const int64_t *order, const int64_t *sizes, int n,
                             dnn_dataset **out)
{
    for (int i = 0; i < n; i++) {
        out[i] = dnn_dataset_subset(set, order, sizes[i]);
        if (out[i] == NULL) {
            while (--i >= 0) {
                dnn_release(out[i]);
                out[i] = NULL;
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
    st = dnn__permutation(seed, DNN__RNG_SPLIT, 0, set->size, order);
    if (st == DNN_OK) {
        st = make_parts(set, order, sizes, n, out);
    }
    dnn__free(order);
    return st;
}
