/* optimizer.c - SGD: groups of parameters that one call steps together, their state, and the step that changes all or nothing.
 * The arithmetic is the row sgd_step; nothing is computed here. */
#include <math.h>
#include <string.h>
#include "plugin_host.h"
#include "dnn/optim.h"

struct parameter {
    dnn_tensor *tensor, *buffer; /* references; buffer NULL: no momentum, or no step yet */
};

struct dnn_optimizer {
    double lr, momentum;
    dnn_attr_sgd attr;
    struct parameter *parameter;
    int64_t n, steps;
    dnn_tensor *lr_scalar, *momentum_scalar; /* on the parameters' device; rewritten when the number changes */
    double lr_written;
    dnn_tensor **in, **out; /* of a call: room for all parameters */
    bool *done, *is_new;    /* of a step: has gone into a call; takes its first step */
};

/* ---- making ---- */

static dnn_status check_numbers(const dnn_sgd_args *a)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"lr", a->lr}, {"momentum", a->momentum}, {"weight_decay", a->weight_decay}};

    for (size_t i = 0; i < DNN__COUNT(numbers); i++) {
        if (!(numbers[i].value >= 0) || isinf(numbers[i].value)) {
            return dnn__fail(DNN_E_INVALID, "dnn_sgd: %s is %g, not a number >= 0", numbers[i].name, numbers[i].value);
        }
    }
    if (!isfinite(a->dampening)) {
        return dnn__fail(DNN_E_INVALID, "dnn_sgd: dampening is %g", a->dampening);
    }
    if (a->nesterov && (!(a->momentum > 0) || a->dampening != 0)) {
        return dnn__fail(DNN_E_INVALID, "dnn_sgd: nesterov needs momentum > 0 and dampening 0; they are %g and %g", a->momentum,
                         a->dampening);
    }
    return DNN_OK;
}

static dnn_status check_parameters(const dnn_tensor_list *list)
{
    if (list->n < 1 || list->item == NULL) {
        return dnn__fail(DNN_E_INVALID, "dnn_sgd: %s parameters: there is nothing to step", dnn__number_text(list->n));
    }
    for (int64_t i = 0; i < list->n; i++) {
        const dnn_tensor *p = list->item[i];

        if (p == NULL || p->leaf == NULL) {
            return dnn__fail(DNN_E_INVALID, "dnn_sgd: parameter %s is %s", dnn__number_text(i),
                             p == NULL ? "NULL" : "not a leaf that wants a gradient");
        }
        for (int64_t k = 0; k < i; k++) {
            if (list->item[k] == p) {
                return dnn__fail(DNN_E_INVALID, "dnn_sgd: parameters %s and %s are the same tensor", dnn__number_text(k),
                                 dnn__number_text(i));
            }
        }
    }
    return DNN_OK;
}

static dnn_status set_up(dnn_optimizer *o, const dnn_sgd_args *a)
{
    o->lr = a->lr;
    o->momentum = a->momentum;
    o->lr_written = NAN;
    o->attr = (dnn_attr_sgd){.size = sizeof o->attr,
                             .nesterov = a->nesterov,
                             .maximize = a->maximize,
                             .dampening = a->dampening,
                             .weight_decay = a->weight_decay};
    o->parameter = dnn__calloc((size_t)a->parameters.n, sizeof *o->parameter);
    o->in = dnn__calloc(2 + 3 * (size_t)a->parameters.n, sizeof *o->in);
    o->out = dnn__calloc(2 * (size_t)a->parameters.n, sizeof *o->out);
    o->done = dnn__calloc((size_t)a->parameters.n, sizeof *o->done);
    o->is_new = dnn__calloc((size_t)a->parameters.n, sizeof *o->is_new);
    if (o->parameter == NULL || o->in == NULL || o->out == NULL || o->done == NULL || o->is_new == NULL) {
        return dnn__nomem("dnn_sgd", (size_t)a->parameters.n * sizeof *o->parameter);
    }
    for (int64_t i = 0; i < a->parameters.n; i++) {
        o->parameter[i].tensor = dnn_retain(a->parameters.item[i]);
        o->n++;
    }
    return DNN_OK;
}

