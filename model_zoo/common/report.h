/* report.h - what report.c (events, results), progress.c (the terminal) and folder.c (--log-dir) share. */
#ifndef ZOO_REPORT_H
#define ZOO_REPORT_H
#include <jansson.h>
#include <stdio.h>
#include "train.h"

/* ---- report.c ---- */
void zoo_set_number(json_t *event, const char *key, double value);
/* The options that make a run what it is, and what the program adds to them. */
json_t *zoo_config_json(const zoo_report *report);

/* ---- progress.c ---- */
void zoo_clear_line(zoo_report *report);
/* 41,200 */
const char *zoo_grouped(double number, char *text, size_t bytes);

/* ---- folder.c ---- */
/* Makes the folder; one that holds another program's run is refused. */
int zoo_folder_open(zoo_report *report);
/* Opens the logs. A new run empties them, and is refused where checkpoints are; a resumed one (from not NULL) cuts off what lies
 * behind its step. */
int zoo_folder_start(zoo_report *report, const char *from, int64_t step);
void zoo_folder_config(zoo_report *report, const json_t *start);
void zoo_folder_close(zoo_report *report);

#endif
