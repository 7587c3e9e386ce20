/* failing_memory.h - an allocator of which the n-th request fails, once or for ever after, and the
 * walk over every n. */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H
#include <stdio.h>
#include <stdlib.h>
#include "dnn/dnn.h"

static struct {
    long asked, fail_at; /* fail_at 0: never */
    bool for_ever;
    long live; /* blocks */
} memory;

static void *failing_alloc(void *ctx, size_t bytes, size_t align)
{
    long n = __atomic_add_fetch(&memory.asked, 1, __ATOMIC_RELAXED);
    void *p = NULL;

    (void)ctx;
    if (memory.fail_at > 0 && (n == memory.fail_at || (memory.for_ever && n > memory.fail_at))) {
        return NULL;
    }
    if (posix_memalign(&p, align < sizeof(void *) ? sizeof(void *) : align, bytes) != 0) {
        return NULL;
    }
    __atomic_add_fetch(&memory.live, 1, __ATOMIC_RELAXED);
    return p;
}

static void failing_free(void *ctx, void *p)
{
    (void)ctx;
    if (p != NULL) {
        __atomic_sub_fetch(&memory.live, 1, __ATOMIC_RELAXED);
    }
    free(p);
}

typedef struct failing_result {
    long sites, leaks, wrong, retry;
} failing_result;

/* Runs `program`, which starts the library and frees what it makes, with each of its requests
 * failing, and once more without a failure after each. After both nothing may be alive. */
static inline void failing_walk(dnn_status (*program)(void), bool for_ever, failing_result *result)
{
    bool reached = true;

    for (long n = 1; reached; n++) {
        dnn_status st;

        memory.asked = 0;
        memory.for_ever = for_ever;
        memory.fail_at = n;
        st = program();
        reached = memory.asked >= n;
        memory.fail_at = 0;
        result->sites += reached;
        if (st != DNN_E_NOMEM && st != DNN_OK) {
            printf("request %ld: %s, not DNN_E_NOMEM: %s\n", n, dnn_status_name(st),
                   dnn_error_message());
            result->wrong++;
        }
        if (program() != DNN_OK) { /* in the same process, without a restart */
            printf("request %ld: the retry failed: %s\n", n, dnn_error_message());
            result->retry++;
        }
        dnn_shutdown();
        if (dnn_live_tensors() != 0 || dnn_live_bytes(NULL) != 0 || memory.live != 0) {
            printf("request %ld: alive: %lld tensors, %lld bytes, %ld blocks\n", n,
                   (long long)dnn_live_tensors(), (long long)dnn_live_bytes(NULL), memory.live);
            result->leaks++;
        }
    }
}

#endif
