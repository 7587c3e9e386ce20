/* plan_cache.c - the bounded cache of plans under the exact keys of calls (plan_key.c). It
 * evicts the least recently used plan. A plan lives as long as a call runs on it, also after it
 * left the cache. */
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "counters.h"
#include "plan_cache.h"
#include "plan_key.h"
#include "select.h"
#include "dispatch_state.h"

enum { N_BUCKETS = 2048, MAX_PLANS = 2048 };

static struct {
    pthread_mutex_t lock;
    dnn__plan *bucket[N_BUCKETS];
    dnn__plan *newest, *oldest;
    int64_t n;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void unlink_use(dnn__plan *plan)
{
    *(plan->newer != NULL ? &plan->newer->older : &cache.newest) = plan->older;
    *(plan->older != NULL ? &plan->older->newer : &cache.oldest) = plan->newer;
}

static void link_newest(dnn__plan *plan)
{
    plan->newer = NULL;
    plan->older = cache.newest;
    *(cache.newest != NULL ? &cache.newest->newer : &cache.oldest) = plan;
    cache.newest = plan;
}

/* Takes a plan out of the cache; the caller gets the cache's reference. */
static void take_out(dnn__plan *plan)
{
    dnn__plan **at = &cache.bucket[plan->hash % N_BUCKETS];

    while (*at != plan) {
        at = &(*at)->next;
    }
    *at = plan->next;
    unlink_use(plan);
    cache.n--;
}

static dnn__plan *look_up(uint64_t hash, const uint64_t *key, int64_t words)
{
    dnn__plan *plan = cache.bucket[hash % N_BUCKETS];

    while (plan != NULL && (plan->hash != hash || plan->key_words != words ||
                            memcmp(plan->key, key, (size_t)words * sizeof *key) != 0)) {
        plan = plan->next;
    }
    return plan;
}

/* Puts a new plan in. Returns the evicted plan, which the caller releases, or NULL. */
static dnn__plan *put_in(dnn__plan *plan)
{
    dnn__plan **bucket = &cache.bucket[plan->hash % N_BUCKETS], *old = NULL;

    if (cache.n >= MAX_PLANS) {
        old = cache.oldest;
        take_out(old);
    }
    plan->next = *bucket;
    *bucket = plan;
    link_newest(plan);
    cache.n++;
    atomic_fetch_add_explicit(&plan->refs, 1, memory_order_relaxed);
    return old;
}

static dnn_status make(dnn__frame *f, uint64_t hash, int64_t words, dnn__plan **out)
{
    int outer = dnn__self.call_threads;
    dnn__plan *plan;
    dnn_status status;

    atomic_fetch_add_explicit(&dnn__count.plan_misses, 1, memory_order_relaxed);
    dnn__self.call_threads = (int)(f->key[0] >> DNN__KEY_THREADS_AT);
    status = dnn__plan_make(f, &plan);
    dnn__self.call_threads = outer;
    DNN_TRY(status);
    plan->hash = hash;
    plan->key_words = words;
    memcpy(plan->key, f->key, (size_t)words * sizeof *f->key);
    *out = plan;
    return DNN_OK;
}

dnn_status dnn__plan_find(dnn__frame *f, dnn__plan **out)
{
    int64_t words = dnn__key_make(f);
    uint64_t hash = XXH3_64bits(f->key, (size_t)words * sizeof *f->key);
    dnn__plan *plan, *old;

    if (DNN__UNLIKELY(dnn__dispatch_self.explain != NULL || (dnn__dry_run > 0 && dnn_get_tune()))) {
        /* Not kept: dnn_explain shows how a plan is made, and a dry run cannot be timed. */
        return make(f, hash, words, out);
    }
    pthread_mutex_lock(&cache.lock);
    plan = look_up(hash, f->key, words);
    if (DNN__LIKELY(plan != NULL)) {
        if (plan != cache.newest) {
            unlink_use(plan);
            link_newest(plan);
        }
        atomic_fetch_add_explicit(&plan->refs, 1, memory_order_relaxed);
        pthread_mutex_unlock(&cache.lock);
        *out = plan;
        return DNN_OK;
    }
    pthread_mutex_unlock(&cache.lock);
    DNN_TRY(make(f, hash, words, &plan));
    if (dnn__dry_run > 0 && plan->on_host) { /* the nested call on the host reports the copies */
        *out = plan;
        return DNN_OK;
    }
    /* Another thread may have made the same plan meanwhile: both serve; the less recently used
     * one is evicted first. */
    pthread_mutex_lock(&cache.lock);
    old = put_in(plan);
    pthread_mutex_unlock(&cache.lock);
    dnn__plan_release(old);
    *out = plan;
    return DNN_OK;
}

static dnn__plan *take_first(const char *plugin_id)
{
    dnn__plan *plan;

    pthread_mutex_lock(&cache.lock);
    for (plan = cache.oldest; plan != NULL; plan = plan->newer) {
        if (plugin_id == NULL || plan->kernel == NULL ||
            strcmp(plan->kernel->plugin->id, plugin_id) == 0) {
            take_out(plan);
            break;
        }
    }
    pthread_mutex_unlock(&cache.lock);
    return plan;
}

void dnn__plans_drop(const char *plugin_id)
{
    dnn__plan *plan;

    while ((plan = take_first(plugin_id)) != NULL) {
        dnn__plan_release(plan);
    }
}
