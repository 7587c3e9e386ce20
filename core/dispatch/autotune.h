/* autotune.h - choosing a kernel by time: the contest, what it remembers, the file that keeps it.
 * Private. */
#ifndef DNN__AUTOTUNE_H
#define DNN__AUTOTUNE_H
#include "plan.h"

/* ---- autotune.c ---- */
/* The candidate to be asked ahead of the others because it was the fastest for this call on this
 * machine, timed now or before; NULL: the order stands. `note`, for dnn_explain: "; tuned: 12.1 us,
 * next 34.0 us". Nothing of the frame changes. */
dnn__kernel *dnn__autotuned(dnn__frame *frame, int32_t kind, dnn__candidates candidates, char *note,
                            size_t bytes);
void dnn__autotune_stop(void); /* saves and forgets; the plugins are still in use */

/* ---- trial.c ---- */
/* Runs the call by a plan, with scratch in the place of its destinations. */
dnn_status dnn__trial(dnn__frame *frame, dnn__plan *plan);

/* ---- autotune_file.c; one thread at a time: autotune.c holds its lock ---- */
typedef struct dnn__timing {
    uint64_t key[2]; /* a digest of the call, its candidates and their builds */
    char plugin[32], kernel[96];
    char call[96];       /* for people: "conv2d f32 [64,1,28,28] [6,1,5,5]" */
    int64_t ns, next_ns; /* of the fastest and of the second */
    uint64_t age;
} dnn__timing;
const dnn__timing *dnn__timing_find(
    const uint64_t key[2]); /* reads the file at first use; valid until the next call here */
void dnn__timing_keep(
    const dnn__timing *timing);      /* and writes the file, but not more than once in a second */
void dnn__timings_drop(void);        /* writes what is not written yet, and forgets all */
const char *dnn__timings_path(void); /* "": they are kept in memory alone */

#endif
