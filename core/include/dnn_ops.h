/* dnn_ops.h - the operators as a kernel sees them: operands, results, attributes, exact values.
 *
 * Standalone. One struct of attributes per operator that has any; each begins with its size, the members that follow
 * are literal values (the core has resolved every default), and a member that is added later is appended and means
 * "as before" where it is zero. The formulas are those of PyTorch 1.13 unless a line says otherwise.
 *
 * What holds for every operator
 *   - dim, stride, dtype of every output are decided by the core; outputs are dense and row-major unless the kernel says
 *     STRIDED, and never overlap an input unless the kernel says INPLACE (then out[0] may be exactly in[0]).
 *   - "primary" names the operand whose dtype selects the kernel: in[0], or out[0] where there is no input, unless a
 *     line says otherwise.
 *   - Elementwise operators: every input arrives with the dims of the output (stride 0 where it is stretched), and all
 *     inputs with one dtype, unless a line says otherwise.
 *   - "scalar" is a rank-0 operand; a number that may change from step to step is one, never an attribute. A scalar that
 *     is not said to broadcast arrives with ndim 0.
 *   - N, C, H, W are batch, channels, rows, columns. F = f32 f64 (f16 bf16); I = i8 u8 i32 i64; N = F+I; A = N+bool.
 *   - NaN goes through everything that does not say otherwise. Integers wrap modulo 2^n and never trap.
 *   - A wrong value in the data (a label, an index, a divisor of 0) is DNN_E_INVALID with the place and the value,
 *     found before anything is written.
 *   - f16 and bf16 compute and accumulate in f32 and round once.
 *
 * Random numbers: Philox4x32-10 (Random123). Key = rng_seed (low word first); counter words 0,1 = rng_offset + b (64 bits,
 * low word first), words 2,3 = rng_stream, where b is the block. An element takes `words` 32-bit words: 1, or 2 where the
 * dtype of the result is f64; element i, counted in logical row-major order, begins at word w = i * words: block w / 4,
 * lane w % 4. So a number depends on the element's position only.
 *   u = (word >> 8) * 2^-24 in f32; f64: ((w0 << 32 | w1) >> 11) * 2^-53, w0 the first word; bool takes one word as f32;
 *   f16 (word >> 21) * 2^-11; bf16 (word >> 24) * 2^-8. */
#ifndef DNN_OPS_H
#define DNN_OPS_H
#include <stdint.h>

#define DNN_DIM_MAX 8 /* the highest rank */

enum { DNN_REDUCE_MEAN = 0, DNN_REDUCE_SUM = 1, DNN_REDUCE_NONE = 2 };

/* ---- creation and moves (all dtypes; none computes) -------------------------------------------------------------- */

/* fill: out[0] = in[0], a scalar of the same dtype, in every place. Not broadcast: in[0] has ndim 0. */
/* arange: out[0][i] = start + i*step, never accumulated; N. Integers: computed in i64 from istart, istep.
 * primary out[0]. */
typedef struct dnn_attr_arange {
    uint32_t size, _pad;
    double start, step;
    int64_t istart, istep;
} dnn_attr_arange;

/* linspace: out[0] [n], F. i < n/2: start + i*step, else end - (n-1-i)*step, step = (end-start)/(n-1), so the last is
 * exact; n = 1: start. Computed in double. primary out[0]. */
typedef struct dnn_attr_linspace {
    uint32_t size, _pad;
    double start, end;
} dnn_attr_linspace;

/* eye: out[0] [n,m], A: 1 on the main diagonal, else 0. primary out[0]. */

/* copy: out[0] = in[0], converted where the dtypes differ. in[0] arrives expanded to the dims of out[0]; the kernel must
 * say STRIDED, and must write an out[0] of any strides (the core packs, unpacks and assigns with it). All pairs of dtypes.
 * To an integer: toward zero, NaN 0, out of range saturates. To bool: != 0, NaN true. From bool: 0 or 1.
 * To f16, bf16: nearest even, overflow to infinity. primary in[0]. */

