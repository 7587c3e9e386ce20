/* pool.c - pooling layers. They have no parameters and call the pooling operators, which check the
 * arguments. */
#include "nn_impl.h"
#include "ops_impl.h"

typedef struct max_pool2d {
    dnn_module base;
    dnn_nn_max_pool2d_args args; /* with defaults filled in; only the _h and _w members are read */
} max_pool2d;

typedef struct avg_pool2d {
    dnn_module base;
    dnn_nn_avg_pool2d_args args; /* likewise */
} avg_pool2d;

typedef struct adaptive_pool2d {
    dnn_module base;
    int64_t height, width; /* of the output */
} adaptive_pool2d;

static dnn_tensor *max_forward(dnn_module *self, dnn_tensor *x)
{
    const dnn_nn_max_pool2d_args *a = &((const max_pool2d *)self)->args;

    return dnn_max_pool2d(
        x, .kernel_h = a->kernel_h, .kernel_w = a->kernel_w, .stride_h = a->stride_h,
        .stride_w = a->stride_w, .padding_h = a->padding_h, .padding_w = a->padding_w,
        .dilation_h = a->dilation_h, .dilation_w = a->dilation_w, .ceil_mode = a->ceil_mode);
}

static dnn_tensor *avg_forward(dnn_module *self, dnn_tensor *x)
{
    const dnn_nn_avg_pool2d_args *a = &((const avg_pool2d *)self)->args;

    return dnn_avg_pool2d(
        x, .kernel_h = a->kernel_h, .kernel_w = a->kernel_w, .stride_h = a->stride_h,
        .stride_w = a->stride_w, .padding_h = a->padding_h, .padding_w = a->padding_w,
        .ceil_mode = a->ceil_mode, .exclude_pad = a->exclude_pad, .divisor = a->divisor);
}

static dnn_tensor *adaptive_avg_forward(dnn_module *self, dnn_tensor *x)
{
    const adaptive_pool2d *layer = (const adaptive_pool2d *)self;

    return dnn_adaptive_avg_pool2d(x, layer->height, layer->width);
}

