/* reduce_loops.h - the loops of reductions over elements of type T, summed in type ACC. N(word)
 * makes their names, IS_NAN(x) tests a value. reduce.c includes it once for each type. */

/* Sums n elements with a step, in eight lanes and a fixed order. */
static ACC N(sum_run)(const T *x, int64_t step, int64_t n)
{
    ACC lane[8] = {0}, total;
    int64_t i = 0;

    if (step == 1)
        for (; i + 8 <= n; i += 8)
            for (int k = 0; k < 8; k++)
                lane[k] += (ACC)x[i + k];
    total =
        ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    for (; i < n; i++)
        total += (ACC)x[i * step];
    return total;
}

static void N(sum)(const struct shape *s, const void *data, int64_t o0, int64_t o1, int64_t r0,
                   int64_t r1, void *out)
{
    const T *x = data;
    ACC *acc = out;

    for (int64_t o = o0; o < o1; o++)
        acc[o - o0] = 0;
    for (int64_t o = o0, n; s->columns && o < o1; o += n) {
        int64_t base = offset_of(&s->kept, o);

        n = run_length(&s->kept, o, o1);
        for (int64_t r = r0; r < r1; r++) {
            const T *row = x + base + offset_of(&s->reduced, r);
            ACC *a = acc + (o - o0);

            for (int64_t j = 0; j < n; j++)
                a[j] += (ACC)row[j];
        }
    }
    for (int64_t o = o0; !s->columns && o < o1; o++) {
        int64_t base = offset_of(&s->kept, o);

        for (int64_t r = r0, n; r < r1; r += n) {
            n = run_length(&s->reduced, r, r1);
            acc[o - o0] +=
                N(sum_run)(x + base + offset_of(&s->reduced, r), last_stride(&s->reduced), n);
        }
    }
}

static void N(join_sum)(void *into, const void *from, int64_t n)
{
    ACC *a = into;
    const ACC *b = from;

    for (int64_t i = 0; i < n; i++)
        a[i] += b[i];
}

/* The larger of two: NaN before all others, and the first of equals. */
static T N(larger)(T a, T b)
{
    return IS_NAN(a) ? a : b > a || IS_NAN(b) ? b : a;
}

static T N(smaller)(T a, T b)
{
    return IS_NAN(a) ? a : b < a || IS_NAN(b) ? b : a;
}

#define EXTREME(word, better)                                                            \
    static void N(word)(const struct shape *s, const void *data, int64_t o0, int64_t o1, \
                        int64_t r0, int64_t r1, void *out)                               \
    {                                                                                    \
        const T *x = data;                                                               \
        T *acc = out;                                                                    \
                                                                                         \
        for (int64_t o = o0; o < o1; o++) {                                              \
            int64_t base = offset_of(&s->kept, o), step = last_stride(&s->reduced);      \
            T best = x[base + offset_of(&s->reduced, r0)];                               \
                                                                                         \
            for (int64_t r = r0, n; r < r1; r += n) {                                    \
                const T *p = x + base + offset_of(&s->reduced, r);                       \
                                                                                         \
                n = run_length(&s->reduced, r, r1);                                      \
                for (int64_t i = 0; i < n; i++)                                          \
                    best = better(best, p[i * step]);                                    \
            }                                                                            \
            acc[o - o0] = best;                                                          \
        }                                                                                \
    }                                                                                    \
    static void N(join_##word)(void *into, const void *from, int64_t n)                  \
    {                                                                                    \
        T *a = into;                                                                     \
        const T *b = from;                                                               \
                                                                                         \
        for (int64_t i = 0; i < n; i++)                                                  \
            a[i] = better(a[i], b[i]);                                                   \
    }
EXTREME(amax, N(larger))
EXTREME(amin, N(smaller))
#undef EXTREME

/* Returns the index of the first largest (smallest) of n elements along one axis; NaN before all
 * others. */
static int64_t N(index_of)(const T *x, int64_t n, int64_t step, bool least)
{
    int64_t best = 0;

    for (int64_t i = 1; i < n && !IS_NAN(x[best * step]); i++) {
        T v = x[i * step], b = x[best * step];

        if ((least ? v < b : v > b) || IS_NAN(v))
            best = i;
    }
    return best;
}

static void N(indices)(const struct shape *s, const void *data, int64_t o0, int64_t o1, bool least,
                       void *values, int64_t *index)
{
    const T *x = data;

    for (int64_t o = o0; o < o1; o++) {
        const T *row = x + offset_of(&s->kept, o);
        int64_t n = s->reduced.count, step = last_stride(&s->reduced),
                i = N(index_of)(row, n, step, least);

        if (values != NULL)
            ((T *)values)[o] = row[i * step];
        if (index != NULL)
            index[o] = i;
    }
}

#undef T
#undef ACC
#undef N
#undef IS_NAN
