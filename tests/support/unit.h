/* unit.h - helpers of the unit tests of operators: they make tensors from numbers and check values
 * and errors. Each test program names unit_init and unit_fini in its TestSuite; unit_fini checks
 * that nothing leaked. */
#ifndef DNN_TEST_UNIT_H
#define DNN_TEST_UNIT_H
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "dnn/dnn.h"
#include "read_value.h"

enum { UNIT_MOST = 256 }; /* elements of a tensor that a helper looks at */

static inline void unit_init(void)
{
    setenv("DNN_PLUGIN_PATH", DNN_TEST_PLUGIN_DIR, 0);
    cr_assert_eq(dnn_init(NULL), DNN_OK, "%s", dnn_error_message());
}

static inline void unit_fini(void)
{
    cr_expect_eq(dnn_take_error(), DNN_OK, "an error was left: %s", dnn_error_message());
    dnn_shutdown();
    cr_expect_eq(dnn_live_tensors(), 0, "%lld tensors are alive", (long long)dnn_live_tensors());
    cr_expect_eq(dnn_live_objects(), 0, "%lld objects are alive", (long long)dnn_live_objects());
    cr_expect_eq(dnn_live_bytes(NULL), 0, "%lld bytes are alive", (long long)dnn_live_bytes(NULL));
}

