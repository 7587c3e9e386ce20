/* checkpoint.c - saves a training run as a safetensors file. Weights keep their dotted paths as
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
    dnn__named_list list;  /* the tensors to write */
    dnn__named_list names; /* the tensors of the module */
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

static dnn_status add_state(struct save *s, int o, int64_t i)
{
    const dnn_optimizer *optimizer = s->run->optimizer[o];
    const char *parameter = dnn__run_name(&s->names, optimizer->parameters[i]);
    char name[DNN__CHECKPOINT_NAME];

    if (parameter == NULL) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: parameter %lld of optimizer %d (%s) is not in the module; its shape is %s",
            s->path, (long long)i, o, optimizer->type->name,
            dnn__shape_text(optimizer->parameters[i]->ndim, optimizer->parameters[i]->dim));
    }
    for (int k = 0; optimizer->type->slots[k] != NULL; k++) {
        dnn_tensor *state = optimizer->type->state(optimizer, i, optimizer->type->slots[k]);

        if (state != NULL) {
            dnn__optim_name(name, o, optimizer->type->slots[k], parameter);
            DNN_TRY(dnn__named_add(&s->list, s->path, name, state));
        }
    }
    return DNN_OK;
}

static dnn_status add_steps(struct save *s, int o)
{
    const dnn_optimizer *optimizer = s->run->optimizer[o];
    int64_t *steps = dnn__calloc((size_t)optimizer->n, sizeof *steps);
    char name[DNN__CHECKPOINT_NAME];
    dnn_status st;

    if (steps == NULL) {
        return dnn__nomem(s->path, (size_t)optimizer->n * sizeof *steps);
    }
    for (int64_t i = 0; i < optimizer->n; i++) {
        steps[i] = optimizer->steps;
    }
    dnn__optim_name(name, o, "step", NULL);
    st = add_row(s, name, DNN_T_I64, optimizer->n, steps);
    dnn__free(steps);
    return st;
}

static dnn_status add_optimizer(struct save *s, int o)
{
    const dnn_optimizer *optimizer = s->run->optimizer[o];
    double hyper[DNN__MAX_HYPER] = {0};
    int64_t shape[2] = {1, 0};
    char name[DNN__CHECKPOINT_NAME];

    while (optimizer->type->hyper[shape[1]] != NULL) {
        shape[1]++;
    }
    optimizer->type->get_hyper(optimizer, hyper);
    dnn__optim_name(name, o, "hyper", NULL);
    DNN_TRY(add_numbers(s, name, DNN_T_F64, 2, shape, hyper));
    DNN_TRY(add_steps(s, o));
    for (int64_t i = 0; i < optimizer->n; i++) {
        DNN_TRY(add_state(s, o, i));
    }
    return DNN_OK;
}

static dnn_status add_loader(struct save *s, int l)
{
    dnn__loader_state at = dnn__loader_get(s->run->loader[l]);
    int64_t value[6] = {at.epoch, at.batch, (int64_t)at.seed, at.stream, at.size, at.batch_size};
    char name[40];

    snprintf(name, sizeof name, "dnn.loader.%d", l);
    return add_row(s, name, DNN_T_I64, 6, value);
}

static dnn_status add_train(struct save *s)
{
    const dnn_run *run = s->run;
    dnn__rng rng = dnn__rng_state(NULL);
    int64_t generator[3] = {(int64_t)rng.seed, (int64_t)rng.stream, (int64_t)rng.offset};
    int64_t train[3] = {run->step, run->epoch, run->best_step};

    DNN_TRY(add_row(s, "dnn.rng.default", DNN_T_I64, 3, generator));
    DNN_TRY(add_row(s, "dnn.train", DNN_T_I64, 3, train));
    DNN_TRY(add_row(s, "dnn.train.best", DNN_T_F64, 1, &run->best));
    return run->n_numbers > 0
               ? add_row(s, "dnn.train.numbers", DNN_T_F64, run->n_numbers, run->number)
               : DNN_OK;
}

static dnn_status add_all(struct save *s)
{
    DNN_TRY(dnn__named_add_weights(&s->names, s->path, s->run->module));
    DNN_TRY(dnn__named_add_weights(&s->list, s->path, s->run->module));
    for (int o = 0; o < DNN_RUN_MAX && s->run->optimizer[o] != NULL; o++) {
        DNN_TRY(add_optimizer(s, o));
    }
    for (int l = 0; l < DNN_RUN_MAX && s->run->loader[l] != NULL; l++) {
        DNN_TRY(add_loader(s, l));
    }
    return add_train(s);
}

/* ---- metadata ---- */

static dnn_status write_file(struct save *s, char *const *json, bool keep)
{
    enum { OURS = 7 }; /* texts of libdnn, which come before those of the program */
    const dnn_run *run = s->run;
    size_t n = OURS + (size_t)run->n_metadata;
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
    if (run->n_metadata > 0) {
        memcpy(meta + OURS, run->metadata, (size_t)run->n_metadata * sizeof *meta);
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
    dnn__named_free(&s.names);
    return st;
}

/* ---- calls ---- */

dnn_status dnn_write_checkpoint(const dnn_run *run, const char *path)
{
    DNN_TRY(dnn__run_check(run, "dnn_write_checkpoint"));
    DNN_TRY(dnn__require(path, "dnn_write_checkpoint", "path"));
    return write_run(run, path, false);
}

dnn_status dnn_save_checkpoint(const dnn_run *run, const char *folder)
{
    char name[64], *path;
    size_t bytes;
    dnn_status st;

    DNN_TRY(dnn__run_check(run, "dnn_save_checkpoint"));
    DNN_TRY(dnn__require(folder, "dnn_save_checkpoint", "folder"));
    if (run->step < 0) {
        return dnn__fail(DNN_E_INVALID, "dnn_save_checkpoint: step is %s, must be 0 or more",
                         dnn__number_text(run->step));
    }
    dnn__checkpoint_name(name, sizeof name, run->step);
    bytes = strlen(folder) + strlen(name) + 2;
    path = dnn__alloc(bytes);
    if (path == NULL) {
        return dnn__nomem(folder, bytes);
    }
    snprintf(path, bytes, "%s/%s", folder, name);
    st = write_run(run, path, true);
    dnn__free(path);
    if (st == DNN_OK) {
        dnn__checkpoint_prune(folder, run->step);
    }
    return st;
}
