/* creation.c - new tensors, and fills of given ones. A kernel (fill, uniform, copy ...) or a copy
 * of bytes sets the elements, never this file. */
#include "dnn/autograd.h"
#include "ops_impl.h"
#include "rules.h"

/* ---- shape rules ---- */

/* Rows that only write their destination: fill, arange, linspace, eye, uniform, normal, bernoulli.
 */
dnn_status dnn__target_shape(dnn__sig *sig)
{
    const dnn__desc *out = &sig->out[0];
    int rank = sig->op->id == DNN_OP_eye                                        ? 2
               : sig->op->id == DNN_OP_arange || sig->op->id == DNN_OP_linspace ? 1
                                                                                : -1;

    if (sig->given[0] == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: target is NULL", sig->op->name);
    }
    if ((sig->op->accepts & out->dtype) == 0) {
        return dnn__fail(DNN_E_INVALID, "%s: target is %s, a dtype that %s does not write",
                         sig->op->name, dnn_dtype_name(out->dtype), sig->op->name);
    }
    if (rank >= 0 && out->ndim != rank) {
        return dnn__fail(DNN_E_INVALID, "%s: target is %s, must have rank %d", sig->op->name,
                         dnn__shape_text(out->ndim, out->dim), rank);
    }
    if (sig->n_in > 0 && (sig->in[0]->ndim != 0 || sig->in[0]->dtype != out->dtype)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: scalar is %s %s, target is %s: scalar must have its dtype and rank 0",
                         sig->op->name, dnn_dtype_name(sig->in[0]->dtype),
                         dnn__dims_text(sig->in[0]), dnn_dtype_name(out->dtype));
    }
    return DNN_OK;
}

/* ---- creation ---- */

dnn_tensor *dnn__make_empty(const char *op, const dnn_create_args *args, dnn_dtype otherwise)
{
    dnn_dtype dtype = args->dtype == 0 ? otherwise : args->dtype;
    dnn__device *device = NULL;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (!dnn__dtype_ok(dtype)) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: dtype %u is none of DNN_T_F32 to DNN_T_BOOL",
                                   op, (unsigned)dtype));
    }
    if (args->requires_grad && !dnn__is_float(dtype)) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "%s: dtype is %s, requires_grad is true: only f32, f64, f16 and bf16 have gradients",
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

dnn_tensor *dnn__finish(dnn_tensor *fresh, dnn_tensor *filled, bool requires_grad)
{
    if (filled != NULL && requires_grad) {
        filled = dnn_requires_grad_(filled, true);
    }
    return dnn__or_release(fresh, filled);
}

static dnn_tensor *make_full(const char *op, const dnn_create_args *args, double value)
{
    dnn_tensor *t = dnn__make_empty(op, args, DNN_T_F32);
    dnn_status st = t == NULL ? DNN_OK : dnn__check_number(op, value, t->dtype);

    if (t == NULL) {
        return NULL;
    }
    return dnn__finish(t, st == DNN_OK ? dnn__fill_with(t, value) : dnn__null(st),
                       args->requires_grad);
}

dnn_tensor *dnn_empty_with(dnn_create_args args)
{
    dnn_tensor *t = dnn__make_empty("empty", &args, DNN_T_F32);

    return t == NULL ? NULL : dnn__finish(t, t, args.requires_grad);
}

dnn_tensor *dnn_zeros_with(dnn_create_args args)
{
    return make_full("zeros", &args, 0.0);
}

dnn_tensor *dnn_ones_with(dnn_create_args args)
{
    return make_full("ones", &args, 1.0);
}

dnn_tensor *dnn_full_with(dnn_full_args args)
{
    const dnn_create_args create = {.shape = args.shape,
                                    .dtype = args.dtype,
                                    .device = args.device,
                                    .requires_grad = args.requires_grad};

    return make_full("full", &create, args.value);
}

/* The row copy casts the number from i64, because a double does not hold every i64. */
dnn_tensor *dnn_full_i64(int64_t value, dnn_create_args args)
{
    dnn_tensor *t = dnn__make_empty("full_i64", &args, DNN_T_I64);
    dnn_tensor *number, *filled;

    if (t == NULL) {
        return NULL;
    }
    if (t->dtype != DNN_T_I64 && !dnn__fits(t->dtype, (double)value)) {
        return dnn__or_release(
            t, dnn__null(dnn__fail(DNN_E_INVALID, "full_i64: the number %lld is not a value of %s",
                                   (long long)value, dnn_dtype_name(t->dtype))));
    }
    number = dnn__scalar_i64(value, dnn__device_of(t));
    if (number == NULL) {
        return dnn__or_release(t, NULL);
    }
    filled = dnn__call_to(DNN_OP_copy, t, &number, 1, NULL);
    dnn_release(number);
    return dnn__finish(t, filled, args.requires_grad);
}

