/* resume_command.h - the command line that resumes an interrupted run. */
#ifndef ZOO_RESUME_COMMAND_H
#define ZOO_RESUME_COMMAND_H
#include "options.h"

/* Prints "  mnist_mlp --resume --log-dir runs/a" on stderr, quoted for a shell. Omits the options
 * that a checkpoint stores. */
void zoo_resume_command_print(const char *command, const zoo_options *options);

#endif
