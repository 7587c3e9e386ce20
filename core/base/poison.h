/* poison.h - marks free objects that stay in a free list as inaccessible for AddressSanitizer,
 * which then reports a use after free although the memory was not returned. Private to slab.c,
 * freed.c and caching_allocator.c. */
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
/* A free object is poisoned, with the link inside it. Functions that follow the links are exempt.
 */
#define FOLLOWS_LINKS __attribute__((no_sanitize("address")))
#else
#define POISON(memory, bytes) ((void)(memory), (void)(bytes))
#define UNPOISON(memory, bytes) ((void)(memory), (void)(bytes))
#define FOLLOWS_LINKS
#endif

#endif
