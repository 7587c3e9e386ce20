/* operands.c - makes the operands of a case: their values, and the same values in each layout. The
 * modes call it. */
#include "harness.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const conf_layout_names[CONF_LAYOUTS] = {"contiguous", "transposed", "sliced",
                                                     "expanded", "unaligned"};

/* ---- values ---- */

/* splitmix64, because Philox itself is under test. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double draw_unit(uint64_t *state)
{
    return (double)(draw(state) >> 11) * 0x1p-53;
}

static void put_whole(ref_array *a, int64_t k, double low, double high, uint64_t *random)
{
    double least = (double)ref_int_min(a->dtype), most = (double)ref_int_max(a->dtype);

    if (a->i != NULL) {
        low = low < least ? least : low;
        high = high > most ? most : high;
    }
    ref_put(a, k, low + floor(draw_unit(random) * (high - low + 1)));
}

static void fill_distinct(ref_array *a, double low, uint64_t *random)
{
    for (int64_t k = 0; k < a->n; k++)
        ref_put(a, k, a->i != NULL ? (double)(k % 100) : (double)(k - a->n / 2) * 0.1 + low);
    for (int64_t k = a->n - 1; k > 0; k--) {
        int64_t other = (int64_t)(draw(random) % (uint64_t)(k + 1));
        double x = ref_get(a, k);

        ref_put(a, k, ref_get(a, other));
        ref_put(a, other, x);
    }
}

/* Returns the axis that is expanded in CONF_EXPANDED; -1: none. */
static int stretched_axis(const ref_array *a)
{
    for (int d = 0; d < a->ndim; d++)
        if (a->dim[d] > 1)
            return d;
    return -1;
}

bool conf_fill(ref_array *a, const conf_operand *o, enum conf_layout layout, uint64_t *random)
{
    if (!ref_array_new(a, o->dtype, (int)o->shape.ndim, o->shape.dim))
        return false;
    if (o->values == CONF_DISTINCT)
        fill_distinct(a, o->low, random);
    for (int64_t k = 0; k < a->n; k++) {
        if (o->values == CONF_CONSTANT)
            ref_put(a, k, o->low);
        else if (o->values == CONF_INTEGER || (a->i != NULL && o->values == CONF_UNIFORM))
            put_whole(a, k, o->low, o->high, random);
        else if (o->values == CONF_UNIFORM)
            ref_put(a, k, o->low + (o->high - o->low) * draw_unit(random));
    }
    if (layout == CONF_EXPANDED && conf_applies(a, layout)) {
        int64_t inner = ref_count(a->ndim - stretched_axis(a) - 1, a->dim + stretched_axis(a) + 1);

        for (int64_t k = 0; k < a->n; k++)
            ref_move(a, k, a,
                     k / (inner * a->dim[stretched_axis(a)]) * inner * a->dim[stretched_axis(a)] +
                         k % inner);
    }
    return true;
}

/* ---- layouts ---- */

bool conf_applies(const ref_array *a, enum conf_layout layout)
{
    switch (layout) {
    case CONF_TRANSPOSED:
        return a->ndim >= 2;
    case CONF_SLICED:
        return a->ndim >= 1;
    case CONF_EXPANDED:
        return stretched_axis(a) >= 0 && a->n > 0;
    default:
        return true;
    }
}

bool conf_is_alias(const conf_case *c, int i)
{
    for (int j = 0; j < c->n_out; j++) {
        if (c->alias[j] == i)
            return true;
    }
    return false;
}

enum conf_layout conf_layout_of(const conf_case *c, const ref_array *in, int i,
                                enum conf_layout layout, int only)
{
    if (c->in[i].plain || (only >= 0 && only != i) || !conf_applies(&in[i], layout))
        return CONF_DENSE;
    if (layout == CONF_EXPANDED && conf_is_alias(c, i)) /* a destination must not overlap itself */
        return CONF_DENSE;
    return layout;
}

static void base_dims(const ref_array *a, enum conf_layout layout, int *ndim, int64_t *dim)
{
    *ndim = a->ndim;
    for (int d = 0; d < a->ndim; d++)
        dim[d] = layout == CONF_TRANSPOSED ? a->dim[a->ndim - 1 - d] : a->dim[d];
    if (layout == CONF_SLICED) {
        dim[a->ndim - 1] = 2 * dim[a->ndim - 1] + 1;
        if (a->ndim > 1)
            dim[0] += 2;
    } else if (layout == CONF_EXPANDED) {
        dim[stretched_axis(a)] = 1;
    } else if (layout == CONF_UNALIGNED) {
        *ndim = 1;
        dim[0] = a->n + 1;
    }
}

int64_t conf_base_count(const ref_array *a, enum conf_layout layout)
{
    int64_t dim[DNN_DIM_MAX] = {0};
    int ndim;

    base_dims(a, layout, &ndim, dim);
    return ref_count(ndim, dim);
}

