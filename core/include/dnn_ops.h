/* dnn_ops.h - the operators as a kernel sees them: operands, results, attributes, exact values.
 *
 * Standalone. An operator that has attributes has one struct for them. It begins with its size; the
 * other members are literal values, since the core has resolved every default. A member that is
 * added later is appended and means "as before" if it is zero. Formulas are PyTorch 1.13's unless a
 * line says otherwise.
 *
 * Form of an entry: name (inputs) -> outputs: dtypes. Formula. Inputs are named in order: in[0],
 * in[1], ...
 *
 * Rules for every operator
 *   Outputs   The core decides dims, strides and dtype of every output. Outputs are dense and
 *             row-major unless the kernel has DNN_K_STRIDED, and never overlap an input unless it
 *             has DNN_K_INPLACE (then out[0] may be exactly in[0]). If a shape is not a function of
 *             the inputs, the kernel reads it from the output.
 *   Primary   The operand whose dtype selects the kernel: in[0], or out[0] if there is no input,
 *             unless a line says otherwise.
 *   Shapes    Elementwise operators get every input with the dims of the output (stride 0 along
 *             stretched axes) and with one dtype, unless a line says otherwise.
 *   Scalar    A rank-0 operand. A number that may change from step to step is a scalar, never an
 *             attribute. A scalar that is not said to broadcast arrives with ndim 0.
 *   Letters   N, C, H, W in shapes: batch, channels, rows, columns. In dtypes: F = f32 f64 (f16
 *             bf16), I = i8 u8 i32 i64, N = F + I, A = N + bool. dy is the gradient of y, and so
 *             on.
 *   NaN       propagates through every operator that does not say otherwise. Integers wrap modulo
 *             2^n, never trap.
 *   Data      A wrong value in the data (a label, an index, a divisor of 0) is DNN_E_INVALID with
 *             place and value, found before anything is written.
 *   Rounding  f16 and bf16 compute and accumulate in f32 and round once.
 *
 * Random numbers: Philox4x32-10 (Salmon et al. 2011, as in Random123). The key is rng_seed, low
 * word first. Counter words 0 and 1 are rng_offset + b (64 bits, low word first), words 2 and 3 are
 * rng_stream; b is the block. An element uses `words` 32-bit words: 2 if the dtype of the result
 * is f64, else 1. Element i, counted in logical row-major order, begins at word w = i * words:
 * block w / 4, lane w % 4. So a number depends on the position of the element only.
 *   u in f32 = (word >> 8) * 2^-24; f64 = ((w0 << 32 | w1) >> 11) * 2^-53, w0 the first word;
 *   f16 = (word >> 21) * 2^-11; bf16 = (word >> 24) * 2^-8; bool: as f32. */
#ifndef DNN_OPS_H
#define DNN_OPS_H
#include <stdint.h>

#define DNN_DIM_MAX 8 /* highest rank */

enum { DNN_REDUCE_MEAN = 0, DNN_REDUCE_SUM = 1, DNN_REDUCE_NONE = 2 };

/* ---- creation and copies (all dtypes; none computes) ---- */

/* fill (scalar) -> out[0]: the scalar, of the same dtype and with ndim 0, in every element. */
/* arange -> out[0] [n]: N. out[i] = start + i*step, never accumulated. Integers: computed in i64
 * from istart and istep. */
typedef struct dnn_attr_arange {
    uint32_t size, _pad;
    double start, step;
    int64_t istart, istep;
} dnn_attr_arange;

/* linspace -> out[0] [n]: F. step = (end-start)/(n-1); out[i] = start + i*step for i < n/2, else
 * end - (n-1-i)*step, so that the last is exact; n = 1: start. Computed in double. */
typedef struct dnn_attr_linspace {
    uint32_t size, _pad;
    double start, end;
} dnn_attr_linspace;

/* eye -> out[0] [n,m]: A. 1 on the main diagonal, else 0. */

/* copy (x) -> out[0]: A to A, all pairs of dtypes. x arrives expanded to the dims of out[0]. The
 * kernel needs DNN_K_STRIDED and DNN_K_UNALIGNED, also for out[0]: the core makes operands of other
 * kernels contiguous with it.
 *   To an integer: toward zero, NaN 0, out of range saturates. To bool: != 0, NaN true.
 *   From bool: 0 or 1. To f16, bf16: nearest even, overflow to infinity. */

