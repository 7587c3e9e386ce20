/* conform.c - the program that `dnn conform` starts: parses the command line, runs each phase in a
 * child process, and after a crash goes on with the next kernel. This process never opens the
 * plugin. */
#include "kit.h"
#include "near.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 60 }; /* seconds without progress in one case */

static void ignore_log(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    (void)text;
}

/* ---- a child ---- */

/* The environment must not influence the selection of kernels. */
static void unset_variables(void)
{
    static const char *const names[] = {"DNN_BACKEND",       "DNN_PLUGINS",  "DNN_DISABLE",
                                        "DNN_PREFER",        "DNN_FALLBACK", "DNN_MATH",
                                        "DNN_DETERMINISTIC", "DNN_TUNE",     "DNN_SYNC",
                                        "DNN_THREADS",       "DNN_PROFILE"};

    for (size_t i = 0; i < DNN__COUNT(names); i++)
        unsetenv(names[i]);
}

/* Restores the default handlers, so that a signal kills the child: a sanitizer's handler would turn
 * it into an exit. */
static void restore_signal_handlers(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

    for (size_t i = 0; i < DNN__COUNT(signals); i++)
        signal(signals[i], SIG_DFL);
}

static void run_child(kit_child *child, void (*phase)(kit_child *child))
{
    unset_variables();
    restore_signal_handlers();
    dup2(child->captured, STDOUT_FILENO);
    dup2(child->captured, STDERR_FILENO);
    dnn_set_log(ignore_log, NULL);
    kit_host_start();
    if (dnn__pool_start() == DNN_OK)
        phase(child);
    kit_sendf(child, KIT_DONE, -1, 0, "done");
    _exit(0);
}

/* Reads one whole record. Returns false at the end of the pipe, or after PATIENCE seconds without
 * progress. */
