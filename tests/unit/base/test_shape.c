/* test_shape.c - tests checks, broadcasting and strides of shapes (shape.c). */
#include <criterion/criterion.h>
#include "base.h"

static void expect_dims(int n, const int64_t *got, const int64_t *want)
{
    for (int i = 0; i < n; i++) {
        cr_expect_eq(got[i], want[i], "dim %d is %lld, not %lld", i, (long long)got[i],
                     (long long)want[i]);
    }
}
#define DIMS(...) ((const int64_t[]){__VA_ARGS__})

Test(shape, check_refuses_what_cannot_be)
{
    size_t bytes = 7;

    cr_expect_eq(dnn__check_shape("zeros", DNN_T_F32, 2, DIMS(3, 4), &bytes), DNN_OK);
    cr_expect_eq(bytes, 48);
    cr_expect_eq(dnn__check_shape("zeros", DNN_T_F64, 0, NULL, &bytes), DNN_OK);
    cr_expect_eq(bytes, 8);
    cr_expect_eq(dnn__check_shape("zeros", DNN_T_F32, 2, DIMS(3, 0), &bytes), DNN_OK);
    cr_expect_eq(bytes, 0);
    cr_expect_eq(dnn__check_shape("zeros", DNN_T_F32, 2, DIMS(3, -4), NULL), DNN_E_INVALID);
    cr_expect(strstr(dnn_error_message(), "zeros: size -4 of dim 1") != NULL, "%s",
              dnn_error_message());
    cr_expect_eq(dnn__check_shape("zeros", DNN_T_F32, 9, NULL, NULL), DNN_E_INVALID);
    cr_expect_eq(dnn__check_shape("zeros", DNN_T_F32, -1, NULL, NULL), DNN_E_INVALID);
    cr_expect_eq(dnn__check_shape("zeros", 3, 1, DIMS(1), NULL), DNN_E_INVALID);
    cr_expect_eq(dnn__check_shape("zeros", DNN_T_F32, 1, DIMS(INT64_C(1) << 61), NULL),
                 DNN_E_INVALID);
    cr_expect_eq(dnn__check_shape("zeros", DNN_T_I8, 1, DIMS(INT64_MAX), NULL), DNN_OK);
    cr_expect_eq(dnn__check_shape("zeros", DNN_T_I8, 3, DIMS(0, INT64_MAX, 3), NULL),
                 DNN_E_INVALID);
}

Test(shape, axes)
{
    dnn_dims all = {.n = 0}, two = DNN_DIMS(0, -1), twice = DNN_DIMS(1, -1);
    uint32_t mask;
    int axis;

    cr_expect_eq(dnn__axis("sum", -1, 3, &axis), DNN_OK);
    cr_expect_eq(axis, 2);
    cr_expect_eq(dnn__axis("sum", -1, 0, &axis), DNN_OK);
    cr_expect_eq(axis, 0);
    cr_expect_eq(dnn__axis("sum", 3, 3, &axis), DNN_E_INVALID);
    cr_expect_eq(dnn__axis("sum", 1, 0, &axis), DNN_E_INVALID);
    cr_expect_eq(dnn__axes_mask("sum", &all, 3, &mask), DNN_OK);
    cr_expect_eq(mask, 7);
    cr_expect_eq(dnn__axes_mask("sum", &two, 3, &mask), DNN_OK);
    cr_expect_eq(mask, 5);
    cr_expect_eq(dnn__axes_mask("sum", &twice, 2, &mask), DNN_E_INVALID);
}

Test(shape, broadcast)
{
    int64_t out[DNN_MAX_DIMS], stride[DNN_MAX_DIMS];
    int32_t n;

    cr_expect_eq(dnn__broadcast("add", 2, DIMS(3, 1), 3, DIMS(5, 1, 4), &n, out), DNN_OK);
    cr_expect_eq(n, 3);
    expect_dims(3, out, DIMS(5, 3, 4));
    cr_expect_eq(dnn__broadcast("add", 1, DIMS(1), 1, DIMS(0), &n, out), DNN_OK);
    expect_dims(1, out, DIMS(0));
    cr_expect_eq(dnn__broadcast("add", 1, DIMS(0), 1, DIMS(2), &n, out), DNN_E_INVALID);
    cr_expect(strstr(dnn_error_message(), "[0] and [2]") != NULL, "%s", dnn_error_message());
    out[0] = 3;
    out[1] = 1;
    cr_expect_eq(dnn__broadcast("add", 2, out, 3, DIMS(2, 1, 4), &n, out), DNN_OK);
    expect_dims(3, out, DIMS(2, 3, 4));
    dnn__expand_strides(2, DIMS(3, 1), DIMS(1, 1), 3, DIMS(5, 3, 4), stride);
    expect_dims(3, stride, DIMS(0, 1, 0));
}

