/* test_reader_cifar10.c - tests the CIFAR-10 reader on small archives and folders, good ones and
 * many bad ones. It links the reader's sources and writes to a temporary folder. */
#include "reader_support.h"

enum { RECORD = 3073, PIXELS = 3072, FILES = 6, SMALL = 2 };

TestSuite(reader_cifar10, .init = folder_make, .fini = folder_remove, .timeout = 300);

static const char *const names[FILES] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
static const char meta[] =
    "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/* Records of the file `file`: labels count up from it, pixels are noise. */
static struct bytes batch_of(int file, int records)
{
    uint32_t seed = (uint32_t)file + 7;
    struct bytes out = {0};

    put(&out, NULL, (size_t)records * RECORD);
    for (size_t i = 0; i < out.n; i++)
        out.at[i] = i % RECORD == 0 ? (uint8_t)(((size_t)file + i / RECORD) % 10) : noise(&seed);
    return out;
}

static void put_batch(struct bytes *tar, int file, int records)
{
    struct bytes batch = batch_of(file, records);
    char path[64];

    snprintf(path, sizeof(path), "cifar-10-batches-bin/%s", names[file]);
    put_member(tar, path, batch.at, batch.n);
    drop(&batch);
}

/* The small set: a folder, the names of the classes, batches in another order than their numbers.
 */
static struct bytes small_tar(void)
{
    static const int order[FILES] = {3, 0, 5, 1, 4, 2};
    struct bytes tar = {0};

    put_header(&tar, "cifar-10-batches-bin/", '5', "", 0);
    put_member(&tar, "cifar-10-batches-bin/batches.meta.txt", meta, sizeof(meta) - 1);
    for (int i = 0; i < FILES; i++)
        put_batch(&tar, order[i], SMALL);
    put_end(&tar);
    return tar;
}

static void store_small_files(const char *below)
{
    char name[128];

    for (int i = 0; i < FILES; i++) {
        struct bytes batch = batch_of(i, SMALL);

        snprintf(name, sizeof(name), "%s%s", below, names[i]);
        write_file(name, batch.at, batch.n);
        drop(&batch);
    }
}

/* Samples of the files [from, to), all of them, and each one by itself. */
static void expect_files(void *set, int from, int to)
{
    static uint8_t image[FILES * SMALL * PIXELS];
    int64_t label[FILES * SMALL];
    const int64_t n = (to - from) * SMALL;
    void *const dst[2] = {image, label};
    const uint64_t bytes[2] = {(uint64_t)n * PIXELS, (uint64_t)n * 8}, one[2] = {PIXELS, 8};

    cr_assert_eq(n, info_of(set).n_samples);
    for (int64_t i = -1; i < n; i++) {
        const int64_t first = i < 0 ? 0 : i, count = i < 0 ? n : 1;

        memset(image, 0xee, sizeof(image));
        cr_assert(dnn_reader_v1()->read(set, first, count, dst, i < 0 ? bytes : one) == DNN_OK,
                  "%s", said);
        for (int64_t k = 0; k < count; k++) {
            const int64_t at = first + k;
            struct bytes batch = batch_of(from + (int)(at / SMALL), SMALL);
            const uint8_t *record = batch.at + at % SMALL * RECORD;

            cr_assert_eq(record[0], label[k]);
            cr_assert_arr_eq(image + k * PIXELS, record + 1, PIXELS);
            drop(&batch);
        }
    }
}

static void expect_small_set(const char *path)
{
    void *set;

    EXPECT_OPENS(set, path, "train", "records=any", 0);
    expect_files(set, 0, 5);
    cr_assert(info_of(set).name == NULL, "a part of the set has no name");
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, path, "test", "records=any", 0);
    expect_files(set, 5, 6);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, path, NULL, "records=any", 0);
    expect_files(set, 0, 6);
    dnn_reader_v1()->close(set);
}

