/* checkpoint.c - saves and loads the state of a run: weights, optimizer, loader, metrics, and
 * metadata about the program. */
#include <stdlib.h>
#include <string.h>
#include "checkpoint.h"
#include "exit_codes.h"
#include "saved_options.h"

/* ---- metadata ---- */

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

/* Sets a text of the run; takes the JSON over. */
static dnn_status set_json(dnn_run *run, const char *key, json_t *json)
{
    char *text = zoo_json_text(json, JSON_COMPACT | JSON_SORT_KEYS);
    dnn_status st = dnn_run_set_text(run, key, text);

    free(text);
    json_decref(json);
    return st;
}

static dnn_status set_texts(const zoo_run *r, dnn_run *run)
{
    DNN_TRY(dnn_run_set_text(run, "dnn.program", r->program->name));
    DNN_TRY(set_json(run, "dnn.args", args_json(r)));
    DNN_TRY(set_json(run, "dnn.classes", classes_json(r)));
    DNN_TRY(set_json(run, "dnn.input", input_json(r)));
    DNN_TRY(set_json(run, "dnn.metrics", metrics_json(r)));
    return set_json(run, "dnn.model", json_pack("{s:s}", "builder", r->program->name));
}

/* ---- the state ---- */

/* A run of all that a checkpoint has: NULL and a pending error if it cannot be made. */
static dnn_run *run_of(zoo_run *r)
{
    dnn_run *run = dnn_run_new();

    if (dnn_run_add(run, "", r->net) != DNN_OK || dnn_run_add(run, "sgd", r->optimizer) != DNN_OK ||
        dnn_run_add(run, "train", r->train) != DNN_OK ||
        dnn_run_add(run, "step", &r->now.step) != DNN_OK ||
        dnn_run_add(run, "epoch", &r->epochs_done) != DNN_OK ||
        dnn_run_add(run, "train_loss", &r->now.train.loss) != DNN_OK ||
        dnn_run_add(run, "train_accuracy", &r->now.train.accuracy) != DNN_OK ||
        dnn_run_add(run, "train_seen", &r->now.train.seen) != DNN_OK ||
        dnn_run_add(run, "best_step", &r->best.step) != DNN_OK ||
        dnn_run_add(run, "best_epoch", &r->best.epoch) != DNN_OK ||
        dnn_run_add(run, "best_loss", &r->best.val.loss) != DNN_OK ||
        dnn_run_add(run, "best_accuracy", &r->best.val.accuracy) != DNN_OK) {
        return NULL;
    }
    return run;
}

/* ---- saving and loading ---- */

/* Writes the checkpoint and stores its path. */
static dnn_status write_run(zoo_run *r, bool best, char *path, size_t bytes)
{
    DNN_SCOPE();
    const char *folder = r->options.log_dir;
    dnn_run *run = run_of(r);

    DNN_TRY(set_texts(r, run));
    if (best) {
        snprintf(path, bytes, "%s/best.safetensors", folder);
        return dnn_write_checkpoint(run, path);
    }
    snprintf(path, bytes, "%s/ckpt-%08lld.safetensors", folder, (long long)r->now.step);
    return dnn_save_checkpoint(run, folder, r->now.step);
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
    DNN_SCOPE();
    int64_t epoch, batch;

    DNN_TRY(dnn_load_checkpoint(run_of(r), r->from, .anyway = r->options.resume_anyway));
    DNN_TRY(dnn_loader_position(r->train, &epoch, &batch));
    r->first_batch = epoch == r->epochs_done ? batch : 0;
    return DNN_OK;
}
