/* test_reader_mnist.c - tests the reader of the MNIST family on small files, good ones and many bad
 * ones. It links the reader's sources, writes to a temporary folder, and reads the real sets where
 * they are installed. */
#include "reader_support.h"

enum { N = 7, H = 4, W = 3, IMAGE = H * W };

TestSuite(reader_mnist, .init = folder_make, .fini = folder_remove, .timeout = 120);

static void put_be32(struct bytes *to, uint32_t value)
{
    const uint8_t b[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                          (uint8_t)value};

    put(to, b, 4);
}

static struct bytes images_of(uint32_t n, uint32_t h, uint32_t w, uint32_t seed)
{
    struct bytes out = {0};

    put_be32(&out, 0x803);
    put_be32(&out, n);
    put_be32(&out, h);
    put_be32(&out, w);
    for (uint64_t i = 0; i < (uint64_t)n * h * w; i++) {
        const uint8_t byte = noise(&seed);

        put(&out, &byte, 1);
    }
    return out;
}

static struct bytes labels_of(uint32_t n)
{
    struct bytes out = {0};

    put_be32(&out, 0x801);
    put_be32(&out, n);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t byte = (uint8_t)(i * 3 % 10);

        put(&out, &byte, 1);
    }
    return out;
}

/* Writes name, or name.gz where it is packed; the other one is removed. */
static void store(const char *name, struct bytes plain, bool packed)
{
    char gz[128];
    struct bytes bytes = packed ? gzip_of(plain) : plain;

    snprintf(gz, sizeof(gz), "%s.gz", name);
    unlink(in_folder(name));
    unlink(in_folder(gz));
    write_file(packed ? gz : name, bytes.at, bytes.n);
    if (packed)
        drop(&bytes);
}

static void store_images(const char *split, uint32_t n, uint32_t seed, bool packed)
{
    char name[64];
    struct bytes bytes = images_of(n, H, W, seed);

    snprintf(name, sizeof(name), "%s-images-idx3-ubyte", split);
    store(name, bytes, packed);
    drop(&bytes);
}

static void store_labels(const char *split, uint32_t n, bool packed)
{
    char name[64];
    struct bytes bytes = labels_of(n);

    snprintf(name, sizeof(name), "%s-labels-idx1-ubyte", split);
    store(name, bytes, packed);
    drop(&bytes);
}

static void store_small(bool images_packed, bool labels_packed)
{
    store_images("train", N, 1, images_packed);
    store_labels("train", N, labels_packed);
    store_images("t10k", N - 2, 2, images_packed);
    store_labels("t10k", N - 2, labels_packed);
}

static void overwrite(const char *name, struct bytes bytes)
{
    write_file(name, bytes.at, bytes.n);
}

/* Samples [first, first + count) of images_of(.., seed) and labels_of. */
static void expect_samples(void *set, int64_t first, int64_t count, uint32_t seed, int64_t skip)
{
    struct bytes images = images_of(64, H, W, seed);
    uint8_t *image = malloc((size_t)count * IMAGE + 1);
    int64_t *label = malloc((size_t)count * 8 + 1);
    void *const dst[2] = {image, label};
    const uint64_t bytes[2] = {(uint64_t)count * IMAGE, (uint64_t)count * 8};

    cr_assert(image != NULL && label != NULL);
    cr_assert(dnn_reader_v1()->read(set, first, count, dst, bytes) == DNN_OK, "%s", said);
    cr_assert_arr_eq(image, images.at + 16 + skip * IMAGE, (size_t)count * IMAGE);
    for (int64_t i = 0; i < count; i++)
        cr_assert_eq((i + skip) * 3 % 10, label[i]);
    free(image);
    free(label);
    drop(&images);
}

