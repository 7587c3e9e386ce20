/* blocked.c - a plugin with a private layout: f32 activations in blocks of eight channels. It is
 * the worked example of private layouts, and tests how the core handles them: a LeNet trains on it
 * without a reorder between its operators.
 *
 * In the layout "blocked/nChw8c" of [N,C,H,W], element (n,c,h,w) lies at
 * (((n*B + c/8)*H + h)*W + w)*8 + c%8, where B = ceil(C/8); the padding behind channel C is zero.
 * Eight channels of one pixel are one vector for every H and W. Weights, biases and their gradients
 * stay strided, because the program reads and writes parameters. */
#include <string.h>
#include "dnn_plugin.h"
#include "dnn_ops.h"

enum { LANES = 8 };

/* Planes smaller than this are written strided by the pooling: what follows is a flatten, or so
 * small that blocks gain nothing. */
enum { LEAST_PLANE = 32 };

static uint32_t blocked(const dnn_call *c)
{
    return c->host->layout("blocked/nChw8c");
}

static int64_t blocks_of(int64_t channels)
{
    return (channels + LANES - 1) / LANES;
}

static uint64_t blocked_bytes(const int64_t *dim)
{
    return (uint64_t)(dim[0] * blocks_of(dim[1]) * LANES * dim[2] * dim[3]) * sizeof(float);
}

/* One operand in either layout: element (n, c, h, w) of block c/8 and lane c%8. */
struct image {
    float *data;
    int64_t channels, rows, columns;
    int64_t image, block, lane, row, column; /* steps, in elements */
};

static struct image image_of(const dnn_view *v)
{
    struct image i = {v->data, v->dim[1], v->dim[2], v->dim[3], 0, 0, 0, 0, 0};

    if (v->layout != 0) {
        i.lane = 1;
        i.column = LANES;
        i.row = LANES * i.columns;
        i.block = i.row * i.rows;
        i.image = i.block * blocks_of(i.channels);
    } else {
        i.lane = v->stride[1];
        i.column = v->stride[3];
        i.row = v->stride[2];
        i.block = LANES * v->stride[1];
        i.image = v->stride[0];
    }
    return i;
}

static int lanes_in(const struct image *i, int64_t block)
{
    int64_t left = i->channels - block * LANES;

    return left < LANES ? (int)left : LANES;
}

static float *place(const struct image *i, int64_t n, int64_t block, int64_t row, int64_t column)
{
    return i->data + n * i->image + block * i->block + row * i->row + column * i->column;
}

static void load(float *to, const struct image *i, const float *from, int lanes)
{
    for (int k = 0; k < LANES; k++) {
        to[k] = k < lanes ? from[k * i->lane] : 0;
    }
}

/* Writes the lanes that there are; in blocks the padding as well, which is zero. */
static void store(const struct image *i, float *to, const float *from, int lanes)
{
    for (int k = 0; k < (i->lane == 1 && i->column == LANES ? LANES : lanes); k++) {
        to[k * i->lane] = k < lanes ? from[k] : 0;
    }
}

/* ---- reorder ---- */

static dnn_status reorder_plan(const dnn_call *c, dnn_plan *plan)
{
    const dnn_view *x = c->in[0], *y = c->out[0];
    uint32_t ours = blocked(c);

    if (x->ndim != 4) {
        return c->host->fail(DNN_DECLINED, "a tensor of rank %d has no channels to block", x->ndim);
    }
    if ((x->layout != ours || y->layout != 0) && (x->layout != 0 || y->layout != ours)) {
        return c->host->fail(DNN_DECLINED, "only between strides and blocked/nChw8c");
    }
    if (x->layout == ours && x->nbytes != blocked_bytes(x->dim)) {
        return c->host->fail(DNN_DECLINED, "%llu bytes, where blocked/nChw8c has %llu",
                             (unsigned long long)x->nbytes,
                             (unsigned long long)blocked_bytes(x->dim));
    }
    plan->out_bytes[0] = y->layout == ours ? blocked_bytes(y->dim) : 0;
    return DNN_OK;
}

