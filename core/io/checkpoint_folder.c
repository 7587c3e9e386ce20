/* checkpoint_folder.c - the checkpoints in a folder: their file names, the search for the newest
 * complete one, and the removal of old ones. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "checkpoint_folder.h"
#include "checkpoint_layout.h"

enum { KEPT = 2 }; /* dnn_save_checkpoint promises the two newest */

void dnn__checkpoint_name(char *text, size_t bytes, int64_t step)
{
    snprintf(text, bytes, "ckpt-%08lld.safetensors", (long long)step);
}

/* Reads the step from a file name. Returns false if the name is not that of a checkpoint. */
static bool read_name(const char *name, int64_t *step)
{
    char again[64];

    if (strncmp(name, "ckpt-", 5) != 0 || name[5] < '0' || name[5] > '9') {
        return false;
    }
    errno = 0;
    *step = strtoll(name + 5, NULL, 10);
    dnn__checkpoint_name(again, sizeof again, *step);
    return errno == 0 && strcmp(again, name) == 0;
}

static int newest_first(const void *pa, const void *pb)
{
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

    return a > b ? -1 : a < b;
}

struct steps { /* steps of the checkpoints in a folder, the highest first */
    int64_t *item, n, capacity;
};

static dnn_status failed(const char *folder, const char *call)
{
    return dnn__fail(errno == ENOMEM ? DNN_E_NOMEM : DNN_E_IO, "%s: %s: %s", folder, call,
                     strerror(errno));
}

static dnn_status read_folder(DIR *dir, const char *folder, struct steps *out)
{
    struct dirent *entry;
    int64_t step;

    for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
        if (read_name(entry->d_name, &step)) {
            DNN_TRY(dnn__reserve((void **)&out->item, &out->capacity, out->n + 1, sizeof *out->item,
                                 folder));
            out->item[out->n++] = step;
        }
    }
    return errno == 0 ? DNN_OK : failed(folder, "read of the folder");
}

static dnn_status list_steps(const char *folder, struct steps *out)
{
    DIR *dir = opendir(folder);
    dnn_status st;

    if (dir == NULL) {
        return failed(folder, "open");
    }
    st = read_folder(dir, folder, out);
    closedir(dir);
    if (st == DNN_OK && out->n > 1) {
        qsort(out->item, (size_t)out->n, sizeof *out->item, newest_first);
    }
    return st;
}

/* ---- the newest complete checkpoint ---- */

static dnn_status validate(const char *path)
{
    dnn_file *file = dnn_file_open(path);
    dnn_status st = file != NULL ? dnn__checkpoint_check(file) : dnn__take();

    if (st == DNN_OK) {
        st = dnn_file_verify(file);
    }
    dnn_release(file);
    return st;
}

/* Returns "folder/ckpt-00001200.safetensors", a text of the scope; NULL: an error is pending. */
static char *path_of(const char *folder, int64_t step)
{
    char name[64], *path;

    dnn__checkpoint_name(name, sizeof name, step);
    path = dnn__scope_text(strlen(folder) + strlen(name) + 2);
    if (path != NULL) {
        snprintf(path, strlen(folder) + strlen(name) + 2, "%s/%s", folder, name);
    }
    return path;
}

/* Sets *out to the path of the newest checkpoint that passes the checks; NULL: the folder has none.
 * Out of memory ends the search, because it says nothing about the file. */
static dnn_status find_usable(const dnn_find_checkpoint_args *args, const struct steps *steps,
                              char **out)
{
    for (int64_t i = 0; i < steps->n; i++) {
        char *path = path_of(args->folder, steps->item[i]);
        dnn_status st = path != NULL ? validate(path) : dnn__take();

        if (st == DNN_OK) {
            *out = path;
        }
        if (st == DNN_OK || st == DNN_E_NOMEM) {
            return st;
        }
        if (args->passed_over != NULL) {
            args->passed_over(args->ctx, dnn_error_message());
        }
    }
    return steps->n == 0 ? DNN_OK
                         : dnn__fail(DNN_E_IO, "%s: none of the %s checkpoints can be used",
                                     args->folder, dnn__number_text(steps->n));
}

const char *dnn_find_checkpoint_with(dnn_find_checkpoint_args args)
{
    struct steps steps = {0};
    char *path = NULL;
    dnn_status st;

    if (!dnn__ready("dnn_find_checkpoint", args.folder)) {
        return NULL;
    }
    st = list_steps(args.folder, &steps);
    if (st == DNN_OK) {
        st = find_usable(&args, &steps, &path);
    }
    dnn__free(steps.item);
    return st == DNN_OK ? path : dnn__null(st);
}

/* ---- removal ---- */

static void remove_file(int dir, const char *folder, const char *name)
{
    if (unlinkat(dir, name, 0) != 0) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s/%s could not be removed: %s", folder, name,
                 strerror(errno));
    }
}

static void remove_old(int dir, const char *folder, int64_t step)
{
    struct steps steps = {0};
    char name[64];
    int kept = 0;

    if (list_steps(folder, &steps) != DNN_OK) {
        dnn__log(DNN_LOG_WARN, "libdnn: old checkpoints are not removed: %s", dnn_error_message());
    }
    for (int64_t i = 0; i < steps.n; i++) {
        if (steps.item[i] <= step && kept++ >= KEPT) {
            dnn__checkpoint_name(name, sizeof name, steps.item[i]);
            remove_file(dir, folder, name);
        }
    }
    dnn__free(steps.item);
}

/* Is this the temporary file of a process that has ended? ".NAME.safetensors.tmp-PID-NUMBER" */
static bool is_leftover(const char *name)
{
    static const char mark[] = ".safetensors.tmp-";
    const char *at = name[0] == '.' ? strstr(name, mark) : NULL;
    long pid = at != NULL ? strtol(at + sizeof mark - 1, NULL, 10) : 0;

    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void remove_leftovers(int fd, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (is_leftover(entry->d_name)) {
            remove_file(fd, folder, entry->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

void dnn__checkpoint_prune(const char *folder, int64_t step)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0) {
        dnn__log(DNN_LOG_WARN, "libdnn: old checkpoints in %s are not removed: %s", folder,
                 strerror(errno));
        return;
    }
    remove_old(dir, folder, step);
    remove_leftovers(dir, folder);
    close(dir);
}
