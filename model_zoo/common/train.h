/* train.h - all that a training program includes.
 *
 * A program fills a zoo_program and passes it to zoo_main. zoo_main reads the options, finds the
 * data, trains, evaluates and reports. It writes results to stdout and everything else to stderr.
 */
#ifndef ZOO_TRAIN_H
#define ZOO_TRAIN_H
#include "dnn/dnn.h"

typedef struct zoo_program {
    const char *name, *about;              /* of the program; one line for --help */
    const char *data;                      /* default of --dataset: "mnist,fashion-mnist" */
    int64_t epochs, batch;                 /* defaults of --epochs and --batch-size */
    double lr, momentum;                   /* of SGD; lr is the default of --lr */
    const double *mean, *std;              /* arguments of Normalize, one number per channel */
    int channels;                          /* length of mean and std */
    dnn_module *(*build)(int64_t classes); /* returns the network, or NULL and a pending error */
} zoo_program;

/* Runs the program and returns its exit code: 0 done, 1 failed, 2 wrong usage, 3 data or checkpoint
 * missing or corrupt, 4 backend not available, 5 diverged, 130 SIGINT, 143 SIGTERM. */
int zoo_main(int argc, char **argv, const zoo_program *program);

#endif
