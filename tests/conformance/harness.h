/* harness.h - what the files of the harness share: operands in layouts, calls, judgement, counting. */
#ifndef HARNESS_H
#define HARNESS_H
#include "cases.h"

enum conf_layout { CONF_DENSE, CONF_TRANSPOSED, CONF_SLICED, CONF_EXPANDED, CONF_UNALIGNED, CONF_LAYOUTS };
extern const char *const conf_layout_names[CONF_LAYOUTS];

/* ---- operands (operands.c) ---- */
/* Values of the operand's kind, rounded to its dtype; for CONF_EXPANDED equal along the axis that will be stretched. */
bool conf_fill(ref_array *a, const conf_operand *o, enum conf_layout layout, uint64_t *random);
bool conf_applies(const ref_array *a, enum conf_layout layout);
/* The dense array under the layout: places that the view does not show hold NaN, or 1. */
bool conf_base(ref_array *base, const ref_array *a, enum conf_layout layout);
/* The place in the base of element k. */
int64_t conf_base_index(const ref_array *a, enum conf_layout layout, int64_t k);
dnn_tensor *conf_tensor(const ref_array *a);                                          /* dense, on the default device */
dnn_tensor *conf_view(dnn_tensor *base, const ref_array *a, enum conf_layout layout); /* by public views */
dnn_status conf_read(dnn_tensor *t, ref_array *a);                                    /* a has t's dims */
/* The same memory as a result will get is filled with 0xff and given back to the cache. */
void conf_poison(const conf_operand *o);

/* ---- the run of a program ---- */
typedef struct harness {
    conf_sink sink; /* first: emit finds the harness */
    const conf_options *options;
    dnn__op_id op;
    const char *mode_name;
    conf_row row;
    conf_totals totals;
    uint64_t random;
    const char *note; /* what is varied now, for messages */
    enum conf_layout layout;
    char served[1024];
} harness;

void conf_pass(harness *h);
void conf_fail(harness *h, const conf_case *c, const char *fmt, ...) DNN_PRINTF(3, 4);
void conf_skip(harness *h, const char *fmt, ...) DNN_PRINTF(2, 3);

/* Runs the row; out[j] holds destinations or NULL, and the results afterwards. */
dnn_status conf_call(const harness *h, const conf_case *c, dnn_tensor *const *in, dnn_tensor **out);
/* New destinations where the case wants them: dense, for out[] of conf_call. false without memory. */
bool conf_destinations(const conf_case *c, dnn_tensor *const *in, dnn_tensor **out);
/* refmath on the operands: makes and writes out[]. false without memory. */
bool conf_reference(const harness *h, const conf_case *c, const ref_array *in, ref_array *out);
/* Counts a pass or tells a failure; each: every element by itself, as special values are judged. */
void conf_compare(harness *h, const conf_case *c, int output, const ref_array *want, dnn_tensor *got, bool each);
extern const dnn__rng conf_rng;

/* ---- modes: emit functions ---- */
void conf_emit_value(conf_sink *sink, const conf_case *c);
void conf_emit_special(conf_sink *sink, const conf_case *c);
void conf_emit_grad(conf_sink *sink, const conf_case *c);
void conf_emit_promises(conf_sink *sink, const conf_case *c);

#endif
