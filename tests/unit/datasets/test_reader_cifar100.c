/* test_reader_cifar100.c - tests the CIFAR-100 reader: its two labels, class names and sizes, on
 * small archives and folders and on sparse files of the published size. test_reader_cifar10.c tests
 * the code that both readers share (cifar.c, archive.c). */
#include "reader_support.h"

enum { RECORD = 3074, PIXELS = 3072, TRAIN = 5, TEST = 3, TRAIN_BYTES = 153700000 };

TestSuite(reader_cifar100, .init = folder_make, .fini = folder_remove, .timeout = 300);

static const char coarse_meta[] =
    "aquatic_mammals\nfish\nflowers\nfood_containers\nfruit_and_vegetables\n"
    "household_electrical_devices\nhousehold_furniture\ninsects\nlarge_carnivores\n"
    "large_man-made_outdoor_things\nlarge_natural_outdoor_scenes\nlarge_omnivores_and_herbivores\n"
    "medium_mammals\nnon-insect_invertebrates\npeople\nreptiles\nsmall_mammals\ntrees\n"
    "vehicles_1\nvehicles_2\n";

/* Labels run through all of their classes from one sample to the next; pixels are noise. */
static struct bytes records_of(int file, int n)
{
    uint32_t seed = (uint32_t)file + 11;
    struct bytes out = {0};

    put(&out, NULL, (size_t)n * RECORD);
    for (size_t i = 0; i < out.n; i++) {
        const size_t sample = i / RECORD;

        out.at[i] = i % RECORD == 0   ? (uint8_t)((sample + 19) % 20)
                    : i % RECORD == 1 ? (uint8_t)((sample + 98) % 100)
                                      : noise(&seed);
    }
    return out;
}

static void put_records(struct bytes *tar, const char *path, int file, int n)
{
    struct bytes records = records_of(file, n);

    put_member(tar, path, records.at, records.n);
    drop(&records);
}

static struct bytes small_tar(void)
{
    struct bytes tar = {0};

    put_header(&tar, "cifar-100-binary/", '5', "", 0);
    put_member(&tar, "cifar-100-binary/coarse_label_names.txt", coarse_meta,
               sizeof(coarse_meta) - 1);
    put_records(&tar, "cifar-100-binary/test.bin", 1, TEST);
    put_records(&tar, "cifar-100-binary/train.bin", 0, TRAIN);
    put_end(&tar);
    return tar;
}

static void store_records(const char *name, int file, int n)
{
    struct bytes records = records_of(file, n);

    write_file(name, records.at, records.n);
    drop(&records);
}

static void expect_samples(void *set, int file, int n, bool coarse)
{
    static uint8_t image[TRAIN * PIXELS];
    int64_t label[TRAIN];
    void *const dst[2] = {image, label};
    const uint64_t bytes[2] = {(uint64_t)n * PIXELS, (uint64_t)n * 8};
    struct bytes records = records_of(file, n);

    cr_assert_eq(n, info_of(set).n_samples);
    cr_assert(dnn_reader_v1()->read(set, 0, n, dst, bytes) == DNN_OK, "%s", said);
    for (int i = 0; i < n; i++) {
        cr_assert_eq(records.at[i * RECORD + (coarse ? 0 : 1)], label[i]);
        cr_assert_arr_eq(records.at + i * RECORD + 2, image + i * PIXELS, PIXELS);
    }
    drop(&records);
}

static void expect_small_set(const char *path)
{
    void *set;

    EXPECT_OPENS(set, path, "train", "records=any", 0);
    expect_samples(set, 0, TRAIN, false);
    cr_assert(info_of(set).name == NULL, "a part of the set has no name");
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, path, "test", "label=coarse,records=any", 0);
    expect_samples(set, 1, TEST, true);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, path, NULL, "records=any", 0);
    cr_assert_eq(TRAIN + TEST, info_of(set).n_samples);
    dnn_reader_v1()->close(set);
}

