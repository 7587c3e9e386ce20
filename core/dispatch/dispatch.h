/* dispatch.h - the one path from an operator to a kernel. Private. */
#ifndef DNN__DISPATCH_H
#define DNN__DISPATCH_H
#include "request.h"

/* Checks, promotes, infers, finds the plan, makes outputs, runs, records. On failure nothing has
 * changed (but a destination may hold anything if the kernel itself failed half-way), and the error
 * is returned, not left pending. */
dnn_status dnn__dispatch(const dnn__request *request);
void dnn__dispatch_open(void); /* sets dnn__reenter */

#endif
