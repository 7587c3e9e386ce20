/* autotune_table.c - the timings of DNN_TUNE in memory: a bounded table, sorted by key. */
#include <string.h>
#include "autotune_table.h"

static dnn__timing *timings;
static int64_t n_timings, cap_timings;
static uint64_t clock_of_ages;

static int compare_keys(const uint64_t a[2], const uint64_t b[2])
{
    if (a[0] != b[0]) {
        return a[0] < b[0] ? -1 : 1;
    }
    return a[1] < b[1] ? -1 : a[1] > b[1];
}

/* Returns the index that the key has or would have. */
static int64_t place_of(const uint64_t key[2])
{
    int64_t low = 0, high = n_timings;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (compare_keys(timings[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(int64_t place, const uint64_t key[2])
{
    return place < n_timings && compare_keys(timings[place].key, key) == 0;
}

static void drop_oldest(void)
{
    int64_t oldest = 0;

    for (int64_t i = 1; i < n_timings; i++) {
        oldest = timings[i].age < timings[oldest].age ? i : oldest;
    }
    n_timings--;
    memmove(timings + oldest, timings + oldest + 1, (size_t)(n_timings - oldest) * sizeof *timings);
}

void dnn__table_put(const dnn__timing *t, bool replace)
{
    int64_t place = place_of(t->key);

    if (!stands_at(place, t->key)) {
        if (n_timings == DNN__MAX_TIMINGS) {
            drop_oldest();
            place = place_of(t->key);
        }
        if (dnn__reserve((void **)&timings, &cap_timings, n_timings + 1, sizeof *timings,
                         "timings") != DNN_OK) {
            return;
        }
        memmove(timings + place + 1, timings + place,
                (size_t)(n_timings - place) * sizeof *timings);
        n_timings++;
    } else if (!replace) {
        return;
    }
    timings[place] = *t;
    timings[place].age = ++clock_of_ages;
}

const dnn__timing *dnn__table_find(const uint64_t key[2])
{
    int64_t place = place_of(key);

    if (!stands_at(place, key)) {
        return NULL;
    }
    timings[place].age = ++clock_of_ages;
    return &timings[place];
}

int64_t dnn__table_count(void)
{
    return n_timings;
}

const dnn__timing *dnn__table_at(int64_t index)
{
    return &timings[index];
}

void dnn__table_drop(void)
{
    dnn__free(timings);
    timings = NULL;
    n_timings = cap_timings = 0;
}
