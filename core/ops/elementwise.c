/* elementwise.c - the rules that elementwise rows share, and the calls of plain rows, which only
 * name the row. The other calls and all gradients are in unary.c, activation.c, binary.c, where.c.
 * Those files call each other's plain rows; with the calls here, core/ops has no circle of files.
 */
#include "ops_impl.h"
#include "rules.h"

/* The result has the first operand's dtype and the dims to which all operands broadcast. */
dnn_status dnn__elementwise_shape(dnn__sig *sig)
{
    dnn__desc *out = &sig->out[0];
    bool stretched = false;

    out->dtype = sig->in[0]->dtype;
    dnn__take_dims(out, sig->in[0]);
    for (int i = 1; i < sig->n_in; i++) {
        const dnn_tensor *x = sig->in[i];

        if (x != NULL && !dnn__same_dims(out->ndim, out->dim, x->ndim, x->dim)) {
            DNN_TRY(dnn__broadcast(sig->op->name, out->ndim, out->dim, x->ndim, x->dim, &out->ndim,
                                   out->dim));
            stretched = true;
        }
    }
    if (DNN__LIKELY(!stretched)) {
        return DNN_OK; /* the shape and dtype of an operand */
    }
    return dnn__check_shape(sig->op->name, out->dtype, out->ndim, out->dim, NULL);
}

dnn_status dnn__compare_shape(dnn__sig *sig)
{
    DNN_TRY(dnn__elementwise_shape(sig));
    sig->out[0].dtype = DNN_T_BOOL;
    return DNN_OK;
}

dnn_status dnn__same_shape(dnn__sig *sig)
{
    sig->out[0].dtype = sig->in[0]->dtype;
    dnn__take_dims(&sig->out[0], sig->in[0]);
    return DNN_OK;
}

dnn_status dnn__bool_shape(dnn__sig *sig)
{
    sig->out[0].dtype = DNN_T_BOOL;
    dnn__take_dims(&sig->out[0], sig->in[0]);
    return DNN_OK;
}

/* The gradient of a step function is zero, and so is each din that stays NULL. */
void dnn__zero_backward(dnn__grad *g)
{
    (void)g;
}

/* ---- calls of the plain rows of each family ---- */

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
#define DEFINE_BINARY(name)                                       \
    dnn_tensor *dnn_##name##_tensor(dnn_tensor *a, dnn_tensor *b) \
    {                                                             \
        return dnn__binary(DNN_OP_##name, a, b);                  \
    }
#define DEFINE_NUMBER(name)                                    \
    dnn_tensor *dnn_##name##_number(dnn_tensor *a, double b)   \
    {                                                          \
        return dnn__binary_number(DNN_OP_##name, a, b, false); \
    }
#define DEFINE_BINARY_IN_PLACE(name)                               \
    dnn_tensor *dnn_##name##_tensor_(dnn_tensor *a, dnn_tensor *b) \
    {                                                              \
        return dnn__binary_(DNN_OP_##name, a, b);                  \
    }
#define DEFINE_NUMBER_IN_PLACE(name)                          \
    dnn_tensor *dnn_##name##_number_(dnn_tensor *a, double b) \
    {                                                         \
        return dnn__binary_number_(DNN_OP_##name, a, b);      \
    }

/* Each row of these families has a public function. Those of ACTIVATION take options
 * (activation.c); a row of no family defines its function itself. */
#define DNN_OP(...)
#define UNARY_FLOAT(name, ...) DEFINE_UNARY(name)
#define UNARY_NUMBER(name, ...) DEFINE_UNARY(name)
#define UNARY_FLOAT_BWD(name, ...) DEFINE_UNARY(name)
#define UNARY_NUMBER_BWD(name, ...) DEFINE_UNARY(name)
#define UNARY_FLOAT_STEP(name, ...) DEFINE_UNARY(name)
#define UNARY_NUMBER_STEP(name, ...) DEFINE_UNARY(name)
#define TEST_FLOAT(name, ...) DEFINE_UNARY(name)
#define TEST_ANY(name, ...) DEFINE_UNARY(name)
#define ACTIVATION(...)
#define BINARY_FLOAT(name, ...) DEFINE_BINARY(name)
#define BINARY_NUMBER(name, ...) DEFINE_BINARY(name)
#define BINARY_NUMBER_STEP(name, ...) DEFINE_BINARY(name)
#define BINARY_ANY(name, ...) DEFINE_BINARY(name)
#define COMPARE(name, ...) DEFINE_BINARY(name)
#include "families/unary.def"
#include "families/binary.def"
#include "families/compare.def"

/* ---- calls with a number as b; dnn_pow_number has a rule of its own (binary.c) ---- */

DEFINE_NUMBER(add)
DEFINE_NUMBER(sub)
DEFINE_NUMBER(mul)
DEFINE_NUMBER(div)
DEFINE_NUMBER(floor_divide)
DEFINE_NUMBER(remainder)
DEFINE_NUMBER(fmod)
DEFINE_NUMBER(atan2)
DEFINE_NUMBER(maximum)
DEFINE_NUMBER(minimum)
DEFINE_NUMBER(fmax)
DEFINE_NUMBER(fmin)
DEFINE_NUMBER(logical_and)
DEFINE_NUMBER(logical_or)
DEFINE_NUMBER(logical_xor)
DEFINE_NUMBER(eq)
DEFINE_NUMBER(ne)
DEFINE_NUMBER(lt)
DEFINE_NUMBER(le)
DEFINE_NUMBER(gt)
DEFINE_NUMBER(ge)

/* ---- calls in place ---- */

DEFINE_BINARY_IN_PLACE(add)
DEFINE_BINARY_IN_PLACE(sub)
DEFINE_BINARY_IN_PLACE(mul)
DEFINE_BINARY_IN_PLACE(div)
DEFINE_BINARY_IN_PLACE(pow)
DEFINE_NUMBER_IN_PLACE(add)
DEFINE_NUMBER_IN_PLACE(sub)
DEFINE_NUMBER_IN_PLACE(mul)
DEFINE_NUMBER_IN_PLACE(div)
DEFINE_UNARY_IN_PLACE(neg)
DEFINE_UNARY_IN_PLACE(abs)
DEFINE_UNARY_IN_PLACE(relu)
DEFINE_UNARY_IN_PLACE(sigmoid)
DEFINE_UNARY_IN_PLACE(tanh)
DEFINE_UNARY_IN_PLACE(exp)
DEFINE_UNARY_IN_PLACE(log)
DEFINE_UNARY_IN_PLACE(sqrt)