/* reorder (x) -> out[0]: the same elements in another layout; one of the two layouts is strided;
 * same dtype and dims. Only the core calls it. A plugin with private layouts brings kernels to and
 * from each. Their plan() declines layouts of other families, and sets out_bytes[0]. */

/* cat (x0, x1, ..; dnn_attr_dim) -> out[0]: the inputs one after the other along dim. 1 input or
 * more, one dtype; an input may be empty. */
/* slice_scatter (x, src; dnn_attr_slice) -> out[0]: x, but src at start, start+step, ... along
 * dim, as many as src has. */
typedef struct dnn_attr_dim {
    uint32_t size;
    int32_t dim; /* 0 .. ndim-1 */
} dnn_attr_dim;
typedef struct dnn_attr_slice {
    uint32_t size;
    int32_t dim;
    int64_t start, step; /* step >= 1 */
} dnn_attr_slice;

/* ---- elementwise: one input ---- */

/* neg abs sign square relu: N to the same dtype. sign(NaN) = 0. relu: x < 0 ? 0 : x, so NaN stays
 * and -0 gives -0.
 * floor ceil round trunc: F (round: half to even).
 * reciprocal sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh
 * tanh erf erfc: F.
 * softsign: F. x/(1+|x|); +-inf gives NaN, as the formula does.
 * sigmoid: F. 1/(1+exp(-x)), without overflow for any x. silu: F. x*sigmoid(x).
 * isnan isinf isfinite: F to bool. logical_not: A to bool; NaN counts as true. */

/* gelu: F. x/2 (1 + erf(x/sqrt 2)), or if tanh is not 0: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715
 * x^3))) (Hendrycks and Gimpel 2016). */
typedef struct dnn_attr_gelu {
    uint32_t size, tanh;
} dnn_attr_gelu;
/* leaky_relu: F. x > 0 ? x : x*alpha (NaN stays). elu: F. x > 0 ? x : alpha*expm1(x).
 * leaky_relu_bwd (dy, x): x > 0 ? dy : dy*alpha. elu_bwd (dy, x): x > 0 ? dy : dy*alpha*exp(x). */
typedef struct dnn_attr_alpha {
    uint32_t size, _pad;
    double alpha;
} dnn_attr_alpha;
/* softplus: F. log(1 + exp(beta x))/beta, and x where beta x > threshold.
 * softplus_bwd (dy, x): dy * sigmoid(beta x), and dy where beta x > threshold. */
typedef struct dnn_attr_softplus {
    uint32_t size, _pad;
    double beta, threshold;
} dnn_attr_softplus;

/* relu_bwd (dy, y): F. dy where y > 0 or y is NaN, else 0.
 * silu_bwd (dy, x), gelu_bwd (dy, x; dnn_attr_gelu): F. dy times the derivative at x. */

/* ---- elementwise: two and three inputs ---- */

/* add mul: A; for bool they are or, and. sub: N. div: F.
 * pow: N. 0^0 = 1. Integers: an exponent >= 0 by squaring with wrap; a negative one gives 1 for
 *   base 1, +-1 for base -1, else 0.
 * maximum minimum: N. NaN if one is NaN. fmax fmin: N. The number if one is NaN. atan2: F.
 * remainder: x - floor(x/y) y, sign of the divisor. fmod: x - trunc(x/y) y, sign of the dividend.
 *   floor_divide: floor(x/y). N. Floats by 0: NaN, NaN, x/0. Integers by 0: DNN_E_INVALID.
 *   Smallest integer by -1: 0, 0, itself.
 * eq ne lt le gt ge: A to bool, by value: -0 = 0; with NaN all are false but ne.
 * logical_and logical_or logical_xor: A to bool; NaN counts as true.
 * pow_bwd_exponent (dy, x, y, e), y = x^e: F. dy * y * log(x), and 0 where x = 0 and e >= 0.
 * maximum_bwd (dy, a, b): F. The gradient to a: dy where a > b or a is NaN, dy/2 where they are
 * equal, else 0. */
/* where (condition, a, b): condition bool, a and b A of one dtype. condition ? a : b. primary
 * in[1]. */