static dnn_tensor *adaptive_max_forward(dnn_module *self, dnn_tensor *x)
{
    const adaptive_pool2d *layer = (const adaptive_pool2d *)self;

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

static void max_describe(const dnn_module *self, char *text, size_t bytes)
{
    const dnn_nn_max_pool2d_args *a = &((const max_pool2d *)self)->args;
    dnn__text to = dnn__text_to(text, bytes);

    put_pair(&to, "kernel_size", a->kernel_h, a->kernel_w);
    put_pair(&to, ", stride", a->stride_h, a->stride_w);
    put_pair(&to, ", padding", a->padding_h, a->padding_w);
    put_pair(&to, ", dilation", a->dilation_h, a->dilation_w);
    dnn__put(&to, ", ceil_mode=%s", a->ceil_mode ? "True" : "False");
}

static void avg_describe(const dnn_module *self, char *text, size_t bytes)
{
    const dnn_nn_avg_pool2d_args *a = &((const avg_pool2d *)self)->args;
    dnn__text to = dnn__text_to(text, bytes);

    put_pair(&to, "kernel_size", a->kernel_h, a->kernel_w);
    put_pair(&to, ", stride", a->stride_h, a->stride_w);
    put_pair(&to, ", padding", a->padding_h, a->padding_w);
}

static void adaptive_describe(const dnn_module *self, char *text, size_t bytes)
{
    const adaptive_pool2d *layer = (const adaptive_pool2d *)self;
    dnn__text to = dnn__text_to(text, bytes);

    dnn__put(&to, "output_size=(%lld, %lld)", (long long)layer->height, (long long)layer->width);
}

#define WINDOW_SETTINGS(type)                                                                   \
    DNN_SETTING("kernel_h", type, args.kernel_h), DNN_SETTING("kernel_w", type, args.kernel_w), \
        DNN_SETTING("stride_h", type, args.stride_h),                                           \
        DNN_SETTING("stride_w", type, args.stride_w),                                           \
        DNN_SETTING("padding_h", type, args.padding_h),                                         \
        DNN_SETTING("padding_w", type, args.padding_w),                                         \
        DNN_SETTING("ceil_mode", type, args.ceil_mode)
static const dnn_setting max_settings[] = {WINDOW_SETTINGS(max_pool2d),
                                           DNN_SETTING("dilation_h", max_pool2d, args.dilation_h),
                                           DNN_SETTING("dilation_w", max_pool2d, args.dilation_w),
                                           {0}};
static const dnn_setting avg_settings[] = {WINDOW_SETTINGS(avg_pool2d),
                                           DNN_SETTING("exclude_pad", avg_pool2d, args.exclude_pad),
                                           DNN_SETTING("divisor", avg_pool2d, args.divisor),
                                           {0}};
static const dnn_setting adaptive_settings[] = {DNN_SETTING("output_h", adaptive_pool2d, height),
                                                DNN_SETTING("output_w", adaptive_pool2d, width),
                                                {0}};

#define TYPE(variable, name_, struct_, forward_, describe_, settings_)        \
    static const dnn_module_type variable = {.size = sizeof(dnn_module_type), \
                                             .name = name_,                   \
                                             .bytes = sizeof(struct_),        \
                                             .forward = forward_,             \
                                             .describe = describe_,           \
                                             .settings = settings_}
TYPE(max_type, "MaxPool2d", max_pool2d, max_forward, max_describe, max_settings);
TYPE(avg_type, "AvgPool2d", avg_pool2d, avg_forward, avg_describe, avg_settings);
TYPE(adaptive_avg_type, "AdaptiveAvgPool2d", adaptive_pool2d, adaptive_avg_forward,
     adaptive_describe, adaptive_settings);
TYPE(adaptive_max_type, "AdaptiveMaxPool2d", adaptive_pool2d, adaptive_max_forward,
     adaptive_describe, adaptive_settings);

/* Fills in the default of an option that has a value for each axis and one for both. */
static void fill_pair(int64_t *h, int64_t *w, int64_t both, int64_t else_h, int64_t else_w)
{
    *h = dnn__first_set(*h, both, else_h);
    *w = dnn__first_set(*w, both, else_w);
}

static dnn_module *new_pool(const dnn_module_type *type, int64_t kernel_h, int64_t kernel_w)
{
    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (kernel_h < 1 || kernel_w < 1) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: kernel %lld x %lld must be at least 1 x 1",
                                   type->name, (long long)kernel_h, (long long)kernel_w));
    }
    return dnn_module_new(type);
}

static dnn_module *new_adaptive(const dnn_module_type *type, int64_t height, int64_t width)
{
    adaptive_pool2d *layer;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (height < 0 || width < 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: output %lld x %lld must not be negative",
                                   type->name, (long long)height, (long long)width));
    }
    layer = (adaptive_pool2d *)dnn_module_new(type);
    if (layer == NULL) {
        return NULL;
    }
    layer->height = height;
    layer->width = width;
    return &layer->base;
}

dnn_module *dnn_nn_max_pool2d_with(dnn_nn_max_pool2d_args args)
{
    max_pool2d *layer;

    fill_pair(&args.kernel_h, &args.kernel_w, args.kernel, 0, 0);
    fill_pair(&args.stride_h, &args.stride_w, args.stride, args.kernel_h, args.kernel_w);
    fill_pair(&args.padding_h, &args.padding_w, args.padding, 0, 0);
    fill_pair(&args.dilation_h, &args.dilation_w, args.dilation, 1, 1);
    layer = (max_pool2d *)new_pool(&max_type, args.kernel_h, args.kernel_w);
    if (layer == NULL) {
        return NULL;
    }
    layer->args = args;
    return &layer->base;
}

dnn_module *dnn_nn_avg_pool2d_with(dnn_nn_avg_pool2d_args args)
{
    avg_pool2d *layer;

    fill_pair(&args.kernel_h, &args.kernel_w, args.kernel, 0, 0);
    fill_pair(&args.stride_h, &args.stride_w, args.stride, args.kernel_h, args.kernel_w);
    fill_pair(&args.padding_h, &args.padding_w, args.padding, 0, 0);
    layer = (avg_pool2d *)new_pool(&avg_type, args.kernel_h, args.kernel_w);
    if (layer == NULL) {
        return NULL;
    }
    layer->args = args;
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
