/* conv.c - two-dimensional convolution: conv2d and its gradient rows conv2d_bwd_input and
 * conv2d_bwd_weight. Each of the three rows is the gradient of the two others. */
#include "ops_impl.h"
#include "rules.h"

/* ---- dims of the result, for the three rows ---- */

/* *out = (size + pads - dilation (kernel-1) - 1)/stride + 1. size is >= 0, check_attr has passed.
 */
static dnn_status out_size(const char *op, const char *axis, int64_t size, int64_t kernel,
                           int64_t pads, int32_t dilation, int32_t stride, int64_t *out)
{
    int64_t window, padded;

    if (kernel < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: w has %s %lld, must be >= 1", op, axis,
                         (long long)kernel);
    }
    if (__builtin_mul_overflow(kernel - 1, (int64_t)dilation, &window) ||
        __builtin_add_overflow(window, (int64_t)1, &window) ||
        __builtin_add_overflow(size, pads, &padded)) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: %s %lld of x with kernel %lld, dilation %d, padding %lld is beyond 2^63", op, axis,
            (long long)size, (long long)kernel, dilation, (long long)pads);
    }
    if (window > padded) {
        return dnn__fail(DNN_E_INVALID, "%s: w spans %s %lld, the padded x has %lld", op, axis,
                         (long long)window, (long long)padded);
    }
    *out = (padded - window) / stride + 1;
    return DNN_OK;
}

static dnn_status check_attr(const char *op, const dnn_attr_conv2d *a)
{
    if (a->stride_h < 1 || a->stride_w < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: stride %d, %d must be >= 1", op, a->stride_h,
                         a->stride_w);
    }
    if (a->dilation_h < 1 || a->dilation_w < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: dilation %d, %d must be >= 1", op, a->dilation_h,
                         a->dilation_w);
    }
    if (a->pad_top < 0 || a->pad_left < 0 || a->pad_bottom < 0 || a->pad_right < 0) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: padding %d, %d, %d, %d (top, left, bottom, right) must be >= 0", op,
                         a->pad_top, a->pad_left, a->pad_bottom, a->pad_right);
    }
    if (a->groups < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: groups %d must be >= 1", op, a->groups);
    }
    return DNN_OK;
}

static dnn_status check_channels(const char *op, const int64_t *x, const int64_t *w, int32_t groups)
{
    int64_t channels = x[1];

    if (w[0] < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: w %s has %lld output channels, must be >= 1", op,
                         dnn__shape_text(4, w), (long long)w[0]);
    }
    if (channels % groups != 0 || w[0] % groups != 0) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: %d groups do not divide %lld input and %lld output channels", op,
                         groups, (long long)channels, (long long)w[0]);
    }
    if (w[1] != channels / groups) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: x has %lld channels in %d groups, w %s takes %lld each%s", op,
                         (long long)channels, groups, dnn__shape_text(4, w), (long long)w[1],
                         x[3] == w[1] * groups ? "; x may be channels last, [N,H,W,C]: "
                                                 "dnn_permute(x, DNN_DIMS(0, 3, 1, 2)) makes it fit"
                                               : "");
    }
    return DNN_OK;
}

/* y [N,O,Ho,Wo] for x [N,C,H,W] and w [O,C/groups,kh,kw]; an error where x and w do not fit. */
static dnn_status conv_dims(const char *op, const dnn_attr_conv2d *a, const int64_t *x,
                            const int64_t *w, int64_t *y)
{
    DNN_TRY(check_attr(op, a));
    DNN_TRY(check_channels(op, x, w, a->groups));
    y[0] = x[0];
    y[1] = w[0];
    DNN_TRY(out_size(op, "height", x[2], w[2], (int64_t)a->pad_top + a->pad_bottom, a->dilation_h,
                     a->stride_h, &y[2]));
    return out_size(op, "width", x[3], w[3], (int64_t)a->pad_left + a->pad_right, a->dilation_w,
                    a->stride_w, &y[3]);
}

/* ---- options of conv2d ---- */

static dnn_status fits(const char *option, int64_t value, int32_t *out)
{
    return dnn__fits_int32("conv2d", option, value, out);
}

/* The sum of two paddings, which may be beyond 64 bits, as an attribute. */
static dnn_status fits_sum(int64_t both, int64_t side, int32_t *out)
{
    int64_t sum = 0;

    return fits("padding", __builtin_add_overflow(both, side, &sum) ? INT64_MAX : sum, out);
}

/* y is as large as x: dilation (kernel-1) rows and columns of padding, an odd one below and right.
 */
