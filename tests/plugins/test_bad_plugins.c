/* test_bad_plugins.c - each faulty plugin, file and folder gives a sentence and an exit code, never
 * a signal. Every case is a child process, plugin_probe, with an environment of its own.
 *
 * usage: test_bad_plugins PROBE COMMAND TEST_PLUGINS PLUGINS SCRATCH [full|landing|brief] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "abuse.h"

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
    {"calls_back_in_run", 1, "fill: called from inside the kernel bad_relu"},
    {"calls_back_in_plan", 1, "fill: called from inside the kernel bad_relu"},
    {"stops_in_run", 0, "asked stops_in_run for relu (bad_relu): yes"},
    {"disables_in_run", 0, "asked disables_in_run for relu (bad_relu): yes"},
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

/* A link in a good folder to a file in one that others may write. */
static void linked(const char *acme, size_t n, const char *file)
{
    char folder[PATH_BYTES], target[PATH_BYTES + 32];
    struct setting s = with_bytes("acme", acme, n, 0755);

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
    struct setting s = with_bytes("acme", "", 0, 0755);
    int code;

    judge("an empty file", run_probe(&s), 4, "fewer than an ELF header");
    s = with_bytes("acme", "this is a text, and a long one: sixty-four bytes and some more of it",
                   68, 0755);
    judge("a text", run_probe(&s), 4, "not those of an ELF file");
    s = with_bytes("acme", acme, n, 0777);
    judge("a file that others may write", run_probe(&s), 4, "chmod go-w");
    snprintf(folder, sizeof folder, "%s/case", scratch);
    s = with_bytes("acme", acme, n, 0755);
    chmod(folder, 0777);
    judge("a folder that others may write", run_probe(&s), 4, "chmod go-w");
    chmod(folder, 0755);
    s = with_bytes("acme", acme, n, 0);
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
    s = with_bytes("acme", acme, n, 0755);
    judge("the file as it should be", run_probe(&s), 0, "asked acme for relu (acme_relu): yes");
    snprintf(path, sizeof path, "%s", file);
    s.files = path;
    judge("one file named twice is one plugin", run_probe(&s), 0,
          "asked acme for relu (acme_relu): yes");
}

/* Names of folders are bytes: those that are odd are as good as others, but for the colon. */
static void odd_folders(const char *acme, size_t n)
{
    static const char *const names[] = {
        "with space",  "tab\there",        "new\nline", "per%s%n%cent",     "-dash",   "quo\"te's",
        "back\\slash", "\x01\x7f\xff\xfe", "*?[a]",     "\xc3\xbc\xc3\xb6", "$(true)", "."};
    char folder[PATH_BYTES], file[PATH_BYTES + 32], path[3 * PATH_BYTES];
    struct setting s = {.backend = "acme", .path = path};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(folder, sizeof folder, "%s/%s", scratch, names[i]);
        snprintf(file, sizeof file, "%s/dnn_acme.so", folder);
        snprintf(path, sizeof path, "%s:%s", folder, plugins);
        make_folder(folder);
        write_file(file, acme, n, 0755);
        judge(names[i], run_probe(&s), 0, "asked acme for relu (acme_relu): yes");
        write_file(file, acme, n / 2, 0755);
        judge(names[i], run_probe(&s), 4, "the file is cut short");
        unlink(file);
    }
    snprintf(path, sizeof path, "%s/with:colon:%s", scratch, plugins);
    judge("a colon in a folder's name", run_probe(&s), 4, "\"colon\" is refused: folders must be");
    memset(folder, 'a', 300); /* more than a name may have */
    folder[300] = 0;
    snprintf(path, sizeof path, "/%s:%s", folder, plugins);
    judge("a folder's name of 300 bytes", run_probe(&s), 4, "acme was asked for");
}

/* Who owns the file, or its folder, could change it. */
static void owners(const char *acme, size_t n)
{
    char folder[PATH_BYTES], file[PATH_BYTES + 32];
    struct setting s = with_bytes("acme", acme, n, 0755);

    snprintf(folder, sizeof folder, "%s/case", scratch);
    snprintf(file, sizeof file, "%s/dnn_acme.so", folder);
    if (geteuid() != 0 || chown(file, 12345, 12345) != 0) {
        printf("skipped: files of another user: only root can make them\n");
        return;
    }
    judge("a file of another user", run_probe(&s), 4, "belongs to user 12345");
    if (chown(file, 0, 0) == 0 && chown(folder, 12345, 12345) == 0) {
        judge("a folder of another user", run_probe(&s), 4, "belongs to user 12345");
    }
    if (chown(folder, 0, 0) == 0) {
        judge("both of root again", run_probe(&s), 0, "asked acme for relu (acme_relu): yes");
    }
}

