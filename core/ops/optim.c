/* optim.c - shape rules of the rows of optimizers. core/optim calls dispatch with these rows. */
#include "ops_impl.h"
#include "rules.h"

static dnn_status check_number_operand(const dnn__sig *sig, int i, const char *name)
{
    const dnn_tensor *t = sig->in[i];

    if (t == NULL || t->ndim != 0 || t->dtype != DNN_T_F64) {
        return dnn__fail(DNN_E_INVALID, "%s: %s is %s %s, must be f64 of rank 0", sig->op->name,
                         name, t == NULL ? "NULL" : dnn_dtype_name(t->dtype),
                         t == NULL ? "" : dnn__dims_text(t));
    }
    return DNN_OK;
}

/* t is the gradient or buffer of parameter p: it has the same dims and dtype. */
static dnn_status check_like(const char *op, int i, const dnn_tensor *p, const char *name,
                             const dnn_tensor *t)
{
    if (t->dtype != p->dtype || !dnn__same_dims(p->ndim, p->dim, t->ndim, t->dim)) {
        return dnn__fail(DNN_E_INVALID, "%s: parameter %d is %s %s, its %s is %s %s: must be equal",
                         op, i, dnn_dtype_name(p->dtype), dnn__dims_text(p), name,
                         dnn_dtype_name(t->dtype), dnn__dims_text(t));
    }
    return DNN_OK;
}

/* in: lr, momentum, then p, g and buffer (or NULL) of each parameter. out: the same p and buffer.
 */
dnn_status dnn__sgd_shape(dnn__sig *sig)
{
    const char *op = sig->op->name;
    int n = (sig->n_in - 2) / 3;

    if (sig->n_in < 5 || (sig->n_in - 2) % 3 != 0 || sig->n_out != 2 * n) {
        return dnn__fail(DNN_E_INVALID, "%s: %d inputs and %d outputs, not 2 + 3 n and 2 n", op,
                         sig->n_in, sig->n_out);
    }
    DNN_TRY(check_number_operand(sig, 0, "lr"));
    DNN_TRY(check_number_operand(sig, 1, "momentum"));
    for (int i = 0; i < n; i++) {
        const dnn_tensor *p = sig->in[2 + 3 * i], *g = sig->in[3 + 3 * i],
                         *buffer = sig->in[4 + 3 * i];

        if (p == NULL || g == NULL) {
            return dnn__fail(DNN_E_INVALID, "%s: parameter %d %s", op, i,
                             p == NULL ? "is NULL"
                                       : "has no gradient: backward has not reached it");
        }
        if (sig->given[2 * i] != p || sig->given[2 * i + 1] != buffer) {
            bool is_p = sig->given[2 * i] == p;

            return dnn__fail(DNN_E_INVALID, "%s: output %d is not %s %d", op, 2 * i + is_p,
                             is_p ? "the buffer of parameter" : "parameter", i);
        }
        if (!dnn__is_float(p->dtype) || p->dtype != sig->in[2]->dtype) {
            return dnn__fail(
                DNN_E_INVALID,
                "%s: parameter %d is %s, parameter 0 is %s: must be one floating dtype", op, i,
                dnn_dtype_name(p->dtype), dnn_dtype_name(sig->in[2]->dtype));
        }
        DNN_TRY(check_like(op, i, p, "gradient", g));
        DNN_TRY(buffer == NULL ? DNN_OK : check_like(op, i, p, "buffer", buffer));
    }
    return DNN_OK;
}
