/* frame.h - one call on its way to a kernel: operands, views, results. Only dispatch uses it.
 * Private. */
#ifndef DNN__FRAME_H
#define DNN__FRAME_H
#include "layout.h"
#include "plugin_call.h"
#include "request.h"
#include "stash_pair.h"

enum { DNN__FEW_OPERANDS = 16 }; /* a call with more allocates its arrays */

/* One call on its way to a kernel. Operands are counted inputs first, then outputs. */
typedef struct dnn__frame {
    const dnn__op *op;
    const dnn__request *request;
    const void *attr;
    int n_in, n_out;
    uint32_t want;   /* bits of results to make */
    uint32_t mode;   /* DNN_M_ bits for kernels */
    bool recording;  /* the tape records the call */
    bool inplace;    /* out[0] is exactly in[0] */
    bool given;      /* an output is a destination */
    bool any_layout; /* an operand has a private layout */
    bool laid_out;   /* the call holds the layouts' lock: an operand has, or just had, one */
    bool plain;      /* kernels see every operand strided, dense and aligned */
    uint32_t flat;   /* the private layout of all operands, where zeros stay zeros: FLAT kernels may
                        run over it; else 0 */
    dnn__device *device;
    dnn_tensor **in;   /* [n_in]: promoted */
    dnn_tensor **out;  /* [n_out]: destinations; NULL where the call makes the result */
    dnn_tensor **made; /* [n_out]: written by the kernel: a destination, a new result, or a
                          temporary for a destination */
    dnn__desc desc[DNN__RESULTS]; /* of results; not used where n_out is -1 */
    bool direct[DNN__RESULTS];    /* out[i] is a destination that the kernel may write itself */
    dnn_view *view;               /* [n_in + n_out] */
    const dnn_view **pointer;     /* [n_in + n_out]: into view; NULL: left out */
    int64_t (
        *stride)[DNN_MAX_DIMS];  /* [n_in + n_out]: for views with other strides than a tensor */
    uint64_t *key;               /* of the plan */
    const dnn__stash_pair *pair; /* of a backward call that reads a stash, else NULL */
    dnn__storage *stash;         /* kept by the kernel for backward, else NULL */
    const dnn__plugin *stash_plugin; /* of the stash */
    dnn__storage *memory;            /* of the arrays of a large frame, else NULL */
} dnn__frame;

/* Does the kernel write the destination out[i] itself? A row of any number of outputs may have more
 * than DNN__RESULTS, all of them destinations. */
static inline bool dnn__is_direct(const dnn__frame *f, int i)
{
    return f->out[i] != NULL && (i >= DNN__RESULTS || f->direct[i]);
}

/* Does the call make result i, if no destination is given? */
static inline bool dnn__is_wanted(const dnn__frame *f, int i)
{
    return i < DNN__RESULTS && (f->want >> i & 1) != 0;
}

#endif
