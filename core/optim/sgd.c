/* sgd.c - stochastic gradient descent (torch.optim.SGD). A step calls the operator sgd_step once
 * for all parameters of one device and dtype. optimizer.c calls it through the type. All arrays are
 * allocated with the optimizer, so that after the first steps a step allocates nothing. */
#include "optim_impl.h"
#include "call.h"
#include "tape.h"
#include <string.h>

struct numbers { /* learning rate and momentum in the memory of a device */
    dnn__device *device;
    dnn_tensor *lr, *momentum;       /* f64 scalars */
    double lr_value, momentum_value; /* their present values */
};

struct call { /* one call of sgd_step: its parameters have the same device, dtype and `first` */
    dnn__device *device;
    dnn_dtype dtype;
    bool first;      /* the momentum buffers are created in this step */
    int64_t n;       /* parameters */
    int64_t in, out; /* where its operands begin in the arrays in, out of the optimizer */
};

typedef struct sgd {
    dnn_optimizer base;
    dnn_optim_sgd_args args;
    dnn_tensor **buffer; /* [n] momentum buffers; NULL until the first gradient */
    dnn_tensor **made;   /* [n] new buffers of the current step; a step that succeeds keeps them */
    int32_t *call_of;    /* [n] index of the call of a parameter; -1: none */
    struct call *call;   /* [n] */
    int32_t n_calls;
    struct numbers *numbers; /* [n]: there are at most as many devices as parameters */
    int32_t n_numbers;
    dnn_tensor **in, **out; /* [5 n], [2 n]: operands of all calls, at most so many */
} sgd;

static dnn_status check_gradient(const sgd *self, int64_t i)
{
    const dnn_tensor *p = self->base.parameters[i], *g = p->leaf->grad, *b = self->buffer[i];

    if (g->dtype != p->dtype || dnn__device_of(g) != dnn__device_of(p)) {
        return dnn__fail(DNN_E_INVALID, "sgd: parameter %lld %s is %s on %s, its gradient %s on %s",
                         (long long)i, dnn__shape_text(p->ndim, p->dim), dnn_dtype_name(p->dtype),
                         dnn_device_of(p), dnn_dtype_name(g->dtype), dnn_device_of(g));
    }
    if (g->ndim != p->ndim || memcmp(g->dim, p->dim, (size_t)p->ndim * sizeof(p->dim[0])) != 0) {
        return dnn__fail(DNN_E_INVALID, "sgd: parameter %lld is %s, its gradient %s", (long long)i,
                         dnn__shape_text(p->ndim, p->dim), dnn__shape_text(g->ndim, g->dim));
    }
    if (b != NULL && (b->dtype != p->dtype || dnn__device_of(b) != dnn__device_of(p))) {
        return dnn__fail(DNN_E_INVALID,
                         "sgd: parameter %lld %s is %s on %s now, its momentum_buffer %s on %s: "
                         "create a new optimizer",
                         (long long)i, dnn__shape_text(p->ndim, p->dim), dnn_dtype_name(p->dtype),
                         dnn_device_of(p), dnn_dtype_name(b->dtype), dnn_device_of(b));
    }
    return DNN_OK;
}

static int32_t find_call(sgd *self, const dnn_tensor *p, bool first)
{
    int32_t k = 0;

    while (k < self->n_calls &&
           !(self->call[k].device == dnn__device_of(p) && self->call[k].dtype == p->dtype &&
             self->call[k].first == first)) {
        k++;
    }
    if (k == self->n_calls) {
        self->call[self->n_calls++] =
            (struct call){.device = dnn__device_of(p), .dtype = p->dtype, .first = first};
    }
    return k;
}

/* Assigns each parameter to a call; a parameter without a gradient or without elements to none. */
static dnn_status sort_into_calls(sgd *self)
{
    int64_t in = 0, out = 0;

    self->n_calls = 0;
    for (int64_t i = 0; i < self->base.n; i++) {
        const dnn_tensor *p = self->base.parameters[i];

        self->call_of[i] = -1;
        if (p->leaf == NULL || p->leaf->grad == NULL || dnn__numel(p) == 0) {
            continue;
        }
        DNN_TRY(check_gradient(self, i));
        self->call_of[i] = find_call(self, p, self->args.momentum != 0 && self->buffer[i] == NULL);
        self->call[self->call_of[i]].n++;
    }
    for (int32_t k = 0; k < self->n_calls; k++) {
        self->call[k].in = in;
        self->call[k].out = out;
        in += 2 + 3 * self->call[k].n;
        out += 2 * self->call[k].n;
        self->call[k].n = 0; /* add_operands counts again */
    }
    return DNN_OK;
}

/* Writes the value to the scalar if it has changed. */
static dnn_status update(dnn_tensor *scalar, double *present, double value)
{
    if (*present != value) {
        DNN_TRY(dnn__storage_write(scalar->storage, 0, &value, sizeof(value)));
        *present = value;
    }
    return DNN_OK;
}