/* Links: round and round, and two names of one file. */
static void links(const char *acme, size_t n)
{
    char file[PATH_BYTES + 32], twin[PATH_BYTES + 32];
    struct setting s = with_bytes("acme", acme, n, 0755);

    snprintf(file, sizeof file, "%s/case/dnn_acme.so", scratch);
    snprintf(twin, sizeof twin, "%s/case/dnn_twin_of_acme.so", scratch);
    unlink(twin);
    if (link(file, twin) == 0) {
        s.files = twin;
        judge("one file under two names is one plugin", run_probe(&s), 0,
              "asked acme for relu (acme_relu): yes");
        s.files = NULL;
        s.backend = "twin_of_acme";
        judge("the id is not that of the file's name", run_probe(&s), 4,
              "the plugin calls itself acme");
        s.backend = "acme";
        unlink(twin);
    }
    unlink(file);
    if (symlink(file, file) == 0) {
        judge("a link to itself", run_probe(&s), 4, "Too many levels of symbolic links");
        unlink(file);
    }
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
    /* A decoy in the working directory is not loaded. */
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

static bool honours_set_user_id(const char *path)
{
    struct statvfs st;

#ifdef __SANITIZE_ADDRESS__
    return false; /* its runtime does not take other rights */
#endif
    return geteuid() == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 &&
           statvfs(path, &st) == 0 && (st.f_flag & ST_NOSUID) == 0;
}

/* In a program that runs with other rights than its caller's the environment counts for nothing. */
static void set_user_id(void)
{
    char copy[PATH_BYTES], evil[2 * PATH_BYTES];
    const char *own = probe;
    struct setting s = {.backend = "nosuch", .path = evil, .files = evil};
    size_t n;
    char *bytes = read_file(probe, &n);
    int code;

    snprintf(copy, sizeof copy, "%s/setuid_probe", scratch);
    snprintf(evil, sizeof evil, "%s/bad/dnn_dies_in_load.so", tests);
    write_file(copy, bytes, n, 0755);
    free(bytes);
    if (!honours_set_user_id(copy) || chown(copy, 65534, 65534) != 0 || chmod(copy, 04755) != 0) {
        printf("skipped: a set-user-id program: root makes one, without a sanitizer, where the "
               "file system "
               "takes it\n");
        unlink(copy);
        return;
    }
    probe = copy;
    code = run_probe(&s);
    probe = own;
    if (code == 127 || code == 98) {
        printf("skipped: a set-user-id program: the user nobody does not reach libdnn\n");
    } else {
        judge("a set-user-id program", code, 0, "asked cpu_blas for relu");
    }
    unlink(copy);
}

int main(int argc, char **argv)
{
    char acme_path[PATH_BYTES];
    char *acme;
    size_t n;

    if (argc < 6) {
        fprintf(stderr, "usage: test_bad_plugins PROBE COMMAND TEST_PLUGINS PLUGINS SCRATCH "
                        "[full|landing|brief]\n");
        return 2;
    }
    probe = argv[1];
    command = argv[2];
    tests = argv[3];
    plugins = argv[4];
    scratch = argv[5];
    thin = argc <= 6 || strcmp(argv[6], "landing") == 0 ? 1 : strcmp(argv[6], "full") == 0 ? 0 : 6;
    mkdir(scratch, 0755);
    chmod(scratch, 0755);
    snprintf(acme_path, sizeof acme_path, "%s/acme/dnn_acme.so", tests);
    acme = read_file(acme_path, &n);
    if (acme == NULL || n < 1000) {
        fprintf(stderr, "%s cannot be read\n", acme_path);
        return 1;
    }
    named_faults();
    bad_files(acme, n);
    bad_zoo();
    bad_readers();
    odd_files(acme, n);
    odd_folders(acme, n);
    links(acme, n);
    owners(acme, n);
    environments();
    set_user_id();
    free(acme);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
