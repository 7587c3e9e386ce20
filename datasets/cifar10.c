/* cifar10.c - the reader of CIFAR-10 in its binary form: the .tar.gz, the .tar, or the six .bin
 * files.
 *
 * Called by the core through dnn_reader_v1(). open() checks everything and keeps the records of the
 * asked split in memory; read() only copies, so it runs on any number of threads. It never unpacks
 * to disk. */
#include "archive.h"
#include <stdio.h>
#include <string.h>

enum {
    FILES = 6,
    TEST = 5,
    CLASSES = 10,
    PIXELS = 3 * 32 * 32,
    RECORD = 1 + PIXELS,
    PUBLISHED = 10000
};
enum { META_LIMIT = 4096, HEAD_BYTES = 16 * 1024 };

static const char *const file_names[FILES] = {"data_batch_1.bin", "data_batch_2.bin",
                                              "data_batch_3.bin", "data_batch_4.bin",
                                              "data_batch_5.bin", "test_batch.bin"};
static const char *const class_names[CLASSES + 1] = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck", NULL};
static const char meta_name[] = "batches.meta.txt";
static const char folder_name[] = "cifar-10-batches-bin";
static const char *const archive_names[] = {"cifar-10-binary.tar.gz", "cifar-10-binary.tar"};

/* Length and MD5 of the published cifar-10-binary.tar.gz. */
enum { PUBLISHED_BYTES = 170052171 };
static const uint8_t published_md5[MD5_DIGEST_SIZE] = {
    0xc3, 0x2a, 0x1d, 0x4a, 0xb5, 0xd0, 0x3f, 0x12, 0x64, 0xb6, 0x78, 0x83, 0xe8, 0xd8, 0x75, 0x30};

struct batch {
    uint8_t *records; /* [n][RECORD], as in the file; NULL where the split does not want it */
    int64_t n;
};

struct set {
    const dnn_reader_host *host;
    struct batch batch[FILES];
    int64_t n;
    bool wanted[FILES];
    bool seen[FILES];
    bool seen_meta;
    bool any_size;      /* option records=any */
    bool whole;         /* every batch has its published size */
    uint64_t budget;    /* what is left of max_bytes */
    const char *origin; /* for text */
    dnn_reader_field image, label;
    const dnn_reader_field *field[2];
    char digest[65];
    char text[128];
};

static int find_file(const char *base)
{
    for (int i = 0; i < FILES; i++)
        if (strcmp(base, file_names[i]) == 0)
            return i;
    return -1;
}

/* The only option is records=any: batches of any number of records, for parts of the set. */
static dnn_status parse_options(struct set *set, const char *options)
{
    while (options != NULL && *options != '\0') {
        const size_t bytes = strcspn(options, ",");

        if (bytes == strlen("records=any") && memcmp(options, "records=any", bytes) == 0)
            set->any_size = true;
        else
            return set->host->fail(DNN_E_INVALID,
                                   "cifar10: unknown option \"%.*s\"; there is \"records=any\"",
                                   bytes < 40 ? (int)bytes : 40, options);
        options += bytes;
        options += *options == ',';
    }
    return DNN_OK;
}

static void want(struct set *set, const char *split)
{
    for (int i = 0; i < FILES; i++)
        set->wanted[i] = split == NULL || (strcmp(split, "test") == 0) == (i == TEST);
}

/* A size by the claim of a file or of a member, before anything is allocated for it. */
static dnn_status check_size(const struct set *set, const char *where, int file, uint64_t size)
{
    const uint64_t published = (uint64_t)PUBLISHED * RECORD;

    if (set->any_size && (size == 0 || size % RECORD != 0))
        return set->host->fail(DNN_E_FORMAT,
                               "%s: %s: %s bytes, expected a multiple of %d, at least one", where,
                               file_names[file], DNN__GROUPED(size), RECORD);
    if (!set->any_size && size != published)
        return set->host->fail(DNN_E_FORMAT, "%s: %s: %s bytes, expected %s", where,
                               file_names[file], DNN__GROUPED(size), DNN__GROUPED(published));
    if (set->wanted[file] && size > set->budget)
        return set->host->fail(DNN_E_FORMAT, "%s: %s: %s bytes, %s are left of max_bytes", where,
                               file_names[file], DNN__GROUPED(size), DNN__GROUPED(set->budget));
    return DNN_OK;
}

