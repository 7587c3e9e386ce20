/* creation.c - new tensors, and copies: casts, clones, other devices, fills. Their shape and
 * gradient rules. Programs and the other families call it. Elements are always set by a kernel
 * (fill, arange, uniform, copy ...) or by a copy of bytes, never here. */
#include "ops_impl.h"
#include "rules.h"

/* ---- helpers of all families ---- */

dnn_status dnn__check_number(const char *op, double value, dnn_dtype dtype)
{
    if (dnn__fits(dtype, value)) {
        return DNN_OK;
    }
    return dnn__fail(DNN_E_INVALID, "%s: the number %g is not a value of %s: cast the tensor first",
                     op, value, dnn_dtype_name(dtype));
}

dnn_tensor *dnn__number(const char *op, double value, const dnn_tensor *x)
{
    dnn_status st = dnn__check_number(op, value, x->dtype);

    return st == DNN_OK ? dnn__scalar(value, x->dtype, dnn__device_of(x)) : dnn__null(st);
}

dnn_tensor *dnn__empty_desc(const char *op, const dnn__desc *desc, dnn__device *device)
{
    dnn_tensor *t = dnn__tensor_new(op, desc->dtype, desc->ndim, desc->dim, device);

    if (t != NULL) {
        t->fresh = true;
    }
    return t;
}

/* Fills a fresh or given tensor with a number that its dtype holds. NULL: an error waits; the
 * target is not released.
 */
static dnn_tensor *fill_with(dnn_tensor *target, double value)
{
    dnn_tensor *number = dnn__scalar(value, target->dtype, dnn__device_of(target));
    dnn_tensor *filled;

    if (number == NULL) {
        return NULL;
    }
    filled = dnn__apply_to(DNN_OP_fill, target, &number, 1, NULL);
    dnn_release(number);
    return filled;
}

/* `filled` is the fresh tensor, or NULL after a failure: then the fresh one goes at once. */
static dnn_tensor *or_release(dnn_tensor *fresh, dnn_tensor *filled)
{
    if (filled == NULL) {
        dnn_release(fresh);
    }
    return filled;
}

dnn_tensor *dnn__zeros_desc(const char *op, const dnn__desc *desc, dnn__device *device)
{
    dnn_tensor *zeros = dnn__empty_desc(op, desc, device);

    return zeros == NULL ? NULL : or_release(zeros, fill_with(zeros, 0.0));
}

/* ---- shape rules ---- */

/* Rows that only write a destination: fill, arange, linspace, eye, uniform, normal, bernoulli. */
dnn_status dnn__target_shape(dnn__sig *sig)
{
    const dnn__desc *out = &sig->out[0];
    int rank = sig->op->id == DNN_OP_eye                                        ? 2
               : sig->op->id == DNN_OP_arange || sig->op->id == DNN_OP_linspace ? 1
                                                                                : -1;

    if (sig->given[0] == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: needs a tensor to write to", sig->op->name);
    }
    if ((sig->op->accepts & out->dtype) == 0) {
        return dnn__fail(DNN_E_INVALID, "%s: the target is %s, a dtype that %s does not make",
                         sig->op->name, dnn_dtype_name(out->dtype), sig->op->name);
    }
    if (rank >= 0 && out->ndim != rank) {
        return dnn__fail(DNN_E_INVALID, "%s: the target is %s, which has not rank %d",
                         sig->op->name, dnn__shape_text(out->ndim, out->dim), rank);
    }
    if (sig->n_in > 0 && (sig->in[0]->ndim != 0 || sig->in[0]->dtype != out->dtype)) {
        return dnn__fail(DNN_E_INVALID, "%s: the value is %s %s, not one %s", sig->op->name,
                         dnn_dtype_name(sig->in[0]->dtype), dnn__dims_text(sig->in[0]),
                         dnn_dtype_name(out->dtype));
    }
    return DNN_OK;
}

/* copy: the destination says dims and dtype; x broadcasts to it. */
dnn_status dnn__copy_shape(dnn__sig *sig)
{
    const dnn_tensor *x = sig->in[0];
    dnn__desc *out = &sig->out[0];
    bool fits = x->ndim <= out->ndim;

    if (sig->given[0] == NULL) {
        out->dtype = x->dtype;
        dnn__take_dims(out, x);
        return DNN_OK;
    }
    for (int d = 1; fits && d <= x->ndim; d++) {
        fits = x->dim[x->ndim - d] == out->dim[out->ndim - d] || x->dim[x->ndim - d] == 1;
    }
    if (!fits) {
        return dnn__fail(DNN_E_INVALID, "copy: x is %s, which does not broadcast to the target %s",
                         dnn__dims_text(x), dnn__shape_text(out->ndim, out->dim));
    }
    return DNN_OK;
}

