/* elementwise.c - elementwise operators: the shape rules that they share, and the calls that are
 * only a public name and its row. Their gradients stand in unary.c, activation.c and binary.c, with
 * the calls that do more; comparisons have no gradient. */
#include "ops_impl.h"
#include "rules.h"

/* ---- shape rules ---- */

/* The result has the first operand's dtype and the dims to which all operands broadcast. */
dnn_status dnn__elementwise_shape(dnn__sig *sig)
{
    dnn__desc *out = &sig->out[0];

    out->dtype = sig->in[0]->dtype;
    dnn__take_dims(out, sig->in[0]);
    for (int i = 1; i < sig->n_in; i++) {
        const dnn_tensor *x = sig->in[i];

        if (x != NULL) {
            DNN_TRY(dnn__broadcast(sig->op->name, out->ndim, out->dim, x->ndim, x->dim, &out->ndim,
                                   out->dim));
        }
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

/* ---- calls: public name, row ---- */

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

DEFINE_BINARY(add)
DEFINE_BINARY(sub)
DEFINE_BINARY(mul)
DEFINE_BINARY(div)
DEFINE_BINARY(pow)
DEFINE_BINARY(floor_divide)
DEFINE_BINARY(remainder)
DEFINE_BINARY(fmod)
DEFINE_BINARY(atan2)
DEFINE_BINARY(maximum)
DEFINE_BINARY(minimum)
DEFINE_BINARY(fmax)
DEFINE_BINARY(fmin)
DEFINE_BINARY(eq)
DEFINE_BINARY(ne)
DEFINE_BINARY(lt)
DEFINE_BINARY(le)
DEFINE_BINARY(gt)
DEFINE_BINARY(ge)
DEFINE_BINARY(logical_and)
DEFINE_BINARY(logical_or)
DEFINE_BINARY(logical_xor)
DEFINE_SCALAR(add)
DEFINE_SCALAR(sub)
DEFINE_SCALAR(mul)
DEFINE_SCALAR(div)
DEFINE_SCALAR(eq)
DEFINE_SCALAR(ne)
DEFINE_SCALAR(lt)
DEFINE_SCALAR(le)
DEFINE_SCALAR(gt)
DEFINE_SCALAR(ge)
DEFINE_BINARY_IN_PLACE(add)
DEFINE_BINARY_IN_PLACE(sub)
DEFINE_BINARY_IN_PLACE(mul)
DEFINE_BINARY_IN_PLACE(div)
DEFINE_UNARY(neg)
DEFINE_UNARY(abs)
DEFINE_UNARY(sign)
DEFINE_UNARY(square)
DEFINE_UNARY(floor)
DEFINE_UNARY(ceil)
DEFINE_UNARY(round)
DEFINE_UNARY(trunc)
DEFINE_UNARY(reciprocal)
DEFINE_UNARY(sqrt)
DEFINE_UNARY(rsqrt)
DEFINE_UNARY(exp)
DEFINE_UNARY(exp2)
DEFINE_UNARY(expm1)
DEFINE_UNARY(log)
DEFINE_UNARY(log2)
DEFINE_UNARY(log10)
DEFINE_UNARY(log1p)
DEFINE_UNARY(sin)
DEFINE_UNARY(cos)
DEFINE_UNARY(tan)
DEFINE_UNARY(asin)
DEFINE_UNARY(acos)
DEFINE_UNARY(atan)
DEFINE_UNARY(sinh)
DEFINE_UNARY(cosh)
DEFINE_UNARY(tanh)
DEFINE_UNARY(erf)
DEFINE_UNARY(erfc)
DEFINE_UNARY(softsign)
DEFINE_UNARY(sigmoid)
DEFINE_UNARY(relu)
DEFINE_UNARY(silu)
DEFINE_UNARY(logical_not)
DEFINE_UNARY(isnan)
DEFINE_UNARY(isinf)
DEFINE_UNARY(isfinite)
DEFINE_UNARY_IN_PLACE(neg)
DEFINE_UNARY_IN_PLACE(relu)
DEFINE_UNARY_IN_PLACE(sigmoid)
DEFINE_UNARY_IN_PLACE(tanh)
DEFINE_UNARY_IN_PLACE(exp)
DEFINE_UNARY_IN_PLACE(sqrt)
