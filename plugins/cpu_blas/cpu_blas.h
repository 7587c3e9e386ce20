/* cpu_blas.h - declarations that the files of cpu_blas share: the dtype index, the family tables,
 * and the loop over strided operands. Each family's file is compiled once for each instruction set
 * (macro CPU_ISA), so its exported names contain the instruction set. It includes only the two ABI
 * headers. */
#ifndef CPU_BLAS_H
#define CPU_BLAS_H
#include "dnn_ops.h"
#include "dnn_plugin.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The device kind of the kernels. The test device "phantom" compiles these sources with another
 * name. */
#ifndef CPU_DEVICE
#define CPU_DEVICE "cpu"
#endif
#ifndef CPU_ISA
#define CPU_ISA generic
#endif

/* ---- families ---- */

/* The list of families. Each is a file that ends in CPU_FAMILY(family). */
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

/* The promises of every elementwise kernel, and the usual entry of a family's table: kernel
 * word_suffix with the function run_word. */
#define CPU_POINTWISE \
    (DNN_K_STRIDED | DNN_K_UNALIGNED | DNN_K_INPLACE | DNN_K_REENTRANT | DNN_K_DETERMINISTIC)
#define CPU_KERNEL_PLANNED(word, suffix, flag_bits, dtype_bits, plan_function)                    \
    DNN_KERNEL(.op = #word, .device = CPU_DEVICE, .name = #word "_" suffix, .flags = (flag_bits), \
               .dtypes = (dtype_bits), .priority = DNN_PRI_PORTABLE, .plan = plan_function,       \
               .run = run_##word)
#define CPU_KERNEL(word, suffix, flag_bits, dtype_bits) \
    CPU_KERNEL_PLANNED(word, suffix, flag_bits, dtype_bits, NULL)

/* Returns the kernels for the instruction set of this machine. The first call selects it; later
 * calls return the same table. */
const dnn_kernel *const *dnn_cpu_kernels(void);
/* Returns the text of the BLAS and the instruction set, "OpenBLAS 0.3.21, avx512"; "" before
 * dnn_cpu_init. */
const char *dnn_cpu_build(void);
/* The plugin's init: calls cpu_blas_warm_up and cpu_blas_self_test. */
dnn_status dnn_cpu_init(const dnn_host *host);

/* blas.c: calls BLAS once on every pool thread; then compares BLAS with known results. */
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

/* Returns the index of a view's dtype in tables of functions. */
static inline unsigned cpu_type(const dnn_view *v)
{
    return (unsigned)__builtin_ctz(v->dtype) % CPU_DTYPES;
}

static inline int64_t cpu_item_size(const dnn_view *v)
{
    static const int64_t bytes[CPU_DTYPES] = {4, 8, 2, 2, 1, 1, 4, 8, 1};

    return bytes[cpu_type(v)];
}

/* The number of elements; the core has checked that it fits in int64. */
static inline int64_t cpu_count(const dnn_view *v)
{
    int64_t n = 1;

    for (int d = 0; d < v->ndim; d++)
        n *= v->dim[d];
    return n;
}

/* Asks for vector code. Operands either do not overlap or are the same memory: the core guarantees
 * it. clang checks this at run time; its own pragma would warn on each loop that calls libm. */
#if defined(__clang__)
#define CPU_SIMD
#else
#define CPU_SIMD _Pragma("GCC ivdep")
#endif

/* ---- threads ---- */

/* Elements in a piece of parallel work: about 10 us of the cheapest operators. */
enum { CPU_GRAIN = 32768 };

/* parallel_for that does not enter the pool for a single piece. The division into pieces is the
 * same. */
static inline void cpu_parallel(const dnn_host *host, int64_t n, int64_t grain,
                                void (*fn)(void *arg, int64_t begin, int64_t end, int worker),
                                void *arg)
{
    if (n <= grain && n > 0)
        fn(arg, 0, n, 0);
    else if (n > 0)
        host->parallel_for(n, grain, fn, arg);
}

/* Returns how many items of the given number of elements make one piece. */
static inline int64_t cpu_grain(int64_t elements_per_item)
{
    return elements_per_item >= CPU_GRAIN
               ? 1
               : CPU_GRAIN / (elements_per_item > 0 ? elements_per_item : 1);
}

/* ---- the loop over strided operands (iterate.c) ---- */

enum { CPU_OPERANDS = 5 }; /* the largest is pow_bwd_exponent: one result, four inputs */

/* One row: n elements of each operand k, at p[k] with a step of s[k] bytes. ctx comes from the
 * caller. */
typedef void cpu_loop(char *const *p, const int64_t *s, int64_t n, const void *ctx);

/* One operand. stride is in elements. */
typedef struct cpu_operand {
    char *data;
    const int64_t *stride;
    int64_t item;
} cpu_operand;

/* Calls the loop so that it visits every index of the dims exactly once, in parallel if there are
 * many. Adjacent dims that are contiguous in every operand are merged; operand 0 determines the
 * order; a transposed operand is visited in tiles. */
void cpu_walk(const dnn_host *host, const int64_t *dim, int ndim, const cpu_operand *operand,
              int n_operand, cpu_loop *loop, const void *ctx);

/* cpu_walk over out[0] and all inputs of a call, with the dims of out[0]. */
void cpu_pointwise(const dnn_call *c, cpu_loop *loop, const void *ctx);

/* Returns the loop that copies elements of this size unchanged: 1, 2, 4 or 8 bytes. */
cpu_loop *cpu_move_loop(int64_t item);

static inline cpu_operand cpu_operand_of(const dnn_view *v)
{
    return (cpu_operand){v->data, v->stride, cpu_item_size(v)};
}
#endif
