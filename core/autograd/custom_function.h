/* custom_function.h - the state of a custom function's node. Used by
 * core/autograd/custom_function*.c alone. Private. */
#ifndef DNN__CUSTOM_FUNCTION_H
#define DNN__CUSTOM_FUNCTION_H
#include "tape.h"

enum { DNN__FUNCTION_NAME = 64 };

struct dnn__function_place { /* a tensor that forward saved */
    dnn__saved saved;
    int input, output; /* the index of the operand that it is; -1: none */
};

/* The attributes of the node. While forward runs, it lies on the stack of dnn_function_apply. */
typedef struct dnn_function_state {
    dnn__op op; /* the op that the node points at */
    char name[DNN__FUNCTION_NAME];
    dnn_function table;
    void *ctx;
    struct dnn__function_place *place;
    int64_t n_places, capacity;
    dnn__node *node; /* NULL while forward runs */
    bool recorded;
    bool *flat; /* while forward runs: the outputs without a gradient */
} dnn__function_state;

static inline uint64_t dnn__version_of(const dnn_tensor *t)
{
    return atomic_load_explicit(&t->version->count, memory_order_relaxed);
}

/* ---- custom_function_backward.c ---- */
/* The gradient rule of the nodes of custom functions. */
void dnn__function_gradient(dnn__grad *grad);
/* Anomaly mode: checks the inputs and results of the program's forward or backward. Results of
 * operators are checked as the operators run; a custom function can compute results without
 * operators. */
dnn_status dnn__function_watch(const char *name, dnn_tensor *const *in, int n_in,
                               dnn_tensor *const *made, int n_out);

#endif
