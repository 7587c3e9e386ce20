/* desc.c - what a tensor is without its data: dtype and dims. */
#include <string.h>
#include "tensor_impl.h"

void dnn__describe(dnn__desc *desc, const dnn_tensor *t)
{
    if (t == NULL) {
        desc->ndim = -1;
        desc->dtype = 0;
        return;
    }
    desc->dtype = t->dtype;
    desc->ndim = t->ndim;
    for (int i = 0; i < t->ndim; i++) {
        desc->dim[i] = t->dim[i];
    }
}

bool dnn__same_desc(const dnn__desc *a, const dnn_tensor *t)
{
    return a->dtype == t->dtype && a->ndim == t->ndim &&
           memcmp(a->dim, t->dim, sizeof(int64_t) * (size_t)t->ndim) == 0;
}
