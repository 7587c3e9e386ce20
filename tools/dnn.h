/* dnn.h - the subcommands of the dnn command. Each gets its own arguments and returns the exit
 * code: 0 done, 1 failed, 2 wrong usage, 3 a file is missing, 4 a backend is not available. */
#ifndef TOOLS_DNN_H
#define TOOLS_DNN_H
#include <dnn/dnn.h>

int command_info(int argc, char **argv);
int command_backends(int argc, char **argv);
int command_ops(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_conform(int argc, char **argv);

/* Starts the library. Returns 0, or the exit code after it has printed the message. */
int start(void);
/* Prints "dnn NAME: text" on stderr and returns exit code 2. */
int usage_error(const char *name, const char *text, const char *word);
/* Returns whether one of the words is --help or -h. */
bool asks_help(int argc, char **argv);
/* Returns 0 if each word that begins with '-' is one of the options, which end with NULL; one that
 * ends with '=' takes a value. Else prints a message with the nearest and returns exit code 2. */
int check_options(const char *name, int argc, char **argv, const char *const *options);
void print_pins(void); /* where there are some */

#endif
