/* loader.c - loads plugins: it opens, checks, adopts and registers one file; then the files that
 * the user named, or all files of the folders. inventory.c keeps the result for each file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "abi_struct.h"
#include "plugin_impl.h"

dnn__plugin **dnn__plugins;
int64_t dnn__n_plugins;

static int64_t cap_plugins;

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

static dnn_status copy_texts(dnn__inventory_entry *entry, const dnn__plugin *plugin)
{
    memcpy(entry->id, plugin->id, sizeof entry->id);
    entry->version = dnn__strdup(plugin->table.version != NULL ? plugin->table.version : "");
    entry->build = dnn__strdup(plugin->table.build != NULL ? plugin->table.build : "");
    if (plugin->table.device != NULL) {
        entry->device = dnn__strdup(plugin->table.device->kind);
    }
    if (entry->version == NULL || entry->build == NULL ||
        (plugin->table.device != NULL && entry->device == NULL)) {
        return dnn__nomem("plugins", 64);
    }
    entry->loaded = true;
    return DNN_OK;
}

static dnn_status run_init(const char *path, const dnn__plugin *plugin)
{
    dnn_status status;

    if (plugin->table.init == NULL) {
        return DNN_OK;
    }
    dnn__plugin_text_clear();
    dnn__log(DNN_LOG_DEBUG, "libdnn: %s: in init", path);
    status = plugin->table.init(&dnn__host);
    if (status == DNN_OK) {
        return DNN_OK;
    }
    return dnn__fail(status == DNN_E_NOMEM ? DNN_E_NOMEM
                     : status > 0          ? DNN_DECLINED
                                           : DNN_E_DEVICE,
                     "%s: %s cannot run here: %s", path, plugin->id,
                     dnn__plugin_text()[0] != 0 ? dnn__after_name(dnn__plugin_text(), plugin->id)
                                                : "its init gave no reason");
}

static void run_fini(const dnn__plugin *plugin)
{
    if (plugin->table.fini != NULL) {
        dnn__log(DNN_LOG_DEBUG, "libdnn: %s: in fini", dnn__inventory_path(plugin));
        plugin->table.fini();
    }
}

static bool owns_family(const dnn__plugin *plugin, const char *family)
{
    const char *const *own = plugin->table.layouts;

    while (own != NULL && *own != NULL && strcmp(*own, family) != 0) {
        own++;
    }
    return own != NULL && *own != NULL;
}

static dnn_status check_families(const char *path, const dnn__plugin *plugin)
{
    const char *const *family = plugin->table.layouts;

    for (; family != NULL && *family != NULL; family++) {
        for (int64_t i = 0; i < dnn__n_plugins; i++) {
            if (owns_family(dnn__plugins[i], *family)) {
                return dnn__fail(DNN_E_DEVICE,
                                 "%s: it owns the layout family %s, as %s does; drop one of the "
                                 "two",
                                 path, *family, dnn__inventory_path(dnn__plugins[i]));
            }
        }
    }
    return DNN_OK;
}

static dnn_status check_unique(const char *path, const dnn__plugin *plugin)
{
    const dnn__plugin *other = plugin_named(plugin->id);

    if (other != NULL) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: a plugin called %s is loaded from %s already; drop one of the two",
                         path, plugin->id, dnn__inventory_path(other));
    }
    for (int64_t i = 0; plugin->table.device != NULL && i < dnn__n_plugins; i++) {
        const dnn_device *device = dnn__plugins[i]->table.device;

        if (device != NULL && strcmp(device->kind, plugin->table.device->kind) == 0) {
            return dnn__fail(DNN_E_DEVICE,
                             "%s: it brings the device %s, as %s does; drop one of the two", path,
                             device->kind, dnn__inventory_path(dnn__plugins[i]));
        }
    }
    return check_families(path, plugin);
}

/* Adds the plugin's device and the plugin itself to the lists. Its kernels are adopted and its init
 * has run. */
static dnn_status register_plugin(dnn__plugin *plugin, dnn__inventory_entry *entry)
{
    int32_t ordinals;

    DNN_TRY(dnn__reserve((void **)&dnn__plugins, &cap_plugins, dnn__n_plugins + 1,
                         sizeof *dnn__plugins, "plugins"));
    DNN_TRY(copy_texts(entry, plugin));
    if (plugin->table.device != NULL) {
        DNN_TRY(dnn__device_add_kind(plugin->table.device, &plugin->kind, &ordinals));
        plugin->n_ordinals = ordinals;
    }
    dnn__plugins[dnn__n_plugins++] = plugin;
    entry->plugin = plugin;
    return DNN_OK;
}

