/* safetensors.c - the one way into a safetensors file: all of it is validated at open, and tensors
 * are read when they are asked for.
 *
 *     u64 N, little-endian | N bytes of JSON | data
 *     {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [begin, end]}, ..., "__metadata__":
 * {"key": "text"}}
 *
 * Until the end of validation memory is the header and 40 bytes for each tensor, which takes at
 * least 51 bytes of header. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "io_impl.h"
#include "call.h"

enum {
    MAX_HEADER = 100000000,
    MAX_MEMBER = 4096,
    MAX_KEY = 6 * 1024 + 2,
    MAX_NAME = 1024,
    MAX_TEXT = 1 << 20
};

/* The 22 names, their bits, and ours (0: libdnn has none such). */
static const struct format {
    const char *name;
    uint8_t bits;
    uint16_t dtype;
} formats[] = {
    {"BOOL", 8, DNN_T_BOOL},  {"U8", 8, DNN_T_U8},
    {"I8", 8, DNN_T_I8},      {"U16", 16, 0},
    {"I16", 16, 0},           {"U32", 32, 0},
    {"I32", 32, DNN_T_I32},   {"U64", 64, 0},
    {"I64", 64, DNN_T_I64},   {"F16", 16, DNN_T_F16},
    {"BF16", 16, DNN_T_BF16}, {"F32", 32, DNN_T_F32},
    {"F64", 64, DNN_T_F64},   {"C64", 64, 0},
    {"F8_E4M3", 8, 0},        {"F8_E5M2", 8, 0},
    {"F8_E8M0", 8, 0},        {"F8_E4M3FNUZ", 8, 0},
    {"F8_E5M2FNUZ", 8, 0},    {"F6_E2M3", 6, 0},
    {"F6_E3M2", 6, 0},        {"F4", 4, 0},
};

struct entry {
    const char *name; /* in the header, decoded */
    uint64_t begin, end;
    uint32_t value; /* where its object stands in the header */
    uint32_t crc;   /* of its data, where the file has checksums */
    uint16_t value_bytes;
    uint8_t format;
};

struct text {
    const char *key, *value;
};

struct dnn_file {
    char *path, *header;
    int fd;
    uint64_t size, header_bytes;
    struct entry *entry; /* by name */
    int64_t n, capacity;
    struct text *metadata;
    int64_t n_metadata, cap_metadata;
    bool has_metadata;    /* an empty one counts too */
    bool sealed, has_crc; /* the header has a checksum; the tensors have theirs */
    uint32_t seal;
};

/* ---- pieces of JSON ---- */

static dnn_status refuse(const dnn_file *f, const char *name, uint64_t at, const char *fmt, ...)
    DNN_PRINTF(4, 5);
static dnn_status refuse(const dnn_file *f, const char *name, uint64_t at, const char *fmt, ...)
{
    char text[500];
    va_list list;

    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    return dnn__fail(DNN_E_FORMAT, "%s: \"%.60s\" (header byte %llu): %s", f->path, name,
                     (unsigned long long)at, text);
}

/* A string in quotes decoded into its own place in the header, ended by 0: it never gets longer. */
static dnn_status decode_string(dnn_file *f, size_t at, size_t bytes, size_t most, const char *what,
                                const char **out)
{
    json_error_t error;
    json_t *value;
    size_t length;

    if (bytes > most) {
        return dnn__fail(DNN_E_FORMAT, "%s: header byte %zu: a %s of %zu bytes, more than %zu",
                         f->path, at, what, bytes, most);
    }
    value = json_loadb(f->header + at, bytes, JSON_DECODE_ANY, &error);
    if (value == NULL || !json_is_string(value)) {
        json_decref(value);
        return dnn__fail(DNN_E_FORMAT, "%s: header byte %zu: a %s that is no JSON string: %s",
                         f->path, at, what, error.text);
    }
    length = json_string_length(value);
    memcpy(f->header + at, json_string_value(value), length);
    f->header[at + length] = 0;
    json_decref(value);
    *out = f->header + at;
    return DNN_OK;
}

