/* plugin.h - plugins after they were found, checked and adopted. Private. */
#ifndef DNN__PLUGIN_H
#define DNN__PLUGIN_H
#include "memory.h"
#include "op.h"
#include "dnn_reader.h"

typedef struct dnn__plugin {
    dnn_plugin table; /* a copy; members that the plugin does not know are zero */
    char id[32];
    int32_t position;   /* in DNN_BACKEND; equal for all if it is not set */
    int32_t kind;       /* index of the device kind that it brings, or -1 */
    int32_t n_ordinals; /* number of devices of that kind */
    bool disabled;
} dnn__plugin;

/* Counts of a kernel under DNN_PROFILE (profile.c). */
typedef struct dnn__tally {
    _Atomic int64_t calls, ns, copies, reorders, bytes;
} dnn__tally;

typedef struct dnn__kernel {
    dnn_kernel table; /* a copy, as above */
    dnn__plugin *plugin;
    const dnn__op *op;
    int32_t kind; /* index of its device kind; -1: no plugin brings that device */
    int32_t pin;  /* 0: not pinned; else its position in DNN_PREFER */
    dnn__tally tally;
} dnn__kernel;

typedef struct dnn__candidates {
    int32_t n;
    dnn__kernel *const *kernel; /* in the order in which dispatch asks them */
} dnn__candidates;

dnn__candidates dnn__candidates_of(dnn__op_id op, int32_t kind, dnn_dtype dtype);
extern const dnn_host dnn__host; /* the functions that plugins call */

enum { DNN__FALLBACK_ERROR, DNN__FALLBACK_WARN, DNN__FALLBACK_ALLOW };
int dnn__fallback_mode(void);
/* For the message when no kernel accepts a call of the operator: appends the words of DNN_DISABLE
 * that drop plugins or kernels of the operator, and if cpu_blas is not in use, where it was looked
 * for. */
void dnn__put_search(dnn__text *text, const char *op);

/* ---- readers ---- */
typedef struct dnn__reader {
    dnn_reader table;
    char id[32];
} dnn__reader;
extern const dnn_reader_host dnn__reader_host;
/* Returns the installed readers, ordered by id. The first call loads them. The library must run,
 * because starting it finds the folders. */
dnn_status dnn__readers(dnn__reader *const **list, int *n);
/* Appends the ids of the readers and the folders that were searched, for messages. */
void dnn__put_readers(dnn__text *text);

#endif
