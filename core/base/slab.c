/* slab.c - small objects of a few sizes: tensor handles, nodes, storages. Each thread has its own
 * free lists, so that the common case takes no lock. A thread moves its surplus to a depot that all
 * threads share. Chunks come from allocator.c and return to it only at shutdown. */
#include "base.h"
#include <pthread.h>
#include "poison.h"

enum {
    UNIT = 64,
    LARGEST = 4096,
    CLASSES = LARGEST / UNIT,
    CHUNK = 65536,
    KEEP_BYTES = 32768,
    KEEP_LEAST = 8
};

struct object { /* a free object */
    struct object *next;
};

struct cache { /* the free lists of one thread */
    struct object *head[CLASSES];
    uint32_t count[CLASSES];
    uint32_t generation;  /* 0: not registered yet. If it differs from the depot's, the lists are
                             invalid */
    _Atomic int64_t live; /* objects taken minus objects returned by this thread; only it writes */
    struct cache *prev, *next;
};

struct chunk {
    struct chunk *next;
};

/* The depot. `lock` protects all variables below but `generation`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object *depot[CLASSES];
static char *fresh[CLASSES]; /* the unused part of the newest chunk */
static size_t fresh_bytes[CLASSES];
static struct chunk *chunks;
static struct cache *caches;   /* of the registered threads */
static int64_t live_elsewhere; /* live objects of threads that ended or are not registered */
static _Atomic uint32_t generation = 1;
static pthread_key_t key;
static bool key_made;

static _Thread_local struct cache mine __attribute__((tls_model("initial-exec")));

static unsigned class_of(size_t bytes)
{
    return bytes ? (unsigned)((bytes - 1) / UNIT) : 0;
}

static size_t class_bytes(unsigned class)
{
    return ((size_t) class + 1) * UNIT;
}

/* How many free objects a thread keeps in its own list. */
static uint32_t class_limit(unsigned class)
{
    size_t n = KEEP_BYTES / class_bytes(class);

    return n > KEEP_LEAST ? (uint32_t)n : KEEP_LEAST;
}

FOLLOWS_LINKS static inline struct object *next_of(const struct object *object)
{
    return object->next;
}

FOLLOWS_LINKS static inline void link_to(struct object *object, struct object *next)
{
    object->next = next;
}

static inline void count_live(int64_t by)
{
    int64_t n = atomic_load_explicit(&mine.live, memory_order_relaxed);

    atomic_store_explicit(&mine.live, n + by, memory_order_relaxed);
}

/* ---- the depot; the lock is held ---- */

static bool new_chunk(unsigned class)
{
    struct chunk *chunk = dnn__alloc(CHUNK);

    if (!chunk) {
        return false;
    }
    chunk->next = chunks;
    chunks = chunk;
    fresh[class] = (char *)chunk + UNIT;
    fresh_bytes[class] = CHUNK - UNIT;
    POISON(fresh[class], fresh_bytes[class]);
    return true;
}

/* Returns NULL if there is no memory. */
static struct object *depot_take(unsigned class)
{
    struct object *object = depot[class];
    size_t bytes = class_bytes(class);

    if (object) {
        depot[class] = next_of(object);
        return object;
    }
    if (fresh_bytes[class] < bytes && !new_chunk(class)) {
        return NULL;
    }
    object = (struct object *)(void *)fresh[class];
    fresh[class] += bytes;
    fresh_bytes[class] -= bytes;
    return object;
}

static void depot_put(unsigned class, struct object *object)
{
    link_to(object, depot[class]);
    depot[class] = object;
}

/* Moves all but `keep` objects of a class from a thread's cache to the depot. */
static void spill(struct cache *cache, unsigned class, uint32_t keep)
{
    while (cache->count[class] > keep) {
        struct object *object = cache->head[class];

        cache->head[class] = next_of(object);
        cache->count[class]--;
        depot_put(class, object);
    }
}

static void reset_lists(struct cache *cache, uint32_t now)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        cache->head[class] = NULL;
        cache->count[class] = 0;
    }
    cache->generation = now;
}

/* ---- registration of threads ---- */

static void thread_ends(void *cache_)
{
    struct cache *cache = cache_;

    pthread_mutex_lock(&lock);
    if (cache->generation == atomic_load_explicit(&generation, memory_order_relaxed)) {
        for (unsigned class = 0; class < CLASSES; class ++) {
            spill(cache, class, 0);
        }
    }
    live_elsewhere += atomic_load_explicit(&cache->live, memory_order_relaxed);
    atomic_store_explicit(&cache->live, 0, memory_order_relaxed);
    if (cache->prev) {
        cache->prev->next = cache->next;
    } else {
        caches = cache->next;
    }
    if (cache->next) {
        cache->next->prev = cache->prev;
    }
    cache->prev = cache->next = NULL;
    /* A destructor that runs later may still free objects. The cache is then registered again, and
     * pthreads calls this function again. */
    reset_lists(cache, 0);
    pthread_mutex_unlock(&lock);
}

