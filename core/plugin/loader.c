/* loader.c - which plugins are taken: one file opened, checked, adopted and enrolled; the
 * files that were named; all files of the folders. What became of each is kept in the list of
 * inventory.c. */
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

static dnn_status keep_texts(dnn__inventory_entry *entry, const dnn__plugin *plugin)
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
    dnn__plugin_self.text[0] = 0;
    dnn__log(DNN_LOG_DEBUG, "libdnn: %s: in init", path);
    status = plugin->table.init(&dnn__host);
    if (status == DNN_OK) {
        return DNN_OK;
    }
    return dnn__fail(status == DNN_E_NOMEM ? DNN_E_NOMEM
                     : status > 0          ? DNN_DECLINED
                                           : DNN_E_DEVICE,
                     "%s: %s cannot run here: %s", path, plugin->id,
                     dnn__plugin_self.text[0] != 0 ? dnn__plugin_self.text
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

/* The plugin's device and place among ours; its kernels are adopted, and init has run. */
static dnn_status enrol(dnn__plugin *plugin, dnn__inventory_entry *entry)
{
    int32_t ordinals;

    DNN_TRY(dnn__reserve((void **)&dnn__plugins, &cap_plugins, dnn__n_plugins + 1,
                         sizeof *dnn__plugins, "plugins"));
    DNN_TRY(keep_texts(entry, plugin));
    if (plugin->table.device != NULL) {
        DNN_TRY(dnn__device_add_kind(plugin->table.device, &plugin->kind, &ordinals));
        plugin->n_ordinals = ordinals;
    }
    dnn__plugins[dnn__n_plugins++] = plugin;
    entry->plugin = plugin;
    return DNN_OK;
}

static dnn_status take_table(dnn__inventory_entry *entry, const char *expected_id, int32_t place)
{
    dnn_plugin_v1_fn table;
    dnn__plugin *plugin = NULL;
    void *symbol;
    dnn_status st;

    DNN_TRY(dnn__open_symbol(entry->path, "dnn_plugin_v1", &symbol));
    memcpy(&table, &symbol, sizeof table);
    dnn__log(DNN_LOG_DEBUG, "libdnn: %s: in dnn_plugin_v1 or its table", entry->path);
    DNN_TRY(dnn__adopt_plugin(entry->path, expected_id, table(), &plugin));
    plugin->place = place;
    DNN_TRY_TO(done, dnn__disabled(plugin->id, NULL)
                         ? dnn__fail(DNN_DECLINED, "DNN_DISABLE drops it")
                         : DNN_OK);
    DNN_TRY_TO(done, check_unique(entry->path, plugin));
    DNN_TRY_TO(done, dnn__adopt_kernels(
                         plugin, entry)); /* the whole table is checked before its code runs */
    DNN_TRY_TO(done, run_init(entry->path, plugin));
    st = enrol(plugin, entry);
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

/* The message about a file names the file, whoever wrote it. */
static dnn_status with_path(dnn_status status, const char *path)
{
    if (status == DNN_OK || status == DNN_E_NOMEM ||
        strncmp(dnn__self.message.text, path, strlen(path)) == 0) {
        return status;
    }
    return dnn__fail(status, "%s: %s", path, dnn__self.message.text);
}

/* Looks at one file. The status is that of the file; it is kept in the list too. */
static dnn_status look_at(const char *path, const char *expected_id, int32_t place)
{
    dnn__inventory_entry *entry;
    dnn_status status;

    if (dnn__inventory_in_use(path)) {
        return DNN_OK;
    }
    DNN_TRY(dnn__inventory_add(path, false, &entry));
    status = with_path(take_table(entry, expected_id, place), path);
    if (status != DNN_OK && status != DNN_E_NOMEM) {
        DNN_TRY(dnn__inventory_reason(entry, dnn__self.message.text));
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

/* What was asked for and cannot be used is an error, whatever the reason. */
static dnn_status hard(dnn_status status, const char *name, const char *hint)
{
    if (status == DNN_OK || status == DNN_E_NOMEM) {
        return status;
    }
    return dnn__fail(DNN_E_DEVICE, "%s was asked for and cannot be used: %s. %s", name,
                     dnn__self.message.text, hint);
}

static dnn_status hard_backend(dnn_status status, const char *id)
{
    char hint[400], known[200];
    dnn__text text = dnn__text_to(hint, sizeof hint), ids = dnn__text_to(known, sizeof known);

    dnn__put_known_ids(&ids);
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
    for (int i = 0; dnn__folder_at(i) != NULL; i++) {
        if (snprintf(path, sizeof path, "%s/dnn_%s.so", dnn__folder_at(i), id) < (int)sizeof path &&
            dnn__file_exists(path)) {
            return hard_backend(look_at(path, id, place), id);
        }
    }
    return not_found(id);
}

static dnn_status load_extra_files(int32_t place)
{
    const char *at = secure_getenv("DNN_PLUGINS");
    char path[4200];

    while (at != NULL && (at = dnn__next_word(at, ':', path, sizeof path)) != NULL) {
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
    int64_t before = dnn__inventory_count();
    dnn_status status;

    if (dnn__names_backend("cpu_blas") || dnn__disabled("cpu_blas", NULL)) {
        return DNN_OK;
    }
    status = load_named("cpu_blas", LAST_PLACE);
    if (status != DNN_OK && dnn__inventory_count() > before) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s", dnn__self.message.text);
    }
    return status == DNN_E_NOMEM ? status : DNN_OK;
}

static dnn_status load_list(void)
{
    const char *at = dnn__backend_list();
    int32_t place = 1;
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
        /* A file of DNN_PLUGINS whose id is named here takes its place in the list. */
        DNN_TRY(load_named(id, place));
        place++;
    }
    return load_base();
}

/* A file that is not opened, and why; the error is pending in the thread's message. */
static dnn_status pass_over(const char *path)
{
    dnn__message reason = dnn__self.message;
    dnn__inventory_entry *entry = NULL;

    dnn__log(DNN_LOG_INFO, "libdnn: %s", reason.text);
    DNN_TRY(dnn__inventory_add(path, false, &entry));
    return dnn__inventory_reason(entry, reason.text);
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
    if (other != NULL && dnn__inventory_in_use(path)) {
        return DNN_OK;
    }
    if (other != NULL) { /* a file that was named, or that of an earlier folder, wins */
        dnn__fail(DNN_DECLINED, "%s: passed over: %s is the plugin %s already", path,
                  dnn__inventory_path(other), id);
        return pass_over(path);
    }
    status = look_at(path, id, 0);
    if (status < 0 && status != DNN_E_NOMEM) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s", dnn__self.message.text);
    } else if (status == DNN_DECLINED) {
        dnn__log(DNN_LOG_INFO, "libdnn: %s", dnn__self.message.text);
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

    /* With no list all are equal, and the kernels' priority decides. */
    DNN_TRY(load_extra_files(list != NULL ? LAST_PLACE - 1 : 0));
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
