/* optim_impl.h - what all optimizers share. Private; programs see dnn/optim.h. */
#ifndef DNN__OPTIM_H
#define DNN__OPTIM_H
#include "tensor_impl.h"
#include "dnn/optim.h"

typedef struct dnn__optimizer_type {
    const char *name;
    dnn_status (*step)(dnn_optimizer *self); /* all or nothing */
    dnn_tensor *(*state)(const dnn_optimizer *self, int64_t parameter, const char *name);
    void (*free)(dnn_optimizer *self); /* what the struct owns besides the parameters' references */

    /* ---- what a checkpoint keeps ---- */
    const char *const
        *slots; /* names of the state that a parameter may have, PyTorch's; NULL at the end */
    const char *const *hyper; /* names of the numbers; NULL at the end, at most DNN__MAX_HYPER */
    void (*get_hyper)(const dnn_optimizer *self, double *value);
    dnn_status (*check_hyper)(const double *value);              /* as the constructor does */
    void (*set_hyper)(dnn_optimizer *self, const double *value); /* of numbers that were checked */
    /* Takes over a reference; the old state is released. NULL: none yet. It has the parameter's
     * dtype, shape and device. */
    void (*set_state)(dnn_optimizer *self, int64_t parameter, int slot, dnn_tensor *state);
} dnn__optimizer_type;
enum { DNN__MAX_HYPER = 16 };

struct dnn_optimizer { /* stands first in the struct of each kind */
    const dnn__optimizer_type *type;
    int64_t n;
    dnn_tensor **parameters; /* references */
    double lr;
    int64_t steps;
};

/* Checks the list, allocates `bytes` zeroed and takes the references. Undone by dnn_optimizer_free.
 */
dnn_status dnn__optimizer_new(const dnn__optimizer_type *type, size_t bytes,
                              dnn_tensor_list parameters, double lr, dnn_optimizer **out);
/* "sgd: lr is -1, it must be a finite number >= 0" */
dnn_status dnn__check_setting(const char *optimizer, const char *setting, double value);

#endif
