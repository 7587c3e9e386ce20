/* resume.c - checkpoints of a run: what is saved besides weights and optimizer, and how a run goes
 * on from one. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train.h"

/* ---- texts of the file ---- */

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
    json_t *args = zoo_options_json(&r->options);

    json_object_set_new(args, "dataset", json_string(r->data.name));
    return args;
}

/* What the images were made of: shape, mean, std. */
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

    json_object_set_new(best, "accuracy", json_real(r->best.val.accuracy));
    json_object_set_new(best, "epoch", json_integer(r->best.epoch));
    json_object_set_new(best, "loss", json_real(r->best.val.loss));
    return json_pack("{s:o}", "best", best);
}

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
        text[i].value = json[i] != NULL ? json_dumps(json[i], JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(json[i]);
    }
    text[N_TEXTS - 1].value = strdup(r->program->name);
}

/* ---- the run as the library sees it ---- */

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

static void numbers_from(zoo_run *r)
{
    const double number[ZOO_NUMBERS] = {r->now.train.loss,         r->now.train.accuracy,
                                        (double)r->now.train.seen, (double)r->best.epoch,
                                        r->best.val.loss,          r->best.val.accuracy};

    memcpy(r->number, number, sizeof number);
}

static void numbers_to(zoo_run *r)
{
    r->now.train = (zoo_result){r->number[0], r->number[1], (int64_t)r->number[2]};
    r->best.epoch = (int64_t)r->number[3];
    r->best.val = (zoo_result){r->number[4], r->number[5], 0};
}

/* ---- saving ---- */

static int save(zoo_run *r, bool best)
{
    dnn_named_text text[N_TEXTS];
    dnn_run run = run_of(r);
    char path[4200];
    dnn_status st;

    numbers_from(r);
    make_texts(r, text);
    run.metadata = text;
    run.n_metadata = N_TEXTS;
    if (best) {
        snprintf(path, sizeof path, "%s/best.safetensors", r->options.log_dir);
        st = dnn_write_checkpoint(&run, path);
    } else {
        snprintf(path, sizeof path, "%s/ckpt-%08lld.safetensors", r->options.log_dir,
                 (long long)run.step);
        st = dnn_save_checkpoint(&run, r->options.log_dir);
    }
    for (int i = 0; i < N_TEXTS; i++) {
        free((char *)(size_t)text[i].value);
    }
    if (st != DNN_OK) {
        zoo_report_error(&r->report, dnn_status_name(st), "%s", dnn_error_message());
        return ZOO_FAILED;
    }
    if (best) {
        memcpy(r->best_path, path, sizeof path);
    }
    zoo_report_checkpoint(&r->report, path, run.step, best);
    return ZOO_GO_ON;
}

int zoo_save(zoo_run *r, bool best)
{
    return r->options.log_dir != NULL ? save(r, best) : ZOO_GO_ON;
}

/* ---- going on ---- */

static void tell_passed_over(void *ctx, const char *why)
{
    zoo_run *r = ctx;

    zoo_report_warning(&r->report, "checkpoint", "passed over: %s", why);
}

static const char *metadata(const dnn_file *file, const char *wanted)
{
    const char *key, *value;

    for (int64_t i = 0; dnn_file_metadata(file, i, &key, &value); i++) {
        if (strcmp(key, wanted) == 0) {
            return value;
        }
    }
    return NULL;
}

static int take_up(zoo_run *r, const dnn_file *file)
{
    const char *program = metadata(file, "dnn.program"), *args = metadata(file, "dnn.args");
    json_t *stored = args != NULL ? json_loads(args, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *dataset = json_string_value(json_object_get(stored, "dataset"));
    int code;

    if (program == NULL || stored == NULL) {
        zoo_report_error(&r->report, "checkpoint",
                         "%s is no checkpoint of a training program: it does not say of which",
                         r->from);
        json_decref(stored);
        return ZOO_DATA;
    }
    if (strcmp(program, r->program->name) != 0) {
        zoo_report_error(&r->report, "usage", "%s is a checkpoint of %.60s, not of %s", r->from,
                         program, r->program->name);
        json_decref(stored);
        return ZOO_USAGE;
    }
    code = zoo_options_take_up(&r->options, stored, &r->report);
    if (dataset != NULL && r->options.dataset == r->program->data) { /* not given: the same again */
        snprintf(r->dataset, sizeof r->dataset, "%s", dataset);
        r->options.dataset = r->dataset;
    }
    json_decref(stored);
    return code;
}

static int fail_data(zoo_run *r, dnn_status st)
{
    zoo_report_error(&r->report, "checkpoint", "%s", dnn_error_message());
    return st == DNN_E_NOMEM ? ZOO_FAILED : ZOO_DATA;
}

int zoo_resume_find(zoo_run *r)
{
    const zoo_options *o = &r->options;
    dnn_file *file = NULL;
    dnn_status st = DNN_OK;
    int code;

    if (o->resume == NULL) {
        return ZOO_GO_ON;
    }
    if (o->resume[0] == 0) {
        st = dnn_find_checkpoint(o->log_dir, r->from, sizeof r->from, tell_passed_over, r);
    } else {
        snprintf(r->from, sizeof r->from, "%s", o->resume);
    }
    if (st == DNN_OK) {
        st = dnn_file_open(r->from, &file);
    }
    if (st != DNN_OK) {
        return fail_data(r, st);
    }
    code = take_up(r, file);
    dnn_file_close(file);
    return code;
}

/* The run's folder must not have a later checkpoint than the one that it goes on from. */
static int check_folder(zoo_run *r)
{
    char newest[4200];
    const char *name;

    if (r->options.log_dir == NULL || r->options.resume[0] == 0 ||
        dnn_find_checkpoint(r->options.log_dir, newest, sizeof newest, NULL, NULL) != DNN_OK) {
        return ZOO_GO_ON;
    }
    name = strrchr(newest, '/') + 1;
    if (strtoll(name + strlen("ckpt-"), NULL, 10) <= r->now.step) {
        return ZOO_GO_ON;
    }
    zoo_report_error(&r->report, "usage",
                     "--log-dir %s holds a later checkpoint, %s: name another folder, or --resume "
                     "without a file to go on from there",
                     r->options.log_dir, name);
    return ZOO_USAGE;
}

int zoo_resume_load(zoo_run *r)
{
    dnn_run run = run_of(r);
    int64_t epoch, batch;
    dnn_status st;

    if (r->from[0] == 0) {
        return ZOO_GO_ON;
    }
    st = dnn_load_checkpoint(&run, r->from);
    if (st == DNN_OK) { /* --lr, where it was given, is for the steps to come */
        st = dnn_optimizer_set_lr(r->optimizer, r->options.lr);
    }
    if (st == DNN_OK) {
        st = dnn_loader_position(r->train, &epoch, &batch);
    }
    if (st != DNN_OK) {
        return fail_data(r, st);
    }
    if (dnn_seed() != r->options.seed) { /* by --resume-anyway */
        dnn_manual_seed(r->options.seed);
    }
    numbers_to(r);
    r->now.step = run.step;
    r->best.step = run.best_step;
    r->epochs_done = run.epoch;
    r->first_batch = epoch == run.epoch ? batch : 0;
    if (r->best.epoch > 0 && r->options.log_dir != NULL) {
        snprintf(r->best_path, sizeof r->best_path, "%s/best.safetensors", r->options.log_dir);
    }
    return check_folder(r);
}
