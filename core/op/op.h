/* op.h - the operator table as the core sees it, the road from an operator to a kernel, and the tape. Private. */
#ifndef DNN__OP_H
#define DNN__OP_H
#include "memory.h"
#include "dnn_ops.h"
#include "dnn/ops.h"
#include "dnn/autograd.h"

/* ---- tensors (tensor.c) ---- */

typedef struct dnn__node dnn__node;

typedef struct dnn__leaf { /* where a leaf's gradient goes; outlives the handle while a graph leads to it */
    _Atomic int32_t refs;
    dnn_tensor *grad; /* NULL: none */
    struct dnn__stage *stage; /* of the innermost backward that runs and reached it (tape.h) */
    struct dnn__hook *hooks;
    bool wanted; /* by the grad_of that runs */
    dnn__desc desc;
} dnn__leaf;

struct dnn_tensor {
    _Atomic int32_t refs;
    dnn_dtype dtype;
    int32_t ndim;
    bool is_view;               /* made by a view operator */
    bool lent;                  /* leaf belongs to another handle of the program, and so does its gradient */
    bool mapped_copy, mapped_write;
    bool fresh;                 /* made for the operator that writes it first: nobody knows it yet */
    int64_t offset; /* elements from the start of the storage */
    int64_t dim[DNN_MAX_DIMS], stride[DNN_MAX_DIMS];
    dnn__storage *storage;
    dnn__version *version;
    dnn__leaf *leaf; /* node NULL: a leaf that wants a gradient; else its gradient is kept (dnn_retain_grad) */
    dnn__node *node; /* not NULL: output number node_out of a recorded operator */
    uint32_t node_out;
    void *mapped; /* what dnn_map gave out */
    dnn_scope *scope;
    dnn_tensor *prev, *next; /* in the scope's list */
};

/* A dense tensor of the scope, elements not set. NULL and a waiting error. `op` begins the message. */
dnn_tensor *dnn__tensor_new(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim, dnn__device *device);
/* A handle over a storage that is retained for it; version NULL = a new one. Not recorded. */
dnn_tensor *dnn__tensor_over(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim, const int64_t *stride,
                             int64_t offset, dnn__storage *storage, dnn__version *version);
/* A handle on the same storage and version with another view. Not recorded. */
dnn_tensor *dnn__tensor_alias(dnn_tensor *t, int ndim, const int64_t *dim, const int64_t *stride, int64_t offset);
/* A dense tensor whose elements lie in a private layout of `bytes` bytes. */
dnn_tensor *dnn__tensor_private(const char *op, dnn_dtype dtype, int ndim, const int64_t *dim, dnn__device *device,
                                uint32_t layout, uint64_t bytes);
/* A rank-0 tensor of the device holding value cast to dtype. */
dnn_tensor *dnn__scalar(double value, dnn_dtype dtype, dnn__device *device);
dnn_tensor *dnn__scalar_i64(int64_t value, dnn__device *device);
/* Puts t on the list of the innermost scope (which takes over the caller's reference), and takes it off its list. status.c */
void dnn__scope_adopt(dnn_tensor *t);
void dnn__scope_leave(dnn_tensor *t);
/* t's storage becomes strided if a plugin's private layout is in it: ahead of every view of it and every look at its bytes. Not
 * under the layouts' lock (layout.h). Fails as an operator does. */
dnn_status dnn__make_strided_slow(dnn_tensor *t);
static inline dnn_status dnn__make_strided(dnn_tensor *t)
{
    return DNN__LIKELY(dnn__layout_of(t->storage) == 0) ? DNN_OK : dnn__make_strided_slow(t);
}
static inline bool dnn__tracked(const dnn_tensor *t)
{
    return t->leaf != NULL || t->node != NULL;
}
static inline dnn__device *dnn__device_of(const dnn_tensor *t)
{
    return t->storage->device;
}
static inline bool dnn__dense(const dnn_tensor *t)
{
    return dnn__is_dense(t->ndim, t->dim, t->stride);
}
static inline int64_t dnn__numel(const dnn_tensor *t)
{
    return dnn__numel_of(t->ndim, t->dim);
}
dnn_shape dnn__shape(const dnn__desc *desc);

/* ---- the table ---- */

