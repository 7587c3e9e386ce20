/* pool.c - pooling layers. They have no parameters and call the pooling operators, which check the
 * arguments. */
#include "nn_impl.h"
#include "op.h"

typedef struct pool2d {
    dnn_module base;
    dnn_max_pool2d_args window; /* with defaults filled in; x NULL */
    bool exclude_pad;
    int64_t divisor;
    int64_t height, width; /* of the output of an adaptive layer */
} pool2d;

static dnn_tensor *max_forward(dnn_module *self, dnn_tensor *x)
{
    dnn_max_pool2d_args args = ((const pool2d *)self)->window;

    args.x = x;
    return dnn_max_pool2d_with(args);
}

static dnn_tensor *avg_forward(dnn_module *self, dnn_tensor *x)
{
    const pool2d *layer = (const pool2d *)self;
    const dnn_max_pool2d_args *w = &layer->window;

    return dnn_avg_pool2d(
        x, .kernel_h = w->kernel_h, .kernel_w = w->kernel_w, .stride_h = w->stride_h,
        .stride_w = w->stride_w, .padding_h = w->padding_h, .padding_w = w->padding_w,
        .ceil_mode = w->ceil_mode, .exclude_pad = layer->exclude_pad, .divisor = layer->divisor);
}

static dnn_tensor *adaptive_avg_forward(dnn_module *self, dnn_tensor *x)
{
    const pool2d *layer = (const pool2d *)self;

    return dnn_adaptive_avg_pool2d(x, layer->height, layer->width);
}

static dnn_tensor *adaptive_max_forward(dnn_module *self, dnn_tensor *x)
{
    const pool2d *layer = (const pool2d *)self;

    return dnn_adaptive_max_pool2d(x, layer->height, layer->width, NULL);
}

/* PyTorch prints one number for equal height and width. */
static void put_pair(dnn__text *to, const char *name, int64_t h, int64_t w)
{
    if (h == w) {
        dnn__put(to, "%s=%lld", name, (long long)h);
    } else {
        dnn__put(to, "%s=(%lld, %lld)", name, (long long)h, (long long)w);
    }
}

static void put_window(dnn__text *to, const dnn_max_pool2d_args *a)
{
    put_pair(to, "kernel_size", a->kernel_h, a->kernel_w);
    put_pair(to, ", stride", a->stride_h, a->stride_w);
    put_pair(to, ", padding", a->padding_h, a->padding_w);
}

static void max_describe(const dnn_module *self, char *text, size_t bytes)
{
    const dnn_max_pool2d_args *a = &((const pool2d *)self)->window;
    dnn__text to = dnn__text_to(text, bytes);

    put_window(&to, a);
    put_pair(&to, ", dilation", a->dilation_h, a->dilation_w);
    dnn__put(&to, ", ceil_mode=%s", a->ceil_mode ? "True" : "False");
}

static void avg_describe(const dnn_module *self, char *text, size_t bytes)
{
    dnn__text to = dnn__text_to(text, bytes);

    put_window(&to, &((const pool2d *)self)->window);
}

static void adaptive_describe(const dnn_module *self, char *text, size_t bytes)
{
    const pool2d *layer = (const pool2d *)self;
    dnn__text to = dnn__text_to(text, bytes);

    dnn__put(&to, "output_size=(%lld, %lld)", (long long)layer->height, (long long)layer->width);
}

static const dnn_module_type max_type = {
    .name = "MaxPool2d", .bytes = sizeof(pool2d), .forward = max_forward, .describe = max_describe};
static const dnn_module_type avg_type = {
    .name = "AvgPool2d", .bytes = sizeof(pool2d), .forward = avg_forward, .describe = avg_describe};
static const dnn_module_type adaptive_avg_type = {.name = "AdaptiveAvgPool2d",
                                                  .bytes = sizeof(pool2d),
                                                  .forward = adaptive_avg_forward,
                                                  .describe = adaptive_describe};
