/* safetensors_write.c - writes tensors as a safetensors file, atomically. Tensors are sorted by
 * item size, the largest first, then by name, and the header is padded to 64 bytes, so that every
 * tensor is aligned to its element. Equal content gives equal bytes: the file does not depend on
 * clock, host, path or order of arguments. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "safetensors_write.h"
#include "elements.h"
#include "safetensors_file.h"
#include "call.h"
#include "crc32c.h"
#include "file.h"

static const char *format_name(dnn_dtype dtype)
{
    static const char *const names[DNN__N_DTYPES] = {"F32", "F64", "F16", "BF16", "I8",
                                                     "U8",  "I32", "I64", "BOOL"};

    return names[dnn__dtype_index(dtype)];
}

static int compare_tensors(const void *pa, const void *pb)
{
    const dnn_named_tensor *a = pa, *b = pb;
    size_t item_a = dnn__item_size(a->tensor->dtype), item_b = dnn__item_size(b->tensor->dtype);

    return item_a != item_b ? (item_a > item_b ? -1 : 1) : strcmp(a->name, b->name);
}

static int compare_names(const void *pa, const void *pb)
{
    return strcmp(((const dnn_named_tensor *)pa)->name, ((const dnn_named_tensor *)pb)->name);
}

/* ---- checks ---- */

/* Checks the length of a name or text, and that it is UTF-8: JSON holds nothing else. */
static dnn_status check_text(const char *path, const char *what, const char *text, size_t least,
                             size_t most)
{
    json_t *string;

    if (text == NULL || strlen(text) < least || strlen(text) > most) {
        return dnn__fail(DNN_E_INVALID, "%s: a %s of %zu bytes, not %zu to %zu", path, what,
                         text != NULL ? strlen(text) : 0, least, most);
    }
    string = json_string(text);
    if (string == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: the %s \"%.60s\" is not UTF-8", path, what, text);
    }
    json_decref(string);
    return DNN_OK;
}

static dnn_status check_all(const char *path, const dnn_named_tensor *sorted, int64_t n,
                            const dnn_named_text *meta, int64_t n_meta)
{
    for (int64_t i = 0; i < n; i++) {
        DNN_TRY(check_text(path, "name", sorted[i].name, 1, 1024));
        if (strcmp(sorted[i].name, "__metadata__") == 0 ||
            (i > 0 && strcmp(sorted[i - 1].name, sorted[i].name) == 0)) {
            return dnn__fail(DNN_E_INVALID, "%s: the name \"%.60s\" %s", path, sorted[i].name,
                             i > 0 && strcmp(sorted[i - 1].name, sorted[i].name) == 0
                                 ? "occurs twice"
                                 : "is reserved for the metadata");
        }
    }
    for (int64_t i = 0; i < n_meta; i++) {
        DNN_TRY(check_text(path, "metadata name", meta[i].key, 1, 1024));
        DNN_TRY(check_text(path, "metadata text", meta[i].value, 0, 1 << 20));
        for (int64_t k = 0; k < i; k++) {
            if (strcmp(meta[k].key, meta[i].key) == 0) {
                return dnn__fail(DNN_E_INVALID, "%s: the metadata name \"%.60s\" occurs twice",
                                 path, meta[i].key);
            }
        }
    }
    return DNN_OK;
}

/* ---- the header ---- */

static dnn_status out_of_memory(const char *path)
{
    return dnn__fail(DNN_E_NOMEM, "%s: header: out of memory", path);
}

/* Returns the JSON object of a tensor; NULL if any allocation failed, because a header must not
 * lack anything. */
static json_t *make_entry(const dnn_tensor *t, uint64_t begin, uint64_t end)
{
    json_t *shape = json_array(), *offsets = json_array(), *entry = json_object();
    int bad = 0;

    for (int i = 0; i < t->ndim; i++) {
        bad |= json_array_append_new(shape, json_integer(t->dim[i]));
    }
    bad |= json_array_append_new(offsets, json_integer((json_int_t)begin));
    bad |= json_array_append_new(offsets, json_integer((json_int_t)end));
    bad |= json_object_set_new(entry, "dtype", json_string(format_name(t->dtype)));
    bad |= json_object_set_new(entry, "shape", shape);
    bad |= json_object_set_new(entry, "data_offsets", offsets);
    if (bad != 0) {
        json_decref(entry);
        return NULL;
    }
    return entry;
}

