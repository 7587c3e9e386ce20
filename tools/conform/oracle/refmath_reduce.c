/* refmath_reduce.c - reductions, softmax and matrix products of the oracle. Sums are in long
 * double, so that the oracle's own rounding does not matter. It shares no code with a kernel. */
#include "refmath.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* ---- over a set of axes ---- */

/* Returns whether axis d of x is reduced. */
static bool reduced(const ref_call *c, int d)
{
    return (((const dnn_attr_reduce *)c->attr)->dims >> d) & 1;
}

/* Returns the index in the result for the element of x at index k. */
static int64_t target_of(const ref_call *c, int64_t k)
{
    const ref_array *x = c->in[0];
    int64_t at = 0, step = 1;

    for (int d = x->ndim - 1; d >= 0; d--) {
        int64_t place = k % x->dim[d];

        k /= x->dim[d];
        if (!reduced(c, d)) {
            at += place * step;
            step *= x->dim[d];
        }
    }
    return at;
}

/* Sums each result in the order of the elements; count: the number of elements of each. If there is
 * no memory the result is NaN. */
static void sums_of(const ref_call *c, bool mean)
{
    const ref_array *x = c->in[0];
    ref_array *y = c->out[0];
    long double *sum = calloc((size_t)y->n + 1, sizeof *sum);

    for (int64_t k = 0; sum != NULL && k < x->n; k++)
        sum[target_of(c, k)] += (long double)x->f[k];
    for (int64_t j = 0; j < y->n; j++) {
        long double count = mean ? (long double)x->n / (long double)y->n : 1;

        y->f[j] = sum == NULL || count == 0 ? NAN : (double)(sum[j] / count);
    }
    free(sum);
}

void ref_sum(const ref_call *c)
{
    const ref_array *x = c->in[0];
    ref_array *y = c->out[0];

    if (y->f != NULL) {
        sums_of(c, false);
        return;
    }
    for (int64_t j = 0; j < y->n; j++)
        y->i[j] = 0;
    for (int64_t k = 0; k < x->n; k++) {
        int64_t *sum = &y->i[target_of(c, k)];

        *sum = (int64_t)((uint64_t)*sum + (uint64_t)x->i[k]);
    }
}

void ref_mean(const ref_call *c)
{
    sums_of(c, true);
}

/* Returns whether element k replaces element best: sign +1 finds the largest, -1 the smallest. The
 * first NaN comes before all numbers. */
static bool is_better(const ref_array *x, int64_t k, int64_t best, int sign)
{
    if (x->f == NULL)
        return sign > 0 ? x->i[k] > x->i[best] : x->i[k] < x->i[best];
    if (isnan(x->f[best]))
        return false;
    return isnan(x->f[k]) || (sign > 0 ? x->f[k] > x->f[best] : x->f[k] < x->f[best]);
}

static void extreme(const ref_call *c, int sign)
{
    const ref_array *x = c->in[0];
    /* 0: none yet; else the index + 1. */
    int64_t *best = calloc((size_t)c->out[0]->n + 1, sizeof *best);

    for (int64_t k = 0; best != NULL && k < x->n; k++) {
        int64_t *b = &best[target_of(c, k)];

        if (*b == 0 || is_better(x, k, *b - 1, sign))
            *b = k + 1;
    }
    for (int64_t j = 0; best != NULL && j < c->out[0]->n; j++)
        ref_move(c->out[0], j, x, best[j] - 1);
    free(best);
}

void ref_amax(const ref_call *c)
{
    extreme(c, 1);
}

void ref_amin(const ref_call *c)
{
    extreme(c, -1);
}

/* ---- along one axis ---- */

/* A lane: the elements first, first + step, ... (size of them). */
typedef struct lanes {
    int64_t outer, size, inner;
} lanes;

static lanes lanes_of(const ref_array *x, int dim)
{
    lanes l = {1, 1, 1};

    if (x->ndim > 0)
        l = (lanes){ref_count(dim, x->dim), x->dim[dim],
                    ref_count(x->ndim - dim - 1, x->dim + dim + 1)};
    return l;
}

static void places(const ref_call *c, int sign, ref_array *values, ref_array *indices)
{
    const ref_array *x = c->in[0];
    lanes l = lanes_of(x, ((const dnn_attr_reduce_dim *)c->attr)->dim);

    for (int64_t j = 0; j < l.outer * l.inner; j++) {
        int64_t first = j / l.inner * l.size * l.inner + j % l.inner, best = first;

        for (int64_t k = 1; k < l.size; k++)
            if (is_better(x, first + k * l.inner, best, sign))
                best = first + k * l.inner;
        if (values != NULL)
            ref_move(values, j, x, best);
        if (indices != NULL)
            indices->i[j] = (best - first) / l.inner;
    }
}

void ref_max_dim(const ref_call *c)
{
    places(c, 1, c->out[0], c->out[1]);
}

