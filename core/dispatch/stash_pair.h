/* stash_pair.h - a stash that a backward call reads. Private. */
#ifndef DNN__STASH_PAIR_H
#define DNN__STASH_PAIR_H
#include "op.h"

/* The stash of a forward call. The backward rows of `forward` read it, with kernels of one plugin.
 */
typedef struct dnn__stash_pair {
    const dnn__op *forward;
    const struct dnn__plugin *plugin;
    uint64_t bytes;
    dnn__storage *stash; /* NULL while the pair is planned */
    int *readers;        /* then: counts the calls that would read it */
} dnn__stash_pair;

#endif
