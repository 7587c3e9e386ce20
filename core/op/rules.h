/* rules.h - prototypes of the rules that the operator table names, expanded from it; each rule is
 * defined with its operator in core/ops. */
#ifndef DNN__RULES_H
#define DNN__RULES_H
#include "op.h"

/* no_shape, no_gradient, and the decompositions and composed gradients of rows without them are
 * declared and never used. */
#define DNN_OP(name, shape, gradient, ...)            \
    dnn_status dnn__##shape(dnn__sig *sig);           \
    void dnn__##gradient(dnn__grad *grad);            \
    void dnn__##gradient##_composed(dnn__grad *grad); \
    void dnn__##name##_decompose(dnn__decomposition *parts);
#include "op_table.def"
#undef DNN_OP

#endif
