/* conv_real.h - the part of conv.c that depends on the element type: im2col, col2im, and the three
 * products. Included by conv.c once for f32 and once for f64. */
#include "real.h"

struct FN(conv_job) {
    const struct conv *s;
    const REAL *x, *w, *bias, *dy;
    REAL *out, *part;
};

static REAL *FN(scratch_of)(const struct conv *s, int worker)
{
    return (REAL *)(void *)((char *)s->call->workspace + (uint64_t)worker * s->scratch);
}

/* Copies the columns of `rows` output rows whose image rows (from + y * step) all lie inside. With
 * stride 1 and no padding a row is a plain copy; most of im2col is this case. */
static void FN(copy_rows)(const struct conv *s, const struct span *r, const REAL *restrict from,
                          int64_t step, int64_t rows, REAL *restrict to)
{
    int64_t width = s->wo, count = r->high - r->low, stride = s->sw;

    for (int64_t y = 0; y < rows; y++, from += step, to += width) {
        const REAL *first = from + r->low * stride + r->first;

        for (int64_t x = 0; x < r->low; x++)
            to[x] = 0;
        if (stride == 1)
            for (int64_t x = 0; x < count; x++)
                to[r->low + x] = first[x];
        else
            for (int64_t x = 0; x < count; x++)
                to[r->low + x] = first[x * stride];
        for (int64_t x = r->high; x < width; x++)
            to[x] = 0;
    }
}

/* Writes columns [depth, (y1-y0) wo] of the output rows y0 .. y1 from the channels of one group. */
static void FN(im2col)(const struct conv *s, const REAL *image, int64_t y0, int64_t y1,
                       REAL *columns)
{
    int64_t width = (y1 - y0) * s->wo;

    for (int64_t d = 0; d < s->depth; d++) {
        int64_t ky = d / s->kw % s->kh, first = ky * s->dh - s->pt;
        const REAL *plane = image + d / s->kw / s->kh * s->h * s->w;
        struct span r = span_of(s, d % s->kw);
        REAL *to = columns + d * width;
        /* The output rows between top and bottom read rows inside the image. */
        int64_t top = between(first < 0 ? divide_up(-first, s->sh) : 0, y0, y1);
        int64_t low = between(first < s->h ? divide_up(s->h - first, s->sh) : 0, top, y1);

        if (r.low == r.high)
            low = top;
        memset(to, 0, (size_t)((top - y0) * s->wo) * sizeof(*to));
        if (low > top)
            FN(copy_rows)
        (s, &r, plane + (top * s->sh + first) * s->w, s->sh * s->w, low - top,
         to + (top - y0) * s->wo);
        memset(to + (low - y0) * s->wo, 0, (size_t)((y1 - low) * s->wo) * sizeof(*to));
    }
}

/* Adds the columns of the output rows y0 .. y1 to the image elements that they were read from. */
static void FN(col2im)(const struct conv *s, const REAL *columns, int64_t y0, int64_t y1,
                       int64_t channels, REAL *image)
{
    int64_t width = (y1 - y0) * s->wo;

    for (int64_t d = 0; d < channels * s->kh * s->kw; d++) {
        int64_t ky = d / s->kw % s->kh;
        REAL *plane = image + d / s->kw / s->kh * s->h * s->w;
        struct span r = span_of(s, d % s->kw);
        const REAL *from = columns + d * width + r.low;

        if (r.low == r.high)
            continue;
        for (int64_t y = y0; y < y1; y++, from += s->wo) {
            int64_t row = y * s->sh + ky * s->dh - s->pt;
            REAL *to;

            if (row < 0 || row >= s->h)
                continue;
            to = plane + row * s->w + r.low * s->sw + r.first;
            if (s->sw == 1)
                for (int64_t x = 0; x < r.high - r.low; x++)
                    to[x] += from[x];
            else
                for (int64_t x = 0; x < r.high - r.low; x++)
                    to[x * s->sw] += from[x];
        }
    }
}

/* Returns the columns of a block and their leading dimension: in scratch memory, or the image
 * itself. */
static const REAL *FN(columns_of)(const struct conv *s, const REAL *image, int64_t y0, int64_t y1,
                                  int worker, int64_t *ld)
{
    REAL *columns;

    if (s->direct) {
        *ld = s->pixels;
        return image + y0 * s->wo;
    }
    columns = FN(scratch_of)(s, worker);
    FN(im2col)(s, image, y0, y1, columns);
    *ld = (y1 - y0) * s->wo;
    return columns;
}

/* ---- y = w columns + bias ---- */

static void FN(forward_block)(const struct FN(conv_job) * job, int64_t index, int worker)
{
    const struct conv *s = job->s;
    int64_t y0 = index % s->blocks * s->rows, y1 = least(y0 + s->rows, s->ho),
            width = (y1 - y0) * s->wo;
    int64_t g = index / s->blocks % s->groups, n = index / s->blocks / s->groups, ld;
    REAL *y = job->out + (n * s->o + g * s->og) * s->pixels + y0 * s->wo;
    const REAL *columns;

    if (job->bias || s->depth == 0)
        for (int64_t o = 0; o < s->og; o++)
            for (int64_t i = 0; i < width; i++)
                y[o * s->pixels + i] = job->bias ? job->bias[g * s->og + o] : 0;
    if (s->depth == 0)
        return;
    columns = FN(columns_of)(s, job->x + (n * s->c + g * s->cg) * s->h * s->w, y0, y1, worker, &ld);
    REAL_GEMM(0, 0, s->og, width, s->depth, job->w + g * s->og * s->depth, s->depth, columns, ld,
              job->bias ? 1 : 0, y, s->pixels);
}

