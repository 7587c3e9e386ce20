/* range.c - ranges of numbers: arange, linspace, logspace. */
#include "ops_impl.h"

/* The destination of a range: [n] of dtype (0: f32) on the default device. */
static dnn_tensor *make_range(const char *op, int64_t n, dnn_dtype dtype)
{
    const dnn_create_args create = {.shape = {1, {n}}, .dtype = dtype};

    return dnn__make_empty(op, &create, DNN_T_F32);
}

/* *n = the number of elements. dtype must hold the first, second and last element exactly. */
static dnn_status count_arange(double start, double end, double step, dnn_dtype dtype, int64_t *n)
{
    double count = ceil((end - start) / step);

    if (!isfinite(start) || !isfinite(end) || !isfinite(step)) {
        return dnn__fail(DNN_E_INVALID, "arange: start %s, end %s, step %s must be finite",
                         dnn__float_text(start), dnn__float_text(end), dnn__float_text(step));
    }
    if (step == 0.0 || (end - start) / step < 0.0) {
        return dnn__fail(DNN_E_INVALID, "arange: step %s does not lead from start %s to end %s",
                         dnn__float_text(step), dnn__float_text(start), dnn__float_text(end));
    }
    if (!(count < 0x1p53)) {
        return dnn__fail(
            DNN_E_INVALID,
            "arange: start %s, end %s, step %s give %s elements, must be fewer than 2^53",
            dnn__float_text(start), dnn__float_text(end), dnn__float_text(step),
            dnn__float_text(count));
    }
    if (count > 0.0) {
        DNN_TRY(dnn__check_number("arange", start, dtype));
        DNN_TRY(count > 1.0 ? dnn__check_number("arange", start + step, dtype) : DNN_OK);
        DNN_TRY(dnn__check_number("arange", start + (count - 1.0) * step, dtype));
    }
    *n = (int64_t)count;
    return DNN_OK;
}

dnn_tensor *dnn_arange(double start, double end, double step, dnn_dtype dtype)
{
    dnn_attr_arange attr = {.size = sizeof attr, .start = start, .step = step};
    dnn_dtype of = dtype == 0 ? DNN_T_F32 : dtype;
    int64_t n = 0;
    dnn_status st = DNN_OK;
    dnn_tensor *t;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (!dnn__dtype_ok(of) || of == DNN_T_BOOL) {
        st = dnn__fail(DNN_E_INVALID, "arange: dtype is %s, must be a number", dnn_dtype_name(of));
    } else {
        st = count_arange(start, end, step, of, &n);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (!dnn__is_float(of) && n > 0) {
        attr.istart = (int64_t)start;
        attr.istep = n > 1 ? (int64_t)step : 1;
    }
    t = make_range("arange", n, of);
    return t == NULL ? NULL : dnn__or_release(t, dnn__call_to(DNN_OP_arange, t, NULL, 0, &attr));
}

static dnn_tensor *make_linspace(const char *op, double start, double end, int64_t n,
                                 dnn_dtype dtype)
{
    const dnn_attr_linspace attr = {.size = sizeof attr, .start = start, .end = end};
    dnn_tensor *t;

    if (dnn__pending() == DNN_OK && n < 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: n is %lld, must be >= 0", op, (long long)n));
    }
    t = make_range(op, n, dtype);
    return t == NULL ? NULL : dnn__or_release(t, dnn__call_to(DNN_OP_linspace, t, NULL, 0, &attr));
}

dnn_tensor *dnn_linspace(double start, double end, int64_t n, dnn_dtype dtype)
{
    return make_linspace("linspace", start, end, n, dtype);
}

/* The exponents and powers are f64 and rounded once, so that 10^3 is exactly 1000 in f32 too. */
dnn_tensor *dnn_logspace(double start, double end, int64_t n, dnn_dtype dtype)
{
    dnn_dtype of = dtype == 0 ? DNN_T_F32 : dtype;
    dnn_tensor *exponent, *ten, *power, *result;

    if (dnn__pending() == DNN_OK && !(dnn__dtype_ok(of) && dnn__is_float(of))) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "logspace: dtype is %s, must be floating",
                                   dnn_dtype_name(of)));
    }
    exponent = make_linspace("logspace", start, end, n, DNN_T_F64);
    if (exponent == NULL) {
        return NULL;
    }
    ten = dnn__number("logspace", 10.0, exponent);
    power = dnn_pow(ten, exponent);
    result = dnn_cast(power, of);
    dnn_release(exponent);
    dnn_release(ten);
    if (result != power) {
        dnn_release(power);
    }
    return result;
}
