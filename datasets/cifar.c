/* cifar.c - reads CIFAR-10 and CIFAR-100 in their binary form: an archive, or single .bin files.
 * cifar10.c and cifar100.c define dnn__cifar, the description of the set.
 *
 * Called by the core through dnn_reader_v1(). open() checks everything and keeps the records of the
 * requested split in memory. read() only copies, so any number of threads may call it. Nothing is
 * unpacked to disk. */
#include "cifar.h"
#include "archive.h"
#include <stdio.h>
#include <string.h>

/* PYTHON_BID: for the Python version, so that open() can say which version is needed. */
enum { META_LIMIT = 4096, HEAD_BYTES = 16 * 1024, PYTHON_BID = 20 };

static const char PUBLISHED[] = "the published archive";

struct batch {
    uint8_t *records; /* [n][record_bytes()], as in the file; NULL: not in the requested split */
    int64_t n;
};

struct set {
    const dnn_reader_host *host;
    struct batch batch[CIFAR_FILES];
    int64_t n;
    bool wanted[CIFAR_FILES];
    bool seen[CIFAR_FILES];
    bool seen_meta[CIFAR_LABELS];
    bool any_size;                /* option records=any */
    bool whole;                   /* every batch has its published size */
    uint64_t budget;              /* remaining bytes of max_bytes */
    const char *origin;           /* path or source, for the description */
    int n_labels;                 /* label fields after the image field */
    int label_byte[CIFAR_LABELS]; /* the index of each label field's byte in a record */
    dnn_reader_field field[1 + CIFAR_LABELS];
    const dnn_reader_field *fields[1 + CIFAR_LABELS];
    char digest[65];
    char text[128];
};

static int record_bytes(void)
{
    return dnn__cifar.n_labels + CIFAR_PIXELS;
}

static int test_file(void)
{
    return dnn__cifar.n_files - 1;
}

static int find_file(const char *base)
{
    for (int i = 0; i < dnn__cifar.n_files; i++)
        if (strcmp(base, dnn__cifar.file_names[i]) == 0)
            return i;
    return -1;
}

/* Returns whether the name is that of a pickle of the Python version: "data_batch_1". */
static bool is_python_file(const char *base)
{
    const size_t bytes = strlen(base);

    for (int i = 0; i < dnn__cifar.n_files; i++)
        if (bytes + 4 == strlen(dnn__cifar.file_names[i]) &&
            memcmp(base, dnn__cifar.file_names[i], bytes) == 0)
            return true;
    return false;
}

static dnn_status refuse_python(const struct set *set, const char *where, const char *name)
{
    return set->host->fail(
        DNN_E_FORMAT,
        "%s: %s is of the Python version of %s; this reader needs the binary version: "
        "https://www.cs.toronto.edu/~kriz/%s",
        where, name, dnn__cifar.title, dnn__cifar.archive_names[0]);
}

static int find_meta(const char *base)
{
    for (int i = 0; i < dnn__cifar.n_labels; i++)
        if (strcmp(base, dnn__cifar.label[i].meta_name) == 0)
            return i;
    return -1;
}

/* Selects the label fields: one byte of the record, or all of them with the default label first. */
static void select_labels(struct set *set, int usual, bool all)
{
    set->n_labels = 1;
    set->label_byte[0] = usual;
    for (int i = 0; all && i < dnn__cifar.n_labels; i++)
        if (i != usual)
            set->label_byte[set->n_labels++] = i;
}

/* Parses label=WORD, for sets whose records have two labels. */
static bool parse_label(struct set *set, const char *word, size_t bytes)
{
    if (dnn__cifar.n_labels < 2)
        return false;
    if (bytes == strlen("both") && memcmp(word, "both", bytes) == 0) {
        select_labels(set, dnn__cifar.n_labels - 1, true);
        return true;
    }
    for (int i = 0; i < dnn__cifar.n_labels; i++) {
        const char *name = dnn__cifar.label[i].word;

        if (strlen(name) == bytes && memcmp(word, name, bytes) == 0) {
            select_labels(set, i, false);
            return true;
        }
    }
    return false;
}

static bool parse_option(struct set *set, const char *word, size_t bytes)
{
    const size_t label = strlen("label=");

    if (bytes == strlen("records=any") && memcmp(word, "records=any", bytes) == 0) {
        set->any_size = true;
        return true;
    }
    return bytes > label && memcmp(word, "label=", label) == 0 &&
           parse_label(set, word + label, bytes - label);
}

