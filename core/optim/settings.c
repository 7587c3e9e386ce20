/* settings.c - the settings of parameter groups: bounds, dnn_optim_set, dnn_optim_get. The type of
 * a kind has the table of settings; the base has a row of values for each group. */
#include <string.h>
#include "optim_impl.h"

/* ---- checks ---- */

static bool in_bounds(const dnn_optim_setting *s, double value)
{
    if (s->flag) {
        return value == 0 || value == 1;
    }
    return __builtin_isfinite(value) && value >= s->low &&
           (s->high == 0 || (s->below ? value < s->high : value <= s->high));
}

/* "sgd: lr is -1, it must be a finite number >= 0" */
static dnn_status out_of_bounds(const char *kind, const dnn_optim_setting *s, double value)
{
    char text[160];
    dnn__text bounds = dnn__text_to(text, sizeof text);

    if (s->flag) {
        dnn__put(&bounds, "0 or 1");
    } else {
        bool has_low = __builtin_isfinite(s->low);

        dnn__put(&bounds, "a finite number");
        if (has_low) {
            dnn__put(&bounds, " >= %s", dnn__float_text(s->low));
        }
        if (s->high != 0) {
            dnn__put(&bounds, "%s %s %s", has_low ? " and" : "",
                     s->below ? "<" : "<=", dnn__float_text(s->high));
        }
    }
    return dnn__fail(DNN_E_INVALID, "%s: %s is %s, it must be %s", kind, s->name,
                     dnn__float_text(value), text);
}

dnn_status dnn__optim_check(const dnn_optimizer_type *type, const double *value)
{
    bool before;

    for (int64_t k = 0; k < type->n_settings; k++) {
        if (!in_bounds(&type->setting[k], value[k])) {
            return out_of_bounds(type->name, &type->setting[k], value[k]);
        }
    }
    if (type->check == NULL) {
        return DNN_OK;
    }
    before = dnn__callback_begin();
    return dnn__callback_end(before, type->check(value), "check", type->name);
}

/* ---- look-up ---- */

static dnn_status no_such_setting(const dnn_optimizer_type *type, const char *call,
                                  const char *name)
{
    char text[600];
    dnn__text names = dnn__text_to(text, sizeof text);

    for (int64_t k = 0; k < type->n_settings; k++) {
        dnn__put(&names, "%s%s", k > 0 ? ", " : "", type->setting[k].name);
    }
    return dnn__fail(DNN_E_INVALID, "%s: %s has no setting \"%.64s\"; it has %s", call, type->name,
                     name, type->n_settings > 0 ? text : "none");
}

static dnn_status find_setting(const dnn__optim *optim, const char *call, const char *name,
                               int64_t *out)
{
    if (name == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: name is NULL", call);
    }
    for (int64_t k = 0; k < optim->type.n_settings; k++) {
        if (strcmp(optim->type.setting[k].name, name) == 0) {
            *out = k;
            return DNN_OK;
        }
    }
    return no_such_setting(&optim->type, call, name);
}

static dnn_status check_group(const dnn__optim *optim, const char *call, int64_t group)
{
    if (group < 0 || group >= optim->n_groups) {
        return dnn__fail(DNN_E_INVALID, "%s: group %lld, the %s optimizer has %lld (from 0)", call,
                         (long long)group, optim->type.name, (long long)optim->n_groups);
    }
    return DNN_OK;
}

/* ---- calls ---- */

/* Checks the settings of a group with one of them changed. */
static dnn_status check_change(const dnn__optim *optim, int64_t group, int64_t k, double value)
{
    double changed[DNN__OPTIM_MOST];

    memcpy(changed, dnn__optim_settings(optim, group),
           (size_t)optim->type.n_settings * sizeof *changed);
    changed[k] = value;
    return dnn__optim_check(&optim->type, changed);
}

dnn_status dnn_optim_set(dnn_optimizer *optimizer, int64_t group, const char *name, double value)
{
    dnn__optim *optim;
    int64_t k = 0, first = group, last = group;

    DNN_TRY(dnn__require(optimizer, "dnn_optim_set", "optimizer"));
    optim = optimizer->dnn_optim;
    if (group == DNN_ALL_GROUPS) {
        first = 0;
        last = optim->n_groups - 1;
    }
    DNN_TRY(check_group(optim, "dnn_optim_set", first));
    DNN_TRY(find_setting(optim, "dnn_optim_set", name, &k));
    for (int64_t g = first; g <= last; g++) {
        DNN_TRY(check_change(optim, g, k, value));
    }
    for (int64_t g = first; g <= last; g++) {
        optim->setting[g * optim->type.n_settings + k] = value;
    }
    return DNN_OK;
}

static dnn_status get(const dnn__optim *optim, int64_t group, const char *name, double *out)
{
    int64_t k = 0;

    if (group == DNN_ALL_GROUPS) {
        return dnn__fail(DNN_E_INVALID, "dnn_optim_get: DNN_ALL_GROUPS is not one group");
    }
    DNN_TRY(check_group(optim, "dnn_optim_get", group));
    DNN_TRY(find_setting(optim, "dnn_optim_get", name, &k));
    *out = dnn__optim_settings(optim, group)[k];
    return DNN_OK;
}

double dnn_optim_get(const dnn_optimizer *optimizer, int64_t group, const char *name)
{
    double value = __builtin_nan("");

    if (dnn__ready("dnn_optim_get", optimizer)) {
        dnn__ok(get(optimizer->dnn_optim, group, name, &value));
    }
    return value;
}

int64_t dnn_optim_group_count(const dnn_optimizer *optimizer)
{
    return dnn__usable(optimizer) ? optimizer->dnn_optim->n_groups : 0;
}

int64_t dnn_optim_group_of(const dnn_optimizer *optimizer, int64_t i)
{
    return dnn__usable(optimizer) && i >= 0 && i < optimizer->dnn_optim->n
               ? optimizer->dnn_optim->parameter[i].group
               : 0;
}
