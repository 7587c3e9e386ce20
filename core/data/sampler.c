/* sampler.c - which samples are in which batch: the permutation of an epoch, the indices and the
 * size of a batch. It takes no lock; the callers keep the order from changing. */
#include "loader_object.h"
#include "sampler.h"

enum { EPOCHS = 1 << 24 }; /* epoch * 2^40 fits in 64 bits: dnn__sampler_permute */

int64_t dnn__sampler_size(const dnn_loader *l, int64_t batch)
{
    int64_t left = l->samples - batch * l->batch_size;

    return left < l->batch_size ? left : l->batch_size;
}

const int64_t *dnn__sampler_indices(const dnn_loader *l, int64_t batch, int64_t *list)
{
    int64_t first = batch * l->batch_size, n = dnn__sampler_size(l, batch);

    if (l->order != NULL) {
        return l->order + first;
    }
    for (int64_t i = 0; i < n; i++) {
        list[i] = first + i;
    }
    return list;
}

/* Epoch e draws from offset e * 2^40 of the loader's stream, so that two epochs never use the same
 * random number. */
dnn_status dnn__sampler_permute(const dnn_loader *l, uint64_t seed, int64_t epoch, int64_t *order)
{
    if (order == NULL) {
        return DNN_OK;
    }
    return dnn__permutation(seed, DNN__RNG_LOADER, (uint64_t)epoch << 40, l->set->size, order);
}

dnn_status dnn__sampler_check_epoch(const dnn_loader *l, const char *function, int64_t epoch)
{
    if (l == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: loader is NULL", function);
    }
    if (epoch < 0 || epoch >= EPOCHS) {
        return dnn__fail(DNN_E_INVALID, "%s: epoch is %s, must be 0 to %s", function,
                         dnn__number_text(epoch), dnn__number_text(EPOCHS - 1));
    }
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: this process was forked from one that uses libdnn; exec first",
                         function);
    }
    return DNN_OK;
}
