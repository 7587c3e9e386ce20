/* ops.h - the operators. Names, formulas and defaults are PyTorch's; differences are marked
 * "differs".
 *
 * Rules for every operator, unless it says otherwise
 *   Result    A new tensor of the innermost scope, or NULL. A view shares the storage of its
 *             source.
 *   Errors    While an error is pending in the thread (status.h) every operator returns NULL. A
 *             required operand that is NULL while none is pending is DNN_E_INVALID. "Fails" lists
 *             the reasons for NULL, DNN_E_INVALID; beside them DNN_E_NOMEM, DNN_E_DEVICE (no kernel
 *             serves the call) and errors of kernels can occur. The message names the operator,
 *             the argument and both numbers. A failed operator changes no operand.
 *   Dtype     F = f32 f64 (f16 bf16 where a kernel serves them), I = i8 u8 i32 i64, N = F + I, A =
 *             N + bool. "F" alone: floating operands and result of one dtype. Elementwise operators
 *             promote mixed operands: bool < I < F; u8 with i8 gives i32, f16 with bf16 gives f32;
 *             a rank-0 operand does not widen a tensor of its own class. Float functions of
 *             integers compute in f32. A C number takes the dtype of the tensor; one that the dtype
 *             cannot hold is an error ("cast").
 *   Shape     Elementwise operands broadcast: aligned at the right, sizes of 1 stretch. Rank 0 to
 *             8. Negative dims count from the end.
 *   Empty     Tensors without elements are legal.
 *   Device    All operands are on one device; an error names both.
 *   Grad      "yes": to every floating operand, and the gradient can be differentiated again;
 *             "once": it cannot; "none": the result is not on the tape.
 *   In place  Names end in _. They write into the first operand, bump its version and return it, no
 *             new reference. The result must have its shape and fit its dtype class. Refused: a
 *             leaf that requires a gradient, outside DNN_NO_GRAD; a tensor on the tape while
 *             another view of its storage lives (clone it), and any view of a tensor on the tape
 *             (use slice_scatter); a destination that overlaps itself, or partly overlaps another
 *             operand (clone it).
 *   Numbers   Where b is a tensor or a C number, dnn_add(x, y) and dnn_add(x, 2) are both written
 *             dnn_add: a _Generic selection, in C++ overloads. dnn_add(x, NULL) is a missing
 *             tensor, in C++ dnn_add(x, nullptr).
 *   Options   By name: dnn_sum(x, .dims = DNN_DIMS(0), .keepdim = true) (status.h). Zero means the
 *             default; what has no natural zero is positional, dnn_leaky_relu(x, 0.01).
 *   Random    Draws advance the generator of the thread (DNN_GENERATOR) or the default generator.
 * Threads: any thread; tensor.h says which tensors threads may share. */
#ifndef DNN_OPS_PUBLIC_H
#define DNN_OPS_PUBLIC_H
#include "dnn/creation.h"
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- casts and copies ---- */

typedef struct dnn_to_args {
    dnn_tensor *x;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = that of x */
    const char *device; /* "cpu", "cuda:1"; NULL = that of x */
} dnn_to_args;
/* x in another dtype, on another device (torch.Tensor.to): dnn_to(x, .dtype = DNN_T_BF16, .device =
 * "cuda:1"). x itself, no new reference, if it is so already. A. Grad: yes, between floating
 * dtypes.
 * Values  To integers: toward zero, NaN gives 0, out of range saturates. To bool: != 0, NaN is
 *         true. To f16 and bf16: nearest even.
 * Fails   DNN_E_DEVICE: no such device; the message lists the devices there are. */
#define dnn_to(...) DNN_NEEDS_ONE(__VA_ARGS__) dnn_to_with(DNN_ARGS(dnn_to_args, .x = __VA_ARGS__))
DNN_API dnn_tensor *dnn_to_with(dnn_to_args args);
/* clone: a contiguous copy. contiguous: x itself if it is contiguous, else a clone. A. Grad:
 * yes. */
DNN_API dnn_tensor *dnn_clone(dnn_tensor *x);
DNN_API dnn_tensor *dnn_contiguous(dnn_tensor *x);
/* Copies x, broadcast and cast, into the destination; both on one device. A. Grad: yes, to x. */
DNN_API dnn_tensor *dnn_copy_(dnn_tensor *target, dnn_tensor *x);
/* Fills the destination with a number that its dtype holds, or with zeros. A. */
DNN_API dnn_tensor *dnn_fill_(dnn_tensor *target, double value);
DNN_API dnn_tensor *dnn_zero_(dnn_tensor *target);

/* ---- views ----
 * They share storage and version with x and keep the storage alive; no element is copied, unless a
 * function says so. A. Grad: yes. Fails: a dim out of range, and as the function says. */

/* The elements of x, row-major, under another shape with as many elements; one size may be -1 (an
 * error beside a size of 0). reshape copies if no strides give a view; view_to and view_as
 * (torch.Tensor.view, view_as) then fail. */
DNN_API dnn_tensor *dnn_reshape(dnn_tensor *x, dnn_shape shape);
DNN_API dnn_tensor *dnn_view_to(dnn_tensor *x, dnn_shape shape);
DNN_API dnn_tensor *dnn_view_as(dnn_tensor *x, dnn_tensor *other);
/* flatten: axes first..last become one (rank 0 becomes [1]). unflatten: axis dim becomes the axes
 * `sizes`, of which one may be -1. Both copy if they must. */
DNN_API dnn_tensor *dnn_flatten(dnn_tensor *x, int first, int last);
DNN_API dnn_tensor *dnn_unflatten(dnn_tensor *x, int dim, dnn_shape sizes);
/* squeeze: removes the named axes (none named: all) that have size 1, and keeps the others.
 * unsqueeze: inserts an axis of size 1 at dim, 0 to rank. */