Test(reader_cifar10, opens_tar_and_packed_tar)
{
    struct bytes tar = small_tar();
    dnn_reader_info info;
    void *set;

    write_bytes("c.tar", tar, false);
    write_bytes("c.tar.gz", tar, true);
    expect_small_set(in_folder("c.tar"));
    expect_small_set(in_folder("c.tar.gz"));
    EXPECT_OPENS(set, in_folder("c.tar"), "train", "records=any", 0);
    info = info_of(set);
    cr_assert_str_eq("CIFAR-10, train, 10 images 3x32x32, a copy", info.text);
    cr_assert(info.field[0]->dtype == DNN_T_U8 && info.field[0]->ndim == 3 &&
              info.field[0]->dim[0] == 3 && info.field[0]->dim[1] == 32 &&
              info.field[0]->dim[2] == 32);
    cr_assert(info.field[1]->dtype == DNN_T_I64 && info.field[1]->ndim == 0);
    cr_assert_str_eq("truck", info.field[1]->labels[9]);
    cr_assert(info.field[1]->labels[10] == NULL);
    cr_assert_eq(64, strlen(info.digest));
    dnn_reader_v1()->close(set);
    drop(&tar);
}

Test(reader_cifar10, opens_a_folder_its_sub_folder_and_its_archive)
{
    struct bytes tar = small_tar();
    void *set;

    write_bytes("cifar-10-binary.tar.gz", tar, true);
    expect_small_set(folder);
    unlink(in_folder("cifar-10-binary.tar.gz"));
    write_bytes("cifar-10-binary.tar", tar, false);
    expect_small_set(folder);
    unlink(in_folder("cifar-10-binary.tar"));
    cr_assert(mkdir(in_folder("cifar-10-batches-bin"), 0700) == 0);
    store_small_files("cifar-10-batches-bin/");
    expect_small_set(folder);
    store_small_files("");
    write_file("batches.meta.txt", meta, sizeof(meta) - 1);
    expect_small_set(folder);
    EXPECT_OPENS(set, in_folder("data_batch_4.bin"), NULL, "records=any", 0);
    expect_files(set, 0, 5);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, in_folder("test_batch.bin"), NULL, "records=any", 0);
    expect_files(set, 5, 6);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, in_folder("test_batch.bin"), "train", "records=any", 0);
    expect_files(set, 0, 5);
    dnn_reader_v1()->close(set);
    drop(&tar);
}

Test(reader_cifar10, contents_without_a_known_digest_are_logged)
{
    void *set = NULL;

    store_small_files("");
    cr_assert_eq(open_set(folder, NULL, "records=any", 0, &set), DNN_OK);
    cr_expect_not_null(strstr(host_logged, "are not checked to be the published ones"), "%s",
                       host_logged);
    dnn_reader_v1()->close(set);
}

Test(reader_cifar10, same_digest_from_tar_and_files)
{
    struct bytes tar = small_tar();
    char digest[65];
    void *set;

    write_bytes("c.tar", tar, false);
    store_small_files("");
    EXPECT_OPENS(set, in_folder("c.tar"), "train", "records=any", 0);
    snprintf(digest, sizeof(digest), "%s", info_of(set).digest);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, folder, "train", "records=any", 0);
    cr_assert_str_eq(digest, info_of(set).digest);
    dnn_reader_v1()->close(set);
    drop(&tar);
}

Test(reader_cifar10, names_in_an_archive_are_no_paths)
{
    struct bytes tar = {0};

    for (int i = 0; i < FILES; i++) {
        struct bytes batch = batch_of(i, SMALL);
        char path[64];

        snprintf(path, sizeof(path), "%s%s", i % 2 == 0 ? "../../" : "/etc/", names[i]);
        put_member(&tar, path, batch.at, batch.n);
        drop(&batch);
    }
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    expect_small_set(in_folder("c.tar"));
    cr_assert(access(in_folder("../data_batch_1.bin"), F_OK) != 0);
    drop(&tar);
}

