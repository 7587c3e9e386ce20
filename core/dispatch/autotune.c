/* autotune.c - DNN_TUNE: runs the candidates that accept a call on its operands, in turn, with
 * scratch for the results. The one with the smallest median is asked first from then on.
 * select.c calls it when it makes a plan; autotune_file.c keeps the winners. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "preferences.h"
#include "autotune.h"
#include "autotune_file.h"
#include "candidate.h"
#include "plan_key.h"
#include "dispatch_state.h"
#include "trial.h"

/* Protects the table and its file; not held while a kernel runs. Recursive, because a program's
 * log callback may call operators. */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* One contest at a time, because two would disturb each other. A thread tries for a short time
 * only, because it may hold the layouts' lock. A contest inside another, for a copy that a
 * candidate needs, has the turn already. */
static atomic_bool turn_taken;
static DNN__THREAD_LOCAL int depth;

static bool take_turn(void)
{
    static const struct timespec pause = {0, 2000000};
    bool mine = false;

    depth++;
    for (int i = 0; depth == 1 && !mine && i < 100; i++) {
        mine = !atomic_exchange(&turn_taken, true);
        if (!mine) {
            nanosleep(&pause, NULL);
        }
    }
    return mine;
}

static void give_turn(bool mine)
{
    depth--;
    if (mine) {
        atomic_store(&turn_taken, false);
    }
}

/* ---- the key of a timing ---- */

static void add_text(XXH3_state_t *state, const char *text)
{
    text = text != NULL ? text : "";
    XXH3_128bits_update(state, text, strlen(text) + 1);
}

/* Replaces numbers that hold in this process only (ids of operators, kinds and layouts) by their
 * names. The id of a layout stays in the key beside its name: another process may miss because
 * of it, and then times anew. */
static void add_call(XXH3_state_t *state, dnn__frame *f)
{
    size_t words = (size_t)dnn__key_make(f), pinned = f->pair != NULL ? 2 : 0;
    uint64_t head[3] = {f->key[0] & ~(uint64_t)0xffff, f->key[1], f->key[2] & UINT32_MAX};

    add_text(state, dnn_version());
    add_text(state, f->op->name);
    add_text(state, dnn__kind_name(dnn__dev(f->device)->kind));
    XXH3_128bits_update(state, head, sizeof head);
    if (f->pair != NULL) { /* words 4 and 5: an address, and bytes */
        add_text(state, f->pair->plugin->id);
        XXH3_128bits_update(state, &f->pair->bytes, sizeof f->pair->bytes);
    }
    XXH3_128bits_update(state, f->key + 4 + pinned, (words - 4 - pinned) * sizeof *f->key);
    for (int i = 0; i < f->n_in + f->n_out; i++) {
        if (f->pointer[i] != NULL && f->pointer[i]->layout != 0) {
            add_text(state, dnn__host.layout_name(f->pointer[i]->layout));
        }
    }
}

/* libdnn knows no model name of a device; the size of its memory tells most apart. */
static void add_device(XXH3_state_t *state, const dnn__device *device)
{
    uint64_t bytes = dnn__device_total_bytes(device);

    XXH3_128bits_update(state, &bytes, sizeof bytes);
}

static void make_key(dnn__frame *f, dnn__candidates candidates, uint64_t key[2])
{
    XXH3_state_t state;
    XXH128_hash_t digest;

    XXH3_128bits_reset(&state);
    add_call(&state, f);
    add_device(&state, f->device);
    for (int32_t i = 0; i < candidates.n; i++) {
        const dnn__kernel *k = candidates.kernel[i];

        add_text(&state, k->plugin->id);
        add_text(&state, k->plugin->table.version);
        add_text(&state, k->plugin->table.build);
        add_text(&state, k->table.name);
    }
    digest = XXH3_128bits_digest(&state);
    key[0] = digest.high64;
    key[1] = digest.low64;
}

static void put_call(char *buffer, size_t bytes, const dnn__frame *f)
{
    dnn__text text = dnn__text_to(buffer, bytes);
    dnn_dtype dtype = 0;

    dnn__put(&text, "%s", f->op->name);
    for (int i = 0; i < f->n_in; i++) {
        const dnn_view *v = f->pointer[i];

        if (v == NULL) {
            dnn__put(&text, " -");
            continue;
        }
        if (v->dtype != dtype) {
            dtype = v->dtype;
            dnn__put(&text, " %s", dnn_dtype_name(dtype));
        }
        dnn__put(&text, " ");
        dnn__put_shape(&text, v->ndim, v->dim);
    }
}

/* ---- the contest ---- */

