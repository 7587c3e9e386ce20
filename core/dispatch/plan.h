/* plan.h - plans: which kernel serves a call, under an exact key. Only dispatch uses it. Private.
 */
#ifndef DNN__PLAN_H
#define DNN__PLAN_H
#include <pthread.h>
#include "frame.h"

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

/* One reference, nothing filled in. */
dnn_status dnn__plan_new(const dnn__frame *frame, dnn__plan **out);
void dnn__plan_release(dnn__plan *plan);
/* Writes the reason why a candidate does not serve the call. Returns DNN_DECLINED. An argument may
 * be dnn__self.message.text. */
dnn_status dnn__decline(const char **says, const char *fmt, ...) DNN_PRINTF(2, 3);

#endif
