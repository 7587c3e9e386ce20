/* checkpoint.c - saves a training run as a safetensors file. Weights have their dotted paths as
 * names; the names of all other tensors begin with "dnn.". dnn/io.h describes the layout.
 * checkpoint_layout.c has the rules that loading uses too; checkpoint_folder.c removes old
 * checkpoints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "checkpoint_folder.h"
#include "checkpoint_layout.h"
#include "safetensors_write.h"
#include "loader.h"
#include "call.h"
#include "optim_impl.h"

/* ---- tensors ---- */

struct save {
    const dnn_run *run;
    const char *path;
    dnn__named_list list; /* the tensors to write */
    dnn__run_names names; /* the tensors of the modules */
};

/* Adds numbers as a tensor, not as text: a load restores every bit. */
static dnn_status add_numbers(struct save *s, const char *name, dnn_dtype dtype, int ndim,
                              const int64_t *dim, const void *value)
{
    dnn_tensor *t;

    DNN_TRY(dnn__thread_register());
    t = dnn__tensor_new(s->path, dtype, ndim, dim, dnn__cpu());
    if (t == NULL) {
        return dnn__take();
    }
    if (dnn__numel(t) > 0) {
        memcpy(t->storage->data, value, (size_t)dnn__numel(t) * dnn__item_size(dtype));
    }
    return dnn__named_add(&s->list, s->path, name, t);
}

static dnn_status add_row(struct save *s, const char *name, dnn_dtype dtype, int64_t n,
                          const void *value)
{
    return add_numbers(s, name, dtype, 1, &n, value);
}

/* Steps and group of a parameter, and its states. */
static dnn_status add_parameter(struct save *s, const dnn__run_item *item, int64_t i)
{
    const dnn__optim *optim = ((const dnn_optimizer *)item->at)->dnn_optim;
    const char *parameter = dnn__run_name(&s->names, optim->parameter[i].tensor);
    const int64_t step[2] = {optim->parameter[i].steps, optim->parameter[i].group};
    char name[DNN__CHECKPOINT_NAME];

    if (parameter == NULL) {
        return dnn__run_no_name(s->path, item, i);
    }
    dnn__optim_name(name, item->name, "step", parameter);
    DNN_TRY(add_row(s, name, DNN_T_I64, 2, step));
    for (int64_t k = 0; k < optim->type.n_states; k++) {
        dnn_tensor *state = dnn__optim_state(optim, i, k);

        if (state != NULL) {
            dnn__optim_name(name, item->name, optim->type.state[k], parameter);
            DNN_TRY(dnn__named_add(&s->list, s->path, name, state));
        }
    }
    return DNN_OK;
}

static dnn_status add_optimizer(struct save *s, const dnn__run_item *item)
{
    const dnn__optim *optim = ((const dnn_optimizer *)item->at)->dnn_optim;
    int64_t shape[2] = {optim->n_groups, optim->type.n_settings};
    char name[DNN__CHECKPOINT_NAME];

    dnn__optim_name(name, item->name, "hyper", NULL);
    DNN_TRY(add_numbers(s, name, DNN_T_F64, 2, shape, optim->setting));
    dnn__optim_name(name, item->name, "steps", NULL);
    DNN_TRY(add_row(s, name, DNN_T_I64, 1, &optim->steps));
    for (int64_t i = 0; i < optim->n; i++) {
        DNN_TRY(add_parameter(s, item, i));
    }
    return DNN_OK;
}

static dnn_status add_loader(struct save *s, const dnn__run_item *item)
{
    dnn__loader_state at = dnn__loader_get(item->at);
    int64_t value[6] = {at.epoch, at.batch, (int64_t)at.seed, at.stream, at.size, at.batch_size};
    char name[DNN__CHECKPOINT_NAME];

    dnn__item_name(name, DNN__RUN_LOADER, item->name);
    return add_row(s, name, DNN_T_I64, 6, value);
}

/* NULL: the default generator. */
static dnn_status add_generator(struct save *s, const char *name, const dnn_generator *generator)
{
    dnn__rng rng = dnn__rng_state(generator);
    int64_t value[3] = {(int64_t)rng.seed, (int64_t)rng.stream, (int64_t)rng.offset};
    char full[DNN__CHECKPOINT_NAME];

    dnn__item_name(full, DNN__RUN_GENERATOR, name);
    return add_row(s, full, DNN_T_I64, 3, value);
}

static dnn_status add_number(struct save *s, const dnn__run_item *item)
{
    char name[DNN__CHECKPOINT_NAME];

    dnn__item_name(name, DNN__RUN_NUMBER, item->name);
    return add_row(s, name, item->dtype, item->n, item->at);
}

