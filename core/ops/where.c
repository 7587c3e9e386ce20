/* where.c - operators that select between operands element by element: where, clamp. */
#include "ops_impl.h"
#include "rules.h"

/* ---- where ---- */

dnn_status dnn__where_shape(dnn__sig *sig)
{
    if (sig->in[0]->dtype != DNN_T_BOOL) {
        return dnn__fail(DNN_E_INVALID, "%s: condition is %s, must be bool", sig->op->name,
                         dnn_dtype_name(sig->in[0]->dtype));
    }
    if (sig->in[1]->dtype != sig->in[2]->dtype) {
        return dnn__fail(DNN_E_INVALID, "%s: dtypes differ: a is %s, b is %s", sig->op->name,
                         dnn_dtype_name(sig->in[1]->dtype), dnn_dtype_name(sig->in[2]->dtype));
    }
    DNN_TRY(dnn__elementwise_shape(sig));
    sig->out[0].dtype = sig->in[1]->dtype;
    return DNN_OK;
}

/* Dispatch would promote condition too, so a and b are promoted here. */
dnn_tensor *dnn_where(dnn_tensor *condition, dnn_tensor *a, dnn_tensor *b)
{
    dnn_dtype common;
    dnn_tensor *x, *y, *z;

    if (!dnn__ready("where", condition) || !dnn__ready("where", a) || !dnn__ready("where", b)) {
        return NULL;
    }
    common = dnn__promote(a->dtype, a->ndim == 0, b->dtype, b->ndim == 0);
    x = dnn_to(a, .dtype = common);
    y = dnn_to(b, .dtype = common);
    z = dnn__pending() == DNN_OK ? dnn__ternary(DNN_OP_where, condition, x, y) : NULL;
    if (x != a) {
        dnn_release(x);
    }
    if (y != b) {
        dnn_release(y);
    }
    return z;
}

void dnn__where_backward(dnn__grad *g)
{
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_masked_fill(g->dout[0], dnn_logical_not(g->in[0]), 0.0));
    }
    if (g->wants[2]) {
        dnn__give(g, 2, dnn_masked_fill(g->dout[0], g->in[0], 0.0));
    }
}

dnn_tensor *dnn_masked_fill_(dnn_tensor *x, dnn_tensor *mask, double value)
{
    dnn_tensor *in[] = {mask, NULL, x};

    if (!dnn__ready("masked_fill", x) || !dnn__ready("masked_fill", mask)) {
        return NULL;
    }
    in[1] = dnn__number("masked_fill", value, x);
    if (in[1] == NULL) {
        return NULL;
    }
    x = dnn__call_to(DNN_OP_where, x, in, 3, NULL);
    dnn_release(in[1]);
    return x;
}

/* ---- clamp ---- */

dnn_tensor *dnn_clamp_tensor(dnn_tensor *x, dnn_tensor *low, dnn_tensor *high)
{
    if (!dnn__ready("clamp", x)) {
        return NULL;
    }
    if (low == NULL && high == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "clamp: low and high are both NULL"));
    }
    return dnn__ternary(DNN_OP_clamp, x, low, high);
}

dnn_tensor *dnn_clamp_number(dnn_tensor *x, double low, double high)
{
    bool has_low = low != -INFINITY, has_high = high != INFINITY;
    dnn_tensor *low_operand, *high_operand, *y;

    if (!dnn__ready("clamp", x)) {
        return NULL;
    }
    if (!has_low && !has_high) {
        return dnn_clone(x);
    }
    low_operand = has_low ? dnn__number("clamp", low, x) : NULL;
    high_operand = has_high ? dnn__number("clamp", high, x) : NULL;
    y = dnn__pending() == DNN_OK ? dnn__ternary(DNN_OP_clamp, x, low_operand, high_operand) : NULL;
    dnn_release(low_operand);
    dnn_release(high_operand);
    return y;
}

dnn_tensor *dnn_clamp_tensor_(dnn_tensor *x, dnn_tensor *low, dnn_tensor *high)
{
    dnn_tensor *in[] = {x, low, high};

    if (!dnn__ready("clamp", x)) {
        return NULL;
    }
    if (low == NULL && high == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "clamp: low and high are both NULL"));
    }
    return dnn__call_to(DNN_OP_clamp, x, in, 3, NULL);
}

dnn_tensor *dnn_clamp_number_(dnn_tensor *x, double low, double high)
{
    bool has_low = low != -INFINITY, has_high = high != INFINITY;
    dnn_tensor *low_operand, *high_operand;

    if (!dnn__ready("clamp", x)) {
        return NULL;
    }
    if (!has_low && !has_high) {
        return x;
    }
    low_operand = has_low ? dnn__number("clamp", low, x) : NULL;
    high_operand = has_high ? dnn__number("clamp", high, x) : NULL;
    x = dnn__pending() == DNN_OK ? dnn_clamp_tensor_(x, low_operand, high_operand) : NULL;
    dnn_release(low_operand);
    dnn_release(high_operand);
    return x;
}

/* A bound gets dy where it is the result: high where max(x, low) > high, else low where x < low. */
static void clamp_bounds(dnn__grad *g)
{
    dnn_tensor *x = g->in[0], *low = g->in[1], *high = g->in[2], *dy = g->dout[0];
    dnn_tensor *to_low = low != NULL ? dnn_lt(x, low) : NULL;
    dnn_tensor *to_high = high != NULL ? dnn_gt(x, high) : NULL;

    if (low != NULL && high != NULL) {
        dnn_tensor *crossed = dnn_gt(low, high);

        to_low = dnn_logical_and(to_low, dnn_logical_not(crossed));
        to_high = dnn_logical_or(to_high, crossed);
    }
    if (g->wants[1]) {
        dnn__give(g, 1, dnn_masked_fill(dy, dnn_logical_not(to_low), 0.0));
    }
    if (g->wants[2]) {
        dnn__give(g, 2, dnn_masked_fill(dy, dnn_logical_not(to_high), 0.0));
    }
}

void dnn__clamp_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->in[0], g->in[1], g->in[2]};

    if (g->wants[0]) {
        dnn__give(g, 0, dnn__call(DNN_OP_clamp_bwd, in, 4, NULL));
    }
    if (g->wants[1] || g->wants[2]) {
        clamp_bounds(g);
    }
}

void dnn__clamp_bwd_backward(dnn__grad *g)
{
    dnn_tensor *in[] = {g->dout[0], g->in[1], g->in[2], g->in[3]};

    if (g->wants[0]) {
        dnn__give(g, 0, dnn__call(DNN_OP_clamp_bwd, in, 4, NULL));
    }
}
