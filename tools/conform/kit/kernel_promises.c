/* kernel_promises.c - tests the flags of a kernel with direct calls: the same bits for every order
 * of the pool, several threads on one plan, the result in the memory of the input. It also tests
 * rules without a flag: equal calls get equal plans, and unplan frees all that plan allocates.
 * kernels.c calls it. */
#include "kit.h"
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CROWD = 4, TIMES = 10 }; /* threads on one plan, and how often each runs it */

typedef struct promise {
    kit_check *check;
    const conf_case *c;
    ref_array in[REF_MAX_IN];
    kit_call *first; /* the call on one thread, with which the others are compared */
} promise;

static bool promises(const promise *p, uint32_t flag)
{
    return (p->check->k->table->flags & flag) != 0;
}

static void set_note(const promise *p, const char *note)
{
    char line[512];
    dnn__text text = dnn__text_to(line, sizeof line);

    p->check->h.note = note;
    conf_describe(&p->check->h, p->c, &text);
    kit_doing(p->check->child, p->check->row, p->check->h.sink.dtype, "%s", line);
    p->check->cases++;
}

static void judge(const promise *p, const kit_call *call)
{
    ref_array want[REF_MAX_OUT] = {0};

    if (!conf_reference(&p->check->h, p->c, p->in, want))
        conf_fail(&p->check->h, p->c, "no memory for the reference");
    for (int j = 0; j < p->c->n_out; j++) {
        ref_array got = {0};

        if (want[j].dtype != 0 && kit_call_read(call, j, &got))
            conf_judge(&p->check->h, p->c, j, &want[j], &got, false);
        ref_array_free(&got);
        ref_array_free(&want[j]);
    }
}

/* Opens, plans and runs a call. Returns false if it was declined or failed; a failure was reported.
 */
static bool complete(const promise *p, kit_call *call, const kit_setup *setup)
{
    bool good = false;
    dnn_status status;

    if (!kit_call_open(call, p->check->k, p->c, p->in, setup)) {
        conf_fail(&p->check->h, p->c, "no memory for the operands");
    } else if (kit_accepts(p->check, call)) {
        kit_watch(call);
        status = kit_call_memory(call) ? kit_call_run(call) : DNN_E_NOMEM;
        kit_watch(NULL);
        good = status == DNN_OK;
        if (!good)
            conf_fail(&p->check->h, p->c, "run fails with %d after plan accepted: %s", (int)status,
                      kit_said());
    }
    return good;
}

static void same_bits(const promise *p, const kit_call *one, const kit_call *other,
                      const char *promised, const char *how, const char *else_how)
{
    int64_t where;

    for (int j = 0; j < p->c->n_out; j++) {
        if (p->c->out[j].dtype != 0 && !kit_call_same(one, other, j, &where)) {
            conf_fail(&p->check->h, p->c,
                      "it says %s, and %s other bits come out than %s: output %d, element %lld",
                      promised, how, else_how, j, (long long)where);
            return;
        }
    }
    conf_pass(&p->check->h);
}

/* ---- the same bits on any number of threads ---- */

static void check_pool(promise *p, int threads, bool scramble)
{
    static kit_call call;
    kit_setup setup = {.only = -1, .poison_out = 0xff, .poison_workspace = 0xff};
    char name[64];

    snprintf(name, sizeof name,
             scramble ? "with the pieces of %d threads in another order" : "with %d threads",
             threads);
    set_note(p, name);
    if (scramble)
        kit_scramble(threads);
    else if (dnn_set_threads(threads) != DNN_OK)
        return;
    if (complete(p, &call, &setup)) {
        if (promises(p, DNN_K_DETERMINISTIC))
            same_bits(p, p->first, &call, "DETERMINISTIC", name, "with 1");
        else
            judge(p, &call);
    }
    kit_scramble(0);
    kit_call_close(&call);
}

/* ---- in place ---- */

static bool fits_in_place(const promise *p)
{
    const conf_operand *x = &p->c->in[0], *y = &p->c->out[0];

    return promises(p, DNN_K_INPLACE) && p->c->n_in > 0 && p->c->alias[0] < 0 && x->dtype != 0 &&
           x->dtype == y->dtype && x->shape.ndim == y->shape.ndim &&
           memcmp(x->shape.dim, y->shape.dim, (size_t)x->shape.ndim * sizeof x->shape.dim[0]) == 0;
}

static void check_in_place(promise *p)
{
    static kit_call call;
    kit_setup setup = {.only = -1, .poison_out = 0xff, .poison_workspace = 0xff, .in_place = true};

    set_note(p, "in place");
    if (complete(p, &call, &setup))
        same_bits(p, p->first, &call, "INPLACE", "with the result over in[0]", "beside it");
    kit_call_close(&call);
}

