/* collate.c - how the samples of a batch become its fields: stacked, padded, or by a function of
 * the program. */
#include <string.h>
#include "collate.h"
#include "draws.h"

static dnn_status call(dnn_collate collate, void *ctx, const dnn__request *r, dnn__samples *samples,
                       dnn__list *made)
{
    dnn_fields batch = dnn__list_fields(made, -1);
    dnn_generator_guard draws;
    bool before;
    dnn_status st;

    DNN_TRY(dnn__samples_split(samples, r->n));
    DNN_TRY(dnn__draws_begin(&draws, r, 0, DNN__DEPTH_COLLATE));
    before = dnn__callback_begin();
    st = collate(ctx, samples->sample, r->n, &batch);
    dnn_generator_end(&draws);
    DNN_TRY(dnn__callback_end(before, st, "collate", "the loader"));
    st = dnn__sample_check(&batch);
    return st == DNN_OK ? st : dnn__fail(st, "collate: %s", dnn__message_text());
}

dnn_status dnn__collate(dnn_collate collate, void *ctx, const dnn__request *r,
                        dnn__samples *samples, dnn__list *out)
{
    dnn__list made = {.n = 0};
    dnn_status st;

    if (collate == NULL) {
        DNN_TRY(dnn__samples_stack(samples, r->index, r->n));
        return dnn__list_take(out, samples->batch.item, samples->batch.n);
    }
    st = call(collate, ctx, r, samples, &made);
    if (st == DNN_OK) {
        st = dnn__list_take(out, dnn__list_items(&made), made.n);
    }
    dnn__list_free(&made);
    return st;
}

/* ---- pad ---- */

static dnn_status check_field(const dnn_tensor_list *sample, int64_t i, int64_t k)
{
    const dnn_tensor *first = sample[0].item[k], *t;

    if (sample[i].n != sample[0].n) {
        return dnn__fail(
            DNN_E_INVALID, "dnn_collate_pad: sample 0 of the batch has %s fields, sample %s has %s",
            dnn__number_text(sample[0].n), dnn__number_text(i), dnn__number_text(sample[i].n));
    }
    t = sample[i].item[k];
    return dnn__alike(first, t, true)
               ? DNN_OK
               : dnn__fail(DNN_E_INVALID,
                           "dnn_collate_pad: field %s of sample 0 of the batch is %s %s, of sample "
                           "%s it is %s %s: they may differ in dim 0 alone",
                           dnn__number_text(k), dnn_dtype_name(first->dtype),
                           dnn__shape_text(first->ndim, first->dim), dnn__number_text(i),
                           dnn_dtype_name(t->dtype), dnn__shape_text(t->ndim, t->dim));
}

static dnn_tensor *pad_field(double value, const dnn_tensor_list *sample, int64_t n, int64_t k)
{
    dnn_tensor *first = sample[0].item[k], *y;
    dnn_shape shape = {.ndim = first->ndim + 1};

    shape.dim[0] = n;
    for (int64_t i = 0; i < n; i++) {
        dnn_status st = check_field(sample, i, k);

        if (st != DNN_OK) {
            return dnn__null(st);
        }
        for (int d = 0; d < first->ndim && d + 1 < DNN_MAX_DIMS; d++) {
            int64_t size = sample[i].item[k]->dim[d];

            shape.dim[d + 1] = size > shape.dim[d + 1] ? size : shape.dim[d + 1];
        }
    }
    y = dnn_full(shape, value, .dtype = first->dtype, .device = dnn_device_of(first));
    for (int64_t i = 0; i < n && y != NULL; i++) {
        DNN_SCOPE();
        dnn_tensor *to = dnn_select(y, 0, i), *t = sample[i].item[k];

        if (dnn_copy_(t->ndim > 0 ? dnn_narrow(to, 0, 0, t->dim[0]) : to, t) == NULL) {
            return NULL;
        }
    }
    return y;
}

dnn_status dnn_collate_pad(void *ctx, const dnn_tensor_list *sample, int64_t n, dnn_fields *batch)
{
    double value = ctx != NULL ? *(const double *)ctx : 0;
    dnn_tensor **field;

    DNN_TRY(dnn__take());
    if (sample == NULL || n < 1 || batch == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_collate_pad: %s",
                         batch == NULL ? "batch is NULL" : "there is no sample");
    }
    field = dnn__scope_array(sample[0].n);
    if (field == NULL) {
        return dnn__take();
    }
    for (int64_t k = 0; k < sample[0].n; k++) {
        field[k] = pad_field(value, sample, n, k);
        DNN_TRY(dnn__take());
    }
    return dnn_fields_set(batch, (dnn_tensor_list){.n = sample[0].n, .item = field});
}
