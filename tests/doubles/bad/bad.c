/* bad.c - plugins with one fault each; BAD names the fault. tests/doubles/CMakeLists.txt builds one
 * file for each fault. */
#include <string.h>
#include "common.h"

#define MISSING_SYMBOL 1
#define NULL_TABLE 2
#define SIZE_ZERO 3
#define SIZE_SHORT 4
#define SIZE_HUGE 5
#define NEWER_HOST 6
#define BAD_ID 7
#define OTHER_ID 8
#define NULL_RUN 9
#define NULL_OP 10
#define SAME_NAMES 11
#define INIT_FAILS 12
#define INIT_DECLINES 13
#define UNKNOWN_OP 14
#define UNKNOWN_FLAG 15
#define TAIL_OF_KERNEL 16
#define TAIL_OF_PLUGIN 17
#define NO_REORDER 18
#define HALF_DEVICE 19
#define HALF_STREAMS 20
#define RUN_FAILS 21
#define RUN_DECLINES 22
#define PLAN_MUTE 23
#define PLAN_ABSURD 24
#define PLAN_LAYOUT 25
#define PLAN_STASH 26
#define KERNEL_SHORT 27
#define NEWER_OP 28
#define ZERO_TAIL 29
#define BAD_DTYPES 30
#define SAME_DEVICE 31
#define DEVICE_IS_CPU 32
#define CALLS_BACK 33
/* These bring the process down or hold it up; they are tried in a child process only. */
#define DIES_IN_LOAD 34
#define DIES_IN_TABLE 35
#define DIES_IN_INIT 36
#define EXITS_IN_INIT 37
#define HANGS_IN_INIT 38
#define DIES_IN_PLAN 39
#define DIES_IN_RUN 40
#define DIES_IN_FINI 41

#define CALLS_BACK_IN_RUN 42
#define CALLS_BACK_IN_PLAN 43
#define STOPS_IN_RUN 44
#define DISABLES_IN_RUN 45

#if BAD == CALLS_BACK || BAD >= CALLS_BACK_IN_RUN
#include <dlfcn.h>
#endif
#if BAD == CALLS_BACK_IN_RUN || BAD == CALLS_BACK_IN_PLAN
#include "dnn/dnn.h"
#endif
#if BAD >= DIES_IN_LOAD && BAD <= DIES_IN_FINI
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#endif

#if BAD == DIES_IN_LOAD
__attribute__((constructor)) static void loaded(void)
{
    raise(SIGSEGV);
}
#endif

static const dnn_host *host;

static dnn_status init(const dnn_host *h)
{
    host = h;
#if BAD == DIES_IN_INIT
    raise(SIGSEGV);
#elif BAD == EXITS_IN_INIT
    exit(3);
#elif BAD == HANGS_IN_INIT
    for (;;) {
        sleep(1000);
    }
#endif
#if BAD == INIT_FAILS
    return host->fail(DNN_E_DEVICE, "the card does not answer");
#elif BAD == CALLS_BACK
    dnn_status (*start)(const char *backend);
    void *found = dlsym(dlopen(NULL, RTLD_LAZY), "dnn_init");

    memcpy(&start, &found, sizeof start);
    return host->fail(DNN_E_DEVICE, "the library says %d", found != NULL ? (int)start(NULL) : 1);
#elif BAD == INIT_DECLINES
    return host->fail(DNN_DECLINED, "no card is in this machine");
#else
    return DNN_OK;
#endif
}

#if BAD == CALLS_BACK_IN_RUN || BAD == CALLS_BACK_IN_PLAN
/* An operator of the library whose kernel this is a part of. */
static void call_back(void)
{
    dnn_tensor *(*zeros)(dnn_create_args args);
    void *found = dlsym(dlopen(NULL, RTLD_LAZY), "dnn_zeros_with");

    memcpy(&zeros, &found, sizeof zeros);
    zeros((dnn_create_args){.shape = DNN_SHAPE(2)});
}
#elif BAD == STOPS_IN_RUN
static void call_back(void)
{
    void (*shutdown)(void);
    void *found = dlsym(dlopen(NULL, RTLD_LAZY), "dnn_shutdown");

    memcpy(&shutdown, &found, sizeof shutdown);
    shutdown();
}
#elif BAD == DISABLES_IN_RUN
static void call_back(void)
{
    dnn_status (*disable)(const char *id);
    void *found = dlsym(dlopen(NULL, RTLD_LAZY), "dnn_plugin_disable");

    memcpy(&disable, &found, sizeof disable);
    disable(ID);
}
#endif

static dnn_status run(const dnn_call *c)
{
#if BAD == CALLS_BACK_IN_RUN || BAD == STOPS_IN_RUN || BAD == DISABLES_IN_RUN
    call_back();
#endif
#if BAD == DIES_IN_RUN
    raise(SIGFPE);
#endif
#if BAD == RUN_FAILS
    return c->host->fail(DNN_E_DEVICE, "the card took fire at element %d", 7);
#elif BAD == RUN_DECLINES
    return c->host->fail(DNN_DECLINED, "not today");
#else
    relu_values(c);
    return DNN_OK;
#endif
}

#if BAD == DIES_IN_FINI
static void fini(void)
{
    raise(SIGABRT);
}
#define FINI .fini = fini,
#else
#define FINI
#endif