/* reorder: out[0] = in[0], from one layout to another, one of the two strided; same dtype and dims. The core calls it alone. Brought by
 * plugins with private layouts, to and from each; its plan declines layouts that are not its own, and says out_bytes[0]. */

/* cat: out[0] = the inputs one after the other along dim. Any number of inputs >= 1, one dtype; an input may be empty. */
/* slice_scatter: out[0] = in[0], but in[1] in the places start, start+step, ... along dim (in[1] has size n there). */
typedef struct dnn_attr_dim {
    uint32_t size;
    int32_t dim; /* 0 .. ndim-1 */
} dnn_attr_dim;
typedef struct dnn_attr_slice {
    uint32_t size;
    int32_t dim;
    int64_t start, step; /* step >= 1 */
} dnn_attr_slice;

/* ---- elementwise: one input -------------------------------------------------------------------------------------- */

/* neg abs sign square relu: N, out of the same dtype. sign(NaN) = 0. relu: x < 0 ? 0 : x, NaN stays, -0 gives -0.
 * floor ceil round trunc: F (round: half to even).
 * reciprocal sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh erf erfc: F.
 * softsign: F. x/(1+|x|); +-inf gives NaN, as the formula has it.
 * sigmoid: 1/(1+exp(-x)), without overflow for any x. silu: x*sigmoid(x).
 * isnan isinf isfinite: F to bool. logical_not: A to bool; NaN counts as true. */

/* gelu: F. x/2 (1 + erf(x/sqrt 2)), or with tanh: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
typedef struct dnn_attr_gelu {
    uint32_t size, tanh;
} dnn_attr_gelu;
/* leaky_relu: F. x > 0 ? x : x*alpha (NaN stays). elu: F. x > 0 ? x : alpha*expm1(x).
 * leaky_relu_bwd (dy, x): x > 0 ? dy : dy*alpha. elu_bwd (dy, x): x > 0 ? dy : dy*alpha*exp(x). */
typedef struct dnn_attr_alpha {
    uint32_t size, _pad;
    double alpha;
} dnn_attr_alpha;
/* softplus: F. log(1 + exp(beta x))/beta, and x where beta x > threshold. softplus_bwd (dy, x): dy * sigmoid(beta x), and
 * dy where beta x > threshold. */
typedef struct dnn_attr_softplus {
    uint32_t size, _pad;
    double beta, threshold;
} dnn_attr_softplus;

/* relu_bwd (dy, y): dy where y > 0 or y is NaN, else 0. silu_bwd (dy, x), gelu_bwd (dy, x; dnn_attr_gelu): dy times the
 * derivative at x. F. */

/* ---- elementwise: two and three inputs --------------------------------------------------------------------------- */

/* add sub mul: A (bool: or, -, and; sub of bool is refused by the core). div: F. pow: N (0^0 = 1; integers: exponent >= 0
 * by squaring with wrap; a negative exponent gives 1 for base 1, +-1 for -1, else 0).
 * maximum minimum: N, NaN wins. fmax fmin: N, the number wins. atan2: F.
 * remainder (sign of the divisor; x - floor(x/y) y), fmod (sign of the dividend), floor_divide: N; floats by 0: NaN, NaN,
 * x/0; integers by 0: DNN_E_INVALID; min by -1: 0, 0, min.
 * eq ne lt le gt ge: A to bool, by value (-0 = 0; NaN: all false but ne). logical_and logical_or logical_xor: A to bool.
 * pow_bwd_exponent (dy, x, y, e): F, y = x^e; dy * y * log(x), and 0 where x = 0 and e >= 0.
 * maximum_bwd (dy, a, b): F: a > b or a is NaN: dy, equal: dy/2, else 0; this is the gradient to a. */
