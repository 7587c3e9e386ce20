/* samplers.c - the kinds of samplers: sequential, random, subset_random, weighted, distributed, and
 * a function of the program. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sampler.h"

/* In checkpoints. The order of .shuffle has the number of its stream. */
enum { SEQUENTIAL = 16, REPLACEMENT, SUBSET, WEIGHTED, DISTRIBUTED, FUNCTION };

/* For constructors: returns false, with an error pending. */
static bool has_length(const char *function, const dnn_dataset *set)
{
    return dnn__dataset_ready(function, set) && dnn__ok(dnn__dataset_check_length(function, set));
}

/* Returns the size of n elements behind a struct; false if it overflows. */
static bool bytes_of(size_t head, int64_t n, size_t element, const char *function, size_t *bytes)
{
    if (dnn__size_mul((size_t)n, element, bytes) && dnn__size_add(*bytes, head, bytes)) {
        return true;
    }
    dnn__null(dnn__nomem(function, SIZE_MAX));
    return false;
}

static void count_up(int64_t n, int64_t *index)
{
    for (int64_t i = 0; i < n; i++) {
        index[i] = i;
    }
}

static double unit(uint64_t word)
{
    return (double)(word >> 11) * 0x1p-53; /* [0,1) */
}

/* ---- sequential ---- */

static dnn_status fill_sequential(const dnn_sampler *s, dnn__rng rng, int64_t epoch, int64_t *index)
{
    (void)rng;
    (void)epoch;
    count_up(s->size, index);
    return DNN_OK;
}

dnn_sampler *dnn_sampler_sequential(const dnn_dataset *set)
{
    static const dnn__sampler_type type = {
        .name = "dnn_sampler_sequential", .stream = SEQUENTIAL, .fill = fill_sequential};

    return has_length("dnn_sampler_sequential", set)
               ? dnn__sampler_new(sizeof(dnn_sampler), &type, set->size)
               : NULL;
}

/* ---- random ---- */

struct random {
    dnn_sampler sampler;
    int64_t n; /* samples of the set */
};

/* One permutation after the other. Each takes n / 2 blocks of random numbers. */
static dnn_status fill_random(const dnn_sampler *s, dnn__rng rng, int64_t epoch, int64_t *index)
{
    int64_t n = ((const struct random *)s)->n, done = 0, *rest;
    dnn_status st;

    (void)epoch;
    for (; s->size - done >= n && n > 0; done += n) {
        DNN_TRY(dnn__permutation(rng.seed, rng.stream, rng.offset, n, index + done));
        rng.offset += ((uint64_t)n + 1) / 2;
    }
    if (done == s->size) {
        return DNN_OK;
    }
    rest = dnn__calloc((size_t)n, sizeof *rest);
    if (rest == NULL) {
        return dnn__nomem(s->type->name, (size_t)n * sizeof *rest);
    }
    st = dnn__permutation(rng.seed, rng.stream, rng.offset, n, rest);
    memcpy(index + done, rest, (size_t)(s->size - done) * sizeof *index);
    dnn__free(rest);
    return st;
}

static dnn_status fill_replacement(const dnn_sampler *s, dnn__rng rng, int64_t epoch,
                                   int64_t *index)
{
    double n = (double)((const struct random *)s)->n;

    (void)epoch;
    for (int64_t i = 0; i < s->size; i++) {
        index[i] = (int64_t)(unit(dnn__random_word(rng, (uint64_t)i)) * n);
    }
    return DNN_OK;
}

dnn_sampler *dnn_sampler_random_with(dnn_sampler_random_args args)
{
    static const char name[] = "dnn_sampler_random";
    static const dnn__sampler_type plain = {
        .name = name, .stream = DNN__RNG_LOADER, .fill = fill_random};
    static const dnn__sampler_type replacement = {
        .name = name, .stream = REPLACEMENT, .fill = fill_replacement};
    struct random *r;

    if (!has_length(name, args.set)) {
        return NULL;
    }
    if (args.num_samples < 0 || (args.num_samples > 0 && args.set->size == 0) ||
        args.set->size >= INT64_C(1) << 53) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: num_samples is %s, the set has %s samples",
                                   name, dnn__number_text(args.num_samples),
                                   dnn__number_text(args.set->size)));
    }
    r = dnn__sampler_new(sizeof *r, args.replacement ? &replacement : &plain,
                         args.num_samples > 0 ? args.num_samples : args.set->size);
    if (r == NULL) {
        return NULL;
    }
    r->n = args.set->size;
    return &r->sampler;
}

/* ---- subset_random ---- */

struct subset {
    dnn_sampler sampler;
    int64_t index[];
};

static dnn_status fill_subset(const dnn_sampler *s, dnn__rng rng, int64_t epoch, int64_t *index)
{
    (void)epoch;
    DNN_TRY(dnn__permutation(rng.seed, rng.stream, rng.offset, s->size, index));
    for (int64_t i = 0; i < s->size; i++) {
        index[i] = ((const struct subset *)s)->index[index[i]];
    }
    return DNN_OK;
}

