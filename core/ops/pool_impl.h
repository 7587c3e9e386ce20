/* pool_impl.h - what the pooling operators share: options, the dims of a pooled tensor, the batch
 * axis. Private; max_pool.c and avg_pool.c include it. */
#ifndef DNN__POOL_IMPL_H
#define DNN__POOL_IMPL_H
#include "ops_impl.h"

/* y [N,C,Ho,Wo] for x [N,C,H,W]; y[4] is set. */
dnn_status dnn__pool_dims(const char *op, const dnn_attr_pool2d *attr, int ndim, const int64_t *x,
                          int64_t *y);

/* The options that max and average pooling have in common. Fails with a pending error. */
bool dnn__pool_attr(const char *op, const dnn_max_pool2d_args *args, dnn_attr_pool2d *attr);

/* x as [N,C,H,W]. The caller calls dnn__drop on the result. NULL: an error is pending. */
dnn_tensor *dnn__pool_batch(const char *op, dnn_tensor *x);

/* y without the batch axis where the given x has none. Takes ownership of y. */
dnn_tensor *dnn__pool_unbatch(dnn_tensor *y, const dnn_tensor *given);

/* A new [N,C,height,width] for adaptive pooling, whose destination determines the size. NULL: an
 * error is pending. */
dnn_tensor *dnn__adaptive_destination(const char *op, const dnn_tensor *x, int64_t height,
                                      int64_t width);

#endif
