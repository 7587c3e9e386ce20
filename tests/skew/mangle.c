/* mangle.c - linked into the conformance program, puts itself between the core and every kernel:
 * what a kernel gets are copies of the call, its views, the plan and the host's table, each at the
 * end of a page that is followed by one that cannot be read.
 *
 * MANGLE_MORE 0: cut to the sizes of v1.0: who reads a newer member without DNN_HAS faults.
 * MANGLE_MORE 64: longer by bytes that nobody knows: who compares sizes for equality fails.
 *
 * The copies are overwritten when the kernel returns: who keeps a view beyond run() computes
 * nonsense. It comes in by the linker: --wrap=dnn__candidates_build, --wrap=dnn__host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "plugin_impl.h"

enum { VIEW = 56, CALL = 104, PLAN = 56, HOST = 80, UNKNOWN_BYTE = 0xa5, GONE_BYTE = 0xee };

/* ---- the host's table ---- */

extern const dnn_host __real_dnn__host; /* NOLINT: the names are the linker's */

/* A whole page is ours: the table stands at its end, where the core looks for it. */
struct page {
    unsigned char filling[4096 - HOST - MANGLE_MORE];
    dnn_host table;
#if MANGLE_MORE > 0
    unsigned char more[MANGLE_MORE];
#endif
};
static _Alignas(4096) struct {
    struct page page;
    unsigned char guard[4096];
} room;
/* The table that plugins get: an alias of the one above. */
__asm__(".globl __wrap_dnn__host\n.set __wrap_dnn__host, room + (4096 - 80 - " MANGLE_TEXT ")\n");

/* Who looks for leaks at the end reads all static memory. */
static void open_guard(void)
{
    mprotect(room.guard, sizeof room.guard, PROT_READ);
}

__attribute__((constructor)) static void make_table(void)
{
    memset(&room, UNKNOWN_BYTE, sizeof room);
    memcpy(&room.page.table, &__real_dnn__host, HOST);
    room.page.table.size = HOST + MANGLE_MORE;
    if (atexit(open_guard) != 0 || mprotect(room.guard, sizeof room.guard, PROT_NONE) != 0) {
        perror("mprotect");
        exit(1);
    }
}

/* ---- copies at the end of a page ---- */

enum { MAX_SLOTS = 300 };
static __thread unsigned char *slots[MAX_SLOTS];
static size_t page_bytes;

static unsigned char *slot(int i)
{
    if (i >= MAX_SLOTS) {
        fprintf(stderr, "mangle: a call of more than %d structs\n", MAX_SLOTS);
        exit(1);
    }
    if (slots[i] == NULL) {
        page_bytes = (size_t)sysconf(_SC_PAGESIZE);
        slots[i] =
            mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (slots[i] == MAP_FAILED || mprotect(slots[i] + page_bytes, page_bytes, PROT_NONE) != 0) {
            perror("mangle");
            exit(1);
        }
    }
    return slots[i] + page_bytes;
}

/* A struct of v1.0's size, as this host has it. */
static void *put_struct(int *n, const void *from, uint32_t bytes)
{
    unsigned char *at = slot((*n)++) - bytes - MANGLE_MORE;
    uint32_t size = bytes + MANGLE_MORE;

    memcpy(at, from, bytes);
    for (uint32_t i = bytes; i < size; i++) {
        at[i] = UNKNOWN_BYTE;
    }
    memcpy(at, &size, sizeof size);
    return at;
}

static const dnn_view *const *put_views(int *n, const dnn_view *const *from, uint32_t count)
{
    const dnn_view **list = (void *)(slot((*n)++) - count * sizeof *list);

    for (uint32_t i = 0; i < count; i++) {
        list[i] = from[i] != NULL ? put_struct(n, from[i], VIEW) : NULL;
    }
    return list;
}

static dnn_call *put_call(int *n, const dnn_call *from)
{
    dnn_call *c = put_struct(n, from, CALL);

    c->in = put_views(n, from->in, from->n_in);
    c->out = put_views(n, from->out, from->n_out);
    return c;
}

/* Slots from..to are of no use any more. */
static void take_away(int from, int to)
{
    for (int i = from; i < to; i++) {
        memset(slot(i) - 512, GONE_BYTE, 512);
    }
}

/* ---- kernels ---- */

