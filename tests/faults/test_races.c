/* test_races.c - threads that use the library at once, for ThreadSanitizer (preset tsan) and for
 * its results: training side by side, one plan shared, tensors handed from thread to thread,
 * loaders, a pool that is resized under running calls, starts and stops.
 *
 * usage: test_races PLANNER.so [ROUNDS] */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../support/read_value.h"
#include "dnn/dnn.h"
#include "../doubles/planner/planner.h"

enum { THREADS = 6, SIZE = 5000 };

static int rounds = 20;
static long passed, failed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void check(bool right, const char *what)
{
    pthread_mutex_lock(&lock);
    if (right) {
        passed++;
    } else {
        failed++;
        printf("FAIL %s (%s)\n", what, dnn_error_message());
    }
    pthread_mutex_unlock(&lock);
}

static void at_once(int n, void *(*fn)(void *arg), void *arg)
{
    pthread_t thread[THREADS + 2];
    int made = 0;

    while (made < n && pthread_create(&thread[made], NULL, fn, arg) == 0) {
        made++;
    }
    check(made == n, "threads");
    while (made > 0) {
        pthread_join(thread[--made], NULL);
    }
}

/* ---- training side by side ---- */

static dnn_status train(dnn_module *net, dnn_optimizer *optimizer, double *last)
{
    for (int i = 0; i < rounds; i++) {
        DNN_SCOPE();
        dnn_tensor *x = dnn_rand(DNN_SHAPE(8, 3, 12, 12)),
                   *y = dnn_zeros(DNN_SHAPE(8), .dtype = DNN_T_I64);
        dnn_tensor *loss = dnn_cross_entropy(dnn_forward(net, x), y);

        DNN_TRY(dnn_zero_grad(optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(optimizer));
        DNN_TRY(read_value(loss, last));
    }
    return DNN_OK;
}

static void *train_one(void *unused)
{
    (void)unused;
    {
        DNN_SCOPE();
        dnn_module *net = dnn_nn_sequential(
            DNN_MODULES(dnn_nn_conv2d(3, 8, 3), dnn_nn_relu(), dnn_nn_max_pool2d(.kernel = 2),
                        dnn_nn_flatten(), dnn_nn_dropout(0.2), dnn_nn_linear(200, 4)));
        dnn_optimizer *optimizer = dnn_optim_sgd(dnn_parameters(net), 0.1, .momentum = 0.9);
        double last = 0;

        check(train(net, optimizer, &last) == DNN_OK && last < 1.3, "training in a thread");
        dnn_release(optimizer);
        dnn_release(net);
    }
    return NULL;
}

/* ---- one plan, one operand ---- */

static void *read_shared(void *x_)
{
    dnn_tensor *x = x_;

    for (int i = 0; i < 10 * rounds; i++) {
        DNN_SCOPE();
        double sum;

        check(read_value(dnn_sum(dnn_add(dnn_neg(x), x)), &sum) == DNN_OK && sum == 0,
              "-x + x of a shared x");
        check(read_value(dnn_sum(dnn_matmul(x, dnn_t(x))), &sum) == DNN_OK && sum == SIZE * 50.0,
              "x x' of a shared x");
    }
    return NULL;
}

/* x_ is not contiguous, so that each reader copies. */
static void *print_shared(void *x_)
{
    dnn_tensor *x = x_;
    double list[6];

    for (int i = 0; i < 10 * rounds; i++) {
        DNN_SCOPE();
        const char *text = dnn_tensor_format(x);

        check(text != NULL && strncmp(text, "tensor([[0., 3.]", 16) == 0, "text of a shared x");
        check(dnn_to_list(x, list, 6) == DNN_OK && list[1] == 3, "list of a shared x");
    }
    return NULL;
}

static void shared_operand(void)
{
    DNN_SCOPE();
    at_once(THREADS, read_shared, dnn_ones(DNN_SHAPE(50, SIZE / 50)));
    at_once(THREADS, print_shared, dnn_t(dnn_reshape(dnn_arange(.end = 6), DNN_SHAPE(2, 3))));
}

/* ---- tensors from thread to thread ---- */

static struct {
    dnn_tensor *place[64];
    int n, makers;
} queue;

static void *make_some(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100 * rounds; i++) {
        dnn_tensor *t;
        bool put = false;

        {
            DNN_SCOPE();
            t = dnn_retain(dnn_full(DNN_SHAPE(1 + i % 300), i));
        }
        while (!put) {
            pthread_mutex_lock(&lock);
            put = queue.n < 64;
            if (put) {
                queue.place[queue.n++] = t;
            }
            pthread_mutex_unlock(&lock);
        }
    }
    pthread_mutex_lock(&lock);
    queue.makers--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *take_some(void *unused)
{
    bool more = true;
    long wrong = 0;

    (void)unused;
    while (more) {
        dnn_tensor *t = NULL;

        pthread_mutex_lock(&lock);
        if (queue.n > 0) {
            t = queue.place[--queue.n];
        }
        more = t != NULL || queue.makers > 0;
        pthread_mutex_unlock(&lock);
        if (t != NULL) {
            {
                DNN_SCOPE();
                double largest, least;

                wrong += read_value(dnn_max(t), &largest) != DNN_OK ||
                         read_value(dnn_min(t), &least) != DNN_OK || largest != least;
            }
            dnn_release(t);
        }
    }
    check(wrong == 0, "a tensor that another thread made");
    return NULL;
}

static void *make_or_take(void *next_)
{
    int *next = next_, mine;

    pthread_mutex_lock(&lock);
    mine = (*next)++;
    pthread_mutex_unlock(&lock);
    return mine % 2 == 0 ? make_some(NULL) : take_some(NULL);
}

static void handed_over(void)
{
    int next = 0;

    queue.n = 0;
    queue.makers = THREADS / 2;
    at_once(THREADS, make_or_take, &next);
}

/* ---- loaders ---- */

static dnn_status sample(void *ctx, int64_t index, dnn_tensor **field)
{
    (void)ctx;
    field[0] = dnn_full(DNN_SHAPE(40), (double)index);
    field[1] = dnn_full_i64(index % 3, (dnn_create_args){.shape = DNN_SCALAR});
    return field[1] != NULL ? DNN_OK : dnn_take_error();
}

static dnn_tensor *halve(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_mul(x, 0.5);
}

/* x, by random numbers. */
static dnn_tensor *rounded(void *ctx, dnn_tensor *x)
{
    (void)ctx;
    return dnn_sub(dnn_add(x, dnn_floor(dnn_rand(DNN_SHAPE(40)))), 0);
}

static void *load(void *unused)
{
    dnn_dataset *source = dnn_dataset_function(200, 2, sample, NULL, NULL);
    dnn_transform *same = dnn_transform_field(0, dnn_transform_lambda(rounded, NULL, NULL));
    dnn_dataset *set = dnn_dataset_map(dnn_dataset_map_batch(source, 0, halve, NULL, NULL), same);
    dnn_loader *loader = dnn_loader(set, .batch_size = 16, .shuffle = true, .workers = 3);
    double all = 0, sum = 0;
    dnn_batch batch;

    (void)unused;
    for (int epoch = 0; epoch < 2; epoch++) {
        while (dnn_loader_next(loader, &batch)) {
            DNN_SCOPE();
            check(read_value(dnn_sum(batch.input), &sum) == DNN_OK, "a batch");
            all += sum;
        }
    }
    check(dnn_take_error() == DNN_OK && all == 2 * 40 * 0.5 * (199 * 200 / 2),
          "the sum of all samples");
    dnn_loader_next(loader, &batch); /* left in the middle of an epoch */
    dnn_release(loader);
    dnn_release(set);
    dnn_release(source);
    return NULL;
}

/* ---- a pool that is resized under running calls ---- */

static atomic_bool resizing;

static void *resize(void *unused)
{
    (void)unused;
    for (int i = 0; i < 5 * rounds; i++) {
        check(dnn_set_threads(1 + i % 7) == DNN_OK, "set_threads while calls run");
        nanosleep(&(struct timespec){0, 500000}, NULL);
    }
    resizing = false;
    return NULL;
}

static void *call_meanwhile(void *unused)
{
    (void)unused;
    while (resizing) {
        DNN_SCOPE();
        dnn_tensor *x = dnn_ones(DNN_SHAPE(4, 3, 20, 20)), *w = dnn_ones(DNN_SHAPE(5, 3, 3, 3));
        double sum;

        check(read_value(dnn_sum(dnn_neg(dnn_conv2d(x, w, NULL))), &sum) == DNN_OK &&
                  sum == -4 * 5 * 18 * 18 * 27.0,
              "a convolution while the pool is resized");
    }
    return NULL;
}

static void *resize_or_call(void *next_)
{
    int *next = next_, mine;

    pthread_mutex_lock(&lock);
    mine = (*next)++;
    pthread_mutex_unlock(&lock);
    return mine == 0 ? resize(NULL) : call_meanwhile(NULL);
}

static void resized_pool(void)
{
    int next = 0;

    resizing = true;
    at_once(4, resize_or_call, &next);
    check(dnn_set_threads(4) == DNN_OK, "set_threads");
}

/* ---- errors, and what is asked on the way ---- */

static void *fail_and_ask(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10 * rounds; i++) {
        DNN_SCOPE();
        char text[64];
        dnn_counters counters;
        dnn_memory memory;
        dnn_backend_info info;
        int n = 2 + i % 50;

        snprintf(text, sizeof text, "[%d,3]", n);
        check(dnn_matmul(dnn_ones(DNN_SHAPE(n, 3)), dnn_ones(DNN_SHAPE(5, 2))) == NULL &&
                  dnn_take_error() == DNN_E_INVALID && strstr(dnn_error_message(), text) != NULL,
              "a thread's own message");
        dnn_get_counters(&counters);
        check(dnn_get_memory("cpu", &memory) == DNN_OK && dnn_backend_at(0, &info) &&
                  dnn_get_threads() > 0,
              "facts while others compute");
    }
    return NULL;
}

