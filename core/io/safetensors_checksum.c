/* safetensors_checksum.c - the checksums of a safetensors file: the CRC-32C of its header and of
 * each tensor's data. */
#include <string.h>
#include "safetensors_checksum.h"
#include "safetensors_header.h"
#include "crc32c.h"
#include "file.h"

/* Reads eight hexadecimal digits, as %08x writes them. */
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

dnn_status dnn__file_read_checksums(dnn_file *f)
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

dnn_status dnn__file_check_header_crc(dnn_file *f)
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
    if (f->header_bytes - before < 8 || !read_crc(at, &f->header_crc)) {
        return dnn__fail(DNN_E_FORMAT, "%s: header byte %zu: dnn.crc32c.header is no checksum",
                         f->path, before);
    }
    crc = dnn__crc32c(0, f->header, before);
    crc = dnn__crc32c(crc, zeros, 8);
    crc = dnn__crc32c(crc, at + 8, f->header_bytes - before - 8);
    if (crc != f->header_crc) {
        return dnn__fail(
            DNN_E_FORMAT,
            "%s: the header has the CRC-32C %08x, dnn.crc32c.header says %08x: the file is damaged",
            f->path, crc, f->header_crc);
    }
    f->has_header_crc = true;
    return DNN_OK;
}

dnn_status dnn__file_check_crc(const dnn_file *f, const struct dnn__entry *e, uint32_t crc)
{
    return !f->has_crc || crc == e->crc
               ? DNN_OK
               : dnn__header_refuse(
                     f, e->name, e->value,
                     "its data has the CRC-32C %08x, dnn.crc32c says %08x: the file is damaged",
                     crc, e->crc);
}

static dnn_status verify_entry(const dnn_file *f, const struct dnn__entry *e, void *buffer,
                               size_t room)
{
    uint32_t crc = 0;

    for (uint64_t at = e->begin; at < e->end;) {
        uint64_t n = e->end - at < room ? e->end - at : room;

        DNN_TRY(dnn__read_file_at(f->path, f->fd, buffer, n, 8 + f->header_bytes + at));
        crc = dnn__crc32c(crc, buffer, n);
        at += n;
    }
    return dnn__file_check_crc(f, e, crc);
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
