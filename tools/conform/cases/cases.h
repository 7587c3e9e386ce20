/* cases.h - defines a case and how a row gives its cases to the harness. The case files and the
 * harness include it. */
#ifndef CASES_H
#define CASES_H
#include "conformance.h"
#include "call.h"
#include "refmath.h"

enum conf_values {
    CONF_UNIFORM,  /* in [low, high); integers likewise, whole */
    CONF_DISTINCT, /* multiples of 0.1, shuffled, + low: no two equal, none at a kink for low = 0.03
                    */
    CONF_INTEGER,  /* whole numbers in [low, high], in any dtype */
    CONF_CONSTANT  /* low */
};
enum conf_judge {
    CONF_EXACT,
    CONF_MOVED,
    CONF_ELEMENT,
    CONF_SUM
}; /* MOVED: exact, and a zero keeps its sign */

typedef struct conf_operand {
    uint32_t dtype; /* 0: left out */
    dnn_shape shape;
    enum conf_values values;
    double low, high;
    bool plain;    /* in special mode no special values; in layouts always dense */
    bool ordinary; /* in special mode no special values */
    bool constant; /* no gradient is asked of it */
} conf_operand;

typedef struct conf_case {
    int n_in, n_out;
    conf_operand in[REF_MAX_IN], out[REF_MAX_OUT]; /* out: dtype and shape */
    int alias[REF_MAX_OUT]; /* the input that the output is, by the schema; -1 */
    bool destination;       /* the outputs are given to the call */
    bool tame;              /* no extreme values: a product of three overflows by its order */
    bool once;              /* its gradient need not be differentiable */
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
    /* How a row without a kernel is called; NULL: through dispatch. */
    dnn_tensor *(*call)(const struct conf_case *c, dnn_tensor *const *in);
} conf_case;

typedef struct conf_sink { /* asks for the cases of one mode and primary dtype */
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
void conf_no_in(conf_case *c); /* an optional input left out */
conf_operand *conf_out(conf_case *c, uint32_t dtype, dnn_shape shape);
/* Shapes of the mode for rows that take any; ends with ndim -1. */
const dnn_shape *conf_shapes(int mode);
/* The same for rows that need axes: rank >= 1, and special mode has long lanes along either axis.
 */
const dnn_shape *conf_axes_shapes(int mode);
static inline bool conf_small(const conf_sink *s) /* one or two cases are enough for differences */
{
    return s->mode == CONF_GRAD;
}

#endif
