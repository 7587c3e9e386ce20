/* test_bad_plugins - each faulty plugin, file and folder gives a sentence and an exit code, never a
 * signal. Every case is a child process, plugin_probe, with an environment of its own.
 *
 * usage: test_bad_plugins PROBE TEST_PLUGINS PLUGINS SCRATCH */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, OUT = 16384 };

static const char *probe, *tests, *plugins, *scratch;
static int passed, failed;
static char output[OUT];

/* ---- a child ---- */

struct setting {
    const char *backend, *path, *files, *fallback, *disable, *folder; /* folder: to run in */
    bool nobody; /* run as a user without rights (by root only) */
};

static void set_or_clear(const char *name, const char *value)
{
    if (value != NULL) {
        setenv(name, value, 1);
    } else {
        unsetenv(name);
    }
}

static void become_probe(const struct setting *s, int out)
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
    execl(probe, probe, (char *)NULL);
    _exit(98);
}

/* The exit code, or 1000 + the signal. What it said is in `output`. */
static int run_probe(const struct setting *s)
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
        become_probe(s, ends[1]);
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

static void judge(const char *what, int code, int want, const char *text)
{
    bool ok = code == want && strstr(output, text) != NULL;

    if (!ok) {
        printf("FAILED %s: exit %d, not %d, or does not say \"%s\":\n%s\n", what, code, want, text,
               output);
    }
    passed += ok;
    failed += !ok;
}

/* ---- named faults ---- */

struct fault {
    const char *name;
    int code;
    const char *text;
};

/* Each is named in DNN_BACKEND, so a plugin that cannot be used is an error. */
static const struct fault faults[] = {
    {"missing_symbol", 4, "does not export dnn_plugin_v1"},
    {"null_table", 4, "returned no table"},
    {"size_zero", 4, "says 0 bytes"},
    {"size_short", 4, "says 24 bytes"},
    {"size_huge", 4, "says 1000000 bytes"},
    {"newer_host", 4, "needs a libdnn with ABI 1.77"},
    {"bad_id", 4, "[a-z0-9_]"},
    {"other_id", 4, "calls itself somebody_else"},
    {"null_run", 4, "lacks its run"},
    {"null_op", 4, "lacks its op"},
    {"same_names", 4, "two kernels"},
    {"init_fails", 4, "the card does not answer"},
    {"init_declines", 4, "no card is in this machine"},
    {"unknown_op", 0, "has no operator transmogrify"},
    {"unknown_flag", 0, "must understand"},
    {"tail_of_kernel", 0, "uses ABI fields this host does not know"},
    {"tail_of_plugin", 4, "uses ABI fields this host does not know"},
    {"no_reorder", 4, "no reorder kernel"},
    {"half_device", 4, "lacks one of"},
    {"half_streams", 4, "1 of the 7 functions"},
    {"run_fails", 1, "the card took fire at element 7"},
    {"run_declines", 1, "accepted the call and then declined it: not today"},
    {"plan_mute", 0, "declined without a reason"},
    {"plan_absurd", 0, "workspace of more bytes"},
    {"plan_layout", 0, "of a family that its plugin does not list"},
    {"plan_stash", 0, "(bad_relu): yes"},
    {"kernel_short", 4, "says 40 bytes"},
    {"newer_op", 0, "version 9 of relu"},
    {"zero_tail", 0, "asked zero_tail for relu (bad_relu): yes"},
    {"bad_dtypes", 0, "no dtype that this host knows (0x100000)"},
    {"calls_back", 4, "the library says -1"},
    {"device_is_cpu", 4, "is cpu, which is built in"},
};

static void named_faults(void)
{
    char path[2 * PATH_BYTES];

    snprintf(path, sizeof path, "%s/bad:%s", tests, plugins);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct setting s = {.backend = faults[i].name, .path = path};

        judge(faults[i].name, run_probe(&s), faults[i].code, faults[i].text);
    }
    judge("two plugins with one device",
          run_probe(&(struct setting){.backend = "same_device,twin", .path = path}), 4,
          "brings the device badcard, as");
    judge("a device without memory",
          run_probe(&(struct setting){.backend = "same_device", .path = path}), 1,
          "this card has no memory");
}

/* ---- files ---- */

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *data = malloc(1 << 24);

    *n = f != NULL && data != NULL ? fread(data, 1, 1 << 24, f) : 0;
    if (f != NULL) {
        fclose(f);
    }
    return data;
}

static void write_file(const char *path, const void *data, size_t n, mode_t mode)
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