static void reorder_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const dnn_call *c = arg;
    struct image x = image_of(c->in[0]), y = image_of(c->out[0]);
    float lane[LANES];

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / blocks_of(x.channels), block = i % blocks_of(x.channels);

        for (int64_t row = 0; row < x.rows; row++) {
            for (int64_t column = 0; column < x.columns; column++) {
                load(lane, &x, place(&x, n, block, row, column), lanes_in(&x, block));
                store(&y, place(&y, n, block, row, column), lane, lanes_in(&y, block));
            }
        }
    }
}

static dnn_status reorder_run(const dnn_call *c)
{
    const int64_t *dim = c->in[0]->dim;

    c->host->parallel_for(dim[0] * blocks_of(dim[1]), 1, reorder_piece, (void *)c);
    return DNN_OK;
}

/* ---- convolution ---- */

static dnn_status conv_plan(const dnn_call *c, dnn_plan *plan, int private_in, int private_out)
{
    const dnn_attr_conv2d *a = c->attr;

    if (a->groups != 1) {
        return c->host->fail(DNN_DECLINED, "groups=%d", a->groups);
    }
    if (private_in >= 0) {
        plan->in_layout[private_in] = blocked(c);
    }
    if (private_out >= 0) {
        plan->out_layout[private_out] = blocked(c);
        plan->out_bytes[private_out] = blocked_bytes(c->out[private_out]->dim);
    }
    return DNN_OK;
}

/* x as it comes: the image of the first layer is strided and stays so. */
static dnn_status conv2d_plan(const dnn_call *c, dnn_plan *plan)
{
    plan->in_layout[0] = c->in[0]->layout;
    return conv_plan(c, plan, -1, 0);
}

static dnn_status bwd_input_plan(const dnn_call *c, dnn_plan *plan)
{
    return conv_plan(c, plan, 0, 0);
}

static dnn_status bwd_weight_plan(const dnn_call *c, dnn_plan *plan)
{
    plan->in_layout[1] = c->in[1]->layout;
    return conv_plan(c, plan, 0, -1);
}

struct weights {
    float *data;
    int64_t out, in, rows, columns, step[4];
};

static struct weights weights_of(const dnn_view *v)
{
    struct weights w = {v->data, v->dim[0], v->dim[1], v->dim[2], v->dim[3], {0}};

    memcpy(w.step, v->stride, sizeof w.step);
    return w;
}

static float weight_at(const struct weights *w, int64_t o, int64_t i, int64_t row, int64_t column)
{
    return w->data[o * w->step[0] + i * w->step[1] + row * w->step[2] + column * w->step[3]];
}

/* sum[lanes] of the output block at (row, column): every tap that lies inside the image. */
static void gather(const dnn_attr_conv2d *a, const struct image *x, const struct weights *w,
                   int64_t n, int64_t block, int lanes, int64_t row, int64_t column, float *sum)
{
    for (int64_t ky = 0; ky < w->rows; ky++) {
        int64_t iy = row * a->stride_h + ky * a->dilation_h - a->pad_top;

        for (int64_t kx = 0; kx < w->columns && iy >= 0 && iy < x->rows; kx++) {
            int64_t ix = column * a->stride_w + kx * a->dilation_w - a->pad_left;

            for (int64_t i = 0; i < w->in && ix >= 0 && ix < x->columns; i++) {
                float value = *(place(x, n, i / LANES, iy, ix) + i % LANES * x->lane);

                for (int k = 0; k < lanes; k++) {
                    sum[k] += value * weight_at(w, block * LANES + k, i, ky, kx);
                }
            }
        }
    }
}

static void conv2d_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const dnn_call *c = arg;
    struct image x = image_of(c->in[0]), y = image_of(c->out[0]);
    struct weights w = weights_of(c->in[1]);
    const dnn_view *bias = c->in[2];

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / blocks_of(y.channels), block = i % blocks_of(y.channels);
        int lanes = lanes_in(&y, block);

        for (int64_t row = 0; row < y.rows; row++) {
            for (int64_t column = 0; column < y.columns; column++) {
                float sum[LANES] = {0};

                for (int k = 0; k < lanes && bias != NULL; k++) {
                    sum[k] = ((const float *)bias->data)[(block * LANES + k) * bias->stride[0]];
                }
                gather(c->attr, &x, &w, n, block, lanes, row, column, sum);
                store(&y, place(&y, n, block, row, column), sum, lanes);
            }
        }
    }
}

