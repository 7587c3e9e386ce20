/* blas.h - the matrix product that the families call: OpenBLAS on the calling thread, row-major,
 * with 64-bit sizes. matmul.c and conv.c cut the work into tiles and call it from the pool. It
 * never starts a thread of its own. */
#ifndef CPU_BLAS_BLAS_H
#define CPU_BLAS_BLAS_H
#include <stdint.h>

/* The largest number of rows, columns or leading dimension of one call; what BLAS's 32-bit integer
 * holds. */
#define CPU_BLAS_MAX INT32_MAX

/* c [m,n] = op(a) op(b) + beta c. ta: a is stored [k,m], else [m,k]; tb: b is stored [n,k], else
 * [k,n]. Leading dimensions are in elements. k = 0 gives beta c; with beta = 0 what c held does not
 * count, NaN included. Sizes are at most CPU_BLAS_MAX; with m = 0 or n = 0 nothing is touched. */
void cpu_blas_gemm_f32(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                       const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void cpu_blas_gemm_f64(int ta, int tb, int64_t m, int64_t n, int64_t k, const double *a,
                       int64_t lda, const double *b, int64_t ldb, double beta, double *c,
                       int64_t ldc);

#endif
