/* io_impl.h - files as the core reads and writes them: whole-file facts, atomic writing, the walk
 * over a JSON object's members. Private. */
#ifndef DNN__IO_H
#define DNN__IO_H
#include "tensor_impl.h"
#include "crc32c.h"
#include "file.h"
#include "json_members.h"
#include "dnn/io.h"

/* ---- safetensors.c, safetensors_header.c, safetensors_checksum.c ---- */
/* Returns the index of the tensor of that name; -1 if there is none. A binary search. */
int64_t dnn__file_find(const dnn_file *file, const char *name);
const char *dnn__file_path(const dnn_file *file);
/* Returns the metadata text of a key; NULL if there is none. */
const char *dnn__file_text(const dnn_file *file, const char *key);
/* Returns true if the file has a checksum of its header, and sets *crc to it. */
bool dnn__file_seal(const dnn_file *file, uint32_t *crc);

/* ---- safetensors_write.c ---- */
/* dnn_save_tensors, and the file carries checksums of its header and of every tensor. `keep`: a
 * sound file of that name is not replaced: one with this content is left as it is, another one is
 * an error. */
dnn_status dnn__save_sealed(const char *path, const dnn_named_tensor *tensors, int64_t n,
                            const dnn_named_text *metadata, int64_t n_meta, bool keep);

/* ---- weights.c ---- */
typedef struct dnn__named_list { /* tensors to be written; the names are the list's */
    dnn_named_tensor *item;
    int64_t n, capacity;
} dnn__named_list;
dnn_status dnn__named_add(dnn__named_list *list, const char *path, const char *name,
                          dnn_tensor *tensor);
dnn_status dnn__named_add_weights(dnn__named_list *list, const char *path, dnn_module *module);
void dnn__named_drop(dnn__named_list *list);

/* A load of weights in two parts. Prepared, it can fail in its commit only on a device, in a tensor
 * that others look at through views. */
typedef struct dnn__weights {
    const dnn_load_args *args;
    dnn_file *file; /* the caller's */
    bool exact;     /* no casts */
    struct dnn__weight_pair *pair;
    int64_t n, capacity, faults;
    char faults_text[900]; /* what does not fit */
    dnn__text text;
} dnn__weights;
dnn_status
dnn__weights_prepare(dnn__weights *weights); /* also after a failure: dnn__weights_drop */
dnn_status dnn__weights_commit(dnn__weights *weights);
void dnn__weights_drop(dnn__weights *weights);

#endif
