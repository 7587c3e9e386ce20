/* matmul_real.h - the part of matmul.c that depends on the element type: packing, one tile, the
 * last pass. Included by matmul.c once for f32 and once for f64. */
#include "real.h"

struct FN(packing) {
    const struct product *p;
    const struct operand *o;
    int64_t rows, cols;
    const REAL *from;
    REAL *to;
};

/* Packs rows begin .. end, numbered over all matrices to pack. */
static void FN(pack_rows)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct FN(packing) *job = arg;
    const struct operand *o = job->o;

    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        int64_t index = r / job->rows, offset = r % job->rows * o->rs;
        REAL *to = job->to + r * job->cols;

        for (int d = job->p->nb - 1; d >= 0; d--) {
            if (o->bs[d] == 0)
                continue;
            offset += index % job->p->bdim[d] * o->bs[d];
            index /= job->p->bdim[d];
        }
        for (int64_t j = 0; j < job->cols; j++)
            to[j] = job->from[offset + j * o->cs];
    }
}

static const REAL *FN(form_of)(const struct product *p, const struct operand *o, int64_t rows,
                               int64_t cols, const dnn_view *v)
{
    struct FN(packing) job = {p, o, rows, cols, v->data, NULL};

    if (!o->packed)
        return v->data;
    job.to = (REAL *)(void *)((char *)p->call->workspace + o->at);
    cpu_parallel(p->call->host, o->packed_batch * rows, cpu_grain(cols), FN(pack_rows), &job);
    return job.to;
}

struct FN(tiles) {
    const struct product *p;
    const REAL *a, *b;
    REAL *c, *stage;
};

static void FN(fill_bias)(const struct product *p, REAL *c, int64_t ld, int64_t rows, int64_t first,
                          int64_t cols)
{
    const REAL *bias = (const REAL *)p->bias + first * p->bias_stride;

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            c[i * ld + j] = bias[j * p->bias_stride];
}

/* A product of few numbers, for which a BLAS call costs more than this loop. */
static void FN(plain)(const struct operand *oa, const struct operand *ob, int64_t m, int64_t n,
                      int64_t k, const REAL *a, const REAL *b, bool keep, REAL *c, int64_t ldc)
{
    int64_t a_row = oa->trans ? 1 : oa->ld, a_col = oa->trans ? oa->ld : 1;
    int64_t b_row = ob->trans ? 1 : ob->ld, b_col = ob->trans ? ob->ld : 1;

    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            REAL sum = keep ? c[i * ldc + j] : 0;

            for (int64_t l = 0; l < k; l++)
                sum += a[i * a_row + l * a_col] * b[l * b_row + j * b_col];
            c[i * ldc + j] = sum;
        }
}

static void FN(one_tile)(const struct FN(tiles) * t, int64_t index)
{
    const struct product *p = t->p;
    int64_t part = index % p->parts_k, tile = index / p->parts_k;
    int64_t j = tile % p->parts_n * p->tile_n, i = tile / p->parts_n % p->parts_m * p->tile_m;
    int64_t batch = tile / p->parts_n / p->parts_m, l = part * p->tile_k;
    int64_t m = least(p->tile_m, p->m - i), n = least(p->tile_n, p->n - j),
            k = least(p->tile_k, p->k - l);
    int64_t ldc = p->staged ? p->n : p->c.ld;
    const REAL *a = t->a + batch_offset(p, p->a.packed ? p->a.packed_bs : p->a.bs, batch);
    const REAL *b = t->b + batch_offset(p, p->b.packed ? p->b.packed_bs : p->b.bs, batch);
    REAL *c = p->staged ? t->stage + (part * p->batch + batch) * p->m * p->n
                        : t->c + batch_offset(p, p->c.bs, batch);
    bool biased = p->bias && part == 0;

    a += p->a.trans ? l * p->a.ld + i : i * p->a.ld + l;
    b += p->b.trans ? j * p->b.ld + l : l * p->b.ld + j;
    c += i * ldc + j;
    if (biased)
        FN(fill_bias)(p, c, ldc, m, j, n);
    if (m * n <= PLAIN_MACS && m * n * k <= PLAIN_MACS)
        FN(plain)(&p->a, &p->b, m, n, k, a, b, biased, c, ldc);
    else
        REAL_GEMM(p->a.trans, p->b.trans, m, n, k, a, p->a.ld, b, p->b.ld, biased ? 1 : 0, c, ldc);
}

static void FN(some_tiles)(void *arg, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        FN(one_tile)(arg, i);
}

/* Adds the parts of each sum in order and writes rows of c. */
static void FN(finish_rows)(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct FN(tiles) *t = arg;
    const struct product *p = t->p;
    int64_t part = p->batch * p->m * p->n;

    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        const REAL *from = t->stage + r * p->n;
        REAL *to = t->c + batch_offset(p, p->c.bs, r / p->m) + r % p->m * p->c.rs;

        for (int64_t j = 0; j < p->n; j++) {
            REAL sum = from[j];

            for (int64_t q = 1; q < p->parts_k; q++)
                sum += from[q * part + j];
            to[j * p->c.cs] = sum;
        }
    }
}

/* K = 0: the result is the bias or 0; the inputs may have no memory. */
static void FN(empty_sum)(const struct product *p, REAL *c)
{
    const REAL *bias = p->bias;

    for (int64_t r = 0; r < p->batch * p->m; r++) {
        REAL *to = c + batch_offset(p, p->c.bs, r / p->m) + r % p->m * p->c.rs;

        for (int64_t j = 0; j < p->n; j++)
            to[j * p->c.cs] = bias ? bias[j * p->bias_stride] : 0;
    }
}

static void FN(multiply)(const dnn_call *c, const struct product *p)
{
    struct FN(tiles) t = {.p = p, .c = c->out[0]->data};

    if (p->batch == 0 || p->m == 0 || p->n == 0)
        return;
    if (p->k == 0) {
        FN(empty_sum)(p, t.c);
        return;
    }
    t.a = FN(form_of)(p, &p->a, p->m, p->k, c->in[0]);
    t.b = FN(form_of)(p, &p->b, p->k, p->n, c->in[1]);
    if (p->staged)
        t.stage = (REAL *)(void *)((char *)c->workspace + p->stage_at);
    cpu_parallel(c->host, p->batch * p->parts_m * p->parts_n * p->parts_k, p->grain, FN(some_tiles),
                 &t);
    if (p->staged)
        cpu_parallel(c->host, p->batch * p->m, cpu_grain(p->n * p->parts_k), FN(finish_rows), &t);
}
