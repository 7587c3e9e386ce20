/* norm.c - softmax, log_softmax and their gradients along one axis. If the axis is not the last,
 * adjacent rows are computed together. Called through the kernel table. It allocates nothing. */
#include "cpu_blas.h"
#include <math.h>

enum { ROWS = 32 }; /* rows that are computed together */

/* The operand as [outer, n, inner] with the axis in the middle. A strip is up to ROWS adjacent rows
 * along inner. */
struct axis {
    int64_t outer, n, inner, strips;
    const void *x, *y;
    void *to;
};

struct strip {
    int64_t at, count; /* the first element, and the number of rows */
};

static struct axis axis_of(const dnn_call *c)
{
    const dnn_attr_dim *attr = c->attr;
    const dnn_view *v = c->in[0];
    struct axis a = {
        .outer = 1, .n = v->dim[attr->dim], .inner = 1, .x = v->data, .to = c->out[0]->data};

    for (int d = 0; d < v->ndim; d++) {
        if (d < attr->dim)
            a.outer *= v->dim[d];
        if (d > attr->dim)
            a.inner *= v->dim[d];
    }
    a.strips = (a.inner + ROWS - 1) / ROWS;
    return a;
}

static struct strip strip_of(const struct axis *a, int64_t index)
{
    int64_t first = index % a->strips * ROWS, left = a->inner - first;

    return (struct strip){index / a->strips * a->n * a->inner + first, left < ROWS ? left : ROWS};
}

#define REAL_BITS 32
#include "norm_real.h"
#undef REAL_BITS
#define REAL_BITS 64
#include "norm_real.h"

/* ---- kernels ---- */

typedef void norm_task(void *arg, int64_t begin, int64_t end, int worker);

static dnn_status run_strips(const dnn_call *c, norm_task *f32, norm_task *f64)
{
    struct axis a = axis_of(c);

    if (c->n_in > 1)
        a.y = c->in[1]->data;
    if (a.n > 0 && a.inner > 0)
        cpu_parallel(c->host, a.outer * a.strips,
                     cpu_grain(a.n * (a.inner < ROWS ? a.inner : ROWS) * 4),
                     c->in[0]->dtype == DNN_T_F32 ? f32 : f64, &a);
    return DNN_OK;
}

static dnn_status run_softmax(const dnn_call *c)
{
    return run_strips(c, softmax_strips_f32, softmax_strips_f64);
}

static dnn_status run_log_softmax(const dnn_call *c)
{
    return run_strips(c, log_softmax_strips_f32, log_softmax_strips_f64);
}

static dnn_status run_softmax_bwd(const dnn_call *c)
{
    return run_strips(c, softmax_bwd_strips_f32, softmax_bwd_strips_f64);
}

static dnn_status run_log_softmax_bwd(const dnn_call *c)
{
    return run_strips(c, log_softmax_bwd_strips_f32, log_softmax_bwd_strips_f64);
}

#define PROMISES (DNN_K_UNALIGNED | DNN_K_INPLACE | DNN_K_REENTRANT | DNN_K_DETERMINISTIC)

CPU_FAMILY(norm) = {
    CPU_KERNEL(softmax, "rows", PROMISES, CPU_T_FLOAT),
    CPU_KERNEL(log_softmax, "rows", PROMISES, CPU_T_FLOAT),
    CPU_KERNEL(softmax_bwd, "rows", PROMISES, CPU_T_FLOAT),
    CPU_KERNEL(log_softmax_bwd, "rows", PROMISES, CPU_T_FLOAT),
    NULL,
};
