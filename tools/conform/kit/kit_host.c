/* kit_host.c - the host table that the kit passes to the plugin under test: the library's own, but
 * it counts memory, discards the log, and has a pool whose order the checks set. */
#include "abi_struct.h"
#include "plugin_call.h"
#include "direct.h"
#include "plugin.h"
#include <stdatomic.h>

kit_counts kit_count;
static int scrambled;

static void *counted_alloc(size_t bytes, size_t align)
{
    void *memory;

    if (atomic_load(&kit_count.running) > 0)
        atomic_fetch_add(&kit_count.allocs_in_run, 1);
    memory = dnn__host.alloc(bytes, align);
    if (memory != NULL)
        atomic_fetch_add(&kit_count.live, 1);
    return memory;
}

static void counted_free(void *memory)
{
    if (memory != NULL)
        atomic_fetch_sub(&kit_count.live, 1);
    dnn__host.free(memory);
}

static void silent_log(int level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

static int threads(void)
{
    return scrambled > 0 ? scrambled : dnn__host.threads();
}

/* Divides as the ABI says, and runs the pieces in an order that no pool would choose. */
static void parallel_for(int64_t n, int64_t grain,
                         void (*fn)(void *arg, int64_t begin, int64_t end, int worker), void *arg)
{
    int64_t step = grain < 1 ? 1 : grain;

    if (scrambled == 0) {
        dnn__host.parallel_for(n, grain, fn, arg);
        return;
    }
    for (int64_t k = n > 0 ? (n - 1) / step : -1; k >= 0; k--) {
        int64_t begin = k * step;

        fn(arg, begin, n - begin < step ? n : begin + step, (int)(k * 7 % scrambled));
    }
}

static uint32_t layout(const char *text)
{
    atomic_fetch_add(&kit_count.layouts, 1);
    return dnn__host.layout(text);
}

dnn_host kit_host = {
    .size = sizeof(dnn_host),
    .log = silent_log,
    .alloc = counted_alloc,
    .free = counted_free,
    .threads = threads,
    .parallel_for = parallel_for,
    .layout = layout,
};

/* Functions that need no counting are the library's own. */
void kit_host_start(void)
{
    kit_host.abi_minor = dnn__host.abi_minor;
    kit_host.fail = dnn__host.fail;
    kit_host.layout_name = dnn__host.layout_name;
    kit_host.extension = dnn__host.extension;
}

const char *kit_said(void)
{
    return dnn__plugin_text()[0] != 0 ? dnn__plugin_text() : "no reason given";
}

void kit_said_forget(void)
{
    dnn__plugin_text_clear();
}

void kit_scramble(int n)
{
    scrambled = n;
}
