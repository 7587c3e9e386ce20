/* ops.h - the operators. Names, formulas and defaults are PyTorch's; bold differences stand with the function.
 *
 * What holds for every operator, unless it says otherwise
 *   Result    a new tensor that the scope owns (views share the storage of their source), or NULL.
 *   NULL in, NULL out. While an error waits in the thread (status.h) every operator returns NULL; a required operand that is
 *             NULL while none waits is DNN_E_INVALID and named.
 *   Fails     DNN_E_INVALID with operator, argument and both numbers; DNN_E_NOMEM; DNN_E_DEVICE where no kernel serves it. The
 *             operands are as they were.
 *   Dtype     F = f32 f64 (f16 bf16), I = i8 u8 i32 i64, N = F + I, A = N + bool. Elementwise operators promote mixed operands:
 *             bool < I < F; u8 with i8 gives i32, f16 with bf16 f32; a rank-0 operand does not lift a tensor of its class.
 *             Float functions of integers compute in f32. A C number takes the tensor's dtype; one that is not integral is an
 *             error on an integer tensor ("cast").
 *   Shape     elementwise operands broadcast: aligned at the right, 1 stretches. Rank 0 to 8. Negative dims count from the end.
 *   Device    operands are on one device; an error names both.
 *   Grad      "Grad: yes" can be differentiated again, "once" can not.
 *   Empty     tensors are legal.
 *   In place  names end in _: the result must have the target's shape, and fit its dtype class. A leaf that wants a gradient may
 *             be changed under DNN_NO_GRAD only. A tensor on the tape is refused while another view of its storage lives
 *             (clone), a view of one always (slice_scatter). A target that overlaps itself or partly overlaps an operand is
 *             refused (clone). The target is returned.
 *   Options   are named: dnn_sum(x, .dims = DNN_DIMS(0), .keepdim = true). Zero is the default; DNN_ZERO is a literal zero.
 *             From C++ fill the _args struct and call the _with function. */
#ifndef DNN_OPS_PUBLIC_H
#define DNN_OPS_PUBLIC_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ================================================ creation ================================================ */

typedef struct dnn_create_args {
    dnn_shape shape;
    dnn_dtype dtype;     /* 0 = f32 (of _like: that of the other) */
    const char *device;  /* NULL = the default device (of _like: that of the other) */
    bool requires_grad;  /* F only */
} dnn_create_args;
/* Dtype A. Grad: none. Fails: a negative size, a product of sizes beyond 2^63 bytes, requires_grad of an integer. */
#define dnn_empty(...) dnn_empty_with((dnn_create_args){.shape = __VA_ARGS__}) /* elements are not set */
#define dnn_zeros(...) dnn_zeros_with((dnn_create_args){.shape = __VA_ARGS__})
#define dnn_ones(...) dnn_ones_with((dnn_create_args){.shape = __VA_ARGS__})
#define dnn_full(value, ...) dnn_full_with((value), (dnn_create_args){.shape = __VA_ARGS__})
#define dnn_rand(...) dnn_rand_with((dnn_create_args){.shape = __VA_ARGS__})   /* uniform in [0,1); F */
#define dnn_randn(...) dnn_randn_with((dnn_create_args){.shape = __VA_ARGS__}) /* normal(0, 1); F */
DNN_API dnn_tensor *dnn_empty_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_zeros_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_ones_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_full_with(double value, dnn_create_args args);
DNN_API dnn_tensor *dnn_full_i64(int64_t value, dnn_create_args args); /* exact beyond 2^53; dtype 0 = i64 */
DNN_API dnn_tensor *dnn_rand_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_randn_with(dnn_create_args args);

typedef struct dnn_like_args {
    dnn_tensor *like; /* gives shape, and dtype and device where they are not set */
    dnn_dtype dtype;
    const char *device;
    bool requires_grad;
} dnn_like_args;
#define dnn_empty_like(...) dnn_empty_like_with((dnn_like_args){.like = __VA_ARGS__})
#define dnn_zeros_like(...) dnn_zeros_like_with((dnn_like_args){.like = __VA_ARGS__})
#define dnn_ones_like(...) dnn_ones_like_with((dnn_like_args){.like = __VA_ARGS__})
#define dnn_full_like(value, ...) dnn_full_like_with((value), (dnn_like_args){.like = __VA_ARGS__})
#define dnn_rand_like(...) dnn_rand_like_with((dnn_like_args){.like = __VA_ARGS__})
#define dnn_randn_like(...) dnn_randn_like_with((dnn_like_args){.like = __VA_ARGS__})
DNN_API dnn_tensor *dnn_empty_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_zeros_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_ones_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_full_like_with(double value, dnn_like_args args);
DNN_API dnn_tensor *dnn_rand_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_randn_like_with(dnn_like_args args);