/* Every reshape that is granted must reach the same elements in the same order. */
static void expect_same_order(int n, const int64_t *dim, const int64_t *stride, int m,
                              const int64_t *new_dim, const int64_t *new_stride)
{
    for (int64_t i = 0; i < dnn__numel_of(n, dim); i++) {
        int64_t a = 0, b = 0, rest = i;

        for (int d = n - 1; d >= 0; d--) {
            a += rest % dim[d] * stride[d];
            rest /= dim[d];
        }
        rest = i;
        for (int d = m - 1; d >= 0; d--) {
            b += rest % new_dim[d] * new_stride[d];
            rest /= new_dim[d];
        }
        cr_assert_eq(a, b, "element %lld", (long long)i);
    }
}

Test(shape, view_strides)
{
    int64_t s[DNN_MAX_DIMS];

    cr_expect(dnn__view_strides(2, DIMS(4, 6), DIMS(6, 1), 3, DIMS(2, 2, 6), s));
    expect_dims(3, s, DIMS(12, 6, 1));
    cr_expect(dnn__view_strides(2, DIMS(4, 6), DIMS(12, 1), 3, DIMS(2, 2, 6), s));
    expect_same_order(2, DIMS(4, 6), DIMS(12, 1), 3, DIMS(2, 2, 6), s);
    cr_expect_not(dnn__view_strides(2, DIMS(4, 6), DIMS(12, 1), 1, DIMS(24), s));
    cr_expect_not(dnn__view_strides(2, DIMS(4, 6), DIMS(1, 4), 1, DIMS(24), s));
    cr_expect(dnn__view_strides(2, DIMS(4, 1), DIMS(1, 77), 1, DIMS(4), s));
    expect_dims(1, s, DIMS(1));
    cr_expect(dnn__view_strides(3, DIMS(2, 1, 3), DIMS(3, 99, 1), 1, DIMS(6), s));
    expect_dims(1, s, DIMS(1));
    cr_expect(dnn__view_strides(0, NULL, NULL, 2, DIMS(1, 1), s));
    expect_dims(2, s, DIMS(1, 1));
    cr_expect(dnn__view_strides(2, DIMS(1, 1), DIMS(5, 9), 0, NULL, s));
    cr_expect(dnn__view_strides(2, DIMS(0, 3), DIMS(9, 1), 2, DIMS(5, 0), s));
    cr_expect(dnn__view_strides(2, DIMS(3, 4), DIMS(0, 0), 1, DIMS(12), s));
    expect_dims(1, s, DIMS(0));
    cr_expect(dnn__view_strides(3, DIMS(2, 3, 4), DIMS(40, 4, 1), 4, DIMS(2, 6, 1, 2), s));
    expect_same_order(3, DIMS(2, 3, 4), DIMS(40, 4, 1), 4, DIMS(2, 6, 1, 2), s);
}

Test(shape, dense_and_injective)
{
    int64_t s[DNN_MAX_DIMS];

    dnn__dense_strides(3, DIMS(2, 3, 4), s);
    expect_dims(3, s, DIMS(12, 4, 1));
    cr_expect(dnn__is_dense(3, DIMS(2, 3, 4), s));
    cr_expect(dnn__is_dense(3, DIMS(2, 1, 4), DIMS(4, 99, 1)));
    cr_expect(dnn__is_dense(2, DIMS(2, 0), DIMS(7, 7)));
    cr_expect_not(dnn__is_dense(2, DIMS(2, 4), DIMS(8, 1)));
    cr_expect(dnn__is_injective(2, DIMS(4, 6), DIMS(1, 4)));
    cr_expect(dnn__is_injective(2, DIMS(2, 4), DIMS(8, 1)));
    cr_expect_not(dnn__is_injective(2, DIMS(2, 4), DIMS(0, 1)));
    cr_expect_not(dnn__is_injective(2, DIMS(5, 4), DIMS(1, 1)));
    cr_expect(dnn__is_injective(2, DIMS(1, 4), DIMS(0, 1)));
    cr_expect(dnn__is_injective(0, NULL, NULL));
}
