/* checkpoint_load.c - loads a saved run. prepare reads and checks everything; commit then changes
 * the run, weights first: only their copy on a device can fail. */
#include <stdlib.h>
#include <string.h>
#include "checkpoint_optim.h"
#include "safetensors_file.h"
#include "loader.h"
#include "call.h"

/* What the file has for an item of the run. */
struct part {
    dnn__optim_load optim;
    dnn__loader_seek seek;
    dnn__rng rng;
    void *number;
};

struct load {
    const dnn_run *run;
    const char *path;
    bool anyway;
    dnn_file *file;
    dnn__run_names names;      /* the tensors of the modules */
    dnn__tensor_source source; /* the file */
    dnn__state_load weights;
    struct part *part; /* [run->n] */
    dnn__rng rng;      /* of the default generator */
};

/* ---- the file and the run name the same ---- */

static bool is_default(dnn__run_kind kind, const char *name, size_t length)
{
    return kind == DNN__RUN_GENERATOR && length == 7 && strncmp(name, "default", 7) == 0;
}

/* The name of the file's tensor is that of an item of the kind, or of its part: is it in the run?
 */
static dnn_status check_entry(const struct load *l, dnn__run_kind kind, const char *full)
{
    const char *name = full + strlen(dnn__item_prefix(kind));
    size_t length = strcspn(name, ".");

    if (is_default(kind, name, length) || dnn__run_find(l->run, kind, name, length) != NULL) {
        return DNN_OK;
    }
    return dnn__fail(DNN_E_INVALID, "%s: %s \"%.*s\" is in the file, not in the run", l->path,
                     dnn__run_word(kind), (int)length, name);
}

static dnn_status check_entries(const struct load *l)
{
    dnn_file_entry_info info;

    for (int64_t i = 0; dnn_file_entry(l->file, i, &info); i++) {
        for (int kind = DNN__RUN_OPTIMIZER; kind < DNN__RUN_KINDS; kind++) {
            const char *prefix = dnn__item_prefix((dnn__run_kind)kind);

            if (strncmp(info.name, prefix, strlen(prefix)) == 0) {
                DNN_TRY(check_entry(l, (dnn__run_kind)kind, info.name));
            }
        }
    }
    return DNN_OK;
}

