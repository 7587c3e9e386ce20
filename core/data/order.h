/* order.h - which samples are in which batch. worker_pool.c and loader.c call it. Private to
 * core/data. */
#ifndef DNN__ORDER_H
#define DNN__ORDER_H
#include "dataset.h"

/* Returns the number of samples in the batch; for a set without a length, at most that many. */
int64_t dnn__order_size(const dnn_loader *loader, int64_t batch);
/* Returns the indices of a batch: a part of the loader's order, or `list` filled, which has room
 * for batch_size indices. */
const int64_t *dnn__order_indices(const dnn_loader *loader, int64_t batch, int64_t *list);
/* Writes the order of an epoch to order[]; does nothing if order is NULL. */
dnn_status dnn__order_fill(const dnn_loader *loader, uint64_t seed, int64_t epoch, int64_t *order);
/* Checks the epoch that a call moves the loader to. */
dnn_status dnn__order_check_epoch(const dnn_loader *loader, const char *function, int64_t epoch);

#endif
