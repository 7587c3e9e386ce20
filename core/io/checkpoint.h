/* checkpoint.h - what saving and loading a checkpoint share. Used by core/io/checkpoint*.c alone. Private. */
#ifndef DNN__CHECKPOINT_H
#define DNN__CHECKPOINT_H
#include "io_impl.h"

#define DNN__CHECKPOINT_VERSION "1"
enum { DNN__CHECKPOINT_NAME = 2300 }; /* "dnn.optim.0.<slot>.<param>" */

/* ---- checkpoint.c ---- */
/* Is the run one that can be saved or loaded? Required pointers, counts. */
dnn_status dnn__run_check(const dnn_run *run, const char *function);
/* What the metadata says of the optimizers and data sets: JSON; the caller frees it with free(). NULL: no memory. */
char *dnn__run_optim_text(const dnn_run *run);
char *dnn__run_dataset_text(const dnn_run *run);
/* The path in the module of a parameter of an optimizer; names has the module's tensors. NULL: it is not in there. */
const char *dnn__run_name(const dnn__named_list *names, const dnn_tensor *parameter);
void dnn__optim_name(char *text, int optimizer, const char *slot, const char *parameter);

/* ---- checkpoint_load.c ---- */
/* A checkpoint of a version that we read, with a header that matches its checksum? */
dnn_status dnn__checkpoint_check(const dnn_file *file);

/* ---- checkpoint_folder.c ---- */
/* Removes what dnn_save_checkpoint says, after `step` was saved. What cannot be removed is logged. */
void dnn__checkpoint_prune(const char *folder, int64_t step);
/* "ckpt-00001200.safetensors" */
void dnn__checkpoint_name(char *text, size_t bytes, int64_t step);

#endif