/* y = x in y's dtype, stretched: dx = dy in x's dtype, summed over what was stretched. */
void dnn__copy_backward(dnn__grad *g)
{
    g->din[0] = dnn_cast(dnn__sum_to_desc(g->dout[0], &g->in_desc[0]), g->in_desc[0].dtype);
}

/* ---- creation ---- */

/* The fresh tensor of `args`, elements not set. NULL: an error waits. */
static dnn_tensor *make_empty(const char *op, const dnn_create_args *args, dnn_dtype otherwise)
{
    dnn_dtype dtype = args->dtype == 0 ? otherwise : args->dtype;
    dnn__device *device = NULL;
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    if (!dnn__dtype_ok(dtype)) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: dtype %u is none of DNN_T_F32 to DNN_T_BOOL",
                                   op, (unsigned)dtype));
    }
    if (args->requires_grad && !dnn__is_float(dtype)) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "%s: requires_grad of %s: only f32 f64 f16 bf16 have gradients",
                                   op, dnn_dtype_name(dtype)));
    }
    st = dnn__check_shape(op, dtype, args->shape.ndim, args->shape.dim, NULL);
    if (st == DNN_OK) {
        st = dnn__device_for(args->device, &device);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    return dnn__tensor_new(op, dtype, (int)args->shape.ndim, args->shape.dim, device);
}

/* Marks a filled tensor as a leaf where that was asked for. */
static dnn_tensor *finish(dnn_tensor *fresh, dnn_tensor *filled, bool requires_grad)
{
    if (filled != NULL && requires_grad) {
        filled = dnn_requires_grad_(filled, true);
    }
    return or_release(fresh, filled);
}

static dnn_tensor *make_full(const char *op, const dnn_create_args *args, double value)
{
    dnn_tensor *t = make_empty(op, args, DNN_T_F32);
    dnn_status st = t == NULL ? DNN_OK : dnn__check_number(op, value, t->dtype);

    if (t == NULL) {
        return NULL;
    }
    return finish(t, st == DNN_OK ? fill_with(t, value) : dnn__null(st), args->requires_grad);
}

dnn_tensor *dnn_empty_with(dnn_create_args args)
{
    dnn_tensor *t = make_empty("empty", &args, DNN_T_F32);

    return t == NULL ? NULL : finish(t, t, args.requires_grad);
}

dnn_tensor *dnn_zeros_with(dnn_create_args args)
{
    return make_full("zeros", &args, 0.0);
}

dnn_tensor *dnn_ones_with(dnn_create_args args)
{
    return make_full("ones", &args, 1.0);
}

dnn_tensor *dnn_full_with(double value, dnn_create_args args)
{
    return make_full("full", &args, value);
}

/* The number is made as i64 and cast by the copy row, so that no bit passes through a double on its
 * way to i64. */
dnn_tensor *dnn_full_i64(int64_t value, dnn_create_args args)
{
    dnn_tensor *t = make_empty("full_i64", &args, DNN_T_I64);
    dnn_tensor *number, *filled;

    if (t == NULL) {
        return NULL;
    }
    if (t->dtype != DNN_T_I64 && !dnn__fits(t->dtype, (double)value)) {
        return or_release(t,
                          dnn__null(dnn__fail(DNN_E_INVALID, "full_i64: %lld is not a value of %s",
                                              (long long)value, dnn_dtype_name(t->dtype))));
    }
    number = dnn__scalar_i64(value, dnn__device_of(t));
    if (number == NULL) {
        return or_release(t, NULL);
    }
    filled = dnn__apply_to(DNN_OP_copy, t, &number, 1, NULL);
    dnn_release(number);
    return finish(t, filled, args.requires_grad);
}

static dnn_tensor *make_uniform(const char *op, const dnn_create_args *args)
{
    dnn_tensor *t = make_empty(op, args, DNN_T_F32);

    return t == NULL ? NULL : finish(t, dnn_uniform_(t, 0.0, 1.0), args->requires_grad);
}

static dnn_tensor *make_normal(const char *op, const dnn_create_args *args)
{
    dnn_tensor *t = make_empty(op, args, DNN_T_F32);

    return t == NULL ? NULL : finish(t, dnn_normal_(t, 0.0, 1.0), args->requires_grad);
}

dnn_tensor *dnn_rand_with(dnn_create_args args)
{
    return make_uniform("rand", &args);
}

dnn_tensor *dnn_randn_with(dnn_create_args args)
{
    return make_normal("randn", &args);
}

