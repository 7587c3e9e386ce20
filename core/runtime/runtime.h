/* runtime.h - the library as a whole: it starts at the doors (calls of operators, creation, data
 * sets, queries). Private. */
#ifndef DNN__RUNTIME_H
#define DNN__RUNTIME_H
#include "memory.h"

/* Starts the library once; DNN_OK at once if it runs. Thread-safe. Also fails in a forked child. */
extern atomic_bool dnn__running;
dnn_status dnn__start_slow(const char *backend);
static inline dnn_status dnn__start(void)
{
    return DNN__LIKELY(atomic_load_explicit(&dnn__running, memory_order_acquire))
               ? DNN_OK
               : dnn__start_slow(NULL);
}

/* dnn__device_named, and starts the library first. */
dnn_status dnn__device_for(const char *name, dnn__device **out);

#endif