dnn_sampler *dnn_sampler_subset_random(const int64_t *index, int64_t n)
{
    static const char name[] = "dnn_sampler_subset_random";
    static const dnn__sampler_type type = {.name = name, .stream = SUBSET, .fill = fill_subset};
    struct subset *s;
    size_t bytes;

    if (dnn__pending() != DNN_OK) {
        return NULL;
    }
    if (n < 0 || (index == NULL && n > 0)) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: n is %s%s", name, dnn__number_text(n),
                                   n > 0 ? ", index is NULL" : ", must be 0 or more"));
    }
    if (!bytes_of(sizeof *s, n, sizeof *index, name, &bytes)) {
        return NULL;
    }
    s = dnn__sampler_new(bytes, &type, n);
    if (s == NULL) {
        return NULL;
    }
    if (n > 0) {
        memcpy(s->index, index, (size_t)n * sizeof *index);
    }
    return &s->sampler;
}

/* ---- weighted ---- */

struct weighted {
    dnn_sampler sampler;
    int64_t n, last; /* weights; the last one above 0 */
    double weight[]; /* [n]; with replacement their running sums */
};

/* The index i is drawn where sum[i-1] <= u * total < sum[i]. */
static dnn_status fill_weighted(const dnn_sampler *s, dnn__rng rng, int64_t epoch, int64_t *index)
{
    const struct weighted *w = (const struct weighted *)s;

    (void)epoch;
    for (int64_t i = 0; i < s->size; i++) {
        double u = unit(dnn__random_word(rng, (uint64_t)i)) * w->weight[w->n - 1];
        int64_t low = 0, high = w->last;

        while (low < high) {
            int64_t at = low + (high - low) / 2;

            if (w->weight[at] > u) {
                high = at;
            } else {
                low = at + 1;
            }
        }
        index[i] = low;
    }
    return DNN_OK;
}

struct arrival {
    double time;
    int64_t index;
};

static int earlier(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;

    if (x->time != y->time) {
        return x->time < y->time ? -1 : 1;
    }
    return x->index < y->index ? -1 : 1;
}

/* Sample i arrives at a time of the exponential distribution with rate weight[i]: the first ones
 * are drawn without replacement (Efraimidis and Spirakis 2006). */
static dnn_status fill_without(const dnn_sampler *s, dnn__rng rng, int64_t epoch, int64_t *index)
{
    const struct weighted *w = (const struct weighted *)s;
    struct arrival *all = dnn__calloc((size_t)w->n, sizeof *all);

    (void)epoch;
    if (all == NULL) {
        return dnn__nomem(s->type->name, (size_t)w->n * sizeof *all);
    }
    for (int64_t i = 0; i < w->n; i++) {
        double u = 1 - unit(dnn__random_word(rng, (uint64_t)i)); /* (0,1] */

        all[i] = (struct arrival){w->weight[i] > 0 ? -log(u) / w->weight[i] : (double)INFINITY, i};
    }
    qsort(all, (size_t)w->n, sizeof *all, earlier);
    for (int64_t i = 0; i < s->size; i++) {
        index[i] = all[i].index;
    }
    dnn__free(all);
    return DNN_OK;
}

static dnn_status check_weights(const char *name, const dnn_sampler_weighted_args *a)
{
    int64_t positive = 0;
    double sum = 0;

    if (a->weight == NULL || a->n < 1 || a->num_samples < 1) {
        return dnn__fail(DNN_E_INVALID, "%s: n is %s, num_samples is %s, must be 1 or more%s", name,
                         dnn__number_text(a->n), dnn__number_text(a->num_samples),
                         a->weight == NULL ? "; weight is NULL" : "");
    }
    for (int64_t i = 0; i < a->n; i++) {
        if (!(a->weight[i] >= 0) || !isfinite(sum += a->weight[i])) {
            return dnn__fail(DNN_E_INVALID,
                             "%s: weight %s is %s, must be 0 or more, and their sum finite", name,
                             dnn__number_text(i), dnn__float_text(a->weight[i]));
        }
        positive += a->weight[i] > 0;
    }
    if (positive == 0 || (a->no_replacement && positive < a->num_samples)) {
        return dnn__fail(DNN_E_INVALID, "%s: %s weights are above 0, num_samples is %s%s", name,
                         dnn__number_text(positive), dnn__number_text(a->num_samples),
                         a->no_replacement ? " without replacement" : "");
    }
    return DNN_OK;
}

static void set_weights(struct weighted *w, const dnn_sampler_weighted_args *a)
{
    double sum = 0;

    w->n = a->n;
    for (int64_t i = 0; i < a->n; i++) {
        sum += a->weight[i];
        w->weight[i] = a->no_replacement ? a->weight[i] : sum;
        w->last = a->weight[i] > 0 ? i : w->last;
    }
}

