/* exit_while_computing.c - usage: exit_while_computing MILLISECONDS - returns from main while
 * another thread starts the library or computes, without dnn_shutdown. test_exit.sh runs it many
 * times: the process must neither crash nor hang. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include "dnn/dnn.h"

static void *work(void *unused)
{
    dnn_tensor *a = dnn_rand(DNN_SHAPE(300, 300));

    (void)unused;
    for (;;) {
        {
            DNN_SCOPE();
            dnn_add(dnn_matmul(a, a), a);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct timespec some = {.tv_nsec = argc > 1 ? atol(argv[1]) * 1000000 : 0};
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, NULL) != 0) {
        return 1;
    }
    nanosleep(&some, NULL);
    return 0;
}
