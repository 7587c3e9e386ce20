/* phantom.c - a device in software: memory that the host cannot access, and a stream whose work
 * runs late, on its own thread.
 *
 * Its kernels are the sources of cpu_blas, compiled for the device kind "phantom" and wrapped:
 * run() puts a copy of the call into a queue, and the stream's thread executes it when the host
 * synchronizes. Device memory is PROT_NONE, except the operands of a call while that call executes.
 * So these faults of the core or of a plugin end in SIGSEGV, on any machine: a host access to
 * device memory, a missing synchronization, a view read after run() returned, memory freed too
 * early. The operator erf has no kernel here on purpose: the core must compute it by a
 * decomposition or on the host. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "cpu_blas.h"

static const char left_out[] = "erf";
static const dnn_host *host;

/* ---- memory ---- */

struct block {
    struct block *next;
    char *data;
    size_t bytes;
};

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;

static dnn_status memory_alloc(int32_t ordinal, uint64_t bytes, uint32_t mem, void **out)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), rounded;
    struct block *b;
    void *data;

    (void)ordinal;
    if (bytes > SIZE_MAX - page) {
        return host->fail(DNN_E_NOMEM, "%llu bytes: more than the address space",
                          (unsigned long long)bytes);
    }
    rounded = (bytes + page - 1) / page * page;
    if ((mem & DNN_MEM_HOST) != 0) {
        *out = aligned_alloc(page, rounded);
        return *out != NULL
                   ? DNN_OK
                   : host->fail(DNN_E_NOMEM, "%zu bytes of host memory: out of memory", rounded);
    }
    b = malloc(sizeof *b);
    data =
        b != NULL ? mmap(NULL, rounded, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
    if (data == MAP_FAILED) {
        free(b);
        return host->fail(DNN_E_NOMEM, "%zu bytes: %s", rounded, strerror(errno));
    }
    pthread_mutex_lock(&blocks_lock);
    *b = (struct block){blocks, data, rounded};
    blocks = b;
    pthread_mutex_unlock(&blocks_lock);
    *out = data;
    return DNN_OK;
}

static void memory_free(int32_t ordinal, void *p, uint32_t mem)
{
    struct block **at, *b = NULL;

    (void)ordinal;
    if ((mem & DNN_MEM_HOST) != 0) {
        free(p);
        return;
    }
    pthread_mutex_lock(&blocks_lock);
    for (at = &blocks; *at != NULL && (*at)->data != p; at = &(*at)->next) {
    }
    b = *at;
    if (b != NULL) {
        *at = b->next;
    }
    pthread_mutex_unlock(&blocks_lock);
    if (b != NULL) {
        munmap(b->data, b->bytes);
        free(b);
    }
}

static dnn_status memory_info(int32_t ordinal, uint64_t *free_bytes, uint64_t *total)
{
    (void)ordinal;
    *free_bytes = *total = (uint64_t)1 << 32;
    return DNN_OK;
}

static dnn_status count(int32_t *n)
{
    *n = 1;
    return DNN_OK;
}

/* Sets the protection of the block that p points into. Host memory is in no block and stays as it
 * is. */
static void protect(const void *p, int protection)
{
    struct block *b;

    if (p == NULL) {
        return;
    }
    pthread_mutex_lock(&blocks_lock);
    for (b = blocks; b != NULL; b = b->next) {
        if ((const char *)p >= b->data && (const char *)p < b->data + b->bytes) {
            mprotect(b->data, b->bytes, protection);
            break;
        }
    }
    pthread_mutex_unlock(&blocks_lock);
}

/* ---- the stream: a queue, and a thread that executes it when the host synchronizes ---- */

enum kind { KERNEL, COPY, FILL, EVENT };

struct task {
    struct task *next;
    uint64_t number;
    enum kind kind;
    dnn_status (*run)(const dnn_call *);
    dnn_call *call; /* a deep copy */
    void *to;
    const void *from;
    uint64_t bytes;
    uint8_t byte;
};

struct stream {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct task *first, *last;
    uint64_t enqueued, finished, wanted; /* numbers of tasks: the last one in the queue, the last
                                            one done, the last one to execute */
    bool stop;
    dnn_status status; /* of the first task that failed; later syncs return it again */
    char text[512];
};

enum {
    QUEUE_MOST = 512
}; /* with more tasks in the queue, the thread executes them without a synchronization */