Test(reader_cifar100, opens_archives_folders_and_files)
{
    struct bytes tar = small_tar();

    write_bytes("c.tar", tar, false);
    write_bytes("cifar-100-binary.tar.gz", tar, true);
    expect_small_set(in_folder("c.tar"));
    expect_small_set(in_folder("cifar-100-binary.tar.gz"));
    expect_small_set(folder);
    cr_assert(mkdir(in_folder("cifar-100-binary"), 0700) == 0);
    store_records("cifar-100-binary/train.bin", 0, TRAIN);
    store_records("cifar-100-binary/test.bin", 1, TEST);
    expect_small_set(folder);
    store_records("train.bin", 0, TRAIN);
    store_records("test.bin", 1, TEST);
    expect_small_set(folder);
    expect_small_set(in_folder("cifar-100-binary"));
    drop(&tar);
}

Test(reader_cifar100, a_file_alone_is_the_split_that_it_is_named_after)
{
    void *set;

    store_records("train.bin", 0, TRAIN);
    store_records("test.bin", 1, TEST);
    EXPECT_OPENS(set, in_folder("train.bin"), NULL, "records=any", 0);
    expect_samples(set, 0, TRAIN, false);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, in_folder("test.bin"), NULL, "records=any", 0);
    expect_samples(set, 1, TEST, false);
    dnn_reader_v1()->close(set);
}

Test(reader_cifar100, fields_are_the_labels_that_were_asked_for)
{
    dnn_reader_info info;
    void *set;

    store_records("train.bin", 0, TRAIN);
    EXPECT_OPENS(set, folder, "train", "records=any", 0);
    info = info_of(set);
    cr_assert_str_eq("CIFAR-100, train, 5 images 3x32x32, from single files", info.text);
    cr_assert_eq(2, info.n_fields);
    cr_assert_str_eq("label", info.field[1]->name);
    cr_assert_str_eq("apple", info.field[1]->labels[0]);
    cr_assert_str_eq("worm", info.field[1]->labels[99]);
    cr_assert(info.field[1]->labels[100] == NULL);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, folder, "train", "label=coarse,records=any", 0);
    info = info_of(set);
    cr_assert_str_eq("CIFAR-100, train, 5 images 3x32x32, coarse labels, from single files",
                     info.text);
    cr_assert_eq(2, info.n_fields);
    cr_assert_str_eq("label", info.field[1]->name);
    cr_assert_str_eq("vehicles_2", info.field[1]->labels[19]);
    cr_assert(info.field[1]->labels[20] == NULL);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, folder, "train", "label=both,records=any", 0);
    info = info_of(set);
    cr_assert_eq(3, info.n_fields);
    cr_assert_str_eq("label", info.field[1]->name);
    cr_assert_str_eq("coarse_label", info.field[2]->name);
    cr_assert_str_eq("worm", info.field[1]->labels[99]);
    cr_assert_str_eq("fish", info.field[2]->labels[1]);
    dnn_reader_v1()->close(set);
}

Test(reader_cifar100, both_labels_are_read_together)
{
    int64_t fine[TRAIN], coarse[TRAIN], dim[8];
    void *const dst[3] = {NULL, fine, coarse};
    const uint64_t bytes[3] = {0, sizeof(fine), sizeof(coarse)}, bad[3] = {0, 40, 39};
    void *set;

    store_records("train.bin", 0, TRAIN);
    EXPECT_OPENS(set, folder, "train", "records=any,label=both", 0);
    cr_assert(dnn_reader_v1()->read(set, 0, TRAIN, dst, bytes) == DNN_OK, "%s", said);
    for (int i = 0; i < TRAIN; i++) {
        cr_assert_eq((i + 98) % 100, fine[i]);
        cr_assert_eq((i + 19) % 20, coarse[i]);
    }
    cr_assert(dnn_reader_v1()->read(set, 0, TRAIN, dst, bad) == DNN_E_INVALID);
    expect_text("coarse_label: a buffer of 39 bytes for 5 samples of 8 bytes, which take 40");
    cr_assert(dnn_reader_v1()->shape(set, 0, 2, dim) == DNN_OK);
    cr_assert(dnn_reader_v1()->shape(set, 0, 3, dim) == DNN_E_INVALID);
    expect_text("cifar100: field 3, there are 3");
    dnn_reader_v1()->close(set);
}

