/* image_transforms.c - transforms of images: to_tensor, normalize, crops and flips, with the names
 * and the results of torchvision. Each works on field 0 of the sample, [...,C,H,W] on cpu. */
#include <math.h>
#include <string.h>
#include "transform.h"

/* ---- images ---- */

/* Stores field 0 of the sample, and checks that it is an image with H and W. */
static dnn_status image_of(const dnn_fields *sample, dnn_tensor **out)
{
    dnn_tensor *x = *out = sample->field[0];

    if (dnn__dev(dnn__device_of(x))->api != NULL) {
        return dnn__fail(DNN_E_INVALID, "image is on %s; transforms work on cpu",
                         dnn__dev(dnn__device_of(x))->name);
    }
    if (x->ndim < 2) {
        return dnn__fail(DNN_E_INVALID, "image is %s, must be [...,C,H,W]",
                         dnn__shape_text(x->ndim, x->dim));
    }
    return DNN_OK;
}

static int64_t height(const dnn_tensor *x)
{
    return x->dim[x->ndim - 2];
}

static int64_t width(const dnn_tensor *x)
{
    return x->dim[x->ndim - 1];
}

/* Returns a view of h x w pixels. */
static dnn_tensor *crop(dnn_tensor *x, int64_t top, int64_t left, int64_t h, int64_t w)
{
    return dnn_narrow(dnn_narrow(x, -2, top, h), -1, left, w);
}

/* Returns a copy with zeros around it. */
static dnn_tensor *pad(dnn_tensor *x, int64_t top, int64_t left, int64_t h, int64_t w)
{
    dnn_shape shape = dnn_shape_of(x);
    dnn_tensor *y;

    shape.dim[x->ndim - 2] = h;
    shape.dim[x->ndim - 1] = w;
    y = dnn_zeros(shape, .dtype = x->dtype, .device = "cpu");
    return dnn_copy_(crop(y, top, left, height(x), width(x)), x) != NULL ? y : NULL;
}

/* Draws a number from 0 to n-1. */
static int64_t draw_below(int64_t n)
{
    double u = dnn_value(dnn_rand(DNN_SHAPE(1), .dtype = DNN_T_F64, .device = "cpu"));
    int64_t k = u >= 0 ? (int64_t)(u * (double)n) : 0; /* NaN: an error is pending */

    return k < n ? k : n - 1;
}

/* ---- ToTensor and Normalize ---- */

dnn_tensor *dnn__image_scale(dnn_tensor *x)
{
    if (x->dtype != DNN_T_U8) {
        return x;
    }
    /* A factor of 1/255 would round differently. */
    return dnn_div_(dnn_to(x, .dtype = DNN_T_F32),
                    dnn_from_data(&(float){255}, DNN_SCALAR, .device = "cpu"));
}

/* Returns [C,1,1], which broadcasts over [...,C,H,W]. */
static dnn_tensor *per_channel(const double *value, int channels, dnn_dtype dtype)
{
    return dnn_to(
        dnn_from_data(value, DNN_SHAPE(channels, 1, 1), .dtype = DNN_T_F64, .device = "cpu"),
        .dtype = dtype);
}

/* y = (x - mean) / std. The operations and their order are those of torchvision, each rounded to
 * the dtype, so that the results have the same bits: mean and std in one multiplication would round
 * differently. */
dnn_tensor *dnn__image_normalize(const char *name, const dnn__moments *m, dnn_tensor *x, bool own)
{
    dnn_tensor *mean, *std;

    if (x == NULL || m->channels == 0) {
        return x;
    }
    if ((x->dtype & DNN__FLOATS) == 0) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "%simage is of %s, must be of a floating dtype (ToTensor)", name,
                                   dnn_dtype_name(x->dtype)));
    }
    if (x->ndim < 3 || (x->dim[x->ndim - 3] != m->channels && m->channels != 1)) {
        return dnn__null(
            dnn__fail(DNN_E_INVALID, "%smean and std of %d channels, image %s instead of [%d,H,W]",
                      name, m->channels, dnn__shape_text(x->ndim, x->dim), m->channels));
    }
    mean = per_channel(m->mean, m->channels, x->dtype);
    std = per_channel(m->std, m->channels, x->dtype);
    return dnn_div_(own ? dnn_sub_(x, mean) : dnn_sub(x, mean), std);
}

