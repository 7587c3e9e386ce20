/* pointer_map.h - a hash table from pointers to numbers, for lists of tensors that are searched for
 * each of their members. Private. */
#ifndef DNN__POINTER_MAP_H
#define DNN__POINTER_MAP_H
#include "base.h"

typedef struct dnn__pointer_map {
    struct dnn__pointer_slot *slot;
    size_t mask; /* slots - 1; a power of two less 1 */
} dnn__pointer_map;

/* Makes a map with room for n pointers. Free it with dnn__pointer_map_free, which accepts a zeroed
 * map. */
dnn_status dnn__pointer_map_new(const char *what, int64_t n, dnn__pointer_map *out);
/* Adds a pointer, not NULL, with a number >= 0. If the map has the pointer already it keeps and
 * returns the number that it has, else it returns -1. At most n pointers may be added. */
int64_t dnn__pointer_map_add(dnn__pointer_map *map, const void *key, int64_t number);
/* Returns the number of the pointer; -1: the map does not have it. */
int64_t dnn__pointer_map_find(const dnn__pointer_map *map, const void *key);
void dnn__pointer_map_free(dnn__pointer_map *map);

#endif
