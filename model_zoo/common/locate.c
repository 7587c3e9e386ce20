/* locate.c - finds the data of a run: searches folders for a wanted data set. The reader identifies
 * a data set by a digest of its contents, not by the name of its folder. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "data_sets.h"
#include "exit_codes.h"
#include "locate.h"

enum { MAX_FOLDERS = 24, MAX_NAMES = 4, PATH_BYTES = 4096 };

struct search {
    const zoo_options *options;
    zoo_messages *messages;
    const zoo_data_set *wanted[MAX_NAMES]; /* in the order of --dataset */
    int n_wanted;
    char folder[MAX_FOLDERS][PATH_BYTES]; /* in the order of the search */
    int n_folders;
};

/* ---- the data sets to look for ---- */

static int unknown_set(const struct search *s, const char *name, int length)
{
    const zoo_data_set *set;
    char there[400] = "";
    size_t n = 0;

    for (size_t i = 0; n < sizeof there && (set = zoo_data_set_at(i)) != NULL; i++) {
        n += (size_t)snprintf(there + n, sizeof there - n, "%s %s", i > 0 ? "," : "", set->name);
    }
    if (length == 0) {
        zoo_error(s->messages, "usage", "--dataset \"%s\": a name is empty; there are%s",
                  s->options->dataset, there);
    } else {
        zoo_error(s->messages, "usage", "--dataset %.*s: no data set of that name; there are%s",
                  length, name, there);
    }
    return ZOO_USAGE;
}

static int read_names(struct search *s)
{
    const char *at = s->options->dataset;

    while (*at != 0) {
        size_t length = strcspn(at, ",");
        const zoo_data_set *set = zoo_data_set_named(at, length);

        if (set == NULL) {
            return unknown_set(s, at, (int)length);
        }
        if (s->n_wanted == MAX_NAMES) {
            zoo_error(s->messages, "usage", "--dataset %s: more than %d names", s->options->dataset,
                      MAX_NAMES);
            return ZOO_USAGE;
        }
        s->wanted[s->n_wanted++] = set;
        at += length + (at[length] == ',');
    }
    return s->n_wanted > 0 ? ZOO_GO_ON : unknown_set(s, "", 0);
}

/* Returns the wanted data set of that name, or NULL. */
static const zoo_data_set *wanted_named(const struct search *s, const char *name)
{
    for (int i = 0; i < s->n_wanted; i++) {
        if (strcmp(s->wanted[i]->name, name) == 0) {
            return s->wanted[i];
        }
    }
    return NULL;
}

/* ---- the folders to search ---- */

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

/* Adds the folders of DNN_DATA_DIR, a list with colons. */
static void add_data_dir(struct search *s)
{
    const char *list = getenv("DNN_DATA_DIR");

    while (list != NULL && *list != 0) {
        size_t length = strcspn(list, ":");

        if (length > 0) {
            add_folder(s, "%.*s", (int)length, list);
        }
        list += length + (list[length] == ':');
    }
}

static void add_user_cache(struct search *s)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (cache != NULL && cache[0] == '/') {
        add_folder(s, "%s/dnn/datasets", cache);
    } else if (home != NULL && home[0] == '/') {
        add_folder(s, "%s/.cache/dnn/datasets", home);
    }
}

static void list_folders(struct search *s)
{
    if (s->options->data != NULL) {
        add_folder(s, "%s", s->options->data);
        return;
    }
    add_data_dir(s);
    add_folder(s, "./data");
    add_user_cache(s);
    add_folder(s, "/usr/local/share/datasets");
    add_folder(s, "/usr/share/datasets");
}

/* ---- opening a folder ---- */

static int fail_open(const struct search *s, zoo_data *out)
{
    int code = dnn_take_error() == DNN_E_NOMEM ? ZOO_FAILED : ZOO_DATA;

    zoo_error(s->messages, "data", "%s", dnn_error_message());
    zoo_data_close(out);
    return code;
}

/* Called if the reader found another data set, `name`, than the one searched for. Accepts it if it
 * is wanted too; else skips the folder, or refuses it. */
static int accept_other(const struct search *s, const zoo_data_set *set, const char *folder,
                        bool named_after, const char *name, zoo_data *out)
{
    const zoo_data_set *other = wanted_named(s, name);

    if (named_after || (s->options->data != NULL && other == NULL)) {
        zoo_error(s->messages, "data", "%s holds %s by its contents, not %s", folder, name,
                  set->name);
        return ZOO_DATA;
    }
    if (other == NULL) {
        return ZOO_GO_ON;
    }
    out->name = other->name;
    return ZOO_DONE;
}

/* Opens the data set in the folder. named_after: the folder has the name of the set. Returns
 * ZOO_DONE if it is open, ZOO_GO_ON if the folder holds a data set that is not wanted. */
