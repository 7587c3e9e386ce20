/* max_pool.c - max pooling: max_pool2d, adaptive_max_pool2d and the gradient row max_pool2d_bwd.
 * Indices of maxima are i32 in the rows and i64 in the public operators. */
#include "pool_impl.h"
#include "rules.h"

/* ---- results and indices ---- */

/* An index counts the elements of one plane and is i32. */
static dnn_status check_plane(const char *op, const int64_t *x)
{
    int64_t elements;

    if (__builtin_mul_overflow(x[2], x[3], &elements) || elements > INT32_MAX) {
        return dnn__fail(DNN_E_INVALID, "%s: a plane of x has %lld x %lld elements, more than %d",
                         op, (long long)x[2], (long long)x[3], INT32_MAX);
    }
    return DNN_OK;
}

static void set_indices_desc(dnn__sig *sig)
{
    sig->out[1] = sig->out[0];
    sig->out[1].dtype = DNN_T_I32;
}

/* Backward reads the indices, so a recorded call makes them too. */
static uint32_t wanted_results(const dnn_tensor *x, dnn_tensor **indices)
{
    return DNN__RESULT(0) | (indices != NULL || dnn__recording(x) ? DNN__RESULT(1) : 0);
}

/* The results for the program: y without a batch axis that x does not have, and *indices, where
 * wanted, as i64. Takes ownership of y and of narrow (i32). */
static dnn_tensor *finish_max(dnn_tensor *y, dnn_tensor *narrow, const dnn_tensor *given,
                              dnn_tensor **indices)
{
    dnn_tensor *result = dnn__pool_unbatch(y, given), *wide = NULL;

    if (result != NULL && indices != NULL) {
        wide = dnn_to(narrow, .dtype = DNN_T_I64);
        wide = wide == NULL ? NULL : dnn__pool_unbatch(wide, given);
        if (wide == NULL) {
            dnn_release(result);
            result = NULL;
        } else {
            *indices = wide;
        }
    }
    dnn_release(narrow);
    return result;
}

/* ---- max_pool2d ---- */

dnn_tensor *dnn_max_pool2d_with(dnn_max_pool2d_args args)
{
    dnn_attr_pool2d attr = {.size = sizeof attr};
    dnn_tensor *x = dnn__pool_batch("max_pool2d", args.x), *out[2] = {NULL};

    if (x == NULL) {
        return NULL;
    }
    if (dnn__pool_attr("max_pool2d", &args, &attr)) {
        dnn__call_results(DNN_OP_max_pool2d, &x, 1, &attr, wanted_results(x, args.indices), out);
    }
    dnn__drop(x, args.x);
    return finish_max(out[0], out[1], args.x, args.indices);
}

dnn_status dnn__max_pool2d_shape(dnn__sig *sig)
{
    DNN_TRY(dnn__avg_pool2d_shape(sig));
    DNN_TRY(check_plane(sig->op->name, sig->in[0]->dim));
    set_indices_desc(sig);
    return DNN_OK;
}

/* ---- adaptive_max_pool2d ---- */

dnn_tensor *dnn_adaptive_max_pool2d(dnn_tensor *x, int64_t height, int64_t width,
                                    dnn_tensor **indices)
{
    dnn_tensor *batch = dnn__pool_batch("adaptive_max_pool2d", x);
    dnn_tensor *out[2] = {
        batch == NULL ? NULL
                      : dnn__adaptive_destination("adaptive_max_pool2d", batch, height, width),
        NULL};

    if (out[0] != NULL && !dnn__call_results(DNN_OP_adaptive_max_pool2d, &batch, 1, NULL,
                                             wanted_results(batch, indices), out)) {
        dnn_release(out[0]);
        out[0] = NULL;
    }
    dnn__drop(batch, x);
    return finish_max(out[0], out[1], x, indices);
}

dnn_status dnn__adaptive_max_pool2d_shape(dnn__sig *sig)
{
    DNN_TRY(dnn__plane_shape(sig));
    DNN_TRY(check_plane(sig->op->name, sig->in[0]->dim));
    set_indices_desc(sig);
    return DNN_OK;
}

/* ---- the gradient of both ---- */

static dnn_tensor *max_pool2d_bwd(const dnn__grad *g, dnn_tensor *dy)
{
    dnn_tensor *in[] = {dy, g->out[1]};
    dnn_tensor *dx = dnn__empty_desc("max_pool2d_bwd", &g->in_desc[0], g->device);

    return dnn__call_to(DNN_OP_max_pool2d_bwd, dx, in, 2, NULL);
}

/* Adds each dy to dx at its index. */
void dnn__max_pool2d_backward(dnn__grad *g)
{
    g->din[0] = max_pool2d_bwd(g, g->dout[0]);
}

/* *windows: average pooling with divisor 1 over the windows of the forward call. false: windows
 * overlap or have gaps between their elements. */
static bool disjoint_windows(const dnn__grad *g, dnn_attr_pool2d *windows)
{
    const dnn_attr_pool2d *attr = g->attr;
    const int64_t *x = g->in_desc[0].dim, *y = g->out[1]->dim;

    if (attr != NULL) {
        *windows = *attr;
        windows->divisor = 1;
        windows->exclude_pad = 0;
        return attr->dilation_h == 1 && attr->dilation_w == 1 && attr->stride_h >= attr->kernel_h &&
               attr->stride_w >= attr->kernel_w;
    }
    if (y[2] < 1 || y[3] < 1 || x[2] % y[2] != 0 || x[3] % y[3] != 0 || x[2] > INT32_MAX ||
        x[3] > INT32_MAX) { /* adaptive */
        return false;
    }
    *windows = (dnn_attr_pool2d){.size = sizeof *windows,
                                 .kernel_h = (int32_t)(x[2] / y[2]),
                                 .kernel_w = (int32_t)(x[3] / y[3]),
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .divisor = 1};
    windows->stride_h = windows->kernel_h;
    windows->stride_w = windows->kernel_w;
    return true;
}

/* Under create_graph: max_pool2d_bwd has no gradient. For disjoint windows dx is dy spread over
 * its window, and 0 except at the index. For others dx is recorded as max_pool2d_bwd, and a second
 * backward fails. */
void dnn__max_pool2d_backward_composed(dnn__grad *g)
{
    dnn_attr_pool2d windows;
    dnn_tensor *dx, *spread, *ones;

    if (!disjoint_windows(g, &windows)) {
        dnn__max_pool2d_backward(g);
        return;
    }
    dx = dnn__empty_desc("avg_pool2d_bwd", &g->in_desc[0], g->device);
    spread = dnn__call_to(DNN_OP_avg_pool2d_bwd, dx, &g->dout[0], 1, &windows);
    ones = dnn_fill_(dnn_empty_like(g->dout[0]), 1.0);
    g->din[0] = dnn_masked_fill(spread, dnn_eq(max_pool2d_bwd(g, ones), 0.0), 0.0);
}
