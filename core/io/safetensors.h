/* safetensors.h - the struct of an open safetensors file and the functions that its files share.
 * Used by core/io/safetensors*.c alone. Private.
 *
 * safetensors.c calls safetensors_checksum.c and safetensors_header.c, and the checksums call the
 * header's look-up. */
#ifndef DNN__SAFETENSORS_H
#define DNN__SAFETENSORS_H
#include "io_impl.h"

struct dnn__entry {
    const char *name;    /* decoded, in the header */
    uint64_t begin, end; /* of the data */
    uint32_t value;      /* the byte of the header at which the entry's object begins */
    uint32_t crc;        /* of the data, if the file has checksums */
    uint16_t value_bytes;
    uint8_t format; /* index into dnn__formats */
};

struct dnn__metadata {
    const char *key, *value; /* decoded, in the header */
};

struct dnn_file {
    char *path, *header;
    int fd;
    uint64_t size, header_bytes;
    struct dnn__entry *entry; /* sorted by name after the file is open */
    int64_t n, capacity;
    struct dnn__metadata *metadata; /* sorted by key */
    int64_t n_metadata, cap_metadata;
    bool has_metadata;    /* also true if the metadata is empty */
    bool sealed, has_crc; /* the header has a checksum; the tensors have checksums */
    uint32_t seal;
};

/* ---- safetensors_header.c ---- */
/* The 22 dtypes of the format: their names, their bits, and the dtype of libdnn (0: libdnn has no
 * such dtype). */
struct dnn__format {
    const char *name;
    uint8_t bits;
    uint16_t dtype;
};
extern const struct dnn__format dnn__formats[];

/* DNN_E_FORMAT with the path, the name of the entry and its place in the header. */
dnn_status dnn__header_refuse(const dnn_file *file, const char *name, uint64_t at, const char *fmt,
                              ...) DNN_PRINTF(4, 5);
dnn_status dnn__header_read(dnn_file *file); /* the bytes of the header */
dnn_status
dnn__header_parse(dnn_file *file); /* all entries and the metadata; the message may lack the path */
/* Sorts the entries by their data. The data of the tensors must have no hole and no overlap. */
dnn_status dnn__header_check_tiling(dnn_file *file);
/* The file must end where the data of the last tensor ends. Then sorts the entries by name; no name
 * may occur twice. */
dnn_status dnn__header_check_end(dnn_file *file);
dnn_status dnn__header_shape(const dnn_file *file, const struct dnn__entry *entry, dnn_shape *out);

/* ---- safetensors_checksum.c ---- */
/* "dnn.crc32c.header": the checksum of the header with these eight digits as zeros. No string of a
 * file can look like the key, because quotes in strings are escaped. Called before the header is
 * parsed: parsing changes its bytes. */
dnn_status dnn__file_check_seal(dnn_file *file);
/* "dnn.crc32c": eight digits for each tensor, in the order of the data. Called while the entries
 * are sorted by their data. */
dnn_status dnn__file_take_checksums(dnn_file *file);
/* Compares the checksum of an entry's data with the file's; DNN_OK if the file has no checksums. */
dnn_status dnn__file_check_crc(const dnn_file *file, const struct dnn__entry *entry, uint32_t crc);

#endif
