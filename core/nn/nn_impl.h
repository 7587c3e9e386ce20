/* nn_impl.h - the tree of modules as core/nn, core/optim and core/io see it. Private; programs see
 * dnn/nn.h. */
#ifndef DNN__NN_H
#define DNN__NN_H
#include "tensor_impl.h"
#include "dnn/nn.h"

enum { DNN__CHILD = 4 }; /* beside DNN_PARAMETERS and DNN_BUFFERS */

struct dnn_slot {
    char *name;
    int kind;
    dnn_tensor *tensor; /* a reference of the module's */
    dnn_module *child;  /* owned */
};

/* ---- module_tree.c ---- */
/* Where a walk is: names from the innermost outwards, on the stack of the walk, so that a path may
 * be of any length. */
typedef struct dnn__path {
    const struct dnn__path *up; /* NULL: directly below the root */
    const char *name;
} dnn__path;
void dnn__put_path(dnn__text *text, const dnn__path *path); /* "layer1.0.weight"; NULL: nothing */

/* Calls visit for every tensor of the kinds: a module's parameters, its buffers, then its children,
 * each in order of registration (the order of PyTorch's state dicts). Stops when visit returns
 * false, and returns false then. */
typedef bool (*dnn__tensor_visit)(void *ctx, const dnn__path *path, dnn_tensor *tensor);
bool dnn__each_tensor(const dnn_module *module, int kinds, dnn__tensor_visit visit, void *ctx);
/* The same for modules, the root first with path NULL. */
typedef bool (*dnn__module_visit)(void *ctx, const dnn__path *path, dnn_module *module);
bool dnn__each_module(dnn_module *module, dnn__module_visit visit, void *ctx);

/* The tensors of the kinds, each once. The caller frees item with dnn__free. */
typedef struct dnn__tensors {
    int64_t n;
    dnn_tensor **item;
} dnn__tensors;
dnn_status dnn__module_tensors(const char *call, const dnn_module *module, int kinds,
                               dnn__tensors *out);
/* The module's own slot of that name, which has `length` bytes; NULL if there is none. */
struct dnn_slot *dnn__module_slot(const dnn_module *module, const char *name, size_t length);

/* ---- module.c ---- */
/* Sees what each dnn_forward of this thread returns while it is set: the summary reads shapes from
 * it. */
typedef struct dnn__observer {
    void (*seen)(void *ctx, const dnn_module *module, const dnn_tensor *out);
    void *ctx;
} dnn__observer;
extern _Thread_local const dnn__observer *dnn__forward_observer;

/* A parameter drawn uniformly from +-bound, registered. NULL: the error is pending. */
dnn_tensor *dnn__uniform_parameter(dnn_module *module, const char *name, dnn_shape shape,
                                   dnn_dtype dtype, double bound);
/* 1/sqrt(fan_in), and 0 for none: what kaiming_uniform(a = sqrt 5) comes to. */
double dnn__fan_bound(int64_t fan_in);

#endif
