/* optimizer.c - the base of all optimizers: making one, adding groups of parameters, dnn_zero_grad,
 * dnn_step. It knows no update rule: a kind has it, as the step of its type. */
#include <string.h>
#include "object.h"
#include "optim_impl.h"
#include "pointer_map.h"
#include "tape.h"

/* SGD has 5 operands for each parameter. Their number must fit in an int, with which dispatch and
 * tape count operands. */
enum { MOST_PARAMETERS = 100 * 1000 * 1000 };

/* ---- parameters ---- */

static dnn_status check_parameter(const char *kind, dnn_tensor_list list, int64_t i)
{
    const dnn_tensor *p = list.item[i];

    if (p == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: parameter %s of %lld is NULL", kind,
                         dnn__member_text(list, i), (long long)list.n);
    }
    if (p->node != NULL || (p->dtype & DNN__FLOATS) == 0) {
        return dnn__fail(DNN_E_INVALID, "%s: parameter %s %s is not a floating leaf", kind,
                         dnn__member_text(list, i), dnn__shape_text(p->ndim, p->dim));
    }
    return DNN_OK;
}

static dnn_status check_list(const dnn__optim *optim, dnn_tensor_list list)
{
    const char *kind = optim->type.name;

    if (list.n <= 0 || list.item == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: the list of parameters is empty", kind);
    }
    if (list.n > MOST_PARAMETERS - optim->n) {
        return dnn__fail(DNN_E_INVALID, "%s: %s parameters, at most %s", kind,
                         dnn__number_text(list.n), dnn__number_text(MOST_PARAMETERS - optim->n));
    }
    DNN_TRY(dnn__check_alive_list(kind, "parameters", list.item, list.n));
    for (int64_t i = 0; i < list.n; i++) {
        DNN_TRY(check_parameter(kind, list, i));
    }
    return DNN_OK;
}

/* The name or index of a parameter that the optimizer has, or that the list would add. */
static const char *name_with(const dnn__optim *optim, dnn_tensor_list list, int64_t i)
{
    int64_t k = i - optim->n;

    if (k < 0) {
        return dnn__optim_name_text(optim, i);
    }
    return list.name != NULL && list.name[k] != NULL ? list.name[k] : dnn__number_text(i);
}

/* A parameter is in one group, once. */
static dnn_status check_once(const dnn__optim *optim, dnn_tensor_list list)
{
    dnn__pointer_map map = {0};
    dnn_status st = dnn__pointer_map_new(optim->type.name, optim->n + list.n, &map);

    for (int64_t i = 0; st == DNN_OK && i < optim->n; i++) {
        dnn__pointer_map_add(&map, optim->parameter[i].tensor, i);
    }
    for (int64_t i = 0; st == DNN_OK && i < list.n; i++) {
        const dnn_tensor *p = list.item[i];
        int64_t first = dnn__pointer_map_add(&map, p, optim->n + i);

        if (first >= 0) {
            st = dnn__fail(DNN_E_INVALID, "%s: parameter %s %s is parameter %s again",
                           optim->type.name, name_with(optim, list, optim->n + i),
                           dnn__shape_text(p->ndim, p->dim), name_with(optim, list, first));
        }
    }
    dnn__pointer_map_free(&map);
    return st;
}

/* Makes the arrays of `more` with room for another group of n parameters, and copies those of
 * `optim`. */
static dnn_status grow_arrays(const dnn__optim *optim, int64_t n, dnn__optim *more)
{
    size_t all = (size_t)(optim->n + n), states = (size_t)optim->type.n_states,
           settings = (size_t)optim->type.n_settings * sizeof(double);

    more->parameter = dnn__calloc(all, sizeof *more->parameter);
    more->state = dnn__calloc(all, states * sizeof *more->state);
    more->setting = dnn__calloc((size_t)optim->n_groups + 1, settings);
    more->text = dnn__calloc((size_t)optim->n_groups + 1, sizeof *more->text);
    if (more->parameter == NULL || more->state == NULL || more->setting == NULL ||
        more->text == NULL) {
        return dnn__nomem(optim->type.name,
                          all * (sizeof *more->parameter + states * sizeof *more->state));
    }
    if (optim->n > 0) {
        memcpy(more->parameter, optim->parameter, (size_t)optim->n * sizeof *more->parameter);
        memcpy(more->state, optim->state, (size_t)optim->n * states * sizeof *more->state);
        memcpy(more->setting, optim->setting, (size_t)optim->n_groups * settings);
        memcpy(more->text, optim->text, (size_t)optim->n_groups * sizeof *more->text);
    }
    return DNN_OK;
}

/* Copies the names of a list into one text. *out is NULL if they have none. */
static dnn_status copy_names(const dnn__optim *optim, dnn_tensor_list list, char **out)
{
    size_t bytes = 0;
    char *at;

    *out = NULL;
    for (int64_t i = 0; list.name != NULL && i < list.n; i++) {
        bytes += list.name[i] != NULL ? strlen(list.name[i]) + 1 : 0;
    }
    if (bytes == 0) {
        return DNN_OK;
    }
    *out = at = dnn__alloc(bytes);
    if (at == NULL) {
        return dnn__nomem(optim->type.name, bytes);
    }
    for (int64_t i = 0; i < list.n; i++) {
        if (list.name[i] != NULL) {
            size_t length = strlen(list.name[i]) + 1;

            memcpy(at, list.name[i], length);
            at += length;
        }
    }
    return DNN_OK;
}

