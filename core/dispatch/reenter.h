/* reenter.h - the pointers through which files of dispatch call dispatch again. Private.
 *
 * Copies and reorders of operands and HOST_FALLBACK are calls of their own; trial.c runs a plan.
 * Only slow paths use the pointers; dnn__dispatch_open sets them once, when the library starts. */
#ifndef DNN__REENTER_H
#define DNN__REENTER_H
#include "plan.h"

extern struct dnn__reenter {
    dnn_status (*dispatch)(const dnn__request *request);
    /* Marshals the operands and runs the kernel of the plan, without a tape (trial.c). */
    dnn_status (*carry_out)(dnn__frame *frame, dnn__plan *plan, dnn_tensor **made,
                            const dnn__rng *rng);
} dnn__reenter;

#endif
