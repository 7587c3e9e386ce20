/* optim.h - optimizers: they keep parameters and state, and update the parameters from their
 * gradients. SGD is built in; a program may bring other kinds (dnn_optimizer_type).
 *
 * Owner   An optimizer is an object of the scope (object.h). It retains the parameters.
 * Errors  A function that returns a dnn_status takes the pending error first. If optimizer is NULL
 *         it returns the pending error, or DNN_E_INVALID.
 * Threads: one thread at a time may use an optimizer and its parameters. step and check of a kind
 * run in the thread of the call, free in the thread that releases the last reference. */
#ifndef DNN_OPTIM_H
#define DNN_OPTIM_H
#include "dnn/nn.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_optim_sgd_args {
    dnn_tensor_list parameters; /* floating leaves, each once; retained; array and names are not
                                 * needed after the call. One that requires no gradient (a frozen
                                 * layer) is passed over until it does */
    double lr;                  /* required, >= 0 */
    DNN_BY_NAME;
    double momentum, dampening, weight_decay; /* momentum and weight_decay >= 0; dampening finite */
    bool nesterov;                            /* needs momentum > 0 and dampening 0 */
    bool maximize;                            /* steps along the gradient, not against it */
} dnn_optim_sgd_args;
/* Stochastic gradient descent (torch.optim.SGD). For each parameter p with gradient g and buffer b:
 *     g = maximize ? -g : g;  g += weight_decay p
 *     with momentum:  b = g in the first step, then b = momentum b + (1 - dampening) g;
 *                     g = nesterov ? g + momentum b : b
 *     p -= lr g
 * Computed in the dtype of p. Parameters of one device and dtype, and of groups with equal
 * settings, are updated by one kernel call (two while some of them have no buffer yet).
 * Its settings are lr, momentum, dampening, weight_decay, nesterov and maximize; its state is
 * momentum_buffer.
 *     dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.01, .momentum = 0.9);
 * Fails   NULL and a pending error: an empty list; a member that is NULL, listed twice or no
 *         floating leaf; a number out of its range; nesterov without momentum;
 *         DNN_E_NOMEM. */
#define dnn_optim_sgd(...) DNN_CAT(dnn_optim_sgd_, DNN_GIVEN2(__VA_ARGS__))(__VA_ARGS__)
#define dnn_optim_sgd_missing_(parameters, lr)
#define dnn_optim_sgd_given_(parameters_, ...) \
    dnn_optim_sgd_with(DNN_ARGS(dnn_optim_sgd_args, .parameters = parameters_, .lr = __VA_ARGS__))
DNN_API dnn_optimizer *dnn_optim_sgd_with(dnn_optim_sgd_args args);

/* Sets the gradient of every parameter to NULL (zero_grad(set_to_none=True)). */
DNN_API DNN_CHECKED dnn_status dnn_zero_grad(dnn_optimizer *optimizer);
/* Updates the parameters from their gradients once (torch.optim.Optimizer.step). Skips parameters
 * without a gradient, and those that do not require one any more; the first time that no parameter
 * has one, it logs a warning. A failed step of SGD changes nothing; dnn_optimizer_type says what
 * holds for other kinds.
 * Fails   DNN_E_INVALID: a gradient or state of another dtype, device or shape than its parameter,
 *         as after dnn_module_to; the optimizer is in a step; DNN_E_NOMEM; DNN_E_DEVICE; the status
 *         of the kind's step. */
DNN_API DNN_CHECKED dnn_status dnn_step(dnn_optimizer *optimizer);

/* ---- parameters and their state ---- */

/* The number of parameters of all groups, and parameter i of them: in the order in which they were
 * given. The optimizer owns the tensor. NULL and a pending DNN_E_INVALID if there is no such
 * parameter. */
DNN_API int64_t dnn_optim_parameter_count(const dnn_optimizer *optimizer); /* 0 for NULL */
DNN_API dnn_tensor *dnn_optim_parameter(const dnn_optimizer *optimizer, int64_t i);
/* Returns the name of parameter i, "fc1.weight", as the list had it: dnn_parameters gives names.
 * The optimizer owns the text. NULL, without an error, if it has no name. Fails as
 * dnn_optim_parameter. */
DNN_API const char *dnn_optim_parameter_name(const dnn_optimizer *optimizer, int64_t i);
/* Returns a state of parameter i by its name, "momentum_buffer" of SGD. It has the shape, dtype and
 * device of the parameter, and belongs to the optimizer. NULL, without an error, if the parameter
 * has no such state yet: most kinds make it in the parameter's first step.
 * Fails   NULL and a pending DNN_E_INVALID: no such parameter; no such state (the names are
 *         listed). */
DNN_API dnn_tensor *dnn_optim_state(const dnn_optimizer *optimizer, int64_t i, const char *name);
/* Return the number of steps that succeeded: of the optimizer, and of those the steps in which
 * parameter i had a gradient (state["step"] of PyTorch). 0 for NULL, and if there is no such
 * parameter. */
DNN_API int64_t dnn_optim_steps(const dnn_optimizer *optimizer);
DNN_API int64_t dnn_optim_parameter_steps(const dnn_optimizer *optimizer, int64_t i);

/* ---- groups and settings ----
 * A group is a set of parameters with its own settings (param_groups). The parameters of the
 * constructor are group 0. */

/* Adds a group of parameters (torch.optim.Optimizer.add_param_group) with the settings of group 0,
 * which dnn_optim_set changes, and sets *group, which may be NULL, to its number:
 *     DNN_TRY(dnn_optim_add_group(optimizer, dnn_parameters(head), &group));
 *     DNN_TRY(dnn_optim_set(optimizer, group, "lr", 0.1));
 * The indices of its parameters follow those of the groups before it.
 * Fails   DNN_E_INVALID: the list, as of dnn_optim_sgd; one of its parameters is in a group
 * already; in a step of this optimizer; DNN_E_NOMEM. Nothing has changed then. */
