/* tensor.c - tensor handles: made, counted, asked, read and written from C. Elements move through
 * dispatch's copy row and the device; nothing is computed here. */
#include <string.h>
#include "plugin.h"

static _Atomic int64_t live_tensors;

int64_t dnn_live_tensors(void)
{
    return atomic_load(&live_tensors);
}

/* ---- making and freeing ---- */

/* A handle that the innermost scope owns; it takes over the references to storage and version. */
static dnn_tensor *new_handle(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim,
                              const int64_t *stride, int64_t offset, dnn__storage *storage,
                              dnn__version *version)
{
    dnn_tensor *t = NULL;
    dnn_status status = dnn__thread_register();

    if (status == DNN_OK) {
        t = dnn__slab_alloc(sizeof *t);
        if (t == NULL) {
            status = dnn__nomem(op, sizeof *t);
        }
    }
    if (status != DNN_OK) {
        dnn__storage_release(storage);
        dnn__version_release(version);
        return dnn__null(status);
    }
    atomic_init(&t->refs, 1);
    t->dtype = dtype;
    t->ndim = ndim;
    t->is_view = t->mapped_copy = t->mapped_write = t->fresh = false;
    t->offset = offset;
    for (int i = 0; i < ndim; i++) {
        t->dim[i] = dim[i];
        t->stride[i] = stride[i];
    }
    t->storage = storage;
    t->version = version;
    t->lent = false;
    t->leaf = NULL;
    t->node = NULL;
    t->node_out = 0;
    t->mapped = NULL;
    atomic_fetch_add_explicit(&storage->handles, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&live_tensors, 1, memory_order_relaxed);
    dnn__scope_adopt(t);
    return t;
}

/* In a dry run there are no elements. */
static dnn_status new_storage(const char *op, dnn__device *device, uint64_t bytes,
                              dnn__storage **out)
{
    return DNN__LIKELY(dnn__self.dry == 0) ? dnn__storage_new(device, bytes, op, out)
                                           : dnn__storage_bare(device, bytes, op, out);
}

dnn_tensor *dnn__tensor_new(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim,
                            dnn__device *device)
{
    dnn__storage *storage;
    dnn__version *version;
    int64_t stride[DNN_MAX_DIMS];
    size_t bytes;
    dnn_status status = dnn__check_shape(op, dtype, ndim, dim, &bytes);

    if (status == DNN_OK) {
        status = new_storage(op, device, bytes, &storage);
    }
    if (status != DNN_OK) {
        return dnn__null(status);
    }
    version = dnn__version_new();
    if (version == NULL) {
        dnn__storage_release(storage);
        return dnn__null(dnn__nomem(op, sizeof *version));
    }
    dnn__dense_strides(ndim, dim, stride);
    return new_handle(op, dtype, ndim, dim, stride, 0, storage, version);
}

dnn_tensor *dnn__tensor_over(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim,
                             const int64_t *stride, int64_t offset, dnn__storage *storage,
                             dnn__version *version)
{
    dnn__storage_retain(storage);
    if (version == NULL) {
        version = dnn__version_new();
        if (version == NULL) {
            dnn__storage_release(storage);
            return dnn__null(dnn__nomem(op, sizeof *version));
        }
    } else {
        atomic_fetch_add_explicit(&version->refs, 1, memory_order_relaxed);
    }
    return new_handle(op, dtype, ndim, dim, stride, offset, storage, version);
}

dnn_tensor *dnn__tensor_private(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim,
                                dnn__device *device, uint32_t layout, uint64_t bytes)
{
    int64_t stride[DNN_MAX_DIMS];
    dnn__storage *storage;
    dnn_tensor *t;
    dnn_status status = new_storage(op, device, bytes, &storage);

    if (status != DNN_OK) {
        return dnn__null(status);
    }
    atomic_store_explicit(&storage->layout, layout, memory_order_relaxed);
    dnn__dense_strides(ndim, dim, stride);
    t = dnn__tensor_over(op, dtype, ndim, dim, stride, 0, storage, NULL);
    dnn__storage_release(storage);
    return t;
}

