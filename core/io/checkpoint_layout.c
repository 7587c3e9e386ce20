/* checkpoint_layout.c - the rules that saving and loading a checkpoint share: the names of the
 * tensors, the texts of the metadata, the version, and the checks of the run and of the file. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "checkpoint_layout.h"
#include "safetensors_file.h"
#include "loader.h"
#include "op.h"
#include "optim_impl.h"

/* ---- checks ---- */

dnn_status dnn__run_check(const dnn_run *run, const char *function)
{
    DNN_TRY(dnn__require(run, function, "run"));
    DNN_TRY(dnn__require(run->module, function, "run->module"));
    DNN_TRY(dnn__check_alive_list(function, "run->optimizer", run->optimizer, DNN_RUN_MAX));
    DNN_TRY(dnn__check_alive_list(function, "run->loader", run->loader, DNN_RUN_MAX));
    if (run->n_numbers < 0 || (run->number == NULL && run->n_numbers > 0) || run->n_metadata < 0 ||
        (run->metadata == NULL && run->n_metadata > 0)) {
        return dnn__fail(
            DNN_E_INVALID, "%s: %s numbers and %s texts: a list is missing or a count is negative",
            function, dnn__number_text(run->n_numbers), dnn__number_text(run->n_metadata));
    }
    return DNN_OK;
}

dnn_status dnn__checkpoint_check(const dnn_file *file)
{
    const char *path = dnn__file_path(file), *version = dnn__file_text(file, "dnn.checkpoint");
    uint32_t crc;

    if (version == NULL) {
        return dnn__fail(DNN_E_FORMAT,
                         "%s: it is not a checkpoint: its metadata has no dnn.checkpoint (weights "
                         "alone are loaded by dnn_load_weights)",
                         path);
    }
    if (strcmp(version, DNN__CHECKPOINT_VERSION) != 0) {
        return dnn__fail(DNN_E_FORMAT,
                         "%s: a checkpoint of version %.20s; this libdnn reads version %s", path,
                         version, DNN__CHECKPOINT_VERSION);
    }
    if (!dnn__file_header_crc(file, &crc) || dnn__file_text(file, "dnn.crc32c") == NULL) {
        return dnn__fail(DNN_E_FORMAT, "%s: a checkpoint without its checksums: it is damaged",
                         path);
    }
    return DNN_OK;
}

/* ---- texts ---- */

/* Prints a JSON tree and frees it. Returns NULL if memory ran out, here or while the tree was built
 * (bad != 0). */
static char *print_and_free(json_t *json, int bad)
{
    char *text = bad ? NULL : json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

    json_decref(json);
    return text;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

/* {"fields":["lr",...],"groups":[2,1],"kind":"sgd"}; groups: the number of parameters of each */
static int put_optimizer(json_t *one, const dnn__optim *optim)
{
    json_t *fields = json_array(), *groups = json_array();
    int bad = 0;

    for (int64_t i = 0; i < optim->type.n_settings; i++) {
        bad |= json_array_append_new(fields, json_string(optim->type.setting[i].name));
    }
    for (int64_t i = 0, g = 0, n = 0; i < optim->n; i++) {
        n++;
        if (i + 1 == optim->n || optim->parameter[i + 1].group != g) {
            bad |= json_array_append_new(groups, json_integer(n));
            n = 0;
            g++;
        }
    }
    bad |= json_object_set_new(one, "fields", fields);
    bad |= json_object_set_new(one, "groups", groups);
    return bad | json_object_set_new(one, "kind", json_string(optim->type.name));
}

/* A list of them. */
char *dnn__run_optim_text(const dnn_run *run)
{
    json_t *all = json_array();
    int bad = 0;

    for (int o = 0; o < DNN_RUN_MAX && run->optimizer[o] != NULL; o++) {
        json_t *one = json_object();

        bad |= put_optimizer(one, run->optimizer[o]->dnn_optim);
        bad |= json_array_append_new(all, one);
    }
    return print_and_free(all, bad);
}

/* [{"count":60000,"name":"mnist","sha256":"..."},...] */
char *dnn__run_dataset_text(const dnn_run *run)
{
    json_t *all = json_array();
    int bad = 0;

    for (int l = 0; l < DNN_RUN_MAX && run->loader[l] != NULL; l++) {
        const dnn_dataset *set = dnn__loader_dataset(run->loader[l]);
        json_t *one = json_object();

        bad |= json_object_set_new(one, "count", json_integer(dnn_dataset_size(set)));
        bad |= json_object_set_new(one, "name", text_or_null(dnn_dataset_name(set)));
        bad |= json_object_set_new(one, "sha256", text_or_null(dnn_dataset_digest(set)));
        bad |= json_array_append_new(all, one);
    }
    return print_and_free(all, bad);
}

/* [{"id":"cpu_blas","version":"1.0"},...] */
char *dnn__run_backend_text(void)
{
    json_t *all = json_array();
    dnn_backend_info info;
    int bad = 0;

    for (int i = 0; dnn_backend_at(i, &info); i++) {
        if (info.reason == NULL && !info.reader && info.id != NULL) {
            json_t *one = json_object();

            bad |= json_object_set_new(one, "id", json_string(info.id));
            bad |= json_object_set_new(one, "version", text_or_null(info.version));
            bad |= json_array_append_new(all, one);
        }
    }
    return print_and_free(all, bad);
}

/* ---- names ---- */

const char *dnn__run_name(const dnn__named_list *names, const dnn_tensor *parameter)
{
    for (int64_t i = 0; i < names->n; i++) {
        if (names->item[i].tensor == parameter) {
            return names->item[i].name;
        }
    }
    return NULL;
}

dnn_status dnn__run_no_name(const char *path, const dnn__optim *optim, int optimizer, int64_t i)
{
    const dnn_tensor *p = optim->parameter[i].tensor;

    return dnn__fail(DNN_E_INVALID,
                     "%s: parameter %s of optimizer %d (%s) is not in the module; its shape is %s",
                     path, dnn__optim_name_text(optim, i), optimizer, optim->type.name,
                     dnn__shape_text(p->ndim, p->dim));
}

void dnn__optim_name(char *text, int optimizer, const char *slot, const char *parameter)
{
    snprintf(text, DNN__CHECKPOINT_NAME, "dnn.optim.%d.%s%s%s", optimizer, slot,
             parameter != NULL ? "." : "", parameter != NULL ? parameter : "");
}
