/* marshal.h - packs operands for a kernel and brings results back. Private. */
#ifndef DNN__MARSHAL_H
#define DNN__MARSHAL_H
#include "plan.h"

/* Packs the inputs and makes the results; made[n_out]: what the kernel writes. */
dnn_status dnn__marshal(dnn__frame *frame, const dnn__plan *plan, dnn_tensor **made);
dnn_status dnn__make_results(dnn__frame *frame, const dnn__plan *plan, dnn_tensor **made);
/* Copies each result that was made in the place of a destination to that destination. */
dnn_status dnn__write_back(dnn__frame *frame, dnn_tensor **made);

#endif