static void free_arrays(const dnn__optim *optim)
{
    dnn__free(optim->parameter);
    dnn__free(optim->state);
    dnn__free(optim->setting);
    dnn__free(optim->text);
}

/* Adds a group with these settings, which were checked. A failure changes nothing. */
static dnn_status add_group(dnn__optim *optim, dnn_tensor_list list, const double *setting)
{
    dnn__optim more = *optim;
    const char *name;
    dnn_status st = DNN_OK;

    DNN_TRY(check_list(optim, list));
    DNN_TRY(check_once(optim, list));
    DNN_TRY_TO(st, failed, grow_arrays(optim, list.n, &more));
    DNN_TRY_TO(st, failed, copy_names(optim, list, &more.text[optim->n_groups]));
    name = more.text[optim->n_groups];
    for (int64_t i = 0; i < list.n; i++) {
        bool named = list.name != NULL && list.name[i] != NULL;

        more.parameter[more.n++] = (dnn__optim_parameter){.tensor = dnn_retain(list.item[i]),
                                                          .name = named ? name : NULL,
                                                          .group = optim->n_groups};
        if (named) {
            name += strlen(name) + 1;
        }
    }
    memcpy(more.setting + optim->n_groups * optim->type.n_settings, setting,
           (size_t)optim->type.n_settings * sizeof *setting);
    more.n_groups++;
    free_arrays(optim);
    *optim = more;
    return DNN_OK;
failed:
    free_arrays(&more);
    return st;
}

/* ---- making and freeing ---- */

static void destroy(dnn_object *object)
{
    dnn_optimizer *optimizer = (dnn_optimizer *)(void *)object;
    dnn__optim *optim = optimizer->dnn_optim;
    size_t bytes = optim->type.bytes;

    if (optim->type.free != NULL) {
        optim->type.free(optimizer);
    }
    for (int64_t i = 0; i < optim->n * optim->type.n_states; i++) {
        dnn_release(optim->state[i]);
    }
    for (int64_t i = 0; i < optim->n; i++) {
        dnn_release(optim->parameter[i].tensor);
    }
    for (int64_t g = 0; g < optim->n_groups; g++) {
        dnn__free(optim->text[g]);
    }
    free_arrays(optim);
    dnn__free(optim->made);
    dnn__free(optim->copy);
    dnn__free(optim);
    dnn__object_free(optimizer, bytes);
}

/* Writes the defaults where the caller gives no values. */
static dnn_status first_settings(const dnn_optimizer_type *type, const double *given, double *out)
{
    for (int64_t k = 0; k < type->n_settings; k++) {
        if (given == NULL && type->setting[k].required) {
            return dnn__fail(DNN_E_INVALID, "%s: %s is required", type->name,
                             type->setting[k].name);
        }
        out[k] = given != NULL ? given[k] : type->setting[k].value;
    }
    return dnn__optim_check(type, out);
}

static dnn_status make(dnn__optim *optim, const dnn_optimizer_type *type,
                       dnn_tensor_list parameters, const double *value, dnn_optimizer **out)
{
    static const dnn__kind kind = {.name = "optimizer", .destroy = destroy};
    double setting[DNN__OPTIM_MOST];
    dnn_optimizer *made;

    DNN_TRY(dnn__optim_adopt_type(type, &optim->type));
    DNN_TRY(first_settings(&optim->type, value, setting));
    DNN_TRY(check_list(optim, parameters));
    made = dnn__object_zeroed(&kind, optim->type.bytes, optim->type.name);
    if (made == NULL) {
        return dnn__take();
    }
    made->dnn_optim = optim;
    *out = made;
    return add_group(optim, parameters, setting);
}

dnn_optimizer *dnn_optim_new(const dnn_optimizer_type *type, dnn_tensor_list parameters,
                             const double *value)
{
    dnn_optimizer *made = NULL;
    dnn__optim *optim;
    dnn_status st;

    if (!dnn__ready("dnn_optim_new", type)) {
        return NULL;
    }
    optim = dnn__calloc(1, sizeof *optim);
    if (optim == NULL) {
        return dnn__null(dnn__nomem("dnn_optim_new", sizeof *optim));
    }
    st = make(optim, type, parameters, value, &made);
    if (st == DNN_OK) {
        return made;
    }
    if (made != NULL) {
        dnn_release(made);
    } else {
        dnn__free(optim);
    }
    return dnn__null(st);
}

