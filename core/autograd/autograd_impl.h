/* autograd_impl.h - the functions that the files of the engine share: hooks, the call of a gradient
 * rule, the walk of one backward. Each section uses those before it only. Private to
 * core/autograd. */
#ifndef DNN__AUTOGRAD_IMPL_H
#define DNN__AUTOGRAD_IMPL_H
#include "tape.h"

/* ---- hooks.c ---- */
/* Calls the hooks of output `out` in order of registration; each gets the gradient that the one
 * before it returned. *grad is a reference. Messages show name. */
dnn_status dnn__hooks_run(dnn__hook *const *list, uint32_t out, const char *name,
                          dnn_tensor **grad);

/* ---- apply_rule.c ---- */
enum { DNN__FEW = 8 };

typedef struct dnn__rule { /* the arrays of one call of a gradient rule */
    dnn__grad grad;
    dnn_tensor *few_tensor[4 * DNN__FEW]; /* used if a node has at most DNN__FEW inputs, outputs */
    dnn__desc few_desc[DNN__FEW];
    bool few_wants[DNN__FEW];
    dnn_tensor **in, **out, **din;
    dnn__desc *desc;
    bool *wants;
    void *memory; /* used for larger nodes; the caller frees it */
} dnn__rule;

/* Sets up the arrays. If pruned, only inputs that lead to an input of grad_of want a gradient.
 * Fails if the node has been freed or has no gradient rule; DNN_E_NOMEM. */
dnn_status dnn__rule_open(dnn__rule *rule, const dnn__node *node, bool pruned);
/* Calls the gradient rule, which stores its results in rule->din. create: records the operators of
 * the rule, with edges to the operands of the node. */
dnn_status dnn__rule_run(dnn__rule *rule, dnn__node *node, bool create);

/* ---- engine.c ---- */
typedef struct dnn__accumulator { /* the gradient of a leaf during a walk */
    dnn__leaf *leaf;
    dnn_tensor *grad; /* the sum so far, a reference; NULL: no gradient arrived */
    const struct dnn__walk *walk;
    struct dnn__accumulator *next;  /* of the same walk */
    struct dnn__accumulator *outer; /* of the same leaf, in the walk that encloses this one */
    int64_t pending; /* edges to this leaf that the walk has not passed; 0 if no leaf has hooks */
    bool final;      /* the hooks have run */
} dnn__accumulator;

typedef struct dnn__walk {
    dnn__queue queue;
    dnn__accumulator *accumulators;
    bool retain, create;
    bool pruned; /* passes marked nodes and wanted leaves only */
} dnn__walk;
/* Runs backward from `of`; seed NULL stands for ones. Afterwards the hooks have run, and the
 * accumulators have the gradients. Call dnn__walk_end afterwards, also after a failure. */
dnn_status dnn__walk_run(dnn__walk *walk, dnn_tensor *of, dnn_tensor *seed);
void dnn__walk_end(dnn__walk *walk);
/* Returns the accumulator of the leaf in this walk; NULL if it has none. */
dnn__accumulator *dnn__accumulator_of(const dnn__walk *walk, const dnn__leaf *leaf);
/* Checks tensor and seed of a backward or grad_of. */
dnn_status dnn__check_backward(const char *name, const dnn_tensor *of, const dnn_tensor *seed);
/* Replaces *g, a reference, by a dense tensor without other owners: *g itself if it is one, else a
 * copy. If more is not NULL: by more + *g. */
dnn_status dnn__make_unshared(dnn_tensor **g, dnn_tensor *more);

#endif
