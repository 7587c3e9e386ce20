/* pool.c - pooling over the last two axes: options, attribute ranges, shapes, gradient rules.
 * Places of maxima are i32 in the plane inside, i64 for the program. Programs and pooling modules
 * call it. */
#include "ops_impl.h"
#include "rules.h"

/* ---- shape rules ---- */

struct side { /* one of the two axes */
    const char *name;
    int64_t size;
    int32_t kernel, stride, pad, dilation;
    bool ceil_mode;
};

/* A window that only padding and cells between its own cells fill has no maximum. It begins in the
 * near padding, and that can happen only where the dilation is larger than the input. */
static bool every_window_has_a_cell(const struct side *s)
{
    for (int64_t begin = -(int64_t)s->pad; s->dilation > s->size && begin < 0; begin += s->stride) {
        int64_t steps = (-begin + s->dilation - 1) / s->dilation,
                first = begin + steps * s->dilation;

        if (steps >= s->kernel || first >= s->size) {
            return false;
        }
    }
    return true;
}

/* PyTorch's size: with ceil_mode the last window may reach past the end, but must begin inside or
 * in the near padding.
 */
static dnn_status pooled_size(const char *op, const struct side *s, int64_t *out)
{
    int64_t padded, window = (int64_t)s->dilation * (s->kernel - 1) + 1, room;

    if (__builtin_add_overflow(s->size, 2 * (int64_t)s->pad, &padded) || s->size < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: %s %lld of x with padding %d: must be >= 1", op,
                         s->name, (long long)s->size, s->pad);
    }
    room = padded - window + (s->ceil_mode ? s->stride - 1 : 0);
    if (room < 0) {
        return dnn__fail(DNN_E_INVALID, "%s: the window spans %s %lld, the padded x has %lld", op,
                         s->name, (long long)window, (long long)padded);
    }
    *out = room / s->stride + 1;
    if (s->ceil_mode && (*out - 1) * s->stride >= s->size + s->pad) {
        *out -= 1;
    }
    if (!every_window_has_a_cell(s)) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: a window with dilation %d and padding %d lies outside %s %lld of x",
                         op, s->dilation, s->pad, s->name, (long long)s->size);
    }
    return DNN_OK;
}

static dnn_status check_side(const char *op, const struct side *s)
{
    if (s->kernel < 1 || s->stride < 1 || s->dilation < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: %s: kernel %d, stride %d, dilation %d must be >= 1",
                         op, s->name, s->kernel, s->stride, s->dilation);
    }
    if (s->pad < 0 || s->pad > s->kernel / 2) {
        return dnn__fail(DNN_E_INVALID, "%s: %s: padding %d must be 0 to kernel/2 = %d", op,
                         s->name, s->pad, s->kernel / 2);
    }
    return DNN_OK;
}

/* y [N,C,Ho,Wo] for x [N,C,H,W]. */
static dnn_status pool_dims(const char *op, const dnn_attr_pool2d *a, int ndim, const int64_t *x,
                            int64_t *y)
{
    struct side h = {"height",         0, a->kernel_h, a->stride_h, a->pad_h, a->dilation_h,
                     a->ceil_mode != 0};
    struct side w = {"width",          0, a->kernel_w, a->stride_w, a->pad_w, a->dilation_w,
                     a->ceil_mode != 0};

    if (ndim != 4) {
        return dnn__fail(DNN_E_INVALID, "%s: x is %s, must be [N,C,H,W] or [C,H,W]", op,
                         dnn__shape_text(ndim, x));
    }
    h.size = x[2];
    w.size = x[3];
    DNN_TRY(check_side(op, &h));
    DNN_TRY(check_side(op, &w));
    y[0] = x[0];
    y[1] = x[1];
    DNN_TRY(pooled_size(op, &h, &y[2]));
    return pooled_size(op, &w, &y[3]);
}

/* Places are i32: a plane has at most 2^31 - 1 of them. */
static dnn_status check_plane(const char *op, const int64_t *x)
{
    int64_t cells;

    if (__builtin_mul_overflow(x[2], x[3], &cells) || cells > INT32_MAX) {
        return dnn__fail(DNN_E_INVALID, "%s: a plane of %lld x %lld cells has more than %d places",
                         op, (long long)x[2], (long long)x[3], INT32_MAX);
    }
    return DNN_OK;
}

static void same_places(dnn__sig *sig)
{
    sig->out[1] = sig->out[0];
    sig->out[1].dtype = DNN_T_I32;
}