DNN_API DNN_CHECKED dnn_status dnn_optim_add_group(dnn_optimizer *optimizer,
                                                   dnn_tensor_list parameters, int64_t *group);
/* Return the number of groups, and the group of parameter i: 0 for NULL, and if there is no such
 * parameter. */
DNN_API int64_t dnn_optim_group_count(const dnn_optimizer *optimizer);
DNN_API int64_t dnn_optim_group_of(const dnn_optimizer *optimizer, int64_t i);

enum { DNN_ALL_GROUPS = -1 };
/* Sets a setting of a group, or of DNN_ALL_GROUPS, from the next step on; a flag is 0 or 1:
 *     DNN_TRY(dnn_optim_set(optimizer, DNN_ALL_GROUPS, "lr", 0.01));
 * Fails   DNN_E_INVALID: no such group; no such setting (the names are listed); the value is out of
 *         its bounds, or the kind refuses it with the other settings of a group. Then no setting of
 *         any group has changed. */
DNN_API DNN_CHECKED dnn_status dnn_optim_set(dnn_optimizer *optimizer, int64_t group,
                                             const char *name, double value);
/* Returns a setting of a group. NaN and a pending DNN_E_INVALID: no such group or setting. */
DNN_API double dnn_optim_get(const dnn_optimizer *optimizer, int64_t group, const char *name);

/* ---- a kind of optimizer of the program ----
 * A struct that begins with dnn_optimizer, and a dnn_optimizer_type that describes the kind. The
 * base owns the parameters, groups, settings, states and counts of steps, and checkpoints save and
 * restore all of them. A kind has its update rule, and scratch memory.
 * docs/examples/own_optimizer.c is Adam. */

/* A setting: a number, or a flag, which is 0 or 1. */
typedef struct dnn_optim_setting {
    const char *name; /* "lr": [A-Za-z0-9_], at most 63 bytes; PyTorch's name where there is one */
    double value;     /* the default */
    double low;       /* the least value; -HUGE_VAL: none */
    double high;      /* the largest value; 0: none. All values are finite */
    bool below;       /* high itself is not allowed */
    bool flag;
    bool required; /* has no default */
} dnn_optim_setting;

/* Static data of the program. */
typedef struct dnn_optimizer_type {
    uint32_t size;    /* sizeof(dnn_optimizer_type) */
    const char *name; /* "adam": begins messages; in checkpoints. [A-Za-z0-9_], at most 63 bytes */
    size_t bytes;     /* of the struct that begins with dnn_optimizer */
    const dnn_optim_setting *setting; /* [n_settings], at most 64 */
    int64_t n_settings;
    const char *const *state; /* [n_states], at most 64: names of the states of a parameter, as
                               * PyTorch has them: "exp_avg". Not "step", which the base counts */
    int64_t n_states;
    /* Updates the parameters that have a gradient (dnn_grad is not NULL). It may call any function
     * but dnn_step, dnn_optim_add_group and dnn_release on this optimizer.
     *
     * Before it the base has checked that each gradient and state has the shape, dtype and device
     * of its parameter, has turned recording off and opened a scope, which owns what the step
     * makes. A step fails by its status (dnn_fail sets the text) or by the error that it leaves
     * pending. After a failed step the base frees the states that the step has made, drops what it
     * noted with dnn_optim_assign, and counts no step.
     *
     * A failed step changes nothing, if the kind changes its tensors with dnn_optim_assign alone.
     * If it changes them in place, which needs less memory, it must first do all that can fail. */
    dnn_status (*step)(dnn_optimizer *self);
    /* Checks combinations of the settings of a group, value[n_settings] in the order of the table.
     * Called before they are taken; each value is within its bounds. May be NULL. */
    dnn_status (*check)(const double *value);
    /* Frees the scratch memory of the kind, not the struct. Called when the last reference is
     * released. May be NULL. */
    void (*free)(dnn_optimizer *self);
} dnn_optimizer_type;

/* Public so that it can stand first in other structs; its members are private. */
struct dnn_optimizer {
    dnn_object dnn_base;
    struct dnn__optim *dnn_optim;
};

/* Returns an optimizer of the type, type->bytes bytes, which are zero behind dnn_optimizer.
 * parameters: as of dnn_optim_sgd. value[n_settings]: the settings in the order of the table; NULL:
 * their defaults.
 * Fails   NULL and a pending error: DNN_E_INVALID: the type is not complete or not consistent; a
 *         setting out of its bounds, or required and not given; the parameters, as of
 *         dnn_optim_sgd; the status of type->check; DNN_E_NOMEM. */
DNN_API dnn_optimizer *dnn_optim_new(const dnn_optimizer_type *type, dnn_tensor_list parameters,
                                     const double *value);
/* In a step: returns a state of parameter i; makes it, zeros like the parameter, if there is none
 * yet. Fails as dnn_optim_state; DNN_E_INVALID: not in a step; DNN_E_NOMEM; DNN_E_DEVICE. */
DNN_API dnn_tensor *dnn_optim_make_state(dnn_optimizer *optimizer, int64_t i, const char *name);
/* In a step: notes that `target`, a parameter or a state, gets the elements of `value` if the step
 * succeeds. The base copies them after the step, in the order of the calls.
 * Fails   DNN_E_INVALID: not in a step; an argument is NULL; other shape, dtype or device;
 *         DNN_E_NOMEM. */
DNN_API DNN_CHECKED dnn_status dnn_optim_assign(dnn_optimizer *optimizer, dnn_tensor *target,
                                                dnn_tensor *value);

#ifdef __cplusplus
}
#endif
#endif
