/* pointer_map.c - a hash table from pointers to numbers: open addressing, at most half full. */
#include "pointer_map.h"

struct dnn__pointer_slot {
    const void *key; /* NULL: free */
    int64_t number;
};

dnn_status dnn__pointer_map_new(const char *what, int64_t n, dnn__pointer_map *out)
{
    size_t slots = 16;

    while (slots / 2 < (size_t)n) {
        slots *= 2;
    }
    out->mask = slots - 1;
    out->slot = dnn__calloc(slots, sizeof *out->slot);
    return out->slot != NULL ? DNN_OK : dnn__nomem(what, slots * sizeof *out->slot);
}

/* Returns the slot of the key, or the free slot where it belongs. */
static struct dnn__pointer_slot *slot_of(const dnn__pointer_map *map, const void *key)
{
    /* Fibonacci hashing: 2^64 over the golden ratio. Objects are 64-byte aligned, so that the low
     * bits of their addresses are equal; those of the product's upper half are not. */
    size_t i = (size_t)(((uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);

    while (map->slot[i & map->mask].key != NULL && map->slot[i & map->mask].key != key) {
        i++;
    }
    return &map->slot[i & map->mask];
}

int64_t dnn__pointer_map_add(dnn__pointer_map *map, const void *key, int64_t number)
{
    struct dnn__pointer_slot *slot = slot_of(map, key);

    if (slot->key != NULL) {
        return slot->number;
    }
    *slot = (struct dnn__pointer_slot){.key = key, .number = number};
    return -1;
}

int64_t dnn__pointer_map_find(const dnn__pointer_map *map, const void *key)
{
    const struct dnn__pointer_slot *slot = slot_of(map, key);

    return slot->key != NULL ? slot->number : -1;
}

void dnn__pointer_map_free(dnn__pointer_map *map)
{
    dnn__free(map->slot);
    map->slot = NULL;
}