static bool read_record(int fd, const kit_note *note, kit_record *record, bool *hung)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint64_t beat = note->beat;
    size_t n = 0;

    for (int waited = 0; n < sizeof *record;) {
        int ready = poll(&p, 1, 1000);
        ssize_t got;

        if (ready == 0) {
            waited = note->beat == beat ? waited + 1 : 0;
            beat = note->beat;
            *hung = waited >= PATIENCE;
            if (*hung)
                return false;
            continue;
        }
        got = ready < 0 ? -1 : read(fd, (char *)record + n, sizeof *record - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

/* Returns the first line that is not empty from the dead child's standard output and error. */
static void read_captured(int fd, char *text, size_t bytes)
{
    ssize_t n = pread(fd, text, bytes - 1, 0);
    char *line;

    text[n > 0 ? n : 0] = 0;
    line = text + strspn(text, "\n= ");
    line[strcspn(line, "\n")] = 0;
    memmove(text, line, strlen(line) + 1);
}

/* Reads the child's records. Returns true if the child did all its work. */
static bool follow(kit_report *report, pid_t pid, int fd, const kit_note *note, int captured)
{
    bool done = false, hung = false;
    char printed[300];
    kit_record record;
    int status = 0;

    while (read_record(fd, note, &record, &hung)) {
        done = done || record.kind == KIT_DONE;
        kit_report_take(report, &record);
    }
    if (hung)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (done && !hung && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    read_captured(captured, printed, sizeof printed);
    kit_report_died(report, note, hung ? KIT_HUNG : status, printed);
    return false;
}

static bool start_child(kit_child *child, void (*phase)(kit_child *child), pid_t *pid, int *fd)
{
    int ends[2];

    child->captured = memfd_create("printed", MFD_CLOEXEC);
    if (child->captured < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    fflush(NULL);
    *pid = fork();
    if (*pid == 0) {
        close(ends[0]);
        child->out = ends[1];
        run_child(child, phase);
    }
    close(ends[1]);
    *fd = ends[0];
    return *pid > 0;
}

/* Runs a phase, and after each crash again from the next kernel on. */
static void run_phase(kit_report *report, const kit_options *options,
                      void (*phase)(kit_child *child))
{
    kit_note *note =
        mmap(NULL, sizeof *note, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    kit_child child = {.options = options, .note = note};
    bool done = note == MAP_FAILED;

    while (!done) {
        pid_t pid;
        int fd;

        memset(note, 0, sizeof *note);
        note->row = -1;
        if (!start_child(&child, phase, &pid, &fd)) {
            fprintf(stderr, "conform: no child process: %s\n", strerror(errno));
            exit(1);
        }
        done = follow(report, pid, fd, note, child.captured) || note->row < child.from;
        child.from = note->row + 1;
        close(fd);
        close(child.captured);
    }
    munmap(note, sizeof *note);
}

/* ---- the command line ---- */

static int usage(int status)
{
    fprintf(
        status == 0 ? stdout : stderr,
        "usage: dnn conform FILE [--mode test|grad|support|perf] [--op PATTERN] [--dtype T] "
        "[--list GAPS] [--json] [-v]\n\n"
        "Checks every kernel of the plugin in FILE, from its table alone, in child processes.\n\n"
        "  --mode test     numbers, special values, memory, promises, ABI\n"
        "  --mode grad     gradients through the tape; without --mode: test and grad\n"
        "  --mode support  which dtypes and cases each kernel accepts\n"
        "  --mode perf     median times, beside those of cpu_blas\n"
        "  --op PATTERN    only these operators (* and ? as in a shell)\n"
        "  --dtype T       only this dtype: f32 f64 f16 bf16 i8 u8 i32 i64 bool\n"
        "  --list GAPS     a file of known gaps, one a line: unsupported OP DTYPE reason, or\n"
        "                  xfail OP DTYPE reason; a gap that is none any more is a failure\n"
        "  --json          one object a line instead of the table\n"
        "  -v              every failure, not the first of each kernel\n\n"
        "Exit: 0 all passed, 1 a check failed, 2 wrong usage, 3 FILE or GAPS cannot be read.\n\n"
        "example\n  dnn conform ./dnn_acme.so --op relu --dtype f32\n");
    return status;
}

static bool set_mode(kit_options *o, const char *word)
{
    o->test = strcmp(word, "test") == 0;
    o->grad = strcmp(word, "grad") == 0;
    o->support = strcmp(word, "support") == 0;
    o->perf = strcmp(word, "perf") == 0;
    return o->test || o->grad || o->support || o->perf;
}

static bool set_dtype(kit_options *o, const char *word)
{
    for (int d = 0; d < DNN__N_DTYPES; d++) {
        if (strcmp(word, dnn_dtype_name(1u << d)) == 0)
            o->dtypes = 1u << d;
    }
    return o->dtypes != DNN__ALL_DTYPES;
}

static bool is_one_of(const char *word, const char *const *list)
{
    while (*list != NULL && strcmp(word, *list) != 0)
        list++;
    return *list != NULL;
}

/* The message about a word that parse() does not take. */
static int not_understood(const char *word, const char *value)
{
    static const char *const options[] = {"--mode", "--op", "--dtype", "--list",
                                          "--json", "-v",   "--help",  NULL};

    if (word[0] == '-' && !is_one_of(word, options))
        return near_error("dnn conform", "option", word, options);
    fprintf(stderr, "dnn conform: %s%s%s is not understood (see dnn conform --help)\n", word,
            value != NULL ? " " : "", value != NULL ? value : "");
    return 2;
}

/* Returns 0 or an exit code. */
static int parse(int argc, char **argv, kit_options *o, const char **list)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(word, "-v") == 0) {
            o->verbose = true;
        } else if (strcmp(word, "--json") == 0) {
            o->json = true;
        } else if (word[0] != '-' && o->file == NULL) {
            o->file = word;
        } else if (value != NULL && strcmp(word, "--mode") == 0 && set_mode(o, value)) {
            i++;
        } else if (value != NULL && strcmp(word, "--dtype") == 0 && set_dtype(o, value)) {
            i++;
        } else if (value != NULL && strcmp(word, "--op") == 0) {
            o->pattern = value;
            i++;
        } else if (value != NULL && strcmp(word, "--list") == 0) {
            *list = value;
            i++;
        } else {
            return not_understood(word, value);
        }
    }
    if (o->file == NULL) {
        fprintf(stderr, "dnn conform: no FILE (see dnn conform --help)\n");
        return 2;
    }
    return 0;
}

/* Finds cpu_blas in the tree of the kit: the gradient phase needs it, and perf compares with it.
 * Folders in the environment come first. */
static void find_base(void)
{
    static const char *const from_here[] = {"../../../" KIT_LIBDIR "/dnn/plugins",
                                            "../../../dnn/plugins"};
    char self[4096], folder[4200], found[4096], list[10000];
    const char *named = getenv("DNN_PLUGIN_PATH");
    dnn__text out = dnn__text_to(list, sizeof list);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    self[n > 0 ? n : 0] = 0;
    slash = strrchr(self, '/');
    if (slash == NULL)
        return;
    *slash = 0;
    dnn__put(&out, "%s", named != NULL ? named : "");
    for (size_t i = 0; i < DNN__COUNT(from_here); i++) {
        snprintf(folder, sizeof folder, "%s/%s", self, from_here[i]);
        if (realpath(folder, found) != NULL)
            dnn__put(&out, "%s%s", out.length > 0 ? ":" : "", found);
    }
    if (out.length > 0 && out.length < sizeof list)
        setenv("DNN_PLUGIN_PATH", list, 1);
}

static void run_phases(kit_report *report, const kit_options *o)
{
    run_phase(report, o, kit_phase_table);
    if (!kit_report_stopped(report))
        run_phase(report, o, kit_phase_adopt);
    if (kit_report_stopped(report))
        return;
    if (o->test)
        run_phase(report, o, kit_phase_kernels);
    if (o->grad)
        run_phase(report, o, kit_phase_grad);
    if (o->support)
        run_phase(report, o, kit_phase_support);
    if (o->perf) {
        if (!o->json)
            printf("%-28s %-20s %-5s %13s %13s %8s %s\n", "kernel", "operator", "dtype", "median",
                   "cpu_blas", "ratio", "shapes");
        run_phase(report, o, kit_phase_perf);
    }
}

int main(int argc, char **argv)
{
    static char path[4096]; /* PATH_MAX */
    kit_options o = {.dtypes = DNN__ALL_DTYPES};
    kit_gaps gaps = {0};
    const char *list = NULL;
    kit_report *report;
    int code;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return usage(0);
    }
    code = parse(argc, argv, &o, &list);
    if (code != 0)
        return code;
    if (!o.test && !o.grad && !o.support && !o.perf)
        o.test = o.grad = true;
    if (realpath(o.file, path) == NULL) {
        fprintf(stderr, "dnn conform: %s: %s\n", o.file, strerror(errno));
        return 3;
    }
    o.file = path;
    if (list != NULL && !kit_gaps_read(list, &gaps))
        return 3;
    find_base();
    report = kit_report_new(&o, &gaps);
    if (report == NULL)
        return 1;
    run_phases(report, &o);
    code = kit_report_end(report);
    free(gaps.gap);
    return code;
}
