/* safetensors_file.h - the struct of an open safetensors file, the dtypes of the format, and the
 * look-up of tensors and metadata by name. safetensors_header.c, safetensors_checksum.c and
 * safetensors.c fill the struct; weights.c and the checkpoints call the look-ups. Private to
 * core/io. */
#ifndef DNN__SAFETENSORS_FILE_H
#define DNN__SAFETENSORS_FILE_H
#include "tensor_impl.h"
#include "dnn/io.h"

struct dnn__entry {      /* a tensor of the file */
    const char *name;    /* decoded, in the header */
    uint64_t begin, end; /* of its data, in bytes from the end of the header */
    uint32_t value;      /* the header byte at which its JSON object begins */
    uint32_t crc;        /* of its data, if the file has checksums */
    uint16_t value_bytes;
    uint8_t format; /* index into dnn__formats */
};

struct dnn__metadata {
    const char *key, *value; /* decoded, in the header */
};

struct dnn_file {
    dnn_object object;
    char *path, *header;
    int fd;
    uint64_t size, header_bytes;
    struct dnn__entry *entry; /* sorted by name once the file is open */
    int64_t n, capacity;
    struct dnn__metadata *metadata; /* sorted by key */
    int64_t n_metadata, cap_metadata;
    bool has_metadata;            /* also true if the metadata is empty */
    bool has_header_crc, has_crc; /* checksums of the header; of the tensors */
    uint32_t header_crc;
};

/* The 22 dtypes of the format. */
struct dnn__format {
    const char *name;
    uint8_t bits;
    uint16_t dtype; /* of libdnn; 0: libdnn has no such dtype */
};
enum { DNN__N_FORMATS = 22 };
extern const struct dnn__format dnn__formats[DNN__N_FORMATS];

const char *dnn__file_path(const dnn_file *file);
/* Returns the index of the tensor of that name; -1 if there is none. Needs sorted entries. */
int64_t dnn__file_find(const dnn_file *file, const char *name);
/* Returns the metadata text of a key; NULL if there is none. Needs sorted metadata. */
const char *dnn__file_text(const dnn_file *file, const char *key);
/* Returns true if the file has a checksum of its header, and sets *crc to it. */
bool dnn__file_header_crc(const dnn_file *file, uint32_t *crc);

/* The orders that the look-ups need. */
void dnn__file_sort_entries(dnn_file *file);
void dnn__file_sort_metadata(dnn_file *file);

#endif
