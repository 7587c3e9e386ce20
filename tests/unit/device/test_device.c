/* test_device.c - tests storages, the caching allocator, memory caps and transfers, on cpu and on
 * two devices that this file defines: `slow` does its work only when the host waits, as a device
 * with streams may; `plain` has no stream. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "plugin_call.h"
#include "runtime.h"
#include "memory.h"
#include "plugin.h"

/* ---- the devices made up ---- */

enum { QUEUE = 64 };
static struct {
    void *dst;
    const void *src;
    uint64_t bytes;
} queue[QUEUE];
static int queued, blocks, streams, events, late, most_blocks;

static dnn_status two(int32_t *n)
{
    *n = 2;
    return DNN_OK;
}

static dnn_status none(int32_t *n)
{
    *n = 0;
    return DNN_OK;
}

static dnn_status take(int32_t ord, uint64_t bytes, uint32_t mem, void **out)
{
    (void)ord;
    (void)mem;
    if (most_blocks && blocks >= most_blocks) {
        strcpy(dnn__thread_own()->plugin_text, "no more blocks");
        return DNN_E_NOMEM;
    }
    *out = aligned_alloc(256, (bytes + 255) / 256 * 256);
    blocks++;
    return DNN_OK;
}

static void give(int32_t ord, void *p, uint32_t mem)
{
    (void)ord;
    (void)mem;
    free(p);
    blocks--;
}

static dnn_status copy_now(int32_t ord, void *stream, void *dst, uint32_t dst_mem, const void *src,
                           uint32_t src_mem, uint64_t bytes)
{
    (void)ord;
    (void)stream;
    (void)dst_mem;
    (void)src_mem;
    memcpy(dst, src, bytes);
    return DNN_OK;
}

static void drain(void)
{
    for (int i = 0; i < queued; i++) {
        memcpy(queue[i].dst, queue[i].src, queue[i].bytes);
    }
    queued = 0;
}

static dnn_status copy_later(int32_t ord, void *stream, void *dst, uint32_t dst_mem,
                             const void *src, uint32_t src_mem, uint64_t bytes)
{
    (void)ord;
    cr_expect_not_null(stream);
    /* Only memory that stays may be copied from later. */
    cr_expect_neq(dst_mem, DNN_MEM_HOST);
    cr_expect_neq(src_mem, DNN_MEM_HOST);
    if (queued == QUEUE) {
        drain();
    }
    queue[queued].dst = dst;
    queue[queued].src = src;
    queue[queued++].bytes = bytes;
    return DNN_OK;
}

static dnn_status fill_now(int32_t ord, void *stream, void *dst, uint8_t byte, uint64_t bytes)
{
    (void)ord;
    (void)stream;
    memset(dst, byte, bytes);
    return DNN_OK;
}

static dnn_status stream_make(int32_t ord, void **stream)
{
    *stream = &queue[ord];
    streams++;
    return DNN_OK;
}

static void stream_drop(int32_t ord, void *stream)
{
    cr_expect_eq(stream, &queue[ord]);
    streams--;
}

static dnn_status stream_wait(int32_t ord, void *stream)
{
    (void)ord;
    (void)stream;
    drain();
    if (late) {
        strcpy(dnn__thread_own()->plugin_text, "illegal address");
        return DNN_E_DEVICE;
    }
    return DNN_OK;
}

static dnn_status event_note(int32_t ord, void *stream, void **event)
{
    (void)ord;
    (void)stream;
    if (!*event) {
        *event = malloc(1);
        events++;
    }
    return DNN_OK;
}

static dnn_status event_block(int32_t ord, void *stream, void *event)
{
    (void)ord;
    (void)stream;
    (void)event;
    return DNN_OK;
}

static dnn_status event_ask(int32_t ord, void *event, int32_t *done)
{
    (void)ord;
    (void)event;
    *done = queued == 0;
    return DNN_OK;
}

static void event_drop(int32_t ord, void *event)
{
    (void)ord;
    free(event);
    events--;
}

/* Ordinal 1 fails. A failure may set the text; a call must not see that of an earlier one. */
static dnn_status size_of_memory(int32_t ord, uint64_t *free_bytes, uint64_t *total)
{
    cr_expect_str_eq(dnn__plugin_text(), "");
    *free_bytes = 1000;
    *total = 4000;
    if (ord == 1) {
        strcpy(dnn__thread_own()->plugin_text, "no such device");
        return DNN_E_DEVICE;
    }
    return DNN_OK;
}

