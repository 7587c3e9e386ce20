/* loss_real.h - the part of loss.c that depends on the element type: losses of pieces of rows, and
 * gradients of rows. Included by loss.c once for f32 and once for f64. */
#include "rows_real.h"

static double FN(weight_of)(const struct loss *s, int64_t label)
{
    return s->weight ? (double)((const REAL *)s->weight)[label] : 1;
}

static void FN(put)(const struct loss *s, int64_t row, double value)
{
    if (s->to && s->reduction == DNN_REDUCE_NONE)
        ((REAL *)s->to)[row] = (REAL)value;
}

static void FN(nll_pieces)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct loss *s = arg;

    (void)worker;
    for (int64_t p = begin; p < end; p++) {
        double total = 0, divisor = 0;

        for (int64_t r = p * PIECE; r < least((p + 1) * PIECE, s->rows); r++) {
            int64_t t = label_at(s, r);
            double w, l;

            if (t == s->ignore) {
                FN(put)(s, r, 0);
                continue;
            }
            w = FN(weight_of)(s, t);
            l = -w * (double)((const REAL *)s->x)[row_start(s, r) + t * s->inner];
            FN(put)(s, r, l);
            total += l;
            divisor += w;
        }
        s->partial[p] = total;
        s->partial[s->pieces + p] = divisor;
    }
}

/* Returns the sum over the classes of -w logp, for label smoothing. */
static double FN(smooth_sum)(const struct loss *s, const REAL *x, double lse)
{
    double sum = 0;

    for (int64_t k = 0; k < s->classes; k++)
        sum += FN(weight_of)(s, k) * (lse - (double)x[k * s->inner]);
    return sum;
}

static double FN(entropy_of)(const struct loss *s, const REAL *x, int64_t t, double lse)
{
    double l = FN(weight_of)(s, t) * (lse - (double)x[t * s->inner]);

    if (s->smoothing == 0)
        return l;
    return (1 - s->smoothing) * l + s->smoothing / (double)s->classes * FN(smooth_sum)(s, x, lse);
}

/* Without classes x has no memory, and every label is ignored. */
static const REAL *FN(row_at)(const struct loss *s, int64_t row)
{
    return s->classes > 0 ? (const REAL *)s->x + row_start(s, row) : NULL;
}

static void FN(cross_entropy_pieces)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct loss *s = arg;
    REAL top[ROWS];
    double sum[ROWS];

    (void)worker;
    for (int64_t p = begin; p < end; p++) {
        int64_t last = least((p + 1) * PIECE, s->rows), count;
        double total = 0, divisor = 0;

        for (int64_t first = p * PIECE; first < last; first += count) {
            count = neighbours(s, first, last);
            FN(row_sums)(FN(row_at)(s, first), s->classes, s->inner, count, top, sum);
            for (int64_t r = first; r < first + count; r++) {
                double lse = (double)top[r - first] + log(sum[r - first]), l = 0;
                int64_t t = label_at(s, r);

                if (s->lse_to)
                    ((REAL *)s->lse_to)[r] = (REAL)lse;
                if (t != s->ignore) {
                    l = FN(entropy_of)(s, FN(row_at)(s, r), t, lse);
                    total += l;
                    divisor += FN(weight_of)(s, t);
                }
                FN(put)(s, r, l);
            }
        }
        s->partial[p] = total;
        s->partial[s->pieces + p] = divisor;
    }
}

/* ---- gradients ---- */

/* Sums the weights of the targets: the divisor of a mean. */
static void FN(weigh_pieces)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct loss *s = arg;

    (void)worker;
    for (int64_t p = begin; p < end; p++) {
        double divisor = 0;

        for (int64_t r = p * PIECE; r < least((p + 1) * PIECE, s->rows); r++) {
            int64_t t = label_at(s, r);

            divisor += t == s->ignore ? 0 : FN(weight_of)(s, t);
        }
        s->partial[p] = 0;
        s->partial[s->pieces + p] = divisor;
    }
}

/* Returns the gradient of the loss of one row. */
static double FN(dloss_of)(const struct loss *s, int64_t row)
{
    return (double)((const REAL *)s->dloss)[s->reduction == DNN_REDUCE_NONE ? row : 0] * s->scale;
}

static void FN(nll_bwd_rows)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct loss *s = arg;

    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        REAL *dx = (REAL *)s->to + row_start(s, r);
        int64_t t = label_at(s, r);

        for (int64_t k = 0; k < s->classes; k++)
            dx[k * s->inner] = 0;
        if (t != s->ignore)
            dx[t * s->inner] = (REAL)(-FN(weight_of)(s, t) * FN(dloss_of)(s, r));
    }
}

/* dx = dl ((1-e) w[t] (p - [k = t]) + e/C (sum(w) p - w[k])), p = softmax(x) = exp(x - lse). In
 * double, because for p close to 1 or to 1/C the differences cancel more digits than f32 has. */
static void FN(entropy_bwd_row)(const struct loss *s, int64_t row, double lse)
{
    const REAL *x = FN(row_at)(s, row);
    REAL *dx = (REAL *)s->to + row_start(s, row);
    int64_t t = label_at(s, row), inner = s->inner;
    double e = s->smoothing / (double)s->classes, hit, dl;

    if (t == s->ignore) {
        for (int64_t k = 0; k < s->classes; k++)
            dx[k * inner] = 0;
        return;
    }
    dl = FN(dloss_of)(s, row);
    hit = (1 - s->smoothing) * FN(weight_of)(s, t);
    for (int64_t k = 0; k < s->classes; k++) {
        double p = exp((double)x[k * inner] - lse), d = hit * (k == t ? p - 1 : p);

        if (s->smoothing != 0)
            d += e * (s->weight_sum * p - FN(weight_of)(s, k));
        dx[k * inner] = (REAL)(dl * d);
    }
}

static void FN(cross_entropy_bwd_rows)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct loss *s = arg;
    REAL top;
    double sum;

    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        if (s->lse) {
            FN(entropy_bwd_row)(s, r, (double)((const REAL *)s->lse)[r]);
            continue;
        }
        FN(row_sums)(FN(row_at)(s, r), s->classes, s->inner, 1, &top, &sum);
        FN(entropy_bwd_row)(s, r, (double)top + log(sum));
    }
}
