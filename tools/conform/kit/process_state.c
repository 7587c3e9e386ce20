/* process_state.c - checks the process state that a plugin must not change. The children of the kit
 * call it around init and around every kernel. */
#include "kit.h"
#include <fenv.h>
#include <float.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

typedef struct process_state {
    int rounding, n_environ;
    bool denormals;
    char locale[256], folder[4096];
    struct sigaction action[32];
    off_t printed;
} process_state;

static process_state before;

static bool keeps_denormals(void)
{
    volatile double tiny = DBL_MIN;

    tiny /= 4;
    return tiny != 0;
}

static off_t printed_so_far(const kit_child *child)
{
    struct stat st;

    return fstat(child->captured, &st) == 0 ? st.st_size : 0;
}

static void read_state(const kit_child *child, process_state *m)
{
    memset(m, 0, sizeof *m);
    m->rounding = fegetround();
    m->denormals = keeps_denormals();
    snprintf(m->locale, sizeof m->locale, "%s", setlocale(LC_ALL, NULL));
    if (getcwd(m->folder, sizeof m->folder) == NULL)
        m->folder[0] = 0;
    while (environ != NULL && environ[m->n_environ] != NULL)
        m->n_environ++;
    for (int i = 1; i < 32; i++)
        sigaction(i, NULL, &m->action[i]);
    m->printed = printed_so_far(child);
}

void kit_process_note(const kit_child *child)
{
    read_state(child, &before);
}

static void check_printed(const kit_child *child, int row, off_t from, off_t to)
{
    char text[80];
    ssize_t n = to > from ? pread(child->captured, text, sizeof text - 1, from) : 0;

    if (to <= from)
        return;
    text[n > 0 ? n : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    kit_sendf(child, KIT_FAIL, row, 0,
              "it prints, which is the program's to do (%lld bytes, beginning \"%s\"); "
              "host->log takes messages",
              (long long)(to - from), text);
}

void kit_process_check(const kit_child *child, int row)
{
    process_state now;

    fflush(NULL);
    read_state(child, &now);
    check_printed(child, row, before.printed, now.printed);
    if (now.rounding != before.rounding || now.denormals != before.denormals)
        kit_sendf(child, KIT_FAIL, row, 0, "it changes the floating-point mode of the thread");
    if (strcmp(now.locale, before.locale) != 0)
        kit_sendf(child, KIT_FAIL, row, 0, "it changes the locale from %s to %s", before.locale,
                  now.locale);
    if (strcmp(now.folder, before.folder) != 0)
        kit_sendf(child, KIT_FAIL, row, 0, "it changes the working directory");
    if (now.n_environ != before.n_environ)
        kit_sendf(child, KIT_FAIL, row, 0, "it changes the environment: %d variables, %d before",
                  now.n_environ, before.n_environ);
    for (int i = 1; i < 32; i++) {
        if (now.action[i].sa_handler != before.action[i].sa_handler)
            kit_sendf(child, KIT_FAIL, row, 0, "it installs a handler for signal %d (%s)", i,
                      strsignal(i));
    }
    before = now;
}
