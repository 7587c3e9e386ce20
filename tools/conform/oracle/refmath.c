/* refmath.c - arrays and dtypes of the oracle, and the operators that create, copy and view. The
 * harness calls it. It includes no private header of the core. */
#include "refmath.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ref_is_float(uint32_t dtype)
{
    return (dtype & (DNN_T_F32 | DNN_T_F64 | DNN_T_F16 | DNN_T_BF16)) != 0;
}

int64_t ref_count(int ndim, const int64_t *dim)
{
    int64_t n = 1;

    for (int d = 0; d < ndim; d++)
        n *= dim[d];
    return n;
}

bool ref_array_new(ref_array *a, uint32_t dtype, int ndim, const int64_t *dim)
{
    *a = (ref_array){.dtype = dtype, .ndim = ndim, .n = ref_count(ndim, dim)};
    for (int d = 0; d < ndim; d++)
        a->dim[d] = dim[d];
    if (ref_is_float(dtype))
        a->f = calloc((size_t)a->n + 1, sizeof(double));
    else
        a->i = calloc((size_t)a->n + 1, sizeof(int64_t));
    return a->f != NULL || a->i != NULL;
}

void ref_array_free(ref_array *a)
{
    free(a->f);
    free(a->i);
    *a = (ref_array){0};
}

/* Rounds to a format with `bits` bits of significand (with the hidden one), `low` the smallest
 * exponent of a normal number, `top` the largest value. */
static double round_to(double x, int bits, int low, double top)
{
    int e;
    double quantum, y;

    if (x == 0 || isnan(x) || isinf(x))
        return x;
    e = ilogb(x);
    if (e < low)
        e = low;
    quantum = ldexp(1.0, e - bits + 1);
    y = rint(x / quantum) * quantum;
    if (fabs(y) > top)
        return copysign(INFINITY, x);
    return y == 0 ? copysign(0.0, x) : y;
}

double ref_rounded(uint32_t dtype, double x)
{
    if (dtype == DNN_T_F32)
        return (double)(float)x;
    if (dtype == DNN_T_F16)
        return round_to(x, 11, -14, 65504.0);
    if (dtype == DNN_T_BF16)
        return round_to(x, 8, -126, ldexp(255.0, 120));
    return x;
}

int64_t ref_int_min(uint32_t dtype)
{
    return dtype == DNN_T_I8    ? INT8_MIN
           : dtype == DNN_T_I32 ? INT32_MIN
           : dtype == DNN_T_I64 ? INT64_MIN
                                : 0;
}

int64_t ref_int_max(uint32_t dtype)
{
    switch (dtype) {
    case DNN_T_I8:
        return INT8_MAX;
    case DNN_T_U8:
        return UINT8_MAX;
    case DNN_T_I32:
        return INT32_MAX;
    case DNN_T_I64:
        return INT64_MAX;
    default:
        return 1;
    }
}

int64_t ref_wrap(uint32_t dtype, int64_t x)
{
    uint64_t u = (uint64_t)x;

    switch (dtype) {
    case DNN_T_I8:
        u &= 0xff;
        return u >= 0x80 ? (int64_t)u - 0x100 : (int64_t)u;
    case DNN_T_U8:
        return (int64_t)(u & 0xff);
    case DNN_T_I32:
        u &= 0xffffffff;
        return u >= 0x80000000 ? (int64_t)u - 0x100000000 : (int64_t)u;
    case DNN_T_BOOL:
        return u != 0;
    default:
        return x;
    }
}

double ref_get(const ref_array *a, int64_t k)
{
    return a->f != NULL ? a->f[k] : (double)a->i[k];
}

void ref_put(ref_array *a, int64_t k, double x)
{
    int64_t low = ref_int_min(a->dtype), high = ref_int_max(a->dtype);

    if (a->f != NULL)
        a->f[k] = ref_rounded(a->dtype, x);
    else if (a->dtype == DNN_T_BOOL)
        a->i[k] = x != 0; /* NaN is true */
    else if (isnan(x))
        a->i[k] = 0;
    else if (x >= (double)high)
        a->i[k] = high;
    else
        a->i[k] = x <= (double)low ? low : (int64_t)x;
}

void ref_move(ref_array *to, int64_t j, const ref_array *from, int64_t k)
{
    if (to->f != NULL)
        to->f[j] = from->f[k];
    else
        to->i[j] = from->i[k];
}

int64_t ref_broadcast_index(const ref_array *a, int ndim, const int64_t *dim, int64_t k)
{
    int64_t at = 0, step = 1;

    for (int d = ndim - 1; d >= 0; d--) {
        int64_t place = k % dim[d];
        int own = d - (ndim - a->ndim);

        k /= dim[d];
        if (own >= 0) {
            at += (a->dim[own] == 1 ? 0 : place) * step;
            step *= a->dim[own];
        }
    }
    return at;
}

/* ---- creation ---- */

void ref_fill(const ref_call *c)
{
    for (int64_t k = 0; k < c->out[0]->n; k++)
        ref_move(c->out[0], k, c->in[0], 0);
}

