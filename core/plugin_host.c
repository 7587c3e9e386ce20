/* plugin_host.c - starting and stopping the library: what the environment asks for, where plugins
 * are looked for, which are taken, and the table of functions that they get. Everything learned on
 * the way is kept for dnn_backend_at. Linux: /proc and ELF are used here and in plugin_check.c
 * alone. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "plan.h"
#include "plugins.h"

atomic_bool dnn__running;
dnn__plugin **dnn__plugins;
int64_t dnn__n_plugins;

static int64_t cap_plugins;
/* Tells a thread that holds it: a plugin's init, or a log callback, that calls back into the
 * library gets an error. */
static pthread_mutex_t start_lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static char *backend_list; /* what DNN_BACKEND said, or NULL: unset */
static int fallback_mode;

enum { MAX_FOLDERS = 32 };
static char *folders[MAX_FOLDERS];
static int n_folders;

/* ---- what was looked at ---- */

static dnn__looked **all_looked;
static int64_t n_looked, cap_looked;

dnn_status dnn__looked_add(const char *path, bool reader, dnn__looked **out)
{
    dnn__looked *l;

    DNN_TRY(dnn__reserve((void **)&all_looked, &cap_looked, n_looked + 1, sizeof *all_looked,
                         "plugins"));
    l = dnn__calloc(1, sizeof *l);
    if (l == NULL || (l->path = dnn__strdup(path)) == NULL) {
        dnn__free(l);
        return dnn__nomem("plugins", sizeof *l);
    }
    l->reader = reader;
    all_looked[n_looked++] = l;
    *out = l;
    return DNN_OK;
}

dnn_status dnn__looked_reason(dnn__looked *looked, const char *reason)
{
    dnn__free(looked->reason);
    looked->reason = dnn__strdup(reason);
    return looked->reason != NULL ? DNN_OK : dnn__nomem("plugins", strlen(reason) + 1);
}

dnn__looked *dnn__looked_at(int64_t index)
{
    return index >= 0 && index < n_looked ? all_looked[index] : NULL;
}

int64_t dnn__looked_count(void)
{
    return n_looked;
}

const char *dnn__folder_at(int index)
{
    return index >= 0 && index < n_folders ? folders[index] : NULL;
}

static void forget_looked(void)
{
    for (int64_t i = 0; i < n_looked; i++) {
        dnn__looked *l = all_looked[i];

        for (int64_t k = 0; k < l->n_skipped; k++) {
            dnn__free(l->skipped[k].kernel);
            dnn__free(l->skipped[k].reason);
        }
        dnn__free(l->skipped);
        dnn__free(l->path);
        dnn__free(l->reason);
        dnn__free(l->version);
        dnn__free(l->build);
        dnn__free(l->device);
        dnn__free(l);
    }
    dnn__free(all_looked);
    all_looked = NULL;
    n_looked = cap_looked = 0;
}

/* ---- the environment ---- */

/* The next word of a list into word, and where to go on; NULL at the end. Empty words are passed
 * over. */
static const char *next_word(const char *at, char separator, char *word, size_t bytes)
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
    while (at != NULL && (at = next_word(at, ',', word, sizeof word)) != NULL) {
        if (strcmp(word, op != NULL ? both : plugin) == 0) {
            return true;
        }
    }
    return false;
}

