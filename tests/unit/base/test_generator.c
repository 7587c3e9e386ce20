/* test_generator.c - tests generators: their numbers and states, and from which one the random
 * operators of a thread draw. */
#include <pthread.h>
#include "object.h"
#include "unit.h"

TestSuite(generator, .init = unit_init, .fini = unit_fini, .timeout = 60);

static bool same(dnn_tensor *a, dnn_tensor *b)
{
    bool equal = false;

    cr_assert_eq(dnn_equal(a, b, &equal), DNN_OK, "%s", dnn_error_message());
    return equal;
}

/* Five numbers of the default generator, `skip` blocks behind the seed. */
static dnn_tensor *numbers(uint64_t seed, uint64_t skip)
{
    const dnn__rng before = dnn__rng_state(NULL);
    dnn_tensor *t;
    DNN_GENERATOR(NULL);

    dnn__rng_restore(NULL, (dnn__rng){.seed = seed, .offset = skip});
    t = dnn_rand(S(5));
    dnn__rng_restore(NULL, before);
    return t;
}

Test(generator, gives_the_numbers_of_the_default_one)
{
    dnn_generator *g = dnn_generator_new(7);
    dnn__rng before = dnn__rng_state(NULL);
    dnn_tensor *a, *b, *c, *d;

    {
        DNN_GENERATOR(g);
        a = dnn_randn(S(100));
        b = dnn_dropout(dnn_ones(S(100)), 0.5);
    }
    c = dnn_rand(S(3), .generator = g, .dtype = DNN_T_F64);
    d = dnn_randn_like(c, .generator = g);
    cr_expect_eq(dnn__rng_state(NULL).offset, before.offset,
                 "the default generator was drawn from");
    dnn_manual_seed(7);
    cr_expect(same(a, dnn_randn(S(100))));
    cr_expect(same(b, dnn_dropout(dnn_ones(S(100)), 0.5)));
    cr_expect(same(c, dnn_rand(S(3), .dtype = DNN_T_F64)));
    cr_expect(same(d, dnn_randn_like(c)));
}

Test(generator, a_state_is_saved_and_set_back)
{
    dnn_generator *g = dnn_generator_new(UINT64_MAX);
    dnn_generator_state state, standard;
    dnn_tensor *a;

    dnn_rand(S(3), .generator = g);
    cr_assert_eq(dnn_get_generator_state(g, &state), DNN_OK);
    cr_expect(state.seed == UINT64_MAX && state.stream == 0 && state.offset == 1);
    a = dnn_rand(S(9), .generator = g);
    cr_assert_eq(dnn_set_generator_state(g, state), DNN_OK);
    cr_expect(same(a, dnn_rand(S(9), .generator = g)));
    cr_assert_eq(dnn_set_generator_state(NULL, state), DNN_OK);
    cr_expect_eq(dnn_get_seed(), UINT64_MAX);
    cr_assert_eq(dnn_get_generator_state(NULL, &standard), DNN_OK);
    cr_expect(standard.seed == UINT64_MAX && standard.offset == 1);
    cr_expect(same(a, dnn_rand(S(9))));
    EXPECT_STATUS_FAIL(dnn_get_generator_state(g, NULL), "dnn_get_generator_state", "out is NULL");
}

Test(generator, two_draw_in_turn)
{
    dnn_generator *g = dnn_generator_new(1), *h = dnn_generator_new(2);

    for (uint64_t i = 0; i < 6; i += 2) {
        cr_expect(same(dnn_rand(S(5), .generator = g), numbers(1, i)));
        cr_expect(same(dnn_rand(S(5), .generator = h), numbers(2, i)));
    }
}

/* Deeper than the records in the block of a thread. */
static void nest(dnn_generator *const *g, int depth)
{
    if (depth < 7) {
        DNN_GENERATOR(g[depth % 2]);
        dnn_rand(S(1));
        nest(g, depth + 1);
        dnn_rand(S(1));
    }
}

Test(generator, declarations_are_nested)
{
    dnn_generator *g[] = {dnn_generator_new(1), dnn_generator_new(2)};
    const uint64_t before = dnn__rng_state(NULL).offset;

    for (int i = 0; i < 2; i++) {
        nest(g, 0);
    }
    cr_expect_eq(dnn__rng_state(g[0]).offset, 16);
    cr_expect_eq(dnn__rng_state(g[1]).offset, 12);
    cr_expect_eq(dnn__rng_state(NULL).offset, before);
    for (int i = 0; i < 3; i++) {
        DNN_GENERATOR(g[0]);
        {
            DNN_GENERATOR(NULL);
            dnn_rand(S(1));
        }
        if (i == 1) {
            continue;
        }
        dnn_rand(S(1));
    }
    cr_expect_eq(dnn__rng_state(NULL).offset, before + 3);
    cr_expect_eq(dnn__rng_state(g[0]).offset, 18);
}

Test(generator, is_held_while_it_is_drawn_from)
{
    const int64_t before = dnn_live_objects();
    dnn_generator *g = dnn_generator_new(1);

    {
        DNN_GENERATOR(g);
        dnn_release(g);
        cr_expect(same(dnn_rand(S(5)), numbers(1, 0)));
        {
            DNN_SCOPE();
            cr_expect_eq(dnn_live_objects(), before + 1 + 2);
        }
    }
    cr_expect_eq(dnn_live_objects(), before + 2);
}