/* Registers this thread's cache and makes its lists valid; the lock is held. Returns false if the
 * thread's exit cannot be observed: the thread then uses the depot directly. */
static bool register_cache(void)
{
    uint32_t now = atomic_load_explicit(&generation, memory_order_relaxed);

    if (mine.generation == now) {
        return true;
    }
    if (mine.generation == 0) {
        if (!key_made && pthread_key_create(&key, thread_ends) != 0) {
            return false;
        }
        key_made = true;
        if (pthread_setspecific(key, &mine) != 0) {
            return false;
        }
        mine.prev = NULL;
        mine.next = caches;
        if (caches) {
            caches->prev = &mine;
        }
        caches = &mine;
    }
    reset_lists(&mine, now);
    return true;
}

/* ---- allocation and release ---- */

__attribute__((noinline)) static void *alloc_slow(unsigned class)
{
    struct object *object, *more;
    uint32_t want = class_limit(class) / 2;

    pthread_mutex_lock(&lock);
    if (!register_cache()) {
        object = depot_take(class);
        live_elsewhere += object ? 1 : 0;
        pthread_mutex_unlock(&lock);
        return object;
    }
    object = mine.head[class];
    if (object) {
        mine.head[class] = next_of(object);
        mine.count[class]--;
    } else {
        object = depot_take(class);
    }
    /* Refills the cache from existing objects, which is cheap. Only the first object may make a new
     * chunk. */
    while (object && mine.count[class] < want &&
           (depot[class] || fresh_bytes[class] >= class_bytes(class))) {
        more = depot_take(class);
        link_to(more, mine.head[class]);
        mine.head[class] = more;
        mine.count[class]++;
    }
    count_live(object ? 1 : 0);
    pthread_mutex_unlock(&lock);
    return object;
}

__attribute__((noinline)) static void free_slow(struct object *object, unsigned class)
{
    pthread_mutex_lock(&lock);
    if (!register_cache()) {
        depot_put(class, object);
        live_elsewhere--;
    } else {
        spill(&mine, class, class_limit(class) / 2);
        depot_put(class, object);
        count_live(-1);
    }
    pthread_mutex_unlock(&lock);
}

void *dnn__slab_alloc(size_t bytes)
{
    unsigned class = class_of(bytes);
    struct object *object;

    if (DNN__UNLIKELY(bytes > LARGEST)) {
        return dnn__alloc(bytes);
    }
    object = mine.head[class];
    if (DNN__LIKELY(object &&
                    mine.generation == atomic_load_explicit(&generation, memory_order_relaxed))) {
        mine.head[class] = next_of(object);
        mine.count[class]--;
        count_live(1);
    } else {
        object = alloc_slow(class);
    }
    if (DNN__LIKELY(object != NULL)) {
        UNPOISON(object, bytes);
    }
    return object;
}

void dnn__slab_free(void *memory, size_t bytes)
{
    unsigned class = class_of(bytes);
    struct object *object = memory;

    if (DNN__UNLIKELY(!object || bytes > LARGEST)) {
        dnn__free(memory);
        return;
    }
    POISON(memory, class_bytes(class));
    if (DNN__UNLIKELY(mine.count[class] >= class_limit(class) ||
                      mine.generation != atomic_load_explicit(&generation, memory_order_relaxed))) {
        free_slow(object, class);
        return;
    }
    link_to(object, mine.head[class]);
    mine.head[class] = object;
    mine.count[class]++;
    count_live(-1);
}

/* Counts the live objects of all threads; the lock is held. */
static int64_t count_all(void)
{
    int64_t n = live_elsewhere;

    for (struct cache *cache = caches; cache; cache = cache->next) {
        n += atomic_load_explicit(&cache->live, memory_order_relaxed);
    }
    return n;
}

void dnn__slab_shutdown(void)
{
    struct chunk *chunk;

    pthread_mutex_lock(&lock);
    if (count_all() == 0) {
        while ((chunk = chunks) != NULL) {
            chunks = chunk->next;
            UNPOISON(chunk, CHUNK);
            dnn__free(chunk);
        }
        for (unsigned class = 0; class < CLASSES; class ++) {
            depot[class] = NULL;
            fresh[class] = NULL;
            fresh_bytes[class] = 0;
        }
        /* Invalidates the lists of every thread. 0 is skipped: it marks a thread that is not
         * registered. */
        if (atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed) == UINT32_MAX) {
            atomic_store_explicit(&generation, 1, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&lock);
}