Test(reader_cifar10, without_the_option_only_the_published_sizes_are_read)
{
    struct bytes tar = small_tar();

    write_bytes("c.tar", tar, false);
    store_small_files("");
    EXPECT_REFUSED(DNN_E_FORMAT, "data_batch_4.bin: 6,146 bytes, expected 30,730,000",
                   in_folder("c.tar"), "train", NULL, 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "data_batch_1.bin: 6,146 bytes, expected 30,730,000", folder,
                   "train", NULL, 0);
    write_file("test_batch.bin", meta, 12);
    EXPECT_REFUSED(DNN_E_FORMAT, "test_batch.bin: 12 bytes, expected a multiple of 3073", folder,
                   "test", "records=any", 0);
    write_file("test_batch.bin", "", 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "test_batch.bin: 0 bytes", folder, "test", "records=any", 0);
    drop(&tar);
}

/* Every 512 bytes, and one byte to either side. */
Test(reader_cifar10, every_truncation_of_a_tar_is_refused)
{
    struct bytes tar = small_tar();

    for (size_t n = 0; n < tar.n; n++) {
        if (n % 512 > 1 && n % 512 < 511)
            continue;
        write_file("c.tar", tar.at, n);
        EXPECT_REFUSED(DNN_E_FORMAT, "c.tar", in_folder("c.tar"), "train", "records=any", 0);
    }
    drop(&tar);
}

Test(reader_cifar10, every_truncation_of_a_packed_tar_is_refused)
{
    struct bytes tar = small_tar(), gz = gzip_of(tar);

    for (size_t n = 0; n < gz.n; n += n + 64 < gz.n ? 61 : 1) {
        write_file("c.tar.gz", gz.at, n);
        EXPECT_REFUSED(DNN_E_FORMAT, "c.tar.gz", in_folder("c.tar.gz"), "train", "records=any", 0);
    }
    drop(&tar);
    drop(&gz);
}

Test(reader_cifar10, every_truncation_of_a_file_is_refused)
{
    struct bytes batch = batch_of(2, 1);

    store_small_files("");
    for (size_t n = 0; n < batch.n; n += 7) {
        write_file("data_batch_3.bin", batch.at, n);
        EXPECT_REFUSED(DNN_E_FORMAT, "data_batch_3.bin", folder, "train", "records=any", 0);
    }
    drop(&batch);
}

Test(reader_cifar10, gzip_trailer_is_verified)
{
    struct bytes tar = small_tar(), gz = gzip_of(tar), twice = {0};
    const size_t n = gz.n;

    gz.at[n - 8] ^= 1;
    write_file("c.tar.gz", gz.at, n);
    EXPECT_REFUSED(DNN_E_FORMAT, "the data have CRC-32", in_folder("c.tar.gz"), "test",
                   "records=any", 0);
    gz.at[n - 8] ^= 1;
    gz.at[n - 4] ^= 1;
    write_file("c.tar.gz", gz.at, n);
    EXPECT_REFUSED(DNN_E_FORMAT, "it unpacks to 45,568 bytes, the trailer", in_folder("c.tar.gz"),
                   "test", "records=any", 0);
    gz.at[n - 4] ^= 1;
    put(&gz, "junk", 4);
    write_file("c.tar.gz", gz.at, gz.n);
    EXPECT_REFUSED(DNN_E_FORMAT, "4 bytes follow the end of the gzip data", in_folder("c.tar.gz"),
                   "test", "records=any", 0);
    put(&twice, gz.at, n);
    put(&twice, gz.at, n);
    write_file("c.tar.gz", twice.at, twice.n);
    EXPECT_REFUSED(DNN_E_FORMAT, "one member is all there may be", in_folder("c.tar.gz"), "test",
                   "records=any", 0);
    drop(&tar);
    drop(&gz);
    drop(&twice);
}

