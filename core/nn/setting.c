/* setting.c - the settings of a module: the table of its type gives each a name, a kind and a place
 * in the module's struct. dnn_module_setting reads one; core/inspect prints them. */
#include <math.h>
#include <string.h>
#include "nn_impl.h"

/* Returns the index-th setting of the module's type; NULL past the last. */
static const dnn_setting *setting_at(const dnn_module *module, int64_t index)
{
    const dnn_setting *at = DNN__TYPE(module, settings);

    for (int64_t i = 0; at != NULL && at->name != NULL; at++, i++) {
        if (i == index) {
            return at;
        }
    }
    return NULL;
}

static double read_setting(const dnn_module *module, const dnn_setting *setting)
{
    const char *at = (const char *)module + setting->offset;

    switch (setting->kind) {
    case DNN_SETTING_INT:
        return *(const int *)(const void *)at;
    case DNN_SETTING_I64:
        return (double)*(const int64_t *)(const void *)at;
    case DNN_SETTING_F64:
        return *(const double *)(const void *)at;
    case DNN_SETTING_BOOL:
        return *(const bool *)at;
    }
    return NAN; /* dnn_module_new refuses other kinds */
}

static size_t kind_bytes(dnn_setting_kind kind)
{
    switch (kind) {
    case DNN_SETTING_INT:
        return sizeof(int);
    case DNN_SETTING_I64:
        return sizeof(int64_t);
    case DNN_SETTING_F64:
        return sizeof(double);
    case DNN_SETTING_BOOL:
        return sizeof(bool);
    }
    return 0;
}

dnn_status dnn__check_settings(const dnn_module_type *type)
{
    const dnn_setting *s = DNN_FITS(type, settings) ? type->settings : NULL;

    for (; s != NULL && s->name != NULL; s++) {
        size_t bytes = kind_bytes(s->kind);

        if (bytes == 0 || s->offset > type->bytes || type->bytes - s->offset < bytes) {
            return dnn__fail(
                DNN_E_INVALID,
                "dnn_module_new: %s: the setting \"%.64s\" has kind %d and offset %zu, the "
                "struct %zu bytes (DNN_SETTING makes one)",
                type->name, s->name, (int)s->kind, s->offset, type->bytes);
        }
    }
    return DNN_OK;
}

static dnn_status no_setting(const dnn_module *module, const char *name)
{
    char names[512];
    dnn__text text = dnn__text_to(names, sizeof names);
    const dnn_setting *s;

    for (int64_t i = 0; (s = setting_at(module, i)) != NULL; i++) {
        dnn__put(&text, "%s%s", i > 0 ? ", " : "", s->name);
    }
    return dnn__fail(DNN_E_INVALID, "dnn_module_setting: %s has no setting \"%.64s\"; it has %s",
                     module->dnn_type->name, name, text.length > 0 ? names : "none");
}

double dnn_module_setting(const dnn_module *module, const char *name)
{
    const dnn_setting *s;

    if (!dnn__ready("dnn_module_setting", module) || !dnn__ready("dnn_module_setting", name)) {
        return NAN;
    }
    for (int64_t i = 0; (s = setting_at(module, i)) != NULL; i++) {
        if (strcmp(s->name, name) == 0) {
            return read_setting(module, s);
        }
    }
    dnn__null(no_setting(module, name));
    return NAN;
}

bool dnn_module_setting_at(const dnn_module *module, int64_t index, const char **name,
                           double *value)
{
    const dnn_setting *s = dnn__usable(module) ? setting_at(module, index) : NULL;

    if (s == NULL || name == NULL || value == NULL) {
        return false;
    }
    *name = s->name;
    *value = read_setting(module, s);
    return true;
}

void dnn__put_settings(dnn__text *text, const dnn_module *module)
{
    const dnn_setting *s;

    for (int64_t i = 0; (s = setting_at(module, i)) != NULL; i++) {
        double value = read_setting(module, s);

        dnn__put(text, "%s%s=", i > 0 ? ", " : "", s->name);
        if (s->kind == DNN_SETTING_BOOL) {
            dnn__put(text, "%s", value != 0 ? "True" : "False");
        } else if (s->kind == DNN_SETTING_F64) {
            dnn__put_float(text, value);
        } else {
            dnn__put(text, "%lld", (long long)value);
        }
    }
}
