/* test_probe.c - a file that ends the process, or never returns, ends the child process that tries
 * it, and the sentence says where. The program is its own child, as the dnn command is.
 *
 * usage: test_probe TEST_PLUGINS PLUGINS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dnn/dnn.h>
#include "probe.h"

static int passed, failed;

static void judge(const char *plugins, const char *file, int seconds, const char *want)
{
    char path[1024], text[PROBE_TEXT];
    bool well, right;

    snprintf(path, sizeof path, "%s/%s", plugins, file);
    well = probe_file(path, seconds, text);
    right = want == NULL ? well : !well && strstr(text, want) != NULL && strstr(text, file) != NULL;
    if (!right) {
        printf("FAILED %s: \"%s\", not \"%s\"\n", file, text, want != NULL ? want : "well");
    }
    passed += right;
    failed += !right;
}

static int be_child(void)
{
    dnn_status status = dnn_init(NULL);

    if (status != DNN_OK) {
        printf("%s\n", dnn_error_message());
    }
    dnn_shutdown();
    probe_end();
    return status == DNN_OK ? 0 : 4;
}

int main(int argc, char **argv)
{
    if (probe_begin(&argc, argv)) {
        return be_child();
    }
    if (argc != 3) {
        fprintf(stderr, "usage: test_probe TEST_PLUGINS PLUGINS\n");
        return 2;
    }
    setenv("DNN_PLUGIN_PATH", argv[2], 1);
    judge(argv[1], "acme/dnn_acme.so", 60, NULL);
    judge(argv[1], "bad/dnn_null_table.so", 60, NULL); /* a sentence of the library's own */
    judge(argv[1], "bad/dnn_dies_in_load.so", 60,
          "ends by signal 11 (Segmentation fault) in dlopen");
    judge(argv[1], "bad/dnn_dies_in_table.so", 60, "in dnn_plugin_v1");
    judge(argv[1], "bad/dnn_dies_in_init.so", 60, "ends by signal 11 (Segmentation fault) in init");
    judge(argv[1], "bad/dnn_exits_in_init.so", 60, "ends the process with code 3 in init");
    judge(argv[1], "bad/dnn_hangs_in_init.so", 2, "does not return from init within 2 s");
    judge(argv[1], "bad/dnn_dies_in_fini.so", 60, "ends by signal 6 (Aborted) in fini");
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
