/* nn.h - modules: layers with named parameters and buffers, in trees. Names are those of PyTorch's
 * state dict.
 *
 * A module of the program is a struct that begins with dnn_module; a dnn_module_type gives its size
 * and its forward:
 *
 *     typedef struct lenet { dnn_module base; dnn_module *conv1, *fc1; } lenet;
 *     static dnn_tensor *lenet_forward(dnn_module *self, dnn_tensor *x);
 *     static const dnn_module_type lenet_type = {.size = sizeof(dnn_module_type),
 *                                                .name = "LeNet",
 *                                                .bytes = sizeof(lenet),
 *                                                .forward = lenet_forward};
 *
 *     lenet *net = (lenet *)dnn_module_new(&lenet_type);
 *     net->conv1 = dnn_module_add(&net->base, "conv1", dnn_nn_conv2d(1, 6, 5));
 *     logits = dnn_forward(&net->base, images);
 *
 * A module with several inputs or outputs has a forward_n: h = dnn_forward(cell, x, h).
 *
 * Owner   A module retains its parameters, buffers and children, and is itself an object of the
 *         scope that made it (object.h): dnn_keep or dnn_retain &net->base, as any object.
 * Errors  Constructors, registration and dnn_forward work as operators: while an error is pending,
 *         or if an argument is NULL, they return NULL and leave a pending error (DNN_E_INVALID,
 *         DNN_E_NOMEM).
 * Threads: one thread at a time may use a module, a state or the tensor that an initialiser fills.
 * Any thread may make modules. */
