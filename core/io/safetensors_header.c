/* safetensors_header.c - the header of a safetensors file: reads it, parses it and checks every
 * entry. It decodes the strings of the header in place: an open file takes the memory of its header
 * and 40 bytes for each tensor. An entry has at least 51 bytes in the header, so the size of the
 * header bounds the memory. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "safetensors_header.h"
#include "file.h"
#include "foreign_file.h"
#include "json_members.h"

enum {
    MAX_HEADER = 100000000, /* bytes, as in the reference implementation of safetensors */
    MAX_MEMBER = 4096,      /* bytes of an entry's object */
    MAX_NAME = 1024,
    MAX_KEY = 6 * MAX_NAME + 2, /* a quoted name, each byte written as \u00XX */
    MAX_TEXT = 1 << 20          /* bytes of a metadata text with its quotes */
};

/* ---- pieces of JSON ---- */

dnn_status dnn__header_refuse(const dnn_file *f, const char *name, uint64_t at, const char *fmt,
                              ...)
{
    char text[500];
    va_list list;

    va_start(list, fmt);
    (void)dnn__vformat(text, sizeof text, fmt, list);
    va_end(list);
    return dnn__fail(DNN_E_FORMAT, "%s: \"%.60s\" (header byte %llu): %s", f->path, name,
                     (unsigned long long)at, text);
}

