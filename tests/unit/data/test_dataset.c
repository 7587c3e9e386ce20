/* test_dataset.c - tests data sets: sources, data sets over other data sets, refusals. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit.h"

TestSuite(dataset, .init = unit_init, .fini = unit_fini, .timeout = 60);

static dnn_dataset *numbers(int64_t n)
{
    dnn_tensor *field[2] = {dnn_arange(.end = (double)n),
                            dnn_arange(.end = (double)n, .dtype = DNN_T_I64)};

    return dnn_dataset_tensors(field, 2);
}

static void expect_targets(dnn_dataset *set, int64_t n, const int64_t *want)
{
    int64_t index[64];
    double got[64];
    dnn_tensor *const *field;

    cr_assert_eq(dnn_dataset_size(set), n);
    for (int64_t i = 0; i < n; i++) {
        index[i] = i;
    }
    field = unit_get(set, index, n);
    cr_assert_eq(dnn_to_list(field[1], got, n), DNN_OK);
    for (int64_t i = 0; i < n; i++) {
        cr_expect_eq(got[i], (double)want[i], "sample %lld is %g", (long long)i, got[i]);
    }
}

Test(dataset, tensors_subset_and_concat)
{
    dnn_dataset *set = numbers(6), *part = dnn_dataset_subset(set, (int64_t[]){5, 0, 3}, 3), *both;

    dnn_release(set); /* the subset keeps it */
    expect_targets(part, 3, (int64_t[]){5, 0, 3});
    set = numbers(2);
    both = dnn_dataset_concat((dnn_dataset *[]){part, set}, 2);
    dnn_release(part);
    dnn_release(set);
    expect_targets(both, 5, (int64_t[]){5, 0, 3, 0, 1});
    dnn_release(both);
}

Test(dataset, random_split_is_disjoint_and_repeats)
{
    dnn_dataset *set = numbers(10), *a[2], *b[2];
    int64_t index[7] = {0, 1, 2, 3, 4, 5, 6};
    int seen[10] = {0};

    cr_assert_eq(dnn_dataset_random_split(set, (int64_t[]){7, 3}, 2, 42, a), DNN_OK, "%s",
                 dnn_error_message());
    cr_assert_eq(dnn_dataset_random_split(set, (int64_t[]){7, 3}, 2, 42, b), DNN_OK);
    for (int k = 0; k < 2; k++) {
        dnn_tensor *const *field, *const *again;
        int64_t n = dnn_dataset_size(a[k]);
        double got[7], other[7];

        field = unit_get(a[k], index, n);
        again = unit_get(b[k], index, n);
        cr_assert_eq(dnn_to_list(field[1], got, n), DNN_OK);
        cr_assert_eq(dnn_to_list(again[1], other, n), DNN_OK);
        for (int64_t i = 0; i < n; i++) {
            cr_expect_eq(seen[(int)got[i]]++, 0);
            cr_expect_eq(got[i], other[i]);
        }
        dnn_release(a[k]);
        dnn_release(b[k]);
    }
    EXPECT_STATUS_FAIL(dnn_dataset_random_split(set, (int64_t[]){7, 4}, 2, 0, a), "11", "10");
    EXPECT_STATUS_FAIL(dnn_dataset_random_split(set, (int64_t[]){-1, 11}, 2, 0, a), "-1");
    dnn_release(set);
}

static dnn_tensor *twice(void *ctx, dnn_tensor *x)
{
    ++*(int *)ctx;
    return dnn_mul(x, 2);
}

static dnn_tensor *sum_up(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_sum(x);
}

static dnn_tensor *nothing(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    (void)x;
    return NULL;
}

static void count_release(void *ctx)
{
    *(int *)ctx += 100;
}

Test(dataset, map_sees_whole_batches)
{
    dnn_dataset *set = numbers(4), *mapped, *bad;
    dnn_tensor *const *field;
    int64_t index[3] = {1, 3, 1};
    int calls = 0, other = 0;

    mapped = dnn_dataset_map_batch(set, 0, twice, count_release, &calls);
    field = unit_get(mapped, index, 3);
    EXPECT(field[0], DNN_T_F32, S(3), 2, 6, 2);
    cr_expect_eq(calls, 1);
    bad = dnn_dataset_map_batch(set, 0, sum_up, NULL, NULL);
    EXPECT_LIST_FAIL(dnn_dataset_get(bad, index, 3), "3", "[]");
    dnn_release(bad);
    bad = dnn_dataset_map_batch(set, 0, nothing, NULL, NULL);
    EXPECT_LIST_FAIL(dnn_dataset_get(bad, index, 3), "NULL");
    dnn_release(bad);
    EXPECT_FAIL(dnn_dataset_map_batch(set, 5, twice, count_release, &other), "field 5", "2 fields");
    cr_expect_eq(other, 100, "released once though the call failed");
    dnn_release(mapped);
    cr_expect_eq(calls, 101);
    dnn_release(set);
}

