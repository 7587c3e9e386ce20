/* define_calls.h - macros that define the public function of a row, where the call only names the
 * row. Private; the elementwise families of core/ops include it. */
#ifndef DNN__DEFINE_CALLS_H
#define DNN__DEFINE_CALLS_H
#include "ops_impl.h"

#define DEFINE_UNARY(name)                   \
    dnn_tensor *dnn_##name(dnn_tensor *x)    \
    {                                        \
        return dnn__unary(DNN_OP_##name, x); \
    }
#define DEFINE_UNARY_IN_PLACE(name)           \
    dnn_tensor *dnn_##name##_(dnn_tensor *x)  \
    {                                         \
        return dnn__unary_(DNN_OP_##name, x); \
    }
#define DEFINE_BINARY(name)                              \
    dnn_tensor *dnn_##name(dnn_tensor *a, dnn_tensor *b) \
    {                                                    \
        return dnn__binary(DNN_OP_##name, a, b);         \
    }
#define DEFINE_BINARY_IN_PLACE(name)                        \
    dnn_tensor *dnn_##name##_(dnn_tensor *a, dnn_tensor *b) \
    {                                                       \
        return dnn__binary_(DNN_OP_##name, a, b);           \
    }
#define DEFINE_SCALAR(name)                                    \
    dnn_tensor *dnn_##name##_scalar(dnn_tensor *a, double b)   \
    {                                                          \
        return dnn__binary_number(DNN_OP_##name, a, b, false); \
    }

#endif
