/* report.h - the output of a run for people and programs; the functions are in the order of their
 * calls. */
#ifndef ZOO_REPORT_H
#define ZOO_REPORT_H
#include "folder.h"
#include "locate.h"
#include "options.h"
#include "train.h"

typedef struct zoo_report {
    zoo_messages messages;
    zoo_folder folder;
    const zoo_program *program;
    const zoo_options *options;
} zoo_report;

/* Makes the folder of --log-dir, if given. */
int zoo_report_open(zoo_report *report, const zoo_program *program, const zoo_options *options);

/* Closes the logs. Returns the code, or ZOO_FAILED if stdout did not take the result. */
int zoo_report_close(zoo_report *report, int code);

/* Opens the logs, writes config.json, and announces the run. from: the checkpoint that was loaded,
 * saved at `step`, or NULL for a new run. */
int zoo_report_start(zoo_report *report, const zoo_data *data, int64_t parameters, const char *from,
                     int64_t step);
void zoo_report_batch(zoo_report *report, const zoo_epoch *epoch, int64_t batch, int64_t batches);
void zoo_report_epoch(zoo_report *report, const zoo_epoch *epoch);
void zoo_report_checkpoint(const zoo_report *report, const char *path, int64_t step, bool best);
void zoo_report_eval(const zoo_report *report, const zoo_result *result);

/* Prints the result on stdout and emits the end event. saved: file of the best weights, or NULL. */
void zoo_report_end(zoo_report *report, int code, const zoo_epoch *best, const zoo_epoch *last,
                    const char *saved);

#endif
