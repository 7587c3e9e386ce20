/* planted.c - plugins that load well and have one fault each, which `dnn conform` must find;
 * PLANTED names the fault. tests/doubles/CMakeLists.txt builds one file for each fault;
 * tests/conformance/CMakeLists.txt holds the sentence that dnn conform must say of it. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dnn_plugin.h"
#include "dnn_ops.h"

#define NOTHING 0
#define WRONG_VALUE 1
#define WRONG_GRADIENT 2
#define WRITES_PAST 3
#define READS_POISON 4
#define LIES_DETERMINISTIC 5
#define ALLOCATES 6
#define UNCLEAN_FLAGS 7
#define MISSING_REORDER 8
#define STASH_MISMATCH 9
#define PRINTS 10
#define LIES_REENTRANT 11
#define LIES_INPLACE 12
#define DIRTY_PADDING 13
#define EXPORTS 14
#define READS_PAST 15
#define WRITES_INPUT 16
#define LEAKS 17
#define NARROW_STRIDES 18

#if PLANTED == EXPORTS
DNN_EXPORT int dnn_planted_helper;
#endif

/* ---- relu ---- */

#if PLANTED == NARROW_STRIDES
/* The place of element i in elements, in 32 bits. */
static int32_t place(const dnn_view *v, int64_t i)
{
    uint32_t at = 0;

    for (int32_t d = v->ndim - 1; d >= 0; d--) {
        at += (uint32_t)(i % v->dim[d]) * (uint32_t)v->stride[d];
        i /= v->dim[d];
    }
    return (int32_t)at;
}

static dnn_status relu_strided_run(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;
    int64_t n = 1;

    for (int32_t d = 0; d < c->out[0]->ndim; d++) {
        n *= c->out[0]->dim[d];
    }
    for (int64_t i = 0; i < n; i++) {
        float from = x[place(c->in[0], i)];

        y[place(c->out[0], i)] = from < 0 ? 0 : from;
    }
    return DNN_OK;
}
#define RELU_RUN relu_strided_run
#else
#define RELU_RUN relu_run
#endif

static inline dnn_status relu_run(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;
    int64_t n = (int64_t)(c->out[0]->nbytes / sizeof(float));

#if PLANTED == ALLOCATES
    c->host->free(c->host->alloc(64, 64));
#elif PLANTED == PRINTS
    puts("relu at work");
    fflush(stdout);
#elif PLANTED == READS_POISON
    float unset = ((const float *)c->workspace)[3];
#elif PLANTED == LIES_REENTRANT
    static float shared[1 << 17];
#elif PLANTED == LIES_INPLACE
    for (int64_t i = 0; i < n; i++) {
        y[i] = x[i] < 0 ? -x[i] : x[i]; /* over x, this is what the next loop sees */
    }
#endif
    for (int64_t i = 0; i < n; i++) {
        y[i] = x[i] < 0 ? 0 : x[i];
#if PLANTED == WRONG_VALUE
        y[i] = i % 8 == 7 ? x[i] : y[i]; /* one lane in eight */
#elif PLANTED == READS_POISON
        y[i] += 0 * unset;
#elif PLANTED == READS_PAST
        y[i] += 0 * x[i + 16];
#endif
    }
#if PLANTED == WRITES_PAST
    y[n] = 1;
#elif PLANTED == WRITES_INPUT
    ((float *)c->in[0]->data)[0] = 1;
#elif PLANTED == LIES_REENTRANT
    for (int64_t i = 0; i < n && n <= 1 << 17; i++) {
        shared[i] = x[i] < 0 ? 0 : x[i];
    }
    sched_yield(); /* what a busy machine does sooner or later */
    for (int64_t i = 0; i < n && n <= 1 << 17; i++) {
        y[i] = shared[i];
    }
#endif
    return DNN_OK;
}

static dnn_status relu_bwd_run(const dnn_call *c)
{
    const float *dy = c->in[0]->data, *y = c->in[1]->data;
    float *dx = c->out[0]->data;

    for (uint64_t i = 0; i < c->out[0]->nbytes / sizeof(float); i++) {
        dx[i] = y[i] > 0 || y[i] != y[i] ? dy[i] : 0;
#if PLANTED == WRONG_GRADIENT
        dx[i] = y[i] > 0 ? dy[i] : dy[i] / 100; /* leaky */
#endif
    }
    return DNN_OK;
}

#if PLANTED == LEAKS
static dnn_status relu_plan(const dnn_call *c, dnn_plan *p)
{
    (void)c;
    p->state = malloc(100); /* and no unplan */
    return DNN_OK;
}
#define RELU_PLAN .plan = relu_plan,
#elif PLANTED == READS_POISON || PLANTED == STASH_MISMATCH
static dnn_status relu_plan(const dnn_call *c, dnn_plan *p)
{
    (void)c;
    *(PLANTED == READS_POISON ? &p->workspace_bytes : &p->stash_bytes) = 64;
    return DNN_OK;
}
#define RELU_PLAN .plan = relu_plan,
#else
#define RELU_PLAN
#endif