Test(reader_cifar10, only_zeros_may_follow_the_end_of_a_tar)
{
    struct bytes tar = small_tar();
    void *set;

    put(&tar, NULL, 700000);
    write_bytes("c.tar", tar, false);
    EXPECT_OPENS(set, in_folder("c.tar"), "train", "records=any", 0);
    dnn_reader_v1()->close(set);
    put(&tar, "x", 1);
    for (int packed = 0; packed < 2; packed++) {
        write_bytes("c.tar", tar, packed != 0);
        EXPECT_REFUSED(DNN_E_FORMAT, "something follows the end of the tar", in_folder("c.tar"),
                       "train", "records=any", 0);
    }
    drop(&tar);
    tar = small_tar();
    tar.n -= 512;
    put(&tar, "second half of the marker", 25);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "without its end marker", in_folder("c.tar"), "train",
                   "records=any", 0);
    drop(&tar);
}

Test(reader_cifar10, members_that_are_no_files_are_refused)
{
    static const struct {
        char type;
        const char *words;
    } cases[] = {{'1', "a hard link"},
                 {'2', "a symbolic link"},
                 {'3', "a special file"},
                 {'6', "a special file"},
                 {'5', "a folder"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes tar = {0};

        put_header(&tar, "x/data_batch_1.bin", cases[i].type, "/etc/passwd", 0);
        for (int k = 1; k < FILES; k++)
            put_batch(&tar, k, SMALL);
        put_end(&tar);
        write_bytes("c.tar", tar, false);
        EXPECT_REFUSED(DNN_E_FORMAT, cases[i].words, in_folder("c.tar"), "train", "records=any", 0);
        drop(&tar);
    }
}

Test(reader_cifar10, duplicate_and_missing_members_are_refused)
{
    struct bytes tar = {0};

    for (int k = 0; k < FILES; k++)
        put_batch(&tar, k, SMALL);
    put_batch(&tar, 5, SMALL);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "a second member test_batch.bin", in_folder("c.tar"), "train",
                   "records=any", 0);
    drop(&tar);
    put_batch(&tar, 1, SMALL);
    put_batch(&tar, 3, SMALL);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, ": data_batch_1.bin, data_batch_3.bin, data_batch_5.bin",
                   in_folder("c.tar"), "train", "records=any", 0);
    EXPECT_REFUSED(DNN_E_FORMAT, ": test_batch.bin", in_folder("c.tar"), "test", "records=any", 0);
    drop(&tar);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "missing in", in_folder("c.tar"), "test", "records=any", 0);
    drop(&tar);
}

Test(reader_cifar10, lying_member_sizes_are_refused)
{
    static const uint64_t sizes[] = {0,
                                     1,
                                     RECORD - 1,
                                     RECORD + 1,
                                     3 * RECORD,
                                     300000ull * RECORD,
                                     8589934591ull /* all sevens */};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct bytes tar = {0}, batch = batch_of(0, SMALL);

        put_header(&tar, "data_batch_1.bin", '0', "", sizes[i]);
        put(&tar, batch.at, batch.n);
        put(&tar, NULL, (512 - batch.n % 512) % 512);
        for (int k = 1; k < FILES; k++)
            put_batch(&tar, k, SMALL);
        put_end(&tar);
        for (int packed = 0; packed < 2; packed++) {
            write_bytes("c.tar", tar, packed != 0);
            EXPECT_REFUSED(DNN_E_FORMAT, "c.tar", in_folder("c.tar"), "train", "records=any", 0);
        }
        drop(&tar);
        drop(&batch);
    }
    cr_assert(largest_block < 1 << 20, "%zu bytes were allocated for a lie", largest_block);
}

Test(reader_cifar10, a_damaged_header_is_refused)
{
    struct bytes tar = small_tar();

    /* The header of the second batch: folder, names and the first batch lie before it. */
    for (size_t at = 0; at < 512; at += 16) {
        const size_t byte = 512 + 1024 + 512 + 6656 + at;

        tar.at[byte] ^= 0x41;
        write_bytes("c.tar", tar, false);
        EXPECT_REFUSED(DNN_E_FORMAT, "c.tar", in_folder("c.tar"), "train", "records=any", 0);
        tar.at[byte] ^= 0x41;
    }
    drop(&tar);
}

