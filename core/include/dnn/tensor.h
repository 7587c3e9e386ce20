/* tensor.h - the tensor: a counted reference to storage plus a view of it (dims, strides, offset, dtype).
 *
 * What is here asks and moves; what computes is in ops.h. A tensor that a function returns belongs to the innermost scope of
 * the thread (status.h). Threads: a tensor may be handed from thread to thread, and read by several at once; changing
 * one (in place, its gradient, its counters of use) is for one thread at a time. */
#ifndef DNN_TENSOR_H
#define DNN_TENSOR_H
#include "dnn/status.h"
#ifdef __cplusplus
extern "C" {
#endif

#define DNN_MAX_DIMS 8

typedef struct dnn_tensor dnn_tensor;

/* One DNN_T_ bit: DNN_T_F32 ... DNN_T_BOOL. In an option 0 means the default. */
typedef uint32_t dnn_dtype;

/* Rank and sizes. DNN_SHAPE(2, 3) is [2,3]; DNN_SCALAR is rank 0. */
typedef struct dnn_shape {
    int64_t ndim;
    int64_t dim[DNN_MAX_DIMS];
} dnn_shape;
#define DNN_SHAPE(...) \
    ((dnn_shape){(int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define DNN_SCALAR ((dnn_shape){0, {0}})

/* A set of axes for reductions, DNN_DIMS(0, 2) or DNN_DIMS(-1); none named = all. */
typedef struct dnn_dims {
    int32_t n;
    int32_t dim[DNN_MAX_DIMS];
} dnn_dims;
#define DNN_DIMS(...) \
    ((dnn_dims){(int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), {__VA_ARGS__}})

/* A list of tensors, of optimizers and functions: DNN_TENSORS(w, b). */
typedef struct dnn_tensor_list {
    int64_t n;
    dnn_tensor *const *item;
} dnn_tensor_list;
#define DNN_TENSORS(...) \
    ((dnn_tensor_list){(int64_t)(sizeof((dnn_tensor *[]){__VA_ARGS__}) / sizeof(dnn_tensor *)), \
                       (dnn_tensor *[]){__VA_ARGS__}})

/* Literal zero where zero in an option would mean the default: .slope = DNN_ZERO. */
#define DNN_ZERO (-0.0)
#define DNN_ZERO_INT INT64_MIN

/* ---- facts ---- all return 0, NULL or false for NULL ---- */
DNN_API int dnn_ndim(const dnn_tensor *t);
DNN_API int64_t dnn_size(const dnn_tensor *t, int dim);   /* negative dims count from the end; 0 if out of range */
DNN_API int64_t dnn_stride(const dnn_tensor *t, int dim); /* in elements */
DNN_API int64_t dnn_numel(const dnn_tensor *t);
DNN_API dnn_shape dnn_shape_of(const dnn_tensor *t);
DNN_API dnn_dtype dnn_dtype_of(const dnn_tensor *t);
DNN_API const char *dnn_device_of(const dnn_tensor *t); /* "cpu", "cuda:1"; the text lives as long as the library */
DNN_API bool dnn_is_contiguous(const dnn_tensor *t);
DNN_API bool dnn_requires_grad(const dnn_tensor *t); /* wants a gradient, or comes from something that does */
DNN_API bool dnn_is_leaf(const dnn_tensor *t);       /* not the result of a recorded operator */
DNN_API const char *dnn_dtype_name(dnn_dtype dtype); /* "f32"; "?" if it is not one */
DNN_API size_t dnn_dtype_size(dnn_dtype dtype);      /* bytes of an element; 0 if it is not one */
DNN_API dnn_dtype dnn_dtype_named(const char *name); /* 0 if there is none of that name */

/* ---- references ---- */
/* Makes t the caller's as well, until dnn_release. Returns t. */
DNN_API dnn_tensor *dnn_retain(dnn_tensor *t);
/* Gives back one reference. NULL is allowed. A tensor that only its scope holds is freed at once and leaves the scope. */
DNN_API void dnn_release(dnn_tensor *t);
/* How many tensors live in the process, and how many bytes of storage on a device ("cpu"; NULL = all). Zero after
 * dnn_shutdown if nothing leaked. */
DNN_API int64_t dnn_live_tensors(void);
DNN_API int64_t dnn_live_bytes(const char *device);

/* ---- reading and writing elements from C ---- */
/* Copies all elements, row-major, into buf, which has exactly `bytes` bytes (numel * dtype size); waits for the device.
 * Fails   DNN_E_INVALID: t or buf NULL, another size (both numbers are named); DNN_E_NOMEM, DNN_E_DEVICE. */
DNN_API DNN_CHECKED dnn_status dnn_read(dnn_tensor *t, void *buf, size_t bytes);
/* The other way round: in place, so the rules of in-place operators hold (ops.h). */
DNN_API DNN_CHECKED dnn_status dnn_write(dnn_tensor *t, const void *buf, size_t bytes);
/* The one element of t as a double (i64 beyond 2^53 rounds). Takes a waiting error of this thread first.
 * Fails   DNN_E_INVALID if t has not exactly one element. *out is untouched then. */
DNN_API DNN_CHECKED dnn_status dnn_item(dnn_tensor *t, double *out);
DNN_API DNN_CHECKED dnn_status dnn_item_i64(dnn_tensor *t, int64_t *out); /* exact; floats must be integral */
/* All elements as doubles, row-major; n must be numel. */
DNN_API DNN_CHECKED dnn_status dnn_to_list(dnn_tensor *t, double *out, int64_t n);

enum { DNN_MAP_READ = 1, DNN_MAP_WRITE = 2 };
/* The bytes of a tensor for the host: its own memory where the host can reach it and t is contiguous, else a copy that
 * dnn_unmap writes back (with DNN_MAP_WRITE). One mapping of a tensor at a time; every map is followed by an unmap. */
DNN_API DNN_CHECKED dnn_status dnn_map(dnn_tensor *t, int access, void **data);
DNN_API DNN_CHECKED dnn_status dnn_unmap(dnn_tensor *t);

/* Writes t in PyTorch's form into text, at most `bytes` bytes with the final 0 (shortened with "..." where it is long);
 * returns the length that the whole text has, as snprintf; negative status on failure. */
DNN_API int64_t dnn_format(dnn_tensor *t, char *text, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
