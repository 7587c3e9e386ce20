/* train.h - what every training program shares: options, finding the data, the loop, progress, results.
 *
 * A program is a table and a function that builds the network; zoo_main does the rest. Exit codes: 0 done, 1 failed, 2 wrong usage,
 * 3 data missing or corrupt, 4 backend not available, 5 diverged. Results go to stdout, everything else to stderr. */
#ifndef ZOO_TRAIN_H
#define ZOO_TRAIN_H
#include "dnn/dnn.h"

typedef struct zoo_program {
    const char *name, *about;
    const char *data; /* data sets it may use, the first that is found: "mnist,fashion-mnist" */
    int64_t epochs, batch;
    double lr, momentum;
    const double *mean, *std; /* per channel: Normalize */
    int channels;
    dnn_module *(*build)(int64_t classes); /* classes of the data; NULL and a waiting error */
} zoo_program;

int zoo_main(int argc, char **argv, const zoo_program *program);

/* ---- inside: options.c, locate.c, report.c, train.c ---- */

enum zoo_exit { ZOO_DONE, ZOO_FAILED, ZOO_USAGE, ZOO_DATA, ZOO_BACKEND, ZOO_DIVERGED, ZOO_GO_ON = -1 };

typedef struct zoo_options {
    const char *data, *dataset, *backend, *log_dir, *init;
    int64_t epochs, batch, limit_batches;
    double lr;
    uint64_t seed;
    int threads, workers;
    bool eval, json, quiet;
} zoo_options;

/* Fills `out` from the table and the command line. ZOO_GO_ON, or the code to end with (--help: ZOO_DONE). */
int zoo_options_read(int argc, char **argv, const zoo_program *program, zoo_options *out);

typedef struct zoo_data {
    dnn_dataset *train, *test; /* before Normalize */
    const char *name;          /* which set it is */
    char path[4096];
} zoo_data;
/* Finds and opens the data as training-program conventions say. ZOO_GO_ON, or ZOO_DATA after the message was written. */
int zoo_locate(const zoo_program *program, const zoo_options *options, zoo_data *out);
int64_t zoo_data_classes(const zoo_data *data);
void zoo_data_close(zoo_data *data);

typedef struct zoo_result {
    double loss, accuracy;
    int64_t seen;
} zoo_result;

typedef struct zoo_epoch {
    int64_t epoch, epochs, step;
    zoo_result train, val;
    double lr, seconds, samples_per_second, eta_seconds;
} zoo_epoch;

typedef struct zoo_report { /* where a run's lines go */
    const zoo_program *program;
    const zoo_options *options;
    double started;   /* seconds, monotonic */
    double last_drawn;
    bool terminal, utf8, drawn;
    void *jsonl, *csv; /* FILE * of --log-dir, or NULL */
} zoo_report;

double zoo_now(void);
int zoo_report_open(zoo_report *report, const zoo_program *program, const zoo_options *options);
/* The exit code: the one given, or ZOO_FAILED where stdout did not take the result. */
int zoo_report_close(zoo_report *report, int code);
/* Empties and opens the files of --log-dir, writes its config.json, and says what will run. */
int zoo_report_start(zoo_report *report, const zoo_data *data, int64_t parameters);
/* The progress line; at most ten times a second, on a terminal only. */
void zoo_report_batch(zoo_report *report, const zoo_epoch *epoch, int64_t batch, int64_t batches);
void zoo_report_epoch(zoo_report *report, const zoo_epoch *epoch);
void zoo_report_eval(zoo_report *report, const zoo_result *result);
void zoo_report_end(zoo_report *report, int code, const zoo_epoch *best, const zoo_epoch *last, const char *saved);
/* "mnist_mlp: text" on stderr, and an error event. */
void zoo_report_error(zoo_report *report, const char *code, const char *fmt, ...) DNN_PRINTF(3, 4);

#endif
