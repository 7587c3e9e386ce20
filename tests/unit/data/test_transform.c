/* test_transform.c - tests transforms: the results of torchvision, against plain loops; compose,
 * its messages, and maps of whole samples. */
#include "unit.h"

TestSuite(transform, .init = unit_init, .fini = unit_fini, .timeout = 60);

/* An image [c,h,w] whose element i is i. */
static dnn_tensor *counted(int64_t c, int64_t h, int64_t w)
{
    return dnn_reshape(dnn_arange(.end = (double)(c * h * w), .dtype = DNN_T_F32), S(c, h, w));
}

Test(transform, to_tensor_divides_u8_alone)
{
    dnn_transform *chw = dnn_transform_to_tensor(DNN_IMAGE_CHW);
    uint8_t pixel[256];
    float got[256];

    for (int i = 0; i < 256; i++) {
        pixel[i] = (uint8_t)i;
    }
    cr_assert_eq(
        dnn_read(dnn_transform_apply(chw, dnn_from_data(pixel, S(1, 16, 16), .dtype = DNN_T_U8)),
                 got, sizeof got),
        DNN_OK, "%s", dnn_error_message());
    for (int i = 0; i < 256; i++) {
        cr_expect_eq(got[i], (float)i / 255.0f, "pixel %d", i);
    }
    EXPECT(dnn_transform_apply(chw, F32(S(1, 1, 2), 0.5, 7)), DNN_T_F32, S(1, 1, 2), 0.5, 7);
    EXPECT(dnn_transform_apply(chw, F64(S(1, 1, 2), 0.5, 255)), DNN_T_F64, S(1, 1, 2), 0.5, 255);
    EXPECT(dnn_transform_apply(chw, I64(S(1, 1, 2), 3, 255)), DNN_T_I64, S(1, 1, 2), 3, 255);
}

Test(transform, to_tensor_permutes_hwc)
{
    dnn_transform *hwc = dnn_transform_to_tensor(DNN_IMAGE_HWC);

    EXPECT(dnn_transform_apply(hwc, T(DNN_T_U8, S(1, 2, 3), 0, 51, 102, 153, 204, 255)), DNN_T_F32,
           S(3, 1, 2), 0, 0.6, 0.2, 0.8, 0.4, 1);
    EXPECT_FAIL(dnn_transform_apply(hwc, T(DNN_T_U8, S(2, 3), 1, 2, 3, 4, 5, 6)), "ToTensor",
                "[2,3]", "[...,H,W,C]");
    EXPECT_FAIL(dnn_transform_to_tensor((dnn_image_layout)2), "layout is 2");
}

Test(transform, normalize_is_that_of_plain_loops)
{
    const double mean[2] = {0.1307, 0.5}, std[2] = {0.3081, 0.25};
    const float in[4] = {0.1f, 0.7f, 1.0f, -3.0f};
    dnn_transform *normalize = dnn_transform_normalize(mean, std, 2);
    dnn_tensor *x = dnn_from_data(in, S(2, 1, 2));
    float got[4], after[4];

    cr_assert_eq(dnn_read(dnn_transform_apply(normalize, x), got, sizeof got), DNN_OK, "%s",
                 dnn_error_message());
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(got[i], (in[i] - (float)mean[i / 2]) / (float)std[i / 2], "element %d", i);
    }
    cr_assert_eq(dnn_read(x, after, sizeof after), DNN_OK);
    cr_expect_eq(memcmp(in, after, sizeof in), 0, "the operand is unchanged");
    EXPECT_FAIL(dnn_transform_apply(normalize, dnn_zeros(S(3, 1, 2))), "Normalize", "2 channels",
                "[3,1,2]");
    EXPECT_FAIL(dnn_transform_apply(normalize, dnn_zeros(S(2, 1, 2), .dtype = DNN_T_U8)), "u8",
                "ToTensor");
    EXPECT_FAIL(dnn_transform_normalize(mean, NULL, 2), "std is NULL");
    EXPECT_FAIL(dnn_transform_normalize(mean, (double[]){1, 0}, 2), "channel 1");
}

/* Element (c, i, j) of CenterCrop, as torchvision defines it. */
static double centered(int64_t h, int64_t w, int64_t ch, int64_t cw, int64_t c, int64_t i,
                       int64_t j)
{
    int64_t ph = ch > h ? ch : h, pw = cw > w ? cw : w;
    int64_t y = i + (int64_t)rint((double)(ph - ch) / 2) - (ph - h) / 2;
    int64_t x = j + (int64_t)rint((double)(pw - cw) / 2) - (pw - w) / 2;

    return y < 0 || x < 0 || y >= h || x >= w ? 0 : (double)(c * h * w + y * w + x);
}

