/* candidate.h - asks one candidate for a plan. Private. */
#ifndef DNN__CANDIDATE_H
#define DNN__CANDIDATE_H
#include "plan.h"

/* DNN_OK: the kernel accepts and the plan is filled in. DNN_DECLINED: *says tells why not.
 * Negative: an error that ends the search. */
dnn_status dnn__ask(dnn__frame *frame, dnn__kernel *kernel, dnn__plan *plan, const char **says);
/* The same with a plan of its own. */
dnn_status dnn__plan_of(dnn__frame *frame, dnn__kernel *kernel, dnn__plan **out);

#endif
