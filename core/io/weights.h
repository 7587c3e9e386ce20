/* weights.h - lists of named tensors to write and to load, and a file as a source of tensors. The
 * checkpoints call it. Private to core/io. */
#ifndef DNN__WEIGHTS_H
#define DNN__WEIGHTS_H
#include "nn_impl.h"
#include "dnn/io.h"

typedef struct dnn__named_list { /* tensors with names; the list owns the names */
    dnn_named_tensor *item;
    int64_t n, capacity;
} dnn__named_list;
dnn_status dnn__named_add(dnn__named_list *list, const char *path, const char *name,
                          dnn_tensor *tensor);
/* Adds the parameters and buffers of a module under their dotted paths, which begin with "prefix."
 * unless prefix is "". */
dnn_status dnn__named_add_weights(dnn__named_list *list, const char *path, const char *prefix,
                                  dnn_module *module);
void dnn__named_free(dnn__named_list *list);

/* Returns the file as a source of tensors, for a dnn__state_load. The caller owns the file. */
dnn__tensor_source dnn__file_source(dnn_file *file);

#endif
