/* draws.c - the random numbers of a sample: a place in the Philox stream of samples that depends on
 * seed, epoch and index alone. */
#include "draws.h"

void dnn__draws_begin(dnn__draws *draws, const dnn__request *r, int64_t i, int depth)
{
    (void)draws;
    (void)r;
    (void)i;
    (void)depth;
}

void dnn__draws_end(dnn__draws *draws)
{
    (void)draws;
}
