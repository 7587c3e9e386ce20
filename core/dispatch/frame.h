/* frame.h - one call on its way to a kernel: operands, views, results. Only dispatch uses it.
 * Private. */
#ifndef DNN__FRAME_H
#define DNN__FRAME_H
#include "layout.h"
#include "plugin_call.h"
#include "request.h"
#include "stash_pair.h"

enum { DNN__FEW_OPERANDS = 16 }; /* of a call whose arrays are on the stack: batch norm has 10 */

/* One call on its way to a kernel. Operands are counted inputs first, then outputs. */
typedef struct dnn__frame {
    const dnn__op *op;
    const dnn__request *request;
    const void *attr;
    int n_in, n_out;
    uint32_t want, mode;
    bool recording, inplace;   /* a tape node will be made; out[0] is exactly in[0] */
    bool given;                /* a destination is among the outputs */
    bool any_layout, laid_out; /* some operand lies in a private layout; then, while there are
                                  views, the layouts' lock is held */
    bool plain;    /* every operand is to be shown to kernels strided, dense and aligned */
    uint32_t flat; /* the private layout that all operands share, where zeros stay zeros: FLAT
                      kernels may run over it; else 0 */
    dnn__device *device;
    dnn_tensor **in,
        **out;         /* promoted inputs; destinations, or NULL where the call makes the result */
    dnn_tensor **made; /* [n_out]: what the kernel writes: a destination, a new result, or a
                          temporary for a destination */
    dnn__desc desc[DNN__RESULTS]; /* of outputs that are made */
    bool direct[DNN__RESULTS];    /* out[i] is a destination that the kernel may write itself */
    dnn_view *view;               /* [n_in + n_out] */
    const dnn_view **pointer;
    int64_t (*stride)[DNN_MAX_DIMS]; /* of small frames: strides that no tensor has */
    uint64_t *key;
    const dnn__stash_pair *pair; /* this is a backward call with a stash, else NULL */
    dnn__storage *stash;         /* what the kernel keeps for backward, else NULL */
    const dnn__plugin *keeper;   /* of the stash */
    dnn__storage *memory;        /* of a large frame, else NULL */
} dnn__frame;

static inline bool dnn__is_direct(const dnn__frame *f, int i)
{
    return f->out[i] != NULL && (i >= DNN__RESULTS || f->direct[i]);
}

#endif