DNN_API dnn_tensor *dnn_squeeze(dnn_tensor *x, dnn_dims dims);
DNN_API dnn_tensor *dnn_unsqueeze(dnn_tensor *x, int dim);
/* transpose: swaps two axes. permute: axis i of the result is axis order[i] of x; names every axis
 * once. movedim: moves one axis, the others keep their order. t: swaps the axes of rank 2; rank 0
 * and 1 stay; higher ranks are an error. */
DNN_API dnn_tensor *dnn_transpose(dnn_tensor *x, int a, int b);
DNN_API dnn_tensor *dnn_permute(dnn_tensor *x, dnn_dims order);
DNN_API dnn_tensor *dnn_movedim(dnn_tensor *x, int from, int to);
DNN_API dnn_tensor *dnn_t(dnn_tensor *x);
/* Stretches axes of size 1, and adds axes at the left; -1 keeps a size. Fails if another size would
 * change. */
DNN_API dnn_tensor *dnn_expand(dnn_tensor *x, dnn_shape shape);
/* slice: elements start, start + step, ... before stop of an axis; start and stop count from the
 * end if negative, and clamp; step >= 1. narrow: `length` elements from start on, without clamping.
 * select: element `index`, without the axis. Rank 0 is an error. */
DNN_API dnn_tensor *dnn_slice(dnn_tensor *x, int dim, int64_t start, int64_t stop, int64_t step);
DNN_API dnn_tensor *dnn_narrow(dnn_tensor *x, int dim, int64_t start, int64_t length);
DNN_API dnn_tensor *dnn_select(dnn_tensor *x, int dim, int64_t index);
/* Basic indexing as in Python: dnn_index(x, "1:3, 2"), "...", "None", "::2", negative numbers. The
 * text takes the arguments of printf: dnn_index(x, "%d:%d", a, b). A text that cannot be read is an
 * error with its column. */
DNN_API dnn_tensor *dnn_index(dnn_tensor *x, const char *text, ...) DNN_PRINTF(2, 3);
/* Views of pieces along dim. unbind: one piece per element, without the axis. split: pieces of
 * `size` >= 1, the last may be smaller. chunk: at most `chunks` pieces of equal size but for the
 * last. An axis of size 0 is one empty piece of split and chunk.
 * Fails   rank 0. */
DNN_API dnn_tensor_list dnn_unbind(dnn_tensor *x, int dim);
DNN_API dnn_tensor_list dnn_split(dnn_tensor *x, int64_t size, int dim);
DNN_API dnn_tensor_list dnn_chunk(dnn_tensor *x, int64_t chunks, int dim);
/* Change the handle x itself: its sizes and strides become those of the view (torch.Tensor.t_,
 * ...). Return x. Not for a tensor on the tape, which has other rules than its elements: an error.
 */
DNN_API dnn_tensor *dnn_t_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_transpose_(dnn_tensor *x, int a, int b);
DNN_API dnn_tensor *dnn_squeeze_(dnn_tensor *x, dnn_dims dims);
DNN_API dnn_tensor *dnn_unsqueeze_(dnn_tensor *x, int dim);

/* ---- joining and assignment ---- */

/* cat: 1 to 32767 tensors, one after the other along dim; the other sizes are equal; an empty
 * tensor [0] joins anything. stack: along a new axis; equal shapes. A, promoted. Grad: yes.
 * Fails   an empty list, a NULL in it, rank 0 (cat), shapes that do not fit. */
DNN_API dnn_tensor *dnn_cat(dnn_tensor_list x, int dim);
DNN_API dnn_tensor *dnn_stack(dnn_tensor_list x, int dim);
/* A copy of x with src in the elements that dnn_slice (dnn_select) with these arguments selects;
 * src has the shape of that view. A, promoted. Grad: yes, to both. */
DNN_API dnn_tensor *dnn_slice_scatter(dnn_tensor *x, dnn_tensor *src, int dim, int64_t start,
                                      int64_t stop, int64_t step);
DNN_API dnn_tensor *dnn_select_scatter(dnn_tensor *x, dnn_tensor *src, int dim, int64_t index);

/* ---- elementwise ---- */

/* Private: the function for a tensor b, or for a number b. */
/* clang-format off */
#define DNN_BY_TYPE(b, tensor, number)                              \
    _Generic(b, dnn_tensor *: tensor, const dnn_tensor *: tensor, \
        void *: tensor, DNN_NULLPTR_(tensor) default: number)
/* clang-format on */
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define DNN_NULLPTR_(tensor) __typeof__(nullptr) : tensor,
#else
#define DNN_NULLPTR_(tensor)
#endif

/* Arithmetic; b is a tensor or a C number. dnn_add(a, b, .alpha = k) is a + k b (k in the dtype of
 * b), sub likewise.
 * Dtype   N. bool: add is or, mul is and; sub is an error. div of integers gives f32. In-place div
 *         needs a floating destination.
 * Values  Integers wrap. x/0: inf or NaN. 0^0 = 1. pow of integers with a negative exponent: 1 for
 *         base 1, +-1 for base -1, else 0; a number < 0 is an error.
 * Grad    yes, to both. */
#ifndef __cplusplus
#define dnn_add(...) DNN_CAT(dnn_add_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_sub(...) DNN_CAT(dnn_sub_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_add_missing_(a, b) DNN_BY_TYPE(b, dnn_add_tensor, dnn_add_number)(a, b)
#define dnn_sub_missing_(a, b) DNN_BY_TYPE(b, dnn_sub_tensor, dnn_sub_number)(a, b)
#define dnn_add_given_(a, b, ...)                            \
    DNN_BY_TYPE(b, dnn_add_tensor_with, dnn_add_number_with) \
    (a, b, DNN_ARGS(dnn_alpha_args, __VA_ARGS__))
