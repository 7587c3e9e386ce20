/* plan.h - plans: which kernel serves a call, under an exact key. Only dispatch uses it. Private.
 */
#ifndef DNN__PLAN_H
#define DNN__PLAN_H
#include <pthread.h>
#include "frame.h"

enum { /* how an operand is marshalled */
       DNN__UNCHANGED,
       DNN__PACKED,    /* by a dense copy; a result: by a dense temporary */
       DNN__REORDERED, /* an input, by a copy in `layout` */
       DNN__PRIVATE    /* a result that is made in `layout` */
};
typedef struct dnn__operand_plan {
    uint32_t how, layout;
    uint64_t bytes; /* PRIVATE: its physical size */
} dnn__operand_plan;

typedef struct dnn__plan {
    _Atomic int32_t refs;
    struct dnn__plan *next, *newer, *older; /* bucket; order of use */
    uint64_t hash;
    dnn__kernel *kernel; /* NULL: DECOMPOSED */
    dnn__device *device;
    void *state;               /* made by the kernel's plan(), freed by its unplan() */
    uint64_t workspace, stash; /* bytes */
    int threads;               /* number of threads that the workspace has room for */
    bool on_host;              /* HOST_FALLBACK: the kernel works on host memory */
    bool detours;              /* some operand is not AS_IT_IS */
    pthread_mutex_t lock;      /* for kernels that are not reentrant */
    int64_t key_words;
    uint64_t *key;
    dnn__operand_plan *operand; /* [n_in + n_out] */
} dnn__plan;

/* One reference, nothing filled in. */
dnn_status dnn__plan_new(const dnn__frame *frame, dnn__plan **out);
void dnn__plan_release(dnn__plan *plan);
/* Writes the reason why a candidate does not serve the call. Returns DNN_DECLINED. Arguments may
 * point into dnn__message_text(). */
dnn_status dnn__decline(const char **says, const char *fmt, ...) DNN_PRINTF(2, 3);

#endif
