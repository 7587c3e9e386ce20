/* relayout.h - tensors out of private layouts and between them. Private. layout.h says the rules
 * and the lock. */
#ifndef DNN__RELAYOUT_H
#define DNN__RELAYOUT_H
#include "tensor_impl.h"

/* t's elements in another layout (0: strided and dense), in a new tensor of the scope. Counted. */
dnn_status dnn__reorder(dnn_tensor *t, uint32_t layout, dnn_tensor **out);
/* Could that be done? `bytes` is the size under `from`; *result (may be NULL) the size under `to`.
 * Nothing is moved. */
dnn_status dnn__can_reorder(const dnn__desc *desc, dnn__device *device, uint32_t from,
                            uint64_t bytes, uint32_t to, uint64_t *result);
/* Makes t's storage strided if it lies in a private layout: ahead of every view of it and every
 * look at its bytes. Do not call it under the layouts' lock. Fails as an operator does. */
dnn_status dnn__make_strided_slow(dnn_tensor *t);
static inline dnn_status dnn__make_strided(dnn_tensor *t)
{
    return DNN__LIKELY(dnn__layout_of(t->storage) == 0) ? DNN_OK : dnn__make_strided_slow(t);
}

#endif
