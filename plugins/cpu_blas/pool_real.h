/* pool_real.h - the part of pool.c that depends on the element type: one plane. Included by pool.c
 * once for f32 and once for f64. Averages are summed in double. */
#include "real.h"

/* An empty plane has no memory, so no address may be computed from it. */
static const REAL *FN(plane_at)(const struct pool *s, int64_t p)
{
    int64_t cells = s->h * s->w;

    return cells > 0 ? (const REAL *)s->from + p * cells : NULL;
}

/* ---- maximum ---- */

/* The maximum of some cells: the first NaN, else the first of the largest. A window without a cell
 * inside the image (possible with dilation) gives -inf and index 0. */
static REAL FN(max_of)(const REAL *plane, int64_t w, struct range rows, int64_t row_step,
                       struct range cols, int64_t col_step, int32_t *place)
{
    REAL best = (REAL)-INFINITY;
    int64_t at = -1;

    for (int64_t y = rows.begin; y < rows.end; y += row_step)
        for (int64_t x = cols.begin; x < cols.end; x += col_step) {
            REAL v = plane[y * w + x];

            if (at < 0 || v > best || (isnan(v) && !isnan(best))) {
                best = v;
                at = y * w + x;
            }
        }
    *place = (int32_t)(at < 0 ? 0 : at);
    return best;
}

static void FN(max_planes)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct pool *s = arg;

    (void)worker;
    for (int64_t p = begin; p < end; p++) {
        const REAL *plane = FN(plane_at)(s, p);
        int64_t out = p * s->ho * s->wo;

        for (int64_t y = 0; y < s->ho; y++) {
            struct range rows = range_of(y, s->kh, s->sh, s->ph, s->dh, s->h);

            for (int64_t x = 0; x < s->wo; x++, out++) {
                struct range cols = range_of(x, s->kw, s->sw, s->pw, s->dw, s->w);
                int32_t place;

                ((REAL *)s->to)[out] = FN(max_of)(plane, s->w, rows, s->dh, cols, s->dw, &place);
                if (s->index_to)
                    s->index_to[out] = place;
            }
        }
    }
}

static void FN(adaptive_max_planes)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct pool *s = arg;

    (void)worker;
    for (int64_t p = begin; p < end; p++) {
        const REAL *plane = FN(plane_at)(s, p);
        int64_t out = p * s->ho * s->wo;

        for (int64_t y = 0; y < s->ho; y++)
            for (int64_t x = 0; x < s->wo; x++, out++) {
                int32_t place;

                ((REAL *)s->to)[out] = FN(max_of)(plane, s->w, adaptive_range(y, s->h, s->ho), 1,
                                                  adaptive_range(x, s->w, s->wo), 1, &place);
                if (s->index_to)
                    s->index_to[out] = place;
            }
    }
}

union FN(bits) {
    REAL value;
    REAL_WORD word;
};

/* All bits set if v replaces best: it is larger, or the first NaN. */
static inline REAL_WORD FN(replaces)(REAL v, REAL best)
{
    return (REAL_WORD)0 - (REAL_WORD)(!(v <= best) & (best == best));
}

static inline REAL FN(select)(REAL_WORD take, REAL v, REAL best)
{
    union FN(bits) a = {.value = v}, b = {.value = best};

    a.word = (a.word & take) | (b.word & ~take);
    return a.value;
}

/* One row of 2 x 2 windows. Which of four values is the largest is random, so nothing here
 * branches: `?:` on floats becomes a jump that is mispredicted half the time, and costs four times
 * as much. */
static void FN(max_quad_row)(const REAL *restrict top, const REAL *restrict low, int64_t n,
                             REAL *restrict to)
{
    for (int64_t x = 0; x < n; x++) {
        REAL b = top[2 * x + 1], c = low[2 * x], d = low[2 * x + 1], best = top[2 * x];

        best = FN(select)(FN(replaces)(b, best), b, best);
        best = FN(select)(FN(replaces)(c, best), c, best);
        best = FN(select)(FN(replaces)(d, best), d, best);
        to[x] = best;
    }
}

/* The same with indices; `at` is the index of the row's first value, w the length of a row. */
static void FN(max_quad_row_at)(const REAL *restrict top, const REAL *restrict low, int64_t n,
                                int32_t at, int32_t w, REAL *restrict to, int32_t *restrict index)
{
    for (int64_t x = 0; x < n; x++) {
        REAL b = top[2 * x + 1], c = low[2 * x], d = low[2 * x + 1], best = top[2 * x];
        REAL_WORD take = FN(replaces)(b, best);
        uint32_t place = (uint32_t)take & 1;

        best = FN(select)(take, b, best);
        take = FN(replaces)(c, best);
        place = ((uint32_t)take & (uint32_t)w) | (~(uint32_t)take & place);
        best = FN(select)(take, c, best);
        take = FN(replaces)(d, best);
        place = ((uint32_t)take & ((uint32_t)w + 1)) | (~(uint32_t)take & place);
        to[x] = FN(select)(take, d, best);
        index[x] = at + (int32_t)(2 * x) + (int32_t)place;
    }
}

