/* dnn.c - the dnn command: calls the subcommand. All texts come from the library. */
#include <stdio.h>
#include <string.h>
#include "dnn.h"
#include "near.h"
#include "probe.h"

static const struct command {
    const char *name, *about;
    int (*run)(int argc, char **argv);
    bool loads; /* loads plugins into this process */
} commands[] = {
    {"info", "version, threads, devices, folders", command_info, true},
    {"backends", "each plugin file that was found: loaded, or why not", command_backends, true},
    {"ops", "operators, and who serves each dtype; all that is known of one", command_ops, true},
    {"explain", "who is asked to compute an operator, in order, and each answer", command_explain,
     true},
    {"conform", "checks every kernel of a plugin: numbers, memory, promises, ABI", command_conform,
     false},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

int start(void)
{
    dnn_status status = dnn_init(NULL);

    if (status != DNN_OK) {
        fprintf(stderr, "dnn: %s\n", dnn_error_message());
    }
    probe_report("a kernel's plan or run");
    return status == DNN_OK ? 0 : status == DNN_E_DEVICE ? 4 : 1;
}

int usage_error(const char *name, const char *text, const char *word)
{
    fprintf(stderr, "dnn %s: %s%s%s (see dnn %s --help)\n", name, text, word != NULL ? ": " : "",
            word != NULL ? word : "", name);
    return 2;
}

/* Options begin with '-'. A single '-' is an operand that is left out. */
int check_options(const char *name, int argc, char **argv, const char *const *options)
{
    char who[40];

    snprintf(who, sizeof who, "dnn %s", name);
    for (int i = 1; i < argc; i++) {
        bool known = argv[i][0] != '-' || argv[i][1] == 0;

        for (int k = 0; !known && options[k] != NULL; k++) {
            size_t n = strlen(options[k]);

            known = options[k][n - 1] == '=' ? strncmp(argv[i], options[k], n) == 0
                                             : strcmp(argv[i], options[k]) == 0;
        }
        if (!known) {
            return near_error(who, "option", argv[i], options);
        }
    }
    return 0;
}

static int unknown_command(const char *word)
{
    const char *names[N_COMMANDS + 4] = {"--help", "--version", "help"};

    for (int i = 0; i < N_COMMANDS; i++) {
        names[i + 3] = commands[i].name;
    }
    return near_error("dnn", word[0] == '-' ? "option" : "command", word, names);
}

static void print_help(FILE *to)
{
    fprintf(to, "usage: dnn COMMAND [ARGUMENT...]\n\n");
    for (int i = 0; i < N_COMMANDS; i++) {
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
    }
    fprintf(to, "\n\"dnn COMMAND --help\" says more. DNN_BACKEND, DNN_PLUGIN_PATH and the other "
                "variables are honoured.\n\n"
                "examples\n  dnn backends\n  dnn ops conv2d\n  DNN_BACKEND=cpu_blas dnn explain "
                "conv2d 64x1x28x28 6x1x5x5 pad=2\n");
}

/* A plugin file from outside the installed folders may crash the process, so a child process runs
 * the command first. */
static bool child_succeeds(int argc, char **argv)
{
    char text[PROBE_TEXT];

    if (!probe_wanted() || probe_words(argc - 1, argv + 1, PROBE_SECONDS, text)) {
        return true;
    }
    fprintf(stderr, "dnn: tried in a child process first: %s\n", text);
    return false;
}

static int run_command(const struct command *command, bool child, int argc, char **argv)
{
    int code;

    if (command->loads && !child && !child_succeeds(argc, argv)) {
        return 4;
    }
    code = command->run(argc - 1, argv + 1);
    dnn_shutdown();
    probe_end();
    return code;
}

int main(int argc, char **argv)
{
    bool child = probe_begin(&argc, argv);

    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("dnn %s\n", dnn_version());
        return 0;
    }
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return run_command(&commands[i], child, argc, argv);
        }
    }
    return unknown_command(argv[1]);
}
