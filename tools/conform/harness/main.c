/* main.c - the program `conformance`: starts the library, runs the harness, prints one line for
 * each row and the totals. */
#include "conformance.h"
#include "dnn/backend.h"
#include "near.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct printing {
    bool verbose;
    int64_t shown; /* failures of the row so far */
} printing;

enum { SHOWN = 12 }; /* failures printed for one row; all are counted */

static void print_row(void *ctx, const conf_row *row)
{
    printing *p = ctx;

    p->shown = 0;
    if (row->passed + row->failed == 0 && !p->verbose)
        return;
    printf("%-8s %-26s %7lld passed %4lld failed   worst %.3g%s%s\n", row->mode, row->op,
           (long long)row->passed, (long long)row->failed, conf_shown(row->worst),
           p->verbose ? "   " : "", p->verbose ? row->served : "");
    fflush(stdout);
}

static void print_event(void *ctx, const char *kind, const char *text)
{
    printing *p = ctx;

    if (strcmp(kind, "SKIP") == 0 || p->verbose || p->shown++ < SHOWN)
        printf("%s %s\n", kind, text);
}

static int usage(const char *program, int status)
{
    fprintf(status == 0 ? stdout : stderr,
            "usage: %s [--mode value|special|grad|promises|all] [--op PATTERN] [--plugin ID] "
            "[--list] [-v]\n"
            "Compares every operator of every loaded plugin with the reference. DNN_BACKEND and "
            "DNN_PLUGIN_PATH choose\n"
            "the plugins; --plugin stands for DNN_BACKEND. Exit: 0 all passed, 1 a check failed, 2 "
            "usage, 4 no backend.\n",
            program);
    return status;
}

static int mode_named(const char *name)
{
    static const struct {
        const char *name;
        int bits;
    } names[] = {{"value", CONF_VALUE},
                 {"special", CONF_SPECIAL},
                 {"grad", CONF_GRAD},
                 {"promises", CONF_PROMISES},
                 {"all", CONF_ALL}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i].name) == 0)
            return names[i].bits;
    }
    return 0;
}

static const char *const option_names[] = {"--mode", "--op",   "--plugin", "--list",
                                           "-v",     "--help", NULL};

static bool is_option(const char *word)
{
    for (int i = 0; option_names[i] != NULL; i++) {
        if (strcmp(word, option_names[i]) == 0)
            return true;
    }
    return false;
}

/* An object that is alive after everything was released counts as a failure. */
static void count_leaks(conf_totals *totals, const char *when)
{
    long long tensors = (long long)dnn_live_tensors(), bytes = (long long)dnn_live_bytes(NULL);

    if (tensors == 0 && bytes == 0) {
        totals->passed++;
        return;
    }
    printf("FAIL %s: %lld tensors and %lld bytes are alive\n", when, tensors, bytes);
    totals->failed++;
}

static void list_rows(void)
{
    for (int i = 0; i < conf_count(); i++)
        puts(conf_name(i));
}

int main(int argc, char **argv)
{
    printing p = {0};
    conf_options options = {.ctx = &p, .row = print_row, .event = print_event};
    const char *plugin = NULL;
    conf_totals totals;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "-v") == 0) {
            p.verbose = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            return usage(argv[0], 0);
        } else if (strcmp(argv[i], "--list") == 0) {
            list_rows();
            return 0;
        } else if (value != NULL && strcmp(argv[i], "--mode") == 0 && mode_named(value) != 0) {
            options.modes = mode_named(argv[++i]);
        } else if (value != NULL && strcmp(argv[i], "--op") == 0) {
            options.pattern = argv[++i];
        } else if (value != NULL && strcmp(argv[i], "--plugin") == 0) {
            plugin = argv[++i];
        } else if (argv[i][0] == '-' && !is_option(argv[i])) {
            return near_error(argv[0], "option", argv[i], option_names);
        } else {
            return usage(argv[0], 2);
        }
    }
    if (dnn_init(plugin) != DNN_OK) {
        fprintf(stderr, "conformance: %s\n", dnn_error_message());
        return 4;
    }
    totals = conf_run(&options);
    count_leaks(&totals, "before the shutdown");
    dnn_shutdown();
    count_leaks(&totals, "after the shutdown");
    printf("%lld passed, %lld failed, %lld skipped\n", (long long)totals.passed,
           (long long)totals.failed, (long long)totals.skipped);
    return totals.failed == 0 ? 0 : 1;
}