static dnn_status conv2d_run(const dnn_call *c)
{
    const int64_t *dim = c->out[0]->dim;

    c->host->parallel_for(dim[0] * blocks_of(dim[1]), 1, conv2d_piece, (void *)c);
    return DNN_OK;
}

/* One place of dy into all places of dx that its window covers. */
static void scatter(const dnn_attr_conv2d *a, const struct image *dx, const struct weights *w,
                    const float *dy, int64_t o, int lanes, int64_t n, int64_t row, int64_t column)
{
    for (int64_t ky = 0; ky < w->rows; ky++) {
        int64_t iy = row * a->stride_h + ky * a->dilation_h - a->pad_top;

        for (int64_t kx = 0; kx < w->columns && iy >= 0 && iy < dx->rows; kx++) {
            int64_t ix = column * a->stride_w + kx * a->dilation_w - a->pad_left;

            for (int64_t i = 0; i < w->in && ix >= 0 && ix < dx->columns; i++) {
                float *to = place(dx, n, i / LANES, iy, ix) + i % LANES * dx->lane;

                for (int k = 0; k < lanes; k++) {
                    *to += dy[k] * weight_at(w, o + k, i, ky, kx);
                }
            }
        }
    }
}

static void bwd_input_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const dnn_call *c = arg;
    struct image dy = image_of(c->in[0]), dx = image_of(c->out[0]);
    struct weights w = weights_of(c->in[1]);
    float lane[LANES];

    (void)worker;
    for (int64_t n = begin; n < end; n++) {
        memset(place(&dx, n, 0, 0, 0), 0, (size_t)dx.image * sizeof(float));
        for (int64_t block = 0; block < blocks_of(dy.channels); block++) {
            int lanes = lanes_in(&dy, block);

            for (int64_t row = 0; row < dy.rows; row++) {
                for (int64_t column = 0; column < dy.columns; column++) {
                    load(lane, &dy, place(&dy, n, block, row, column), lanes);
                    scatter(c->attr, &dx, &w, lane, block * LANES, lanes, n, row, column);
                }
            }
        }
    }
}

static dnn_status bwd_input_run(const dnn_call *c)
{
    c->host->parallel_for(c->out[0]->dim[0], 1, bwd_input_piece, (void *)c);
    return DNN_OK;
}

/* dw[o, i, ky, kx] for the eight o of a block: the sum over all places of dy times the place of x
 * below the tap, in the order of the places. */
static void tap_sum(const dnn_attr_conv2d *a, const struct image *dy, const struct image *x,
                    int64_t block, int64_t i, int64_t ky, int64_t kx, int64_t images, float *sum)
{
    int lanes = lanes_in(dy, block);
    float lane[LANES];

    for (int64_t n = 0; n < images; n++) {
        for (int64_t row = 0; row < dy->rows; row++) {
            int64_t iy = row * a->stride_h + ky * a->dilation_h - a->pad_top;

            for (int64_t column = 0; column < dy->columns && iy >= 0 && iy < x->rows; column++) {
                int64_t ix = column * a->stride_w + kx * a->dilation_w - a->pad_left;

                if (ix >= 0 && ix < x->columns) {
                    float value = *(place(x, n, i / LANES, iy, ix) + i % LANES * x->lane);

                    load(lane, dy, place(dy, n, block, row, column), lanes);
                    for (int k = 0; k < LANES; k++) {
                        sum[k] += lane[k] * value;
                    }
                }
            }
        }
    }
}

static void bwd_weight_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const dnn_call *c = arg;
    struct image dy = image_of(c->in[0]), x = image_of(c->in[1]);
    struct weights w = weights_of(c->out[0]);

    (void)worker;
    for (int64_t at = begin; at < end; at++) { /* (block, i) */
        int64_t block = at / w.in, i = at % w.in;

        for (int64_t ky = 0; ky < w.rows; ky++) {
            for (int64_t kx = 0; kx < w.columns; kx++) {
                float sum[LANES] = {0};

                tap_sum(c->attr, &dy, &x, block, i, ky, kx, c->in[0]->dim[0], sum);
                for (int k = 0; k < lanes_in(&dy, block); k++) {
                    w.data[(block * LANES + k) * w.step[0] + i * w.step[1] + ky * w.step[2] +
                           kx * w.step[3]] = sum[k];
                }
            }
        }
    }
}