void ref_arange(const ref_call *c)
{
    const dnn_attr_arange *a = c->attr;
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++) {
        if (y->f != NULL)
            y->f[k] = a->start + (double)k * a->step;
        else
            y->i[k] = ref_wrap(y->dtype,
                               (int64_t)((uint64_t)a->istart + (uint64_t)k * (uint64_t)a->istep));
    }
}

void ref_linspace(const ref_call *c)
{
    const dnn_attr_linspace *a = c->attr;
    ref_array *y = c->out[0];
    double step = y->n > 1 ? (a->end - a->start) / (double)(y->n - 1) : 0;

    for (int64_t k = 0; k < y->n; k++)
        y->f[k] = k < y->n / 2 || y->n == 1 ? a->start + (double)k * step
                                            : a->end - (double)(y->n - 1 - k) * step;
}

void ref_eye(const ref_call *c)
{
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++)
        ref_put(y, k, k / y->dim[1] == k % y->dim[1]);
}

/* ---- moves ---- */

void ref_copy(const ref_call *c)
{
    const ref_array *x = c->in[0];
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++) {
        if (x->i != NULL && y->i != NULL) { /* integers beyond 2^53 stay exact */
            int64_t low = ref_int_min(y->dtype), high = ref_int_max(y->dtype), v = x->i[k];

            y->i[k] = y->dtype == DNN_T_BOOL ? v != 0 : v < low ? low : v > high ? high : v;
        } else if (x->i != NULL && y->dtype == DNN_T_F32) {
            y->f[k] =
                (double)(float)x->i[k]; /* one rounding: a cast through double would round twice */
        } else {
            ref_put(y, k, ref_get(x, k));
        }
    }
}

/* The elements stay the same; the plugin defines their order in memory. */
void ref_reorder(const ref_call *c)
{
    ref_copy(c);
}

/* Returns the numbers of elements before and after axis d. */
static void split_dims(const ref_array *a, int d, int64_t *outer, int64_t *inner)
{
    *outer = ref_count(d, a->dim);
    *inner = ref_count(a->ndim - d - 1, a->dim + d + 1);
}

void ref_cat(const ref_call *c)
{
    int d = ((const dnn_attr_dim *)c->attr)->dim;
    ref_array *y = c->out[0];
    int64_t outer, inner, at = 0;

    split_dims(y, d, &outer, &inner);
    for (int t = 0; t < c->n_in; t++) {
        const ref_array *x = c->in[t];
        int64_t size = x->n == 0 ? 0 : x->dim[d];

        for (int64_t o = 0; o < outer; o++)
            for (int64_t k = 0; k < size * inner; k++)
                ref_move(y, (o * y->dim[d] + at) * inner + k, x, o * size * inner + k);
        at += size;
    }
}

void ref_slice_scatter(const ref_call *c)
{
    const dnn_attr_slice *a = c->attr;
    const ref_array *x = c->in[0], *s = c->in[1];
    ref_array *y = c->out[0];
    int64_t outer, inner;

    for (int64_t k = 0; k < y->n; k++)
        ref_move(y, k, x, k);
    split_dims(y, a->dim, &outer, &inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < s->dim[a->dim]; j++)
            for (int64_t k = 0; k < inner; k++)
                ref_move(y, (o * y->dim[a->dim] + a->start + j * a->step) * inner + k, s,
                         (o * s->dim[a->dim] + j) * inner + k);
}

/* ---- views: the source of each element of the result ---- */

void ref_view(const ref_call *c)
{
    for (int64_t k = 0; k < c->out[0]->n; k++)
        ref_move(c->out[0], k, c->in[0], k);
}

void ref_to_device(const ref_call *c)
{
    ref_view(c);
}

/* attr: int order[ndim]; axis d of the result is axis order[d] of the input. */
void ref_permute(const ref_call *c)
{
    const int *order = c->attr;
    const ref_array *x = c->in[0];
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++) {
        int64_t place[DNN_DIM_MAX] = {0}, rest = k, at = 0;

        for (int d = y->ndim - 1; d >= 0; d--) {
            place[order[d]] = rest % y->dim[d];
            rest /= y->dim[d];
        }
        for (int d = 0; d < x->ndim; d++)
            at = at * x->dim[d] + place[d];
        ref_move(y, k, x, at);
    }
}

void ref_expand(const ref_call *c)
{
    ref_array *y = c->out[0];

    for (int64_t k = 0; k < y->n; k++)
        ref_move(y, k, c->in[0], ref_broadcast_index(c->in[0], y->ndim, y->dim, k));
}

void ref_slice(const ref_call *c)
{
    const dnn_attr_slice *a = c->attr;
    const ref_array *x = c->in[0];
    ref_array *y = c->out[0];
    int64_t outer, inner;

    split_dims(y, a->dim, &outer, &inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < y->dim[a->dim]; j++)
            for (int64_t k = 0; k < inner; k++)
                ref_move(y, (o * y->dim[a->dim] + j) * inner + k, x,
                         (o * x->dim[a->dim] + a->start + j * a->step) * inner + k);
}