Test(reader_cifar10, a_sparse_member_is_refused)
{
    struct bytes tar = {0};
    static const char pax[] = "22 GNU.sparse.major=1\n"
                              "22 GNU.sparse.minor=0\n"
                              "36 GNU.sparse.name=data_batch_1.bin\n"
                              "29 GNU.sparse.realsize=30730\n";
    uint8_t map[512] = "1\n0\n512\n";
    uint8_t data[512] = {3};

    put_header(&tar, "PaxHeaders/x", 'x', "", sizeof(pax) - 1);
    put(&tar, pax, sizeof(pax) - 1);
    put(&tar, NULL, 512 - (sizeof(pax) - 1) % 512);
    put_header(&tar, "GNUSparseFile.0/data_batch_1.bin", '0', "", 1024);
    put(&tar, map, 512);
    put(&tar, data, 512);
    for (int k = 1; k < FILES; k++)
        put_batch(&tar, k, SMALL);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "a sparse file", in_folder("c.tar"), "train", "records=any", 0);
    drop(&tar);
}

Test(reader_cifar10, labels_are_checked)
{
    struct bytes batch = batch_of(4, SMALL), tar = {0};

    batch.at[RECORD] = 10;
    store_small_files("");
    write_file("data_batch_5.bin", batch.at, batch.n);
    EXPECT_REFUSED(DNN_E_FORMAT,
                   "data_batch_5.bin: label 10 of sample 1 (byte 3,073), but there are 10 classes",
                   folder, "train", "records=any", 0);
    put_member(&tar, "data_batch_5.bin", batch.at, batch.n);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "c.tar: data_batch_5.bin: label 10 of sample 1",
                   in_folder("c.tar"), "train", "records=any", 0);
    drop(&batch);
    drop(&tar);
}

Test(reader_cifar10, class_names_must_be_the_known_ones)
{
    struct bytes tar = {0};

    put_member(&tar, "batches.meta.txt", "airplane\nbird\n", 14);
    for (int k = 0; k < FILES; k++)
        put_batch(&tar, k, SMALL);
    put_end(&tar);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "class 1 is \"bird\", expected \"automobile\"", in_folder("c.tar"),
                   "train", "records=any", 0);
    store_small_files("");
    write_file("batches.meta.txt", meta, sizeof(meta) - 9);
    EXPECT_REFUSED(DNN_E_FORMAT, "class 9 is \"\", expected \"truck\"", folder, "train",
                   "records=any", 0);
    write_file("batches.meta.txt", "", 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "class 0 is \"\", expected \"airplane\"", folder, "train",
                   "records=any", 0);
    write_file("batches.meta.txt", tar.at + 1024, 5000);
    EXPECT_REFUSED(DNN_E_FORMAT, "5,000 bytes, expected at most 4,096", folder, "train",
                   "records=any", 0);
    drop(&tar);
}

Test(reader_cifar10, bombs_are_refused)
{
    struct bytes tar = small_tar();

    /* 42 KiB of noise and 20 MiB of zeros behind the end: more than 200 to 1. */
    put(&tar, NULL, 20 << 20);
    write_bytes("c.tar.gz", tar, true);
    EXPECT_REFUSED(DNN_E_FORMAT, "unpack to more than", in_folder("c.tar.gz"), "train",
                   "records=any", 0);
    drop(&tar);
    put_header(&tar, "data_batch_1.bin", '0', "", 30730000);
    put(&tar, NULL, 30730112);
    put_end(&tar);
    write_bytes("c.tar.gz", tar, true);
    EXPECT_REFUSED(DNN_E_FORMAT, "max_bytes, or 200 times", in_folder("c.tar.gz"), "test", NULL, 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "data_batch_1.bin claims 30,730,000 bytes", in_folder("c.tar.gz"),
                   "train", NULL, 0);
    drop(&tar);
    cr_assert(largest_block < 1 << 20, "%zu bytes were allocated for a bomb", largest_block);
}