typedef struct dnn_data_args {
    const void *data;   /* row-major elements of dtype */
    dnn_shape shape;
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
} dnn_data_args;
/* A copy of C data: dnn_from_data(values, DNN_SHAPE(2, 3), .dtype = DNN_T_F64). bool bytes other than 0 and 1: error. */
#define dnn_from_data(data_, ...) dnn_from_data_with((dnn_data_args){.data = (data_), .shape = __VA_ARGS__})
DNN_API dnn_tensor *dnn_from_data_with(dnn_data_args args);
/* A tensor over memory of the program, on the device cpu; release(ctx) is called once when nobody uses it any more, from any
 * thread (also if the call fails: then before it returns). data must be aligned to its element. release may be NULL. */
DNN_API dnn_tensor *dnn_from_buffer(void *data, dnn_shape shape, dnn_dtype dtype, void (*release)(void *ctx), void *ctx);
/* A rank-0 tensor. dtype 0 = f32. */
DNN_API dnn_tensor *dnn_scalar(double value, dnn_dtype dtype);

/* start, start + step, ... while before end: ceil((end - start)/step) elements. N; dtype 0 = f32. step 0 or of the wrong sign:
 * error. start = end: empty. */
DNN_API dnn_tensor *dnn_arange(double start, double end, double step, dnn_dtype dtype);
/* n numbers from start to end, both included (n = 1: start). F; dtype 0 = f32. logspace: 10 to their power. */
DNN_API dnn_tensor *dnn_linspace(double start, double end, int64_t n, dnn_dtype dtype);
DNN_API dnn_tensor *dnn_logspace(double start, double end, int64_t n, dnn_dtype dtype);
/* [n,m] with ones on the main diagonal. A; dtype 0 = f32. */
DNN_API dnn_tensor *dnn_eye(int64_t n, int64_t m, dnn_dtype dtype);

/* ================================================ casts and copies ================================================ */

/* To another dtype; the tensor itself if it has it. To integers toward zero, NaN 0, out of range saturates. Grad: yes. */
DNN_API dnn_tensor *dnn_cast(dnn_tensor *x, dnn_dtype dtype);
/* To another device ("cpu", "cuda:1"; NULL = the default device); the tensor itself if it is there. Grad: yes.
 * Fails   DNN_E_DEVICE: there is no such device; the message lists those there are. */
DNN_API dnn_tensor *dnn_to_device(dnn_tensor *x, const char *device);
DNN_API dnn_tensor *dnn_clone(dnn_tensor *x);                      /* a dense copy. Grad: yes */
DNN_API dnn_tensor *dnn_contiguous(dnn_tensor *x);                 /* x itself if it is dense and row-major. Grad: yes */
DNN_API dnn_tensor *dnn_copy_(dnn_tensor *target, dnn_tensor *x);  /* x broadcasts and is cast. Grad: to x */
DNN_API dnn_tensor *dnn_fill_(dnn_tensor *target, double value);
DNN_API dnn_tensor *dnn_zero_(dnn_tensor *target);

/* ================================================ views ================================================
 * They share storage and version with x, keep it alive, and need no kernel (reshape copies where it must). Dtype A. Grad: yes. */