dnn_sampler *dnn_sampler_weighted_with(dnn_sampler_weighted_args args)
{
    static const char name[] = "dnn_sampler_weighted";
    static const dnn__sampler_type replacement = {
        .name = name, .stream = WEIGHTED, .fill = fill_weighted};
    static const dnn__sampler_type without = {
        .name = name, .stream = WEIGHTED, .fill = fill_without};
    struct weighted *w;
    size_t bytes;

    if (dnn__pending() != DNN_OK || !dnn__ok(check_weights(name, &args)) ||
        !bytes_of(sizeof *w, args.n, sizeof w->weight[0], name, &bytes)) {
        return NULL;
    }
    w = dnn__sampler_new(bytes, args.no_replacement ? &without : &replacement, args.num_samples);
    if (w == NULL) {
        return NULL;
    }
    set_weights(w, &args);
    return &w->sampler;
}

/* ---- distributed ---- */

struct distributed {
    dnn_sampler sampler;
    int64_t n, num_replicas, rank;
    bool shuffle;
};

/* Element i of this rank is element rank + i * num_replicas of the order, which begins again at its
 * end. */
static dnn_status fill_distributed(const dnn_sampler *s, dnn__rng rng, int64_t epoch,
                                   int64_t *index)
{
    const struct distributed *d = (const struct distributed *)s;
    int64_t *order = dnn__calloc((size_t)d->n, sizeof *order);
    dnn_status st = DNN_OK;

    (void)epoch;
    if (order == NULL) {
        return dnn__nomem(s->type->name, (size_t)d->n * sizeof *order);
    }
    if (d->shuffle) {
        st = dnn__permutation(rng.seed, rng.stream, rng.offset, d->n, order);
    } else {
        count_up(d->n, order);
    }
    for (int64_t i = 0; i < s->size; i++) {
        index[i] = order[(d->rank + i * d->num_replicas) % d->n];
    }
    dnn__free(order);
    return st;
}

dnn_sampler *dnn_sampler_distributed_with(dnn_sampler_distributed_args args)
{
    static const char name[] = "dnn_sampler_distributed";
    static const dnn__sampler_type type = {
        .name = name, .stream = DISTRIBUTED, .fill = fill_distributed};
    struct distributed *d;
    int64_t n;

    if (!has_length(name, args.set)) {
        return NULL;
    }
    if (args.num_replicas < 1 || args.num_replicas > INT32_MAX || args.rank < 0 ||
        args.rank >= args.num_replicas) {
        return dnn__null(dnn__fail(DNN_E_INVALID, "%s: rank is %s of %s, must be 0 to %s", name,
                                   dnn__number_text(args.rank), dnn__number_text(args.num_replicas),
                                   dnn__number_text(args.num_replicas - 1)));
    }
    n = args.set->size / args.num_replicas;
    n += !args.drop_last && args.set->size % args.num_replicas != 0;
    d = dnn__sampler_new(sizeof *d, &type, n);
    if (d == NULL) {
        return NULL;
    }
    d->n = args.set->size;
    d->num_replicas = args.num_replicas;
    d->rank = args.rank;
    d->shuffle = !args.no_shuffle;
    return &d->sampler;
}

/* ---- a function of the program ---- */

struct function {
    dnn_sampler sampler;
    dnn_status (*fn)(void *ctx, uint64_t seed, int64_t epoch, int64_t *index);
    void (*release)(void *ctx);
    void *ctx;
};

static dnn_status fill_function(const dnn_sampler *s, dnn__rng rng, int64_t epoch, int64_t *index)
{
    const struct function *f = (const struct function *)s;
    bool before;

    DNN_SCOPE();
    DNN_NO_GRAD();
    before = dnn__callback_begin();
    count_up(s->size, index);
    return dnn__callback_end(before, f->fn(f->ctx, rng.seed, epoch, index), "the function",
                             "the sampler");
}

static void close_function(dnn_sampler *s)
{
    struct function *f = (struct function *)s;

    if (f->release != NULL) {
        f->release(f->ctx);
    }
}

dnn_sampler *dnn_sampler_function(int64_t num_samples,
                                  dnn_status (*fn)(void *ctx, uint64_t seed, int64_t epoch,
                                                   int64_t *index),
                                  void (*release)(void *ctx), void *ctx)
{
    static const char name[] = "dnn_sampler_function";
    static const dnn__sampler_type type = {
        .name = name, .stream = FUNCTION, .fill = fill_function, .close = close_function};
    struct function *f = NULL;

    if (dnn__pending() == DNN_OK && (fn == NULL || num_samples < 0)) {
        dnn__null(dnn__fail(DNN_E_INVALID, "%s: %s", name,
                            fn == NULL ? "fn is NULL" : "num_samples is negative"));
    }
    if (dnn__pending() == DNN_OK) {
        f = dnn__sampler_new(sizeof *f, &type, num_samples);
    }
    if (f == NULL) {
        if (release != NULL) {
            release(ctx);
        }
        return NULL;
    }
    f->fn = fn;
    f->release = release;
    f->ctx = ctx;
    return &f->sampler;
}