Test(reader_cifar10, max_bytes_is_kept)
{
    struct bytes tar = small_tar();
    void *set;

    write_bytes("c.tar.gz", tar, true);
    write_bytes("c.tar", tar, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "max_bytes", in_folder("c.tar.gz"), "train", "records=any",
                   tar.n - 1);
    EXPECT_REFUSED(DNN_E_FORMAT, "max_bytes", in_folder("c.tar"), "train", "records=any",
                   10 * RECORD - 1);
    EXPECT_OPENS(set, in_folder("c.tar.gz"), "train", "records=any", tar.n);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, in_folder("c.tar"), "train", "records=any", 10 * RECORD);
    dnn_reader_v1()->close(set);
    drop(&tar);
}

Test(reader_cifar10, foreign_and_missing_files_are_refused)
{
    struct bytes zip = {0};

    EXPECT_REFUSED(DNN_E_IO, "holds no data set", folder, NULL, NULL, 0);
    expect_text("cifar-10-binary.tar.gz");
    EXPECT_REFUSED(DNN_E_IO, "No such file", in_folder("nosuch.tar"), NULL, NULL, 0);
    write_file("data_batch_2.bin", meta, 9);
    EXPECT_REFUSED(DNN_E_IO, ": data_batch_1.bin, data_batch_3.bin", folder, "train", NULL, 0);
    write_file("empty", "", 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "empty", in_folder("empty"), NULL, NULL, 0);
    put(&zip, "PK\3\4 some zip", 13);
    put(&zip, meta, sizeof(meta));
    write_bytes("c.zip", zip, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "c.zip", in_folder("c.zip"), NULL, NULL, 0);
    put(&zip, NULL, 4096);
    write_bytes("c.tar.gz", zip, true);
    EXPECT_REFUSED(DNN_E_FORMAT, "c.tar.gz", in_folder("c.tar.gz"), NULL, NULL, 0);
    drop(&zip);
}

Test(reader_cifar10, the_python_version_is_named_with_the_one_that_is_needed)
{
    struct bytes tar = {0};

    put_header(&tar, "cifar-10-batches-py/", '5', "", 0);
    put_member(&tar, "cifar-10-batches-py/data_batch_4", "\x80\2}", 3);
    put_end(&tar);
    write_file("cifar-10-python.tar.gz", tar.at, tar.n);
    drop(&tar);
    cr_expect_gt(bid_of(in_folder("cifar-10-python.tar.gz"), false), 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "data_batch_4 is of the Python version of CIFAR-10",
                   in_folder("cifar-10-python.tar.gz"), NULL, NULL, 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "binary version: https://www.cs.toronto.edu/~kriz/cifar-10-binary",
                   in_folder("cifar-10-python.tar.gz"), NULL, NULL, 0);
    cr_expect_gt(bid_of(folder, true), 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "cifar-10-python.tar.gz is of the Python version", folder, NULL,
                   NULL, 0);
    write_file("data_batch_1", "\x80\2}", 3);
    EXPECT_REFUSED(DNN_E_FORMAT, "data_batch_1 is of the Python version", in_folder("data_batch_1"),
                   NULL, NULL, 0);
}

Test(reader_cifar10, only_regular_files_are_read)
{
    cr_assert(mkfifo(in_folder("c.tar"), 0600) == 0);
    EXPECT_REFUSED(DNN_E_IO, "is a FIFO", in_folder("c.tar"), NULL, NULL, 0);
    cr_assert(mkfifo(in_folder("cifar-10-binary.tar"), 0600) == 0);
    EXPECT_REFUSED(DNN_E_IO, "is a FIFO", folder, NULL, NULL, 0);
    store_small_files("");
    unlink(in_folder("test_batch.bin"));
    cr_assert(mkfifo(in_folder("test_batch.bin"), 0600) == 0);
    EXPECT_REFUSED(DNN_E_IO, "is a FIFO", folder, "test", "records=any", 0);
    unlink(in_folder("test_batch.bin"));
    cr_assert(mkdir(in_folder("test_batch.bin"), 0700) == 0);
    EXPECT_REFUSED(DNN_E_IO, "is a folder", folder, "test", "records=any", 0);
}

