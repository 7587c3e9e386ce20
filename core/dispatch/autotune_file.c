/* tune_file.c - what DNN_TUNE has timed: a bounded table in memory, and the file that keeps it for
 * this machine. The file is a line with a checksum, then JSON. It is never trusted: who may write
 * it, every byte, the machine and the builds of the plugins are checked, and what does not hold is
 * passed over with one sentence and written anew. tune.c calls it under its lock. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "io_impl.h"
#include "plugin_impl.h"
#include "autotune.h"

enum { MAX_TIMINGS = 4096, MAX_FILE = 8 << 20, PATH = 4096 };

static dnn__timing *timings; /* sorted by key */
static int64_t n_timings, cap_timings;
static uint64_t clock_of_ages;

static enum { NOT_LOOKED, TO_READ, READ, NO_FILE } state;
static char path[PATH]; /* "" where there is no file */
static bool in_cache;   /* the place is ours: its folders are made */
static bool dirty;
static int64_t written_at; /* seconds; 0: never */
static json_t *builds;     /* of every plugin that the file knows: id to "version; build" */

/* ---- the table ---- */

static int compare_keys(const uint64_t a[2], const uint64_t b[2])
{
    if (a[0] != b[0]) {
        return a[0] < b[0] ? -1 : 1;
    }
    return a[1] < b[1] ? -1 : a[1] > b[1];
}

