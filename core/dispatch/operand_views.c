/* operand_views.c - the views of operands that kernels see: dims, strides or private layout,
 * bytes. dispatch.c opens them before it finds the plan; marshal.c sets their data pointers. */
#include <string.h>
#include "operand_views.h"
#include "relayout.h"

static inline void set_view(const dnn__frame *f, dnn_view *v, dnn_dtype dtype, int ndim,
                            const int64_t *dim, const int64_t *stride)
{
    const struct dnn__device_public *device = dnn__dev(f->device);

    /* A member that is not named is zero: "as before it existed". */
    *v = (dnn_view){.size = sizeof *v,
                    .dtype = dtype,
                    .ndim = ndim,
                    .mem = device->mem,
                    .ordinal = device->ordinal,
                    .dim = dim,
                    .stride = stride};
}

/* The view of a tensor that may have a private layout: never expanded. */
static void lay_out(dnn_view *v, const dnn_tensor *t)
{
    v->layout = dnn__layout_of(t->storage);
    if (v->layout != 0) {
        v->stride = NULL;
        v->nbytes = t->storage->bytes;
    }
}

static inline bool has_dims(const dnn_tensor *t, const dnn__desc *d)
{
    bool same = t->ndim == d->ndim;

    for (int i = 0; same && i < d->ndim; i++) {
        same = t->dim[i] == d->dim[i];
    }
    return same;
}

static inline bool is_stretched(const dnn__frame *f, const dnn_tensor *t)
{
    return (f->op->traits & DNN__ELEMENTWISE) != 0 && f->n_in + f->n_out <= DNN__FEW_OPERANDS &&
           !has_dims(t, &f->desc[0]);
}

static inline void view_input(dnn__frame *f, int i)
{
    const dnn_tensor *t = f->in[i];
    const dnn__desc *d = &f->desc[0];
    dnn_view *v = &f->view[i];

    if (is_stretched(f, t)) {
        dnn__expand_strides(t->ndim, t->dim, t->stride, d->ndim, d->dim, f->stride[i]);
        set_view(f, v, t->dtype, d->ndim, d->dim, f->stride[i]);
    } else {
        set_view(f, v, t->dtype, t->ndim, t->dim, t->stride);
    }
    v->nbytes = dnn__view_bytes(v, t->storage, t->offset);
    if (DNN__UNLIKELY(f->laid_out)) {
        lay_out(v, t);
    }
    f->pointer[i] = v;
}

static inline void view_output(dnn__frame *f, int i)
{
    int slot = f->n_in + i;
    dnn_view *v = &f->view[slot];

    f->pointer[slot] = NULL;
    if (dnn__is_direct(f, i)) {
        const dnn_tensor *t = f->out[i];

        set_view(f, v, t->dtype, t->ndim, t->dim, t->stride);
        v->nbytes = dnn__view_bytes(v, t->storage, t->offset);
        if (DNN__UNLIKELY(f->laid_out)) {
            lay_out(v, t);
        }
        f->pointer[slot] = v;
    } else if (f->out[i] != NULL || dnn__is_wanted(f, i)) {
        const dnn__desc *d = &f->desc[i];

        dnn__dense_strides(d->ndim, d->dim, f->stride[slot]);
        set_view(f, v, d->dtype, d->ndim, d->dim, f->stride[slot]);
        v->nbytes = (uint64_t)dnn__numel_of(d->ndim, d->dim) * dnn__item_size(d->dtype);
        if (f->request->layout != 0) { /* of a reorder: the plan says its size */
            v->layout = f->request->layout;
            v->stride = NULL;
            v->nbytes = 0;
        }
        f->pointer[slot] = v;
    }
}

/* ---- private layouts of a call ---- */

dnn_status dnn__all_strided(dnn__frame *f)
{
    for (int i = 0; i < f->n_in; i++) {
        DNN_TRY(f->in[i] != NULL ? dnn__make_strided(f->in[i]) : DNN_OK);
    }
    for (int i = 0; i < f->n_out; i++) {
        DNN_TRY(f->out[i] != NULL ? dnn__make_strided(f->out[i]) : DNN_OK);
    }
    return DNN_OK;
}

