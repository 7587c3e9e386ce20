/* report.c - what a person or a program sees of a run: progress on stderr, results on stdout, JSON
 * events, and the files of
 * --log-dir. */
#include <errno.h>
#include <jansson.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "train.h"

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
static void set_number(json_t *event, const char *key, double value)
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

/* ---- the terminal ---- */

static void clear_line(zoo_report *r)
{
    if (r->drawn) {
        fputs("\r\033[K", stderr);
        r->drawn = false;
    }
}

static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* 41,200 */
static const char *grouped(double number, char *text, size_t bytes)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", number), out = 0;

    for (int i = 0; i < n && out < (int)bytes - 2; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            text[out++] = ',';
        }
        text[out++] = digits[i];
    }
    text[out] = 0;
    return text;
}

static const char *clock_text(double seconds, char *text, size_t bytes)
{
    long s = seconds > 0 && seconds < 1e9 ? (long)(seconds + 0.5) : 0;

    if (s >= 3600) {
        snprintf(text, bytes, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    } else {
        snprintf(text, bytes, "%ld:%02ld", s / 60, s % 60);
    }
    return text;
}

void zoo_report_batch(zoo_report *r, const zoo_epoch *e, int64_t batch, int64_t batches)
{
    enum { BAR = 20 };
    char bar[BAR * 3 + 1] = "", line[256], rate[40], eta[40];
    double now = zoo_now();
    int full = batches > 0 ? (int)(batch * BAR / batches) : BAR;
    int n;

    if (!r->terminal || r->options->quiet || r->options->json ||
        (now - r->last_drawn < 0.1 && batch < batches)) {
        return;
    }
    r->last_drawn = now;
    for (int i = 0; i < BAR; i++) {
        strcat(bar, i < full ? (r->utf8 ? "█" : "#") : (r->utf8 ? "░" : "-"));
    }
    n = snprintf(
        line, sizeof line, "epoch %lld/%lld %s%s%s  %lld/%lld  %s/s  loss %.4f  lr %.4g  ETA %s",
        (long long)e->epoch, (long long)e->epochs, r->utf8 ? "" : "[", bar, r->utf8 ? "" : "]",
        (long long)batch, (long long)batches, grouped(e->samples_per_second, rate, sizeof rate),
        e->train.loss, e->lr, clock_text(e->eta_seconds, eta, sizeof eta));
    if (n - (r->utf8 ? 2 * BAR : 0) >= columns()) {
        snprintf(line, sizeof line, "epoch %lld/%lld %lld/%lld loss %.4f", (long long)e->epoch,
                 (long long)e->epochs, (long long)batch, (long long)batches, e->train.loss);
    }
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    r->drawn = true;
}

/* ---- the folder of a run ---- */

static FILE *open_log(const zoo_report *r, const char *name)
{
    char path[4096];
    FILE *file = NULL;

    if (snprintf(path, sizeof path, "%s/%s", r->options->log_dir, name) < (int)sizeof path) {
        file = fopen(path, "we");
    }
    if (file == NULL) {
        fprintf(stderr, "%s: %s/%s: %s\n", r->program->name, r->options->log_dir, name,
                strerror(errno));
    }
    return file;
}

/* A folder that holds another program's run is refused. */
static bool folder_is_ours(const zoo_report *r)
{
    char path[4096];
    json_t *config;
    const char *name;
    bool ours = true;

    if (snprintf(path, sizeof path, "%s/config.json", r->options->log_dir) >= (int)sizeof path) {
        return true;
    }
    config = json_load_file(path, 0, NULL);
    name = json_string_value(json_object_get(config, "program"));
    if (name != NULL && strcmp(name, r->program->name) != 0) {
        fprintf(stderr, "%s: --log-dir %s holds a run of %s; name another folder\n",
                r->program->name, r->options->log_dir, name);
        ours = false;
    }
    json_decref(config);
    return ours;
}

static json_t *options_json(const zoo_report *r)
{
    const zoo_options *o = r->options;
    json_t *all = json_object();

    set_count(all, "epochs", o->epochs);
    set_count(all, "batch_size", o->batch);
    set_count(all, "limit_batches", o->limit_batches);
    set_number(all, "lr", o->lr);
    set_number(all, "momentum", r->program->momentum);
    if (o->init != NULL) {
        json_object_set_new(all, "init", json_string(o->init));
    }
    return all;
}

static int make_folder(const char *path)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -1;
}