dnn_status dnn__avg_pool2d_shape(dnn__sig *sig)
{
    const dnn_tensor *x = sig->in[0];
    dnn__desc *out = &sig->out[0];

    DNN_TRY(pool_dims(sig->op->name, sig->attr, x->ndim, x->dim, out->dim));
    out->dtype = x->dtype;
    out->ndim = 4;
    return DNN_OK;
}

dnn_status dnn__max_pool2d_shape(dnn__sig *sig)
{
    DNN_TRY(dnn__avg_pool2d_shape(sig));
    DNN_TRY(check_plane(sig->op->name, sig->in[0]->dim));
    same_places(sig);
    return DNN_OK;
}

/* The destination is dx, of the dims of the forward input; dy must be what pooling it gives. */
dnn_status dnn__avg_pool2d_bwd_shape(dnn__sig *sig)
{
    const dnn_tensor *dy = sig->in[0];
    const dnn__desc *dx = &sig->out[0];
    int64_t y[4];

    if (sig->given[0] == NULL || dx->dtype != dy->dtype) {
        return dnn__fail(DNN_E_INVALID, "%s: needs a target of dy's dtype %s", sig->op->name,
                         dnn_dtype_name(dy->dtype));
    }
    DNN_TRY(pool_dims(sig->op->name, sig->attr, dx->ndim, dx->dim, y));
    if (!dnn__same_dims(4, y, dy->ndim, dy->dim)) {
        return dnn__fail(DNN_E_INVALID, "%s: dy is %s, pooling gives %s", sig->op->name,
                         dnn__dims_text(dy), dnn__shape_text(4, y));
    }
    return DNN_OK;
}

/* Rows between planes of two sizes, the target's being free: adaptive_avg_pool2d,
 * adaptive_avg_pool2d_bwd, max_pool2d_bwd. */
dnn_status dnn__plane_shape(dnn__sig *sig)
{
    const dnn_tensor *x = sig->in[0], *indices = sig->n_in > 1 ? sig->in[1] : NULL;
    const dnn__desc *out = &sig->out[0];

    if (sig->given[0] == NULL || x->ndim != 4 || out->ndim != 4 || out->dtype != x->dtype ||
        out->dim[0] != x->dim[0] || out->dim[1] != x->dim[1]) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: input %s and target %s must be [N,C,H,W] with the same N, C and dtype",
            sig->op->name, dnn__dims_text(x),
            dnn__shape_text(sig->given[0] == NULL ? 0 : out->ndim, out->dim));
    }
    if (indices != NULL && (indices->dtype != DNN_T_I32 ||
                            !dnn__same_dims(x->ndim, x->dim, indices->ndim, indices->dim))) {
        return dnn__fail(DNN_E_INVALID, "%s: indices are %s %s, dy is %s: must be i32 of its shape",
                         sig->op->name, dnn_dtype_name(indices->dtype), dnn__dims_text(indices),
                         dnn__dims_text(x));
    }
    return DNN_OK;
}

dnn_status dnn__adaptive_max_pool2d_shape(dnn__sig *sig)
{
    DNN_TRY(dnn__plane_shape(sig));
    DNN_TRY(check_plane(sig->op->name, sig->in[0]->dim));
    same_places(sig);
    return DNN_OK;
}

/* ---- gradients ---- */

static dnn_tensor *to_taken(const dnn__grad *g, dnn_tensor *dy)
{
    dnn_tensor *in[] = {dy, g->out[1]};
    dnn_tensor *dx = dnn__empty_desc("max_pool2d_bwd", &g->in_desc[0], g->device);

    return dnn__call_to(DNN_OP_max_pool2d_bwd, dx, in, 2, NULL);
}

/* Average pooling over the windows of the maximum with divisor 1; false: windows overlap or have
 * gaps in them. */
static bool same_windows(const dnn__grad *g, dnn_attr_pool2d *windows)
{
    const dnn_attr_pool2d *attr = g->attr;
    const int64_t *x = g->in_desc[0].dim, *y = g->out[1]->dim;

    if (attr != NULL) {
        *windows = *attr;
        windows->divisor = 1;
        windows->exclude_pad = 0;
        return attr->dilation_h == 1 && attr->dilation_w == 1 && attr->stride_h >= attr->kernel_h &&
               attr->stride_w >= attr->kernel_w;
    }
    if (y[2] < 1 || y[3] < 1 || x[2] % y[2] != 0 || x[3] % y[3] != 0 || x[2] > INT32_MAX ||
        x[3] > INT32_MAX) { /* adaptive */
        return false;
    }
    *windows = (dnn_attr_pool2d){.size = sizeof *windows,
                                 .kernel_h = (int32_t)(x[2] / y[2]),
                                 .kernel_w = (int32_t)(x[3] / y[3]),
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .divisor = 1};
    windows->stride_h = windows->kernel_h;
    windows->stride_w = windows->kernel_w;
    return true;
}

