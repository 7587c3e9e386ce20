/* children.h - cases that each run in a child process with an environment of its own, with the
 * plugin tempo in reach. A case fails by CHECK, by fail_case, or by a signal. */
#ifndef TESTS_CHILDREN_H
#define TESTS_CHILDREN_H
#include <dnn/dnn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *test_plugins; /* the folder with tempo/dnn_tempo.so in it */
static int cases, cases_failed, checks_failed;

static inline void fail_case(const char *fmt, ...) DNN_PRINTF(1, 2);
static inline void fail_case(const char *fmt, ...)
{
    va_list list;

    printf("  ");
    va_start(list, fmt);
    vprintf(fmt, list);
    va_end(list);
    printf("\n");
    checks_failed++;
}

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition))                                                                         \
            fail_case("%s:%d: %s (\"%s\")", __FILE__, __LINE__, #condition, dnn_error_message()); \
    } while (0)

/* NAME=VALUE each, up to NULL. */
static inline void set_environment(const char *const *settings)
{
    static const char *const ours[] = {"DNN_BACKEND",       "DNN_PREFER",  "DNN_MATH",
                                       "DNN_DETERMINISTIC", "DNN_TUNE",    "DNN_TUNE_FILE",
                                       "DNN_FALLBACK",      "DNN_DISABLE", "DNN_THREADS",
                                       "XDG_CACHE_HOME",    NULL};
    char file[4200];

    for (int i = 0; ours[i] != NULL; i++)
        unsetenv(ours[i]);
    snprintf(file, sizeof file, "%s/tempo/dnn_tempo.so", test_plugins);
    setenv("DNN_PLUGINS", file, 1);
    for (; *settings != NULL; settings++) {
        char name[64];

        snprintf(name, sizeof name, "%.*s", (int)strcspn(*settings, "="), *settings);
        setenv(name, *settings + strlen(name) + 1, 1);
    }
}

/* Begins a child that runs the case. */
static inline pid_t begin_case(void (*fn)(void), const char *const *settings)
{
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child != 0)
        return child;
    set_environment(settings);
    fn();
    dnn_shutdown();
    CHECK(dnn_live_tensors() == 0);
    fflush(stdout);
    exit(checks_failed > 0); /* not _exit: the leak checker runs at exit */
}

static inline void end_case(pid_t child, const char *name, const char *const *settings)
{
    int status = -1;

    cases++;
    if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    printf("FAILED %s (%s %d) with", name, WIFSIGNALED(status) ? "signal" : "exit",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    for (; *settings != NULL; settings++)
        printf(" %s", *settings);
    printf("\n");
    cases_failed++;
}

static inline void run_case(const char *name, void (*fn)(void), const char *const *settings)
{
    end_case(begin_case(fn, settings), name, settings);
}
#define CASE(fn, ...) run_case(#fn, fn, (const char *const[]){__VA_ARGS__, NULL})

/* What a command line prints, of both streams, and its exit code. */
static inline int command(char *out, size_t bytes, const char *fmt, ...) DNN_PRINTF(3, 4);
static inline int command(char *out, size_t bytes, const char *fmt, ...)
{
    char line[9000];
    size_t n = 0, got;
    va_list list;
    FILE *pipe;
    int status;

    va_start(list, fmt);
    vsnprintf(line, sizeof line - 6, fmt, list);
    va_end(list);
    strcat(line, " 2>&1");
    pipe = popen(line, "r");
    if (pipe == NULL)
        return -1;
    while ((got = fread(out + n, 1, bytes - 1 - n, pipe)) > 0)
        n += got;
    out[n] = 0;
    status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int report(void)
{
    printf("%d cases, %d failed\n", cases, cases_failed);
    return cases_failed > 0;
}
#endif
