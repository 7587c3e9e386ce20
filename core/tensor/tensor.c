/* tensor.c - tensor handles: makes them, counts their references and answers questions about them.
 * It knows storages and scopes. Layers above handle views, elements and gradients. */
#include <stddef.h>
#include <string.h>
#include "tensor_impl.h"

int64_t dnn_live_tensors(void)
{
    return dnn__count_sum(DNN__COUNT_TENSORS);
}

/* ---- making and freeing ---- */

static void destroy_tensor(dnn_object *object);
static const dnn__kind tensor_kind = {.name = "tensor", .destroy = destroy_tensor};

/* Makes a handle that the innermost scope owns. It takes over the references to storage and
 * version. */
static dnn_tensor *new_handle(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim,
                              const int64_t *stride, int64_t offset, dnn__storage *storage,
                              dnn__version *version)
{
    dnn_tensor *t = dnn__object_new(&tensor_kind, sizeof *t, op);

    if (t == NULL) {
        dnn__storage_release(storage);
        dnn__version_release(version);
        return NULL;
    }
    t->dtype = dtype;
    t->ndim = ndim;
    t->is_view = t->mapped_copy = t->mapped_write = t->is_parameter = t->fresh = false;
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
    dnn__count_here(DNN__COUNT_TENSORS, 1);
    return t;
}

/* In a dry run the storage has no elements. */
static dnn_status new_storage(const char *op, dnn__device *device, uint64_t bytes,
                              dnn__storage **out)
{
    return DNN__LIKELY(dnn__dry_run == 0) ? dnn__storage_new(device, bytes, op, out)
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

dnn_tensor *dnn__tensor_alias(dnn_tensor *t, int ndim, const int64_t *dim, const int64_t *stride,
                              int64_t offset)
{
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

/* Only the handle reaches the gradient of this leaf. If it stayed, a gradient that has a graph of
 * its own (create_graph) would keep this leaf alive in a cycle. */
void dnn__leaf_drop(dnn_tensor *t)
{
    dnn__history *leaf = (dnn__history *)(void *)t->leaf;

    t->leaf = NULL;
    if (!t->lent) {
        leaf->type->orphan(leaf);
    }
    dnn__history_release(leaf);
}

static void destroy_tensor(dnn_object *object)
{
    dnn_tensor *t = (dnn_tensor *)(void *)object;

    if (t->leaf != NULL) {
        dnn__leaf_drop(t);
    }
    if (t->node != NULL) {
        dnn__history_release((dnn__history *)(void *)t->node);
    }
    if (t->mapped_copy) {
        dnn__free(t->mapped);
    }
    atomic_fetch_sub_explicit(&t->storage->handles, 1, memory_order_relaxed);
    dnn__storage_release(t->storage);
    dnn__version_release(t->version);
    dnn__object_free(t, sizeof *t);
    dnn__count_here(DNN__COUNT_TENSORS, -1);
}

/* ---- queries ---- */

int dnn_ndim(const dnn_tensor *t)
{
    return dnn__usable(t) ? t->ndim : 0;
}

static int axis_or_none(const dnn_tensor *t, int dim)
{
    if (!dnn__usable(t) || dim < -t->ndim || dim >= t->ndim) {
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
    return dnn__usable(t) ? dnn__numel(t) : 0;
}

dnn_shape dnn_shape_of(const dnn_tensor *t)
{
    dnn_shape shape = {.ndim = 0};

    if (dnn__usable(t)) {
        shape.ndim = t->ndim;
        for (int i = 0; i < t->ndim; i++) {
            shape.dim[i] = t->dim[i];
        }
    }
    return shape;
}

dnn_shape dnn__shape(const dnn__desc *desc)
{
    dnn_shape shape = {.ndim = desc->ndim};

    for (int i = 0; i < desc->ndim; i++) {
        shape.dim[i] = desc->dim[i];
    }
    return shape;
}

dnn_dtype dnn_dtype_of(const dnn_tensor *t)
{
    return dnn__usable(t) ? t->dtype : 0;
}

const char *dnn_device_of(const dnn_tensor *t)
{
    return dnn__usable(t) ? dnn__dev(dnn__device_of(t))->name : NULL;
}

bool dnn_is_contiguous(const dnn_tensor *t)
{
    return dnn__usable(t) && dnn__dense(t);
}

bool dnn_requires_grad(const dnn_tensor *t)
{
    return dnn__usable(t) && dnn__tracked(t);
}

bool dnn_is_leaf(const dnn_tensor *t)
{
    return dnn__usable(t) && t->node == NULL;
}
