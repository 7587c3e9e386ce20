/* by_dlopen.c - a program that is not linked with libdnn opens it, or a library that is linked with
 * it, and trains. A thread that used libdnn ends after dlclose.
 *
 * usage: by_dlopen LIBDNN PLUGIN, or by_dlopen SECOND */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include "train.h"

static api dnn;
static pthread_barrier_t used, closed;
static int thread_failed;

static void *open_or_exit(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        printf("%s\n", dlerror());
        exit(1);
    }
    return handle;
}

static void *find_or_exit(void *handle, const char *name)
{
    void *found = dlsym(handle, name);

    if (found == NULL) {
        printf("%s\n", dlerror());
        exit(1);
    }
    return found;
}

static void *ends_after_dlclose(void *unused)
{
    (void)unused;
    thread_failed = train(&dnn);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&closed);
    return NULL;
}

/* A plugin holds threads and thread keys of its vendor's library, so it stays mapped as libdnn. */
static int stays(const char *path)
{
    if (dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL) {
        printf("%s is not mapped after dlclose\n", path);
        return 1;
    }
    return 0;
}

static int open_libdnn(const char *path, const char *plugin)
{
    void *handle = open_or_exit(path);
    pthread_t thread;
    int failed;

#define FIND(name) __extension__(dnn.name = (__typeof__(dnn.name))find_or_exit(handle, #name));
    API(FIND)
    failed = train(&dnn);
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&closed, NULL, 2);
    if (pthread_create(&thread, NULL, ends_after_dlclose, NULL) != 0) {
        return 1;
    }
    pthread_barrier_wait(&used);
    failed += dnn.dnn_live_objects() != 0;
    dnn.dnn_shutdown();
    dlclose(handle);
    pthread_barrier_wait(&closed);
    pthread_join(thread, NULL);
    return failed + thread_failed + stays(path) + stays(plugin);
}

static int open_second(const char *path)
{
    void *handle = open_or_exit(path);
    int (*second_train)(void) = __extension__(int (*)(void)) find_or_exit(handle, "second_train");
    int failed = second_train();

    dlclose(handle);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc == 3 ? open_libdnn(argv[1], argv[2]) : argc == 2 ? open_second(argv[1]) : 1;

    printf("%d failed\n", failed);
    return failed != 0;
}
