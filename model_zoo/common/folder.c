/* folder.c - writes the folder of a run. A resumed run appends to the logs and repeats no epoch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "exit_codes.h"
#include "folder.h"

enum { PATH_BYTES = 4096 };

/* Writes the path of a file in the folder. Returns false, after a message, if it is too long. */
static bool path_in(const zoo_folder *f, const char *name, char *path)
{
    if (snprintf(path, PATH_BYTES, "%s/%s", f->path, name) < PATH_BYTES) {
        return true;
    }
    zoo_error(f->messages, "log-dir", "%s/%s: %s", f->path, name, strerror(ENAMETOOLONG));
    return false;
}

static FILE *open_log(const zoo_folder *f, const char *name, const char *mode)
{
    char path[PATH_BYTES];
    FILE *file = NULL;

    if (path_in(f, name, path)) {
        file = fopen(path, mode);
        if (file == NULL) {
            zoo_error(f->messages, "log-dir", "%s: %s", path, strerror(errno));
        }
    }
    return file;
}

/* ---- the folder ---- */

static int make_folder(const char *path)
{
    struct stat st;

    if (mkdir(path, 0777) == 0) {
        return 0;
    }
    if (errno == EEXIST && stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
    }
    return errno == EEXIST ? 0 : -1;
}

/* Makes every missing folder of the path. */
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

/* Returns false, after a message, if config.json names another program. */
static bool is_ours(const zoo_folder *f)
{
    char path[PATH_BYTES];
    json_t *config;
    const char *name;
    bool ours = true;

    if (!path_in(f, "config.json", path)) {
        return false;
    }
    config = json_load_file(path, 0, NULL);
    name = json_string_value(json_object_get(config, "program"));
    if (name != NULL && strcmp(name, f->messages->program) != 0) {
        zoo_error(f->messages, "usage", "--log-dir %s holds a run of %s; name another folder",
                  f->path, name);
        ours = false;
    }
    json_decref(config);
    return ours;
}

int zoo_folder_open(const zoo_folder *f)
{
    if (make_folders(f->path) != 0) {
        zoo_error(f->messages, "log-dir", "--log-dir %s: %s", f->path, strerror(errno));
        return ZOO_FAILED;
    }
    return is_ours(f) ? ZOO_GO_ON : ZOO_USAGE;
}

/* ---- the logs of a resumed run ---- */

/* Returns the step of a line of metrics.jsonl or metrics.csv, or -1 if it has none. */
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

/* Returns the offset after the lines of steps up to `step`. An incomplete last line is not counted.
 */
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

/* Drops the lines after the checkpoint: the resumed run writes them again. */
static int cut_log(const zoo_folder *f, const char *name, int64_t step)
{
    char path[PATH_BYTES];
    FILE *file;
    off_t end;

    if (!path_in(f, name, path)) {
        return ZOO_FAILED;
    }
    file = fopen(path, "re");
    if (file == NULL) { /* the run resumes into another folder, whose log is new */
        return ZOO_GO_ON;
    }
    end = end_of(file, step);
    fclose(file);
    if (truncate(path, end) != 0) {
        zoo_error(f->messages, "log-dir", "%s: %s", path, strerror(errno));
        return ZOO_FAILED;
    }
    return ZOO_GO_ON;
}

/* A new run must not mix its checkpoints with those of an old one. */
static int refuse_earlier_run(const zoo_folder *f)
{
    const char *path = dnn_find_checkpoint(f->path);

    if (path == NULL) { /* a folder that cannot be read is told when it is written to */
        return dnn_take_error() == DNN_E_NOMEM ? ZOO_FAILED : ZOO_GO_ON;
    }
    zoo_error(f->messages, "usage",
              "--log-dir %s holds an earlier run (%s): resume it with --resume, or name another "
              "folder for a new run",
              f->path, path);
    return ZOO_USAGE;
}

static int begin_logs(const zoo_folder *f, const char *from, int64_t step)
{
    int code;

    if (from == NULL) {
        return refuse_earlier_run(f);
    }
    code = cut_log(f, "metrics.jsonl", step);
    return code == ZOO_GO_ON ? cut_log(f, "metrics.csv", step) : code;
}

static bool is_empty(FILE *file)
{
    struct stat st;

    return fstat(fileno(file), &st) == 0 && st.st_size == 0;
}

int zoo_folder_start(zoo_folder *f, const char *from, int64_t step)
{
    const char *mode = from != NULL ? "ae" : "we";
    int code = begin_logs(f, from, step);

    if (code != ZOO_GO_ON) {
        return code;
    }
    f->messages->jsonl = open_log(f, "metrics.jsonl", mode);
    f->csv = open_log(f, "metrics.csv", mode);
    if (f->messages->jsonl == NULL || f->csv == NULL) {
        return ZOO_FAILED;
    }
    if (is_empty(f->csv)) {
        fprintf(f->csv, "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,lr,seconds,"
                        "samples_per_second\n");
    }
    return ZOO_GO_ON;
}

void zoo_folder_epoch(const zoo_folder *f, const zoo_epoch *e)
{
    if (f->csv == NULL) {
        return;
    }
    fprintf(f->csv, "%lld,%lld,%.9g,%.9g,%.9g,%.9g,%.9g,%.3f,%.1f\n", (long long)e->epoch,
            (long long)e->step, zoo_plain(e->train.loss), e->train.accuracy, zoo_plain(e->val.loss),
            e->val.accuracy, e->lr, e->seconds, e->samples_per_second);
    fflush(f->csv);
    fsync(fileno(f->csv));
}

void zoo_folder_config(const zoo_folder *f, const json_t *start)
{
    FILE *config = open_log(f, "config.json", "we");

    if (config != NULL) {
        char *text = zoo_json_text(start, JSON_INDENT(2));

        fprintf(config, "%s\n", text != NULL ? text : "");
        free(text);
        fclose(config);
    }
}

void zoo_folder_close(zoo_folder *f)
{
    if (f->messages->jsonl != NULL) {
        fclose(f->messages->jsonl);
    }
    if (f->csv != NULL) {
        fclose(f->csv);
    }
    f->messages->jsonl = f->csv = NULL;
}
