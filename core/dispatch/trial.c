/* trial.c - a trial: runs a call by a plan, into scratch in the place of its destinations.
 * autotune.c times it. */
#include "marshal.h"
#include "operand_views.h"
#include "reenter.h"
#include "trial.h"

/* A tensor with dtype, dims and strides of a destination, its elements not set. */
static dnn_status twin_of(const dnn__frame *f, int i, dnn_tensor **out)
{
    const dnn_tensor *t = f->out[i];
    uint64_t bytes = f->view[f->n_in + i].nbytes; /* the only size that a private layout has */
    dnn__storage *storage = NULL;

    if (dnn__layout_of(t->storage) == 0) {
        bytes = dnn__extent(t->ndim, t->dim, t->stride) * dnn__item_size(t->dtype);
    }
    DNN_TRY(dnn__storage_new(f->device, bytes, f->op->name, &storage));
    *out = dnn__tensor_over(f->op->name, t->dtype, t->ndim, t->dim, t->stride, 0, storage, NULL);
    dnn__storage_release(storage);
    return *out != NULL ? DNN_OK : dnn__take();
}

/* Runs the call into twins of its destinations. */
static dnn_status run(dnn__frame *f, dnn__plan *plan)
{
    dnn_tensor *made[DNN__RESULTS] = {NULL};
    dnn__rng rng = {0, 0, 0};

    for (int i = 0; i < f->n_out; i++) {
        DNN_TRY(f->out[i] != NULL ? twin_of(f, i, &f->out[i]) : DNN_OK);
    }
    DNN_TRY(dnn__reenter.carry_out(f, plan, made, &rng));
    return dnn__write_back(f, made);
}

dnn_status dnn__trial(dnn__frame *f, dnn__plan *plan)
{
    dnn_tensor *given[DNN__RESULTS] = {NULL};
    dnn_status st = DNN_OK;

    for (int i = 0; i < f->n_out; i++) {
        given[i] = f->out[i];
    }
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        st = run(f, plan);
    }
    for (int i = 0; i < f->n_out; i++) {
        f->out[i] = given[i];
    }
    dnn__storage_release(f->stash);
    f->stash = NULL;
    dnn__operand_views_again(f);
    return st;
}
