/* op.h - the operator table as the core sees it: rows, their rules, what rules read and write.
 * Private. */
#ifndef DNN__OP_H
#define DNN__OP_H
#include "memory.h"
#include "dnn_ops.h"
#include "dnn/ops.h"

/* ---- the table ---- */

enum { /* dtype rules: what dispatch does with the dtypes of the operands before the shape rule sees
          them */
       DNN__AS_IS,   /* the shape rule looks at them itself */
       DNN__PROMOTE, /* operands are cast to where they meet */
       DNN__FLOAT,   /* the same, and integers and bool become f32 */
       DNN__EQUAL    /* must be equal: an error names both */
};
enum {                       /* traits */
       DNN__ELEMENTWISE = 1, /* kernels see every input expanded to the dims of out[0] */
       DNN__KEEPS_ZEROS = 2, /* zeros in, zeros out: FLAT kernels may run over padding */
       DNN__IS_VIEW = 4,     /* no kernel: the output shares the storage of in[0] */
       DNN__RANDOM = 8,      /* draws numbers: one word per element of out[0], two for f64 */
       DNN__MUTATES = 16,    /* outputs are inputs, by the schema; never on the tape */
       DNN__MOVES_LAYOUT =
           32 /* reorder: called by the core alone, between layouts; never on the tape */
};
enum {
    DNN__RESULTS = 8
}; /* Most results of a row. A row of any number of outputs (n_out -1)
      makes none: each output is a destination. */
#define DNN__IN(i) (1u << (i))
#define DNN__OUT(i) (1u << (16 + (i)))

struct dnn__node; /* tape.h */
typedef struct dnn__op dnn__op;
typedef struct dnn__sig { /* what a shape rule reads (all but out) and writes */
    const dnn__op *op;
    const void *attr;
    int n_in, n_out;
    dnn_tensor *const *in; /* NULL = left out */
    dnn__desc *out; /* [n_out]: the rule sets it; where a destination is given it holds its desc
                     * when the rule is called, and what the rule leaves there must agree with it.
                     * Not used by rows of any number of outputs. */
    dnn_tensor *const *given; /* [n_out] destinations, NULL = to be made */
} dnn__sig;

typedef struct dnn__decomposition { /* what a decomposition reads and writes */
    const dnn__op *op;
    const void *attr;
    int n_in;
    dnn_tensor *const *in;         /* NULL = left out */
    dnn_tensor *out[DNN__RESULTS]; /* the results; tensors of its scope */
} dnn__decomposition;

typedef struct dnn__grad { /* what a gradient rule reads and writes */
    const dnn__op *op;
    const void *attr;
    int n_in, n_out;
    dnn_tensor *const *in, *const *out; /* what the tape kept; NULL where the row keeps nothing or
                                           the operand was left out */
    const dnn__desc *in_desc;           /* of every input, kept or not */
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
    const char *name, *attr; /* attr: struct dnn_attr_<attr>, or "none" */
    int16_t id, n_in, n_out; /* n_in -1: any number */
    const char *names,
        *results;        /* of the inputs; of the results of rows with several: one word each */
    const char *doc;     /* the formula */
    uint16_t optional;   /* mask of inputs that may be NULL */
    uint32_t attr_bytes; /* 0: none */
    uint32_t attr_v1_0;  /* as of ABI 1.0: what a kernel knows whose attr_bytes is 0 */
    uint32_t keep;       /* what the tape keeps */
    uint8_t dtype_rule, primary, traits, version;
    uint32_t accepts;               /* dtypes of the operands (after promotion) */
    int16_t backward, backward_too; /* rows that its gradient rule calls and that may read its
                                       stash; -1, or 0 in the second */
    dnn_status (*shape)(dnn__sig *sig);
    void (*gradient)(dnn__grad *grad);            /* NULL: not differentiable */
    void (*gradient_composed)(dnn__grad *grad);   /* the rule under create_graph, where the row that
                                                     gradient calls is not differentiable; NULL:
                                                     gradient serves there too */
    void (*decompose)(dnn__decomposition *parts); /* NULL: none. In operators, for devices where
                                                     nobody has a kernel */
    void (*forget)(struct dnn__node *node); /* a custom function's node drops the tensors that it
                                               saved; NULL for rows */
    void (*end)(struct dnn__node *node);    /* a custom function's node is freed; NULL for rows */
};
extern const dnn__op dnn__ops[DNN__N_OPS];
const dnn__op *dnn__op_named(const char *name); /* NULL if there is none */

typedef struct dnn__operand_text {
    char text[48];
} dnn__operand_text;
/* The name of input i for messages: "w", "tensors[3]"; "input 3" if the row has no names (a custom
 * function). */
dnn__operand_text dnn__input_name(const dnn__op *op, int i);
/* The name of result i: "indices"; "output 0" if the row has one result, or no names. */
dnn__operand_text dnn__result_name(const dnn__op *op, int i);

#endif
