/* autotune_table.h - the timings, at most DNN__MAX_TIMINGS, sorted by key. One thread at a time.
 * Private. */
#ifndef DNN__AUTOTUNE_TABLE_H
#define DNN__AUTOTUNE_TABLE_H
#include "base.h"
#include "timing.h"

enum { DNN__MAX_TIMINGS = 4096 };

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

#endif