/* Returns the numbers of the device, with the present learning rate and momentum. */
static dnn_status numbers_on(sgd *self, dnn__device *device, struct numbers **out)
{
    struct numbers *at = self->numbers;

    while (at < self->numbers + self->n_numbers && at->device != device) {
        at++;
    }
    if (at == self->numbers + self->n_numbers) {
        dnn_tensor *lr = dnn__tensor_new("sgd", DNN_T_F64, 0, NULL, device);
        dnn_tensor *momentum = dnn__tensor_new("sgd", DNN_T_F64, 0, NULL, device);
        double values[2] = {self->base.lr, self->args.momentum};

        DNN_TRY(dnn_take_error());
        DNN_TRY(dnn__storage_write(lr->storage, 0, &values[0], sizeof(double)));
        DNN_TRY(dnn__storage_write(momentum->storage, 0, &values[1], sizeof(double)));
        *at = (struct numbers){device, dnn_retain(lr), dnn_retain(momentum), values[0], values[1]};
        self->n_numbers++;
    }
    DNN_TRY(update(at->lr, &at->lr_value, self->base.lr));
    DNN_TRY(update(at->momentum, &at->momentum_value, self->args.momentum));
    *out = at;
    return DNN_OK;
}

/* Adds p, g and b of a parameter to the operands of its call. Allocates its first buffer, which
 * sgd_step keeps only after all calls have succeeded. */
static dnn_status add_operands(sgd *self, int64_t i)
{
    struct call *call = &self->call[self->call_of[i]];
    dnn_tensor *p = self->base.parameters[i], *b = self->buffer[i], *g = p->leaf->grad;
    dnn_tensor **in = self->in + call->in + 2 + 3 * call->n,
               **out = self->out + call->out + 2 * call->n;

    if (call->first) {
        b = dnn__tensor_new("sgd", p->dtype, p->ndim, p->dim, dnn__device_of(p));
        self->made[i] = b;
    }
    DNN_TRY(dnn_take_error());
    in[0] = p;
    in[1] = g;
    in[2] = self->args.momentum != 0 ? b : NULL;
    out[0] = p;
    out[1] = in[2];
    call->n++;
    return DNN_OK;
}

static dnn_attr_sgd attributes(const sgd *self, bool first)
{
    dnn_attr_sgd attr;

    memset(&attr, 0, sizeof(attr));
    attr.size = sizeof(attr);
    attr.first = first;
    attr.nesterov = self->args.nesterov;
    attr.maximize = self->args.maximize;
    attr.dampening = self->args.dampening;
    attr.weight_decay = self->args.weight_decay;
    return attr;
}

/* plan_only: makes all checks of the call but does not run the kernel, so it changes nothing. */
static dnn_status run_call(sgd *self, const struct call *call, bool plan_only)
{
    dnn_attr_sgd attr = attributes(self, call->first);
    dnn__request request = {.op = DNN_OP_sgd_step,
                            .n_in = (int)(2 + 3 * call->n),
                            .n_out = (int)(2 * call->n),
                            .in = self->in + call->in,
                            .out = self->out + call->out,
                            .attr = &attr,
                            .plan_only = plan_only};

    return dnn__call_request(&request);
}

static dnn_status prepare(sgd *self)
{
    DNN_TRY(sort_into_calls(self));
    for (int64_t i = 0; i < self->base.n; i++) {
        if (self->call_of[i] >= 0) {
            DNN_TRY(add_operands(self, i));
        }
    }
    for (int32_t k = 0; k < self->n_calls; k++) {
        struct call *call = &self->call[k];
        struct numbers *numbers;

        DNN_TRY(numbers_on(self, call->device, &numbers));
        self->in[call->in] = numbers->lr;
        self->in[call->in + 1] = numbers->momentum;
        if (self->n_calls > 1) {
            DNN_TRY(run_call(self, call, true));
        }
    }
    return DNN_OK;
}

static dnn_status sgd_step(dnn_optimizer *base)
{
    sgd *self = (sgd *)base;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        DNN_TRY(prepare(self));
        for (int32_t k = 0; k < self->n_calls; k++) {
            DNN_TRY(run_call(self, &self->call[k], false));
        }
        for (int64_t i = 0; i < base->n; i++) {
            if (self->call_of[i] >= 0 && self->call[self->call_of[i]].first) {
                self->buffer[i] = dnn_retain(self->made[i]);
            }
        }
    }
    return DNN_OK;
}

static dnn_tensor *sgd_state(const dnn_optimizer *base, int64_t parameter, const char *name)
{
    return strcmp(name, "momentum_buffer") == 0 ? ((const sgd *)base)->buffer[parameter] : NULL;
}

/* ---- the parts of a checkpoint ---- */

static const char *const slots[] = {"momentum_buffer", NULL};
static const char *const hyper[] = {"lr",       "momentum", "dampening", "weight_decay",
                                    "nesterov", "maximize", NULL};

static void sgd_get_hyper(const dnn_optimizer *base, double *value)
{
    const dnn_optim_sgd_args *args = &((const sgd *)base)->args;

    value[0] = base->lr;
    value[1] = args->momentum;
    value[2] = args->dampening;
    value[3] = args->weight_decay;
    value[4] = args->nesterov;
    value[5] = args->maximize;
}

