/* rng.c - permutations, from random keys. The numbers of operators come from kernels: generator.c
 * says from where they begin. */
#include "base.h"
#include <Random123/philox.h>

struct pair {
    uint64_t key;
    int64_t index;
};

static philox4x32_ctr_t block_of(dnn__rng rng, uint64_t i)
{
    philox4x32_key_t key = {{(uint32_t)rng.seed, (uint32_t)(rng.seed >> 32)}};
    uint64_t block = rng.offset + i;
    philox4x32_ctr_t counter = {{(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng.stream,
                                 (uint32_t)(rng.stream >> 32)}};

    return philox4x32_R(10, counter, key);
}

/* Of words 2i (the upper half) and 2i+1 of 32 bits, as the keys of a permutation. */
uint64_t dnn__random_word(dnn__rng rng, uint64_t i)
{
    philox4x32_ctr_t word = block_of(rng, i / 2);
    int first = i % 2 == 0 ? 0 : 2;

    return (uint64_t)word.v[first] << 32 | word.v[first + 1];
}

/* Key i is made of words 2i (the upper half) and 2i+1 of the stream. */
static void draw_keys(dnn__rng rng, int64_t n, struct pair *pair)
{
    for (int64_t i = 0; i < n; i += 2) {
        philox4x32_ctr_t word = block_of(rng, (uint64_t)i / 2);

        pair[i] = (struct pair){(uint64_t)word.v[0] << 32 | word.v[1], i};
        if (i + 1 < n) {
            pair[i + 1] = (struct pair){(uint64_t)word.v[2] << 32 | word.v[3], i + 1};
        }
    }
}

/* A stable counting sort by one byte of the key. */
static void sort_byte(const struct pair *from, struct pair *to, int64_t n, int shift)
{
    int64_t place[256] = {0}, sum = 0, count;

    for (int64_t i = 0; i < n; i++) {
        place[from[i].key >> shift & 255]++;
    }
    for (int digit = 0; digit < 256; digit++) {
        count = place[digit];
        place[digit] = sum;
        sum += count;
    }
    for (int64_t i = 0; i < n; i++) {
        to[place[from[i].key >> shift & 255]++] = from[i];
    }
}

dnn_status dnn__permutation(uint64_t seed, uint64_t stream, uint64_t offset, int64_t n,
                            int64_t *out)
{
    struct pair *pair, *other, *swap;
    size_t bytes;
    void *memory;

    if (n <= 0) {
        return DNN_OK;
    }
    if (!dnn__size_mul((size_t)n, 2 * sizeof *pair, &bytes)) {
        return dnn__nomem("permutation", SIZE_MAX);
    }
    memory = dnn__alloc(bytes);
    if (!memory) {
        return dnn__nomem("permutation", bytes);
    }
    pair = memory;
    other = pair + n;
    draw_keys((dnn__rng){seed, stream, offset}, n, pair);
    for (int shift = 0; shift < 64; shift += 8) {
        sort_byte(pair, other, n, shift);
        swap = pair;
        pair = other;
        other = swap;
    }
    for (int64_t i = 0; i < n; i++) {
        out[i] = pair[i].index;
    }
    dnn__free(memory);
    return DNN_OK;
}
