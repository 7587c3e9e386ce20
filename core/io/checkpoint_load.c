/* checkpoint_load.c - loads a saved run. prepare reads and checks everything; commit then changes
 * the run, weights first: only their copy on a device can fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "checkpoint_layout.h"
#include "safetensors_file.h"
#include "loader.h"
#include "call.h"
#include "optim_impl.h"

struct optimizer_state {
    double hyper[DNN__MAX_HYPER];
    int64_t steps;
    int n_slots;
    dnn_tensor **state; /* [parameters * n_slots] references; NULL: the file has no such state */
};

struct load {
    dnn_run *run;
    const char *path;
    dnn_file *file;
    dnn_load_args args;
    dnn__weights weights;
    dnn__named_list names; /* the tensors of the module */
    struct optimizer_state optimizer[DNN_RUN_MAX];
    dnn__loader_seek seek[DNN_RUN_MAX];
    dnn__rng rng;
    int64_t train[3];
    double best, *number;
};

/* ---- the file ---- */

/* Reads the numbers of a tensor that must have this dtype and shape. */
static dnn_status read_numbers(struct load *l, const char *name, dnn_dtype dtype, int ndim,
                               const int64_t *dim, void *out)
{
    dnn_file_entry_info info;
    int64_t at = dnn__file_find(l->file, name);
    dnn_tensor *t;

    if (at < 0 || !dnn_file_entry(l->file, at, &info)) {
        return dnn__fail(DNN_E_INVALID, "%s: it has no %s", l->path, name);
    }
    if (info.dtype != dtype || info.shape.ndim != ndim ||
        memcmp(info.shape.dim, dim, (size_t)ndim * sizeof *dim) != 0) {
        return dnn__fail(DNN_E_INVALID, "%s: %s is %s %s, not %s %s", l->path, name,
                         info.dtype_name, dnn__shape_text((int)info.shape.ndim, info.shape.dim),
                         dnn_dtype_name(dtype), dnn__shape_text(ndim, dim));
    }
    t = dnn_file_tensor(l->file, name);
    if (t == NULL) {
        return dnn__take();
    }
    if (info.bytes > 0) {
        memcpy(out, t->storage->data, info.bytes);
    }
    return DNN_OK;
}

static dnn_status read_row(struct load *l, const char *name, dnn_dtype dtype, int64_t n, void *out)
{
    return read_numbers(l, name, dtype, 1, &n, out);
}

static dnn_status damaged(const struct load *l, const char *name, const char *what, int64_t number)
{
    return dnn__fail(DNN_E_FORMAT, "%s: %s: %s is %s", l->path, name, what,
                     dnn__number_text(number));
}

/* Compares a metadata text of the file with the text of the run, and frees the latter. */
static dnn_status compare_texts(const struct load *l, const char *key, char *here)
{
    const char *there = dnn__file_text(l->file, key);
    dnn_status st = DNN_OK;

    if (here == NULL) {
        return dnn__nomem(l->path, 1024);
    }
    if (there == NULL || strcmp(there, here) != 0) {
        st = dnn__fail(DNN_E_INVALID, "%s: %s is %.300s in the file, %.300s here", l->path, key,
                       there != NULL ? there : "missing", here);
    }
    free(here); /* jansson allocates it with malloc */
    return st;
}

/* ---- optimizers ---- */

static dnn_status read_hyper(struct load *l, int o)
{
    const dnn__optimizer_type *type = l->run->optimizer[o]->type;
    struct optimizer_state *to = &l->optimizer[o];
    int64_t shape[2] = {1, 0};
    char name[DNN__CHECKPOINT_NAME];
    dnn_status st;

    while (type->hyper[shape[1]] != NULL) {
        shape[1]++;
    }
    dnn__optim_name(name, o, "hyper", NULL);
    DNN_TRY(read_numbers(l, name, DNN_T_F64, 2, shape, to->hyper));
    st = type->check_hyper(to->hyper);
    return st == DNN_OK ? DNN_OK
                        : dnn__fail(DNN_E_FORMAT, "%s: %s: %s", l->path, name, dnn__message_text());
}

static dnn_status read_steps(struct load *l, int o)
{
    int64_t n = l->run->optimizer[o]->n, *steps = dnn__calloc((size_t)n, sizeof *steps);
    char name[DNN__CHECKPOINT_NAME];
    dnn_status st;

    if (steps == NULL) {
        return dnn__nomem(l->path, (size_t)n * sizeof *steps);
    }
    dnn__optim_name(name, o, "step", NULL);
    st = read_row(l, name, DNN_T_I64, n, steps);
    for (int64_t i = 0; i < n && st == DNN_OK; i++) {
        if (steps[i] < 0 || steps[i] != steps[0]) {
            st = damaged(l, name, "the number of steps of a parameter", steps[i]);
        }
    }
    l->optimizer[o].steps = steps[0];
    dnn__free(steps);
    return st;
}