Test(reader_mnist, opens_a_folder_raw_packed_and_mixed)
{
    for (int i = 0; i < 4; i++) {
        void *set;
        dnn_reader_info info;

        store_small((i & 1) != 0, (i & 2) != 0);
        EXPECT_OPENS(set, folder, "train", NULL, 0);
        info = info_of(set);
        cr_assert_eq(N, info.n_samples);
        cr_assert_eq(2, info.n_fields);
        cr_assert_str_eq("image", info.field[0]->name);
        cr_assert_eq(DNN_T_U8, (int)info.field[0]->dtype);
        cr_assert(info.field[0]->ndim == 3 && info.field[0]->dim[0] == 1 &&
                  info.field[0]->dim[1] == H && info.field[0]->dim[2] == W);
        cr_assert(info.field[1]->dtype == DNN_T_I64 && info.field[1]->ndim == 0);
        cr_assert_str_eq("9", info.field[1]->labels[9]);
        cr_assert(info.field[1]->labels[10] == NULL);
        cr_assert(info.name == NULL, "an unknown set has no name");
        cr_assert_eq(64, strlen(info.digest));
        cr_assert_str_eq("IDX images, train, 7 images 4x3", info.text);
        expect_samples(set, 0, N, 1, 0);
        expect_samples(set, 2, 3, 1, 2);
        dnn_reader_v1()->close(set);
    }
}