dnn_optimizer *dnn_sgd_with(dnn_sgd_args args)
{
    dnn_optimizer *o;
    dnn_status st;

    if (dnn__waiting() != DNN_OK) {
        return NULL;
    }
    st = check_numbers(&args);
    if (st == DNN_OK) {
        st = check_parameters(&args.parameters);
    }
    if (st != DNN_OK) {
        return dnn__null(st);
    }
    o = dnn__calloc(1, sizeof *o);
    if (o == NULL) {
        return dnn__null(dnn__nomem("dnn_sgd", sizeof *o));
    }
    st = set_up(o, &args);
    if (st != DNN_OK) {
        dnn_optimizer_free(o);
        return dnn__null(st);
    }
    return o;
}

void dnn_optimizer_free(dnn_optimizer *optimizer)
{
    if (optimizer == NULL) {
        return;
    }
    for (int64_t i = 0; i < optimizer->n; i++) {
        dnn_release(optimizer->parameter[i].tensor);
        dnn_release(optimizer->parameter[i].buffer);
    }
    dnn_release(optimizer->lr_scalar);
    dnn_release(optimizer->momentum_scalar);
    dnn__free(optimizer->parameter);
    dnn__free(optimizer->in);
    dnn__free(optimizer->out);
    dnn__free(optimizer->done);
    dnn__free(optimizer->is_new);
    dnn__free(optimizer);
}

/* ---- the step ---- */

dnn_status dnn_zero_grad(dnn_optimizer *optimizer)
{
    DNN_TRY(dnn__require(optimizer, "dnn_zero_grad", "optimizer"));
    for (int64_t i = 0; i < optimizer->n; i++) {
        DNN_TRY(dnn_set_grad(optimizer->parameter[i].tensor, NULL));
    }
    return DNN_OK;
}

/* A rank-0 f64 on the device of the parameters, kept between steps; it is written when the number changes. */
static dnn_status keep_scalar(dnn_tensor **scalar, double value, dnn__device *device)
{
    dnn_status st = DNN_OK;

    if (*scalar != NULL && dnn__device_of(*scalar) == device) {
        return dnn__storage_write((*scalar)->storage, 0, &value, sizeof value);
    }
    DNN_SCOPE {
        dnn_tensor *made = dnn__scalar(value, DNN_T_F64, device);

        st = made != NULL ? DNN_OK : dnn__take();
        if (st == DNN_OK) {
            dnn_release(*scalar);
            *scalar = dnn_retain(made);
        }
    }
    return st;
}

static dnn_status write_scalars(dnn_optimizer *o)
{
    dnn__device *device = dnn__device_of(o->parameter[0].tensor);
    bool moved = o->lr_scalar == NULL || dnn__device_of(o->lr_scalar) != device;

    if (!moved && o->lr_written == o->lr) {
        return DNN_OK;
    }
    DNN_TRY(keep_scalar(&o->lr_scalar, o->lr, device));
    DNN_TRY(keep_scalar(&o->momentum_scalar, o->momentum, device));
    o->lr_written = o->lr;
    return DNN_OK;
}

static bool steps(const struct parameter *p)
{
    return dnn_grad(p->tensor) != NULL;
}

/* Buffers of parameters that step for the first time. */
static dnn_status make_buffers(dnn_optimizer *o)
{
    dnn_status st = DNN_OK;

    for (int64_t i = 0; i < o->n && st == DNN_OK; i++) {
        struct parameter *p = &o->parameter[i];

        o->is_new[i] = o->momentum > 0 && p->buffer == NULL && steps(p);
        if (!o->is_new[i]) {
            continue;
        }
        DNN_NO_GRAD {
            dnn_tensor *made = dnn_empty_like(p->tensor);

            st = made != NULL ? DNN_OK : dnn__take();
            p->buffer = dnn_retain(made);
        }
    }
    return st;
}

