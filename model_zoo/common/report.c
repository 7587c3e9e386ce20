/* report.c - what a person or a program sees of a run: notes and results, JSON events. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "report.h"

double zoo_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- events ---- */

static json_t *event_new(const zoo_report *r, const char *name)
{
    json_t *event = json_object();

    json_object_set_new(event, "event", json_string(name));
    json_object_set_new(event, "t", json_real(floor((zoo_now() - r->started) * 1e3) / 1e3));
    return event;
}

/* JSON has no infinity: such a number is null, and "nonfinite" says which it was. */
void zoo_set_number(json_t *event, const char *key, double value)
{
    if (isfinite(value)) {
        json_object_set_new(event, key, json_real(value));
        return;
    }
    json_object_set_new(event, key, json_null());
    json_object_set_new(event, "nonfinite",
                        json_string(isnan(value) ? "nan"
                                    : value > 0  ? "inf"
                                                 : "-inf"));
}

static void set_count(json_t *event, const char *key, int64_t value)
{
    json_object_set_new(event, key, json_integer(value));
}

static void write_line(FILE *file, const json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(9));

    if (text != NULL) {
        fprintf(file, "%s\n", text);
        fflush(file);
    }
    free(text);
}

static void emit(const zoo_report *r, json_t *event)
{
    if (r->options->json) {
        write_line(stdout, event);
    }
    if (r->jsonl != NULL) {
        write_line(r->jsonl, event);
    }
    json_decref(event);
}

int zoo_report_open(zoo_report *r, const zoo_program *program, const zoo_options *options)
{
    setlocale(LC_CTYPE, "");
    *r = (zoo_report){.program = program, .options = options, .started = zoo_now()};
    r->terminal = isatty(STDERR_FILENO) != 0;
    r->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return options->log_dir != NULL ? zoo_folder_open(r) : ZOO_GO_ON;
}

int zoo_report_close(zoo_report *r, int code)
{
    zoo_clear_line(r);
    zoo_folder_close(r);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == ZOO_DONE) {
        fprintf(stderr, "%s: the result could not be written to stdout: %s\n", r->program->name,
                strerror(errno != 0 ? errno : EIO));
        return ZOO_FAILED;
    }
    return code;
}

/* ---- a run ---- */

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
    const char *digest = dnn_dataset_digest(data->train);

    json_object_set_new(all, "name", json_string(data->name));
    set_count(all, "train", dnn_dataset_size(data->train));
    set_count(all, "test", dnn_dataset_size(data->test));
    json_object_set_new(all, "path", json_string(data->path));
    json_object_set_new(all, "sha256", digest != NULL ? json_string(digest) : json_null());
    return all;
}

json_t *zoo_config_json(const zoo_report *r)
{
    json_t *all = zoo_options_json(r->options);

    zoo_set_number(all, "momentum", r->program->momentum);
    if (r->options->init != NULL) {
        json_object_set_new(all, "init", json_string(r->options->init));
    }
    return all;
}

static void say_start(const zoo_report *r, const zoo_data *data, int64_t parameters,
                      const char *from, int64_t step)
{
    char count[40];

    if (r->options->quiet || r->options->json) {
        return;
    }
    fprintf(stderr,
            "%s: %s parameters, %s (%lld training, %lld test samples), device %s, %d threads, "
            "seed %llu\n",
            r->program->name, zoo_grouped((double)parameters, count, sizeof count), data->name,
            (long long)dnn_dataset_size(data->train), (long long)dnn_dataset_size(data->test),
            dnn_default_device(), dnn_threads(), (unsigned long long)r->options->seed);
    if (from != NULL) {
        fprintf(stderr, "%s: going on behind step %lld, from %s\n", r->program->name,
                (long long)step, from);
    }
}

int zoo_report_start(zoo_report *r, const zoo_data *data, int64_t parameters, const char *from,
                     int64_t step)
{
    json_t *event;
    int code = r->options->log_dir != NULL ? zoo_folder_start(r, from, step) : ZOO_GO_ON;

    if (code != ZOO_GO_ON) {
        return code;
    }
    say_start(r, data, parameters, from, step);
    event = event_new(r, "start");
    set_count(event, "schema", 1);
    json_object_set_new(event, "program", json_string(r->program->name));
    json_object_set_new(event, "version", json_string(dnn_version()));
    json_object_set_new(event, "seed", json_integer((json_int_t)r->options->seed));
    json_object_set_new(event, "options", zoo_config_json(r));
    set_count(event, "parameters", parameters);
    json_object_set_new(event, "device", json_string(dnn_default_device()));
    json_object_set_new(event, "backend", backends_json());
    set_count(event, "threads", dnn_threads());
    set_count(event, "workers", r->options->workers);
    json_object_set_new(event, "data", data_json(data));
    json_object_set_new(event, "resumed_from", from != NULL ? json_string(from) : json_null());
    if (r->options->log_dir != NULL) {
        zoo_folder_config(r, event);
    }
    emit(r, event);
    return ZOO_GO_ON;
}