/* Options: records=any accepts files with any number of records (parts of the set); label= selects
 * the label. */
static dnn_status parse_options(struct set *set, const char *options)
{
    select_labels(set, dnn__cifar.n_labels - 1, false);
    while (options != NULL && *options != '\0') {
        const size_t bytes = strcspn(options, ",");

        if (!parse_option(set, options, bytes))
            return set->host->fail(DNN_E_INVALID, "%s: unknown option \"%.*s\"; %s", dnn__cifar.id,
                                   bytes < 40 ? (int)bytes : 40, options, dnn__cifar.options);
        options += bytes;
        options += *options == ',';
    }
    return DNN_OK;
}

static void select_files(struct set *set, const char *split)
{
    for (int i = 0; i < dnn__cifar.n_files; i++)
        set->wanted[i] = split == NULL || (strcmp(split, "test") == 0) == (i == test_file());
}

/* Checks the size that a file or a member claims, before memory is allocated for it. */
static dnn_status check_size(const struct set *set, const char *where, int file, uint64_t size)
{
    const uint64_t published = (uint64_t)dnn__cifar.published[file] * (uint64_t)record_bytes();

    if (set->any_size && (size == 0 || size % (uint64_t)record_bytes() != 0))
        return set->host->fail(DNN_E_FORMAT,
                               "%s: %s: %s bytes, expected a multiple of %d, at least one", where,
                               dnn__cifar.file_names[file], DNN__GROUPED(size), record_bytes());
    if (!set->any_size && size != published)
        return set->host->fail(DNN_E_FORMAT, "%s: %s: %s bytes, expected %s", where,
                               dnn__cifar.file_names[file], DNN__GROUPED(size),
                               DNN__GROUPED(published));
    if (set->wanted[file] && size > set->budget)
        return set->host->fail(DNN_E_FORMAT, "%s: %s: %s bytes, %s are left of max_bytes", where,
                               dnn__cifar.file_names[file], DNN__GROUPED(size),
                               DNN__GROUPED(set->budget));
    return DNN_OK;
}

static dnn_status alloc_batch(struct set *set, int file, uint64_t size)
{
    DNN__TRY(dnn__reader_alloc(set->host, size, dnn__cifar.file_names[file],
                               (void **)&set->batch[file].records));
    set->batch[file].n = (int64_t)size / record_bytes();
    set->n += set->batch[file].n;
    set->budget -= size;
    set->whole = set->whole && set->batch[file].n == dnn__cifar.published[file];
    return DNN_OK;
}

static dnn_status bad_label(const struct set *set, const char *where, int file, int64_t sample,
                            int which)
{
    const cifar_label *label = &dnn__cifar.label[which];
    const int64_t at = sample * record_bytes() + which;

    return set->host->fail(
        DNN_E_FORMAT, "%s: %s: %s%slabel %d of sample %s (byte %s), but there are %d classes",
        where, dnn__cifar.file_names[file], label->word, label->word[0] != '\0' ? " " : "",
        set->batch[file].records[at], DNN__GROUPED(sample), DNN__GROUPED(at), label->classes);
}

static dnn_status check_labels(const struct set *set, const char *where, int file)
{
    const struct batch *batch = &set->batch[file];

    for (int64_t i = 0; i < batch->n; i++)
        for (int k = 0; k < dnn__cifar.n_labels; k++)
            if (batch->records[i * record_bytes() + k] >= dnn__cifar.label[k].classes)
                return bad_label(set, where, file, i, k);
    return DNN_OK;
}

/* Checks the class names, one a line. With other names, or another order, every label would have
 * another meaning. */
static dnn_status check_meta(const struct set *set, const char *where, const cifar_label *label,
                             char text[META_LIMIT + 1])
{
    char *rest = NULL;
    const char *word = strtok_r(text, " \t\r\n", &rest);

    for (int i = 0; i < label->classes; i++) {
        if (word == NULL || strcmp(word, label->names[i]) != 0)
            return set->host->fail(DNN_E_FORMAT, "%s: %s: class %d is \"%.40s\", expected \"%s\"",
                                   where, label->meta_name, i, word != NULL ? word : "",
                                   label->names[i]);
        word = strtok_r(NULL, " \t\r\n", &rest);
    }
    if (word != NULL)
        return set->host->fail(DNN_E_FORMAT, "%s: %s: \"%.40s\" after the %d classes", where,
                               label->meta_name, word, label->classes);
    return DNN_OK;
}

