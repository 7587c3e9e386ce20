/* tempo.c - kernels that differ in speed, promises and declines, for the tests of DNN_PREFER,
 * DNN_MATH, DNN_DETERMINISTIC and DNN_TUNE. Each computes the right result. */
#include <stdlib.h>
#include <time.h>
#include "dnn_plugin.h"

#ifndef BUILD
#define BUILD "first"
#endif

static int64_t count(const dnn_call *c)
{
    return (int64_t)(c->out[0]->nbytes / sizeof(float));
}

static dnn_status relu(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;

    for (int64_t i = 0; i < count(c); i++) {
        y[i] = x[i] < 0 ? 0 : x[i];
    }
    return DNN_OK;
}

/* A plan depends on its key alone; this one breaks the rule, so that what was fastest yesterday
 * declines today. */
static dnn_status relu_plan(const dnn_call *c, dnn_plan *plan)
{
    (void)plan;
    return getenv("TEMPO_SHY") == NULL ? DNN_OK : c->host->fail(DNN_DECLINED, "not today");
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A third of a millisecond late: hundreds of times the work. */
static dnn_status relu_late(const dnn_call *c)
{
    int64_t end = now_ns() + 300000;

    while (now_ns() < end) {
    }
    return relu(c);
}

/* Tells the mode of each call. */
static dnn_status add_telling(const dnn_call *c)
{
    const float *a = c->in[0]->data, *b = c->in[1]->data;
    float *y = c->out[0]->data;

    for (int64_t i = 0; i < count(c); i++) {
        y[i] = a[i] + b[i];
    }
    c->host->log(0, "tempo: add with mode %u", c->mode);
    return DNN_OK;
}

static dnn_status square_plan(const dnn_call *c, dnn_plan *plan)
{
    (void)plan;
    return c->in[0]->dim[0] == 4 ? DNN_OK : c->host->fail(DNN_DECLINED, "only four rows");
}

static dnn_status square(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;

    for (int64_t i = 0; i < count(c); i++) {
        y[i] = x[i] * x[i];
    }
    return DNN_OK;
}

static dnn_status breaks(const dnn_call *c)
{
    return c->host->fail(DNN_E_INTERNAL, "the belt has come off");
}

#define TEMPO(op_, name_, run_, priority_, flags_)                                          \
    DNN_KERNEL(.op = op_, .device = "cpu", .name = name_, .dtypes = DNN_T_F32, .run = run_, \
               .flags = flags_, .priority = priority_)
#define SAME_BITS (DNN_K_INPLACE | DNN_K_REENTRANT | DNN_K_DETERMINISTIC)

static const dnn_kernel *const kernels[] = {
    TEMPO("relu", "late", relu_late, 300, SAME_BITS),
    TEMPO("relu", "racy", relu_late, 290, DNN_K_REENTRANT),
    DNN_KERNEL(.op = "relu", .device = "cpu", .name = "quick", .dtypes = DNN_T_F32,
               .plan = relu_plan, .run = relu, .flags = SAME_BITS, .priority = 280),
    TEMPO("add", "telling", add_telling, 300, SAME_BITS),
    TEMPO("abs", "breaks", breaks, 300, SAME_BITS),
    TEMPO("exp", "breaks_first", breaks, 300, SAME_BITS),
    TEMPO("exp", "breaks_second", breaks, 200, SAME_BITS),
    DNN_KERNEL(.op = "square", .device = "cpu", .name = "fours", .dtypes = DNN_T_F32,
               .plan = square_plan, .run = square, .flags = SAME_BITS, .priority = 1),
    NULL};

DNN_PLUGIN(.id = "tempo", .version = "1.0.0", .build = BUILD, .kernels = kernels)
