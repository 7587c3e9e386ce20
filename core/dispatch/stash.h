/* stash.h - pairs of forward and backward kernels. Private. */
#ifndef DNN__STASH_H
#define DNN__STASH_H
#include "frame.h"

/* Would the backward kernels of the plugin read a stash of so many bytes? DNN_DECLINED with *says
 * set if not. */
dnn_status dnn__pair_check(const dnn__frame *frame, const dnn__kernel *kernel, uint64_t bytes,
                           const char **says);
/* The stash that a call of op reads in this thread's backward; NULL: none. */
const dnn__stash_pair *dnn__stash_pair_for(const dnn__op *op);

#endif
