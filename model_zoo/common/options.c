/* options.c - the command line of the training programs. One table gives what is parsed and what
 * --help shows. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include "train.h"

enum kind { TEXT, MAYBE_TEXT, COUNT, NUMBER, SEED, FLAG };
enum {         /* what a run that goes on does with it */
       OURS,   /* of this call alone */
       KEPT,   /* taken up from the checkpoint where it is not given */
       MEANING /* likewise, and another value is another run */
};

struct option_row {
    const char *name, *argument, *help;
    enum kind kind;
    size_t offset;     /* of the member of zoo_options */
    int64_t low, high; /* COUNT */
    int role;
};

#define AT(member) offsetof(zoo_options, member)
static const struct option_row rows[] = {
    {"data", "DIR", "look for the data in DIR only", TEXT, AT(data), 0, 0, OURS},
    {"dataset", "LIST", "data sets to use, the first that is found", TEXT, AT(dataset), 0, 0, OURS},
    {"epochs", "N", "passes over the training data", COUNT, AT(epochs), 0, 1000000, KEPT},
    {"batch-size", "N", "samples in a batch", COUNT, AT(batch), 1, 1 << 20, MEANING},
    {"lr", "X", "learning rate", NUMBER, AT(lr), 0, 0, KEPT},
    {"seed", "N", "seed of weights and shuffling", SEED, AT(seed), 0, 0, MEANING},
    {"backend", "LIST", "plugins to compute with, as DNN_BACKEND", TEXT, AT(backend), 0, 0, OURS},
    {"threads", "N", "threads to compute with (0: all CPUs)", COUNT, AT(threads), 0, 256, OURS},
    {"workers", "N", "threads that prepare batches (0: none)", COUNT, AT(workers), 0, 256, OURS},
    {"limit-batches", "N", "stop each pass after N batches (0: no limit)", COUNT, AT(limit_batches),
     0, INT64_MAX, MEANING},
    {"log-dir", "DIR", "keep metrics, weights and checkpoints in DIR", TEXT, AT(log_dir), 0, 0,
     OURS},
    {"save-every", "N", "a checkpoint every N steps too, not only at the end of an epoch", COUNT,
     AT(save_every), 1, INT64_MAX, OURS},
    {"resume", "FILE", "go on from a checkpoint (default: the newest of --log-dir)", MAYBE_TEXT,
     AT(resume), 0, 0, OURS},
    {"resume-anyway", NULL, "also where other options make it another run", FLAG, AT(resume_anyway),
     0, 0, OURS},
    {"init", "FILE", "begin with the weights of a safetensors file", TEXT, AT(init), 0, 0, OURS},
    {"eval", NULL, "do not train: evaluate the weights of --init", FLAG, AT(eval), 0, 0, OURS},
    {"anomaly", NULL, "stop at the operator that makes a NaN or an infinity, and name it (slow)",
     FLAG, AT(anomaly), 0, 0, OURS},
    {"json", NULL, "one JSON object per line on stdout", FLAG, AT(json), 0, 0, OURS},
    {"quiet", NULL, "errors and the result only", FLAG, AT(quiet), 0, 0, OURS},
};
enum { N_ROWS = sizeof rows / sizeof rows[0], HELP = 1000 };

static void print_help(const zoo_program *p)
{
    printf("usage: %s [OPTION]...\n\n%s: %s.\n\n", p->name, p->name, p->about);
    for (int i = 0; i < N_ROWS; i++) {
        char left[40];

        if (rows[i].kind == MAYBE_TEXT) {
            snprintf(left, sizeof left, "--%s[=%s]", rows[i].name, rows[i].argument);
        } else {
            snprintf(left, sizeof left, "--%s%s%s%s", rows[i].name,
                     rows[i].argument != NULL ? " " : "",
                     rows[i].argument != NULL ? rows[i].argument : "",
                     strcmp(rows[i].name, "quiet") == 0 ? ", -q" : "");
        }
        printf("  %-22s %s\n", left, rows[i].help);
    }
    printf("  %-22s %s\n\n", "--help", "this text");
    printf(
        "defaults: --dataset %s --epochs %lld --batch-size %lld --lr %g --seed 0 --workers 1\n\n",
        p->data, (long long)p->epochs, (long long)p->batch, p->lr);
    printf("examples\n  %s --epochs 1 --threads 2\n  %s --log-dir runs/%s\n  %s --eval --init "
           "runs/%s/best.safetensors\n  %s --resume --log-dir runs/%s\n",
           p->name, p->name, p->name, p->name, p->name, p->name, p->name);
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
    case MAYBE_TEXT:
        *(const char **)member = text != NULL ? text : "";
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

/* ---- options that exclude each other ---- */

static int bad_usage(const zoo_program *p, const char *text)
{
    fprintf(stderr, "%s: %s\n", p->name, text);
    return ZOO_USAGE;
}

static int check_together(const zoo_program *p, const zoo_options *o)
{
    if (o->eval && o->init == NULL) {
        return bad_usage(p, "--eval needs the weights to evaluate: --init FILE");
    }
    if (o->eval && o->log_dir != NULL) {
        return bad_usage(p, "--log-dir keeps a training run; with --eval leave it out");
    }
    if (o->save_every > 0 && o->log_dir == NULL) {
        return bad_usage(p, "--save-every needs a place for its checkpoints: --log-dir DIR");
    }
    if (o->resume != NULL && o->resume[0] == 0 && o->log_dir == NULL) {
        return bad_usage(p, "--resume needs the folder of the run, --log-dir DIR, or a checkpoint, "
                            "--resume=FILE");
    }
    if (o->resume != NULL && (o->init != NULL || o->eval)) {
        return bad_usage(p, "--resume takes the weights of the checkpoint; leave out --init and "
                            "--eval");
    }
    if (o->resume_anyway && o->resume == NULL) {
        return bad_usage(p, "--resume-anyway says how --resume is meant; that is missing");
    }
    return ZOO_GO_ON;
}

/* ---- the command line ---- */

static void list_options(struct option *list)
{
    for (int i = 0; i < N_ROWS; i++) {
        int argument = rows[i].argument == NULL     ? no_argument
                       : rows[i].kind == MAYBE_TEXT ? optional_argument
                                                    : required_argument;

        list[i] = (struct option){rows[i].name, argument, NULL, i + 1};
    }
    list[N_ROWS] = (struct option){"help", no_argument, NULL, HELP};
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
    list_options(list);
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
        out->given |= 1u << (i - 1);
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected word \"%s\" (see %s --help)\n", program->name, argv[optind],
                program->name);
        return ZOO_USAGE;
    }
    return check_together(program, out);
}