Test(transform, center_crop_is_that_of_plain_loops)
{
    for (int64_t size = 3; size <= 9; size++) {
        for (int64_t ch = 2; ch <= 6; ch++) {
            int64_t cw = 9 - ch, w = 6;
            dnn_transform *crop = dnn_transform_center_crop(0, .size_h = ch, .size_w = cw);
            dnn_tensor *y = dnn_transform_apply(crop, counted(2, size, w));
            double got[2 * 81];

            cr_assert_eq(dnn_to_list(y, got, 2 * ch * cw), DNN_OK, "%s", dnn_error_message());
            for (int64_t k = 0; k < 2 * ch * cw; k++) {
                int64_t c = k / (ch * cw), i = k / cw % ch, j = k % cw;

                cr_assert_eq(got[k], centered(size, w, ch, cw, c, i, j), "%lldx%lld to %lldx%lld",
                             (long long)size, (long long)w, (long long)ch, (long long)cw);
            }
        }
    }
    EXPECT_FAIL(dnn_transform_center_crop(0), "dnn_transform_center_crop", "0x0");
    EXPECT_FAIL(dnn_transform_center_crop(3, .padding = 1), "padding is 1");
}

Test(transform, random_crop_gives_every_place)
{
    dnn_transform *crop = dnn_transform_random_crop(2, .padding = 1);
    bool seen[3][3] = {{false}};

    dnn_manual_seed(1);
    for (int k = 0; k < 200; k++) {
        DNN_SCOPE();
        double got[4];
        dnn_tensor *y = dnn_transform_apply(crop, dnn_add(counted(1, 2, 2), 1));

        cr_assert_eq(dnn_to_list(y, got, 4), DNN_OK, "%s", dnn_error_message());
        for (int i = 0; i < 4; i++) {
            if (got[i] > 0) { /* pixel (p / 2, p % 2) of the image is at (i / 2, i % 2) */
                int p = (int)got[i] - 1;

                seen[1 + p / 2 - i / 2][1 + p % 2 - i % 2] = true;
                break;
            }
        }
    }
    for (int i = 0; i < 9; i++) {
        cr_expect(seen[i / 3][i % 3], "place %d", i);
    }
    EXPECT(dnn_transform_apply(dnn_transform_random_crop(2), counted(1, 2, 2)), DNN_T_F32,
           S(1, 2, 2), 0, 1, 2, 3);
    EXPECT_FAIL(dnn_transform_apply(dnn_transform_random_crop(32), dnn_zeros(S(3, 20, 20))),
                "RandomCrop: image [3,20,20] is smaller than 32x32");
    EXPECT_FAIL(dnn_transform_random_crop(4, .padding = -1), "padding is -1");
}

Test(transform, flip_reverses_rows_or_does_not)
{
    dnn_tensor *x = counted(2, 1, 3), *odd = dnn_transpose(F32(S(2, 2), 1, 2, 3, 4), 0, 1);

    EXPECT(dnn_transform_apply(dnn_transform_random_horizontal_flip(1), x), DNN_T_F32, S(2, 1, 3),
           2, 1, 0, 5, 4, 3);
    EXPECT(dnn_transform_apply(dnn_transform_random_horizontal_flip(0), x), DNN_T_F32, S(2, 1, 3),
           0, 1, 2, 3, 4, 5);
    EXPECT(dnn_transform_apply(dnn_transform_random_horizontal_flip(1), odd), DNN_T_F32, S(2, 2), 3,
           1, 4, 2);
    EXPECT_EMPTY(dnn_transform_apply(dnn_transform_random_horizontal_flip(1), dnn_zeros(S(2, 0))),
                 DNN_T_F32, S(2, 0));
    EXPECT_FAIL(dnn_transform_random_horizontal_flip(1.5), "p is 1.5");
    EXPECT_FAIL(dnn_transform_random_horizontal_flip((double)NAN), "p is nan");
    EXPECT_FAIL(dnn_transform_apply(dnn_transform_random_horizontal_flip(1), dnn_zeros(S(3))),
                "RandomHorizontalFlip", "[3]");
}

/* ---- compose, functions ---- */

static dnn_tensor *twice(void *ctx, dnn_tensor *x)
{
    if (ctx != NULL) {
        ++*(int *)ctx;
    }
    return dnn_mul(x, 2);
}

