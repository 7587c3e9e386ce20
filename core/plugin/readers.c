/* readers.c - reader plugins. They are loaded at the first use of a data set, with the checks of
 * kernel plugins, from the folder readers/ of each plugin folder. core/data asks them for bids. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "abi_struct.h"
#include "plugin_impl.h"

enum { READER_V1_0 = 104 }; /* size of v1.0 in bytes */
_Static_assert(sizeof(dnn_reader) >= READER_V1_0, "the reader of v1.0");

static dnn__reader **readers;
static int64_t n_readers, cap_readers;
static bool searched;
static pthread_mutex_t readers_lock = PTHREAD_MUTEX_INITIALIZER;

static dnn_status check_reader(const char *path, const char *expected_id, const dnn_reader *r)
{
    if (r == NULL) {
        return dnn__fail(DNN_E_DEVICE, "%s: dnn_reader_v1 returned no table", path);
    }
    if (r->size < READER_V1_0 || r->size > DNN__SIZE_MAX) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the reader's table says %u bytes; %d to %d are accepted", path,
                         r->size, (int)READER_V1_0, DNN__SIZE_MAX);
    }
    if (r->min_host_minor > dnn__reader_host.abi_minor) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: the reader needs a libdnn with reader ABI 1.%u; this is libdnn %s with 1.%u", path,
            r->min_host_minor, dnn_version(), dnn__reader_host.abi_minor);
    }
    if (!dnn__tail_is_zero(r, r->size, sizeof *r)) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the reader's table uses ABI fields this host does not know; it needs "
                         "a newer libdnn than %s",
                         path, dnn_version());
    }
    if ((r->flags & DNN__MUST_UNDERSTAND) != 0) {
        return dnn__fail(
            DNN_E_DEVICE,
            "%s: the reader has flags (0x%x) that libdnn %s does not know and must understand",
            path, r->flags & DNN__MUST_UNDERSTAND, dnn_version());
    }
    if (!dnn__valid_id(r->id) || strcmp(r->id, expected_id) != 0) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the reader calls itself %.31s; its file must be dnn_<id>.so", path,
                         r->id != NULL ? r->id : "(nothing)");
    }
    if (r->bid == NULL || r->open == NULL || r->describe == NULL || r->read == NULL ||
        r->close == NULL) {
        return dnn__fail(DNN_E_DEVICE,
                         "%s: the reader lacks one of bid, open, describe, read, close", path);
    }
    return DNN_OK;
}

static dnn_status load_reader_table(dnn__inventory_entry *entry, const char *id)
{
    dnn_reader_v1_fn table;
    const dnn_reader *theirs;
    dnn__reader *r;
    void *symbol;

    DNN_TRY(dnn__open_symbol(entry->path, "dnn_reader_v1", &symbol));
    memcpy(&table, &symbol, sizeof table);
    dnn__log(DNN_LOG_DEBUG, "libdnn: %s: in dnn_reader_v1 or its table", entry->path);
    theirs = table();
    DNN_TRY(check_reader(entry->path, id, theirs));
    DNN_TRY(
        dnn__reserve((void **)&readers, &cap_readers, n_readers + 1, sizeof *readers, "readers"));
    r = dnn__calloc(1, sizeof *r);
    if (r == NULL) {
        return dnn__nomem("readers", sizeof *r);
    }
    dnn__adopt(&r->table, sizeof r->table, theirs, theirs->size);
    memcpy(r->id, id, strlen(id) + 1);
    memcpy(entry->id, r->id, sizeof entry->id);
    entry->version = dnn__strdup(r->table.version != NULL ? r->table.version : "");
    entry->build = dnn__strdup(r->table.build != NULL ? r->table.build : "");
    readers[n_readers++] = r;
    if (entry->version == NULL || entry->build == NULL) {
        return dnn__nomem("readers", 64);
    }
    entry->loaded = true;
    return DNN_OK;
}

static bool have_reader(const char *id)
{
    for (int64_t i = 0; i < n_readers; i++) {
        if (strcmp(readers[i]->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static dnn_status load_reader(const char *folder, const char *name)
{
    char path[4700], id[256];
    dnn__message reason;
    dnn__inventory_entry *entry;
    dnn_status status;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(id, sizeof id, "%.*s", (int)strlen(name) - 7, name + 4);
    if (strlen(id) > 31 || have_reader(id)) {
        return DNN_OK; /* the first folder has priority */
    }
    DNN_TRY(dnn__inventory_add(path, true, &entry));
    status = load_reader_table(entry, id);
    if (status == DNN_OK || status == DNN_E_NOMEM) {
        return status;
    }
    reason = dnn__message_save();
    dnn__log(DNN_LOG_WARN, "libdnn: %s", reason.text);
    return dnn__inventory_reason(entry, reason.text);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp((*(dnn__reader *const *)a)->id, (*(dnn__reader *const *)b)->id);
}

static dnn_status find_readers(void)
{
    char folder[4300];

    for (int i = 0; dnn__folder_at(i) != NULL; i++) {
        snprintf(folder, sizeof folder, "%s/readers", dnn__folder_at(i));
        DNN_TRY(dnn__each_plugin_file(folder, load_reader));
    }
    if (n_readers > 0) {
        qsort(readers, (size_t)n_readers, sizeof *readers, compare_ids);
    }
    return DNN_OK;
}

dnn_status dnn__readers(dnn__reader *const **list, int *n)
{
    dnn_status st = DNN_OK;

    pthread_mutex_lock(&readers_lock);
    if (!searched) {
        st = find_readers();
        searched = st == DNN_OK;
    }
    pthread_mutex_unlock(&readers_lock);
    *list = readers;
    *n = (int)n_readers;
    return st;
}

void dnn__put_readers(dnn__text *text)
{
    for (int64_t i = 0; i < n_readers; i++) {
        dnn__put(text, "%s%s", i > 0 ? ", " : "", readers[i]->id);
    }
    dnn__put(text, "%s in", n_readers == 0 ? "none" : "");
    for (int i = 0; dnn__folder_at(i) != NULL; i++) {
        dnn__put(text, "%s %s/readers", i > 0 ? "," : "", dnn__folder_at(i));
    }
}

void dnn__readers_drop(void)
{
    for (int64_t i = 0; i < n_readers; i++) {
        dnn__free(readers[i]);
    }
    dnn__free(readers);
    readers = NULL;
    n_readers = cap_readers = 0;
    searched = false;
}
