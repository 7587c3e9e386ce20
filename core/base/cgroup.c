/* cgroup.c - the CPU time that the cgroup of this process may use, of version 1 and version 2.
 * threads.c asks it for the default number of threads. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base.h"
#include "cgroup.h"

enum { MOST_LINE = 2048, MOST_PATH = 1024 };

struct reader {
    int fd;
    size_t at, n;
    char bytes[MOST_LINE];
};

struct place {
    char path[MOST_PATH];  /* of the cgroup, as /proc/self/cgroup names it */
    char root[MOST_PATH];  /* the cgroup that is mounted */
    char mount[MOST_PATH]; /* where it is mounted */
    bool v2;
};

static int next_byte(struct reader *r)
{
    if (r->at == r->n) {
        ssize_t n = read(r->fd, r->bytes, sizeof r->bytes);

        r->at = 0;
        r->n = n > 0 ? (size_t)n : 0;
    }
    return r->at < r->n ? r->bytes[r->at++] : -1;
}

/* Drops what is longer than MOST_LINE. Returns false at the end of the file. */
static bool next_line(struct reader *r, char line[static MOST_LINE])
{
    size_t length = 0;
    int c;

    while ((c = next_byte(r)) >= 0 && c != '\n') {
        if (length < MOST_LINE - 1) {
            line[length++] = (char)c;
        }
    }
    line[length] = 0;
    return length > 0 || c >= 0;
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; *at != 0; at += strspn(at, ",")) {
        size_t n = strcspn(at, ",");

        if (n == length && memcmp(at, word, n) == 0) {
            return true;
        }
        at += n;
    }
    return false;
}

/* A line of /proc/self/cgroup: "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1. */
static bool is_ours(char *line, bool v2, char *path)
{
    char *list = strchr(line, ':'), *end = list ? strchr(list + 1, ':') : NULL;

    if (!end) {
        return false;
    }
    *end = 0;
    if (v2 ? strcmp(line, "0:") != 0 : !has_word(list + 1, "cpu")) {
        return false;
    }
    return snprintf(path, MOST_PATH, "%s", end + 1) < MOST_PATH;
}

/* A line of /proc/self/mountinfo: "36 35 98:0 /root /mount options ... - type source options". */
static bool is_mount(char *line, struct place *out)
{
    char *tail = strstr(line, " - "), type[32], options[256];

    if (!tail || sscanf(tail, " - %31s %*s %255s", type, options) != 2) {
        return false;
    }
    if (out->v2 ? strcmp(type, "cgroup2") != 0
                : strcmp(type, "cgroup") != 0 || !has_word(options, "cpu")) {
        return false;
    }
    return sscanf(line, "%*s %*s %*s %1023s %1023s", out->root, out->mount) == 2;
}

static bool find_line(const char *top, const char *file, struct place *out, bool of_mounts)
{
    char line[MOST_LINE];
    struct reader r = {.fd = -1};
    bool found = false;

    snprintf(line, sizeof line, "%s/proc/self/%s", top, file);
    r.fd = open(line, O_RDONLY | O_CLOEXEC);
    if (r.fd < 0) {
        return false;
    }
    while (!found && next_line(&r, line)) {
        found = of_mounts ? is_mount(line, out) : is_ours(line, out->v2, out->path);
    }
    close(r.fd);
    return found;
}

static bool read_text(const char *top, const struct place *p, const char *path, const char *file,
                      char *text, size_t room)
{
    char name[3 * MOST_PATH];
    ssize_t n;
    int fd;

    snprintf(name, sizeof name, "%s%s%s/%s", top, p->mount, path, file);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, text, room - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* Returns the CPUs that one cgroup allows, rounded up; 0: no quota. */
static int quota_at(const char *top, const struct place *p, const char *path)
{
    char text[64], *end = text;
    long long quota, period;

    if (!read_text(top, p, path, p->v2 ? "cpu.max" : "cpu.cfs_quota_us", text, sizeof text)) {
        return 0;
    }
    quota = strtoll(text, &end, 10); /* "max" and -1 mean none */
    if (end == text || quota <= 0) {
        return 0;
    }
    if (!p->v2) {
        if (!read_text(top, p, path, "cpu.cfs_period_us", text, sizeof text)) {
            return 0;
        }
        end = text;
    }
    period = strtoll(end, NULL, 10);
    if (period <= 0) {
        return 0;
    }
    quota = (quota - 1) / period + 1;
    return quota < INT32_MAX ? (int)quota : 0;
}

/* Returns the smallest quota of the cgroup and those above it, as far as they are mounted. */
static int quota_of(const char *top, bool v2)
{
    struct place p = {.v2 = v2};
    char *path, *slash;
    size_t root;
    int least = 0;

    if (!find_line(top, "cgroup", &p, false) || !find_line(top, "mountinfo", &p, true)) {
        return 0;
    }
    root = strcmp(p.root, "/") == 0 ? 0 : strlen(p.root);
    /* A container sees its own cgroup mounted, but may read its path from the host's root. */
    path = strncmp(p.path, p.root, root) == 0 ? p.path + root : p.path + strlen(p.path);
    if (strcmp(path, "/") == 0) {
        path++;
    }
    for (;;) {
        int n = quota_at(top, &p, path);

        least = n > 0 && (least == 0 || n < least) ? n : least;
        slash = strrchr(path, '/');
        if (!slash) {
            return least;
        }
        *slash = 0;
    }
}

int dnn__cgroup_cpus(const char *top)
{
    int v2 = quota_of(top, true), v1 = quota_of(top, false);

    return v1 == 0 || (v2 > 0 && v2 < v1) ? v2 : v1;
}
