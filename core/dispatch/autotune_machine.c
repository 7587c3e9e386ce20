/* autotune_machine.c - the name of the machine that timings belong to: the model of its processor
 * and a digest of its instruction set. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "autotune_machine.h"
#include "base.h"

static bool is_one_of(const char *word, size_t length, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strlen(*list) == length && memcmp(*list, word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Reads the block of the first processor of /proc/cpuinfo. */
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

const char *dnn__machine(uint64_t *digest)
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
