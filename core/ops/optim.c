/* optim.c - shape rules of the optimizers' rows. The optimizers (core/optim) call dispatch
 * themselves; programs never do. */
#include "ops_impl.h"
#include "rules.h"

static dnn_status check_number_operand(const dnn__sig *sig, int i, const char *what)
{
    const dnn_tensor *t = sig->in[i];

    if (t == NULL || t->ndim != 0 || t->dtype != DNN_T_F64) {
        return dnn__fail(DNN_E_INVALID, "%s: %s is %s %s, must be one f64", sig->op->name, what,
                         t == NULL ? "NULL" : dnn_dtype_name(t->dtype),
                         t == NULL ? "" : dnn__dims_text(t));
    }
    return DNN_OK;
}

/* `t` stands beside p: the same dims and dtype. */
static dnn_status check_beside(const char *op, int i, const dnn_tensor *p, const char *what,
                               const dnn_tensor *t)
{
    if (t->dtype != p->dtype || !dnn__same_dims(p->ndim, p->dim, t->ndim, t->dim)) {
        return dnn__fail(DNN_E_INVALID, "%s: parameter %d is %s %s, its %s is %s %s", op, i,
                         dnn_dtype_name(p->dtype), dnn__dims_text(p), what,
                         dnn_dtype_name(t->dtype), dnn__dims_text(t));
    }
    return DNN_OK;
}

/* in: lr, momentum, then p, g, buffer or NULL for each parameter; out: p and buffer, the same
 * tensors. */
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

        if (p == NULL || g == NULL || sig->given[2 * i] != p || sig->given[2 * i + 1] != buffer) {
            return dnn__fail(
                DNN_E_INVALID,
                "%s: parameter %d or its gradient is NULL, or an output is not its input", op, i);
        }
        if (!dnn__is_float(p->dtype) || p->dtype != sig->in[2]->dtype) {
            return dnn__fail(
                DNN_E_INVALID,
                "%s: parameter %d is %s, parameter 0 is %s: must be one floating dtype", op, i,
                dnn_dtype_name(p->dtype), dnn_dtype_name(sig->in[2]->dtype));
        }
        DNN_TRY(check_beside(op, i, p, "gradient", g));
        DNN_TRY(buffer == NULL ? DNN_OK : check_beside(op, i, p, "buffer", buffer));
    }
    return DNN_OK;
}
