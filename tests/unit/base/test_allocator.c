/* test_allocator.c - tests the replaceable table of host memory functions (allocator.c). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "base.h"

struct counts {
    int allocs, frees;
    bool fail;
};

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    struct counts *c = ctx;

    if (c->fail) {
        return NULL;
    }
    c->allocs++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void counted_free(void *ctx, void *memory)
{
    struct counts *c = ctx;

    c->frees += memory != NULL;
    free(memory);
}

Test(allocator, is_replaced_only_while_nothing_lives)
{
    struct counts c = {0};
    dnn_allocator mine = {&c, counted_alloc, counted_free}, half = {&c, counted_alloc, NULL};
    void *a, *b;

    a = dnn__alloc(10);
    cr_assert_not_null(a);
    cr_expect_eq(dnn_set_allocator(&mine), DNN_E_INVALID);
    cr_expect(strstr(dnn_error_message(), "1 blocks") != NULL, "%s", dnn_error_message());
    dnn__free(a);
    cr_expect_eq(dnn_set_allocator(&half), DNN_E_INVALID);
    cr_assert_eq(dnn_set_allocator(&mine), DNN_OK);
    a = dnn__alloc(0);
    b = dnn__alloc_aligned(100, 4096);
    cr_assert(a && b);
    cr_expect_eq((uintptr_t)b % 4096, 0);
    dnn__free(a);
    dnn__free(b);
    dnn__free(NULL);
    cr_expect_eq(c.allocs, 2);
    cr_expect_eq(c.frees, 2);
    c.fail = true;
    cr_expect_null(dnn__alloc(1));
    cr_expect_null(dnn__calloc(3, 3));
    cr_assert_eq(dnn_set_allocator(NULL), DNN_OK);
}

Test(allocator, sizes)
{
    char *text = dnn__strdup("words");
    unsigned char *zero = dnn__calloc(5, 7);

    cr_expect_str_eq(text, "words");
    for (int i = 0; i < 35; i++) {
        cr_expect_eq(zero[i], 0);
    }
    cr_expect_null(dnn__calloc(SIZE_MAX, 2));
    cr_expect_null(dnn__alloc(SIZE_MAX - 5));
    dnn__free(text);
    dnn__free(zero);
}

Test(allocator, reserve_grows_and_keeps)
{
    int *list = NULL;
    void *raw = NULL;
    int64_t capacity = 0;

    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(dnn__reserve(&raw, &capacity, i + 1, sizeof *list, "list"), DNN_OK);
        list = raw;
        list[i] = i;
    }
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(list[i], i);
    }
    cr_expect_eq(dnn__reserve(&raw, &capacity, INT64_MAX, sizeof *list, "list"), DNN_E_NOMEM);
    cr_expect_eq(raw, list);
    dnn__free(raw);
}
