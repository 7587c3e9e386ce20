/* generator.c - generators: their states, and from which one the random operators of a thread draw.
 * Dispatch reserves the seed, stream and offset here from which a kernel makes its numbers. */
#include <pthread.h>
#include <stdlib.h>
#include "object.h"

struct dnn_generator {
    dnn_object object;
    /* One cache line: every draw takes both. */
    _Alignas(64) dnn__rng state;
    pthread_mutex_t lock; /* protects state */
};

static dnn_generator standard = {.lock = PTHREAD_MUTEX_INITIALIZER}; /* the default generator */

/* ---- states ---- */

static void destroy(dnn_object *object)
{
    dnn_generator *g = (dnn_generator *)(void *)object;

    pthread_mutex_destroy(&g->lock);
    dnn__object_free(g, sizeof *g);
}

dnn_generator *dnn_generator_new(uint64_t seed)
{
    static const dnn__kind kind = {.name = "generator", .destroy = destroy};
    dnn_generator *g = NULL;

    if (dnn__pending() == DNN_OK) {
        g = dnn__object_zeroed(&kind, sizeof *g, "dnn_generator_new");
    }
    if (g != NULL) {
        pthread_mutex_init(&g->lock, NULL); /* cannot fail without attributes */
        g->state.seed = seed;
    }
    return g;
}

static dnn__rng advance(dnn__rng *state, uint64_t words)
{
    const dnn__rng before = *state;

    state->offset += words / 4 + (words % 4 != 0);
    return before;
}

static inline dnn__rng take_from(dnn_generator *g, uint64_t words)
{
    dnn__rng taken;

    pthread_mutex_lock(&g->lock);
    taken = advance(&g->state, words);
    pthread_mutex_unlock(&g->lock);
    return taken;
}

/* The state is behind a lock, which reading takes too. */
dnn__rng dnn__rng_state(const dnn_generator *generator)
{
    return take_from(generator != NULL ? (dnn_generator *)(uintptr_t)generator : &standard, 0);
}

void dnn__rng_restore(dnn_generator *generator, dnn__rng state)
{
    dnn_generator *g = generator != NULL ? generator : &standard;

    pthread_mutex_lock(&g->lock);
    g->state = state;
    pthread_mutex_unlock(&g->lock);
}

void dnn_manual_seed(uint64_t seed)
{
    dnn__rng_restore(NULL, (dnn__rng){.seed = seed});
}

uint64_t dnn_get_seed(void)
{
    return dnn__rng_state(NULL).seed;
}

dnn_status dnn_get_generator_state(const dnn_generator *generator, dnn_generator_state *out)
{
    DNN_TRY(dnn__require(out, "dnn_get_generator_state", "out"));
    DNN_TRY(dnn__check_alive("dnn_get_generator_state", "generator", generator));
    *out = dnn__rng_state(generator);
    return DNN_OK;
}

dnn_status dnn_set_generator_state(dnn_generator *generator, dnn_generator_state state)
{
    DNN_TRY(dnn__take());
    DNN_TRY(dnn__check_alive("dnn_set_generator_state", "generator", generator));
    dnn__rng_restore(generator, state);
    return DNN_OK;
}

/* ---- the current generator of a thread ---- */

__attribute__((noinline)) static dnn__rng take_from_drawing(dnn__drawing *d, uint64_t words)
{
    return d->is_own              ? advance(&d->own, words)
           : d->generator != NULL ? take_from(d->generator, words)
                                  : take_from(&standard, words);
}

dnn__rng dnn__rng_take(uint64_t words)
{
    dnn__drawing *d = dnn__self.block->drawing;

    return DNN__LIKELY(d == NULL) ? take_from(&standard, words) : take_from_drawing(d, words);
}

/* Returns the record inside that of `block->drawing`; NULL if there is no memory. A record is used
 * again. */
static dnn__drawing *inner_record(dnn__thread_block *block)
{
    dnn__drawing *outer = block->drawing;

    if (outer == NULL) {
        return &block->first_drawing[0];
    }
    if (outer->inner == NULL) {
        outer->inner = calloc(1, sizeof *outer->inner);
    }
    return outer->inner;
}

/* Opens a record, without a generator. NULL, with a message, if there is no memory. */
static dnn__drawing *open_record(void)
{
    dnn__thread_block *block = dnn__thread_own();
    dnn__drawing *d = block != NULL ? inner_record(block) : NULL;

    if (d == NULL) {
        dnn__nomem("DNN_GENERATOR", sizeof *d);
        return NULL;
    }
    d->outer = block->drawing;
    d->serial = ++block->serial;
    block->drawing = d;
    return d;
}

dnn_generator_guard dnn_generator_begin(dnn_generator *generator)
{
    dnn__drawing *d;

    if (!dnn__alive("DNN_GENERATOR", "generator", generator)) {
        return (dnn_generator_guard){0};
    }
    d = open_record();
    if (d == NULL) {
        dnn__null(DNN_E_NOMEM);
        return (dnn_generator_guard){0};
    }
    d->is_own = false;
    d->generator = dnn_retain(generator);
    return (dnn_generator_guard){d->serial};
}

dnn_status dnn__rng_begin(dnn__rng from, dnn_generator_guard *out)
{
    dnn__drawing *d = open_record();

    if (d == NULL) {
        return DNN_E_NOMEM;
    }
    d->is_own = true;
    d->own = from;
    *out = (dnn_generator_guard){d->serial};
    return DNN_OK;
}

void dnn__drawings_end(dnn__thread_block *block, uint64_t serial)
{
    while (block->drawing != NULL && block->drawing->serial > serial) {
        dnn__drawing *d = block->drawing;
        dnn_generator *generator = d->generator;

        block->drawing = d->outer;
        d->generator = NULL;
        dnn_release(generator);
    }
}

void dnn_generator_end(dnn_generator_guard *guard)
{
    dnn__thread_block *block = dnn__self.block;
    dnn__drawing *d = block->drawing;

    if (guard == NULL || guard->dnn_serial == 0) {
        return;
    }
    while (d != NULL && d->serial != guard->dnn_serial) {
        d = d->outer;
    }
    if (d != NULL) {
        dnn__drawings_end(block, d->serial - 1);
    }
}

void dnn__drawings_free(dnn__thread_block *block)
{
    dnn__drawing *added = block->first_drawing[DNN__FIRST_DRAWINGS - 1].inner;

    while (added != NULL) {
        dnn__drawing *inner = added->inner;

        free(added);
        added = inner;
    }
}