static bool whole_number(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static int find_format(const char *name)
{
    for (size_t i = 0; name != NULL && i < DNN__COUNT(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- one entry ---- */

static dnn_status read_shape(const dnn_file *f, const struct entry *e, const json_t *shape,
                             dnn_shape *out)
{
    uint64_t size;

    if (!json_is_array(shape)) {
        return refuse(f, e->name, e->value, "shape is no list");
    }
    if (json_array_size(shape) > DNN_MAX_DIMS) {
        return refuse(f, e->name, e->value, "rank %zu, more than %d", json_array_size(shape),
                      DNN_MAX_DIMS);
    }
    *out = (dnn_shape){.ndim = (int64_t)json_array_size(shape)};
    for (size_t i = 0; i < json_array_size(shape); i++) {
        if (!whole_number(json_array_get(shape, i), &size)) {
            return refuse(f, e->name, e->value,
                          "size %zu of the shape is no whole number from 0 to 2^63-1", i);
        }
        out->dim[i] = (int64_t)size;
    }
    return DNN_OK;
}

/* Bytes that the shape takes; sizes are held against the file before anything is made of them. */
static dnn_status check_bytes(const dnn_file *f, const struct entry *e, const dnn_shape *shape)
{
    uint64_t bits = formats[e->format].bits, given = e->end - e->begin;

    for (int64_t i = 0; i < shape->ndim; i++) {
        if (__builtin_mul_overflow(bits, (uint64_t)shape->dim[i], &bits)) {
            return refuse(f, e->name, e->value, "the shape %s takes more bits than can be counted",
                          dnn__shape_text((int)shape->ndim, shape->dim));
        }
    }
    if (bits % 8 != 0) {
        return refuse(f, e->name, e->value, "%llu bits by shape, which is no whole number of bytes",
                      (unsigned long long)bits);
    }
    if (bits / 8 != given) {
        return refuse(f, e->name, e->value, "%llu bytes by shape %s of %s, %llu by data_offsets",
                      (unsigned long long)(bits / 8), dnn__shape_text((int)shape->ndim, shape->dim),
                      formats[e->format].name, (unsigned long long)given);
    }
    return DNN_OK;
}

static dnn_status read_offsets(const dnn_file *f, struct entry *e, const json_t *offsets)
{
    uint64_t data = f->size - 8 - f->header_bytes;

    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !whole_number(json_array_get(offsets, 0), &e->begin) ||
        !whole_number(json_array_get(offsets, 1), &e->end)) {
        return refuse(f, e->name, e->value,
                      "data_offsets are not two whole numbers from 0 to 2^63-1");
    }
    if (e->end < e->begin) {
        return refuse(f, e->name, e->value, "data_offsets end at %llu, before they begin at %llu",
                      (unsigned long long)e->end, (unsigned long long)e->begin);
    }
    if (e->end > data) {
        return refuse(f, e->name, e->value, "data_offsets end at %llu, the data at %llu",
                      (unsigned long long)e->end, (unsigned long long)data);
    }
    return DNN_OK;
}

/* Outside strings an entry has digits, brackets and separators: a minus could only be a negative
 * number or -0. */
static bool has_minus(const char *text, size_t bytes)
{
    bool quoted = false;

    for (size_t i = 0; i < bytes; i++) {
        quoted = text[i] == '"' ? !quoted : quoted;
        if (!quoted && text[i] == '-') {
            return true;
        }
    }
    return false;
}

/* The object of an entry as jansson sees it; the caller's. */
static dnn_status parse_entry(const dnn_file *f, const struct entry *e, json_t **out)
{
    json_error_t error;

    *out = json_loadb(f->header + e->value, e->value_bytes, JSON_REJECT_DUPLICATES, &error);
    if (*out == NULL) {
        return refuse(f, e->name, e->value, "no JSON: %s", error.text);
    }
    return DNN_OK;
}

static dnn_status judge_entry(const dnn_file *f, struct entry *e, const json_t *object)
{
    const json_t *dtype = json_object_get(object, "dtype"),
                 *shape = json_object_get(object, "shape");
    const json_t *offsets = json_object_get(object, "data_offsets");
    dnn_shape dims;
    int format;

    if (json_object_size(object) != 3 || dtype == NULL || shape == NULL || offsets == NULL) {
        return refuse(f, e->name, e->value, "%zu members, not exactly dtype, shape, data_offsets",
                      json_object_size(object));
    }
    if (has_minus(f->header + e->value, e->value_bytes)) {
        return refuse(f, e->name, e->value,
                      "a number with a minus: numbers are whole and from 0 to 2^63-1");
    }
    format = find_format(json_string_value(dtype));
    if (format < 0) {
        return refuse(f, e->name, e->value, "dtype %.20s is none of the %zu known",
                      json_is_string(dtype) ? json_string_value(dtype) : "(no string)",
                      DNN__COUNT(formats));
    }
    e->format = (uint8_t)format;
    DNN_TRY(read_shape(f, e, shape, &dims));
    DNN_TRY(read_offsets(f, e, offsets));
    return check_bytes(f, e, &dims);
}

static dnn_status check_name(const dnn_file *f, const char *name, size_t at)
{
    size_t length = strlen(name);

    if (length < 1 || length > MAX_NAME) {
        return dnn__fail(DNN_E_FORMAT, "%s: header byte %zu: a name of %zu bytes, not 1 to %d",
                         f->path, at, length, MAX_NAME);
    }
    if (strcmp(name, "__metadata__") ==
        0) { /* by escapes; other readers would take it for the metadata */
        return dnn__fail(DNN_E_FORMAT, "%s: header byte %zu: an escaped __metadata__", f->path, at);
    }
    return DNN_OK;
}

static dnn_status add_entry(dnn_file *f, const dnn__member *m)
{
    struct entry *e;
    json_t *object;
    dnn_status st;

    DNN_TRY(dnn__reserve((void **)&f->entry, &f->capacity, f->n + 1, sizeof *e, f->path));
    e = &f->entry[f->n];
    DNN_TRY(decode_string(f, m->key, m->key_bytes, MAX_KEY, "name", &e->name));
    DNN_TRY(check_name(f, e->name, m->key));
    if (m->value_bytes > MAX_MEMBER) {
        return refuse(f, e->name, m->value, "an entry of %zu bytes, more than %d", m->value_bytes,
                      MAX_MEMBER);
    }
    e->value = (uint32_t)m->value;
    e->value_bytes = (uint16_t)m->value_bytes;
    DNN_TRY(parse_entry(f, e, &object));
    st = judge_entry(f, e, object);
    json_decref(object);
    f->n += st == DNN_OK;
    return st;
}

/* ---- metadata ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(((const struct text *)a)->key, ((const struct text *)b)->key);
}

static dnn_status add_metadata(dnn_file *f, const dnn__member *whole)
{
    dnn__members walk;
    dnn__member m = {0};
    bool end = false;

    if (f->has_metadata) {
        return dnn__fail(DNN_E_FORMAT, "%s: header byte %zu: a second __metadata__", f->path,
                         whole->key);
    }
    f->has_metadata = true;
    DNN_TRY(dnn__members_begin(&walk, f->header, whole->value + whole->value_bytes, whole->value));
    for (;;) {
        struct text *t;

        DNN_TRY(dnn__members_next(&walk, '"', &m, &end));
        if (end) {
            break;
        }
        DNN_TRY(dnn__reserve((void **)&f->metadata, &f->cap_metadata, f->n_metadata + 1, sizeof *t,
                             f->path));
        t = &f->metadata[f->n_metadata];
        DNN_TRY(decode_string(f, m.key, m.key_bytes, MAX_KEY, "metadata name", &t->key));
        DNN_TRY(decode_string(f, m.value, m.value_bytes, MAX_TEXT, "metadata text", &t->value));
        f->n_metadata++;
    }
    if (f->n_metadata > 1) {
        qsort(f->metadata, (size_t)f->n_metadata, sizeof *f->metadata, compare_texts);
    }
    for (int64_t i = 1; i < f->n_metadata; i++) {
        if (strcmp(f->metadata[i - 1].key, f->metadata[i].key) == 0) {
            return dnn__fail(DNN_E_FORMAT, "%s: __metadata__ has \"%.60s\" twice", f->path,
                             f->metadata[i].key);
        }
    }
    return DNN_OK;
}

static bool is_metadata(const dnn_file *f, const dnn__member *m)
{
    static const char name[] = "\"__metadata__\"";

    return m->key_bytes == sizeof name - 1 &&
           memcmp(f->header + m->key, name, sizeof name - 1) == 0;
}

/* ---- the whole ---- */

static dnn_status with_path(const dnn_file *f, dnn_status status)
{
    return status == DNN_OK || strncmp(dnn__self.text, f->path, strlen(f->path)) == 0
               ? status
               : dnn__fail(status, "%s: %s", f->path, dnn__self.text);
}

static dnn_status read_members(dnn_file *f)
{
    dnn__members walk;
    dnn__member m = {0};
    bool end = false;

    DNN_TRY(dnn__members_begin(&walk, f->header, f->header_bytes, 0));
    for (;;) {
        DNN_TRY(dnn__members_next(&walk, '{', &m, &end));
        if (end) {
            break;
        }
        DNN_TRY(is_metadata(f, &m) ? add_metadata(f, &m) : add_entry(f, &m));
    }
    for (size_t i = walk.at; i < f->header_bytes; i++) {
        if (f->header[i] != ' ') {
            return dnn__fail(
                DNN_E_FORMAT,
                "header byte %zu: 0x%02x behind the closing brace, where only spaces may be", i,
                (unsigned char)f->header[i]);
        }
    }
    return DNN_OK;
}

static int compare_places(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;

    if (a->begin != b->begin) {
        return a->begin < b->begin ? -1 : 1;
    }
    return a->end < b->end ? -1 : a->end > b->end;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Eight hexadecimal digits, as %08x writes them. */
static bool read_crc(const char *text, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 8; i++) {
        const char *digit = text[i] != 0 ? strchr("0123456789abcdef", text[i]) : NULL;

        if (digit == NULL) {
            return false;
        }
        *out = *out << 4 | (uint32_t)(digit - "0123456789abcdef");
    }
    return true;
}

/* "dnn.crc32c": eight digits for each tensor, in the order of their data. */
static dnn_status take_checksums(dnn_file *f)
{
    const char *text = dnn__file_text(f, "dnn.crc32c");

    if (text == NULL) {
        return DNN_OK;
    }
    if (strlen(text) != 8 * (size_t)f->n) {
        return dnn__fail(DNN_E_FORMAT, "%s: dnn.crc32c has %zu digits for %lld tensors, not %lld",
                         f->path, strlen(text), (long long)f->n, (long long)(8 * f->n));
    }
    for (int64_t i = 0; i < f->n; i++) {
        if (!read_crc(text + 8 * i, &f->entry[i].crc)) {
            return dnn__fail(DNN_E_FORMAT, "%s: dnn.crc32c: \"%.8s\" is no checksum", f->path,
                             text + 8 * i);
        }
    }
    f->has_crc = true;
    return DNN_OK;
}

/* The tensors tile the data: no hole, no overlap, nothing behind. */
static dnn_status check_tiling(dnn_file *f)
{
    uint64_t at = 0;

    if (f->n > 1) {
        qsort(f->entry, (size_t)f->n, sizeof *f->entry, compare_places);
    }
    for (int64_t i = 0; i < f->n; i++) {
        const struct entry *e = &f->entry[i];

        if (e->begin != at) {
            return refuse(
                f, e->name, e->value,
                "it begins at data byte %llu, where %llu is the next: a hole or an overlap",
                (unsigned long long)e->begin, (unsigned long long)at);
        }
        at = e->end;
    }
    DNN_TRY(take_checksums(f));
    if (at + 8 + f->header_bytes != f->size) {
        return dnn__fail(DNN_E_FORMAT, "%s: the tensors end at byte %llu, the file at %llu",
                         f->path, (unsigned long long)(at + 8 + f->header_bytes),
                         (unsigned long long)f->size);
    }
    if (f->n > 1) {
        qsort(f->entry, (size_t)f->n, sizeof *f->entry, compare_entries);
    }
    for (int64_t i = 1; i < f->n; i++) {
        if (strcmp(f->entry[i - 1].name, f->entry[i].name) == 0) {
            return refuse(f, f->entry[i].name, f->entry[i].value, "the name stands twice");
        }
    }
    return DNN_OK;
}

/* "dnn.crc32c.header": the checksum of the header with these eight digits as zeros. No text of a
 * file can look like the key, for quotes in it are escaped. */
static dnn_status check_seal(dnn_file *f)
{
    static const char key[] = "\"dnn.crc32c.header\":\"";
    static const char zeros[] = "00000000";
    const char *at = memmem(f->header, f->header_bytes, key, sizeof key - 1);
    size_t before;
    uint32_t crc;

    if (at == NULL) {
        return DNN_OK;
    }
    at += sizeof key - 1;
    before = (size_t)(at - f->header);
    if (f->header_bytes - before < 8 || !read_crc(at, &f->seal)) {
        return dnn__fail(DNN_E_FORMAT, "%s: header byte %zu: no checksum", f->path, before);
    }
    crc = dnn__crc32c(0, f->header, before);
    crc = dnn__crc32c(crc, zeros, 8);
    crc = dnn__crc32c(crc, at + 8, f->header_bytes - before - 8);
    if (crc != f->seal) {
        return dnn__fail(DNN_E_FORMAT,
                         "%s: the header has the CRC-32C %08x, it says %08x: the file is damaged",
                         f->path, crc, f->seal);
    }
    f->sealed = true;
    return DNN_OK;
}

static dnn_status read_header(dnn_file *f)
{
    uint8_t first[8];
    uint64_t n = 0;

    if (f->size < 8) {
        return dnn__fail(DNN_E_FORMAT,
                         "%s: %llu bytes are fewer than the 8 of a safetensors file's length",
                         f->path, (unsigned long long)f->size);
    }
    DNN_TRY(dnn__read_file_at(f->path, f->fd, first, sizeof first, 0));
    for (int i = 7; i >= 0; i--) {
        n = n << 8 | first[i];
    }
    if (n < 2 || n > MAX_HEADER || n > f->size - 8) {
        return dnn__fail(DNN_E_FORMAT,
                         "%s: a header of %llu bytes in a file of %llu; 2 to %d are taken, and no "
                         "more than there are",
                         f->path, (unsigned long long)n, (unsigned long long)f->size, MAX_HEADER);
    }
    f->header_bytes = n;
    f->header = dnn__alloc(n + 1);
    if (f->header == NULL) {
        return dnn__nomem(f->path, n + 1);
    }
    f->header[n] = 0;
    DNN_TRY(dnn__read_file_at(f->path, f->fd, f->header, n, 8));
    return check_seal(f);
}

static dnn_status read_all(dnn_file *f)
{
    DNN_TRY(dnn__open_file(f->path, &f->fd, &f->size));
    DNN_TRY(read_header(f));
    DNN_TRY(with_path(f, read_members(f)));
    return check_tiling(f);
}

dnn_status dnn_file_open(const char *path, dnn_file **out)
{
    dnn_file *f;
    dnn_status st;

    DNN_TRY(dnn__require(path, "dnn_file_open", "path"));
    DNN_TRY(dnn__require(out, "dnn_file_open", "out"));
    f = dnn__calloc(1, sizeof *f);
    if (f == NULL) {
        return dnn__nomem(path, sizeof *f);
    }
    f->fd = -1;
    f->path = dnn__strdup(path);
    st = f->path != NULL ? read_all(f) : dnn__nomem(path, strlen(path));
    if (st != DNN_OK) {
        dnn_file_close(f);
        return st;
    }
    *out = f;
    return DNN_OK;
}

void dnn_file_close(dnn_file *file)
{
    if (file == NULL) {
        return;
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    dnn__free(file->path);
    dnn__free(file->header);
    dnn__free(file->entry);
    dnn__free(file->metadata);
    dnn__free(file);
}

/* ---- facts and tensors ---- */

int64_t dnn_file_count(const dnn_file *file)
{
    return file != NULL ? file->n : 0;
}

static dnn_status shape_of(const dnn_file *f, const struct entry *e, dnn_shape *out)
{
    json_t *object;
    dnn_status st;

    DNN_TRY(parse_entry(f, e, &object));
    st = read_shape(f, e, json_object_get(object, "shape"), out);
    json_decref(object);
    return st;
}

bool dnn_file_entry(const dnn_file *file, int64_t index, dnn_file_entry_info *out)
{
    const struct entry *e;

    if (file == NULL || out == NULL || index < 0 || index >= file->n) {
        return false;
    }
    e = &file->entry[index];
    *out = (dnn_file_entry_info){.name = e->name,
                                 .dtype_name = formats[e->format].name,
                                 .dtype = formats[e->format].dtype,
                                 .bytes = e->end - e->begin};
    return shape_of(file, e, &out->shape) == DNN_OK;
}

bool dnn_file_metadata(const dnn_file *file, int64_t index, const char **key, const char **value)
{
    if (file == NULL || index < 0 || index >= file->n_metadata) {
        return false;
    }
    *key = file->metadata[index].key;
    *value = file->metadata[index].value;
    return true;
}

const char *dnn__file_path(const dnn_file *file)
{
    return file->path;
}

const char *dnn__file_text(const dnn_file *file, const char *key)
{
    struct text wanted = {.key = key};
    const struct text *found = file->n_metadata > 0
                                   ? bsearch(&wanted, file->metadata, (size_t)file->n_metadata,
                                             sizeof wanted, compare_texts)
                                   : NULL;

    return found != NULL ? found->value : NULL;
}

bool dnn__file_seal(const dnn_file *file, uint32_t *crc)
{
    *crc = file->seal;
    return file->sealed;
}

static dnn_status check_crc(const dnn_file *f, const struct entry *e, uint32_t crc)
{
    return !f->has_crc || crc == e->crc
               ? DNN_OK
               : refuse(f, e->name, e->value,
                        "its data has the CRC-32C %08x, dnn.crc32c says %08x: the file is damaged",
                        crc, e->crc);
}

static dnn_status verify_entry(const dnn_file *f, const struct entry *e, void *buffer, size_t room)
{
    uint32_t crc = 0;

    for (uint64_t at = e->begin; at < e->end;) {
        uint64_t n = e->end - at < room ? e->end - at : room;

        DNN_TRY(dnn__read_file_at(f->path, f->fd, buffer, n, 8 + f->header_bytes + at));
        crc = dnn__crc32c(crc, buffer, n);
        at += n;
    }
    return check_crc(f, e, crc);
}

dnn_status dnn_file_verify(dnn_file *file)
{
    enum { ROOM = 256 * 1024 };
    dnn_status st = DNN_OK;
    void *buffer;

    DNN_TRY(dnn__require(file, "dnn_file_verify", "file"));
    buffer = dnn__alloc(ROOM);
    if (buffer == NULL) {
        return dnn__nomem(file->path, ROOM);
    }
    for (int64_t i = 0; i < file->n && st == DNN_OK; i++) {
        st = verify_entry(file, &file->entry[i], buffer, ROOM);
    }
    dnn__free(buffer);
    return st;
}

static dnn_status check_bools(const dnn_file *f, const struct entry *e, const uint8_t *data)
{
    for (uint64_t i = 0; i < e->end - e->begin; i++) {
        if (data[i] > 1) {
            return refuse(f, e->name, e->value, "element %llu is the byte %u; a BOOL is 0 or 1",
                          (unsigned long long)i, data[i]);
        }
    }
    return DNN_OK;
}

static dnn_status read_tensor(const dnn_file *f, const struct entry *e, dnn_tensor **out)
{
    dnn_shape shape;
    dnn_tensor *t;

    if (formats[e->format].dtype == 0) {
        return refuse(f, e->name, e->value, "libdnn has no dtype %s", formats[e->format].name);
    }
    DNN_TRY(shape_of(f, e, &shape));
    DNN_TRY(dnn__thread_register());
    t = dnn__tensor_new(f->path, formats[e->format].dtype, (int)shape.ndim, shape.dim, dnn__cpu());
    if (t == NULL) {
        return dnn__take();
    }
    *out = t;
    if (e->end == e->begin) {
        return DNN_OK;
    }
    DNN_TRY(dnn__read_file_at(f->path, f->fd, t->storage->data, e->end - e->begin,
                              8 + f->header_bytes + e->begin));
    if (f->has_crc) {
        DNN_TRY(check_crc(f, e, dnn__crc32c(0, t->storage->data, e->end - e->begin)));
    }
    return t->dtype == DNN_T_BOOL ? check_bools(f, e, t->storage->data) : DNN_OK;
}

int64_t dnn__file_find(const dnn_file *file, const char *name)
{
    struct entry key = {.name = name};
    const struct entry *e =
        file->n > 0 ? bsearch(&key, file->entry, (size_t)file->n, sizeof key, compare_entries)
                    : NULL;

    return e != NULL ? e - file->entry : -1;
}

dnn_tensor *dnn_file_tensor(dnn_file *file, const char *name)
{
    const struct entry *e;
    dnn_tensor *t = NULL;
    int64_t at;
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    if (file == NULL || name == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_file_tensor: %s is NULL",
                                   file == NULL ? "file" : "name"));
    }
    at = dnn__file_find(file, name);
    if (at < 0) {
        return dnn__null(
            dnn__fail(DNN_E_INVALID, "%s: no tensor is called \"%.60s\"", file->path, name));
    }
    e = &file->entry[at];
    st = read_tensor(file, e, &t);
    if (st != DNN_OK) {
        dnn_release(t);
        return dnn__null(st);
    }
    return t;
}
