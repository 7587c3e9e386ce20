/* profile.c - DNN_PROFILE: counts for each kernel its calls, their time, and the operands that
 * were copied or reordered for it; dnn_shutdown logs the table. The time includes copies and
 * reorders; a nested call, such as a reorder, also has its own line. dispatch.c calls it around
 * a call. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "counters.h"
#include "plugin_impl.h"
#include "profile.h"

atomic_bool dnn__profiling;

dnn_status dnn__profile_start(void)
{
    const char *text = secure_getenv("DNN_PROFILE");

    if (text != NULL && *text != 0 && strcmp(text, "0") != 0 && strcmp(text, "1") != 0) {
        return dnn__fail(DNN_E_DEVICE, "DNN_PROFILE=%.64s: not one of 0, 1", text);
    }
    atomic_store(&dnn__profiling, text != NULL && strcmp(text, "1") == 0);
    return DNN_OK;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* On an asynchronous device the time of a call includes the wait for it. The device reports its
 * late error as usual. */
static void wait_for(dnn__device *device)
{
    if (dnn__dev(device)->stream != NULL) {
        dnn__message message = dnn__message_save();

        if (dnn__device_sync(device) != DNN_OK) {
            dnn__message_restore(&message);
        }
    }
}

void dnn__profile_begin(dnn__device *device, int64_t *ns)
{
    wait_for(device);
    *ns = now_ns();
}

static void add(_Atomic int64_t *to, int64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void dnn__profile_end(const dnn__frame *f, const dnn__plan *plan, int64_t begin)
{
    dnn__tally *t;

    wait_for(f->device);
    t = &plan->kernel->tally;
    add(&t->ns, now_ns() - begin);
    add(&t->calls, 1);
    for (int i = 0; i < f->n_in && plan->detours; i++) {
        uint32_t how = plan->operand[i].how;

        if (how == DNN__PACKED || how == DNN__REORDERED) {
            add(how == DNN__PACKED ? &t->copies : &t->reorders, 1);
            add(&t->bytes, (int64_t)f->view[i].nbytes);
        }
    }
}

/* ---- the table ---- */

static int by_time(const void *pa, const void *pb)
{
    const dnn__kernel *a = *(dnn__kernel *const *)pa, *b = *(dnn__kernel *const *)pb;
    int64_t x = atomic_load(&a->tally.ns), y = atomic_load(&b->tally.ns);

    return x != y ? (x < y ? 1 : -1) : strcmp(a->table.name, b->table.name);
}

static void put_detours(dnn__text *text, const dnn__tally *t)
{
    int64_t copies = atomic_load(&t->copies), reorders = atomic_load(&t->reorders);

    if (copies > 0) {
        dnn__put(text, "; %s copies", dnn__number_text(copies));
    }
    if (reorders > 0) {
        dnn__put(text, "; %s reorders", dnn__number_text(reorders));
    }
    if (copies + reorders > 0) {
        dnn__put(text, "; %s bytes", dnn__number_text(atomic_load(&t->bytes)));
    }
}

static void tell(const dnn__kernel *k, int64_t all_ns)
{
    int64_t ns = atomic_load(&k->tally.ns), calls = atomic_load(&k->tally.calls);
    double share = 100.0 * (double)ns / (double)(all_ns > 0 ? all_ns : 1);
    char times[80], detours[120];
    dnn__text text = dnn__text_to(detours, sizeof detours),
              numbers = dnn__text_to(times, sizeof times);

    put_detours(&text, &k->tally);
    dnn__put(&numbers, "%10.3f ms %5.1f %% %8lld calls %9.1f us each", (double)ns / 1e6, share,
             (long long)calls, (double)ns / 1e3 / (double)calls);
    dnn__log(DNN_LOG_WARN, "libdnn: %s  %s: %s of %s%s", times, k->op->name, k->table.name,
             k->plugin->id, detours);
}

void dnn__profile_tell(void)
{
    int64_t n, all_ns = 0, used = 0;
    dnn__kernel *const *all = dnn__all_kernels(&n);
    dnn__kernel **sorted;

    if (!dnn__profiles() || n == 0) {
        return;
    }
    sorted = dnn__alloc((size_t)n * sizeof(dnn__kernel *));
    for (int64_t i = 0; i < n && sorted != NULL; i++) {
        if (atomic_load(&all[i]->tally.calls) > 0) {
            sorted[used++] = all[i];
            all_ns += atomic_load(&all[i]->tally.ns);
        }
    }
    if (used > 0) {
        qsort(sorted, (size_t)used, sizeof(dnn__kernel *), by_time);
        dnn__log(DNN_LOG_WARN, "libdnn: time by kernel, and operands copied or reordered for it");
    }
    for (int64_t i = 0; i < used; i++) {
        tell(sorted[i], all_ns);
    }
    dnn__free(sorted);
}