/* ---- creation after another tensor ---- */

/* false: an error waits. */
static bool args_of_like(const char *op, const dnn_like_args *like, dnn_create_args *args)
{
    if (!dnn__ready(op, like->like)) {
        return false;
    }
    *args =
        (dnn_create_args){.shape = dnn_shape_of(like->like),
                          .dtype = like->dtype == 0 ? like->like->dtype : like->dtype,
                          .device = like->device == NULL ? dnn_device_of(like->like) : like->device,
                          .requires_grad = like->requires_grad};
    return true;
}

dnn_tensor *dnn_empty_like_with(dnn_like_args args)
{
    dnn_create_args create;

    return args_of_like("empty_like", &args, &create) ? dnn_empty_with(create) : NULL;
}

dnn_tensor *dnn_zeros_like_with(dnn_like_args args)
{
    dnn_create_args create;

    return args_of_like("zeros_like", &args, &create) ? make_full("zeros_like", &create, 0.0)
                                                      : NULL;
}

dnn_tensor *dnn_ones_like_with(dnn_like_args args)
{
    dnn_create_args create;

    return args_of_like("ones_like", &args, &create) ? make_full("ones_like", &create, 1.0) : NULL;
}

dnn_tensor *dnn_full_like_with(double value, dnn_like_args args)
{
    dnn_create_args create;

    return args_of_like("full_like", &args, &create) ? make_full("full_like", &create, value)
                                                     : NULL;
}

dnn_tensor *dnn_rand_like_with(dnn_like_args args)
{
    dnn_create_args create;

    return args_of_like("rand_like", &args, &create) ? make_uniform("rand_like", &create) : NULL;
}

dnn_tensor *dnn_randn_like_with(dnn_like_args args)
{
    dnn_create_args create;

    return args_of_like("randn_like", &args, &create) ? make_normal("randn_like", &create) : NULL;
}

/* ---- creation from memory of the program ---- */

/* A byte of a bool that is neither 0 nor 1 would break every kernel that trusts the two values. */
static dnn_status check_bools(const char *op, const void *data, int64_t n)
{
    const uint8_t *byte = data;

    for (int64_t i = 0; i < n; i++) {
        if (byte[i] > 1) {
            return dnn__fail(DNN_E_INVALID, "%s: bool element %lld is %u, not 0 or 1", op,
                             (long long)i, (unsigned)byte[i]);
        }
    }
    return DNN_OK;
}

dnn_tensor *dnn_from_data_with(dnn_data_args args)
{
    const dnn_create_args create = {.shape = args.shape,
                                    .dtype = args.dtype,
                                    .device = args.device,
                                    .requires_grad = args.requires_grad};
    dnn_tensor *t = make_empty("from_data", &create, DNN_T_F32);
    int64_t n = dnn_numel(t);
    dnn_status st = DNN_OK;

    if (t == NULL) {
        return NULL;
    }
    if (n > 0) {
        if (args.data == NULL) {
            st = dnn__fail(DNN_E_INVALID, "from_data: data is NULL, but %s has %lld elements",
                           dnn__dims_text(t), (long long)n);
        } else if (t->dtype == DNN_T_BOOL) {
            st = check_bools("from_data", args.data, n);
        }
        if (st == DNN_OK) {
            st = dnn__storage_write(t->storage, 0, args.data,
                                    (uint64_t)n * dnn__item_size(t->dtype));
        }
    }
    return finish(t, st == DNN_OK ? t : dnn__null(st), args.requires_grad);
}

static dnn_status check_buffer(const void *data, const dnn_shape *shape, dnn_dtype dtype,
                               size_t *bytes)
{
    dnn__device *cpu; /* asked for because that starts the library */

    DNN_TRY(dnn__waiting());
    DNN_TRY(dnn__device_for("cpu", &cpu));
    if (!dnn__dtype_ok(dtype)) {
        return dnn__fail(DNN_E_INVALID, "from_buffer: dtype %u is none of DNN_T_F32 to DNN_T_BOOL",
                         (unsigned)dtype);
    }
    DNN_TRY(dnn__check_shape("from_buffer", dtype, shape->ndim, shape->dim, bytes));
    if (*bytes > 0 && data == NULL) {
        return dnn__fail(DNN_E_INVALID, "from_buffer: data is NULL, but %s has %zu bytes",
                         dnn__shape_text((int)shape->ndim, shape->dim), *bytes);
    }
    if ((uintptr_t)data % dnn__item_size(dtype) != 0) {
        return dnn__fail(DNN_E_INVALID, "from_buffer: data is aligned to %u bytes, %s needs %zu",
                         (unsigned)((uintptr_t)data & -(uintptr_t)data), dnn_dtype_name(dtype),
                         dnn__item_size(dtype));
    }
    return dtype == DNN_T_BOOL ? check_bools("from_buffer", data, (int64_t)*bytes) : DNN_OK;
}

