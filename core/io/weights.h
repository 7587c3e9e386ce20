/* weights.h - lists of named tensors to write, and a load of weights that can be prepared and then
 * committed. The checkpoints call it. Private to core/io. */
#ifndef DNN__WEIGHTS_H
#define DNN__WEIGHTS_H
#include "base.h"
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

/* A load in two parts. After dnn__weights_prepare, dnn__weights_commit can fail only on a device,
 * in a tensor that has views. */
typedef struct dnn__weights {
    const char *path, *prefix; /* prefix: as in dnn_load_args */
    bool partial;
    bool exact;                  /* no casts: a checkpoint, whose tensors are those of a run */
    dnn_file *file;              /* the caller owns it */
    const dnn__named_list *list; /* the tensors to load; the caller owns it */
    const char **sorted;         /* [list->n] their names */
    struct dnn__weight_pair *pair;
    int64_t n, capacity, faults;
    char faults_text[900]; /* the tensors that do not fit, a line each */
    dnn__text text;        /* writes faults_text */
} dnn__weights;
/* Call dnn__weights_free afterwards, also if it fails. */
dnn_status dnn__weights_prepare(dnn__weights *weights);
dnn_status dnn__weights_commit(dnn__weights *weights);
void dnn__weights_free(dnn__weights *weights);

#endif
