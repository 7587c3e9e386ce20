/* draws.h - the random numbers of samples. Private to core/data. */
#ifndef DNN__DRAWS_H
#define DNN__DRAWS_H
#include "samples.h"

/* Makes the generator of sample number i of the request the current one of this thread, from begin
 * to end. depth tells the functions that work on one sample apart. The pairs may be nested. */
typedef struct dnn__draws {
    int unused;
} dnn__draws;
void dnn__draws_begin(dnn__draws *draws, const dnn__request *request, int64_t i, int depth);
void dnn__draws_end(dnn__draws *draws);

#endif
