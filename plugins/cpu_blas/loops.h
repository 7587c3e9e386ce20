/* loops.h - the inner loops of the elementwise families, one macro for each number of inputs. Each
 * macro defines a cpu_loop. In its expression the inputs are a, b, c, d of type T, and the
 * attributes, rounded to T, are k[]. The result has type R. */
#ifndef CPU_BLAS_LOOPS_H
#define CPU_BLAS_LOOPS_H
#include "cpu_blas.h"

/* The attributes as k[0], k[1]; most expressions have none. */
#define CPU_NUMBERS(T, ctx) \
    const T *k = ctx;       \
    (void)k

/* out = f(a). Cases: contiguous; any steps. */
#define CPU_UNARY(name, T, R, EXPRESSION)                                          \
    static void name(char *const *p, const int64_t *s, int64_t n, const void *ctx) \
    {                                                                              \
        CPU_NUMBERS(T, ctx);                                                       \
        if (s[0] == (int64_t)sizeof(R) && s[1] == (int64_t)sizeof(T)) {            \
            R *out = (R *)(void *)p[0];                                            \
            const T *in = (const T *)(const void *)p[1];                           \
            CPU_SIMD for (int64_t i = 0; i < n; i++)                               \
            {                                                                      \
                const T a = in[i];                                                 \
                out[i] = (R)(EXPRESSION);                                          \
            }                                                                      \
            return;                                                                \
        }                                                                          \
        for (int64_t i = 0; i < n; i++) {                                          \
            const T a = *(const T *)(const void *)(p[1] + i * s[1]);               \
            *(R *)(void *)(p[0] + i * s[0]) = (R)(EXPRESSION);                     \
        }                                                                          \
    }

/* out = f(a, b). Cases: contiguous; a or b constant along the row; any steps. */
#define CPU_BINARY(name, T, R, EXPRESSION)                                              \
    static void name(char *const *p, const int64_t *s, int64_t n, const void *ctx)      \
    {                                                                                   \
        const int64_t item = (int64_t)sizeof(T);                                        \
        R *out = (R *)(void *)p[0];                                                     \
        const T *x = (const T *)(const void *)p[1], *y = (const T *)(const void *)p[2]; \
        CPU_NUMBERS(T, ctx);                                                            \
        if (s[0] == (int64_t)sizeof(R) && s[1] == item && s[2] == item) {               \
            CPU_SIMD for (int64_t i = 0; i < n; i++)                                    \
            {                                                                           \
                const T a = x[i], b = y[i];                                             \
                out[i] = (R)(EXPRESSION);                                               \
            }                                                                           \
        } else if (s[0] == (int64_t)sizeof(R) && s[1] == item && s[2] == 0) {           \
            const T b = *y;                                                             \
            CPU_SIMD for (int64_t i = 0; i < n; i++)                                    \
            {                                                                           \
                const T a = x[i];                                                       \
                out[i] = (R)(EXPRESSION);                                               \
            }                                                                           \
        } else if (s[0] == (int64_t)sizeof(R) && s[1] == 0 && s[2] == item) {           \
            const T a = *x;                                                             \
            CPU_SIMD for (int64_t i = 0; i < n; i++)                                    \
            {                                                                           \
                const T b = y[i];                                                       \
                out[i] = (R)(EXPRESSION);                                               \
            }                                                                           \
        } else {                                                                        \
            for (int64_t i = 0; i < n; i++) {                                           \
                const T a = *(const T *)(const void *)(p[1] + i * s[1]);                \
                const T b = *(const T *)(const void *)(p[2] + i * s[2]);                \
                *(R *)(void *)(p[0] + i * s[0]) = (R)(EXPRESSION);                      \
            }                                                                           \
        }                                                                               \
    }

/* out = f(a, b, c) of T, a of type A. Cases: contiguous, with b and c contiguous or both constant;
 * any steps. */