/* clamp (x, low, high): N. low and high arrive expanded; either may be NULL. v = x < low ? low :
 *   x, then v > high ? high : v, so low > high gives high. NaN in x stays; a NaN bound gives NaN.
 * clamp_bwd (dy, x, low, high): F. dy where low <= x <= high, else 0. */

/* ---- reductions ---- */

/* sum: A; floats to their dtype, integers and bool to i64. mean: F. amax amin: A.
 * dims is a mask: bit d set = axis d is reduced (0 at rank 0: the result is the input). The result
 * has the other axes; keepdim adds axes of size 1, which a kernel may ignore: the elements and
 * their order are the same. The sum of nothing is 0, the mean of nothing NaN; the core refuses amax
 * and amin of nothing. Sums of f32 are as accurate as a pairwise sum, in an order that depends on
 * sizes only. */
typedef struct dnn_attr_reduce {
    uint32_t size, keepdim, dims, _pad;
} dnn_attr_reduce;
/* max_dim min_dim -> values, indices i64 or NULL: A. argmax argmin -> indices i64: A. Along one
 * axis, which is not empty. The first of equal elements; NaN is the largest in max, the smallest in
 * min, and the first NaN counts. */
typedef struct dnn_attr_reduce_dim {
    uint32_t size;
    int32_t dim;
    uint32_t keepdim, _pad;
} dnn_attr_reduce_dim;
/* max_dim_bwd (dy, indices i64; dnn_attr_dim) -> dx, with the dims of x: F. dy at the index along
 * dim, else 0. dy and indices have size 1 along dim. Serves min_dim too. */

/* softmax log_softmax (x; dnn_attr_dim): F. Subtract the maximum of the row. A row of -inf only,
 *   or with an inf: NaN. The core makes rank 0 [1].
 * softmax_bwd (dy, y; dnn_attr_dim): F. y (dy - sum(dy y)), the sum along dim.
 * log_softmax_bwd (dy, y; dnn_attr_dim): F. dy - exp(y) sum(dy). */

/* ---- products ---- */

/* matmul (a [B..,M,K], b [B..,K,N]) -> [B..,M,N]: F. Ranks are equal, 2 to 8; the batch axes arrive
 * expanded to equal dims (stride 0 where stretched). K = 0: zeros. */
/* linear (x [..,in], w [out,in], bias [out] or NULL) -> [..,out]: F. x w' + bias. in = 0: the
 * bias. */

/* ---- convolution and pooling ---- */

/* conv2d (x [N,C,H,W], w [O,C/groups,kh,kw], bias [O] or NULL) -> [N,O,Ho,Wo]: F.
 *   Cross-correlation with zero padding. Ho = (H + pad_top + pad_bottom - dilation_h (kh-1) - 1) /
 *   stride_h + 1, rounded down; Wo alike. C = 0: the bias.
 * conv2d_bwd_input (dy [N,O,Ho,Wo], w) -> dx [N,C,H,W]: F.
 * conv2d_bwd_weight (dy, x) -> dw [O,C/groups,kh,kw]: F. N = 0: zeros.
 * The three share the attributes; dims that these do not determine are read from out[0]. */
typedef struct dnn_attr_conv2d {
    uint32_t size;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t dilation_h, dilation_w, groups;
} dnn_attr_conv2d;

/* max_pool2d (x [N,C,H,W]) -> y [N,C,Ho,Wo], indices i32 or NULL: F. An index is row*W + column in
 *   the plane. Padding is never selected. The first of equal elements; the first NaN
 *   if there is one; in a window of -inf only, its first cell inside x.
 * max_pool2d_bwd (dy, indices i32) -> dx [N,C,H,W]: F. Each dy is added at its index, in order. No
 * attributes.
 * avg_pool2d (x) -> y: F. The sum over the window, padding 0, divided by the cells of the window
 *   inside the padded input; with exclude_pad inside the input; or by divisor if it is not 0.
 * avg_pool2d_bwd (dy) -> dx: F. dy, divided as in avg_pool2d, spread over the window.
 * With ceil_mode a window may reach past the padded input: such cells are never counted. */
