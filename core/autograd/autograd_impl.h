/* autograd_impl.h - what the files of the engine share: the walk of a backward, calls of gradient
 * rules, hooks. Private to core/autograd. */
#ifndef DNN__AUTOGRAD_IMPL_H
#define DNN__AUTOGRAD_IMPL_H
#include "tape.h"

/* ---- hooks.c ---- */
/* Calls the hooks for `out`, each with what the one before left; *grad is a reference. name is for
 * messages. */
dnn_status dnn__hooks_run(dnn__hook *const *list, uint32_t out, const char *name,
                          dnn_tensor **grad);

/* ---- engine.c ---- */
typedef struct dnn__accumulator { /* the gradient of a leaf while a walk runs */
    dnn__leaf *leaf;
    dnn_tensor *grad; /* sum so far, a reference; NULL: none came */
    const struct dnn__walk *walk;
    struct dnn__accumulator *next,
        *outer;      /* of the walk; of the leaf in the walk around this one */
    int64_t pending; /* edges that lead here and were not passed; counted where there are hooks */
    bool final;      /* the hooks have seen it */
} dnn__accumulator;

typedef struct dnn__walk {
    dnn__queue queue;
    dnn__accumulator *accumulators;
    bool retain, create;
    bool pruned; /* only nodes with a mark, only leaves that are wanted */
} dnn__walk;
/* From of back, seed NULL = ones; then hooks have run and what came is accumulated. After it, and
 * after a failure, dnn__walk_end. */
dnn_status dnn__walk_run(dnn__walk *walk, dnn_tensor *of, dnn_tensor *seed);
void dnn__walk_end(dnn__walk *walk);
dnn__accumulator *dnn__accumulator_of(const dnn__walk *walk,
                                      const dnn__leaf *leaf); /* NULL: it has none */
dnn_status dnn__check_backward(const char *name, const dnn_tensor *of, const dnn_tensor *seed);
/* *g (a reference) becomes a dense tensor that nobody else holds; with more, more + *g. */
dnn_status dnn__own(dnn_tensor **g, dnn_tensor *more);

/* ---- apply_rule.c ---- */
enum { DNN__FEW = 8 };

typedef struct dnn__rule { /* the arrays of a call of a gradient rule */
    dnn__grad grad;
    dnn_tensor *few_tensor[4 * DNN__FEW];
    dnn__desc few_desc[DNN__FEW];
    bool few_wants[DNN__FEW];
    dnn_tensor **in, **out, **din;
    dnn__desc *desc;
    bool *wants;
    void *memory; /* for the caller to free */
} dnn__rule;

/* Lays the arrays out; pruned: only what is marked and wanted is wanted. Fails: a node that is
 * freed or has no rule; DNN_E_NOMEM. */
dnn_status dnn__rule_open(dnn__rule *rule, const dnn__node *node, bool pruned);
/* Calls the rule, which leaves its results in rule->din. create: what it does is recorded and leads
 * to the operands. */
dnn_status dnn__rule_run(dnn__rule *rule, dnn__node *node, bool create);

#endif