/* dnn_acme.so in a folder of its own, made of the bytes. */
static struct setting with_bytes(const void *data, size_t n, mode_t mode)
{
    static char folder[PATH_BYTES], file[PATH_BYTES + 32], path[3 * PATH_BYTES];

    snprintf(folder, sizeof folder, "%s/case", scratch);
    mkdir(folder, 0755);
    chmod(folder, 0755);
    snprintf(file, sizeof file, "%s/dnn_acme.so", folder);
    write_file(file, data, n, mode);
    snprintf(path, sizeof path, "%s:%s", folder, plugins);
    return (struct setting){.backend = "acme", .path = path};
}

static void truncated(const char *acme, size_t n)
{
    for (size_t i = 0; i < 64; i++) {
        struct setting s = with_bytes(acme, n * i / 64, 0755);
        char what[64];
        int code = run_probe(&s);

        snprintf(what, sizeof what, "cut to %zu of %zu bytes", n * i / 64, n);
        judge(what, code, 4, "acme was asked for and cannot be used");
    }
}

static void flipped(const char *acme, size_t n)
{
    char *copy = malloc(n);

    for (size_t bit = 0; copy != NULL && bit < 64 * 8; bit++) {
        struct setting s;
        char what[64];
        int code;

        memcpy(copy, acme, n);
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        s = with_bytes(copy, n, 0755);
        code = run_probe(&s);
        snprintf(what, sizeof what, "bit %zu of the header flipped", bit);
        if (code ==
            0) { /* bytes that nobody reads, as the padding of e_ident and the section table */
            passed++;
        } else {
            judge(what, code, 4, "acme was asked for and cannot be used");
        }
    }
    free(copy);
}

/* A link in a good folder to a file in one that others may write. */
static void linked(const char *acme, size_t n, const char *file)
{
    char folder[PATH_BYTES], target[PATH_BYTES + 32];
    struct setting s = with_bytes(acme, n, 0755);

    snprintf(folder, sizeof folder, "%s/open", scratch);
    mkdir(folder, 0755);
    chmod(folder, 0777);
    snprintf(target, sizeof target, "%s/target.so", folder);
    write_file(target, acme, n, 0755);
    unlink(file);
    if (symlink(target, file) == 0) {
        judge("a link into a folder that others may write", run_probe(&s), 4, "chmod go-w");
    }
    chmod(folder, 0755);
    judge("a link into a good folder", run_probe(&s), 0, "asked acme for relu (acme_relu): yes");
    unlink(file);
}

static void odd_files(const char *acme, size_t n)
{
    char folder[PATH_BYTES], file[PATH_BYTES + 32], path[3 * PATH_BYTES],
        link_path[PATH_BYTES + 32];
    struct setting s = with_bytes("", 0, 0755);
    int code;

    judge("an empty file", run_probe(&s), 4, "fewer than an ELF header");
    s = with_bytes("this is a text, and a long one: sixty-four bytes and some more of it", 68,
                   0755);
    judge("a text", run_probe(&s), 4, "not those of an ELF file");
    s = with_bytes(acme, n, 0777);
    judge("a file that others may write", run_probe(&s), 4, "chmod go-w");
    snprintf(folder, sizeof folder, "%s/case", scratch);
    s = with_bytes(acme, n, 0755);
    chmod(folder, 0777);
    judge("a folder that others may write", run_probe(&s), 4, "chmod go-w");
    chmod(folder, 0755);
    s = with_bytes(acme, n, 0);
    s.nobody = geteuid() == 0;
    code = run_probe(&s);
    if (code == 98) {
        printf("skipped: a file that cannot be read: the user nobody does not reach %s\n", probe);
    } else {
        judge("a file that cannot be read", code, 4, "Permission denied");
    }
    s.nobody = false;
    snprintf(file, sizeof file, "%s/dnn_acme.so", folder);
    unlink(file);
    mkfifo(file, 0600);
    judge("a FIFO", run_probe(&s), 4, "not a regular file");
    unlink(file);
    mkdir(file, 0755);
    judge("a folder with the name of a plugin", run_probe(&s), 4, "not a regular file");
    rmdir(file);
    snprintf(link_path, sizeof link_path, "%s/nowhere", folder);
    if (symlink(link_path, file) == 0) {
        judge("a dangling link", run_probe(&s), 4, "acme");
        unlink(file);
    }
    linked(acme, n, file);
    s = with_bytes(acme, n, 0755);
    judge("the file as it should be", run_probe(&s), 0, "asked acme for relu (acme_relu): yes");
    snprintf(path, sizeof path, "%s", file);
    s.files = path;
    judge("one file named twice is one plugin", run_probe(&s), 0,
          "asked acme for relu (acme_relu): yes");
}

