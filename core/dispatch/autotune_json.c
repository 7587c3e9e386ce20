/* autotune_json.c - the text of the file of timings: a line with a checksum, then JSON. Reading
 * never trusts the text: it checks every byte, the machine and the builds of the plugins. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "autotune_json.h"
#include "autotune_machine.h"
#include "autotune_table.h"
#include "plugin_impl.h"

static json_t *builds; /* of every plugin that the text named: id to "version; build" */

/* ---- reading ---- */

static const char *build_of(const dnn__plugin *plugin, char *text, size_t bytes)
{
    const dnn_plugin *t = &plugin->table;

    snprintf(text, bytes, "%s; %s", t->version != NULL ? t->version : "",
             t->build != NULL ? t->build : "");
    return text;
}

size_t dnn__timings_head(char *line, size_t bytes, const char *json, size_t length)
{
    return (size_t)snprintf(line, bytes, "libdnn-tune 1 %016llx %zu\n",
                            (unsigned long long)XXH3_64bits(json, length), length);
}

/* Points *json into the text, at *length bytes that are the bytes that were written. */
static dnn_status check_head(const char *text, size_t bytes, const char **json, size_t *length)
{
    static const char mark[] = "libdnn-tune ";
    const char *end = memchr(text, '\n', bytes < 80 ? bytes : 80);
    char line[80];
    size_t head;

    if (end == NULL || memcmp(text, mark, bytes < sizeof mark - 1 ? bytes : sizeof mark - 1) != 0) {
        return dnn__fail(DNN_E_FORMAT, "its first line is not that of a file of timings");
    }
    if ((size_t)(end - text) > sizeof mark && memcmp(text + sizeof mark - 1, "1 ", 2) != 0) {
        return dnn__fail(DNN_E_FORMAT, "its version is %.*s, not 1",
                         (int)strcspn(text + sizeof mark - 1, " \n"), text + sizeof mark - 1);
    }
    *json = end + 1;
    *length = bytes - (size_t)(*json - text);
    head = dnn__timings_head(line, sizeof line, *json, *length);
    if (head != (size_t)(*json - text) || memcmp(line, text, head) != 0) {
        return dnn__fail(DNN_E_FORMAT,
                         "it is cut or damaged: length and checksum of its %zu bytes are others",
                         bytes);
    }
    return DNN_OK;
}

static dnn_status check_origin(const json_t *root)
{
    const char *library = json_string_value(json_object_get(root, "libdnn"));
    const char *on = json_string_value(json_object_get(root, "machine"));
    const json_t *known = json_object_get(root, "plugins");
    uint64_t digest;

    if (library == NULL || on == NULL || !json_is_object(known)) {
        return dnn__fail(DNN_E_FORMAT, "it lacks libdnn, machine or plugins");
    }
    if (strcmp(library, dnn_version()) != 0) {
        return dnn__fail(DNN_E_FORMAT, "it is from libdnn %.32s, this is %s", library,
                         dnn_version());
    }
    if (strcmp(on, dnn__machine(&digest)) != 0) {
        return dnn__fail(DNN_E_FORMAT, "it is from another machine (%.120s; this is %s)", on,
                         dnn__machine(&digest));
    }
    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        const char *id = dnn__plugins[i]->id, *then = json_string_value(json_object_get(known, id));
        char now[256];

        if (then != NULL && strcmp(then, build_of(dnn__plugins[i], now, sizeof now)) != 0) {
            return dnn__fail(DNN_E_FORMAT, "it is from another build of %s (%.100s; this is %s)",
                             id, then, now);
        }
    }
    return DNN_OK;
}

/* Copies a text of the entry into a buffer. Returns false if the text is absent or too long. */
static bool take_text(const json_t *entry, const char *member, char *to, size_t bytes)
{
    const char *text = json_string_value(json_object_get(entry, member));

    return text != NULL && (size_t)snprintf(to, bytes, "%s", text) < bytes;
}

static bool take_key(const char *text, uint64_t key[2])
{
    char half[17] = {0};

    if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32) {
        return false;
    }
    memcpy(half, text, 16);
    key[0] = strtoull(half, NULL, 16);
    key[1] = strtoull(text + 16, NULL, 16);
    return true;
}

