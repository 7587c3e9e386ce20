/* zoo.c - a plugin by recipe: it does whatever its recipe says. The recipe is a block of bytes in
 * the data of the file; test_bad_plugins finds it by its first word and changes it in copies of the
 * file, which gives thousands of plugins. Without a change the plugin is good. */
#include <string.h>
#include "common.h"
#include "zoo.h"

static volatile struct zoo recipe = {.word = ZOO_WORD,
                                     .id = "zoo",
                                     .op = "relu",
                                     .device = "cpu",
                                     .name = "zoo_relu",
                                     .kind = "zoocard",
                                     .plugin_size = sizeof(dnn_plugin),
                                     .kernel_size = sizeof(dnn_kernel),
                                     .device_size = sizeof(dnn_device),
                                     .flags = DNN_K_REENTRANT,
                                     .dtypes = DNN_T_F32,
                                     .priority = DNN_PRI_SPECIAL,
                                     .n_kernels = 1};

static struct zoo z;
static const dnn_host *host;

static dnn_status answer(int32_t code)
{
    if (code != DNN_OK && !z.mute) {
        host->fail(code, "the zoo says %d", (int)code);
    }
    return code;
}

static dnn_status init(const dnn_host *h)
{
    host = h;
    return answer(z.init_code);
}

static dnn_status plan(const dnn_call *c, dnn_plan *p)
{
    (void)c;
    p->workspace_bytes = z.workspace;
    p->stash_bytes = z.stash;
    p->in_layout[0] = z.in_layout;
    p->out_layout[0] = z.out_layout;
    p->out_bytes[0] = z.out_bytes;
    return answer(z.plan_code);
}

static dnn_status run(const dnn_call *c)
{
    if (z.run_code != DNN_OK) {
        return answer(z.run_code);
    }
    relu_values(c);
    memset((char *)c->out[0]->data + c->out[0]->nbytes, 0x5a, z.writes_past);
    return DNN_OK;
}

/* ---- a device that is host memory in disguise ---- */

static dnn_status count(int32_t *n)
{
    *n = z.ordinals;
    return answer(z.count_code);
}

static dnn_status mem_info(int32_t ordinal, uint64_t *free_bytes, uint64_t *total)
{
    (void)ordinal;
    *free_bytes = *total = 1 << 20;
    return DNN_OK;
}

static dnn_status alloc(int32_t ordinal, uint64_t bytes, uint32_t mem, void **out)
{
    (void)ordinal;
    (void)bytes;
    (void)mem;
    (void)out;
    return answer(DNN_E_NOMEM);
}

static dnn_status make(int32_t ordinal, void **out)
{
    (void)ordinal;
    *out = &z;
    return DNN_OK;
}

static void drop(int32_t ordinal, void *p)
{
    (void)ordinal;
    (void)p;
}

static dnn_status sync_stream(int32_t ordinal, void *p)
{
    (void)ordinal;
    (void)p;
    return DNN_OK;
}

static dnn_status record(int32_t ordinal, void *stream, void **event)
{
    (void)ordinal;
    (void)stream;
    *event = &z;
    return DNN_OK;
}

static dnn_status wait_event(int32_t ordinal, void *stream, void *event)
{
    (void)ordinal;
    (void)stream;
    (void)event;
    return DNN_OK;
}

static dnn_status done(int32_t ordinal, void *event, int32_t *answer_out)
{
    (void)ordinal;
    (void)event;
    *answer_out = 1;
    return DNN_OK;
}

/* ---- the table ---- */

enum { ROOM = 4096 };
static _Alignas(8) unsigned char plugin_bytes[ROOM + 8], device_bytes[ROOM + 8];
static _Alignas(8) unsigned char kernel_bytes[ROOM + 8];
static const dnn_kernel *kernels[ZOO_KERNELS + 1];
static dnn_kernel many[ZOO_KERNELS];
static char names[ZOO_KERNELS][16];

/* A struct's bytes, with one byte of its tail set. */
static void put(unsigned char *room, const void *from, size_t bytes, uint32_t tail)
{
    memset(room, 0, ROOM);
    memcpy(room, from, bytes);
    if (tail > 0 && tail < ROOM) {
        room[tail] = 1;
    }
}