static void drop_new_buffers(dnn_optimizer *o)
{
    for (int64_t i = 0; i < o->n; i++) {
        if (o->is_new[i]) {
            dnn_release(o->parameter[i].buffer);
            o->parameter[i].buffer = NULL;
        }
    }
}

/* Puts the parameters that can be stepped with number `lead` into one call: same device, dtype and history. */
static int64_t gather(dnn_optimizer *o, int64_t lead)
{
    const dnn_tensor *like = o->parameter[lead].tensor;
    int64_t n = 0;

    for (int64_t i = lead; i < o->n; i++) {
        const struct parameter *p = &o->parameter[i];

        if (o->done[i] || p->tensor->dtype != like->dtype || o->is_new[i] != o->is_new[lead] ||
            dnn__device_of(p->tensor) != dnn__device_of(like)) {
            continue;
        }
        o->in[2 + 3 * n] = o->out[2 * n] = p->tensor;
        o->in[3 + 3 * n] = dnn_grad(p->tensor);
        o->in[4 + 3 * n] = o->out[2 * n + 1] = p->buffer;
        o->done[i] = true;
        n++;
    }
    return n;
}

/* One call for each group; planned only, or run. *groups counts them. */
static dnn_status call_groups(dnn_optimizer *o, bool plan_only, int *groups)
{
    *groups = 0;
    for (int64_t i = 0; i < o->n; i++) {
        o->done[i] = !steps(&o->parameter[i]);
    }
    for (int64_t i = 0; i < o->n; i++) {
        dnn__request request = {.op = DNN_OP_sgd_step, .in = o->in, .out = o->out, .attr = &o->attr, .plan_only = plan_only};
        int64_t n;

        if (o->done[i]) {
            continue;
        }
        o->attr.first = o->is_new[i];
        n = gather(o, i);
        o->in[0] = o->lr_scalar;
        o->in[1] = o->momentum_scalar;
        request.n_in = (int)(2 + 3 * n);
        request.n_out = (int)(2 * n);
        DNN_TRY(dnn__dispatch(&request));
        (*groups)++;
    }
    return DNN_OK;
}

/* Everything that can fail without a kernel's doing fails before the first group is changed. */
static dnn_status run_step(dnn_optimizer *o)
{
    int groups;
    dnn_status st;

    DNN_TRY(write_scalars(o));
    st = make_buffers(o);
    DNN_NO_GRAD {
        if (st == DNN_OK) {
            st = call_groups(o, true, &groups);
        }
        if (st == DNN_OK) {
            st = call_groups(o, false, &groups);
        }
    }
    if (st != DNN_OK) {
        drop_new_buffers(o);
    }
    return st;
}

dnn_status dnn_step(dnn_optimizer *optimizer)
{
    DNN_TRY(dnn__require(optimizer, "dnn_step", "optimizer"));
    DNN_TRY(run_step(optimizer));
    optimizer->steps++;
    return DNN_OK;
}

/* ---- facts ---- */

double dnn_optimizer_lr(const dnn_optimizer *optimizer)
{
    return optimizer != NULL ? optimizer->lr : 0;
}

dnn_status dnn_optimizer_set_lr(dnn_optimizer *optimizer, double lr)
{
    DNN_TRY(dnn__require(optimizer, "dnn_optimizer_set_lr", "optimizer"));
    if (!(lr >= 0) || isinf(lr)) {
        return dnn__fail(DNN_E_INVALID, "dnn_optimizer_set_lr: lr is %g, not a number >= 0", lr);
    }
    optimizer->lr = lr;
    return DNN_OK;
}

int64_t dnn_optimizer_steps(const dnn_optimizer *optimizer)
{
    return optimizer != NULL ? optimizer->steps : 0;
}

dnn_tensor *dnn_optimizer_state(const dnn_optimizer *optimizer, int64_t parameter, const char *name)
{
    if (optimizer == NULL || name == NULL || parameter < 0 || parameter >= optimizer->n || strcmp(name, "momentum_buffer") != 0) {
        return NULL;
    }
    return optimizer->parameter[parameter].buffer;
}