static dnn_status alloc_batch(struct set *set, int file, uint64_t size)
{
    DNN__TRY(
        dnn__reader_alloc(set->host, size, file_names[file], (void **)&set->batch[file].records));
    set->batch[file].n = (int64_t)(size / RECORD);
    set->n += set->batch[file].n;
    set->budget -= size;
    set->whole = set->whole && set->batch[file].n == PUBLISHED;
    return DNN_OK;
}

static dnn_status check_labels(const struct set *set, const char *where, int file)
{
    const struct batch *batch = &set->batch[file];

    for (int64_t i = 0; i < batch->n; i++) {
        const uint8_t label = batch->records[i * RECORD];

        if (label >= CLASSES)
            return set->host->fail(
                DNN_E_FORMAT, "%s: %s: label %d of sample %s (byte %s), but there are %d classes",
                where, file_names[file], label, DNN__GROUPED(i), DNN__GROUPED(i * RECORD), CLASSES);
    }
    return DNN_OK;
}

/* The names, one a line. Other names, or another order, would make every label mean something else.
 */
static dnn_status check_meta(const struct set *set, const char *where, char text[META_LIMIT + 1])
{
    char *rest = NULL;
    const char *word = strtok_r(text, " \t\r\n", &rest);

    for (int i = 0; i < CLASSES; i++) {
        if (word == NULL || strcmp(word, class_names[i]) != 0)
            return set->host->fail(DNN_E_FORMAT, "%s: %s: class %d is \"%.40s\", expected \"%s\"",
                                   where, meta_name, i, word != NULL ? word : "", class_names[i]);
        word = strtok_r(NULL, " \t\r\n", &rest);
    }
    if (word != NULL)
        return set->host->fail(DNN_E_FORMAT, "%s: %s: \"%.40s\" after the %d classes", where,
                               meta_name, word, CLASSES);
    return DNN_OK;
}

static dnn_status check_meta_size(const struct set *set, const char *where, uint64_t size)
{
    if (size <= META_LIMIT)
        return DNN_OK;
    return set->host->fail(DNN_E_FORMAT, "%s: %s: %s bytes, expected at most %s", where, meta_name,
                           DNN__GROUPED(size), DNN__GROUPED(META_LIMIT));
}

static dnn_status load_meta_member(const struct set *set, dnn__tar *tar, const dnn__member *member,
                                   const char *where)
{
    char text[META_LIMIT + 1];

    DNN__TRY(check_meta_size(set, where, member->size));
    DNN__TRY(dnn__tar_read(tar, member, text));
    text[member->size] = '\0';
    return check_meta(set, where, text);
}

static dnn_status load_member(struct set *set, dnn__stream *stream, dnn__tar *tar,
                              const dnn__member *member)
{
    const char *where = stream->from->name;
    const int file = find_file(member->base);
    const bool is_meta = strcmp(member->base, meta_name) == 0;
    bool *seen = is_meta ? &set->seen_meta : &set->seen[file < 0 ? 0 : file];

    if (file < 0 && !is_meta)
        return DNN_OK;
    if (member->refused != NULL)
        return set->host->fail(DNN_E_FORMAT, "%s: %s is %s, expected a regular file", where,
                               member->base, member->refused);
    if (*seen)
        return set->host->fail(DNN_E_FORMAT, "%s: a second member %s, expected one of each", where,
                               member->base);
    *seen = true;
    if (is_meta)
        return load_meta_member(set, tar, member, where);
    DNN__TRY(check_size(set, where, file, member->size));
    if (!set->wanted[file])
        return DNN_OK;
    /* stream->cap is the length of a plain tar, so a member cannot claim more than there is. */
    if (member->size > stream->cap)
        return set->host->fail(DNN_E_FORMAT, "%s: %s claims %s bytes, the archive can hold %s",
                               where, member->base, DNN__GROUPED(member->size),
                               DNN__GROUPED(stream->cap));
    DNN__TRY(alloc_batch(set, file, member->size));
    DNN__TRY(dnn__tar_read(tar, member, set->batch[file].records));
    return check_labels(set, where, file);
}

