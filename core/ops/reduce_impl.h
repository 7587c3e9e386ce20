/* reduce_impl.h - what the reductions of core/ops share: dims with and without the reduced axes.
 * Private; reduce.c defines it, reduce_dim.c includes it too. */
#ifndef DNN__REDUCE_IMPL_H
#define DNN__REDUCE_IMPL_H
#include "ops_impl.h"

/* out = x without the axes of mask; with keepdim they have size 1. */
void dnn__reduced_dims(const dnn_tensor *x, uint32_t mask, uint32_t keepdim, dnn__desc *out);

/* t, a result of x reduced over the axes of mask, with size 1 at those axes, so that it broadcasts
 * against x. */
dnn_tensor *dnn__with_axes(dnn_tensor *t, const dnn__desc *x, uint32_t mask);

#endif
