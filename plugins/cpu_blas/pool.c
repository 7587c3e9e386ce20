/* pool.c - max, average and adaptive pooling and their gradients, one plane of an image at a time.
 * One task computes a plane, so its sums have a fixed order. Called through the kernel table. It
 * allocates nothing. */
#include "cpu_blas.h"
#include <math.h>
#include <string.h>

/* Sizes of a call: `planes` planes of h x w (image) and ho x wo (windows). */
struct pool {
    int64_t planes, h, w, ho, wo;
    int64_t kh, kw, sh, sw, ph, pw, dh, dw;
    int exclude_pad;
    double divisor;
    const void *from;
    const int32_t *index;
    void *to;
    int32_t *index_to;
};

/* The part of a window inside the image along one axis: begin, begin + step, ... below end. */
struct range {
    int64_t begin, end;
};

static struct pool sizes_of(const dnn_view *image, const dnn_view *windows)
{
    return (struct pool){.planes = image->dim[0] * image->dim[1],
                         .h = image->dim[2],
                         .w = image->dim[3],
                         .ho = windows->dim[2],
                         .wo = windows->dim[3]};
}

static struct pool windowed(const dnn_call *c, const dnn_view *image, const dnn_view *windows)
{
    const dnn_attr_pool2d *attr = c->attr;
    struct pool s = sizes_of(image, windows);

    s.kh = attr->kernel_h;
    s.kw = attr->kernel_w;
    s.sh = attr->stride_h;
    s.sw = attr->stride_w;
    s.ph = attr->pad_h;
    s.pw = attr->pad_w;
    s.dh = attr->dilation_h > 0 ? attr->dilation_h : 1;
    s.dw = attr->dilation_w > 0 ? attr->dilation_w : 1;
    s.exclude_pad = attr->exclude_pad;
    s.divisor = attr->divisor;
    return s;
}

static struct range range_of(int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t step,
                             int64_t size)
{
    struct range r = {out * stride - pad, 0};

    r.end = r.begin + (kernel - 1) * step + 1;
    if (r.begin < 0)
        r.begin += (-r.begin + step - 1) / step * step;
    if (r.end > size)
        r.end = size;
    return r;
}

/* Cells floor(i size / n) .. ceil((i + 1) size / n) - 1; plan() has checked that both numbers are
 * below 2^31. */
static struct range adaptive_range(int64_t i, int64_t size, int64_t n)
{
    return (struct range){i * size / n, ((i + 1) * size + n - 1) / n};
}

/* Returns the number of cells of an average window inside the padded input, along one axis. */
static int64_t padded_cells(int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t size)
{
    int64_t begin = out * stride - pad, end = begin + kernel;

    return (end < size + pad ? end : size + pad) - begin;
}

static double divisor_of(const struct pool *s, int64_t y, int64_t x, struct range rows,
                         struct range cols)
{
    if (s->divisor != 0)
        return s->divisor;
    if (s->exclude_pad)
        return (double)((rows.end - rows.begin) * (cols.end - cols.begin));
    return (double)(padded_cells(y, s->kh, s->sh, s->ph, s->h) *
                    padded_cells(x, s->kw, s->sw, s->pw, s->w));
}

#define REAL_BITS 32
#include "pool_real.h"
#undef REAL_BITS
#define REAL_BITS 64
#include "pool_real.h"

/* ---- kernels ---- */

typedef void pool_task(void *arg, int64_t begin, int64_t end, int worker);

/* Runs the task for the dtype over all planes of out[0]. */
static dnn_status run_planes(const dnn_call *c, struct pool *s, pool_task *f32, pool_task *f64)
{
    int64_t image = s->h * s->w, windows = s->ho * s->wo;

    s->from = c->in[0]->data;
    s->to = c->out[0]->data;
    cpu_parallel(c->host, s->planes, cpu_grain(image > windows ? image : windows),
                 c->in[0]->dtype == DNN_T_F32 ? f32 : f64, s);
    return DNN_OK;
}

/* Indices are i32, so the plane must have at most INT32_MAX elements. */
static dnn_status plan_max_pool2d(const dnn_call *c, dnn_plan *plan)
{
    int64_t cells;

    (void)plan;
    if (c->n_out > 1 && c->out[1] &&
        (__builtin_mul_overflow(c->in[0]->dim[2], c->in[0]->dim[3], &cells) || cells > INT32_MAX))
        return c->host->fail(DNN_DECLINED,
                             "a plane of %lld x %lld has more elements than an i32 index can name",
                             (long long)c->in[0]->dim[2], (long long)c->in[0]->dim[3]);
    return DNN_OK;
}

