/* keeper.c - a plugin whose forward kernel keeps a stash for its backward kernel: silu keeps
 * sigmoid(x), silu_bwd reads it. CMake builds one file for each FAULT_NUMBER:
 *
 * 0 NONE        no fault
 * 1 DECLINES    the backward kernel declines every call: the core must skip the forward kernel
 * 2 OTHER_SIZE  the backward kernel reads another number of bytes than the forward kernel keeps
 * 3 NO_READER   there is no backward kernel
 * 4 ABSURD      the stash has 2^62 bytes */
#include <math.h>
#include <string.h>
#include "dnn_plugin.h"
#include "dnn_ops.h"

#ifndef FAULT_NUMBER
#define FAULT_NUMBER 0
#endif
enum fault { NONE, DECLINES, OTHER_SIZE, NO_READER, ABSURD };

static int64_t count(const dnn_view *v)
{
    return (int64_t)(v->nbytes / sizeof(float));
}

static dnn_status forward_plan(const dnn_call *c, dnn_plan *plan)
{
    plan->stash_bytes = c->out[0]->nbytes;
    if ((int)FAULT_NUMBER == ABSURD) {
        plan->stash_bytes = (uint64_t)1 << 62;
    }
    return DNN_OK;
}

/* Without a gradient there is no stash. */
static dnn_status forward_run(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data, *gate = c->stash;

    for (int64_t i = 0; i < count(c->out[0]); i++) {
        float s = 1 / (1 + expf(-x[i]));

        if (gate != NULL) {
            gate[i] = s;
        }
        y[i] = x[i] * s;
    }
    return DNN_OK;
}

#if FAULT_NUMBER != 3
static dnn_status backward_plan(const dnn_call *c, dnn_plan *plan)
{
    plan->stash_bytes = c->out[0]->nbytes + ((int)FAULT_NUMBER == OTHER_SIZE ? 64 : 0);
    if ((int)FAULT_NUMBER == DECLINES) {
        return c->host->fail(DNN_DECLINED, "not today");
    }
    return DNN_OK;
}

static dnn_status backward_run(const dnn_call *c)
{
    const float *dy = c->in[0]->data, *x = c->in[1]->data, *gate = c->stash;
    float *dx = c->out[0]->data;

    if (gate == NULL) {
        return c->host->fail(DNN_E_INTERNAL, "no stash");
    }
    for (int64_t i = 0; i < count(c->out[0]); i++) {
        dx[i] = dy[i] * gate[i] * (1 + x[i] * (1 - gate[i]));
    }
    return DNN_OK;
}
#endif

enum { SAFE = DNN_K_REENTRANT | DNN_K_DETERMINISTIC | DNN_K_UNALIGNED };

static const dnn_kernel *const kernels[] = {
    DNN_KERNEL(.op = "silu", .device = "cpu", .name = "keeper_silu", .dtypes = DNN_T_F32,
               .priority = DNN_PRI_VENDOR, .flags = SAFE, .plan = forward_plan, .run = forward_run),
#if FAULT_NUMBER != 3
    DNN_KERNEL(.op = "silu_bwd", .device = "cpu", .name = "keeper_silu_bwd", .dtypes = DNN_T_F32,
               .priority = DNN_PRI_VENDOR, .flags = SAFE, .plan = backward_plan,
               .run = backward_run),
#endif
    NULL};

DNN_PLUGIN(.id = ID, .version = "1.0.0", .build = "keeps sigmoid(x) for the gradient of silu",
           .kernels = kernels)
