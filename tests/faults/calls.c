/* calls.c - system calls that fail on request, or are written down (calls.h). */
#include "calls.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HERE __attribute__((visibility("default")))
/* The function of that name behind ours. */
#define NEXT(name) (__extension__(__typeof__(&(name))) dlsym(RTLD_NEXT, #name))

const char *const call_names[N_CALLS] = {"open",   "read",  "pread",     "write", "pwrite", "fsync",
                                         "rename", "close", "ftruncate", "mmap",  "unlink"};
long call_count[N_CALLS];

static struct {
    bool counting, recording, for_ever;
    pthread_t thread;
    long at, calls, hit;
    int kind;
    record *list;
    long n, room;
} state;

static bool mine(bool on)
{
    return on && pthread_equal(state.thread, pthread_self());
}

/* ---- faults ---- */

void fault_begin(long at, bool for_ever, int kind)
{
    memset(call_count, 0, sizeof call_count);
    state.thread = pthread_self();
    state.at = at;
    state.for_ever = for_ever;
    state.kind = kind;
    state.calls = state.hit = 0;
    state.counting = true;
}

long fault_end(long *hit)
{
    state.counting = false;
    if (hit != NULL) {
        *hit = state.hit;
    }
    return state.calls;
}

/* Counts the call; is it one that goes wrong? */
static bool wrong(enum call call)
{
    bool can = state.kind > 0 || (state.kind == SHORT_READ && (call == READ || call == PREAD)) ||
               (state.kind == ONE_BYTE_WRITE && (call == WRITE || call == PWRITE));

    if (!mine(state.counting)) {
        return false;
    }
    call_count[call]++;
    state.calls++;
    if (!can || state.at == 0 || state.calls < state.at ||
        (state.calls > state.at && !state.for_ever)) {
        return false;
    }
    state.hit++;
    return true;
}

/* The same where a failure is an errno; it is set. */
static bool fails(enum call call)
{
    bool it_does = wrong(call) && state.kind > 0;

    if (it_does) {
        errno = state.kind;
    }
    return it_does;
}

/* How many of n bytes this call moves; -1: none, and errno is set. */
static ssize_t allowed(enum call call, size_t n)
{
    if (!wrong(call)) {
        return (ssize_t)n;
    }
    if (state.kind > 0) {
        errno = state.kind;
        return -1;
    }
    return state.kind == SHORT_READ ? (ssize_t)((n + 1) / 2) : n > 0;
}

/* ---- the record ---- */

void record_begin(void)
{
    state.thread = pthread_self();
    state.list = NULL;
    state.n = state.room = 0;
    state.recording = true;
}

long record_end(record **list)
{
    state.recording = false;
    *list = state.list;
    return state.n;
}

void record_free(record *list, long n)
{
    for (long i = 0; i < n; i++) {
        free(list[i].name);
        free(list[i].to);
        free(list[i].data);
    }
    free(list);
}

static void note(record r)
{
    int error = errno;

    if (!mine(state.recording)) {
        return;
    }
    state.recording = false; /* what follows may call us */
    if (state.n == state.room) {
        state.room = 2 * state.room + 64;
        state.list = realloc(state.list, (size_t)state.room * sizeof *state.list);
    }
    r.name = r.name != NULL ? strdup(r.name) : NULL;
    r.to = r.to != NULL ? strdup(r.to) : NULL;
    if (r.data != NULL) {
        char *copy = malloc(r.bytes + 1);

        memcpy(copy, r.data, r.bytes);
        r.data = copy;
    }
    state.list[state.n++] = r;
    state.recording = true;
    errno = error;
}

/* ---- the calls ---- */

HERE int openat(int dir, const char *path, int flags, ...)
{
    mode_t mode = 0;
    int fd;

    if (flags & O_CREAT) {
        va_list list;

        va_start(list, flags);
        mode = va_arg(list, mode_t);
        va_end(list);
    }
    if (fails(OPEN)) {
        return -1;
    }
    fd = NEXT(openat)(dir, path, flags, mode);
    if (fd >= 0) {
        note((record){.call = OPEN,
                      .fd = fd,
                      .create = (flags & O_CREAT) != 0,
                      .folder = (flags & O_DIRECTORY) != 0,
                      .name = (char *)path});
    }
    return fd;
}

HERE int open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_list list;

        va_start(list, flags);
        mode = va_arg(list, mode_t);
        va_end(list);
    }
    return openat(AT_FDCWD, path, flags, mode);
}

HERE ssize_t read(int fd, void *to, size_t n)
{
    ssize_t some = allowed(READ, n);

    return some < 0 ? -1 : NEXT(read)(fd, to, (size_t)some);
}

HERE ssize_t pread(int fd, void *to, size_t n, off_t offset)
{
    ssize_t some = allowed(PREAD, n);

    return some < 0 ? -1 : NEXT(pread)(fd, to, (size_t)some, offset);
}

HERE ssize_t write(int fd, const void *from, size_t n)
{
    ssize_t some = allowed(WRITE, n);

    if (some >= 0) {
        some = NEXT(write)(fd, from, (size_t)some);
    }
    if (some > 0) {
        note(
            (record){.call = WRITE, .fd = fd, .data = (char *)(size_t)from, .bytes = (size_t)some});
    }
    return some;
}

HERE ssize_t pwrite(int fd, const void *from, size_t n, off_t offset)
{
    ssize_t some = allowed(PWRITE, n);

    return some < 0 ? -1 : NEXT(pwrite)(fd, from, (size_t)some, offset);
}

HERE int fsync(int fd)
{
    if (fails(FSYNC)) {
        return -1;
    }
    note((record){.call = FSYNC, .fd = fd});
    return 0; /* the tests look at what was asked for, not at the disk */
}

HERE int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (fails(RENAME)) {
        return -1;
    }
    note((record){.call = RENAME, .name = (char *)from, .to = (char *)to});
    return NEXT(renameat)(from_dir, from, to_dir, to);
}

HERE int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* As on Linux, a close that fails has closed. */
HERE int close(int fd)
{
    bool failed = fails(CLOSE);
    int error = errno;

    note((record){.call = CLOSE, .fd = fd});
    NEXT(close)(fd);
    errno = error;
    return failed ? -1 : 0;
}

HERE int ftruncate(int fd, off_t size)
{
    return fails(FTRUNCATE) ? -1 : NEXT(ftruncate)(fd, size);
}

HERE void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return fails(MMAP) ? MAP_FAILED : NEXT(mmap)(at, bytes, protection, flags, fd, offset);
}

HERE int unlinkat(int dir, const char *name, int flags)
{
    note((record){.call = UNLINK, .name = (char *)name});
    return NEXT(unlinkat)(dir, name, flags);
}
