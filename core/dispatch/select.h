/* select.h - selects the kernel for a call. Private. */
#ifndef DNN__SELECT_H
#define DNN__SELECT_H
#include "plan.h"

/* Asks the candidates in the order of the ladder and makes the plan. */
dnn_status dnn__plan_make(dnn__frame *frame, dnn__plan **out);

#endif
