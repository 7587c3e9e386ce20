/* checkpoint_optim.c - restores an optimizer of any kind from a checkpoint: its settings, groups,
 * states and counts of steps. */
#include <string.h>
#include "checkpoint_optim.h"
#include "safetensors_file.h"

/* ---- numbers ---- */

dnn_status dnn__checkpoint_numbers(dnn_file *file, const char *name, dnn_dtype dtype, int ndim,
                                   const int64_t *dim, void *out)
{
    const char *path = dnn__file_path(file);
    dnn_file_entry_info info;
    int64_t at = dnn__file_find(file, name);
    dnn_tensor *t;

    if (at < 0 || !dnn_file_entry(file, at, &info)) {
        return dnn__fail(DNN_E_INVALID, "%s: it has no %.200s", path, name);
    }
    if (info.dtype != dtype || info.shape.ndim != ndim ||
        memcmp(info.shape.dim, dim, (size_t)ndim * sizeof *dim) != 0) {
        return dnn__fail(DNN_E_INVALID, "%s: %.200s is %s %s, not %s %s", path, name,
                         info.dtype_name, dnn__shape_text((int)info.shape.ndim, info.shape.dim),
                         dnn_dtype_name(dtype), dnn__shape_text(ndim, dim));
    }
    t = dnn_file_tensor(file, name);
    if (t == NULL) {
        return dnn__take();
    }
    if (info.bytes > 0) {
        memcpy(out, t->storage->data, info.bytes);
    }
    return DNN_OK;
}

dnn_status dnn__checkpoint_damaged(const dnn_file *file, const char *name, const char *what,
                                   int64_t number)
{
    return dnn__fail(DNN_E_FORMAT, "%s: %.200s: %s is %s", dnn__file_path(file), name, what,
                     dnn__number_text(number));
}

/* ---- preparing ---- */

static dnn_status read_settings(dnn_file *file, const char *optimizer, dnn__optim_load *to)
{
    const dnn__optim *optim = to->optim;
    int64_t shape[2] = {optim->n_groups, optim->type.n_settings}, one = 1;
    char name[DNN__CHECKPOINT_NAME];
    dnn_status st = DNN_OK;

    dnn__optim_name(name, optimizer, "hyper", NULL);
    DNN_TRY(dnn__checkpoint_numbers(file, name, DNN_T_F64, 2, shape, to->setting));
    for (int64_t g = 0; g < shape[0] && st == DNN_OK; g++) {
        st = dnn__optim_check(&optim->type, to->setting + g * shape[1]);
    }
    if (st != DNN_OK) {
        return dnn__fail(DNN_E_FORMAT, "%s: %s: %s", dnn__file_path(file), name,
                         dnn__message_text());
    }
    dnn__optim_name(name, optimizer, "steps", NULL);
    DNN_TRY(dnn__checkpoint_numbers(file, name, DNN_T_I64, 1, &one, &to->steps));
    return to->steps >= 0 ? DNN_OK
                          : dnn__checkpoint_damaged(file, name, "the number of steps", to->steps);
}

/* The steps of a parameter; its group must be that of the file. */
static dnn_status read_step(dnn_file *file, const char *optimizer, const char *parameter, int64_t i,
                            dnn__optim_load *to)
{
    const int64_t two = 2, group = to->optim->parameter[i].group;
    int64_t step[2];
    char name[DNN__CHECKPOINT_NAME];

    dnn__optim_name(name, optimizer, "step", parameter);
    DNN_TRY(dnn__checkpoint_numbers(file, name, DNN_T_I64, 1, &two, step));
    if (step[0] < 0 || step[0] > to->steps) {
        return dnn__checkpoint_damaged(file, name, "the number of steps of a parameter", step[0]);
    }
    if (step[1] != group) {
        return dnn__fail(DNN_E_INVALID, "%s: %.200s: the group is %s in the file, %s here",
                         dnn__file_path(file), name, dnn__number_text(step[1]),
                         dnn__number_text(group));
    }
    to->step[i] = step[0];
    return DNN_OK;
}

