/* layout.c - private layouts of storages: who owns one, reordered copies, and the way back to
 * strides once somebody needs a view or the bytes. Tensors and dispatch call it; the elements are
 * moved by the reorder kernels of the plugin that owns the layout, on the one road. */
#include <pthread.h>
#include <string.h>
#include "layout.h"
#include "plan.h"

/* Of layout, data and size together. One who waits to write goes before who comes to read: a thread
 * that holds it already does not come again. */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
/* Recursive: an explain callback may look at a tensor. */
static pthread_mutex_t converting = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void dnn__layouts_read(void)
{
    if (dnn__self.layouts_held++ == 0) {
        pthread_rwlock_rdlock(&lock);
    }
}

void dnn__layouts_release(void)
{
    if (--dnn__self.layouts_held == 0) {
        pthread_rwlock_unlock(&lock);
    }
}

const char *dnn__layout_name(uint32_t layout)
{
    const char *name = layout != 0 ? dnn__host.layout_name(layout) : "strided";

    return name != NULL ? name : "unknown";
}

bool dnn__owns_layout(const dnn__plugin *plugin, uint32_t layout)
{
    const char *name = dnn__host.layout_name(layout);
    const char *const *family = plugin->table.layouts;

    for (; name != NULL && family != NULL && *family != NULL; family++) {
        size_t n = strlen(*family);

        if (strncmp(*family, name, n) == 0 && name[n] == '/') {
            return true;
        }
    }
    return false;
}

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
    dnn_explain_fn explain = dnn__self.explain;
    dnn_status status;

    memcpy(t.dim, desc->dim, sizeof t.dim);
    dnn__dense_strides(t.ndim, t.dim, t.stride);
    dnn__self.explain = NULL; /* a question of ours, not a call of the program's */
    status = dnn__dispatch(&request);
    dnn__self.explain = explain;
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

    DNN_TRY(dnn__dispatch(&request));
    if (dnn__self.dry == 0) {
        atomic_fetch_add_explicit(&dnn__count.reorders, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&dnn__count.reorder_bytes, (int64_t)made->storage->bytes,
                                  memory_order_relaxed);
    }
    *out = made;
    return DNN_OK;
}

/* From one private layout to another by way of strides: the one pair of roads that every family
 * has. */
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

    if (dnn__layout_of(t->storage) == 0) { /* another thread was first */
        return DNN_OK;
    }
    DNN_TRY(reorder_once(t, 0, &strided));
    if (!alone) {
        pthread_rwlock_wrlock(&lock);
    }
    dnn__storage_exchange(t->storage, strided->storage);
    if (!alone) {
        pthread_rwlock_unlock(&lock);
    }
    dnn_release(strided); /* and the old block with it, in stream order */
    return DNN_OK;
}

dnn_status dnn__make_strided_slow(dnn_tensor *t)
{
    bool alone = dnn__self.dry > 0 || atomic_load(&t->storage->handles) == 1;
    dnn_status status;

    /* Under the lock only what this thread made, and nobody else knows, can be converted. */
    if (dnn__self.layouts_held > 0) {
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
