/* convert.c - copies of operands for dispatch: in another dtype, dense, or over a destination.
 * Calls the copy row through reenter.h. core/ops/copy.c builds the public calls on these. */
#include "convert.h"
#include "reenter.h"
#include "relayout.h"

dnn_status dnn__copy_to(dnn_tensor *dst, dnn_tensor *src)
{
    dnn__request request = {.op = DNN_OP_copy, .n_in = 1, .n_out = 1, .in = &src, .out = &dst};

    return dnn__reenter.dispatch(&request);
}

dnn_tensor *dnn__copy_as(const char *op, dnn_tensor *x, dnn_dtype dtype)
{
    dnn_tensor *y = dnn__tensor_new(op, dtype, x->ndim, x->dim, dnn__device_of(x));
    dnn_status status;

    if (y == NULL) {
        return NULL;
    }
    status = dnn__copy_to(y, x);
    if (status != DNN_OK) {
        dnn_release(y);
        return dnn__null(status);
    }
    return y;
}

dnn_tensor *dnn__contiguous(dnn_tensor *x)
{
    dnn_status status;

    if (!dnn__dense(x)) {
        return dnn__copy_as("contiguous", x, x->dtype);
    }
    status = dnn__make_strided(x);
    return status == DNN_OK ? x : dnn__null(status);
}