/* dy spread over its window, and cleared in the places that were not taken. */
static dnn_tensor *spread(const dnn__grad *g, const dnn_attr_pool2d *windows)
{
    dnn_tensor *dx = dnn__empty_desc("avg_pool2d_bwd", &g->in_desc[0], g->device);
    dnn_tensor *all = dnn__call_to(DNN_OP_avg_pool2d_bwd, dx, &g->dout[0], 1, windows);
    dnn_tensor *ones = dnn_fill_(dnn_empty_like(g->dout[0]), 1.0);

    return dnn_masked_fill(all, dnn_eq_scalar(to_taken(g, ones), 0.0), 0.0);
}

/* max_pool2d and adaptive_max_pool2d: each dy goes to the place that was taken. The row has no
 * gradient; where that is asked for and windows are apart, it is composed. */
void dnn__max_pool2d_backward(dnn__grad *g)
{
    dnn_attr_pool2d windows;

    g->din[0] = dnn_grad_enabled() && same_windows(g, &windows) ? spread(g, &windows)
                                                                : to_taken(g, g->dout[0]);
}

static void to_input_dims(dnn__grad *g, dnn__op_id op)
{
    dnn_tensor *target = dnn__empty_desc(dnn__ops[op].name, &g->in_desc[0], g->device);

    g->din[0] = dnn__call_to(op, target, &g->dout[0], 1, g->attr);
}

void dnn__avg_pool2d_backward(dnn__grad *g)
{
    to_input_dims(g, DNN_OP_avg_pool2d_bwd);
}

/* The rows are linear, so the gradient of the gradient is the row itself. */
void dnn__avg_pool2d_bwd_backward(dnn__grad *g)
{
    g->din[0] = dnn__call(DNN_OP_avg_pool2d, &g->dout[0], 1, g->attr);
}

void dnn__adaptive_avg_pool2d_backward(dnn__grad *g)
{
    to_input_dims(g, DNN_OP_adaptive_avg_pool2d_bwd);
}

void dnn__adaptive_avg_pool2d_bwd_backward(dnn__grad *g)
{
    to_input_dims(g, DNN_OP_adaptive_avg_pool2d);
}

/* ---- public operators ---- */

/* x as [N,C,H,W]; what is not x itself is the caller's to release. */
static dnn_tensor *with_batch(const char *op, dnn_tensor *x)
{
    if (!dnn__ready(op, x)) {
        return NULL;
    }
    if (x->ndim != 3 && x->ndim != 4) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: x is %s, must be [N,C,H,W] or [C,H,W]", op,
                                   dnn__dims_text(x)));
    }
    return x->ndim == 3 ? dnn_unsqueeze(x, 0) : x;
}

/* The result for the rank of the given x; takes y over. */
static dnn_tensor *without_batch(dnn_tensor *y, const dnn_tensor *given)
{
    dnn_tensor *single;

    if (y == NULL || given->ndim == 4) {
        return y;
    }
    single = dnn_squeeze(y, (dnn_dims){1, {0}});
    dnn_release(y);
    return single;
}

/* What a max pooling gives back: *indices, where wanted, as i64. places (i32) is taken over. */
static dnn_tensor *finish_max(dnn_tensor *y, dnn_tensor *places, const dnn_tensor *given,
                              dnn_tensor **indices)
{
    dnn_tensor *result = without_batch(y, given), *wide = NULL;

    if (result != NULL && indices != NULL) {
        wide = dnn_cast(places, DNN_T_I64);
        wide = wide == NULL ? NULL : without_batch(wide, given);
        if (wide == NULL) {
            dnn_release(result);
            result = NULL;
        } else {
            *indices = wide;
        }
    }
    dnn_release(places);
    return result;
}

static int first_set(int specific, int common, int otherwise)
{
    return specific != 0 ? specific : common != 0 ? common : otherwise;
}

