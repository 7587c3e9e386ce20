/* autotune_file.h - the functions that the files of the timings share: autotune_file.c keeps the
 * file, autotune_json.c reads and writes its text, autotune_table.c holds the timings,
 * autotune_machine.c names the machine. autotune.c calls autotune_file.c under its lock, which
 * protects the state of all four. Private. */
#ifndef DNN__AUTOTUNE_FILE_H
#define DNN__AUTOTUNE_FILE_H
#include "autotune.h"

enum { DNN__MAX_TIMINGS = 4096 };

/* ---- autotune_json.c ---- */
/* Checks the text of a file and puts its timings into the table: all or none. A timing that the
 * table has already stays. */
dnn_status dnn__timings_parse(const char *text, size_t bytes);
/* The JSON of the table. The caller frees it with free(). NULL: no memory. */
char *dnn__timings_print(void);
/* Writes the line that stands ahead of the JSON; returns its length. */
size_t dnn__timings_head(char *line, size_t bytes, const char *json, size_t length);
void dnn__timings_forget_builds(void); /* the builds of plugins that the last text named */

/* ---- autotune_table.c: at most DNN__MAX_TIMINGS, sorted by key ---- */
/* Returns the timing of that key and marks it as used; NULL if there is none. Valid until the next
 * dnn__table_put. */
const dnn__timing *dnn__table_find(const uint64_t key[2]);
/* Adds a timing, in the place of the one that was not used for the longest time if the table is
 * full. Without memory it does nothing: the call is timed again another day. `replace`: also if the
 * key is there. */
void dnn__table_put(const dnn__timing *timing, bool replace);
int64_t dnn__table_count(void);
const dnn__timing *dnn__table_at(int64_t index); /* in the order of the keys */
void dnn__table_drop(void);

/* ---- autotune_machine.c ---- */
/* "AMD EPYC, 3f2a...": the model, and *digest in hexadecimal, which is a digest of the model and
 * the instruction set. */
const char *dnn__machine(uint64_t *digest);

#endif