/* where (condition, a, b): condition bool, a and b A of one dtype: condition ? a : b. primary in[1]. */
/* clamp (x, low, high): N; low, high arrive expanded, either may be NULL. x < low ? low : x, then > high ? high: so low >
 * high gives high. NaN in x stays; a NaN bound gives NaN.
 * clamp_bwd (dy, x, low, high): F; dy where low <= x <= high, else 0. */

/* ---- reductions -------------------------------------------------------------------------------------------------- */

/* sum: A; float to itself, integers and bool to i64. mean: F. amax amin: A. dims is a mask: bit d set = axis d is reduced
 * (at rank 0 it is 0 and the result is the input). The result has the axes left (keepdim: size 1 in their place, which a
 * kernel may ignore: the elements and their order are the same). Sum of nothing 0, mean of nothing NaN; amax, amin of
 * nothing are refused by the core. Sums of f32 within the bounds of a pairwise sum, in an order that sizes fix. */
typedef struct dnn_attr_reduce {
    uint32_t size, keepdim, dims, _pad;
} dnn_attr_reduce;
/* max_dim min_dim: A; out[0] values, out[1] indices i64 or NULL. argmax argmin: out[0] i64. Along one axis; the first of
 * equals; NaN is the largest in max and the smallest in min, the first one counts. The axis is not empty. */
typedef struct dnn_attr_reduce_dim {
    uint32_t size;
    int32_t dim;
    uint32_t keepdim, _pad;
} dnn_attr_reduce_dim;
/* max_dim_bwd (dy, indices i64; dnn_attr_dim): out[0] has the input's dims: dy at the index along dim, else 0. F. dy and
 * indices have size 1 there. Serves min_dim too. */

/* softmax log_softmax (dnn_attr_dim): F; the row's maximum is subtracted. A row of -inf only, or with +inf: NaN. rank 0: the
 * core makes it [1]. softmax_bwd (dy, y): y (dy - sum(dy y)); log_softmax_bwd (dy, y): dy - exp(y) sum(dy); dnn_attr_dim. */

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* matmul (a [B..,M,K], b [B..,K,N]) -> [B..,M,N]: F; the batch axes arrive expanded to equal dims (stride 0 where
 * stretched); ranks are equal, 2 to 8. K = 0: zeros. */
/* linear (x [..,in], w [out,in], bias [out] or NULL) -> [..,out]: x w' + bias. F. in = 0: the bias. */

/* ---- convolution and pooling ------------------------------------------------------------------------------------- */

/* conv2d (x [N,C,H,W], w [O,C/groups,kh,kw], bias [O] or NULL) -> [N,O,Ho,Wo]: cross-correlation with zero padding.
 *   Ho = (H + pad_top + pad_bottom - dilation_h (kh-1) - 1) / stride_h + 1, rounded down. C = 0: the bias. F.
 * conv2d_bwd_input (dy [N,O,Ho,Wo], w) -> dx [N,C,H,W]. conv2d_bwd_weight (dy, x) -> dw [O,C/groups,kh,kw]; N = 0: zeros.
 * The three share the attributes; the dims that these do not determine are those of out[0]. */
typedef struct dnn_attr_conv2d {
    uint32_t size;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t dilation_h, dilation_w, groups;
} dnn_attr_conv2d;

/* max_pool2d (x [N,C,H,W]) -> y [N,C,Ho,Wo], indices i32 or NULL: place of the maximum in the plane, row*W + column. Padding
 * never wins; the first of equals, NaN first; a window of -inf only: its first place inside. F (and I).
 * max_pool2d_bwd (dy, indices i32) -> dx [N,C,H,W]: each dy added at its index, in order. No attributes are read.
 * avg_pool2d (x) -> y: the sum over the window, padding 0, divided by the cells of the window inside the padded input, or with
 * exclude_pad inside the input, or by divisor if it is not 0. avg_pool2d_bwd (dy) -> dx: dy/divisor spread over the window.
 * A window may reach past the padded input (ceil_mode): such cells are never counted. */
