/* dispatch_state.h - what dispatch keeps for each thread. Private. */
#ifndef DNN__DISPATCH_STATE_H
#define DNN__DISPATCH_STATE_H
#include "dnn/backend.h"
#include "stash_pair.h"

typedef struct dnn__dispatch_thread {
    dnn_explain_fn explain; /* the callback of dnn_explain, or NULL */
    void *explain_ctx;
    const dnn__stash_pair *pair; /* of the gradient rule that runs (stash.c) */
    int no_host_fallback;        /* depth: a dry run may not plan on the host (decompose.c) */
    int layouts_held;            /* depth of the layouts' lock (layout.c) */
    bool in_nan_check;           /* anomaly mode reads a tensor (nan_check.c) */
} dnn__dispatch_thread;
extern DNN__THREAD_LOCAL dnn__dispatch_thread dnn__dispatch_self;

#endif
