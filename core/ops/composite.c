/* composite.c - public operators without a row: other operators compute them and record their
 * gradients. An operator gets a row only where speed, accuracy or memory need one. */
#include "ops_impl.h"

/* x - trunc(x): trunc has slope 0, so the gradient is dy. */
dnn_tensor *dnn_frac(dnn_tensor *x)
{
    dnn_tensor *whole, *y;

    if (!dnn__ready("frac", x)) {
        return NULL;
    }
    whole = dnn_trunc(x);
    y = dnn_sub(x, whole);
    dnn_release(whole);
    return y;
}

dnn_tensor *dnn_masked_fill(dnn_tensor *x, dnn_tensor *mask, double value)
{
    dnn_tensor *number, *y;

    if (!dnn__ready("masked_fill", x) || !dnn__ready("masked_fill", mask)) {
        return NULL;
    }
    number = dnn__number("masked_fill", value, x);
    if (number == NULL) {
        return NULL;
    }
    y = dnn__ternary(DNN_OP_where, mask, number, x);
    dnn_release(number);
    return y;
}