#define CPU_TERNARY(name, A, T, EXPRESSION)                                             \
    static void name(char *const *p, const int64_t *s, int64_t n, const void *ctx)      \
    {                                                                                   \
        const int64_t item = (int64_t)sizeof(T);                                        \
        const bool rows = s[0] == item && s[1] == (int64_t)sizeof(A);                   \
        T *out = (T *)(void *)p[0];                                                     \
        const A *x = (const A *)(const void *)p[1];                                     \
        const T *y = (const T *)(const void *)p[2], *z = (const T *)(const void *)p[3]; \
        (void)ctx;                                                                      \
        if (rows && s[2] == item && s[3] == item) {                                     \
            CPU_SIMD for (int64_t i = 0; i < n; i++)                                    \
            {                                                                           \
                const A a = x[i];                                                       \
                const T b = y[i], c = z[i];                                             \
                out[i] = (T)(EXPRESSION);                                               \
            }                                                                           \
        } else if (rows && s[2] == 0 && s[3] == 0) {                                    \
            const T b = *y, c = *z;                                                     \
            CPU_SIMD for (int64_t i = 0; i < n; i++)                                    \
            {                                                                           \
                const A a = x[i];                                                       \
                out[i] = (T)(EXPRESSION);                                               \
            }                                                                           \
        } else {                                                                        \
            for (int64_t i = 0; i < n; i++) {                                           \
                const A a = *(const A *)(const void *)(p[1] + i * s[1]);                \
                const T b = *(const T *)(const void *)(p[2] + i * s[2]);                \
                const T c = *(const T *)(const void *)(p[3] + i * s[3]);                \
                *(T *)(void *)(p[0] + i * s[0]) = (T)(EXPRESSION);                      \
            }                                                                           \
        }                                                                               \
    }

/* out = f(a, b, c, d) with any steps; operators of four inputs are rare gradients. */
#define CPU_QUATERNARY(name, T, EXPRESSION)                                        \
    static void name(char *const *p, const int64_t *s, int64_t n, const void *ctx) \
    {                                                                              \
        (void)ctx;                                                                 \
        for (int64_t i = 0; i < n; i++) {                                          \
            const T a = *(const T *)(const void *)(p[1] + i * s[1]);               \
            const T b = *(const T *)(const void *)(p[2] + i * s[2]);               \
            const T c = *(const T *)(const void *)(p[3] + i * s[3]);               \
            const T d = *(const T *)(const void *)(p[4] + i * s[4]);               \
            *(T *)(void *)(p[0] + i * s[0]) = (T)(EXPRESSION);                     \
        }                                                                          \
    }

/* Converts an integer to the unsigned type in which it wraps, so that sums, products and negation
 * cannot overflow. */
#define CPU_WIDE(x) _Generic((x), int64_t : (uint64_t)(x), default : (uint32_t)(x))

/* Entries of a table of loops, by dtype. */
#define CPU_LOOPS_F(op) [CPU_F32] = op##_f32, [CPU_F64] = op##_f64
#define CPU_LOOPS_I(op) \
    [CPU_I8] = op##_i8, [CPU_U8] = op##_u8, [CPU_I32] = op##_i32, [CPU_I64] = op##_i64
#define CPU_LOOPS_N(op) CPU_LOOPS_F(op), CPU_LOOPS_I(op)

/* Defines the run function of an elementwise operator without attributes from its table of loops.
 */
#define CPU_RUN(op, primary, ...)                                \
    static dnn_status run_##op(const dnn_call *c)                \
    {                                                            \
        static cpu_loop *const loop[CPU_DTYPES] = {__VA_ARGS__}; \
                                                                 \
        cpu_pointwise(c, loop[cpu_type(c->in[primary])], NULL);  \
        return DNN_OK;                                           \
    }

/* The entry of an elementwise kernel in its family's table. */
#define CPU_ROW(op, dtype_bits) CPU_KERNEL(op, "plain", CPU_POINTWISE, dtype_bits)
#endif
