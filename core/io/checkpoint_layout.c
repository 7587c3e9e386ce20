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

static int put_set(json_t *one, const dnn_dataset *set)
{
    int bad = json_object_set_new(one, "count", json_integer(dnn_dataset_size(set)));

    bad |= json_object_set_new(one, "name", text_or_null(dnn_dataset_name(set)));
    return bad | json_object_set_new(one, "sha256", text_or_null(dnn_dataset_digest(set)));
}

/* An object with a member for each item of the kind. */
static char *text_of(const dnn_run *run, dnn__run_kind kind)
{
    json_t *all = json_object();
    int bad = 0;

    for (int64_t i = 0; i < run->n; i++) {
        const dnn__run_item *item = &run->item[i];
        json_t *one;

        if (item->kind != kind) {
            continue;
        }
        one = json_object();
        bad |= kind == DNN__RUN_OPTIMIZER
                   ? put_optimizer(one, ((const dnn_optimizer *)item->at)->dnn_optim)
                   : put_set(one, dnn__loader_dataset(item->at));
        bad |= json_object_set_new(all, item->name, one);
    }
    return print_and_free(all, bad);
}

char *dnn__run_optim_text(const dnn_run *run)
{
    return text_of(run, DNN__RUN_OPTIMIZER);
}

/* {"train":{"count":60000,"name":"mnist","sha256":"..."},...} */
char *dnn__run_dataset_text(const dnn_run *run)
{
    return text_of(run, DNN__RUN_LOADER);
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

dnn_status dnn__run_no_name(const char *path, const dnn__run_item *item, int64_t i)
{
    const dnn__optim *optim = ((const dnn_optimizer *)item->at)->dnn_optim;
    const dnn_tensor *p = optim->parameter[i].tensor;

    return dnn__fail(DNN_E_INVALID,
                     "%s: parameter %s of optimizer \"%s\" (%s) is in no module of the run; its "
                     "shape is %s",
                     path, dnn__optim_name_text(optim, i), item->name, optim->type.name,
                     dnn__shape_text(p->ndim, p->dim));
}

void dnn__optim_name(char *text, const char *optimizer, const char *state, const char *parameter)
{
    snprintf(text, DNN__CHECKPOINT_NAME, "dnn.optim.%s.%s%s%s", optimizer, state,
             parameter != NULL ? "." : "", parameter != NULL ? parameter : "");
}

const char *dnn__item_prefix(dnn__run_kind kind)
{
    static const char *const prefix[DNN__RUN_KINDS] = {[DNN__RUN_OPTIMIZER] = "dnn.optim.",
                                                       [DNN__RUN_LOADER] = "dnn.loader.",
                                                       [DNN__RUN_GENERATOR] = "dnn.rng.",
                                                       [DNN__RUN_NUMBER] = "dnn.number."};

    return prefix[kind];
}

void dnn__item_name(char *text, dnn__run_kind kind, const char *name)
{
    snprintf(text, DNN__CHECKPOINT_NAME, "%s%s", dnn__item_prefix(kind), name);
}
