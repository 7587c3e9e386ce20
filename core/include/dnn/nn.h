/* nn.h - modules: layers with named parameters and buffers, in trees. Names are those of PyTorch's state dicts.
 *
 * One's own module is a struct that begins with dnn_module; a dnn_module_type says how big it is and what its forward does:
 *
 *     typedef struct lenet { dnn_module base; dnn_module *conv1, *fc1; } lenet;
 *     static dnn_tensor *lenet_forward(dnn_module *self, dnn_tensor *x);
 *     static const dnn_module_type lenet_type = {.name = "LeNet", .bytes = sizeof(lenet), .forward = lenet_forward};
 *
 *     lenet *net = (lenet *)dnn_module_new(&lenet_type);
 *     net->conv1 = dnn_module_add(&net->base, "conv1", dnn_nn_conv2d(1, 6, 5));
 *
 * Constructors follow the idiom of operators: NULL in gives NULL out and the error waits in the thread. A module owns its
 * parameters, buffers and children; the caller owns the root and frees it with dnn_module_free.
 * Threads: a module is for one thread at a time. */
#ifndef DNN_NN_H
#define DNN_NN_H
#include "dnn/ops.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_module dnn_module;

typedef struct dnn_module_type {
    const char *name; /* "Conv2d": printed */
    size_t bytes;     /* of the struct that begins with dnn_module */
    dnn_tensor *(*forward)(dnn_module *self, dnn_tensor *x);
    void (*free)(dnn_module *self); /* what the struct owns besides parameters and children; may be NULL */
    /* One line of settings: "1, 6, kernel_size=(5, 5)"; may be NULL. Writes at most bytes with the final 0. */
    void (*describe)(const dnn_module *self, char *text, size_t bytes);
} dnn_module_type;

/* Public so that it can stand first in other structs; its members are private. */
struct dnn_module {
    const dnn_module_type *dnn_type;
    struct dnn_slot *dnn_slots; /* parameters, buffers and children in order of registration */
    int64_t dnn_n_slots, dnn_cap_slots;
    dnn_tensor **dnn_list; /* what dnn_parameters returned last */
    int64_t dnn_n_list;
    bool dnn_training, dnn_owned;
};

/* A zeroed module of the type, in training mode. NULL: DNN_E_NOMEM. */
DNN_API dnn_module *dnn_module_new(const dnn_module_type *type);
/* Frees the module, its children, parameters and buffers. NULL is allowed; a module that has a parent is left to it. */
DNN_API void dnn_module_free(dnn_module *module);

/* Registers and returns it. The module takes its own reference (children: ownership, even when the call fails). Names are
 * [A-Za-z0-9_]+, unique in the module, and do not begin with "dnn". NULL: DNN_E_INVALID, DNN_E_NOMEM. */
DNN_API dnn_module *dnn_module_add(dnn_module *parent, const char *name, dnn_module *child);
DNN_API dnn_tensor *dnn_module_parameter(dnn_module *module, const char *name, dnn_tensor *value); /* becomes a leaf */
DNN_API dnn_tensor *dnn_module_buffer(dnn_module *module, const char *name, dnn_tensor *value);

/* module's forward on x, by its type. */
DNN_API dnn_tensor *dnn_forward(dnn_module *module, dnn_tensor *x);

DNN_API void dnn_module_train(dnn_module *module, bool training); /* for the whole tree; false = evaluation */
static inline void dnn_module_eval(dnn_module *module)
{
    dnn_module_train(module, false);
}
DNN_API bool dnn_module_training(const dnn_module *module);

/* All parameters of the tree in registration order (a parameter that is registered twice appears once). The list belongs to
 * the module and is valid until its tree changes. n = 0 on failure, and the error waits in the thread. */
DNN_API dnn_tensor_list dnn_parameters(dnn_module *module);

/* The index-th parameter or buffer of the tree: dotted path into name ("layer1.0.weight"; at most bytes with the final 0).
 * Borrowed; NULL past the last. */
enum { DNN_PARAMETERS = 1, DNN_BUFFERS = 2 };
DNN_API dnn_tensor *dnn_module_tensor_at(const dnn_module *module, int kinds, int64_t index, char *name, size_t bytes);
/* By dotted path; NULL if there is none (no error). Borrowed. */
DNN_API dnn_tensor *dnn_module_tensor(const dnn_module *module, const char *path);
DNN_API dnn_module *dnn_module_child(const dnn_module *module, const char *path);
DNN_API int64_t dnn_module_parameter_count(const dnn_module *module); /* elements of all parameters */

DNN_API void dnn_module_zero_grad(dnn_module *module);
/* Casts and moves all parameters and buffers of floating dtype; 0 and NULL keep. All or none. Parameter handles stay the same. */
DNN_API DNN_CHECKED dnn_status dnn_module_to(dnn_module *module, dnn_dtype dtype, const char *device);

/* Writes the tree as PyTorch prints it. dnn_module_summary: a table of modules with output shapes and parameters, from one
 * forward of x in evaluation mode without gradients (x NULL: no shapes). Both return the length of the whole text as snprintf. */
DNN_API int64_t dnn_module_format(const dnn_module *module, char *text, size_t bytes);
DNN_API int64_t dnn_module_summary(dnn_module *module, dnn_tensor *x, char *text, size_t bytes);