/* Names the files that the split wants and that are not there. */
static dnn_status check_missing(const struct set *set, const char *where, dnn_status status)
{
    char list[FILES * 20] = "";
    size_t at = 0;

    for (int i = 0; i < FILES; i++)
        if (set->wanted[i] && !set->seen[i])
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at > 0 ? ", " : "",
                                   file_names[i]);
    return at == 0 ? DNN_OK : set->host->fail(status, "cifar10: missing in %s: %s", where, list);
}

static dnn_status load_members(struct set *set, dnn__stream *stream)
{
    dnn__tar *tar = NULL;
    dnn__member member;
    dnn_status st;

    DNN__TRY(dnn__tar_open(stream, &tar));
    for (;;) {
        DNN__TRY_TO(done, dnn__tar_next(tar, &member));
        if (member.base == NULL)
            break;
        DNN__TRY_TO(done, load_member(set, stream, tar, &member));
    }
    DNN__TRY_TO(done, check_missing(set, stream->from->name, DNN_E_FORMAT));
done:
    dnn__tar_close(tar);
    return st;
}

static dnn_status load_archive(struct set *set, const dnn__source *source, uint64_t cap)
{
    uint8_t digest[MD5_DIGEST_SIZE] = {0};
    struct md5_ctx md5;
    dnn__stream stream;
    dnn_status st;

    md5_init(&md5);
    DNN__TRY(dnn__stream_open(source, cap, &stream));
    if (source->length == PUBLISHED_BYTES)
        stream.packed_md5 = &md5;
    st = load_members(set, &stream);
    dnn__stream_close(&stream);
    if (st == DNN_OK && source->length == PUBLISHED_BYTES && stream.gzip)
        md5_digest(&md5, sizeof(digest), digest);
    set->origin =
        memcmp(digest, published_md5, sizeof(digest)) == 0 ? "the published archive" : "a copy";
    return st;
}

static dnn_status load_meta_file(const struct set *set, const dnn__place *place)
{
    char text[META_LIMIT + 1];
    dnn__source source;
    dnn_status st;

    DNN__TRY(dnn__source_open(set->host, place, meta_name, &source));
    DNN__TRY_TO(done, check_meta_size(set, place->dir, source.length));
    DNN__TRY_TO(done, dnn__source_read(&source, 0, text, source.length));
    text[source.length] = '\0';
    DNN__TRY_TO(done, check_meta(set, place->dir, text));
done:
    dnn__source_close(&source);
    return st;
}

static dnn_status load_file(struct set *set, const dnn__place *place, int file)
{
    dnn__source source;
    dnn_status st;

    DNN__TRY(dnn__source_open(set->host, place, file_names[file], &source));
    DNN__TRY_TO(done, check_size(set, place->dir, file, source.length));
    DNN__TRY_TO(done, alloc_batch(set, file, source.length));
    DNN__TRY_TO(done, dnn__source_read(&source, 0, set->batch[file].records, source.length));
    DNN__TRY_TO(done, dnn__source_unchanged(&source));
    DNN__TRY_TO(done, check_labels(set, place->dir, file));
done:
    dnn__source_close(&source);
    return st;
}

static dnn_status load_files(struct set *set, const dnn__place *place)
{
    set->origin = "from single files";
    for (int i = 0; i < FILES; i++)
        set->seen[i] = dnn__place_holds(place, file_names[i]);
    DNN__TRY(check_missing(set, place->dir, DNN_E_IO));
    if (dnn__place_holds(place, meta_name))
        DNN__TRY(load_meta_file(set, place));
    for (int i = 0; i < FILES; i++)
        if (set->wanted[i])
            DNN__TRY(load_file(set, place, i));
    return DNN_OK;
}

static bool holds_batches(const dnn__place *place)
{
    for (int i = 0; i < FILES; i++)
        if (dnn__place_holds(place, file_names[i]))
            return true;
    return false;
}

static dnn_status load_archive_file(struct set *set, const dnn__place *place, const char *name,
                                    uint64_t cap)
{
    dnn__source source;
    dnn_status st;

    DNN__TRY(dnn__source_open(set->host, place, name, &source));
    st = load_archive(set, &source, cap);
    dnn__source_close(&source);
    return st;
}

/* The single files in the folder, those in its sub-folder, or an archive in it: whichever is there
 * first. */
