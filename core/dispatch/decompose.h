/* decompose.h - DECOMPOSED: an operator computed by smaller ones on its device. Private. */
#ifndef DNN__DECOMPOSE_H
#define DNN__DECOMPOSE_H
#include "frame.h"

/* Can the row's decomposition be planned on the call's device? DNN_DECLINED with *says set if not,
 * or if the row has none. */
dnn_status dnn__can_decompose(const dnn__frame *frame, const char **says);
/* Runs the decomposition and sets made[] as dnn__marshal does. Must not hold the layouts' lock. */
dnn_status dnn__run_decomposition(dnn__frame *frame, dnn_tensor **made);

#endif