enum { /* dtype rules: what dispatch does with the dtypes of the operands before the shape rule sees them */
    DNN__AS_IS,   /* the shape rule looks at them itself */
    DNN__PROMOTE, /* operands are cast to where they meet */
    DNN__FLOAT,   /* the same, and integers and bool become f32 */
    DNN__EQUAL    /* must be equal: an error names both */
};
enum { /* traits */
    DNN__ELEMENTWISE = 1, /* kernels see every input expanded to the dims of out[0] */
    DNN__KEEPS_ZEROS = 2, /* zeros in, zeros out: FLAT kernels may run over padding */
    DNN__IS_VIEW = 4,     /* no kernel: the output shares the storage of in[0] */
    DNN__RANDOM = 8,      /* draws numbers: one word per element of out[0], two for f64 */
    DNN__MUTATES = 16,    /* outputs are inputs, by the schema; never on the tape */
    DNN__MOVES_LAYOUT = 32, /* reorder: called by the core alone, between layouts; never on the tape */
    DNN__FUNCTION = 64    /* not a row: a function of the program (function.c) */
};
#define DNN__IN(i) (1u << (i))
#define DNN__OUT(i) (1u << (16 + (i)))

typedef struct dnn__op dnn__op;
struct dnn__plugin; /* plugin_host.h */
typedef struct dnn__sig { /* what a shape rule reads (all but out) and writes */
    const dnn__op *op;
    const void *attr;
    int n_in, n_out;
    dnn_tensor *const *in; /* NULL = left out */
    dnn__desc *out;        /* [2]: the rule sets it; where a destination is given it holds its desc when the rule is called, and
                            * what the rule leaves there must agree with it. Not used by rows of any number of outputs. */
    dnn_tensor *const *given; /* [n_out] destinations, NULL = to be made */
} dnn__sig;

typedef struct dnn__parts { /* what a decomposition reads and writes */
    const dnn__op *op;
    const void *attr;
    int n_in;
    dnn_tensor *const *in; /* NULL = left out */
    dnn_tensor *out[2];    /* the results; tensors of its scope */
} dnn__parts;

typedef struct dnn__grad { /* what a gradient rule reads and writes */
    const dnn__op *op;
    const void *attr;
    int n_in, n_out;
    dnn_tensor *const *in, *const *out; /* what the tape kept; NULL where the row keeps nothing or the operand was left out */
    const dnn__desc *in_desc;           /* of every input, kept or not */
    dnn_tensor *const *dout;            /* gradient of each output; NULL = zero (not all are) */
    const bool *wants;                  /* [n_in] */
    dnn_tensor **din;                   /* [n_in]: the result; NULL = zero. Tensors of the rule's scope */
    dnn__device *device;
    dnn__rng rng;                       /* of the forward call */
} dnn__grad;

/* Attributes of rows without a kernel. */
typedef struct dnn_attr_permute {
    uint32_t size;
    uint8_t order[DNN_MAX_DIMS];
    uint32_t pad;
} dnn_attr_permute;
typedef struct dnn_attr_to_device {
    uint32_t size, pad;
    dnn__device *source;
} dnn_attr_to_device;

typedef enum dnn__op_id {
    DNN_OP_none = -1,
#define DNN_OP(name, ...) DNN_OP_##name,
#include "op_table.def"
#undef DNN_OP
    DNN__N_OPS
} dnn__op_id;

struct dnn__op {
    const char *name, *attr; /* attr: struct dnn_attr_<attr>, or "none" */
    int16_t id, n_in, n_out; /* n_in -1: any number */
    const char *names, *doc; /* of the operands, one word each; the formula */
    uint16_t optional;       /* mask of inputs that may be NULL */
    uint32_t attr_bytes;     /* 0: none */
    uint32_t attr_v1_0;      /* as of ABI 1.0: what a kernel knows whose attr_bytes is 0 */
    uint32_t keep;           /* what the tape keeps */
    uint8_t dtype_rule, primary, traits, version;
    uint32_t accepts;        /* dtypes of the operands (after promotion) */
    int16_t backward, backward_too; /* rows that its gradient rule calls and that may read its stash; -1, or 0 in the second */
    dnn_status (*shape)(dnn__sig *sig);
    void (*gradient)(dnn__grad *grad); /* NULL: not differentiable */
    void (*decompose)(dnn__parts *parts); /* NULL: none. In operators, for devices where nobody has a kernel */
};
extern const dnn__op dnn__ops[DNN__N_OPS];
const dnn__op *dnn__op_named(const char *name); /* NULL if there is none */

typedef struct dnn__operand_text {
    char text[48];
} dnn__operand_text;
/* The name of input i for messages: "w", "tensors[3]"; "input 3" if the row has no names (a custom
 * function). */
dnn__operand_text dnn__input_name(const dnn__op *op, int i);

/* ---- dispatch (dispatch.c) ---- */

