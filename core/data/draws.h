/* draws.h - the random numbers of samples. Private to core/data. */
#ifndef DNN__DRAWS_H
#define DNN__DRAWS_H
#include "samples.h"

/* From here to dnn_generator_end(guard), random operators of this thread draw the numbers of sample
 * number i of the request. depth tells the functions that work on one sample apart: 0 to
 * DNN__MOST_DEPTH those of sets, the others those of the loader. The pairs may be nested.
 * DNN_E_NOMEM. */
enum { DNN__MOST_DEPTH = 253, DNN__DEPTH_BEGIN = 254, DNN__DEPTH_COLLATE = 255 };
dnn_status dnn__draws_begin(dnn_generator_guard *guard, const dnn__request *request, int64_t i,
                            int depth);

#endif
