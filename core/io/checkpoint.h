/* checkpoint.h - the functions that saving and loading a checkpoint share. Used by
 * core/io/checkpoint*.c alone. Private. */
#ifndef DNN__CHECKPOINT_H
#define DNN__CHECKPOINT_H
#include "io_impl.h"

#define DNN__CHECKPOINT_VERSION "1"
enum { DNN__CHECKPOINT_NAME = 2300 }; /* "dnn.optim.0.<slot>.<param>" */

/* ---- checkpoint_layout.c: saving and loading call it, it calls neither ---- */
/* Checks that a run can be saved or loaded: required pointers, counts. */
dnn_status dnn__run_check(const dnn_run *run, const char *function);
/* Checks that the file is a checkpoint of a version that libdnn reads, and that it has its
 * checksums. */
dnn_status dnn__checkpoint_check(const dnn_file *file);
/* The metadata texts of the optimizers, the data sets and the backends: JSON. The caller frees them
 * with free(). NULL: no memory. */
char *dnn__run_optim_text(const dnn_run *run);
char *dnn__run_dataset_text(const dnn_run *run);
char *dnn__run_backend_text(void);
/* Returns the path in the module of an optimizer's parameter; `names` has the module's tensors.
 * NULL: the module does not have it. */
const char *dnn__run_name(const dnn__named_list *names, const dnn_tensor *parameter);
void dnn__optim_name(char *text, int optimizer, const char *slot, const char *parameter);

/* ---- checkpoint_folder.c ---- */
/* Removes the checkpoints that dnn_save_checkpoint promises to remove, after `step` was saved. Logs
 * a failure to remove one. */
void dnn__checkpoint_prune(const char *folder, int64_t step);
/* "ckpt-00001200.safetensors" */
void dnn__checkpoint_name(char *text, size_t bytes, int64_t step);

#endif
