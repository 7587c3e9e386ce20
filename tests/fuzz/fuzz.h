/* fuzz.h - what the fuzz targets share: a target is one function over bytes, called by libFuzzer
 * (preset fuzz) or by driver.c; the bytes are read through a cursor that gives zeros past the end,
 * so every input means something. */
#ifndef FUZZ_H
#define FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's names. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the calls so far came to, as a line; driver.c prints it at the end. */
void fuzz_summary(FILE *out);

/* A broken promise: says what, and ends the run as a crash, which keeps the input. */
#define FUZZ_CHECK(condition, ...)        \
    do {                                  \
        if (!(condition)) {               \
            fprintf(stderr, "fuzz: ");    \
            fprintf(stderr, __VA_ARGS__); \
            fprintf(stderr, "\n");        \
            abort();                      \
        }                                 \
    } while (0)

typedef struct fuzz_bytes {
    const uint8_t *at;
    size_t left;
} fuzz_bytes;

static inline uint8_t fuzz_byte(fuzz_bytes *b)
{
    if (b->left == 0) {
        return 0;
    }
    b->left--;
    return *b->at++;
}

/* 0 .. n-1, n <= 256. */
static inline unsigned fuzz_below(fuzz_bytes *b, unsigned n)
{
    return fuzz_byte(b) % n;
}

static inline bool fuzz_one_in(fuzz_bytes *b, unsigned n)
{
    return fuzz_below(b, n) == n - 1;
}

/* Numbers at which sizes, places and options go wrong; half of the time a small one. */
static inline int64_t fuzz_number(fuzz_bytes *b)
{
    static const int64_t odd[] = {0,
                                  1,
                                  2,
                                  3,
                                  7,
                                  -1,
                                  -2,
                                  8,
                                  64,
                                  INT32_MAX,
                                  (int64_t)INT32_MAX + 1,
                                  INT32_MIN,
                                  (int64_t)1 << 62,
                                  INT64_MAX,
                                  INT64_MIN,
                                  (int64_t)1 << 33};
    unsigned n = fuzz_byte(b);

    return n < 128 ? (int64_t)(n % 8) - 1 : odd[n % 16];
}

static inline double fuzz_real(fuzz_bytes *b)
{
    static const double odd[] = {0,
                                 1,
                                 -1,
                                 0.5,
                                 0.1,
                                 2,
                                 20,
                                 -0.0,
                                 1e300,
                                 -1e300,
                                 1e-310,
                                 1.0 / 3,
                                 __builtin_inf(),
                                 -__builtin_inf(),
                                 __builtin_nan(""),
                                 4294967296.0};

    return odd[fuzz_below(b, 16)];
}

#endif
