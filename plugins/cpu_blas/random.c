/* random.c - random numbers from the element's index: Philox4x32-10 of Random123. Element i is the
 * same on any number of threads and on every backend. dnn_ops.h says how words become numbers. */
#include <Random123/philox.h>
#include <math.h>
#include "cpu_blas.h"

/* ---- words ---- */

struct source {
    philox4x32_key_t key;
    uint64_t offset, stream;
};

static struct source source_of(const dnn_call *c)
{
    return (struct source){
        {{(uint32_t)c->rng_seed, (uint32_t)(c->rng_seed >> 32)}}, c->rng_offset, c->rng_stream};
}

/* Returns block b: four words. */
static philox4x32_ctr_t block_at(const struct source *s, uint64_t b)
{
    uint64_t counter = s->offset + b;
    philox4x32_ctr_t c = {{(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)s->stream,
                           (uint32_t)(s->stream >> 32)}};

    return philox4x32(c, s->key);
}

static float unit_f32(uint32_t w)
{
    return (float)(w >> 8) * 0x1p-24f;
}

static double unit_f64(uint32_t w0, uint32_t w1)
{
    return (double)(((uint64_t)w0 << 32 | w1) >> 11) * 0x1p-53;
}

/* ---- work: elements [begin, end), divided at multiples of four, so that no block is shared ----
 */

enum { GRAIN = 1 << 14 };

struct work {
    const dnn_call *call;
    struct source source;
    double a, b; /* low and high; mean and std; p */
};

static struct work work_of(const dnn_call *c, double a, double b)
{
    return (struct work){c, source_of(c), a, b};
}

/* The uniform numbers of n <= 4 elements from i on, i a multiple of 4. */
static void units_f32(const struct source *s, int64_t i, float *u)
{
    philox4x32_ctr_t w = block_at(s, (uint64_t)i / 4);

    for (int k = 0; k < 4; k++)
        u[k] = unit_f32(w.v[k]);
}

static void units_f64(const struct source *s, int64_t i, double *u)
{
    for (int half = 0; half < 2; half++) {
        philox4x32_ctr_t w = block_at(s, (uint64_t)i / 2 + (uint64_t)half);

        u[2 * half] = unit_f64(w.v[0], w.v[1]);
        u[2 * half + 1] = unit_f64(w.v[2], w.v[3]);
    }
}

/* Defines a loop whose body computes v[0..4) from u[0..4), for elements i .. i + 3. */
#define EACH_FOUR(name, REAL, suffix, body)                                        \
    static void name##_##suffix(void *arg, int64_t begin, int64_t end, int worker) \
    {                                                                              \
        const struct work *w = arg;                                                \
        REAL *y = w->call->out[0]->data;                                           \
        REAL u[4], v[4];                                                           \
                                                                                   \
        (void)worker;                                                              \
        for (int64_t i = begin; i < end; i += 4) {                                 \
            int64_t n = end - i < 4 ? end - i : 4;                                 \
                                                                                   \
            units_##suffix(&w->source, i, u);                                      \
            body;                                                                  \
            for (int64_t k = 0; k < n; k++)                                        \
                y[i + k] = v[k];                                                   \
        }                                                                          \
    }
#define BOTH(name, body32, body64) \
    EACH_FOUR(name, float, f32, body32) EACH_FOUR(name, double, f64, body64)

static void uniform_four_f32(const struct work *w, const float *u, float *v)
{
    float low = (float)w->a, width = (float)w->b - (float)w->a;

    for (int k = 0; k < 4; k++)
        v[k] = low + width * u[k];
}

static void uniform_four_f64(const struct work *w, const double *u, double *v)
{
    for (int k = 0; k < 4; k++)
        v[k] = w->a + (w->b - w->a) * u[k];
}

/* Box-Muller on pairs. */
static void normal_four_f32(const struct work *w, const float *u, float *v)
{
    for (int k = 0; k < 4; k += 2) {
        float r = sqrtf(-2 * logf(1 - u[k])), t = 6.28318530717958647692f * u[k + 1];

        v[k] = (float)w->a + (float)w->b * (r * cosf(t));
        v[k + 1] = (float)w->a + (float)w->b * (r * sinf(t));
    }
}

static void normal_four_f64(const struct work *w, const double *u, double *v)
{
    for (int k = 0; k < 4; k += 2) {
        double r = sqrt(-2 * log(1 - u[k])), t = 6.28318530717958647692 * u[k + 1];

        v[k] = w->a + w->b * (r * cos(t));
        v[k + 1] = w->a + w->b * (r * sin(t));
    }
}

