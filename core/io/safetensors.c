/* safetensors.c - opens and closes a safetensors file and reads its tensors. Opening checks the
 * whole header; dnn_file_tensor reads the data of one tensor.
 *
 *     u64 N, little-endian | N bytes of JSON | data
 *     {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [begin, end]}, ..., "__metadata__":
 * {"key": "text"}} */
#include <string.h>
#include <unistd.h>
#include "call.h"
#include "safetensors_checksum.h"
#include "safetensors_header.h"
#include "crc32c.h"
#include "file.h"

/* ---- opening and closing ---- */

/* Puts the path before the message, unless the message begins with it. */
static dnn_status with_path(const dnn_file *f, dnn_status status)
{
    return status == DNN_OK || strncmp(dnn__message_text(), f->path, strlen(f->path)) == 0
               ? status
               : dnn__fail(status, "%s: %s", f->path, dnn__message_text());
}

static dnn_status open_and_check(dnn_file *f)
{
    DNN_TRY(dnn__open_file(f->path, &f->fd, &f->size));
    DNN_TRY(dnn__header_read(f));
    DNN_TRY(dnn__file_check_header_crc(f));
    DNN_TRY(with_path(f, dnn__header_parse(f)));
    DNN_TRY(dnn__header_check_tiling(f));
    DNN_TRY(dnn__file_read_checksums(f)); /* the checksums are in the order of the data */
    return dnn__header_check_end(f);
}

static void destroy(dnn_object *object)
{
    dnn_file *file = (dnn_file *)(void *)object;

    if (file->fd >= 0) {
        close(file->fd);
    }
    dnn__free(file->path);
    dnn__free(file->header);
    dnn__free(file->entry);
    dnn__free(file->metadata);
    dnn__object_free(file, sizeof *file);
}

dnn_file *dnn_file_open(const char *path)
{
    static const dnn__kind kind = {.name = "file", .destroy = destroy};
    dnn_file *f;
    dnn_status st;

    if (!dnn__ready("dnn_file_open", path)) {
        return NULL;
    }
    f = dnn__object_zeroed(&kind, sizeof *f, path);
    if (f == NULL) {
        return NULL;
    }
    f->fd = -1;
    f->path = dnn__strdup(path);
    st = f->path != NULL ? open_and_check(f) : dnn__nomem(path, strlen(path));
    if (st != DNN_OK) {
        dnn__null(st);
        dnn_release(f);
        return NULL;
    }
    return f;
}

/* ---- entries and metadata ---- */

int64_t dnn_file_count(const dnn_file *file)
{
    return dnn__usable(file) ? file->n : 0;
}

bool dnn_file_entry(const dnn_file *file, int64_t index, dnn_file_entry_info *out)
{
    const struct dnn__entry *e;

    if (!dnn__usable(file) || out == NULL || index < 0 || index >= file->n) {
        return false;
    }
    e = &file->entry[index];
    *out = (dnn_file_entry_info){.name = e->name,
                                 .dtype_name = dnn__formats[e->format].name,
                                 .dtype = dnn__formats[e->format].dtype,
                                 .bytes = e->end - e->begin};
    return dnn__header_shape(file, e, &out->shape) == DNN_OK;
}

bool dnn_file_metadata(const dnn_file *file, int64_t index, const char **key, const char **value)
{
    if (!dnn__usable(file) || index < 0 || index >= file->n_metadata) {
        return false;
    }
    *key = file->metadata[index].key;
    *value = file->metadata[index].value;
    return true;
}

/* ---- tensors ---- */

static dnn_status check_bools(const dnn_file *f, const struct dnn__entry *e, const uint8_t *data)
{
    for (uint64_t i = 0; i < e->end - e->begin; i++) {
        if (data[i] > 1) {
            return dnn__header_refuse(f, e->name, e->value,
                                      "element %llu is the byte %u; a BOOL is 0 or 1",
                                      (unsigned long long)i, data[i]);
        }
    }
    return DNN_OK;
}

static dnn_status read_tensor(const dnn_file *f, const struct dnn__entry *e, dnn_tensor **out)
{
    dnn_shape shape;
    dnn_tensor *t;

    if (dnn__formats[e->format].dtype == 0) {
        return dnn__header_refuse(f, e->name, e->value, "libdnn has no dtype %s",
                                  dnn__formats[e->format].name);
    }
    DNN_TRY(dnn__header_shape(f, e, &shape));
    DNN_TRY(dnn__thread_register());
    t = dnn__tensor_new(f->path, dnn__formats[e->format].dtype, (int)shape.ndim, shape.dim,
                        dnn__cpu());
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
        DNN_TRY(dnn__file_check_crc(f, e, dnn__crc32c(0, t->storage->data, e->end - e->begin)));
    }
    return t->dtype == DNN_T_BOOL ? check_bools(f, e, t->storage->data) : DNN_OK;
}

dnn_tensor *dnn_file_tensor(dnn_file *file, const char *name)
{
    const struct dnn__entry *e;
    dnn_tensor *t = NULL;
    int64_t at;
    dnn_status st;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (file == NULL || name == NULL) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "dnn_file_tensor: %s is NULL",
                                   file == NULL ? "file" : "name"));
    }
    if (!dnn__alive("dnn_file_tensor", "file", file)) {
        return NULL;
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