static void environments(void)
{
    char path[2 * PATH_BYTES], files[PATH_BYTES + 32], case_folder[PATH_BYTES];
    struct setting s = {.backend = "nosuch", .path = plugins};

    judge("a backend that is not there", run_probe(&s), 4,
          "backend nosuch was asked for and is not here: looked for");
    judge("the message says what there is", run_probe(&s), 4, "cpu_blas");
    s.backend = "../evil";
    judge("a name that is a path", run_probe(&s), 4, "[a-z0-9_]");
    s = (struct setting){.path = plugins, .fallback = "maybe"};
    judge("a bad DNN_FALLBACK", run_probe(&s), 4, "not one of error, warn, allow");
    s = (struct setting){.path = "plugins"};
    judge("a relative folder", run_probe(&s), 0, "must be absolute");
    s = (struct setting){.path = plugins, .files = "dnn_acme.so"};
    judge("a relative file", run_probe(&s), 4, "must be absolute");
    /* A decoy in the working directory is not looked at. */
    snprintf(case_folder, sizeof case_folder, "%s/acme", tests);
    s = (struct setting){.backend = "acme", .path = plugins, .folder = case_folder};
    judge("a decoy in the working directory", run_probe(&s), 4,
          "acme was asked for and is not here");
    snprintf(path, sizeof path, "%s/acme:%s", tests, plugins);
    s = (struct setting){.backend = "acme", .path = path};
    judge("acme in a folder of DNN_PLUGIN_PATH", run_probe(&s), 0,
          "asked acme for relu (acme_relu): yes");
    snprintf(files, sizeof files, "%s/acme/dnn_acme.so", tests);
    s = (struct setting){.backend = "acme", .path = plugins, .files = files};
    judge("acme by DNN_PLUGINS, first by name", run_probe(&s), 0,
          "asked acme for relu (acme_relu): yes");
    s.backend = NULL;
    s.path = case_folder; /* a copy of acme lies there */
    snprintf(case_folder, sizeof case_folder, "%s/case", scratch);
    judge("two files with one id: the second is passed over", run_probe(&s), 0,
          "dnn_acme.so is the plugin acme already");
    s.path = plugins;
    snprintf(files, sizeof files, "%s/bad/dnn_zero_tail.so", tests);
    judge("a file of DNN_PLUGINS is equal to others without a list", run_probe(&s), 0,
          "asked zero_tail for relu (bad_relu): yes");
    snprintf(files, sizeof files, "%s/readers/dnn_mnist.so", plugins);
    judge("a reader in place of a plugin", run_probe(&s), 4,
          "a reader, whose place is the folder readers/");
    s = (struct setting){.backend = "acme", .path = "/dev/null:/nowhere"};
    judge("folders that are none", run_probe(&s), 4, "Installed: cpu_blas");
    s = (struct setting){.path = plugins, .disable = "cpu_blas"};
    judge("a plugin that is disabled is not opened", run_probe(&s), 1,
          "dnn_cpu_blas.so: DNN_DISABLE drops it");
    judge("without cpu_blas there is a sentence", run_probe(&s), 1, "no kernel for f32 on cpu");
    s = (struct setting){.backend = "acme", .path = path, .disable = "acme:relu"};
    judge("an operator that is disabled", run_probe(&s), 0, "DNN_DISABLE drops it");
    s = (struct setting){.backend = "acme", .path = path, .disable = "acme"};
    judge("named and disabled", run_probe(&s), 4, "DNN_DISABLE");
}

int main(int argc, char **argv)
{
    char acme_path[PATH_BYTES];
    char *acme;
    size_t n;

    if (argc != 5) {
        fprintf(stderr, "usage: test_bad_plugins PROBE TEST_PLUGINS PLUGINS SCRATCH\n");
        return 2;
    }
    probe = argv[1];
    tests = argv[2];
    plugins = argv[3];
    scratch = argv[4];
    chmod(scratch, 0755);
    snprintf(acme_path, sizeof acme_path, "%s/acme/dnn_acme.so", tests);
    acme = read_file(acme_path, &n);
    if (acme == NULL || n < 1000) {
        fprintf(stderr, "%s cannot be read\n", acme_path);
        return 1;
    }
    named_faults();
    truncated(acme, n);
    flipped(acme, n);
    odd_files(acme, n);
    environments();
    free(acme);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
