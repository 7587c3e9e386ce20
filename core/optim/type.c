/* type.c - checks the type of a kind of optimizer, which the program brings. optimizer.c calls it
 * when it makes an optimizer. */
#include <string.h>
#include "abi_struct.h"
#include "optim_impl.h"

enum { NAME_BYTES = 64 };

/* Names are parts of the names of tensors in a checkpoint. */
static bool valid_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    size_t length = name != NULL ? strnlen(name, NAME_BYTES) : 0;

    return length > 0 && length < NAME_BYTES && strspn(name, letters) == length;
}

static dnn_status bad_name(const char *kind, const char *what, int64_t i, const char *name)
{
    return dnn__fail(DNN_E_INVALID,
                     "%s: the name of %s %lld is %s%.64s, must be 1 to 63 of "
                     "[A-Za-z0-9_]",
                     kind, what, (long long)i, name != NULL ? "" : "NULL",
                     name != NULL ? name : "");
}

static dnn_status twice(const char *kind, const char *what, int64_t k, int64_t i, const char *name)
{
    return dnn__fail(DNN_E_INVALID, "%s: %s %lld and %lld are both called %s", kind, what,
                     (long long)k, (long long)i, name);
}

static dnn_status check_bounds(const char *kind, const dnn_optim_setting *s)
{
    bool bounded = s->high != 0 || s->flag;
    double low = s->flag ? 0 : s->low, high = s->flag ? 1 : s->high;

    /* The comparisons are false for NaN. */
    if (!(low < __builtin_huge_val()) || (bounded && !(low <= high))) {
        return dnn__fail(DNN_E_INVALID, "%s: the bounds of %s are %s and %s", kind, s->name,
                         dnn__float_text(low), dnn__float_text(high));
    }
    return DNN_OK;
}

static dnn_status check_settings(const dnn_optimizer_type *type)
{
    for (int64_t i = 0; i < type->n_settings; i++) {
        const char *name = type->setting[i].name;

        if (!valid_name(name)) {
            return bad_name(type->name, "setting", i, name);
        }
        for (int64_t k = 0; k < i; k++) {
            if (strcmp(type->setting[k].name, name) == 0) {
                return twice(type->name, "settings", k, i, name);
            }
        }
        DNN_TRY(check_bounds(type->name, &type->setting[i]));
    }
    return DNN_OK;
}

static dnn_status check_states(const dnn_optimizer_type *type)
{
    for (int64_t i = 0; i < type->n_states; i++) {
        const char *name = type->state[i];

        if (!valid_name(name)) {
            return bad_name(type->name, "state", i, name);
        }
        if (strcmp(name, "step") == 0 || strcmp(name, "hyper") == 0) {
            return dnn__fail(DNN_E_INVALID, "%s: a state cannot be called %s%s", type->name, name,
                             name[0] == 's' ? ", which the base counts" : "");
        }
        for (int64_t k = 0; k < i; k++) {
            if (strcmp(type->state[k], name) == 0) {
                return twice(type->name, "states", k, i, name);
            }
        }
    }
    return DNN_OK;
}

static dnn_status check_members(const dnn_optimizer_type *type)
{
    if (!valid_name(type->name)) {
        return bad_name("dnn_optim_new", "type", 0, type->name);
    }
    if (type->bytes < sizeof(dnn_optimizer)) {
        return dnn__fail(DNN_E_INVALID, "%s: bytes is %zu, a dnn_optimizer alone has %zu",
                         type->name, type->bytes, sizeof(dnn_optimizer));
    }
    if (type->step == NULL) {
        return dnn__fail(DNN_E_INVALID, "%s: step is NULL", type->name);
    }
    if (type->n_settings < 0 || type->n_settings > DNN__OPTIM_MOST || type->n_states < 0 ||
        type->n_states > DNN__OPTIM_MOST) {
        return dnn__fail(DNN_E_INVALID, "%s: %s settings and %s states, must be 0 to %d",
                         type->name, dnn__number_text(type->n_settings),
                         dnn__number_text(type->n_states), DNN__OPTIM_MOST);
    }
    if ((type->setting == NULL && type->n_settings > 0) ||
        (type->state == NULL && type->n_states > 0)) {
        return dnn__fail(DNN_E_INVALID, "%s: the table of %s is NULL", type->name,
                         type->setting == NULL && type->n_settings > 0 ? "settings" : "states");
    }
    return DNN_OK;
}

dnn_status dnn__optim_adopt_type(const dnn_optimizer_type *type, dnn_optimizer_type *out)
{
    /* The members of libdnn 1.0: a shorter struct cannot be one. */
    size_t least = offsetof(dnn_optimizer_type, free) + sizeof(type->free);

    if (type->size < least || type->size > DNN__SIZE_MAX) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_optim_new: type->size is %u, must be sizeof(dnn_optimizer_type): "
                         "%zu here",
                         type->size, sizeof(*type));
    }
    if (!dnn__tail_is_zero(type, type->size, sizeof(*type))) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_optim_new: the type uses members that this version of libdnn does "
                         "not have");
    }
    dnn__adopt(out, sizeof(*out), type, type->size);
    DNN_TRY(check_members(out));
    DNN_TRY(check_settings(out));
    return check_states(out);
}