/* A tensor that dnn_uniform_ or dnn_normal_ fills with (a, b), from the generator or, if that is
 * NULL, from the current one. */
static dnn_tensor *make_random(const char *op, const dnn_create_args *args,
                               dnn_generator *generator,
                               dnn_tensor *(*fill)(dnn_tensor *target, double a, double b))
{
    dnn_generator_guard guard = {0};
    dnn_tensor *t;

    if (generator != NULL && dnn__alive(op, "generator", generator)) {
        guard = dnn_generator_begin(generator);
    }
    t = dnn__make_empty(op, args, DNN_T_F32);
    if (t != NULL) {
        t = dnn__finish(t, fill(t, 0.0, 1.0), args->requires_grad);
    }
    dnn_generator_end(&guard);
    return t;
}

static dnn_create_args args_of_rand(const dnn_rand_args *args)
{
    return (dnn_create_args){.shape = args->shape,
                             .dtype = args->dtype,
                             .device = args->device,
                             .requires_grad = args->requires_grad};
}

dnn_tensor *dnn_rand_with(dnn_rand_args args)
{
    const dnn_create_args create = args_of_rand(&args);

    return make_random("rand", &create, args.generator, dnn_uniform_);
}

dnn_tensor *dnn_randn_with(dnn_rand_args args)
{
    const dnn_create_args create = args_of_rand(&args);

    return make_random("randn", &create, args.generator, dnn_normal_);
}

dnn_tensor *dnn_eye_with(dnn_eye_args args)
{
    const dnn_create_args create = {.shape = DNN_SHAPE(args.n, args.m == 0 ? args.n : args.m),
                                    .dtype = args.dtype,
                                    .device = args.device,
                                    .requires_grad = args.requires_grad};
    dnn_tensor *t = dnn__make_empty("eye", &create, DNN_T_F32);

    return t == NULL
               ? NULL
               : dnn__finish(t, dnn__call_to(DNN_OP_eye, t, NULL, 0, NULL), args.requires_grad);
}

dnn_tensor *dnn_scalar_with(dnn_scalar_args args)
{
    const dnn_create_args create = {
        .dtype = args.dtype, .device = args.device, .requires_grad = args.requires_grad};

    return make_full("scalar", &create, args.value);
}

/* ---- creation with the shape, dtype and device of another tensor ---- */

/* false: an error is pending. */
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

dnn_tensor *dnn_full_like_with(dnn_full_like_args args)
{
    const dnn_like_args like = {.like = args.like,
                                .dtype = args.dtype,
                                .device = args.device,
                                .requires_grad = args.requires_grad};
    dnn_create_args create;

    return args_of_like("full_like", &like, &create) ? make_full("full_like", &create, args.value)
                                                     : NULL;
}

static dnn_tensor *make_random_like(const char *op, const dnn_rand_like_args *args,
                                    dnn_tensor *(*fill)(dnn_tensor *target, double a, double b))
{
    const dnn_like_args like = {.like = args->like,
                                .dtype = args->dtype,
                                .device = args->device,
                                .requires_grad = args->requires_grad};
    dnn_create_args create;

    return args_of_like(op, &like, &create) ? make_random(op, &create, args->generator, fill)
                                            : NULL;
}

dnn_tensor *dnn_rand_like_with(dnn_rand_like_args args)
{
    return make_random_like("rand_like", &args, dnn_uniform_);
}

dnn_tensor *dnn_randn_like_with(dnn_rand_like_args args)
{
    return make_random_like("randn_like", &args, dnn_normal_);
}

/* ---- fills ---- */

dnn_tensor *dnn_fill_(dnn_tensor *target, double value)
{
    dnn_status st;

    if (!dnn__ready("fill", target)) {
        return NULL;
    }
    st = dnn__check_number("fill", value, target->dtype);
    return st == DNN_OK ? dnn__fill_with(target, value) : dnn__null(st);
}

dnn_tensor *dnn_zero_(dnn_tensor *target)
{
    return dnn_fill_(target, 0.0);
}
