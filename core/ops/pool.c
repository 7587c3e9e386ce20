/* pool.c - what max and average pooling over the last two axes share (pool_impl.h), and the shape
 * rule of adaptive pooling. It has no public operator. */
#include "pool_impl.h"
#include "rules.h"

/* ---- dims of the result ---- */

struct side { /* one of the two axes */
    const char *name;
    int64_t size;
    int32_t kernel, stride, pad, dilation;
    bool ceil_mode;
};

/* A window whose elements all lie in padding has no maximum. Such a window begins in the padding
 * before x and steps over x, so the dilation is larger than x. */
static bool every_window_has_an_element(const struct side *s)
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

/* PyTorch's size: with ceil_mode the last window may reach past the end, but must begin in x or in
 * the padding before it. */
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
    if (!every_window_has_an_element(s)) {
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

dnn_status dnn__pool_dims(const char *op, const dnn_attr_pool2d *attr, int ndim, const int64_t *x,
                          int64_t *y)
{
    struct side h = {"height",
                     0,
                     attr->kernel_h,
                     attr->stride_h,
                     attr->pad_h,
                     attr->dilation_h,
                     attr->ceil_mode != 0};
    struct side w = {"width",
                     0,
                     attr->kernel_w,
                     attr->stride_w,
                     attr->pad_w,
                     attr->dilation_w,
                     attr->ceil_mode != 0};

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

/* adaptive_avg_pool2d, adaptive_avg_pool2d_bwd and max_pool2d_bwd: the destination determines the
 * size of the planes of the result. */
dnn_status dnn__plane_shape(dnn__sig *sig)
{
    const dnn_tensor *x = sig->in[0], *indices = sig->n_in > 1 ? sig->in[1] : NULL;
    const dnn__desc *out = &sig->out[0];
    const char *op = sig->op->name;

    DNN_TRY(dnn__check_destination_of(sig));
    if (x->ndim != 4 || out->ndim != 4 || out->dim[0] != x->dim[0] || out->dim[1] != x->dim[1]) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: %s is %s, the destination is %s: must be [N,C,H,W] with the same N "
                         "and C",
                         op, dnn__input_name(sig->op, 0).text, dnn__dims_text(x),
                         dnn__shape_text(out->ndim, out->dim));
    }
    if (indices != NULL && (indices->dtype != DNN_T_I32 ||
                            !dnn__same_dims(x->ndim, x->dim, indices->ndim, indices->dim))) {
        return dnn__fail(DNN_E_INVALID, "%s: indices are %s %s, dy is %s: must be i32 of its shape",
                         op, dnn_dtype_name(indices->dtype), dnn__dims_text(indices),
                         dnn__dims_text(x));
    }
    return DNN_OK;
}

/* ---- options and axes ---- */

static dnn_status pack_attr(const char *op, const dnn_max_pool2d_args *a, dnn_attr_pool2d *attr)
{
    int64_t kernel_h = dnn__first_set(a->kernel_h, a->kernel, 0),
            kernel_w = dnn__first_set(a->kernel_w, a->kernel, 0);
    const struct {
        const char *name;
        int64_t value;
        int32_t *out;
    } options[] = {
        {"kernel", kernel_h, &attr->kernel_h},
        {"kernel", kernel_w, &attr->kernel_w},
        {"stride", dnn__first_set(a->stride_h, a->stride, kernel_h), &attr->stride_h},
        {"stride", dnn__first_set(a->stride_w, a->stride, kernel_w), &attr->stride_w},
        {"padding", dnn__first_set(a->padding_h, a->padding, 0), &attr->pad_h},
        {"padding", dnn__first_set(a->padding_w, a->padding, 0), &attr->pad_w},
        {"dilation", dnn__first_set(a->dilation_h, a->dilation, 1), &attr->dilation_h},
        {"dilation", dnn__first_set(a->dilation_w, a->dilation, 1), &attr->dilation_w},
    };

    for (size_t i = 0; i < DNN__COUNT(options); i++) {
        DNN_TRY(dnn__fits_int32(op, options[i].name, options[i].value, options[i].out));
    }
    attr->ceil_mode = a->ceil_mode;
    return DNN_OK;
}

bool dnn__pool_attr(const char *op, const dnn_max_pool2d_args *args, dnn_attr_pool2d *attr)
{
    return dnn__ok(pack_attr(op, args, attr));
}

dnn_tensor *dnn__pool_batch(const char *op, dnn_tensor *x)
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

dnn_tensor *dnn__pool_unbatch(dnn_tensor *y, const dnn_tensor *given)
{
    dnn_tensor *single;

    if (y == NULL || given->ndim == 4) {
        return y;
    }
    single = dnn_squeeze(y, DNN_DIMS(0));
    dnn_release(y);
    return single;
}

dnn_tensor *dnn__adaptive_destination(const char *op, const dnn_tensor *x, int64_t height,
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