static bool names_backend(const char *id)
{
    const char *at = backend_list;
    char word[64];

    while (at != NULL && (at = next_word(at, ',', word, sizeof word)) != NULL) {
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

    fallback_mode = backend_list != NULL && !names_backend("cpu_blas") ? DNN__FALLBACK_ERROR
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

enum { MAX_PATH = 4096 };

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
                 "libdnn: a plugin folder whose name has %zu bytes, more than %d, is passed over",
                 length, MAX_PATH);
        return DNN_OK;
    }
    if (n_folders == MAX_FOLDERS) {
        dnn__log(DNN_LOG_WARN, "libdnn: more than %d plugin folders; %.*s is passed over",
                 MAX_FOLDERS, (int)length, path);
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
    /* The map of the program itself, if libdnn is linked into it, has no name, and argv[0] may be
     * relative. */
    us = ((struct link_map *)map)->l_name[0] == 0 ? "/proc/self/exe" : info.dli_fname;
    if (us[0] != '/') {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: it was loaded as \"%s\", which is relative: no plugins are looked for "
                 "beside it",
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

void dnn__put_search(dnn__text *text)
{
    dnn__put(text, "Looked for dnn_cpu_blas.so in");
    for (int i = 0; i < n_folders; i++) {
        dnn__put(text, "%s %s", i > 0 ? "," : "", folders[i]);
    }
    for (int64_t i = 0; i < n_looked; i++) {
        if (all_looked[i]->reason != NULL &&
            strstr(all_looked[i]->path, "/dnn_cpu_blas.so") != NULL) {
            dnn__put(text, "; %s", all_looked[i]->reason);
        }
    }
    dnn__put(text, "; \"dnn backends\" tells what became of each file");
}

/* ---- one plugin ---- */

static dnn__plugin *plugin_named(const char *id)
{
    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        if (strcmp(dnn__plugins[i]->id, id) == 0) {
            return dnn__plugins[i];
        }
    }
    return NULL;
}

static const char *path_of(const dnn__plugin *plugin)
{
    for (int64_t i = 0; i < n_looked; i++) {
        if (all_looked[i]->plugin == plugin) {
            return all_looked[i]->path;
        }
    }
    return "(built in)";
}

static dnn_status keep_texts(dnn__looked *looked, const dnn__plugin *plugin)
{
    memcpy(looked->id, plugin->id, sizeof looked->id);
    looked->version = dnn__strdup(plugin->table.version != NULL ? plugin->table.version : "");
    looked->build = dnn__strdup(plugin->table.build != NULL ? plugin->table.build : "");
    if (plugin->table.device != NULL) {
        looked->device = dnn__strdup(plugin->table.device->kind);
    }
    if (looked->version == NULL || looked->build == NULL ||
        (plugin->table.device != NULL && looked->device == NULL)) {
        return dnn__nomem("plugins", 64);
    }
    looked->loaded = true;
    return DNN_OK;
}

static dnn_status run_init(const char *path, const dnn__plugin *plugin)
{
    dnn_status status;

    if (plugin->table.init == NULL) {
        return DNN_OK;
    }
    dnn__self.plugin_text[0] = 0;
    status = plugin->table.init(&dnn__host);
    if (status == DNN_OK) {
        return DNN_OK;
    }
    return dnn__fail(status == DNN_E_NOMEM ? DNN_E_NOMEM
                     : status > 0          ? DNN_DECLINED
                                           : DNN_E_DEVICE,
                     "%s: %s cannot run here: %s", path, plugin->id,
                     dnn__self.plugin_text[0] != 0 ? dnn__self.plugin_text
                                                   : "its init gave no reason");
}

static void run_fini(const dnn__plugin *plugin)
{
    if (plugin->table.fini != NULL) {
        plugin->table.fini();
    }
}

static dnn_status check_unique(const char *path, const dnn__plugin *plugin)
{
    const dnn__plugin *other = plugin_named(plugin->id);

    if (other != NULL) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: a plugin called %s is loaded from %s already; drop one of the two",
                         path, plugin->id, path_of(other));
    }
    for (int64_t i = 0; plugin->table.device != NULL && i < dnn__n_plugins; i++) {
        const dnn_device *device = dnn__plugins[i]->table.device;

        if (device != NULL && strcmp(device->kind, plugin->table.device->kind) == 0) {
            return dnn__fail(DNN_E_DEVICE,
                             "%s: it brings the device %s, as %s does; drop one of the two", path,
                             device->kind, path_of(dnn__plugins[i]));
        }
    }
    return DNN_OK;
}