static dnn_status check_items(const struct load *l)
{
    char name[DNN__CHECKPOINT_NAME];

    for (int64_t i = 0; i < l->run->n; i++) {
        const dnn__run_item *item = &l->run->item[i];

        if (item->kind == DNN__RUN_MODULE) {
            continue;
        }
        if (item->kind == DNN__RUN_OPTIMIZER) {
            dnn__optim_name(name, item->name, "hyper", NULL);
        } else {
            dnn__item_name(name, item->kind, item->name);
        }
        if (dnn__file_find(l->file, name) < 0) {
            return dnn__fail(DNN_E_INVALID, "%s: %s \"%s\" is in the run, not in the file", l->path,
                             dnn__run_word(item->kind), item->name);
        }
    }
    return DNN_OK;
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

static dnn_status prepare_loader(struct load *l, const dnn__run_item *item, dnn__loader_seek *seek)
{
    enum { EPOCH, BATCH, SEED, STREAM, SIZE, BATCH_SIZE, N };
    static const char *const what[N] = {[EPOCH] = "the epoch",
                                        [BATCH] = "the batch",
                                        [SIZE] = "the size of the data set",
                                        [BATCH_SIZE] = "the batch size"}; /* seed, stream: any */
    dnn__loader_state here = dnn__loader_get(item->at);
    const int64_t n = N;
    int64_t v[N];
    char name[DNN__CHECKPOINT_NAME];

    dnn__item_name(name, item->kind, item->name);
    DNN_TRY(dnn__checkpoint_numbers(l->file, name, DNN_T_I64, 1, &n, v));
    for (int k = 0; k < N; k++) {
        if (what[k] != NULL && v[k] < (k == BATCH_SIZE)) {
            return dnn__checkpoint_damaged(l->file, name, what[k], v[k]);
        }
    }
    if (v[SIZE] == here.size && v[BATCH_SIZE] == here.batch_size && v[STREAM] == here.stream &&
        (!l->anyway || (uint64_t)v[SEED] == here.seed)) {
        return dnn__loader_seek_prepare(item->at, l->path, v[EPOCH], v[BATCH], (uint64_t)v[SEED],
                                        seek);
    }
    if (!l->anyway) {
        return v[SIZE] != here.size ? differs(l, name, "size of the data set", v[SIZE], here.size)
               : v[BATCH_SIZE] != here.batch_size
                   ? differs(l, name, "batch size", v[BATCH_SIZE], here.batch_size)
                   : differs(l, name, "stream of the shuffling", v[STREAM], here.stream);
    }
    first_incomplete_epoch(&v[EPOCH], &v[BATCH], v[SIZE] / v[BATCH_SIZE]);
    return dnn__loader_seek_prepare(item->at, l->path, v[EPOCH], v[BATCH], here.seed, seek);
}

/* ---- generators and numbers ---- */

static dnn_status prepare_generator(struct load *l, const char *name, dnn__rng *out)
{
    char full[DNN__CHECKPOINT_NAME];
    const int64_t n = 3;
    int64_t v[3];

    dnn__item_name(full, DNN__RUN_GENERATOR, name);
    DNN_TRY(dnn__checkpoint_numbers(l->file, full, DNN_T_I64, 1, &n, v));
    *out = (dnn__rng){(uint64_t)v[0], (uint64_t)v[1], (uint64_t)v[2]};
    return DNN_OK;
}

static dnn_status prepare_number(struct load *l, const dnn__run_item *item, void **out)
{
    char name[DNN__CHECKPOINT_NAME];

    *out = dnn__calloc((size_t)item->n, dnn__item_size(item->dtype));
    if (*out == NULL) {
        return dnn__nomem(l->path, (size_t)item->n * dnn__item_size(item->dtype));
    }
    dnn__item_name(name, item->kind, item->name);
    return dnn__checkpoint_numbers(l->file, name, item->dtype, 1, &item->n, *out);
}

/* ---- the run ---- */

static dnn_status prepare_item(struct load *l, const dnn__run_item *item, struct part *part)
{
    switch (item->kind) {
    case DNN__RUN_OPTIMIZER:
        return dnn__optim_load_prepare(l->file, &l->names, item, &part->optim);
    case DNN__RUN_LOADER:
        return prepare_loader(l, item, &part->seek);
    case DNN__RUN_GENERATOR:
        return prepare_generator(l, item->name, &part->rng);
    case DNN__RUN_NUMBER:
        return prepare_number(l, item, &part->number);
    case DNN__RUN_MODULE: /* among the weights */
    case DNN__RUN_KINDS:
        break;
    }
    return DNN_OK;
}

static dnn_status prepare_weights(struct load *l)
{
    DNN_TRY(dnn__run_names_make(l->run, l->path, &l->names));
    l->source = dnn__file_source(l->file);
    l->weights = (dnn__state_load){.what = l->path,
                                   .target = l->names.list.item,
                                   .n_targets = l->names.list.n,
                                   .exact = true,
                                   .source = &l->source};
    return dnn__state_load_prepare(&l->weights);
}

static dnn_status prepare(struct load *l)
{
    l->file = dnn_file_open(l->path);
    if (l->file == NULL) {
        return dnn__take();
    }
    DNN_TRY(dnn__checkpoint_check(l->file));
    l->part = dnn__calloc((size_t)l->run->n, sizeof *l->part);
    if (l->part == NULL) {
        return dnn__nomem(l->path, (size_t)l->run->n * sizeof *l->part);
    }
    DNN_TRY(prepare_weights(l));
    DNN_TRY(check_entries(l));
    DNN_TRY(check_items(l));
    DNN_TRY(compare_texts(l, "dnn.optim", dnn__run_optim_text(l->run)));
    for (int64_t i = 0; i < l->run->n; i++) {
        DNN_TRY(prepare_item(l, &l->run->item[i], &l->part[i]));
    }
    DNN_TRY(prepare_generator(l, "default", &l->rng));
    return l->anyway ? DNN_OK : compare_texts(l, "dnn.dataset", dnn__run_dataset_text(l->run));
}

static void commit_item(const dnn__run_item *item, struct part *part)
{
    switch (item->kind) {
    case DNN__RUN_OPTIMIZER:
        dnn__optim_load_commit(&part->optim);
        break;
    case DNN__RUN_LOADER:
        dnn__loader_seek_commit(&part->seek);
        break;
    case DNN__RUN_GENERATOR:
        dnn__rng_restore(item->at, part->rng);
        break;
    case DNN__RUN_NUMBER:
        memcpy(item->at, part->number, (size_t)item->n * dnn__item_size(item->dtype));
        break;
    case DNN__RUN_MODULE:
    case DNN__RUN_KINDS:
        break;
    }
}

static dnn_status commit(struct load *l)
{
    DNN_TRY(dnn__state_load_commit(&l->weights));
    for (int64_t i = 0; i < l->run->n; i++) {
        commit_item(&l->run->item[i], &l->part[i]);
    }
    dnn__rng_restore(NULL, l->rng);
    return DNN_OK;
}

/* The scope of the call owns the file and has released it. */
static void clean_up(struct load *l)
{
    for (int64_t i = 0; l->part != NULL && i < l->run->n; i++) {
        dnn__optim_load_free(&l->part[i].optim);
        dnn__loader_seek_cancel(&l->part[i].seek);
        dnn__free(l->part[i].number);
    }
    dnn__free(l->part);
    dnn__state_load_free(&l->weights);
    dnn__run_names_free(&l->names);
}

dnn_status dnn_load_checkpoint_with(dnn_load_checkpoint_args args)
{
    struct load l = {.run = args.run, .path = args.path, .anyway = args.anyway};
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__require(args.run, "dnn_load_checkpoint", "run"));
    DNN_TRY(dnn__require(args.path, "dnn_load_checkpoint", "path"));
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