/* Is the view t itself? */
static bool same_view(const dnn_tensor *t, int ndim, const int64_t *dim, const int64_t *stride,
                      int64_t offset)
{
    size_t bytes = sizeof(int64_t) * (size_t)ndim;

    return ndim == t->ndim && offset == t->offset && memcmp(dim, t->dim, bytes) == 0 &&
           memcmp(stride, t->stride, bytes) == 0;
}

dnn_tensor *dnn__tensor_alias(dnn_tensor *t, int ndim, const int64_t *dim, const int64_t *stride,
                              int64_t offset)
{
    if (!same_view(t, ndim, dim, stride, offset)) {
        dnn_status status = dnn__make_strided(t);

        if (status != DNN_OK) {
            return dnn__null(status);
        }
    }
    return dnn__tensor_over("view", t->dtype, ndim, dim, stride, offset, t->storage, t->version);
}

dnn_tensor *dnn__scalar(double value, dnn_dtype dtype, dnn__device *device)
{
    dnn_tensor *t = dnn__tensor_new("scalar", dtype, 0, NULL, device);
    uint64_t element = 0;
    dnn_status status;

    if (t == NULL) {
        return NULL;
    }
    dnn__store_double(dtype, &element, value);
    if (dnn__dev(device)->api == NULL && t->storage->data != NULL) {
        memcpy(t->storage->data, &element, dnn__item_size(dtype));
        return t;
    }
    status = dnn__storage_write(t->storage, 0, &element, dnn__item_size(dtype));
    return status == DNN_OK ? t : dnn__null(status);
}

dnn_tensor *dnn__scalar_i64(int64_t value, dnn__device *device)
{
    dnn_tensor *t = dnn__tensor_new("scalar", DNN_T_I64, 0, NULL, device);
    dnn_status status;

    if (t == NULL) {
        return NULL;
    }
    status = dnn__storage_write(t->storage, 0, &value, sizeof value);
    return status == DNN_OK ? t : dnn__null(status);
}

dnn_tensor *dnn_retain(dnn_tensor *t)
{
    if (t != NULL) {
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    }
    return t;
}

static void free_tensor(dnn_tensor *t)
{
    dnn__scope_leave(t); /* released ahead of its scope */
    if (t->leaf != NULL) {
        dnn__leaf_drop(t);
    }
    if (t->node != NULL) {
        dnn__node_release(t->node);
    }
    if (t->mapped_copy) {
        dnn__free(t->mapped);
    }
    atomic_fetch_sub_explicit(&t->storage->handles, 1, memory_order_relaxed);
    dnn__storage_release(t->storage);
    dnn__version_release(t->version);
    dnn__slab_free(t, sizeof *t);
    atomic_fetch_sub_explicit(&live_tensors, 1, memory_order_relaxed);
}

void dnn_release(dnn_tensor *t)
{
    if (t != NULL && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) {
        free_tensor(t);
    }
}

/* ---- facts ---- */

int dnn_ndim(const dnn_tensor *t)
{
    return t != NULL ? t->ndim : 0;
}

static int axis_or_none(const dnn_tensor *t, int dim)
{
    if (t == NULL || dim < -t->ndim || dim >= t->ndim) {
        return -1;
    }
    return dim < 0 ? dim + t->ndim : dim;
}

int64_t dnn_size(const dnn_tensor *t, int dim)
{
    int axis = axis_or_none(t, dim);

    return axis >= 0 ? t->dim[axis] : 0;
}

int64_t dnn_stride(const dnn_tensor *t, int dim)
{
    int axis = axis_or_none(t, dim);

    return axis >= 0 ? t->stride[axis] : 0;
}

int64_t dnn_numel(const dnn_tensor *t)
{
    return t != NULL ? dnn__numel(t) : 0;
}

dnn_shape dnn_shape_of(const dnn_tensor *t)
{
    dnn_shape shape = {0, {0}};

    if (t != NULL) {
        shape.ndim = t->ndim;
        for (int i = 0; i < t->ndim; i++) {
            shape.dim[i] = t->dim[i];
        }
    }
    return shape;
}

