/* conv.c - conv2d and its two gradients. im2col writes the windows as columns into scratch memory
 * of the worker, and BLAS multiplies them, one block of output rows at a time. Blocks and partial
 * sums depend on sizes only. Nothing is allocated. */
#include "blas.h"
#include "cpu_blas.h"
#include <string.h>

enum {
    COLUMN_BYTES =
        /* Bytes of one block of columns: it stays in the L2 cache until BLAS has read it. */
    256 << 10,
    CHUNK_MACS = 1 << 18, /* work of a piece of small images, about */
    SPLIT_MACS =
        4 << 20,    /* in bwd_input an image with more work than this is divided by channels */
    PARTS_MAX = 16, /* partial sums of a weight gradient */
    PART_BYTES = 32 << 20 /* all partial sums together, about */
};

/* Sizes of a call. A suffix g means "in one group". */
struct conv {
    int64_t n, c, h, w, o, cg, og, groups, kh, kw, ho, wo;
    int64_t sh, sw, pt, pl, dh, dw;
    int64_t depth, pixels;   /* cg kh kw, the number of rows of the columns; ho wo */
    int64_t rows, blocks;    /* output rows of one block; blocks of one image */
    int64_t parts, per_part; /* bwd_weight: number of partial sums; (image, block) pairs in each */
    int64_t splits,
        split_c; /* bwd_input: number of pieces of a group's channels; channels in each */
    int direct;  /* 1x1, stride 1, no padding: the input itself is the columns */
    uint64_t scratch, parts_at,
        bytes; /* bytes of one worker; offset of the partial sums; bytes of all */
    const dnn_call *call;
};

