/* locate.c - finds the data of a program: which folders are looked at, which files a set needs, and
 * what to say when it is not there. What a folder holds is told by the contents (the reader's
 * digest), never by its name alone. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "train.h"

enum { MAX_FOLDERS = 24, MAX_NAMES = 4, PATH_BYTES = 4096 };

struct set_row { /* a data set that programs can name */
    const char *name, *title, *reader, *hint;
    const char *files[6]; /* any one present: it is here; all are wanted. Plain or with .gz */
    bool any;             /* one of the files is enough */
};

static const struct set_row sets[] = {
    {"mnist",
     "MNIST",
     "mnist",
     "use --dataset fashion-mnist (Debian and Ubuntu: apt install dataset-fashion-mnist)",
     {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
      "t10k-labels-idx1-ubyte"},
     false},
    {"fashion-mnist",
     "Fashion-MNIST",
     "mnist",
     "install it (Debian and Ubuntu: apt install dataset-fashion-mnist)",
     {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
      "t10k-labels-idx1-ubyte"},
     false},
    {"cifar10",
     "CIFAR-10",
     "cifar10",
     "name its folder with --data DIR",
     {"cifar-10-binary.tar.gz", "cifar-10-binary.tar", "data_batch_1.bin", "cifar-10-batches-bin"},
     true},
    {"cifar100",
     "CIFAR-100",
     "cifar100",
     "name its folder with --data DIR",
     {"cifar-100-binary.tar.gz", "cifar-100-binary.tar", "train.bin", "cifar-100-binary"},
     true},
};

struct search {
    const zoo_program *program;
    const zoo_options *options;
    zoo_report *report;
    const struct set_row *wanted[MAX_NAMES];
    int n_wanted;
    char folder[MAX_FOLDERS][PATH_BYTES];
    int n_folders;
};

static const struct set_row *set_named(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (strlen(sets[i].name) == length && strncmp(sets[i].name, name, length) == 0) {
            return &sets[i];
        }
    }
    return NULL;
}

static int unknown_set(const struct search *s, const char *name, int length)
{
    char there[400] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof sets / sizeof sets[0] && n < sizeof there; i++) {
        n += (size_t)snprintf(there + n, sizeof there - n, "%s %s", i > 0 ? "," : "", sets[i].name);
    }
    zoo_report_error(s->report, "usage", "--dataset %.*s: no data set of that name; there are%s",
                     length, name, there);
    return ZOO_USAGE;
}

static int read_names(struct search *s)
{
    const char *at = s->options->dataset;

    while (*at != 0) {
        size_t length = strcspn(at, ",");
        const struct set_row *row = set_named(at, length);

        if (row == NULL || s->n_wanted == MAX_NAMES) {
            return unknown_set(s, at, (int)length);
        }
        s->wanted[s->n_wanted++] = row;
        at += length + (at[length] == ',');
    }
    return s->n_wanted > 0 ? ZOO_GO_ON : ZOO_USAGE;
}

static void add_folder(struct search *s, const char *fmt, ...)
{
    va_list list;
    int n;

    if (s->n_folders == MAX_FOLDERS) {
        return;
    }
    va_start(list, fmt);
    n = vsnprintf(s->folder[s->n_folders], PATH_BYTES, fmt, list);
    va_end(list);
    if (n > 0 && n < PATH_BYTES) {
        s->n_folders++;
    }
}

/* --data alone; else DNN_DATA_DIR, ./data, the cache folder of the user, the system's data sets. */
static void list_folders(struct search *s)
{
    const char *list = getenv("DNN_DATA_DIR"), *cache = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");

    if (s->options->data != NULL) {
        add_folder(s, "%s", s->options->data);
        return;
    }
    while (list != NULL && *list != 0) {
        size_t length = strcspn(list, ":");

        if (length > 0) {
            add_folder(s, "%.*s", (int)length, list);
        }
        list += length + (list[length] == ':');
    }
    add_folder(s, "./data");
    if (cache != NULL && cache[0] == '/') {
        add_folder(s, "%s/dnn/datasets", cache);
    } else if (home != NULL && home[0] == '/') {
        add_folder(s, "%s/.cache/dnn/datasets", home);
    }
    add_folder(s, "/usr/local/share/datasets");
    add_folder(s, "/usr/share/datasets");
}

static bool is_there(const char *folder, const char *file)
{
    char path[PATH_BYTES];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", folder, file);

    if (n < 0 || n >= (int)sizeof path - 3) {
        return false;
    }
    if (stat(path, &st) == 0) {
        return true;
    }
    memcpy(path + n, ".gz", 4);
    return stat(path, &st) == 0;
}

static int count_files(const struct set_row *row, const char *folder)
{
    int n = 0;

    for (int i = 0; i < 6 && row->files[i] != NULL; i++) {
        n += is_there(folder, row->files[i]);
    }
    return n;
}

static int fail_open(const struct search *s, zoo_data *out)
{
    zoo_report_error(s->report, "data", "%s", dnn_error_message());
    if (dnn_scope_status() == DNN_E_NOMEM) {
        zoo_data_close(out);
        return ZOO_FAILED;
    }
    zoo_data_close(out);
    return ZOO_DATA;
}

