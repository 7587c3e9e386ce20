/* tensor.h - the tensor: a reference-counted view (dims, strides, offset, dtype) of storage.
 *
 * This header has queries, reading and writing; ops.h has the operators. A tensor that a function
 * returns belongs to the innermost scope of the thread (object.h). A function that returns a
 * dnn_status takes the pending error first. Strides are in elements, sizes of buffers in bytes.
 *
 * Threads: any thread may use a tensor that another one made. Several threads may read, retain and
 * release one at once; dnn_to_list and the functions that format a tensor read it. One thread at a
 * time may change it: in place, its gradient, its mapping. Any thread may call the functions
 * without a tensor (dtypes, live tensors and bytes). */
#ifndef DNN_TENSOR_H
#define DNN_TENSOR_H
#include "dnn/object.h"
#ifdef __cplusplus
extern "C" {
#endif

#define DNN_MAX_DIMS 8

/* One DNN_T_ bit: DNN_T_F32 ... DNN_T_BOOL. In an option 0 means the default. */
typedef uint32_t dnn_dtype;

/* Rank and sizes. DNN_SHAPE(2, 3) is [2,3]; DNN_SCALAR is rank 0. */
typedef struct dnn_shape {
    DNN_BY_NAME; /* so that dnn_ones(3, 4) does not pass for a shape */
    int64_t ndim;
    int64_t dim[DNN_MAX_DIMS];
} dnn_shape;
#ifndef __cplusplus
#define DNN_SHAPE(...)                                                                  \
    ((dnn_shape){.ndim = (int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
                 .dim = {__VA_ARGS__}})
#define DNN_SCALAR ((dnn_shape){.ndim = 0})
#endif

/* A list of axes, DNN_DIMS(0, 2) or DNN_DIMS(-1). For reductions an empty list means all axes. */
typedef struct dnn_dims {
    DNN_BY_NAME;
    int32_t n;
    int32_t dim[DNN_MAX_DIMS];
} dnn_dims;
#ifndef __cplusplus
#define DNN_DIMS(...)                                                               \
    ((dnn_dims){.n = (int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), \
                .dim = {__VA_ARGS__}})
#endif

/* A list of tensors: DNN_TENSORS(w, b); in C++ its array ends with the full expression. A list that
 * a function returns belongs to the scope, as its tensors do; where it fails, n is 0 and item NULL.
 */
typedef struct dnn_tensor_list {
    DNN_BY_NAME;
    int64_t n;
    dnn_tensor *const *item;
    const char *const *name; /* [n] for messages: "fc1.weight"; NULL: they have no names */
} dnn_tensor_list;
#ifndef __cplusplus
#define DNN_TENSORS(...)                                                              \
    ((dnn_tensor_list){                                                               \
        .n = (int64_t)(sizeof((dnn_tensor *[]){__VA_ARGS__}) / sizeof(dnn_tensor *)), \
        .item = (dnn_tensor *[]){__VA_ARGS__}})
#endif

/* ---- properties: all return 0, NULL or false if t is NULL ---- */
DNN_API int dnn_ndim(const dnn_tensor *t);
/* Size and stride (in elements) of an axis. Negative dims count from the end; 0 if out of range. */
DNN_API int64_t dnn_size(const dnn_tensor *t, int dim);
DNN_API int64_t dnn_stride(const dnn_tensor *t, int dim);
DNN_API int64_t dnn_numel(const dnn_tensor *t);
DNN_API dnn_shape dnn_shape_of(const dnn_tensor *t);
DNN_API dnn_dtype dnn_dtype_of(const dnn_tensor *t);
/* "cpu", "cuda:1"; valid until dnn_shutdown. */
DNN_API const char *dnn_device_of(const dnn_tensor *t);
DNN_API bool dnn_is_contiguous(const dnn_tensor *t);
DNN_API bool dnn_requires_grad(const dnn_tensor *t); /* as PyTorch: also results of such tensors */
DNN_API bool dnn_is_leaf(const dnn_tensor *t);       /* not the result of a recorded operator */
DNN_API const char *dnn_dtype_name(dnn_dtype dtype); /* "f32"; "?" if it is no dtype */
DNN_API size_t dnn_dtype_size(dnn_dtype dtype);      /* bytes of an element; 0 if it is no dtype */
DNN_API dnn_dtype dnn_dtype_named(const char *name); /* 0 if no dtype has that name */

/* Return the number of tensors alive in the process, and the bytes of storage on a device ("cpu";
 * NULL = all devices). Both are 0 after dnn_shutdown if nothing leaked. */
DNN_API int64_t dnn_live_tensors(void);
DNN_API int64_t dnn_live_bytes(const char *device);

/* ---- reading and writing elements from C ---- */
/* Copies all elements, row-major, into buf. bytes must be numel * dtype size. Waits for the device.
 * Fails   DNN_E_INVALID: t NULL, buf NULL, another size (both numbers are named); DNN_E_NOMEM;
 *         DNN_E_DEVICE. */
DNN_API DNN_CHECKED dnn_status dnn_read(dnn_tensor *t, void *buf, size_t bytes);
/* Copies buf into all elements. An in-place change of t: the rules of in-place operators hold
 * (ops.h).
 * Fails   as dnn_read, and as in-place operators. */
DNN_API DNN_CHECKED dnn_status dnn_write(dnn_tensor *t, const void *buf, size_t bytes);
/* Returns the one element of t as a double (torch.Tensor.item); an i64 beyond 2^53 is rounded.
 * Waits for the device.
 * Fails   NaN and a pending error: DNN_E_INVALID: t has not exactly one element; DNN_E_DEVICE. */
DNN_API double dnn_value(dnn_tensor *t);
/* The same as an exact int64_t, 0 on failure; a float that is no whole number of 64 bits is
 * DNN_E_INVALID. */
DNN_API int64_t dnn_value_i64(dnn_tensor *t);
/* Stores all elements as doubles, row-major; n must be numel. Fails as dnn_read. */
DNN_API DNN_CHECKED dnn_status dnn_to_list(dnn_tensor *t, double *out, int64_t n);

typedef enum dnn_map_access {
    DNN_MAP_READ = 1,
    DNN_MAP_WRITE = 2,
    DNN_MAP_READ_WRITE = 3
} dnn_map_access;
/* Stores in *data a host pointer to the elements of t, row-major: the storage itself if the host
 * can access it and t is contiguous, else a copy. Waits for the device. dnn_unmap ends the mapping:
 * with DNN_MAP_WRITE it writes a copy back, and counts as an in-place change of t. Each map needs
 * one unmap; a tensor has one mapping at a time. The pointer belongs to t.
 * Fails   DNN_E_INVALID: mapped already, other bits in access, a change that in-place operators
 *         refuse; DNN_E_NOMEM; DNN_E_DEVICE. */
DNN_API DNN_CHECKED dnn_status dnn_map(dnn_tensor *t, dnn_map_access access, void **data);
DNN_API DNN_CHECKED dnn_status dnn_unmap(dnn_tensor *t);

typedef enum dnn_sci_mode { DNN_SCI_AUTO = 0, DNN_SCI_ON = 1, DNN_SCI_OFF = 2 } dnn_sci_mode;
typedef struct dnn_tensor_format_args {
    dnn_tensor *t;
    DNN_BY_NAME;
    int precision;      /* digits after the point, 1 to 100; 0 = 4 */
    int64_t threshold;  /* a tensor of more elements is summarised with "..."; 0 = 1000 */
    int64_t edge_items; /* elements of each end of an axis in a summary; 0 = 3 */
    int64_t line_width; /* columns; 0 = 80 */
    dnn_sci_mode sci_mode;
} dnn_tensor_format_args;
/* Returns t as PyTorch 2.15 prints it, a text of the scope: dnn_tensor_format(t), or with the
 * options of torch.set_printoptions dnn_tensor_format(t, .precision = 2). Waits for the device.
 * Differences on purpose: dtype=torch.float64 is dtype=f64. grad_fn is the name of libdnn's row:
 * where one row serves several functions of PyTorch, or several rows compute one, the name is
 * another (docs/printing.md lists them: transpose is PermuteBackward0, mse_loss MeanBackward0).
 * dnn_print prints the text.
 * Fails   NULL and a pending error: an option out of its range; as dnn_read. */
#define dnn_tensor_format(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) \
    dnn_tensor_format_with(DNN_ARGS(dnn_tensor_format_args, .t = __VA_ARGS__))
DNN_API const char *dnn_tensor_format_with(dnn_tensor_format_args args);
/* Returns "[tensor(1.), tensor(2.)]", as Python prints a list, a text of the scope. Fails as
 * dnn_tensor_format. */
DNN_API const char *dnn_tensor_list_format(dnn_tensor_list list);

#ifdef __cplusplus
}

#include <initializer_list>
inline dnn_shape dnn_shape_of(std::initializer_list<int64_t> sizes)
{
    dnn_shape shape = dnn_shape();

    for (int64_t size : sizes) {
        if (shape.ndim < DNN_MAX_DIMS) {
            shape.dim[shape.ndim] = size;
        }
        shape.ndim++; /* more than DNN_MAX_DIMS: the function that gets the shape refuses it */
    }
    return shape;
}
inline dnn_dims dnn_dims_of(std::initializer_list<int32_t> axes)
{
    dnn_dims dims = dnn_dims();

    for (int32_t axis : axes) {
        if (dims.n < DNN_MAX_DIMS) {
            dims.dim[dims.n] = axis;
        }
        dims.n++;
    }
    return dims;
}
inline dnn_tensor_list dnn_tensors_of(std::initializer_list<dnn_tensor *> tensors)
{
    dnn_tensor_list list = dnn_tensor_list();

    list.n = static_cast<int64_t>(tensors.size());
    list.item = tensors.begin();
    return list;
}
#define DNN_SHAPE(...) (dnn_shape_of({__VA_ARGS__}))
#define DNN_SCALAR (dnn_shape())
#define DNN_DIMS(...) (dnn_dims_of({__VA_ARGS__}))
#define DNN_TENSORS(...) (dnn_tensors_of({__VA_ARGS__}))
#endif
#endif
