/* composite.c - public operators without a row: other operators compute them and record their
 * gradients. An operator gets a row only where speed, accuracy or memory need one. */
#include "ops_impl.h"

/* A function of one operand, written in x. The scope releases intermediate tensors at once; the
 * tape keeps those that gradients need. */
#define DEFINE_COMPOSITE(name, expression) \
    dnn_tensor *dnn_##name(dnn_tensor *x)  \
    {                                      \
        if (!dnn__ready(#name, x)) {       \
            return NULL;                   \
        }                                  \
        DNN_SCOPE();                       \
        return dnn_keep(expression);       \
    }

/* trunc has slope 0, so the gradient is dy. */
DEFINE_COMPOSITE(frac, dnn_sub(x, dnn_trunc(x)))

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
