/* poison.h - memory that waits to be used again is closed to AddressSanitizer, so that a use after
 * freeing is found although nothing was given back. Private to slab.c and caching_allocator.c. */
#ifndef DNN__POISON_H
#define DNN__POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(memory, bytes) ASAN_POISON_MEMORY_REGION(memory, bytes)
#define UNPOISON(memory, bytes) ASAN_UNPOISON_MEMORY_REGION(memory, bytes)
/* Free objects are poisoned, their links inside included: the functions that follow links must be
 * let through. */
#define FOLLOWS_LINKS __attribute__((no_sanitize("address")))
#else
#define POISON(memory, bytes) ((void)(memory), (void)(bytes))
#define UNPOISON(memory, bytes) ((void)(memory), (void)(bytes))
#define FOLLOWS_LINKS
#endif

#endif
