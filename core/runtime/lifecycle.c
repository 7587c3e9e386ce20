/* lifecycle.c - starts and stops the library: dnn_init, dnn_shutdown, and the choice of the default
 * device. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "nan_check.h"
#include "plugin_impl.h"
#include "preferences.h"
#include "profile.h"
#include "autotune.h"
#include "dispatch.h"
#include "plan_cache.h"
#include "freed.h"
#include "runtime.h"
#include "counters.h"

atomic_bool dnn__running;

/* Error-checking: a plugin's init or a log callback that calls the library while this thread starts
 * it gets an error instead of a deadlock. */
static pthread_mutex_t start_lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

/* ---- the default device ---- */

static int32_t best_priority(const dnn__plugin *p)
{
    int32_t best = INT32_MIN;

    for (int i = 0; p->table.kernels != NULL && p->table.kernels[i] != NULL; i++) {
        best = p->table.kernels[i]->priority > best ? p->table.kernels[i]->priority : best;
    }
    return best;
}

/* Returns whether a comes before b: by its position in DNN_BACKEND, then by the highest kernel
 * priority, then by id. */
static bool comes_before(const dnn__plugin *a, const dnn__plugin *b)
{
    int32_t pa = best_priority(a), pb = best_priority(b);

    if (a->position != b->position) {
        return a->position < b->position;
    }
    return pa != pb ? pa > pb : strcmp(a->id, b->id) < 0;
}

static void select_device(void)
{
    const dnn__plugin *first = NULL;

    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        const dnn__plugin *p = dnn__plugins[i];

        if (p->kind > 0 && p->n_ordinals > 0 && (first == NULL || comes_before(p, first))) {
            first = p;
        }
    }
    dnn__device_set_default(first != NULL ? first->kind : 0);
}

/* ---- start and stop ---- */

static dnn_status load_plugins(void)
{
    DNN_TRY(dnn__search_begin());
    DNN_TRY(dnn__plugins_load());
    DNN_TRY(dnn__preferences_start());
    DNN_TRY(dnn__candidates_build());
    select_device();
    return DNN_OK;
}

static void stop(bool keep_inventory)
{
    dnn__autotune_stop();
    dnn__plans_drop(NULL);
    dnn__device_shutdown();
    dnn__candidates_drop();
    dnn__preferences_stop();
    dnn__plugins_drop();
    dnn__readers_drop();
    dnn__inventory_unload();
    if (!keep_inventory) {
        dnn__inventory_forget();
        dnn__search_forget();
    }
    dnn__layout_names_drop();
    dnn__pool_stop();
}

static dnn_status start(const char *backend)
{
    dnn_status status;

    if (dnn__search_begun()) {
        stop(false); /* drop the inventory of a failed start */
    }
    DNN_TRY(dnn__search_for(backend != NULL ? backend : secure_getenv("DNN_BACKEND")));
    dnn__environment_check();
    DNN_TRY(dnn__memory_cap_start());
    DNN_TRY(dnn__nan_check_start());
    DNN_TRY(dnn__profile_start());
    DNN_TRY(dnn__pool_start());
    dnn__dispatch_open();
    DNN_TRY(dnn__plugin_enter_or_fail("the start of libdnn"));
    status = load_plugins();
    dnn__plugin_leave();
    return status;
}

/* The library runs with the plugins of another list. Only a start changes them. */
static dnn_status check_same_list(const char *backend)
{
    const char *used = dnn__backend_list();

    if (backend == NULL || *backend == 0 || (used != NULL && strcmp(backend, used) == 0)) {
        return DNN_OK;
    }
    return dnn__fail(DNN_E_INVALID,
                     "dnn_init: \"%.64s\": the library runs with %s%.64s%s; call dnn_init before "
                     "anything else, or after dnn_shutdown",
                     backend, used != NULL ? "\"" : "", used != NULL ? used : "all plugins",
                     used != NULL ? "\"" : "");
}

dnn_status dnn__start_slow(const char *backend)
{
    dnn_status status = DNN_OK;

    if (atomic_load(&dnn__forked)) {
        return dnn__fail(DNN_E_INVALID,
                         "this process was forked from one that uses libdnn; exec first");
    }
    DNN_TRY(dnn__thread_register());
    if (pthread_mutex_lock(&start_lock) != 0) {
        return dnn__fail(DNN_E_INVALID, "libdnn was called from a plugin's init or fini, or from a "
                                        "log callback, while it starts or stops");
    }
    if (!atomic_load(&dnn__running)) {
        status = start(backend);
        if (status != DNN_OK) {
            dnn__message message = dnn__message_save();

            stop(status != DNN_E_NOMEM);
            dnn__message_restore(&message);
        } else {
            atomic_store_explicit(&dnn__running, true, memory_order_release);
        }
    } else {
        status = check_same_list(backend);
    }
    pthread_mutex_unlock(&start_lock);
    return status;
}

dnn_status dnn_init(const char *backend)
{
    bool runs =
        atomic_load_explicit(&dnn__running, memory_order_acquire) && !atomic_load(&dnn__forked);

    DNN_TRY(dnn__take());
    return runs ? check_same_list(backend) : dnn__start_slow(backend);
}

static void log_counts(void)
{
    dnn_counters c;

    dnn_get_counters(&c);
    if (c.fallback_calls > 0) {
        dnn__log(DNN_LOG_WARN,
                 "libdnn: %s calls were computed on the host for another device, %s bytes were "
                 "copied for them",
                 dnn__number_text(c.fallback_calls), dnn__number_text(c.fallback_bytes));
    }
    if (dnn_live_tensors() > 0) {
        dnn__log(DNN_LOG_INFO, "libdnn: %s tensors are still alive",
                 dnn__number_text(dnn_live_tensors()));
    }
}

void dnn_shutdown(void)
{
    if (dnn__plugin_self.kernel != NULL) {
        return; /* called from a kernel, whose plugin must stay loaded */
    }
    if (atomic_load(&dnn__forked)) {
        return; /* devices, threads and locks belong to the parent process */
    }
    dnn__close_root();
    dnn__tell_untaken();
    if (pthread_mutex_lock(&start_lock) != 0) {
        return; /* called from a plugin's init or fini */
    }
    if (atomic_load(&dnn__running)) {
        dnn__profile_tell();
        log_counts();
    }
    atomic_store(&dnn__running, false);
    stop(false);
    memset(&dnn__count, 0, sizeof dnn__count);
    dnn__count_clear(DNN__COUNT_CALLS);
    dnn__freed_release();
    dnn__slab_shutdown();
    pthread_mutex_unlock(&start_lock);
}
