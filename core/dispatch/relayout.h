/* relayout.h - converts tensors out of private layouts and between them. The rules and the lock:
 * layout.h. Private. */
#ifndef DNN__RELAYOUT_H
#define DNN__RELAYOUT_H
#include "tensor_impl.h"

/* Copies t's elements into another layout (0: strided and dense), in a new tensor of the scope.
 * dnn_counters counts it. */
dnn_status dnn__reorder(dnn_tensor *t, uint32_t layout, dnn_tensor **out);
/* Checks that dnn__reorder would succeed. bytes: the size under `from`; *result (may be NULL): the
 * size under `to`. Moves no elements. */
dnn_status dnn__can_reorder(const dnn__desc *desc, dnn__device *device, uint32_t from,
                            uint64_t bytes, uint32_t to, uint64_t *result);
/* Makes t's storage strided if it has a private layout. To be called before a view of t is made or
 * its bytes are read; not under the layouts' lock. Fails as an operator does. */
dnn_status dnn__make_strided_slow(dnn_tensor *t);
static inline dnn_status dnn__make_strided(dnn_tensor *t)
{
    return DNN__LIKELY(dnn__layout_of(t->storage) == 0) ? DNN_OK : dnn__make_strided_slow(t);
}

#endif
