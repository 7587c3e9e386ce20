/* custom_function_backward.h - the gradient rule of custom functions, and their check in anomaly
 * mode. custom_function.c is the caller. Private to core/autograd. */
#ifndef DNN__CUSTOM_FUNCTION_BACKWARD_H
#define DNN__CUSTOM_FUNCTION_BACKWARD_H
#include "tape.h"

/* The gradient rule of the nodes of custom functions. */
void dnn__function_gradient(dnn__grad *grad);
/* Anomaly mode: checks the inputs and results of the program's forward or backward. Dispatch checks
 * the results of operators, but a custom function can compute results without operators. */
dnn_status dnn__function_nan_check(const char *name, dnn_tensor *const *in, int n_in,
                                   dnn_tensor *const *made, int n_out);

#endif
