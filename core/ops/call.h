/* call.h - calls of operators in the value idiom: NULL in, NULL out, the first error stays pending.
 * Private. */
#ifndef DNN__CALL_H
#define DNN__CALL_H
#include "dispatch.h"

/* dnn__dispatch, and starts the library first: the door for callers that pack a request themselves.
 */
dnn_status dnn__call_request(const dnn__request *request);
/* Makes t's storage strided if it lies in a private layout, and starts the library for it: the door
 * for views and for reading elements. Fails as an operator does. */
dnn_status dnn__strided(dnn_tensor *t);
/* For the value idiom: NULL in, NULL out; errors stay pending; one new output. */
dnn_tensor *dnn__call(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr);
/* The same for rows of several results. out[n_out]: a tensor is a destination; where there is NULL,
 * the result is made if its bit is set in `want` (DNN__RESULT). false: an error is pending, and out
 * is untouched. */
#define DNN__RESULT(i) (1u << (i))
bool dnn__call_results(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr,
                       uint32_t want, dnn_tensor **out);
/* Into a destination: in place, or a new tensor whose dims the inputs do not determine. Returns it.
 * It may be among the inputs. The rules of in-place operators (ops.h) are checked here. */
dnn_tensor *dnn__call_to(dnn__op_id op, dnn_tensor *target, dnn_tensor *const *in, int n_in,
                         const void *attr);
/* A view of x that is recorded as an operator. */
dnn_tensor *dnn__call_view(dnn__op_id op, dnn_tensor *x, int ndim, const int64_t *dim,
                           const int64_t *stride, int64_t offset, const void *attr);

#endif