static dnn_status make_header(const char *path, const dnn_named_tensor *sorted, int64_t n,
                              const dnn_named_text *meta, int64_t n_meta, char **out)
{
    json_t *root = json_object(), *texts = json_object();
    uint64_t at = 0;
    int bad = root == NULL || texts == NULL;

    for (int64_t i = 0; i < n_meta; i++) {
        bad |= json_object_set_new(texts, meta[i].key, json_string(meta[i].value));
    }
    if (n_meta > 0) {
        bad |= json_object_set(root, "__metadata__", texts);
    }
    for (int64_t i = 0; i < n; i++) {
        uint64_t bytes =
            (uint64_t)dnn__numel(sorted[i].tensor) * dnn__item_size(sorted[i].tensor->dtype);

        bad |=
            json_object_set_new(root, sorted[i].name, make_entry(sorted[i].tensor, at, at + bytes));
        at += bytes;
    }
    *out = bad ? NULL : json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(root);
    json_decref(texts);
    return *out != NULL ? DNN_OK : out_of_memory(path);
}

/* Writes the length, the JSON, and spaces up to a multiple of 64 bytes. */
static dnn_status put_header(dnn__writer *w, const char *json)
{
    static const char spaces[64] =
        "                                                                ";
    size_t length = strlen(json), padding = (64 - (8 + length) % 64) % 64;
    uint8_t first[8];

    for (int i = 0; i < 8; i++) {
        first[i] = (uint8_t)((uint64_t)(length + padding) >> 8 * i);
    }
    DNN_TRY(dnn__writer_put(w, first, sizeof first));
    DNN_TRY(dnn__writer_put(w, json, length));
    return dnn__writer_put(w, spaces, padding);
}

static dnn_status put_tensor(dnn__writer *w, const char *path, dnn_tensor *t)
{
    dnn__elements elements;
    dnn_status st;

    DNN_TRY(dnn__elements_open(path, t, &elements));
    st = elements.bytes > 0 ? dnn__writer_put(w, elements.data, elements.bytes) : DNN_OK;
    dnn__elements_close(&elements);
    return st;
}

static dnn_status write_all(const char *path, const char *json, const dnn_named_tensor *sorted,
                            int64_t n)
{
    dnn__writer w;
    dnn_status st = dnn__writer_open(&w, path);

    if (st == DNN_OK) {
        st = put_header(&w, json);
    }
    for (int64_t i = 0; i < n && st == DNN_OK; i++) {
        st = put_tensor(&w, path, sorted[i].tensor);
    }
    if (st == DNN_OK) {
        st = dnn__writer_commit(&w);
    }
    dnn__writer_close(&w);
    return st;
}

/* ---- checksums ---- */

/* Writes eight digits for each tensor, in the order of the file. */
static dnn_status put_checksums(const dnn_named_tensor *sorted, int64_t n, char *text)
{
    text[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        dnn__elements elements;
        uint32_t crc;

        DNN_TRY(dnn__elements_open("checksums", sorted[i].tensor, &elements));
        crc = elements.bytes > 0 ? dnn__crc32c(0, elements.data, elements.bytes) : 0;
        dnn__elements_close(&elements);
        snprintf(text + 8 * i, 9, "%08x", crc);
    }
    return DNN_OK;
}

/* Computes the checksum of the header as put_header writes it, with zeros in place of the eight
 * digits, and writes the digits there. */
static uint32_t put_header_crc(char *json)
{
    static const char key[] = "\"dnn.crc32c.header\":\"";
    char *at = strstr(json, key) + sizeof key - 1, digits[9];
    size_t length = strlen(json);
    uint32_t crc = dnn__crc32c(0, json, length);

    for (size_t i = 0; (8 + length + i) % 64 != 0; i++) {
        crc = dnn__crc32c(crc, " ", 1);
    }
    snprintf(digits, sizeof digits, "%08x", crc);
    memcpy(at, digits, 8);
    return crc;
}

/* ---- the whole ---- */

struct output { /* a file to write */
    const char *path;
    dnn_named_tensor *sorted;
    int64_t n;
    dnn_named_text *meta; /* has room for the two checksum texts */
    int64_t n_meta;
    bool checksums; /* write checksums of the header and of the tensors */
    bool keep;      /* do not replace a sound file */
};

/* Sets *same if the file exists, is sound, and has this header checksum. Fails if it is sound and
 * has another one. A damaged file may be replaced. */
static dnn_status compare_with_old(const char *path, uint32_t crc, bool *same)
{
    dnn_file *old = access(path, F_OK) == 0 ? dnn_file_open(path) : NULL;
    uint32_t old_crc = 0;
    dnn_status st = dnn__take();

    *same = false;
    if (st == DNN_OK) {
        st = old != NULL ? dnn_file_verify(old) : DNN_E_IO;
    }
    if (st == DNN_OK) {
        *same = dnn__file_header_crc(old, &old_crc) && old_crc == crc;
    }
    dnn_release(old);
    if (st == DNN_OK && !*same) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: the file is there and holds another state; it is not overwritten",
                         path);
    }
    return st == DNN_E_NOMEM ? st : DNN_OK;
}

