/* train.h - what every training program shares: options, finding the data, the loop, progress, results.
 *
 * A program is a table and a function that builds the network; zoo_main does the rest. Exit codes: 0 done, 1 failed, 2 wrong usage,
 * 3 data or checkpoint missing or corrupt, 4 backend not available, 5 diverged, 130 and 143 ended by SIGINT and SIGTERM. Results go to
 * stdout, everything else to stderr. */
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

/* ---- inside: options.c, locate.c, report.c, progress.c, folder.c, resume.c, stop.c, train.c ---- */

enum zoo_exit { ZOO_DONE, ZOO_FAILED, ZOO_USAGE, ZOO_DATA, ZOO_BACKEND, ZOO_DIVERGED, ZOO_INTERRUPTED = 128, ZOO_GO_ON = -1 };

typedef struct zoo_options {
    const char *data, *dataset, *backend, *log_dir, *init;
    const char *resume; /* NULL: no; "": the newest of log_dir; else the file */
    int64_t epochs, batch, limit_batches, save_every;
    double lr;
    uint64_t seed;
    int threads, workers;
    bool eval, anomaly, json, quiet, resume_anyway;
    uint32_t given; /* by row of the table: named on the command line */
} zoo_options;

typedef struct zoo_report zoo_report;
struct json_t;

/* Fills `out` from the table and the command line. ZOO_GO_ON, or the code to end with (--help: ZOO_DONE). */
int zoo_options_read(int argc, char **argv, const zoo_program *program, zoo_options *out);
/* The options that make a run what it is: {"batch_size":64,...}. The caller's. */
struct json_t *zoo_options_json(const zoo_options *options);
/* Takes up the options of a run that goes on: those that are not given get its values. Those that differ are told; where they change
 * what is computed that is an error, unless --resume-anyway. */
int zoo_options_take_up(zoo_options *options, const struct json_t *stored, zoo_report *report);
/* "mnist_mlp --resume --log-dir runs/a", for a shell. */
void zoo_options_print_resume(const char *program, const zoo_options *options);

typedef struct zoo_data {
    dnn_dataset *train, *test; /* before Normalize */
    const char *name;          /* which set it is */
    char path[4096];
} zoo_data;
/* Finds and opens the data as training-program conventions say. ZOO_GO_ON, or ZOO_DATA after the message was written. */
int zoo_locate(const zoo_program *program, const zoo_options *options, zoo_report *report, zoo_data *out);
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

struct zoo_report { /* where a run's lines go */
    const zoo_program *program;
    const zoo_options *options;
    double started;   /* seconds, monotonic */
    double last_drawn;
    bool terminal, utf8, drawn;
    void *jsonl, *csv; /* FILE * of --log-dir, or NULL */
};

double zoo_now(void);
int zoo_report_open(zoo_report *report, const zoo_program *program, const zoo_options *options);
/* The exit code: the one given, or ZOO_FAILED where stdout did not take the result. */
int zoo_report_close(zoo_report *report, int code);
/* Opens the files of --log-dir, writes its config.json, and says what will run. from: the checkpoint that was loaded, of that step;
 * NULL: a new run, and the logs are emptied. */
int zoo_report_start(zoo_report *report, const zoo_data *data, int64_t parameters, const char *from, int64_t step);
/* The progress line; at most ten times a second, on a terminal only. */
void zoo_report_batch(zoo_report *report, const zoo_epoch *epoch, int64_t batch, int64_t batches);
void zoo_report_epoch(zoo_report *report, const zoo_epoch *epoch);
void zoo_report_checkpoint(zoo_report *report, const char *path, int64_t step, bool best);
void zoo_report_eval(zoo_report *report, const zoo_result *result);
void zoo_report_end(zoo_report *report, int code, const zoo_epoch *best, const zoo_epoch *last, const char *saved);
/* "mnist_mlp: text" on stderr, and an error event. */
void zoo_report_error(zoo_report *report, const char *code, const char *fmt, ...) DNN_PRINTF(3, 4);
void zoo_report_warning(zoo_report *report, const char *code, const char *fmt, ...) DNN_PRINTF(3, 4);

/* ---- a run: train.c, and resume.c for what is saved of it ---- */

enum { ZOO_NUMBERS = 6 };
typedef struct zoo_run { /* all that a run owns */
    const char *command; /* argv[0] */
    const zoo_program *program;
    zoo_options options;
    zoo_report report;
    zoo_data data;
    dnn_dataset *train_set, *test_set; /* normalised */
    dnn_loader *train, *test;
    dnn_module *net;
    dnn_optimizer *optimizer;
    zoo_epoch now, best;
    int64_t epochs_done; /* trained, evaluated and saved */
    int64_t first_batch; /* of the epoch that goes on */
    char best_path[4200]; /* "": nothing was saved */
    char from[4200], dataset[40]; /* --resume: the file, and the name of its data */
    double number[ZOO_NUMBERS]; /* of the checkpoint */
} zoo_run;

/* The checkpoint that --resume means, and its options: before the data is looked for. ZOO_GO_ON if there is nothing to resume. */
int zoo_resume_find(zoo_run *run);
/* Loads it: net, optimizer, loader, epoch and step go on where they stood. */
int zoo_resume_load(zoo_run *run);
/* A checkpoint of now into --log-dir, if there is one; best: into best.safetensors. */
int zoo_save(zoo_run *run, bool best);

/* ---- stop.c: Ctrl-C ---- */
/* From now on the first SIGINT or SIGTERM is remembered, the second ends the process at once. */
void zoo_stop_catch(void);
int zoo_stop_signal(void); /* 0: none came */

#endif
