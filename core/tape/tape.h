/* tape.h - the recording half of autograd: leaves, nodes, edges, saved operands, hook lists.
 * Private.
 *
 * Dispatch records on the tape; the engine (core/autograd) stands above the operators and walks it.
 */
#ifndef DNN__TAPE_H
#define DNN__TAPE_H
#include "op.h"
#include "tensor_impl.h"

struct dnn__plugin; /* plugin.h */

struct dnn__leaf { /* where a leaf's gradient goes; outlives the handle while a graph leads to it */
    dnn__history history;
    dnn_tensor *grad;                     /* NULL: none */
    struct dnn__accumulator *accumulator; /* of the innermost backward that reached it */
    struct dnn__hook *hooks;
    bool wanted; /* by the grad_of that runs */
    dnn__desc desc;
};

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
    dnn__history history;
    const dnn__op *op;
    uint64_t number; /* rises: an operand's node has a lower one */
    int32_t n_in, n_out;
    size_t bytes;
    bool freed;
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

/* ---- node.c ---- */
/* Records op over in[] with out[]; called by dispatch when recording is on and an input is tracked.
 * `seen` of inputs is taken from their versions now; for targets in place dispatch calls it after
 * the version rose. */
/* A node for dnn__node_record, made ahead of what it records: then recording cannot fail. NULL: no
 * memory. */
dnn__node *dnn__node_new(const dnn__op *op, int n_in, int n_out);
void dnn__node_record(dnn__node *node, dnn_tensor *const *in, dnn_tensor *const *out,
                      const void *attr, const dnn__rng *rng);
void dnn__node_drop(dnn__node *node); /* one that recorded nothing; NULL is allowed */
/* The node keeps the forward kernel's stash, whose reference it takes over, for the keeper's
 * backward kernels. */
void dnn__node_stash(dnn__node *node, dnn__storage *stash, const struct dnn__plugin *keeper);
dnn_status dnn__record(const dnn__op *op, dnn_tensor *const *in, int n_in, dnn_tensor *const *out,
                       int n_out, const void *attr, const dnn__rng *rng);
void dnn__node_release(dnn__node *node);
void dnn__leaf_release(dnn__leaf *leaf);

void dnn__node_forget(dnn__node *node); /* what it kept goes */
/* Sets *saved: the desc, and if keep the place and version. */
void dnn__save(dnn__saved *saved, const dnn_tensor *t, bool keep);
void dnn__saved_drop(dnn__saved *saved);
void dnn__edge_retain(const dnn__edge *edge); /* for a copy of it */

/* ---- topological_order.c ---- */
typedef struct dnn__queue { /* nodes by number, the highest first; a node may be pushed many times
                               and comes out once */
    dnn__node **heap;
    int64_t n, capacity;
} dnn__queue;
dnn_status dnn__queue_push(dnn__queue *queue, dnn__node *node);
dnn__node *dnn__queue_pop(dnn__queue *queue); /* queue->n > 0 */

typedef struct dnn__node_list {
    dnn__node **node; /* for the caller to free, after a failure too */
    int64_t n, capacity;
} dnn__node_list;
/* All nodes that `from` leads to, it first, by falling number: an operand's node behind those that
 * use it. */
dnn_status dnn__reach(dnn__node *from, dnn__node_list *out);

/* ---- leaf.c: hook lists ---- */
extern _Atomic int64_t dnn__leaf_hooks; /* hooks of leaves that there are in the process */
dnn__hook *dnn__hook_new(dnn__hook **list,
                         uint32_t out); /* at the end, without fn. NULL: no memory */
void dnn__hook_drop(dnn__hook **list, int64_t id);
void dnn__hook_drop_at(
    dnn__hook **place); /* takes the hook at *place off its list and frees its context */
void dnn__hooks_drop(dnn__hook **list, bool leaf); /* all of them */
/* The result was changed in place: the gradient that is kept is that of the new value. */
void dnn__hooks_move_kept(dnn__node *from, dnn__node *to, const dnn__leaf *leaf, uint32_t out);

/* ---- leaf.c ---- */
dnn__leaf *dnn__leaf_new(const dnn_tensor *t); /* refs 1. NULL: no memory */

/* ---- saved.c ---- */
/* A kept operand as a tensor again, NULL where nothing is kept; with create it leads to `from`.
 * Fails: it was changed in place since. role and i are for the message. */
dnn_status dnn__unwrap(const dnn__node *node, const dnn__saved *saved, const char *role, int i,
                       const dnn__edge *from, bool create, dnn_tensor **out);

#endif