Test(dataset, normalize_is_totensor_and_normalize)
{
    dnn_tensor *images = T(DNN_T_U8, S(2, 2, 1, 2), 0, 255, 51, 7, 128, 3, 200, 99);
    dnn_dataset *set = dnn_dataset_tensors(&images, 1);
    double mean[] = {0.1307, 0.5}, std[] = {0.3081, 0.25};
    dnn_dataset *normal = dnn_dataset_normalize(set, 0, mean, std, 2);
    const uint8_t pixel[8] = {0, 255, 51, 7, 128, 3, 200, 99};
    float got[8];

    dnn_tensor *const *field = unit_get(normal, (int64_t[]){0, 1}, 2);
    cr_assert_eq(dnn_read(field[0], got, sizeof got), DNN_OK);
    for (int i = 0; i < 8; i++) {
        int c = i / 2 % 2;
        float want = ((float)pixel[i] / 255.0f - (float)mean[c]) / (float)std[c];

        cr_expect_eq(got[i], want, "element %d: %.9g, not %.9g", i, (double)got[i], (double)want);
    }
    EXPECT_FAIL(dnn_dataset_normalize(set, 0, mean, (double[]){0.3, 0}, 2), "std", "channel 1",
                "0");
    EXPECT_FAIL(dnn_dataset_normalize(set, 0, mean, NULL, 2), "both or none");
    dnn_release(normal);
    dnn_release(set);
}

Test(dataset, every_pixel_is_normalised_to_the_same_bits)
{
    uint8_t pixel[256];
    float got[256], mean = 0.2860f, std = 0.3530f;
    dnn_tensor *images, *const *field;
    dnn_dataset *set, *normal;

    for (int i = 0; i < 256; i++) {
        pixel[i] = (uint8_t)i;
    }
    images = dnn_from_data(pixel, S(1, 1, 16, 16), .dtype = DNN_T_U8);
    set = dnn_dataset_tensors(&images, 1);
    for (int scaled = 0; scaled < 2; scaled++) {
        normal = dnn_dataset_normalize(set, 0, scaled ? (double[]){0.2860} : NULL,
                                       scaled ? (double[]){0.3530} : NULL, scaled);
        cr_assert_not_null(normal, "%s", dnn_error_message());
        field = unit_get(normal, (int64_t[]){0}, 1);
        cr_assert_eq(dnn_read(field[0], got, sizeof got), DNN_OK);
        for (int i = 0; i < 256; i++) {
            float want = (float)i / 255.0f;

            want = scaled ? (want - mean) / std : want;
            cr_expect_eq(memcmp(&got[i], &want, sizeof want), 0, "pixel %d: %.9g, not %.9g", i,
                         (double)got[i], (double)want);
        }
        dnn_release(normal);
    }
    dnn_release(set);
}

static dnn_status sample(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    field[0] = index == 3 ? NULL : dnn_full(S(2), (double)index);
    return DNN_OK;
}

Test(dataset, functions_are_stacked)
{
    dnn_dataset *set = dnn_dataset_function(5, 1, sample, NULL, NULL);
    dnn_tensor *const *field;

    field = unit_get(set, (int64_t[]){4, 1}, 2);
    EXPECT(field[0], DNN_T_F32, S(2, 2), 4, 4, 1, 1);
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){3}, 1), "field 0", "sample 3", "NULL");
    dnn_release(set);
}

Test(dataset, bad_arguments_are_refused)
{
    dnn_tensor *unequal[2] = {dnn_zeros(S(3)), dnn_zeros(S(4))};
    dnn_dataset *set = numbers(3);

    EXPECT_FAIL(dnn_dataset_tensors(unequal, 2), "[3]", "[4]");
    EXPECT_FAIL(dnn_dataset_tensors(NULL, 1), "1 fields");
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){3}, 1), "index 3", "[0, 3)");
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){-1}, 1), "-1");
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){0}, 0), "0");
    EXPECT_LIST_FAIL(dnn_dataset_get(NULL, (int64_t[]){0}, 1), "NULL");
    EXPECT_FAIL(dnn_dataset_subset(set, (int64_t[]){9}, 1), "9", "3");
    EXPECT_FAIL(dnn_dataset_subset(NULL, NULL, 0), "NULL");
    EXPECT_FAIL(dnn_dataset_concat(NULL, 0), "0 sets");
    EXPECT_FAIL(dnn_dataset_function(-1, 1, sample, NULL, NULL), "-1");
    dnn_release(set);
    dnn_release(NULL);
}