void zoo_report_epoch(zoo_report *r, const zoo_epoch *e)
{
    json_t *event = event_new(r, "epoch");
    char rate[40];

    zoo_clear_line(r);
    if (!r->options->quiet && !r->options->json) {
        fprintf(stderr,
                "epoch %lld/%lld  loss %.4f  accuracy %.4f  test loss %.4f  test accuracy %.4f  "
                "%.1f s  %s/s\n",
                (long long)e->epoch, (long long)e->epochs, e->train.loss, e->train.accuracy,
                e->val.loss, e->val.accuracy, e->seconds,
                zoo_grouped(e->samples_per_second, rate, sizeof rate));
    }
    if (r->csv != NULL) {
        fprintf(r->csv, "%lld,%lld,%.9g,%.9g,%.9g,%.9g,%.9g,%.3f,%.1f\n", (long long)e->epoch,
                (long long)e->step, e->train.loss, e->train.accuracy, e->val.loss, e->val.accuracy,
                e->lr, e->seconds, e->samples_per_second);
        fflush(r->csv);
        fsync(fileno(r->csv));
    }
    set_count(event, "epoch", e->epoch);
    set_count(event, "epochs", e->epochs);
    set_count(event, "step", e->step);
    zoo_set_number(event, "train_loss", e->train.loss);
    zoo_set_number(event, "train_accuracy", e->train.accuracy);
    zoo_set_number(event, "val_loss", e->val.loss);
    zoo_set_number(event, "val_accuracy", e->val.accuracy);
    zoo_set_number(event, "lr", e->lr);
    zoo_set_number(event, "seconds", e->seconds);
    zoo_set_number(event, "samples_per_second", e->samples_per_second);
    zoo_set_number(event, "eta_seconds", e->eta_seconds);
    emit(r, event);
    if (r->jsonl != NULL) {
        fsync(fileno(r->jsonl));
    }
}

void zoo_report_checkpoint(zoo_report *r, const char *path, int64_t step, bool best)
{
    json_t *event = event_new(r, "checkpoint");

    json_object_set_new(event, "path", json_string(path));
    set_count(event, "step", step);
    json_object_set_new(event, "best", json_boolean(best));
    emit(r, event);
}

void zoo_report_eval(zoo_report *r, const zoo_result *result)
{
    json_t *event = event_new(r, "eval");

    json_object_set_new(event, "split", json_string("test"));
    zoo_set_number(event, "loss", result->loss);
    zoo_set_number(event, "accuracy", result->accuracy);
    emit(r, event);
}

/* "2,048 calls and 1.2 MB went to another device": never silent, nothing said when there was none.
 */
static void say_fallback(const dnn_counters *counters)
{
    if (counters->fallback_calls > 0) {
        fprintf(stderr,
                "%lld calls were computed on the host for another device; %.1f MB were copied for "
                "them\n",
                (long long)counters->fallback_calls, (double)counters->fallback_bytes / 1e6);
    }
}

static void say_result(const zoo_report *r, const zoo_epoch *best, const zoo_epoch *last,
                       const char *saved)
{
    char rate[40];

    printf("test accuracy %.4f, loss %.4f\n", last->val.accuracy, last->val.loss);
    if (r->options->quiet) {
        return;
    }
    if (last->epochs > 0) {
        fprintf(stderr, "best epoch %lld (%.4f); %.1f s in all, %s samples/s\n",
                (long long)best->epoch, best->val.accuracy, zoo_now() - r->started,
                zoo_grouped(last->samples_per_second, rate, sizeof rate));
    }
    if (saved != NULL) {
        fprintf(stderr,
                "weights of the best epoch are in %s; metrics.csv and metrics.jsonl beside it\n",
                saved);
    } else if (!r->options->eval) {
        fprintf(stderr, "nothing was saved; --log-dir runs/%s keeps metrics and weights\n",
                r->program->name);
    }
}

void zoo_report_end(zoo_report *r, int code, const zoo_epoch *best, const zoo_epoch *last,
                    const char *saved)
{
    json_t *event = event_new(r, "end"), *metrics = json_object();
    dnn_counters counters = {0};
    dnn_memory memory = {0};

    zoo_clear_line(r);
    dnn_counters_read(&counters);
    if (dnn_memory_stats(NULL, &memory) != DNN_OK) {
        memory.peak_bytes = 0;
    }
    say_fallback(&counters);
    if (code == ZOO_DONE && !r->options->json) {
        say_result(r, best, last, saved);
    }
    json_object_set_new(event, "status",
                        json_string(code == ZOO_DONE          ? "done"
                                    : code == ZOO_DIVERGED    ? "diverged"
                                    : code >= ZOO_INTERRUPTED ? "interrupted"
                                                              : "failed"));
    set_count(event, "exit", code);
    set_count(event, "epochs", last->epoch);
    set_count(event, "step", last->step);
    set_count(event, "best_epoch", best->epoch);
    zoo_set_number(metrics, "accuracy", last->val.accuracy);
    zoo_set_number(metrics, "loss", last->val.loss);
    json_object_set_new(event, "metrics", metrics);
    zoo_set_number(event, "seconds", zoo_now() - r->started);
    set_count(event, "fallback_calls", counters.fallback_calls);
    set_count(event, "fallback_bytes", counters.fallback_bytes);
    set_count(event, "peak_bytes", memory.peak_bytes);
    set_count(event, "live_tensors", dnn_live_tensors());
    emit(r, event);
}

/* To stderr, and as an event. */
static void tell(zoo_report *r, const char *kind, const char *code, const char *fmt, va_list list)
{
    json_t *event = event_new(r, kind);
    char *text = NULL;

    if (vasprintf(&text, fmt, list) < 0) {
        text = NULL;
    }
    zoo_clear_line(r);
    fprintf(stderr, "%s: %s\n", r->program->name, text != NULL ? text : "out of memory");
    json_object_set_new(event, "code", json_string(code));
    json_object_set_new(event, "message", json_string(text != NULL ? text : "out of memory"));
    emit(r, event);
    free(text);
}

void zoo_report_error(zoo_report *r, const char *code, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    tell(r, "error", code, fmt, list);
    va_end(list);
}

void zoo_report_warning(zoo_report *r, const char *code, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    tell(r, "warning", code, fmt, list);
    va_end(list);
}