/* Sets *out to NULL if the file has no such state. */
static dnn_status read_slot(struct load *l, const char *name, const dnn_tensor *parameter,
                            dnn_tensor **out)
{
    int64_t at = dnn__file_find(l->file, name);
    dnn_file_entry_info info;
    dnn_tensor *t;

    if (at < 0) {
        return DNN_OK;
    }
    if (!dnn_file_entry(l->file, at, &info) || info.dtype != parameter->dtype ||
        info.shape.ndim != parameter->ndim ||
        memcmp(info.shape.dim, parameter->dim, (size_t)parameter->ndim * sizeof(int64_t)) != 0) {
        return dnn__fail(DNN_E_INVALID, "%s: %.200s is %s %s, its parameter %s %s", l->path, name,
                         info.dtype_name, dnn__shape_text((int)info.shape.ndim, info.shape.dim),
                         dnn_dtype_name(parameter->dtype),
                         dnn__shape_text(parameter->ndim, parameter->dim));
    }
    t = dnn_to(dnn_file_tensor(l->file, name), .device = dnn_device_of(parameter));
    if (t == NULL) {
        return dnn__take();
    }
    *out = dnn_retain(t);
    return DNN_OK;
}

static dnn_status read_state(struct load *l, int o, int64_t i)
{
    const dnn_optimizer *optimizer = l->run->optimizer[o];
    struct optimizer_state *to = &l->optimizer[o];
    const char *parameter = dnn__run_name(&l->names, optimizer->parameters[i]);
    char name[DNN__CHECKPOINT_NAME];

    if (parameter == NULL) {
        return dnn__fail(
            DNN_E_INVALID,
            "%s: parameter %lld of optimizer %d (%s) is not in the module; its shape is %s",
            l->path, (long long)i, o, optimizer->type->name,
            dnn__shape_text(optimizer->parameters[i]->ndim, optimizer->parameters[i]->dim));
    }
    for (int k = 0; k < to->n_slots; k++) {
        dnn__optim_name(name, o, optimizer->type->slots[k], parameter);
        DNN_TRY(read_slot(l, name, optimizer->parameters[i], &to->state[i * to->n_slots + k]));
    }
    return DNN_OK;
}

static dnn_status prepare_optimizer(struct load *l, int o)
{
    const dnn_optimizer *optimizer = l->run->optimizer[o];
    struct optimizer_state *to = &l->optimizer[o];

    while (optimizer->type->slots[to->n_slots] != NULL) {
        to->n_slots++;
    }
    to->state = dnn__calloc((size_t)optimizer->n, (size_t)to->n_slots * sizeof *to->state);
    if (to->state == NULL) {
        return dnn__nomem(l->path, (size_t)optimizer->n * sizeof *to->state);
    }
    DNN_TRY(read_hyper(l, o));
    DNN_TRY(read_steps(l, o));
    for (int64_t i = 0; i < optimizer->n; i++) {
        DNN_TRY(read_state(l, o, i));
    }
    return DNN_OK;
}

static void commit_optimizer(struct load *l, int o)
{
    dnn_optimizer *optimizer = l->run->optimizer[o];
    struct optimizer_state *from = &l->optimizer[o];

    optimizer->type->set_hyper(optimizer, from->hyper);
    optimizer->steps = from->steps;
    for (int64_t i = 0; i < optimizer->n; i++) {
        for (int k = 0; k < from->n_slots; k++) {
            dnn_tensor **state = &from->state[i * from->n_slots + k];

            optimizer->type->set_state(optimizer, i, k, *state);
            *state = NULL;
        }
    }
}

/* ---- loaders ---- */

static dnn_status differs(const struct load *l, const char *name, const char *what, int64_t there,
                          int64_t here)
{
    return dnn__fail(DNN_E_INVALID, "%s: %s: the %s is %s in the file, %s here", l->path, name,
                     what, dnn__number_text(there), dnn__number_text(here));
}

/* If data set or batch size differ, a batch of the file has no counterpart in the loader: it
 * continues at the beginning of the first epoch that is not complete. */
static void first_incomplete_epoch(int64_t *epoch, int64_t *batch, int64_t batches)
{
    *epoch += *batch >= batches;
    *batch = 0;
}

static dnn_status prepare_loader(struct load *l, int i)
{
    enum { EPOCH, BATCH, SEED, STREAM, SIZE, BATCH_SIZE, N };
    static const char *const what[N] = {[EPOCH] = "the epoch",
                                        [BATCH] = "the batch",
                                        [SIZE] = "the size of the data set",
                                        [BATCH_SIZE] = "the batch size"}; /* seed, stream: any */
    dnn__loader_state here = dnn__loader_get(l->run->loader[i]);
    int64_t v[N];
    char name[40];

    snprintf(name, sizeof name, "dnn.loader.%d", i);
    DNN_TRY(read_row(l, name, DNN_T_I64, N, v));
    for (int k = 0; k < N; k++) {
        if (what[k] != NULL && v[k] < (k == BATCH_SIZE)) {
            return damaged(l, name, what[k], v[k]);
        }
    }
    if (v[SIZE] == here.size && v[BATCH_SIZE] == here.batch_size && v[STREAM] == here.stream &&
        (!l->run->anyway || (uint64_t)v[SEED] == here.seed)) {
        return dnn__loader_seek_prepare(l->run->loader[i], l->path, v[EPOCH], v[BATCH],
                                        (uint64_t)v[SEED], &l->seek[i]);
    }
    if (!l->run->anyway) {
        return v[SIZE] != here.size ? differs(l, name, "size of the data set", v[SIZE], here.size)
               : v[BATCH_SIZE] != here.batch_size
                   ? differs(l, name, "batch size", v[BATCH_SIZE], here.batch_size)
                   : differs(l, name, "stream of the shuffling", v[STREAM], here.stream);
    }
    first_incomplete_epoch(&v[EPOCH], &v[BATCH], v[SIZE] / v[BATCH_SIZE]);
    return dnn__loader_seek_prepare(l->run->loader[i], l->path, v[EPOCH], v[BATCH], here.seed,
                                    &l->seek[i]);
}