static dnn_status load_table(dnn__inventory_entry *entry, const char *expected_id, int32_t position)
{
    dnn_plugin_v1_fn table;
    dnn__plugin *plugin = NULL;
    void *symbol;
    dnn_status st;

    DNN_TRY(dnn__open_symbol(entry->path, "dnn_plugin_v1", &symbol));
    memcpy(&table, &symbol, sizeof table);
    dnn__log(DNN_LOG_DEBUG, "libdnn: %s: in dnn_plugin_v1 or its table", entry->path);
    DNN_TRY(dnn__adopt_plugin(entry->path, expected_id, table(), &plugin));
    plugin->position = position;
    DNN_TRY_TO(st, done,
               dnn__disabled(plugin->id, NULL) ? dnn__fail(DNN_DECLINED, "DNN_DISABLE drops it")
                                               : DNN_OK);
    DNN_TRY_TO(st, done, check_unique(entry->path, plugin));
    /* The whole table is checked before the plugin's code runs. */
    DNN_TRY_TO(st, done, dnn__adopt_kernels(plugin, entry));
    DNN_TRY_TO(st, done, run_init(entry->path, plugin));
    st = register_plugin(plugin, entry);
    if (st == DNN_OK) {
        return DNN_OK;
    }
    run_fini(plugin);
done:
    dnn__kernels_forget(plugin);
    entry->n_kernels = 0;
    entry->loaded = false;
    dnn__free(plugin);
    return st;
}

/* Puts the path in front of the message, unless it is there already. */
static dnn_status with_path(dnn_status status, const char *path)
{
    if (status == DNN_OK || status == DNN_E_NOMEM ||
        strncmp(dnn__message_text(), path, strlen(path)) == 0) {
        return status;
    }
    return dnn__fail(status, "%s: %s", path, dnn__message_text());
}

/* Loads one file and records the result in the inventory. Returns the status of the file. */
static dnn_status load_file(const char *path, const char *expected_id, int32_t position)
{
    dnn__inventory_entry *entry;
    dnn_status status;

    if (dnn__inventory_in_use(path)) {
        return DNN_OK;
    }
    DNN_TRY(dnn__inventory_add(path, false, &entry));
    status = with_path(load_table(entry, expected_id, position), path);
    if (status != DNN_OK && status != DNN_E_NOMEM) {
        DNN_TRY(dnn__inventory_reason(entry, dnn__message_text()));
    }
    return status;
}

/* ---- the lists ---- */

static dnn_status not_found(const char *id)
{
    char where[500], known[200];
    dnn__text text = dnn__text_to(where, sizeof where), ids = dnn__text_to(known, sizeof known);

    for (int i = 0; dnn__folder_at(i) != NULL; i++) {
        dnn__put(&text, "%s %s/dnn_%s.so", i > 0 ? "," : "", dnn__folder_at(i), id);
    }
    dnn__put_known_ids(&ids);
    return dnn__fail(DNN_E_DEVICE,
                     "backend %s was asked for and is not here: looked for%s. Installed:%s. Name "
                     "one of them in DNN_BACKEND, or put "
                     "the folder of dnn_%s.so into DNN_PLUGIN_PATH",
                     id, where, ids.length > 0 ? known : " none", id);
}

/* What the user asked for and cannot be used is an error, whatever the reason. */
static dnn_status require_usable(dnn_status status, const char *name, const char *hint)
{
    if (status == DNN_OK || status == DNN_E_NOMEM) {
        return status;
    }
    return dnn__fail(DNN_E_DEVICE, "%s was asked for and cannot be used: %s. %s", name,
                     dnn__message_text(), hint);
}

static dnn_status require_backend(dnn_status status, const char *id)
{
    char hint[400], known[200];
    dnn__text text = dnn__text_to(hint, sizeof hint), ids = dnn__text_to(known, sizeof known);

    dnn__put_known_ids(&ids);
    dnn__put(&text,
             "Installed:%s. Name another in DNN_BACKEND, or unset it to take what can run here",
             known);
    return require_usable(status, id, hint);
}

/* Loads a plugin that the user named: the first file of this name, no other. */
static dnn_status load_named(const char *id, int32_t position)
{
    char path[4400];

    if (plugin_named(id) != NULL) {
        plugin_named(id)->position = position;
        return DNN_OK;
    }
    for (int i = 0; dnn__folder_at(i) != NULL; i++) {
        if (snprintf(path, sizeof path, "%s/dnn_%s.so", dnn__folder_at(i), id) < (int)sizeof path &&
            dnn__file_exists(path)) {
            return require_backend(load_file(path, id, position), id);
        }
    }
    return not_found(id);
}

