/* dispatch.h - the one road from an operator to a kernel, as the layers above call it. Private. */
#ifndef DNN__DISPATCH_H
#define DNN__DISPATCH_H
#include "tape.h"

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

/* The one road. Checks, promotes, infers, finds the plan, makes outputs, runs, records. On failure
 * nothing has changed (a target in place may hold anything only if the kernel itself failed
 * half-way) and the error is returned, not left pending. */
dnn_status dnn__dispatch(const dnn__request *request);
/* Drops the plans of a plugin, or all for NULL: waits for devices, then calls unplan. */
void dnn__plans_drop(const char *plugin_id);

/* A stash that is read in backward: by the backward rows of `forward`, and kernels of one plugin
 * (stash.c). */
typedef struct dnn__stash_pair {
    const dnn__op *forward;
    const struct dnn__plugin *plugin;
    uint64_t bytes;
    dnn__storage *stash; /* NULL while the pair is planned */
    int *readers;        /* then: counts the calls that would read it */
} dnn__stash_pair;

/* ---- inplace.c ---- */
/* May t be changed in place now? `recorded`: an input is tracked and recording is on. The rules of
 * ops.h, as a message. */
dnn_status dnn__check_inplace(const char *op, const dnn_tensor *t, bool recorded);
/* t's elements were changed: its version rises, and what is no result of its node any more leaves
 * the tape. */
void dnn__written(dnn_tensor *t);

#endif
