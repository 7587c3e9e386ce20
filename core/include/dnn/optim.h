/* optim.h - optimizers: they keep parameters and state, and update the parameters from their
 * gradients.
 *
 * Owner   An optimizer is an object of the scope (object.h). It retains the parameters.
 * Errors  A function that returns a dnn_status takes the pending error first. If optimizer is NULL
 *         it returns the pending error, or DNN_E_INVALID.
 * Threads: one thread at a time may use an optimizer and its parameters. */
#ifndef DNN_OPTIM_H
#define DNN_OPTIM_H
#include "dnn/nn.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_optim_sgd_args {
    dnn_tensor_list parameters; /* floating leaves, each once; retained; the array is not needed
                                 * after the call. One that requires no gradient (a frozen layer) is
                                 * passed over until it does */
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
 * Computed in the dtype of p. Parameters of one device and dtype are updated by one kernel call
 * (two while some of them have no buffer yet).
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
 * without a gradient, and those that do not require one any more. A failed step changes nothing.
 * Fails   DNN_E_INVALID: a gradient or buffer of another dtype, device or shape than its parameter,
 *         as after dnn_module_to; DNN_E_NOMEM; DNN_E_DEVICE. */
DNN_API DNN_CHECKED dnn_status dnn_step(dnn_optimizer *optimizer);

DNN_API double dnn_optimizer_lr(const dnn_optimizer *optimizer); /* 0 for NULL */
/* Sets the learning rate from the next step on. Fails with DNN_E_INVALID if lr < 0 or not
 * finite. */
DNN_API DNN_CHECKED dnn_status dnn_optimizer_set_lr(dnn_optimizer *optimizer, double lr);
DNN_API int64_t dnn_optimizer_steps(const dnn_optimizer *optimizer); /* steps that succeeded */
/* Returns the state of a parameter by name ("momentum_buffer"), with the parameter's shape, dtype
 * and device; NULL if there is none yet. parameter is its index in the list. The optimizer owns the
 * tensor. */
DNN_API dnn_tensor *dnn_optimizer_state(const dnn_optimizer *optimizer, int64_t parameter,
                                        const char *name);

#ifdef __cplusplus
}
#endif
#endif
