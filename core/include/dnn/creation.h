/* creation.h - tensors from a shape, from data and from numbers, and random fills. The rules of
 * ops.h hold here too (dtype letters, errors, options).
 *
 * Threads: any thread, several at once, also while they draw from one generator. A random fill
 * changes its destination: one thread at a time (tensor.h). */
#ifndef DNN_CREATION_H
#define DNN_CREATION_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- creation ---- */

typedef struct dnn_create_args {
    dnn_shape shape;
    DNN_BY_NAME;
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
#define dnn_empty(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_empty_with(DNN_ARGS(dnn_create_args, .shape = __VA_ARGS__))
#define dnn_zeros(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_zeros_with(DNN_ARGS(dnn_create_args, .shape = __VA_ARGS__))
#define dnn_ones(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_ones_with(DNN_ARGS(dnn_create_args, .shape = __VA_ARGS__))
#define dnn_full(...) DNN_CAT(dnn_full_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_full_missing_(shape, value)
#define dnn_full_given_(shape_, ...) \
    dnn_full_with(DNN_ARGS(dnn_full_args, .shape = shape_, .value = __VA_ARGS__))
/* rand: uniform in [0,1). randn: normal with mean 0, standard deviation 1. */
#define dnn_rand(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_rand_with(DNN_ARGS(dnn_rand_args, .shape = __VA_ARGS__))
#define dnn_randn(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_randn_with(DNN_ARGS(dnn_rand_args, .shape = __VA_ARGS__))
DNN_API dnn_tensor *dnn_empty_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_zeros_with(dnn_create_args args);
DNN_API dnn_tensor *dnn_ones_with(dnn_create_args args);
typedef struct dnn_full_args {
    dnn_shape shape;
    double value;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
} dnn_full_args;
DNN_API dnn_tensor *dnn_full_with(dnn_full_args args);
/* As dnn_full, with a value that is exact beyond 2^53; dtype 0 = i64. */
DNN_API dnn_tensor *dnn_full_i64(int64_t value, dnn_create_args args);
typedef struct dnn_rand_args {
    dnn_shape shape;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
    dnn_generator *generator; /* to draw from; NULL = that of the thread: DNN_GENERATOR, or else the
                               * default generator */
} dnn_rand_args;
DNN_API dnn_tensor *dnn_rand_with(dnn_rand_args args);
DNN_API dnn_tensor *dnn_randn_with(dnn_rand_args args);

typedef struct dnn_like_args {
    dnn_tensor *like; /* gives the shape */
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = that of like */
    const char *device; /* NULL = that of like */
    bool requires_grad; /* not taken from like */
} dnn_like_args;
/* A new contiguous tensor with the shape of another; everything else as the functions above. */
#define dnn_empty_like(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_empty_like_with(DNN_ARGS(dnn_like_args, .like = __VA_ARGS__))
#define dnn_zeros_like(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_zeros_like_with(DNN_ARGS(dnn_like_args, .like = __VA_ARGS__))
#define dnn_ones_like(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_ones_like_with(DNN_ARGS(dnn_like_args, .like = __VA_ARGS__))
#define dnn_full_like(...) DNN_CAT(dnn_full_like_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_full_like_missing_(like, value)
#define dnn_full_like_given_(like_, ...) \
    dnn_full_like_with(DNN_ARGS(dnn_full_like_args, .like = like_, .value = __VA_ARGS__))
#define dnn_rand_like(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_rand_like_with(DNN_ARGS(dnn_rand_like_args, .like = __VA_ARGS__))
#define dnn_randn_like(...)    \
    DNN_NEEDS_ONE(__VA_ARGS__) \
    dnn_randn_like_with(DNN_ARGS(dnn_rand_like_args, .like = __VA_ARGS__))
DNN_API dnn_tensor *dnn_empty_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_zeros_like_with(dnn_like_args args);
DNN_API dnn_tensor *dnn_ones_like_with(dnn_like_args args);
typedef struct dnn_full_like_args {
    dnn_tensor *like;
    double value;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = that of like */
    const char *device; /* NULL = that of like */
    bool requires_grad;
} dnn_full_like_args;
DNN_API dnn_tensor *dnn_full_like_with(dnn_full_like_args args);
typedef struct dnn_rand_like_args {
    dnn_tensor *like;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = that of like */
    const char *device; /* NULL = that of like */
    bool requires_grad;
    dnn_generator *generator; /* as in dnn_rand_args */
} dnn_rand_like_args;
DNN_API dnn_tensor *dnn_rand_like_with(dnn_rand_like_args args);
DNN_API dnn_tensor *dnn_randn_like_with(dnn_rand_like_args args);

typedef struct dnn_data_args {
    const void *data; /* row-major elements of dtype */
    dnn_shape shape;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
} dnn_data_args;
/* A copy of C data: dnn_from_data(values, DNN_SHAPE(2, 3), .dtype = DNN_T_F64).
 * Dtype   A. Grad: none.
 * Fails   as dnn_zeros; data NULL with elements to copy; a bool byte that is not 0 or 1. */
#define dnn_from_data(...) DNN_CAT(dnn_from_data_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_from_data_missing_(data, shape)
#define dnn_from_data_given_(data_, ...) \
    dnn_from_data_with(DNN_ARGS(dnn_data_args, .data = data_, .shape = __VA_ARGS__))
DNN_API dnn_tensor *dnn_from_data_with(dnn_data_args args);
/* A tensor of the dtype and shape with the numbers that follow, row-major, on the default device:
 *     dnn_values(DNN_T_F32, DNN_SHAPE(2, 3), 1, 2, 3, 4, 5, 6)
 * Dtype   A.
 * Fails   as dnn_zeros; another number of values than of elements (both are named); a value that
 *         the dtype cannot hold. An i64 beyond 2^53 is rounded: use dnn_from_data. */
DNN_API dnn_tensor *dnn_values_with(dnn_dtype dtype, dnn_shape shape, const double *values,
                                    int64_t n);
#ifndef __cplusplus
#define dnn_values(dtype_, shape_, ...)                            \
    dnn_values_with(dtype_, shape_, (const double[]){__VA_ARGS__}, \
                    (int64_t)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))