static bool take_entry(const char *key, const json_t *entry, dnn__timing *t)
{
    const json_t *ns = json_object_get(entry, "ns"), *next = json_object_get(entry, "next_ns");

    *t = (dnn__timing){.ns = json_integer_value(ns), .next_ns = json_integer_value(next)};
    return take_key(key, t->key) && json_is_integer(ns) && json_is_integer(next) && t->ns >= 0 &&
           t->next_ns >= 0 && take_text(entry, "plugin", t->plugin, sizeof t->plugin) &&
           take_text(entry, "kernel", t->kernel, sizeof t->kernel) &&
           take_text(entry, "call", t->call, sizeof t->call);
}

/* Takes all entries or none: checks all of them first. A timing that the table has already stays.
 */
static dnn_status take_entries(json_t *root)
{
    json_t *entries = json_object_get(root, "entries"), *entry;
    const char *key;
    dnn__timing t;

    if (!json_is_object(entries) || json_object_size(entries) > DNN__MAX_TIMINGS) {
        return dnn__fail(DNN_E_FORMAT, "it lacks entries, or has more than %s",
                         dnn__number_text(DNN__MAX_TIMINGS));
    }
    json_object_foreach(entries, key, entry)
    {
        if (!take_entry(key, entry, &t)) {
            return dnn__fail(DNN_E_FORMAT, "its entry %.40s is not one", key);
        }
    }
    json_object_foreach(entries, key, entry)
    {
        if (take_entry(key, entry, &t)) {
            dnn__table_put(&t, false);
        }
    }
    return DNN_OK;
}

static dnn_status take_json(const char *text, size_t bytes)
{
    json_error_t error;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    dnn_status st = DNN_OK;

    if (root == NULL) {
        return dnn__fail(DNN_E_FORMAT, "byte %d: %s", error.position, error.text);
    }
    DNN_TRY_TO(st, done, check_origin(root));
    DNN_TRY_TO(st, done, take_entries(root));
    json_decref(builds);
    builds = json_incref(json_object_get(root, "plugins"));
done:
    json_decref(root);
    return st;
}

dnn_status dnn__timings_parse(const char *text, size_t bytes)
{
    const char *json = NULL;
    size_t length = 0;

    DNN_TRY(check_head(text, bytes, &json, &length));
    return take_json(json, length);
}

void dnn__timings_forget_builds(void)
{
    json_decref(builds);
    builds = NULL;
}

/* ---- writing ---- */

static json_t *entry_json(const dnn__timing *t)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I}", "call", t->call, "plugin", t->plugin, "kernel",
                     t->kernel, "ns", (json_int_t)t->ns, "next_ns", (json_int_t)t->next_ns);
}

static json_t *all_builds(void)
{
    json_t *all = builds != NULL ? json_copy(builds) : json_object();
    char text[256];

    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        /* Leaves out a text that JSON cannot hold. */
        (void)json_object_set_new(all, dnn__plugins[i]->id,
                                  json_string(build_of(dnn__plugins[i], text, sizeof text)));
    }
    return all;
}

char *dnn__timings_print(void)
{
    json_t *root = json_object(), *entries = json_object();
    uint64_t digest;
    char key[33], *text;
    int bad = root == NULL || entries == NULL;

    for (int64_t i = 0; i < dnn__table_count(); i++) {
        const dnn__timing *t = dnn__table_at(i);

        snprintf(key, sizeof key, "%016llx%016llx", (unsigned long long)t->key[0],
                 (unsigned long long)t->key[1]);
        (void)json_object_set_new(entries, key, entry_json(t));
    }
    bad |= json_object_set_new(root, "libdnn", json_string(dnn_version()));
    bad |= json_object_set_new(root, "machine", json_string(dnn__machine(&digest)));
    bad |= json_object_set_new(root, "plugins", all_builds());
    bad |= json_object_set(root, "entries", entries);
    text = bad ? NULL : json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(root);
    json_decref(entries);
    return text;
}
