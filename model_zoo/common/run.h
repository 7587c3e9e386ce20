/* run.h - a run: all objects from the command line to the last checkpoint. */
#ifndef ZOO_RUN_H
#define ZOO_RUN_H
#include "epoch.h"
#include "locate.h"
#include "options.h"
#include "report.h"
#include "train.h"

enum { ZOO_PATH_BYTES = 4200 };

typedef struct zoo_run {
    const char *command; /* argv[0] */
    const zoo_program *program;
    zoo_options options;
    zoo_report report;
    zoo_data data;
    dnn_dataset *train_set, *test_set; /* normalized */
    dnn_loader *train, *test;
    dnn_module *net;
    dnn_optimizer *optimizer;
    zoo_epoch now, best;            /* the current epoch; the one of the highest test accuracy */
    int64_t epochs_done;            /* epochs trained, evaluated and saved */
    int64_t first_batch;            /* where a resumed epoch continues */
    char best_path[ZOO_PATH_BYTES]; /* file of the best weights; "": none was saved */
    char from[ZOO_PATH_BYTES];      /* checkpoint to resume from; "": the run is new */
    char dataset[40];               /* data set of that checkpoint */
} zoo_run;

/* Loads the backends and sets threads and anomaly mode. Returns ZOO_GO_ON or an exit code. */
int zoo_run_start_library(zoo_run *run);
/* Builds network, loaders and optimizer for the data. Returns ZOO_GO_ON or an exit code. */
int zoo_run_build(zoo_run *run);
/* Frees all that the run owns. */
void zoo_run_close(zoo_run *run);

/* Reports the error of a call that returned status. Returns ZOO_FAILED. */
int zoo_run_fail(zoo_run *run, dnn_status status);
/* Returns ZOO_GO_ON if status is DNN_OK and no error is pending; else reports it. */
int zoo_run_check(zoo_run *run, dnn_status status);

#endif
