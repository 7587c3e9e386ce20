/* optim_impl.h - what the base of all optimizers owns: parameters, groups, settings, states, counts
 * of steps. core/optim uses it; core/io saves and restores it. Private; programs see dnn/optim.h.
 */
#ifndef DNN__OPTIM_H
#define DNN__OPTIM_H
#include "tensor_impl.h"
#include "dnn/autograd.h"
#include "dnn/optim.h"

typedef struct dnn__optim_parameter {
    dnn_tensor *tensor; /* a reference */
    const char *name;   /* NULL: it has none. A part of a text of its group */
    int64_t group;
    int64_t steps; /* in which it had a gradient */
    bool active;   /* it has a gradient in the present step */
} dnn__optim_parameter;

typedef struct dnn__optim_copy { /* of dnn_optim_assign; references */
    dnn_tensor *target, *value;
} dnn__optim_copy;

/* The most settings, and the most states of a parameter, of a kind. */
enum { DNN__OPTIM_MOST = 64 };

typedef struct dnn__optim {
    dnn_optimizer_type type; /* a copy, with the members of this version of libdnn */
    int64_t n, n_groups;
    dnn__optim_parameter *parameter; /* [n] */
    dnn_tensor **state;              /* [n * n_states] references; NULL: not made yet */
    double *setting;                 /* [n_groups * n_settings] */
    char **text;                     /* [n_groups] the names of the parameters of each */
    int64_t steps;
    bool warned; /* that a step found no gradient */

    /* ---- of the present step ---- */
    bool stepping;
    int64_t *made; /* [n_made] indices in `state` of those that the step has made */
    int64_t n_made, cap_made;
    dnn__optim_copy *copy; /* [n_copies] */
    int64_t n_copies, cap_copies;
} dnn__optim;

/* Returns the name of parameter i, or its index, for messages: "parameter fc1.weight". */
static inline const char *dnn__optim_name_text(const dnn__optim *optim, int64_t i)
{
    return optim->parameter[i].name != NULL ? optim->parameter[i].name : dnn__number_text(i);
}

/* ---- settings.c ---- */
/* Checks all settings of a group: their bounds, then their combinations. */
dnn_status dnn__optim_check(const dnn_optimizer_type *type, const double *value);
static inline const double *dnn__optim_settings(const dnn__optim *optim, int64_t group)
{
    return optim->setting + group * optim->type.n_settings;
}

static inline dnn_tensor *dnn__optim_state(const dnn__optim *optim, int64_t i, int64_t k)
{
    return optim->state[i * optim->type.n_states + k];
}

/* ---- state.c ---- */
/* Makes state number k of parameter i, which is NULL, in the present step; without `zero` its
 * elements have no values. NULL: an error is pending. */
dnn_tensor *dnn__optim_make(dnn__optim *optim, int64_t i, int64_t k, bool zero);
/* Ends the present step: copies what dnn_optim_assign has noted if `status` is DNN_OK. If that or
 * the step has failed, frees the states that it made. */
dnn_status dnn__optim_end_step(dnn__optim *optim, dnn_status status);
/* Replaces a state. Takes over the reference; NULL: there is none yet. */
void dnn__optim_set_state(dnn__optim *optim, int64_t i, int64_t k, dnn_tensor *state);

/* ---- type.c ---- */
/* Copies the type of a program to *out and checks it. */
dnn_status dnn__optim_adopt_type(const dnn_optimizer_type *type, dnn_optimizer_type *out);

#endif