static dnn_status load_folder(struct set *set, const dnn__place *place, uint64_t cap)
{
    dnn__place below;
    dnn_status st;

    if (holds_batches(place))
        return load_files(set, place);
    if (dnn__place_below(place, folder_name, &below)) {
        st = load_files(set, &below);
        dnn__place_close(&below);
        return st;
    }
    for (int i = 0; i < 2; i++)
        if (dnn__place_holds(place, archive_names[i]))
            return load_archive_file(set, place, archive_names[i], cap);
    return set->host->fail(
        DNN_E_IO, "cifar10: %s holds no data set: looked for %s to %s, the folder %s, %s and %s",
        place->dir, file_names[0], file_names[TEST], folder_name, archive_names[0],
        archive_names[1]);
}

static dnn_status load_path(struct set *set, const dnn_reader_request *request)
{
    dnn__place place;
    dnn_status st;
    int file;

    DNN__TRY(dnn__place_find(set->host, request->path, &place));
    file = find_file(place.base);
    if (place.base[0] == '\0') {
        st = load_folder(set, &place, dnn__cap(request));
    } else if (file >= 0) {
        if (request->split == NULL)
            want(set, file == TEST ? "test" : "train");
        st = load_files(set, &place);
    } else {
        st = load_archive_file(set, &place, place.base, dnn__cap(request));
    }
    dnn__place_close(&place);
    return st;
}

static dnn_status load_given(struct set *set, const dnn_reader_request *request)
{
    dnn__source source;

    DNN__TRY(dnn__source_given(set->host, request->source, &source));
    return load_archive(set, &source, dnn__cap(request));
}

static void finish(struct set *set)
{
    const char *split = "train and test";
    struct sha256_ctx hash;

    sha256_init(&hash);
    for (int i = 0; i < FILES; i++)
        if (set->wanted[i])
            sha256_update(&hash, (size_t)set->batch[i].n * RECORD, set->batch[i].records);
    dnn__digest_text(&hash, set->digest);
    if (!set->wanted[0] || !set->wanted[TEST])
        split = set->wanted[TEST] ? "test" : "train";
    snprintf(set->text, sizeof(set->text), "CIFAR-10, %s, %s images 3x32x32, %s", split,
             DNN__GROUPED(set->n), set->origin);
    set->image = (dnn_reader_field){.size = sizeof(dnn_reader_field),
                                    .dtype = DNN_T_U8,
                                    .name = "image",
                                    .ndim = 3,
                                    .dim = {3, 32, 32}};
    set->label = (dnn_reader_field){.size = sizeof(dnn_reader_field),
                                    .dtype = DNN_T_I64,
                                    .name = "label",
                                    .labels = class_names};
    set->field[0] = &set->image;
    set->field[1] = &set->label;
}

static void cifar10_close(void *opaque)
{
    struct set *set = opaque;

    if (set == NULL)
        return;
    for (int i = 0; i < FILES; i++)
        dnn__reader_free(set->host, set->batch[i].records);
    dnn__reader_free(set->host, set);
}

static dnn_status cifar10_open(const dnn_reader_request *request, void **out)
{
    struct set *set = NULL;
    dnn_status st;

    DNN__TRY(dnn__request_check(request, "cifar10"));
    DNN__TRY(dnn__reader_alloc(request->host, sizeof(*set), "cifar10", (void **)&set));
    *set = (struct set){.host = request->host, .whole = true, .budget = dnn__cap(request)};
    DNN__TRY_TO(done, parse_options(set, request->options));
    want(set, request->split);
    DNN__TRY_TO(done, request->path != NULL ? load_path(set, request) : load_given(set, request));
    finish(set);
    *out = set;
    set = NULL;
done:
    cifar10_close(set);
    return st;
}

/* A part of the set, read with records=any, goes without the name. */
static dnn_status cifar10_describe(void *opaque, dnn_reader_info *info)
{
    const struct set *set = opaque;

    if (!DNN_FITS(info, digest))
        return set->host->fail(DNN_E_INVALID,
                               "cifar10: describe: info of %u bytes, expected at least %zu",
                               (unsigned)info->size, sizeof(*info));
    info->n_samples = set->n;
    info->n_fields = 2;
    info->field = set->field;
    info->text = set->text;
    info->name = set->whole ? "cifar10" : NULL;
    info->digest = set->digest;
    return DNN_OK;
}

