/* optimizer.c - the functions that all optimizers share: the list of parameters, the learning rate,
 * dnn_zero_grad, freeing. Programs call them; the file of each kind has the update rule. */
#include "optim_impl.h"

dnn_status dnn__check_setting(const char *optimizer, const char *setting, double value)
{
    if (!(value >= 0) || !__builtin_isfinite(value)) {
        return dnn__fail(DNN_E_INVALID, "%s: %s is %s, it must be a finite number >= 0", optimizer,
                         setting, dnn__float_text(value));
    }
    return DNN_OK;
}

static dnn_status check_parameters(const char *name, dnn_tensor_list list)
{
    if (list.n <= 0 || list.item == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: the list of parameters is empty", name);
    }
    DNN_TRY(dnn__check_alive_list(name, "parameters", list.item, list.n));
    for (int64_t i = 0; i < list.n; i++) {
        const dnn_tensor *p = list.item[i];

        if (p == NULL) {
            return dnn__fail(DNN_E_INVALID, "%s: parameter %lld of %lld is NULL", name,
                             (long long)i, (long long)list.n);
        }
        if (p->node != NULL || (p->dtype & DNN__FLOATS) == 0) {
            return dnn__fail(DNN_E_INVALID, "%s: parameter %lld %s is not a floating leaf", name,
                             (long long)i, dnn__shape_text(p->ndim, p->dim));
        }
        for (int64_t k = 0; k < i; k++) {
            if (list.item[k] == p) {
                return dnn__fail(DNN_E_INVALID, "%s: parameter %lld %s is parameter %lld again",
                                 name, (long long)i, dnn__shape_text(p->ndim, p->dim),
                                 (long long)k);
            }
        }
    }
    return DNN_OK;
}

static void destroy(dnn_object *object)
{
    dnn_optimizer *optimizer = (dnn_optimizer *)(void *)object;

    optimizer->type->free(optimizer);
    for (int64_t i = 0; i < optimizer->n; i++) {
        dnn_release(optimizer->parameters[i]);
    }
    dnn__free(optimizer->parameters);
    dnn__object_free(optimizer, optimizer->bytes);
}

dnn_status dnn__optimizer_new(const dnn__optimizer_type *type, size_t bytes,
                              dnn_tensor_list parameters, double lr, dnn_optimizer **out)
{
    static const dnn__kind kind = {.name = "optimizer", .destroy = destroy};
    dnn_optimizer *made;

    DNN_TRY(check_parameters(type->name, parameters));
    DNN_TRY(dnn__check_setting(type->name, "lr", lr));
    made = dnn__object_zeroed(&kind, bytes, type->name);
    if (made == NULL) {
        return dnn__take();
    }
    made->bytes = bytes;
    made->type = type;
    made->lr = lr;
    made->parameters = dnn__calloc((size_t)parameters.n, sizeof(dnn_tensor *));
    if (made->parameters == NULL) {
        dnn_release(made);
        return dnn__nomem(type->name, (size_t)parameters.n * sizeof(dnn_tensor *));
    }
    made->n = parameters.n;
    for (int64_t i = 0; i < made->n; i++) {
        made->parameters[i] = dnn_retain(parameters.item[i]);
    }
    *out = made;
    return DNN_OK;
}

dnn_status dnn_zero_grad(dnn_optimizer *optimizer)
{
    DNN_TRY(dnn__require(optimizer, "dnn_zero_grad", "optimizer"));
    for (int64_t i = 0; i < optimizer->n; i++) {
        if (optimizer->parameters[i]->leaf != NULL) { /* NULL: it requires no gradient any more */
            DNN_TRY(dnn_set_grad(optimizer->parameters[i], NULL));
        }
    }
    return DNN_OK;
}

dnn_status dnn_step(dnn_optimizer *optimizer)
{
    DNN_TRY(dnn__require(optimizer, "dnn_step", "optimizer"));
    DNN_TRY(optimizer->type->step(optimizer));
    optimizer->steps++;
    return DNN_OK;
}

double dnn_optimizer_lr(const dnn_optimizer *optimizer)
{
    return dnn__usable(optimizer) ? optimizer->lr : 0;
}

dnn_status dnn_optimizer_set_lr(dnn_optimizer *optimizer, double lr)
{
    DNN_TRY(dnn__require(optimizer, "dnn_optimizer_set_lr", "optimizer"));
    DNN_TRY(dnn__check_setting(optimizer->type->name, "lr", lr));
    optimizer->lr = lr;
    return DNN_OK;
}

int64_t dnn_optimizer_steps(const dnn_optimizer *optimizer)
{
    return dnn__usable(optimizer) ? optimizer->steps : 0;
}

dnn_tensor *dnn_optimizer_state(const dnn_optimizer *optimizer, int64_t parameter, const char *name)
{
    if (!dnn__usable(optimizer) || name == NULL || parameter < 0 || parameter >= optimizer->n) {
        return NULL;
    }
    return optimizer->type->state(optimizer, parameter, name);
}
