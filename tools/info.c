/* info.c - dnn info, dnn backends, dnn ops: what there is, from the library's own lists. */
#include <stdio.h>
#include <string.h>
#include "dnn.h"

static bool asks_help(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
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

    printf("math            %s\ndeterministic   %s\n", precisions[dnn_math()],
           dnn_deterministic() ? "yes" : "no");
    printf("tune            %s%s\n", dnn_tune() ? "yes, kept in " : "no",
           !dnn_tune()             ? ""
           : *dnn_tune_file() != 0 ? dnn_tune_file()
                                   : "memory");
}

static void print_pins(void)
{
    if (*dnn_preferred() != 0) {
        printf("prefer          %s\n", dnn_preferred());
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
    if (argc > 1) {
        return usage_error("info", "it takes no words", argv[1]);
    }
    code = start();
    if (code != 0) {
        return code;
    }
    printf("libdnn          %s\nthreads         %d\ndefault device  %s\nplugins in use ",
           dnn_version(), dnn_threads(), dnn_default_device());
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
    if (argc > 1) {
        return usage_error("backends", "it takes no words", argv[1]);
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

static const dnn_dtype dtypes[] = {DNN_T_F32, DNN_T_F64, DNN_T_F16, DNN_T_BF16, DNN_T_I8,
                                   DNN_T_U8,  DNN_T_I32, DNN_T_I64, DNN_T_BOOL};
enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

static void device_kind(char *kind, size_t bytes)
{
    snprintf(kind, bytes, "%s", dnn_default_device() != NULL ? dnn_default_device() : "cpu");
    kind[strcspn(kind, ":")] = 0;
}

/* "cpu_blas: f32 f64; acme: f32": the first candidate of each dtype, dtypes of one plugin together.
 */
static void print_servers(const char *op, const char *kind)
{
    const char *server[N_DTYPES];
    bool first = true;

    for (int i = 0; i < N_DTYPES; i++) {
        const char *kernel;
        int priority;

        if (!dnn_candidate_at(op, kind, dtypes[i], 0, &server[i], &kernel, &priority)) {
            server[i] = NULL;
        }
    }
    for (int i = 0; i < N_DTYPES; i++) {
        const char *plugin = server[i];

        if (plugin == NULL) {
            continue;
        }
        printf("%s%s:", first ? "" : "; ", plugin);
        for (int k = i; k < N_DTYPES; k++) {
            if (server[k] != NULL && strcmp(server[k], plugin) == 0) {
                printf(" %s", dnn_dtype_name(dtypes[k]));
                server[k] = NULL;
            }
        }
        first = false;
    }
    printf("%s\n", first ? "nobody" : "");
}

int command_ops(int argc, char **argv)
{
    const char *pattern = argc > 1 ? argv[1] : "";
    dnn_op_info op;
    char kind[64];
    int code, shown = 0;

    if (asks_help(argc, argv)) {
        printf("usage: dnn ops [PATTERN]\n\nShows the operators whose name contains PATTERN and, "
               "on the default device, which plugin is asked "
               "first for each dtype.\n\nexamples\n  dnn ops\n  dnn ops pool\n");
        return 0;
    }
    if (argc > 2) {
        return usage_error("ops", "it takes one word", argv[2]);
    }
    code = start();
    if (code != 0) {
        return code;
    }
    device_kind(kind, sizeof kind);
    printf("%-26s %s\n", "operator", "served by, on the default device");
    for (int i = 0; i < dnn_op_count(); i++) {
        if (!dnn_op_at(i, &op) || strstr(op.name, pattern) == NULL) {
            continue;
        }
        shown++;
        printf("%-26s ", op.name);
        if (op.view) {
            printf("a view: no kernel needed\n");
        } else {
            print_servers(op.name, kind);
        }
    }
    print_pins();
    if (shown == 0) {
        fprintf(stderr, "dnn ops: no operator's name contains %s\n", pattern);
        return 1;
    }
    return 0;
}
