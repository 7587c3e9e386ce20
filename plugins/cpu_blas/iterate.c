/* iterate.c - the loop over strided operands. It merges the dims of a call into few long rows and
 * calls a loop for each row. Called by every elementwise family. Compiled only once, because the
 * time is spent in the loops; its own loops only copy elements. It never reads a value and never
 * allocates. */
#include "cpu_blas.h"
#include <string.h>

/* A tile of two f32 operands is 8 KiB, so reads and writes stay in L1. */
enum { TILE = 32 };

/* The merged dims. Strides are in bytes; dim[ndim - 1] is the row. */
struct walk {
    int ndim, n_operand;
    int64_t total;
    int64_t dim[DNN_DIM_MAX];
    int64_t stride[DNN_DIM_MAX][CPU_OPERANDS];
    char *base[CPU_OPERANDS];
    int across; /* the dim that tiles combine with the row */
    int64_t row_tiles, across_tiles;
    cpu_loop *loop;
    const void *ctx;
};

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* Inserts dim d before the dims whose stride in the result is smaller: permuted operands are then
 * visited in memory order. */
static void insert_dim(struct walk *w, int64_t size, const int64_t *stride)
{
    int at = w->ndim++;

    while (at > 0 && magnitude(w->stride[at - 1][0]) < magnitude(stride[0])) {
        w->dim[at] = w->dim[at - 1];
        for (int k = 0; k < w->n_operand; k++)
            w->stride[at][k] = w->stride[at - 1][k];
        at--;
    }
    w->dim[at] = size;
    for (int k = 0; k < w->n_operand; k++)
        w->stride[at][k] = stride[k];
}

static bool continues(const struct walk *w, int outer, int inner)
{
    for (int k = 0; k < w->n_operand; k++)
        if (w->stride[outer][k] != w->stride[inner][k] * w->dim[inner])
            return false;
    return true;
}

/* Merges each dim with the one before it if they are contiguous in every operand. */
static void coalesce(struct walk *w)
{
    int last = 0;

    for (int d = 1; d < w->ndim; d++) {
        int64_t size = w->dim[d];
        bool joined = continues(w, last, d);

        if (!joined)
            last++;
        w->dim[last] = joined ? w->dim[last] * size : size;
        for (int k = 0; k < w->n_operand; k++)
            w->stride[last][k] = w->stride[d][k];
    }
    w->ndim = w->ndim > 0 ? last + 1 : 0;
}

static void fold(struct walk *w, const int64_t *dim, int ndim, const cpu_operand *operand)
{
    w->ndim = 0;
    w->total = 1;
    for (int d = 0; d < ndim; d++) {
        int64_t stride[CPU_OPERANDS];

        w->total *= dim[d];
        if (dim[d] == 1)
            continue;
        for (int k = 0; k < w->n_operand; k++)
            stride[k] = operand[k].stride[d] * operand[k].item;
        insert_dim(w, dim[d], stride);
    }
    coalesce(w);
}

/* Returns the dim other than the row along which an operand is contiguous; -1 if there is none. */
static int find_across(const struct walk *w, const cpu_operand *operand)
{
    int row = w->ndim - 1;

    for (int k = 1; k < w->n_operand; k++) {
        if (magnitude(w->stride[row][k]) <= operand[k].item || w->dim[row] < 4)
            continue;
        for (int d = 0; d < row; d++)
            if (w->stride[d][k] == operand[k].item && w->dim[d] >= 4)
                return d;
    }
    return -1;
}

static void step(const struct walk *w, char **p, int d, int64_t count)
{
    for (int k = 0; k < w->n_operand; k++)
        p[k] += count * w->stride[d][k];
}

/* Elements [begin, end) in the order of the merged dims; the first and the last row may be partial.
 */
static void run_rows(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct walk *w = arg;
    int row = w->ndim - 1;
    int64_t at[DNN_DIM_MAX], rest = begin;
    char *p[CPU_OPERANDS];

    (void)worker;
    for (int k = 0; k < w->n_operand; k++)
        p[k] = w->base[k];
    for (int d = row; d >= 0; d--) {
        at[d] = rest % w->dim[d];
        rest /= w->dim[d];
        step(w, p, d, at[d]);
    }
    for (int64_t left = end - begin; left > 0;) {
        int64_t n = w->dim[row] - at[row];
        int d = row - 1;

        if (n > left)
            n = left;
        w->loop(p, w->stride[row], n, w->ctx);
        left -= n;
        if (left == 0)
            return;
        step(w, p, row, -at[row]);
        at[row] = 0;
        while (d > 0 && at[d] + 1 == w->dim[d]) {
            step(w, p, d, -at[d]);
            at[d--] = 0;
        }
        step(w, p, d, 1);
        at[d]++;
    }
}