/* The stream of this thread. A kernel that executes late writes its error text there. */
static _Thread_local struct stream *this_stream;

static dnn_status late_fail(dnn_status status, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    if (this_stream != NULL && this_stream->status == DNN_OK) {
        vsnprintf(this_stream->text, sizeof this_stream->text, fmt, list);
    }
    va_end(list);
    return status;
}

static dnn_host late_host;

static void protect_operands(const dnn_call *c, int protection)
{
    for (uint32_t i = 0; i < c->n_in; i++) {
        protect(c->in[i] != NULL ? c->in[i]->data : NULL, protection);
    }
    for (uint32_t i = 0; i < c->n_out; i++) {
        protect(c->out[i] != NULL ? c->out[i]->data : NULL, protection);
    }
    protect(c->workspace, protection);
    protect(c->stash, protection);
}

static dnn_status execute(const struct task *t)
{
    dnn_status status = DNN_OK;

    switch (t->kind) {
    case KERNEL:
        protect_operands(t->call, PROT_READ | PROT_WRITE);
        status = t->run(t->call);
        protect_operands(t->call, PROT_NONE);
        break;
    case COPY:
        protect(t->to, PROT_READ | PROT_WRITE);
        protect(t->from, PROT_READ | PROT_WRITE);
        memcpy(t->to, t->from, t->bytes);
        protect(t->to, PROT_NONE);
        protect(t->from, PROT_NONE);
        break;
    case FILL:
        protect(t->to, PROT_READ | PROT_WRITE);
        memset(t->to, t->byte, t->bytes);
        protect(t->to, PROT_NONE);
        break;
    case EVENT:
        break;
    }
    return status;
}

static void task_free(struct task *t)
{
    free(t->call);
    free(t);
}

static struct task *next_task(struct stream *s)
{
    while (!s->stop && (s->first == NULL || s->wanted <= s->finished)) {
        pthread_cond_wait(&s->work, &s->lock);
    }
    return s->stop ? NULL : s->first;
}

