/* blas.c - OpenBLAS on one thread: the matrix products, the mapping of its memory at load, and a
 * self-test. init() calls the last two. OpenBLAS never computes in threads of its own. */
#include "blas.h"
#include "cpu_blas.h"
#include "openblas.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- products ---- */

static enum CBLAS_TRANSPOSE transpose(int yes)
{
    return yes ? CblasTrans : CblasNoTrans;
}

/* BLAS refuses a leading dimension of 0, which k = 0 can give. */
static blasint lead(int64_t ld)
{
    return (blasint)(ld > 0 ? ld : 1);
}

void cpu_blas_gemm_f32(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                       const float *b, int64_t ldb, float beta, float *c, int64_t ldc)
{
    if (m > 0 && n > 0)
        openblas.sgemm(CblasRowMajor, transpose(ta), transpose(tb), (blasint)m, (blasint)n,
                       (blasint)k, 1.0F, a, lead(lda), b, lead(ldb), beta, c, lead(ldc));
}

void cpu_blas_gemm_f64(int ta, int tb, int64_t m, int64_t n, int64_t k, const double *a,
                       int64_t lda, const double *b, int64_t ldb, double beta, double *c,
                       int64_t ldc)
{
    if (m > 0 && n > 0)
        openblas.dgemm(CblasRowMajor, transpose(ta), transpose(tb), (blasint)m, (blasint)n,
                       (blasint)k, 1.0, a, lead(lda), b, lead(ldb), beta, c, lead(ldc));
}

/* ---- memory ---- */

enum {
    BUFFERS_MAX = 64,
    /* For program threads that run a kernel while another thread uses the pool. */
    BUFFERS_SPARE = 2,
    /* Larger than the matrices that OpenBLAS multiplies without a buffer. */
    WARM = 160
};

/* Requests all buffers at once, so that OpenBLAS maps that many. It keeps them for the life of the
 * process. */
static void map_buffers(int count)
{
    void *buffer[BUFFERS_MAX];

    if (!openblas.memory_alloc)
        return;
    for (int i = 0; i < count; i++)
        buffer[i] = openblas.memory_alloc(0);
    for (int i = 0; i < count; i++)
        if (buffer[i])
            openblas.memory_free(buffer[i]);
}

static void first_products(void *arg, int64_t begin, int64_t end, int worker)
{
    const double *ones = arg;
    double *out = (double *)arg + WARM * WARM * (1 + begin);
    const float *ones_f = arg;

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        cpu_blas_gemm_f64(0, 0, WARM, WARM, WARM, ones, WARM, ones, WARM, 0.0, out, WARM);
        cpu_blas_gemm_f32(0, 0, WARM, WARM, WARM, ones_f, WARM, ones_f, WARM, 0.0F,
                          (float *)(void *)out, WARM);
    }
}

dnn_status cpu_blas_warm_up(const dnn_host *host)
{
    int threads = host->threads(), count = threads + BUFFERS_SPARE;
    size_t bytes = sizeof(double) * WARM * WARM * (1 + (size_t)threads);
    double *memory;
    dnn_status status;

    if (count > BUFFERS_MAX)
        count = BUFFERS_MAX;
    status = openblas_open(host, count);
    if (status != DNN_OK)
        return status;
    openblas.set_num_threads(1);
    if (openblas.get_num_threads() != 1)
        return host->fail(
            DNN_E_DEVICE,
            "OpenBLAS stays at %d threads when 1 is set (%s); its results would depend on the "
            "number of threads",
            openblas.get_num_threads(),
            openblas.get_parallel() == OPENBLAS_OPENMP ? "OpenMP build" : "no OpenMP build");
    memory = host->alloc(bytes, 64);
    if (!memory)
        return host->fail(DNN_E_NOMEM, "no memory for the first products of OpenBLAS: %zu bytes",
                          bytes);
    memset(memory, 0, bytes);
    map_buffers(count);
    host->parallel_for(threads, 1, first_products, memory);
    host->free(memory);
    return DNN_OK;
}

/* ---- self-test ---- */

enum { SIDE = 65, PAD = 3, LD = SIDE + PAD };

/* One case: op(a) [m,k] times op(b) [k,n] added to beta c. Without beta, c is full of NaN. */
struct product_case {
    int ta, tb, m, n, k, beta;
};

struct matrices {
    float a32[SIDE * LD], b32[SIDE * LD], c32[SIDE * LD];
    double a64[SIDE * LD], b64[SIDE * LD], c64[SIDE * LD];
};

/* The values are small integers, so that every partial sum is exact in f32 and any order of
 * summation gives the same result. */
static int a_at(int i, int l)
{
    return (i * 7 + l * 3) % 9 - 4;
}

static int b_at(int l, int j)
{
    return (l * 5 + j * 2) % 7 - 3;
}