/* ---- a run that goes on ---- */

/* Of a row that is kept: COUNT here is 64 bits wide. */
static json_t *value_of(const struct option_row *row, const zoo_options *options)
{
    const void *member = (const char *)options + row->offset;

    switch (row->kind) {
    case COUNT:
        return json_integer(*(const int64_t *)member);
    case SEED:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case NUMBER:
        return json_real(*(const double *)member);
    default:
        return NULL;
    }
}

/* "batch_size" */
static const char *key_of(const struct option_row *row, char *key, size_t bytes)
{
    snprintf(key, bytes, "%s", row->name);
    for (char *at = strchr(key, '-'); at != NULL; at = strchr(at, '-')) {
        *at = '_';
    }
    return key;
}

json_t *zoo_options_json(const zoo_options *options)
{
    json_t *all = json_object();
    char key[40];

    for (int i = 0; i < N_ROWS; i++) {
        if (rows[i].role != OURS) {
            json_object_set_new(all, key_of(&rows[i], key, sizeof key),
                                value_of(&rows[i], options));
        }
    }
    return all;
}

static void put_value(const json_t *value, char *text, size_t bytes)
{
    if (json_is_integer(value)) {
        snprintf(text, bytes, "%lld", (long long)json_integer_value(value));
    } else {
        snprintf(text, bytes, "%.17g", json_number_value(value));
    }
}

/* One that was given, and not as the checkpoint has it. */
static int tell_difference(const struct option_row *row, const zoo_options *options,
                           const char *stored, const char *given, zoo_report *report)
{
    if (row->role == MEANING && !options->resume_anyway) {
        zoo_report_error(report, "usage",
                         "--%s is %s in the checkpoint, %s here: that is another run "
                         "(--resume-anyway takes it)",
                         row->name, stored, given);
        return ZOO_USAGE;
    }
    zoo_report_warning(report, "resume", "--%s is %s in the checkpoint, %s from here on", row->name,
                       stored, given);
    return ZOO_GO_ON;
}

/* One row; `value` is the checkpoint's. */
static int take_up_row(int i, zoo_options *options, const json_t *value, zoo_report *report)
{
    json_t *mine = value_of(&rows[i], options);
    char there[40], here[40];

    put_value(value, there, sizeof there);
    put_value(mine, here, sizeof here);
    json_decref(mine);
    if ((options->given >> i & 1) == 0) {
        return read_value(report->program, &rows[i], there, options);
    }
    return strcmp(there, here) == 0 ? ZOO_GO_ON
                                    : tell_difference(&rows[i], options, there, here, report);
}

int zoo_options_take_up(zoo_options *options, const json_t *stored, zoo_report *report)
{
    int result = ZOO_GO_ON;
    char key[40];

    for (int i = 0; i < N_ROWS; i++) {
        const json_t *value = json_object_get(stored, key_of(&rows[i], key, sizeof key));

        if (rows[i].role != OURS && json_is_number(value)) {
            int code = take_up_row(i, options, value, report);

            result = code != ZOO_GO_ON ? code : result;
        }
    }
    return result;
}

/* A word as a shell reads it back. */
static void put_word(const char *word)
{
    if (word[0] != 0 &&
        word[strspn(word,
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./,:=+@%-")] ==
            0) {
        fputs(word, stderr);
        return;
    }
    fputc('\'', stderr);
    for (; *word != 0; word++) {
        if (*word == '\'') {
            fputs("'\\''", stderr);
        } else {
            fputc(*word, stderr);
        }
    }
    fputc('\'', stderr);
}

static void put_option(const struct option_row *row, const zoo_options *options)
{
    const void *member = (const char *)options + row->offset;

    fprintf(stderr, " --%s", row->name);
    if (row->kind == TEXT) {
        fputc(' ', stderr);
        put_word(*(const char *const *)member);
    } else if (row->offset == AT(threads) || row->offset == AT(workers)) {
        fprintf(stderr, " %d", *(const int *)member);
    } else if (row->kind == COUNT) {
        fprintf(stderr, " %lld", (long long)*(const int64_t *)member);
    }
}

void zoo_options_print_resume(const char *program, const zoo_options *options)
{
    fputs("  ", stderr);
    put_word(program);
    fputs(" --resume", stderr);
    for (int i = 0; i < N_ROWS; i++) {
        if ((options->given >> i & 1) != 0 && rows[i].role == OURS &&
            rows[i].offset != AT(resume) && rows[i].offset != AT(resume_anyway) &&
            rows[i].offset != AT(init)) {
            put_option(&rows[i], options);
        }
    }
    fputc('\n', stderr);
}
