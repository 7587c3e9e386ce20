/* search.c - the environment and the folders: the words of DNN_BACKEND, DNN_DISABLE and
 * DNN_FALLBACK, the plugin folders in their order, the files in a folder. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "plugin_impl.h"

static char *backend_list; /* the value of DNN_BACKEND or dnn_init; NULL: unset */
static int fallback_mode;

enum { MAX_FOLDERS = 32, MAX_PATH = 4096 };
static char *folders[MAX_FOLDERS];
static int n_folders;

/* ---- the environment ---- */

const char *dnn__next_word(const char *at, char separator, char *word, size_t bytes)
{
    const char set[] = {separator, 0};
    size_t length;

    at += strspn(at, set);
    if (*at == 0) {
        return NULL;
    }
    length = strcspn(at, set);
    snprintf(word, bytes, "%.*s", (int)length, at);
    return at + length;
}

bool dnn__disabled(const char *plugin, const char *op)
{
    const char *at = secure_getenv("DNN_DISABLE");
    char word[128], both[128];

    snprintf(both, sizeof both, "%s:%s", plugin, op != NULL ? op : "");
    while (at != NULL && (at = dnn__next_word(at, ',', word, sizeof word)) != NULL) {
        if (strcmp(word, op != NULL ? both : plugin) == 0) {
            return true;
        }
    }
    return false;
}

const char *dnn__backend_list(void)
{
    return backend_list;
}

bool dnn__names_backend(const char *id)
{
    const char *at = backend_list;
    char word[64];

    while (at != NULL && (at = dnn__next_word(at, ',', word, sizeof word)) != NULL) {
        if (strcmp(word, id) == 0) {
            return true;
        }
    }
    return false;
}

int dnn__fallback_mode(void)
{
    return fallback_mode;
}

static dnn_status read_fallback(void)
{
    const char *word = secure_getenv("DNN_FALLBACK");

    fallback_mode = backend_list != NULL && !dnn__names_backend("cpu_blas") ? DNN__FALLBACK_ERROR
                                                                            : DNN__FALLBACK_WARN;
    if (word == NULL || *word == 0) {
        return DNN_OK;
    }
    if (strcmp(word, "error") == 0) {
        fallback_mode = DNN__FALLBACK_ERROR;
    } else if (strcmp(word, "warn") == 0) {
        fallback_mode = DNN__FALLBACK_WARN;
    } else if (strcmp(word, "allow") == 0) {
        fallback_mode = DNN__FALLBACK_ALLOW;
    } else {
        return dnn__fail(DNN_E_DEVICE, "DNN_FALLBACK=%s: not one of error, warn, allow", word);
    }
    return DNN_OK;
}

/* ---- folders ---- */

static dnn_status add_folder(const char *path, size_t length)
{
    char *folder;

    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    for (int i = 0; i < n_folders; i++) {
        if (strlen(folders[i]) == length && memcmp(folders[i], path, length) == 0) {
            return DNN_OK;
        }
    }
    if (length > MAX_PATH) {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: a plugin folder whose name has %zu bytes, more than %d, is skipped",
                 length, MAX_PATH);
        return DNN_OK;
    }
    if (n_folders == MAX_FOLDERS) {
        dnn__log(DNN_LOG_WARN, "libdnn: more than %d plugin folders; %.*s is skipped", MAX_FOLDERS,
                 (int)length, path);
        return DNN_OK;
    }
    folder = dnn__alloc(length + 1);
    if (folder == NULL) {
        return dnn__nomem("plugin folders", length + 1);
    }
    memcpy(folder, path, length);
    folder[length] = 0;
    folders[n_folders++] = folder;
    return DNN_OK;
}

static dnn_status add_environment_folders(void)
{
    const char *at = secure_getenv("DNN_PLUGIN_PATH");

    while (at != NULL && *at != 0) {
        size_t length = strcspn(at, ":");

        if (at[0] == '/') {
            DNN_TRY(add_folder(at, length));
        } else {
            dnn__log(DNN_LOG_WARN,
                     "libdnn: DNN_PLUGIN_PATH: \"%.*s\" is refused: folders must be absolute",
                     (int)length, at);
        }
        at += length + (at[length] == ':');
    }
    return DNN_OK;
}

