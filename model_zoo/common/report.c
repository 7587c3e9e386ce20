/* report.c - reports a run from its start to its result. */
#include <errno.h>
#include <string.h>
#include "exit_codes.h"
#include "report.h"
#include "saved_options.h"

int zoo_report_open(zoo_report *r, const zoo_program *program, const zoo_options *options)
{
    *r = (zoo_report){.program = program, .options = options};
    zoo_messages_open(&r->messages, program->name, options->json, options->quiet);
    r->folder = (zoo_folder){.path = options->log_dir, .messages = &r->messages};
    return options->log_dir != NULL ? zoo_folder_open(&r->folder) : ZOO_GO_ON;
}

int zoo_report_close(zoo_report *r, int code)
{
    zoo_progress_clear(&r->messages.progress);
    zoo_folder_close(&r->folder);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == ZOO_DONE) {
        fprintf(stderr, "%s: the result could not be written to stdout: %s\n", r->program->name,
                strerror(errno != 0 ? errno : EIO));
        return ZOO_FAILED;
    }
    return code;
}

/* ---- the start ---- */

/* Returns the ids of the loaded backends. */
static json_t *backends_json(void)
{
    json_t *list = json_array();
    dnn_backend_info info;

    for (int i = 0; dnn_backend_at(i, &info); i++) {
        if (info.reason == NULL && !info.reader && info.id != NULL) {
            json_array_append_new(list, json_string(info.id));
        }
    }
    return list;
}

static json_t *data_json(const zoo_data *data)
{
    json_t *all = json_object();

    zoo_event_text(all, "name", data->name);
    zoo_event_count(all, "train", dnn_dataset_size(data->train));
    zoo_event_count(all, "test", dnn_dataset_size(data->test));
    zoo_event_text(all, "path", data->path);
    zoo_event_text(all, "sha256", dnn_dataset_digest(data->train));
    return all;
}

/* Returns the stored options, and what the program adds to them. */
static json_t *config_json(const zoo_report *r)
{
    json_t *all = zoo_saved_options(r->options);

    zoo_event_number(all, "momentum", r->program->momentum);
    if (r->options->init != NULL) {
        zoo_event_text(all, "init", r->options->init);
    }
    return all;
}

static void print_start(const zoo_report *r, const zoo_data *data, int64_t parameters,
                        const char *from, int64_t step)
{
    char count[40];

    zoo_note(&r->messages,
             "%s: %s parameters, %s (%lld training, %lld test samples), device %s, %d threads, "
             "seed %llu",
             r->program->name, zoo_grouped((double)parameters, count, sizeof count), data->name,
             (long long)dnn_dataset_size(data->train), (long long)dnn_dataset_size(data->test),
             dnn_default_device(), dnn_get_threads(), (unsigned long long)r->options->seed);
    if (from != NULL) {
        zoo_note(&r->messages, "%s: resuming after step %lld from %s", r->program->name,
                 (long long)step, from);
    }
}

static json_t *start_event(const zoo_report *r, const zoo_data *data, int64_t parameters,
                           const char *from)
{
    json_t *event = zoo_event_new(&r->messages, "start");

    zoo_event_count(event, "schema", 1);
    zoo_event_text(event, "program", r->program->name);
    zoo_event_text(event, "version", dnn_version());
    zoo_event_count(event, "seed", (int64_t)r->options->seed);
    json_object_set_new(event, "options", config_json(r));
    zoo_event_count(event, "parameters", parameters);
    zoo_event_text(event, "device", dnn_default_device());
    json_object_set_new(event, "backend", backends_json());
    zoo_event_count(event, "threads", dnn_get_threads());
    zoo_event_count(event, "workers", r->options->workers);
    json_object_set_new(event, "data", data_json(data));
    zoo_event_text(event, "resumed_from", from);
    return event;
}

int zoo_report_start(zoo_report *r, const zoo_data *data, int64_t parameters, const char *from,
                     int64_t step)
{
    bool logs = r->options->log_dir != NULL;
    int code = logs ? zoo_folder_start(&r->folder, from, step) : ZOO_GO_ON;
    json_t *event;

    if (code != ZOO_GO_ON) {
        return code;
    }
    print_start(r, data, parameters, from, step);
    event = start_event(r, data, parameters, from);
    if (logs) {
        zoo_folder_config(&r->folder, event);
    }
    zoo_event_emit(&r->messages, event);
    return ZOO_GO_ON;
}

/* ---- epochs ---- */

void zoo_report_batch(zoo_report *r, const zoo_epoch *e, int64_t batch, int64_t batches)
{
    zoo_progress_draw(&r->messages.progress, e, batch, batches);
}

static void print_epoch(const zoo_report *r, const zoo_epoch *e)
{
    char rate[40];

    zoo_note(&r->messages,
             "epoch %lld/%lld  loss %.4f  accuracy %.4f  test loss %.4f  test accuracy %.4f  "
             "%.1f s  %s/s",
             (long long)e->epoch, (long long)e->epochs, zoo_plain(e->train.loss), e->train.accuracy,
             zoo_plain(e->val.loss), e->val.accuracy, e->seconds,
             zoo_grouped(e->samples_per_second, rate, sizeof rate));
}

