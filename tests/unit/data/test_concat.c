/* test_concat.c - tests data sets over other data sets in one batch: samples of each part in their
 * places, facts, unequal parts, and what a callback of the program may leave pending. */
#include "unit.h"

TestSuite(concat, .init = unit_init, .fini = unit_fini, .timeout = 60);

/* Samples [first + i, -(first + i)] of f32. */
static dnn_dataset *pairs(double first, int64_t n)
{
    dnn_tensor *x = dnn_unsqueeze(
                   dnn_arange(.start = first, .end = first + (double)n, .dtype = DNN_T_F32), 1),
               *field;
    dnn_dataset *set;

    field = dnn_cat(DNN_TENSORS(x, dnn_neg(x)), 1);
    set = dnn_dataset_tensors(&field, 1);
    cr_assert_not_null(set, "%s", dnn_error_message());
    return set;
}

static dnn_dataset *joined(dnn_dataset **part, int n)
{
    dnn_dataset *set = dnn_dataset_concat(part, n);

    cr_assert_not_null(set, "%s", dnn_error_message());
    for (int i = 0; i < n; i++) {
        dnn_release(part[i]);
    }
    return set;
}

static dnn_tensor *get_one(dnn_dataset *set, const int64_t *index, int64_t n)
{
    return unit_get(set, index, n)[0];
}

Test(concat, rows_of_several_parts_are_in_their_places)
{
    dnn_dataset *set =
        joined((dnn_dataset *[]){pairs(0, 2), pairs(0, 0), pairs(10, 3), pairs(20, 1)}, 4);

    cr_expect_eq(dnn_dataset_size(set), 6);
    EXPECT(get_one(set, (int64_t[]){5, 0, 4, 1, 2, 5}, 6), DNN_T_F32, S(6, 2), 20, -20, 0, 0, 12,
           -12, 1, -1, 10, -10, 20, -20);
    EXPECT(get_one(set, (int64_t[]){4, 2, 3}, 3), DNN_T_F32, S(3, 2), 12, -12, 10, -10, 11, -11);
    EXPECT(get_one(set, (int64_t[]){1}, 1), DNN_T_F32, S(1, 2), 1, -1);
    dnn_release(set);
}

static dnn_tensor *twice(void *ctx, dnn_tensor *x)
{
    ++*(int *)ctx;
    return dnn_transpose(dnn_contiguous(dnn_transpose(dnn_mul(x, 2), 0, 1)), 0, 1);
}

Test(concat, each_part_is_asked_once_and_may_give_any_strides)
{
    int calls = 0;
    dnn_dataset *plain = pairs(0, 3),
                *mapped = dnn_dataset_map_batch(plain, 0, twice, NULL, &calls);
    dnn_dataset *set = joined((dnn_dataset *[]){mapped, plain}, 2);

    EXPECT(get_one(set, (int64_t[]){2, 5, 1, 4}, 4), DNN_T_F32, S(4, 2), 4, -4, 2, -2, 2, -2, 1,
           -1);
    cr_expect_eq(calls, 1);
    dnn_release(set);
}

Test(concat, unequal_parts_are_named)
{
    dnn_tensor *wide = dnn_zeros(S(2, 3)), *whole = dnn_zeros(S(2, 2), .dtype = DNN_T_I64);
    dnn_tensor *two[2] = {wide, whole};
    dnn_dataset *base = pairs(0, 2), *other = dnn_dataset_tensors(two, 2), *set;

    EXPECT_FAIL(dnn_dataset_concat((dnn_dataset *[]){base, other}, 2), "set 0 has 1",
                "set 1 has 2");
    EXPECT_FAIL(dnn_dataset_concat((dnn_dataset *[]){base, NULL}, 2), "set 1", "NULL");
    dnn_release(other);
    set = joined((dnn_dataset *[]){dnn_retain(base), dnn_dataset_tensors(&wide, 1)}, 2);
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){0, 2}, 2), "field 0", "[3]", "[2]");
    EXPECT_EMPTY(dnn_narrow(get_one(set, (int64_t[]){2, 3}, 2), 0, 0, 0), DNN_T_F32, S(0, 3));
    dnn_release(set);
    set = joined((dnn_dataset *[]){base, dnn_dataset_tensors(&whole, 1)}, 2);
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){3, 0}, 2), "field 0", "f32", "i64");
    dnn_release(set);
}

Test(concat, samples_without_elements)
{
    dnn_tensor *none = dnn_zeros(S(2, 0, 3));
    dnn_dataset *set =
        joined((dnn_dataset *[]){dnn_dataset_tensors(&none, 1), dnn_dataset_tensors(&none, 1)}, 2);

    EXPECT_EMPTY(get_one(set, (int64_t[]){3, 0, 1}, 3), DNN_T_F32, S(3, 0, 3));
    dnn_release(set);
}

