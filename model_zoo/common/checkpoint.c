/* checkpoint.c - saves and loads the state of a run: weights, optimizer, loader, metrics, and
 * metadata about the program. */
#include <stdlib.h>
#include <string.h>
#include "checkpoint.h"
#include "exit_codes.h"
#include "saved_options.h"

/* ---- metadata ---- */

enum { N_TEXTS = 6 };

static json_t *list_of(const double *number, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n && number != NULL; i++) {
        json_array_append_new(list, json_real(number[i]));
    }
    return list;
}

static json_t *args_json(const zoo_run *r)
{
    json_t *args = zoo_saved_options(&r->options);

    json_object_set_new(args, "dataset", json_string(r->data.name));
    return args;
}

/* The arguments of Normalize. */
static json_t *input_json(const zoo_run *r)
{
    json_t *input = json_object();

    json_object_set_new(input, "mean", list_of(r->program->mean, r->program->channels));
    json_object_set_new(input, "std", list_of(r->program->std, r->program->channels));
    return input;
}

static json_t *classes_json(const zoo_run *r)
{
    const char *const *label = dnn_dataset_labels(r->data.train);
    json_t *list = json_array();

    for (; label != NULL && *label != NULL; label++) {
        json_array_append_new(list, json_string(*label));
    }
    return list;
}

static json_t *metrics_json(const zoo_run *r)
{
    json_t *best = json_object();

    zoo_event_number(best, "accuracy", r->best.val.accuracy);
    zoo_event_count(best, "epoch", r->best.epoch);
    zoo_event_number(best, "loss", r->best.val.loss);
    return json_pack("{s:o}", "best", best);
}

/* Makes the metadata: sorted keys, values that free_texts frees. */
static void make_texts(const zoo_run *r, dnn_named_text *text)
{
    static const char *const keys[N_TEXTS] = {"dnn.args",    "dnn.classes", "dnn.input",
                                              "dnn.metrics", "dnn.model",   "dnn.program"};
    json_t *json[N_TEXTS] = {args_json(r),
                             classes_json(r),
                             input_json(r),
                             metrics_json(r),
                             json_pack("{s:s}", "builder", r->program->name),
                             NULL};

    for (int i = 0; i < N_TEXTS; i++) {
        text[i].key = keys[i];
        text[i].value =
            json[i] != NULL ? zoo_json_text(json[i], JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(json[i]);
    }
    text[N_TEXTS - 1].value = strdup(r->program->name);
}

static void free_texts(dnn_named_text *text)
{
    for (int i = 0; i < N_TEXTS; i++) {
        free((char *)(size_t)text[i].value);
    }
}

/* ---- the state ---- */

static dnn_run run_of(zoo_run *r)
{
    return (dnn_run){.module = r->net,
                     .optimizer = {r->optimizer},
                     .loader = {r->train},
                     .step = r->now.step,
                     .epoch = r->epochs_done,
                     .best_step = r->best.step,
                     .best = r->best.val.accuracy,
                     .number = r->number,
                     .n_numbers = ZOO_NUMBERS,
                     .anyway = r->options.resume_anyway};
}

static void pack_metrics(zoo_run *r)
{
    const double number[ZOO_NUMBERS] = {r->now.train.loss,         r->now.train.accuracy,
                                        (double)r->now.train.seen, (double)r->best.epoch,
                                        r->best.val.loss,          r->best.val.accuracy};

    memcpy(r->number, number, sizeof number);
}

static void unpack_metrics(zoo_run *r)
{
    r->now.train = (zoo_result){r->number[0], r->number[1], (int64_t)r->number[2]};
    r->best.epoch = (int64_t)r->number[3];
    r->best.val = (zoo_result){r->number[4], r->number[5], 0};
}

/* ---- saving and loading ---- */

/* Writes the checkpoint and stores its path. */
static dnn_status write_run(zoo_run *r, bool best, char *path, size_t bytes)
{
    dnn_named_text text[N_TEXTS];
    dnn_run run = run_of(r);
    const char *folder = r->options.log_dir;
    dnn_status st;

    pack_metrics(r);
    make_texts(r, text);
    run.metadata = text;
    run.n_metadata = N_TEXTS;
    if (best) {
        snprintf(path, bytes, "%s/best.safetensors", folder);
        st = dnn_write_checkpoint(&run, path);
    } else {
        snprintf(path, bytes, "%s/ckpt-%08lld.safetensors", folder, (long long)run.step);
        st = dnn_save_checkpoint(&run, folder);
    }
    free_texts(text);
    return st;
}

int zoo_checkpoint_save(zoo_run *r, bool best)
{
    char path[ZOO_PATH_BYTES];
    dnn_status st;

    if (r->options.log_dir == NULL) {
        return ZOO_GO_ON;
    }
    st = write_run(r, best, path, sizeof path);
    if (st != DNN_OK) {
        return zoo_run_fail(r, st);
    }
    if (best) {
        memcpy(r->best_path, path, sizeof path);
    }
    zoo_report_checkpoint(&r->report, path, r->now.step, best);
    return ZOO_GO_ON;
}

dnn_status zoo_checkpoint_load(zoo_run *r)
{
    dnn_run run = run_of(r);
    int64_t epoch, batch;

    DNN_TRY(dnn_load_checkpoint(&run, r->from));
    DNN_TRY(dnn_loader_position(r->train, &epoch, &batch));
    unpack_metrics(r);
    r->now.step = run.step;
    r->best.step = run.best_step;
    r->epochs_done = run.epoch;
    r->first_batch = epoch == run.epoch ? batch : 0;
    return DNN_OK;
}
