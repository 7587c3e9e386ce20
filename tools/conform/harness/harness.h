/* harness.h - declarations that the files of the harness share: operands in layouts, calls,
 * comparison, counting. */
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
/* Fills in values of the operand's kind, rounded to its dtype. For CONF_EXPANDED they are equal
 * along the axis that will be expanded. */
bool conf_fill(ref_array *a, const conf_operand *o, enum conf_layout layout, uint64_t *random);
bool conf_applies(const ref_array *a, enum conf_layout layout);
/* Makes the dense array that the layout is a view of. Elements outside the view hold NaN, or 1. */
bool conf_base(ref_array *base, const ref_array *a, enum conf_layout layout);
int64_t conf_base_count(const ref_array *a, enum conf_layout layout); /* elements of that base */
/* Returns the layout of operand i if `layout` is requested for all (only < 0) or for one. */
enum conf_layout conf_layout_of(const conf_case *c, const ref_array *in, int i,
                                enum conf_layout layout, int only);
/* Returns whether input i shares memory with an output by the schema. */
bool conf_is_alias(const conf_case *c, int i);
/* Stores element k of the array to memory of its dtype, and loads it. */
void conf_store(char *at, const ref_array *a, int64_t k);
void conf_load(ref_array *a, int64_t k, const char *at);
/* Returns the index of element k in the base. */
int64_t conf_base_index(const ref_array *a, enum conf_layout layout, int64_t k);
dnn_tensor *conf_tensor(const ref_array *a); /* dense, on the default device */
/* Made with public view operators. */
dnn_tensor *conf_view(dnn_tensor *base, const ref_array *a, enum conf_layout layout);
dnn_status conf_read(dnn_tensor *t, ref_array *a); /* a has t's dims */
/* Fills memory of a result's size with 0xff and frees it, so that the result gets this memory from
 * the cache. */
void conf_poison(const conf_operand *o);

/* ---- the run of a program ---- */
typedef struct harness harness;
/* Runs a case on a kernel and compares the results; `each`: every element by itself. */
typedef void conf_runner(harness *h, const conf_case *c, const ref_array *in,
                         enum conf_layout layout, int only, bool each);
conf_runner conf_run_library;

struct harness {
    conf_sink sink; /* first: emit functions cast to the harness */
    const conf_options *options;
    conf_runner *runner;
    dnn__op_id op;                   /* not used for a composite */
    const conf_composite *composite; /* NULL: a row */
    const char *mode_name;
    conf_row row;
    conf_totals totals;
    uint64_t random;
    const char *note; /* the variation that is tested now, for messages */
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

/* Writes the description of the case: "value relu f32 contiguous ([3,4]) -> [3,4] f32". */
void conf_describe(const harness *h, const conf_case *c, dnn__text *text);
void conf_pass(harness *h);
void conf_fail(harness *h, const conf_case *c, const char *fmt, ...) DNN_PRINTF(3, 4);
void conf_skip(harness *h, const char *fmt, ...) DNN_PRINTF(2, 3);

/* Runs the row. out[j] is a destination or NULL, and afterwards the result. */
dnn_status conf_call(const harness *h, const conf_case *c, dnn_tensor *const *in, dnn_tensor **out);
/* Makes dense destinations for out[] of conf_call if the case needs them. Returns false if there is
 * no memory. */
bool conf_destinations(const conf_case *c, dnn_tensor *const *in, dnn_tensor **out);
/* Runs the oracle on the operands; makes and sets out[]. Returns false if there is no memory. */
bool conf_reference(const harness *h, const conf_case *c, const ref_array *in, ref_array *out);
/* Expands every input to the dims of the result. Returns false if there is no memory. */
bool conf_stretch(const conf_case *c, const ref_array *from, ref_array *to);
/* Counts a pass or reports a failure. each: compares every element by itself, as for special
 * values. */
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