static dnn_status check_meta_size(const struct set *set, const char *where,
                                  const cifar_label *label, uint64_t size)
{
    if (size <= META_LIMIT)
        return DNN_OK;
    return set->host->fail(DNN_E_FORMAT, "%s: %s: %s bytes, expected at most %s", where,
                           label->meta_name, DNN__GROUPED(size), DNN__GROUPED(META_LIMIT));
}

static dnn_status load_meta_member(const struct set *set, const cifar_label *label, dnn__tar *tar,
                                   const dnn__member *member, const char *where)
{
    char text[META_LIMIT + 1];

    DNN__TRY(check_meta_size(set, where, label, member->size));
    DNN__TRY(dnn__tar_read(tar, member, text));
    text[member->size] = '\0';
    return check_meta(set, where, label, text);
}

static dnn_status load_file_member(struct set *set, const dnn__stream *stream, int file,
                                   dnn__tar *tar, const dnn__member *member)
{
    const char *where = stream->from->name;

    DNN__TRY(check_size(set, where, file, member->size));
    if (!set->wanted[file])
        return DNN_OK;
    /* For a plain tar stream->cap is its length: a member cannot be larger than the archive. */
    if (member->size > stream->cap)
        return set->host->fail(DNN_E_FORMAT, "%s: %s claims %s bytes, the archive can hold %s",
                               where, member->base, DNN__GROUPED(member->size),
                               DNN__GROUPED(stream->cap));
    DNN__TRY(alloc_batch(set, file, member->size));
    DNN__TRY(dnn__tar_read(tar, member, set->batch[file].records));
    return check_labels(set, where, file);
}

static dnn_status load_member(struct set *set, const dnn__stream *stream, dnn__tar *tar,
                              const dnn__member *member)
{
    const char *where = stream->from->name;
    const int file = find_file(member->base), meta = find_meta(member->base);
    bool *seen = meta >= 0 ? &set->seen_meta[meta] : &set->seen[file < 0 ? 0 : file];

    if (file < 0 && meta < 0)
        return is_python_file(member->base) ? refuse_python(set, where, member->base) : DNN_OK;
    if (member->refused != NULL)
        return set->host->fail(DNN_E_FORMAT, "%s: %s is %s, expected a regular file", where,
                               member->base, member->refused);
    if (*seen)
        return set->host->fail(DNN_E_FORMAT, "%s: a second member %s, expected one of each", where,
                               member->base);
    *seen = true;
    if (meta >= 0)
        return load_meta_member(set, &dnn__cifar.label[meta], tar, member, where);
    return load_file_member(set, stream, file, tar, member);
}

/* Fails with the names of the split's files that are missing. */
static dnn_status check_missing(const struct set *set, const char *where, dnn_status status)
{
    char list[CIFAR_FILES * 20] = "";
    size_t at = 0;

    for (int i = 0; i < dnn__cifar.n_files; i++)
        if (set->wanted[i] && !set->seen[i])
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at > 0 ? ", " : "",
                                   dnn__cifar.file_names[i]);
    return at == 0 ? DNN_OK
                   : set->host->fail(status, "%s: missing in %s: %s", dnn__cifar.id, where, list);
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
    if (source->length == dnn__cifar.archive_bytes)
        stream.packed_md5 = &md5;
    st = load_members(set, &stream);
    dnn__stream_close(&stream);
    if (st == DNN_OK && source->length == dnn__cifar.archive_bytes && stream.gzip)
        md5_digest(&md5, sizeof(digest), digest);
    set->origin =
        memcmp(digest, dnn__cifar.archive_md5, sizeof(digest)) == 0 ? PUBLISHED : "a copy";
    return st;
}

static dnn_status load_meta_file(const struct set *set, const cifar_label *label,
                                 const dnn__location *location)
{
    char text[META_LIMIT + 1];
    dnn__source source;
    dnn_status st;

    DNN__TRY(dnn__source_open(set->host, location, label->meta_name, &source));
    DNN__TRY_TO(done, check_meta_size(set, location->dir, label, source.length));
    DNN__TRY_TO(done, dnn__source_read(&source, 0, text, source.length));
    text[source.length] = '\0';
    DNN__TRY_TO(done, check_meta(set, location->dir, label, text));
done:
    dnn__source_close(&source);
    return st;
}

