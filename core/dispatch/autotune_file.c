/* autotune_file.c - the file that keeps the timings of DNN_TUNE for this machine. libdnn never
 * trusts it: it checks who may write the file, and autotune_json.c checks the text. A file that
 * fails a check is ignored with one warning and written anew. autotune.c calls these functions
 * under its lock. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "autotune_file.h"
#include "autotune_json.h"
#include "autotune_machine.h"
#include "autotune_table.h"
#include "file.h"
#include "plugin_impl.h"

enum { MAX_FILE = 8 << 20, PATH = 4096 };

static enum { NOT_LOOKED, TO_READ, READ, NO_FILE } state;
static char path[PATH];    /* "" where there is no file */
static bool in_cache;      /* the file is in the cache folder: save makes its folders */
static bool dirty;         /* a timing is not in the file yet */
static int64_t written_at; /* seconds; 0: never */

/* ---- the path ---- */

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
    (void)dnn__machine(&digest);
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

/* Makes the last two folders of the path. */
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
        (void)mkdir(folder, 0700); /* opening the file reports a failure */
        *before = '/';
    }
    (void)mkdir(folder, 0700);
}

/* ---- reading ---- */

static dnn_status take_file(int fd, uint64_t size)
{
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
    DNN_TRY_TO(st, done, dnn__read_file_at(path, fd, text, size, 0));
    DNN_TRY_TO(st, done, dnn__timings_parse(text, size));
done:
    dnn__free(text);
    return st;
}

/* Adds the timings of the file that the table does not have. `tell`: logs a fault. */
static void read_file(bool tell)
{
    dnn_status status;
    uint64_t size = 0;
    int fd = -1;

    if (!dnn__file_exists(path)) {
        return;
    }
    if (dnn__check_folder(path) != DNN_OK) {
        no_file(dnn__message_text());
        return;
    }
    status = dnn__open_trusted(path, &fd, &size);
    if (status == DNN_OK) {
        status = take_file(fd, size);
        close(fd);
    }
    if (status != DNN_OK && tell) {
        dnn__log(DNN_LOG_WARN, "libdnn: %s: what was timed before is not used and made anew: %s",
                 path, dnn__message_text());
    }
    dirty = dirty || status != DNN_OK;
}

/* ---- writing ---- */

static dnn_status write_file(const char *json)
{
    dnn__writer w;
    char head[80];
    size_t length = strlen(json), head_bytes = dnn__timings_head(head, sizeof head, json, length);
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

/* Locks the folder, so that no other process reads or writes between our read and our write. Waits
 * for a tenth of a second at most: without the lock, timings of other processes may be lost, but
 * the file stays whole. */
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
        no_file(dnn__message_text());
        return;
    }
    fd = lock_folder();
    read_file(false); /* the timings that other processes wrote meanwhile */
    json = state == NO_FILE ? NULL : dnn__timings_print();
    if (json != NULL && write_file(json) != DNN_OK) {
        no_file(dnn__message_text());
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

/* ---- for autotune.c ---- */

const dnn__timing *dnn__timing_find(const uint64_t key[2])
{
    find_file();
    if (state == TO_READ) {
        state = READ;
        read_file(true);
    }
    return dnn__table_find(key);
}

void dnn__timing_keep(const dnn__timing *t)
{
    dnn__table_put(t, true);
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
    dnn__table_drop();
    dnn__timings_forget_builds();
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
