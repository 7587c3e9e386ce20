/* optim.h - what all optimizers share. Private; programs see dnn/optim.h. */
#ifndef DNN__OPTIM_H
#define DNN__OPTIM_H
#include "memory.h"
#include "dnn/optim.h"

typedef struct dnn__optimizer_type {
    const char *name;
    dnn_status (*step)(dnn_optimizer *self); /* all or nothing */
    dnn_tensor *(*state)(const dnn_optimizer *self, int64_t parameter, const char *name);
    void (*free)(dnn_optimizer *self); /* what the struct owns besides the parameters' references */
} dnn__optimizer_type;

struct dnn_optimizer { /* stands first in the struct of each kind */
    const dnn__optimizer_type *type;
    int64_t n;
    dnn_tensor **parameters; /* references */
    double lr;
    int64_t steps;
};

/* Checks the list, allocates `bytes` zeroed and takes the references. Undone by dnn_optimizer_free. */
dnn_status dnn__optimizer_new(const dnn__optimizer_type *type, size_t bytes, dnn_tensor_list parameters, double lr,
                              dnn_optimizer **out);
/* "sgd: lr is -1, it must be a finite number >= 0" */
dnn_status dnn__check_setting(const char *optimizer, const char *setting, double value);

#endif