static dnn_status load_file(struct set *set, const dnn__location *location, int file)
{
    dnn__source source;
    dnn_status st;

    DNN__TRY(dnn__source_open(set->host, location, dnn__cifar.file_names[file], &source));
    DNN__TRY_TO(done, check_size(set, location->dir, file, source.length));
    DNN__TRY_TO(done, alloc_batch(set, file, source.length));
    DNN__TRY_TO(done, dnn__source_read(&source, 0, set->batch[file].records, source.length));
    DNN__TRY_TO(done, dnn__source_unchanged(&source));
    DNN__TRY_TO(done, check_labels(set, location->dir, file));
done:
    dnn__source_close(&source);
    return st;
}

static dnn_status load_files(struct set *set, const dnn__location *location)
{
    set->origin = "from single files";
    for (int i = 0; i < dnn__cifar.n_files; i++)
        set->seen[i] = dnn__location_has(location, dnn__cifar.file_names[i]);
    DNN__TRY(check_missing(set, location->dir, DNN_E_IO));
    for (int i = 0; i < dnn__cifar.n_labels; i++)
        if (dnn__location_has(location, dnn__cifar.label[i].meta_name))
            DNN__TRY(load_meta_file(set, &dnn__cifar.label[i], location));
    for (int i = 0; i < dnn__cifar.n_files; i++)
        if (set->wanted[i])
            DNN__TRY(load_file(set, location, i));
    return DNN_OK;
}

static bool holds_batches(const dnn__location *location)
{
    for (int i = 0; i < dnn__cifar.n_files; i++)
        if (dnn__location_has(location, dnn__cifar.file_names[i]))
            return true;
    return false;
}

static dnn_status load_archive_file(struct set *set, const dnn__location *location,
                                    const char *name, uint64_t cap)
{
    dnn__source source;
    dnn_status st;

    DNN__TRY(dnn__source_open(set->host, location, name, &source));
    st = load_archive(set, &source, cap);
    dnn__source_close(&source);
    return st;
}

/* Returns the name of a file or folder of the Python version in the folder, or NULL. */
static const char *python_name(const dnn__location *location)
{
    if (dnn__location_has(location, dnn__cifar.python_archive))
        return dnn__cifar.python_archive;
    if (dnn__location_has(location, dnn__cifar.python_folder))
        return dnn__cifar.python_folder;
    if (dnn__cifar.n_files > 2 && dnn__location_has(location, "data_batch_1"))
        return "data_batch_1";
    return NULL;
}

/* Loads the first of these that exists: the single files in the folder, those in its sub-folder, an
 * archive in it. */
static dnn_status load_folder(struct set *set, const dnn__location *location, uint64_t cap)
{
    dnn__location below;
    dnn_status st;

    if (holds_batches(location))
        return load_files(set, location);
    if (dnn__location_subfolder(location, dnn__cifar.folder_name, &below)) {
        st = load_files(set, &below);
        dnn__location_close(&below);
        return st;
    }
    for (int i = 0; i < 2; i++)
        if (dnn__location_has(location, dnn__cifar.archive_names[i]))
            return load_archive_file(set, location, dnn__cifar.archive_names[i], cap);
    if (python_name(location) != NULL)
        return refuse_python(set, location->dir, python_name(location));
    return set->host->fail(
        DNN_E_IO, "%s: %s holds no data set: looked for %s %s %s, the folder %s, %s and %s",
        dnn__cifar.id, location->dir, dnn__cifar.file_names[0],
        dnn__cifar.n_files > 2 ? "to" : "and", dnn__cifar.file_names[test_file()],
        dnn__cifar.folder_name, dnn__cifar.archive_names[0], dnn__cifar.archive_names[1]);
}

static dnn_status load_path(struct set *set, const dnn_reader_request *request)
{
    dnn__location location;
    dnn_status st;
    int file;

    DNN__TRY(dnn__location_find(set->host, request->path, &location));
    file = find_file(location.base);
    if (location.base[0] == '\0') {
        st = load_folder(set, &location, dnn__cap(request));
    } else if (file >= 0) {
        if (request->split == NULL)
            select_files(set, file == test_file() ? "test" : "train");
        st = load_files(set, &location);
    } else if (is_python_file(location.base)) {
        st = refuse_python(set, location.dir, location.base);
    } else {
        st = load_archive_file(set, &location, location.base, dnn__cap(request));
    }
    dnn__location_close(&location);
    return st;
}

static dnn_status load_given(struct set *set, const dnn_reader_request *request)
{
    dnn__source source;

    DNN__TRY(dnn__source_given(set->host, request->source, &source));
    return load_archive(set, &source, dnn__cap(request));
}

