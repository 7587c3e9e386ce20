/* from_data.c - tensors from memory of the program: from_data and values copy it, from_buffer
 * borrows it. */
#include "ops_impl.h"

/* Kernels rely on a bool being 0 or 1. */
static dnn_status check_bools(const char *op, const void *data, int64_t n)
{
    const uint8_t *byte = data;

    for (int64_t i = 0; i < n; i++) {
        if (byte[i] > 1) {
            return dnn__fail(DNN_E_INVALID,
                             "%s: element %lld of data is %u, must be 0 or 1 for bool", op,
                             (long long)i, (unsigned)byte[i]);
        }
    }
    return DNN_OK;
}

dnn_tensor *dnn_from_data_with(dnn_data_args args)
{
    const dnn_create_args create = {.shape = args.shape,
                                    .dtype = args.dtype,
                                    .device = args.device,
                                    .requires_grad = args.requires_grad};
    dnn_tensor *t = dnn__make_empty("from_data", &create, DNN_T_F32);
    int64_t n = dnn_numel(t);
    dnn_status st = DNN_OK;

    if (t == NULL) {
        return NULL;
    }
    if (n > 0) {
        if (args.data == NULL) {
            st = dnn__fail(DNN_E_INVALID, "from_data: data is NULL, but %s has %lld elements",
                           dnn__dims_text(t), (long long)n);
        } else if (t->dtype == DNN_T_BOOL) {
            st = check_bools("from_data", args.data, n);
        }
        if (st == DNN_OK) {
            st = dnn__storage_write(t->storage, 0, args.data,
                                    (uint64_t)n * dnn__item_size(t->dtype));
        }
    }
    return dnn__finish(t, st == DNN_OK ? t : dnn__null(st), args.requires_grad);
}

static dnn_status store_values(dnn_tensor *t, const double *values)
{
    int64_t n = dnn__numel(t);
    size_t item = dnn__item_size(t->dtype);
    char *element = dnn__alloc((size_t)n * item);
    dnn_status st = DNN_OK;

    if (element == NULL) {
        return dnn__nomem("values", (size_t)n * item);
    }
    for (int64_t i = 0; i < n && st == DNN_OK; i++) {
        st = dnn__check_number("values", values[i], t->dtype);
        dnn__store_double(t->dtype, element + (size_t)i * item, values[i]);
    }
    if (st == DNN_OK && n > 0) {
        st = dnn__storage_write(t->storage, 0, element, (uint64_t)n * item);
    }
    dnn__free(element);
    return st;
}

dnn_tensor *dnn_values_with(dnn_dtype dtype, dnn_shape shape, const double *values, int64_t n)
{
    const dnn_create_args create = {.shape = shape, .dtype = dtype};
    dnn_tensor *t = dnn__make_empty("values", &create, DNN_T_F32);
    dnn_status st;

    if (t == NULL) {
        return NULL;
    }
    st = values == NULL || n != dnn__numel(t)
             ? dnn__fail(DNN_E_INVALID, "values: %lld numbers for a shape %s, which has %lld",
                         (long long)n, dnn__dims_text(t), (long long)dnn__numel(t))
             : store_values(t, values);
    return dnn__or_release(t, st == DNN_OK ? t : dnn__null(st));
}

static dnn_status check_buffer(const void *data, const dnn_shape *shape, dnn_dtype dtype,
                               size_t *bytes)
{
    dnn__device *cpu; /* dnn__device_for starts the library */

    DNN_TRY(dnn__pending());
    DNN_TRY(dnn__device_for("cpu", &cpu));
    if (!dnn__dtype_ok(dtype)) {
        return dnn__fail(DNN_E_INVALID, "from_buffer: dtype %u is none of DNN_T_F32 to DNN_T_BOOL",
                         (unsigned)dtype);
    }
    DNN_TRY(dnn__check_shape("from_buffer", dtype, shape->ndim, shape->dim, bytes));
    if (*bytes > 0 && data == NULL) {
        return dnn__fail(DNN_E_INVALID, "from_buffer: data is NULL, but %s has %zu bytes",
                         dnn__shape_text((int)shape->ndim, shape->dim), *bytes);
    }
    if ((uintptr_t)data % dnn__item_size(dtype) != 0) {
        return dnn__fail(DNN_E_INVALID, "from_buffer: data is aligned to %u bytes, %s needs %zu",
                         (unsigned)((uintptr_t)data & -(uintptr_t)data), dnn_dtype_name(dtype),
                         dnn__item_size(dtype));
    }
    return dtype == DNN_T_BOOL ? check_bools("from_buffer", data, (int64_t)*bytes) : DNN_OK;
}

/* The storage calls release(ctx) with its last reference; dnn__storage_borrow calls it where it
 * fails. So a failure after that only releases the storage. */
dnn_tensor *dnn_from_buffer(void *data, dnn_shape shape, dnn_dtype dtype,
                            void (*release)(void *ctx), void *ctx)
{
    dnn__storage *storage = NULL;
    int64_t stride[DNN_MAX_DIMS];
    size_t bytes = 0;
    dnn_status st = check_buffer(data, &shape, dtype, &bytes);
    dnn_tensor *t;

    if (st != DNN_OK) {
        if (release != NULL) {
            release(ctx);
        }
        return dnn__null(st);
    }
    st = dnn__storage_borrow(data, bytes, release, ctx, &storage);
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    dnn__dense_strides((int)shape.ndim, shape.dim, stride);
    t = dnn__tensor_over("from_buffer", dtype, (int)shape.ndim, shape.dim, stride, 0, storage,
                         NULL);
    dnn__storage_release(storage);
    return t;
}
