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

struct dnn__node {
    _Atomic int32_t refs;
    const dnn__op *op;
    uint64_t number; /* rises: an operand's node has a lower one */
    int32_t n_in, n_out;
    size_t bytes;
    bool spent;
    dnn__device *device;
    dnn__rng rng;
    dnn__node *next_dead;
    dnn__edge *edge;      /* [n_in] */
    dnn__saved *in, *out; /* [n_in], [n_out] */
    dnn_tensor **dout;    /* [n_out]: gradients that have arrived */
    dnn__storage *stash;  /* of the forward kernel, for backward kernels of `keeper`; NULL: none */
    const struct dnn__plugin *keeper;
    void *attr;
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

/* ---- function.c: nodes whose rule is the program's ---- */
void dnn__function_forget(dnn__node *node);
void dnn__function_end(dnn__node *node); /* the node goes */

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

/* Lays the arrays out. Fails: a node that is spent or has no rule; DNN_E_NOMEM. */
dnn_status dnn__rule_open(dnn__rule *rule, const dnn__node *node);
/* Calls the rule, which leaves its results in rule->din. create: what it does is recorded and leads to the operands. */
dnn_status dnn__rule_run(dnn__rule *rule, dnn__node *node, bool create);

#endif