static dnn_status pad_same(const dnn_conv2d_args *args, dnn_attr_conv2d *attr)
{
    int64_t kh = args->w->dim[2], kw = args->w->dim[3], rows = 0, columns = 0;

    if (attr->stride_h != 1 || attr->stride_w != 1) {
        return dnn__fail(DNN_E_INVALID, "conv2d: same with stride %d, %d: the stride must be 1",
                         attr->stride_h, attr->stride_w);
    }
    if (args->padding != 0 || args->padding_h != 0 || args->padding_w != 0 || args->pad_top != 0 ||
        args->pad_left != 0 || args->pad_bottom != 0 || args->pad_right != 0) {
        return dnn__fail(DNN_E_INVALID,
                         "conv2d: same sets the padding, but padding is given too: %lld, %lld and "
                         "%lld, %lld, %lld, %lld (top, left, bottom, right)",
                         (long long)dnn__first_set(args->padding_h, args->padding, 0),
                         (long long)dnn__first_set(args->padding_w, args->padding, 0),
                         (long long)args->pad_top, (long long)args->pad_left,
                         (long long)args->pad_bottom, (long long)args->pad_right);
    }
    if (kh < 1 || kw < 1 || __builtin_mul_overflow(kh - 1, (int64_t)attr->dilation_h, &rows) ||
        __builtin_mul_overflow(kw - 1, (int64_t)attr->dilation_w, &columns)) {
        return dnn__fail(
            DNN_E_INVALID,
            "conv2d: same needs a kernel >= 1 and a padding below 2^63: the kernel of w is %lld, "
            "%lld, dilation %d, %d",
            (long long)kh, (long long)kw, attr->dilation_h, attr->dilation_w);
    }
    DNN_TRY(fits("padding", rows / 2, &attr->pad_top));
    DNN_TRY(fits("padding", rows - rows / 2, &attr->pad_bottom));
    DNN_TRY(fits("padding", columns / 2, &attr->pad_left));
    return fits("padding", columns - columns / 2, &attr->pad_right);
}

static dnn_status pack_attr(const dnn_conv2d_args *args, dnn_attr_conv2d *attr)
{
    int64_t rows = dnn__first_set(args->padding_h, args->padding, 0),
            columns = dnn__first_set(args->padding_w, args->padding, 0);

    DNN_TRY(fits("stride", dnn__first_set(args->stride_h, args->stride, 1), &attr->stride_h));
    DNN_TRY(fits("stride", dnn__first_set(args->stride_w, args->stride, 1), &attr->stride_w));
    DNN_TRY(
        fits("dilation", dnn__first_set(args->dilation_h, args->dilation, 1), &attr->dilation_h));
    DNN_TRY(
        fits("dilation", dnn__first_set(args->dilation_w, args->dilation, 1), &attr->dilation_w));
    DNN_TRY(fits("groups", dnn__first_set(args->groups, 0, 1), &attr->groups));
    if (args->w->ndim != 4) {
        return dnn__fail(DNN_E_INVALID, "conv2d: w is %s, must be [O,C/groups,kh,kw]",
                         dnn__dims_text(args->w));
    }
    if (args->same) {
        return pad_same(args, attr);
    }
    DNN_TRY(fits_sum(rows, args->pad_top, &attr->pad_top));
    DNN_TRY(fits_sum(rows, args->pad_bottom, &attr->pad_bottom));
    DNN_TRY(fits_sum(columns, args->pad_left, &attr->pad_left));
    return fits_sum(columns, args->pad_right, &attr->pad_right);
}

/* ---- calls of the three rows by their gradient rules ---- */

static dnn_tensor *forward(const dnn__grad *g, dnn_tensor *x, dnn_tensor *w)
{
    dnn_tensor *in[] = {x, w, NULL};

    return dnn__call(DNN_OP_conv2d, in, 3, g->attr);
}

static dnn_tensor *bwd_input(const dnn__grad *g, dnn_tensor *dy, dnn_tensor *w, const dnn__desc *x)
{
    dnn_tensor *in[] = {dy, w};

    return dnn__call_to(DNN_OP_conv2d_bwd_input, dnn__empty_desc("conv2d_bwd_input", x, g->device),
                        in, 2, g->attr);
}

static dnn_tensor *bwd_weight(const dnn__grad *g, dnn_tensor *dy, dnn_tensor *x, const dnn__desc *w)
{
    dnn_tensor *in[] = {dy, x};

    return dnn__call_to(DNN_OP_conv2d_bwd_weight,
                        dnn__empty_desc("conv2d_bwd_weight", w, g->device), in, 2, g->attr);
}

/* ---- conv2d ---- */

dnn_tensor *dnn_conv2d_with(dnn_conv2d_args args)
{
    dnn_attr_conv2d attr = {.size = sizeof attr};
    dnn_tensor *in[] = {args.x, args.w, args.bias}, *y, *single;
    dnn_status st;

    if (!dnn__ready("conv2d", args.x) || !dnn__ready("conv2d", args.w)) {
        return NULL;
    }
    st = pack_attr(&args, &attr);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (args.x->ndim != 3) {
        return dnn__call(DNN_OP_conv2d, in, 3, &attr);
    }
    in[0] = dnn_unsqueeze(args.x, 0);
    y = dnn__call(DNN_OP_conv2d, in, 3, &attr);
    dnn_release(in[0]);
    single = y == NULL ? NULL : dnn_squeeze(y, DNN_DIMS(0));
    dnn_release(y);
    return single;
}

