/* allocator.c - the host memory of the library, through one table of functions that a program may
 * replace. It sets no message: the caller knows what the memory was for. */
#include "base.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64 };
static const size_t most = (size_t)1 << 47; /* user address space of x86-64 and AArch64 */

static void *system_alloc(void *ctx, size_t bytes, size_t align)
{
    size_t whole;

    (void)ctx;
    if (bytes > most || !dnn__size_add(bytes, align - 1, &whole)) {
        return NULL;
    }
    return aligned_alloc(align, whole & ~(align - 1));
}

static void system_free(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

/* The table changes only while nothing is allocated, so reading it needs no lock. */
static dnn_allocator table = {NULL, system_alloc, system_free};
static _Atomic int64_t live;

dnn_status dnn_set_allocator(const dnn_allocator *allocator)
{
    int64_t n = atomic_load_explicit(&live, memory_order_acquire);

    if (allocator && (!allocator->alloc || !allocator->free)) {
        return dnn__fail(DNN_E_INVALID, "dnn_set_allocator: %s is NULL",
                         allocator->alloc ? "free" : "alloc");
    }
    if (n != 0) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_set_allocator: %lld blocks are allocated; call it before the library "
                         "starts or after dnn_shutdown",
                         (long long)n);
    }
    table = allocator ? *allocator : (dnn_allocator){NULL, system_alloc, system_free};
    return DNN_OK;
}

void *dnn__alloc_aligned(size_t bytes, size_t align)
{
    void *memory = table.alloc(table.ctx, bytes ? bytes : 1, align < ALIGN ? ALIGN : align);

    if (DNN__LIKELY(memory != NULL)) {
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    }
    return memory;
}

void *dnn__alloc(size_t bytes)
{
    return dnn__alloc_aligned(bytes, ALIGN);
}

void *dnn__calloc(size_t count, size_t bytes)
{
    size_t total;
    void *memory;

    if (!dnn__size_mul(count, bytes, &total)) {
        return NULL;
    }
    memory = dnn__alloc(total);
    return memory ? memset(memory, 0, total) : NULL;
}

void dnn__free(void *memory)
{
    if (memory) {
        table.free(table.ctx, memory);
        atomic_fetch_sub_explicit(&live, 1, memory_order_release);
    }
}

/* ---- whole pages ---- */

/* Maps bytes + align and gives back what lies before and behind the aligned block. */
static void *map_pages(size_t bytes, size_t align)
{
    size_t whole, before;
    char *map;

    if (bytes > most || !dnn__size_add(bytes, align, &whole)) {
        return NULL;
    }
    map = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return NULL;
    }
    before = (align - (uintptr_t)map % align) % align;
    if (before > 0) {
        munmap(map, before);
    }
    munmap(map + before + bytes, align - before);
    return map + before;
}

void *dnn__alloc_pages(size_t bytes, size_t align)
{
    void *memory;

    if (table.alloc != system_alloc) {
        return dnn__alloc_aligned(bytes, align);
    }
    memory = map_pages(bytes, align);
    if (memory != NULL) {
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    }
    return memory;
}

void dnn__free_pages(void *memory, size_t bytes)
{
    if (table.alloc != system_alloc) {
        dnn__free(memory);
    } else if (memory != NULL) {
        munmap(memory, bytes);
        atomic_fetch_sub_explicit(&live, 1, memory_order_release);
    }
}

char *dnn__strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = dnn__alloc(bytes);

    return copy ? memcpy(copy, text, bytes) : NULL;
}

dnn_status dnn__reserve(void **array, int64_t *capacity, int64_t need, size_t element,
                        const char *what)
{
    int64_t room = *capacity > 8 ? *capacity : 8;
    size_t bytes;
    void *grown;

    if (need <= *capacity) {
        return DNN_OK;
    }
    while (room < need) {
        room = room > INT64_MAX / 2 ? need : room * 2;
    }
    if (!dnn__size_mul((size_t)room, element, &bytes)) {
        return dnn__nomem(what, SIZE_MAX);
    }
    grown = dnn__alloc(bytes);
    if (!grown) {
        return dnn__nomem(what, bytes);
    }
    if (*array) {
        memcpy(grown, *array, (size_t)*capacity * element);
        dnn__free(*array);
    }
    *array = grown;
    *capacity = room;
    return DNN_OK;
}