/* Every folder of the path that is missing. */
static int make_folders(const char *path)
{
    char part[4096];
    size_t n = strlen(path);

    if (n >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(part, path, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (part[i] == '/') {
            part[i] = 0;
            if (make_folder(part) != 0) {
                return -1;
            }
            part[i] = '/';
        }
    }
    return make_folder(part);
}

int zoo_report_open(zoo_report *r, const zoo_program *program, const zoo_options *options)
{
    setlocale(LC_CTYPE, "");
    *r = (zoo_report){.program = program, .options = options, .started = zoo_now()};
    r->terminal = isatty(STDERR_FILENO) != 0;
    r->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (options->log_dir == NULL) {
        return ZOO_GO_ON;
    }
    if (make_folders(options->log_dir) != 0) {
        fprintf(stderr, "%s: --log-dir %s: %s\n", program->name, options->log_dir, strerror(errno));
        return ZOO_FAILED;
    }
    if (!folder_is_ours(r)) {
        return ZOO_USAGE;
    }
    return ZOO_GO_ON;
}

int zoo_report_close(zoo_report *r, int code)
{
    clear_line(r);
    if (r->jsonl != NULL) {
        fclose(r->jsonl);
    }
    if (r->csv != NULL) {
        fclose(r->csv);
    }
    r->jsonl = r->csv = NULL;
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

/* The files of a run, emptied: only now that this one can begin, or a data set that is missing
 * would cost the last one's. */
static int open_logs(zoo_report *r)
{
    r->jsonl = open_log(r, "metrics.jsonl");
    r->csv = open_log(r, "metrics.csv");
    if (r->jsonl == NULL || r->csv == NULL) {
        return ZOO_FAILED;
    }
    fprintf(r->csv, "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,lr,seconds,samples_"
                    "per_second\n");
    return ZOO_GO_ON;
}

int zoo_report_start(zoo_report *r, const zoo_data *data, int64_t parameters)
{
    json_t *event, *backends;
    char count[40];

    if (r->options->log_dir != NULL && open_logs(r) != ZOO_GO_ON) {
        return ZOO_FAILED;
    }
    event = event_new(r, "start");
    backends = backends_json();
    if (!r->options->quiet && !r->options->json) {
        fprintf(stderr,
                "%s: %s parameters, %s (%lld training, %lld test samples), device %s, %d threads, "
                "seed %llu\n",
                r->program->name, grouped((double)parameters, count, sizeof count), data->name,
                (long long)dnn_dataset_size(data->train), (long long)dnn_dataset_size(data->test),
                dnn_default_device(), dnn_threads(), (unsigned long long)r->options->seed);
    }
    set_count(event, "schema", 1);
    json_object_set_new(event, "program", json_string(r->program->name));
    json_object_set_new(event, "version", json_string(dnn_version()));
    json_object_set_new(event, "seed", json_integer((json_int_t)r->options->seed));
    json_object_set_new(event, "options", options_json(r));
    set_count(event, "parameters", parameters);
    json_object_set_new(event, "device", json_string(dnn_default_device()));
    json_object_set_new(event, "backend", backends);
    set_count(event, "threads", dnn_threads());
    set_count(event, "workers", r->options->workers);
    json_object_set_new(event, "data", data_json(data));
    if (r->options->log_dir != NULL) {
        FILE *config = open_log(r, "config.json");

        if (config != NULL) {
            json_dumpf(event, config, JSON_INDENT(2));
            fputc('\n', config);
            fclose(config);
        }
    }
    emit(r, event);
    return ZOO_GO_ON;
}

void zoo_report_epoch(zoo_report *r, const zoo_epoch *e)
{
    json_t *event = event_new(r, "epoch");
    char rate[40];

    clear_line(r);
    if (!r->options->quiet && !r->options->json) {
        fprintf(stderr,
                "epoch %lld/%lld  loss %.4f  accuracy %.4f  test loss %.4f  test accuracy %.4f  "
                "%.1f s  %s/s\n",
                (long long)e->epoch, (long long)e->epochs, e->train.loss, e->train.accuracy,
                e->val.loss, e->val.accuracy, e->seconds,
                grouped(e->samples_per_second, rate, sizeof rate));
    }
    if (r->csv != NULL) {
        fprintf(r->csv, "%lld,%lld,%.9g,%.9g,%.9g,%.9g,%.9g,%.3f,%.1f\n", (long long)e->epoch,
                (long long)e->step, e->train.loss, e->train.accuracy, e->val.loss, e->val.accuracy,
                e->lr, e->seconds, e->samples_per_second);
        fflush(r->csv);
    }
    set_count(event, "epoch", e->epoch);
    set_count(event, "epochs", e->epochs);
    set_count(event, "step", e->step);
    set_number(event, "train_loss", e->train.loss);
    set_number(event, "train_accuracy", e->train.accuracy);
    set_number(event, "val_loss", e->val.loss);
    set_number(event, "val_accuracy", e->val.accuracy);
    set_number(event, "lr", e->lr);
    set_number(event, "seconds", e->seconds);
    set_number(event, "samples_per_second", e->samples_per_second);
    set_number(event, "eta_seconds", e->eta_seconds);
    emit(r, event);
}

void zoo_report_eval(zoo_report *r, const zoo_result *result)
{
    json_t *event = event_new(r, "eval");

    json_object_set_new(event, "split", json_string("test"));
    set_number(event, "loss", result->loss);
    set_number(event, "accuracy", result->accuracy);
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
                grouped(last->samples_per_second, rate, sizeof rate));
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

    clear_line(r);
    dnn_counters_read(&counters);
    if (dnn_memory_stats(NULL, &memory) != DNN_OK) {
        memory.peak_bytes = 0;
    }
    say_fallback(&counters);
    if (code == ZOO_DONE && !r->options->json) {
        say_result(r, best, last, saved);
    }
    json_object_set_new(event, "status",
                        json_string(code == ZOO_DONE       ? "done"
                                    : code == ZOO_DIVERGED ? "diverged"
                                                           : "failed"));
    set_count(event, "exit", code);
    set_count(event, "epochs", last->epoch);
    set_count(event, "step", last->step);
    set_count(event, "best_epoch", best->epoch);
    set_number(metrics, "accuracy", last->val.accuracy);
    set_number(metrics, "loss", last->val.loss);
    json_object_set_new(event, "metrics", metrics);
    set_number(event, "seconds", zoo_now() - r->started);
    set_count(event, "fallback_calls", counters.fallback_calls);
    set_count(event, "fallback_bytes", counters.fallback_bytes);
    set_count(event, "peak_bytes", memory.peak_bytes);
    set_count(event, "live_tensors", dnn_live_tensors());
    emit(r, event);
}

void zoo_report_error(zoo_report *r, const char *code, const char *fmt, ...)
{
    char text[1400];
    va_list list;
    json_t *event = event_new(r, "error");

    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    clear_line(r);
    fprintf(stderr, "%s: %s\n", r->program->name, text);
    json_object_set_new(event, "code", json_string(code));
    json_object_set_new(event, "message", json_string(text));
    emit(r, event);
}
