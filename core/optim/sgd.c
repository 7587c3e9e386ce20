/* sgd.c - stochastic gradient descent (torch.optim.SGD). A step calls the operator sgd_step once
 * for all parameters of one device and dtype whose groups have equal settings. optimizer.c calls it
 * through the type. Its arrays stay allocated, so that after the first steps a step allocates
 * nothing. */
#include "optim_impl.h"
#include "call.h"
#include "tape.h"
#include <string.h>

enum { LR, MOMENTUM, DAMPENING, WEIGHT_DECAY, NESTEROV, MAXIMIZE, SETTINGS };
enum { MOMENTUM_BUFFER, STATES };

struct numbers { /* learning rate and momentum of groups in the memory of a device */
    struct numbers *next;
    dnn__device *device;
    dnn_tensor *lr, *momentum;       /* f64 scalars */
    double lr_value, momentum_value; /* their present values */
};

/* One call of sgd_step: its parameters have the same settings, device, dtype and `first`. */
struct call {
    int32_t next;  /* another call with these settings; -1: none */
    int64_t group; /* the first that has them */
    dnn__device *device;
    dnn_dtype dtype;
    bool first;      /* the momentum buffers are created in this step */
    int64_t n;       /* parameters */
    int64_t in, out; /* where its operands begin in the arrays in, out of the optimizer */
};

typedef struct sgd {
    dnn_optimizer base;
    int64_t room;           /* parameters that the next arrays have room for */
    int32_t *call_of;       /* [room] index of the call of a parameter; -1: none */
    struct call *call;      /* [room] */
    dnn_tensor **in, **out; /* [5 room], [2 room]: operands of all calls, at most so many */
    int32_t n_calls;
    int64_t room_groups;      /* groups that the next arrays have room for */
    struct numbers **numbers; /* [room_groups] of groups that are the first with their settings */
    int64_t *first;           /* [room_groups] the first group with the same settings */
    int32_t *calls;           /* [room_groups] the first call with these settings; -1: none */
    int64_t *table;           /* [2 room_groups] a hash table of settings: groups; -1: free */
} sgd;

/* Makes room for the parameters, of which dnn_optim_add_group may have brought more. */
static dnn_status make_room(sgd *self, int64_t parameters)
{
    size_t n = (size_t)parameters;

    if (parameters <= self->room) {
        return DNN_OK;
    }
    dnn__free(self->call_of);
    dnn__free(self->call);
    dnn__free(self->in);
    dnn__free(self->out);
    self->room = 0;
    self->call_of = dnn__calloc(n, sizeof(int32_t));
    self->call = dnn__calloc(n, sizeof(struct call));
    self->in = dnn__calloc(5 * n, sizeof(dnn_tensor *));
    self->out = dnn__calloc(2 * n, sizeof(dnn_tensor *));
    if (self->call_of == NULL || self->call == NULL || self->in == NULL || self->out == NULL) {
        return dnn__nomem("sgd",
                          n * (7 * sizeof(dnn_tensor *) + sizeof(int32_t) + sizeof(struct call)));
    }
    self->room = parameters;
    return DNN_OK;
}

static dnn_status make_room_for_groups(sgd *self, int64_t groups)
{
    int64_t room = 1;
    struct numbers **numbers;
    void *rest;

    if (groups <= self->room_groups) {
        return DNN_OK;
    }
    while (room < groups) {
        room *= 2;
    }
    numbers = dnn__calloc((size_t)room, sizeof(*numbers));
    rest = dnn__alloc((size_t)room * (3 * sizeof(int64_t) + sizeof(int32_t)));
    if (numbers == NULL || rest == NULL) {
        dnn__free(numbers);
        dnn__free(rest);
        return dnn__nomem("sgd", (size_t)room * (4 * sizeof(int64_t) + sizeof(int32_t)));
    }
    if (self->room_groups > 0) {
        memcpy(numbers, self->numbers, (size_t)self->room_groups * sizeof(*numbers));
    }
    dnn__free(self->numbers);
    dnn__free(self->table);
    self->numbers = numbers;
    self->table = rest;
    self->first = self->table + 2 * room;
    self->calls = (int32_t *)(self->first + room);
    self->room_groups = room;
    return DNN_OK;
}

/* ---- groups with equal settings ---- */

