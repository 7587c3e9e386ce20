/* compare.c - comparisons, isnan and its like, logic, and where. Called through the kernel table.
 * All results except that of where are bool: one byte, 0 or 1. */
#include "loops.h"
#include <math.h>
#include <tgmath.h>

/* X(operator, expression in a and b). & and | instead of && and || avoid a branch; both sides are
 * cheap. */
#define COMPARISONS(X)                  \
    X(eq, a == b)                       \
    X(ne, a != b)                       \
    X(lt, a < b)                        \
    X(le, a <= b)                       \
    X(gt, a > b)                        \
    X(ge, a >= b)                       \
    X(logical_and, (a != 0) & (b != 0)) \
    X(logical_or, (a != 0) | (b != 0))  \
    X(logical_xor, (a != 0) != (b != 0))

#define FLOAT_TESTS(X)                   \
    X(isnan, a != a)                     \
    X(isinf, fabs(a) == (float)INFINITY) \
    X(isfinite, fabs(a) < (float)INFINITY)

/* A bool is compared as a byte. */
#define ALL_LOOPS(op) CPU_LOOPS_N(op), [CPU_BOOL] = op##_u8

#define DEFINE_COMPARISON(op, EXPRESSION)              \
    CPU_BINARY(op##_f32, float, uint8_t, EXPRESSION)   \
    CPU_BINARY(op##_f64, double, uint8_t, EXPRESSION)  \
    CPU_BINARY(op##_i8, int8_t, uint8_t, EXPRESSION)   \
    CPU_BINARY(op##_u8, uint8_t, uint8_t, EXPRESSION)  \
    CPU_BINARY(op##_i32, int32_t, uint8_t, EXPRESSION) \
    CPU_BINARY(op##_i64, int64_t, uint8_t, EXPRESSION) \
    CPU_RUN(op, 0, ALL_LOOPS(op))
COMPARISONS(DEFINE_COMPARISON)

#define DEFINE_TEST(op, EXPRESSION)                  \
    CPU_UNARY(op##_f32, float, uint8_t, EXPRESSION)  \
    CPU_UNARY(op##_f64, double, uint8_t, EXPRESSION) \
    CPU_RUN(op, 0, CPU_LOOPS_F(op))
FLOAT_TESTS(DEFINE_TEST)

CPU_UNARY(logical_not_f32, float, uint8_t, a == 0)
CPU_UNARY(logical_not_f64, double, uint8_t, a == 0)
CPU_UNARY(logical_not_i8, int8_t, uint8_t, a == 0)
CPU_UNARY(logical_not_u8, uint8_t, uint8_t, a == 0)
CPU_UNARY(logical_not_i32, int32_t, uint8_t, a == 0)
CPU_UNARY(logical_not_i64, int64_t, uint8_t, a == 0)
CPU_RUN(logical_not, 0, ALL_LOOPS(logical_not))

/* where copies bits, so one loop serves all dtypes of one size. */
CPU_TERNARY(where_1, uint8_t, uint8_t, a ? b : c)
CPU_TERNARY(where_2, uint8_t, uint16_t, a ? b : c)
CPU_TERNARY(where_4, uint8_t, uint32_t, a ? b : c)
CPU_TERNARY(where_8, uint8_t, uint64_t, a ? b : c)

static dnn_status run_where(const dnn_call *c)
{
    int64_t item = cpu_item_size(c->in[1]);

    cpu_pointwise(c,
                  item == 1   ? where_1
                  : item == 2 ? where_2
                  : item == 4 ? where_4
                              : where_8,
                  NULL);
    return DNN_OK;
}

/* ---- the family ---- */

#define COMPARISON_ROW(op, EXPRESSION) CPU_ROW(op, CPU_T_COMPUTED),
#define TEST_ROW(op, EXPRESSION) CPU_ROW(op, CPU_T_FLOAT),

CPU_FAMILY(compare) = {
    COMPARISONS(COMPARISON_ROW) FLOAT_TESTS(TEST_ROW) CPU_ROW(logical_not, CPU_T_COMPUTED),
    CPU_KERNEL(where, "plain", CPU_POINTWISE & ~(uint32_t)DNN_K_INPLACE, CPU_T_ANY),
    NULL,
};
