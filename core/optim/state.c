/* state.c - the states of parameters: look-up, and what a step makes and notes, which is kept only
 * if the step succeeds. optimizer.c begins and ends a step. */
#include <string.h>
#include "call.h"
#include "optim_impl.h"

/* ---- look-up ---- */

static dnn_status no_such_state(const dnn_optimizer_type *type, const char *call, const char *name)
{
    char text[600];
    dnn__text names = dnn__text_to(text, sizeof text);

    for (int64_t k = 0; k < type->n_states; k++) {
        dnn__put(&names, "%s%s", k > 0 ? ", " : "", type->state[k]);
    }
    return dnn__fail(DNN_E_INVALID, "%s: %s has no state \"%.64s\"; it has %s", call, type->name,
                     name, type->n_states > 0 ? text : "none");
}

static dnn_status find_parameter(const dnn__optim *optim, const char *call, int64_t i)
{
    if (i < 0 || i >= optim->n) {
        return dnn__fail(DNN_E_INVALID, "%s: parameter %lld, the %s optimizer has %lld (from 0)",
                         call, (long long)i, optim->type.name, (long long)optim->n);
    }
    return DNN_OK;
}

static dnn_status find_state(const dnn__optim *optim, const char *call, int64_t i, const char *name,
                             int64_t *out)
{
    DNN_TRY(find_parameter(optim, call, i));
    if (name == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: name is NULL", call);
    }
    for (int64_t k = 0; k < optim->type.n_states; k++) {
        if (strcmp(optim->type.state[k], name) == 0) {
            *out = k;
            return DNN_OK;
        }
    }
    return no_such_state(&optim->type, call, name);
}

int64_t dnn_optim_parameter_count(const dnn_optimizer *optimizer)
{
    return dnn__usable(optimizer) ? optimizer->dnn_optim->n : 0;
}

dnn_tensor *dnn_optim_parameter(const dnn_optimizer *optimizer, int64_t i)
{
    if (!dnn__ready("dnn_optim_parameter", optimizer) ||
        !dnn__ok(find_parameter(optimizer->dnn_optim, "dnn_optim_parameter", i))) {
        return NULL;
    }
    return optimizer->dnn_optim->parameter[i].tensor;
}

const char *dnn_optim_parameter_name(const dnn_optimizer *optimizer, int64_t i)
{
    if (!dnn__ready("dnn_optim_parameter_name", optimizer) ||
        !dnn__ok(find_parameter(optimizer->dnn_optim, "dnn_optim_parameter_name", i))) {
        return NULL;
    }
    return optimizer->dnn_optim->parameter[i].name;
}

dnn_tensor *dnn_optim_state(const dnn_optimizer *optimizer, int64_t i, const char *name)
{
    int64_t k = 0;

    if (!dnn__ready("dnn_optim_state", optimizer) ||
        !dnn__ok(find_state(optimizer->dnn_optim, "dnn_optim_state", i, name, &k))) {
        return NULL;
    }
    return dnn__optim_state(optimizer->dnn_optim, i, k);
}

/* ---- in a step ---- */

static dnn_status check_stepping(const dnn__optim *optim, const char *call)
{
    return optim->stepping ? DNN_OK
                           : dnn__fail(DNN_E_INVALID, "%s: the %s optimizer is not in a step", call,
                                       optim->type.name);
}

dnn_tensor *dnn__optim_make(dnn__optim *optim, int64_t i, int64_t k, bool zero)
{
    const dnn_tensor *p = optim->parameter[i].tensor;
    void *made = optim->made;
    dnn_tensor *t;

    if (!dnn__ok(dnn__reserve(&made, &optim->cap_made, optim->n_made + 1, sizeof *optim->made,
                              optim->type.name))) {
        return NULL;
    }
    optim->made = made;
    t = dnn__tensor_new(optim->type.name, p->dtype, p->ndim, p->dim, dnn__device_of(p));
    t = zero ? dnn_zero_(t) : t;
    if (t != NULL) {
        optim->made[optim->n_made++] = i * optim->type.n_states + k;
        optim->state[i * optim->type.n_states + k] = dnn_retain(t);
    }
    return t;
}

