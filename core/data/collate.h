/* collate.h - how the samples of a batch become its fields. worker_pool.c calls it. Private to
 * core/data. */
#ifndef DNN__COLLATE_H
#define DNN__COLLATE_H
#include "fields.h"
#include "samples.h"

/* Makes the fields with the function of the program, NULL: by stacking, and stores references to
 * them in the empty list `out`. */
dnn_status dnn__collate(dnn_collate collate, void *ctx, const dnn__request *request,
                        dnn__samples *samples, dnn__list *out);

#endif
