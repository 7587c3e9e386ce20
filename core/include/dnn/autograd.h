/* autograd.h - gradients: the tape records every operator whose operands want one, and backward walks it in reverse.
 *
 * Threads: a graph is for one thread at a time. */
#ifndef DNN_AUTOGRAD_H
#define DNN_AUTOGRAD_H
#include "dnn/tensor.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Makes t a leaf that wants a gradient (or not), and returns it.
 * Fails   NULL, DNN_E_INVALID: dtype is not floating ("only f32 f64 f16 bf16 have gradients"), or t is not a leaf. */
DNN_API dnn_tensor *dnn_requires_grad_(dnn_tensor *t, bool wants);

/* A tensor with the same storage and version that the tape does not know. */
DNN_API dnn_tensor *dnn_detach(dnn_tensor *t);

/* The gradient that backward left in a leaf; NULL if there is none. Borrowed: it lives until the next backward or zeroing. */
DNN_API dnn_tensor *dnn_grad(const dnn_tensor *t);
/* Sets or (NULL) drops it. g must have t's shape, dtype and device. */
DNN_API DNN_CHECKED dnn_status dnn_set_grad(dnn_tensor *t, dnn_tensor *g);

typedef struct dnn_backward_args {
    dnn_tensor *of;    /* what is differentiated */
    dnn_tensor *seed;  /* gradient of `of`; NULL = 1, then `of` must have one element. Else of's shape and dtype */
    bool retain_graph; /* keep what was saved, so that backward may run again */
    bool create_graph; /* record the gradients too, so that they can be differentiated; implies retain_graph */
} dnn_backward_args;

/* Adds the gradient of `of` to the gradient of every leaf that wants one. Takes a waiting error of this thread first.
 * A failed backward changes no leaf's gradient, and its graph is spent: run forward again.
 * Fails   DNN_E_INVALID: NULL; not on the tape; more than one element without a seed; a seed of another shape (both are
 *         named); a graph that is spent; a saved tensor that was changed in place (the operator is named); DNN_E_NOMEM. */
#define dnn_backward(...) dnn_backward_with((dnn_backward_args){.of = __VA_ARGS__})
#define dnn_backward_from(of_, ...) dnn_backward_with((dnn_backward_args){.of = (of_), .seed = __VA_ARGS__})
DNN_API DNN_CHECKED dnn_status dnn_backward_with(dnn_backward_args args);

/* Is recording on in this thread (it is, outside DNN_NO_GRAD)? */
DNN_API bool dnn_grad_enabled(void);

#ifdef __cplusplus
}
#endif
#endif