static dnn_status bwd_weight_run(const dnn_call *c)
{
    c->host->parallel_for(blocks_of(c->out[0]->dim[0]) * c->out[0]->dim[1], 1, bwd_weight_piece,
                          (void *)c);
    return DNN_OK;
}

/* ---- sum over all but the channels: the gradient of a bias ---- */

static dnn_status sum_plan(const dnn_call *c, dnn_plan *plan)
{
    const dnn_attr_reduce *a = c->attr;

    if (c->in[0]->layout == 0 || a->dims != (1u << 0 | 1u << 2 | 1u << 3)) {
        return c->host->fail(DNN_DECLINED, "only over N, H and W of a blocked image");
    }
    plan->in_layout[0] = c->in[0]->layout;
    return DNN_OK;
}

static void sum_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const dnn_call *c = arg;
    struct image x = image_of(c->in[0]);
    float *y = c->out[0]->data;

    (void)worker;
    for (int64_t block = begin; block < end; block++) {
        double sum[LANES] = {0};

        for (int64_t n = 0; n < c->in[0]->dim[0]; n++) {
            const float *from = place(&x, n, block, 0, 0);

            for (int64_t i = 0; i < x.rows * x.columns; i++) {
                for (int k = 0; k < LANES; k++) {
                    sum[k] += from[i * LANES + k];
                }
            }
        }
        for (int k = 0; k < lanes_in(&x, block); k++) {
            y[block * LANES + k] = (float)sum[k];
        }
    }
}

static dnn_status sum_run(const dnn_call *c)
{
    c->host->parallel_for(blocks_of(c->in[0]->dim[1]), 1, sum_piece, (void *)c);
    return DNN_OK;
}

/* ---- max pooling ----
 * Blocks in, blocks out while the plane is large enough; indices are strided. */

static dnn_status pool_plan(const dnn_call *c, dnn_plan *plan)
{
    const int64_t *dim = c->out[0]->dim;

    plan->in_layout[0] = blocked(c);
    if (dim[2] * dim[3] >= LEAST_PLANE) {
        plan->out_layout[0] = blocked(c);
        plan->out_bytes[0] = blocked_bytes(dim);
    }
    return DNN_OK;
}

/* Value and place of the maximum of one window, of one lane. Padding never wins; the first of
 * equals, NaN first. */
static void window_max(const dnn_attr_pool2d *a, const struct image *x, const float *plane,
                       int64_t row, int64_t column, float *best, int32_t *at)
{
    *at = -1;
    for (int64_t ky = 0; ky < a->kernel_h; ky++) {
        int64_t iy = row * a->stride_h + ky * a->dilation_h - a->pad_h;

        for (int64_t kx = 0; kx < a->kernel_w && iy >= 0 && iy < x->rows; kx++) {
            int64_t ix = column * a->stride_w + kx * a->dilation_w - a->pad_w;
            float value;

            if (ix < 0 || ix >= x->columns) {
                continue;
            }
            value = plane[iy * x->row + ix * x->column];
            if (*at < 0 || value > *best || (value != value && *best == *best)) {
                *best = value;
                *at = (int32_t)(iy * x->columns + ix);
            }
        }
    }
}

static void pool_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const dnn_call *c = arg;
    struct image x = image_of(c->in[0]), y = image_of(c->out[0]);
    int32_t *indices = c->out[1] != NULL ? c->out[1]->data : NULL;

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / blocks_of(x.channels), block = i % blocks_of(x.channels);
        int lanes = lanes_in(&x, block);

        for (int64_t row = 0; row < y.rows; row++) {
            for (int64_t column = 0; column < y.columns; column++) {
                float best[LANES] = {0};

                for (int k = 0; k < lanes; k++) {
                    int64_t plane = n * x.channels + block * LANES + k;
                    int32_t at;

                    window_max(c->attr, &x, place(&x, n, block, 0, 0) + k * x.lane, row, column,
                               &best[k], &at);
                    if (indices != NULL) {
                        indices[(plane * y.rows + row) * y.columns + column] = at;
                    }
                }
                store(&y, place(&y, n, block, row, column), best, lanes);
            }
        }
    }
}