static dnn_status cifar10_shape(void *opaque, int64_t index, int32_t field, int64_t *dim)
{
    const struct set *set = opaque;

    DNN__TRY(dnn__range_check(set->host, "cifar10", index, 1, set->n));
    if (field < 0 || field > 1)
        return set->host->fail(DNN_E_INVALID, "cifar10: field %d, there are 2", (int)field);
    for (int32_t i = 0; i < set->field[field]->ndim; i++)
        dim[i] = set->field[field]->dim[i];
    return DNN_OK;
}

/* dst[] may be NULL where the field is not wanted; at is the sample's place in the buffers. */
static void copy_record(const uint8_t *record, uint8_t *image, int64_t *label, int64_t at)
{
    if (image != NULL)
        memcpy(image + at * PIXELS, record + 1, PIXELS);
    if (label != NULL)
        label[at] = record[0];
}

static dnn_status cifar10_read(void *opaque, int64_t first, int64_t count, void *const *dst,
                               const uint64_t *dst_bytes)
{
    const struct set *set = opaque;
    int64_t done = 0;

    DNN__TRY(dnn__range_check(set->host, "cifar10", first, count, set->n));
    if (dst == NULL || dst_bytes == NULL)
        return set->host->fail(DNN_E_INVALID, "cifar10: read: dst and dst_bytes must be given");
    if (dst[0] != NULL)
        DNN__TRY(
            dnn__dst_check(set->host, "cifar10", "image", (uint64_t)count, PIXELS, dst_bytes[0]));
    if (dst[1] != NULL)
        DNN__TRY(dnn__dst_check(set->host, "cifar10", "label", (uint64_t)count, sizeof(int64_t),
                                dst_bytes[1]));
    for (int i = 0; i < FILES && done < count; i++) {
        for (; first < set->batch[i].n && done < count; first++, done++)
            copy_record(set->batch[i].records + first * RECORD, dst[0], dst[1], done);
        first -= set->batch[i].n;
    }
    return DNN_OK;
}

static int bid_folder(const char *path)
{
    dnn__place place, below;
    int bid = 0;

    if (!dnn__place_folder(path, &place))
        return 0;
    if (holds_batches(&place))
        bid = 90;
    if (bid == 0 && dnn__place_below(&place, folder_name, &below)) {
        bid = holds_batches(&below) ? 90 : 0;
        dnn__place_close(&below);
    }
    for (int i = 0; i < 2 && bid == 0; i++)
        bid = dnn__place_holds(&place, archive_names[i]) ? 80 : 0;
    dnn__place_close(&place);
    return bid;
}

/* Records have no magic: the name, and a label at the head of each record. */
static int bid_batch(const dnn_reader_probe *probe)
{
    const char *slash = probe->path != NULL ? strrchr(probe->path, '/') : NULL;

    if (probe->path == NULL || find_file(slash != NULL ? slash + 1 : probe->path) < 0)
        return 0;
    for (uint64_t at = 0; at < probe->head_bytes; at += RECORD)
        if (probe->head[at] >= CLASSES)
            return 0;
    return probe->head_bytes > 0 ? 80 : 0;
}

static int cifar10_bid(const dnn_reader_probe *probe)
{
    uint8_t head[HEAD_BYTES];
    char base[101];
    uint64_t offset = 0, bytes;
    int bid = 0;

    if (probe->is_dir)
        return probe->path != NULL ? bid_folder(probe->path) : 0;
    bytes = dnn__head(probe, head, sizeof(head));
    while (dnn__tar_head(head, bytes, &offset, base)) {
        if (find_file(base) >= 0)
            return 95;
        if (strcmp(base, folder_name) == 0)
            bid = 60;
    }
    return bid > 0 ? bid : bid_batch(probe);
}

static const char *const extensions[] = {".tar.gz", ".tgz", ".tar", ".bin", NULL};

DNN_READER(.flags = DNN_R_CONCURRENT, .id = "cifar10", .version = "1.0",
           .build = "libarchive, zlib " ZLIB_VERSION, .extensions = extensions, .bid = cifar10_bid,
           .open = cifar10_open, .describe = cifar10_describe, .shape = cifar10_shape,
           .read = cifar10_read, .close = cifar10_close)