enum { MOST = 16, ROUNDS = 15, FEWEST_ROUNDS = 3, HOPELESS = 8 };
static const int64_t enough_ns = 50000000, too_long_ns = 1000000000;

struct runner {
    dnn__kernel *kernel;
    dnn__plan *plan;
    int64_t ns[ROUNDS], median;
    int n;
    bool out; /* the candidate failed, or cannot win any more */
    char failure[256];
};

struct contest {
    struct runner runner[MOST];
    int n;
    int64_t spent;
};

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Opens a runner for each candidate that accepts the call, with its plan. */
static void gather(dnn__frame *f, dnn__candidates candidates, struct contest *c)
{
    for (int32_t i = 0; i < candidates.n && c->n < MOST; i++) {
        struct runner *r = &c->runner[c->n];
        dnn_status status = dnn__plan_of(f, candidates.kernel[i], &r->plan);

        if (status == DNN_OK) {
            r->kernel = candidates.kernel[i];
            c->n++;
        }
    }
}

static dnn_status time_once(dnn__frame *f, struct runner *r, int64_t *ns)
{
    int64_t begin;

    DNN_TRY(dnn__device_sync(f->device));
    begin = now_ns();
    DNN_TRY(dnn__trial(f, r->plan));
    DNN_TRY(dnn__device_sync(f->device));
    *ns = now_ns() - begin;
    return DNN_OK;
}

/* The least time of a runner, so that an outlier does not end a candidate. */
static int64_t least(const struct runner *r)
{
    int64_t ns = INT64_MAX;

    for (int i = 0; i < r->n; i++) {
        ns = r->ns[i] < ns ? r->ns[i] : ns;
    }
    return ns;
}

/* Runs each candidate once. Round -1 warms up. DNN_E_NOMEM ends the contest; another failure
 * ends the candidate. */
static dnn_status run_round(dnn__frame *f, struct contest *c, int round)
{
    for (int i = 0; i < c->n; i++) {
        struct runner *r = &c->runner[i];
        int64_t ns = 0;
        dnn_status status = r->out ? DNN_OK : time_once(f, r, &ns);

        if (status == DNN_E_NOMEM) {
            return status;
        }
        if (status != DNN_OK) {
            dnn__text text = dnn__text_to(r->failure, sizeof r->failure);

            dnn__put(&text, "%s", dnn__message_text());
            r->out = true;
            r->n = 0;
        } else if (!r->out && round >= 0) {
            r->ns[r->n++] = ns;
        }
        c->spent += ns;
    }
    return DNN_OK;
}

static void drop_hopeless(struct contest *c)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < c->n; i++) {
        best = least(&c->runner[i]) < best ? least(&c->runner[i]) : best;
    }
    for (int i = 0; i < c->n; i++) {
        struct runner *r = &c->runner[i];

        r->out = r->out || least(r) / HOPELESS > best;
    }
}

static bool go_on(const struct contest *c, int round)
{
    return round < 1 || (round < FEWEST_ROUNDS && c->spent < too_long_ns) ||
           (round < ROUNDS && c->spent < enough_ns);
}

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Finds the fastest and the second; of equals the earlier in the order. false: every candidate
 * failed. */
static bool judge(struct contest *c, dnn__timing *t)
{
    const struct runner *best = NULL;

    t->next_ns = 0;
    for (int i = 0; i < c->n; i++) {
        struct runner *r = &c->runner[i];

        if (r->n == 0) {
            continue;
        }
        qsort(r->ns, (size_t)r->n, sizeof r->ns[0], compare_ns);
        r->median = r->ns[r->n / 2];
        if (best == NULL || r->median < best->median) {
            t->next_ns = best != NULL ? best->median : 0;
            best = r;
        } else if (t->next_ns == 0 || r->median < t->next_ns) {
            t->next_ns = r->median;
        }
    }
    if (best == NULL) {
        return false;
    }
    t->ns = best->median;
    snprintf(t->plugin, sizeof t->plugin, "%s", best->kernel->plugin->id);
    return (size_t)snprintf(t->kernel, sizeof t->kernel, "%s", best->kernel->table.name) <
           sizeof t->kernel;
}

/* Logged only if another candidate succeeded: else the call itself fails and says it. */
static void tell_failures(const dnn__frame *f, const struct contest *c)
{
    for (int i = 0; i < c->n; i++) {
        if (c->runner[i].failure[0] != 0) {
            dnn__log(DNN_LOG_WARN,
                     "libdnn: a kernel failed when it was timed for %s and is passed over: %s",
                     f->op->name, c->runner[i].failure);
        }
    }
}

