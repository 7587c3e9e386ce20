/* reduce.c - sums, means, extremes and their indices. Axes are divided into kept and reduced ones,
 * and contiguous axes of a kind are merged. The work is divided by sizes only: segments of the
 * reduced elements give partial results in the workspace, which are added in order. */
#include <math.h>
#include <string.h>
#include "cpu_blas.h"

/* ---- axes ---- */

/* Row-major: the last axis varies fastest. */
struct axes {
    int n;
    int64_t dim[DNN_DIM_MAX], stride[DNN_DIM_MAX];
    int64_t count;
};

struct shape {
    struct axes kept, reduced;
    /* Adjacent outputs are adjacent in memory, but the elements of the reduced axes are not. */
    bool columns;
};

static void add_axis(struct axes *a, int64_t dim, int64_t stride)
{
    a->count *= dim;
    if (dim == 1)
        return;
    if (a->n > 0 && a->stride[a->n - 1] == dim * stride) { /* contiguous with the axis before it */
        a->dim[a->n - 1] *= dim;
        a->stride[a->n - 1] = stride;
        return;
    }
    a->dim[a->n] = dim;
    a->stride[a->n++] = stride;
}

static int64_t last_stride(const struct axes *a)
{
    return a->n > 0 ? a->stride[a->n - 1] : 1;
}

static struct shape sort_axes(const dnn_view *x, uint32_t mask)
{
    struct shape s = {.kept.count = 1, .reduced.count = 1};

    for (int d = 0; d < x->ndim; d++)
        add_axis((mask >> d & 1) != 0 ? &s.reduced : &s.kept, x->dim[d], x->stride[d]);
    s.columns = s.kept.n > 0 && last_stride(&s.kept) == 1 && s.reduced.n > 0 &&
                last_stride(&s.reduced) != 1;
    return s;
}

/* Returns the offset of element i in row-major order. */
static int64_t offset_of(const struct axes *a, int64_t i)
{
    int64_t at = 0;

    for (int d = a->n - 1; d > 0; d--) {
        at += i % a->dim[d] * a->stride[d];
        i /= a->dim[d];
    }
    return a->n > 0 ? at + i * a->stride[0] : 0;
}

/* Returns how many elements from i on, below end, lie along the last axis without a wrap. */
static int64_t run_length(const struct axes *a, int64_t i, int64_t end)
{
    int64_t run = a->n > 0 ? a->dim[a->n - 1] - i % a->dim[a->n - 1] : 1;

    return run < end - i ? run : end - i;
}

/* ---- loops for each type ---- */

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define NAN_OF_FLOAT(x) ((x) != (x))
#define NEVER_NAN(x) false

#define T float
#define ACC double
#define N(word) JOIN(word, f32)
#define IS_NAN(x) NAN_OF_FLOAT(x)
#include "reduce_loops.h"
#define T double
#define ACC double
#define N(word) JOIN(word, f64)
#define IS_NAN(x) NAN_OF_FLOAT(x)
#include "reduce_loops.h"
/* Integers are summed modulo 2^64; the bits are those of i64. */
#define T int8_t
#define ACC uint64_t
#define N(word) JOIN(word, i8)
#define IS_NAN(x) NEVER_NAN(x)
#include "reduce_loops.h"
#define T uint8_t
#define ACC uint64_t
#define N(word) JOIN(word, u8)
#define IS_NAN(x) NEVER_NAN(x)
#include "reduce_loops.h"
#define T int32_t
#define ACC uint64_t
#define N(word) JOIN(word, i32)
#define IS_NAN(x) NEVER_NAN(x)
#include "reduce_loops.h"
#define T int64_t
#define ACC uint64_t
#define N(word) JOIN(word, i64)
#define IS_NAN(x) NEVER_NAN(x)
#include "reduce_loops.h"

typedef void fold(const struct shape *s, const void *x, int64_t o0, int64_t o1, int64_t r0,
                  int64_t r1, void *acc);
typedef void join(void *into, const void *from, int64_t n);
typedef void find(const struct shape *s, const void *x, int64_t o0, int64_t o1, bool least,
                  void *values, int64_t *index);

