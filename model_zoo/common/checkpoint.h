/* checkpoint.h - the state of a run in a checkpoint. */
#ifndef ZOO_CHECKPOINT_H
#define ZOO_CHECKPOINT_H
#include "run.h"

/* Saves a checkpoint of the current step to --log-dir, or to its best.safetensors if best. Does
 * nothing without --log-dir. Returns ZOO_GO_ON, or ZOO_FAILED after a message. */
int zoo_checkpoint_save(zoo_run *run, bool best);

/* Loads the checkpoint run->from into network, optimizer, loader and metrics. */
dnn_status zoo_checkpoint_load(zoo_run *run);

#endif