/* Does t have the layout and dims of the first operand, so that one run over the bytes meets the
 * same elements? */
static bool lies_alike(const dnn__frame *f, const dnn_tensor *t, uint32_t layout)
{
    bool number = (f->op->traits & DNN__MUTATES) != 0 && t->ndim == 0;

    return number ||
           (dnn__layout_of(t->storage) == layout && t->dtype == f->in[f->op->primary]->dtype &&
            ((f->op->traits & DNN__MUTATES) != 0 || has_dims(t, &f->desc[0])));
}

/* Is result i like the first one? Then a FLAT kernel may write it in the layout of the operands. */
static bool is_like_first(const dnn__frame *f, int i)
{
    const dnn__desc *d = &f->desc[i], *first = &f->desc[0];

    return d->dtype == first->dtype && d->ndim == first->ndim &&
           memcmp(d->dim, first->dim, sizeof d->dim[0] * (size_t)d->ndim) == 0;
}

/* Rule (b) of FLAT. Rows that mutate any number of operands check themselves that the shapes of
 * each group are equal. */
static uint32_t flat_layout(const dnn__frame *f)
{
    bool mutates = (f->op->traits & DNN__MUTATES) != 0;
    uint32_t layout;

    if ((f->op->traits & DNN__KEEPS_ZEROS) == 0 ||
        (f->op->traits & (DNN__ELEMENTWISE | DNN__MUTATES)) == 0 || f->op->primary >= f->n_in ||
        f->in[f->op->primary] == NULL ||
        (!mutates && f->desc[0].dtype != f->in[f->op->primary]->dtype)) {
        return 0;
    }
    layout = dnn__layout_of(f->in[f->op->primary]->storage);
    for (int i = 0; layout != 0 && i < f->n_in; i++) {
        layout = f->in[i] == NULL || lies_alike(f, f->in[i], layout) ? layout : 0;
    }
    for (int i = 0; layout != 0 && i < f->n_out; i++) {
        bool made = i < DNN__RESULTS && (f->out[i] != NULL || dnn__is_wanted(f, i));
        bool fits =
            dnn__is_direct(f, i) ? lies_alike(f, f->out[i], layout) : !made || is_like_first(f, i);

        layout = fits ? layout : 0;
    }
    return layout;
}

/* Makes operands strided for good that cannot be reordered for this call. */
static dnn_status make_detours_strided(dnn__frame *f)
{
    if (flat_layout(f) != 0) {
        return DNN_OK;
    }
    for (int i = 0; i < f->n_in; i++) {
        if (f->in[i] != NULL && is_stretched(f, f->in[i])) {
            DNN_TRY(dnn__make_strided(f->in[i]));
        }
    }
    if (f->op->n_out < 0) {
        return dnn__all_strided(f);
    }
    return f->op->id == DNN_OP_copy && f->out[0] != NULL ? dnn__make_strided(f->out[0]) : DNN_OK;
}

static void view_all(dnn__frame *f)
{
    for (int i = 0; i < f->n_in; i++) {
        if (f->in[i] != NULL) {
            view_input(f, i);
        } else {
            f->pointer[i] = NULL;
        }
    }
    for (int i = 0; i < f->n_out; i++) {
        view_output(f, i);
    }
}

/* Slow path: an operand has, or had a moment ago, a private layout. */
static dnn_status open_laid_out(dnn__frame *f)
{
    DNN_TRY(make_detours_strided(f));
    dnn__layouts_lock_shared();
    f->laid_out = true;
    f->flat = flat_layout(f);
    return DNN_OK;
}

dnn_status dnn__operand_views_open(dnn__frame *f)
{
    f->laid_out = false;
    f->flat = 0;
    if (DNN__UNLIKELY(f->any_layout)) {
        DNN_TRY(open_laid_out(f));
    }
    view_all(f);
    return DNN_OK;
}

void dnn__operand_views_again(dnn__frame *f)
{
    view_all(f);
}

void dnn__operand_views_close(dnn__frame *f)
{
    if (DNN__UNLIKELY(f->laid_out)) {
        dnn__layouts_unlock_shared();
        f->laid_out = false;
    }
}
