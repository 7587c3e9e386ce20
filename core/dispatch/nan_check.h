/* nan_check.h - anomaly mode as dispatch, rules and functions see it (nan_check.c). Private. */
#ifndef DNN__NAN_CHECK_H
#define DNN__NAN_CHECK_H
#include "dispatch_state.h"
#include "tape.h"

extern atomic_bool dnn__nan_check;

/* Is it on, and is this not the look itself? */
static inline bool dnn__nan_check_on(void)
{
    return DNN__UNLIKELY(atomic_load_explicit(&dnn__nan_check, memory_order_relaxed)) &&
           !dnn__dispatch_self.in_nan_check;
}
dnn_status dnn__nan_check_start(void); /* DNN_ANOMALY */

typedef struct dnn__nonfinite { /* the first inputs that were not finite; -1: none */
    int nan, inf;
} dnn__nonfinite;
/* Before an operator: it may overwrite an input. */
dnn_status dnn__nan_check_before(dnn_tensor *const *in, int n_in, dnn__nonfinite *held);
/* After it: an error if an output has a NaN, or has an infinity and no input had one. moves: an
 * operator that only moves elements answers for those that it makes. op: its name and the names
 * of its operands are read. */
dnn_status dnn__nan_check_after(const dnn__op *op, dnn_tensor *const *in, int n_in,
                                dnn_tensor *const *made, int n_out, bool moves,
                                const dnn__nonfinite *held);
/* Adds to the error of a gradient rule whose it was: the operator, its results and operands. */
dnn_status dnn__nan_check_backward(const dnn__node *node, dnn_status status);

#endif