/* The plugin's device and place among ours; its kernels are adopted, and init has run. */
static dnn_status enrol(dnn__plugin *plugin, dnn__looked *looked)
{
    int32_t ordinals;

    DNN_TRY(dnn__reserve((void **)&dnn__plugins, &cap_plugins, dnn__n_plugins + 1,
                         sizeof *dnn__plugins, "plugins"));
    DNN_TRY(keep_texts(looked, plugin));
    if (plugin->table.device != NULL) {
        DNN_TRY(dnn__device_add_kind(plugin->table.device, &plugin->kind, &ordinals));
        plugin->n_ordinals = ordinals;
    }
    dnn__plugins[dnn__n_plugins++] = plugin;
    looked->plugin = plugin;
    return DNN_OK;
}

static dnn_status take_table(dnn__looked *looked, const char *expected_id, int32_t place)
{
    dnn_plugin_v1_fn table;
    dnn__plugin *plugin = NULL;
    void *symbol;
    dnn_status st;

    DNN_TRY(dnn__open_symbol(looked->path, "dnn_plugin_v1", &symbol));
    memcpy(&table, &symbol, sizeof table);
    DNN_TRY(dnn__adopt_plugin(looked->path, expected_id, table(), &plugin));
    plugin->place = place;
    DNN_TRY_TO(done, dnn__disabled(plugin->id, NULL)
                         ? dnn__fail(DNN_DECLINED, "DNN_DISABLE drops it")
                         : DNN_OK);
    DNN_TRY_TO(done, check_unique(looked->path, plugin));
    DNN_TRY_TO(done, dnn__adopt_kernels(
                         plugin, looked)); /* the whole table is checked before its code runs */
    DNN_TRY_TO(done, run_init(looked->path, plugin));
    st = enrol(plugin, looked);
    if (st == DNN_OK) {
        return DNN_OK;
    }
    run_fini(plugin);
done:
    dnn__kernels_forget(plugin);
    looked->n_kernels = 0;
    looked->loaded = false;
    dnn__free(plugin);
    return st;
}

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* Is the file one of those in use, under this or another name? */
static bool in_use(const char *path)
{
    for (int64_t i = 0; i < n_looked; i++) {
        if (all_looked[i]->plugin != NULL && same_file(all_looked[i]->path, path)) {
            return true;
        }
    }
    return false;
}

/* The message about a file names the file, whoever wrote it. */
static dnn_status with_path(dnn_status status, const char *path)
{
    if (status == DNN_OK || status == DNN_E_NOMEM ||
        strncmp(dnn__self.text, path, strlen(path)) == 0) {
        return status;
    }
    return dnn__fail(status, "%s: %s", path, dnn__self.text);
}

/* Looks at one file. The status is that of the file; it is kept in the list too. */
static dnn_status look_at(const char *path, const char *expected_id, int32_t place)
{
    dnn__looked *looked;
    dnn_status status;

    if (in_use(path)) {
        return DNN_OK;
    }
    DNN_TRY(dnn__looked_add(path, false, &looked));
    status = with_path(take_table(looked, expected_id, place), path);
    if (status != DNN_OK && status != DNN_E_NOMEM) {
        char reason[sizeof dnn__self.text];

        memcpy(reason, dnn__self.text, sizeof reason);
        DNN_TRY(dnn__looked_reason(looked, reason));
    }
    return status;
}

/* ---- the lists ---- */