DNN_API dnn_tensor *dnn_reshape(dnn_tensor *x, dnn_shape shape); /* one size may be -1; ambiguous with 0 elements: error */
DNN_API dnn_tensor *dnn_view_to(dnn_tensor *x, dnn_shape shape); /* PyTorch's view: an error that says reshape where it would copy */
DNN_API dnn_tensor *dnn_view_as(dnn_tensor *x, dnn_tensor *other);
DNN_API dnn_tensor *dnn_flatten(dnn_tensor *x, int first, int last); /* axes first..last become one; rank 0: [1] */
DNN_API dnn_tensor *dnn_unflatten(dnn_tensor *x, int dim, dnn_shape sizes);
DNN_API dnn_tensor *dnn_squeeze(dnn_tensor *x, dnn_dims dims); /* none named: all axes of size 1; another size: unchanged */
DNN_API dnn_tensor *dnn_unsqueeze(dnn_tensor *x, int dim);
DNN_API dnn_tensor *dnn_transpose(dnn_tensor *x, int a, int b);
DNN_API dnn_tensor *dnn_permute(dnn_tensor *x, dnn_dims order);
DNN_API dnn_tensor *dnn_movedim(dnn_tensor *x, int from, int to);
DNN_API dnn_tensor *dnn_t(dnn_tensor *x); /* rank <= 2 */
DNN_API dnn_tensor *dnn_expand(dnn_tensor *x, dnn_shape shape); /* -1 keeps a size */
DNN_API dnn_tensor *dnn_slice(dnn_tensor *x, int dim, int64_t start, int64_t stop, int64_t step); /* ends clamp; step >= 1 */
DNN_API dnn_tensor *dnn_narrow(dnn_tensor *x, int dim, int64_t start, int64_t length);
DNN_API dnn_tensor *dnn_select(dnn_tensor *x, int dim, int64_t index); /* the axis goes away */
/* As the original reads: dnn_index(x, "1:3, 2"), "...", "None", "::2", negative numbers. A bad text: error with its column. */
DNN_API dnn_tensor *dnn_index(dnn_tensor *x, const char *text);
/* Pieces along dim into out[0..n): unbind removes the axis; split by pieces of `size`; chunk into at most n pieces. They return how
 * many pieces there are, or a negative status; more than n pieces: DNN_E_INVALID. */
DNN_API int64_t dnn_unbind(dnn_tensor *x, int dim, dnn_tensor **out, int64_t n);
DNN_API int64_t dnn_split(dnn_tensor *x, int64_t size, int dim, dnn_tensor **out, int64_t n);
DNN_API int64_t dnn_chunk(dnn_tensor *x, int64_t chunks, int dim, dnn_tensor **out, int64_t n);

/* ================================================ joining and assignment ================================================ */

/* One after the other along dim. A; promotes. An empty [0] joins anything. Grad: yes. cat of nothing: error. */
DNN_API dnn_tensor *dnn_cat(dnn_tensor *const *x, int64_t n, int dim);
DNN_API dnn_tensor *dnn_stack(dnn_tensor *const *x, int64_t n, int dim); /* along a new axis; equal shapes */
/* x with src in the places of the slice. Grad: yes, to both. */
DNN_API dnn_tensor *dnn_slice_scatter(dnn_tensor *x, dnn_tensor *src, int dim, int64_t start, int64_t stop, int64_t step);
DNN_API dnn_tensor *dnn_select_scatter(dnn_tensor *x, dnn_tensor *src, int dim, int64_t index);

/* ================================================ elementwise ================================================ */

