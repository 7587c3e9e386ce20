/* test_tensor.c - tests handles: metadata, reading and writing from C, mapping, text. */
#include "unit.h"

TestSuite(tensor, .init = unit_init, .fini = unit_fini, .timeout = 60);

Test(tensor, facts)
{
    dnn_tensor *t = dnn_transpose(F32(S(2, 3), 1, 2, 3, 4, 5, 6), 0, 1);

    cr_expect_eq(dnn_ndim(t), 2);
    cr_expect_eq(dnn_size(t, 0), 3);
    cr_expect_eq(dnn_size(t, -1), 2);
    cr_expect_eq(dnn_size(t, 2), 0);
    cr_expect_eq(dnn_stride(t, 0), 1);
    cr_expect_eq(dnn_numel(t), 6);
    cr_expect(!dnn_is_contiguous(t));
    cr_expect_str_eq(dnn_device_of(t), "cpu");
    cr_expect_eq(dnn_ndim(NULL), 0);
    cr_expect_eq(dnn_numel(NULL), 0);
    cr_expect_null(dnn_device_of(NULL));
}

Test(tensor, read_and_write_in_row_major_order_whatever_the_strides)
{
    dnn_tensor *t = dnn_transpose(F32(S(2, 3), 1, 2, 3, 4, 5, 6), 0, 1);
    float got[6], want[6] = {1, 4, 2, 5, 3, 6}, put[6] = {10, 20, 30, 40, 50, 60};

    cr_assert_eq(dnn_read(t, got, sizeof got), DNN_OK);
    cr_expect_eq(memcmp(got, want, sizeof got), 0);
    cr_assert_eq(dnn_write(t, put, sizeof put), DNN_OK, "%s", dnn_error_message());
    EXPECT(t, DNN_T_F32, S(3, 2), 10, 20, 30, 40, 50, 60);
}

Test(tensor, wrong_buffers_are_refused)
{
    dnn_tensor *t = F32(S(2), 1, 2);
    char buffer[16];

    EXPECT_STATUS_FAIL(dnn_read(t, buffer, 16), "16", "8", "[2]");
    EXPECT_STATUS_FAIL(dnn_read(t, NULL, 8), "NULL");
    EXPECT_STATUS_FAIL(dnn_read(NULL, buffer, 8), "NULL");
    EXPECT_STATUS_FAIL(dnn_write(t, buffer, 4), "4", "8");
    EXPECT_STATUS_FAIL(dnn_write(dnn_expand(F32(S(1), 1), S(3)), buffer, 12), "overlaps itself",
                       "clone");
}

Test(tensor, item_is_of_one_element)
{
    double value = 0;
    int64_t whole = 0;

    cr_assert_eq(read_value(F32(S(1, 1), 2.5), &value), DNN_OK);
    cr_expect_eq(value, 2.5);
    cr_assert_eq(read_value_i64(dnn_full_i64(INT64_C(9007199254740993),
                                             (dnn_create_args){.shape = DNN_SCALAR}),
                                &whole),
                 DNN_OK);
    cr_expect_eq(whole, INT64_C(9007199254740993));
    EXPECT_STATUS_FAIL(read_value(F32(S(2), 1, 2), &value), "2", "[2]");
    EXPECT_STATUS_FAIL(read_value_i64(F32(S(1), 2.5), &whole), "2.5");
}

Test(tensor, mapping_is_the_memory_itself_or_a_copy_that_is_written_back)
{
    dnn_tensor *dense = F32(S(2), 1, 2), *t = dnn_transpose(F32(S(2, 2), 1, 2, 3, 4), 0, 1);
    void *data;

    cr_assert_eq(dnn_map(dense, DNN_MAP_READ | DNN_MAP_WRITE, &data), DNN_OK);
    ((float *)data)[1] = 7;
    EXPECT_STATUS_FAIL(dnn_map(dense, DNN_MAP_READ, &data), "mapped already");
    cr_assert_eq(dnn_unmap(dense), DNN_OK);
    EXPECT(dense, DNN_T_F32, S(2), 1, 7);
    cr_assert_eq(dnn_map(t, DNN_MAP_READ | DNN_MAP_WRITE, &data), DNN_OK);
    cr_expect_eq(((float *)data)[1], 3);
    ((float *)data)[1] = 30;
    cr_assert_eq(dnn_unmap(t), DNN_OK);
    EXPECT(t, DNN_T_F32, S(2, 2), 1, 30, 2, 4);
    EXPECT_STATUS_FAIL(dnn_unmap(t), "not mapped");
    EXPECT_STATUS_FAIL(dnn_map(t, 0, &data), "access");
}

static void expect_text(dnn_tensor *t, const char *want)
{
    char text[2000];

    cr_assert_eq(copy_text(dnn_tensor_format(t), text, sizeof text), (int64_t)strlen(want),
                 "%s\nnot\n%s", text, want);
    cr_expect_str_eq(text, want);
}

Test(tensor, text_is_pytorchs)
{
    char text[8];

    expect_text(F32(S(2, 2), 1, 2.5, -3, 4),
                "tensor([[ 1.0000,  2.5000],\n        [-3.0000,  4.0000]])");
    expect_text(I64(S(3), 1, 20, 300), "tensor([  1,  20, 300])");
    expect_text(F32(S(2), 1, 2), "tensor([1., 2.])");
    expect_text(F32(S(2), 1, 20000), "tensor([1.0000e+00, 2.0000e+04])");
    expect_text(BOOL(S(2), 1, 0), "tensor([ True, False])");
    expect_text(F32(DNN_SCALAR, 3), "tensor(3.)");
    expect_text(dnn_zeros(S(0, 3)), "tensor([], size=(0, 3))");
    expect_text(F32(S(3), NAN, INFINITY, 1), "tensor([nan, inf, 1.])");
    expect_text(dnn_arange(.end = 2000, .dtype = DNN_T_I64),
                "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])");
    cr_expect_eq(copy_text(dnn_tensor_format(F32(S(2), 1, 2)), text, sizeof text), 16);
    cr_expect_str_eq(text, "tensor(");
}
