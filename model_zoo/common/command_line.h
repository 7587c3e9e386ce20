/* command_line.h - reads the command line of a program, and prints --help. */
#ifndef ZOO_COMMAND_LINE_H
#define ZOO_COMMAND_LINE_H
#include "options.h"
#include "train.h"

/* Fills out with the defaults of the program and the command line. Returns ZOO_GO_ON, or the exit
 * code after --help or a message on stderr. */
int zoo_command_line_read(int argc, char **argv, const zoo_program *program, zoo_options *out);

#endif
