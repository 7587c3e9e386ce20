/* checkpoint_optim.h - restores an optimizer from a checkpoint, in two parts: all that can fail,
 * and the change. checkpoint_load.c calls it. Private to core/io. */
#ifndef DNN__CHECKPOINT_OPTIM_H
#define DNN__CHECKPOINT_OPTIM_H
#include "checkpoint_layout.h"

/* Fails with DNN_E_INVALID if the tensor `name` of the file is missing or is not of this dtype and
 * shape; else reads its numbers. */
dnn_status dnn__checkpoint_numbers(dnn_file *file, const char *name, dnn_dtype dtype, int ndim,
                                   const int64_t *dim, void *out);
/* Returns DNN_E_FORMAT: "name: what is number". */
dnn_status dnn__checkpoint_damaged(const dnn_file *file, const char *name, const char *what,
                                   int64_t number);

typedef struct dnn__optim_load {
    dnn__optim *optim;
    double *setting; /* [groups * settings] */
    int64_t *step;   /* [parameters] */
    int64_t steps;
    dnn_tensor **state; /* [parameters * states] references; NULL: the file has no such state */
} dnn__optim_load;
/* Call dnn__optim_load_free afterwards, also if it fails. */
dnn_status dnn__optim_load_prepare(dnn_file *file, const dnn__run_names *names,
                                   const dnn__run_item *item, dnn__optim_load *out);
void dnn__optim_load_commit(dnn__optim_load *load);
void dnn__optim_load_free(dnn__optim_load *load); /* a zeroed one is allowed */

#endif
