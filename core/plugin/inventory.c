/* inventory.c - the list of plugin and reader files that were found, each in use or with the reason
 * why not. It is kept for dnn_backend_at until the library stops or starts again. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "plugin_impl.h"

static dnn__inventory_entry **entries;
static int64_t n_entries, cap_entries;

dnn_status dnn__inventory_add(const char *path, bool reader, dnn__inventory_entry **out)
{
    dnn__inventory_entry *l;

    DNN_TRY(
        dnn__reserve((void **)&entries, &cap_entries, n_entries + 1, sizeof *entries, "plugins"));
    l = dnn__calloc(1, sizeof *l);
    if (l == NULL || (l->path = dnn__strdup(path)) == NULL) {
        dnn__free(l);
        return dnn__nomem("plugins", sizeof *l);
    }
    l->reader = reader;
    entries[n_entries++] = l;
    *out = l;
    return DNN_OK;
}

dnn_status dnn__inventory_reason(dnn__inventory_entry *entry, const char *reason)
{
    dnn__free(entry->reason);
    entry->reason = dnn__strdup(reason);
    return entry->reason != NULL ? DNN_OK : dnn__nomem("plugins", strlen(reason) + 1);
}

dnn__inventory_entry *dnn__inventory_at(int64_t index)
{
    return index >= 0 && index < n_entries ? entries[index] : NULL;
}

int64_t dnn__inventory_count(void)
{
    return n_entries;
}

const char *dnn__inventory_path(const dnn__plugin *plugin)
{
    for (int64_t i = 0; i < n_entries; i++) {
        if (entries[i]->plugin == plugin) {
            return entries[i]->path;
        }
    }
    return "(built in)";
}

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* Returns whether the file is in use, under this name or another. */
bool dnn__inventory_in_use(const char *path)
{
    for (int64_t i = 0; i < n_entries; i++) {
        if (entries[i]->plugin != NULL && same_file(entries[i]->path, path)) {
            return true;
        }
    }
    return false;
}

void dnn__inventory_unload(void)
{
    for (int64_t i = 0; i < n_entries; i++) {
        entries[i]->plugin = NULL;
    }
}

void dnn__inventory_forget(void)
{
    for (int64_t i = 0; i < n_entries; i++) {
        dnn__inventory_entry *l = entries[i];

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
    dnn__free(entries);
    entries = NULL;
    n_entries = cap_entries = 0;
}

/* Appends ". DNN_DISABLE drops cpu_blas, acme:relu" if it has such words. */
static void put_disabled(dnn__text *text, const char *op)
{
    const char *at = secure_getenv("DNN_DISABLE"), *colon;
    char word[128];
    int n = 0;

    while (at != NULL && (at = dnn__next_word(at, ',', word, sizeof word)) != NULL) {
        colon = strchr(word, ':');
        if (word[0] != 0 && (colon == NULL || strcmp(colon + 1, op) == 0)) {
            dnn__put(text, "%s %s", n++ > 0 ? "," : ". DNN_DISABLE drops", word);
        }
    }
}

static bool has_cpu_blas(void)
{
    for (int64_t i = 0; i < n_entries; i++) {
        if (entries[i]->plugin != NULL && strcmp(entries[i]->plugin->id, "cpu_blas") == 0) {
            return true;
        }
    }
    return false;
}

void dnn__put_search(dnn__text *text, const char *op)
{
    put_disabled(text, op);
    if (has_cpu_blas() || dnn__disabled("cpu_blas", NULL)) {
        return;
    }
    dnn__put(text, ". Looked for dnn_cpu_blas.so in");
    for (int i = 0; dnn__folder_at(i) != NULL; i++) {
        dnn__put(text, "%s %s", i > 0 ? "," : "", dnn__folder_at(i));
    }
    for (int64_t i = 0; i < n_entries; i++) {
        if (entries[i]->reason != NULL && strstr(entries[i]->path, "/dnn_cpu_blas.so") != NULL) {
            dnn__put(text, "; %s", entries[i]->reason);
        }
    }
    dnn__put(text, "; \"dnn backends\" lists each file and why it is not in use");
}
