/* test_tune.c - DNN_TUNE: the fastest kernel that accepts is chosen, operands and errors stay as
 * they are, and the file that remembers it is checked: cut at every byte, with flipped bits, from
 * another machine, of another build, writable by others, written by several processes. Every case
 * is a child process with an environment of its own.
 *
 * usage: test_tune TEST_PLUGINS DNN_COMMAND SCRATCH */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "children.h"

static const char *tool;
static char folder[4000], file[4100]; /* of this run; the file that DNN_TUNE_FILE names */
static char file_setting[4200], cache_setting[4200], home_setting[4200], keeper[4200],
    blocked[4200];

/* ---- calls ---- */

struct walk {
    char asked[2000], chosen[64], answer[200];
};

static void note(void *ctx, const char *op, const char *plugin, const char *kernel,
                 const char *answer)
{
    struct walk *w = ctx;
    size_t n = strlen(w->asked);

    (void)op;
    snprintf(w->asked + n, sizeof w->asked - n, "%s.%s: %s\n", plugin, kernel, answer);
    if (strstr(answer, "yes") != NULL) {
        snprintf(w->chosen, sizeof w->chosen, "%s", kernel);
        snprintf(w->answer, sizeof w->answer, "%s", answer);
    }
}

enum { MOST = 64 };

static struct walk relu(int64_t n)
{
    struct walk w = {{0}, {0}, {0}};
    float x[MOST], y[MOST] = {0};

    for (int64_t i = 0; i < n; i++) {
        x[i] = (float)(i % 3) - 1;
    }
    {
        DNN_SCOPE();
        dnn_tensor *t = dnn_from_data(x, DNN_SHAPE(n)), *r;

        dnn_explain(note, &w);
        r = dnn_relu(t);
        dnn_explain(NULL, NULL);
        CHECK(r != NULL && dnn_read(r, y, (size_t)n * sizeof *y) == DNN_OK);
        for (int64_t i = 0; i < n; i++) {
            CHECK(y[i] == (x[i] < 0 ? 0 : x[i]));
        }
    }
    return w;
}

static void expect(const char *kernel)
{
    struct walk w = relu(8);

    if (strcmp(w.chosen, kernel) != 0) {
        fail_case("chosen is %s, not %s:\n%s", w.chosen, kernel, w.asked);
    }
}

/* How many kernels ran for one relu: 1 where nothing was timed. */
static int64_t runs_of_relu(int64_t n)
{
    dnn_counters before, after;

    dnn_get_counters(&before);
    relu(n);
    dnn_get_counters(&after);
    return after.calls - before.calls;
}

/* ---- what the library says ---- */

static char said[4000];
static int n_said;

static void hear(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    if (level >= DNN_LOG_WARN || strstr(text, "is not tuned") != NULL) {
        snprintf(said, sizeof said, "%s", text);
        n_said++;
    }
}

static void listen(void)
{
    said[0] = 0;
    n_said = 0;
    dnn_set_log(hear, NULL);
}

static void expect_said(const char *text)
{
    if (n_said != 1 || strstr(said, text) == NULL) {
        fail_case("%d messages, the last \"%s\"; not one with \"%s\"", n_said, said, text);
    }
}

/* ---- the file ---- */

enum { MAX_FILE = 1 << 16 };

