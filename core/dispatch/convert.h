/* convert.h - copies that dispatch needs of operands: the copy row, called through reenter.h.
 * Private. */
#ifndef DNN__CONVERT_H
#define DNN__CONVERT_H
#include "tensor_impl.h"

/* Copies src over dst, casting. Recorded as any call unless gradients are off. */
dnn_status dnn__copy_to(dnn_tensor *dst, dnn_tensor *src);
/* A dense copy of x in dtype; `op` begins the message. NULL: the error is pending. */
dnn_tensor *dnn__copy_as(const char *op, dnn_tensor *x, dnn_dtype dtype);
/* x itself where it is dense and strided, else a dense copy. NULL: the error is pending. */
dnn_tensor *dnn__contiguous(dnn_tensor *x);

#endif
