/* range.c - ranges of numbers: arange, linspace, logspace. */
#include "dnn/autograd.h"
#include "ops_impl.h"

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

dnn_tensor *dnn_arange_with(dnn_arange_args args)
{
    double start = args.start, step = args.step == 0.0 ? 1.0 : args.step;
    dnn_attr_arange attr = {.size = sizeof attr, .start = start, .step = step};
    dnn_dtype of = args.dtype == 0 ? DNN_T_F32 : args.dtype;
    int64_t n = 0;
    dnn_status st = DNN_OK;
    dnn_tensor *t;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (!dnn__dtype_ok(of) || of == DNN_T_BOOL) {
        st = dnn__fail(DNN_E_INVALID, "arange: dtype is %s, must be a number", dnn_dtype_name(of));
    } else {
        st = count_arange(start, args.end, step, of, &n);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (!dnn__is_float(of) && n > 0) {
        attr.istart = (int64_t)start;
        attr.istep = n > 1 ? (int64_t)step : 1;
    }
    t = dnn__make_empty("arange",
                        &(dnn_create_args){.shape = DNN_SHAPE(n),
                                           .dtype = of,
                                           .device = args.device,
                                           .requires_grad = args.requires_grad},
                        of);
    return t == NULL
               ? NULL
               : dnn__finish(t, dnn__call_to(DNN_OP_arange, t, NULL, 0, &attr), args.requires_grad);
}

static dnn_tensor *make_linspace(const char *op, const dnn_linspace_args *args)
{
    const dnn_attr_linspace attr = {.size = sizeof attr, .start = args->start, .end = args->end};
    const dnn_create_args create = {.shape = DNN_SHAPE(args->n),
                                    .dtype = args->dtype,
                                    .device = args->device,
                                    .requires_grad = args->requires_grad};
    dnn_tensor *t;

    if (dnn__pending() == DNN_OK && args->n < 0) {
        return dnn__null(
            dnn__fail(DNN_E_INVALID, "%s: n is %lld, must be >= 0", op, (long long)args->n));
    }
    t = dnn__make_empty(op, &create, DNN_T_F32);
    return t == NULL ? NULL
                     : dnn__finish(t, dnn__call_to(DNN_OP_linspace, t, NULL, 0, &attr),
                                   args->requires_grad);
}

dnn_tensor *dnn_linspace_with(dnn_linspace_args args)
{
    return make_linspace("linspace", &args);
}

/* The exponents and powers are f64 and rounded once, so that 10^3 is exactly 1000 in f32 too. */
dnn_tensor *dnn_logspace_with(dnn_linspace_args args)
{
    dnn_dtype of = args.dtype == 0 ? DNN_T_F32 : args.dtype;
    dnn_tensor *exponent, *power;
    DNN_SCOPE();
    DNN_NO_GRAD();

    if (dnn__pending() == DNN_OK && !(dnn__dtype_ok(of) && dnn__is_float(of))) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "logspace: dtype is %s, must be floating",
                                   dnn_dtype_name(of)));
    }
    args.dtype = DNN_T_F64;
    exponent = make_linspace("logspace", &args);
    power = exponent == NULL ? NULL : dnn_pow(dnn__number("logspace", 10.0, exponent), exponent);
    power = dnn_to(power, .dtype = of);
    return dnn_keep(args.requires_grad ? dnn_requires_grad_(power, true) : power);
}
