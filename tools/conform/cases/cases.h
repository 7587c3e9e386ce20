/* cases.h - a case, and how a row passes its cases to the harness. The case files and the harness
 * include it. */
#ifndef CASES_H
#define CASES_H
#include "conformance.h"
#include "call.h"
#include "refmath.h"

enum conf_values {
    CONF_UNIFORM, /* in [low, high); for integers the whole numbers of that range */
    /* Multiples of 0.1, shuffled, + low: no two are equal; with low = 0.03 none is at a kink. */
    CONF_DISTINCT,
    CONF_INTEGER, /* whole numbers in [low, high], in any dtype */
    CONF_CONSTANT /* low */
};
enum conf_judge {
    CONF_EXACT,
    CONF_MOVED,
    CONF_ELEMENT,
    /* MOVED: exact, and a zero keeps its sign. */
    CONF_SUM
};

typedef struct conf_operand {
    uint32_t dtype; /* 0: omitted */
    dnn_shape shape;
    enum conf_values values;
    double low, high;
    bool plain;    /* no special values in special mode; always dense in layouts */
    bool ordinary; /* no special values in special mode */
    bool constant; /* has no gradient */
} conf_operand;

typedef struct conf_case {
    int n_in, n_out;
    conf_operand in[REF_MAX_IN], out[REF_MAX_OUT]; /* out: dtype and shape */
    int alias[REF_MAX_OUT]; /* the input that the output shares, by the schema; -1: none */
    bool destination;       /* the outputs are passed to the call */
    bool tame; /* no extreme values: a product of three may overflow depending on its order */
    bool once; /* its gradient need not be differentiable */
    enum conf_judge judge;
    union {
        uint32_t size;
        int order[DNN_MAX_DIMS];
        dnn_attr_arange arange;
        dnn_attr_linspace linspace;
        dnn_attr_dim dim;
        dnn_attr_slice slice;
        dnn_attr_gelu gelu;
        dnn_attr_alpha alpha;
        dnn_attr_softplus softplus;
        dnn_attr_reduce reduce;
        dnn_attr_reduce_dim reduce_dim;
        dnn_attr_conv2d conv2d;
        dnn_attr_pool2d pool2d;
        dnn_attr_loss loss;
        dnn_attr_uniform uniform;
        dnn_attr_normal normal;
        dnn_attr_bernoulli bernoulli;
        dnn_attr_sgd sgd;
    } attr;
    /* How to call a row without a kernel; NULL: through dispatch. */
    dnn_tensor *(*call)(const struct conf_case *c, dnn_tensor *const *in);
} conf_case;

/* Receives the cases of one mode and primary dtype. */
typedef struct conf_sink {
    int mode;
    uint32_t dtype;
    void (*emit)(struct conf_sink *sink, const conf_case *c);
} conf_sink;

/* The cases of each row. A row without them does not link. */
#define DNN_OP(name, ...) void cases_##name(conf_sink *s);
#include "op_table.def"
#undef DNN_OP

/* ---- operators without a row (cases_composite.c) ---- */
typedef struct conf_composite {
    const char *name;
    const conf_operand *operands; /* dtype 0: the one that is checked; shapes are left out */
    int n_in;
    dnn_tensor *(*call)(const conf_case *c, dnn_tensor *const *in);
    ref_fn *reference;
} conf_composite;
extern const conf_composite conf_composites[];
extern const int conf_n_composites;
void conf_composite_cases(conf_sink *s, const conf_composite *composite);

/* ---- for case files (cases.c) ---- */
conf_case conf_case_new(enum conf_judge judge);
conf_operand *conf_in(conf_case *c, uint32_t dtype, dnn_shape shape, enum conf_values values,
                      double low, double high);
void conf_no_in(conf_case *c); /* an optional input is omitted */
conf_operand *conf_out(conf_case *c, uint32_t dtype, dnn_shape shape);
/* Shapes of the mode for rows that accept any shape; the list ends with ndim -1. */
const dnn_shape *conf_shapes(int mode);
/* The same for rows that need axes: rank >= 1, and in special mode long lanes along each axis. */
const dnn_shape *conf_axes_shapes(int mode);
/* For numerical differences one or two cases are enough. */
static inline bool conf_small(const conf_sink *s)
{
    return s->mode == CONF_GRAD;
}

#endif