static dnn_tensor *plus_one(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_add(x, 1);
}

static void count_release(void *ctx)
{
    *(int *)ctx += 100;
}

Test(transform, compose_applies_in_order_and_retains)
{
    int calls = 0;
    dnn_transform *both;

    {
        DNN_SCOPE();
        both = dnn_keep(dnn_compose(DNN_TRANSFORMS(
            dnn_transform_lambda(plus_one, NULL, NULL),
            dnn_compose(DNN_TRANSFORMS(dnn_transform_lambda(twice, count_release, &calls))))));
    }
    EXPECT(dnn_transform_apply(both, F32(S(2), 1, 2)), DNN_T_F32, S(2), 4, 6);
    cr_expect_eq(calls, 1);
    dnn_release(both);
    cr_expect_eq(calls, 101);
    EXPECT_FAIL(dnn_compose((dnn_transform_list){.n = 0}), "0 transforms");
    EXPECT_FAIL(dnn_transform_lambda(NULL, count_release, &calls), "dnn_transform_lambda", "NULL");
    EXPECT_FAIL(dnn_transform_function(NULL, count_release, &calls), "dnn_transform_function");
    cr_expect_eq(calls, 301, "released though the call failed");
}

/* Fields (x, y) become (x, y, x + y); sample 3 loses all but x. */
static dnn_status extend(void *ctx, dnn_fields *s)
{
    (void)ctx;
    if (s->index == 3) {
        return dnn_fields_set(s, DNN_TENSORS(s->field[0]));
    }
    return dnn_fields_set(s,
                          DNN_TENSORS(s->field[0], s->field[1], dnn_add(s->field[0], s->field[1])));
}

static dnn_dataset *pairs(int64_t n)
{
    dnn_tensor *field[2] = {dnn_arange(.end = (double)n),
                            dnn_mul(dnn_arange(.end = (double)n), 10)};

    return dnn_dataset_tensors(field, 2);
}

Test(transform, a_map_sees_the_whole_sample_and_changes_the_number_of_fields)
{
    dnn_dataset *set = dnn_dataset_map(pairs(5), dnn_transform_function(extend, NULL, NULL));
    dnn_tensor_list list = dnn_dataset_get(set, (int64_t[]){4, 1}, 2);

    cr_assert_eq(list.n, 3, "%s", dnn_error_message());
    EXPECT(list.item[0], DNN_T_F32, S(2), 4, 1);
    EXPECT(list.item[2], DNN_T_F32, S(2), 44, 11);
    cr_expect_eq(dnn_dataset_fields(set), -1);
    cr_expect_eq(dnn_dataset_size(set), 5);
    list = dnn_dataset_sample(set, 2);
    cr_assert_eq(list.n, 3, "%s", dnn_error_message());
    EXPECT(list.item[2], DNN_T_F32, DNN_SCALAR, 22);
    cr_expect_eq(dnn_dataset_sample(set, 3).n, 1);
    EXPECT_LIST_FAIL(dnn_dataset_get(set, (int64_t[]){1, 3}, 2), "sample 1 has 3 fields",
                     "sample 3 has 1", ".collate");
}

/* Twenty fields: a sample has any number. */
static dnn_status many(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    for (int k = 0; k < 20; k++) {
        field[k] = dnn_full(S(1), (double)(100 * index + k));
    }
    return DNN_OK;
}

static dnn_status drop_first(void *ctx, dnn_fields *s)
{
    (void)ctx;
    return dnn_fields_set(s, (dnn_tensor_list){.n = s->n_fields - 1, .item = s->field + 1});
}

static dnn_status double_all(void *ctx, dnn_fields *s)
{
    dnn_tensor *all[40];

    (void)ctx;
    for (int k = 0; k < 40; k++) {
        all[k] = s->field[k % s->n_fields];
    }
    return dnn_fields_set(s, (dnn_tensor_list){.n = 40, .item = all});
}

