/* safetensors_write.h - writes a safetensors file with checksums. checkpoint.c calls it. Private to
 * core/io. */
#ifndef DNN__SAFETENSORS_WRITE_H
#define DNN__SAFETENSORS_WRITE_H
#include "dnn/io.h"

/* dnn_save_tensors with checksums of the header and of every tensor. `keep`: does not replace a
 * sound file of that name; returns DNN_OK if it has this content, and fails if it has another. */
dnn_status dnn__save_with_checksums(const char *path, const dnn_named_tensor *tensors, int64_t n,
                                    const dnn_named_text *metadata, int64_t n_meta, bool keep);

#endif
