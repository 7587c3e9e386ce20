/* read_value.h - dnn_value in the status idiom, for tests that look at the status. */
#ifndef READ_VALUE_H
#define READ_VALUE_H
#include "dnn/tensor.h"

/* *out is unchanged on failure. */
static inline dnn_status read_value(dnn_tensor *t, double *out)
{
    double value = dnn_value(t);
    dnn_status status = dnn_take_error();

    if (status == DNN_OK) {
        *out = value;
    }
    return status;
}

#endif