dnn_status dnn__moments_set(dnn__moments *out, const char *function, const double *mean,
                            const double *std, int64_t n)
{
    *out = (dnn__moments){.channels = 0};
    if ((mean == NULL) != (std == NULL)) {
        return dnn__fail(DNN_E_INVALID, "%s: %s is NULL, %s is not; both or none", function,
                         mean == NULL ? "mean" : "std", mean == NULL ? "std" : "mean");
    }
    if (mean != NULL && (n < 1 || n > DNN__MOST_CHANNELS)) {
        return dnn__fail(DNN_E_INVALID, "%s: n_channels is %s, must be 1 to %d", function,
                         dnn__number_text(n), DNN__MOST_CHANNELS);
    }
    for (int i = 0; mean != NULL && i < n; i++) {
        if (!isfinite((float)mean[i])) {
            return dnn__fail(DNN_E_INVALID, "%s: mean of channel %d is %s in f32, must be finite",
                             function, i, dnn__float_text((double)(float)mean[i]));
        }
        if (!((float)std[i] > 0) || !isfinite((float)std[i])) {
            return dnn__fail(DNN_E_INVALID,
                             "%s: std of channel %d is %s in f32, must be finite and above 0",
                             function, i, dnn__float_text((double)(float)std[i]));
        }
        out->mean[i] = mean[i];
        out->std[i] = std[i];
        out->channels = i + 1;
    }
    return DNN_OK;
}

struct to_tensor {
    dnn_transform transform;
    dnn_image_layout layout;
};

static dnn_status apply_to_tensor(dnn_transform *t, dnn_fields *sample)
{
    dnn_tensor *x;

    DNN_TRY(image_of(sample, &x));
    if (((struct to_tensor *)t)->layout == DNN_IMAGE_HWC) {
        if (x->ndim < 3) {
            return dnn__fail(DNN_E_INVALID, "image is %s, must be [...,H,W,C]",
                             dnn__shape_text(x->ndim, x->dim));
        }
        x = dnn_contiguous(dnn_movedim(x, -1, -3));
    }
    sample->field[0] = x != NULL ? dnn__image_scale(x) : NULL;
    return DNN_OK;
}

dnn_transform *dnn_transform_to_tensor(dnn_image_layout layout)
{
    static const dnn__transform_type type = {.name = "ToTensor", .apply = apply_to_tensor};
    struct to_tensor *t;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (layout != DNN_IMAGE_CHW && layout != DNN_IMAGE_HWC) {
        return dnn__null(dnn__fail(
            DNN_E_INVALID,
            "dnn_transform_to_tensor: layout is %d, must be DNN_IMAGE_CHW or DNN_IMAGE_HWC",
            (int)layout));
    }
    t = dnn__transform_new(sizeof *t, &type);
    if (t == NULL) {
        return NULL;
    }
    t->layout = layout;
    return &t->transform;
}

struct normalize {
    dnn_transform transform;
    dnn__moments moments;
};

static dnn_status apply_normalize(dnn_transform *t, dnn_fields *sample)
{
    dnn_tensor *x;

    DNN_TRY(image_of(sample, &x));
    sample->field[0] = dnn__image_normalize("", &((struct normalize *)t)->moments, x, false);
    return DNN_OK;
}

dnn_transform *dnn_transform_normalize(const double *mean, const double *std, int64_t n_channels)
{
    static const dnn__transform_type type = {.name = "Normalize", .apply = apply_normalize};
    struct normalize *n;
    dnn__moments moments;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    st = mean == NULL || std == NULL
             ? dnn__fail(DNN_E_INVALID, "dnn_transform_normalize: %s is NULL",
                         mean == NULL ? "mean" : "std")
             : dnn__moments_set(&moments, "dnn_transform_normalize", mean, std, n_channels);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    n = dnn__transform_new(sizeof *n, &type);
    if (n == NULL) {
        return NULL;
    }
    n->moments = moments;
    return &n->transform;
}

/* ---- crops ---- */

struct crop {
    dnn_transform transform;
    int64_t h, w, padding;
};

/* Where torchvision begins: round((size - crop) / 2), half to even. */
static int64_t middle(int64_t size, int64_t crop)
{
    int64_t half = (size - crop) / 2;

    return (size - crop) % 2 != 0 && half % 2 != 0 ? half + 1 : half;
}

static dnn_status apply_center_crop(dnn_transform *t, dnn_fields *sample)
{
    const struct crop *c = (const struct crop *)t;
    dnn_tensor *x;
    int64_t h, w;

    DNN_TRY(image_of(sample, &x));
    h = height(x) > c->h ? height(x) : c->h;
    w = width(x) > c->w ? width(x) : c->w;
    if (h != height(x) || w != width(x)) {
        x = pad(x, (h - height(x)) / 2, (w - width(x)) / 2, h, w);
    }
    sample->field[0] = crop(x, middle(h, c->h), middle(w, c->w), c->h, c->w);
    return DNN_OK;
}

