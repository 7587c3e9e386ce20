/* liar.c - plugins whose private layout breaks a promise. exp writes its result in the layout
 * "<id>/twice", which stores each element twice; so does sum in the variant without a fault. The
 * reorder kernel converts both ways. CMake builds one file for each LIE:
 *
 * 0 none       no fault
 * 1 plan       the plan of exp says half of the bytes that the reorder says
 * 2 strided    the reorder back says more bytes for a strided tensor than it has
 * 3 one way    there is no reorder back
 * 4 zero       the reorder says 0 bytes
 * 5 foreign    exp asks for a layout of another plugin's family
 * 6 unknown    exp asks for a layout id that nobody interned
 * 7 workspace  the workspace has 2^62 bytes
 * 8 absurd     the layout has 2^60 bytes for any tensor; all kernels of the plugin agree on it */
#include <math.h>
#include "dnn_plugin.h"
#include "dnn_ops.h"

#ifndef FAMILY
#define FAMILY ID
#endif

static uint32_t twice(const dnn_call *c)
{
    return c->host->layout(FAMILY "/twice");
}

static uint64_t dense_bytes(const dnn_view *v)
{
    uint64_t n = sizeof(float);

    for (int i = 0; i < v->ndim; i++) {
        n *= (uint64_t)v->dim[i];
    }
    return n;
}

static uint64_t twice_bytes(const dnn_view *v)
{
    return LIE == 8 ? (uint64_t)1 << 60 : 2 * dense_bytes(v);
}

static dnn_status reorder_plan(const dnn_call *c, dnn_plan *plan)
{
    uint32_t ours = twice(c), from = c->in[0]->layout, to = c->out[0]->layout;

    if ((from != 0 || to != ours) && (from != ours || to != 0 || LIE == 3)) {
        return c->host->fail(DNN_DECLINED, "not this way");
    }
    plan->out_bytes[0] = to == ours ? (LIE == 4 ? 0 : twice_bytes(c->out[0]))
                                    : dense_bytes(c->out[0]) + (LIE == 2 ? 64 : 0);
    return DNN_OK;
}

static dnn_status reorder_run(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;
    int64_t n = (int64_t)(dense_bytes(c->in[0]) / sizeof(float));

    for (int64_t i = 0; i < n; i++) {
        if (c->out[0]->layout != 0) {
            y[2 * i] = y[2 * i + 1] = x[i];
        } else {
            y[i] = x[2 * i];
        }
    }
    return DNN_OK;
}

static dnn_status exp_plan(const dnn_call *c, dnn_plan *plan)
{
    plan->out_layout[0] = LIE == 5 ? c->host->layout("somebody/else") : LIE == 6 ? 4095 : twice(c);
    plan->out_bytes[0] = LIE == 1 ? dense_bytes(c->out[0]) : twice_bytes(c->out[0]);
    plan->workspace_bytes = LIE == 7 ? (uint64_t)1 << 62 : 0;
    return DNN_OK;
}

static dnn_status exp_run(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;

    for (int64_t i = 0; i < (int64_t)(dense_bytes(c->in[0]) / sizeof(float)); i++) {
        y[2 * i] = y[2 * i + 1] = expf(x[i]);
    }
    return DNN_OK;
}

/* The sum over the columns of a matrix, its one place kept: a result that others stretch. */
static dnn_status sum_plan(const dnn_call *c, dnn_plan *plan)
{
    const dnn_attr_reduce *a = c->attr;

    if (LIE != 0 || c->in[0]->ndim != 2 || c->out[0]->ndim != 2 || a->dims != 2) {
        return c->host->fail(DNN_DECLINED, "only over the columns of a matrix");
    }
    plan->out_layout[0] = twice(c);
    plan->out_bytes[0] = twice_bytes(c->out[0]);
    return DNN_OK;
}

static dnn_status sum_run(const dnn_call *c)
{
    const int64_t *dim = c->in[0]->dim;
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;

    for (int64_t i = 0; i < dim[0]; i++) {
        float sum = 0;

        for (int64_t k = 0; k < dim[1]; k++) {
            sum += x[i * dim[1] + k];
        }
        y[2 * i] = y[2 * i + 1] = sum;
    }
    return DNN_OK;
}

static const dnn_kernel *const kernels[] = {
    DNN_KERNEL(.op = "reorder", .device = "cpu", .name = "liar_reorder", .dtypes = DNN_T_F32,
               .plan = reorder_plan, .run = reorder_run),
    DNN_KERNEL(.op = "exp", .device = "cpu", .name = "liar_exp", .dtypes = DNN_T_F32,
               .priority = DNN_PRI_VENDOR, .plan = exp_plan, .run = exp_run),
    DNN_KERNEL(.op = "sum", .device = "cpu", .name = "liar_sum", .dtypes = DNN_T_F32,
               .priority = DNN_PRI_VENDOR, .plan = sum_plan, .run = sum_run),
    NULL};
static const char *const layouts[] = {FAMILY, NULL};

DNN_PLUGIN(.id = ID, .version = "1.0.0", .build = "a layout of its own", .kernels = kernels,
           .layouts = layouts)
