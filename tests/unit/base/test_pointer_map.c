/* test_pointer_map.c - tests the hash table from pointers to numbers. */
#include <criterion/criterion.h>
#include "pointer_map.h"

Test(pointer_map, keeps_the_first_number_of_a_pointer)
{
    enum { N = 5000 };
    static char block[N * 64]; /* as far apart as objects are */
    dnn__pointer_map map = {0};

    cr_assert_eq(dnn__pointer_map_new("test", N, &map), DNN_OK);
    for (int64_t i = 0; i < N; i++) {
        cr_assert_eq(dnn__pointer_map_find(&map, block + i * 64), -1);
        cr_assert_eq(dnn__pointer_map_add(&map, block + i * 64, i), -1);
    }
    for (int64_t i = 0; i < N; i++) {
        cr_assert_eq(dnn__pointer_map_add(&map, block + i * 64, 7), i);
        cr_assert_eq(dnn__pointer_map_find(&map, block + i * 64), i);
    }
    cr_expect_eq(dnn__pointer_map_find(&map, block + 1), -1);
    dnn__pointer_map_free(&map);
}

Test(pointer_map, an_empty_one_has_nothing)
{
    dnn__pointer_map map = {0};

    dnn__pointer_map_free(&map);
    cr_assert_eq(dnn__pointer_map_new("test", 0, &map), DNN_OK);
    cr_expect_eq(dnn__pointer_map_find(&map, &map), -1);
    dnn__pointer_map_free(&map);
}
