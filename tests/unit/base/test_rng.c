/* test_rng.c - tests what the default generator reserves, and permutations. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "base.h"

Test(rng, takes_whole_blocks)
{
    dnn__rng a, b, c;

    dnn_manual_seed(42);
    cr_expect_eq(dnn_get_seed(), 42);
    a = dnn__rng_take(5);
    b = dnn__rng_take(4);
    c = dnn__rng_take(0);
    cr_expect_eq(a.seed, 42);
    cr_expect_eq(a.stream, DNN__RNG_DEFAULT);
    cr_expect_eq(a.offset, 0);
    cr_expect_eq(b.offset, 2);
    cr_expect_eq(c.offset, 3);
    dnn_manual_seed(42);
    cr_expect_eq(dnn__rng_take(1).offset, 0);
}

static void expect_permutation(int64_t n)
{
    int64_t *p = malloc(sizeof *p * (size_t)n);
    bool *seen = calloc((size_t)n, sizeof *seen);

    cr_assert_eq(dnn__permutation(7, DNN__RNG_LOADER, 3, n, p), DNN_OK);
    for (int64_t i = 0; i < n; i++) {
        cr_assert(p[i] >= 0 && p[i] < n && !seen[p[i]], "place %lld", (long long)i);
        seen[p[i]] = true;
    }
    free(p);
    free(seen);
}

Test(rng, permutations_hold_every_index_once)
{
    expect_permutation(1);
    expect_permutation(2);
    expect_permutation(17);
    expect_permutation(60001);
}

Test(rng, permutations_depend_on_all_numbers)
{
    int64_t p[50], q[50];

    cr_assert_eq(dnn__permutation(1, 1, 0, 50, p), DNN_OK);
    cr_assert_eq(dnn__permutation(1, 1, 0, 50, q), DNN_OK);
    cr_expect_arr_eq(p, q, sizeof p);
    cr_assert_eq(dnn__permutation(2, 1, 0, 50, q), DNN_OK);
    cr_expect_arr_neq(p, q, sizeof p);
    cr_assert_eq(dnn__permutation(1, 2, 0, 50, q), DNN_OK);
    cr_expect_arr_neq(p, q, sizeof p);
    cr_assert_eq(dnn__permutation(1, 1, 1, 50, q), DNN_OK);
    cr_expect_arr_neq(p, q, sizeof p);
    cr_expect_eq(dnn__permutation(1, 1, 0, 0, NULL), DNN_OK);
}

/* Random123's known answer for key and counter 0 is 6627e8d5 e169c58d bc57ac4c 9b00dbd8: key 0 is
 * the smaller. */
Test(rng, keys_are_philox)
{
    int64_t p[2];

    cr_assert_eq(dnn__permutation(0, 0, 0, 2, p), DNN_OK);
    cr_expect_eq(p[0], 0);
    cr_expect_eq(p[1], 1);
}