/* Decodes a quoted string in place in the header and ends it with 0. The decoded string is never
 * longer than the quoted one. */
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
    for (size_t i = 0; name != NULL && i < DNN__COUNT(dnn__formats); i++) {
        if (strcmp(dnn__formats[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- one entry ---- */

static dnn_status read_shape(const dnn_file *f, const struct dnn__entry *e, const json_t *shape,
                             dnn_shape *out)
{
    uint64_t size;

    if (!json_is_array(shape)) {
        return dnn__header_refuse(f, e->name, e->value, "shape is no list");
    }
    if (json_array_size(shape) > DNN_MAX_DIMS) {
        return dnn__header_refuse(f, e->name, e->value, "rank %zu, more than %d",
                                  json_array_size(shape), DNN_MAX_DIMS);
    }
    *out = (dnn_shape){.ndim = (int64_t)json_array_size(shape)};
    for (size_t i = 0; i < json_array_size(shape); i++) {
        if (!whole_number(json_array_get(shape, i), &size)) {
            return dnn__header_refuse(f, e->name, e->value,
                                      "size %zu of the shape is no whole number from 0 to 2^63-1",
                                      i);
        }
        out->dim[i] = (int64_t)size;
    }
    return DNN_OK;
}

/* Checks that shape and data have the same number of bytes, before the shape decides the size of an
 * allocation. */
static dnn_status check_bytes(const dnn_file *f, const struct dnn__entry *e, const dnn_shape *shape)
{
    uint64_t bits = dnn__formats[e->format].bits, given = e->end - e->begin;

    for (int64_t i = 0; i < shape->ndim; i++) {
        if (__builtin_mul_overflow(bits, (uint64_t)shape->dim[i], &bits)) {
            return dnn__header_refuse(f, e->name, e->value,
                                      "the shape %s takes more bits than can be counted",
                                      dnn__shape_text((int)shape->ndim, shape->dim));
        }
    }
    if (bits % 8 != 0) {
        return dnn__header_refuse(f, e->name, e->value,
                                  "%llu bits by shape, which is no whole number of bytes",
                                  (unsigned long long)bits);
    }
    if (bits / 8 != given) {
        return dnn__header_refuse(
            f, e->name, e->value, "%llu bytes by shape %s of %s, %llu by data_offsets",
            (unsigned long long)(bits / 8), dnn__shape_text((int)shape->ndim, shape->dim),
            dnn__formats[e->format].name, (unsigned long long)given);
    }
    return DNN_OK;
}

static dnn_status read_offsets(const dnn_file *f, struct dnn__entry *e, const json_t *offsets)
{
    uint64_t data = f->size - 8 - f->header_bytes;

    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !whole_number(json_array_get(offsets, 0), &e->begin) ||
        !whole_number(json_array_get(offsets, 1), &e->end)) {
        return dnn__header_refuse(f, e->name, e->value,
                                  "data_offsets are not two whole numbers from 0 to 2^63-1");
    }
    if (e->end < e->begin) {
        return dnn__header_refuse(f, e->name, e->value,
                                  "data_offsets end at %llu, before they begin at %llu",
                                  (unsigned long long)e->end, (unsigned long long)e->begin);
    }
    if (e->end > data) {
        return dnn__header_refuse(f, e->name, e->value,
                                  "data_offsets end at %llu, the data at %llu",
                                  (unsigned long long)e->end, (unsigned long long)data);
    }
    return DNN_OK;
}

/* Finds a minus outside strings. There an entry has numbers, brackets and separators only, so the
 * minus belongs to a negative number or to -0, which jansson parses as 0. */
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

/* Parses the object of an entry. The caller owns *out. */
static dnn_status parse_entry(const dnn_file *f, const struct dnn__entry *e, json_t **out)
{
    json_error_t error;

    *out = json_loadb(f->header + e->value, e->value_bytes, JSON_REJECT_DUPLICATES, &error);
    if (*out == NULL) {
        return dnn__header_refuse(f, e->name, e->value, "no JSON: %s", error.text);
    }
    return DNN_OK;
}

static dnn_status check_entry(const dnn_file *f, struct dnn__entry *e, const json_t *object)
{
    const json_t *dtype = json_object_get(object, "dtype"),
                 *shape = json_object_get(object, "shape");
    const json_t *offsets = json_object_get(object, "data_offsets");
    dnn_shape dims;
    int format;

    if (json_object_size(object) != 3 || dtype == NULL || shape == NULL || offsets == NULL) {
        return dnn__header_refuse(f, e->name, e->value,
                                  "%zu members, not exactly dtype, shape, data_offsets",
                                  json_object_size(object));
    }
    if (has_minus(f->header + e->value, e->value_bytes)) {
        return dnn__header_refuse(f, e->name, e->value,
                                  "a number with a minus: numbers are whole and from 0 to 2^63-1");
    }
    format = find_format(json_string_value(dtype));
    if (format < 0) {
        return dnn__header_refuse(f, e->name, e->value, "dtype %.20s is none of the %zu known",
                                  json_is_string(dtype) ? json_string_value(dtype) : "(no string)",
                                  DNN__COUNT(dnn__formats));
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
    /* is_metadata compares quoted bytes, so here the name has escapes. Other readers would decode
     * it and take the tensor for the metadata. */
    if (strcmp(name, "__metadata__") == 0) {
        return dnn__fail(DNN_E_FORMAT, "%s: header byte %zu: an escaped __metadata__", f->path, at);
    }
    return DNN_OK;
}

static dnn_status add_entry(dnn_file *f, const dnn__member *m)
{
    struct dnn__entry *e;
    json_t *object;
    dnn_status st;

    DNN_TRY(dnn__reserve((void **)&f->entry, &f->capacity, f->n + 1, sizeof *e, f->path));
    e = &f->entry[f->n];
    DNN_TRY(decode_string(f, m->key, m->key_bytes, MAX_KEY, "name", &e->name));
    DNN_TRY(check_name(f, e->name, m->key));
    if (m->value_bytes > MAX_MEMBER) {
        return dnn__header_refuse(f, e->name, m->value, "an entry of %zu bytes, more than %d",
                                  m->value_bytes, MAX_MEMBER);
    }
    e->value = (uint32_t)m->value;
    e->value_bytes = (uint16_t)m->value_bytes;
    DNN_TRY(parse_entry(f, e, &object));
    st = check_entry(f, e, object);
    json_decref(object);
    f->n += st == DNN_OK;
    return st;
}

/* ---- metadata ---- */

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
        struct dnn__metadata *t;

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
    dnn__file_sort_metadata(f);
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

/* ---- all entries ---- */

dnn_status dnn__header_parse(dnn_file *f)
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
    const struct dnn__entry *a = pa, *b = pb;

    if (a->begin != b->begin) {
        return a->begin < b->begin ? -1 : 1;
    }
    return a->end < b->end ? -1 : a->end > b->end;
}

dnn_status dnn__header_check_tiling(dnn_file *f)
{
    uint64_t at = 0;

    if (f->n > 1) {
        qsort(f->entry, (size_t)f->n, sizeof *f->entry, compare_places);
    }
    for (int64_t i = 0; i < f->n; i++) {
        const struct dnn__entry *e = &f->entry[i];

        if (e->begin != at) {
            return dnn__header_refuse(f, e->name, e->value,
                                      "it begins at data byte %llu, not %llu, where the tensor "
                                      "before it ends: a hole or an "
                                      "overlap",
                                      (unsigned long long)e->begin, (unsigned long long)at);
        }
        at = e->end;
    }
    return DNN_OK;
}

dnn_status dnn__header_check_end(dnn_file *f)
{
    uint64_t at = f->n > 0 ? f->entry[f->n - 1].end : 0;

    if (at + 8 + f->header_bytes != f->size) {
        return dnn__fail(DNN_E_FORMAT, "%s: the tensors end at byte %llu, the file at %llu",
                         f->path, (unsigned long long)(at + 8 + f->header_bytes),
                         (unsigned long long)f->size);
    }
    dnn__file_sort_entries(f);
    for (int64_t i = 1; i < f->n; i++) {
        if (strcmp(f->entry[i - 1].name, f->entry[i].name) == 0) {
            return dnn__header_refuse(f, f->entry[i].name, f->entry[i].value,
                                      "the name occurs twice");
        }
    }
    return DNN_OK;
}

/* ---- the header itself ---- */

/* Called for a file whose header has a length that cannot be: names what the file is instead, if
 * its first bytes say it. */
static dnn_status refuse_length(const dnn_file *f, uint64_t n)
{
    uint8_t head[DNN__FOREIGN_HEAD];
    uint64_t bytes = f->size < sizeof head ? f->size : sizeof head;
    const dnn__foreign *format;

    DNN_TRY(dnn__read_file_at(f->path, f->fd, head, bytes, 0));
    format = dnn__foreign_format(head, bytes);
    if (format != NULL) {
        return dnn__fail(DNN_E_FORMAT, "%s: this is %s, not a safetensors file; %s", f->path,
                         format->what, format->remedy);
    }
    if (f->size < 8) {
        return dnn__fail(DNN_E_FORMAT,
                         "%s: %llu bytes are fewer than the 8 of a safetensors file's length",
                         f->path, (unsigned long long)f->size);
    }
    return dnn__fail(DNN_E_FORMAT,
                     "%s: a header of %llu bytes in a file of %llu; it must have 2 to %d bytes "
                     "and end in the file",
                     f->path, (unsigned long long)n, (unsigned long long)f->size, MAX_HEADER);
}

dnn_status dnn__header_read(dnn_file *f)
{
    uint8_t first[8];
    uint64_t n = 0;

    if (f->size < 8) {
        return refuse_length(f, 0);
    }
    DNN_TRY(dnn__read_file_at(f->path, f->fd, first, sizeof first, 0));
    for (int i = 7; i >= 0; i--) {
        n = n << 8 | first[i];
    }
    if (n < 2 || n > MAX_HEADER || n > f->size - 8) {
        return refuse_length(f, n);
    }
    f->header_bytes = n;
    f->header = dnn__alloc(n + 1);
    if (f->header == NULL) {
        return dnn__nomem(f->path, n + 1);
    }
    f->header[n] = 0;
    return dnn__read_file_at(f->path, f->fd, f->header, n, 8);
}

/* ---- look-up ---- */

dnn_status dnn__header_shape(const dnn_file *f, const struct dnn__entry *e, dnn_shape *out)
{
    json_t *object;
    dnn_status st;

    DNN_TRY(parse_entry(f, e, &object));
    st = read_shape(f, e, json_object_get(object, "shape"), out);
    json_decref(object);
    return st;
}