static void bernoulli_four_f32(const struct work *w, const float *u, float *v)
{
    for (int k = 0; k < 4; k++)
        v[k] = u[k] < (float)w->a ? 1.0f : 0.0f;
}

static void bernoulli_four_f64(const struct work *w, const double *u, double *v)
{
    for (int k = 0; k < 4; k++)
        v[k] = u[k] < w->a ? 1.0 : 0.0;
}

BOTH(uniform, uniform_four_f32(w, u, v), uniform_four_f64(w, u, v))
BOTH(normal, normal_four_f32(w, u, v), normal_four_f64(w, u, v))
BOTH(bernoulli, bernoulli_four_f32(w, u, v), bernoulli_four_f64(w, u, v))

static void bernoulli_bool(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct work *w = arg;
    uint8_t *y = w->call->out[0]->data;
    float u[4];

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        if (i % 4 == 0 || i == begin)
            units_f32(&w->source, i / 4 * 4, u);
        y[i] = u[i % 4] < (float)w->a;
    }
}

/* x times 0 or 1/(1-p). A product, so that NaN and infinity propagate. */
#define DROPOUT(REAL, suffix)                                                           \
    static void dropout_##suffix(void *arg, int64_t begin, int64_t end, int worker)     \
    {                                                                                   \
        const struct work *w = arg;                                                     \
        const REAL *x = w->call->in[0]->data;                                           \
        REAL *y = w->call->out[0]->data;                                                \
        REAL p = (REAL)w->a, scale = w->a < 1 ? (REAL)(1 / (1 - w->a)) : (REAL)0, u[4]; \
                                                                                        \
        (void)worker;                                                                   \
        for (int64_t i = begin; i < end; i += 4) {                                      \
            int64_t n = end - i < 4 ? end - i : 4;                                      \
                                                                                        \
            units_##suffix(&w->source, i, u);                                           \
            for (int64_t k = 0; k < n; k++)                                             \
                y[i + k] = x[i + k] * (u[k] >= p ? scale : (REAL)0);                    \
        }                                                                               \
    }
DROPOUT(float, f32)
DROPOUT(double, f64)

/* ---- kernels ---- */

typedef void piece(void *arg, int64_t begin, int64_t end, int worker);

static dnn_status draw(const dnn_call *c, struct work w, piece *f32, piece *f64, piece *boolean)
{
    uint32_t dtype = c->out[0]->dtype;

    cpu_parallel(c->host, cpu_count(c->out[0]), GRAIN,
                 dtype == DNN_T_F32   ? f32
                 : dtype == DNN_T_F64 ? f64
                                      : boolean,
                 &w);
    return DNN_OK;
}

static dnn_status run_uniform(const dnn_call *c)
{
    const dnn_attr_uniform *a = c->attr;

    return draw(c, work_of(c, a->low, a->high), uniform_f32, uniform_f64, NULL);
}

static dnn_status run_normal(const dnn_call *c)
{
    const dnn_attr_normal *a = c->attr;

    return draw(c, work_of(c, a->mean, a->std), normal_f32, normal_f64, NULL);
}

static dnn_status run_bernoulli(const dnn_call *c)
{
    const dnn_attr_bernoulli *a = c->attr;

    return draw(c, work_of(c, a->p, 0), bernoulli_f32, bernoulli_f64, bernoulli_bool);
}

static dnn_status run_dropout(const dnn_call *c)
{
    const dnn_attr_bernoulli *a = c->attr;

    return draw(c, work_of(c, a->p, 0), dropout_f32, dropout_f64, NULL);
}

static dnn_status run_dropout_bwd(const dnn_call *c)
{
    return run_dropout(c); /* the same product with the random numbers of the forward call */
}

enum { DENSE = DNN_K_UNALIGNED | DNN_K_REENTRANT | DNN_K_DETERMINISTIC };

CPU_FAMILY(random) = {
    CPU_KERNEL(uniform, "philox", DENSE, CPU_T_FLOAT),
    CPU_KERNEL(normal, "philox", DENSE, CPU_T_FLOAT),
    CPU_KERNEL(bernoulli, "philox", DENSE, CPU_T_FLOAT | DNN_T_BOOL),
    CPU_KERNEL(dropout, "philox", DENSE | DNN_K_INPLACE, CPU_T_FLOAT),
    CPU_KERNEL(dropout_bwd, "philox", DENSE | DNN_K_INPLACE, CPU_T_FLOAT),
    NULL,
};
