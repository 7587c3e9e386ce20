/* harness.h - shared by the files of the harness: operands in layouts, calls, judgement, counting.
 */
#ifndef HARNESS_H
#define HARNESS_H
#include "cases.h"

enum conf_layout {
    CONF_DENSE,
    CONF_TRANSPOSED,
    CONF_SLICED,
    CONF_EXPANDED,
    CONF_UNALIGNED,
    CONF_LAYOUTS
};
extern const char *const conf_layout_names[CONF_LAYOUTS];

/* ---- operands (operands.c) ---- */
/* Values of the operand's kind, rounded to its dtype; for CONF_EXPANDED equal along the axis that
 * will be stretched. */
bool conf_fill(ref_array *a, const conf_operand *o, enum conf_layout layout, uint64_t *random);
bool conf_applies(const ref_array *a, enum conf_layout layout);
/* The dense array under the layout: places that the view does not show hold NaN, or 1. */
bool conf_base(ref_array *base, const ref_array *a, enum conf_layout layout);
int64_t conf_base_count(const ref_array *a, enum conf_layout layout); /* elements of that base */
/* The layout that operand i gets when `layout` is asked for all (only < 0) or for one. */
enum conf_layout conf_layout_of(const conf_case *c, const ref_array *in, int i,
                                enum conf_layout layout, int only);
bool conf_is_alias(const conf_case *c, int i); /* by the schema input i is an output too */
/* Element k of the array to and from memory of its dtype. */
void conf_store(char *at, const ref_array *a, int64_t k);
void conf_load(ref_array *a, int64_t k, const char *at);
/* The place in the base of element k. */
int64_t conf_base_index(const ref_array *a, enum conf_layout layout, int64_t k);
dnn_tensor *conf_tensor(const ref_array *a); /* dense, on the default device */
dnn_tensor *conf_view(dnn_tensor *base, const ref_array *a,
                      enum conf_layout layout);    /* by public views */
dnn_status conf_read(dnn_tensor *t, ref_array *a); /* a has t's dims */
/* The same memory as a result will get is filled with 0xff and given back to the cache. */
void conf_poison(const conf_operand *o);

/* ---- the run of a program ---- */
typedef struct harness harness;
/* Takes the values of a case to a kernel and judges what comes back; `each`: every element by
 * itself. */
typedef void conf_road(harness *h, const conf_case *c, const ref_array *in, enum conf_layout layout,
                       int only, bool each);
conf_road conf_library_road;

struct harness {
    conf_sink sink; /* first: emit finds the harness */
    const conf_options *options;
    conf_road *road;
    dnn__op_id op;                   /* not used for a composite */
    const conf_composite *composite; /* NULL: a row */
    const char *mode_name;
    conf_row row;
    conf_totals totals;
    uint64_t random;
    const char *note; /* what is varied now, for messages */
    enum conf_layout layout;
    char served[1024];
};

static inline const char *conf_op_name(const harness *h)
{
    return h->composite != NULL ? h->composite->name : dnn__ops[h->op].name;
}
static inline int conf_traits(const harness *h)
{
    return h->composite != NULL ? DNN__ELEMENTWISE : dnn__ops[h->op].traits;
}

/* "value relu f32 contiguous ([3,4]) -> [3,4] f32": what is being run. */
void conf_describe(const harness *h, const conf_case *c, dnn__text *text);
void conf_pass(harness *h);
void conf_fail(harness *h, const conf_case *c, const char *fmt, ...) DNN_PRINTF(3, 4);
void conf_skip(harness *h, const char *fmt, ...) DNN_PRINTF(2, 3);

/* Runs the row; out[j] holds destinations or NULL, and the results afterwards. */
dnn_status conf_call(const harness *h, const conf_case *c, dnn_tensor *const *in, dnn_tensor **out);
/* New destinations where the case wants them: dense, for out[] of conf_call. false without memory.
 */
bool conf_destinations(const conf_case *c, dnn_tensor *const *in, dnn_tensor **out);
/* refmath on the operands: makes and writes out[]. false without memory. */
bool conf_reference(const harness *h, const conf_case *c, const ref_array *in, ref_array *out);
/* Every input with the dims of the result. false without memory. */
bool conf_stretch(const conf_case *c, const ref_array *from, ref_array *to);
/* Counts a pass or tells a failure; each: every element by itself, as special values are judged. */
void conf_judge(harness *h, const conf_case *c, int output, const ref_array *want,
                const ref_array *got, bool each);
void conf_judge_gradient(harness *h, const conf_case *c, int input, const ref_array *want,
                         const ref_array *got);
void conf_compare(harness *h, const conf_case *c, int output, const ref_array *want,
                  dnn_tensor *got, bool each);
extern const dnn__rng conf_rng;

/* ---- modes: emit functions ---- */
extern void (*const conf_cases[DNN__N_OPS])(conf_sink *s); /* of each row */
void conf_emit_value(conf_sink *sink, const conf_case *c);
void conf_emit_special(conf_sink *sink, const conf_case *c);
void conf_emit_grad(conf_sink *sink, const conf_case *c);
void conf_emit_promises(conf_sink *sink, const conf_case *c);

#endif
