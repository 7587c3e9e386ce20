/* refmath_loss.c - losses and optimizer steps of the oracle. It shares no code with a kernel. */
#include "refmath.h"
#include <math.h>
#include <stddef.h>

/* The order of logits and targets: row r of n_rows = N*D has class k at base(r) + k*inner. */
typedef struct rows {
    int64_t n, classes, inner;
} rows;

static rows rows_of(const ref_array *x)
{
    rows r = {1, x->dim[0], 1};

    if (x->ndim > 1) {
        r.classes = x->dim[1];
        r.inner = ref_count(x->ndim - 2, x->dim + 2);
        r.n = x->dim[0] * r.inner;
    }
    return r;
}

static int64_t base_of(rows r, int64_t row)
{
    return row / r.inner * r.classes * r.inner + row % r.inner;
}

static double weight_of(const ref_array *weight, int64_t k)
{
    return weight != NULL ? weight->f[k] : 1;
}

/* The sum of the weights of the targets that are not ignored. */
static long double weights_of(const ref_array *target, const ref_array *weight,
                              const dnn_attr_loss *a)
{
    long double sum = 0;

    for (int64_t row = 0; row < target->n; row++)
        if (target->i[row] != a->ignore_index)
            sum += (long double)weight_of(weight, target->i[row]);
    return sum;
}

/* Adds the loss of one row to the result of the reduction; finish divides. */
static void reduce_row(const dnn_attr_loss *a, ref_array *loss, int64_t row, long double l,
                       long double *sum)
{
    if (a->reduction == DNN_REDUCE_NONE)
        loss->f[row] = (double)l;
    *sum += l;
}

static void reduce_finish(const dnn_attr_loss *a, ref_array *loss, long double sum, long double by)
{
    if (a->reduction == DNN_REDUCE_SUM)
        loss->f[0] = (double)sum;
    else if (a->reduction == DNN_REDUCE_MEAN)
        loss->f[0] = (double)(sum / by); /* 0/0 if there are no rows */
}

/* The gradient of the loss of one row. */
static long double row_gradient(const dnn_attr_loss *a, const ref_array *dloss, int64_t row,
                                long double by)
{
    if (a->reduction == DNN_REDUCE_NONE)
        return (long double)dloss->f[row];
    return a->reduction == DNN_REDUCE_SUM ? (long double)dloss->f[0]
                                          : (long double)dloss->f[0] / by;
}

void ref_nll_loss(const ref_call *c)
{
    const dnn_attr_loss *a = c->attr;
    const ref_array *target = c->in[1];
    rows r = rows_of(c->in[0]);
    long double sum = 0;

    for (int64_t row = 0; row < r.n; row++) {
        int64_t t = target->i[row];
        double l = 0;

        if (t != a->ignore_index)
            l = -weight_of(c->in[2], t) * c->in[0]->f[base_of(r, row) + t * r.inner];
        reduce_row(a, c->out[0], row, (long double)l, &sum);
    }
    reduce_finish(a, c->out[0], sum, weights_of(target, c->in[2], a));
}

void ref_nll_loss_bwd(const ref_call *c)
{
    const dnn_attr_loss *a = c->attr;
    const ref_array *target = c->in[1];
    rows r = rows_of(c->out[0]);
    long double by = weights_of(target, c->in[2], a);

    for (int64_t k = 0; k < c->out[0]->n; k++)
        c->out[0]->f[k] = 0;
    for (int64_t row = 0; row < r.n; row++) {
        int64_t t = target->i[row];

        if (t != a->ignore_index)
            c->out[0]->f[base_of(r, row) + t * r.inner] =
                (double)(row_gradient(a, c->in[0], row, by) * (long double)-weight_of(c->in[2], t));
    }
}