#if PLANTED == STASH_MISMATCH
static dnn_status relu_bwd_plan(const dnn_call *c, dnn_plan *p)
{
    (void)c;
    p->stash_bytes = 32;
    return DNN_OK;
}
#define RELU_BWD_PLAN .plan = relu_bwd_plan,
#else
#define RELU_BWD_PLAN
#endif

/* ---- sum of everything, by a partial sum for each worker ---- */

struct partial {
    const float *x;
    float *sum;
};

static void sum_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct partial *p = arg;
    double sum = 0;

    for (int64_t i = begin; i < end; i++) {
        sum += p->x[i];
    }
    p->sum[worker] += (float)sum;
}

static dnn_status sum_plan(const dnn_call *c, dnn_plan *plan)
{
    const dnn_attr_reduce *a = c->attr;

    if (a->dims != (1u << c->in[0]->ndim) - 1) {
        return c->host->fail(DNN_DECLINED, "only over all axes");
    }
    plan->workspace_bytes = (uint64_t)c->host->threads() * sizeof(float);
    return DNN_OK;
}

static dnn_status sum_run(const dnn_call *c)
{
    struct partial p = {c->in[0]->data, c->workspace};
    float *y = c->out[0]->data;
    int n = c->host->threads();

    memset(p.sum, 0, (size_t)n * sizeof *p.sum);
    c->host->parallel_for((int64_t)(c->in[0]->nbytes / sizeof(float)), 64, sum_piece, &p);
    *y = 0;
    for (int i = 0; i < n; i++) {
        *y += p.sum[i];
    }
    return DNN_OK;
}

/* ---- a layout: pairs, padded to an even number of elements ---- */

#if PLANTED == MISSING_REORDER || PLANTED == DIRTY_PADDING
static uint32_t pairs(const dnn_call *c)
{
    return c->host->layout("planted/pairs");
}

static uint64_t elements(const dnn_view *v)
{
    uint64_t n = 1;

    for (int32_t d = 0; d < v->ndim; d++) {
        n *= (uint64_t)v->dim[d];
    }
    return n;
}

static uint64_t pairs_bytes(const dnn_view *v)
{
    return (elements(v) + 1) / 2 * 2 * sizeof(float);
}

static dnn_status reorder_plan(const dnn_call *c, dnn_plan *p)
{
    p->out_bytes[0] = c->out[0]->layout != 0 ? pairs_bytes(c->out[0]) : 0;
    return DNN_OK;
}

static dnn_status reorder_run(const dnn_call *c)
{
    uint64_t bytes = elements(c->in[0]) * sizeof(float);

    memcpy(c->out[0]->data, c->in[0]->data, bytes);
    if (c->out[0]->layout != 0) {
        memset((char *)c->out[0]->data + bytes, 0, pairs_bytes(c->out[0]) - bytes);
    }
    return DNN_OK;
}

/* neg in pairs. Of an odd number of elements one is padding, and it is written. */
static dnn_status neg_plan(const dnn_call *c, dnn_plan *p)
{
    p->in_layout[0] = p->out_layout[0] = pairs(c);
    p->out_bytes[0] = pairs_bytes(c->out[0]);
    return DNN_OK;
}

static dnn_status neg_run(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;

    for (uint64_t i = 0; i < c->out[0]->nbytes / sizeof(float); i++) {
        y[i] = i < elements(c->in[0]) ? -x[i] : 1;
    }
    return DNN_OK;
}
static const char *const layouts[] = {"planted", NULL};
#define LAYOUTS .layouts = layouts,
#else
#define LAYOUTS
#endif

/* ---- the table ---- */

enum {
    FLAGS = DNN_K_DETERMINISTIC | DNN_K_REENTRANT | (PLANTED == UNCLEAN_FLAGS ? 1 << 9 : 0) |
            (PLANTED == LIES_INPLACE ? DNN_K_INPLACE : 0)
};
#define KERNEL(op_, flags_, ...)                                                        \
    DNN_KERNEL(.op = op_, .device = "cpu", .name = "planted_" op_, .dtypes = DNN_T_F32, \
               .flags = flags_, .priority = DNN_PRI_SPECIAL, __VA_ARGS__)

static const dnn_kernel *const kernels[] = {
    KERNEL("relu", FLAGS | (PLANTED == NARROW_STRIDES ? DNN_K_STRIDED : 0),
           RELU_PLAN.run = RELU_RUN),
    KERNEL("relu_bwd", FLAGS, RELU_BWD_PLAN.run = relu_bwd_run),
    KERNEL("sum", PLANTED == LIES_DETERMINISTIC ? (int)FLAGS : DNN_K_REENTRANT, .plan = sum_plan,
           .run = sum_run),
#if PLANTED == MISSING_REORDER || PLANTED == DIRTY_PADDING
    KERNEL("neg", FLAGS, .plan = neg_plan, .run = neg_run),
    DNN_KERNEL(.op = "reorder", .device = "cpu", .name = "planted_reorder", .flags = FLAGS,
               .dtypes = PLANTED == MISSING_REORDER ? DNN_T_I32 : DNN_T_F32, .plan = reorder_plan,
               .run = reorder_run),
#endif
    NULL};

DNN_PLUGIN(.id = "planted", .version = "1.0.0", .build = "wrong in one thing",
           LAYOUTS.kernels = kernels)