/* A scope that closes ends what began inside it, as after a longjmp. */
Test(generator, ends_with_the_scope_around_it)
{
    dnn_generator *g = dnn_generator_new(1), *h = dnn_generator_new(2);
    dnn_generator_guard outer = dnn_generator_begin(g), inner, innermost;
    dnn_scope scope = dnn_scope_begin(NULL);

    inner = dnn_generator_begin(h);
    dnn_scope_end(&scope);
    cr_expect_eq(dnn__rng_take(1).seed, 1);
    dnn_generator_end(&inner);
    cr_expect_eq(dnn__rng_take(1).seed, 1);
    inner = dnn_generator_begin(h);
    innermost = dnn_generator_begin(NULL);
    dnn_generator_end(&inner);
    dnn_generator_end(&innermost);
    dnn_generator_end(NULL);
    cr_expect_eq(dnn__rng_take(1).seed, 1);
    dnn_generator_end(&outer);
    dnn_generator_end(&outer);
    cr_expect_eq(dnn__rng_take(0).seed, dnn_get_seed());
}

Test(generator, a_private_one_makes_no_object)
{
    const dnn__rng from = {5, DNN__RNG_SAMPLE, (uint64_t)9 << 40};
    const int64_t before = dnn_live_objects();
    dnn_generator_guard guard;
    dnn__rng taken;

    cr_assert_eq(dnn__rng_begin(from, &guard), DNN_OK);
    cr_expect_eq(dnn_live_objects(), before);
    dnn__rng_take(8);
    taken = dnn__rng_take(1);
    cr_expect(taken.seed == 5 && taken.stream == DNN__RNG_SAMPLE &&
              taken.offset == from.offset + 2);
    dnn_generator_end(&guard);
    cr_expect_eq(dnn__rng_take(0).stream, DNN__RNG_DEFAULT);
}

Test(generator, a_backward_takes_the_numbers_of_the_forward)
{
    dnn_generator *g = dnn_generator_new(3), *h = dnn_generator_new(4);
    dnn_tensor *x = unit_leaf(dnn_ones(S(200), .dtype = DNN_T_F64));
    dnn_tensor *y = NULL;

    {
        DNN_GENERATOR(g);
        y = dnn_dropout(x, 0.5);
    }
    {
        DNN_GENERATOR(h);
        unit_backward(y);
    }
    cr_expect(same(dnn_grad(x), dnn_detach(y)));
    cr_expect_eq(dnn__rng_state(h).offset, 0);
}

Test(generator, a_random_split_depends_on_its_seed_alone)
{
    dnn_dataset *set = dnn_dataset_tensors((dnn_tensor *const[]){dnn_arange(.end = 10)}, 1);
    dnn_dataset *a[2], *b[2];
    const int64_t sizes[] = {6, 4}, index[] = {0, 1, 2, 3};
    dnn_generator *g = dnn_generator_new(3);

    cr_assert_eq(dnn_dataset_random_split(set, sizes, 2, 8, a), DNN_OK);
    {
        DNN_GENERATOR(g);
        cr_assert_eq(dnn_dataset_random_split(set, sizes, 2, 8, b), DNN_OK);
    }
    cr_expect(same(unit_get(a[1], index, 4)[0], unit_get(b[1], index, 4)[0]));
    cr_expect_eq(dnn__rng_state(g).offset, 0);
}

/* ---- threads ---- */

enum { DRAWS = 2000, DRAWERS = 4 };

static void *draw(void *generator)
{
    uint64_t sum = 0;

    cr_expect_eq(dnn__rng_take(0).seed, dnn_get_seed(), "a new thread has another generator");
    DNN_GENERATOR(generator);
    for (int i = 0; i < DRAWS; i++) {
        sum += dnn__rng_take(4).offset;
    }
    return (void *)(uintptr_t)sum;
}

/* No position is taken twice: the sum of all is that of 0 to n-1. */
Test(generator, threads_draw_from_one_at_once)
{
    dnn_generator *g = dnn_generator_new(1);
    const uint64_t n = DRAWS * DRAWERS;
    pthread_t thread[DRAWERS];
    uint64_t sum = 0;

    for (int i = 0; i < DRAWERS; i++) {
        cr_assert_eq(pthread_create(&thread[i], NULL, draw, g), 0);
    }
    for (int i = 0; i < DRAWERS; i++) {
        void *part;

        pthread_join(thread[i], &part);
        sum += (uint64_t)(uintptr_t)part;
    }
    cr_expect_eq(dnn__rng_state(g).offset, n);
    cr_expect_eq(sum, n * (n - 1) / 2);
}

static void *ends_inside(void *generator)
{
    DNN_GENERATOR(generator);
    dnn_rand(S(1));
    for (int i = 0; i < 6; i++) {
        dnn_generator_begin(generator);
    }
    pthread_exit(NULL);
}

/* As in another language: nothing runs the cleanup. */
static void *returns_inside(void *generator)
{
    dnn_generator_begin(generator);
    dnn_generator_begin(generator);
    return NULL;
}

Test(generator, a_thread_may_end_inside_the_declaration)
{
    const int64_t before = dnn_live_objects();
    dnn_generator *g = dnn_generator_new(1);
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, ends_inside, g), 0);
    pthread_join(thread, NULL);
    cr_assert_eq(pthread_create(&thread, NULL, returns_inside, g), 0);
    pthread_join(thread, NULL);
    dnn_release(g);
    cr_expect_eq(dnn_live_objects(), before);
}
