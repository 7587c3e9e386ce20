/* autotune_file.h - the file that keeps the timings. One thread at a time: autotune.c holds its
 * lock. Private. */
#ifndef DNN__AUTOTUNE_FILE_H
#define DNN__AUTOTUNE_FILE_H
#include "timing.h"

/* Reads the file at first use. The result is valid until the next call of this file. */
const dnn__timing *dnn__timing_find(const uint64_t key[2]);
/* Keeps the timing, and writes the file at most once in a second. */
void dnn__timing_keep(const dnn__timing *timing);
void dnn__timings_drop(void);        /* writes what is not written yet, and forgets all */
const char *dnn__timings_path(void); /* "": they are kept in memory alone */

#endif