static const dnn_device slow = {
    .size = sizeof slow,
    .kind = "slow",
    .count = two,
    .mem_info = size_of_memory,
    .alloc = take,
    .free = give,
    .copy = copy_later,
    .fill = fill_now,
    .stream_new = stream_make,
    .stream_del = stream_drop,
    .stream_sync = stream_wait,
    .event_record = event_note,
    .event_wait = event_block,
    .event_done = event_ask,
    .event_del = event_drop,
};
static const dnn_device plain = {
    .size = sizeof plain,
    .kind = "plain",
    .count = two,
    .alloc = take,
    .free = give,
    .copy = copy_now,
    .fill = fill_now,
};
static const dnn_device absent = {
    .size = sizeof absent,
    .kind = "absent",
    .count = none,
    .alloc = take,
    .free = give,
    .copy = copy_now,
    .fill = fill_now,
};

static void setup(void)
{
    int32_t kind, count;

#ifdef DNN_TEST_PLUGIN_DIR
    setenv("DNN_PLUGIN_PATH", DNN_TEST_PLUGIN_DIR, 0);
#endif
    cr_assert_eq(dnn__start(), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn__device_add_kind(&slow, &kind, &count), DNN_OK);
    cr_assert_eq(count, 2);
    cr_assert_eq(dnn__device_add_kind(&slow, &kind, &count), DNN_E_INVALID);
    cr_assert_eq(dnn__device_add_kind(&plain, &kind, &count), DNN_OK);
    cr_assert_eq(dnn__device_add_kind(&absent, &kind, &count), DNN_OK);
    cr_assert_eq(count, 0);
}

static void teardown(void)
{
    dnn__device_shutdown();
    cr_expect_eq(blocks, 0, "%d blocks", blocks);
    cr_expect_eq(streams, 0, "%d streams", streams);
    cr_expect_eq(events, 0, "%d events", events);
    cr_expect_eq(dnn_live_bytes(NULL), 0);
}

TestSuite(device, .init = setup, .fini = teardown);

static dnn__device *named(const char *name)
{
    dnn__device *device = NULL;

    cr_assert_eq(dnn__device_for(name, &device), DNN_OK, "%s", dnn_error_message());
    return device;
}

static dnn__storage *make(dnn__device *device, uint64_t bytes)
{
    dnn__storage *s = NULL;

    cr_assert_eq(dnn__storage_new(device, bytes, "test", &s), DNN_OK, "%s", dnn_error_message());
    return s;
}

/* ---- tests ---- */

Test(device, names)
{
    dnn__device *device;

    cr_expect_eq(named("cpu"), dnn__cpu());
    cr_expect_str_eq(dnn__dev(named("slow"))->name, "slow:0");
    cr_expect_str_eq(dnn__dev(named("slow:1"))->name, "slow:1");
    cr_expect_eq(dnn__device_for("slow:2", &device), DNN_E_DEVICE);
    cr_expect(strstr(dnn_error_message(), "cpu, slow:0, slow:1") != NULL, "%s",
              dnn_error_message());
    cr_expect_eq(dnn__device_for("absent", &device), DNN_E_DEVICE);
    cr_expect_eq(dnn__kind_named("nothing"), -1);
    cr_expect_str_eq(dnn_default_device(), "cpu");
    dnn__device_set_default(dnn__kind_named("absent"));
    cr_expect_str_eq(dnn_default_device(), "cpu");
    dnn__device_set_default(dnn__kind_named("plain"));
    cr_expect_str_eq(dnn_default_device(), "plain:0");
    cr_expect_eq(dnn_synchronize(NULL), DNN_OK);
    cr_expect_eq(dnn_synchronize("slow:7"), DNN_E_DEVICE);
}

Test(device, the_size_of_memory_is_asked_without_an_old_text)
{
    strcpy(dnn__thread_own()->plugin_text, "an earlier failure");
    cr_expect_eq(dnn__device_total_bytes(named("slow:0")), 4000);
    cr_expect_eq(dnn__device_total_bytes(named("slow:1")), 0);
    strcpy(dnn__thread_own()->plugin_text, "an earlier failure");
    cr_expect_eq(dnn__device_total_bytes(named("slow:1")), 0);
    cr_expect_eq(dnn__device_total_bytes(named("cpu")), 0);
}