dnn_status dnn__conv2d_shape(dnn__sig *sig)
{
    const char *op = sig->op->name;
    const dnn_tensor *x = sig->in[0], *w = sig->in[1], *bias = sig->in[2];
    dnn__desc *out = &sig->out[0];

    if (x->ndim != 4 || w->ndim != 4) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: x is %s, w is %s: must be [N,C,H,W] or [C,H,W], and [O,C/groups,kh,kw]%s", op,
            dnn__dims_text(x), dnn__dims_text(w),
            x->ndim == 2 ? "; dnn_unsqueeze(x, 0) adds the axis of channels" : "");
    }
    DNN_TRY(conv_dims(op, sig->attr, x->dim, w->dim, out->dim));
    if (bias != NULL && (bias->ndim != 1 || bias->dim[0] != w->dim[0])) {
        return dnn__fail(DNN_E_INVALID, "%s: bias is %s, w is %s: bias must be [%lld]", op,
                         dnn__dims_text(bias), dnn__dims_text(w), (long long)w->dim[0]);
    }
    out->dtype = x->dtype;
    out->ndim = 4;
    return dnn__check_shape(op, out->dtype, out->ndim, out->dim, NULL);
}

void dnn__conv2d_backward(dnn__grad *g)
{
    dnn_tensor *x = g->in[0], *w = g->in[1], *dy = g->dout[0];

    if (g->wants[0]) {
        g->din[0] = bwd_input(g, dy, w, &g->in_desc[0]);
    }
    if (g->wants[1]) {
        g->din[1] = bwd_weight(g, dy, x, &g->in_desc[1]);
    }
    if (g->wants[2]) {
        g->din[2] = dnn_sum(dy, .dims = DNN_DIMS(0, 2, 3));
    }
}

/* ---- conv2d_bwd_input, conv2d_bwd_weight ---- */

/* conv2d_bwd_input (dy, w) -> dx and conv2d_bwd_weight (dy, x) -> dw. The destination has the dims
 * of x or w; conv2d of x and w must give the dims of dy. */
dnn_status dnn__conv2d_bwd_shape(dnn__sig *sig)
{
    const char *op = sig->op->name;
    const dnn_tensor *dy = sig->in[0], *other = sig->in[1];
    const dnn__desc *out = &sig->out[0];
    bool to_input = sig->op->id == DNN_OP_conv2d_bwd_input;
    int64_t y[4];

    DNN_TRY(dnn__check_destination_of(sig));
    if (out->ndim != 4 || dy->ndim != 4 || other->ndim != 4) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: dy is %s, %s is %s, the destination is %s: must have rank 4", op,
                         dnn__dims_text(dy), dnn__input_name(sig->op, 1).text,
                         dnn__dims_text(other), dnn__shape_text(out->ndim, out->dim));
    }
    DNN_TRY(conv_dims(op, sig->attr, to_input ? out->dim : other->dim,
                      to_input ? other->dim : out->dim, y));
    if (!dnn__same_dims(4, y, 4, dy->dim)) {
        return dnn__fail(DNN_E_INVALID, "%s: dy is %s, conv2d of x and w gives %s", op,
                         dnn__dims_text(dy), dnn__shape_text(4, y));
    }
    return DNN_OK;
}

/* dx = T(w) dy is linear in both. With r the gradient of dx: <r, T(w) dy> = <conv(r, w), dy>. So dy
 * gets conv(r, w), and w the weight gradient of conv(r, w). */
void dnn__conv2d_bwd_input_backward(dnn__grad *g)
{
    dnn_tensor *dy = g->in[0], *w = g->in[1], *r = g->dout[0];

    if (g->wants[0]) {
        g->din[0] = forward(g, r, w);
    }
    if (g->wants[1]) {
        g->din[1] = bwd_weight(g, dy, r, &g->in_desc[1]);
    }
}

/* With r the gradient of dw: <r, dw> = <conv(x, r), dy>. So dy gets conv(x, r), and x the input
 * gradient of conv(x, r). */
void dnn__conv2d_bwd_weight_backward(dnn__grad *g)
{
    dnn_tensor *dy = g->in[0], *x = g->in[1], *r = g->dout[0];

    if (g->wants[0]) {
        g->din[0] = forward(g, x, r);
    }
    if (g->wants[1]) {
        g->din[1] = bwd_input(g, dy, r, &g->in_desc[1]);
    }
}
