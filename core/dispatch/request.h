/* request.h - a call of an operator as the layers above give it to dispatch. Private. */
#ifndef DNN__REQUEST_H
#define DNN__REQUEST_H
#include "op.h"
#include "tensor_impl.h"

typedef struct dnn__request {
    dnn__op_id op;
    int n_in, n_out;  /* n_out: slots in out */
    dnn_tensor **in;  /* dispatch does not change the array */
    dnn_tensor **out; /* NULL: made if its bit in `want` is set; else a destination (in place, or a
                         new tensor) */
    uint32_t want;    /* bits of outputs to make */
    const void *attr; /* begins with its size; NULL if the row has none */
    bool plan_only;   /* checks, infers and plans, but does not run: the same request then fails in
                         its kernel only */
    const dnn__rng *rng; /* the numbers of an earlier call (dropout_bwd); NULL: a random row draws
                            from the generator */
    uint32_t layout;     /* reorder: the layout of the result */
    uint64_t *bytes; /* reorder, plan_only: receives the physical size of the result; else NULL */
} dnn__request;

#endif