#if (BAD >= PLAN_MUTE && BAD <= PLAN_STASH) || BAD == DIES_IN_PLAN || BAD == CALLS_BACK_IN_PLAN
static dnn_status plan(const dnn_call *c, dnn_plan *p)
{
    (void)c;
#if BAD == CALLS_BACK_IN_PLAN
    (void)p;
    call_back();
#elif BAD == DIES_IN_PLAN
    (void)p;
    raise(SIGBUS);
#elif BAD == PLAN_MUTE
    (void)p;
    return DNN_DECLINED;
#elif BAD == PLAN_ABSURD
    p->workspace_bytes = UINT64_MAX - 5;
#elif BAD == PLAN_LAYOUT
    p->out_layout[0] = host->layout("bad/blocked8");
#else
    p->stash_bytes = 64;
#endif
    return DNN_OK;
}
#define PLAN .plan = plan,
#else
#define PLAN
#endif

#if BAD == UNKNOWN_OP
#define OP "transmogrify"
#elif BAD == NULL_OP
#define OP NULL
#else
#define OP "relu"
#endif

#if BAD == KERNEL_SHORT
#define KERNEL_SIZE 40
#else
#define KERNEL_SIZE sizeof(dnn_kernel)
#endif

/* A struct that is longer than this host's: zero or not behind what the host knows. */
struct long_kernel {
    dnn_kernel k;
    uint64_t tail[2];
};
struct long_plugin {
    dnn_plugin p;
    uint64_t tail[2];
};

static const struct long_kernel kernel = {
    .k = {.size =
              BAD == TAIL_OF_KERNEL || BAD == ZERO_TAIL ? sizeof(struct long_kernel) : KERNEL_SIZE,
          .op = OP,
          .device = "cpu",
          .name = "bad_relu",
          .dtypes = BAD == BAD_DTYPES ? 1u << 20 : DNN_T_F32,
          .op_version = BAD == NEWER_OP ? 9 : 0,
          .flags = DNN_K_REENTRANT | (BAD == UNKNOWN_FLAG ? 1u << 9 : 0),
          .priority = DNN_PRI_SPECIAL,
          PLAN.run = BAD == NULL_RUN ? NULL : run},
    .tail = {0, BAD == TAIL_OF_KERNEL}};

static const dnn_kernel second = {
    .size = sizeof(dnn_kernel), .op = "neg", .device = "cpu", .name = "bad_relu", .run = run};
static const dnn_kernel *const kernels[] = {&kernel.k, BAD == SAME_NAMES ? &second : NULL, NULL};

#if BAD == NO_REORDER
static const char *const layouts[] = {"bad", NULL};
#define LAYOUTS .layouts = layouts,
#else
#define LAYOUTS
#endif

#if BAD == HALF_DEVICE || BAD == HALF_STREAMS || BAD == SAME_DEVICE || BAD == DEVICE_IS_CPU
static dnn_status count(int32_t *n)
{
    *n = 1;
    return DNN_OK;
}

static dnn_status mem_info(int32_t ordinal, uint64_t *free_bytes, uint64_t *total)
{
    (void)ordinal;
    *free_bytes = *total = 0;
    return DNN_OK;
}

static dnn_status alloc(int32_t ordinal, uint64_t bytes, uint32_t mem, void **out)
{
    (void)ordinal;
    (void)bytes;
    (void)mem;
    (void)out;
    return host->fail(DNN_E_NOMEM, "this card has no memory");
}

static dnn_status stream_new(int32_t ordinal, void **stream)
{
    (void)ordinal;
    *stream = NULL;
    return DNN_OK;
}

static const dnn_device device = {.size = sizeof(dnn_device),
                                  .kind = BAD == DEVICE_IS_CPU ? "cpu" : "badcard",
                                  .count = count,
                                  .mem_info = mem_info,
                                  .alloc = BAD == HALF_DEVICE ? NULL : alloc,
                                  .free = give_back,
                                  .copy = copy,
                                  .fill = fill,
                                  .stream_new = BAD == HALF_STREAMS ? stream_new : NULL};
#define DEVICE .device = &device,
#else
#define DEVICE
#endif

#if BAD == SIZE_ZERO
#define PLUGIN_SIZE 0
#elif BAD == SIZE_SHORT
#define PLUGIN_SIZE 24
#elif BAD == SIZE_HUGE
#define PLUGIN_SIZE 1000000
#elif BAD == TAIL_OF_PLUGIN || BAD == ZERO_TAIL
#define PLUGIN_SIZE sizeof(struct long_plugin)
#else
#define PLUGIN_SIZE sizeof(dnn_plugin)
#endif

static const struct long_plugin plugin = {.p = {.size = PLUGIN_SIZE,
                                                .min_host_minor = BAD == NEWER_HOST ? 77 : 0,
                                                .id = BAD == BAD_ID     ? "Bad Id!"
                                                      : BAD == OTHER_ID ? "somebody_else"
                                                                        : ID,
                                                .version = "1",
                                                DEVICE LAYOUTS FINI.init = init,
                                                .kernels = kernels},
                                          .tail = {0, BAD == TAIL_OF_PLUGIN}};

#if BAD == MISSING_SYMBOL
DNN_EXPORT const dnn_plugin *dnn_plugin_v0(void);
const dnn_plugin *dnn_plugin_v0(void)
#else
const dnn_plugin *dnn_plugin_v1(void)
#endif
{
#if BAD == DIES_IN_TABLE
    raise(SIGILL);
#endif
    return BAD == NULL_TABLE ? NULL : &plugin.p;
}
