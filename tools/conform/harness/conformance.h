/* conformance.h - the conformance harness as a library: it tests every row of the operator table on
 * the loaded plugins, against the oracle, against numerical differences, and against the kernels'
 * promises. The program `conformance` calls it; other programs may. The caller must have called
 * dnn_init. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H
#include <stdbool.h>
#include <stdint.h>

enum {
    CONF_VALUE = 1, /* against refmath: dtypes x layouts */
    CONF_SPECIAL =
        2,         /* NaN, infinities, -0, denormals, extremes in first, middle, last, tail lane */
    CONF_GRAD = 4, /* gradients against central differences; in f64 gradients of gradients too */
    CONF_PROMISES =
        8, /* same bits on any number of threads, in place as out of place, strided targets */
    CONF_ALL = 15
};

/* The result of a row in one mode. */
typedef struct conf_row {
    const char *mode, *op;
    int64_t passed, failed, skipped;
    double worst; /* the largest error, relative to its bound */
    /* The kernels that ran: "cpu_blas/add_f32 cpu_blas/add_f64"; "" if none did. */
    const char *served;
} conf_row;

typedef struct conf_options {
    int modes;           /* bits; 0: all */
    const char *pattern; /* fnmatch pattern of operators; NULL: all */
    uint32_t dtypes;     /* bits; 0: all, but only f64 for gradients */
    void *ctx;
    void (*row)(void *ctx, const conf_row *row);
    /* kind: "FAIL" or "SKIP"; text names mode, operator, dtype, layout, shapes and the first
     * element that differs. NULL: no reports. */
    void (*event)(void *ctx, const char *kind, const char *text);
    /* Each candidate that dispatch asked for the first case of a row and dtype, with its answer, as
     * dnn_explain reports it. May be NULL. */
    void (*asked)(void *ctx, const char *op, const char *plugin, const char *kernel,
                  const char *answer);
} conf_options;

typedef struct conf_totals {
    int64_t passed, failed, skipped;
} conf_totals;

conf_totals conf_run(const conf_options *options);
int conf_count(void);
const char *conf_name(int index); /* of a row */

/* Returns the number, a NaN without its sign, which has no meaning: printf would print -nan. */
double conf_shown(double x);

#endif