static size_t read_all(const char *path, char *to)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, to, MAX_FILE - 1) : 0;

    if (fd >= 0) {
        close(fd);
    }
    to[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

static void write_all(const char *path, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

/* Replaces a text in the file and mends its first line: what a forger would do. */
static void forge(const char *from, const char *to)
{
    static char old[MAX_FILE], json[MAX_FILE], out[MAX_FILE];
    char *begin, *at;
    int n;

    read_all(file, old);
    begin = strchr(old, '\n') + 1;
    at = strstr(begin, from);
    if (at == NULL) {
        fail_case("the file has no \"%s\":\n%s", from, old);
        return;
    }
    snprintf(json, sizeof json, "%.*s%s%s", (int)(at - begin), begin, to, at + strlen(from));
    n = snprintf(out, sizeof out, "libdnn-tune 1 %016llx %zu\n%.60000s",
                 (unsigned long long)XXH3_64bits(json, strlen(json)), strlen(json), json);
    write_all(file, out, (size_t)n);
}

/* Is it whole: the first line fits the rest. */
static bool is_whole(const char *text, size_t n)
{
    const char *end = memchr(text, '\n', n);
    char head[100];
    size_t rest;

    if (end == NULL) {
        return false;
    }
    rest = n - (size_t)(end + 1 - text);
    snprintf(head, sizeof head, "libdnn-tune 1 %016llx %zu\n",
             (unsigned long long)XXH3_64bits(end + 1, rest), rest);
    return strlen(head) == (size_t)(end + 1 - text) && memcmp(head, text, strlen(head)) == 0;
}

/* Times relu of 8 and leaves the file; what it says, it says now. */
static void make_file(void)
{
    CHECK(runs_of_relu(8) > 3);
    dnn_shutdown();
}

/* The next start does not believe the file, says so once, chooses well and leaves a good one. */
static void expect_remade(const char *text)
{
    static char now[MAX_FILE];

    listen();
    expect("quick");
    dnn_shutdown();
    expect_said(text);
    CHECK(is_whole(now, read_all(file, now)));
    listen();
    CHECK(runs_of_relu(8) == 1 && n_said == 0);
    dnn_shutdown();
    dnn_set_log(NULL, NULL);
}

/* ---- the choice ---- */

static void fastest_is_chosen(void)
{
    struct walk w = relu(8);

    CHECK(strcmp(w.chosen, "quick") == 0);
    CHECK(strncmp(w.asked, "tempo.quick: yes; tuned: ", 25) == 0);
    CHECK(strstr(w.answer, " us, next ") != NULL && strchr(w.asked, '\n')[1] == 0);
    CHECK(dnn_get_tune() && strcmp(dnn_get_tune_file(), file) == 0);
    CHECK(runs_of_relu(8) == 1); /* remembered, though dnn_explain makes the plan anew */
}

static void order_without_it(void)
{
    expect("late");
    CHECK(!dnn_get_tune());
    dnn_set_tune(true);
    expect("quick");
    dnn_set_tune(false);
    expect("late");
}

/* A plan that is cached is made anew once the program asks for timing. */
static void cached_plans_are_renewed(void)
{
    float x[4] = {-1, 2, -3, 4};
    dnn_counters before, after;

    {
        DNN_SCOPE();
        dnn_tensor *t = dnn_from_data(x, DNN_SHAPE(4));

        CHECK(dnn_relu(t) != NULL && dnn_relu(t) != NULL);
        dnn_set_tune(true);
        dnn_get_counters(&before);
        CHECK(dnn_relu(t) != NULL);
        dnn_get_counters(&after);
        CHECK(after.calls - before.calls > 3);
        CHECK(dnn_relu(t) != NULL);
        dnn_get_counters(&before);
        CHECK(before.calls == after.calls + 1 && before.plan_misses == after.plan_misses);
    }
}

static void not_where_pinned(void)
{
    CHECK(runs_of_relu(8) == 1);
    expect("racy");
}

static void not_under_deterministic(void)
{
    expect("late");
    CHECK(runs_of_relu(8) == 1);
    dnn_set_deterministic(false);
    expect("quick");
}

/* In place the operand is changed once, by the call itself. */
static void operands_stay(void)
{
    float x[3] = {1, 2, 3}, y[3], view[6] = {1, 9, 2, 9, 3, 9}, after[6];
    struct walk w = {{0}, {0}, {0}};

    {
        DNN_SCOPE();
        dnn_tensor *a = dnn_from_data(x, DNN_SHAPE(3)), *b = dnn_from_data(x, DNN_SHAPE(3));
        dnn_tensor *v = dnn_from_data(view, DNN_SHAPE(6));

        dnn_explain(note, &w);
        CHECK(dnn_add_(a, b) != NULL);
        CHECK(strstr(w.answer, "; tuned: ") != NULL);
        dnn_explain(NULL, NULL);
        CHECK(dnn_add_(dnn_slice(v, 0, 0, 6, 2), b) != NULL); /* by way of copies */
        CHECK(dnn_read(a, y, sizeof y) == DNN_OK && y[0] == 2 && y[1] == 4 && y[2] == 6);
        CHECK(dnn_read(b, y, sizeof y) == DNN_OK && memcmp(x, y, sizeof x) == 0);
        CHECK(dnn_read(v, after, sizeof after) == DNN_OK);
        CHECK(after[0] == 2 && after[1] == 9 && after[2] == 4 && after[3] == 9 && after[4] == 6);
    }
}

/* Gradients are those of the call alone. */
static void tape_stays(void)
{
    float x[2] = {-1, 3}, g[2];

    {
        DNN_SCOPE();
        dnn_tensor *t = dnn_requires_grad_(dnn_from_data(x, DNN_SHAPE(2)), true);

        CHECK(dnn_backward(dnn_sum(dnn_square(dnn_relu(t)))) == DNN_OK);
        CHECK(dnn_read(dnn_grad(t), g, sizeof g) == DNN_OK && g[0] == 0 && g[1] == 6);
    }
}

/* A kernel with a stash is timed as well; whichever wins, the gradient is that of one call. */
static void stash_stays(void)
{
    float x[3] = {-1, 0, 2}, g[3];
    struct walk w = {{0}, {0}, {0}};

    for (int i = 0; i < 3; i++) {
        DNN_SCOPE();
        dnn_tensor *t = dnn_requires_grad_(dnn_from_data(x, DNN_SHAPE(3)), true), *y;

        dnn_explain(i == 1 ? note : NULL, &w);
        y = dnn_silu(t);
        dnn_explain(NULL, NULL);
        CHECK(dnn_backward(dnn_sum(y)) == DNN_OK);
        CHECK(dnn_read(dnn_grad(t), g, sizeof g) == DNN_OK);
        CHECK(g[0] > 0.0722 && g[0] < 0.0724 && g[1] == 0.5F && g[2] > 1.0907 && g[2] < 1.0909);
    }
    CHECK(strstr(w.answer, "; tuned: ") != NULL);
}

/* Operands in a private layout, timed beside kernels that take strides. */
static void layouts_stay(void)
{
    enum { N = 2 * 8 * 6 * 6 };
    static float first[N], second[N];

    for (int on = 0; on < 2; on++) {
        dnn_set_tune(on != 0);
        dnn_manual_seed(3);
        {
            DNN_SCOPE();
            dnn_tensor *x = dnn_randn(DNN_SHAPE(2, 8, 6, 6)), *w = dnn_randn(DNN_SHAPE(8, 8, 3, 3));
            dnn_tensor *y = dnn_relu(dnn_conv2d(x, w, NULL, .padding = 1));

            y = dnn_add(y, dnn_relu(dnn_conv2d(y, w, NULL, .padding = 1)));
            CHECK(dnn_read(y, on ? second : first, sizeof first) == DNN_OK);
        }
    }
    for (int i = 0; i < N; i++) {
        CHECK(fabsf(first[i] - second[i]) <= 1e-4F * (1 + fabsf(first[i])));
    }
}

static void *tune_some(void *arg)
{
    for (int i = 0; i < 6; i++) {
        relu(20 + i + *(int *)arg); /* neighbours have shapes in common */
    }
    return NULL;
}

static void threads_together(void)
{
    pthread_t thread[4];
    int number[4];

    for (int i = 0; i < 4; i++) {
        number[i] = 3 * i;
        CHECK(pthread_create(&thread[i], NULL, tune_some, &number[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
    }
    CHECK(runs_of_relu(25) == 1);
}

static void who_fails_is_passed_over(void)
{
    float x[2] = {-1, 2}, y[2] = {0};

    listen();
    {
        DNN_SCOPE();
        CHECK(dnn_read(dnn_abs(dnn_from_data(x, DNN_SHAPE(2))), y, sizeof y) == DNN_OK);
        CHECK(y[0] == 1 && y[1] == 2);
    }
    expect_said(
        "a kernel failed when it was timed for abs and is passed over: abs: the belt has come "
        "off (kernel breaks of tempo)");
    dnn_set_log(NULL, NULL);
}

/* softsign decomposed: abs is planned dry first, where nothing can be timed, and is timed all the
 * same when it is called. */
static void parts_are_timed(void)
{
    float x[2] = {-1, 3}, y[2] = {0};

    listen();
    {
        DNN_SCOPE();
        CHECK(dnn_read(dnn_softsign(dnn_from_data(x, DNN_SHAPE(2))), y, sizeof y) == DNN_OK);
        CHECK(y[0] == -0.5F && y[1] == 0.75F);
    }
    expect_said("a kernel failed when it was timed for abs and is passed over");
    dnn_set_log(NULL, NULL);
}

/* Where all fail the call does, by the order and with no word about the timing. */
static void all_fail(void)
{
    float x[2] = {1, 2};

    listen();
    {
        DNN_SCOPE();
        CHECK(dnn_exp(dnn_from_data(x, DNN_SHAPE(2))) == NULL);
        CHECK(dnn_take_error() == DNN_E_INTERNAL);
        CHECK(strstr(dnn_error_message(), "come off (kernel breaks_first of tempo)") != NULL);
    }
    CHECK(n_said == 0);
    dnn_set_log(NULL, NULL);
}

/* No room for scratch: the order stands, and the call is made. */
static void no_memory_for_it(void)
{
    enum { N = 1 << 16 };
    struct walk w = {{0}, {0}, {0}};
    dnn_memory memory;
    float first = 0;

    {
        DNN_SCOPE();
        dnn_tensor *a = dnn_ones(DNN_SHAPE(N)), *b = dnn_ones(DNN_SHAPE(N));

        CHECK(a != NULL && b != NULL && dnn_get_memory("cpu", &memory) == DNN_OK);
        CHECK(dnn_set_memory_cap("cpu", memory.live_bytes + 65536) == DNN_OK);
        listen();
        dnn_explain(note, &w);
        CHECK(dnn_add_(a, b) != NULL);
        dnn_explain(NULL, NULL);
        expect_said("add is not tuned: ");
        CHECK(strcmp(w.chosen, "telling") == 0 && strcmp(w.answer, "yes") == 0);
        dnn_set_log(NULL, NULL);
        CHECK(dnn_set_memory_cap("cpu", 0) == DNN_OK);
        CHECK(dnn_read(dnn_slice(a, 0, 0, 1, 1), &first, sizeof first) == DNN_OK && first == 2);
    }
}

static void half_on(void)
{
    CHECK(dnn_init(NULL) == DNN_E_DEVICE);
    CHECK(strstr(dnn_error_message(), "DNN_TUNE=maybe: not one of 0, 1") != NULL);
}

/* ---- the file ---- */

static void file_is_kept(void)
{
    static char text[MAX_FILE];
    struct stat st;

    make_file();
    CHECK(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK(is_whole(text, read_all(file, text)));
    CHECK(strstr(text, "\"call\": \"relu f32 [8]\"") != NULL);
    CHECK(strstr(text, "\"tempo\": \"1.0.0; first\"") != NULL);
    listen();
    CHECK(runs_of_relu(8) == 1);
    expect("quick");
    CHECK(runs_of_relu(9) > 3); /* another shape is another call */
    dnn_shutdown();
    CHECK(n_said == 0);
    CHECK(runs_of_relu(8) == 1 && runs_of_relu(9) == 1);
    CHECK(dnn_set_threads(dnn_get_threads() == 1 ? 2 : 1) == DNN_OK);
    CHECK(runs_of_relu(8) > 3); /* and so is another number of threads */
}

static void cut_at_every_byte(void)
{
    static char whole[MAX_FILE], now[MAX_FILE];
    size_t n;

    make_file();
    n = read_all(file, whole);
    CHECK(n > 200);
    for (size_t at = 0; at < n && checks_failed == 0; at++) {
        write_all(file, whole, at);
        listen();
        expect("quick");
        dnn_shutdown();
        expect_said(": what was timed before is not used and made anew: ");
        CHECK(is_whole(now, read_all(file, now)));
        if (checks_failed > 0) {
            fail_case("the file was cut at byte %zu of %zu", at, n);
        }
    }
    printf("  cut at each of %zu bytes\n", n);
}

static void flipped_bits(void)
{
    static char whole[MAX_FILE], bad[MAX_FILE];
    size_t n;

    make_file();
    n = read_all(file, whole);
    for (size_t at = 0; at < n && checks_failed == 0; at++) {
        memcpy(bad, whole, n);
        bad[at] = (char)(bad[at] ^ 1 << at * 5 % 8);
        write_all(file, bad, n);
        listen();
        expect("quick");
        dnn_shutdown();
        expect_said(": what was timed before is not used and made anew: ");
        if (checks_failed > 0) {
            fail_case("bit %zu of byte %zu was flipped", at * 5 % 8, at);
        }
    }
}

static void forged_files(void)
{
    static char big[MAX_FILE];

    make_file();
    forge("\"machine\": \"", "\"machine\": \"Z80, ");
    expect_remade("it is from another machine (Z80, ");
    forge("\"libdnn\": \"", "\"libdnn\": \"9.");
    expect_remade("it is from libdnn 9.");
    forge("1.0.0; first", "1.0.0; zeroth");
    expect_remade("it is from another build of tempo (1.0.0; zeroth; this is 1.0.0; first)");
    forge("\"ns\": ", "\"ns\": -");
    expect_remade("is not one");
    forge("\"kernel\": \"", "\"colonel\": \"");
    expect_remade("is not one");
    forge("\"entries\"", "\"exits\"");
    expect_remade("it lacks entries");
    forge("\"plugins\"", "\"plug\"");
    expect_remade("it lacks libdnn, machine or plugins");
    forge("}", "");
    expect_remade("byte ");
    write_all(file, "libdnn-tune 2 x\n{}", 18);
    expect_remade("its version is 2, not 1");
    memset(big, '[', sizeof big);
    write_all(file, big, sizeof big);
    expect_remade("its first line is not that of a file of timings");
    CHECK(truncate(file, 9 << 20) == 0);
    expect_remade("9,437,184 bytes, more than ");
    forge("\"quick\"", "\"quack\""); /* a kernel that is not there: timed anew, nothing to say */
    CHECK(runs_of_relu(8) > 3);
    expect("quick");
}

static void winner_declines(void)
{
    make_file();
    setenv("TEMPO_SHY", "1", 1);
    CHECK(runs_of_relu(8) == 1);
    expect("late"); /* the order */
}

static void another_build(void)
{
    char second[4200];

    make_file();
    snprintf(second, sizeof second, "%s/tempo_second/dnn_tempo.so", test_plugins);
    setenv("DNN_PLUGINS", second, 1);
    listen();
    CHECK(runs_of_relu(8) > 3);
    dnn_shutdown();
    expect_said("it is from another build of tempo (1.0.0; first; this is 1.0.0; second)");
    dnn_set_log(NULL, NULL);
    CHECK(runs_of_relu(8) == 1);
}

/* Timings of plugins that are not loaded now stay. */
static void other_plugins_stay(void)
{
    static char text[MAX_FILE];

    make_file();
    CHECK(dnn_init("cpu_blas") == DNN_OK);
    dnn_shutdown();
    setenv("DNN_DISABLE", "cpu_blas:relu", 1);
    CHECK(runs_of_relu(11) > 3);
    dnn_shutdown();
    read_all(file, text);
    CHECK(strstr(text, "relu f32 [8]") != NULL && strstr(text, "relu f32 [11]") != NULL);
}

/* ---- who may write it, and where it is ---- */

static void writable_by_others(void)
{
    struct stat st;

    make_file();
    CHECK(chmod(file, 0620) == 0);
    expect_remade("may be written by others (mode 0620)");
    CHECK(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600);
}

static void folder_writable_by_others(void)
{
    static char before[MAX_FILE], after[MAX_FILE];
    size_t n;

    make_file();
    n = read_all(file, before);
    CHECK(chmod(folder, 0777) == 0);
    listen();
    expect("quick");
    CHECK(runs_of_relu(8) == 1); /* in memory */
    CHECK(strcmp(dnn_get_tune_file(), "") == 0);
    CHECK(runs_of_relu(10) > 3);
    dnn_shutdown();
    expect_said("the folder may be written by others (mode 0777)");
    CHECK(read_all(file, after) == n && memcmp(before, after, n) == 0);
    CHECK(chmod(folder, 0700) == 0);
}

static void not_a_file(void)
{
    CHECK(unlink(file) == 0 || access(file, F_OK) != 0);
    CHECK(mkdir(file, 0700) == 0);
    listen();
    expect("quick");
    dnn_shutdown();
    CHECK(n_said == 2 &&
          strstr(said, "is not kept on disk") != NULL); /* neither read nor written */
    CHECK(rmdir(file) == 0);
}

static void no_such_folder(void)
{
    listen();
    expect("quick");
    dnn_shutdown();
    expect_said("is not kept on disk");
}

static void relative_file(void)
{
    listen();
    CHECK(strcmp(dnn_get_tune_file(), "") == 0);
    expect("quick");
    dnn_shutdown();
    expect_said("the file must be absolute");
}

static void in_cache_folder(void)
{
    char path[4200], dir[4200];
    struct stat st;

    expect("quick");
    snprintf(path, sizeof path, "%s", dnn_get_tune_file());
    CHECK(strncmp(path, folder, strlen(folder)) == 0 && strstr(path, "/dnn/tune-") != NULL);
    dnn_shutdown();
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
    CHECK(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700);
    CHECK(runs_of_relu(8) == 1);
    dnn_shutdown();
    CHECK(unlink(path) == 0 && rmdir(dir) == 0);
}

/* ---- several processes ---- */

static int which;

static void tune_and_leave(void)
{
    listen();
    for (int i = 0; i < 6; i++) {
        struct walk w = relu(12 + which * 6 + i);

        CHECK(strcmp(w.chosen, "quick") == 0);
        dnn_shutdown();
    }
    CHECK(n_said == 0); /* nobody ever sees half a file */
}

static void several_processes(const char *const *settings)
{
    static char text[MAX_FILE];
    enum { N = 4 };
    pid_t child[N];
    int looks = 0, running = N;

    unlink(file);
    for (which = 0; which < N; which++) {
        child[which] = begin_case(tune_and_leave, settings);
    }
    while (running > 0) {
        size_t n = read_all(file, text);

        if (n > 0 && !is_whole(text, n)) {
            fail_case("the file of %zu bytes is not whole:\n%.200s", n, text);
            break;
        }
        looks += n > 0;
        running = 0;
        for (int i = 0; i < N; i++) {
            siginfo_t info = {.si_pid = 0};

            running += waitid(P_PID, (id_t)child[i], &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                       info.si_pid == 0;
        }
    }
    for (int i = 0; i < N; i++) {
        end_case(child[i], "tune_and_leave", settings);
    }
    cases_failed += checks_failed > 0 || looks == 0;
}

/* ---- what the dnn command shows ---- */

static void shown(void)
{
    char out[20000], line[4300];

    unlink(file);
    command(out, sizeof out, "%s explain relu 8", tool);
    CHECK(strstr(out, "quick") != NULL && strstr(out, "yes; tuned: ") != NULL);
    command(out, sizeof out, "%s backends", tool);
    snprintf(line, sizeof line, "tune            yes, kept in %s\n", file);
    CHECK(strstr(out, line) != NULL);
    setenv("DNN_TUNE", "0", 1);
    command(out, sizeof out, "%s info", tool);
    CHECK(strstr(out, "tune            no\n") != NULL);
}

/* Removes what a case has left, and runs the next. */
static void fresh(const char *name, void (*fn)(void), const char *const *settings)
{
    unlink(file);
    run_case(name, fn, settings);
}
#define TUNED(fn, ...)                                                                          \
    fresh(#fn, fn,                                                                              \
          (const char *const[]){"DNN_BACKEND=tempo", "DNN_DISABLE=cpu_blas:relu", file_setting, \
                                __VA_ARGS__, NULL})

static void choices(void)
{
    TUNED(fastest_is_chosen, "DNN_TUNE=1");
    TUNED(order_without_it, "DNN_TUNE=0");
    TUNED(cached_plans_are_renewed, "DNN_TUNE=");
    TUNED(not_where_pinned, "DNN_TUNE=1", "DNN_PREFER=relu=tempo.racy");
    TUNED(not_under_deterministic, "DNN_TUNE=1", "DNN_DETERMINISTIC=1");
    TUNED(operands_stay, "DNN_TUNE=1");
    TUNED(tape_stays, "DNN_TUNE=1");
    TUNED(stash_stays, "DNN_TUNE=1", "DNN_BACKEND=keeper_none", keeper);
    TUNED(layouts_stay, "DNN_BACKEND=blocked", "DNN_DISABLE=", blocked);
    TUNED(threads_together, "DNN_TUNE=1");
    TUNED(who_fails_is_passed_over, "DNN_TUNE=1");
    TUNED(parts_are_timed, "DNN_TUNE=1", "DNN_DISABLE=cpu_blas:relu,cpu_blas:softsign");
    TUNED(all_fail, "DNN_TUNE=1", "DNN_DISABLE=cpu_blas:relu,cpu_blas:exp");
    TUNED(no_memory_for_it, "DNN_TUNE=1");
    TUNED(half_on, "DNN_TUNE=maybe");
    TUNED(shown, "DNN_TUNE=1");
}

static void files(void)
{
    TUNED(file_is_kept, "DNN_TUNE=1");
    TUNED(cut_at_every_byte, "DNN_TUNE=1", "DNN_DISABLE=cpu_blas");
    TUNED(flipped_bits, "DNN_TUNE=1", "DNN_DISABLE=cpu_blas");
    TUNED(forged_files, "DNN_TUNE=1");
    TUNED(winner_declines, "DNN_TUNE=1");
    TUNED(another_build, "DNN_TUNE=1");
    TUNED(other_plugins_stay, "DNN_TUNE=1");
    TUNED(writable_by_others, "DNN_TUNE=1");
    TUNED(folder_writable_by_others, "DNN_TUNE=1");
    TUNED(not_a_file, "DNN_TUNE=1");
    TUNED(no_such_folder, "DNN_TUNE=1", "DNN_TUNE_FILE=/nonexistent/folder/tune");
    TUNED(no_such_folder, "DNN_TUNE=1", "DNN_TUNE_FILE=/dev/null/tune");
    TUNED(relative_file, "DNN_TUNE=1", "DNN_TUNE_FILE=tune");
    TUNED(in_cache_folder, "DNN_TUNE=1", "DNN_TUNE_FILE=", cache_setting);
    TUNED(in_cache_folder, "DNN_TUNE=1", "DNN_TUNE_FILE=", "XDG_CACHE_HOME=relative", home_setting);
    several_processes((const char *const[]){"DNN_BACKEND=tempo", "DNN_DISABLE=cpu_blas:relu",
                                            file_setting, "DNN_TUNE=1", NULL});
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: test_tune TEST_PLUGINS DNN_COMMAND SCRATCH\n");
        return 2;
    }
    test_plugins = argv[1];
    tool = argv[2];
    snprintf(folder, sizeof folder, "%s/tune-XXXXXX", argv[3]);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 2;
    }
    snprintf(file, sizeof file, "%s/tune", folder);
    snprintf(file_setting, sizeof file_setting, "DNN_TUNE_FILE=%s", file);
    snprintf(cache_setting, sizeof cache_setting, "XDG_CACHE_HOME=%s/cache", folder);
    snprintf(home_setting, sizeof home_setting, "HOME=%s", folder);
    snprintf(keeper, sizeof keeper, "DNN_PLUGINS=%s/keeper/dnn_keeper_none.so", test_plugins);
    snprintf(blocked, sizeof blocked, "DNN_PLUGINS=%s/blocked/dnn_blocked.so", test_plugins);
    choices();
    files();
    unlink(file);
    command(said, sizeof said, "rm -r '%s'", folder);
    return report();
}