Test(dataset, sets_over_nothing_are_refused)
{
    dnn_dataset *set = numbers(3), *pair[2] = {set, NULL}, *out[1];
    int released = 0;

    EXPECT_FAIL(dnn_dataset_tensors((dnn_tensor *[]){NULL}, 1), "field 0", "NULL");
    EXPECT_FAIL(dnn_dataset_tensors((dnn_tensor *[]){dnn_ones(DNN_SCALAR)}, 1), "field 0",
                "rank 0");
    EXPECT_FAIL(dnn_dataset_tensors((dnn_tensor *[]){dnn_ones(S(1))}, 0), "0 fields", "1 or more");
    EXPECT_FAIL(dnn_dataset_function(2, 0, sample, NULL, NULL), "n_fields", "0", "1 or more");
    EXPECT_FAIL(dnn_dataset_function(2, 1, NULL, count_release, &released), "get", "NULL");
    cr_expect_eq(released, 100);
    EXPECT_FAIL(dnn_dataset_subset(set, NULL, 2), "index", "2");
    EXPECT_FAIL(dnn_dataset_subset(set, (int64_t[]){0}, -1), "-1");
    EXPECT_FAIL(dnn_dataset_concat(pair, 2), "set 1 of 2", "NULL");
    EXPECT_FAIL(dnn_dataset_map_batch(NULL, 0, twice, NULL, NULL), "dnn_dataset_map_batch", "NULL");
    EXPECT_FAIL(dnn_dataset_map_batch(set, 0, NULL, NULL, NULL), "fn", "NULL");
    EXPECT_FAIL(dnn_dataset_map_batch(set, -1, twice, NULL, NULL), "field -1", "2 fields");
    EXPECT_FAIL(dnn_dataset_normalize(NULL, 0, NULL, NULL, 0), "dnn_dataset_normalize", "NULL");
    EXPECT_FAIL(dnn_dataset_normalize(set, 0, (double[]){0}, (double[]){1}, 17), "17", "16");
    EXPECT_STATUS_FAIL(dnn_dataset_random_split(NULL, (int64_t[]){3}, 1, 0, out), "set", "NULL");
    EXPECT_STATUS_FAIL(dnn_dataset_random_split(set, NULL, 1, 0, out), "sizes", "NULL");
    EXPECT_STATUS_FAIL(dnn_dataset_random_split(set, (int64_t[]){3}, 1, 0, NULL), "out", "NULL");
    EXPECT_STATUS_FAIL(dnn_dataset_random_split(set, (int64_t[]){3}, 0, 0, out), "0 parts");
    EXPECT_LIST_FAIL(dnn_dataset_get(set, NULL, 1), "index", "NULL");
    dnn_release(set);
}

Test(dataset, fields_that_do_not_match_are_refused)
{
    dnn_dataset *two = numbers(3), *one, *wide, *mixed, *normal;
    dnn_tensor *x = dnn_ones(S(3, 2)), *y = dnn_ones(S(3, 4));

    one = dnn_dataset_tensors(&x, 1);
    wide = dnn_dataset_tensors(&y, 1);
    EXPECT_FAIL(dnn_dataset_concat((dnn_dataset *[]){two, one}, 2), "set 0 has 2 fields",
                "set 1 has 1");
    mixed = dnn_dataset_concat((dnn_dataset *[]){one, wide}, 2);
    cr_assert_not_null(mixed, "%s", dnn_error_message());
    EXPECT_LIST_FAIL(dnn_dataset_get(mixed, (int64_t[]){0, 4}, 2), "[2]", "[4]");
    dnn_release(mixed);
    normal = dnn_dataset_normalize(one, 0, (double[]){0, 0}, (double[]){1, 1}, 2);
    cr_assert_not_null(normal, "%s", dnn_error_message());
    EXPECT_LIST_FAIL(dnn_dataset_get(normal, (int64_t[]){0}, 1), "2 channels", "[1,2]");
    dnn_release(normal);
    dnn_release(one);
    dnn_release(wide);
    dnn_release(two);
}

static void expect_refused(dnn_dataset *set, dnn_status status, const char *text)
{
    cr_expect_null(set);
    cr_expect_eq(dnn_take_error(), status, "%s", dnn_error_message());
    cr_expect_not_null(strstr(dnn_error_message(), text), "\"%s\" does not say \"%s\"",
                       dnn_error_message(), text);
}

