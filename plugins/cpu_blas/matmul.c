/* matmul.c - matmul and linear: one or many products of two matrices, divided into tiles by sizes
 * only. Each tile is one BLAS call on one thread. The kernels allocate nothing and write only the
 * result and the workspace. */
#include "blas.h"
#include "cpu_blas.h"
#include <string.h>

enum {
    AXES = DNN_DIM_MAX,
    TILES_MAX = 64,      /* tiles of one product */
    TILE_MACS = 4 << 20, /* multiply-adds of one tile if there are many; about 0.1 ms */
    SPLIT_MACS = 500000, /* with more work than this, two threads are faster than one; with four
                            times as much, four */
    PLAIN_MACS = 512, /* with at most this much work, the plain loop is faster than a BLAS call */
    CHUNK_MACS = 1 << 16, /* work of a piece of small products in a batch, about */
    DEPTH_MIN = 1024      /* the shortest part of a sum that is divided */
};

/* One matrix of the product, or a batch of them. BLAS can read it after `packed` or `trans` is
 * decided. */
struct operand {
    int64_t rs, cs, bs[AXES]; /* strides of rows, columns and batch axes, in elements */
    int64_t ld;
    uint64_t at; /* packed: the offset in the workspace, in bytes */
    int64_t packed_bs[AXES];
    int64_t packed_batch;
    int trans, packed;
};

/* c [batch, m, n] = a [batch, m, k] b [batch, k, n] (+ bias [n]). */
struct product {
    int64_t m, n, k, batch, bdim[AXES];
    int nb, staged; /* staged: tiles go to the workspace, and a last pass sums them and writes c */
    struct operand a, b, c;
    int64_t bias_stride;
    const void *bias;
    int64_t tile_m, tile_n, tile_k, parts_m, parts_n, parts_k, grain;
    uint64_t stage_at, bytes;
    const dnn_call *call;
};

