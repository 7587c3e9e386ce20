/* sampler.h - the object behind every sampler. The kinds are in samplers.c; a loader fills its
 * order with dnn__sampler_fill. Private to core/data. */
#ifndef DNN__SAMPLER_H
#define DNN__SAMPLER_H
#include "dataset.h"

enum { DNN__EPOCHS = 1 << 24 }; /* epoch * 2^40 fits in 64 bits: dnn__sampler_fill */

typedef struct dnn__sampler_type {
    const char *name;
    int64_t stream; /* tells the kinds apart in a checkpoint */
    /* Writes `size` indices that depend on the place of the random numbers alone. */
    dnn_status (*fill)(const dnn_sampler *sampler, dnn__rng rng, int64_t epoch, int64_t *index);
    void (*close)(dnn_sampler *sampler); /* or NULL */
} dnn__sampler_type;

struct dnn_sampler {
    dnn_object object;
    size_t bytes; /* of the struct that begins with dnn_sampler */
    const dnn__sampler_type *type;
    int64_t size;
};

/* Returns a zeroed sampler of `bytes` bytes that the scope owns. NULL and a pending error on
 * failure. */
void *dnn__sampler_new(size_t bytes, const dnn__sampler_type *type, int64_t size);
/* Writes the order of an epoch, and checks that each index is in the set. */
dnn_status dnn__sampler_fill(const dnn_sampler *sampler, const dnn_dataset *set, uint64_t seed,
                             int64_t epoch, int64_t *index);

#endif