static dnn_status pool_run(const dnn_call *c)
{
    const int64_t *dim = c->in[0]->dim;

    c->host->parallel_for(dim[0] * blocks_of(dim[1]), 1, pool_piece, (void *)c);
    return DNN_OK;
}

static dnn_status pool_bwd_plan(const dnn_call *c, dnn_plan *plan)
{
    plan->in_layout[0] = c->in[0]->layout;
    plan->out_layout[0] = blocked(c);
    plan->out_bytes[0] = blocked_bytes(c->out[0]->dim);
    return DNN_OK;
}

static void pool_bwd_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const dnn_call *c = arg;
    struct image dy = image_of(c->in[0]), dx = image_of(c->out[0]);
    const dnn_view *v = c->in[1];
    const int32_t *indices = v->data;

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / blocks_of(dx.channels), block = i % blocks_of(dx.channels);
        float *to = place(&dx, n, block, 0, 0);

        memset(to, 0, (size_t)dx.block * sizeof(float));
        for (int k = 0; k < lanes_in(&dx, block); k++) {
            const int32_t *at = indices + n * v->stride[0] + (block * LANES + k) * v->stride[1];

            for (int64_t row = 0; row < dy.rows; row++) {
                for (int64_t column = 0; column < dy.columns; column++) {
                    int64_t index = at[row * v->stride[2] + column * v->stride[3]];

                    to[index * LANES + k] += *(place(&dy, n, block, row, column) + k * dy.lane);
                }
            }
        }
    }
}

/* The first index outside the plane, as a place in the indices; -1 if there is none. */
static int64_t bad_index(const dnn_view *v, int64_t plane)
{
    const int32_t *indices = v->data;
    int64_t n = (int64_t)(v->nbytes / sizeof *indices);

    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || indices[i] >= plane) {
            return i;
        }
    }
    return -1;
}

static dnn_status pool_bwd_run(const dnn_call *c)
{
    const int64_t *dim = c->out[0]->dim;
    int64_t bad = bad_index(c->in[1], dim[2] * dim[3]);

    if (bad >= 0) {
        return c->host->fail(DNN_E_INVALID,
                             "index %d at place %lld is outside its plane of %lld x %lld",
                             ((const int32_t *)c->in[1]->data)[bad], (long long)bad,
                             (long long)dim[2], (long long)dim[3]);
    }
    c->host->parallel_for(dim[0] * blocks_of(dim[1]), 1, pool_bwd_piece, (void *)c);
    return DNN_OK;
}

/* ---- elementwise, over whatever bytes the operands share ---- */

enum { PIECE = 1 << 14 };

#define DEFINE_FLAT(name, expression)                                                            \
    static void name##_piece(void *arg, int64_t begin, int64_t end, int worker)                  \
    {                                                                                            \
        const dnn_call *c = arg;                                                                 \
        const float *first = c->in[0]->data;                                                     \
        const float *second = c->n_in > 1 ? c->in[1]->data : first;                              \
        float *y = c->out[0]->data;                                                              \
                                                                                                 \
        (void)worker;                                                                            \
        for (int64_t i = begin; i < end; i++) {                                                  \
            float a = first[i], b = second[i];                                                   \
                                                                                                 \
            (void)b;                                                                             \
            y[i] = expression;                                                                   \
        }                                                                                        \
    }                                                                                            \
    static dnn_status name##_run(const dnn_call *c)                                              \
    {                                                                                            \
        c->host->parallel_for((int64_t)(c->out[0]->nbytes / sizeof(float)), PIECE, name##_piece, \
                              (void *)c);                                                        \
        return DNN_OK;                                                                           \
    }
DEFINE_FLAT(relu, a < 0 ? 0 : a)
DEFINE_FLAT(relu_bwd, b <= 0 ? 0 : a)
DEFINE_FLAT(neg, -a)
DEFINE_FLAT(add, a + b)
DEFINE_FLAT(sub, a - b)
DEFINE_FLAT(mul, a *b)
/* These do not keep zeros: over blocks they would write into the padding. The core does not let
 * them. */