Test(reader_mnist, opens_by_either_file_and_by_split)
{
    static const char *const name[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"};
    void *set;

    store_small(true, true);
    for (int i = 0; i < 2; i++) {
        EXPECT_OPENS(set, in_folder(name[i]), NULL, NULL, 0);
        expect_samples(set, 0, N, 1, 0);
        dnn_reader_v1()->close(set);
        EXPECT_OPENS(set, in_folder(name[i]), "test", NULL, 0);
        cr_assert_eq(N - 2, info_of(set).n_samples);
        expect_samples(set, 0, N - 2, 2, 0);
        dnn_reader_v1()->close(set);
    }
    EXPECT_OPENS(set, folder, "test", NULL, 0);
    cr_assert_str_eq("IDX images, test, 5 images 4x3", info_of(set).text);
    dnn_reader_v1()->close(set);
}

Test(reader_mnist, opens_a_file_by_a_bare_name)
{
    void *set;

    store_small(false, true);
    cr_assert(chdir(folder) == 0);
    EXPECT_OPENS(set, "train-images-idx3-ubyte", NULL, NULL, 0);
    expect_samples(set, 0, N, 1, 0);
    dnn_reader_v1()->close(set);
    EXPECT_OPENS(set, ".", "train", NULL, 0);
    dnn_reader_v1()->close(set);
    cr_assert(chdir("/") == 0);
}

Test(reader_mnist, without_a_split_a_folder_is_train_then_test)
{
    void *set;

    store_small(true, false);
    EXPECT_OPENS(set, folder, NULL, NULL, 0);
    cr_assert_eq(2 * N - 2, info_of(set).n_samples);
    cr_assert_str_eq("IDX images, train and test, 12 images 4x3", info_of(set).text);
    expect_samples(set, N, N - 2, 2, 0);
    expect_samples(set, N - 1, 1, 1, N - 1);
    expect_samples(set, N + 1, 2, 2, 1);
    for (int64_t first = 0; first < 2 * N - 2; first++) {
        uint8_t image[2 * IMAGE];
        void *const dst[2] = {image, NULL};
        const uint64_t bytes[2] = {first < 2 * N - 3 ? sizeof(image) : IMAGE, 0};

        cr_assert(dnn_reader_v1()->read(set, first, (int64_t)bytes[0] / IMAGE, dst, bytes) ==
                  DNN_OK);
    }
    dnn_reader_v1()->close(set);
    unlink(in_folder("train-images-idx3-ubyte.gz"));
    unlink(in_folder("train-labels-idx1-ubyte"));
    EXPECT_OPENS(set, folder, NULL, NULL, 0);
    expect_samples(set, 0, N - 2, 2, 0);
    dnn_reader_v1()->close(set);
}

Test(reader_mnist, any_prefix_will_do_for_a_pair_of_files)
{
    void *set;

    store_images("emnist-digits", N, 1, false);
    store_labels("emnist-digits", N, true);
    EXPECT_OPENS(set, in_folder("emnist-digits-images-idx3-ubyte"), NULL, NULL, 0);
    expect_samples(set, 0, N, 1, 0);
    dnn_reader_v1()->close(set);
    EXPECT_REFUSED(DNN_E_INVALID, "named after no split",
                   in_folder("emnist-digits-images-idx3-ubyte"), "train", NULL, 0);
}

Test(reader_mnist, read_checks_range_and_sizes)
{
    uint8_t image[N * IMAGE];
    int64_t label[N];
    void *const dst[2] = {image, label}, *const none[2] = {NULL, NULL};
    const uint64_t good[2] = {sizeof(image), sizeof(label)};
    const uint64_t bad[2] = {sizeof(image) - 1, sizeof(label)}, zero[2] = {0, 0};
    const uint64_t bad_label[2] = {sizeof(image), sizeof(label) + 1};
    const dnn_reader *reader = dnn_reader_v1();
    int64_t dim[8];
    void *set;

    store_small(false, false);
    EXPECT_OPENS(set, folder, "train", NULL, 0);
    cr_assert(reader->read(set, 0, N, dst, good) == DNN_OK);
    cr_assert(reader->read(set, 0, N, none, zero) == DNN_OK);
    cr_assert(reader->read(set, N, 0, dst, zero) == DNN_OK);
    cr_assert(reader->read(set, 0, N, dst, bad) == DNN_E_INVALID);
    expect_text("image: a buffer of 83 bytes for 7 samples of 12 bytes, which take 84");
    cr_assert(reader->read(set, 0, N, dst, bad_label) == DNN_E_INVALID);
    expect_text("label: a buffer of 57 bytes");
    cr_assert(reader->read(set, 1, N, dst, good) == DNN_E_INVALID);
    expect_text("7 samples from index 1, of a set of 7");
    cr_assert(reader->read(set, -1, 1, dst, good) == DNN_E_INVALID);
    cr_assert(reader->read(set, 0, -1, dst, good) == DNN_E_INVALID);
    cr_assert(reader->read(set, INT64_MAX, INT64_MAX, dst, good) == DNN_E_INVALID);
    cr_assert(reader->read(set, 0, INT64_MAX, dst, good) == DNN_E_INVALID);
    cr_assert(reader->read(set, 0, N, NULL, good) == DNN_E_INVALID);
    cr_assert(reader->shape(set, 0, 0, dim) == DNN_OK && dim[1] == H && dim[2] == W);
    cr_assert(reader->describe(set, &(dnn_reader_info){.size = 8}) == DNN_E_INVALID);
    expect_text("info of 8 bytes");
    cr_assert(reader->shape(set, N, 0, dim) == DNN_E_INVALID);
    cr_assert(reader->shape(set, 0, 2, dim) == DNN_E_INVALID);
    reader->close(set);
    reader->close(NULL);
}

Test(reader_mnist, every_truncation_of_raw_files_is_refused)
{
    struct bytes images = images_of(N, H, W, 1), labels = labels_of(N);

    store_small(false, false);
    for (size_t n = 0; n < images.n; n++) {
        write_file("train-images-idx3-ubyte", images.at, n);
        EXPECT_REFUSED(DNN_E_FORMAT, "train-images-idx3-ubyte: ", folder, "train", NULL, 0);
    }
    store_images("train", N, 1, false);
    for (size_t n = 0; n < labels.n; n++) {
        write_file("train-labels-idx1-ubyte", labels.at, n);
        EXPECT_REFUSED(DNN_E_FORMAT, "train-labels-idx1-ubyte: ", folder, "train", NULL, 0);
    }
    drop(&images);
    drop(&labels);
}

Test(reader_mnist, every_truncation_of_packed_files_is_refused)
{
    struct bytes plain[2] = {images_of(N, H, W, 1), labels_of(N)};
    static const char *const name[2] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"};

    for (int k = 0; k < 2; k++) {
        struct bytes gz = gzip_of(plain[k]);

        store_small(true, true);
        for (size_t n = 0; n < gz.n; n++) {
            write_file(name[k], gz.at, n);
            EXPECT_REFUSED(DNN_E_FORMAT, "-ubyte.gz: ", folder, "train", NULL, 0);
        }
        drop(&gz);
        drop(&plain[k]);
    }
}

/* Some bits of a gzip header say nothing about the data: then the samples must be the same. */
Test(reader_mnist, no_flipped_bit_of_a_packed_file_changes_a_sample)
{
    struct bytes plain = images_of(N, H, W, 1), gz = gzip_of(plain);
    int refused = 0;

    store_small(true, true);
    for (size_t bit = 0; bit < gz.n * 8; bit++) {
        void *set;

        gz.at[bit / 8] = (uint8_t)(gz.at[bit / 8] ^ 1u << bit % 8);
        overwrite("train-images-idx3-ubyte.gz", gz);
        if (open_set(folder, "train", NULL, 0, &set) == DNN_OK) {
            expect_samples(set, 0, N, 1, 0);
            dnn_reader_v1()->close(set);
        } else {
            cr_assert(said[0] != '\0' && live_blocks == 0);
            refused++;
        }
        gz.at[bit / 8] = (uint8_t)(gz.at[bit / 8] ^ 1u << bit % 8);
    }
    cr_assert(refused > (int)gz.n * 7);
    drop(&plain);
    drop(&gz);
}

Test(reader_mnist, gzip_trailer_is_verified)
{
    struct bytes plain = images_of(N, H, W, 1), gz = gzip_of(plain), twice = {0};
    const size_t n = gz.n;

    store_small(true, true);
    gz.at[n - 8] ^= 1;
    overwrite("train-images-idx3-ubyte.gz", gz);
    EXPECT_REFUSED(DNN_E_FORMAT, "the data have CRC-32", folder, "train", NULL, 0);
    gz.at[n - 8] ^= 1;
    gz.at[n - 4] ^= 1;
    overwrite("train-images-idx3-ubyte.gz", gz);
    EXPECT_REFUSED(DNN_E_FORMAT, "claims 100 bytes, the last four bytes of the gzip file say 101",
                   folder, "train", NULL, 0);
    gz.at[n - 4] ^= 1;
    put(&gz, "junk", 4);
    overwrite("train-images-idx3-ubyte.gz", gz);
    EXPECT_REFUSED(DNN_E_FORMAT, "followed by something", folder, "train", NULL, 0);
    /* Junk that repeats the trailer passes the look at the last bytes. */
    gz.n = n;
    put(&twice, gz.at, n);
    put(&twice, gz.at + n - 8, 8);
    overwrite("train-images-idx3-ubyte.gz", twice);
    EXPECT_REFUSED(DNN_E_FORMAT, "8 bytes follow the end of the gzip data", folder, "train", NULL,
                   0);
    twice.n = n;
    put(&twice, gz.at, n);
    overwrite("train-images-idx3-ubyte.gz", twice);
    EXPECT_REFUSED(DNN_E_FORMAT, "one member is all there may be", folder, "train", NULL, 0);
    drop(&plain);
    drop(&gz);
    drop(&twice);
}

Test(reader_mnist, trailing_bytes_of_a_raw_file_are_refused)
{
    struct bytes plain = images_of(N, H, W, 1);

    store_small(false, false);
    put(&plain, "x", 1);
    overwrite("train-images-idx3-ubyte", plain);
    EXPECT_REFUSED(DNN_E_FORMAT, "its header claims 100 bytes, the file has 101", folder, "train",
                   NULL, 0);
    drop(&plain);
}

static void expect_lie(size_t at, uint32_t value, bool packed, const char *words)
{
    struct bytes plain = images_of(N, H, W, 1);

    for (int i = 0; i < 4; i++)
        plain.at[at + (size_t)i] = (uint8_t)(value >> (24 - 8 * i));
    store("train-images-idx3-ubyte", plain, packed);
    EXPECT_REFUSED(DNN_E_FORMAT, words, folder, "train", NULL, 0);
    drop(&plain);
}

Test(reader_mnist, lying_headers_are_refused)
{
    store_small(false, false);
    for (int packed = 0; packed < 2; packed++) {
        expect_lie(0, 0x801, packed != 0, "begins with 00000801, IDX images with 00000803");
        expect_lie(0, 0xd03, packed != 0, "begins with 00000d03");
        for (size_t at = 4; at < 16; at += 4) {
            expect_lie(at, 0, packed != 0, "is 0 (byte");
            expect_lie(at, UINT32_MAX, packed != 0,
                       at == 4 ? "header claims" : "pixels, more than");
            expect_lie(at, 0x80000000, packed != 0,
                       at == 4 ? "header claims" : "pixels, more than");
            expect_lie(at, 8, packed != 0, "header claims");
            expect_lie(at, 2, packed != 0, "header claims");
        }
    }
    cr_assert(largest_block < 1 << 20, "%zu bytes were allocated for a lie", largest_block);
}

Test(reader_mnist, labels_must_match_images_and_classes)
{
    struct bytes labels = labels_of(N);

    store_small(false, false);
    store_labels("train", N - 1, false);
    EXPECT_REFUSED(DNN_E_FORMAT, "train-labels-idx1-ubyte: 6 labels for 7 images", folder, "train",
                   NULL, 0);
    labels.at[8 + 4] = 10;
    overwrite("train-labels-idx1-ubyte", labels);
    EXPECT_REFUSED(DNN_E_FORMAT, "label 10 of sample 4 (byte 12), but there are 10 classes", folder,
                   "train", NULL, 0);
    drop(&labels);
}

Test(reader_mnist, parts_of_different_sizes_are_refused)
{
    struct bytes images = images_of(N - 2, W, H, 1);

    store_small(false, false);
    overwrite("t10k-images-idx3-ubyte", images);
    EXPECT_REFUSED(DNN_E_FORMAT, "images of 3 x 4", folder, NULL, NULL, 0);
    drop(&images);
}

Test(reader_mnist, bombs_are_refused_before_they_unpack)
{
    struct bytes plain = {0}, gz;

    store_small(true, true);
    put_be32(&plain, 0x803);
    put_be32(&plain, 1);
    put_be32(&plain, 4096);
    put_be32(&plain, 4096);
    put(&plain, NULL, 4096 * 4096);
    store("train-images-idx3-ubyte", plain, true);
    EXPECT_REFUSED(DNN_E_FORMAT, "max_bytes, or 200 times the file", folder, "train", NULL, 0);
    cr_assert(largest_block < 1 << 20, "%zu bytes were allocated for a bomb", largest_block);
    /* The header and the trailer agree on a small size, the data go on. */
    drop(&plain);
    plain = images_of(N, H, W, 1);
    put(&plain, NULL, 1 << 20);
    gz = gzip_of(plain);
    memcpy(gz.at + gz.n - 4, (uint8_t[]){16 + N * IMAGE, 0, 0, 0}, 4);
    overwrite("train-images-idx3-ubyte.gz", gz);
    EXPECT_REFUSED(DNN_E_FORMAT, "it goes on after the 100 bytes", folder, "train", NULL, 0);
    drop(&plain);
    drop(&gz);
}

Test(reader_mnist, max_bytes_is_kept)
{
    void *set;

    for (int packed = 0; packed < 2; packed++) {
        store_small(packed != 0, packed != 0);
        EXPECT_REFUSED(DNN_E_FORMAT, "max_bytes", folder, "train", NULL, N * IMAGE - 1);
        EXPECT_REFUSED(DNN_E_FORMAT, "max_bytes", folder, "train", NULL, N * IMAGE + N - 1);
        EXPECT_OPENS(set, folder, "train", NULL, N * IMAGE + 32);
        dnn_reader_v1()->close(set);
    }
}

Test(reader_mnist, missing_files_are_listed)
{
    EXPECT_REFUSED(DNN_E_IO, folder, folder, NULL, NULL, 0);
    expect_text("missing in");
    expect_text("train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte");
    store_small(true, false);
    unlink(in_folder("t10k-labels-idx1-ubyte"));
    EXPECT_REFUSED(DNN_E_IO, ": t10k-labels-idx1-ubyte (each", folder, "test", NULL, 0);
    EXPECT_REFUSED(DNN_E_IO, ": t10k-labels-idx1-ubyte (each", folder, NULL, NULL, 0);
    EXPECT_REFUSED(DNN_E_IO, ": t10k-labels-idx1-ubyte (each",
                   in_folder("t10k-images-idx3-ubyte.gz"), NULL, NULL, 0);
    EXPECT_REFUSED(DNN_E_IO, "No such file", in_folder("nosuch"), NULL, NULL, 0);
}

Test(reader_mnist, foreign_files_are_refused)
{
    write_file("train.png", "\x89PNG\r\n\x1a\n and so on, and so on", 30);
    EXPECT_REFUSED(DNN_E_FORMAT, "begins with 89504e47", in_folder("train.png"), NULL, NULL, 0);
    write_file("empty", "", 0);
    EXPECT_REFUSED(DNN_E_FORMAT, "empty: begins with", in_folder("empty"), NULL, NULL, 0);
    store_small(false, false);
    cr_assert(rename(in_folder("train-images-idx3-ubyte"), in_folder("digits")) == 0);
    EXPECT_REFUSED(DNN_E_INVALID, "its name ends in neither", in_folder("digits"), NULL, NULL, 0);
    write_file("train-images-idx3-ubyte", "PK\3\4 a zip file of some kind", 26);
    EXPECT_REFUSED(DNN_E_FORMAT, "begins with 504b0304", folder, "train", NULL, 0);
}

Test(reader_mnist, only_regular_files_are_read)
{
    store_small(false, false);
    unlink(in_folder("train-images-idx3-ubyte"));
    cr_assert(mkfifo(in_folder("train-images-idx3-ubyte"), 0600) == 0);
    EXPECT_REFUSED(DNN_E_IO, "is a FIFO", folder, "train", NULL, 0);
    EXPECT_REFUSED(DNN_E_IO, "is a FIFO", in_folder("train-images-idx3-ubyte"), NULL, NULL, 0);
    unlink(in_folder("train-images-idx3-ubyte"));
    cr_assert(mkdir(in_folder("train-images-idx3-ubyte"), 0700) == 0);
    EXPECT_REFUSED(DNN_E_IO, "is a folder", folder, "train", NULL, 0);
    rmdir(in_folder("train-images-idx3-ubyte"));
    cr_assert(symlink("nowhere", in_folder("train-images-idx3-ubyte")) == 0);
    EXPECT_REFUSED(DNN_E_IO, "cannot be opened", folder, "train", NULL, 0);
    EXPECT_REFUSED(DNN_E_IO, "is a device", "/dev/null", NULL, NULL, 0);
}

static int64_t never_read(void *ctx, uint64_t offset, void *buf, uint64_t bytes)
{
    (void)ctx;
    (void)offset;
    (void)buf;
    (void)bytes;
    return -1;
}

Test(reader_mnist, requests_are_checked)
{
    const dnn_reader_source source = {.size = sizeof(source), .length = 10, .read_at = never_read};
    dnn_reader_request request = {.size = sizeof(request), .host = &host};
    const dnn_reader *reader = dnn_reader_v1();
    void *set = NULL;

    store_small(false, false);
    cr_assert(reader->open(NULL, &set) == DNN_E_INVALID);
    cr_assert(reader->open(&request, &set) == DNN_E_INVALID);
    expect_text("not neither");
    request.source = &source;
    cr_assert(reader->open(&request, &set) == DNN_E_INVALID);
    expect_text("images and labels are two files");
    request.path = folder;
    cr_assert(reader->open(&request, &set) == DNN_E_INVALID);
    expect_text("not both");
    EXPECT_REFUSED(DNN_E_INVALID, "the path is empty", "", NULL, NULL, 0);
    EXPECT_REFUSED(DNN_E_INVALID, "unknown option \"label=4\"", folder, NULL, "label=4", 0);
    EXPECT_REFUSED(DNN_E_INVALID, "no split \"valid\"", folder, "valid", NULL, 0);
    EXPECT_OPENS(set, folder, NULL, "", 0);
    reader->close(set);
}

/* Allocation 0 is the set, 1 the images, whose file is open by then. */
Test(reader_mnist, a_file_that_changes_while_it_is_read_is_refused)
{
    static const off_t length[2] = {50, 16 + N * IMAGE + 1};

    store_small(false, false);
    resize_path = in_folder("train-images-idx3-ubyte");
    for (int i = 0; i < 2; i++) {
        store_images("train", N, 1, false);
        resize_at = 1;
        resize_to = length[i];
        EXPECT_REFUSED(DNN_E_IO,
                       i == 0 ? "shrank while it was read: it ends at byte 50, it had 100"
                              : "grew while it was read, from 100 bytes to 101",
                       folder, "train", NULL, 0);
    }
    resize_path = NULL;
}

Test(reader_mnist, long_paths_are_cut_in_messages_only)
{
    char deep[200];
    struct bytes images = images_of(N, H, W, 1), labels = labels_of(N);
    void *set;

    memset(deep, 'd', sizeof(deep));
    deep[150] = '\0';
    cr_assert(mkdir(in_folder(deep), 0700) == 0);
    snprintf(deep + 150, sizeof(deep) - 150, "/train-images-idx3-ubyte");
    overwrite(deep, images);
    snprintf(deep + 150, sizeof(deep) - 150, "/train-labels-idx1-ubyte");
    overwrite(deep, labels);
    EXPECT_OPENS(set, in_folder(deep), NULL, NULL, 0);
    expect_samples(set, 0, N, 1, 0);
    dnn_reader_v1()->close(set);
    write_file(deep, labels.at, 9);
    EXPECT_REFUSED(DNN_E_FORMAT, "...ddd", in_folder(deep), NULL, NULL, 0);
    expect_text("d/train-labels-idx1-ubyte: its header claims 15 bytes, the file has 9");
    drop(&images);
    drop(&labels);
}

Test(reader_mnist, every_allocation_may_fail)
{
    store_small(true, true);
    expect_every_allocation_is_checked(folder, NULL);
}

Test(reader_mnist, bids_by_the_first_bytes)
{
    struct bytes tiny = {0};

    cr_assert_eq(0, bid_of(folder, true));
    store_small(true, false);
    cr_assert(bid_of(folder, true) >= 90);
    cr_assert(bid_of(in_folder("train-images-idx3-ubyte.gz"), false) >= 90);
    cr_assert(bid_of(in_folder("train-labels-idx1-ubyte"), false) >= 90);
    write_file("x", "\0\0\x08\x03\0\0\0\1", 8);
    cr_assert(bid_of(in_folder("x"), false) > 0 && bid_of(in_folder("x"), false) < 50);
    write_file("x", "\0\0\x0d\x03\0\0\0\1", 8);
    cr_assert_eq(0, bid_of(in_folder("x"), false));
    write_file("x", "\0\0\x08", 3);
    cr_assert_eq(0, bid_of(in_folder("x"), false));
    write_file("x", "", 0);
    cr_assert_eq(0, bid_of(in_folder("x"), false));
    write_file("x", "\x1f\x8b", 2);
    cr_assert_eq(0, bid_of(in_folder("x"), false));
    write_file("x", "\x1f\x8b\x08\0\0\0\0\0\0\3\xff\xff\xff\xff\xff\xff\xff\xff", 18);
    cr_assert_eq(0, bid_of(in_folder("x"), false));
    cr_assert_eq(0, bid_of(in_folder("nosuch"), true));
    put(&tiny, "text that is packed", 19);
    store("x", tiny, true);
    cr_assert_eq(0, bid_of(in_folder("x.gz"), false));
    drop(&tiny);
}

/* Where the real files lie: base, or its sub-folder. NULL where they do not. */
static const char *real_folder(const char *base, const char *name)
{
    static char path[512];
    char file[600];

    if (base == NULL)
        return NULL;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s%s%s", base, i > 0 ? "/" : "", i > 0 ? name : "");
        for (int packed = 0; packed < 2; packed++) {
            snprintf(file, sizeof(file), "%s/t10k-labels-idx1-ubyte%s", path, packed ? ".gz" : "");
            if (access(file, R_OK) == 0)
                return path;
        }
    }
    return NULL;
}

