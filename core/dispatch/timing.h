/* timing.h - what autotune remembers of one call. Private. */
#ifndef DNN__TIMING_H
#define DNN__TIMING_H
#include <stdint.h>

typedef struct dnn__timing {
    uint64_t key[2]; /* a digest of the call, its candidates and their builds */
    char plugin[32], kernel[96];
    char call[96];       /* for people: "conv2d f32 [64,1,28,28] [6,1,5,5]" */
    int64_t ns, next_ns; /* of the fastest and of the second */
    uint64_t age;
} dnn__timing;

#endif