/* Tiles of row x across. The tiles of one plane have consecutive numbers. */
static void run_tiles(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct walk *w = arg;
    int row = w->ndim - 1, across = w->across;

    (void)worker;
    for (int64_t tile = begin; tile < end; tile++) {
        int64_t rest = tile / w->row_tiles;
        int64_t from = tile % w->row_tiles * TILE, line = rest % w->across_tiles * TILE;
        int64_t n = w->dim[row] - from < TILE ? w->dim[row] - from : TILE;
        int64_t lines = w->dim[across] - line < TILE ? w->dim[across] - line : TILE;
        char *p[CPU_OPERANDS];

        rest /= w->across_tiles;
        for (int k = 0; k < w->n_operand; k++)
            p[k] = w->base[k] + from * w->stride[row][k] + line * w->stride[across][k];
        for (int d = row - 1; d >= 0; d--) {
            if (d == across)
                continue;
            step(w, p, d, rest % w->dim[d]);
            rest /= w->dim[d];
        }
        for (int64_t i = 0; i < lines; i++) {
            w->loop(p, w->stride[row], n, w->ctx);
            step(w, p, across, 1);
        }
    }
}

static void run_tiled(const dnn_host *host, struct walk *w)
{
    int64_t tiles;

    w->row_tiles = (w->dim[w->ndim - 1] + TILE - 1) / TILE;
    w->across_tiles = (w->dim[w->across] + TILE - 1) / TILE;
    tiles = w->row_tiles * w->across_tiles;
    for (int d = 0; d < w->ndim - 1; d++)
        if (d != w->across)
            tiles *= w->dim[d];
    cpu_parallel(host, tiles, cpu_grain(TILE * TILE), run_tiles, w);
}

void cpu_walk(const dnn_host *host, const int64_t *dim, int ndim, const cpu_operand *operand,
              int n_operand, cpu_loop *loop, const void *ctx)
{
    struct walk w;
    char *p[CPU_OPERANDS];

    w.n_operand = n_operand;
    w.loop = loop;
    w.ctx = ctx;
    fold(&w, dim, ndim, operand);
    if (w.total == 0)
        return;
    for (int k = 0; k < n_operand; k++)
        w.base[k] = p[k] = operand[k].data;
    if (w.ndim == 0) { /* one element: these steps select the vector loop */
        for (int k = 0; k < n_operand; k++)
            w.stride[0][k] = operand[k].item;
        loop(p, w.stride[0], 1, ctx);
        return;
    }
    if (w.ndim == 1 && w.total <= CPU_GRAIN) {
        loop(p, w.stride[0], w.total, ctx);
        return;
    }
    w.across = find_across(&w, operand);
    if (w.across >= 0)
        run_tiled(host, &w);
    else
        cpu_parallel(host, w.total, CPU_GRAIN, run_rows, &w);
}

void cpu_pointwise(const dnn_call *c, cpu_loop *loop, const void *ctx)
{
    cpu_operand operand[CPU_OPERANDS];
    const dnn_view *out = c->out[0];
    int n = 1;

    operand[0] = cpu_operand_of(out);
    for (uint32_t i = 0; i < c->n_in && n < CPU_OPERANDS; i++)
        if (c->in[i])
            operand[n++] = cpu_operand_of(c->in[i]);
    cpu_walk(c->host, out->dim, out->ndim, operand, n, loop, ctx);
}

/* Copies elements: contiguous, one value repeated, or any steps. */
#define MOVE(name, T)                                                                          \
    static void name(char *const *p, const int64_t *s, int64_t n, const void *ctx)             \
    {                                                                                          \
        const int64_t item = (int64_t)sizeof(T);                                               \
                                                                                               \
        (void)ctx;                                                                             \
        if (s[0] == item && s[1] == item) {                                                    \
            memmove(p[0], p[1], (size_t)(n * item));                                           \
        } else if (s[0] == item && s[1] == 0) {                                                \
            const T value = *(const T *)(const void *)p[1];                                    \
            T *out = (T *)(void *)p[0];                                                        \
                                                                                               \
            for (int64_t i = 0; i < n; i++)                                                    \
                out[i] = value;                                                                \
        } else {                                                                               \
            for (int64_t i = 0; i < n; i++)                                                    \
                *(T *)(void *)(p[0] + i * s[0]) = *(const T *)(const void *)(p[1] + i * s[1]); \
        }                                                                                      \
    }
MOVE(move_1, uint8_t)
MOVE(move_2, uint16_t)
MOVE(move_4, uint32_t)
MOVE(move_8, uint64_t)

cpu_loop *cpu_move_loop(int64_t item)
{
    return item == 1 ? move_1 : item == 2 ? move_2 : item == 4 ? move_4 : move_8;
}