static int64_t divide_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static int64_t round_up(int64_t a, int64_t step)
{
    return divide_up(a, step) * step;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- geometry ---- */

/* Removes batch axes of size 1. If all batches share b, the batches of a and c become more rows of
 * one product. */
static void collapse(struct product *p)
{
    int kept = 0;

    for (int d = 0; d < p->nb; d++) {
        if (p->bdim[d] == 1)
            continue;
        p->bdim[kept] = p->bdim[d];
        p->a.bs[kept] = p->a.bs[d];
        p->b.bs[kept] = p->b.bs[d];
        p->c.bs[kept++] = p->c.bs[d];
    }
    p->nb = kept;
    while (p->nb > 0 && p->b.bs[p->nb - 1] == 0) {
        int d = p->nb - 1;

        if (p->m == 1) {
            p->a.rs = p->a.bs[d];
            p->c.rs = p->c.bs[d];
        } else if (p->a.bs[d] != p->m * p->a.rs || p->c.bs[d] != p->m * p->c.rs) {
            break;
        }
        p->m *= p->bdim[d];
        p->nb--;
    }
    p->batch = 1;
    for (int d = 0; d < p->nb; d++)
        p->batch *= p->bdim[d];
}

/* BLAS needs unit stride in one axis and a leading dimension that is large enough in the other. */
static bool blas_accepts(int64_t outer, int64_t inner, int64_t outer_stride, int64_t inner_stride)
{
    return (inner == 1 || inner_stride == 1) &&
           (outer == 1 || (outer_stride >= inner && outer_stride <= CPU_BLAS_MAX));
}

static bool reserve(uint64_t *total, int64_t items, int64_t count, int64_t item_bytes, uint64_t *at)
{
    uint64_t bytes;

    *at = *total;
    return !__builtin_mul_overflow((uint64_t)items, (uint64_t)count, &bytes) &&
           !__builtin_mul_overflow(bytes, (uint64_t)item_bytes, &bytes) &&
           !__builtin_add_overflow(bytes, (uint64_t)63, &bytes) &&
           !__builtin_add_overflow(*total, bytes & ~(uint64_t)63, total) && *total <= INT64_MAX;
}

/* Selects how BLAS reads an input: as it is, transposed, or packed. Returns false if the packed
 * copy exceeds 2^63 bytes. */
static bool select_form(struct product *p, struct operand *o, int64_t rows, int64_t cols,
                        int64_t item)
{
    int64_t elements = 0, count = 1;

    if (blas_accepts(rows, cols, o->rs, o->cs)) {
        o->ld = rows == 1 ? cols : o->rs;
        return true;
    }
    if (blas_accepts(cols, rows, o->cs, o->rs)) {
        o->trans = 1;
        o->ld = cols == 1 ? rows : o->cs;
        return true;
    }
    o->packed = 1;
    o->ld = cols;
    if (__builtin_mul_overflow(rows, cols, &elements))
        return false;
    for (int d = p->nb - 1; d >= 0; d--) {
        o->packed_bs[d] = o->bs[d] == 0 ? 0 : count * elements;
        if (o->bs[d] != 0 && __builtin_mul_overflow(count, p->bdim[d], &count))
            return false;
    }
    o->packed_batch = count;
    return reserve(&p->bytes, elements, count, item, &o->at);
}

/* Selects the division into parts_m x parts_n tiles that packs the fewest elements repeatedly: BLAS
 * packs b for each row of tiles, and a for each column. */
static void select_tiles(struct product *p)
{
    double macs = (double)p->m * (double)p->n * (double)p->k, best = 0;
    int64_t want =
        macs >= (double)TILE_MACS * TILES_MAX ? TILES_MAX : (int64_t)(macs / TILE_MACS) + 1;

    if (p->batch < 16 && macs > SPLIT_MACS && want < 4)
        want = macs > 4.0 * SPLIT_MACS ? 4 : 2;
    for (int64_t parts = 1; parts <= want; parts++) {
        int64_t tile_m = round_up(divide_up(p->m, parts), 8);
        int64_t parts_m = divide_up(p->m, tile_m);
        int64_t tile_n = round_up(divide_up(p->n, divide_up(want, parts_m)), 16);
        int64_t parts_n = divide_up(p->n, tile_n);
        double missing = (double)want / (double)(parts_m * parts_n);
        double cost = (double)parts_n * (double)p->m + (double)parts_m * (double)p->n;

        cost *= missing > 1 ? missing * missing : 1;
        if (best > 0 && cost >= best)
            continue;
        best = cost;
        p->tile_m = tile_m;
        p->tile_n = tile_n;
        p->parts_m = parts_m;
        p->parts_n = parts_n;
    }
    want = least(want / (p->parts_m * p->parts_n), p->k / DEPTH_MIN);
    p->tile_k = want > 1 ? round_up(divide_up(p->k, want), 64) : p->k;
    p->parts_k = p->tile_k > 0 ? divide_up(p->k, p->tile_k) : 1;
    p->grain = macs < CHUNK_MACS ? CHUNK_MACS / ((int64_t)macs + 1) + 1 : 1;
}

/* Fills in the rest of p from the sizes and strides of the call. */
static dnn_status finish_product(const dnn_call *c, struct product *p)
{
    int64_t item = cpu_item_size(c->in[0]);

    p->call = c;
    collapse(p);
    if (p->m > CPU_BLAS_MAX || p->n > CPU_BLAS_MAX || p->k > CPU_BLAS_MAX)
        return c->host->fail(DNN_DECLINED,
                             "a product of %lld x %lld x %lld is larger than BLAS accepts (%d)",
                             (long long)p->m, (long long)p->k, (long long)p->n, CPU_BLAS_MAX);
    select_tiles(p);
    p->staged = !blas_accepts(p->m, p->n, p->c.rs, p->c.cs) || p->parts_k > 1;
    p->c.ld = p->m == 1 ? p->n : p->c.rs;
    if (p->k == 0)
        return DNN_OK;
    if (!select_form(p, &p->a, p->m, p->k, item) || !select_form(p, &p->b, p->k, p->n, item) ||
        (p->staged && !reserve(&p->bytes, p->batch * p->m * p->n, p->parts_k, item, &p->stage_at)))
        return c->host->fail(
            DNN_DECLINED,
            "the packed operands of a product of %lld x %lld x %lld take more than 2^63 "
            "bytes",
            (long long)p->m, (long long)p->k, (long long)p->n);
    return DNN_OK;
}

static void last_axes(struct operand *o, const dnn_view *v)
{
    o->rs = v->ndim > 1 ? v->stride[v->ndim - 2] : 0;
    o->cs = v->stride[v->ndim - 1];
    for (int d = 0; d + 2 < v->ndim; d++)
        o->bs[d] = v->stride[d];
}

static dnn_status measure_matmul(const dnn_call *c, struct product *p)
{
    const dnn_view *a = c->in[0], *b = c->in[1], *out = c->out[0];
    int nd = out->ndim;

    *p = (struct product){
        .m = out->dim[nd - 2], .n = out->dim[nd - 1], .k = a->dim[nd - 1], .nb = nd - 2};
    for (int d = 0; d < p->nb; d++)
        p->bdim[d] = out->dim[d];
    last_axes(&p->a, a);
    last_axes(&p->b, b);
    last_axes(&p->c, out);
    return finish_product(c, p);
}

static dnn_status measure_linear(const dnn_call *c, struct product *p)
{
    const dnn_view *x = c->in[0], *w = c->in[1], *bias = c->in[2], *out = c->out[0];
    int nd = out->ndim;

    *p = (struct product){.m = nd > 1 ? out->dim[nd - 2] : 1,
                          .n = w->dim[0],
                          .k = w->dim[1],
                          .nb = nd > 2 ? nd - 2 : 0};
    for (int d = 0; d < p->nb; d++)
        p->bdim[d] = out->dim[d];
    last_axes(&p->a, x);
    last_axes(&p->c, out);
    p->b.rs = w->stride[1];
    p->b.cs = w->stride[0];
    if (bias) {
        p->bias = bias->data;
        p->bias_stride = bias->stride[0];
    }
    return finish_product(c, p);
}

static int64_t batch_offset(const struct product *p, const int64_t *bs, int64_t index)
{
    int64_t offset = 0;

    for (int d = p->nb - 1; d >= 0; d--) {
        offset += index % p->bdim[d] * bs[d];
        index /= p->bdim[d];
    }
    return offset;
}

#define REAL_BITS 32
#include "matmul_real.h"
#undef REAL_BITS
#define REAL_BITS 64
#include "matmul_real.h"

/* ---- kernels ---- */

static dnn_status run_product(const dnn_call *c, const struct product *p)
{
    if (c->in[0]->dtype == DNN_T_F32)
        multiply_f32(c, p);
    else
        multiply_f64(c, p);
    return DNN_OK;
}

static dnn_status plan_matmul(const dnn_call *c, dnn_plan *plan)
{
    struct product p;
    dnn_status status = measure_matmul(c, &p);

    plan->workspace_bytes = p.bytes;
    return status;
}

static dnn_status run_matmul(const dnn_call *c)
{
    struct product p;
    dnn_status status = measure_matmul(c, &p);

    return status == DNN_OK ? run_product(c, &p) : status;
}

static dnn_status plan_linear(const dnn_call *c, dnn_plan *plan)
{
    struct product p;
    dnn_status status = measure_linear(c, &p);

    plan->workspace_bytes = p.bytes;
    return status;
}

static dnn_status run_linear(const dnn_call *c)
{
    struct product p;
    dnn_status status = measure_linear(c, &p);

    return status == DNN_OK ? run_product(c, &p) : status;
}

#define PROMISES (DNN_K_STRIDED | DNN_K_UNALIGNED | DNN_K_REENTRANT | DNN_K_DETERMINISTIC)

CPU_FAMILY(matmul) = {
    CPU_KERNEL_PLANNED(matmul, "blas", PROMISES, CPU_T_FLOAT, plan_matmul),
    CPU_KERNEL_PLANNED(linear, "blas", PROMISES, CPU_T_FLOAT, plan_linear),
    NULL,
};