dnn_status dnn_optim_add_group(dnn_optimizer *optimizer, dnn_tensor_list parameters, int64_t *group)
{
    double setting[DNN__OPTIM_MOST];
    dnn__optim *optim;

    DNN_TRY(dnn__require(optimizer, "dnn_optim_add_group", "optimizer"));
    optim = optimizer->dnn_optim;
    if (optim->stepping) {
        return dnn__fail(DNN_E_INVALID, "dnn_optim_add_group: the %s optimizer is in a step",
                         optim->type.name);
    }
    memcpy(setting, optim->setting, (size_t)optim->type.n_settings * sizeof *setting);
    DNN_TRY(add_group(optim, parameters, setting));
    if (group != NULL) {
        *group = optim->n_groups - 1;
    }
    return DNN_OK;
}

/* ---- zero_grad and step ---- */

dnn_status dnn_zero_grad(dnn_optimizer *optimizer)
{
    DNN_TRY(dnn__require(optimizer, "dnn_zero_grad", "optimizer"));
    for (int64_t i = 0; i < optimizer->dnn_optim->n; i++) {
        dnn_tensor *p = optimizer->dnn_optim->parameter[i].tensor;

        if (p->leaf != NULL) { /* NULL: it requires no gradient any more */
            DNN_TRY(dnn_set_grad(p, NULL));
        }
    }
    return DNN_OK;
}

static bool fits(const dnn_tensor *p, const dnn_tensor *t)
{
    return t->dtype == p->dtype && dnn__device_of(t) == dnn__device_of(p) && t->ndim == p->ndim &&
           memcmp(t->dim, p->dim, (size_t)p->ndim * sizeof(p->dim[0])) == 0;
}

static dnn_status does_not_fit(const dnn__optim *optim, int64_t i, const char *what,
                               const dnn_tensor *t, const char *advice)
{
    const dnn_tensor *p = optim->parameter[i].tensor;

    return dnn__fail(DNN_E_INVALID, "%s: parameter %s is %s %s on %s, its %s %s %s on %s%s",
                     optim->type.name, dnn__optim_name_text(optim, i), dnn_dtype_name(p->dtype),
                     dnn__shape_text(p->ndim, p->dim), dnn_device_of(p), what,
                     dnn_dtype_name(t->dtype), dnn__shape_text(t->ndim, t->dim), dnn_device_of(t),
                     advice);
}

static dnn_status check_states(const dnn__optim *optim, int64_t i)
{
    for (int64_t k = 0; k < optim->type.n_states; k++) {
        const dnn_tensor *t = dnn__optim_state(optim, i, k);

        if (t != NULL && !fits(optim->parameter[i].tensor, t)) {
            return does_not_fit(optim, i, optim->type.state[k], t, ": create a new optimizer");
        }
    }
    return DNN_OK;
}

/* Marks the parameters that have a gradient, and checks those: module_to moves parameters and
 * gradients, but not states. */
static dnn_status mark_active(dnn__optim *optim)
{
    bool any = false;

    for (int64_t i = 0; i < optim->n; i++) {
        const dnn_tensor *p = optim->parameter[i].tensor;
        bool active = p->leaf != NULL && p->leaf->grad != NULL;

        optim->parameter[i].active = active;
        any = any || active;
        if (active && !fits(p, p->leaf->grad)) {
            return does_not_fit(optim, i, "gradient", p->leaf->grad, "");
        }
        if (active) {
            DNN_TRY(check_states(optim, i));
        }
    }
    if (!any && !optim->warned) {
        optim->warned = true;
        dnn__log(DNN_LOG_WARN,
                 "%s: no gradient: backward has not reached any of its %s parameters (first: %s)",
                 optim->type.name, dnn__number_text(optim->n), dnn__optim_name_text(optim, 0));
    }
    return DNN_OK;
}

static dnn_status call_step(dnn_optimizer *optimizer)
{
    dnn__optim *optim = optimizer->dnn_optim;
    DNN_SCOPE();
    DNN_NO_GRAD();
    bool before;
    dnn_status st = dnn__take(); /* of a scope that could not be opened */

    if (st == DNN_OK) {
        before = dnn__callback_begin();
        st = dnn__callback_end(before, optim->type.step(optimizer), "step", optim->type.name);
    }
    return dnn__optim_end_step(optim, st);
}

dnn_status dnn_step(dnn_optimizer *optimizer)
{
    dnn__optim *optim;
    dnn_status st;

    DNN_TRY(dnn__require(optimizer, "dnn_step", "optimizer"));
    optim = optimizer->dnn_optim;
    if (optim->stepping) {
        return dnn__fail(DNN_E_INVALID, "dnn_step: the %s optimizer is in a step",
                         optim->type.name);
    }
    DNN_TRY(mark_active(optim));
    optim->stepping = true;
    st = call_step(optimizer);
    optim->stepping = false;
    if (st == DNN_OK) {
        for (int64_t i = 0; i < optim->n; i++) {
            optim->parameter[i].steps += optim->parameter[i].active;
        }
        optim->steps++;
    }
    return st;
}

int64_t dnn_optim_steps(const dnn_optimizer *optimizer)
{
    return dnn__usable(optimizer) ? optimizer->dnn_optim->steps : 0;
}

int64_t dnn_optim_parameter_steps(const dnn_optimizer *optimizer, int64_t i)
{
    return dnn__usable(optimizer) && i >= 0 && i < optimizer->dnn_optim->n
               ? optimizer->dnn_optim->parameter[i].steps
               : 0;
}