static dnn_status load_extra_files(int32_t position)
{
    const char *at = secure_getenv("DNN_PLUGINS");
    char path[4200];

    while (at != NULL && (at = dnn__next_word(at, ':', path, sizeof path)) != NULL) {
        if (path[0] != '/') {
            return dnn__fail(DNN_E_DEVICE, "DNN_PLUGINS: \"%s\" is refused: files must be absolute",
                             path);
        }
        DNN_TRY(require_usable(load_file(path, NULL, position), "the file of DNN_PLUGINS",
                               "Take it out of DNN_PLUGINS to start without it"));
    }
    return DNN_OK;
}

enum { LAST_POSITION = 1 << 20 };

/* cpu_blas comes last, named or not. If it is missing, the first call that needs it reports that.
 */
static dnn_status load_cpu_blas(void)
{
    int64_t before = dnn__inventory_count();
    dnn_status status;

    if (dnn__names_backend("cpu_blas") || dnn__disabled("cpu_blas", NULL)) {
        return DNN_OK;
    }
    status = load_named("cpu_blas", LAST_POSITION);
    if (status != DNN_OK && dnn__inventory_count() > before) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s", dnn__message_text());
    }
    return status == DNN_E_NOMEM ? status : DNN_OK;
}

static dnn_status load_list(void)
{
    const char *at = dnn__backend_list();
    int32_t position = 1;
    char id[64], known[200];

    while ((at = dnn__next_word(at, ',', id, sizeof id)) != NULL) {
        if (!dnn__valid_id(id)) {
            dnn__text ids = dnn__text_to(known, sizeof known);

            dnn__put_known_ids(&ids);
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
        /* If a file of DNN_PLUGINS has this id, this sets its position only. */
        DNN_TRY(load_named(id, position));
        position++;
    }
    return load_cpu_blas();
}

/* Records a file that is not opened, with the thread's message as the reason. */
static dnn_status skip_file(const char *path)
{
    dnn__message reason = dnn__message_save();
    dnn__inventory_entry *entry = NULL;

    dnn__log(DNN_LOG_INFO, "libdnn: %s", reason.text);
    DNN_TRY(dnn__inventory_add(path, false, &entry));
    return dnn__inventory_reason(entry, reason.text);
}

/* Loads one file of a folder that nobody named. A fault is logged, and the search goes on. */
static dnn_status load_unnamed(const char *folder, const char *name)
{
    char path[4700], id[256];
    const dnn__plugin *other;
    dnn_status status;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(id, sizeof id, "%.*s", (int)strlen(name) - 7, name + 4);
    if (dnn__disabled(id, NULL)) {
        dnn__fail(DNN_DECLINED, "%s: DNN_DISABLE drops it", path);
        return skip_file(path);
    }
    other = plugin_named(id);
    if (other != NULL && dnn__inventory_in_use(path)) {
        return DNN_OK;
    }
    if (other != NULL) { /* a file that was named, or one of an earlier folder, has priority */
        dnn__fail(DNN_DECLINED, "%s: skipped: %s is the plugin %s already", path,
                  dnn__inventory_path(other), id);
        return skip_file(path);
    }
    status = load_file(path, id, 0);
    if (status < 0 && status != DNN_E_NOMEM) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s", dnn__message_text());
    } else if (status == DNN_DECLINED) {
        dnn__log(DNN_LOG_INFO, "libdnn: %s", dnn__message_text());
    }
    return status == DNN_E_NOMEM ? status : DNN_OK;
}

static dnn_status load_all(void)
{
    for (int i = 0; dnn__folder_at(i) != NULL; i++) {
        DNN_TRY(dnn__each_plugin_file(dnn__folder_at(i), load_unnamed));
    }
    return DNN_OK;
}

dnn_status dnn__plugins_load(void)
{
    const char *list = dnn__backend_list();

    /* Without a list all have the same position, and the kernels' priority decides. */
    DNN_TRY(load_extra_files(list != NULL ? LAST_POSITION - 1 : 0));
    return list != NULL ? load_list() : load_all();
}

void dnn__plugins_drop(void)
{
    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        if (!dnn__plugins[i]->disabled || dnn__plugins[i]->table.layouts != NULL) {
            run_fini(dnn__plugins[i]);
        }
        dnn__free(dnn__plugins[i]);
    }
    dnn__free(dnn__plugins);
    dnn__plugins = NULL;
    dnn__n_plugins = cap_plugins = 0;
}