/* ---- several threads on one plan ---- */

/* A thread with its own operands. `alone` is its result when no other thread runs. */
typedef struct runner {
    ref_array in[REF_MAX_IN];
    kit_call alone, among;
    pthread_mutex_t *gate; /* locked until all threads have started */
    bool compares;         /* compares after every run; else only the last result is compared */
    dnn_status status;
    char said[256];
} runner;

/* Returns whether the result differs from `alone`. The memory around it holds the same poison. */
static bool differs(const runner *r)
{
    for (int i = r->alone.c->n_in; i < r->alone.n; i++) {
        const kit_block *a = &r->alone.block[i], *b = &r->among.block[i];

        if (r->alone.pointer[i] != NULL && memcmp(a->room, b->room, a->room_bytes) != 0)
            return true;
    }
    return false;
}

static void *run_again(void *arg)
{
    runner *r = arg;

    pthread_mutex_lock(r->gate);
    pthread_mutex_unlock(r->gate);
    r->status = r->among.k->table->run(&r->among.call.s);
    for (int i = 1; i < TIMES && r->status == DNN_OK && !(r->compares && differs(r)); i++)
        r->status = r->among.k->table->run(&r->among.call.s);
    snprintf(r->said, sizeof r->said, "%s", kit_said());
    return NULL;
}

static bool open_runner(promise *p, runner *r)
{
    kit_setup setup = {.only = -1, .poison_out = 0xff, .poison_workspace = 0xff};
    promise own = *p;

    for (int i = 0; i < p->c->n_in; i++) {
        if (p->c->in[i].dtype != 0 &&
            !conf_fill(&r->in[i], &p->c->in[i], CONF_DENSE, &p->check->h.random))
            return false;
    }
    memcpy(own.in, r->in, sizeof own.in);
    return complete(&own, &r->alone, &setup) &&
           kit_call_open(&r->among, p->check->k, p->c, r->in, &setup) &&
           kit_accepts(p->check, &r->among) && kit_call_memory(&r->among);
}

static void judge_runner(promise *p, runner *r)
{
    promise own = *p;

    memcpy(own.in, r->in, sizeof own.in);
    if (r->status == DNN_OK)
        r->status = kit_call_fetch(&r->among);
    if (r->status != DNN_OK)
        conf_fail(&p->check->h, p->c,
                  "it says REENTRANT, and run fails with %d among %d threads on one plan: %s",
                  (int)r->status, CROWD, r->said);
    else if (promises(p, DNN_K_DETERMINISTIC))
        same_bits(p, &r->alone, &r->among, "REENTRANT", "among several threads on one plan",
                  "alone");
    else
        judge(&own, &r->among);
}

/* All threads use the state of the first call's plan. */
static void run_threads(promise *p, runner *runners)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread[CROWD];
    int n = 0;

    pthread_mutex_lock(&gate);
    for (; n < CROWD; n++) {
        runners[n].gate = &gate;
        runners[n].compares = promises(p, DNN_K_DETERMINISTIC);
        runners[n].among.call.s.state = runners[0].among.plan.s.state;
        if (pthread_create(&thread[n], NULL, run_again, &runners[n]) != 0)
            break;
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < n; i++)
        judge_runner(p, &runners[i]);
}

/* A row that changes its operands gives another result the second time. */
static bool is_repeatable(const conf_case *c)
{
    for (int j = 0; j < c->n_out; j++) {
        if (c->alias[j] >= 0)
            return false;
    }
    return true;
}

static void check_reentrant(promise *p)
{
    runner *runners = calloc(CROWD, sizeof *runners);
    bool good = runners != NULL;

    set_note(p, "several threads on one plan");
    for (int i = 0; i < CROWD && good; i++)
        good = open_runner(p, &runners[i]);
    if (good)
        run_threads(p, runners);
    for (int i = CROWD - 1; i >= 0 && runners != NULL; i--) {
        if (runners[i].alone.k != NULL)
            kit_call_close(&runners[i].alone);
        if (runners[i].among.k != NULL)
            kit_call_close(&runners[i].among);
        for (int k = 0; k < REF_MAX_IN; k++)
            ref_array_free(&runners[i].in[k]);
    }
    free(runners);
}

/* ---- plan and unplan ---- */

static bool same_answers(const kit_call *a, const kit_call *b)
{
    return a->plan.s.workspace_bytes == b->plan.s.workspace_bytes &&
           a->plan.s.stash_bytes == b->plan.s.stash_bytes &&
           memcmp(a->layouts, b->layouts, sizeof a->layouts) == 0 &&
           memcmp(a->out_bytes, b->out_bytes, sizeof a->out_bytes) == 0;
}