static int open_folder(const struct search *s, const zoo_data_set *set, const char *folder,
                       bool named_after, zoo_data *out)
{
    const char *name;

    /* The reader is named because one folder may hold both CIFAR-10 and CIFAR-100. */
    out->test = dnn_dataset_open(folder, .split = "test", .reader = set->reader);
    if (out->test == NULL) {
        return fail_open(s, out);
    }
    name = dnn_dataset_name(out->test);
    out->name = set->name;
    if (name != NULL && strcmp(name, set->name) != 0) {
        int code = accept_other(s, set, folder, named_after, name, out);

        if (code != ZOO_DONE) {
            zoo_data_close(out);
            return code;
        }
    }
    out->train = dnn_dataset_open(folder, .split = "train", .reader = set->reader);
    if (out->train == NULL) {
        return fail_open(s, out);
    }
    snprintf(out->path, sizeof out->path, "%s", folder);
    if (name == NULL) {
        zoo_notice(s->messages,
                   "the digest of the files in %s is not that of the published %s; using them "
                   "anyway",
                   folder, set->title);
    }
    return ZOO_DONE;
}

/* Opens the set in a folder below `folder`, if it is there. */
static int open_below(const struct search *s, const zoo_data_set *set, const char *folder,
                      const char *below, zoo_data *out)
{
    char sub[PATH_BYTES + 40];

    snprintf(sub, sizeof sub, "%s/%s", folder, below);
    return zoo_data_set_in(set, sub) ? open_folder(s, set, sub, true, out) : ZOO_GO_ON;
}

/* Tries each folder, and in it the folders that are named after the set. */
static int search_folders(const struct search *s, const zoo_data_set *set, zoo_data *out)
{
    for (int i = 0; i < s->n_folders; i++) {
        int code = ZOO_GO_ON;

        if (zoo_data_set_in(set, s->folder[i])) {
            code = open_folder(s, set, s->folder[i], false, out);
        }
        if (code == ZOO_GO_ON) {
            code = open_below(s, set, s->folder[i], set->name, out);
        }
        if (code == ZOO_GO_ON) {
            code = open_below(s, set, s->folder[i], set->folder, out);
        }
        if (code != ZOO_GO_ON) {
            return code;
        }
    }
    return ZOO_GO_ON;
}

/* ---- no data ---- */

static void print_missing(const struct search *s, FILE *to)
{
    const zoo_data_set *set = s->wanted[0];

    fprintf(to, "%s is not here.\n  looked in ", set->title);
    for (int i = 0; i < s->n_folders; i++) {
        fprintf(to, " %s", s->folder[i]);
        for (int k = 0; k < s->n_wanted; k++) {
            fprintf(to, " %s/%s %s/%s", s->folder[i], s->wanted[k]->name, s->folder[i],
                    s->wanted[k]->folder);
        }
    }
    fprintf(to, "%s\n  missing   ",
            getenv("DNN_DATA_DIR") == NULL && s->options->data == NULL
                ? "   (DNN_DATA_DIR is not set)"
                : "");
    for (int i = 0; i < ZOO_SET_FILES && set->files[i] != NULL; i++) {
        fprintf(to, "%s%s", i == 0 ? " " : set->any ? " or " : ", ", set->files[i]);
    }
    fprintf(to, "%s\n  put it in one of these folders, or name its folder with --data DIR\n  %s",
            set->any ? "" : " (or each with .gz)", set->hint);
    for (int i = 0; set->other != NULL && i < s->n_folders; i++) {
        if (zoo_data_set_has(s->folder[i], set->other)) {
            fprintf(to, "\n  %s/%s is the Python version; the binary version is needed: %s",
                    s->folder[i], set->other, set->files[0]);
        }
    }
}

static int fail_missing(const struct search *s)
{
    char *text = NULL;
    size_t bytes;
    FILE *to = open_memstream(&text, &bytes);

    if (to != NULL) {
        print_missing(s, to);
        fclose(to);
    }
    zoo_error(s->messages, "data", "%s", text != NULL ? text : "the data is not here");
    free(text);
    return ZOO_DATA;
}

/* ---- the search ---- */

int zoo_locate(const zoo_options *options, zoo_messages *messages, zoo_data *out)
{
    static struct search s; /* too large for a stack frame; a program searches once */
    int code;

    s = (struct search){.options = options, .messages = messages};
    *out = (zoo_data){0};
    code = read_names(&s);
    if (code != ZOO_GO_ON) {
        return code;
    }
    list_folders(&s);
    for (int i = 0; i < s.n_wanted && code == ZOO_GO_ON; i++) {
        code = search_folders(&s, s.wanted[i], out);
    }
    if (code != ZOO_DONE) {
        return code == ZOO_GO_ON ? fail_missing(&s) : code;
    }
    if (strcmp(out->name, s.wanted[0]->name) != 0) {
        zoo_notice(messages, "%s is not here; using %s in %s", s.wanted[0]->title, out->name,
                   out->path);
    }
    return ZOO_GO_ON;
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
    dnn_release(data->train);
    dnn_release(data->test);
    data->train = data->test = NULL;
}
