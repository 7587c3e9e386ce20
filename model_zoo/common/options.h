/* options.h - the options of a program: their values, and the table of all but --help. The code for
 * the command line, checkpoints and the resume command loops over the table. */
#ifndef ZOO_OPTIONS_H
#define ZOO_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct zoo_options {
    const char *data, *dataset, *backend, *log_dir, *init;
    const char *resume; /* NULL: not given; "": the newest checkpoint of log_dir; else a file */
    int64_t epochs, batch, limit_batches, save_every;
    double lr;
    uint64_t seed;
    int threads, workers;
    bool eval, anomaly, json, quiet, resume_anyway;
    uint32_t given; /* bit i: the command line has the option of row i */
} zoo_options;

/* ---- the table ---- */

/* The type of the member of zoo_options. */
enum zoo_option_kind {
    ZOO_TEXT,          /* const char * */
    ZOO_OPTIONAL_TEXT, /* const char *, "" if the argument is omitted */
    ZOO_INT,
    ZOO_INT64,
    ZOO_DOUBLE, /* finite, not negative */
    ZOO_SEED,   /* uint64_t up to INT64_MAX */
    ZOO_FLAG    /* bool, no argument */
};

/* How checkpoints treat the option; the last two are numbers. */
enum zoo_option_role {
    ZOO_NOT_STORED,
    ZOO_STORED,  /* a resumed run takes it from the checkpoint, the command line
                    may change it */
    ZOO_IDENTITY /* like ZOO_STORED, but another value changes the result */
};

typedef struct zoo_option {
    const char *name, *argument, *help; /* argument: NULL for a flag */
    enum zoo_option_kind kind;
    size_t offset;     /* of the member of zoo_options */
    int64_t low, high; /* range of ZOO_INT and ZOO_INT64 */
    enum zoo_option_role role;
} zoo_option;

enum { ZOO_N_OPTIONS = 19 };
extern const zoo_option zoo_option_table[ZOO_N_OPTIONS];

/* Parses text into the option's member. Returns ZOO_GO_ON, or ZOO_USAGE after a message. */
int zoo_option_parse(const char *program, const zoo_option *option, const char *text,
                     zoo_options *out);
/* Returns the address of the option's member. */
const void *zoo_option_member(const zoo_option *option, const zoo_options *options);
/* Returns whether the command line has the option of row i. */
bool zoo_option_given(int i, const zoo_options *options);

#endif