static dnn_kernel first_kernel(void)
{
    return (dnn_kernel){.size = z.kernel_size,
                        .flags = z.flags,
                        .op = z.lacks & ZOO_OP ? NULL : z.op,
                        .device = z.lacks & ZOO_DEVICE ? NULL : z.device,
                        .name = z.lacks & ZOO_NAME ? NULL : z.name,
                        .op_version = z.op_version,
                        .dtypes = z.dtypes,
                        .priority = z.priority,
                        .attr_bytes = z.attr_bytes,
                        .plan = z.plans ? plan : NULL,
                        .run = z.lacks & ZOO_RUN ? NULL : run};
}

static void put_number(char *text, uint32_t n)
{
    memcpy(text, "zoo_z", 5); /* behind zoo_relu */
    for (int i = 5; i < 13; i++, n >>= 4) {
        text[i] = "0123456789abcdef"[n & 15];
    }
}

static void put_kernels(void)
{
    dnn_kernel k = first_kernel();
    uint32_t n = z.n_kernels < ZOO_KERNELS ? z.n_kernels : ZOO_KERNELS;

    put(kernel_bytes, &k, sizeof k, z.kernel_tail);
    for (uint32_t i = 0; i < n; i++) {
        many[i] = k;
        put_number(names[i], z.same_names && i == n - 1 ? 1 : i);
        many[i].name = names[i];
        kernels[i] = i == 0 ? (const dnn_kernel *)(const void *)kernel_bytes : &many[i];
    }
}

static void put_device(void)
{
    dnn_device d = {.size = z.device_size,
                    .flags = z.device_flags,
                    .kind = z.lacks & ZOO_KIND ? NULL : z.kind,
                    .count = z.device_lacks & 1u << 0 ? NULL : count,
                    .mem_info = z.device_lacks & 1u << 1 ? NULL : mem_info,
                    .alloc = z.device_lacks & 1u << 2 ? NULL : alloc,
                    .free = z.device_lacks & 1u << 3 ? NULL : give_back,
                    .copy = z.device_lacks & 1u << 4 ? NULL : copy,
                    .fill = z.device_lacks & 1u << 5 ? NULL : fill,
                    .stream_new = z.device_lacks & 1u << 6 ? NULL : make,
                    .stream_del = z.device_lacks & 1u << 7 ? NULL : drop,
                    .stream_sync = z.device_lacks & 1u << 8 ? NULL : sync_stream,
                    .event_record = z.device_lacks & 1u << 9 ? NULL : record,
                    .event_wait = z.device_lacks & 1u << 10 ? NULL : wait_event,
                    .event_done = z.device_lacks & 1u << 11 ? NULL : done,
                    .event_del = z.device_lacks & 1u << 12 ? NULL : drop};

    put(device_bytes, &d, sizeof d, z.device_tail);
}

const dnn_plugin *dnn_plugin_v1(void)
{
    static int calls;
    dnn_plugin p;

    for (size_t i = 0; i < sizeof z; i++) {
        ((unsigned char *)&z)[i] = ((volatile unsigned char *)&recipe)[i];
    }
    if (z.changes && calls++ % 2 == 1) {
        z.name[0] = 'Z'; /* another table than last time */
        z.priority = -5;
    }
    put_kernels();
    put_device();
    p = (dnn_plugin){.size = z.plugin_size,
                     .min_host_minor = z.min_host_minor,
                     .id = z.lacks & ZOO_ID ? NULL : z.id,
                     .version = z.lacks & ZOO_VERSION ? NULL : "1",
                     .init = z.lacks & ZOO_INIT ? NULL : init,
                     .kernels = z.lacks & ZOO_KERNEL_LIST ? NULL : kernels,
                     .device =
                         z.brings_device ? (const dnn_device *)(const void *)device_bytes : NULL};
    put(plugin_bytes, &p, sizeof p, z.plugin_tail);
    return (const dnn_plugin *)(const void *)plugin_bytes;
}
