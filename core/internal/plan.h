/* plan.h - plans: which kernel serves a call, under an exact key, and the cache that keeps them. Private to dispatch. */
#ifndef DNN__PLAN_H
#define DNN__PLAN_H
#include <pthread.h>
#include "plugin_host.h"

/* One call on its way to a kernel. Operands are counted inputs first, then outputs. */
typedef struct dnn__frame {
    const dnn__op *op;
    const dnn__request *request;
    const void *attr;
    int n_in, n_out;
    uint32_t want, mode;
    bool recording, inplace; /* a tape node will be made; out[0] is exactly in[0] */
    dnn__device *device;
    dnn_tensor **in, **out; /* promoted inputs; destinations or what was made */
    dnn__desc desc[2];      /* of outputs that are made */
    bool direct[2];         /* out[i] is a destination that the kernel may write itself */
    dnn_view *view;         /* [n_in + n_out] */
    const dnn_view **pointer;
    int64_t (*stride)[DNN_MAX_DIMS]; /* of small frames: strides that no tensor has */
    uint64_t *key;
    dnn__storage *memory; /* of a large frame, else NULL */
} dnn__frame;

typedef struct dnn__plan {
    _Atomic int32_t refs;
    struct dnn__plan *next, *newer, *older; /* bucket; order of use */
    uint64_t hash;
    dnn__kernel *kernel;
    dnn__device *device;
    void *state;
    uint64_t workspace;
    bool on_host, packs; /* rung 3: the kernel works on host memory; some operand is packed */
    pthread_mutex_t lock; /* for kernels that are not reentrant */
    int64_t key_words;
    uint64_t *key;
    uint8_t *pack; /* [n_in + n_out]: operand goes through a dense copy */
} dnn__plan;

/* Casts f->in as the row's dtype rule says (promote.c). */
dnn_status dnn__settle_dtypes(dnn__frame *frame);
/* Checks destination i against f->desc[i], and sets f->direct[i] and f->inplace (target.c). */
dnn_status dnn__check_destination(dnn__frame *frame, int i);

/* Key words that a call of n operands can need at most. */
static inline int64_t dnn__key_room(int n_operands, uint32_t attr_bytes)
{
    return 8 + attr_bytes / 8 + 1 + (int64_t)n_operands * (1 + 2 * DNN_MAX_DIMS);
}
int64_t dnn__key_make(const dnn__frame *frame); /* writes frame->key; returns its words */
/* The plan for the frame, with a reference for the caller: from the cache, or made by asking the candidates. The message of a
 * failure lists who was asked and why each declined. */
dnn_status dnn__plan_find(dnn__frame *frame, dnn__plan **out);
void dnn__plan_release(dnn__plan *plan);
/* Asks the candidates in order (choose.c). */
dnn_status dnn__plan_make(dnn__frame *frame, dnn__plan **out);
/* Rung 3: runs the call on host copies of its operands and brings the results to targets[n_out] (fallback.c). */
dnn_status dnn__run_on_host(dnn__frame *frame, dnn_tensor *const *targets, const dnn__rng *rng);

/* Counters of the process (dispatch.c). */
typedef struct dnn__counts {
    _Atomic int64_t calls, plan_misses, plans, copies, copy_bytes, fallback_calls, fallback_bytes;
} dnn__counts;
extern dnn__counts dnn__count;

#endif