/* ---- layers; initial values are PyTorch's, from the generator (dnn_manual_seed) ---- */

/* Linear: weight [out,in], bias [out], both uniform in +-1/sqrt(in). dnn_nn_linear(784, 10, .no_bias = true) */
#define dnn_nn_linear(in_, ...) dnn_nn_linear_with((dnn_nn_linear_args){.in = (in_), .out = __VA_ARGS__})
typedef struct dnn_nn_linear_args {
    int64_t in, out;
    bool no_bias;
    dnn_dtype dtype; /* 0 = f32 */
} dnn_nn_linear_args;
DNN_API dnn_module *dnn_nn_linear_with(dnn_nn_linear_args args);

/* Conv2d: weight [out,in/groups,kh,kw], bias [out], both uniform in +-1/sqrt(in/groups kh kw).
 * dnn_nn_conv2d(1, 6, 5, .padding = 2) */
#define dnn_nn_conv2d(in_, out_, ...) \
    dnn_nn_conv2d_with((dnn_nn_conv2d_args){.in = (in_), .out = (out_), .kernel = __VA_ARGS__})
typedef struct dnn_nn_conv2d_args {
    int64_t in, out;
    int kernel, kernel_h, kernel_w; /* the _h and _w forms win, here and below */
    int stride, stride_h, stride_w;
    int padding, padding_h, padding_w;
    int dilation, groups;
    bool no_bias, same;
    dnn_dtype dtype;
} dnn_nn_conv2d_args;
DNN_API dnn_module *dnn_nn_conv2d_with(dnn_nn_conv2d_args args);

/* MaxPool2d, AvgPool2d: the options of dnn_max_pool2d (x and indices are ignored). dnn_nn_max_pool2d(.kernel = 2) */
#define dnn_nn_max_pool2d(...) dnn_nn_max_pool2d_with((dnn_pool2d_args){__VA_ARGS__})
#define dnn_nn_avg_pool2d(...) dnn_nn_avg_pool2d_with((dnn_pool2d_args){__VA_ARGS__})
DNN_API dnn_module *dnn_nn_max_pool2d_with(dnn_pool2d_args args);
DNN_API dnn_module *dnn_nn_avg_pool2d_with(dnn_pool2d_args args);
DNN_API dnn_module *dnn_nn_adaptive_avg_pool2d(int64_t height, int64_t width);
DNN_API dnn_module *dnn_nn_adaptive_max_pool2d(int64_t height, int64_t width);

DNN_API dnn_module *dnn_nn_flatten(void);         /* Flatten: axes 1.. become one */
DNN_API dnn_module *dnn_nn_identity(void);        /* Identity */
DNN_API dnn_module *dnn_nn_dropout(double p);     /* Dropout: identity in evaluation */
DNN_API dnn_module *dnn_nn_relu(void);            /* ReLU */
DNN_API dnn_module *dnn_nn_sigmoid(void);         /* Sigmoid */
DNN_API dnn_module *dnn_nn_tanh(void);            /* Tanh */
DNN_API dnn_module *dnn_nn_silu(void);            /* SiLU */
DNN_API dnn_module *dnn_nn_gelu(bool tanh);       /* GELU */
DNN_API dnn_module *dnn_nn_leaky_relu(double slope);
DNN_API dnn_module *dnn_nn_elu(double alpha);
DNN_API dnn_module *dnn_nn_softplus(double beta, double threshold);
DNN_API dnn_module *dnn_nn_softmax(int dim);
DNN_API dnn_module *dnn_nn_log_softmax(int dim);

/* Sequential: children "0", "1", ... DNN_MODULES(a, b) lists them; a NULL among them makes the result NULL and frees the others. */
typedef struct dnn_module_list {
    int64_t n;
    dnn_module *const *item;
} dnn_module_list;
#define DNN_MODULES(...) \
    ((dnn_module_list){(int64_t)(sizeof((dnn_module *[]){__VA_ARGS__}) / sizeof(dnn_module *)), \
                       (dnn_module *[]){__VA_ARGS__}})
DNN_API dnn_module *dnn_nn_sequential(dnn_module_list list);

/* ---- initialisers: in place, under no gradient, from the generator; they return the tensor ---- */
DNN_API dnn_tensor *dnn_init_uniform(dnn_tensor *t, double low, double high);
DNN_API dnn_tensor *dnn_init_normal(dnn_tensor *t, double mean, double std);
DNN_API dnn_tensor *dnn_init_constant(dnn_tensor *t, double value);
/* fan_in = product of dims 1.., fan_out = dim 0 times the product of dims 2.. (rank >= 2). gain: see below. */
DNN_API dnn_tensor *dnn_init_xavier_uniform(dnn_tensor *t, double gain);
DNN_API dnn_tensor *dnn_init_xavier_normal(dnn_tensor *t, double gain);
DNN_API dnn_tensor *dnn_init_kaiming_uniform(dnn_tensor *t, double a); /* gain sqrt(2/(1+a^2)), fan_in */
DNN_API dnn_tensor *dnn_init_kaiming_normal(dnn_tensor *t, double a);

#ifdef __cplusplus
}
#endif
#endif
