/* host_fallback.h - HOST_FALLBACK: a call computed on the host for another device. Private. */
#ifndef DNN__HOST_FALLBACK_H
#define DNN__HOST_FALLBACK_H
#include "frame.h"

/* Runs the call on host copies of its operands and brings the results to targets[n_out]. */
dnn_status dnn__run_on_host(dnn__frame *frame, dnn_tensor *const *targets, const dnn__rng *rng);

#endif
