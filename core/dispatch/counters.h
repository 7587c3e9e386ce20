/* counters.h - counters of the process; calls are in thread_counts.h. Private. */
#ifndef DNN__COUNTERS_H
#define DNN__COUNTERS_H
#include <stdatomic.h>
#include <stdint.h>

typedef struct dnn__counts {
    _Atomic int64_t plan_misses, plans, copies, copy_bytes, reorders, reorder_bytes, fallback_calls,
        fallback_bytes;
} dnn__counts;
extern dnn__counts dnn__count;

#endif
