/* saved_options.h - the options that a checkpoint stores, and how a resumed run applies them. */
#ifndef ZOO_SAVED_OPTIONS_H
#define ZOO_SAVED_OPTIONS_H
#include "message.h"
#include "options.h"

/* Returns the stored options as a new object: {"epochs":9,"batch_size":64,...}. */
json_t *zoo_saved_options(const zoo_options *options);

/* Gives each option that is not on the command line its value from `stored`, the object of a
 * checkpoint. Warns of each option that differs. Returns ZOO_GO_ON, or ZOO_USAGE if the difference
 * makes another run and --resume-anyway is not given. */
int zoo_saved_options_apply(zoo_options *options, const json_t *stored, zoo_messages *messages);

#endif