Test(transform, samples_have_any_number_of_fields)
{
    dnn_dataset *set = dnn_dataset_function(4, 20, many, NULL, NULL);
    dnn_dataset *fewer = dnn_dataset_map(set, dnn_transform_function(drop_first, NULL, NULL));
    dnn_dataset *more = dnn_dataset_map(fewer, dnn_transform_function(double_all, NULL, NULL));
    dnn_batch batch;

    for (int workers = 0; workers < 3; workers++) {
        dnn_loader *loader = dnn_loader(more, .batch_size = 2, .workers = workers);

        cr_assert(dnn_loader_next(loader, &batch), "%s", dnn_error_message());
        cr_assert_eq(batch.n_fields, 40);
        EXPECT(batch.input, DNN_T_F32, S(2, 1), 1, 101);
        EXPECT(batch.field[18], DNN_T_F32, S(2, 1), 19, 119);
        EXPECT(batch.field[19], DNN_T_F32, S(2, 1), 1, 101);
        cr_assert(dnn_loader_next(loader, &batch), "%s", dnn_error_message());
        EXPECT(batch.field[20], DNN_T_F32, S(2, 1), 202, 302);
        dnn_release(loader);
    }
}

Test(transform, one_field)
{
    dnn_transform *second = dnn_transform_field(1, dnn_transform_lambda(twice, NULL, NULL));
    dnn_tensor_list list =
        dnn_transform_apply_list(second, DNN_TENSORS(F32(S(1), 3), F32(S(1), 5)));

    cr_assert_eq(list.n, 2, "%s", dnn_error_message());
    EXPECT(list.item[0], DNN_T_F32, S(1), 3);
    EXPECT(list.item[1], DNN_T_F32, S(1), 10);
    EXPECT_FAIL(dnn_transform_apply(second, F32(S(1), 3)), "Field", "field 1", "1 fields");
    EXPECT_FAIL(
        dnn_transform_apply(dnn_transform_field(0, dnn_transform_function(double_all, NULL, NULL)),
                            F32(S(1), 3)),
        "40 fields of one");
    EXPECT_FAIL(dnn_transform_apply(dnn_transform_function(double_all, NULL, NULL), F32(S(1), 3)),
                "40 fields of one", "dnn_transform_apply_list");
    EXPECT_LIST_FAIL(dnn_transform_apply_list(second, (dnn_tensor_list){.n = 0}), "empty");
    EXPECT_FAIL(dnn_transform_field(-1, second), "field is -1");
}

static dnn_status set_badly(void *ctx, dnn_fields *s)
{
    switch (*(int *)ctx) {
    case 0:
        return dnn_fields_set(s, (dnn_tensor_list){.n = 0});
    case 1:
        return dnn_fields_set(s, DNN_TENSORS(s->field[0], NULL));
    case 2:
        s->field[0] = NULL;
        return DNN_OK;
    case 3:
        s->field[0] = dnn_add(dnn_zeros(S(2)), dnn_zeros(S(3)));
        return DNN_OK;
    case 4:
        return DNN_E_IO;
    default:
        return dnn_fields_set(NULL, DNN_TENSORS(s->field[0]));
    }
}

Test(transform, failures_name_the_transform_and_the_sample)
{
    static const char *const said[6] = {"the list is empty",           "field 1 of 2 is NULL",
                                        "it left field 0 NULL",        "[2] and [3]",
                                        "it returned DNN_E_IO and no", "fields is NULL"};
    int way = 0;
    dnn_transform *bad = dnn_transform_function(set_badly, NULL, &way);
    dnn_dataset *set = dnn_dataset_map(
        pairs(5), dnn_compose(DNN_TRANSFORMS(dnn_transform_lambda(plus_one, NULL, NULL), bad)));

    for (; way < 6; way++) {
        cr_expect_eq(dnn_dataset_get(set, (int64_t[]){2}, 1).n, 0);
        cr_expect_eq(dnn_take_error(), way == 4 ? DNN_E_IO : DNN_E_INVALID, "way %d", way);
        cr_expect_not_null(strstr(dnn_error_message(), said[way]), "%s", dnn_error_message());
        cr_expect_not_null(strstr(dnn_error_message(), "sample 2: transform 2 of 2 (Function): "),
                           "%s", dnn_error_message());
        cr_expect_eq(dnn_take_error(), DNN_OK);
    }
}

Test(transform, a_crop_that_does_not_fit_names_sample_and_sizes)
{
    dnn_tensor *images = dnn_zeros(S(9, 3, 20, 20));
    dnn_dataset *set =
        dnn_dataset_map(dnn_dataset_tensors(&images, 1),
                        dnn_compose(DNN_TRANSFORMS(dnn_transform_to_tensor(DNN_IMAGE_CHW),
                                                   dnn_transform_random_crop(32),
                                                   dnn_transform_random_horizontal_flip(0.5))));

    EXPECT_LIST_FAIL(
        dnn_dataset_get(set, (int64_t[]){7}, 1),
        "sample 7: transform 2 of 3 (RandomCrop): image [3,20,20] is smaller than 32x32");
}