static bool exists(const char *path)
{
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static bool in_earlier_folder(const char *name, int folder)
{
    char path[MAX_PATH + 512];

    for (int i = 0; i < folder; i++) {
        snprintf(path, sizeof path, "%s/%s", folders[i], name);
        if (exists(path)) {
            return true;
        }
    }
    return false;
}

static void put_known_ids(dnn__text *text)
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

static dnn_status not_found(const char *id)
{
    char where[500], known[200];
    dnn__text text = dnn__text_to(where, sizeof where), ids = dnn__text_to(known, sizeof known);

    for (int i = 0; i < n_folders; i++) {
        dnn__put(&text, "%s %s/dnn_%s.so", i > 0 ? "," : "", folders[i], id);
    }
    put_known_ids(&ids);
    return dnn__fail(DNN_E_DEVICE,
                     "backend %s was asked for and is not here: looked for%s. Installed:%s. Name "
                     "one of them in DNN_BACKEND, or put "
                     "the folder of dnn_%s.so into DNN_PLUGIN_PATH",
                     id, where, ids.length > 0 ? known : " none", id);
}

/* What was asked for and cannot be used is an error, whatever the reason. */
static dnn_status hard(dnn_status status, const char *name, const char *hint)
{
    if (status == DNN_OK || status == DNN_E_NOMEM) {
        return status;
    }
    return dnn__fail(DNN_E_DEVICE, "%s was asked for and cannot be used: %s. %s", name,
                     dnn__self.text, hint);
}

static dnn_status hard_backend(dnn_status status, const char *id)
{
    char hint[400], known[200];
    dnn__text text = dnn__text_to(hint, sizeof hint), ids = dnn__text_to(known, sizeof known);

    put_known_ids(&ids);
    dnn__put(&text,
             "Installed:%s. Name another in DNN_BACKEND, or unset it to take what can run here",
             known);
    return hard(status, id, hint);
}

/* A plugin that the user named: the first file of its name, and no other. */
static dnn_status load_named(const char *id, int32_t place)
{
    char path[4400];

    if (plugin_named(id) != NULL) {
        plugin_named(id)->place = place;
        return DNN_OK;
    }
    for (int i = 0; i < n_folders; i++) {
        if (snprintf(path, sizeof path, "%s/dnn_%s.so", folders[i], id) < (int)sizeof path &&
            exists(path)) {
            return hard_backend(look_at(path, id, place), id);
        }
    }
    return not_found(id);
}

static dnn_status load_extra_files(int32_t place)
{
    const char *at = secure_getenv("DNN_PLUGINS");
    char path[4200];

    while (at != NULL && (at = next_word(at, ':', path, sizeof path)) != NULL) {
        if (path[0] != '/') {
            return dnn__fail(DNN_E_DEVICE, "DNN_PLUGINS: \"%s\" is refused: files must be absolute",
                             path);
        }
        DNN_TRY(hard(look_at(path, NULL, place), "the file of DNN_PLUGINS",
                     "Take it out of DNN_PLUGINS to start without it"));
    }
    return DNN_OK;
}

enum { LAST_PLACE = 1 << 20 };

/* cpu_blas stands last, named or not. That it is missing is told when somebody needs it. */
static dnn_status load_base(void)
{
    int64_t before = n_looked;
    dnn_status status;

    if (names_backend("cpu_blas") || dnn__disabled("cpu_blas", NULL)) {
        return DNN_OK;
    }
    status = load_named("cpu_blas", LAST_PLACE);
    if (status != DNN_OK && n_looked > before) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s", dnn__self.text);
    }
    return status == DNN_E_NOMEM ? status : DNN_OK;
}

