/* slab.c - small objects of a few sizes: tensor handles, nodes, storages. Each thread has its own
 * free lists, so that the common case takes no lock. A thread moves its surplus to a depot that all
 * threads share. Chunks come from allocator.c and return to it only at shutdown. */
#include "base.h"
#include <pthread.h>
#include "poison.h"

enum {
    UNIT = DNN__SLAB_UNIT,
    LARGEST = DNN__SLAB_LARGEST,
    CLASSES = DNN__SLAB_CLASSES,
    CHUNK = 65536,
    KEEP_BYTES = 32768,
    KEEP_LEAST = 8
};

struct dnn__slab_object { /* a free object */
    struct dnn__slab_object *next;
};

struct chunk {
    struct chunk *next;
};

/* The depot. `lock` protects all variables below but `generation`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dnn__slab_object *depot[CLASSES];
static char *fresh[CLASSES]; /* the unused part of the newest chunk */
static size_t fresh_bytes[CLASSES];
static struct chunk *chunks;
static _Atomic uint32_t generation = 1;

/* The lists of this thread. Those of a thread without a block have generation 0 and stay empty. */
static inline dnn__slab_cache *own(void)
{
    return &dnn__self.block->slab;
}

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

FOLLOWS_LINKS static inline struct dnn__slab_object *next_of(const struct dnn__slab_object *object)
{
    return object->next;
}

FOLLOWS_LINKS static inline void link_to(struct dnn__slab_object *object,
                                         struct dnn__slab_object *next)
{
    object->next = next;
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
static struct dnn__slab_object *depot_take(unsigned class)
{
    struct dnn__slab_object *object = depot[class];
    size_t bytes = class_bytes(class);

    if (object) {
        depot[class] = next_of(object);
        return object;
    }
    if (fresh_bytes[class] < bytes && !new_chunk(class)) {
        return NULL;
    }
    object = (struct dnn__slab_object *)(void *)fresh[class];
    fresh[class] += bytes;
    fresh_bytes[class] -= bytes;
    return object;
}

static void depot_put(unsigned class, struct dnn__slab_object *object)
{
    link_to(object, depot[class]);
    depot[class] = object;
}

/* Moves all but `keep` objects of a class from a thread's cache to the depot. */
static void spill(dnn__slab_cache *cache, unsigned class, uint32_t keep)
{
    while (cache->count[class] > keep) {
        struct dnn__slab_object *object = cache->head[class];

        cache->head[class] = next_of(object);
        cache->count[class]--;
        depot_put(class, object);
    }
}

static void reset_lists(dnn__slab_cache *cache, uint32_t now)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        cache->head[class] = NULL;
        cache->count[class] = 0;
    }
    cache->generation = now;
}

/* ---- the lists of a thread ---- */

void dnn__slab_thread_ends(dnn__slab_cache *cache)
{
    pthread_mutex_lock(&lock);
    if (cache->generation == atomic_load_explicit(&generation, memory_order_relaxed)) {
        for (unsigned class = 0; class < CLASSES; class ++) {
            spill(cache, class, 0);
        }
    }
    pthread_mutex_unlock(&lock);
}

/* Returns this thread's lists and makes them valid; the lock is held. NULL if the thread has no
 * block: it then uses the depot directly. */
static dnn__slab_cache *valid(void)
{
    uint32_t now = atomic_load_explicit(&generation, memory_order_relaxed);
    dnn__slab_cache *mine = dnn__thread_own() != NULL ? own() : NULL;

    if (mine != NULL && mine->generation != now) {
        reset_lists(mine, now);
    }
    return mine;
}

/* ---- allocation and release ---- */

__attribute__((noinline)) static void *alloc_slow(unsigned class)
{
    struct dnn__slab_object *object, *more;
    uint32_t want = class_limit(class) / 2;
    dnn__slab_cache *mine;

    pthread_mutex_lock(&lock);
    mine = valid();
    if (mine == NULL) {
        object = depot_take(class);
        pthread_mutex_unlock(&lock);
        return object;
    }
    object = mine->head[class];
    if (object) {
        mine->head[class] = next_of(object);
        mine->count[class]--;
    } else {
        object = depot_take(class);
    }
    /* Refills the cache from existing objects, which is cheap. Only the first object may make a new
     * chunk. */
    while (object && mine->count[class] < want &&
           (depot[class] || fresh_bytes[class] >= class_bytes(class))) {
        more = depot_take(class);
        link_to(more, mine->head[class]);
        mine->head[class] = more;
        mine->count[class]++;
    }
    pthread_mutex_unlock(&lock);
    return object;
}

__attribute__((noinline)) static void free_slow(struct dnn__slab_object *object, unsigned class)
{
    dnn__slab_cache *mine;

    pthread_mutex_lock(&lock);
    mine = valid();
    if (mine == NULL) {
        depot_put(class, object);
    } else {
        spill(mine, class, class_limit(class) / 2);
        depot_put(class, object);
    }
    pthread_mutex_unlock(&lock);
}

void *dnn__slab_alloc(size_t bytes)
{
    unsigned class = class_of(bytes);
    dnn__slab_cache *mine = own();
    struct dnn__slab_object *object;

    if (DNN__UNLIKELY(bytes > LARGEST)) {
        return dnn__alloc(bytes);
    }
    object = mine->head[class];
    if (DNN__LIKELY(object &&
                    mine->generation == atomic_load_explicit(&generation, memory_order_relaxed))) {
        mine->head[class] = next_of(object);
        mine->count[class]--;
    } else {
        object = alloc_slow(class);
    }
    if (DNN__LIKELY(object != NULL)) {
        dnn__count_here(DNN__COUNT_SLAB, 1);
        UNPOISON(object, bytes);
    }
    return object;
}

void dnn__slab_free(void *memory, size_t bytes)
{
    unsigned class = class_of(bytes);
    dnn__slab_cache *mine = own();
    struct dnn__slab_object *object = memory;

    if (DNN__UNLIKELY(!object || bytes > LARGEST)) {
        dnn__free(memory);
        return;
    }
    dnn__count_here(DNN__COUNT_SLAB, -1);
    POISON(memory, class_bytes(class));
    if (DNN__UNLIKELY(mine->count[class] >= class_limit(class) ||
                      mine->generation !=
                          atomic_load_explicit(&generation, memory_order_relaxed))) {
        free_slow(object, class);
        return;
    }
    link_to(object, mine->head[class]);
    mine->head[class] = object;
    mine->count[class]++;
}

void dnn__slab_shutdown(void)
{
    struct chunk *chunk;

    pthread_mutex_lock(&lock);
    if (dnn__count_sum(DNN__COUNT_SLAB) == 0) {
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
        /* Invalidates the lists of every thread. 0 is skipped: the lists of a new thread have it.
         */
        if (atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed) == UINT32_MAX) {
            atomic_store_explicit(&generation, 1, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&lock);
}
