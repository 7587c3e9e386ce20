/* custom_function_state.h - the attributes of a custom function's node: the program's functions,
 * and the tensors that forward saved. custom_function.c fills them, custom_function_backward.c
 * reads them. Private to core/autograd. */
#ifndef DNN__CUSTOM_FUNCTION_STATE_H
#define DNN__CUSTOM_FUNCTION_STATE_H
#include "tape.h"

enum { DNN__FUNCTION_NAME = 64 };

struct dnn__function_saved { /* a tensor that forward saved */
    dnn__saved saved;
    int input, output; /* index of the input or output that it is; -1: none */
};

/* While forward runs, the state lies on the stack of dnn_function_apply. */
typedef struct dnn_function_state {
    dnn__op op; /* node->op points here */
    char name[DNN__FUNCTION_NAME];
    dnn_function table;
    void *ctx;
    struct dnn__function_saved *saved; /* [n_saved] */
    int64_t n_saved, capacity;
    dnn__node *node; /* NULL while forward runs */
    bool recorded;
    bool *flat; /* [n_out], while forward runs: the output has no gradient */
} dnn__function_state;

static inline uint64_t dnn__version_of(const dnn_tensor *t)
{
    return atomic_load_explicit(&t->version->count, memory_order_relaxed);
}

#endif
