/* abuse.c - what the tests of bad plugins share: a child with an environment of its own, what it
 * said, and files made for one case. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "abuse.h"

const char *probe, *command, *tests, *plugins, *scratch;
int thin;
char output[OUT];
int passed, failed;

/* ---- a child ---- */

static void set_or_clear(const char *name, const char *value)
{
    if (value != NULL) {
        setenv(name, value, 1);
    } else {
        unsetenv(name);
    }
}

static void become_probe(const struct setting *s, bool as_command, int out)
{
    set_or_clear("DNN_BACKEND", s->backend);
    set_or_clear("DNN_PLUGIN_PATH", s->path);
    set_or_clear("DNN_PLUGINS", s->files);
    set_or_clear("DNN_FALLBACK", s->fallback);
    set_or_clear("DNN_DISABLE", s->disable);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (s->folder != NULL && chdir(s->folder) != 0) {
        _exit(99);
    }
    if (s->nobody && (setgid(65534) != 0 || setuid(65534) != 0)) {
        _exit(99);
    }
    if (as_command) {
        execl(command, command, "explain", "relu", "3", (char *)NULL);
        _exit(98);
    }
    if (s->data != NULL) {
        execl(probe, probe, "read", s->data, (char *)NULL);
        _exit(98);
    }
    execl(probe, probe, s->twice ? "twice" : NULL, (char *)NULL);
    _exit(98);
}

/* The exit code, or 1000 + the signal. What it said is in `output`. */
static int run_child(const struct setting *s, bool as_command)
{
    int ends[2], status = 0;
    size_t n = 0;
    ssize_t got;
    pid_t child;

    if (pipe(ends) != 0) {
        return 97;
    }
    child = fork();
    if (child == 0) {
        close(ends[0]);
        become_probe(s, as_command, ends[1]);
    }
    close(ends[1]);
    while (n < OUT - 1 && (got = read(ends[0], output + n, OUT - 1 - n)) > 0) {
        n += (size_t)got;
    }
    output[n] = 0;
    close(ends[0]);
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run_probe(const struct setting *s)
{
    return run_child(s, false);
}

int run_command(const struct setting *s)
{
    return run_child(s, true);
}

void judge(const char *what, int code, int want, const char *text)
{
    bool ok = code == want && strstr(output, text) != NULL;

    if (!ok) {
        printf("FAILED %s: exit %d, not %d, or does not say \"%s\":\n%s\n", what, code, want, text,
               output);
    }
    passed += ok;
    failed += !ok;
}

void judge_alive(const char *what, int code, const char *text)
{
    bool ok = (code == 0 || code == 1 || code == 4) && strstr(output, text) != NULL;

    if (!ok) {
        printf("FAILED %s: exit %d, or does not say \"%s\":\n%s\n", what, code, text, output);
    }
    passed += ok;
    failed += !ok;
}

bool taken(int stride)
{
    static int n;

    return thin == 0 || n++ % (stride * thin) == 0;
}

/* ---- files ---- */

char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *data = malloc(1 << 24);

    *n = f != NULL && data != NULL ? fread(data, 1, 1 << 24, f) : 0;
    if (f != NULL) {
        fclose(f);
    }
    return data;
}

void write_file(const char *path, const void *data, size_t n, mode_t mode)
{
    FILE *f;

    unlink(path);
    f = fopen(path, "wb");
    if (f != NULL) {
        fwrite(data, 1, n, f);
        fclose(f);
    }
    chmod(path, mode);
}

void make_folder(const char *path)
{
    mkdir(path, 0755);
    chmod(path, 0755);
}

struct setting with_bytes(const char *id, const void *data, size_t n, mode_t mode)
{
    static char folder[PATH_BYTES], file[PATH_BYTES + 80], path[3 * PATH_BYTES],
        last[PATH_BYTES + 80];

    snprintf(folder, sizeof folder, "%s/case", scratch);
    make_folder(folder);
    snprintf(file, sizeof file, "%s/dnn_%s.so", folder, id);
    if (last[0] != 0 && strcmp(last, file) != 0) {
        unlink(last);
    }
    memcpy(last, file, sizeof last);
    write_file(file, data, n, mode);
    snprintf(path, sizeof path, "%s:%s", folder, plugins);
    return (struct setting){.backend = id, .path = path};
}

bool recipe_open(struct recipe *r, const char *name, const char *word, void *good, size_t bytes)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", tests, name);
    *r = (struct recipe){.bytes = bytes, .good = good};
    r->file = read_file(path, &r->file_bytes);
    for (; r->file != NULL && r->at + bytes <= r->file_bytes; r->at++) {
        if (memcmp(r->file + r->at, word, 16) == 0) {
            memcpy(good, r->file + r->at, bytes);
            return true;
        }
    }
    printf("FAILED %s cannot be read, or has no recipe\n", path);
    failed++;
    free(r->file);
    return false;
}

void recipe_write(const struct recipe *r, const void *changed, const char *path)
{
    memcpy(r->file + r->at, changed, r->bytes);
    write_file(path, r->file, r->file_bytes, 0755);
    memcpy(r->file + r->at, r->good, r->bytes);
}

struct setting recipe_setting(const struct recipe *r, const void *changed, const char *id)
{
    struct setting s;

    memcpy(r->file + r->at, changed, r->bytes);
    s = with_bytes(id, r->file, r->file_bytes, 0755);
    memcpy(r->file + r->at, r->good, r->bytes);
    return s;
}