DEFINE_FLAT(reciprocal, 1 / a)
DEFINE_FLAT(div, a / b)

/* ---- the optimizer's step: p, g and b lie alike, in whatever layout ---- */

struct step {
    const dnn_attr_sgd *attr;
    float lr, momentum, *p, *b;
    const float *g;
};

static void step_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct step *s = arg;
    const dnn_attr_sgd *a = s->attr;
    float decay = (float)a->weight_decay, keep = 1 - (float)a->dampening;

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        float g = (a->maximize ? -s->g[i] : s->g[i]) + decay * s->p[i];

        if (s->b != NULL) {
            s->b[i] = a->first ? g : s->momentum * s->b[i] + keep * g;
            g = a->nesterov ? g + s->momentum * s->b[i] : s->b[i];
        }
        s->p[i] -= s->lr * g;
    }
}

static dnn_status step_run(const dnn_call *c)
{
    struct step s = {.attr = c->attr,
                     .lr = (float)*(const double *)c->in[0]->data,
                     .momentum = (float)*(const double *)c->in[1]->data};

    for (uint32_t i = 2; i + 2 < c->n_in; i += 3) {
        s.p = c->in[i]->data;
        s.g = c->in[i + 1]->data;
        s.b = c->in[i + 2] != NULL ? c->in[i + 2]->data : NULL;
        c->host->parallel_for((int64_t)(c->in[i]->nbytes / sizeof(float)), PIECE, step_piece, &s);
    }
    return DNN_OK;
}

/* ---- the table ---- */

static dnn_status init(const dnn_host *host)
{
    return host->layout("blocked/nChw8c") != 0
               ? DNN_OK
               : host->fail(DNN_E_NOMEM, "no room for the name of its layout");
}

enum {
    SAFE = DNN_K_REENTRANT | DNN_K_DETERMINISTIC,
    ANY = SAFE | DNN_K_STRIDED | DNN_K_UNALIGNED,
    FLAT = SAFE | DNN_K_FLAT | DNN_K_UNALIGNED | DNN_K_INPLACE
};

#define KERNEL(op_, flags_, ...)                                                        \
    DNN_KERNEL(.op = op_, .device = "cpu", .name = "blocked_" op_, .dtypes = DNN_T_F32, \
               .flags = flags_, .priority = DNN_PRI_VENDOR, __VA_ARGS__)

static const dnn_kernel *const kernels[] = {
    KERNEL("reorder", ANY, .plan = reorder_plan, .run = reorder_run),
    KERNEL("conv2d", ANY, .plan = conv2d_plan, .run = conv2d_run),
    KERNEL("conv2d_bwd_input", ANY, .plan = bwd_input_plan, .run = bwd_input_run),
    KERNEL("conv2d_bwd_weight", ANY, .plan = bwd_weight_plan, .run = bwd_weight_run),
    KERNEL("sum", SAFE | DNN_K_UNALIGNED, .plan = sum_plan, .run = sum_run),
    KERNEL("max_pool2d", SAFE | DNN_K_UNALIGNED, .plan = pool_plan, .run = pool_run),
    KERNEL("max_pool2d_bwd", SAFE | DNN_K_UNALIGNED, .plan = pool_bwd_plan, .run = pool_bwd_run),
    KERNEL("relu", FLAT, .run = relu_run),
    KERNEL("relu_bwd", FLAT, .run = relu_bwd_run),
    KERNEL("neg", FLAT, .run = neg_run),
    KERNEL("add", FLAT, .run = add_run),
    KERNEL("sub", FLAT, .run = sub_run),
    KERNEL("mul", FLAT, .run = mul_run),
    KERNEL("reciprocal", FLAT, .run = reciprocal_run),
    KERNEL("div", FLAT, .run = div_run),
    KERNEL("sgd_step", FLAT, .run = step_run),
    NULL};
static const char *const layouts[] = {"blocked", NULL};

DNN_PLUGIN(.id = "blocked", .version = "1.0.0", .build = "channels in blocks of eight",
           .init = init, .kernels = kernels, .layouts = layouts)
