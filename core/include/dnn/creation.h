/* creation.h - tensors from a shape, from data and from numbers, and random fills. The rules of
 * ops.h hold here too (dtype letters, errors, options). */
#ifndef DNN_CREATION_H
#define DNN_CREATION_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- creation ---- */

typedef struct dnn_create_args {
    dnn_shape shape;
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad; /* makes the result a leaf that requires a gradient; F only */
} dnn_create_args;
/* A new tensor of the shape: dnn_zeros(DNN_SHAPE(2, 3), .dtype = DNN_T_F64).
 * Dtype   A; rand and randn: F.
 * Grad    none.
 * Fails   rank or size < 0 or rank > 8, more than 2^63 bytes, a value that the dtype cannot hold,
 *         requires_grad of an integer dtype. */
/* dnn_empty leaves the elements undefined. */
#define dnn_empty(...) dnn_empty_with((dnn_create_args){.shape = __VA_ARGS__})
#define dnn_zeros(...) dnn_zeros_with((dnn_create_args){.shape = __VA_ARGS__})
#define dnn_ones(...) dnn_ones_with((dnn_create_args){.shape = __VA_ARGS__})
#define dnn_full(value, ...) dnn_full_with((value), (dnn_create_args){.shape = __VA_ARGS__})
/* rand: uniform in [0,1). randn: normal with mean 0, standard deviation 1. */
#define dnn_rand(...) dnn_rand_with((dnn_create_args){.shape = __VA_ARGS__})
#define dnn_randn(...) dnn_randn_with((dnn_create_args){.shape = __VA_ARGS__})
DNN_API dnn_tensor *dnn_empty_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_zeros_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_ones_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_full_with(double value, dnn_create_args args);
/* As dnn_full, with a value that is exact beyond 2^53; dtype 0 = i64. */
DNN_API dnn_tensor *dnn_full_i64(int64_t value, dnn_create_args args);
DNN_API dnn_tensor *dnn_rand_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_randn_with(dnn_create_args args);

typedef struct dnn_like_args {
    dnn_tensor *like;   /* gives the shape */
    dnn_dtype dtype;    /* 0 = that of like */
    const char *device; /* NULL = that of like */
    bool requires_grad; /* not taken from like */
} dnn_like_args;
/* A new contiguous tensor with the shape of another; everything else as the functions above. */
#define dnn_empty_like(...) dnn_empty_like_with((dnn_like_args){.like = __VA_ARGS__})
#define dnn_zeros_like(...) dnn_zeros_like_with((dnn_like_args){.like = __VA_ARGS__})
#define dnn_ones_like(...) dnn_ones_like_with((dnn_like_args){.like = __VA_ARGS__})
#define dnn_full_like(value, ...) dnn_full_like_with((value), (dnn_like_args){.like = __VA_ARGS__})
#define dnn_rand_like(...) dnn_rand_like_with((dnn_like_args){.like = __VA_ARGS__})
#define dnn_randn_like(...) dnn_randn_like_with((dnn_like_args){.like = __VA_ARGS__})
DNN_API dnn_tensor *dnn_empty_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_zeros_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_ones_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_full_like_with(double value, dnn_like_args args);
DNN_API dnn_tensor *dnn_rand_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_randn_like_with(dnn_like_args args);

typedef struct dnn_data_args {
    const void *data; /* row-major elements of dtype */
    dnn_shape shape;
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
} dnn_data_args;
/* A copy of C data: dnn_from_data(values, DNN_SHAPE(2, 3), .dtype = DNN_T_F64).
 * Dtype   A. Grad: none.
 * Fails   as dnn_zeros; data NULL with elements to copy; a bool byte that is not 0 or 1. */
#define dnn_from_data(data_, ...) \
    dnn_from_data_with((dnn_data_args){.data = (data_), .shape = __VA_ARGS__})
DNN_API dnn_tensor *dnn_from_data_with(dnn_data_args args);
/* A tensor over memory of the program, on the device cpu, without a copy; dtype has no default. The
 * program keeps the memory valid until release(ctx) is called: once, when the last tensor over it
 * is freed, or before a failed call returns. release may be NULL.
 * Fails   as dnn_from_data; data is not aligned to its element.
 * Threads: any thread calls release. */
DNN_API dnn_tensor *dnn_from_buffer(void *data, dnn_shape shape, dnn_dtype dtype,
                                    void (*release)(void *ctx), void *ctx);
/* The functions from here to dnn_eye make tensors on the default device. Grad: none. */
/* A rank-0 tensor. A; dtype 0 = f32. */
DNN_API dnn_tensor *dnn_scalar(double value, dnn_dtype dtype);

/* [n] = start, start + step, ... before end: n = ceil((end - start)/step). start = end: empty.
 * Dtype   N; 0 = f32.
 * Fails   step 0 or of the wrong sign, a number that is not finite or that an integer dtype cannot
 *         hold. */
DNN_API dnn_tensor *dnn_arange(double start, double end, double step, dnn_dtype dtype);
/* [n] numbers from start to end, both included (n = 1: start). logspace: 10 to the power of them.
 * Dtype   F; 0 = f32. Fails: n < 0. */
DNN_API dnn_tensor *dnn_linspace(double start, double end, int64_t n, dnn_dtype dtype);
DNN_API dnn_tensor *dnn_logspace(double start, double end, int64_t n, dnn_dtype dtype);
/* [n,m] with ones on the main diagonal, else zeros. A; dtype 0 = f32. */
DNN_API dnn_tensor *dnn_eye(int64_t n, int64_t m, dnn_dtype dtype);

/* ---- random numbers ----
 * Fill the destination, in place, from the default generator. Philox4x32-10 (Salmon et al. 2011):
 * the same numbers on every backend and for any number of threads (normal: within rounding);
 * differs from PyTorch's. Arguments must be finite. */

/* uniform: low + (high - low) u, u in [0,1); F, low <= high. normal: mean + std z; F, std >= 0.
 * bernoulli: 1 with probability p, else 0; F and bool, p in [0,1]. */
DNN_API dnn_tensor *dnn_uniform_(dnn_tensor *target, double low, double high);
DNN_API dnn_tensor *dnn_normal_(dnn_tensor *target, double mean, double std);
DNN_API dnn_tensor *dnn_bernoulli_(dnn_tensor *target, double p);

#ifdef __cplusplus
}
#endif
#endif
