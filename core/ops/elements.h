/* elements.h - the elements of a tensor in host memory, for reading. Several threads may read one
 * tensor at once, because nothing is written to the handle. Private to core. */
#ifndef DNN__ELEMENTS_H
#define DNN__ELEMENTS_H
#include "tensor_impl.h"

typedef struct dnn__elements {
    const void *data; /* dense, row-major; NULL if the tensor has none */
    void *copy;       /* owned; NULL: data lies in the tensor */
    size_t bytes;
} dnn__elements;
/* Waits for the device. `what` begins the message of a failure. The tensor must not change before
 * dnn__elements_close. */
dnn_status dnn__elements_open(const char *what, dnn_tensor *t, dnn__elements *out);
void dnn__elements_close(dnn__elements *elements);

#endif
