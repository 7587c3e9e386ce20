/* options.c - the table of options, and the parsing of their values. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "exit_codes.h"
#include "options.h"

#define AT(member) offsetof(zoo_options, member)
const zoo_option zoo_option_table[ZOO_N_OPTIONS] = {
    {"data", "DIR", "look for the data in DIR only", ZOO_TEXT, AT(data), 0, 0, ZOO_NOT_STORED},
    {"dataset", "LIST", "use the first data set of LIST that is found", ZOO_TEXT, AT(dataset), 0, 0,
     ZOO_NOT_STORED},
    {"epochs", "N", "number of passes over the training data", ZOO_INT64, AT(epochs), 0, 1000000,
     ZOO_STORED},
    {"batch-size", "N", "samples per batch", ZOO_INT64, AT(batch), 1, 1 << 20, ZOO_IDENTITY},
    {"lr", "X", "learning rate", ZOO_DOUBLE, AT(lr), 0, 0, ZOO_STORED},
    {"seed", "N", "seed of the initial weights and of shuffling", ZOO_SEED, AT(seed), 0, 0,
     ZOO_IDENTITY},
    {"backend", "LIST", "use only these backends, in this order (like DNN_BACKEND)", ZOO_TEXT,
     AT(backend), 0, 0, ZOO_NOT_STORED},
    {"threads", "N", "compute with N threads (0: all CPUs)", ZOO_INT, AT(threads), 0, 256,
     ZOO_NOT_STORED},
    {"workers", "N", "prepare batches with N threads (0: none)", ZOO_INT, AT(workers), 0, 256,
     ZOO_NOT_STORED},
    {"limit-batches", "N", "stop each pass after N batches (0: no limit)", ZOO_INT64,
     AT(limit_batches), 0, INT64_MAX, ZOO_IDENTITY},
    {"log-dir", "DIR", "write metrics, weights and checkpoints to DIR", ZOO_TEXT, AT(log_dir), 0, 0,
     ZOO_NOT_STORED},
    {"save-every", "N", "save a checkpoint every N steps, not only after each epoch", ZOO_INT64,
     AT(save_every), 1, INT64_MAX, ZOO_NOT_STORED},
    {"resume", "FILE", "resume from a checkpoint (default: the newest of --log-dir)",
     ZOO_OPTIONAL_TEXT, AT(resume), 0, 0, ZOO_NOT_STORED},
    {"resume-anyway", NULL, "resume even if other options change the result", ZOO_FLAG,
     AT(resume_anyway), 0, 0, ZOO_NOT_STORED},
    {"init", "FILE", "start with the weights of a safetensors file", ZOO_TEXT, AT(init), 0, 0,
     ZOO_NOT_STORED},
    {"eval", NULL, "evaluate the weights of --init instead of training", ZOO_FLAG, AT(eval), 0, 0,
     ZOO_NOT_STORED},
    {"anomaly", NULL, "stop at the operator that makes NaN or infinity and name it (slow)",
     ZOO_FLAG, AT(anomaly), 0, 0, ZOO_NOT_STORED},
    {"json", NULL, "print one JSON object per line on stdout", ZOO_FLAG, AT(json), 0, 0,
     ZOO_NOT_STORED},
    {"quiet", NULL, "print only errors and the result", ZOO_FLAG, AT(quiet), 0, 0, ZOO_NOT_STORED},
};

const void *zoo_option_member(const zoo_option *option, const zoo_options *options)
{
    return (const char *)options + option->offset;
}

bool zoo_option_given(int i, const zoo_options *options)
{
    return (options->given >> i & 1) != 0;
}

static int bad_value(const char *program, const zoo_option *option, const char *text,
                     const char *why)
{
    fprintf(stderr, "%s: --%s %s: %s (see %s --help)\n", program, option->name, text, why, program);
    return ZOO_USAGE;
}

static int parse_count(const char *program, const zoo_option *option, const char *text,
                       void *member)
{
    char why[80], *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || value < option->low || value > option->high) {
        snprintf(why, sizeof why, "not a whole number from %lld to %lld", (long long)option->low,
                 (long long)option->high);
        return bad_value(program, option, text, why);
    }
    if (option->kind == ZOO_INT) {
        *(int *)member = (int)value;
    } else {
        *(int64_t *)member = value;
    }
    return ZOO_GO_ON;
}

static int parse_double(const char *program, const zoo_option *option, const char *text,
                        double *member)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != 0 || !isfinite(value) || value < 0) {
        return bad_value(program, option, text, "not a number >= 0");
    }
    *member = value;
    return ZOO_GO_ON;
}

static int parse_seed(const char *program, const zoo_option *option, const char *text,
                      uint64_t *member)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || text[0] == '-' || value > INT64_MAX) {
        return bad_value(program, option, text, "not a whole number from 0 to 9223372036854775807");
    }
    *member = value;
    return ZOO_GO_ON;
}

int zoo_option_parse(const char *program, const zoo_option *option, const char *text,
                     zoo_options *out)
{
    void *member = (char *)out + option->offset;

    switch (option->kind) {
    case ZOO_TEXT:
        *(const char **)member = text;
        return ZOO_GO_ON;
    case ZOO_OPTIONAL_TEXT:
        *(const char **)member = text != NULL ? text : "";
        return ZOO_GO_ON;
    case ZOO_INT:
    case ZOO_INT64:
        return parse_count(program, option, text, member);
    case ZOO_DOUBLE:
        return parse_double(program, option, text, member);
    case ZOO_SEED:
        return parse_seed(program, option, text, member);
    case ZOO_FLAG:
        *(bool *)member = true;
        return ZOO_GO_ON;
    }
    return ZOO_USAGE;
}
