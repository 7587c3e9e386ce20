/* transform.h - the object behind every transform. compose, function, lambda and field are in
 * transform.c; the transforms of images in image_transforms.c. Private to core/data. */
#ifndef DNN__TRANSFORM_H
#define DNN__TRANSFORM_H
#include "fields.h"

typedef struct dnn__transform_type {
    const char *name; /* "RandomCrop": for messages */
    /* Replaces fields. It may return a failure or leave it pending. */
    dnn_status (*apply)(dnn_transform *transform, dnn_fields *sample);
    void (*close)(dnn_transform *transform); /* frees what the kind owns; or NULL */
} dnn__transform_type;

struct dnn_transform {
    dnn_object object;
    size_t bytes; /* of the struct that begins with dnn_transform */
    const dnn__transform_type *type;
};

/* Returns a zeroed transform of `bytes` bytes that begins with dnn_transform and that the scope
 * owns. NULL and a pending error on failure. */
void *dnn__transform_new(size_t bytes, const dnn__transform_type *type);
/* For constructors: returns false, with an error pending, if an error is pending or the transform
 * is NULL. */
bool dnn__transform_ready(const char *function, const dnn_transform *transform);
/* Applies a transform and checks the fields. Its name begins the message of a failure; none is
 * pending afterwards. */
dnn_status dnn__transform_call(dnn_transform *transform, dnn_fields *sample);

/* ---- image_transforms.c: also used by dnn_dataset_normalize ---- */

enum { DNN__MOST_CHANNELS = 16 };
typedef struct dnn__moments {
    int channels; /* 0: no mean and std */
    double mean[DNN__MOST_CHANNELS], std[DNN__MOST_CHANNELS];
} dnn__moments;
/* Checks and copies the numbers. */
dnn_status dnn__moments_set(dnn__moments *moments, const char *function, const double *mean,
                            const double *std, int64_t n);
/* Returns a new tensor, u8 / 255 as f32; x itself for other dtypes. */
dnn_tensor *dnn__image_scale(dnn_tensor *x);
/* Returns (x - mean) / std of a floating image, in x itself if `own`. NULL and a pending error,
 * which `name` begins, on failure. */
dnn_tensor *dnn__image_normalize(const char *name, const dnn__moments *moments, dnn_tensor *x,
                                 bool own);

#endif
