/* desc.c - comparison of tensor descriptions: dtype and dims. */
#include <string.h>
#include "tensor_impl.h"

bool dnn__same_desc(const dnn__desc *a, const dnn_tensor *t)
{
    return a->dtype == t->dtype && a->ndim == t->ndim &&
           memcmp(a->dim, t->dim, sizeof(int64_t) * (size_t)t->ndim) == 0;
}