/* A tensor of dtype and shape with the given numbers, row-major. */
#define T(dtype, shape, ...)                                     \
    unit_tensor((dtype), (shape), (const double[]){__VA_ARGS__}, \
                sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
#define F32(shape, ...) T(DNN_T_F32, shape, __VA_ARGS__)
#define F64(shape, ...) T(DNN_T_F64, shape, __VA_ARGS__)
#define I64(shape, ...) T(DNN_T_I64, shape, __VA_ARGS__)
#define BOOL(shape, ...) T(DNN_T_BOOL, shape, __VA_ARGS__)
#define S(...) DNN_SHAPE(__VA_ARGS__)

static inline dnn_tensor *unit_tensor(dnn_dtype dtype, dnn_shape shape, const double *value,
                                      size_t n)
{
    dnn_tensor *t = dnn_from_data(value, shape, .dtype = DNN_T_F64);

    cr_assert_not_null(t, "%s", dnn_error_message());
    cr_assert_eq((size_t)dnn_numel(t), n, "%lld places for %zu numbers", (long long)dnn_numel(t),
                 n);
    t = dnn_to(t, .dtype = dtype);
    cr_assert_not_null(t, "%s", dnn_error_message());
    return t;
}

/* The same, as a leaf that wants a gradient (f64). */
#define LEAF(shape, ...) unit_leaf(F64(shape, __VA_ARGS__))
static inline dnn_tensor *unit_leaf(dnn_tensor *t)
{
    return dnn_requires_grad_(t, true);
}

static inline bool unit_near(dnn_dtype dtype, double want, double got)
{
    double tolerance = dtype == DNN_T_F64 ? 1e-12 : dtype == DNN_T_F32 ? 2e-6 : 0.0;

    if (isnan(want) || isnan(got) || isinf(want) || isinf(got)) {
        return (isnan(want) && isnan(got)) || want == got;
    }
    return fabs(want - got) <= tolerance * fmax(1.0, fabs(want));
}

/* t has the dtype, shape and values. */
#define EXPECT(t, dtype, shape, ...)                                                \
    unit_expect((t), #t, __LINE__, (dtype), (shape), (const double[]){__VA_ARGS__}, \
                sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
static inline void unit_expect(dnn_tensor *t, const char *what, int line, dnn_dtype dtype,
                               dnn_shape shape, const double *want, size_t n)
{
    double got[UNIT_MOST];

    cr_assert_not_null(t, "line %d: %s: %s", line, what, dnn_error_message());
    cr_assert_eq(dnn_dtype_of(t), dtype, "line %d: %s: dtype %s, not %s", line, what,
                 dnn_dtype_name(dnn_dtype_of(t)), dnn_dtype_name(dtype));
    cr_assert_eq(dnn_ndim(t), (int)shape.ndim, "line %d: %s: rank %d, not %d", line, what,
                 dnn_ndim(t), (int)shape.ndim);
    for (int d = 0; d < dnn_ndim(t); d++) {
        cr_assert_eq(dnn_size(t, d), shape.dim[d], "line %d: %s: size %lld of dim %d, not %lld",
                     line, what, (long long)dnn_size(t, d), d, (long long)shape.dim[d]);
    }
    cr_assert(n <= UNIT_MOST && (size_t)dnn_numel(t) == n,
              "line %d: %s: %lld elements, %zu expected", line, what, (long long)dnn_numel(t), n);
    cr_assert_eq(dnn_to_list(t, got, (int64_t)n), DNN_OK, "line %d: %s: %s", line, what,
                 dnn_error_message());
    for (size_t i = 0; i < n; i++) {
        cr_assert(unit_near(dtype, want[i], got[i]), "line %d: %s: element %zu is %.17g, not %.17g",
                  line, what, i, got[i], want[i]);
    }
}

/* t is empty, of the dtype and shape. */
#define EXPECT_EMPTY(t, dtype, shape) unit_expect_empty((t), #t, __LINE__, (dtype), (shape))
static inline void unit_expect_empty(dnn_tensor *t, const char *what, int line, dnn_dtype dtype,
                                     dnn_shape shape)
{
    cr_assert_not_null(t, "line %d: %s: %s", line, what, dnn_error_message());
    cr_assert_eq(dnn_dtype_of(t), dtype, "line %d: %s: dtype", line, what);
    cr_assert_eq(dnn_ndim(t), (int)shape.ndim, "line %d: %s: rank %d", line, what, dnn_ndim(t));
    for (int d = 0; d < dnn_ndim(t); d++) {
        cr_assert_eq(dnn_size(t, d), shape.dim[d], "line %d: %s: size of dim %d", line, what, d);
    }
    cr_assert_eq(dnn_numel(t), 0, "line %d: %s: %lld elements", line, what,
                 (long long)dnn_numel(t));
}

/* expr fails as DNN_E_INVALID, and its message has each of the texts. The error is taken. */
#define EXPECT_FAIL(expr, ...)                                                   \
    do {                                                                         \
        const void *unit_result = (expr);                                        \
        unit_expect_fail(unit_result == NULL, dnn_take_error(), #expr, __LINE__, \
                         (const char *const[]){__VA_ARGS__, NULL});              \
    } while (0)
/* The same for functions that return a status or a count. */
#define EXPECT_STATUS_FAIL(expr, ...)                                               \
    do {                                                                            \
        int64_t unit_result = (expr);                                               \
        unit_expect_fail(unit_result < 0, (dnn_status)unit_result, #expr, __LINE__, \
                         (const char *const[]){__VA_ARGS__, NULL});                 \
    } while (0)
static inline void unit_expect_fail(bool failed, dnn_status status, const char *what, int line,
                                    const char *const *text)
{
    cr_assert(failed, "line %d: %s did not fail", line, what);
    cr_assert_eq(status, DNN_E_INVALID, "line %d: %s: status %s: %s", line, what,
                 dnn_status_name(status), dnn_error_message());
    for (; *text != NULL; text++) {
        cr_assert_not_null(strstr(dnn_error_message(), *text),
                           "line %d: %s: \"%s\" does not say \"%s\"", line, what,
                           dnn_error_message(), *text);
    }
}

/* expr fails as above, and the bytes of tensor t are what they were. */
#define EXPECT_FAIL_KEEPS(t, expr, ...)                                                     \
    do {                                                                                    \
        unsigned char unit_before[8 * UNIT_MOST], unit_after[8 * UNIT_MOST];                \
        size_t unit_bytes = unit_snapshot((t), unit_before);                                \
        EXPECT_FAIL(expr, __VA_ARGS__);                                                     \
        cr_assert_eq(unit_snapshot((t), unit_after), unit_bytes);                           \
        cr_assert_eq(memcmp(unit_before, unit_after, unit_bytes), 0, "line %d: %s changed", \
                     __LINE__, #t);                                                         \
    } while (0)
static inline size_t unit_snapshot(dnn_tensor *t, unsigned char *bytes)
{
    size_t n = (size_t)dnn_numel(t) * dnn_dtype_size(dnn_dtype_of(t));

    cr_assert(n <= 8 * UNIT_MOST);
    cr_assert_eq(dnn_read(t, bytes, n), DNN_OK, "%s", dnn_error_message());
    return n;
}

/* Backward of the sum of y. */
static inline void unit_backward(dnn_tensor *y)
{
    cr_assert_not_null(y, "%s", dnn_error_message());
    cr_assert_eq(dnn_backward_from(y, dnn_ones_like(y)), DNN_OK, "%s", dnn_error_message());
}

static inline dnn_status read_value_i64(dnn_tensor *t, int64_t *out)
{
    int64_t value = dnn_value_i64(t);
    dnn_status status = dnn_take_error();

    if (status == DNN_OK) {
        *out = value;
    }
    return status;
}

/* An operator that returns a list fails; as EXPECT_FAIL. */
#define EXPECT_LIST_FAIL(expr, ...) EXPECT_FAIL((expr).item, __VA_ARGS__)

/* The fields of n samples, stacked. */
static inline dnn_tensor *const *unit_get(dnn_dataset *set, const int64_t *index, int64_t n)
{
    dnn_tensor_list list = dnn_dataset_get(set, index, n);

    cr_assert_gt(list.n, 0, "%s", dnn_error_message());
    return list.item;
}

/* Opens a file, with its failure as a status. */
static inline dnn_status open_file(const char *path, dnn_file **out)
{
    *out = dnn_file_open(path);
    return dnn_take_error();
}

#endif