dnn_tensor *dnn_optim_make_state(dnn_optimizer *optimizer, int64_t i, const char *name)
{
    dnn__optim *optim;
    dnn_tensor *t;
    int64_t k = 0;

    if (!dnn__ready("dnn_optim_make_state", optimizer)) {
        return NULL;
    }
    optim = optimizer->dnn_optim;
    if (!dnn__ok(check_stepping(optim, "dnn_optim_make_state")) ||
        !dnn__ok(find_state(optim, "dnn_optim_make_state", i, name, &k))) {
        return NULL;
    }
    t = dnn__optim_state(optim, i, k);
    return t != NULL ? t : dnn__optim_make(optim, i, k, true);
}

static dnn_status check_copy(const char *kind, const dnn_tensor *target, const dnn_tensor *value)
{
    if (target->dtype != value->dtype || dnn__device_of(target) != dnn__device_of(value) ||
        target->ndim != value->ndim ||
        memcmp(target->dim, value->dim, (size_t)target->ndim * sizeof(int64_t)) != 0) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_optim_assign: %s: target is %s %s on %s, value %s %s on %s", kind,
                         dnn_dtype_name(target->dtype), dnn__shape_text(target->ndim, target->dim),
                         dnn_device_of(target), dnn_dtype_name(value->dtype),
                         dnn__shape_text(value->ndim, value->dim), dnn_device_of(value));
    }
    return DNN_OK;
}

dnn_status dnn_optim_assign(dnn_optimizer *optimizer, dnn_tensor *target, dnn_tensor *value)
{
    dnn__optim *optim;
    void *copy;

    DNN_TRY(dnn__require(optimizer, "dnn_optim_assign", "optimizer"));
    DNN_TRY(dnn__require(target, "dnn_optim_assign", "target"));
    DNN_TRY(dnn__require(value, "dnn_optim_assign", "value"));
    optim = optimizer->dnn_optim;
    DNN_TRY(check_stepping(optim, "dnn_optim_assign"));
    DNN_TRY(check_copy(optim->type.name, target, value));
    copy = optim->copy;
    DNN_TRY(dnn__reserve(&copy, &optim->cap_copies, optim->n_copies + 1, sizeof *optim->copy,
                         optim->type.name));
    optim->copy = copy;
    optim->copy[optim->n_copies++] =
        (dnn__optim_copy){.target = dnn_retain(target), .value = dnn_retain(value)};
    return DNN_OK;
}

/* plan_only: makes all checks but does not copy. */
static dnn_status copy_all(dnn__optim *optim, bool plan_only)
{
    for (int64_t i = 0; i < optim->n_copies; i++) {
        dnn__request request = {.op = DNN_OP_copy,
                                .n_in = 1,
                                .n_out = 1,
                                .in = &optim->copy[i].value,
                                .out = &optim->copy[i].target,
                                .plan_only = plan_only};

        DNN_TRY(dnn__call_request(&request));
    }
    return DNN_OK;
}

static void free_made(dnn__optim *optim)
{
    for (int64_t i = 0; i < optim->n_made; i++) {
        dnn_release(optim->state[optim->made[i]]);
        optim->state[optim->made[i]] = NULL;
    }
}

dnn_status dnn__optim_end_step(dnn__optim *optim, dnn_status status)
{
    if (status == DNN_OK && optim->n_copies > 0) {
        status = copy_all(optim, true);
        status = status == DNN_OK ? copy_all(optim, false) : status;
    }
    if (status != DNN_OK) {
        free_made(optim);
    }
    for (int64_t i = 0; i < optim->n_copies; i++) {
        dnn_release(optim->copy[i].target);
        dnn_release(optim->copy[i].value);
    }
    optim->n_made = optim->n_copies = 0;
    return status;
}

void dnn__optim_set_state(dnn__optim *optim, int64_t i, int64_t k, dnn_tensor *state)
{
    dnn_tensor **at = &optim->state[i * optim->type.n_states + k];

    dnn_release(*at);
    *at = state;
}