dnn_shape dnn__shape(const dnn__desc *desc)
{
    dnn_shape shape = {desc->ndim, {0}};

    for (int i = 0; i < desc->ndim; i++) {
        shape.dim[i] = desc->dim[i];
    }
    return shape;
}

dnn_dtype dnn_dtype_of(const dnn_tensor *t)
{
    return t != NULL ? t->dtype : 0;
}

const char *dnn_device_of(const dnn_tensor *t)
{
    return t != NULL ? dnn__dev(dnn__device_of(t))->name : NULL;
}

bool dnn_is_contiguous(const dnn_tensor *t)
{
    return t != NULL && dnn__dense(t);
}

bool dnn_requires_grad(const dnn_tensor *t)
{
    return t != NULL && dnn__tracked(t);
}

bool dnn_is_leaf(const dnn_tensor *t)
{
    return t != NULL && t->node == NULL;
}

/* ---- elements ---- */

static uint64_t byte_offset(const dnn_tensor *t)
{
    return (uint64_t)t->offset * dnn__item_size(t->dtype);
}

static dnn_status check_bytes(const char *op, const dnn_tensor *t, const void *buf, size_t bytes,
                              size_t *need)
{
    *need = (size_t)dnn__numel(t) * dnn__item_size(t->dtype);
    if (buf == NULL && *need > 0) {
        return dnn__fail(DNN_E_INVALID, "%s: buf is NULL", op);
    }
    if (bytes != *need) {
        return dnn__fail(DNN_E_INVALID, "%s: buf has %zu bytes, %s of %s has %zu", op, bytes,
                         dnn__shape_text(t->ndim, t->dim), dnn_dtype_name(t->dtype), *need);
    }
    return DNN_OK;
}

dnn_status dnn_read(dnn_tensor *t, void *buf, size_t bytes)
{
    dnn_status st = DNN_OK;
    size_t need;

    DNN_TRY(dnn__require(t, "dnn_read", "t"));
    DNN_TRY(check_bytes("dnn_read", t, buf, bytes, &need));
    DNN_TRY(dnn__make_strided(t));
    if (need == 0) {
        return DNN_OK;
    }
    DNN_NO_GRAD
    {
        dnn_tensor *dense = dnn__dense(t) ? t : dnn_contiguous(t);

        st = dense != NULL ? dnn__storage_read(dense->storage, byte_offset(dense), buf, bytes)
                           : dnn__take();
    }
    return st;
}

dnn_status dnn_write(dnn_tensor *t, const void *buf, size_t bytes)
{
    dnn_status st = DNN_OK;
    size_t need;

    DNN_TRY(dnn__require(t, "dnn_write", "t"));
    DNN_TRY(check_bytes("dnn_write", t, buf, bytes, &need));
    DNN_TRY(dnn__check_target("dnn_write", t, false));
    DNN_TRY(dnn__make_strided(t));
    if (need == 0) {
        return DNN_OK;
    }
    if (dnn__dense(t)) {
        DNN_TRY(dnn__storage_write(t->storage, byte_offset(t), buf, bytes));
        dnn__written(t);
        return DNN_OK;
    }
    DNN_NO_GRAD
    {
        dnn_tensor *dense =
            dnn__tensor_new("dnn_write", t->dtype, t->ndim, t->dim, dnn__device_of(t));

        st = dense != NULL ? dnn__storage_write(dense->storage, 0, buf, bytes) : dnn__take();
        if (st == DNN_OK && dnn_copy_(t, dense) == NULL) {
            st = dnn__take();
        }
    }
    return st;
}

/* The one element of t, as it lies in memory. */
static dnn_status read_one(const char *op, dnn_tensor *t, uint64_t *element)
{
    DNN_TRY(dnn__require(t, op, "t"));
    if (dnn__numel(t) != 1) {
        return dnn__fail(DNN_E_INVALID, "%s: t is %s and has %s elements, not 1", op,
                         dnn__shape_text(t->ndim, t->dim), dnn__number_text(dnn__numel(t)));
    }
    DNN_TRY(dnn__make_strided(t));
    return dnn__storage_read(t->storage, byte_offset(t), element, dnn__item_size(t->dtype));
}

