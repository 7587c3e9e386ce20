/* nn_impl.h - the tree of modules: walks over its tensors and modules, and helpers of layers.
 * core/nn and core/inspect use it. Private; programs see dnn/nn.h. */
#ifndef DNN__NN_H
#define DNN__NN_H
#include "tensor_impl.h"
#include "dnn/nn.h"

enum { DNN__PARAMETERS = 1, DNN__BUFFERS = 2, DNN__CHILD = 4 }; /* the kinds of slots; bits */

struct dnn_slot {
    char *name;
    int kind;
    dnn_tensor *tensor; /* a reference that the module owns; NULL for a child */
    dnn_module *child;  /* owned; NULL for a tensor */
};

/* The member of a module's type; zero if the program's dnn_module_type ends before it. */
#define DNN__TYPE(module, member) \
    (DNN_FITS((module)->dnn_type, member) ? (module)->dnn_type->member : 0)

/* ---- setting.c ---- */
/* Fails with the name of a setting that does not lie in the struct. */
dnn_status dnn__check_settings(const dnn_module_type *type);
/* Writes "width=3, scale=0.5". */
void dnn__put_settings(dnn__text *text, const dnn_module *module);

/* ---- module_tree.c ---- */
/* The path of a tensor or module in a walk: a list on the stack of the walk, from the innermost
 * name outwards, so that a path may have any length. */
typedef struct dnn__path {
    const struct dnn__path *up; /* NULL: directly below the root */
    const char *name;
} dnn__path;
/* Writes "layer1.0.weight"; nothing if path is NULL. */
void dnn__put_path(dnn__text *text, const dnn__path *path);

/* Calls visit for each tensor of the kinds: the parameters of a module, its buffers, then its
 * children, each in order of registration (the order of PyTorch's state dicts). Stops when visit
 * returns false, and then returns false. */
typedef bool (*dnn__tensor_visit)(void *ctx, const dnn__path *path, dnn_tensor *tensor);
bool dnn__each_tensor(const dnn_module *module, int kinds, dnn__tensor_visit visit, void *ctx);
/* The same for modules. The root comes first, with path NULL. */
typedef bool (*dnn__module_visit)(void *ctx, const dnn__path *path, dnn_module *module);
bool dnn__each_module(dnn_module *module, dnn__module_visit visit, void *ctx);

/* Returns the index-th tensor of that walk, and writes its dotted path into name, at most `bytes`
 * bytes with the final 0. NULL past the last. */
dnn_tensor *dnn__module_tensor_at(const dnn_module *module, int kinds, int64_t index, char *name,
                                  size_t bytes);
/* Lists the tensors of the kinds, each once. The caller frees item with dnn__free. */
typedef struct dnn__tensors {
    int64_t n;
    dnn_tensor **item;
} dnn__tensors;
dnn_status dnn__module_tensors(const char *call, const dnn_module *module, int kinds,
                               dnn__tensors *out);
/* Returns the module's own slot of that name, which has `length` bytes; NULL if there is none. */
struct dnn_slot *dnn__module_slot(const dnn_module *module, const char *name, size_t length);

/* Returns the slot that a dotted path names; NULL if there is none. */
struct dnn_slot *dnn__module_slot_at(const dnn_module *module, const char *path);

/* ---- forward_hook.c ---- */
/* Returns the number of the module's newest hook; 0 if it has none. */
int64_t dnn__last_hook(const dnn_module *module);
/* Run the hooks of a module up to the number `last`. Pre-hooks may change `in`. false: an error is
 * pending. */
bool dnn__pre_hooks_run(dnn_module *module, int64_t last, dnn_tensor **in, int64_t n_in);
bool dnn__hooks_after_run(dnn_module *module, int64_t last, dnn_tensor_list in, dnn_tensor **out,
                          int64_t n_out);
void dnn__module_hooks_drop(dnn_module *module);

/* ---- state.c ---- */
/* Returns a list of n named tensors and room for their names behind it, which the scope owns; NULL
 * and a pending error if there is no memory. */
dnn_named_tensor *dnn__state_items(const char *call, int64_t n, size_t name_bytes);

/* ---- load_state.c ---- */
/* Named tensors to load a module from. */
typedef struct dnn__source_entry {
    const char *name, *dtype_name;
    dnn_dtype dtype; /* 0 = libdnn has no such dtype */
    dnn_shape shape;
} dnn__source_entry;
typedef struct dnn__tensor_source {
    const char *word; /* "file" */
    void *ctx;
    bool is_shared; /* its tensors have other owners: a load copies them */
    bool (*entry)(void *ctx, int64_t index, dnn__source_entry *out); /* false past the last */
    int64_t (*find)(void *ctx, const char *name);                    /* -1: there is none */
    dnn_tensor *(*tensor)(void *ctx, int64_t index);                 /* NULL: an error is pending */
} dnn__tensor_source;
/* A load in two parts. After dnn__state_load_prepare, dnn__state_load_commit can fail only on a
 * device, in a tensor that has views. */
typedef struct dnn__state_load {
    const char *what; /* begins messages: the path, or the name of the function */
    const dnn_named_tensor
        *target; /* [n_targets] the tensors that get values; the caller owns it */
    int64_t n_targets;
    bool partial, exact; /* exact: no casts, and the targets are those of a run */
    const char *prefix;  /* or NULL */
    const dnn__tensor_source *source;
    int64_t n_loaded;              /* targets that get a value */
    struct dnn__name_index *index; /* of the targets */
    struct dnn__load_pair *pair;
    int64_t n, capacity, faults;
    char faults_text[900]; /* the tensors that do not fit, a line each */
    dnn__text text;        /* writes faults_text */
} dnn__state_load;
/* Call dnn__state_load_free afterwards, also if it fails. */
dnn_status dnn__state_load_prepare(dnn__state_load *load);
dnn_status dnn__state_load_commit(dnn__state_load *load);
void dnn__state_load_free(dnn__state_load *load);

/* ---- init.c ---- */
/* Registers a new parameter with values uniform in [-bound, bound]. NULL and a pending error on
 * failure. */
dnn_tensor *dnn__uniform_parameter(dnn_module *module, const char *name, dnn_shape shape,
                                   dnn_dtype dtype, double bound);
/* Returns 1/sqrt(fan_in), the bound of kaiming_uniform(a = sqrt 5); 0 for fan_in 0. */
double dnn__fan_bound(int64_t fan_in);

#endif
