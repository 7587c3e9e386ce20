/* plan_key.h - the key of a plan. Private. */
#ifndef DNN__PLAN_KEY_H
#define DNN__PLAN_KEY_H
#include "frame.h"

/* Key words that a call of n operands can need at most. */
static inline int64_t dnn__key_room(int n_operands, uint32_t attr_bytes)
{
    return 8 + attr_bytes / 8 + 1 + (int64_t)n_operands * (1 + 2 * DNN_MAX_DIMS);
}
enum { DNN__KEY_THREADS_AT = 40 }; /* bit of the number of threads in the first word of a key */
int64_t dnn__key_make(const dnn__frame *frame); /* writes frame->key; returns its words */

#endif