static dnn_status write_with_crc(const struct output *p, char *json)
{
    uint32_t crc = put_header_crc(json);
    bool same = false;

    if (p->keep) {
        DNN_TRY(compare_with_old(p->path, crc, &same));
    }
    return same ? DNN_OK : write_all(p->path, json, p->sorted, p->n);
}

static dnn_status write_output(const struct output *p)
{
    char *json = NULL;
    dnn_status st;

    DNN_TRY(make_header(p->path, p->sorted, p->n, p->meta, p->n_meta, &json));
    st = p->checksums ? write_with_crc(p, json) : write_all(p->path, json, p->sorted, p->n);
    free(json); /* jansson allocates it with malloc */
    return st;
}

static dnn_status add_checksums(struct output *p)
{
    char *text = dnn__alloc(8 * (size_t)p->n + 1);
    dnn_status st;

    if (text == NULL) {
        return dnn__nomem(p->path, 8 * (size_t)p->n + 1);
    }
    st = put_checksums(p->sorted, p->n, text);
    if (st == DNN_OK) {
        p->meta[p->n_meta++] = (dnn_named_text){"dnn.crc32c", text};
        p->meta[p->n_meta++] = (dnn_named_text){"dnn.crc32c.header", "00000000"};
        st = write_output(p);
    }
    dnn__free(text);
    return st;
}

static dnn_status sort_and_write(struct output *p)
{
    if (p->n > 1) {
        qsort(p->sorted, (size_t)p->n, sizeof *p->sorted, compare_names);
    }
    DNN_TRY(check_all(p->path, p->sorted, p->n, p->meta, p->n_meta));
    if (p->n > 1) {
        qsort(p->sorted, (size_t)p->n, sizeof *p->sorted, compare_tensors);
    }
    return p->checksums ? add_checksums(p) : write_output(p);
}

static dnn_status check_lists(const char *path, const dnn_named_tensor *tensors, int64_t n,
                              const dnn_named_text *metadata, int64_t n_meta)
{
    DNN_TRY(dnn__require(path, "dnn_save_tensors", "path"));
    if (n < 0 || n_meta < 0 || (tensors == NULL && n > 0) || (metadata == NULL && n_meta > 0)) {
        return dnn__fail(
            DNN_E_INVALID,
            "dnn_save_tensors: %s tensors and %s texts: a list is missing or a count is negative",
            dnn__number_text(n), dnn__number_text(n_meta));
    }
    for (int64_t i = 0; i < n; i++) {
        if (tensors[i].name == NULL) {
            return dnn__fail(DNN_E_INVALID, "dnn_save_tensors: tensor %s of %s has no name",
                             dnn__number_text(i), dnn__number_text(n));
        }
        if (tensors[i].tensor == NULL) {
            return dnn__fail(DNN_E_INVALID,
                             "dnn_save_tensors: tensor %s of %s, \"%.60s\", has no tensor",
                             dnn__number_text(i), dnn__number_text(n), tensors[i].name);
        }
        DNN_TRY(dnn__check_alive("dnn_save_tensors", tensors[i].name, tensors[i].tensor));
    }
    return DNN_OK;
}

/* Copies the lists, because it sorts and extends them. */
static dnn_status save(const char *path, const dnn_named_tensor *tensors, int64_t n,
                       const dnn_named_text *metadata, int64_t n_meta, bool checksums, bool keep)
{
    struct output p = {
        .path = path, .n = n, .n_meta = n_meta, .checksums = checksums, .keep = keep};
    dnn_status st;

    DNN_TRY(check_lists(path, tensors, n, metadata, n_meta));
    p.sorted = dnn__calloc((size_t)n + 1, sizeof *p.sorted);
    p.meta = dnn__calloc((size_t)n_meta + 2, sizeof *p.meta);
    if (p.sorted == NULL || p.meta == NULL) {
        st = dnn__nomem(path, (size_t)n * sizeof *p.sorted + (size_t)n_meta * sizeof *p.meta);
    } else {
        if (n > 0) {
            memcpy(p.sorted, tensors, (size_t)n * sizeof *p.sorted);
        }
        if (n_meta > 0) {
            memcpy(p.meta, metadata, (size_t)n_meta * sizeof *p.meta);
        }
        st = sort_and_write(&p);
    }
    dnn__free(p.sorted);
    dnn__free(p.meta);
    return st;
}

dnn_status dnn__save_with_checksums(const char *path, const dnn_named_tensor *tensors, int64_t n,
                                    const dnn_named_text *metadata, int64_t n_meta, bool keep)
{
    return save(path, tensors, n, metadata, n_meta, true, keep);
}

dnn_status dnn_save_tensors(const char *path, const dnn_named_tensor *tensors, int64_t n,
                            const dnn_named_text *metadata, int64_t n_meta)
{
    return save(path, tensors, n, metadata, n_meta, false, false);
}
