/* plugin.h - plugins as the core sees them after they were found, checked and adopted. Private.
 */
#ifndef DNN__PLUGIN_H
#define DNN__PLUGIN_H
#include "memory.h"
#include "op.h"
#include "dnn_reader.h"

typedef struct dnn__plugin {
    dnn_plugin table; /* adopted: zero beyond what the plugin brought */
    char id[32];
    int32_t place;      /* in DNN_BACKEND; equal for all if it is not set */
    int32_t kind;       /* device kind that it brings, -1 */
    int32_t n_ordinals; /* of that kind */
    bool disabled;
} dnn__plugin;

typedef struct dnn__tally { /* of a kernel, under DNN_PROFILE (profile.c) */
    _Atomic int64_t calls, ns, copies, reorders, bytes;
} dnn__tally;

typedef struct dnn__kernel {
    dnn_kernel table; /* adopted */
    dnn__plugin *plugin;
    const dnn__op *op;
    int32_t kind; /* -1: sleeps, nobody brings the device */
    int32_t pin;  /* 0: none; else its place in DNN_PREFER */
    dnn__tally tally;
} dnn__kernel;

typedef struct dnn__candidates {
    int32_t n;
    dnn__kernel *const *kernel; /* in the order of asking */
} dnn__candidates;

dnn__candidates dnn__candidates_of(dnn__op_id op, int32_t kind, dnn_dtype dtype);
extern const dnn_host dnn__host; /* what plugins get */

enum { DNN__FALLBACK_ERROR, DNN__FALLBACK_WARN, DNN__FALLBACK_ALLOW };
int dnn__fallback_mode(void);
/* For the message where nobody serves a call: which files were looked for and where, into text. */
void dnn__put_search(dnn__text *text);

/* ---- readers ---- */
typedef struct dnn__reader {
    dnn_reader table;
    char id[32];
} dnn__reader;
extern const dnn_reader_host dnn__reader_host;
/* The installed readers, ordered by id; the first call opens them. The library runs: the start
 * finds the folders. */
dnn_status dnn__readers(dnn__reader *const **list, int *n);
/* Names of the reader files that were found, and of the folders, for messages. */
void dnn__put_readers(dnn__text *text);

#endif
