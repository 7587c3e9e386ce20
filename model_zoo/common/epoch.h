/* epoch.h - the numbers of one epoch: the loop sets them, all others read them. */
#ifndef ZOO_EPOCH_H
#define ZOO_EPOCH_H
#include <stdint.h>

typedef struct zoo_result {
    double loss, accuracy; /* means over the samples seen */
    int64_t seen;
} zoo_result;

typedef struct zoo_epoch {
    int64_t epoch, epochs; /* the epoch of how many, from 1 */
    int64_t step;          /* optimizer steps since the run began */
    zoo_result train, val;
    double lr, seconds, samples_per_second;
    double eta_seconds; /* estimated time to the end of the run */
} zoo_epoch;

#endif