Test(device, blocks_fit_and_are_used_again)
{
    dnn_memory before, after;

    for (uint64_t bytes = 1; bytes < UINT64_C(1) << 24; bytes += bytes / 3 + 1) {
        dnn__storage *s = make(dnn__cpu(), bytes), *t;
        void *data = s->data;

        cr_assert_eq(s->bytes, bytes);
        cr_assert_geq(s->capacity, bytes);
        cr_assert(s->capacity - bytes < 64 || (s->capacity - bytes) * 8 <= bytes, "%llu in %llu",
                  (unsigned long long)bytes, (unsigned long long)s->capacity);
        cr_assert_eq((uintptr_t)data % (bytes >= 256 ? 256 : 64), 0);
        memset(data, 1, bytes);
        dnn__storage_release(s);
        t = make(dnn__cpu(), bytes);
        cr_assert_eq(t->data, data);
        dnn__storage_release(t);
    }
    cr_assert_eq(dnn_get_memory(NULL, &before), DNN_OK);
    cr_expect_eq(before.live_bytes, 0);
    cr_expect_gt(before.cached_bytes, 0);
    cr_expect_gt(before.system_requests, 0);
    cr_expect_leq(before.system_requests, before.requests / 2);
    cr_expect_eq(dnn_empty_cache("cpu"), DNN_OK);
    cr_assert_eq(dnn_get_memory("cpu", &after), DNN_OK);
    cr_expect_eq(after.cached_bytes, 0);
    cr_expect_eq(dnn_get_memory("cpu", NULL), DNN_E_INVALID);
}

static void released(void *count)
{
    ++*(int *)count;
}

Test(device, bare_storages)
{
    dnn__storage *empty = make(dnn__cpu(), 0), *b = NULL;
    int count = 0;
    char buffer[8] = "1234567";

    cr_expect_null(empty->data);
    dnn__storage_release(empty);
    dnn__storage_release(NULL);
    cr_assert_eq(dnn__storage_borrow(buffer, 8, released, &count, &b), DNN_OK);
    cr_expect_eq(b->data, buffer);
    cr_expect_eq(dnn_live_bytes("cpu"), 0);
    dnn__storage_retain(b);
    dnn__storage_release(b);
    cr_expect_eq(count, 0);
    dnn__storage_release(b);
    cr_expect_eq(count, 1);
    cr_expect_str_eq(buffer, "1234567");
}

Test(device, cap)
{
    dnn__storage *a, *b = NULL;
    dnn_memory stats;
    int64_t peak;

    cr_assert_eq(dnn_set_memory_cap(NULL, 10000), DNN_OK);
    cr_assert_eq(dnn_set_memory_cap(NULL, -1), DNN_E_INVALID);
    a = make(dnn__cpu(), 1024);
    dnn__storage_release(make(dnn__cpu(), 8192));
    cr_expect_eq(dnn__storage_new(dnn__cpu(), 16384, "add", &b), DNN_E_NOMEM);
    cr_expect_str_eq(
        dnn_error_message(),
        "add: 16,384 bytes on cpu: out of memory (1,024 live, 8,192 cached, cap 10,000)");
    /* The cached block goes to make room for one of another class. */
    b = make(dnn__cpu(), 4096);
    cr_assert_eq(dnn_get_memory(NULL, &stats), DNN_OK);
    cr_expect_eq(stats.live_bytes, 5120);
    cr_expect_eq(stats.cached_bytes, 0);
    cr_expect_eq(stats.cap_bytes, 10000);
    dnn__storage_release(b);
    cr_assert_eq(dnn_set_memory_cap(NULL, 0), DNN_OK);
    cr_assert_eq(dnn_get_memory(NULL, &stats), DNN_OK);
    cr_expect_eq(dnn__storage_new(dnn__cpu(), UINT64_MAX, "add", &b), DNN_E_NOMEM);
    cr_expect_eq(dnn__storage_new(dnn__cpu(), UINT64_C(1) << 61, "add", &b), DNN_E_NOMEM);
    /* What failed does not count. */
    peak = stats.peak_bytes;
    cr_assert_eq(dnn_get_memory(NULL, &stats), DNN_OK);
    cr_expect_eq(stats.peak_bytes, peak);
    cr_expect_eq(stats.live_bytes, 1024);
    dnn__storage_release(a);
}

