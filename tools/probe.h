/* probe.h - tries a command in a child process before this process runs it, because a plugin file
 * from outside the installed folders may crash a process in ways that no check of the file can
 * foresee. The child is this program again, with the hidden option --probe. It writes each step to
 * a pipe, so that the message names the file and the function. */
#ifndef TOOLS_PROBE_H
#define TOOLS_PROBE_H
#include <stdbool.h>
#include <stddef.h>

enum { PROBE_SECONDS = 60, PROBE_TEXT = 5000 };

/* Runs "dnn WORD..." (n words) in a child and discards its output. Returns true if it ended by
 * itself, with any exit code: this process may then do the same. Else text (of PROBE_TEXT bytes)
 * says how it ended: "/x/dnn_a.so: ends by signal 11 in dlopen", "/x/dnn_a.so: does not return from
 * init within 60 s". */
bool probe_words(int n, char *const *words, int seconds, char *text);
/* The same for one plugin file: the child starts the library with the file added (as by
 * DNN_PLUGINS) and stops it. */
bool probe_file(const char *path, int seconds, char *text);
/* Returns whether the environment names files or folders from outside the installation. */
bool probe_wanted(void);

/* ---- in the child ---- */
/* Returns whether this process is the child. If so, removes the hidden option and listens to the
 * library's log. */
bool probe_begin(int *argc, char **argv);
/* In the child: reports the next step. Does nothing in other processes. */
void probe_report(const char *step);
void probe_end(void); /* the command has ended by itself */

#endif
