/* tensor_impl.h - the members of a tensor: a counted view of a storage, with its history for
 * autograd. Private.
 *
 * Programs see dnn/tensor.h. A handle owns a reference to its storage and to its version. The
 * innermost scope of the thread that made the handle owns the handle. Nothing here knows dispatch,
 * plugins or the tape. */
#ifndef DNN__TENSOR_IMPL_H
#define DNN__TENSOR_IMPL_H
#include "memory.h"
#include "object.h"

/* The common head of a node and of a leaf (tape.h). A tensor holds a reference through it and needs
 * no other member. */
typedef struct dnn__history {
    _Atomic int32_t refs;
    const struct dnn__history_type *type;
} dnn__history;
typedef struct dnn__history_type {
    void (*destroy)(dnn__history *history); /* called when the last reference is released */
    /* Called when the tensor whose gradient the leaf holds is freed. NULL: nothing to do. */
    void (*orphan)(dnn__history *history);
} dnn__history_type;
typedef struct dnn__node dnn__node;
typedef struct dnn__leaf dnn__leaf;

struct dnn_tensor {
    dnn_object object;
    dnn_dtype dtype;
    int32_t ndim;
    bool is_view; /* made by a view operator */
    bool lent;    /* another handle of the program owns the leaf and its gradient */
    bool mapped_copy, mapped_write;
    bool is_parameter; /* of a module: its text says so */
    bool fresh;        /* made as the destination of an operator that has not written it yet */
    int64_t offset;    /* elements from the start of the storage */
    int64_t dim[DNN_MAX_DIMS], stride[DNN_MAX_DIMS];
    dnn__storage *storage;
    dnn__version *version;
    /* With node NULL: a leaf that requires a gradient. With a node: a non-leaf that retains its
     * gradient (dnn_retain_grad). */
    dnn__leaf *leaf;
    dnn__node *node; /* not NULL: this tensor is output node_out of a recorded operator */
    uint32_t node_out;
    void *mapped; /* the pointer that dnn_map returned */
};

/* Makes a dense tensor owned by the scope, with uninitialized elements. Returns NULL with a pending
 * error. `op` begins the message. */
dnn_tensor *dnn__tensor_new(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim,
                            dnn__device *device);
/* Makes a handle on a storage, which it retains. version NULL: a new one. Not recorded. */
dnn_tensor *dnn__tensor_over(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim,
                             const int64_t *stride, int64_t offset, dnn__storage *storage,
                             dnn__version *version);
/* Makes a handle on the same storage and version with another view. Not recorded. */
dnn_tensor *dnn__tensor_alias(dnn_tensor *t, int ndim, const int64_t *dim, const int64_t *stride,
                              int64_t offset);
/* Makes a dense tensor whose elements are in a private layout of `bytes` bytes. */
dnn_tensor *dnn__tensor_private(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim,
                                dnn__device *device, uint32_t layout, uint64_t bytes);
/* Makes a rank-0 tensor on the device with value cast to dtype. */
dnn_tensor *dnn__scalar(double value, dnn_dtype dtype, dnn__device *device);
dnn_tensor *dnn__scalar_i64(int64_t value, dnn__device *device);
/* Accepts NULL. */
static inline void dnn__history_release(dnn__history *history)
{
    if (history != NULL &&
        atomic_fetch_sub_explicit(&history->refs, 1, memory_order_acq_rel) == 1) {
        history->type->destroy(history);
    }
}
/* Removes the leaf of t and its gradient: t no longer is a leaf, or no longer retains its gradient.
 */
void dnn__leaf_drop(dnn_tensor *t);
static inline bool dnn__tracked(const dnn_tensor *t)
{
    return t->leaf != NULL || t->node != NULL;
}
static inline dnn__device *dnn__device_of(const dnn_tensor *t)
{
    return t->storage->device;
}
static inline bool dnn__dense(const dnn_tensor *t)
{
    return dnn__is_dense(t->ndim, t->dim, t->stride);
}
static inline int64_t dnn__numel(const dnn_tensor *t)
{
    return dnn__numel_of(t->ndim, t->dim);
}
dnn_shape dnn__shape(const dnn__desc *desc);

/* Returns the name of member i of a list, or its index, for messages: "parameter fc1.weight",
 * "parameter 3". */
static inline const char *dnn__member_text(dnn_tensor_list list, int64_t i)
{
    return list.name != NULL && list.name[i] != NULL ? list.name[i] : dnn__number_text(i);
}

/* ---- descriptions (desc.c) ---- */
/* Sets *desc from t; NULL gives ndim -1. Inline, because recording calls it for every operand. */
static inline void dnn__describe(dnn__desc *desc, const dnn_tensor *t)
{
    if (t == NULL) {
        desc->ndim = -1;
        desc->dtype = 0;
        return;
    }
    desc->dtype = t->dtype;
    desc->ndim = t->ndim;
    for (int i = 0; i < t->ndim; i++) {
        desc->dim[i] = t->dim[i];
    }
}
bool dnn__same_desc(const dnn__desc *desc, const dnn_tensor *t);

#endif
