/* draws.c - the random numbers of a sample: a place in the Philox streams of samples that depends
 * on seed, epoch and index alone. */
#include "draws.h"

/* The stream has the kind in 8 bits, the epoch in 24, the depth in 8 and the upper 24 bits of the
 * index; the offset has its lower 40 bits. So a function has 2^24 blocks, 2^26 numbers, of each
 * sample, and no two samples, epochs or functions share one. */
dnn_status dnn__draws_begin(dnn_generator_guard *guard, const dnn__request *r, int64_t i, int depth)
{
    uint64_t id = (uint64_t)r->id[i], low = id & ((UINT64_C(1) << 40) - 1);
    const dnn__rng from = {
        .seed = r->seed,
        .stream =
            DNN__RNG_SAMPLE | (uint64_t)r->epoch << 8 | (uint64_t)depth << 32 | id >> 40 << 40,
        .offset = low << 24,
    };

    return dnn__rng_begin(from, guard);
}
