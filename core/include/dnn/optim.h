/* optim.h - optimizers: they hold parameters and state, and change the parameters by their gradients.
 *
 * Threads: an optimizer is for one thread at a time. */
#ifndef DNN_OPTIM_H
#define DNN_OPTIM_H
#include "dnn/nn.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_optimizer dnn_optimizer;

typedef struct dnn_sgd_args {
    dnn_tensor_list parameters; /* leaves that want gradients; the optimizer keeps references */
    double lr;                  /* required, >= 0 */
    double momentum, dampening, weight_decay;
    bool nesterov; /* needs momentum > 0 and dampening 0 */
    bool maximize;
} dnn_sgd_args;
/* Stochastic gradient descent, as torch.optim.SGD: g += weight_decay p; b = g at first, then momentum b + (1 - dampening) g; g is
 * g + momentum b if nesterov, else b; p -= lr g. All parameters of a (device, dtype) are stepped in one call.
 *     dnn_optimizer *optimizer = dnn_sgd(dnn_parameters(net), 0.01, .momentum = 0.9);
 * NULL and a waiting error: an empty list, NULL or non-leaf members, negative numbers, nesterov without momentum; DNN_E_NOMEM.
 * Owner   the caller; dnn_optimizer_free. */
#define dnn_sgd(parameters_, ...) dnn_sgd_with((dnn_sgd_args){.parameters = (parameters_), .lr = __VA_ARGS__})
DNN_API dnn_optimizer *dnn_sgd_with(dnn_sgd_args args);
DNN_API void dnn_optimizer_free(dnn_optimizer *optimizer); /* NULL is allowed */

/* Drops all gradients (they are NULL then). NULL: a waiting error is returned, else DNN_E_INVALID; below too. */
DNN_API DNN_CHECKED dnn_status dnn_zero_grad(dnn_optimizer *optimizer);
/* One step from the gradients; parameters without one are passed over. A failed step changes nothing. */
DNN_API DNN_CHECKED dnn_status dnn_step(dnn_optimizer *optimizer);

DNN_API double dnn_optimizer_lr(const dnn_optimizer *optimizer);
DNN_API DNN_CHECKED dnn_status dnn_optimizer_set_lr(dnn_optimizer *optimizer, double lr);
DNN_API int64_t dnn_optimizer_steps(const dnn_optimizer *optimizer);
/* The state of a parameter by name ("momentum_buffer"); NULL if there is none yet. Borrowed. */
DNN_API dnn_tensor *dnn_optimizer_state(const dnn_optimizer *optimizer, int64_t parameter, const char *name);

#ifdef __cplusplus
}
#endif
#endif