static int expected(const struct product_case *q, int i, int j)
{
    int sum = q->beta * 5;

    for (int l = 0; l < q->k; l++)
        sum += a_at(i, l) * b_at(l, j);
    return sum;
}

/* The elements between rows are NaN, so that a product that reads one gives NaN. */
static void fill_operands(struct matrices *s, const struct product_case *q)
{
    int a_rows = q->ta ? q->k : q->m, b_rows = q->tb ? q->n : q->k;
    int a_cols = q->ta ? q->m : q->k, b_cols = q->tb ? q->k : q->n;

    for (int i = 0; i < a_rows; i++)
        for (int j = 0; j < LD; j++) {
            s->a64[i * LD + j] = j < a_cols ? (q->ta ? a_at(j, i) : a_at(i, j)) : (double)NAN;
            s->a32[i * LD + j] = (float)s->a64[i * LD + j];
        }
    for (int i = 0; i < b_rows; i++)
        for (int j = 0; j < LD; j++) {
            s->b64[i * LD + j] = j < b_cols ? (q->tb ? b_at(j, i) : b_at(i, j)) : (double)NAN;
            s->b32[i * LD + j] = (float)s->b64[i * LD + j];
        }
    for (int i = 0; i < q->m; i++)
        for (int j = 0; j < LD; j++) {
            s->c64[i * LD + j] = q->beta && j < q->n ? 5.0 : (double)NAN;
            s->c32[i * LD + j] = (float)s->c64[i * LD + j];
        }
}

static dnn_status wrong_result(const dnn_host *host, const struct product_case *q,
                               const char *routine, double got, const char *want)
{
    return host->fail(
        DNN_E_DEVICE,
        "%s computes %s wrongly: M=%d N=%d K=%d, transposed %d %d, beta %d: got %g, expected %s",
        openblas.get_config(), routine, q->m, q->n, q->k, q->ta, q->tb, q->beta, got, want);
}

static dnn_status compare(const dnn_host *host, const struct matrices *s,
                          const struct product_case *q)
{
    char want[16];

    for (int i = 0; i < q->m; i++)
        for (int j = 0; j < LD; j++) {
            double f = (double)s->c32[i * LD + j], d = s->c64[i * LD + j];
            int answer;

            if (j >= q->n) {
                if (!isnan(f) || !isnan(d))
                    return wrong_result(host, q, isnan(f) ? "dgemm" : "sgemm", isnan(f) ? d : f,
                                        "no write past the row");
                continue;
            }
            answer = expected(q, i, j);
            if (f == answer && d == answer)
                continue;
            snprintf(want, sizeof(want), "%d", answer);
            return f == answer ? wrong_result(host, q, "dgemm", d, want)
                               : wrong_result(host, q, "sgemm", f, want);
        }
    return DNN_OK;
}

static dnn_status check_case(const dnn_host *host, struct matrices *s, const struct product_case *q)
{
    fill_operands(s, q);
    cpu_blas_gemm_f32(q->ta, q->tb, q->m, q->n, q->k, s->a32, LD, s->b32, LD, (float)q->beta,
                      s->c32, LD);
    cpu_blas_gemm_f64(q->ta, q->tb, q->m, q->n, q->k, s->a64, LD, s->b64, LD, q->beta, s->c64, LD);
    return compare(host, s, q);
}

dnn_status cpu_blas_self_test(const dnn_host *host)
{
    static const int size[] = {1, 2, 3, 7, 17, 33, 65};
    enum { SIZES = sizeof(size) / sizeof(size[0]) };
    struct matrices *s = host->alloc(sizeof(*s), 64);
    dnn_status status = DNN_OK;

    if (!s)
        return host->fail(DNN_E_NOMEM, "no memory for the self-test of OpenBLAS: %zu bytes",
                          sizeof(*s));
    /* The choice of k covers each pair (M, N), each K, and K = 0 with every M. */
    for (int mode = 0; mode < 4; mode++)
        for (int i = 0; i < SIZES; i++)
            for (int j = 0; j < SIZES && status == DNN_OK; j++) {
                int k = (i + j + mode) % (SIZES + 1);

                status =
                    check_case(host, s,
                               &(struct product_case){mode & 1, mode >> 1, size[i], size[j],
                                                      k == SIZES ? 0 : size[k], (i + j) % 3 == 0});
            }
    /* K = 0 with c full of NaN, and the largest size of all three. */
    for (int mode = 0; mode < 4 && status == DNN_OK; mode++) {
        status = check_case(host, s, &(struct product_case){mode & 1, mode >> 1, 17, 33, 0, 0});
        if (status == DNN_OK)
            status = check_case(host, s,
                                &(struct product_case){mode & 1, mode >> 1, SIDE, SIDE, SIDE, 0});
    }
    host->free(s);
    return status;
}