struct loops {
    fold *fold;
    join *join;
    int64_t bytes; /* of an accumulator */
};

#define EACH_TYPE(word, size32)                                          \
    {                                                                    \
        [CPU_F32] = {word##_f32, join_##word##_f32, size32},             \
        [CPU_F64] = {word##_f64, join_##word##_f64, 8},                  \
        [CPU_I8] = {word##_i8, join_##word##_i8, size32 == 8 ? 8 : 1},   \
        [CPU_U8] = {word##_u8, join_##word##_u8, size32 == 8 ? 8 : 1},   \
        [CPU_I32] = {word##_i32, join_##word##_i32, size32},             \
        [CPU_I64] = {word##_i64, join_##word##_i64, 8},                  \
        [CPU_BOOL] = {word##_u8, join_##word##_u8, size32 == 8 ? 8 : 1}, \
    }
static const struct loops sum_loops[CPU_DTYPES] = EACH_TYPE(sum, 8);
static const struct loops amax_loops[CPU_DTYPES] = EACH_TYPE(amax, 4),
                          amin_loops[CPU_DTYPES] = EACH_TYPE(amin, 4);
static find *const index_loops[CPU_DTYPES] = {
    [CPU_F32] = indices_f32, [CPU_F64] = indices_f64, [CPU_I8] = indices_i8,
    [CPU_U8] = indices_u8,   [CPU_I32] = indices_i32, [CPU_I64] = indices_i64,
    [CPU_BOOL] = indices_u8,
};

/* ---- division of the work ---- */

enum { PIECE = 1 << 15, MAX_SEGMENTS = 16 };

struct reduction {
    const dnn_call *call;
    struct shape shape;
    struct loops loops;
    int64_t segments, per_segment; /* of the reduced elements */
    int64_t blocks, per_block;     /* of the outputs */
    double divisor;                /* of a mean; 0: none */
};

/* n / size, rounded up. n + size could overflow: an expanded operand may have up to INT64_MAX
 * elements. */
static int64_t parts(int64_t n, int64_t size)
{
    return n / size + (n % size != 0);
}

/* If there are many outputs they are divided into blocks; else the reduced elements are divided
 * into segments too. */
static void divide_work(struct reduction *r)
{
    int64_t outputs = r->shape.kept.count, elements = r->shape.reduced.count,
            total = outputs * elements;

    r->segments = outputs > 1024 ? 1 : total / PIECE;
    r->segments = r->segments < 1 ? 1 : r->segments > MAX_SEGMENTS ? MAX_SEGMENTS : r->segments;
    r->segments = r->segments > elements && elements > 0 ? elements : r->segments;
    r->per_segment = parts(elements, r->segments);
    r->segments = r->per_segment > 0 ? parts(elements, r->per_segment) : 1;
    r->per_block = r->segments > 1 ? outputs : cpu_grain(elements);
    r->per_block = r->per_block < 1 ? 1 : r->per_block;
    r->blocks = parts(outputs, r->per_block);
}

static struct reduction reduction_of(const dnn_call *c, const struct loops *loops)
{
    const dnn_attr_reduce *attr = c->attr;
    struct reduction r = {
        .call = c, .shape = sort_axes(c->in[0], attr->dims), .loops = loops[cpu_type(c->in[0])]};

    divide_work(&r);
    return r;
}

/* Inputs may have any strides; results must be contiguous. */
static dnn_status check_results(const dnn_call *c)
{
    for (uint32_t i = 0; i < c->n_out; i++) {
        const dnn_view *v = c->out[i];
        int64_t dense = 1;

        for (int d = v != NULL ? v->ndim - 1 : -1; d >= 0; d--) {
            if (v->dim[d] != 1 && v->stride[d] != dense)
                return c->host->fail(DNN_DECLINED, "the result has gaps: stride %lld of dim %d",
                                     (long long)v->stride[d], d);
            dense *= v->dim[d];
        }
    }
    return DNN_OK;
}

static dnn_status plan_search(const dnn_call *c, dnn_plan *plan)
{
    (void)plan;
    return check_results(c);
}

static dnn_status plan_reduction(const dnn_call *c, dnn_plan *plan)
{
    struct reduction r = reduction_of(c, sum_loops); /* sum has the largest accumulators */
    dnn_status status = check_results(c);

    if (status != DNN_OK)
        return status;
    plan->workspace_bytes = (uint64_t)r.segments * (uint64_t)r.shape.kept.count * 8;
    return DNN_OK;
}

static char *partial(const struct reduction *r, int64_t segment, int64_t output)
{
    return (char *)r->call->workspace + (segment * r->shape.kept.count + output) * r->loops.bytes;
}

/* Pieces are (block, segment) pairs; the segment varies faster. */
static void fold_pieces(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct reduction *r = arg;

    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t o0 = i / r->segments * r->per_block, o1 = o0 + r->per_block;
        int64_t r0 = i % r->segments * r->per_segment, r1 = r0 + r->per_segment;

        o1 = o1 < r->shape.kept.count ? o1 : r->shape.kept.count;
        r1 = r1 < r->shape.reduced.count ? r1 : r->shape.reduced.count;
        r->loops.fold(&r->shape, r->call->in[0]->data, o0, o1, r0, r1,
                      partial(r, i % r->segments, o0));
    }
}

static void fold_all(struct reduction *r)
{
    int64_t pieces = r->blocks * r->segments;

    cpu_parallel(r->call->host, pieces, 1, fold_pieces, r);
    for (int64_t s = 1; s < r->segments; s++)
        r->loops.join(partial(r, 0, 0), partial(r, s, 0), r->shape.kept.count);
}

/* ---- sum, mean ---- */

static void store_sums(const struct reduction *r)
{
    const dnn_view *out = r->call->out[0];
    const double *acc = r->call->workspace;
    int64_t n = r->shape.kept.count;

    if (out->dtype == DNN_T_I64) {
        memcpy(out->data, acc, (size_t)n * sizeof *acc);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        double v = r->divisor > 0 ? acc[i] / r->divisor : acc[i];

        if (out->dtype == DNN_T_F32)
            ((float *)out->data)[i] = (float)v;
        else
            ((double *)out->data)[i] = v;
    }
}

static dnn_status run_sum(const dnn_call *c)
{
    struct reduction r = reduction_of(c, sum_loops);

    if (r.shape.reduced.count == 0) {
        memset(c->out[0]->data, 0, (size_t)(r.shape.kept.count * cpu_item_size(c->out[0])));
        return DNN_OK;
    }
    fold_all(&r);
    store_sums(&r);
    return DNN_OK;
}

static dnn_status run_mean(const dnn_call *c)
{
    struct reduction r = reduction_of(c, sum_loops);

    r.divisor = (double)r.shape.reduced.count;
    if (r.shape.reduced.count > 0) {
        fold_all(&r);
        store_sums(&r);
        return DNN_OK;
    }
    for (int64_t i = 0; i < r.shape.kept.count; i++) {
        if (c->out[0]->dtype == DNN_T_F32)
            ((float *)c->out[0]->data)[i] = NAN;
        else
            ((double *)c->out[0]->data)[i] = NAN;
    }
    return DNN_OK;
}

/* ---- extremes ---- */

static dnn_status run_extreme(const dnn_call *c, const struct loops *loops)
{
    struct reduction r = reduction_of(c, loops);

    if (r.shape.reduced.count == 0)
        return c->host->fail(DNN_E_INVALID, "x has no elements along the reduced dims");
    fold_all(&r);
    memcpy(c->out[0]->data, c->workspace, (size_t)(r.shape.kept.count * r.loops.bytes));
    return DNN_OK;
}

static dnn_status run_amax(const dnn_call *c)
{
    return run_extreme(c, amax_loops);
}

static dnn_status run_amin(const dnn_call *c)
{
    return run_extreme(c, amin_loops);
}

struct search {
    struct shape shape;
    find *find;
    const void *x;
    void *values;
    int64_t *index;
    bool least;
};

static void search_pieces(void *arg, int64_t begin, int64_t end, int worker)
{
    const struct search *s = arg;

    (void)worker;
    s->find(&s->shape, s->x, begin, end, s->least, s->values, s->index);
}

static dnn_status run_search(const dnn_call *c, bool least, const dnn_view *values,
                             const dnn_view *index)
{
    const dnn_attr_reduce_dim *attr = c->attr;
    const dnn_view *x = c->in[0];
    struct search s = {.shape = sort_axes(x, 1u << attr->dim),
                       .find = index_loops[cpu_type(x)],
                       .x = x->data,
                       .least = least};

    s.values = values != NULL ? values->data : NULL;
    s.index = index != NULL ? index->data : NULL;
    if (s.shape.reduced.count == 0)
        return c->host->fail(DNN_E_INVALID, "x has no elements along dim %d", (int)attr->dim);
    cpu_parallel(c->host, s.shape.kept.count, cpu_grain(s.shape.reduced.count), search_pieces, &s);
    return DNN_OK;
}

static dnn_status run_max_dim(const dnn_call *c)
{
    return run_search(c, false, c->out[0], c->out[1]);
}

static dnn_status run_min_dim(const dnn_call *c)
{
    return run_search(c, true, c->out[0], c->out[1]);
}

static dnn_status run_argmax(const dnn_call *c)
{
    return run_search(c, false, NULL, c->out[0]);
}

static dnn_status run_argmin(const dnn_call *c)
{
    return run_search(c, true, NULL, c->out[0]);
}

/* dy is copied to the element that was selected; the others are zero. */
static dnn_status run_max_dim_bwd(const dnn_call *c)
{
    const dnn_attr_dim *attr = c->attr;
    const dnn_view *dy = c->in[0], *dx = c->out[0];
    const int64_t *index = c->in[1]->data;
    struct shape s = sort_axes(dx, 1u << attr->dim);
    int64_t item = cpu_item_size(dx), step = last_stride(&s.reduced);

    for (int64_t i = 0; i < s.kept.count; i++)
        if (index[i] < 0 || index[i] >= s.reduced.count)
            return c->host->fail(DNN_E_INVALID,
                                 "index %lld at element %lld of indices is outside [0,%lld)",
                                 (long long)index[i], (long long)i, (long long)s.reduced.count);
    memset(dx->data, 0, (size_t)(cpu_count(dx) * item));
    for (int64_t i = 0; i < s.kept.count; i++)
        memcpy((char *)dx->data + (offset_of(&s.kept, i) + index[i] * step) * item,
               (const char *)dy->data + i * item, (size_t)item);
    return DNN_OK;
}

enum {
    STRIDED = DNN_K_STRIDED | DNN_K_UNALIGNED | DNN_K_REENTRANT | DNN_K_DETERMINISTIC,
    DENSE = DNN_K_UNALIGNED | DNN_K_REENTRANT | DNN_K_DETERMINISTIC
};

CPU_FAMILY(reduce) = {
    CPU_KERNEL_PLANNED(sum, "segments", STRIDED, CPU_T_COMPUTED, plan_reduction),
    CPU_KERNEL_PLANNED(mean, "segments", STRIDED, CPU_T_FLOAT, plan_reduction),
    CPU_KERNEL_PLANNED(amax, "segments", STRIDED, CPU_T_COMPUTED, plan_reduction),
    CPU_KERNEL_PLANNED(amin, "segments", STRIDED, CPU_T_COMPUTED, plan_reduction),
    CPU_KERNEL_PLANNED(max_dim, "rows", STRIDED, CPU_T_COMPUTED, plan_search),
    CPU_KERNEL_PLANNED(min_dim, "rows", STRIDED, CPU_T_COMPUTED, plan_search),
    CPU_KERNEL_PLANNED(argmax, "rows", STRIDED, CPU_T_COMPUTED, plan_search),
    CPU_KERNEL_PLANNED(argmin, "rows", STRIDED, CPU_T_COMPUTED, plan_search),
    CPU_KERNEL(max_dim_bwd, "scatter", DENSE, CPU_T_FLOAT),
    NULL,
};