static dnn_status add_folder_beside_us(void)
{
    char path[4200];
    char *resolved, *slash;
    const char *us;
    void *map = NULL;
    Dl_info info;
    dnn_status status = DNN_OK;

    if (dladdr1(__extension__(void *) add_folder_beside_us, &info, &map, RTLD_DL_LINKMAP) == 0 ||
        info.dli_fname == NULL) {
        return DNN_OK;
    }
    /* If libdnn is linked into the program, its link map has no name, and argv[0] may be relative.
     */
    us = ((struct link_map *)map)->l_name[0] == 0 ? "/proc/self/exe" : info.dli_fname;
    if (us[0] != '/') {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: its own path \"%s\" is relative: the folders beside it are not searched "
                 "for plugins",
                 us);
        return DNN_OK;
    }
    resolved = realpath(us, NULL);
    if (resolved == NULL) {
        return DNN_OK;
    }
    slash = strrchr(resolved, '/');
    if (slash != NULL && snprintf(path, sizeof path, "%.*s/dnn/plugins", (int)(slash - resolved),
                                  resolved) < (int)sizeof path) {
        status = add_folder(path, strlen(path));
    }
    free(resolved);
    return status;
}

static dnn_status find_folders(void)
{
    DNN_TRY(add_environment_folders());
    DNN_TRY(add_folder_beside_us());
    return add_folder(DNN__PLUGIN_DIR, strlen(DNN__PLUGIN_DIR));
}

const char *dnn__folder_at(int index)
{
    return index >= 0 && index < n_folders ? folders[index] : NULL;
}

dnn_status dnn__search_for(const char *list)
{
    if (list == NULL || *list == 0) {
        return DNN_OK;
    }
    backend_list = dnn__strdup(list);
    return backend_list != NULL ? DNN_OK : dnn__nomem("DNN_BACKEND", strlen(list));
}

dnn_status dnn__search_begin(void)
{
    DNN_TRY(read_fallback());
    return find_folders();
}

bool dnn__search_begun(void)
{
    return n_folders > 0 || backend_list != NULL;
}

void dnn__search_forget(void)
{
    for (int i = 0; i < n_folders; i++) {
        dnn__free(folders[i]);
    }
    n_folders = 0;
    dnn__free(backend_list);
    backend_list = NULL;
}

/* ---- the files of a folder ---- */

bool dnn__file_exists(const char *path)
{
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static bool in_earlier_folder(const char *name, int folder)
{
    char path[MAX_PATH + 512];

    for (int i = 0; i < folder; i++) {
        snprintf(path, sizeof path, "%s/%s", folders[i], name);
        if (dnn__file_exists(path)) {
            return true;
        }
    }
    return false;
}

void dnn__put_known_ids(dnn__text *text)
{
    for (int i = 0; i < n_folders; i++) {
        DIR *dir = opendir(folders[i]);
        struct dirent *entry;

        while (dir != NULL && (entry = readdir(dir)) != NULL) {
            size_t n = strlen(entry->d_name);

            if (n > 7 && strncmp(entry->d_name, "dnn_", 4) == 0 &&
                strcmp(entry->d_name + n - 3, ".so") == 0 && !in_earlier_folder(entry->d_name, i)) {
                dnn__put(text, " %.*s", (int)(n - 7), entry->d_name + 4);
            }
        }
        if (dir != NULL) {
            closedir(dir);
        }
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static dnn_status collect(const char *folder, char ***names, int64_t *n, int64_t *capacity)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    dnn_status st = DNN_OK;

    while (dir != NULL && st == DNN_OK && (entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);

        if (length <= 7 || strncmp(entry->d_name, "dnn_", 4) != 0 ||
            strcmp(entry->d_name + length - 3, ".so") != 0) {
            continue;
        }
        st = dnn__reserve((void **)names, capacity, *n + 1, sizeof **names, "plugins");
        if (st == DNN_OK && ((*names)[*n] = dnn__strdup(entry->d_name)) == NULL) {
            st = dnn__nomem("plugins", length);
        }
        *n += st == DNN_OK;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return st;
}

dnn_status dnn__each_plugin_file(const char *folder,
                                 dnn_status (*fn)(const char *folder, const char *name))
{
    char **names = NULL;
    int64_t n = 0, capacity = 0;
    dnn_status st = collect(folder, &names, &n, &capacity);

    if (n > 0) {
        qsort(names, (size_t)n, sizeof *names, compare_names);
    }
    for (int64_t i = 0; i < n; i++) {
        if (st == DNN_OK) {
            st = fn(folder, names[i]);
        }
        dnn__free(names[i]);
    }
    dnn__free(names);
    return st;
}