static int64_t divide_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t between(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static double macs_of_image(const struct conv *s)
{
    return (double)s->o * (double)s->depth * (double)s->pixels;
}

/* x is [N,C,H,W], w [O,C/groups,kh,kw], y [N,O,Ho,Wo]. Each is an input or an output, depending on
 * the call. */
static dnn_status measure(const dnn_call *call, const dnn_view *x, const dnn_view *w,
                          const dnn_view *y, struct conv *s)
{
    const dnn_attr_conv2d *attr = call->attr;
    int64_t item = cpu_item_size(call->in[0]), row_bytes = 0;

    *s = (struct conv){.n = x->dim[0],
                       .c = x->dim[1],
                       .h = x->dim[2],
                       .w = x->dim[3],
                       .o = w->dim[0],
                       .cg = w->dim[1],
                       .groups = attr->groups,
                       .kh = w->dim[2],
                       .kw = w->dim[3],
                       .ho = y->dim[2],
                       .wo = y->dim[3],
                       .sh = attr->stride_h,
                       .sw = attr->stride_w,
                       .pt = attr->pad_top,
                       .pl = attr->pad_left,
                       .dh = attr->dilation_h,
                       .dw = attr->dilation_w,
                       .call = call};
    s->og = s->o / s->groups;
    s->direct = s->kh == 1 && s->kw == 1 && s->sh == 1 && s->sw == 1 && s->pt == 0 && s->pl == 0 &&
                s->ho == s->h && s->wo == s->w;
    if (__builtin_mul_overflow(s->cg, s->kh, &s->depth) ||
        __builtin_mul_overflow(s->depth, s->kw, &s->depth) ||
        __builtin_mul_overflow(s->ho, s->wo, &s->pixels) ||
        __builtin_mul_overflow(s->depth, s->wo, &row_bytes) ||
        __builtin_mul_overflow(row_bytes, item, &row_bytes) || s->depth > CPU_BLAS_MAX ||
        s->pixels > CPU_BLAS_MAX || s->h > CPU_BLAS_MAX || s->w > CPU_BLAS_MAX ||
        s->o > CPU_BLAS_MAX)
        return call->host->fail(
            DNN_DECLINED,
            "a convolution of %lld x %lld kernels over %lld channels to %lld x %lld "
            "outputs is larger than BLAS accepts (%d)",
            (long long)s->kh, (long long)s->kw, (long long)s->cg, (long long)s->ho,
            (long long)s->wo, CPU_BLAS_MAX);
    s->rows = row_bytes > 0 ? between(COLUMN_BYTES / row_bytes, 1, s->ho > 0 ? s->ho : 1) : s->ho;
    /* Blocks much narrower than a tile of BLAS would lose more time than the cache saves. */
    if (s->rows * s->wo < 64 && s->wo > 0)
        s->rows = least(s->ho, divide_up(64, s->wo));
    s->blocks = s->rows > 0 ? divide_up(s->ho, s->rows) : 0;
    s->splits = 1;
    s->split_c = s->cg;
    return DNN_OK;
}

/* Reserves the columns of each worker, then the partial sums. */
static dnn_status reserve(struct conv *s, int64_t item)
{
    int64_t columns = s->direct ? 0 : s->depth * s->rows, part = 0, all = 0;

    if (__builtin_mul_overflow(columns, s->wo * item, &columns) || columns > INT64_MAX - 63 ||
        __builtin_mul_overflow((columns + 63) / 64 * 64, (int64_t)s->call->host->threads(), &all))
        return s->call->host->fail(
            DNN_DECLINED,
            "the columns of a convolution with %lld x %lld outputs take more than "
            "2^63 bytes",
            (long long)s->rows, (long long)s->wo);
    if (s->parts > 1 && (__builtin_mul_overflow(s->o * s->depth, s->parts * item, &part) ||
                         __builtin_add_overflow(all, part, &part)))
        return s->call->host->fail(DNN_DECLINED,
                                   "%lld partial sums of %lld weights take more than 2^63 bytes",
                                   (long long)s->parts, (long long)(s->o * s->depth));
    s->scratch = (uint64_t)((columns + 63) / 64 * 64);
    s->parts_at = (uint64_t)all;
    s->bytes = (uint64_t)(s->parts > 1 ? part : all);
    return DNN_OK;
}

static dnn_status measure_forward(const dnn_call *c, struct conv *s)
{
    dnn_status status = measure(c, c->in[0], c->in[1], c->out[0], s);

    return status == DNN_OK ? reserve(s, cpu_item_size(c->in[0])) : status;
}

static dnn_status measure_input(const dnn_call *c, struct conv *s)
{
    dnn_status status = measure(c, c->out[0], c->in[1], c->in[0], s);

    if (status != DNN_OK)
        return status;
    if (s->n * s->groups < PARTS_MAX && s->cg > 1) {
        double pieces = macs_of_image(s) / (double)s->groups / SPLIT_MACS;

        s->split_c =
            divide_up(s->cg, between(pieces < PARTS_MAX ? (int64_t)pieces : PARTS_MAX, 1, s->cg));
        s->splits = divide_up(s->cg, s->split_c);
    }
    return reserve(s, cpu_item_size(c->in[0]));
}

static dnn_status measure_weight(const dnn_call *c, struct conv *s)
{
    dnn_status status = measure(c, c->in[1], c->out[0], c->in[0], s);
    int64_t item = cpu_item_size(c->in[0]), pairs = s->n * s->blocks;
    double macs = (double)s->n * macs_of_image(s);

    if (status != DNN_OK)
        return status;
    s->parts = macs / CHUNK_MACS < PARTS_MAX ? (int64_t)(macs / CHUNK_MACS) : PARTS_MAX;
    s->parts = least(s->parts, between(PART_BYTES / item / (s->o * s->depth + 1), 2, PARTS_MAX));
    s->parts = between(s->parts, 1, pairs > 0 ? pairs : 1);
    s->per_part = divide_up(pairs, s->parts);
    s->parts = s->per_part > 0 ? divide_up(pairs, s->per_part) : 1;
    return reserve(s, item);
}

/* Returns the number of images in one piece of parallel work. */
static int64_t grain_of(double macs)
{
    return macs >= CHUNK_MACS ? 1 : (int64_t)(CHUNK_MACS / (macs + 1)) + 1;
}

/* For kernel column kx: the output columns [low, high) that read inside the image, and the image
 * column that the first of them reads. */
struct span {
    int64_t low, high, first;
};

static struct span span_of(const struct conv *s, int64_t kx)
{
    struct span r = {.first = kx * s->dw - s->pl};

    r.low = r.first < 0 ? least(divide_up(-r.first, s->sw), s->wo) : 0;
    r.high = r.first < s->w ? least(divide_up(s->w - r.first, s->sw), s->wo) : 0;
    if (r.high < r.low)
        r.high = r.low;
    return r;
}

#define REAL_BITS 32
#include "conv_real.h"
#undef REAL_BITS
#define REAL_BITS 64
#include "conv_real.h"

/* ---- kernels ---- */

#define CONV_KERNEL(op, measure_call, compute)                     \
    static dnn_status plan_##op(const dnn_call *c, dnn_plan *plan) \
    {                                                              \
        struct conv s;                                             \
        dnn_status status = measure_call(c, &s);                   \
                                                                   \
        plan->workspace_bytes = s.bytes;                           \
        return status;                                             \
    }                                                              \
    static dnn_status run_##op(const dnn_call *c)                  \
    {                                                              \
        struct conv s;                                             \
        dnn_status status = measure_call(c, &s);                   \
                                                                   \
        if (status != DNN_OK)                                      \
            return status;                                         \
        if (c->in[0]->dtype == DNN_T_F32)                          \
            compute##_f32(&s);                                     \
        else                                                       \
            compute##_f64(&s);                                     \
        return DNN_OK;                                             \
    }

CONV_KERNEL(conv2d, measure_forward, forward)
CONV_KERNEL(conv2d_bwd_input, measure_input, bwd_input)
CONV_KERNEL(conv2d_bwd_weight, measure_weight, bwd_weight)

#define PROMISES (DNN_K_UNALIGNED | DNN_K_REENTRANT | DNN_K_DETERMINISTIC)

CPU_FAMILY(conv) = {
    CPU_KERNEL_PLANNED(conv2d, "im2col", PROMISES, CPU_T_FLOAT, plan_conv2d),
    CPU_KERNEL_PLANNED(conv2d_bwd_input, "col2im", PROMISES, CPU_T_FLOAT, plan_conv2d_bwd_input),
    CPU_KERNEL_PLANNED(conv2d_bwd_weight, "im2col", PROMISES, CPU_T_FLOAT, plan_conv2d_bwd_weight),
    NULL,
};
