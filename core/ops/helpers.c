/* helpers.c - what the families of operators share (ops_impl.h). It calls rows of the table, not
 * public operators. */
#include "ops_impl.h"

/* ---- numbers beside tensors ---- */

dnn_tensor *dnn__binary_number(dnn__op_id op, dnn_tensor *a, double number, bool first)
{
    dnn_tensor *operand, *y;

    if (!dnn__ready(dnn__ops[op].name, a)) {
        return NULL;
    }
    operand = dnn__number(dnn__ops[op].name, number, a);
    if (operand == NULL) {
        return NULL;
    }
    y = first ? dnn__binary(op, operand, a) : dnn__binary(op, a, operand);
    dnn_release(operand);
    return y;
}

dnn_tensor *dnn__binary_number_(dnn__op_id op, dnn_tensor *a, double number)
{
    dnn_tensor *operand, *y;

    if (!dnn__ready(dnn__ops[op].name, a)) {
        return NULL;
    }
    operand = dnn__number(dnn__ops[op].name, number, a);
    if (operand == NULL) {
        return NULL;
    }
    y = dnn__binary_(op, a, operand);
    dnn_release(operand);
    return y;
}

/* ---- gradients ---- */

void dnn__give(dnn__grad *g, int i, dnn_tensor *dx)
{
    g->din[i] = dnn__sum_to_desc(dx, &g->in_desc[i]);
}