Test(concat, a_get_leaves_its_fields_and_nothing_else)
{
    int calls = 0;
    dnn_dataset *base = pairs(0, 4), *set = dnn_dataset_map_batch(base, 0, twice, NULL, &calls);

    {
        DNN_SCOPE();
        int64_t before = dnn_live_tensors();

        cr_expect_not_null(get_one(set, (int64_t[]){0, 1}, 2));
        cr_expect_eq(dnn_live_tensors(), before + 1, "%lld tensors",
                     (long long)(dnn_live_tensors() - before));
    }
    dnn_release(set);
    dnn_release(base);
}

/* Sample 1: an error without a message. Sample 2: a pending error besides the returned one. Sample
 * 3: one that waits only. */
static dnn_status careless(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    field[0] = dnn_full(S(1), (double)index);
    if (index == 2 || index == 3) {
        dnn_tensor *bad = dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3)));

        return index == 2 && bad == NULL ? DNN_E_FORMAT : DNN_OK;
    }
    return index == 1 ? DNN_E_IO : DNN_OK;
}

static void expect_failed(dnn_dataset *set, int64_t index, dnn_status status, const char *text)
{
    cr_expect_eq(dnn_dataset_get(set, &index, 1).n, 0);
    cr_expect_eq(dnn_take_error(), status, "sample %lld", (long long)index);
    cr_expect_not_null(strstr(dnn_error_message(), text), "\"%s\" does not say \"%s\"",
                       dnn_error_message(), text);
    cr_expect_eq(dnn_take_error(), DNN_OK, "an error is pending after sample %lld",
                 (long long)index);
}

Test(concat, a_function_that_fails_is_quoted_and_leaves_nothing_waiting)
{
    dnn_dataset *set = dnn_dataset_function(5, 1, careless, NULL, NULL);

    EXPECT_FAIL(dnn_reshape(dnn_zeros(S(7)), S(3)),
                "7"); /* an old message that is not the function's */
    expect_failed(set, 1, DNN_E_IO, "sample 1");
    expect_failed(set, 1, DNN_E_IO, "DNN_E_IO");
    cr_expect_null(strstr(dnn_error_message(), "reshape"), "%s", dnn_error_message());
    expect_failed(set, 2, DNN_E_FORMAT, "[2] and [3]");
    expect_failed(set, 2, DNN_E_FORMAT, "sample 2");
    expect_failed(set, 3, DNN_E_INVALID, "[2] and [3]");
    EXPECT(get_one(set, (int64_t[]){4, 0}, 2), DNN_T_F32, S(2, 1), 4, 0);
    dnn_release(set);
}

static dnn_tensor *spoils(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3))) == NULL ? x : NULL;
}

Test(concat, a_mapped_function_that_leaves_an_error_has_failed)
{
    dnn_dataset *base = pairs(0, 2), *set = dnn_dataset_map_batch(base, 0, spoils, NULL, NULL);

    expect_failed(set, 0, DNN_E_INVALID, "[2] and [3]");
    dnn_release(set);
    dnn_release(base);
}

Test(concat, normalize_checks_channels_and_numbers)
{
    dnn_tensor *images = dnn_zeros(S(2, 1, 2, 2), .dtype = DNN_T_U8);
    dnn_dataset *base = dnn_dataset_tensors(&images, 1), *set;
    const double three[3] = {0.5, 0.5, 0.5}, tiny[1] = {1e-60}, none[1] = {NAN};

    set = dnn_dataset_normalize(base, 0, three, three, 3);
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){0, 1}, 2), "3 channels", "[2,1,2,2]");
    dnn_release(set);
    EXPECT_FAIL(dnn_dataset_normalize(base, 0, three, tiny, 1), "std", "channel 0");
    EXPECT_FAIL(dnn_dataset_normalize(base, 0, none, three, 1), "mean", "channel 0");
    EXPECT_FAIL(dnn_dataset_normalize(base, 0, three, three, 17), "17", "16");
    dnn_release(base);
}

/* Sample i is of shape [2], but number 2 of [3], number 3 of f64, number 4 a transposed view,
 * number 5 without elements. */
static dnn_status uneven(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    field[0] = index == 2   ? dnn_zeros(S(3))
               : index == 3 ? dnn_zeros(S(2), .dtype = DNN_T_F64)
               : index == 4 ? dnn_select(F32(S(2, 2), 1, 2, 3, 4), 1, 1)
               : index == 5 ? dnn_zeros(S(0))
                            : dnn_full(S(2), (double)index);
    return DNN_OK;
}

Test(concat, samples_of_a_function_are_alike)
{
    dnn_dataset *set = dnn_dataset_function(6, 1, uneven, NULL, NULL);

    EXPECT(get_one(set, (int64_t[]){1, 4}, 2), DNN_T_F32, S(2, 2), 1, 1, 2, 4);
    EXPECT_EMPTY(get_one(set, (int64_t[]){5, 5}, 2), DNN_T_F32, S(2, 0));
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){1, 0, 2}, 3), "sample 1", "[2]", "sample 2",
                     "[3]");
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){0, 3}, 2), "f32", "sample 3", "f64");
    dnn_release(set);
}