dnn_status dnn_item(dnn_tensor *t, double *out)
{
    uint64_t element = 0;

    DNN_TRY(read_one("dnn_item", t, &element));
    if (out == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_item: out is NULL");
    }
    *out = dnn__load_double(t->dtype, &element);
    return DNN_OK;
}

dnn_status dnn_item_i64(dnn_tensor *t, int64_t *out)
{
    uint64_t element = 0;
    int64_t value;
    bool exact;

    DNN_TRY(read_one("dnn_item_i64", t, &element));
    value = dnn__load_i64(t->dtype, &element, &exact);
    if (!exact) {
        return dnn__fail(DNN_E_INVALID, "dnn_item_i64: %g is not a whole number of 64 bits",
                         dnn__load_double(t->dtype, &element));
    }
    if (out == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_item_i64: out is NULL");
    }
    *out = value;
    return DNN_OK;
}

dnn_status dnn_to_list(dnn_tensor *t, double *out, int64_t n)
{
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__require(t, "dnn_to_list", "t"));
    if (n != dnn__numel(t)) {
        return dnn__fail(DNN_E_INVALID, "dnn_to_list: out has %s places, t has %s elements",
                         dnn__number_text(n), dnn__number_text(dnn__numel(t)));
    }
    if (out == NULL && n > 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_to_list: out is NULL");
    }
    DNN_NO_GRAD
    {
        void *data = NULL;
        size_t item = dnn__item_size(t->dtype);

        st = dnn_map(t, DNN_MAP_READ, &data);
        for (int64_t i = 0; st == DNN_OK && i < n; i++) {
            out[i] = dnn__load_double(t->dtype, (const char *)data + (size_t)i * item);
        }
        if (st == DNN_OK) {
            st = dnn_unmap(t);
        }
    }
    return st;
}

/* ---- mapping ---- */

dnn_status dnn_map(dnn_tensor *t, int access, void **data)
{
    size_t bytes;
    void *copy;
    dnn_status st;

    DNN_TRY(dnn__require(t, "dnn_map", "t"));
    DNN_TRY(data != NULL ? DNN_OK : dnn__fail(DNN_E_INVALID, "dnn_map: data is NULL"));
    if (access < DNN_MAP_READ || access > (DNN_MAP_READ | DNN_MAP_WRITE)) {
        return dnn__fail(DNN_E_INVALID, "dnn_map: access is %d, not of DNN_MAP_READ, DNN_MAP_WRITE",
                         access);
    }
    if (t->mapped != NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_map: t is mapped already; dnn_unmap it first");
    }
    if ((access & DNN_MAP_WRITE) != 0) {
        DNN_TRY(dnn__check_target("dnn_map", t, false));
    }
    DNN_TRY(dnn__make_strided(t));
    bytes = (size_t)dnn__numel(t) * dnn__item_size(t->dtype);
    if (dnn__dense(t) && (t->storage->mem & DNN_MEM_HOST) != 0 && bytes > 0) {
        DNN_TRY(dnn__device_sync(dnn__device_of(t)));
        t->mapped = (char *)t->storage->data + byte_offset(t);
        t->mapped_copy = false;
    } else {
        copy = dnn__alloc(bytes);
        if (copy == NULL) {
            return dnn__nomem("dnn_map", bytes);
        }
        st = dnn_read(t, copy, bytes);
        if (st != DNN_OK) {
            dnn__free(copy);
            return st;
        }
        t->mapped = copy;
        t->mapped_copy = true;
    }
    t->mapped_write = (access & DNN_MAP_WRITE) != 0;
    *data = t->mapped;
    return DNN_OK;
}

dnn_status dnn_unmap(dnn_tensor *t)
{
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__require(t, "dnn_unmap", "t"));
    if (t->mapped == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_unmap: t is not mapped");
    }
    if (t->mapped_copy) {
        if (t->mapped_write) {
            st = dnn_write(t, t->mapped, (size_t)dnn__numel(t) * dnn__item_size(t->dtype));
        }
        dnn__free(t->mapped);
    } else if (t->mapped_write) {
        dnn__written(t);
    }
    t->mapped = NULL;
    t->mapped_copy = t->mapped_write = false;
    return st;
}