static dnn_status add_item(struct save *s, const dnn__run_item *item)
{
    switch (item->kind) {
    case DNN__RUN_OPTIMIZER:
        return add_optimizer(s, item);
    case DNN__RUN_LOADER:
        return add_loader(s, item);
    case DNN__RUN_GENERATOR:
        return add_generator(s, item->name, item->at);
    case DNN__RUN_NUMBER:
        return add_number(s, item);
    case DNN__RUN_MODULE: /* among the names */
    case DNN__RUN_KINDS:
        break;
    }
    return DNN_OK;
}

static dnn_status add_all(struct save *s)
{
    DNN_TRY(dnn__run_names_make(s->run, s->path, &s->names));
    for (int64_t i = 0; i < s->names.list.n; i++) {
        const dnn_named_tensor *t = &s->names.list.item[i];

        DNN_TRY(dnn__named_add(&s->list, s->path, t->name, t->tensor));
    }
    for (int64_t i = 0; i < s->run->n; i++) {
        DNN_TRY(add_item(s, &s->run->item[i]));
    }
    return add_generator(s, "default", NULL);
}

/* ---- metadata ---- */

static dnn_status write_file(struct save *s, char *const *json, bool keep)
{
    enum { OURS = 7 }; /* texts of libdnn, which come before those of the program */
    const dnn_run *run = s->run;
    size_t n = OURS + (size_t)run->n_texts;
    dnn_named_text *meta = dnn__calloc(n, sizeof *meta);
    char seed[24];
    dnn_status st;

    if (meta == NULL || json[0] == NULL || json[1] == NULL || json[2] == NULL) {
        dnn__free(meta);
        return dnn__nomem(s->path, n * sizeof *meta);
    }
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)dnn_get_seed());
    meta[0] = (dnn_named_text){"format", "pt"};
    meta[1] = (dnn_named_text){"dnn.checkpoint", DNN__CHECKPOINT_VERSION};
    meta[2] = (dnn_named_text){"dnn.library", dnn_version()};
    meta[3] = (dnn_named_text){"dnn.seed", seed};
    meta[4] = (dnn_named_text){"dnn.optim", json[0]};
    meta[5] = (dnn_named_text){"dnn.dataset", json[1]};
    meta[6] = (dnn_named_text){"dnn.backend", json[2]};
    if (run->n_texts > 0) {
        memcpy(meta + OURS, run->text, (size_t)run->n_texts * sizeof *meta);
    }
    st = dnn__save_with_checksums(s->path, s->list.item, s->list.n, meta, (int64_t)n, keep);
    dnn__free(meta);
    return st;
}

static dnn_status write_with_texts(struct save *s, bool keep)
{
    char *json[3] = {dnn__run_optim_text(s->run), dnn__run_dataset_text(s->run),
                     dnn__run_backend_text()};
    dnn_status st = write_file(s, json, keep);

    for (int i = 0; i < 3; i++) {
        free(json[i]); /* jansson allocates them with malloc */
    }
    return st;
}

static dnn_status write_run(const dnn_run *run, const char *path, bool keep)
{
    struct save s = {.run = run, .path = path};
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        st = add_all(&s);
        if (st == DNN_OK) {
            st = write_with_texts(&s, keep);
        }
    }
    dnn__named_free(&s.list);
    dnn__run_names_free(&s.names);
    return st;
}

/* ---- calls ---- */

dnn_status dnn_write_checkpoint(dnn_run *run, const char *path)
{
    DNN_TRY(dnn__require(run, "dnn_write_checkpoint", "run"));
    DNN_TRY(dnn__require(path, "dnn_write_checkpoint", "path"));
    return write_run(run, path, false);
}

dnn_status dnn_save_checkpoint(dnn_run *run, const char *folder, int64_t step)
{
    char name[64], *path;
    size_t bytes;
    dnn_status st;

    DNN_TRY(dnn__require(run, "dnn_save_checkpoint", "run"));
    DNN_TRY(dnn__require(folder, "dnn_save_checkpoint", "folder"));
    if (step < 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_save_checkpoint: step is %s, must be 0 or more",
                         dnn__number_text(step));
    }
    dnn__checkpoint_name(name, sizeof name, step);
    bytes = strlen(folder) + strlen(name) + 2;
    path = dnn__alloc(bytes);
    if (path == NULL) {
        return dnn__nomem(folder, bytes);
    }
    snprintf(path, bytes, "%s/%s", folder, name);
    st = write_run(run, path, true);
    dnn__free(path);
    if (st == DNN_OK) {
        dnn__checkpoint_prune(folder, step);
    }
    return st;
}
