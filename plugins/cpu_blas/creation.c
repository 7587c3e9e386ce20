/* creation.c - fill, arange, linspace, eye. Called through the kernel table. Each element is
 * computed from its index, so the result does not depend on the number of threads. */
#include "cpu_blas.h"
#include <string.h>

static dnn_status run_fill(const dnn_call *c)
{
    static const int64_t everywhere[DNN_DIM_MAX] = {0};
    const dnn_view *out = c->out[0];
    cpu_operand operand[2] = {cpu_operand_of(out),
                              {c->in[0]->data, everywhere, cpu_item_size(out)}};

    cpu_walk(c->host, out->dim, out->ndim, operand, 2, cpu_move_loop(operand[0].item), NULL);
    return DNN_OK;
}

/* Arguments of a loop: the output and the attributes, for linspace also step and count. */
struct ramp {
    void *out;
    int64_t n;
    double start, end, step;
    int64_t istart, istep;
};

typedef void ramp_loop(void *arg, int64_t begin, int64_t end, int worker);

#define DEFINE_RAMP(name, T, VALUE)                                     \
    static void name(void *arg, int64_t begin, int64_t end, int worker) \
    {                                                                   \
        const struct ramp *r = arg;                                     \
        T *out = r->out;                                                \
                                                                        \
        (void)worker;                                                   \
        for (int64_t i = begin; i < end; i++)                           \
            out[i] = (T)(VALUE);                                        \
    }
#define REAL_RAMP r->start + (double)i * r->step
#define INT_RAMP (uint64_t) r->istart + (uint64_t)i *(uint64_t)r->istep
/* Computed from the nearer end, so that both ends are exact. */
#define SPACED \
    i < r->n / 2 ? r->start + (double)i * r->step : r->end - (double)(r->n - 1 - i) * r->step
DEFINE_RAMP(arange_f32, float, REAL_RAMP)
DEFINE_RAMP(arange_f64, double, REAL_RAMP)
DEFINE_RAMP(arange_i8, int8_t, INT_RAMP)
DEFINE_RAMP(arange_u8, uint8_t, INT_RAMP)
DEFINE_RAMP(arange_i32, int32_t, INT_RAMP)
DEFINE_RAMP(arange_i64, int64_t, INT_RAMP)
DEFINE_RAMP(linspace_f32, float, SPACED)
DEFINE_RAMP(linspace_f64, double, SPACED)

static dnn_status run_arange(const dnn_call *c)
{
    static ramp_loop *const loop[CPU_DTYPES] = {
        [CPU_F32] = arange_f32, [CPU_F64] = arange_f64, [CPU_I8] = arange_i8,
        [CPU_U8] = arange_u8,   [CPU_I32] = arange_i32, [CPU_I64] = arange_i64,
    };
    const dnn_attr_arange *a = c->attr;
    struct ramp r = {.out = c->out[0]->data, .n = cpu_count(c->out[0])};

    r.start = a->start;
    r.step = a->step;
    r.istart = a->istart;
    r.istep = a->istep;
    cpu_parallel(c->host, r.n, CPU_GRAIN, loop[cpu_type(c->out[0])], &r);
    return DNN_OK;
}

static dnn_status run_linspace(const dnn_call *c)
{
    const dnn_attr_linspace *a = c->attr;
    struct ramp r = {.out = c->out[0]->data, .n = cpu_count(c->out[0])};

    r.start = a->start;
    r.end = r.n == 1 ? a->start : a->end;
    r.step = r.n > 1 ? (a->end - a->start) / (double)(r.n - 1) : 0;
    cpu_parallel(c->host, r.n, CPU_GRAIN,
                 c->out[0]->dtype == DNN_T_F32 ? linspace_f32 : linspace_f64, &r);
    return DNN_OK;
}

/* Returns the bits of 1 in a dtype, for copying. */
static const void *one_of(unsigned type)
{
    static const float f32 = 1;
    static const double f64 = 1;
    static const int64_t i64 = 1;
    static const int32_t i32 = 1;
    static const uint8_t byte = 1;
    static const void *const one[CPU_DTYPES] = {
        [CPU_F32] = &f32, [CPU_F64] = &f64, [CPU_I8] = &byte,   [CPU_U8] = &byte,
        [CPU_I32] = &i32, [CPU_I64] = &i64, [CPU_BOOL] = &byte,
    };

    return one[type];
}

static dnn_status run_eye(const dnn_call *c)
{
    const dnn_view *out = c->out[0];
    int64_t rows = out->dim[0], columns = out->dim[1], item = cpu_item_size(out);
    const void *one = one_of(cpu_type(out));
    char *data = out->data;

    if (rows == 0 || columns == 0)
        return DNN_OK;
    memset(data, 0, (size_t)(rows * columns * item));
    for (int64_t i = 0; i < rows && i < columns; i++)
        memcpy(data + i * (columns + 1) * item, one, (size_t)item);
    return DNN_OK;
}

enum { DENSE = DNN_K_UNALIGNED | DNN_K_REENTRANT | DNN_K_DETERMINISTIC };

CPU_FAMILY(creation) = {
    CPU_KERNEL(fill, "strided", CPU_POINTWISE & ~(uint32_t)DNN_K_INPLACE, CPU_T_ANY),
    CPU_KERNEL(arange, "plain", DENSE, CPU_T_NUMBER),
    CPU_KERNEL(linspace, "plain", DENSE, CPU_T_FLOAT),
    CPU_KERNEL(eye, "plain", DENSE, CPU_T_COMPUTED),
    NULL,
};
