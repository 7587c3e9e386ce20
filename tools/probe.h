/* probe.h - tries a command in a child process before this one runs it: a plugin file from outside
 * the installed folders may bring a process down in ways that no check of the file can foresee. The
 * child is this program again, with the hidden word
 * --probe; what it does last is told over a pipe, so that the outcome names the file and the place.
 */
#ifndef TOOLS_PROBE_H
#define TOOLS_PROBE_H
#include <stdbool.h>
#include <stddef.h>

enum { PROBE_SECONDS = 60, PROBE_TEXT = 5000 };

/* Runs "dnn WORD..." (n words) in a child, its output thrown away. True: it came to its end,
 * whatever the code, so this process may do the same. False: text (of PROBE_TEXT bytes) says what
 * became of it, as "/x/dnn_a.so: ends by signal 11 in dlopen", "/x/dnn_a.so: does not return from
 * init within 60 s". */
bool probe_words(int n, char *const *words, int seconds, char *text);
/* The same for one plugin file: the child starts the library with the file added (as by
 * DNN_PLUGINS) and stops it. */
bool probe_file(const char *path, int seconds, char *text);
/* Does the environment name files or folders from outside the installation? */
bool probe_wanted(void);

/* ---- in the child ---- */
/* Is this the child? Takes the hidden words out then, and listens to the library's log. */
bool probe_begin(int *argc, char **argv);
/* What is done next, for the outcome; nothing if this is not the child. */
void probe_tell(const char *place);
void probe_end(void); /* the command came to its end */

#endif
