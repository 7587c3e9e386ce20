/* read_value.h - values and texts in the status idiom, for tests that look at the status. */
#ifndef READ_VALUE_H
#define READ_VALUE_H
#include <string.h>
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

/* Copies a text that a function returned: at most `room` bytes with the final 0. Returns the
 * length of the whole text, or the status of the pending error, which it takes. */
static inline int64_t copy_text(const char *from, char *text, size_t room)
{
    size_t length = from != NULL ? strlen(from) : 0;

    if (from == NULL) {
        return dnn_take_error();
    }
    if (room > 0) {
        size_t n = length < room ? length : room - 1;

        memcpy(text, from, n);
        text[n] = 0;
    }
    return (int64_t)length;
}

#endif
