/* resume.h - finds the checkpoint that --resume names, and continues the run from it. */
#ifndef ZOO_RESUME_H
#define ZOO_RESUME_H
#include "run.h"

/* Finds the checkpoint and applies its options. Call it before the data is located. Returns
 * ZOO_GO_ON (also without --resume), or an exit code after a message. */
int zoo_resume_find(zoo_run *run);
/* Loads the checkpoint that was found. Call it after the run is built. Returns like
 * zoo_resume_find. */
int zoo_resume_load(zoo_run *run);

#endif