Test(reader_cifar100, both_labels_are_checked)
{
    struct bytes records = records_of(0, TRAIN), tar = {0};

    records.at[2 * RECORD] = 20;
    write_file("train.bin", records.at, records.n);
    EXPECT_REFUSED(DNN_E_FORMAT,
                   "train.bin: coarse label 20 of sample 2 (byte 6,148), but there are 20 classes",
                   folder, "train", "records=any", 0);
    records.at[2 * RECORD] = 19;
    records.at[3 * RECORD + 1] = 100;
    put_member(&tar, "train.bin", records.at, records.n);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT,
                   "c.tar: train.bin: fine label 100 of sample 3 (byte 9,223), but there are 100",
                   in_folder("c.tar"), "train", "records=any,label=coarse", 0);
    drop(&records);
    drop(&tar);
}

Test(reader_cifar100, class_names_must_be_the_known_ones)
{
    struct bytes tar = {0};

    store_records("train.bin", 0, TRAIN);
    write_file("coarse_label_names.txt", coarse_meta, sizeof(coarse_meta) - 12);
    EXPECT_REFUSED(DNN_E_FORMAT,
                   "coarse_label_names.txt: class 19 is \"\", expected \"vehicles_2\"", folder,
                   "train", "records=any", 0);
    write_file("coarse_label_names.txt", coarse_meta, sizeof(coarse_meta) - 1);
    write_file("fine_label_names.txt", "apple\nbaby\n", 11);
    EXPECT_REFUSED(DNN_E_FORMAT,
                   "fine_label_names.txt: class 1 is \"baby\", expected \"aquarium_fish\"", folder,
                   "train", "records=any", 0);
    put_member(&tar, "fine_label_names.txt", coarse_meta, sizeof(coarse_meta) - 1);
    put_records(&tar, "train.bin", 0, TRAIN);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "class 0 is \"aquatic_mammals\", expected \"apple\"",
                   in_folder("c.tar"), "train", "records=any", 0);
    drop(&tar);
}

Test(reader_cifar100, only_the_published_sizes_are_read_without_the_option)
{
    struct bytes tar = small_tar();

    write_bytes("c.tar", tar, false);
    store_records("train.bin", 0, TRAIN);
    EXPECT_REFUSED(DNN_E_FORMAT, "train.bin: 15,370 bytes, expected 153,700,000", folder, "train",
                   NULL, 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "c.tar: test.bin: 9,222 bytes, expected 30,740,000",
                   in_folder("c.tar"), "train", NULL, 0);
    drop(&tar);
}

/* Sparse files: zeros are valid records, of class 0. */
Test(reader_cifar100, files_of_the_published_size_are_the_set)
{
    void *set;

    write_file("train.bin", "", 0);
    write_file("test.bin", "", 0);
    cr_assert(truncate(in_folder("train.bin"), TRAIN_BYTES) == 0);
    cr_assert(truncate(in_folder("test.bin"), TRAIN_BYTES / 5) == 0);
    EXPECT_OPENS(set, folder, NULL, NULL, 0);
    cr_assert_eq(60000, info_of(set).n_samples);
    cr_assert_str_eq("cifar100", info_of(set).name);
    dnn_reader_v1()->close(set);
    EXPECT_REFUSED(DNN_E_FORMAT, "train.bin: 153,700,000 bytes, 1,000,000 are left of max_bytes",
                   folder, "train", NULL, 1000000);
    cr_assert(truncate(in_folder("train.bin"), TRAIN_BYTES - RECORD) == 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "train.bin: 153,696,926 bytes, expected 153,700,000", folder,
                   "train", NULL, 0);
    cr_assert(truncate(in_folder("test.bin"), TRAIN_BYTES) == 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "test.bin: 153,700,000 bytes, expected 30,740,000", folder, "test",
                   NULL, 0);
}

/* Every 512 bytes, and one byte to either side; then the packed form. */
Test(reader_cifar100, every_truncation_is_refused)
{
    struct bytes tar = small_tar(), gz = gzip_of(tar), records = records_of(0, 1);

    for (size_t n = 0; n < tar.n; n++) {
        if (n % 512 > 1 && n % 512 < 511)
            continue;
        write_file("c.tar", tar.at, n);
        EXPECT_REFUSED(DNN_E_FORMAT, "c.tar", in_folder("c.tar"), "train", "records=any", 0);
    }
    for (size_t n = 0; n < gz.n; n += n + 64 < gz.n ? 61 : 1) {
        write_file("c.tar.gz", gz.at, n);
        EXPECT_REFUSED(DNN_E_FORMAT, "c.tar.gz", in_folder("c.tar.gz"), "train", "records=any", 0);
    }
    for (size_t n = 0; n < records.n; n += 7) {
        write_file("train.bin", records.at, n);
        EXPECT_REFUSED(DNN_E_FORMAT, "expected a multiple of 3074", folder, "train", "records=any",
                       0);
    }
    drop(&tar);
    drop(&gz);
    drop(&records);
}