int64_t conf_base_index(const ref_array *a, enum conf_layout layout, int64_t k)
{
    int64_t dim[DNN_DIM_MAX], place[DNN_DIM_MAX], at = 0;
    int ndim;

    if (layout == CONF_DENSE)
        return k;
    if (layout == CONF_UNALIGNED)
        return k + 1;
    base_dims(a, layout, &ndim, dim);
    for (int d = ndim - 1; d >= 0; d--) {
        place[layout == CONF_TRANSPOSED ? ndim - 1 - d : d] = k % a->dim[d];
        k /= a->dim[d];
    }
    if (layout == CONF_SLICED) {
        place[ndim - 1] = 2 * place[ndim - 1] + 1;
        place[0] += ndim > 1;
    } else if (layout == CONF_EXPANDED) {
        place[stretched_axis(a)] = 0;
    }
    for (int d = 0; d < ndim; d++)
        at = at * dim[d] + place[d];
    return at;
}

bool conf_base(ref_array *base, const ref_array *a, enum conf_layout layout)
{
    int64_t dim[DNN_DIM_MAX] = {0};
    int ndim;

    base_dims(a, layout, &ndim, dim);
    if (!ref_array_new(base, a->dtype, ndim, dim))
        return false;
    for (int64_t k = 0; k < base->n; k++)
        ref_put(base, k, base->f != NULL ? NAN : 1);
    for (int64_t k = 0; k < a->n; k++)
        ref_move(base, conf_base_index(a, layout, k), a, k);
    return true;
}

dnn_tensor *conf_view(dnn_tensor *base, const ref_array *a, enum conf_layout layout)
{
    dnn_shape shape = {.ndim = a->ndim};
    dnn_dims order = {.n = a->ndim};
    dnn_tensor *t = base;

    for (int d = 0; d < a->ndim; d++) {
        shape.dim[d] = a->dim[d];
        order.dim[d] = a->ndim - 1 - d;
    }
    switch (layout) {
    case CONF_TRANSPOSED:
        return dnn_permute(t, order);
    case CONF_EXPANDED:
        return dnn_expand(t, shape);
    case CONF_UNALIGNED:
        return dnn_view_to(dnn_slice(t, 0, 1, a->n + 1, 1), shape);
    case CONF_SLICED:
        if (a->ndim > 1)
            t = dnn_slice(t, 0, 1, 1 + a->dim[0], 1);
        return dnn_slice(t, -1, 1, 2 * a->dim[a->ndim - 1] + 1, 2);
    default:
        return t;
    }
}

/* ---- elements in memory ---- */

void conf_store(char *at, const ref_array *a, int64_t k)
{
    if (a->i == NULL) {
        dnn__store_double(a->dtype, at, a->f[k]);
    } else if (a->dtype == DNN_T_I64) {
        memcpy(at, &a->i[k], sizeof a->i[k]);
    } else {
        dnn__store_double(a->dtype, at, (double)a->i[k]);
    }
}

void conf_load(ref_array *a, int64_t k, const char *at)
{
    bool exact;

    if (a->f != NULL)
        a->f[k] = dnn__load_double(a->dtype, at);
    else
        a->i[k] =
            a->dtype == DNN_T_BOOL ? *(const uint8_t *)at : dnn__load_i64(a->dtype, at, &exact);
}

dnn_tensor *conf_tensor(const ref_array *a)
{
    dnn_shape shape = {.ndim = a->ndim};
    size_t item = dnn_dtype_size(a->dtype);
    char *bytes = calloc((size_t)a->n + 1, item);
    dnn_tensor *t;

    if (bytes == NULL)
        return NULL;
    for (int d = 0; d < a->ndim; d++)
        shape.dim[d] = a->dim[d];
    for (int64_t k = 0; k < a->n; k++)
        conf_store(bytes + (size_t)k * item, a, k);
    t = dnn_from_data(bytes, shape, .dtype = a->dtype);
    free(bytes);
    return t;
}

dnn_status conf_read(dnn_tensor *t, ref_array *a)
{
    size_t item = dnn_dtype_size(a->dtype);
    char *bytes = calloc((size_t)a->n + 1, item);
    dnn_status st = DNN_E_NOMEM;

    if (bytes != NULL)
        st = dnn_read(t, bytes, (size_t)a->n * item);
    for (int64_t k = 0; st == DNN_OK && k < a->n; k++)
        conf_load(a, k, bytes + (size_t)k * item);
    free(bytes);
    return st;
}

void conf_poison(const conf_operand *o)
{
    int64_t bytes = ref_count((int)o->shape.ndim, o->shape.dim) * (int64_t)dnn_dtype_size(o->dtype);
    void *data = malloc((size_t)bytes + 1);

    if (data != NULL && bytes > 0) {
        memset(data, 0xff, (size_t)bytes);
        dnn_release(dnn_from_data(data, DNN_SHAPE(bytes), .dtype = DNN_T_U8));
    }
    free(data);
}