static void check_plans(promise *p)
{
    static kit_call a, b;
    kit_setup setup = {.only = -1};
    int64_t live = kit_count.live;

    if (p->check->k->table->plan == NULL)
        return;
    set_note(p, "two plans");
    if (kit_call_open(&a, p->check->k, p->c, p->in, &setup) &&
        kit_call_open(&b, p->check->k, p->c, p->in, &setup)) {
        dnn_status first = kit_call_plan(&a), second = kit_call_plan(&b);

        if (first != second || (first == DNN_OK && !same_answers(&a, &b)))
            conf_fail(&p->check->h, p->c,
                      "plan answers equal calls differently (%d and %d; workspace %llu and %llu "
                      "bytes, stash %llu and %llu)",
                      (int)first, (int)second, (unsigned long long)a.plan.s.workspace_bytes,
                      (unsigned long long)b.plan.s.workspace_bytes,
                      (unsigned long long)a.plan.s.stash_bytes,
                      (unsigned long long)b.plan.s.stash_bytes);
        else
            conf_pass(&p->check->h);
    }
    kit_call_close(&b);
    kit_call_close(&a);
    if (kit_count.live != live)
        conf_fail(&p->check->h, p->c,
                  "after plan and unplan %lld blocks of host->alloc are not freed",
                  (long long)(kit_count.live - live));
}

/* ---- leaks ---- */

enum {
    WARM = 4,
    PLANS = 64,
    RUNS = 12,
    LEAST_LEAK = 16 /* bytes of the smallest block that malloc returns */
};

/* Returns the bytes that malloc has allocated; 0 if it does not say, as under a sanitizer, which
 * finds leaks itself. */
static size_t allocated(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void plan_once(const promise *p)
{
    static kit_call call;
    kit_setup setup = {.only = -1};

    if (kit_call_open(&call, p->check->k, p->c, p->in, &setup))
        (void)kit_call_plan(&call);
    kit_call_close(&call);
}

static void report_leak(promise *p, int times, const char *what, size_t before)
{
    size_t after = allocated();

    if (after >= before + (size_t)times * LEAST_LEAK)
        conf_fail(&p->check->h, p->c, "%d times %s leave %zu bytes of malloc behind", times, what,
                  after - before);
    else
        conf_pass(&p->check->h);
}

static void check_leaks(promise *p)
{
    size_t before = 0;

    set_note(p, "again and again");
    for (int i = -WARM; i < PLANS && p->check->k->table->plan != NULL; i++) {
        before = i == 0 ? allocated() : before;
        plan_once(p);
    }
    if (p->check->k->table->plan != NULL)
        report_leak(p, PLANS, "plan and unplan", before);
    for (int i = -WARM; i < RUNS; i++) {
        before = i == 0 ? allocated() : before;
        if (p->check->k->table->run(&p->first->call.s) != DNN_OK)
            return;
    }
    report_leak(p, RUNS, "run", before);
}

/* ---- a case ---- */

/* All checks except those of the pool run on one thread, for which the first call was planned. */
static void check_all(promise *p)
{
    for (int threads = 2; threads <= 16; threads += 14)
        check_pool(p, threads, false);
    check_pool(p, 16, true);
    if (dnn_set_threads(1) != DNN_OK)
        return;
    if (fits_in_place(p))
        check_in_place(p);
    if (promises(p, DNN_K_REENTRANT) && is_repeatable(p->c) && p->check->k->device.api == NULL)
        check_reentrant(p);
    check_plans(p);
    if (is_repeatable(p->c) && p->check->k->device.api == NULL)
        check_leaks(p);
}

void kit_emit_promises(conf_sink *sink, const conf_case *c)
{
    static kit_call first;
    promise p = {.check = (kit_check *)sink, .c = c, .first = &first};
    kit_setup setup = {.only = -1, .poison_out = 0xff, .poison_workspace = 0xff};
    int before = dnn_get_threads();
    bool good = c->call == NULL && c->n_out > 0 && dnn_set_threads(1) == DNN_OK;

    for (int i = 0; i < c->n_in && good; i++)
        good =
            c->in[i].dtype == 0 || conf_fill(&p.in[i], &c->in[i], CONF_DENSE, &p.check->h.random);
    if (good && ref_count((int)c->out[0].shape.ndim, c->out[0].shape.dim) > 0) {
        set_note(&p, "1 thread");
        if (complete(&p, &first, &setup)) {
            judge(&p, &first);
            check_all(&p);
        }
        kit_call_close(&first);
    }
    for (int i = 0; i < REF_MAX_IN; i++)
        ref_array_free(&p.in[i]);
    p.check->h.note = "";
    if (dnn_set_threads(before) != DNN_OK)
        conf_fail(&p.check->h, c, "%d threads cannot be set again", before);
}