void zoo_report_epoch(zoo_report *r, const zoo_epoch *e)
{
    json_t *event = zoo_event_new(&r->messages, "epoch");

    zoo_progress_clear(&r->messages.progress);
    print_epoch(r, e);
    zoo_folder_epoch(&r->folder, e);
    zoo_event_count(event, "epoch", e->epoch);
    zoo_event_count(event, "epochs", e->epochs);
    zoo_event_count(event, "step", e->step);
    zoo_event_number(event, "train_loss", e->train.loss);
    zoo_event_number(event, "train_accuracy", e->train.accuracy);
    zoo_event_number(event, "val_loss", e->val.loss);
    zoo_event_number(event, "val_accuracy", e->val.accuracy);
    zoo_event_number(event, "lr", e->lr);
    zoo_event_seconds(event, "seconds", e->seconds);
    zoo_event_number(event, "samples_per_second", e->samples_per_second);
    zoo_event_seconds(event, "eta_seconds", e->eta_seconds);
    zoo_event_emit(&r->messages, event);
    zoo_event_sync(&r->messages);
}

void zoo_report_checkpoint(const zoo_report *r, const char *path, int64_t step, bool best)
{
    json_t *event = zoo_event_new(&r->messages, "checkpoint");

    zoo_event_text(event, "path", path);
    zoo_event_count(event, "step", step);
    json_object_set_new(event, "best", json_boolean(best));
    zoo_event_emit(&r->messages, event);
}

void zoo_report_eval(const zoo_report *r, const zoo_result *result)
{
    json_t *event = zoo_event_new(&r->messages, "eval");

    zoo_event_text(event, "split", "test");
    zoo_event_number(event, "loss", result->loss);
    zoo_event_number(event, "accuracy", result->accuracy);
    zoo_event_emit(&r->messages, event);
}

/* ---- the end ---- */

/* A host fallback is always reported, also with --quiet. */
static void print_fallback(void)
{
    dnn_counters counters = {0};

    dnn_get_counters(&counters);
    if (counters.fallback_calls > 0) {
        fprintf(stderr,
                "the host computed %lld calls for another device, and copied %.1f MB for them\n",
                (long long)counters.fallback_calls, (double)counters.fallback_bytes / 1e6);
    }
}

static void print_result(const zoo_report *r, const zoo_epoch *best, const zoo_epoch *last,
                         const char *saved)
{
    char rate[40];

    printf("test accuracy %.4f, loss %.4f\n", last->val.accuracy, zoo_plain(last->val.loss));
    if (last->epochs > 0) {
        zoo_note(&r->messages, "best epoch %lld (%.4f); %.1f s in all, %s samples/s",
                 (long long)best->epoch, best->val.accuracy, zoo_now() - r->messages.started,
                 zoo_grouped(last->samples_per_second, rate, sizeof rate));
    }
    if (saved != NULL) {
        zoo_note(
            &r->messages,
            "the weights of the best epoch are in %s; metrics.csv and metrics.jsonl are beside "
            "it",
            saved);
    } else if (!r->options->eval) {
        zoo_note(&r->messages, "nothing was saved; --log-dir runs/%s saves metrics and weights",
                 r->program->name);
    }
}

static const char *status_of(int code)
{
    return code == ZOO_DONE          ? "done"
           : code == ZOO_DIVERGED    ? "diverged"
           : code >= ZOO_INTERRUPTED ? "interrupted"
                                     : "failed";
}

static json_t *metrics_json(const zoo_result *result)
{
    json_t *metrics = json_object();

    zoo_event_number(metrics, "accuracy", result->accuracy);
    zoo_event_number(metrics, "loss", result->loss);
    return metrics;
}

static void emit_end(const zoo_report *r, json_t *event, int code, const zoo_epoch *best,
                     const zoo_epoch *last)
{
    dnn_counters counters = {0};
    dnn_memory memory = {0};

    dnn_get_counters(&counters);
    if (dnn_get_memory(NULL, &memory) != DNN_OK) {
        memory.peak_bytes = 0;
    }
    zoo_event_text(event, "status", status_of(code));
    zoo_event_count(event, "exit", code);
    zoo_event_count(event, "epochs", last->epoch);
    zoo_event_count(event, "step", last->step);
    zoo_event_count(event, "best_epoch", best->epoch);
    json_object_set_new(event, "metrics", metrics_json(&last->val));
    zoo_event_seconds(event, "seconds", zoo_now() - r->messages.started);
    zoo_event_count(event, "fallback_calls", counters.fallback_calls);
    zoo_event_count(event, "fallback_bytes", counters.fallback_bytes);
    zoo_event_count(event, "peak_bytes", memory.peak_bytes);
    zoo_event_count(event, "live_tensors", dnn_live_tensors());
    zoo_event_emit(&r->messages, event);
}

void zoo_report_end(zoo_report *r, int code, const zoo_epoch *best, const zoo_epoch *last,
                    const char *saved)
{
    json_t *event = zoo_event_new(&r->messages, "end");

    zoo_progress_clear(&r->messages.progress);
    print_fallback();
    if (code == ZOO_DONE && !r->options->json) {
        print_result(r, best, last, saved);
    }
    emit_end(r, event, code, best, last);
}
