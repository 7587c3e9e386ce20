/* io.h - files as the core reads and writes them: whole-file facts, atomic writing, the walk over a JSON object's members. Private. */
#ifndef DNN__IO_H
#define DNN__IO_H
#include "base.h"
#include "dnn/io.h"

/* ---- file.c ---- */
/* Opens a regular file for reading; *size is fixed now. *fd is the caller's. */
dnn_status dnn__open_file(const char *path, int *fd, uint64_t *size);
/* Exactly bytes from offset; a file that has become shorter is an error. */
dnn_status dnn__read_file_at(const char *path, int fd, void *to, uint64_t bytes, uint64_t offset);

/* A file that appears whole or not at all: a temporary beside it, written, synced and renamed. */
typedef struct dnn__writer {
    const char *path;
    char *folder, *temporary; /* owned; the names in the folder */
    const char *name;
    int folder_fd, fd;
} dnn__writer;
dnn_status dnn__writer_open(dnn__writer *writer, const char *path);
dnn_status dnn__writer_put(dnn__writer *writer, const void *data, uint64_t bytes);
dnn_status dnn__writer_commit(dnn__writer *writer);  /* after it the file is saved */
void dnn__writer_close(dnn__writer *writer);         /* drops the temporary if there was no commit */

/* ---- crc32c.c ---- */
/* CRC-32C of bytes behind those that gave `crc`; 0 at first. */
uint32_t dnn__crc32c(uint32_t crc, const void *data, size_t bytes);

/* ---- safetensors.c, safetensors_header.c, safetensors_checksum.c ---- */
/* Returns the index of the tensor of that name; -1 if there is none. A binary search. */
int64_t dnn__file_find(const dnn_file *file, const char *name);
const char *dnn__file_path(const dnn_file *file);
/* Returns the metadata text of a key; NULL if there is none. */
const char *dnn__file_text(const dnn_file *file, const char *key);
/* Returns true if the file has a checksum of its header, and sets *crc to it. */
bool dnn__file_seal(const dnn_file *file, uint32_t *crc);

/* ---- safetensors_write.c ---- */
/* dnn_save_tensors, and the file carries checksums of its header and of every tensor. `keep`: a sound file of that name is not
 * replaced: one with this content is left as it is, another one is an error. */
dnn_status dnn__save_sealed(const char *path, const dnn_named_tensor *tensors, int64_t n, const dnn_named_text *metadata,
                            int64_t n_meta, bool keep);

/* ---- weights.c ---- */
typedef struct dnn__named_list { /* tensors to be written; the names are the list's */
    dnn_named_tensor *item;
    int64_t n, capacity;
} dnn__named_list;
dnn_status dnn__named_add(dnn__named_list *list, const char *path, const char *name, dnn_tensor *tensor);
dnn_status dnn__named_add_weights(dnn__named_list *list, const char *path, dnn_module *module);
void dnn__named_drop(dnn__named_list *list);

/* A load of weights in two parts. Prepared, it can fail in its commit only on a device, in a tensor that others look at through
 * views. */
typedef struct dnn__weights {
    const dnn_load_args *args;
    dnn_file *file; /* the caller's */
    bool exact;     /* no casts */
    struct dnn__weight_pair *pair;
    int64_t n, capacity, faults;
    char faults_text[900]; /* what does not fit */
    dnn__text text;
} dnn__weights;
dnn_status dnn__weights_prepare(dnn__weights *weights); /* also after a failure: dnn__weights_drop */
dnn_status dnn__weights_commit(dnn__weights *weights);
void dnn__weights_drop(dnn__weights *weights);

/* ---- json_members.c ---- */
/* A member of an object in text: where its key and its value stand, the quotes and braces included. */
typedef struct dnn__member {
    size_t key, key_bytes, value, value_bytes;
} dnn__member;
typedef struct dnn__members {
    const char *text;
    size_t bytes, at, count;
} dnn__members;
/* Begins at the opening brace of text[at]. */
dnn_status dnn__members_begin(dnn__members *m, const char *text, size_t bytes, size_t at);
/* The next member; *end at the closing brace, and m->at behind it. The message says what was found at which byte. `open` is the character
 * that values begin with: '{' or '"'. Strings are checked for their ends only. */
dnn_status dnn__members_next(dnn__members *m, char open, dnn__member *out, bool *end);

#endif