Test(reader_cifar10, options_and_reads_are_checked)
{
    const dnn_reader *reader = dnn_reader_v1();
    uint8_t image[PIXELS];
    int64_t label[1], dim[8];
    void *const dst[2] = {image, label}, *const none[2] = {NULL, NULL};
    const uint64_t good[2] = {PIXELS, 8}, bad[2] = {PIXELS, 4}, zero[2] = {0, 0};
    void *set;

    store_small_files("");
    EXPECT_REFUSED(DNN_E_INVALID, "unknown option \"records=some\"", folder, NULL, "records=some",
                   0);
    EXPECT_REFUSED(DNN_E_INVALID, "unknown option \"x\"", folder, NULL, "records=any,x,y", 0);
    EXPECT_REFUSED(DNN_E_INVALID, "no split \"\"", folder, "", "records=any", 0);
    EXPECT_OPENS(set, folder, "test", "records=any", 0);
    cr_assert(reader->read(set, 1, 1, dst, good) == DNN_OK);
    cr_assert(reader->read(set, 0, 2, none, zero) == DNN_OK);
    cr_assert(reader->read(set, 2, 0, dst, zero) == DNN_OK);
    cr_assert(reader->read(set, 1, 1, dst, bad) == DNN_E_INVALID);
    expect_text("label: a buffer of 4 bytes for 1 samples of 8 bytes, which take 8");
    cr_assert(reader->read(set, 0, 2, dst, good) == DNN_E_INVALID);
    cr_assert(reader->read(set, 2, 1, dst, good) == DNN_E_INVALID);
    expect_text("1 samples from index 2, of a set of 2");
    cr_assert(reader->read(set, -1, 1, dst, good) == DNN_E_INVALID);
    cr_assert(reader->read(set, INT64_MIN, INT64_MAX, dst, good) == DNN_E_INVALID);
    cr_assert(reader->read(set, 1, INT64_MAX, dst, good) == DNN_E_INVALID);
    cr_assert(reader->read(set, 0, 1, dst, NULL) == DNN_E_INVALID);
    cr_assert(reader->shape(set, 1, 0, dim) == DNN_OK && dim[0] == 3 && dim[2] == 32);
    cr_assert(reader->shape(set, 1, -1, dim) == DNN_E_INVALID);
    cr_assert(reader->describe(set, &(dnn_reader_info){.size = 8}) == DNN_E_INVALID);
    reader->close(set);
    reader->close(NULL);
}

/* A source that is memory, and that fails in one of three ways once `good` bytes were read. */
struct given {
    struct bytes bytes;
    uint64_t good;
    int64_t then;
};

static int64_t read_given(void *ctx, uint64_t offset, void *buf, uint64_t bytes)
{
    const struct given *given = ctx;

    if (offset >= given->good)
        return given->then;
    /* Short reads are legal. */
    bytes = bytes < 1000 ? bytes : 1000;
    if (bytes > given->bytes.n - offset)
        bytes = given->bytes.n - offset;
    memcpy(buf, given->bytes.at + offset, bytes);
    return (int64_t)bytes;
}

