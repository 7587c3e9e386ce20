/* resume.c - continues a run from a checkpoint. */
#include <stdlib.h>
#include <string.h>
#include "checkpoint.h"
#include "exit_codes.h"
#include "resume.h"
#include "saved_options.h"

/* ---- the checkpoint and its options ---- */

static void warn_skipped(void *ctx, const char *why)
{
    zoo_run *r = ctx;

    zoo_warning(&r->report.messages, "checkpoint", "skipped: %s", why);
}

/* Returns the value of a metadata key, or NULL. */
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

/* Checks that the checkpoint is of this program. `stored`: its options, or NULL. */
static int check_program(zoo_run *r, const char *program, const json_t *stored)
{
    if (program == NULL || stored == NULL) {
        zoo_error(&r->report.messages, "checkpoint",
                  "%s is not a checkpoint of a training program: its metadata names none", r->from);
        return ZOO_DATA;
    }
    if (strcmp(program, r->program->name) != 0) {
        zoo_error(&r->report.messages, "usage", "%s is a checkpoint of %.60s, not of %s", r->from,
                  program, r->program->name);
        return ZOO_USAGE;
    }
    return ZOO_GO_ON;
}

/* Applies the stored options, and uses the same data set again unless --dataset is given. */
static int apply_options(zoo_run *r, const json_t *stored)
{
    const char *dataset = json_string_value(json_object_get(stored, "dataset"));
    int code = zoo_saved_options_apply(&r->options, stored, &r->report.messages);

    if (dataset != NULL && r->options.dataset == r->program->data) {
        snprintf(r->dataset, sizeof r->dataset, "%s", dataset);
        r->options.dataset = r->dataset;
    }
    return code;
}

static int apply_file(zoo_run *r, const dnn_file *file)
{
    const char *args = metadata(file, "dnn.args");
    json_t *stored = args != NULL ? json_loads(args, JSON_REJECT_DUPLICATES, NULL) : NULL;
    int code = check_program(r, metadata(file, "dnn.program"), stored);

    if (code == ZOO_GO_ON) {
        code = apply_options(r, stored);
    }
    json_decref(stored);
    return code;
}

static int fail_data(zoo_run *r, dnn_status st)
{
    zoo_error(&r->report.messages, "checkpoint", "%s", dnn_error_message());
    return st == DNN_E_NOMEM ? ZOO_FAILED : ZOO_DATA;
}

int zoo_resume_find(zoo_run *r)
{
    const zoo_options *o = &r->options;
    const char *path = o->resume;
    dnn_file *file = NULL;
    dnn_status st;
    int code;

    if (o->resume == NULL) {
        return ZOO_GO_ON;
    }
    if (o->resume[0] == 0) {
        path = dnn_find_checkpoint(o->log_dir, .passed_over = warn_skipped, .ctx = r);
    }
    if (path != NULL) {
        snprintf(r->from, sizeof r->from, "%s", path);
        file = dnn_file_open(r->from);
    }
    st = dnn_take_error();
    if (st == DNN_OK && path == NULL) {
        zoo_error(&r->report.messages, "checkpoint",
                  "%s: no checkpoint (ckpt-*.safetensors) is there", o->log_dir);
        return ZOO_DATA;
    }
    if (st != DNN_OK) {
        return fail_data(r, st);
    }
    code = apply_file(r, file);
    dnn_release(file);
    return code;
}

/* ---- the state ---- */

/* Refuses a folder that holds a later checkpoint than the one that was loaded. */
static int check_folder(zoo_run *r)
{
    const char *newest, *name;

    if (r->options.log_dir == NULL || r->options.resume[0] == 0) {
        return ZOO_GO_ON;
    }
    newest = dnn_find_checkpoint(r->options.log_dir);
    if (newest == NULL) {
        return dnn_take_error() == DNN_E_NOMEM ? zoo_run_fail(r, DNN_E_NOMEM) : ZOO_GO_ON;
    }
    name = strrchr(newest, '/') + 1;
    if (strtoll(name + strlen("ckpt-"), NULL, 10) <= r->now.step) {
        return ZOO_GO_ON;
    }
    zoo_error(&r->report.messages, "usage",
              "--log-dir %s holds a later checkpoint, %s: name another folder, or resume from "
              "that one with --resume alone",
              r->options.log_dir, name);
    return ZOO_USAGE;
}

int zoo_resume_load(zoo_run *r)
{
    dnn_status st;

    if (r->from[0] == 0) {
        return ZOO_GO_ON;
    }
    st = zoo_checkpoint_load(r);
    if (st == DNN_OK) { /* the checkpoint has its own learning rate; --lr may change it */
        st = dnn_optim_set(r->optimizer, DNN_ALL_GROUPS, "lr", r->options.lr);
    }
    if (st != DNN_OK) {
        return fail_data(r, st);
    }
    if (dnn_get_seed() != r->options.seed) { /* --resume-anyway allowed another seed */
        dnn_manual_seed(r->options.seed);
    }
    if (r->best.epoch > 0 && r->options.log_dir != NULL) {
        snprintf(r->best_path, sizeof r->best_path, "%s/best.safetensors", r->options.log_dir);
    }
    return check_folder(r);
}