static void *stream_main(void *arg)
{
    struct stream *s = arg;
    struct task *t;

    this_stream = s;
    pthread_mutex_lock(&s->lock);
    while ((t = next_task(s)) != NULL) {
        dnn_status status;

        pthread_mutex_unlock(&s->lock);
        status = execute(t);
        pthread_mutex_lock(&s->lock);
        if (status != DNN_OK && s->status == DNN_OK) {
            s->status = status;
        }
        s->first = t->next;
        s->last = s->first != NULL ? s->last : NULL;
        s->finished = t->number;
        task_free(t);
        pthread_cond_broadcast(&s->done);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static dnn_status stream_new(int32_t ordinal, void **out)
{
    struct stream *s = calloc(1, sizeof *s);

    (void)ordinal;
    if (s == NULL) {
        return host->fail(DNN_E_NOMEM, "no memory for a stream");
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->done, NULL);
    if (pthread_create(&s->thread, NULL, stream_main, s) != 0) {
        free(s);
        return host->fail(DNN_E_DEVICE, "no thread for a stream");
    }
    *out = s;
    return DNN_OK;
}

/* Executes the tasks up to `number` and waits until they are done. */
static void finish_until(struct stream *s, uint64_t number)
{
    pthread_mutex_lock(&s->lock);
    s->wanted = number > s->wanted ? number : s->wanted;
    pthread_cond_signal(&s->work);
    while (s->finished < number) {
        pthread_cond_wait(&s->done, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

static dnn_status stream_sync(int32_t ordinal, void *stream)
{
    struct stream *s = stream;

    (void)ordinal;
    finish_until(s, s->enqueued);
    return s->status == DNN_OK ? DNN_OK : host->fail(s->status, "%s", s->text);
}

static void stream_del(int32_t ordinal, void *stream)
{
    struct stream *s = stream;

    (void)ordinal;
    finish_until(s, s->enqueued);
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->done);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void enqueue(struct stream *s, struct task *t)
{
    pthread_mutex_lock(&s->lock);
    t->number = ++s->enqueued;
    if (s->last != NULL) {
        s->last->next = t;
    } else {
        s->first = t;
    }
    s->last = t;
    if (s->enqueued - s->finished > QUEUE_MOST) {
        s->wanted = s->enqueued;
        pthread_cond_signal(&s->work);
    }
    pthread_mutex_unlock(&s->lock);
}

static dnn_status enqueue_new(struct stream *s, struct task content)
{
    struct task *t = malloc(sizeof *t);

    if (t == NULL) {
        free(content.call);
        return host->fail(DNN_E_NOMEM, "no memory to enqueue a task");
    }
    *t = content;
    enqueue(s, t);
    return DNN_OK;
}

static dnn_status copy(int32_t ordinal, void *stream, void *dst, uint32_t dst_mem, const void *src,
                       uint32_t src_mem, uint64_t bytes)
{
    (void)ordinal;
    (void)dst_mem;
    (void)src_mem;
    return enqueue_new(stream, (struct task){.kind = COPY, .to = dst, .from = src, .bytes = bytes});
}

static dnn_status fill(int32_t ordinal, void *stream, void *dst, uint8_t byte, uint64_t bytes)
{
    (void)ordinal;
    return enqueue_new(stream,
                       (struct task){.kind = FILL, .to = dst, .byte = byte, .bytes = bytes});
}

struct event {
    struct stream *stream;
    uint64_t number;
};

static dnn_status event_record(int32_t ordinal, void *stream, void **out)
{
    struct event *e = *out != NULL ? *out : calloc(1, sizeof *e);
    struct stream *s = stream;

    (void)ordinal;
    if (e == NULL) {
        return host->fail(DNN_E_NOMEM, "no memory for an event");
    }
    *out = e;
    if (enqueue_new(s, (struct task){.kind = EVENT}) != DNN_OK) {
        return DNN_E_NOMEM;
    }
    e->stream = s;
    e->number = s->enqueued;
    return DNN_OK;
}

static dnn_status event_wait(int32_t ordinal, void *stream, void *event)
{
    struct event *e = event;

    (void)ordinal;
    /* A stream executes in order, so only an event of another stream needs a wait. */
    if (e->stream != stream) {
        finish_until(e->stream, e->number);
    }
    return DNN_OK;
}

static dnn_status event_done(int32_t ordinal, void *event, int32_t *done)
{
    struct event *e = event;

    (void)ordinal;
    pthread_mutex_lock(&e->stream->lock);
    *done = e->stream->finished >= e->number;
    /* The caller asks for progress, so the tasks up to the event may execute. */
    if (*done == 0 && e->number > e->stream->wanted) {
        e->stream->wanted = e->number;
        pthread_cond_signal(&e->stream->work);
    }
    pthread_mutex_unlock(&e->stream->lock);
    return e->stream->status == DNN_OK ? DNN_OK
                                       : host->fail(e->stream->status, "%s", e->stream->text);
}

static void event_del(int32_t ordinal, void *event)
{
    (void)ordinal;
    free(event);
}

/* ---- kernels ---- */

static size_t view_bytes(const dnn_view *v)
{
    return v != NULL ? sizeof *v + 2 * sizeof(int64_t) * (size_t)v->ndim : 0;
}

static char *copy_view(char *at, const dnn_view *v, const dnn_view **out)
{
    dnn_view *copied = (void *)at;
    size_t bytes = v != NULL ? sizeof(int64_t) * (size_t)v->ndim : 0;

    *out = NULL;
    if (v == NULL) {
        return at;
    }
    *copied = *v;
    at += sizeof *v;
    memcpy(at, v->dim, bytes);
    copied->dim = (void *)at;
    if (v->stride != NULL) { /* NULL: a private layout */
        memcpy(at + bytes, v->stride, bytes);
        copied->stride = (void *)(at + bytes);
    }
    *out = copied;
    return at + 2 * bytes;
}

/* Copies the call and all that it points to into one block, because the core's own structs are
 * valid only until run() returns. */
static dnn_call *copy_call(const dnn_call *c)
{
    uint32_t attr_bytes = c->attr != NULL ? *(const uint32_t *)c->attr : 0;
    size_t n = c->n_in + c->n_out,
           bytes = sizeof *c + n * sizeof(dnn_view *) + (attr_bytes + 7) / 8 * 8;
    const dnn_view **pointer;
    dnn_call *copied;
    char *at;

    for (uint32_t i = 0; i < c->n_in; i++) {
        bytes += view_bytes(c->in[i]);
    }
    for (uint32_t i = 0; i < c->n_out; i++) {
        bytes += view_bytes(c->out[i]);
    }
    copied = malloc(bytes);
    if (copied == NULL) {
        return NULL;
    }
    *copied = *c;
    pointer = (void *)(copied + 1);
    at = (char *)(pointer + n);
    copied->in = pointer;
    copied->out = pointer + c->n_in;
    copied->host = &late_host;
    if (attr_bytes > 0) {
        memcpy(at, c->attr, attr_bytes);
        copied->attr = at;
        at += (attr_bytes + 7) / 8 * 8;
    }
    for (uint32_t i = 0; i < c->n_in; i++) {
        at = copy_view(at, c->in[i], &pointer[i]);
    }
    for (uint32_t i = 0; i < c->n_out; i++) {
        at = copy_view(at, c->out[i], &pointer[c->n_in + i]);
    }
    return copied;
}

enum { SLOTS = 200 };
static dnn_kernel wrapped[SLOTS];
static const dnn_kernel *table[SLOTS + 1], *original[SLOTS];

static dnn_status run_slot(int slot, const dnn_call *c)
{
    dnn_call *copied;

    if (c->stream == NULL) {
        return host->fail(DNN_E_INTERNAL, "a call without a stream");
    }
    copied = copy_call(c);
    if (copied == NULL) {
        return host->fail(DNN_E_NOMEM, "no memory to enqueue a call");
    }
    return enqueue_new(c->stream,
                       (struct task){.kind = KERNEL, .run = original[slot]->run, .call = copied});
}

/* run() does not receive its kernel, so each entry of the table needs a function of its own. */
#define EACH_ONE(F, t) \
    F(t##0) F(t##1) F(t##2) F(t##3) F(t##4) F(t##5) F(t##6) F(t##7) F(t##8) F(t##9)
/* clang-format off */
#define EACH_TEN(F, h)                                                              \
    EACH_ONE(F, h##0) EACH_ONE(F, h##1) EACH_ONE(F, h##2) EACH_ONE(F, h##3) EACH_ONE(F, h##4) \
    EACH_ONE(F, h##5) EACH_ONE(F, h##6) EACH_ONE(F, h##7) EACH_ONE(F, h##8) EACH_ONE(F, h##9)
/* clang-format on */
#define EACH_SLOT(F) EACH_TEN(F, 1) EACH_TEN(F, 2) /* 100 .. 299 */

#define DEFINE_RUN(n)                            \
    static dnn_status run_##n(const dnn_call *c) \
    {                                            \
        return run_slot(n - 100, c);             \
    }
EACH_SLOT(DEFINE_RUN)
#define NAME_RUN(n) run_##n,
static dnn_status (*const slot_run[SLOTS])(const dnn_call *) = {EACH_SLOT(NAME_RUN)};

static void wrap_kernels(void)
{
    const dnn_kernel *const *kernels = dnn_cpu_kernels();
    int n = 0;

    for (int i = 0; kernels[i] != NULL && n < SLOTS; i++) {
        if (strcmp(kernels[i]->op, left_out) == 0) {
            continue;
        }
        original[n] = kernels[i];
        wrapped[n] = *kernels[i];
        wrapped[n].run = slot_run[n];
        table[n] = &wrapped[n];
        n++;
    }
    table[n] = NULL;
}

static dnn_status init(const dnn_host *h)
{
    host = h;
    late_host = *h;
    late_host.fail = late_fail;
    return dnn_cpu_init(h);
}

static const dnn_device device = {
    .size = sizeof(dnn_device),
    .kind = "phantom",
    .dlpack_type = 12, /* kDLExtDev */
    .count = count,
    .mem_info = memory_info,
    .alloc = memory_alloc,
    .free = memory_free,
    .copy = copy,
    .fill = fill,
    .stream_new = stream_new,
    .stream_del = stream_del,
    .stream_sync = stream_sync,
    .event_record = event_record,
    .event_wait = event_wait,
    .event_done = event_done,
    .event_del = event_del,
};

const dnn_plugin *dnn_plugin_v1(void)
{
    static const dnn_plugin plugin = {
        .size = sizeof(dnn_plugin),
        .id = "phantom",
        .version = "1.0.0",
        .build = "the kernels of cpu_blas on a software device",
        .init = init,
        .kernels = table,
        .device = &device,
    };

    if (table[0] == NULL) {
        wrap_kernels();
    }
    return &plugin;
}