static const dnn_module_type adaptive_max_type = {.name = "AdaptiveMaxPool2d",
                                                  .bytes = sizeof(pool2d),
                                                  .forward = adaptive_max_forward,
                                                  .describe = adaptive_describe};

static int64_t or_else(int64_t number, int64_t fallback)
{
    return number != 0 ? number : fallback;
}

static pool2d *new_pool(const dnn_module_type *type, dnn_max_pool2d_args args)
{
    pool2d *layer;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    args.kernel_h = or_else(args.kernel_h, args.kernel);
    args.kernel_w = or_else(args.kernel_w, args.kernel);
    args.stride_h = or_else(args.stride_h, or_else(args.stride, args.kernel_h));
    args.stride_w = or_else(args.stride_w, or_else(args.stride, args.kernel_w));
    args.padding_h = or_else(args.padding_h, args.padding);
    args.padding_w = or_else(args.padding_w, args.padding);
    args.dilation_h = or_else(args.dilation_h, or_else(args.dilation, 1));
    args.dilation_w = or_else(args.dilation_w, or_else(args.dilation, 1));
    if (args.kernel_h < 1 || args.kernel_w < 1) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: kernel %lld x %lld must be at least 1 x 1",
                                   type->name, (long long)args.kernel_h, (long long)args.kernel_w));
    }
    layer = (pool2d *)dnn_module_new(type);
    if (layer == NULL) {
        return NULL;
    }
    layer->window = args;
    return layer;
}

static dnn_module *new_adaptive(const dnn_module_type *type, int64_t height, int64_t width)
{
    pool2d *layer;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (height < 0 || width < 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: output %lld x %lld must not be negative",
                                   type->name, (long long)height, (long long)width));
    }
    layer = (pool2d *)dnn_module_new(type);
    if (layer == NULL) {
        return NULL;
    }
    layer->height = height;
    layer->width = width;
    return &layer->base;
}

dnn_module *dnn_nn_max_pool2d_with(dnn_nn_max_pool2d_args a)
{
    const dnn_max_pool2d_args window = {.kernel = a.kernel,
                                        .kernel_h = a.kernel_h,
                                        .kernel_w = a.kernel_w,
                                        .stride = a.stride,
                                        .stride_h = a.stride_h,
                                        .stride_w = a.stride_w,
                                        .padding = a.padding,
                                        .padding_h = a.padding_h,
                                        .padding_w = a.padding_w,
                                        .dilation = a.dilation,
                                        .dilation_h = a.dilation_h,
                                        .dilation_w = a.dilation_w,
                                        .ceil_mode = a.ceil_mode};
    pool2d *layer = new_pool(&max_type, window);

    return layer != NULL ? &layer->base : NULL;
}

dnn_module *dnn_nn_avg_pool2d_with(dnn_nn_avg_pool2d_args a)
{
    const dnn_max_pool2d_args window = {.kernel = a.kernel,
                                        .kernel_h = a.kernel_h,
                                        .kernel_w = a.kernel_w,
                                        .stride = a.stride,
                                        .stride_h = a.stride_h,
                                        .stride_w = a.stride_w,
                                        .padding = a.padding,
                                        .padding_h = a.padding_h,
                                        .padding_w = a.padding_w,
                                        .ceil_mode = a.ceil_mode};
    pool2d *layer = new_pool(&avg_type, window);

    if (layer == NULL) {
        return NULL;
    }
    layer->exclude_pad = a.exclude_pad;
    layer->divisor = a.divisor;
    return &layer->base;
}

dnn_module *dnn_nn_adaptive_avg_pool2d(int64_t height, int64_t width)
{
    return new_adaptive(&adaptive_avg_type, height, width);
}

dnn_module *dnn_nn_adaptive_max_pool2d(int64_t height, int64_t width)
{
    return new_adaptive(&adaptive_max_type, height, width);
}