/* N. Grad: yes. The _scalar forms take a C number of the tensor's dtype. bool: add = or, mul = and. */
DNN_API dnn_tensor *dnn_add(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_sub(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_mul(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_div(dnn_tensor *a, dnn_tensor *b); /* integers give f32; x/0: inf or NaN */
DNN_API dnn_tensor *dnn_pow(dnn_tensor *a, dnn_tensor *b); /* 0^0 = 1 */
DNN_API dnn_tensor *dnn_add_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_sub_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_rsub(dnn_tensor *a, double b); /* b - a */
DNN_API dnn_tensor *dnn_mul_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_div_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_pow_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_add_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_sub_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_mul_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_div_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_add_scalar_(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_mul_scalar_(dnn_tensor *a, double b);

/* floor_divide, remainder (sign of the divisor), fmod (sign of the dividend): N; floats by 0: x/0, NaN, NaN; integers by 0: error.
 * Grad: yes; of floor_divide zero. atan2: F. Grad: yes. */
DNN_API dnn_tensor *dnn_floor_divide(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_remainder(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_fmod(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_atan2(dnn_tensor *a, dnn_tensor *b);
/* N. NaN wins in maximum and minimum, the number in fmax and fmin. Grad: yes, equal arguments share it by
 * halves; fmax, fmin yes, all of it to a where they are equal. */
DNN_API dnn_tensor *dnn_maximum(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_minimum(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_fmax(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_fmin(dnn_tensor *a, dnn_tensor *b);
/* A to bool, by value. Grad: none. */
DNN_API dnn_tensor *dnn_eq(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_ne(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_lt(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_le(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_gt(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_ge(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_eq_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_ne_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_lt_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_le_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_gt_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_ge_scalar(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_logical_and(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_logical_or(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_logical_xor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_logical_not(dnn_tensor *a);
DNN_API dnn_tensor *dnn_isnan(dnn_tensor *a);
DNN_API dnn_tensor *dnn_isinf(dnn_tensor *a);
DNN_API dnn_tensor *dnn_isfinite(dnn_tensor *a);

/* N. Grad: yes (sign, floor, ceil, round, trunc: zero). abs'(0) = 0; sign(NaN) = 0; round: half to even. */
DNN_API dnn_tensor *dnn_neg(dnn_tensor *x);
DNN_API dnn_tensor *dnn_abs(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sign(dnn_tensor *x);
DNN_API dnn_tensor *dnn_square(dnn_tensor *x);
DNN_API dnn_tensor *dnn_floor(dnn_tensor *x);
DNN_API dnn_tensor *dnn_ceil(dnn_tensor *x);
DNN_API dnn_tensor *dnn_round(dnn_tensor *x);
DNN_API dnn_tensor *dnn_trunc(dnn_tensor *x);
DNN_API dnn_tensor *dnn_frac(dnn_tensor *x); /* x - trunc(x); gradient 1 */
DNN_API dnn_tensor *dnn_reciprocal(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sqrt(dnn_tensor *x);
DNN_API dnn_tensor *dnn_rsqrt(dnn_tensor *x);
DNN_API dnn_tensor *dnn_exp(dnn_tensor *x);
DNN_API dnn_tensor *dnn_exp2(dnn_tensor *x);
DNN_API dnn_tensor *dnn_expm1(dnn_tensor *x);
DNN_API dnn_tensor *dnn_log(dnn_tensor *x);
DNN_API dnn_tensor *dnn_log2(dnn_tensor *x);
DNN_API dnn_tensor *dnn_log10(dnn_tensor *x);
DNN_API dnn_tensor *dnn_log1p(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sin(dnn_tensor *x);
DNN_API dnn_tensor *dnn_cos(dnn_tensor *x);
DNN_API dnn_tensor *dnn_tan(dnn_tensor *x);
DNN_API dnn_tensor *dnn_asin(dnn_tensor *x);
DNN_API dnn_tensor *dnn_acos(dnn_tensor *x);
DNN_API dnn_tensor *dnn_atan(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sinh(dnn_tensor *x);
DNN_API dnn_tensor *dnn_cosh(dnn_tensor *x);
DNN_API dnn_tensor *dnn_tanh(dnn_tensor *x);
DNN_API dnn_tensor *dnn_erf(dnn_tensor *x);
DNN_API dnn_tensor *dnn_erfc(dnn_tensor *x);
DNN_API dnn_tensor *dnn_relu(dnn_tensor *x); /* relu'(0) = 0, relu'(NaN) = 1 */
DNN_API dnn_tensor *dnn_softsign(dnn_tensor *x); /* x / (1 + |x|) */
DNN_API dnn_tensor *dnn_sigmoid(dnn_tensor *x);
DNN_API dnn_tensor *dnn_silu(dnn_tensor *x);
DNN_API dnn_tensor *dnn_neg_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_relu_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sigmoid_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_tanh_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_exp_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sqrt_(dnn_tensor *x);

typedef struct dnn_activation_args {
    dnn_tensor *x;
    double slope;     /* leaky_relu; 0 = 0.01 */
    double alpha;     /* elu; 0 = 1 */
    double beta;      /* softplus; 0 = 1 */
    double threshold; /* softplus; 0 = 20: linear above */
    bool tanh;        /* gelu: the tanh form */
} dnn_activation_args;
/* F. Grad: yes. leaky_relu'(0) = slope. */
#define dnn_leaky_relu(...) dnn_leaky_relu_with((dnn_activation_args){.x = __VA_ARGS__})
#define dnn_elu(...) dnn_elu_with((dnn_activation_args){.x = __VA_ARGS__})
#define dnn_softplus(...) dnn_softplus_with((dnn_activation_args){.x = __VA_ARGS__})
#define dnn_gelu(...) dnn_gelu_with((dnn_activation_args){.x = __VA_ARGS__})
DNN_API dnn_tensor *dnn_leaky_relu_with(dnn_activation_args args);
DNN_API dnn_tensor *dnn_elu_with(dnn_activation_args args);
DNN_API dnn_tensor *dnn_softplus_with(dnn_activation_args args);
DNN_API dnn_tensor *dnn_gelu_with(dnn_activation_args args);

/* Between low and high, tensors that broadcast or NULL (not both). N. low > high gives high. Grad: yes, to x on
 * both bounds, to a bound beyond it. */
DNN_API dnn_tensor *dnn_clamp(dnn_tensor *x, dnn_tensor *low, dnn_tensor *high);
DNN_API dnn_tensor *dnn_clamp_scalar(dnn_tensor *x, double low, double high); /* low -INFINITY, high INFINITY = no bound */
/* condition ? a : b, broadcast; condition bool, else an error. A. Grad: yes, to the branch taken. */
DNN_API dnn_tensor *dnn_where(dnn_tensor *condition, dnn_tensor *a, dnn_tensor *b);
/* x, but value where mask (bool) is true; they broadcast. value takes x's dtype. Grad: yes, to x where mask is false. */
DNN_API dnn_tensor *dnn_masked_fill(dnn_tensor *x, dnn_tensor *mask, double value);

/* ================================================ reductions ================================================ */

typedef struct dnn_reduce_args {
    dnn_tensor *x;
    dnn_dims dims; /* none = all */
    bool keepdim;  /* the reduced axes stay, with size 1 */
} dnn_reduce_args;
/* Over the axes of .dims, or all.
 * Dtype   sum: A, I and bool give i64; mean: F; amax, amin: A.
 * Values  sum of nothing 0, mean of nothing NaN. NaN wins in amax and amin.
 * Grad    yes; in amax and amin ties share it equally.
 * Fails   a dim out of range or named twice; mean of integers ("cast"); amax, amin over an axis of size 0, which is named. */
#define dnn_sum(...) dnn_sum_with((dnn_reduce_args){.x = __VA_ARGS__})
#define dnn_mean(...) dnn_mean_with((dnn_reduce_args){.x = __VA_ARGS__})
#define dnn_amax(...) dnn_amax_with((dnn_reduce_args){.x = __VA_ARGS__})
#define dnn_amin(...) dnn_amin_with((dnn_reduce_args){.x = __VA_ARGS__})
DNN_API dnn_tensor *dnn_sum_with(dnn_reduce_args args);
DNN_API dnn_tensor *dnn_mean_with(dnn_reduce_args args);
DNN_API dnn_tensor *dnn_amax_with(dnn_reduce_args args);
DNN_API dnn_tensor *dnn_amin_with(dnn_reduce_args args);
DNN_API dnn_tensor *dnn_max(dnn_tensor *x); /* of all */
DNN_API dnn_tensor *dnn_min(dnn_tensor *x);
/* x summed down to `shape`, which must broadcast to x's; x itself if it has it. Grad: yes. */
DNN_API dnn_tensor *dnn_sum_to(dnn_tensor *x, dnn_shape shape);

#define DNN_ALL INT32_MAX /* as dim of argmax, argmin: over all elements, row-major */
typedef struct dnn_reduce_dim_args {
    dnn_tensor *x;
    int dim;
    dnn_tensor **indices; /* NULL, or where the places (i64) go */
    bool keepdim;
} dnn_reduce_dim_args;
/* The largest (smallest) along dim: dnn_max_dim(x, 1, &places, .keepdim = true). A. First of equals; NaN first. An empty axis:
 * error. Grad: yes; the whole to that place. argmax, argmin give the places only. */
#define dnn_max_dim(x_, ...) dnn_max_dim_with((dnn_reduce_dim_args){.x = (x_), .dim = __VA_ARGS__})
#define dnn_min_dim(x_, ...) dnn_min_dim_with((dnn_reduce_dim_args){.x = (x_), .dim = __VA_ARGS__})
#define dnn_argmax(x_, ...) dnn_argmax_with((dnn_reduce_dim_args){.x = (x_), .dim = __VA_ARGS__})
#define dnn_argmin(x_, ...) dnn_argmin_with((dnn_reduce_dim_args){.x = (x_), .dim = __VA_ARGS__})
DNN_API dnn_tensor *dnn_max_dim_with(dnn_reduce_dim_args args);
DNN_API dnn_tensor *dnn_min_dim_with(dnn_reduce_dim_args args);
DNN_API dnn_tensor *dnn_argmax_with(dnn_reduce_dim_args args);
DNN_API dnn_tensor *dnn_argmin_with(dnn_reduce_dim_args args);

/* Along dim; rank 0 counts as [1]. F, integers are an error ("cast"). A row of -inf only, or with +inf: NaN. Grad: yes. */
DNN_API dnn_tensor *dnn_softmax(dnn_tensor *x, int dim);
DNN_API dnn_tensor *dnn_log_softmax(dnn_tensor *x, int dim);

/* ================================================ products ================================================ */

/* Products of matrices. mm: rank 2 only; bmm: rank 3 only, equal batches; dot: rank 1 only; addmm: c + a b, c broadcasts.
 * Shape   [..,M,K] x [..,K,N] -> [..,M,N]; rank 1 is a row or a column that goes away; further axes are batches and broadcast.
 * Dtype   F, equal.
 * Values  K = 0: zeros.
 * Grad    yes.
 * Fails   rank 0; inner sizes or batches that differ, both shapes are named; two dtypes. */
DNN_API dnn_tensor *dnn_matmul(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_mm(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_bmm(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_dot(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_addmm(dnn_tensor *c, dnn_tensor *a, dnn_tensor *b);
/* x [..,in] w [out,in] bias [out] or NULL -> [..,out] = x w' + bias. Grad: yes. A NULL bias is no bias, unless an error waits. */
DNN_API dnn_tensor *dnn_linear(dnn_tensor *x, dnn_tensor *w, dnn_tensor *bias);

/* ================================================ convolution and pooling ================================================ */

typedef struct dnn_conv2d_args {
    dnn_tensor *x, *w, *bias;
    int stride, stride_h, stride_w;       /* 0 = 1; the _h and _w forms win */
    int padding, padding_h, padding_w;    /* on both sides */
    int pad_top, pad_left, pad_bottom, pad_right; /* added to padding: asymmetric */
    int dilation, dilation_h, dilation_w; /* 0 = 1 */
    int groups;                           /* 0 = 1 */
    bool same;                            /* out size = in size; stride 1 only; the odd one right and below */
} dnn_conv2d_args;
/* Cross-correlation with zero padding. x [N,C,H,W] or [C,H,W], w [O,C/groups,kh,kw], bias [O] or NULL. F, equal dtypes.
 * Out = (H + pads - dilation (kh-1) - 1)/stride + 1, rounded down. N = 0: empty; C = 0: the bias. Grad: yes.
 * Fails   rank of x not 3 or 4, of w not 4; channels that do not fit w and groups; O = 0; a kernel of size 0 or larger than the
 *         padded x; stride, dilation or groups < 1, padding < 0; .same with a stride or a padding; a bias of another size. */
#define dnn_conv2d(x_, w_, ...) dnn_conv2d_with((dnn_conv2d_args){.x = (x_), .w = (w_), .bias = __VA_ARGS__})
DNN_API dnn_tensor *dnn_conv2d_with(dnn_conv2d_args args);

typedef struct dnn_pool2d_args {
    dnn_tensor *x;
    int kernel, kernel_h, kernel_w;
    int stride, stride_h, stride_w; /* 0 = kernel */
    int padding, padding_h, padding_w;
    int dilation, dilation_h, dilation_w; /* max only; 0 = 1 */
    bool ceil_mode;
    bool exclude_pad;     /* average: count only cells of the input */
    int divisor;          /* average: divide by this instead */
    dnn_tensor **indices; /* max: NULL, or where the places in the plane (i64) go */
} dnn_pool2d_args;
/* The largest value (the mean) of each window of x [N,C,H,W] or [C,H,W]. F.
 * Shape   height (H + 2 padding - dilation (kernel-1) - 1)/stride + 1, rounded down, or up with .ceil_mode (a last window that
 *         would begin in the far padding is dropped); width likewise.
 * Values  max: NaN is larger than any number; padding never wins; average: padding counts as 0 unless .exclude_pad.
 * Grad    yes; max: to the place taken, the first of equals, once where windows overlap or have gaps (dilation).
 * Fails   rank not 3 or 4; H or W 0; kernel < 1; a window larger than the padded x (with .ceil_mode: and its stride); stride or
 *         dilation < 0; padding > kernel/2; max: a window between whose cells all of x lies. *.indices is set on success only. */
#define dnn_max_pool2d(...) dnn_max_pool2d_with((dnn_pool2d_args){.x = __VA_ARGS__})
#define dnn_avg_pool2d(...) dnn_avg_pool2d_with((dnn_pool2d_args){.x = __VA_ARGS__})
DNN_API dnn_tensor *dnn_max_pool2d_with(dnn_pool2d_args args);
DNN_API dnn_tensor *dnn_avg_pool2d_with(dnn_pool2d_args args);
/* To height and width, 0 or more: window i = [floor(i H/out), ceil((i+1) H/out)). x as above. F. Grad: yes; max once where
 * out does not divide H and W.
 * Fails   rank not 3 or 4; a size < 0; an empty H or W for a size > 0. */
DNN_API dnn_tensor *dnn_adaptive_avg_pool2d(dnn_tensor *x, int64_t height, int64_t width);
DNN_API dnn_tensor *dnn_adaptive_max_pool2d(dnn_tensor *x, int64_t height, int64_t width, dnn_tensor **indices);

/* ================================================ dropout, losses ================================================ */

/* x * (u >= p ? 1/(1-p) : 0), u from the generator (backend.h, dnn_manual_seed); p = 0: x. F. p outside [0,1]: error. Grad: yes. */
DNN_API dnn_tensor *dnn_dropout(dnn_tensor *x, double p);

enum { DNN_MEAN = 0, DNN_SUM = 1, DNN_NONE = 2 };
typedef struct dnn_loss_args {
    dnn_tensor *input, *target;
    int reduction;          /* DNN_MEAN, DNN_SUM, DNN_NONE */
    dnn_tensor *weight;     /* nll, cross_entropy: [C] */
    int64_t ignore_index;   /* nll, cross_entropy; 0 = -100; DNN_ZERO_INT = class 0 */
    double label_smoothing; /* cross_entropy: in [0,1] */
    double beta;            /* smooth_l1, huber (delta); 0 = 1 */
} dnn_loss_args;
/* (input - target)^2 and |input - target|. Equal shapes, else an error (PyTorch broadcasts with a warning, a known trap). F, equal
 * dtypes. The mean of nothing is NaN. Grad: yes, to both; l1'(0) = 0. */
#define dnn_mse_loss(input_, ...) dnn_mse_loss_with((dnn_loss_args){.input = (input_), .target = __VA_ARGS__})
#define dnn_l1_loss(input_, ...) dnn_l1_loss_with((dnn_loss_args){.input = (input_), .target = __VA_ARGS__})
DNN_API dnn_tensor *dnn_mse_loss_with(dnn_loss_args args);
DNN_API dnn_tensor *dnn_l1_loss_with(dnn_loss_args args);
/* input [N,C], [C] or [N,C,d..]; target: class numbers i64, i32 or u8 of input's shape without C. nll_loss wants log-probabilities,
 * cross_entropy logits. Mean divides by the sum of the targets' weights: NaN where all are ignored. F. Grad: yes, to input; a weight
 * that wants one is an error.
 * Fails   a target outside [0,C) that is not ignored, with row and value; shapes that do not fit, both are named; a target that is
 *         no class number; a weight of another dtype or size; .label_smoothing outside [0,1]. */
#define dnn_nll_loss(input_, ...) dnn_nll_loss_with((dnn_loss_args){.input = (input_), .target = __VA_ARGS__})
#define dnn_cross_entropy(input_, ...) dnn_cross_entropy_with((dnn_loss_args){.input = (input_), .target = __VA_ARGS__})
DNN_API dnn_tensor *dnn_nll_loss_with(dnn_loss_args args);
DNN_API dnn_tensor *dnn_cross_entropy_with(dnn_loss_args args);

/* ================================================ random numbers ================================================
 * Philox4x32-10: the same numbers on every backend and for any number of threads (normal: within rounding). In place. */

DNN_API dnn_tensor *dnn_uniform_(dnn_tensor *target, double low, double high); /* F; low <= high */
DNN_API dnn_tensor *dnn_normal_(dnn_tensor *target, double mean, double std);  /* F; std >= 0 */
DNN_API dnn_tensor *dnn_bernoulli_(dnn_tensor *target, double p);              /* F and bool; p in [0,1] */

/* ================================================ comparison ================================================ */

/* *out: same shape and all elements equal; NaN is equal to nothing. allclose: |a-b| <= atol + rtol |b|; defaults 1e-5, 1e-8. */
DNN_API DNN_CHECKED dnn_status dnn_equal(dnn_tensor *a, dnn_tensor *b, bool *out);
DNN_API DNN_CHECKED dnn_status dnn_allclose(dnn_tensor *a, dnn_tensor *b, double rtol, double atol, bool *out);

#ifdef __cplusplus
}
#endif
#endif