static dnn_optim_sgd_args args_of(const double *value)
{
    return (dnn_optim_sgd_args){.lr = value[0],
                                .momentum = value[1],
                                .dampening = value[2],
                                .weight_decay = value[3],
                                .nesterov = value[4] != 0,
                                .maximize = value[5] != 0};
}

static dnn_status check_args(const dnn_optim_sgd_args *args);

static dnn_status sgd_check_hyper(const double *value)
{
    dnn_optim_sgd_args args = args_of(value);

    DNN_TRY(dnn__check_setting("sgd", "lr", args.lr));
    return check_args(&args);
}

static void sgd_set_hyper(dnn_optimizer *base, const double *value)
{
    base->lr = value[0];
    ((sgd *)base)->args = args_of(value);
}

static void sgd_set_state(dnn_optimizer *base, int64_t parameter, int slot, dnn_tensor *state)
{
    dnn_tensor **buffer = &((sgd *)base)->buffer[parameter];

    (void)slot; /* there is only one */
    dnn_release(*buffer);
    *buffer = state;
}

static void sgd_free(dnn_optimizer *base)
{
    sgd *self = (sgd *)base;

    for (int64_t i = 0; self->buffer != NULL && i < base->n; i++) {
        dnn_release(self->buffer[i]);
    }
    for (int32_t k = 0; k < self->n_numbers; k++) {
        dnn_release(self->numbers[k].lr);
        dnn_release(self->numbers[k].momentum);
    }
    dnn__free(self->buffer);
    dnn__free(self->made);
    dnn__free(self->call_of);
    dnn__free(self->call);
    dnn__free(self->numbers);
    dnn__free(self->in);
    dnn__free(self->out);
}

static const dnn__optimizer_type sgd_type = {
    .name = "sgd",
    .step = sgd_step,
    .state = sgd_state,
    .free = sgd_free,
    .slots = slots,
    .hyper = hyper,
    .get_hyper = sgd_get_hyper,
    .check_hyper = sgd_check_hyper,
    .set_hyper = sgd_set_hyper,
    .set_state = sgd_set_state,
};

static dnn_status check_args(const dnn_optim_sgd_args *args)
{
    DNN_TRY(dnn__check_setting("sgd", "momentum", args->momentum));
    DNN_TRY(dnn__check_setting("sgd", "weight_decay", args->weight_decay));
    if (!__builtin_isfinite(args->dampening)) {
        return dnn__fail(DNN_E_INVALID, "sgd: dampening is %s, it must be finite",
                         dnn__float_text(args->dampening));
    }
    if (args->nesterov && (args->momentum <= 0 || args->dampening != 0)) {
        return dnn__fail(DNN_E_INVALID,
                         "sgd: nesterov needs momentum > 0 and dampening 0, they are %s and %s",
                         dnn__float_text(args->momentum), dnn__float_text(args->dampening));
    }
    return DNN_OK;
}

/* 5 operands for each parameter must fit in an int, with which dispatch and tape count operands. */
enum { MOST_PARAMETERS = 100 * 1000 * 1000 };

static dnn_status allocate(sgd *self)
{
    size_t n = (size_t)self->base.n;

    self->buffer = dnn__calloc(n, sizeof(dnn_tensor *));
    self->made = dnn__calloc(n, sizeof(dnn_tensor *));
    self->call_of = dnn__calloc(n, sizeof(int32_t));
    self->call = dnn__calloc(n, sizeof(struct call));
    self->numbers = dnn__calloc(n, sizeof(struct numbers));
    self->in = dnn__calloc(5 * n, sizeof(dnn_tensor *));
    self->out = dnn__calloc(2 * n, sizeof(dnn_tensor *));
    if (self->buffer == NULL || self->made == NULL || self->call_of == NULL || self->call == NULL ||
        self->numbers == NULL || self->in == NULL || self->out == NULL) {
        return dnn__nomem("sgd", n * (9 * sizeof(dnn_tensor *) + sizeof(int32_t) +
                                      sizeof(struct call) + sizeof(struct numbers)));
    }
    return DNN_OK;
}

dnn_optimizer *dnn_optim_sgd_with(dnn_optim_sgd_args args)
{
    dnn_optimizer *made = NULL;
    dnn_status st = DNN_OK;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    DNN_TRY_TO(st, failed, check_args(&args));
    if (args.parameters.n > MOST_PARAMETERS) {
        DNN_TRY_TO(st, failed,
                   dnn__fail(DNN_E_INVALID, "sgd: %lld parameters, at most %d",
                             (long long)args.parameters.n, MOST_PARAMETERS));
    }
    DNN_TRY_TO(st, failed,
               dnn__optimizer_new(&sgd_type, sizeof(sgd), args.parameters, args.lr, &made));
    ((sgd *)made)->args = args;
    ((sgd *)made)->args.parameters = (dnn_tensor_list){.n = 0}; /* the caller may free the array */
    DNN_TRY_TO(st, failed, allocate((sgd *)made));
    return made;
failed:
    dnn_release(made);
    return dnn__null(st);
}
