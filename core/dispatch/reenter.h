/* reenter.h - the seam through which files of dispatch call dispatch again. Private.
 *
 * Packing an operand, reordering it or running an operator in parts is a call of its own. Only slow
 * paths take the seam; it is set once, when the library starts. */
#ifndef DNN__REENTER_H
#define DNN__REENTER_H
#include "plan.h"

extern struct dnn__reenter {
    dnn_status (*dispatch)(const dnn__request *request);
    /* Marshals the operands and runs the kernel of the plan, without a tape (trial.c). */
    dnn_status (*carry_out)(dnn__frame *frame, dnn__plan *plan, dnn_tensor **made,
                            const dnn__rng *rng);
} dnn__reenter;
void dnn__dispatch_open(void); /* dispatch.c sets the seam */

#endif