/* The storage calls release(ctx) when its last user is gone, and so does the failure to make one:
 * what fails behind the checks only releases the storage. */
dnn_tensor *dnn_from_buffer(void *data, dnn_shape shape, dnn_dtype dtype,
                            void (*release)(void *ctx), void *ctx)
{
    dnn__storage *storage = NULL;
    int64_t stride[DNN_MAX_DIMS];
    size_t bytes = 0;
    dnn_status st = check_buffer(data, &shape, dtype, &bytes);
    dnn_tensor *t;

    if (st != DNN_OK) {
        if (release != NULL) {
            release(ctx);
        }
        return dnn__null(st);
    }
    st = dnn__storage_borrow(data, bytes, release, ctx, &storage);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    dnn__dense_strides((int)shape.ndim, shape.dim, stride);
    t = dnn__tensor_over("from_buffer", dtype, (int)shape.ndim, shape.dim, stride, 0, storage,
                         NULL);
    dnn__storage_release(storage);
    return t;
}

/* ---- ranges ---- */

/* The destination of a range: [n] of dtype (0: f32) on the default device. */
static dnn_tensor *make_range(const char *op, int64_t n, dnn_dtype dtype)
{
    const dnn_create_args create = {.shape = {1, {n}}, .dtype = dtype};

    return make_empty(op, &create, DNN_T_F32);
}

/* The number of elements of arange; an integer range must hold its first, second and last element
 * exactly. */
static dnn_status count_arange(double start, double end, double step, dnn_dtype dtype, int64_t *n)
{
    double count = ceil((end - start) / step);

    if (!isfinite(start) || !isfinite(end) || !isfinite(step)) {
        return dnn__fail(DNN_E_INVALID, "arange: start %g, end %g, step %g must be finite", start,
                         end, step);
    }
    if (step == 0.0 || (end - start) / step < 0.0) {
        return dnn__fail(DNN_E_INVALID, "arange: steps of %g do not lead from %g to %g", step,
                         start, end);
    }
    if (!(count < 0x1p53)) {
        return dnn__fail(DNN_E_INVALID, "arange: %g elements from %g to %g by %g are too many",
                         count, start, end, step);
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

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    if (!dnn__dtype_ok(of) || of == DNN_T_BOOL) {
        st = dnn__fail(DNN_E_INVALID, "arange: dtype %s is not a number", dnn_dtype_name(of));
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
    return t == NULL ? NULL : or_release(t, dnn__apply_to(DNN_OP_arange, t, NULL, 0, &attr));
}

static dnn_tensor *make_linspace(const char *op, double start, double end, int64_t n,
                                 dnn_dtype dtype)
{
    const dnn_attr_linspace attr = {.size = sizeof attr, .start = start, .end = end};
    dnn_tensor *t;

    if (dnn__waiting() == DNN_OK && n < 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: %lld numbers from %g to %g", op,
                                   (long long)n, start, end));
    }
    t = make_range(op, n, dtype);
    return t == NULL ? NULL : or_release(t, dnn__apply_to(DNN_OP_linspace, t, NULL, 0, &attr));
}

dnn_tensor *dnn_linspace(double start, double end, int64_t n, dnn_dtype dtype)
{
    return make_linspace("linspace", start, end, n, dtype);
}

/* The exponents and powers are f64, rounded once: 10 to the power 3 is exactly 1000 in f32 too. */
dnn_tensor *dnn_logspace(double start, double end, int64_t n, dnn_dtype dtype)
{
    dnn_dtype of = dtype == 0 ? DNN_T_F32 : dtype;
    dnn_tensor *exponent, *ten, *power, *result;

    if (dnn__waiting() == DNN_OK && !(dnn__dtype_ok(of) && dnn__is_float(of))) {
        return dnn__null(
            dnn__fail(DNN_E_INVALID, "logspace: dtype %s is not floating", dnn_dtype_name(of)));
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

dnn_tensor *dnn_eye(int64_t n, int64_t m, dnn_dtype dtype)
{
    const dnn_create_args create = {.shape = {2, {n, m}}, .dtype = dtype};
    dnn_tensor *t = make_empty("eye", &create, DNN_T_F32);

    return t == NULL ? NULL : or_release(t, dnn__apply_to(DNN_OP_eye, t, NULL, 0, NULL));
}

dnn_tensor *dnn_scalar(double value, dnn_dtype dtype)
{
    dnn__device *device = NULL;
    dnn_dtype of = dtype == 0 ? DNN_T_F32 : dtype;
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    if (!dnn__dtype_ok(of)) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "scalar: dtype %u is none of DNN_T_F32 to DNN_T_BOOL", (unsigned)dtype));
    }
    st = dnn__check_number("scalar", value, of);
    if (st == DNN_OK) {
        st = dnn__device_for(NULL, &device);
    }
    return st == DNN_OK ? dnn__scalar(value, of, device) : dnn__null(st);
}