Test(reader_cifar10, reads_from_memory_and_reports_its_failures)
{
    struct bytes tar = small_tar();
    struct given given = {.bytes = tar, .good = tar.n};
    const dnn_reader_source source = {.size = sizeof(source),
                                      .name = "net.tar",
                                      .length = (int64_t)tar.n,
                                      .ctx = &given,
                                      .read_at = read_given};
    const dnn_reader_request request = {.size = sizeof(request),
                                        .source = &source,
                                        .split = "test",
                                        .options = "records=any",
                                        .host = &host};
    void *set = NULL;

    cr_assert(dnn_reader_v1()->open(&request, &set) == DNN_OK, "%s", said);
    expect_files(set, 5, 6);
    dnn_reader_v1()->close(set);
    for (given.good = 0; given.good < tar.n; given.good += 3000) {
        given.then = 0;
        cr_assert(dnn_reader_v1()->open(&request, &set) == DNN_E_IO && live_blocks == 0, "%s",
                  said);
        expect_text("net.tar: shrank while it was read");
        given.then = -1;
        cr_assert(dnn_reader_v1()->open(&request, &set) == DNN_E_IO && live_blocks == 0, "%s",
                  said);
        expect_text("net.tar: cannot be read");
        given.then = INT64_MAX;
        cr_assert(dnn_reader_v1()->open(&request, &set) == DNN_E_IO && live_blocks == 0, "%s",
                  said);
    }
    drop(&tar);
}

/* Allocation 0 is the set, 1 the first batch, whose file is open by then. */
Test(reader_cifar10, a_file_that_changes_while_it_is_read_is_refused)
{
    store_small_files("");
    resize_path = in_folder("data_batch_1.bin");
    resize_at = 1;
    resize_to = 3073;
    EXPECT_REFUSED(DNN_E_IO, "shrank while it was read: it ends at byte 3,073, it had 6,146",
                   folder, "train", "records=any", 0);
    resize_path = NULL;
}

Test(reader_cifar10, every_allocation_may_fail)
{
    struct bytes tar = small_tar();

    write_bytes("c.tar.gz", tar, true);
    expect_every_allocation_is_checked(in_folder("c.tar.gz"), "records=any");
    store_small_files("");
    expect_every_allocation_is_checked(folder, "records=any");
    drop(&tar);
}

Test(reader_cifar10, bids_by_the_first_bytes)
{
    struct bytes tar = small_tar(), other = {0};

    cr_assert_eq(0, bid_of(folder, true));
    write_bytes("c", tar, false);
    cr_assert(bid_of(in_folder("c"), false) >= 90);
    write_bytes("c", tar, true);
    cr_assert(bid_of(in_folder("c"), false) >= 90);
    write_file("c", tar.at, 700);
    cr_assert(bid_of(in_folder("c"), false) > 0);
    put_member(&other, "notes.txt", meta, sizeof(meta));
    put_end(&other);
    write_bytes("c", other, false);
    cr_assert_eq(0, bid_of(in_folder("c"), false));
    write_file("c", "", 0);
    cr_assert_eq(0, bid_of(in_folder("c"), false));
    write_file("c", "\x1f\x8b\x08", 3);
    cr_assert_eq(0, bid_of(in_folder("c"), false));
    write_bytes("cifar-10-binary.tar", tar, false);
    cr_assert(bid_of(folder, true) > 0);
    store_small_files("");
    cr_assert(bid_of(folder, true) >= 90);
    cr_assert(bid_of(in_folder("test_batch.bin"), false) > 0);
    write_file("test_batch.bin", "\x1e", 1);
    cr_assert_eq(0, bid_of(in_folder("test_batch.bin"), false));
    drop(&tar);
    drop(&other);
}

Test(reader_cifar10, opens_the_whole_set)
{
    const char *base = getenv("DNN_TEST_DATA");
    char path[512];
    dnn_reader_info info;
    void *set;

    snprintf(path, sizeof(path), "%s/cifar10", base != NULL ? base : "");
    if (base == NULL || access(path, R_OK) != 0)
        cr_skip_test("CIFAR-10 is not in DNN_TEST_DATA");
    EXPECT_OPENS(set, path, "train", NULL, 0);
    info = info_of(set);
    cr_assert_eq(50000, info.n_samples);
    cr_assert_str_eq("cifar10", info.name);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, path, "test", NULL, 0);
    cr_assert_eq(10000, info_of(set).n_samples);
    dnn_reader_v1()->close(set);
}