/* Sets *out to NULL if the file has no such state. */
static dnn_status read_state(dnn_file *file, const char *name, const dnn_tensor *parameter,
                             dnn_tensor **out)
{
    int64_t at = dnn__file_find(file, name);
    dnn_file_entry_info info;
    dnn_tensor *t;

    if (at < 0) {
        return DNN_OK;
    }
    if (!dnn_file_entry(file, at, &info) || info.dtype != parameter->dtype ||
        info.shape.ndim != parameter->ndim ||
        memcmp(info.shape.dim, parameter->dim, (size_t)parameter->ndim * sizeof(int64_t)) != 0) {
        return dnn__fail(
            DNN_E_INVALID, "%s: %.200s is %s %s, its parameter %s %s", dnn__file_path(file), name,
            info.dtype_name, dnn__shape_text((int)info.shape.ndim, info.shape.dim),
            dnn_dtype_name(parameter->dtype), dnn__shape_text(parameter->ndim, parameter->dim));
    }
    t = dnn_to(dnn_file_tensor(file, name), .device = dnn_device_of(parameter));
    if (t == NULL) {
        return dnn__take();
    }
    *out = dnn_retain(t);
    return DNN_OK;
}

static dnn_status read_parameter(dnn_file *file, const char *optimizer, const char *parameter,
                                 int64_t i, dnn__optim_load *to)
{
    const dnn_optimizer_type *type = &to->optim->type;
    char name[DNN__CHECKPOINT_NAME];

    DNN_TRY(read_step(file, optimizer, parameter, i, to));
    for (int64_t k = 0; k < type->n_states; k++) {
        dnn__optim_name(name, optimizer, type->state[k], parameter);
        DNN_TRY(read_state(file, name, to->optim->parameter[i].tensor,
                           &to->state[i * type->n_states + k]));
    }
    return DNN_OK;
}

/* The file has no parameter of the optimizer that the run's has not. */
static dnn_status check_count(const dnn_file *file, const char *optimizer, int64_t n)
{
    char prefix[DNN__CHECKPOINT_NAME];
    dnn_file_entry_info info;
    int64_t there = 0;

    dnn__optim_name(prefix, optimizer, "step", "");
    for (int64_t i = 0; dnn_file_entry(file, i, &info); i++) {
        there += strncmp(info.name, prefix, strlen(prefix)) == 0;
    }
    return there == n ? DNN_OK
                      : dnn__fail(DNN_E_INVALID,
                                  "%s: optimizer \"%s\" has %s parameters in the file, %s here",
                                  dnn__file_path(file), optimizer, dnn__number_text(there),
                                  dnn__number_text(n));
}

static dnn_status make_room(const char *path, dnn__optim_load *out)
{
    const dnn__optim *optim = out->optim;
    size_t n = (size_t)optim->n, states = n * (size_t)optim->type.n_states,
           settings = (size_t)(optim->n_groups * optim->type.n_settings);

    out->setting = dnn__calloc(settings, sizeof *out->setting);
    out->step = dnn__calloc(n, sizeof *out->step);
    out->state = dnn__calloc(states, sizeof *out->state);
    if (out->setting == NULL || out->step == NULL || out->state == NULL) {
        return dnn__nomem(path, settings * sizeof *out->setting + n * sizeof *out->step +
                                    states * sizeof *out->state);
    }
    return DNN_OK;
}

dnn_status dnn__optim_load_prepare(dnn_file *file, const dnn__run_names *names,
                                   const dnn__run_item *item, dnn__optim_load *out)
{
    dnn__optim *optim = ((const dnn_optimizer *)item->at)->dnn_optim;

    out->optim = optim;
    DNN_TRY(make_room(dnn__file_path(file), out));
    DNN_TRY(read_settings(file, item->name, out));
    for (int64_t i = 0; i < optim->n; i++) {
        const char *parameter = dnn__run_name(names, optim->parameter[i].tensor);

        if (parameter == NULL) {
            return dnn__run_no_name(dnn__file_path(file), item, i);
        }
        DNN_TRY(read_parameter(file, item->name, parameter, i, out));
    }
    return check_count(file, item->name, optim->n);
}

/* ---- committing ---- */

void dnn__optim_load_commit(dnn__optim_load *load)
{
    dnn__optim *optim = load->optim;
    const int64_t states = optim->type.n_states;

    memcpy(optim->setting, load->setting,
           (size_t)(optim->n_groups * optim->type.n_settings) * sizeof *load->setting);
    optim->steps = load->steps;
    for (int64_t i = 0; i < optim->n; i++) {
        optim->parameter[i].steps = load->step[i];
        for (int64_t k = 0; k < states; k++) {
            dnn__optim_set_state(optim, i, k, load->state[i * states + k]);
            load->state[i * states + k] = NULL;
        }
    }
}

void dnn__optim_load_free(dnn__optim_load *load)
{
    for (int64_t i = 0; load->state != NULL && i < load->optim->n * load->optim->type.n_states;
         i++) {
        dnn_release(load->state[i]);
    }
    dnn__free(load->state);
    dnn__free(load->step);
    dnn__free(load->setting);
}