Test(device, full_device_flushes_and_tries_again)
{
    dnn__device *device = named("slow");
    dnn__storage *s;

    most_blocks = 2;
    dnn__storage_release(make(device, 1000));
    dnn__storage_release(make(device, 5000));
    s = make(device, 20000);
    cr_expect_eq(dnn_live_bytes("slow"), (int64_t)s->capacity);
    dnn__storage_release(s);
    s = make(device, 100);
    most_blocks = 1;
    dnn__storage *t = NULL;
    cr_expect_eq(dnn__storage_new(device, 9999, "conv2d", &t), DNN_E_NOMEM);
    cr_expect(strstr(dnn_error_message(),
                     "conv2d: 9,999 bytes on slow:0: out of memory (512 live") != NULL,
              "%s", dnn_error_message());
    cr_expect(strstr(dnn_error_message(), "no more blocks") != NULL, "%s", dnn_error_message());
    dnn__storage_release(s);
    most_blocks = 0;
}

static void round_trip(dnn__device *device, dnn__device *other, uint64_t bytes)
{
    unsigned char *in = malloc(bytes), *out = calloc(1, bytes);
    dnn__storage *a = make(device, bytes), *b = make(other, bytes);

    for (uint64_t i = 0; i < bytes; i++) {
        in[i] = (unsigned char)(i * 31 >> 3);
    }
    cr_assert_eq(dnn__storage_write(a, 0, in, bytes), DNN_OK);
    unsigned char first = in[0];
    memset(in, 0, 1); /* the write has taken its bytes */
    in[0] = 99;
    cr_assert_eq(dnn__storage_copy(b, 0, a, 0, bytes), DNN_OK);
    cr_assert_eq(dnn__storage_read(b, 0, out, bytes), DNN_OK);
    in[0] = first;
    cr_assert_eq(memcmp(in, out, bytes), 0);
    cr_assert_eq(dnn__storage_write(a, bytes - 1, "x", 1), DNN_OK);
    cr_assert_eq(dnn__storage_read(a, bytes - 1, out, 1), DNN_OK);
    cr_assert_eq(out[0], 'x');
    cr_assert_eq(dnn__storage_read(a, 1, out, bytes), DNN_E_INTERNAL);
    cr_assert_eq(dnn__storage_write(a, bytes, NULL, 0), DNN_OK);
    dnn__storage_release(a);
    dnn__storage_release(b);
    free(in);
    free(out);
}

Test(device, bytes_arrive, .timeout = 60)
{
    dnn__device *all[] = {dnn__cpu(), named("slow"), named("slow:1"), named("plain")};

    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            round_trip(all[i], all[j], 1);
            round_trip(all[i], all[j], 100000);
            round_trip(all[i], all[j], (UINT64_C(9) << 20) + 5);
        }
    }
}

Test(device, workspaces_are_aligned)
{
    dnn__storage *w = NULL;

    cr_assert_eq(dnn__workspace(dnn__cpu(), 3, "conv2d", &w), DNN_OK);
    cr_expect_eq((uintptr_t)w->data % 256, 0);
    dnn__storage_release(w);
}

Test(device, late_errors_stick)
{
    dnn__device *device = named("slow");
    dnn__storage *s = make(device, 64);
    char byte;

    cr_expect_eq(dnn__device_enqueued(device, "conv2d"), DNN_OK);
    cr_expect_eq(dnn__device_enqueued(device, "relu"), DNN_OK);
    late = 1;
    cr_expect_eq(dnn__device_sync(device), DNN_E_DEVICE);
    cr_expect(strstr(dnn_error_message(), "slow:0: ") != NULL, "%s", dnn_error_message());
    cr_expect(strstr(dnn_error_message(), "illegal address; enqueued last: relu, conv2d") != NULL,
              "%s", dnn_error_message());
    late = 0;
    cr_expect_eq(dnn__storage_read(s, 0, &byte, 1), DNN_E_DEVICE);
    cr_expect_eq(dnn_synchronize("slow:0"), DNN_E_DEVICE);
    cr_expect_eq(dnn_synchronize("slow:1"), DNN_OK);
    dnn__storage_release(s);
}

Test(device, storages_may_outlive_the_device)
{
    dnn__storage *s = make(named("plain"), 64), *c = make(dnn__cpu(), 64),
                 *e = make(named("slow:1"), 0);
    void *data = s->data;

    dnn__device_shutdown();
    dnn__storage_release(c);
    dnn__storage_release(s);
    dnn__storage_release(e);
    give(0, data, DNN_MEM_DEVICE); /* went with the plugin */
}

Test(device, versions)
{
    dnn__version *v = dnn__version_new();

    cr_assert_not_null(v);
    cr_expect_eq(v->count, 0);
    dnn__version_release(v);
    dnn__version_release(NULL);
}
