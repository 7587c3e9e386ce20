/* relayout.c - converts private layouts: reordered copies, and back to strides when a view or
 * the bytes are needed. The reorder kernels of the plugin that owns the layout move the
 * elements. */
#include <pthread.h>
#include <string.h>
#include "layout.h"
#include "reenter.h"
#include "relayout.h"
#include "counters.h"
#include "dispatch_state.h"

/* One conversion at a time. Recursive: an explain callback may read a tensor. */
static pthread_mutex_t converting = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

dnn_status dnn__can_reorder(const dnn__desc *desc, dnn__device *device, uint32_t from,
                            uint64_t bytes, uint32_t to, uint64_t *result)
{
    dnn__storage storage = {.device = device, .bytes = bytes, .layout = from};
    dnn_tensor t = {.dtype = desc->dtype, .ndim = desc->ndim, .storage = &storage};
    dnn_tensor *in = &t, *out = NULL;
    dnn__request request = {.op = DNN_OP_reorder,
                            .n_in = 1,
                            .n_out = 1,
                            .in = &in,
                            .out = &out,
                            .want = 1,
                            .plan_only = true,
                            .layout = to,
                            .bytes = result};
    dnn_explain_fn explain = dnn__dispatch_self.explain;
    dnn_status status;

    memcpy(t.dim, desc->dim, sizeof t.dim);
    dnn__dense_strides(t.ndim, t.dim, t.stride);
    dnn__dispatch_self.explain = NULL; /* the program did not make this call */
    status = dnn__reenter.dispatch(&request);
    dnn__dispatch_self.explain = explain;
    return status;
}

static dnn_status reorder_once(dnn_tensor *t, uint32_t layout, dnn_tensor **out)
{
    dnn_tensor *made = NULL;
    dnn__request request = {.op = DNN_OP_reorder,
                            .n_in = 1,
                            .n_out = 1,
                            .in = &t,
                            .out = &made,
                            .want = 1,
                            .layout = layout};

    DNN_TRY(dnn__reenter.dispatch(&request));
    if (dnn__dry_run == 0) {
        atomic_fetch_add_explicit(&dnn__count.reorders, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&dnn__count.reorder_bytes, (int64_t)made->storage->bytes,
                                  memory_order_relaxed);
    }
    *out = made;
    return DNN_OK;
}

/* From one private layout to another through strides: every family has the two reorders to and
 * from strides. */
dnn_status dnn__reorder(dnn_tensor *t, uint32_t layout, dnn_tensor **out)
{
    if (layout != 0 && dnn__layout_of(t->storage) != 0) {
        DNN_TRY(reorder_once(t, 0, &t));
    }
    return reorder_once(t, layout, out);
}

static dnn_status convert(dnn_tensor *t, bool alone)
{
    dnn_tensor *strided;

    if (dnn__layout_of(t->storage) == 0) { /* another thread has converted it */
        return DNN_OK;
    }
    DNN_TRY(reorder_once(t, 0, &strided));
    if (!alone) {
        dnn__layouts_lock();
    }
    dnn__storage_exchange(t->storage, strided->storage);
    if (!alone) {
        dnn__layouts_unlock();
    }
    dnn_release(strided); /* frees the old block too, in stream order */
    return DNN_OK;
}

dnn_status dnn__make_strided_slow(dnn_tensor *t)
{
    bool alone = dnn__dry_run > 0 || atomic_load(&t->storage->handles) == 1;
    dnn_status status;

    /* Under the layouts' lock, only a tensor that this thread made and nobody else knows can be
     * converted. */
    if (dnn__dispatch_self.layouts_held > 0) {
        return alone
                   ? convert(t, true)
                   : dnn__fail(DNN_E_INTERNAL,
                               "the layout %s of a tensor %s was to be changed while it is in use",
                               dnn__layout_name(dnn__layout_of(t->storage)),
                               dnn__shape_text(t->ndim, t->dim));
    }
    pthread_mutex_lock(&converting);
    status = convert(t, false);
    pthread_mutex_unlock(&converting);
    return status;
}
