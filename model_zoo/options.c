/* options.c - the command line of the training programs. One table gives what is parsed and what
 * --help shows. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train.h"

enum kind { TEXT, COUNT, NUMBER, SEED, FLAG };

struct option_row {
    const char *name, *argument, *help;
    enum kind kind;
    size_t offset;     /* of the member of zoo_options */
    int64_t low, high; /* COUNT */
};

#define AT(member) offsetof(zoo_options, member)
static const struct option_row rows[] = {
    {"data", "DIR", "look for the data in DIR only", TEXT, AT(data), 0, 0},
    {"dataset", "LIST", "data sets to use, the first that is found", TEXT, AT(dataset), 0, 0},
    {"epochs", "N", "passes over the training data", COUNT, AT(epochs), 0, 1000000},
    {"batch-size", "N", "samples in a batch", COUNT, AT(batch), 1, 1 << 20},
    {"lr", "X", "learning rate", NUMBER, AT(lr), 0, 0},
    {"seed", "N", "seed of weights and shuffling", SEED, AT(seed), 0, 0},
    {"backend", "LIST", "plugins to compute with, as DNN_BACKEND", TEXT, AT(backend), 0, 0},
    {"threads", "N", "threads to compute with (0: all CPUs)", COUNT, AT(threads), 0, 256},
    {"workers", "N", "threads that prepare batches (0: none)", COUNT, AT(workers), 0, 256},
    {"limit-batches", "N", "stop each pass after N batches (0: no limit)", COUNT, AT(limit_batches),
     0, INT64_MAX},
    {"log-dir", "DIR", "keep metrics and weights in DIR", TEXT, AT(log_dir), 0, 0},
    {"init", "FILE", "begin with the weights of a safetensors file", TEXT, AT(init), 0, 0},
    {"eval", NULL, "do not train: evaluate the weights of --init", FLAG, AT(eval), 0, 0},
    {"json", NULL, "one JSON object per line on stdout", FLAG, AT(json), 0, 0},
    {"quiet", NULL, "errors and the result only", FLAG, AT(quiet), 0, 0},
};
enum { N_ROWS = sizeof rows / sizeof rows[0], HELP = 1000 };

static void print_help(const zoo_program *p)
{
    printf("usage: %s [OPTION]...\n\n%s: %s.\n\n", p->name, p->name, p->about);
    for (int i = 0; i < N_ROWS; i++) {
        char left[40];

        snprintf(left, sizeof left, "--%s%s%s%s", rows[i].name, rows[i].argument != NULL ? " " : "",
                 rows[i].argument != NULL ? rows[i].argument : "",
                 strcmp(rows[i].name, "quiet") == 0 ? ", -q" : "");
        printf("  %-22s %s\n", left, rows[i].help);
    }
    printf("  %-22s %s\n\n", "--help", "this text");
    printf(
        "defaults: --dataset %s --epochs %lld --batch-size %lld --lr %g --seed 0 --workers 1\n\n",
        p->data, (long long)p->epochs, (long long)p->batch, p->lr);
    printf("examples\n  %s --epochs 1 --threads 2\n  %s --log-dir runs/%s\n  %s --eval --init "
           "runs/%s/best.safetensors\n",
           p->name, p->name, p->name, p->name, p->name);
}

static int bad_value(const zoo_program *p, const struct option_row *row, const char *text,
                     const char *wanted)
{
    fprintf(stderr, "%s: --%s %s: %s (see %s --help)\n", p->name, row->name, text, wanted, p->name);
    return ZOO_USAGE;
}

static int read_count(const zoo_program *p, const struct option_row *row, const char *text,
                      zoo_options *out)
{
    char wanted[80], *end;
    long long value;
    void *member = (char *)out + row->offset;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || value < row->low || value > row->high) {
        snprintf(wanted, sizeof wanted, "not a whole number from %lld to %lld", (long long)row->low,
                 (long long)row->high);
        return bad_value(p, row, text, wanted);
    }
    if (row->offset == AT(threads) || row->offset == AT(workers)) {
        *(int *)member = (int)value;
    } else {
        *(int64_t *)member = value;
    }
    return ZOO_GO_ON;
}

static int read_value(const zoo_program *p, const struct option_row *row, const char *text,
                      zoo_options *out)
{
    void *member = (char *)out + row->offset;
    char *end;
    double number;
    unsigned long long seed;

    switch (row->kind) {
    case TEXT:
        *(const char **)member = text;
        return ZOO_GO_ON;
    case COUNT:
        return read_count(p, row, text, out);
    case NUMBER:
        number = strtod(text, &end);
        if (end == text || *end != 0 || !isfinite(number) || number < 0) {
            return bad_value(p, row, text, "not a number >= 0");
        }
        *(double *)member = number;
        return ZOO_GO_ON;
    case SEED:
        errno = 0;
        seed = strtoull(text, &end, 10);
        if (errno != 0 || end == text || *end != 0 || text[0] == '-' || seed > INT64_MAX) {
            return bad_value(p, row, text, "not a whole number from 0 to 9223372036854775807");
        }
        *(uint64_t *)member = seed;
        return ZOO_GO_ON;
    case FLAG:
        *(bool *)member = true;
        return ZOO_GO_ON;
    }
    return ZOO_USAGE;
}

int zoo_options_read(int argc, char **argv, const zoo_program *program, zoo_options *out)
{
    struct option list[N_ROWS + 2] = {{0}};
    int code, i;

    *out = (zoo_options){.dataset = program->data,
                         .epochs = program->epochs,
                         .batch = program->batch,
                         .lr = program->lr,
                         .workers = 1};
    for (i = 0; i < N_ROWS; i++) {
        list[i] = (struct option){
            rows[i].name, rows[i].argument != NULL ? required_argument : no_argument, NULL, i + 1};
    }
    list[N_ROWS] = (struct option){"help", no_argument, NULL, HELP};
    while ((i = getopt_long(argc, argv, "qh", list, NULL)) != -1) {
        if (i == HELP || i == 'h') {
            print_help(program);
            return ZOO_DONE;
        }
        if (i == 'q') {
            out->quiet = true;
            continue;
        }
        if (i == '?') {
            fprintf(stderr, "see %s --help\n", program->name);
            return ZOO_USAGE;
        }
        code = read_value(program, &rows[i - 1], optarg, out);
        if (code != ZOO_GO_ON) {
            return code;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected word \"%s\" (see %s --help)\n", program->name, argv[optind],
                program->name);
        return ZOO_USAGE;
    }
    if (out->eval && out->init == NULL) {
        fprintf(stderr, "%s: --eval needs the weights to evaluate: --init FILE\n", program->name);
        return ZOO_USAGE;
    }
    if (out->eval && out->log_dir != NULL) {
        fprintf(stderr, "%s: --log-dir keeps a training run; with --eval leave it out\n",
                program->name);
        return ZOO_USAGE;
    }
    return ZOO_GO_ON;
}