/* false: fewer than two candidates accept, memory is short, or all failed. */
static bool run_contest(dnn__frame *f, dnn__candidates candidates, dnn__timing *t)
{
    struct contest c;
    dnn_status status = DNN_OK;

    memset(&c, 0, sizeof c);
    gather(f, candidates, &c);
    for (int round = -1; c.n > 1 && status == DNN_OK && go_on(&c, round); round++) {
        status = run_round(f, &c, round);
        if (round == FEWEST_ROUNDS - 1) {
            drop_hopeless(&c);
        }
    }
    if (status == DNN_E_NOMEM) {
        dnn__log(DNN_LOG_INFO, "libdnn: %s is not tuned: %s", f->op->name,
                 dnn__after_name(dnn__message_text(), f->op->name));
    }
    for (int i = 0; i < c.n; i++) {
        dnn__plan_release(c.runner[i].plan);
    }
    if (c.n < 2 || status != DNN_OK || !judge(&c, t)) {
        return false;
    }
    tell_failures(f, &c);
    return true;
}

/* As run_contest; restores the thread's message and its dnn_explain. */
static bool run_contest_quietly(dnn__frame *f, dnn__candidates candidates, dnn__timing *t)
{
    dnn_explain_fn explain = dnn__dispatch_self.explain;
    dnn__message message = dnn__message_save();
    bool held, mine = take_turn();

    dnn__dispatch_self.explain = NULL;
    held = run_contest(f, candidates, t);
    dnn__dispatch_self.explain = explain;
    give_turn(mine);
    dnn__message_restore(&message);
    return held;
}

/* ---- the selection ---- */

/* Excludes rows that mutate operands (a trial cannot run them), pinned kernels, dry runs and
 * plan_only requests (their operands have no values), and calls inside the thread pool (the key
 * counts threads that are busy there). */
static bool is_tuned(const dnn__frame *f, int32_t kind, dnn__candidates candidates)
{
    return dnn_get_tune() && !f->request->plan_only && (f->mode & DNN_M_DETERMINISTIC) == 0 &&
           candidates.n > 1 && kind == dnn__dev(f->device)->kind &&
           (f->op->traits & (DNN__MUTATES | DNN__MOVES_LAYOUT)) == 0 && dnn__dry_run == 0 &&
           candidates.kernel[0]->pin == 0 && !dnn__self.in_pool;
}

static void put_time(dnn__text *text, int64_t ns)
{
    if (ns < 1000000) {
        dnn__put(text, "%.1f us", (double)ns / 1e3);
    } else {
        dnn__put(text, "%.1f ms", (double)ns / 1e6);
    }
}

static dnn__kernel *named(dnn__candidates candidates, const dnn__timing *t)
{
    for (int32_t i = 0; i < candidates.n; i++) {
        if (strcmp(candidates.kernel[i]->plugin->id, t->plugin) == 0 &&
            strcmp(candidates.kernel[i]->table.name, t->kernel) == 0) {
            return candidates.kernel[i];
        }
    }
    return NULL;
}

static bool remembered(dnn__timing *t)
{
    const dnn__timing *known;

    pthread_mutex_lock(&lock);
    known = dnn__timing_find(t->key);
    if (known != NULL) {
        *t = *known;
    }
    pthread_mutex_unlock(&lock);
    return known != NULL;
}

static void remember(const dnn__timing *t)
{
    pthread_mutex_lock(&lock);
    dnn__timing_keep(t);
    pthread_mutex_unlock(&lock);
}

static void put_times(dnn__text *text, const dnn__timing *t)
{
    dnn__put(text, "; tuned: ");
    put_time(text, t->ns);
    if (t->next_ns > 0) {
        dnn__put(text, ", next ");
        put_time(text, t->next_ns);
    }
}

dnn__kernel *dnn__autotuned(dnn__frame *f, int32_t kind, dnn__candidates candidates, char *note,
                            size_t bytes)
{
    dnn__text text = dnn__text_to(note, bytes);
    dnn__timing t = {.age = 0};
    dnn__kernel *k;

    if (!is_tuned(f, kind, candidates)) {
        return NULL;
    }
    make_key(f, candidates, t.key);
    k = remembered(&t) ? named(candidates, &t) : NULL;
    if (k == NULL) {
        put_call(t.call, sizeof t.call, f);
        if (!run_contest_quietly(f, candidates, &t)) {
            return NULL;
        }
        remember(&t);
        k = named(candidates, &t);
    }
    put_times(&text, &t);
    return k;
}

const char *dnn_get_tune_file(void)
{
    const char *path;

    pthread_mutex_lock(&lock);
    path = dnn__timings_path();
    pthread_mutex_unlock(&lock);
    return path;
}

void dnn__autotune_stop(void)
{
    pthread_mutex_lock(&lock);
    dnn__timings_drop();
    pthread_mutex_unlock(&lock);
}