static void FN(forward_blocks)(void *arg, int64_t begin, int64_t end, int worker)
{
    for (int64_t i = begin; i < end; i++)
        FN(forward_block)(arg, i, worker);
}

static void FN(forward)(const struct conv *s)
{
    const dnn_call *c = s->call;
    struct FN(conv_job) job = {.s = s,
                               .x = c->in[0]->data,
                               .w = c->in[1]->data,
                               .bias = c->in[2] ? c->in[2]->data : NULL,
                               .out = c->out[0]->data};
    int64_t tasks = s->n * s->groups * s->blocks;

    if (tasks > 0)
        cpu_parallel(c->host, tasks,
                     grain_of((double)s->n * macs_of_image(s) / (double)s->groups / (double)tasks),
                     FN(forward_blocks), &job);
}

/* ---- dx = col2im(w' dy) ---- */

/* One task has all the work of its piece of channels, so no two tasks add to the same element. */
static void FN(input_piece)(const struct FN(conv_job) * job, int64_t index, int worker)
{
    const struct conv *s = job->s;
    int64_t c0 = index % s->splits * s->split_c, channels = least(s->split_c, s->cg - c0),
            window = s->kh * s->kw;
    int64_t g = index / s->splits % s->groups, n = index / s->splits / s->groups;
    REAL *dx = job->out + (n * s->c + g * s->cg + c0) * s->h * s->w;
    const REAL *dy, *w;

    if (!s->direct || s->og == 0)
        memset(dx, 0, (size_t)(channels * s->h * s->w) * sizeof(*dx));
    if (s->pixels == 0 || s->og == 0)
        return;
    dy = job->dy + (n * s->o + g * s->og) * s->pixels;
    w = job->w + g * s->og * s->depth + c0 * window;
    for (int64_t y0 = 0; y0 < s->ho; y0 += s->rows) {
        int64_t y1 = least(y0 + s->rows, s->ho), width = (y1 - y0) * s->wo;
        REAL *columns = s->direct ? dx + y0 * s->wo : FN(scratch_of)(s, worker);

        REAL_GEMM(1, 0, channels * window, width, s->og, w, s->depth, dy + y0 * s->wo, s->pixels, 0,
                  columns, s->direct ? s->pixels : width);
        if (!s->direct)
            FN(col2im)(s, columns, y0, y1, channels, dx);
    }
}

static void FN(input_pieces)(void *arg, int64_t begin, int64_t end, int worker)
{
    for (int64_t i = begin; i < end; i++)
        FN(input_piece)(arg, i, worker);
}

static void FN(bwd_input)(const struct conv *s)
{
    const dnn_call *c = s->call;
    struct FN(conv_job)
        job = {.s = s, .dy = c->in[0]->data, .w = c->in[1]->data, .out = c->out[0]->data};
    double macs = macs_of_image(s) / (double)s->groups / (double)s->splits;

    cpu_parallel(c->host, s->n * s->groups * s->splits, grain_of(macs), FN(input_pieces), &job);
}

/* ---- dw = sum of dy columns' ---- */

static void FN(weight_part)(const struct FN(conv_job) * job, int64_t part, int worker)
{
    const struct conv *s = job->s;
    int64_t begin = part * s->per_part, end = least(begin + s->per_part, s->n * s->blocks), ld;
    REAL *dw = job->part + part * s->o * s->depth;

    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / s->blocks, y0 = i % s->blocks * s->rows, y1 = least(y0 + s->rows, s->ho);

        for (int64_t g = 0; g < s->groups; g++) {
            const REAL *image = job->x + (n * s->c + g * s->cg) * s->h * s->w;
            const REAL *columns = FN(columns_of)(s, image, y0, y1, worker, &ld);

            REAL_GEMM(0, 1, s->og, s->depth, (y1 - y0) * s->wo,
                      job->dy + (n * s->o + g * s->og) * s->pixels + y0 * s->wo, s->pixels, columns,
                      ld, i > begin ? 1 : 0, dw + g * s->og * s->depth, s->depth);
        }
    }
}

static void FN(weight_parts)(void *arg, int64_t begin, int64_t end, int worker)
{
    for (int64_t i = begin; i < end; i++)
        FN(weight_part)(arg, i, worker);
}

static void FN(sum_parts)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct FN(conv_job) *job = arg;
    int64_t size = job->s->o * job->s->depth;

    (void)worker;
    for (int64_t i = begin; i < end; i++)
        job->out[i] = job->part[i];
    for (int64_t p = 1; p < job->s->parts; p++)
        for (int64_t i = begin; i < end; i++)
            job->out[i] += job->part[p * size + i];
}

static void FN(bwd_weight)(const struct conv *s)
{
    const dnn_call *c = s->call;
    struct FN(conv_job)
        job = {.s = s, .dy = c->in[0]->data, .x = c->in[1]->data, .out = c->out[0]->data};
    int64_t size = s->o * s->depth;

    if (s->n * s->blocks == 0 || s->pixels == 0) {
        memset(job.out, 0, (size_t)size * sizeof(*job.out));
        return;
    }
    job.part = s->parts > 1 ? (REAL *)(void *)((char *)c->workspace + s->parts_at) : job.out;
    cpu_parallel(c->host, s->parts, 1, FN(weight_parts), &job);
    if (s->parts > 1)
        cpu_parallel(c->host, size, CPU_GRAIN / s->parts, FN(sum_parts), &job);
}
