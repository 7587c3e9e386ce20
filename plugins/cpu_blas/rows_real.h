/* rows_real.h - maximum and sum of exponentials along an axis, for softmax and the losses. norm.c
 * and loss.c include it once for f32 and once for f64. Sums are in double and in the order of the
 * axis. */
#include "real.h"

/* For `count` <= ROWS adjacent rows, whose elements along the axis are `step` apart: computes the
 * maximum and the sum of exp(x - maximum). A row of -inf only, or with +inf or NaN, gives the sum
 * NaN. */
static void FN(row_sums)(const REAL *x, int64_t n, int64_t step, int64_t count, REAL *top,
                         double *sum)
{
    for (int64_t j = 0; j < count; j++) {
        top[j] = (REAL)-INFINITY;
        sum[j] = 0;
    }
    if (n == 0)
        return;
    if (count == 1) {
        REAL most = x[0];
        double total = 0;

        for (int64_t i = 1; i < n; i++)
            most = x[i * step] > most ? x[i * step] : most;
        for (int64_t i = 0; i < n; i++)
            total += (double)REAL_EXP(x[i * step] - most);
        top[0] = most;
        sum[0] = total;
        return;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < count; j++)
            top[j] = x[i * step + j] > top[j] ? x[i * step + j] : top[j];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < count; j++)
            sum[j] += (double)REAL_EXP(x[i * step + j] - top[j]);
}