typedef struct dnn__request {
    dnn__op_id op;
    int n_in, n_out;      /* n_out: slots in out */
    dnn_tensor **in;      /* dispatch replaces members by promoted ones in its own copy, never here */
    dnn_tensor **out;     /* NULL: make it if its bit in `want` is set; else a destination (in place, or set for the first time) */
    uint32_t want;        /* bits of outputs to make */
    const void *attr;     /* begins with its size; NULL if the row has none */
    bool plan_only;       /* check, infer and plan, and leave it at that: the same request then fails in its kernel only */
    const dnn__rng *rng;  /* numbers drawn before (dropout_bwd); NULL: taken from the generator where the row is random */
    uint32_t layout;      /* reorder: the layout of the result */
    uint64_t *bytes;      /* reorder, plan_only: takes the physical size of the result; else NULL */
} dnn__request;

/* The one road. Checks, promotes, infers, finds the plan, makes outputs, runs, records. On failure nothing has changed (a target
 * in place may hold anything only if the kernel itself failed half-way) and the error is returned, not left waiting. */
dnn_status dnn__dispatch(const dnn__request *request);
/* For the value idiom: NULL in, NULL out; errors wait; one new output. */
dnn_tensor *dnn__apply(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr);
/* The same with a second output, NULL if not wanted. *second is set only on success. */
dnn_tensor *dnn__apply2(dnn__op_id op, dnn_tensor *const *in, int n_in, const void *attr, dnn_tensor **second);
/* Into a destination: in place, or a new tensor whose dims the inputs do not determine. Returns it. It may be among the inputs.
 * The rules of in-place operators (ops.h) are checked here. */
dnn_tensor *dnn__apply_to(dnn__op_id op, dnn_tensor *target, dnn_tensor *const *in, int n_in, const void *attr);
/* May t be changed in place now? `recorded`: an input is tracked and recording is on. The rules of ops.h, as a message. */
dnn_status dnn__check_target(const char *op, const dnn_tensor *t, bool recorded);
/* t's elements were changed: its version rises, and what is no result of its node any more leaves the tape. */
void dnn__written(dnn_tensor *t);
/* A view of x that is recorded as an operator. */
dnn_tensor *dnn__apply_view(dnn__op_id op, dnn_tensor *x, int ndim, const int64_t *dim, const int64_t *stride, int64_t offset,
                            const void *attr);
/* Head of every public operator: false (and the reason waits) if an error waits, x is NULL or the library is unusable.
 *     if (!dnn__ready("flatten", x)) return NULL; */
bool dnn__ready(const char *op, const dnn_tensor *x);

void dnn__plans_drop(const char *plugin_id); /* NULL: all. Waits for devices, then unplans */

/* ---- the tape (tape.c; its insides: tape.h) ---- */
/* Records op over in[] with out[]; called by dispatch when recording is on and an input is tracked. `seen` of inputs is taken from
 * their versions now; for targets in place dispatch calls it after the version rose. */
/* A node for dnn__node_record, made ahead of what it records: then recording cannot fail. NULL: no memory. */
dnn__node *dnn__node_new(const dnn__op *op, int n_in, int n_out);
void dnn__node_record(dnn__node *node, dnn_tensor *const *in, dnn_tensor *const *out, const void *attr, const dnn__rng *rng);
void dnn__node_drop(dnn__node *node); /* one that recorded nothing; NULL is allowed */
/* The node keeps the forward kernel's stash, whose reference it takes over, for the keeper's backward kernels. */
void dnn__node_stash(dnn__node *node, dnn__storage *stash, const struct dnn__plugin *keeper);
/* A stash that is read in backward: by the backward rows of `forward`, and kernels of one plugin (stash.c). */
typedef struct dnn__pin {
    const dnn__op *forward;
    const struct dnn__plugin *plugin;
    uint64_t bytes;
    dnn__storage *stash; /* NULL while the pair is planned */
    int *readers;        /* then: counts the calls that would read it */
} dnn__pin;
dnn_status dnn__record(const dnn__op *op, dnn_tensor *const *in, int n_in, dnn_tensor *const *out, int n_out,
                       const void *attr, const dnn__rng *rng);
void dnn__node_release(dnn__node *node);
void dnn__leaf_release(dnn__leaf *leaf);
void dnn__leaf_drop(dnn_tensor *t); /* t, which has one, is a leaf (or keeps its gradient) no more; the gradient goes */

/* ---- gradient helpers of rules (ops/) ---- */
dnn_tensor *dnn__sum_to_desc(dnn_tensor *x, const dnn__desc *desc); /* sum over stretched axes; x itself if none */

#endif