static dnn_status prepare_loaders(struct load *l)
{
    for (int i = 0; i < DNN_RUN_MAX && l->run->loader[i] != NULL; i++) {
        DNN_TRY(prepare_loader(l, i));
    }
    return l->run->anyway ? DNN_OK : compare_texts(l, "dnn.dataset", dnn__run_dataset_text(l->run));
}

/* ---- the rest ---- */

static dnn_status prepare_train(struct load *l)
{
    int64_t generator[3], n = l->run->n_numbers;

    DNN_TRY(read_row(l, "dnn.rng.default", DNN_T_I64, 3, generator));
    DNN_TRY(read_row(l, "dnn.train", DNN_T_I64, 3, l->train));
    DNN_TRY(read_row(l, "dnn.train.best", DNN_T_F64, 1, &l->best));
    l->rng = (dnn__rng){(uint64_t)generator[0], (uint64_t)generator[1], (uint64_t)generator[2]};
    for (int i = 0; i < 3; i++) {
        static const char *const what[3] = {"the step", "the epoch", "the best step"};

        if (l->train[i] < 0) {
            return damaged(l, "dnn.train", what[i], l->train[i]);
        }
    }
    if (n == 0) {
        return DNN_OK;
    }
    l->number = dnn__calloc((size_t)n, sizeof *l->number);
    if (l->number == NULL) {
        return dnn__nomem(l->path, (size_t)n * sizeof *l->number);
    }
    return read_row(l, "dnn.train.numbers", DNN_T_F64, n, l->number);
}

static dnn_status prepare(struct load *l)
{
    l->file = dnn_file_open(l->path);
    if (l->file == NULL) {
        return dnn__take();
    }
    DNN_TRY(dnn__checkpoint_check(l->file));
    DNN_TRY(dnn__named_add_weights(&l->names, l->path, l->run->module));
    l->args = (dnn_load_args){.module = l->run->module, .path = l->path};
    l->weights = (dnn__weights){.args = &l->args, .file = l->file, .exact = true};
    DNN_TRY(dnn__weights_prepare(&l->weights));
    DNN_TRY(compare_texts(l, "dnn.optim", dnn__run_optim_text(l->run)));
    for (int o = 0; o < DNN_RUN_MAX && l->run->optimizer[o] != NULL; o++) {
        DNN_TRY(prepare_optimizer(l, o));
    }
    DNN_TRY(prepare_train(l));
    return prepare_loaders(l);
}

static dnn_status commit(struct load *l)
{
    dnn_run *run = l->run;

    DNN_TRY(dnn__weights_commit(&l->weights));
    for (int o = 0; o < DNN_RUN_MAX && run->optimizer[o] != NULL; o++) {
        commit_optimizer(l, o);
    }
    for (int i = 0; i < DNN_RUN_MAX && run->loader[i] != NULL; i++) {
        dnn__loader_seek_commit(&l->seek[i]);
    }
    dnn__rng_restore(NULL, l->rng);
    run->step = l->train[0];
    run->epoch = l->train[1];
    run->best_step = l->train[2];
    run->best = l->best;
    if (run->n_numbers > 0) {
        memcpy(run->number, l->number, (size_t)run->n_numbers * sizeof *run->number);
    }
    return DNN_OK;
}

/* The scope of the call owns the file and has released it. */
static void clean_up(struct load *l)
{
    for (int o = 0; o < DNN_RUN_MAX; o++) {
        const struct optimizer_state *s = &l->optimizer[o];
        int64_t n = s->state != NULL ? l->run->optimizer[o]->n * s->n_slots : 0;

        for (int64_t i = 0; i < n; i++) {
            dnn_release(s->state[i]);
        }
        dnn__free(s->state);
        dnn__loader_seek_cancel(&l->seek[o]);
    }
    dnn__weights_free(&l->weights);
    dnn__named_free(&l->names);
    dnn__free(l->number);
}

dnn_status dnn_load_checkpoint(dnn_run *run, const char *path)
{
    struct load l = {.run = run, .path = path};
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__run_check(run, "dnn_load_checkpoint"));
    DNN_TRY(dnn__require(path, "dnn_load_checkpoint", "path"));
    {
        DNN_SCOPE();
        DNN_NO_GRAD();
        st = prepare(&l);
        if (st == DNN_OK) {
            st = commit(&l);
        }
    }
    clean_up(&l);
    return st;
}