static const struct set_row *among_wanted(const struct search *s, const char *name)
{
    for (int i = 0; i < s->n_wanted; i++) {
        if (strcmp(s->wanted[i]->name, name) == 0) {
            return s->wanted[i];
        }
    }
    return NULL;
}

/* Opens the folder and holds what it is against what was asked for. ZOO_DONE: open. ZOO_GO_ON:
 * another set, look on. */
static int open_folder(const struct search *s, const struct set_row *row, const char *folder,
                       bool named_after, zoo_data *out)
{
    const char *name;

    /* The reader by name: one folder may hold both CIFAR-10 and CIFAR-100. */
    out->test = dnn_dataset_open(folder, .split = "test", .reader = row->reader);
    if (out->test == NULL) {
        return fail_open(s, out);
    }
    name = dnn_dataset_name(out->test);
    out->name = row->name;
    if (name != NULL && strcmp(name, row->name) != 0) {
        const struct set_row *other = among_wanted(s, name);

        if (named_after || s->options->data != NULL) {
            if (other == NULL || named_after) {
                zoo_report_error(s->report, "data", "%s holds %s by its contents, not %s", folder,
                                 name, row->name);
                zoo_data_close(out);
                return ZOO_DATA;
            }
        }
        if (other == NULL) {
            zoo_data_close(out);
            return ZOO_GO_ON;
        }
        out->name = other->name;
    }
    out->train = dnn_dataset_open(folder, .split = "train", .reader = row->reader);
    if (out->train == NULL) {
        return fail_open(s, out);
    }
    snprintf(out->path, sizeof out->path, "%s", folder);
    if (name == NULL && !s->options->quiet) {
        fprintf(stderr,
                "%s: the files in %s are not the published %s by their digest; used all the same\n",
                s->program->name, folder, row->title);
    }
    return ZOO_DONE;
}

static int look_for(const struct search *s, const struct set_row *row, zoo_data *out)
{
    char sub[PATH_BYTES + 40];

    for (int i = 0; i < s->n_folders; i++) {
        int code = ZOO_GO_ON;

        if (count_files(row, s->folder[i]) > 0) {
            code = open_folder(s, row, s->folder[i], false, out);
        }
        if (code != ZOO_GO_ON) {
            return code;
        }
        snprintf(sub, sizeof sub, "%s/%s", s->folder[i], row->name);
        if (count_files(row, sub) > 0) {
            code = open_folder(s, row, sub, true, out);
        }
        if (code != ZOO_GO_ON) {
            return code;
        }
    }
    return ZOO_GO_ON;
}

static void put_missing(const struct search *s, FILE *to)
{
    const struct set_row *row = s->wanted[0];

    fprintf(to, "%s is not here.\n  looked in ", row->title);
    for (int i = 0; i < s->n_folders; i++) {
        fprintf(to, " %s", s->folder[i]);
        for (int k = 0; k < s->n_wanted; k++) {
            fprintf(to, " %s/%s", s->folder[i], s->wanted[k]->name);
        }
    }
    fprintf(to, "%s\n  missing   ",
            getenv("DNN_DATA_DIR") == NULL && s->options->data == NULL
                ? "   (DNN_DATA_DIR is not set)"
                : "");
    for (int i = 0; i < 6 && row->files[i] != NULL; i++) {
        fprintf(to, "%s%s", i == 0 ? " " : row->any ? " or " : ", ", row->files[i]);
    }
    fprintf(to, "%s\n  put it there, or %s", row->any ? "" : " (or each with .gz)", row->hint);
}

static void say_missing(const struct search *s)
{
    char *text = NULL;
    size_t bytes;
    FILE *to = open_memstream(&text, &bytes);

    if (to != NULL) {
        put_missing(s, to);
        fclose(to);
    }
    zoo_report_error(s->report, "data", "%s", text != NULL ? text : "the data is not here");
    free(text);
}

int zoo_locate(const zoo_program *program, const zoo_options *options, zoo_report *report,
               zoo_data *out)
{
    static struct search s; /* too large for a stack frame; one search per program */
    int code;

    s = (struct search){.program = program, .options = options, .report = report};
    *out = (zoo_data){0};
    code = read_names(&s);
    if (code != ZOO_GO_ON) {
        return code;
    }
    list_folders(&s);
    for (int i = 0; i < s.n_wanted; i++) {
        code = look_for(&s, s.wanted[i], out);
        if (code == ZOO_DONE) {
            if (strcmp(out->name, s.wanted[0]->name) != 0 && !options->quiet) {
                fprintf(stderr, "%s: %s is not here; using %s in %s\n", program->name,
                        s.wanted[0]->title, out->name, out->path);
            }
            return ZOO_GO_ON;
        }
        if (code != ZOO_GO_ON) {
            return code;
        }
    }
    say_missing(&s);
    return ZOO_DATA;
}

int64_t zoo_data_classes(const zoo_data *data)
{
    const char *const *names = dnn_dataset_labels(data->train);
    int64_t n = 0;

    while (names != NULL && names[n] != NULL) {
        n++;
    }
    return n;
}

void zoo_data_close(zoo_data *data)
{
    dnn_dataset_release(data->train);
    dnn_dataset_release(data->test);
    data->train = data->test = NULL;
}
