/* refmath_window.c - convolution and pooling of the oracle. Each family has one loop over all pairs
 * (output element, window cell), so that forward and backward use the same pairs. It shares no code
 * with a kernel. */
#include "refmath.h"
#include <math.h>
#include <stddef.h>

/* ---- convolution ---- */

/* Calls `meet` for every triple of indices (x, w, y) that the convolution multiplies. */
static void convolve(const ref_array *x, const ref_array *w, const ref_array *y,
                     const dnn_attr_conv2d *a,
                     void (*meet)(void *ctx, int64_t x_at, int64_t w_at, int64_t y_at), void *ctx)
{
    int64_t height = x->dim[2], width = x->dim[3], channels = w->dim[1], kh = w->dim[2],
            kw = w->dim[3];
    int64_t per_group = w->dim[0] / a->groups;

    for (int64_t j = 0; j < y->n; j++) {
        int64_t column = j % y->dim[3], row = j / y->dim[3] % y->dim[2];
        int64_t o = j / (y->dim[3] * y->dim[2]) % y->dim[1],
                n = j / (y->dim[3] * y->dim[2] * y->dim[1]);

        for (int64_t k = 0; k < channels * kh * kw; k++) {
            int64_t ch = o / per_group * channels + k / (kh * kw);
            int64_t r = row * a->stride_h - a->pad_top + k / kw % kh * a->dilation_h;
            int64_t s = column * a->stride_w - a->pad_left + k % kw * a->dilation_w;

            if (r >= 0 && r < height && s >= 0 && s < width)
                meet(ctx, ((n * x->dim[1] + ch) * height + r) * width + s,
                     o * channels * kh * kw + k, j);
        }
    }
}

/* Element p of the result gets the products of the other two. */
typedef struct sums {
    const double *a, *b;
    double *result;
} sums;

static void meet_forward(void *ctx, int64_t x_at, int64_t w_at, int64_t y_at)
{
    sums *s = ctx;

    s->result[y_at] += s->a[x_at] * s->b[w_at];
}

static void meet_input(void *ctx, int64_t x_at, int64_t w_at, int64_t y_at)
{
    sums *s = ctx;

    s->result[x_at] += s->a[y_at] * s->b[w_at];
}

static void meet_weight(void *ctx, int64_t x_at, int64_t w_at, int64_t y_at)
{
    sums *s = ctx;

    s->result[w_at] += s->a[y_at] * s->b[x_at];
}

static void clear(ref_array *y)
{
    for (int64_t k = 0; k < y->n; k++)
        y->f[k] = 0;
}

void ref_conv2d(const ref_call *c)
{
    const ref_array *x = c->in[0], *w = c->in[1];
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++)
        y->f[k] = c->in[2] != NULL ? c->in[2]->f[k / (y->dim[2] * y->dim[3]) % y->dim[1]] : 0;
    convolve(x, w, y, c->attr, meet_forward, &(sums){x->f, w->f, y->f});
}

void ref_conv2d_bwd_input(const ref_call *c)
{
    clear(c->out[0]);
    convolve(c->out[0], c->in[1], c->in[0], c->attr, meet_input,
             &(sums){c->in[0]->f, c->in[1]->f, c->out[0]->f});
}

void ref_conv2d_bwd_weight(const ref_call *c)
{
    clear(c->out[0]);
    convolve(c->in[1], c->out[0], c->in[0], c->attr, meet_weight,
             &(sums){c->in[0]->f, c->in[1]->f, c->out[0]->f});
}

/* ---- windows of pooling ---- */

/* The window of output element (i, j) along one axis: first, step, count; cells outside [0, size)
 * are padding. */
typedef struct window {
    int64_t first[2], step[2], count[2], size[2];
} window;

static window pool_window(const dnn_attr_pool2d *a, const ref_array *x, int64_t row, int64_t column,
                          bool dilated)
{
    return (window){.first = {row * a->stride_h - a->pad_h, column * a->stride_w - a->pad_w},
                    .step = {dilated ? a->dilation_h : 1, dilated ? a->dilation_w : 1},
                    .count = {a->kernel_h, a->kernel_w},
                    .size = {x->dim[2], x->dim[3]}};
}

static window adaptive_window(const ref_array *x, const ref_array *y, int64_t row, int64_t column)
{
    window w = {.step = {1, 1}, .size = {x->dim[2], x->dim[3]}};
    int64_t at[2] = {row, column};

    for (int d = 0; d < 2; d++) {
        int64_t out = y->dim[2 + d], in = x->dim[2 + d];

        w.first[d] = at[d] * in / out;
        w.count[d] = ((at[d] + 1) * in + out - 1) / out - w.first[d];
    }
    return w;
}

/* Returns the index in the plane of cell k of the window, or -1 for padding. */
static int64_t cell(const window *w, int64_t k)
{
    int64_t r = w->first[0] + k / w->count[1] * w->step[0],
            s = w->first[1] + k % w->count[1] * w->step[1];

    return r >= 0 && r < w->size[0] && s >= 0 && s < w->size[1] ? r * w->size[1] + s : -1;
}