Test(reader_cifar100, missing_and_duplicate_files_are_named)
{
    struct bytes tar = {0};

    EXPECT_REFUSED(DNN_E_IO,
                   "holds no data set: looked for train.bin and test.bin, the folder "
                   "cifar-100-binary, cifar-100-binary.tar.gz and cifar-100-binary.tar",
                   folder, NULL, NULL, 0);
    store_records("test.bin", 1, TEST);
    EXPECT_REFUSED(DNN_E_IO, "cifar100: missing in ", folder, "train", "records=any", 0);
    expect_text(": train.bin");
    put_records(&tar, "a/train.bin", 0, TRAIN);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "c.tar: test.bin", in_folder("c.tar"), NULL, "records=any", 0);
    tar.n -= 1024;
    put_records(&tar, "b/train.bin", 0, TRAIN);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "a second member train.bin", in_folder("c.tar"), "train",
                   "records=any", 0);
    drop(&tar);
    put_header(&tar, "train.bin", '2', "/etc/passwd", 0);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "train.bin is a symbolic link", in_folder("c.tar"), "train",
                   "records=any", 0);
    drop(&tar);
    put_member(&tar, "coarse_label_names.txt", coarse_meta, sizeof(coarse_meta) - 1);
    put_member(&tar, "coarse_label_names.txt", coarse_meta, sizeof(coarse_meta) - 1);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "a second member coarse_label_names.txt", in_folder("c.tar"),
                   "train", "records=any", 0);
    drop(&tar);
}

Test(reader_cifar100, unknown_options_are_refused)
{
    static const char *const words[] = {"label=",    "label=x",     "label=fine ",  "label",
                                        "label=bot", "label=boths", "records=some", "coarse"};

    store_records("train.bin", 0, TRAIN);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        EXPECT_REFUSED(DNN_E_INVALID, "cifar100: unknown option", folder, "train", words[i], 0);
        expect_text(words[i]);
        expect_text("\"label=fine\" (as without it), \"label=coarse\" and \"label=both\"");
    }
}

Test(reader_cifar100, every_allocation_may_fail)
{
    struct bytes tar = small_tar();

    write_bytes("c.tar.gz", tar, true);
    expect_every_allocation_is_checked(in_folder("c.tar.gz"), "records=any");
    store_records("train.bin", 0, TRAIN);
    store_records("test.bin", 1, TEST);
    expect_every_allocation_is_checked(folder, "records=any,label=both");
    drop(&tar);
}

Test(reader_cifar100, bids_by_the_first_bytes)
{
    struct bytes tar = small_tar(), other = {0};

    cr_assert_eq(0, bid_of(folder, true));
    write_bytes("c", tar, false);
    cr_assert(bid_of(in_folder("c"), false) >= 90, "by the names of classes");
    write_bytes("c", tar, true);
    cr_assert(bid_of(in_folder("c"), false) >= 90);
    put_records(&other, "train.bin", 0, TRAIN);
    put_end(&other);
    write_bytes("c", other, false);
    cr_assert_eq(80, bid_of(in_folder("c"), false));
    drop(&other);
    put_member(&other, "data_batch_1.bin", coarse_meta, sizeof(coarse_meta));
    put_end(&other);
    write_bytes("c", other, false);
    cr_assert_eq(0, bid_of(in_folder("c"), false));
    store_records("train.bin", 0, TRAIN);
    cr_assert_eq(80, bid_of(in_folder("train.bin"), false));
    cr_assert(bid_of(folder, true) > 0 && bid_of(folder, true) < 90, "below CIFAR-10's names");
    write_file("train.bin", "\x13\x64", 2);
    cr_assert_eq(0, bid_of(in_folder("train.bin"), false), "class 100");
    write_file("train.bin", "\x14\x63", 2);
    cr_assert_eq(0, bid_of(in_folder("train.bin"), false), "coarse class 20");
    drop(&tar);
    drop(&other);
}