static long double log_sum_exp(const double *x, rows r)
{
    double top = -INFINITY;
    long double sum = 0;

    for (int64_t k = 0; k < r.classes; k++)
        top = isnan(x[k * r.inner]) ? x[k * r.inner] : x[k * r.inner] > top ? x[k * r.inner] : top;
    for (int64_t k = 0; k < r.classes; k++)
        sum += expl((long double)x[k * r.inner] - (long double)top);
    return (long double)top + logl(sum);
}

void ref_softmax_cross_entropy(const ref_call *c)
{
    const dnn_attr_loss *a = c->attr;
    const ref_array *x = c->in[0], *target = c->in[1], *weight = c->in[2];
    rows r = rows_of(x);
    long double sum = 0, e = (long double)a->smoothing;

    for (int64_t row = 0; row < r.n; row++) {
        const double *z = x->f + base_of(r, row);
        long double lse = log_sum_exp(z, r), l = 0, spread = 0;
        int64_t t = target->i[row];

        if (c->out[1] != NULL)
            c->out[1]->f[row] = (double)lse;
        if (t != a->ignore_index) {
            for (int64_t k = 0; k < r.classes; k++)
                spread += (long double)weight_of(weight, k) * (lse - (long double)z[k * r.inner]);
            l = (1 - e) * (long double)weight_of(weight, t) * (lse - (long double)z[t * r.inner]);
            l += e == 0 ? 0 : e / (long double)r.classes * spread;
        }
        reduce_row(a, c->out[0], row, l, &sum);
    }
    reduce_finish(a, c->out[0], sum, weights_of(target, weight, a));
}

/* l = (1-e) w[t] (lse - x[t]) + e/C sum_c w[c] (lse - x[c]), and d lse / d x[k] = exp(x[k] - lse).
 */
void ref_softmax_cross_entropy_bwd(const ref_call *c)
{
    const dnn_attr_loss *a = c->attr;
    const ref_array *x = c->in[1], *target = c->in[2], *weight = c->in[3], *lse = c->in[4];
    rows r = rows_of(x);
    long double by = weights_of(target, weight, a), e = (long double)a->smoothing, all = 0;

    for (int64_t k = 0; k < r.classes; k++)
        all += (long double)weight_of(weight, k);
    for (int64_t row = 0; row < r.n; row++) {
        int64_t t = target->i[row], base = base_of(r, row);

        for (int64_t k = 0; k < r.classes; k++) {
            long double wt, p, d;

            if (t == a->ignore_index) {
                c->out[0]->f[base + k * r.inner] = 0;
                continue;
            }
            wt = (long double)weight_of(weight, t);
            p = expl((long double)x->f[base + k * r.inner] - (long double)lse->f[row]);
            d = (1 - e) * wt * (p - (k == t ? 1 : 0));
            if (e != 0) /* if p is infinite, 0 * p would be NaN */
                d += e / (long double)r.classes * (all * p - (long double)weight_of(weight, k));
            c->out[0]->f[base + k * r.inner] = (double)(row_gradient(a, c->in[0], row, by) * d);
        }
    }
}

/* ---- optimizer steps ---- */

void ref_sgd_step(const ref_call *c)
{
    const dnn_attr_sgd *a = c->attr;
    double lr = c->in[0]->f[0], momentum = c->in[1]->f[0];

    for (int t = 0; 2 + 3 * t < c->n_in; t++) {
        const ref_array *p = c->in[2 + 3 * t], *g = c->in[3 + 3 * t], *b = c->in[4 + 3 * t];

        for (int64_t k = 0; k < p->n; k++) {
            double step = a->maximize ? -g->f[k] : g->f[k];

            step += a->weight_decay * p->f[k];
            if (b != NULL) {
                double kept = a->first ? step : momentum * b->f[k] + (1 - a->dampening) * step;

                c->out[2 * t + 1]->f[k] = kept;
                step = a->nesterov ? step + momentum * kept : kept;
            }
            c->out[2 * t]->f[k] = p->f[k] - lr * step;
        }
    }
}
