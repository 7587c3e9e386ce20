/* request.h - a call of an operator as the layers above give it to dispatch. Private. */
#ifndef DNN__REQUEST_H
#define DNN__REQUEST_H
#include "op.h"
#include "tensor_impl.h"

typedef struct dnn__request {
    dnn__op_id op;
    int n_in, n_out;  /* n_out: slots in out */
    dnn_tensor **in;  /* dispatch replaces members by promoted ones in its own copy, never here */
    dnn_tensor **out; /* NULL: make it if its bit in `want` is set; else a destination (in place, or
                         set for the first time) */
    uint32_t want;    /* bits of outputs to make */
    const void *attr; /* begins with its size; NULL if the row has none */
    bool plan_only;   /* check, infer and plan, and leave it at that: the same request then fails in
                         its kernel only */
    const dnn__rng *rng; /* numbers drawn before (dropout_bwd); NULL: taken from the generator where
                            the row is random */
    uint32_t layout;     /* reorder: the layout of the result */
    uint64_t *bytes;     /* reorder, plan_only: takes the physical size of the result; else NULL */
} dnn__request;

#endif
