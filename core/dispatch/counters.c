/* counters.c - counters of the process; dnn_get_counters shows them. */
#include "base.h"
#include "counters.h"
#include "dnn/backend.h"

dnn__counts dnn__count;

void dnn_get_counters(dnn_counters *out)
{
    if (out != NULL) {
        *out = (dnn_counters){.calls = dnn__count_sum(DNN__COUNT_CALLS),
                              .plan_misses = atomic_load(&dnn__count.plan_misses),
                              .plans = atomic_load(&dnn__count.plans),
                              .copies = atomic_load(&dnn__count.copies),
                              .copy_bytes = atomic_load(&dnn__count.copy_bytes),
                              .reorders = atomic_load(&dnn__count.reorders),
                              .reorder_bytes = atomic_load(&dnn__count.reorder_bytes),
                              .fallback_calls = atomic_load(&dnn__count.fallback_calls),
                              .fallback_bytes = atomic_load(&dnn__count.fallback_bytes)};
    }
}
