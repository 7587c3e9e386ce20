/* runtime.h - starting the library. The public functions that need plugins start it: calls of
 * operators, creation, data sets, queries. Private. */
#ifndef DNN__RUNTIME_H
#define DNN__RUNTIME_H
#include "memory.h"

extern atomic_bool dnn__running;
dnn_status dnn__start_slow(const char *backend);
/* Starts the library if it does not run. Thread-safe. Fails in a forked child. */
static inline dnn_status dnn__start(void)
{
    return DNN__LIKELY(atomic_load_explicit(&dnn__running, memory_order_acquire))
               ? DNN_OK
               : dnn__start_slow(NULL);
}

/* Sets the cap of the host to DNN_MEMORY_CAP, unless dnn_set_memory_cap was called. memory_cap.c.
 */
dnn_status dnn__memory_cap_start(void);
/* Warns, once in a process, about unknown DNN_ variables. environment.c. */
void dnn__environment_check(void);
/* Starts the library, then calls dnn__device_named. */
dnn_status dnn__device_for(const char *name, dnn__device **out);

#endif