static dnn_status plan_adaptive(const dnn_call *c, dnn_plan *plan)
{
    for (int d = 2; d < 4; d++)
        if (c->in[0]->dim[d] > INT32_MAX || c->out[0]->dim[d] > INT32_MAX)
            return c->host->fail(
                DNN_DECLINED, "adaptive pooling from %lld to %lld cells: the most is %d",
                (long long)c->in[0]->dim[d], (long long)c->out[0]->dim[d], INT32_MAX);
    return plan_max_pool2d(c, plan);
}

static dnn_status run_max_pool2d(const dnn_call *c)
{
    struct pool s = windowed(c, c->in[0], c->out[0]);

    s.index_to = c->n_out > 1 && c->out[1] ? c->out[1]->data : NULL;
    if (s.kh == 2 && s.kw == 2 && s.sh == 2 && s.sw == 2 && s.ph == 0 && s.pw == 0 && s.dh == 1 &&
        s.dw == 1 && s.ho * 2 <= s.h && s.wo * 2 <= s.w)
        return run_planes(c, &s, max_quads_f32, max_quads_f64);
    return run_planes(c, &s, max_planes_f32, max_planes_f64);
}

static dnn_status run_adaptive_max_pool2d(const dnn_call *c)
{
    struct pool s = sizes_of(c->in[0], c->out[0]);

    s.index_to = c->n_out > 1 && c->out[1] ? c->out[1]->data : NULL;
    return run_planes(c, &s, adaptive_max_planes_f32, adaptive_max_planes_f64);
}

/* Returns the first element whose index lies outside the plane; n if there is none. The loop has no
 * branch. */
static int64_t first_outside(const struct pool *s, int64_t n)
{
    int64_t cells = s->h * s->w, at = 0;
    uint32_t limit = cells > INT32_MAX ? (uint32_t)INT32_MAX + 1 : (uint32_t)cells, largest = 0;

    for (int64_t i = 0; i < n; i++) /* as unsigned, a negative index is larger than any */
        largest = (uint32_t)s->index[i] > largest ? (uint32_t)s->index[i] : largest;
    if (largest < limit)
        return n;
    while (at < n && (uint32_t)s->index[at] < limit)
        at++;
    return at;
}

static dnn_status run_max_pool2d_bwd(const dnn_call *c)
{
    struct pool s = sizes_of(c->out[0], c->in[0]);
    int64_t elements = cpu_count(c->in[0]), bad;

    s.index = c->in[1]->data;
    bad = first_outside(&s, elements);
    if (bad < elements)
        return c->host->fail(
            DNN_E_INVALID, "index %d at place %lld of indices is outside its plane of %lld x %lld",
            s.index[bad], (long long)bad, (long long)s.h, (long long)s.w);
    run_planes(c, &s, max_bwd_planes_f32, max_bwd_planes_f64);
    return DNN_OK;
}

static dnn_status run_avg_pool2d(const dnn_call *c)
{
    struct pool s = windowed(c, c->in[0], c->out[0]);

    return run_planes(c, &s, avg_planes_f32, avg_planes_f64);
}

static dnn_status run_avg_pool2d_bwd(const dnn_call *c)
{
    struct pool s = windowed(c, c->out[0], c->in[0]);

    return run_planes(c, &s, avg_bwd_planes_f32, avg_bwd_planes_f64);
}

static dnn_status run_adaptive_avg_pool2d(const dnn_call *c)
{
    struct pool s = sizes_of(c->in[0], c->out[0]);

    return run_planes(c, &s, adaptive_avg_planes_f32, adaptive_avg_planes_f64);
}

static dnn_status run_adaptive_avg_pool2d_bwd(const dnn_call *c)
{
    struct pool s = sizes_of(c->out[0], c->in[0]);

    return run_planes(c, &s, adaptive_avg_bwd_planes_f32, adaptive_avg_bwd_planes_f64);
}

#define PROMISES (DNN_K_UNALIGNED | DNN_K_REENTRANT | DNN_K_DETERMINISTIC)

CPU_FAMILY(pool) = {
    CPU_KERNEL_PLANNED(max_pool2d, "plane", PROMISES, CPU_T_FLOAT, plan_max_pool2d),
    CPU_KERNEL(max_pool2d_bwd, "plane", PROMISES, CPU_T_FLOAT),
    CPU_KERNEL(avg_pool2d, "plane", PROMISES, CPU_T_FLOAT),
    CPU_KERNEL(avg_pool2d_bwd, "plane", PROMISES, CPU_T_FLOAT),
    CPU_KERNEL_PLANNED(adaptive_avg_pool2d, "plane", PROMISES, CPU_T_FLOAT, plan_adaptive),
    CPU_KERNEL_PLANNED(adaptive_avg_pool2d_bwd, "plane", PROMISES, CPU_T_FLOAT, plan_adaptive),
    CPU_KERNEL_PLANNED(adaptive_max_pool2d, "plane", PROMISES, CPU_T_FLOAT, plan_adaptive),
    NULL,
};
