/* blas.h - matrix products: OpenBLAS on the calling thread, row-major, with 64-bit sizes. matmul.c
 * and conv.c divide the work into tiles and call this from the thread pool. It starts no threads.
 */
#ifndef CPU_BLAS_BLAS_H
#define CPU_BLAS_BLAS_H
#include <stdint.h>

/* The largest number of rows, columns or leading dimension in one call: BLAS has 32-bit integers.
 */
#define CPU_BLAS_MAX INT32_MAX

/* c [m,n] = op(a) op(b) + beta c. ta: a is stored as [k,m], else [m,k]; tb: b is stored as [n,k],
 * else [k,n]. Leading dimensions are in elements. k = 0 gives beta c. With beta = 0 the old c is
 * ignored, NaN included. Sizes are at most CPU_BLAS_MAX. m = 0 or n = 0 reads and writes nothing.
 */
void cpu_blas_gemm_f32(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                       const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void cpu_blas_gemm_f64(int ta, int tb, int64_t m, int64_t n, int64_t k, const double *a,
                       int64_t lda, const double *b, int64_t ldb, double beta, double *c,
                       int64_t ldc);

#endif