static void FN(max_quads)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct pool *s = arg;

    (void)worker;
    for (int64_t r = begin * s->ho; r < end * s->ho; r++) {
        int64_t y = r % s->ho;
        const REAL *top = (const REAL *)s->from + (r / s->ho * s->h + 2 * y) * s->w;
        REAL *to = (REAL *)s->to + r * s->wo;

        if (s->index_to)
            FN(max_quad_row_at)
        (top, top + s->w, s->wo, (int32_t)(2 * y * s->w), (int32_t)s->w, to,
         s->index_to + r * s->wo);
        else FN(max_quad_row)(top, top + s->w, s->wo, to);
    }
}

static void FN(max_bwd_planes)(void *arg, int64_t begin, int64_t end, int worker)
{
    struct pool *s = arg;
    int64_t cells = s->h * s->w, windows = s->ho * s->wo;

    (void)worker;
    if (cells > 0)
        memset((REAL *)s->to + begin * cells, 0, (size_t)((end - begin) * cells) * sizeof(REAL));
    for (int64_t i = begin * windows; i < end * windows; i++)
        ((REAL *)s->to)[i / windows * cells + s->index[i]] += ((const REAL *)s->from)[i];
}

/* ---- average ---- */

static double FN(sum_of)(const REAL *plane, int64_t w, struct range rows, struct range cols)
{
    double sum = 0;

    for (int64_t y = rows.begin; y < rows.end; y++)
        for (int64_t x = cols.begin; x < cols.end; x++)
            sum += (double)plane[y * w + x];
    return sum;
}

static void FN(spread)(REAL *plane, int64_t w, struct range rows, struct range cols, REAL share)
{
    for (int64_t y = rows.begin; y < rows.end; y++)
        for (int64_t x = cols.begin; x < cols.end; x++)
            plane[y * w + x] += share;
}

/* A window wholly in the padding has no cell to divide by, and gives 0. */
static void FN(avg_planes)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct pool *s = arg;

    (void)worker;
    for (int64_t p = begin; p < end; p++) {
        const REAL *plane = FN(plane_at)(s, p);
        REAL *to = (REAL *)s->to + p * s->ho * s->wo;

        for (int64_t y = 0; y < s->ho; y++) {
            struct range rows = range_of(y, s->kh, s->sh, s->ph, 1, s->h);

            for (int64_t x = 0; x < s->wo; x++) {
                struct range cols = range_of(x, s->kw, s->sw, s->pw, 1, s->w);

                *to++ = rows.begin >= rows.end || cols.begin >= cols.end
                            ? 0
                            : (REAL)(FN(sum_of)(plane, s->w, rows, cols) /
                                     divisor_of(s, y, x, rows, cols));
            }
        }
    }
}

static void FN(avg_bwd_planes)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct pool *s = arg;
    int64_t cells = s->h * s->w, windows = s->ho * s->wo;

    (void)worker;
    memset((REAL *)s->to + begin * cells, 0, (size_t)((end - begin) * cells) * sizeof(REAL));
    for (int64_t i = begin * windows; i < end * windows; i++) {
        int64_t y = i % windows / s->wo, x = i % s->wo;
        struct range rows = range_of(y, s->kh, s->sh, s->ph, 1, s->h),
                     cols = range_of(x, s->kw, s->sw, s->pw, 1, s->w);

        if (rows.begin < rows.end && cols.begin < cols.end)
            FN(spread)
        ((REAL *)s->to + i / windows * cells, s->w, rows, cols,
         (REAL)((double)((const REAL *)s->from)[i] / divisor_of(s, y, x, rows, cols)));
    }
}

static void FN(adaptive_avg_planes)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct pool *s = arg;
    int64_t windows = s->ho * s->wo;

    (void)worker;
    for (int64_t i = begin * windows; i < end * windows; i++) {
        struct range rows = adaptive_range(i % windows / s->wo, s->h, s->ho);
        struct range cols = adaptive_range(i % s->wo, s->w, s->wo);
        double cells = (double)((rows.end - rows.begin) * (cols.end - cols.begin));

        ((REAL *)s->to)[i] =
            (REAL)(FN(sum_of)(FN(plane_at)(s, i / windows), s->w, rows, cols) / cells);
    }
}

static void FN(adaptive_avg_bwd_planes)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct pool *s = arg;
    int64_t cells = s->h * s->w, windows = s->ho * s->wo;

    (void)worker;
    memset((REAL *)s->to + begin * cells, 0, (size_t)((end - begin) * cells) * sizeof(REAL));
    for (int64_t i = begin * windows; i < end * windows; i++) {
        struct range rows = adaptive_range(i % windows / s->wo, s->h, s->ho);
        struct range cols = adaptive_range(i % s->wo, s->w, s->wo);
        double count = (double)((rows.end - rows.begin) * (cols.end - cols.begin));

        FN(spread)
        ((REAL *)s->to + i / windows * cells, s->w, rows, cols,
         (REAL)((double)((const REAL *)s->from)[i] / count));
    }
}