static void pack_attr(const dnn_pool2d_args *args, dnn_attr_pool2d *attr)
{
    attr->kernel_h = first_set(args->kernel_h, args->kernel, 0);
    attr->kernel_w = first_set(args->kernel_w, args->kernel, 0);
    attr->stride_h = first_set(args->stride_h, args->stride, attr->kernel_h);
    attr->stride_w = first_set(args->stride_w, args->stride, attr->kernel_w);
    attr->pad_h = first_set(args->padding_h, args->padding, 0);
    attr->pad_w = first_set(args->padding_w, args->padding, 0);
    attr->dilation_h = first_set(args->dilation_h, args->dilation, 1);
    attr->dilation_w = first_set(args->dilation_w, args->dilation, 1);
    attr->ceil_mode = args->ceil_mode;
}

/* Backward reads the indices, so they are made where the call is recorded. */
static uint32_t wanted_of_max(const dnn_tensor *x, dnn_tensor **indices)
{
    return DNN__RESULT(0) | (indices != NULL || dnn__recording(x) ? DNN__RESULT(1) : 0);
}

dnn_tensor *dnn_max_pool2d_with(dnn_pool2d_args args)
{
    dnn_attr_pool2d attr = {.size = sizeof attr};
    dnn_tensor *x = with_batch("max_pool2d", args.x), *out[2] = {NULL};

    if (x == NULL) {
        return NULL;
    }
    pack_attr(&args, &attr);
    dnn__call_results(DNN_OP_max_pool2d, &x, 1, &attr, wanted_of_max(x, args.indices), out);
    if (x != args.x) {
        dnn_release(x);
    }
    return finish_max(out[0], out[1], args.x, args.indices);
}

dnn_tensor *dnn_avg_pool2d_with(dnn_pool2d_args args)
{
    dnn_attr_pool2d attr = {.size = sizeof attr};
    dnn_tensor *x = with_batch("avg_pool2d", args.x), *y = NULL;
    dnn_status st = DNN_OK;

    if (x == NULL) {
        return NULL;
    }
    pack_attr(&args, &attr);
    attr.exclude_pad = args.exclude_pad;
    attr.divisor = args.divisor;
    if (attr.dilation_h != 1 || attr.dilation_w != 1 || attr.divisor < 0) {
        st = dnn__fail(DNN_E_INVALID, "avg_pool2d: dilation %d, %d must be 1, divisor %d >= 0",
                       attr.dilation_h, attr.dilation_w, attr.divisor);
        dnn__null(st);
    } else {
        y = dnn__call(DNN_OP_avg_pool2d, &x, 1, &attr);
    }
    if (x != args.x) {
        dnn_release(x);
    }
    return without_batch(y, args.x);
}

/* A fresh [N,C,height,width] for the rows whose target says the size. NULL: the error is pending.
 */
static dnn_tensor *adaptive_target(const char *op, const dnn_tensor *x, int64_t height,
                                   int64_t width)
{
    int64_t dim[4] = {x->dim[0], x->dim[1], height, width};

    if (height < 0 || width < 0 || (height > 0 && x->dim[2] == 0) ||
        (width > 0 && x->dim[3] == 0)) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "%s: x is %s, which cannot be pooled to %lld x %lld", op,
                                   dnn__dims_text(x), (long long)height, (long long)width));
    }
    return dnn__tensor_new(op, x->dtype, 4, dim, dnn__device_of(x));
}

dnn_tensor *dnn_adaptive_avg_pool2d(dnn_tensor *x, int64_t height, int64_t width)
{
    dnn_tensor *batch = with_batch("adaptive_avg_pool2d", x);
    dnn_tensor *target =
        batch == NULL ? NULL : adaptive_target("adaptive_avg_pool2d", batch, height, width);
    dnn_tensor *y =
        target == NULL ? NULL : dnn__call_to(DNN_OP_adaptive_avg_pool2d, target, &batch, 1, NULL);

    if (y == NULL) {
        dnn_release(target);
    }
    if (batch != x) {
        dnn_release(batch);
    }
    return without_batch(y, x);
}

dnn_tensor *dnn_adaptive_max_pool2d(dnn_tensor *x, int64_t height, int64_t width,
                                    dnn_tensor **indices)
{
    dnn_tensor *batch = with_batch("adaptive_max_pool2d", x);
    dnn_tensor *out[2] = {
        batch == NULL ? NULL : adaptive_target("adaptive_max_pool2d", batch, height, width), NULL};

    if (out[0] != NULL && !dnn__call_results(DNN_OP_adaptive_max_pool2d, &batch, 1, NULL,
                                             wanted_of_max(batch, indices), out)) {
        dnn_release(out[0]);
        out[0] = NULL;
    }
    if (batch != x) {
        dnn_release(batch);
    }
    return finish_max(out[0], out[1], x, indices);
}
