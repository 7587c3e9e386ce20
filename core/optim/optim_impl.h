/* optim_impl.h - the object behind every optimizer, and the functions that its kinds share.
 * core/optim uses it; core/io reads and writes the state of an optimizer through its type. Private;
 * programs see dnn/optim.h. */
#ifndef DNN__OPTIM_H
#define DNN__OPTIM_H
#include "tensor_impl.h"
#include "dnn/autograd.h"
#include "dnn/optim.h"

typedef struct dnn__optimizer_type {
    const char *name;
    dnn_status (*step)(dnn_optimizer *self); /* a failed step changes nothing */
    /* Returns a state of a parameter; NULL if there is none. */
    dnn_tensor *(*state)(const dnn_optimizer *self, int64_t parameter, const char *name);
    void (*free)(dnn_optimizer *self); /* frees the members that follow dnn_optimizer */

    /* ---- the parts of a checkpoint ---- */
    const char *const *slots; /* PyTorch's names of a parameter's states; NULL at the end */
    const char *const *hyper; /* names of the hyperparameters, at most DNN__MAX_HYPER; NULL at the
                               * end */
    void (*get_hyper)(const dnn_optimizer *self, double *value);
    dnn_status (*check_hyper)(const double *value);              /* the checks of the constructor */
    void (*set_hyper)(dnn_optimizer *self, const double *value); /* values that were checked */
    /* Replaces a state of a parameter. Takes over the reference; NULL: the parameter has no such
     * state yet. The caller has checked that dtype, shape and device are those of the parameter. */
    void (*set_state)(dnn_optimizer *self, int64_t parameter, int slot, dnn_tensor *state);
} dnn__optimizer_type;
enum { DNN__MAX_HYPER = 16 };

struct dnn_optimizer { /* the first member of the struct of each kind */
    dnn_object object;
    size_t bytes; /* of that struct */
    const dnn__optimizer_type *type;
    int64_t n;
    dnn_tensor **parameters; /* [n] references */
    double lr;
    int64_t steps;
};

/* Checks the parameters and lr, allocates `bytes` zeroed bytes and retains the parameters. Free the
 * result with dnn_release. */
dnn_status dnn__optimizer_new(const dnn__optimizer_type *type, size_t bytes,
                              dnn_tensor_list parameters, double lr, dnn_optimizer **out);
/* Fails with "sgd: lr is -1, it must be a finite number >= 0". */
dnn_status dnn__check_setting(const char *optimizer, const char *setting, double value);

#endif