typedef struct dnn_attr_pool2d {
    uint32_t size;
    int32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
    int32_t ceil_mode, exclude_pad, divisor; /* the last two: avg_pool2d only; dilation: max_pool2d only */
} dnn_attr_pool2d;
/* adaptive_avg_pool2d (x [N,C,H,W]) -> y [N,C,Ho,Wo]: mean over rows floor(i H/Ho) .. ceil((i+1) H/Ho)-1, columns alike.
 * adaptive_avg_pool2d_bwd (dy) -> dx. adaptive_max_pool2d -> y, indices i32 or NULL (backward: max_pool2d_bwd). No
 * attributes: the sizes are those of the operands. F. */

/* ---- losses ------------------------------------------------------------------------------------------------------ */

/* targets are i64, i32 or u8 class numbers; N rows, C classes, D = product of the dims behind C; targets [N,D..]. weight [C]
 * of the loss's dtype, or NULL = ones. A target equal to ignore_index counts for nothing; any other outside [0,C) is
 * DNN_E_INVALID with row and value.
 * nll_loss (logp [N,C,D..], target, weight) -> loss: l = -w[t] logp[t]. Rank 0: mean: sum(l) / sum(w[t]); sum: sum(l). None:
 *   l in every place, 0 where ignored. Mean of nothing is NaN, sum of nothing 0.
 * nll_loss_bwd (dloss, target, weight) -> dlogp (dims of logp). primary in[0] = dloss.
 * softmax_cross_entropy (x [N,C,D..], target, weight) -> loss, lse or NULL: nll_loss of log_softmax(x) over C, smoothed by e =
 *   smoothing: l = (1-e) (-w[t] logp[t]) + e/C sum_c(-w[c] logp[c]), the mean over the same divisor sum(w[t]). lse has the
 *   dims of target: log sum exp of each row.
 * softmax_cross_entropy_bwd (dloss, x, target, weight, lse) -> dx. dloss: rank 0, or the dims of target for none. */
typedef struct dnn_attr_loss {
    uint32_t size, reduction; /* DNN_REDUCE_ */
    int64_t ignore_index;
    double smoothing; /* softmax_cross_entropy only */
} dnn_attr_loss;

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

/* uniform -> out[0], F: low + (high - low) u. primary out[0].
 * normal -> out[0], F: mean + std z; Box-Muller on the u of elements 2k and 2k+1 (words taken even if n is odd):
 *   r = sqrt(-2 log(1 - u_2k)), z_2k = r cos(2 pi u_2k+1), z_2k+1 = r sin(2 pi u_2k+1), computed in the dtype (f64 for f64).
 * bernoulli -> out[0], F or bool: 1 where u < p, else 0. */
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
/* dropout (x): F. x * (u >= p ? 1/(1-p) : 0), a product, so that NaN and infinity are seen; p = 1: x * 0.
 * dropout_bwd (dy): the same product, with the numbers of the forward call. u has the dtype of x. */

/* ---- optimizer steps (in place) ---------------------------------------------------------------------------------- */

/* sgd_step: in[0] lr, in[1] momentum m: f64 scalars on the operands' device; then for each of n parameters
 * in[2+3i] p, in[3+3i] g, in[4+3i] buffer b or NULL (m = 0). out[2i] is p and out[2i+1] is b or NULL: the same memory as
 * the inputs, updated in place; p, g, b share dims. F, one dtype for all. primary in[2].
 *   g = maximize ? -g : g; g += weight_decay p; with b: b = first ? g : m b + (1 - dampening) g; g = nesterov ? g + m b : b;
 *   p -= lr g. Computed in the dtype; the numbers are rounded to it first. */
typedef struct dnn_attr_sgd {
    uint32_t size, first, nesterov, maximize;
    double dampening, weight_decay;
} dnn_attr_sgd;

#endif
