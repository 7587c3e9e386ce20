/* conv.c - the convolution layer Conv2d, with a weight and an optional bias. Programs create it. */
#include "nn_impl.h"
#include "op.h"

typedef struct conv2d {
    dnn_module base;
    dnn_tensor *weight, *bias;
    dnn_nn_conv2d_args args; /* with defaults filled in; only the _h and _w members are read */
    bool has_bias;
} conv2d;

static dnn_tensor *conv2d_forward(dnn_module *self, dnn_tensor *x) /* x [N,in,H,W] or [in,H,W] */
{
    const conv2d *layer = (const conv2d *)self;
    const dnn_nn_conv2d_args *a = &layer->args;

    return dnn_conv2d_with((dnn_conv2d_args){.x = x,
                                             .w = layer->weight,
                                             .bias = layer->bias,
                                             .stride_h = a->stride_h,
                                             .stride_w = a->stride_w,
                                             .padding_h = a->padding_h,
                                             .padding_w = a->padding_w,
                                             .dilation = a->dilation,
                                             .groups = a->groups,
                                             .same = a->same});
}

static void conv2d_describe(const dnn_module *self, char *text, size_t bytes)
{
    const dnn_nn_conv2d_args *a = &((const conv2d *)self)->args;
    dnn__text to = dnn__text_to(text, bytes);

    dnn__put(&to, "%lld, %lld, kernel_size=(%lld, %lld), stride=(%lld, %lld)", (long long)a->in,
             (long long)a->out, (long long)a->kernel_h, (long long)a->kernel_w,
             (long long)a->stride_h, (long long)a->stride_w);
    if (a->same) {
        dnn__put(&to, ", padding=same");
    } else if (a->padding_h != 0 || a->padding_w != 0) {
        dnn__put(&to, ", padding=(%lld, %lld)", (long long)a->padding_h, (long long)a->padding_w);
    }
    if (a->dilation != 1) {
        dnn__put(&to, ", dilation=(%lld, %lld)", (long long)a->dilation, (long long)a->dilation);
    }
    if (a->groups != 1) {
        dnn__put(&to, ", groups=%lld", (long long)a->groups);
    }
    if (!((const conv2d *)self)->has_bias) {
        dnn__put(&to, ", bias=False");
    }
}

static const dnn_setting conv2d_settings[] = {DNN_SETTING("in_channels", conv2d, args.in),
                                              DNN_SETTING("out_channels", conv2d, args.out),
                                              DNN_SETTING("kernel_h", conv2d, args.kernel_h),
                                              DNN_SETTING("kernel_w", conv2d, args.kernel_w),
                                              DNN_SETTING("stride_h", conv2d, args.stride_h),
                                              DNN_SETTING("stride_w", conv2d, args.stride_w),
                                              DNN_SETTING("padding_h", conv2d, args.padding_h),
                                              DNN_SETTING("padding_w", conv2d, args.padding_w),
                                              DNN_SETTING("dilation", conv2d, args.dilation),
                                              DNN_SETTING("groups", conv2d, args.groups),
                                              DNN_SETTING("same", conv2d, args.same),
                                              DNN_SETTING("bias", conv2d, has_bias),
                                              {0}};

static const dnn_module_type conv2d_type = {.size = sizeof(dnn_module_type),
                                            .name = "Conv2d",
                                            .bytes = sizeof(conv2d),
                                            .forward = conv2d_forward,
                                            .describe = conv2d_describe,
                                            .settings = conv2d_settings};

static int64_t or_else(int64_t number, int64_t fallback)
{
    return number != 0 ? number : fallback;
}

static void fill_defaults(dnn_nn_conv2d_args *a)
{
    a->kernel_h = or_else(a->kernel_h, a->kernel);
    a->kernel_w = or_else(a->kernel_w, a->kernel);
    a->stride_h = or_else(a->stride_h, or_else(a->stride, 1));
    a->stride_w = or_else(a->stride_w, or_else(a->stride, 1));
    a->padding_h = or_else(a->padding_h, a->padding);
    a->padding_w = or_else(a->padding_w, a->padding);
    a->dilation = or_else(a->dilation, 1);
    a->groups = or_else(a->groups, 1);
}

static dnn_status check_args(const dnn_nn_conv2d_args *a)
{
    if (a->in < 1 || a->out < 1) {
        return dnn__fail(DNN_E_INVALID, "Conv2d: in %lld and out %lld must be at least 1",
                         (long long)a->in, (long long)a->out);
    }
    if (a->kernel_h < 1 || a->kernel_w < 1) {
        return dnn__fail(DNN_E_INVALID, "Conv2d: kernel %lld x %lld must be at least 1 x 1",
                         (long long)a->kernel_h, (long long)a->kernel_w);
    }
    if (a->stride_h < 1 || a->stride_w < 1 || a->dilation < 1) {
        return dnn__fail(DNN_E_INVALID,
                         "Conv2d: stride %lld x %lld and dilation %lld must be at least 1",
                         (long long)a->stride_h, (long long)a->stride_w, (long long)a->dilation);
    }
    if (a->padding_h < 0 || a->padding_w < 0) {
        return dnn__fail(DNN_E_INVALID, "Conv2d: padding %lld x %lld must not be negative",
                         (long long)a->padding_h, (long long)a->padding_w);
    }
    if (a->groups < 1 || a->in % a->groups != 0 || a->out % a->groups != 0) {
        return dnn__fail(DNN_E_INVALID, "Conv2d: %lld groups do not divide in %lld and out %lld",
                         (long long)a->groups, (long long)a->in, (long long)a->out);
    }
    if (a->same && (a->stride_h != 1 || a->stride_w != 1)) {
        return dnn__fail(DNN_E_INVALID, "Conv2d: same padding needs stride 1, not %lld x %lld",
                         (long long)a->stride_h, (long long)a->stride_w);
    }
    if (a->same && (a->padding_h != 0 || a->padding_w != 0)) {
        return dnn__fail(DNN_E_INVALID, "Conv2d: same padding excludes padding %lld x %lld",
                         (long long)a->padding_h, (long long)a->padding_w);
    }
    return DNN_OK;
}

dnn_module *dnn_nn_conv2d_with(dnn_nn_conv2d_args args)
{
    conv2d *layer;
    dnn_shape shape;
    dnn_status st;
    size_t bytes;
    double bound;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    fill_defaults(&args);
    st = check_args(&args);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    shape = DNN_SHAPE(args.out, args.in / args.groups, args.kernel_h, args.kernel_w);
    st = dnn__check_shape("Conv2d", args.dtype == 0 ? DNN_T_F32 : args.dtype, shape.ndim, shape.dim,
                          &bytes);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    layer = (conv2d *)dnn_module_new(&conv2d_type);
    if (layer == NULL) {
        return NULL;
    }
    /* No overflow: dnn__check_shape has checked the product of all dims. */
    bound = dnn__fan_bound(shape.dim[1] * shape.dim[2] * shape.dim[3]);
    layer->args = args;
    layer->has_bias = !args.no_bias;
    layer->weight = dnn__uniform_parameter(&layer->base, "weight", shape, args.dtype, bound);
    if (layer->weight != NULL && !args.no_bias) {
        layer->bias =
            dnn__uniform_parameter(&layer->base, "bias", DNN_SHAPE(args.out), args.dtype, bound);
    }
    if (layer->weight == NULL || (layer->bias == NULL && !args.no_bias)) {
        dnn_release(&layer->base);
        return NULL;
    }
    return &layer->base;
}
