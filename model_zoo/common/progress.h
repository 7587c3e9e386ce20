/* progress.h - the clock, and the line on a terminal that shows the progress of an epoch. */
#ifndef ZOO_PROGRESS_H
#define ZOO_PROGRESS_H
#include <stdbool.h>
#include <stddef.h>
#include "epoch.h"

typedef struct zoo_progress {
    bool enabled; /* stderr is a terminal that is not dumb, and the options allow the line */
    bool utf8;    /* the terminal can show block characters */
    bool drawn;   /* the line is on the screen */
    double last_drawn;
} zoo_progress;

/* Returns seconds of a monotonic clock. */
double zoo_now(void);

/* Returns the number, a NaN without its sign: printf would print -nan. */
double zoo_plain(double number);

/* Writes the number with a comma between thousands, "41,200", and returns text. */
const char *zoo_grouped(double number, char *text, size_t bytes);

/* Prepares the line. If allowed is false, or stderr is no terminal or a
 * dumb one (TERM), nothing is ever drawn. */
void zoo_progress_open(zoo_progress *progress, bool allowed);

/* Draws the line: at most ten times a second, and after the last batch. */
void zoo_progress_draw(zoo_progress *progress, const zoo_epoch *epoch, int64_t batch,
                       int64_t batches);

/* Writes the line for a terminal of that many columns, of which it leaves the last one free. All
 * numbers but the lr are in it from 40 columns on. bytes: at least 256. */
void zoo_progress_line(bool utf8, const zoo_epoch *epoch, int64_t batch, int64_t batches,
                       int columns, char *line, size_t bytes);

/* Erases the line if it is on the screen. Call it before any other output to stderr. */
void zoo_progress_clear(zoo_progress *progress);

#endif
