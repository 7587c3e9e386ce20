/* optim.c - sgd_step: all parameters of a step in one call, in pieces of fixed size over all
 * tensors, with one pass over memory. Each element is independent, so any division gives the same
 * bits. */
#include "cpu_blas.h"

enum { PIECE = 16384 }; /* elements */

struct step {
    const dnn_call *call;
    const dnn_attr_sgd *attr;
    double lr, momentum;
};

static int64_t pieces_of(const dnn_view *v)
{
    int64_t n = cpu_count(v);

    return (n + PIECE - 1) / PIECE;
}

#define SGD(REAL, suffix)                                                                         \
    /* n elements of one parameter; b may be NULL. The attributes are rounded to the dtype first. \
     */                                                                                           \
    static void step_##suffix(const struct step *s, REAL *p, const REAL *g, REAL *b, int64_t n)   \
    {                                                                                             \
        const REAL lr = (REAL)s->lr, m = (REAL)s->momentum, decay = (REAL)s->attr->weight_decay;  \
        const REAL damp = (REAL)(1 - s->attr->dampening),                                         \
                   sign = s->attr->maximize != 0 ? (REAL)-1 : (REAL)1;                            \
        const bool nesterov = s->attr->nesterov != 0, first = s->attr->first != 0;                \
                                                                                                  \
        if (b == NULL) {                                                                          \
            CPU_SIMD                                                                              \
            for (int64_t i = 0; i < n; i++)                                                       \
                p[i] -= lr * (decay != 0 ? sign * g[i] + decay * p[i] : sign * g[i]);             \
            return;                                                                               \
        }                                                                                         \
        CPU_SIMD                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                         \
            REAL d = decay != 0 ? sign * g[i] + decay * p[i] : sign * g[i];                       \
            REAL v = first ? d : m * b[i] + damp * d;                                             \
                                                                                                  \
            b[i] = v;                                                                             \
            p[i] -= lr * (nesterov ? d + m * v : v);                                              \
        }                                                                                         \
    }
SGD(float, f32)
SGD(double, f64)

static bool is_dense(const dnn_view *v)
{
    int64_t dense = 1;

    for (int d = v != NULL ? v->ndim - 1 : -1; d >= 0; d--) {
        if (v->dim[d] != 1 && v->stride[d] != dense)
            return false;
        dense *= v->dim[d];
    }
    return true;
}

/* Returns the offset of element i in row-major order. */
static int64_t offset_of(const dnn_view *v, int64_t i)
{
    int64_t at = 0;

    for (int d = v->ndim - 1; d >= 0; d--) {
        at += i % v->dim[d] * v->stride[d];
        i /= v->dim[d];
    }
    return at;
}

/* n contiguous elements at p, g and b (which may be NULL). */
static void run_row(const struct step *s, const dnn_view *p, int64_t p0, const dnn_view *g,
                    int64_t g0, const dnn_view *b, int64_t b0, int64_t n)
{
    if (p->dtype == DNN_T_F32)
        step_f32(s, (float *)p->data + p0, (const float *)g->data + g0,
                 b != NULL ? (float *)b->data + b0 : NULL, n);
    else
        step_f64(s, (double *)p->data + p0, (const double *)g->data + g0,
                 b != NULL ? (double *)b->data + b0 : NULL, n);
}

static void run_piece(const struct step *s, uint32_t operand, int64_t piece)
{
    const dnn_view *p = s->call->out[2 * operand], *g = s->call->in[3 + 3 * operand],
                   *b = s->call->out[2 * operand + 1];
    int64_t at = piece * PIECE, n = cpu_count(p) - at;

    n = n < PIECE ? n : PIECE;
    if (is_dense(p) && is_dense(g) && is_dense(b)) {
        run_row(s, p, at, g, at, b, at, n);
        return;
    }
    for (int64_t i = at; i < at + n; i++) /* parameters with gaps are rare: one element at a time */
        run_row(s, p, offset_of(p, i), g, offset_of(g, i), b, b != NULL ? offset_of(b, i) : 0, 1);
}

/* Pieces [begin, end), numbered over all tensors. */
static void run_pieces(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct step *s = arg;
    int64_t before = 0;

    (void)worker;
    for (uint32_t i = 0; i < s->call->n_out / 2 && before < end; i++) {
        int64_t n = pieces_of(s->call->out[2 * i]);

        for (int64_t k = begin > before ? begin - before : 0; k < n && before + k < end; k++)
            run_piece(s, i, k);
        before += n;
    }
}

static dnn_status run_sgd_step(const dnn_call *c)
{
    struct step s = {c, c->attr, *(const double *)c->in[0]->data, *(const double *)c->in[1]->data};
    int64_t n = 0;

    for (uint32_t i = 0; i < c->n_out / 2; i++)
        n += pieces_of(c->out[2 * i]);
    cpu_parallel(c->host, n, 2, run_pieces, &s);
    return DNN_OK;
}

CPU_FAMILY(optim) = {
    CPU_KERNEL(sgd_step, "fused",
               DNN_K_STRIDED | DNN_K_UNALIGNED | DNN_K_INPLACE | DNN_K_REENTRANT |
                   DNN_K_DETERMINISTIC,
               CPU_T_FLOAT),
    NULL,
};
