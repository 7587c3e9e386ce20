/* folder.c - the folder of a run (--log-dir): metrics.csv, metrics.jsonl, config.json. Logs only
 * grow; a run that is taken up goes on in them without repeated epochs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "report.h"

enum { PATH_BYTES = 4096 };

/* false: it is too long, and that was said. */
static bool path_in(zoo_report *r, const char *name, char *path)
{
    if (snprintf(path, PATH_BYTES, "%s/%s", r->options->log_dir, name) < PATH_BYTES) {
        return true;
    }
    zoo_report_error(r, "log-dir", "%s/%s: %s", r->options->log_dir, name, strerror(ENAMETOOLONG));
    return false;
}

static FILE *open_log(zoo_report *r, const char *name, const char *mode)
{
    char path[PATH_BYTES];
    FILE *file = NULL;

    if (path_in(r, name, path)) {
        file = fopen(path, mode);
        if (file == NULL) {
            zoo_report_error(r, "log-dir", "%s: %s", path, strerror(errno));
        }
    }
    return file;
}

/* ---- the folder ---- */

static int make_folder(const char *path)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -1;
}

/* Every folder of the path that is missing. */
static int make_folders(const char *path)
{
    char part[PATH_BYTES];
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

/* A folder that holds another program's run is refused. */
static bool folder_is_ours(zoo_report *r)
{
    char path[PATH_BYTES];
    json_t *config;
    const char *name;
    bool ours = true;

    if (!path_in(r, "config.json", path)) {
        return false;
    }
    config = json_load_file(path, 0, NULL);
    name = json_string_value(json_object_get(config, "program"));
    if (name != NULL && strcmp(name, r->program->name) != 0) {
        zoo_report_error(r, "usage", "--log-dir %s holds a run of %s; name another folder",
                         r->options->log_dir, name);
        ours = false;
    }
    json_decref(config);
    return ours;
}

int zoo_folder_open(zoo_report *r)
{
    if (make_folders(r->options->log_dir) != 0) {
        zoo_report_error(r, "log-dir", "--log-dir %s: %s", r->options->log_dir, strerror(errno));
        return ZOO_FAILED;
    }
    return folder_is_ours(r) ? ZOO_GO_ON : ZOO_USAGE;
}

/* ---- going on in the logs ---- */

/* The step that a line of metrics.jsonl or metrics.csv is about; -1: none. */
static int64_t step_of(const char *line)
{
    json_t *event = line[0] == '{' ? json_loads(line, 0, NULL) : NULL;
    const char *comma = strchr(line, ',');
    int64_t step = -1;

    if (event != NULL) {
        const json_t *value = json_object_get(event, "step");

        step = json_is_integer(value) ? json_integer_value(value) : -1;
    } else if (line[0] >= '0' && line[0] <= '9' && comma != NULL) {
        step = strtoll(comma + 1, NULL, 10);
    }
    json_decref(event);
    return step;
}

/* Where the lines end that are about steps up to `step`; a torn last line does not count. */
static off_t end_of(FILE *file, int64_t step)
{
    char *line = NULL;
    size_t room = 0;
    off_t end = 0;
    ssize_t n;

    while ((n = getline(&line, &room, file)) > 0 && line[n - 1] == '\n' && step_of(line) <= step) {
        end += n;
    }
    free(line);
    return end;
}

/* Drops what the run that was broken off logged behind the checkpoint: it comes again. */
static int cut_log(zoo_report *r, const char *name, int64_t step)
{
    char path[PATH_BYTES];
    FILE *file;
    off_t end;

    if (!path_in(r, name, path)) {
        return ZOO_FAILED;
    }
    file = fopen(path, "re");
    if (file == NULL) { /* another folder than the run's: it begins here */
        return ZOO_GO_ON;
    }
    end = end_of(file, step);
    fclose(file);
    if (truncate(path, end) != 0) {
        zoo_report_error(r, "log-dir", "%s: %s", path, strerror(errno));
        return ZOO_FAILED;
    }
    return ZOO_GO_ON;
}

/* Would a new run mix its checkpoints with those of an old one? */
static bool has_checkpoint(const zoo_report *r, char *path)
{
    return dnn_find_checkpoint(r->options->log_dir, path, PATH_BYTES, NULL, NULL) == DNN_OK;
}

static int begin_logs(zoo_report *r, const char *from, int64_t step)
{
    char path[PATH_BYTES];
    int code;

    if (from == NULL) {
        if (has_checkpoint(r, path)) {
            zoo_report_error(r, "usage",
                             "--log-dir %s holds an earlier run (%s): --resume goes on with it; "
                             "for a new run name another folder",
                             r->options->log_dir, path);
            return ZOO_USAGE;
        }
        return ZOO_GO_ON;
    }
    code = cut_log(r, "metrics.jsonl", step);
    return code == ZOO_GO_ON ? cut_log(r, "metrics.csv", step) : code;
}

int zoo_folder_start(zoo_report *r, const char *from, int64_t step)
{
    const char *mode = from != NULL ? "ae" : "we";
    int code = begin_logs(r, from, step);
    struct stat st;

    if (code != ZOO_GO_ON) {
        return code;
    }
    r->jsonl = open_log(r, "metrics.jsonl", mode);
    r->csv = open_log(r, "metrics.csv", mode);
    if (r->jsonl == NULL || r->csv == NULL) {
        return ZOO_FAILED;
    }
    if (fstat(fileno(r->csv), &st) == 0 && st.st_size == 0) {
        fprintf(r->csv, "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,lr,seconds,"
                        "samples_per_second\n");
    }
    return ZOO_GO_ON;
}

void zoo_folder_config(zoo_report *r, const json_t *start)
{
    FILE *config = open_log(r, "config.json", "we");

    if (config != NULL) {
        json_dumpf(start, config, JSON_INDENT(2));
        fputc('\n', config);
        fclose(config);
    }
}

void zoo_folder_close(zoo_report *r)
{
    if (r->jsonl != NULL) {
        fclose(r->jsonl);
    }
    if (r->csv != NULL) {
        fclose(r->csv);
    }
    r->jsonl = r->csv = NULL;
}
