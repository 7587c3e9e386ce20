/* cpu.c - the built-in device: host memory, synchronous. Tensors of it can exist before any plugin
 * is loaded. */
#include "device_impl.h"

dnn__device dnn__cpu_device = {
    .pub = {.name = "cpu", .mem = DNN_MEM_HOST},
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .stream_lock = PTHREAD_MUTEX_INITIALIZER,
};

dnn__device *dnn__cpu(void)
{
    return &dnn__cpu_device;
}
