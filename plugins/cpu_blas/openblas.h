/* openblas.h - OpenBLAS, which init opens at run time. A library that is linked starts its threads
 * while the dynamic loader opens it: without room for their buffers they wait for ever, and without
 * room for a thread OpenBLAS ends the process. So cpu_blas looks for room first. */
#ifndef CPU_BLAS_OPENBLAS_H
#define CPU_BLAS_OPENBLAS_H
#include "dnn_plugin.h"
#include <cblas.h>

struct openblas {
    __typeof__(&cblas_sgemm) sgemm;
    __typeof__(&cblas_dgemm) dgemm;
    __typeof__(&openblas_set_num_threads) set_num_threads;
    __typeof__(&openblas_get_num_threads) get_num_threads;
    __typeof__(&openblas_get_parallel) get_parallel;
    __typeof__(&openblas_get_config) get_config;
    /* NULL: this build does not export them. The first takes a work buffer from a table of the
     * process and maps it if no call has used it before. */
    void *(*memory_alloc)(int position);
    void (*memory_free)(void *buffer);
};
extern struct openblas openblas;

/* Opens OpenBLAS, once in a process. It stays open, because its threads do not end. `buffers`: the
 * number of work buffers that cpu_blas will need besides those of OpenBLAS's own threads.
 * Fails   DNN_E_NOMEM: no room for buffers or threads; DNN_E_DEVICE: not installed. */
dnn_status openblas_open(const dnn_host *host, int buffers);

#endif
