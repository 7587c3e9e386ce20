/* openblas.c - opens OpenBLAS when there is room for its buffers and threads. */
#include "openblas.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct openblas openblas;

enum {
    /* Address space of one buffer of OpenBLAS 0.3.21. Only touched pages use memory. */
    BUFFER_BYTES = 128 << 20,
    MOST_BUFFERS = 128,
    MOST_THREADS = 64
};

/* ---- room ---- */

/* Returns the number of threads that OpenBLAS starts when it is opened, the opener among them. */
static int threads_of_openblas(void)
{
    static const char *const names[] = {"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
                                        "OMP_NUM_THREADS"};
    cpu_set_t set;
    int most = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : MOST_THREADS;

    for (int i = 0; i < 3; i++) {
        const char *text = getenv(names[i]);
        int n = text != NULL ? atoi(text) : 0;

        if (n > 0) {
            most = n < most ? n : most;
            break;
        }
    }
    return most < MOST_THREADS ? most : MOST_THREADS;
}

/* Maps `count` buffers and unmaps them. Returns the number that fits. */
static int buffers_that_fit(int count)
{
    void *map[MOST_BUFFERS];
    int n = 0;

    while (n < count) {
        map[n] =
            mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map[n] == MAP_FAILED)
            break;
        n++;
    }
    for (int i = 0; i < n; i++)
        munmap(map[i], BUFFER_BYTES);
    return n;
}

static void *wait_for_lock(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

/* Starts `count` threads that live at the same time, and ends them. Returns the number that
 * starts. */
static int threads_that_start(int count)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread[MOST_THREADS];
    int n = 0;

    pthread_mutex_lock(&lock);
    while (n < count && pthread_create(&thread[n], NULL, wait_for_lock, &lock) == 0)
        n++;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    pthread_mutex_destroy(&lock);
    return n;
}

static dnn_status check_room(const dnn_host *host, int buffers)
{
    int threads = threads_of_openblas() - 1, n;

    buffers += threads + 1; /* 1: for the library itself, stacks, and what the C library maps */
    buffers = buffers < MOST_BUFFERS ? buffers : MOST_BUFFERS;
    n = buffers_that_fit(buffers);
    if (n < buffers)
        return host->fail(
            DNN_E_NOMEM,
            "no address space for the work buffers of OpenBLAS: %d of %d buffers of %d MiB fit", n,
            buffers, BUFFER_BYTES >> 20);
    n = threads_that_start(threads);
    if (n < threads)
        return host->fail(DNN_E_NOMEM,
                          "%d of the %d threads of OpenBLAS can start; OPENBLAS_NUM_THREADS=1 in "
                          "the environment needs none",
                          n, threads);
    return DNN_OK;
}

/* ---- functions ---- */

static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);

    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static dnn_status find_functions(const dnn_host *host, void *library)
{
    static const struct {
        const char *name;
        void *function;
    } needed[] = {{"cblas_sgemm", &openblas.sgemm},
                  {"cblas_dgemm", &openblas.dgemm},
                  {"openblas_set_num_threads", &openblas.set_num_threads},
                  {"openblas_get_num_threads", &openblas.get_num_threads},
                  {"openblas_get_parallel", &openblas.get_parallel},
                  {"openblas_get_config", &openblas.get_config}};

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!find(library, needed[i].name, needed[i].function))
            return host->fail(DNN_E_DEVICE, "%s has no function %s", OPENBLAS_FILE, needed[i].name);
    if (!find(library, "blas_memory_alloc", &openblas.memory_alloc) ||
        !find(library, "blas_memory_free", &openblas.memory_free))
        openblas.memory_alloc = NULL;
    return DNN_OK;
}

dnn_status openblas_open(const dnn_host *host, int buffers)
{
    void *library;

    if (openblas.get_config)
        return DNN_OK;
    library = dlopen(OPENBLAS_FILE, RTLD_NOW | RTLD_NOLOAD);
    if (!library) {
        dnn_status status = check_room(host, buffers);

        if (status != DNN_OK)
            return status;
        library = dlopen(OPENBLAS_FILE, RTLD_NOW | RTLD_LOCAL);
    }
    if (!library)
        return host->fail(DNN_E_DEVICE,
                          "OpenBLAS cannot be opened: %s (Debian: apt install "
                          "libopenblas0)",
                          dlerror());
    return find_functions(host, library);
}