static dnn_status apply_random_crop(dnn_transform *t, dnn_fields *sample)
{
    const struct crop *c = (const struct crop *)t;
    dnn_tensor *x;
    int64_t h, w, top, left;

    DNN_TRY(image_of(sample, &x));
    h = height(x) + 2 * c->padding;
    w = width(x) + 2 * c->padding;
    if (h < c->h || w < c->w) {
        return dnn__fail(DNN_E_INVALID, "image %s is smaller than %sx%s%s%s",
                         dnn__shape_text(x->ndim, x->dim), dnn__number_text(c->h),
                         dnn__number_text(c->w), c->padding > 0 ? ", also with padding " : "",
                         c->padding > 0 ? dnn__number_text(c->padding) : "");
    }
    if (c->padding > 0) {
        x = pad(x, c->padding, c->padding, h, w);
    }
    top = h > c->h ? draw_below(h - c->h + 1) : 0;
    left = w > c->w ? draw_below(w - c->w + 1) : 0;
    sample->field[0] = crop(x, top, left, c->h, c->w);
    return DNN_OK;
}

static dnn_transform *new_crop(const char *function, const dnn__transform_type *type,
                               dnn_crop_args a, bool may_pad)
{
    enum { MOST = 1 << 24 }; /* sums of sizes and paddings do not overflow */
    int64_t h = a.size_h != 0 ? a.size_h : a.size, w = a.size_w != 0 ? a.size_w : a.size;
    struct crop *c;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (h < 1 || w < 1 || h > MOST || w > MOST) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: size is %sx%s, must be 1 to %s", function,
                                   dnn__number_text(h), dnn__number_text(w),
                                   dnn__number_text(MOST)));
    }
    if (a.padding < 0 || a.padding > (may_pad ? MOST : 0)) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: padding is %s, must be 0 to %s", function,
                                   dnn__number_text(a.padding),
                                   dnn__number_text(may_pad ? MOST : 0)));
    }
    c = dnn__transform_new(sizeof *c, type);
    if (c == NULL) {
        return NULL;
    }
    c->h = h;
    c->w = w;
    c->padding = a.padding;
    return &c->transform;
}

dnn_transform *dnn_transform_center_crop_with(dnn_crop_args args)
{
    static const dnn__transform_type type = {.name = "CenterCrop", .apply = apply_center_crop};

    return new_crop("dnn_transform_center_crop", &type, args, false);
}

dnn_transform *dnn_transform_random_crop_with(dnn_crop_args args)
{
    static const dnn__transform_type type = {.name = "RandomCrop", .apply = apply_random_crop};

    return new_crop("dnn_transform_random_crop", &type, args, true);
}

/* ---- flip ---- */

struct flip {
    dnn_transform transform;
    double p;
};

/* Returns a copy with the pixels of each row in the reverse order. No operator does it: strides are
 * not negative. */
static dnn_tensor *flipped(dnn_tensor *x)
{
    size_t item = dnn__item_size(x->dtype);
    int64_t w = width(x), rows;
    const char *from;
    dnn_tensor *y;
    char *to;

    x = dnn_contiguous(x);
    y = x != NULL ? dnn__tensor_new("flip", x->dtype, x->ndim, x->dim, dnn__cpu()) : NULL;
    if (y == NULL) {
        return NULL;
    }
    from = (const char *)x->storage->data + (size_t)x->offset * item;
    to = y->storage->data;
    rows = w > 0 ? dnn__numel(x) / w : 0;
    for (int64_t i = 0; i < rows * w; i++) {
        int64_t row = i / w, column = i % w;

        memcpy(to + (size_t)(row * w + w - 1 - column) * item, from + (size_t)i * item, item);
    }
    return y;
}

static dnn_status apply_flip(dnn_transform *t, dnn_fields *sample)
{
    double u = dnn_value(dnn_rand(DNN_SHAPE(1), .dtype = DNN_T_F64, .device = "cpu"));
    dnn_tensor *x;

    DNN_TRY(image_of(sample, &x));
    sample->field[0] = u < ((struct flip *)t)->p ? flipped(x) : x;
    return DNN_OK;
}

dnn_transform *dnn_transform_random_horizontal_flip(double p)
{
    static const dnn__transform_type type = {.name = "RandomHorizontalFlip", .apply = apply_flip};
    struct flip *f;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (!(p >= 0 && p <= 1)) {
        return dnn__null(dnn__fail(DNN_E_INVALID,
                                   "dnn_transform_random_horizontal_flip: p is %s, must be 0 to 1",
                                   dnn__float_text(p)));
    }
    f = dnn__transform_new(sizeof *f, &type);
    if (f == NULL) {
        return NULL;
    }
    f->p = p;
    return &f->transform;
}
