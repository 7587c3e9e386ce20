/* negotiate.h - agrees with one kernel how each operand is marshalled. Private. */
#ifndef DNN__NEGOTIATE_H
#define DNN__NEGOTIATE_H
#include "plan.h"

/* Calls the kernel's plan and fills in ours. DNN_DECLINED with *says set. */
dnn_status dnn__negotiate(dnn__frame *frame, dnn__kernel *kernel, dnn__plan *plan,
                          const char **says);

#endif
