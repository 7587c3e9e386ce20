/* freed.c - checked handles: remembers the addresses of the objects that were freed last and how,
 * and keeps their memory from being reused. A function that gets such an address says so instead of
 * reading another object. Off, it costs one load and a branch for each operand. Under
 * AddressSanitizer the memory is poisoned as well. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "freed.h"
#include "poison.h"

enum { KEPT = 65536, BUCKETS = 65536, NONE = -1 };

#ifdef NDEBUG
bool dnn__check_handles = false;
#else
bool dnn__check_handles = true;
#endif

struct freed {
    const void *address; /* NULL: the entry is free */
    size_t bytes;        /* of the memory that is kept; 0: it was returned */
    const char *kind;    /* "tensor" */
    const char *scope;   /* the scope that closed, or NULL: dnn_release freed the object */
    int32_t next;        /* in its bucket; the index of an entry, or NONE */
};

/* `lock` protects all of these. They are static, so that a freed address is still known after
 * dnn_shutdown has freed all memory. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct freed ring[KEPT];
static int32_t bucket[BUCKETS]; /* index + 1 of the first entry; 0: empty */
static int32_t oldest;
static pthread_once_t read_once = PTHREAD_ONCE_INIT;

static void read_environment(void)
{
    const char *value = secure_getenv("DNN_CHECK_HANDLES");

    if (value != NULL && *value != 0) {
        dnn__check_handles = strcmp(value, "0") != 0;
    }
}

/* Runs before main, so that no object is made unchecked. */
__attribute__((constructor)) static void start(void)
{
    dnn__check_handles_start();
}

void dnn__check_handles_start(void)
{
    pthread_once(&read_once, read_environment);
}

/* Fibonacci hashing: the golden ratio spreads addresses, which are multiples of 64. */
static uint32_t bucket_of(const void *address)
{
    return (uint32_t)(((uint64_t)(uintptr_t)address * 0x9E3779B97F4A7C15u) >> 48) % BUCKETS;
}

/* ---- the table; the lock is held ---- */

static int32_t find(const void *address)
{
    int32_t i = bucket[bucket_of(address)] - 1;

    while (i != NONE && ring[i].address != address) {
        i = ring[i].next;
    }
    return i;
}

static void remove_entry(int32_t i)
{
    int32_t *link = &bucket[bucket_of(ring[i].address)];

    if (*link - 1 == i) {
        *link = ring[i].next + 1;
    } else {
        int32_t before = *link - 1;

        while (ring[before].next != i) {
            before = ring[before].next;
        }
        ring[before].next = ring[i].next;
    }
    ring[i].address = NULL;
}

static void return_memory(int32_t i)
{
    if (ring[i].bytes != 0) {
        void *memory = (void *)(uintptr_t)ring[i].address;

        UNPOISON(memory, ring[i].bytes);
        dnn__slab_free(memory, ring[i].bytes);
        ring[i].bytes = 0;
    }
}

void dnn__freed_add(const void *object, size_t bytes, const char *kind)
{
    int32_t i, *first = &bucket[bucket_of(object)];

    pthread_mutex_lock(&lock);
    i = oldest;
    oldest = (oldest + 1) % KEPT;
    if (ring[i].address != NULL) {
        return_memory(i);
        remove_entry(i);
    }
    ring[i] = (struct freed){.address = object,
                             .bytes = bytes,
                             .kind = kind,
                             .scope = dnn__self.closing,
                             .next = *first - 1};
    *first = i + 1;
    POISON(object, bytes);
    pthread_mutex_unlock(&lock);
}

void dnn__freed_forget(const void *object)
{
    int32_t i;

    pthread_mutex_lock(&lock);
    i = find(object);
    if (i != NONE) {
        remove_entry(i);
    }
    pthread_mutex_unlock(&lock);
}

void dnn__freed_release(void)
{
    pthread_mutex_lock(&lock);
    for (int32_t i = 0; i < KEPT; i++) {
        if (ring[i].address != NULL) {
            return_memory(i);
        }
    }
    pthread_mutex_unlock(&lock);
}

dnn_status dnn__freed_fail(const char *function, const char *argument, const void *object)
{
    struct freed entry = {.address = NULL};
    const char *article;
    int32_t i;

    pthread_mutex_lock(&lock);
    i = object != NULL ? find(object) : NONE;
    if (i != NONE) {
        entry = ring[i];
    }
    pthread_mutex_unlock(&lock);
    if (entry.address == NULL) {
        return DNN_OK;
    }
    article = strchr("aeiou", *entry.kind) != NULL ? "an" : "a";
    if (entry.scope != NULL) {
        return dnn__fail(DNN_E_INVALID,
                         "%s: %s, %s %s, was freed when its scope closed (%s): dnn_keep or "
                         "dnn_retain it",
                         function, argument, article, entry.kind, entry.scope);
    }
    return dnn__fail(DNN_E_INVALID, "%s: %s, %s %s, was released and freed", function, argument,
                     article, entry.kind);
}