enum { KERNELS = 1024 };
static struct original {
    dnn_status (*plan)(const dnn_call *, dnn_plan *);
    dnn_status (*run)(const dnn_call *);
} originals[KERNELS];
static int n_originals;
static __thread int
    used; /* slots; a kernel does not call the library, but a pool may run another's */

static dnn_status mangled_run(int k, const dnn_call *c)
{
    int first = used;
    dnn_call *copy = put_call(&used, c);
    dnn_status status = originals[k].run(copy);

    take_away(first, used);
    used = first;
    return status;
}

static dnn_status mangled_plan(int k, const dnn_call *c, dnn_plan *p)
{
    int first = used;
    dnn_call *copy = put_call(&used, c);
    dnn_plan *asked = put_struct(&used, p, PLAN);
    dnn_status status = originals[k].plan(copy, asked);
    uint32_t size = p->size;

    memcpy(p, asked, PLAN);
    p->size = size;
    take_away(first, used);
    used = first;
    return status;
}

/* A pair of functions for each kernel, since a kernel's function is told nothing about itself. */
#define PAIR(n)                                                \
    static dnn_status run_##n(const dnn_call *c)               \
    {                                                          \
        return mangled_run(n, c);                              \
    }                                                          \
    static dnn_status plan_##n(const dnn_call *c, dnn_plan *p) \
    {                                                          \
        return mangled_plan(n, c, p);                          \
    }
#define NAMES(n) {plan_##n, run_##n},
/* clang-format off */
#define EACH_1(m, p) m(p##0) m(p##1) m(p##2) m(p##3) m(p##4) m(p##5) m(p##6) m(p##7) \
                     m(p##8) m(p##9) m(p##a) m(p##b) m(p##c) m(p##d) m(p##e) m(p##f)
#define EACH_2(m, p)                                                         \
    EACH_1(m, p##0) EACH_1(m, p##1) EACH_1(m, p##2) EACH_1(m, p##3) EACH_1(m, p##4) \
    EACH_1(m, p##5) EACH_1(m, p##6) EACH_1(m, p##7) EACH_1(m, p##8) EACH_1(m, p##9) \
    EACH_1(m, p##a) EACH_1(m, p##b) EACH_1(m, p##c) EACH_1(m, p##d) EACH_1(m, p##e) EACH_1(m, p##f)
/* clang-format on */
EACH_2(PAIR, 0x0)
EACH_2(PAIR, 0x1)
EACH_2(PAIR, 0x2)
EACH_2(PAIR, 0x3)
static const struct original mangled[KERNELS] = {EACH_2(NAMES, 0x0) EACH_2(NAMES, 0x1)
                                                     EACH_2(NAMES, 0x2) EACH_2(NAMES, 0x3)};

static bool is_mangled(const dnn__kernel *k)
{
    for (int i = 0; i < n_originals; i++) {
        if (k->table.run == mangled[i].run) {
            return true;
        }
    }
    return false;
}

static void mangle(dnn__kernel *k)
{
    if (is_mangled(k)) {
        return;
    }
    if (n_originals == KERNELS) {
        fprintf(stderr, "mangle: more than %d kernels\n", KERNELS);
        exit(1);
    }
    originals[n_originals] = (struct original){k->table.plan, k->table.run};
    k->table.run = mangled[n_originals].run;
    k->table.plan = k->table.plan != NULL ? mangled[n_originals].plan : NULL;
    n_originals++;
}

dnn_status __real_dnn__candidates_build(void);
dnn_status __wrap_dnn__candidates_build(void);

dnn_status __wrap_dnn__candidates_build(void)
{
    DNN_TRY(__real_dnn__candidates_build());
    n_originals = 0; /* the kernels are new ones at every start */
    for (int op = 0; op < DNN__N_OPS; op++) {
        for (int32_t kind = 0; kind < DNN__MAX_KINDS; kind++) {
            for (int dtype = 0; dtype < DNN__N_DTYPES; dtype++) {
                dnn__candidates list =
                    dnn__candidates_of((dnn__op_id)op, kind, (dnn_dtype)(1 << dtype));

                for (int i = 0; i < list.n; i++) {
                    mangle(list.kernel[i]);
                }
            }
        }
    }
    fprintf(stderr, "mangle: %d kernels get structs of v1.0 and %d bytes\n", n_originals,
            MANGLE_MORE);
    return DNN_OK;
}
