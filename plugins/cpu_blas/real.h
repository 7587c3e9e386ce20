/* real.h - names for code that is compiled for f32 and for f64. A file sets REAL_BITS to 32 or 64
 * and includes this. REAL is then the element type, FN(name) the function's name with its suffix,
 * REAL_WORD an integer of its size. Included more than once. */
#undef REAL
#undef FN
#undef REAL_GEMM
#undef REAL_EXP
#undef REAL_WORD
#if REAL_BITS == 32
#define REAL float
#define FN(name) name##_f32
#define REAL_GEMM cpu_blas_gemm_f32
#define REAL_EXP expf
#define REAL_WORD uint32_t
#else
#define REAL double
#define FN(name) name##_f64
#define REAL_GEMM cpu_blas_gemm_f64
#define REAL_EXP exp
#define REAL_WORD uint64_t
#endif
