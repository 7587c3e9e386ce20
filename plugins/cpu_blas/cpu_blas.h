/* cpu_blas.h - what the files of cpu_blas share: the dtype index, the family tables, and the walk
 * over strided operands. Every family file includes it and is compiled once per instruction set
 * (macro CPU_ISA), so all names that a family gives away carry the instruction set. It never
 * reaches outside the two ABI headers. */
#ifndef CPU_BLAS_H
#define CPU_BLAS_H
#include "dnn_ops.h"
#include "dnn_plugin.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The device kind of the kernels. The test device "phantom" compiles these sources under another
 * name. */
#ifndef CPU_DEVICE
#define CPU_DEVICE "cpu"
#endif
#ifndef CPU_ISA
#define CPU_ISA generic
#endif

/* ---- families ---- */

/* The one list of families. Each is the file that ends in CPU_FAMILY(its word). */
/* clang-format off */
#define CPU_FAMILIES(X)                                                                  \
    X(creation) X(index) X(elementwise) X(binary) X(compare) X(reduce) X(random) X(optim) \
    X(matmul) X(conv) X(pool) X(norm) X(loss)
/* clang-format on */

#define CPU_JOIN2(family, isa) dnn_cpu_##family##_##isa
#define CPU_JOIN(family, isa) CPU_JOIN2(family, isa)
#define CPU_FAMILY(family)                                      \
    extern const dnn_kernel *const CPU_JOIN(family, CPU_ISA)[]; \
    const dnn_kernel *const CPU_JOIN(family, CPU_ISA)[]

/* What every elementwise kernel promises, and the usual row of a family's table: kernel
 * word_suffix, run by run_word. */
#define CPU_POINTWISE \
    (DNN_K_STRIDED | DNN_K_UNALIGNED | DNN_K_INPLACE | DNN_K_REENTRANT | DNN_K_DETERMINISTIC)
#define CPU_KERNEL_PLANNED(word, suffix, flag_bits, dtype_bits, plan_function)                    \
    DNN_KERNEL(.op = #word, .device = CPU_DEVICE, .name = #word "_" suffix, .flags = (flag_bits), \
               .dtypes = (dtype_bits), .priority = DNN_PRI_PORTABLE, .plan = plan_function,       \
               .run = run_##word)
#define CPU_KERNEL(word, suffix, flag_bits, dtype_bits) \
    CPU_KERNEL_PLANNED(word, suffix, flag_bits, dtype_bits, NULL)

/* The merged table of the instruction set of this machine; chosen at the first call, constant from
 * then on. */
const dnn_kernel *const *dnn_cpu_kernels(void);
/* What the table was compiled for and which BLAS it calls, as "OpenBLAS 0.3.21, avx512". */
const char *dnn_cpu_build(void);
/* The plugin's init: warms the BLAS up and compares it with known answers. */
dnn_status dnn_cpu_init(const dnn_host *host);

/* blas.c: every pool thread calls the BLAS once, and the BLAS is held against known answers. */
dnn_status cpu_blas_warm_up(const dnn_host *host);
dnn_status cpu_blas_self_test(const dnn_host *host);

/* ---- dtypes ---- */

enum cpu_dtype {
    CPU_F32,
    CPU_F64,
    CPU_F16,
    CPU_BF16,
    CPU_I8,
    CPU_U8,
    CPU_I32,
    CPU_I64,
    CPU_BOOL,
    CPU_DTYPES
};

#define CPU_T_FLOAT (DNN_T_F32 | DNN_T_F64)
#define CPU_T_INT (DNN_T_I8 | DNN_T_U8 | DNN_T_I32 | DNN_T_I64)
#define CPU_T_NUMBER (CPU_T_FLOAT | CPU_T_INT)
#define CPU_T_COMPUTED (CPU_T_NUMBER | DNN_T_BOOL)
#define CPU_T_ANY (CPU_T_COMPUTED | DNN_T_F16 | DNN_T_BF16)

/* The index of a view's dtype into tables of functions. */
static inline unsigned cpu_type(const dnn_view *v)
{
    return (unsigned)__builtin_ctz(v->dtype) % CPU_DTYPES;
}

static inline int64_t cpu_item_size(const dnn_view *v)
{
    static const int64_t bytes[CPU_DTYPES] = {4, 8, 2, 2, 1, 1, 4, 8, 1};

    return bytes[cpu_type(v)];
}

/* The number of elements; the core has checked that it fits. */
static inline int64_t cpu_count(const dnn_view *v)
{
    int64_t n = 1;

    for (int d = 0; d < v->ndim; d++)
        n *= v->dim[d];
    return n;
}

/* Vector code where the operands are apart or exactly the same memory, which is all that a kernel
 * is handed. clang finds that out at run time; its own hint would warn on each loop that calls
 * libm. */
#if defined(__clang__)
#define CPU_SIMD
#else
#define CPU_SIMD _Pragma("GCC ivdep")
#endif

/* ---- threads ---- */

enum {
    CPU_GRAIN = 32768
}; /* elements per piece of parallel work: about 10 us of the cheapest operators */

/* parallel_for, but without entering the pool for a single piece. The cuts are the same either way.
 */
static inline void cpu_parallel(const dnn_host *host, int64_t n, int64_t grain,
                                void (*fn)(void *arg, int64_t begin, int64_t end, int worker),
                                void *arg)
{
    if (n <= grain && n > 0)
        fn(arg, 0, n, 0);
    else if (n > 0)
        host->parallel_for(n, grain, fn, arg);
}

/* How many items of the given number of elements make one piece. */
static inline int64_t cpu_grain(int64_t elements_per_item)
{
    return elements_per_item >= CPU_GRAIN
               ? 1
               : CPU_GRAIN / (elements_per_item > 0 ? elements_per_item : 1);
}

/* ---- the walk over strided operands (iterate.c) ---- */

enum { CPU_OPERANDS = 5 }; /* pow_bwd_exponent: one result, four inputs */

/* One row: n elements of each operand k, from p[k] in steps of s[k] bytes. ctx is the caller's. */
typedef void cpu_loop(char *const *p, const int64_t *s, int64_t n, const void *ctx);

/* One operand of a walk. stride is in elements. */
typedef struct cpu_operand {
    char *data;
    const int64_t *stride;
    int64_t item;
} cpu_operand;

/* Calls the loop for every place of the dims exactly once, in parallel when large. Neighbouring
 * dims that are one run in every operand are walked as one; operand 0 gives the order; a transposed
 * operand is walked in tiles. */
void cpu_walk(const dnn_host *host, const int64_t *dim, int ndim, const cpu_operand *operand,
              int n_operand, cpu_loop *loop, const void *ctx);

/* The walk over out[0] and all inputs of a call, with the dims of out[0]. */
void cpu_pointwise(const dnn_call *c, cpu_loop *loop, const void *ctx);

/* The loop that moves elements of these bytes unchanged: 1, 2, 4 or 8. */
cpu_loop *cpu_move_loop(int64_t item);

static inline cpu_operand cpu_operand_of(const dnn_view *v)
{
    return (cpu_operand){v->data, v->stride, cpu_item_size(v)};
}
#endif
