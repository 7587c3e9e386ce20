/* norm_real.h - the part of norm.c that depends on the element type: one strip of rows. Included by
 * norm.c once for f32 and once for f64. Every element is read before the element at its position is
 * written, so the result may be the input. */
#include "rows_real.h"

static void FN(softmax_strips)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct axis *a = arg;

    (void)worker;
    for (int64_t index = begin; index < end; index++) {
        struct strip s = strip_of(a, index);
        const REAL *x = (const REAL *)a->x + s.at;
        REAL *y = (REAL *)a->to + s.at, top[ROWS];
        double sum[ROWS];

        FN(row_sums)(x, a->n, a->inner, s.count, top, sum);
        for (int64_t j = 0; j < s.count; j++)
            sum[j] = 1 / sum[j];
        for (int64_t i = 0; i < a->n; i++)
            for (int64_t j = 0; j < s.count; j++)
                y[i * a->inner + j] =
                    (REAL)((double)REAL_EXP(x[i * a->inner + j] - top[j]) * sum[j]);
    }
}

static void FN(log_softmax_strips)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct axis *a = arg;

    (void)worker;
    for (int64_t index = begin; index < end; index++) {
        struct strip s = strip_of(a, index);
        const REAL *x = (const REAL *)a->x + s.at;
        REAL *y = (REAL *)a->to + s.at, top[ROWS];
        double sum[ROWS];

        FN(row_sums)(x, a->n, a->inner, s.count, top, sum);
        for (int64_t j = 0; j < s.count; j++)
            sum[j] = log(sum[j]);
        for (int64_t i = 0; i < a->n; i++)
            for (int64_t j = 0; j < s.count; j++)
                y[i * a->inner + j] = (REAL)((double)x[i * a->inner + j] - (double)top[j] - sum[j]);
    }
}

/* dx = y (dy - sum(dy y)) */
static void FN(softmax_bwd_strips)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct axis *a = arg;

    (void)worker;
    for (int64_t index = begin; index < end; index++) {
        struct strip s = strip_of(a, index);
        const REAL *dy = (const REAL *)a->x + s.at, *y = (const REAL *)a->y + s.at;
        REAL *dx = (REAL *)a->to + s.at;
        double sum[ROWS] = {0};

        for (int64_t i = 0; i < a->n; i++)
            for (int64_t j = 0; j < s.count; j++)
                sum[j] += (double)dy[i * a->inner + j] * (double)y[i * a->inner + j];
        for (int64_t i = 0; i < a->n; i++)
            for (int64_t j = 0; j < s.count; j++)
                dx[i * a->inner + j] =
                    (REAL)((double)y[i * a->inner + j] * ((double)dy[i * a->inner + j] - sum[j]));
    }
}

/* dx = dy - exp(y) sum(dy), in double: if the two are close, the difference cancels more digits
 * than f32 has. */
static void FN(log_softmax_bwd_strips)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct axis *a = arg;

    (void)worker;
    for (int64_t index = begin; index < end; index++) {
        struct strip s = strip_of(a, index);
        const REAL *dy = (const REAL *)a->x + s.at, *y = (const REAL *)a->y + s.at;
        REAL *dx = (REAL *)a->to + s.at;
        double sum[ROWS] = {0};

        for (int64_t i = 0; i < a->n; i++)
            for (int64_t j = 0; j < s.count; j++)
                sum[j] += (double)dy[i * a->inner + j];
        for (int64_t i = 0; i < a->n; i++)
            for (int64_t j = 0; j < s.count; j++)
                dx[i * a->inner + j] = (REAL)((double)dy[i * a->inner + j] -
                                              exp((double)y[i * a->inner + j]) * sum[j]);
    }
}
