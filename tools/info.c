/* info.c - dnn info, dnn backends: what there is, from the library's own lists. */
#include <stdio.h>
#include <string.h>
#include "dnn.h"

bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

static int check_no_words(const char *name, int argc, char **argv)
{
    static const char *const options[] = {"--help", NULL};
    int code = check_options(name, argc, argv, options);

    return code != 0 || argc == 1 ? code : usage_error(name, "it takes no words", argv[1]);
}

static void print_folders(void)
{
    const char *folder;

    for (int i = 0; (folder = dnn_plugin_directory(i)) != NULL; i++) {
        printf("  %s\n", folder);
    }
}

/* What the choice among kernels looks at beside the order; the pins only where there are some. */
static void print_settings(void)
{
    static const char *const precisions[] = {"strict", "tf32", "bf16"};

    printf("math            %s\ndeterministic   %s\n", precisions[dnn_get_math()],
           dnn_get_deterministic() ? "yes" : "no");
    printf("tune            %s%s\n", dnn_get_tune() ? "yes, kept in " : "no",
           !dnn_get_tune()             ? ""
           : *dnn_get_tune_file() != 0 ? dnn_get_tune_file()
                                       : "memory");
}

void print_pins(void)
{
    if (*dnn_get_prefer() != 0) {
        printf("prefer          %s\n", dnn_get_prefer());
    }
}

int command_info(int argc, char **argv)
{
    dnn_backend_info info;
    int code;

    if (asks_help(argc, argv)) {
        printf("usage: dnn info\n\nShows the version, the threads, the device that new tensors "
               "get, the plugins in use, and the "
               "folders searched.\n");
        return 0;
    }
    code = check_no_words("info", argc, argv);
    if (code != 0) {
        return code;
    }
    code = start();
    if (code != 0) {
        return code;
    }
    printf("libdnn          %s\nthreads         %d\ndefault device  %s\nplugins in use ",
           dnn_version(), dnn_get_threads(), dnn_default_device());
    for (int i = 0; dnn_backend_at(i, &info); i++) {
        if (info.reason == NULL && !info.reader) {
            printf(" %s %s (%s)", info.id, info.version != NULL ? info.version : "?",
                   info.build != NULL ? info.build : "no build text");
        }
    }
    printf("\n");
    print_settings();
    print_pins();
    printf("folders searched, in order\n");
    print_folders();
    return 0;
}

static void print_backend(int index, const dnn_backend_info *b)
{
    const char *kernel, *reason;

    printf("%s\n", b->path);
    if (b->reason != NULL) {
        printf("    not in use: %s\n", b->reason);
        return;
    }
    printf("    %s %s %s%s%s\n", b->reader ? "reader" : "in use:", b->id,
           b->version != NULL ? b->version : "", b->build != NULL ? ", " : "",
           b->build != NULL ? b->build : "");
    if (b->reader) {
        return;
    }
    printf("    %d kernels%s%s\n", b->n_kernels, b->device != NULL ? "; brings the device " : "",
           b->device != NULL ? b->device : "");
    for (int i = 0; dnn_backend_skipped(index, i, &kernel, &reason); i++) {
        printf("    skipped %s: %s\n", kernel, reason);
    }
}

int command_backends(int argc, char **argv)
{
    dnn_backend_info info;
    int code, n = 0;

    if (asks_help(argc, argv)) {
        printf("usage: dnn backends\n\nShows each plugin file that was found, in order: in "
               "use, or why not; then the folders "
               "searched.\nDNN_BACKEND names what may be loaded, DNN_PLUGINS adds files, "
               "DNN_PLUGIN_PATH folders.\n");
        return 0;
    }
    code = check_no_words("backends", argc, argv);
    if (code != 0) {
        return code;
    }
    code = start();
    for (int i = 0; dnn_backend_at(i, &info); i++, n++) {
        print_backend(i, &info);
    }
    if (n == 0) {
        printf("no plugin file was found\n");
    }
    if (code == 0) {
        print_settings();
        print_pins();
    }
    printf("folders searched, in order\n");
    print_folders();
    return code;
}