Test(dataset, files_that_cannot_be_opened)
{
    const char *base = getenv("TMPDIR");
    char text[256], fifo[300];
    int fd;

    snprintf(text, sizeof text, "%.200s/dnn_text_XXXXXX", base != NULL ? base : P_tmpdir);
    fd = mkstemp(text);
    cr_assert(fd >= 0 && write(fd, "hello\n", 6) == 6);
    close(fd);
    snprintf(fifo, sizeof fifo, "%s.fifo", text);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    expect_refused(dnn_dataset_open("/nonexistent/file"), DNN_E_IO, "No such file");
    expect_refused(dnn_dataset_open(fifo), DNN_E_IO, "neither a regular file nor a folder");
    expect_refused(dnn_dataset_open(text), DNN_E_FORMAT, "asked were: cifar10, cifar100, mnist");
    expect_refused(dnn_dataset_open(text, .reader = "parquet"), DNN_E_DEVICE,
                   "no reader is called parquet");
    expect_refused(dnn_dataset_open(text, .reader = "mnist"), DNN_E_FORMAT, text);
    expect_refused(dnn_dataset_open(""), DNN_E_INVALID, "empty");
    unlink(fifo);
    unlink(text);
}

/* CIFAR-100 has two labels; as a folder beside an archive of CIFAR-10 it takes the reader's name.
 */
Test(dataset, labels_are_those_of_the_first_field_that_has_them)
{
    static uint8_t record[3074] = {19, 98};
    const char *base = getenv("TMPDIR"), *const options = "records=any,label=both";
    char folder[256], file[300], other[300];
    dnn_tensor *const *field;
    double fine = 0, coarse = 0;
    dnn_dataset *set;
    FILE *out;

    snprintf(folder, sizeof folder, "%.200s/dnn_cifar_XXXXXX", base != NULL ? base : P_tmpdir);
    cr_assert_not_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/test.bin", folder);
    snprintf(other, sizeof other, "%s/data_batch_1.bin", folder);
    for (int i = 0; i < 2; i++) {
        cr_assert_not_null(out = fopen(i == 0 ? file : other, "wb"));
        cr_assert_eq(fwrite(record, 1, sizeof record, out), sizeof record);
        cr_assert_eq(fclose(out), 0);
    }
    expect_refused(dnn_dataset_open(folder, .split = "test"), DNN_E_IO, "(reader cifar10)");
    set = dnn_dataset_open(folder, .split = "test", .reader = "cifar100", .options = options);
    cr_assert_not_null(set, "%s", dnn_error_message());
    field = unit_get(set, (int64_t[]){0}, 1);
    cr_assert_eq(read_value(field[1], &fine), DNN_OK);
    cr_assert_eq(read_value(field[2], &coarse), DNN_OK);
    cr_expect_str_eq(dnn_dataset_labels(set)[(int)fine], "woman");
    cr_expect_eq(coarse, 19);
    dnn_release(set);
    unlink(file);
    unlink(other);
    rmdir(folder);
}

Test(dataset, a_set_may_outlive_the_library)
{
    dnn_dataset *set;

    if (access("/usr/share/datasets/fashion-mnist", R_OK) != 0) {
        cr_skip_test("fashion-mnist is not here");
    }
    set = dnn_dataset_open("/usr/share/datasets/fashion-mnist", .split = "test");
    cr_assert_not_null(set, "%s", dnn_error_message());
    dnn_shutdown();
    dnn_release(set);
}

Test(dataset, fashion_mnist_of_the_system)
{
    static const char folder[] = "/usr/share/datasets/fashion-mnist";
    dnn_tensor *const *field;
    dnn_dataset *set;
    double label;

    if (access(folder, R_OK) != 0) {
        cr_skip_test("%s is not here", folder);
    }
    set = dnn_dataset_open(folder, .split = "train");
    cr_assert_not_null(set, "%s", dnn_error_message());
    cr_expect_eq(dnn_dataset_size(set), 60000);
    cr_expect_str_eq(dnn_dataset_name(set), "fashion-mnist");
    cr_expect_str_eq(dnn_dataset_labels(set)[9], "Ankle boot");
    field = unit_get(set, (int64_t[]){0, 1, 59999}, 3);
    cr_expect_eq(dnn_size(field[0], 0), 3);
    cr_expect_eq(dnn_size(field[0], 3), 28);
    cr_assert_eq(read_value(dnn_select(field[1], 0, 0), &label), DNN_OK);
    cr_expect_eq(label, 9);
    dnn_release(set);
}