#endif
/* A tensor over memory of the program, on the device cpu, without a copy; dtype has no default. The
 * program keeps the memory valid until release(ctx) is called: once, when the last tensor over it
 * is freed, or before a failed call returns. release may be NULL.
 * Fails   as dnn_from_data; data is not aligned to its element.
 * Threads: any thread calls release. */
DNN_API dnn_tensor *dnn_from_buffer(void *data, dnn_shape shape, dnn_dtype dtype,
                                    void (*release)(void *ctx), void *ctx);

typedef struct dnn_scalar_args {
    double value;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
} dnn_scalar_args;
/* A rank-0 tensor: dnn_scalar(0.5), dnn_scalar(3, .dtype = DNN_T_I64). A. Grad: none. */
#define dnn_scalar(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_scalar_with(DNN_ARGS(dnn_scalar_args, .value = __VA_ARGS__))
DNN_API dnn_tensor *dnn_scalar_with(dnn_scalar_args args);

typedef struct dnn_arange_args {
    DNN_BY_NAME;
    double start;       /* 0 if not named */
    double end;         /* not included */
    double step;        /* 0 = 1 */
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
} dnn_arange_args;
/* [n] = start, start + step, ... before end: n = ceil((end - start)/step). start = end: empty.
 *     dnn_arange(.end = 10), dnn_arange(.start = 1, .end = 4.1, .step = 0.1, .dtype = DNN_T_F64)
 * Dtype   N; 0 = f32 (differs: PyTorch gives i64 for whole numbers).
 * Fails   a step of the wrong sign, a number that is not finite or that an integer dtype cannot
 *         hold. */
#define dnn_arange(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_arange_with(DNN_ARGS(dnn_arange_args, __VA_ARGS__))
DNN_API dnn_tensor *dnn_arange_with(dnn_arange_args args);

typedef struct dnn_linspace_args {
    double start, end;
    int64_t n;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
} dnn_linspace_args;
/* [n] numbers from start to end, both included (n = 1: start). logspace: 10 to the power of them.
 *     dnn_linspace(0, 1, 11, .dtype = DNN_T_F64)
 * Dtype   F; 0 = f32. Fails: n < 0. */
#define dnn_linspace(...) DNN_CAT(dnn_linspace_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_linspace_missing_(start, end, n)
#define dnn_linspace_given_(start_, end_, ...) \
    dnn_linspace_with(DNN_ARGS(dnn_linspace_args, .start = start_, .end = end_, .n = __VA_ARGS__))
#define dnn_logspace(...) DNN_CAT(dnn_logspace_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_logspace_missing_(start, end, n)
#define dnn_logspace_given_(start_, end_, ...) \
    dnn_logspace_with(DNN_ARGS(dnn_linspace_args, .start = start_, .end = end_, .n = __VA_ARGS__))
DNN_API dnn_tensor *dnn_linspace_with(dnn_linspace_args args);
DNN_API dnn_tensor *dnn_logspace_with(dnn_linspace_args args);

typedef struct dnn_eye_args {
    int64_t n;
    DNN_BY_NAME;
    int64_t m;          /* columns; 0 = n */
    dnn_dtype dtype;    /* 0 = f32 */
    const char *device; /* NULL = the default device */
    bool requires_grad;
} dnn_eye_args;
/* [n,m] with ones on the main diagonal, else zeros: dnn_eye(3), dnn_eye(3, .m = 4). A. */
#define dnn_eye(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_eye_with(DNN_ARGS(dnn_eye_args, .n = __VA_ARGS__))
DNN_API dnn_tensor *dnn_eye_with(dnn_eye_args args);

/* ---- random numbers ----
 * Fill the destination, in place, from the generator of the thread (DNN_GENERATOR), or else the
 * default generator. Philox4x32-10 (Salmon et al. 2011):
 * the same numbers on every backend and for any number of threads (normal: within rounding);
 * differs from PyTorch's. Arguments must be finite. */

/* uniform: low + (high - low) u, u in [0,1); F, low <= high. normal: mean + std z; F, std >= 0.
 * bernoulli: 1 with probability p, else 0; F and bool, p in [0,1]. */
DNN_API dnn_tensor *dnn_uniform_(dnn_tensor *target, double low, double high);
DNN_API dnn_tensor *dnn_normal_(dnn_tensor *target, double mean, double std);
DNN_API dnn_tensor *dnn_bernoulli_(dnn_tensor *target, double p);

#ifdef __cplusplus
}

inline dnn_tensor *dnn_values_of(dnn_dtype dtype, dnn_shape shape,
                                 std::initializer_list<double> values)
{
    return dnn_values_with(dtype, shape, values.begin(), static_cast<int64_t>(values.size()));
}
#define dnn_values(dtype_, shape_, ...) dnn_values_of((dtype_), (shape_), {__VA_ARGS__})
#endif
#endif
