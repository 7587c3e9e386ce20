/* ends.c - a program or a thread that ends with an error that nobody took, or inside scopes that
 * nobody closed. test_ends.sh runs it once for each way.
 *
 * usage: ends main|thread|shutdown|loader|pthread_exit|longjmp|return */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include "dnn/dnn.h"

enum { CODE = 3 }; /* of main: an error that nobody took does not change it */

static void leave_error(void)
{
    dnn_add(dnn_ones(DNN_SHAPE(2)), dnn_ones(DNN_SHAPE(3)));
}

static void *thread_with_error(void *unused)
{
    (void)unused;
    leave_error();
    return NULL;
}

/* A wrong path: no set, no loader, and a loop that runs no time. */
static void loop_over_nothing(void)
{
    dnn_batch batch;
    dnn_loader *loader = dnn_loader(dnn_dataset_open("no/such/file"), .batch_size = 2);

    while (dnn_loader_next(loader, &batch)) {
        DNN_SCOPE();
        dnn_relu(batch.input);
    }
}

/* ---- scopes that nobody closes ---- */

static void open_scopes(int depth)
{
    for (int i = 0; i < depth; i++) { /* more than the records that a thread begins with */
        dnn_scope_begin("ends.c");
        dnn_nn_linear(2, 2);
    }
}

/* The frame of the scope is gone when the thread ends. */
__attribute__((noinline)) static void exit_inside(int depth)
{
    DNN_SCOPE();
    DNN_NO_GRAD();
    open_scopes(depth);
    pthread_exit(NULL);
}

static void *thread_exits(void *unused)
{
    exit_inside(40);
    return unused;
}

static jmp_buf before;

__attribute__((noinline)) static void jump_out(int depth)
{
    dnn_scope_begin("ends.c");
    dnn_no_grad_begin();
    open_scopes(depth);
    longjmp(before, 1);
}

static void *thread_jumps(void *unused)
{
    DNN_SCOPE();
    int64_t alive = dnn_live_objects();
    volatile int64_t *told = unused;

    dnn_scope outer = dnn_scope_begin("around the jump");
    if (setjmp(before) == 0) {
        jump_out(40);
    }
    dnn_scope_end(&outer); /* closes the scopes that the jump left open */
    if (dnn_live_objects() != alive || !dnn_grad_enabled()) {
        *told = 1;
    }
    if (setjmp(before) == 0) {
        jump_out(40);
    }
    return unused;
}

static void *thread_returns(void *unused)
{
    open_scopes(40);
    dnn_no_grad_begin();
    return unused;
}

static int run_thread(void *(*run)(void *))
{
    static int64_t told;
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, &told) != 0) {
        return 1;
    }
    pthread_join(thread, NULL);
    if (told != 0 || dnn_live_objects() != 0) {
        printf("%lld objects are alive\n", (long long)dnn_live_objects());
        return 1;
    }
    return CODE;
}

int main(int argc, char **argv)
{
    const char *way = argc == 2 ? argv[1] : "";

    if (strcmp(way, "thread") == 0) {
        return run_thread(thread_with_error);
    }
    if (strcmp(way, "pthread_exit") == 0) {
        return run_thread(thread_exits);
    }
    if (strcmp(way, "longjmp") == 0) {
        return run_thread(thread_jumps);
    }
    if (strcmp(way, "return") == 0) {
        return run_thread(thread_returns);
    }
    if (strcmp(way, "loader") == 0) {
        loop_over_nothing();
        return CODE;
    }
    leave_error();
    if (strcmp(way, "shutdown") == 0) {
        dnn_shutdown();
        return dnn_pending() == DNN_OK && dnn_live_objects() == 0 ? CODE : 1;
    }
    return CODE;
}
