/* command_conform.c - dnn conform: replaces this process with the program of the kit, which is
 * installed beside this program. The kit runs the plugin in child processes, so this program loads
 * no plugin. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dnn.h"

/* Relative to the folder of this program, so the tree can be moved. PATH is never searched. */
static const char kit[] = "../libexec/dnn/kit/conform";

int command_conform(int argc, char **argv)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof kit);
    char *slash;

    (void)argc;
    path[n > 0 ? n : 0] = 0;
    slash = strrchr(path, '/');
    if (slash == NULL) {
        fprintf(stderr, "dnn conform: /proc/self/exe cannot be read: %s\n", strerror(errno));
        return 1;
    }
    memcpy(slash + 1, kit, sizeof kit);
    argv[0] = path;
    execv(path, argv);
    fprintf(stderr,
            "dnn conform: %s: %s (the kit is built with -DDNN_TESTS=ON and installed with it)\n",
            path, strerror(errno));
    return 3;
}
