/* plan.h - plans: which kernel serves a call, under an exact key, and the cache that keeps them.
 * Private to dispatch. */
#ifndef DNN__PLAN_H
#define DNN__PLAN_H
#include <pthread.h>
#include "counters.h"
#include "dispatch.h"
#include "dispatch_state.h"
#include "layout.h"
#include "plugin_call.h"

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

/* How an operand passes between what it is and what the kernel takes or gives. */
enum { DNN__AS_IT_IS, DNN__PACKED, DNN__REORDERED, DNN__PRIVATE };
typedef struct dnn__operand_plan {
    uint32_t how; /* PACKED: by a dense copy. REORDERED: an input, by a copy in `layout`. PRIVATE:
                     an output that is made in `layout` */
    uint32_t layout;
    uint64_t bytes; /* PRIVATE: its physical size */
} dnn__operand_plan;

typedef struct dnn__plan {
    _Atomic int32_t refs;
    struct dnn__plan *next, *newer, *older; /* bucket; order of use */
    uint64_t hash;
    dnn__kernel *kernel; /* NULL: DECOMPOSED, the row in smaller operators */
    dnn__device *device;
    void *state;
    uint64_t workspace, stash; /* bytes */
    int threads;               /* that the workspace has room for */
    bool on_host, detours; /* HOST_FALLBACK: the kernel works on host memory; some operand does not
                              pass as it is */
    pthread_mutex_t lock;  /* for kernels that are not reentrant */
    int64_t key_words;
    uint64_t *key;
    dnn__operand_plan *operand; /* [n_in + n_out] */
} dnn__plan;

/* Casts f->in as the row's dtype rule says (type_promotion.c). */
dnn_status dnn__promote_types(dnn__frame *frame);
/* Checks destination i against f->desc[i], and sets f->direct[i] and f->inplace (inplace.c). */
dnn_status dnn__check_destination(dnn__frame *frame, int i);

/* Key words that a call of n operands can need at most. */
static inline int64_t dnn__key_room(int n_operands, uint32_t attr_bytes)
{
    return 8 + attr_bytes / 8 + 1 + (int64_t)n_operands * (1 + 2 * DNN_MAX_DIMS);
}
enum { DNN__KEY_THREADS_AT = 40 }; /* bit of the number of threads in the first word of a key */
int64_t dnn__key_make(const dnn__frame *frame); /* writes frame->key; returns its words */
/* The plan for the frame, with a reference for the caller: from the cache, or made by asking the
 * candidates. The message of a failure lists who was asked and why each declined. */
dnn_status dnn__plan_find(dnn__frame *frame, dnn__plan **out);
void dnn__plan_release(dnn__plan *plan);
/* ---- plan.c ---- */
dnn_status dnn__plan_new(const dnn__frame *frame,
                         dnn__plan **out); /* one reference, nothing filled in */

/* ---- candidate.c ---- */
/* DNN_OK: the kernel accepts and the plan is filled in. DNN_DECLINED: *says tells why not.
 * Negative: an error that ends the search. */
dnn_status dnn__ask(dnn__frame *frame, dnn__kernel *kernel, dnn__plan *plan, const char **says);
dnn_status dnn__plan_of(dnn__frame *frame, dnn__kernel *kernel,
                        dnn__plan **out); /* the same, with a plan of its own */

/* Asks the candidates in order (select.c). */
dnn_status dnn__plan_make(dnn__frame *frame, dnn__plan **out);
/* Asks one kernel for its plan, and decides how each operand is marshalled (negotiate.c).
 * DNN_DECLINED with *says set. */
dnn_status dnn__negotiate(dnn__frame *frame, dnn__kernel *kernel, dnn__plan *plan,
                          const char **says);
/* A no of ours, as the sentence of the candidate. Returns DNN_DECLINED. Its arguments may be
 * dnn__self.message.text. */
dnn_status dnn__decline(const char **says, const char *fmt, ...) DNN_PRINTF(2, 3);
/* Would the plugin's backward kernels read a stash of so many bytes? (stash.c) DNN_DECLINED with
 * *says set. */
dnn_status dnn__pair_check(const dnn__frame *frame, const dnn__kernel *kernel, uint64_t bytes,
                           const char **says);
/* The stash that a call of op reads in this thread's backward; NULL: none. */
const dnn__stash_pair *dnn__stash_pair_for(const dnn__op *op);
static inline bool dnn__is_direct(const dnn__frame *f, int i)
{
    return f->out[i] != NULL && (i >= DNN__RESULTS || f->direct[i]);
}

/* ---- operand_views.c: the operands as kernels are shown them ---- */
/* Fills frame->view. Takes the layouts' lock if an operand lies in one; dnn__operand_views_close
 * gives it back. */
dnn_status dnn__operand_views_open(dnn__frame *frame);
void dnn__operand_views_close(dnn__frame *frame);
void dnn__operand_views_again(
    dnn__frame *frame); /* as they were when they were opened, under the same lock */
dnn_status dnn__all_strided(dnn__frame *frame); /* every operand, for good; not under the lock */
/* Bytes from a view's first element on; s NULL: it is dense. */
static inline uint64_t dnn__view_bytes(const dnn_view *v, const dnn__storage *s, int64_t offset)
{
    uint64_t item = dnn__item_size(v->dtype);
    int64_t n = 1;
    bool dense = true;

    for (int i = v->ndim - 1; i >= 0; i--) {
        dense = dense && (v->dim[i] == 1 || v->stride[i] == n);
        n *= v->dim[i];
    }
    return n == 0 || s == NULL || dense ? (uint64_t)n * item : s->bytes - (uint64_t)offset * item;
}

/* ---- marshal.c: operands to the kernel, results from it ---- */
dnn_status dnn__marshal(dnn__frame *frame, const dnn__plan *plan, dnn_tensor **made);
dnn_status dnn__make_results(dnn__frame *frame, const dnn__plan *plan, dnn_tensor **made);
dnn_status dnn__write_back(dnn__frame *frame,
                           dnn_tensor **made); /* what was made instead of a destination */

/* ---- decompose.c: DECOMPOSED ---- */
/* Can the row's parts be planned on the call's device? DNN_DECLINED with *says set if not, or if
 * the row has none. */
dnn_status dnn__can_decompose(const dnn__frame *frame, const char **says);
/* Runs the parts; made[] is set as dnn__marshal does. Not under the layouts' lock. */
dnn_status dnn__run_decomposition(dnn__frame *frame, dnn_tensor **made);

/* HOST_FALLBACK: runs the call on host copies of its operands and brings the results to
 * targets[n_out] (host_fallback.c). */
dnn_status dnn__run_on_host(dnn__frame *frame, dnn_tensor *const *targets, const dnn__rng *rng);

#endif