static uint64_t hash_of(const double *setting)
{
    uint64_t hash = 0;

    for (int k = 0; k < SETTINGS; k++) {
        uint64_t bits;

        memcpy(&bits, &setting[k], sizeof bits);
        hash = (hash ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

/* Finds for each group the first one that has the same settings. room_groups is a power of two. */
static void find_equal_groups(sgd *self)
{
    const dnn__optim *optim = self->base.dnn_optim;
    uint64_t mask = 2 * (uint64_t)self->room_groups - 1;

    for (uint64_t i = 0; i <= mask; i++) {
        self->table[i] = -1;
    }
    for (int64_t g = 0; g < optim->n_groups; g++) {
        const double *setting = dnn__optim_settings(optim, g);
        uint64_t i = hash_of(setting) & mask;

        while (self->table[i] >= 0 && memcmp(dnn__optim_settings(optim, self->table[i]), setting,
                                             SETTINGS * sizeof *setting) != 0) {
            i = (i + 1) & mask;
        }
        self->table[i] = self->table[i] >= 0 ? self->table[i] : g;
        self->first[g] = self->table[i];
        self->calls[g] = -1;
    }
}

/* ---- the calls of a step ---- */

static dnn_tensor *buffer_of(const dnn__optim *optim, int64_t i)
{
    return dnn__optim_state(optim, i, MOMENTUM_BUFFER);
}

static int32_t find_call(sgd *self, const dnn__optim_parameter *parameter, bool first)
{
    const dnn_tensor *p = parameter->tensor;
    int64_t group = self->first[parameter->group];
    int32_t k = self->calls[group];

    while (k >= 0 && !(self->call[k].device == dnn__device_of(p) &&
                       self->call[k].dtype == p->dtype && self->call[k].first == first)) {
        k = self->call[k].next;
    }
    if (k < 0) {
        k = self->n_calls++;
        self->call[k] = (struct call){.next = self->calls[group],
                                      .group = group,
                                      .device = dnn__device_of(p),
                                      .dtype = p->dtype,
                                      .first = first};
        self->calls[group] = k;
    }
    return k;
}

/* Assigns each parameter to a call; a parameter without a gradient or without elements to none. */
static void sort_into_calls(sgd *self)
{
    const dnn__optim *optim = self->base.dnn_optim;
    int64_t in = 0, out = 0;

    self->n_calls = 0;
    find_equal_groups(self);
    for (int64_t i = 0; i < optim->n; i++) {
        const dnn__optim_parameter *parameter = &optim->parameter[i];
        bool momentum = dnn__optim_settings(optim, parameter->group)[MOMENTUM] != 0;

        self->call_of[i] = -1;
        if (parameter->active && dnn__numel(parameter->tensor) > 0) {
            self->call_of[i] = find_call(self, parameter, momentum && buffer_of(optim, i) == NULL);
            self->call[self->call_of[i]].n++;
        }
    }
    for (int32_t k = 0; k < self->n_calls; k++) {
        self->call[k].in = in;
        self->call[k].out = out;
        in += 2 + 3 * self->call[k].n;
        out += 2 * self->call[k].n;
        self->call[k].n = 0; /* add_operands counts again */
    }
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

static dnn_status make_numbers(dnn__device *device, double lr, double momentum,
                               struct numbers **out)
{
    struct numbers *made;
    dnn_tensor *lr_scalar = dnn__scalar(lr, DNN_T_F64, device),
               *momentum_scalar = dnn__scalar(momentum, DNN_T_F64, device);

    DNN_TRY(dnn__take());
    made = dnn__calloc(1, sizeof *made);
    if (made == NULL) {
        return dnn__nomem("sgd", sizeof *made);
    }
    *made = (struct numbers){.device = device,
                             .lr = dnn_retain(lr_scalar),
                             .momentum = dnn_retain(momentum_scalar),
                             .lr_value = lr,
                             .momentum_value = momentum};
    *out = made;
    return DNN_OK;
}

/* Returns the numbers of the group on the device, with their present values. */
static dnn_status numbers_on(sgd *self, int64_t group, dnn__device *device, struct numbers **out)
{
    const double *setting = dnn__optim_settings(self->base.dnn_optim, group);
    struct numbers **at = &self->numbers[group];

    while (*at != NULL && (*at)->device != device) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        DNN_TRY(make_numbers(device, setting[LR], setting[MOMENTUM], at));
    }
    DNN_TRY(update((*at)->lr, &(*at)->lr_value, setting[LR]));
    DNN_TRY(update((*at)->momentum, &(*at)->momentum_value, setting[MOMENTUM]));
    *out = *at;
    return DNN_OK;
}

/* Adds p, g and b of a parameter to the operands of its call. Makes its first buffer, which the
 * call fills. */
static dnn_status add_operands(sgd *self, int64_t i)
{
    dnn__optim *optim = self->base.dnn_optim;
    struct call *call = &self->call[self->call_of[i]];
    dnn_tensor *p = optim->parameter[i].tensor;
    dnn_tensor **in = self->in + call->in + 2 + 3 * call->n,
               **out = self->out + call->out + 2 * call->n;

    if (call->first && dnn__optim_make(optim, i, MOMENTUM_BUFFER, false) == NULL) {
        return dnn__take();
    }
    in[0] = p;
    in[1] = p->leaf->grad;
    in[2] = dnn__optim_settings(optim, call->group)[MOMENTUM] != 0 ? buffer_of(optim, i) : NULL;
    out[0] = p;
    out[1] = in[2];
    call->n++;
    return DNN_OK;
}

static dnn_attr_sgd attributes(const double *setting, bool first)
{
    dnn_attr_sgd attr;

    memset(&attr, 0, sizeof(attr));
    attr.size = sizeof(attr);
    attr.first = first;
    attr.nesterov = setting[NESTEROV] != 0;
    attr.maximize = setting[MAXIMIZE] != 0;
    attr.dampening = setting[DAMPENING];
    attr.weight_decay = setting[WEIGHT_DECAY];
    return attr;
}

/* plan_only: makes all checks of the call but does not run the kernel, so it changes nothing. */
static dnn_status run_call(sgd *self, const struct call *call, bool plan_only)
{
    dnn_attr_sgd attr =
        attributes(dnn__optim_settings(self->base.dnn_optim, call->group), call->first);
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
    const dnn__optim *optim = self->base.dnn_optim;

    DNN_TRY(make_room(self, optim->n));
    DNN_TRY(make_room_for_groups(self, optim->n_groups));
    sort_into_calls(self);
    for (int64_t i = 0; i < optim->n; i++) {
        if (self->call_of[i] >= 0) {
            DNN_TRY(add_operands(self, i));
        }
    }
    for (int32_t k = 0; k < self->n_calls; k++) {
        struct call *call = &self->call[k];
        struct numbers *numbers;

        DNN_TRY(numbers_on(self, call->group, call->device, &numbers));
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

    DNN_TRY(prepare(self));
    for (int32_t k = 0; k < self->n_calls; k++) {
        DNN_TRY(run_call(self, &self->call[k], false));
    }
    return DNN_OK;
}

static void sgd_free(dnn_optimizer *base)
{
    sgd *self = (sgd *)base;

    for (int64_t g = 0; g < self->room_groups; g++) {
        for (struct numbers *at = self->numbers[g], *next; at != NULL; at = next) {
            next = at->next;
            dnn_release(at->lr);
            dnn_release(at->momentum);
            dnn__free(at);
        }
    }
    dnn__free(self->numbers);
    dnn__free(self->table);
    dnn__free(self->call_of);
    dnn__free(self->call);
    dnn__free(self->in);
    dnn__free(self->out);
}

/* ---- the type ---- */

static dnn_status sgd_check(const double *value)
{
    if (value[NESTEROV] != 0 && (value[MOMENTUM] <= 0 || value[DAMPENING] != 0)) {
        return dnn__fail(DNN_E_INVALID,
                         "sgd: nesterov needs momentum > 0 and dampening 0, they are %s and %s",
                         dnn__float_text(value[MOMENTUM]), dnn__float_text(value[DAMPENING]));
    }
    return DNN_OK;
}

static const dnn_optim_setting settings[SETTINGS] = {
    [LR] = {.name = "lr", .required = true},
    [MOMENTUM] = {.name = "momentum"},
    [DAMPENING] = {.name = "dampening", .low = -__builtin_huge_val()},
    [WEIGHT_DECAY] = {.name = "weight_decay"},
    [NESTEROV] = {.name = "nesterov", .flag = true},
    [MAXIMIZE] = {.name = "maximize", .flag = true},
};
static const char *const states[STATES] = {[MOMENTUM_BUFFER] = "momentum_buffer"};

static const dnn_optimizer_type sgd_type = {
    .size = sizeof(dnn_optimizer_type),
    .name = "sgd",
    .bytes = sizeof(sgd),
    .setting = settings,
    .n_settings = SETTINGS,
    .state = states,
    .n_states = STATES,
    .step = sgd_step,
    .check = sgd_check,
    .free = sgd_free,
};

dnn_optimizer *dnn_optim_sgd_with(dnn_optim_sgd_args args)
{
    const double value[SETTINGS] = {[LR] = args.lr,
                                    [MOMENTUM] = args.momentum,
                                    [DAMPENING] = args.dampening,
                                    [WEIGHT_DECAY] = args.weight_decay,
                                    [NESTEROV] = args.nesterov,
                                    [MAXIMIZE] = args.maximize};

    return dnn_optim_new(&sgd_type, args.parameters, value);
}
