/* operands.h - operands out of bytes: any dtype, rank and layout, views that overlap, absurd sizes,
 * leaves and results on the tape, NULL; and whether a refused call has left them as they were. For
 * op_args.c and calls.c. */
#ifndef FUZZ_OPERANDS_H
#define FUZZ_OPERANDS_H
#include "fuzz.h"
#include "call.h"

enum { FUZZ_OPERANDS = 16, FUZZ_BASES = 48 };

typedef struct fuzz_call {
    fuzz_bytes bytes;
    const char *name; /* of the operator, for messages */
    dnn_dtype dtype;  /* that most operands have */
    bool tame;        /* no absurd sizes: the call would compute for hours where it is right */
    int n_made, n_bases;
    dnn_tensor *made[FUZZ_OPERANDS]; /* operands so far, for later ones to repeat or overlap */
    dnn_tensor *base[FUZZ_BASES];    /* the storages behind them */
    const uint8_t *pattern[FUZZ_BASES];
    uint64_t version[FUZZ_BASES];
} fuzz_call;

void fuzz_operands_start(fuzz_call *c, const uint8_t *data, size_t size);
dnn_tensor *fuzz_operand(fuzz_call *c);      /* NULL now and then */
dnn_tensor *fuzz_some_operand(fuzz_call *c); /* never NULL */
dnn_tensor *
fuzz_overlapping(fuzz_call *c); /* a view of an operand made before, or one that is new */
dnn_tensor *fuzz_alike(fuzz_call *c,
                       const dnn_tensor *t); /* a new one with the dims and dtype of t */
dnn_shape fuzz_shape(fuzz_call *c);          /* any, negative and absurd sizes included */
/* A refusal has a code and a message that begins with `name` (NULL: with a name), and nothing is
 * changed. */
void fuzz_judge_refusal(fuzz_call *c, const char *name, dnn_status status);
/* Takes the error that a NULL result left, and judges it. */
void fuzz_judge_null(fuzz_call *c, const char *name);

/* Backward from y, if it is on the tape: it may fail, with a message. */
void fuzz_go_back(fuzz_call *c, dnn_tensor *y);

typedef struct fuzz_counts {
    uint64_t calls, accepted, planned, refused, backwards;
    uint64_t by_status[8], of_row[DNN__N_OPS];
} fuzz_counts;
extern fuzz_counts fuzz_count;

/* Calls one public function (calls.c). */
void fuzz_public_call(fuzz_call *c);

#endif