#define dnn_sub_given_(a, b, ...)                            \
    DNN_BY_TYPE(b, dnn_sub_tensor_with, dnn_sub_number_with) \
    (a, b, DNN_ARGS(dnn_alpha_args, __VA_ARGS__))
#define dnn_mul(a, b) DNN_BY_TYPE(b, dnn_mul_tensor, dnn_mul_number)(a, b)
#define dnn_div(a, b) DNN_BY_TYPE(b, dnn_div_tensor, dnn_div_number)(a, b)
#define dnn_pow(a, b) DNN_BY_TYPE(b, dnn_pow_tensor, dnn_pow_number)(a, b)
#define dnn_add_(a, b) DNN_BY_TYPE(b, dnn_add_tensor_, dnn_add_number_)(a, b)
#define dnn_sub_(a, b) DNN_BY_TYPE(b, dnn_sub_tensor_, dnn_sub_number_)(a, b)
#define dnn_mul_(a, b) DNN_BY_TYPE(b, dnn_mul_tensor_, dnn_mul_number_)(a, b)
#define dnn_div_(a, b) DNN_BY_TYPE(b, dnn_div_tensor_, dnn_div_number_)(a, b)
#define dnn_pow_(a, b) DNN_BY_TYPE(b, dnn_pow_tensor_, dnn_pow_number_)(a, b)
#endif
typedef struct dnn_alpha_args {
    DNN_BY_NAME;
    double alpha;
} dnn_alpha_args;
DNN_API dnn_tensor *dnn_add_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_add_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_sub_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_sub_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_mul_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_mul_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_div_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_div_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_pow_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_pow_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_add_tensor_with(dnn_tensor *a, dnn_tensor *b, dnn_alpha_args args);
DNN_API dnn_tensor *dnn_add_number_with(dnn_tensor *a, double b, dnn_alpha_args args);
DNN_API dnn_tensor *dnn_sub_tensor_with(dnn_tensor *a, dnn_tensor *b, dnn_alpha_args args);
DNN_API dnn_tensor *dnn_sub_number_with(dnn_tensor *a, double b, dnn_alpha_args args);
DNN_API dnn_tensor *dnn_add_tensor_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_add_number_(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_sub_tensor_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_sub_number_(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_mul_tensor_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_mul_number_(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_div_tensor_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_div_number_(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_pow_tensor_(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_pow_number_(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_rsub(dnn_tensor *a, double b); /* b - a */

/* b is a tensor or a C number. floor_divide: floor(a/b). remainder: a - floor(a/b) b, sign of the
 * divisor. fmod: a - trunc(a/b) b, sign of the dividend. atan2: the angle of (b, a).
 * Dtype   N; atan2: F.
 * Values  floats by 0: a/0, NaN, NaN.
 * Grad    yes; of floor_divide zero.
 * Fails   integers by 0. */
#ifndef __cplusplus
#define dnn_floor_divide(a, b) \
    DNN_BY_TYPE(b, dnn_floor_divide_tensor, dnn_floor_divide_number)(a, b)
#define dnn_remainder(a, b) DNN_BY_TYPE(b, dnn_remainder_tensor, dnn_remainder_number)(a, b)
#define dnn_atan2(a, b) DNN_BY_TYPE(b, dnn_atan2_tensor, dnn_atan2_number)(a, b)
#define dnn_fmod(a, b) DNN_BY_TYPE(b, dnn_fmod_tensor, dnn_fmod_number)(a, b)
#endif
DNN_API dnn_tensor *dnn_floor_divide_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_floor_divide_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_remainder_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_remainder_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_fmod_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_fmod_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_atan2_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_atan2_number(dnn_tensor *a, double b);
/* The larger and the smaller of a and b, a tensor or a C number. N.
 * Values  maximum and minimum: NaN if one is NaN. fmax and fmin: the number if one is NaN.
 * Grad    yes. Equal arguments: maximum and minimum give each a half; fmax and fmin give all of it
 *         to a (differs: PyTorch 2 gives halves). */
#ifndef __cplusplus
#define dnn_maximum(a, b) DNN_BY_TYPE(b, dnn_maximum_tensor, dnn_maximum_number)(a, b)
#define dnn_minimum(a, b) DNN_BY_TYPE(b, dnn_minimum_tensor, dnn_minimum_number)(a, b)
#define dnn_fmax(a, b) DNN_BY_TYPE(b, dnn_fmax_tensor, dnn_fmax_number)(a, b)
#define dnn_fmin(a, b) DNN_BY_TYPE(b, dnn_fmin_tensor, dnn_fmin_number)(a, b)
#endif
DNN_API dnn_tensor *dnn_maximum_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_maximum_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_minimum_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_minimum_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_fmax_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_fmax_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_fmin_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_fmin_number(dnn_tensor *a, double b);
/* Comparisons, with a tensor or a C number, and logic. A; the result is bool. Grad: none.
 * Values  Compared by value: -0 = 0; NaN is unequal to everything and neither less nor greater.
 *         logical_*: nonzero is true, so NaN is true. isnan, isinf, isfinite take integers too. */
#ifndef __cplusplus
#define dnn_eq(a, b) DNN_BY_TYPE(b, dnn_eq_tensor, dnn_eq_number)(a, b)
#define dnn_ne(a, b) DNN_BY_TYPE(b, dnn_ne_tensor, dnn_ne_number)(a, b)
#define dnn_lt(a, b) DNN_BY_TYPE(b, dnn_lt_tensor, dnn_lt_number)(a, b)
#define dnn_le(a, b) DNN_BY_TYPE(b, dnn_le_tensor, dnn_le_number)(a, b)
#define dnn_gt(a, b) DNN_BY_TYPE(b, dnn_gt_tensor, dnn_gt_number)(a, b)
#define dnn_ge(a, b) DNN_BY_TYPE(b, dnn_ge_tensor, dnn_ge_number)(a, b)
#define dnn_logical_and(a, b) DNN_BY_TYPE(b, dnn_logical_and_tensor, dnn_logical_and_number)(a, b)
#define dnn_logical_or(a, b) DNN_BY_TYPE(b, dnn_logical_or_tensor, dnn_logical_or_number)(a, b)
#define dnn_logical_xor(a, b) DNN_BY_TYPE(b, dnn_logical_xor_tensor, dnn_logical_xor_number)(a, b)
#endif
DNN_API dnn_tensor *dnn_eq_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_eq_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_ne_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_ne_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_lt_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_lt_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_le_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_le_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_gt_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_gt_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_ge_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_ge_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_logical_and_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_logical_and_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_logical_or_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_logical_or_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_logical_xor_tensor(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_logical_xor_number(dnn_tensor *a, double b);
DNN_API dnn_tensor *dnn_logical_not(dnn_tensor *a);
DNN_API dnn_tensor *dnn_isnan(dnn_tensor *a);
DNN_API dnn_tensor *dnn_isinf(dnn_tensor *a);
DNN_API dnn_tensor *dnn_isfinite(dnn_tensor *a);

/* Functions of one operand.
 * Dtype   neg abs sign square relu: N. All others: F, and integers give f32 (differs: floor, ceil,
 *         round and trunc of PyTorch 2 keep integers).
 * Values  sign(NaN) = 0; relu(NaN) = NaN; round takes halves to even.
 * Grad    yes. sign, floor, ceil, round, trunc: zero. abs'(0) = 0, relu'(0) = 0, relu'(NaN) = 1,
 *         sqrt'(0) = inf. */
DNN_API dnn_tensor *dnn_neg(dnn_tensor *x);
DNN_API dnn_tensor *dnn_abs(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sign(dnn_tensor *x);
DNN_API dnn_tensor *dnn_square(dnn_tensor *x); /* x x */
DNN_API dnn_tensor *dnn_floor(dnn_tensor *x);
DNN_API dnn_tensor *dnn_ceil(dnn_tensor *x);
DNN_API dnn_tensor *dnn_round(dnn_tensor *x);
DNN_API dnn_tensor *dnn_trunc(dnn_tensor *x);
DNN_API dnn_tensor *dnn_frac(dnn_tensor *x);       /* x - trunc(x); gradient 1 */
DNN_API dnn_tensor *dnn_reciprocal(dnn_tensor *x); /* 1 / x */
DNN_API dnn_tensor *dnn_sqrt(dnn_tensor *x);
DNN_API dnn_tensor *dnn_rsqrt(dnn_tensor *x); /* 1 / sqrt(x) */
DNN_API dnn_tensor *dnn_exp(dnn_tensor *x);
DNN_API dnn_tensor *dnn_exp2(dnn_tensor *x);  /* 2^x */
DNN_API dnn_tensor *dnn_expm1(dnn_tensor *x); /* exp(x) - 1, accurate near 0 */
DNN_API dnn_tensor *dnn_log(dnn_tensor *x);
DNN_API dnn_tensor *dnn_log2(dnn_tensor *x);
DNN_API dnn_tensor *dnn_log10(dnn_tensor *x);
DNN_API dnn_tensor *dnn_log1p(dnn_tensor *x); /* log(1 + x), accurate near 0 */
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
DNN_API dnn_tensor *dnn_erfc(dnn_tensor *x);     /* 1 - erf(x) */
DNN_API dnn_tensor *dnn_relu(dnn_tensor *x);     /* max(x, 0) */
DNN_API dnn_tensor *dnn_softsign(dnn_tensor *x); /* x / (1 + |x|) */
DNN_API dnn_tensor *dnn_sigmoid(dnn_tensor *x);  /* 1 / (1 + exp(-x)) */
DNN_API dnn_tensor *dnn_silu(dnn_tensor *x);     /* x sigmoid(x) */
DNN_API dnn_tensor *dnn_neg_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_abs_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_log_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_relu_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sigmoid_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_tanh_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_exp_(dnn_tensor *x);
DNN_API dnn_tensor *dnn_sqrt_(dnn_tensor *x);

typedef struct dnn_gelu_args {
    dnn_tensor *x;
    DNN_BY_NAME;
    bool tanh; /* the tanh approximation */
} dnn_gelu_args;
/* leaky_relu: x > 0 ? x : slope x (PyTorch's default is 0.01). elu: x > 0 ? x : alpha (exp(x) - 1)
 * (1). softplus: log(1 + exp(beta x))/beta, and x where beta x > threshold; beta 0 is an error (1,
 * 20). gelu: x/2 (1 + erf(x/sqrt 2)), or with .tanh x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
 * F; integers give f32. Grad: yes; leaky_relu'(0) = slope. */
DNN_API dnn_tensor *dnn_leaky_relu(dnn_tensor *x, double slope);
DNN_API dnn_tensor *dnn_leaky_relu_(dnn_tensor *x, double slope);
DNN_API dnn_tensor *dnn_elu(dnn_tensor *x, double alpha);
DNN_API dnn_tensor *dnn_softplus(dnn_tensor *x, double beta, double threshold);
#define dnn_gelu(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_gelu_with(DNN_ARGS(dnn_gelu_args, .x = __VA_ARGS__))
DNN_API dnn_tensor *dnn_gelu_with(dnn_gelu_args args);

/* min(max(x, low), high). low and high are two tensors, which broadcast, and of which one may be
 * NULL = no bound; or two C numbers, where -INFINITY and INFINITY mean no bound, and without a
 * bound the result is a clone. N.
 * Values  low > high gives high. NaN in x stays.
 * Grad    yes: to x where low <= x <= high, bounds included (differs: PyTorch 2 gives x less at a
 *         bound); to a bound where the result is that bound.
 * Fails   both bounds NULL; a number that the dtype cannot hold. */
#ifndef __cplusplus
#define dnn_clamp(x, low, high) DNN_BY_TYPE(low, dnn_clamp_tensor, dnn_clamp_number)(x, low, high)
#define dnn_clamp_(x, low, high) \
    DNN_BY_TYPE(low, dnn_clamp_tensor_, dnn_clamp_number_)(x, low, high)
#endif
DNN_API dnn_tensor *dnn_clamp_tensor(dnn_tensor *x, dnn_tensor *low, dnn_tensor *high);
DNN_API dnn_tensor *dnn_clamp_number(dnn_tensor *x, double low, double high);
DNN_API dnn_tensor *dnn_clamp_tensor_(dnn_tensor *x, dnn_tensor *low, dnn_tensor *high);
DNN_API dnn_tensor *dnn_clamp_number_(dnn_tensor *x, double low, double high);
/* condition ? a : b, broadcast. condition is bool, a and b are A and promote to each other. Grad:
 * yes, to the operand that was selected. Fails: a condition of another dtype. */
DNN_API dnn_tensor *dnn_where(dnn_tensor *condition, dnn_tensor *a, dnn_tensor *b);
/* x, but value where mask (bool) is true; they broadcast. A. Grad: yes, to x where mask is
 * false. */
DNN_API dnn_tensor *dnn_masked_fill(dnn_tensor *x, dnn_tensor *mask, double value);
DNN_API dnn_tensor *dnn_masked_fill_(dnn_tensor *x, dnn_tensor *mask, double value);

/* ---- reductions ---- */

typedef struct dnn_reduce_args {
    dnn_tensor *x;
    DNN_BY_NAME;
    dnn_dims dims; /* axes to reduce; none named = all */
    bool keepdim;  /* keep the reduced axes, with size 1 */
} dnn_reduce_args;
/* Reductions over the axes of .dims, or over all.
 * Shape   x without the reduced axes.
 * Dtype   sum: A; I and bool give i64. mean: F. amax, amin: A.
 * Values  The sum of nothing is 0, the mean of nothing NaN. amax and amin: NaN if there is a NaN.
 * Grad    yes; in amax and amin equal elements share it equally.
 * Fails   a dim out of range or named twice; mean of integers ("cast"); amax, amin over an axis of
 *         size 0, which is named. */
#define dnn_sum(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_sum_with(DNN_ARGS(dnn_reduce_args, .x = __VA_ARGS__))
#define dnn_mean(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_mean_with(DNN_ARGS(dnn_reduce_args, .x = __VA_ARGS__))
#define dnn_amax(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_amax_with(DNN_ARGS(dnn_reduce_args, .x = __VA_ARGS__))
#define dnn_amin(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_amin_with(DNN_ARGS(dnn_reduce_args, .x = __VA_ARGS__))
DNN_API dnn_tensor *dnn_sum_with(dnn_reduce_args args);
DNN_API dnn_tensor *dnn_mean_with(dnn_reduce_args args);
DNN_API dnn_tensor *dnn_amax_with(dnn_reduce_args args);
DNN_API dnn_tensor *dnn_amin_with(dnn_reduce_args args);
/* amax and amin over all elements; rank 0. */
DNN_API dnn_tensor *dnn_max(dnn_tensor *x);
DNN_API dnn_tensor *dnn_min(dnn_tensor *x);
/* x summed down to `shape`, which must broadcast to the shape of x; x itself if it has it (torch's
 * sum_to_size). Dtype as sum. Grad: yes. */
DNN_API dnn_tensor *dnn_sum_to(dnn_tensor *x, dnn_shape shape);

#define DNN_ALL INT32_MAX /* dim of argmax, argmin: over all elements, row-major */
typedef struct dnn_max_dim_args {
    dnn_tensor *x;
    int dim;
    DNN_BY_NAME;
    dnn_tensor **indices; /* if not NULL, receives the indices (i64) */
    bool keepdim;         /* keep the axis, with size 1 */
} dnn_max_dim_args;
typedef struct dnn_argmax_args {
    dnn_tensor *x;
    int dim;
    DNN_BY_NAME;
    bool keepdim;
} dnn_argmax_args;
/* The largest (smallest) element along one axis: dnn_max_dim(x, 1, .indices = &i), as
 * torch.max(x, dim). argmax, argmin return the indices only, i64. A. Rank 0 counts as [1].
 * Values  The first of equal elements; if there is a NaN, the first NaN.
 * Grad    yes: all of it to the selected element. Of indices: none.
 * Fails   an axis of size 0. *.indices is set on success only. */
#define dnn_max_dim(...) DNN_CAT(dnn_max_dim_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_max_dim_missing_(x, dim)
#define dnn_max_dim_given_(x_, ...) \
    dnn_max_dim_with(DNN_ARGS(dnn_max_dim_args, .x = x_, .dim = __VA_ARGS__))
#define dnn_min_dim(...) DNN_CAT(dnn_min_dim_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_min_dim_missing_(x, dim)
#define dnn_min_dim_given_(x_, ...) \
    dnn_min_dim_with(DNN_ARGS(dnn_max_dim_args, .x = x_, .dim = __VA_ARGS__))
#define dnn_argmax(...) DNN_CAT(dnn_argmax_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_argmax_missing_(x, dim)
#define dnn_argmax_given_(x_, ...) \
    dnn_argmax_with(DNN_ARGS(dnn_argmax_args, .x = x_, .dim = __VA_ARGS__))
#define dnn_argmin(...) DNN_CAT(dnn_argmin_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_argmin_missing_(x, dim)
#define dnn_argmin_given_(x_, ...) \
    dnn_argmin_with(DNN_ARGS(dnn_argmax_args, .x = x_, .dim = __VA_ARGS__))
DNN_API dnn_tensor *dnn_max_dim_with(dnn_max_dim_args args);
DNN_API dnn_tensor *dnn_min_dim_with(dnn_max_dim_args args);
DNN_API dnn_tensor *dnn_argmax_with(dnn_argmax_args args);
DNN_API dnn_tensor *dnn_argmin_with(dnn_argmax_args args);

/* softmax: exp(x)/sum(exp(x)) along dim, without overflow. log_softmax: its logarithm. Rank 0
 * counts as [1]. F; integers are an error ("cast"). Grad: yes.
 * Values  A row of -inf only, or with an inf: NaN. */
DNN_API dnn_tensor *dnn_softmax(dnn_tensor *x, int dim);
DNN_API dnn_tensor *dnn_log_softmax(dnn_tensor *x, int dim);

/* ---- products ---- */

/* Products of matrices. mm: rank 2 only. bmm: rank 3 only, equal batches. dot: rank 1 only. addmm:
 * c + a b of rank 2, c broadcasts.
 * Shape   [..,M,K] x [..,K,N] -> [..,M,N]. A left operand of rank 1 is a row, a right one a column,
 *         and the axis is removed from the result. Further axes are batches and broadcast.
 * Dtype   F, equal. dnn_set_math says how inputs may be rounded.
 * Values  K = 0: zeros.
 * Grad    yes, to both.
 * Fails   rank 0; inner sizes or batches that differ (both shapes are named); two dtypes. */
DNN_API dnn_tensor *dnn_matmul(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_mm(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_bmm(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_dot(dnn_tensor *a, dnn_tensor *b);
DNN_API dnn_tensor *dnn_addmm(dnn_tensor *c, dnn_tensor *a, dnn_tensor *b);
/* x w' + bias: x [..,in], w [out,in], bias [out] or NULL -> [..,out]. F, equal. Grad: yes, to all
 * three.
 * Fails   shapes that do not fit (both are named); two dtypes. */
DNN_API dnn_tensor *dnn_linear(dnn_tensor *x, dnn_tensor *w, dnn_tensor *bias);

/* ---- convolution and pooling ---- */

typedef struct dnn_conv2d_args {
    dnn_tensor *x, *w, *bias;
    DNN_BY_NAME;
    int64_t stride, stride_h, stride_w;               /* 0 = 1; _h and _w override it */
    int64_t padding, padding_h, padding_w;            /* on both sides */
    int64_t pad_top, pad_left, pad_bottom, pad_right; /* added to padding, one side each */
    int64_t dilation, dilation_h, dilation_w;         /* 0 = 1 */
    int64_t groups;                                   /* 0 = 1 */
    bool same; /* output size = input size; stride 1 only; an odd row of padding goes below, an odd
                * column right */
} dnn_conv2d_args;
/* Cross-correlation with zero padding (torch.nn.functional.conv2d).
 * Shape   x [N,C,H,W], w [O,C/groups,kh,kw], bias [O] or NULL -> [N,O,Ho,Wo]; x [C,H,W] ->
 *         [O,Ho,Wo]. Ho = (H + top + bottom - dilation (kh-1) - 1)/stride + 1, rounded down, with
 *         the paddings; Wo alike.
 * Dtype   F, equal. dnn_set_math says how inputs may be rounded.
 * Values  N = 0: empty. C = 0: the bias.
 * Grad    yes, to all three.
 * Fails   rank of x not 3 or 4, of w not 4; channels that do not fit w and groups; O = 0; a kernel
 *         of size 0 or larger than the padded x; stride, dilation or groups < 1; padding < 0; .same
 *         with a stride or a padding; a bias of another size. */
#define dnn_conv2d(...) DNN_CAT(dnn_conv2d_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_conv2d_missing_(x, w, bias)
#define dnn_conv2d_given_(x_, w_, ...) \
    dnn_conv2d_with(DNN_ARGS(dnn_conv2d_args, .x = x_, .w = w_, .bias = __VA_ARGS__))
DNN_API dnn_tensor *dnn_conv2d_with(dnn_conv2d_args args);

typedef struct dnn_max_pool2d_args {
    dnn_tensor *x;
    DNN_BY_NAME;
    int64_t kernel, kernel_h, kernel_w;
    int64_t stride, stride_h, stride_w; /* 0 = kernel */
    int64_t padding, padding_h, padding_w;
    int64_t dilation, dilation_h, dilation_w; /* 0 = 1 */
    bool ceil_mode;
    dnn_tensor **indices; /* if not NULL, receives the indices (i64, row W + column) */
} dnn_max_pool2d_args;
typedef struct dnn_avg_pool2d_args {
    dnn_tensor *x;
    DNN_BY_NAME;
    int64_t kernel, kernel_h, kernel_w;
    int64_t stride, stride_h, stride_w; /* 0 = kernel */
    int64_t padding, padding_h, padding_w;
    bool ceil_mode;
    bool exclude_pad; /* divide by the cells inside the input (count_include_pad = False) */
    int64_t divisor;  /* divide by this instead (divisor_override); 0 = not set */
} dnn_avg_pool2d_args;
/* The largest element (the mean) of each window: dnn_max_pool2d(x, .kernel = 2). F.
 * Shape   x [N,C,H,W] or [C,H,W]; the result has its rank. Its height is
 *         (H + 2 padding - dilation (kernel-1) - 1)/stride + 1, rounded down, or up with .ceil_mode
 *         (a last window that would begin in the far padding is dropped); its width likewise.
 * Values  max: NaN if the window has one; padding is never selected. mean: padding counts as 0
 *         unless .exclude_pad.
 * Grad    yes. max: each window adds its gradient to the element that it selected, the first of
 *         equal ones; once if windows overlap or have gaps (dilation).
 * Fails   rank not 3 or 4; H or W 0; kernel < 1; a window larger than the padded x (with
 *         .ceil_mode: larger by a stride or more); stride or dilation < 0; padding < 0 or >
 *         kernel/2; max: a window whose cells all lie outside x, or a plane of 2^31 cells or more;
 *         mean: divisor < 0. *.indices is set on success only. */
#define dnn_max_pool2d(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_max_pool2d_with(DNN_ARGS(dnn_max_pool2d_args, .x = __VA_ARGS__))
#define dnn_avg_pool2d(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_avg_pool2d_with(DNN_ARGS(dnn_avg_pool2d_args, .x = __VA_ARGS__))
DNN_API dnn_tensor *dnn_max_pool2d_with(dnn_max_pool2d_args args);
DNN_API dnn_tensor *dnn_avg_pool2d_with(dnn_avg_pool2d_args args);
/* Pooling to a given height and width, 0 or more: window i covers rows floor(i H/height) to
 * ceil((i+1) H/height) - 1, columns alike. x [N,C,H,W] or [C,H,W]. F. indices as in dnn_max_pool2d.
 * Grad    yes; max: once if height and width do not divide H and W.
 * Fails   rank not 3 or 4; a size < 0; H or W 0 for a size > 0. */
DNN_API dnn_tensor *dnn_adaptive_avg_pool2d(dnn_tensor *x, int64_t height, int64_t width);
DNN_API dnn_tensor *dnn_adaptive_max_pool2d(dnn_tensor *x, int64_t height, int64_t width,
                                            dnn_tensor **indices);

/* ---- dropout, losses ---- */

/* x * (u >= p ? 1/(1-p) : 0), with u uniform in [0,1) per element; x itself if p is 0. F. Grad:
 * yes, with the same u. Fails: p outside [0,1]. */
DNN_API dnn_tensor *dnn_dropout(dnn_tensor *x, double p);

typedef enum dnn_reduction {
    DNN_REDUCTION_MEAN = 0,
    DNN_REDUCTION_SUM = 1,
    DNN_REDUCTION_NONE = 2
} dnn_reduction;
typedef struct dnn_loss_args {
    dnn_tensor *input, *target;
    DNN_BY_NAME;
    dnn_reduction reduction; /* 0 = DNN_REDUCTION_MEAN */
} dnn_loss_args;
typedef struct dnn_nll_loss_args {
    dnn_tensor *input, *target;
    DNN_BY_NAME;
    dnn_reduction reduction;
    dnn_tensor *weight;   /* [C], of the dtype of input; NULL = ones */
    int64_t ignore_index; /* targets of this class do not count; 0 = -100 */
    bool ignore_zero;     /* class 0 does not count: what .ignore_index = 0 cannot say */
} dnn_nll_loss_args;
typedef struct dnn_cross_entropy_args {
    dnn_tensor *input, *target;
    DNN_BY_NAME;
    dnn_reduction reduction;
    dnn_tensor *weight;
    int64_t ignore_index;
    bool ignore_zero;
    double label_smoothing; /* in [0,1] */
} dnn_cross_entropy_args;
/* (input - target)^2 and |input - target|, reduced to rank 0, or not with DNN_REDUCTION_NONE. F,
 * equal dtypes. The mean of nothing is NaN. Grad: yes, to both; l1'(0) = 0.
 * Fails   unequal shapes (differs: PyTorch broadcasts, with a warning); two dtypes, integers. */
#define dnn_mse_loss(...) DNN_CAT(dnn_mse_loss_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_mse_loss_missing_(input, target)
#define dnn_mse_loss_given_(input_, ...) \
    dnn_mse_loss_with(DNN_ARGS(dnn_loss_args, .input = input_, .target = __VA_ARGS__))
#define dnn_l1_loss(...) DNN_CAT(dnn_l1_loss_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_l1_loss_missing_(input, target)
#define dnn_l1_loss_given_(input_, ...) \
    dnn_l1_loss_with(DNN_ARGS(dnn_loss_args, .input = input_, .target = __VA_ARGS__))
DNN_API dnn_tensor *dnn_mse_loss_with(dnn_loss_args args);
DNN_API dnn_tensor *dnn_l1_loss_with(dnn_loss_args args);
/* The negative log-likelihood of class numbers; input holds log-probabilities for nll_loss, logits
 * for cross_entropy (nll_loss of log_softmax over C).
 * Shape   input [N,C], [N,C,d..] or [C]; target the same without C; the loss rank 0, or as target
 *         with DNN_REDUCTION_NONE.
 * Dtype   input F; target i64, i32 or u8.
 * Values  DNN_REDUCTION_MEAN divides by the sum of the targets' weights, and is NaN if all targets
 *         are ignored.
 * Grad    yes, to input; a weight that requires a gradient is an error in backward.
 * Fails   a target outside [0,C) that is not ignored (row and value are named); shapes that do not
 *         fit (both are named); a target of another dtype; a weight of another dtype or size;
 *         .label_smoothing outside [0,1]. */
#define dnn_nll_loss(...) DNN_CAT(dnn_nll_loss_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_nll_loss_missing_(input, target)
#define dnn_nll_loss_given_(input_, ...) \
    dnn_nll_loss_with(DNN_ARGS(dnn_nll_loss_args, .input = input_, .target = __VA_ARGS__))
#define dnn_cross_entropy(...) DNN_CAT(dnn_cross_entropy_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_cross_entropy_missing_(input, target)
#define dnn_cross_entropy_given_(input_, ...) \
    dnn_cross_entropy_with(DNN_ARGS(dnn_cross_entropy_args, .input = input_, .target = __VA_ARGS__))
DNN_API dnn_tensor *dnn_nll_loss_with(dnn_nll_loss_args args);
DNN_API dnn_tensor *dnn_cross_entropy_with(dnn_cross_entropy_args args);

/* ---- comparison ---- */

/* equal: *out = same shape and all elements equal; NaN equals nothing. allclose: same shape and
 * everywhere |a-b| <= atol + rtol |b|, computed in f64; an infinity is close to itself only
 * (PyTorch's defaults are 1e-5 and 1e-8). A, promoted. Wait for the device; take the pending error
 * first.
 * Fails   DNN_E_INVALID: a NULL argument, two devices, rtol or atol < 0; DNN_E_DEVICE;
 *         DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_equal(dnn_tensor *a, dnn_tensor *b, bool *out);
DNN_API DNN_CHECKED dnn_status dnn_allclose(dnn_tensor *a, dnn_tensor *b, double rtol, double atol,
                                            bool *out);

#ifdef __cplusplus
}

/* dnn_add(x, y), dnn_add(x, 2), dnn_add(x, nullptr) and the others, as overloads. NULL is a long 0
 * in C++, so a long takes a conversion: NULL, and any other constant 0 of type long, fits two
 * pointers better and does not compile. */
#include <cstddef>
#include <type_traits>
struct dnn_long {
    long dnn_value;
    dnn_long(long b) : dnn_value(b)
    {
    }
};
template <class N>
struct dnn_is_number
    : std::integral_constant<bool, std::is_arithmetic<N>::value && !std::is_same<N, long>::value> {
};
#define DNN_OVERLOADS_(name, tensor, number)                                          \
    inline dnn_tensor *name(dnn_tensor *a, dnn_tensor *b)                             \
    {                                                                                 \
        return tensor(a, b);                                                          \
    }                                                                                 \
    inline dnn_tensor *name(dnn_tensor *a, std::nullptr_t)                            \
    {                                                                                 \
        return tensor(a, nullptr);                                                    \
    }                                                                                 \
    inline dnn_tensor *name(dnn_tensor *a, dnn_long b)                                \
    {                                                                                 \
        return number(a, static_cast<double>(b.dnn_value));                           \
    }                                                                                 \
    template <class N>                                                                \
    inline typename std::enable_if<dnn_is_number<N>::value, dnn_tensor *>::type name( \
        dnn_tensor *a, N b)                                                           \
    {                                                                                 \
        return number(a, static_cast<double>(b));                                     \
    }
DNN_OVERLOADS_(dnn_add, dnn_add_tensor, dnn_add_number)
DNN_OVERLOADS_(dnn_sub, dnn_sub_tensor, dnn_sub_number)
DNN_OVERLOADS_(dnn_mul, dnn_mul_tensor, dnn_mul_number)
DNN_OVERLOADS_(dnn_div, dnn_div_tensor, dnn_div_number)
DNN_OVERLOADS_(dnn_pow, dnn_pow_tensor, dnn_pow_number)
DNN_OVERLOADS_(dnn_floor_divide, dnn_floor_divide_tensor, dnn_floor_divide_number)
DNN_OVERLOADS_(dnn_remainder, dnn_remainder_tensor, dnn_remainder_number)
DNN_OVERLOADS_(dnn_fmod, dnn_fmod_tensor, dnn_fmod_number)
DNN_OVERLOADS_(dnn_atan2, dnn_atan2_tensor, dnn_atan2_number)
DNN_OVERLOADS_(dnn_maximum, dnn_maximum_tensor, dnn_maximum_number)
DNN_OVERLOADS_(dnn_minimum, dnn_minimum_tensor, dnn_minimum_number)
DNN_OVERLOADS_(dnn_fmax, dnn_fmax_tensor, dnn_fmax_number)
DNN_OVERLOADS_(dnn_fmin, dnn_fmin_tensor, dnn_fmin_number)
DNN_OVERLOADS_(dnn_logical_and, dnn_logical_and_tensor, dnn_logical_and_number)
DNN_OVERLOADS_(dnn_logical_or, dnn_logical_or_tensor, dnn_logical_or_number)
DNN_OVERLOADS_(dnn_logical_xor, dnn_logical_xor_tensor, dnn_logical_xor_number)
DNN_OVERLOADS_(dnn_eq, dnn_eq_tensor, dnn_eq_number)
DNN_OVERLOADS_(dnn_ne, dnn_ne_tensor, dnn_ne_number)
DNN_OVERLOADS_(dnn_lt, dnn_lt_tensor, dnn_lt_number)
DNN_OVERLOADS_(dnn_le, dnn_le_tensor, dnn_le_number)
DNN_OVERLOADS_(dnn_gt, dnn_gt_tensor, dnn_gt_number)
DNN_OVERLOADS_(dnn_ge, dnn_ge_tensor, dnn_ge_number)
DNN_OVERLOADS_(dnn_add_, dnn_add_tensor_, dnn_add_number_)
DNN_OVERLOADS_(dnn_sub_, dnn_sub_tensor_, dnn_sub_number_)
DNN_OVERLOADS_(dnn_mul_, dnn_mul_tensor_, dnn_mul_number_)
DNN_OVERLOADS_(dnn_div_, dnn_div_tensor_, dnn_div_number_)
DNN_OVERLOADS_(dnn_pow_, dnn_pow_tensor_, dnn_pow_number_)
#undef DNN_OVERLOADS_
inline dnn_tensor *dnn_add(dnn_tensor *a, dnn_tensor *b, dnn_alpha_args args)
{
    return dnn_add_tensor_with(a, b, args);
}
inline dnn_tensor *dnn_sub(dnn_tensor *a, dnn_tensor *b, dnn_alpha_args args)
{
    return dnn_sub_tensor_with(a, b, args);
}
inline dnn_tensor *dnn_clamp(dnn_tensor *x, dnn_tensor *low, dnn_tensor *high)
{
    return dnn_clamp_tensor(x, low, high);
}
inline dnn_tensor *dnn_clamp(dnn_tensor *x, double low, double high)
{
    return dnn_clamp_number(x, low, high);
}
inline dnn_tensor *dnn_clamp_(dnn_tensor *x, dnn_tensor *low, dnn_tensor *high)
{
    return dnn_clamp_tensor_(x, low, high);
}
inline dnn_tensor *dnn_clamp_(dnn_tensor *x, double low, double high)
{
    return dnn_clamp_number_(x, low, high);
}
#endif
#endif
