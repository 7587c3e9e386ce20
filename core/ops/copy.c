/* copy.c - copies of a tensor: another dtype, dense elements, another device. The rows copy and
 * to_device. */
#include "convert.h"
#include "ops_impl.h"
#include "rules.h"
#include "tape.h"

/* x broadcasts to the destination and gets its dtype; without a destination y is like x. */
dnn_status dnn__copy_shape(dnn__sig *sig)
{
    const dnn_tensor *x = sig->in[0];
    dnn__desc *out = &sig->out[0];
    bool fits = x->ndim <= out->ndim;

    if (sig->given[0] == NULL) {
        out->dtype = x->dtype;
        dnn__take_dims(out, x);
        return DNN_OK;
    }
    for (int d = 1; fits && d <= x->ndim; d++) {
        fits = x->dim[x->ndim - d] == out->dim[out->ndim - d] || x->dim[x->ndim - d] == 1;
    }
    if (!fits) {
        return dnn__fail(DNN_E_INVALID,
                         "copy: x is %s, which does not broadcast to the destination %s",
                         dnn__dims_text(x), dnn__shape_text(out->ndim, out->dim));
    }
    return DNN_OK;
}

/* dnn__copy_as, and starts the library first. */
static dnn_tensor *copy_as(const char *op, dnn_tensor *x, dnn_dtype dtype)
{
    dnn_status status = dnn__start();

    return status == DNN_OK ? dnn__copy_as(op, x, dtype) : dnn__null(status);
}

static dnn_tensor *to_dtype(dnn_tensor *x, dnn_dtype dtype)
{
    return x->dtype == dtype ? x : copy_as("cast", x, dtype);
}

dnn_tensor *dnn_clone(dnn_tensor *x)
{
    return dnn__ready("clone", x) ? copy_as("clone", x, x->dtype) : NULL;
}

dnn_tensor *dnn_contiguous(dnn_tensor *x)
{
    if (!dnn__ready("contiguous", x)) {
        return NULL;
    }
    if (dnn__dense(x)) {
        dnn_status status = dnn__strided(x);

        return status == DNN_OK ? x : dnn__null(status);
    }
    return copy_as("contiguous", x, x->dtype);
}

dnn_tensor *dnn_copy_(dnn_tensor *target, dnn_tensor *x)
{
    return dnn__call_to(DNN_OP_copy, target, &x, 1, NULL);
}

/* y = x in y's dtype, expanded: dx = dy in x's dtype, summed over the expanded axes. */
void dnn__copy_backward(dnn__grad *g)
{
    g->din[0] = dnn_to(dnn__sum_to_desc(g->dout[0], &g->in_desc[0]), .dtype = g->in_desc[0].dtype);
}

/* ---- other devices ---- */

/* Copies the bytes of a dense x and records to_device. The row has no kernel, because a kernel runs
 * on one device. */
static dnn_tensor *copy_to(dnn_tensor *x, dnn__device *device)
{
    const dnn_attr_to_device attr = {.size = sizeof attr, .source = dnn__device_of(x)};
    const dnn__rng none = {0, 0, 0};
    uint64_t item = dnn__item_size(x->dtype), bytes = (uint64_t)dnn__numel(x) * item;
    dnn_tensor *y = dnn__tensor_new("to_device", x->dtype, x->ndim, x->dim, device);
    dnn_status st = DNN_OK;

    if (y == NULL) {
        return NULL;
    }
    if (bytes > 0) {
        st = dnn__storage_copy(y->storage, 0, x->storage, (uint64_t)x->offset * item, bytes);
    }
    if (st == DNN_OK && dnn__recording(x)) {
        st = dnn__record(&dnn__ops[DNN_OP_to_device], &x, 1, &y, 1, &attr, &none);
    }
    return dnn__or_release(y, st == DNN_OK ? y : dnn__null(st));
}

static dnn_tensor *to_device(dnn_tensor *x, const char *device)
{
    dnn__device *to = NULL;
    dnn_tensor *dense, *y;
    dnn_status st = dnn__device_for(device, &to);

    if (st != DNN_OK) {
        return dnn__null(st);
    }
    if (to == dnn__device_of(x)) {
        return x;
    }
    dense = dnn_contiguous(x);
    if (dense == NULL) {
        return NULL;
    }
    y = copy_to(dense, to);
    if (dense != x) {
        dnn_release(dense);
    }
    return y;
}

/* The cast comes first where it makes the transfer smaller. */
dnn_tensor *dnn_to_with(dnn_to_args args)
{
    dnn_tensor *x = args.x, *cast = x, *moved;
    bool cast_first;

    if (!dnn__ready("to", x)) {
        return NULL;
    }
    if (args.dtype != 0 && !dnn__dtype_ok(args.dtype)) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "to: dtype %u is none of DNN_T_F32 to DNN_T_BOOL",
                                   (unsigned)args.dtype));
    }
    if (args.device == NULL) {
        return args.dtype != 0 ? to_dtype(x, args.dtype) : x;
    }
    cast_first = args.dtype != 0 && dnn__item_size(args.dtype) < dnn__item_size(x->dtype);
    cast = cast_first ? to_dtype(x, args.dtype) : x;
    moved = cast != NULL ? to_device(cast, args.device) : NULL;
    if (cast != x && cast != moved) {
        dnn_release(cast);
    }
    if (moved == NULL || cast_first || args.dtype == 0) {
        return moved;
    }
    cast = to_dtype(moved, args.dtype);
    if (moved != x && moved != cast) {
        dnn_release(moved);
    }
    return cast;
}

void dnn__to_device_backward(dnn__grad *g)
{
    const dnn_attr_to_device *attr = g->attr;

    g->din[0] = dnn_to(g->dout[0], .device = dnn__dev(attr->source)->name);
}
