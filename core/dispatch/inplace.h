/* inplace.h - destinations: what may be changed in place. Private. */
#ifndef DNN__INPLACE_H
#define DNN__INPLACE_H
#include "tensor_impl.h"

struct dnn__frame;

/* May t be changed in place now, by the rules of ops.h? recorded: an input is tracked and recording
 * is on. DNN_E_INVALID says why not. */
dnn_status dnn__check_inplace(const char *op, const dnn_tensor *t, bool recorded);
/* To be called after the elements of t have changed: bumps the version and detaches t from its old
 * grad_fn. */
void dnn__written(dnn_tensor *t);
/* Checks destination i against frame->desc[i], and sets frame->direct[i] and frame->inplace. */
dnn_status dnn__check_destination(struct dnn__frame *frame, int i);

#endif
