/* tape.h - nodes and edges of the tape, as tape.c, rule.c, backward.c and leaf.c share them. Private. */
#ifndef DNN__TAPE_H
#define DNN__TAPE_H
#include "op.h"

/* What the tape keeps of an operand: always its desc; its place and version if the row keeps it.
 * Never a handle: a kept output would be a cycle. */
typedef struct dnn__saved {
    dnn__desc desc;
    bool kept, overwritten; /* overwritten: the operator itself changed it in place */
    int64_t offset, stride[DNN_MAX_DIMS];
    dnn__storage *storage;
    dnn__version *version;
    uint64_t seen;
} dnn__saved;

typedef struct dnn__edge { /* where an input came from; both NULL: it wants no gradient */
    dnn__node *node;
    dnn__leaf *leaf;
    uint32_t out;
} dnn__edge;

/* A hook of a leaf, or of output `out` of a node; in order of registration. */
typedef struct dnn__hook {
    struct dnn__hook *next;
    int64_t id; /* rises */
    uint32_t out;
    dnn_hook_fn fn; /* NULL: not a hook; the gradient goes to keep */
    void *ctx;
    void (*free_ctx)(void *ctx);
    dnn__leaf *keep;
} dnn__hook;

enum { DNN__NEEDED = 1, DNN__CAPTURED = 2 }; /* marks: it leads to an input of grad_of; it is one */

struct dnn__node {
    _Atomic int32_t refs;
    const dnn__op *op;
    uint64_t number; /* rises: an operand's node has a lower one */
    int32_t n_in, n_out;
    size_t bytes;
    bool spent;
    uint8_t mark; /* of the grad_of that runs */
    dnn__device *device;
    dnn__rng rng;
    dnn__node *next_dead;
    dnn__edge *edge;      /* [n_in] */
    dnn__saved *in, *out; /* [n_in], [n_out] */
    dnn_tensor **dout;    /* [n_out]: gradients that have arrived */
    dnn__storage *stash;  /* of the forward kernel, for backward kernels of `keeper`; NULL: none */
    const struct dnn__plugin *keeper;
    void *attr;
    dnn__hook *hooks;
};

/* ---- tape.c ---- */
void dnn__describe(dnn__desc *desc, const dnn_tensor *t); /* t NULL: ndim -1 */
bool dnn__same_desc(const dnn__desc *desc, const dnn_tensor *t);
void dnn__node_forget(dnn__node *node); /* what it kept goes */
/* Sets *saved: the desc, and if keep the place and version. */
void dnn__save(dnn__saved *saved, const dnn_tensor *t, bool keep);
void dnn__saved_drop(dnn__saved *saved);
void dnn__edge_retain(const dnn__edge *edge); /* for a copy of it */

/* ---- graph.c ---- */
typedef struct dnn__queue { /* nodes by number, the highest first; a node may be pushed many times and comes out once */
    dnn__node **heap;
    int64_t n, capacity;
} dnn__queue;
dnn_status dnn__queue_push(dnn__queue *queue, dnn__node *node);
dnn__node *dnn__queue_pop(dnn__queue *queue); /* queue->n > 0 */

typedef struct dnn__node_list {
    dnn__node **node; /* for the caller to free, after a failure too */
    int64_t n, capacity;
} dnn__node_list;
/* All nodes that `from` leads to, it first, by falling number: an operand's node behind those that use it. */
dnn_status dnn__reach(dnn__node *from, dnn__node_list *out);

/* ---- hook.c ---- */
extern _Atomic int64_t dnn__leaf_hooks; /* hooks of leaves that there are in the process */
dnn__hook *dnn__hook_new(dnn__hook **list, uint32_t out); /* at the end, without fn. NULL: no memory */
void dnn__hook_drop(dnn__hook **list, int64_t id);
void dnn__hooks_drop(dnn__hook **list, bool leaf); /* all of them */
/* The result was changed in place: the gradient that is kept is that of the new value. */
void dnn__hooks_move_kept(dnn__node *from, dnn__node *to, const dnn__leaf *leaf, uint32_t out);
/* Calls the hooks for `out`, each with what the one before left; *grad is a reference. name is for messages. */
dnn_status dnn__hooks_run(dnn__hook *const *list, uint32_t out, const char *name, dnn_tensor **grad);

/* ---- leaf.c ---- */
dnn__leaf *dnn__leaf_new(const dnn_tensor *t); /* refs 1. NULL: no memory */

/* ---- backward.c ---- */
typedef struct dnn__stage { /* the gradient of a leaf while a walk runs */
    dnn__leaf *leaf;
    dnn_tensor *grad; /* sum so far, a reference; NULL: none came */
    const struct dnn__walk *walk;
    struct dnn__stage *next, *outer; /* of the walk; of the leaf in the walk around this one */
    int64_t pending;                 /* edges that lead here and were not passed; counted where there are hooks */
    bool final;                      /* the hooks have seen it */
} dnn__stage;

typedef struct dnn__walk {
    dnn__queue queue;
    dnn__stage *stages;
    bool retain, create;
    bool pruned; /* only nodes with a mark, only leaves that are wanted */
} dnn__walk;
/* From of back, seed NULL = ones; then hooks have run and what came is staged. After it, and after a failure, dnn__walk_end. */
dnn_status dnn__walk_run(dnn__walk *walk, dnn_tensor *of, dnn_tensor *seed);
void dnn__walk_end(dnn__walk *walk);
dnn__stage *dnn__stage_of(const dnn__walk *walk, const dnn__leaf *leaf); /* NULL: it has none */
dnn_status dnn__check_backward(const char *name, const dnn_tensor *of, const dnn_tensor *seed);
/* *g (a reference) becomes a dense tensor that nobody else holds; with more, more + *g. */
dnn_status dnn__own(dnn_tensor **g, dnn_tensor *more);

/* ---- rule.c ---- */
/* A kept operand as a tensor again, NULL where nothing is kept; with create it leads to `from`. Fails: it was changed in
 * place since. role and i are for the message. */
dnn_status dnn__unwrap(const dnn__node *node, const dnn__saved *saved, const char *role, int i, const dnn__edge *from,
                       bool create, dnn_tensor **out);

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

/* Lays the arrays out; pruned: only what is marked and wanted is wanted. Fails: a node that is spent or has no rule; DNN_E_NOMEM. */
dnn_status dnn__rule_open(dnn__rule *rule, const dnn__node *node, bool pruned);
/* Calls the rule, which leaves its results in rule->din. create: what it does is recorded and leads to the operands. */
dnn_status dnn__rule_run(dnn__rule *rule, dnn__node *node, bool create);

#endif