static dnn_status load_list(void)
{
    const char *at = backend_list;
    int32_t place = 1;
    char id[64], known[200];

    while ((at = next_word(at, ',', id, sizeof id)) != NULL) {
        if (!dnn__valid_id(id)) {
            dnn__text ids = dnn__text_to(known, sizeof known);

            put_known_ids(&ids);
            return dnn__fail(DNN_E_DEVICE,
                             "DNN_BACKEND: \"%s\" is no name of a plugin, which has 1 to 31 of "
                             "[a-z0-9_]. Installed:%s",
                             id, ids.length > 0 ? known : " none");
        }
        if (dnn__disabled(id, NULL)) {
            return dnn__fail(DNN_E_DEVICE,
                             "backend %s is named in DNN_BACKEND and in DNN_DISABLE; drop it from "
                             "one of the two",
                             id);
        }
        /* A file of DNN_PLUGINS whose id is named here takes its place in the list. */
        DNN_TRY(load_named(id, place));
        place++;
    }
    return load_base();
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

/* A file that is not opened, and why; the reason waits in the thread's message. */
static dnn_status pass_over(const char *path)
{
    char reason[sizeof dnn__self.text];
    dnn__looked *looked = NULL;

    memcpy(reason, dnn__self.text, sizeof reason);
    dnn__log(DNN_LOG_INFO, "libdnn: %s", reason);
    DNN_TRY(dnn__looked_add(path, false, &looked));
    return dnn__looked_reason(looked, reason);
}

/* One file of a folder, of those that nobody named: a fault is told, and goes no further. */
static dnn_status load_unnamed(const char *folder, const char *name)
{
    char path[4700], id[256];
    const dnn__plugin *other;
    dnn_status status;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(id, sizeof id, "%.*s", (int)strlen(name) - 7, name + 4);
    if (dnn__disabled(id, NULL)) {
        dnn__fail(DNN_DECLINED, "%s: DNN_DISABLE drops it", path);
        return pass_over(path);
    }
    other = plugin_named(id);
    if (other != NULL && in_use(path)) {
        return DNN_OK;
    }
    if (other != NULL) { /* a file that was named, or that of an earlier folder, wins */
        dnn__fail(DNN_DECLINED, "%s: passed over: %s is the plugin %s already", path,
                  path_of(other), id);
        return pass_over(path);
    }
    status = look_at(path, id, 0);
    if (status < 0 && status != DNN_E_NOMEM) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s", dnn__self.text);
    } else if (status == DNN_DECLINED) {
        dnn__log(DNN_LOG_INFO, "libdnn: %s", dnn__self.text);
    }
    return status == DNN_E_NOMEM ? status : DNN_OK;
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

static dnn_status load_all(void)
{
    for (int i = 0; i < n_folders; i++) {
        DNN_TRY(dnn__each_plugin_file(folders[i], load_unnamed));
    }
    return DNN_OK;
}

/* ---- the default device ---- */

static int32_t best_priority(const dnn__plugin *p)
{
    int32_t best = INT32_MIN;

    for (int i = 0; p->table.kernels != NULL && p->table.kernels[i] != NULL; i++) {
        best = p->table.kernels[i]->priority > best ? p->table.kernels[i]->priority : best;
    }
    return best;
}

/* Does a come ahead of b: by place, then the kernels' priority, then id. */
static bool ahead(const dnn__plugin *a, const dnn__plugin *b)
{
    int32_t pa = best_priority(a), pb = best_priority(b);

    if (a->place != b->place) {
        return a->place < b->place;
    }
    return pa != pb ? pa > pb : strcmp(a->id, b->id) < 0;
}

static void choose_device(void)
{
    const dnn__plugin *first = NULL;

    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        const dnn__plugin *p = dnn__plugins[i];

        if (p->kind > 0 && p->n_ordinals > 0 && (first == NULL || ahead(p, first))) {
            first = p;
        }
    }
    dnn__device_set_default(first != NULL ? first->kind : 0);
}

/* ---- start and stop ---- */

static dnn_status load_plugins(void)
{
    DNN_TRY(read_fallback());
    DNN_TRY(find_folders());
    /* With no list all are equal, and the kernels' priority decides. */
    DNN_TRY(load_extra_files(backend_list != NULL ? LAST_PLACE - 1 : 0));
    DNN_TRY(backend_list != NULL ? load_list() : load_all());
    DNN_TRY(dnn__candidates_build());
    choose_device();
    return DNN_OK;
}

