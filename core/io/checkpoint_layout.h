/* checkpoint_layout.h - the rules that saving and loading a checkpoint share: names, metadata,
 * version, checks. checkpoint.c, checkpoint_load.c and checkpoint_folder.c call it. Private to
 * core/io. */
#ifndef DNN__CHECKPOINT_LAYOUT_H
#define DNN__CHECKPOINT_LAYOUT_H
#include "weights.h"
#include "optim_impl.h"

#define DNN__CHECKPOINT_VERSION "1"
enum { DNN__CHECKPOINT_NAME = 2300 }; /* bytes of "dnn.optim.0.<slot>.<param>" */

/* Checks that a run can be saved or loaded: required pointers, counts. */
dnn_status dnn__run_check(const dnn_run *run, const char *function);
/* Checks that the file is a checkpoint of a version that libdnn reads, and that it has its
 * checksums. */
dnn_status dnn__checkpoint_check(const dnn_file *file);
/* Return the metadata texts of the optimizers, the data sets and the backends: JSON. The caller
 * frees them with free(). NULL: out of memory. */
char *dnn__run_optim_text(const dnn_run *run);
char *dnn__run_dataset_text(const dnn_run *run);
char *dnn__run_backend_text(void);
/* Returns the path in the module of a parameter of an optimizer; `names` lists the tensors of the
 * module. NULL: the module does not have it. */
const char *dnn__run_name(const dnn__named_list *names, const dnn_tensor *parameter);
/* Fails with DNN_E_INVALID: parameter i of an optimizer of the run is not in the module. */
dnn_status dnn__run_no_name(const char *path, const dnn__optim *optim, int optimizer, int64_t i);
/* Writes "dnn.optim.<optimizer>.<slot>.<parameter>" to text[DNN__CHECKPOINT_NAME]; without the last
 * part if parameter is NULL. */
void dnn__optim_name(char *text, int optimizer, const char *slot, const char *parameter);

#endif
