/* call.h - calls of operators in the value idiom: NULL in, NULL out, the first error stays pending.
 * Private. */
#ifndef DNN__CALL_H
#define DNN__CALL_H
#include "dispatch.h"

/* dnn__dispatch, and starts the library first. For callers that pack a request themselves. */
dnn_status dnn__call_request(const dnn__request *request);
/* Reorders t's storage into strides if it has a private layout, and starts the library for that.
 * Views and functions that read elements call it. Fails as an operator does. */
dnn_status dnn__strided(dnn_tensor *t);
/* Calls a row of one result, which is new. NULL: an error is pending. */
dnn_tensor *dnn__call(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr);
/* Calls a row of several results. out[n_out]: a tensor is a destination; for NULL the result is
 * made if its bit is set in `want` (DNN__RESULT). false: an error is pending, and out is unchanged.
 */
#define DNN__RESULT(i) (1u << (i))
bool dnn__call_results(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr,
                       uint32_t want, dnn_tensor **out);
/* Calls a row that writes into `target`, and returns target. It may be one of the inputs; it is a
 * new tensor where the inputs do not determine the dims. Checks the rules of in-place operators
 * (ops.h).
 */
dnn_tensor *dnn__call_to(dnn__op_id op, dnn_tensor *target, dnn_tensor *const *in, int n_in,
                         const void *attr);
/* A view of x, recorded as an operator. */
dnn_tensor *dnn__call_view(dnn__op_id op, dnn_tensor *x, int ndim, const int64_t *dim,
                           const int64_t *stride, int64_t offset, const void *attr);

#endif
