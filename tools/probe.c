/* probe.c - the child process that tries a plugin file first, and the sentence that says how it
 * ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include "dnn.h"
#include "probe.h"

static const char end_word[] = "the end";

/* ---- in the child ---- */

static int report_pipe = -1; /* the pipe to which the child writes what it does */

void probe_report(const char *step)
{
    if (report_pipe >= 0) {
        dprintf(report_pipe, "%s\n", step);
    }
}

void probe_end(void)
{
    probe_report(end_word);
}

/* At level DEBUG the library logs which function of which file it calls next. */
static void on_log(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    if (level == DNN_LOG_DEBUG && strncmp(text, "libdnn: ", 8) == 0) {
        probe_report(text + 8);
    }
}

bool probe_begin(int *argc, char **argv)
{
    if (*argc < 3 || strcmp(argv[1], "--probe") != 0) {
        return false;
    }
    report_pipe = atoi(argv[2]);
    if (fcntl(report_pipe, F_SETFD, FD_CLOEXEC) != 0) {
        report_pipe = -1; /* started by hand, without a pipe */
    }
    memmove(argv + 1, argv + 3, (size_t)(*argc - 2) * sizeof *argv); /* with the final NULL */
    *argc -= 2;
    dnn_set_log(on_log, NULL);
    return true;
}

/* ---- starting the child ---- */

enum { NOT_RUN = 127 };

static void become_child(int n, char *const *words, const char *plugin, int pipe_end)
{
    char number[16];
    char **argv = calloc((size_t)n + 4, sizeof *argv);
    int nowhere = open("/dev/null", O_RDWR);

    if (argv == NULL || nowhere < 0) {
        _exit(NOT_RUN);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* processes that the plugin starts are killed with it */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (plugin != NULL) {
        setenv("DNN_PLUGINS", plugin, 1);
        unsetenv("DNN_BACKEND");
    }
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    snprintf(number, sizeof number, "%d", pipe_end);
    argv[0] = "dnn";
    argv[1] = "--probe";
    argv[2] = number;
    memcpy(argv + 3, words, (size_t)n * sizeof *argv);
    execv("/proc/self/exe", argv);
    _exit(NOT_RUN);
}

/* ---- waiting for the child ---- */

struct child {
    pid_t pid;
    int report_pipe; /* the pipe from the child */
    char last[4200]; /* the last whole line */
    char line[4200]; /* the line that is not complete yet */
    size_t filled;
};

static void store_bytes(struct child *c, const char *bytes, ssize_t n)
{
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            c->line[c->filled] = 0;
            memcpy(c->last, c->line, c->filled + 1);
            c->filled = 0;
        } else if (c->filled < sizeof c->line - 1) {
            c->line[c->filled++] = bytes[i];
        }
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Reads lines from the pipe; waits up to 10 ms for more. Returns false at the end of the pipe. */
static bool read_report(struct child *c)
{
    struct pollfd p = {.fd = c->report_pipe, .events = POLLIN};
    char bytes[512];
    ssize_t n;

    if (poll(&p, 1, 10) <= 0) {
        return true;
    }
    n = read(c->report_pipe, bytes, sizeof bytes);
    store_bytes(c, bytes, n);
    return n > 0 || (n < 0 && errno == EINTR);
}

/* Returns the child's wait status, or -1 if it did not end in time and was killed. */
static int wait_for(struct child *c, int seconds)
{
    double end = now() + seconds;
    bool open = true, ended = false;
    int status = -1;

    while (!ended && now() < end) {
        if (open) {
            open = read_report(c);
        } else {
            poll(NULL, 0, 1);
        }
        ended = waitpid(c->pid, &status, WNOHANG) == c->pid;
    }
    kill(-c->pid, SIGKILL);
    if (!ended) {
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
    }
    while (open && read_report(c) && poll(&(struct pollfd){c->report_pipe, POLLIN, 0}, 1, 0) > 0) {
        continue; /* read the last lines of the child */
    }
    return ended ? status : -1;
}

/* Splits "PATH: in FUNCTION" into the two parts of a sentence. */
static bool describe_end(const struct child *c, int status, int seconds, char *text)
{
    const char *in = strstr(c->last, ": in ");
    const char *step = in != NULL ? in + 5 : c->last;
    int who = in != NULL ? (int)(in - c->last) + 2 : 0;

    if (status == -1) {
        snprintf(text, PROBE_TEXT, "%.*sdoes not return from %s within %d s", who, c->last, step,
                 seconds);
        return false;
    }
    if (WIFSIGNALED(status)) {
        snprintf(text, PROBE_TEXT, "%.*sends by signal %d (%s) in %s", who, c->last,
                 WTERMSIG(status), strsignal(WTERMSIG(status)), step);
        return false;
    }
    if (strcmp(c->last, end_word) == 0) {
        return true;
    }
    snprintf(text, PROBE_TEXT, "%.*sends the process with code %d in %s", who, c->last,
             WEXITSTATUS(status), step);
    return false;
}

static bool run_child(int n, char *const *words, const char *plugin, int seconds, char *text)
{
    struct child c = {.last = "the start"};
    int ends[2], status;

    text[0] = 0;
    if (pipe(ends) != 0) {
        snprintf(text, PROBE_TEXT, "the child process that tries it has no pipe: %s",
                 strerror(errno));
        return false;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    c.report_pipe = ends[0];
    c.pid = fork();
    if (c.pid == 0) {
        become_child(n, words, plugin, ends[1]);
    }
    close(ends[1]);
    if (c.pid < 0) {
        snprintf(text, PROBE_TEXT, "no child process to try it: %s", strerror(errno));
        close(ends[0]);
        return false;
    }
    status = wait_for(&c, seconds);
    close(ends[0]);
    return describe_end(&c, status, seconds, text);
}

bool probe_words(int n, char *const *words, int seconds, char *text)
{
    return run_child(n, words, NULL, seconds, text);
}

bool probe_file(const char *path, int seconds, char *text)
{
    char *const words[] = {"backends"};

    return run_child(1, words, path, seconds, text);
}

bool probe_wanted(void)
{
    const char *files = getenv("DNN_PLUGINS"), *folders = getenv("DNN_PLUGIN_PATH");

    return (files != NULL && *files != 0) || (folders != NULL && *folders != 0);
}
