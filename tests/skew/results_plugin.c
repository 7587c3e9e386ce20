/* results_plugin.c - kernels of the rows of several results (next_rows.c) on the CPU, f32. The
 * first kernel of eight keeps the factors 1 to 7 in a stash, from which eight_bwd reads them; the
 * second is FLAT. */
#include "dnn_plugin.h"

enum { FACTORS = 7 };

static uint64_t count(const dnn_view *v)
{
    return v->nbytes / sizeof(float);
}

static dnn_status plan_eight(const dnn_call *c, dnn_plan *p)
{
    p->stash_bytes = (c->mode & DNN_M_GRAD) != 0 ? FACTORS * sizeof(float) : 0;
    return DNN_OK;
}

static dnn_status plan_bwd(const dnn_call *c, dnn_plan *p)
{
    (void)c;
    p->stash_bytes = FACTORS * sizeof(float);
    return DNN_OK;
}

static dnn_status eight(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *stash = c->stash;

    for (int k = 0; k < FACTORS && stash != NULL; k++) {
        stash[k] = (float)(k + 1);
    }
    for (uint32_t k = 0; k < c->n_out; k++) {
        float *y = c->out[k] != NULL ? c->out[k]->data : NULL;

        for (uint64_t i = 0; y != NULL && i < count(c->in[0]); i++) {
            y[i] = k < FACTORS ? (float)(k + 1) * x[i] : x[i] * x[i];
        }
    }
    return DNN_OK;
}

static dnn_status eight_bwd(const dnn_call *c)
{
    const float *x = c->in[0]->data, *stash = c->stash;
    float *dx = c->out[0]->data;

    for (uint64_t i = 0; i < count(c->out[0]); i++) {
        dx[i] = 0;
        for (uint32_t k = 0; k <= FACTORS; k++) {
            const float *dy = c->in[1 + k] != NULL ? c->in[1 + k]->data : NULL;

            dx[i] += dy == NULL ? 0 : (k < FACTORS ? stash[k] : 2 * x[i]) * dy[i];
        }
    }
    return DNN_OK;
}

static dnn_status three(const dnn_call *c)
{
    const float *x = c->in[0]->data;

    for (uint64_t i = 0; i < count(c->in[0]); i++) {
        if (c->out[0] != NULL) {
            ((float *)c->out[0]->data)[i] = -x[i];
        }
        if (c->out[1] != NULL) {
            ((int32_t *)c->out[1]->data)[i] = x[i] > 0;
        }
        if (c->out[2] != NULL) {
            ((float *)c->out[2]->data)[i] = 2 * x[i];
        }
    }
    return DNN_OK;
}

#define ROW(op_, name_, plan_, run_, more, order)                                          \
    DNN_KERNEL(.op = op_, .name = name_, .device = "cpu", .dtypes = DNN_T_F32,             \
               .flags = DNN_K_REENTRANT | DNN_K_DETERMINISTIC | (more), .priority = order, \
               .plan = plan_, .run = run_)

static const dnn_kernel *const kernels[] = {
    ROW("eight", "eight", plan_eight, eight, 0, 200),
    ROW("eight", "eight_plain", NULL, eight, DNN_K_FLAT, 100),
    ROW("eight_bwd", "eight_bwd", plan_bwd, eight_bwd, 0, 200),
    ROW("three", "three", NULL, three, 0, 200),
    NULL,
};

DNN_PLUGIN(.id = "results", .version = "1.0", .kernels = kernels)
