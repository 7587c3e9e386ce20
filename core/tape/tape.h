/* tape.h - the recording half of autograd: leaves, nodes, edges, saved operands, hook lists.
 * Private.
 *
 * Dispatch records on the tape. The engine (core/autograd) is a layer above the operators and
 * visits the nodes. */
#ifndef DNN__TAPE_H
#define DNN__TAPE_H
#include "dnn/autograd.h"
#include "op.h"
#include "tensor_impl.h"

struct dnn__plugin; /* plugin.h */

/* Holds the gradient of a leaf, or of another tensor that retains it. Stays alive after the handle
 * while a graph reaches it. */
struct dnn__leaf {
    dnn__history history;
    dnn_tensor *grad;                     /* NULL: none yet */
    struct dnn__accumulator *accumulator; /* of the innermost running backward that reached it */
    struct dnn__hook *hooks;
    bool wanted;  /* the running grad_of computes its gradient */
    bool reached; /* its `of` depends on this leaf */
    dnn__desc desc;
};

/* The part of an operand that a node saves: always its desc; storage, strides and version if the
 * row says keep. It holds no handle, because a saved output would make a reference cycle. */
typedef struct dnn__saved {
    dnn__desc desc;
    bool kept, overwritten; /* overwritten: the operator itself changed it in place */
    int64_t offset, stride[DNN_MAX_DIMS];
    dnn__storage *storage;
    dnn__version *version;
    uint64_t seen; /* count of the version when it was saved */
} dnn__saved;

/* The node or leaf that an input came from. Both NULL: the input needs no gradient. */
typedef struct dnn__edge {
    dnn__node *node;
    dnn__leaf *leaf;
    uint32_t out; /* which output of node */
} dnn__edge;

/* A hook of a leaf, or of output `out` of a node. The list is in order of registration. */
typedef struct dnn__hook {
    struct dnn__hook *next;
    int64_t id; /* rises with each registration */
    uint32_t out;
    /* NULL: not a hook, but the gradient is added to the leaf `keep` (dnn_retain_grad) */
    dnn_hook_fn fn;
    void *ctx;
    void (*free_ctx)(void *ctx);
    dnn__leaf *keep;
} dnn__hook;

/* Marks of a node in grad_of. NEEDED: a wanted input is reached through it. CAPTURED: a wanted
 * input is one of its outputs. */
enum { DNN__NEEDED = 1, DNN__CAPTURED = 2 };

struct dnn__node {
    dnn__history history;
    const dnn__op *op;
    uint64_t number; /* rises: the nodes of its operands have lower numbers */
    int32_t n_in, n_out;
    size_t bytes; /* of the node with its arrays */
    bool freed;   /* its saved operands were released: it cannot run backward again */
    uint8_t mark; /* of the running grad_of */
    dnn__device *device;
    dnn__rng rng;
    dnn__node *next_dead; /* of the nodes that wait to be freed, so that freeing does not recurse */
    dnn__edge *edge;      /* [n_in] */
    dnn__saved *in, *out; /* [n_in], [n_out] */
    dnn_tensor **dout;    /* [n_out]: sums of the gradients received so far */
    dnn__storage *stash;  /* from the forward kernel, for backward kernels of the plugin
                             `stash_plugin`;  NULL: none */
    const struct dnn__plugin *stash_plugin;
    void *attr;
    dnn__hook *hooks;
};

/* ---- node.c ---- */
/* Makes a node before the operator runs, so that recording cannot fail afterwards. NULL: no memory.
 */
dnn__node *dnn__node_new(const dnn__op *op, int n_in, int n_out);
/* Records a call in the node: edges to the inputs, saved operands with their versions as they are
 * now. After a call in place it comes after the version was raised. */
void dnn__node_record(dnn__node *node, dnn_tensor *const *in, dnn_tensor *const *out,
                      const void *attr, const dnn__rng *rng);
void dnn__node_drop(dnn__node *node); /* frees a node that recorded nothing; accepts NULL */
/* Stores the forward kernel's stash, with its reference, for backward kernels of the plugin
 * `stash_plugin`. */
void dnn__node_stash(dnn__node *node, dnn__storage *stash, const struct dnn__plugin *stash_plugin);
/* Makes a node and records a call that cannot fail any more (views). */
dnn_status dnn__record(const dnn__op *op, dnn_tensor *const *in, int n_in, dnn_tensor *const *out,
                       int n_out, const void *attr, const dnn__rng *rng);
void dnn__node_release(dnn__node *node);
void dnn__leaf_release(dnn__leaf *leaf);

void dnn__node_forget(dnn__node *node); /* releases all that it saved */
/* Sets *saved: the desc, and if keep is true also storage, strides and version. */
void dnn__save(dnn__saved *saved, const dnn_tensor *t, bool keep);
void dnn__saved_drop(dnn__saved *saved);
void dnn__edge_retain(const dnn__edge *edge); /* for a copy of the edge */

/* ---- topological_order.c ---- */
/* A priority queue of nodes, the highest number first. A node that was pushed several times is
 * returned once. */
typedef struct dnn__queue {
    dnn__node **heap;
    int64_t n, capacity;
} dnn__queue;
dnn_status dnn__queue_push(dnn__queue *queue, dnn__node *node);
dnn__node *dnn__queue_pop(dnn__queue *queue); /* queue->n must be > 0 */

typedef struct dnn__node_list {
    dnn__node **node; /* the caller frees it, also after a failure */
    int64_t n, capacity;
} dnn__node_list;
/* Lists all nodes reachable from `from`, which comes first, by falling number: a node comes after
 * all nodes that use its results. */
dnn_status dnn__reach(dnn__node *from, dnn__node_list *out);

/* ---- leaf.c: hook lists ---- */
extern _Atomic int64_t dnn__leaf_hooks; /* number of hooks on leaves in the process */
/* Appends a hook without fn. NULL: no memory. */
dnn__hook *dnn__hook_new(dnn__hook **list, uint32_t out);
void dnn__hook_drop(dnn__hook **list, int64_t id);
/* Unlinks the hook *link from its list and frees it with its context. */
void dnn__hook_drop_at(dnn__hook **link);
void dnn__hooks_drop(dnn__hook **list, bool leaf); /* drops all of them */
/* After an in-place change of a result that retains its gradient: moves the retaining hook to the
 * new node, so that the gradient of the new value is kept. */
void dnn__hooks_move_kept(dnn__node *from, dnn__node *to, const dnn__leaf *leaf, uint32_t out);

/* ---- leaf.c ---- */
dnn__leaf *dnn__leaf_new(const dnn_tensor *t); /* refs 1. NULL: no memory */

/* ---- saved.c ---- */
/* Makes a tensor of a saved operand; NULL if the row does not keep it, or the operator itself
 * overwrote it (apply_rule.c). create_graph: the tensor has the history `from`. Fails if the
 * operand was changed in place since. role and i name it in the message. */
dnn_status dnn__unwrap(const dnn__node *node, const dnn__saved *saved, const char *role, int i,
                       const dnn__edge *from, bool create_graph, dnn_tensor **out);

#endif