#ifndef DNN_NN_H
#define DNN_NN_H
#include "dnn/ops.h"
#ifdef __cplusplus
extern "C" {
#endif

/* A number that a layer was made with. A table of them ends with {0}, in C++ with {}:
 *     static const dnn_setting window_settings[] = {DNN_SETTING("width", window, width), {0}};
 * `width` is a member of the struct window: an int, int64_t, double or bool. */
typedef enum dnn_setting_kind {
    DNN_SETTING_INT = 1,
    DNN_SETTING_I64,
    DNN_SETTING_F64,
    DNN_SETTING_BOOL
} dnn_setting_kind;
typedef struct dnn_setting {
    const char *name;
    dnn_setting_kind kind;
    size_t offset; /* in the struct of the module */
} dnn_setting;
#ifndef __cplusplus
/* clang-format off */
#define DNN_SETTING(name, type, member)    \
    {(name),                               \
     _Generic(((type *)0)->member,         \
         int: DNN_SETTING_INT,             \
         long: DNN_SETTING_I64,            \
         long long: DNN_SETTING_I64,       \
         double: DNN_SETTING_F64,          \
         bool: DNN_SETTING_BOOL),          \
     offsetof(type, member)}
/* clang-format on */
#endif

/* Static data of the program. Begins with its own size, so that later versions may add members; a
 * member that is not set is zero. */
typedef struct dnn_module_type {
    size_t size;      /* sizeof(dnn_module_type) */
    const char *name; /* "Conv2d": printed */
    size_t bytes;     /* of the struct that begins with dnn_module */
    /* One input, one output: works as an operator. It may also fail by NULL and the message and
     * status that dnn_fail, or a failed function, left. */
    dnn_tensor *(*forward)(dnn_module *self, dnn_tensor *x);
    /* Several inputs or outputs: in.item[0 .. in.n-1] are not NULL; sets out[0 .. n_out-1]. Fails
     * by a status, whose text dnn_fail sets, or by a pending error. A type with both gets calls
     * with one input and one output by forward, all others by forward_n. */
    dnn_status (*forward_n)(dnn_module *self, dnn_tensor_list in, dnn_tensor **out, int64_t n_out);
    int64_t n_in, n_out; /* what forward_n takes and gives; 0 = it looks at the numbers itself */
    /* Frees all that the struct owns except parameters, buffers and children; not the struct.
     * Called when the last reference is released. May be NULL. */
    void (*free)(dnn_module *self);
    /* Writes the settings, "1, 6, kernel_size=(5, 5)", mostly one line: at most `bytes` bytes with
     * the final 0. NULL: the table of settings is printed, "width=3, scale=0.5". */
    void (*describe)(const dnn_module *self, char *text, size_t bytes);
    const dnn_setting *settings; /* for dnn_module_setting; NULL = none */
} dnn_module_type;

/* Public so that it can stand first in other structs; its members are private. */
struct dnn_module {
    dnn_object dnn_base;
    const dnn_module_type *dnn_type;
    struct dnn_module_hook *dnn_hooks;
    struct dnn_slot *dnn_slots; /* parameters, buffers and children in order of registration */
    int64_t dnn_n_slots, dnn_cap_slots;
    dnn_module *dnn_parent;
    bool dnn_training;
};

/* Returns a zeroed module of the type, in training mode. A size that is missing or wrong is a
 * DNN_E_INVALID that names the type and both sizes. */
DNN_API dnn_module *dnn_module_new(const dnn_module_type *type);

/* Register a child, parameter or buffer, retain it and return it. A child has one parent. Tensors
 * must be contiguous and not the result of a recorded operator. A
 * parameter becomes a leaf that requires a gradient. Names have 1 to 255 of [A-Za-z0-9_], are
 * unique in the module and do not begin with "dnn". */
DNN_API dnn_module *dnn_module_add(dnn_module *parent, const char *name, dnn_module *child);
DNN_API dnn_tensor *dnn_module_add_parameter(dnn_module *module, const char *name,
                                             dnn_tensor *value);
DNN_API dnn_tensor *dnn_module_add_buffer(dnn_module *module, const char *name, dnn_tensor *value);

/* Calls the module on one input or several: y = dnn_forward(net, x), h = dnn_forward(cell, x, h).
 * Returns its one output.
 * Fails   NULL and a pending error, which begins with the module's place in its tree, as
 *         "Net.encoder.0 (Linear)": DNN_E_INVALID: a NULL input; another number of inputs or
 * outputs than the module has; its type has neither forward nor forward_n; as the forward or a
 *         hook. */
#define dnn_forward(...) \
    DNN_CAT(dnn_forward_, DNN_CAT(DNN_GIVEN2(__VA_ARGS__), DNN_GIVEN3(__VA_ARGS__)))(__VA_ARGS__)
#define dnn_forward_missing_missing_(module, x)
#define dnn_forward_given_missing_(module, x) (dnn_forward)(module, x)
#define dnn_forward_given_given_(module, ...) dnn_forward_list(module, DNN_TENSORS(__VA_ARGS__))
DNN_API dnn_tensor *(dnn_forward)(dnn_module *module, dnn_tensor *x);
DNN_API dnn_tensor *dnn_forward_list(dnn_module *module, dnn_tensor_list in);
/* The same for several outputs: dnn_forward_n(lstm, DNN_TENSORS(x, h, c), out, 2) stores n_out
 * tensors in out. Takes the pending error first. Fails as dnn_forward; then out is all NULL. */
DNN_API DNN_CHECKED dnn_status dnn_forward_n(dnn_module *module, dnn_tensor_list in,
                                             dnn_tensor **out, int64_t n_out);

/* ---- hooks (torch.nn.Module.register_forward_hook, register_forward_pre_hook) ----
 * Each call of the module, with one input or several, runs its pre-hooks, its forward, then its
 * hooks: each kind in order of registration, in the thread of the call, in the scope of the caller.
 * Operators in a hook are recorded as those of the forward. A hook may add and remove hooks, also
 * itself; one that is added runs from the next call on. A pending error, or else a status other
 * than DNN_OK (set the text with dnn_fail), makes the call fail, with the place of the module. */

/* A hook sees the inputs, which pre-hooks may have replaced, and may replace out[i], by no NULL. A
 * pre-hook may replace in[i] likewise. */
typedef dnn_status (*dnn_forward_hook_fn)(void *ctx, dnn_module *module, dnn_tensor_list in,
                                          dnn_tensor **out, int64_t n_out);
typedef dnn_status (*dnn_forward_pre_hook_fn)(void *ctx, dnn_module *module, dnn_tensor **in,
                                              int64_t n_in);
/* Add a hook to the module, and store its number in *id (which may be NULL). The hook owns ctx:
 * free_ctx(ctx) is called once, when the hook is removed (if it runs then, after it), when the
 * module is freed, or at once if the call fails. free_ctx NULL: the caller keeps ctx. They take the
 * pending error first.
 * Fails   DNN_E_INVALID: module or fn is NULL; DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_module_add_forward_hook(dnn_module *module,
                                                           dnn_forward_hook_fn fn, void *ctx,
                                                           void (*free_ctx)(void *ctx),
                                                           int64_t *id);
DNN_API DNN_CHECKED dnn_status dnn_module_add_forward_pre_hook(dnn_module *module,
                                                               dnn_forward_pre_hook_fn fn,
                                                               void *ctx,
                                                               void (*free_ctx)(void *ctx),
                                                               int64_t *id);
/* Removes a hook of either kind. Fails with DNN_E_INVALID if the module has no hook of that number.
 */
DNN_API DNN_CHECKED dnn_status dnn_module_remove_hook(dnn_module *module, int64_t id);

/* Sets training mode (true) or evaluation mode (false) in the whole tree. */
DNN_API void dnn_module_train(dnn_module *module, bool training);
static inline void dnn_module_eval(dnn_module *module)
{
    dnn_module_train(module, false);
}
DNN_API bool dnn_module_training(const dnn_module *module);

/* Returns all parameters of the tree: a module's own in order of registration, then those of its
 * children; a shared parameter once. Their names are the dotted paths. The list belongs to the
 * scope, its tensors to the module. On failure n is 0 and an error is pending. */
DNN_API dnn_tensor_list dnn_parameters(const dnn_module *module);

/* A parameter or buffer, and a child, by dotted path. NULL, without an error, if there is none. */
DNN_API dnn_tensor *dnn_module_tensor(const dnn_module *module, const char *path);
DNN_API dnn_module *dnn_module_child(const dnn_module *module, const char *path);
/* The number of elements of all parameters, shared ones counted once. 0 and a pending DNN_E_NOMEM
 * if memory runs out. */
DNN_API int64_t dnn_module_parameter_count(const dnn_module *module);

/* Sets the gradients of all parameters to NULL. */
DNN_API void dnn_module_zero_grad(dnn_module *module);
/* Casts all floating parameters and buffers to a dtype and moves all of them to a device:
 * dnn_module_to(net, .device = "cuda"). The same happens to their gradients. The tensors keep their
 * identity, so optimizers and the program see the new values. On failure nothing has changed. Fails
 * DNN_E_INVALID: module is NULL, dtype is not floating, a tensor is mapped; DNN_E_DEVICE;
 *         DNN_E_NOMEM. Takes the pending error first. */
typedef struct dnn_module_to_args {
    dnn_module *module;
    DNN_BY_NAME;
    dnn_dtype dtype;    /* 0 = as they are */
    const char *device; /* NULL = where they are */
} dnn_module_to_args;
#define dnn_module_to(...)     \
    DNN_NEEDS_ONE(__VA_ARGS__) \
    dnn_module_to_with(DNN_ARGS(dnn_module_to_args, .module = __VA_ARGS__))
DNN_API DNN_CHECKED dnn_status dnn_module_to_with(dnn_module_to_args args);

/* Return texts of the scope. dnn_module_format: the tree as PyTorch 2.15 prints it; a module
 * without a forward whose children are "0", "1", ... as a ModuleList: "(0-3): 4 x Linear(...)".
 * dnn_module_summary: a table of modules with output shapes and parameters; the shapes come from
 * one forward of the inputs in evaluation mode without recording: dnn_module_summary(net, x), with
 * several inputs dnn_module_summary(cell, x, h); dnn_module_summary(net, NULL): no shapes.
 * Fails   NULL and a pending error: DNN_E_INVALID: module is NULL; DNN_E_NOMEM; as the forward. */
DNN_API const char *dnn_module_format(const dnn_module *module);
#define dnn_module_summary(module, ...) dnn_module_summary_list(module, DNN_TENSORS(__VA_ARGS__))
DNN_API const char *dnn_module_summary_list(dnn_module *module, dnn_tensor_list in);

/* ---- the state: named tensors (torch.nn.Module.state_dict) ---- */
typedef struct dnn_named_tensor {
    const char *name; /* "layer1.0.weight" */
    dnn_tensor *tensor;
} dnn_named_tensor;
/* A list of the scope. */
typedef struct dnn_state {
    DNN_BY_NAME;
    int64_t n;
    const dnn_named_tensor *item;
} dnn_state;
/* Returns the parameters and buffers of the tree under their dotted paths, in the order of
 * PyTorch's state dict; a shared one occurs once per place. They are the tensors themselves, which
 * the module owns; names and list belong to the scope. dnn_save_tensors(path, state.item, state.n,
 * NULL, 0) saves them.
 * Fails   n is 0 and item NULL, and an error is pending: module is NULL; DNN_E_NOMEM. */
DNN_API dnn_state dnn_module_state(const dnn_module *module);
/* Copies the tensors of a state into the parameters and buffers of the module with their names
 * (load_state_dict): dnn_module_load_state(b, dnn_module_state(a)). Values are cast between
 * floating dtypes and copied to the module's device. The state may have the module's own tensors,
 * or others that share their memory: all are read before one is written. Names that begin with
 * "dnn." are ignored. Fails   DNN_E_INVALID: missing, unexpected and misshapen names, and those
 * that occur twice, all listed in one message (unless .partial); a tensor of the module is mapped;
 * DNN_E_NOMEM. The module is unchanged. DNN_E_DEVICE: copying into a parameter that has views can
 * fail after others have changed. Takes the pending error first. */
typedef struct dnn_load_state_args {
    dnn_module *module;
    dnn_state state;
    DNN_BY_NAME;
    bool partial;       /* load what fits and ignore the rest (strict=False) */
    int64_t *n_loaded;  /* if not NULL, receives the number of loaded tensors, on success */
    const char *prefix; /* removed from the names in the state that begin with it; NULL = none */
} dnn_load_state_args;
#define dnn_module_load_state(...) \
    DNN_CAT(dnn_module_load_state_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_module_load_state_missing_(module, state)
#define dnn_module_load_state_given_(module_, ...) \
    dnn_module_load_state_with(                    \
        DNN_ARGS(dnn_load_state_args, .module = module_, .state = __VA_ARGS__))
DNN_API DNN_CHECKED dnn_status dnn_module_load_state_with(dnn_load_state_args args);
/* Returns the tensor of that name; NULL, without an error, if there is none. */
DNN_API dnn_tensor *dnn_state_tensor(dnn_state state, const char *name);
/* Returns the state as Python prints a state dict, "OrderedDict({'weight': tensor(...), ...})", a
 * text of the scope. Fails as dnn_tensor_format. */
DNN_API const char *dnn_state_format(dnn_state state);

/* ---- settings: the numbers that a layer was made with ---- */
/* Returns a setting by name: dnn_module_setting(conv, "kernel_h"). A bool is 0 or 1. The comment of
 * each layer names its settings.
 * Fails   NaN and a pending DNN_E_INVALID: an argument is NULL; no such setting (the names of the
 *         module's settings are listed). */
DNN_API double dnn_module_setting(const dnn_module *module, const char *name);
/* Stores the name and the value of a setting of the module; false past the last. */
DNN_API bool dnn_module_setting_at(const dnn_module *module, int64_t index, const char **name,
                                   double *value);

/* ---- changing a tree ---- */
/* Puts a module in the place of the child with that dotted path, and releases the old child:
 * dnn_module_replace(net, "fc", dnn_nn_linear(512, 5)). The new child gets the training mode of the
 * old one. Returns the new child.
 * Fails   NULL and a pending DNN_E_INVALID: no such child; as dnn_module_add. */
DNN_API dnn_module *dnn_module_replace(dnn_module *module, const char *path, dnn_module *child);
/* Calls fn on each module of the tree, parents first, with its dotted path ("" for the root).
 * Stops at the first status other than DNN_OK, whose text dnn_fail sets, and returns it. fn must
 * not change the tree (torch.nn.Module.apply, which visits children first).
 * Fails   DNN_E_INVALID: module or fn is NULL; the status of fn, or the error that it left. */
typedef dnn_status (*dnn_module_fn)(void *ctx, dnn_module *module, const char *path);
DNN_API DNN_CHECKED dnn_status dnn_module_apply(dnn_module *module, dnn_module_fn fn, void *ctx);

/* ---- layers ----
 * They are the modules of torch.nn of the same name; ops.h has the formulas.
 * Initial values are PyTorch's, drawn from the default generator (dnn_manual_seed), on the default
 * device. */

/* Linear: y = x weight' + bias. weight [out,in], bias [out], both uniform in +-1/sqrt(in). in, out
 * >= 0. dnn_nn_linear(784, 10, .no_bias = true)
 * Settings   in_features, out_features, bias */
#define dnn_nn_linear(...) DNN_CAT(dnn_nn_linear_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_nn_linear_missing_(in, out)
#define dnn_nn_linear_given_(in_, ...) \
    dnn_nn_linear_with(DNN_ARGS(dnn_nn_linear_args, .in = in_, .out = __VA_ARGS__))
typedef struct dnn_nn_linear_args {
    int64_t in, out;
    DNN_BY_NAME;
    bool no_bias;
    dnn_dtype dtype; /* 0 = f32 */
} dnn_nn_linear_args;
DNN_API dnn_module *dnn_nn_linear_with(dnn_nn_linear_args args);

/* Conv2d: weight [out,in/groups,kh,kw], bias [out], both uniform in +-1/sqrt(in/groups kh kw).
 * dnn_nn_conv2d(1, 6, 5, .padding = 2)
 * Settings   in_channels, out_channels, kernel_h, kernel_w, stride_h, stride_w, padding_h,
 *            padding_w, dilation, groups, same, bias
 * Fails   in, out or kernel < 1; groups that do not divide in and out; the other limits of
 *         dnn_conv2d. */
#define dnn_nn_conv2d(...) DNN_CAT(dnn_nn_conv2d_, DNN_GIVEN3(__VA_ARGS__))(__VA_ARGS__)
#define dnn_nn_conv2d_missing_(in, out, kernel)
#define dnn_nn_conv2d_given_(in_, out_, ...) \
    dnn_nn_conv2d_with(DNN_ARGS(dnn_nn_conv2d_args, .in = in_, .out = out_, .kernel = __VA_ARGS__))
typedef struct dnn_nn_conv2d_args {
    int64_t in, out, kernel;
    DNN_BY_NAME;
    int64_t kernel_h, kernel_w;         /* override kernel; likewise below */
    int64_t stride, stride_h, stride_w; /* 0 = 1 */
    int64_t padding, padding_h, padding_w;
    int64_t dilation, groups; /* 0 = 1 */
    bool no_bias, same;       /* same: output size = input size; stride 1 only */
    dnn_dtype dtype;          /* 0 = f32 */
} dnn_nn_conv2d_args;
DNN_API dnn_module *dnn_nn_conv2d_with(dnn_nn_conv2d_args args);

/* MaxPool2d, AvgPool2d, with the options of dnn_max_pool2d and dnn_avg_pool2d, and the adaptive
 * forms, height and width >= 0. dnn_nn_max_pool2d(.kernel = 2)
 * Settings   both: kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, ceil_mode
 *            MaxPool2d: dilation_h, dilation_w; AvgPool2d: exclude_pad, divisor
 *            adaptive: output_h, output_w */
typedef struct dnn_nn_max_pool2d_args {
    DNN_BY_NAME;
    int64_t kernel, kernel_h, kernel_w;
    int64_t stride, stride_h, stride_w; /* 0 = kernel */
    int64_t padding, padding_h, padding_w;
    int64_t dilation, dilation_h, dilation_w; /* 0 = 1 */
    bool ceil_mode;
} dnn_nn_max_pool2d_args;
typedef struct dnn_nn_avg_pool2d_args {
    DNN_BY_NAME;
    int64_t kernel, kernel_h, kernel_w;
    int64_t stride, stride_h, stride_w; /* 0 = kernel */
    int64_t padding, padding_h, padding_w;
    bool ceil_mode, exclude_pad;
    int64_t divisor; /* 0 = not set */
} dnn_nn_avg_pool2d_args;
#define dnn_nn_max_pool2d(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_nn_max_pool2d_with(DNN_ARGS(dnn_nn_max_pool2d_args, __VA_ARGS__))
#define dnn_nn_avg_pool2d(...) \
    DNN_NEEDS_ONE(__VA_ARGS__) dnn_nn_avg_pool2d_with(DNN_ARGS(dnn_nn_avg_pool2d_args, __VA_ARGS__))
DNN_API dnn_module *dnn_nn_max_pool2d_with(dnn_nn_max_pool2d_args args);
DNN_API dnn_module *dnn_nn_avg_pool2d_with(dnn_nn_avg_pool2d_args args);
DNN_API dnn_module *dnn_nn_adaptive_avg_pool2d(int64_t height, int64_t width);
DNN_API dnn_module *dnn_nn_adaptive_max_pool2d(int64_t height, int64_t width);

/* They have no settings, but for p, tanh, negative_slope, alpha, beta, threshold and dim. */
DNN_API dnn_module *dnn_nn_flatten(void);     /* Flatten: axes 1.. become one */
DNN_API dnn_module *dnn_nn_identity(void);    /* Identity */
DNN_API dnn_module *dnn_nn_dropout(double p); /* Dropout, p in [0,1]; in evaluation mode the
                                               * identity */
DNN_API dnn_module *dnn_nn_relu(void);        /* ReLU */
DNN_API dnn_module *dnn_nn_sigmoid(void);     /* Sigmoid */
DNN_API dnn_module *dnn_nn_tanh(void);        /* Tanh */
DNN_API dnn_module *dnn_nn_silu(void);        /* SiLU */
DNN_API dnn_module *dnn_nn_gelu(bool tanh);   /* GELU; true = the tanh approximation */
/* LeakyReLU, ELU, Softplus, Softmax, LogSoftmax. */
DNN_API dnn_module *dnn_nn_leaky_relu(double slope);
DNN_API dnn_module *dnn_nn_elu(double alpha);
DNN_API dnn_module *dnn_nn_softplus(double beta, double threshold);
DNN_API dnn_module *dnn_nn_softmax(int dim);
DNN_API dnn_module *dnn_nn_log_softmax(int dim);

/* Sequential: calls its children "0", "1", ... in turn. DNN_MODULES(a, b) lists them. */
typedef struct dnn_module_list {
    DNN_BY_NAME;
    int64_t n;
    dnn_module *const *item;
} dnn_module_list;
#ifndef __cplusplus
#define DNN_MODULES(...)                                                              \
    ((dnn_module_list){                                                               \
        .n = (int64_t)(sizeof((dnn_module *[]){__VA_ARGS__}) / sizeof(dnn_module *)), \
        .item = (dnn_module *[]){__VA_ARGS__}})
#endif
DNN_API dnn_module *dnn_nn_sequential(dnn_module_list list);

/* ---- initialisers (torch.nn.init) ----
 * They fill t in place without recording, from the default generator, and return t. NULL on
 * failure: t is NULL or not floating, a number is out of its range (as in ops.h), rank < 2 where
 * fans are needed. */
DNN_API dnn_tensor *dnn_init_uniform(dnn_tensor *t, double low, double high);
DNN_API dnn_tensor *dnn_init_normal(dnn_tensor *t, double mean, double std);
DNN_API dnn_tensor *dnn_init_constant(dnn_tensor *t, double value); /* any dtype */
/* fan_in = product of dims 1.., fan_out = dim 0 times the product of dims 2.. (rank >= 2).
 * xavier (Glorot and Bengio 2010): uniform in +-gain sqrt(6/(fan_in + fan_out)), or normal with
 *   std = gain sqrt(2/(fan_in + fan_out)).
 * kaiming (He et al. 2015) with gain = sqrt(2/(1 + a^2)): uniform in +-gain sqrt(3/fan_in), or
 *   normal with std = gain/sqrt(fan_in). */
DNN_API dnn_tensor *dnn_init_xavier_uniform(dnn_tensor *t, double gain);
DNN_API dnn_tensor *dnn_init_xavier_normal(dnn_tensor *t, double gain);
DNN_API dnn_tensor *dnn_init_kaiming_uniform(dnn_tensor *t, double a);
DNN_API dnn_tensor *dnn_init_kaiming_normal(dnn_tensor *t, double a);

#ifdef __cplusplus
}

inline dnn_module_list dnn_modules_of(std::initializer_list<dnn_module *> modules)
{
    dnn_module_list list = dnn_module_list();

    list.n = static_cast<int64_t>(modules.size());
    list.item = modules.begin();
    return list;
}
#define DNN_MODULES(...) (dnn_modules_of({__VA_ARGS__}))

constexpr dnn_setting_kind dnn_setting_kind_of(const int *)
{
    return DNN_SETTING_INT;
}
constexpr dnn_setting_kind dnn_setting_kind_of(const long *)
{
    return DNN_SETTING_I64;
}
constexpr dnn_setting_kind dnn_setting_kind_of(const long long *)
{
    return DNN_SETTING_I64;
}
constexpr dnn_setting_kind dnn_setting_kind_of(const double *)
{
    return DNN_SETTING_F64;
}
constexpr dnn_setting_kind dnn_setting_kind_of(const bool *)
{
    return DNN_SETTING_BOOL;
}
#define DNN_SETTING(name, type, member)                                              \
    {                                                                                \
        (name), dnn_setting_kind_of(static_cast<decltype(type::member) *>(nullptr)), \
            offsetof(type, member)                                                   \
    }
#endif
#endif
