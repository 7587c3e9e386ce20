/* avg_pool.c - average pooling: avg_pool2d, adaptive_avg_pool2d and their gradient rows. */
#include "pool_impl.h"
#include "rules.h"

/* Gradient rules: one row of dy, whose destination has the dims of the input. */
static void backward_by_row(dnn__grad *g, dnn__op_id op)
{
    dnn_tensor *dx = dnn__empty_desc(dnn__ops[op].name, &g->in_desc[0], g->device);

    g->din[0] = dnn__call_to(op, dx, &g->dout[0], 1, g->attr);
}

/* ---- avg_pool2d ---- */

static bool pack_attr(const dnn_avg_pool2d_args *args, dnn_attr_pool2d *attr)
{
    const dnn_max_pool2d_args window = {.kernel = args->kernel,
                                        .kernel_h = args->kernel_h,
                                        .kernel_w = args->kernel_w,
                                        .stride = args->stride,
                                        .stride_h = args->stride_h,
                                        .stride_w = args->stride_w,
                                        .padding = args->padding,
                                        .padding_h = args->padding_h,
                                        .padding_w = args->padding_w,
                                        .ceil_mode = args->ceil_mode};

    attr->exclude_pad = args->exclude_pad;
    if (args->divisor < 0) {
        return dnn__ok(dnn__fail(DNN_E_INVALID, "avg_pool2d: divisor %lld must be >= 0",
                                 (long long)args->divisor));
    }
    return dnn__pool_attr("avg_pool2d", &window, attr) &&
           dnn__ok(dnn__fits_int32("avg_pool2d", "divisor", args->divisor, &attr->divisor));
}

dnn_tensor *dnn_avg_pool2d_with(dnn_avg_pool2d_args args)
{
    dnn_attr_pool2d attr = {.size = sizeof attr};
    dnn_tensor *x = dnn__pool_batch("avg_pool2d", args.x), *y = NULL;

    if (x == NULL) {
        return NULL;
    }
    if (pack_attr(&args, &attr)) {
        y = dnn__call(DNN_OP_avg_pool2d, &x, 1, &attr);
    }
    dnn__drop(x, args.x);
    return dnn__pool_unbatch(y, args.x);
}

/* max_pool2d's rule calls it too: y [N,C,Ho,Wo] for x [N,C,H,W]. */
dnn_status dnn__avg_pool2d_shape(dnn__sig *sig)
{
    const dnn_tensor *x = sig->in[0];
    dnn__desc *out = &sig->out[0];

    DNN_TRY(dnn__pool_dims(sig->op->name, sig->attr, x->ndim, x->dim, out->dim));
    out->dtype = x->dtype;
    out->ndim = 4;
    return DNN_OK;
}

void dnn__avg_pool2d_backward(dnn__grad *g)
{
    backward_by_row(g, DNN_OP_avg_pool2d_bwd);
}

/* The destination dx has the dims of x; dy must have those of pooling it. */
dnn_status dnn__avg_pool2d_bwd_shape(dnn__sig *sig)
{
    const dnn_tensor *dy = sig->in[0];
    const dnn__desc *dx = &sig->out[0];
    int64_t y[4];

    DNN_TRY(dnn__check_destination_of(sig));
    DNN_TRY(dnn__pool_dims(sig->op->name, sig->attr, dx->ndim, dx->dim, y));
    if (!dnn__same_dims(4, y, dy->ndim, dy->dim)) {
        return dnn__fail(DNN_E_INVALID, "%s: dy is %s, pooling the destination %s gives %s",
                         sig->op->name, dnn__dims_text(dy), dnn__shape_text(dx->ndim, dx->dim),
                         dnn__shape_text(4, y));
    }
    return DNN_OK;
}

/* The row is linear, so its gradient is the forward row. */
void dnn__avg_pool2d_bwd_backward(dnn__grad *g)
{
    g->din[0] = dnn__call(DNN_OP_avg_pool2d, &g->dout[0], 1, g->attr);
}

/* ---- adaptive_avg_pool2d ---- */

dnn_tensor *dnn_adaptive_avg_pool2d(dnn_tensor *x, int64_t height, int64_t width)
{
    dnn_tensor *batch = dnn__pool_batch("adaptive_avg_pool2d", x);
    dnn_tensor *destination =
        batch == NULL ? NULL
                      : dnn__adaptive_destination("adaptive_avg_pool2d", batch, height, width);
    dnn_tensor *y = destination == NULL
                        ? NULL
                        : dnn__call_to(DNN_OP_adaptive_avg_pool2d, destination, &batch, 1, NULL);

    if (y == NULL) {
        dnn_release(destination);
    }
    dnn__drop(batch, x);
    return dnn__pool_unbatch(y, x);
}

void dnn__adaptive_avg_pool2d_backward(dnn__grad *g)
{
    backward_by_row(g, DNN_OP_adaptive_avg_pool2d_bwd);
}

void dnn__adaptive_avg_pool2d_bwd_backward(dnn__grad *g)
{
    backward_by_row(g, DNN_OP_adaptive_avg_pool2d);
}