static void digest_samples(struct set *set)
{
    struct sha256_ctx hash;

    sha256_init(&hash);
    for (int i = 0; i < dnn__cifar.n_files; i++)
        if (set->wanted[i])
            sha256_update(&hash, (size_t)(set->batch[i].n * record_bytes()), set->batch[i].records);
    dnn__digest_text(&hash, set->digest);
}

static void make_fields(struct set *set)
{
    set->field[0] = (dnn_reader_field){.size = sizeof(dnn_reader_field),
                                       .dtype = DNN_T_U8,
                                       .name = "image",
                                       .ndim = 3,
                                       .dim = {3, 32, 32}};
    for (int i = 0; i < set->n_labels; i++) {
        const cifar_label *label = &dnn__cifar.label[set->label_byte[i]];

        set->field[1 + i] = (dnn_reader_field){.size = sizeof(dnn_reader_field),
                                               .dtype = DNN_T_I64,
                                               .name = set->n_labels > 1 ? label->field : "label",
                                               .labels = label->names};
    }
    for (int i = 0; i < 1 + set->n_labels; i++)
        set->fields[i] = &set->field[i];
}

static void finish(struct set *set, const char *where)
{
    const bool test = set->wanted[test_file()], train = set->wanted[0];
    const char *split = train && test ? "train and test" : test ? "test" : "train";
    const bool usual = set->n_labels == 1 && set->label_byte[0] == dnn__cifar.n_labels - 1;
    const char *word = set->n_labels > 1 ? "both" : dnn__cifar.label[set->label_byte[0]].word;

    digest_samples(set);
    make_fields(set);
    snprintf(set->text, sizeof(set->text), "%s, %s, %s images 3x32x32%s%s%s, %s", dnn__cifar.title,
             split, DNN__GROUPED(set->n), usual ? "" : ", ", usual ? "" : word,
             usual ? "" : " labels", set->origin);
    if (strcmp(set->origin, PUBLISHED) != 0)
        set->host->log(1,
                       "libdnn: %s: %s: only %s has a digest that is known, so that the images "
                       "are not checked to be the published ones",
                       dnn__cifar.id, where, dnn__cifar.archive_names[0]);
}

void dnn__cifar_close(void *opaque)
{
    struct set *set = opaque;

    if (set == NULL)
        return;
    for (int i = 0; i < dnn__cifar.n_files; i++)
        dnn__reader_free(set->host, set->batch[i].records);
    dnn__reader_free(set->host, set);
}

dnn_status dnn__cifar_open(const dnn_reader_request *request, void **out)
{
    struct set *set = NULL;
    dnn_status st;

    DNN__TRY(dnn__request_check(request, dnn__cifar.id));
    DNN__TRY(dnn__reader_alloc(request->host, sizeof(*set), dnn__cifar.id, (void **)&set));
    *set = (struct set){.host = request->host, .whole = true, .budget = dnn__cap(request)};
    DNN__TRY_TO(done, parse_options(set, request->options));
    select_files(set, request->split);
    DNN__TRY_TO(done, request->path != NULL ? load_path(set, request) : load_given(set, request));
    finish(set, request->path != NULL ? request->path : "memory");
    *out = set;
    set = NULL;
done:
    dnn__cifar_close(set);
    return st;
}

/* A part of the set, read with records=any, has no name. */
dnn_status dnn__cifar_describe(void *opaque, dnn_reader_info *info)
{
    const struct set *set = opaque;

    if (!DNN_FITS(info, digest))
        return set->host->fail(DNN_E_INVALID,
                               "%s: describe: info of %u bytes, expected at least %zu",
                               dnn__cifar.id, (unsigned)info->size, sizeof(*info));
    info->n_samples = set->n;
    info->n_fields = 1 + set->n_labels;
    info->field = set->fields;
    info->text = set->text;
    info->name = set->whole ? dnn__cifar.id : NULL;
    info->digest = set->digest;
    return DNN_OK;
}

dnn_status dnn__cifar_shape(void *opaque, int64_t index, int32_t field, int64_t *dim)
{
    const struct set *set = opaque;

    DNN__TRY(dnn__range_check(set->host, dnn__cifar.id, index, 1, set->n));
    if (field < 0 || field > set->n_labels)
        return set->host->fail(DNN_E_INVALID, "%s: field %d, there are %d", dnn__cifar.id,
                               (int)field, 1 + set->n_labels);
    for (int32_t i = 0; i < set->field[field].ndim; i++)
        dim[i] = set->field[field].dim[i];
    return DNN_OK;
}

