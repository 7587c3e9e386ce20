/* loop.h - the training loop: epochs of batches, evaluation, checkpoints. */
#ifndef ZOO_LOOP_H
#define ZOO_LOOP_H
#include "run.h"

/* Returns whether epochs are left to train. */
bool zoo_loop_trains(const zoo_run *run);

/* Trains the epochs that are left, or evaluates if none is. Returns ZOO_DONE, ZOO_DIVERGED,
 * ZOO_INTERRUPTED plus the signal, or ZOO_FAILED. The result is in run->now. */
int zoo_loop(zoo_run *run);

#endif