/* ---- starts and stops ---- */

static void *start_and_call(void *unused)
{
    double sum;

    (void)unused;
    check(read_value(dnn_sum(dnn_ones(DNN_SHAPE(100))), &sum) == DNN_OK && sum == 100,
          "a first call in many threads");
    return NULL;
}

static void *whole_life(void *unused)
{
    check(dnn_init(NULL) == DNN_OK, "a start in a thread");
    start_and_call(unused);
    dnn_shutdown();
    check(dnn_live_tensors() == 0 && dnn_live_bytes(NULL) == 0,
          "nothing is alive after a shutdown in a thread");
    return NULL;
}

static void *everything(void *next_)
{
    static void *(*const part[])(void *) = {train_one, load, fail_and_ask};
    int *next = next_, mine;

    pthread_mutex_lock(&lock);
    mine = (*next)++;
    pthread_mutex_unlock(&lock);
    return part[mine % 3](NULL);
}

static void mixed(void)
{
    int next = 0;

    at_once(THREADS, everything, &next);
}

int main(int argc, char **argv)
{
    planner_counts p;
    planner_read_fn read;
    void *symbol = argc > 1 ? dlsym(dlopen(argv[1], RTLD_NOW), "planner_read") : NULL;

    if (symbol == NULL) {
        fprintf(stderr, "usage: test_races PLANNER.so [ROUNDS]\n");
        return 2;
    }
    memcpy(&read, &symbol, sizeof read);
    rounds = argc > 2 ? atoi(argv[2]) : rounds;
    setenv("DNN_BACKEND", "planner,cpu_blas", 1);
    at_once(THREADS, start_and_call, NULL); /* the first call of each starts the library */
    at_once(THREADS, train_one, NULL);
    shared_operand();
    handed_over();
    at_once(3, load, NULL);
    resized_pool();
    at_once(THREADS, fail_and_ask, NULL);
    mixed();
    read(&p);
    check(p.strangers == 0 && p.dead_runs == 0 && p.freed_running == 0, "plans under threads");
    dnn_shutdown();
    for (int i = 0; i < 5; i++) {
        at_once(1, whole_life, NULL);
        at_once(THREADS, start_and_call, NULL);
        dnn_shutdown();
    }
    printf("%d plans, %d strangers, %d calls on dead plans\n", p.planned, p.strangers, p.dead_runs);
    printf("%ld passed, %ld failed\n", passed, failed);
    return failed != 0;
}
