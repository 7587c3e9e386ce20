/* op.h - the operator table as the core sees it: rows, their rules, what rules read and write.
 * Private. */
#ifndef DNN__OP_H
#define DNN__OP_H
#include "memory.h"
#include "dnn_ops.h"
#include "dnn/ops.h"

/* ---- the table ---- */

enum {               /* dtype rules: dispatch applies them before it calls the shape rule */
       DNN__AS_IS,   /* nothing: the shape rule checks them */
       DNN__PROMOTE, /* casts operands to their common dtype */
       DNN__FLOAT,   /* the same, and integers and bool become f32 */
       DNN__EQUAL    /* checks that they are equal; an error names both */
};
enum {                        /* traits */
       DNN__ELEMENTWISE = 1,  /* kernels see every input expanded to the dims of out[0] */
       DNN__KEEPS_ZEROS = 2,  /* zeros in, zeros out: FLAT kernels may run over padding */
       DNN__IS_VIEW = 4,      /* no kernel: the output shares the storage of in[0] */
       DNN__RANDOM = 8,       /* draws numbers: one word per element of out[0], two for f64 */
       DNN__MUTATES = 16,     /* writes outputs that the caller gives; never on the tape */
       DNN__MOVES_LAYOUT = 32 /* reorder: only the core calls it; never on the tape */
};
/* How a call of a row with several .grad_fn selects among them; ONE: the first. The names are
 * PyTorch's, which has several functions where libdnn has one row. "A number" is an operand of rank
 * 0 without history. */
enum {
    DNN__BY_ONE,
    DNN__BY_RANK,   /* rank of in[0]: up to 2, larger */
    DNN__BY_DTYPE,  /* in[0] and out[0] have one dtype, or two */
    DNN__BY_DIMS,   /* a reduction of all axes to rank 0, of others (dnn_attr_reduce) */
    DNN__BY_FIRST,  /* in[0] is a tensor, a number */
    DNN__BY_SECOND, /* in[1] and in[2] are tensors; numbers or left out */
    DNN__BY_PLANE,  /* the planes of out[0] have one element, or another number */
    DNN__BY_BIAS    /* linear: rank 2 and a bias, rank 2 without one, another rank */
};
/* The largest number of results of a row. A row of any number of outputs (n_out -1) makes none:
 * each output is a destination. */
enum { DNN__RESULTS = 8 };
#define DNN__IN(i) (1u << (i))
#define DNN__OUT(i) (1u << (16 + (i)))

struct dnn__node; /* tape.h */
typedef struct dnn__op dnn__op;
typedef struct dnn__sig { /* argument of a shape rule, which sets out */
    const dnn__op *op;
    const void *attr;
    int n_in, n_out;
    dnn_tensor *const *in;    /* NULL = left out */
    dnn__desc *out;           /* [n_out]. For a destination it holds the destination's desc before,
                                 and must agree with it after. Not used where n_out is -1 */
    dnn_tensor *const *given; /* [n_out]: destinations; NULL = made by the call */
} dnn__sig;

typedef struct dnn__decomposition { /* argument of a decomposition, which sets out */
    const dnn__op *op;
    const void *attr;
    int n_in;
    dnn_tensor *const *in;         /* NULL = left out */
    dnn_tensor *out[DNN__RESULTS]; /* the results; tensors of its scope */
} dnn__decomposition;

typedef struct dnn__grad { /* argument of a gradient rule, which sets din */
    const dnn__op *op;
    const void *attr;
    int n_in, n_out;
    dnn_tensor *const *in, *const *out; /* saved operands; NULL where the row does not keep the
                                           operand, or it was left out */
    const dnn__desc *in_desc;           /* of every input, saved or not */
    dnn_tensor *const *dout;            /* gradient of each output; NULL = zero (not all are) */
    const bool *wants;                  /* [n_in] */
    dnn_tensor **din; /* [n_in]: the result; NULL = zero. Tensors of the rule's scope */
    dnn__device *device;
    dnn__rng rng; /* of the forward call */
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
    const char *name, *attr;        /* attr: struct dnn_attr_<attr>, or "none" */
    int16_t id, n_in, n_out;        /* n_in -1: any number */
    const char *names;              /* of the inputs: one word each */
    const char *results;            /* likewise of the results, if there are several */
    const char *doc;                /* the formula */
    const char *grad_fn[3];         /* as PyTorch prints it; none: the name of the row, relu_bwd as
                                       ReluBackwardBackward0 */
    uint8_t grad_fn_by;             /* DNN__BY_ONE .. DNN__BY_BIAS */
    uint16_t optional;              /* mask of inputs that may be NULL */
    uint32_t attr_bytes;            /* 0: none */
    uint32_t attr_v1_0;             /* in ABI 1.0: assumed for a kernel that states none */
    uint32_t keep;                  /* operands that the tape saves: DNN__IN(i), DNN__OUT(i) */
    uint8_t dtype_rule;             /* DNN__AS_IS .. DNN__EQUAL */
    uint8_t primary;                /* the input whose dtype selects the kernel */
    uint8_t traits, version;        /* version: of the schema (dnn_plugin.h) */
    uint32_t accepts;               /* dtypes of the operands (after promotion) */
    int16_t backward, backward_too; /* rows that its gradient rule calls and that may read its
                                       stash; none: -1 in backward, 0 in backward_too */
    dnn_status (*shape)(dnn__sig *sig);
    void (*gradient)(dnn__grad *grad); /* NULL: not differentiable */
    /* The gradient rule under create_graph, if the row that `gradient` calls is not differentiable.
     * NULL: `gradient` serves there too. */
    void (*gradient_twice)(dnn__grad *grad);
    /* Computes the row by smaller operators. NULL: none. */
    void (*decompose)(dnn__decomposition *d);
    /* Of the private row of a custom function; NULL for others. */
    void (*forget)(struct dnn__node *node); /* releases the saved tensors of the node */
    void (*end)(struct dnn__node *node);    /* the node is freed */
};
extern const dnn__op dnn__ops[DNN__N_OPS];
const dnn__op *dnn__op_named(const char *name); /* NULL if there is none */
/* How many letters must be changed, put in or left out to make b of a; words are cut to 64. */
int dnn__name_distance(const char *a, const char *b);
/* Fails with status: "who: no operator is called word. Near it: conv2d, ...". who NULL: without. */
dnn_status dnn__no_operator(dnn_status status, const char *who, const char *word);

/* ---- attributes (attributes.c) ---- */
enum { DNN__I32, DNN__I64, DNN__U32, DNN__F64 };
typedef struct dnn__attribute { /* a member of struct dnn_attr_<attr> */
    const char *attr, *name;
    int type;
    size_t offset;
    double value; /* that the public functions give by default */
} dnn__attribute;
/* Member `index` of the row's attributes, counted from 0 and without size; NULL past the last. */
const dnn__attribute *dnn__attribute_at(const dnn__op *op, int index);

/* ---- names of operands (operand_name.c) ---- */

typedef struct dnn__operand_text {
    char text[48];
} dnn__operand_text;
/* Word `index` of a row's .names or .results without its [], and whether it repeats; false past the
 * last. */
bool dnn__operand_word(const char *words, int index, dnn__operand_text *word, bool *repeats);
/* The name of input i for messages: "w", "tensors[3]"; "input 3" if the row has no names (a custom
 * function). */
dnn__operand_text dnn__input_name(const dnn__op *op, int i);
/* The name of result i: "indices"; "output 0" if the row has one result, or no names. */
dnn__operand_text dnn__result_name(const dnn__op *op, int i);

#endif