/* For output element j of y: the first element of its plane in x, its row and column. */
static int64_t plane_of(const ref_array *x, const ref_array *y, int64_t j, int64_t *row,
                        int64_t *column)
{
    *column = j % y->dim[3];
    *row = j / y->dim[3] % y->dim[2];
    return j / (y->dim[2] * y->dim[3]) * x->dim[2] * x->dim[3];
}

static void store_largest(const ref_call *c, int64_t plane, const window *w, int64_t j)
{
    const double *x = c->in[0]->f + plane;
    int64_t best = -1;

    for (int64_t k = 0; k < w->count[0] * w->count[1]; k++) {
        int64_t at = cell(w, k);

        if (at >= 0 && (best < 0 || (!isnan(x[best]) && (isnan(x[at]) || x[at] > x[best]))))
            best = at;
    }
    c->out[0]->f[j] = x[best];
    if (c->out[1] != NULL)
        c->out[1]->i[j] = best;
}

void ref_max_pool2d(const ref_call *c)
{
    const ref_array *x = c->in[0], *y = c->out[0];
    int64_t row, column;

    for (int64_t j = 0; j < y->n; j++) {
        int64_t plane = plane_of(x, y, j, &row, &column);
        window w = pool_window(c->attr, x, row, column, true);

        store_largest(c, plane, &w, j);
    }
}

void ref_adaptive_max_pool2d(const ref_call *c)
{
    const ref_array *x = c->in[0], *y = c->out[0];
    int64_t row, column;

    for (int64_t j = 0; j < y->n; j++) {
        int64_t plane = plane_of(x, y, j, &row, &column);
        window w = adaptive_window(x, y, row, column);

        store_largest(c, plane, &w, j);
    }
}

void ref_max_pool2d_bwd(const ref_call *c)
{
    const ref_array *dy = c->in[0];
    ref_array *dx = c->out[0];
    int64_t row, column;

    clear(dx);
    for (int64_t j = 0; j < dy->n; j++)
        dx->f[plane_of(dx, dy, j, &row, &column) + c->in[1]->i[j]] += dy->f[j];
}

/* The divisor of a window's sum in avg_pool2d. */
static double divisor(const dnn_attr_pool2d *a, const window *w)
{
    double cells = 1;

    if (a->divisor != 0)
        return a->divisor;
    for (int d = 0; d < 2; d++) {
        int64_t pad = a->exclude_pad ? 0 : d == 0 ? a->pad_h : a->pad_w;
        int64_t begin = w->first[d] < -pad ? -pad : w->first[d], end = w->first[d] + w->count[d];

        if (end > w->size[d] + pad)
            end = w->size[d] + pad;
        cells *= (double)(end - begin);
    }
    return cells;
}

static void mean_forward(const double *x, double *y, const window *w, double by)
{
    long double sum = 0;

    for (int64_t k = 0; k < w->count[0] * w->count[1]; k++)
        if (cell(w, k) >= 0)
            sum += (long double)x[cell(w, k)];
    *y = (double)(sum / (long double)by);
}

static void mean_backward(double *dx, double dy, const window *w, double by)
{
    for (int64_t k = 0; k < w->count[0] * w->count[1]; k++)
        if (cell(w, k) >= 0)
            dx[cell(w, k)] += dy / by;
}

void ref_avg_pool2d(const ref_call *c)
{
    const ref_array *x = c->in[0], *y = c->out[0];
    int64_t row, column;

    for (int64_t j = 0; j < y->n; j++) {
        int64_t plane = plane_of(x, y, j, &row, &column);
        window w = pool_window(c->attr, x, row, column, false);

        mean_forward(x->f + plane, y->f + j, &w, divisor(c->attr, &w));
    }
}

void ref_avg_pool2d_bwd(const ref_call *c)
{
    const ref_array *dy = c->in[0], *dx = c->out[0];
    int64_t row, column;

    clear(c->out[0]);
    for (int64_t j = 0; j < dy->n; j++) {
        int64_t plane = plane_of(dx, dy, j, &row, &column);
        window w = pool_window(c->attr, dx, row, column, false);

        mean_backward(dx->f + plane, dy->f[j], &w, divisor(c->attr, &w));
    }
}

void ref_adaptive_avg_pool2d(const ref_call *c)
{
    const ref_array *x = c->in[0], *y = c->out[0];
    int64_t row, column;

    for (int64_t j = 0; j < y->n; j++) {
        int64_t plane = plane_of(x, y, j, &row, &column);
        window w = adaptive_window(x, y, row, column);

        mean_forward(x->f + plane, y->f + j, &w, (double)(w.count[0] * w.count[1]));
    }
}

void ref_adaptive_avg_pool2d_bwd(const ref_call *c)
{
    const ref_array *dy = c->in[0], *dx = c->out[0];
    int64_t row, column;

    clear(c->out[0]);
    for (int64_t j = 0; j < dy->n; j++) {
        int64_t plane = plane_of(dx, dy, j, &row, &column);
        window w = adaptive_window(dx, dy, row, column);

        mean_backward(dx->f + plane, dy->f[j], &w, (double)(w.count[0] * w.count[1]));
    }
}