/* Where the key stands or would stand. */
static int64_t place_of(const uint64_t key[2])
{
    int64_t low = 0, high = n_timings;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (compare_keys(timings[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(int64_t place, const uint64_t key[2])
{
    return place < n_timings && compare_keys(timings[place].key, key) == 0;
}

static void drop_oldest(void)
{
    int64_t oldest = 0;

    for (int64_t i = 1; i < n_timings; i++) {
        oldest = timings[i].age < timings[oldest].age ? i : oldest;
    }
    n_timings--;
    memmove(timings + oldest, timings + oldest + 1, (size_t)(n_timings - oldest) * sizeof *timings);
}

/* Where there is no memory for it, it is timed again another day. */
static void put(const dnn__timing *t, bool replace)
{
    int64_t place = place_of(t->key);

    if (!stands_at(place, t->key)) {
        if (n_timings == MAX_TIMINGS) {
            drop_oldest();
            place = place_of(t->key);
        }
        if (dnn__reserve((void **)&timings, &cap_timings, n_timings + 1, sizeof *timings,
                         "timings") != DNN_OK) {
            return;
        }
        memmove(timings + place + 1, timings + place,
                (size_t)(n_timings - place) * sizeof *timings);
        n_timings++;
    } else if (!replace) {
        return;
    }
    timings[place] = *t;
    timings[place].age = ++clock_of_ages;
}

/* ---- the machine ---- */

static bool is_one_of(const char *word, size_t length, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strlen(*list) == length && memcmp(*list, word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* The first processor's block of /proc/cpuinfo. */
static void read_cpuinfo(char *text, size_t bytes)
{
    int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got;
    char *end;

    while (fd >= 0 && n < bytes - 1 && (got = read(fd, text + n, bytes - 1 - n)) > 0) {
        n += (size_t)got;
    }
    if (fd >= 0) {
        close(fd);
    }
    text[n] = 0;
    end = strstr(text, "\n\n");
    if (end != NULL) {
        *end = 0;
    }
}

/* "AMD EPYC, 3f2a...": the model, and a digest of model and instruction set. */
static const char *machine(uint64_t *digest)
{
    static const char *const models[] = {"model name", "cpu", "CPU part", "uarch", NULL};
    static const char *const all[] = {"model name", "cpu family", "model",           "stepping",
                                      "flags",      "cpu",        "uarch",           "isa",
                                      "revision",   "Features",   "CPU implementer", "CPU variant",
                                      "CPU part",   NULL};
    static char name[128];
    static uint64_t digest_of_it;
    static char text[16384];
    char model[80] = "unknown";

    if (name[0] != 0) {
        *digest = digest_of_it;
        return name;
    }
    read_cpuinfo(text, sizeof text);
    for (const char *line = text; *line != 0;) {
        size_t length = strcspn(line, "\n"), key = strcspn(line, "\t:\n");
        const char *value = line + key + strspn(line + key, "\t: ");

        if (is_one_of(line, key, models) && strcmp(model, "unknown") == 0) {
            snprintf(model, sizeof model, "%.*s", (int)(line + length - value), value);
        }
        if (is_one_of(line, key, all)) {
            digest_of_it = XXH3_64bits_withSeed(line, length, digest_of_it);
        }
        line += length + (line[length] == '\n');
    }
    snprintf(name, sizeof name, "%s, %016llx", model, (unsigned long long)digest_of_it);
    *digest = digest_of_it;
    return name;
}

/* ---- where the file is ---- */

static void no_file(const char *why)
{
    dnn__log(DNN_LOG_WARN, "libdnn: %s; what DNN_TUNE has timed is not kept on disk", why);
    state = NO_FILE;
    path[0] = 0;
}

static void find_file(void)
{
    const char *named = secure_getenv("DNN_TUNE_FILE"), *cache = secure_getenv("XDG_CACHE_HOME");
    const char *home = secure_getenv("HOME");
    bool is_named = named != NULL && *named != 0, has_cache = cache != NULL && cache[0] == '/';
    uint64_t digest;
    int length;

    if (state != NOT_LOOKED) {
        return;
    }
    state = TO_READ;
    in_cache = !is_named;
    (void)machine(&digest);
    if (is_named) {
        length = snprintf(path, sizeof path, "%s", named);
    } else if (has_cache || (home != NULL && home[0] == '/')) {
        length = snprintf(path, sizeof path, "%s%s/dnn/tune-%016llx", has_cache ? cache : home,
                          has_cache ? "" : "/.cache", (unsigned long long)digest);
    } else {
        no_file("neither DNN_TUNE_FILE nor XDG_CACHE_HOME nor HOME names an absolute folder");
        return;
    }
    if (length >= PATH - 80) {
        no_file("the name of the file of DNN_TUNE has more than 4,000 bytes");
    } else if (path[0] != '/') {
        no_file("DNN_TUNE_FILE is refused: the file must be absolute");
    }
}

/* The last two folders of the path, where they are ours to make. */
static void make_folders(void)
{
    char folder[PATH];
    char *last, *before;

    snprintf(folder, sizeof folder, "%s", path);
    last = strrchr(folder, '/');
    *last = 0;
    before = strrchr(folder, '/');
    if (before > folder) {
        *before = 0;
        (void)mkdir(folder, 0700); /* what fails here is told when the file is made */
        *before = '/';
    }
    (void)mkdir(folder, 0700);
}

/* ---- reading ---- */

static const char *build_of(const dnn__plugin *plugin, char *text, size_t bytes)
{
    const dnn_plugin *t = &plugin->table;

    snprintf(text, bytes, "%s; %s", t->version != NULL ? t->version : "",
             t->build != NULL ? t->build : "");
    return text;
}

/* The line ahead of the JSON. */
static size_t head_of(char *line, size_t bytes, const char *json, size_t length)
{
    return (size_t)snprintf(line, bytes, "libdnn-tune 1 %016llx %zu\n",
                            (unsigned long long)XXH3_64bits(json, length), length);
}

/* *json points into the text, of *length bytes that are as they were written. */
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
    head = head_of(line, sizeof line, *json, *length);
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
    if (strcmp(on, machine(&digest)) != 0) {
        return dnn__fail(DNN_E_FORMAT, "it is from another machine (%.120s; this is %s)", on,
                         machine(&digest));
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

/* A text of the entry into a buffer that holds it; false: absent or too long. */
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

/* All or nothing: the entries are looked at first. What the table has already stays. */
static dnn_status take_entries(json_t *root)
{
    json_t *entries = json_object_get(root, "entries"), *entry;
    const char *key;
    dnn__timing t;

    if (!json_is_object(entries) || json_object_size(entries) > MAX_TIMINGS) {
        return dnn__fail(DNN_E_FORMAT, "it lacks entries, or has more than %s",
                         dnn__number_text(MAX_TIMINGS));
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
            put(&t, false);
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
    DNN_TRY_TO(done, check_origin(root));
    DNN_TRY_TO(done, take_entries(root));
    json_decref(builds);
    builds = json_incref(json_object_get(root, "plugins"));
done:
    json_decref(root);
    return st;
}

static dnn_status take_file(int fd, uint64_t size)
{
    const char *json = NULL;
    size_t length = 0;
    char *text;
    dnn_status st = DNN_OK;

    if (size > MAX_FILE) {
        return dnn__fail(DNN_E_FORMAT, "it has %s bytes, more than %s",
                         dnn__number_text((int64_t)size), dnn__number_text(MAX_FILE));
    }
    text = dnn__alloc(size + 1);
    if (text == NULL) {
        return dnn__nomem("timings", size);
    }
    DNN_TRY_TO(done, dnn__read_file_at(path, fd, text, size, 0));
    DNN_TRY_TO(done, check_head(text, size, &json, &length));
    DNN_TRY_TO(done, take_json(json, length));
done:
    dnn__free(text);
    return st;
}

/* What the file has and the table has not. A fault is told once. */
static void read_file(bool tell)
{
    dnn_status status;
    uint64_t size = 0;
    int fd = -1;

    if (!dnn__file_exists(path)) {
        return;
    }
    if (dnn__check_folder(path) != DNN_OK) {
        no_file(dnn__self.text);
        return;
    }
    status = dnn__open_trusted(path, &fd, &size);
    if (status == DNN_OK) {
        status = take_file(fd, size);
        close(fd);
    }
    if (status != DNN_OK && tell) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s: what was timed before is not used and made anew: %s",
                 path, dnn__self.text);
    }
    dirty = dirty || status != DNN_OK;
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
        /* A text that JSON cannot hold is left out. */
        (void)json_object_set_new(all, dnn__plugins[i]->id,
                                  json_string(build_of(dnn__plugins[i], text, sizeof text)));
    }
    return all;
}

/* NULL: no memory. */
static char *make_json(void)
{
    json_t *root = json_object(), *entries = json_object();
    uint64_t digest;
    char key[33], *text;
    int bad = root == NULL || entries == NULL;

    for (int64_t i = 0; i < n_timings; i++) {
        snprintf(key, sizeof key, "%016llx%016llx", (unsigned long long)timings[i].key[0],
                 (unsigned long long)timings[i].key[1]);
        (void)json_object_set_new(entries, key, entry_json(&timings[i]));
    }
    bad |= json_object_set_new(root, "libdnn", json_string(dnn_version()));
    bad |= json_object_set_new(root, "machine", json_string(machine(&digest)));
    bad |= json_object_set_new(root, "plugins", all_builds());
    bad |= json_object_set(root, "entries", entries);
    text = bad ? NULL : json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(root);
    json_decref(entries);
    return text;
}

static dnn_status write_file(const char *json)
{
    dnn__writer w;
    char head[80];
    size_t length = strlen(json), head_bytes = head_of(head, sizeof head, json, length);
    dnn_status st = dnn__writer_open(&w, path);

    if (st == DNN_OK && fchmod(w.fd, 0600) != 0) { /* or it would not be read where umask is 002 */
        st = dnn__fail(DNN_E_IO, "%s: chmod: %s", path, strerror(errno));
    }
    if (st == DNN_OK) {
        st = dnn__writer_put(&w, head, head_bytes);
    }
    if (st == DNN_OK) {
        st = dnn__writer_put(&w, json, length);
    }
    if (st == DNN_OK) {
        st = dnn__writer_commit(&w);
    }
    dnn__writer_close(&w);
    return st;
}

/* Keeps other processes from reading and writing between our reading and writing, for a tenth of a
 * second at most: without it their timings may be lost, but never a file broken. */
static int lock_folder(void)
{
    static const struct timespec pause = {0, 2000000};
    char folder[PATH];
    int fd;

    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    fd = open(*folder != 0 ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && i < 50 && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        nanosleep(&pause, NULL);
    }
    return fd;
}

static void save(void)
{
    char *json;
    int fd;

    if (in_cache) {
        make_folders();
    }
    if (dnn__check_folder(path) != DNN_OK) {
        no_file(dnn__self.text);
        return;
    }
    fd = lock_folder();
    read_file(false); /* what others have written meanwhile */
    json = state == NO_FILE ? NULL : make_json();
    if (json != NULL && write_file(json) != DNN_OK) {
        no_file(dnn__self.text);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(json); /* jansson's own */
    dirty = false;
}

static int64_t seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec + 1;
}

/* ---- what tune.c calls ---- */

const dnn__timing *dnn__timing_find(const uint64_t key[2])
{
    int64_t place;

    find_file();
    if (state == TO_READ) {
        state = READ;
        read_file(true);
    }
    place = place_of(key);
    if (!stands_at(place, key)) {
        return NULL;
    }
    timings[place].age = ++clock_of_ages;
    return &timings[place];
}

void dnn__timing_keep(const dnn__timing *t)
{
    put(t, true);
    dirty = true;
    if (state == READ && seconds() > written_at + 1) {
        save();
        written_at = seconds();
    }
}

void dnn__timings_drop(void)
{
    if (state == READ && dirty) {
        save();
    }
    dnn__free(timings);
    timings = NULL;
    n_timings = cap_timings = 0;
    json_decref(builds);
    builds = NULL;
    state = NOT_LOOKED;
    dirty = false;
    written_at = 0;
    path[0] = 0;
}

const char *dnn__timings_path(void)
{
    find_file();
    return path;
}