/* ---- samples of different shapes ---- */

static dnn_status sized(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    field[0] = dnn_full(S(1, 2 + index, 3 + index), (double)index);
    field[1] = dnn_full(DNN_SCALAR, (double)index);
    return DNN_OK;
}

Test(transform, images_of_different_sizes_are_cropped_and_stacked)
{
    dnn_dataset *raw = dnn_dataset_function(4, 2, sized, NULL, NULL);
    dnn_dataset *half = dnn_dataset_subset(raw, (int64_t[]){3, 0}, 2);
    dnn_dataset *both = dnn_dataset_concat((dnn_dataset *[]){half, raw}, 2);
    dnn_dataset *cropped = dnn_dataset_map(both, dnn_transform_center_crop(1));
    dnn_tensor *const *field = unit_get(cropped, (int64_t[]){0, 5, 1}, 3);

    EXPECT(field[0], DNN_T_F32, S(3, 1, 1, 1), 3, 3, 0);
    EXPECT(field[1], DNN_T_F32, S(3), 3, 3, 0);
    EXPECT_LIST_FAIL(dnn_dataset_get(raw, (int64_t[]){0, 2}, 2), "field 0 of sample 0", "[1,2,3]",
                     "of sample 2", "[1,4,5]", ".collate", "a map that crops");
    EXPECT_LIST_FAIL(dnn_dataset_get(both, (int64_t[]){0, 5, 1}, 3), "sample 0", "[1,5,6]",
                     "sample 1", "[1,2,3]");
    EXPECT(dnn_dataset_sample(raw, 0).item[0], DNN_T_F32, S(1, 2, 3), 0, 0, 0, 0, 0, 0);
}

Test(transform, parts_of_different_sizes_are_cropped_alike)
{
    dnn_tensor *small = counted(2, 2, 2), *large = dnn_reshape(counted(2, 4, 4), S(2, 4, 4));
    dnn_dataset *both = dnn_dataset_concat(
        (dnn_dataset *[]){dnn_dataset_tensors(&small, 1), dnn_dataset_tensors(&large, 1)}, 2);
    dnn_dataset *cropped = dnn_dataset_map(both, dnn_transform_center_crop(2));

    EXPECT(unit_get(cropped, (int64_t[]){3, 1, 2}, 3)[0], DNN_T_F32, S(3, 2, 2), 21, 22, 25, 26, 4,
           5, 6, 7, 5, 6, 9, 10);
}

Test(transform, normalize_of_a_set_keeps_floating_values)
{
    const double mean[1] = {0.5}, std[1] = {0.25};
    dnn_tensor *f32 = F32(S(1, 1, 1, 3), 0, 0.5, 200), *f64 = F64(S(1, 1, 1, 3), 0, 0.5, 200),
               *u8 = T(DNN_T_U8, S(1, 1, 1, 3), 0, 51, 255), *i64 = I64(S(1, 1, 1, 3), 0, 1, 2);
    const int64_t zero = 0;
    dnn_dataset *of_i64 = dnn_dataset_normalize(dnn_dataset_tensors(&i64, 1), 0, NULL, NULL, 0);

    EXPECT(
        unit_get(dnn_dataset_normalize(dnn_dataset_tensors(&f32, 1), 0, mean, std, 1), &zero, 1)[0],
        DNN_T_F32, S(1, 1, 1, 3), -2, 0, 798);
    EXPECT(
        unit_get(dnn_dataset_normalize(dnn_dataset_tensors(&f64, 1), 0, mean, std, 1), &zero, 1)[0],
        DNN_T_F64, S(1, 1, 1, 3), -2, 0, 798);
    EXPECT(unit_get(dnn_dataset_normalize(dnn_dataset_tensors(&f32, 1), 0, NULL, NULL, 0), &zero,
                    1)[0],
           DNN_T_F32, S(1, 1, 1, 3), 0, 0.5, 200);
    EXPECT(
        unit_get(dnn_dataset_normalize(dnn_dataset_tensors(&u8, 1), 0, mean, std, 1), &zero, 1)[0],
        DNN_T_F32, S(1, 1, 1, 3), -2, -1.2, 2);
    EXPECT_LIST_FAIL(dnn_dataset_get(of_i64, &zero, 1), "i64", "u8 or floating");
    EXPECT(f32, DNN_T_F32, S(1, 1, 1, 3), 0, 0.5, 200); /* the source is unchanged */
}
