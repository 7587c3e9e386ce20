/* order.c - which samples are in which batch: the order of an epoch, the indices and the size of a
 * batch. It takes no lock; the callers keep the order from changing. */
#include "loader_object.h"
#include "order.h"
#include "sampler.h"

int64_t dnn__order_size(const dnn_loader *l, int64_t batch)
{
    int64_t left = l->samples - batch * l->batch_size;

    return l->set->size < 0 || left > l->batch_size ? l->batch_size : left;
}

const int64_t *dnn__order_indices(const dnn_loader *l, int64_t batch, int64_t *list)
{
    int64_t first = batch * l->batch_size, n = dnn__order_size(l, batch);

    if (l->order != NULL) {
        return l->order + first;
    }
    for (int64_t i = 0; i < n; i++) {
        list[i] = first + i;
    }
    return list;
}

dnn_status dnn__order_fill(const dnn_loader *l, uint64_t seed, int64_t epoch, int64_t *order)
{
    return order != NULL ? dnn__sampler_fill(l->sampler, l->set, seed, epoch, order) : DNN_OK;
}

dnn_status dnn__order_check_epoch(const dnn_loader *l, const char *function, int64_t epoch)
{
    if (l == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: loader is NULL", function);
    }
    if (epoch < 0 || epoch >= DNN__EPOCHS) {
        return dnn__fail(DNN_E_INVALID, "%s: epoch is %s, must be 0 to %s", function,
                         dnn__number_text(epoch), dnn__number_text(DNN__EPOCHS - 1));
    }
    if (atomic_load(&dnn__forked)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: this process was forked from one that uses libdnn; exec first",
                         function);
    }
    return DNN_OK;
}
