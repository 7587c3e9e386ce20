/* pool.c - pooling layers. They have no parameters and call the pooling operators, which check the
 * arguments. */
#include "nn_impl.h"
#include "op.h"

typedef struct pool2d {
    dnn_module base;
    dnn_pool2d_args args;
    int64_t height, width; /* of the output of an adaptive layer */
} pool2d;

static dnn_tensor *max_forward(dnn_module *self, dnn_tensor *x)
{
    dnn_pool2d_args args = ((const pool2d *)self)->args;

    args.x = x;
    return dnn_max_pool2d_with(args);
}

static dnn_tensor *avg_forward(dnn_module *self, dnn_tensor *x)
{
    dnn_pool2d_args args = ((const pool2d *)self)->args;

    args.x = x;
    return dnn_avg_pool2d_with(args);
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
static void put_pair(dnn__text *to, const char *name, int h, int w)
{
    if (h == w) {
        dnn__put(to, "%s=%d", name, h);
    } else {
        dnn__put(to, "%s=(%d, %d)", name, h, w);
    }
}

static void put_window(dnn__text *to, const dnn_pool2d_args *a)
{
    put_pair(to, "kernel_size", a->kernel_h, a->kernel_w);
    put_pair(to, ", stride", a->stride_h, a->stride_w);
    put_pair(to, ", padding", a->padding_h, a->padding_w);
}

static void max_describe(const dnn_module *self, char *text, size_t bytes)
{
    const dnn_pool2d_args *a = &((const pool2d *)self)->args;
    dnn__text to = dnn__text_to(text, bytes);

    put_window(&to, a);
    put_pair(&to, ", dilation", a->dilation_h, a->dilation_w);
    dnn__put(&to, ", ceil_mode=%s", a->ceil_mode ? "True" : "False");
}

static void avg_describe(const dnn_module *self, char *text, size_t bytes)
{
    dnn__text to = dnn__text_to(text, bytes);

    put_window(&to, &((const pool2d *)self)->args);
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

static int or_else(int number, int fallback)
{
    return number != 0 ? number : fallback;
}

static dnn_module *new_pool(const dnn_module_type *type, dnn_pool2d_args args)
{
    pool2d *layer;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    args.x = NULL;
    args.indices = NULL;
    args.kernel_h = or_else(args.kernel_h, args.kernel);
    args.kernel_w = or_else(args.kernel_w, args.kernel);
    args.stride_h = or_else(args.stride_h, or_else(args.stride, args.kernel_h));
    args.stride_w = or_else(args.stride_w, or_else(args.stride, args.kernel_w));
    args.padding_h = or_else(args.padding_h, args.padding);
    args.padding_w = or_else(args.padding_w, args.padding);
    args.dilation_h = or_else(args.dilation_h, or_else(args.dilation, 1));
    args.dilation_w = or_else(args.dilation_w, or_else(args.dilation, 1));
    if (args.kernel_h < 1 || args.kernel_w < 1) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: kernel %d x %d must be at least 1 x 1",
                                   type->name, args.kernel_h, args.kernel_w));
    }
    layer = (pool2d *)dnn_module_new(type);
    if (layer == NULL) {
        return NULL;
    }
    layer->args = args;
    return &layer->base;
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

dnn_module *dnn_nn_max_pool2d_with(dnn_pool2d_args args)
{
    return new_pool(&max_type, args);
}

dnn_module *dnn_nn_avg_pool2d_with(dnn_pool2d_args args)
{
    return new_pool(&avg_type, args);
}

dnn_module *dnn_nn_adaptive_avg_pool2d(int64_t height, int64_t width)
{
    return new_adaptive(&adaptive_avg_type, height, width);
}

dnn_module *dnn_nn_adaptive_max_pool2d(int64_t height, int64_t width)
{
    return new_adaptive(&adaptive_max_type, height, width);
}
