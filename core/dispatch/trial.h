/* trial.h - one timed run of a call. Private. */
#ifndef DNN__TRIAL_H
#define DNN__TRIAL_H
#include "plan.h"

/* Runs the call by a plan, with scratch in the place of its destinations. */
dnn_status dnn__trial(dnn__frame *frame, dnn__plan *plan);

#endif
