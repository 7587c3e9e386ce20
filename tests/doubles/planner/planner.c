/* planner.c - a plugin that counts what happens to its plans. It has one kernel, neg on f32. The
 * state of a plan is never freed, so that a second unplan, or a run on a state that is gone, is
 * counted and does not crash. Its scratch memory has room for the threads of the plan; a worker
 * beyond them is counted too. test_plan_cache.c and test_races.c read the counts with planner_read.
 */
#include <stdatomic.h>
#include <time.h>
#include "dnn_plugin.h"
#include "planner.h"

enum { STATES = 1 << 17, GRAIN = 64 };

static struct state {
    atomic_int unplanned, running;
    int threads;
} states[STATES];
static atomic_int calls, planned, unplanned, twice, dead_runs, freed_running, strangers;

struct piece {
    const float *x;
    float *y;
    int threads;
};

static void negate(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct piece *p = arg;

    if (worker >= p->threads) {
        atomic_fetch_add(&strangers, 1);
    }
    for (int64_t i = begin; i < end; i++) {
        p->y[i] = -p->x[i];
    }
}

static dnn_status plan(const dnn_call *c, dnn_plan *out)
{
    int n = atomic_fetch_add(&planned, 1);

    if (n >= STATES) {
        atomic_fetch_sub(&planned, 1);
        return c->host->fail(DNN_DECLINED, "all %d states were given out", (int)STATES);
    }
    states[n].threads = c->host->threads();
    out->state = &states[n];
    return DNN_OK;
}

static dnn_status run(const dnn_call *c)
{
    struct state *s = c->state;
    struct piece p = {c->in[0]->data, c->out[0]->data, s->threads};

    atomic_fetch_add(&s->running, 1);
    atomic_fetch_add(&dead_runs, atomic_load(&s->unplanned) > 0);
    if (atomic_fetch_add(&calls, 1) % 16 ==
        0) { /* others may evict the plan now, or resize the pool */
        nanosleep(&(struct timespec){0, 200000}, NULL);
    }
    c->host->parallel_for((int64_t)(c->out[0]->nbytes / sizeof(float)), GRAIN, negate, &p);
    atomic_fetch_add(&strangers, c->host->threads() != s->threads);
    atomic_fetch_add(&dead_runs, atomic_load(&s->unplanned) > 0);
    atomic_fetch_sub(&s->running, 1);
    return DNN_OK;
}

static void unplan(void *state)
{
    struct state *s = state;

    atomic_fetch_add(&unplanned, 1);
    atomic_fetch_add(&twice, atomic_fetch_add(&s->unplanned, 1) > 0);
    atomic_fetch_add(&freed_running, atomic_load(&s->running) > 0);
}

static dnn_status init(const dnn_host *host)
{
    (void)host;
    for (int i = 0; i < STATES && i < atomic_load(&planned); i++) {
        atomic_store(&states[i].unplanned, 0);
    }
    atomic_store(&planned, 0);
    atomic_store(&unplanned, 0);
    return DNN_OK;
}

DNN_EXPORT void planner_read(planner_counts *out)
{
    *out = (planner_counts){atomic_load(&planned),       atomic_load(&unplanned),
                            atomic_load(&twice),         atomic_load(&dead_runs),
                            atomic_load(&freed_running), atomic_load(&strangers)};
}

static const dnn_kernel *const kernels[] = {
    DNN_KERNEL(.op = "neg", .device = "cpu", .name = "planner_neg", .dtypes = DNN_T_F32,
               .priority = DNN_PRI_SPECIAL, .flags = DNN_K_REENTRANT | DNN_K_DETERMINISTIC,
               .plan = plan, .run = run, .unplan = unplan),
    NULL};

DNN_PLUGIN(.id = "planner", .version = "1.0.0", .build = "watches its plans", .kernels = kernels,
           .init = init)