static void expect_real(const char *path, const char *split, int64_t n, const char *name,
                        const char *text, const char *digest)
{
    dnn_reader_info info;
    void *set;

    EXPECT_OPENS(set, path, split, NULL, 0);
    info = info_of(set);
    cr_assert_eq(n, info.n_samples);
    cr_assert_str_eq(name, info.name);
    cr_assert_str_eq(text, info.text);
    cr_assert(digest == NULL || strcmp(digest, info.digest) == 0);
    dnn_reader_v1()->close(set);
}

Test(reader_mnist, knows_fashion_mnist)
{
    const char *path = real_folder("/usr/share/datasets", "fashion-mnist");
    int64_t label[4];
    void *const dst[2] = {NULL, label};
    const uint64_t bytes[2] = {0, sizeof(label)};
    void *set;

    if (path == NULL)
        cr_skip_test("Fashion-MNIST is not installed (package dataset-fashion-mnist)");
    expect_real(path, "train", 60000, "fashion-mnist", "Fashion-MNIST, train, 60,000 images 28x28",
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888");
    expect_real(path, "test", 10000, "fashion-mnist", "Fashion-MNIST, test, 10,000 images 28x28",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b");
    EXPECT_OPENS(set, path, NULL, NULL, 0);
    cr_assert_str_eq("fashion-mnist", info_of(set).name);
    cr_assert_str_eq("Ankle boot", info_of(set).field[1]->labels[9]);
    cr_assert(dnn_reader_v1()->read(set, 0, 4, dst, bytes) == DNN_OK);
    cr_assert(label[0] == 9 && label[1] == 0 && label[2] == 0 && label[3] == 3);
    dnn_reader_v1()->close(set);
}

Test(reader_mnist, knows_mnist)
{
    const char *path = real_folder(getenv("DNN_TEST_DATA"), "mnist");

    if (path == NULL)
        cr_skip_test("MNIST is not in DNN_TEST_DATA");
    expect_real(path, "train", 60000, "mnist", "MNIST, train, 60,000 images 28x28",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db");
    expect_real(path, "test", 10000, "mnist", "MNIST, test, 10,000 images 28x28", NULL);
}

Test(reader_mnist, labels_of_another_published_set_are_refused)
{
    static const char *const name[2] = {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
    const char *from[2] = {"/usr/share/datasets/fashion-mnist", NULL};
    char target[600];

    from[1] = real_folder(getenv("DNN_TEST_DATA"), "mnist");
    if (from[1] == NULL || access("/usr/share/datasets/fashion-mnist", R_OK) != 0)
        cr_skip_test("needs MNIST in DNN_TEST_DATA and Fashion-MNIST installed");
    for (int k = 0; k < 2; k++) {
        snprintf(target, sizeof(target), "%s/%s", from[k], name[k]);
        cr_assert(symlink(target, in_folder(name[k])) == 0);
    }
    EXPECT_REFUSED(DNN_E_FORMAT,
                   "these are the labels of MNIST, test; the images beside are Fashion-MNIST",
                   folder, "test", NULL, 0);
}
