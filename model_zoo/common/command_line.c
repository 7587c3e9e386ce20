/* command_line.c - reads the command line, and prints --help. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "command_line.h"
#include "exit_codes.h"
#include "near.h"

enum { HELP = 1000 }; /* what getopt_long returns for --help; row i returns i + 1 */

/* ---- --help ---- */

static void print_option(const zoo_option *option)
{
    char left[40];

    if (option->kind == ZOO_OPTIONAL_TEXT) {
        snprintf(left, sizeof left, "--%s[=%s]", option->name, option->argument);
    } else {
        snprintf(left, sizeof left, "--%s%s%s%s", option->name, option->argument != NULL ? " " : "",
                 option->argument != NULL ? option->argument : "",
                 strcmp(option->name, "quiet") == 0 ? ", -q" : "");
    }
    printf("  %-22s %s\n", left, option->help);
}

static void print_help(const zoo_program *p)
{
    printf("usage: %s [OPTION]...\n\n%s: %s.\n\n", p->name, p->name, p->about);
    for (int i = 0; i < ZOO_N_OPTIONS; i++) {
        print_option(&zoo_option_table[i]);
    }
    printf("  %-22s %s\n\n", "--help", "print this help");
    printf(
        "defaults: --dataset %s --epochs %lld --batch-size %lld --lr %g --seed 0 --workers 1\n\n",
        p->data, (long long)p->epochs, (long long)p->batch, p->lr);
    printf("examples\n  %s --epochs 1 --threads 2\n  %s --log-dir runs/%s\n  %s --eval --init "
           "runs/%s/best.safetensors\n  %s --resume --log-dir runs/%s\n",
           p->name, p->name, p->name, p->name, p->name, p->name, p->name);
}

/* ---- combinations of options ---- */

/* Returns the message about options that do not go together, or NULL. */
static const char *conflict(const zoo_options *o)
{
    bool resume = o->resume != NULL;

    if (o->eval && o->init == NULL) {
        return "--eval needs the weights to evaluate: --init FILE";
    }
    if (o->eval && o->log_dir != NULL) {
        return "--eval writes no files: leave out --log-dir";
    }
    if (o->save_every > 0 && o->log_dir == NULL) {
        return "--save-every needs a folder for the checkpoints: --log-dir DIR";
    }
    if (resume && o->resume[0] == 0 && o->log_dir == NULL) {
        return "--resume needs the folder of the run, --log-dir DIR, or a checkpoint, "
               "--resume=FILE";
    }
    if (resume && (o->init != NULL || o->eval)) {
        return "--resume loads the weights of the checkpoint: leave out --init and --eval";
    }
    if (o->resume_anyway && !resume) {
        return "--resume-anyway needs --resume";
    }
    return NULL;
}

static int check_together(const zoo_program *p, const zoo_options *o)
{
    const char *text = conflict(o);

    if (text != NULL) {
        fprintf(stderr, "%s: %s\n", p->name, text);
        return ZOO_USAGE;
    }
    return ZOO_GO_ON;
}

/* ---- the command line ---- */

static void list_options(struct option *list)
{
    for (int i = 0; i < ZOO_N_OPTIONS; i++) {
        const zoo_option *row = &zoo_option_table[i];
        int argument = row->argument == NULL            ? no_argument
                       : row->kind == ZOO_OPTIONAL_TEXT ? optional_argument
                                                        : required_argument;

        list[i] = (struct option){row->name, argument, NULL, i + 1};
    }
    list[ZOO_N_OPTIONS] = (struct option){"help", no_argument, NULL, HELP};
}

/* The message about the word `word` of the command line, for which getopt_long returned `found`. */
static int refuse_word(const zoo_program *program, int found, const char *word)
{
    const char *names[ZOO_N_OPTIONS + 4] = {"--help", "-q", "-h"};
    char name[ZOO_N_OPTIONS][40], letter[] = "-x";

    if (optopt > ' ' && optopt < 127) { /* one of several letters, as in -qx */
        letter[1] = (char)optopt;
        word = letter;
    }
    if (found == ':') {
        fprintf(stderr, "%s: %s needs a value (see %s --help)\n", program->name, word,
                program->name);
        return ZOO_USAGE;
    }
    for (int i = 0; i < ZOO_N_OPTIONS; i++) {
        snprintf(name[i], sizeof name[i], "--%s", zoo_option_table[i].name);
        names[i + 3] = name[i];
        if (optopt == i + 1) { /* the option exists: a value follows one that takes none */
            fprintf(stderr, "%s: %s takes no value (see %s --help)\n", program->name, name[i],
                    program->name);
            return ZOO_USAGE;
        }
    }
    return near_error(program->name, "option", word, names);
}

/* Stores the option for which getopt_long returned `found`. */
static int store_option(const zoo_program *program, int found, zoo_options *out)
{
    int code;

    switch (found) {
    case HELP:
    case 'h':
        print_help(program);
        return ZOO_DONE;
    case 'q':
        out->quiet = true;
        return ZOO_GO_ON;
    default:
        code = zoo_option_parse(program->name, &zoo_option_table[found - 1], optarg, out);
        out->given |= 1u << (found - 1);
        return code;
    }
}

int zoo_command_line_read(int argc, char **argv, const zoo_program *program, zoo_options *out)
{
    struct option list[ZOO_N_OPTIONS + 2] = {{0}};
    int found;

    *out = (zoo_options){.dataset = program->data,
                         .epochs = program->epochs,
                         .batch = program->batch,
                         .lr = program->lr,
                         .workers = 1};
    list_options(list);
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":qh", list, NULL)) != -1) {
        int code = found == '?' || found == ':' ? refuse_word(program, found, argv[optind - 1])
                                                : store_option(program, found, out);

        if (code != ZOO_GO_ON) {
            return code;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected word \"%s\" (see %s --help)\n", program->name, argv[optind],
                program->name);
        return ZOO_USAGE;
    }
    return check_together(program, out);
}
