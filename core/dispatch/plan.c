/* plan.c - makes empty plans, counts their references, frees them; writes the reason of a
 * decline. candidate.c and select.c fill plans in. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "counters.h"
#include "plan.h"
#include "plan_key.h"

/* A plan with its arrays in one block: the key, then how each operand is marshalled. */
dnn_status dnn__plan_new(const dnn__frame *f, dnn__plan **out)
{
    int n = f->n_in + f->n_out;
    size_t key_bytes = (size_t)dnn__key_room(n, f->op->attr_bytes) * sizeof(uint64_t);
    size_t bytes = sizeof(dnn__plan) + key_bytes + (size_t)n * sizeof(dnn__operand_plan);
    dnn__plan *plan = dnn__alloc(bytes);

    if (plan == NULL) {
        return dnn__nomem("plan", bytes);
    }
    memset(plan, 0, bytes);
    atomic_init(&plan->refs, 1);
    plan->device = f->device;
    plan->threads = dnn__self.call_threads;
    plan->key = (uint64_t *)(void *)(plan + 1);
    plan->operand = (dnn__operand_plan *)(void *)((char *)plan->key + key_bytes);
    pthread_mutex_init(&plan->lock, NULL);
    atomic_fetch_add_explicit(&dnn__count.plans, 1, memory_order_relaxed);
    *out = plan;
    return DNN_OK;
}

static void plan_free(dnn__plan *plan)
{
    if (plan->kernel != NULL && plan->kernel->table.unplan != NULL && plan->state != NULL) {
        /* Enqueued work may still read the state. A late error stays with the device, which
         * reports it. */
        if (dnn__dev(plan->device)->stream != NULL) {
            dnn__message message = dnn__self.message;

            if (dnn__device_sync(plan->device) != DNN_OK) {
                dnn__self.message = message;
            }
        }
        plan->kernel->table.unplan(plan->state);
    }
    pthread_mutex_destroy(&plan->lock);
    dnn__free(plan);
    atomic_fetch_sub_explicit(&dnn__count.plans, 1, memory_order_relaxed);
}

void dnn__plan_release(dnn__plan *plan)
{
    if (plan != NULL && atomic_fetch_sub_explicit(&plan->refs, 1, memory_order_acq_rel) == 1) {
        plan_free(plan);
    }
}

dnn_status dnn__decline(const char **says, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    (void)dnn__vformat(dnn__plugin_self.text, sizeof dnn__plugin_self.text, fmt, list);
    va_end(list);
    *says = dnn__plugin_self.text;
    return DNN_DECLINED;
}