static dnn_status check_buffers(const struct set *set, int64_t count, void *const *dst,
                                const uint64_t *dst_bytes)
{
    if (dst == NULL || dst_bytes == NULL)
        return set->host->fail(DNN_E_INVALID, "%s: read: dst and dst_bytes must be given",
                               dnn__cifar.id);
    for (int i = 0; i < 1 + set->n_labels; i++)
        if (dst[i] != NULL)
            DNN__TRY(dnn__dst_check(set->host, dnn__cifar.id, set->field[i].name, (uint64_t)count,
                                    i == 0 ? CIFAR_PIXELS : sizeof(int64_t), dst_bytes[i]));
    return DNN_OK;
}

/* dst[] of a field may be NULL: it is not copied. `at` is the sample's index in the buffers. */
static void copy_record(const struct set *set, const uint8_t *record, void *const *dst, int64_t at)
{
    if (dst[0] != NULL)
        memcpy((uint8_t *)dst[0] + at * CIFAR_PIXELS, record + dnn__cifar.n_labels, CIFAR_PIXELS);
    for (int i = 0; i < set->n_labels; i++)
        if (dst[1 + i] != NULL)
            ((int64_t *)dst[1 + i])[at] = record[set->label_byte[i]];
}

dnn_status dnn__cifar_read(void *opaque, int64_t first, int64_t count, void *const *dst,
                           const uint64_t *dst_bytes)
{
    const struct set *set = opaque;
    int64_t done = 0;

    DNN__TRY(dnn__range_check(set->host, dnn__cifar.id, first, count, set->n));
    DNN__TRY(check_buffers(set, count, dst, dst_bytes));
    for (int i = 0; i < dnn__cifar.n_files && done < count; i++) {
        for (; first < set->batch[i].n && done < count; first++, done++)
            copy_record(set, set->batch[i].records + first * record_bytes(), dst, done);
        first -= set->batch[i].n;
    }
    return DNN_OK;
}

static int bid_folder(const char *path)
{
    dnn__location location, below;
    int bid = 0;

    if (!dnn__location_folder(path, &location))
        return 0;
    if (holds_batches(&location))
        bid = dnn__cifar.member_bid - 5;
    if (bid == 0 && dnn__location_subfolder(&location, dnn__cifar.folder_name, &below)) {
        bid = holds_batches(&below) ? 90 : 0;
        dnn__location_close(&below);
    }
    for (int i = 0; i < 2 && bid == 0; i++)
        bid = dnn__location_has(&location, dnn__cifar.archive_names[i]) ? 80 : 0;
    if (bid == 0 && python_name(&location) != NULL)
        bid = PYTHON_BID;
    dnn__location_close(&location);
    return bid;
}

/* Records have no magic number: the file name decides, and the labels at the head of each record
 * must be in range. */
static int bid_batch(const dnn_reader_probe *probe)
{
    const char *slash = probe->path != NULL ? strrchr(probe->path, '/') : NULL;
    const uint64_t record = (uint64_t)record_bytes(), n_labels = (uint64_t)dnn__cifar.n_labels;

    if (probe->path == NULL || find_file(slash != NULL ? slash + 1 : probe->path) < 0)
        return 0;
    for (uint64_t at = 0; at < probe->head_bytes; at++)
        if (at % record < n_labels && probe->head[at] >= dnn__cifar.label[at % record].classes)
            return 0;
    return probe->head_bytes > 0 ? 80 : 0;
}

/* Returns the bid for an archive with a member of this name. */
static int bid_member(const char *base)
{
    if (find_file(base) >= 0)
        return dnn__cifar.member_bid;
    if (find_meta(base) >= 0)
        return 90;
    if (dnn__cifar.n_files > 2 ? is_python_file(base) : strcmp(base, dnn__cifar.python_folder) == 0)
        return PYTHON_BID;
    return strcmp(base, dnn__cifar.folder_name) == 0 ? 60 : 0;
}

int dnn__cifar_bid(const dnn_reader_probe *probe)
{
    uint8_t head[HEAD_BYTES];
    char base[101];
    uint64_t offset = 0, bytes;
    int bid = 0;

    if (probe->is_dir)
        return probe->path != NULL ? bid_folder(probe->path) : 0;
    bytes = dnn__head(probe, head, sizeof(head));
    while (dnn__tar_head(head, bytes, &offset, base))
        if (bid_member(base) > bid)
            bid = bid_member(base);
    return bid > 0 ? bid : bid_batch(probe);
}