/* ---- casts and copies ---- */

/* A dense copy of x in dtype, recorded as a copy. */
static dnn_tensor *copy_as(const char *op, dnn_tensor *x, dnn_dtype dtype)
{
    dnn_tensor *y = dnn__tensor_new(op, dtype, x->ndim, x->dim, dnn__device_of(x));

    return y == NULL ? NULL : or_release(y, dnn__apply_to(DNN_OP_copy, y, &x, 1, NULL));
}

dnn_tensor *dnn_cast(dnn_tensor *x, dnn_dtype dtype)
{
    if (!dnn__ready("cast", x)) {
        return NULL;
    }
    if (!dnn__dtype_ok(dtype)) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID, "cast: dtype %u is none of DNN_T_F32 to DNN_T_BOOL", (unsigned)dtype));
    }
    return x->dtype == dtype ? x : copy_as("cast", x, dtype);
}

dnn_tensor *dnn_clone(dnn_tensor *x)
{
    return dnn__ready("clone", x) ? copy_as("clone", x, x->dtype) : NULL;
}

dnn_tensor *dnn_contiguous(dnn_tensor *x)
{
    if (!dnn__ready("contiguous", x)) {
        return NULL;
    }
    if (dnn__dense(x)) {
        dnn_status status = dnn__make_strided(x);

        return status == DNN_OK ? x : dnn__null(status);
    }
    return copy_as("contiguous", x, x->dtype);
}

dnn_tensor *dnn_copy_(dnn_tensor *target, dnn_tensor *x)
{
    return dnn__apply_to(DNN_OP_copy, target, &x, 1, NULL);
}

dnn_tensor *dnn_fill_(dnn_tensor *target, double value)
{
    dnn_status st;

    if (!dnn__ready("fill", target)) {
        return NULL;
    }
    st = dnn__check_number("fill", value, target->dtype);
    return st == DNN_OK ? fill_with(target, value) : dnn__null(st);
}

dnn_tensor *dnn_zero_(dnn_tensor *target)
{
    return dnn_fill_(target, 0.0);
}

/* Moves the bytes of a dense x, and records the move: a row without a kernel, since no kernel runs
 * on two devices. */
static dnn_tensor *move_to(dnn_tensor *x, dnn__device *device)
{
    const dnn_attr_to_device attr = {.size = sizeof attr, .source = dnn__device_of(x)};
    const dnn__rng none = {0, 0, 0};
    uint64_t item = dnn__item_size(x->dtype), bytes = (uint64_t)dnn__numel(x) * item;
    dnn_tensor *y = dnn__tensor_new("to_device", x->dtype, x->ndim, x->dim, device);
    dnn_status st = DNN_OK;

    if (y == NULL) {
        return NULL;
    }
    if (bytes > 0) {
        st = dnn__storage_copy(y->storage, 0, x->storage, (uint64_t)x->offset * item, bytes);
    }
    if (st == DNN_OK && dnn__recording(x)) {
        st = dnn__record(&dnn__ops[DNN_OP_to_device], &x, 1, &y, 1, &attr, &none);
    }
    return or_release(y, st == DNN_OK ? y : dnn__null(st));
}

dnn_tensor *dnn_to_device(dnn_tensor *x, const char *device)
{
    dnn__device *to = NULL;
    dnn_tensor *dense, *y;
    dnn_status st;

    if (!dnn__ready("to_device", x)) {
        return NULL;
    }
    st = dnn__device_for(device, &to);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (to == dnn__device_of(x)) {
        return x;
    }
    dense = dnn_contiguous(x);
    if (dense == NULL) {
        return NULL;
    }
    y = move_to(dense, to);
    if (dense != x) {
        dnn_release(dense);
    }
    return y;
}

void dnn__to_device_backward(dnn__grad *g)
{
    const dnn_attr_to_device *attr = g->attr;

    g->din[0] = dnn_to_device(g->dout[0], dnn__dev(attr->source)->name);
}
