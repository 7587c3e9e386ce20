/* equal.c - comparisons of whole tensors. They are not recorded. */
#include "ops_impl.h"

/* *out: all elements of truth are true. */
static dnn_status all_true(dnn_tensor *truth, bool *out)
{
    int64_t n = dnn_numel(truth), right = dnn_value_i64(dnn_sum(truth));

    DNN_TRY(dnn__take());
    *out = right == n;
    return DNN_OK;
}

static dnn_status check_pair(const char *op, dnn_tensor *a, dnn_tensor *b, const bool *out)
{
    DNN_TRY(dnn__require(a, op, "a"));
    DNN_TRY(dnn__require(b, op, "b"));
    return dnn__require(out, op, "out");
}

dnn_status dnn_equal(dnn_tensor *a, dnn_tensor *b, bool *out)
{
    DNN_TRY(check_pair("dnn_equal", a, b, out));
    if (!dnn__same_dims(a->ndim, a->dim, b->ndim, b->dim)) {
        *out = false;
        return DNN_OK;
    }
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        DNN_TRY(all_true(dnn_eq(a, b), out));
    }
    return DNN_OK;
}

/* a == b, or |a - b| finite and <= atol + rtol |b|: infinity is close to itself only. In f64, so
 * that integers do not wrap. */
static dnn_tensor *close_elements(dnn_tensor *a, dnn_tensor *b, double rtol, double atol)
{
    dnn_tensor *x = dnn_to(a, .dtype = DNN_T_F64), *y = dnn_to(b, .dtype = DNN_T_F64);
    dnn_tensor *difference = dnn_abs(dnn_sub(x, y));
    dnn_tensor *bound = dnn_add(dnn_mul(dnn_abs(y), rtol), atol);

    return dnn_logical_or(dnn_eq(x, y),
                          dnn_logical_and(dnn_isfinite(difference), dnn_le(difference, bound)));
}

dnn_status dnn_allclose(dnn_tensor *a, dnn_tensor *b, double rtol, double atol, bool *out)
{
    DNN_TRY(check_pair("dnn_allclose", a, b, out));
    if (!(rtol >= 0.0) || !(atol >= 0.0)) {
        return dnn__fail(DNN_E_INVALID, "dnn_allclose: rtol %s and atol %s must be >= 0",
                         dnn__float_text(rtol), dnn__float_text(atol));
    }
    if (!dnn__same_dims(a->ndim, a->dim, b->ndim, b->dim)) {
        *out = false;
        return DNN_OK;
    }
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        DNN_TRY(all_true(close_elements(a, b, rtol, atol), out));
    }
    return DNN_OK;
}