static void stop(bool keep_looked)
{
    dnn__plans_drop(NULL);
    dnn__device_shutdown();
    dnn__candidates_drop();
    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        if (!dnn__plugins[i]->disabled) {
            run_fini(dnn__plugins[i]);
        }
        dnn__free(dnn__plugins[i]);
    }
    dnn__free(dnn__plugins);
    dnn__plugins = NULL;
    dnn__n_plugins = cap_plugins = 0;
    dnn__readers_drop();
    for (int64_t i = 0; i < n_looked; i++) {
        all_looked[i]->plugin = NULL;
    }
    if (!keep_looked) {
        forget_looked();
        for (int i = 0; i < n_folders; i++) {
            dnn__free(folders[i]);
        }
        n_folders = 0;
        dnn__free(backend_list);
        backend_list = NULL;
    }
    dnn__layouts_drop();
    dnn__pool_stop();
}

static dnn_status start(const char *backend)
{
    const char *list = backend != NULL ? backend : secure_getenv("DNN_BACKEND");

    if (n_folders > 0 || backend_list != NULL) {
        stop(false); /* what a start that failed has left to be looked at */
    }
    if (list != NULL && *list != 0) {
        backend_list = dnn__strdup(list);
        if (backend_list == NULL) {
            return dnn__nomem("DNN_BACKEND", strlen(list));
        }
    }
    DNN_TRY(dnn__pool_start());
    return load_plugins();
}

dnn_status dnn__start_slow(const char *backend)
{
    dnn_status status = DNN_OK;

    if (atomic_load(&dnn__forked)) {
        return dnn__fail(DNN_E_INVALID,
                         "this process was forked from one that uses libdnn; exec first");
    }
    DNN_TRY(dnn__thread_register());
    if (pthread_mutex_lock(&start_lock) != 0) {
        return dnn__fail(DNN_E_INVALID, "libdnn was called from a plugin's init or fini, or from a "
                                        "log callback, while it starts or stops");
    }
    if (!atomic_load(&dnn__running)) {
        status = start(backend);
        if (status != DNN_OK) {
            char text[sizeof dnn__self.text];

            memcpy(text, dnn__self.text, sizeof text);
            stop(status != DNN_E_NOMEM);
            memcpy(dnn__self.text, text, sizeof text);
        } else {
            atomic_store_explicit(&dnn__running, true, memory_order_release);
        }
    }
    pthread_mutex_unlock(&start_lock);
    return status;
}

dnn_status dnn_init(const char *backend)
{
    DNN_TRY(dnn__take());
    return atomic_load_explicit(&dnn__running, memory_order_acquire) && !atomic_load(&dnn__forked)
               ? DNN_OK
               : dnn__start_slow(backend);
}

static void tell_counts(void)
{
    dnn_counters c;

    dnn_counters_read(&c);
    if (c.fallback_calls > 0) {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: %s calls were computed on the host for another device, %s bytes were "
                 "copied for them",
                 dnn__number_text(c.fallback_calls), dnn__number_text(c.fallback_bytes));
    }
    if (dnn_live_tensors() > 0) {
        dnn__log(DNN_LOG_INFO, "libdnn: %s tensors are still alive",
                 dnn__number_text(dnn_live_tensors()));
    }
}

void dnn_shutdown(void)
{
    if (atomic_load(&dnn__forked)) {
        return; /* devices, workers and locks are the parent's */
    }
    dnn__take();
    dnn__close_root();
    if (pthread_mutex_lock(&start_lock) != 0) {
        return; /* from a plugin's init or fini */
    }
    if (atomic_load(&dnn__running)) {
        tell_counts();
    }
    atomic_store(&dnn__running, false);
    stop(false);
    memset(&dnn__count, 0, sizeof dnn__count);
    dnn__slab_shutdown();
    pthread_mutex_unlock(&start_lock);
}

const char *dnn_version(void)
{
    return DNN__VERSION;
}
