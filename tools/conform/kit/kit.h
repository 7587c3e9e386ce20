/* kit.h - declarations that the parent and the children of the program `conform` share. The parent
 * reports; the children call the plugin. A child sends records through a pipe and writes its
 * position to shared memory, which the parent reads after a signal has killed the child. */
#ifndef KIT_H
#define KIT_H
#include "direct.h"

/* ---- records from child to parent ---- */
enum kit_kind {
    KIT_TABLE,  /* text: "acme 1.0.0, an example"; count[0] kernels */
    KIT_KERNEL, /* row; text: name; op; device */
    KIT_FAIL,   /* row (-1: the file), dtype; text: a sentence */
    KIT_WARN,   /* the same, but no failure */
    KIT_SKIP,   /* a check that does not apply, and why */
    /* row, dtype: count[0] cases, [1] failed, [2] declined; text: the first decline's reason */
    KIT_COUNT,
    /* row, dtype; text: shapes; us[0] the kernel's median, us[1] that of cpu_blas; 0: none */
    KIT_PERF,
    KIT_FACT, /* text: key; us[0]: value */
    KIT_STOP, /* the plugin cannot be used, so nothing else can be checked */
    KIT_DONE  /* the child did all its work */
};
typedef struct kit_record {
    int32_t kind, row;
    uint32_t dtype;
    bool reads_stash; /* for COUNT: the declines are no gap */
    int64_t count[3];
    double us[2];
    char op[64], device[64];
    char text[1024];
} kit_record;

/* The position of the child: written before each step, read after it died. */
typedef struct kit_note {
    int32_t row;
    uint32_t dtype;
    uint64_t beat; /* rises while the child makes progress */
    char doing[512], fault[256];
} kit_note;

typedef struct kit_options {
    const char *file, *pattern;
    uint32_t dtypes; /* bits of the dtypes to test */
    bool test, grad, support, perf, json, verbose;
} kit_options;

/* The state of a child. */
typedef struct kit_child {
    const kit_options *options;
    kit_note *note;
    int out;       /* pipe for records */
    int captured;  /* the file that standard output and error are redirected to */
    int from;      /* the first row to test; earlier ones are done */
    bool has_base; /* perf: cpu_blas is loaded beside the plugin */
} kit_child;

void kit_send(const kit_child *child, const kit_record *record);
void kit_sendf(const kit_child *child, enum kit_kind kind, int row, uint32_t dtype, const char *fmt,
               ...) DNN_PRINTF(5, 6);
void kit_doing(const kit_child *child, int row, uint32_t dtype, const char *fmt, ...)
    DNN_PRINTF(4, 5);
/* Rows: kernels first, in the order of the table, then gradients by operator. */
enum { KIT_GRADIENTS = 1 << 16 };

/* ---- phases, each in its own child ---- */
void kit_phase_table(kit_child *child);   /* file, symbols, table, init, fini (table.c) */
void kit_phase_adopt(kit_child *child);   /* loading by libdnn (table.c) */
void kit_phase_kernels(kit_child *child); /* every kernel by direct calls (kernels.c) */
void kit_phase_grad(kit_child *child);    /* gradients through the tape (gradients.c) */
void kit_phase_support(kit_child *child); /* accepted cases */
void kit_phase_perf(kit_child *child);    /* medians (perf.c) */

/* ---- for phases ---- */
/* Returns the plugin's table after the library's own checks, or NULL after a KIT_FAIL. */
const dnn_plugin *kit_open(const kit_child *child);
bool kit_selected(const kit_child *child, const char *op);
/* Checks the symbols of the file: exports other than the entry points, imports of libdnn, imports
 * that end the process or print (symbols.c). */
void kit_check_symbols(const kit_child *child);
/* Checks the process state that a plugin must not change: floating-point mode, locale, signal
 * handlers, environment, streams (process_state.c). */
void kit_process_note(const kit_child *child);
void kit_process_check(const kit_child *child, int row);
/* Reports faults in guarded memory while a call runs (kernels.c). */
void kit_watch(kit_call *call);

/* ---- one kernel (numbers.c, kernel_promises.c) ---- */
typedef struct kit_check {
    harness h; /* first: emit functions cast to it */
    kit_child *child;
    const kit_kernel *k;
    int row;
    int64_t cases, declined;
    char declined_text[512];
    bool far_tried;   /* the case with large strides was tried */
    bool reads_stash; /* a backward kernel that works only with its forward kernel's stash */
    char *captured;   /* if set, the sentence of a failure goes here instead of to the parent */
    size_t captured_bytes;
} kit_check;
conf_runner kit_run_direct;
void kit_emit_promises(conf_sink *sink, const conf_case *c);
/* Plans the case and counts whether the kernel accepts it. */
void kit_emit_plan(conf_sink *sink, const conf_case *c);
void kit_emit_time(conf_sink *sink, const conf_case *c);
/* Plans the call; counts a decline and keeps its reason. */
bool kit_accepts(kit_check *check, kit_call *call);

/* ---- private layouts (layout_checks.c) ---- */
/* Collects the layouts that the kernel's plans request. */
void kit_discover_layouts(kit_child *child, const kit_kernel *k, int row);
/* Checks that every layout that plans request is listed and has reorders. */
void kit_check_families(kit_child *child, const dnn_plugin *table);
void kit_check_reorder(kit_child *child, const kit_kernel *k, int row); /* round trips */
/* Checks the padding after chains of FLAT kernels. */
void kit_check_chains(kit_child *child, const dnn_plugin *table);

/* ---- known gaps (known.c) ---- */
typedef struct kit_gap {
    char op[64], dtype[16], reason[256];
    bool xfail;
    int line;
    int64_t met; /* failures excused, or dtypes found unsupported */
} kit_gap;
typedef struct kit_gaps {
    kit_gap *gap;
    int64_t n;
} kit_gaps;
/* Returns false after a message on standard error. */
bool kit_gaps_read(const char *path, kit_gaps *gaps);
/* Returns whether the line matches. dtype NULL: no dtype, which only * matches. */
bool kit_gap_names(const kit_gap *gap, const char *op, const char *kernel, const char *dtype);

/* ---- the report (report.c) ---- */
typedef struct kit_report kit_report;
kit_report *kit_report_new(const kit_options *options, kit_gaps *gaps);
void kit_report_take(kit_report *report, const kit_record *record);
bool kit_report_stopped(const kit_report *report); /* nothing else can be checked */
enum { KIT_HUNG = -1 };                            /* instead of a wait status */
void kit_report_died(kit_report *report, const kit_note *note, int status, const char *printed);
int kit_report_end(kit_report *report); /* prints and returns the exit code */

#endif
