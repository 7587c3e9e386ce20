/* marshal.c - packs operands for a kernel and brings results back: as they are, by a dense copy,
 * by a copy in another layout, or by a temporary for a result. dispatch.c calls it with a plan. */
#include <string.h>
#include "convert.h"
#include "counters.h"
#include "marshal.h"
#include "operand_views.h"
#include "relayout.h"

static void point_at(dnn_view *v, const dnn_tensor *t)
{
    v->data = v->nbytes > 0
                  ? (char *)t->storage->data + (uint64_t)t->offset * dnn__item_size(t->dtype)
                  : NULL;
}

/* ---- operands ---- */

/* A dense copy of a view, for a kernel that takes no strides. */
static dnn_status pack(dnn__frame *f, int i, dnn_tensor **out)
{
    dnn_view *v = &f->view[i];
    dnn_tensor *seen = dnn__tensor_alias(f->in[i], v->ndim, v->dim, v->stride, f->in[i]->offset);
    dnn_tensor *dense =
        seen != NULL ? dnn__tensor_new(f->op->name, v->dtype, v->ndim, v->dim, f->device) : NULL;

    if (dense == NULL) {
        return dnn__take();
    }
    DNN_TRY(dnn__copy_to(dense, seen));
    dnn_release(seen);
    v->stride = dense->stride;
    v->nbytes = dnn__view_bytes(v, NULL, 0);
    atomic_fetch_add_explicit(&dnn__count.copies, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&dnn__count.copy_bytes, (int64_t)v->nbytes, memory_order_relaxed);
    *out = dense;
    return DNN_OK;
}

/* A copy of an input in the layout that the kernel takes. */
static dnn_status reorder(dnn__frame *f, int i, uint32_t layout, dnn_tensor **out)
{
    dnn_view *v = &f->view[i];
    dnn_tensor *made;

    DNN_TRY(dnn__reorder(f->in[i], layout, &made));
    v->layout = layout;
    v->stride = layout == 0 ? made->stride : NULL;
    v->nbytes = made->storage->bytes;
    *out = made;
    return DNN_OK;
}

static dnn_status marshal_input(dnn__frame *f, const dnn__plan *plan, int i)
{
    const dnn__operand_plan *p = &plan->operand[i];
    dnn_tensor *t = f->in[i];

    if (DNN__UNLIKELY(plan->detours)) {
        if (p->how == DNN__PACKED) {
            DNN_TRY(pack(f, i, &t));
        } else if (p->how == DNN__REORDERED) {
            DNN_TRY(reorder(f, i, p->layout, &t));
        }
    }
    point_at(&f->view[i], t);
    return DNN_OK;
}

/* ---- results ---- */

static dnn_tensor *private_result(dnn__frame *f, const dnn__operand_plan *p, dnn_view *v)
{
    v->layout = p->layout;
    v->stride = NULL;
    v->nbytes = p->bytes;
    return dnn__tensor_private(f->op->name, v->dtype, v->ndim, v->dim, f->device, p->layout,
                               p->bytes);
}

/* The view of a new result is dense already; the view of a temporary was that of its
 * destination. */
static dnn_tensor *dense_result(dnn__frame *f, dnn_view *v)
{
    dnn_tensor *t = dnn__tensor_new(f->op->name, v->dtype, v->ndim, v->dim, f->device);

    if (t != NULL) {
        v->layout = 0;
        v->stride = t->stride;
        v->nbytes = t->storage->bytes;
    }
    return t;
}

/* Sets what the kernel writes for output i: the destination itself, a new tensor, or a temporary
 * that write_back copies to the destination. plan NULL: the kernel will write nothing. */
static dnn_status make_result(dnn__frame *f, const dnn__plan *plan, int i, dnn_tensor **out)
{
    int slot = f->n_in + i;
    const dnn__operand_plan *p = plan != NULL && plan->detours ? &plan->operand[slot] : NULL;

    *out = NULL;
    if (f->pointer[slot] == NULL) {
        return DNN_OK;
    }
    if (dnn__is_direct(f, i) && (p == NULL || p->how == DNN__UNCHANGED)) {
        *out = f->out[i];
    } else {
        *out = p != NULL && p->how == DNN__PRIVATE ? private_result(f, p, &f->view[slot])
                                                   : dense_result(f, &f->view[slot]);
        if (*out == NULL) {
            return dnn__take();
        }
    }
    point_at(&f->view[slot], *out);
    return DNN_OK;
}

dnn_status dnn__make_results(dnn__frame *f, const dnn__plan *plan, dnn_tensor **made)
{
    for (int i = 0; i < f->n_out; i++) {
        DNN_TRY(make_result(f, plan, i, &made[i]));
    }
    return DNN_OK;
}

dnn_status dnn__marshal(dnn__frame *f, const dnn__plan *plan, dnn_tensor **made)
{
    for (int i = 0; i < f->n_in; i++) {
        if (f->in[i] != NULL) {
            DNN_TRY(marshal_input(f, plan, i));
        }
    }
    return dnn__make_results(f, plan, made);
}

/* May the destination take the block of the temporary? Only if its one handle is the only owner
 * of its own block. A private layout only if the destination is fresh: others may have made it
 * strided on purpose. */
static bool takes_block(const dnn_tensor *t, const dnn_tensor *made)
{
    const dnn__storage *s = t->storage;
    bool may = t->fresh || dnn__layout_of(made->storage) == 0;

    return may && atomic_load_explicit(&s->refs, memory_order_relaxed) == 1 &&
           atomic_load_explicit(&s->handles, memory_order_relaxed) == 1 &&
           atomic_load_explicit(&made->storage->refs, memory_order_relaxed) == 1 &&
           s->capacity > 0 && t->mapped == NULL && t->offset == 0 && t->dtype == made->dtype &&
           dnn__dense(t) && dnn__dense(made);
}

/* Copies a temporary over its destination; not recorded. */
static dnn_status copy_back(dnn__frame *f, int i, dnn_tensor *made)
{
    dnn_status st = DNN_OK;

    if (takes_block(f->out[i], made)) {
        dnn__storage_exchange(f->out[i]->storage, made->storage);
        return DNN_OK;
    }
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        st = dnn__copy_to(f->out[i], made);
    }
    return st;
}

dnn_status dnn__write_back(dnn__frame *f, dnn_tensor **made)
{
    for (int i = 0; i < f->n_out; i++) {
        if (made[i] != NULL && f->out[i] != NULL && made[i] != f->out[i]) {
            DNN_TRY(copy_back(f, i, made[i]));
            made[i] = f->out[i];
        }
    }
    return DNN_OK;
}
