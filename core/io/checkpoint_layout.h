/* checkpoint_layout.h - the rules that saving and loading a checkpoint share: names, metadata,
 * version, checks. checkpoint.c, checkpoint_load.c and checkpoint_folder.c call it. Private to
 * core/io. */
#ifndef DNN__CHECKPOINT_LAYOUT_H
#define DNN__CHECKPOINT_LAYOUT_H
#include "run.h"
#include "optim_impl.h"

#define DNN__CHECKPOINT_VERSION "2"
enum { DNN__CHECKPOINT_NAME = 2300 }; /* bytes of "dnn.optim.<name>.<state>.<param>" */

/* Checks that the file is a checkpoint of a version that libdnn reads, and that it has its
 * checksums. */
dnn_status dnn__checkpoint_check(const dnn_file *file);
/* Return the metadata texts of the optimizers, the data sets and the backends: JSON. The caller
 * frees them with free(). NULL: out of memory. */
char *dnn__run_optim_text(const dnn_run *run);
char *dnn__run_dataset_text(const dnn_run *run);
char *dnn__run_backend_text(void);
/* Fails with DNN_E_INVALID: parameter i of an optimizer of the run is in no module of it. */
dnn_status dnn__run_no_name(const char *path, const dnn__run_item *item, int64_t i);
/* Writes "dnn.optim.<optimizer>.<state>.<parameter>" to text[DNN__CHECKPOINT_NAME]; without the
 * last part if parameter is NULL. */
void dnn__optim_name(char *text, const char *optimizer, const char *state, const char *parameter);
/* Writes the name of the tensor of a loader, a generator or a number: "dnn.loader.<name>". */
void dnn__item_name(char *text, dnn__run_kind kind, const char *name);
/* Returns what the names of the tensors of a kind begin with: "dnn.optim."; NULL for modules. */
const char *dnn__item_prefix(dnn__run_kind kind);

#endif