typedef struct dnn_attr_pool2d {
    uint32_t size;
    int32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
    int32_t ceil_mode, exclude_pad, divisor; /* exclude_pad and divisor: avg_pool2d only; dilation:
                                              * max_pool2d only */
} dnn_attr_pool2d;
/* adaptive_avg_pool2d (x [N,C,H,W]) -> y [N,C,Ho,Wo]: F. The mean over rows floor(i H/Ho) ..
 *   ceil((i+1) H/Ho)-1, columns alike.
 * adaptive_avg_pool2d_bwd (dy) -> dx: F.
 * adaptive_max_pool2d (x) -> y, indices i32 or NULL: F. Its backward is max_pool2d_bwd.
 * No attributes: the sizes are those of the operands. */

/* ---- losses ---- */

/* N rows, C classes, D.. the dims behind C. target [N,D..]: class numbers, i64, i32 or u8. weight w
 * [C] of the loss's dtype, or NULL = ones. A target equal to ignore_index is ignored; any other
 * outside [0,C) is DNN_E_INVALID with row and value. All F.
 * nll_loss (logp [N,C,D..], target, weight) -> loss: l = -w[t] logp[t] for each target t. MEAN:
 *   sum(l) / sum(w[t]), rank 0. SUM: sum(l), rank 0. NONE: l with the dims of target, 0 where
 *   ignored. The mean of nothing is NaN, the sum of nothing 0.
 * nll_loss_bwd (dloss, target, weight) -> dlogp, with the dims of logp.
 * softmax_cross_entropy (x [N,C,D..], target, weight) -> loss, lse or NULL: nll_loss of logp =
 *   log_softmax(x) over C. With smoothing e: l = (1-e) (-w[t] logp[t]) + e/C sum_c(-w[c] logp[c]);
 *   MEAN divides by sum(w[t]) as well. lse, with the dims of target: log sum exp of each row.
 * softmax_cross_entropy_bwd (dloss, x, target, weight, lse) -> dx.
 * dloss has rank 0, or for NONE the dims of target. */
typedef struct dnn_attr_loss {
    uint32_t size, reduction; /* DNN_REDUCE_ */
    int64_t ignore_index;
    double smoothing; /* softmax_cross_entropy only */
} dnn_attr_loss;

/* ---- random numbers ---- */

/* uniform -> out[0]: F. low + (high - low) u.
 * normal -> out[0]: F. mean + std z, with z by Box-Muller from the u of elements 2k and 2k+1 (both
 *   are drawn even if n is odd): r = sqrt(-2 log(1 - u_2k)), z_2k = r cos(2 pi u_2k+1),
 *   z_2k+1 = r sin(2 pi u_2k+1), computed in the dtype.
 * bernoulli -> out[0]: F or bool. 1 where u < p, else 0. */
typedef struct dnn_attr_uniform {
    uint32_t size, _pad;
    double low, high;
} dnn_attr_uniform;
typedef struct dnn_attr_normal {
    uint32_t size, _pad;
    double mean, std;
} dnn_attr_normal;
typedef struct dnn_attr_bernoulli { /* bernoulli, dropout, dropout_bwd */
    uint32_t size, _pad;
    double p;
} dnn_attr_bernoulli;
/* dropout (x; dnn_attr_bernoulli): F. x * (u >= p ? 1/(1-p) : 0). A product, so NaN and infinity
 *   are kept; p = 1: x * 0. u has the dtype of x.
 * dropout_bwd (dy; dnn_attr_bernoulli): F. The same product, with the random numbers of the forward
 * call. */

/* ---- optimizer steps (in place) ---- */

/* sgd_step (lr, m, then p, g, b for each of n parameters): F, one dtype for all p, g, b. primary
 *   in[2]. lr and the momentum m are f64 scalars on the operands' device. in[2+3i] is the
 *   parameter p, in[3+3i] its gradient g, in[4+3i] its buffer b, or NULL if m = 0. out[2i] is p,
 *   out[2i+1] is b or NULL: the same memory as the inputs, updated in place. p, g and b have equal
 *   dims.
 *     g = maximize ? -g : g;  g += weight_decay p;
 *     with b:  b = first ? g : m b + (1 - dampening) g;  g = nesterov ? g + m b : b;
 *     p -= lr g
 *   Computed in the dtype; the numbers are rounded to it first. */
typedef struct dnn_attr_sgd {
    uint32_t size, first, nesterov, maximize;
    double dampening, weight_decay;
} dnn_attr_sgd;

#endif