void ref_min_dim(const ref_call *c)
{
    places(c, -1, c->out[0], c->out[1]);
}

void ref_argmax(const ref_call *c)
{
    places(c, 1, NULL, c->out[0]);
}

void ref_argmin(const ref_call *c)
{
    places(c, -1, NULL, c->out[0]);
}

void ref_max_dim_bwd(const ref_call *c)
{
    lanes l = lanes_of(c->out[0], ((const dnn_attr_dim *)c->attr)->dim);

    for (int64_t j = 0; j < l.outer * l.inner; j++) {
        int64_t first = j / l.inner * l.size * l.inner + j % l.inner;

        for (int64_t k = 0; k < l.size; k++)
            c->out[0]->f[first + k * l.inner] = k == c->in[1]->i[j] ? c->in[0]->f[j] : 0;
    }
}

static void softmax_lane(const double *x, double *y, lanes l, bool logarithm)
{
    double top = -INFINITY;
    long double sum = 0;

    for (int64_t k = 0; k < l.size; k++)
        top = isnan(x[k * l.inner]) ? x[k * l.inner] : x[k * l.inner] > top ? x[k * l.inner] : top;
    for (int64_t k = 0; k < l.size; k++)
        sum += expl((long double)x[k * l.inner] - (long double)top);
    for (int64_t k = 0; k < l.size; k++) {
        long double z = (long double)x[k * l.inner] - (long double)top;

        y[k * l.inner] = (double)(logarithm ? z - logl(sum) : expl(z) / sum);
    }
}

static void softmax(const ref_call *c, bool logarithm)
{
    lanes l = lanes_of(c->in[0], ((const dnn_attr_dim *)c->attr)->dim);

    for (int64_t j = 0; j < l.outer * l.inner; j++) {
        int64_t first = j / l.inner * l.size * l.inner + j % l.inner;

        softmax_lane(c->in[0]->f + first, c->out[0]->f + first, l, logarithm);
    }
}

void ref_softmax(const ref_call *c)
{
    softmax(c, false);
}

void ref_log_softmax(const ref_call *c)
{
    softmax(c, true);
}

void ref_softmax_bwd(const ref_call *c)
{
    const double *dy = c->in[0]->f, *y = c->in[1]->f;
    lanes l = lanes_of(c->in[0], ((const dnn_attr_dim *)c->attr)->dim);

    for (int64_t j = 0; j < l.outer * l.inner; j++) {
        int64_t first = j / l.inner * l.size * l.inner + j % l.inner;
        long double sum = 0;

        for (int64_t k = first; k < first + l.size * l.inner; k += l.inner)
            sum += (long double)dy[k] * (long double)y[k];
        for (int64_t k = first; k < first + l.size * l.inner; k += l.inner)
            c->out[0]->f[k] = (double)((long double)y[k] * ((long double)dy[k] - sum));
    }
}

void ref_log_softmax_bwd(const ref_call *c)
{
    const double *dy = c->in[0]->f, *y = c->in[1]->f;
    lanes l = lanes_of(c->in[0], ((const dnn_attr_dim *)c->attr)->dim);

    for (int64_t j = 0; j < l.outer * l.inner; j++) {
        int64_t first = j / l.inner * l.size * l.inner + j % l.inner;
        long double sum = 0;

        for (int64_t k = first; k < first + l.size * l.inner; k += l.inner)
            sum += (long double)dy[k];
        for (int64_t k = first; k < first + l.size * l.inner; k += l.inner)
            c->out[0]->f[k] = (double)((long double)dy[k] - expl((long double)y[k]) * sum);
    }
}

/* ---- products ---- */

void ref_matmul(const ref_call *c)
{
    const ref_array *a = c->in[0], *b = c->in[1];
    ref_array *y = c->out[0];
    int r = y->ndim;
    int64_t rows = y->dim[r - 2], columns = y->dim[r - 1], depth = a->dim[r - 1];

    for (int64_t j = 0; j < y->n; j++) {
        int64_t batch = j / (rows * columns), row = j / columns % rows, column = j % columns;
        long double sum = 0;

        for (int64_t k = 0; k < depth; k++)
            sum += (long double)a->f[(batch * rows + row) * depth + k] *
                   (long double)b->f[(batch * depth + k) * columns + column];
        y->f[j] = (double)sum;
    }
}

void ref_linear(const ref_call *c)
{
    const ref_array *x = c->in[0], *w = c->in[1], *bias = c->in[2];
    int64_t in = w->dim[1], out = w->dim[0];

    for (int64_t j = 0; j < c->out[0]->n; j++) {
        long double sum = bias != NULL ? (long double)bias->f[j % out] : 0;

        for (int64_t k = 0; k < in; k++)
            sum += (long double)x->f[j / out * in + k] * (long double)w->f[j % out * in + k];
        c->out[0]->f[j] = (double)sum;
    }
}
